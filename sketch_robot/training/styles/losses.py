"""What makes a picture look drawn in a manner.

A style picture judges by the Gram matrices of a feature net's maps, each measured by its own energy, and the photo by
the maps themselves (Gatys, Ecker & Bethge 2016). A pen's own drawing of the same photo judges where each line's place
is known by what is there, and else by how grey it is near by, and by the sliced Wasserstein distance (Rabin et al.
2011; Heitz et al. 2021) of the answers to random filters and waves: hatching shifted by half a line is as good, though
no pixel is the same; the mean of both would be grey.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from sketch_robot.training.losses import LEAST_FEATURE, FeatureNet, Lite0Features, Vgg19Features, gram_matrix

STEM = -1
STYLE_TAPS = (STEM, 0, 2, 4, 7, 10)  # blocks after which maps are compared
CONTENT_TAPS = (2, 3)  # of those, the ones by which the photo judges
FILTERS_PX = (3, 5, 7, 11)  # sides of the random filters
FILTERS = 14  # of each side
LEAST_WAVE_PX, WAVES_PX = 7, (3.5, 10.0)  # half of the larger filters are waves so long: they tell hatching's direction
PARTS = 2  # filters' answers are compared in PARTS x PARTS parts of the picture
EVERY_PX = 3  # ... at every third pixel
NEAR_PX = (6, 12)  # sides of the squares over which greys are compared


@dataclass(frozen=True)
class StyleLossWeights:
    """How much each loss counts.

    Attributes:
        style, content, variation: of style pictures. With a style of 1 nothing happened to a photo.
        place, tone, texture: of a pen's own drawings.
    """

    style: float = 30.0
    content: float = 1.0
    variation: float = 2.0
    place: float = 2.0
    tone: float = 6.0
    texture: float = 6.0


class PictureLoss(nn.Module):
    """Judges by style pictures.

    Args:
        pictures: (K, 3, P, P) float32 in [0, 1].
        features: see `style_features`.
    """

    def __init__(self, pictures: Tensor, features: FeatureNet) -> None:
        super().__init__()
        self.features = features.eval().requires_grad_(False)
        with torch.no_grad():
            grams = [[gram_matrix(each.float()) for each in self.features.maps(picture[None])] for picture in pictures]
        self.grams = [torch.cat([one[k] for one in grams]) for k in range(len(grams[0]))]

    def forward(self, drawn: Tensor, photo: Tensor, style: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Compare.

        Args:
            drawn, photo: (N, 3, S, S) in [0, 1]; gradients flow to `drawn` alone.
            style: (N,) int64, which picture judges each.

        Returns:
            the losses of style, content and variation.
        """
        with torch.no_grad():
            wanted = [each.float() for each in self.features.maps(photo)]
        given = [each.float() for each in self.features.maps(drawn)]
        manner = torch.stack(
            [_share(gram_matrix(a), grams[style]) for a, grams in zip(given, self.grams, strict=True)]
        ).mean()
        content = torch.stack([_share(given[k], wanted[k]) for k in CONTENT_TAPS]).mean()
        return manner, content, total_variation(drawn)


def style_features(vgg19: Path | None = None) -> FeatureNet:
    """VGG19 from a file, or without one EfficientNet-Lite0's stem and five of its blocks.

    Raises:
        SketchRobotError: BAD_GOAL, the file is missing or is not VGG19's.
    """
    return Lite0Features(STYLE_TAPS) if vgg19 is None else Vgg19Features(vgg19)


def total_variation(picture: Tensor) -> Tensor:
    """Mean squared difference of neighbours."""
    across, down = picture.diff(dim=3), picture.diff(dim=2)
    return across.square().mean() + down.square().mean()


def place_loss(drawn: Tensor, target: Tensor, lines: Tensor) -> Tensor:
    """Mean difference where ink has its place: all (N, C, S, S), `lines` as weights in [0, 1]."""
    return ((drawn - target).abs() * lines).mean()


def tone_loss(drawn: Tensor, target: Tensor) -> Tensor:
    """Mean difference of local greys, (N, C, S, S) each."""
    off = drawn - target
    return torch.stack([functional.avg_pool2d(off, side, side // 2).abs().mean() for side in NEAR_PX]).mean()


def texture_loss(drawn: Tensor, target: Tensor, generator: torch.Generator) -> Tensor:
    """Sliced Wasserstein distance of the answers to random filters, part by part: (N, 1, S, S) each."""
    losses = []
    for side in FILTERS_PX:
        filters = torch.randn(FILTERS, 1, side, side, generator=generator)
        if side >= LEAST_WAVE_PX:
            filters[: FILTERS // 2] = waves(FILTERS // 2, side, generator)
        filters = filters - filters.mean((2, 3), keepdim=True)
        filters = filters / filters.flatten(1).norm(dim=1)[:, None, None, None]
        first = torch.randint(EVERY_PX, (2,), generator=generator).tolist()
        answers = [
            _parts(functional.conv2d(x[:, :, first[0] :, first[1] :], filters, stride=EVERY_PX)).sort(dim=-1).values
            for x in (drawn, target)
        ]
        losses.append((answers[0] - answers[1]).abs().mean())
    return torch.stack(losses).mean()


def waves(count: int, side: int, generator: torch.Generator) -> Tensor:
    """Plane waves of random directions, lengths and phases under a bell: (count, 1, side, side)."""
    turn, length, phase = (torch.rand(count, 1, 1, generator=generator) for _ in range(3))
    length = WAVES_PX[0] + (WAVES_PX[1] - WAVES_PX[0]) * length
    place = torch.arange(side) - (side - 1) / 2
    y, x = torch.meshgrid(place, place, indexing='ij')
    along = x * torch.cos(torch.pi * turn) + y * torch.sin(torch.pi * turn)
    bell = torch.exp(-0.5 * (x * x + y * y) / (side / 4) ** 2)
    return (bell * torch.cos(2 * torch.pi * (along / length + phase)))[:, None]


def _parts(x: Tensor) -> Tensor:
    """(N, C, H, W) to (N, C, PARTS * PARTS, values)."""
    height, width = (side // PARTS for side in x.shape[2:])
    cut = x[:, :, : height * PARTS, : width * PARTS].unfold(2, height, height).unfold(3, width, width)
    return cut.flatten(4).flatten(2, 3)


def _share(drawn: Tensor, wanted: Tensor) -> Tensor:
    """Squared difference by what the wanted ones have, picture by picture."""
    dims = tuple(range(1, drawn.ndim))
    return ((drawn - wanted).square().mean(dims) / (wanted.square().mean(dims) + LEAST_FEATURE)).mean()
