"""Where the page lies on a GRBL machine that a drawing is taken up on again, by what the journal has noted of it.

The journal notes the page's origin and the token that the controller keeps until it restarts; as long as that is the
same, so are the coordinates.
"""

from __future__ import annotations

import numpy as np

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.plotters.grbl_client import GrblClient
from sketch_robot.plotters.grbl_memory import MOVING
from sketch_robot.plotters.journal import Journal
from sketch_robot.plotters.remainder import Proven

FACTS = 'grbl'  # what the journal notes of the controller
ORIGIN_HINT = (
    "put the pen, raised, over the page's lower left corner and set the origin there (--origin-is-set), then resume"
)


def locate_for(resumed: Journal | None, client: GrblClient) -> None:
    """Know that the page is where it was, by homing if need be.

    Raises:
        SketchRobotError: PLOTTER_ALARM, nobody knows.
    """
    facts = resumed.facts.get(FACTS) if resumed is not None else None
    known = (int(facts['token']) or MOVING, MOVING) if facts else ()
    if facts and client.found is not None and client.found.token in known and client.located:
        client.origin_mm = np.array(facts['origin_mm'], dtype=np.float64)
        client.trusted = True
    if client.located and (client.trusted or resumed is None):
        client.trusted = True
        return
    client.found = None
    if not client.can_home():
        raise origin_wanted()
    client.home()


def note_machine(journal: Journal | None, client: GrblClient) -> None:
    """Note what a later run needs to know the page by."""
    if journal is not None:
        facts = {'token': client.token, 'origin_mm': [float(value) for value in client.origin_mm]}
        journal.note(**{FACTS: facts})


def is_begun(journal: Journal) -> bool:
    """Whether a driver has come as far as to move for the drawing that is resumed."""
    return FACTS in journal.facts or journal.on_paper != Proven()


def origin_wanted() -> SketchRobotError:
    """The error of a machine that nobody can tell where the page is."""
    return SketchRobotError(
        ErrorCode.PLOTTER_ALARM,
        f'the GRBL controller was restarted and does not know where the pen is, nor has it switches to home by: '
        f'{ORIGIN_HINT}',
    )
