"""Train a line artist: teacher or student, with or without style and distillation.

A run lives in a folder: `checkpoint.pt`, `log.jsonl` (one line a logged step), `weights.safetensors` (the running
average when there is one) and `samples/`. Starting it again goes on from the checkpoint; batches are a function of
seed and step, so the loss curve is that of an uninterrupted run.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from sketch_robot.errors import ErrorCode, SketchRobotError
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
from sketch_robot.training.run import RunningAverage, TrainingRun

if TYPE_CHECKING:
    from sketch_robot.training.watch import Watcher

WEIGHTS_FILE = 'weights.safetensors'
MOST_GRADIENT = 100.0  # norm; only outliers of the first steps reach it with the paper's loss factors


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


class Trainer(TrainingRun):
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
        super().__init__(folder, steps=options.steps, save_every=options.save_every, log_every=options.log_every)
        self.batches, self.options = batches, options
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
        self.average = RunningAverage(self.net, options.average)
        self._stream: Iterator[Batch] = iter(())
        self.resume()

    @contextmanager
    def working(self) -> Iterator[None]:
        """Streams batches."""
        workers = self.workers
        stream = self.batches.stream(
            self.step, rank=workers.rank, world=workers.world, device=workers.device, threads=workers.threads
        )
        self._stream = stream
        try:
            yield
        finally:
            stream.close()

    @property
    def writes(self) -> bool:
        """Process 0 alone."""
        return self.workers.rank == 0

    def number(self, loss: Tensor | float) -> float:
        """The mean over all processes."""
        return average(loss, self.workers.world) if isinstance(loss, Tensor) else loss

    def rates(self) -> dict[str, float]:
        """Adam's, as it is for the next step."""
        return {'rate': self._rate()}

    def stepped(self) -> None:
        """Tell the watchers."""
        for watcher in self.watchers:
            watcher.stepped(self.step)

    def logged(self, entry: dict[str, float]) -> None:
        """Tell the watchers."""
        for watcher in self.watchers:
            watcher.logged(entry)

    def kept_net(self) -> U2Net:
        """A copy of the net to use: the running average when there is one, in evaluation mode, on the CPU."""
        net = U2Net(self.net.channels, fold=self.net.fold)
        net.load_state_dict(self.average.values if self.options.average else self.net.state_dict())
        return net.eval()

    def state(self) -> dict[str, Any]:
        """See `TrainingRun`."""
        return {
            'net': self.net.state_dict(),
            'average': self.average.values,
            'optimiser': self.optimiser.state_dict(),
            'distillation': self.distillation.state_dict() if self.distillation else {},
        }

    def restore(self, state: dict[str, Any]) -> None:
        """See `TrainingRun`."""
        self.net.load_state_dict(state['net'])
        self.optimiser.load_state_dict(state['optimiser'])
        self.average.values = {name: value.to(self.workers.device) for name, value in state['average'].items()}
        if self.distillation is not None:
            self.distillation.load_state_dict(state['distillation'])

    def save_kept(self) -> None:
        """Write the weights to use."""
        kept = self.kept_net()
        save_weights(kept, self.folder / WEIGHTS_FILE, step=str(self.step))
        for watcher in self.watchers:
            watcher.saved(self.step, kept)

    def train_step(self) -> dict[str, Tensor]:
        """See `TrainingRun`."""
        options, workers = self.options, self.workers
        rgb, ink = next(self._stream)
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
        self.average.update(self.net, self.step)
        return {'loss': total.detach(), **{name: loss.detach() for name, loss in losses.items()}}

    def _rate(self) -> float:
        options = self.options
        rate = options.rate * min(1.0, (self.step + 1) / max(1, options.warm_up))
        return rate * 0.5 * (1 + math.cos(math.pi * self.step / options.steps)) if options.cosine else rate

    def identity(self) -> str:
        """What must not change between an interrupted run and its continuation."""
        options = {k: v for k, v in asdict(self.options).items() if k not in ('save_every', 'log_every')}
        batches = {**asdict(self.batches.options), 'seed': self.batches.seed, 'portraits': len(self.batches.portraits)}
        return json.dumps({'training': options, 'batches': batches}, default=str, sort_keys=True)


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
