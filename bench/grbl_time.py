"""How long an emulated GRBL controller takes for a plan, sent as the driver sends it, in the controller's own time."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from sketch_robot.motion import DrawingPlan
from sketch_robot.plotters.grbl.options import GrblPen
from sketch_robot.plotters.grbl.program import GrblProgram, PagePlacement
from sketch_robot.plotters.page_axes import PageAxes
from sketch_robot_emulators import GrblUnit, Hardware

RX_BYTES = 127  # that a sender keeps outstanding at most


def controller_seconds(plan: DrawingPlan, steps_per_mm: float, *, line_s: float = 0.0) -> float:
    """Seconds that a controller with the profile's limits takes for a plan, from rest at home and back.

    Args:
        plan: its profile has limits for the axes.
        steps_per_mm: of both axes ($100, $101).
        line_s: the controller's time for a line; bytes themselves need none.
    """
    profile = plan.profile
    (speed_x, speed_y), (accel_x, accel_y) = profile.axis_speed_mm_s, profile.axis_accel_mm_s2
    settings = {
        11: profile.junction_deviation_mm, 100: steps_per_mm, 101: steps_per_mm,
        110: 60.0 * speed_x, 111: 60.0 * speed_y, 120: accel_x, 121: accel_y,
    }  # fmt: skip
    unit = GrblUnit(Hardware(plan.page), settings=settings, baud=0, line_s=line_s, reset_on_open=False)
    lines, outstanding = deque(gcode_of(plan, steps_per_mm)), deque[int]()
    begun_s = unit.seconds
    while lines or outstanding or not unit.quiet:
        while lines and sum(outstanding) + len(lines[0]) <= RX_BYTES:
            outstanding.append(len(lines[0]))
            unit.send(lines.popleft().encode())
        unit.run(max(0.0, unit.seconds_to_event()) if not unit.quiet else 0.0)
        for _ in range(unit.heard().count(b'ok\r\n')):
            outstanding.popleft()
    return unit.seconds - begun_s


def gcode_of(plan: DrawingPlan, steps_per_mm: float = 80.0) -> Iterator[str]:
    """The lines of a drawing, without those before the first travel."""
    slowest_rapid = min(plan.profile.axis_speed_mm_s)
    program = GrblProgram(
        PagePlacement(PageAxes.of(), plan.page), GrblPen(), plan.profile,
        rapid_mm_s=slowest_rapid, steps_per_mm=(steps_per_mm, steps_per_mm),
    )  # fmt: skip
    for number, stroke in enumerate(plan.strokes):
        yield from (step.data.decode() for step in program.draw(stroke, program.path_of(stroke), number))
    yield from (step.data.decode() for step in program.travel((0.0, 0.0)))
    yield 'M5\n'
