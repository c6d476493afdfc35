"""Drawing plans as JSON: complete, exact, with a version."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, fields
from typing import Any

import numpy as np

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.motion.page import Page
from sketch_robot.motion.plan import DrawingPlan, Pen
from sketch_robot.motion.profile import PenProfile
from sketch_robot.stroke import Stroke

FORMAT = 'sketch_robot drawing plan'
VERSION = 2
READ_VERSIONS = (1, 2)  # the first knew neither widths along a stroke, nor pressure, pens and a machine's planner


def plan_to_json(plan: DrawingPlan) -> str:
    """The whole plan as JSON; `plan_from_json` gives back the same numbers to the last bit."""
    strokes = [_entry(stroke, float(s)) for stroke, s in zip(plan.strokes, plan.stroke_s, strict=True)]
    head = json.dumps(plan_head(plan), indent=1)[:-2]
    lines = ',\n  '.join(json.dumps(stroke) for stroke in strokes)
    return f'{head},\n "strokes": [\n  {lines}\n ]\n}}\n' if strokes else f'{head},\n "strokes": []\n}}\n'


def _entry(stroke: Stroke, seconds: float) -> dict[str, Any]:
    entry: dict[str, Any] = {
        'label': stroke.label,
        'importance': float(stroke.importance),
        'half_width_mm': float(stroke.half_width),
        'seconds': seconds,
        'xy_mm': stroke.xy.tolist(),
    }
    if stroke.pen:
        entry['pen'] = stroke.pen
    if stroke.half_widths is not None:
        entry['half_widths_mm'] = stroke.half_widths.tolist()
    if stroke.pressure is not None:
        entry['pressure'] = stroke.pressure.tolist()
    return entry


def plan_head(plan: DrawingPlan) -> dict[str, Any]:
    """All of a plan but its strokes, for JSON."""
    return {
        'format': FORMAT,
        'version': VERSION,
        'artist': plan.artist,
        'predicted_s': plan.predicted_s,
        'return_s': float(plan.return_s),
        'left_out': int(plan.left_out),
        'page': asdict(plan.page),
        'profile': asdict(plan.profile),
        'pens': [asdict(pen) for pen in plan.pens],
    }


def plan_from_json(text: str) -> DrawingPlan:
    """Read a plan that `plan_to_json` wrote.

    Raises:
        SketchRobotError: BAD_PLAN, this is no such plan, or it is damaged; the message says where.
    """
    try:
        data = json.loads(text)
    except (json.JSONDecodeError, RecursionError) as error:
        raise bad_plan(f'it is not JSON: {error}') from error
    strokes, seconds = [], []
    listed = data.get('strokes') if isinstance(data, dict) else None
    if not isinstance(listed, list):
        raise bad_plan('it has no list of strokes')
    for number, entry in enumerate(listed):
        try:
            strokes.append(
                Stroke(
                    np.array(entry['xy_mm'], dtype=np.float64),
                    float(entry['half_width_mm']),
                    entry['label'],
                    float(entry['importance']),
                    entry.get('half_widths_mm'),
                    entry.get('pressure'),
                    str(entry.get('pen', '')),
                )
            )
            seconds.append(float(entry['seconds']))
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise bad_plan(f'stroke {number}: {_cause(error)}') from error
    return plan_from_head(data, strokes, seconds)


def plan_from_head(head: Any, strokes: list[Stroke], seconds: list[float]) -> DrawingPlan:
    """Put a plan together from `plan_head` and its strokes.

    Raises:
        SketchRobotError: BAD_PLAN, a part is missing or unusable.
    """
    if not isinstance(head, dict) or head.get('format') != FORMAT:
        raise bad_plan('it was not written by sketch_robot')
    version = head.get('version')
    if version not in READ_VERSIONS:
        known = ' and '.join(map(str, READ_VERSIONS))
        raise bad_plan(f'its version is {version!r}, and only versions {known} can be read')
    times = np.array(seconds, dtype=np.float64)
    try:
        page, profile = _only(Page, head['page']), _only(PenProfile, head['profile'], complete=version != 1)
        pens = tuple(_only(Pen, pen) for pen in (head['pens'] if version != 1 else ()))
        return_s, left_out, artist = float(head['return_s']), int(head['left_out']), head['artist']
        if not isinstance(artist, str) or left_out < 0:
            raise ValueError('the artist is no text, or the count of strokes left out is negative')
        if not (np.isfinite(times).all() and (times >= 0.0).all() and np.isfinite(return_s) and return_s >= 0.0):
            raise ValueError('a time is negative or not finite')
        return DrawingPlan(tuple(strokes), page, profile, times, return_s, left_out, artist, pens)
    except SketchRobotError as error:
        raise bad_plan(error.message) from error
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise bad_plan(_cause(error)) from error


def _only(kind: type, values: dict[str, Any], *, complete: bool = True) -> Any:
    """Make a frozen dataclass from a JSON object that has its fields, all of them when `complete`, and no other."""
    expected = {field.name for field in fields(kind)}
    if not (set(values) == expected if complete else set(values) <= expected):
        raise ValueError(f'a {kind.__name__} has the fields {sorted(expected)}, not {sorted(values)}')
    kinds = {field.name: _KINDS[str(field.type)] for field in fields(kind)}
    return kind(**{name: kinds[name](value) for name, value in values.items()})


def _pair(values: Any) -> tuple[float, ...]:
    return tuple(float(part) for part in values)


_KINDS: dict[str, Callable[[Any], Any]] = {'str': str, 'int': int, 'float': float, 'tuple[float, float]': _pair}


def _cause(error: Exception) -> str:
    return f'{error.args[0]!r} is missing' if isinstance(error, KeyError) else str(error)


def bad_plan(why: str) -> SketchRobotError:
    """The error for a plan that cannot be read."""
    return SketchRobotError(ErrorCode.BAD_PLAN, f'the drawing plan cannot be read: {why}')
