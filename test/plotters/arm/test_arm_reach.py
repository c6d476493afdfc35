"""The picture of where an arm reaches."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from arm_worlds import CARD, arm_plotter, frame, sample_chain, toy

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.plotters.arm.field import Workcell
from sketch_robot.plotters.arm.frames import page_at
from sketch_robot.plotters.arm.postures import UNUSABLE, find_postures
from sketch_robot.plotters.arm.reach import Reach, draw_reach, find_reach

CARD_MM = (60.0, 80.0)


@pytest.fixture(scope='module')
def far() -> Reach:
    """The sample arm and a card half out of its reach."""
    return find_reach(Workcell(sample_chain(), page_at([0.58, 0.03, 0.0], [0.0, 0.0, -math.pi / 2]), CARD_MM))


def test_a_page_within_reach_is_reached_point_by_point() -> None:
    reach = find_reach(Workcell(sample_chain(), frame(), CARD_MM))
    assert reach.page_share == 1.0
    assert reach.nearest_shift_mm == pytest.approx((0.0, 0.0), abs=12.0)


def test_what_is_out_of_reach_is_further_from_the_base_than_what_is_not(far: Reach) -> None:
    assert 0.1 < far.page_share < 0.9
    xx, yy = np.meshgrid(far.x_mm, far.y_mm)
    away = np.hypot(xx - far.base_mm[0], yy - far.base_mm[1])
    assert away[far.cost >= UNUSABLE].min() > away[far.cost < UNUSABLE].max() - 25.0
    assert far.base_mm == pytest.approx([30.0, -580.0, 0.0])


def test_the_page_is_reached_when_moved_as_the_picture_says(far: Reach) -> None:
    shift = far.nearest_shift_mm
    assert shift is not None
    assert shift[1] < -20.0
    corner = page_at([0.58, 0.03, 0.0], [0.0, 0.0, -math.pi / 2]).to_base(np.array([*shift, 0.0]))
    assert find_postures(Workcell(sample_chain(), page_at(corner, [0.0, 0.0, -math.pi / 2]), CARD_MM)) is not None


def test_a_gantrys_reach_is_the_rectangle_of_its_axes() -> None:
    reach = find_reach(Workcell(toy('gantry'), page_at([0.60, -0.04, 0.0]), CARD_MM))
    xx, _ = np.meshgrid(reach.x_mm, reach.y_mm)
    ends = xx > 1000.0 * (0.35 + 0.4 * 0.96 - 0.60)  # its x axis, the margin taken off
    assert (reach.cost[ends] >= UNUSABLE).all()
    assert (reach.cost[~ends] < UNUSABLE).all()


def test_the_picture_shows_the_page_the_base_and_three_colours() -> None:
    around = Workcell(sample_chain(), page_at([0.15, 0.2, 0.0], [0.0, 0.0, -math.pi / 2]), (400.0, 400.0))
    reach = find_reach(around)
    image = draw_reach(reach)
    assert image.dtype == np.uint8
    assert image.shape[2] == 3
    assert 700 < min(image.shape[:2]) <= max(image.shape[:2]) < 1200
    colours, counts = np.unique(image.reshape(-1, 3), axis=0, return_counts=True)
    common = {tuple(colour) for colour in colours[np.argsort(-counts)[:12]].tolist()}
    assert (226, 200, 200) in common  # out of reach
    red, green, blue = image[300:700, 300:700].reshape(-1, 3).astype(int).T
    assert ((green > red + 40) & (green > blue + 40)).mean() > 0.3


def test_a_page_that_fits_nowhere_has_no_shift() -> None:
    reach = find_reach(Workcell(sample_chain(), page_at([3.0, 0.0, 0.0]), CARD_MM))
    assert reach.page_share == 0.0
    assert reach.nearest_shift_mm is None
    draw_reach(reach)


@pytest.mark.parametrize(
    ('options', 'advice'),
    [
        ({'page': {'xyz': [300.0, 30.0, 0.0]}}, 'the arm is 0.90 m long when stretched out'),
        ({'page': {'xyz': [0.30, -0.03, 0.0], 'rpy': [math.pi, 0.0, 0.0]}}, "would reach the sheet's other side"),
        ({'tool': 'link_6'}, "the tool 'link_6' lies in the last joint"),
    ],
)
def test_when_not_a_point_is_reached_the_refusal_says_what_is_likely_wrong(
    options: dict[str, object], advice: str, tmp_path: Path
) -> None:
    plotter = arm_plotter(reach_picture=str(tmp_path / 'reach.png'), **options)
    with pytest.raises(SketchRobotError, match=advice) as caught:
        plotter.check_reach(CARD)
    assert caught.value.code == ErrorCode.BAD_GOAL
    assert (tmp_path / 'reach.png').stat().st_size > 1000
