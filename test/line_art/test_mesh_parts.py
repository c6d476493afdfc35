"""Eyes, brows and beards from landmarks, for artists that think in ink."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from skimage.data import astronaut

from sketch_robot.line_art.guided.face import face_of
from sketch_robot.line_art.mesh_parts import draw_mesh_parts
from sketch_robot.line_art.student import StudentArtist
from sketch_robot.photo import Photo, SitterFinder
from sketch_robot.photo.sitter import Sitter
from sketch_robot.strokes import strokes_from


@pytest.fixture(scope='module')
def sitter() -> Iterator[Sitter]:
    finder = SitterFinder()
    yield finder.find(Photo(astronaut()))
    finder.close()


def test_eyes_and_brows_lie_where_the_mesh_has_them(sitter):
    parts = draw_mesh_parts(sitter)
    face = face_of(sitter.landmarks, sitter.crop.shape[:2])
    assert {stroke.label for stroke in parts.strokes} == {'eye', 'brow'}  # no beard on this face
    middle = np.concatenate([stroke.xy for stroke in parts.strokes]).mean(axis=0)
    assert np.hypot(*(middle - face.points[168])) < 0.2 * np.hypot(*(face.points[10] - face.points[152]))


def test_the_area_covers_the_parts_and_little_else(sitter):
    parts = draw_mesh_parts(sitter)
    xy = np.concatenate([stroke.xy for stroke in parts.strokes]).astype(int)
    assert parts.area[xy[:, 1], xy[:, 0]].mean() > 0.95
    assert parts.area.mean() < 0.08


def test_without_a_mesh_there_are_no_parts(sitter):
    bare = Sitter(sitter.crop, sitter.to_photo, sitter.valid, 1)
    assert draw_mesh_parts(bare) is None


def test_the_students_eyes_are_strokes_and_its_other_lines_are_traced_around_them(sitter):
    student = StudentArtist()
    art = student.draw(sitter)
    assert art.strokes is None
    assert {stroke.label for stroke in art.parts} == {'eye', 'brow'}
    strokes = strokes_from(art)
    traced = strokes[len(art.parts) :]
    assert [np.array_equal(a.xy, b.xy) for a, b in zip(strokes, art.parts, strict=False)] == [True] * len(art.parts)
    assert len(traced) > 15
    inside = [
        art.parts_area[xy[:, 1], xy[:, 0]].mean() for xy in (stroke.xy.clip(0, 511).astype(int) for stroke in traced)
    ]
    assert max(inside) < 0.6  # no traced stroke is one of an eye's
    assert np.mean(inside) < 0.05


def test_the_network_alone_is_asked_when_parts_are_not_wanted(sitter):
    art = StudentArtist(mesh_parts=False).draw(sitter)
    assert art.parts == ()
    assert art.parts_area is None
