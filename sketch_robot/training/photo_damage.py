"""What cameras and the net do to photos, on batches and on the batch's device: light, colour, grey, blur, noise, JPEG.

Down-sampling by 2, 4 and 6 and back is the paper's augmentation for blurred photos.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

BLUR_FACTORS = (2, 4, 6)
JPEG_BLOCK = 8
# luminance table of the JPEG standard (ITU-T T.81, annex K), used for all channels
JPEG_TABLE = (
    (16, 11, 10, 16, 24, 40, 51, 61),
    (12, 12, 14, 19, 26, 58, 60, 55),
    (14, 13, 16, 24, 40, 57, 69, 56),
    (14, 17, 22, 29, 51, 87, 80, 62),
    (18, 22, 37, 56, 68, 109, 103, 77),
    (24, 35, 55, 64, 81, 104, 113, 92),
    (49, 64, 78, 87, 103, 121, 120, 101),
    (72, 92, 95, 98, 112, 100, 103, 99),
)


@dataclass(frozen=True)
class DamageOptions:
    """How photos are damaged; probabilities are for each photo.

    Attributes:
        light: probability of a change of brightness, contrast and gamma.
        colour: probability of a colour cast and changed saturation.
        grey: probability of a grey photo.
        blur: probability of down-sampling by 2, 4 or 6 and back.
        noise: probability of sensor noise.
        jpeg: probability of coarse JPEG.
    """

    light: float = 0.7
    colour: float = 0.5
    grey: float = 0.1
    blur: float = 0.25
    noise: float = 0.25
    jpeg: float = 0.25


UNDAMAGED = DamageOptions(light=0, colour=0, grey=0, blur=0, noise=0, jpeg=0)


def damage_photos(rgb: Tensor, options: DamageOptions, rngs: list[np.random.Generator]) -> Tensor:
    """Damage a batch, each photo by its own generator, so that a photo's fate does not depend on its batch.

    Args:
        rgb: (N, 3, H, W) float32 in [0, 1], H and W multiples of 8.
        rngs: N generators.
    """
    return torch.cat([_damage(photo[None], options, rng) for photo, rng in zip(rgb, rngs, strict=True)])


def _damage(rgb: Tensor, options: DamageOptions, rng: np.random.Generator) -> Tensor:
    chances = rng.random(6)
    if chances[0] < options.light:
        gamma, contrast, light = np.exp(rng.uniform(-0.5, 0.5)), rng.uniform(0.6, 1.3), rng.uniform(-0.15, 0.15)
        rgb = ((rgb.clamp(1e-4, 1) ** float(gamma) - 0.5) * float(contrast) + 0.5 + float(light)).clamp(0, 1)
    if chances[1] < options.colour:
        cast = torch.tensor(rng.uniform(0.85, 1.15, 3), dtype=rgb.dtype, device=rgb.device).view(1, 3, 1, 1)
        grey = _grey(rgb)
        rgb = ((grey + float(rng.uniform(0.5, 1.4)) * (rgb - grey)) * cast).clamp(0, 1)
    if chances[2] < options.grey:
        rgb = _grey(rgb).expand_as(rgb)
    if chances[3] < options.blur:
        rgb = down_and_up(rgb, int(rng.choice(BLUR_FACTORS)))
    if chances[4] < options.noise:
        generator = torch.Generator(rgb.device).manual_seed(int(rng.integers(2**31)))
        noise = torch.randn(rgb.shape, generator=generator, device=rgb.device, dtype=rgb.dtype)
        rgb = (rgb + float(rng.uniform(0.005, 0.06)) * noise).clamp(0, 1)
    if chances[5] < options.jpeg:
        rgb = quantise_like_jpeg(rgb, float(rng.uniform(15, 70)))
    return rgb


def down_and_up(rgb: Tensor, factor: int) -> Tensor:
    """Down-sample by a factor, averaging, and up-sample back, bilinearly."""
    size = rgb.shape[-2:]
    small = functional.interpolate(rgb, size=[max(1, side // factor) for side in size], mode='area')
    return functional.interpolate(small, size=size, mode='bilinear', align_corners=False)


def quantise_like_jpeg(rgb: Tensor, quality: float) -> Tensor:
    """Quantise 8 x 8 blocks' cosine transforms as JPEG of that quality (1 to 100) does, on each channel."""
    scale = 50 / quality if quality < 50 else 2 - quality / 50
    table = (torch.tensor(JPEG_TABLE, dtype=rgb.dtype, device=rgb.device) * scale).clamp(min=1) / 255
    basis = _cosines(rgb.dtype, rgb.device)
    n, c, height, width = rgb.shape
    blocks = rgb.reshape(n, c, height // JPEG_BLOCK, JPEG_BLOCK, width // JPEG_BLOCK, JPEG_BLOCK).transpose(3, 4)
    spectrum = basis @ (blocks - 0.5) @ basis.T
    blocks = basis.T @ ((spectrum / table).round() * table) @ basis + 0.5
    return blocks.transpose(3, 4).reshape(n, c, height, width).clamp(0, 1)


def _grey(rgb: Tensor) -> Tensor:
    weights = torch.tensor((0.299, 0.587, 0.114), dtype=rgb.dtype, device=rgb.device).view(1, 3, 1, 1)
    return (rgb * weights).sum(1, keepdim=True)


def _cosines(dtype: torch.dtype, device: torch.device) -> Tensor:
    """The orthonormal 8-point DCT-II, (8, 8)."""
    k = torch.arange(JPEG_BLOCK, dtype=torch.float64)
    basis = torch.cos(torch.pi * (2 * k + 1) * k[:, None] / (2 * JPEG_BLOCK)) * (2 / JPEG_BLOCK) ** 0.5
    basis[0] /= 2**0.5
    return basis.to(device, dtype)
