"""Teaching a hand: a sheet, a photo of it, learning in another process, the next sitter; and what goes wrong."""

from __future__ import annotations

import io
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
from conftest import photo
from fastapi.testclient import TestClient
from PIL import Image

from sketch_robot.studio.service import StudioService
from sketch_robot.studio.teaching import HAND

LEARNS = """
import pathlib, sys
print('sketch-robot: 50 %, loss 0.4, 0:01 left', file=sys.stderr, flush=True)
pathlib.Path(sys.argv[sys.argv.index('-o') + 1]).write_bytes(b'a hand')
"""
FAILS = "import sys; print('sketch-robot: BAD_GOAL: this needs torch', file=sys.stderr); sys.exit(1)"
SLOW = "import sys, time; print('sketch-robot: 20 %, loss 1, 9:00 left', file=sys.stderr, flush=True); time.sleep(60)"


def _png(picture: np.ndarray) -> bytes:
    return bytes(cv2.imencode('.png', picture)[1])


def _drawn_sheet(operator: TestClient) -> bytes:
    """The sheet with a line over it, as a camera sees it."""
    sheet = np.array(Image.open(io.BytesIO(operator.get('/api/operator/teach/sheet').content)).convert('RGB'))
    assert sheet.shape == (2970, 2100, 3)
    small = cv2.resize(sheet, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    cv2.line(small, (350, 740), (700, 760), (10, 10, 10), 10)
    return _png(small)


def _until(operator: TestClient, *stages: str) -> dict:
    deadline = time.monotonic() + 30
    while (lesson := operator.get('/api/operator/teach').json())['stage'] not in stages:
        assert time.monotonic() < deadline, lesson
        time.sleep(0.02)
    return lesson


@pytest.fixture
def drawn(operator: TestClient) -> TestClient:
    """A sheet was drawn on, and photographed."""
    assert operator.post('/api/operator/teach/frame', content=photo()).json()['stage'] == 'framed'
    assert operator.post('/api/operator/teach/drawn', content=_drawn_sheet(operator)).json()['stage'] == 'drawn'
    return operator


def test_a_hand_is_taught_and_then_draws_and_is_forgotten(drawn: TestClient, studio: StudioService, robot) -> None:
    drawing = np.array(Image.open(io.BytesIO(drawn.get('/api/operator/teach/drawn').content)))
    frame = np.array(Image.open(io.BytesIO(drawn.get('/api/operator/teach/frame').content)))
    assert drawing.shape == frame.shape
    assert drawing.min() < 100
    studio.teaching.program = (sys.executable, '-c', LEARNS)
    assert drawn.post('/api/operator/teach/learn', json={'minutes': 1}).json()['stage'] == 'learning'
    assert _until(drawn, 'ready', 'failed')['stage'] == 'ready'
    hand = studio.teaching.folder / HAND
    assert robot.drawing_artist == str(hand)
    assert drawn.get('/api/operator').json()['teach']['stage'] == 'ready'
    assert (studio.teaching.folder.stat().st_mode & 0o777) == 0o700
    assert drawn.delete('/api/operator/teach').json()['stage'] == 'none'
    assert robot.drawing_artist == 'student'
    assert list(studio.teaching.folder.iterdir()) == []


def test_a_failure_is_told_and_what_was_drawn_is_kept(drawn: TestClient, studio: StudioService, robot) -> None:
    studio.teaching.program = (sys.executable, '-c', FAILS)
    drawn.post('/api/operator/teach/learn', json={})
    assert _until(drawn, 'failed')['reason'] == 'BAD_GOAL: this needs torch'
    assert robot.drawing_artist == 'student'
    robot.refused_artist = str(studio.teaching.folder / HAND)
    studio.teaching.program = (sys.executable, '-c', LEARNS)
    drawn.post('/api/operator/teach/learn', json={})
    assert _until(drawn, 'failed', 'ready')['reason'] == 'its file may not be read'


def test_while_it_learns_nothing_else_is_taught_and_forgetting_ends_it(drawn: TestClient, studio) -> None:
    studio.teaching.program = (sys.executable, '-c', SLOW)
    drawn.post('/api/operator/teach/learn', json={'minutes': 30})
    deadline = time.monotonic() + 30
    while drawn.get('/api/operator/teach').json()['share'] < 0.2:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    for path, body in (('frame', photo()), ('drawn', photo())):
        answer = drawn.post(f'/api/operator/teach/{path}', content=body)
        assert (answer.status_code, answer.json()['code']) == (409, 'BUSY')
    process = studio.teaching._process
    assert drawn.delete('/api/operator/teach').json()['stage'] == 'none'
    assert process.poll() is not None


def test_a_sheet_without_marks_a_learner_without_a_drawing_and_strangers_are_refused(
    operator: TestClient, visitor: TestClient
) -> None:
    answer = operator.post('/api/operator/teach/learn', json={})
    assert (answer.status_code, answer.json()['message']) == (400, 'photograph the drawn sheet first')
    assert operator.get('/api/operator/teach/sheet').status_code == 400
    operator.post('/api/operator/teach/frame', content=photo())
    answer = operator.post('/api/operator/teach/drawn', content=photo())
    assert answer.status_code == 422
    assert 'corner marks' in answer.json()['message']
    assert operator.post('/api/operator/teach/frame', content=b'no picture').status_code == 422
    assert operator.get('/api/operator/teach/passwd').status_code == 422
    for method, path in (('GET', ''), ('GET', '/sheet'), ('POST', '/frame'), ('POST', '/learn'), ('DELETE', '')):
        assert visitor.request(method, f'/api/operator/teach{path}', json={}).status_code == 401


def test_what_was_taught_is_there_after_a_restart(
    drawn: TestClient, studio: StudioService, robot, tmp_path: Path
) -> None:
    from sketch_robot.studio.teaching import Teaching

    assert Teaching(robot, studio.store, studio.teaching.folder).lesson().stage == 'drawn'
    assert Teaching(robot, studio.store, tmp_path / 'elsewhere').lesson().stage == 'none'
