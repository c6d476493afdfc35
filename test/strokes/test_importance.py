"""What traced strokes depict, by place."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from sketch_robot.line_art.geometry import mesh
from sketch_robot.line_art.ink import render_ink
from sketch_robot.photo.sitter import Sitter
from sketch_robot.stroke import Stroke
from sketch_robot.strokes.importance import gained_importance, place_strokes

SIZE = (512, 512)


def dash(x: float, y: float, **options: object) -> Stroke:
    return Stroke(np.array([[x - 6.0, y], [x, y], [x + 6.0, y]]), importance=0.8, **options)  # type: ignore[arg-type]


def sitter(**parts: object) -> Sitter:
    nothing = Sitter(np.zeros((512, 512, 3), np.uint8), np.eye(2, 3), np.ones((512, 512), bool), 1)
    return replace(nothing, **parts)  # type: ignore[arg-type]


def made_up_mesh() -> np.ndarray:
    """A face 200 px tall around (256, 256): only the points that tell parts are where they belong."""
    points = np.zeros((478, 3), np.float32)
    points[:, :2] = (256, 256)
    angle = np.linspace(0, 2 * np.pi, len(mesh.OVAL), endpoint=False)
    points[mesh.OVAL, 0], points[mesh.OVAL, 1] = 256 + 75 * np.sin(angle), 256 - 100 * np.cos(angle)
    for side, x in (('right', 222.0), ('left', 290.0)):
        table = mesh.EYES[side]  # type: ignore[index]
        for group, y in (
            (table.upper, 234.0),
            (table.lower, 246.0),
            (table.brow_top, 214.0),
            (table.brow_bottom, 220.0),
        ):
            points[group, 0], points[group, 1] = np.linspace(x - 18, x + 18, len(group)), y
    for group, y in ((mesh.UPPER_LIP, 304.0), (mesh.LOWER_LIP, 320.0)):
        points[group, 0], points[group, 1] = np.linspace(228, 284, len(group)), y
    points[mesh.NOSE_BASE, 0], points[mesh.NOSE_BASE, 1] = np.linspace(240, 272, len(mesh.NOSE_BASE)), 282.0
    for side, x in (('right', 242.0), ('left', 270.0)):
        group = mesh.NOSE_WING[side]  # type: ignore[index]
        points[group, 0], points[group, 1] = x, np.linspace(262, 280, len(group))
    points[mesh.NOSE_TIP, :2], points[168, :2] = (256, 275), (256, 236)
    return points


PLACES = {
    'eye': (222, 240), 'brow': (290, 216), 'mouth': (256, 312), 'nose': (256, 278), 'jaw': (256, 356),
    'hair': (256, 130), 'clothes': (256, 470), 'other': (20, 20),
}  # fmt: skip


@pytest.mark.parametrize('label', PLACES)
def test_landmarks_name_strokes(label: str) -> None:
    (placed,) = place_strokes([dash(*PLACES[label])], SIZE, sitter(landmarks=made_up_mesh()))
    assert placed.label == label


def test_eyes_and_mouth_come_before_hair_and_hair_before_clothes() -> None:
    strokes = [dash(*PLACES[label]) for label in ('eye', 'mouth', 'jaw', 'hair', 'clothes', 'other')]
    placed = place_strokes(strokes, SIZE, sitter(landmarks=made_up_mesh()))
    importance = [stroke.importance for stroke in placed]
    assert importance == sorted(importance, reverse=True)
    assert importance[1] > importance[2] > importance[3] > importance[4] > importance[5]


def test_a_face_box_tells_the_parts_when_there_are_no_landmarks() -> None:
    at = sitter(face_box=np.array([180.0, 150.0, 150.0, 200.0]))
    where = {'eye': (230, 230), 'nose': (255, 268), 'mouth': (255, 306), 'hair': (255, 110), 'clothes': (255, 420)}
    placed = place_strokes([dash(*xy) for xy in where.values()], SIZE, at)
    assert [stroke.label for stroke in placed] == list(where)


@pytest.mark.parametrize('at', [None, sitter(), sitter(landmarks=np.full((478, 3), np.nan, np.float32))])
def test_without_a_face_the_middle_matters_most(at: Sitter | None) -> None:
    placed = place_strokes([dash(256, 256), dash(490, 490)], SIZE, at)
    assert [stroke.label for stroke in placed] == ['other', 'other']
    assert placed[0].importance == pytest.approx(0.8, abs=0.01)
    assert placed[1].importance == pytest.approx(0.2, abs=0.02)


def test_named_strokes_keep_their_name_and_importance() -> None:
    stroke = dash(*PLACES['hair'], label='glasses')
    assert place_strokes([stroke], SIZE, sitter(landmarks=made_up_mesh())) == (stroke,)


def test_what_is_not_the_person_is_neither_hair_nor_clothes() -> None:
    matte = np.zeros((512, 512), np.float32)
    matte[:, 150:360] = 1.0
    at = sitter(landmarks=made_up_mesh(), matte=matte)
    placed = place_strokes([dash(400, 180), dash(256, 130), dash(100, 470)], SIZE, at)
    assert [stroke.label for stroke in placed] == ['other', 'hair', 'other']


def test_strokes_outside_the_picture_are_placed_too() -> None:
    (placed,) = place_strokes([dash(-40, 600)], SIZE, sitter(landmarks=made_up_mesh()))
    assert placed.label == 'clothes'


def ranked(strokes: list[Stroke], ink: np.ndarray) -> list[int]:
    """Numbers of strokes, the most important first."""
    importance = [stroke.importance for stroke in gained_importance(strokes, ink)]
    assert sorted(importance, reverse=True) == pytest.approx(1.0 - np.arange(len(strokes)) / len(strokes))
    return np.argsort(importance)[::-1].tolist()


def line(x: float, y: float, length: float, label: str) -> Stroke:
    return Stroke(np.array([[x, y], [x + length, y]]), 1.0, label)


def inked(*strokes: tuple[Stroke, float]) -> np.ndarray:
    ink = np.zeros(SIZE, np.float32)
    for stroke, dark in strokes:
        ink = np.maximum(ink, np.float32(dark) * render_ink([stroke], SIZE))
    return ink


def test_of_like_lines_the_darker_one_brings_a_drawing_nearer_to_its_ink() -> None:
    faint, dark = line(200, 200, 40, 'eye'), line(200, 260, 40, 'eye')
    assert ranked([faint, dark], inked((faint, 0.4), (dark, 1.0))) == [1, 0]


def test_a_feature_comes_before_an_outline_as_dark_and_that_before_clothes() -> None:
    strokes = [line(100, 400, 60, 'clothes'), line(100, 300, 60, 'jaw'), line(100, 200, 60, 'mouth')]
    assert ranked(strokes, inked(*((stroke, 1.0) for stroke in strokes))) == [2, 1, 0]


def test_a_line_that_only_doubles_another_comes_late() -> None:
    brow, again, other = line(200, 200, 60, 'brow'), line(200, 201, 60, 'brow'), line(300, 260, 30, 'jaw')
    assert ranked([brow, again, other], inked((brow, 1.0), (other, 0.9))) == [0, 2, 1]


def test_a_long_line_comes_before_a_speck_that_costs_a_lift_as_well() -> None:
    speck, long = line(200, 200, 5, 'nose'), line(200, 260, 60, 'nose')
    assert ranked([speck, long], inked((speck, 1.0), (long, 1.0))) == [1, 0]


def test_without_strokes_there_is_nothing_to_weigh() -> None:
    assert gained_importance([], np.zeros(SIZE, np.float32)) == ()
