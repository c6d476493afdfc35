"""Choose a posture for every point of the page, once: smooth, away from joint ends, singularities and the sheet.

An arm can hold its pen on a point in several ways (elbow up or down, ...) and, with six axes, turned by any angle about
the pen. Chosen anew along every stroke, that would let the arm fold over in the middle of a line. Here the choice is
made for the whole page: from each way of reaching its middle the solution is continued over the page and all turns of
the pen (a flood over a grid of x, y and turn; each cell starts from its neighbour's joints, so one flood is one branch
of the inverse kinematics). On each branch a smooth turn(x, y), a quadratic polynomial, is found that keeps the worst
posture good, and the best branch is taken. Joints are then a function of the place on the page: no path can jump, and
wherever a drawing is interrupted, the arm comes back to the same posture.
"""

from __future__ import annotations

import logging

import numba
import numpy as np
from scipy.optimize import minimize

from sketch_robot.plotters.arm.field import PostureField, Workcell, turn_basis
from sketch_robot.plotters.arm.kinematics import (
    METRE,
    STEPS,
    UPRIGHT_RAD,
    Arrays,
    jacobian_into,
    reach_for,
    solve_normal,
)

PEN_M_S = 0.1  # the pen's speed that a posture should allow in every direction
SLOWEST_M_S = 0.01  # a posture that allows less is singular
EASY_MARGIN = 0.15  # of a joint's range; further away from its ends there is little to gain
ROOM, FORBIDDEN = 1.0, -1.0  # kinds of boxes: links stay in the one, and out of the others
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
def is_clear(frames, scene, width_m, height_m):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Whether no link passes through the sheet or a wall: straight lines between the joints, and from the last to the
    tip.

    `scene` (4 + 2 K, 4): the page's frame in the base, then K boxes, each a row of its least x, y, z and its kind, and
    a row of its greatest, m in the base.
    """
    if len(scene) > 4 and not is_in_room(frames, scene):
        return False
    n, page = len(frames) - 1, scene
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
def is_in_room(frames, scene):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Whether all links are in the room, as far as there is one, and out of what is forbidden."""
    for j in range(len(frames) - 1):
        for part in range(1, 5):
            share = 0.25 * part
            x = frames[j, 0, 3] + share * (frames[j + 1, 0, 3] - frames[j, 0, 3])
            y = frames[j, 1, 3] + share * (frames[j + 1, 1, 3] - frames[j, 1, 3])
            z = frames[j, 2, 3] + share * (frames[j + 1, 2, 3] - frames[j, 2, 3])
            for k in range(4, len(scene), 2):
                inside = (
                    scene[k, 0] <= x <= scene[k + 1, 0]
                    and scene[k, 1] <= y <= scene[k + 1, 1]
                    and scene[k, 2] <= z <= scene[k + 1, 2]
                )
                if inside != (scene[k, 3] > 0.0):
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


COARSE_MM = 20.0  # grid of the search
FINE_MM = 8.0  # grid of the postures that are kept
TURNS = np.radians(np.arange(-360.0, 360.0, 10.0))  # two rounds: a joint may start either way round
STARTS = 240  # random joints that the middle of the page is reached from
BRANCHES = 12  # at most; a 6-axis arm has 8 postures for each turn of the pen
CONTINUED = 12  # steps from a neighbour's joints
JUMP = 0.6  # rad or m; neighbours on the grid further apart are on different branches

_log = logging.getLogger(__name__)


def find_postures(situation: Workcell) -> PostureField | None:
    """Choose a posture for every point of the page; None when no single branch covers it.

    The same for the same situation.
    """
    x_mm, y_mm = (_grid(0.0, size, COARSE_MM) for size in situation.size_mm)
    turns = TURNS if situation.can_turn else np.zeros(1)
    best: tuple[float, np.ndarray, np.ndarray] | None = None
    branches = _branches(situation, x_mm, y_mm, turns)
    for volume, cost in branches:
        coefficients, worst = _smooth_turn(cost, x_mm, y_mm, turns, situation.size_mm)
        if worst < UNUSABLE and (best is None or worst < best[0]):
            best = worst, coefficients, volume
    _log.info('%d ways to reach the page; the best has the cost %s', len(branches), best and round(best[0], 3))
    if best is None:
        return None
    return _refine(situation, best[1], best[2], x_mm, y_mm, turns)


def _branches(
    situation: Workcell, x_mm: np.ndarray, y_mm: np.ndarray, turns: np.ndarray
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Joints (ny, nx, nt, n) and costs (ny, nx, nt) of each way found to reach the middle of the page."""
    arm, chain, free = Arrays.of(situation.chain), situation.chain, len(turns) == 1
    row, column = len(y_mm) // 2, len(x_mm) // 2
    middle = np.repeat([[x_mm[column], y_mm[row], 0.0]], len(turns), axis=0)
    targets = situation.pose.frames(situation.page, middle, turns)
    rng = np.random.default_rng(0)
    low, high = np.maximum(situation.lower, -np.pi), np.minimum(situation.upper, np.pi)
    frames = np.empty((len(chain.joints) + 1, 4, 4))
    found: list[tuple[np.ndarray, np.ndarray]] = []
    for k in range(STARTS):
        turn = len(turns) // 4 + k % (len(turns) // 2) if not free else 0  # each turn of the middle round in its turn
        q = rng.uniform(low, high)
        if not reach_for(
            arm.origins, arm.axes, arm.sliding, arm.tip, situation.lower, situation.upper, targets[turn], free,
            situation.angle, STEPS, True, q, frames,
        ):  # fmt: skip
            continue
        if any(np.abs(volume[row, column, turn] - q).max() < 0.05 for volume, _ in found if not free) or (
            free and any(np.abs(volume[row, column, 0] - q).max() < 0.05 for volume, _ in found)
        ):
            continue
        volume, cost = flood(situation, x_mm, y_mm, turns, (row, column, turn), q)
        if cost[row, column, turn] < UNUSABLE:
            found.append((volume, cost))
        if len(found) == BRANCHES:
            break
    return found


def flood(
    situation: Workcell,
    x_mm: np.ndarray,
    y_mm: np.ndarray,
    turns: np.ndarray,
    seed: tuple[int, int, int],
    q: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Continue a solution over the page and the turns of the pen.

    Args:
        x_mm, y_mm, turns: the grid.
        seed: row, column and turn that `q` (n,) reaches.

    Returns:
        joints (ny, nx, nt, n), NaN where they were not found, and costs (ny, nx, nt), `UNUSABLE` there.
    """
    arm, here = Arrays.of(situation.chain), situation
    rotations = np.ascontiguousarray(here.page.base_from_page[:3, :3] @ here.pose.turned(turns))
    xx, yy = np.meshgrid(x_mm, y_mm)
    points = np.ascontiguousarray(here.page.to_base(np.stack([xx, yy, np.zeros_like(xx)], axis=-1)))
    shape = (len(y_mm), len(x_mm), len(turns))
    volume, cost = np.full((*shape, len(q)), np.nan), np.full(shape, UNUSABLE)
    _flood(
        arm.origins, arm.axes, arm.sliding, arm.tip, here.lower, here.upper, here.chain.speed, here.scene,
        here.size_m[0], here.size_m[1], points, rotations, len(turns) == 1, here.angle, seed[0], seed[1], seed[2], q,
        volume, cost,
    )  # fmt: skip
    return volume, cost


@numba.njit(cache=True)
def _flood(  # type: ignore[no-untyped-def]  # pragma: no cover
    origins, axes, sliding, tip, lower, upper, speed, page, width_m, height_m, points, rotations, free, angle,
    row, column, turn, q, volume, cost,
):  # fmt: skip
    rows, columns, turns, n = volume.shape
    target, frames, trial = np.eye(4), np.empty((n + 1, 4, 4)), np.empty(n)
    queue = np.empty((rows * columns * turns, 3), dtype=np.int64)
    state = np.zeros((rows, columns, turns), dtype=np.int8)  # 1: solved
    first, last = 0, 0
    steps = CONTINUED if angle <= UPRIGHT_RAD else STEPS  # the least lean is found slowly
    for neighbour in range(-1, rows * columns * turns * 6):
        if neighbour < 0:
            r, c, t = row, column, turn
            trial[:] = q
        else:
            here, side = neighbour // 6, neighbour % 6
            if here >= last:
                break
            r, c, t = queue[here, 0], queue[here, 1], queue[here, 2]
            trial[:] = volume[r, c, t]
            r += (side == 0) - (side == 1)
            c += (side == 2) - (side == 3)
            t += (side == 4) - (side == 5)
            if r < 0 or r >= rows or c < 0 or c >= columns or t < 0 or t >= turns or state[r, c, t] != 0:
                continue
        target[:3, :3] = rotations[t]
        target[:3, 3] = points[r, c]
        start = trial.copy()
        if not reach_for(origins, axes, sliding, tip, lower, upper, target, free, angle, steps, False, trial, frames):
            continue
        if np.abs(trial - start).max() > JUMP:
            continue
        price = posture_cost(axes, sliding, lower, upper, speed, frames, trial, page, width_m, height_m)
        if price >= UNUSABLE:
            continue
        state[r, c, t] = 1
        volume[r, c, t] = trial
        cost[r, c, t] = price
        queue[last, 0], queue[last, 1], queue[last, 2] = r, c, t
        last += 1
    return first


def _smooth_turn(
    cost: np.ndarray, x_mm: np.ndarray, y_mm: np.ndarray, turns: np.ndarray, size_mm: tuple[float, float]
) -> tuple[np.ndarray, float]:
    """Coefficients of the turn (6,), and the worst cost on the grid with it."""
    if len(turns) == 1:
        return np.zeros(6), float(cost.max())
    xx, yy = np.meshgrid(x_mm, y_mm)
    basis = turn_basis(np.stack([xx.ravel(), yy.ravel()], axis=1), size_mm)
    flat = cost.reshape(len(basis), len(turns))
    node = np.arange(len(basis))
    step = turns[1] - turns[0]

    def costs(coefficients: np.ndarray) -> np.ndarray:
        at = (basis @ coefficients - turns[0]) / step
        inside = (at >= 0.0) & (at <= len(turns) - 1.001)
        at = np.clip(at, 0.0, len(turns) - 1.001)
        k = at.astype(int)
        share = at - k
        return np.where(inside, (1.0 - share) * flat[node, k] + share * flat[node, k + 1], UNUSABLE)

    def objective(coefficients: np.ndarray) -> float:
        each = costs(coefficients)
        return float(each.max() + each.mean())

    constant = flat.max(axis=0) + flat.mean(axis=0)
    start = np.zeros(6)
    start[0] = turns[int(np.argmin(constant))]
    simplex = np.vstack([start, start + 0.3 * np.eye(6)])
    found = minimize(
        objective, start, method='Nelder-Mead',
        options={'initial_simplex': simplex, 'maxfev': 500, 'xatol': 1e-3, 'fatol': 1e-4},
    )  # fmt: skip
    best = found.x if objective(found.x) < objective(start) else start
    return best, float(costs(best).max())


def _refine(
    situation: Workcell, turn: np.ndarray, volume: np.ndarray, x_mm: np.ndarray, y_mm: np.ndarray, turns: np.ndarray
) -> PostureField | None:
    """The field on its fine grid, started from the nearest cells of the search."""
    arm, here = Arrays.of(situation.chain), situation
    fine_x, fine_y = (_grid(0.0, size, FINE_MM) for size in here.size_mm)
    xx, yy = np.meshgrid(fine_x, fine_y)
    xyz = np.stack([xx.ravel(), yy.ravel(), np.zeros(xx.size)], axis=1)
    angle = turn_basis(xyz[:, :2], here.size_mm) @ turn
    r = np.abs(y_mm[:, None] - xyz[:, 1]).argmin(axis=0)
    c = np.abs(x_mm[:, None] - xyz[:, 0]).argmin(axis=0)
    near = (
        turn_basis(np.stack([x_mm[c], y_mm[r]], axis=1), here.size_mm) @ turn
    )  # of the cell itself: that one is solved
    starts = volume[r, c, np.abs(turns[:, None] - near).argmin(axis=0)]
    targets = here.pose.frames(here.page, xyz, angle)
    joints, costs = np.empty_like(starts), np.empty(len(starts))
    _solve_all(
        arm.origins, arm.axes, arm.sliding, arm.tip, here.lower, here.upper, here.chain.speed, here.scene,
        here.size_m[0], here.size_m[1], targets, starts, not here.can_turn, here.angle, joints, costs,
    )  # fmt: skip
    grid = joints.reshape(len(fine_y), len(fine_x), -1)
    steps = max(float(np.abs(np.diff(grid, axis=k)).max()) for k in (0, 1))
    if costs.max() >= UNUSABLE or steps > JUMP:
        return None
    return PostureField(situation, turn, fine_x, fine_y, grid, float(costs.max()))


@numba.njit(cache=True)
def _solve_all(  # type: ignore[no-untyped-def]  # pragma: no cover
    origins, axes, sliding, tip, lower, upper, speed, page, width_m, height_m, targets, starts, free, angle, joints,
    costs,
):  # fmt: skip
    n = len(axes)
    frames = np.empty((n + 1, 4, 4))
    for k in range(len(targets)):
        joints[k] = starts[k]
        if reach_for(
            origins, axes, sliding, tip, lower, upper, targets[k], free, angle, STEPS, False, joints[k], frames
        ):
            costs[k] = posture_cost(axes, sliding, lower, upper, speed, frames, joints[k], page, width_m, height_m)
        else:
            costs[k] = UNUSABLE


def _grid(low: float, high: float, step: float) -> np.ndarray:
    return np.linspace(low, high, max(4, int(np.ceil((high - low) / step)) + 1))
