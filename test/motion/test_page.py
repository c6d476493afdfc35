"""Pages: what people write, and what cannot be drawn on."""

from __future__ import annotations

import pytest

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.motion import Page, parse_page


@pytest.mark.parametrize(
    ('text', 'size', 'name'),
    [
        ('A3', (297, 420), 'A3'),
        ('A4', (210, 297), 'A4'),
        ('A5', (148, 210), 'A5'),
        ('a6', (105, 148), 'A6'),
        (' A5 ', (148, 210), 'A5'),
        ('letter', (215.9, 279.4), 'Letter'),
        ('A5 landscape', (210, 148), 'A5'),
        ('A5-Portrait', (148, 210), 'A5'),
        ('148x210', (148, 210), '148x210'),
        ('210x148', (210, 148), '210x148'),
        ('148 x 210 mm', (148, 210), '148x210'),
        ('148mm × 210.5mm', (148, 210.5), '148x210.5'),
        ('100.25X80', (100.25, 80), '100.25x80'),
    ],
)
def test_a_page_is_read_as_written(text: str, size: tuple[float, float], name: str) -> None:
    page = parse_page(text)
    assert (page.width_mm, page.height_mm) == size
    assert page.name == name
    assert page.margin_mm == 10.0


@pytest.mark.parametrize(
    ('text', 'orientation', 'size'),
    [
        ('A5', 'landscape', (210, 148)),
        ('A5', 'portrait', (148, 210)),
        ('A5 landscape', 'portrait', (148, 210)),
        ('210x148', 'portrait', (148, 210)),
        ('148x210', 'landscape', (210, 148)),
        ('100x100', 'landscape', (100, 100)),
    ],
)
def test_an_orientation_turns_the_sheet(text: str, orientation: str, size: tuple[float, float]) -> None:
    page = parse_page(text, orientation=orientation)
    assert (page.width_mm, page.height_mm) == size


def test_the_drawable_area_lies_inside_the_margins() -> None:
    assert parse_page('A5', margin_mm=12.5).drawable_mm == (12.5, 12.5, 135.5, 197.5)


@pytest.mark.parametrize(
    'text', ['', 'A9', 'foolscap', 'A5x', '148', '148x', 'x210', '148x210x3', '1_0x20', 'A5 sideways']
)
def test_an_unknown_page_is_refused_with_those_that_exist(text: str) -> None:
    with pytest.raises(SketchRobotError) as caught:
        parse_page(text)
    assert caught.value.code is ErrorCode.BAD_GOAL
    assert caught.value.message == (
        f'there is no page {text!r}; choose one of A2, A3, A4, A5, A6, Letter, or width x height in mm as 148x210'
    )


def test_margins_that_leave_nothing_are_refused() -> None:
    with pytest.raises(SketchRobotError) as caught:
        parse_page('50x50', margin_mm=30)
    assert caught.value.code is ErrorCode.BAD_GOAL
    assert caught.value.message == 'the page 50 x 50 mm leaves nothing inside 30 mm margins'


@pytest.mark.parametrize(
    ('text', 'margin_mm', 'message'),
    [
        ('0x100', 0, 'the page 0 x 100 mm has a side that is not a positive length'),
        ('-148x210', 0, 'the page -148 x 210 mm has a side that is not a positive length'),
        ('nanx210', 0, 'the page nan x 210 mm has a side that is not a positive length'),
        ('100xinf', 0, 'the page 100 x inf mm has a side that is not a positive length'),
        ('2001x210', 0, 'the page 2001 x 210 mm is larger than 2000 mm; sizes are in mm'),
        ('1e9x1e9', 0, 'the page 1e+09 x 1e+09 mm is larger than 2000 mm; sizes are in mm'),
        ('A5', -1, 'the margin -1 mm is not a length'),
        ('A5', float('nan'), 'the margin nan mm is not a length'),
        ('A5', 74, 'the page 148 x 210 mm leaves nothing inside 74 mm margins'),
    ],
)
def test_an_impossible_size_is_refused(text: str, margin_mm: float, message: str) -> None:
    with pytest.raises(SketchRobotError) as caught:
        parse_page(text, margin_mm=margin_mm)
    assert caught.value.code is ErrorCode.BAD_GOAL
    assert caught.value.message == message


def test_an_unknown_orientation_is_refused() -> None:
    with pytest.raises(SketchRobotError) as caught:
        parse_page('A5', orientation='upside down')
    assert caught.value.code is ErrorCode.BAD_GOAL
    assert caught.value.message == "there is no orientation 'upside down'; choose one of: auto, portrait, landscape"


def test_no_page_can_be_made_without_these_checks() -> None:
    with pytest.raises(SketchRobotError, match='leaves nothing inside 10 mm margins'):
        Page(20.0, 300.0)
