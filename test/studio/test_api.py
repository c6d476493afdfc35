"""The API: the visitor's way, the operator's, and what is refused."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from conftest import PIN, order, own, photo, until
from fastapi.testclient import TestClient
from paper_robot import PaperRobot

from sketch_robot.studio.app import HEADERS, LANGUAGES
from sketch_robot.studio.service import StudioService


def test_the_visitors_way_from_a_photo_to_paper_and_a_file_to_take_home(
    visitor: TestClient, operator: TestClient, robot: PaperRobot
) -> None:
    sitting = visitor.post('/api/sittings', content=photo()).json()
    assert [proposal['kind'] for proposal in sitting['proposals']] == ['few', 'normal', 'rich']
    assert sitting['proposals'][0]['predicted_s'] <= sitting['proposals'][2]['predicted_s']
    job = visitor.post(
        '/api/jobs',
        json={'sketch': sitting['sketch'], 'kind': 'rich', 'caption': 'Łódź', 'name': 'Ana', 'consent': True},
    ).json()
    assert (job['number'], job['state'], job['place']) == (1, 'ready', 0)
    assert operator.post('/api/operator/sheet').status_code == 200
    until(lambda: visitor.get(f'/api/jobs/{job["id"]}', headers=own(job)).json()['state'] == 'drawn', 'the drawing')
    assert len(robot.finished) == 1
    lines = visitor.get(f'/api/jobs/{job["id"]}/lines', headers=own(job)).json()
    assert len(lines['strokes']) == len(lines['seconds']) == job['strokes']
    for form, begins in (('svg', b'<svg'), ('png', b'\x89PNG'), ('pdf', b'%PDF'), ('gcode', b''), ('hpgl', b'')):
        file = visitor.get(f'/api/jobs/{job["id"]}/file?form={form}', headers=own(job))
        assert file.status_code == 200
        assert begins in file.content[:60]
        assert file.headers['content-disposition'] == f'attachment; filename="portrait-1.{form}"'


def test_a_visitor_may_choose_a_pose(visitor: TestClient, robot: PaperRobot) -> None:
    names = visitor.get('/api/poses').json()
    assert names[:2] == ['as_they_stand', 'dancer']
    for language in LANGUAGES:
        assert {f'pose_{name}' for name in names} <= set(visitor.get(f'/texts/{language}.json').json())
    assert visitor.post('/api/sittings?pose=dancer', content=photo()).status_code == 200
    assert (robot.last_pose, robot.last_style) == ('dancer', '')
    assert visitor.post(f'/api/sittings?pose={"x" * 41}', content=photo()).status_code == 422


def test_a_visitor_may_choose_the_style_of_their_drawings(visitor: TestClient, robot: PaperRobot) -> None:
    names = visitor.get('/api/styles').json()
    assert {'woodcut', 'hatch_45'} <= set(names)
    assert 'charcoal' not in names  # no pen draws it
    shown = visitor.get('/api/styles/woodcut.png')
    assert (shown.headers['content-type'], shown.content[:4]) == ('image/png', b'\x89PNG')
    assert visitor.get('/api/styles/cubist.png').status_code == 404
    assert visitor.post('/api/sittings?style=woodcut', content=photo()).status_code == 200
    assert robot.last_style == 'woodcut'
    assert visitor.post('/api/sittings', content=photo()).status_code == 200
    assert robot.last_style == ''
    assert visitor.post(f'/api/sittings?style={"x" * 41}', content=photo()).status_code == 422


def test_a_face_that_nobody_has_is_shown_changed_and_drawn(visitor: TestClient, robot: PaperRobot) -> None:
    plain, again, moved = (
        visitor.get(f'/api/characters/42.png{sliders}') for sliders in ('', '?sliders=0,0', '?sliders=0,2.5,-1,0')
    )
    assert (plain.headers['content-type'], plain.content[:4]) == ('image/png', b'\x89PNG')
    assert plain.content == again.content != moved.content
    answer = visitor.post('/api/sittings/character', json={'seed': 42, 'sliders': [0, 2.5]})
    assert [proposal['kind'] for proposal in answer.json()['proposals']] == ['few', 'normal', 'rich']
    assert (robot.last_artist, robot.last_photo_shape) == ('drawing', (512, 512, 3))
    assert answer.json()['may_keep_photo'] is False  # there is none
    assert visitor.get('/api/sittings/' + answer.json()['sketch']).status_code == 200


@pytest.mark.parametrize(
    ('path', 'status'),
    [('4294967296.png', 422), ('-1.png', 422), ('anna.png', 422), ('1.png?sliders=x', 400), ('1.png?sliders=9', 400),
     ('1.png?sliders=nan', 400), ('1.png?sliders=0,0,0,0,0,0,0,0,0', 400)],
)  # fmt: skip
def test_a_face_that_cannot_be_made_is_refused_with_a_reason(visitor: TestClient, path: str, status: int) -> None:
    answer = visitor.get(f'/api/characters/{path}')
    assert answer.status_code == status
    assert answer.json()['code'] in ('BAD_GOAL', 'BAD_REQUEST')


def test_the_camera_looks_when_no_photo_is_sent(visitor: TestClient, robot: PaperRobot) -> None:
    assert visitor.get('/api/live').json() is True
    assert visitor.post('/api/sittings').status_code == 200
    assert robot.last_photo_shape == (120, 160, 3)
    assert robot.watched is False, 'nobody looks any more'


def test_a_stranger_learns_nothing_of_a_job(visitor: TestClient) -> None:
    job = order(visitor, name='Ana')
    for path in ('', '/lines', '/file'):
        for headers in ({}, {'Authorization': 'Bearer guess'}):
            answer = visitor.get(f'/api/jobs/{job["id"]}{path}', headers=headers)
            assert (answer.status_code, answer.json()['code']) == (404, 'UNKNOWN')
    assert visitor.delete(f'/api/jobs/{job["id"]}').status_code == 404
    public = visitor.get('/api/queue').text
    assert 'Ana' not in public
    assert job['id'] not in public


def test_the_delete_button_deletes_and_the_gallery_needs_consent(
    visitor: TestClient, operator: TestClient, studio: StudioService
) -> None:
    shown, hidden = order(visitor, gallery=True), order(visitor, caption='b')
    for job in (shown, hidden):
        operator.post('/api/operator/sheet')
        until(lambda job=job: studio.store.job(job['id']).state == 'drawn', 'the drawing')
    assert [entry['id'] for entry in visitor.get('/api/gallery').json()] == [shown['id']]
    assert visitor.put(f'/api/jobs/{hidden["id"]}/gallery?shown=true', headers=own(hidden)).json()['gallery'] is True
    assert len(visitor.get('/api/gallery').json()) == 2
    assert visitor.delete(f'/api/jobs/{shown["id"]}', headers=own(shown)).status_code == 200
    assert [entry['id'] for entry in visitor.get('/api/gallery').json()] == [hidden['id']]
    assert visitor.get(f'/api/jobs/{shown["id"]}', headers=own(shown)).status_code == 404


@pytest.mark.parametrize(
    'data',
    [
        b'no picture',
        photo()[:300],
        b'\x89PNG\r\n\x1a\n' + bytes(50),
        photo(size=(8, 8)),
        b'GIF89a' + bytes(20),
        b'<svg/>',
    ],
    ids=['text', 'cut off', 'empty PNG', 'tiny', 'broken GIF', 'SVG'],
)
def test_an_upload_of_each_bad_kind_is_refused_with_a_reason(visitor: TestClient, data: bytes) -> None:
    answer = visitor.post('/api/sittings', content=data)
    assert (answer.status_code, answer.json()['code']) == (422, 'BAD_IMAGE')
    assert answer.json()['message']


def test_a_picture_without_a_face_and_one_that_is_too_large_are_refused(visitor: TestClient, robot: PaperRobot) -> None:
    robot.no_face = True
    assert visitor.post('/api/sittings', content=photo()).json()['code'] == 'NO_FACE'
    assert visitor.post('/api/sittings', content=bytes(20_000_001)).status_code == 413

    def chunks() -> Iterator[bytes]:  # without saying how long
        for _ in range(21):
            yield bytes(1_000_000)

    assert visitor.post('/api/sittings', content=chunks()).status_code == 413


def test_a_caption_that_no_font_has_is_refused_before_the_queue(visitor: TestClient, studio: StudioService) -> None:
    sitting = visitor.post('/api/sittings', content=photo()).json()
    answer = visitor.post('/api/jobs', json={'sketch': sitting['sketch'], 'caption': '東京', 'consent': True})
    assert answer.status_code == 400
    assert '東京' in answer.json()['message']
    assert studio.store.queue() == []


@pytest.mark.parametrize(
    'fields', [{'consent': False}, {}, {'consent': True, 'more': 1}, {'consent': True, 'kind': 'x'}]
)
def test_an_order_without_consent_or_with_more_than_there_is_gets_refused(visitor: TestClient, fields: dict) -> None:
    sitting = visitor.post('/api/sittings', content=photo()).json()
    answer = visitor.post('/api/jobs', json={'sketch': sitting['sketch'], **fields})
    assert (answer.status_code, answer.json()['code']) == (422, 'BAD_REQUEST')


def test_a_sitter_may_have_as_many_on_the_sheet_as_there_is_room_for(
    visitor: TestClient, operator: TestClient, studio: StudioService
) -> None:
    operator.patch('/api/operator/settings', json={'page': 'A4', 'copies': 'strip'})
    sitting = visitor.post('/api/sittings', content=photo()).json()
    assert (sitting['copies'], sitting['may_be']) == ('strip', ['one', 'strip', 'grid', 'cards'])
    usual, one = (order(visitor, kind='rich', copies=copies)['strokes'] for copies in (None, 'one'))
    assert usual == 3 * one
    operator.patch('/api/operator/settings', json={'page': '60x60', 'copies': 'one'})
    sitting = visitor.post('/api/sittings', content=photo()).json()
    assert 'cards' not in sitting['may_be']
    new = {'sketch': sitting['sketch'], 'copies': 'cards', 'consent': True}
    answer = visitor.post('/api/jobs', json=new)
    assert (answer.status_code, answer.json()['code']) == (400, 'BAD_GOAL')
    assert 'does not fit' in answer.json()['message']


# ------------------------------------------------------------- the operator
OPERATOR = (
    ('GET', ''), ('POST', '/command'), ('POST', '/sheet'), ('POST', '/jobs/x'), ('PATCH', '/settings'), ('GET', '/log'),
    ('POST', '/test-card'), ('GET', '/webhooks'), ('POST', '/webhooks'), ('DELETE', '/webhooks/x'),
    ('PUT', '/logo'), ('PUT', '/signature'),
)  # fmt: skip


@pytest.mark.parametrize(('method', 'path'), OPERATOR)
def test_nothing_of_the_operators_works_without_the_pin(visitor: TestClient, method: str, path: str) -> None:
    answer = visitor.request(method, f'/api/operator{path}', json={'command': 'stop', 'action': 'drop'})
    assert (answer.status_code, answer.json()['code']) == (401, 'PIN')


def test_the_pin_cannot_be_guessed_quickly(visitor: TestClient) -> None:
    codes = [visitor.post('/api/operator/sign-in', json={'pin': f'{n:04d}'}).status_code for n in range(8)]
    assert codes == [401] * 5 + [429] * 3
    assert visitor.post('/api/operator/sign-in', json={'pin': PIN}).status_code == 429


def test_signing_out_ends_the_session(operator: TestClient) -> None:
    assert operator.get('/api/operator').status_code == 200
    operator.post('/api/operator/sign-out')
    assert operator.get('/api/operator').status_code == 401


def test_the_operator_orders_holds_drops_and_retries(visitor: TestClient, operator: TestClient) -> None:
    jobs = [order(visitor, name=name) for name in 'abc']

    def act(job: dict, action: str, **more: int) -> dict:
        return operator.post(f'/api/operator/jobs/{job["id"]}', json={'action': action, **more}).json()

    act(jobs[2], 'place', place=0)
    assert act(jobs[0], 'hold')['state'] == 'waiting'
    view = operator.get('/api/operator').json()
    assert [job['name'] for job in view['queue']] == ['c', 'a', 'b']
    assert act(jobs[1], 'drop')['state'] == 'dropped'
    assert act(jobs[1], 'retry')['state'] == 'ready'
    assert [job['name'] for job in operator.get('/api/operator').json()['queue']] == ['b', 'c', 'a']
    assert act(jobs[1], 'resume')['code'] == 'BUSY'


def test_commands_reach_the_machine_and_the_test_card_comes_next(operator: TestClient, robot: PaperRobot) -> None:
    for command in ('pause', 'resume', 'home', 'set_origin', 'pen_up', 'pen_down', 'stop'):
        assert operator.post('/api/operator/command', json={'command': command}).json() == {'said': f'{command}: done'}
    assert robot.commands == ['pause', 'resume', 'home', 'set_origin', 'pen_up', 'pen_down', 'stop']
    card = operator.post('/api/operator/test-card').json()
    assert operator.get('/api/operator').json()['queue'][0]['id'] == card['id']


def test_settings_are_kept_and_checked(visitor: TestClient, operator: TestClient) -> None:
    assert operator.patch('/api/operator/settings', json={'page': 'A5', 'border': 'double'}).json()['page'] == 'A5'
    assert operator.patch('/api/operator/settings', json={'page': 'A99'}).status_code == 400
    assert operator.patch('/api/operator/settings', json={'nothing': 1}).status_code == 422
    sitting = visitor.post('/api/sittings', content=photo()).json()
    assert sitting['proposals'][0]['lines']['width_mm'] == 148.0
    operator.patch('/api/operator/settings', json={'open': False})
    answer = visitor.post('/api/jobs', json={'sketch': sitting['sketch'], 'consent': True})
    assert (answer.status_code, answer.json()['code']) == (409, 'CLOSED')


LOGO = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 10 10"><path d="M0 0L10 10" stroke="#000" fill="none"/></svg>'
)


def test_logo_and_turn_are_on_the_sheet_and_go_again(visitor: TestClient, operator: TestClient) -> None:
    def strokes() -> list:
        return visitor.post('/api/sittings', content=photo()).json()['proposals'][2]['lines']['strokes']

    plain = strokes()
    assert operator.put('/api/operator/logo', content=LOGO).status_code == 200
    assert operator.get('/api/operator').json()['settings']['logo'] is True
    assert len(strokes()) == len(plain) + 1
    operator.patch('/api/operator/settings', json={'turned': 180, 'logo_place': 'bottom-right'})
    assert operator.get('/api/operator').json()['settings']['turned'] == 180
    x0, y0, x1, y1 = strokes()[-1]
    assert max(x0, x1) < 40.0, 'what is at the lower right of a sheet that is turned by half is at its upper left'
    assert max(y0, y1) < 40.0
    assert operator.put('/api/operator/logo', content=b'').status_code == 200
    operator.patch('/api/operator/settings', json={'turned': 0})
    assert strokes() == plain


def test_a_signature_from_a_file_is_instead_of_the_written_one(visitor: TestClient, operator: TestClient) -> None:
    def strokes() -> list:
        return visitor.post('/api/sittings', content=photo()).json()['proposals'][2]['lines']['strokes']

    plain = strokes()
    operator.patch('/api/operator/settings', json={'signature': 'Ana'})
    written = strokes()
    assert operator.put('/api/operator/signature', content=LOGO).status_code == 200
    assert operator.get('/api/operator').json()['settings']['signature_svg'] is True
    assert len(strokes()) == len(plain) + 1
    operator.patch('/api/operator/settings', json={'border': 'none'})
    assert operator.get('/api/operator').json()['settings']['signature'] == 'Ana'
    assert operator.put('/api/operator/signature', content=b'').status_code == 200
    assert strokes() == written


@pytest.mark.parametrize(('mark', 'setting'), [('logo', 'logo'), ('signature', 'signature_svg')])
@pytest.mark.parametrize(
    'content', [b'no picture', b'<svg', b'\xff\xfe', b'<svg xmlns="http://www.w3.org/2000/svg"/>', b'<html></html>'],
    ids=['text', 'cut off', 'no text', 'empty', 'HTML'],
)  # fmt: skip
def test_a_mark_of_each_bad_kind_is_refused_and_the_old_one_stays(
    operator: TestClient, mark: str, setting: str, content: bytes
) -> None:
    operator.put(f'/api/operator/{mark}', content=LOGO)
    answer = operator.put(f'/api/operator/{mark}', content=content)
    assert (answer.status_code, answer.json()['message'] != '') == (400, True)
    assert operator.get('/api/operator').json()['settings'][setting] is True
    assert operator.put(f'/api/operator/{mark}', content=b'<' * 70_000).status_code == 413
    assert operator.patch('/api/operator/settings', json={'turned': 45}).status_code == 422


# ------------------------------------------------------------- pages, headers, events
@pytest.mark.parametrize('path', ['/', '/operator', '/kiosk', '/studio.css', '/studio.js', '/qr.svg', '/api/queue'])
def test_every_answer_forbids_foreign_scripts_and_frames(visitor: TestClient, path: str) -> None:
    answer = visitor.get(path)
    assert answer.status_code == 200
    assert {name: answer.headers[name] for name in HEADERS} == HEADERS
    assert "script-src 'self'" in HEADERS['content-security-policy']


@pytest.mark.parametrize(
    'path', ['/../app.py', '/%2e%2e/app.py', '/pages/visitor.html', '/texts/../app.json', '/texts/xx.json', '/app.py']
)
def test_no_path_leads_out_of_the_pages(visitor: TestClient, path: str) -> None:
    assert visitor.get(path).status_code == 404


def test_pages_name_nothing_from_elsewhere(visitor: TestClient) -> None:
    for path in ('/', '/operator', '/kiosk', '/studio.css', '/studio.js', '/visitor.js', '/operator.js', '/kiosk.js'):
        text = visitor.get(path).text.replace('http://www.w3.org/2000/svg', '')
        assert 'http:' not in text.replace("'https:'", '')
        assert 'https://' not in text


def test_other_names_and_other_sites_are_refused(visitor: TestClient) -> None:
    assert visitor.get('/api/queue', headers={'Host': 'evil.example'}).status_code == 421
    assert visitor.get('/api/queue', headers={'Host': '192.168.1.7:8080'}).status_code == 200
    answer = visitor.post('/api/operator/sign-in', json={'pin': PIN}, headers={'Origin': 'http://evil.example'})
    assert (answer.status_code, answer.json()['code']) == (403, 'ORIGIN')
    assert visitor.post('/api/jobs', content=b'x' * 70_000).status_code == 413


def test_events_tell_of_the_queue_and_everything_to_the_operator_alone(
    visitor: TestClient, operator: TestClient
) -> None:
    with visitor.websocket_connect('/api/events?operator') as socket:
        assert 'settings' not in socket.receive_json()
        order(visitor, name='Ana')
        event = socket.receive_json()
        while not event['waiting']:
            event = socket.receive_json()
        assert [entry['number'] for entry in event['waiting']] == [1]
    with operator.websocket_connect('/api/events?operator') as socket:
        assert [job['name'] for job in socket.receive_json()['queue']] == ['Ana']


def test_every_language_has_every_text_with_its_values(visitor: TestClient) -> None:
    import re

    texts = {language: visitor.get(f'/texts/{language}.json').json() for language in LANGUAGES}
    values = {key: sorted(re.findall(r'\{\w+\}', text)) for key, text in texts['en'].items()}
    for language, own_texts in texts.items():
        assert {key: sorted(re.findall(r'\{\w+\}', text)) for key, text in own_texts.items()} == values, language
    used = set()
    for path in ('/', '/operator', '/kiosk', '/visitor.js', '/operator.js', '/kiosk.js', '/studio.js'):
        page = visitor.get(path).text
        used |= set(re.findall(r'data-t(?:-[a-z-]+)?="(\w+)"', page)) | set(re.findall(r"[^\w.]t\('(\w+)'", page))
    assert used <= set(texts['en'])


def test_the_api_is_described(visitor: TestClient) -> None:
    described = visitor.get('/api/openapi.json').json()
    assert described['openapi'].startswith('3.')
    assert {'/api/sittings', '/api/jobs', '/api/jobs/{identity}', '/api/queue'} <= set(described['paths'])
