"""A tiny generator that has learned next to nothing, and pictures to learn from."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from sketch_robot.characters.character_file import CharacterNet
from sketch_robot.characters.pictures import CharacterPictures, read_pictures
from sketch_robot.characters.trainer import CharacterOptions, CharacterRun

TINY = CharacterOptions(
    width=4, latent=6, encode=3, flow=2, game=4, realism=2, batch=4, save_every=1000, log_every=1, look_every=2
)


def face(k: int) -> np.ndarray:
    """A round face, (96, 96, 3) uint8, each another."""
    rng = np.random.default_rng(k)
    picture = np.full((96, 96, 3), 255, np.uint8)
    cv2.circle(picture, (48, 52), int(rng.integers(25, 38)), (0, 0, 0), 2, cv2.LINE_AA)
    for x in (38, 60):
        cv2.circle(picture, (x, 46), int(rng.integers(2, 6)), (0, 0, 0), -1, cv2.LINE_AA)
    cv2.ellipse(picture, (48, 66), (int(rng.integers(6, 14)), 4), 0, 0, 180, (0, 0, 0), 2, cv2.LINE_AA)
    return picture


def write_sheet(path: Path, first: int, rows: int, columns: int) -> None:
    """A sheet of faces."""
    tiles = np.array([face(first + k) for k in range(rows * columns)]).reshape(rows, columns, 96, 96, 3)
    cv2.imwrite(str(path), tiles.transpose(0, 2, 1, 3, 4).reshape(rows * 96, columns * 96, 3))


@pytest.fixture(scope='session')
def tiny_options() -> CharacterOptions:
    """Two to four steps of each phase."""
    return TINY


@pytest.fixture(scope='session')
def picture_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two sheets of 4 x 5 faces."""
    folder = tmp_path_factory.mktemp('characters')
    for k in range(2):
        write_sheet(folder / f'sheet_{k}.png', 20 * k, 4, 5)
    return folder


@pytest.fixture(scope='session')
def pictures(picture_folder: Path) -> CharacterPictures:
    """The faces of the folder."""
    return read_pictures(picture_folder)


@pytest.fixture(scope='session')
def tiny_run(pictures: CharacterPictures, tmp_path_factory: pytest.TempPathFactory) -> CharacterRun:
    """A run that has gone through all phases."""
    run = CharacterRun(tmp_path_factory.mktemp('tiny'), pictures, TINY)
    run.run()
    return run


@pytest.fixture(scope='session')
def tiny_net(tiny_run: CharacterRun) -> CharacterNet:
    """Its net."""
    from sketch_robot.characters.export import exported

    return exported(tiny_run, 'circles, public domain', kept=0.5, tried=128)
