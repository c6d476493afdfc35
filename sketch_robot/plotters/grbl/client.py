"""A GRBL controller that is ready to draw: known, set up, located, its pen raised."""

from __future__ import annotations

import logging
from contextlib import suppress

import numpy as np

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.motion.machine_limits import MachineLimits
from sketch_robot.motion.page import Page
from sketch_robot.plotters.grbl.connection import ASKINGS, HOLD, RESET, GrblConnection
from sketch_robot.plotters.grbl.interruptions import (
    AlarmError,
    CommandError,
    Damaged,
    DoorOpen,
    HoldRequested,
    RestartError,
    held_up,
    not_grbl,
    restarted,
    silent,
    unlike_grbl,
)
from sketch_robot.plotters.grbl.location import IN_MOTION, MOVED_MM, GrblLocation, Standstill, origin_wanted
from sketch_robot.plotters.grbl.options import GrblOptions
from sketch_robot.plotters.grbl.program import (
    MODES,
    PROBE_RADIUS_MM,
    GrblProgram,
    PagePlacement,
    lower_line,
    raise_line,
)
from sketch_robot.plotters.grbl.settings import (
    LEAST_BYTES,
    Controller,
    check_reach,
    complaints,
    configure,
    identify,
    read_startup,
    read_zero,
    unusable,
    wanted_settings,
)
from sketch_robot.plotters.grbl.streaming import GrblStreamer
from sketch_robot.plotters.serial_link import Link

HOMING_S = 120.0
UNLOCK, HOME = '$X', '$H'
JOG_MM_S = 30.0
BRAKE_S, START_S = 0.5, 1.0  # to stand after a feed hold, and to hear lines after a reset
MOVE_PEN_S = 0.3  # a servo may have to go all its way
_ANYWHERE = Page(1000.0, 1000.0, 0.0)
_log = logging.getLogger(__name__)


class GrblClient:
    """One controller; one thread uses it.

    Args:
        link: to it.
        options: what the machine's file says.
        limits: how fast it moves without a drawing, and what its settings are compared with.

    Attributes:
        connection: single exchanges.
        streamer: programs.
        location: where the machine and the page are.
        controller: what it says it is.
        found: how it was when it was connected; None: just switched on, or that was used.
        was_left_moving: whether it was left in mid-drawing, and started when it was connected, as most boards do when
            their port is opened.
        has_arcs: whether it takes arcs, and so probes.
    """

    def __init__(self, link: Link, options: GrblOptions, limits: MachineLimits) -> None:
        self.link, self._options, self._limits = link, options, limits
        self.connection = GrblConnection(link)
        self.streamer = GrblStreamer(self.connection)
        fixed_mm = None if options.origin_mm is None else np.array(options.origin_mm, dtype=np.float64)
        self.location = GrblLocation(self.connection, options.pen, fixed_mm)
        self.controller = Controller('', 15, 128, {})
        self.found: Standstill | None = None
        self.was_left_moving = False
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
            named = not_grbl(self.link)
            self.close()
            raise named or unlike_grbl(self.link.port, damage) from damage
        except HoldRequested as held:
            self.close()
            raise held_up(held) from held
        except BaseException:
            self.close()
            raise

    def _begin_or_again(self) -> None:
        self.found, self.was_left_moving = None, False
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
        try:
            report, has_started = self.connection.await_first_report()
        except SketchRobotError as error:
            raise not_grbl(self.link) or error from None
        self.was_left_moving = self.was_left_moving or (has_started and self.location.was_left_moving)
        self.found = None if has_started else self.found or self.location.find(report)
        self._reset()
        self.location.lose()
        self._identify()
        report = self.connection.look()
        if report.bytes_free >= LEAST_BYTES:
            self.streamer.free_bytes = report.bytes_free
            self.streamer.rx_bytes = min(self.streamer.rx_bytes, report.bytes_free)
        self._locked = report.state == 'Alarm'
        if not self._locked:
            self.set_up()
            if self.found is not None:
                self.location.recall(self.found)

    def close(self) -> None:
        """Give the port back, whatever the controller does."""
        self.link.close()
        self.connection.forget()
        self.streamer.clear()

    def _identify(self) -> None:
        options, limits = self._options, self._limits
        self.controller = identify(self.connection)
        self.streamer.rx_bytes = self.streamer.free_bytes = self.controller.rx_bytes
        if options.configure:
            wanted = wanted_settings(limits, motion=options.configure_motion)
            self.controller = configure(self.connection, self.controller, wanted)
        self.streamer.pen_range = self.controller.pen_range
        problem = unusable(self.controller, options.pen, read_startup(self.connection))
        if problem:
            raise SketchRobotError(ErrorCode.PLOTTER_ALARM, f'the GRBL controller cannot be used: {problem}')
        for complaint in complaints(self.controller, limits):
            _log.warning('%s; the predicted times will be off', complaint)

    # ------------------------------------------------------------- modes and pen
    def set_up(self) -> None:
        """Set modes, raise the pen, leave the token, ask for offsets; as after every reset."""
        try:
            self.connection.command(MODES)
        except Damaged:
            report = self.connection.look()
            if report.state == 'Door' and report.detail != 0:
                raise DoorOpen from None
            raise
        self.raise_pen()
        self.location.leave_token()
        zero_mm = read_zero(self.connection)
        if (read_zero(self.connection) != zero_mm).any():  # all coordinates hang on it
            raise Damaged('the controller told two different offsets')
        self.location.zero_mm = zero_mm

    def raise_pen(self) -> None:
        """Raise the pen and give it the time."""
        placement = PagePlacement(self._options.page_axes.at(self.location.origin_mm), _ANYWHERE)
        for step in GrblProgram(placement, self._options.pen, self._limits, self.location.zero_mm).raise_pen():
            self.connection.command(step.data.decode().strip())

    def lower_pen(self) -> None:
        """Lower the pen where it is and give it the time."""
        self.connection.command(lower_line(self._options.pen))
        self.connection.command(f'G4P{self._limits.drop_s:.3f}')

    def move_pen(self, height: float) -> None:
        """Move the pen to S of the servo, or to Z in mm.

        Raises:
            SketchRobotError: BAD_GOAL, this pen has no such height.
        """
        pen = self._options.pen
        if pen.kind == 'commands' or (pen.kind == 'servo' and height < 0.0):
            why = 'this pen has commands of its own' if pen.kind == 'commands' else 'S must not be negative'
            raise SketchRobotError(ErrorCode.BAD_GOAL, f'a pen height of {height:g} is not possible: {why}')
        self.connection.command(f'M3S{height:g}' if pen.kind == 'servo' else f'G1Z{height:g}F{pen.feed_mm_min:g}')
        self.connection.command(f'G4P{max(self._limits.drop_s, MOVE_PEN_S):.2f}')

    def jog(self, x_mm: float, y_mm: float) -> None:
        """Move the raised pen by so much along the page's axes; a locked machine is unlocked, it is moved by eye."""
        self.location.begin_motion()
        if self.connection.look().state == 'Alarm':
            self.make_safe()
        self.raise_pen()
        x, y = self._options.page_axes.turned((x_mm, y_mm))
        self.connection.command(f'$J=G91G21X{x:.3f}Y{y:.3f}F{JOG_MM_S * 60.0:g}')
        self.connection.settle(lambda _report: None)
        self.location.end_motion()

    def stand(self) -> None:
        """Halt and drop what was sent ahead; the pen is raised where it stands."""
        self.connection.halt()
        self.recover()

    def recover(self) -> None:
        """Start anew at a standstill, and raise the pen.

        Raises:
            SketchRobotError: PLOTTER_OFFLINE; PLOTTER_ALARM, it stays locked.
            DoorOpen: the pen is not raised.
            RestartError: it has started twice, and the second time not by the reset.
        """
        stood = self.connection.report
        for attempt in range(ASKINGS):
            try:
                self._reset()
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
        if stood is None or not self.connection.welcomed_twice:
            return
        if np.abs(self.connection.look().xy_mm - stood.xy_mm).max() > MOVED_MM:
            raise restarted()

    def _reset(self) -> None:
        self.connection.reset()
        self.streamer.clear()

    def make_safe(self, *, keep_position: bool = False) -> None:
        """After an alarm or a restart: raise the pen if it can be done.

        Args:
            keep_position: coordinates are still good.
        """
        self.found = None
        if not keep_position:
            self.location.lose()
        pen = self._options.pen
        try:
            for _ in range(ASKINGS):
                with suppress(Damaged, AlarmError):
                    self._reset()
                    self.connection.command(UNLOCK)
                    self._locked = False
                    if pen.kind != 'z':
                        self.raise_pen()
                    else:  # where z is, nobody knows; up is safe
                        self.connection.command(f'G21G91G0Z{pen.up - pen.down:.3f}')
                        self.connection.command('G90')
                    self.location.leave_token()
                    return
        except SketchRobotError as error:
            _log.warning('the pen could not be raised: %s', error.message)

    def abandon(self) -> None:
        """Raise the pen of a machine that does not answer any more, in case that it hears still; never raises."""
        with suppress(SketchRobotError):  # nor does it hear
            self.link.write(HOLD)
            self._let_pass(BRAKE_S)
            self.link.write(RESET)
            self._let_pass(START_S)
            self.link.write(f'{UNLOCK}\n{raise_line(self._options.pen)}\n'.encode())

    def _let_pass(self, seconds: float) -> None:
        end_s = self.link.now_s() + seconds
        while (left_s := end_s - self.link.now_s()) > 0.0:
            self.link.read_line(left_s)

    # ------------------------------------------------------------- where it is
    @property
    def can_home(self) -> bool:
        """Whether it can find its position by itself."""
        return self.controller.homes and self._options.home != 'never'

    def home(self) -> None:
        """Find the position by the limit switches.

        Raises:
            SketchRobotError: PLOTTER_ALARM, it failed.
        """
        if self._options.pen.kind != 'z':  # z homes first, away from the paper
            if self._locked:
                self.connection.command(UNLOCK)
            self.raise_pen()
        self.location.lose()
        self.connection.command(HOME, HOMING_S)
        self._locked, self.found = False, None
        self.set_up()
        homed_mm = self.location.machine_mm(self.connection.look())
        fixed = self._options.origin_mm
        self.location.learn(
            self.controller.corner_mm(homed_mm) if fixed is None else np.array(fixed), homed_mm=homed_mm
        )

    def set_origin(self) -> None:
        """The pen stands over the page's lower left corner now."""
        report = self.connection.look()
        if report.state == 'Alarm':
            self.connection.command(UNLOCK)
            report = self.connection.look()
        self._locked, self.found = False, None
        self.set_up()
        self.location.learn(self.location.machine_mm(report), by_hand=True)

    def locate(self, facts: tuple[int, np.ndarray] | None = None) -> None:
        """Know where the page is, by homing if need be.

        Args:
            facts: the token and the page's origin, machine mm, that a drawing to be resumed has noted.

        Raises:
            SketchRobotError: PLOTTER_ALARM, nobody knows, or homing failed.
        """
        found, location = self.found, self.location
        if facts is not None and found is not None and not self._locked:
            token, origin_mm = facts
            if found.token in (token or IN_MOTION, IN_MOTION):
                location.learn(origin_mm, by_hand=location.homed_mm is None, token=token)
                return
        self.found = None
        if location.is_as_left():
            return
        self._locked = self.connection.look().state == 'Alarm'
        location.lose()
        if not self.can_home:
            location.wants_origin = True
            raise origin_wanted()
        self.home()

    def program(self, page: Page, limits: MachineLimits) -> GrblProgram:
        """Makes lines for a page.

        Raises:
            SketchRobotError: OFF_PAGE, part of the page is outside the machine.
        """
        location, settings = self.location, self.controller.settings
        placement = PagePlacement(self._options.page_axes.at(location.origin_mm), page)
        if location.homed_mm is not None:
            check_reach(self.controller, placement, location.homed_mm)
        return GrblProgram(
            placement,
            self._options.pen,
            limits,
            location.zero_mm,
            self.controller.rapid_mm_s,
            (settings.get(100, 80.0), settings.get(101, 80.0)),
            max(PROBE_RADIUS_MM, 2.0 * settings.get(12, 0.0)),
            self.has_arcs,
        )
