"""Folds and wrinkles: which of a face's lines they are, and how many of them are drawn."""

from __future__ import annotations

import numpy as np
import pytest

from sketch_robot.line_art.geometry import mesh
from sketch_robot.line_art.geometry.face import Face, face_of
from sketch_robot.stroke import Stroke
from sketch_robot.strokes.caricature import mean_face
from sketch_robot.strokes.folds import with_fewer_folds


@pytest.fixture(scope='module')
def face() -> Face:
    found = face_of((100.0 * mean_face() + (256.0, 270.0, 0.0)).astype(np.float32), (512, 512))
    assert found is not None
    return found


def line(face: Face, points: list[int], half_width: float = 1.0, by: tuple[float, float] = (0.0, 0.0)) -> Stroke:
    """A line through mesh points, drawn finely."""
    corners = face.points[points] + by
    along = np.linspace(0.0, len(corners) - 1.0, 20 * len(corners))
    xy = np.column_stack([np.interp(along, np.arange(len(corners)), column) for column in corners.T])
    return Stroke(xy, half_width, half_widths=np.full(len(xy), half_width))


FOLDS = {
    'across the forehead': [108, 151, 337],
    'frown': [9, 8],
    'bag under the eye': [118, 119, 120],
    'from nose to mouth, right': [203, 206, 216],
    'from nose to mouth, left': [423, 426, 436],
    'down from the corner': [212, 210],
}
FEATURES = {
    'lips': mesh.UPPER_INSIDE,
    'lower lip': mesh.LOWER_LIP,
    'upper lid': mesh.EYES['left'].upper,
    'lower lid': mesh.EYES['right'].lower,
    'brow': mesh.EYES['left'].brow_top,
    'nose': mesh.NOSE_BASE,
    'wing': mesh.NOSE_WING['right'],
    'jaw': mesh.OVAL[12:24],
    'fringe': [10, 151, 9],
}


@pytest.mark.parametrize('name', FOLDS)
def test_a_fold_is_left_out_when_none_are_wished(face: Face, name: str) -> None:
    fold = line(face, FOLDS[name])
    left = with_fewer_folds([fold], face, 0.0)
    assert sum(stroke.length for stroke in left) < 0.35 * fold.length


@pytest.mark.parametrize('name', FEATURES)
def test_what_makes_a_face_is_no_fold(face: Face, name: str) -> None:
    feature = line(face, FEATURES[name])
    assert sum(stroke.length for stroke in with_fewer_folds([feature], face, 0.0)) > 0.97 * feature.length


def test_all_folds_are_the_drawing_as_it_is(face: Face) -> None:
    strokes = [line(face, points) for points in (*FOLDS.values(), *FEATURES.values())]
    assert with_fewer_folds(strokes, face, 1.0) == tuple(strokes)


def test_the_strongest_folds_stay_longest_and_grow_softer(face: Face) -> None:
    weak, strong = line(face, FOLDS['bag under the eye'], 0.4), line(face, FOLDS['across the forehead'], 1.2)
    (kept,) = with_fewer_folds([weak, strong], face, 0.5)
    assert kept.xy[:, 1].mean() == pytest.approx(strong.xy[:, 1].mean(), abs=3.0)
    assert kept.half_widths is not None
    assert kept.half_widths.max() == pytest.approx(0.75 * 1.2)


def test_a_fold_is_cut_from_the_feature_that_it_grows_from(face: Face) -> None:
    whole = line(face, [235, 64, 203, 206, 216, 212])
    (wing, *_) = with_fewer_folds([whole], face, 0.0)
    assert wing.xy[0].tolist() == whole.xy[0].tolist()
    assert np.hypot(*(wing.xy[-1] - face.points[216])) > 20.0


@pytest.mark.parametrize('age_lines', [0.0, 0.3, 0.7])
def test_fewer_folds_are_never_more_ink(face: Face, age_lines: float) -> None:
    strokes = [line(face, points) for points in (*FOLDS.values(), *FEATURES.values())]
    ink = [sum(stroke.length * stroke.half_width for stroke in with_fewer_folds(strokes, face, share))
           for share in (age_lines, age_lines + 0.3)]  # fmt: skip
    assert ink[0] < ink[1]


def test_dots_and_filled_shapes_stay(face: Face) -> None:
    at = face.points[151]
    dot = Stroke(at[None])
    shape = Stroke(at + np.array([[0, 0], [9, 0], [9, 2], [0, 2], [0, 0]], float), filled=True)
    assert with_fewer_folds([dot, shape], face, 0.0) == (dot, shape)
