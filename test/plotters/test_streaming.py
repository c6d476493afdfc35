"""Drawings that are sent ahead: what is proven by answers, and by where a halted machine stands."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from drawings import ladder
from hypothesis import given
from hypothesis import strategies as st

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.plotters.journal import Journal, read_journal
from sketch_robot.plotters.page_axes import PageAxes
from sketch_robot.plotters.progress import OVERLAP_MM, Proven, Remainder
from sketch_robot.plotters.streaming import Piece, StreamedDrawing

PLAN = ladder(3)  # three lines of 100 mm from x = 20 to 120, at y = 20, 30, 40


def piece(number: int, from_x: float, to_x: float) -> Piece:
    y = 20.0 + 10.0 * number
    return Piece(b'', np.array([[from_x, y], [to_x, y]]), number, to_x - 20.0, ends=to_x == 120.0)


def way(xy: tuple[float, float], to: tuple[float, float]) -> Piece:
    return Piece(b'', np.array([xy, to]))


@pytest.fixture
def drawing(tmp_path: Path) -> StreamedDrawing:
    journal = Journal(tmp_path / 'a.journal')
    drawing = StreamedDrawing(PLAN, journal.begin(PLAN), journal)
    for each in (
        way((0, 0), (20, 20)),
        piece(0, 20, 70),
        piece(0, 70, 120),
        way((120, 20), (20, 30)),
        piece(1, 20, 120),
    ):
        drawing.sent(each)
    return drawing


def on_paper(path: Path) -> Proven:
    return read_journal(path / 'a.journal').on_paper


def test_answers_prove_pieces_and_the_last_one_its_stroke(drawing: StreamedDrawing, tmp_path: Path) -> None:
    drawing.done()
    drawing.done()
    assert (drawing.proven, on_paper(tmp_path), drawing.progress.pen_down) == ((0, 50.0), Proven(0, 50.0), True)
    drawing.done()
    assert (drawing.proven, on_paper(tmp_path), drawing.progress.pen_mm) == ((1, 0.0), Proven(1), (120.0, 20.0))
    outcome = drawing.outcome(False, 3.0)
    assert (outcome.strokes_drawn, outcome.ink_mm, outcome.lifts) == (1, 100.0, 1)
    assert outcome.travel_mm == pytest.approx(np.hypot(20, 20))


@pytest.mark.parametrize(
    ('place', 'proven', 'from_mm'),
    [
        ((5.0, 5.0), Proven(), 0.0),  # on the way to the first stroke
        ((45.0, 20.0), Proven(0, 25.0), 25.0 - OVERLAP_MM),
        ((100.0, 20.01), Proven(0, 80.0), 80.0 - OVERLAP_MM),
        ((70.0, 25.0), Proven(1), 0.0),  # on the way to the second
        ((60.0, 30.0), Proven(1, 40.0), 40.0 - OVERLAP_MM),
    ],
)
def test_where_a_halted_machine_stands_proves_all_before(
    drawing: StreamedDrawing, tmp_path: Path, place: tuple[float, float], proven: Proven, from_mm: float
) -> None:
    assert drawing.stands(np.array(place), 0.05)
    assert on_paper(tmp_path) == proven
    stroke, skipped_mm = drawing.stroke(drawing.number)
    assert (drawing.number, skipped_mm) == (proven.strokes, from_mm)
    assert stroke.length == pytest.approx(100.0 - from_mm)


def test_a_place_where_nothing_was_sent_proves_nothing(drawing: StreamedDrawing, tmp_path: Path) -> None:
    assert not drawing.stands(np.array([60.0, 60.0]), 0.05)
    assert on_paper(tmp_path) == Proven()
    assert not drawing.progress.pen_down


def test_of_a_drawing_that_is_gone_on_with_lengths_are_those_of_the_whole(tmp_path: Path) -> None:
    with Journal(tmp_path / 'a.journal') as journal:
        journal.begin(PLAN)
        journal.proven(1, 50.0)
    with Journal(tmp_path / 'a.journal', resume=True) as journal:
        drawing = StreamedDrawing(PLAN, journal.begin(PLAN), journal)
        assert drawing.progress.strokes_done == 1
        x = 20.0 + 50.0 - OVERLAP_MM
        drawing.sent(Piece(b'', np.array([[x, 30.0], [x + 10.0, 30.0]]), 0, 10.0))
        drawing.done()
        assert journal.on_paper == Proven(1, 60.0 - OVERLAP_MM)


def test_progress_never_goes_back() -> None:
    drawing, seen = StreamedDrawing(PLAN, Remainder(PLAN), None), []
    for number in range(3):
        for from_x in range(20, 120, 20):
            drawing.sent(piece(number, from_x, from_x + 20))
            drawing.done()
            seen.append(drawing.progress.fraction)
    assert seen == sorted(seen)
    assert drawing.outcome(True, 1.0).finished
    assert drawing.progress.fraction == 1.0


coordinates = st.floats(-100.0, 100.0)


# ------------------------------------------------------------------ where the page lies
@given(st.tuples(coordinates, coordinates), st.sampled_from([('x', 'y'), ('-y', 'x'), ('y', '-x'), ('-x', '-y')]))
def test_page_and_machine_map_both_ways(place: tuple[float, float], axes: tuple[str, str]) -> None:
    lies = PageAxes.of(axes, ((1.01, 0.02), (0.0, 0.99)), (12.0, -7.0))
    assert lies.to_page(lies.to_machine(np.array(place))) == pytest.approx(np.array(place), abs=1e-9)


def test_axes_turn_the_page() -> None:
    lies = PageAxes.of(('y', '-x'), origin_mm=(100.0, 10.0))
    assert lies.to_machine(np.array([[0.0, 0.0], [20.0, 0.0], [0.0, 30.0]])).tolist() == [
        [100, 10],
        [100, 30],
        [70, 10],
    ]


@pytest.mark.parametrize(
    ('axes', 'correction'),
    [(('x', 'x'), ((1, 0), (0, 1))), (('x', 'z'), ((1, 0), (0, 1))), (('x', 'y'), ((1, 0), (0, 9)))],
)
def test_axes_that_no_page_has_are_refused(axes: tuple[str, str], correction: tuple[tuple[float, float], ...]) -> None:
    with pytest.raises(SketchRobotError, match=r'axes are two of|close to a rotation') as caught:
        PageAxes.of(axes, correction)
    assert caught.value.code == ErrorCode.BAD_GOAL
