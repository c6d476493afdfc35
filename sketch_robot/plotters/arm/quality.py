"""How good a posture is for drawing: far from the joints' ends, far from singularities, clear of the page."""

from __future__ import annotations

import numba
import numpy as np

from sketch_robot.plotters.arm.inverse import METRE, solve_normal
from sketch_robot.plotters.arm.kinematics import jacobian_into

PEN_M_S = 0.1  # the pen's speed that a posture should allow in every direction
SLOWEST_M_S = 0.01  # a posture that allows less is singular
EASY_MARGIN = 0.15  # of a joint's range; further away from its ends there is little to gain
CLEAR_M = 0.015  # links and joints stay so far above the sheet
AROUND_M = 0.05  # ... and as far around it as that
UNUSABLE = 1e3  # cost of a posture that must not be taken


@numba.njit(cache=True)
def speed_load(axes, sliding, speed, frames, page):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Seconds a metre: the largest share of a joint's speed limit that a pen speed of 1 m/s in any direction needs.

    The shortest joint movement that moves the tip by the page's x, y and z and does not turn the tool.
    """
    n = len(axes)
    jac, error, step = np.empty((6, n)), np.zeros(6), np.empty(n)
    squares = np.zeros(n)
    jacobian_into(axes, sliding, frames, jac)
    for j in range(n):
        for i in range(3):
            jac[i, j] *= METRE
    for k in range(3):
        for i in range(3):
            error[i] = METRE * page[i, k]
        solve_normal(jac, error, 1e-9, step)
        squares += (step / speed) ** 2
    return np.sqrt(squares.max())


@numba.njit(cache=True)
def end_margin(q, lower, upper):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Share of its range that the worst joint keeps from its nearer end; negative beyond it."""
    worst = 1.0
    for j in range(len(q)):
        worst = min(worst, min(q[j] - lower[j], upper[j] - q[j]) / (upper[j] - lower[j]))
    return worst


@numba.njit(cache=True)
def is_clear(frames, page, width_m, height_m):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Whether no link passes through the sheet: straight lines between the joints, and from the last to the tip."""
    n = len(frames) - 1
    for j in range(n):
        last = j == n - 1
        for part in range(1, 5):
            if last and part > 2:
                break
            share = 0.25 * part
            x = frames[j, 0, 3] + share * (frames[j + 1, 0, 3] - frames[j, 0, 3]) - page[0, 3]
            y = frames[j, 1, 3] + share * (frames[j + 1, 1, 3] - frames[j, 1, 3]) - page[1, 3]
            z = frames[j, 2, 3] + share * (frames[j + 1, 2, 3] - frames[j, 2, 3]) - page[2, 3]
            above = page[0, 2] * x + page[1, 2] * y + page[2, 2] * z
            if above < CLEAR_M:
                u = page[0, 0] * x + page[1, 0] * y + page[2, 0] * z
                v = page[0, 1] * x + page[1, 1] * y + page[2, 1] * z
                if -AROUND_M < u < width_m + AROUND_M and -AROUND_M < v < height_m + AROUND_M:
                    return False
    return True


@numba.njit(cache=True)
def posture_cost(  # type: ignore[no-untyped-def]  # pragma: no cover
    axes, sliding, lower, upper, speed, frames, q, page, width_m, height_m
):
    """Cost of a posture; `UNUSABLE` beyond the limits (here with their margin), near a singularity, or in the sheet."""
    margin = end_margin(q, lower, upper)
    if margin <= 0.0 or not is_clear(frames, page, width_m, height_m):
        return UNUSABLE
    load = speed_load(axes, sliding, speed, frames, page)
    if load * SLOWEST_M_S > 1.0:
        return UNUSABLE
    return min(UNUSABLE, (PEN_M_S * load) ** 2 + (EASY_MARGIN / (margin + 0.01)) ** 2)
