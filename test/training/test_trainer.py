"""Training: it learns, resumes exactly, and shares out work without changing the curve."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.line_art.student import weight_file
from sketch_robot.line_art.student.u2net import U2NetChannels
from sketch_robot.line_art.student.weight_file import load_weights
from sketch_robot.training.batches import BatchOptions, PortraitBatches
from sketch_robot.training.losses import FeatureLoss, LossWeights
from sketch_robot.training.photo_damage import UNDAMAGED
from sketch_robot.training.portraits import PortraitFolder
from sketch_robot.training.run import load_checkpoint, save_checkpoint
from sketch_robot.training.scenes import PLAIN
from sketch_robot.training.trainer import Trainer, TrainOptions

ROOT = Path(__file__).parents[2]
SMALL = U2NetChannels(inner=(2,) * 11, outer=(4,) * 11)
LARGER = U2NetChannels(inner=(3,) * 11, outer=(6,) * 11)


@pytest.fixture(autouse=True)
def _tiny_nets(monkeypatch):
    monkeypatch.setitem(weight_file.CHANNELS, 'student', SMALL)
    monkeypatch.setitem(weight_file.CHANNELS, 'teacher', LARGER)


@pytest.fixture
def batches(portraits) -> PortraitBatches:
    options = BatchOptions(size_px=64, pictures=2, scenes=PLAIN, damage=UNDAMAGED)
    folder = PortraitFolder(portraits)
    return PortraitBatches(folder, folder.portraits, options)


class _Halved(nn.Module):
    """The picture at half its size, as the only map."""

    def forward(self, ink):
        return [nn.functional.avg_pool2d(ink, 2)]


def _options(**changes) -> TrainOptions:
    plain = {'steps': 8, 'log_every': 1, 'save_every': 3, 'bfloat16': False, 'weights': LossWeights(style=0)}
    return TrainOptions(**(plain | changes))


def _curve(logged: list[dict]) -> list[float]:
    return [entry['loss'] for entry in logged]


def test_the_loss_falls(tmp_path, batches):
    losses = _curve(Trainer(tmp_path, batches, _options(steps=12, rate=0.01)).run())
    assert sum(losses[-3:]) < 0.8 * sum(losses[:3])


def test_the_same_seed_gives_the_same_curve_and_another_seed_another(tmp_path, batches):
    curves = [
        _curve(Trainer(tmp_path / str(k), batches, _options(steps=3, seed=s)).run()) for k, s in enumerate((1, 1, 2))
    ]
    assert curves[0] == curves[1] != curves[2]


def test_a_run_stopped_between_saves_goes_on_to_the_same_curve_and_weights(tmp_path, batches):
    features = FeatureLoss(_Halved())
    options = _options(weights=LossWeights(style=1.0), log_every=2, cosine=True, warm_up=3)
    whole = Trainer(tmp_path / 'whole', batches, options, features=features)
    expected = _curve(whole.run())
    first = Trainer(tmp_path / 'parts', batches, options, features=features).run(until=5)
    second = Trainer(tmp_path / 'parts', batches, options, features=features)
    assert _curve(first) + _curve(second.run()) == expected
    for a, b in zip(whole.net.parameters(), second.net.parameters(), strict=True):
        assert torch.equal(a, b)


@pytest.fixture(scope='module')
def curve_of_one(tmp_path_factory, portraits) -> dict[int, float]:
    return _run_process(tmp_path_factory.mktemp('one'), portraits)


def test_a_killed_process_goes_on_to_the_same_curve(tmp_path, portraits, curve_of_one):
    process = _start_process(tmp_path, portraits, '--slow')
    for line in process.stdout:
        if line.startswith('step 3'):
            process.send_signal(signal.SIGKILL)
            break
    process.wait()
    assert load_checkpoint(tmp_path / 'checkpoint.pt')['step'] == 2
    assert _run_process(tmp_path, portraits) == curve_of_one


def test_two_processes_under_torchrun_give_the_curve_of_one(tmp_path, portraits, curve_of_one):
    together = _run_process(tmp_path, portraits, processes=2)
    assert together == pytest.approx(curve_of_one, rel=1e-6)


def test_only_the_first_process_writes(tmp_path, batches):
    from sketch_robot.training.parallel import Workers

    trainer = Trainer(tmp_path / 'run', batches, _options())
    trainer.workers = Workers(rank=1, world=2)
    trainer.save()
    assert not (tmp_path / 'run').exists()


def test_distillation_trains_adapters_beside_the_student(tmp_path, batches):
    Trainer(tmp_path / 'teacher', batches, _options(channels='teacher', steps=2)).run()
    options = _options(
        teacher=tmp_path / 'teacher' / 'weights.safetensors', steps=4, weights=LossWeights(style=0, distillation=1)
    )
    trainer = Trainer(tmp_path / 'student', batches, options)
    before = trainer.distillation.adapters[0].weight.detach().clone()
    entry = trainer.run()[-1]
    assert entry['distillation'] > 0
    assert entry['loss'] == pytest.approx(entry['bce'] + entry['distillation'], rel=1e-4)
    assert not torch.equal(before, trainer.distillation.adapters[0].weight)
    assert all(p.grad is None for p in trainer.teacher.parameters())
    assert not any(
        'adapter' in name for name in load_weights(tmp_path / 'student' / 'weights.safetensors').state_dict()
    )


def test_the_kept_weights_are_the_running_average(tmp_path, batches):
    averaged = Trainer(tmp_path / 'a', batches, _options(steps=4, average=0.9))
    averaged.run()
    latest = Trainer(tmp_path / 'b', batches, _options(steps=4, average=0.0))
    latest.run()
    kept = load_weights(tmp_path / 'b' / 'weights.safetensors')
    assert torch.equal(kept.fuse.weight, latest.net.fuse.weight)
    assert not torch.equal(load_weights(tmp_path / 'a' / 'weights.safetensors').fuse.weight, kept.fuse.weight)


def test_a_cosine_rate_falls_to_nearly_zero_after_the_warm_up(tmp_path, batches):
    logged = Trainer(tmp_path, batches, _options(cosine=True, warm_up=2, rate=1e-3)).run()
    rates = [entry['rate'] for entry in logged]
    assert max(rates) <= 1e-3
    assert rates[-1] < 0.05e-3


def test_a_run_can_start_from_weights(tmp_path, batches):
    Trainer(tmp_path / 'first', batches, _options(steps=2)).run()
    start = tmp_path / 'first' / 'weights.safetensors'
    trainer = Trainer(tmp_path / 'second', batches, _options(start=start, seed=5))
    assert torch.equal(trainer.net.fuse.weight, load_weights(start).fuse.weight)


def test_a_larger_net_can_begin_by_drawing_as_a_smaller_one(tmp_path, batches):
    Trainer(tmp_path / 'small', batches, _options(steps=3)).run()
    weights = tmp_path / 'small' / 'weights.safetensors'
    trainer = Trainer(tmp_path / 'large', batches, _options(channels='teacher', start=weights))
    photo = torch.rand(1, 3, 64, 64)
    with torch.no_grad():
        drawn, wanted = trainer.kept_net()(photo), load_weights(weights)(photo)
    torch.testing.assert_close(drawn.fused, wanted.fused, rtol=1e-4, atol=1e-5)
    before = [p.detach().clone() for p in trainer.net.parameters()]
    trainer.run(until=2)
    assert sum(not torch.equal(a, b) for a, b in zip(before, trainer.net.parameters(), strict=True)) == len(before)


def test_a_smaller_net_cannot_begin_as_a_larger_one(tmp_path, batches):
    Trainer(tmp_path / 'large', batches, _options(channels='teacher', steps=1)).run()
    with pytest.raises(SketchRobotError, match='more channels') as caught:
        Trainer(tmp_path / 'small', batches, _options(start=tmp_path / 'large' / 'weights.safetensors'))
    assert caught.value.code is ErrorCode.BAD_GOAL


def test_a_run_cannot_start_from_weights_of_another_fold(tmp_path, batches):
    Trainer(tmp_path / 'first', batches, _options(steps=1)).run()
    with pytest.raises(SketchRobotError, match='a net of another shape: it folds by 1, not 2') as caught:
        Trainer(tmp_path / 'second', batches, _options(start=tmp_path / 'first' / 'weights.safetensors', fold=2))
    assert caught.value.code is ErrorCode.BAD_GOAL


def test_the_log_is_one_json_line_a_logged_step(tmp_path, batches):
    logged = Trainer(tmp_path, batches, _options(steps=4, log_every=2)).run()
    lines = [json.loads(line) for line in (tmp_path / 'log.jsonl').read_text().splitlines()]
    assert lines == logged
    assert [line['step'] for line in lines] == [2, 4]


def test_a_checkpoint_of_a_run_with_other_options_is_refused_and_kept(tmp_path, batches):
    Trainer(tmp_path, batches, _options(steps=2)).run()
    before = (tmp_path / 'checkpoint.pt').read_bytes()
    with pytest.raises(SketchRobotError, match='other options') as caught:
        Trainer(tmp_path, batches, _options(steps=2, rate=0.5))
    assert caught.value.code is ErrorCode.BAD_GOAL
    assert (tmp_path / 'checkpoint.pt').read_bytes() == before


@pytest.mark.parametrize('content', [b'', b'not a checkpoint', 'tensor'])
def test_a_foreign_checkpoint_is_refused(tmp_path, batches, content):
    path = tmp_path / 'checkpoint.pt'
    if content == 'tensor':
        torch.save({'weights': torch.zeros(3)}, path)
    else:
        path.write_bytes(content)
    with pytest.raises(SketchRobotError, match='is not a checkpoint') as caught:
        Trainer(tmp_path, batches, _options())
    assert caught.value.code is ErrorCode.BAD_GOAL


def test_a_full_disk_leaves_the_last_checkpoint_whole(tmp_path, monkeypatch):
    path = tmp_path / 'checkpoint.pt'
    save_checkpoint(path, {'step': 1})

    def full(self: Path, data: bytes) -> int:
        raise OSError(28, 'No space left on device')

    monkeypatch.setattr(Path, 'write_bytes', full)
    with pytest.raises(SketchRobotError, match='No space left on device') as caught:
        save_checkpoint(path, {'step': 2})
    assert caught.value.code is ErrorCode.BAD_GOAL
    assert load_checkpoint(path)['step'] == 1
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        ({'channels': 'genius'}, 'choose one of: student, teacher'),
        ({'weights': LossWeights(style=1)}, 'needs a feature net'),
        (
            {'teacher': Path('nowhere.safetensors'), 'weights': LossWeights(style=0, distillation=1)},
            'no weights at nowhere',
        ),
        ({'start': Path('nowhere.safetensors')}, 'no weights at nowhere'),
    ],
)
def test_options_that_cannot_work_are_refused(tmp_path, batches, changes, message):
    with pytest.raises(SketchRobotError, match=message) as caught:
        Trainer(tmp_path, batches, _options(**changes))
    assert caught.value.code is ErrorCode.BAD_GOAL


def _start_process(folder: Path, portraits: Path, *flags: str, processes: int = 1) -> subprocess.Popen:
    script = [str(Path(__file__).with_name('tiny_run.py')), str(folder), str(portraits), *flags]
    command = [sys.executable, *script]
    if processes > 1:
        launcher = ['-m', 'torch.distributed.run', '--standalone', f'--nproc-per-node={processes}']
        command = [sys.executable, *launcher, *script]
    environment = {**os.environ, 'PYTHONPATH': str(ROOT), 'OMP_NUM_THREADS': '1'}
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)


def _run_process(folder: Path, portraits: Path, *, processes: int = 1) -> dict[int, float]:
    process = _start_process(folder, portraits, processes=processes)
    output, _ = process.communicate(timeout=100)
    assert process.returncode == 0, output
    lines = (json.loads(line) for line in (folder / 'log.jsonl').read_text().splitlines())
    return {line['step']: line['loss'] for line in lines}


class _Witness:
    def __init__(self) -> None:
        self.steps, self.losses, self.saves = [], [], []

    def stepped(self, step: int) -> None:
        self.steps.append(step)

    def logged(self, entry: dict[str, float]) -> None:
        self.losses.append((entry['step'], entry['loss']))

    def saved(self, step: int, net: torch.nn.Module) -> None:
        self.saves.append((step, net.training))

    def close(self) -> None:
        pass


def test_watchers_hear_of_steps_losses_and_saves(tmp_path, batches):
    witness = _Witness()
    logged = Trainer(tmp_path, batches, _options(steps=3, log_every=2, save_every=2), watchers=[witness]).run()
    assert witness.steps == [1, 2, 3]
    assert witness.losses == [(entry['step'], entry['loss']) for entry in logged]
    assert witness.saves == [(2, False), (3, False)]
