"""How an emulated EBB reads commands and words its answers: legacy and future syntax, checksums, errors.

As the command reference has it (EBB command set 2.x and 3.0). What a command takes and says is a row of a table, see
`Command`; what it does is a function of the board's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Version = tuple[int, int, int]
OK_AFTER, OK_BESIDE, NO_OK, NO_OK_EITHER = '\r\nOK\r\n', '\n\rOK\r\n', '\r\n', '\n\r'  # behind a value


class Bad(Exception):  # noqa: N818  what the board answers, not an error of ours
    """A command that the board refuses."""


BAD_VALUE, MISSING = '!6 Err: Invalid parameter value', '!4 Err: Missing parameter(s)'


@dataclass(frozen=True)
class Parameter:
    """A whole number that a command takes.

    Attributes:
        low, high: its range.
        needed: whether it must be given.
        default: when it is not.
        since: the firmware that knows it.
    """

    low: int
    high: int
    needed: bool = True
    default: int | None = None
    since: Version = (0, 0, 0)

    def read(self, given: list[str], index: int) -> int | None:
        """Its value among those given.

        Raises:
            Bad: it is missing, no whole number, or out of range.
        """
        if index >= len(given):
            if self.needed:
                raise Bad(MISSING)
            return self.default
        text = given[index]
        digits = text.removeprefix('-')
        if not (digits.isascii() and digits.isdigit() and len(digits) <= 10 and self.low <= int(text) <= self.high):
            raise Bad(BAD_VALUE)
        return int(text)


def optional(low: int, high: int, default: int | None = 0, *, since: Version = (0, 0, 0)) -> Parameter:
    """A parameter that may be left out."""
    return Parameter(low, high, needed=False, default=default, since=since)


@dataclass(frozen=True)
class Command:
    """What a command takes and how it is answered.

    Attributes:
        run: does it; takes the board and the parameters, returns the value to tell, or None: OK alone.
        parameters: in their order.
        since: the firmware that knows it.
        end: of a value in the legacy syntax.
        named: whether a value has the command's name before it in the legacy syntax, too.
    """

    run: Callable[..., str | None]
    parameters: tuple[Parameter, ...] = ()
    since: Version = (0, 0, 0)
    end: str = OK_AFTER
    named: bool = False

    def values(self, given: list[str], firmware: Version) -> list[int | None]:
        """The parameters by what was given.

        Raises:
            Bad: one cannot be used, or there are too many.
        """
        known = [each for each in self.parameters if firmware >= each.since]
        values = [each.read(given, index) for index, each in enumerate(known)]
        if len(given) > len(known):
            raise Bad('!7 Err: Extra parameter')
        return values + [each.default for each in self.parameters[len(known) :]]

    def legacy(self, name: str, value: str | None) -> str:
        """The answer in the legacy syntax, with its end."""
        if value is None:
            return 'OK\r\n'
        return (f'{name},{value}' if self.named else value) + self.end


COMMANDS: dict[str, Command] = {}


def command(name: str, *parameters: Parameter, **how: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Let a method of the board's obey a command; `how`: other fields of `Command`."""

    def register(run: Callable[..., Any]) -> Callable[..., Any]:
        COMMANDS[name] = Command(run, parameters, **how)
        return run

    return register


def without_checksum(line: str) -> str:
    """A command without its checksum.

    Raises:
        Bad: there is none, or it is wrong.
    """
    body, comma, said = line.rpartition(',')
    if not comma or len(said) > 4:
        raise Bad('!10 Err: No checksum found but required')
    wanted = -sum(ord(c) for c in body) % 256
    if not (said.isascii() and said.isdigit() and int(said) == wanted):
        raise Bad(f'!9 Err: Checksum incorrect, expected {wanted}')
    return body


def unknown(name: str) -> Bad:
    """The refusal of a command that the firmware does not know."""
    return Bad(f"!8 Err: Unknown command '{name}:{''.join(f'{ord(c) % 256:02X}' for c in name)}'")


def fields_of(body: str) -> list[str]:
    """What is behind a command's name.

    Raises:
        Bad: it does not begin with a comma.
    """
    if body and not body.startswith(','):
        raise Bad(f"!5 Err: Need comma next, found: '{body[0]}'")
    return body[1:].split(',') if body else []
