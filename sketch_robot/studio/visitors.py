"""The visitor's side of the API: sit, choose, order, look, take home, delete."""

from __future__ import annotations

from typing import Annotated

import cv2
import numpy as np
from fastapi import APIRouter, HTTPException, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response, StreamingResponse

from sketch_robot.line_art.styles.runtime import shipped_styles
from sketch_robot.photo.decode import decode_photo
from sketch_robot.plotters.export import export_apart
from sketch_robot.poses.named import AS_THEY_STAND, NAMES
from sketch_robot.studio import schemas
from sketch_robot.studio.live import BOUNDARY, LivePictures
from sketch_robot.studio.service import (
    StudioService,
    job_view,
    limited,
    lines_of,
    may_see_live,
    owned,
    queue_view,
    studio_of,
)
from sketch_robot.studio.sittings import Sitting

MOST_UPLOAD = 20_000_000
TYPES = {
    'svg': 'image/svg+xml', 'png': 'image/png', 'pdf': 'application/pdf', 'gcode': 'text/plain', 'hpgl': 'text/plain',
}  # fmt: skip
PROBLEMS: dict[int | str, dict[str, object]] = {
    code: {'model': schemas.Problem} for code in (400, 401, 404, 409, 413, 422, 429, 503)
}
router = APIRouter(prefix='/api', responses=PROBLEMS)


@router.get('/queue', operation_id='queue')
def queue(request: Request) -> schemas.QueueView:
    """What everybody may know of the queue."""
    return queue_view(studio_of(request))


@router.post('/sittings', operation_id='sit', openapi_extra={
    'requestBody': {'content': {'image/*': {'schema': {'type': 'string', 'format': 'binary'}}}},
})  # fmt: skip
async def sit(
    request: Request,
    style: Annotated[str, Query(max_length=40)] = '',
    pose: Annotated[str, Query(max_length=40)] = '',
) -> schemas.Proposals:
    """Sit for a portrait: send a picture (JPEG, PNG, WebP, HEIC ..., 20 MB), or nothing to sit before the camera.

    `style` is one of those that `/api/styles` lists; empty: as the robot usually draws. `pose`, of `/api/poses`, is for
    pictures at full length; empty: a portrait of the head.
    """
    studio = studio_of(request)
    limited(studio.sitting, request)
    photo = await received_photo(request)
    name, made = await run_in_threadpool(studio.sittings.sit, photo, style, '', pose)
    return proposals_of(studio, name, made)


async def received_photo(request: Request) -> np.ndarray:
    """The picture that a request brings, or one of the camera where it brings none: (H, W, 3) uint8 RGB."""
    data = bytearray()
    async for chunk in request.stream():
        data += chunk
        if len(data) > MOST_UPLOAD:
            raise HTTPException(413, {'code': 'BAD_IMAGE', 'message': 'the picture is larger than 20 MB'})
    if data:
        return (await run_in_threadpool(decode_photo, bytes(data), 'the picture')).rgb
    if not may_see_live(request):
        raise HTTPException(400, {'code': 'BAD_IMAGE', 'message': 'send a picture'})
    pictures: LivePictures = request.app.state.pictures
    return await run_in_threadpool(pictures.burst)


@router.get('/poses', operation_id='poses')
def poses() -> list[str]:
    """Names of the poses that a sitter may take."""
    return [AS_THEY_STAND, *NAMES]


@router.get('/styles', operation_id='styles')
def styles() -> list[str]:
    """Names of the styles that a pen can draw."""
    return [style.name for style in shipped_styles().styles if style.for_pen]


@router.get('/styles/{name}.png', operation_id='style_thumbnail', response_class=Response)
def style_thumbnail(name: str) -> Response:
    """Somebody drawn in a style, PNG."""
    found = [style.thumbnail for style in shipped_styles().styles if style.name == name]
    if not found:
        raise HTTPException(404, {'code': 'UNKNOWN', 'message': 'there is no such style'})
    _, data = cv2.imencode('.png', found[0][..., ::-1])
    return Response(data.tobytes(), media_type='image/png', headers={'cache-control': 'max-age=86400'})


@router.get('/sittings/{sketch}', operation_id='sitting')
def sitting(request: Request, sketch: str) -> schemas.Proposals:
    """The drawings of a sitting that is not over, as after a reload."""
    studio = studio_of(request)
    return proposals_of(studio, sketch, studio.sittings.find(sketch))


def proposals_of(studio: StudioService, name: str, sitting: Sitting) -> schemas.Proposals:
    """The drawings of a sitting, as its sitter sees them."""
    pace = studio.desk.pace()
    proposals = [
        schemas.Proposal(
            kind=kind, predicted_s=plan.predicted_s * pace, strokes=len(plan.strokes), lines=lines_of(plan)
        )
        for kind, plan in sitting.plans.items()
    ]
    return schemas.Proposals(
        sketch=name,
        faces=sitting.sketch.faces,
        proposals=proposals,
        copies=studio.desk.settings()['copies'],
        may_be=studio.sittings.may_be(sitting),
        may_keep_photo=bool(sitting.photo and studio.desk.settings()['keep_photos']),
    )


@router.post('/jobs', status_code=201, operation_id='order')
def order(request: Request, new: schemas.NewJob) -> schemas.OrderedJob:
    """Order one of the drawings of a sitting."""
    studio = studio_of(request)
    limited(studio.ordering, request)
    settings = studio.desk.settings()
    if not settings['open']:
        raise HTTPException(
            409, {'code': 'CLOSED', 'message': 'nothing is drawn at the moment; please come back later'}
        )
    both_agree = settings['keep_photos'] and new.keep_photo
    photo = studio.sittings.find(new.sketch).photo if both_agree else b''
    plan = studio.sittings.order(new.sketch, new.kind, new.caption, new.copies)
    job, secret = studio.store.add(
        plan, name=new.name.strip(), gallery=new.gallery, most=settings['most_waiting'], photo=photo
    )
    studio.sittings.end(new.sketch)
    studio.desk.changed()
    return schemas.OrderedJob(**job_view(studio, job).model_dump(), secret=secret)


@router.get('/jobs/{identity}', operation_id='job')
def job(request: Request, identity: str) -> schemas.JobView:
    """How one's own drawing stands."""
    return job_view(studio_of(request), owned(request, identity))


@router.get('/jobs/{identity}/lines', operation_id='lines')
def lines(request: Request, identity: str) -> schemas.Lines:
    """One's own drawing as lines."""
    owned(request, identity)
    return lines_of(studio_of(request).store.plan(identity))


@router.get('/jobs/{identity}/file', operation_id='file', response_class=Response)
def file(request: Request, identity: str, form: schemas.FORMS = 'svg') -> Response:
    """One's own drawing as a file to take home."""
    number = owned(request, identity).number
    data = export_apart(studio_of(request).store.plan(identity), form)
    name = f'portrait-{number}.{form}'
    return Response(data, media_type=TYPES[form], headers={'Content-Disposition': f'attachment; filename="{name}"'})


@router.put('/jobs/{identity}/gallery', operation_id='show')
def show(request: Request, identity: str, shown: Annotated[bool, Query()]) -> schemas.JobView:
    """Let one's drawing be shown to others, or not any more."""
    owned(request, identity)
    studio = studio_of(request)
    changed = studio.store.show(identity, shown)
    studio.desk.changed()
    return job_view(studio, changed)


@router.delete('/jobs/{identity}', operation_id='delete')
def delete(request: Request, identity: str) -> schemas.Done:
    """Delete one's drawing, and leave the queue."""
    owned(request, identity)
    studio = studio_of(request)
    studio.store.delete(identity)
    studio.desk.changed()
    return schemas.Done(said='deleted')


@router.get('/gallery', operation_id='gallery')
def gallery(request: Request, most: Annotated[int, Query(ge=1, le=24)] = 8) -> list[schemas.GalleryEntry]:
    """Drawings whose sitters let them be shown."""
    store = studio_of(request).store
    return [schemas.GalleryEntry(id=job.id, lines=lines_of(store.plan(job.id))) for job in store.gallery(most)]


@router.get('/now/lines', operation_id='now')
def now(request: Request) -> schemas.Lines:
    """The drawing on the paper, if its sitter lets it be shown."""
    store = studio_of(request).store
    current = store.on_paper()
    if current is None or not current.gallery:
        raise HTTPException(404, {'code': 'UNKNOWN', 'message': 'nothing that may be shown is on the paper'})
    return lines_of(store.plan(current.id))


@router.get('/live', operation_id='may_see_live')
def live_allowed(request: Request) -> bool:
    """Whether one may see the live picture, and sit before the camera."""
    return may_see_live(request)


@router.get('/live/{which}', operation_id='live', response_class=StreamingResponse)
async def live(request: Request, which: str) -> StreamingResponse:
    """The camera's picture or its line art, live (multipart JPEG); for those before the robot and the operator."""
    pictures: LivePictures = request.app.state.pictures
    if which not in ('photo', 'lines'):
        raise HTTPException(404, {'code': 'UNKNOWN', 'message': 'there are photo and lines'})
    if not may_see_live(request):
        raise HTTPException(401, {'code': 'PIN', 'message': 'the live picture is for those before the robot'})
    if pictures.is_full:
        raise HTTPException(429, {'code': 'SLOW', 'message': 'too many look at it already'})
    kind = f'multipart/x-mixed-replace; boundary={BOUNDARY}'
    return StreamingResponse(pictures.stream(which), media_type=kind)
