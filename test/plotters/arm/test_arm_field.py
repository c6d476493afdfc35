"""One posture for every point of the page."""

from __future__ import annotations

import math

import numpy as np
import pytest
from arm_worlds import CARD, PAGES, TOYS, field_of, frame, sample_chain, toy

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.plotters.arm.field import Workcell
from sketch_robot.plotters.arm.frames import page_at
from sketch_robot.plotters.arm.kinematics import forward
from sketch_robot.plotters.arm.postures import find_postures

WORLDS = [
    *(('sample', place, 0.0, 0.0) for place in PAGES),
    ('sample', 'flat', 25.0, 200.0),
    ('sample', 'wall', 15.0, 90.0),
    *((arm, 'flat', 0.0, 0.0) for arm in TOYS),
    ('seven axes', 'wall', 20.0, 0.0),
]
GRID = np.array([[x, y, z] for z in (-1.2, 0.0, 4.0) for y in np.linspace(0, 80, 21) for x in np.linspace(0, 60, 16)])


@pytest.mark.parametrize('world', WORLDS, ids=lambda world: ' '.join(map(str, world)))
def test_every_point_of_the_page_is_reached_within_a_micrometre_and_upright(world) -> None:
    field = field_of(*world)
    here = field.situation
    tools = forward(here.chain, field.joints_at(GRID))
    tips = here.page.to_page(tools[:, :3, 3])
    assert np.abs(here.pose.untip(tips) - GRID).max() < 1e-3
    pen = tools[:, :3, 2] @ here.page.base_from_page[:3, :3]  # in the page's frame
    apart = np.degrees(np.arccos(np.clip(-pen[:, 2], -1.0, 1.0)))
    assert np.abs(apart - world[2]).max() < 1e-3
    if world[2] > 0.0:
        leans = np.degrees(np.arctan2(-pen[:, 1], -pen[:, 0])) - world[3]
        assert np.abs((leans + 180.0) % 360.0 - 180.0).max() < 1e-2


@pytest.mark.parametrize('world', WORLDS, ids=lambda world: ' '.join(map(str, world)))
def test_joints_keep_away_from_their_ends(world) -> None:
    field = field_of(*world)
    chain = field.situation.chain
    joints = field.joints_at(GRID)
    room = np.minimum(joints - chain.lower, chain.upper - joints) / (chain.upper - chain.lower)
    assert room.min() >= field.situation.margin


@pytest.mark.parametrize('world', WORLDS, ids=lambda world: ' '.join(map(str, world)))
def test_joints_change_little_from_point_to_point(world) -> None:
    field = field_of(*world)
    rng = np.random.default_rng(0)
    points = rng.uniform([0.5, 0.5, -1.0], [59.5, 79.5, 4.0], (300, 3))
    near = points + rng.uniform(-0.1, 0.1, points.shape)
    change = np.abs(field.joints_at(points) - field.joints_at(near)).max()
    assert change < 0.01  # 0.17 mm of pen at the end of some 0.3 m of arm; a change of posture would be over 0.5


def test_the_posture_depends_on_the_place_alone() -> None:
    field = field_of()
    alone = field.joints_at(np.array([[30.0, 40.0, 1.0]]))
    among = field.joints_at(np.vstack([GRID, [[30.0, 40.0, 1.0]]]))[-1]
    again = find_postures(field.situation)
    assert again is not None
    assert np.abs(alone - among).max() < 1e-9
    assert np.abs(again.joints_at(np.array([[30.0, 40.0, 1.0]])) - alone).max() == 0.0


def test_turning_about_the_pen_is_used_to_stay_away_from_the_joints_ends() -> None:
    """With the turn forbidden to help (a constant chosen blindly), the sample arm's worst posture is worse."""
    field = field_of('sample', 'wall')
    here = field.situation
    best = field.cost
    from sketch_robot.plotters.arm.postures import _branches, _grid

    x, y = (_grid(0.0, size, 20.0) for size in here.size_mm)
    blind = np.radians(np.arange(-180.0, 180.0, 45.0))
    costs = [cost[..., k].max() for _, cost in _branches(here, x, y, blind) for k in range(len(blind))]
    assert len(costs) > 8
    assert best < np.median(costs)


@pytest.mark.parametrize('arm', ['sample', 'gantry', 'five axes'])
def test_a_page_that_is_partly_out_of_reach_has_no_field(arm: str) -> None:
    chain = sample_chain() if arm == 'sample' else toy(arm)
    far = page_at([0.80, 0.03, 0.0], [0.0, 0.0, -math.pi / 2])
    assert find_postures(Workcell(chain, far, (60.0, 80.0))) is None


def test_an_arm_that_cannot_turn_its_pen_towards_the_page_has_no_field() -> None:
    assert find_postures(Workcell(toy('gantry'), frame('wall'), (60.0, 80.0))) is None
    assert find_postures(Workcell(toy('scara'), frame('tilted'), (60.0, 80.0))) is None


def test_no_link_passes_through_the_sheet() -> None:
    """The card hangs between the base and where the pen would have to be to draw on its far side."""
    facing_away = page_at([0.35, -0.03, 0.30], [math.pi / 2, 0.0, math.pi / 2])
    assert find_postures(Workcell(sample_chain(), facing_away, (60.0, 80.0))) is None


def test_a_wide_margin_is_kept_or_the_page_is_refused() -> None:
    modest = find_postures(Workcell(sample_chain(), frame(), (60.0, 80.0), margin=0.10))
    assert modest is not None
    joints = modest.joints_at(GRID)
    chain = sample_chain()
    assert (np.minimum(joints - chain.lower, chain.upper - joints) / (chain.upper - chain.lower)).min() >= 0.10
    assert find_postures(Workcell(sample_chain(), frame(), (60.0, 80.0), margin=0.39)) is None


def test_a_point_far_above_the_page_is_refused_by_name() -> None:
    with pytest.raises(
        SketchRobotError, match=r'does not reach \(30.0, 40.0\) mm of the page, 900.0 mm above'
    ) as caught:
        field_of().joints_at(np.array([[30.0, 40.0, 900.0]]))
    assert caught.value.code == ErrorCode.BAD_GOAL


def test_places_are_found_from_joints() -> None:
    field = field_of('sample', 'flat', 25.0, 200.0)
    for point in ([10.0, 20.0, 3.0], [50.0, 70.0, -0.6]):
        assert field.place_of(field.joints_at(np.array([point]))[0]) == pytest.approx(point, abs=1e-4)
    assert CARD.width_mm == 60.0
