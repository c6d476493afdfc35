"""A drawing by an arm: what its controller is told, and what is on paper."""

from __future__ import annotations

import math

import numpy as np
import pytest
from arm_worlds import CARD, PAGES, PROFILE, TOYS, circle, dense, plan_of, recorded
from scipy.spatial import cKDTree

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.motion import DrawingPlan, Page
from sketch_robot.plotters import PlotterStatus, paper_of
from sketch_robot.plotters.arm.kinematics import forward
from sketch_robot.stroke import Stroke

SKETCH = plan_of(
    circle(30, 42, 16),
    [[22, 48], [24, 49.5], [27, 48.5]],
    [[33, 48.5], [36, 49.5], [38, 48]],
    [[30, 45], [28.5, 39], [31, 38.5]],
    [[24, 34], [28, 31.5], [33, 32], [36, 35]],
    [[30.0, 46.0]],
    [[8, 8], [52, 8], [52, 9], [8, 9], [8, 10], [52, 10]],
)


@pytest.fixture(scope='module', params=[*PAGES, 'tilted pen'])
def drawn(request):
    """A plotter, its recorder, and the outcome of drawing `SKETCH`."""
    lean = {'tilt_deg': 20.0, 'tilt_towards_deg': 45.0} if request.param == 'tilted pen' else {}
    plotter, transport = recorded(page=PAGES.get(request.param, PAGES['flat']), **lean)
    return plotter, transport, plotter.draw(SKETCH)


def apart(one: np.ndarray, other: np.ndarray) -> float:
    """Hausdorff distance of two polylines."""
    a, b = dense(one), dense(other)
    return max(cKDTree(b).query(a)[0].max(), cKDTree(a).query(b)[0].max())


def test_every_stroke_is_on_paper_within_a_tenth_of_a_millimetre(drawn) -> None:
    plotter, _, outcome = drawn
    lines = plotter.paper.polylines
    assert len(lines) == len(SKETCH.strokes)
    assert max(apart(line, stroke.xy) for line, stroke in zip(lines, SKETCH.strokes, strict=True)) < 0.1
    assert outcome.finished
    assert (outcome.strokes_drawn, outcome.lifts) == (7, 7)
    assert outcome.ink_mm == pytest.approx(SKETCH.ink_mm, rel=0.01)


def test_the_pen_stays_within_a_hundredth_of_a_degree_of_where_it_should_point(drawn) -> None:
    plotter, transport, _ = drawn
    _, positions, _, _ = transport.rows()
    here = plotter.setup
    tools = forward(here.chain, positions)
    over = here.page.to_page(tools[:, :3, 3])[:, 2] < 4.0 - 0.01  # after the way to the page
    assert over.mean() > 0.3
    pen = tools[over, :3, 2] @ here.page.base_from_page[:3, :3]
    assert np.degrees(np.arccos(np.clip(pen @ here.pose.down, -1.0, 1.0))).max() < 0.01


def test_joint_limits_are_kept_with_a_margin_between_the_points_too(drawn) -> None:
    plotter, transport, _ = drawn
    chain = plotter.setup.chain
    _, positions, velocities, accelerations = transport.rows()
    assert (positions > chain.lower + 0.02 * (chain.upper - chain.lower)).all()
    assert (positions < chain.upper - 0.02 * (chain.upper - chain.lower)).all()
    assert (np.abs(velocities) < chain.speed).all()
    assert (np.abs(accelerations) < chain.accel).all()


def test_joints_never_jump_although_they_are_told_their_way_in_parts(drawn) -> None:
    plotter, transport, _ = drawn
    times, positions, _, _ = transport.rows()
    assert len(transport.sent) > 20
    seconds = np.diff(times)
    assert seconds.max() < 0.05
    assert (np.abs(np.diff(positions, axis=0)) <= plotter.setup.chain.speed * (seconds[:, None] + 1e-4)).all()


def test_everything_that_the_arm_is_told_ends_at_rest_with_the_pen_up(drawn) -> None:
    plotter, transport, _ = drawn
    here = plotter.setup
    for told in transport.sent:
        assert np.abs(told.velocities[-1]).max() < 1e-6
        assert here.page.to_page(forward(here.chain, told.positions[-1])[:3, 3])[2] > 3.99
        assert told.times_s[-1] - told.times_s[0] < 1.2


def test_pen_up_moves_clear_the_paper_and_the_pen_never_leaves_the_page_while_down(drawn) -> None:
    plotter, transport, _ = drawn
    here = plotter.setup
    _, positions, _, _ = transport.rows()
    tip = here.page.to_page(forward(here.chain, positions)[:, :3, 3])
    pen = here.pose.untip(tip)
    down = tip[:, 2] <= 0.0
    assert (pen[down, :2] > 0.0).all()
    assert (pen[down, :2] < [60.0, 80.0]).all()
    moves = np.hypot(*np.diff(pen[:, :2], axis=0).T)
    low = (tip[1:, 2] > 0.0) & (tip[1:, 2] < 0.5)
    assert moves[low].max() < 0.01


def test_the_arm_ends_over_the_corner_of_the_page_with_the_pen_up(drawn) -> None:
    plotter, _, _ = drawn
    assert plotter.status == PlotterStatus.IDLE
    assert plotter.progress.pen_mm == pytest.approx((0.0, 0.0), abs=1e-3)
    assert not plotter.progress.pen_down
    assert plotter.progress.fraction == 1.0


def test_the_paper_looks_like_a_perfect_machines(drawn) -> None:
    difference = np.abs(drawn[0].paper.image(8.0).astype(int) - paper_of(SKETCH).image(8.0))
    assert (difference > 128).mean() < 1e-4


@pytest.mark.parametrize('arm', TOYS)
def test_other_arms_draw_too(arm: str, tmp_path) -> None:
    path = tmp_path / 'toy.urdf'
    path.write_text(TOYS[arm])
    start = {'scara': [0.3, 0.5, 0.2, 0.0], 'gantry': [0.0, 0.0, 0.2], 'five axes': [0.0, 0.2, 0.2, 0.5, 0.0]}
    plotter, transport = recorded(model=str(path), tool='f', start=start.get(arm, [0.0, 0.3, 0.0, 0.3, 0.0, 0.3, 0.0]))
    plotter.draw(SKETCH)
    lines = plotter.paper.polylines
    assert max(apart(line, stroke.xy) for line, stroke in zip(lines, SKETCH.strokes, strict=True)) < 0.1
    _, _, velocities, accelerations = transport.rows()
    assert (np.abs(velocities) < plotter.setup.chain.speed).all()
    assert (np.abs(accelerations) < plotter.setup.chain.accel).all()


def test_a_firmer_line_is_pressed_deeper() -> None:
    plotter, transport = recorded()
    line = Stroke(np.array([[10.0, 40.0], [30.0, 40.0], [50.0, 40.0]]), pressure=np.array([0.0, 1.0, 0.0]))
    plan = DrawingPlan((line,), CARD, PROFILE, np.ones(1))
    plotter.draw(plan)
    here = plotter.setup
    _, positions, _, _ = transport.rows()
    tip = here.page.to_page(forward(here.chain, positions)[:, :3, 3])
    middle = (tip[:, 2] < 0.0) & (np.abs(tip[:, 0] - 30.0) < 0.3)
    assert tip[middle, 2].min() == pytest.approx(-here.touch.firmest_mm, abs=0.08)
    assert apart(plotter.paper.polylines[0], line.xy) < 0.1


def test_a_page_out_of_reach_is_refused_with_a_picture_before_anything_moves(tmp_path) -> None:
    picture = tmp_path / 'reach.png'
    away = {'xyz': [0.62, 0.03, 0.0], 'rpy': [0.0, 0.0, -math.pi / 2]}
    plotter, transport = recorded(page=away, reach_picture=str(picture))
    with pytest.raises(SketchRobotError, match=r'page 60 x 80 mm does not lie wholly within the reach') as caught:
        plotter.draw(SKETCH)
    assert caught.value.code == ErrorCode.BAD_GOAL
    assert str(picture) in caught.value.message
    assert picture.read_bytes().startswith(b'\x89PNG')
    assert transport.sent == []
    assert plotter.status == PlotterStatus.IDLE


def test_a_page_whose_middle_alone_is_out_of_reach_is_refused_too(tmp_path) -> None:
    """A large sheet around the base: the arm reaches its far edges, but not where it stands itself."""
    around = {'xyz': [-0.30, 0.30, 0.0], 'rpy': [0.0, 0.0, -math.pi / 2]}
    plotter, transport = recorded(page=around, reach_picture=str(tmp_path / 'reach.png'))
    with pytest.raises(SketchRobotError, match='reach'):
        plotter.draw(plan_of([[10, 10], [20, 20]], page=Page(600.0, 600.0)))
    assert transport.sent == []


def test_a_plan_beyond_the_page_is_refused_before_anything_moves() -> None:
    plotter, transport = recorded()
    with pytest.raises(SketchRobotError, match='stroke 0 leaves the page') as caught:
        plotter.draw(plan_of([[10, 10], [70, 10]]))
    assert caught.value.code == ErrorCode.OFF_PAGE
    with pytest.raises(SketchRobotError) as caught:
        plotter.draw(plan_of())
    assert caught.value.code == ErrorCode.NOTHING_TO_DRAW
    assert transport.sent == []
