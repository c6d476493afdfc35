"""Frames: rigid transforms, the page in the arm's base, and how the pen stands on the page.

Transforms are (4, 4) float64 matrices in metres. The page's frame has its origin at the lower left corner, x right, y
up along the sheet, z out of the paper towards the pen. The page is in millimetres, the robot in metres.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.spatial.transform import Rotation

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.validation import FINITE, Rule, fits, numbers_of


def transform(xyz: Sequence[float] | np.ndarray, rpy: Sequence[float] | np.ndarray = (0.0, 0.0, 0.0)) -> np.ndarray:
    """A frame at `xyz`, turned by roll, pitch, yaw about the fixed x, y, z axes as in URDF."""
    frame = np.eye(4)
    frame[:3, :3] = Rotation.from_euler('xyz', np.asarray(rpy, dtype=np.float64)).as_matrix()
    frame[:3, 3] = xyz
    return frame


def inverse(frame: np.ndarray) -> np.ndarray:
    """Of a rigid transform."""
    out = np.eye(4)
    out[:3, :3] = frame[:3, :3].T
    out[:3, 3] = -frame[:3, :3].T @ frame[:3, 3]
    return out


def from_quaternion(xyz: np.ndarray, wxyz: np.ndarray) -> np.ndarray:
    """A frame at `xyz`, turned by a quaternion w, x, y, z."""
    frame = np.eye(4)
    frame[:3, :3] = Rotation.from_quat(np.asarray(wxyz)[[1, 2, 3, 0]]).as_matrix()
    frame[:3, 3] = xyz
    return frame


def quaternion(frame: np.ndarray) -> np.ndarray:
    """(4,) w, x, y, z of a frame's rotation."""
    return Rotation.from_matrix(frame[:3, :3]).as_quat()[[3, 0, 1, 2]]


MM = 1e-3
MOST_TURN = 2.0 * np.pi + 1e-3
LEAST_SPAN_M = 0.02  # taught points closer than this make a plane of their own errors
LEAST_ANGLE = 0.17  # rad, 10 degrees; a flatter triangle of taught points says little of the plane


@dataclass(frozen=True, eq=False)
class PageFrame:
    """The page in the robot's base frame.

    Attributes:
        base_from_page: (4, 4) float64, metres.
    """

    base_from_page: np.ndarray

    @property
    def normal(self) -> np.ndarray:
        """(3,) float64; out of the paper, in the base frame."""
        return self.base_from_page[:3, 2]

    def to_base(self, xyz_mm: np.ndarray) -> np.ndarray:
        """(..., 3) mm of the page -> (..., 3) m of the base."""
        return np.asarray(xyz_mm) * MM @ self.base_from_page[:3, :3].T + self.base_from_page[:3, 3]

    def to_page(self, xyz_m: np.ndarray) -> np.ndarray:
        """(..., 3) m of the base -> (..., 3) mm of the page."""
        back = inverse(self.base_from_page)
        return (np.asarray(xyz_m) @ back[:3, :3].T + back[:3, 3]) / MM


def page_at(xyz_m: Sequence[float], rpy: Sequence[float] = (0.0, 0.0, 0.0)) -> PageFrame:
    """The page by its lower left corner and how it is turned about the base's x, y, z axes (rad, as in URDF).

    Raises:
        SketchRobotError: BAD_GOAL, those are not two times three finite numbers, or no angles in radians.
    """
    turn = _three(rpy, 'the turn of the page')
    if np.abs(turn).max() > MOST_TURN:
        raise SketchRobotError(
            ErrorCode.BAD_GOAL,
            f'the turn of the page is {rpy!r}; are those degrees? it is told in radians, from -2 pi to 2 pi',
        )
    return PageFrame(transform(_three(xyz_m, 'the place of the page'), turn))


def page_through(points_m: Sequence[Sequence[float]]) -> PageFrame:
    """The page by three points that the pen's tip was put on.

    Args:
        points_m: in the base frame, metres: the lower left corner; a point on the lower edge, right of it; a point on
            the sheet above that edge, best the upper left corner.

    Raises:
        SketchRobotError: BAD_GOAL, those are not three finite points, or they lie too close together or on a line.
    """
    if len(points_m) != 3:
        raise SketchRobotError(ErrorCode.BAD_GOAL, f'a page needs three taught points, not {len(points_m)}')
    corner, right, above = (_three(point, f'taught point {k + 1}') for k, point in enumerate(points_m))
    along, up = right - corner, above - corner
    spans = np.linalg.norm(along), np.linalg.norm(up)
    if min(spans) < LEAST_SPAN_M:
        raise SketchRobotError(
            ErrorCode.BAD_GOAL,
            f'two taught points are {min(spans) / MM:.1f} mm apart; take points at least {LEAST_SPAN_M / MM:.0f} mm '
            'apart, best the corners of the sheet',
        )
    normal = np.cross(along, up)
    if np.linalg.norm(normal) < np.sin(LEAST_ANGLE) * spans[0] * spans[1]:
        raise SketchRobotError(
            ErrorCode.BAD_GOAL,
            'the three taught points lie (nearly) on a line; take the third one well above the lower edge',
        )
    frame = np.eye(4)
    frame[:3, 0] = along / spans[0]
    frame[:3, 2] = normal / np.linalg.norm(normal)
    frame[:3, 1] = np.cross(frame[:3, 2], frame[:3, 0])
    frame[:3, 3] = corner
    return PageFrame(frame)


def _three(values: Sequence[float], what: str) -> np.ndarray:
    array = numbers_of(values, 3)
    if array is None:
        raise SketchRobotError(ErrorCode.BAD_GOAL, f'{what} is {values!r}; it must be three finite numbers')
    return array


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
        if not (fits(self.tilt, Rule(float, low=0.0, high=STEEPEST_TILT)) and fits(self.towards, FINITE)):
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
