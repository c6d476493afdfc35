"""The layers of the styles' network, as plain numbers: torch trains them, OpenVINO runs them."""

from __future__ import annotations

from dataclasses import dataclass

SMALLEST_VARIANCE = 1e-5  # added to a map's variance before it is divided by
REDUCTION = 4  # a picture's sides are whole multiples of it


@dataclass(frozen=True)
class Layer:
    """A convolution.

    Attributes:
        inputs, outputs: channels.
        kernel, stride: px; the picture is padded by half the kernel, by reflection.
        enlarge: the factor by which the picture is enlarged before, bilinearly.
        opens_block, closes_block: where a residual block begins and ends; nothing clips what closes one.
    """

    inputs: int
    outputs: int
    kernel: int = 3
    stride: int = 1
    enlarge: int = 1
    opens_block: bool = False
    closes_block: bool = False


BLOCKS = 5
LAYERS: tuple[Layer, ...] = (
    Layer(3, 32, kernel=9),
    Layer(32, 64, stride=2),
    Layer(64, 128, stride=2),
    *(Layer(128, 128, opens_block=first, closes_block=not first) for _ in range(BLOCKS) for first in (True, False)),
    Layer(128, 64, enlarge=2),
    Layer(64, 32, enlarge=2),
    Layer(32, 3, kernel=9),
)


def condition_length() -> int:
    """How many numbers a style is: a scale and a shift for each channel of each layer."""
    return sum(2 * layer.outputs for layer in LAYERS)
