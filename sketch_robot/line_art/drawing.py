"""The artist for pictures that are line drawings already: their dark lines are drawn as they are.

Nobody need be in the picture. Wide dark parts, such as hair in ink, are shapes that are filled; all else are lines.
"""

from __future__ import annotations

import cv2
import numpy as np

from sketch_robot.line_art.art import FaceArt, LineArt, ShapeArea
from sketch_robot.line_art.artist import Artist
from sketch_robot.photo.sitter import Sitter

PAPER, BLACK = 0.5, 0.002  # of the pixels, from the darkest: half of a drawing is paper, and a little is all ink
LEAST_CONTRAST = 24.0  # between these; less is no drawing
DARK = 0.5  # ink of a shape


class DrawingArtist(Artist):
    """Draws a picture's dark lines as they are."""

    name = 'drawing'
    whole_picture = True

    def draw(self, sitter: Sitter) -> LineArt:
        """Draw the picture; ink is how dark it is between its paper and its black."""
        grey = cv2.cvtColor(sitter.crop, cv2.COLOR_RGB2GRAY).astype(np.float32)
        seen = np.sort(grey[sitter.valid]) if sitter.valid.any() else np.zeros(1, np.float32)
        black, paper = (float(seen[int(share * (len(seen) - 1))]) for share in (BLACK, PAPER))
        ink = np.clip((paper - grey) / max(paper - black, LEAST_CONTRAST), 0, 1)
        ink = np.where(sitter.valid, ink, 0).astype(np.float32)
        everywhere = np.ones(ink.shape, bool)
        drawn = FaceArt(ink, everywhere, np.eye(2, 3), (ShapeArea(everywhere, DARK),))
        return LineArt(ink, self.name, face=drawn)
