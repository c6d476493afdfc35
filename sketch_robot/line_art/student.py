"""The student: a small U2-Net that draws, on torch or on OpenVINO.

Torch is the reference. The robot runs the same weights as an OpenVINO model, several times as fast, ready sooner, and
without loading torch at all.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable
from importlib.resources import as_file, files
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.line_art.art import LineArt
from sketch_robot.line_art.artist import RUNTIMES, Artist
from sketch_robot.line_art.face_ink import firm_lines, tidy_ink
from sketch_robot.line_art.ink import render_ink
from sketch_robot.line_art.light import lift_shadows
from sketch_robot.line_art.mesh_parts import draw_mesh_parts
from sketch_robot.photo.sitter import CROP_PX, Sitter

if TYPE_CHECKING:
    from openvino import Model

    from sketch_robot.line_art.u2net import U2Net

WEIGHTS_PACKAGE = 'sketch_robot.line_art.weights'
WEIGHTS_NAME, OPENVINO_NAME = 'student.safetensors', 'student.xml'
SIZES_PX = (256, 512)  # that the net can be asked for: 512 draws, 256 is for a live view
MATTE_MARGIN_PX = 6  # outlines run on the matte's border

_log = logging.getLogger(__name__)

InkFunction = Callable[[np.ndarray], np.ndarray]


class StudentArtist(Artist):
    """Draws with the distilled network.

    Args:
        runtime: 'openvino' or 'torch'.
        size_px: side at which the net sees the crop; the line art has the crop's size all the same.
        weights: a weight file; None takes the package's. OpenVINO takes seconds to convert one.
        keep_to_sitter: wipe ink off the background, where the sitter has a matte.
        mesh_parts: draw eyes, brows, mouth and beard from the sitter's landmarks, where there are any, rather than by
            the network.

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
        mesh_parts: bool = True,
    ) -> None:
        if runtime not in RUNTIMES:
            raise SketchRobotError(
                ErrorCode.BAD_GOAL, f'there is no runtime {runtime!r}; choose one of: {", ".join(RUNTIMES)}'
            )
        if size_px not in SIZES_PX:
            raise SketchRobotError(ErrorCode.BAD_GOAL, f'the student draws at {SIZES_PX} px, not at {size_px}')
        self.runtime, self.size_px, self.weights = runtime, size_px, weights
        self.keep_to_sitter, self.mesh_parts = keep_to_sitter, mesh_parts
        self._ink: InkFunction | None = None

    def draw(self, sitter: Sitter) -> LineArt:
        """Draw the sitter: ink (512, 512), to be traced but for what the landmarks gave.

        Raises:
            SketchRobotError: BAD_GOAL, the weight file is missing or foreign.
        """
        ink = self.net_ink(_well_lit(sitter))
        visible = sitter.valid
        if self.keep_to_sitter and sitter.matte is not None:
            side = 2 * MATTE_MARGIN_PX + 1
            visible = visible & (cv2.dilate(sitter.matte, np.ones((side, side), np.uint8)) > 0.5)
        ink = np.where(visible, ink, np.float32(0))
        is_person = sitter.matte is not None  # where nobody was told from the background, a mesh fits a cartoon badly
        parts = draw_mesh_parts(sitter, ink) if self.mesh_parts and is_person else None
        if parts is None:
            return LineArt(ink, self.name)
        ink = tidy_ink(np.where(parts.area, np.float32(0), ink), parts.face)
        drawn = render_ink(parts.strokes, (ink.shape[1], ink.shape[0]))
        return LineArt(np.maximum(ink, drawn), self.name, parts=parts.strokes, parts_area=parts.area)

    def net_ink(self, crop: np.ndarray) -> np.ndarray:
        """What the network alone gives: (512, 512, 3) uint8 RGB to (512, 512) float32 ink."""
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
        _check_installed(self.runtime)
        if self.runtime == 'openvino':
            model = packaged_openvino() if self.weights is None else convert_to_openvino(load_student(self.weights))
            self._ink = openvino_ink(model, self.size_px)
        else:
            self._ink = torch_ink(load_student(self.weights))
        blank = self._ink(np.zeros((self.size_px, self.size_px, 3), np.uint8))
        firm_lines(np.zeros_like(blank), blank > 1)  # its loops are compiled once a machine
        _log.info('the student is ready on %s at %d px', self.runtime, self.size_px)


def _well_lit(sitter: Sitter) -> np.ndarray:
    if sitter.matte is None or sitter.landmarks is None or not np.isfinite(sitter.landmarks).all():
        return sitter.crop
    return lift_shadows(sitter.crop, sitter.matte, sitter.landmarks)


def _check_installed(runtime: str) -> None:
    if find_spec(runtime) is None:
        raise SketchRobotError(
            ErrorCode.BAD_GOAL,
            f"the artist 'student' needs {runtime}, which is not installed; install it (pip install {runtime}), "
            "choose another runtime, or the artist 'guided'",
        )


def load_student(weights: Path | None = None) -> U2Net:
    """The student's net, on the CPU.

    Args:
        weights: a weight file; None takes the package's.
    """
    from sketch_robot.line_art.weight_file import load_weights  # torch is heavy

    if weights is not None:
        return load_weights(weights)
    with as_file(files(WEIGHTS_PACKAGE) / WEIGHTS_NAME) as path:
        return load_weights(path)


def torch_ink(net: U2Net) -> InkFunction:
    """The reference: float32 on torch. From (H, W, 3) uint8 RGB to (H, W) float32 ink."""
    import torch

    from sketch_robot.line_art.u2net import InkNet

    module = InkNet(net).eval()

    def ink(rgb: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            batch = torch.from_numpy(rgb).permute(2, 0, 1)[None].float() / 255
            return module(batch)[0, 0].numpy()

    return ink


def openvino_ink(model: Model, size_px: int) -> InkFunction:
    """The model compiled by OpenVINO for this processor, pictures of one size. As `torch_ink` otherwise."""
    import openvino
    from openvino import properties

    model.reshape([1, 3, size_px, size_px])
    compiled = openvino.Core().compile_model(model, 'CPU', {properties.hint.performance_mode(): 'LATENCY'})
    request = compiled.create_infer_request()

    def ink(rgb: np.ndarray) -> np.ndarray:
        batch = np.ascontiguousarray(rgb.transpose(2, 0, 1)[None], dtype=np.float32) / 255
        request.infer([batch])
        return np.array(request.get_output_tensor().data[0, 0], np.float32)

    return ink


def packaged_openvino() -> Model:
    """The shipped student as OpenVINO's model, of no fixed size yet."""
    import openvino

    with as_file(files(WEIGHTS_PACKAGE)) as folder:
        return openvino.Core().read_model(folder / OPENVINO_NAME)


def convert_to_openvino(net: U2Net) -> Model:
    """OpenVINO's model of the net, of no fixed size yet: input (1, 3, H, W) RGB in [0, 1], output (1, 1, H, W) ink."""
    import openvino
    import torch

    from sketch_robot.line_art.u2net import InkNet

    example = torch.zeros(1, 3, CROP_PX, CROP_PX)
    with torch.inference_mode(), warnings.catch_warnings():
        warnings.simplefilter('ignore')  # sizes are compared while tracing, and torch finds its own tracer old
        return openvino.convert_model(InkNet(net).eval(), example_input=example)
