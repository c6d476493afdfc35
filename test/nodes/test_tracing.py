"""Tracing asked of the planner: what is sent comes out the same, what is malformed is named, nobody waits in vain."""

from __future__ import annotations

import array
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.task import Future
from sketch_robot_interfaces.msg import Stroke as StrokeMsg
from sketch_robot_interfaces.srv import TraceLineArt

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.line_art.art import LineArt
from sketch_robot.line_art.artist import make_artist
from sketch_robot.nodes import tracing
from sketch_robot.nodes.images import image_to_ros
from sketch_robot.nodes.messages import strokes_to_ros
from sketch_robot.nodes.node import SketchNode, Worker
from sketch_robot.nodes.tracing import ToTrace, Tracer, answer_trace, to_trace_from_ros, to_trace_to_ros
from sketch_robot.photo import Photo, Sitter, SitterFinder
from sketch_robot.strokes import strokes_from
from sketch_robot.wishes import AS_IT_IS, Wishes

if TYPE_CHECKING:
    from sketch_robot.testing import World


@pytest.fixture(scope='module')
def sitter(astronaut: np.ndarray) -> Sitter:
    with SitterFinder() as finder:
        return finder.find(Photo(astronaut))


@pytest.fixture(scope='module')
def art(sitter: Sitter) -> LineArt:
    return make_artist('student').draw(sitter)


def plain(side: int = 64) -> ToTrace:
    """Two lines of nobody."""
    ink = np.zeros((side, side), np.float32)
    ink[20:22, 10:50] = ink[40:42, 10:50] = 1.0
    nobody = Sitter(np.zeros((side, side, 3), np.uint8), np.eye(2, 3), np.ones((side, side), bool), 0)
    return ToTrace(LineArt(ink, 'somebody'), nobody, AS_IT_IS, 2.0)


# ------------------------------------------------------------- what is sent
@pytest.mark.parametrize(
    'wishes',
    [AS_IT_IS, Wishes('few', 0.3, 0.2), Wishes('many', shading='contour')],
    ids=['as it is', 'few folds, larger', 'shaded'],
)
def test_the_strokes_are_the_same_as_if_they_were_traced_without_being_sent(
    art: LineArt, sitter: Sitter, wishes: Wishes
) -> None:
    answered = answer_trace(to_trace_to_ros(ToTrace(art, sitter, wishes, 1.75)))
    assert answered == strokes_to_ros(strokes_from(art, sitter, wishes, pen_px=1.75))
    assert len(answered) > 10


def test_an_artist_s_own_strokes_are_kept_and_having_none_is_not_being_traced(sitter: Sitter) -> None:
    guided = make_artist('guided').draw(sitter)
    assert answer_trace(to_trace_to_ros(ToTrace(guided, sitter, AS_IT_IS, 2.0))) == strokes_to_ros(
        strokes_from(guided, sitter)
    )
    traced = plain()
    assert len(answer_trace(to_trace_to_ros(traced))) == 2
    assert answer_trace(to_trace_to_ros(replace(traced, art=replace(traced.art, strokes=())))) == []


def test_all_that_tracing_looks_at_comes_back(art: LineArt, sitter: Sitter) -> None:
    wishes = Wishes(shading='hatch')
    back = to_trace_from_ros(to_trace_to_ros(ToTrace(art, sitter, wishes, 1.5)))
    assert (back.wishes, back.pen_px, back.art.strokes, back.sitter.faces) == (wishes, 1.5, None, 1)
    assert np.array_equal(back.art.ink, art.ink)
    assert art.face is not None
    assert back.art.face is not None
    for name in ('ink', 'area', 'to_art'):
        assert np.array_equal(getattr(back.art.face, name), getattr(art.face, name)), name
    assert len(back.art.face.shapes) == len(art.face.shapes) > 0
    for ours, theirs in zip(back.art.face.shapes, art.face.shapes, strict=True):
        assert np.array_equal(ours.where, theirs.where)
        assert ours.least_ink == theirs.least_ink
    for name in ('crop', 'valid', 'landmarks', 'face_box'):
        assert np.array_equal(getattr(back.sitter, name), getattr(sitter, name)), name
    assert sitter.matte is not None
    assert np.array_equal(back.sitter.matte, (sitter.matte > 0.5).astype(np.float32))


def test_a_crop_is_only_sent_to_be_shaded(art: LineArt, sitter: Sitter) -> None:
    assert len(to_trace_to_ros(ToTrace(art, sitter, AS_IT_IS, 2.0)).crop.data) == 0


def _not_ink(values: np.ndarray) -> Callable[[TraceLineArt.Request], None]:
    def change(msg: TraceLineArt.Request) -> None:
        msg.line_art = image_to_ros(values, 'mono8' if values.dtype == np.uint8 else '32FC1')

    return change


def _field(name: str, value: Any) -> Callable[[TraceLineArt.Request], None]:
    return lambda msg: setattr(msg, name, value)


@pytest.mark.parametrize(
    ('change', 'code', 'words'),
    [
        (_not_ink(np.zeros((9, 9), np.uint8)), ErrorCode.BAD_IMAGE, "line art to trace is 32FC1, not 'mono8'"),
        (_not_ink(np.full((9, 9), np.nan, np.float32)), ErrorCode.BAD_IMAGE, 'values outside'),
        (_not_ink(np.full((9, 9), 2, np.float32)), ErrorCode.BAD_IMAGE, 'values outside'),
        (_field('valid', b'12'), ErrorCode.BAD_IMAGE, 'the map valid has 2 bytes, but 512 x 512 pixels need 32768'),
        (_field('person', b'12'), ErrorCode.BAD_IMAGE, 'the map person has 2 bytes'),
        (_field('face_area', b''), ErrorCode.BAD_IMAGE, 'the map face_area has 0 bytes'),
        (_field('face_shapes', b'1'), ErrorCode.BAD_IMAGE, 'shapes of the face need'),
        (_field('face_to_art', []), ErrorCode.BAD_IMAGE, 'needs face_to_art'),
        (_field('face_to_art', [0.0] * 6), ErrorCode.BAD_IMAGE, 'needs face_to_art'),
        (_field('face_to_art', [float('nan')] * 6), ErrorCode.BAD_IMAGE, 'needs face_to_art'),
        (_field('landmarks', [1.0] * 3), ErrorCode.BAD_IMAGE, 'landmarks has 3 numbers, not 478 x 3'),
        (_field('face_box', [1.0] * 3), ErrorCode.BAD_IMAGE, 'face_box has 3 numbers, not 4'),
        (_field('crop', image_to_ros(np.zeros((9, 9, 3), np.uint8), 'rgb8')), ErrorCode.BAD_IMAGE, 'the crop has'),
        (_field('shading', 'oil'), ErrorCode.BAD_GOAL, 'shading must be one of'),
        (_field('pen_pixels', 0.0), ErrorCode.BAD_GOAL, 'pen_pixels must be positive, not 0'),
    ],
)
def test_what_cannot_be_traced_is_named(
    art: LineArt, sitter: Sitter, change: Callable[[TraceLineArt.Request], None], code: ErrorCode, words: str
) -> None:
    msg = to_trace_to_ros(ToTrace(art, sitter, AS_IT_IS, 2.0))
    change(msg)
    with pytest.raises(SketchRobotError) as caught:
        to_trace_from_ros(msg)
    assert caught.value.code == code
    assert words in caught.value.message


# ------------------------------------------------------------- who traces
class Atelier(SketchNode):
    """A node with line art to trace."""

    def __init__(self, **options: Any) -> None:
        super().__init__('atelier', **options)
        self.worker = Worker(self)
        self.tracer = Tracer(self, self.worker)

    def trace(self, given: ToTrace) -> Future:
        assert self.executor is not None
        return self.executor.create_task(self.tracer.trace(given))


@pytest.fixture
def atelier(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[Atelier]:
    monkeypatch.setattr(tracing, 'GRACE_S', 0.3)
    made = world.adopt(Atelier)
    yield made
    made.worker.close()
    world.probe.executor_.remove_node(made)
    made.destroy_node()


ANSWERED = [StrokeMsg(x=array.array('d', [1.0, 2.0]), y=array.array('d', [3.0, 4.0]))]


@pytest.mark.system
def test_the_planner_is_asked_and_its_failure_handed_on(world: World, atelier: Atelier) -> None:
    asked: list[TraceLineArt.Request] = []

    def on_trace(request: TraceLineArt.Request, response: TraceLineArt.Response) -> TraceLineArt.Response:
        asked.append(request)
        response.strokes = ANSWERED
        if len(asked) > 1:
            response.error_code, response.error_msg = ErrorCode.BAD_IMAGE, 'no ink'
        return response

    world.probe.create_service(TraceLineArt, 'trace_line_art', on_trace)
    assert world.probe.result(atelier.trace(plain())) == ANSWERED
    assert np.array_equal(to_trace_from_ros(asked[0]).art.ink, plain().art.ink)
    with pytest.raises(SketchRobotError, match='no ink'):
        world.probe.result(atelier.trace(plain()))


@pytest.mark.system
def test_without_a_planner_it_is_traced_here_and_with_one_again_there(world: World, atelier: Atelier) -> None:
    here = strokes_to_ros(strokes_from(plain().art))
    assert world.probe.result(atelier.trace(plain())) == here

    def on_trace(_: TraceLineArt.Request, response: TraceLineArt.Response) -> TraceLineArt.Response:
        response.strokes = ANSWERED
        return response

    world.probe.create_service(TraceLineArt, 'trace_line_art', on_trace)
    world.probe.until(atelier.tracer._client.service_is_ready)
    assert world.probe.result(atelier.trace(plain())) == ANSWERED


@pytest.mark.system
def test_a_planner_that_goes_away_or_is_too_slow_is_not_waited_for(
    world: World, atelier: Atelier, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = strokes_to_ros(strokes_from(plain().art))
    asked: list[TraceLineArt.Request] = []

    async def on_trace(request: TraceLineArt.Request, _: TraceLineArt.Response) -> TraceLineArt.Response:
        asked.append(request)
        return await Future()  # for ever

    group = ReentrantCallbackGroup()
    service = world.probe.create_service(TraceLineArt, 'trace_line_art', on_trace, callback_group=group)
    waiting = atelier.trace(plain())
    world.probe.until(lambda: asked, what='a request')
    world.probe.destroy_service(service)
    assert world.probe.result(waiting) == here
    world.probe.create_service(TraceLineArt, 'trace_line_art', on_trace, callback_group=group)
    world.probe.until(atelier.tracer._client.service_is_ready)
    monkeypatch.setattr(tracing, 'ANSWER_S', 0.3)
    assert world.probe.result(atelier.trace(plain())) == here
    assert len(asked) == 2
