"""Labelling a folder of portraits."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.line_art.art import LineArt
from sketch_robot.photo.sitter import Sitter
from sketch_robot.stroke import Stroke
from sketch_robot.training import label
from sketch_robot.training.drawings import load_crop, load_drawings
from sketch_robot.training.label import label_folder, label_quality, turn_degrees


def _mesh(turn: float = 0.0) -> np.ndarray:
    mesh = np.zeros((478, 3), np.float32)
    mesh[454] = [100 * np.cos(np.radians(turn)), 0, 100 * np.sin(np.radians(turn))]
    return mesh


def _sitter(**changes) -> Sitter:
    plain = {'landmarks': _mesh(), 'matte': np.ones((512, 512), np.float32)}
    return Sitter(np.zeros((512, 512, 3), np.uint8), np.eye(2, 3), np.ones((512, 512), bool), 1, **(plain | changes))


def _art(**counts: int) -> LineArt:
    counts = {'eye': 4, 'mouth': 2, 'nose': 1, 'hair': 20} | counts
    line = np.array([[10.0, 10.0], [110.0, 10.0]])
    strokes = tuple(Stroke(line, 1.0, name, 0.5) for name, count in counts.items() for _ in range(count))
    ink = np.zeros((512, 512), np.float32)
    ink[10, 10:110] = 1
    return LineArt(ink, 'guided', strokes)


class _Finder:
    def find(self, photo):
        if photo.rgb.mean() < 10:
            raise SketchRobotError(ErrorCode.NO_FACE, 'there is no face in the photo')
        return _sitter()


class _Artist:
    def __init__(self) -> None:
        self.drawn = 0

    def draw(self, _):
        self.drawn += 1
        return _art()


@pytest.fixture
def artist(monkeypatch) -> _Artist:
    artist = _Artist()
    monkeypatch.setattr(label, '_tools', lambda: (_Finder(), artist))
    return artist


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / 'photos'
    folder.mkdir()
    for name, light in (('a', 200), ('b', 100), ('dark', 0)):
        cv2.imwrite(str(folder / f'{name}.png'), np.full((64, 64, 3), light, np.uint8))
    (folder / 'broken.jpg').write_text('no picture')
    (folder / 'notes.txt').write_text('not a photo')
    return folder


def test_good_photos_become_crops_and_drawings_and_bad_ones_have_a_reason(photos, tmp_path, artist):
    out = tmp_path / 'out'
    count = label_folder(photos, out)
    assert (count.drawn, count.rejected, count.before) == (2, 2, 0)
    assert [d.name for d in load_drawings(out)] == ['a', 'b']
    assert load_drawings(out)[0].strokes[0].tolist() == [[9.5, 9.5], [109.5, 9.5]]
    assert load_crop(out, 'a').shape == (512, 512, 3)
    reasons = {r['name']: r['reason'] for r in map(json.loads, (out / 'rejected.jsonl').read_text().splitlines())}
    assert reasons['dark'] == 'there is no face in the photo'
    assert 'broken' in reasons


def test_starting_again_draws_only_what_is_left(photos, tmp_path, artist):
    out = tmp_path / 'out'
    label_folder(photos, out)
    cv2.imwrite(str(photos / 'c.png'), np.full((64, 64, 3), 90, np.uint8))
    count = label_folder(photos, out)
    assert (count.drawn, count.rejected, count.before) == (1, 0, 4)
    assert artist.drawn == 3


def test_a_line_cut_off_by_a_kill_is_drawn_again(photos, tmp_path, artist):
    out = tmp_path / 'out'
    label_folder(photos, out)
    path = out / 'strokes.jsonl'
    path.write_text(path.read_text()[:-40])
    assert label_folder(photos, out).drawn == 1
    assert sorted(d.name for d in load_drawings(out)) == ['a', 'b']


def test_drawings_of_little_quality_are_left_out_with_their_score(photos, tmp_path, artist, monkeypatch):
    monkeypatch.setattr(artist, 'draw', lambda _: _art(eye=0, mouth=0, nose=0))
    count = label_folder(photos, tmp_path / 'out')
    assert (count.drawn, count.rejected) == (0, 4)
    assert 'quality 0.57 is under 0.70' in (tmp_path / 'out' / 'rejected.jsonl').read_text()


@pytest.mark.parametrize('there', [True, False])
def test_a_folder_without_photos_is_refused(tmp_path, there):
    folder = tmp_path / 'empty'
    if there:
        folder.mkdir()
    with pytest.raises(SketchRobotError, match='has no photos') as caught:
        label_folder(folder, tmp_path / 'out')
    assert caught.value.code is ErrorCode.BAD_GOAL
    assert not (tmp_path / 'out').exists()


@pytest.mark.parametrize('turn', [-60.0, 0.0, 30.0])
def test_the_turn_of_a_face_comes_from_the_depth_between_the_ears(turn):
    assert turn_degrees(_mesh(turn)) == pytest.approx(turn, abs=1e-3)


@pytest.mark.parametrize(
    ('sitter', 'art', 'missing'),
    [
        ({}, {}, 0),
        ({'landmarks': None}, {}, 2),
        ({'landmarks': _mesh(50)}, {}, 1),
        ({'matte': np.zeros((512, 512), np.float32)}, {}, 1),
        ({}, {'eye': 3}, 1),
        ({}, {'mouth': 1, 'nose': 0}, 2),
        ({}, {'hair': 1}, 1),
        ({}, {'hair': 90}, 1),
    ],
)
def test_quality_is_the_share_of_good_signs(sitter, art, missing):
    assert label_quality(_sitter(**sitter), _art(**art)) == pytest.approx((7 - missing) / 7)
