"""A link to an emulated EBB in the board's own time: no threads, no wall-clock time, the same every time.

link = EbbLink(EbbCable(EbbBoard(page, Axes.of())))
EbbPlotter(link=link) ...
"""

from __future__ import annotations

from collections.abc import Callable

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.plotters.emulators.ebb_cable import TICK_S, EbbCable
from sketch_robot.plotters.emulators.ebb_motion import TICKS_PER_MS


class EbbLink:
    """See the module; time passes only while somebody waits for an answer.

    Args:
        cable: to the board.
    """

    def __init__(self, cable: EbbCable) -> None:
        self.cable = cable
        self._actions: list[tuple[int, Callable[[], object]]] = []
        self._input = b''
        self._is_open = self._is_dead = self._woken = False

    def after(self, seconds: float, action: Callable[[], object]) -> None:
        """Do something, as another thread would, when so much of the board's time has passed."""
        self._actions.append((self.cable.board.ticks + round(seconds / TICK_S), action))
        self._actions.sort(key=lambda item: item[0])

    def kill(self) -> None:
        """Let the program that uses it say nothing more, as if it had been killed."""
        self._is_dead = True

    def revive(self) -> None:
        """Let another program use it."""
        self._is_dead = self._is_open = False

    @property
    def port(self) -> str:
        """What people call it."""
        return 'the emulated EBB'

    def open(self) -> None:
        """Open it; what the machine had said before is dropped.

        Raises:
            SketchRobotError: PLOTTER_OFFLINE, it is not plugged in.
        """
        if not self.cable.plugged:
            raise SketchRobotError(ErrorCode.PLOTTER_OFFLINE, 'the emulated EBB is not plugged in')
        self._is_open = True
        self.cable.take()
        self._input = b''

    def close(self) -> None:
        """Give the port back."""
        self._is_open = False

    def write(self, data: bytes) -> None:
        """Send bytes.

        Raises:
            SketchRobotError: PLOTTER_OFFLINE, it was unplugged.
        """
        self._check()
        self.cable.send(data)

    def read_line(self, timeout_s: float) -> str | None:
        """The next line without its end, never empty; None: none came in time, or somebody called `wake`.

        Raises:
            SketchRobotError: PLOTTER_OFFLINE, it was unplugged.
        """
        left = round(timeout_s / TICK_S)
        while True:
            self._check()
            self._input += self.cable.take()
            while b'\n' in (text := self._input.replace(b'\r', b'\n')):
                line = text.partition(b'\n')[0]
                self._input = self._input[len(line) + 1 :]
                if line:
                    return line.decode('ascii', 'replace')
            if self._woken or left <= 0:
                self._woken = False
                return None
            step = min(left, TICKS_PER_MS if not self.cable.quiet else left)
            if self._actions:
                step = max(1, min(step, self._actions[0][0] - self.cable.board.ticks))
            self.cable.run(step)
            left -= step
            while self._actions and self._actions[0][0] <= self.cable.board.ticks:
                self._actions.pop(0)[1]()

    def wake(self) -> None:
        """Let the next `read_line` return at once."""
        self._woken = True

    def now_s(self) -> float:
        """Seconds of the board's time."""
        return self.cable.seconds

    def _check(self) -> None:
        if not self._is_open or self._is_dead:
            raise SketchRobotError(ErrorCode.PLOTTER_OFFLINE, 'the emulated EBB is not connected; connect it first')
        if not self.cable.plugged:
            raise SketchRobotError(ErrorCode.PLOTTER_OFFLINE, 'the emulated EBB was unplugged; connect it again')
