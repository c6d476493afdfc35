"""The queue on disk: jobs, their states, the sheet in the machine, settings and a log, in one SQLite file.

Every change is one transaction that is on disk before the call returns (WAL with full synchronisation), so that neither
a kill nor a power cut loses a job or draws one twice: `begin` notes that a job is being drawn and that the sheet is
used before the machine hears of it. A job that is found in mid-drawing when the file is opened was interrupted: it
waits for a person, who knows the sheet, and until then nothing else is drawn. A photo that may be kept lies in a folder
beside the file, for as long as its drawing.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import sqlite3
import threading
import time
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.motion import DrawingPlan, plan_from_json, plan_to_json
from sketch_robot.motion.plan import digest_of
from sketch_robot.studio.jobs import ON_PAPER, OVER, QUEUED, Job, News, State
from sketch_robot.studio.photos import PhotoFolder

FRESH, USED = 'fresh', 'used'

_TABLES = """
CREATE TABLE IF NOT EXISTS job (
    id TEXT PRIMARY KEY, number INTEGER NOT NULL, secret TEXT NOT NULL, state TEXT NOT NULL,
    interrupted INTEGER NOT NULL DEFAULT 0, reason TEXT NOT NULL DEFAULT '', name TEXT NOT NULL DEFAULT '',
    gallery INTEGER NOT NULL DEFAULT 0, position REAL NOT NULL, predicted_s REAL NOT NULL, strokes INTEGER NOT NULL,
    page TEXT NOT NULL, digest TEXT NOT NULL, plan BLOB, attempts INTEGER NOT NULL DEFAULT 0, created REAL NOT NULL,
    changed REAL NOT NULL, begun REAL NOT NULL DEFAULT 0, taken_s REAL NOT NULL DEFAULT 0);
CREATE INDEX IF NOT EXISTS job_state ON job (state, position);
CREATE TABLE IF NOT EXISTS value (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS log (at REAL NOT NULL, number INTEGER NOT NULL, event TEXT NOT NULL, detail TEXT NOT NULL);
"""
_COLUMNS = (
    'id, number, state, interrupted, reason, name, gallery, position, predicted_s, strokes, page, digest, attempts, '
    'created, changed, begun, taken_s, plan IS NOT NULL AS has_plan'
)


class JobStore:
    """The file; may be used by several threads.

    Args:
        path: where it is, made when missing.
    """

    def __init__(self, path: str | Path) -> None:
        self._lock = threading.RLock()
        path = Path(path)
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._photos = PhotoFolder(path.with_name(f'{path.stem}_photos'))
        self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None, timeout=10.0)
        self._db.row_factory = sqlite3.Row
        self._db.execute('PRAGMA journal_mode=WAL')
        self._db.execute('PRAGMA synchronous=FULL')
        self._db.execute('PRAGMA secure_delete=ON')  # what is deleted is overwritten
        self._db.executescript(_TABLES)
        path.chmod(0o600)
        self._interrupt_what_was_drawing()
        numbers = self._db.execute('SELECT number FROM job WHERE plan IS NOT NULL').fetchall()
        self._photos.keep_only({row['number'] for row in numbers})

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._db.close()

    # ------------------------------------------------------------- jobs
    def add(
        self,
        plan: DrawingPlan,
        *,
        name: str = '',
        gallery: bool = False,
        first: bool = False,
        most: int = 0,
        photo: bytes = b'',
    ) -> tuple[Job, str]:
        """Take a job into the queue, as the last or the `first`.

        Args:
            plan: what is drawn.
            name, gallery: see `Job`.
            first: whether it comes before all others.
            most: how many may wait; 0 for any number.
            photo: a JPEG that is kept as long as the drawing; empty for none.

        Returns:
            the job, and the secret that its owner proves to be the owner by; it is not kept.

        Raises:
            SketchRobotError: BUSY, the queue is full; BAD_GOAL, the photo cannot be kept.
        """
        secret, now = secrets.token_urlsafe(18), time.time()
        packed = zlib.compress(plan_to_json(plan).encode(), 6)
        with self._change() as db:
            waiting = db.execute('SELECT count(*) FROM job WHERE state IN (?, ?)', QUEUED).fetchone()[0]
            if most and waiting >= most:
                raise SketchRobotError(ErrorCode.BUSY, f'{waiting} people are waiting already; please come back later')
            number = db.execute('SELECT coalesce(max(number), 0) + 1 FROM job').fetchone()[0]
            edge = 'min(position), 1.0) - 1.0' if first else 'max(position), 0.0) + 1.0'
            position = db.execute(f'SELECT coalesce({edge} FROM job').fetchone()[0]
            identity = secrets.token_urlsafe(9)
            db.execute(
                'INSERT INTO job (id, number, secret, state, name, gallery, position, predicted_s, strokes, page, '
                'digest, plan, created, changed) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
                (
                    identity, number, _hashed(secret), 'ready', name, int(gallery), position, plan.predicted_s,
                    len(plan.strokes), plan.page.name, digest_of(plan), packed, now, now,
                ),
            )  # fmt: skip
            self._note(number, 'ready', '')
            if photo:
                self._photos.keep(number, photo)
        return self.job(identity), secret

    def job(self, identity: str) -> Job:
        """A job.

        Raises:
            SketchRobotError: BAD_GOAL, there is none.
        """
        row = self._rows(f'SELECT {_COLUMNS} FROM job WHERE id = ?', (identity,))
        if not row:
            raise _unknown()
        return row[0]

    def is_owner(self, identity: str, secret: str) -> bool:
        """Whether a secret is that of the job."""
        with self._lock:
            row = self._db.execute('SELECT secret FROM job WHERE id = ?', (identity,)).fetchone()
        return row is not None and hmac.compare_digest(row['secret'], _hashed(secret))

    def plan(self, identity: str) -> DrawingPlan:
        """The plan of a job.

        Raises:
            SketchRobotError: BAD_GOAL, there is no such job, or its drawing was deleted.
        """
        with self._lock:
            row = self._db.execute('SELECT plan FROM job WHERE id = ?', (identity,)).fetchone()
        if row is None:
            raise _unknown()
        if row['plan'] is None:
            raise SketchRobotError(ErrorCode.BAD_GOAL, 'this drawing was deleted')
        return plan_from_json(zlib.decompress(row['plan']).decode())

    def queue(self) -> list[Job]:
        """The jobs that wait, in their order."""
        return self._rows(f'SELECT {_COLUMNS} FROM job WHERE state IN (?, ?) ORDER BY position', QUEUED)

    def on_paper(self) -> Job | None:
        """The job that is being drawn, or was interrupted in it."""
        found = self._rows(f'SELECT {_COLUMNS} FROM job WHERE state IN (?, ?)', ON_PAPER)
        return found[0] if found else None

    def over(self, since: float = 0.0, most: int = 200) -> list[Job]:
        """The jobs that are over, the newest first."""
        return self._rows(
            f'SELECT {_COLUMNS} FROM job WHERE state IN (?, ?, ?) AND changed >= ? ORDER BY changed DESC LIMIT ?',
            (*OVER, since, most),
        )

    def gallery(self, most: int = 24) -> list[Job]:
        """The newest drawings that may be shown."""
        return self._rows(
            f"SELECT {_COLUMNS} FROM job WHERE state = 'drawn' AND gallery = 1 AND plan IS NOT NULL "
            'ORDER BY changed DESC LIMIT ?',
            (most,),
        )

    # ------------------------------------------------------------- drawing
    def begin(self, identity: str) -> Job:
        """Note that a job is being drawn and that its sheet is used, before the machine hears of it.

        Raises:
            SketchRobotError: BUSY, another one is on the paper, the sheet is used, or the job is not ready.
        """
        with self._change() as db:
            if db.execute('SELECT count(*) FROM job WHERE state IN (?, ?)', ON_PAPER).fetchone()[0]:
                raise SketchRobotError(ErrorCode.BUSY, 'another drawing is on the paper')
            if self.value('sheet', USED) != FRESH:
                raise SketchRobotError(ErrorCode.BUSY, 'the sheet in the machine is used')
            self._move(identity, ('ready',), 'drawing', attempts=True, begun=time.time())
            self._set('sheet', USED)
            self._set('last_begun', identity)
        return self.job(identity)

    def resume(self, identity: str) -> Job:
        """Note that an interrupted job goes on, on the sheet that it was begun on.

        Raises:
            SketchRobotError: BUSY, there is another sheet in the machine, or the job was not interrupted.
        """
        with self._change():
            if not self.is_on_its_sheet(identity):
                raise SketchRobotError(ErrorCode.BUSY, 'this sheet is not the one on which that drawing was begun')
            self._move(identity, ('paused',), 'drawing')
        return self.job(identity)

    def is_on_its_sheet(self, identity: str) -> bool:
        """Whether the sheet in the machine is that on which a job was begun last."""
        return self.value('sheet', USED) == USED and self.value('last_begun', '') == identity

    def pause(self, identity: str, reason: str, *, interrupted: bool) -> Job:
        """Note that a drawing stands; `interrupted`: a person has to say how it goes on."""
        with self._change():
            self._move(identity, ON_PAPER, 'paused', reason=reason, interrupted=interrupted)
        return self.job(identity)

    def go_on(self, identity: str) -> Job:
        """Note that a paused drawing draws again."""
        with self._change():
            self._move(identity, ('paused',), 'drawing')
        return self.job(identity)

    def not_begun(self, identity: str) -> Job:
        """Note that the machine refused a job before anything moved: it waits again, and the sheet is as it was."""
        with self._change():
            self._move(identity, ('drawing',), 'ready')
            self._set('sheet', FRESH)
        return self.job(identity)

    def finish(self, identity: str) -> Job:
        """Note that a job is on paper; also by the word of a person who looked at the sheet."""
        with self._change() as db:
            begun = self.job(identity).begun
            self._move(identity, ON_PAPER, 'drawn')
            db.execute('UPDATE job SET taken_s = ? WHERE id = ?', (max(0.0, time.time() - begun), identity))
        return self.job(identity)

    def fail(self, identity: str, reason: str) -> Job:
        """Note that a job could not be drawn, before or after it was begun."""
        with self._change():
            self._move(identity, (*QUEUED, *ON_PAPER), 'failed', reason=reason)
        return self.job(identity)

    # ------------------------------------------------------------- what people do with jobs
    def retry(self, identity: str) -> Job:
        """Back into the queue, before all others, to be drawn afresh on a new sheet."""
        with self._change() as db:
            self._move(identity, ('paused', 'failed', 'drawn', 'dropped'), 'ready')
            if db.execute('SELECT plan IS NULL FROM job WHERE id = ?', (identity,)).fetchone()[0]:
                raise SketchRobotError(ErrorCode.BAD_GOAL, 'this drawing was deleted')
            db.execute('UPDATE job SET position = (SELECT min(position) - 1.0 FROM job) WHERE id = ?', (identity,))
        return self.job(identity)

    def hold(self, identity: str, held: bool) -> Job:
        """Hold a job back, or let it go."""
        with self._change():
            self._move(identity, ('ready',) if held else ('waiting',), 'waiting' if held else 'ready')
        return self.job(identity)

    def drop(self, identity: str) -> Job:
        """Take a job out of the queue; one that is being drawn must be stopped first."""
        with self._change():
            self._move(identity, (*QUEUED, 'paused', 'failed'), 'dropped')
        return self.job(identity)

    def place(self, identity: str, place: int) -> Job:
        """Put a job at a place of the queue, counted from 0."""
        with self._change() as db:
            others = [job for job in self.queue() if job.id != identity]
            if self.job(identity).state not in QUEUED:
                raise SketchRobotError(ErrorCode.BAD_GOAL, 'only what waits can be moved')
            order = [job.id for job in others]
            order.insert(max(0, min(place, len(order))), identity)
            low = min((job.position for job in others), default=0.0)
            db.executemany('UPDATE job SET position = ? WHERE id = ?', [(low + k, one) for k, one in enumerate(order)])
        return self.job(identity)

    def show(self, identity: str, gallery: bool) -> Job:
        """Let the drawing be shown to others, or not any more."""
        with self._change() as db:
            self.job(identity)
            db.execute('UPDATE job SET gallery = ?, changed = changed WHERE id = ?', (int(gallery), identity))
        return self.job(identity)

    def delete(self, identity: str) -> None:
        """Delete the drawing, its photo, the name and the way to it; what waits is dropped.

        Raises:
            SketchRobotError: BUSY, it is being drawn; BAD_GOAL, its photo cannot be removed. Then the drawing stays.
        """
        with self._change() as db:
            job = self.job(identity)
            if job.state in ON_PAPER:
                raise SketchRobotError(ErrorCode.BUSY, 'it is being drawn; stop it first')
            self._photos.delete(job.number)
            if job.state in QUEUED:
                self._move(identity, QUEUED, 'dropped')
            db.execute(
                "UPDATE job SET plan = NULL, name = '', gallery = 0, secret = '', digest = '', reason = '' "
                'WHERE id = ?',
                (identity,),
            )
            self._note(job.number, 'deleted', '')
        with self._lock:
            self._db.execute('PRAGMA wal_checkpoint(TRUNCATE)')  # nothing of it is left in the log either

    def forget(self, older_than: float) -> int:
        """Delete the drawings that were over before a time and may not be shown; returns how many."""
        old = self._rows(
            f'SELECT {_COLUMNS} FROM job WHERE state IN (?, ?, ?) AND changed < ? AND gallery = 0 AND plan IS NOT NULL',
            (*OVER, older_than),
        )
        for job in old:
            self.delete(job.id)
        return len(old)

    # ------------------------------------------------------------- sheet, settings, log
    def new_sheet(self) -> None:
        """Note that a new sheet is in the machine.

        Raises:
            SketchRobotError: BUSY, a drawing is being drawn.
        """
        with self._change():
            job = self.on_paper()
            if job is not None and not job.interrupted:
                raise SketchRobotError(ErrorCode.BUSY, 'a drawing is on the sheet; stop it first')
            self._set('sheet', FRESH)
            self._note(0, 'sheet', '')

    def value(self, name: str, default: str) -> str:
        """A value that is kept, or the default."""
        with self._lock:
            row = self._db.execute('SELECT value FROM value WHERE name = ?', (name,)).fetchone()
        return default if row is None else str(row['value'])

    def keep(self, name: str, value: str) -> None:
        """Keep a value."""
        with self._change():
            self._set(name, value)

    def settings(self, defaults: Mapping[str, Any]) -> dict[str, Any]:
        """The settings, those that were never kept as they are by default."""
        kept = json.loads(self.value('settings', '{}'))
        return {**defaults, **{name: value for name, value in kept.items() if name in defaults}}

    def log(self, since: float) -> list[tuple[float, int, str, str]]:
        """What happened: when, the job's number (0: none), what, and why; the newest first."""
        with self._lock:
            rows = self._db.execute('SELECT * FROM log WHERE at >= ? ORDER BY at DESC LIMIT 500', (since,)).fetchall()
        return [tuple(row) for row in rows]

    def news(self, after: int, most: int = 50) -> list[News]:
        """What happened to jobs after an entry of the log, the oldest first."""
        with self._lock:
            rows = self._db.execute(
                'SELECT log.rowid, log.at, job.id, log.number, log.event, log.detail FROM log '
                'JOIN job ON job.number = log.number WHERE log.rowid > ? ORDER BY log.rowid LIMIT ?',
                (after, most),
            ).fetchall()
        return [News(*row) for row in rows]

    def newest(self) -> int:
        """The last entry of the log; 0: there is none."""
        with self._lock:
            return int(self._db.execute('SELECT coalesce(max(rowid), 0) FROM log').fetchone()[0])

    # ------------------------------------------------------------- inside
    def _interrupt_what_was_drawing(self) -> None:
        job = self.on_paper()
        if job is not None and not job.interrupted:
            self.pause(job.id, 'the program ended in the middle of this drawing', interrupted=True)

    @contextmanager
    def _change(self) -> Iterator[sqlite3.Connection]:
        """One transaction, on disk when the block ends; within another one, a part of that."""
        with self._lock:
            if self._db.in_transaction:
                yield self._db
                return
            self._db.execute('BEGIN IMMEDIATE')
            try:
                yield self._db
            except BaseException:
                self._db.execute('ROLLBACK')
                raise
            self._db.execute('COMMIT')

    def _move(
        self,
        identity: str,
        allowed: tuple[State, ...],
        state: State,
        *,
        reason: str = '',
        interrupted: bool = False,
        attempts: bool = False,
        begun: float | None = None,
    ) -> None:
        job = self.job(identity)
        if job.state not in allowed:
            raise SketchRobotError(ErrorCode.BUSY, f'number {job.number} is {job.state}; that cannot be done now')
        self._db.execute(
            'UPDATE job SET state = ?, reason = ?, interrupted = ?, changed = ?, attempts = attempts + ?, begun = ? '
            'WHERE id = ?',
            (
                state, reason, int(interrupted), time.time(), int(attempts), job.begun if begun is None else begun,
                identity,
            ),
        )  # fmt: skip
        self._note(job.number, 'interrupted' if interrupted else state, reason)

    def _set(self, name: str, value: str) -> None:
        self._db.execute('INSERT OR REPLACE INTO value (name, value) VALUES (?, ?)', (name, value))

    def _note(self, number: int, event: str, detail: str) -> None:
        self._db.execute('INSERT INTO log VALUES (?, ?, ?, ?)', (time.time(), number, event, detail))

    def _rows(self, query: str, values: tuple[Any, ...]) -> list[Job]:
        with self._lock:
            rows = self._db.execute(query, values).fetchall()
        flags = ('interrupted', 'gallery', 'has_plan')
        return [_job({**dict(row), **{flag: bool(row[flag]) for flag in flags}}) for row in rows]


def _job(values: dict[str, Any]) -> Job:
    return Job(**values)


def _hashed(secret: str) -> str:
    """A random secret needs no slow hash."""
    return hashlib.sha256(secret.encode()).hexdigest()


def _unknown() -> SketchRobotError:
    return SketchRobotError(ErrorCode.BAD_GOAL, 'there is no such drawing')
