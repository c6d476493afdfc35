"""A network's ink made into lines, by what is known of faces."""

from __future__ import annotations

import numpy as np
import pytest
from skimage.data import astronaut

from sketch_robot.line_art.geometry import mesh
from sketch_robot.line_art.geometry.face import Face, face_of
from sketch_robot.line_art.ink import render_ink
from sketch_robot.line_art.student.face_ink import firm_lines, hair_area, tidy_ink
from sketch_robot.photo import Photo, SitterFinder
from sketch_robot.stroke import Stroke
from sketch_robot.strokes.tracing.trace import trace_ink

SHAPE = (512, 512)
ACROSS = np.array([[30.5, 64.5], [225.5, 64.5]])


@pytest.fixture(scope='module')
def face() -> Face:
    finder = SitterFinder()
    sitter = finder.find(Photo(astronaut()))
    finder.close()
    found = face_of(sitter.landmarks, SHAPE)
    assert found is not None
    return found


def line(*xy: np.ndarray) -> np.ndarray:
    return render_ink([Stroke(np.asarray(points, np.float64)) for points in xy], SHAPE)


def test_a_full_line_stays_full_and_where_it_was() -> None:
    ink = render_ink([Stroke(ACROSS)], (256, 128))
    for hair in (False, True):
        firm = firm_lines(ink, np.full(ink.shape, hair))
        assert firm[64, 50:200].min() > 0.9
        (stroke,) = trace_ink(firm)
        assert np.abs(stroke.xy[:, 1] - 64.5).max() < 0.5


def test_a_chain_of_dashes_on_haze_becomes_one_line() -> None:
    dashes = [Stroke(np.array([[x, 64.5], [x + 9, 64.5]])) for x in range(30, 220, 14)]
    ink = np.maximum(0.25 * render_ink(dashes, (256, 128)), np.float32(0.05))
    firm = firm_lines(ink, np.ones(ink.shape, bool))
    assert max(stroke.length for stroke in trace_ink(firm)) > 150
    assert max((stroke.length for stroke in trace_ink(ink)), default=0.0) < 40


def test_a_grey_smudge_is_not_scribbled_full() -> None:
    smudge = 0.5 * render_ink([Stroke(np.array([[128.0, 64.0], [140.0, 70.0]]), 7.0)], (256, 128))
    line_above = render_ink([Stroke(np.array([[30.0, 20.0], [200.0, 20.0]]))], (256, 128))
    firm = firm_lines(smudge, np.zeros(smudge.shape, bool))
    lengths = [
        sum(stroke.length for stroke in trace_ink(np.maximum(ink, line_above)) if stroke.xy[0, 1] > 40)
        for ink in (smudge, firm)
    ]
    assert lengths[0] > 200
    assert 10 < lengths[1] < 80


def test_blank_paper_stays_blank() -> None:
    assert firm_lines(np.zeros((128, 256), np.float32), np.ones((128, 256), bool)).max() == 0


def test_short_scraps_of_hair_go_and_strands_stay(face: Face) -> None:
    scalp = face.points[mesh.FOREHEAD] - 35 * face.unit * face.down
    scrap, strand = (scalp + face.unit * np.array([[-half], [half]]) * face.right for half in (8, 60))
    strand = strand - 15 * face.unit * face.down
    tidy = tidy_ink(line(scrap, strand), face)
    for place, seen in ((scalp, False), (strand.mean(axis=0), True)):
        x, y = place.astype(int)
        assert (tidy[y - 4 : y + 5, x - 20 : x + 21].max() > 0.5) == seen


def test_hair_is_around_the_face_and_above_the_chin(face: Face) -> None:
    above, ear, below = (
        face.points[i] + face.unit * (right * face.right + down * face.down)
        for i, right, down in ((mesh.FOREHEAD, 0, -40), (mesh.CHEEK_EDGE['left'], 30, 0), (mesh.CHIN, 0, 30))
    )
    spots = np.array([above, ear, below, face.points[151]]).astype(int)
    assert hair_area(face, SHAPE)[spots[:, 1], spots[:, 0]].tolist() == [True, True, False, False]
