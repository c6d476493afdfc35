"""Draw on without lifting where two strokes end so near each other that the pen covers the gap.

A lift, a drop and the stop between cost as much as tens of millimetres of line. Ends that lie within a pen's width of
each other are one place on paper: whatever the turn there, a line between them adds no ink that would be seen.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.spatial import cKDTree

from sketch_robot.motion.profile import PenProfile
from sketch_robot.stroke import Stroke
from sketch_robot.strokes.ends import ends_of, matched, put_together

GAP_PENS = 1.0  # of the pen's width; two dots of the pen so far apart touch
LOOK_MM = 0.5  # over which a stroke's direction at its end is taken


def join_strokes(strokes: Sequence[Stroke], profile: PenProfile, *, gap_mm: float | None = None) -> tuple[Stroke, ...]:
    """Join strokes end to end where the gap is below the pen's width, the nearest ends and straightest turns first.

    Strokes of different pens and labels stay apart, so that what is left out for lack of time stays a thing of its own;
    dots and closed strokes are left alone.

    Args:
        strokes: in mm.
        profile: the machine; its pen's width is the widest gap.
        gap_mm: the widest gap instead; 0 joins what touches.

    Returns:
        the strokes, each joined one in the place of its first; see `put_together`.

    Raises:
        ValueError: the gap is negative or not finite.
    """
    widest = GAP_PENS * profile.pen_width_mm if gap_mm is None else gap_mm
    if not (np.isfinite(widest) and widest >= 0.0):
        raise ValueError(f'a gap of {widest} mm is not a length')
    ends = ends_of(strokes, look=LOOK_MM)
    if len(ends.lines) < 2:
        return tuple(strokes)
    pairs = cKDTree(ends.xy).query_pairs(widest * (1.0 + 1e-12), output_type='ndarray')
    apart = pairs[:, 0] // 2 != pairs[:, 1] // 2
    pairs = pairs[apart & (ends.kind[pairs[:, 0]] == ends.kind[pairs[:, 1]])]
    gaps = np.hypot(*(ends.xy[pairs[:, 0]] - ends.xy[pairs[:, 1]]).T)
    straight = -(ends.away[pairs[:, 0]] * ends.away[pairs[:, 1]]).sum(axis=1)  # 1: goes on straight
    first = np.lexsort((pairs[:, 1], pairs[:, 0], gaps - widest * straight))
    partner = matched(map(tuple, pairs[first].tolist()), len(ends.lines))
    return put_together(strokes, ends.lines, partner)
