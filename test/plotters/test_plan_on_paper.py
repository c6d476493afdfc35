"""The plan's SVG, read as any program would read it, and the lines on simulated paper are the same lines."""

from __future__ import annotations

import math
from xml.etree import ElementTree

import numpy as np
import pytest
from drawings import A5, farthest_from, plan_of, plans
from hypothesis import given, settings
from scipy.spatial import cKDTree

from sketch_robot.motion import MachineLimits, Page, save_plan
from sketch_robot.motion.planner import plan_drawing
from sketch_robot.plotters import SimulatedPlotter, SimulationOptions, paper_of
from sketch_robot.stroke import Stroke

AGREE_MM = 0.1


def svg_lines(text: str, page: Page) -> list[np.ndarray]:
    """The paths of an SVG document in millimetres, y up, placed by its viewBox and its size."""
    root = ElementTree.fromstring(text)
    left, top, width, height = (float(word) for word in root.attrib['viewBox'].split())
    assert root.attrib['width'] == f'{page.width_mm:g}mm'
    assert root.attrib['height'] == f'{page.height_mm:g}mm'
    scale_x, scale_y = page.width_mm / width, page.height_mm / height
    lines = []
    for path in root.iter('{http://www.w3.org/2000/svg}path'):
        numbers = path.attrib['d'].replace('M', ' ').replace('L', ' ').replace(',', ' ').split()
        xy = np.array(numbers, dtype=float).reshape(-1, 2)
        lines.append(np.column_stack([(xy[:, 0] - left) * scale_x, page.height_mm - (xy[:, 1] - top) * scale_y]))
    return lines


def sampled(line: np.ndarray, step_mm: float = 0.02) -> np.ndarray:
    """Points all along a polyline."""
    pieces = [line[:1]]
    for a, b in zip(line[:-1], line[1:], strict=True):
        count = max(2, math.ceil(np.hypot(*(b - a)) / step_mm))
        pieces.append(a + np.linspace(0.0, 1.0, count)[:, None] * (b - a))
    return np.concatenate(pieces)


def face() -> tuple[Stroke, ...]:
    """Curves and dots in pixels of a 512 x 512 picture."""
    turn = np.linspace(0.0, 2.0 * np.pi, 181)
    circle = np.column_stack([np.cos(turn), np.sin(turn)])
    grin = circle[20:70] * [120.0, 90.0] + [256.0, 270.0]
    eyes = [circle * 20.0 + [x, 200.0] for x in (190.0, 322.0)]
    dots = [np.array([[x, 200.0]]) for x in (190.0, 322.0)]
    return tuple(Stroke(xy) for xy in (circle * 200.0 + 256.0, grin, *eyes, *dots))


@settings(deadline=None, max_examples=25)
@given(plan=plans)
def test_the_paths_of_the_svg_and_the_lines_on_paper_agree_both_ways(plan, tmp_path_factory):
    path = tmp_path_factory.mktemp('svg') / 'plan.svg'
    save_plan(plan, path)
    with SimulatedPlotter(SimulationOptions(speedup=math.inf)) as plotter:
        plotter.draw(plan)
        on_paper = plotter.paper.polylines
    in_svg = svg_lines(path.read_text(), plan.page)
    assert len(in_svg) == len(on_paper)
    for drawn, line in zip(on_paper, in_svg, strict=True):
        assert farthest_from(drawn, line) < 1e-4
        assert farthest_from(line, drawn) < 1e-4


@pytest.mark.parametrize('page', [A5, Page(210.0, 148.0, 10.0), Page(105.0, 148.0, 5.0), Page(77.7, 91.3)])
def test_the_picture_of_the_paper_lies_within_a_tenth_of_a_millimetre_of_the_svg(page, tmp_path):
    plan = plan_drawing(face(), (512, 512), page, MachineLimits())
    save_plan(plan, tmp_path / 'plan.svg')
    px_per_mm = 20.0
    with SimulatedPlotter(SimulationOptions(speedup=math.inf)) as plotter:
        plotter.draw(plan)
        ink = plotter.paper.image(px_per_mm) < 128
    centres = np.concatenate([sampled(line) for line in svg_lines((tmp_path / 'plan.svg').read_text(), page)])
    half_mm = plan.profile.pen_width_mm / 2.0

    rows, columns = np.nonzero(ink)
    dark_mm = np.column_stack([columns + 0.5, ink.shape[0] - rows - 0.5]) / px_per_mm
    away_mm, _ = cKDTree(centres).query(dark_mm)
    assert away_mm.max() < half_mm + AGREE_MM

    for angle in np.linspace(0.0, 2.0 * np.pi, 8, endpoint=False):  # the whole width of the line is inked
        at = (centres + (half_mm - AGREE_MM) * np.array([np.cos(angle), np.sin(angle)])) * px_per_mm
        assert ink[(ink.shape[0] - at[:, 1]).astype(int), at[:, 0].astype(int)].all()


def test_the_paper_of_a_plan_is_what_the_machine_leaves():
    plan = plan_of([[20.0, 20.0], [50.0, 70.0], [60.0, 20.0]], [[80.0, 80.0]])
    with SimulatedPlotter(SimulationOptions(speedup=math.inf)) as plotter:
        plotter.draw(plan)
        np.testing.assert_array_equal(plotter.paper.image(5.0), paper_of(plan).image(5.0))
