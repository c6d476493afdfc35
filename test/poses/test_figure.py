"""Line art of a figure: clean outlines, and borders between colours."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from sketch_robot.poses.figure import figure_strokes, parts_of


def figure(height: int = 300, width: int = 200) -> np.ndarray:
    """Somebody made of an ellipse, red above and blue below, over grey."""
    rgba = np.full((height, width, 4), 128, np.uint8)
    rgba[..., 3] = 0
    mask = np.zeros((height, width), np.uint8)
    cv2.ellipse(mask, (width // 2, height // 2), (60, 120), 0, 0, 360, [255], -1)
    rgba[mask > 0] = (200, 60, 50, 255)
    below = mask.copy()
    below[: height // 2] = 0
    rgba[below > 0] = (50, 70, 190, 255)
    return rgba


def test_an_outline_is_one_closed_line_where_the_matte_ends():
    outline, *_ = figure_strokes(figure())
    assert outline.closed
    off = ((outline.xy - (100, 150)) / (60, 120)) ** 2
    assert np.sqrt(off.sum(axis=1)) == pytest.approx(np.ones(len(off)), abs=0.06)


def test_a_border_of_colours_is_drawn_once_and_does_not_touch_the_outline():
    _, *borders = figure_strokes(figure())
    (border,) = borders
    assert border.xy[:, 1] == pytest.approx(150, abs=2.5)
    assert border.length == pytest.approx(106, abs=12)


def test_light_and_shade_make_no_border():
    rgba = figure()
    shade = np.linspace(1.0, 0.75, rgba.shape[1])[None, :, None]
    rgba[..., :3] = np.where(rgba[..., 3:] > 0, rgba[..., :3] * shade, rgba[..., :3])
    assert len(figure_strokes(rgba)) == 2


def test_a_hole_has_an_outline_of_its_own_and_specks_have_none():
    rgba = figure()
    rgba[100:130, 85:115] = (128, 128, 128, 0)
    rgba[180:184, 100:104] = (128, 128, 128, 0)
    closed = [stroke for stroke in figure_strokes(rgba) if stroke.closed]
    assert len(closed) == 2


def test_a_figure_that_leaves_the_picture_is_not_drawn_along_its_edge():
    rgba = figure()[:, 60:]
    edge = [stroke.xy[:, 0].min() for stroke in figure_strokes(rgba)]
    assert min(edge) > 0.5
    assert not figure_strokes(rgba)[0].closed


def test_an_empty_matte_gives_nothing():
    assert figure_strokes(np.full((100, 50, 4), (128, 128, 128, 0), np.uint8)) == []


def test_parts_of_a_closed_line_go_on_over_its_end():
    angle = np.linspace(0, 2 * np.pi, 41)
    ring = 50 * np.column_stack([np.cos(angle), np.sin(angle)])
    ring[-1] = ring[0]
    (part,) = parts_of(ring, ring[:, 0] > -30, 5.0)
    assert len(part) == np.count_nonzero(ring[:-1, 0] > -30)
    assert np.abs(np.diff(part, axis=0)).max() < 10
    assert parts_of(ring, np.zeros(41, bool), 5.0) == []
    assert parts_of(ring, np.ones(41, bool), 5.0)[0] is ring
