"""`sketch-robot character` and `train-character`."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from sketch_robot.characters.character_file import load_character_net
from sketch_robot.cli import main


def test_a_seed_gives_a_plan_and_the_same_one_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = []
    for name in ('one.svg', 'two.svg'):
        assert main(['character', '--seed', '42', '-o', str(tmp_path / name), '--page', 'A6']) == 0
        said.append(json.loads(capsys.readouterr().out))
    assert said[0] == said[1]
    assert said[0]['seeds'] == [42]
    assert said[0]['good']
    assert said[0]['strokes'] > 10
    assert (tmp_path / 'one.svg').read_bytes() == (tmp_path / 'two.svg').read_bytes()


def test_a_sheet_of_pictures(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(['character', '--seed', '7', '--sheet', '6', '-o', str(tmp_path / 'sheet.png')]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said['seeds'] == list(range(7, 13))
    assert len(said['scores']) == 6
    sheet = cv2.imread(str(tmp_path / 'sheet.png'))
    assert sheet.shape == (864, 576, 3)
    tiles = {sheet[288 * y : 288 * y + 288, 288 * x : 288 * x + 288].tobytes() for y in range(3) for x in range(2)}
    assert len(tiles) == 6


def test_a_walk_and_sliders(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    walk = ['character', '--seed', '1', '--walk-to', '2', '--sheet', '4', '-o', str(tmp_path / 'walk.png')]
    assert main(walk) == 0
    assert json.loads(capsys.readouterr().out)['faces'] == 4
    for sliders in ([], ['--sliders', '1.5', '-2']):
        assert main(['character', '--seed', '1', *sliders, '-o', str(tmp_path / f'{len(sliders)}.png')]) == 0
    plain, moved = (cv2.imread(str(tmp_path / name)) for name in ('0.png', '3.png'))
    assert not np.array_equal(plain, moved)


@pytest.mark.parametrize(
    ('words', 'why', 'status'),
    [
        (['--seed', 'anna', '-o', 'a.svg'], "the seed 'anna' is no whole number", 2),
        (['--seed', '4294967296', '-o', 'a.svg'], 'is not between 0 and 4294967295', 2),
        (['--seed', '1', '-o', 'a.txt'], 'must end in .svg, .json or .png', 2),
        (['--seed', '1', '-o', 'missing/a.svg'], 'there is no folder missing', 1),
        (['--seed', '1', '--sheet', '900', '-o', 'a.png'], 'a sheet has 1 to 200 faces', 2),
        (['--seed', '1', '--walk-to', '2', '-o', 'a.png'], 'a walk needs a sheet', 2),
        (['--seed', '1', '--colour', '-o', 'a.svg'], 'characters in colour are for screens', 2),
        (['--seed', '1', '--sliders', '9', '-o', 'a.png'], 'a slider goes from -3 to 3', 1),
        (['--seed', '1', '--weights', 'broken.safetensors', '-o', 'a.png'], 'holds no generator of characters', 1),
        (['--seed', '1', '--page', 'A99', '-o', 'a.svg'], 'A99', 2),
    ],
)  # fmt: skip
def test_bad_input_ends_in_one_clear_line(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    why: str,
    status: int,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'broken.safetensors').write_bytes(b'no weights')
    assert main(['character', *words]) == status
    said = capsys.readouterr().err
    assert why in said
    assert len(said.splitlines()) == 1
    assert not (tmp_path / 'a.svg').exists()
    assert not (tmp_path / 'a.png').exists()


# ------------------------------------------------------------- training
TINY = '--width 4 --latent 6 --batch 4 --encode 3 --flow 2 --game 2 --realism 2 --kept 0.5 --device cpu --threads 1'


def write_pictures(folder: Path) -> None:
    folder.mkdir()
    for k in range(36):
        picture = np.full((96, 96, 3), 255, np.uint8)
        cv2.circle(picture, (48, 48), 10 + k, (0, 0, 0), 2)
        cv2.imwrite(str(folder / f'{k:02d}.png'), picture)


def test_training_gives_a_generator_that_the_other_command_draws_with(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_pictures(tmp_path / 'pictures')
    out = tmp_path / 'mine.safetensors'
    words = ['train-character', str(tmp_path / 'pictures'), str(out), *TINY.split(), '--source', 'circles, mine']
    assert main(words) == 0
    assert load_character_net(out).source == 'circles, mine'
    assert list((tmp_path / 'mine.run' / 'board').iterdir())
    assert main(words) == 0  # done already: written once more
    capsys.readouterr()
    assert main(['character', '--weights', str(out), '--seed', '3', '-o', str(tmp_path / 'face.png')]) == 0
    assert cv2.imread(str(tmp_path / 'face.png')).shape == (512, 512, 3)


@pytest.mark.parametrize(
    ('words', 'why'),
    [
        (['empty', 'a.safetensors'], 'holds 0 pictures'),
        (['missing', 'a.safetensors'], 'there is no folder'),
        (['pictures', 'a.pt'], 'must end in .safetensors'),
        (['pictures', 'missing/a.safetensors'], 'there is no folder'),
        (['pictures', 'a.safetensors', '--kept', '0'], 'is no share'),
        (['pictures', 'a.safetensors', '--width', '0'], 'is not positive'),
        (['pictures', 'a.safetensors', '--steps', '5'], 'has no --steps'),
        (['pictures', 'a.safetensors', '--device', 'cuda:7'], 'there is no cuda:7'),
    ],
)
def test_a_training_that_cannot_begin_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: list[str], why: str
) -> None:
    import torch

    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'empty').mkdir()
    write_pictures(tmp_path / 'pictures')
    assert main(['train-character', *words]) == 1
    assert why in capsys.readouterr().err
