"""Draw on without lifting where two strokes end so near each other that the pen covers the gap.

A lift, a drop and the stop between cost as much as tens of millimetres of line. Ends that lie within a pen's width of
each other are one place on paper: whatever the turn there, a line between them adds no ink that would be seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from scipy.spatial import cKDTree

from sketch_robot.motion.profile import PenProfile
from sketch_robot.stroke import Stroke

GAP_PENS = 1.0  # of the pen's width; two dots of the pen so far apart touch


def join_strokes(strokes: Sequence[Stroke], profile: PenProfile, *, gap_mm: float | None = None) -> tuple[Stroke, ...]:
    """Join strokes end to end where the gap is below the pen's width, the nearest ends and straightest turns first.

    Strokes of different pens, of different importance bands (labels) and dots stay apart; ends that are joined need the
    same label, so that what is left out for lack of time stays a thing of its own.

    Args:
        strokes: in mm.
        profile: the machine; its pen's width is the widest gap.
        gap_mm: the widest gap instead; 0 joins what touches.

    Returns:
        the strokes, each joined one in the place of its first; importance and half width are means by length, and what
        belongs to points is kept.

    Raises:
        ValueError: the gap is negative or not finite.
    """
    widest = GAP_PENS * profile.pen_width_mm if gap_mm is None else gap_mm
    if not (np.isfinite(widest) and widest >= 0.0):
        raise ValueError(f'a gap of {widest} mm is not a length')
    lines = [k for k, stroke in enumerate(strokes) if len(stroke.xy) > 1 and not _closed(stroke)]
    if len(lines) < 2:
        return tuple(strokes)
    ends = np.array([strokes[k].xy[side] for k in lines for side in (0, -1)])
    away = np.array([_away(strokes[k].xy, side) for k in lines for side in (0, -1)])
    pairs = cKDTree(ends).query_pairs(widest * (1.0 + 1e-12), output_type='ndarray')
    pairs = pairs[pairs[:, 0] // 2 != pairs[:, 1] // 2]
    alike = [_alike(strokes[lines[a // 2]], strokes[lines[b // 2]]) for a, b in pairs]
    pairs = pairs[np.array(alike, dtype=bool)] if len(pairs) else pairs
    gaps = np.hypot(*(ends[pairs[:, 0]] - ends[pairs[:, 1]]).T)
    straight = -(away[pairs[:, 0]] * away[pairs[:, 1]]).sum(axis=1)  # 1: goes on straight
    partner: dict[int, int] = {}
    group = {k: k for k in range(len(lines))}

    def root(k: int) -> int:
        while group[k] != k:
            k = group[k]
        return k

    for i in np.lexsort((pairs[:, 1], pairs[:, 0], gaps - widest * straight)).tolist():
        a, b = pairs[i].tolist()
        if a in partner or b in partner or root(a // 2) == root(b // 2):
            continue
        partner[a], partner[b] = b, a
        group[root(a // 2)] = root(b // 2)
    return _put_together(strokes, lines, partner)


def _closed(stroke: Stroke) -> bool:
    return len(stroke.xy) > 2 and bool((stroke.xy[0] == stroke.xy[-1]).all())


def _alike(one: Stroke, other: Stroke) -> bool:
    return one.label == other.label and one.pen == other.pen


def _away(xy: np.ndarray, side: int) -> np.ndarray:
    """(2,) unit vector in which a line leaves its end."""
    inward = xy if side == 0 else xy[::-1]
    far = np.hypot(*(inward - inward[0]).T)
    at = min(int(np.searchsorted(np.maximum.accumulate(far), 0.5)), len(far) - 1)
    way = inward[max(at, 1)] - inward[0]
    length = np.hypot(*way)
    return way / length if length > 0.0 else way


def _put_together(strokes: Sequence[Stroke], lines: list[int], partner: dict[int, int]) -> tuple[Stroke, ...]:
    joined: list[Stroke | None] = list(strokes)
    used = set()
    for first in sorted({2 * i + side for i in range(len(lines)) for side in (0, 1)} - set(partner)):
        if first // 2 in used:
            continue
        row, end = [], first
        while True:
            stroke = strokes[lines[end // 2]]
            row.append((lines[end // 2], stroke if end % 2 == 0 else stroke.reversed()))
            used.add(end // 2)
            out = end ^ 1
            if out not in partner:
                break
            end = partner[out]
        if len(row) > 1:
            for k, _ in row:
                joined[k] = None
            joined[min(k for k, _ in row)] = _chain([stroke for _, stroke in row])
    return tuple(stroke for stroke in joined if stroke is not None)


def _chain(row: list[Stroke]) -> Stroke:
    length = np.array([stroke.length for stroke in row])
    share = length / length.sum() if length.sum() > 0.0 else np.full(len(row), 1.0 / len(row))
    xy = np.concatenate([stroke.xy for stroke in row])
    arrays: dict[str, np.ndarray | None] = {}
    for name in ('half_widths', 'pressure'):
        values = [getattr(stroke, name) for stroke in row]
        if name == 'half_widths':
            values = [
                np.full(len(s.xy), s.half_width) if v is None and any(w is not None for w in values) else v
                for s, v in zip(row, values, strict=True)
            ]
        arrays[name] = None if any(v is None for v in values) else np.concatenate(values)
    moved = np.concatenate(([True], (np.diff(xy, axis=0) != 0.0).any(axis=1)))
    return replace(
        row[0],
        xy=xy,
        half_width=float(share @ [stroke.half_width for stroke in row]),
        importance=float(np.clip(share @ [stroke.importance for stroke in row], 0.0, 1.0)),
        half_widths=arrays['half_widths'],
        pressure=arrays['pressure'],
    ).taking(moved)
