"""A drawing followed on a terminal: its progress, and Ctrl-C that lifts the pen."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable
from types import FrameType

from sketch_robot.nodes.draw_calls import DrawHandle
from sketch_robot.nodes.draw_messages import DrawPhase, DrawProgress, DrawResult

LOOK_S = 0.1
PHASES = {
    DrawPhase.CAPTURE: 'taking a picture',
    DrawPhase.LINE_ART: 'drawing lines',
    DrawPhase.PLAN: 'planning',
    DrawPhase.DRAW: 'on paper',
    DrawPhase.PARK: 'parking',
}


class Interrupts:
    """Counts Ctrl-C and SIGTERM for the loops to look at; an exception raised by a signal can be lost in a callback."""

    def __init__(self) -> None:
        self.count = 0
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._on_signal)

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self.count += 1


class ProgressLine:
    """Shows on a terminal where a drawing stands; one line for each phase where there is no terminal."""

    def __init__(self) -> None:
        self._terminal = sys.stderr.isatty()
        self._said = ''

    def show(self, progress: DrawProgress) -> None:
        """Show it."""
        text = f'waiting for {progress.waiting_for}' if progress.waiting_for else PHASES[progress.phase]
        if self._terminal:
            sys.stderr.write(f'\r\x1b[K{text}{_bar(progress)}')
        elif text != self._said:
            sys.stderr.write(f'{text}\n')
        self._said = text

    def end(self) -> None:
        """Leave the line."""
        if self._terminal:
            sys.stderr.write('\r\x1b[K')


def _bar(progress: DrawProgress) -> str:
    if progress.phase != DrawPhase.DRAW:
        return ''
    filled = round(24 * min(1.0, progress.fraction))
    done = f'{progress.strokes_done}/{progress.strokes_total}'
    return f' [{"#" * filled}{"." * (24 - filled)}] {done}, {progress.remaining_s:.0f} s'


def follow(drawing: DrawHandle, interrupts: Interrupts, check: Callable[[], None] = lambda: None) -> DrawResult:
    """Wait for a drawing's end; the first Ctrl-C cancels it.

    Args:
        drawing: what was asked for.
        interrupts: since when they count.
        check: called again and again; what it raises ends the waiting.

    Raises:
        DrawError: it did not come about.
        KeyboardInterrupt: interrupted twice.
    """
    cancelled = False
    while True:
        try:
            return drawing.result(LOOK_S)
        except TimeoutError:
            check()
        if interrupts.count > 1:
            raise KeyboardInterrupt
        if interrupts.count and not cancelled:
            cancelled = True
            drawing.cancel()
