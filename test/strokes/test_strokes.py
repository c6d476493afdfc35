"""Strokes as values: cleaning, ranking, taking them from line art, drawing them for a preview."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sketch_robot.line_art.art import FaceArt, LineArt
from sketch_robot.line_art.geometry import mesh
from sketch_robot.photo import Sitter
from sketch_robot.strokes import LABELS, Stroke, drop_specks, rank_strokes, render_ink, strokes_from
from sketch_robot.strokes.caricature import mean_face
from sketch_robot.strokes.importance import placed_importance, traced_importance
from sketch_robot.wishes import DETAILS, Wishes


def segment(length: float, **options: object) -> Stroke:
    return Stroke(np.array([[20.0, 20.0], [20.0 + length, 20.0]]), **options)  # type: ignore[arg-type]


def test_short_lines_are_dropped_and_dots_stay() -> None:
    dot = Stroke(np.array([[5.0, 5.0]]))
    strokes = [segment(1.9), segment(2.0), dot, segment(30.0)]
    assert drop_specks(strokes) == (strokes[1], dot, strokes[3])
    assert drop_specks(strokes, min_length_px=10.0) == (dot, strokes[3])
    assert drop_specks(strokes, min_length_px=0.0) == tuple(strokes)


def test_repeated_points_are_taken_out() -> None:
    stroke = Stroke(np.array([[0.0, 0.0], [0.0, 0.0], [9.0, 0.0], [9.0, 0.0], [0.0, 0.0]]), 1.5, 'jaw', 0.25)
    (clean,) = drop_specks([stroke])
    assert clean.xy.tolist() == [[0, 0], [9, 0], [0, 0]]
    assert (clean.half_width, clean.label, clean.importance) == (1.5, 'jaw', 0.25)


def test_a_stroke_that_never_moves_is_a_dot() -> None:
    (dot,) = drop_specks([Stroke(np.array([[3.0, 4.0], [3.0, 4.0]]))])
    assert dot.xy.tolist() == [[3.0, 4.0]]


def test_the_face_ranks_before_hair_and_hair_before_clothes() -> None:
    strokes = [segment(9, label=label, importance=0.5) for label in ('clothes', 'hair', 'eye', 'other', 'ear', 'jaw')]
    assert rank_strokes(strokes).tolist() == [2, 5, 1, 4, 0, 3]


def test_within_a_band_importance_ranks() -> None:
    labels = ('eye', 'mouth', 'brow', 'hair', 'ear')
    strokes = [segment(9, label=label, importance=k / 10) for k, label in enumerate(labels)]
    assert rank_strokes(strokes).tolist() == [2, 1, 0, 4, 3]


@given(st.lists(st.tuples(st.sampled_from(LABELS), st.sampled_from([0.0, 0.3, 1.0])), max_size=12))
def test_a_ranking_is_a_permutation_and_equals_keep_their_order(kinds: list[tuple[str, float]]) -> None:
    ranked = rank_strokes([segment(9, label=label, importance=importance) for label, importance in kinds]).tolist()
    assert sorted(ranked) == list(range(len(kinds)))
    for earlier, later in zip(ranked[:-1], ranked[1:], strict=True):
        assert kinds[earlier] != kinds[later] or earlier < later


def test_longer_and_darker_lines_matter_more() -> None:
    assert traced_importance(10, 0.9) < traced_importance(30, 0.9) < traced_importance(300, 0.9) <= 0.9
    assert traced_importance(50, 0.4) < traced_importance(50, 0.8)
    assert traced_importance(0, 1.0) == pytest.approx(0.2)


def test_the_middle_of_the_picture_matters_more() -> None:
    at = [Stroke(np.array([[x, 250.0], [x, 262.0]]), importance=0.8) for x in (256.0, 320.0, 500.0)]
    weights = [stroke.importance / 0.8 for stroke in placed_importance(at, (512, 512))]
    assert weights[0] == pytest.approx(1.0, abs=0.01)
    assert weights[0] > weights[1] > weights[2]
    assert weights[2] == pytest.approx(0.25, abs=0.05)


def test_an_artists_strokes_are_taken_as_they_are() -> None:
    strokes = (segment(40, label='eye', importance=0.9), segment(0.5, label='hair'), segment(30, label='jaw'))
    art = LineArt(np.zeros((64, 64), np.float32), 'guided', strokes)
    assert strokes_from(art) == (strokes[0], strokes[2])


def test_an_artist_that_drew_nothing_is_not_traced() -> None:
    art = LineArt(render_ink([segment(40)], (64, 64)), 'guided', ())
    assert strokes_from(art) == ()


def test_ink_without_strokes_is_traced() -> None:
    art = LineArt(render_ink([segment(30)], (64, 64)), 'student')
    (stroke,) = strokes_from(art)
    assert stroke.label == 'other'
    assert stroke.length == pytest.approx(30.0, abs=1.5)
    assert np.abs(stroke.xy[:, 1] - 20.0).max() < 0.1
    assert 0.2 < stroke.importance < 1.0


def test_blank_line_art_has_no_strokes() -> None:
    assert strokes_from(LineArt(np.zeros((64, 64), np.float32), 'student')) == ()


def faint_and_dark() -> LineArt:
    """Six lines, each fainter and shorter than the one before."""
    ink = np.zeros((64, 64), np.float32)
    for k, darkness in enumerate((1.0, 0.8, 0.6, 0.45, 0.36, 0.3)):
        ink[8 + 9 * k, 5 : 60 - 10 * k] = darkness
    return LineArt(ink, 'student')


def test_few_lines_are_the_important_ones_and_many_are_fainter_ones_besides() -> None:
    few, normal, many = (strokes_from(faint_and_dark(), None, Wishes(detail)) for detail in DETAILS)
    assert 0 < len(few) < len(normal) < len(many)
    rows = [{round(float(stroke.xy[0, 1]) / 9.0) for stroke in drawn} for drawn in (few, normal, many)]
    assert rows[0] < rows[1] < rows[2]


def _art_around_a_face(hair: tuple[Stroke, ...]) -> LineArt:
    ink = np.zeros((512, 512), np.float32)
    area = np.zeros((512, 512), bool)
    area[200:310, 200:310] = True
    face = FaceArt(np.zeros((512, 512), np.float32), area, np.array([[0.2, 0.0, 205.0], [0.0, 0.2, 205.0]]))
    return LineArt(ink, 'test', hair, face)


def _lock(number: int, length_px: float) -> Stroke:
    y = 20.0 + 8.0 * number
    return Stroke(np.array([[40.0, y], [40.0 + length_px, y]]), 1.0, label='hair')


def test_where_there_is_little_hair_smaller_locks_are_drawn_and_none_else() -> None:
    long_ones, short_ones = [_lock(k, 300.0) for k in range(8)], [_lock(10 + k, 60.0) for k in range(8)]
    bald = strokes_from(_art_around_a_face((_lock(0, 300.0), *short_ones)))
    long_haired = strokes_from(_art_around_a_face((*long_ones, *short_ones)))
    assert len(bald) == 9
    assert len(long_haired) == 8
    specks = [_lock(10 + k, 12.0) for k in range(8)]
    assert len(strokes_from(_art_around_a_face((_lock(0, 300.0), *specks)))) == 1


def test_nothing_wished_changes_nothing() -> None:
    usual, wished = strokes_from(faint_and_dark()), strokes_from(faint_and_dark(), None, Wishes())
    assert [stroke.xy.tolist() for stroke in usual] == [stroke.xy.tolist() for stroke in wished]


def test_an_artist_s_own_strokes_meet_a_sitter_s_wishes_as_well() -> None:
    marks = (100.0 * mean_face() + (256.0, 270.0, 0.0)).astype(np.float32)
    lips = mesh.UPPER_LIP + mesh.LOWER_LIP + mesh.UPPER_INSIDE + mesh.LOWER_INSIDE
    marks[lips, 0] = 256.0 + 1.5 * (marks[lips, 0] - 256.0)
    sitter = Sitter(np.zeros((512, 512, 3), np.uint8), np.eye(2, 3), np.ones((512, 512), bool), 1, landmarks=marks)
    fold = Stroke(marks[[108, 151, 337], :2].astype(float), label='other')
    smile = Stroke(marks[list(mesh.MOUTH_CORNERS), :2].astype(float), label='mouth')
    art = LineArt(np.zeros((512, 512), np.float32), 'guided', (fold, smile))
    (drawn,) = strokes_from(art, sitter, Wishes(age_lines=0.0, caricature=0.5))
    assert drawn.label == 'mouth'
    assert drawn.xy[0, 0] < smile.xy[0, 0] - 3.0


@pytest.mark.parametrize('width', [1.0, 2.0, 5.0])
def test_a_rendered_line_has_its_width_and_place(width: float) -> None:
    ink = render_ink([Stroke(np.array([[10.0, 32.0], [50.0, 32.0]]))], (64, 48), width)
    assert (ink.shape, ink.dtype) == ((48, 64), np.float32)
    column = ink[:, 30]
    assert column.sum() == pytest.approx(width, abs=0.3)
    assert (column * (np.arange(48) + 0.5)).sum() / column.sum() == pytest.approx(32.0, abs=0.13)
    assert ink[:, :7].sum() == 0.0  # a round end reaches half a width further
    assert ink.max() <= 1.0


def test_a_rendered_dot_is_round() -> None:
    ink = render_ink([Stroke(np.array([[20.0, 30.0]]))], (40, 60), 6.0)
    assert ink.sum() == pytest.approx(np.pi * 9, rel=0.1)
    rows, columns = np.nonzero(ink > 0.5)
    assert (rows.mean() + 0.5, columns.mean() + 0.5) == pytest.approx((30.0, 20.0), abs=0.2)


def test_what_lies_outside_the_picture_is_not_seen() -> None:
    far = Stroke(np.array([[-1e7, 10.0], [1e7, 10.0]]))
    ink = render_ink([far, Stroke(np.array([[1e9, 1e9]]))], (40, 40))
    assert ink[9:11].min() == pytest.approx(1.0, abs=0.1)
    assert ink[:8].sum() + ink[12:].sum() == 0.0


@pytest.mark.parametrize(('size', 'width'), [((0, 10), 2.0), ((10, -1), 2.0), ((10, 10), 0.0), ((10, 10), np.nan)])
def test_a_preview_needs_a_size(size: tuple[int, int], width: float) -> None:
    with pytest.raises(ValueError, match='cannot draw on'):
        render_ink([], size, width)
