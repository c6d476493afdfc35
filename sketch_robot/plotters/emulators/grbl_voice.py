"""What a GRBL 1.1h controller says: answers, messages and status reports. Reference: grbl/report.c."""

from __future__ import annotations

from sketch_robot.plotters.emulators import grbl_report as report
from sketch_robot.plotters.emulators import grbl_words as words
from sketch_robot.plotters.emulators.grbl_board import HOLD, HOME, JOG, RUN, GrblBoard
from sketch_robot.plotters.emulators.grbl_planner import blocks_free
from sketch_robot.plotters.emulators.grbl_settings import AXES

_MOVING = frozenset({RUN, HOLD, JOG, HOME})


class GrblVoice(GrblBoard):
    """See the module, and `GrblBoard`."""

    def _say(self, text: str) -> None:
        self.sent += text.encode('ascii', 'replace')

    def _message(self, text: str) -> None:
        self._say(f'[MSG:{text}]\r\n')

    @property
    def _inches(self) -> bool:
        return bool(self.settings[13])

    def _switches(self) -> list[bool]:
        if self.machine.hardware.switch_mm is None:
            return [False] * AXES
        self._follow_here()
        pressed = self.machine.switches(int(self.settings[23]))
        return pressed if self.switches_work else [False] * AXES

    def _report(self) -> None:
        """The real-time status report."""
        state = self.state
        if state == HOLD:
            state = f'Hold:{0 if self._hold_complete else 1}'
        machine = bool(int(self.settings[10]) & 1)
        offset = self.parser.work_offset
        place = self._position_mm() if machine else self._position_mm() - offset
        parts = [state, f'{"M" if machine else "W"}Pos:{report.position(place, self._inches)}']
        if int(self.settings[10]) & 2:
            parts.append(f'Bf:{blocks_free(self.motion)},{self.serial.free}')
        speed = float(self.motion.prep['speed'][0]) if self.state in _MOVING else 0.0
        parts.append(f'FS:{report.rate(speed, self._inches)},{report.number(self._spindle_now, 0)}')
        pressed = self._switches()
        if any(pressed):
            parts.append('Pn:' + ''.join(name for name, on in zip('XYZ', pressed, strict=True) if on))
        moving = self.state in _MOVING
        if self._wco_in > 0:
            self._wco_in -= 1
        else:
            self._wco_in = 29 if moving else 9
            self._ovr_in = max(self._ovr_in, 1)
            parts.append(f'WCO:{report.position(offset, self._inches)}')
        if self._ovr_in > 0:
            self._ovr_in -= 1
        else:
            self._ovr_in = 19 if moving else 9
            parts.append(f'Ov:{self._feed_percent},{self._rapid_percent},{self._spindle_percent}')
            accessory = '' if self._spindle_is_off else 'S' if self.parser.modes.spindle == words.SPINDLE_CW else 'C'
            accessory += 'F' if self.parser.modes.flood else ''
            if accessory:
                parts.append(f'A:{accessory}')
        self._say(f'<{"|".join(parts)}>\r\n')
