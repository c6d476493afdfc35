"""`sketch-robot keyframe`: from a sheet to a hand to drawn frames, and mistakes in one line."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from sketch_robot.cli import main
from sketch_robot.commands import UsageError
from sketch_robot.commands.keyframe import numbers_of
from sketch_robot.line_art.hand.hand_file import load_hand


@pytest.fixture
def frames(tmp_path: Path) -> Path:
    folder = tmp_path / 'frames'
    folder.mkdir()
    for number in range(3):
        frame = np.full((64, 80, 3), 150, np.uint8)
        cv2.circle(frame, (24 + 8 * number, 32), 14, (40, 60, 210), -1)
        cv2.imwrite(str(folder / f'{number}.png'), frame)
    drawn = np.full((64, 80, 3), 255, np.uint8)
    cv2.circle(drawn, (24, 32), 14, (0, 0, 0), 2)
    cv2.imwrite(str(tmp_path / 'painted.png'), drawn)
    return folder


def test_a_hand_is_trained_and_applied(frames, tmp_path, capsys):
    hand, key = tmp_path / 'hand.safetensors', f'0={tmp_path / "painted.png"}'
    train = ['keyframe', 'train', str(frames), '--key', key, '-o', str(hand), '--blocks', '0', '--patches', '2']
    train += ['--perceptual', '0']
    assert main([*train, '--steps', '1']) == 0
    assert 'hand.safetensors: 1 steps' in capsys.readouterr().err
    assert load_hand(hand).notes['frames'] == '3x80x64'
    assert main([*train, '--steps', '2']) == 0  # more of it
    assert load_hand(hand).notes['steps'] == '2'
    assert main(['keyframe', 'apply', str(hand), str(frames), '-o', str(tmp_path / 'out'), '--frames', '1:']) == 0
    assert sorted(path.name for path in (tmp_path / 'out').iterdir()) == ['00001.png', '00002.png']
    assert '2 frames in' in capsys.readouterr().err


@pytest.mark.parametrize(
    ('words', 'status', 'message'),
    [
        (['--key', '9={painted}'], 1, 'NO_FRAME: the folder frames has no frame 9; the last is 2'),
        (['--key', '0={missing}'], 1, 'BAD_IMAGE: cannot read the picture'),
        (['--key', 'painted.png'], 2, 'is not as 12=painted.png'),
        (['--key', '0={painted}', '--mask', '{black}'], 1, 'is empty'),
        (['--key', '0={painted}', '--patch', '96'], 1, 'do not fit'),
        (['--key', '0={painted}', '-o', 'hand.pt'], 2, 'must end in .safetensors'),
        (['--key', '0={painted}', '-o', '/nowhere/hand.safetensors'], 1, 'there is no folder /nowhere'),
        ([], 2, 'required: --key'),
    ],
)
def test_mistakes_are_told_in_one_line(frames, tmp_path, capsys, words, status, message):
    cv2.imwrite(str(tmp_path / 'black.png'), np.zeros((64, 80), np.uint8))
    names = {name: str(tmp_path / f'{name}.png') for name in ('painted', 'missing', 'black')}
    out = [] if '-o' in words else ['-o', str(tmp_path / 'hand.safetensors')]
    assert main(['keyframe', 'train', str(frames), *out, *(word.format(**names) for word in words)]) == status
    told = capsys.readouterr().err.strip().splitlines()
    assert len(told) == 1
    assert message in told[0]
    assert not (tmp_path / 'hand.safetensors').exists()


def test_a_foreign_file_is_no_hand(frames, tmp_path, capsys):
    (tmp_path / 'x.safetensors').write_bytes(b'PK\x03\x04 and so on')
    assert main(['keyframe', 'apply', str(tmp_path / 'x.safetensors'), str(frames), '-o', str(tmp_path / 'out')]) == 1
    assert 'pickle or a zip' in capsys.readouterr().err


def test_a_sheet_is_printed_and_read(frames, tmp_path):
    sheet, photo, out = (str(tmp_path / name) for name in ('sheet.png', 'photo.png', 'drawn.png'))
    assert main(['keyframe', 'sheet', str(frames), '--frame', '1', '-o', sheet]) == 0
    drawn = cv2.resize(cv2.imread(sheet), None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    cv2.line(drawn, (400, 740), (650, 740), (0, 0, 0), 12)
    cv2.imwrite(photo, drawn)
    assert main(['keyframe', 'read', photo, '--of', str(frames), '--frame', '1', '-o', out]) == 0
    assert cv2.imread(out).shape == (64, 80, 3)
    assert cv2.imread(out).min() < 100


@pytest.mark.parametrize(
    ('text', 'expected'), [('2', [2]), ('0:3', [0, 1, 2]), (':2', [0, 1]), ('8:', [8, 9]), ('1,4:6', [1, 4, 5])]
)
def test_frames_are_named_by_numbers_and_ranges(text, expected):
    assert numbers_of(text, 10) == expected


@pytest.mark.parametrize('text', ['', 'a', '-1', '5:5', '1,,2'])
def test_names_of_no_frames_are_refused(text):
    with pytest.raises(UsageError):
        numbers_of(text, 10)
