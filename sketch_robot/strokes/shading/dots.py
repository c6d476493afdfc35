"""Dots, and one line through many places, as close together as the tone asks for.

Places are set by error diffusion (Floyd & Steinberg 1976) and moved to the middles of their weighted Voronoi cells
(Lloyd 1982; Secord, Weighted Voronoi stippling, 2002). One line through them is a short tour (Bosch & Herman,
Continuous line drawings via the traveling salesman problem, 2004): its length for each area grows with the root of the
places' density (Beardwood, Halton & Hammersley 1959), so that density goes by the square of the tone.
"""

from __future__ import annotations

import heapq
from itertools import pairwise

import cv2
import numba
import numpy as np
from scipy.spatial import cKDTree
from skimage.graph import route_through_array

from sketch_robot.stroke import Stroke
from sketch_robot.strokes.ordering.order import order_strokes
from sketch_robot.strokes.shading.tone import WantedTone

MOST_DOTS = 6000  # a lift each; larger dots where more would be needed
LARGEST_DOT_PENS = 2.6
LEAST_CIRCLE_PENS = 1.2  # smaller dots are the pen's own
# What dots promise, of the paper, and what they cover where they touch; measured on flat tones. A line's bends lie over
# one another much as dots do.
PROMISED = (0.0, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.3)
COVERED = (0.0, 0.5, 0.59, 0.68, 0.76, 0.82, 0.875, 0.96)
LEAST_TONE = 0.02  # lighter is paper
RELAXATIONS = 8
FEWER_RELAXATIONS = 4  # of the many places of a line
TOUR_CONSTANT = 0.92  # of a tour through even places, measured on flat tones; through random ones 0.71
MOST_PLACES = 40_000
LONG_PENS = 12.0  # a longer hop of the tour would be seen across a face
LIGHT_COST = 30.0  # of a step over white, in steps over black


def stipple(tone: WantedTone) -> list[Stroke]:
    """Dots of one size, in the order of a short tour; those larger than the pen are small circles."""
    wanted = np.where(tone.inside & (tone.dark > LEAST_TONE), tone.dark, 0.0).astype(np.float64)
    wanted = np.interp(wanted, COVERED, PROMISED)
    pen = tone.pen_px
    size = float(np.clip(np.sqrt(wanted.sum() * 4.0 / (np.pi * MOST_DOTS)), pen, LARGEST_DOT_PENS * pen))
    size = pen if size < LEAST_CIRCLE_PENS * pen else size
    places = _places(wanted * 4.0 / (np.pi * size**2), tone.inside)
    places = places[order_strokes(places, places, seconds=0.0).index] if len(places) else places
    radius = (size - pen) / 2.0
    if radius == 0.0:
        return [Stroke(place[None]) for place in places]
    angle = np.linspace(0.0, 2.0 * np.pi, 9)
    circle = radius * np.column_stack([np.cos(angle), np.sin(angle)])
    circle[-1] = circle[0]
    inner = [] if radius <= pen / 2.0 else [np.zeros((1, 2))]  # the middle of a wide ring
    return [Stroke(np.vstack([place + inner[0], place + circle]) if inner else place + circle) for place in places]


def one_line(tone: WantedTone) -> list[Stroke]:
    """One line through all of the sitter, the denser the darker; it never leaves the sitter and never lifts."""
    count, parts, stats, _ = cv2.connectedComponentsWithStats(tone.inside.astype(np.uint8), connectivity=4)
    if count < 2:
        return []
    largest = parts == 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA]))
    ink = np.where(largest, tone.dark, 0.0).astype(np.float64)
    ink = np.interp(ink, COVERED, PROMISED)
    density = (ink / (TOUR_CONSTANT * tone.pen_px)) ** 2
    density *= min(1.0, MOST_PLACES / max(density.sum(), 1.0))
    places = _places(density, largest, FEWER_RELAXATIONS)
    if len(places) < 2:
        return []
    tour = places[order_strokes(places, places, seconds=0.0).index]
    return [Stroke(_kept_inside(tour, largest, tone))]


def _places(density: np.ndarray, inside: np.ndarray, relaxations: int = RELAXATIONS) -> np.ndarray:
    """Places of that many for each pixel, (N, 2) px, evenly spread."""
    places = _diffused(np.minimum(density, 1.0))
    if len(places) < 3:
        return places
    row, column = np.nonzero(inside & (density > 0.0))
    pixels, weight = np.column_stack([column, row]) + 0.5, density[row, column]
    for _ in range(relaxations):
        _, nearest = cKDTree(places, balanced_tree=False, compact_nodes=False).query(pixels)
        mass = np.bincount(nearest, weight, len(places))
        moved = np.column_stack([np.bincount(nearest, weight * pixels[:, k], len(places)) for k in (0, 1)])
        full = mass > 0.0
        places[full] = moved[full] / mass[full, None]
    at = np.clip(places.astype(int), 0, np.array(inside.shape)[::-1] - 1)
    return places[inside[at[:, 1], at[:, 0]]]


@numba.njit(cache=True)
def _diffused(density: np.ndarray) -> np.ndarray:
    """Error diffusion, line after line there and back: (N, 2) float64 px."""
    height, width = density.shape
    left = density.copy()
    found = np.empty((height * width, 2))
    count = 0
    for row in range(height):
        step = 1 if row % 2 == 0 else -1
        first = 0 if step == 1 else width - 1
        for k in range(width):
            column = first + step * k
            value = left[row, column]
            if density[row, column] <= 0.0:
                continue
            error = value
            if value >= 0.5:
                found[count, 0], found[count, 1] = column + 0.5, row + 0.5
                count += 1
                error = value - 1.0
            ahead = column + step
            if 0 <= ahead < width:
                left[row, ahead] += error * 7 / 16
            if row + 1 < height:
                left[row + 1, column] += error * 5 / 16
                if 0 <= ahead < width:
                    left[row + 1, ahead] += error / 16
                if 0 <= column - step < width:
                    left[row + 1, column - step] += error * 3 / 16
    return found[:count].copy()


def _kept_inside(tour: np.ndarray, inside: np.ndarray, tone: WantedTone) -> np.ndarray:
    """A line whose hops over what is outside go round it, and long ones where it is dark."""
    pieces = []
    longest = LONG_PENS * tone.pen_px
    for start, stop in pairwise(tour):
        pieces.append(start[None])
        if np.hypot(*(stop - start)) > longest:
            pieces.append(_darkest_way(start, stop, inside, tone.dark))
        elif np.hypot(*(stop - start)) > 3.0 and not _stays(start, stop, inside):
            pieces.append(_way_round(start, stop, inside))
    return np.vstack([*pieces, tour[-1:]])


def _darkest_way(start: np.ndarray, stop: np.ndarray, inside: np.ndarray, dark: np.ndarray) -> np.ndarray:
    """A way over inside pixels that is little seen, as most of it lies where it is dark: (N, 2) px."""
    cost = np.where(inside, 1.0 + LIGHT_COST * (1.0 - dark) ** 2, -1.0)  # what is negative is not entered
    ends = [tuple(point.astype(int)[::-1].tolist()) for point in (start, stop)]
    way, _ = route_through_array(cost, ends[0], ends[1])
    return np.array(way[1:-1], np.float64).reshape(-1, 2)[:, ::-1] + 0.5


def _stays(start: np.ndarray, stop: np.ndarray, inside: np.ndarray) -> bool:
    share = np.linspace(0.0, 1.0, 2 * int(np.hypot(*(stop - start))) + 2)[:, None]
    at = (start + share * (stop - start)).astype(int)
    return bool(inside[at[:, 1], at[:, 0]].all())


def _way_round(start: np.ndarray, stop: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """The shortest way over inside pixels (Hart, Nilsson & Raphael 1968): (N, 2) px; none when there is none."""
    first, goal = (tuple(point.astype(int).tolist()) for point in (start, stop))
    came: dict[tuple[int, int], tuple[int, int] | None] = {first: None}
    cost = {first: 0.0}
    heap = [(0.0, first)]
    while heap:
        _, at = heapq.heappop(heap)
        if at == goal:
            break
        for dx, dy in ((1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (1, -1), (-1, 1), (-1, -1)):
            near = at[0] + dx, at[1] + dy
            if not (0 <= near[0] < inside.shape[1] and 0 <= near[1] < inside.shape[0] and inside[near[1], near[0]]):
                continue
            through = cost[at] + float(np.hypot(dx, dy))
            if through < cost.get(near, np.inf):
                cost[near], came[near] = through, at
                heapq.heappush(heap, (through + float(np.hypot(near[0] - goal[0], near[1] - goal[1])), near))
    way: list[tuple[int, int]] = []
    step: tuple[int, int] | None = came.get(goal)
    while step is not None and step != first:
        way.append(step)
        step = came[step]
    return np.array(way[::-1], dtype=np.float64).reshape(-1, 2) + 0.5
