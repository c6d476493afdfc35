"""A clip of a disc that moves over a wall, and how an artist draws it: outlines in black on white."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

SIZE = (64, 48)  # width and height
COUNT = 6


def clip_frame(number: int) -> tuple[np.ndarray, np.ndarray]:
    """A frame and its drawing, (48, 64, 3) uint8 each."""
    rng = np.random.default_rng(5)
    wall = cv2.GaussianBlur(rng.integers(90, 160, (SIZE[1], SIZE[0], 3)).astype(np.uint8), (0, 0), 2.0)
    frame, drawn = wall.copy(), np.full_like(wall, 255)
    middle = (20 + 4 * number, 24)
    cv2.circle(frame, middle, 12, (210, 60, 40), -1)
    cv2.circle(drawn, middle, 12, (0, 0, 0), 2)
    return frame, drawn


@pytest.fixture(scope='session')
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `frames/`, `drawn/` and `mask.png`, which is white around the disc of frame 2."""
    folder = tmp_path_factory.mktemp('clip')
    for name in ('frames', 'drawn'):
        (folder / name).mkdir()
    for number in range(COUNT):
        for name, picture in zip(('frames', 'drawn'), clip_frame(number), strict=True):
            cv2.imwrite(str(folder / name / f'{number}.png'), picture[..., ::-1])
    mask = np.zeros((SIZE[1], SIZE[0]), np.uint8)
    cv2.circle(mask, (28, 24), 22, (255,), -1)
    cv2.imwrite(str(folder / 'mask.png'), mask)
    return folder


@pytest.fixture(scope='session')
def video(clip: Path) -> Path:
    """The same frames as a video."""
    path = clip / 'clip.avi'
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*'MJPG'), 10.0, SIZE)
    for number in range(COUNT):
        writer.write(clip_frame(number)[0][..., ::-1])
    writer.release()
    return path
