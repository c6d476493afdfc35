"""A network's ink made into lines, by what is known of faces.

A small network draws what it is unsure of in grey: a strand of hair as dashes on a haze, a nostril as a smudge. Its ink
is itself a picture of lines, so what answers to lines along the flow of a photo (Kang, Lee & Chui, Coherent line
drawing, 2007) finds the line in the haze: strands become whole, smudges thin. What then lies on cheek and forehead as a
short mark is a blemish, and a line on one cheek without its like on the other is a shadow's edge or looks like a scar.
"""

from __future__ import annotations

import cv2
import numpy as np

from sketch_robot.line_art.guided import mesh
from sketch_robot.line_art.guided.blur import wide_blur
from sketch_robot.line_art.guided.curve import filled
from sketch_robot.line_art.guided.face import Face
from sketch_robot.line_art.guided.flow import edge_tangent_flow, line_response
from sketch_robot.line_art.ink import FAINT, wipe_specks, wipe_unlike

BLUR_PX = 0.8
FLOW_PX = 3.0  # of the structure tensor: a strand and its neighbours
LINE_PX = 1.4  # of the inner Gaussian: half of a drawn line's width and a little
REACH_PX = 6.0  # along a line: a gap between two dashes
FAINTEST = 0.04  # ink below this is paper
AMONG, AMONG_PX = 0.9, 5.0  # less ink than that share of what is around is no line: it saves a third of the time
GAIN = 11.0  # a full line's response is about a tenth
HAIR_GAIN, HAIR_FLOOR = 0.35, 0.006  # in hair the response is measured by that around it, and by the floor of haze
ENERGY_PX = 22.0  # what is around
SHORT_HAIR = 26.0  # units; shorter marks of hair are left out

NOSE_BORDER = 12.0  # units, around the nose, whose lines are short
CHEEK_BORDER = 8.0  # units, inside the face's outline
BLEMISH = 28.0  # units; shorter marks on cheeks and forehead are left out
LIKE = 12.0  # units, how far from its mirror image a cheek's line may lie
ALIKE = 0.35  # share of a line that must find its like
MOST_YAW = 0.4  # turned further, the far cheek shows too little


def tidy_ink(ink: np.ndarray, face: Face) -> np.ndarray:
    """Firm lines from a network's grey ones, without blemishes and scars.

    Args:
        ink: (H, W) float32 in [0, 1].

    Returns:
        (H, W) float32 in [0, 1].
    """
    hair, skin = hair_area(face, ink.shape), skin_area(face, ink.shape)
    lines = firm_lines(ink, hair)
    lines = wipe_specks(lines, skin, BLEMISH * face.unit)
    lines = wipe_specks(lines, hair, SHORT_HAIR * face.unit)
    return wipe_scars(lines, skin, face)


def firm_lines(ink: np.ndarray, hair: np.ndarray) -> np.ndarray:
    """The lines of grey ink, firm.

    Args:
        ink: (H, W) float32 in [0, 1].
        hair: (H, W) bool, where a faint line counts as much as those around it let it.
    """
    light = cv2.GaussianBlur(-ink, (0, 0), BLUR_PX)
    near = cv2.GaussianBlur(ink, (0, 0), 2 * BLUR_PX)
    haze = near > FAINTEST
    where = haze & (near > AMONG * cv2.GaussianBlur(ink, (0, 0), AMONG_PX))
    response = line_response(light, edge_tangent_flow(light, FLOW_PX), LINE_PX, REACH_PX, where, flat=~haze)
    response = np.maximum(response, 0)
    energy = np.sqrt(wide_blur(response * response, ENERGY_PX))
    return np.clip(np.where(hair, HAIR_GAIN / (energy + HAIR_FLOOR), GAIN) * response, 0, 1).astype(np.float32)


def wipe_scars(ink: np.ndarray, skin: np.ndarray, face: Face) -> np.ndarray:
    """Ink without lines that lie on one cheek and have nothing like them on the other."""
    if abs(face.yaw) > MOST_YAW:
        return ink
    eyes, chin = face.points[mesh.BETWEEN_EYES], face.points[mesh.CHIN]
    across, down = _axes(face, ink.shape)
    down -= np.float32(face.height(eyes))
    lean = face.across(chin - eyes) / face.height(chin - eyes)
    side = across - np.float32(face.across(eyes)) - down * np.float32(lean)
    wider = np.float32((1 - face.yaw) / (1 + face.yaw))  # the left of the picture over the right
    shift = (-side * (1 + np.where(side < 0, 1 / wider, wider))).astype(np.float32)
    rows, columns = np.indices(ink.shape, np.float32)
    size = 2 * round(LIKE * face.unit) + 1
    x, y = columns + shift * np.float32(face.right[0]), rows + shift * np.float32(face.right[1])
    cheeks = skin & (down > 0)
    for _ in range(2):  # what stays may have had its like only in what went
        like = cv2.remap(cv2.dilate(ink, np.ones((size, size), np.uint8)), x, y, cv2.INTER_LINEAR) > FAINT
        ink = wipe_unlike(ink, cheeks, like, ALIKE)
    return ink


def _axes(face: Face, shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """How far to the right and down the head's axes pixels lie, (H, W) float32 each."""
    rows, columns = np.indices(shape, np.float32)
    right, down = face.right.astype(np.float32), face.down.astype(np.float32)
    return columns * right[0] + rows * right[1], columns * down[0] + rows * down[1]


def hair_area(face: Face, shape: tuple[int, ...]) -> np.ndarray:
    """(H, W) bool, around the face and above the chin: hair, ears, hats."""
    above = _axes(face, shape)[1] < face.height(face.points[mesh.CHIN])
    return above & (cv2.dilate(face.mask.astype(np.uint8), np.ones((5, 5), np.uint8)) == 0)


def skin_area(face: Face, shape: tuple[int, ...]) -> np.ndarray:
    """(H, W) bool, cheeks and forehead and not the nose."""
    wings = face.points[mesh.NOSE_WING['right']], face.points[mesh.NOSE_WING['left']]
    nose = np.vstack([wings[0], face.points[mesh.NOSE_BASE], wings[1][::-1]])
    side_px = 2 * round(CHEEK_BORDER * face.unit) + 1
    inner = cv2.erode(face.mask.astype(np.uint8), np.ones((side_px, side_px), np.uint8)) > 0
    return inner & ~filled(nose, shape, round(NOSE_BORDER * face.unit))
