"""Where a GRBL machine and its page are, and how that is known.

A controller that answers "Idle" may stand anywhere: after power-on or a reset it counts from where it happens to be,
and `$X` unlocks it without homing. So a place is known only from a homing, or from a person who said that the pen is
over the page's corner, since the board's last start. To tell that later, in another process too, the driver leaves a
random number, the token, where a reset or a power-up clears it, and keeps a `SavedLocation` under the port's name. Who
finds the token on the board again, and the carriage where it was left, knows the place; anybody else homes, or asks.

GRBL's wiki ("Commands", `$#`) says that the tool's length is not kept over a reset; it shifts z alone, so the token
goes there, or in S where the pen is on the z axis. F of the parser tells which stroke was finished last; see `program`.
"""

from __future__ import annotations

import json
import logging
import re
import secrets
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from sketch_robot.errors import SketchRobotError
from sketch_robot.files import replacing, state_folder
from sketch_robot.plotters.grbl.connection import ASKINGS, COMMAND_S, OFFSETS, PARSER, GrblConnection
from sketch_robot.plotters.grbl.interruptions import AlarmError, CommandError, Damaged, RestartError
from sketch_robot.plotters.grbl.options import GrblPen
from sketch_robot.plotters.grbl.status import Error, Note, Ok, StatusReport
from sketch_robot.plotters.journal import Journal
from sketch_robot.plotters.plotter import OriginUnknownError
from sketch_robot.plotters.progress import Proven

IN_MOTION = -1  # token of a controller that could not be asked
TOKENS = 1000
MOVED_MM = 0.01  # a machine that is off by less was not moved
DRAIN_S = 0.1
NOT_A_LINE = b'#\n'  # refused whatever half a line it ends; one alone could be carried out
FACTS = 'grbl'  # what the journal notes of the controller
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Standstill:
    """How a controller was found that had not been restarted.

    Attributes:
        report: of its standstill.
        token: that an earlier run left; 0: none; IN_MOTION: it could not be asked.
        feed: F of its parser; None: it could not be asked.
    """

    report: StatusReport
    token: int
    feed: int | None = None


@dataclass(frozen=True)
class SavedLocation:
    """Where the page lies on one machine since its controller has started, as kept in a file.

    Attributes:
        token: the number that was left in the controller.
        origin_mm: machine coordinates of the page's lower left corner.
        by_hand: whether a person has set the origin.
        homed_mm: machine coordinates right after homing; None: it was not homed.
        stands_mm: where the machine was left standing; None: it was in motion.
    """

    token: int
    origin_mm: tuple[float, float]
    by_hand: bool
    homed_mm: tuple[float, float] | None
    stands_mm: tuple[float, float] | None


class GrblLocation:
    """What is known of where the machine and its page are. One thread uses it.

    Args:
        connection: to the controller.
        pen: says where the token goes.
        fixed_origin_mm: where the machine's file says that the page's corner is after homing; None: it does not.

    Attributes:
        known: whether machine coordinates are known to be those of the page.
        wants_origin: whether a person was asked to set the origin, and has not yet.
        origin_mm: (2,) machine coordinates of the page's lower left corner.
        zero_mm: (2,) machine coordinates of the program's 0, as G54 says.
        homed_mm: (2,) machine coordinates right after homing; None: it has not homed since its start.
        token: a number that the controller keeps until it restarts; 0: none.
    """

    def __init__(self, connection: GrblConnection, pen: GrblPen, fixed_origin_mm: np.ndarray | None) -> None:
        self._connection, self._pen, self._fixed_mm = connection, pen, fixed_origin_mm
        self.known = self.wants_origin = False
        self.origin_mm = np.zeros(2) if fixed_origin_mm is None else fixed_origin_mm
        self.zero_mm = np.zeros(2)
        self.homed_mm: np.ndarray | None = None
        self.token = 0
        self._by_hand = False
        self._stands_mm: np.ndarray | None = None  # where it was left; None: it may move

    def machine_mm(self, report: StatusReport) -> np.ndarray:
        """(2,) machine coordinates of a report."""
        return report.xy_mm + (self.zero_mm if report.of_work else 0.0)

    # ------------------------------------------------------------- known, and lost
    def learn(
        self, origin_mm: np.ndarray, *, homed_mm: np.ndarray | None = None, by_hand: bool = False, token: int = 0
    ) -> None:
        """The page's corner is known now.

        Args:
            origin_mm: (2,) it, in machine coordinates.
            homed_mm: (2,) where the machine stood after homing, if it just has.
            by_hand: whether a person has said so.
            token: that is on the controller already; 0: a new one.

        Raises:
            Damaged, AlarmError, RestartError: of the controller.
        """
        self.origin_mm, self._by_hand = np.array(origin_mm, dtype=np.float64), by_hand
        self.homed_mm = self.homed_mm if homed_mm is None else homed_mm
        self.known, self.wants_origin, self.token = True, False, token or 1 + secrets.randbelow(TOKENS - 1)
        self.leave_token()
        if self.token and self.read_token() != self.token:
            self.token = 0
        self.end_motion()

    def lose(self) -> None:
        """Nothing is known of where the machine is any more."""
        self.known, self.token, self._by_hand = False, 0, False
        self.homed_mm = self._stands_mm = None

    def begin_motion(self) -> None:
        """Note that the machine is about to move, so that nobody expects it where it was."""
        self._stands_mm = None
        self._save()

    def end_motion(self) -> None:
        """Note where the machine was left."""
        if self.known:
            self._stands_mm = self.machine_mm(self._connection.look())
            self._save()

    @property
    def was_left_moving(self) -> bool:
        """Whether the last that is known of the machine is that it was about to move."""
        saved = load_location(self._connection.link.port)
        return saved is not None and saved.stands_mm is None

    def is_as_left(self) -> bool:
        """Whether the controller was not restarted, nor the machine moved by others, since it was left."""
        if not self.known:
            return False
        try:
            report = self._connection.look()
            kept = report.state != 'Alarm' and (not self.token or self.read_token() == self.token)
        except (RestartError, AlarmError, Damaged, CommandError) as error:
            _log.warning('%s', error)
            return False
        return kept and not (self._stands_mm is not None and self._is_away(report, self._stands_mm))

    def recall(self, found: Standstill) -> None:
        """Know the place again that an earlier run has left, if this is the machine; after a reset of the controller.

        Args:
            found: how the controller was before that.
        """
        saved = load_location(self._connection.link.port)
        if saved is None or found.token != saved.token:
            return
        if self.read_token() == found.token:
            _log.warning('this controller keeps its tool length beyond a reset: where the pen is has to be found anew')
            return
        if saved.stands_mm is not None and self._is_away(found.report, np.array(saved.stands_mm)):
            _log.warning('the machine was moved by somebody else: where the pen is has to be found anew')
            return
        from_file = self._fixed_mm is not None and (saved.homed_mm is not None or not saved.by_hand)
        self.learn(
            np.array(self._fixed_mm if from_file else saved.origin_mm),
            homed_mm=None if saved.homed_mm is None else np.array(saved.homed_mm),
            by_hand=saved.by_hand,
            token=saved.token,
        )

    def _is_away(self, report: StatusReport, place_mm: np.ndarray) -> bool:
        return bool(np.abs(self.machine_mm(report) - place_mm).max() > MOVED_MM)

    def _save(self) -> None:
        if not (self.known and self.token):
            return
        homed, stands = (
            None if at is None else (float(at[0]), float(at[1])) for at in (self.homed_mm, self._stands_mm)
        )
        origin = float(self.origin_mm[0]), float(self.origin_mm[1])
        save_location(self._connection.link.port, SavedLocation(self.token, origin, self._by_hand, homed, stands))

    # ------------------------------------------------------------- the token on the controller
    def leave_token(self) -> None:
        """Leave the token, as after every reset, on a controller that keeps one.

        Raises:
            Damaged, AlarmError, RestartError: of the controller.
        """
        if not (self.known and self.token):
            return
        try:
            text = f'S{self.token}' if self._pen.kind == 'z' else f'G43.1Z{self.token / TOKENS:.3f}'
            self._connection.command(text)
        except CommandError as error:
            _log.info('%s; after connecting again it will not be known whether it was restarted', error.message)
            self.token = 0

    def read_token(self) -> int:
        """The number that `leave_token` left; 0: none, or this controller does not tell.

        Raises:
            Damaged, AlarmError, RestartError: of the controller.
        """
        if self._pen.kind == 'z':
            return self._parser_words().get('S', 0)
        told = next((note.values('TLO') or '' for note in self._notes(OFFSETS) if note.values('TLO')), '')
        try:
            return round(float(told.split(',')[0]) * TOKENS) if told else 0
        except (ValueError, OverflowError) as error:
            raise Damaged(f'the controller told the tool length {told!r}') from error

    def find(self, report: StatusReport) -> Standstill | None:
        """How a controller stands that has not been restarted, and who was here; None: it is locked, or asleep.

        Args:
            report: its first one.

        Raises:
            SketchRobotError, AlarmError, RestartError: of the controller.
        """
        connection = self._connection
        if report.state in ('Run', 'Hold', 'Jog', 'Home', 'Door'):
            return Standstill(connection.halt(), IN_MOTION)
        if report.state != 'Idle':
            return None
        self._end_line()
        token, words = 0, {}
        for _ in range(2 * ASKINGS):
            try:
                words = self._parser_words()
                token = self.read_token()
                break
            except CommandError as error:
                _log.info('%s', error.message)
            except Damaged:
                connection.drain(DRAIN_S)  # or its rest would answer the next question
        return Standstill(connection.look(), token, words.get('F', 0))

    def _end_line(self) -> None:
        """Have half a line refused that somebody else may have left."""
        connection = self._connection
        connection.link.write(NOT_A_LINE)
        end_s = connection.link.now_s() + COMMAND_S
        while (left_s := end_s - connection.link.now_s()) > 0.0:
            with suppress(Damaged):
                if isinstance(connection.read(left_s), Ok | Error):
                    break
        connection.drain(DRAIN_S)

    def _parser_words(self) -> dict[str, int]:
        """The words of `$G` that occur once, as F and S, by letter."""
        told = next((note.values('GC') or '' for note in self._notes(PARSER) if note.values('GC')), '')
        numbers = ((word[0], word[1:].split('.')[0]) for word in told.split())
        return {letter: int(number) for letter, number in numbers if number.isdigit()}

    def _notes(self, line: str) -> list[Note]:
        return [note for note in self._connection.command_if_known(line) if isinstance(note, Note)]


# ----------------------------------------------------------------- what is kept in files
def load_location(port: str) -> SavedLocation | None:
    """What was last known of the machine at a port; None: nothing that can be read."""
    try:
        told = json.loads(_path_of(port).read_text())
        homed_mm, stands_mm = (None if told[name] is None else _pair(told[name]) for name in ('homed_mm', 'stands_mm'))
        return SavedLocation(int(told['token']), _pair(told['origin_mm']), bool(told['by_hand']), homed_mm, stands_mm)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, KeyError) as error:
        _log.warning('what was known of the machine at %s cannot be read: %s', port, error)
        return None


def save_location(port: str, location: SavedLocation) -> None:
    """Keep a location; where that is not possible, the machine homes or asks again next time."""
    path = _path_of(port)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as draft:
            draft.write_text(json.dumps(asdict(location)))
    except (OSError, SketchRobotError) as error:
        _log.warning('where the page lies will have to be found out again: %s', error)


def _path_of(port: str) -> Path:
    return state_folder() / f'grbl-{re.sub("[^A-Za-z0-9]+", "-", port).strip("-")}.json'


def _pair(values: object) -> tuple[float, float]:
    x, y = np.array(values, dtype=np.float64).tolist()
    if not (np.isfinite(x) and np.isfinite(y)):
        raise ValueError(f'{values} is no place')
    return x, y


def journal_facts(journal: Journal | None) -> tuple[int, np.ndarray] | None:
    """The token and the page's origin, (2,) machine mm, that a journal has noted; None: none."""
    facts = journal.facts.get(FACTS) if journal is not None else None
    return (int(facts['token']), np.array(facts['origin_mm'], dtype=np.float64)) if facts else None


def note_facts(journal: Journal | None, location: GrblLocation) -> None:
    """Note what a later run needs to know the page by."""
    if journal is not None:
        origin_mm = [float(value) for value in location.origin_mm]
        journal.note(**{FACTS: {'token': location.token, 'origin_mm': origin_mm}})


def is_begun(journal: Journal) -> bool:
    """Whether a driver has come as far as to move for the drawing that is resumed."""
    return FACTS in journal.facts or journal.on_paper != Proven()


def origin_wanted() -> OriginUnknownError:
    """The error of a machine that nobody can tell where the page is."""
    return OriginUnknownError(
        'the GRBL controller does not know where the pen is since it was switched on or restarted, nor has it switches '
        'to home by'
    )
