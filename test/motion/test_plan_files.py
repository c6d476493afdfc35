"""Plans as JSON and SVG: what is written comes back, and what is damaged is refused with its reason."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.motion import (
    DrawingPlan,
    MachineLimits,
    Page,
    Pen,
    load_plan,
    plan_from_json,
    plan_from_svg,
    plan_to_json,
    plan_to_svg,
    save_plan,
    time_plan,
)
from sketch_robot.motion import plan_file as plan_file_module
from sketch_robot.stroke import LABELS, Stroke

SVG = '{http://www.w3.org/2000/svg}'
INKSCAPE = '{http://www.inkscape.org/namespaces/inkscape}'

x_mm, y_mm = st.floats(10.0, 138.0), st.floats(10.0, 200.0)
PENS = (Pen('black "<&', '#000000', 0.3), Pen('red', '#c81e28', 0.7))


@st.composite
def any_stroke(draw: st.DrawFn, pen: str = '') -> Stroke:
    xy = draw(st.lists(st.tuples(x_mm, y_mm), min_size=1, max_size=6).map(np.array))
    half_widths, pressure = (
        draw(st.none() | st.lists(st.floats(0.0, most), min_size=len(xy), max_size=len(xy)).map(np.array))
        for most in (3.0, 1.0)
    )
    label = draw(st.sampled_from(LABELS))
    return Stroke(xy, draw(st.floats(0.0, 3.0)), label, draw(st.floats(0.0, 1.0)), half_widths, pressure, pen)


strokes = any_stroke()


def make_plan(drawn: list[Stroke], *, artist: str = 'guided', left_out: int = 3) -> DrawingPlan:
    profile = MachineLimits(
        name='"pen" <1> & Ü', pen_width_mm=0.7, axis_speed_mm_s=(90.0, 80.5), lightest_mm=0.25, firmest_mm=1.5
    )
    stroke_s, return_s = time_plan(drawn, profile)
    used = [name for name, _ in groupby(stroke.pen for stroke in drawn)]
    pens = tuple(pen for name in used for pen in PENS if pen.name == name)
    page = Page(148.0, 210.5, 10.0, 'A5')
    return DrawingPlan(tuple(drawn), page, profile, stroke_s, return_s, left_out, artist, pens)


@pytest.fixture
def plan() -> DrawingPlan:
    third = 1.0 / 3.0
    return make_plan(
        [
            Stroke(np.array([[10.0 + third, 20.0], [30.0, 40.0 + math.pi]]), 0.2, 'eye', 0.9),
            Stroke(np.array([[50.0, 60.0]]), 0.3, 'nose', third),
            Stroke(np.array([[50.0, 60.0], [70.0, 80.0], [90.0, 60.0], [50.0, 60.0]]), 0.0, 'hair', 0.25),
        ]
    )


def assert_same(a: DrawingPlan, b: DrawingPlan, within_mm: float) -> None:
    for field in ('page', 'profile', 'return_s', 'left_out', 'artist', 'pens'):
        assert getattr(a, field) == getattr(b, field)
    assert a.stroke_s.tolist() == b.stroke_s.tolist()
    assert len(a.strokes) == len(b.strokes)
    for one, other in zip(a.strokes, b.strokes, strict=True):
        for field in ('label', 'importance', 'half_width', 'pen'):
            assert getattr(one, field) == getattr(other, field)
        assert one.xy.shape == other.xy.shape
        assert np.abs(one.xy - other.xy).max() <= within_mm
        for mine, its in ((one.half_widths, other.half_widths), (one.pressure, other.pressure)):
            assert (mine is None) == (its is None)
            assert mine is None or np.abs(mine - its).max() <= within_mm


def several_pens(kind: Callable[[str], st.SearchStrategy[Stroke]]) -> st.SearchStrategy[list[Stroke]]:
    """Strokes of one pen without a name, or of two."""
    runs = (st.lists(kind(pen.name), min_size=1, max_size=3) for pen in PENS)
    two = st.tuples(*runs).map(lambda pair: [*pair[0], *pair[1]])
    return st.lists(kind(''), max_size=5) | two


@given(several_pens(any_stroke))
@settings(max_examples=60, deadline=None)
def test_json_gives_back_every_bit(drawn: list[Stroke]) -> None:
    plan = make_plan(drawn)
    assert_same(plan_from_json(plan_to_json(plan)), plan, within_mm=0.0)


def moves(stroke: Stroke) -> bool:
    """Whether it is no dot that is written with two points."""
    return not (len(stroke.xy) == 2 and np.abs(stroke.xy[0] - stroke.xy[1]).max() < 1e-4)


@given(several_pens(lambda pen: any_stroke(pen).filter(moves)))
@settings(max_examples=60, deadline=None)
def test_svg_gives_back_points_to_a_hundredth_of_a_micrometre(drawn: list[Stroke]) -> None:
    plan = make_plan(drawn)
    assert_same(plan_from_svg(plan_to_svg(plan)), plan, within_mm=0.6e-5)


def test_svg_of_svg_is_the_same_text(plan: DrawingPlan) -> None:
    text = plan_to_svg(plan)
    assert plan_to_svg(plan_from_svg(text)) == text


def test_an_svg_is_the_page_in_millimetres_with_y_down(plan: DrawingPlan) -> None:
    root = ElementTree.fromstring(plan_to_svg(plan))
    assert (root.get('width'), root.get('height'), root.get('viewBox')) == ('148mm', '210.5mm', '0 0 148 210.5')
    paths = list(root.iter(f'{SVG}path'))
    assert [path.get('d') for path in paths] == [
        'M10.33333,190.50000 L30.00000,167.35841',
        'M50.00000,150.50000 L50.00000,150.50000',
        'M50.00000,150.50000 L70.00000,130.50000 L90.00000,150.50000 L50.00000,150.50000',
    ]
    assert [path.get('data-label') for path in paths] == ['eye', 'nose', 'hair']
    assert [float(path.get('data-importance', 'nan')) for path in paths] == [0.9, 1.0 / 3.0, 0.25]


def test_an_svg_has_one_layer_of_unfilled_lines_as_wide_as_the_pen(plan: DrawingPlan) -> None:
    root = ElementTree.fromstring(plan_to_svg(plan))
    (layer,) = root.findall(f'{SVG}g')
    assert layer.get(f'{INKSCAPE}groupmode') == 'layer'
    assert (layer.get('fill'), layer.get('stroke'), layer.get('stroke-width')) == ('none', '#000000', '0.7')
    assert len(layer.findall(f'{SVG}path')) == 3


def test_a_json_plan_names_its_format_version_and_units(plan: DrawingPlan) -> None:
    data = json.loads(plan_to_json(plan))
    assert (data['format'], data['version']) == ('sketch_robot drawing plan', 2)
    assert data['page'] == {'width_mm': 148.0, 'height_mm': 210.5, 'margin_mm': 10.0, 'name': 'A5'}
    assert data['predicted_s'] == plan.predicted_s
    assert data['strokes'][1] == {
        'label': 'nose',
        'importance': 1.0 / 3.0,
        'half_width_mm': 0.3,
        'seconds': plan.stroke_s[1],
        'xy_mm': [[50.0, 60.0]],
    }


def test_a_plan_of_the_first_version_is_read(plan: DrawingPlan) -> None:
    data = json.loads(plan_to_json(plan))
    data['version'] = 1
    del data['pens']
    known = ('name', 'draw_speed_mm_s', 'draw_accel_mm_s2', 'travel_speed_mm_s', 'travel_accel_mm_s2', 'lift_s')
    known += ('drop_s', 'junction_deviation_mm', 'pen_width_mm')
    data['profile'] = {name: data['profile'][name] for name in known}
    profile = MachineLimits(name=plan.profile.name, pen_width_mm=0.7)
    assert_same(plan_from_json(json.dumps(data)), replace(plan, profile=profile), within_mm=0.0)


def test_an_svg_has_a_layer_for_each_pen_in_its_colour_and_width() -> None:
    xy = np.array([[20.0, 20.0], [30.0, 20.0]])
    drawn = [Stroke(xy, pen=PENS[0].name), Stroke(xy + 9.0, pen=PENS[0].name), Stroke(xy, pen='red')]
    root = ElementTree.fromstring(plan_to_svg(make_plan(drawn)))
    layers = root.findall(f'{SVG}g')
    assert [layer.get(f'{INKSCAPE}label') for layer in layers] == ['1 black "<&', '2 red']
    assert [(layer.get('stroke'), layer.get('stroke-width')) for layer in layers] == [
        ('#000000', '0.3'),
        ('#c81e28', '0.7'),
    ]
    assert [len(layer) for layer in layers] == [2, 1]


def test_a_pressed_line_is_shown_as_wide_as_it_is_on_the_mean_and_others_as_their_pen() -> None:
    xy = np.array([[20.0, 20.0], [30.0, 20.0], [40.0, 20.0]])
    drawn = [Stroke(xy, 0.9, pressure=np.array([0.0, 0.5, 1.0])), Stroke(xy + 9.0, 0.9)]
    paths = list(ElementTree.fromstring(plan_to_svg(make_plan(drawn))).iter(f'{SVG}path'))
    assert [path.get('stroke-width') for path in paths] == ['0.875', None]  # from 0.25 to 1.5 mm


@pytest.mark.parametrize('name', ['plan.json', 'plan.svg', 'PLAN.SVG'])
def test_a_saved_plan_is_loaded_by_its_suffix(plan: DrawingPlan, tmp_path: Path, name: str) -> None:
    save_plan(plan, tmp_path / name)
    assert_same(load_plan(tmp_path / name), plan, within_mm=1e-5)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_saving_replaces_an_older_plan(plan: DrawingPlan, tmp_path: Path) -> None:
    target = tmp_path / 'plan.json'
    save_plan(make_plan([]), target)
    save_plan(plan, str(target))
    assert len(load_plan(str(target)).strokes) == 3


def test_a_plan_cannot_be_saved_under_another_suffix(plan: DrawingPlan, tmp_path: Path) -> None:
    with pytest.raises(SketchRobotError) as caught:
        save_plan(plan, tmp_path / 'plan.gcode')
    assert caught.value.code is ErrorCode.BAD_GOAL
    assert caught.value.message.endswith('plan.gcode: the name must end in .json or .svg')
    assert list(tmp_path.iterdir()) == []


def test_a_plan_cannot_be_saved_where_there_is_no_folder(plan: DrawingPlan, tmp_path: Path) -> None:
    with pytest.raises(SketchRobotError) as caught:
        save_plan(plan, tmp_path / 'nowhere' / 'plan.svg')
    assert caught.value.code is ErrorCode.BAD_GOAL
    assert 'plan.svg' in caught.value.message
    assert 'No such file or directory' in caught.value.message


def bad(read: object, text: str) -> str:
    """The message with which a text is refused."""
    with pytest.raises(SketchRobotError) as caught:
        read(text)  # type: ignore[operator]
    assert caught.value.code is ErrorCode.BAD_PLAN
    assert '\n' not in caught.value.message
    return caught.value.message.removeprefix('the drawing plan cannot be read: ')


def edited(plan: DrawingPlan, **changes: object) -> str:
    data = json.loads(plan_to_json(plan))
    data.update(changes)
    return json.dumps(data)


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        ('', 'it is not JSON'),
        ('{"format": ', 'it is not JSON'),
        ('[' * 100_000, 'it is not JSON'),
        (f'{{"version": {"9" * 5000}}}', 'it is not JSON that can be read: it has an integer of thousands of digits'),
        ('[]', 'it has no list of strokes'),
        ('{}', 'it has no list of strokes'),
        ('{"strokes": []}', 'it was not written by sketch_robot'),
        ('{"strokes": [7]}', 'stroke 0: '),
        ('{"strokes": [{}]}', "stroke 0: 'xy_mm' is missing"),
    ],
)
def test_what_is_no_json_plan_is_refused(text: str, message: str) -> None:
    assert bad(plan_from_json, text).startswith(message)


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        ({'version': 3}, 'its version is 3, and only versions 1 and 2 can be read'),
        ({'version': 10**4000}, 'its version is 1000'),
        ({'left_out': 10**4000}, 'the artist is no text'),
        ({'return_s': 10**4000}, 'int too large to convert to float'),
        ({'format': 'other'}, 'it was not written by sketch_robot'),
        ({'page': {'width_mm': 1}}, "a Page has the fields ['height_mm', 'margin_mm', 'name', 'width_mm']"),
        ({'page': None}, "'NoneType' object is not iterable"),
        (
            {'page': {'width_mm': 50, 'height_mm': 50, 'margin_mm': 30, 'name': ''}},
            'the page 50 x 50 mm leaves nothing inside 30 mm margins',
        ),
        ({'return_s': -1}, 'a time is negative or not finite'),
        ({'return_s': math.nan}, 'a time is negative or not finite'),
        ({'pens': [{'name': 'red'}]}, "a Pen has the fields ['colour', 'name', 'width_mm'], not ['name']"),
        ({'pens': [{'name': '', 'colour': '#000000', 'width_mm': 1}]}, 'a pen needs a name'),
        (
            {'pens': [{'name': 'red', 'colour': 'red', 'width_mm': 1}]},
            "the pen 'red' has the colour 'red'; write it as",
        ),
        ({'pens': [{'name': 'red', 'colour': '#ff0000', 'width_mm': 1}]}, 'the pens of the strokes, in drawing order'),
        ({'left_out': -1}, 'the artist is no text, or the count of strokes left out is none'),
        ({'artist': 7}, 'the artist is no text, or the count of strokes left out is none'),
        ({'strokes': None}, 'it has no list of strokes'),
    ],
)
def test_a_json_plan_with_a_wrong_part_is_refused(plan: DrawingPlan, changes: dict, message: str) -> None:
    assert bad(plan_from_json, edited(plan, **changes)).startswith(message)


@pytest.mark.parametrize(
    ('field', 'value', 'message'),
    [
        ('xy_mm', [], 'a stroke needs points of shape (N, 2)'),
        ('xy_mm', [[1, 2], [3]], 'setting an array element'),
        ('xy_mm', [[1, math.nan]], 'a stroke has a coordinate that is not finite'),
        ('xy_mm', 'x', 'could not convert'),
        ('label', 'beard', "unknown stroke label 'beard'"),
        ('importance', 2.0, 'importance 2.0 is outside [0, 1]'),
        ('half_width_mm', -1, 'half width -1.0 is not a length'),
        ('seconds', 'soon', 'could not convert'),
        ('half_widths_mm', [0.1, 0.2], 'a stroke of 1 points needs as many half_widths'),
        ('pressure', [1.5], 'a stroke has pressure that are negative, too large or not finite'),
        ('pressure', 'firm', 'could not convert'),
    ],
)
def test_a_json_plan_with_a_wrong_stroke_names_it(plan: DrawingPlan, field: str, value: object, message: str) -> None:
    data = json.loads(plan_to_json(plan))
    data['strokes'][1][field] = value
    assert bad(plan_from_json, json.dumps(data)).startswith(f'stroke 1: {message}')


@pytest.mark.parametrize(
    ('old', 'new', 'message'),
    [
        ('<svg ', '<sgv ', 'it is not well-formed: mismatched tag'),
        ('<svg ', '<!DOCTYPE svg [<!ENTITY a SYSTEM "b">]><svg ', "it declares the entity 'a'"),
        ('data-sketch-robot', 'data-other', 'this SVG was not written by sketch_robot'),
        ("data-sketch-robot='{", "data-sketch-robot='", 'its data-sketch-robot attribute is damaged'),
        ('<g ', '<g transform="scale(2)" ', 'its strokes have been transformed since they were planned'),
        ('d="M10.33333,190.50000', 'd="', "path 0: its path data begin with 'L' instead of a move"),
        ('L30.00000,167.35841', 'C30,167 31,166 32,165', 'path 0: its path data are no single polyline'),
        ('L30.00000,167.35841', 'L30', "path 0: its path data end early, after 'L' '30'"),
        ('L30.00000,167.35841', 'L30,#', "path 0: '#' is no number"),
        ('L30.00000,167.35841', 'L30,40 M50,60 L70,80', 'path 0: its path data are no single polyline'),
        ('L30.00000,167.35841', 'L1e999,40', 'path 0: a stroke has a coordinate that is not finite'),
        (' data-label="eye"', '', "path 0: 'data-label' is missing"),
        ('data-label="eye"', 'data-label="toe"', "path 0: unknown stroke label 'toe'"),
    ],
)
def test_a_damaged_svg_is_refused(plan: DrawingPlan, old: str, new: str, message: str) -> None:
    text = plan_to_svg(plan)
    assert old in text
    assert bad(plan_from_svg, text.replace(old, new)).startswith(message)


def test_relative_path_data_means_the_same(plan: DrawingPlan) -> None:
    path = 'M50.00000,150.50000 L70.00000,130.50000 L90.00000,150.50000 L50.00000,150.50000'
    text = plan_to_svg(plan).replace(path, 'm50 150.5 20-20 20,20 h-40')
    assert plan_from_svg(text).strokes[2].xy.tolist() == [[50, 60], [70, 80], [90, 60], [50, 60]]


def test_other_files_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert bad(load_plan, str(tmp_path / 'plan.txt')).endswith('plan.txt must end in .json or .svg')
    assert bad(load_plan, str(tmp_path / 'gone.json')).endswith('gone.json: No such file or directory')
    (tmp_path / 'folder.json').mkdir()
    assert bad(load_plan, str(tmp_path / 'folder.json')).endswith('folder.json: Is a directory')
    (tmp_path / 'latin.svg').write_bytes(b'\xff\xfe<svg/>')
    assert bad(load_plan, str(tmp_path / 'latin.svg')).endswith('latin.svg is not UTF-8 text')
    monkeypatch.setattr(plan_file_module, 'LARGEST_BYTES', 2**20)
    (tmp_path / 'large.json').write_bytes(b' ' * (2 * 2**20))
    assert bad(load_plan, str(tmp_path / 'large.json')).endswith('large.json has 2 MB, more than 1')


def test_names_that_xml_cannot_hold_are_replaced_in_an_svg(plan: DrawingPlan) -> None:
    strange = replace(plan, artist='a\x01b\ud800c\n')
    assert plan_from_svg(plan_to_svg(strange)).artist == 'a\x01b\ud800c\n'  # escaped in our own attribute
    assert 'strokes by the artist a\ufffdb\ufffdc\n' in plan_to_svg(strange)
