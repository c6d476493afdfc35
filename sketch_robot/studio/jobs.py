"""What a job of the queue is, its states, and what can be told of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

State = Literal['waiting', 'ready', 'drawing', 'paused', 'drawn', 'failed', 'dropped']
STATES: tuple[State, ...] = get_args(State)
QUEUED: tuple[State, ...] = ('waiting', 'ready')
ON_PAPER: tuple[State, ...] = ('drawing', 'paused')
OVER: tuple[State, ...] = ('drawn', 'failed', 'dropped')


@dataclass(frozen=True)
class Job:
    """One drawing that somebody asked for.

    Attributes:
        id: names it towards the outside; it says nothing about it.
        number: what people call it by, counted from 1.
        state: 'waiting' is held back, 'ready' is drawn when its turn comes.
        interrupted: in the state 'paused': it cannot simply go on; a person has to look at the sheet.
        reason: why it is paused or failed, for people.
        name: its sitter's tag, '' for none.
        gallery: whether the sitter let the drawing be shown to others.
        position: the queue is in the order of it.
        predicted_s, strokes, page, digest: of its plan.
        attempts: how often it was begun.
        created, changed, begun: seconds since the epoch; begun is 0.0 before.
        taken_s: wall-clock seconds from begin to end, once it is drawn.
        has_plan: whether the drawing is still kept.
    """

    id: str
    number: int
    state: State
    interrupted: bool
    reason: str
    name: str
    gallery: bool
    position: float
    predicted_s: float
    strokes: int
    page: str
    digest: str
    attempts: int
    created: float
    changed: float
    begun: float
    taken_s: float
    has_plan: bool


@dataclass(frozen=True)
class News:
    """One thing that happened to a job.

    Attributes:
        entry: its number in the log; it grows.
        at: seconds since the epoch.
        job: the job's id.
        number: the job's number.
        event: a state, 'interrupted' or 'deleted'.
        detail: why, for people.
    """

    entry: int
    at: float
    job: str
    number: int
    event: str
    detail: str
