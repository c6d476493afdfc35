"""Train a line artist: teacher or student, with or without style and distillation.

A run lives in a folder: `checkpoint.pt`, `log.jsonl` (one line a logged step), `weights.safetensors` (the running
average when there is one) and `samples/`. Starting it again goes on from the checkpoint; batches are a function of
seed and step, so the loss curve is that of an uninterrupted run.
"""

from __future__ import annotations

import io
import json
import logging
import math
import pickle
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.files import write_whole
from sketch_robot.line_art.student.u2net import LEVELS, STAGES, U2Net
from sketch_robot.line_art.student.weight_file import CHANNELS, load_weights, save_weights
from sketch_robot.training.batches import Batch, PortraitBatches
from sketch_robot.training.losses import (
    FeatureLoss,
    LossWeights,
    StageDistillation,
    full_precision,
    ink_cross_entropy,
)
from sketch_robot.training.parallel import Workers, average, average_gradients, share_batch_norm

if TYPE_CHECKING:
    from sketch_robot.training.watch import Watcher

CHECKPOINT_FILE, LOG_FILE, WEIGHTS_FILE = 'checkpoint.pt', 'log.jsonl', 'weights.safetensors'
CHECKPOINT_FORMAT = 'sketch_robot.checkpoint.1'
MOST_GRADIENT = 100.0  # norm; only outliers of the first steps reach it with the paper's loss factors

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class TrainOptions:
    """How to train.

    Attributes:
        channels: 'student' or 'teacher'.
        fold: see `U2Net`.
        steps: batches in all.
        rate, betas: of Adam.
        cosine: let the rate fall to zero along a cosine; else it stays.
        warm_up: steps over which the rate rises from zero.
        weights: factors of the losses; those at 0 are not computed.
        average: decay of the running average of weights, which is what is kept; 0 keeps the weights themselves.
        bfloat16: compute the forward pass in bfloat16 (losses stay float32).
        seed: of the first weights; the batches have their own.
        teacher: weight file to distil from.
        start: weight file to start from; that of a smaller net is widened.
        save_every, log_every: steps.
    """

    channels: str = 'student'
    fold: int = 1
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
        features: what judges style; needed when one of its factors is not 0.
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
        features: FeatureLoss | None = None,
        workers: Workers | None = None,
        watchers: Sequence[Watcher] = (),
    ) -> None:
        self.folder, self.batches, self.options = folder, batches, options
        self.workers = workers or Workers()
        self.watchers = () if self.workers.rank else tuple(watchers)
        _check(options, batches, features, self.workers)
        device = self.workers.device
        torch.manual_seed(options.seed)
        net = U2Net(CHANNELS[options.channels], fold=options.fold)
        if options.start is not None:
            _start_from(options.start, net)
        self.net = _place(net, device)
        needed = features is not None and options.weights.need_features
        self.features = features.to(device) if features is not None and needed else None
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
        workers = self.workers
        batches = self.batches.stream(
            self.step, rank=workers.rank, world=workers.world, device=workers.device, threads=workers.threads
        )
        while self.step < last and not stop():
            losses = self._train_step(next(batches))
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
        batches.close()
        self.save()
        return logged

    def kept_net(self) -> U2Net:
        """A copy of the net to use: the running average when there is one, in evaluation mode, on the CPU."""
        net = U2Net(self.net.channels, fold=self.net.fold)
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

    def _train_step(self, batch: Batch) -> dict[str, Tensor]:
        options, workers = self.options, self.workers
        rgb, ink = batch
        rgb = rgb.contiguous(memory_format=torch.channels_last)
        self.net.train()
        for group in self.optimiser.param_groups:
            group['lr'] = self._rate()
        with torch.autocast(workers.device.type, torch.bfloat16, enabled=options.bfloat16):
            maps = self.net(rgb)
            losses = {'bce': ink_cross_entropy(maps, ink, options.weights)}
            total = options.weights.bce * losses['bce']
            if self.distillation is not None and self.teacher is not None:
                with torch.no_grad():
                    wanted = self.teacher(rgb).stages
                losses['distillation'] = self.distillation(maps.stages, wanted)
                total = total + options.weights.distillation * losses['distillation']
            if self.features is not None:
                style, likeness = self.features(torch.sigmoid(full_precision(maps.fused)), ink)
                for name, factor, loss in (
                    ('style', options.weights.style, style),
                    ('perceptual', options.weights.perceptual, likeness),
                ):
                    if factor:
                        losses[name] = loss
                        total = total + factor * loss
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
        batches = {**asdict(self.batches.options), 'seed': self.batches.seed, 'portraits': len(self.batches.portraits)}
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
    """Load weights; those of a smaller net are widened."""
    given = load_weights(weights)
    if given.fold != net.fold:
        raise SketchRobotError(
            ErrorCode.BAD_GOAL, f'{weights} is a net of another shape: it folds by {given.fold}, not {net.fold}'
        )
    if given.channels == net.channels:
        net.load_state_dict(given.state_dict())
    else:
        widen(given, net)


@torch.no_grad()
def widen(small: U2Net, large: U2Net) -> None:
    """Let a net of more channels begin by drawing as a smaller one does (Net2Net, Chen, Goodfellow & Shlens 2016).

    The small net's channels come first in the large one's; the others keep their random weights, but nothing that the
    small net has listens to them yet.

    Raises:
        SketchRobotError: BAD_GOAL, the large net has fewer channels somewhere.
    """
    own, wanted = small.channels, large.channels
    if any(a > b for a, b in zip((*own.inner, *own.outer), (*wanted.inner, *wanted.outer), strict=True)):
        raise SketchRobotError(ErrorCode.BAD_GOAL, 'only a net of more channels can begin as a smaller one')
    narrow, wide = own.outer, wanted.outer
    for stage, (block, larger) in enumerate(zip(_blocks(small), _blocks(large), strict=True)):
        mirror = STAGES - 1 - stage  # the encoder's stage that a decoder's joins
        if stage == 0:
            sources = [(block.entry[0].in_channels, larger.entry[0].in_channels)]
        elif stage < LEVELS:
            sources = [(narrow[stage - 1], wide[stage - 1])]
        else:
            sources = [(narrow[stage - 1], wide[stage - 1]), (narrow[mirror], wide[mirror])]
        inner, outer = (own.inner[stage], wanted.inner[stage]), (narrow[stage], wide[stage])
        _widen_layer(block.entry, larger.entry, sources)
        for number, (layer, wider) in enumerate(zip(block.down, larger.down, strict=True)):
            _widen_layer(layer, wider, [inner if number else outer])
        for layer, wider in zip(block.up, larger.up, strict=True):
            _widen_layer(layer, wider, [inner, inner])
    finest_first = [*range(STAGES - 1, LEVELS - 1, -1), LEVELS - 1]
    for stage, conv, wider in zip(finest_first, small.side, large.side, strict=True):
        _widen_conv(conv, wider, [(narrow[stage], wide[stage])])
    large.fuse.load_state_dict(small.fuse.state_dict())


def _blocks(net: U2Net) -> list[Any]:
    return [*net.encoder, *net.decoder]


def _widen_layer(small: Any, large: Any, sources: list[tuple[int, int]]) -> None:
    """A convolution and its normalisation."""
    _widen_conv(small[0], large[0], sources)
    for name, value in small[1].state_dict().items():
        if value.ndim:
            getattr(large[1], name)[: len(value)] = value


def _widen_conv(small: Any, large: Any, sources: list[tuple[int, int]]) -> None:
    """Sources: channels of each joined input in the small and in the large net."""
    outputs = small.out_channels
    large.weight[:outputs] = 0
    given = wider = 0
    for narrow, wide in sources:
        large.weight[:outputs, wider : wider + narrow] = small.weight[:, given : given + narrow]
        given, wider = given + narrow, wider + wide
    large.bias[:outputs] = small.bias


def _place(net: U2Net, device: torch.device) -> U2Net:
    nn.Module.to(net, device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    return net


def _check(options: TrainOptions, batches: PortraitBatches, features: FeatureLoss | None, workers: Workers) -> None:
    if options.channels not in CHANNELS:
        raise SketchRobotError(
            ErrorCode.BAD_GOAL, f'no channels {options.channels!r}; choose one of: {", ".join(CHANNELS)}'
        )
    if options.weights.need_features and features is None:
        raise SketchRobotError(ErrorCode.BAD_GOAL, 'a style factor other than 0 needs a feature net')
    pictures = batches.options.pictures
    if pictures % workers.world:
        raise SketchRobotError(ErrorCode.BAD_GOAL, f'{workers.world} processes cannot share {pictures} pictures evenly')


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
