"""Learn a hand from key frames in minutes (Texler et al. 2020), and go on after an interruption.

The loss is 4 x L1 + 6 x perceptual + 0.5 x adversarial, Adam's rate 4e-4, and nothing is trained before. A run lies in
a folder beside the hand: `checkpoint.pt` and `log.jsonl`. Batches are a function of seed and step and halves of a batch
are learned from beside each other, whatever the number of cores, so that a run that was killed goes on with the same
curve.
"""

from __future__ import annotations

import copy
import json
import math
import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from sketch_robot.keyframes.network import Critic, HandNet
from sketch_robot.keyframes.patches import PatchBatch, Patches
from sketch_robot.line_art.hand.hand_file import FILTERS, HandShape
from sketch_robot.training.run import RunningAverage, TrainingRun

HALVES = 2  # of a batch, each on its own cores
FEATURE_SCALE = 0.15  # of the perceptual loss, which is measured by the features' own size
FEATURE_BLOCKS = 5
LEAST_FEATURE = 1e-6
CRITIC_FROM = 50  # steps; before, there is nothing to tell apart


class PictureFeatures(Protocol):
    """A feature net that sees colours, such as `sketch_robot.training.losses.Lite0Features`."""

    def maps(self, rgb: Tensor) -> list[Tensor]:
        """Feature maps of pictures (N, 3, H, W) in [0, 1]."""


@dataclass(frozen=True)
class HandOptions:
    """How to learn.

    Attributes:
        minutes: of learning, in all; the rate falls towards their end.
        steps: instead of minutes, where not 0.
        blocks, filters: see `HandShape`.
        rate: Adam's.
        l1, perceptual, adversarial: factors of the losses.
        average: decay of the running average of weights, which is what is kept.
        bfloat16: compute convolutions in bfloat16.
        seed: of the first weights; batches have their own.
        save_s: seconds from one checkpoint to the next.
    """

    minutes: float = 5.0
    steps: int = 0
    blocks: int = 3
    filters: tuple[int, ...] = FILTERS
    rate: float = 4e-4
    l1: float = 4.0
    perceptual: float = 6.0
    adversarial: float = 0.5
    average: float = 0.99
    bfloat16: bool = True
    seed: int = 0
    save_s: float = 20.0


class HandTrainer(TrainingRun):
    """One run in its folder.

    Args:
        folder: of the run; gone on with when it has a checkpoint.
        patches: what to learn from.
        options: how.
        features: what the perceptual loss compares; None only without that loss.
        guided: whether patches bring guides.
        about: what else must be the same when the run is gone on with, as the key frames' digest.
        progress: called after each step with the share of the run that is done, and the loss.
        clock: tells seconds; a run's minutes go by it.

    Raises:
        SketchRobotError: BAD_GOAL, the folder's checkpoint is of another run, or is none.
    """

    other_run = 'is of a run with other key frames or options; name another file, or delete its folder'

    def __init__(
        self,
        folder: Path,
        patches: Patches,
        options: HandOptions,
        *,
        features: PictureFeatures | None,
        guided: bool = False,
        about: str = '',
        progress: Callable[[float, float], None] = lambda _share, _loss: None,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        super().__init__(folder, steps=0, save_every=1, log_every=1)
        self.patches, self.options, self.features = patches, options, features
        self._about, self._clock, self._progress = about, clock, progress
        self._loss = math.inf
        torch.manual_seed(options.seed)
        self.net = HandNet(HandShape(options.filters, options.blocks, guided))
        nn.Module.to(self.net, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.critic = Critic()
        self._twins = [_twin(self.net) for _ in range(HALVES)]
        self.optimiser = torch.optim.Adam(self.net.parameters(), lr=options.rate)
        self.critics_optimiser = torch.optim.Adam(self.critic.parameters(), lr=options.rate)
        self.average = RunningAverage(self.net, options.average)
        self.seconds = 0.0  # of learning, in all parts of the run
        self._saved_s = time.monotonic()
        self._pool: ThreadPoolExecutor  # while it runs
        self.resume()

    @contextmanager
    def working(self) -> Iterator[None]:
        """Holds the threads that learn from halves."""
        with ThreadPoolExecutor(HALVES, 'half', initializer=_share_cores) as self._pool:
            self._saved_s = time.monotonic()
            yield

    def save_due(self) -> bool:
        """Now and then, by the clock: steps of a hand are short."""
        return time.monotonic() - self._saved_s > self.options.save_s

    @property
    def share_done(self) -> float:
        """How much of the run is done, 0 ... 1."""
        if self.options.steps:
            return min(1.0, self.step / self.options.steps)
        return min(1.0, self.seconds / max(60.0 * self.options.minutes, 1e-9))

    def kept_net(self) -> HandNet:
        """A copy of the net to use: the running average, in evaluation mode."""
        net = HandNet(self.net.shape)
        net.load_state_dict(self.average.values)
        return net.eval()

    # ------------------------------------------------------------- a step
    def train_step(self) -> dict[str, float]:
        """See `TrainingRun`."""
        began_s = self._clock()
        losses = self._learn(self.patches.batch(self.step))
        self.seconds += self._clock() - began_s
        self._loss = losses['loss']
        return losses

    def _learn(self, batch: PatchBatch) -> dict[str, float]:
        for group in self.optimiser.param_groups:
            group['lr'] = self._rate()
        count = len(batch.seen)
        cuts = [slice(0, (count + 1) // 2), slice((count + 1) // 2, count)][: min(HALVES, count)]
        for twin in self._twins:
            _hand_on_statistics(self.net, twin)
        critical = bool(self.options.adversarial) and self.step >= CRITIC_FROM
        tasks = [
            self._pool.submit(self._half, twin, batch, cut, critical)
            for twin, cut in zip(self._twins, cuts, strict=False)
        ]
        halves = [task.result() for task in tasks]
        shares = [(cut.stop - cut.start) / count for cut in cuts]
        _set_gradients(self.net, [half[0] for half in halves], shares)
        self.optimiser.step()
        if critical:
            _set_gradients(self.critic, [half[1] for half in halves], shares)
            self.critics_optimiser.step()
        _mean_statistics(self._twins[: len(cuts)], self.net)
        self.average.update(self.net, self.step)
        return {
            name: sum(share * half[2][name] for share, half in zip(shares, halves, strict=True))
            for name in halves[0][2]
        }

    def _half(
        self, net: HandNet, batch: PatchBatch, cut: slice, critical: bool
    ) -> tuple[list[Tensor], list[Tensor], dict[str, float]]:
        """Gradients of the net and of the critic on a part of a batch, and the losses."""
        options = self.options
        seen, wanted, where = batch.seen[cut], batch.drawn[cut], batch.where[cut]
        net.train()
        with torch.autocast('cpu', torch.bfloat16, enabled=options.bfloat16):
            drawn = net(seen)
        around = (1 - where) * seen[:, :3]  # what is outside the mask teaches nothing
        drawn, wanted = where * drawn + around, where * wanted + around
        losses = {'l1': (drawn - wanted).abs().sum() / (3 * where.sum() + 1)}
        loss = options.l1 * losses['l1']
        if options.perceptual and self.features is not None:
            losses['perceptual'] = FEATURE_SCALE * _feature_distance(self.features, drawn, wanted)
            loss = loss + options.perceptual * losses['perceptual']
        of_critic: list[Tensor] = []
        if critical:
            rgb = seen[:, :3]
            losses['adversarial'] = (self.critic(rgb, drawn) - 1).square().mean()
            loss = loss + options.adversarial * losses['adversarial']
        of_net = list(torch.autograd.grad(loss, list(net.parameters())))
        if critical:
            shown = drawn.detach()
            told = (self.critic(rgb, wanted) - 1).square().mean() + self.critic(rgb, shown).square().mean()
            of_critic = list(torch.autograd.grad(0.5 * told, list(self.critic.parameters())))
            losses['critic'] = 0.5 * told
        return of_net, of_critic, {name: float(value.detach()) for name, value in {'loss': loss, **losses}.items()}

    def _rate(self) -> float:
        """Adam's rate: as it is until half of the run is done, then along a cosine to a twentieth."""
        late = max(0.0, 2.0 * self.share_done - 1.0)
        return self.options.rate * (0.05 + 0.95 * 0.5 * (1.0 + math.cos(math.pi * late)))

    # ------------------------------------------------------------- keeping
    def stepped(self) -> None:
        """Say how far it is."""
        self._progress(self.share_done, self._loss)

    def state(self) -> dict[str, Any]:
        """See `TrainingRun`."""
        return {
            'seconds': self.seconds,
            'net': self.net.state_dict(),
            'critic': self.critic.state_dict(),
            'average': self.average.values,
            'optimiser': self.optimiser.state_dict(),
            'critics_optimiser': self.critics_optimiser.state_dict(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """See `TrainingRun`."""
        self.seconds = float(state['seconds'])
        self.net.load_state_dict(state['net'])
        self.critic.load_state_dict(state['critic'])
        self.average.values = state['average']
        self.optimiser.load_state_dict(state['optimiser'])
        self.critics_optimiser.load_state_dict(state['critics_optimiser'])

    def save_kept(self) -> None:
        """Nothing beside the checkpoint: a hand is made when the run is over."""
        self._saved_s = time.monotonic()

    def identity(self) -> str:
        """What must not change between an interrupted run and its continuation; it may be given more time."""
        options: dict[str, Any] = asdict(self.options)
        for name in ('minutes', 'steps', 'save_s'):
            options.pop(name)
        patches = {name: getattr(self.patches, name) for name in ('patch_px', 'count', 'light', 'seed')}
        return json.dumps({'options': options, 'patches': patches, 'about': self._about}, sort_keys=True)


def _feature_distance(features: PictureFeatures, drawn: Tensor, wanted: Tensor) -> Tensor:
    """Mean squared distance of feature maps, each by its own size."""
    with torch.autocast('cpu', enabled=False):
        with torch.no_grad():
            goals = features.maps(wanted)
        found = features.maps(drawn)
        return torch.stack(
            [(a - b).square().mean() / (b.square().mean() + LEAST_FEATURE) for a, b in zip(found, goals, strict=True)]
        ).mean()


def _twin(net: HandNet) -> HandNet:
    """A net with the same weights, not copies of them, and normalisation statistics of its own."""
    twin = copy.deepcopy(net)
    for own, given in zip(twin.modules(), net.modules(), strict=True):
        for name, parameter in given._parameters.items():
            own._parameters[name] = parameter
    return twin


def _hand_on_statistics(net: nn.Module, twin: nn.Module) -> None:
    for own, given in zip(twin.buffers(), net.buffers(), strict=True):
        own.copy_(given)


def _mean_statistics(twins: list[HandNet], net: nn.Module) -> None:
    for mean, *given in zip(net.buffers(), *(twin.buffers() for twin in twins), strict=True):
        mean.copy_(torch.stack([each.float() for each in given]).mean(0))


def _set_gradients(net: nn.Module, halves: list[list[Tensor]], shares: list[float]) -> None:
    for parameter, *given in zip(net.parameters(), *halves, strict=True):
        parameter.grad = sum(share * each for share, each in zip(shares, given, strict=True))  # type: ignore[assignment]


def _share_cores() -> None:
    """Each half has its cores: waiting for one another after every layer is what costs most on a busy machine."""
    torch.set_num_threads(max(1, (os.cpu_count() or 1) // HALVES))


def picture_features() -> PictureFeatures:
    """The first five blocks of EfficientNet-Lite0: a patch of 36 px has nothing left to compare after these.

    Raises:
        ModuleNotFoundError: it is not installed.
    """
    from sketch_robot.training.losses import Lite0Features

    features = Lite0Features().eval().requires_grad_(False)
    features.blocks = features.blocks[:FEATURE_BLOCKS]
    nn.Module.to(features, memory_format=torch.channels_last)  # type: ignore[call-overload]
    return features
