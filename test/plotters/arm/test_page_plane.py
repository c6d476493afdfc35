"""Where the page lies, and how the pen stands on it."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.plotters.arm.frames import PenPose, page_at, page_through
from sketch_robot.plotters.arm.setup import place_page

turns = st.floats(-3.1, 3.1)
places = st.floats(-1.0, 1.0)


@given(st.tuples(places, places, places), st.tuples(turns, turns, turns))
def test_a_page_through_its_own_corners_is_the_page(xyz: tuple[float, ...], rpy: tuple[float, ...]) -> None:
    page = page_at(xyz, rpy)
    corners = page.to_base(np.array([[0.0, 0.0, 0.0], [148.0, 0.0, 0.0], [0.0, 210.0, 0.0]]))
    assert np.abs(page_through(corners.tolist()).base_from_page - page.base_from_page).max() < 1e-9


@given(st.tuples(places, places, places), st.tuples(turns, turns, turns), st.tuples(places, places, places))
def test_places_go_to_the_base_and_back(xyz: tuple[float, ...], rpy: tuple[float, ...], at: tuple[float, ...]) -> None:
    page = page_at(xyz, rpy)
    point = 100.0 * np.array(at)
    assert page.to_page(page.to_base(point)) == pytest.approx(point, abs=1e-9)


def test_the_third_taught_point_only_says_which_way_is_up() -> None:
    page = page_through([[0.3, 0.1, 0.0], [0.3, -0.1, 0.0], [0.45, 0.03, 0.0]])
    assert page.base_from_page[:3, 0] == pytest.approx([0.0, -1.0, 0.0])
    assert page.base_from_page[:3, 1] == pytest.approx([1.0, 0.0, 0.0])
    assert page.normal == pytest.approx([0.0, 0.0, 1.0])


@pytest.mark.parametrize(
    ('points', 'match'),
    [
        ([[0, 0, 0], [0.1, 0, 0], [0.2, 0, 0]], 'on a line'),
        ([[0, 0, 0], [0.1, 0, 0], [0.2, 0.01, 0]], 'on a line'),
        ([[0, 0, 0], [0.1, 0, 0], [0.1, 0, 0]], 'on a line'),
        ([[0, 0, 0], [0.01, 0, 0], [0, 0.2, 0]], '10.0 mm apart'),
        ([[0, 0, 0], [0, 0, 0], [0, 0.2, 0]], '0.0 mm apart'),
        ([[0, 0, 0], [0.1, 0, 0]], 'three taught points, not 2'),
        ([[0, 0, 0], [0.1, 0, 0], [0, math.nan, 0]], 'taught point 3'),
        ([[0, 0, 0], [0.1, 0], [0, 0.1, 0]], 'taught point 2'),
        ([[0, 0, 0], 'x', [0, 0.1, 0]], 'taught point 2'),
    ],
)
def test_taught_points_that_make_no_plane_are_refused(points: list[list[float]], match: str) -> None:
    with pytest.raises(SketchRobotError, match=match) as caught:
        page_through(points)
    assert caught.value.code == ErrorCode.BAD_GOAL


@pytest.mark.parametrize('page', [None, {}, {'xyz': [0, 0, 0], 'at': 1}, {'points': 3}, 'here', {'rpy': [0, 0, 0]}, []])
def test_a_page_that_lies_nowhere_is_refused(page: object) -> None:
    with pytest.raises(SketchRobotError, match='the page lies nowhere'):
        place_page(page)


def test_a_page_is_placed_by_corner_and_turn_or_by_points() -> None:
    assert place_page({'xyz': [1, 2, 3]}).base_from_page[:3, 3].tolist() == [1, 2, 3]
    assert place_page({'points': [[0, 0, 1], [1, 0, 1], [0, 1, 1]]}).normal == pytest.approx([0, 0, 1])


@given(st.floats(0.0, 1.0), turns, st.tuples(places, places, places), turns)
def test_a_pressed_pen_draws_where_it_would_touch(
    tilt: float, towards: float, at: tuple[float, ...], turn: float
) -> None:
    pose, point = PenPose(tilt, towards), 10.0 * np.array(at)
    tip = pose.tip(point)
    assert tip[2] == point[2]
    assert pose.untip(tip) == pytest.approx(point, abs=1e-9)
    if point[2] < 0.0:  # the pen's axis meets the paper at x, y
        crossing = tip - tip[2] / pose.down[2] * pose.down
        assert crossing == pytest.approx([point[0], point[1], 0.0], abs=1e-9)
    else:
        assert tip == pytest.approx(point)
    rotation = pose.turned(np.array(turn))
    assert rotation[:, 2] == pytest.approx(pose.down)
    assert rotation @ rotation.T == pytest.approx(np.eye(3), abs=1e-12)
    assert np.linalg.det(rotation) == pytest.approx(1.0)


def test_a_tilted_pen_leans_where_it_is_told_to() -> None:
    pose = PenPose(math.radians(30.0), math.radians(90.0))
    upper_end = -pose.down
    assert upper_end == pytest.approx([0.0, 0.5, math.cos(math.radians(30.0))])


@pytest.mark.parametrize(('tilt', 'towards'), [(-0.1, 0.0), (1.2, 0.0), (math.nan, 0.0), (0.1, math.inf)])
def test_a_pen_that_lies_on_the_page_is_refused(tilt: float, towards: float) -> None:
    with pytest.raises(SketchRobotError, match='cannot draw at a tilt'):
        PenPose(tilt, towards)


def test_a_page_turned_by_degrees_is_refused() -> None:
    with pytest.raises(SketchRobotError, match='are those degrees') as caught:
        page_at([0.3, 0.0, 0.0], [0.0, 0.0, -90.0])
    assert caught.value.code == ErrorCode.BAD_GOAL
    assert page_at([0.3, 0.0, 0.0], [0.0, 0.0, -2.0 * math.pi]).normal == pytest.approx([0.0, 0.0, 1.0])
