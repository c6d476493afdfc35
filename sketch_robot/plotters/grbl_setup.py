"""What a GRBL controller is, and whether it is set up for drawing."""

from __future__ import annotations

import logging
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.motion.profile import PenProfile
from sketch_robot.plotters.grbl_events import Damaged
from sketch_robot.plotters.grbl_frame import Frame
from sketch_robot.plotters.grbl_pen import PenLift
from sketch_robot.plotters.grbl_status import Note, Setting
from sketch_robot.plotters.grbl_stream import MOST_BYTES, RX_BYTES, GrblStream

OTHERWISE = 0.02  # a setting that differs from the profile by more is told
REPORTS = 3  # $10: machine position, and room in the buffers
HOLD_MOTORS = 255  # $1
OLDEST = 1, 1  # version whose reports this driver reads
LEAST_BYTES = 64  # a line fits in
READINGS = 4
SHORTEST_LINE = 3  # bytes
_VERSION = re.compile(r'\d+\.\d+[a-z]?')
_DIGITS = re.compile(r'\d+')
_OPTIONS = re.compile(r'[A-Z0-9#+*$ ]*,(\d{1,5}),(\d{1,6})(?:,.*)?')
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Controller:
    """One controller, as it says itself.

    Attributes:
        version: of its firmware.
        blocks: of its planner; rx_bytes: of its receive buffer.
        settings: by number.
    """

    version: str
    blocks: int
    rx_bytes: int
    settings: Mapping[int, float]

    @property
    def homes(self) -> bool:
        """Whether it can find its position by limit switches."""
        return bool(self.settings.get(22, 0))

    @property
    def limited(self) -> bool:
        """Whether it refuses targets outside itself."""
        return bool(self.settings.get(20, 0))

    @property
    def pen_range(self) -> tuple[float, float]:
        """The least and the greatest S that it sets, as $31 and $30 say."""
        return self.settings.get(31, 0.0), self.settings.get(30, math.inf)

    @property
    def rapid_mm_s(self) -> float:
        """Speed of G0 along the slower of x and y; 0 when it is not known."""
        return min(self.settings.get(110, 0.0), self.settings.get(111, 0.0)) / 60.0

    @property
    def corner_mm(self) -> tuple[float, float]:
        """Machine coordinates of its lower left corner, once it has homed."""
        pull_off = self.settings.get(27, 0.0)
        return pull_off - self.settings.get(130, 0.0), pull_off - self.settings.get(131, 0.0)

    @property
    def lines_ahead(self) -> int:
        """How many lines it can hold: those of its planner, and those of its receive buffer."""
        return self.blocks + min(self.rx_bytes, MOST_BYTES) // SHORTEST_LINE + 1


def identify(stream: GrblStream) -> Controller:
    """Ask a controller what it is.

    Raises:
        SketchRobotError: PLOTTER_OFFLINE, it is no GRBL 1.1.
    """
    version, blocks, rx_bytes = stream.version, 15, RX_BYTES
    for note in stream.command_if_known('$I'):
        if isinstance(note, Note) and (found := _VERSION.match(note.values('VER') or '')):
            version = found[0]
        if isinstance(note, Note) and (found := _OPTIONS.fullmatch(note.values('OPT') or '')):
            blocks, rx_bytes = int(found[1]), int(found[2])
    if _VERSION.match(version) and tuple(map(int, _DIGITS.findall(version))) < OLDEST:
        raise SketchRobotError(
            ErrorCode.PLOTTER_OFFLINE,
            f'the controller at {stream.link.port} says that its firmware is {version!r}; this driver needs GRBL 1.1',
        )
    return Controller(version, blocks, max(LEAST_BYTES, rx_bytes), read_settings(stream))


def read_settings(stream: GrblStream) -> dict[int, float]:
    """`$$`, by number; asked for until two answers agree, since nothing else tells that a digit has changed on the way.

    Raises:
        Damaged: no two of them do.
    """
    last: dict[int, float] | None = None
    for _ in range(READINGS):
        settings = {line.number: line.value for line in stream.command_if_known('$$') if isinstance(line, Setting)}
        if settings == last:
            return settings
        last = settings
    raise Damaged('the controller tells other settings each time')


def configure(stream: GrblStream, controller: Controller, wanted: Mapping[int, float]) -> Controller:
    """Set what is not so yet, one line at a time, since the controller is deaf while it writes its EEPROM.

    What it does not know stays as it is; see `unusable`.
    """
    changes = {number: value for number, value in wanted.items() if controller.settings.get(number, value) != value}
    for number, value in changes.items():
        _log.info('setting $%d=%g (was %g)', number, value, controller.settings.get(number, np.nan))
        stream.command_if_known(f'${number}={value:g}')
    if not changes:
        return controller
    settings = read_settings(stream)
    return Controller(controller.version, controller.blocks, controller.rx_bytes, settings)


def wanted_settings(profile: PenProfile, *, motion: bool) -> dict[int, float]:
    """The settings that drawing needs; with `motion` the profile's speeds and accelerations too."""
    wanted: dict[int, float] = {10: REPORTS, 1: HOLD_MOTORS, 13: 0, 32: 0}
    if motion:
        for axis in (0, 1):
            if profile.axis_speed_mm_s[axis] > 0.0:
                wanted[110 + axis] = profile.axis_speed_mm_s[axis] * 60.0
            if profile.axis_accel_mm_s2[axis] > 0.0:
                wanted[120 + axis] = profile.axis_accel_mm_s2[axis]
        wanted[11] = profile.junction_deviation_mm
    return wanted


def complaints(controller: Controller, profile: PenProfile, pen: PenLift) -> list[str]:
    """What of the controller's settings does not fit the machine's profile, for people."""
    settings, told = controller.settings, []
    axes = [(110, profile.axis_speed_mm_s, 60.0, 'mm/min'), (120, profile.axis_accel_mm_s2, 1.0, 'mm/s^2')]
    for first, limits, factor, unit in axes:
        for axis, limit in enumerate(limits):
            value = settings.get(first + axis)
            if value is not None and limit > 0.0 and abs(value - limit * factor) > OTHERWISE * limit * factor:
                told.append(f'${first + axis} is {value:g} {unit}, the profile says {limit * factor:g}')
    fastest = max(settings.get(110, np.inf), settings.get(111, np.inf)) / 60.0
    if profile.draw_speed_mm_s > fastest * (1.0 + OTHERWISE) * np.sqrt(2.0):
        told.append(f'the profile draws at {profile.draw_speed_mm_s:g} mm/s, but $110 and $111 allow {fastest:g} only')
    if settings.get(11) is not None and abs(settings[11] - profile.junction_deviation_mm) > 1e-3:
        told.append(f'$11 is {settings[11]:g} mm, the profile says {profile.junction_deviation_mm:g}')
    if pen.kind == 'servo':
        firmest = max(value for value in (pen.up, pen.down, pen.firm, pen.light) if value is not None)
        if settings.get(30, firmest) < firmest:
            told.append(f'$30 is {settings[30]:g}, so that S{firmest:g} of the pen is not reached')
    return told


def unusable(controller: Controller) -> str:
    """Why this controller cannot be drawn with; '' when it can."""
    if controller.settings.get(32):
        return 'laser mode is on, in which S does not wait for motion; set $32=0'
    if controller.settings.get(13):
        return 'it reports in inches; set $13=0'
    return ''


def check_reach(controller: Controller, frame: Frame) -> None:
    """Refuse a page that is not all within reach of a machine that homes.

    Raises:
        SketchRobotError: OFF_PAGE.
    """
    if not (controller.homes and controller.limited):
        return
    page, settings = frame.page, controller.settings
    corners = frame.to_machine(np.array([[x, y] for x in (0.0, page.width_mm) for y in (0.0, page.height_mm)]))
    low = -np.array([settings.get(130, np.inf), settings.get(131, np.inf)])
    if (corners < low - 1e-6).any() or (corners > 1e-6).any():
        (x0, y0), (x1, y1) = corners.min(axis=0), corners.max(axis=0)
        raise SketchRobotError(
            ErrorCode.OFF_PAGE,
            f'the page covers ({x0:.1f}, {y0:.1f}) to ({x1:.1f}, {y1:.1f}) mm of the machine, which reaches from '
            f'({low[0]:.1f}, {low[1]:.1f}) to (0, 0); set the origin, or take a smaller page',
        )
