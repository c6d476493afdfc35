"""The ends of strokes, and strokes put together at them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from sketch_robot.stroke import Stroke

LOOK_WIDTHS = 6.0  # of the line's half width, over which its end's direction is taken


@dataclass(frozen=True, eq=False)
class Ends:
    """Both ends of every open line among some strokes; end 2 k is the start of line k, 2 k + 1 its end.

    Attributes:
        lines: (L,) int64, the strokes that are open lines, by their numbers.
        xy: (2 L, 2) float64.
        away: (2 L, 2) float64, unit vectors in which the lines leave their ends.
        half_width: (2 L,) float64, 0 when unknown.
        kind: (2 L,) int64; only ends of one kind (label and pen) may be put together.
    """

    lines: np.ndarray
    xy: np.ndarray
    away: np.ndarray
    half_width: np.ndarray
    kind: np.ndarray


def is_closed(stroke: Stroke) -> bool:
    """Whether a stroke ends where it begins."""
    return len(stroke.xy) > 2 and bool((stroke.xy[0] == stroke.xy[-1]).all())


def ends_of(strokes: Sequence[Stroke], *, look: float) -> Ends:
    """The ends of those strokes that are neither dots nor closed.

    Args:
        look: the least length over which a direction is taken, in the strokes' unit.
    """
    lines = [k for k, stroke in enumerate(strokes) if len(stroke.xy) > 1 and not is_closed(stroke)]
    kinds: dict[tuple[str, str], int] = {}
    xy, away, half_width, kind = [], [], [], []
    for k in lines:
        stroke = strokes[k]
        number = kinds.setdefault((stroke.label, stroke.pen), len(kinds))
        for side in (0, -1):
            xy.append(stroke.xy[side])
            half_width.append(stroke.half_width if stroke.half_widths is None else stroke.half_widths[side])
            away.append(_away(stroke.xy, side, max(look, LOOK_WIDTHS * stroke.half_width)))
            kind.append(number)
    return Ends(
        np.array(lines, dtype=np.int64),
        np.array(xy, dtype=np.float64).reshape(-1, 2),
        np.array(away, dtype=np.float64).reshape(-1, 2),
        np.array(half_width, dtype=np.float64),
        np.array(kind, dtype=np.int64),
    )


def _away(xy: np.ndarray, side: int, look: float) -> np.ndarray:
    inward = xy if side == 0 else xy[::-1]
    far = np.hypot(*(inward - inward[0]).T)
    reached = np.flatnonzero(far >= look)
    way = inward[reached[0] if len(reached) else int(np.argmax(far))] - inward[0]
    length = np.hypot(*way)
    return way / length if length > 0.0 else way


def matched(pairs: Iterable[tuple[int, int]], count: int, *, rings: bool = False) -> dict[int, int]:
    """Take pairs of ends, the first first, as long as both are free and no ring comes of it.

    Args:
        pairs: of ends.
        count: of lines.
        rings: whether lines may be put together to rings.

    Returns:
        the other end, for each end that has one.
    """
    partner: dict[int, int] = {}
    group = list(range(count))

    def root(k: int) -> int:
        while group[k] != k:
            group[k] = group[group[k]]
            k = group[k]
        return k

    for a, b in pairs:
        if a in partner or b in partner or (root(a // 2) == root(b // 2) and not rings):
            continue
        partner[a], partner[b] = b, a
        group[root(a // 2)] = root(b // 2)
    return partner


def put_together(strokes: Sequence[Stroke], lines: np.ndarray, partner: dict[int, int]) -> tuple[Stroke, ...]:
    """Draw lines without lifting where their ends are partners; straight from end to end.

    Args:
        strokes: all.
        lines, partner: see `Ends` and `matched`.

    Returns:
        the strokes, each one that was put together in the place of its first; importance and half width are means by
        length, and what belongs to points is kept.
    """
    result: list[Stroke | None] = list(strokes)
    used: set[int] = set()
    starts = sorted(set(range(2 * len(lines))) - set(partner)) + sorted(partner)  # rings last
    for first in starts:
        if first // 2 in used:
            continue
        row: list[tuple[int, Stroke]] = []
        end: int | None = first
        while end is not None and end // 2 not in used:
            used.add(end // 2)
            k = int(lines[end // 2])
            row.append((k, strokes[k] if end % 2 == 0 else strokes[k].reversed()))
            end = partner.get(end ^ 1)
        ring = end is not None
        if len(row) > 1 or ring:
            for k, _ in row:
                result[k] = None
            result[min(k for k, _ in row)] = _chain([stroke for _, stroke in row], ring=ring)
    return tuple(stroke for stroke in result if stroke is not None)


def _chain(row: list[Stroke], *, ring: bool) -> Stroke:
    length = np.array([stroke.length for stroke in row])
    share = length / length.sum() if length.sum() > 0.0 else np.full(len(row), 1.0 / len(row))
    widths = [stroke.half_widths for stroke in row]
    if any(values is not None for values in widths):
        widths = [
            np.full(len(stroke.xy), stroke.half_width) if values is None else values
            for stroke, values in zip(row, widths, strict=True)
        ]
    xy = np.concatenate([stroke.xy for stroke in row] + ([row[0].xy[:1]] if ring else []))
    moved: np.ndarray = np.concatenate(([True], (np.diff(xy, axis=0) != 0.0).any(axis=1)))
    return replace(
        row[0],
        xy=xy,
        half_width=float(share @ [stroke.half_width for stroke in row]),
        importance=float(np.clip(share @ [stroke.importance for stroke in row], 0.0, 1.0)),
        half_widths=_concatenated(widths, ring=ring),
        pressure=_concatenated([stroke.pressure for stroke in row], ring=ring),
    ).taking(moved)


def _concatenated(arrays: list[np.ndarray | None], *, ring: bool) -> np.ndarray | None:
    """One after another, a ring's first value again at its end; None when one is missing."""
    known = [array for array in arrays if array is not None]
    if len(known) < len(arrays):
        return None
    return np.concatenate([*known, known[0][:1]] if ring else known)
