"""Teach the robot a hand: a frame to print, a photo of what was drawn on it, minutes of learning, the next sitter.

Learning runs in a process of its own, `sketch-robot keyframe train`, with less right to the cores than a drawing; it
ends with the studio, and what it has learned so far is kept. All that is taught lies in one folder that only this user
reads; the photo that was drawn over is deleted with it.
"""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.files import state_folder, write_whole
from sketch_robot.studio.robot import Robot
from sketch_robot.studio.store import JobStore

LONGEST_PX = 512  # of the frame: about what the artists' networks see of a sitter
FRAME, DRAWN, HAND, RUN = 'frame.png', 'drawn.png', 'hand.safetensors', 'hand.run'
LIGHT = 0.12  # by how much light is varied: others sit elsewhere, and at another hour
LESS_RIGHT = 10  # of the cores: niceness
USUAL = 'usual_artist'  # who draws when nobody is taught, as the store keeps it
STOP_S = 5.0
PROGRAM = 'import sys; from sketch_robot.cli import main; sys.exit(main(sys.argv[1:]))'

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Lesson:
    """How far the teaching is.

    Attributes:
        stage: 'none', 'framed' (there is a sheet to print), 'drawn' (its photo was read), 'learning', 'ready' (the hand
            draws) or 'failed'.
        share: of the learning that is done.
        left_s: seconds that it will take, about.
        reason: why it failed, for people.
    """

    stage: str = 'none'
    share: float = 0.0
    left_s: float = 0.0
    reason: str = ''


class Teaching:
    """One lesson at a time; may be used by several threads.

    Args:
        robot: that is taught.
        store: keeps who drew before.
        folder: of what is taught; None: `hands` in the folder for state. The node `line_artist` must be allowed to read
            it (`file_folders`), as the graph with a studio is.
    """

    def __init__(self, robot: Robot, store: JobStore, folder: Path | None = None) -> None:
        self._robot, self._store = robot, store
        self.folder = state_folder() / 'hands' if folder is None else folder
        self.program: tuple[str, ...] = (sys.executable, '-c', PROGRAM)
        self._lock = threading.RLock()
        self._process: subprocess.Popen[str] | None = None
        self._lesson = Lesson(self._stage_on_disk())
        self._began_s = self._seconds = 0.0

    def lesson(self) -> Lesson:
        """How far it is."""
        with self._lock:
            if self._lesson.stage != 'learning' or not self._seconds:
                return self._lesson
            spent_s = time.monotonic() - self._began_s
            share = max(self._lesson.share, min(0.99, spent_s / self._seconds))
            return Lesson('learning', share, max(0.0, self._seconds - spent_s))

    def frame(self, photo: np.ndarray) -> None:
        """Begin with a photo of a sitter, (H, W, 3) uint8 RGB; a lesson before it is forgotten.

        Raises:
            SketchRobotError: BUSY, it learns; BAD_GOAL, it cannot be kept.
        """
        with self._lock:
            self._must_not_learn()
            scale = min(1.0, LONGEST_PX / max(photo.shape[:2]))
            size = [max(1, round(scale * side)) // 4 * 4 for side in photo.shape[1::-1]]
            self._forget_files()
            self._write(FRAME, cv2.resize(photo, (size[0], size[1]), interpolation=cv2.INTER_AREA))
            self._lesson = Lesson('framed')

    def picture(self, which: str) -> bytes:
        """A PNG: the 'sheet' to print, the 'frame', or what was 'drawn'.

        Raises:
            SketchRobotError: BAD_GOAL, there is none yet.
        """
        from sketch_robot.line_art.hand.sheet import print_sheet

        picture = self._read(DRAWN if which == 'drawn' else FRAME)
        return _png(print_sheet(picture) if which == 'sheet' else picture)

    def receive(self, photo: np.ndarray) -> None:
        """Take a photo of the sheet that was drawn on, (H, W, 3) uint8 RGB.

        Raises:
            SketchRobotError: BAD_IMAGE, its marks are not seen, or nothing is drawn; BUSY; BAD_GOAL, there is no sheet.
        """
        from sketch_robot.line_art.hand.sheet import read_sheet

        with self._lock:
            self._must_not_learn()
            frame = self._read(FRAME)
            self._write(DRAWN, read_sheet(photo, (frame.shape[1], frame.shape[0])))
            self._lesson = Lesson('drawn')

    def learn(self, minutes: float) -> None:
        """Learn for so many minutes, and draw with the hand from then on.

        Raises:
            SketchRobotError: BUSY, it learns already; BAD_GOAL, nothing was drawn yet.
        """
        with self._lock:
            self._must_not_learn()
            self._read(DRAWN)
            words = [
                'keyframe', 'train', str(self.folder / FRAME), '--key', f'0={self.folder / DRAWN}', '--light',
                str(LIGHT), '--minutes', f'{minutes:g}', '-o', str(self.folder / HAND),
            ]  # fmt: skip
            self._process = subprocess.Popen(
                [*self.program, *words],
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                env={**os.environ, 'PYTHONPATH': os.pathsep.join(filter(None, sys.path))},
            )  # fmt: skip
            with suppress(OSError):  # it has ended already
                os.setpriority(os.PRIO_PROCESS, self._process.pid, LESS_RIGHT)
            self._began_s, self._seconds = time.monotonic(), 60.0 * minutes
            self._lesson = Lesson('learning')
            threading.Thread(target=self._follow, args=(self._process,), name='teaching', daemon=True).start()

    def forget(self) -> None:
        """Stop learning, delete all that was taught, and let who drew before draw again.

        Raises:
            SketchRobotError: NODE_LOST or BAD_GOAL, the robot cannot change its artist; the rest is done.
        """
        self.close()
        with self._lock:
            self._forget_files()
            self._lesson = Lesson()
        usual = self._store.value(USUAL, '')
        if usual:
            self._robot.use_artist(usual)

    def close(self) -> None:
        """Stop learning; what was learned is kept, and gone on with."""
        with self._lock:
            process, self._process = self._process, None
            if self._lesson.stage == 'learning':
                self._lesson = Lesson('drawn')
        if process is not None and process.poll() is None:
            process.terminate()
            try:
                process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()

    # ------------------------------------------------------------- beside the learning
    def _follow(self, process: subprocess.Popen[str]) -> None:
        """Read what the process says until it ends, then draw with what it has learned."""
        last = ''
        assert process.stderr is not None
        for line in process.stderr:
            last = line.strip().removeprefix('sketch-robot: ') or last
            number, percent, _ = last.partition(' %')
            if percent and number.replace('.', '', 1).isdecimal():
                with self._lock:
                    if process is self._process:
                        self._lesson = Lesson('learning', float(number) / 100)
        status = process.wait()
        with self._lock:
            if process is not self._process:  # it was stopped
                return
            self._process = None
        if status != 0:
            _log.warning('the hand was not learned: %s', last)
        reason = last if status else self._use()
        with self._lock:
            self._lesson = Lesson('failed', reason=reason) if reason else Lesson('ready', 1.0)

    def _use(self) -> str:
        """Let the hand draw; why it cannot, '' when it does."""
        try:
            before = self._robot.artist()
            path = str(self.folder / HAND)
            if before != path:
                self._store.keep(USUAL, before)
            self._robot.use_artist(path)
        except SketchRobotError as error:
            return error.message
        return ''

    # ------------------------------------------------------------- files
    def _stage_on_disk(self) -> str:
        stages = ((HAND, 'ready'), (DRAWN, 'drawn'), (FRAME, 'framed'))
        return next((stage for name, stage in stages if (self.folder / name).is_file()), 'none')

    def _must_not_learn(self) -> None:
        if self._lesson.stage == 'learning':
            raise SketchRobotError(ErrorCode.BUSY, 'the robot is learning; wait, or forget it first')

    def _write(self, name: str, picture: np.ndarray) -> None:
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.folder.chmod(0o700)
        except OSError as error:
            raise SketchRobotError(ErrorCode.BAD_GOAL, f'cannot write {self.folder}: {error.strerror}') from error
        write_whole(self.folder / name, _png(picture))

    def _read(self, name: str) -> np.ndarray:
        bgr: Any = cv2.imread(str(self.folder / name)) if (self.folder / name).is_file() else None
        if bgr is None:
            missing = 'take a picture to print first' if name == FRAME else 'photograph the drawn sheet first'
            raise SketchRobotError(ErrorCode.BAD_GOAL, missing)
        return cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB)

    def _forget_files(self) -> None:
        for path in (*(self.folder / name for name in (FRAME, DRAWN, HAND)), *(self.folder / RUN).glob('*')):
            path.unlink(missing_ok=True)


def _png(picture: np.ndarray) -> bytes:
    return bytes(cv2.imencode('.png', cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))[1])
