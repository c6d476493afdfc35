"""Segments to be put in order, from a file: `{"home": [x, y], "segments": [[[x, y], [x, y]], ...]}` in millimetres."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sketch_robot.errors import ErrorCode, SketchRobotError

MOST_BYTES = 64 * 2**20
MOST_SEGMENTS = 200_000
MOST_POINTS = 2_000_000
FARTHEST_MM = 1e6


@dataclass(frozen=True, eq=False)
class SegmentFile:
    """What a file of segments says.

    Attributes:
        segments: (N, 2) float64 each, N >= 1, mm; two points, or a polyline, closed when it ends where it starts.
        home: where the pen starts and returns to, mm.
    """

    segments: tuple[np.ndarray, ...]
    home: tuple[float, float] = (0.0, 0.0)


def load_segments(path: str | Path) -> SegmentFile:
    """Read a file of segments; a bare list of segments, or of strokes, has its home at (0, 0).

    Raises:
        SketchRobotError: BAD_PLAN, the file cannot be read, holds something else, or more than `MOST_SEGMENTS`;
            NOTHING_TO_DRAW, there are no segments. The message names what is wrong and where.
    """
    path = Path(path)
    try:
        if path.stat().st_size > MOST_BYTES:
            raise _unusable(path, f'it is larger than {MOST_BYTES // 2**20} MB')
        data = json.loads(path.read_bytes())
    except OSError as error:
        raise _unusable(path, error.strerror or str(error)) from error
    except (ValueError, RecursionError) as error:
        why = 'it is nested too deep' if isinstance(error, RecursionError) else str(error)
        raise _unusable(path, f'it is no JSON: {why}') from error
    if isinstance(data, list):
        data = {'segments': data}
    if not isinstance(data, dict) or not isinstance(data.get('segments'), list):
        raise _unusable(path, 'it has no list "segments"')
    if data.get('unit', 'mm') != 'mm':
        raise _unusable(path, f'its unit is {str(data["unit"])[:20]!r}; give millimetres, "mm"')
    listed = data['segments']
    if not listed:
        raise SketchRobotError(ErrorCode.NOTHING_TO_DRAW, f'{path} has no segments; there is nothing to order')
    if len(listed) > MOST_SEGMENTS:
        raise _unusable(path, f'it has {len(listed)} segments; at most {MOST_SEGMENTS} can be ordered')
    if sum(len(segment) for segment in listed if isinstance(segment, list)) > MOST_POINTS:
        raise _unusable(path, f'it has more than {MOST_POINTS} points')
    home = _points([data.get('home', [0.0, 0.0])], path, '"home"')[0]
    segments = tuple(_points(segment, path, f'segment {k}') for k, segment in enumerate(listed))
    return SegmentFile(segments, (float(home[0]), float(home[1])))


def _points(listed: Any, path: Path, what: str) -> np.ndarray:
    """A list of points as (N, 2) float64."""
    if not isinstance(listed, list) or not listed or not all(isinstance(p, list) and len(p) == 2 for p in listed):
        raise _unusable(path, f'{what} is not written as points [x, y]')
    if not all(type(value) in (int, float) for point in listed for value in point):
        raise _unusable(path, f'{what} has a coordinate that is no number')
    try:
        points = np.array(listed, dtype=np.float64)
    except OverflowError as error:
        raise _unusable(path, f'{what} has a coordinate that is too large') from error
    if not np.isfinite(points).all():
        raise _unusable(path, f'{what} has a coordinate that is not finite')
    if np.abs(points).max() > FARTHEST_MM:
        raise _unusable(path, f'{what} has a coordinate beyond {FARTHEST_MM:g} mm')
    return points


def _unusable(path: Path, why: str) -> SketchRobotError:
    return SketchRobotError(ErrorCode.BAD_PLAN, f'cannot read {path} as segments: {" ".join(why.split())}')
