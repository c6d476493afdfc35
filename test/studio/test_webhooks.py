"""Telling other programs: each happening in order, signed, until it is heard."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from conftest import PIN, until
from fastapi.testclient import TestClient
from paper_robot import PaperRobot, face

from sketch_robot.errors import SketchRobotError
from sketch_robot.motion.layout import SheetLayout
from sketch_robot.studio import webhooks
from sketch_robot.studio.app import make_app
from sketch_robot.studio.jobs import Job
from sketch_robot.studio.robot import Sketch
from sketch_robot.studio.service import StudioService
from sketch_robot.studio.webhooks import Webhooks, signature


class Listener(HTTPServer):
    """Hears what it is told, and answers as a test says."""

    def __init__(self) -> None:
        super().__init__(('127.0.0.1', 0), Ear)
        self.heard: list[tuple[dict, bytes]] = []
        self.answers: list[int] = []
        self.url = f'http://127.0.0.1:{self.server_port}/portraits?at=fair'
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()

    @property
    def types(self) -> list[str]:
        return [json.loads(body)['type'] for _, body in self.heard]


class Ear(BaseHTTPRequestHandler):
    """One message."""

    server: Listener

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers['Content-Length']))
        answer = self.server.answers.pop(0) if self.server.answers else 204
        if 200 <= answer < 300:
            self.server.heard.append((dict(self.headers), body))
        self.send_response(answer)
        self.send_header('Location', '/elsewhere')
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture
def listener() -> Iterator[Listener]:
    made = Listener()
    yield made
    made.shutdown()
    made.server_close()


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhooks, 'FIRST_RETRY_S', 0.01)
    monkeypatch.setattr(webhooks, 'LOOK_S', 0.01)


def order(studio: StudioService) -> Job:
    plan = studio.robot.plan(Sketch(face()), page='A6', budget_s=0.0, layout=SheetLayout())
    return studio.store.add(plan)[0]


def test_everything_that_happens_to_a_job_is_told_in_order_and_signed(
    studio: StudioService, listener: Listener
) -> None:
    order(studio)  # before anybody wanted to know
    hook = studio.webhooks.add(listener.url)
    studio.webhooks.start()
    job = order(studio)
    studio.store.new_sheet()
    studio.store.begin(job.id)
    studio.store.pause(job.id, 'the pen fell off', interrupted=True)
    studio.store.finish(job.id)
    told = ['job.ready', 'job.drawing', 'job.interrupted', 'job.drawn']
    until(lambda: len(listener.heard) >= len(told), 'all happenings')
    assert listener.types == told
    for headers, body in listener.heard:
        data = json.loads(body)['data']
        assert (data['id'], data['number']) == (job.id, 2)
        signed = signature(hook.secret, headers['webhook-id'], headers['webhook-timestamp'], body)
        assert headers['webhook-signature'] == signed
        assert signature('whsec_AAAA', headers['webhook-id'], headers['webhook-timestamp'], body) != signed
    assert json.loads(listener.heard[2][1])['data']['reason'] == 'the pen fell off'
    assert len({headers['webhook-id'] for headers, _ in listener.heard}) == len(told)


def test_what_was_not_heard_is_told_again_and_a_redirection_is_not_followed(
    studio: StudioService, listener: Listener
) -> None:
    listener.answers = [500, 302, 404]
    hook = studio.webhooks.add(listener.url)
    order(studio)
    studio.webhooks.start()
    until(lambda: listener.heard, 'the happening')
    assert listener.types == ['job.ready']
    assert listener.answers == []
    until(lambda: studio.webhooks.all()[0].told > hook.told, 'the note')
    assert studio.webhooks.all()[0].trouble == ''


def test_nothing_is_lost_while_nobody_listens_or_the_studio_is_down(studio: StudioService, listener: Listener) -> None:
    studio.webhooks.add('http://127.0.0.1:9/nobody')
    studio.webhooks.add(listener.url)
    job = order(studio)
    studio.webhooks.start()
    until(lambda: listener.heard, 'the first')
    until(lambda: studio.webhooks.all()[0].trouble, 'the reason why the other one was not told')
    studio.webhooks.close()
    studio.store.hold(job.id, True)
    again = Webhooks(studio.store)
    again.start()
    until(lambda: len(listener.heard) == 2, 'what happened meanwhile')
    again.close()
    assert listener.types == ['job.ready', 'job.waiting']


def test_who_is_deleted_hears_no_more(studio: StudioService, listener: Listener) -> None:
    gone, stays = studio.webhooks.add(listener.url), studio.webhooks.add(listener.url)
    assert studio.webhooks.remove(gone.id)
    assert not studio.webhooks.remove(gone.id)
    order(studio)
    studio.webhooks.start()
    until(lambda: listener.heard, 'the happening')
    assert [headers['webhook-id'].rpartition('_')[0] for headers, _ in listener.heard] == [stays.id]


@pytest.mark.parametrize(
    'url',
    ['', 'file:///etc/passwd', 'ftp://a/b', 'http://', 'http://a b/', 'http://me:pin@a/', 'http://a:0x/', '//a/b',
     'http://a:99999/', 'http://ä/', 'http://a/\r\nHost: b'],
)  # fmt: skip
def test_what_is_no_address_of_http_is_refused(studio: StudioService, url: str) -> None:
    with pytest.raises(SketchRobotError, match='a webhook is an address like'):
        studio.webhooks.add(url)
    assert studio.webhooks.all() == []


def test_the_operator_says_who_is_told_and_the_secret_is_told_once(
    studio: StudioService, robot: PaperRobot, listener: Listener
) -> None:
    with TestClient(make_app(studio)) as client:
        client.post('/api/operator/sign-in', json={'pin': PIN})
        added = client.post('/api/operator/webhooks', json={'url': listener.url}).json()
        assert added['secret'].startswith('whsec_')
        assert client.get('/api/operator/webhooks').json() == [{'id': added['id'], 'url': listener.url, 'trouble': ''}]
        client.post('/api/operator/test-card')
        until(lambda: listener.heard, 'the happening')
        bad = client.post('/api/operator/webhooks', json={'url': 'nowhere'})
        assert (bad.status_code, bad.json()['code']) == (400, 'BAD_GOAL')
        for _ in range(webhooks.MOST - 1):
            assert client.post('/api/operator/webhooks', json={'url': listener.url}).status_code == 201
        assert client.post('/api/operator/webhooks', json={'url': listener.url}).json()['code'] == 'BUSY'
        assert client.delete(f'/api/operator/webhooks/{added["id"]}').status_code == 200
        assert client.delete(f'/api/operator/webhooks/{added["id"]}').status_code == 404


def test_what_is_told_is_described_and_every_happening_is_in_it(studio: StudioService) -> None:
    described = TestClient(make_app(studio)).get('/api/openapi.json').json()
    body = described['webhooks']['job']['post']['requestBody']['content']['application/json']['schema']
    assert body == {'$ref': '#/components/schemas/JobEvent'}
    types = described['components']['schemas']['JobEvent']['properties']['type']['enum']
    assert set(types) == {
        f'job.{event}' for event in
        ('ready', 'waiting', 'drawing', 'paused', 'interrupted', 'drawn', 'failed', 'dropped', 'deleted')
    }  # fmt: skip
