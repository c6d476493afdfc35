"""Cut lines at the edge of regions: what is inside, in the order and direction in which it was.

Each segment is split where it crosses an edge, and each part kept or not by where its middle lies, by the winding
number or the even-odd rule (SVG 1.1, 11.3). What follows an edge counts as inside, since half of its ink is seen; so
does what leaves the region by no more than `NEAR_MM`, since curves are followed no closer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numba
import numpy as np

NEAR_MM = 0.02  # two curves flattened to 0.01 mm each
MOST_SLABS = 512
MOST_JOINED = 2000  # pieces; joining takes the square of their number
Keep = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True, eq=False)
class Area:
    """What is inside some closed lines.

    Attributes:
        outlines: (N, 2) float64 each, mm; open ones are closed by a straight line.
        even_odd: by which rule; else by that of the winding number.
        within: clips that it is cut by itself.
    """

    outlines: tuple[np.ndarray, ...]
    even_odd: bool = False
    within: tuple[Clip, ...] = ()

    @cached_property
    def closed(self) -> tuple[np.ndarray, ...]:
        """The outlines, each ending where it began."""
        return tuple(
            xy if np.array_equal(xy[0], xy[-1]) else np.vstack((xy, xy[:1])) for xy in self.outlines if len(xy)
        )

    @cached_property
    def edges(self) -> np.ndarray:
        """(M, 4) float64: x and y of both ends."""
        rows = [np.hstack((xy[:-1], xy[1:])) for xy in self.closed]
        return np.concatenate(rows) if rows else np.zeros((0, 4))

    @cached_property
    def _slabs(self) -> tuple[float, float, np.ndarray, np.ndarray]:
        """Edges by y: the lowest, slabs for each mm, where the edges of each slab begin, and which they are."""
        low, high = np.sort(self.edges[:, 1::2], axis=1).T
        low, high = low - NEAR_MM, high + NEAR_MM
        if len(low) == 0:
            return 0.0, 1.0, np.zeros(2, np.int64), np.zeros(0, np.int64)
        count = min(len(low), MOST_SLABS)
        bottom, per_mm = float(low.min()), count / float(high.max() - low.min())
        ends = np.clip(((np.stack((low, high)) - bottom) * per_mm).astype(np.int64), 0, count - 1)
        spans = ends[1] - ends[0] + 1
        edge = np.repeat(np.arange(len(low)), spans)
        slab = np.arange(len(edge)) - np.repeat(np.cumsum(spans) - spans, spans) + np.repeat(ends[0], spans)
        by_slab = np.argsort(slab, kind='stable')
        return bottom, per_mm, np.searchsorted(slab[by_slab], np.arange(count + 1)), edge[by_slab]

    def holds(self, points: np.ndarray, *, edge: bool) -> np.ndarray:
        """Whether (N, 2) points lie inside: (N,) bool; `edge`: what those count as that lie on an edge."""
        found = _inside(points, self.edges, *self._slabs, self.even_odd, NEAR_MM)
        kept = found > 0 if edge else found == 1
        for clip in self.within:
            kept &= clip.holds(points, edge=edge)
        return kept

    def crossings(self, xy: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Where a polyline crosses the edges: (K,) segments, and (K,) how far along each, in (0, 1)."""
        room = 4 * len(xy)
        while True:
            which, along = np.empty(room, np.int64), np.empty(room)
            count = _crossings(xy, self.edges, *self._slabs, which, along)
            if count <= room:
                break
            room = count
        found = [(which[:count], along[:count])]
        for clip in self.within:
            found += [area.crossings(xy) for area in clip.areas]
        return np.concatenate([which for which, _ in found]), np.concatenate([t for _, t in found])


@dataclass(frozen=True, eq=False)
class Clip:
    """All that is inside one of some areas."""

    areas: tuple[Area, ...]

    def holds(self, points: np.ndarray, *, edge: bool) -> np.ndarray:
        """See `Area.holds`."""
        kept = np.zeros(len(points), bool)
        for area in self.areas:
            kept |= area.holds(points, edge=edge)
        return kept

    @cached_property
    def _box(self) -> tuple[np.ndarray, np.ndarray] | None:
        """Both corners of an upright rectangle that is all of it; None: it is no such."""
        if len(self.areas) != 1 or self.areas[0].within or len(self.areas[0].edges) != 4:
            return None
        steps = self.areas[0].edges[:, 2:] - self.areas[0].edges[:, :2]
        if ((steps != 0.0).sum(axis=1) != 1).any() or (steps[0] * steps[1]).any():
            return None
        corners = self.areas[0].edges[:, :2]
        return corners.min(axis=0) - NEAR_MM, corners.max(axis=0) + NEAR_MM

    def leaves_whole(self, xy: np.ndarray) -> bool:
        """Whether all of a polyline is inside, when that is seen at once."""
        return self._box is not None and bool(((xy >= self._box[0]) & (xy <= self._box[1])).all())


def clip_lines(lines: Iterable[np.ndarray], clips: Sequence[Clip]) -> list[np.ndarray]:
    """The parts of polylines that are inside of all clips.

    Args:
        lines: (N, 2) float64 each, N >= 1, mm.
    """
    found = []
    for xy in lines:
        cutting = [clip for clip in clips if not clip.leaves_whole(xy)]

        def keep(points: np.ndarray, cutting: Sequence[Clip] = cutting) -> np.ndarray:
            return _all(points, [clip.holds(points, edge=True) for clip in cutting])

        found += _cut(xy, [area for clip in cutting for area in clip.areas], keep) if cutting else [xy]
    return found


def clip_outlines(lines: Sequence[np.ndarray], even_odd: bool, clips: Sequence[Clip]) -> list[np.ndarray]:
    """The outline of what remains of a filled shape: its own inside of all clips, and theirs inside of it.

    Args:
        lines: the shape's outlines, (N, 2) float64 each, mm.
    """
    if all(clip.leaves_whole(xy) for xy in lines for clip in clips):
        return list(lines)
    everything = [Clip((Area(tuple(xy for xy in lines if len(xy) > 1), even_odd),)), *clips]
    areas = [area for clip in everything for area in clip.areas]
    pieces = clip_lines(lines, clips)
    for number, clip in enumerate(clips, start=1):
        for area in clip.areas:
            # Of edges that lie upon one another, the first draws them.
            def keep(points: np.ndarray, number: int = number, area: Area = area, clip: Clip = clip) -> np.ndarray:
                others = [other.holds(points, edge=k > number) for k, other in enumerate(everything) if k != number]
                others += [~other.holds(points, edge=False) for other in clip.areas if other is not area]
                return _all(points, others + [other.holds(points, edge=True) for other in area.within])

            for xy in area.closed:
                pieces += _cut(xy, [other for other in areas if other is not area], keep)
    return _joined(pieces)


def _all(points: np.ndarray, conditions: Sequence[np.ndarray]) -> np.ndarray:
    return np.logical_and.reduce(conditions) if conditions else np.ones(len(points), bool)


def _cut(xy: np.ndarray, areas: Sequence[Area], keep: Keep) -> list[np.ndarray]:
    """The parts of a polyline whose middles are to be kept, split where it crosses the edges of areas."""
    if len(xy) < 2:
        return [xy] if len(xy) and keep(xy)[0] else []
    crossed = [area.crossings(xy) for area in areas]
    segment = np.concatenate([np.arange(len(xy)), *(which for which, _ in crossed)])
    along = np.concatenate([np.zeros(len(xy)), *(t for _, t in crossed)])
    place = np.lexsort((along, segment))
    segment, along = segment[place], along[place, None]
    points = xy[segment] + along * (xy[np.minimum(segment + 1, len(xy) - 1)] - xy[segment])
    points = points[np.concatenate(([True], (np.diff(points, axis=0) != 0.0).any(axis=1)))]
    if len(points) < 2:
        return [points] if keep(points)[0] else []
    kept = keep((points[:-1] + points[1:]) / 2.0)
    if kept.all():
        return [xy]
    bounds = np.flatnonzero(np.diff(np.concatenate(([False], kept, [False])).astype(np.int8)))
    runs = [(int(a), int(b)) for a, b in bounds.reshape(-1, 2)]
    pieces = [points[a : b + 1] for a, b in runs]
    round_ = np.array_equal(points[0], points[-1]) and kept[0] and kept[-1] and len(runs) > 1
    if round_:
        pieces = [np.vstack((pieces[-1], pieces[0][1:])), *pieces[1:-1]]
    return [piece for piece in pieces if np.hypot(*np.diff(piece, axis=0).T).sum() > NEAR_MM]


def _joined(pieces: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Pieces that end where others begin or end, as one."""
    if not 1 < len(pieces) <= MOST_JOINED:
        return list(pieces)
    ends = np.array([[piece[0], piece[-1]] for piece in pieces])
    left = np.hypot(*(ends[:, 0] - ends[:, 1]).T) > NEAR_MM  # closed ones stay as they are
    found = [piece for piece, is_left in zip(pieces, left, strict=True) if not is_left]
    while left.any():
        number = int(np.argmax(left))
        left[number] = False
        line = [pieces[number]]
        for at_end in (True, False):
            while left.any():
                at = line[-1][-1] if at_end else line[0][0]
                away = np.where(left[:, None], np.hypot(*np.moveaxis(ends - at, 2, 0)), np.inf)
                number, end = divmod(int(away.argmin()), 2)
                if away[number, end] > 2.0 * NEAR_MM:
                    break
                left[number] = False
                piece = pieces[number] if (end == 0) == at_end else pieces[number][::-1]
                line = [*line, piece] if at_end else [piece, *line]
        xy = np.vstack(line)
        if np.hypot(*(xy[0] - xy[-1])) <= 2.0 * NEAR_MM:
            xy = np.vstack((xy, xy[:1]))
        found.append(xy[np.concatenate(([True], (np.diff(xy, axis=0) != 0.0).any(axis=1)))])
    return found


@numba.njit(cache=True)
def _crossings(xy, edges, bottom, per_mm, first, edge_of, which, along):  # type: ignore[no-untyped-def]
    """Fills in `which` and `along` as far as they reach, and says how many there are."""
    count = 0
    slabs = len(first) - 1
    for k in range(len(xy) - 1):
        ax, ay = xy[k, 0], xy[k, 1]
        ux, uy = xy[k + 1, 0] - ax, xy[k + 1, 1] - ay
        from_slab = (min(ay, ay + uy) - bottom) * per_mm
        to_slab = (max(ay, ay + uy) - bottom) * per_mm
        squared = ux * ux + uy * uy
        if to_slab < 0.0 or from_slab > slabs or squared == 0.0:
            continue
        begin = first[int(max(0.0, min(from_slab, slabs - 1.0)))]
        end = first[int(max(0.0, min(to_slab, slabs - 1.0))) + 1]
        for place in range(begin, end):
            e = edge_of[place]
            cx, cy = edges[e, 0] - ax, edges[e, 1] - ay
            dx, dy = edges[e, 2] - ax, edges[e, 3] - ay
            if max(cx, dx) < min(0.0, ux) or min(cx, dx) > max(0.0, ux):
                continue
            turn = ux * (dy - cy) - uy * (dx - cx)
            if turn == 0.0:  # upon one another: where the edge begins and ends
                t0, t1 = (cx * ux + cy * uy) / squared, (dx * ux + dy * uy) / squared
            else:
                u = (cx * uy - cy * ux) / turn
                if u < -1e-9 or u > 1.0 + 1e-9:
                    continue
                t0 = (cx * (dy - cy) - cy * (dx - cx)) / turn
                t1 = -1.0
            for t in (t0, t1):
                if 0.0 < t < 1.0:
                    if count < len(which):
                        which[count], along[count] = k, t
                    count += 1
    return count


@numba.njit(cache=True)
def _inside(points, edges, bottom, per_mm, first, edge_of, even_odd, near):  # type: ignore[no-untyped-def]
    """For each point: 0 outside, 1 inside, 2 on an edge."""
    found = np.zeros(len(points), np.int64)
    for k in range(len(points)):
        x, y = points[k, 0], points[k, 1]
        slab = (y - bottom) * per_mm
        if slab < 0.0 or slab > len(first) - 1.0:
            continue
        number = min(int(slab), len(first) - 2)
        winding = 0
        for place in range(first[number], first[number + 1]):
            e = edge_of[place]
            ax, ay = edges[e, 0] - x, edges[e, 1] - y
            bx, by = edges[e, 2] - x, edges[e, 3] - y
            if max(ax, bx) < -near:
                continue
            dx, dy = bx - ax, by - ay
            squared = dx * dx + dy * dy
            t = 0.0
            if squared > 0.0:
                t = min(max(-(ax * dx + ay * dy) / squared, 0.0), 1.0)
            if (ax + t * dx) ** 2 + (ay + t * dy) ** 2 <= near * near:
                found[k] = 2
                break
            if (ay <= 0.0) != (by <= 0.0) and ax - ay * dx / dy > 0.0:
                winding += 1 if by > ay else -1
        if found[k] == 0 and (winding % 2 != 0 if even_odd else winding != 0):
            found[k] = 1
    return found
