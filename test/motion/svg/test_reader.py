"""SVG files of other programs: what is in them is found at its place, and what is hostile or broken is not followed."""

from __future__ import annotations

import logging
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.motion.plan import Pen
from sketch_robot.motion.svg import reader as reader_module
from sketch_robot.motion.svg import regions
from sketch_robot.motion.svg.reader import SvgDrawing, read_svg
from sketch_robot.motion.svg.shapes import shape_curves

PX = 25.4 / 96.0


def drawing_of(body: str, attributes: str = 'width="100mm" height="80mm" viewBox="0 0 100 80"') -> SvgDrawing:
    """Of a sheet on which a unit is a millimetre, unless told otherwise."""
    return read_svg(
        f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
        f'xmlns:inkscape="http://www.inkscape.org/namespaces/inkscape" {attributes}>{body}</svg>'
    )


def only(
    body: str,
    attributes: str = 'width="100mm" height="80mm" viewBox="0 0 100 80" overflow="visible" fill="none" stroke="#000"',
) -> np.ndarray:
    """The points of the one stroke, with y down as in the file."""
    drawing = drawing_of(body, attributes)
    (stroke,) = drawing.strokes
    return np.round(np.array([0.0, drawing.height_mm]) + stroke.xy * [1.0, -1.0], 9) + 0.0  # no -0.0


def refused(data: str | bytes) -> str:
    with pytest.raises(SketchRobotError) as caught:
        read_svg(data)
    assert caught.value.code is ErrorCode.BAD_PLAN
    assert '\n' not in caught.value.message
    return caught.value.message.removeprefix('the SVG cannot be read: ')


# ----------------------------------------------------------------- paths
@pytest.mark.parametrize(
    ('data', 'points'),
    [
        ('M10 20 30 40', [[10, 20], [30, 40]]),
        ('m10 20 5 5 5-5', [[10, 20], [15, 25], [20, 20]]),
        ('M10,20L30,40H50V60h-5v-5l1,1', [[10, 20], [30, 40], [50, 40], [50, 60], [45, 60], [45, 55], [46, 56]]),
        ('M10 20h1 2 3', [[10, 20], [11, 20], [13, 20], [16, 20]]),
        ('M.5.5 1e1-2e-1', [[0.5, 0.5], [10, -0.2]]),
        ('M+10.,20L3E1+4e+1', [[10, 20], [30, 40]]),
        ('M10 10 20 10 20 20z', [[10, 10], [20, 10], [20, 20], [10, 10]]),
        ('\n M 10 , 10 \t L 20 , 10 ', [[10, 10], [20, 10]]),
        ('M5 5L5 5', [[5, 5]]),  # a dot
    ],
)
def test_straight_path_data_give_their_points(data: str, points: list) -> None:
    assert only(f'<path d="{data}"/>') == pytest.approx(np.array(points), abs=1e-9)


@pytest.mark.parametrize(
    ('data', 'same'),
    [
        ('M10 10c10 0 20 10 20 20s10 20 20 20', 'M10 10C20 10 30 20 30 30C30 40 40 50 50 50'),
        ('M10 10q10 0 20 10t20 10', 'M10 10Q20 10 30 20Q40 30 50 30'),
        ('M10 10s10 0 20 10', 'M10 10C10 10 20 10 30 20'),
        ('M10 10L20 20T40 20', 'M10 10L20 20Q20 20 40 20'),
        ('M10 10Q20 30 30 10S40 0 50 10', 'M10 10Q20 30 30 10C30 10 40 0 50 10'),
        ('M10 10C20 30 25 30 30 10T50 10', 'M10 10C20 30 25 30 30 10L50 10'),
        ('M10 10Q20 30 30 10T50 10T70 10', 'M10 10Q20 30 30 10Q40 -10 50 10Q60 30 70 10'),
        ('M30 40a20 10 0 1 0 20-10z', 'M30 40a20 10 0 1020-10z'),
        ('M10 40A20 20 0 0150 40', 'M10 40A20,20 0 0,1 50,40'),
        ('M10 40A5 5 0 0150 40', 'M10 40A20 20 0 0 1 50 40'),  # radii too small are enlarged
        ('M10 40A0 5 0 0150 40', 'M10 40L50 40'),
        ('M10 40a-20-20 0 0140 0', 'M10 40A20 20 0 0 1 50 40'),
        ('M10 10L20 10zl5 5', 'M10 10L20 10L10 10M10 10L15 15'),
    ],
)
def test_path_data_written_in_two_ways_are_the_same_line(data: str, same: str) -> None:
    one, other = (drawing_of(f'<path d="{text}"/>').strokes for text in (data, same))
    assert len(one) == len(other)
    for a, b in zip(one, other, strict=True):
        assert max(far(a.xy, b.xy), far(b.xy, a.xy)) < 1e-9
        assert a.xy[[0, -1]] == pytest.approx(b.xy[[0, -1]], abs=1e-9)


def test_a_cubic_curve_is_followed_to_a_hundredth_of_a_millimetre() -> None:
    found = only('<path d="M10 10C60 0 20 70 90 60"/>')
    t = np.linspace(0.0, 1.0, 3001)[:, None]
    true = (1 - t) ** 3 * [10, 10] + 3 * t * (1 - t) ** 2 * [60, 0] + 3 * t**2 * (1 - t) * [20, 70] + t**3 * [90, 60]
    assert far(true, found) < 0.01
    assert len(found) < 120


@pytest.mark.parametrize('large', [0, 1])
@pytest.mark.parametrize('sweep', [0, 1])
def test_an_arc_is_the_one_of_four_that_its_flags_say(large: int, sweep: int) -> None:
    found = only(f'<path d="M40 40A20 20 0 {large} {sweep} 60 60"/>')
    middle = np.array([40.0, 60.0] if large != sweep else [60.0, 40.0])
    assert np.hypot(*(found - middle).T) == pytest.approx(np.full(len(found), 20.0), abs=1e-4)
    length = np.hypot(*np.diff(found, axis=0).T).sum()
    assert length == pytest.approx(20.0 * math.pi * (1.5 if large else 0.5), abs=0.05)
    turns = np.cross(np.diff(found, axis=0)[:-1], np.diff(found, axis=0)[1:])
    assert (turns > 0.0).all() if sweep else (turns < 0.0).all()  # clockwise on screen, y down


def test_a_turned_ellipse_keeps_to_its_equation() -> None:
    found = only('<path d="M20 40A30 10 30 1 1 20 40.001"/>')
    turn = np.radians(30)
    axes = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    middle = (found.min(axis=0) + found.max(axis=0)) / 2
    on = ((found - middle) @ axes.T / [30.0, 10.0]) ** 2
    assert on.sum(axis=1) == pytest.approx(np.ones(len(found)), abs=5e-3)


def far(points: np.ndarray, line: np.ndarray) -> float:
    """The largest distance of points from a polyline."""
    start, step = line[:-1], np.diff(line, axis=0)
    along = ((points[:, None] - start) * step).sum(2) / np.maximum((step**2).sum(1), 1e-300)
    near = start + np.clip(along, 0.0, 1.0)[..., None] * step
    return float(np.hypot(*np.moveaxis(points[:, None] - near, 2, 0)).min(1).max())


# ----------------------------------------------------------------- shapes
@pytest.mark.parametrize(
    ('shape', 'points'),
    [
        ('<line x1="1" y1="2" x2="30" y2="4"/>', [[1, 2], [30, 4]]),
        ('<line x2="50%" y2="100%"/>', [[0, 0], [50, 80]]),
        ('<polyline points="1,2 3,4 5,6"/>', [[1, 2], [3, 4], [5, 6]]),
        ('<polyline points="1 2 3 4 5"/>', [[1, 2], [3, 4]]),
        ('<polygon points="1-2,3 4 5,6"/>', [[1, -2], [3, 4], [5, 6], [1, -2]]),
        ('<rect x="1" y="2" width="10" height="20"/>', [[1, 2], [11, 2], [11, 22], [1, 22], [1, 2]]),
    ],
)
def test_straight_shapes_give_their_points(shape: str, points: list) -> None:
    assert only(shape) == pytest.approx(np.array(points), abs=1e-9)


@pytest.mark.parametrize(
    'shape',
    [
        '<circle cx="40" cy="30" r="20"/>',
        '<ellipse cx="40" cy="30" rx="20"/>',
        '<ellipse cx="40" cy="30" rx="20" ry="20"/>',
    ],
)
def test_a_circle_is_closed_and_round(shape: str) -> None:
    found = only(shape)
    assert found[0].tolist() == found[-1].tolist() == [60.0, 30.0]
    assert np.abs(np.hypot(*(found - [40, 30]).T) - 20).max() < 1e-4
    assert np.abs(np.hypot(*((found[:-1] + found[1:]) / 2 - [40, 30]).T) - 20).max() < 0.01


def test_a_rounded_rectangle_has_quarter_ellipses_at_its_corners() -> None:
    found = only('<rect x="10" y="10" width="40" height="30" rx="8" ry="90"/>')  # ry is cut to half the height
    assert found[0].tolist() == found[-1].tolist() == [18.0, 10.0]
    assert (found.min(axis=0).tolist(), found.max(axis=0).tolist()) == ([10.0, 10.0], [50.0, 40.0])
    right = found[(found[:, 0] > 42.0) & (found[:, 1] < 25.0)]
    assert ((right - [42, 25]) ** 2 / [64, 225]).sum(axis=1) == pytest.approx(np.ones(len(right)), abs=1e-5)


@pytest.mark.parametrize(
    'shape',
    [
        '<rect width="0" height="5"/>',
        '<circle r="0"/>',
        '<ellipse rx="-3" ry="-1"/>',
        '<polyline points=""/>',
        '<path d=""/>',
        '<path d="M10 10"/>',
        '<g/>',
    ],
)
def test_shapes_without_a_line_are_nothing(shape: str) -> None:
    assert refused(f'<svg xmlns="http://www.w3.org/2000/svg">{shape}</svg>').startswith('it holds nothing that a pen')


# ----------------------------------------------------------------- where things stand
@pytest.mark.parametrize(
    ('transform', 'x', 'y'),
    [
        ('translate(5)', 15, 20),
        ('translate(5,-6)', 15, 14),
        ('scale(2)', 20, 40),
        ('scale(2 -.5)', 20, -10),
        ('rotate(90)', -20, 10),
        ('rotate(90 10 10)', 0, 10),
        ('rotate(90deg, 10, 10)', 0, 10),
        ('skewX(45)', 30, 20),
        ('skewY(45)', 10, 30),
        ('matrix(1 2 3 4 5 6)', 75, 106),
        ('translate(5 5) scale(2)', 25, 45),
        ('scale(2), translate(5 5)', 30, 50),
        ('', 10, 20),
    ],
)
def test_transforms_move_a_point_as_the_standard_says(transform: str, x: float, y: float) -> None:
    found = only(f'<g transform="{transform}"><line x1="0" y1="0" x2="10" y2="20"/></g>')
    assert found[-1] == pytest.approx([x, y], abs=1e-9)


def test_nested_transforms_apply_from_the_inside_out() -> None:
    inner = '<line x1="1" y1="0" x2="2" y2="0" transform="translate(1 0)"/>'
    found = only(f'<g transform="translate(10 0)"><g transform="scale(3)">{inner}</g></g>')
    assert found.tolist() == [[16, 0], [19, 0]]


@pytest.mark.parametrize(
    ('width', 'height', 'size_mm'),
    [
        ('100mm', '5cm', (100.0, 50.0)),
        ('2in', '72pt', (50.8, 25.4)),
        ('96', '192px', (25.4, 50.8)),
        ('6pc', '101.6q', (25.4, 25.4)),
        (' 1e2mm ', '+50mm', (100.0, 50.0)),
    ],
)
def test_a_sheet_has_its_size_in_any_unit(width: str, height: str, size_mm: tuple[float, float]) -> None:
    drawing = drawing_of('<line x2="100%" y2="100%"/>', f'width="{width}" height="{height}"')
    assert (drawing.width_mm, drawing.height_mm) == pytest.approx(size_mm)
    assert drawing.strokes[0].xy == pytest.approx(np.array([[0.0, size_mm[1]], [size_mm[0], 0.0]]))


def test_a_length_has_its_unit_also_within_a_viewbox() -> None:
    assert only('<line x1="1in" x2="10"/>')[0] == pytest.approx([96.0, 0.0])  # a unit is a CSS pixel there


def test_without_a_size_a_viewbox_counts_in_pixels() -> None:
    drawing = drawing_of('<line x2="10" y2="10"/>', 'width="100%" viewBox="0 0 96 48"')
    assert (drawing.width_mm, drawing.height_mm) == pytest.approx((25.4, 12.7))
    assert drawing.strokes[0].xy == pytest.approx(np.array([[0.0, 12.7], [10 * PX, 12.7 - 10 * PX]]))


def test_without_any_size_the_sheet_is_as_large_as_what_is_on_it() -> None:
    drawing = drawing_of('<line x1="-10" y1="5" x2="86" y2="53"/>', '')
    assert (drawing.width_mm, drawing.height_mm) == pytest.approx((25.4, 12.7))
    assert drawing.strokes[0].xy == pytest.approx(np.array([[0.0, 12.7], [25.4, 0.0]]))


@pytest.mark.parametrize(
    ('aspect', 'corner', 'far_corner'),
    [
        ('', (0, 25), (100, 75)),
        ('xMidYMid', (0, 25), (100, 75)),
        ('xMinYMin meet', (0, 0), (100, 50)),
        ('xMaxYMax', (0, 50), (100, 100)),
        ('none', (0, 0), (100, 100)),
        ('xMidYMid slice', (-50, 0), (150, 100)),
        ('defer xMinYMid slice', (0, 0), (200, 100)),
    ],
)
def test_a_viewbox_of_another_shape_is_placed_as_asked(aspect: str, corner: tuple, far_corner: tuple) -> None:
    sheet = f'overflow="visible" width="100mm" height="100mm" viewBox="10 10 20 10" preserveAspectRatio="{aspect}"'
    found = only('<line x1="10" y1="10" x2="30" y2="20"/>', sheet)
    assert found == pytest.approx(np.array([corner, far_corner]), abs=1e-9)


def test_a_sheet_within_a_sheet_has_a_viewport_of_its_own() -> None:
    body = '<svg x="10" y="20" width="50" height="50%" viewBox="0 0 5 4"><line x2="100%" y2="4"/></svg>'
    assert only(body) == pytest.approx(np.array([[10.0, 20.0], [60.0, 60.0]]))


def test_what_is_used_is_drawn_at_each_place() -> None:
    body = (
        '<defs><line id="a" x2="10"/></defs><symbol id="b" viewBox="0 0 2 2"><line x2="2" y2="2"/></symbol>'
        '<use href="#a" x="5" y="6"/><use xlink:href="#a" transform="scale(2)" x="5"/>'
        '<use href="#b" x="50" y="50" width="20" height="20"/>'
    )
    found = [np.round(np.array([0, 80]) + s.xy * [1, -1], 9).tolist() for s in drawing_of(body).strokes]
    assert found == [[[5, 6], [15, 6]], [[10, 0], [30, 0]], [[50, 50], [70, 70]]]


@pytest.mark.parametrize(
    'hidden',
    [
        '<line x2="9" display="none"/>',
        '<g style="display:none"><line x2="9" display="inline"/></g>',
        '<line x2="9" visibility="hidden"/>',
        '<path d="M0 0h24v24H0z" fill="none" stroke="none"/>',
        '<g fill="none"><rect width="9" height="9" style="stroke:transparent"/></g>',
        '<rect width="100" height="80" fill="rgb(255,255,255)" stroke="none"/>',
        '<rect width="9" height="9" stroke="#000" stroke-opacity="0" fill-opacity="0%"/>',
        '<g opacity="0.0"><line x2="9" stroke="#000"/></g>',
        '<g visibility="hidden"><line x2="9"/></g>',
        '<g style="visibility: collapse"><line x2="9"/></g>',
        '<style>.gone { display: none }</style><g class="a gone"><line x2="9"/></g>',
        '<defs><line x2="9"/></defs>',
        '<symbol id="s"><line x2="9"/></symbol>',
        '<clipPath id="c"><rect width="9" height="9"/></clipPath>',
        '<mask><rect width="9" height="9"/></mask>',
        '<marker><path d="M0 0L9 9"/></marker>',
        '<pattern><path d="M0 0L9 9"/></pattern>',
        '<image href="http://example.invalid/a.png" width="9" height="9"/>',
        '<foreignObject><line x2="9"/></foreignObject>',
        '<x:line xmlns:x="http://example.invalid" x2="9"/>',
    ],
)
def test_what_is_not_seen_or_no_line_is_not_drawn(hidden: str) -> None:
    assert only(f'{hidden}<line x1="1" x2="9"/>').tolist() == [[1, 0], [9, 0]]


def test_a_child_can_be_seen_within_a_hidden_parent() -> None:
    assert only('<g visibility="hidden"><line x1="3" x2="9" visibility="visible"/></g>').tolist() == [[3, 0], [9, 0]]


# ----------------------------------------------------------------- pens
def test_inkscape_layers_become_pens_in_their_order() -> None:
    drawing = drawing_of(
        '<g inkscape:groupmode="layer" inkscape:label="2 - red" stroke="#f00" stroke-width=".8"><line x2="9"/>'
        '<g inkscape:groupmode="layer" inkscape:label="inner"><line x2="8" stroke="blue"/><line x2="7"/></g></g>'
        '<g inkscape:groupmode="layer" id="layer2" style="stroke: rgb(0,0,0)"><line x2="6"/></g>'
    )
    assert drawing.pens == (Pen('red', '#ff0000', 0.8), Pen('layer2', '#000000', 1.0))
    assert [stroke.pen for stroke in drawing.strokes] == ['red', 'red', 'red', 'layer2']


def test_colours_become_pens_from_dark_to_bright() -> None:
    drawing = drawing_of(
        '<style>/* a { } */ line { stroke: yellow } .b, #none { stroke: navy; } line.b{stroke-width:2}</style>'
        '<line x2="9"/><line x2="8" class="b"/><line x2="7" style="stroke: #123456 !important" stroke="red"/>'
        '<path d="M0 0L5 5" fill="currentColor" color="rgba(0, 128, 0, .5)"/>'
    )
    assert [(pen.name, pen.colour) for pen in drawing.pens] == [
        ('navy', '#000080'),
        ('#123456', '#123456'),
        ('green', '#008000'),
        ('yellow', '#ffff00'),
    ]
    assert drawing.pens[0].width_mm == 2.0
    assert [stroke.pen for stroke in drawing.strokes] == ['yellow', 'navy', '#123456', 'green']


def test_one_colour_or_one_layer_needs_no_named_pen() -> None:
    drawing = drawing_of('<g inkscape:groupmode="layer" inkscape:label="a"><line x2="9"/><line x2="8"/></g>')
    assert drawing.pens == ()
    assert {stroke.pen for stroke in drawing.strokes} == {''}


def test_one_colour_other_than_black_is_a_pen() -> None:
    drawing = drawing_of('<g stroke="#c81e28" stroke-width="1.5"><line x2="9"/><line x2="8"/></g>')
    assert drawing.pens == (Pen('#c81e28', '#c81e28', 1.5),)
    assert {stroke.pen for stroke in drawing.strokes} == {'#c81e28'}


def test_lines_are_as_wide_as_their_strokes_on_paper() -> None:
    drawing = drawing_of('<g transform="scale(2 8)"><line x2="9" stroke-width="0.5"/></g>')
    assert drawing.strokes[0].half_width == pytest.approx(1.0)  # a quarter, four times as large on the mean


def test_longer_lines_are_more_important() -> None:
    long, short = drawing_of('<line x2="90"/><line x2="5"/>').strokes
    assert 0.0 < short.importance < long.importance <= 1.0


# ----------------------------------------------------------------- bad files
BOMB = '<!DOCTYPE svg [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]>'


@pytest.mark.parametrize(
    ('data', 'message'),
    [
        ('', 'it is not well-formed: no element found'),
        ('no xml', 'it is not well-formed: syntax error'),
        ('<svg', 'it is not well-formed'),
        (b'\xff\xfe\x00', 'it is not well-formed'),
        ('<html/>', "its root is 'html', not an svg element"),
        ('<svg xmlns="http://example.invalid/"/>', "its root is 'svg', not an svg element"),
        (BOMB + '<svg>&b;</svg>', "it declares the entity 'b', which is not short and plain, and refused"),
        ('<!DOCTYPE svg [<!ENTITY x SYSTEM "file:///etc/passwd">]><svg>&x;</svg>', "it declares the entity 'x'"),
        ('<!DOCTYPE svg [<!ENTITY % x "<!ELEMENT a ANY>">]><svg/>', "it declares the entity 'x'"),
        (f'<!DOCTYPE svg [<!ENTITY x "{"a" * 257}">]><svg/>', "it declares the entity 'x'"),
        (
            f'<!DOCTYPE svg [<!ENTITY x "ha">]><svg>{"&x;" * 20_000}</svg>',
            'it declares entities and uses them too often',
        ),
        ('<!DOCTYPE svg [<!ATTLIST svg width CDATA "9">]><svg/>', "it declares attributes of 'svg'"),
        (
            b'<?xml version="1.0" encoding="nope"?><svg/>',
            'its text is in a way that is not known: unknown encoding: nope',
        ),
        (b'<?xml version="1.0" encoding="rot13"?><svg/>', 'its text is in a way that is not known'),
        ('<svg>&x;</svg>', 'it is not well-formed: undefined entity'),
        ('<g>' * 5000, 'its elements are nested more than 200 deep'),
        ('<svg width="0" height="5"><line x2="9"/></svg>', 'its sheet has the size 0 x 5 px'),
        ('<svg width="-5mm" height="5"><line x2="9"/></svg>', 'its sheet has the size -18.8976 x 5 px'),
        ('<svg width="wide" height="5"><line x2="9"/></svg>', "'wide' is no length"),
        ('<svg width="1e999" height="5"><line x2="9"/></svg>', "the length '1e999' is not finite"),
        ('<svg/>', 'it holds nothing that a pen could draw'),
        ('<svg><text> </text><image href="a.png"/></svg>', 'it holds nothing that a pen could draw'),
    ],
)
def test_what_is_no_drawing_is_refused(data: str | bytes, message: str) -> None:
    assert refused(data).startswith(message)


def test_a_plain_document_type_is_read_and_never_fetched() -> None:
    kind = '<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://example.invalid/svg11.dtd">'
    assert len(read_svg(kind + '<svg><line x2="9"/></svg>').strokes) == 1


@pytest.mark.parametrize(
    'broken',
    [
        '<path d="M10 10 L1e999 0"/>',
        '<path d="M10 10 C1e308 0 -1e308 0 1e308 1e308"/>',
        '<line x1="one"/>',
        '<circle r="5 furlongs"/>',
        '<rect width="inf" height="nan"/>',
        '<g transform="scale(1e999)"><line x2="9" y2="9"/></g>',
        '<use href="#nothing"/>',
        '<use href="other.svg#a"/>',
        '<use href="#a" x="left"/><defs><line id="a" x2="9"/></defs>',
        '<svg width="0" viewBox="0 0 1 1"><line x2="9"/></svg>',
        '<use id="a" href="#a"/>',
        '<g id="a"><use href="#a"/></g>',
        '<g><symbol id="a"><use href="#a"/></symbol><use href="#a"/></g>',
        '<g id="a"><use href="#b"/></g><defs><g id="b"><use href="#a"/></g></defs>',
    ],
)
def test_a_broken_element_is_left_out_with_a_warning(broken: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        assert only(f'{broken}<line x1="1" x2="9"/>').tolist() == [[1, 0], [9, 0]]
    assert len(caplog.messages) == 1
    assert caplog.messages[0].startswith('1 element of the SVG not drawn: ')


@pytest.mark.parametrize(
    ('broken', 'points'),
    [
        ('<path d="M1 1L5 5L20"/>', [[1, 1], [5, 5]]),
        ('<path d="M1 1L5 5L20 nan"/>', [[1, 1], [5, 5]]),
        ('<path d="M1 1L5 5 7"/>', [[1, 1], [5, 5]]),
        ('<path d="M1 1L5 5B20 20"/>', [[1, 1], [5, 5]]),
        ('<path d="M1 1L5 5M"/>', [[1, 1], [5, 5]]),
        ('<path d="M1 1h4 4 x9"/>', [[1, 1], [5, 1], [9, 1]]),
        ('<path d="M1 1L5 5z 5"/>', [[1, 1], [5, 5], [1, 1]]),
        ('<path d="M1 1L5 5A5 5 0 2 0 20 20"/>', [[1, 1], [5, 5]]),
        ('<path d="M1 1L5 5C6 6 7"/>', [[1, 1], [5, 5]]),
        ('<polyline points="1,2 3,4 three,4"/>', [[1, 2], [3, 4]]),
        ('<polygon points="1,2 3,4 5,8 9 x"/>', [[1, 2], [3, 4], [5, 8], [1, 2]]),
    ],
)
def test_a_line_is_drawn_up_to_the_error_in_its_data(
    broken: str, points: list, caplog: pytest.LogCaptureFixture
) -> None:
    assert only(broken).tolist() == points
    assert len(caplog.messages) == 1
    assert caplog.messages[0].startswith('1 element of the SVG drawn only up to an error: ')


@pytest.mark.parametrize('data', ['10 10 L20 20', 'L20 20', 'M10 10', 'M10 10L', 'M', 'x', 'M10 10 z'])
def test_path_data_without_a_line_draw_nothing(data: str) -> None:
    drawn = [stroke for stroke in drawing_of(f'<path d="{data}"/><line x2="9"/>').strokes if len(stroke.xy) > 1]
    assert len(drawn) == 1


@pytest.mark.parametrize(
    'transform', ['rotate(90,', 'rotate(1 2)', 'scale()', 'turn(3)', 'translate(3 4', 'matrix(1 0)']
)
def test_a_transform_that_cannot_be_read_leaves_the_element_where_it_is(
    transform: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert only(f'<g transform="{transform}"><line x2="9"/></g>').tolist() == [[0, 0], [9, 0]]
    assert len(caplog.messages) == 1
    assert caplog.messages[0].startswith('1 element of the SVG drawn without its transform: ')


def nested_uses(levels: int) -> str:
    """Ten uses of ten uses of ... one line."""
    uses = ''.join(f'<g id="u{k + 1}">{f"""<use href="#u{k}"/>""" * 10}</g>' for k in range(levels))
    return f'<defs><line id="u0" x2="1"/>{uses}</defs><use href="#u{levels}"/>'


@pytest.mark.parametrize(
    ('bomb', 'message'),
    [
        (nested_uses(11), 'its elements, or uses of elements, are within one another too deep or too often'),
        ('<path d="M0 0' + 'l1 1' * 3_000_000 + '"/>', 'its path data have 6000002 numbers, '),
        ('<path d="M0 0' + 'l1.5-.25' * 1_300_000 + '"/>', 'its path data have 2600002 numbers, '),
        ('<path d="M0 0' + 'C1 2 3 4 90 90' * 400_000 + '"/>', 'its path data have 4800002 numbers, curves and arcs '),
        (
            '<path d="M0 0' + 'A50 50 0 0 1 9 9' * 100_000 + '"/>',
            'its path data have 5600002 numbers, curves and arcs ',
        ),
        (
            f'<defs><path id="a" d="M0 0{"A5 5 0 0 1 9 9" * 50}"/></defs>' + '<use href="#a"/>' * 5_000,
            'its path data have 7040000 numbers, curves and arcs ',
        ),
        ('<path d="' + 'M0 0h1' * 110_000 + '"/>', 'it has 110000 lines, more than 100000; draw it in parts'),
        ('<line x2="9"/>' * 110_000, 'it has 110000 lines, more than 100000; draw it in parts'),
        (
            '<defs><path id="a" d="M0 0' + 'l1 1' * 100_000 + '"/></defs>' + '<use href="#a"/>' * 50,
            'its path data have 10000100 numbers, ',
        ),
    ],
)
def test_a_bomb_is_refused_before_anything_of_it_is_drawn(
    bomb: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader_module, 'shape_curves', None)
    assert refused(f'<svg xmlns="http://www.w3.org/2000/svg">{bomb}</svg>').startswith(message)


@pytest.mark.parametrize(
    'data',
    [
        'M0 0A' + '2' * 300_000,
        'M0 0A1 1 0' + ' ' * 300_000 + 'x',
        'M0 0L' + '1e' * 300_000,
        'M0 0' + ' ' * 900_000 + '!',
        'M0 0L' + '-' * 900_000,
    ],
)
def test_hostile_path_data_come_to_an_end(data: str) -> None:
    assert only(f'<path d="{data}"/><line x1="1" x2="9"/>').tolist() == [[1, 0], [9, 0]]


@pytest.mark.parametrize('sheet', ['/*' * 50_000, 'a{' * 50_000, '{' * 100_000, 'a,' * 50_000 + '{}', '}' * 100_000])
def test_hostile_style_sheets_come_to_an_end(sheet: str) -> None:
    assert only(f'<style>{sheet}</style><line x1="1" x2="9"/>').tolist() == [[1, 0], [9, 0]]


def test_asking_how_large_elements_are_is_counted_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader_module, 'MOST_VISITS', 1000)
    group = (
        '<g style="transform: rotate(3deg); {box} transform-origin: center">' + '<path d="M1 1L9 9"/>' * 150 + '</g>'
    )
    assert len(drawing_of(group.format(box='')).strokes) == 150
    with pytest.raises(SketchRobotError, match='within one another too deep or too often'):
        drawing_of(group.format(box='transform-box: fill-box;'))


def test_a_clip_that_is_too_large_is_looked_at_once_or_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    looked = []

    def counted(*given: object) -> object:
        looked.append(given[0])
        return shape_curves(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(regions, 'shape_curves', counted)
    clip = f'<clipPath id="c"><path d="M0 0{"L1 2 3 9" * 30_000}"/></clipPath>'
    drawn = only(f'{clip}<line x1="1" x2="9"/>{"""<path clip-path="url(#c)" d="M0 0L99 99"/>""" * 50}')
    assert drawn.tolist() == [[1, 0], [9, 0]]
    assert len(looked) <= 2


def test_several_cubic_curves_of_one_command_are_those_of_one_each() -> None:
    row = only('<path d="M10 10c0 5 5 10 10 10 5 0 5 -9 20 -10s9 9 9 9"/>')
    each = only('<path d="M10 10C10 15 15 20 20 20C25 20 25 11 40 10C55 9 49 19 49 19"/>')
    np.testing.assert_allclose(row, each, atol=1e-12)


def test_a_curve_too_large_for_any_paper_is_left_out() -> None:
    giant = '<path d="M0 0C1e12 5e12 -3e12 1e12 9e12 0"/>'
    assert only(f'{giant}<line x1="1" x2="9"/>').tolist() == [[1, 0], [9, 0]]


@given(st.text(alphabet='MmLlHhVvCcSsQqTtAaZz0123456789.-+eE ,\n', max_size=60))
@settings(max_examples=300, deadline=None)
def test_any_path_data_give_finite_points_or_are_left_out(data: str) -> None:
    drawing = drawing_of(f'<path d="{data}"/><line x1="1" x2="9"/>')
    assert all(np.isfinite(stroke.xy).all() for stroke in drawing.strokes)


@given(st.binary(max_size=200))
@settings(max_examples=100, deadline=None)
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    with pytest.raises(SketchRobotError) as caught:
        read_svg(b'<svg>' + data)
    assert caught.value.code is ErrorCode.BAD_PLAN


def test_what_lies_kilometres_away_is_left_out(caplog: pytest.LogCaptureFixture) -> None:
    assert only('<path d="M0 0L1e9 0"/><line x1="1" x2="9"/>').tolist() == [[1, 0], [9, 0]]
    assert caplog.messages == [
        '1 element of the SVG not drawn: it has a coordinate that is not finite, or beyond 1e+07 mm'
    ]


def test_lines_without_a_colour_are_drawn_when_there_are_no_others(caplog: pytest.LogCaptureFixture) -> None:
    assert only('<path d="M0 0h24" fill="none"/>').tolist() == [[0, 0], [24, 0]]
    assert caplog.messages == []
    drawing_of('<path d="M0 0h24" fill="none"/><path d="M0 9h24" stroke="#fff"/>')
    assert caplog.messages == ['1 element of the SVG not drawn: without a colour, or in that of the paper']


def test_a_sheet_of_next_to_no_size_is_read() -> None:
    drawing = drawing_of('<line x2="1e-320" stroke="#000"/>', 'width="1e-320" height="1e-320" overflow="visible"')
    assert [0.0 <= stroke.importance <= 1.0 for stroke in drawing.strokes] == [True]
