"""Reading what is learned from: sheets, single pictures, and what is none."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from sketch_robot.characters.pictures import read_pictures
from sketch_robot.errors import ErrorCode, SketchRobotError


def test_a_sheet_falls_into_its_faces(picture_folder: Path) -> None:
    found = read_pictures(picture_folder)
    assert (found.train.shape, found.held_out.shape) == ((38, 1, 96, 96), (2, 1, 96, 96))
    sheet = cv2.imread(str(picture_folder / 'sheet_0.png'), cv2.IMREAD_GRAYSCALE)
    assert np.array_equal(found.train[6, 0], sheet[96:192, 96:192])
    assert read_pictures(picture_folder, colour=True).channels == 3
    assert found.digest == read_pictures(picture_folder).digest != read_pictures(picture_folder, most=33).digest
    assert len(read_pictures(picture_folder, most=33).train) == 31


def test_single_pictures_of_any_size_are_cut_to_squares(tmp_path: Path) -> None:
    for k in range(32):
        picture = np.full((120, 200 + k, 3), 255, np.uint8)
        picture[:, :30] = 0  # beyond the middle square
        cv2.imwrite(str(tmp_path / f'{k:02d}.png'), picture)
    found = read_pictures(tmp_path)
    assert found.train.shape == (30, 1, 96, 96)
    assert found.train.min() == 255


def test_folders_without_pictures_are_refused_with_what_to_do(tmp_path: Path, picture_folder: Path) -> None:
    for folder, names, why in (
        (tmp_path, '*', 'holds 0 pictures'),
        (tmp_path / 'missing', '*', 'there is no folder'),
        (picture_folder, 'nobody_*', 'holds 0 pictures named nobody_'),
        (picture_folder, '', 'no pattern'),
    ):
        with pytest.raises(SketchRobotError, match=why) as caught:
            read_pictures(folder, names=names)
        assert caught.value.code == ErrorCode.BAD_GOAL
    (tmp_path / 'a.png').write_text('no picture')
    with pytest.raises(SketchRobotError) as caught:
        read_pictures(tmp_path)
    assert caught.value.code == ErrorCode.BAD_IMAGE
