"""The artist for pictures that are drawings already, and what becomes of its lines."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from sketch_robot.line_art.artist import make_artist
from sketch_robot.line_art.drawing import DrawingArtist
from sketch_robot.motion import parse_page
from sketch_robot.photo import Photo, whole_picture
from sketch_robot.pipeline import draw_photo
from sketch_robot.strokes import strokes_from
from sketch_robot.strokes.source import line_width


def drawn(paper: int = 255, ink: int = 0, width: int = 6) -> np.ndarray:
    """A face in wide lines: (512, 512, 3) uint8."""
    picture = np.full((512, 512, 3), paper, np.uint8)
    cv2.circle(picture, (256, 280), 180, (ink,) * 3, width, cv2.LINE_AA)
    cv2.ellipse(picture, (256, 160), (170, 70), 0, 0, 360, (ink,) * 3, -1, cv2.LINE_AA)  # hair
    for x in (190, 320):
        cv2.circle(picture, (x, 270), 16, (ink,) * 3, -1, cv2.LINE_AA)
    cv2.ellipse(picture, (256, 350), (60, 30), 0, 0, 180, (ink,) * 3, width, cv2.LINE_AA)
    return picture


@pytest.mark.parametrize(('paper', 'ink'), [(255, 0), (230, 90), (180, 60)])
def test_ink_is_how_dark_a_picture_is_between_its_paper_and_its_black(paper: int, ink: int) -> None:
    art = DrawingArtist().draw(whole_picture(Photo(drawn(paper, ink))))
    assert art.ink[270, 190] == pytest.approx(1, abs=0.02)
    assert art.ink[30, 30] == 0
    assert art.ink[320, 256] == 0


def test_blank_paper_has_no_ink_even_where_it_is_not_quite_even() -> None:
    rng = np.random.default_rng(0)
    paper = rng.integers(246, 250, (512, 512, 3), dtype=np.uint8)
    sitter = whole_picture(Photo(paper))
    assert strokes_from(DrawingArtist().draw(sitter), sitter) == ()


def test_hair_and_eyes_are_shapes_and_wide_lines_are_lines() -> None:
    sitter = whole_picture(Photo(drawn()))
    art = DrawingArtist().draw(sitter)
    assert line_width(art.ink) == pytest.approx(7, abs=1.2)
    strokes = strokes_from(art, sitter)
    shapes = [stroke for stroke in strokes if stroke.filled]
    assert len(shapes) == 3
    mouth = min(strokes, key=lambda stroke: float(np.hypot(*(stroke.xy.mean(0) - (256, 372)))))
    assert not mouth.filled
    assert np.ptp(mouth.xy[:, 0]) > 110
    assert mouth.half_width == pytest.approx(3.5, abs=0.6)


def test_nobody_need_be_in_a_drawing_and_nobody_is_looked_for() -> None:
    class Nobody:
        def find(self, *_: object, **__: object) -> None:
            raise AssertionError('nobody is to be looked for')

    from sketch_robot.pipeline import Pipeline

    pipeline = Pipeline('drawing', finder=Nobody())  # type: ignore[arg-type]
    result = pipeline.draw(Photo(drawn()), page=parse_page('A6'))
    assert result.sitter.faces == 0
    assert len(result.plan.strokes) > 3
    assert make_artist('drawing').whole_picture
    assert not make_artist('guided').whole_picture
    assert draw_photo(Photo(drawn()), page='A6', artist='drawing').plan.artist == 'drawing'


def test_few_lines_are_the_most_important_ones() -> None:
    from sketch_robot.wishes import Wishes

    sitter = whole_picture(Photo(drawn()))
    art = DrawingArtist().draw(sitter)
    assert len(strokes_from(art, sitter, Wishes(detail='few'))) < len(strokes_from(art, sitter))
