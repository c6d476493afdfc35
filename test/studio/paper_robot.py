"""A robot for tests of the studio: it draws in a moment, on no paper, and fails when a test says so."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.motion import DrawingPlan, MachineLimits, parse_page
from sketch_robot.motion.layout import SheetLayout
from sketch_robot.motion.plan import digest_of
from sketch_robot.motion.planner import plan_drawing
from sketch_robot.stroke import Stroke
from sketch_robot.studio.robot import LivePicture, MachineState, Sketch

ANGLES = np.linspace(0.0, 2.0 * np.pi, 40)


def face() -> tuple[Stroke, ...]:
    """A few lines that look like somebody."""
    head = Stroke(np.column_stack((50 + 30 * np.cos(ANGLES), 50 + 40 * np.sin(ANGLES))), 0.5, 'jaw', 0.9)
    eyes = [
        Stroke(np.column_stack((x + 4 * np.cos(ANGLES), 42 + 3 * np.sin(ANGLES))), 0.3, 'eye', 1.0) for x in (38, 62)
    ]
    hair = [Stroke(np.array([[22.0 + k, 30.0], [20.0 + 2 * k, 8.0]]), 0.4, 'hair', 0.3) for k in range(0, 50, 3)]
    return (head, *eyes, *hair)


class PaperRobot:
    """Answers what the studio asks.

    Attributes:
        sheets: digests of what was drawn on each sheet since it was put in, oldest first; tests read it.
        stroke_s: what a stroke takes.
        fails_after: strokes after which the next drawing fails; None: it does not.
        refuses: whether the next drawing is rejected as another is running.
    """

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.finished: list[str] = []
        self.resumed: list[str] = []
        self.commands: list[str] = []
        self.stroke_s = 0.0
        self.fails_after: int | None = None
        self.refuses = False
        self.no_face = False
        self.watched = False
        self.drawing_artist = 'student'
        self.refused_artist = ''
        self.best: np.ndarray | None = None
        self._state = MachineState(status='idle', machine='default')
        self._plan: DrawingPlan | None = None
        self._done = 0
        self._stop, self._go = threading.Event(), threading.Event()
        self._go.set()
        self._frames = 0
        self.last_photo_shape: tuple[int, ...] = ()

    # ------------------------------------------------------------- pictures
    def frame(self) -> LivePicture:
        self._frames += 1
        picture = np.full((120, 160, 3), 60, np.uint8)
        picture[30:90, 40 + self._frames % 60 : 60 + self._frames % 60] = 220
        return LivePicture(picture, self._frames)

    def line_art(self) -> LivePicture:
        return LivePicture(np.full((64, 64), 255, np.uint8), self._frames)

    def watch(self, wanted: bool) -> None:
        self.watched = wanted

    def best_frame(self) -> np.ndarray | None:
        return self.best

    def sketch(self, photo: np.ndarray, style: str = '', artist: str = '', pose: str = '') -> Sketch:
        self.last_style, self.last_artist, self.last_pose = style, artist, pose
        self.last_photo_shape = photo.shape
        if self.no_face:
            raise SketchRobotError(ErrorCode.NO_FACE, 'no face was found')
        return Sketch(face(), 1)

    def plan(self, sketch: Sketch, *, page: str, budget_s: float, layout: SheetLayout) -> DrawingPlan:
        assert isinstance(sketch.made, tuple)
        sheet = parse_page(page or 'A6')
        return plan_drawing(
            sketch.made, (100, 100), sheet, MachineLimits(), time_budget_s=budget_s, layout=layout, weight='none'
        )

    # ------------------------------------------------------------- the machine
    def state(self) -> MachineState:
        return self._state

    def set_state(self, **changes: object) -> None:
        self._state = replace(self._state, **changes)

    def draw(self, plan: DrawingPlan, on_begin: Callable[[], None]) -> None:
        if self.refuses:
            raise SketchRobotError(ErrorCode.BUSY, 'the plotter is drawing something else')
        on_begin()
        self._plan, self._done = plan, 0
        self.begun.append(digest_of(plan))
        self._strokes()

    def artist(self) -> str:
        return self.drawing_artist

    def use_artist(self, name: str) -> None:
        if name == self.refused_artist:
            raise SketchRobotError(ErrorCode.BAD_GOAL, 'its file may not be read')
        self.drawing_artist = name

    def draw_rest(self) -> None:
        if self._plan is None or not self._state.unfinished:
            raise SketchRobotError(ErrorCode.NOTHING_TO_DRAW, 'there is no drawing')
        self.resumed.append(digest_of(self._plan))
        self._strokes()

    def command(self, name: str) -> str:
        self.commands.append(name)
        if name == 'pause':
            self._go.clear()
            self.set_state(status='paused', reason='paused')
        elif name == 'resume':
            self.set_state(status='drawing', reason='')
            self._go.set()
        elif name == 'stop':
            self._stop.set()
            self._go.set()
        return f'{name}: done'

    def _strokes(self) -> None:
        plan = self._plan
        assert plan is not None
        self._stop.clear()
        total = len(plan.strokes)
        fails, self.fails_after = self.fails_after, None
        while self._done < total:
            share = self._done / total
            self.set_state(
                status='drawing', strokes_done=self._done, strokes_total=total, fraction=share,
                remaining_s=plan.predicted_s * (1.0 - share), unfinished='', pen_down=True,
                pen_mm=tuple(plan.strokes[self._done].xy[-1].tolist()),
            )  # fmt: skip
            if not self._go.is_set():  # paused while the state was told
                self.set_state(status='paused', reason='paused')
            time.sleep(self.stroke_s)
            self._go.wait(20.0)
            if self._stop.is_set() or (fails is not None and self._done >= fails):
                self.set_state(status='idle', unfinished=digest_of(plan), pen_down=False)
                if self._stop.is_set():
                    raise SketchRobotError(ErrorCode.CANCELLED, 'the drawing was stopped; the pen is up')
                raise SketchRobotError(ErrorCode.PLOTTER_ALARM, 'the machine stopped itself')
            self._done += 1
        self.finished.append(digest_of(plan))
        self.set_state(status='idle', strokes_done=total, fraction=1.0, remaining_s=0.0, pen_down=False, unfinished='')
