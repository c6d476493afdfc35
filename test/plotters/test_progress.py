"""What is left of a drawing: all of it, and ink twice over the overlap only."""

import numpy as np
import pytest
from drawings import A5, length_of, plan_of, plans
from hypothesis import given, settings
from hypothesis import strategies as st

from sketch_robot.motion import DrawingPlan, MachineLimits, Pen, time_plan
from sketch_robot.plotters.progress import OVERLAP_MM, Proven, remaining
from sketch_robot.stroke import Stroke, stroke_from


def proofs_of(plan: DrawingPlan) -> st.SearchStrategy[Proven]:
    def within(strokes: int) -> st.SearchStrategy[Proven]:
        longest = plan.strokes[strokes].length if strokes < len(plan.strokes) else 0.0
        return st.floats(0.0, longest).map(lambda mm: Proven(strokes, mm))

    return st.integers(0, len(plan.strokes)).flatmap(within)


plans_with_proofs = plans.flatmap(lambda plan: st.tuples(st.just(plan), proofs_of(plan)))


@settings(deadline=None)
@given(plans_with_proofs)
def test_what_is_proven_and_the_rest_together_are_the_plan_with_less_than_half_a_millimetre_twice(case):
    plan, proven = case
    rest = remaining(plan, proven).plan
    on_paper = sum(stroke.length for stroke in plan.strokes[: proven.strokes]) + proven.length_mm
    twice = on_paper + rest.ink_mm - plan.ink_mm
    assert -1e-6 <= twice <= OVERLAP_MM + 1e-6 < 0.5
    assert len(rest.strokes) == len(plan.strokes) - proven.strokes
    if rest.strokes:
        first, whole = rest.strokes[0], plan.strokes[proven.strokes]
        assert np.array_equal(first.xy[-1], whole.xy[-1])
        assert plan.ink_mm - on_paper <= rest.ink_mm + 1e-6
    for left, whole in zip(rest.strokes[1:], plan.strokes[proven.strokes + 1 :], strict=True):
        assert left is whole


@settings(deadline=None)
@given(plans_with_proofs)
def test_lengths_of_the_rest_are_told_in_those_of_the_whole_plan(case):
    plan, proven = case
    remainder = remaining(plan, proven)
    for number, stroke in enumerate(remainder.plan.strokes):
        index, length_mm = remainder.in_whole(number, stroke.length)
        assert index == proven.strokes + number
        assert length_mm == pytest.approx(plan.strokes[index].length, abs=1e-6)


def test_the_stroke_in_progress_goes_on_a_little_before_its_last_proven_point():
    rest = remaining(plan_of([[10, 10], [20, 10], [20, 40]], [[50, 50], [60, 50]]), Proven(0, 25.0)).plan
    assert rest.strokes[0].xy.tolist() == [[20.0, 24.6], [20.0, 40.0]]
    assert rest.strokes[1].xy.tolist() == [[50.0, 50.0], [60.0, 50.0]]


def test_a_stroke_of_which_less_than_the_overlap_is_proven_is_drawn_whole():
    plan = plan_of([[10, 10], [20, 10]])
    assert remaining(plan, Proven(0, OVERLAP_MM)).plan is plan


def test_the_times_of_the_rest_are_those_of_its_own_strokes():
    plan = plan_of([[10, 10], [20, 10]], [[50, 50], [60, 50]])
    rest = remaining(plan, Proven(1)).plan
    stroke_s, return_s = time_plan(rest.strokes, plan.profile)
    assert rest.stroke_s.tolist() == stroke_s.tolist()
    assert rest.return_s == return_s
    assert rest.predicted_s < plan.predicted_s


def test_dots_that_are_not_proven_are_left_to_draw():
    plan = plan_of([[10, 10]], [[20, 20]], [[30, 30]])
    assert [stroke.xy.tolist() for stroke in remaining(plan, Proven(1)).plan.strokes] == [
        [[20.0, 20.0]],
        [[30.0, 30.0]],
    ]


def test_pens_that_are_done_with_are_left_out_and_the_others_kept():
    pens = Pen('red', '#ff0000'), Pen('blue', '#0000ff')
    strokes = tuple(
        Stroke(np.array([[10.0, y], [40.0, y]]), pen=pen) for y, pen in ((10, 'red'), (20, 'red'), (30, 'blue'))
    )
    stroke_s, return_s = time_plan(strokes, MachineLimits())
    plan = DrawingPlan(strokes, A5, MachineLimits(), stroke_s, return_s, pens=pens)
    assert remaining(plan, Proven(1)).plan.pens == pens
    assert remaining(plan, Proven(1)).plan.strokes[0].pen == 'red'
    assert remaining(plan, Proven(2, 10.0)).plan.pens == pens[1:]


def test_widths_and_pressure_are_cut_with_the_stroke():
    stroke = Stroke(
        np.array([[0.0, 0.0], [10.0, 0.0], [20.0, 0.0]]),
        half_widths=np.array([1.0, 2.0, 3.0]),
        pressure=np.array([0.0, 0.5, 1.0]),
    )
    rest = stroke_from(stroke, 5.0)
    assert rest.xy.tolist() == [[5.0, 0.0], [10.0, 0.0], [20.0, 0.0]]
    assert rest.half_widths.tolist() == [1.5, 2.0, 3.0]
    assert rest.pressure.tolist() == [0.25, 0.5, 1.0]


def test_a_stroke_can_be_cut_at_its_points_and_beyond_its_end():
    stroke = Stroke(np.array([[0.0, 0.0], [10.0, 0.0], [20.0, 0.0]]))
    assert stroke_from(stroke, 10.0).xy.tolist() == [[10.0, 0.0], [20.0, 0.0]]
    assert stroke_from(stroke, 25.0).xy.tolist() == [[20.0, 0.0]]


@settings(deadline=None)
@given(st.lists(st.tuples(st.floats(0, 100), st.floats(0, 100)), min_size=2, max_size=8), st.floats(0.0, 1.0))
def test_a_stroke_from_a_length_on_is_shorter_by_it(xy, share):
    stroke = Stroke(np.array(xy))
    rest = stroke_from(stroke, share * stroke.length)
    assert length_of(rest.xy) == pytest.approx((1.0 - share) * stroke.length, abs=1e-6)


@pytest.mark.parametrize('proven', [Proven(2), Proven(-1), Proven(0, -1.0)])
def test_more_than_the_plan_has_cannot_be_proven(proven):
    with pytest.raises(ValueError, match='do not fit a plan of 1 strokes'):
        remaining(plan_of([[10, 10], [20, 10]]), proven)
