"""The mesh on a face: on the photo of Eileen Collins that scikit-image ships."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from skimage.data import astronaut

from sketch_robot.photo.face_models import FaceModels
from sketch_robot.photo.mesh import FaceMesh, FaceSquare, square_of_mesh

# What MediaPipe 0.10.21 says of the photo: eyes, irises, lips, nose, chin, forehead, brows
MEDIAPIPE = {
    33: (195.07, 100.58, 4.23),
    133: (213.22, 103.39, 0.77),
    362: (236.50, 104.76, 0.45),
    263: (255.69, 103.90, 3.55),
    468: (203.40, 101.10, 0.63),
    473: (246.70, 103.38, 0.11),
    470: (203.66, 97.50, 0.63),
    61: (202.23, 139.36, 7.75),
    291: (245.92, 140.83, 7.20),
    13: (223.58, 143.23, -5.19),
    14: (223.19, 150.75, -3.26),
    1: (223.37, 131.24, -22.45),
    152: (221.94, 177.45, 8.09),
    10: (225.88, 69.66, -11.37),
    107: (215.64, 89.81, -12.43),
    336: (235.14, 91.21, -12.64),
}


@pytest.fixture(scope='module')
def mesh() -> np.ndarray:
    models, photo = FaceModels(), astronaut()
    found = models.mesh(photo, models.boxes(photo)[0])
    assert found is not None
    return found


def test_points_lie_where_mediapipe_lays_them(mesh: np.ndarray) -> None:
    assert mesh.shape == (478, 3)
    assert mesh[list(MEDIAPIPE)] == pytest.approx(np.array(list(MEDIAPIPE.values())), abs=0.3)


def test_a_mesh_gives_the_square_in_which_it_is_found_again(mesh: np.ndarray) -> None:
    again = FaceMesh().lay(astronaut(), square_of_mesh(mesh))
    assert again is not None
    assert np.linalg.norm(again - mesh, axis=1).mean() < 1.0


def test_where_there_is_no_face_there_is_no_mesh() -> None:
    assert FaceMesh().lay(astronaut(), FaceSquare(400.0, 400.0, 90.0, 0.3)) is None


@given(
    x=st.floats(-50, 700), y=st.floats(-50, 700), side=st.floats(20, 900), turn=st.floats(-3.1, 3.1)
)  # fmt: skip
def test_a_squares_middle_and_corners_lie_where_they_should(x: float, y: float, side: float, turn: float) -> None:
    to_picture = FaceSquare(x, y, side, turn).to_picture(192)
    assert to_picture @ (96, 96, 1) == pytest.approx((x, y), abs=1e-6)
    corner = to_picture @ (0, 0, 1) - (x, y)
    assert np.hypot(*corner) == pytest.approx(side / np.sqrt(2))
    right = to_picture @ (192, 96, 1) - (x, y)
    assert right == pytest.approx((side / 2 * np.cos(turn), side / 2 * np.sin(turn)), abs=1e-6)
