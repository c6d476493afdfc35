"""Pictures for the nodes; the fixtures that start them are the testing kit's."""

from __future__ import annotations

import numpy as np
import pytest
from sensor_msgs.msg import Image
from skimage import data

from sketch_robot.nodes.images import image_to_ros


@pytest.fixture(scope='session')
def astronaut() -> np.ndarray:
    """(512, 512, 3) uint8 RGB: scikit-image's portrait of Eileen Collins."""
    return data.astronaut()


@pytest.fixture
def astronaut_image(astronaut: np.ndarray) -> Image:
    """The same as a message."""
    return image_to_ros(astronaut, 'rgb8')
