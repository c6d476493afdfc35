"""Which sheets the arm reaches: its postures for each size, found once, or a picture for who places the page."""

from __future__ import annotations

import math
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numba
import numpy as np

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.motion.page import Page
from sketch_robot.plotters.arm.field import PostureField, Workcell
from sketch_robot.plotters.arm.frames import PageFrame
from sketch_robot.plotters.arm.kinematics import Arrays, reach_for
from sketch_robot.plotters.arm.postures import CLEAR_M, UNUSABLE, find_postures, posture_cost
from sketch_robot.plotters.arm.setup import ArmSetup
from sketch_robot.plotters.paper import save_png

AROUND = 0.75  # of the page's longer side, shown on each side of it
CELLS = 48  # along the longer side of the picture
TRIES = 12  # random starts at each point, besides its neighbours' postures
PICTURE_PX = 900
_WHITE, _GREY, _DARK, _HERE = (255, 255, 255), (150, 150, 150), (40, 40, 40), (30, 80, 190)
_NONE, _GOOD, _POOR = np.array([226, 200, 200]), np.array([96, 170, 110]), np.array([236, 210, 110])
POOR_COST = 8.0  # of a posture near a joint's end or a singularity, see `quality`


@dataclass(frozen=True, eq=False)
class Reach:
    """The cost of the best posture found at points around the page.

    Attributes:
        x_mm, y_mm: (nx,), (ny,) float64, in the page's frame.
        cost: (ny, nx) float64; `UNUSABLE` where the arm does not reach.
        size_mm: of the page.
        base_mm: (3,) float64; the arm's base, in the page's frame.
    """

    x_mm: np.ndarray
    y_mm: np.ndarray
    cost: np.ndarray
    size_mm: tuple[float, float]
    base_mm: np.ndarray

    @property
    def page_share(self) -> float:
        """Share of the page's points that the arm reaches, each by itself."""
        on_page = np.outer(
            (self.y_mm >= 0.0) & (self.y_mm <= self.size_mm[1]), (self.x_mm >= 0.0) & (self.x_mm <= self.size_mm[0])
        )
        return float((self.cost[on_page] < UNUSABLE).mean())

    @property
    def nearest_shift_mm(self) -> tuple[float, float] | None:
        """How far to move the sheet, in its own x and y, for the arm to reach all of it; None: there is no such place
        within this picture."""
        reached = self.cost < UNUSABLE
        step_x, step_y = self.x_mm[1] - self.x_mm[0], self.y_mm[1] - self.y_mm[0]
        wide, high = math.ceil(self.size_mm[0] / step_x) + 1, math.ceil(self.size_mm[1] / step_y) + 1
        rows, columns = reached.shape
        best: tuple[float, float] | None = None
        for r in range(rows - high + 1):
            for c in range(columns - wide + 1):
                if reached[r : r + high, c : c + wide].all():
                    shift = float(self.x_mm[c]), float(self.y_mm[r])
                    if best is None or math.hypot(*shift) < math.hypot(*best):
                        best = shift
        return best


def find_reach(situation: Workcell) -> Reach:
    """Look at points on and around the page, each with the pen turned as suits it best."""
    side = max(situation.size_mm)
    x_mm, y_mm = (
        np.linspace(-AROUND * side, size + AROUND * side, round(CELLS * (size + 2 * AROUND * side) / (3 * side)) + 1)
        for size in situation.size_mm
    )
    xx, yy = np.meshgrid(x_mm, y_mm)
    xyz = np.stack([xx, yy, np.zeros_like(xx)], axis=-1).reshape(-1, 3)
    arm, here = Arrays.of(situation.chain), situation
    targets = here.pose.frames(here.page, xyz, np.zeros(len(xyz))).reshape(*xx.shape, 4, 4)
    starts = _starts(here, TRIES)
    cost = np.full(xx.shape, UNUSABLE)
    shoulder = here.chain.joints[0].origin[:3, 3]
    targets[np.linalg.norm(targets[..., :3, 3] - shoulder, axis=-1) > longest(here)] = np.nan
    _costs(
        arm.origins, arm.axes, arm.sliding, arm.tip, here.lower, here.upper, here.chain.speed, here.scene,
        here.size_m[0], here.size_m[1], targets, starts, here.angle, cost,
    )  # fmt: skip
    return Reach(x_mm, y_mm, cost, here.size_mm, here.page.to_page(np.zeros(3)))


def middle_of(situation: Workcell) -> np.ndarray:
    """(4, 4) m; the tool's frame in the base with the pen on the middle of the page."""
    xyz = np.array([[0.5 * situation.size_mm[0], 0.5 * situation.size_mm[1], 0.0]])
    return situation.pose.frames(situation.page, xyz, np.zeros(1))[0]


def turned_over(situation: Workcell) -> PageFrame:
    """The page with its other side towards the pen: turned by half a turn about the line across its middle."""
    page = situation.page.base_from_page @ np.diag([1.0, -1.0, -1.0, 1.0])
    page[:3, 3] += situation.page.base_from_page[:3, 1] * situation.size_m[1]
    return PageFrame(page)


def reaches_middle(situation: Workcell) -> bool:
    """Whether the pen can be held on the middle of the page in any way, as far as random starts tell."""
    arm, here = Arrays.of(situation.chain), situation
    cost = np.full((1, 1), UNUSABLE)
    _costs(
        arm.origins, arm.axes, arm.sliding, arm.tip, here.lower, here.upper, here.chain.speed, here.scene,
        here.size_m[0], here.size_m[1], middle_of(here)[None, None], _starts(here, 8 * TRIES), here.angle, cost,
    )  # fmt: skip
    return bool(cost[0, 0] < UNUSABLE)


def _starts(situation: Workcell, count: int) -> np.ndarray:
    """Random joints (count, n), the same each time."""
    low, high = np.maximum(situation.lower, -np.pi), np.minimum(situation.upper, np.pi)
    return np.random.default_rng(0).uniform(low, high, (count, len(low)))


def longest(situation: Workcell) -> float:
    """The arm stretched out, m: no point further from its first joint is reached."""
    chain = situation.chain
    links = [np.linalg.norm(joint.origin[:3, 3]) for joint in chain.joints[1:]]
    slides = np.maximum(np.abs(chain.lower), np.abs(chain.upper))[chain.sliding]
    return float(sum(links) + slides.sum() + np.linalg.norm(chain.tip[:3, 3]))


@numba.njit(cache=True)
def _costs(  # type: ignore[no-untyped-def]  # pragma: no cover
    origins, axes, sliding, tip, lower, upper, speed, page, width_m, height_m, targets, starts, angle, cost
):
    rows, columns = cost.shape
    tries, n = starts.shape
    frames, q, found = np.empty((n + 1, 4, 4)), np.empty(n), np.full((rows, columns, n), np.nan)
    for r in range(rows):
        for c in range(columns):
            if np.isnan(targets[r, c, 0, 3]):
                continue
            for k in range(-2, tries):
                if k == -2 and c > 0:
                    q[:] = found[r, c - 1]
                elif k == -1 and r > 0:
                    q[:] = found[r - 1, c]
                elif k >= 0:
                    q[:] = starts[k]
                else:
                    continue
                if np.isnan(q[0]):
                    continue
                if not reach_for(
                    origins, axes, sliding, tip, lower, upper, targets[r, c], True, angle, 25, True, q, frames
                ):
                    continue
                price = posture_cost(axes, sliding, lower, upper, speed, frames, q, page, width_m, height_m)
                if price < cost[r, c]:
                    cost[r, c] = price
                    found[r, c] = q
                if cost[r, c] < 2.0:
                    break


def draw_reach(reach: Reach) -> np.ndarray:
    """A picture of it: (H, W, 3) uint8 RGB. The page is outlined, and where
    it would have to lie instead; green: within easy reach; yellow: near a joint's end
    or a singularity; red: out of reach."""
    width_mm, height_mm = np.ptp(reach.x_mm), np.ptp(reach.y_mm)
    scale = PICTURE_PX / max(width_mm, height_mm)
    inner = round(width_mm * scale), round(height_mm * scale)
    poor = np.clip(reach.cost / POOR_COST, 0.0, 1.0)[..., None]
    colours = np.where(reach.cost[..., None] >= UNUSABLE, _NONE, (1.0 - poor) * _GOOD + poor * _POOR)
    area = cv2.resize(colours[::-1].astype(np.uint8), inner, interpolation=cv2.INTER_NEAREST)
    left, top, right, bottom = 70, 60, 30, 110
    image = np.full((inner[1] + top + bottom, inner[0] + left + right, 3), 255, np.uint8)
    image[top : top + inner[1], left : left + inner[0]] = area

    def px(x_mm: float, y_mm: float) -> tuple[int, int]:
        return (
            round(left + (x_mm - reach.x_mm[0]) * scale),
            round(top + inner[1] - (y_mm - reach.y_mm[0]) * scale),
        )

    for x in _ticks(reach.x_mm):
        cv2.line(image, px(x, reach.y_mm[0]), (px(x, 0)[0], top + inner[1] + 6), _GREY, 1, cv2.LINE_AA)
        _text(image, f'{x:g}', (px(x, 0)[0], top + inner[1] + 22), 0.42, centred=True)
    for y in _ticks(reach.y_mm):
        cv2.line(image, (left - 6, px(0, y)[1]), (left, px(0, y)[1]), _GREY, 1, cv2.LINE_AA)
        _text(image, f'{y:g}', (left - 44, px(0, y)[1] + 5), 0.42)
    width, height = reach.size_mm
    cv2.rectangle(image, px(0.0, 0.0), px(width, height), _WHITE, 5, cv2.LINE_AA)
    cv2.rectangle(image, px(0.0, 0.0), px(width, height), _DARK, 2, cv2.LINE_AA)
    _text(image, f'page {width:g} x {height:g} mm', (px(0, height)[0] + 6, px(0, height)[1] + 20), 0.5)
    shift = reach.nearest_shift_mm
    if reach.page_share < 1.0 and shift is not None:
        low, high = px(*shift), px(shift[0] + width, shift[1] + height)
        cv2.rectangle(image, low, high, _HERE, 2, cv2.LINE_AA)
        _text(image, 'here it would be reached', (low[0] + 6, low[1] - 8), 0.5)
    if reach.x_mm[0] < reach.base_mm[0] < reach.x_mm[-1] and reach.y_mm[0] < reach.base_mm[1] < reach.y_mm[-1]:
        centre = px(*reach.base_mm[:2])
        cv2.circle(image, centre, 12, _WHITE, -1, cv2.LINE_AA)
        cv2.drawMarker(image, centre, _DARK, cv2.MARKER_CROSS, 24, 2, cv2.LINE_AA)
        cv2.circle(image, centre, 12, _DARK, 2, cv2.LINE_AA)
        _text(image, 'base', (centre[0] + 18, centre[1] + 5), 0.5)
    _text(image, f'Where the arm reaches: {100.0 * reach.page_share:.0f} % of the page', (left, 36), 0.7)
    legend = (('easily', _GOOD), ("near a joint's end or a singularity", _POOR), ('not', _NONE))
    x = left
    for word, colour in legend:
        cv2.rectangle(image, (x, top + inner[1] + 52), (x + 18, top + inner[1] + 70), colour.tolist(), -1)
        _text(image, word, (x + 26, top + inner[1] + 67), 0.5)
        x += 50 + 9 * len(word)
    _text(image, 'mm of the page', (left, top + inner[1] + 96), 0.42)
    return image


def _ticks(values: np.ndarray) -> np.ndarray:
    return np.arange(math.ceil(values[0] / 100.0), math.floor(values[-1] / 100.0) + 1) * 100.0


def _text(image: np.ndarray, text: str, at: tuple[int, int], size: float, *, centred: bool = False) -> None:
    if centred:
        (width, _), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, size, 1)
        at = at[0] - width // 2, at[1]
    cv2.putText(image, text, at, cv2.FONT_HERSHEY_SIMPLEX, size, _DARK, 1, cv2.LINE_AA)


LOOKS = 12  # along each edge, pressed into the paper and lifted off it


class ReachableSheets:
    """Fields by the size of the sheet.

    Args:
        setup: the arm and where its page lies.
        picture: where to write the picture; '': the folder for temporary files.
    """

    def __init__(self, setup: ArmSetup, picture: str) -> None:
        self._setup, self._picture = setup, picture
        self.fields: dict[tuple[float, float], PostureField] = {}

    def field(self, page: Page) -> PostureField:
        """The postures for a sheet.

        Raises:
            SketchRobotError: BAD_GOAL, the arm does not reach all of it; the message says where the picture is.
        """
        size = page.width_mm, page.height_mm
        if size not in self.fields:
            setup = self._setup
            situation = Workcell(setup.chain, setup.page, size, setup.pose, setup.margin, setup.cone, setup.boxes)
            field = find_postures(situation)
            if field is None:
                raise self._refusal(situation)
            self._check_heights(field, situation)
            self.fields[size] = field
        return self.fields[size]

    def _check_heights(self, field: PostureField, situation: Workcell) -> None:
        """Also pressed into the paper and lifted off it the whole page must be reached."""
        touch = self._setup.touch
        x, y = (np.linspace(0.0, size, LOOKS) for size in situation.size_mm)
        for z in (-max(touch.offset_mm, touch.firmest_mm), touch.lift_mm):
            grid = np.stack([*(each.ravel() for each in np.meshgrid(x, y)), np.full(len(x) * len(y), z)], axis=1)
            try:
                field.joints_at(grid)
            except SketchRobotError as error:
                raise self._refusal(situation, error.message) from error

    def _refusal(self, situation: Workcell, why: str = '') -> SketchRobotError:
        reach = find_reach(situation)
        path = Path(self._picture or Path(tempfile.gettempdir()) / 'sketch_robot_reach.png')
        save_png(path, draw_reach(reach))
        shift = reach.nearest_shift_mm
        hint = '' if shift is None else f' (moved by {shift[0]:.0f}, {shift[1]:.0f} mm along its edges it would)'
        size = f'{situation.size_mm[0]:g} x {situation.size_mm[1]:g} mm'
        return SketchRobotError(
            ErrorCode.BAD_GOAL,
            f'the page {size} does not lie wholly within the reach of the arm{": " + why if why else ""}; it reaches '
            f'{100.0 * reach.page_share:.0f} % of it point by point{hint}; see {path}; nothing was drawn'
            f'{_advice(situation, reach)}',
        )


def _advice(situation: Workcell, reach: Reach) -> str:
    """What is likely wrong when not a point of the page is reached."""
    if reach.page_share > 0.0:
        return ''
    count = len(situation.chain.joints)
    away_m = float(np.linalg.norm(middle_of(situation)[:3, 3] - situation.chain.joints[0].origin[:3, 3]))
    longest_m = longest(situation)
    if away_m > longest_m:
        return (
            f'; the middle of the page is {away_m:.2f} m from the first joint, and the arm is {longest_m:.2f} m long '
            'when stretched out (metres?)'
        )
    if reaches_middle(replace(situation, page=turned_over(situation))):
        return (
            "; it would reach the sheet's other side: the tool's z axis must point along the pen to the paper, and the "
            "page's z axis out of the paper"
        )
    if np.linalg.norm(situation.chain.tip[:3, 3]) < CLEAR_M:
        return f'; the tool {situation.chain.tool!r} lies in the last joint: name the frame at the tip of the pen'
    if count < 5:
        return f'; it has {count} joints up to the pen, and a page at any place takes 5'
    if count == 5 and situation.cone == 0.0:
        return '; an arm of 5 joints cannot hold a pen upright everywhere: let it lean, as by tilt_cone_deg: 15'
    return ''
