"""The order of a drawing: all its ink and nothing else, the face early."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sketch_robot.stroke import LABELS, Stroke
from sketch_robot.strokes.ordering.order import (
    PRECEDENCES,
    HopTime,
    Order,
    apply_order,
    order_drawing,
    order_strokes,
    stroke_bands,
)

FACE = ('eye', 'brow', 'nose', 'mouth')
FAST = HopTime(200.0, 2000.0)
places = st.tuples(st.integers(0, 40), st.integers(0, 40))


@st.composite
def drawings(draw: st.DrawFn) -> list[Stroke]:
    """Open, closed and single-point strokes, with widths along them and two pens."""
    strokes = []
    for points in draw(st.lists(st.lists(places, min_size=1, max_size=6), min_size=1, max_size=12)):
        if len(points) > 2 and draw(st.booleans()):
            points = [*points, points[0]]
        strokes.append(
            Stroke(
                np.array(points, dtype=float),
                label=draw(st.sampled_from(LABELS)),
                importance=draw(st.floats(0.0, 1.0)),
                half_widths=np.arange(float(len(points))),
                pen=draw(st.sampled_from(['', 'red'])),
            )
        )
    return strokes


def face_drawing(seed: int = 0) -> list[Stroke]:
    """Short strokes all over a sheet: a face in the middle, hair around it, clothes below."""
    generator = np.random.default_rng(seed)
    strokes = []
    for _ in range(140):
        at = generator.uniform((20, 20), (130, 190))
        away = float(np.hypot(*(at - (75, 120))))
        label = 'clothes' if at[1] < 60 else str(generator.choice(FACE)) if away < 35 else 'hair'
        strokes.append(Stroke(np.array([at, at + generator.uniform(-6, 6, 2)]), label=label))
    return strokes


def place_of_the_face(strokes: tuple[Stroke, ...]) -> float:
    """Mean place of the face's strokes: 0 at the very beginning, 1 at the very end."""
    return float(np.mean([k for k, stroke in enumerate(strokes) if stroke.label in FACE])) / (len(strokes) - 1)


def travel_s(strokes: tuple[Stroke, ...]) -> float:
    entered = np.array([*(stroke.xy[0] for stroke in strokes), (0.0, 0.0)])
    left = np.array([(0.0, 0.0), *(stroke.xy[-1] for stroke in strokes)])
    far = np.hypot(*(entered - left).T)
    return float(np.where(far < 20.0, 2.0 * np.sqrt(far / 2000.0), far / 200.0 + 0.1).sum())


def ink(strokes: list[Stroke] | tuple[Stroke, ...]) -> Counter:
    """What is drawn: pieces between points, whichever way they are drawn, and dots."""
    pieces: Counter = Counter()
    for stroke in strokes:
        points = [tuple(point) for point in stroke.xy.tolist()]
        pieces.update(tuple(sorted(piece)) for piece in zip(points[:-1], points[1:], strict=True))
        pieces.update([(points[0],)] if len(points) == 1 else [])
    return pieces


@given(drawings(), st.sampled_from(PRECEDENCES))
@settings(max_examples=80, deadline=None)
def test_no_ink_is_lost_or_invented(strokes: list[Stroke], precedence: str) -> None:
    order = order_drawing(strokes, seconds=0.001, precedence=precedence)
    drawn = apply_order(strokes, order)
    assert ink(drawn) == ink(strokes)
    assert sorted(order.index.tolist()) == list(range(len(strokes)))
    for stroke, k in zip(drawn, order.index, strict=True):
        own = strokes[k]
        assert (stroke.label, stroke.importance, stroke.pen) == (own.label, own.importance, own.pen)
        assert len(stroke.xy) == len(own.xy)
        assert stroke.closed == own.closed
        # widths stay with their points
        at = {(*point, width) for point, width in zip(own.xy.tolist(), own.half_widths.tolist(), strict=True)}
        if not own.closed:
            assert {(*p, w) for p, w in zip(stroke.xy.tolist(), stroke.half_widths.tolist(), strict=True)} == at
        else:
            assert {(*p, w) for p, w in zip(stroke.xy.tolist(), stroke.half_widths.tolist(), strict=True)} <= at


@given(drawings())
@settings(max_examples=40, deadline=None)
def test_the_travel_of_an_order_is_that_of_what_is_drawn(strokes: list[Stroke]) -> None:
    order = order_drawing(strokes, home=(3.0, 4.0), seconds=0.001)
    drawn = apply_order(strokes, order)
    entered = np.array([*(stroke.xy[0] for stroke in drawn), (3.0, 4.0)])
    left = np.array([(3.0, 4.0), *(stroke.xy[-1] for stroke in drawn)])
    assert order.travel_mm == pytest.approx(float(np.hypot(*(entered - left).T).sum()), abs=1e-6)


@given(drawings())
@settings(max_examples=30, deadline=None)
def test_strictly_the_face_comes_first_then_hair_then_the_rest(strokes: list[Stroke]) -> None:
    drawn = apply_order(strokes, order_drawing(strokes, seconds=0.001, precedence='strict'))
    bands = stroke_bands(drawn).tolist()
    assert bands == sorted(bands)


@pytest.mark.parametrize('seed', range(3))
def test_softly_the_face_comes_early_for_little_travel(seed: int) -> None:
    strokes = face_drawing(seed)
    drawn = {
        precedence: apply_order(strokes, order_drawing(strokes, hop=FAST, seconds=0.1, precedence=precedence))
        for precedence in PRECEDENCES
    }
    place = {precedence: place_of_the_face(row) for precedence, row in drawn.items()}
    extra = {precedence: travel_s(row) / travel_s(drawn['none']) - 1.0 for precedence, row in drawn.items()}
    assert place['strict'] <= place['soft'] < place['none'] - 0.05
    assert extra['soft'] < min(0.05, extra['strict'])


def test_the_more_important_of_two_like_strokes_comes_first() -> None:
    line = np.array([[50.0, 50.0], [60.0, 50.0]])
    strokes = [Stroke(line, importance=importance) for importance in (0.2, 1.0)]
    assert order_drawing(strokes).index.tolist() == [1, 0]


def test_a_closed_stroke_is_drawn_from_where_it_is_entered() -> None:
    square = Stroke(
        np.array([[9.0, 9.0], [9.0, 5.0], [5.0, 5.0], [5.0, 9.0], [9.0, 9.0]]), half_widths=np.array([1.0, 2, 3, 4, 1])
    )
    (drawn,) = apply_order([square], order_drawing([square]))
    assert drawn.xy.tolist() == [[5.0, 5.0], [5.0, 9.0], [9.0, 9.0], [9.0, 5.0], [5.0, 5.0]]
    assert drawn.half_widths is not None
    assert drawn.half_widths.tolist() == [3, 4, 1, 2, 3]


def test_orders_without_entries_are_applied() -> None:
    strokes = [Stroke(np.array([[0.0, k], [1.0, k]])) for k in range(3)]
    drawn = apply_order(strokes, Order(np.array([2, 0, 1]), np.array([True, False, False]), 0.0))
    assert [stroke.xy[0].tolist() for stroke in drawn] == [[1.0, 2.0], [0.0, 0.0], [0.0, 1.0]]


def test_without_precedence_a_drawing_is_ordered_as_its_segments() -> None:
    strokes = face_drawing()
    order = order_drawing(strokes, seconds=0.01, precedence='none')
    starts, ends = (np.array([stroke.xy[k] for stroke in strokes]) for k in (0, -1))
    assert order.index.tolist() == order_strokes(starts, ends, seconds=0.01).index.tolist()


def test_no_strokes_are_in_order() -> None:
    assert apply_order([], order_drawing([])) == ()


def test_an_unknown_precedence_is_refused() -> None:
    with pytest.raises(ValueError, match="there is no precedence 'hard'; choose one of: soft, strict, none"):
        order_drawing([], precedence='hard')  # type: ignore[arg-type]
