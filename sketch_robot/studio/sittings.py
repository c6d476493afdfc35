"""Sittings: from a photo to three drawings to choose from, kept in memory until one is ordered or time is over.

The photo is gone as soon as the robot has made lines of it; what is kept are the lines. Only where the operator lets
sitters be asked whether it may be kept on disk does it wait with the lines for their answer.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.motion.layout import COPIES, Copies, SheetLayout, lay_out
from sketch_robot.motion.plan import DrawingPlan
from sketch_robot.studio.photos import as_jpeg
from sketch_robot.studio.robot import Robot, Sketch
from sketch_robot.studio.schemas import Kind

KEPT_S = 600.0
MOST_SITTINGS = 40
KINDS: dict[Kind, float] = {'few': 0.6, 'normal': 0.85, 'rich': 1.0}  # of the time of all lines: a face, with hair, all
LEAST_S = 15.0


@dataclass
class Sitting:
    """One sitter's choice; `photo`: the JPEG that they are asked about, empty where they are not asked."""

    sketch: Sketch
    plans: dict[Kind, DrawingPlan]
    photo: bytes = b''
    until_s: float = field(default_factory=lambda: time.monotonic() + KEPT_S)


class Sittings:
    """All of them; may be used by several threads, and lets the robot work at one at a time.

    Args:
        robot: that makes lines and plans.
        settings: the settings as they are now.
        layout: the sheet as they want it, with a caption.
    """

    def __init__(
        self, robot: Robot, settings: Callable[[], dict[str, Any]], layout: Callable[[str], SheetLayout]
    ) -> None:
        self._robot, self._settings, self._layout = robot, settings, layout
        self._kept: dict[str, Sitting] = {}
        self._lock = threading.Lock()
        self._working = threading.Lock()
        self._timer: threading.Timer | None = None

    def sit(self, photo: np.ndarray, style: str = '', artist: str = '', pose: str = '') -> tuple[str, Sitting]:
        """Make three drawings of a photo, in a style, by an artist, in a pose when named; the sitting's name, too.

        A picture for which an artist is named shows nobody, and is not kept.

        Raises:
            SketchRobotError: NO_FACE, NO_BODY, BAD_IMAGE, NOTHING_TO_DRAW, NODE_LOST ... as the robot says.
        """
        jpeg = as_jpeg(photo) if self._settings()['keep_photos'] and not artist else b''
        with self._working:
            sketch = self._robot.sketch(photo, style, artist, pose)
            layout, page = self._layout(''), self._settings()['page']
            rich = self._robot.plan(sketch, page=page, budget_s=0.0, layout=layout)
            plans = {kind: self._fewer(sketch, rich, kind, page, layout) for kind in KINDS}
        name, sitting = secrets.token_urlsafe(12), Sitting(sketch, plans, jpeg)
        with self._lock:
            while len(self._kept) >= MOST_SITTINGS:
                self._kept.pop(next(iter(self._kept)))
            self._kept[name] = sitting
            if self._timer is None:
                self._wait()
        return name, sitting

    def find(self, name: str) -> Sitting:
        """A sitting.

        Raises:
            SketchRobotError: BAD_GOAL, there is no such one any more.
        """
        with self._lock:
            sitting = self._kept.get(name)
        if sitting is None or sitting.until_s < time.monotonic():
            raise SketchRobotError(ErrorCode.BAD_GOAL, 'this sitting is over; please take a new picture')
        return sitting

    def order(self, name: str, kind: Kind, caption: str, copies: Copies | None = None) -> DrawingPlan:
        """The plan that a sitter chose, with a caption; the sitting goes on, in case of second thoughts.

        Args:
            name: of the sitting.
            kind: which of its drawings.
            caption: what is written beside it.
            copies: how often it is on the sheet; None: as the settings say.

        Raises:
            SketchRobotError: BAD_GOAL, there is no such sitting any more, or the caption cannot be written.
        """
        sitting = self.find(name)
        usual = self._settings()['copies']
        if not caption.strip() and copies in (None, usual):
            return sitting.plans[kind]
        with self._working:
            layout, page = replace(self._layout(caption), copies=copies or usual), self._settings()['page']
            rich = self._robot.plan(sitting.sketch, page=page, budget_s=0.0, layout=layout)
            return self._fewer(sitting.sketch, rich, kind, page, layout)

    def may_be(self, sitting: Sitting) -> list[Copies]:
        """How often a drawing may be on the sheet: what there is room for."""
        plan = sitting.plans['rich']
        return [copies for copies in COPIES if self._has_room(copies, plan)]

    def _has_room(self, copies: Copies, plan: DrawingPlan) -> bool:
        try:
            lay_out(replace(self._layout(''), copies=copies), plan.page, plan.profile.pen_width_mm)
        except SketchRobotError:
            return False
        return True

    def end(self, name: str) -> None:
        """Forget a sitting."""
        with self._lock:
            self._kept.pop(name, None)

    def __len__(self) -> int:
        return len(self._kept)

    def close(self) -> None:
        """Forget all of them."""
        with self._lock:
            self._kept.clear()
            if self._timer is not None:
                self._timer.cancel()

    def _fewer(self, sketch: Sketch, rich: DrawingPlan, kind: Kind, page: str, layout: SheetLayout) -> DrawingPlan:
        """The plan of a kind; what is written beside the drawing is in all of them, and costs no line of the face."""
        written = np.array([stroke.label == 'other' and stroke.importance == 1.0 for stroke in rich.strokes])
        written_s = float(rich.stroke_s[written].sum())
        budget_s = written_s + max(LEAST_S, KINDS[kind] * (rich.predicted_s - written_s))
        if KINDS[kind] == 1.0 or budget_s >= rich.predicted_s:
            return rich
        return self._robot.plan(sketch, page=page, budget_s=budget_s, layout=layout)

    def _forget(self) -> None:
        with self._lock:
            now_s = time.monotonic()
            self._kept = {key: kept for key, kept in self._kept.items() if kept.until_s > now_s}
            self._timer = None
            if self._kept:
                self._wait()

    def _wait(self) -> None:
        oldest = next(iter(self._kept.values()))
        self._timer = threading.Timer(max(0.0, oldest.until_s - time.monotonic()), self._forget)
        self._timer.daemon = True
        self._timer.start()
