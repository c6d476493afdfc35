"""A sheet to draw on: a frame printed in pale blue between four marks, and what was drawn, from a photo of the sheet.

The marks are ArUco's (Garrido-Jurado et al. 2014), numbers 0 to 3 from the upper left corner clockwise; any three of
them will do, so that a thumb on one costs nothing. Paper and pale blue are equally light in the blue channel, where any
pen that is not blue is dark: so ink is told from print, as draughtsmen have done with non-photo blue.
"""

from __future__ import annotations

import cv2
import numpy as np

from sketch_robot.errors import ErrorCode, SketchRobotError

SHEET_PX = (2100, 2970)  # A4 at 254 dots per inch: ten a millimetre
MARGIN_PX, MARK_PX = 120, 260
GAP_PX = 40  # between marks and frame
PALE = 0.55  # how much of the light the darkest of the print takes off red
MARKS = 4
LEAST_MARKS = 3
WIDE_SHARE = 0.04  # of the frame's side: paper is lit evenly over so much
INK_FROM, INK_TO = 0.12, 0.45  # darker than paper by so much: none, and full ink


def print_sheet(frame: np.ndarray) -> np.ndarray:
    """A sheet of A4 to print: (H, W, 3) uint8 RGB in, (2970, 2100, 3) uint8 RGB out."""
    width, height = SHEET_PX
    sheet = np.full((height, width, 3), 255, np.uint8)
    for number, (x, y) in enumerate(_mark_corners()):
        mark = cv2.aruco.generateImageMarker(_dictionary(), number, MARK_PX)
        sheet[y : y + MARK_PX, x : x + MARK_PX] = mark[..., None]
    left, top, right, bottom = frame_on_sheet(frame.shape[1] / frame.shape[0])
    grey = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)
    how = cv2.INTER_AREA if grey.shape[1] > right - left else cv2.INTER_CUBIC
    light = cv2.resize(grey, (right - left, bottom - top), interpolation=how).astype(np.float32) / 255
    pale = np.stack([1 - PALE * (1 - light), 1 - 0.4 * PALE * (1 - light), np.ones_like(light)], axis=2)
    sheet[top:bottom, left:right] = np.rint(pale * 255).astype(np.uint8)
    cv2.rectangle(sheet, (left - 3, top - 3), (right + 2, bottom + 2), (170, 210, 255), 2)
    return sheet


def frame_on_sheet(aspect: float) -> tuple[int, int, int, int]:
    """Where a frame of that width to height lies on the sheet: left, top, right, bottom, px."""
    width, height = SHEET_PX
    room_x = width - 2 * MARGIN_PX
    room_y = height - 2 * (MARGIN_PX + MARK_PX + GAP_PX)
    across = min(room_x, room_y * aspect)
    down = across / aspect
    left, top = round((width - across) / 2), round((height - down) / 2)
    return left, top, left + round(across), top + round(down)


def read_sheet(photo: np.ndarray, size_px: tuple[int, int]) -> np.ndarray:
    """What was drawn on a sheet, from a photo of it.

    Args:
        photo: (H, W, 3) uint8 RGB, all of the sheet in it, from any side.
        size_px: width and height of the frame that was printed.

    Returns:
        (H, W, 3) uint8, black on white, in register with the frame and of its size.

    Raises:
        SketchRobotError: BAD_IMAGE, fewer than three of the marks are seen, or nothing is drawn.
    """
    grey = cv2.cvtColor(photo, cv2.COLOR_RGB2GRAY)
    corners, numbers, _ = cv2.aruco.ArucoDetector(_dictionary(), _finding()).detectMarkers(grey)
    seen = {int(n): c.reshape(4, 2) for c, n in zip(corners, () if numbers is None else numbers.ravel(), strict=True)}
    wanted = {n: _square(x, y) for n, (x, y) in enumerate(_mark_corners()) if n in seen}
    if len(wanted) < LEAST_MARKS:
        raise SketchRobotError(
            ErrorCode.BAD_IMAGE,
            f'only {len(wanted)} of the {MARKS} corner marks are seen; photograph the whole sheet, flat and evenly lit',
        )
    left, top, right, bottom = frame_on_sheet(size_px[0] / size_px[1])
    scale = 2.0 * np.array(size_px) / (right - left, bottom - top)  # twice as fine, to be averaged
    to_frame = np.concatenate([(square - (left, top)) * scale for square in wanted.values()])
    from_photo = np.concatenate([seen[n] for n in wanted]) + 0.5
    homography, _ = cv2.findHomography(from_photo, to_frame, 0)
    shift = np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1.0]])  # OpenCV's pixel centres lie at whole numbers
    matrix = np.linalg.inv(shift) @ homography @ shift
    fine = (2 * size_px[0], 2 * size_px[1])
    flat = cv2.warpPerspective(photo, matrix, fine, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    ink = _ink_of(flat[..., 2])
    ink = cv2.resize(ink, size_px, interpolation=cv2.INTER_AREA)
    if float(ink.max()) < 0.5:
        raise SketchRobotError(
            ErrorCode.BAD_IMAGE, 'nothing is drawn on the sheet; draw over the print with a dark pen that is not blue'
        )
    grey_out = np.rint(255 * (1 - ink)).astype(np.uint8)
    return np.repeat(grey_out[..., None], 3, axis=2)


def _ink_of(blue: np.ndarray) -> np.ndarray:
    """Ink in the blue channel of a photo of paper, (H, W) float32 in [0, 1], whatever the light that falls on it."""
    side = max(15, int(WIDE_SHARE * max(blue.shape)) | 1)
    paper = cv2.GaussianBlur(cv2.dilate(blue, np.ones((side, side), np.uint8)), (0, 0), side / 2.0).astype(np.float32)
    darker = 1.0 - blue.astype(np.float32) / np.maximum(paper, 1.0)
    return np.clip((darker - INK_FROM) / (INK_TO - INK_FROM), 0, 1).astype(np.float32)


def _mark_corners() -> list[tuple[int, int]]:
    """Upper left corner of each mark, px of the sheet."""
    right, bottom = (side - MARGIN_PX - MARK_PX for side in SHEET_PX)
    return [(MARGIN_PX, MARGIN_PX), (right, MARGIN_PX), (right, bottom), (MARGIN_PX, bottom)]


def _square(x: int, y: int) -> np.ndarray:
    return np.array([[x, y], [x + MARK_PX, y], [x + MARK_PX, y + MARK_PX], [x, y + MARK_PX]], np.float64)


def _dictionary() -> cv2.aruco.Dictionary:
    return cv2.aruco.getPredefinedDictionary(cv2.aruco.DICT_4X4_50)


def _finding() -> cv2.aruco.DetectorParameters:
    parameters = cv2.aruco.DetectorParameters()
    parameters.cornerRefinementMethod = cv2.aruco.CORNER_REFINE_SUBPIX
    return parameters
