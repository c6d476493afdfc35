"""Where the tool is, how it moves, and which joints put it somewhere."""

from __future__ import annotations

import math

import numpy as np
import pytest
from arm_worlds import SAMPLE, TOYS, field_of, joint, robot, sample_chain, toy
from hypothesis import given, settings
from hypothesis import strategies as st

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.plotters.arm.frames import from_quaternion, inverse, quaternion, transform
from sketch_robot.plotters.arm.kinematics import Arrays, follow, forward, jacobian
from sketch_robot.plotters.arm.model_file import load_mjcf, read_urdf

angles = st.floats(-2.8, 2.8)


@settings(deadline=None)
@given(angles, angles)
def test_a_planar_arm_of_two_links_is_where_trigonometry_says(one: float, two: float) -> None:
    text = robot(joint('q', 'a', 'b', '0 0 0', '0 0 1'), joint('r', 'b', 'c', '0.3 0 0', '0 0 1'),
                 joint('s', 'c', 'd', '0.2 0 0', '0 0 1'))  # fmt: skip
    tool = forward(read_urdf(text, tool='d'), np.array([one, two, 0.1]))
    x = 0.3 * math.cos(one) + 0.2 * math.cos(one + two)
    y = 0.3 * math.sin(one) + 0.2 * math.sin(one + two)
    assert tool[:3, 3] == pytest.approx([x, y, 0.0], abs=1e-12)
    assert math.atan2(tool[1, 0], tool[0, 0]) == pytest.approx(math.remainder(one + two + 0.1, 2 * math.pi), abs=1e-9)


@pytest.mark.parametrize('arm', ['sample', *TOYS])
def test_the_jacobian_is_the_derivative_of_the_tools_frame(arm: str) -> None:
    chain = sample_chain() if arm == 'sample' else toy(arm)
    rng = np.random.default_rng(0)
    for _ in range(5):
        q = rng.uniform(chain.lower, chain.upper)
        exact, step = jacobian(chain, q), 1e-6
        for k in range(len(q)):
            move = np.zeros(len(q))
            move[k] = step
            before, after = forward(chain, q - move), forward(chain, q + move)
            turn = (after[:3, :3] - before[:3, :3]) @ forward(chain, q)[:3, :3].T / (2 * step)
            assert (after[:3, 3] - before[:3, 3]) / (2 * step) == pytest.approx(exact[:3, k], abs=1e-8)
            assert [turn[2, 1], turn[0, 2], turn[1, 0]] == pytest.approx(exact[3:, k], abs=1e-8)


def test_frames_are_always_rigid() -> None:
    chain = sample_chain()
    frames = forward(chain, np.random.default_rng(1).uniform(chain.lower, chain.upper, (100, 6)))
    rotations = frames[:, :3, :3]
    assert np.abs(rotations @ rotations.transpose(0, 2, 1) - np.eye(3)).max() < 1e-12
    assert np.linalg.det(rotations) == pytest.approx(np.ones(100))


@pytest.mark.parametrize('arm', ['sample', 'seven axes'])
def test_joints_found_for_a_tools_frame_put_it_there(arm: str) -> None:
    chain = sample_chain() if arm == 'sample' else toy(arm)
    arrays, rng = Arrays.of(chain), np.random.default_rng(2)
    truth = rng.uniform(0.7 * chain.lower, 0.7 * chain.upper, (200, len(chain.joints)))
    starts = truth + rng.normal(0.0, 0.02, truth.shape)
    q, reached = np.empty_like(truth), np.empty(len(truth), dtype=bool)
    for free in (False, True):
        frames = forward(chain, truth)
        follow(arrays.origins, arrays.axes, arrays.sliding, arrays.tip, frames, starts, free, 2e-3, q, reached)
        assert reached.mean() > 0.98
        errors = np.abs(forward(chain, q)[:, :3, 3] - frames[:, :3, 3]).max(axis=1)
        good = errors < 1e-6
        assert good.mean() > 0.98  # a few of them stand in a singularity
        found, wanted = forward(chain, q[good]), frames[good]
        assert np.abs(found[:, :3, 3] - wanted[:, :3, 3]).max() < 1e-6
        assert np.abs(found[:, :3, 2] - wanted[:, :3, 2]).max() < 1e-5
        if not free:
            assert np.abs(found - wanted).max() < 1e-5


def test_the_same_arm_from_mjcf_and_from_urdf_is_the_same() -> None:
    mjcf = load_mjcf(SAMPLE.with_suffix('.xml'), tool='pen_tip')
    urdf = sample_chain()
    assert mjcf.names == urdf.names
    assert mjcf.lower == pytest.approx(urdf.lower)
    assert mjcf.upper == pytest.approx(urdf.upper)
    q = np.random.default_rng(3).uniform(urdf.lower, urdf.upper, (50, 6))
    assert np.abs(forward(mjcf, q) - forward(urdf, q)).max() < 1e-5


ANCHORED = """<mujoco><compiler angle="degree"/><worldbody><body name="base" pos="0 0 1"><body name="arm" pos="0 0 0.1">
  <geom size="0.01"/><joint name="swing" pos="0 0 0.5" axis="0 1 0" range="-90 90"/>
  <joint name="push" type="slide" axis="1 0 0" range="-0.5 0.5"/>
  <site name="pen" pos="0 0 -0.2" euler="180 0 0"/></body></body></worldbody></mujoco>"""


def test_mjcf_joints_turn_about_their_anchors_and_sites_can_be_tools(tmp_path) -> None:
    path = tmp_path / 'arm.xml'
    path.write_text(ANCHORED)
    chain = load_mjcf(path, tool='pen')
    assert chain.names == ('swing', 'push')
    assert forward(chain, np.zeros(2))[:3, 3] == pytest.approx([0.0, 0.0, 0.9])
    # hangs 0.7 below its anchor at height 1.6: swung by 90 degrees it points to -x, and slides along its x, now -z
    swung = forward(chain, np.array([math.pi / 2, 0.1]))
    assert swung[:3, 3] == pytest.approx([-0.7, 0.0, 1.6 - 0.1], abs=1e-9)
    assert forward(chain, np.zeros(2))[:3, 2] == pytest.approx([0.0, 0.0, -1.0], abs=1e-9)


@pytest.mark.parametrize(
    ('old', 'new', 'match'),
    [
        ('</mujoco>', '', 'MuJoCo cannot read'),
        ('name="pen"', 'name="pencil"', "no body or site 'pen'"),
        ('name="swing"', 'name="swing" ref="10"', "'swing' has a reference position"),
        ('<joint name="swing" pos="0 0 0.5" axis="0 1 0" range="-90 90"/>', '<joint name="b" type="ball"/>', 'neither'),
    ],
)
def test_mjcf_that_cannot_be_used_is_refused(tmp_path, old: str, new: str, match: str) -> None:
    path = tmp_path / 'arm.xml'
    path.write_text(ANCHORED.replace(old, new))
    with pytest.raises(SketchRobotError, match=match) as caught:
        load_mjcf(path, tool='pen')
    assert caught.value.code == ErrorCode.BAD_GOAL


def test_a_tool_below_the_base_is_refused_in_mjcf(tmp_path) -> None:
    path = tmp_path / 'arm.xml'
    path.write_text(ANCHORED)
    with pytest.raises(SketchRobotError, match='does not hang on'):
        load_mjcf(path, tool='base', base='arm')


@given(st.lists(st.floats(-3.0, 3.0), min_size=6, max_size=6))
def test_a_frame_times_its_inverse_is_no_move_and_quaternions_round_trip(values: list[float]) -> None:
    frame = transform(values[:3], values[3:])
    assert np.abs(frame @ inverse(frame) - np.eye(4)).max() < 1e-12
    assert np.abs(from_quaternion(frame[:3, 3], quaternion(frame)) - frame).max() < 1e-12


def test_the_turn_about_the_pen_is_free_where_the_arm_has_an_axis_for_it() -> None:
    able = {arm: field_of(arm).situation.can_turn for arm in ('sample', *TOYS)}
    assert able == {'sample': True, 'scara': True, 'gantry': False, 'five axes': False, 'seven axes': True}


def test_mjcf_need_not_say_what_its_parts_weigh(tmp_path) -> None:
    path = tmp_path / 'arm.xml'
    path.write_text(
        '<mujoco><worldbody><body name="arm"><joint name="q" range="-1 1"/><body name="pen"/></body></worldbody>'
        '</mujoco>'
    )
    assert load_mjcf(path, tool='pen').names == ('q',)
