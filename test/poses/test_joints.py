"""Body parts between joints, and where each comes from."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.poses.joints import (
    LEFT_ELBOW,
    LEFT_WRIST,
    LIMBS,
    MIRRORED_JOINTS,
    PARTS,
    RIGHT_HIP,
    RIGHT_WRIST,
    check_pose,
    moved,
    part_warp,
    read_pose,
    torso_length,
)
from sketch_robot.testing.people import STANDING

POSE = np.column_stack([STANDING[:, :2] * 30 + (64, 60), STANDING[:, 2]]).astype(np.float32)


def through(matrix: np.ndarray, xy: np.ndarray) -> np.ndarray:
    return xy @ matrix[:, :2].T + matrix[:, 2]


def test_a_pose_on_itself_moves_no_part():
    warp = part_warp(POSE, POSE)
    assert warp.there.all()
    for corners, matrix in zip(warp.corners, warp.to_source, strict=True):
        assert through(matrix, corners) == pytest.approx(corners, abs=1e-3)


@given(turn=st.floats(-0.4, 0.4), zoom=st.floats(0.5, 2.0), x=st.floats(-30, 30), y=st.floats(-30, 30))
def test_parts_follow_a_body_that_is_turned_scaled_and_moved(turn, zoom, x, y):
    matrix = np.array([[np.cos(turn), -np.sin(turn), x], [np.sin(turn), np.cos(turn), y]])
    matrix[:, :2] *= zoom
    target = moved(POSE, matrix)
    warp = part_warp(POSE, target)
    for part in range(2, PARTS):  # limbs
        first, last = LIMBS[part - 2]
        assert through(warp.to_source[part], target[[first, last], :2]) == pytest.approx(
            POSE[[first, last], :2], abs=0.05
        )


def test_an_arm_that_is_not_seen_is_taken_from_the_other_and_one_that_neither_has_is_left_out():
    hidden = POSE.copy()
    hidden[[LEFT_ELBOW, LEFT_WRIST]] = (-1, -1, 0)
    warp = part_warp(hidden, POSE)
    assert warp.there.all()
    right = through(warp.to_source[4], POSE[[5, 6], :2])  # the left upper arm, from the right one
    assert right == pytest.approx(hidden[[2, 3], :2], abs=0.05)
    hidden[[RIGHT_WRIST]] = (-1, -1, 0)
    assert not part_warp(hidden, POSE).there[[3, 5]].any()
    assert not part_warp(POSE, hidden).there[[3, 4, 5]].any()


def test_shoulders_seen_from_the_side_leave_a_torso():
    sideways = POSE.copy()
    sideways[[2, 5, 8, 11], 0] = 64.0
    warp = part_warp(POSE, sideways)
    assert warp.there[1]
    assert np.isfinite(warp.to_source[1]).all()


def test_mirroring_twice_changes_nothing():
    assert np.array(MIRRORED_JOINTS)[list(MIRRORED_JOINTS)].tolist() == list(range(18))


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        ('[[1, 2, 1]]', '18 joints'),
        ('"dancer"', 'this is no pose'),
        ('{', 'this is no pose'),
        (json.dumps([[1, 2, 0]] * 18), 'no shoulders or no hips'),
        (json.dumps([[float('nan'), 2, 1]] * 18), '18 joints'),
    ],
)
def test_what_is_no_pose_is_refused(text, message):
    with pytest.raises(SketchRobotError, match=message) as caught:
        read_pose(text)
    assert caught.value.code is ErrorCode.BAD_GOAL


def test_a_torso_is_measured_by_one_hip_where_only_one_is_given():
    half = POSE.copy()
    half[RIGHT_HIP] = (-1, -1, 0)
    assert torso_length(check_pose(half)) == pytest.approx(30, rel=0.05)
