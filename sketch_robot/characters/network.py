"""The networks: generator and discriminator as published, and what helps them to learn on two cores.

Generator and discriminator are those of DCGAN (Radford et al. 2016) as Tian Yifan (2020) has them for 96 x 96 faces:
five layers each, no pooling, no fully connected layer, batch normalisation everywhere but at the ends, ReLU and tanh,
LeakyReLU and sigmoid. (The source prints the discriminator's strides in the generator's order; they are 3, 2, 2, 2, 1.)
"""

from __future__ import annotations

import copy
import math

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

LATENT, WIDTH = 100, 64  # as published
SLOPE = 0.2  # of LeakyReLU
FIRST_SCALE = 0.02  # standard deviation of the first weights (Radford et al. 2016)
UP = ((4, 1, 0), (4, 2, 1), (4, 2, 1), (4, 2, 1), (5, 3, 1))  # kernel, stride, padding: 1 -> 4, 8, 16, 32, 96 px
DOWN = ((5, 3, 1), (4, 2, 1), (4, 2, 1), (4, 2, 1), (4, 1, 0))  # 96 -> 32, 16, 8, 4, 1 px
TIMES = 16.0  # of time, beside which a flow sees its sine and cosine


def generator_channels(latent: int, width: int, channels: int) -> tuple[int, ...]:
    """Channels before, between and after the generator's five layers."""
    return latent, 8 * width, 4 * width, 2 * width, width, channels


class Generator(nn.Module):
    """From a latent vector to a picture.

    Args:
        latent: length of the vector.
        width: channels before the last layer; 64 as published.
        channels: of the picture.
    """

    def __init__(self, latent: int = LATENT, width: int = WIDTH, channels: int = 3) -> None:
        super().__init__()
        self.latent, self.width, self.channels = latent, width, channels
        sizes = generator_channels(latent, width, channels)
        layers: list[nn.Module] = []
        for k, (kernel, stride, padding) in enumerate(UP):
            last = k == len(UP) - 1
            layers.append(nn.ConvTranspose2d(sizes[k], sizes[k + 1], kernel, stride, padding, bias=last))
            if not last:
                layers += [nn.BatchNorm2d(sizes[k + 1]), nn.ReLU(inplace=True)]
        self.layers = nn.Sequential(*layers)

    def logits(self, latent: Tensor) -> Tensor:
        """(N, L) to what tanh makes a picture of: (N, C, 96, 96)."""
        return self.layers(latent[:, :, None, None])

    def forward(self, latent: Tensor) -> Tensor:
        """(N, L) to pictures (N, C, 96, 96) in [-1, 1]."""
        return self.logits(latent).tanh()


class Discriminator(nn.Module):
    """From a picture to how real it looks.

    Args:
        width: channels after the first layer.
        channels: of the picture.
        outputs: numbers for each picture; an encoder has more than one.
        spectral: spectral normalisation (Miyato et al. 2018) instead of batch normalisation.
    """

    def __init__(self, width: int = WIDTH, channels: int = 3, *, outputs: int = 1, spectral: bool = False) -> None:
        super().__init__()
        sizes = channels, width, 2 * width, 4 * width, 8 * width, outputs
        layers: list[nn.Module] = []
        for k, (kernel, stride, padding) in enumerate(DOWN):
            inside = 0 < k < len(DOWN) - 1
            conv = nn.Conv2d(sizes[k], sizes[k + 1], kernel, stride, padding, bias=spectral or not inside)
            layers.append(spectral_norm(conv) if spectral else conv)
            if inside and not spectral:
                layers.append(nn.BatchNorm2d(sizes[k + 1]))
            if k < len(DOWN) - 1:
                layers.append(nn.LeakyReLU(SLOPE, inplace=True))
        self.layers = nn.Sequential(*layers)

    def forward(self, pictures: Tensor) -> Tensor:
        """(N, C, 96, 96) in [-1, 1] to (N, outputs), before the sigmoid."""
        return self.layers(pictures).flatten(1)


class LatentFlow(nn.Module):
    """The velocity that takes noise to latent vectors of real pictures (Lipman et al. 2023, Liu et al. 2023).

    Args:
        latent: length of the vectors.
        hidden: width of its three hidden layers.
    """

    def __init__(self, latent: int, hidden: int = 384) -> None:
        super().__init__()
        sizes = latent + 3, hidden, hidden, hidden, latent
        self.dense = nn.ModuleList(nn.Linear(sizes[k], sizes[k + 1]) for k in range(4))

    def forward(self, x: Tensor, time: Tensor) -> Tensor:
        """(N, L) and (N, 1) in [0, 1] to (N, L)."""
        angle = 0.5 * math.pi * time
        x = torch.cat([x, time, angle.sin(), angle.cos()], 1)
        for layer in self.dense[:-1]:
            x = nn.functional.silu(layer(x))
        return self.dense[-1](x)

    def transport(self, noise: Tensor, steps: int) -> Tensor:
        """Take noise (N, L) along, in steps of Heun's method."""
        x = noise
        for k in range(steps):
            now, then = (torch.full((len(x), 1), (k + j) / steps, device=x.device, dtype=x.dtype) for j in (0, 1))
            first = self(x, now)
            x = x + (first + self(x + first / steps, then)) / (2 * steps)
        return x


class RealismNet(nn.Module):
    """How real each part of a picture looks, and all of it: what throws malformed faces away.

    Args:
        channels: of the picture.
        width: channels after the first layer.
    """

    def __init__(self, channels: int, width: int = 16) -> None:
        super().__init__()
        sizes = channels, width, 2 * width, 4 * width
        layers: list[nn.Module] = []
        for k, (kernel, stride, padding) in enumerate(((5, 2, 2), (4, 2, 1), (4, 2, 1))):
            layers += [nn.Conv2d(sizes[k], sizes[k + 1], kernel, stride, padding), nn.LeakyReLU(SLOPE, inplace=True)]
        self.trunk = nn.Sequential(*layers)  # 12 x 12 places, each of which sees about 25 px
        self.parts = nn.Conv2d(sizes[3], 1, 1)
        self.whole = nn.Sequential(
            nn.Conv2d(sizes[3], sizes[3], 4, 2, 1), nn.LeakyReLU(SLOPE, inplace=True), nn.Conv2d(sizes[3], 1, 6)
        )

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        """(N, C, 96, 96) in [-1, 1] to logits: of its parts (N, 144), and of the whole (N,)."""
        seen = self.trunk(pictures)
        return self.parts(seen).flatten(1), self.whole(seen).flatten()


def first_weights(net: nn.Module) -> None:
    """Draw the first weights as DCGAN does: convolutions from N(0, 0.02), scales of normalisation from N(1, 0.02)."""
    for module in net.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.normal_(module.weight, 0.0, FIRST_SCALE)
        elif isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.weight, 1.0, FIRST_SCALE)
            nn.init.zeros_(module.bias)


@torch.no_grad()
def folded(generator: Generator) -> list[tuple[np.ndarray, np.ndarray]]:
    """The generator's five kernels (inputs, outputs, k, k) and biases (outputs,), float32, normalisation folded in."""
    net = copy.deepcopy(generator).eval().cpu().float()
    found = []
    modules = list(net.layers)
    for k, module in enumerate(modules):
        if not isinstance(module, nn.ConvTranspose2d):
            continue
        kernel = module.weight
        bias = torch.zeros(kernel.shape[1]) if module.bias is None else module.bias
        after = modules[k + 1] if k + 1 < len(modules) else None
        if isinstance(after, nn.BatchNorm2d):
            assert after.running_mean is not None
            assert after.running_var is not None
            scale = after.weight / (after.running_var + after.eps).sqrt()
            kernel, bias = kernel * scale[None, :, None, None], after.bias + (bias - after.running_mean) * scale
        found.append((kernel.contiguous().numpy().copy(), bias.numpy().copy()))
    return found
