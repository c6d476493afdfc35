"""Run the shipped networks that find a sitter, on OpenVINO.

What they are and where they come from says `nets/MODEL_CARD.md`. MediaPipe runs the same; pictures are sampled here as
it does it, without half pixels and without smoothing, so that the networks answer the same.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import as_file, files
from typing import TYPE_CHECKING

import cv2
import numpy as np

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.files import check_sums

if TYPE_CHECKING:
    from openvino import CompiledModel

NETS_PACKAGE = 'sketch_robot.photo.nets'


class Network:
    """One of the shipped networks, for one thread at a time.

    Args:
        name: the file's, without its ending.

    Attributes:
        side_px: the square picture that it takes.

    Raises:
        SketchRobotError: INTERNAL, OpenVINO is not installed.
    """

    def __init__(self, name: str) -> None:
        compiled = _compiled(name)
        self.side_px = int(compiled.input(0).shape[1])
        self._request = compiled.create_infer_request()
        self._outputs = len(compiled.outputs)

    def answer(self, picture: np.ndarray) -> list[np.ndarray]:
        """What it says of a picture (S, S, 3) uint8 RGB: float32 arrays, the network's own until it is asked again."""
        self._request.infer([np.ascontiguousarray(picture[None])], share_inputs=True)
        return [self._request.get_output_tensor(k).data for k in range(self._outputs)]


def sample(rgb: np.ndarray, to_picture: np.ndarray, side_px: int, border: int = cv2.BORDER_CONSTANT) -> np.ndarray:
    """The square picture (S, S, 3) uint8 whose pixel (i, j) shows `to_picture @ (i, j, 1)` of a picture; (2, 3)."""
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(rgb, to_picture, (side_px, side_px), flags=flags, borderMode=border)


@cache
def _compiled(name: str) -> CompiledModel:
    try:
        import openvino
        from openvino import properties
    except ModuleNotFoundError as error:
        raise SketchRobotError(
            ErrorCode.INTERNAL,
            'faces are found with openvino, which is not installed; install it (pip install openvino)',
        ) from error
    with as_file(files(NETS_PACKAGE)) as folder:
        check_sums(folder, f'{name}.xml', f'{name}.bin')
        return openvino.Core().compile_model(
            folder / f'{name}.xml',
            'CPU',
            {
                properties.hint.performance_mode(): properties.hint.PerformanceMode.LATENCY,
                properties.hint.inference_precision(): openvino.Type.f32,
                properties.inference_num_threads(): 1,
            },
        )
