"""A set of styles that nobody trained: what the network does by itself."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from sketch_robot.line_art.styles.layers import LAYERS
from sketch_robot.line_art.styles.network import StyleNet
from sketch_robot.line_art.styles.style_file import THUMBNAIL_PX, StyleEntry, StyleSet


@pytest.fixture(scope='session')
def untrained() -> StyleSet:
    """Random kernels, two styles for pens and one for screens, with random scales and shifts."""
    torch.manual_seed(3)
    net = StyleNet(3)
    rng = np.random.default_rng(3)
    thumbnail = np.full((THUMBNAIL_PX, THUMBNAIL_PX, 3), 200, np.uint8)
    conditions = [rng.normal(0.5, 0.5, sum(2 * layer.outputs for layer in LAYERS)).astype(np.float32) for _ in range(3)]
    return StyleSet(
        tuple(each.conv.weight.detach().numpy() for each in net.all_layers),
        tuple(each.conv.bias.detach().numpy() for each in net.all_layers),
        (
            StyleEntry('hatching', conditions[0], thumbnail, True, 'nobody'),
            StyleEntry('dots', conditions[1], thumbnail, True),
            StyleEntry('oil', conditions[2], thumbnail, False),
        ),
    )
