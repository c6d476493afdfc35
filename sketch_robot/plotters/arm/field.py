"""One posture for every point of the page: joints as a function of the place, so that no path can jump."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy.interpolate import RectBivariateSpline

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.plotters.arm.chain import Chain
from sketch_robot.plotters.arm.frames import MM, PageFrame, PenPose
from sketch_robot.plotters.arm.kinematics import UPRIGHT_RAD, Arrays, follow, forward, jacobian

SMALL = 1e-3  # m or rad; a movement that rounded angles give by themselves is less


@dataclass(frozen=True, eq=False)
class Workcell:
    """An arm, its page, and how the pen stands on it.

    Attributes:
        chain: the arm.
        page: where the sheet lies.
        size_mm: its width and height.
        pose: the pen's tilt.
        margin: share of a joint's range that stays unused at each end.
        cone: how far the pen may lean off its pose wherever the arm cannot hold it so, rad.
        boxes: (2 K, 4) float64; what links must stay in or out of, as `is_clear` has them.
    """

    chain: Chain
    page: PageFrame
    size_mm: tuple[float, float]
    pose: PenPose = field(default_factory=PenPose)
    margin: float = 0.02
    cone: float = 0.0
    boxes: np.ndarray = field(default_factory=lambda: np.zeros((0, 4)))

    @property
    def scene(self) -> np.ndarray:
        """(4 + 2 K, 4) float64; the page's frame in the base and the boxes, as `is_clear` has them."""
        return np.ascontiguousarray(np.vstack([self.page.base_from_page, self.boxes]))

    @property
    def angle(self) -> float:
        """How far the pen may be from its direction, rad."""
        return max(UPRIGHT_RAD, self.cone)

    @property
    def lower(self) -> np.ndarray:
        """(n,) float64; the joints' ends, the margin taken off."""
        return self.chain.lower + self.margin * (self.chain.upper - self.chain.lower)

    @property
    def upper(self) -> np.ndarray:
        """(n,) float64."""
        return self.chain.upper - self.margin * (self.chain.upper - self.chain.lower)

    @property
    def size_m(self) -> tuple[float, float]:
        """Width and height, m."""
        return self.size_mm[0] * MM, self.size_mm[1] * MM

    @property
    def can_turn(self) -> bool:
        """Whether the arm can turn the pen about itself without moving its tip or its direction, and is asked to."""
        if self.cone > 0.0:
            return False
        rng = np.random.default_rng(1)
        down = self.page.base_from_page[:3, :3] @ self.pose.down
        for _ in range(5):
            jac = jacobian(self.chain, rng.uniform(self.lower, self.upper))
            along = down @ jac[3:]
            free = np.vstack([jac[:3], jac[3:] - np.outer(down, along)])
            if np.linalg.matrix_rank(jac, SMALL) > np.linalg.matrix_rank(free, SMALL):
                return True
        return False


class PostureField:
    """Joints for every point on and above the page.

    Args:
        situation: what it was found for.
        turn: (6,) float64; coefficients of the turn about the pen, see `turn_basis`.
        x_mm, y_mm: (nx,), (ny,) float64; the grid.
        joints: (ny, nx, n) float64 on it, the tip on the paper.
        cost: of the worst posture on the grid.
    """

    def __init__(
        self,
        situation: Workcell,
        turn: np.ndarray,
        x_mm: np.ndarray,
        y_mm: np.ndarray,
        joints: np.ndarray,
        cost: float,
    ) -> None:
        self.situation, self.turn, self.cost = situation, turn, cost
        self._free = not situation.can_turn
        self._arm = Arrays.of(situation.chain)
        self._splines = [
            RectBivariateSpline(y_mm, x_mm, joints[..., j], kx=min(3, len(y_mm) - 1), ky=min(3, len(x_mm) - 1))
            for j in range(joints.shape[-1])
        ]

    def turn_at(self, xy_mm: np.ndarray) -> np.ndarray:
        """The turn about the pen, rad: (N, 2) -> (N,)."""
        return turn_basis(xy_mm, self.situation.size_mm) @ self.turn

    def frames_at(self, xyz_mm: np.ndarray) -> np.ndarray:
        """Tool frames in the base, m: (N, 3) mm of the page -> (N, 4, 4)."""
        here = self.situation
        return here.pose.frames(here.page, xyz_mm, self.turn_at(xyz_mm[:, :2]))

    def joints_at(self, xyz_mm: np.ndarray) -> np.ndarray:
        """Joints for points of the page, z above the paper, negative pressed into it: (N, 3) mm -> (N, n).

        Raises:
            SketchRobotError: BAD_GOAL, a point cannot be reached, or only beyond a joint's end.
        """
        xyz = np.ascontiguousarray(xyz_mm, dtype=np.float64)
        arm, here = self._arm, self.situation
        starts = np.column_stack([spline.ev(xyz[:, 1], xyz[:, 0]) for spline in self._splines])
        joints, reached = np.empty_like(starts), np.empty(len(xyz), dtype=bool)
        follow(
            arm.origins, arm.axes, arm.sliding, arm.tip, self.frames_at(xyz), starts, self._free, here.angle, joints,
            reached,
        )  # fmt: skip
        beyond = ((joints < here.lower - 1e-9) | (joints > here.upper + 1e-9)).any(axis=1)
        bad = ~reached | beyond
        if bad.any():
            k = int(np.argmax(bad))
            why = f'joint {self._beyond(joints[k])} would come too near its end' if beyond[k] else 'it is too far away'
            x, y, z = xyz[k]
            raise SketchRobotError(
                ErrorCode.BAD_GOAL,
                f'the arm does not reach ({x:.1f}, {y:.1f}) mm of the page, {z:.1f} mm above it: {why}; move the page',
            )
        return joints

    def place_of(self, q: np.ndarray) -> np.ndarray:
        """The pen's place (3,) mm for joints (n,), as `joints_at` takes it."""
        here = self.situation
        return here.pose.untip(here.page.to_page(forward(here.chain, q)[:3, 3]))

    def _beyond(self, q: np.ndarray) -> str:
        here = self.situation
        return here.chain.names[int(np.argmin(np.minimum(q - here.lower, here.upper - q)))]


def turn_basis(xy_mm: np.ndarray, size_mm: tuple[float, float]) -> np.ndarray:
    """(N, 2) -> (N, 6): 1, x, y, x y, x^2, y^2 with x and y from -1 to 1 over the page."""
    x, y = (2.0 * xy_mm / np.array(size_mm) - 1.0).T
    return np.stack([np.ones_like(x), x, y, x * y, x * x, y * y], axis=1)
