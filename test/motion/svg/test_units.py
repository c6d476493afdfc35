"""Lengths, transforms and sheets of SVG in all their spellings."""

from __future__ import annotations

import math

import numpy as np
import pytest

from sketch_robot.motion.svg.units import length_px, parse_origin, parse_transform, sheet_size_px, transform_of


@pytest.mark.parametrize(
    ('text', 'px'),
    [
        ('12', 12.0), (' 12px ', 12.0), ('1in', 96.0), ('25.4mm', 96.0), ('2.54cm', 96.0), ('72pt', 96.0),
        ('6pc', 96.0), ('101.6Q', 96.0), ('50%', 100.0), ('2em', 40.0), ('2ex', 20.0), ('2ch', 20.0), ('1rem', 16.0),
        ('-.5e1', -5.0),
    ],
)  # fmt: skip
def test_a_length_has_its_unit(text: str, px: float) -> None:
    assert length_px(text, 200.0, 20.0) == pytest.approx(px)


@pytest.mark.parametrize('text', ['', 'x', '1 2', '3furlongs', 'nan', 'inf', '1e999', '1e999mm', '--3', '%'])
def test_what_is_no_length_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match='length'):
        length_px(text, 1.0)


@pytest.mark.parametrize(
    ('text', 'there'),
    [
        ('translate(10px, 30px)', (13, 34)), ('translate(50% 25%)', (103, 29)), ('translateX(1em)', (23, 4)),
        ('translateY(50%)', (3, 54)), ('scale(2)', (6, 8)), ('scale(2, 50%)', (6, 2)), ('scaleX(3)', (9, 4)),
        ('scaleY(-1)', (3, -4)), ('rotate(90deg)', (-4, 3)), ('rotate(.25turn)', (-4, 3)), ('rotate(100grad)', (-4, 3)),
        (f'rotate({math.pi / 2}rad)', (-4, 3)), ('rotate(90 3 0)', (-1, 0)), ('skewX(45)', (7, 4)),
        ('skewY(45deg)', (3, 7)), ('skew(45deg, 45deg)', (7, 7)), ('matrix(1 0 0 1 5 6)', (8, 10)), ('none', (3, 4)),
        ('', (3, 4)), (' translate( 1 , 2 ) , scale(2) ', (7, 10)),
    ],
)  # fmt: skip
def test_transforms_are_read_as_attributes_and_as_css_have_them(text: str, there: tuple) -> None:
    assert (parse_transform(text, (200.0, 100.0), 20.0) @ [3.0, 4.0, 1.0])[:2] == pytest.approx(there)


@pytest.mark.parametrize('text', ['rotate(45', 'rotate(1 2)', 'turn(3)', 'scale(x)', 'translate(1 2 3)', 'rotate(9px)'])
def test_what_is_no_transform_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r'no transform|no angle|no number'):
        parse_transform(text)


@pytest.mark.parametrize(
    ('text', 'place'),
    [
        ('50 40', (50, 40)), ('center', (100, 50)), ('left', (0, 50)), ('top', (100, 0)), ('bottom right', (200, 100)),
        ('25% 5px', (50, 5)), ('top left', (0, 0)), ('right 10px 0', (200, 10)), ('30px', (30, 50)),
    ],
)  # fmt: skip
def test_an_origin_is_a_place_in_its_box(text: str, place: tuple) -> None:
    assert parse_origin(text, (200.0, 100.0)) == pytest.approx(place)


@pytest.mark.parametrize('text', ['', 'middle', '1 2 3 4', 'left left', 'top bottom'])
def test_what_is_no_origin_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match='is no'):
        parse_origin(text, (200.0, 100.0))


def test_a_transform_is_about_its_origin_and_the_corner_of_its_box() -> None:
    matrix = transform_of('scale(2)', 'center', (20.0, 10.0), corner_px=(100.0, 200.0))
    assert matrix @ [110.0, 205.0, 1.0] == pytest.approx([110.0, 205.0, 1.0])
    assert matrix @ [100.0, 200.0, 1.0] == pytest.approx([90.0, 195.0, 1.0])
    assert np.array_equal(transform_of('scale(2)', '', (20.0, 10.0)), np.diag([2.0, 2.0, 1.0]))


@pytest.mark.parametrize(
    ('attributes', 'size'),
    [
        ({'width': '200', 'height': '90'}, (200, 90)),
        ({'width': '200', 'viewBox': '0 0 100 50'}, (200, 100)),
        ({'height': '200', 'viewBox': '0 0 100 50'}, (400, 200)),
        ({'width': '200', 'height': '100%', 'viewBox': '0 0 100 50'}, (200, 100)),
        ({'width': 'auto', 'height': 'auto', 'viewBox': '9 9 100 50'}, (100, 50)),
        ({'width': '200'}, None),
        ({'viewBox': '0 0 0 50'}, None),
        ({'viewBox': '0 0 9'}, None),
        ({}, None),
    ],
)
def test_a_side_that_is_missing_follows_from_the_viewbox(attributes: dict, size: tuple | None) -> None:
    assert sheet_size_px(attributes) == size
