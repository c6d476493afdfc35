"""A GRBL controller that is ready to draw: known, set up, located, its pen raised."""

from __future__ import annotations

import logging
from contextlib import suppress

import numpy as np

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.motion.page import Page
from sketch_robot.motion.profile import PenProfile
from sketch_robot.plotters.grbl_asking import first_report, read_zero
from sketch_robot.plotters.grbl_events import (
    AlarmError,
    CommandError,
    Damaged,
    DoorOpen,
    Held,
    RestartError,
    held_up,
    restarted,
    silent,
    unlike_grbl,
)
from sketch_robot.plotters.grbl_frame import Frame
from sketch_robot.plotters.grbl_memory import Found, find, leave_token
from sketch_robot.plotters.grbl_options import GrblOptions
from sketch_robot.plotters.grbl_port import ASKINGS
from sketch_robot.plotters.grbl_program import PROBE_RADIUS_MM, Program
from sketch_robot.plotters.grbl_setup import (
    LEAST_BYTES,
    Controller,
    check_reach,
    complaints,
    configure,
    identify,
    unusable,
    wanted_settings,
)
from sketch_robot.plotters.grbl_status import Report
from sketch_robot.plotters.grbl_step import MODES
from sketch_robot.plotters.grbl_stream import GrblStream
from sketch_robot.plotters.serial_link import Link

HOMING_S = 120.0
MOVED_MM = 0.01
UNLOCK, HOME = '$X', '$H'
_log = logging.getLogger(__name__)


class GrblClient:
    """One controller; one thread uses it.

    Attributes:
        stream: its connection.
        controller: what it says it is.
        located: whether its coordinates are those of the page: not after it was restarted, until it has homed or the
            origin was set.
        trusted: whether that is known rather than taken for granted, as where the pen was at power-on.
        origin_mm: machine coordinates of the page's lower left corner.
        token: a number that the controller keeps until it restarts.
        found: how it was when it was connected; None: just switched on.
        has_arcs: whether it takes arcs, and so probes.
    """

    def __init__(self, link: Link, options: GrblOptions) -> None:
        self.link, self.options = link, options
        self.stream = GrblStream(link)
        self.controller = Controller('', 15, 128, {})
        self.located = self.trusted = False
        self.origin_mm = np.zeros(2)
        self.zero_mm = np.zeros(2)
        self.token = 0
        self.found: Found | None = None
        self.has_arcs = True
        self._locked = False

    # ------------------------------------------------------------- beginning
    def open(self) -> None:
        """Open the port, stop what may still be moving, find out what it is, and raise the pen.

        Raises:
            SketchRobotError: PLOTTER_OFFLINE, the port cannot be opened, nobody answers, or it is no GRBL 1.1;
                PLOTTER_ALARM, its settings cannot be used.
        """
        self.link.open()
        try:
            self._begin_or_again()
        except Damaged as damage:
            self.close()
            raise unlike_grbl(self.link.port, damage) from damage
        except Held as held:
            self.close()
            raise held_up(held) from held
        except BaseException:
            self.close()
            raise

    def _begin_or_again(self) -> None:
        self.found = None
        for attempt in range(ASKINGS):
            try:
                self._begin()
            except (Damaged, CommandError, AlarmError, RestartError) as error:  # nothing was moved yet
                _log.info('connecting again: %s', error)
                if isinstance(error, RestartError) or (isinstance(error, AlarmError) and error.loses_position):
                    self.found = None
                if attempt + 1 == ASKINGS:
                    raise
            else:
                return

    def _begin(self) -> None:
        report, has_started = first_report(self.stream, self.link)
        self.found = None if has_started else self.found or find(self.stream, self.options.pen, report)
        self.reset()
        self._identify()
        self._locate_at_start()
        if not self._locked:
            self.set_up()

    def close(self) -> None:
        """Give the port back, whatever the controller does."""
        self.link.close()
        self.stream.forget()

    def _identify(self) -> None:
        self.controller = identify(self.stream)
        self.stream.rx_bytes = self.stream.free_bytes = self.controller.rx_bytes
        options = self.options
        if options.configure:
            wanted = wanted_settings(options.profile, motion=options.configure_motion)
            self.controller = configure(self.stream, self.controller, wanted)
        self.stream.pen_range = self.controller.pen_range
        problem = unusable(self.controller)
        if problem:
            raise SketchRobotError(ErrorCode.PLOTTER_ALARM, f'the GRBL controller cannot be used: {problem}')
        for complaint in complaints(self.controller, options.profile, options.pen):
            _log.warning('%s; the predicted times will be off', complaint)

    def _locate_at_start(self) -> None:
        report = self.stream.look()
        if report.bytes_free >= LEAST_BYTES:
            self.stream.free_bytes = report.bytes_free
            self.stream.rx_bytes = min(self.stream.rx_bytes, report.bytes_free)
        self._locked = report.state == 'Alarm'
        self.located, self.trusted = not self._locked, False
        fixed = self.options.origin_mm
        if fixed is not None:
            self.origin_mm = fixed
        elif self.controller.homes:
            self.origin_mm = np.array(self.controller.corner_mm)
        else:
            self.origin_mm = np.zeros(2)

    # ------------------------------------------------------------- modes and pen
    def set_up(self) -> None:
        """Set modes, ask for offsets, leave a token, raise the pen; as after every reset."""
        try:
            self.stream.command(MODES)
        except Damaged:
            report = self.stream.look()
            if report.state == 'Door' and report.detail != 0:
                raise DoorOpen from None
            raise
        self.token = leave_token(self.stream, self.options.pen, self.token)
        self.zero_mm = read_zero(self.stream)
        if (read_zero(self.stream) != self.zero_mm).any():  # all coordinates hang on it
            raise Damaged('the controller told two different offsets')
        self.raise_pen()

    def raise_pen(self) -> None:
        """Raise the pen and give it the time."""
        for step in Program(self._any_frame(), self.options.pen, self.options.profile, self.zero_mm).raise_pen(-1):
            self.stream.command(step.data.decode().strip())

    def set_pen(self, down: bool) -> None:
        """Lower or raise it where it is."""
        if not down:
            self.raise_pen()
            return
        self.stream.command(self.options.pen.lower_line())
        self.stream.command(f'G4P{self.options.profile.drop_s:.3f}')

    def stand(self) -> Report:
        """Halt and drop what was sent ahead; the pen is raised where it stands. Returns where that is."""
        report = self.stream.halt()
        self.recover()
        return report

    def recover(self) -> None:
        """Start anew at a standstill, and raise the pen.

        Raises:
            SketchRobotError: PLOTTER_OFFLINE; PLOTTER_ALARM, it stays locked.
            DoorOpen: the pen is not raised.
            RestartError: it has started twice, and the second time not by the reset.
        """
        stood = self.stream.report
        for attempt in range(ASKINGS):
            try:
                self.reset()
                self.set_up()
            except CommandError as error:
                if attempt + 1 == ASKINGS:
                    raise
                _log.info('%s', error.message)
            except Damaged as error:
                if attempt + 1 == ASKINGS:
                    raise silent(self.link.port) from error
            else:
                break
        if stood is None or not self.stream.welcomed_twice:
            return
        if np.abs(self.stream.look().xy_mm - stood.xy_mm).max() > MOVED_MM:
            raise restarted()

    def reset(self) -> None:
        """Start anew."""
        self.stream.reset()

    def make_safe(self, *, keep_position: bool = False) -> None:
        """After an alarm or a restart: raise the pen if it can be done.

        Args:
            keep_position: coordinates are still good.
        """
        self.found = None
        if not keep_position:
            self.located = self.trusted = False
            self.token = 0
        try:
            for _ in range(ASKINGS):
                with suppress(Damaged, AlarmError):
                    self.reset()
                    self.stream.command(UNLOCK)
                    self._locked = False
                    if self.options.pen.kind != 'z':
                        self.raise_pen()
                    else:  # where z is, nobody knows; up is safe
                        self.stream.command(f'G21G91G0Z{self.options.pen.up - self.options.pen.down:.3f}')
                        self.stream.command('G90')
                    return
        except SketchRobotError as error:
            _log.warning('the pen could not be raised: %s', error.message)

    # ------------------------------------------------------------- where it is
    def can_home(self) -> bool:
        """Whether it can find its position by itself."""
        return self.controller.homes and self.options.may_home

    def home(self) -> None:
        """Find the position by the limit switches.

        Raises:
            SketchRobotError: PLOTTER_ALARM, it failed.
        """
        if self.options.pen.kind != 'z':  # z homes first, away from the paper
            if self._locked:
                self.stream.command(UNLOCK)
            self.raise_pen()
        self.stream.command(HOME, HOMING_S)
        self._locked, self.located, self.trusted, self.found = False, True, True, None
        self.set_up()

    def set_origin(self) -> None:
        """The pen stands over the page's lower left corner now."""
        report = self.stream.look()
        if report.state == 'Alarm':
            self.stream.command(UNLOCK)
            report = self.stream.look()
        self._locked = False
        self.set_up()
        self.origin_mm = self.machine_mm(report) - np.zeros(2)
        self.located, self.trusted, self.found = True, True, None

    def machine_mm(self, report: Report) -> np.ndarray:
        """(2,) machine coordinates of a report."""
        return report.xy_mm + (self.zero_mm if report.of_work else 0.0)

    def program(self, page: Page, profile: PenProfile) -> Program:
        """Makes lines for a page.

        Raises:
            SketchRobotError: OFF_PAGE, part of the page is outside the machine.
        """
        frame = Frame(self.origin_mm, self.options.matrix, page)
        check_reach(self.controller, frame)
        settings = self.controller.settings
        return Program(
            frame,
            self.options.pen,
            profile,
            self.zero_mm,
            self.controller.rapid_mm_s,
            (settings.get(100, 80.0), settings.get(101, 80.0)),
            max(PROBE_RADIUS_MM, 2.0 * settings.get(12, 0.0)),
            self.has_arcs,
        )

    def _any_frame(self) -> Frame:
        return Frame(self.origin_mm, self.options.matrix, Page(1000.0, 1000.0, 0.0))
