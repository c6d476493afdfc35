"""Learning a hand: it learns, inside masks alone, and goes on after a kill with the same curve."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.keyframes.frames import open_frames
from sketch_robot.keyframes.keys import KeyFrame, digest_of_keys, read_keys
from sketch_robot.keyframes.network import HandNet
from sketch_robot.keyframes.patches import Patches
from sketch_robot.keyframes.trainer import HandOptions, HandTrainer
from sketch_robot.line_art.hand.hand_file import HandShape, HandWeights
from sketch_robot.line_art.hand.runtime import HandRunner

ROOT = Path(__file__).parents[2]
TINY = (4, 4, 8, 8, 8, 8)


class Halved:
    """Pictures at half their side as the only map."""

    def maps(self, rgb):
        return [functional.avg_pool2d(rgb, 2)]


@pytest.fixture
def keys(clip) -> list[KeyFrame]:
    return read_keys(open_frames(clip / 'frames'), [(2, clip / 'drawn/2.png')])


def options(**changes) -> HandOptions:
    plain = {'steps': 60, 'blocks': 1, 'filters': TINY, 'bfloat16': False, 'rate': 4e-3, 'average': 0.9}
    return HandOptions(**(plain | changes))


def trainer_of(folder: Path, keys: list[KeyFrame], **changes) -> HandTrainer:
    return HandTrainer(folder, Patches(keys, patch_px=16, count=6), options(**changes), features=Halved())


def curve_of(trainer: HandTrainer, until: int | None = None) -> list[float]:
    return [entry['loss'] for entry in trainer.run(until=until)]


def test_it_learns_to_draw_frames_that_it_was_not_shown(tmp_path, keys, clip):
    trainer = trainer_of(tmp_path, keys)
    curve = curve_of(trainer)
    assert np.mean(curve[-5:]) < 0.5 * np.mean(curve[:5])
    hand = HandWeights(trainer.net.shape, trainer.kept_net().folded())
    frames, drawn = open_frames(clip / 'frames'), open_frames(clip / 'drawn')
    found = HandRunner(hand).draw(frames.frame(5)).astype(float)
    wrong, copied = (np.abs(each - drawn.frame(5)).mean() for each in (found, drawn.frame(2).astype(float)))
    assert wrong < 0.8 * copied


def test_what_is_outside_the_mask_teaches_nothing(tmp_path, keys):
    where = np.zeros_like(keys[0].where)
    where[10:40, 10:44] = True
    masked = replace(keys[0], where=where)
    scribbled = replace(masked, drawn=np.where(where[..., None], masked.drawn, 77).astype(np.uint8))
    curves = [curve_of(trainer_of(tmp_path / str(k), [key], steps=3)) for k, key in enumerate((masked, scribbled))]
    assert curves[0] == curves[1]


def test_a_run_in_two_parts_has_the_curve_and_the_weights_of_one(tmp_path, keys):
    whole = trainer_of(tmp_path / 'whole', keys, steps=60)
    expected = curve_of(whole, 56)
    first = curve_of(trainer_of(tmp_path / 'parts', keys), 52)  # the critic has begun
    second = trainer_of(tmp_path / 'parts', keys)
    assert first + curve_of(second, 56) == expected
    for a, b in zip(whole.net.state_dict().values(), second.net.state_dict().values(), strict=True):
        assert torch.equal(a, b)
    lines = [json.loads(line) for line in (tmp_path / 'parts/log.jsonl').read_text().splitlines()]
    assert [line['step'] for line in lines] == list(range(1, 57))
    assert [line['loss'] for line in lines] == expected


def test_a_killed_process_goes_on_with_the_same_curve(tmp_path, keys, clip):
    """Killed between two checkpoints; what came after the last is made again."""
    program = f"""
import sys; sys.path.insert(0, {str(Path(__file__).parent)!r})
from test_hand_trainer import *
keys = read_keys(open_frames(Path({str(clip)!r}) / 'frames'), [(2, Path({str(clip)!r}) / 'drawn/2.png')])
trainer = trainer_of(Path({str(tmp_path)!r}) / 'run', keys)
trainer.run(until=3)
trainer.stepped = lambda: print('made', flush=True)
trainer.run(until=9)
import time; time.sleep(60)
"""
    environment = os.environ | {'PYTHONPATH': str(ROOT), 'OMP_NUM_THREADS': '1'}
    process = subprocess.Popen([sys.executable, '-c', program], stdout=subprocess.PIPE, env=environment, text=True)
    for _ in range(3):
        process.stdout.readline()
    process.send_signal(signal.SIGKILL)
    process.wait()
    torch.set_num_threads(1)
    again = trainer_of(tmp_path / 'run', keys)
    before = again.step
    assert before in (3, 9)
    expected = curve_of(trainer_of(tmp_path / 'whole', keys), 12)
    assert curve_of(again, 12) == pytest.approx(expected[before:], rel=1e-5)


def test_more_time_goes_on_and_other_key_frames_are_refused(tmp_path, keys):
    trainer_of(tmp_path, keys, steps=2).run()
    more = trainer_of(tmp_path, keys, steps=4)
    assert more.step == 2
    assert len(more.run()) == 2
    before = (tmp_path / 'checkpoint.pt').read_bytes()
    with pytest.raises(SketchRobotError, match='other key frames or options') as caught:
        HandTrainer(
            tmp_path, Patches(keys, patch_px=16, count=6), options(), features=Halved(), about=digest_of_keys(keys)
        )
    assert caught.value.code is ErrorCode.BAD_GOAL
    assert (tmp_path / 'checkpoint.pt').read_bytes() == before


def test_a_full_disk_costs_no_checkpoint(tmp_path, keys, monkeypatch):
    trainer = trainer_of(tmp_path, keys, steps=4)
    trainer.run(until=2)
    before = (tmp_path / 'checkpoint.pt').read_bytes()

    def full(self, data):
        raise OSError(28, 'No space left on device')

    monkeypatch.setattr(Path, 'write_bytes', full)
    with pytest.raises(SketchRobotError, match='No space left') as caught:
        trainer.run()
    assert caught.value.code is ErrorCode.BAD_GOAL
    monkeypatch.undo()
    assert (tmp_path / 'checkpoint.pt').read_bytes() == before
    assert trainer_of(tmp_path, keys, steps=4).step == 2


def test_batches_are_a_function_of_seed_and_step_and_their_middles_lie_in_the_mask(keys):
    where = np.zeros_like(keys[0].where)
    where[20:28, 20:36] = True
    patches = Patches([replace(keys[0], where=where)], patch_px=16, count=20, seed=4)
    one = patches.batch(7)
    assert torch.equal(one.seen, patches.batch(7).seen)
    assert not torch.equal(one.seen, patches.batch(8).seen)
    assert one.seen.shape == one.drawn.shape == (20, 3, 16, 16)
    assert (one.where[:, 0, 8, 8] == 1).all()


def test_light_changes_what_is_seen_and_not_what_is_drawn(keys):
    plain, lit = (Patches(keys, patch_px=16, count=6, light=light).batch(3) for light in (0.0, 0.3))
    assert torch.equal(plain.drawn, lit.drawn)
    assert not torch.equal(plain.seen, lit.seen)
    assert 0 <= lit.seen.min() <= lit.seen.max() <= 1


@pytest.mark.parametrize('side', [18, 52])
def test_patches_that_do_not_fit_are_refused(keys, side):
    with pytest.raises(SketchRobotError, match='do not fit; take a multiple of 4 up to 48'):
        Patches(keys, patch_px=side)


def test_the_published_network_is_as_large_as_it_says():
    net = HandNet(HandShape(blocks=7))
    convolutions = sum(value.size for name, value in net.folded().items() if name.endswith('weight'))
    assert convolutions == 2400 + 18432 + 73728 + 14 * 147456 + 221184 + 92160 + 1809
