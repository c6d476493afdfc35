"""How an emulated EBB reads commands and words its answers: legacy and future syntax, checksums, errors.

As the command reference has it (EBB command set 2.x and 3.0). A command that finds the queue full blocks all after it
until there is room.
"""

from __future__ import annotations

from collections import deque

from sketch_robot.plotters.emulators.ebb_carriage import EbbCarriage

MOST_BYTES = 256  # of a command, with its end
KEPT_LINES = 20_000  # to look at
WAITS_TO_ENABLE = (2, 8, 0)  # the firmware from which EM takes its turn in the queue


class Bad(Exception):  # noqa: N818  what the board answers, not an error of ours
    """A command that the board refuses."""


class EbbSyntax(EbbCarriage):
    """See the module; a handler `_do_xy` obeys the command XY.

    Attributes:
        commands: the latest lines received, in order.
        lines: how many there were.
    """

    commands: deque[str]
    lines = 0
    _input = _output = b''
    _future = _checked = False

    @property
    def has_input(self) -> bool:
        """Whether there is a whole command that it has not obeyed."""
        return b'\r' in self._input or len(self._input) >= MOST_BYTES

    def forget_input(self) -> None:
        """Drop what was said half, or not yet obeyed, as when the cable is pulled."""
        self._input = b''

    @property
    def blocked(self) -> bool:
        """Whether a whole command waits for room in the queue."""
        return b'\r' in self._input and self._must_wait(self._input.split(b'\r', 1)[0])

    def receive(self, data: bytes) -> None:
        """Take bytes from the cable."""
        self._input += data

    def handle_one(self) -> bool:
        """Obey the next whole command if there is room for it; whether there was one."""
        self._input = self._input.replace(b'\n', b'')
        if len(self._input.split(b'\r', 1)[0]) >= MOST_BYTES:
            self._input = self._input[MOST_BYTES:]
            self._say('!3 Err: RX Buffer overrun')
            return True
        if b'\r' not in self._input or self.blocked:
            return False
        line, self._input = self._input.split(b'\r', 1)
        self._obey(line.decode('ascii', 'replace'))
        return True

    def take_output(self) -> bytes:
        """The bytes to put on the cable."""
        data, self._output = self._output, b''
        return data

    def _must_wait(self, line: bytes) -> bool:
        name = line[:2].upper()
        if name in (b'HM', b'CU'):
            return not self.stepper.idle and (name == b'HM' or line[2:5] == b',4,')
        queued = (b'SM', b'XM', b'LM', b'S2', b'TP') + ((b'EM',) if self.firmware >= WAITS_TO_ENABLE else ())
        immediate_pen = name == b'SP' and line[3:4] in (b'2', b'3')
        return (name in queued or (name == b'SP' and not immediate_pen)) and self.stepper.full

    def _obey(self, line: str) -> None:
        self.commands.append(line)
        self.lines += 1
        name = line.split(',', 1)[0][:2].upper()
        try:
            if self._checked:
                line = self._without_checksum(line)
            handler = getattr(self, f'_do_{name.lower()}', None) if name.isascii() and name.isalnum() else None
            body = line[len(name) :]
            if handler is None:
                raise Bad(f"!8 Err: Unknown command '{name}:{''.join(f'{ord(c) % 256:02X}' for c in name)}'")
            if body and not body.startswith(','):
                raise Bad(f"!5 Err: Need comma next, found: '{body[0]}'")
            handler(body[1:].split(',') if body else [])
        except Bad as refusal:
            self._say(f'{name},{refusal}' if self._future else str(refusal))

    def _without_checksum(self, line: str) -> str:
        body, comma, said = line.rpartition(',')
        if not comma or len(said) > 4:
            raise Bad('!10 Err: No checksum found but required')
        wanted = -sum(ord(c) for c in body) % 256
        if not (said.isascii() and said.isdigit() and int(said) == wanted):
            raise Bad(f'!9 Err: Checksum incorrect, expected {wanted}')
        return body

    def _say(self, text: str, legacy_end: str = '\r\n') -> None:
        self._output += (text + ('\n' if self._future else legacy_end)).encode('ascii', 'replace')

    def _answer(
        self, name: str, value: str | None = None, *, legacy_end: str = '\r\nOK\r\n', named: bool = False
    ) -> None:
        """Answer a command that was obeyed; with a value to tell, or with OK alone."""
        if self._future:
            self._say(name if value is None else f'{name},{value}')
        elif value is None:
            self._say('OK')
        else:
            self._say(f'{name},{value}' if named else value, legacy_end)

    def _number(self, given: list[str], index: int, low: int, high: int, default: int | None = None) -> int:
        if index >= len(given):
            if default is None:
                raise Bad('!4 Err: Missing parameter(s)')
            return default
        text = given[index]
        digits = text[1:] if text.startswith('-') else text
        if not (digits.isascii() and digits.isdigit() and len(digits) <= 10 and low <= int(text) <= high):
            raise Bad('!6 Err: Invalid parameter value')
        return int(text)

    def _no_more(self, given: list[str], count: int) -> None:
        if len(given) > count:
            raise Bad('!7 Err: Extra parameter')
