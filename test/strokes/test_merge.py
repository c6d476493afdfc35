"""Merging strokes that continue one another, and hatching drawn back and forth."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sketch_robot.stroke import LABELS, Stroke
from sketch_robot.strokes import render_ink
from sketch_robot.strokes.merge import GAP_PX, join_hatching, merge_strokes


def line(*points: tuple[float, float], **options: object) -> Stroke:
    return Stroke(np.array(points, dtype=float), **{'half_width': 1.0, **options})  # type: ignore[arg-type]


def test_a_line_with_a_small_gap_is_one_stroke() -> None:
    merged = merge_strokes([line((10, 10), (50, 10)), line((54, 10.3), (90, 12))])
    assert [stroke.xy.tolist() for stroke in merged] == [[[10, 10], [50, 10], [54, 10.3], [90, 12]]]


def test_the_direction_of_strokes_does_not_matter() -> None:
    merged = merge_strokes([line((50, 10), (10, 10)), line((90, 12), (54, 10.3))])
    assert len(merged) == 1
    assert {tuple(merged[0].xy[0]), tuple(merged[0].xy[-1])} == {(10, 10), (90, 12)}


@pytest.mark.parametrize(
    'other',
    [
        line((57, 10), (90, 10)),  # too far
        line((53, 10), (53, 60)),  # a corner
        line((50, 14), (90, 14)),  # beside, not in line
        line((54, 10), (20, 13)),  # turns back
        line((54, 10), (90, 10), half_width=4.0),  # another width
        line((54, 10), (90, 10), label='eye'),
        line((54, 10), (90, 10), pen='red'),
    ],
)
def test_what_does_not_continue_stays_apart(other: Stroke) -> None:
    strokes = (line((10, 10), (50, 10)), other)
    assert merge_strokes(strokes) == strokes


@pytest.mark.parametrize('between', [line((52, 0), (52, 40)), line((52, 12), (52, 40)), line((52.0, 10.0))])
def test_no_merge_crosses_or_touches_other_ink(between: Stroke) -> None:
    strokes = (line((10, 10), (50, 10)), line((54, 10), (90, 10)), between)
    assert merge_strokes(strokes) == strokes


def test_a_merge_passes_ink_that_is_clear_of_it() -> None:
    strokes = (line((10, 10), (50, 10)), line((54, 10), (90, 10)), line((52, 14), (52, 40)))
    assert len(merge_strokes(strokes)) == 2


def test_of_two_continuations_the_straighter_is_taken() -> None:
    thin = {'half_width': 0.2}
    bent, straight = line((53, 11.4), (90, 20), **thin), line((53, 10), (90, 10), **thin)
    assert len(merge_strokes([line((10, 10), (50, 10), **thin), bent])) == 1
    merged = merge_strokes([line((10, 10), (50, 10), **thin), bent, straight])
    assert len(merged) == 2
    assert merged[0].xy.tolist() == [[10, 10], [50, 10], [53, 10], [90, 10]]


def test_a_loop_with_a_small_gap_closes() -> None:
    angle = np.linspace(0.08, 2 * np.pi - 0.08, 200)
    ring = Stroke(np.column_stack((50 + 25 * np.cos(angle), 50 + 25 * np.sin(angle))), 1.0)
    (merged,) = merge_strokes([ring])
    assert merged.xy[0].tolist() == merged.xy[-1].tolist()
    assert merged.length == pytest.approx(2 * np.pi * 25, rel=0.01)


def test_widths_come_along() -> None:
    first = line((10, 10), (50, 10), half_widths=np.array([0.5, 1.0]))
    (merged,) = merge_strokes([first, line((53, 10), (90, 10), half_widths=np.array([1.0, 1.5]))])
    assert merged.half_widths is not None
    assert merged.half_widths.tolist() == [0.5, 1.0, 1.0, 1.5]


def hatching(
    count: int = 8, apart: float = 4.0, length: float = 20.0, lean: float = 0.2, **options: object
) -> list[Stroke]:
    """Parallel strokes from left to right, as a brow has them."""
    return [line((20 + apart * k, 50), (20 + apart * k + lean * length, 50 - length), **options) for k in range(count)]


def test_close_hatching_is_drawn_back_and_forth() -> None:
    (zigzag,) = join_hatching(hatching())
    assert len(zigzag.xy) == 16
    added = zigzag.length - sum(stroke.length for stroke in hatching())
    assert added == pytest.approx(7 * 4.0)
    assert np.abs(np.diff(zigzag.xy[1::2, 0])).max() < 9.0


def test_the_added_ink_lies_within_the_bundle() -> None:
    strokes = hatching(12, 3.0)
    (zigzag,) = join_hatching(strokes)
    before = render_ink(strokes, (100, 80), 2.0) > 0.3
    added = (render_ink([zigzag], (100, 80), 2.0) > 0.3) & ~before
    rows, _ = np.nonzero(added)
    assert rows.min() >= 28
    assert rows.max() <= 51
    assert (np.abs(rows - 50) < 2.5).sum() + (np.abs(rows - 30) < 2.5).sum() == len(rows)  # at its edges


@pytest.mark.parametrize(
    'strokes',
    [
        hatching(apart=9.0),  # open hatching: lines between would be seen
        hatching(length=60.0),  # long lines are no hatching
        [line((20 + 4 * k, 50 + 15 * k), (22 + 4 * k, 35 + 15 * k)) for k in range(5)],  # end to end, not side by side
        [line((20, 50), (24, 30)), line((23, 50), (40, 40))],  # not parallel
        [line((20, 50), (24, 30)), line((24, 50), (28, 30), label='brow')],
    ],
)
def test_what_is_no_bundle_stays_apart(strokes: list[Stroke]) -> None:
    assert join_hatching(strokes) == tuple(strokes)


def test_hatching_does_not_run_through_a_line_between() -> None:
    strokes = [*hatching(2), line((22, 60), (26.5, 20), label='jaw')]
    assert join_hatching(strokes) == tuple(strokes)


near = st.floats(0.0, 40.0).map(lambda value: round(value, 1))
strokes_lists = st.lists(
    st.builds(
        lambda points, label: Stroke(np.array(points), 0.8, label),
        st.lists(st.tuples(near, near), min_size=1, max_size=4),
        st.sampled_from(LABELS[:2]),
    ),
    max_size=14,
)


@given(strokes_lists)
@settings(max_examples=60, deadline=None)
def test_all_ink_stays_and_little_is_added(strokes: list[Stroke]) -> None:
    for work, widest in ((merge_strokes, GAP_PX), (join_hatching, 2.5 + 4.0 * 0.8)):
        result = work(strokes)
        assert len(result) <= len(strokes)
        added = sum(s.length for s in result) - sum(s.length for s in strokes)
        assert -1e-6 <= added <= widest * max(len(strokes), 1) + 1e-6
        before = {tuple(point) for stroke in strokes for point in stroke.xy.tolist()}
        assert {tuple(point) for stroke in result for point in stroke.xy.tolist()} == before


def test_nothing_gives_nothing() -> None:
    assert merge_strokes([]) == ()
    assert join_hatching([]) == ()
