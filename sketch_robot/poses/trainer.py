"""Learn to draw people in other poses (Siarohin et al. 2018), and go on after an interruption.

Losses are the conditional GAN's and, times 0.01 and summed over pixels, either the nearest-neighbour loss on shallow
features ('full') or L1 ('deformable', and 'baseline' without deformed skips); Adam, rate 2e-4, betas 0.5 and 0.999,
batches of 4. The matte is learned by L1 in all three.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import torch
from torch import Tensor
from torch.nn import functional

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.poses.losses import ShallowFeatures, nearest_neighbour_loss
from sketch_robot.poses.network import PoseDiscriminator, PoseGenerator, grid_affine, heat_maps, part_masks
from sketch_robot.poses.pairs import PosePair, PosePairs
from sketch_robot.poses.shape import SLIM, PoseShape
from sketch_robot.poses.weight_file import load_pose_weights, save_pose_weights, weights_of
from sketch_robot.training.run import RunningAverage, TrainingRun

Model = Literal['baseline', 'deformable', 'full']
MODELS: tuple[Model, ...] = get_args(Model)
BETAS = (0.5, 0.999)
WEIGHTS_FILE = 'pose.safetensors'


@dataclass(frozen=True)
class PoseOptions:
    """How to learn.

    Attributes:
        model: which of the published three.
        widths: of the generator's stages.
        critic_width: of the discriminator's first stage.
        steps: batches in all.
        rate, critic_rate: Adam's, of the generator and of the discriminator; the published 2e-4 is for wide networks.
        nearest, l1, matte: factors of the losses, which are summed over pixels and a mean over pictures.
        average: decay of the running average of weights, which is what is kept.
        fall_from: the share of the steps from which the rate falls to nothing, along a line.
        start: weights to begin with.
        seed: of first weights and dropout; batches have their own.
        save_every, log_every: steps.
    """

    model: Model = 'full'
    widths: tuple[int, ...] = SLIM.widths
    critic_width: int = 32
    steps: int = 4000
    rate: float = 1e-3
    critic_rate: float = 2e-4
    nearest: float = 0.01
    l1: float = 0.01
    matte: float = 0.005
    average: float = 0.999
    fall_from: float = 0.6
    start: Path | None = None
    seed: int = 0
    save_every: int = 100
    log_every: int = 20


class PoseTrainer(TrainingRun):
    """One run in its folder.

    Args:
        folder: of the run; gone on with when it has a checkpoint.
        pairs: what to learn from.
        options: how.
        features: what the nearest-neighbour loss compares; needed by 'full' alone.
        device: where.

    Raises:
        SketchRobotError: BAD_GOAL, an unknown model, or the folder's checkpoint is of another run, or is none.
    """

    def __init__(
        self,
        folder: Path,
        pairs: PosePairs,
        options: PoseOptions,
        *,
        features: ShallowFeatures | None = None,
        device: torch.device | str = 'cpu',
    ) -> None:
        super().__init__(folder, steps=options.steps, save_every=options.save_every, log_every=options.log_every)
        if options.model not in MODELS:
            raise SketchRobotError(
                ErrorCode.BAD_GOAL, f'no model {options.model!r}; choose one of: {", ".join(MODELS)}'
            )
        if options.model == 'full' and features is None:
            raise SketchRobotError(ErrorCode.BAD_GOAL, "the model 'full' needs a feature net")
        self.pairs, self.options, self.device = pairs, options, torch.device(device)
        self.features = features
        torch.manual_seed(options.seed)
        shape = PoseShape(options.widths, 4, deform=options.model != 'baseline')
        self.net = PoseGenerator(shape)
        if options.start is not None:
            start_from(options.start, self.net)
        self.net.to(self.device)
        self.critic = PoseDiscriminator(shape.channels, options.critic_width).to(self.device)
        self.optimiser = torch.optim.Adam(self.net.parameters(), lr=options.rate, betas=BETAS)
        self.critics_optimiser = torch.optim.Adam(self.critic.parameters(), lr=options.critic_rate, betas=BETAS)
        self.average = RunningAverage(self.net, options.average)
        self._stream: Iterator[PosePair] = iter(())
        self.resume()

    @contextmanager
    def working(self) -> Iterator[None]:
        """Streams batches."""
        with self.pairs.stream(self.step) as self._stream:
            yield

    def train_step(self) -> dict[str, Tensor]:
        """See `TrainingRun`."""
        options = self.options
        torch.manual_seed(options.seed * 1_000_003 + self.step)  # of dropout
        batch = next(self._stream)
        wanted, picture = batch.wanted.to(self.device), batch.picture.to(self.device)
        height, width = wanted.shape[-2:]
        pose, target, warps, masks = conditions(batch, height, width, self.device)
        for optimiser, rate in ((self.optimiser, options.rate), (self.critics_optimiser, options.critic_rate)):
            for group in optimiser.param_groups:
                group['lr'] = rate * self._share_of_rate()
        self.net.train()
        drawn = self.net(picture, pose, target, warps, masks)

        both = torch.cat([wanted, drawn.detach()])
        answers = self.critic(picture.repeat(2, 1, 1, 1), pose.repeat(2, 1, 1, 1), both, target.repeat(2, 1, 1, 1))
        count = len(wanted)
        critic = 0.5 * (_is(answers[:count], 1.0) + _is(answers[count:], 0.0))
        self.critics_optimiser.zero_grad(set_to_none=True)
        critic.backward()
        self.critics_optimiser.step()

        self.critic.requires_grad_(False)
        losses = {'fooled': _is(self.critic(picture, pose, drawn, target), 1.0)}
        self.critic.requires_grad_(True)
        losses['matte'] = (drawn[:, 3:] - wanted[:, 3:]).abs().sum() / count
        total = losses['fooled'] + options.matte * losses['matte']
        if options.model == 'full' and self.features is not None:
            seen, goal = ((maps[:, :3] + 1) / 2 for maps in (drawn, wanted))
            losses['nearest'] = nearest_neighbour_loss(self.features(seen), self.features(goal))
            total = total + options.nearest * losses['nearest']
        else:
            losses['l1'] = (drawn[:, :3] - wanted[:, :3]).abs().sum() / count
            total = total + options.l1 * losses['l1']
        self.optimiser.zero_grad(set_to_none=True)
        total.backward()
        self.optimiser.step()
        self.average.update(self.net, self.step)
        found = {'loss': total, 'critic': critic, **losses}
        return {name: loss.detach() for name, loss in found.items()}

    def kept_net(self) -> PoseGenerator:
        """A copy of the net to use: the running average, in evaluation mode, on the CPU."""
        net = PoseGenerator(self.net.shape)
        net.load_state_dict(self.average.values)
        return net.eval()

    def save_kept(self) -> None:
        """Write the weights to use."""
        notes = {'model': self.options.model, 'steps': str(self.step)}
        weights = weights_of(self.kept_net(), self.pairs.pictures.size_px[0], notes)
        save_pose_weights(weights, self.folder / WEIGHTS_FILE)

    def state(self) -> dict[str, Any]:
        """See `TrainingRun`."""
        return {
            'net': self.net.state_dict(),
            'critic': self.critic.state_dict(),
            'average': self.average.values,
            'optimiser': self.optimiser.state_dict(),
            'critics_optimiser': self.critics_optimiser.state_dict(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """See `TrainingRun`."""
        self.net.load_state_dict(state['net'])
        self.critic.load_state_dict(state['critic'])
        self.average.values = {name: value.to(self.device) for name, value in state['average'].items()}
        self.optimiser.load_state_dict(state['optimiser'])
        self.critics_optimiser.load_state_dict(state['critics_optimiser'])

    def identity(self) -> str:
        """What must not change between an interrupted run and its continuation."""
        options = {k: v for k, v in asdict(self.options).items() if k not in ('save_every', 'log_every')}
        pairs = {name: getattr(self.pairs, name) for name in ('count', 'seed', 'vary')}
        pictures = {'pictures': len(self.pairs.pictures.rgba), 'size': self.pairs.pictures.size_px}
        return json.dumps({'options': options, 'pairs': pairs, **pictures}, sort_keys=True, default=str)

    def _share_of_rate(self) -> float:
        return min(1.0, (1.0 - self.share_done) / max(1e-9, 1.0 - self.options.fall_from))


def conditions(
    batch: PosePair, height: int, width: int, device: torch.device | str = 'cpu'
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """What the generator sees besides the picture: heat maps of both poses, warps, and parts' masks."""
    return (
        heat_maps(batch.pose.to(device), height, width),
        heat_maps(batch.target.to(device), height, width),
        grid_affine(batch.to_source.to(device), height, width),
        part_masks(batch.corners.to(device), batch.there.to(device), height, width),
    )


def start_from(path: Path, net: PoseGenerator) -> None:
    """Begin with the weights of a file.

    Raises:
        SketchRobotError: BAD_GOAL, they are of a net of another shape, or none.
    """
    given = load_pose_weights(path)
    if (given.shape.widths, given.shape.channels) != (net.shape.widths, net.shape.channels):
        raise SketchRobotError(ErrorCode.BAD_GOAL, f'{path} is a net of other widths: {given.shape.widths}')
    net.load_state_dict({name: torch.from_numpy(value) for name, value in given.tensors.items()})


def _is(logits: Tensor, value: float) -> Tensor:
    """Cross-entropy of answers against one truth."""
    return functional.binary_cross_entropy_with_logits(logits, torch.full_like(logits, value))
