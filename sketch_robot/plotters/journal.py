"""What of a drawing is proven to be on paper, kept on disk so that it survives whatever happens to the program.

A text file of one record a line: its CRC-32 in hexadecimal, a space, JSON. The first record tells which plan, page and
machine it belongs to; each further one tells a stroke and how much of it is on paper. Records are appended and handed
to the system at once (so a killed program loses none) and to the disk in the background (so a power cut loses at most
the last moment). A last line that was torn is recognised by its checksum and dropped.
"""

from __future__ import annotations

import errno
import logging
import os
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.motion.plan import DrawingPlan
from sketch_robot.plotters.journal_file import (
    FORMAT,
    VERSION,
    JournalEntry,
    digest_of,
    line_of,
    read_entry,
    read_journal,
)
from sketch_robot.plotters.remainder import Proven, Remainder, remaining

__all__ = ['Journal', 'JournalEntry', 'digest_of', 'read_journal']

WHOLE_MM = 1e-6  # a length so close to the stroke's is all of it
_log = logging.getLogger(__name__)


class Journal:
    """The record of one drawing, as it is made.

    Args:
        path: the file; made when missing.
        machine: its name, for people.
        resume: go on with the drawing that the file tells of; else an older file is replaced.
    """

    def __init__(self, path: str | Path, *, machine: str = '', resume: bool = False) -> None:
        self.path = Path(path)
        self._machine, self._resume = machine, resume
        self._file: IO[bytes] | None = None
        self._lengths: list[float] = []
        self._on_paper = Proven()
        self._facts: dict[str, Any] = {}
        self._disk: _Disk | None = None

    @property
    def is_resumed(self) -> bool:
        """Whether `begin` found, or will look for, a drawing to go on with."""
        return self._resume

    @property
    def on_paper(self) -> Proven:
        """What is proven to be on paper."""
        return self._on_paper

    @property
    def facts(self) -> Mapping[str, Any]:
        """What the driver has noted, also before the drawing was resumed."""
        return self._facts

    def begin(self, plan: DrawingPlan) -> Remainder:
        """Open the record for a plan and tell what is left to draw. A driver calls it before its first move.

        Beginning the same plan again, after a fault, goes on with it.

        Raises:
            SketchRobotError: BAD_PLAN, there is no journal to resume, or it belongs to another plan; NOTHING_TO_DRAW,
                all of it is on paper; BAD_GOAL, the file cannot be written.
        """
        self.close()
        digest = digest_of(plan)
        self._lengths = [stroke.length for stroke in plan.strokes]
        try:
            if self._resume:
                self._go_on(plan, digest)
            else:
                self._start(plan, digest)
            self._disk = _Disk(self._file)
        except OSError as error:
            self.close()
            raise SketchRobotError(
                ErrorCode.BAD_GOAL,
                f'cannot write the journal {self.path}: {error.strerror or error}; nothing was drawn',
            ) from error
        self._resume = True
        return remaining(plan, self._on_paper)

    def proven(self, stroke_index: int, length_mm: float) -> None:
        """Record that a stroke, and all before it, is on paper up to a length; all of it: the whole stroke.

        What is less than known already changes nothing. The dot that is a stroke's only point is on paper with any
        length.

        Raises:
            SketchRobotError: BAD_GOAL, the file cannot be written any more: the drawing should stop, pen up.
            ValueError: the journal was not begun, or there is no such stroke.
        """
        if self._file is None or not 0 <= stroke_index < len(self._lengths):
            raise ValueError(f'stroke {stroke_index} is not of a drawing whose journal was begun')
        whole = length_mm >= self._lengths[stroke_index] - WHOLE_MM
        told = Proven(stroke_index + 1) if whole else Proven(stroke_index, max(0.0, round(float(length_mm), 6)))
        if (told.strokes, told.length_mm) <= (self._on_paper.strokes, self._on_paper.length_mm):
            return
        self._append({'strokes': told.strokes, 'length_mm': told.length_mm})
        self._on_paper = told

    def note(self, **facts: Any) -> None:
        """Record what the driver wants to know when the drawing is resumed: numbers, texts, and lists of them.

        Raises:
            SketchRobotError: BAD_GOAL, the file cannot be written.
        """
        if self._file is not None and any(self._facts.get(name) != value for name, value in facts.items()):
            self._append({'facts': facts})
            self._facts.update(facts)

    def finish(self) -> None:
        """Record that the drawing is complete, and close.

        Raises:
            SketchRobotError: BAD_GOAL, the file cannot be written.
        """
        if self._file is not None:
            self._append({'finished': True})
        self.close()

    def close(self) -> None:
        """Hand all to the disk and close the file. Closing twice is harmless."""
        disk, self._disk = self._disk, None
        file, self._file = self._file, None
        if disk is not None:
            disk.close()
        if file is not None:
            with suppress(OSError):  # told when it was written
                file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _start(self, plan: DrawingPlan, digest: str) -> None:
        self._on_paper, self._facts = Proven(), {}
        self.path.parent.mkdir(parents=True, exist_ok=True)
        draft = self.path.with_name(f'.{self.path.name}.{os.getpid()}')
        head = {
            'format': FORMAT,
            'version': VERSION,
            'plan': digest,
            'page': plan.page.name,
            'page_mm': [plan.page.width_mm, plan.page.height_mm],
            'machine': self._machine,
            'strokes': len(plan.strokes),
        }
        try:
            self._file = draft.open('wb', buffering=0)
            self._file.write(line_of(head))
            os.fsync(self._file.fileno())
            draft.replace(self.path)
        finally:
            with suppress(OSError):
                draft.unlink()
        folder = os.open(self.path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def _go_on(self, plan: DrawingPlan, digest: str) -> None:
        entry, size = read_entry(self.path)
        if entry.plan_digest != digest or entry.strokes != len(plan.strokes):
            raise SketchRobotError(
                ErrorCode.BAD_PLAN,
                f'the journal {self.path} belongs to another drawing (page {entry.page}, {entry.strokes} strokes); '
                'name the plan that was being drawn, or start anew',
            )
        if entry.finished or entry.on_paper.strokes == len(plan.strokes):
            raise SketchRobotError(
                ErrorCode.NOTHING_TO_DRAW, f'all of this drawing is on paper, as {self.path} tells; nothing is left'
            )
        self._file = self.path.open('r+b', buffering=0)
        self._file.truncate(size)  # a torn last line
        self._file.seek(size)
        self._on_paper, self._facts = entry.on_paper, dict(entry.facts)

    def _append(self, record: dict[str, Any]) -> None:
        assert self._file is not None and self._disk is not None  # noqa: PT018  begun
        line = line_of(record)
        try:
            self._disk.check()
            size = self._file.tell()
            if self._file.write(line) != len(line):
                self._file.truncate(size)  # or what is written later could not be read
                self._file.seek(size)
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError as error:
            raise SketchRobotError(
                ErrorCode.BAD_GOAL,
                f'cannot write the journal {self.path}: {error.strerror or error}; the drawing was stopped with the '
                'pen up; make room, then resume it',
            ) from error
        self._disk.wanted()


class _Disk:
    """Hands a file's data to the disk in a thread of its own, so that a slow disk does not stop the pen."""

    def __init__(self, file: IO[bytes] | None) -> None:
        assert file is not None
        self._fd = file.fileno()
        self._wanted, self._ended = threading.Event(), False
        self._error: OSError | None = None
        self._thread = threading.Thread(target=self._run, name='journal', daemon=True)
        self._thread.start()

    def wanted(self) -> None:
        self._wanted.set()

    def check(self) -> None:
        if self._error is not None:
            raise self._error

    def close(self) -> None:
        self._ended = True
        self._wanted.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._ended:
            self._wanted.wait()
            self._wanted.clear()
            try:
                os.fdatasync(self._fd)
            except OSError as error:
                _log.warning('the journal does not reach the disk: %s', error)
                self._error = error
                return
