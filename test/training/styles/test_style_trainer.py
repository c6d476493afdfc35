"""Learning styles: it learns, goes on where it was stopped, adds one without touching the others, and says what is
wrong."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from skimage import data

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.line_art.styles.style_file import load_styles
from sketch_robot.training.styles import runs, trainer
from sketch_robot.training.styles.batches import StyleBatches, StyleBatchOptions
from sketch_robot.training.styles.pens import PEN_MANNERS
from sketch_robot.training.styles.pictures import (
    StylePicture,
    looks_drawn,
    pack_photos,
    read_style_picture,
    read_style_pictures,
)
from sketch_robot.training.styles.runs import add_style, train_styles
from sketch_robot.training.styles.trainer import Manner, StyleTrainer, StyleTrainOptions

TINY = StyleBatchOptions(size_px=64, pictures=2, large_px=64, large_pictures=1, largest_photo_px=96)
SHORT = StyleTrainOptions(steps=4, log_every=1, save_every=100, bfloat16=False)
BY_RULE = [Manner('hatching', PEN_MANNERS['hatch_45']), Manner('contour', PEN_MANNERS['contour'])]


@pytest.fixture(scope='module')
def photos() -> np.ndarray:
    return np.stack([cv2.resize(data.astronaut(), (96, 96)), cv2.resize(data.chelsea()[:, :300], (96, 96))])


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """A folder with one style picture, and one with two photos."""
    pictures, shots = tmp_path / 'pictures', tmp_path / 'photos'
    pictures.mkdir()
    shots.mkdir()
    stripes = np.zeros((128, 160, 3), np.uint8)
    stripes[::8] = stripes[1::8] = 255
    cv2.imwrite(str(pictures / 'My Stripes.png'), stripes)
    for name in ('astronaut', 'chelsea'):
        cv2.imwrite(str(shots / f'{name}.jpg'), getattr(data, name)()[..., ::-1])
    return pictures, shots


def losses(folder: Path) -> list[float]:
    return [json.loads(line)['loss'] for line in (folder / 'log.jsonl').read_text().splitlines()]


def test_a_run_that_was_stopped_goes_on_along_the_same_curve(photos: np.ndarray, tmp_path: Path):
    StyleTrainer(tmp_path / 'whole', photos, BY_RULE, SHORT, batches=TINY).run()
    StyleTrainer(tmp_path / 'parts', photos, BY_RULE, SHORT, batches=TINY).run(until=2)
    StyleTrainer(tmp_path / 'parts', photos, BY_RULE, SHORT, batches=TINY).run()
    assert len(losses(tmp_path / 'whole')) == 4
    assert losses(tmp_path / 'parts') == pytest.approx(losses(tmp_path / 'whole'), rel=1e-5)
    one, other = (load_styles(tmp_path / name / 'styles.safetensors') for name in ('whole', 'parts'))
    assert one.styles[0].condition == pytest.approx(other.styles[0].condition, abs=1e-5)


def test_a_checkpoint_of_other_options_is_refused(photos: np.ndarray, tmp_path: Path):
    StyleTrainer(tmp_path, photos, BY_RULE, SHORT, batches=TINY).run(until=1)
    with pytest.raises(SketchRobotError, match='is of a run with other options'):
        StyleTrainer(tmp_path, photos, BY_RULE, replace(SHORT, seed=5), batches=TINY)


def test_each_style_comes_as_often_as_the_others_and_batches_depend_on_seed_and_step_alone(photos: np.ndarray):
    batches = StyleBatches(photos, [PEN_MANNERS['halftone_0'], None, None], TINY, seed=1)
    seen = np.concatenate([batches.batch(step).style.numpy() for step in (0, 1, 2)])
    assert np.bincount(seen).tolist() == [2, 2, 2]
    assert np.array_equal(batches.batch(5).rgb.numpy(), batches.batch(5).rgb.numpy())
    assert batches.batch(0).by_pen.tolist() == (batches.batch(0).style == 0).tolist()


def test_a_picture_is_learned_and_a_second_one_added_without_touching_the_first(
    folders: tuple[Path, Path], tmp_path: Path, monkeypatch
):
    pictures, shots = folders
    monkeypatch.setattr(runs, 'THUMBNAIL_SEEN_PX', 64)
    options = replace(SHORT, steps=2)
    out = train_styles(pictures, shots, tmp_path / 'run', options, batches=TINY)
    first = load_styles(out)
    assert first.names == ('my_stripes',)
    assert first.styles[0].for_pen
    mine = tmp_path / 'mine.safetensors'
    picture = replace(read_style_picture(pictures / 'My Stripes.png', 'second'))
    add_style(picture, first, mine, options, photos=shots, batches=TINY)
    both = load_styles(mine)
    assert both.names == ('my_stripes', 'second')
    assert np.array_equal(both.styles[0].condition, first.styles[0].condition)
    assert all(map(np.array_equal, both.kernels, first.kernels))
    assert not np.array_equal(both.styles[1].condition, first.styles[0].condition)  # it began there, and has learned
    assert both.styles[1].thumbnail.std() > 0
    assert not mine.with_suffix('.run').exists()


def _no_pictures(pictures: Path, _photos: Path) -> None:
    for path in pictures.iterdir():
        path.unlink()


def _one_photo(_pictures: Path, photos: Path) -> None:
    (photos / 'astronaut.jpg').unlink()


def _bad_picture(pictures: Path, _photos: Path) -> None:
    (pictures / 'x.png').write_bytes(b'no picture')


def _small_picture(pictures: Path, _photos: Path) -> None:
    cv2.imwrite(str(pictures / 'x.png'), np.zeros((40, 400, 3), np.uint8))


def _twins(pictures: Path, _photos: Path) -> None:
    cv2.imwrite(str(pictures / 'my_stripes.jpg'), np.zeros((80, 80, 3), np.uint8))


def _gone(pictures: Path, _photos: Path) -> None:
    _no_pictures(pictures, _photos)
    pictures.rmdir()


@pytest.mark.parametrize(
    ('spoil', 'code', 'words'),
    [
        (_no_pictures, ErrorCode.BAD_GOAL, 'there are no style pictures in'),
        (_gone, ErrorCode.BAD_GOAL, 'there is no folder'),
        (_one_photo, ErrorCode.BAD_GOAL, 'has 1 photo that can be read; to learn styles takes 2 and more'),
        (_bad_picture, ErrorCode.BAD_IMAGE, 'no picture that can be read'),
        (_small_picture, ErrorCode.BAD_IMAGE, 'is 400 x 40 px; a style takes 64 and more'),
        (_twins, ErrorCode.BAD_GOAL, 'two pictures in'),
    ],
)
def test_what_cannot_be_learned_from_is_said_in_one_line(
    folders: tuple[Path, Path], tmp_path: Path, spoil, code: ErrorCode, words: str
):
    spoil(*folders)
    with pytest.raises(SketchRobotError) as refused:
        train_styles(*folders, tmp_path / 'run', SHORT, batches=TINY)
    assert refused.value.code == code
    assert words in refused.value.message
    assert '\n' not in refused.value.message


def test_a_full_disk_ends_a_run_with_its_last_checkpoint_kept(photos: np.ndarray, tmp_path: Path, monkeypatch):
    StyleTrainer(tmp_path, photos, BY_RULE, SHORT, batches=TINY).run(until=1)
    kept = (tmp_path / 'checkpoint.pt').read_bytes()

    def full(_self: Path, _data: bytes) -> int:
        raise OSError(28, 'No space left on device')

    monkeypatch.setattr(Path, 'write_bytes', full)
    with pytest.raises(SketchRobotError, match='No space left on device'):
        StyleTrainer(tmp_path, photos, BY_RULE, SHORT, batches=TINY).run(until=2)
    assert (tmp_path / 'checkpoint.pt').read_bytes() == kept


def test_unreadable_photos_among_others_are_left_out(folders: tuple[Path, Path], tmp_path: Path, caplog):
    (folders[1] / 'broken.jpg').write_bytes(b'x')
    assert len(pack_photos(folders[1], tmp_path / 'packed.safetensors')) == 2
    assert 'left out' in caplog.text


def test_pictures_name_their_styles_and_show_whether_a_pen_drew_them(folders: tuple[Path, Path]):
    found = read_style_pictures(folders[0])
    assert [(each.name, each.for_pen, each.rgb.shape) for each in found] == [('my_stripes', True, (256, 256, 3))]
    assert not looks_drawn(data.coffee())


def test_a_style_with_nothing_to_learn_from_is_refused(photos: np.ndarray, tmp_path: Path):
    with pytest.raises(SketchRobotError, match='the style empty has nothing to learn from'):
        StyleTrainer(tmp_path, photos, [Manner('empty')], SHORT, batches=TINY)
    with pytest.raises(SketchRobotError, match='there is no style to learn'):
        StyleTrainer(tmp_path, photos, [], SHORT, batches=TINY)
    assert trainer.STYLES_FILE == 'styles.safetensors'


def test_pictures_may_be_judged_by_vgg19_from_a_file(photos, vgg19_file, tmp_path):
    stripes = np.tile(np.repeat(np.array([0, 255], np.uint8), 8), (64, 4))[..., None].repeat(3, 2)
    manners = [Manner('stripes', picture=StylePicture('stripes', stripes, True))]
    options = replace(SHORT, steps=1, vgg19=vgg19_file)
    logged = StyleTrainer(tmp_path / 'run', photos, manners, options, batches=TINY).run()
    assert logged[0]['style'] > 0
    with pytest.raises(SketchRobotError, match=r'VGG19 weights .* are missing') as caught:
        StyleTrainer(tmp_path / 'other', photos, manners, replace(options, vgg19=tmp_path / 'none'), batches=TINY)
    assert caught.value.code == ErrorCode.BAD_GOAL
