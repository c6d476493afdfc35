"""The folder of labelled portraits, its zip, and who is held out."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.training import portraits as module
from sketch_robot.training.portraits import (
    Example,
    Portrait,
    PortraitFolder,
    PortraitWriter,
    choose_held_out,
    pack_portraits,
    split_portraits,
)


@pytest.fixture
def own(portraits, tmp_path) -> Path:
    """A copy to break."""
    return Path(shutil.copytree(portraits, tmp_path / 'own'))


def test_portraits_come_back_nearly_as_they_were_written(tmp_path):
    rng = np.random.default_rng(0)
    soft = cv2.GaussianBlur(rng.integers(0, 256, (512, 512, 3)).astype(np.uint8), (0, 0), 8)
    ink = np.zeros((512, 512), np.uint8)
    cv2.circle(ink, (256, 256), 100, 255, 3, cv2.LINE_AA)
    matte = np.zeros((512, 512), np.uint8)
    cv2.circle(matte, (256, 256), 150, (255,), -1)
    to_crop = np.array([[0.5, 0.0, 100.0], [0.0, 0.5, 120.0]])
    both = {scale: Example(soft, ink, matte) for scale in ('head', 'face')}
    PortraitWriter(tmp_path).add(Portrait('a', 0.75, to_crop), both)
    folder = PortraitFolder(tmp_path)
    (portrait,) = folder.portraits
    assert (portrait.name, portrait.quality) == ('a', 0.75)
    np.testing.assert_array_equal(portrait.to_crop, to_crop)
    head = folder.example(portrait, 'head')
    for given, read, most in ((soft, head.rgb, 4), (ink, head.ink, 3), (matte, head.matte, 3)):
        assert np.abs(given.astype(int) - read).mean() < most


def test_a_close_up_has_its_part_of_the_crops_matte(portraits):
    folder = PortraitFolder(portraits)
    head, face = (folder.example(folder.portraits[0], scale).matte for scale in ('head', 'face'))
    assert face[256, 256] == head[256, 256] == 255
    assert face[256, 20] == head[256, 138]
    assert (face > 128).sum() == pytest.approx(4 * (head > 128).sum(), rel=0.02)


def test_a_zip_of_a_folder_holds_the_same_and_keeps_who_is_held_out(portraits, tmp_path):
    size = pack_portraits(portraits, tmp_path / 'p.zip')
    assert size == (tmp_path / 'p.zip').stat().st_size
    folder, packed = PortraitFolder(portraits), PortraitFolder(tmp_path / 'p.zip')
    assert packed.held_out() == folder.held_out() == {'face_5'}
    for one, other in zip(folder.portraits, packed.portraits, strict=True):
        np.testing.assert_array_equal(folder.example(one, 'face').ink, packed.example(other, 'face').ink)


def test_a_file_that_is_no_zip_is_refused(tmp_path):
    (tmp_path / 'p.zip').write_bytes(b'no zip')
    with pytest.raises(SketchRobotError, match='no zip of portraits') as caught:
        PortraitFolder(tmp_path / 'p.zip')
    assert caught.value.code is ErrorCode.BAD_GOAL


def test_a_zip_without_portraits_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / 'p.zip', 'w') as pack:
        pack.writestr('notes.txt', 'nothing')
    with pytest.raises(SketchRobotError, match=r'has no portraits\.jsonl'):
        PortraitFolder(tmp_path / 'p.zip')


def test_a_folder_without_labels_is_refused_with_advice(tmp_path):
    with pytest.raises(SketchRobotError, match='label the folder first') as caught:
        PortraitFolder(tmp_path)
    assert caught.value.code is ErrorCode.BAD_GOAL


@pytest.mark.parametrize(
    'line',
    [
        'no json',
        '{"name": "a", "quality": 1}',
        '{"name": "a", "quality": 1, "to_crop": [[1, 0], [0, 1]]}',
        '{"name": "a", "quality": 1, "to_crop": [[1, 0, NaN], [0, 1, 0]]}',
        '{"name": "../a", "quality": 1, "to_crop": [[1, 0, 0], [0, 1, 0]]}',
    ],
)
def test_a_line_that_is_no_portrait_is_named(tmp_path, line):
    (tmp_path / 'portraits.jsonl').write_text('\n' + line + '\n')
    with pytest.raises(SketchRobotError, match=r'line 2 of portraits\.jsonl') as caught:
        PortraitFolder(tmp_path)
    assert caught.value.code is ErrorCode.BAD_PLAN


@pytest.mark.parametrize('content', [None, b'', b'no picture', 'small'])
def test_a_photo_that_is_missing_or_no_picture_is_named(own, content):
    path = own / 'crops' / 'face_0.webp'
    path.unlink()
    if content == 'small':
        cv2.imwrite(str(path), np.zeros((8, 8, 3), np.uint8))
    elif content is not None:
        path.write_bytes(content)
    folder = PortraitFolder(own)
    with pytest.raises(SketchRobotError, match=r'crops/face_0\.webp') as caught:
        folder.example(folder.portraits[0], 'head')
    assert caught.value.code is ErrorCode.BAD_IMAGE


def test_held_out_names_are_a_seeded_tenth():
    names = [f'p{number}' for number in range(60)]
    chosen = choose_held_out(names)
    assert len(chosen) == 6
    assert chosen == choose_held_out(names[::-1]) == sorted(chosen)
    assert chosen != choose_held_out(names, seed=2)


def test_splitting_leaves_no_portrait_in_both_groups(portraits):
    split = split_portraits(PortraitFolder(portraits).portraits, {'face_2'})
    assert [p.name for p in split.held_out] == ['face_2']
    assert [p.name for p in split.train] == ['face_0', 'face_1', 'face_3', 'face_4', 'face_5']


def test_when_all_are_held_out_nothing_is_left_to_train_on(portraits):
    with pytest.raises(SketchRobotError, match='no portrait is left'):
        split_portraits(PortraitFolder(portraits).portraits[:1], {'face_0'})


def test_ones_own_portraits_get_a_list_once_and_keep_it(own, monkeypatch):
    (own / 'held_out.txt').unlink()
    monkeypatch.setattr(module, 'HELD_OUT', 0.1)
    chosen = PortraitFolder(own).held_out()
    assert len(chosen) == 1
    assert (own / 'held_out.txt').read_text().split() == sorted(chosen)
    assert PortraitFolder(own).held_out() == chosen


def test_the_shipped_students_portraits_keep_the_packages_list(own):
    (own / 'held_out.txt').unlink()
    shipped = module.SHIPPED_LIST.read_text().split()
    text = (own / 'portraits.jsonl').read_text()
    (own / 'portraits.jsonl').write_text(text.replace('face_0', shipped[0]))
    assert PortraitFolder(own).held_out() == set(shipped)
    assert not (own / 'held_out.txt').exists()


def test_a_list_of_other_portraits_is_an_error(own):
    (own / 'held_out.txt').write_text('someone_else\n')
    with pytest.raises(SketchRobotError, match='names nobody who is there'):
        PortraitFolder(own).held_out()


def test_the_committed_list_names_each_held_out_portrait_once():
    names = module.SHIPPED_LIST.read_text().split()
    assert len(names) == len(set(names)) == 96
    assert names == sorted(names)
