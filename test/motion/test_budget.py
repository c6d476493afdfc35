"""Time budgets: kept, used, the face first, and nested."""

from __future__ import annotations

from itertools import groupby

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.motion import MachineLimits, budget, load_limits, time_plan
from sketch_robot.motion.budget import (
    LEAST_PIECE_MM,
    check_budget,
    check_precedence,
    hop_time,
    make_row,
    order_in_time,
    within_budget,
)
from sketch_robot.motion.timing import hop_seconds
from sketch_robot.stroke import LABELS, Stroke
from sketch_robot.strokes.ordering.moves import hop_costs
from sketch_robot.strokes.ordering.order import stroke_bands

PROFILE = MachineLimits()
AXES = MachineLimits(axis_speed_mm_s=(150.0, 60.0), axis_accel_mm_s2=(1000.0, 500.0), dwell_step_s=0.05, lift_s=0.12)


@pytest.fixture(autouse=True)
def _hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Search less than usual: what is tested holds for any order found."""
    monkeypatch.setattr(budget, 'TRY_S', 0.001)
    monkeypatch.setattr(budget, 'ORDER_S', 0.005)


def scribble(count: int, seed: int = 0, step_mm: float = 2.0) -> list[Stroke]:
    """Random wavy strokes with all labels on A5, some closed; the importance tells them apart."""
    generator = np.random.default_rng(seed)
    strokes = []
    for importance in generator.permutation(count) / count:
        turns = np.cumsum(generator.normal(0, 0.3, 15))
        steps = generator.exponential(step_mm) * np.column_stack((np.cos(turns), np.sin(turns)))
        xy = generator.uniform((30, 30), (110, 170)) + np.cumsum(steps, axis=0)
        if generator.random() < 0.2:
            xy = np.vstack((xy, xy[0]))
        strokes.append(Stroke(xy, 0.2, str(generator.choice(LABELS)), float(importance)))
    return strokes


def names(strokes: tuple[Stroke, ...]) -> set[float]:
    return {stroke.importance for stroke in strokes}


@given(st.integers(0, 10_000), st.sampled_from([PROFILE, AXES]), st.lists(st.floats(2.0, 40.0), min_size=2, max_size=4))
@settings(max_examples=15, deadline=None)
def test_a_longer_budget_keeps_what_a_shorter_one_kept(seed: int, profile: MachineLimits, budgets: list[float]) -> None:
    strokes = scribble(25, seed)
    kept: dict[float, float] = {}
    for budget_s in sorted(budgets):
        try:
            drawn, seconds = within_budget(strokes, profile, budget_s)
        except SketchRobotError:  # too short for any; then shorter ones were as well
            assert not kept
            continue
        stroke_s, return_s = time_plan(drawn, profile)
        assert seconds == float(np.sum(stroke_s)) + return_s
        assert seconds <= budget_s
        ink_mm = {stroke.importance: stroke.length for stroke in drawn}
        assert all(ink_mm[name] >= mm - 1e-9 for name, mm in kept.items())
        kept = ink_mm


def test_every_quarter_of_a_second_keeps_what_was_kept_before() -> None:
    strokes = scribble(12, 4)
    kept: set[float] = set()
    for budget_s in np.arange(2.5, 9.0, 0.25):
        drawn, _ = within_budget(strokes, PROFILE, float(budget_s), precedence='none')
        assert kept <= names(drawn)
        kept = names(drawn)
    assert len(kept) == 6


@pytest.mark.parametrize('budget_s', [30.0, 60.0])
@pytest.mark.parametrize('seed', range(3))
def test_a_budget_is_used_and_the_face_is_kept_before_the_rest(budget_s: float, seed: int) -> None:
    strokes = scribble(220, seed, 1.5)
    drawn, seconds = within_budget(strokes, PROFILE, budget_s)
    assert len(drawn) < 220
    assert 0.93 * budget_s < seconds <= budget_s
    bands = stroke_bands(strokes)
    kept = [k for k, stroke in enumerate(strokes) if stroke.importance in names(drawn)]
    shares = [np.isin(np.flatnonzero(bands == band), kept).mean() for band in range(3)]
    assert shares == sorted(shares, reverse=True)
    assert shares[0] == 1.0 or shares[1:] == [0.0, 0.0]


@given(st.integers(0, 10_000), st.integers(0, 60))
@settings(max_examples=30, deadline=None)
def test_a_row_holds_every_stroke_once(seed: int, count: int) -> None:
    strokes = scribble(count, seed)
    assert names(make_row(strokes, PROFILE).strokes) == names(tuple(strokes))


def line(length_mm: float, label: str, importance: float) -> Stroke:
    at = 60.0 + 20.0 * importance
    return Stroke(np.array([[20.0, at], [20.0 + length_mm, at]]), label=label, importance=importance)


def test_a_row_goes_by_rank_while_no_stroke_is_long() -> None:
    strokes = [line(30, 'hair', 0.9), line(40, 'eye', 0.1), line(20, 'other', 1.0), line(30, 'mouth', 0.5)]
    assert [stroke.importance for stroke in make_row(strokes, PROFILE).strokes] == [0.5, 0.1, 0.9, 1.0]


def test_what_matters_most_comes_first_even_when_it_takes_long() -> None:
    strokes = [line(250, 'jaw', 0.9), *(line(30, 'eye', 0.8 - 0.01 * k) for k in range(5)), line(30, 'hair', 1.0)]
    assert [stroke.importance for stroke in make_row(strokes, PROFILE).strokes] == [
        0.9,
        0.8,
        0.79,
        0.78,
        0.77,
        0.76,
        1.0,
    ]


SLOW = MachineLimits(draw_speed_mm_s=10.0, travel_speed_mm_s=50.0, lift_s=0.3, drop_s=0.3)


@pytest.mark.parametrize('budget_s', [30.0, 60.0, 120.0])
@pytest.mark.parametrize('seed', range(3))
def test_long_strokes_on_a_slow_machine_are_kept_in_part_to_use_a_budget(budget_s: float, seed: int) -> None:
    strokes = scribble(60, seed, 8.0)  # 11 s of drawing each
    drawn, seconds = within_budget(strokes, SLOW, budget_s)
    assert 0.93 * budget_s < seconds <= budget_s
    whole = {stroke.importance: stroke.length for stroke in strokes}
    cut = [stroke for stroke in drawn if stroke.length < whole[stroke.importance] - 1e-6]
    assert len(cut) <= 1
    assert all(stroke.length >= LEAST_PIECE_MM for stroke in cut)


def test_a_piece_begins_near_what_is_drawn_and_lies_on_its_stroke() -> None:
    strokes = [line(30, 'eye', 0.9), Stroke(np.array([[300.0, 80.0], [52.0, 80.0]]), label='hair', importance=0.1)]
    row = make_row(strokes, SLOW)
    assert row.until(len(row))[1].length == pytest.approx(248.0)
    pieces = [row.until(step)[1] for step in range(1, len(row) + 1) if len(row.until(step)) == 2]
    assert len(pieces) > 5
    for piece in pieces:
        assert piece.xy[0].tolist() == [52.0, 80.0]
        assert piece.label == 'hair'
    lengths_mm = [piece.length for piece in pieces]
    assert lengths_mm == sorted(lengths_mm)
    assert np.diff(lengths_mm) == pytest.approx(np.full(len(pieces) - 1, 248.0 / len(pieces)))


def test_short_strokes_are_never_cut() -> None:
    strokes = scribble(80, 3, 0.3)
    row = make_row(strokes, PROFILE)
    assert len(row) == 80
    assert not row.piece_mm.any()


def test_the_predicted_time_is_that_of_what_is_drawn() -> None:
    strokes = scribble(40, 7)
    drawn, seconds = order_in_time(strokes, AXES)
    stroke_s, return_s = time_plan(drawn, AXES)
    assert seconds == float(np.sum(stroke_s)) + return_s
    assert names(drawn) == names(tuple(strokes))


def test_a_quicker_order_is_found_than_as_the_strokes_come() -> None:
    strokes = scribble(60, 2)
    stroke_s, return_s = time_plan(strokes, PROFILE)
    assert order_in_time(strokes, PROFILE)[1] < 0.8 * (float(np.sum(stroke_s)) + return_s)


def test_pens_stay_together_within_a_budget() -> None:
    strokes = [
        Stroke(stroke.xy, stroke.half_width, stroke.label, stroke.importance, pen='red' if k % 3 else 'black')
        for k, stroke in enumerate(scribble(60, 5))
    ]
    drawn, seconds = within_budget(strokes, PROFILE, 15.0, pens=('red', 'black'))
    pens = [stroke.pen for stroke in drawn]
    assert pens == sorted(pens, reverse=True)
    assert set(pens) == {'red', 'black'}
    assert seconds <= 15.0


@pytest.mark.parametrize('name', ['default', 'axidraw', 'grbl_plotter', 'slow_cnc'])
def test_the_search_counts_hops_as_the_time_model_does(name: str) -> None:
    profile = load_limits(name)
    steps = np.random.default_rng(0).normal(0, 30, (200, 2)) * np.logspace(-3, 1, 200)[:, None]
    seconds = hop_seconds(steps, profile) - profile.stop_s
    assert hop_costs(steps, hop_time(profile).limits()) == pytest.approx(seconds)


def test_a_budget_for_everything_keeps_everything() -> None:
    strokes = scribble(30)
    _, seconds = order_in_time(strokes, PROFILE)
    assert len(within_budget(strokes, PROFILE, 2.0 * seconds)[0]) == 30


@pytest.mark.parametrize('count', [1, 2, 9])
def test_a_budget_too_short_for_the_first_stroke_says_how_long_that_takes(count: int) -> None:
    strokes = scribble(count, 1)
    first = make_row(strokes, PROFILE).strokes[0]
    _, first_s = order_in_time([first], PROFILE)
    with pytest.raises(SketchRobotError) as caught:
        within_budget(strokes, PROFILE, 0.9 * first_s)
    assert caught.value.code is ErrorCode.NOTHING_TO_DRAW
    assert caught.value.message == (
        f'a time budget of {0.9 * first_s:g} s leaves nothing to draw; the least to be drawn takes {first_s:.2f} s'
    )
    assert within_budget(strokes, PROFILE, first_s + 1e-9)[0][0].importance == first.importance


def test_budgets_are_checked() -> None:
    assert check_budget(None) is None
    assert check_budget(0.0) is None
    assert check_budget(12) == 12.0
    with pytest.raises(SketchRobotError, match='a time budget of -1 s is not a length of time'):
        check_budget(-1.0)


def test_precedences_are_checked() -> None:
    check_precedence('strict')
    with pytest.raises(SketchRobotError) as caught:
        check_precedence('hard')
    assert caught.value.code is ErrorCode.BAD_GOAL
    assert caught.value.message == "there is no precedence 'hard'; choose one of: soft, strict, none"


def chart(seed: int) -> list[Stroke]:
    """A chart with its frame and ticks in black, and two curves with round marks in colours, lying on its side."""
    generator = np.random.default_rng(seed)
    frame = np.array([[20.0, 20.0], [180.0, 20.0], [180.0, 120.0], [20.0, 120.0], [20.0, 20.0]])
    ticks = np.linspace(0.0, 1.0, int(generator.integers(5, 30)), endpoint=False)
    lines = [(frame, 'black')]
    lines += [(np.array([[20.0 + 160.0 * t, 20.0], [20.0 + 160.0 * t, 17.0]]), 'black') for t in ticks]
    lines += [(np.array([[20.0, 20.0 + 100.0 * t], [17.0, 20.0 + 100.0 * t]]), 'black') for t in ticks]
    angle = np.linspace(0.0, 2.0 * np.pi, 17)
    mark = np.column_stack((np.cos(angle), np.sin(angle)))
    mark[-1] = mark[0]
    for pen in ('red', 'blue'):
        x = np.linspace(20.0, 180.0, int(generator.integers(3, 60)))
        y = np.clip(70.0 + 20.0 * np.cumsum(generator.normal(0.0, 0.4, len(x))), 20.0, 120.0)
        lines.append((np.column_stack((x, y)), pen))
        lines += [(mark * generator.uniform(0.5, 2.0) + at, pen) for at in zip(x, y, strict=True)]
    return [Stroke(np.column_stack((xy[:, 1], 200.0 - xy[:, 0])), pen=pen) for xy, pen in lines]


@pytest.mark.parametrize('seed', [131, 132, 133])
def test_each_pen_draws_all_of_its_own_before_the_next(seed: int) -> None:
    strokes = chart(seed)  # that of 132 was drawn black, blue, red by a search over all pens at once
    drawn, _ = order_in_time(strokes, PROFILE, seconds=0.01)
    assert [pen for pen, _ in groupby(stroke.pen for stroke in drawn)] == ['black', 'red', 'blue']
    assert len(drawn) == len(strokes)


def test_a_stroke_with_a_pen_that_there_is_not_is_refused() -> None:
    with pytest.raises(ValueError, match="a stroke wants the pen 'blue'; there are 'red', 'black'"):
        order_in_time([Stroke(np.zeros((1, 2)), pen='blue')], PROFILE, pens=['red', 'black'])
