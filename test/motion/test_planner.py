"""Plans: on the page, within the budget, the important strokes first, the same every time."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.motion import MachineLimits, Page, parse_page, time_plan
from sketch_robot.motion import fit as fit_module
from sketch_robot.motion.planner import plan_drawing
from sketch_robot.stroke import LABELS, Stroke

PAGE = parse_page('A5')
PROFILE = MachineLimits()


def scribble(count: int, seed: int = 0) -> list[Stroke]:
    """Random wavy strokes with all labels, all on 512 x 512 pixels."""
    generator = np.random.default_rng(seed)
    strokes = []
    for _ in range(count):
        turns = np.cumsum(generator.normal(0, 0.3, 15))
        step = generator.uniform(1, 8)
        xy = generator.uniform(130, 380, 2) + np.cumsum(step * np.column_stack((np.cos(turns), np.sin(turns))), axis=0)
        stroke = Stroke(xy, 1.0, LABELS[generator.integers(len(LABELS))], float(generator.uniform(0, 1)))
        ends = np.array([other.xy[side] for other in strokes for side in (0, -1)]).reshape(-1, 1, 2)
        if (np.hypot(*np.moveaxis(ends - xy[[0, -1]], 2, 0)) < 3.0).any():
            strokes.append(Stroke(xy[:1], 1.0, stroke.label, stroke.importance))  # a dot: lines that meet are joined
        else:
            strokes.append(stroke)
    return strokes


def test_a_plan_draws_every_stroke_once_inside_the_margins() -> None:
    strokes = scribble(80)
    plan = plan_drawing(strokes, (512, 512), PAGE, PROFILE, artist='guided')
    assert len(plan.strokes) == 80
    assert plan.left_out == 0
    assert plan.artist == 'guided'
    assert sorted(stroke.importance for stroke in plan.strokes) == sorted(stroke.importance for stroke in strokes)
    assert plan.ink_mm == pytest.approx(sum(stroke.length for stroke in strokes) * 128 / 512, rel=1e-2)
    every = np.concatenate([stroke.xy for stroke in plan.strokes])
    left, bottom, right, top = PAGE.drawable_mm
    assert every.min(axis=0) == pytest.approx(np.maximum(every.min(axis=0), (left, bottom)))
    assert every.max(axis=0) == pytest.approx(np.minimum(every.max(axis=0), (right, top)))


def test_its_times_are_those_of_the_time_model() -> None:
    plan = plan_drawing(scribble(30), (512, 512), PAGE, PROFILE)
    stroke_s, return_s = time_plan(plan.strokes, PROFILE)
    assert plan.stroke_s.tolist() == stroke_s.tolist()
    assert plan.return_s == return_s
    assert plan.predicted_s == pytest.approx(float(stroke_s.sum()) + return_s)


def test_the_same_strokes_give_the_same_plan() -> None:
    first, second = (plan_drawing(scribble(60), (512, 512), PAGE, PROFILE, time_budget_s=20) for _ in range(2))
    assert [stroke.xy.tolist() for stroke in first.strokes] == [stroke.xy.tolist() for stroke in second.strokes]


@pytest.mark.parametrize('none', [None, 0, 0.0])
def test_no_budget_leaves_nothing_out(none: float | None) -> None:
    assert len(plan_drawing(scribble(40), (512, 512), PAGE, PROFILE, time_budget_s=none).strokes) == 40


def test_a_budget_that_suffices_changes_nothing() -> None:
    free = plan_drawing(scribble(40), (512, 512), PAGE, PROFILE)
    held = plan_drawing(scribble(40), (512, 512), PAGE, PROFILE, time_budget_s=free.predicted_s)
    assert [stroke.xy.tolist() for stroke in held.strokes] == [stroke.xy.tolist() for stroke in free.strokes]


@given(st.integers(0, 10_000), st.floats(4.0, 60.0))
@settings(max_examples=15, deadline=None)
def test_a_budget_is_kept(seed: int, budget: float) -> None:
    plan = plan_drawing(scribble(60, seed), (512, 512), PAGE, PROFILE, time_budget_s=budget)
    assert plan.predicted_s <= budget
    assert len(plan.strokes) + plan.left_out == 60


@pytest.mark.parametrize('budget', [15.0, 20.0, 30.0])
def test_a_budget_is_used(budget: float) -> None:
    plan = plan_drawing(scribble(100), (512, 512), PAGE, PROFILE, time_budget_s=budget)
    assert plan.left_out > 0
    assert plan.predicted_s > 0.93 * budget


def test_the_face_is_kept_first_and_then_what_is_important() -> None:
    strokes = [
        Stroke(np.array([[100.0, 20.0 * k], [200.0, 20.0 * k]]), label=label, importance=importance)
        for k, (label, importance) in enumerate(
            [('clothes', 1.0), ('hair', 0.9), ('eye', 0.2), ('other', 0.95), ('mouth', 0.5), ('ear', 0.1)], start=1
        )
    ]
    kept = []
    for budget in np.arange(2.4, 6.0, 0.1):
        plan = plan_drawing(strokes, (512, 512), PAGE, PROFILE, time_budget_s=float(budget))
        kept.append(frozenset(stroke.label for stroke in plan.strokes))
    order = ['mouth', 'eye', 'hair', 'ear', 'clothes', 'other']
    assert list(dict.fromkeys(kept)) == [frozenset(order[:n]) for n in range(1, 7)]


def test_more_time_keeps_what_less_time_kept() -> None:
    strokes = scribble(60, seed=3)
    kept = [
        {stroke.importance for stroke in plan_drawing(strokes, (512, 512), PAGE, PROFILE, time_budget_s=b).strokes}
        for b in (6.0, 9.0, 12.0, 18.0, 25.0)
    ]
    assert all(less < more for less, more in zip(kept[:-1], kept[1:], strict=True))


def test_a_budget_too_short_for_anything_says_what_would_do() -> None:
    strokes = [Stroke(np.array([[100.0, 400.0], [200.0, 400.0]])), Stroke(np.array([[100.0, 100.0], [500.0, 100.0]]))]
    with pytest.raises(SketchRobotError) as caught:
        plan_drawing(strokes, (512, 512), PAGE, PROFILE, time_budget_s=0.5)
    assert caught.value.code is ErrorCode.NOTHING_TO_DRAW
    least = plan_drawing(strokes[:1], (512, 512), PAGE, PROFILE).predicted_s
    assert caught.value.message == (
        f'a time budget of 0.5 s leaves nothing to draw; the least to be drawn takes {least:.2f} s'
    )
    assert len(plan_drawing(strokes, (512, 512), PAGE, PROFILE, time_budget_s=least + 1e-9).strokes) == 1


@pytest.mark.parametrize('budget', [-1.0, float('nan'), float('inf'), -float('inf')])
def test_a_budget_that_is_no_time_is_refused(budget: float) -> None:
    with pytest.raises(SketchRobotError) as caught:
        plan_drawing(scribble(3), (512, 512), PAGE, PROFILE, time_budget_s=budget)
    assert caught.value.code is ErrorCode.BAD_GOAL
    assert caught.value.message == (
        f'a time budget of {budget:g} s is not a length of time; give seconds, or 0 for no limit'
    )


def test_no_strokes_are_nothing_to_draw() -> None:
    with pytest.raises(SketchRobotError) as caught:
        plan_drawing([], (512, 512), PAGE, PROFILE)
    assert caught.value.code is ErrorCode.NOTHING_TO_DRAW
    assert caught.value.message == 'the picture gave no strokes; there is nothing to draw'


def test_strokes_beside_the_page_are_nothing_to_draw() -> None:
    with pytest.raises(SketchRobotError) as caught:
        plan_drawing([Stroke(np.array([[-900.0, 0.0], [-800.0, 9.0]]))], (512, 512), PAGE, PROFILE)
    assert caught.value.code is ErrorCode.NOTHING_TO_DRAW
    assert caught.value.message == 'all strokes lie outside the drawable part of the page'


def test_a_stroke_that_leaves_the_page_is_drawn_in_parts() -> None:
    xy = np.array([[250.0, 250.0], [250.0, -600.0], [300.0, -600.0], [300.0, 250.0]])
    plan = plan_drawing([Stroke(xy, label='jaw')], (512, 512), Page(148, 148, 10), PROFILE)
    assert [stroke.label for stroke in plan.strokes] == ['jaw', 'jaw']
    assert plan.ink_mm == pytest.approx(2 * 250 * 128 / 512)


@pytest.mark.parametrize('page', ['A6', 'A5', 'A5 landscape', 'A4', 'A3', '100x300', '55.5x44'])
def test_no_point_of_any_page_lies_outside_its_margins(page: str) -> None:
    plan = plan_drawing(scribble(40, seed=9), (300, 200), parse_page(page), PROFILE)  # some stick out
    left, bottom, right, top = plan.page.drawable_mm
    every = np.concatenate([stroke.xy for stroke in plan.strokes])
    assert (every >= (left, bottom)).all()
    assert (every <= (right, top)).all()


def test_a_dot_is_drawn() -> None:
    plan = plan_drawing([Stroke(np.array([[256.0, 256.0]]))], (512, 512), PAGE, PROFILE)
    assert plan.strokes[0].xy.tolist() == [[74.0, 105.0]]
    assert plan.stroke_s[0] == pytest.approx(np.hypot(74, 105) / 200 + 0.1 + PROFILE.drop_s + PROFILE.lift_s)


def test_planning_leaves_the_strokes_alone() -> None:
    strokes = scribble(10)
    before = [stroke.xy.copy() for stroke in strokes]
    plan_drawing(strokes, (512, 512), PAGE, PROFILE, time_budget_s=5)
    assert all(np.array_equal(stroke.xy, xy) for stroke, xy in zip(strokes, before, strict=True))


def test_more_strokes_than_anyone_draws_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fit_module, 'MOST_STROKES', 20)
    with pytest.raises(SketchRobotError) as caught:
        plan_drawing(scribble(21), (512, 512), PAGE, PROFILE)
    assert caught.value.code is ErrorCode.BAD_PLAN
    assert caught.value.message == 'the drawing has 21 strokes, more than 20; draw it in parts'


@pytest.mark.parametrize('far', [1.1e7, -1e12, 1e308])
def test_a_giant_coordinate_is_refused_with_its_stroke(far: float) -> None:
    with pytest.raises(SketchRobotError) as caught:
        plan_drawing([*scribble(2), Stroke(np.array([[100.0, 100.0], [far, 5.0]]))], (512, 512), PAGE, PROFILE)
    assert caught.value.code is ErrorCode.BAD_PLAN
    assert caught.value.message == f'stroke 2 has a coordinate of {abs(far):.3g}, beyond 1e+07; check its unit'


@given(st.integers(0, 10_000), st.sampled_from(['A6', 'A5 landscape', '90x200']), st.sampled_from([0.0, 8.0, 25.0]))
@settings(max_examples=15, deadline=None)
def test_every_point_of_a_budgeted_plan_lies_inside_the_margins(seed: int, page: str, margin_mm: float) -> None:
    sheet = parse_page(page, margin_mm=margin_mm)
    plan = plan_drawing(scribble(30, seed), (400, 250), sheet, PROFILE, time_budget_s=12.0)  # some stick out
    left, bottom, right, top = sheet.drawable_mm
    every = np.concatenate([stroke.xy for stroke in plan.strokes])
    assert (every >= (left, bottom)).all()
    assert (every <= (right, top)).all()
    assert plan.predicted_s <= 12.0
