"""The mean face: made of many, symmetrical, and refused when there are too few."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from sketch_robot.cli import main
from sketch_robot.strokes.caricature import aligned, mean_face
from sketch_robot.training.mean_face import mean_of


def faces(count: int, noise: float) -> list[np.ndarray]:
    rng = np.random.default_rng(7)
    return [
        rng.uniform(50.0, 200.0)
        * Rotation.from_rotvec(rng.normal(size=3) * 0.2).apply(mean_face() + rng.normal(size=(478, 3)) * noise)
        + rng.uniform(0.0, 500.0, 3)
        for _ in range(count)
    ]


def test_the_mean_of_faces_of_any_place_size_and_turn_is_the_face_that_they_vary() -> None:
    mean = mean_of(faces(40, 0.03))
    assert np.abs(aligned(mean, mean_face()) - mean_face()).max() < 0.03
    assert (mean**2).sum(axis=1).mean() == pytest.approx(1.0)


def test_a_mean_of_lopsided_faces_is_symmetrical() -> None:
    lopsided = faces(20, 0.0)
    for face in lopsided:
        face[61] += 0.1 * (face[61] - face[291])  # one corner of the mouth reaches out
    mean = mean_of(lopsided)
    assert mean[61] * (-1.0, 1.0, 1.0) == pytest.approx(mean[291], abs=2e-3)


def test_a_folder_without_faces_makes_no_mean_face(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cv2.imwrite(str(tmp_path / 'grey.png'), np.full((64, 64, 3), 90, np.uint8))
    assert main(['mean-face', str(tmp_path), str(tmp_path / 'mean.npy')]) == 1
    assert '0 faces are too few for a mean; it takes 20 and more' in capsys.readouterr().err
    assert not (tmp_path / 'mean.npy').exists()
