"""The student artist on its runtimes."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import cv2
import numpy as np
import pytest
from skimage.data import astronaut

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.line_art.student import artist as student_artist
from sketch_robot.line_art.student import weight_file
from sketch_robot.line_art.student.artist import StudentArtist
from sketch_robot.line_art.student.runtime import OPENVINO_NAME, WEIGHTS_NAME, WEIGHTS_PACKAGE, load_student
from sketch_robot.line_art.student.u2net import U2Net, U2NetChannels
from sketch_robot.photo.sitter import CloseUp, Sitter


def _crop() -> np.ndarray:
    """A face of circles before a striped wall, (512, 512, 3) uint8."""
    crop = np.full((512, 512, 3), (90, 110, 130), np.uint8)
    crop[:, ::32] = (200, 200, 60)
    cv2.ellipse(crop, (256, 250), (110, 140), 0, 0, 360, (224, 180, 150), -1, cv2.LINE_AA)
    for x in (216, 296):
        cv2.ellipse(crop, (x, 230), (20, 10), 0, 0, 360, (250, 250, 250), -1, cv2.LINE_AA)
        cv2.circle(crop, (x, 230), 8, (60, 40, 30), -1, cv2.LINE_AA)
    cv2.ellipse(crop, (256, 320), (36, 12), 0, 0, 360, (170, 70, 80), -1, cv2.LINE_AA)
    return cv2.GaussianBlur(crop, (0, 0), 1.2)


def _sitter(*, matte: bool = True) -> Sitter:
    mask = np.zeros((512, 512), np.float32)
    cv2.ellipse(mask, (256, 250), (110, 140), 0, 0, 360, 1.0, -1)
    valid = np.ones((512, 512), bool)
    valid[:, :20] = False
    return Sitter(_crop(), np.eye(2, 3), valid, 1, matte=mask if matte else None)


@pytest.fixture(scope='module')
def torch_student() -> StudentArtist:
    return StudentArtist(runtime='torch')


@pytest.fixture(scope='module')
def openvino_student() -> StudentArtist:
    return StudentArtist(runtime='openvino')


def test_the_package_carries_weights_under_5_mb_without_pickle():
    sizes = [
        len((files(WEIGHTS_PACKAGE) / Path(OPENVINO_NAME).with_suffix(end).name).read_bytes())
        for end in ('.xml', '.bin')
    ]
    data = (files(WEIGHTS_PACKAGE) / WEIGHTS_NAME).read_bytes()
    assert len(data) < 5_000_000
    assert sum(sizes) < 5_000_000
    assert int.from_bytes(data[:8], 'little') < len(data)  # a safetensors header, as JSON
    assert data[8:9] == b'{'


def test_the_student_draws_ink_of_the_crops_size(torch_student):
    art = torch_student.draw(_sitter())
    assert art.ink.shape == (512, 512)
    assert art.ink.dtype == np.float32
    assert 0 <= art.ink.min() < art.ink.max() <= 1
    assert art.artist == 'student'
    assert art.strokes is None


def test_the_face_is_what_the_network_draws_of_the_close_up(monkeypatch):
    area = np.zeros((512, 512), bool)
    area[100:400, 100:400] = True
    to_crop = np.array([[0.5, 0.0, 128.0], [0.0, 0.5, 128.0]])
    near = CloseUp(np.full((512, 512, 3), 200, np.uint8), np.zeros((478, 3), np.float32), to_crop, to_crop)
    student = StudentArtist(runtime='torch')
    monkeypatch.setattr(
        student, 'net_ink', lambda rgb: np.full((512, 512), 0.75 if rgb is near.rgb else 0.25, np.float32)
    )
    monkeypatch.setattr(student_artist, 'face_of', lambda *_: 'a face')
    monkeypatch.setattr(student_artist, 'face_area', lambda _: area)
    monkeypatch.setattr(student_artist, 'shape_areas', lambda _: ())
    monkeypatch.setattr(student_artist, 'tidy_ink', lambda ink, _: ink)
    monkeypatch.setattr(student_artist, 'lift_shadows', lambda crop, *_: crop)
    sitter = replace(_sitter(matte=False), landmarks=np.zeros((478, 3), np.float32), close_up=near)
    art = student.draw(sitter)
    np.testing.assert_array_equal(art.face.ink, np.where(area, np.float32(0.75), np.float32(0)))
    np.testing.assert_array_equal(art.face.to_art, to_crop)
    assert art.ink[256, 256] == pytest.approx(0.75)
    assert art.ink[256, 128 + 40] == pytest.approx(0.25)


def test_the_student_draws_the_outline_of_a_face(torch_student):
    ink = torch_student.net_ink(_crop())
    rim, inside = np.zeros((512, 512), np.uint8), np.zeros((512, 512), np.uint8)
    cv2.ellipse(rim, (256, 250), (110, 140), 0, 0, 360, 1, 9)
    cv2.ellipse(inside, (256, 180), (40, 15), 0, 0, 360, 1, -1)  # the forehead
    assert ink[rim > 0].mean() > 4 * ink[inside > 0].mean()


def test_openvino_agrees_with_torch_to_a_hundredth_of_ink(torch_student, openvino_student):
    crop = _crop()
    difference = np.abs(openvino_student.net_ink(crop) - torch_student.net_ink(crop))
    assert difference.mean() <= 1e-2


def test_a_face_is_found_and_drawn_without_torch_numba_and_scipy(tmp_path):
    cv2.imwrite(str(tmp_path / 'face.png'), astronaut()[..., ::-1])
    code = (
        'import sys\n'
        'from sketch_robot.line_art.student.artist import StudentArtist\n'
        'from sketch_robot.photo import find_sitter, load_photo\n'
        'assert StudentArtist().draw(find_sitter(load_photo(sys.argv[1]))).face is not None\n'
        'print({"torch", "numba", "scipy", "skimage", "matplotlib", "mediapipe"} & set(sys.modules))\n'
    )
    words = [sys.executable, '-c', code, str(tmp_path / 'face.png')]
    ended = subprocess.run(words, check=True, timeout=100, capture_output=True, text=True)
    assert ended.stdout == 'set()\n'


def test_weights_of_ones_own_are_converted_for_openvino(tmp_path, monkeypatch):
    tiny = U2NetChannels(inner=(2,) * 11, outer=(4,) * 11)
    monkeypatch.setitem(weight_file.CHANNELS, 'student', tiny)
    path = tmp_path / 'own.safetensors'
    weight_file.save_weights(U2Net(tiny, fold=2), path)
    inks = [StudentArtist(weights=path, runtime=runtime).net_ink(_crop()) for runtime in ('torch', 'openvino')]
    assert np.abs(inks[0] - inks[1]).mean() <= 1e-2
    assert inks[0].std() > 0


def test_at_256_px_the_line_art_still_has_the_crops_size():
    art = StudentArtist(runtime='torch', size_px=256).draw(_sitter())
    assert art.ink.shape == (512, 512)


@pytest.mark.parametrize('runtime', ['torch', 'openvino'])
def test_the_same_sitter_gives_the_same_drawing(runtime, torch_student, openvino_student):
    artist = {'torch': torch_student, 'openvino': openvino_student}[runtime]
    np.testing.assert_array_equal(artist.draw(_sitter()).ink, artist.draw(_sitter()).ink)


def test_no_ink_falls_off_the_sitter_or_outside_the_photo(openvino_student):
    ink = openvino_student.draw(_sitter()).ink
    assert ink[:100, :100].max() == 0
    assert openvino_student.draw(_sitter(matte=False)).ink[:, :20].max() == 0


def test_the_background_stays_when_asked_for():
    loose = StudentArtist(size_px=256, keep_to_sitter=False)
    np.testing.assert_array_equal(loose.draw(_sitter()).ink, loose.draw(_sitter(matte=False)).ink)


def test_warming_up_twice_loads_once():
    artist = StudentArtist(runtime='torch')
    artist.warm_up()
    loaded = artist._ink
    artist.warm_up()
    assert artist._ink is loaded


def test_loading_starts_nothing_before_it_is_needed():
    assert StudentArtist()._ink is None


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [({'runtime': 'tensorflow'}, 'choose one of: openvino, torch'), ({'size_px': 100}, 'not at 100')],
)
def test_unknown_runtimes_and_sizes_are_refused(arguments, message):
    with pytest.raises(SketchRobotError, match=message) as caught:
        StudentArtist(**arguments)
    assert caught.value.code is ErrorCode.BAD_GOAL


def test_missing_weights_are_named(tmp_path):
    with pytest.raises(SketchRobotError, match='no weights at') as caught:
        StudentArtist(weights=tmp_path / 'none.safetensors').warm_up()
    assert caught.value.code is ErrorCode.BAD_GOAL


def test_the_shipped_student_has_its_licence_in_its_header():
    from sketch_robot.line_art.student.weight_file import read_notes

    notes = read_notes(str(files(WEIGHTS_PACKAGE) / WEIGHTS_NAME))
    assert 'David Beniaguev' in notes['licence']
    assert load_student().channels.outer == (64,) * 11
