"""Snapping curves to pictures."""

from __future__ import annotations

import itertools

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from sketch_robot.line_art.guided.snap import cheapest_path, local_spread, snap


def picture_with_line(row: float, *, dark: bool = True) -> np.ndarray:
    """A 100 x 200 picture with a line 3 px wide whose centre lies at y = row."""
    image = np.full((100, 200), 0.7 if dark else 0.3, np.float32)
    y = np.arange(100) + 0.5
    image[np.abs(y - row) < 1.6] = 0.2 if dark else 0.8
    return cv2.GaussianBlur(image, (0, 0), 0.7)


def level(y: float) -> np.ndarray:
    return np.stack([np.arange(30.0, 170.0, 2.0), np.full(70, y)], axis=1)


@pytest.mark.parametrize('offset', [-4.0, -2.0, 0.0, 3.0, 5.0])
def test_a_curve_finds_a_dark_line_within_its_band(offset: float) -> None:
    image = picture_with_line(50.5)
    found = snap(image, local_spread(image), level(50.5 + offset), 6, loyalty=0.2)
    assert found.xy[:, 1] == pytest.approx(np.full(70, 50.5), abs=0.7)
    assert found.evidence.min() > 0.5


def test_a_line_beyond_the_band_is_left_alone() -> None:
    image = picture_with_line(50.5)
    found = snap(image, local_spread(image), level(70.0), 4)
    assert found.xy[:, 1] == pytest.approx(np.full(70, 70.0), abs=0.3)
    assert found.evidence.max() < 0.1


@pytest.mark.parametrize(('evidence', 'found_at'), [('brighter', 60.0), ('darker', 40.0), ('edge', 60.0)])
def test_the_side_of_a_step_can_be_chosen(evidence: str, found_at: float) -> None:
    image = np.full((100, 200), 0.3, np.float32)
    image[:40] = image[60:] = 0.8  # the normal of a line to the right points down
    start = 50.0 + np.sign(found_at - 50.0) * 5
    found = snap(image, local_spread(image), level(start), 9, evidence, loyalty=0.1)
    assert found.xy[5:-5, 1] == pytest.approx(np.full(60, found_at), abs=1.2)


def test_a_flat_picture_moves_nothing() -> None:
    image = np.full((100, 200), 0.5, np.float32)
    found = snap(image, local_spread(image), level(50.0), 6, 'edge')
    assert found.xy == pytest.approx(level(50.0))
    assert found.evidence == pytest.approx(np.zeros(70), abs=1e-6)


def test_a_snapped_curve_mirrors_with_its_picture() -> None:
    rng = np.random.default_rng(5)
    image = cv2.GaussianBlur(rng.random((100, 200)).astype(np.float32), (0, 0), 2)
    start = level(50.0) + np.stack([np.zeros(70), 5 * np.sin(np.arange(70) / 9)], axis=1)
    here = snap(image, local_spread(image), start, 5)
    flipped = np.ascontiguousarray(image[:, ::-1])
    there = snap(flipped, local_spread(flipped), start * (-1, 1) + (200, 0), 5)
    assert there.xy * (-1, 1) + np.array([200, 0]) == pytest.approx(here.xy, abs=0.05)


@pytest.mark.parametrize('points', [1, 2])
def test_too_few_points_come_back_as_they_are(points: int) -> None:
    image = np.full((100, 200), 0.5, np.float32)
    found = snap(image, local_spread(image), level(50.0)[:points], 6)
    assert found.xy == pytest.approx(level(50.0)[:points])
    assert len(found.evidence) == points


@settings(max_examples=40)
@given(arrays(np.float64, st.tuples(st.integers(1, 5), st.integers(1, 4)), elements=st.floats(-5, 5)), st.floats(0, 2))
def test_the_cheapest_path_is_the_cheapest_of_all(cost: np.ndarray, bend: float) -> None:
    def price(path: tuple[int, ...]) -> float:
        return sum(cost[i, k] for i, k in enumerate(path)) + bend * sum(np.diff(path) ** 2)

    best = min(price(path) for path in itertools.product(range(cost.shape[1]), repeat=len(cost)))
    assert price(tuple(cheapest_path(cost, bend))) == pytest.approx(best)


def test_spread_is_large_at_a_step_and_nothing_on_flat_paper() -> None:
    image = np.zeros((200, 200), np.float32)
    image[:, 100:] = 1.0
    spread = local_spread(image)
    assert spread[100, 100] == pytest.approx(0.5, abs=0.03)
    assert spread[100, 20] < 0.02
