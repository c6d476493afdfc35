"""The loop that all trainings share: the log and the checkpoint fit together after a kill."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from torch import nn

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.training.run import RunningAverage, TrainingRun


class Countdown(TrainingRun):
    """Its loss is a function of the step; `bad` is a step with a loss that is no number."""

    def __init__(self, folder: Path, *, bad: int = -1) -> None:
        super().__init__(folder, steps=10, save_every=4, log_every=2)
        self.bad, self.total = bad, 0.0
        self.resume()

    def train_step(self):
        self.total += self.step
        return {'loss': float('nan') if self.step == self.bad else 1.0 / (1 + self.step)}

    def identity(self) -> str:
        return 'countdown'

    def state(self):
        return {'total': self.total}

    def restore(self, state) -> None:
        self.total = state['total']


def steps_logged(folder: Path) -> list[int]:
    return [json.loads(line)['step'] for line in (folder / 'log.jsonl').read_text().splitlines()]


def test_lines_that_no_checkpoint_holds_are_made_again_once(tmp_path):
    whole = Countdown(tmp_path / 'whole').run()
    with pytest.raises(SketchRobotError, match='no number at step 7') as caught:
        Countdown(tmp_path / 'cut', bad=6).run()
    assert caught.value.code is ErrorCode.INTERNAL
    with (tmp_path / 'cut/log.jsonl').open('a') as file:
        file.write('{"step": 8, "lo')  # killed while writing
    again = Countdown(tmp_path / 'cut')
    assert again.step == 4
    assert steps_logged(tmp_path / 'cut') == [2, 4]
    assert [entry['loss'] for entry in again.run()] == [entry['loss'] for entry in whole[2:]]
    assert steps_logged(tmp_path / 'cut') == [2, 4, 6, 8, 10]
    assert again.total == sum(range(10))


def test_a_run_that_is_over_makes_no_step_more(tmp_path):
    Countdown(tmp_path).run()
    assert Countdown(tmp_path).run() == []
    assert Countdown(tmp_path).share_done == 1.0


def test_the_average_follows_the_weights_and_takes_counters_over():
    net = nn.BatchNorm1d(2)
    average = RunningAverage(net, 0.5)
    with torch.no_grad():
        net.weight.fill_(3.0)
        net.num_batches_tracked.fill_(7)
    for step in range(60):
        average.update(net, step)
    torch.testing.assert_close(average.values['weight'], net.weight.detach())
    assert average.values['num_batches_tracked'] == 7
