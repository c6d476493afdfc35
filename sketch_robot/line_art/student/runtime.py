"""Run the student's network: the shipped weights, on torch or on OpenVINO.

Torch is the reference. The robot runs the same weights as an OpenVINO model, several times as fast, ready sooner, and
without loading torch at all.
"""

from __future__ import annotations

import os
import threading
import warnings
from collections.abc import Callable
from importlib.resources import as_file, files
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.files import check_sums
from sketch_robot.photo.sitter import CROP_PX

if TYPE_CHECKING:
    from openvino import Model

    from sketch_robot.line_art.student.u2net import U2Net

WEIGHTS_PACKAGE = 'sketch_robot.line_art.student.weights'
WEIGHTS_NAME, OPENVINO_NAME = 'student.safetensors', 'student.xml'

InkFunction = Callable[[np.ndarray], np.ndarray]


def check_installed(runtime: str) -> None:
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
    from sketch_robot.line_art.student.weight_file import load_weights  # torch is heavy

    if weights is not None:
        return load_weights(weights)
    with as_file(files(WEIGHTS_PACKAGE)) as folder:
        check_sums(folder, WEIGHTS_NAME)
        return load_weights(folder / WEIGHTS_NAME)


def torch_ink(net: U2Net) -> InkFunction:
    """The reference: float32 on torch. From (H, W, 3) uint8 RGB to (H, W) float32 ink."""
    import torch

    from sketch_robot.line_art.student.u2net import InkNet

    module = InkNet(net).eval()

    def ink(rgb: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            batch = torch.from_numpy(rgb).permute(2, 0, 1)[None].float() / 255
            return module(batch)[0, 0].numpy()

    return ink


def openvino_ink(model: Model, size_px: int) -> InkFunction:
    """The model compiled by OpenVINO for this processor, pictures of one size. As `torch_ink` otherwise.

    Two threads may ask at once, and are answered one after the other on half of the cores: the other half has what is
    drawn from the answers to do. To answer both at once would take 24 MB more.
    """
    import openvino
    from openvino import properties

    model.reshape([1, 3, size_px, size_px])
    settings = {
        properties.num_streams(): 1,
        properties.inference_num_threads(): max(1, (os.cpu_count() or 1) // 2),
    }
    compiled = openvino.Core().compile_model(model, 'CPU', settings)
    of_thread = threading.local()

    def ink(rgb: np.ndarray) -> np.ndarray:
        request = getattr(of_thread, 'request', None)
        if request is None:
            request = of_thread.request = compiled.create_infer_request()
        batch = np.ascontiguousarray(rgb.transpose(2, 0, 1)[None], dtype=np.float32)
        batch /= 255
        request.infer([batch], share_inputs=True)
        return np.array(request.get_output_tensor().data[0, 0], np.float32)

    return ink


def packaged_openvino() -> Model:
    """The shipped student as OpenVINO's model, of no fixed size yet."""
    import openvino

    with as_file(files(WEIGHTS_PACKAGE)) as folder:
        check_sums(folder, OPENVINO_NAME, OPENVINO_NAME.replace('.xml', '.bin'))
        return openvino.Core().read_model(folder / OPENVINO_NAME)


def convert_to_openvino(net: U2Net) -> Model:
    """OpenVINO's model of the net, of no fixed size yet: input (1, 3, H, W) RGB in [0, 1], output (1, 1, H, W) ink."""
    import openvino
    import torch

    from sketch_robot.line_art.student.u2net import InkNet

    example = torch.zeros(1, 3, CROP_PX, CROP_PX)
    with torch.inference_mode(), warnings.catch_warnings():
        warnings.simplefilter('ignore')  # sizes are compared while tracing, and torch finds its own tracer old
        return openvino.convert_model(InkNet(net).eval(), example_input=example)
