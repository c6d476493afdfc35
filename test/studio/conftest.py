"""A studio with a robot that draws on no paper."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from fastapi.testclient import TestClient
from paper_robot import PaperRobot
from PIL import Image

from sketch_robot.studio.app import make_app
from sketch_robot.studio.auth import RateLimit
from sketch_robot.studio.service import StudioService
from sketch_robot.studio.store import JobStore

PIN = '2468'


@pytest.fixture
def robot() -> PaperRobot:
    return PaperRobot()


@pytest.fixture
def studio(robot: PaperRobot, tmp_path: Path) -> Iterator[StudioService]:
    made = StudioService(JobStore(tmp_path / 'studio.db'), robot, pin=PIN, hands=tmp_path / 'hands')
    yield made
    made.close()


@pytest.fixture
def visitor(studio: StudioService) -> Iterator[TestClient]:
    studio.sitting = studio.ordering = RateLimit(1000, 1000)
    with TestClient(make_app(studio)) as client:
        yield client


@pytest.fixture
def operator(visitor: TestClient) -> TestClient:
    answer = visitor.post('/api/operator/sign-in', json={'pin': PIN})
    visitor.cookies.clear()
    return TestClient(visitor.app, headers={'Authorization': f'Bearer {answer.json()["token"]}'})


def photo(form: str = 'JPEG', size: tuple[int, int] = (200, 260)) -> bytes:
    """A picture that shows nothing."""
    out = io.BytesIO()
    Image.fromarray(np.random.default_rng(1).integers(0, 255, (*size, 3), np.uint8)).save(out, form)
    return out.getvalue()


def order(visitor: TestClient, **fields: object) -> dict:
    """Sit and order."""
    sitting = visitor.post('/api/sittings', content=photo()).json()
    answer = visitor.post('/api/jobs', json={'sketch': sitting['sketch'], 'consent': True, **fields})
    assert answer.status_code == 201, answer.text
    return answer.json()


def own(job: dict) -> dict[str, str]:
    """What proves the owner of a job."""
    return {'Authorization': f'Bearer {job["secret"]}'}


def until(condition: Callable[[], object], what: str, timeout_s: float = 20.0) -> None:
    """Wait for something, with a deadline."""
    deadline_s = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline_s, f'not within {timeout_s} s: {what}'
        time.sleep(0.01)
