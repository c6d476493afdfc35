"""Learn many manners at once, or a new one into a network that knows others.

A run lives in a folder: `photos.safetensors` (packed), `checkpoint.pt`, `log.jsonl` (one line a logged step) and
`styles.safetensors` (the running average, as the robot loads it). Started again it goes on from its checkpoint; batches
and random filters are functions of seed and step, so the loss curve is that of an uninterrupted run.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.line_art.styles.network import StyleNet, fill_net
from sketch_robot.line_art.styles.style_file import THUMBNAIL_PX, StyleEntry, StyleSet, save_styles
from sketch_robot.training.run import RunningAverage, TrainingRun
from sketch_robot.training.styles.batches import StyleBatch, StyleBatches, StyleBatchOptions
from sketch_robot.training.styles.losses import (
    PictureLoss,
    StyleLossWeights,
    place_loss,
    style_features,
    texture_loss,
    tone_loss,
)
from sketch_robot.training.styles.pens import PenManner
from sketch_robot.training.styles.pictures import StylePicture

STYLES_FILE, PHOTOS_FILE = 'styles.safetensors', 'photos.safetensors'
MOST_GRADIENT = 10.0
BETAS = (0.9, 0.99)
FASTER = 10.0  # rate of scales and shifts, by that of what all styles share


@dataclass(frozen=True)
class Manner:
    """A style to learn: by a pen's rule, or by a picture.

    Attributes:
        name: of the style.
        rule: draws targets; None: the picture judges.
        picture: what to look like; None: the rule says.
        for_pen, source: see `StyleEntry`.
    """

    name: str
    rule: PenManner | None = None
    picture: StylePicture | None = None
    for_pen: bool = True
    source: str = ''


@dataclass(frozen=True)
class StyleTrainOptions:
    """How to train.

    Attributes:
        steps: batches in all.
        rate: Adam's, of what all styles share; it stays, and the running average takes the noise out.
        average: decay of the running average that is kept.
        weights: factors of the losses.
        bfloat16: compute the network in bfloat16; losses stay float32.
        seed: of first weights, batches and filters.
        only_new: learn the scales and shifts of the last so many styles and nothing else; 0: everything.
        vgg19: weight file of the feature net by which pictures judge; None: EfficientNet-Lite0.
        save_every, log_every: steps.
    """

    steps: int = 8000
    rate: float = 1e-3
    average: float = 0.995
    weights: StyleLossWeights = field(default_factory=StyleLossWeights)
    bfloat16: bool = True
    seed: int = 0
    only_new: int = 0
    vgg19: Path | None = None
    save_every: int = 200
    log_every: int = 20


class StyleTrainer(TrainingRun):
    """One run in its folder.

    Args:
        folder: of the run; made when missing; goes on from its checkpoint when there is one.
        photos: (M, P, P, 3) uint8.
        manners: the styles, in the network's order.
        options, batches: how.
        start: a set whose network to begin with, and whose styles are the first of the manners.

    Raises:
        SketchRobotError: BAD_GOAL, no manners, or the folder's checkpoint is of another run.
    """

    def __init__(
        self,
        folder: Path,
        photos: np.ndarray,
        manners: Sequence[Manner],
        options: StyleTrainOptions | None = None,
        *,
        batches: StyleBatchOptions | None = None,
        start: StyleSet | None = None,
    ) -> None:
        if not manners:
            raise SketchRobotError(ErrorCode.BAD_GOAL, 'there is no style to learn')
        self.options = options or StyleTrainOptions()
        steps, save_every, log_every = self.options.steps, self.options.save_every, self.options.log_every
        super().__init__(folder, steps=steps, save_every=save_every, log_every=log_every)
        self.manners = tuple(manners)
        new = self.options.only_new
        self.first = len(manners) - new if new else 0
        self.batches = StyleBatches(
            photos, [each.rule for each in manners[self.first :]], batches, seed=self.options.seed
        )
        torch.manual_seed(self.options.seed)
        net = StyleNet(len(manners))
        if start is not None:
            fill_net(net, start)
        self.net = net
        self.judge, self.picture_of = self._judge()
        own = [parameter for each in net.all_layers for parameter in each.norm.parameters()]
        shared = [] if new else [parameter for each in net.all_layers for parameter in each.conv.parameters()]
        self.parameters = own + shared
        rate = self.options.rate
        groups: list[dict[str, Any]] = [{'params': own, 'lr': rate * FASTER}]
        groups += [{'params': shared}] if shared else []
        self.optimiser = torch.optim.Adam(groups, lr=rate, betas=BETAS)
        self.average = RunningAverage(self.net, self.options.average)
        self._stream: Iterator[StyleBatch] = iter(())
        self.resume()

    @contextmanager
    def working(self) -> Iterator[None]:
        """Streams batches."""
        stream = self.batches.stream(self.step)
        self._stream = stream
        try:
            yield
        finally:
            stream.close()

    def kept(self) -> StyleSet:
        """The running average as the robot loads it; thumbnails are blank."""
        net = StyleNet(len(self.manners))
        net.load_state_dict(self.average.values)
        return style_set(net, self.manners)

    def state(self) -> dict[str, Any]:
        """See `TrainingRun`."""
        return {
            'net': self.net.state_dict(),
            'average': self.average.values,
            'optimiser': self.optimiser.state_dict(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """See `TrainingRun`."""
        self.net.load_state_dict(state['net'])
        self.optimiser.load_state_dict(state['optimiser'])
        self.average.values = dict(state['average'])

    def save_kept(self) -> None:
        """Write the styles as the robot loads them."""
        save_styles(self.kept(), self.folder / STYLES_FILE)

    def train_step(self) -> dict[str, float]:
        """See `TrainingRun`."""
        batch = next(self._stream)
        options, factors = self.options, self.options.weights
        generator = torch.Generator().manual_seed(options.seed * 1_000_003 + self.step)
        chosen = functional_one_hot(batch.style + self.first, len(self.manners))
        with torch.autocast('cpu', torch.bfloat16, enabled=options.bfloat16):
            drawn = self.net(batch.rgb, chosen)
        drawn = drawn.float()
        losses: dict[str, Tensor] = {}
        total = drawn.new_zeros(())
        share = float(batch.by_pen.float().mean())
        if share > 0:
            pens, target, lines = drawn[batch.by_pen], batch.target[batch.by_pen], batch.lines[batch.by_pen]
            losses['place'] = place_loss(pens, target, lines)
            losses['tone'] = tone_loss(pens, target)
            losses['texture'] = texture_loss(pens.mean(1, keepdim=True), target, generator)
            by_pen = factors.place * losses['place'] + factors.tone * losses['tone']
            total = total + share * (by_pen + factors.texture * losses['texture'])
        if share < 1 and self.judge is not None:
            others = ~batch.by_pen
            which = self.picture_of[batch.style[others] + self.first]
            style, content, variation = self.judge(drawn[others], batch.rgb[others], which)
            losses.update(style=style, content=content, variation=variation)
            by_picture = factors.style * style + factors.content * content + factors.variation * variation
            total = total + (1 - share) * by_picture / factors.style
        self.optimiser.zero_grad(set_to_none=True)
        total.backward()
        if options.only_new:
            for parameter in self.parameters:
                if parameter.grad is not None:
                    parameter.grad[: self.first] = 0
        nn.utils.clip_grad_norm_(self.parameters, MOST_GRADIENT)
        self.optimiser.step()
        self.average.update(self.net, self.step)
        return {'loss': float(total.detach()), **{name: float(loss.detach()) for name, loss in losses.items()}}

    def _judge(self) -> tuple[PictureLoss | None, Tensor]:
        """What judges by pictures, when there are any, and which of them each style has."""
        found = [k for k, each in enumerate(self.manners) if k >= self.first and each.rule is None]
        index = torch.zeros(len(self.manners), dtype=torch.long)
        pictures = []
        for number, k in enumerate(found):
            picture = self.manners[k].picture
            if picture is None:
                raise SketchRobotError(
                    ErrorCode.BAD_GOAL, f'the style {self.manners[k].name} has nothing to learn from'
                )
            index[k] = number
            pictures.append(torch.from_numpy(picture.rgb).permute(2, 0, 1).float() / 255)
        return (PictureLoss(torch.stack(pictures), style_features(self.options.vgg19)) if pictures else None), index

    def identity(self) -> str:
        """What must not change between an interrupted run and its continuation."""
        options = {k: v for k, v in asdict(self.options).items() if k not in ('save_every', 'log_every')}
        data: dict[str, Any] = {'batches': asdict(self.batches.options), 'photos': len(self.batches.photos)}
        return json.dumps(
            {'training': options, **data, 'styles': [each.name for each in self.manners]}, sort_keys=True, default=str
        )


def functional_one_hot(style: Tensor, styles: int) -> Tensor:
    """(N,) int64 to (N, styles) float32."""
    return nn.functional.one_hot(style, styles).float()


@torch.no_grad()
def style_set(net: StyleNet, manners: Sequence[Manner]) -> StyleSet:
    """A network with its styles as plain numbers."""
    table = net.condition(torch.eye(net.styles)).numpy()
    blank = np.full((THUMBNAIL_PX, THUMBNAIL_PX, 3), 255, np.uint8)
    return StyleSet(
        tuple(each.conv.weight.numpy().copy() for each in net.all_layers),
        tuple(np.zeros(0) if each.conv.bias is None else each.conv.bias.numpy().copy() for each in net.all_layers),
        tuple(
            StyleEntry(each.name, condition.copy(), blank, each.for_pen, each.source)
            for each, condition in zip(manners, table, strict=True)
        ),
    )
