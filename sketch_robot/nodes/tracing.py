"""Tracing asked of the planner: line art to its strokes, exactly as if they were traced here.

What tracing needs (compiled loops and their compiler, trees, splines) takes 150 MB, which the planner has in any case.
So `line_artist` draws, the node `planner` traces what it drew, by the service `trace_line_art`; where no planner is,
line art is traced here.
"""

from __future__ import annotations

import array
import logging
import time
from dataclasses import dataclass
from typing import Any

import numpy as np
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.task import Future
from sensor_msgs.msg import Image
from sketch_robot_interfaces.msg import Stroke as StrokeMsg
from sketch_robot_interfaces.srv import TraceLineArt

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.line_art.art import FaceArt, LineArt, ShapeArea
from sketch_robot.nodes.images import array_from_ros, image_to_ros
from sketch_robot.nodes.messages import strokes_from_ros, strokes_to_ros
from sketch_robot.nodes.node import SketchNode, Worker
from sketch_robot.photo.mesh import MESH_POINTS
from sketch_robot.photo.sitter import Sitter
from sketch_robot.validation import POSITIVE, require
from sketch_robot.wishes import Wishes

GRACE_S = 1.5  # that a planner may take to be seen by a node that has just started
ANSWER_S = 20.0  # that it may take to answer: dense shading on a busy computer takes some seconds
LOOK_S = 0.05
_log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class ToTrace:
    """Line art and all that its strokes follow from, see `strokes.strokes_from`.

    Attributes:
        art: what the artist drew.
        sitter: whom; of it the mesh, the face box and the matte are used, and for shading the crop.
        wishes: of the sitter.
        pen_px: width of the pen's line that shading is for, px of the line art.
    """

    art: LineArt
    sitter: Sitter
    wishes: Wishes
    pen_px: float


def to_trace_to_ros(given: ToTrace) -> TraceLineArt.Request:
    """A request; of the matte only what counts is sent, where it shows the person."""
    art, sitter, wishes = given.art, given.sitter, given.wishes
    msg = TraceLineArt.Request(
        line_art=image_to_ros(art.ink, '32FC1'),
        has_strokes=art.strokes is not None,
        strokes=strokes_to_ros(art.strokes or ()),
        faces=sitter.faces,
        valid=_map_to_ros(sitter.valid),
        detail=wishes.detail,
        age_lines=wishes.age_lines,
        caricature=wishes.caricature,
        shading=wishes.shading,
        pen_pixels=given.pen_px,
    )
    if art.face is not None:
        shapes = art.face.shapes
        msg.face_line_art = image_to_ros(art.face.ink, '32FC1')
        msg.face_area = _map_to_ros(art.face.area)
        msg.face_to_art = array.array('d', np.ascontiguousarray(art.face.to_art, np.float64).tobytes())
        for shape in shapes:
            msg.face_shapes.extend(_map_to_ros(shape.where))
        msg.face_shapes_least_ink = array.array('d', [shape.least_ink for shape in shapes])
    if sitter.face_box is not None:
        msg.face_box = array.array('d', np.asarray(sitter.face_box, np.float64).tobytes())
    if sitter.landmarks is not None:
        msg.landmarks = array.array('f', np.ascontiguousarray(sitter.landmarks, np.float32).tobytes())
    if sitter.matte is not None:
        msg.person = _map_to_ros(sitter.matte > 0.5)
    if wishes.shading != 'none':
        msg.crop = image_to_ros(sitter.crop, 'rgb8')
    return msg


def to_trace_from_ros(msg: TraceLineArt.Request) -> ToTrace:
    """What is to be traced; a matte is 1 where the person is and 0 elsewhere, a crop that was not sent is black.

    Raises:
        SketchRobotError: BAD_IMAGE, line art is no ink, or maps and pictures do not fit it; BAD_PLAN, a malformed
            stroke; BAD_GOAL, wishes that cannot be met.
    """
    ink = _ink_from_ros(msg.line_art)
    shape = ink.shape
    crop = array_from_ros(msg.crop) if msg.crop.data else np.zeros((*shape, 3), np.uint8)
    if crop.shape != (*shape, 3) or crop.dtype != np.uint8:
        raise _bad(f'the crop has the shape {crop.shape}, but the line art {shape}; send it as rgb8 of that size')
    sitter = Sitter(
        crop,
        np.eye(2, 3),
        _map_from_ros('valid', msg.valid, shape) if msg.valid else np.ones(shape, bool),
        int(msg.faces),
        _numbers('face_box', msg.face_box, (4,)),
        _numbers('landmarks', msg.landmarks, (MESH_POINTS, 3)),
        _map_from_ros('person', msg.person, shape).astype(np.float32) if msg.person else None,
    )
    wishes = Wishes(msg.detail, msg.age_lines, msg.caricature, msg.shading)
    require('pen_pixels', msg.pen_pixels, POSITIVE)
    art = LineArt(ink, '', strokes_from_ros(msg.strokes) if msg.has_strokes else None, _face_from_ros(msg))
    return ToTrace(art, sitter, wishes, msg.pen_pixels)


def _face_from_ros(msg: TraceLineArt.Request) -> FaceArt | None:
    if not msg.face_line_art.data:
        return None
    ink = _ink_from_ros(msg.face_line_art)
    to_art = _numbers('face_to_art', msg.face_to_art, (2, 3))
    if to_art is None or not float(np.hypot(*to_art[:, 0])) > 0.0:
        raise _bad('a face in line art needs face_to_art, 2 x 3 numbers that do not shrink it to a point')
    least, each = msg.face_shapes_least_ink, -(-ink.size // 8)
    if len(msg.face_shapes) != each * len(least):
        raise _bad(f'{len(least)} shapes of the face need {each * len(least)} bytes, not {len(msg.face_shapes)}')
    shapes = tuple(
        ShapeArea(_map_from_ros('face_shapes', msg.face_shapes[k * each : (k + 1) * each], ink.shape), dark)
        for k, dark in enumerate(least)
    )
    return FaceArt(ink, _map_from_ros('face_area', msg.face_area, ink.shape), to_art, shapes)


def _ink_from_ros(msg: Image) -> np.ndarray:
    """(H, W) float32 in [0, 1]."""
    if msg.encoding != '32FC1':
        raise _bad(f'line art to trace is 32FC1, not {msg.encoding!r}')
    ink = np.array(array_from_ros(msg))
    if not (ink.min() >= 0.0 and ink.max() <= 1.0):
        raise _bad('line art to trace has values outside [0, 1]; 1 is ink, 0 paper')
    return ink


def _map_to_ros(where: np.ndarray) -> array.array[int]:
    return array.array('B', np.packbits(where).tobytes())


def _map_from_ros(name: str, data: array.array[int], shape: tuple[int, ...]) -> np.ndarray:
    """(H, W) bool."""
    size = int(np.prod(shape))
    if len(data) != -(-size // 8):
        raise _bad(f'the map {name} has {len(data)} bytes, but {shape[1]} x {shape[0]} pixels need {-(-size // 8)}')
    return np.unpackbits(np.frombuffer(data, np.uint8), count=size).reshape(shape).astype(bool)


def _numbers(name: str, data: array.array[float], shape: tuple[int, ...]) -> np.ndarray | None:
    """An array of the message's own type, or None when it is empty."""
    if not data:
        return None
    if len(data) != int(np.prod(shape)):
        raise _bad(f'{name} has {len(data)} numbers, not {" x ".join(map(str, shape))}')
    return np.array(data).reshape(shape)


def _bad(message: str) -> SketchRobotError:
    return SketchRobotError(ErrorCode.BAD_IMAGE, message)


# ------------------------------------------------------------- whoever traces
def trace_here(given: ToTrace) -> list[StrokeMsg]:
    """The strokes, traced by this process."""
    from sketch_robot.strokes import strokes_from  # what it needs is heavy

    return strokes_to_ros(strokes_from(given.art, given.sitter, given.wishes, pen_px=given.pen_px))


def answer_trace(request: TraceLineArt.Request) -> list[StrokeMsg]:
    """What the service `trace_line_art` answers; raises as `to_trace_from_ros`."""
    return trace_here(to_trace_from_ros(request))


class Tracer:
    """Has a node's line art traced by the planner or, without one, by the node's own worker; in the executor's thread.

    Args:
        node: whose line art it is.
        worker: its own.
    """

    def __init__(self, node: SketchNode, worker: Worker) -> None:
        self._node, self._worker = node, worker
        self._client = node.create_client(TraceLineArt, 'trace_line_art', callback_group=ReentrantCallbackGroup())
        self._waiting: list[_Asked] = []
        self._alone = False  # whether it has traced here: then it need not wait for a planner that may come
        self._timer = node.every(LOOK_S, self._look)
        self._timer.cancel()

    async def trace(self, given: ToTrace) -> list[StrokeMsg]:
        """The strokes of line art.

        Raises:
            SketchRobotError: what tracing fails with, wherever it is done.
        """
        answer = await self._answer(given) if self._may_come() else None
        if answer is None:
            if not self._alone:
                _log.info('no planner traces line art: it is traced here, with what that takes of memory')
            self._alone = True
            strokes: list[StrokeMsg] = await self._worker.run(trace_here, given)
            return strokes
        if answer.error_code != ErrorCode.OK:
            raise SketchRobotError(ErrorCode(answer.error_code), answer.error_msg)
        return list(answer.strokes)

    def _may_come(self) -> bool:
        return not self._alone or self._client.service_is_ready()

    async def _answer(self, given: ToTrace) -> Any:
        """The planner's answer; None when there is no planner, or it went away."""
        request = await self._worker.run(to_trace_to_ros, given)
        asked = _Asked(request, Future(executor=self._node.executor), time.monotonic())
        self._waiting.append(asked)
        self._timer.reset()
        self._look()
        try:
            return await asked.answered
        finally:
            self._waiting.remove(asked)
            if asked.call is not None:
                self._client.remove_pending_request(asked.call)
            if not self._waiting:
                self._timer.cancel()

    def _look(self) -> None:
        """Ask a planner as soon as there is one, and give up on one that is not there or went away."""
        there, now_s = self._client.service_is_ready(), time.monotonic()
        for asked in self._waiting:
            if there and asked.call is None:
                asked.since_s = now_s
                asked.call = self._client.call_async(asked.request)
                asked.call.add_done_callback(asked.on_answer)
            if there:
                asked.missed_s = now_s
            late = now_s - asked.since_s > ANSWER_S or now_s - asked.missed_s > GRACE_S
            if late and not asked.answered.done():
                asked.answered.set_result(None)


@dataclass
class _Asked:
    """Line art that waits for its strokes.

    Attributes:
        answered: the answer to come; None when nobody gives one.
        since_s: when it was asked for.
        missed_s: since when no planner has been seen.
        call: of the service; None: it could not be asked yet.
    """

    request: TraceLineArt.Request
    answered: Future
    since_s: float
    missed_s: float = 0.0
    call: Future | None = None

    def __post_init__(self) -> None:
        self.missed_s = self.since_s

    def on_answer(self, call: Future) -> None:
        """Hand the answer on."""
        if not self.answered.done():
            self.answered.set_result(call.result())
