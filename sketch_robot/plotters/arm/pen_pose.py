"""How the pen stands on the page: tilt, rotation about itself, and what pressing it into the paper means."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.plotters.arm.page_frame import PageFrame

STEEPEST_TILT = math.radians(60.0)


@dataclass(frozen=True)
class PenPose:
    """The pen's direction in the page's frame.

    Attributes:
        tilt: angle between the pen and the page's normal, rad.
        towards: where its upper end leans, rad from the page's x axis, counter-clockwise.
    """

    tilt: float = 0.0
    towards: float = 0.0

    def __post_init__(self) -> None:
        if not (0.0 <= self.tilt <= STEEPEST_TILT and math.isfinite(self.towards)):
            raise SketchRobotError(
                ErrorCode.BAD_GOAL,
                f'a pen cannot draw at a tilt of {math.degrees(self.tilt):g} degrees towards '
                f'{math.degrees(self.towards):g}; take a tilt of 0 to {math.degrees(STEEPEST_TILT):g}',
            )

    @property
    def down(self) -> np.ndarray:
        """(3,) float64; along the pen, out of its tip, in the page's frame."""
        lean = math.sin(self.tilt)
        return -np.array([lean * math.cos(self.towards), lean * math.sin(self.towards), math.cos(self.tilt)])

    def tip(self, xyz_mm: np.ndarray) -> np.ndarray:
        """Where a rigid tip is put, in the page's frame.

        Above the paper at the point itself. Below (z < 0), as far along the pen: the tip gives way along the pen, so
        that it stays on the paper at (x, y) while its holder goes on to the depth z.
        """
        xyz = np.asarray(xyz_mm, dtype=np.float64)
        down = self.down
        depth = np.minimum(xyz[..., 2], 0.0) / down[2]
        tip = xyz + depth[..., None] * down
        tip[..., 2] = xyz[..., 2]
        return tip

    def untip(self, tip_mm: np.ndarray) -> np.ndarray:
        """The inverse of `tip`: where on the page a pen whose rigid tip is there draws, and how deep it is pressed."""
        tip = np.asarray(tip_mm, dtype=np.float64)
        down = self.down
        out = tip - (np.minimum(tip[..., 2], 0.0) / down[2])[..., None] * down
        out[..., 2] = tip[..., 2]
        return out

    def turned(self, turn: np.ndarray) -> np.ndarray:
        """Rotations (..., 3, 3) of the tool in the page's frame, turned about the pen by `turn` (...) rad.

        The tool's z axis is `down`; at 0 its x axis lies over the page's.
        """
        down = self.down
        x = np.array([1.0, 0.0, 0.0]) - down[0] * down
        x /= np.linalg.norm(x)
        y = np.cross(down, x)
        turn = np.asarray(turn, dtype=np.float64)[..., None]
        out = np.empty((*turn.shape[:-1], 3, 3))
        out[..., 0] = np.cos(turn) * x + np.sin(turn) * y
        out[..., 1] = np.cos(turn) * y - np.sin(turn) * x
        out[..., 2] = down
        return out

    def frames(self, page: PageFrame, xyz_mm: np.ndarray, turn: np.ndarray) -> np.ndarray:
        """Tool frames in the arm's base, m: (N, 3) mm of the page and (N,) rad -> (N, 4, 4)."""
        out = np.zeros((len(xyz_mm), 4, 4))
        out[:, :3, :3] = page.base_from_page[:3, :3] @ self.turned(turn)
        out[:, :3, 3] = page.to_base(self.tip(xyz_mm))
        out[:, 3, 3] = 1.0
        return out
