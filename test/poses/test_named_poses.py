"""Poses by name, and how a sitter takes one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.poses.joints import LEFT_SHOULDER, NECK, RIGHT_ELBOW, RIGHT_SHOULDER, RIGHT_WRIST, torso_length
from sketch_robot.poses.named import NAMES, check_name, taken_by, usual_pose
from sketch_robot.testing.people import STANDING

HEIGHT, WIDTH = 256, 128
SITTER = np.column_stack([STANDING[:, :2] * 55 + (64, 70), STANDING[:, 2]]).astype(np.float32)


def test_there_are_a_dozen_and_they_differ():
    assert len(NAMES) == 12
    poses = [usual_pose(name) for name in NAMES]
    for k, one in enumerate(poses):
        assert all(np.abs(one - other)[:, :2].max() > 0.1 for other in poses[:k])


@pytest.mark.parametrize('name', NAMES)
def test_every_pose_stays_in_the_picture_with_hands_and_feet(name):
    placed = taken_by(SITTER, usual_pose(name), HEIGHT, WIDTH)
    assert (placed[:, :2] > 4).all()
    assert (placed[:, :2] < (WIDTH - 4, HEIGHT - 4)).all()
    assert torso_length(placed) <= torso_length(SITTER) * 1.02


@given(long=st.floats(0.85, 1.2), name=st.sampled_from(NAMES))
def test_a_sitter_keeps_the_arms_that_are_theirs(long, name):
    sitter = SITTER.copy()
    sitter[RIGHT_ELBOW, :2] = sitter[RIGHT_SHOULDER, :2] + (0, long * 0.516 * torso_length(SITTER))
    sitter[6:8] = (-1, -1, 0)  # the other arm is not seen
    usual = usual_pose(name)
    placed = taken_by(sitter, usual, HEIGHT, WIDTH)
    arm = np.hypot(*(placed[RIGHT_ELBOW] - placed[RIGHT_SHOULDER])[:2]) / torso_length(placed)
    told = np.hypot(*(usual[RIGHT_ELBOW] - usual[RIGHT_SHOULDER])[:2]) / torso_length(usual)
    assert arm == pytest.approx(told * long, rel=0.03)


def test_a_waving_hand_is_above_its_elbow_and_on_the_sitters_right():
    waving = usual_pose('waving')
    assert waving[RIGHT_WRIST, 1] < waving[RIGHT_ELBOW, 1] - 0.2
    assert waving[RIGHT_WRIST, 0] < waving[RIGHT_SHOULDER, 0] < waving[NECK, 0] < waving[LEFT_SHOULDER, 0]


def test_joints_that_a_pose_lacks_stay_away_with_all_that_hangs_on_them():
    pose = usual_pose('hero')
    pose[RIGHT_ELBOW] = (-1, -1, 0)
    placed = taken_by(SITTER, pose, HEIGHT, WIDTH)
    assert placed[[RIGHT_ELBOW, RIGHT_WRIST], 2].tolist() == [0, 0]
    assert placed[LEFT_SHOULDER, 2] == 1


def test_an_unknown_name_lists_those_that_exist():
    with pytest.raises(SketchRobotError, match='as_they_stand, dancer') as caught:
        check_name('cartwheel')
    assert caught.value.code is ErrorCode.BAD_GOAL
    assert check_name('') == ''


def test_a_pose_without_hips_cannot_be_taken():
    pose = usual_pose('hero')
    pose[[8, 11], 2] = 0
    with pytest.raises(SketchRobotError, match='shoulders and hips'):
        taken_by(SITTER, pose, HEIGHT, WIDTH)
