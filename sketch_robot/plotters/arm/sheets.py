"""The postures for each size of sheet, found once, or the refusal with a picture of what is within reach."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.motion.page import Page
from sketch_robot.plotters.arm.branches import find_field
from sketch_robot.plotters.arm.field import Field, Situation
from sketch_robot.plotters.arm.quality import CLEAR_M
from sketch_robot.plotters.arm.reach import (
    Reach,
    draw_reach,
    find_reach,
    longest,
    middle_of,
    reaches_middle,
    turned_over,
)
from sketch_robot.plotters.arm.setup import ArmSetup
from sketch_robot.plotters.paper import save_png

LOOKS = 12  # along each edge, pressed into the paper and lifted off it


class Sheets:
    """Fields by the size of the sheet.

    Args:
        setup: the arm and where its page lies.
        picture: where to write the picture; '': the folder for temporary files.
    """

    def __init__(self, setup: ArmSetup, picture: str) -> None:
        self._setup, self._picture = setup, picture
        self.fields: dict[tuple[float, float], Field] = {}

    def field(self, page: Page) -> Field:
        """The postures for a sheet.

        Raises:
            SketchRobotError: BAD_GOAL, the arm does not reach all of it; the message says where the picture is.
        """
        size = page.width_mm, page.height_mm
        if size not in self.fields:
            setup = self._setup
            situation = Situation(setup.chain, setup.page, size, setup.pose, setup.margin)
            field = find_field(situation)
            if field is None:
                raise self._refusal(situation)
            self._check_heights(field, situation)
            self.fields[size] = field
        return self.fields[size]

    def _check_heights(self, field: Field, situation: Situation) -> None:
        """Also pressed into the paper and lifted off it the whole page must be reached."""
        touch = self._setup.touch
        x, y = (np.linspace(0.0, size, LOOKS) for size in situation.size_mm)
        for z in (-max(touch.offset_mm, touch.firmest_mm), touch.lift_mm):
            grid = np.stack([*(each.ravel() for each in np.meshgrid(x, y)), np.full(len(x) * len(y), z)], axis=1)
            try:
                field.joints_at(grid)
            except SketchRobotError as error:
                raise self._refusal(situation, error.message) from error

    def _refusal(self, situation: Situation, why: str = '') -> SketchRobotError:
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


def _advice(situation: Situation, reach: Reach) -> str:
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
    return f'; it has {count} joints up to the pen, and a page at any place takes 5' if count < 5 else ''
