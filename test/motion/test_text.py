"""Text for a pen: every letter is there or named, as high as asked for, on its baseline."""

from __future__ import annotations

import string

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.motion.text import (
    FONTS,
    LINE_SPACING,
    Typeface,
    missing_letters,
    outline_glyphs,
    single_line_glyph,
    text_strokes,
    text_width_mm,
)

LATIN_1 = ''.join(chr(code) for code in range(0xC0, 0x100) if chr(code) not in '×÷')
LATIN_2 = 'ĄąĆćČčĎďĐđĘęĚěĞğİıŁłŃńŇňŐőŒœŘřŚśŞşŠšŢţŮůŰűŹźŻżŽžȘșȚțĀāĒēĪīŪūĠġĦħẢảỹ'


def ink(text: str, height_mm: float = 1.0, font: str = 'plain') -> np.ndarray:
    return np.concatenate(text_strokes(text, height_mm, font=font))


@pytest.mark.parametrize('font', FONTS)
@pytest.mark.parametrize('letters', [string.printable.strip(), LATIN_1, LATIN_2, '“”„«»‘’–—…€£¥§°±¿¡№½²'])
def test_the_letters_of_europe_can_be_written(letters: str, font: str) -> None:
    assert missing_letters(letters, font=font) == ''
    assert all(len(single_line_glyph(letter, font).lines) > 0 for letter in letters)


def test_greek_and_cyrillic_can_be_written() -> None:
    assert missing_letters('Αθήνα ΩΜΈΓΑ ως Привет, Ёжик, съел ЩЭЮЯ ыьъ') == ''


@pytest.mark.parametrize('letter', 'AEHIMTXZ')
def test_a_capital_is_as_high_as_asked_and_stands_on_the_baseline(letter: str) -> None:
    found = ink(letter, 7.0)
    assert (found[:, 1].min(), found[:, 1].max()) == pytest.approx((0.0, 7.0))


def test_letters_below_the_baseline_hang_below_it() -> None:
    assert ink('g').min(axis=0)[1] < -0.2
    assert ink('x')[:, 1].min() == pytest.approx(0.0)


@pytest.mark.parametrize('letters', ['éeE', 'ÅAa', 'ščž', 'ôoO'])
def test_an_accented_letter_is_its_letter_with_a_mark_above(letters: str) -> None:
    accented = single_line_glyph(letters[0])
    plain = single_line_glyph({'é': 'e', 'Å': 'A', 'š': 's', 'ô': 'o'}[letters[0]])
    assert accented.advance == plain.advance
    assert all(np.array_equal(own, other) for own, other in zip(accented.lines, plain.lines, strict=False))
    top = max(line[:, 1].max() for line in plain.lines)
    assert all(line[:, 1].min() > top for line in accented.lines[len(plain.lines) :])


def test_an_accent_takes_the_place_of_a_dot() -> None:
    assert len(single_line_glyph('í').lines) == len(single_line_glyph('i').lines)
    assert len(single_line_glyph('ı').lines) == len(single_line_glyph('i').lines) - 1
    assert len(single_line_glyph('į').lines) == len(single_line_glyph('i').lines) + 1  # the mark is below


def test_lines_of_text_are_below_one_another() -> None:
    one, two = ink('E', 4.0), ink('E\nE', 4.0)
    assert two[:, 1].min() == pytest.approx(one[:, 1].min() - LINE_SPACING * 4.0)
    assert text_width_mm('EE\nE', 4.0) == pytest.approx(2.0 * text_width_mm('E', 4.0))


@given(st.text(max_size=20), st.floats(0.5, 50.0))
def test_any_text_is_written_within_its_width_or_its_missing_letters_are_named(text: str, height_mm: float) -> None:
    missing = missing_letters(text)
    if missing:
        with pytest.raises(SketchRobotError) as caught:
            text_strokes(text, height_mm)
        assert caught.value.code is ErrorCode.BAD_GOAL
        assert repr(missing[:20]) in caught.value.message
        return
    for line in text_strokes(text, height_mm):
        assert line.shape[1] == 2
        assert np.isfinite(line).all()
        assert line[:, 0].max() <= text_width_mm(text, height_mm) + 0.5 * height_mm


def test_letters_that_no_font_has_are_named() -> None:
    assert missing_letters('a中b文中😀') == '中文😀'
    with pytest.raises(
        SketchRobotError, match="there are no single-line letters for '中文'; Latin, Greek and Cyrillic"
    ):
        text_strokes('中文', 5.0)


@pytest.mark.parametrize('height_mm', [0.0, -1.0, float('nan'), float('inf')])
def test_a_height_that_is_none_is_refused(height_mm: float) -> None:
    with pytest.raises(SketchRobotError, match='cannot be written'):
        text_strokes('a', height_mm)


def test_an_unknown_font_is_refused_with_those_there_are() -> None:
    with pytest.raises(SketchRobotError, match="there is no font 'gothic'; choose one of: plain, script"):
        text_strokes('a', 5.0, font='gothic')


def test_outlines_are_closed_and_follow_the_font() -> None:
    glyphs, problem = outline_glyphs('Oi ', Typeface('DejaVu Sans', 'bold'))
    assert problem == ''
    assert [len(glyph.lines) for glyph in glyphs] == [2, 2, 0]  # an O has an inside, an i a dot
    assert all(np.array_equal(line[0], line[-1]) for glyph in glyphs for line in glyph.lines)
    outer = np.concatenate(glyphs[0].lines)
    assert outer.max(axis=0)[1] == pytest.approx(0.742, abs=0.01)
    assert glyphs[0].advance == pytest.approx(0.850, abs=0.01)


def test_a_font_that_is_not_installed_is_named() -> None:
    assert outline_glyphs('a', Typeface('Nowhere Grotesk'))[1] == (
        "the font 'Nowhere Grotesk' is not installed; DejaVu Sans is drawn instead"
    )
