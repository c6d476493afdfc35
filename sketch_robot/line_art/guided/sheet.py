"""The sheet being drawn on: strokes so far, and where others are not wanted."""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np

from sketch_robot.line_art.guided.curve import at, filled, to_pixels
from sketch_robot.stroke import Stroke

HALF_WIDTH_PX = 1.0  # the pen's line in the crop


@dataclass(eq=False)
class Sheet:
    """A drawing in the making.

    Attributes:
        shape: (H, W).
        strokes: in the order they were drawn.
        taken: (H, W) bool, the area of features that are complete: no free line goes there.
        near_ink: (H, W) uint8, 1 near strokes: outlines and free lines keep their distance.
    """

    shape: tuple[int, ...]
    strokes: list[Stroke] = field(default_factory=list)
    taken: np.ndarray = field(init=False)
    near_ink: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        self.taken = np.zeros(self.shape, bool)
        self.near_ink = np.zeros(self.shape, np.uint8)

    def draw(self, xy: np.ndarray, label: str, importance: float) -> None:
        """Add a stroke; fewer than two points are no line and are left out."""
        if len(xy) > 1:
            self.strokes.append(Stroke(xy, HALF_WIDTH_PX, label, float(np.clip(importance, 0.0, 1.0))))

    def take(self, xy: np.ndarray, grow_px: float = 0) -> None:
        """Close the inside of a polygon, grown by so many pixels, to free lines."""
        self.taken |= filled(xy, self.shape, max(0, int(grow_px)))

    def keep_off(self, xy: np.ndarray, width_px: int) -> None:
        """Keep outlines and free lines away from a polyline."""
        cv2.polylines(self.near_ink, [to_pixels(xy)], False, (1,), width_px)

    def is_free(self, xy: np.ndarray) -> np.ndarray:
        """(N,) bool, whether points are away from other lines."""
        return at(self.near_ink, xy) == 0
