"""Colours, cascades, selectors and variables of SVG, as CSS has them."""

from __future__ import annotations

import logging
from xml.etree import ElementTree

import pytest

from sketch_robot.motion.svg import style as style_module
from sketch_robot.motion.svg.reader import read_svg
from sketch_robot.motion.svg.style import Style, StyleSheets, parse_colour


@pytest.mark.parametrize(
    ('text', 'colour'),
    [
        ('red', '#ff0000'), ('  ReD ', '#ff0000'), ('#0f0', '#00ff00'), ('#0f08', '#00ff00'), ('#00ff0080', '#00ff00'),
        ('rgb(300, -5, 10)', '#ff000a'), ('rgb(120%, 0%, 50%)', '#ff0080'), ('rgb(0 0 255 / 20%)', '#0000ff'),
        ('hsl(120, 200%, 25%)', '#008000'), ('hsl(480, 100%, 150%)', '#ffffff'), ('hwb(0 0% 0%)', '#ff0000'),
        ('rgba(1,2,3,9)', '#010203'), ('lab(50% 20 30)', '#000000'),
        ('none', ''), ('', ''), ('transparent', ''), ('rgba(0,0,0,0)', ''), ('#0000', ''), ('#12345600', ''),
        ('rgb(0 0 0 / 0)', ''), ('hsla(0,0%,0%,0)', ''), ('rgba(9,9,9,-1)', ''), ('#rrggbb00', ''), ('#12', ''),
        ('bluish', ''), ('rgb(' * 9000, ''),
    ],
)  # fmt: skip
def test_a_colour_is_read_whatever_way_it_is_written(text: str, colour: str) -> None:
    assert parse_colour(text) == colour


def drawn(body: str, attributes: str = '') -> list[str]:
    """The x at which the vertical lines that are drawn stand, and a letter for the pen's colour."""
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" width="100mm" height="100mm" viewBox="0 0 100 100" {attributes}>'
    return [
        f'{stroke.xy[0, 0]:.0f}' for stroke in read_svg(f'{svg}{body}<path d="M99 0V9" stroke="#000"/></svg>').strokes
    ]


LINES = ''.join(f'<path class="c{x}" id="i{x}" d="M{x} 0V9" stroke="#000" fill="none"/>' for x in range(1, 6))


@pytest.mark.parametrize(
    ('sheet', 'left'),
    [
        ('path:first-child { display: none }', '12345'),  # the style element is the first
        ('g path:last-child { display: none }', '1234'),
        ('path:nth-child(2n) { stroke: none }', '24'),
        ('.c2 + path { stroke: none }', '1245'),
        ('.c3 ~ path { stroke: none }', '123'),
        ('g > .c1, svg .c2, #i3.c3 { stroke: none }', '45'),
        ('path:not(.c2):not(#i3) { stroke: none }', '23'),
        (':is(.c1, .c5) { stroke: none }', '234'),
        ('[d^="M1 "], [id$="5"], [class*="4"] { stroke: none }', '23'),
        ('/* .c1 { stroke: none } */ .c2 { /* ; */ stroke: none /* } */ }', '1345'),
        ('.c1 { stroke: none } #i1 { stroke: #000 }', '12345'),
        ('.c1 { stroke: none !important } #i1 { stroke: #000 }', '2345'),
        ('@media print { .c1 { stroke: none } } @media screen { .c2 { stroke: none } }', '1345'),
        ('.c1:hover { stroke: none } .c2::before { stroke: none }', '12345'),
        (':root { --gone: none } .c3 { stroke: var(--gone) }', '1245'),
        ('.c3 { stroke: var(--nobody, none) } .c4 { stroke: var(--nobody) }', '125'),
        ('.c3 { --a: var(--b); --b: var(--a); stroke: var(--a) }', '1245'),
        ('.c1 { STROKE: none } .c2 { stroke : none ; } .c3{stroke:none;;}', '45'),
        ('.c1 { stroke: bluish } .c2 { stroke: url(#nope) none } .c3 { stroke: url("#nope") }', '145'),
        ('.c1 { stroke-width: 0 } .c2 { stroke-width: -3 } .c3 { opacity: 0% } .c4 { stroke-opacity: 0 }', '5'),
    ],
)
def test_style_sheets_say_which_lines_are_drawn(sheet: str, left: str) -> None:
    assert drawn(f'<g><style>{sheet.replace("<", "&lt;").replace(">", "&gt;")}</style>{LINES}</g>') == [*left, '99']


def test_an_important_style_wins_over_a_style_attribute_and_that_over_a_sheet() -> None:
    lines = (
        '<path d="M1 0V9" style="stroke: #000"/><path class="i" d="M2 0V9" style="stroke: #000"/>'
        '<path class="i" d="M3 0V9" style="stroke: #000 !important"/>'
    )
    assert drawn(f'<style>path {{ stroke: none }} .i {{ stroke: none !important }}</style>{lines}', 'fill="none"') == [
        '1',
        '3',
    ]


def test_what_a_style_sheet_says_in_vain_is_told(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        drawn(f'<style>@import "other.css"; .a > > .b {{ stroke: none }}</style>{LINES}')
    assert caplog.messages == [
        'the style sheets of the SVG have @import, which is not followed (1 times)',
        "the style sheets of the SVG have the selector '.a > > .b', which is not followed (1 times)",
    ]


@pytest.mark.parametrize(
    ('sheet', 'message'),
    [
        ('a{}' * 5001, 'its style sheets have more than 5000 rules'),
        ('a' * 500_001, 'its style sheets have more than 500000 characters'),
        ('rect ' + 'g ' * 12 + 'path{}', 'its style sheet takes too long to apply'),
        ('rect ~ ' + 'path ~ ' * 9 + 'path{}', 'its style sheet takes too long to apply'),
    ],
)
def test_a_style_sheet_that_takes_too_long_is_refused(
    sheet: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(style_module, 'MOST_STEPS', 50_000)
    root = ElementTree.fromstring('<svg>' + '<g>' * 30 + '<path/>' * 300 + '</g>' * 30 + '</svg>')
    with pytest.raises(ValueError, match=message):
        StyleSheets(root, [sheet])


def test_sizes_of_fonts_pass_down_and_multiply() -> None:
    style = Style().within({'font-size': '20px'}).within({'font-size': '1.5em'}).within({'font-size': '50%'})
    assert style.font_px == pytest.approx(15.0)
    assert style.within({'font': 'italic 12pt/1.5 Arial'}).font_px == pytest.approx(16.0)
    assert style.within({'font-size': 'huge'}).font_px == pytest.approx(15.0)


def test_what_is_not_inherited_ends_with_its_element() -> None:
    outer = Style().within({'clip-path': 'url(#a)', 'transform': 'scale(2)', 'opacity': '.5', 'stroke': 'red'})
    inner = outer.within({})
    assert (outer.clip_path, inner.clip_path) == ('url(#a)', '')
    assert (inner.transform, inner.opacity, inner.stroke) == ('', '', 'red')
