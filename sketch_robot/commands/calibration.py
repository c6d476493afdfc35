"""What `sketch-robot machine calibrate` does and asks, step by step."""

from __future__ import annotations

import math
import sys
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sketch_robot.commands import UsageError
from sketch_robot.errors import ErrorCode, SketchRobotError

if TYPE_CHECKING:  # the rooms take a second to load; `--help` does without
    from sketch_robot.motion.machine import Machine
    from sketch_robot.motion.page import Page
    from sketch_robot.plotters.plotter import Plotter

TRIES_OF_PEN = 3
UNLIKELY = 0.05  # of scale, or of a right angle in radians: rather a slip of the ruler than a machine's fault


class Setup:
    """What is found out of a machine, step by step.

    Attributes:
        machine: as it is to be kept.
    """

    def __init__(self, machine: Machine, page: Page) -> None:
        self.machine, self.page = machine, page

    def option(self, **options: Any) -> None:
        """Keep options of the driver."""
        self.machine = replace(self.machine, options={**self.machine.options, **options})

    def keep_port(self, port: str) -> None:
        """Keep a port by the id of what is plugged in there, where it has one."""
        from sketch_robot.plotters.ports import find_ports

        fitting = [found.device_id for found in find_ports() if port in found.names]
        name = fitting[0] if len(fitting) == 1 else port
        self.option(port=name)
        _say(f'port: {name}')

    def measure(self, args: Namespace) -> None:
        """Take in the measured sides of a card that was drawn with the present correction."""
        if args.measured_width is None:
            return
        self.correct(
            args.measured_width, args.measured_height, *(args.measured_diagonals or (0.0, 0.0)), is_sure=args.yes
        )

    def correct(
        self,
        width_mm: float,
        height_mm: float,
        rising_mm: float = 0.0,
        falling_mm: float = 0.0,
        *,
        is_sure: bool = False,
    ) -> None:
        """Correct scale and squareness; asks before a correction is kept that is unlikely to be right, unless sure.

        Raises:
            SketchRobotError: BAD_GOAL, the measurements cannot be, or nobody wants them kept.
        """
        from sketch_robot.plotters import Capability, find_driver
        from sketch_robot.plotters.setup.card import Measured, correction_from, make_card, scale_and_skew

        if Capability.CORRECTION not in find_driver(self.machine.driver).capabilities:
            raise SketchRobotError(ErrorCode.BAD_GOAL, f'the driver {self.machine.driver!r} takes no correction')
        card = make_card(self.page, self.machine.motion)
        measured = Measured(width_mm, height_mm, rising_mm, falling_mm)
        before = self.machine.options.get('correction', ((1.0, 0.0), (0.0, 1.0)))
        x, y, skew = scale_and_skew(measured, card.width_mm, card.height_mm)
        matrix = correction_from(measured, card.width_mm, card.height_mm, drawn_with=before)
        found = (
            f'it drew {100.0 * (x - 1.0):+.2f} % in width, {100.0 * (y - 1.0):+.2f} % in height, '
            f'{math.degrees(skew):+.2f} degrees from square'
        )
        if max(abs(x - 1.0), abs(y - 1.0), abs(skew)) >= UNLIKELY and not is_sure:
            _say(f'{found}; machines are seldom so far off')
            if not _ask('keep that correction? yes or no').lower().startswith('y'):
                raise SketchRobotError(
                    ErrorCode.BAD_GOAL,
                    f'the correction was not kept: {found}; measure again, set the steps per mm, or say --yes',
                )
        self.option(correction=[[round(float(value), 8) for value in row] for row in matrix])
        _say(f'{found}; corrected')

    def time_lifts(self, lift_s: float | None, drop_s: float | None) -> None:
        """Keep how long the pen takes to rise and to come down."""
        if lift_s is None and drop_s is None:
            return
        motion = self.machine.motion
        up_s = motion.lift_s if lift_s is None else lift_s
        down_s = up_s if drop_s is None else drop_s
        self.machine = replace(self.machine, motion=replace(motion, lift_s=up_s, drop_s=down_s))
        _say(f'lift: {up_s:g} s, drop: {down_s:g} s')

    def set_heights(self, *, up: float | None = None, down: float | None = None) -> None:
        """Keep the pen's heights.

        Raises:
            SketchRobotError: BAD_GOAL, the machine's pen has none.
        """
        from sketch_robot.plotters import Capability, find_driver

        driver = find_driver(self.machine.driver)
        if Capability.PEN_HEIGHTS not in driver.capabilities:
            raise SketchRobotError(ErrorCode.BAD_GOAL, f'the driver {driver.name!r} has no pen heights to set')
        pen = dict(self.machine.options.get('pen') or {})
        pen.update({key: v for key, v in zip(driver.pen_height_keys, (up, down), strict=True) if v is not None})
        self.option(pen=pen)

    def write_card(self, path: Path) -> None:
        """Write the test card as a plan."""
        from sketch_robot.motion import save_plan
        from sketch_robot.plotters.setup.card import make_card

        card = make_card(self.page, self.machine.motion)
        save_plan(card.plan, path)
        _say(f'{path}: the large rectangle is {card.width_mm:g} x {card.height_mm:g} mm')

    def draw_card(self, plotter: Plotter) -> None:
        """Draw the test card, and say how long its sides should be."""
        from sketch_robot.plotters.setup.card import make_card

        card = make_card(self.page, self.machine.motion)
        _say(f'drawing the test card, {card.plan.predicted_s:.0f} s')
        plotter.draw(card.plan)
        _say(
            f'measure the large rectangle: its width should be {card.width_mm:g} mm, its height {card.height_mm:g} mm, '
            f'its diagonals {card.diagonal_mm:.1f} mm'
        )

    def move(self, args: Namespace) -> None:
        """Do what the options ask of the machine itself."""
        if args.pen_up is not None or args.pen_down is not None:
            self.set_heights(up=args.pen_up, down=args.pen_down)
        elif not (args.home or args.jog or args.origin_here or args.card):
            return
        with make(self.machine, args.port) as plotter:
            if args.home:
                plotter.home()
            if args.jog:
                plotter.jog(*args.jog)
            if args.pen_up is not None or args.pen_down is not None:
                try_pen(plotter)
            if args.origin_here:
                plotter.set_origin()
                if (origin_mm := plotter.origin_found_by_homing()) is not None:
                    self.option(origin_mm=list(origin_mm))
                    _say(f'origin: {origin_mm[0]:g}, {origin_mm[1]:g} mm of the machine')
            if args.card:
                self.draw_card(plotter)


class Dialogue:
    """Asks, on a terminal or anything else that answers in lines; an empty answer goes on."""

    def __init__(self, setup: Setup, plotter: Plotter) -> None:
        self._setup, self._plotter = setup, plotter

    def find_heights(self) -> None:
        """Of the pen; first of all, since nothing can be drawn without."""
        told = self._plotter.describe()
        _say(f'{told.get("firmware", self._setup.machine.driver)}: {told["status"]} {told["reason"]}'.rstrip())
        self._pen()

    def find_the_rest(self) -> None:
        """The origin, scale and squareness, and the lifts."""
        self._jog()
        if _ask('draw the test card, with paper under the pen? [y/N]').lower() in ('y', 'yes'):
            self._setup.draw_card(self._plotter)
        self._measured()
        if numbers := _numbers('seconds that the pen takes to rise clear, and to come down', (1, 2)):
            self._setup.time_lifts(numbers[0], numbers[1] if len(numbers) > 1 else None)

    def _jog(self) -> None:
        while answer := _ask('jog by "X Y" mm; "home"; "here": the pen is above the page\'s lower left corner'):
            with _said(answer):
                if answer == 'home':
                    self._plotter.home()
                elif answer == 'here':
                    self._plotter.set_origin()
                    if (origin_mm := self._plotter.origin_found_by_homing()) is not None:
                        self._setup.option(origin_mm=list(origin_mm))
                else:
                    x, y = (float(word) for word in answer.split())
                    self._plotter.jog(x, y)

    def _pen(self) -> None:
        last: float | None = None
        while answer := _ask('pen: a height to try; "up" or "down": keep the last one as that; "test"'):
            with _said(answer):
                if answer == 'test':
                    try_pen(self._plotter)
                elif answer in ('up', 'down') and last is not None:
                    self._setup.set_heights(**{answer: last})
                else:
                    last = float(answer)
                    self._plotter.move_pen(last)

    def _measured(self) -> None:
        numbers = _numbers('measured width and height, and diagonals from the lower and upper left corner, mm', (2, 4))
        while numbers:
            try:
                self._setup.correct(*numbers)
                return
            except SketchRobotError as error:
                _say(error.message)
            numbers = _numbers('measured again', (2, 4))


def make(machine: Machine, port: str | None) -> Plotter:
    """A machine's plotter, not yet connected.

    Raises:
        UsageError: its file or the port cannot be used.
    """
    from sketch_robot.plotters import make_plotter

    try:
        return make_plotter(machine, port)
    except SketchRobotError as error:
        raise UsageError(error.code, error.message) from error


def try_pen(plotter: Plotter) -> None:
    """Lower and raise the pen a few times."""
    for _ in range(TRIES_OF_PEN):
        plotter.set_pen(True)
        plotter.set_pen(False)


def _numbers(question: str, counts: tuple[int, ...]) -> list[float]:
    """An answer of so many numbers; none: nothing was said."""
    while answer := _ask(question):
        try:
            numbers = [float(word) for word in answer.replace(',', ' ').split()]
        except ValueError:
            numbers = []
        if len(numbers) in counts:
            return numbers
        _say(f'say {" or ".join(map(str, counts))} numbers')
    return []


@contextmanager
def _said(answer: str) -> Iterator[None]:
    """What an answer cannot do is said, so that the next may follow; a machine that is gone ends all."""
    try:
        yield
    except ValueError:
        _say(f'{answer!r} is none of these')
    except SketchRobotError as error:
        if error.code == ErrorCode.PLOTTER_OFFLINE:
            raise
        _say(error.message)


def _ask(question: str) -> str:
    sys.stderr.write(f'{question}: ')
    sys.stderr.flush()
    line = sys.stdin.readline()
    if not line:
        sys.stderr.write('\n')
    return line.strip()


def _say(text: str) -> None:
    sys.stderr.write(f'sketch-robot: {text}\n')
