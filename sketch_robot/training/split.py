"""Which drawings train and which are held out, listed by name in a file so that every model sees the same.

The portraits of which the shipped student learned have their list in the package; another folder of portraits gets a
list of its own, `held_out.txt`, when it is first used. A list that is there is kept to, also when portraits are added.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.line_art.weight_file import write_whole
from sketch_robot.training.drawings import LabelledDrawing

HELD_OUT = 0.1
SEED = 1
LIST_FILE = 'held_out.txt'
SPLIT_FILE = Path(__file__).with_name(LIST_FILE)


@dataclass(frozen=True)
class Split:
    """Usable drawings in two groups.

    Attributes:
        train, held_out: in the order of their names.
    """

    train: list[LabelledDrawing]
    held_out: list[LabelledDrawing]


def choose_held_out(drawings: list[LabelledDrawing], *, share: float = HELD_OUT, seed: int = SEED) -> list[str]:
    """Names of a random share of the usable drawings, sorted; the same for the same names and seed."""
    names = sorted(d.name for d in drawings if d.is_usable)
    count = round(share * len(names))
    return sorted(np.random.default_rng(seed).permutation(names)[:count].tolist())


def held_out_names(folder: Path, drawings: list[LabelledDrawing]) -> set[str]:
    """The names that a folder of portraits holds out: its own list, the package's when it is about these portraits, or
    a list chosen and written now.

    Raises:
        SketchRobotError: BAD_GOAL, the folder's list names nobody who is there.
    """
    own, known = folder / LIST_FILE, {d.name for d in drawings}
    if own.is_file():
        names = set(own.read_text().split())
        if not names & known:
            raise SketchRobotError(ErrorCode.BAD_GOAL, f'{own} names no drawing of {folder}; delete it for a new list')
        return names
    shipped = set(SPLIT_FILE.read_text().split())
    if shipped & known:
        return shipped
    chosen = choose_held_out(drawings)
    if chosen:  # a handful of portraits, to which more may be added, holds out nobody yet
        write_whole(own, ''.join(f'{name}\n' for name in chosen).encode())
    return set(chosen)


def split_drawings(drawings: list[LabelledDrawing], held_out: Collection[str]) -> Split:
    """Split usable drawings by the names that are held out.

    Raises:
        SketchRobotError: BAD_GOAL, nothing is left to train on.
    """
    usable = sorted((d for d in drawings if d.is_usable), key=lambda d: d.name)
    train = [d for d in usable if d.name not in held_out]
    if not train:
        raise SketchRobotError(ErrorCode.BAD_GOAL, f'no usable drawing is left to train on (of {len(drawings)})')
    return Split(train, [d for d in usable if d.name in held_out])
