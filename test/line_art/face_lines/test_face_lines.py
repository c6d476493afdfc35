"""A face is drawn as its close-up shows it: on the photo of Eileen Collins that scikit-image ships."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
from skimage.data import astronaut

from sketch_robot.line_art.art import LineArt
from sketch_robot.line_art.face_lines.ink import draw_face, ink_quality
from sketch_robot.line_art.geometry import mesh
from sketch_robot.photo import Photo, Sitter, SitterFinder
from sketch_robot.strokes import render_ink, strokes_from


@pytest.fixture(scope='module')
def sitter() -> Sitter:
    with SitterFinder() as finder:
        return finder.find(Photo(astronaut()))


def _mean_near(ink: np.ndarray, xy: np.ndarray, reach: float) -> float:
    y, x = np.indices(ink.shape) + 0.5
    near = np.hypot(x[..., None] - xy[:, 0], y[..., None] - xy[:, 1]).min(axis=2) < reach
    return float(ink[near].mean())


def test_irises_and_the_line_between_the_lips_are_dark_and_cheeks_are_paper(sitter):
    face = draw_face(sitter.close_up)
    points = sitter.close_up.landmarks[:, :2].astype(float)
    for side in mesh.SIDES:
        assert _mean_near(face.ink, points[[mesh.EYES[side].iris]], 9.0) > 0.3
    assert _mean_near(face.ink, points[[205, 425]], 8.0) < 0.05


def test_both_irises_are_drawn_alike(sitter):
    face = draw_face(sitter.close_up)
    points = sitter.close_up.landmarks[:, :2].astype(float)
    dark = [_mean_near(face.ink, points[[mesh.EYES[side].iris]], 8.0) for side in mesh.SIDES]
    assert dark[0] == pytest.approx(dark[1], abs=0.3)


def test_nothing_is_drawn_beyond_the_face(sitter):
    face = draw_face(sitter.close_up)
    assert face.ink[~face.area].max() == 0.0


def test_a_blurred_photo_shows_no_face_to_draw(sitter):
    blurred = replace(sitter.close_up, rgb=cv2.GaussianBlur(sitter.close_up.rgb, (0, 0), 40))
    assert draw_face(blurred) is None
    assert draw_face(None) is None


def test_a_clear_frontal_face_is_a_better_label_than_none(sitter):
    ink = draw_face(sitter.close_up).ink
    assert ink_quality(sitter.close_up, ink) > 0.4
    assert ink_quality(sitter.close_up, np.zeros_like(ink)) == 0.0


def test_head_and_face_meet_without_drawing_a_line_twice(sitter):
    face = draw_face(sitter.close_up)
    ink, _ = face.on((512, 512))
    head = LineArt(ink, 'test', face=face)  # the head's ink shows the very same face
    alone = strokes_from(LineArt(np.zeros_like(ink), 'test', face=face), sitter)
    both = strokes_from(head, sitter)
    added = render_ink(both, (512, 512), 2.0).sum() - render_ink(alone, (512, 512), 2.0).sum()
    assert added < 0.1 * render_ink(alone, (512, 512), 2.0).sum()


def test_strokes_of_a_face_are_named_and_dark_ones_weigh_more(sitter):
    face = draw_face(sitter.close_up)
    strokes = strokes_from(LineArt(face.on((512, 512))[0], 'test', face=face), sitter)
    assert {'eye', 'brow', 'mouth'} <= {stroke.label for stroke in strokes}
    assert max(s.importance for s in strokes if s.filled) > np.median([s.importance for s in strokes if not s.filled])
