"""A journal's file: one record a line, and what they tell; see `journal`."""

from __future__ import annotations

import hashlib
import json
import logging
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.motion.plan import DrawingPlan
from sketch_robot.plotters.remainder import Proven

FORMAT = 'sketch_robot drawing journal'
VERSION = 1
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


def read_journal(path: str | Path) -> JournalEntry:
    """What a journal tells.

    Raises:
        SketchRobotError: BAD_PLAN, there is no such file, or it is no journal.
    """
    return read_entry(Path(path))[0]


def digest_of(plan: DrawingPlan) -> str:
    """Names a plan by what is drawn, where and in which order: SHA-256 in hexadecimal, of coordinates to 0.1 um."""
    digest = hashlib.sha256(f'{plan.page.width_mm:.3f} {plan.page.height_mm:.3f}'.encode())
    for stroke in plan.strokes:
        digest.update(f'{len(stroke.xy)} {stroke.pen}\n'.encode())
        digest.update(np.round(stroke.xy * 1e4).astype('<i8').tobytes())
    return digest.hexdigest()


def line_of(record: dict[str, Any]) -> bytes:
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


def read_entry(path: Path) -> tuple[JournalEntry, int]:
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
