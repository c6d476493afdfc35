"""Feature nets for the style loss: VGG19 when its weights are at hand, else a fixed bank of filters.

Random filters are usable for Gram statistics (Ustyuzhaninov et al. 2017, "What does it take to generate natural
textures?"); orthogonal ones waste none. The bank sees lines at three scales with two layers each.
"""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional

from sketch_robot.errors import ErrorCode, SketchRobotError

BANK_SEED = 19
BANK_SCALES = 3
BANK_CHANNELS = (16, 32)
BANK_GAIN = 8.0  # brings the loss of a soft against a sharp drawing near that of the cross-entropy
VGG19_BLOCKS = ((64, 2), (128, 2), (256, 4), (512, 4), (512, 1))  # up to conv5_1
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class FilterBank(nn.Module):
    """Two layers of fixed random orthogonal filters at three scales; no file needed."""

    near: Tensor
    far: Tensor

    def __init__(self) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(BANK_SEED)
        first, second = BANK_CHANNELS
        self.register_buffer('near', BANK_GAIN * _orthogonal(first, 1, 7, generator), persistent=False)
        self.register_buffer('far', _orthogonal(second, first, 3, generator), persistent=False)

    def forward(self, ink: Tensor) -> list[Tensor]:
        """(N, 1, H, W) in [0, 1] to six maps."""
        maps: list[Tensor] = []
        for scale in range(BANK_SCALES):
            x = ink if scale == 0 else functional.avg_pool2d(ink, 2**scale)
            near = functional.relu(functional.conv2d(x, self.near, padding=3))
            maps += [near, functional.relu(functional.conv2d(near, self.far, stride=2, padding=1))]
        return maps


class Vgg19Features(nn.Module):
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

    def forward(self, ink: Tensor) -> list[Tensor]:
        """(N, 1, H, W) ink in [0, 1], shown to VGG as black on white, to five maps."""
        x = ((1 - ink).expand(-1, 3, -1, -1) - self.mean) / self.std
        maps = []
        for number, layer in enumerate(self.features):
            x = layer(x)
            if number in self.taps:
                maps.append(x)
        return maps


def make_style_features(vgg19: Path | None = None) -> nn.Module:
    """VGG19 from a file, or the built-in bank without one."""
    return FilterBank() if vgg19 is None else Vgg19Features(vgg19)


def _orthogonal(outputs: int, inputs: int, size: int, generator: torch.Generator) -> Tensor:
    """(outputs, inputs, size, size) with orthonormal rows of mean zero: plain paper gives no response."""
    rows = torch.randn(inputs * size * size, outputs, generator=generator, dtype=torch.float64)
    rows = rows - rows.mean(0, keepdim=True)
    return torch.linalg.qr(rows)[0].T.reshape(outputs, inputs, size, size).float()
