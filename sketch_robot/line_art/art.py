"""Line art: a picture in ink, and the strokes it was drawn with when the artist knows them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sketch_robot.stroke import Stroke


@dataclass(frozen=True, eq=False)
class LineArt:
    """What an artist drew.

    Attributes:
        ink: (H, W) float32 in [0, 1], 1 = ink, 0 = paper.
        artist: the name of the artist.
        strokes: in pixels of `ink`, in the artist's order, when the artist thinks in strokes; None when they are to be
            traced from the ink.
        parts: without `strokes`: those of parts that the artist drew as strokes although the rest is to be traced.
        parts_area: (H, W) bool, where `parts` stand for the ink; None without parts.
    """

    ink: np.ndarray
    artist: str
    strokes: tuple[Stroke, ...] | None = None
    parts: tuple[Stroke, ...] = ()
    parts_area: np.ndarray | None = None

    def __post_init__(self) -> None:
        if self.ink.ndim != 2 or self.ink.dtype != np.float32:
            raise ValueError(f'ink is (H, W) float32, not {self.ink.shape} {self.ink.dtype}')

    @property
    def size_px(self) -> tuple[int, int]:
        """Width and height."""
        return self.ink.shape[1], self.ink.shape[0]
