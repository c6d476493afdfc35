"""The picture of a plan: ink where the pen goes, coloured by when, travel between, and what it all amounts to."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.motion import DrawingPlan, MachineLimits, Page, Pen, time_plan
from sketch_robot.plotters.plan_picture import plan_picture, save_plan_picture
from sketch_robot.stroke import Stroke

PROFILE = MachineLimits(pen_width_mm=1.0)
FIRST, LAST = np.array([[30.0, 80.0], [90.0, 80.0]]), np.array([[90.0, 30.0], [30.0, 30.0]])


def plan_of(*drawn: Stroke, pens: tuple[Pen, ...] = ()) -> DrawingPlan:
    return DrawingPlan(drawn, Page(120.0, 120.0, 10.0), PROFILE, *time_plan(drawn, PROFILE), pens=pens)


def at(picture: np.ndarray, x_mm: float, y_mm: float) -> np.ndarray:
    """The colour of a place on the page, at 10 px/mm."""
    return picture[round((6.0 + 120.0 - y_mm) * 10), round((6.0 + x_mm) * 10)].astype(int)


def is_like(colour: np.ndarray, wanted: tuple[int, int, int]) -> bool:
    return bool(np.abs(colour - wanted).max() < 40)


def ink_across(picture: np.ndarray, x_mm: float, y_mm: float) -> int:
    """How many pixels of a column about a place are not paper, at 10 px/mm."""
    column = picture[round((6.0 + 120.0 - y_mm) * 10) - 40 :, round((6.0 + x_mm) * 10)][:80].astype(int)
    return int((column.min(axis=1) < 245).sum())


def test_ink_is_where_strokes_are_and_goes_from_blue_to_orange() -> None:
    picture = plan_picture(plan_of(Stroke(FIRST), Stroke(LAST)), px_per_mm=10.0)
    early, late = at(picture, 60.0, 80.0), at(picture, 60.0, 30.0)
    assert is_like(early, (13, 8, 135))
    assert late[0] > early[0] + 80  # redder
    assert is_like(at(picture, 60.0, 79.6), (13, 8, 135))  # a millimetre wide
    assert at(picture, 60.0, 81.0).tolist() == [255, 255, 255]


def test_travel_is_pale_and_leads_from_home_and_back() -> None:
    picture = plan_picture(plan_of(Stroke(FIRST), Stroke(LAST)), px_per_mm=10.0)
    for x, y in ((15.0, 40.0), (90.0, 55.0), (20.0, 20.0)):
        assert is_like(at(picture, x, y), (150, 190, 235)), (x, y)
    assert at(picture, 50.0, 55.0).tolist() == [255, 255, 255]


def test_with_two_pens_travel_leads_home_between_them() -> None:
    pens = (Pen('black'), Pen('red', '#ff0000'))
    picture = plan_picture(plan_of(Stroke(FIRST, pen='black'), Stroke(LAST, pen='red'), pens=pens), px_per_mm=10.0)
    assert at(picture, 90.0, 55.0).tolist() == [255, 255, 255]
    assert is_like(at(picture, 45.0, 40.0), (150, 190, 235))  # from the first line's end
    assert is_like(at(picture, 45.0, 15.0), (150, 190, 235))  # to the second's beginning


def test_ink_is_as_wide_as_its_pen_or_its_pressure_makes_it() -> None:
    pens = (Pen('fine', width_mm=0.6), Pen('broad', '#c81e28', 3.0))
    two = plan_picture(plan_of(Stroke(FIRST, pen='fine'), Stroke(LAST, pen='broad'), pens=pens), px_per_mm=10.0)
    assert (ink_across(two, 60.0, 80.0), ink_across(two, 60.0, 30.0)) == (6, 30)
    brush = MachineLimits(lightest_mm=1.0, firmest_mm=5.0)
    stroke = Stroke(FIRST, pressure=np.array([0.0, 1.0]))
    picture = plan_picture(
        DrawingPlan((stroke,), Page(120.0, 120.0), brush, *time_plan((stroke,), brush)), px_per_mm=10
    )
    assert [ink_across(picture, x, 80.0) for x in (45.0, 60.0, 75.0)] == [20, 30, 40]


def test_the_legend_says_when_each_pen_draws() -> None:
    pens = (Pen('black'), Pen('red', '#ff0000'))
    plan = plan_of(Stroke(FIRST, pen='black'), Stroke(LAST, pen='red'), pens=pens)
    picture = plan_picture(plan, px_per_mm=10.0)
    strip = picture[round((2 * 6.0 + 120.0 + 2.9) * 10), 60:1260].astype(int)
    change = round(1200 * plan.stroke_s[0] / plan.predicted_s)
    end = round(1200 * plan.stroke_s.sum() / plan.predicted_s)
    assert (strip[5 : change - 5] == 0).all()
    assert (strip[change + 5 : end - 5] == [255, 0, 0]).all()
    assert (strip[end + 5 :] > 200).all()


def test_a_green_dot_begins_and_a_red_one_ends() -> None:
    picture = plan_picture(plan_of(Stroke(FIRST), Stroke(LAST)), px_per_mm=10.0)
    assert is_like(at(picture, 30.0, 80.0), (20, 140, 60))
    assert is_like(at(picture, 30.0, 30.0), (200, 30, 40))


def test_a_plan_without_strokes_and_a_dot_have_a_picture() -> None:
    empty, dot = plan_picture(plan_of()), plan_picture(plan_of(Stroke(FIRST[:1])))
    assert empty.shape == dot.shape == ((120 + 12 + 16) * 8, (120 + 12) * 8, 3)
    assert not np.array_equal(empty, dot)


def test_a_large_page_has_no_larger_picture_than_can_be_shown() -> None:
    assert max(plan_picture(DrawingPlan((), Page(1500.0, 2000.0))).shape) == 4000


def test_it_is_the_same_every_time() -> None:
    plan = plan_of(Stroke(FIRST), Stroke(LAST))
    assert np.array_equal(plan_picture(plan), plan_picture(plan))


@pytest.mark.parametrize('px_per_mm', [0.0, -1.0, float('nan'), float('inf')])
def test_a_resolution_that_is_none_is_refused(px_per_mm: float) -> None:
    with pytest.raises(ValueError, match='is not a resolution'):
        plan_picture(plan_of(Stroke(FIRST)), px_per_mm=px_per_mm)


def test_it_is_saved_in_its_colours_or_not_at_all(tmp_path: Path) -> None:
    plan = plan_of(Stroke(FIRST))
    save_plan_picture(plan, tmp_path / 'plan.png', px_per_mm=4.0)
    saved = cv2.imread(str(tmp_path / 'plan.png'))
    assert saved is not None
    assert np.array_equal(saved[..., ::-1], plan_picture(plan, px_per_mm=4.0))
    with pytest.raises(SketchRobotError) as caught:
        save_plan_picture(plan, tmp_path / 'no' / 'plan.png')
    assert caught.value.code is ErrorCode.BAD_GOAL
