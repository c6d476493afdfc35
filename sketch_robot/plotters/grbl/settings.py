"""What a GRBL controller is, and whether it is set up for drawing."""

from __future__ import annotations

import logging
import math
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

import numpy as np

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.motion.machine_limits import MachineLimits
from sketch_robot.plotters.grbl.connection import OFFSETS, GrblConnection
from sketch_robot.plotters.grbl.interruptions import CommandError, Damaged
from sketch_robot.plotters.grbl.options import GrblPen
from sketch_robot.plotters.grbl.program import PagePlacement
from sketch_robot.plotters.grbl.status import Note, Setting
from sketch_robot.plotters.grbl.streaming import MOST_BYTES, RX_BYTES

OTHERWISE = 0.02  # a setting that differs from the limits by more is told
REPORTS = 3  # $10: machine position, and room in the buffers
HOLD_MOTORS = 255  # $1
OLDEST = 1, 1  # version whose reports this driver reads
LEAST_BYTES = 64  # a line fits in
READINGS = 4
WCO_REPORTS = 40  # the offset is in one of so many reports
NEEDED = (10, 13, 20, 22, 23, 27, 30, 31, 32, 100, 101, 110, 111, 130, 131)  # settings
EXACTLY_MM = 0.0005  # a place that is reported as 0
SHORTEST_LINE = 3  # bytes
_VERSION = re.compile(r'\d+\.\d+[a-z]?')
_DIGITS = re.compile(r'\d+')
_OPTIONS = re.compile(r'[A-Z0-9#+*$ ]*,(\d{1,5}),(\d{1,6})(?:,.*)?')
_STARTUP = re.compile(r'\$N[01]=.')
_MOTION = re.compile(r'G0*[0-3](?![.\d])|G(?:28|30|38\.\d)|[XYZABC]-?[.\d]', re.IGNORECASE)
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
        return bool(int(self.settings.get(22, 0)) & 1)  # grblHAL: further bits say how

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

    def range_mm(self, homed_mm: np.ndarray) -> np.ndarray:
        """(2, 2) machine coordinates of its lower left and upper right corners; nan where it does not tell.

        GRBL counts from the far corner towards negative, whatever corner it homes to; built with another origin, or as
        FluidNC or Grbl_Esp32, it counts from where it has homed. So the range lies beside the place that it reports
        after homing, on the side away from the switch.

        Args:
            homed_mm: (2,) that it reports after homing.
        """
        pull_off = self.settings.get(27, 0.0)
        corners = np.full((2, 2), np.nan)
        for axis, place in enumerate(homed_mm):
            travel, low = self.settings.get(130 + axis), self._homes_low(axis, float(place))
            if travel is None or low is None:
                continue
            edge = float(place)
            if abs(edge) > EXACTLY_MM:  # else it was made the origin: the switch is as far beyond as it was pulled off
                edge += -pull_off if low else pull_off
            corners[:, axis] = (edge, edge + travel) if low else (edge - travel, edge)
        return corners

    def _homes_low(self, axis: int, place_mm: float) -> bool | None:
        """Whether the switch of an axis is at its low end; None: nobody can tell."""
        if 23 in self.settings:
            return bool(int(self.settings[23]) >> axis & 1)
        if abs(place_mm) <= EXACTLY_MM:
            return None
        pull_off, travel = self.settings.get(27, 0.0), self.settings.get(130 + axis, math.inf)
        return 0.0 < place_mm <= max(pull_off, 0.5 * travel) or place_mm < -0.5 * travel

    def corner_mm(self, homed_mm: np.ndarray) -> np.ndarray:
        """(2,) machine coordinates of the lower left corner that it may go to; `homed_mm` as in `range_mm`.

        Raises:
            SketchRobotError: PLOTTER_ALARM, it does not tell.
        """
        low = self.range_mm(homed_mm)[0]
        if np.isnan(low).any():
            raise SketchRobotError(
                ErrorCode.PLOTTER_ALARM,
                f'the controller stands at ({homed_mm[0]:g}, {homed_mm[1]:g}) mm after homing and does not tell ($130, '
                "$131, $23) on which side of that its range lies; say where the page's lower left corner is, as "
                "origin_mm in the machine's file, or by machine calibrate --home --jog X Y --origin-here",
            )
        away = np.where(np.abs(homed_mm - low) <= EXACTLY_MM, 0.0, self.settings.get(27, 0.0))
        return np.asarray(low + away)

    @property
    def lines_ahead(self) -> int:
        """How many lines it can hold: those of its planner, and those of its receive buffer."""
        return self.blocks + min(self.rx_bytes, MOST_BYTES) // SHORTEST_LINE + 1


def identify(connection: GrblConnection) -> Controller:
    """Ask a controller what it is.

    Raises:
        SketchRobotError: PLOTTER_OFFLINE, it is no GRBL 1.1.
    """
    version, blocks, rx_bytes = connection.version, 15, RX_BYTES
    for note in connection.command_if_known('$I'):
        if isinstance(note, Note) and (found := _VERSION.match(note.values('VER') or '')):
            version = found[0]
        if isinstance(note, Note) and (found := _OPTIONS.fullmatch(note.values('OPT') or '')):
            blocks, rx_bytes = int(found[1]), int(found[2])
    if _VERSION.match(version) and tuple(map(int, _DIGITS.findall(version))) < OLDEST:
        raise SketchRobotError(
            ErrorCode.PLOTTER_OFFLINE,
            f'the controller at {connection.link.port} says that its firmware is {version!r}; this driver needs '
            'GRBL 1.1',
        )
    return Controller(version, blocks, max(LEAST_BYTES, rx_bytes), read_settings(connection))


def _read_unlisted(connection: GrblConnection, listed: Mapping[int, float]) -> dict[int, float]:
    """What drawing needs to know and `$$` did not list, asked for one by one, as FluidNC and grblHAL answer it."""
    found: dict[int, float] = {}
    for number in NEEDED:
        if number not in listed:
            with suppress(CommandError):
                told = {
                    line.number: line.value for line in connection.command(f'${number}') if isinstance(line, Setting)
                }
                found.update({number: told[number]} if number in told else {})
    return found


def read_startup(connection: GrblConnection) -> list[str]:
    """The lines that it carries out by itself after each start, `$N`, as '$N0=G54'."""
    notes = [note.text for note in connection.command_if_known('$N') if isinstance(note, Note)]
    return [text for text in notes if _STARTUP.match(text)]


def read_settings(connection: GrblConnection) -> dict[int, float]:
    """`$$`, by number; asked for until two answers agree, since nothing else tells that a digit has changed on the way.

    Raises:
        Damaged: no two of them do.
    """
    last: dict[int, float] | None = None
    for _ in range(READINGS):
        settings = {line.number: line.value for line in connection.command_if_known('$$') if isinstance(line, Setting)}
        if settings == last:
            return {**settings, **_read_unlisted(connection, settings)}
        last = settings
    raise Damaged('the controller tells other settings each time')


def configure(connection: GrblConnection, controller: Controller, wanted: Mapping[int, float]) -> Controller:
    """Set what is not so yet, one line at a time, since the controller is deaf while it writes its EEPROM.

    What it does not know stays as it is; see `unusable`.
    """
    changes = {number: value for number, value in wanted.items() if controller.settings.get(number, value) != value}
    for number, value in changes.items():
        _log.info('setting $%d=%g (was %g)', number, value, controller.settings.get(number, np.nan))
        connection.command_if_known(f'${number}={value:g}')
    if not changes:
        return controller
    settings = read_settings(connection)
    return Controller(controller.version, controller.blocks, controller.rx_bytes, settings)


def wanted_settings(limits: MachineLimits, *, motion: bool) -> dict[int, float]:
    """The settings that drawing needs; with `motion` the machine's own speeds and accelerations too."""
    wanted: dict[int, float] = {10: REPORTS, 1: HOLD_MOTORS, 13: 0, 32: 0}
    if motion:
        for axis in (0, 1):
            if limits.axis_speed_mm_s[axis] > 0.0:
                wanted[110 + axis] = limits.axis_speed_mm_s[axis] * 60.0
            if limits.axis_accel_mm_s2[axis] > 0.0:
                wanted[120 + axis] = limits.axis_accel_mm_s2[axis]
        wanted[11] = limits.junction_deviation_mm
    return wanted


def complaints(controller: Controller, limits: MachineLimits) -> list[str]:
    """What of the controller's settings does not fit the machine's limits, for people."""
    settings, told = controller.settings, []
    axes = [(110, limits.axis_speed_mm_s, 60.0, 'mm/min'), (120, limits.axis_accel_mm_s2, 1.0, 'mm/s^2')]
    for first, both, factor, unit in axes:
        for axis, limit in enumerate(both):
            value = settings.get(first + axis)
            if value is not None and limit > 0.0 and abs(value - limit * factor) > OTHERWISE * limit * factor:
                told.append(f'${first + axis} is {value:g} {unit}, its file says {limit * factor:g}')
    fastest = max(settings.get(110, np.inf), settings.get(111, np.inf)) / 60.0
    if limits.draw_speed_mm_s > fastest * (1.0 + OTHERWISE) * np.sqrt(2.0):
        told.append(f'its file draws at {limits.draw_speed_mm_s:g} mm/s, but $110 and $111 allow {fastest:g} only')
    if settings.get(11) is not None and abs(settings[11] - limits.junction_deviation_mm) > 1e-3:
        told.append(f'$11 is {settings[11]:g} mm, its file says {limits.junction_deviation_mm:g}')
    return told


def unusable(controller: Controller, pen: GrblPen, startup: Sequence[str] = ()) -> str:
    """Why this controller cannot be drawn with; '' when it can.

    Args:
        pen: how it shall be lowered.
        startup: its start-up lines, `$N`.
    """
    if controller.settings.get(32):
        return 'laser mode is on, in which S does not wait for motion; set $32=0'
    if controller.settings.get(13):
        return 'it reports in inches; set $13=0'
    least, most = controller.pen_range
    for value in pen.servo_values:
        if value > most or 0.0 < value < least:
            limit = f'more than $30={most:g} allows' if value > most else f'less than $31={least:g} allows'
            return (
                f'S{value:g} of its pen is {limit}, so that this height is not reached; set $30=1000 and $31=0, or '
                'choose other pen heights'
            )
    moving = next((line for line in startup if _MOTION.search(line)), '')
    if moving:
        number = moving[1:3]
        return f'its start-up line {moving} moves the machine at every start and reset; clear it with ${number}='
    return ''


def check_reach(controller: Controller, placement: PagePlacement, homed_mm: np.ndarray) -> None:
    """Refuse a page that is not all within reach of a machine that has homed; `homed_mm` as in `range_mm`.

    Raises:
        SketchRobotError: OFF_PAGE.
    """
    if not (controller.homes and controller.limited):
        return
    page = placement.page
    corners = placement.to_machine(np.array([[x, y] for x in (0.0, page.width_mm) for y in (0.0, page.height_mm)]))
    low, high = controller.range_mm(homed_mm)  # comparisons with nan are false
    if (corners < low - 1e-6).any() or (corners > high + 1e-6).any():
        (x0, y0), (x1, y1) = corners.min(axis=0), corners.max(axis=0)
        raise SketchRobotError(
            ErrorCode.OFF_PAGE,
            f'the page covers ({x0:.1f}, {y0:.1f}) to ({x1:.1f}, {y1:.1f}) mm of the machine, which reaches from '
            f'({low[0]:.1f}, {low[1]:.1f}) to ({high[0]:.1f}, {high[1]:.1f}); set the origin, or take a smaller page',
        )


def read_zero(connection: GrblConnection) -> np.ndarray:
    """(2,) machine coordinates of the program's zero, G54.

    Raises:
        Damaged: the answer makes no sense.
    """
    notes = [note for note in connection.command_if_known(OFFSETS) if isinstance(note, Note)]
    if not notes:
        return _reported_zero(connection)
    told = next((note.values('G54') or '' for note in notes if note.values('G54')), '')
    try:
        x, y = told.split(',')[:2]
        return np.array([float(x), float(y)])
    except ValueError as error:
        raise Damaged(f'the controller told the offsets {told!r}') from error


def _reported_zero(connection: GrblConnection) -> np.ndarray:
    """The same from reports, of a controller that does not know `$#`.

    Raises:
        SketchRobotError: PLOTTER_ALARM, they do not tell either.
    """
    for _ in range(WCO_REPORTS):
        offset = connection.look().offset_mm
        if offset is not None:
            return np.array(offset[:2])
    raise SketchRobotError(
        ErrorCode.PLOTTER_ALARM,
        f'the controller at {connection.link.port} does not tell where its coordinate system G54 lies, neither by $# '
        'nor in its reports (WCO), and the pen might go to a wrong place; use a firmware that tells it, as GRBL 1.1',
    )
