"""The studio over HTTP: pages, API and events.

Everything it serves is in the package; its pages run no script and show no frame from elsewhere. Requests are checked
before anything else: by which name they came, how large they are, and how often.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import logging
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import segno
from fastapi import FastAPI, HTTPException, Request, WebSocket, WebSocketDisconnect
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sketch_robot.errors import SketchRobotError
from sketch_robot.studio import characters, operators, visitors
from sketch_robot.studio.live import LivePictures
from sketch_robot.studio.schemas import JobEvent, OperatorView, QueueView
from sketch_robot.studio.service import (
    STATUS,
    StudioService,
    is_operator,
    may_see_live,
    operator_view,
    queue_view,
    studio_of,
)

PAGES = Path(__file__).parent / 'pages'
TEXTS = Path(__file__).parent / 'texts'
LANGUAGES = ('en', 'de', 'fr', 'es', 'zh', 'ja')
FILES = {
    '': 'visitor.html',
    'operator': 'operator.html',
    'kiosk': 'kiosk.html',
    **{name: name for name in ('studio.css', 'studio.js', 'visitor.js', 'operator.js', 'kiosk.js', 'icon.svg')},
}
MOST_BODY = 65_536
PICTURES = ('/api/sittings', '/api/operator/teach/frame', '/api/operator/teach/drawn')  # they may be larger
EVENT_S = 0.1
MOST_SOCKETS = 60
HEADERS = {
    'content-security-policy': "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "
    "connect-src 'self'; media-src 'self' blob:; form-action 'none'; base-uri 'none'; frame-ancestors 'none'",
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
    'referrer-policy': 'no-referrer',
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
    'permissions-policy': 'camera=(), microphone=(), geolocation=()',
}
_log = logging.getLogger(__name__)


def make_app(studio: StudioService) -> FastAPI:
    """The application; it begins to draw when it is started."""

    @contextlib.asynccontextmanager
    async def life(_app: FastAPI) -> Any:
        studio.start()
        yield
        studio.desk.close()
        studio.teaching.close()
        studio.webhooks.close()

    app = FastAPI(
        title='sketch_robot studio',
        version='1',
        description='Have a portrait drawn by the robot: sit, choose, order, and fetch it.',
        docs_url=None,
        redoc_url=None,
        openapi_url='/api/openapi.json',
        lifespan=life,
    )
    app.state.studio, app.state.pictures, app.state.sockets = studio, LivePictures(studio.robot), 0
    app.include_router(visitors.router)
    app.include_router(characters.router)
    app.include_router(operators.router)
    app.add_exception_handler(SketchRobotError, _told)
    app.add_exception_handler(HTTPException, _refused)
    app.add_exception_handler(RequestValidationError, _malformed)
    app.add_middleware(Guard, studio=studio)
    app.webhooks.add_api_route('job', _described, methods=['POST'], operation_id='job_event')
    app.add_api_websocket_route('/api/events', _events)
    app.add_api_route('/qr.svg', _qr, include_in_schema=False)
    app.add_api_route('/texts/{language}.json', _texts, include_in_schema=False)
    app.add_api_route('/{name}', _page, include_in_schema=False)
    app.add_api_route('/', _page, include_in_schema=False)
    return app


# ----------------------------------------------------------------- pages
async def _page(name: str = '') -> Response:
    if name not in FILES:
        return JSONResponse({'code': 'UNKNOWN', 'message': 'there is no such page'}, 404)
    return FileResponse(PAGES / FILES[name], headers={'cache-control': 'no-cache'})


async def _texts(language: str) -> Response:
    if language not in LANGUAGES:
        return JSONResponse({'code': 'UNKNOWN', 'message': 'there is no such language'}, 404)
    return FileResponse(TEXTS / f'{language}.json', headers={'cache-control': 'no-cache'})


async def _qr(request: Request) -> Response:
    """The way to this page as a QR code."""
    out = BytesIO()
    code = segno.make(studio_of(request).way or str(request.base_url), error='m', micro=False)
    code.save(out, kind='svg', border=2, scale=4, dark='#111111', light='#ffffff')
    return Response(out.getvalue(), media_type='image/svg+xml', headers={'cache-control': 'no-cache'})


# ----------------------------------------------------------------- events
async def _events(socket: WebSocket) -> None:
    """What happens, as it happens: the queue as everybody may know it, or all that the operator sees."""
    state = socket.app.state
    studio = studio_of(socket)
    origin = socket.headers.get('origin')
    own = origin is None or origin.split('://')[-1] == socket.headers.get('host')
    if state.sockets >= MOST_SOCKETS or not own:
        await socket.close(1013 if own else 1008)
        return
    await socket.accept()
    state.sockets += 1
    at_rest = 'kiosk' in socket.query_params and await asyncio.to_thread(may_see_live, socket)
    studio.door.rest(int(at_rest))
    watching = asyncio.create_task(_until_gone(socket))
    last = ''
    try:
        while not watching.done():
            operator = is_operator(socket) and 'operator' in socket.query_params
            look: Callable[[StudioService], OperatorView | QueueView] = operator_view if operator else queue_view
            view = await asyncio.to_thread(look, studio)
            if at_rest and isinstance(view, QueueView):
                view.invited = studio.door.invited or None
            text = view.model_dump_json()
            if text != last:
                last = text
                await socket.send_text(text)
            await asyncio.wait({watching}, timeout=EVENT_S if view.now is not None else 3.0 * EVENT_S)
    except (WebSocketDisconnect, RuntimeError) as error:
        _log.debug('a viewer is gone: %s', error)
    finally:
        state.sockets -= 1
        studio.door.rest(-int(at_rest))
        watching.cancel()


async def _until_gone(socket: WebSocket) -> None:
    with contextlib.suppress(WebSocketDisconnect):
        while True:
            await socket.receive_text()


async def _described(body: JobEvent) -> None:
    """Something happened to a job. Sent to each webhook, in order, until it is answered with a status of 2xx."""


# ----------------------------------------------------------------- what goes wrong
async def _told(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, SketchRobotError)
    return JSONResponse({'code': error.code.name, 'message': error.message}, STATUS.get(error.code, 503))


async def _refused(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    detail: Any = error.detail
    body = detail if isinstance(detail, dict) else {'code': 'BAD_REQUEST', 'message': str(detail)}
    return JSONResponse(body, error.status_code, dict(error.headers or {}))


async def _malformed(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0] if error.errors() else {'loc': (), 'msg': ''}
    where = '.'.join(map(str, first['loc'][1:]))
    return JSONResponse({'code': 'BAD_REQUEST', 'message': f'{where}: {first["msg"]}'[:300]}, 422)


# ----------------------------------------------------------------- the guard
class Guard:
    """Looks at each request first, and puts the headers that protect the pages on each answer."""

    def __init__(self, app: ASGIApp, studio: StudioService) -> None:
        self._app, self._studio = app, studio

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope['type'] not in ('http', 'websocket'):
            await self._app(scope, receive, send)
            return
        headers = {name.decode('latin-1'): value.decode('latin-1') for name, value in scope['headers']}
        refusal = self._refusal(scope, headers)
        if refusal is not None and scope['type'] == 'websocket':
            await send({'type': 'websocket.close', 'code': 1008})
            return

        async def guarded(message: Message) -> None:
            if message['type'] == 'http.response.start':
                kept = [(key, value) for key, value in message.get('headers', []) if key.lower() != b'server']
                ours = [(key.encode(), value.encode()) for key, value in HEADERS.items()]
                if scope['path'].startswith('/api/') and not any(key == b'cache-control' for key, _ in kept):
                    ours.append((b'cache-control', b'no-store'))
                message = {**message, 'headers': [*kept, *ours]}
            await send(message)

        if refusal is not None:
            code, name, text = refusal
            await JSONResponse({'code': name, 'message': text}, code)(scope, receive, guarded)
            return
        await self._app(scope, receive, guarded)

    def _refusal(self, scope: Scope, headers: dict[str, str]) -> tuple[int, str, str] | None:
        if not self._is_our_name(headers.get('host', '')):
            return 421, 'HOST', 'this is not the name of this robot'
        address = scope['client'][0] if scope.get('client') else ''
        if not self._studio.asking.takes(address):
            return 429, 'SLOW', 'too many requests; wait a moment'
        if scope['type'] == 'http' and scope['method'] not in ('GET', 'HEAD'):
            # A form or an image of another site can neither set this header nor name this origin.
            origin = headers.get('origin')
            if origin is not None and origin.split('://')[-1] != headers.get('host'):
                return 403, 'ORIGIN', 'this comes from another site'
            length = headers.get('content-length', '')
            takes_pictures = scope['path'] in PICTURES
            most = visitors.MOST_UPLOAD if takes_pictures else MOST_BODY
            if 'transfer-encoding' in headers and not length and not takes_pictures:
                return 411, 'LENGTH', 'say how long the body is'
            if length and (not length.isdigit() or int(length) > most):
                return 413, 'TOO_LARGE', f'at most {most} bytes'
        return None

    def _is_our_name(self, host: str) -> bool:
        """Addresses, this machine's own names, and those that were configured; no other site's name that leads here."""
        name = host.rsplit(':', 1)[0] if not host.endswith(']') else host
        if name in ('localhost', 'testserver', *self._studio.hosts):
            return True
        try:
            ipaddress.ip_address(name.strip('[]'))
        except ValueError:
            return False
        return True
