"""The drawing that a machine is at, or left unfinished: its plan beside its journal, so that the rest can be drawn.

A program that has lost everything, by a kill or a power cut, finds both again under the machine's name. One program at
a time: it holds a lock that the system takes back when it ends, however it ends.
"""

from __future__ import annotations

import fcntl
import logging
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.motion.plan import DrawingPlan, digest_of
from sketch_robot.motion.plan_file import load_plan, save_plan
from sketch_robot.plotters.journal import Journal, read_journal
from sketch_robot.plotters.progress import Proven

_log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Unfinished:
    """A drawing that can be gone on with.

    Attributes:
        plan: all of it.
        on_paper: what is proven to be.
        digest: names the plan, see `digest_of`.
    """

    plan: DrawingPlan
    on_paper: Proven
    digest: str = ''

    def __str__(self) -> str:
        return f'{self.on_paper.strokes} of {len(self.plan.strokes)} strokes are on paper'


class BegunDrawing:
    """The last drawing of one machine: NAME.journal, and the plan that it belongs to as NAME-DIGEST.json.

    Args:
        folder: where it is kept; made when missing.
        name: of the files.
        machine: its name, for people.
    """

    def __init__(self, folder: Path, name: str, machine: str) -> None:
        self._folder, self._name, self._machine = folder, name, machine
        self._plan: tuple[str, DrawingPlan] | None = None  # the last one known, with its digest
        self._lock: IO[str] | None = None

    def hold(self) -> None:
        """Keep other programs from this record until `let_go`, or until this program ends. Holding twice is harmless.

        A folder that cannot be written is told now and refused by `begin`; where files cannot be locked it does
        without, with a warning.

        Raises:
            SketchRobotError: BUSY, another program holds it.
        """
        if self._lock is not None:
            return
        path = self._folder / f'{self._name}.lock'
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            file = path.open('a+', encoding='utf-8')
        except OSError as error:
            _log.warning('drawings cannot be kept in %s: %s', self._folder, error.strerror or error)
            return
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            file.seek(0)
            holder = file.read().strip()
            file.close()
            raise SketchRobotError(
                ErrorCode.BUSY,
                f'another plotter node{f", process {holder}," if holder else ""} keeps the drawings of the machine '
                f'{self._machine!r} in this graph ({path}); end it, or give one of the two a namespace or a '
                'ROS_DOMAIN_ID of its own',
            ) from error
        except OSError as error:
            _log.warning('%s cannot be locked: %s; start no second node like this one', path, error.strerror or error)
        self._lock = file
        with suppress(OSError):  # the process is told for people only
            file.truncate(0)
            file.write(str(os.getpid()))
            file.flush()

    def let_go(self) -> None:
        """Let other programs have it."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    @property
    def journal_path(self) -> Path:
        """Where the journal is."""
        return self._folder / f'{self._name}.journal'

    def begin(self, plan: DrawingPlan) -> Journal:
        """The journal of a new drawing on a new sheet. Once a driver begins it, the one before cannot be resumed.

        Raises:
            SketchRobotError: BAD_GOAL, the folder cannot be written; BUSY, see `hold`.
        """
        self.hold()
        given_up = self.unfinished()
        if given_up is not None:
            _log.warning('a new drawing begins; one of which %s is given up', given_up)
        digest = digest_of(plan)
        path = self._plan_path(digest)
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            kept = {path, self._plan_path(self._journal_digest())}
            for old in set(self._folder.glob(f'{self._name}-*.json')) - kept:
                old.unlink(missing_ok=True)
        except OSError as error:
            raise SketchRobotError(
                ErrorCode.BAD_GOAL,
                f'cannot keep a journal in {self._folder}: {error.strerror or error}; nothing was drawn',
            ) from error
        save_plan(plan, path)
        self._plan = digest, plan
        return Journal(self.journal_path, machine=self._machine)

    def resume(self) -> tuple[DrawingPlan, Journal]:
        """The plan and the journal of the drawing to go on with.

        Raises:
            SketchRobotError: NOTHING_TO_DRAW, there is none.
        """
        left = self.unfinished()
        if left is None:
            raise SketchRobotError(ErrorCode.NOTHING_TO_DRAW, 'there is no unfinished drawing; send a plan')
        return left.plan, Journal(self.journal_path, machine=self._machine, resume=True)

    def unfinished(self) -> Unfinished | None:
        """The drawing to go on with; None: there is none, or its files do not fit together."""
        if not self.journal_path.exists():
            return None
        try:
            entry = read_journal(self.journal_path)
            if entry.finished or entry.on_paper.strokes >= entry.strokes:
                return None
            if self._plan is None or self._plan[0] != entry.plan_digest:
                plan = load_plan(self._plan_path(entry.plan_digest))
                if digest_of(plan) != entry.plan_digest:
                    raise SketchRobotError(ErrorCode.BAD_PLAN, 'its plan was changed')
                self._plan = entry.plan_digest, plan
        except SketchRobotError as error:
            _log.warning('the last drawing cannot be gone on with: %s', error.message)
            return None
        return Unfinished(self._plan[1], entry.on_paper, entry.plan_digest)

    def _plan_path(self, digest: str) -> Path:
        return self._folder / f'{self._name}-{digest[:16]}.json'

    def _journal_digest(self) -> str:
        try:
            return read_journal(self.journal_path).plan_digest
        except SketchRobotError:
            return ''
