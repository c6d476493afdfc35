"""A controller on the bench, spoken to without a port."""

from __future__ import annotations

from sketch_robot_emulators import GrblUnit, Hardware

BANNER = "\r\nGrbl 1.1h ['$' for help]\r\n"
LOCKED = "[MSG:'$H'|'$X' to unlock]\r\n"


class Bench:
    """Bytes in, lines out."""

    def __init__(
        self, hardware: Hardware | None = None, changes: dict[int, float] | None = None, **options: float
    ) -> None:
        self.unit = GrblUnit(hardware, settings=changes, reset_on_open=False, **options)  # type: ignore[arg-type]
        self.machine = self.unit.trace
        self.unit.brown_out()
        self.greeting = self.say('', 0.01)

    def say(self, text: str | bytes, seconds: float = 0.05) -> str:
        """Send, let time pass, and return what came."""
        self.unit.send(text.encode() if isinstance(text, str) else text)
        self.unit.run(seconds)
        return self.unit.drop_answers().decode('ascii')

    def line(self, text: str, seconds: float = 0.05) -> str:
        """Send one line; returns the one line of the answer."""
        return self.say(text + '\n', seconds).rstrip('\r\n')

    def report(self) -> dict[str, str]:
        """The fields of a status report; 'state' is the first."""
        text = self.say('?', 0.01).strip()
        assert text.startswith('<'), text
        assert text.endswith('>'), text
        state, *fields = text[1:-1].split('|')
        return {'state': state, **dict(field.split(':') for field in fields)}
