"""Learning poses: pairs, losses, and going on after a kill with the same curve."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
import torch
from tiny_pose import TINY

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.poses.experiment import compare_models, table_of
from sketch_robot.poses.joints import LEFT_WRIST, RIGHT_WRIST
from sketch_robot.poses.losses import nearest_neighbour_loss, shallow_features
from sketch_robot.poses.pairs import FRONTAL, PosePairs, load_pictures
from sketch_robot.poses.trainer import WEIGHTS_FILE, PoseOptions, PoseTrainer
from sketch_robot.poses.weight_file import load_pose_weights


def flat(rgb: torch.Tensor) -> torch.Tensor:
    """Features: the colours themselves."""
    return rgb


def options(**changes) -> PoseOptions:
    plain = {'widths': TINY.widths, 'critic_width': 4, 'steps': 6, 'log_every': 1, 'save_every': 100, 'average': 0.5}
    return PoseOptions(**(plain | changes))


@pytest.fixture(scope='module')
def train(people):
    return load_pictures(people, 'train', height_px=64)


def trainer_of(folder, train, **changes) -> PoseTrainer:
    return PoseTrainer(folder, PosePairs(train, count=2), options(**changes), features=flat)


def curve(entries: list[dict[str, float]]) -> list[float]:
    return [entry['loss'] for entry in entries]


# ----------------------------------------------------------------- pairs
def test_pairs_show_one_person_twice_and_are_functions_of_seed_and_step(train):
    pairs = PosePairs(train, count=8, seed=3)
    one = pairs.batch(5)
    assert torch.equal(one.picture, pairs.batch(5).picture)
    assert not torch.equal(one.picture, pairs.batch(6).picture)
    assert not torch.equal(one.picture, PosePairs(train, count=8, seed=4).batch(5).picture)
    assert one.picture.shape == one.wanted.shape == (8, 4, 64, 32)
    assert one.corners.shape == (8, 10, 4, 2)


def test_pairs_to_compare_by_begin_with_the_frontal_picture_of_each_person(train):
    rows = PosePairs(train).fixed(9)
    assert len(rows) == len(set(rows)) == 9
    assert all(train.numbers[a] == FRONTAL != train.numbers[b] for a, b in rows)
    assert all(train.persons[a] == train.persons[b] for a, b in rows)


def test_a_mirrored_pair_has_its_right_hand_on_the_left(train):
    pairs = PosePairs(train, count=40)
    turned = [pairs.batch(step).pose for step in range(3)]
    sides = torch.cat([pose[:, RIGHT_WRIST, 0] < pose[:, LEFT_WRIST, 0] for pose in turned])
    assert sides.all()  # the right hand of somebody who faces us is on our left, mirrored or not


def test_what_is_around_a_person_is_grey(train):
    around = train.rgba[..., 3] == 0
    assert around.mean() > 0.4
    assert np.abs(train.rgba[..., :3][around].astype(int) - 128).max() <= 1


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (lambda folder: (folder / 'split.json').unlink(), 'no folder of people'),
        (lambda folder: (folder / 'joints18.json').write_text('{'), 'no folder of people'),
        (lambda folder: (folder / 'mask/0000_0.png').unlink(), 'no picture, mask or joints that fit'),
        (lambda folder: (folder / '0000_0.jpg').write_bytes(b'no picture'), 'no picture, mask or joints that fit'),
        (lambda folder: (folder / 'split.json').write_text('{"train": [77]}'), 'has no people to train'),
    ],
)
def test_a_folder_with_something_missing_is_refused(people, tmp_path, change, message):
    folder = tmp_path / 'people'
    shutil.copytree(people, folder)
    change(folder)
    with pytest.raises(SketchRobotError, match=message) as caught:
        load_pictures(folder, 'train', height_px=64)
    assert caught.value.code is ErrorCode.BAD_GOAL


# ----------------------------------------------------------------- losses
def test_the_nearest_neighbour_loss_forgives_a_pixel_of_shift_and_not_more():
    torch.manual_seed(0)
    maps = torch.rand(2, 5, 12, 10)
    assert nearest_neighbour_loss(maps, maps) == 0
    inner = (slice(None), slice(None), slice(2, -2), slice(2, -2))
    assert nearest_neighbour_loss(torch.roll(maps, 1, 3)[inner], maps[inner]) < 0.4 * nearest_neighbour_loss(
        torch.roll(maps, 3, 3)[inner], maps[inner]
    )


def test_the_nearest_neighbour_loss_is_l1_where_nothing_else_is_near():
    drawn, wanted = torch.full((3, 4, 6, 6), 0.25), torch.full((3, 4, 6, 6), 1.0)
    assert nearest_neighbour_loss(drawn, wanted) == pytest.approx(0.75 * 4 * 36)


def test_shallow_features_tell_colours_apart():
    features = shallow_features()
    red, green = torch.zeros(1, 3, 16, 8), torch.zeros(1, 3, 16, 8)
    red[:, 0], green[:, 1] = 1, 1
    assert features(red).shape[-2:] == (16, 8)
    assert (features(red) - features(green)).abs().mean() > 1e-3


# ----------------------------------------------------------------- runs
@pytest.mark.parametrize('model', ['baseline', 'deformable', 'full'])
def test_each_model_learns(tmp_path, train, model):
    logged = trainer_of(tmp_path, train, model=model, steps=24, rate=4e-3, fall_from=1.0).run()
    assert np.mean(curve(logged)[-4:]) < 0.8 * np.mean(curve(logged)[:4])
    assert ('nearest' in logged[0]) == (model == 'full')


def test_a_run_in_two_parts_has_the_curve_and_the_weights_of_one(tmp_path, train):
    whole = trainer_of(tmp_path / 'whole', train)
    expected = curve(whole.run())
    first = curve(trainer_of(tmp_path / 'parts', train).run(until=3))
    second = trainer_of(tmp_path / 'parts', train)
    assert first + curve(second.run()) == expected
    for a, b in zip(whole.average.values.values(), second.average.values.values(), strict=True):
        assert torch.equal(a, b)
    kept = load_pose_weights(tmp_path / 'parts' / WEIGHTS_FILE)
    assert (kept.shape, kept.height_px, kept.notes['steps']) == (second.net.shape, 64, '6')


def test_a_run_can_begin_with_weights_but_not_with_those_of_another_shape(tmp_path, train):
    trainer_of(tmp_path / 'first', train, steps=1).run()
    start = tmp_path / 'first' / WEIGHTS_FILE
    begun = trainer_of(tmp_path / 'second', train, start=start)
    given = load_pose_weights(start).tensors
    assert all(np.array_equal(value.numpy(), given[name]) for name, value in begun.net.state_dict().items())
    with pytest.raises(SketchRobotError, match='other widths'):
        trainer_of(tmp_path / 'third', train, start=start, widths=(4, 6, 8, 10))


def test_other_options_and_unknown_models_are_refused(tmp_path, train):
    trainer_of(tmp_path, train, steps=1).run()
    with pytest.raises(SketchRobotError, match='other options'):
        trainer_of(tmp_path, train, steps=1, l1=0.5, model='deformable')
    with pytest.raises(SketchRobotError, match='choose one of: baseline, deformable, full'):
        trainer_of(tmp_path / 'new', train, model='perfect')
    with pytest.raises(SketchRobotError, match='needs a feature net'):
        PoseTrainer(tmp_path / 'new', PosePairs(train), options())


def test_a_comparison_judges_every_model_on_people_it_did_not_see(tmp_path, people, train):
    test = load_pictures(people, 'test', height_px=64)
    rows = compare_models(tmp_path, train, test, options(steps=2), features=flat, seeds=(0,), count=3)
    assert [row['model'] for row in rows] == ['baseline', 'deformable', 'full']
    assert all(0 <= row[name] <= 1 for row in rows for name in ('ssim', 'mask_ssim', 'detection', 'matte_iou'))
    assert json.loads((tmp_path / 'table.json').read_text()) == rows
    assert len(table_of(rows)) == 5
    again = compare_models(tmp_path, train, test, options(steps=2), features=flat, seeds=(0,), count=3)
    assert again == rows
