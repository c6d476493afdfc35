"""A network's ink made into lines, by what is known of faces.

A small network draws what it is unsure of in grey: a strand of hair as dashes on a haze, a nostril as a smudge. Its ink
is itself a picture of lines, so what answers to lines along the flow of a photo (Kang, Lee & Chui, Coherent line
drawing, 2007) finds the line in the haze: strands become whole, smudges thin.
"""

from __future__ import annotations

import cv2
import numpy as np

from sketch_robot.line_art.filters import edge_tangent_flow, line_response, wide_blur
from sketch_robot.line_art.geometry import mesh
from sketch_robot.line_art.geometry.face import Face
from sketch_robot.line_art.ink import wipe_specks

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


def tidy_ink(ink: np.ndarray, face: Face) -> np.ndarray:
    """Firm lines from a network's grey ones around a face, without scraps of hair.

    Args:
        ink: (H, W) float32 in [0, 1].

    Returns:
        (H, W) float32 in [0, 1].
    """
    hair = hair_area(face, ink.shape)
    return wipe_specks(firm_lines(ink, hair), hair, SHORT_HAIR * face.unit)


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
    energy = wide_blur(response * response, ENERGY_PX)
    firm = np.zeros_like(response)
    at = np.flatnonzero(response)
    gain = np.where(hair.ravel()[at], HAIR_GAIN / (np.sqrt(energy.ravel()[at]) + HAIR_FLOOR), GAIN)
    firm.ravel()[at] = np.clip(gain * response.ravel()[at], 0, 1)
    return firm


def hair_area(face: Face, shape: tuple[int, ...]) -> np.ndarray:
    """(H, W) bool, around the face and above the chin: hair, ears, hats."""
    rows, columns = np.indices(shape, np.float32)
    above = columns * np.float32(face.down[0]) + rows * np.float32(face.down[1]) < face.height(face.points[mesh.CHIN])
    return above & (cv2.dilate(face.mask.astype(np.uint8), np.ones((5, 5), np.uint8)) == 0)
