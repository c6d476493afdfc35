"""Markers stand at the vertices of lines, turned as these pass them, as large as the line is wide."""

from __future__ import annotations

import numpy as np
import pytest

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.motion.svg import reader as reader_module
from sketch_robot.motion.svg.place import Place
from sketch_robot.motion.svg.reader import read_svg

TICK = '<path d="M0 0H2" fill="none" stroke="#000"/>'  # from the vertex on, along its x axis
WIDE = 'markerWidth="20" markerHeight="20" overflow="visible"'


def marks(line: str, marker: str = f'orient="auto" {WIDE}', content: str = TICK) -> list:
    """Both ends of what is drawn besides the line, y down."""
    svg = '<svg xmlns="http://www.w3.org/2000/svg" width="100mm" height="100mm" viewBox="0 0 100 100">'
    drawing = read_svg(f'{svg}<g fill="none" stroke="#000">{line}</g><marker id="m" {marker}>{content}</marker></svg>')
    lines = [np.round([0.0, 100.0] + stroke.xy[[0, -1]] * [1.0, -1.0], 3) + 0.0 for stroke in drawing.strokes]
    return [xy.tolist() for xy in lines[1:]]


def test_a_marker_goes_on_in_the_direction_of_the_line() -> None:
    assert marks('<path marker-end="url(#m)" d="M10 10V50"/>') == [[[10, 50], [10, 52]]]
    assert marks('<line marker-start="url(#m)" x1="10" y1="10" x2="50" y2="10"/>') == [[[10, 10], [12, 10]]]


def test_the_start_may_look_back() -> None:
    line = '<path marker-start="url(#m)" marker-end="url(#m)" d="M10 10H50"/>'
    assert marks(line, f'orient="auto-start-reverse" {WIDE}') == [[[10, 10], [8, 10]], [[50, 10], [52, 10]]]


def test_at_a_corner_it_halves_the_turn() -> None:
    half = round(2.0 / np.sqrt(2.0), 3)
    assert marks('<polyline marker-mid="url(#m)" points="10,10 30,10 30,30"/>') == [
        [[30, 10], [round(30 + half, 3), round(10 + half, 3)]]
    ]


def test_a_closed_line_has_its_first_vertex_twice_with_one_direction() -> None:
    found = marks('<path marker-start="url(#m)" marker-end="url(#m)" d="M10 10H30V30H10Z"/>')
    assert found[0] == found[1]
    assert found[0][0] == [10, 10]


def test_the_shorthand_marks_all_vertices_but_not_the_pieces_of_an_arc() -> None:
    found = marks('<path style="marker:url(#m)" d="M10 50A20 20 0 0 1 50 50L60 50"/>')
    assert [each[0] for each in found] == [[10, 50], [50, 50], [60, 50]]


@pytest.mark.parametrize(
    ('marker', 'end'),
    [
        (f'orient="90" {WIDE}', [50, 12]),
        (f'orient="0.25turn" {WIDE}', [50, 12]),
        (WIDE, [52, 10]),
        (f'orient="auto" markerUnits="userSpaceOnUse" {WIDE}', [52, 10]),
        ('orient="auto" viewBox="0 0 10 10" markerWidth="20" markerHeight="20" overflow="visible"', [54, 10]),
        (f'orient="auto" refX="1" {WIDE}', [51, 10]),
        ('orient="auto" markerWidth="1" markerHeight="9" refY="1"', [51, 9]),  # cut at its own edge
    ],
)
def test_it_is_turned_scaled_and_cut_as_it_says(marker: str, end: list) -> None:
    ((_, found),) = marks('<path marker-end="url(#m)" d="M10 10H50"/>', marker)
    assert found == end


def test_it_grows_with_the_width_of_the_line() -> None:
    assert marks('<path stroke-width="3" marker-end="url(#m)" d="M10 10H50"/>') == [[[50, 10], [56, 10]]]


def test_it_may_take_the_colours_of_its_line() -> None:
    svg = '<svg xmlns="http://www.w3.org/2000/svg" width="100mm" height="100mm" viewBox="0 0 100 100" fill="none">'
    drawing = read_svg(
        f'{svg}<marker id="m" {WIDE}><path d="M0 0H2" stroke="context-stroke"/></marker>'
        '<path stroke="red" marker-end="url(#m)" d="M10 10H50"/></svg>'
    )
    assert [pen.colour for pen in drawing.pens] == ['#ff0000']
    assert len(drawing.strokes) == 2


@pytest.mark.parametrize(
    'line',
    [
        '<rect marker-end="url(#m)" width="9" height="9"/>',
        '<path marker-end="url(#gone)" d="M10 10H50"/>',
        '<path marker-end="none" d="M10 10H50"/>',
        '<path d="M10 10H50"/>',
    ],
)
def test_other_lines_have_none(line: str) -> None:
    assert marks(line) == []


def test_a_marker_within_itself_comes_to_an_end() -> None:
    content = '<path marker-end="url(#m)" d="M0 0H2" stroke="#000"/>'
    assert len(marks('<path marker-end="url(#m)" d="M10 10H50"/>', content=content)) == 1


def test_too_many_markers_of_one_line_are_refused_before_any_is_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Place, 'at_vertex', None)
    with pytest.raises(SketchRobotError, match='it has more than 5000 lines at the vertices of others'):
        marks(f'<path style="marker:url(#m)" d="M10 10{"h1" * 200_000}"/>')


def test_too_many_markers_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader_module, 'MOST_MARKED', 50)
    with pytest.raises(SketchRobotError, match='it has more than 50 lines at the vertices of others') as caught:
        marks(f'<path style="marker:url(#m)" d="M10 10{"h1" * 60}"/>')
    assert caught.value.code is ErrorCode.BAD_PLAN
