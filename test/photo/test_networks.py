"""The shipped networks, and how they were rebuilt for OpenVINO."""

from __future__ import annotations

import subprocess
import sys

import cv2
import numpy as np
import openvino
import pytest
from openvino import opset13 as ops
from openvino import properties

from scripts import convert_face_nets as convert
from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.photo import SitterFinder, networks

LIPS = [61, 146, 291, 17]


def run(node: openvino.Node, **inputs: np.ndarray) -> np.ndarray:
    parameters = [each.get_node() for each in inputs.pop('parameters')]
    exact = {properties.hint.inference_precision(): openvino.Type.f32}
    compiled = openvino.compile_model(openvino.Model([node], parameters), 'CPU', exact)
    return compiled(list(inputs.values()))[0]


@pytest.mark.parametrize('degrees', [0.0, 25.0, -70.0])
def test_a_patch_lies_level_around_its_points(degrees: float) -> None:
    turn = np.radians(degrees)
    axes = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    level = np.array([[-6.0, 0.0], [0.0, 3.0], [6.0, 0.0], [1.0, -1.0]])  # 12 wide, 4 high, the corners first
    landmarks = np.zeros((1, 468, 3), np.float32)
    landmarks[0, LIPS, :2] = level @ axes + (20.0, 30.0)
    given = ops.parameter([1, 468, 3], np.float32)
    matrix = run(convert._matrix(given, np.array(LIPS)), parameters=[given.output(0)], landmarks=landmarks)[0]
    corners = np.array([[0, 0, 0, 1], [16, 0, 0, 1], [16, 16, 0, 1]]) @ matrix.T
    around = np.array([[-9.0, -2.0], [9.0, -2.0], [9.0, 4.0]])  # 1.5 times 12 x 4 around its middle (0, 1)
    assert corners[:, :2] == pytest.approx(around @ axes + (20.0, 30.0), abs=1e-4)


def test_a_patch_is_sampled_between_pixels_and_empty_outside() -> None:
    features = np.random.default_rng(1).normal(size=(1, 3, 24, 24)).astype(np.float32)
    matrix = np.eye(4, dtype=np.float32)
    matrix[0, 3], matrix[1, 3] = 12.25, 2.5
    matrix[0, 0] = 1.5
    given = ops.parameter([1, 3, 24, 24], np.float32), ops.parameter([1, 4, 4], np.float32)
    patch = run(
        convert._warped(*given), parameters=[each.output(0) for each in given], features=features, matrix=matrix[None]
    )
    x = 1.5 * (np.arange(16) + 0.5) + 12.25 - 0.5
    y = np.arange(16) + 2.5
    at = np.float32(np.stack(np.meshgrid(x, y)))
    for channel in range(3):
        wanted = np.where(at[0] <= 23, cv2.remap(features[0, channel], at[0], at[1], cv2.INTER_LINEAR), 0)
        assert patch[0, channel] == pytest.approx(wanted, abs=0.05)  # OpenCV's fractions are 1/32


def test_finding_a_sitter_loads_no_mediapipe_and_says_nothing() -> None:
    code = (
        'import sys; sys.modules["mediapipe"] = None; from skimage.data import astronaut;'
        'from sketch_robot.photo import Photo, find_sitter; print(find_sitter(Photo(astronaut())).faces)'
    )
    ended = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, check=True)
    assert (ended.stdout, ended.stderr) == ('1\n', '')


def test_without_openvino_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(networks, '_compiled', networks._compiled.__wrapped__)
    monkeypatch.setitem(sys.modules, 'openvino', None)
    with pytest.raises(SketchRobotError) as caught:
        SitterFinder()
    assert caught.value.code is ErrorCode.INTERNAL
    assert 'pip install openvino' in caught.value.message
