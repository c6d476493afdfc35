"""From strokes in pixels to a timed plan on a page, in millimetres.

`planner.plan_drawing` is not among the names here: it brings the room `strokes` along, and most who handle plans never
make one.
"""

from typing import TYPE_CHECKING

from sketch_robot.lazy import lazily

if TYPE_CHECKING:
    from sketch_robot.motion.machine import Machine, load_limits, load_machine, machine_names, save_machine
    from sketch_robot.motion.machine_limits import MachineLimits
    from sketch_robot.motion.page import DEFAULT_MARGIN_MM, Page, parse_page
    from sketch_robot.motion.plan import HOME_MM, DrawingPlan, Pen
    from sketch_robot.motion.plan_file import (
        load_plan,
        plan_from_json,
        plan_from_svg,
        plan_to_json,
        plan_to_svg,
        save_plan,
    )
    from sketch_robot.motion.timing import TimedPath, draw_motion, plan_motion, time_plan, travel_motion

__all__ = [
    'DEFAULT_MARGIN_MM',
    'HOME_MM',
    'DrawingPlan',
    'Machine',
    'MachineLimits',
    'Page',
    'Pen',
    'TimedPath',
    'draw_motion',
    'load_limits',
    'load_machine',
    'load_plan',
    'machine_names',
    'parse_page',
    'plan_from_json',
    'plan_from_svg',
    'plan_motion',
    'plan_to_json',
    'plan_to_svg',
    'save_machine',
    'save_plan',
    'time_plan',
    'travel_motion',
]

__getattr__ = lazily(
    __name__,
    machine='Machine load_limits load_machine machine_names save_machine',
    machine_limits='MachineLimits',
    page='DEFAULT_MARGIN_MM Page parse_page',
    plan='HOME_MM DrawingPlan Pen',
    plan_file='load_plan plan_from_json plan_from_svg plan_to_json plan_to_svg save_plan',
    timing='TimedPath draw_motion plan_motion time_plan travel_motion',
)
