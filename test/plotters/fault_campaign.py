"""One seeded fault in the middle of one drawing, on either controller, resumed as a patient person would; what is then
on paper.

A kind is one of `sketch_robot_emulators.faults.KINDS`, or one of those that need more than the machine: 'killed' (the
program is, and another takes over), '..., port resets' (opening the port again
resets the board), '...+push' (the carriage is pushed while it rests afterwards), and a relative of
GRBL by name, reset in mid-drawing.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

sys.path += [str(Path(__file__).parent / folder) for folder in ('ebb', 'grbl')]
from ebb_bench import Bench, gaps, strays, waves
from grbl_bench import CARD, World, off_by_mm, small_plan, twice_mm

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.motion import DrawingPlan
from sketch_robot.plotters import PlotterStatus
from sketch_robot.plotters.journal import Journal
from sketch_robot_emulators import FLUIDNC, GRBLHAL, Fault, FaultSchedule, Hardware

LINE = ('lose-in', 'double-in', 'garble-in', 'garbage-in', 'lose-out', 'double-out', 'garble-out', 'garbage-out',
        'drop-ok', 'stall', 'slow', 'newline', 'forge-ok')  # fmt: skip
GRBL_KINDS = (
    *LINE, 'unplug', 'killed', 'unplug, port resets', 'killed, port resets', 'reset', 'alarm', 'button', 'suspend',
    'reset+push', 'alarm+push', 'grblHAL', 'FluidNC', 'stuck-pen',
)  # fmt: skip
EBB_KINDS = (
    *LINE, 'unplug', 'reset', 'alarm', 'supply', 'zero', 'button', 'suspend', 'killed', 'reset+push', 'supply+push',
    'stuck-pen',
)  # fmt: skip
VALUES = {'stall': 1.5, 'unplug': 1.0, 'button': 0.3, 'suspend': 2.0, 'slow': 0.05, 'supply': 0.5, 'stuck-pen': 0.4}
RELATIVES = {'grblHAL': GRBLHAL, 'FluidNC': FLUIDNC}
RESETTING = ', port resets'
PUSH_MM = 7.0
MOST_TWICE_MM, STEP_MM, MOST_OFF_MM = 2.0, 0.0125, 0.5
ATTEMPTS = 8


@dataclass(frozen=True)
class Outcome:
    """What a fault has left.

    Attributes:
        kind, seed: of the fault.
        happened: whether it came before the end.
        drawn: whether the driver says that all is on paper.
        lost_mm, stray_mm: how far what should be inked is from ink at most, and ink from what should be inked; inf for
            an EBB's where there is any beyond a pen's width.
        outside_mm: the farthest that the pen was off the page.
        twice_mm: ink beyond the plan's; of an EBB's beyond that of the same drawing without a fault, since a line in
            whole steps is longer than the plan's.
        dragged_mm: with a pen that should have been up.
        pen_up: at the end.
        errors: what the driver said, by code.
    """

    kind: str
    seed: int
    happened: bool
    drawn: bool
    off_mm: float
    outside_mm: float
    twice_mm: float
    dragged_mm: float
    pen_up: bool
    errors: tuple[str, ...]

    @property
    def resets_board(self) -> bool:
        """Whether opening the port again resets a board that has drawn on meanwhile: nobody knows what, so ink that
        is drawn twice is told by itself."""
        return self.kind.endswith(RESETTING)

    @property
    def is_unseen(self) -> bool:
        """Whether nothing tells a program of the fault: what a stuck lift leaves out or drags is told by itself."""
        return self.kind == 'stuck-pen'

    @property
    def wrong(self) -> str:
        """What is not as it should be; '': all is."""
        told = {
            'not drawn': not self.drawn,
            'ink lost or astray': self.off_mm > MOST_OFF_MM and not self.is_unseen,
            'outside the page': self.outside_mm > STEP_MM,
            'twice': self.twice_mm > MOST_TWICE_MM and not (self.resets_board or self.is_unseen),
            'dragged': self.dragged_mm > 0.0 and not self.is_unseen,
            'pen down': not self.pen_up,
        }
        return ', '.join(words for words, is_so in told.items() if is_so)


def grbl_outcome(kind: str, seed: int) -> Outcome:
    """One fault on an emulated GRBL machine with switches."""
    plan, name = small_plan(seed), kind.removesuffix(RESETTING).partition('+')[0]
    rng = np.random.default_rng([seed, *kind.encode()])
    with TemporaryDirectory() as folder:
        world = _grbl_world(kind, Path(folder), seed)
        world.plotter.connect()
        world.plotter.home()
        at_s = world.unit.seconds + float(rng.uniform(0.05, 0.95)) * plan.predicted_s
        if name == 'killed':
            world.link.at(at_s, world.link.kill)
        elif name in RELATIVES:
            world.unit.inject(Fault('reset', 'seconds', at_s))
        else:
            world.unit.inject(_fault(name, at_s, rng, world.unit.bytes_in, 3500.0))
        drawn = _draw_grbl(world, plan, pushed=kind.endswith('+push'))
    machine = world.machine
    return Outcome(
        kind, seed, bool(world.unit.faults.happened) or name == 'killed', drawn, off_by_mm(world, plan),
        machine.outside_mm, twice_mm(world, plan), machine.pen_down_travel_mm, not machine.down,
        tuple(error.code.name for error in world.errors),
    )  # fmt: skip


def _grbl_world(kind: str, folder: Path, seed: int) -> World:
    if kind not in RELATIVES:
        return World(folder, seed=seed, reset_on_open=kind not in ('unplug', 'killed'))
    mask = {22: 3, 20: 1}  # a relative's $22 is a mask: on, and single axes may be homed
    if kind != 'FluidNC':
        return World(folder, seed=seed, dialect=RELATIVES[kind], settings=mask)
    hardware = Hardware(CARD, switch_mm=(-1.0, -1.0, 10.0))  # it homes to 0 at the page's corner, and counts upwards
    driver = {'origin_mm': (0.0, 0.0)}
    return World(folder, seed=seed, dialect=RELATIVES[kind], settings=mask, hardware=hardware, driver=driver)


def _draw_grbl(world: World, plan: DrawingPlan, *, pushed: bool) -> bool:
    """A program that was killed is followed by another."""

    def mend(_error: SketchRobotError) -> None:
        world.link.revive()
        world.link.wait(1.5)
        if pushed and len(world.errors) == 1:
            world.machine.slip(np.array([PUSH_MM, PUSH_MM]))

    return world.draw(plan, ATTEMPTS, mend=mend)


def ebb_outcome(kind: str, seed: int) -> Outcome:
    """One fault on an emulated AxiDraw, of firmware 2.5 to 3.0."""
    plan, name = waves(seed % 7), kind.partition('+')[0]
    rng = np.random.default_rng([seed, *kind.encode()])
    in_old = name.endswith('-in')  # without checksums older firmware obeys what it hears
    bench = Bench((3, 0, 3) if in_old else ((2, 5, 3), (2, 8, 1), (3, 0, 3))[seed % 3])
    if name in ('supply', 'zero'):  # older firmware cannot tell of a supply that is back before it is asked
        bench = Bench((3, 0, 3))
    at_s = bench.unit.seconds + float(rng.uniform(0.05, 0.85)) * plan.predicted_s
    if name == 'killed':
        bench.link.at(at_s, bench.link.kill)
    else:
        fault = _fault(name, at_s, rng, bench.unit.bytes_in, 2500.0 * plan.predicted_s)
        bench.break_with(FaultSchedule([fault], seed=seed))
    with TemporaryDirectory() as folder:
        drawn, errors = _draw_ebb(bench, plan, Path(folder) / 'journal', pushed=kind.endswith('+push'))
    trace = bench.unit.trace
    off_mm = 0.0 if strays(bench.unit, plan) == gaps(bench.unit, plan) == 0 else np.inf
    return Outcome(
        kind, seed, bool(bench.unit.faults.happened) or name == 'killed', drawn, off_mm, trace.outside_mm,
        trace.ink_mm - _ebb_ink_mm(seed % 7, bench.firmware), trace.pen_down_travel_mm, not bench.carriage.pen_down,
        tuple(error.code.name for error in errors),
    )  # fmt: skip


@cache
def _ebb_ink_mm(plan: int, firmware: tuple[int, int, int]) -> float:
    """The ink of a drawing without a fault."""
    bench = Bench(firmware)
    assert bench.plotter.draw(waves(plan)).finished
    return bench.unit.trace.ink_mm


def _draw_ebb(bench: Bench, plan: DrawingPlan, path: Path, *, pushed: bool) -> tuple[bool, list[SketchRobotError]]:
    """Connect again, put the pen over the corner when asked, and resume; whether all was drawn, and what was said."""
    errors: list[SketchRobotError] = []
    with Journal(path) as journal:
        for _ in range(ATTEMPTS):
            try:
                if bench.plotter.status == PlotterStatus.OFFLINE:
                    bench.plotter.connect()
                if bench.plotter.status == PlotterStatus.ALARM:
                    bench.carriage.move_by_hand((0.0, 0.0))
                    bench.plotter.set_origin()
                if bench.plotter.draw(plan, _resumed(bench), journal=journal).finished:
                    bench.let_pass(0.5)
                    return True, errors
            except SketchRobotError as error:
                errors.append(error)
                if error.code == ErrorCode.NOTHING_TO_DRAW:
                    bench.let_pass(0.5)
                    return True, errors
                bench.link.revive()
                bench.let_pass(3.0)
                if pushed and len(errors) == 1 and not bench.carriage.pen_down:  # else pushing draws
                    x, y = bench.carriage.xy_mm
                    bench.carriage.move_by_hand((x + PUSH_MM, y + PUSH_MM))
                if bench.plotter.status == PlotterStatus.IDLE and len(errors) > 1:
                    with suppress(SketchRobotError):
                        bench.plotter.close()
    return False, errors


def _resumed(bench: Bench):
    def look(_progress: object) -> None:
        if bench.plotter.status == PlotterStatus.PAUSED:
            bench.plotter.resume()

    return look


def _fault(name: str, at_s: float, rng: np.random.Generator, sent: int, ahead: float) -> Fault:
    """Of the line to the machine by the byte, others by the second."""
    fault = Fault(name, 'seconds', at_s, VALUES.get(name))
    if name.endswith('-in') and name != 'garbage-in':
        return replace(fault, moment='bytes', at=float(sent + rng.integers(50, max(51, int(ahead)))))
    return fault
