"""Painted people in poses, as a folder to learn from, and a generator too small to be good."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from sketch_robot.poses.named import NAMES, usual_pose
from sketch_robot.testing.people import STANDING, synthetic_person

SHIRTS = ((190, 60, 50), (60, 150, 80), (70, 80, 190), (200, 180, 60))


def poses_of(person: int) -> list[np.ndarray]:
    return [STANDING, *(usual_pose(NAMES[(3 * person + k) % len(NAMES)]) for k in range(3))]


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    """Layers this small take longer on two cores than on one."""
    torch.set_num_threads(1)


@pytest.fixture(scope='session')
def people(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four people in four poses each, 128 x 64 px; the last to be tested with."""
    folder = tmp_path_factory.mktemp('people')
    (folder / 'mask').mkdir()
    joints = {}
    for person, shirt in enumerate(SHIRTS):
        for number, pose in enumerate(poses_of(person)):
            name = f'{person:04d}_{number}'
            picture, matte, placed = synthetic_person(128, 64, pose=pose, shirt=shirt, size=0.75)
            cv2.imwrite(str(folder / f'{name}.jpg'), picture[..., ::-1])
            cv2.imwrite(str(folder / 'mask' / f'{name}.png'), np.where(matte > 0.5, 255, 0).astype(np.uint8))
            joints[f'{name}.jpg'] = placed.tolist()
    (folder / 'joints18.json').write_text(json.dumps(joints))
    (folder / 'split.json').write_text(json.dumps({'train': [0, 1, 2], 'test': [3]}))
    return folder
