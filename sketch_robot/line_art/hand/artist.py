"""The artist who draws as somebody's own hand does."""

from __future__ import annotations

import logging
from pathlib import Path

import cv2
import numpy as np

from sketch_robot.line_art.art import LineArt
from sketch_robot.line_art.artist import Artist
from sketch_robot.line_art.hand.hand_file import HandWeights, check_hand_file, ink_in, load_hand
from sketch_robot.line_art.hand.runtime import HandRunner
from sketch_robot.photo.sitter import Sitter

SCALES = (0.25, 2.0)  # least and most that a crop is scaled so that its face is as tall as those the hand has learned
MATTE_MARGIN_PX = 6  # outlines run on the matte's border

_log = logging.getLogger(__name__)


class HandArtist(Artist):
    """Draws the head crop with a hand from a file of `sketch-robot keyframe train`.

    The crop is scaled so that the face is as tall as in the key frames: lines are as fine as the artist's, and patches
    look as they did.

    Args:
        path: the hand.

    Raises:
        SketchRobotError: BAD_GOAL, the file is missing, too large or of another kind; it is read when it is warmed up.
    """

    def __init__(self, path: Path) -> None:
        check_hand_file(path)
        self.path, self.name = path, path.stem
        self._hand: HandWeights | None = None
        self._runner: HandRunner | None = None

    def draw(self, sitter: Sitter) -> LineArt:
        """Draw the sitter's crop; ink where the photo does not reach, or around a sitter, is wiped.

        Raises:
            SketchRobotError: BAD_GOAL, the file holds no hand, or one that was trained with guides.
        """
        drawn = self.styled(sitter)
        assert self._hand is not None
        ink = ink_in(drawn, self._hand)
        return LineArt(np.where(self._visible(sitter), ink, np.float32(0)), self.name, picture=drawn)

    def styled(self, sitter: Sitter) -> np.ndarray:
        """The sitter's crop as the artist would draw it, in the artist's colours: (512, 512, 3) uint8 RGB."""
        self.warm_up()
        assert self._runner is not None
        crop = sitter.crop
        height, width = crop.shape[:2]
        scale = self._scale(sitter)
        if scale != 1.0:
            how = cv2.INTER_AREA if scale < 1.0 else cv2.INTER_CUBIC
            crop = cv2.resize(crop, (round(width * scale), round(height * scale)), interpolation=how)
        drawn = self._runner.draw(crop)
        if drawn.shape[0] != height:
            how = cv2.INTER_AREA if drawn.shape[0] > height else cv2.INTER_CUBIC
            drawn = cv2.resize(drawn, (width, height), interpolation=how)
        return drawn

    def warm_up(self) -> None:
        """Read the hand and compile its network.

        Raises:
            SketchRobotError: BAD_GOAL, the file holds no hand, or OpenVINO is not installed.
        """
        if self._runner is None:
            self._hand = load_hand(self.path)
            self._runner = HandRunner(self._hand)
            _log.info('the hand %s is ready', self.name)

    def _scale(self, sitter: Sitter) -> float:
        assert self._hand is not None
        if sitter.face_box is None or not self._hand.face_px or sitter.face_box[3] <= 0:
            return 1.0
        return float(np.clip(self._hand.face_px / sitter.face_box[3], *SCALES))

    def _visible(self, sitter: Sitter) -> np.ndarray:
        assert self._hand is not None
        if sitter.matte is None or not self._hand.sitter_only:
            return sitter.valid
        side = 2 * MATTE_MARGIN_PX + 1
        person = cv2.dilate((sitter.matte > 0.5).astype(np.uint8), np.ones((side, side), np.uint8)) > 0
        return np.asarray(sitter.valid & person)
