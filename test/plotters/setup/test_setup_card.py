"""The test card of a machine, and what its measured sides say of scale and squareness."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.motion import MachineLimits, Page
from sketch_robot.plotters import paper_of
from sketch_robot.plotters.plotter import check_plan
from sketch_robot.plotters.setup.card import Measured, correction_from, make_card, scale_and_skew

A5 = Page(148.0, 210.0, 10.0, 'A5')
near_one = st.floats(0.85, 1.15)
small = st.floats(-0.1, 0.1)


def drawn(made: np.ndarray, width_mm: float, height_mm: float) -> Measured:
    """What an exact ruler finds on a card that a machine has drawn by a linear map."""
    u, v = made @ [width_mm, 0.0], made @ [0.0, height_mm]
    return Measured(*(float(np.hypot(*side)) for side in (u, v, u + v, u - v)))


@given(near_one, near_one, small, small, near_one, small)
def test_a_corrected_machine_draws_true_whatever_it_drew_before(
    x: float, y: float, shear: float, turn: float, old_scale: float, old_shear: float
) -> None:
    rotation = np.array([[math.cos(turn), -math.sin(turn)], [math.sin(turn), math.cos(turn)]])
    machine = rotation @ np.array([[x, shear], [0.0, y]])
    before = np.array([[old_scale, old_shear], [0.0, 1.0]])
    if abs(math.degrees(math.asin(_cosine(machine @ before)))) > 9.0:
        return
    correction = correction_from(drawn(machine @ before, 120.0, 190.0), 120.0, 190.0, drawn_with=before)
    true = machine @ correction
    assert true.T @ true == pytest.approx(np.eye(2), abs=1e-9)


def _cosine(made: np.ndarray) -> float:
    u, v = made.T
    return float(u @ v / (np.hypot(*u) * np.hypot(*v)))


@given(near_one, near_one)
def test_without_diagonals_the_sides_alone_are_corrected(x: float, y: float) -> None:
    correction = correction_from(Measured(120.0 * x, 190.0 * y), 120.0, 190.0)
    assert correction == pytest.approx(np.diag([1.0 / x, 1.0 / y]), abs=1e-12)


@given(small)
def test_skew_is_the_angle_that_the_sides_lack_to_a_right_one(angle: float) -> None:
    made = np.array([[1.0, math.sin(angle)], [0.0, math.cos(angle)]])
    assert scale_and_skew(drawn(made, 120.0, 190.0), 120.0, 190.0) == pytest.approx((1.0, 1.0, angle), abs=1e-6)


def test_a_card_that_came_out_right_asks_for_no_correction() -> None:
    measured = Measured(120.0, 190.0, math.hypot(120.0, 190.0), math.hypot(120.0, 190.0))
    assert correction_from(measured, 120.0, 190.0) == pytest.approx(np.eye(2), abs=1e-12)


@pytest.mark.parametrize(
    ('measured', 'words'),
    [
        (Measured(0.0, 190.0), 'must be positive'),
        (Measured(math.nan, 190.0), 'must be positive'),
        (Measured(120.0, -190.0), 'must be positive'),
        (Measured(240.0, 190.0), 'measured width is 2.00 times'),
        (Measured(120.0, 100.0), 'measured height is 0.53 times'),
        (Measured(120.0, 190.0, 240.0, 224.7), 'do not fit together: the diagonals are +7.8 mm off'),
        (Measured(120.0, 190.0, 224.7, 0.0), 'do not fit together'),
        (Measured(120.0, 190.0, 250.0, 196.2), '15.3 degrees from square'),
    ],
)
def test_measurements_that_cannot_be_are_refused(measured: Measured, words: str) -> None:
    with pytest.raises(SketchRobotError, match=words.replace('+', r'\+')) as caught:
        correction_from(measured, 120.0, 190.0)
    assert caught.value.code == ErrorCode.BAD_GOAL


@pytest.mark.parametrize(
    ('page', 'sides'),
    [
        (A5, (120.0, 190.0)),
        (Page(210.0, 148.0, 10.0), (190.0, 120.0)),
        (Page(297.0, 420.0, 20.0), (250.0, 380.0)),
        (Page(60.0, 62.0, 10.0), (40.0, 40.0)),
    ],
)
def test_the_cards_rectangle_has_whole_centimetres_in_the_middle_of_the_page(
    page: Page, sides: tuple[float, float]
) -> None:
    card = make_card(page, MachineLimits())
    assert (card.width_mm, card.height_mm) == sides
    assert card.diagonal_mm == pytest.approx(math.hypot(*sides))
    rectangle = card.plan.strokes[0].xy
    assert np.ptp(rectangle, axis=0) == pytest.approx(sides)
    assert (rectangle.max(axis=0) + rectangle.min(axis=0)) / 2.0 == pytest.approx(
        (page.width_mm / 2, page.height_mm / 2)
    )


@given(st.floats(60.0, 450.0), st.floats(60.0, 450.0))
def test_all_of_the_card_lies_within_its_rectangle_and_the_margins(width_mm: float, height_mm: float) -> None:
    page = Page(width_mm, height_mm, 10.0)
    card = make_card(page, MachineLimits())
    check_plan(card.plan)
    rectangle = card.plan.strokes[0].xy
    points = np.concatenate([stroke.xy for stroke in card.plan.strokes])
    assert (points >= rectangle.min(axis=0) - 1e-9).all()
    assert (points <= rectangle.max(axis=0) + 1e-9).all()
    assert (points >= 10.0 - 1e-9).all()


def test_the_figures_of_the_card_do_not_cross() -> None:
    card = make_card(A5, MachineLimits())
    covered = np.zeros(paper_of(card.plan).image(4.0).shape, dtype=int)
    for stroke in card.plan.strokes:
        box = np.concatenate([stroke.xy.min(axis=0), stroke.xy.max(axis=0)])
        if np.ptp(stroke.xy, axis=0).min() > 30.0 and len(stroke.xy) == 5:
            continue  # the large rectangle holds all others
        x0, y0, x1, y1 = np.round(box * 4.0).astype(int)
        covered[y0 : y1 + 1, x0 : x1 + 1] += 1
    assert covered.max() <= 3  # the squares lie in each other


def test_a_page_too_small_for_a_card_is_refused() -> None:
    with pytest.raises(SketchRobotError, match='too small for a test card; 40 mm have to fit') as caught:
        make_card(Page(55.0, 100.0, 10.0), MachineLimits())
    assert caught.value.code == ErrorCode.BAD_GOAL
