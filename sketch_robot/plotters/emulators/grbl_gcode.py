"""GRBL 1.1h's G-code: what a line's words ask for, or the error that GRBL answers.

Reference: grbl/gcode.c, step 3 of `gc_execute_line`; see `grbl_words` for what comes before.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from sketch_robot.plotters.emulators.grbl_settings import AXES
from sketch_robot.plotters.emulators.grbl_words import (
    ABSOLUTE,
    ARC_CCW,
    ARC_CW,
    DWELL,
    GO_HOME_0,
    GO_HOME_1,
    LINEAR,
    NO_MOTION,
    RAPID,
    SET_COORDINATES,
    SET_OFFSET,
    GcodeError,
    Modes,
    Words,
    sort_words,
)

ZERO = np.float32(0.0)
MM_PER_INCH = np.float32(25.40)
COORDINATE_SYSTEMS = 6  # G54 to G59; then G28's and G30's positions are stored
MAX_LINE_NUMBER = 10_000_000
_PLANES = ((0, 1, 2), (2, 0, 1), (1, 2, 0))  # G17 to G19: two axes of arcs, and the third


@dataclass
class ParserState:
    """The parser's memory: modes, and where it believes the pen to be once all lines are done (machine mm)."""

    modes: Modes = field(default_factory=Modes)
    feed: np.float32 = ZERO  # mm/min
    spindle_speed: np.float32 = ZERO
    tool: int = 0
    position: np.ndarray = field(default_factory=lambda: np.zeros(AXES, np.float32))
    coordinate_system: np.ndarray = field(default_factory=lambda: np.zeros(AXES, np.float32))
    offset: np.ndarray = field(default_factory=lambda: np.zeros(AXES, np.float32))  # G92
    tool_offset: np.float32 = ZERO  # of z

    @property
    def work_offset(self) -> np.ndarray:
        """Machine position minus work position, mm."""
        total = self.coordinate_system + self.offset
        total[2] += self.tool_offset
        return total


@dataclass
class Command:
    """One line, checked.

    Attributes:
        modes: as they are after it.
        action: a command that is not modal (`DWELL` ...); 0: none.
        moves: whether the motion mode is to be carried out, or for `GO_HOME`, whether there is a way point.
        changes_tool_length: G43.1 or G49.
        target: machine mm; of `SET_OFFSET` the new offset, of G43.1 the length.
        values: machine mm: where `GO_HOME` goes, what `SET_COORDINATES` stores, or the arc's centre from its start.
        coordinates: which system `SET_COORDINATES` stores.
        feed, spindle_speed, dwell_s, radius, tool, flow: of F, S, P, R, T and M0, M2, M30.
        clockwise, plane: of an arc.
    """

    modes: Modes
    action: int = 0
    moves: bool = False
    changes_tool_length: bool = False
    target: np.ndarray = field(default_factory=lambda: np.zeros(AXES, np.float32))
    values: np.ndarray = field(default_factory=lambda: np.zeros(AXES, np.float32))
    coordinates: int = 0
    feed: np.float32 = ZERO
    spindle_speed: np.float32 = ZERO
    dwell_s: np.float32 = ZERO
    radius: np.float32 = ZERO
    tool: int = 0
    flow: int = 0
    plane: tuple[int, int, int] = _PLANES[0]


def parse_line(line: str, state: ParserState, stored: list[np.ndarray], *, jog: bool = False) -> Command:
    """What a line asks for.

    Args:
        line: in capitals, without spaces and comments; of a jog what comes after `$J=`.
        state: the parser's memory; not changed.
        stored: (8) of (3,) float32: the coordinate systems G54 to G59 and the positions of G28 and G30.
        jog: whether it is a jog.

    Raises:
        GcodeError: GRBL would answer an error.
    """
    start = replace(state.modes, motion=LINEAR, inverse_time=False) if jog else state.modes
    words = sort_words(line, Words(start))
    axes = [axis for axis, letter in enumerate('XYZ') if letter in words.values]
    if axes and not words.axis_command:
        words.axis_command = 'motion'
    if 'N' in words.values and int(words.values['N']) > MAX_LINE_NUMBER:
        raise GcodeError(27)
    unused = set(words.values)
    command = Command(words.modes, words.action, flow=words.flow, tool=int(words.values.get('T', np.float32(0))))
    command.feed = _feed(words, state, jog=jog)
    command.spindle_speed = words.values.get('S', state.spindle_speed)
    if words.action == DWELL:
        if 'P' not in words.values:
            raise GcodeError(28)
        command.dwell_s = words.values['P']
        unused.discard('P')
    command.plane = _PLANES[words.modes.plane]
    scale = MM_PER_INCH if words.modes.inches else np.float32(1.0)
    for axis in axes:
        command.target[axis] = words.values['XYZ'[axis]] * scale
    tool_z_only = axes == [2]
    if words.axis_command == 'tool' and words.modes.tool_length and not tool_z_only:
        raise GcodeError(37)
    system = state.coordinate_system
    if 'G12' in words.groups and words.modes.coordinates != state.modes.coordinates:
        system = stored[words.modes.coordinates]
    _place(command, words, axes, state, stored, system, unused)
    _check_motion(command, words, axes, state, scale, unused)
    command.moves = words.axis_command == 'motion' or bool(
        words.axis_command and words.action in (GO_HOME_0, GO_HOME_1)
    )
    command.changes_tool_length = words.axis_command == 'tool'
    unused -= {'N', 'F'} if jog else {'N', 'F', 'S', 'T'}
    if words.axis_command:
        unused -= set('XYZ')
    if unused:
        raise GcodeError(36)
    if jog and (words.groups - {'G3', 'G6', 'G0'} or words.action not in (0, ABSOLUTE)):
        raise GcodeError(16)
    return command


def _feed(words: Words, state: ParserState, *, jog: bool) -> np.float32:
    given = words.values.get('F')
    if jog and given is None:
        raise GcodeError(22)
    if words.modes.inverse_time:
        needs = words.axis_command == 'motion' and words.modes.motion not in (NO_MOTION, RAPID)
        if needs and given is None:
            raise GcodeError(22)
        return np.float32(0.0) if given is None else given
    if jog or not state.modes.inverse_time:
        if given is None:
            return state.feed
        return given * MM_PER_INCH if words.modes.inches else given
    return np.float32(0.0) if given is None else given  # back from inverse time: undefined, and in mm


def _place(
    command: Command,
    words: Words,
    axes: list[int],
    state: ParserState,
    stored: list[np.ndarray],
    system: np.ndarray,
    unused: set[str],
) -> None:
    """Turn axis words into machine positions, as the line's action understands them."""
    target = command.target
    if words.action == SET_COORDINATES:
        _set_coordinates(command, words, axes, state, stored, unused)
        return
    if words.action == SET_OFFSET:
        if not axes:
            raise GcodeError(26)
        for axis in range(AXES):
            if axis not in axes:
                target[axis] = state.offset[axis]
                continue
            target[axis] = state.position[axis] - system[axis] - target[axis]
            if axis == 2:
                target[axis] -= state.tool_offset
        return
    if words.axis_command != 'tool' and axes:
        for axis in range(AXES):
            if axis not in axes:
                target[axis] = state.position[axis]
            elif words.action == ABSOLUTE:
                continue
            elif words.modes.incremental:
                target[axis] += state.position[axis]
            else:
                target[axis] += system[axis] + state.offset[axis]
                if axis == 2:
                    target[axis] += state.tool_offset
    if words.action in (GO_HOME_0, GO_HOME_1):
        command.values = stored[COORDINATE_SYSTEMS + (words.action == GO_HOME_1)].copy()
        for axis in range(AXES):
            if axes and axis not in axes:
                command.values[axis] = state.position[axis]
        if not axes:
            words.axis_command = ''
    elif words.action == ABSOLUTE and words.modes.motion not in (RAPID, LINEAR):
        raise GcodeError(30)


def _set_coordinates(
    command: Command,
    words: Words,
    axes: list[int],
    state: ParserState,
    stored: list[np.ndarray],
    unused: set[str],
) -> None:
    values = words.values
    if not axes:
        raise GcodeError(26)
    if 'P' not in values and 'L' not in values:
        raise GcodeError(28)
    which = int(values.get('P', np.float32(0.0))) & 0xFF
    if which > COORDINATE_SYSTEMS:
        raise GcodeError(29)
    kind = int(values.get('L', np.float32(0.0))) & 0xFF
    if kind != 20 and (kind != 2 or 'R' in values):
        raise GcodeError(20)
    unused -= {'L', 'P'}
    command.coordinates = which - 1 if which else words.modes.coordinates
    command.values = stored[command.coordinates].copy()
    for axis in axes:
        if kind == 20:
            command.values[axis] = state.position[axis] - state.offset[axis] - command.target[axis]
            if axis == 2:
                command.values[axis] -= state.tool_offset
        else:
            command.values[axis] = command.target[axis]


def _check_motion(
    command: Command, words: Words, axes: list[int], state: ParserState, scale: np.float32, unused: set[str]
) -> None:
    motion = words.modes.motion
    if motion == NO_MOTION:
        if axes:
            raise GcodeError(31)
        return
    if words.axis_command != 'motion':
        return
    if motion == RAPID:
        if not axes:
            words.axis_command = ''
        return
    if command.feed == 0.0:
        raise GcodeError(22)
    if motion == LINEAR:
        if not axes:
            words.axis_command = ''
        return
    if not axes:
        raise GcodeError(26)
    if motion in (ARC_CW, ARC_CCW):
        _check_arc(command, words, axes, state, scale, unused)
    elif (command.target == state.position).all():
        raise GcodeError(33)


def _check_arc(
    command: Command, words: Words, axes: list[int], state: ParserState, scale: np.float32, unused: set[str]
) -> None:
    """The centre of an arc, from its radius or its offsets."""
    first, second, _ = command.plane
    if first not in axes and second not in axes:
        raise GcodeError(32)
    x = float(command.target[first] - state.position[first])
    y = float(command.target[second] - state.position[second])
    if 'R' in words.values:
        unused.discard('R')
        if (command.target == state.position).all():
            raise GcodeError(33)
        radius = float(words.values['R'] * scale)
        height = 4.0 * radius * radius - x * x - y * y
        if height < 0.0:
            raise GcodeError(34)
        length = np.hypot(x, y)
        if length == 0.0:
            raise GcodeError(33)  # GRBL divides by it
        ratio = -np.sqrt(height) / length
        if words.modes.motion == ARC_CCW:
            ratio = -ratio
        if radius < 0.0:
            ratio, radius = -ratio, -radius
        command.radius = np.float32(radius)
        command.values[first] = 0.5 * (x - y * ratio)
        command.values[second] = 0.5 * (y + x * ratio)
        return
    given = [axis for axis, letter in enumerate('IJK') if letter in words.values]
    if first not in given and second not in given:
        raise GcodeError(35)
    unused -= set('IJK')
    for axis in given:
        command.values[axis] = words.values['IJK'[axis]] * scale
    radius = float(np.hypot(command.values[first], command.values[second]))
    off = abs(float(np.hypot(x - command.values[first], y - command.values[second])) - radius)
    if off > 0.005 and (off > 0.5 or off > 0.001 * radius):
        raise GcodeError(33)
    command.radius = np.float32(radius)
