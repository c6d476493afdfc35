"""Simulated paper: where the ink is, to a fraction of a pixel, and that it agrees with the plan and its SVG."""

from __future__ import annotations

import re
import threading
import xml.etree.ElementTree as ET
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.motion import DrawingPlan, MachineLimits, Page, Pen, plan_to_svg, time_plan
from sketch_robot.plotters import Paper, SimulatedPlotter, SimulationOptions
from sketch_robot.plotters.paper import INK_GREY
from sketch_robot.stroke import Stroke

SHEET = Page(40.0, 30.0, 0.0)
inside = st.tuples(st.floats(2.0, 38.0), st.floats(2.0, 28.0))


def drawn(*lines: object, width_mm: float = 0.5, page: Page = SHEET) -> Paper:
    paper = Paper(page, width_mm)
    for line in lines:
        points = np.array(line, dtype=float)
        paper.touch(points[0])
        paper.ink(points[1:])
        paper.lift()
    return paper


def ink_of(image: np.ndarray) -> np.ndarray:
    """Share of ink in each pixel, [0, 1]."""
    return (255.0 - image) / (255.0 - INK_GREY)


# ------------------------------------------------------------------------------- where the ink is
def test_a_clean_sheet_is_white_and_has_the_pages_size() -> None:
    image = Paper(SHEET).image(8.0)
    assert (image.shape, image.dtype) == ((240, 320), np.uint8)
    assert (image == 255).all()


def test_the_origin_is_the_lower_left_corner() -> None:
    image = drawn([[5.0, 10.0]], width_mm=2.0).image(4.0)
    row, column = np.argwhere(image == INK_GREY).mean(axis=0)
    assert (column + 0.5, image.shape[0] - row - 0.5) == pytest.approx((20.0, 40.0))


@settings(max_examples=40, deadline=None)
@given(start=inside, end=inside, px_per_mm=st.sampled_from([4.0, 8.0, 11.3]))
def test_the_ink_of_a_line_is_its_length_by_its_width_about_its_middle(
    start: tuple[float, float], end: tuple[float, float], px_per_mm: float
) -> None:
    """Its edges lie within a tenth of a pixel; 4000 lines of all slopes were within 0.052."""
    image = drawn([start, end], width_mm=0.8).image(px_per_mm)
    ink = ink_of(image)
    way_mm = np.subtract(end, start)
    length_mm = np.hypot(*way_mm)
    area_px = (0.8 * length_mm + np.pi * 0.4**2) * px_per_mm**2
    edge_px = (2.0 * length_mm + np.pi * 0.8) * px_per_mm
    assert abs(ink.sum() - area_px) < 0.1 * edge_px
    rows, columns = np.mgrid[: image.shape[0], : image.shape[1]] + 0.5
    middle = (ink * columns).sum() / ink.sum(), image.shape[0] - (ink * rows).sum() / ink.sum()
    off = np.subtract(middle, 0.5 * np.add(start, end) * px_per_mm + (0.0, image.shape[0] - 30.0 * px_per_mm))
    across = np.array([-way_mm[1], way_mm[0]]) / length_mm if length_mm > 1e-6 else np.array([1.0, 0.0])
    assert abs(off @ across) < 0.1


@pytest.mark.parametrize('shift_px', [0.0, 0.1, 0.25, 0.5, 0.9])
def test_a_shift_by_a_part_of_a_pixel_moves_the_ink_by_as_much(shift_px: float) -> None:
    y_mm = 10.0 + shift_px / 8.0
    image = drawn([[0.0, y_mm], [40.0, y_mm]]).image(8.0)
    column = ink_of(image)[:, 160]
    heights = image.shape[0] - 0.5 - np.arange(image.shape[0])
    assert (column * heights).sum() / column.sum() == pytest.approx(80.0 + shift_px, abs=0.01)
    assert column.sum() == pytest.approx(4.0, abs=0.02)  # 0.5 mm


def test_lines_that_cross_or_repeat_are_no_darker() -> None:
    once = drawn([[5.0, 15.0], [35.0, 15.0]]).image()
    assert (drawn([[5.0, 15.0], [35.0, 15.0], [5.0, 15.0]], [[5.0, 15.0], [35.0, 15.0]]).image() == once).all()


@pytest.mark.parametrize('y_mm', [15.0, 15.05, 15.125])
def test_a_line_finer_than_a_pixel_is_grey_and_not_gone(y_mm: float) -> None:
    ink = ink_of(drawn([[5.0, y_mm], [35.0, y_mm]], width_mm=0.1).image(4.0))
    assert 0.0 < ink.max() <= 0.4 + 0.01  # 0.1 mm of a 0.25 mm pixel
    assert ink[:, 80].sum() == pytest.approx(0.4, abs=0.01)


@pytest.mark.parametrize('corner', [(0.0, 0.0), (40.0, 0.0), (0.0, 30.0), (40.0, 30.0)])
def test_ink_at_a_corner_is_cut_off_by_the_edge(corner: tuple[float, float]) -> None:
    ink = ink_of(drawn([corner], width_mm=4.0).image(8.0))
    assert ink.sum() / 64.0 == pytest.approx(np.pi * 2.0**2 / 4.0, rel=0.01)


def test_a_polyline_in_many_pieces_looks_like_one_stroke() -> None:
    line = np.column_stack([np.linspace(5.0, 35.0, 301), 15.0 + 5.0 * np.sin(np.linspace(0.0, 9.0, 301))])
    paper = Paper(SHEET)
    paper.touch(line[0])
    for first in range(1, 301, 7):
        paper.ink(line[first : first + 7])
    assert (paper.image() == drawn(line).image()).all()
    assert len(paper.polylines) == 1
    assert (paper.polylines[0] == line).all()


# ------------------------------------------------------------------------------- touching and lifting
def test_a_touch_alone_is_a_round_dot() -> None:
    paper = drawn([[20.0, 15.0]], width_mm=3.0)
    assert [line.tolist() for line in paper.polylines] == [[[20.0, 15.0]]]
    assert paper.ink_mm == 0.0
    assert ink_of(paper.image(8.0)).sum() / 64.0 == pytest.approx(np.pi * 1.5**2, rel=0.01)


def test_the_unfinished_line_is_on_the_paper_too() -> None:
    paper = Paper(SHEET)
    paper.touch((5.0, 5.0))
    paper.ink(np.array([[15.0, 5.0]]))
    assert paper.ink_mm == pytest.approx(10.0)
    assert ink_of(paper.image(4.0))[100, 40] == 1.0


def test_ink_without_touching_is_refused() -> None:
    paper = drawn([[5.0, 5.0], [6.0, 5.0]])
    with pytest.raises(ValueError, match='the pen is not on the paper'):
        paper.ink(np.array([[7.0, 5.0]]))


def test_what_was_drawn_cannot_be_changed_from_outside() -> None:
    line = np.array([[5.0, 5.0], [6.0, 5.0]])
    paper = Paper(SHEET)
    paper.touch(line[0])
    paper.ink(line[1:])
    line += 10.0
    assert paper.polylines[0].tolist() == [[5.0, 5.0], [6.0, 5.0]]


def test_pictures_may_be_taken_while_another_thread_draws() -> None:
    paper, done = Paper(SHEET), threading.Event()

    def draw() -> None:
        for k in range(60):
            paper.touch((5.0, 0.5 * k))
            paper.ink(np.column_stack([np.linspace(5.0, 35.0, 50), np.full(50, 0.5 * k)]))
            paper.lift()
        done.set()

    thread = threading.Thread(target=draw)
    thread.start()
    shares = [ink_of(paper.image(4.0)).sum()]
    while not done.is_set():
        shares.append(ink_of(paper.image(4.0)).sum())
    thread.join()
    assert shares == sorted(shares)
    assert len(paper.polylines) == 60


# ------------------------------------------------------------------------------- pens and pressure
BLACK, RED = Pen('black', '#000000', 0.5), Pen('red', '#c81e28', 2.0)


def test_each_pen_leaves_its_colour_and_its_width() -> None:
    paper = Paper(SHEET, 0.5, (BLACK, RED))
    for pen, y_mm in (('black', 10.0), ('red', 20.0)):
        paper.take_pen(pen)
        paper.touch((5.0, y_mm))
        paper.ink(np.array([[35.0, y_mm]]))
    image = paper.image(10.0)
    assert (image.shape, image.dtype) == ((300, 400, 3), np.uint8)
    assert (image[200, 200].tolist(), image[100, 200].tolist()) == ([INK_GREY] * 3, [200, 30, 40])
    assert ((255 - image[150:, 200, 0]) / (255 - INK_GREY)).sum() == pytest.approx(5.0, abs=0.05)
    assert ((255 - image[:150, 200, 0]) / 55).sum() == pytest.approx(20.0, abs=0.05)
    assert [(line.colour, line.width_mm) for line in paper.lines] == [('#000000', 0.5), ('#c81e28', 2.0)]


@pytest.mark.parametrize('first', ['#ffff00', '#0000ff'])
def test_inks_that_cross_take_light_from_each_other_in_any_order(first: str) -> None:
    second = '#0000ff' if first == '#ffff00' else '#ffff00'
    paper = Paper(SHEET, 0.5, (Pen('a', first, 4.0), Pen('b', second, 4.0)))
    for pen, line in (('a', [[10.0, 15.0], [30.0, 15.0]]), ('b', [[20.0, 5.0], [20.0, 25.0]])):
        paper.take_pen(pen)
        paper.touch(line[0])
        paper.ink(np.array(line[1:]))
    image = paper.image(4.0)
    assert image[60, 50].tolist() == [max(INK_GREY, value) for value in bytes.fromhex(first[1:])]
    assert image[60, 80] == pytest.approx([INK_GREY] * 3, abs=1)


def test_grey_pens_make_a_grey_picture_and_one_black_pen_the_same_as_none() -> None:
    assert Paper(SHEET, 0.5, (BLACK, Pen('pencil', '#787878'))).image(4.0).shape == (120, 160)
    named = Paper(SHEET, 0.3, (BLACK,))
    named.touch((5.0, 5.0))
    named.ink(np.array([[35.0, 25.0]]))
    assert (named.image(8.0) == drawn([[5.0, 5.0], [35.0, 25.0]]).image(8.0)).all()


def test_a_pressed_line_is_as_wide_as_it_is_at_each_point() -> None:
    paper = Paper(SHEET)
    paper.touch((5.0, 15.0), 0.4)
    paper.ink(np.array([[15.0, 15.0], [35.0, 15.0]]), np.array([2.0, 1.0]))
    ink = ink_of(paper.image(20.0))
    across_mm = [ink[:, round(20 * x)].sum() / 20.0 for x in (10.0, 15.0, 25.0, 30.0)]
    assert across_mm == pytest.approx([1.2, 2.0, 1.5, 1.25], abs=0.02)
    assert ink.sum() / 400.0 == pytest.approx(12.0 + 30.0 + np.pi * (0.2**2 + 0.5**2) / 2.0, abs=0.1)


def test_a_strange_pen_and_widths_of_other_points_are_refused() -> None:
    paper = Paper(SHEET, 0.5, (BLACK, RED))
    with pytest.raises(ValueError, match="there is no pen 'green'; there are: black, red"):
        paper.take_pen('green')
    paper.touch((5.0, 5.0))
    with pytest.raises(ValueError, match='2 points need as many widths'):
        paper.ink(np.array([[6.0, 5.0], [7.0, 5.0]]), np.array([1.0]))


# ------------------------------------------------------------------------------- plan, SVG and paper
def test_the_svg_and_the_paper_agree_within_a_tenth_of_a_millimetre() -> None:
    turn = np.linspace(0.0, 40.0, 900)
    lines = (
        np.column_stack([74.0 + turn * np.cos(turn), 105.0 + turn * np.sin(turn)]),
        np.array([[20.0, 20.0], [128.0, 20.0], [128.0, 190.0], [20.0, 190.0], [20.0, 20.0]]),
        np.array([[30.0, 30.0]]),
    )
    strokes = tuple(Stroke(line) for line in lines)
    profile, page = MachineLimits(), Page(148.0, 210.0, 10.0, 'A5')
    plan = DrawingPlan(strokes, page, profile, *time_plan(strokes, profile))
    with SimulatedPlotter(SimulationOptions(speedup=float('inf'))) as plotter:
        plotter.draw(plan)
    assert plotter.paper is not None

    px_per_mm = 20.0  # 0.05 mm a pixel
    paper_ink = plotter.paper.image(px_per_mm) < 128
    svg_ink = _rasterised(plan_to_svg(plan), page, profile.pen_width_mm, px_per_mm)
    for one, other in ((paper_ink, svg_ink), (svg_ink, paper_ink)):
        away = cv2.distanceTransform((~other).astype(np.uint8), cv2.DIST_L2, 5)
        assert away[one].max() <= 0.1 * px_per_mm


def _rasterised(svg: str, page: Page, width_mm: float, px_per_mm: float) -> np.ndarray:
    """(H, W) bool ink of an SVG's lines, by another way than the paper's: OpenCV's, four times finer."""
    root = ET.fromstring(svg)
    assert (root.get('width'), root.get('height')) == (f'{page.width_mm:g}mm', f'{page.height_mm:g}mm')
    assert [float(v) for v in root.get('viewBox', '').split()] == [0.0, 0.0, page.width_mm, page.height_mm]
    fine = 4.0 * px_per_mm
    canvas = np.zeros((round(page.height_mm * fine), round(page.width_mm * fine)), np.uint8)
    lines = [element for element in root.iter() if element.tag.rpartition('}')[2] in ('path', 'polyline')]
    assert len(lines) == 3
    for element in lines:
        numbers = re.findall(r'-?\d+\.?\d*(?:e-?\d+)?', element.get('d') or element.get('points') or '')
        points = np.array(numbers, dtype=float).reshape(-1, 2) * fine - 0.5
        cv2.polylines(canvas, [np.rint(points).astype(np.int32)], False, 255, round(width_mm * fine))
        if len(np.unique(points, axis=0)) == 1:
            cv2.circle(canvas, tuple(int(v) for v in np.rint(points[0])), round(0.5 * width_mm * fine), 255, -1)
    size = round(page.width_mm * px_per_mm), round(page.height_mm * px_per_mm)
    return cv2.resize(canvas, size, interpolation=cv2.INTER_AREA) >= 128


# ------------------------------------------------------------------------------- files and bad input
def test_a_saved_picture_is_the_image(tmp_path: Path) -> None:
    paper = drawn([[5.0, 5.0], [35.0, 25.0]])
    paper.save_png(tmp_path / 'drawing.png', 5.0)
    read = cv2.imread(str(tmp_path / 'drawing.png'), cv2.IMREAD_UNCHANGED)
    assert read is not None
    assert (read == paper.image(5.0)).all()


def test_a_picture_that_cannot_be_saved_is_told(tmp_path: Path) -> None:
    with pytest.raises(SketchRobotError, match='cannot write') as caught:
        Paper(SHEET).save_png(tmp_path / 'missing' / 'drawing.png')
    assert caught.value.code == ErrorCode.BAD_GOAL


@pytest.mark.parametrize('px_per_mm', [0.0, -8.0, float('nan'), float('inf')])
def test_a_resolution_that_is_none_is_refused(px_per_mm: float) -> None:
    with pytest.raises(ValueError, match='is not a resolution'):
        Paper(SHEET).image(px_per_mm)


def test_a_picture_too_large_for_memory_is_refused() -> None:
    with pytest.raises(ValueError, match='choose a lower resolution'):
        Paper(SHEET).image(1000.0)


@pytest.mark.parametrize('width_mm', [0.0, -0.5, float('nan'), float('inf')])
def test_a_pen_without_a_width_is_refused(width_mm: float) -> None:
    with pytest.raises(ValueError, match='cannot be drawn'):
        Paper(SHEET, width_mm)
