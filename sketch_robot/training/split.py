"""Which drawings train and which are held out, listed by name in a file so that every model sees the same."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.training.drawings import LabelledDrawing

HELD_OUT = 0.1
SEED = 1
SPLIT_FILE = Path(__file__).with_name('held_out.txt')


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
    count = max(1, round(share * len(names)))
    return sorted(np.random.default_rng(seed).permutation(names)[:count].tolist())


def split_drawings(drawings: list[LabelledDrawing], held_out_file: Path = SPLIT_FILE) -> Split:
    """Split usable drawings by the names in a file, one a line.

    Raises:
        SketchRobotError: BAD_GOAL, the file is missing, or nothing is left to train on.
    """
    if not held_out_file.is_file():
        raise SketchRobotError(ErrorCode.BAD_GOAL, f'the list of held-out drawings {held_out_file} is missing')
    names = set(held_out_file.read_text().split())
    usable = sorted((d for d in drawings if d.is_usable), key=lambda d: d.name)
    train = [d for d in usable if d.name not in names]
    if not train:
        raise SketchRobotError(ErrorCode.BAD_GOAL, f'no usable drawing is left to train on (of {len(drawings)})')
    return Split(train, [d for d in usable if d.name in names])
