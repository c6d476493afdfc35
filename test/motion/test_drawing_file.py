"""Drawings in and out: plans survive other programs, imports stay in place, everything lies inside the margins."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.motion import DrawingPlan, MachineLimits, Page, Pen, parse_page, plan_to_svg, save_plan
from sketch_robot.motion import drawing_file as drawing_file_module
from sketch_robot.motion.drawing_file import Drawing, Sheet, load_drawing, page_for, plan_loaded
from sketch_robot.motion.fit import place_sheet
from sketch_robot.motion.svg.reader import read_svg
from sketch_robot.stroke import Stroke

PROFILE = MachineLimits()
A5 = Page(148.0, 210.0, 10.0, 'A5')
SHEET = Sheet(148.0, 210.0, 10.0)
x_mm, y_mm = st.floats(11.0, 137.0), st.floats(11.0, 199.0)
polylines = st.lists(st.tuples(x_mm, y_mm), min_size=1, max_size=8).map(np.array)
anywhere = st.lists(st.tuples(st.floats(-50.0, 300.0), st.floats(-50.0, 300.0)), min_size=1, max_size=8).map(np.array)

# What vpype 1.15 makes of a plan of two pens ("read plan.svg linesort write out.svg"), shortened by its metadata.
OF_VPYPE = """<?xml version="1.0" encoding="utf-8" ?>
<svg xmlns="http://www.w3.org/2000/svg" xmlns:inkscape="http://www.inkscape.org/namespaces/inkscape"
 xmlns:sodipodi="http://sodipodi.sourceforge.net/DTD/sodipodi-0.dtd" baseProfile="tiny" height="21.00001134cm"
 version="1.2" viewBox="0 0 559.3703808 793.7012159999999" width="14.80000799cm">
 <defs/>
 <g fill="none" id="layer1" inkscape:groupmode="layer" inkscape:label="1 black" stroke="#000000"
  stroke-width="1.8897648" style="display:inline">
  <polyline points="75.5905920,718.1106240 226.7717760,680.3153280 377.9529600,718.1106240"/>
  <line x1="377.9529600" x2="377.9529600" y1="718.1106240" y2="377.9529600"/>
 </g>
 <g fill="none" id="layer2" inkscape:groupmode="layer" inkscape:label="2 red" stroke="#ff0000"
  stroke-width="3.02362368" style="display:inline">
  <polygon points="188.976480,188.976480 226.771776,188.976480 226.771776,226.771776 188.976480,226.771776"/>
 </g>
</svg>
"""


def drawing_of(lines: list[np.ndarray], **options: object) -> Drawing:
    return Drawing(tuple(Stroke(xy, **options) for xy in lines), (148.0, 210.0), SHEET)  # type: ignore[arg-type]


def without_data(svg: str) -> str:
    """As other programs leave it: the lines alone."""
    assert 'data-label' in svg
    return re.sub(r""" data-[\w-]+=("[^"]*"|'[^']*')""", '', svg)


def apart(one: DrawingPlan, other: DrawingPlan) -> float:
    """The farthest that a point of either drawing is from the other's lines, mm."""

    def away(points: np.ndarray, lines: list[np.ndarray]) -> float:
        nearest = np.full(len(points), np.inf)
        for line in lines:
            start, step = (line, np.zeros((1, 2))) if len(line) == 1 else (line[:-1], np.diff(line, axis=0))
            along = ((points[:, None] - start) * step).sum(2) / np.maximum((step**2).sum(1), 1e-300)
            spot = start + np.clip(along, 0.0, 1.0)[..., None] * step
            nearest = np.minimum(nearest, np.hypot(*np.moveaxis(points[:, None] - spot, 2, 0)).min(1))
        return float(nearest.max())

    a, b = ([stroke.xy for stroke in plan.strokes] for plan in (one, other))
    return max(away(np.concatenate(a), b), away(np.concatenate(b), a))


# ----------------------------------------------------------------- in and out
@given(st.lists(polylines, min_size=1, max_size=5))
@settings(max_examples=25, deadline=None)
def test_lines_that_other_programs_pass_on_stay_within_a_hundredth_of_a_millimetre(lines: list[np.ndarray]) -> None:
    first = plan_loaded(drawing_of(lines), A5, PROFILE)
    plan = first
    for _ in range(3):
        read = read_svg(without_data(plan_to_svg(plan)))
        sheet = Sheet(read.width_mm, read.height_mm, 10.0)
        plan = plan_loaded(Drawing(read.strokes, (read.width_mm, read.height_mm), sheet), page_for(sheet), PROFILE)
        assert plan.page == A5
        assert len(plan.strokes) == len(first.strokes)
    assert apart(first, plan) <= 0.01


@given(st.lists(polylines, min_size=1, max_size=5), st.sampled_from(['plan.svg', 'plan.json']))
@settings(max_examples=25, deadline=None)
def test_a_plan_made_anew_is_the_same_plan(tmp_path_factory: pytest.TempPathFactory, lines: list, name: str) -> None:
    first = plan_loaded(drawing_of(lines, label='eye', importance=0.25, half_width=0.3), A5, PROFILE)
    path = tmp_path_factory.mktemp('plans') / name
    save_plan(first, path)
    drawing = load_drawing(path)
    again = plan_loaded(drawing, page_for(drawing.sheet), PROFILE)
    assert again.page == first.page
    assert len(again.strokes) == len(first.strokes)
    assert apart(first, again) <= 0.01
    assert {(s.label, s.importance, s.half_width) for s in again.strokes} == {('eye', 0.25, 0.3)}
    assert again.predicted_s == pytest.approx(first.predicted_s, rel=0.02)


def test_what_vpype_writes_keeps_layers_and_places(tmp_path: Path) -> None:
    (tmp_path / 'v.svg').write_text(OF_VPYPE)
    drawing = load_drawing(tmp_path / 'v.svg')
    assert drawing.pens == (Pen('black', '#000000', 0.5), Pen('red', '#ff0000', 0.8))
    found = {pen: [s.xy.round(3).tolist() for s in drawing.strokes if s.pen == pen] for pen in ('black', 'red')}
    assert found == {
        'black': [[[20, 20], [60, 30], [100, 20]], [[100, 20], [100, 110]]],
        'red': [[[50, 160], [60, 160], [60, 150], [50, 150], [50, 160]]],
    }
    plan = plan_loaded(drawing, page_for(drawing.sheet), PROFILE)
    assert plan.page == A5
    assert [pen.name for pen in plan.pens] == ['black', 'red']


def test_strokes_moved_in_an_editor_are_moved_and_keep_what_is_known_of_them(tmp_path: Path) -> None:
    plan = plan_loaded(
        drawing_of([np.array([[20.0, 150.0], [40.0, 150.0]])], label='mouth', half_width=0.3), A5, PROFILE
    )
    text = plan_to_svg(plan).replace('<path ', '<path transform="translate(10 -5) scale(2 2)" ', 1)
    (tmp_path / 'edited.svg').write_text(text)
    (stroke,) = load_drawing(tmp_path / 'edited.svg').strokes
    assert (stroke.label, stroke.half_width) == ('mouth', pytest.approx(0.6))
    height = 210.0 - (2 * (210.0 - 150.0) - 5.0)
    assert sorted(stroke.xy.tolist()) == pytest.approx(np.array([[50.0, height], [90.0, height]]))


def test_widths_that_no_longer_fit_the_points_are_dropped_but_not_the_label(tmp_path: Path) -> None:
    xy = np.array([[20.0, 30.0], [40.0, 35.0], [60.0, 30.0]])
    drawing = Drawing((Stroke(xy, 0.3, 'hair', half_widths=np.array([0.1, 0.2, 0.3])),), (148.0, 210.0), SHEET)
    text = plan_to_svg(plan_loaded(drawing, A5, PROFILE))
    (tmp_path / 'whole.svg').write_text(text)
    assert load_drawing(tmp_path / 'whole.svg').strokes[0].half_widths is not None
    (tmp_path / 'cut.svg').write_text(text.replace(' L40.00000,175.00000', ''))
    (stroke,) = load_drawing(tmp_path / 'cut.svg').strokes
    assert (stroke.label, stroke.half_widths) == ('hair', None)


# ----------------------------------------------------------------- on the page
@given(st.lists(anywhere, min_size=1, max_size=4), st.sampled_from(['auto', 'keep', 'fill']))
@settings(max_examples=60, deadline=None)
def test_whatever_is_placed_lies_inside_the_margins(lines: list[np.ndarray], scaling: str) -> None:
    for page in (A5, Page(90.0, 60.0, 5.0), Page(400.0, 300.0, 0.0)):
        left, bottom, right, top = page.drawable_mm
        strokes = [Stroke(xy) for xy in lines]
        for stroke in place_sheet(strokes, (148.0, 210.0), page, scaling=scaling):  # type: ignore[arg-type]
            assert (stroke.xy >= (left, bottom)).all()
            assert (stroke.xy <= (right, top)).all()


@given(st.lists(polylines, min_size=1, max_size=4))
@settings(max_examples=30, deadline=None)
def test_filling_does_not_depend_on_where_or_how_large_the_lines_were(lines: list[np.ndarray]) -> None:
    def box(factor: float, move: float) -> list[float]:
        strokes = [Stroke(xy * factor + move) for xy in lines]
        placed = place_sheet(strokes, (900.0, 900.0), A5, scaling='fill')
        every = np.concatenate([stroke.xy for stroke in placed])
        return [*every.min(axis=0), *every.max(axis=0)]

    size = np.ptp(np.concatenate(lines), axis=0).max()
    if size > 1.0:
        assert box(3.0, 55.0) == pytest.approx(box(1.0, 0.0), abs=0.05)


def test_lines_fill_the_margins_in_one_direction_at_least() -> None:
    placed = place_sheet([Stroke(np.array([[0.0, 0.0], [1.0, 2.0]]))], (9.0, 9.0), A5, scaling='fill')
    assert placed[0].xy.tolist() == [[26.5, 10.0], [121.5, 200.0]]


def test_a_sheet_keeps_its_place_on_a_page_of_its_size_give_or_take_a_pixel() -> None:
    line = Stroke(np.array([[20.0, 30.0], [50.0, 60.0]]))
    for size in ((148.0, 210.0), (148.17, 209.9)):
        assert place_sheet([line], size, A5)[0].xy.tolist() == line.xy.tolist()
    assert place_sheet([line], (149.0, 210.0), A5)[0].xy.tolist() != line.xy.tolist()


@pytest.mark.parametrize(
    ('sheet', 'text', 'options', 'expected'),
    [
        (None, None, {}, Page(148.0, 210.0, 10.0, 'A5')),
        (None, 'A4', {'margin_mm': 3.0}, Page(210.0, 297.0, 3.0, 'A4')),
        (Sheet(105.1, 148.0, 7.0), None, {}, Page(105.0, 148.0, 7.0, 'A6')),
        (Sheet(148.0, 105.0, 7.0), None, {'margin_mm': 2.0}, Page(148.0, 105.0, 2.0, 'A6')),
        (Sheet(148.0, 105.0, 7.0), 'A6', {}, Page(148.0, 105.0, 7.0, 'A6')),
        (Sheet(148.0, 105.0, 7.0), 'A6', {'orientation': 'portrait'}, Page(105.0, 148.0, 7.0, 'A6')),
        (Sheet(148.0, 105.0, 7.0), 'A6 portrait', {}, Page(105.0, 148.0, 7.0, 'A6')),
        (Sheet(105.0, 148.0, 7.0), 'A6 landscape', {}, Page(148.0, 105.0, 7.0, 'A6')),
        (Sheet(105.0, 148.0, 7.0), '148x105', {}, Page(148.0, 105.0, 7.0, '148x105')),
        (Sheet(148.0, 105.0, 7.0), 'A4', {}, Page(210.0, 297.0, 7.0, 'A4')),
        (Sheet(90.25, 60.0, 7.0), None, {}, Page(90.25, 60.0, 7.0, '90.25x60')),
        (Sheet(90.25, 60.0, 7.0), None, {'orientation': 'portrait'}, Page(60.0, 90.25, 7.0, '60x90.25')),
    ],
)
def test_a_page_is_the_one_asked_for_or_else_the_sheet(
    sheet: Sheet | None, text: str | None, options: dict, expected: Page
) -> None:
    assert page_for(sheet, text, **options) == expected


@pytest.mark.parametrize(
    ('size_mm', 'why'),
    [
        ((5000.0, 3000.0), 'the page 5000 x 3000 mm is larger than 2000 mm; sizes are in mm'),
        ((26.0, 13.0), 'the page 26 x 13 mm leaves nothing inside 10 mm margins'),
    ],
)
def test_a_sheet_that_is_no_page_goes_onto_a5_unless_asked_otherwise(
    size_mm: tuple[float, float], why: str, caplog: pytest.LogCaptureFixture
) -> None:
    sheet = Sheet(*size_mm, 10.0)
    assert page_for(sheet) == Page(148.0, 210.0, 10.0, 'A5')
    assert caplog.messages == [f'{why}; the drawing is fitted onto A5, unless you name a page']
    with pytest.raises(SketchRobotError, match=why) as caught:
        page_for(sheet, margin_mm=10.0)
    assert caught.value.code is ErrorCode.BAD_GOAL


def test_a_sheet_larger_than_any_page_is_fitted() -> None:
    strokes = (Stroke(np.array([[0.0, 0.0], [5000.0, 3000.0]])),)
    plan = plan_loaded(Drawing(strokes, (5000.0, 3000.0), Sheet(5000.0, 3000.0, 10.0)), parse_page('A5'), PROFILE)
    assert plan.ink_mm == pytest.approx(np.hypot(128.0, 128.0 * 0.6))


def test_pens_and_line_weight_come_back_from_an_svg(tmp_path: Path) -> None:
    brush = MachineLimits(lightest_mm=0.4, firmest_mm=2.4)
    pens = (Pen('black', width_mm=0.3), Pen('lips', '#c81e28', 1.2))
    xy = np.column_stack((np.linspace(30.0, 110.0, 9), np.full(9, 90.0)))
    strokes = [
        Stroke(xy, half_widths=np.linspace(0.2, 1.2, 9), pen='black'),
        Stroke(xy + 20.0, half_widths=np.linspace(0.8, 0.3, 9), pen='lips'),
    ]
    plan = plan_loaded(Drawing(tuple(strokes), (148.0, 210.0), SHEET, pens), A5, brush)
    save_plan(plan, tmp_path / 'plan.svg')
    back = plan_loaded(load_drawing(tmp_path / 'plan.svg'), A5, brush)
    assert back.pens == pens
    for mine, theirs in zip(plan.strokes, back.strokes, strict=True):
        assert mine.pressure is not None
        assert theirs.pressure == pytest.approx(mine.pressure, abs=1e-4)
    plain = read_svg(without_data((tmp_path / 'plan.svg').read_text()))
    assert [(pen.name, pen.colour) for pen in plain.pens] == [('black', '#000000'), ('lips', '#c81e28')]
    assert [stroke.half_width for stroke in plain.strokes] == pytest.approx([0.7, 0.55], abs=0.01)


def test_one_pen_draws_all_when_asked() -> None:
    drawing = Drawing((Stroke(np.array([[20.0, 30.0]]), pen='red'),), (148.0, 210.0), SHEET, (Pen('red'),))
    assert drawing.with_one_pen().pens == ()
    assert drawing.with_one_pen().strokes[0].pen == ''


def test_a_list_of_too_many_strokes_is_refused_before_any_is_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drawing_file_module, 'MOST_STROKES', 20)
    (tmp_path / 'many.json').write_text(json.dumps([0] * 21))
    with pytest.raises(SketchRobotError, match='it has 21 strokes, more than 20; draw it in parts') as caught:
        load_drawing(tmp_path / 'many.json')
    assert caught.value.code is ErrorCode.BAD_PLAN
