"""How long GRBL 1.1h takes for a plan, sent as the driver sends it, by a simulation that makes every step."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

import numpy as np

from sketch_robot.motion import DrawingPlan
from sketch_robot.plotters.emulators.grbl_simulation import Move, simulate_program
from sketch_robot.plotters.grbl_program import Frame, PenLift, Program

_WORD = re.compile(r'([GMXYZFPS])(-?[0-9.]+)')


def grbl_seconds(plan: DrawingPlan, steps_per_mm: float, *, line_s: float = 0.0) -> float:
    """Seconds that a GRBL with the profile's limits takes for a plan, from rest at home and back.

    Args:
        plan: its profile has limits for the axes.
        steps_per_mm: of both axes ($100, $101).
        line_s: the controller's time for a line.
    """
    profile = plan.profile
    (speed_x, speed_y), (accel_x, accel_y) = profile.axis_speed_mm_s, profile.axis_accel_mm_s2
    settings = {
        1: 255.0, 11: profile.junction_deviation_mm, 100: steps_per_mm, 101: steps_per_mm,
        110: 60.0 * speed_x, 111: 60.0 * speed_y, 120: accel_x, 121: accel_y,
    }  # fmt: skip
    return simulate_program(list(moves_of(gcode_of(plan, steps_per_mm))), settings, line_s=line_s).seconds


def gcode_of(plan: DrawingPlan, steps_per_mm: float = 80.0) -> Iterator[str]:
    """The lines of a drawing, without those before the first travel."""
    slowest_rapid = min(plan.profile.axis_speed_mm_s)
    program = Program(
        Frame(np.zeros(2), np.eye(2), plan.page), PenLift(), plan.profile,
        rapid_mm_s=slowest_rapid, steps_per_mm=(steps_per_mm, steps_per_mm),
    )  # fmt: skip
    for number, stroke in enumerate(plan.strokes):
        yield from (step.data.decode() for step in program.draw(stroke, program.path_of(stroke), number))
    yield from (step.data.decode() for step in program.travel((0.0, 0.0)))
    yield 'M5'


def moves_of(lines: Iterable[str]) -> Iterator[Move]:
    """G-code of G0, G1, G2, G4, G90, G91, M3, M5 in mm and mm/min for the simulation; other words mean nothing here.

    The driver's arcs go on by a thousandth of a mm: they are taken for straight.
    """
    place, feed, rapid, relative = [0.0, 0.0], 0.0, True, False
    for line in lines:
        words = _WORD.findall(line)
        codes = {float(value) for letter, value in words if letter == 'G'}
        values = {letter: float(value) for letter, value in words if letter != 'G'}
        relative = 91.0 in codes or (relative and 90.0 not in codes)
        rapid = 0.0 in codes or (rapid and not codes & {1.0, 2.0})
        feed = values.get('F', feed)
        if 'M' in values:
            yield Move(dwell_s=0.0)
        elif 4.0 in codes:
            yield Move(dwell_s=values['P'])
        elif values.keys() & {'X', 'Y'}:
            for axis, name in enumerate('XY'):
                place[axis] = (place[axis] + values.get(name, 0.0)) if relative else values.get(name, place[axis])
            yield Move((place[0], place[1]), 0.0 if rapid else feed)
