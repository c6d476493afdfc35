"""The operator's side of the API, behind the PIN."""

from __future__ import annotations

import json
import time
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, HTTPException, Request, Response
from fastapi.concurrency import run_in_threadpool

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.motion import load_limits, machine_names, parse_page
from sketch_robot.motion.layout import SheetLayout
from sketch_robot.studio import schemas
from sketch_robot.studio.desk import LAYOUT, MARKS
from sketch_robot.studio.service import (
    COOKIE,
    StudioService,
    address_of,
    is_operator,
    need_operator,
    operator_job,
    operator_view,
    studio_of,
    teach_view,
    token_of,
)
from sketch_robot.studio.visitors import PROBLEMS, received_photo

router = APIRouter(prefix='/api/operator', responses=PROBLEMS)
Theirs = Annotated[StudioService, Depends(need_operator)]
PICTURE_BODY = {'requestBody': {'content': {'image/*': {'schema': {'type': 'string', 'format': 'binary'}}}}}
SVG_BODY = {'requestBody': {'content': {'image/svg+xml': {'schema': {'type': 'string'}}}}}


@router.post('/sign-in', operation_id='sign_in')
def sign_in(request: Request, response: Response, body: schemas.SignIn) -> schemas.Token:
    """Sign in with the PIN; the token is also set as a cookie."""
    studio = studio_of(request)
    if not studio.operator.may_try(address_of(request)):
        raise HTTPException(429, {'code': 'SLOW', 'message': 'too many tries; wait a minute'}, {'Retry-After': '60'})
    token = studio.operator.sign_in(body.pin)
    if not token:
        raise HTTPException(401, {'code': 'PIN', 'message': 'this is not the PIN'})
    secure = request.url.scheme == 'https'
    response.set_cookie(COOKIE, token, max_age=86400, httponly=True, samesite='strict', secure=secure, path='/')
    return schemas.Token(token=token)


@router.post('/sign-out', operation_id='sign_out')
def sign_out(request: Request, response: Response) -> schemas.Done:
    """End one's session."""
    operator = studio_of(request).operator
    operator.sign_out(request.cookies.get(COOKIE, ''))
    operator.sign_out(token_of(request))
    response.delete_cookie(COOKIE, path='/')
    return schemas.Done()


@router.get('/signed-in', operation_id='signed_in')
def signed_in(request: Request) -> bool:
    """Whether one is signed in."""
    return is_operator(request)


@router.get('', operation_id='operator')
def everything(studio: Theirs) -> schemas.OperatorView:
    """All that the operator sees."""
    return operator_view(studio)


@router.post('/command', operation_id='command')
def command(studio: Theirs, body: schemas.Command) -> schemas.Done:
    """Have the machine do something."""
    said = studio.robot.command(body.command)
    studio.desk.changed()
    return schemas.Done(said=said)


@router.post('/sheet', operation_id='new_sheet')
def new_sheet(studio: Theirs) -> schemas.Done:
    """Say that a new sheet is in."""
    studio.desk.new_sheet()
    return schemas.Done()


@router.post('/jobs/{identity}', operation_id='job_action')
def act(studio: Theirs, identity: str, body: schemas.JobAction) -> schemas.OperatorJob:
    """Do something with a job."""
    store, desk = studio.store, studio.desk
    job = store.job(identity)
    action = body.action
    if action in ('resume', 'afresh', 'done', 'give_up'):
        job = desk.resolve(identity, 'drop' if action == 'give_up' else action)
    elif action in ('hold', 'release'):
        job = store.hold(identity, action == 'hold')
    elif action == 'place':
        job = store.place(identity, body.place)
    elif action == 'retry':
        if job.state == 'paused':
            raise SketchRobotError(ErrorCode.BUSY, 'say first how it goes on with the interrupted drawing')
        job = store.retry(identity)
    elif action == 'drop':
        job = store.drop(identity)
    else:
        store.delete(identity)
        job = store.job(identity)
    desk.changed()
    return operator_job(studio, job)


@router.patch('/settings', operation_id='settings')
def settings(studio: Theirs, body: schemas.Settings) -> dict[str, bool | int | str]:
    """Change settings; they hold from the next sitting on."""
    new = {name: value for name, value in body.model_dump().items() if value is not None}
    if new.get('page'):
        parse_page(new['page'])
    changed = {**studio.desk.settings(), **new}
    SheetLayout(**{name: changed[name] for name in LAYOUT})
    studio.store.keep('settings', json.dumps({name: value for name, value in changed.items() if name not in MARKS}))
    studio.desk.changed()
    return studio.desk.settings()


@router.put('/logo', operation_id='set_logo', openapi_extra=SVG_BODY)
async def set_logo(studio: Theirs, request: Request) -> schemas.Done:
    """Have a logo drawn beside each drawing: an SVG of at most 64 KB; nothing for none."""
    return await _set_mark(studio, 'logo', request)


@router.put('/signature', operation_id='set_signature', openapi_extra=SVG_BODY)
async def set_signature(studio: Theirs, request: Request) -> schemas.Done:
    """Have a signature drawn instead of the written one: an SVG of at most 64 KB; nothing for none."""
    return await _set_mark(studio, 'signature_svg', request)


async def _set_mark(studio: StudioService, mark: str, request: Request) -> schemas.Done:
    body = await request.body()
    await run_in_threadpool(studio.desk.set_mark, mark, body.decode('utf-8', errors='replace'))
    return schemas.Done()


@router.get('/log', operation_id='log')
def log(studio: Theirs) -> list[schemas.LogLine]:
    """What happened in the last day."""
    rows = studio.store.log(time.time() - 86400.0)
    return [schemas.LogLine(at=at, number=number, event=event, detail=detail) for at, number, event, detail in rows]


@router.get('/webhooks', operation_id='webhooks')
def webhooks(studio: Theirs) -> list[schemas.WebhookView]:
    """Who is told of what happens to jobs."""
    return [schemas.WebhookView(id=hook.id, url=hook.url, trouble=hook.trouble) for hook in studio.webhooks.all()]


@router.post('/webhooks', status_code=201, operation_id='add_webhook')
def add_webhook(studio: Theirs, body: schemas.NewWebhook) -> schemas.AddedWebhook:
    """Tell somebody of all that happens to jobs from now on."""
    hook = studio.webhooks.add(body.url)
    return schemas.AddedWebhook(id=hook.id, url=hook.url, secret=hook.secret)


@router.delete('/webhooks/{identity}', operation_id='remove_webhook')
def remove_webhook(studio: Theirs, identity: str) -> schemas.Done:
    """Tell somebody no more."""
    if not studio.webhooks.remove(identity):
        raise HTTPException(404, {'code': 'UNKNOWN', 'message': 'there is no such webhook'})
    return schemas.Done(said='deleted')


@router.post('/test-card', status_code=201, operation_id='test_card')
def test_card(studio: Theirs) -> schemas.OperatorJob:
    """Have the test card drawn next."""
    from sketch_robot.plotters.setup.card import make_card  # brings compiled loops along

    machine = studio.robot.state().machine
    limits = load_limits(machine if machine in machine_names() else 'default')
    plan = make_card(parse_page(studio.desk.settings()['page'] or 'A5'), limits).plan
    job, _ = studio.store.add(plan, name='test card', first=True)
    studio.desk.changed()
    return operator_job(studio, job)


# ----------------------------------------------------------------- teach
@router.get('/teach', operation_id='teach')
def teach(studio: Theirs) -> schemas.TeachView:
    """How far the robot is taught a hand."""
    return teach_view(studio)


@router.post('/teach/frame', operation_id='teach_frame', openapi_extra=PICTURE_BODY)
async def teach_frame(studio: Theirs, request: Request) -> schemas.TeachView:
    """Begin with a picture of a sitter, or with nothing to take one with the camera."""
    photo = await received_photo(request)
    await run_in_threadpool(studio.teaching.frame, photo)
    return teach_view(studio)


@router.get('/teach/{which}', operation_id='teach_picture', response_class=Response)
def teach_picture(studio: Theirs, which: Literal['sheet', 'frame', 'drawn']) -> Response:
    """The sheet to print, the picture on it, or what was drawn, as PNG."""
    return Response(studio.teaching.picture(which), media_type='image/png')


@router.post('/teach/drawn', operation_id='teach_drawn', openapi_extra=PICTURE_BODY)
async def teach_drawn(studio: Theirs, request: Request) -> schemas.TeachView:
    """Send a photo of the sheet that was drawn on, or nothing to take one with the camera."""
    photo = await received_photo(request)
    await run_in_threadpool(studio.teaching.receive, photo)
    return teach_view(studio)


@router.post('/teach/learn', operation_id='teach_learn')
def teach_learn(studio: Theirs, body: schemas.Learn) -> schemas.TeachView:
    """Learn from what was drawn; then whoever sits is drawn in that hand."""
    studio.teaching.learn(body.minutes)
    return teach_view(studio)


@router.delete('/teach', operation_id='teach_forget')
def teach_forget(studio: Theirs) -> schemas.TeachView:
    """Forget the hand and its picture; who drew before draws again."""
    studio.teaching.forget()
    return teach_view(studio)
