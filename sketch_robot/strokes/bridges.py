"""The way of a line through a meeting, where a thinned picture says nothing of it."""

from __future__ import annotations

import math

import numpy as np

STEP_PX = 0.5  # between points of a bridge
REACH_PX = 3.0  # how far beyond where it should be an end may look for the line that it meets
BESIDE_PX = 0.6  # how far beside its straight way that line may be
HIT_SLOPE = 0.1  # of two places that are as near the way, the nearer one is meant
FARTHEST_CORNER_PX = 12.0  # from where a line is itself to the corner that it makes
CORNER_GAPS = 1.6  # and of the distance of the two


def bridge(from_xy: np.ndarray, from_away: np.ndarray, to_xy: np.ndarray, to_away: np.ndarray) -> np.ndarray:
    """Points between two anchors, without these: a cubic that leaves and enters as the lines do (Hermite).

    Args:
        from_xy, to_xy: (2,) pixels.
        from_away, to_away: (2,) unit vectors in which the lines leave the meeting.
    """
    gap = math.dist(from_xy, to_xy)
    count = math.ceil(gap / STEP_PX) - 1
    if count < 1:
        return np.empty((0, 2))
    t = (np.arange(1, count + 1) / (count + 1))[:, None]
    h = t * t * (3.0 - 2.0 * t)
    leave, enter = -gap * from_away, gap * to_away
    return (1.0 - h) * from_xy + h * to_xy + t * (1.0 - t) ** 2 * leave - t * t * (1.0 - t) * enter


def corner_between(
    from_xy: np.ndarray, from_away: np.ndarray, to_xy: np.ndarray, to_away: np.ndarray
) -> np.ndarray | None:
    """(2,) where two lines meet when they go on straight towards the meeting; None when they do not, or far off."""
    cross = float(from_away[0] * to_away[1] - from_away[1] * to_away[0])
    if abs(cross) < 0.1:
        return None
    step = from_xy - to_xy
    back_from = (step[0] * to_away[1] - step[1] * to_away[0]) / cross
    back_to = (step[0] * from_away[1] - step[1] * from_away[0]) / cross
    gap = math.hypot(*step)
    farthest = min(FARTHEST_CORNER_PX, max(CORNER_GAPS * gap / max(abs(cross), 0.3), 2.0))
    if not (-0.5 <= back_from <= farthest and -0.5 <= back_to <= farthest):
        return None
    corner: np.ndarray = from_xy - back_from * from_away
    return corner


def run_up(
    anchor: np.ndarray, away: np.ndarray, node_xy: np.ndarray, through: list[np.ndarray], half_width: float
) -> np.ndarray:
    """The way of an end to what it meets, (N, 2) points from near its anchor on: straight on when that leads there.
    Empty when the end has no direction.

    Args:
        anchor, away: where the line is itself, and the unit vector in which it leaves the meeting.
        node_xy: the middle of the fork of the skeleton there.
        through: the lines that go through the meeting, (M, 2) points each.
        half_width: of the ink at the meeting.
    """
    if not away.any():
        return np.empty((0, 2))
    line = np.concatenate(through) if through else node_xy[None]
    along = max(float(-((node_xy - anchor) @ away)), 0.0)
    back = line - anchor
    on = -(back @ away)
    off = np.abs(back[:, 0] * away[1] - back[:, 1] * away[0])
    ahead = (on > 0.0) & (on < along + REACH_PX + 2.0 * half_width)
    hit = int(np.argmin(np.where(ahead, off + HIT_SLOPE * on, np.inf)))
    if ahead[hit] and off[hit] < BESIDE_PX:
        target = anchor - on[hit] * away
    else:
        straight = anchor - along * away
        target = line[int(np.argmin(((line - straight) ** 2).sum(axis=1)))]
    count = max(1, math.ceil(math.dist(anchor, target) / STEP_PX))
    return anchor + (np.arange(1, count + 1) / count)[:, None] * (target - anchor)
