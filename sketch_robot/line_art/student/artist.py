"""The artist whose drawings come from the student's network."""

from __future__ import annotations

import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.line_art.art import FaceArt, LineArt
from sketch_robot.line_art.artist import RUNTIMES, Artist
from sketch_robot.line_art.face_lines.look import face_area, shape_areas
from sketch_robot.line_art.geometry.face import Face, face_of
from sketch_robot.line_art.student.face_ink import tidy_ink
from sketch_robot.line_art.student.light import lift_shadows
from sketch_robot.line_art.student.runtime import (
    InkFunction,
    check_installed,
    convert_to_openvino,
    load_student,
    openvino_ink,
    packaged_openvino,
    torch_ink,
)
from sketch_robot.photo.sitter import CROP_PX, CloseUp, Sitter

SIZES_PX = (256, 512)  # that the net can be asked for: 512 draws, 256 is for a live view
MATTE_MARGIN_PX = 6  # outlines run on the matte's border

_log = logging.getLogger(__name__)


class StudentArtist(Artist):
    """Draws with the student's network: the head from the crop, the face from its close-up.

    Args:
        runtime: 'openvino' or 'torch'.
        size_px: side at which the net sees the crop; the line art has the crop's size all the same.
        weights: a weight file; None takes the package's. OpenVINO takes seconds to convert one.
        keep_to_sitter: wipe ink off the background, where the sitter has a matte.
        close_ups: draw the face from a close-up, where there is one.

    Raises:
        SketchRobotError: BAD_GOAL, an unknown runtime or size.
    """

    name = 'student'

    def __init__(
        self,
        *,
        runtime: str = 'openvino',
        size_px: int = CROP_PX,
        weights: Path | None = None,
        keep_to_sitter: bool = True,
        close_ups: bool = True,
    ) -> None:
        if runtime not in RUNTIMES:
            raise SketchRobotError(
                ErrorCode.BAD_GOAL, f'there is no runtime {runtime!r}; choose one of: {", ".join(RUNTIMES)}'
            )
        if size_px not in SIZES_PX:
            raise SketchRobotError(ErrorCode.BAD_GOAL, f'the student draws at {SIZES_PX} px, not at {size_px}')
        self.runtime, self.size_px, self.weights = runtime, size_px, weights
        self.keep_to_sitter, self.close_ups = keep_to_sitter, close_ups
        self._ink: InkFunction | None = None
        self._aside = ThreadPoolExecutor(1, 'close-up')  # the face is drawn beside the head

    def draw(self, sitter: Sitter) -> LineArt:
        """Draw the sitter: ink (512, 512), and the face larger.

        Raises:
            SketchRobotError: BAD_GOAL, the weight file is missing or foreign.
        """
        self.warm_up()
        close_up = sitter.close_up if self.close_ups else None
        looked = self._aside.submit(_head_of, sitter)
        head_drawn = threading.Event()  # the face has its turn after it: a head takes longer to tidy
        near = self._aside.submit(self._draw_face, close_up, head_drawn)
        try:
            ink = self.net_ink(_well_lit(sitter))
        finally:
            head_drawn.set()
        visible = sitter.valid
        if self.keep_to_sitter and sitter.matte is not None:
            side = 2 * MATTE_MARGIN_PX + 1
            person = (sitter.matte > 0.5).astype(np.uint8)
            visible = visible & (cv2.dilate(person, np.ones((side, side), np.uint8)) > 0)
        ink = np.where(visible, ink, np.float32(0))
        head = None if close_up is None else looked.result()
        tidy = ink if head is None else tidy_ink(ink, head)
        drawn = near.result()
        if drawn is None:
            return LineArt(ink, self.name)
        face, face_ink, area = drawn
        tidy = np.where(area, np.float32(0), tidy)
        return LineArt(np.maximum(tidy, np.where(visible, face_ink, np.float32(0))), self.name, face=face)

    def _draw_face(
        self, close_up: CloseUp | None, turn: threading.Event
    ) -> tuple[FaceArt, np.ndarray, np.ndarray] | None:
        """The face, and its ink and area in the crop's pixels."""
        face = None if close_up is None else face_of(close_up.landmarks, close_up.rgb.shape[:2])
        if close_up is None or face is None:
            return None
        area = face_area(face)
        shapes = shape_areas(face)
        turn.wait()
        ink = np.where(area, self.net_ink(close_up.rgb), np.float32(0))
        art = FaceArt(ink, area, close_up.to_crop, shapes)
        return art, *art.on((CROP_PX, CROP_PX))

    def net_ink(self, crop: np.ndarray) -> np.ndarray:
        """What the network alone gives of a head crop or a close-up: (512, 512, 3) uint8 RGB to (512, 512) float32."""
        if self._ink is None:
            self.warm_up()
        assert self._ink is not None
        if crop.shape[0] != self.size_px:
            crop = cv2.resize(crop, (self.size_px, self.size_px), interpolation=cv2.INTER_AREA)
        ink = self._ink(crop)
        if ink.shape[0] != CROP_PX:
            ink = cv2.resize(ink, (CROP_PX, CROP_PX), interpolation=cv2.INTER_LINEAR)
        return ink

    def warm_up(self) -> None:
        """Load the weights, convert them for the runtime, and draw once.

        Raises:
            SketchRobotError: BAD_GOAL, the runtime is not installed, or the weight file is missing or foreign.
        """
        if self._ink is not None:
            return
        check_installed(self.runtime)
        if self.runtime == 'openvino':
            model = packaged_openvino() if self.weights is None else convert_to_openvino(load_student(self.weights))
            self._ink = openvino_ink(model, self.size_px)
        else:
            self._ink = torch_ink(load_student(self.weights))
        self._ink(np.zeros((self.size_px, self.size_px, 3), np.uint8))
        _log.info('the student is ready on %s at %d px', self.runtime, self.size_px)


def _head_of(sitter: Sitter) -> Face | None:
    return None if sitter.landmarks is None else face_of(sitter.landmarks, (CROP_PX, CROP_PX))


def _well_lit(sitter: Sitter) -> np.ndarray:
    if sitter.matte is None or sitter.landmarks is None or not np.isfinite(sitter.landmarks).all():
        return sitter.crop
    return lift_shadows(sitter.crop, sitter.matte, sitter.landmarks)
