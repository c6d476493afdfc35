"""The drawing that a machine is at, or left unfinished: its plan beside its journal, so that the rest can be drawn.

A program that has lost everything, by a kill or a power cut, finds both again under the machine's name.
"""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass
from pathlib import Path

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.motion.plan import DrawingPlan
from sketch_robot.motion.plan_file import load_plan, save_plan
from sketch_robot.plotters.journal import Journal, digest_of, read_journal
from sketch_robot.plotters.remainder import Proven

_log = logging.getLogger(__name__)


def state_folder() -> Path:
    """Where records are kept: sketch_robot in the folder for state; it need not exist."""
    configured = Path(os.environ.get('XDG_STATE_HOME') or '.')
    base = configured if configured.is_absolute() else Path('~/.local/state').expanduser()  # as XDG wants it
    return base / 'sketch_robot'


@dataclass(frozen=True, eq=False)
class Unfinished:
    """A drawing that can be gone on with.

    Attributes:
        plan: all of it.
        on_paper: what is proven to be.
    """

    plan: DrawingPlan
    on_paper: Proven

    def __str__(self) -> str:
        return f'{self.on_paper.strokes} of {len(self.plan.strokes)} strokes are on paper'


class DrawingRecord:
    """The last drawing of one machine: NAME.journal, and the plan that it belongs to as NAME-DIGEST.json.

    Args:
        folder: where it is kept; made when missing.
        name: of the files.
        machine: its name, for people.
    """

    def __init__(self, folder: Path, name: str, machine: str) -> None:
        self._folder, self._name, self._machine = folder, name, machine
        self._plan: tuple[str, DrawingPlan] | None = None  # the last one known, with its digest

    @property
    def journal_path(self) -> Path:
        """Where the journal is."""
        return self._folder / f'{self._name}.journal'

    def begin(self, plan: DrawingPlan) -> Journal:
        """The journal of a new drawing on a new sheet. Once a driver begins it, the one before cannot be resumed.

        Raises:
            SketchRobotError: BAD_GOAL, the folder cannot be written.
        """
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
        return Unfinished(self._plan[1], entry.on_paper)

    def _plan_path(self, digest: str) -> Path:
        return self._folder / f'{self._name}-{digest[:16]}.json'

    def _journal_digest(self) -> str:
        try:
            return read_journal(self.journal_path).plan_digest
        except SketchRobotError:
            return ''
