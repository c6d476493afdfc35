"""Guides follow the motion of a video, and are the same however they are asked for."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.keyframes.frames import open_frames
from sketch_robot.keyframes.guides import follow_dots, paint_dots, scatter_dots
from sketch_robot.keyframes.keys import read_keys
from sketch_robot.keyframes.learning import guides_for
from sketch_robot.keyframes.motion import flow_between, moved, pulled


def _wall(shift: int) -> np.ndarray:
    rng = np.random.default_rng(8)
    wide = cv2.GaussianBlur(rng.integers(0, 255, (96, 200, 3)).astype(np.uint8), (0, 0), 3.0)
    return np.ascontiguousarray(cv2.normalize(wide, None, 0, 255, cv2.NORM_MINMAX)[:, 20 + shift : 148 + shift])


@pytest.fixture(scope='module')
def moving_wall(tmp_path_factory):
    """Five frames in which all moves left by 2 px a frame."""
    folder = tmp_path_factory.mktemp('wall')
    for number in range(5):
        cv2.imwrite(str(folder / f'{number}.png'), _wall(2 * number)[..., ::-1])
    return folder


def test_flow_takes_points_and_pictures_along():
    flow = flow_between(_wall(0), _wall(4))
    assert np.median(flow[16:-16, 16:-16, 0]) == pytest.approx(-4.0, abs=0.3)
    points = np.array([[60.0, 50.0], [80.0, 40.0]])
    assert moved(points, flow) == pytest.approx(points - (4.0, 0.0), abs=0.7)
    back = pulled(_wall(4), flow)
    assert np.abs(back[8:-8, 8:-8].astype(int) - _wall(0)[8:-8, 8:-8]).mean() < 6


def test_dots_lie_in_the_mask_evenly():
    where = np.zeros((60, 80), bool)
    where[10:50, 20:70] = True
    dots = scatter_dots(where)
    x, y = dots[:, :2].astype(int).T
    assert where[y, x].all()
    away = np.linalg.norm(dots[:, None, :2] - dots[None, :, :2], axis=2) + 99 * np.eye(len(dots))
    assert away.min() > 0.4 * dots[0, 2] / 0.7
    assert np.array_equal(dots, scatter_dots(where))


def test_dots_follow_the_motion_forwards_and_backwards(moving_wall):
    frames = open_frames(moving_wall)
    dots = scatter_dots(np.ones((96, 128), bool))
    track = follow_dots(frames, dots, 2)
    inner = (np.abs(dots[:, 0] - 64) < 40) & (np.abs(dots[:, 1] - 48) < 30)
    assert np.median(track[4, inner, 0] - track[2, inner, 0]) == pytest.approx(-4.0, abs=0.5)
    assert np.median(track[0, inner, 0] - track[2, inner, 0]) == pytest.approx(4.0, abs=0.5)
    assert np.array_equal(track, follow_dots(open_frames(moving_wall), dots, 2))


def test_a_painted_dot_is_where_it_is_in_its_colour():
    dots = np.array([[20, 20, 6, 1, 0, 0], [60, 30, 6, 0, 0, 1]], np.float32)
    picture = paint_dots(dots, dots[:, :2], (80, 50))
    assert picture.shape == (50, 80, 3)
    assert picture[20, 20] == pytest.approx([255, 0, 0], abs=8)
    assert picture[30, 60] == pytest.approx([0, 0, 255], abs=8)
    assert np.abs(picture[48, 2].astype(int) - 128).max() < 40  # far from both


def test_photos_have_no_motion_to_follow(clip):
    photos = open_frames(clip / 'frames', moving=False)
    keys = read_keys(photos, [(0, clip / 'drawn/0.png')])
    with pytest.raises(SketchRobotError, match='no motion') as caught:
        guides_for(photos, keys)
    assert caught.value.code is ErrorCode.BAD_GOAL
