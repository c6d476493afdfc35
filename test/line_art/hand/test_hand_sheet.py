"""A sheet that was printed, drawn on and photographed askew gives the drawing back, in register."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.line_art.hand.sheet import SHEET_PX, frame_on_sheet, print_sheet, read_sheet

SIZE = (320, 240)


def _frame() -> np.ndarray:
    rng = np.random.default_rng(4)
    return cv2.GaussianBlur(rng.integers(0, 255, (240, 320, 3)).astype(np.uint8), (0, 0), 4.0)


def _drawn(sheet: np.ndarray) -> np.ndarray:
    """A cross and a circle in black, in the frame's middle and quarter."""
    left, top, right, bottom = frame_on_sheet(SIZE[0] / SIZE[1])
    across, down = right - left, bottom - top
    done = sheet.copy()
    cv2.line(done, (left + across // 4, top + down // 2), (left + 3 * across // 4, top + down // 2), (20, 20, 20), 14)
    cv2.circle(done, (left + across // 2, top + down // 4), down // 8, (20, 20, 20), 14)
    return done


def _photographed(sheet: np.ndarray, corners: list[list[int]], size: tuple[int, int] = (1500, 1900)) -> np.ndarray:
    """The sheet on a dark table, askew, with light that falls off and grain."""
    width, height = SHEET_PX
    matrix = cv2.getPerspectiveTransform(
        np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32), np.array(corners, np.float32)
    )
    photo = cv2.warpPerspective(sheet, matrix, size, flags=cv2.INTER_AREA, borderValue=(60, 50, 40)).astype(float)
    photo *= np.linspace(1.0, 0.7, size[0])[None, :, None]
    photo += np.random.default_rng(1).normal(0, 3, photo.shape)
    return np.clip(photo, 0, 255).astype(np.uint8)


ASKEW = [[160, 120], [1380, 200], [1300, 1780], [90, 1700]]


def test_the_drawing_comes_back_in_register():
    photo = _photographed(_drawn(print_sheet(_frame())), ASKEW)
    ink = 1 - read_sheet(photo, SIZE)[..., 0] / 255.0
    assert ink.shape == (240, 320)
    rows = np.flatnonzero(ink[:, 120] > 0.5)
    assert rows.mean() + 0.5 == pytest.approx(120, abs=1.0)  # the line through the middle
    columns = np.flatnonzero(ink[120] > 0.5)
    assert (columns[0], columns[-1]) == (pytest.approx(80, abs=2), pytest.approx(240, abs=2))
    circle = np.argwhere(ink[:100] > 0.5)
    assert circle.mean(axis=0)[::-1] + 0.5 == pytest.approx([160, 60], abs=1.0)
    inked = cv2.dilate((ink > 0.5).astype(np.uint8), np.ones((7, 7), np.uint8)) > 0
    assert ink[~inked].mean() < 0.01  # nothing of the print


def test_a_covered_mark_and_an_upside_down_photo_cost_nothing():
    sheet = _drawn(print_sheet(_frame()))
    sheet[:420, :420] = 120  # a hand on the first mark
    photo = np.rot90(_photographed(sheet, ASKEW), 2).copy()
    ink = 1 - read_sheet(photo, SIZE)[..., 0] / 255.0
    assert np.flatnonzero(ink[:, 120] > 0.5).mean() + 0.5 == pytest.approx(120, abs=1.2)


def test_too_few_marks_are_told():
    with pytest.raises(SketchRobotError, match='only 0 of the 4 corner marks') as caught:
        read_sheet(np.full((600, 500, 3), 200, np.uint8), SIZE)
    assert caught.value.code is ErrorCode.BAD_IMAGE


def test_a_sheet_with_nothing_drawn_is_told():
    with pytest.raises(SketchRobotError, match='nothing is drawn'):
        read_sheet(_photographed(print_sheet(_frame()), ASKEW), SIZE)


@pytest.mark.parametrize('aspect', [0.5, 1.0, 16 / 9])
def test_the_frame_lies_between_the_marks_with_its_own_shape(aspect):
    left, top, right, bottom = frame_on_sheet(aspect)
    assert (right - left) / (bottom - top) == pytest.approx(aspect, rel=0.01)
    assert left >= 120
    assert right <= SHEET_PX[0] - 120
    assert top >= 420
    assert bottom <= SHEET_PX[1] - 420
