"""What a board drew when it was left alone, told by where its pen was found."""

from __future__ import annotations

import numpy as np
import pytest

from sketch_robot.plotters.ebb.progress import drawn_alone
from sketch_robot.plotters.progress import Proven
from sketch_robot.stroke import Stroke

STROKES = (
    Stroke(np.array([[0.0, 0.0], [10.0, 0.0]])),
    Stroke(np.array([[10.0, 5.0], [12.0, 5.0]])),
    Stroke(np.array([[20.0, 5.0], [20.0, 50.0]])),
)


@pytest.mark.parametrize(
    ('xy', 'down', 'proven'),
    [
        ((4.0, 0.0), True, Proven(0, 4.0)),
        ((10.0, 0.0), False, Proven(1)),  # lifted, and not yet gone
        ((10.0, 2.0), False, Proven(1)),  # on its way to the second
        ((11.0, 5.0), True, Proven(1, 1.0)),  # drew that, too
        ((20.0, 20.0), True, Proven(2, 15.0) if 15.0 <= 25.0 - 12.0 else Proven()),  # farther than a queue goes
        ((4.0, 0.0), False, Proven()),  # nobody knows why it is up
        ((4.0, 3.0), True, Proven()),  # on no line
    ],
)
def test_where_the_pen_was_found_tells_what_was_drawn(xy, down, proven):
    assert drawn_alone(STROKES, xy, down=down) == proven
