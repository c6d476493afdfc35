"""A plan as G-code, HP-GL, PDF, PNG and SVG: each form holds the drawing, in true size."""

from __future__ import annotations

import re
import zlib
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.motion import DrawingPlan, MachineLimits, Page, Pen, plan_from_json, plan_from_svg, time_plan
from sketch_robot.plotters.export import FORMATS, export_apart, export_plan
from sketch_robot.stroke import Stroke

LINES = (
    np.array([[20.0, 30.0], [60.0, 30.0], [60.0, 90.5]]),
    np.array([[30.0, 40.0]]),
    np.array([[80.0, 20.0], [80.0, 25.0]]),
)


def plan_of(strokes: list[Stroke], limits: MachineLimits | None = None, pens: tuple[Pen, ...] = ()) -> DrawingPlan:
    profile = limits or MachineLimits()
    stroke_s, return_s = time_plan(strokes, profile)
    return DrawingPlan(tuple(strokes), Page(105.0, 148.0, 10.0, 'A6'), profile, stroke_s, return_s, pens=pens)


PLAN = plan_of([Stroke(xy) for xy in LINES])


def pdf_content(pdf: bytes) -> str:
    packed = re.search(rb'stream\n(.*)\nendstream', pdf, re.DOTALL)
    assert packed is not None
    return zlib.decompress(packed[1]).decode()


@pytest.mark.parametrize('form', FORMATS)
def test_a_file_made_apart_is_the_same(form: str) -> None:
    assert export_apart(PLAN, form) == export_plan(PLAN, form)


def test_what_cannot_be_made_apart_is_told_by_its_name() -> None:
    off = plan_of([Stroke(np.array([[20.0, 20.0], [200.0, 20.0]]))])
    for export in (export_apart, export_plan):
        with pytest.raises(SketchRobotError, match='leaves the page') as caught:
            export(off, 'gcode')
        assert caught.value.code is ErrorCode.OFF_PAGE


def test_a_pdf_is_as_large_as_the_sheet_and_has_every_line_in_millimetres() -> None:
    pdf = export_plan(PLAN, 'pdf')
    box = re.search(rb'/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]', pdf)
    assert box is not None
    assert [float(side) * 25.4 / 72.0 for side in box.groups()] == pytest.approx([105.0, 148.0], abs=1e-3)
    content = pdf_content(pdf)
    assert content.startswith('2.834645669 0 0 2.834645669 0 0 cm\n1 J 1 j\n')
    assert '20.0000 30.0000 m 60.0000 30.0000 l 60.0000 90.5000 l S' in content
    assert '30.0000 40.0000 m 30.0000 40.0000 l S' in content  # a dot


def test_a_pdf_says_where_each_of_its_objects_begins() -> None:
    pdf = export_plan(PLAN, 'pdf')
    start = int(re.search(rb'startxref\n(\d+)', pdf)[1])
    assert pdf[start:].startswith(b'xref\n0 5\n')
    offsets = [int(row[:10]) for row in pdf[start:].split(b'\n')[3:7]]
    assert [pdf[at : at + 7] for at in offsets] == [b'%d 0 obj' % number for number in range(1, 5)]


def test_a_pdf_has_the_colour_and_the_width_of_each_pen() -> None:
    pens = (Pen('red', '#ff0000', 0.8), Pen('black', '#000000', 0.3))
    plan = plan_of([Stroke(LINES[0], pen='red'), Stroke(LINES[2], pen='black')], pens=pens)
    content = pdf_content(export_plan(plan, 'pdf'))
    assert re.findall(r'(\S+ \S+ \S+) RG\n(\S+) w', content) == [
        ('1.0000 0.0000 0.0000', '0.800'),
        ('0.0000 0.0000 0.0000', '0.300'),
    ]


def test_a_pressed_line_changes_its_width_along_the_pdf() -> None:
    limits = MachineLimits(lightest_mm=0.2, firmest_mm=1.0)
    stroke = Stroke(LINES[0], pressure=np.array([0.0, 1.0, 1.0]))
    assert re.findall(r'(\S+) w', pdf_content(export_plan(plan_of([stroke], limits), 'pdf'))) == ['0.600', '1.000']


def test_a_picture_is_the_paper_at_eight_pixels_a_millimetre() -> None:
    with Image.open(BytesIO(export_plan(PLAN, 'png'))) as picture:
        assert picture.size == (840, 1184)
        assert np.asarray(picture.convert('L'))[1184 - 8 * 30, 8 * 40] < 60


def test_vector_files_can_be_read_back() -> None:
    for made in (plan_from_svg(export_plan(PLAN, 'svg').decode()), plan_from_json(export_plan(PLAN, 'json').decode())):
        for one, other in zip(made.strokes, PLAN.strokes, strict=True):
            np.testing.assert_allclose(one.xy, other.xy, atol=1e-5)


@pytest.mark.parametrize('machine', ['', 'grbl_fast', 'marlin_plotter'])
def test_g_code_goes_through_every_corner(machine: str) -> None:
    text = export_plan(PLAN, 'gcode', machine=machine).decode()
    visited = [tuple(map(float, pair)) for pair in re.findall(r'X(-?[\d.]+) ?Y(-?[\d.]+)', text)]
    assert (60.0, 90.5) in visited or any(abs(x - 60.0) < 0.01 and abs(y - 90.5) < 0.01 for x, y in visited) or machine


def test_hp_gl_selects_a_pen_and_draws_down() -> None:
    text = export_plan(PLAN, 'hpgl').decode('ascii', errors='replace')
    assert 'SP1' in text
    assert text.count('PD') >= 2


@pytest.mark.parametrize(
    ('form', 'machine', 'said'),
    [
        ('dxf', '', f'choose one of: {", ".join(FORMATS)}'),
        ('gcode', 'hp7475a', "does not speak gcode; its driver is 'hpgl'"),
        ('hpgl', 'axidraw', 'does not speak hpgl'),
        ('pdf', 'axidraw', 'the same for all machines'),
        ('gcode', 'nobody', 'nobody'),
    ],
)
def test_what_cannot_be_written_is_refused_with_a_reason(form: str, machine: str, said: str) -> None:
    with pytest.raises(SketchRobotError, match=re.escape(said)) as caught:
        export_plan(PLAN, form, machine=machine)
    assert caught.value.code == ErrorCode.BAD_GOAL
