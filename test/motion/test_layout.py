"""What is on a sheet beside the drawing never touches it, stays inside the margins and keeps to the time."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial import cKDTree

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.motion import DrawingPlan, MachineLimits, Page, parse_page
from sketch_robot.motion.drawing_file import Drawing, Sheet, plan_loaded
from sketch_robot.motion.layout import BORDERS, COPIES, PLACES, SheetLayout, lay_out
from sketch_robot.motion.marks import read_mark
from sketch_robot.motion.planner import plan_drawing
from sketch_robot.stroke import Stroke

LIMITS = MachineLimits()
SIGNATURE = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="60mm" height="20mm" viewBox="0 0 60 20">'
    '<path d="M2 15 C 10 0 12 0 15 15 S 25 5 30 15" fill="none" stroke="black"/></svg>'
)
ANGLES = np.linspace(0.0, 2.0 * np.pi, 60)
# It reaches every edge of its picture, so that whatever is in its way is touched.
FACE = (
    Stroke(np.column_stack((50 + 49.9 * np.cos(ANGLES), 50 + 49.9 * np.sin(ANGLES))), 0.5, 'hair', 0.9),
    Stroke(np.array([[0.1, 0.1], [99.9, 99.9]]), 0.5, 'clothes', 0.3),
    Stroke(np.array([[99.9, 0.1], [0.1, 99.9]]), 0.5, 'clothes', 0.2),
)
SHEETS = [f'{size} {way}' for size in ('A6', 'A5', 'A4') for way in ('portrait', 'landscape')]


def planned(layout: SheetLayout, page: str = 'A5', **options: object) -> DrawingPlan:
    return plan_drawing(FACE, (100, 100), parse_page(page), LIMITS, layout=layout, weight='none', **options)


def parts(plan: DrawingPlan, layout: SheetLayout) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """The lines of the drawing, which have a label or are less important, and those of what is written."""
    written = [stroke for stroke in plan.strokes if stroke.label == 'other' and stroke.importance == 1.0]
    drawn = [stroke for stroke in plan.strokes if not (stroke.label == 'other' and stroke.importance == 1.0)]
    assert list(plan.strokes) == [*drawn, *written], f'{layout.caption!r} is not written last'
    return [dense(stroke.xy) for stroke in drawn], [dense(stroke.xy) for stroke in written]


def dense(xy: np.ndarray) -> np.ndarray:
    """Points along a line, at most 0.2 mm apart."""
    steps = [np.linspace(a, b, max(2, int(np.hypot(*(b - a)) / 0.2) + 1)) for a, b in zip(xy, xy[1:], strict=False)]
    return np.concatenate(steps) if steps else xy


def white_between(drawn: list[np.ndarray], written: list[np.ndarray]) -> float:
    return float(cKDTree(np.concatenate(drawn)).query(np.concatenate(written))[0].min())


@pytest.mark.parametrize('page', SHEETS)
@pytest.mark.parametrize('place', PLACES)
def test_a_caption_in_each_place_touches_neither_the_drawing_nor_the_margins(place: str, page: str) -> None:
    layout = SheetLayout(caption='Zoë & Jörg, Łódź 2026', caption_place=place)
    plan = planned(layout, page)
    drawn, written = parts(plan, layout)
    assert white_between(drawn, written) > 2.0 + LIMITS.pen_width_mm
    left, bottom, right, top = plan.page.drawable_mm
    every = np.concatenate([*drawn, *written])
    assert (every >= np.array([left, bottom]) - 1e-9).all()
    assert (every <= np.array([right, top]) + 1e-9).all()


@settings(max_examples=30, deadline=None)
@given(
    layout=st.builds(
        SheetLayout,
        caption=st.sampled_from(['', 'Ana', 'Ana and Bertolt\n29 November', 'ÀÉÎõü ß Łódź']),
        caption_place=st.sampled_from(PLACES),
        signature=st.sampled_from(['', 'Robbie', SIGNATURE]),
        signature_place=st.sampled_from(PLACES),
        logo=st.sampled_from(['', SIGNATURE]),
        logo_place=st.sampled_from(PLACES),
        border=st.sampled_from(BORDERS),
        copies=st.sampled_from(COPIES),
        mirrored=st.booleans(),
        turned=st.sampled_from([0, 90, 180, 270]),
    ),
    page=st.sampled_from(SHEETS),
)
def test_whatever_is_on_a_sheet_nothing_touches_and_nothing_leaves_the_margins(layout: SheetLayout, page: str) -> None:
    try:
        plan = planned(layout, page)
    except SketchRobotError as error:
        reasons = ('leave', 'too long', 'does not fit')
        if error.code != ErrorCode.BAD_GOAL or not any(reason in error.message for reason in reasons):
            raise
        return
    drawn, written = parts(plan, layout)
    left, bottom, right, top = plan.page.drawable_mm
    every = np.concatenate([*drawn, *written])
    assert (every >= np.array([left, bottom]) - 1e-9).all()
    assert (every <= np.array([right, top]) + 1e-9).all()
    if written:
        assert white_between(drawn, written) > 2.0 + LIMITS.pen_width_mm
    assert len(drawn) % len(FACE) == 0


@pytest.mark.parametrize('first', PLACES)
@pytest.mark.parametrize('second', PLACES)
def test_two_marks_never_touch_each_other_wherever_they_are(first: str, second: str) -> None:
    caption = SheetLayout(caption='Ana and Bertolt', caption_place=first)
    both = replace(caption, signature='Robbie', signature_place=second)
    page = parse_page('A5')
    count = len(lay_out(caption, page, 0.5).written(()))
    signature, words = np.split(np.arange(len(written := lay_out(both, page, 0.5).written(()))), [-count])
    if second == 'under' and first != 'under':  # what hangs under the drawing comes last
        words, signature = np.split(np.arange(len(written)), [count])
    lines = [dense(stroke.xy) for stroke in written]
    apart = white_between([lines[k] for k in words], [lines[k] for k in signature])
    assert apart > 2.0


def test_a_caption_under_the_drawing_is_right_below_its_ink() -> None:
    """Under the lowest line, not at the sheet's edge, when the picture leaves its lower half white."""
    upper = [Stroke(np.array([[10.0, 10.0], [90.0, 40.0]]), 0.0, 'hair', 0.5)]
    layout = SheetLayout(caption='Ana')
    plan = plan_drawing(upper, (100, 100), parse_page('A5'), LIMITS, layout=layout, weight='none')
    drawn, written = parts(plan, layout)
    gap = min(line[:, 1].min() for line in drawn) - max(line[:, 1].max() for line in written)
    assert 2.5 < gap < 4.5


@pytest.mark.parametrize('copies', [('one', 1), ('strip', 3), ('grid', 4), ('cards', 4)])
def test_the_drawing_is_on_the_sheet_as_often_as_asked(copies: tuple[str, int]) -> None:
    layout = SheetLayout(copies=copies[0], caption='Ana')
    plan = planned(layout, 'A5')
    drawn, _ = parts(plan, layout)
    assert len(drawn) == copies[1] * len(FACE)


def test_cards_on_a4_are_ten_and_each_has_its_name() -> None:
    one = len(lay_out(SheetLayout(caption='Ana'), parse_page('A6'), 0.5).written(()))
    sheet = lay_out(SheetLayout(caption='Ana', copies='cards'), parse_page('A4'), 0.5)
    assert len(sheet.shifts_mm) == 10
    marks = 2 * 3 * 6  # two lines at each of 3 x 6 corners
    assert len(sheet.written(())) == 10 * one + marks


def test_a_budget_holds_for_everything_on_the_sheet() -> None:
    for copies in ('one', 'strip', 'grid'):
        layout = SheetLayout(caption='Ana and Bertolt', signature='Robbie', copies=copies)
        whole = planned(layout, 'A4')
        short = planned(layout, 'A4', time_budget_s=0.9 * whole.predicted_s)
        assert short.predicted_s <= 0.9 * whole.predicted_s
        assert len(parts(short, layout)[1]) == len(parts(whole, layout)[1]), 'something written was left out'


def test_a_budget_that_the_caption_takes_is_refused_with_its_time() -> None:
    with pytest.raises(SketchRobotError, match='all of the time budget of 3 s') as caught:
        planned(SheetLayout(caption='a long caption that takes its time'), time_budget_s=3.0)
    assert caught.value.code == ErrorCode.NOTHING_TO_DRAW


def test_turning_four_times_by_a_quarter_and_mirroring_twice_keep_every_length() -> None:
    page = Page(100.0, 150.0, 10.0)
    plain = plan_drawing(FACE, (100, 100), page, LIMITS, layout=SheetLayout(caption='Ana'), weight='none')
    for turned in (90, 180, 270):
        sheet = page if turned == 180 else Page(150.0, 100.0, 10.0)
        layout = SheetLayout(caption='Ana', turned=turned, mirrored=True)
        other = plan_drawing(FACE, (100, 100), sheet, LIMITS, layout=layout, weight='none')
        assert other.ink_mm == pytest.approx(plain.ink_mm, rel=1e-9)


def test_a_mirrored_sheet_is_the_plain_one_with_left_and_right_changed() -> None:
    page = parse_page('A5')
    plain = lay_out(SheetLayout(caption='Ana', signature='R'), page, 0.5).written(())
    mirrored = lay_out(SheetLayout(caption='Ana', signature='R', mirrored=True), page, 0.5).written(())
    for one, other in zip(plain, mirrored, strict=True):
        np.testing.assert_allclose(other.xy, np.array([page.width_mm, 0.0]) + one.xy * [-1.0, 1.0], atol=1e-9)


def test_a_layout_with_nothing_in_it_changes_nothing() -> None:
    page = parse_page('A5')
    plain = plan_drawing(FACE, (100, 100), page, LIMITS)
    same = plan_drawing(FACE, (100, 100), page, LIMITS, layout=SheetLayout())
    assert [stroke.xy.tolist() for stroke in plain.strokes] == [stroke.xy.tolist() for stroke in same.strokes]


def test_a_drawing_of_its_own_sheet_makes_room_for_the_caption() -> None:
    strokes = tuple(replace(stroke, xy=stroke.xy + 20.0) for stroke in FACE)
    drawing = Drawing(strokes, (148.0, 210.0), Sheet(148.0, 210.0, 10.0))
    layout = SheetLayout(caption='Ana', caption_place='bottom', border='line')
    plan = plan_loaded(drawing, parse_page('A5'), LIMITS, layout=layout)
    assert white_between(*parts(plan, layout)) > 2.0


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        ({'caption': '東京'}, "no single-line letters for '東京'"),
        ({'caption': 'x' * 100, 'caption_mm': 5.0}, 'the caption is too long; a line of about'),
        ({'caption': 'x' * 121}, 'at most 120 letters in 3 lines'),
        ({'caption': 'a\nb\nc\nd'}, 'at most 120 letters in 3 lines'),
        ({'caption': 'a', 'caption_place': 'middle'}, "there is no place of a caption 'middle'"),
        ({'caption': 'a', 'caption_mm': float('nan')}, 'cannot be drawn'),
        ({'border': 'wavy'}, "there is no border 'wavy'"),
        ({'turned': 45}, 'there is no turn 45'),
        ({'logo': 'robot'}, 'a logo is an SVG'),
        ({'caption': 'I', 'caption_mm': 185.0}, 'leave'),
    ],
)
def test_what_cannot_be_done_is_refused_with_a_reason(options: dict[str, object], message: str) -> None:
    with pytest.raises(SketchRobotError, match=message) as caught:
        lay_out(SheetLayout(**options), parse_page('A5'), 0.5)
    assert caught.value.code == ErrorCode.BAD_GOAL


def test_a_signature_is_read_from_an_svg_file_and_text_is_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / 'mine.svg'
    path.write_text(SIGNATURE)
    assert read_mark(str(path)) == SIGNATURE
    assert read_mark('Robbie') == 'Robbie'
    with pytest.raises(SketchRobotError, match='No such file'):
        read_mark(str(tmp_path / 'none.svg'))


def test_a_broken_signature_is_named(tmp_path: Path) -> None:
    with pytest.raises(SketchRobotError, match='the signature: the SVG cannot be read'):
        lay_out(SheetLayout(signature='<svg'), parse_page('A5'), 0.5)
