"""What all routes share: the parts of the studio, who asks, and how things are shown."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fastapi import HTTPException, Request, WebSocket

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.motion.plan import DrawingPlan
from sketch_robot.studio import schemas
from sketch_robot.studio.auth import Operator, RateLimit
from sketch_robot.studio.desk import Desk
from sketch_robot.studio.door import Door
from sketch_robot.studio.jobs import Job
from sketch_robot.studio.robot import MachineState, Robot
from sketch_robot.studio.sittings import Sittings
from sketch_robot.studio.store import USED, JobStore
from sketch_robot.studio.teaching import Teaching
from sketch_robot.studio.webhooks import Webhooks

COOKIE = 'studio'
LOOPBACK = ('127.0.0.1', '::1', 'testclient')
STATUS = {
    ErrorCode.BAD_GOAL: 400,
    ErrorCode.BAD_PLAN: 400,
    ErrorCode.BAD_IMAGE: 422,
    ErrorCode.NO_FACE: 422,
    ErrorCode.NO_BODY: 422,
    ErrorCode.NOTHING_TO_DRAW: 422,
    ErrorCode.OFF_PAGE: 422,
    ErrorCode.BUSY: 409,
}  # all others: 503, the robot is not there or cannot


@dataclass
class StudioService:
    """All parts of it.

    Attributes:
        store, robot, desk, sittings, door, operator, webhooks: see there.
        hosts: names, beside addresses, by which its pages may be asked for.
        hands: the folder of what the robot is taught; None: in the folder for state.
        way: the address that phones can open, 'http://192.168.1.7:8080/'; '' while it listens to this machine alone.
    """

    store: JobStore
    robot: Robot
    desk: Desk = field(init=False)
    sittings: Sittings = field(init=False)
    door: Door = field(init=False)
    operator: Operator = field(init=False)
    webhooks: Webhooks = field(init=False)
    teaching: Teaching = field(init=False)
    pin: str = ''
    hosts: tuple[str, ...] = ()
    way: str = ''
    hands: Path | None = None

    def __post_init__(self) -> None:
        self.desk = Desk(self.store, self.robot)
        self.sittings = Sittings(self.robot, self.desk.settings, self.desk.layout)
        self.door = Door(self.sittings, self.desk.settings)
        self.operator = Operator(self.store, self.pin)
        self.webhooks = Webhooks(self.store)
        self.teaching = Teaching(self.robot, self.store, self.hands)
        self._height = ('', 0.0)
        self.asking = RateLimit(400, 100)
        self.sitting = RateLimit(8, 8 / 60)
        self.ordering = RateLimit(10, 10 / 60)

    def page_height(self, job: Job) -> float:
        """Height of the sheet of the job on the paper, mm."""
        if self._height[0] != job.id:
            self._height = job.id, self.store.plan(job.id).page.height_mm
        return self._height[1]

    def start(self) -> None:
        """Begin to draw, and to tell others."""
        self.desk.start()
        self.webhooks.start()

    def close(self) -> None:
        """Leave the queue in order."""
        self.desk.close()
        self.teaching.close()
        self.webhooks.close()
        self.sittings.close()
        self.store.close()


# ----------------------------------------------------------------- who asks
def studio_of(connection: Request | WebSocket) -> StudioService:
    """The studio of an application."""
    found: StudioService = connection.app.state.studio
    return found


def address_of(connection: Request | WebSocket) -> str:
    """From where somebody asks."""
    return connection.client.host if connection.client is not None else ''


def token_of(connection: Request | WebSocket) -> str:
    """The bearer token of a program or a visitor; '' for none."""
    kind, _, token = connection.headers.get('authorization', '').partition(' ')
    return token.strip() if kind.lower() == 'bearer' else ''


def is_operator(connection: Request | WebSocket) -> bool:
    """Whether the operator asks."""
    operator = studio_of(connection).operator
    return operator.is_signed_in(connection.cookies.get(COOKIE, '')) or operator.is_signed_in(token_of(connection))


def need_operator(request: Request) -> StudioService:
    """The studio, for the operator alone."""
    if not is_operator(request):
        raise HTTPException(401, {'code': 'PIN', 'message': 'this needs the PIN'})
    return studio_of(request)


def owned(request: Request, identity: str) -> Job:
    """A job, for its owner and the operator alone; all others learn nothing."""
    studio = studio_of(request)
    try:
        job = studio.store.job(identity)
    except SketchRobotError:
        job = None
    if job is None or not (is_operator(request) or studio.store.is_owner(identity, token_of(request))):
        raise HTTPException(404, {'code': 'UNKNOWN', 'message': 'there is no such drawing'})
    return job


def may_see_live(connection: Request | WebSocket) -> bool:
    """Whether somebody may see the camera's live picture: who stands before it, by device, and the operator."""
    studio = studio_of(connection)
    return (
        address_of(connection) in LOOPBACK
        or is_operator(connection)
        or bool(studio.desk.settings()['live_for_all'])
    )  # fmt: skip


def limited(limit: RateLimit, request: Request) -> None:
    """Refuse who asks too often; the operator, and programs with the operator's token, may."""
    if is_operator(request):
        return
    if not limit.takes(address_of(request)):
        raise HTTPException(429, {'code': 'SLOW', 'message': 'too many at once; wait a minute'}, {'Retry-After': '30'})


# ----------------------------------------------------------------- how things are shown
def lines_of(plan: DrawingPlan) -> schemas.Lines:
    """A plan as lines to be shown, y down, to a hundredth of a millimetre."""
    top = plan.page.height_mm
    strokes = [(stroke.xy * (1.0, -1.0) + (0.0, top)).round(2).ravel().tolist() for stroke in plan.strokes]
    return schemas.Lines(
        width_mm=plan.page.width_mm,
        height_mm=plan.page.height_mm,
        pen_mm=plan.profile.pen_width_mm,
        strokes=strokes,
        seconds=[round(seconds, 2) for seconds in plan.stroke_s.tolist()],
    )


def job_view(studio: StudioService, job: Job) -> schemas.JobView:
    """A job as its owner sees it."""
    return schemas.JobView(**_shared(studio, job))


def operator_job(studio: StudioService, job: Job) -> schemas.OperatorJob:
    """A job as the operator sees it."""
    return schemas.OperatorJob(
        **_shared(studio, job),
        name=job.name,
        reason=job.reason,
        attempts=job.attempts,
        created=job.created,
        changed=job.changed,
        taken_s=job.taken_s,
        can_resume=studio.desk.can_resume(job),
        seems_done=studio.desk.seems_done(job),
    )


def _shared(studio: StudioService, job: Job) -> dict[str, Any]:
    place = eta_s = None
    if job.state in ('waiting', 'ready'):
        turns = studio.desk.turns()
        at = next((k for k, (other, _) in enumerate(turns) if other.id == job.id), None)
        if at is not None:
            on_paper = studio.store.on_paper() is not None
            place, eta_s = at + on_paper, turns[at][1]
    return {
        'id': job.id,
        'number': job.number,
        'state': job.state,
        'interrupted': job.interrupted,
        'predicted_s': job.predicted_s,
        'strokes': job.strokes,
        'place': place,
        'eta_s': eta_s,
        'gallery': job.gallery,
        'has_drawing': job.has_plan,
    }


def machine_view(state: MachineState, *, all_of_it: bool) -> schemas.MachineView:
    """The machine; its reason is for the operator."""
    if not all_of_it:
        return schemas.MachineView(status=state.status)
    return schemas.MachineView(
        status=state.status,
        reason=state.reason,
        machine=state.machine,
        pen_down=state.pen_down,
        pen_mm=state.pen_mm,
    )


def now_view(studio: StudioService, state: MachineState) -> schemas.Now | None:
    """What is on the paper."""
    job = studio.store.on_paper()
    if job is None:
        return None
    ours = state.strokes_total == job.strokes
    height = studio.page_height(job) if ours else 0.0
    return schemas.Now(
        number=job.number,
        state='interrupted' if job.interrupted else job.state,
        strokes_done=state.strokes_done if ours else 0,
        strokes_total=job.strokes,
        fraction=state.fraction if ours else 0.0,
        remaining_s=state.remaining_s * studio.desk.pace() if ours else job.predicted_s * studio.desk.pace(),
        pen_mm=(round(state.pen_mm[0], 2), round(height - state.pen_mm[1], 2)),
        pen_down=state.pen_down,
        shown=job.gallery,
    )


def queue_view(studio: StudioService) -> schemas.QueueView:
    """What everybody may know."""
    state, settings = studio.robot.state(), studio.desk.settings()
    return schemas.QueueView(
        open=bool(settings['open']),
        keeps_photos=bool(settings['keep_photos']),
        machine=machine_view(state, all_of_it=False),
        now=now_view(studio, state),
        waiting=[
            schemas.Waiting(number=job.number, eta_s=eta_s, held=job.state == 'waiting')
            for job, eta_s in studio.desk.turns()
        ],
        version=studio.desk.version,
        way=studio.way,
    )


def operator_view(studio: StudioService) -> schemas.OperatorView:
    """All that the operator sees."""
    state, store = studio.robot.state(), studio.store
    midnight = time.mktime((*time.localtime()[:3], 0, 0, 0, 0, 0, -1))
    over = store.over(midnight)
    drawn = [job for job in over if job.state == 'drawn']
    current = store.on_paper()
    return schemas.OperatorView(
        machine=machine_view(state, all_of_it=True),
        now=now_view(studio, state),
        current=None if current is None else operator_job(studio, current),
        queue=[operator_job(studio, job) for job in store.queue()],
        over=[operator_job(studio, job) for job in over[:40]],
        sheet='used' if store.value('sheet', USED) == USED else 'fresh',
        settings=studio.desk.settings(),
        drawn_today=len(drawn),
        failed_today=sum(job.state == 'failed' for job in over),
        mean_s=sum(job.taken_s for job in drawn) / len(drawn) if drawn else None,
        version=studio.desk.version,
        teach=teach_view(studio),
    )


def teach_view(studio: StudioService) -> schemas.TeachView:
    """How far the robot is taught a hand."""
    return schemas.TeachView.model_validate(studio.teaching.lesson(), from_attributes=True)
