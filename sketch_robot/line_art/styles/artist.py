"""The artist that draws in a style, or a blend of several."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.line_art.art import LineArt
from sketch_robot.line_art.artist import Artist
from sketch_robot.line_art.styles.blend import Blend, make_blend, parse_blend
from sketch_robot.line_art.styles.runtime import StylePainter, styles_of
from sketch_robot.line_art.styles.style_file import StyleSet
from sketch_robot.photo.sitter import CROP_PX, Sitter

LIVE_PX = 256  # side of the live picture
MATTE_MARGIN_PX = 6  # outlines run on the matte's border


class StyleArtist(Artist):
    """Draws the sitter in a style.

    Args:
        blend: of the painter's styles.
        painter: None: the package's styles, on the runtime.
        runtime: 'openvino' or 'torch'.
        keep_to_sitter: wipe ink off the background, where the sitter has a matte; the picture keeps it.
    """

    def __init__(
        self,
        blend: Blend,
        painter: StylePainter | None = None,
        *,
        runtime: str = 'openvino',
        keep_to_sitter: bool = True,
    ) -> None:
        self.name = str(blend)
        self.blend, self.keep_to_sitter = blend, keep_to_sitter
        self._painter, self._runtime = painter, runtime

    def draw(self, sitter: Sitter) -> LineArt:
        """Draw the sitter: ink and picture as large as the crop.

        Raises:
            SketchRobotError: BAD_GOAL, there is no such style, or the runtime is not installed; INTERNAL, the package's
                file is damaged.
        """
        return self._drawn(sitter, CROP_PX)

    def draw_live(self, sitter: Sitter) -> LineArt:
        """Draw the sitter at a quarter of the pixels."""
        return self._drawn(sitter, LIVE_PX)

    def warm_up(self) -> None:
        """Load the styles and paint once."""
        self._ready().paint(np.zeros((CROP_PX, CROP_PX, 3), np.uint8), self.blend)

    def _ready(self) -> StylePainter:
        if self._painter is None:
            self._painter = StylePainter(styles_of(None), runtime=self._runtime)
        return self._painter

    def _drawn(self, sitter: Sitter, size_px: int) -> LineArt:
        picture = self._ready().paint(sitter.crop, self.blend, size_px=size_px)
        height, width = sitter.crop.shape[:2]
        grey: np.ndarray = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float32) / 255
        if grey.shape != (height, width):
            grey = cv2.resize(grey, (width, height), interpolation=cv2.INTER_LINEAR)
        visible = sitter.valid
        if self.keep_to_sitter and sitter.matte is not None:
            side = 2 * MATTE_MARGIN_PX + 1
            person = (sitter.matte > 0.5).astype(np.uint8)
            visible = visible & (cv2.dilate(person, np.ones((side, side), np.uint8)) > 0)
        return LineArt(np.where(visible, 1 - grey, np.float32(0)), self.name, picture=picture)


def check_for_pens(blend: Blend, styles: StyleSet) -> None:
    """Refuse to draw on paper what is for screens.

    Raises:
        SketchRobotError: BAD_GOAL, more than half of the blend is.
    """
    for_pens = {style.name for style in styles.styles if style.for_pen}
    share = sum(weight for name, weight in zip(blend.names, blend.weights, strict=True) if name in for_pens)
    if share < 0.5 and for_pens:
        listed = ', '.join(sorted(for_pens))
        raise SketchRobotError(
            ErrorCode.BAD_GOAL, f'{blend} is for screens, see the topic styled_image; a pen can draw: {listed}'
        )


def styled_artist(text: str, file: Path | None = None, *, runtime: str = 'openvino') -> StyleArtist | None:
    """An artist for pens with the styles of a file, or of the package; None: the text names none.

    Args:
        text: as `parse_blend` takes it.
        file: of styles.
        runtime: 'openvino' or 'torch'.

    Raises:
        SketchRobotError: BAD_GOAL, there is no such style, only screens can show it, the file is missing or foreign, or
            the runtime is not installed.
    """
    names, weights = parse_blend(text)
    if not names and file is None:
        return None
    styles = styles_of(file)
    blend = make_blend(names, weights, styles.names)
    if blend is None:
        return None
    check_for_pens(blend, styles)
    return StyleArtist(blend, StylePainter(styles, runtime=runtime))
