"""An emulated GRBL plotter without a port: a link whose time is the machine's, and passes only while one waits.

For tests of drivers: no threads, no wall-clock time, the same every time, some 70 times faster than a real machine. It
satisfies `serial_link.Link`.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.plotters.emulators.grbl_unit import GrblUnit

_LONGEST_LINE = 512
_PRINTABLE = bytes(byte if 0x20 <= byte < 0x7F else 0xFF for byte in range(256))


class EmulatedLink:
    """A driver's end of the cable; see the module.

    Args:
        unit: what it leads to.
    """

    def __init__(self, unit: GrblUnit) -> None:
        self.unit = unit
        self._open = False
        self._input = bytearray()
        self._lines: deque[str] = deque()
        self._woken = threading.Event()
        self._actions: list[tuple[float, Callable[[], object]]] = []

    def after(self, seconds: float, action: Callable[[], object]) -> None:
        """Do something, as another thread would, when so many machine seconds have passed."""
        self._actions.append((self.unit.seconds + seconds, action))
        self._actions.sort(key=lambda item: item[0])

    @property
    def port(self) -> str:
        """What people call it."""
        return 'emulated'

    def open(self) -> None:
        """Open it.

        Raises:
            SketchRobotError: PLOTTER_OFFLINE, the cable is out.
        """
        if self._open:
            return
        self.unit.run(0.0)
        self._check_plugged()
        self._open = True
        self._input.clear()
        self._lines.clear()
        self.unit.client_opens()

    def close(self) -> None:
        """Give it back. Closing twice is harmless."""
        self._open = False

    def write(self, data: bytes) -> None:
        """Send bytes.

        Raises:
            SketchRobotError: PLOTTER_OFFLINE, the cable is out, or it was not opened.
        """
        self._check_plugged()
        self.unit.send(data)

    def read_line(self, timeout_s: float) -> str | None:
        """The next line without its end, never empty; None: none came in time, or somebody called `wake`.

        Raises:
            SketchRobotError: PLOTTER_OFFLINE, the cable was pulled.
        """
        end_s = self.unit.seconds + timeout_s
        while not self._lines:
            self._check_plugged()
            if self._woken.is_set():
                self._woken.clear()
                return None
            left_s = end_s - self.unit.seconds
            self._run(max(0.0, left_s), until_heard=True)
            self._take(self.unit.heard())
            if left_s <= 0.0:
                break
        return self._lines.popleft() if self._lines else None

    def wake(self) -> None:
        """Let the `read_line` that waits now, or else the next one, return at once."""
        self._woken.set()

    def now_s(self) -> float:
        """Machine seconds."""
        return self.unit.seconds

    def pass_time(self, seconds: float) -> None:
        """Let the machine go on by itself, as when the driver is not there."""
        self._run(seconds)

    def _run(self, seconds: float, *, until_heard: bool = False) -> None:
        end_s = self.unit.seconds + seconds
        while self._actions and self._actions[0][0] <= end_s:
            self.unit.run(max(0.0, self._actions[0][0] - self.unit.seconds), until_heard=until_heard)
            if self.unit.seconds < self._actions[0][0]:
                return  # something was heard before
            self._actions.pop(0)[1]()
            if self._woken.is_set():
                return
        self.unit.run(max(0.0, end_s - self.unit.seconds), until_heard=until_heard)

    def _check_plugged(self) -> None:
        if not self.unit.plugged:
            self._open = False
            raise SketchRobotError(
                ErrorCode.PLOTTER_OFFLINE, 'the emulated machine was lost; plug it in, then connect again'
            )

    def _take(self, data: bytes) -> None:
        self._input += data
        *ended, rest = self._input.replace(b'\r', b'\n').split(b'\n')
        for line in ended:
            if line:
                self._lines.append(line[:_LONGEST_LINE].translate(_PRINTABLE).decode('ascii', errors='replace'))
        self._input = bytearray(rest[-_LONGEST_LINE:])
