"""What of a drawing is proven to be on paper, kept on disk so that it survives whatever happens to the program.

A text file of one record a line: its CRC-32 in hexadecimal, a space, JSON. The first record tells which plan, page and
machine it belongs to; each further one tells a stroke and how much of it is on paper. Records are appended and handed
to the system at once (so a killed program loses none) and to the disk in the background (so a power cut loses at most
the last moment). A last line that was torn is recognised by its checksum and dropped.
"""

from __future__ import annotations

import errno
import json
import logging
import os
import threading
import zlib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.files import drafted
from sketch_robot.motion.plan import DrawingPlan, digest_of
from sketch_robot.plotters.progress import Proven, Remainder, remaining

FORMAT = 'sketch_robot drawing journal'
VERSION = 1
WHOLE_MM = 1e-6  # a length so close to the stroke's is all of it
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class JournalEntry:
    """What a journal tells.

    Attributes:
        plan_digest: of the plan that it belongs to; see `digest_of`.
        page, machine: by name, for people.
        strokes: of the whole plan.
        on_paper: what is proven to be.
        finished: whether all of it was drawn.
        facts: what the driver noted, to know its machine again.
    """

    plan_digest: str
    page: str
    machine: str
    strokes: int
    on_paper: Proven
    finished: bool
    facts: Mapping[str, Any] = field(default_factory=dict)


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
        head = {
            'format': FORMAT,
            'version': VERSION,
            'plan': digest,
            'page': plan.page.name,
            'page_mm': [plan.page.width_mm, plan.page.height_mm],
            'machine': self._machine,
            'strokes': len(plan.strokes),
        }
        with drafted(self.path) as draft:
            self._file = draft.open('wb', buffering=0)
            self._file.write(_line_of(head))
            os.fsync(self._file.fileno())
        folder = os.open(self.path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def _go_on(self, plan: DrawingPlan, digest: str) -> None:
        entry, size = _read_entry(self.path)
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
        line = _line_of(record)
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
        ended = False
        while not ended:
            self._wanted.wait()
            self._wanted.clear()
            ended = self._ended  # looked at before the sync: what is written during one gets another
            try:
                os.fdatasync(self._fd)
            except OSError as error:
                _log.warning('the journal does not reach the disk: %s', error)
                self._error = error
                return


def read_journal(path: str | Path) -> JournalEntry:
    """What a journal tells.

    Raises:
        SketchRobotError: BAD_PLAN, there is no such file, or it is no journal.
    """
    return _read_entry(Path(path))[0]


def _line_of(record: dict[str, Any]) -> bytes:
    """A record as a line of the file."""
    text = json.dumps(record, separators=(',', ':'))
    return f'{zlib.crc32(text.encode()):08x} {text}\n'.encode()


def _records(data: bytes) -> tuple[list[dict[str, Any]], int]:
    """The whole records at the beginning of a file, and how many bytes they are."""
    records: list[dict[str, Any]] = []
    size = 0
    for line in data.splitlines(keepends=True):
        checksum, _, text = line[:-1].partition(b' ')
        if not line.endswith(b'\n') or checksum != b'%08x' % zlib.crc32(text):
            break
        records.append(dict(json.loads(text)))
        size += len(line)
    return records, size


def _read_entry(path: Path) -> tuple[JournalEntry, int]:
    """What a journal tells, and how many bytes of it are whole lines; errors as of `read_journal`."""
    try:
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise SketchRobotError(ErrorCode.BAD_PLAN, f'there is no journal {path}; nothing is to be resumed') from error
    except OSError as error:
        raise SketchRobotError(
            ErrorCode.BAD_PLAN, f'cannot read the journal {path}: {error.strerror or error}'
        ) from error
    records, size = _records(data)
    if not records or records[0].get('format') != FORMAT:
        raise SketchRobotError(ErrorCode.BAD_PLAN, f'{path} is no journal of a drawing')
    if size < len(data):
        _log.info('the journal %s ends in a torn line of %d bytes, which is dropped', path, len(data) - size)
    try:
        return _entry(records), size
    except (KeyError, TypeError, ValueError) as error:
        raise SketchRobotError(
            ErrorCode.BAD_PLAN, f'cannot read the journal {path}: {error}; it is of another version or damaged'
        ) from error


def _entry(records: list[dict[str, Any]]) -> JournalEntry:
    head, *rest = records
    if head['version'] != VERSION:
        raise ValueError(f'it has version {head["version"]}, this program reads {VERSION}')
    on_paper, finished = Proven(), False
    facts: dict[str, Any] = {}
    for record in rest:
        facts.update(record.get('facts', {}))
        finished = finished or bool(record.get('finished'))
        if 'strokes' in record:
            on_paper = Proven(int(record['strokes']), float(record['length_mm']))
    strokes = int(head['strokes'])
    if not (0 <= on_paper.strokes <= strokes and on_paper.length_mm >= 0.0):
        raise ValueError(f'it tells of {on_paper.strokes} strokes out of {strokes}')
    return JournalEntry(str(head['plan']), str(head['page']), str(head['machine']), strokes, on_paper, finished, facts)
