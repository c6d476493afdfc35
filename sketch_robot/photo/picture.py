"""A photo: what a camera or a file gave."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Photo:
    """A picture in memory.

    Attributes:
        rgb: (H, W, 3) uint8, red green blue, upright.
        source: where it came from, for people: a path, 'camera', a topic.
        stamp_s: when it was taken, seconds of the clock of its source; None when unknown.
    """

    rgb: np.ndarray
    source: str = ''
    stamp_s: float | None = None

    def __post_init__(self) -> None:
        if self.rgb.ndim != 3 or self.rgb.shape[2] != 3 or self.rgb.dtype != np.uint8:
            raise ValueError(f'a photo is (H, W, 3) uint8, not {self.rgb.shape} {self.rgb.dtype}')

    @property
    def size_px(self) -> tuple[int, int]:
        """Width and height."""
        return self.rgb.shape[1], self.rgb.shape[0]
