"""The text of an SVG stands where the file says, in letters of single lines, as outlines, or not at all."""

from __future__ import annotations

import logging

import numpy as np
import pytest

from sketch_robot.motion.svg.reader import read_svg
from sketch_robot.motion.svg.text import CAPITAL
from sketch_robot.motion.text import text_width_mm

TWO = '<text x="10" y="50">E</text><text x="60" y="70">H</text>'
LARGE = '<text x="10" y="50" font-size="30">E</text>'


def box(body: str, mode: str = 'single-line') -> list[float]:
    """Left, top, right and bottom of what is drawn, mm, y down."""
    svg = '<svg xmlns="http://www.w3.org/2000/svg" width="100mm" height="100mm" viewBox="0 0 100 100">'
    drawing = read_svg(f'{svg}{body}</svg>', text=mode)  # type: ignore[arg-type]
    every = np.concatenate([stroke.xy for stroke in drawing.strokes]) * [1.0, -1.0] + [0.0, 100.0]
    return [*every.min(axis=0), *every.max(axis=0)]


def test_a_text_stands_on_its_baseline_as_large_as_its_font() -> None:
    left, top, right, bottom = box('<text x="20" y="50" font-size="10">EH</text>')
    assert (top, bottom) == pytest.approx((50.0 - 10.0 * CAPITAL, 50.0))
    assert 20.0 < left < 22.0
    assert right < 20.0 + text_width_mm('EH', 10.0 * CAPITAL)


@pytest.mark.parametrize(('anchor', 'share'), [('start', 0.0), ('middle', 0.5), ('end', 1.0)])
def test_an_anchor_moves_the_text_by_its_width(anchor: str, share: float) -> None:
    start = box('<text x="50" y="50" font-size="10">EVENT</text>')
    moved = box(f'<text x="50" y="50" font-size="10" text-anchor="{anchor}">EVENT</text>')
    assert moved[0] == pytest.approx(start[0] - share * text_width_mm('EVENT', 10.0 * CAPITAL))


@pytest.mark.parametrize(
    ('body', 'same'),
    [
        ('<text x="10" y="50">E<tspan x="60" y="70">H</tspan></text>', TWO),
        ('<text x="10 60" y="50 70">EH</text>', TWO),
        ('<text x="10" y="50" dx="5" dy="-3">E</text>', '<text x="15" y="47">E</text>'),
        ('<text x="10" y="50"><tspan dy="1em">E</tspan></text>', '<text x="10" y="66">E</text>'),
        ('<text x="10" y="50">\n   E  \n H   </text>', '<text x="10" y="50">E H</text>'),
        ('<text x="10" y="50" xml:space="preserve">  E</text>', '<text x="10" y="50">&#160;&#160;E</text>'),
        ('<text x="10" y="50"><tspan font-size="30">E</tspan></text>', LARGE),
        ('<g transform="translate(10 50)"><text>E</text></g>', '<text x="10" y="50">E</text>'),
        ('<text x="10" y="50">E<tspan display="none">HH</tspan></text>', '<text x="10" y="50">E</text>'),
        ('<defs><text id="t">E</text></defs><use href="#t" x="10" y="50"/>', '<text x="10" y="50">E</text>'),
        ('<text x="10" y="50" letter-spacing="0">E</text>', '<text x="10" y="50">E</text>'),
        ('<text x="10" y="50" rotate="0">E</text>', '<text x="10" y="50">E</text>'),
        ('<style>.l { font-size: 30px }</style><text class="l" x="10" y="50">E</text>', LARGE),
    ],
)  # fmt: skip
def test_places_may_be_said_in_many_ways(body: str, same: str) -> None:
    assert box(body) == pytest.approx(box(same), abs=1e-6)


def test_a_letter_may_be_turned_about_its_place() -> None:
    left, top, right, bottom = box('<text x="50" y="50" font-size="10" rotate="90">I</text>')
    assert (left, right) == pytest.approx((50.0, 50.0 + 10.0 * CAPITAL))  # clockwise, y down
    assert top == bottom


def test_text_is_cut_by_a_clip_path() -> None:
    clip = '<clipPath id="c"><rect width="100" height="48"/></clipPath>'
    assert box(f'{clip}<text clip-path="url(#c)" x="20" y="50" font-size="10">EH</text>')[3] == pytest.approx(48.0)


def test_outlines_are_those_of_an_installed_font(caplog: pytest.LogCaptureFixture) -> None:
    left, top, right, bottom = box('<text x="20" y="50" font-size="10" font-family="DejaVu Sans">H</text>', 'outlines')
    assert (left, top, right, bottom) == pytest.approx((20.98, 42.71, 26.54, 50.0), abs=0.02)
    assert caplog.messages == []


def test_text_can_be_left_out(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        assert box('<text x="20" y="50">E</text><path d="M1 2L3 4" stroke="#000"/>', 'none') == pytest.approx(
            [1, 2, 3, 4]
        )
    assert caplog.messages == ['1 element of the SVG not drawn: text is not wanted']


def test_what_of_a_text_cannot_be_drawn_is_told(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        box('<text x="20" y="50">E中中<textPath href="#p">along</textPath></text>')
    assert caplog.messages == [
        "2 elements of the SVG drawn without some of its text, or otherwise: no single-line font has the letter '中'",
        '1 element of the SVG drawn without some of its text, or otherwise: textPath in a text is not drawn',
    ]


def test_text_in_the_colour_of_paper_is_not_drawn() -> None:
    body = '<text x="20" y="50" fill="white">E</text><path d="M1 2L3 4" stroke="#000"/>'
    assert box(body) == pytest.approx([1, 2, 3, 4])
