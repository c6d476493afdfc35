"""A photo is kept only where the operator and the sitter both said so, and no longer than its drawing."""

from __future__ import annotations

import io
import time
from pathlib import Path

import numpy as np
import pytest
from conftest import order, own, photo, until
from fastapi.testclient import TestClient
from paper_robot import PaperRobot, face
from PIL import Image

from sketch_robot.errors import SketchRobotError
from sketch_robot.motion.layout import SheetLayout
from sketch_robot.studio import sittings
from sketch_robot.studio.photos import MOST_SIDE_PX, as_jpeg
from sketch_robot.studio.robot import Sketch
from sketch_robot.studio.service import StudioService
from sketch_robot.studio.store import JobStore

PLAN = PaperRobot().plan(Sketch(face()), page='A6', budget_s=0.0, layout=SheetLayout())


def written(folder: Path) -> list[str]:
    """All files there beside the queue itself."""
    files = [str(path.relative_to(folder)) for path in folder.rglob('*')]
    return sorted(file for file in files if not file.startswith('studio.db'))


def ask(operator: TestClient, wanted: bool) -> None:
    assert operator.patch('/api/operator/settings', json={'keep_photos': wanted}).json()['keep_photos'] is wanted


def test_nobody_is_asked_unless_the_operator_says_so(visitor: TestClient, operator: TestClient) -> None:
    assert visitor.get('/api/queue').json()['keeps_photos'] is False
    assert visitor.post('/api/sittings', content=photo()).json()['may_keep_photo'] is False
    assert visitor.patch('/api/operator/settings', json={'keep_photos': True}).status_code == 401
    ask(operator, True)
    assert visitor.get('/api/queue').json()['keeps_photos'] is True
    assert visitor.post('/api/sittings', content=photo()).json()['may_keep_photo'] is True


@pytest.mark.parametrize(
    ('operators', 'said'),
    [(False, {}), (False, {'keep_photo': True}), (True, {}), (True, {'keep_photo': False})],
    ids=['neither', 'the sitter', 'the operator', 'the operator, and a no'],
)
def test_nothing_is_written_unless_both_agree(
    visitor: TestClient, operator: TestClient, tmp_path: Path, operators: bool, said: dict
) -> None:
    ask(operator, operators)
    order(visitor, **said)
    assert written(tmp_path) == []


@pytest.mark.parametrize('who', ['sitter', 'operator'])
def test_where_both_agree_it_lies_beside_the_drawing_until_that_is_deleted(
    visitor: TestClient, operator: TestClient, tmp_path: Path, who: str
) -> None:
    ask(operator, True)
    job = order(visitor, keep_photo=True, gallery=True)
    order(visitor, keep_photo=False)
    assert written(tmp_path) == ['studio_photos', 'studio_photos/portrait-1.jpg']
    folder = tmp_path / 'studio_photos'
    kept = folder / 'portrait-1.jpg'
    assert (folder.stat().st_mode & 0o777, kept.stat().st_mode & 0o777) == (0o700, 0o600)
    with Image.open(kept) as image:
        assert (image.format, image.size, dict(image.getexif())) == ('JPEG', (260, 200), {})
    for path in ('/studio_photos/portrait-1.jpg', '/portrait-1.jpg', f'/api/jobs/{job["id"]}/photo'):
        assert visitor.get(path, headers=own(job)).status_code == 404
    if who == 'sitter':
        assert visitor.delete(f'/api/jobs/{job["id"]}', headers=own(job)).status_code == 200
    else:
        assert operator.post(f'/api/operator/jobs/{job["id"]}', json={'action': 'delete'}).status_code == 200
    assert written(tmp_path) == ['studio_photos']


@pytest.mark.parametrize('first', [True, False])
def test_who_sat_before_the_operator_changed_that_is_not_kept(
    visitor: TestClient, operator: TestClient, tmp_path: Path, first: bool
) -> None:
    ask(operator, first)
    sitting = visitor.post('/api/sittings', content=photo()).json()
    ask(operator, not first)
    new = {'sketch': sitting['sketch'], 'consent': True, 'keep_photo': True}
    assert visitor.get(f'/api/sittings/{sitting["sketch"]}').json()['may_keep_photo'] is False
    assert visitor.post('/api/jobs', json=new).status_code == 201
    assert written(tmp_path) == []


def test_a_photo_that_cannot_be_kept_is_told_and_orders_nothing(
    visitor: TestClient, operator: TestClient, studio: StudioService, tmp_path: Path
) -> None:
    ask(operator, True)
    (tmp_path / 'studio_photos').write_text('no folder')
    sitting = visitor.post('/api/sittings', content=photo()).json()
    new = {'sketch': sitting['sketch'], 'consent': True, 'keep_photo': True}
    answer = visitor.post('/api/jobs', json=new)
    assert (answer.status_code, 'order without it' in answer.json()['message']) == (400, True)
    assert studio.store.queue() == []
    assert visitor.post('/api/jobs', json={**new, 'keep_photo': False}).status_code == 201


def test_who_orders_nothing_is_forgotten_by_itself(studio: StudioService, monkeypatch: pytest.MonkeyPatch) -> None:
    studio.store.keep('settings', '{"keep_photos": true}')
    monkeypatch.setattr(sittings, 'KEPT_S', 0.05)
    name, sitting = studio.sittings.sit(np.zeros((40, 60, 3), np.uint8))
    assert sitting.photo[:3] == b'\xff\xd8\xff'
    until(lambda: len(studio.sittings) == 0, 'the end of the sitting')
    with pytest.raises(SketchRobotError, match='over'):
        studio.sittings.find(name)


def test_it_goes_with_a_drawing_that_was_kept_long_enough(tmp_path: Path) -> None:
    store = JobStore(tmp_path / 'studio.db')
    job, _ = store.add(PLAN, photo=b'a photo')
    store.drop(job.id)
    assert written(tmp_path) == ['studio_photos', 'studio_photos/portrait-1.jpg']
    assert store.forget(time.time() + 1.0) == 1
    assert written(tmp_path) == ['studio_photos']
    store.close()


def test_photos_without_a_drawing_are_gone_after_a_start(tmp_path: Path) -> None:
    store = JobStore(tmp_path / 'studio.db')
    store.add(PLAN, photo=b'a photo')
    store.close()
    for name in ('portrait-2.jpg', 'portrait-x.jpg'):
        (tmp_path / 'studio_photos' / name).write_bytes(b'of nobody')
    JobStore(tmp_path / 'studio.db').close()
    assert written(tmp_path) == ['studio_photos', 'studio_photos/portrait-1.jpg']


def test_a_large_photo_is_kept_smaller_in_its_colours() -> None:
    picture = np.zeros((3000, 1500, 3), np.uint8)
    picture[..., 0] = 200
    with Image.open(io.BytesIO(as_jpeg(picture))) as image:
        assert image.size == (MOST_SIDE_PX // 2, MOST_SIDE_PX)
        red, green, blue = image.getpixel((100, 100))
    assert red > 190
    assert max(green, blue) < 10
