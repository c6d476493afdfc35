"""How a generator comes on: colours, sharpness, variety and a distance to real pictures; and when it has collapsed.

The distance is Frechet's between features of made and of held-out pictures (Heusel et al. 2017), here of EfficientNet-
Lite0, whose middle layers know lines and shapes; it is to be compared with itself only, never with a published FID.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from sketch_robot.training.run import append_line

LAYER = 7  # of EfficientNet-Lite0: 80 maps of 6 x 6 for 96 px
PLACES = 2  # its maps are averaged over a grid of 2 x 2
RIDGE = 1e-6  # on the diagonal of a covariance of few pictures
LEAST_VARIETY, LEAST_SHARPNESS, MOST_SHARPNESS, MOST_COLOUR = 0.35, 0.3, 3.0, 0.2
LOOKS_FILE = 'looks.jsonl'

_log = logging.getLogger(__name__)
Features = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class SampleQuality:
    """What made pictures are like, beside real ones.

    Attributes:
        distance: Frechet's, of features; lower is better.
        sharpness: mean strength of edges, as a share of that of real pictures.
        variety: mean distance of a picture from another, likewise.
        colour: largest difference of a channel's mean or deviation from that of real pictures, of its range.
    """

    distance: float
    sharpness: float
    variety: float
    colour: float

    @property
    def collapse(self) -> str:
        """Why these are no pictures any more; '' when they may be some."""
        if not np.isfinite(self.distance):
            return 'the pictures are no numbers'
        if self.variety < LEAST_VARIETY:
            return f'all pictures are alike: their variety is {self.variety:.2f} of that of real ones'
        if not LEAST_SHARPNESS <= self.sharpness <= MOST_SHARPNESS:
            return f'edges are {self.sharpness:.2f} times as strong as in real ones'
        if self.colour > MOST_COLOUR:
            return f'a colour is off by {self.colour:.2f} of its range'
        return ''


class Monitor:
    """Looks at what a generator makes.

    Args:
        real: (M, C, 96, 96) uint8, held-out pictures.
        features: from pictures (N, C, 96, 96) in [0, 1] to (N, F); None: EfficientNet-Lite0's.
        device: where features are computed.

    Raises:
        ModuleNotFoundError: EfficientNet-Lite0 is not installed.
    """

    def __init__(self, real: np.ndarray, features: Features | None = None, *, device: str = 'cpu') -> None:
        self.features = lite0_features(device) if features is None else features
        pictures = torch.from_numpy(real).to(device).float() / 255
        self._real = _moments(self._seen(pictures))
        self._edges, self._variety, self._colour = edges(pictures), variety(pictures), _colour(pictures)

    def look(self, made: Tensor) -> SampleQuality:
        """Look at pictures (N, C, 96, 96) in [0, 1]."""
        off = (_colour(made) - self._colour).abs().max()
        return SampleQuality(
            frechet_distance(self._real, _moments(self._seen(made))),
            float(edges(made) / self._edges),
            float(variety(made) / self._variety),
            float(off),
        )

    @torch.no_grad()
    def _seen(self, pictures: Tensor, batch: int = 64) -> np.ndarray:
        return torch.cat([self.features(part) for part in pictures.split(batch)]).double().cpu().numpy()


class BestSamples:
    """Keeps the weights of the best look, and says when a run has collapsed: two bad looks in a row after a good one.

    Attributes:
        step, distance: of the best look; infinite before the first.
        values: its weights, a state dict.
    """

    def __init__(self) -> None:
        self.step, self.distance = 0, float('inf')
        self.values: dict[str, Tensor] = {}
        self.bad = 0
        self.collapsed_at = 0  # a step; 0: it has not

    def take(self, step: int, look: SampleQuality, values: dict[str, Tensor]) -> None:
        """Take in a look."""
        why = look.collapse
        self.bad = self.bad + 1 if why and self.values else 0  # before the first good one it has only not begun
        if self.bad == 2 and not self.collapsed_at:
            self.collapsed_at = step
            _log.warning('collapsed at step %d: %s', step, why)
        if not why and look.distance < self.distance:
            self.step, self.distance = step, look.distance
            self.values = {name: value.detach().clone() for name, value in values.items()}

    def state(self) -> dict[str, object]:
        """As a checkpoint keeps it."""
        return dict(vars(self))

    def restore(self, state: dict[str, object]) -> None:
        """Take on what `state` gave."""
        vars(self).update(state)


def note_look(folder: Path, step: int, look: SampleQuality) -> None:
    """Add a look to the folder's `looks.jsonl`, and say it."""
    entry = {'step': step, **{name: round(value, 4) for name, value in asdict(look).items()}}
    _log.info('a look: %s', json.dumps(entry))
    append_line(folder / LOOKS_FILE, entry)


def lite0_features(device: str = 'cpu') -> Features:
    """EfficientNet-Lite0 up to its eighth block, averaged over a grid: (N, C, 96, 96) in [0, 1] to (N, 320).

    Raises:
        ModuleNotFoundError: it is not installed.
    """
    from sketch_robot.training.losses import Lite0Features

    net = Lite0Features((LAYER,)).eval().requires_grad_(False).to(device)

    def features(pictures: Tensor) -> Tensor:
        maps = net.maps(pictures.expand(-1, 3, -1, -1))[0]
        return functional.adaptive_avg_pool2d(maps, PLACES).flatten(1)

    return features


def frechet_distance(one: tuple[np.ndarray, np.ndarray], other: tuple[np.ndarray, np.ndarray]) -> float:
    """Frechet's distance of two normal distributions, each a mean (F,) and a covariance (F, F)."""
    (mean, covariance), (other_mean, other_covariance) = one, other
    if not np.isfinite(other_covariance).all():
        return float('inf')
    values, vectors = np.linalg.eigh(covariance)
    root = (vectors * np.sqrt(np.clip(values, 0, None))) @ vectors.T
    cross = np.sqrt(np.clip(np.linalg.eigvalsh(root @ other_covariance @ root), 0, None)).sum()
    apart = np.square(mean - other_mean).sum()
    return float(apart + np.trace(covariance) + np.trace(other_covariance) - 2 * cross)


def _moments(seen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return seen.mean(0), np.cov(seen.T) + RIDGE * np.eye(seen.shape[1])


def edges(pictures: Tensor) -> Tensor:
    """Mean strength of edges of pictures in [0, 1]."""
    grey = pictures.mean(1)
    return 0.5 * ((grey[:, 1:] - grey[:, :-1]).abs().mean() + (grey[:, :, 1:] - grey[:, :, :-1]).abs().mean())


def variety(pictures: Tensor) -> Tensor:
    """Mean distance of each picture from the one that is half the set away."""
    return (pictures - pictures.roll(len(pictures) // 2, 0)).abs().mean()


def _colour(pictures: Tensor) -> Tensor:
    return torch.cat([pictures.mean((0, 2, 3)), pictures.std((0, 2, 3))])


def sample_sheet(pictures: Sequence[np.ndarray] | np.ndarray, columns: int, *, scale: int = 1) -> np.ndarray:
    """Pictures (N, H, W, 3) uint8 side by side, row by row: (rows H, columns W, 3) uint8, white where none is left."""
    given = np.asarray(pictures)
    rows = -(-len(given) // columns)
    height, width = given.shape[1:3]
    sheet = np.full((rows * columns, height, width, 3), 255, np.uint8)
    sheet[: len(given)] = given
    whole = sheet.reshape(rows, columns, height, width, 3).transpose(0, 2, 1, 3, 4)
    whole = np.ascontiguousarray(whole.reshape(rows * height, columns * width, 3))
    if scale == 1:
        return whole
    return np.asarray(cv2.resize(whole, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC))


def as_pictures(made: Tensor) -> np.ndarray:
    """Made pictures (N, C, H, W) in [0, 1] as (N, H, W, 3) uint8."""
    pixels = (255 * made.detach().clamp(0, 1)).round().byte().expand(-1, 3, -1, -1)
    return pixels.permute(0, 2, 3, 1).cpu().numpy()
