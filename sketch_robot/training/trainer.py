"""Train a line artist: teacher or student, with or without style and distillation.

A run lives in a folder: `checkpoint.pt`, `log.jsonl` (one line a logged step), `weights.safetensors` (the running
average when there is one) and `samples/`. Starting it again goes on from the checkpoint; batches are a function of
seed and step, so the loss curve is that of an uninterrupted run.
"""

from __future__ import annotations

import json
import logging
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.line_art.u2net import U2Net
from sketch_robot.line_art.weight_file import CHANNELS, load_weights, save_weights
from sketch_robot.training.batches import PortraitBatches
from sketch_robot.training.checkpoint import CHECKPOINT_FILE, load_checkpoint, save_checkpoint
from sketch_robot.training.distillation import StageDistillation
from sketch_robot.training.losses import LossWeights, StyleLoss, full_precision, ink_cross_entropy
from sketch_robot.training.parallel import Workers, average, average_gradients, share_batch_norm

if TYPE_CHECKING:
    from sketch_robot.training.watch import Watcher

LOG_FILE, WEIGHTS_FILE = 'log.jsonl', 'weights.safetensors'
MOST_GRADIENT = 100.0  # norm; only outliers of the first steps reach it with the paper's loss factors

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class TrainOptions:
    """How to train.

    Attributes:
        channels: 'student' or 'teacher'.
        fold, finish: see `U2Net`.
        steps: batches in all.
        rate, betas: of Adam.
        cosine: let the rate fall to zero along a cosine; else it stays.
        warm_up: steps over which the rate rises from zero.
        weights: factors of the losses; style and distillation at 0 are not computed.
        average: decay of the running average of weights, which is what is kept; 0 keeps the weights themselves.
        bfloat16: compute the forward pass in bfloat16 (losses stay float32).
        seed: of the first weights; the batches have their own.
        teacher: weight file to distil from.
        start: weight file to start from; a finish that it lacks begins by changing nothing.
        save_every, log_every: steps.
    """

    channels: str = 'student'
    fold: int = 1
    finish: int = 0
    steps: int = 280_000
    rate: float = 1e-3
    betas: tuple[float, float] = (0.5, 0.99)
    cosine: bool = False
    warm_up: int = 0
    weights: LossWeights = field(default_factory=LossWeights)
    average: float = 0.999
    bfloat16: bool = True
    seed: int = 0
    teacher: Path | None = None
    start: Path | None = None
    save_every: int = 200
    log_every: int = 20


class Trainer:
    """One run in its folder.

    Args:
        folder: of the run; made when missing; goes on from its checkpoint when there is one.
        batches: what to learn from.
        options: how.
        style: the style loss; needed when its factor is not 0.
        workers: who takes part.
        watchers: who is told how it goes (by process 0 only).

    Raises:
        SketchRobotError: BAD_GOAL, options that don't fit each other or the folder's checkpoint.
    """

    def __init__(
        self,
        folder: Path,
        batches: PortraitBatches,
        options: TrainOptions,
        *,
        style: StyleLoss | None = None,
        workers: Workers | None = None,
        watchers: Sequence[Watcher] = (),
    ) -> None:
        self.folder, self.batches, self.options = folder, batches, options
        self.workers = workers or Workers()
        self.watchers = () if self.workers.rank else tuple(watchers)
        _check(options, batches, style, self.workers)
        device = self.workers.device
        torch.manual_seed(options.seed)
        net = U2Net(CHANNELS[options.channels], fold=options.fold, finish=options.finish)
        if options.start is not None:
            _start_from(options.start, net)
        self.net = _place(net, device)
        self.style = style.to(device) if style is not None and options.weights.style else None
        self.teacher: U2Net | None = None
        self.distillation: StageDistillation | None = None
        if options.teacher is not None and options.weights.distillation:
            self.teacher = _place(load_weights(options.teacher), device)
            self.teacher.requires_grad_(False)
            self.distillation = StageDistillation(net.channels, self.teacher.channels).to(device)
        if self.workers.world > 1:
            share_batch_norm(self.net)
        self.parameters = [*self.net.parameters(), *(self.distillation.parameters() if self.distillation else ())]
        self.optimiser = torch.optim.Adam(self.parameters, lr=options.rate, betas=options.betas)
        self.average = {k: v.detach().clone() for k, v in self.net.state_dict().items()}
        self.step = 0
        self.sums: dict[str, float] = {}  # of the losses since the last logged step
        self._resume()

    def run(self, *, until: int | None = None, stop: Callable[[], bool] = lambda: False) -> list[dict[str, float]]:
        """Train to the last step (or `until`), or until `stop()` says so between steps; save at the end.

        Returns:
            What was logged, a dict a logged step.
        """
        last = self.options.steps if until is None else min(until, self.options.steps)
        logged: list[dict[str, float]] = []
        since = time.perf_counter()
        while self.step < last and not stop():
            losses = self._train_step()
            self.step += 1
            for watcher in self.watchers:
                watcher.stepped(self.step)
            self.sums = {k: self.sums.get(k, 0.0) + average(v, self.workers.world) for k, v in losses.items()}
            if self.step % self.options.log_every == 0:
                count = self.options.log_every
                entry = {name: value / count for name, value in self.sums.items()}
                if not math.isfinite(entry['loss']):
                    raise SketchRobotError(ErrorCode.INTERNAL, f'the loss is no number at step {self.step}')
                seconds = (time.perf_counter() - since) / count
                logged.append({'step': self.step, **entry, 'rate': self._rate(), 'seconds': round(seconds, 4)})
                self._report(logged[-1])
                self.sums, since = {}, time.perf_counter()
            if self.step % self.options.save_every == 0:
                self.save()
        self.save()
        return logged

    def kept_net(self) -> U2Net:
        """A copy of the net to use: the running average when there is one, in evaluation mode, on the CPU."""
        net = U2Net(self.net.channels, fold=self.net.fold, finish=self.net.finish_width)
        net.load_state_dict(self.average if self.options.average else self.net.state_dict())
        return net.eval()

    def save(self) -> None:
        """Write checkpoint and weights (process 0 only)."""
        if self.workers.rank:
            return
        state = {
            'options': self._identity(),
            'step': self.step,
            'sums': self.sums,
            'net': self.net.state_dict(),
            'average': self.average,
            'optimiser': self.optimiser.state_dict(),
            'distillation': self.distillation.state_dict() if self.distillation else {},
        }
        save_checkpoint(self.folder / CHECKPOINT_FILE, state)
        kept = self.kept_net()
        save_weights(kept, self.folder / WEIGHTS_FILE, step=str(self.step))
        for watcher in self.watchers:
            watcher.saved(self.step, kept)

    def _train_step(self) -> dict[str, Tensor]:
        options, workers = self.options, self.workers
        rgb, ink, focus = self.batches.batch(self.step, rank=workers.rank, world=workers.world, device=workers.device)
        rgb = rgb.contiguous(memory_format=torch.channels_last)
        self.net.train()
        for group in self.optimiser.param_groups:
            group['lr'] = self._rate()
        with torch.autocast(workers.device.type, torch.bfloat16, enabled=options.bfloat16):
            maps = self.net(rgb)
            losses = {'bce': ink_cross_entropy(maps, ink, options.weights, focus)}
            total = options.weights.bce * losses['bce']
            if self.distillation is not None and self.teacher is not None:
                with torch.no_grad():
                    wanted = self.teacher(rgb).stages
                losses['distillation'] = self.distillation(maps.stages, wanted)
                total = total + options.weights.distillation * losses['distillation']
        if self.style is not None:
            with torch.autocast(workers.device.type, enabled=False):  # squares of Gram matrices need float32
                losses['style'] = self.style(torch.sigmoid(full_precision(maps.fused)), ink)
            total = total + options.weights.style * losses['style']
        self.optimiser.zero_grad(set_to_none=True)
        total.backward()
        if workers.world > 1:
            average_gradients(self.parameters, workers.world)
        nn.utils.clip_grad_norm_(self.parameters, MOST_GRADIENT)
        self.optimiser.step()
        self._update_average()
        return {'loss': total.detach(), **{name: loss.detach() for name, loss in losses.items()}}

    @torch.no_grad()
    def _update_average(self) -> None:
        decay = min(self.options.average, (1 + self.step) / (10 + self.step))
        for name, value in self.net.state_dict().items():
            if value.is_floating_point():
                self.average[name].lerp_(value, 1 - decay)
            else:
                self.average[name].copy_(value)

    def _rate(self) -> float:
        options = self.options
        rate = options.rate * min(1.0, (self.step + 1) / max(1, options.warm_up))
        return rate * 0.5 * (1 + math.cos(math.pi * self.step / options.steps)) if options.cosine else rate

    def _resume(self) -> None:
        path = self.folder / CHECKPOINT_FILE
        if not path.is_file():
            return
        state = load_checkpoint(path)
        if state['options'] != self._identity():
            raise SketchRobotError(
                ErrorCode.BAD_GOAL, f'{path} is of a run with other options; choose another folder, or those options'
            )
        self.net.load_state_dict(state['net'])
        self.optimiser.load_state_dict(state['optimiser'])
        self.average = {name: value.to(self.workers.device) for name, value in state['average'].items()}
        if self.distillation is not None:
            self.distillation.load_state_dict(state['distillation'])
        self.step, self.sums = int(state['step']), state['sums']
        _log.info('going on from step %d of %s', self.step, self.folder)

    def _identity(self) -> str:
        """What must not change between an interrupted run and its continuation."""
        options = {k: v for k, v in asdict(self.options).items() if k not in ('save_every', 'log_every')}
        batches = {**asdict(self.batches.options), 'seed': self.batches.seed, 'drawings': len(self.batches.drawings)}
        return json.dumps({'training': options, 'batches': batches}, default=str, sort_keys=True)

    def _report(self, entry: dict[str, float]) -> None:
        if self.workers.rank:
            return
        minutes = (self.options.steps - self.step) * entry['seconds'] / 60
        losses = ' '.join(f'{k} {v:.4g}' for k, v in entry.items() if k not in ('step', 'rate', 'seconds'))
        done = f'{self.step}/{self.options.steps}'
        _log.info('%s: %s, %.2f s a step, %.0f min left', done, losses, entry['seconds'], minutes)
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / LOG_FILE).open('a') as file:
            file.write(json.dumps(entry) + '\n')
        for watcher in self.watchers:
            watcher.logged(entry)


def _start_from(weights: Path, net: U2Net) -> None:
    """Load weights; a finish that they lack stays new."""
    try:
        lacking, unknown = net.load_state_dict(load_weights(weights).state_dict(), strict=False)
    except RuntimeError as error:
        raise SketchRobotError(ErrorCode.BAD_GOAL, f'{weights} is a net of another shape: {error}') from error
    wrong = [*unknown, *(name for name in lacking if not name.startswith('finish.'))]
    if wrong:
        raise SketchRobotError(ErrorCode.BAD_GOAL, f'{weights} is a net of another shape: {wrong[0]}')


def _place(net: U2Net, device: torch.device) -> U2Net:
    nn.Module.to(net, device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    return net


def _check(options: TrainOptions, batches: PortraitBatches, style: StyleLoss | None, workers: Workers) -> None:
    if options.channels not in CHANNELS:
        raise SketchRobotError(
            ErrorCode.BAD_GOAL, f'no channels {options.channels!r}; choose one of: {", ".join(CHANNELS)}'
        )
    if options.weights.style and style is None:
        raise SketchRobotError(ErrorCode.BAD_GOAL, 'a style factor other than 0 needs a style loss')
    pictures = batches.options.pictures
    if pictures % workers.world:
        raise SketchRobotError(ErrorCode.BAD_GOAL, f'{workers.world} processes cannot share {pictures} pictures evenly')
