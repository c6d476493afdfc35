"""Learning to make characters: phases, going on after an interruption, the best kept, and the end at a collapse."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from sketch_robot.characters.monitor import BestSamples, Monitor, SampleQuality
from sketch_robot.characters.pictures import CharacterPictures
from sketch_robot.characters.published import EXPERIMENTS, PublishedOptions, PublishedRun, dynamic_rate, run_experiments
from sketch_robot.characters.trainer import CharacterOptions, CharacterRun, detail, rarity
from sketch_robot.errors import ErrorCode, SketchRobotError

GOOD = SampleQuality(1.0, 1.0, 1.0, 0.0)
TINY_PUBLISHED = PublishedOptions(width=4, latent=6, steps=4, batch=4, save_every=1000, log_every=1, look_every=2)


def small_features(pictures: torch.Tensor) -> torch.Tensor:
    return torch.nn.functional.adaptive_avg_pool2d(pictures, 3).flatten(1)


def weights_of(run: CharacterRun) -> dict[str, torch.Tensor]:
    return {f'{name}.{key}': value for name, net in run.nets.items() for key, value in net.state_dict().items()}


def test_each_phase_learns_what_is_its_own(tmp_path: Path, pictures: CharacterPictures, tiny_options: CharacterOptions):
    run = CharacterRun(tmp_path, pictures, tiny_options)
    learned = {
        'encode': {'generator', 'encoder'},
        'flow': {'encoder', 'flow'},  # the encoder's statistics are not touched: it is in evaluation mode
        'game': {'generator', 'discriminator'},
        'realism': {'realism'},
    }
    ends = np.cumsum([tiny_options.encode, tiny_options.flow, tiny_options.game, tiny_options.realism])
    for (phase, nets), end in zip(learned.items(), ends, strict=True):
        assert run.phase()[0] == phase
        before = {name: [each.clone() for each in net.parameters()] for name, net in run.nets.items()}
        run.run(until=int(end))
        changed = {
            name
            for name, net in run.nets.items()
            if not all(torch.equal(a, b) for a, b in zip(before[name], net.parameters(), strict=True))
        }
        assert changed == nets - ({'encoder'} if phase == 'flow' else set())


@pytest.mark.parametrize('stop', [2, 4, 6, 10])
def test_a_run_that_was_interrupted_in_any_phase_goes_on_with_the_same_curve(
    tmp_path: Path, pictures: CharacterPictures, tiny_options: CharacterOptions, stop: int
) -> None:
    monitor = Monitor(pictures.held_out, small_features)
    whole = CharacterRun(tmp_path / 'whole', pictures, tiny_options, monitor=monitor)
    curve = whole.run()
    CharacterRun(tmp_path / 'parts', pictures, tiny_options, monitor=monitor).run(until=stop)
    rest = CharacterRun(tmp_path / 'parts', pictures, tiny_options, monitor=monitor)
    assert rest.step == stop
    went_on = rest.run()
    assert [entry['loss'] for entry in went_on] == [entry['loss'] for entry in curve[stop:]]
    for name, value in weights_of(whole).items():
        assert torch.equal(value, weights_of(rest)[name]), name
    assert rest.best.step == whole.best.step


def test_a_folder_of_another_run_is_refused(
    tmp_path: Path, pictures: CharacterPictures, tiny_options: CharacterOptions
) -> None:
    CharacterRun(tmp_path, pictures, tiny_options).run(until=1)
    with pytest.raises(SketchRobotError, match='other pictures or options') as caught:
        CharacterRun(tmp_path, pictures, replace(tiny_options, seed=1))
    assert caught.value.code == ErrorCode.BAD_GOAL


def test_a_folder_that_cannot_be_written_ends_in_one_clear_error(
    tmp_path: Path, pictures: CharacterPictures, tiny_options: CharacterOptions
) -> None:
    (tmp_path / 'file').write_text('in the way')
    with pytest.raises(SketchRobotError, match='cannot write') as caught:
        CharacterRun(tmp_path / 'file' / 'run', pictures, tiny_options).run(until=1)
    assert caught.value.code == ErrorCode.BAD_GOAL


def test_thin_lines_and_what_is_seldom_there_count_more() -> None:
    picture = torch.ones(1, 1, 96, 96)
    picture[:, :, 40:41, :] = 0
    picture[:, :, 60:, :] = 0
    weight = detail(picture)[0, 0]
    assert weight[40, 48] > 2 * weight[80, 48]
    assert weight[20, 48] == pytest.approx(1, abs=0.01)
    seen = torch.full((40, 1, 96, 96), 255, dtype=torch.uint8)
    seen[::2, :, :48] = 0
    seen[::20, :, 48:] = 0
    rare = rarity(seen)[0, 0]
    assert rare[60, 0] > 2 * rare[10, 0]
    assert float(rare.mean()) == pytest.approx(1)


# ------------------------------------------------------------- the monitor
def test_a_look_tells_real_pictures_from_noise_and_from_one_picture_again_and_again(
    pictures: CharacterPictures,
) -> None:
    real = torch.from_numpy(pictures.train).float() / 255
    monitor = Monitor(pictures.train, small_features)
    same = monitor.look(real)
    assert same.distance == pytest.approx(0, abs=1e-6)
    assert same.collapse == ''
    assert (same.sharpness, same.variety, same.colour) == pytest.approx((1, 1, 0))
    noise = monitor.look(torch.rand(real.shape, generator=torch.Generator().manual_seed(0)))
    assert 'edges' in noise.collapse
    assert noise.distance > 0.1
    again = monitor.look(real[:1].expand_as(real) + 1e-4 * torch.arange(len(real))[:, None, None, None])
    assert 'alike' in again.collapse
    assert 'colour' in monitor.look(real * 0.6).collapse


def test_the_best_look_is_kept_and_two_bad_ones_are_a_collapse() -> None:
    best = BestSamples()
    for step, distance in ((10, 3.0), (20, 1.0), (30, 2.0)):
        best.take(step, replace(GOOD, distance=distance), {'w': torch.tensor([float(step)])})
    assert best.step == 20
    assert best.values['w'].tolist() == [20.0]
    for step in (40, 50, 60):
        best.take(step, replace(GOOD, variety=0.1, distance=0.5), {'w': torch.tensor([0.0])})
    assert (best.collapsed_at, best.step) == (50, 20)


def test_a_game_that_collapses_is_over_and_the_best_weights_go_on(
    tmp_path: Path, pictures: CharacterPictures, tiny_options: CharacterOptions
) -> None:
    options = replace(tiny_options, game=40, look_every=1)
    run = CharacterRun(tmp_path, pictures, options, monitor=Monitor(pictures.held_out, small_features))
    looks = [replace(GOOD, distance=2.0), *[replace(GOOD, variety=0.0)] * 39]
    run.monitor.look = lambda _made: looks.pop(0)  # type: ignore[union-attr, method-assign]
    run.run()
    first = options.encode + options.flow
    assert run.best.collapsed_at == first + 1
    assert run.best.step == first
    assert len(looks) == 37
    assert all(torch.equal(run.average.values[name], value) for name, value in run.best.values.items())


# ------------------------------------------------------------- as published
def test_who_is_trained_only_each_fifth_step_stays_as_it_was_in_between(
    tmp_path: Path, pictures: CharacterPictures
) -> None:
    for every, name in (('generator_every', 'generator'), ('discriminator_every', 'discriminator')):
        run = PublishedRun(tmp_path / name, pictures, replace(TINY_PUBLISHED, **{every: 3}))
        run.run(until=1)
        before = [each.clone() for each in run.nets[name].parameters()]
        run.run(until=3)
        assert all(torch.equal(a, b) for a, b in zip(before, run.nets[name].parameters(), strict=True))
        run.run(until=4)
        assert not all(torch.equal(a, b) for a, b in zip(before, run.nets[name].parameters(), strict=True))


def test_the_published_run_goes_on_with_the_same_curve(tmp_path: Path, pictures: CharacterPictures) -> None:
    options = replace(TINY_PUBLISHED, dynamic=True)
    curve = PublishedRun(tmp_path / 'whole', pictures, options).run()
    PublishedRun(tmp_path / 'parts', pictures, options).run(until=2)
    went_on = PublishedRun(tmp_path / 'parts', pictures, options).run()
    assert [entry['loss'] for entry in went_on] == [entry['loss'] for entry in curve[2:]]


def test_the_more_a_discriminator_wins_the_more_slowly_it_learns() -> None:
    assert dynamic_rate(1e-3, 0.8) == 1e-3
    assert dynamic_rate(1e-3, np.log(2) / 2) == pytest.approx(5e-4)
    assert dynamic_rate(1e-3, 0.0) == pytest.approx(5e-5)


def test_the_experiments_are_written_as_a_table(tmp_path: Path, pictures: CharacterPictures) -> None:
    monitor = Monitor(pictures.held_out, small_features)
    rows = run_experiments(tmp_path, pictures, TINY_PUBLISHED, monitor=monitor)
    assert json.loads((tmp_path / 'experiments.json').read_text()) == rows
    assert [row['name'] for row in rows] == list(EXPERIMENTS)
    for row in rows:
        assert row['steps'] == 4 or row['collapsed_at']
