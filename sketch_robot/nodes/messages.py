"""Durations and strokes as messages and back; it imports no plans, for nodes that need none."""

from __future__ import annotations

import array
import math
from collections.abc import Iterable

import numpy as np
from builtin_interfaces.msg import Duration, Time
from sketch_robot_interfaces.msg import Stroke as StrokeMsg

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.stroke import LABELS, Stroke


def duration_to_ros(seconds: float) -> Duration:
    """A duration of at least zero."""
    whole, part = divmod(round(max(0.0, seconds) * 1e9), 10**9)
    return Duration(sec=int(whole), nanosec=int(part))


def duration_from_ros(msg: Duration) -> float:
    """Seconds."""
    return msg.sec + msg.nanosec * 1e-9


def seconds_from_ros(msg: Time) -> float:
    """Seconds of the clock that stamped it; 0.0 when unstamped."""
    return msg.sec + msg.nanosec * 1e-9


MOST_STROKES, MOST_POINTS = 100_000, 5_000_000  # days of drawing; beyond, a message only uses up memory
FARTHEST = 1e7  # of a point in pixels or millimetres; beyond, squares and sums of lengths overflow sooner or later


def stroke_to_ros(stroke: Stroke, scale: float = 1.0) -> StrokeMsg:
    """A stroke with its coordinates times `scale`."""
    msg = StrokeMsg(
        label=stroke.label,
        importance=float(stroke.importance),
        half_width=stroke.half_width * scale,
        filled=stroke.filled,
        pen=stroke.pen,
        x=array.array('d', (stroke.xy[:, 0] * scale).tobytes()),
        y=array.array('d', (stroke.xy[:, 1] * scale).tobytes()),
    )
    if stroke.half_widths is not None:
        msg.half_widths = array.array('d', (stroke.half_widths * scale).tobytes())
    if stroke.pressure is not None:
        msg.pressure = array.array('d', stroke.pressure.tobytes())
    return msg


def stroke_from_ros(msg: StrokeMsg, scale: float = 1.0) -> Stroke:
    """A stroke with its coordinates times `scale`.

    Raises:
        SketchRobotError: BAD_PLAN, no points, x and y of different length, values not finite or beyond all paper, an
            unknown label, widths or pressures that are not as many as points.
    """
    if len(msg.x) != len(msg.y):
        raise SketchRobotError(ErrorCode.BAD_PLAN, f'a stroke has {len(msg.x)} x but {len(msg.y)} y coordinates')
    xy = np.column_stack([np.frombuffer(msg.x, np.float64), np.frombuffer(msg.y, np.float64)]) * scale
    farthest = float(np.abs(xy).max(initial=0.0))
    if math.isfinite(farthest) and farthest > FARTHEST:
        raise SketchRobotError(
            ErrorCode.BAD_PLAN, f'a stroke has a coordinate of {farthest:g}, beyond {FARTHEST:g}; check its unit'
        )
    if msg.label not in (*LABELS, ''):
        raise SketchRobotError(ErrorCode.BAD_PLAN, f'unknown stroke label {msg.label!r}; known: {", ".join(LABELS)}')
    try:
        return Stroke(
            xy,
            msg.half_width * scale,
            msg.label or 'other',
            float(msg.importance),
            half_widths=np.frombuffer(msg.half_widths, np.float64) * scale if msg.half_widths else None,
            pressure=np.frombuffer(msg.pressure, np.float64) if msg.pressure else None,
            pen=msg.pen,
            filled=msg.filled,
        )
    except ValueError as error:
        raise SketchRobotError(ErrorCode.BAD_PLAN, str(error)) from error


def strokes_to_ros(strokes: Iterable[Stroke], scale: float = 1.0) -> list[StrokeMsg]:
    """Strokes with their coordinates times `scale`."""
    return [stroke_to_ros(stroke, scale) for stroke in strokes]


def strokes_from_ros(msgs: Iterable[StrokeMsg], scale: float = 1.0) -> tuple[Stroke, ...]:
    """Strokes with their coordinates times `scale`; raises as `stroke_from_ros`, and for more than anybody draws."""
    msgs = list(msgs)
    points = sum(len(msg.x) for msg in msgs)
    if len(msgs) > MOST_STROKES or points > MOST_POINTS:
        raise SketchRobotError(
            ErrorCode.BAD_PLAN,
            f'{len(msgs)} strokes of {points} points are too many; {MOST_STROKES} of {MOST_POINTS} at most',
        )
    return tuple(stroke_from_ros(msg, scale) for msg in msgs)
