"""Small drawings that other programs could have written, each of a kind that was once drawn wrong."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.motion.svg.reader import read_svg

CASES = Path(__file__).parent / 'cases'
FRAME = [[1, 1], [99, 1], [99, 99], [1, 99], [1, 1]]
ERROR = 'drawn only up to an error'
DASHES = {
    50.0: [(10, 15), (18, 19), (24, 27), (28, 33), (36, 37), (42, 45), (46, 51), (54, 55), (60, 63), (64, 69), (72, 73),
           (78, 81), (82, 87)],
    60.0: [(12, 17), (20, 25), (28, 33), (36, 41), (44, 49), (52, 57), (60, 65), (68, 73), (76, 81), (84, 89)],
    70.0: [(10, 20), (30, 40), (50, 60), (70, 80)],
    80.0: [(x, x) for x in range(10, 90, 5)],
}  # fmt: skip


def lines_of(name: str) -> list[list[list[float]]]:
    """The lines of a case, y down as in the file, without the frame that most of them have."""
    drawing = read_svg((CASES / name).read_bytes())
    assert (drawing.width_mm, drawing.height_mm) == pytest.approx((100.0, 100.0))
    found = [np.round([0.0, drawing.height_mm] + stroke.xy * [1.0, -1.0], 2).tolist() for stroke in drawing.strokes]
    return [line for line in found if line != FRAME]


@pytest.mark.parametrize(
    ('name', 'lines', 'said'),
    [
        ('arc_huge_radius.svg', [[[0, 0], [9, 9]]], ''),
        ('clip_display_none.svg', [[[20, 50], [80, 50]], [[0, 90], [90, 90]]], ''),
        ('css_sel.svg', [[[10, 50], [90, 50]]], 'not drawn: without a colour'),
        ('css_transform.svg', [[[20, 40], [50, 40]]], ''),
        ('em_font.svg', [[[2, 20], [42, 20], [42, 30], [2, 30], [2, 20]]], ''),
        ('fill_rgba0.svg', [], 'not drawn: without a colour'),
        ('hsl_over.svg', [[[10, 10], [50, 50]]], ''),
        ('marker.svg', [[[20, 50], [80, 50]], [[75, 45], [85, 50], [75, 55], [75, 45]]], ''),
        ('path_err_tail.svg', [[[10, 10], [60, 10], [60, 60]]], ERROR),
        ('rgba0.svg', [[[10, 40], [50, 40]]], 'not drawn: without a colour'),
        ('stroke_width0.svg', [[[10, 80], [80, 80]]], 'not drawn: without a colour'),
        ('style_comment.svg', [], 'not drawn: without a colour'),
        ('switch.svg', [[[10, 20], [50, 20]]], ''),
        ('transform_bad.svg', [[[10, 50], [30, 50]], [[10, 30], [30, 30]]], 'drawn without its transform'),
        ('transform_origin.svg', [[[42.93, 32.93], [57.07, 47.07]]], ''),
        ('use_self.svg', [[[10, 10], [50, 10]], [[10, 50], [90, 50]]], 'not drawn: it uses itself'),
        ('use_svg_size.svg', [[[24, 24], [56, 24], [56, 56], [24, 56], [24, 24]]], ''),
    ],
)
def test_a_drawing_of_another_program_is_drawn_as_it_is_meant(
    name: str, lines: list, said: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        assert lines_of(name) == lines
    assert (said in caplog.text) if said else not caplog.messages


def test_overlapping_outlines_of_a_clip_path_leave_no_inner_edges() -> None:
    (outline,) = lines_of('clip_selfoverlap.svg')
    assert outline[0] == outline[-1]
    corners = {(10, 10), (60, 10), (60, 40), (90, 40), (90, 90), (40, 90), (40, 60), (10, 60)}
    assert {tuple(point) for point in outline} == corners
    assert sum(np.hypot(*np.diff(outline, axis=0).T)) == pytest.approx(320.0)


def test_dashes_may_be_percentages_and_dots() -> None:
    found: dict[float, list] = {}
    for line in lines_of('meerk210_dash.svg'):
        found.setdefault(line[0][1], []).append((line[0][0], line[-1][0]))
    assert found == DASHES


def test_short_entities_of_illustrator_are_expanded() -> None:
    drawing = read_svg((CASES / 'illustrator_entity.svg').read_bytes())
    (stroke,) = drawing.strokes
    px = 25.4 / 96.0
    assert stroke.xy == pytest.approx(np.array([[10 * px, 90 * px], [60 * px, 40 * px]]))


def test_a_green_beyond_full_saturation_is_green() -> None:
    (pen,) = read_svg((CASES / 'hsl_over.svg').read_bytes()).pens
    assert (pen.name, pen.colour) == ('green', '#008000')


def test_a_sheet_with_a_width_alone_is_as_high_as_its_viewbox_says() -> None:
    drawing = read_svg((CASES / 'width_only_viewbox.svg').read_bytes())
    assert (drawing.width_mm, drawing.height_mm) == pytest.approx((200.0, 100.0))
    assert drawing.strokes[1].xy == pytest.approx(np.array([[2.0, 98.0], [198.0, 2.0]]))


def test_an_unknown_encoding_is_refused_in_one_line() -> None:
    with pytest.raises(SketchRobotError) as caught:
        read_svg((CASES / 'unknown_encoding.svg').read_bytes())
    assert caught.value.code is ErrorCode.BAD_PLAN
    assert caught.value.message == (
        'the SVG cannot be read: its text is in a way that is not known: unknown encoding: nope'
    )
