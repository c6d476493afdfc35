"""Joining strokes whose ends the pen covers anyway."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sketch_robot.motion import MachineLimits
from sketch_robot.motion.planner import join_strokes
from sketch_robot.stroke import LABELS, Stroke

PROFILE = MachineLimits(pen_width_mm=0.5)


def line(*points: tuple[float, float], **options: object) -> Stroke:
    return Stroke(np.array(points, dtype=float), **options)  # type: ignore[arg-type]


def test_ends_within_a_pens_width_are_joined_whatever_the_turn() -> None:
    strokes = [line((0, 0), (10, 0)), line((10.3, 0.2), (10.3, 9)), line((30, 0), (10.4, 9.3))]
    (joined,) = join_strokes(strokes, PROFILE)
    assert joined.xy.tolist() == [[0, 0], [10, 0], [10.3, 0.2], [10.3, 9], [10.4, 9.3], [30, 0]]


def test_wider_gaps_and_ends_at_the_middle_of_a_line_are_not() -> None:
    strokes = [line((0, 0), (10, 0)), line((10.6, 0), (20, 0)), line((5, 0), (5, 9))]
    assert join_strokes(strokes, PROFILE) == tuple(strokes)


def test_of_several_ends_the_straightest_goes_on() -> None:
    strokes = [line((0, 0), (10, 0)), line((10.1, 0), (10.1, 9)), line((10.1, 0), (20, 0))]
    joined = join_strokes(strokes, PROFILE)
    assert len(joined) == 2
    assert joined[0].xy.tolist() == [[0, 0], [10, 0], [10.1, 0], [20, 0]]
    assert joined[1] is strokes[1]


@pytest.mark.parametrize('other', [{'label': 'eye'}, {'pen': 'red'}])
def test_labels_and_pens_stay_apart(other: dict[str, str]) -> None:
    strokes = [line((0, 0), (10, 0)), line((10, 0), (20, 0), **other)]
    assert join_strokes(strokes, PROFILE) == tuple(strokes)


def test_dots_and_rings_are_left_alone() -> None:
    strokes = [line((0, 0)), line((0, 0), (10, 0), (5, 5), (0, 0)), line((0, 0), (-10, 0))]
    assert join_strokes(strokes, PROFILE) == tuple(strokes)


def test_two_halves_of_a_ring_become_one_stroke_with_two_ends() -> None:
    halves = (line((0, 0), (5, 5), (10, 0)), line((10, 0), (5, -5), (0, 0)))
    joined = join_strokes(halves, PROFILE)
    assert len(joined) == 1
    assert joined[0].xy[0].tolist() == joined[0].xy[-1].tolist()
    assert segments(joined) == segments(halves)


def test_values_of_a_joined_stroke_are_means_by_length() -> None:
    strokes = [
        line((0, 0), (30, 0), half_width=0.2, importance=0.4, half_widths=np.array([0.1, 0.3])),
        line((30, 0), (40, 0), half_width=0.6, importance=0.8),
    ]
    (joined,) = join_strokes(strokes, PROFILE)
    assert joined.half_width == pytest.approx(0.3)
    assert joined.importance == pytest.approx(0.5)
    assert joined.half_widths is not None
    assert joined.half_widths.tolist() == [0.1, 0.3, 0.6]


def test_pressure_is_kept_only_where_all_have_it() -> None:
    pressed = line((0, 0), (30, 0), pressure=np.array([0.1, 0.3]))
    assert join_strokes([pressed, line((30, 0), (40, 0))], PROFILE)[0].pressure is None
    (both,) = join_strokes([pressed, line((30, 0), (40, 0), pressure=np.array([0.5, 0.7]))], PROFILE)
    assert both.pressure is not None
    assert both.pressure.tolist() == [0.1, 0.3, 0.7]


near = st.integers(0, 12).map(float)
strokes_lists = st.lists(
    st.builds(
        lambda points, label: Stroke(np.array(points), label=label),
        st.lists(st.tuples(near, near), min_size=1, max_size=4),
        st.sampled_from(LABELS[:2]),
    ),
    max_size=14,
)


def segments(strokes: tuple[Stroke, ...]) -> list[tuple[tuple[float, ...], ...]]:
    """All pieces of line longer than a gap, either way round the same."""
    pieces = [tuple(sorted(map(tuple, pair))) for s in strokes for pair in zip(s.xy[:-1], s.xy[1:], strict=True)]
    return sorted(piece for piece in pieces if piece[0] != piece[1])


@given(strokes_lists)
@settings(max_examples=80, deadline=None)
def test_no_line_is_lost_or_invented_where_ends_touch(strokes: list[Stroke]) -> None:
    joined = join_strokes(strokes, PROFILE, gap_mm=0.0)
    assert segments(joined) == segments(tuple(strokes))
    assert len(joined) <= len(strokes)
    assert join_strokes(joined, PROFILE, gap_mm=0.0) == joined


@given(strokes_lists, st.floats(0.0, 3.0))
@settings(max_examples=60, deadline=None)
def test_added_line_is_at_most_a_gap_for_each_stroke_saved(strokes: list[Stroke], gap: float) -> None:
    joined = join_strokes(strokes, PROFILE, gap_mm=gap)
    added = sum(s.length for s in joined) - sum(s.length for s in strokes)
    assert -1e-9 <= added <= gap * (len(strokes) - len(joined)) + 1e-9


@pytest.mark.parametrize('gap', [-1.0, float('nan'), float('inf')])
def test_a_gap_is_a_length(gap: float) -> None:
    with pytest.raises(ValueError, match='is not a length'):
        join_strokes([line((0, 0), (1, 1))], PROFILE, gap_mm=gap)
