"""Tone by pen: as dark as the photo, inside the sitter, and the same each time, in every manner."""

from __future__ import annotations

from itertools import pairwise

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sketch_robot.motion import parse_page
from sketch_robot.photo import Sitter
from sketch_robot.plotters.paper import INK_GREY, Paper
from sketch_robot.stroke import Stroke
from sketch_robot.strokes.shading import BESIDE_LINES, MANNERS, shaded
from sketch_robot.strokes.shading import tone as tone_module
from sketch_robot.strokes.shading.dots import _darkest_way
from sketch_robot.strokes.shading.tone import local_error, tone_of
from sketch_robot.wishes import SHADINGS, Shading

SIDE = 256
EACH = pytest.mark.parametrize('manner', list(MANNERS))


def sitter_of(grey: np.ndarray, matte: np.ndarray | None = None) -> Sitter:
    side = len(grey)
    rgb = np.repeat(grey.astype(np.uint8)[..., None], 3, axis=2)
    return Sitter(rgb, np.eye(2, 3), np.ones((side, side), bool), 1, matte=matte)


def bust(side: int = SIDE) -> np.ndarray:
    """A matte of head and shoulders."""
    matte = np.zeros((side, side), np.uint8)
    cv2.ellipse(matte, (side // 2, side * 2 // 5), (side // 4, side * 3 // 10), 0, 0, 360, (1,), -1)
    cv2.ellipse(matte, (side // 2, side), (side * 2 // 5, side // 4), 0, 0, 360, (1,), -1)
    cv2.rectangle(matte, (side * 2 // 5, side * 3 // 5), (side * 3 // 5, side), (1,), -1)
    return matte.astype(np.float32)


def ball(side: int = SIDE) -> np.ndarray:
    """Light from the upper left on something round."""
    row, column = np.mgrid[:side, :side] / side
    return 255.0 * np.clip(1.05 - 1.1 * np.hypot(row - 0.25, column - 0.3), 0.05, 0.95)


def covered(strokes: tuple[Stroke, ...] | list[Stroke], side: int, pen_px: float) -> np.ndarray:
    """The share of each pixel that ink covers on simulated paper, one millimetre a pixel."""
    paper = Paper(parse_page(f'{side}x{side}', margin_mm=0.0), pen_px)
    for stroke in strokes:
        xy = np.column_stack([stroke.xy[:, 0], side - stroke.xy[:, 1]])
        paper.touch(xy[0])
        paper.ink(xy[1:])
    paper.lift()
    seen = paper.image(4.0).astype(np.float32)
    return cv2.resize((255 - seen) / (255 - INK_GREY), (side, side), interpolation=cv2.INTER_AREA)


def test_ink_is_as_grey_as_the_simulated_papers() -> None:
    assert tone_module.INK_GREY == INK_GREY


@EACH
@pytest.mark.parametrize('pen_px', [1.5, 2.0])
def test_the_tone_is_the_photos(manner: Shading, pen_px: float) -> None:
    sitter = sitter_of(ball(), bust())
    tone = tone_of(sitter, pen_px)
    ink = covered(shaded((), sitter, manner, pen_px), SIDE, pen_px)
    assert local_error(ink, tone.dark, tone.inside, pen_px) < 0.06


@EACH
@given(seed=st.integers(0, 10_000), pen_px=st.floats(1.0, 4.0))
@settings(max_examples=4)
def test_all_ink_lies_inside_the_sitter_and_is_named(manner: Shading, seed: int, pen_px: float) -> None:
    rng = np.random.default_rng(seed)
    side = 160
    grey = cv2.resize(rng.uniform(0.0, 255.0, (5, 5)), (side, side), interpolation=cv2.INTER_CUBIC).clip(0, 255)
    matte = cv2.resize(rng.uniform(0.0, 1.0, (4, 4)).astype(np.float32), (side, side), interpolation=cv2.INTER_CUBIC)
    strokes = shaded((), sitter_of(grey, matte.clip(0, 1)), manner, pen_px)
    near = cv2.dilate((matte > 0.5).astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    assert covered(strokes, side, pen_px)[~near].max(initial=0.0) < 0.2
    assert {stroke.label for stroke in strokes} <= {'shading'}
    assert all(0.0 <= stroke.importance <= 1.0 and stroke.half_widths is None for stroke in strokes)


@EACH
def test_the_same_photo_is_shaded_the_same(manner: Shading) -> None:
    sitter = sitter_of(ball(), bust())
    once, again = (shaded((), sitter, manner, 2.0) for _ in range(2))
    assert [stroke.xy.tolist() for stroke in once] == [stroke.xy.tolist() for stroke in again]


@EACH
def test_white_stays_white(manner: Shading) -> None:
    assert shaded((), sitter_of(np.full((96, 96), 255.0)), manner, 2.0) == ()


@EACH
def test_a_darker_photo_takes_more_ink(manner: Shading) -> None:
    def length(grey: float) -> float:
        strokes = shaded((), sitter_of(np.full((128, 128), grey)), manner, 2.0)
        return sum(stroke.length for stroke in strokes) + 2.0 * len(strokes)

    lengths = [length(grey) for grey in (210.0, 160.0, 100.0, 50.0)]
    assert all(lighter < darker for lighter, darker in pairwise(lengths))


@EACH
def test_line_art_stays_beside_hatching_and_makes_way_for_the_rest(manner: Shading) -> None:
    line = Stroke(np.array([[60.0, 40.0], [190.0, 220.0]]), 1.0, 'jaw')
    strokes = shaded((line,), sitter_of(ball(), bust()), manner, 2.0)
    assert (line in strokes) == (manner in BESIDE_LINES)
    assert shaded((line,), sitter_of(ball(), bust()), 'none', 2.0) == (line,)


@pytest.mark.parametrize('manner', BESIDE_LINES)
def test_hatching_takes_off_what_lines_have_darkened(manner: Shading) -> None:
    sitter = sitter_of(np.full((SIDE, SIDE), 150.0), bust())
    lines = [Stroke(np.array([[40.0, y], [216.0, y]]), 1.0) for y in np.arange(80.0, 120.0, 6.0)]
    strokes = shaded(lines, sitter, manner, 2.0)
    tone = tone_of(sitter, 2.0)
    where = tone.inside & (np.abs(np.arange(SIDE)[:, None] - 100) < 20)
    assert local_error(covered(strokes, SIDE, 2.0), tone.dark, where, 2.0) < 0.08


def test_one_line_is_one_line_that_goes_round_what_is_outside() -> None:
    matte = np.ones((160, 160), np.float32)
    matte[:120, 70:90] = 0.0  # a notch: the straight way across it is shorter
    (line,) = shaded((), sitter_of(np.full((160, 160), 120.0), matte), 'one_line', 2.0)
    assert covered([line], 160, 2.0)[2:118, 72:88].max() < 0.2
    assert np.ptp(line.xy[:, 0]) > 150.0


def test_a_spiral_of_a_whole_picture_is_a_few_strokes() -> None:
    assert len(shaded((), sitter_of(np.full((160, 160), 100.0)), 'spiral', 2.0)) < 20


def test_every_manner_can_be_wished() -> None:
    assert ('none', *MANNERS) == SHADINGS


def test_dark_sitters_are_as_dark_along_the_form_scribbled_and_in_one_line() -> None:
    sitter = sitter_of(np.clip(ball() - 110.0, 12.0, 255.0), bust())
    tone = tone_of(sitter, 2.0)
    for manner in ('contour', 'scribble', 'one_line'):
        ink = covered(shaded((), sitter, manner, 2.0), SIDE, 2.0)
        assert local_error(ink, tone.dark, tone.inside, 2.0) < 0.06, manner


def test_a_long_hop_of_one_line_goes_where_it_is_dark() -> None:
    dark = np.zeros((60, 80), np.float32)
    dark[50:56, 5:75] = dark[10:56, 5:11] = dark[10:56, 69:75] = 1.0  # a U
    way = _darkest_way(np.array([8.5, 12.5]), np.array([72.5, 12.5]), np.ones((60, 80), bool), dark)
    x, y = way.astype(int).T
    assert dark[y, x].all()
    assert np.abs(np.diff(way, axis=0)).max() == 1.0
