"""Reading arms from URDF."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from arm_worlds import SAMPLE, fixed, joint, robot, sample_chain
from hypothesis import given, settings
from hypothesis import strategies as st

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.plotters.arm.chain import require_limits
from sketch_robot.plotters.arm.kinematics import forward
from sketch_robot.plotters.arm.model_file import load_urdf, read_urdf
from sketch_robot.plotters.arm.setup import is_mjcf

ONE = joint('q', 'a', 'b', '0 0 1', '0 0 2')


def refused(text: str, match: str, *, tool: str = 'b', base: str = '') -> None:
    with pytest.raises(SketchRobotError, match=match) as caught:
        read_urdf(text, tool=tool, base=base)
    assert caught.value.code == ErrorCode.BAD_GOAL


def test_the_sample_arm_has_six_joints_with_the_limits_of_its_file() -> None:
    chain = load_urdf(SAMPLE, tool='pen_tip')
    assert chain.names == tuple(f'joint_{k}' for k in range(1, 7))
    assert chain.base == 'base_link'
    assert chain.joints[1].lower == -1.75
    assert chain.joints[1].upper == 2.36
    assert chain.joints[3].speed == 6.28
    assert all(math.isnan(each.accel) for each in chain.joints)


def test_the_pen_of_the_sample_arm_is_held_at_30_degrees_to_its_flange() -> None:
    flange = load_urdf(SAMPLE, tool='tool0')
    q = np.array([0.3, -0.2, 0.4, 0.5, 0.6, 0.7])
    cosine = forward(flange, q)[:3, 2] @ forward(sample_chain(), q)[:3, 2]
    assert math.degrees(math.acos(cosine)) == pytest.approx(30.0, abs=1e-6)


def test_fixed_joints_are_folded_into_the_moving_ones() -> None:
    text = robot(fixed('f', 'a', 'b', '1 0 0', '0 0 1.5707963267948966'), joint('q', 'b', 'c', '1 0 0', '0 0 1'),
                 fixed('g', 'c', 'd', '0 0 0.5'))  # fmt: skip
    chain = read_urdf(text, tool='d')
    assert chain.names == ('q',)
    assert forward(chain, np.zeros(1))[:3, 3] == pytest.approx([1.0, 1.0, 0.5])
    assert forward(chain, np.array([math.pi / 2]))[:3, 0] == pytest.approx([-1.0, 0.0, 0.0], abs=1e-12)


def test_the_page_may_be_placed_in_any_link_below_the_tool() -> None:
    text = robot(joint('q', 'a', 'b', '0 0 1', '0 0 1'), joint('r', 'b', 'c', '0 0 1', '0 0 1'))
    assert read_urdf(text, tool='c', base='b').names == ('r',)
    assert read_urdf(text, tool='c', base='a').names == ('q', 'r')


def test_an_axis_is_brought_to_length_one_and_is_x_when_none_is_given() -> None:
    assert read_urdf(robot(ONE), tool='b').joints[0].axis == pytest.approx([0.0, 0.0, 1.0])
    assert read_urdf(robot(ONE.replace('<axis xyz="0 0 2"/>', '')), tool='b').joints[0].axis[0] == 1.0


def test_a_continuous_joint_keeps_within_a_turn_of_zero() -> None:
    text = robot(joint('q', 'a', 'b', '0 0 1', '0 0 1', kind='continuous', limit='<limit effort="1" velocity="2"/>'))
    only = read_urdf(text, tool='b').joints[0]
    assert (only.lower, only.upper, only.speed) == (-2 * math.pi, 2 * math.pi, 2.0)


def test_a_prismatic_joint_slides() -> None:
    text = robot(joint('q', 'a', 'b', '0 0 1', '0 1 0', kind='prismatic'))
    chain = read_urdf(text, tool='b')
    assert chain.sliding.tolist() == [True]
    assert forward(chain, np.array([0.25]))[:3, 3] == pytest.approx([0.0, 0.25, 1.0])


def test_meshes_are_never_opened() -> None:
    mesh = '<visual><geometry><mesh filename="package://nowhere/no.stl"/></geometry></visual>'
    text = robot(ONE).replace('<link name="a"/>', f'<link name="a">{mesh}</link>')
    assert read_urdf(text, tool='b').names == ('q',)


def test_a_mimicking_joint_is_refused_in_the_chain_and_ignored_beside_it() -> None:
    gripper = joint('finger', 'b', 'c', '0 0 0', '0 1 0').replace('</joint>', '<mimic joint="q"/></joint>')
    assert read_urdf(robot(ONE, gripper), tool='b').names == ('q',)
    refused(robot(ONE, gripper), "joint 'finger' mimics another one", tool='c')


@pytest.mark.parametrize('kind', ['planar', 'floating', 'helical', ''])
def test_a_joint_of_a_kind_that_arms_lack_is_refused(kind: str) -> None:
    refused(robot(joint('q', 'a', 'b', '0 0 1', '0 0 1', kind=kind)), f"joint 'q' is of type '{kind}'")


@pytest.mark.parametrize(
    ('text', 'match'),
    [
        ('', 'cannot be used'),
        ('<robot', 'cannot be used'),
        ('<mujoco/>', 'begins with <robot>'),
        ('<!DOCTYPE robot [<!ENTITY a SYSTEM "b">]><robot name="x"/>', "declares the entity 'a'"),
        (robot(ONE, joint('r', 'c', 'b', '0 0 1', '0 0 1')), "'b' hangs on two joints"),
        (robot(ONE.replace('xyz="0 0 2"', 'xyz="0 0 0"')), "axis of joint 'q' has no direction"),
        (robot(ONE.replace('xyz="0 0 1"', 'xyz="0 0"')), "origin of joint 'q' is '0 0'"),
        (robot(ONE.replace('xyz="0 0 1"', 'xyz="0 nan 1"')), "origin of joint 'q' is '0 nan 1'"),
        (robot(ONE.replace('upper="2.9"', 'upper="two"')), "upper of joint 'q' is 'two'"),
        (robot(ONE.replace('upper="2.9"', 'upper="-3"')), "joint 'q' has no room between its ends"),
        (robot(ONE.replace('velocity="3"', 'velocity="-1"')), "joint 'q' has the velocity limit -1"),
        (robot(ONE.replace('<child link="b"/>', '')), "joint 'q' has no child"),
        (robot(ONE.replace('<parent link="a"/>', '<parent/>')), "the parent of joint 'q'"),
        (robot(fixed('f', 'a', 'b', '0 0 0')), 'no moving joint between a and b'),
    ],
)
def test_a_file_that_is_no_arm_is_refused_with_what_is_wrong(text: str, match: str) -> None:
    refused(text, match)


def test_links_in_a_ring_are_refused() -> None:
    refused(robot(ONE, joint('r', 'b', 'a', '0 0 1', '0 0 1')), 'form a ring')


def test_a_tool_frame_that_is_not_there_is_refused_with_the_links_that_are() -> None:
    refused(robot(ONE), "no link 'pen'; its links are: a, b, c", tool='pen')
    refused(robot(ONE), "no link 'table'", base='table')


def test_a_tool_on_another_branch_than_the_base_is_refused() -> None:
    refused(robot(ONE, joint('r', 'a', 'c', '0 0 1', '0 0 1')), "tool 'b' does not hang on the base 'c'", base='c')


def test_missing_limits_are_asked_for_by_joint_with_where_to_write_them() -> None:
    bare = read_urdf(robot(joint('q', 'a', 'b', '0 0 1', '0 0 1', limit='<limit effort="1" velocity="3"/>')), tool='b')
    with pytest.raises(SketchRobotError, match=r"'q' has no lower limit; .* joint_limits: \{q: \{lower: ...\}\}"):
        require_limits(bare)
    partly = bare.limited({'q': {'lower': -1.0, 'upper': 2.0}})
    with pytest.raises(SketchRobotError, match='no acceleration limit'):
        require_limits(partly)
    whole = require_limits(partly.limited({'q': {'acceleration': 5.0}}))
    assert (whole.lower[0], whole.upper[0], whole.speed[0], whole.accel[0]) == (-1.0, 2.0, 3.0, 5.0)


def test_limits_can_be_tightened_but_not_widened() -> None:
    chain = read_urdf(robot(ONE), tool='b')
    assert chain.limited({'q': {'upper': 1.0, 'velocity': 1.0}}).joints[0].upper == 1.0
    assert chain.limited({'q': {'upper': 9.0}}).joints[0].upper == 2.9


@pytest.mark.parametrize(
    ('limits', 'match'),
    [
        ({'z': {'upper': 1.0}}, "no joint 'z' to limit; it has: q"),
        ({'q': {'torque': 1.0}}, "no limit 'torque'"),
        ({'q': {'upper': 'far'}}, "limit upper of joint 'q' is 'far'"),
        ({'q': {'upper': math.inf}}, "limit upper of joint 'q' is inf"),
        ({'q': {'upper': True}}, 'is True'),
        ({'q': 3.0}, 'are no mapping'),
        ({'q': {'velocity': -1.0}}, 'velocity limit -1'),
        ({'q': {'lower': 5.0}}, 'no room'),
    ],
)
def test_limits_that_make_no_sense_are_refused(limits: dict[str, object], match: str) -> None:
    with pytest.raises(SketchRobotError, match=match) as caught:
        read_urdf(robot(ONE), tool='b').limited(limits)  # type: ignore[arg-type]
    assert caught.value.code == ErrorCode.BAD_GOAL


def test_a_file_that_is_missing_or_no_text_is_refused(tmp_path) -> None:
    with pytest.raises(SketchRobotError, match=r'cannot read the arm .*No such file'):
        load_urdf(tmp_path / 'no.urdf', tool='b')
    (tmp_path / 'bytes.urdf').write_bytes(b'\xff\xfe\x00')
    with pytest.raises(SketchRobotError, match='no text in UTF-8'):
        load_urdf(tmp_path / 'bytes.urdf', tool='b')


@settings(deadline=None, max_examples=200)
@given(st.integers(0, 10**6), st.integers(1, 60), st.sampled_from(['', '<', '"', '0', 'nan', '&x;', '\x00', 'é']))
def test_a_damaged_file_is_read_or_refused_and_nothing_else(start: int, length: int, put: str) -> None:
    text = SAMPLE.read_text()
    start %= len(text)
    damaged = text[:start] + put + text[start + length :]
    try:
        chain = read_urdf(damaged, tool='pen_tip')
    except SketchRobotError as error:
        code = error.code
    else:
        code = ErrorCode.BAD_GOAL
        assert np.isfinite(forward(chain, np.zeros(len(chain.joints)))).all()
    assert code == ErrorCode.BAD_GOAL


def test_ends_in_degrees_are_refused() -> None:
    limit = '<limit lower="-180" upper="180" effort="1" velocity="3"/>'
    refused(robot(joint('q', 'a', 'b', '0 0 1', '0 0 1', limit=limit)), "'q' turns from -180 to 180 rad; are those deg")


def test_a_velocity_of_zero_is_one_that_the_file_does_not_know() -> None:
    limit = '<limit lower="-1" upper="1" effort="0" velocity="0"/>'
    chain = read_urdf(robot(joint('q', 'a', 'b', '0 0 1', '0 0 1', limit=limit)), tool='b')
    assert math.isnan(chain.joints[0].speed)
    assert chain.limited({'q': {'velocity': 2.0}}).joints[0].speed == 2.0


@pytest.mark.parametrize(
    'text',
    [
        '<robot name="r" xmlns:xacro="http://www.ros.org/wiki/xacro"><xacro:arm prefix=""/></robot>',
        robot(ONE.replace('0 0 1', '0 0 ${height}')),
    ],
)
def test_xacro_is_told_from_urdf(text: str) -> None:
    refused(text, 'xacro my_arm.urdf.xacro > my_arm.urdf')


def test_a_urdf_made_from_xacro_may_still_name_it() -> None:
    text = robot(ONE).replace('<robot ', '<robot xmlns:xacro="http://www.ros.org/wiki/xacro" ')
    assert read_urdf(text, tool='b').names == ('q',)


def test_two_joints_of_one_name_are_refused() -> None:
    refused(robot(ONE, joint('q', 'b', 'c', '0 0 1', '0 1 0')), "two joints of the arm have the name 'q'", tool='c')


@pytest.mark.parametrize(
    ('text', 'mjcf'),
    [
        ('<!-- <robot> -->\n<mujoco model="a"/>', True),
        ('<?xml version="1.0"?><!-- <mujoco> --><robot/>', False),
        ('', False),
    ],
)
def test_a_file_is_what_its_first_element_says(text: str, mjcf: bool, tmp_path: Path) -> None:
    (tmp_path / 'arm.xml').write_text(text)
    assert is_mjcf(tmp_path / 'arm.xml') is mjcf
