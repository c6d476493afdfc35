"""What the API takes and gives, as OpenAPI describes it."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Kind = Literal['few', 'normal', 'rich']
PLACE = Literal['under', 'top', 'bottom', 'left', 'right', 'top-left', 'top-right', 'bottom-left', 'bottom-right']
COPIES = Literal['one', 'strip', 'grid', 'cards']
FORMS = Literal['svg', 'png', 'pdf', 'gcode', 'hpgl']


class Strict(BaseModel):
    """A body in which nothing else may be."""

    model_config = ConfigDict(extra='forbid', str_max_length=2000)


class Lines(BaseModel):
    """A drawing as lines, for showing it."""

    width_mm: float
    height_mm: float
    pen_mm: float
    strokes: list[list[float]] = Field(description='x0, y0, x1, y1 ... of each stroke, millimetres, y down')
    seconds: list[float] = Field(description='predicted seconds of each stroke')


class Proposal(BaseModel):
    """One way to draw a sitter."""

    kind: Kind
    predicted_s: float
    strokes: int
    lines: Lines


class Proposals(BaseModel):
    """What a sitter may choose from."""

    sketch: str = Field(description='names the sitting for ten minutes')
    faces: int
    proposals: list[Proposal]
    copies: COPIES = Field(description='how often the drawing is on the sheet, as the operator has set it')
    may_be: list[COPIES] = Field(description='how often it may be ordered: what there is room for')
    may_keep_photo: bool = Field(description='whether the sitter is asked for it; else the photo is gone already')


class NewJob(Strict):
    """An order."""

    sketch: str = Field(max_length=64)
    kind: Kind = 'normal'
    caption: str = Field('', max_length=120)
    copies: COPIES | None = Field(None, description='how often it is on the sheet; null: as the operator has set it')
    name: str = Field('', max_length=40, description='a tag to be called by')
    gallery: bool = Field(False, description='whether the drawing may be shown to others')
    keep_photo: bool = Field(
        False, description='whether the photo may be kept as long as the drawing; needs the operator, too'
    )
    consent: Literal[True] = Field(description='that the drawing is kept until it is fetched')


class NewCharacter(Strict):
    """A face that nobody has."""

    seed: int = Field(ge=0, lt=2**32, description='which one')
    sliders: list[float] = Field([], max_length=8, description='how far it is changed in each way, -3 to 3')


class JobView(BaseModel):
    """A job as its owner sees it."""

    id: str
    number: int
    state: str
    interrupted: bool
    predicted_s: float
    strokes: int
    place: int | None = Field(description='how many are before it; null when it does not wait')
    eta_s: float | None = Field(description='seconds until it is begun, about; null likewise')
    gallery: bool
    has_drawing: bool


class OrderedJob(JobView):
    """A new job, with what proves its owner."""

    secret: str = Field(description='to be sent as `Authorization: Bearer ...`; it is not told again')


class OperatorJob(JobView):
    """A job as the operator sees it."""

    name: str
    reason: str
    attempts: int
    created: float
    changed: float
    taken_s: float
    can_resume: bool = Field(description='whether the machine knows the rest of it, and its sheet is still in')
    seems_done: bool = Field(description='whether it was interrupted, and the machine says that all of it is on paper')


class MachineView(BaseModel):
    """The drawing machine."""

    status: str
    reason: str = ''
    machine: str = ''
    pen_down: bool = False
    pen_mm: tuple[float, float] = (0.0, 0.0)


class Now(BaseModel):
    """What is on the paper."""

    number: int
    state: str
    strokes_done: int
    strokes_total: int
    fraction: float
    remaining_s: float
    pen_mm: tuple[float, float] = Field(description='from the upper left corner of the sheet, y down')
    pen_down: bool
    shown: bool = Field(description='whether the drawing may be shown to everybody')


class Waiting(BaseModel):
    """One who waits, by number alone."""

    number: int
    eta_s: float
    held: bool


class QueueView(BaseModel):
    """What everybody may know."""

    open: bool
    keeps_photos: bool = Field(description='whether sitters are asked if their photo may be kept')
    machine: MachineView
    now: Now | None
    waiting: list[Waiting]
    version: int
    way: str = Field(description='the address that phones can open; empty: they cannot come here')
    invited: str | None = Field(
        default=None, description='the sitting of who stayed before the camera; for the page at rest'
    )


class SignIn(Strict):
    """The operator's PIN."""

    pin: str = Field(max_length=64)


class Token(BaseModel):
    """A session, also set as a cookie."""

    token: str


class Command(Strict):
    """Something the machine is to do."""

    command: Literal['pause', 'resume', 'stop', 'home', 'set_origin', 'pen_up', 'pen_down']


class JobAction(Strict):
    """Something to be done with a job."""

    action: Literal['hold', 'release', 'place', 'drop', 'retry', 'resume', 'afresh', 'done', 'give_up', 'delete']
    place: int = Field(0, ge=0, le=10000)


class Settings(Strict):
    """What may be changed while it runs; what is left out stays."""

    open: bool | None = None
    automatic_feed: bool | None = None
    change_s: int | None = Field(None, ge=0, le=3600)
    keep_hours: int | None = Field(None, ge=0, le=8760)
    most_waiting: int | None = Field(None, ge=1, le=1000)
    page: str | None = Field(None, max_length=40)
    border: Literal['none', 'line', 'double', 'rounded'] | None = None
    copies: COPIES | None = None
    caption_place: PLACE | None = None
    signature: str | None = Field(None, max_length=120)
    signature_place: PLACE | None = None
    logo_place: PLACE | None = None
    mirrored: bool | None = None
    turned: Literal[0, 90, 180, 270] | None = None
    start_by_face: bool | None = None
    live_for_all: bool | None = None
    keep_photos: bool | None = None


class TeachView(BaseModel):
    """How far the robot is taught a hand."""

    stage: Literal['none', 'framed', 'drawn', 'learning', 'ready', 'failed']
    share: float = Field(description='of the learning that is done')
    left_s: float = Field(description='seconds that it will take, about')
    reason: str = Field(description='why it failed')


class Learn(Strict):
    """How long to learn."""

    minutes: float = Field(5.0, ge=0.05, le=120.0)


class LogLine(BaseModel):
    """One thing that happened."""

    at: float
    number: int
    event: str
    detail: str


class OperatorView(BaseModel):
    """All that the operator sees."""

    machine: MachineView
    now: Now | None
    current: OperatorJob | None
    queue: list[OperatorJob]
    over: list[OperatorJob]
    sheet: Literal['fresh', 'used']
    settings: dict[str, bool | int | str]
    drawn_today: int
    failed_today: int
    mean_s: float | None
    version: int
    teach: TeachView


class NewWebhook(Strict):
    """Somebody who is to be told."""

    url: str = Field(max_length=500, description='an address of HTTP or HTTPS; it answers with a status of 2xx')


class WebhookView(BaseModel):
    """Somebody who is told."""

    id: str
    url: str
    trouble: str = Field(
        default='', description='why the next happening could not be told; it is tried again for a day'
    )


class AddedWebhook(WebhookView):
    """A new one, with what its messages are signed with."""

    secret: str = Field(description='of Standard Webhooks; it is not told again')


class JobNews(BaseModel):
    """The job to which something happened."""

    id: str
    number: int
    reason: str


class JobEvent(BaseModel):
    """What a webhook is told, as Standard Webhooks 1.0 has it.

    Its headers are `webhook-id` (the same when it is told again), `webhook-timestamp` (seconds since the epoch) and
    `webhook-signature` (`v1,` and the base64 of HMAC-SHA256 over `id.timestamp.body`).
    """

    type: Literal[
        'job.ready', 'job.waiting', 'job.drawing', 'job.paused', 'job.interrupted', 'job.drawn', 'job.failed',
        'job.dropped', 'job.deleted',
    ]  # fmt: skip
    timestamp: str
    data: JobNews


class Done(BaseModel):
    """That something was done, and what the machine says to it."""

    said: str = ''


class Problem(BaseModel):
    """Why something was not done."""

    code: str
    message: str


class GalleryEntry(BaseModel):
    """A drawing that may be shown."""

    id: str
    lines: Lines
