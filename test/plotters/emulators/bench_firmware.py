"""A controller on the bench, spoken to without a port."""

from __future__ import annotations

from sketch_robot.plotters.emulators.grbl_firmware import GrblFirmware
from sketch_robot.plotters.emulators.grbl_machine import GrblMachine, Hardware
from sketch_robot.plotters.emulators.grbl_settings import settings_with

BANNER = "\r\nGrbl 1.1h ['$' for help]\r\n"
LOCKED = "[MSG:'$H'|'$X' to unlock]\r\n"


class Bench:
    """Bytes in, lines out."""

    def __init__(
        self, hardware: Hardware | None = None, changes: dict[int, float] | None = None, **options: float
    ) -> None:
        settings = settings_with(changes)
        self.machine = GrblMachine(hardware or Hardware(), (settings[100], settings[101], settings[102]))
        self.firmware = GrblFirmware(self.machine, settings, **options)  # type: ignore[arg-type]
        self.greeting = self.say('', 0.01)

    def say(self, text: str | bytes, seconds: float = 0.05) -> str:
        """Send, let time pass, and return what came."""
        self.firmware.receive(text.encode() if isinstance(text, str) else text)
        self.firmware.run(seconds)
        said = self.firmware.sent.decode('ascii')
        self.firmware.sent.clear()
        return said

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
