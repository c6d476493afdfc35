"""Who stays before the camera, and the page at rest that is told of them."""

from __future__ import annotations

import numpy as np
import pytest
from conftest import until
from fastapi.testclient import TestClient
from paper_robot import PaperRobot

from sketch_robot.errors import SketchRobotError
from sketch_robot.studio.app import make_app
from sketch_robot.studio.service import StudioService

PHOTO = np.full((120, 160, 3), 90, np.uint8)


def test_the_door_is_open_only_while_a_page_rests_and_the_operator_wants_it(studio: StudioService) -> None:
    door = studio.door
    door.rest(1)
    assert not door.is_open
    studio.store.keep('settings', '{"start_by_face": true}')
    assert door.is_open
    door.receive(PHOTO)
    assert not door.is_open, 'one at a time'
    assert studio.sittings.find(door.invited).sketch.faces == 1
    door.rest(-1)
    assert (door.invited, door.is_open) == ('', False)


def test_somebody_without_a_face_is_not_received(studio: StudioService, robot: PaperRobot) -> None:
    robot.no_face = True
    studio.door.rest(1)
    with pytest.raises(SketchRobotError, match='no face'):
        studio.door.receive(PHOTO)
    assert studio.door.invited == ''


def test_the_page_at_rest_is_told_who_came_and_finds_their_drawings(studio: StudioService) -> None:
    studio.store.keep('settings', '{"start_by_face": true}')
    with TestClient(make_app(studio)) as client:
        with client.websocket_connect('/api/events?kiosk') as page, client.websocket_connect('/api/events') as other:
            assert page.receive_json()['invited'] is None
            until(lambda: studio.door.is_open, 'the door')
            studio.door.receive(PHOTO)
            name = page.receive_json()['invited']
            studio.desk.changed()
            assert other.receive_json()['invited'] is None
            assert other.receive_json()['invited'] is None, 'nobody else is told'
        found = client.get(f'/api/sittings/{name}').json()
        assert [proposal['kind'] for proposal in found['proposals']] == ['few', 'normal', 'rich']
        over = client.get('/api/sittings/over')
        assert (over.status_code, over.json()['code']) == (400, 'BAD_GOAL')


def test_the_picture_is_that_of_who_looks_at_faces_where_somebody_does(
    studio: StudioService, robot: PaperRobot
) -> None:
    robot.best = np.full((77, 99, 3), 90, np.uint8)
    with TestClient(make_app(studio)) as client:
        assert client.post('/api/sittings').status_code == 200
    assert robot.last_photo_shape == (77, 99, 3)
