"""Arms as they are published: rounded angles, five axes, a pen in their hand, and a room around them."""

from __future__ import annotations

import math
import re
from pathlib import Path

import numpy as np
import pytest
from arm_worlds import CARD, SAMPLE, arm_plotter, joint, plan_of, recorded, robot

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.motion import load_machine
from sketch_robot.plotters import make_plotter
from sketch_robot.plotters.arm import ArmOptions, ArmPlotter
from sketch_robot.plotters.arm.kinematics import Arrays, forward, frames_of

ROUND = '1.57079'  # as CAD programs write a right angle


def five_axes(tmp_path: Path, *, bent_deg: float = 0.0) -> Path:
    """An arm that pans, pitches three times and rolls its hand, at right angles but for what rounding leaves of them; a
    bent one holds its hand beside the plane of its links."""
    made = robot(
        '<joint name="pan" type="revolute"><parent link="a"/><child link="b"/>'
        f'<origin xyz="0 0 0.06" rpy="{ROUND} 0 0"/><axis xyz="0 1 0"/>'
        '<limit lower="-2" upper="2" effort="1" velocity="3"/></joint>',
        joint('lift', 'b', 'c', '0 0.06 0', '1 0 0'),
        joint('elbow', 'c', 'd', '0 0.14 0', '1 0 0'),
        joint('wrist', 'd', 'e', '0 0.14 0', '1 0 0'),
        f'<joint name="roll" type="revolute"><parent link="e"/><child link="f"/>'
        f'<origin xyz="0 0.06 0" rpy="0 {ROUND} {math.radians(bent_deg)}"/><axis xyz="0 1 0"/>'
        '<limit lower="-3" upper="3" effort="1" velocity="3"/></joint>',
    )
    path = tmp_path / 'five.urdf'
    path.write_text(made)
    return path


def options_of(model: Path, **options: object) -> ArmOptions:
    given = {
        'tool': 'f',
        'pen': {'xyz': [0.0, 0.08, 0.0], 'rpy': [-math.pi / 2, 0.0, 0.0]},
        'acceleration': 10.0,
        'speedup': math.inf,
        'sheet': '60x80',
        'page': {'xyz': [-0.03, -0.265, 0.0]},
        'start': [0.0, 1.0, -1.5, -1.0, 0.0],
    }
    return ArmOptions(model=str(model), **{**given, **options})  # type: ignore[arg-type]


SQUARE = plan_of([[10.0, 10.0], [50.0, 10.0], [50.0, 70.0], [10.0, 70.0], [10.0, 10.0]])


def leaning_deg(plotter: ArmPlotter) -> tuple[np.ndarray, np.ndarray]:
    """How far the pen leans at points of the card, degrees; how far its tip is from them, mm."""
    xx, yy = np.meshgrid(np.linspace(0.0, CARD.width_mm, 7), np.linspace(0.0, CARD.height_mm, 7))
    xyz = np.stack([xx.ravel(), yy.ravel(), np.zeros(xx.size)], axis=1)
    setup = plotter.setup
    tools = forward(setup.chain, plotter._sheets.field(CARD).joints_at(xyz))
    along = tools[:, :3, 2] @ setup.page.base_from_page[:3, :3] @ setup.pose.down
    off_mm = np.abs(setup.page.to_page(tools[:, :3, 3]) - xyz).max(axis=1)
    return np.degrees(np.arccos(np.clip(along, -1.0, 1.0))), off_mm


def test_an_arm_of_five_axes_with_rounded_angles_draws_with_its_pen_upright(tmp_path: Path) -> None:
    plotter = ArmPlotter(options_of(five_axes(tmp_path)))
    plotter.connect()
    assert plotter.draw(SQUARE).finished
    lean, off_mm = leaning_deg(plotter)
    assert lean.max() < 0.1
    assert off_mm.max() < 0.01
    assert plotter.paper is not None
    assert np.ptp(np.concatenate(plotter.paper.polylines), axis=0) == pytest.approx([40.0, 60.0], abs=0.1)


def test_an_arm_that_cannot_hold_its_pen_upright_draws_within_the_cone_that_is_stated(tmp_path: Path) -> None:
    model = five_axes(tmp_path, bent_deg=6.0)
    upright = ArmPlotter(options_of(model, reach_picture=str(tmp_path / 'reach.png')))
    upright.connect()
    with pytest.raises(SketchRobotError, match='let it lean, as by tilt_cone_deg') as caught:
        upright.draw(SQUARE)
    assert caught.value.code == ErrorCode.BAD_GOAL
    plotter = ArmPlotter(options_of(model, tilt_cone_deg=15.0))
    plotter.connect()
    assert plotter.draw(SQUARE).finished
    lean, off_mm = leaning_deg(plotter)
    assert 0.5 < lean.max() <= 15.0
    assert off_mm.max() < 0.01


def test_what_is_said_to_be_left_at_first_is_what_it_takes_the_approach_included() -> None:
    plotter, told = arm_plotter(start=[1.0, -0.8, 0.4, 0.0, 0.5, 0.0]), []
    plotter.connect()
    outcome = plotter.draw(SQUARE, lambda progress: told.append(progress.remaining_s))
    assert told[0] > SQUARE.predicted_s
    assert outcome.machine_s == pytest.approx(told[0], rel=0.02)


# ------------------------------------------------------------------ a room
START = [1.2, -0.5, 0.0, 0.0, 0.5, 0.0]


def links_of(plotter: ArmPlotter, joints: np.ndarray) -> np.ndarray:
    """Where all links' ends were: (N, n + 1, 3) m."""
    arm = Arrays.of(plotter.setup.chain)
    frames, out = np.empty((len(arm.axes) + 1, 4, 4)), []
    for q in joints:
        frames_of(arm.origins, arm.axes, arm.sliding, arm.tip, q, frames)
        out.append(frames[:, :3, 3].copy())
    return np.array(out)


def way_to_the_page(**options: object) -> tuple[ArmPlotter, np.ndarray]:
    plotter, transport = recorded(start=START, **options)
    plotter.home()
    return plotter, links_of(plotter, transport.rows()[1])


def test_no_link_enters_a_box_that_is_forbidden() -> None:
    _, plain = way_to_the_page()
    middle = plain[len(plain) // 2, -2]  # where the wrist came by
    box = (tuple(middle - 0.03), tuple(middle + 0.03))
    assert ((plain > box[0]) & (plain < box[1])).all(axis=2).any()
    _, around = way_to_the_page(forbidden=[box])
    assert not ((around > box[0]) & (around < box[1])).all(axis=2).any()


def test_no_link_leaves_the_room_and_one_that_is_too_small_is_refused(tmp_path: Path) -> None:
    _, plain = way_to_the_page()
    high = float(plain[..., 2].max())
    room = [[-1.0, -1.0, -0.1], [1.0, 1.0, high + 0.01]]
    _, within = way_to_the_page(room=room)
    assert within[..., 2].max() <= high + 0.01
    plotter = arm_plotter(room=[[-1.0, -1.0, -0.1], [1.0, 1.0, 0.1]], reach_picture=str(tmp_path / 'reach.png'))
    plotter.connect()
    with pytest.raises(SketchRobotError, match='does not lie wholly within the reach'):
        plotter.draw(SQUARE)


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        ({'room': [[0.0, 0.0, 0.0], [1.0, 0.0, 1.0]]}, 'has no inside'),
        ({'forbidden': [[0.0, 0.0, 0.0]]}, 'forbidden'),
        ({'pen': {'rpy': [0.0, 0.0, 0.0]}}, 'the pen is held nowhere'),
        ({'tilt_cone_deg': 60.0}, 'tilt_cone_deg must lie between 0 and 45'),
    ],
)
def test_what_cannot_be_is_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(SketchRobotError, match=message) as caught:
        arm_plotter(**options)
    assert caught.value.code == ErrorCode.BAD_GOAL


# ------------------------------------------------------------------ what the documentation shows
def test_the_file_in_the_documentation_makes_an_arm_that_draws(tmp_path: Path) -> None:
    text = (Path(__file__).parents[3] / 'docs' / 'machines.md').read_text()
    shown = re.search(r'\n((?:    [^\n]*\n)*    driver: arm\n(?:    [^\n]*\n)*)', text)
    assert shown is not None
    written = re.sub(r'^    ', '', shown[1], flags=re.MULTILINE)
    assert '/home/me/my_arm.urdf' in written
    path = tmp_path / 'my_arm.yaml'
    path.write_text(written.replace('/home/me/my_arm.urdf', str(SAMPLE)))
    machine = load_machine(str(path))
    plotter = make_plotter(machine, speedup=math.inf, start=[0.0, -0.5, 0.0, 0.0, 0.5, 0.0])
    with plotter:
        assert plotter.draw(SQUARE).finished


@pytest.mark.parametrize('name', ['ur5e', 'xarm6', 'so100', 'so101'])
def test_the_machine_of_a_published_arm_lacks_nothing_but_its_model(name: str) -> None:
    machine = load_machine(name)
    assert machine.driver == 'arm'
    options = ArmOptions.read(machine.options, of=name)
    assert options.model.startswith('~/.config/sketch_robot/arms/')
    with pytest.raises(SketchRobotError, match=f"there is no arm '{re.escape(options.model)}'"):
        make_plotter(machine)
