"""What an SVG's clip paths, viewports, sheet and dashes hide is not drawn."""

from __future__ import annotations

import numpy as np
import pytest

from sketch_robot.motion.svg_read import read_svg

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
