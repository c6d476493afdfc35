"""Draws one job after the other, and knows what to do when a drawing is interrupted.

A job is only begun when a person, or the machine that feeds paper, has said that a new sheet is in. Whatever happens to
a drawing that the machine has taken, it is never begun again by itself: it waits as interrupted until a person says
whether the same sheet is gone on with, a new one begun, or nothing of both. It is gone on with only if the machine
still knows the rest of that very drawing, and no other sheet was put in.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from typing import Any

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.motion.layout import SheetLayout, lay_out
from sketch_robot.motion.marks import is_svg
from sketch_robot.motion.page import parse_page
from sketch_robot.studio.jobs import Job
from sketch_robot.studio.robot import MachineState, Robot
from sketch_robot.studio.store import FRESH, USED, JobStore

LOOK_S = 0.1
REST_S = 0.5
FORGET_EVERY_S = 600.0
DEFAULTS: dict[str, Any] = {
    'open': True,  # whether visitors may queue and jobs are drawn
    'automatic_feed': False,  # the machine puts in new sheets by itself
    'change_s': 30,  # what a new sheet takes
    'keep_hours': 24,  # how long a drawing can be fetched
    'most_waiting': 40,
    'page': '',  # '' as the planner is configured
    'border': 'none',
    'copies': 'one',
    'caption_place': 'under',
    'signature': '',
    'signature_place': 'bottom-right',
    'logo_place': 'top-left',
    'mirrored': False,
    'turned': 0,
    'start_by_face': False,  # whether a face that stays before the camera begins, where somebody looks for faces
    'live_for_all': False,  # whether other devices than the robot's own and the operator's see the live picture
    'keep_photos': False,  # whether sitters are asked if their photo may be kept
}
LAYOUT = ('caption_place', 'signature', 'signature_place', 'logo_place', 'border', 'copies', 'mirrored', 'turned')
MARKS = {'logo': 'logo', 'signature_svg': 'signature'}  # SVG files that are kept apart, and what they are on the sheet
USUAL_PAGE, PEN_MM = 'A5', 0.5  # for trying whether a mark fits, where the planner's own page is not known
RESOLUTIONS = ('resume', 'afresh', 'done', 'drop')
_log = logging.getLogger(__name__)


class Desk:
    """Runs the queue in a thread of its own.

    Args:
        store: the queue.
        robot: that draws.
    """

    def __init__(self, store: JobStore, robot: Robot) -> None:
        self.store, self.robot = store, robot
        self._wake = threading.Event()
        self._closing = False
        self._rest_of = ''
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix='drawing')
        self._thread = threading.Thread(target=self._run, name='desk', daemon=True)
        self._not_before_s = self._forget_s = 0.0
        self._version = 0

    @property
    def version(self) -> int:
        """Grows with each change that somebody might want to see."""
        return self._version

    def start(self) -> None:
        """Begin to work."""
        self._thread.start()

    def close(self) -> None:
        """Stop working; a drawing that is going on is left to the machine, and found as interrupted."""
        self._closing = True
        self.changed()
        if self._thread.is_alive():
            self._thread.join(timeout=5.0)
        self._pool.shutdown(wait=False, cancel_futures=True)

    def changed(self) -> None:
        """Look at the queue again."""
        self._version += 1
        self._wake.set()

    def settings(self) -> dict[str, Any]:
        """The settings as they are now."""
        return {**self.store.settings(DEFAULTS), **{mark: bool(self.store.value(mark, '')) for mark in MARKS}}

    def layout(self, caption: str) -> SheetLayout:
        """The sheet as the settings want it, with a caption."""
        settings = self.settings()
        marks = {what: self.store.value(mark, '') for mark, what in MARKS.items() if settings[mark]}
        return SheetLayout(**{'caption': caption.strip(), **{name: settings[name] for name in LAYOUT}, **marks})

    def set_mark(self, mark: str, svg: str) -> None:
        """Have one of `MARKS` drawn beside each drawing, the content of an SVG file; '' for none.

        Raises:
            SketchRobotError: BAD_GOAL, BAD_PLAN: it cannot be read, has too many lines, or does not fit on the sheet.
        """
        if svg and not is_svg(svg):
            raise SketchRobotError(ErrorCode.BAD_GOAL, f'a {MARKS[mark]} is an SVG')
        page = parse_page(self.settings()['page'] or USUAL_PAGE)
        changed: dict[str, Any] = {MARKS[mark]: svg}
        lay_out(replace(self.layout(''), **changed), page, PEN_MM)
        self.store.keep(mark, svg)
        self.changed()

    # ------------------------------------------------------------- what people decide
    def resolve(self, identity: str, how: str) -> Job:
        """Say how it goes on with an interrupted job.

        Args:
            identity: of the job.
            how: 'resume' on its sheet, 'afresh' on a new one, 'done' (all of it is on paper), or 'drop'.

        Raises:
            SketchRobotError: BAD_GOAL, there is no such way; BUSY, it is not possible now; the message says why.
        """
        job = self.store.job(identity)
        if how not in RESOLUTIONS:
            raise SketchRobotError(ErrorCode.BAD_GOAL, f'choose one of: {", ".join(RESOLUTIONS)}')
        if not (job.state == 'paused' and job.interrupted):
            raise SketchRobotError(ErrorCode.BUSY, f'number {job.number} was not interrupted')
        if how == 'resume':
            if not self.can_resume(job):
                raise SketchRobotError(
                    ErrorCode.BUSY, 'the machine does not know the rest of it, or another sheet is in; draw it afresh'
                )
            self.store.resume(identity)
            self._rest_of = identity
        elif how == 'afresh':
            self.store.retry(identity)
        elif how == 'done':
            self.store.finish(identity)
        else:
            self.store.fail(identity, job.reason)
        self.changed()
        return self.store.job(identity)

    def can_resume(self, job: Job) -> bool:
        """Whether an interrupted job can be gone on with on the sheet that is in."""
        machine = self.robot.state()
        return (
            job.interrupted
            and self.store.is_on_its_sheet(job.id)
            and machine.unfinished == job.digest
            and machine.status not in ('drawing', 'homing', 'parking', 'resuming', 'offline')
        )

    def seems_done(self, job: Job) -> bool:
        """Whether the machine says that it has drawn all of an interrupted job; a person still looks at the sheet."""
        machine = self.robot.state()
        return (
            job.interrupted
            and self.store.is_on_its_sheet(job.id)
            and (machine.status, machine.unfinished) == ('idle', '')
            and machine.strokes_done == machine.strokes_total == job.strokes
        )

    def new_sheet(self) -> None:
        """A person says that a new sheet is in."""
        self.store.new_sheet()
        self.changed()

    # ------------------------------------------------------------- times
    def pace(self) -> float:
        """Wall-clock seconds for each predicted one, of the last drawings; 1.0 before there are any."""
        ratios = [job.taken_s / job.predicted_s for job in self.store.over(most=10) if job.taken_s and job.predicted_s]
        return sorted(ratios)[len(ratios) // 2] if ratios else 1.0

    def turns(self) -> list[tuple[Job, float]]:
        """The jobs that wait, and the seconds until each is begun, as far as one can tell."""
        settings, pace = self.settings(), self.pace()
        current = self.store.on_paper()
        ahead_s = 0.0
        if current is not None:
            ahead_s = self.robot.state().remaining_s * pace + settings['change_s']
        found = []
        for job in self.store.queue():
            found.append((job, ahead_s))
            if job.state == 'ready':
                ahead_s += job.predicted_s * pace + settings['change_s']
        return found

    # ------------------------------------------------------------- the thread
    def _run(self) -> None:
        while not self._closing:
            try:
                self._turn()
            except SketchRobotError as error:
                _log.warning('the queue: %s', error)
            except Exception:  # noqa: BLE001  the queue must not stand because of one job; the log has it
                _log.exception('the queue goes on after a defect')
            self._wake.wait(REST_S)
            self._wake.clear()

    def _turn(self) -> None:
        if self._rest_of:
            identity, self._rest_of = self._rest_of, ''
            self._draw(self.store.job(identity), lambda _begun: self.robot.draw_rest(), afresh=False)
            return
        settings = self.settings()
        if time.monotonic() > self._forget_s:
            self._forget_s = time.monotonic() + FORGET_EVERY_S
            self.store.forget(time.time() - 3600.0 * settings['keep_hours'])
        if not settings['open'] or self.store.on_paper() is not None or time.monotonic() < self._not_before_s:
            return
        job = next((job for job in self.store.queue() if job.state == 'ready'), None)
        if job is None or self.robot.state().status != 'idle':
            return
        if self.store.value('sheet', USED) != FRESH:
            if not settings['automatic_feed']:
                return
            self.store.new_sheet()
        plan = self.store.plan(job.id)
        self._draw(self.store.begin(job.id), lambda begun: self.robot.draw(plan, begun), afresh=True)

    def _draw(self, job: Job, work: Callable[[Callable[[], None]], None], *, afresh: bool) -> None:
        taken = threading.Event()
        self._version += 1
        drawing: Future[None] = self._pool.submit(work, taken.set)
        while not drawing.done() and not self._closing:
            self._mirror(job, self.robot.state())
            self._wake.wait(LOOK_S)
            self._wake.clear()
        if not drawing.done():
            return
        self._version += 1
        error = drawing.exception()
        if error is None:
            self.store.finish(job.id)
            _log.info('number %d is drawn', job.number)
            return
        if not isinstance(error, SketchRobotError):
            _log.error('a defect while drawing number %d', job.number, exc_info=error)
        why = error.message if isinstance(error, SketchRobotError) else 'a defect of this program; the log has it'
        refused = isinstance(error, SketchRobotError) and error.code == ErrorCode.BUSY and not taken.is_set()
        if afresh and refused:
            # Refused before anything moved: neither the job nor the sheet is used up.
            self.store.not_begun(job.id)
            self._not_before_s = time.monotonic() + 2.0
            return
        self.store.pause(job.id, why, interrupted=True)
        _log.warning('number %d was interrupted: %s', job.number, why)

    def _mirror(self, job: Job, machine: MachineState) -> None:
        """Let the job's state be what the machine does."""
        state = self.store.job(job.id).state
        if machine.status == 'paused' and state == 'drawing':
            self.store.pause(job.id, machine.reason, interrupted=False)
            self._version += 1
        elif machine.status in ('drawing', 'resuming') and state == 'paused':
            self.store.go_on(job.id)
            self._version += 1
