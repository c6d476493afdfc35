"""What a line to a GRBL controller does: G-code, and commands that begin with a dollar.

`obey` is a generator that gives way while it waits: for a time, or for a condition.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Generator
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from sketch_robot_emulators.grbl.gcode import GcodeError, Modes, Offsets, Order, read_line, without_comments
from sketch_robot_emulators.grbl.homing import home
from sketch_robot_emulators.grbl.planner import BLOCKS
from sketch_robot_emulators.grbl.reports import answer_of
from sketch_robot_emulators.grbl.settings import FACTORY, homing_enabled, refusal

if TYPE_CHECKING:
    from sketch_robot_emulators.grbl.unit import GrblUnit

MOST_CHARACTERS = 79  # of a line
DWELL_STEP_S = 0.05
_AT_REST_ONLY = ('$$', '$#', '$I', '$H', '$C', '$SLP', '$RST')
_AT_THE_END = {  # modes that M2 and M30 set
    'motion': 'G1', 'system': 'G54', 'plane': 'G17', 'distance': 'G90', 'feed': 'G94', 'spindle': 'M5', 'coolant': 'M9'
}  # fmt: skip

Waits = float | Callable[[], bool]
LineTask = Generator[Waits, None, None]
Answered = Generator[Waits, None, bool | None]  # returns whether it has given its own answer


def obey(grbl: GrblUnit, line: str) -> LineTask:
    """Obey a line and answer it."""
    if grbl.line_s:
        yield grbl.seconds + grbl.line_s
    try:
        text = without_comments(line)
        if len(text) > MOST_CHARACTERS:
            raise GcodeError(11)
        answered = None
        if text.startswith('$'):
            answered = yield from _command(grbl, text)
        elif text:
            if grbl.state in ('Alarm', 'Jog'):
                raise GcodeError(9)
            yield from _gcode(grbl, text)
        if not answered:
            grbl.say('ok')
    except GcodeError as error:
        grbl.errors += 1
        grbl.say(f'error:{error.code}')


def run_startup(grbl: GrblUnit) -> LineTask:
    """Obey the lines that were kept by `$N`."""
    for line in filter(None, grbl.startup):
        grbl.say(f'>{line}:', end='')
        yield from obey(grbl, line)


# ------------------------------------------------------------- what begins with a dollar
def _command(grbl: GrblUnit, text: str) -> Answered:
    name = text[:2] if text[:2] in ('$I', '$H', '$C') else text.partition('=')[0]
    keeps = text[1:2].isdigit() or text.startswith(('$N0=', '$N1='))
    checking_off = text == '$C' and grbl.state == 'Check'
    if grbl.state not in ('Idle', 'Alarm') and (name in _AT_REST_ONLY or keeps) and not checking_off:
        raise GcodeError(8)
    if text.startswith('$J='):
        yield from _jog(grbl, text[3:])
    elif text in ('$H', '$HX', '$HY', '$HZ'):
        if not homing_enabled(grbl.settings):
            raise GcodeError(5)
        if (yield from home(grbl, (0, 1, 2) if text == '$H' else ('XYZ'.index(text[2]),))):
            grbl.say('ok')
            yield from run_startup(grbl)
        return True
    elif text.startswith('$RST='):
        return (yield from _restore(grbl, text[5:]))
    elif keeps and '=' in text:
        yield from (_set if text[1].isdigit() else _keep_startup)(grbl, text)
    elif text in _SWITCHES:
        return _SWITCHES[text](grbl)
    else:
        lines = answer_of(grbl, text)
        if lines is None:
            raise GcodeError(3 if keeps or text.startswith(('$$', '$#', '$G', '$I', '$N')) else 2)
        for line in lines:
            grbl.say(line)
    return None


def _unlock(grbl: GrblUnit) -> bool:
    if grbl.state == 'Alarm':
        grbl.say('[MSG:Caution: Unlocked]')
        grbl.state = 'Idle'
    return False


def _check(grbl: GrblUnit) -> bool:
    if grbl.state == 'Alarm':
        raise GcodeError(9)
    if grbl.state != 'Check':
        grbl.say('[MSG:Enabled]')
        grbl.state = 'Check'
        return False
    grbl.say('[MSG:Disabled]')
    grbl.say('ok')
    grbl.state = 'Idle'
    grbl.start()
    return True


def _sleep(grbl: GrblUnit) -> bool:
    grbl.say('ok')
    grbl.say('[MSG:Sleeping]')
    grbl.state = 'Sleep'
    grbl.switch_off()
    return True


_SWITCHES: dict[str, Callable[[GrblUnit], bool]] = {'$X': _unlock, '$C': _check, '$SLP': _sleep}


def _keep_startup(grbl: GrblUnit, text: str) -> LineTask:
    line = text[4:]
    read_line(line, grbl.modes, grbl.offsets, grbl.position)
    grbl.startup[int(text[2])] = line
    yield from _write_eeprom(grbl)


def _set(grbl: GrblUnit, text: str) -> LineTask:
    name, _, value_text = text[1:].partition('=')
    if not name.isdigit():
        raise GcodeError(3)
    number, settings = int(name), grbl.settings
    try:
        value = float(value_text)
    except ValueError:
        raise GcodeError(2) from None
    if not math.isfinite(value):
        raise GcodeError(2)
    if code := refusal(settings, number, value):
        raise GcodeError(code)
    if settings[number] != value:
        settings[number] = value
        if number == 22 and not homing_enabled(settings):
            settings[20] = 0.0
        grbl.planner.limit(*grbl.motion_limits())
        yield from _write_eeprom(grbl)


def _restore(grbl: GrblUnit, what: str) -> Answered:
    if what not in ('$', '#', '*'):
        raise GcodeError(3)
    if what in '$*':
        grbl.settings.update({number: float(value) for number, value in FACTORY.items()})
        grbl.planner.limit(*grbl.motion_limits())
    if what in '#*':
        grbl.offsets = Offsets()
    yield from _write_eeprom(grbl)
    grbl.say('[MSG:Restoring defaults]')
    grbl.say('ok')
    grbl.start()
    return True


def _write_eeprom(grbl: GrblUnit) -> LineTask:
    if grbl.state != 'Check' and grbl.dialect.eeprom_s:
        grbl.deaf_until = grbl.seconds + grbl.dialect.eeprom_s
        yield grbl.deaf_until


def _jog(grbl: GrblUnit, text: str) -> LineTask:
    if grbl.state == 'Alarm':
        raise GcodeError(9)
    if grbl.state not in ('Idle', 'Jog'):
        raise GcodeError(8)
    order = read_line(text, replace(grbl.modes, feed=0.0), grbl.offsets, grbl.position, jog=True)
    if not _within(grbl, order.points[-1]):
        raise GcodeError(15)
    yield from _line_to(grbl, order.points[-1], order.feed, 'Jog')


# ------------------------------------------------------------- G-code
def _gcode(grbl: GrblUnit, text: str) -> LineTask:
    tolerance_mm = max(1e-4, grbl.settings[12])
    order = read_line(text, grbl.modes, grbl.offsets, grbl.position, tolerance_mm=tolerance_mm)
    checking, modes = grbl.state == 'Check', order.modes
    if not checking:
        yield from _switch(grbl, modes)
    if order.action == 'G4' and not checking:
        yield from _sync(grbl)
        yield grbl.seconds + DWELL_STEP_S * math.ceil(round(order.dwell_s / DWELL_STEP_S, 6))
    if order.action in ('G10', 'G92', 'G92.1', 'G43.1', 'G49') or modes['system'] != grbl.modes['system']:
        if not checking:
            yield from _sync(grbl)
        grbl.reporter.tell_offsets = True
    grbl.modes = modes
    yield from _shift(grbl, order)
    for point in order.points:
        yield from _line_to(grbl, point, 0.0 if order.action in ('G28', 'G30') else order.feed)
    if order.action == 'probe' and not checking:
        yield from _sync(grbl)
        grbl.raise_alarm(5)
        yield lambda: False
    if order.flow and not checking:
        yield from _flow(grbl, order.flow)


def _switch(grbl: GrblUnit, modes: Modes) -> LineTask:
    """Set spindle and coolant, at rest."""
    speed, flood = modes.speed if modes['spindle'] != 'M5' else 0.0, modes['coolant'] == 'M8'
    if (modes['spindle'], speed) != (grbl.spindle, grbl.speed):
        if not grbl.settings[32]:
            yield from _sync(grbl)
        grbl.spindle, grbl.speed = modes['spindle'], speed
        grbl.drive_pen()
    if flood != grbl.flood:
        yield from _sync(grbl)
        grbl.flood = flood
        grbl.drive_pen()


def _shift(grbl: GrblUnit, order: Order) -> LineTask:
    """Do what changes offsets."""
    offsets, nothing = grbl.offsets, np.zeros(3)
    offset = nothing if order.offset is None else order.offset
    if order.action == 'G10':
        offsets.systems[order.system] = offset
    elif order.action in ('G92', 'G92.1'):
        offsets.g92 = offset
    elif order.action in ('G43.1', 'G49'):
        offsets.tool = offset
    elif order.action in ('G28.1', 'G30.1'):
        if grbl.state != 'Check':
            yield from _sync(grbl)
        offsets.stored[int(order.action == 'G30.1')] = grbl.position
    if order.action in ('G10', 'G28.1', 'G30.1'):
        yield from _write_eeprom(grbl)


def _line_to(grbl: GrblUnit, target: np.ndarray, feed: float, state: str = 'Run') -> LineTask:
    """Plan a straight way, as soon as there is room for it."""
    if state == 'Run' and (grbl.soft_alarm_next or not _within(grbl, target)):
        yield from _leave_travel(grbl)
    if grbl.state == 'Check':
        grbl.position = target
        return
    while grbl.planner.waiting >= BLOCKS:
        yield lambda: grbl.planner.waiting < BLOCKS
    steps = tuple(round(each) for each in (target * grbl.planner.steps_per_mm).tolist())
    grbl.position = target
    if grbl.planner.add(steps, feed):
        if grbl.state == 'Idle':
            grbl.starved += grbl.ran_dry and state == 'Run'
            grbl.state = state
        grbl.ran_dry = False


def _within(grbl: GrblUnit, target: np.ndarray) -> bool:
    """Whether the soft limits, if they are on, let a target be."""
    travel, low = grbl.of_axes(130), [int(grbl.settings[23]) >> axis & 1 for axis in range(3)]
    first = np.where(low, 0.0, -travel) if grbl.dialect.homes_to_zero else -travel
    return not grbl.settings[20] or bool(((first - 1e-6 <= target) & (target <= first + travel + 1e-6)).all())


def _leave_travel(grbl: GrblUnit) -> LineTask:
    """A soft limit: brake, then wait for a reset."""
    grbl.soft_alarm_next = False
    if grbl.state == 'Run':
        grbl.state, grbl.soft_alarm_due = 'Hold', True
        grbl.planner.hold()
    else:
        grbl.critical(2)
    yield lambda: False


def _sync(grbl: GrblUnit) -> LineTask:
    """Wait for rest."""
    if grbl.planner.waiting:
        yield lambda: not grbl.planner.waiting and grbl.state not in ('Hold', 'Door')
    grbl.ran_dry = False


def _flow(grbl: GrblUnit, flow: str) -> LineTask:
    yield from _sync(grbl)
    if flow == 'M0':
        grbl.state = 'Hold'
        yield grbl.seconds
    elif flow in ('M2', 'M30'):
        grbl.say('[MSG:Pgm End]')
        grbl.modes = replace(grbl.modes, codes={**grbl.modes.codes, **_AT_THE_END})
        grbl.planner.feed_percent = grbl.planner.rapid_percent = grbl.spindle_percent = 100
        yield from _switch(grbl, grbl.modes)
