"""Characters as strokes, one or a sheet of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from sketch_robot.characters.latents import walk
from sketch_robot.characters.runtime import Character, CharacterMaker, as_rgb
from sketch_robot.characters.source import enlarged
from sketch_robot.line_art.drawing import DrawingArtist
from sketch_robot.photo import Photo, whole_picture
from sketch_robot.photo.sitter import CROP_PX
from sketch_robot.stroke import Stroke
from sketch_robot.strokes import strokes_from

WIDER = 0.8  # a sheet has as many columns as rows times this, for paper that stands upright


def strokes_of(rgb: np.ndarray) -> tuple[Stroke, ...]:
    """The strokes of a character's picture (96, 96, 3) uint8, in pixels of one of 512 x 512."""
    sitter = whole_picture(Photo(enlarged(rgb)))
    return strokes_from(DrawingArtist().draw(sitter), sitter)


def sheet_columns(count: int) -> int:
    """Columns of a sheet of so many."""
    return max(1, round(float(np.sqrt(count * WIDER))))


def sheet_strokes(pictures: Sequence[np.ndarray]) -> tuple[tuple[Stroke, ...], tuple[int, int]]:
    """The strokes of several characters side by side, row by row, and the width and height of all, pixels."""
    columns = sheet_columns(len(pictures))
    rows = -(-len(pictures) // columns)
    strokes = []
    for k, rgb in enumerate(pictures):
        corner = CROP_PX * np.array([k % columns, k // columns])
        strokes += [replace(stroke, xy=stroke.xy + corner) for stroke in strokes_of(rgb)]
    return tuple(strokes), (columns * CROP_PX, rows * CROP_PX)


def walked(maker: CharacterMaker, first: Character, last: Character, count: int) -> list[np.ndarray]:
    """Characters on the way from one to another, both included: pictures (96, 96, 3) uint8.

    The way leads over normal vectors, which the generator makes a picture of directly.
    """
    pictures, _ = maker.judged(walk(first.normal, last.normal, count))
    return list(as_rgb(pictures))
