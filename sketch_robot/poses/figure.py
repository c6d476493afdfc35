"""Line art of a figure: its outline, and the borders between its colours.

A small generator gives shapes and colours but no crisp texture, and a drawing needs no more: the outline comes from
the matte, the lines inside from the borders of flat areas of colour (clothes, skin, shoes, broad patterns), as someone
draws who leaves shading out.
"""

from __future__ import annotations

import cv2
import numpy as np

from sketch_robot.line_art.geometry.curve import length, resample, sample, smooth
from sketch_robot.line_art.guided.free_lines import link_lines, trace_lines
from sketch_robot.stroke import Stroke

COLOURS = 8  # areas of colour at most
COARSE_COLOURS = 6
SAME_COLOUR = 15.0  # distance in Lab, lightness weighing less, below which two are one
LIGHTNESS, COARSE_LIGHTNESS, CHROMA = 0.6, 0.42, 1.2  # weights: light and shade make no border
SAMPLED = 7  # every so many pixels teach the colours
FLAT_PASSES, FLAT_PX, FLAT_COLOUR, FLAT_REACH = 4, 9, 28, 6  # of the bilateral filter
# Pixels of the canvas:
OUTLINE_BLUR, AREA_BLUR, COARSE_BLUR = 2.0, 3.0, 5.0
OUTLINE_SMOOTH, BORDER_SMOOTH = 4.0, 4.0
SPACING = 2.0
SMALLEST_PART, SMALLEST_AREA, COARSE_AREA = 400.0, 450.0, 2600.0  # px^2
SHORTEST_BORDER = 34.0
SHORTEST_RUN = 8  # points of an outline
FROM_OUTLINE, COARSE_FROM_OUTLINE = 7.0, 13.0  # a border that runs along the outline is the outline once more
LINK_PX, LINK_COS = 12.0, 0.7
OUTLINE_WORTH, BORDER_WORTH = 0.9, 0.45


def figure_strokes(rgba: np.ndarray, *, coarse: bool = False) -> list[Stroke]:
    """Draw a figure.

    Args:
        rgba: (H, W, 4) uint8, somebody over grey and their matte.
        coarse: keep to broad areas of colour, of a picture that a generator made: its small patches mean nothing.

    Returns:
        strokes in its pixels, the outline first; none when the matte is empty.
    """
    alpha = cv2.GaussianBlur(rgba[..., 3].astype(np.float32) / 255, (0, 0), OUTLINE_BLUR)
    inside = alpha > 0.5
    outlines = [Stroke(xy, label='clothes', importance=OUTLINE_WORTH) for xy in _outlines(inside)]
    borders = [
        Stroke(xy, label='clothes', importance=min(BORDER_WORTH, 0.15 + length(xy) / 600.0))
        for xy in _borders(rgba[..., :3], inside, coarse)
    ]
    return outlines + sorted(borders, key=lambda stroke: -stroke.importance)


def _outlines(inside: np.ndarray) -> list[np.ndarray]:
    """Closed lines around the figure and its holes; open ones where it leaves the picture."""
    contours, _ = cv2.findContours(inside.astype(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    height, width = inside.shape
    found = []
    for contour in contours:
        if cv2.contourArea(contour) < SMALLEST_PART:
            continue
        xy = contour[:, 0].astype(np.float64) + 0.5
        free = ((xy > 1.0) & (xy < (width - 1.0, height - 1.0))).all(axis=1)
        if free.all():
            ring = resample(np.vstack([xy, xy[:1]]), SPACING)[:-1]
            around = round(4 * OUTLINE_SMOOTH / SPACING) + 1
            soft = smooth(np.vstack([ring[-around:], ring, ring[:around]]), OUTLINE_SMOOTH)[around:-around]
            found.append(np.vstack([soft, soft[:1]]))
            continue
        begin = int(np.argmin(free))
        xy, free = np.roll(xy, -begin, axis=0), np.roll(free, -begin)
        for run in runs(free):
            if run.stop - run.start > SHORTEST_RUN:
                found.append(smooth(resample(xy[run], SPACING), OUTLINE_SMOOTH))
    return found


def _borders(rgb: np.ndarray, inside: np.ndarray, coarse: bool) -> list[np.ndarray]:
    """Lines between areas of colour, away from the outline."""
    areas = _areas(rgb, inside, coarse)
    if areas is None:
        return []
    border = np.zeros(inside.shape, bool)
    border[:, 1:] |= areas[:, 1:] != areas[:, :-1]
    border[1:] |= areas[1:] != areas[:-1]
    depth = cv2.distanceTransform(np.pad(inside.astype(np.uint8), 1), cv2.DIST_L2, 5)[1:-1, 1:-1]
    border &= depth > (COARSE_FROM_OUTLINE if coarse else FROM_OUTLINE)
    lines = trace_lines(cv2.dilate(border.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(np.float32), 0.5, 0.9)
    found = []
    for line in link_lines(lines, LINK_PX, LINK_COS):
        xy = smooth(resample(line, SPACING), BORDER_SMOOTH)
        if length(xy) >= SHORTEST_BORDER:
            found.append(xy)
    return found


def _areas(rgb: np.ndarray, inside: np.ndarray, coarse: bool) -> np.ndarray | None:
    """Which area of colour each pixel belongs to: (H, W) int64; None where there is nothing to part."""
    flat = rgb
    for _ in range(FLAT_PASSES):
        flat = cv2.bilateralFilter(flat, FLAT_PX, FLAT_COLOUR, FLAT_REACH)
    lab = cv2.cvtColor(flat, cv2.COLOR_RGB2LAB)[inside].astype(np.float32) * np.array(
        [COARSE_LIGHTNESS if coarse else LIGHTNESS, CHROMA, CHROMA], np.float32
    )
    taught = lab[::SAMPLED]
    if len(taught) < 50 * COLOURS:
        return None
    cv2.setRNGSeed(1)  # k-means begins at random
    stop = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER, 30, 0.5)
    colours = COARSE_COLOURS if coarse else COLOURS
    _, _, centres = cv2.kmeans(taught, colours, np.empty(0), stop, 3, cv2.KMEANS_PP_CENTERS)  # type: ignore[call-overload]
    colour = _merged(centres)
    nearest = colour[((lab[:, None] - centres[None]) ** 2).sum(-1).argmin(1)]
    depth = np.zeros((int(colour.max()) + 1, *inside.shape), np.float32)
    for k in range(len(depth)):
        where = np.zeros(inside.shape, np.float32)
        where[inside] = nearest == k
        depth[k] = cv2.GaussianBlur(_without_specks(where, SMALLEST_AREA), (0, 0), COARSE_BLUR if coarse else AREA_BLUR)
    areas = depth.argmax(0)
    return _without_islands(areas, inside) if coarse else areas


def _merged(centres: np.ndarray) -> np.ndarray:
    """Numbers of colours, one for those that are alike: (K,) int64 from 0 on."""
    number = np.arange(len(centres))
    for a in range(len(centres)):
        for b in range(a):
            if np.linalg.norm(centres[a] - centres[b]) < SAME_COLOUR:
                number[number == number[a]] = number[b]
    return np.unique(number, return_inverse=True)[1].reshape(-1)


def _without_islands(areas: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """Small parts of an area become what is nearest to them."""
    large = np.zeros(inside.shape, bool)
    for k in np.unique(areas[inside]):
        large |= _without_specks(((areas == k) & inside).astype(np.float32), COARSE_AREA) > 0
    if not large.any():
        return np.zeros_like(areas)
    _, nearest = cv2.distanceTransformWithLabels(
        np.where(large, 0, 255).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    of_label = np.zeros(int(nearest.max()) + 1, areas.dtype)
    of_label[nearest[large]] = areas[large]
    return of_label[nearest]


def _without_specks(where: np.ndarray, smallest_px2: float) -> np.ndarray:
    count, index, stats, _ = cv2.connectedComponentsWithStats((where > 0.5).astype(np.uint8))
    kept = stats[:count, cv2.CC_STAT_AREA] >= smallest_px2
    kept[0] = False
    return kept[index].astype(np.float32)


def runs(free: np.ndarray) -> list[slice]:
    """Stretches of True in (N,) bool."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], free.astype(np.int8), [0]])))
    return [slice(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def parts_of(xy: np.ndarray, keep: np.ndarray, shortest_px: float) -> list[np.ndarray]:
    """The stretches of a line (N, 2) that are kept and so long; in a closed line one may go on over its end."""
    if keep.all():
        return [xy]
    if len(xy) > 3 and (xy[0] == xy[-1]).all():
        begin = int(np.argmin(keep[:-1]))
        xy = np.roll(xy[:-1], -begin, axis=0)
        keep = np.roll(keep[:-1], -begin)
    return [xy[run] for run in runs(keep) if run.stop - run.start > 1 and length(xy[run]) >= shortest_px]


def sampled_where(where: np.ndarray, xy: np.ndarray) -> np.ndarray:
    """(N,) bool: which points (N, 2) of a picture lie in an area (H, W) bool."""
    return sample(where.astype(np.float32), xy) > 0.5
