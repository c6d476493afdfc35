r"""The main thing in a picture: its silhouette against the background.

Without a matte it is found by GrabCut (Rother, Kolmogorov \& Blake 2004) against the picture's own border.
"""

from __future__ import annotations

import cv2
import numpy as np

from sketch_robot.line_art.geometry.curve import at, resample, runs, smooth
from sketch_robot.line_art.guided.snap import local_spread, snap

WORK_PX = 192  # longer side for GrabCut
BORDER = 0.04  # of the side: what lies there is background
SMALLEST, LARGEST = 0.03, 0.8  # of the picture; other results are no object but a failure
PASSES = 3
CUT_OFF = 0.15  # of an outline may follow the border: more, and the subject is the picture itself
FLAT_PAPER = 0.55  # of a line drawing has one of 32 tones
SHORTEST_PX = 120  # of a contour; smaller ones are holes and specks of the matte
EDGE_PX = 4  # an outline stops this far from the picture's border


def find_subject(crop: np.ndarray, valid: np.ndarray, face_box: np.ndarray | None) -> np.ndarray | None:
    """A matte of the main object.

    Args:
        crop: (H, W, 3) uint8 RGB.
        valid: (H, W) bool, inside the photo.
        face_box: (4,) x, y, width, height of a face that surely belongs to it, or None.

    Returns:
        (H, W) float32 in [0, 1], or None when nothing stands out from the border.
    """
    height, width = valid.shape
    factor = min(1.0, WORK_PX / max(height, width))
    size = max(8, round(width * factor)), max(8, round(height * factor))
    small = cv2.resize(crop, size, interpolation=cv2.INTER_AREA)
    inside = cv2.resize(valid.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST)
    if inside.sum() < 64:
        return None
    core = _core(inside)
    label = np.where(core, cv2.GC_PR_FGD, cv2.GC_BGD).astype(np.uint8)
    if face_box is not None:
        _add_person(label, face_box * factor)
    if not (label == cv2.GC_BGD).any() or (label == cv2.GC_BGD).all() or float(small.std()) < 2.0:
        return None
    cv2.setRNGSeed(0)  # GrabCut starts its colour models with random k-means
    cv2.grabCut(small, label, (0, 0, 0, 0), np.zeros((1, 65)), np.zeros((1, 65)), PASSES, cv2.GC_INIT_WITH_MASK)
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (5, 5))
    mask = cv2.morphologyEx(((label & 1) == 1).astype(np.uint8), cv2.MORPH_OPEN, disc)
    mask = _main_parts(np.asarray(mask, np.uint8))
    if face_box is None and _cut_off(mask, core) > CUT_OFF:
        return None
    if not SMALLEST < mask.sum() / inside.sum() < LARGEST:
        return None
    matte = cv2.resize(mask.astype(np.float32), (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(cv2.GaussianBlur(matte, (0, 0), 2.0))


def is_line_drawing(light: np.ndarray, valid: np.ndarray) -> bool:
    """Whether a picture (H, W) float32 is mostly one flat tone with lines on it: its lines are its outline."""
    values = light[valid]
    if values.size == 0:
        return False
    common = np.bincount((values * 31).astype(int), minlength=32).max() / values.size
    return bool(common > FLAT_PAPER)


def _core(inside: np.ndarray) -> np.ndarray:
    """(h, w) bool, the picture without its border."""
    side = 2 * max(2, round(BORDER * max(inside.shape))) + 1
    return cv2.erode(inside, np.ones((side, side), np.uint8), borderValue=(0,)) > 0


def _add_person(label: np.ndarray, box: np.ndarray) -> None:
    """Mark a face as surely, and head and shoulders around it as probably, in front."""
    x, y, width, height = box
    centre = (round(x + width / 2), round(y + height / 2))
    likely = np.zeros(label.shape, np.uint8)
    cv2.ellipse(likely, (centre[0], round(y + 0.4 * height)), (round(0.8 * width), round(height)), 0, 0, 360, (1,), -1)
    neck, base = round(y + height), label.shape[0] - 1
    cv2.fillPoly(
        likely,
        [np.array([(x, neck), (x + width, neck), (x + 2 * width, base), (x - width, base)]).round().astype(np.int32)],
        (1,),
    )
    label[likely == 0] = cv2.GC_BGD
    label[(likely > 0) & (np.arange(len(label))[:, None] > neck)] = cv2.GC_PR_FGD
    cv2.ellipse(label, centre, (round(0.4 * width), round(0.5 * height)), 0, 0, 360, (cv2.GC_FGD,), -1)


def _cut_off(mask: np.ndarray, core: np.ndarray) -> float:
    """How much of a mask's outline lies on the core's, where GrabCut had no choice."""
    cross = np.ones((3, 3), np.uint8)
    outline = (mask > 0) & (cv2.erode(mask, cross, borderValue=(0,)) == 0)
    rim = core & (cv2.erode(core.astype(np.uint8), cross, borderValue=(0,)) == 0)
    return float((outline & rim).sum() / max(1, outline.sum()))


def _main_parts(mask: np.ndarray) -> np.ndarray:
    """The largest part and those not much smaller, without holes under 1 % of the picture."""
    count, index, stats, _ = cv2.connectedComponentsWithStats(mask)
    if count < 2:
        return mask
    area = stats[:, cv2.CC_STAT_AREA].copy()
    area[0] = 0
    kept = (area > 0.25 * area.max())[index].astype(np.uint8)
    _, index, stats, _ = cv2.connectedComponentsWithStats(1 - kept)
    hole = stats[:, cv2.CC_STAT_AREA] < 0.01 * mask.size
    hole[0] = False
    kept[hole[index]] = 1
    return kept


def silhouettes(
    colour: np.ndarray, matte: np.ndarray, valid: np.ndarray, *, least_evidence: float | None = None
) -> list[np.ndarray]:
    """Outlines of a matte, snapped to colour edges, cut at the border of the photo.

    Args:
        colour: (H, W) float32, a channel in which the person stands out.
        matte: (H, W) float32 in [0, 1].
        valid: (H, W) bool, inside the photo.
        least_evidence: keep only parts with such an edge, see `Snapped.evidence`; None: trust the matte.
    """
    inner = cv2.erode(valid.astype(np.uint8), np.ones((9, 9), np.uint8), borderValue=(0,)) > 0
    inner[:EDGE_PX] = inner[-EDGE_PX:] = inner[:, :EDGE_PX] = inner[:, -EDGE_PX:] = False
    spread = local_spread(colour)
    contours, _ = cv2.findContours((matte > 0.5).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    lines = []
    for contour in contours:
        xy = contour[:, 0].astype(np.float64) + 0.5
        if len(xy) < SHORTEST_PX:
            continue
        xy = np.roll(xy, -int(np.argmin(at(inner, xy))), axis=0)  # start at the border where there is one
        for run in runs(at(inner, xy), gap=1, shortest=30):
            line = resample(smooth(xy[run], 5.0))
            edge = snap(colour, spread, line, 5, 'edge', stiffness=1.5, reach_px=3)
            sure = edge.evidence > least_evidence if least_evidence is not None else np.ones(len(line), bool)
            lines += [smooth(edge.xy[part], 2.0) for part in runs(sure, gap=8, shortest=15)]
    return lines
