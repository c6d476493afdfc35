"""Drawings of several pens: each pen's strokes in one run, the way home in between, budgets over all of them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.motion import MachineLimits, Pen, parse_page, time_plan
from sketch_robot.motion.plan import name_pens
from sketch_robot.motion.planner import plan_drawing
from sketch_robot.stroke import Stroke

PAGE, PROFILE = parse_page('A5'), MachineLimits(pen_width_mm=0.4)
BLACK, RED = Pen('black', '#000000', 0.3), Pen('red', '#c81e28', 0.8)
LINE = np.array([[100.0, 100.0], [200.0, 100.0]])


def scribble(count: int, seed: int = 0, names: tuple[str, ...] = ('red', 'black')) -> list[Stroke]:
    """Short lines all over 512 x 512 pixels, of random pens and importances."""
    generator = np.random.default_rng(seed)
    begins, ends = generator.uniform(20, 490, (count, 2)), generator.uniform(-20, 20, (count, 2))
    return [
        Stroke(np.array([begin, begin + end]), importance=float(k), pen=str(generator.choice(names)))
        for begin, end, k in zip(begins, ends, generator.uniform(0, 1, count), strict=True)
    ]


def test_each_pen_draws_in_one_run_in_the_order_given() -> None:
    plan = plan_drawing(scribble(40), (512, 512), PAGE, PROFILE, pens=(BLACK, RED))
    pens = [stroke.pen for stroke in plan.strokes]
    assert pens == sorted(pens)  # black before red
    assert plan.pens == (BLACK, RED)
    other = plan_drawing(scribble(40), (512, 512), PAGE, PROFILE, pens=(RED, BLACK))
    assert other.pens == (RED, BLACK)
    assert other.strokes[0].pen == 'red'


def test_every_stroke_keeps_its_pen() -> None:
    strokes = scribble(40)
    plan = plan_drawing(strokes, (512, 512), PAGE, PROFILE, pens=(BLACK, RED))
    assert {stroke.importance: stroke.pen for stroke in plan.strokes} == {s.importance: s.pen for s in strokes}


def test_two_layers_take_as_long_as_one_drawing_after_the_other() -> None:
    plan = plan_drawing(scribble(30), (512, 512), PAGE, PROFILE, pens=(BLACK, RED))
    layers = [[s for s in plan.strokes if s.pen == pen.name] for pen in plan.pens]
    alone_s = [float(np.sum(stroke_s)) + return_s for stroke_s, return_s in (time_plan(one, PROFILE) for one in layers)]
    assert plan.predicted_s == pytest.approx(sum(alone_s))
    home = np.zeros(2)
    ways = [np.vstack((home, *(s.xy[[0, -1]] for s in one), home)) for one in layers]
    assert plan.travel_mm == pytest.approx(sum(np.hypot(*(way[1::2] - way[::2]).T).sum() for way in ways))


@given(st.integers(0, 1000), st.floats(6.0, 20.0))
@settings(max_examples=10, deadline=None)
def test_a_budget_holds_over_all_layers(seed: int, budget_s: float) -> None:
    plan = plan_drawing(scribble(50, seed), (512, 512), PAGE, PROFILE, pens=(BLACK, RED), time_budget_s=budget_s)
    assert plan.predicted_s <= budget_s
    stroke_s, return_s = time_plan(plan.strokes, PROFILE)
    assert plan.predicted_s == pytest.approx(float(np.sum(stroke_s)) + return_s)


def test_a_pen_that_no_stroke_is_left_for_is_not_asked_for() -> None:
    strokes = [Stroke(LINE, label='eye', pen='red'), Stroke(LINE + 200.0, importance=0.0, pen='black')]
    least_s = plan_drawing(strokes[:1], (512, 512), PAGE, PROFILE).predicted_s
    plan = plan_drawing(strokes, (512, 512), PAGE, PROFILE, pens=(BLACK, RED), time_budget_s=least_s + 0.1)
    assert plan.pens == (RED,)
    assert plan.left_out == 1


def test_lines_of_different_pens_are_not_joined() -> None:
    strokes = [Stroke(LINE, pen='red'), Stroke(LINE + np.array([100.5, 0.0]), pen='black')]
    assert len(plan_drawing(strokes, (512, 512), PAGE, PROFILE).strokes) == 2


def test_pens_that_only_strokes_name_are_black_and_as_wide_as_the_machine_says() -> None:
    _, pens = name_pens([Stroke(LINE, pen='b'), Stroke(LINE, pen='a'), Stroke(LINE, pen='b')], (), width_mm=0.4)
    assert pens == (Pen('b', '#000000', 0.4), Pen('a', '#000000', 0.4))


def test_strokes_without_a_pen_are_drawn_by_the_first() -> None:
    strokes, pens = name_pens([Stroke(LINE), Stroke(LINE, pen='red')], (BLACK, RED), width_mm=0.4)
    assert [stroke.pen for stroke in strokes] == ['black', 'red']
    assert pens == (BLACK, RED)
    strokes, pens = name_pens([Stroke(LINE)], (RED, BLACK), width_mm=0.4)
    assert ([stroke.pen for stroke in strokes], pens) == (['red'], (RED,))


def test_one_pen_needs_no_name() -> None:
    strokes, pens = name_pens([Stroke(LINE)], (), width_mm=0.4)
    assert ([stroke.pen for stroke in strokes], pens) == ([''], ())


@pytest.mark.parametrize(
    ('pens', 'message'),
    [
        ((BLACK,), "a stroke wants the pen 'red', and there are only: black"),
        ((RED, RED), 'two pens have one name: red, red'),
    ],
)
def test_pens_that_do_not_fit_the_strokes_are_refused(pens: tuple[Pen, ...], message: str) -> None:
    with pytest.raises(SketchRobotError) as caught:
        plan_drawing([Stroke(LINE, pen='red')], (512, 512), PAGE, PROFILE, pens=pens)
    assert caught.value.code is ErrorCode.BAD_GOAL
    assert caught.value.message == message
