"""Dark shapes are told from lines, kept as outlines, and filled without lifting."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sketch_robot.line_art.art import ShapeArea
from sketch_robot.line_art.ink import render_ink
from sketch_robot.stroke import Stroke
from sketch_robot.strokes.shapes import fill_shapes, in_few_lines, outlines, reach_shapes, take_shapes
from sketch_robot.strokes.weight import FULL

PEN = 4.0
SIDE = 200
EVERYWHERE = (ShapeArea(np.ones((SIDE, SIDE), bool), 0.5),)


def _ink(*, discs=(), lines=()) -> np.ndarray:
    large = np.zeros((4 * SIDE, 4 * SIDE), np.uint8)
    for x, y, radius in discs:
        cv2.circle(large, (int(4 * x), int(4 * y)), int(4 * radius), (255,), -1)
    for start, end, width in lines:
        points = [tuple(int(4 * v) for v in point) for point in (start, end)]
        cv2.line(large, points[0], points[1], (255,), int(4 * width))
    return cv2.resize(large, (SIDE, SIDE), interpolation=cv2.INTER_AREA).astype(np.float32) / 255


def test_a_disc_is_a_shape_and_a_line_stays_ink():
    ink = _ink(discs=[(60, 100, 14)], lines=[((110, 40), (180, 160), 1.4 * PEN)])
    shapes, rest = take_shapes(ink, EVERYWHERE, PEN)
    assert len(shapes) == 1
    assert shapes[0].closed and shapes[0].filled  # noqa: PT018
    assert cv2.contourArea(shapes[0].xy.astype(np.float32)) == pytest.approx(np.pi * 14**2, rel=0.08)
    assert rest[:, :90].max() == 0.0
    assert np.array_equal(rest[:, 100:], ink[:, 100:])


def test_what_is_dark_where_there_are_no_shapes_stays_ink():
    ink = _ink(discs=[(60, 100, 14)])
    for areas in ((), (ShapeArea(np.zeros((SIDE, SIDE), bool), 0.5),)):
        shapes, rest = take_shapes(ink, areas, PEN)
        assert shapes == []
        np.testing.assert_array_equal(rest, ink)


def test_a_shape_keeps_its_thinner_end_and_lines_that_lead_on_stay_ink():
    brow = _ink(lines=[((40, 100), (90, 100), 4.0 * PEN), ((90, 100), (110, 100), 2.5 * PEN)])
    tail = _ink(lines=[((110, 100), (170, 100), 1.2 * PEN)])
    (shape,), rest = take_shapes(np.maximum(brow, tail), EVERYWHERE, PEN)
    assert 108 < shape.xy[:, 0].max() < 122
    assert rest[:, 130:165].sum() == pytest.approx(tail[:, 130:165].sum())
    assert rest[:, :100].max() == 0.0


def test_shade_is_a_shape_only_where_that_much_ink_is_dark():
    shade = 0.6 * _ink(discs=[(100, 100, 20)])
    whole = np.ones((SIDE, SIDE), bool)
    assert len(take_shapes(shade, (ShapeArea(whole, 0.5),), PEN)[0]) == 1
    assert take_shapes(shade, (ShapeArea(whole, 0.7),), PEN)[0] == []


def test_of_a_part_that_is_dark_all_over_only_the_darkest_is_a_shape():
    ink = np.maximum(0.6 * _ink(discs=[(100, 100, 30)]), _ink(discs=[(100, 100, 10)]))
    socket = _ink(discs=[(100, 100, 32)]) > 0.5
    (shape,), _ = take_shapes(ink, (ShapeArea(socket, 0.5),), PEN)
    assert 9 < np.sqrt(cv2.contourArea(shape.xy.astype(np.float32)) / np.pi) < 12


def test_what_is_dark_across_two_parts_is_a_shape_of_each():
    ink = _ink(lines=[((60, 100), (140, 100), 5 * PEN)])
    left = np.zeros((SIDE, SIDE), bool)
    left[:, :100] = True
    shapes, rest = take_shapes(ink, (*EVERYWHERE, ShapeArea(left, 0.5)), PEN)
    assert sorted(shape.xy[:, 0].mean() > 100 for shape in shapes) == [False, True]
    assert rest.max() == 0.0


def test_in_few_lines_a_long_shape_is_the_line_along_its_middle_and_a_round_one_filled():
    ink = _ink(discs=[(100, 40, 14)], lines=[((40, 120), (160, 120), 3.5 * PEN)])
    shapes, _ = take_shapes(ink, EVERYWHERE, PEN)
    few = in_few_lines(shapes, PEN, PEN)
    assert len(few) == 2
    round_one, long_one = sorted(few, key=lambda stroke: stroke.xy[:, 1].mean())
    assert round_one.length > 2 * np.pi * 14
    assert not long_one.filled
    assert np.abs(long_one.xy[3:-3, 1] - 120).max() < 1.5
    assert long_one.length == pytest.approx(120 + 3.5 * PEN, rel=0.1)


def test_the_light_in_a_pupil_stays_white():
    ink = _ink(discs=[(100, 100, 34)])
    ink = np.minimum(ink, 1 - _ink(discs=[(104, 94, 5)]))
    shapes, _ = take_shapes(ink, EVERYWHERE, PEN)
    drawn = render_ink(fill_shapes(shapes, PEN, FULL.inside * PEN), (SIDE, SIDE), PEN)
    assert drawn[94, 104] < 0.5
    assert drawn[110:120, 90:110].mean() > 0.75


@given(radius=st.floats(7.0, 40.0), apart=st.floats(0.8, 1.0))
@settings(max_examples=15, deadline=None)
def test_a_filled_disc_is_black_and_not_larger(radius, apart):
    shapes, _ = take_shapes(_ink(discs=[(100, 100, radius)]), EVERYWHERE, PEN)
    strokes = fill_shapes(shapes, PEN, apart * PEN)
    assert len(strokes) == 1
    drawn = render_ink(strokes, (SIDE, SIDE), PEN)
    y, x = np.mgrid[:SIDE, :SIDE] + 0.5
    far = np.hypot(x - 100, y - 100)
    assert drawn[far < radius - 1.5].mean() > 0.93
    assert drawn[far > radius + 1.5].max() < 0.2


def test_without_weight_a_shape_is_its_outline():
    shapes, _ = take_shapes(_ink(discs=[(100, 100, 20)]), EVERYWHERE, PEN)
    (line,) = outlines(shapes)
    assert not line.filled
    assert line.length == pytest.approx(2 * np.pi * 20, rel=0.1)


def test_a_line_that_ends_in_front_of_a_shape_is_led_to_it_and_one_beside_it_is_not():
    shapes, _ = take_shapes(_ink(discs=[(100, 100, 20)]), EVERYWHERE, PEN)
    ahead = np.column_stack([np.linspace(160.0, 123.0, 20), np.full(20, 100.0)])
    beside = np.column_stack([np.full(20, 76.0), np.linspace(60.0, 100.0, 20)])
    far = ahead + np.array([30.0, 0.0])
    lines = [Stroke(xy, 1.0, half_widths=np.full(20, 1.0)) for xy in (ahead, beside, far)]
    led, same, left = reach_shapes(lines, shapes, PEN)
    assert np.hypot(*(led.xy[-1] - (100, 100))) == pytest.approx(20, abs=1)
    assert len(led.half_widths) == len(led.xy) == 21
    np.testing.assert_array_equal(led.xy[:-1], ahead)
    np.testing.assert_array_equal(same.xy, beside)
    np.testing.assert_array_equal(left.xy, far)
    assert reach_shapes(lines, [], PEN) == tuple(lines)
    ring = Stroke(np.array([[123.0, 100.0], [150.0, 90.0], [150.0, 110.0], [123.0, 100.0]]), 1.0)
    assert reach_shapes([ring], shapes, PEN) == (ring,)
