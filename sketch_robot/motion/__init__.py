"""From strokes in pixels to a timed plan on a page, in millimetres.

`planner.plan_drawing` is not among the names here: it brings the room `strokes` along, and most who handle plans never
make one.
"""

from sketch_robot.motion.machine import Machine, load_machine, machine_names, make_profile, save_machine
from sketch_robot.motion.page import DEFAULT_MARGIN_MM, Page, parse_page
from sketch_robot.motion.plan import HOME_MM, DrawingPlan, Pen
from sketch_robot.motion.plan_file import load_plan, save_plan
from sketch_robot.motion.plan_json import plan_from_json, plan_to_json
from sketch_robot.motion.plan_svg import plan_from_svg, plan_to_svg
from sketch_robot.motion.profile import PenProfile
from sketch_robot.motion.timing import MotionProfile, draw_motion, plan_motion, time_plan, travel_motion

__all__ = [
    'DEFAULT_MARGIN_MM',
    'HOME_MM',
    'DrawingPlan',
    'Machine',
    'MotionProfile',
    'Page',
    'Pen',
    'PenProfile',
    'draw_motion',
    'load_machine',
    'load_plan',
    'machine_names',
    'make_profile',
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
