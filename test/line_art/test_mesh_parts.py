"""Eyes, brows, mouths, beards and lenses from landmarks, for artists that think in ink."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from skimage.data import astronaut

from sketch_robot.line_art import mesh_parts
from sketch_robot.line_art.guided import mesh
from sketch_robot.line_art.guided.face import face_of
from sketch_robot.line_art.ink import render_ink
from sketch_robot.line_art.mesh_parts import draw_mesh_parts
from sketch_robot.line_art.student import StudentArtist
from sketch_robot.photo import Photo, SitterFinder
from sketch_robot.photo.sitter import Sitter
from sketch_robot.stroke import Stroke
from sketch_robot.strokes import strokes_from

INK = np.zeros((512, 512), np.float32)


@pytest.fixture(scope='module')
def sitter() -> Iterator[Sitter]:
    finder = SitterFinder()
    yield finder.find(Photo(astronaut()))
    finder.close()


def test_eyes_and_brows_lie_where_the_mesh_has_them(sitter):
    parts = draw_mesh_parts(sitter, INK)
    face = face_of(sitter.landmarks, sitter.crop.shape[:2])
    assert {stroke.label for stroke in parts.strokes} == {'eye', 'brow', 'mouth'}  # no beard on this face
    middle = np.concatenate([stroke.xy for stroke in parts.strokes]).mean(axis=0)
    assert np.hypot(*(middle - face.points[168])) < 0.2 * np.hypot(*(face.points[10] - face.points[152]))


def test_the_area_covers_the_parts_and_little_else(sitter):
    parts = draw_mesh_parts(sitter, INK)
    xy = np.concatenate([stroke.xy for stroke in parts.strokes]).astype(int)
    assert parts.area[xy[:, 1], xy[:, 0]].mean() > 0.95
    assert parts.area.mean() < 0.09


def test_parts_end_at_the_photos_edge(sitter):
    edge = int(sitter.landmarks[mesh.NOSE_TIP, 0])
    cut = sitter.valid.copy()
    cut[:, edge:] = False
    parts = draw_mesh_parts(replace(sitter, valid=cut), INK)
    xy = np.concatenate([stroke.xy for stroke in parts.strokes])
    assert edge - 20 < xy[:, 0].max() < edge + 1
    assert {stroke.label for stroke in parts.strokes} == {'eye', 'brow', 'mouth'}


@pytest.mark.parametrize(('seen', 'labels'), [(True, {'glasses', 'mouth'}), (False, {'eye', 'brow', 'mouth'})])
def test_dark_lenses_hide_the_eyes_where_the_network_saw_them_too(sitter, monkeypatch, seen, labels):
    turn = np.linspace(0, 2 * np.pi, 60)
    eyes = [sitter.landmarks[[33, 133], :2].mean(axis=0), sitter.landmarks[[263, 362], :2].mean(axis=0)]
    rims = [Stroke(eye + 28 * np.stack([np.cos(turn), np.sin(turn)], axis=1), 1.0, 'glasses', 0.9) for eye in eyes]

    def believe(sheet, *_):
        sheet.strokes.extend(rims)
        return 'dark'

    monkeypatch.setattr(mesh_parts, 'draw_glasses', believe)
    parts = draw_mesh_parts(sitter, render_ink(rims, (512, 512)) if seen else INK)
    assert {stroke.label for stroke in parts.strokes} == labels


def test_without_a_mesh_there_are_no_parts(sitter):
    bare = Sitter(sitter.crop, sitter.to_photo, sitter.valid, 1)
    assert draw_mesh_parts(bare, INK) is None


def test_the_students_eyes_are_strokes_and_its_other_lines_are_traced_around_them(sitter):
    student = StudentArtist()
    art = student.draw(sitter)
    assert art.strokes is None
    assert {stroke.label for stroke in art.parts} == {'eye', 'brow', 'mouth'}
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


def test_a_drawn_face_is_left_to_the_network(sitter):
    drawn = replace(sitter, matte=None)  # a mesh was found, but no person: a cartoon
    assert StudentArtist(size_px=256).draw(drawn).parts == ()
