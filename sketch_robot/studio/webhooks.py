"""Tell other programs what happens to jobs, by HTTP.

As Standard Webhooks 1.0 has it: a POST of `{"type", "timestamp", "data"}` with the headers `webhook-id`,
`webhook-timestamp` and `webhook-signature`, an HMAC-SHA256 by a secret that only the two know. Each happening is told
in its order, and again until it is answered with a status of 2xx, also after a restart: who listens bears to hear one
twice, and knows it by its id. Only the operator says who is told; a redirection is not followed.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.client
import json
import logging
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from urllib.parse import urlsplit

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.studio.jobs import News
from sketch_robot.studio.store import JobStore

MOST = 10
LOOK_S = 0.25
ANSWER_S = 5.0
FIRST_RETRY_S, LONGEST_RETRY_S = 1.0, 300.0
KEPT_S = 86_400.0  # what could not be told for so long is told no more
PREFIX = 'whsec_'
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Webhook:
    """Somebody who is told.

    Attributes:
        id: names it.
        url: where the happenings are sent.
        secret: signs them.
        told: the last entry of the log that it has heard of.
        trouble: why the next one could not be told; '' for nothing.
    """

    id: str
    url: str
    secret: str
    told: int
    trouble: str = ''


class Webhooks:
    """All who are told; they are kept in the store.

    Args:
        store: the queue, whose log is told.
        clock: seconds.
    """

    def __init__(self, store: JobStore, clock: Callable[[], float] = time.monotonic) -> None:
        self._store, self._clock = store, clock
        self._lock = threading.Lock()
        self._hooks = {hook['id']: Webhook(**hook) for hook in json.loads(store.value('webhooks', '[]'))}
        self._due: dict[str, tuple[float, float]] = {}  # when one that failed is told again, and how long it waited
        self._wake = threading.Event()
        self._closing = False
        self._thread = threading.Thread(target=self._run, name='webhooks', daemon=True)

    def start(self) -> None:
        """Begin to tell."""
        self._thread.start()

    def close(self) -> None:
        """Tell no more; what was not told is told after the next start."""
        self._closing = True
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(timeout=ANSWER_S)

    def all(self) -> list[Webhook]:
        """Who is told."""
        with self._lock:
            return list(self._hooks.values())

    def add(self, url: str) -> Webhook:
        """Tell somebody of all that happens from now on.

        Raises:
            SketchRobotError: BAD_GOAL, this is no address of HTTP; BUSY, there are `MOST` already.
        """
        _check(url)
        secret = PREFIX + base64.b64encode(secrets.token_bytes(24)).decode()
        with self._lock:
            if len(self._hooks) >= MOST:
                raise SketchRobotError(ErrorCode.BUSY, f'there are {MOST} webhooks already; delete one')
            hook = Webhook(secrets.token_urlsafe(9), url, secret, self._store.newest())
            self._hooks[hook.id] = hook
            self._keep()
        self._wake.set()
        return hook

    def remove(self, identity: str) -> bool:
        """Tell somebody no more; whether there was such a one."""
        with self._lock:
            found = self._hooks.pop(identity, None) is not None
            self._due.pop(identity, None)
            self._keep()
        return found

    # ------------------------------------------------------------- the thread
    def _run(self) -> None:
        while not self._closing:
            hooks = self.all()
            for hook in hooks:
                try:
                    self._tell(hook)
                except Exception:  # noqa: BLE001  one who cannot be told must not cost the others theirs
                    _log.exception('a defect while telling %s', hook.url)
                    self._later(hook, 'a defect of this program; the log has it')
            self._wake.wait(LOOK_S if hooks else None)
            self._wake.clear()

    def _tell(self, hook: Webhook) -> None:
        if self._clock() < self._due.get(hook.id, (0.0, 0.0))[0]:
            return
        for news in self._store.news(hook.told):
            if self._closing:
                return
            trouble = _send(hook, news) if time.time() - news.at < KEPT_S else ''
            if trouble:
                self._later(hook, trouble)
                return
            hook = replace(hook, told=news.entry, trouble='')
            self._due.pop(hook.id, None)
            self._update(hook)

    def _later(self, hook: Webhook, trouble: str) -> None:
        waited_s = self._due.get(hook.id, (0.0, 0.0))[1]
        wait_s = min(LONGEST_RETRY_S, 2.0 * waited_s or FIRST_RETRY_S)
        self._due[hook.id] = self._clock() + wait_s, wait_s
        if trouble != hook.trouble:
            _log.warning('the webhook %s: %s; it is told again', hook.url, trouble)
            self._update(replace(hook, trouble=trouble))

    def _update(self, hook: Webhook) -> None:
        with self._lock:
            if hook.id in self._hooks:  # it may have been removed meanwhile
                self._hooks[hook.id] = hook
                self._keep()

    def _keep(self) -> None:
        self._store.keep('webhooks', json.dumps([asdict(hook) for hook in self._hooks.values()]))


def signature(secret: str, identity: str, timestamp: str, body: bytes) -> str:
    """The header `webhook-signature` of a message."""
    key = base64.b64decode(secret.removeprefix(PREFIX))
    signed = hmac.new(key, f'{identity}.{timestamp}.'.encode() + body, hashlib.sha256)
    return 'v1,' + base64.b64encode(signed.digest()).decode()


def body_of(news: News) -> bytes:
    """What is sent; `schemas.JobEvent` describes it."""
    return json.dumps(
        {
            'type': f'job.{news.event}',
            'timestamp': datetime.fromtimestamp(news.at, UTC).isoformat(timespec='milliseconds'),
            'data': {'id': news.job, 'number': news.number, 'reason': news.detail},
        }
    ).encode()


def _send(hook: Webhook, news: News) -> str:
    """Tell one thing; why it was not heard, '' when it was."""
    identity, timestamp, body = f'{hook.id}_{news.entry}', str(int(time.time())), body_of(news)
    headers = {
        'Content-Type': 'application/json',
        'User-Agent': 'sketch_robot',
        'webhook-id': identity,
        'webhook-timestamp': timestamp,
        'webhook-signature': signature(hook.secret, identity, timestamp, body),
    }
    parts = urlsplit(hook.url)
    kind = http.client.HTTPSConnection if parts.scheme == 'https' else http.client.HTTPConnection
    connection = kind(parts.hostname or '', parts.port, timeout=ANSWER_S)
    try:
        connection.request('POST', (parts.path or '/') + (f'?{parts.query}' if parts.query else ''), body, headers)
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        return str(error) or type(error).__name__
    finally:
        connection.close()
    return '' if 200 <= status < 300 else f'it was answered with {status}'


def _check(url: str) -> None:
    try:
        parts = urlsplit(url)
        fits = parts.scheme in ('http', 'https') and bool(parts.hostname) and parts.username is None
        fits = fits and (parts.port is None or parts.port > 0)
    except ValueError:
        fits = False
    if not fits or not url.isascii() or any(letter <= ' ' for letter in url):
        raise SketchRobotError(
            ErrorCode.BAD_GOAL, f'a webhook is an address like http://192.168.1.7:9000/portraits, not {url!r}'
        )
