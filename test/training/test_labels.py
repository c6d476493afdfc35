"""Labelling a folder of portraits."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.line_art.art import FaceArt, LineArt
from sketch_robot.photo.sitter import CloseUp, Sitter
from sketch_robot.training import labels
from sketch_robot.training.labels import label_folder
from sketch_robot.training.portraits import PortraitFolder

TO_CROP = np.array([[0.5, 0.0, 128.0], [0.0, 0.5, 128.0]])


def _sitter(mesh: bool = True) -> Sitter:
    near = CloseUp(np.full((512, 512, 3), 90, np.uint8), np.zeros((478, 3), np.float32), TO_CROP, TO_CROP)
    crop, valid = np.full((512, 512, 3), 60, np.uint8), np.ones((512, 512), bool)
    matte = np.ones((512, 512), np.float32)
    return Sitter(crop, np.eye(2, 3), valid, 1, matte=matte, close_up=near if mesh else None)


class _Finder:
    def find(self, photo):
        if photo.rgb.mean() < 10:
            raise SketchRobotError(ErrorCode.NO_FACE, 'there is no face in the photo')
        return _sitter(mesh=photo.rgb.mean() < 220)


class _Artist:
    def __init__(self) -> None:
        self.drawn = 0

    def draw(self, _):
        self.drawn += 1
        ink = np.zeros((512, 512), np.float32)
        ink[10:13, 10:110] = ink[250:253, 10:500] = 1
        return LineArt(ink, 'guided')


def _draw_face(close_up: CloseUp | None) -> FaceArt | None:
    ink, area = np.zeros((512, 512), np.float32), np.zeros((512, 512), bool)
    ink[100:106, 100:400] = 0.5
    area[20:492, 20:492] = True
    return None if close_up is None else FaceArt(ink, area, TO_CROP)


@pytest.fixture
def artist(monkeypatch) -> _Artist:
    artist = _Artist()
    monkeypatch.setattr(labels, '_tools', lambda _: (_Finder(), artist))
    monkeypatch.setattr(labels, 'draw_face', _draw_face)
    monkeypatch.setattr(labels, 'ink_quality', lambda *_: 0.8)
    return artist


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / 'photos'
    folder.mkdir()
    for name, light in (('a', 200), ('b', 100), ('dark', 0), ('far', 250)):
        cv2.imwrite(str(folder / f'{name}.png'), np.full((64, 64, 3), light, np.uint8))
    (folder / 'broken.jpg').write_text('no picture')
    (folder / 'notes.txt').write_text('not a photo')
    return folder


def test_good_photos_become_portraits_and_bad_ones_have_a_reason(photos, tmp_path, artist):
    out = tmp_path / 'out'
    count = label_folder(photos, out)
    assert (count.drawn, count.rejected, count.before) == (2, 3, 0)
    assert [p.name for p in PortraitFolder(out).portraits] == ['a', 'b']
    reasons = {r['name']: r['reason'] for r in map(json.loads, (out / 'rejected.jsonl').read_text().splitlines())}
    assert reasons['dark'] == 'there is no face in the photo'
    assert reasons['far'] == 'the face has no usable mesh'
    assert 'broken' in reasons


def test_the_face_is_the_close_ups_and_what_is_around_it_the_artists(photos, tmp_path, artist):
    label_folder(photos, tmp_path / 'out')
    folder = PortraitFolder(tmp_path / 'out')
    head, face = (folder.example(folder.portraits[0], scale).ink.astype(int) for scale in ('head', 'face'))
    assert face[102, 250] == pytest.approx(128, abs=12)
    assert head[11, 60] > 230  # the artist's, far from the face
    assert head[251, 60] > 230  # the artist's line ends where the face begins
    assert head[251, 256] < 25
    assert head[128 + 51, 256] == pytest.approx(120, abs=30)  # the close-up's, half as large


def test_starting_again_draws_only_what_is_left(photos, tmp_path, artist):
    out = tmp_path / 'out'
    label_folder(photos, out)
    cv2.imwrite(str(photos / 'c.png'), np.full((64, 64, 3), 90, np.uint8))
    count = label_folder(photos, out)
    assert (count.drawn, count.rejected, count.before) == (1, 0, 5)
    assert artist.drawn == 3


def test_a_line_cut_off_by_a_kill_is_drawn_again(photos, tmp_path, artist):
    out = tmp_path / 'out'
    label_folder(photos, out)
    path = out / 'portraits.jsonl'
    path.write_text(path.read_text()[:-40])
    assert label_folder(photos, out).drawn == 1
    assert sorted(p.name for p in PortraitFolder(out).portraits) == ['a', 'b']


def test_labels_of_little_quality_are_left_out_with_their_score(photos, tmp_path, artist, monkeypatch):
    monkeypatch.setattr(labels, 'ink_quality', lambda *_: 0.3)
    count = label_folder(photos, tmp_path / 'out')
    assert (count.drawn, count.rejected) == (0, 5)
    assert 'quality 0.30 is under 0.40' in (tmp_path / 'out' / 'rejected.jsonl').read_text()


@pytest.mark.parametrize('there', [True, False])
def test_a_folder_without_photos_is_refused(tmp_path, there):
    folder = tmp_path / 'empty'
    if there:
        folder.mkdir()
    with pytest.raises(SketchRobotError, match='has no photos') as caught:
        label_folder(folder, tmp_path / 'out')
    assert caught.value.code is ErrorCode.BAD_GOAL
    assert not (tmp_path / 'out').exists()
