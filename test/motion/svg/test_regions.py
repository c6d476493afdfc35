"""What an SVG's clip paths, viewports, sheet and dashes hide is not drawn."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from sketch_robot.motion.svg.reader import read_svg
from sketch_robot.motion.svg.regions import clip_lines, region_of
from sketch_robot.polyline import length_of, lengths_along

RECT = '<rect x="20" y="10" width="40" height="30"/>'
CROSS = '<path d="M0 20H100" fill="none" stroke="#000"/>'


def lines(body: str, attributes: str = '') -> list[list[list[float]]]:
    sheet = f'<svg xmlns="http://www.w3.org/2000/svg" width="100mm" height="80mm" viewBox="0 0 100 80" {attributes}>'
    strokes = read_svg(f'{sheet}{body}</svg>').strokes
    return [np.round(np.array([0, 80]) + stroke.xy * [1, -1], 6).tolist() for stroke in strokes]


@pytest.mark.parametrize(
    ('clip', 'x'),
    [
        (f'<clipPath id="c">{RECT}</clipPath>', [[20, 60]]),
        (f'<clipPath id="c" transform="translate(10 0)">{RECT}</clipPath>', [[30, 70]]),
        (f'<defs><g>{RECT.replace("<rect", "<rect id=&quot;r&quot;".replace("&quot;", chr(34)))}</g></defs>'
         '<clipPath id="c"><use href="#r"/></clipPath>', [[20, 60]]),
        (f'<clipPath id="c">{RECT}<rect x="80" width="10" height="50"/></clipPath>', [[20, 60], [80, 90]]),
        (f'<clipPath id="d"><rect x="50" width="50" height="80"/></clipPath>'
         f'<clipPath id="c" clip-path="url(#d)">{RECT}</clipPath>', [[50, 60]]),
        ('<clipPath id="c"><path d="M10 0H90V80H10ZM30 0H50V80H30Z" clip-rule="evenodd"/></clipPath>',
         [[10, 30], [50, 90]]),
        ('<clipPath id="c"><path d="M10 0H90V80H10ZM30 0H50V80H30Z"/></clipPath>', [[10, 90]]),
    ],
)  # fmt: skip
def test_a_clip_path_leaves_what_is_inside_of_it(clip: str, x: list) -> None:
    found = lines(f'{clip}<g clip-path="url(#c)">{CROSS}</g>')
    assert [[line[0], line[-1]] for line in found] == [[[a, 20], [b, 20]] for a, b in x]


def test_a_clip_path_in_units_of_a_group_follows_its_box() -> None:
    clip = '<clipPath id="c" clipPathUnits="objectBoundingBox"><rect x=".25" width=".5" height="1"/></clipPath>'
    body = f'{clip}<g clip-path="url(#c)" fill="none" stroke="#000"><path d="M20 20H60"/><path d="M20 40H60"/></g>'
    assert lines(body) == [[[30, 20], [50, 20]], [[30, 40], [50, 40]]]


def test_the_outline_of_a_clipped_fill_is_closed_along_the_clip() -> None:
    (found,) = lines(f'<clipPath id="c">{RECT}</clipPath><path clip-path="url(#c)" d="M0 20H100V60H0Z"/>')
    assert found[0] == found[-1]
    assert {tuple(point) for point in found} == {(20, 20), (60, 20), (60, 40), (20, 40)}


def test_a_viewport_and_the_sheet_cut_lines() -> None:
    assert lines(f'<svg x="10" width="30" height="50">{CROSS}</svg>') == [[[10, 20], [40, 20]]]
    (found,) = lines('<path d="M-50 20H150" fill="none" stroke="#000"/>')
    assert found == [[-0.02, 20], [100.02, 20]]


def test_dashes_are_drawn_as_dashes() -> None:
    body = '<path d="M0 20H20" fill="none" stroke="#000" stroke-dasharray="6 4" stroke-dashoffset="1"/>'
    assert lines(body) == [[[0, 20], [5, 20]], [[9, 20], [15, 20]], [[19, 20], [20, 20]]]


def test_rules_may_name_ancestors_parents_and_attributes() -> None:
    style = '<style>.axis path, g > line, [data-k="s"] { display: none }</style>'
    body = '<g class="axis"><g><path d="M0 0H9"/></g></g><g><line x2="9"/></g><path data-k="s" d="M0 1H9"/>'
    assert lines(f'{style}{body}{CROSS}') == [[[0, 20], [100, 20]]]


BOX = 'clipPathUnits="objectBoundingBox"'


@pytest.mark.parametrize(
    ('clip', 'x'),
    [
        # its own transform is in the units of what is clipped, not of its box
        (f'<clipPath id="c" {BOX} transform="translate(10 0)"><rect width=".5" height="1"/></clipPath>', [(10, 60)]),
        (f'<clipPath id="c" {BOX} transform="scale(.5 1)"><rect width="1" height="1"/></clipPath>', [(0, 50)]),
        ('<clipPath id="c" display="none"><rect width="30" height="80"/></clipPath>', [(0, 30)]),
        ('<g display="none"><clipPath id="c"><rect width="30" height="80"/></clipPath></g>', [(0, 30)]),
        ('<clipPath id="c"><rect width="30" height="80" display="none"/><rect width="9" height="80"/></clipPath>',
         [(0, 9)]),
        ('<clipPath id="c"><rect width="30" height="80" opacity="0"/></clipPath>', [(0, 30)]),
        ('<clipPath id="d"><rect x="20" width="80" height="80"/></clipPath>'
         '<clipPath id="c"><rect width="50" height="80" clip-path="url(#d)"/></clipPath>', [(20, 50)]),
        ('<clipPath id="e"><rect x="25" width="80" height="80"/></clipPath>'
         '<clipPath id="d"><rect x="20" width="80" height="80" clip-path="url(#e)"/></clipPath>'
         '<clipPath id="c"><rect width="50" height="80" clip-path="url(#d)"/></clipPath>', [(25, 50)]),
        ('<g clip-rule="evenodd"><clipPath id="c"><path d="M0 0H90V80H0ZM30 0H50V80H30Z"/></clipPath></g>',
         [(0, 30), (50, 90)]),
        ('<clipPath id="c"><path d="M10 0H60V80H10ZM40 0H90V80H40Z"/></clipPath>', [(10, 90)]),  # they overlap
        ('<clipPath id="c"><path d="M10 0L90 80V0L10 80Z"/></clipPath>', [(10, 30), (70, 90)]),  # it crosses itself
        ('<clipPath id="c" transform="translate(50 0)" transform-origin="9 9"><rect width="9" height="80"/></clipPath>',
         [(50, 59)]),
        ('<clipPath id="c"/>', []),
        ('<clipPath id="c"><rect width="30" height="0"/></clipPath>', []),
        ('<clipPath id="c" clip-path="url(#c)"><rect width="30" height="80"/></clipPath>', [(0, 100)]),
    ],
)  # fmt: skip
def test_a_clip_path_is_followed_whatever_it_is_made_of(clip: str, x: list) -> None:
    far = '<path d="M0 1H100V79H0Z" stroke="none" fill="none"/>'  # gives the group a box
    found = lines(f'{clip}<path d="M0 79.9H9" stroke="#000"/><g clip-path="url(#c)">{far}{CROSS}</g>')[1:]
    assert [(line[0][0], line[-1][0]) for line in found] == x


def area(xy: np.ndarray) -> float:
    return 0.5 * abs(float(np.cross(xy[:-1], xy[1:]).sum()))


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=3, max_size=12), st.booleans())
@settings(max_examples=60, deadline=None)
def test_a_region_holds_what_its_rule_says(corners: list, even_odd: bool) -> None:
    outline = np.array(corners, dtype=float)
    region = region_of([outline], even_odd=even_odd)
    points = np.random.default_rng(len(corners)).uniform(0.0, 9.0, (60, 2))
    ring = np.vstack((outline, outline[:1]))
    for x, y in points:
        ahead = (ring[:-1, 1] <= y) != (ring[1:, 1] <= y)
        with np.errstate(all='ignore'):
            at = ring[:-1, 0] + (y - ring[:-1, 1]) / (ring[1:, 1] - ring[:-1, 1]) * (ring[1:, 0] - ring[:-1, 0])
        turns = np.where(ahead & (at > x), np.where(ring[1:, 1] > ring[:-1, 1], 1, -1), 0)
        inside = turns.sum() % 2 != 0 if even_odd else turns.sum() != 0
        if shapely.distance(shapely.LineString(ring), shapely.Point(x, y)) > 1e-3:
            assert shapely.intersects_xy(region, x, y) == inside


@given(st.lists(st.tuples(st.integers(-2, 11), st.integers(-2, 11)), min_size=2, max_size=12))
@settings(max_examples=60, deadline=None)
def test_cut_lines_keep_their_order_and_direction(corners: list) -> None:
    xy = np.array(corners, dtype=float)
    pieces = clip_lines([xy], shapely.box(0.0, 0.0, 9.0, 9.0))
    along = 0.0
    for piece in pieces:
        assert (piece >= -0.021).all()
        assert (piece <= 9.021).all()
    inside = sum(length_of(piece) for piece in pieces)
    parts = (shapely.LineString(xy[k : k + 2]) for k in range(len(xy) - 1))
    true = sum(shapely.intersection(part, shapely.box(0.0, 0.0, 9.0, 9.0)).length for part in parts)
    assert inside == pytest.approx(true, abs=0.05 * len(xy))
    if not np.array_equal(xy[0], xy[-1]):
        for piece in pieces:  # each begins where the line is not before the one before it
            starts = [
                lengths_along(xy)[k] + np.hypot(*(piece[0] - xy[k]))
                for k in range(len(xy) - 1)
                if shapely.distance(shapely.LineString(xy[k : k + 2]), shapely.Point(piece[0])) < 1e-9
            ]
            assert not starts or max(starts) >= along - 1e-9
            along = min((start for start in starts if start >= along - 1e-9), default=along)


def test_an_entangled_clip_path_is_refused_soon(caplog: pytest.LogCaptureFixture) -> None:
    zigzag = ''.join(f'L{k * 37 % 100} {k * 61 % 80}' for k in range(4000))
    body = f'<clipPath id="c"><path d="M0 0{zigzag}"/></clipPath><g clip-path="url(#c)">{CROSS}</g>'
    assert lines(f'{body}<path d="M0 1H9" stroke="#000"/>') == [[[0, 1], [9, 1]]]
    assert 'its outline crosses itself too often' in caplog.text
