"""Pictures of people with their joints, to learn from in pairs: one person in two poses.

A folder holds `PPPP_k.jpg` (person PPPP, picture k), `mask/PPPP_k.png` (where the person is), `joints18.json` (of each
picture's name 18 times [x, y, given]) and `split.json` ({"train": [persons], "test": [persons]}). Backgrounds are left
out: the robot has its sitter's matte, and a generator should not spend itself on walls.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.poses.joints import JOINTS, MIRRORED_JOINTS, moved, part_warp

GROUND = 128  # grey of what is around a person
FRONTAL = 0  # a person's picture that is always near frontal and standing
FRONTAL_SHARE = 0.5  # of the pairs that begin with it: so robots meet their sitters
MOST_TURN_RAD, MOST_ZOOM, MOST_SHIFT = 0.05, 0.08, 0.03  # of the picture to begin with; the shift in picture heights
MOST_LIGHT, MOST_TINT = 0.25, 0.12  # the same for both pictures of a pair


@dataclass(frozen=True, eq=False)
class PosePictures:
    """People in several pictures each.

    Attributes:
        rgba: (M, H, W, 4) uint8; the person over grey, and where they are.
        poses: (M, 18, 3) float32, pixels of these pictures.
        persons: (M,) int64, whose picture it is.
        numbers: (M,) int64, which of the person's.
    """

    rgba: np.ndarray
    poses: np.ndarray
    persons: np.ndarray
    numbers: np.ndarray

    @property
    def size_px(self) -> tuple[int, int]:
        """Height and width."""
        return int(self.rgba.shape[1]), int(self.rgba.shape[2])


@dataclass(frozen=True, eq=False)
class PosePair:
    """A batch: somebody, and the same person in another pose.

    Attributes:
        picture, wanted: (N, 4, H, W) float32 in [-1, 1], the fourth the matte.
        pose, target: (N, 18, 3) float32, px.
        corners, to_source, there: see `PartWarp`; (N, 10, ...).
    """

    picture: Tensor
    wanted: Tensor
    pose: Tensor
    target: Tensor
    corners: Tensor
    to_source: Tensor
    there: Tensor


def load_pictures(folder: Path, split: str, *, height_px: int) -> PosePictures:
    """The people of a part of a folder, 'train' or 'test', in pictures of that height and half that width.

    Raises:
        SketchRobotError: BAD_GOAL, a file is missing or not as it should be.
    """
    try:
        joints = json.loads((folder / 'joints18.json').read_text())
        persons = {int(person) for person in json.loads((folder / 'split.json').read_text())[split]}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SketchRobotError(
            ErrorCode.BAD_GOAL, f'{folder} is no folder of people in poses: {str(error)[:120]}'
        ) from error
    names = sorted(name for name in joints if int(name.split('_')[0]) in persons)
    if not names:
        raise SketchRobotError(ErrorCode.BAD_GOAL, f'{folder} has no people to {split}')
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda name: _read(folder, name, joints[name], height_px), names))
    ids = np.array([[int(part) for part in name.removesuffix('.jpg').split('_')] for name in names])
    return PosePictures(
        np.stack([rgba for rgba, _ in found]), np.stack([pose for _, pose in found]), ids[:, 0], ids[:, 1]
    )


def _read(folder: Path, name: str, joints: Sequence[Sequence[float]], height_px: int) -> tuple[np.ndarray, np.ndarray]:
    bgr = cv2.imread(str(folder / name))
    mask = cv2.imread(str(folder / 'mask' / name.replace('.jpg', '.png')), cv2.IMREAD_GRAYSCALE)
    pose = np.array(joints, np.float32)
    if bgr is None or mask is None or mask.shape != bgr.shape[:2] or pose.shape != (len(JOINTS), 3):
        raise SketchRobotError(ErrorCode.BAD_GOAL, f'{folder / name} has no picture, mask or joints that fit')
    scale = height_px / bgr.shape[0]
    size = (height_px // 2, height_px)
    alpha = (mask > 0).astype(np.float32)[..., None]
    rgb = bgr[..., ::-1] * alpha + GROUND * (1 - alpha)
    rgba = np.concatenate([rgb, 255 * alpha], axis=2)
    if scale != 1.0:
        rgba = cv2.resize(rgba, size, interpolation=cv2.INTER_AREA)
    pose[:, :2] *= np.where(pose[:, 2:] > 0, scale, 1.0)
    return np.rint(rgba).astype(np.uint8), pose


class PosePairs:
    """Batches, functions of seed and step alone.

    Args:
        pictures: to learn from.
        count: pairs of a batch.
        seed: of the choice.
        vary: turn, zoom, shift, mirror and tint pairs; without, they are as they are.
    """

    def __init__(self, pictures: PosePictures, *, count: int = 4, seed: int = 0, vary: bool = True) -> None:
        self.pictures, self.count, self.seed, self.vary = pictures, count, seed, vary
        self._of = {int(person): np.flatnonzero(pictures.persons == person) for person in set(pictures.persons)}
        self._persons = sorted(person for person, rows in self._of.items() if len(rows) > 1)
        if not self._persons:
            raise SketchRobotError(ErrorCode.BAD_GOAL, 'nobody is there in two poses')

    @contextmanager
    def stream(self, first: int) -> Iterator[Iterator[PosePair]]:
        """Batches from a step on, each made while the one before it is learned from."""
        with ThreadPoolExecutor(1) as pool:

            def batches() -> Iterator[PosePair]:
                step = first
                coming = pool.submit(self.batch, step)
                while True:
                    ready = coming.result()
                    step += 1
                    coming = pool.submit(self.batch, step)
                    yield ready

            yield batches()

    def batch(self, step: int) -> PosePair:
        """The batch of a step."""
        rng = np.random.default_rng((self.seed, step))
        pairs = []
        for _ in range(self.count):
            rows = self._of[self._persons[int(rng.integers(len(self._persons)))]]
            a, b = rng.choice(rows, 2, replace=False)
            frontal = rows[self.pictures.numbers[rows] == FRONTAL]
            if len(frontal) and rng.random() < FRONTAL_SHARE and b != frontal[0]:
                a = frontal[0]
            pairs.append(self._pair(int(a), int(b), rng))
        return pair_batch(pairs)

    def fixed(self, count: int) -> list[tuple[int, int]]:
        """Pairs of rows to compare by, the same for ever: each person's frontal picture and another, in turn."""
        found = []
        for turn in range(1, 8):
            for person in self._persons:
                rows = self._of[person]
                others = rows[self.pictures.numbers[rows] != FRONTAL]
                begin = rows[self.pictures.numbers[rows] == FRONTAL]
                if len(begin) and len(others) >= turn:
                    found.append((int(begin[0]), int(others[turn - 1])))
        return found[:count]

    def of(self, rows: Sequence[tuple[int, int]]) -> PosePair:
        """A batch of pairs of rows as they are."""
        pictures = self.pictures
        return pair_batch([(pictures.rgba[a], pictures.poses[a], pictures.rgba[b], pictures.poses[b]) for a, b in rows])

    def _pair(self, a: int, b: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        pictures = self.pictures
        first, pose = pictures.rgba[a], pictures.poses[a]
        second, target = pictures.rgba[b], pictures.poses[b]
        if not self.vary:
            return first, pose, second, target
        height, width = pictures.size_px
        turn, zoom = rng.uniform(-MOST_TURN_RAD, MOST_TURN_RAD), np.exp(rng.uniform(-MOST_ZOOM, MOST_ZOOM))
        matrix: np.ndarray = cv2.getRotationMatrix2D((width / 2, height / 2), np.degrees(turn), zoom)
        shift = rng.uniform(-MOST_SHIFT, MOST_SHIFT, 2) * height
        matrix = np.column_stack([matrix[:, :2], matrix[:, 2] + shift])
        pose = moved(pose, matrix)
        centred = matrix.copy()
        centred[:, 2] += 0.5 * matrix[:, :2].sum(axis=1) - 0.5  # OpenCV's pixel centres lie at whole numbers
        first = cv2.warpAffine(
            first, centred, (width, height), flags=cv2.INTER_LINEAR, borderValue=(GROUND, GROUND, GROUND, 0)
        )
        light = 1.0 + rng.uniform(-MOST_LIGHT, MOST_LIGHT) + rng.uniform(-MOST_TINT, MOST_TINT, 3)
        first, second = _lit(first, light), _lit(second, light)
        if rng.random() < 0.5:
            first, pose = _mirrored(first, pose)
            second, target = _mirrored(second, target)
        return first, pose, second, target


def pair_batch(pairs: Sequence[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]]) -> PosePair:
    """Pairs of picture, pose, wanted picture and its pose as a batch."""
    warps = [part_warp(pose, target) for _, pose, _, target in pairs]

    def stacked(arrays: Sequence[np.ndarray]) -> Tensor:
        return torch.from_numpy(np.stack(arrays))

    return PosePair(
        picture_tensor(np.stack([pair[0] for pair in pairs])),
        picture_tensor(np.stack([pair[2] for pair in pairs])),
        stacked([pair[1] for pair in pairs]),
        stacked([pair[3] for pair in pairs]),
        stacked([warp.corners for warp in warps]),
        stacked([warp.to_source for warp in warps]),
        stacked([warp.there for warp in warps]).float(),
    )


def picture_tensor(rgba: np.ndarray) -> Tensor:
    """(N, H, W, 4) uint8 as (N, 4, H, W) float32 in [-1, 1]."""
    return torch.from_numpy(np.ascontiguousarray(rgba.transpose(0, 3, 1, 2))).float() / 127.5 - 1


def _lit(rgba: np.ndarray, light: np.ndarray) -> np.ndarray:
    """The person in other light; grey stays what it is."""
    found = rgba.astype(np.float32)
    alpha = found[..., 3:] / 255
    person = (found[..., :3] - GROUND * (1 - alpha)) * light
    return np.concatenate([np.clip(person + GROUND * (1 - alpha), 0, 255), found[..., 3:]], axis=2).astype(np.uint8)


def _mirrored(rgba: np.ndarray, pose: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    found = pose[list(MIRRORED_JOINTS)].copy()
    found[:, 0] = np.where(found[:, 2] > 0, rgba.shape[1] - found[:, 0], -1.0)
    return np.ascontiguousarray(rgba[:, ::-1]), found
