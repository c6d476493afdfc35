"""A training that lives in a folder: the loop, the log, and going on from a checkpoint.

Every training of this project is one: `checkpoint.pt`, `log.jsonl` (one line a logged step) and whatever the trained
network is used from. Batches and random numbers are functions of seed and step, so that a run which was interrupted
goes on with the curve of one that was not; lines of the log that no checkpoint holds are dropped, for they are made
again.
"""

from __future__ import annotations

import io
import json
import logging
import math
import pickle
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.files import write_whole

CHECKPOINT_FILE, LOG_FILE = 'checkpoint.pt', 'log.jsonl'
CHECKPOINT_FORMAT = 'sketch_robot.checkpoint.1'
NO_LOSSES = ('step', 'seconds', 'rate')  # of a logged entry

_log = logging.getLogger(__name__)


class TrainingRun(ABC):
    """One run in its folder. A subclass makes its networks and then calls `resume`.

    Args:
        folder: of the run; made when something is written.
        steps: in all; 0: `share_done` says when it is over.
        save_every, log_every: steps from one to the next.

    Attributes:
        step: steps made so far.
        sums: of the losses since the last logged step.
    """

    other_run = 'is of a run with other options; choose another folder, or those options'

    def __init__(self, folder: Path, *, steps: int, save_every: int, log_every: int) -> None:
        self.folder, self.steps = folder, steps
        self.save_every, self.log_every = save_every, log_every
        self.step = 0
        self.sums: dict[str, float] = {}

    # ------------------------------------------------------------- what a training is
    @abstractmethod
    def train_step(self) -> Mapping[str, Tensor | float]:
        """Learn from the batch of `step`; the losses by name, one of them `loss`."""

    @abstractmethod
    def identity(self) -> str:
        """What must not change between an interrupted run and its continuation."""

    @abstractmethod
    def state(self) -> dict[str, Any]:
        """Networks, optimisers and averages, as a checkpoint keeps them."""

    @abstractmethod
    def restore(self, state: dict[str, Any]) -> None:
        """Take on what `state` gave."""

    def working(self) -> AbstractContextManager[Any]:
        """Holds what is needed between the first step and the last, such as a stream of batches."""
        return nullcontext()

    def number(self, loss: Tensor | float) -> float:
        """A loss as it is logged."""
        return float(loss)

    def save_kept(self) -> None:  # noqa: B027  some keep nothing beside the checkpoint
        """Write what the trained network is used from, after each checkpoint."""

    def stepped(self) -> None:  # noqa: B027  for who is watched
        """A step was made."""

    def logged(self, entry: dict[str, float]) -> None:  # noqa: B027  likewise
        """A line was logged: step, losses, seconds a step."""

    @property
    def share_done(self) -> float:
        """How much of the run is done, 0 ... 1."""
        return min(1.0, self.step / self.steps) if self.steps else 1.0

    @property
    def writes(self) -> bool:
        """Whether this process keeps log and checkpoint."""
        return True

    def save_due(self) -> bool:
        """Whether to write a checkpoint after this step."""
        return self.step % self.save_every == 0

    # ------------------------------------------------------------- the loop
    def run(self, *, until: int | None = None, stop: Callable[[], bool] = lambda: False) -> list[dict[str, float]]:
        """Train to the last step (or `until`), or until `stop()` says so between steps; save at the end.

        Returns:
            What was logged, a dict a logged step.

        Raises:
            SketchRobotError: INTERNAL, a loss is no number (the last checkpoint is good); BAD_GOAL, a file cannot be
                written.
        """
        entries: list[dict[str, float]] = []
        saved = -1
        since_s = time.perf_counter()
        with self.working():
            while self.share_done < 1.0 and (until is None or self.step < until) and not stop():
                losses = {name: self.number(loss) for name, loss in self.train_step().items()}
                self.step += 1
                if not math.isfinite(losses['loss']):
                    raise SketchRobotError(
                        ErrorCode.INTERNAL, f'the loss is no number at step {self.step}; the last checkpoint is good'
                    )
                self.stepped()
                self.sums = {name: self.sums.get(name, 0.0) + loss for name, loss in losses.items()}
                if self.step % self.log_every == 0:
                    now_s = time.perf_counter()
                    seconds = round((now_s - since_s) / self.log_every, 4)
                    means = {name: total / self.log_every for name, total in self.sums.items()}
                    entries.append({'step': self.step, **means, **self.rates(), 'seconds': seconds})
                    self._report(entries[-1])
                    self.sums, since_s = {}, now_s
                if self.save_due():
                    self.save()
                    saved = self.step
        if saved != self.step:
            self.save()
        return entries

    def rates(self) -> dict[str, float]:
        """What of the learning rate is logged."""
        return {}

    def save(self) -> None:
        """Write a checkpoint, and what the network is used from.

        Raises:
            SketchRobotError: BAD_GOAL, they cannot be written; those of before are still there.
        """
        if not self.writes:
            return
        shared = {'options': self.identity(), 'step': self.step, 'sums': self.sums}
        save_checkpoint(self.folder / CHECKPOINT_FILE, {**shared, **self.state()})
        self.save_kept()

    def resume(self) -> None:
        """Go on from the folder's checkpoint, when there is one.

        Raises:
            SketchRobotError: BAD_GOAL, it is of another run, or none.
        """
        path = self.folder / CHECKPOINT_FILE
        if not path.is_file():
            return
        state = load_checkpoint(path)
        if state.get('options') != self.identity():
            raise SketchRobotError(ErrorCode.BAD_GOAL, f'{path} {self.other_run}')
        self.restore(state)
        self.step, self.sums = int(state['step']), state['sums']
        if self.writes:
            _drop_after(self.folder / LOG_FILE, self.step)
        _log.info('going on from step %d of %s', self.step, self.folder)

    def _report(self, entry: dict[str, float]) -> None:
        if not self.writes:
            return
        losses = ' '.join(f'{name} {value:.4g}' for name, value in entry.items() if name not in NO_LOSSES)
        if self.steps:
            minutes = (self.steps - self.step) * entry['seconds'] / 60
            _log.info(
                '%d/%d: %s, %.2f s a step, %.0f min left', self.step, self.steps, losses, entry['seconds'], minutes
            )
        append_line(self.folder / LOG_FILE, entry)
        self.logged(entry)


class RunningAverage:
    """The exponential average of a network's weights, which is quieter than they are (Polyak & Juditsky 1992).

    Args:
        net: the network; its first weights begin the average.
        decay: of the average, less in the first steps; what is no floating-point number is taken over as it is.

    Attributes:
        values: the average, a state dict.
    """

    def __init__(self, net: nn.Module, decay: float) -> None:
        self.decay = decay
        self.values: dict[str, Tensor] = {k: v.detach().clone() for k, v in net.state_dict().items()}

    @torch.no_grad()
    def update(self, net: nn.Module, step: int) -> None:
        """Take in the weights after a step, the first being 0."""
        decay = min(self.decay, (1 + step) / (10 + step))
        for name, value in net.state_dict().items():
            if value.is_floating_point():
                self.values[name].lerp_(value, 1 - decay)
            else:
                self.values[name].copy_(value)


def append_line(path: Path, entry: Mapping[str, float]) -> None:
    """Add a line of JSON to a file, whose folder is made when missing.

    Raises:
        SketchRobotError: BAD_GOAL, it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open('a') as file:
            file.write(json.dumps(entry) + '\n')
    except OSError as error:
        raise SketchRobotError(ErrorCode.BAD_GOAL, f'cannot write {path}: {error}') from error


def _drop_after(path: Path, step: int) -> None:
    """Leave out of a log what was made after a step."""
    if not path.is_file():
        return
    lines = path.read_text().splitlines(keepends=True)
    kept = [line for line in lines if line.endswith('\n') and json.loads(line)['step'] <= step]
    if len(kept) != len(lines):
        write_whole(path, ''.join(kept).encode())


def save_checkpoint(path: Path, state: dict[str, Any]) -> None:
    """Write tensors, numbers and text; on failure the last checkpoint stays.

    Raises:
        SketchRobotError: BAD_GOAL, the file cannot be written.
    """
    buffer = io.BytesIO()
    torch.save({'format': CHECKPOINT_FORMAT, **state}, buffer)
    write_whole(path, buffer.getvalue())


def load_checkpoint(path: Path) -> dict[str, Any]:
    """Read what `save_checkpoint` wrote; nothing but tensors, numbers and text is accepted.

    Raises:
        SketchRobotError: BAD_GOAL, the file is something else.
    """
    try:
        state = torch.load(path, map_location='cpu', weights_only=True)
    except (OSError, RuntimeError, EOFError, ValueError, KeyError, pickle.UnpicklingError) as error:
        raise SketchRobotError(ErrorCode.BAD_GOAL, f'{path} is not a checkpoint: {str(error)[:120]}') from error
    if not isinstance(state, dict) or state.get('format') != CHECKPOINT_FORMAT:
        raise SketchRobotError(ErrorCode.BAD_GOAL, f'{path} is not a checkpoint of this program')
    return state
