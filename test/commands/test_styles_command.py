"""`sketch-robot styles`: what people type, and what they are told."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from skimage import data

from sketch_robot.cli import main
from sketch_robot.line_art.styles.runtime import shipped_styles
from sketch_robot.line_art.styles.style_file import load_styles


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / 'face.png'
    cv2.imwrite(str(path), data.astronaut()[:300, 80:380, ::-1])
    return path


def test_the_list_tells_each_manner_what_it_is_for_and_where_it_comes_from(capsys, tmp_path: Path):
    assert main(['styles', 'list', '--thumbnails', str(tmp_path / 'all.png')]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == list(shipped_styles().names)
    assert {line.split()[1] for line in lines} == {'pen', 'screen'}
    sheet = cv2.imread(str(tmp_path / 'all.png'))
    assert sheet.shape[1] == 7 * 64


def test_a_picture_is_painted_in_a_blend(photo: Path, tmp_path: Path):
    out = tmp_path / 'painted.png'
    assert main(['styles', 'paint', str(photo), 'woodcut=0.7,hatch_45=0.3', '-o', str(out), '--size', '128']) == 0
    assert cv2.imread(str(out)).shape == (128, 128, 3)


@pytest.mark.parametrize(
    ('words', 'status', 'message'),
    [
        (['paint', 'PHOTO', 'cubist', '-o', 'OUT.png'], 1, "there is no style 'cubist'"),
        (['paint', 'PHOTO', 'woodcut=-1', '-o', 'OUT.png'], 1, 'style weights must be finite and not negative'),
        (['paint', 'PHOTO', '', '-o', 'OUT.png'], 2, 'name a style; choose of: '),
        (['paint', 'PHOTO', 'woodcut', '-o', 'OUT.jpg'], 2, 'must end in .png'),
        (['paint', 'PHOTO', 'woodcut', '-o', 'OUT.png', '--size', '5000'], 2, 'a side of 5000 px does not fit'),
        (['paint', 'PHOTO', 'woodcut', '-o', 'OUT.png', '--style-file', 'PHOTO'], 1, 'holds no styles'),
        (['list', '--style-file', 'OUT.safetensors'], 1, 'there is no file of styles at'),
        (['train', 'OUT', 'OUT', 'OUT.run'], 1, 'there is no folder'),
        (['train', 'OUT', 'OUT', 'OUT.run', '--size', '66'], 2, 'a side of 66 px does not fit'),
        (['add', 'OUT.png'], 1, 'cannot read the picture'),
        (['add', 'PHOTO', '-o', 'OUT.bin'], 2, 'must end in .safetensors'),
        (['add', 'PHOTO', '--name', 'No Name', '-o', 'OUT.safetensors'], 1, 'is no name of a style'),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(
    photo: Path, tmp_path: Path, capsys, words: list[str], status: int, message: str
):
    given = [word.replace('PHOTO', str(photo)).replace('OUT', str(tmp_path / 'out')) for word in words]
    assert main(['styles', *given]) == status
    said = capsys.readouterr().err
    assert message in said
    assert len(said.strip().splitlines()) == 1


def test_a_style_is_added_to_the_package_s_own_in_a_file_of_one_s_own(photo: Path, tmp_path: Path):
    out = tmp_path / 'mine.safetensors'
    words = ['styles', 'add', str(photo), '-o', str(out), '--name', 'eileen', '--steps', '1']
    assert main([*words, '--size', '64', '--pictures-in-batch', '1']) == 0
    own, mine = shipped_styles(), load_styles(out)
    assert mine.names == (*own.names, 'eileen')
    assert np.array_equal(mine.styles[0].condition, own.styles[0].condition)


def test_a_photo_is_drawn_in_a_style(tmp_path: Path):
    photo, plan = tmp_path / 'face.png', tmp_path / 'plan.json'
    cv2.imwrite(str(photo), data.astronaut()[..., ::-1])
    assert main(['draw', str(photo), '-o', str(plan), '--styles', 'contour_bold']) == 0
    assert 'contour_bold' in plan.read_text()
    assert main(['draw', str(photo), '-o', str(plan), '--style', 'charcoal']) == 2
