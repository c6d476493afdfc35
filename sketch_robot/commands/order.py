"""`sketch-robot order`: segments in an order with little travel between them."""

from __future__ import annotations

import argparse
import json
import logging
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sketch_robot.commands import UsageError
from sketch_robot.errors import ErrorCode
from sketch_robot.validation import Rule, fits

if TYPE_CHECKING:  # the rooms take a second to load; `--help` does without
    import numpy as np

MOST_SECONDS = 3600.0
END_S, END_SHARE = 0.005, 0.02  # of the time given: what comes after the search


def add_commands(subparsers: Any) -> None:
    """Add `order` to a parser's subparsers; parsed arguments then have `run`, to be called with them."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        'order',
        help='put line segments in an order with little travel between them',
        description='Find a short way with the pen up, from home through all segments, either way round, and back '
        'home; print it as JSON: "travel_mm", home and back included; "unordered_mm", as the segments stand in the '
        'file; "seconds", how long the search took; "order", which segment is drawn k-th; "flipped", whether from its '
        'end; "entry", by which of its points a closed one is entered (0 for others).',
        epilog='example: sketch-robot order segments.json --seconds 1',
    )
    parser.add_argument(
        'segments', metavar='SEGMENTS', type=Path,
        help='a file {"home": [x, y], "segments": [[[x, y], [x, y]], ...]} in mm; segments may have more points, and a '
        'bare list will do; at most 200000',
    )  # fmt: skip
    parser.add_argument(
        '--seconds', type=float, default=1.0, metavar='S',
        help='the most seconds to search. The same file gives the same order again, unless the computer is so slow '
        'that the time is up first (default: 1)',
    )  # fmt: skip
    parser.add_argument(
        '-o', '--out', metavar='FILE', type=Path, help='write the segments as they are drawn, in the same form, .json'
    )
    parser.set_defaults(run=order, log_level=logging.WARNING)


def order(args: argparse.Namespace) -> int:
    """Run `sketch-robot order`.

    Raises:
        UsageError: an argument cannot be used.
        SketchRobotError: BAD_PLAN, the segments cannot be read; NOTHING_TO_DRAW, there are none; BAD_GOAL, the output
            cannot be written.
    """
    if not fits(args.seconds, Rule(float, low=0.0, high=MOST_SECONDS)):
        raise UsageError(ErrorCode.BAD_GOAL, f'--seconds {args.seconds:g}: give 0 to {MOST_SECONDS:g} seconds')
    if args.out is not None:
        _check_out(args)
    from sketch_robot.strokes.ordering.segment_file import load_segments

    file = load_segments(args.segments)
    found, drawn = _ordered(file.segments, file.home, args.seconds)
    if args.out is not None:
        from sketch_robot.files import replacing

        written = {'unit': 'mm', 'home': list(file.home), 'segments': [segment.tolist() for segment in drawn]}
        with replacing(args.out) as draft:
            draft.write_text(json.dumps(written, separators=(',', ':')) + '\n')
    sys.stdout.write(json.dumps(found) + '\n')
    return 0


def _check_out(args: argparse.Namespace) -> None:
    if args.out.suffix.lower() != '.json':
        raise UsageError(ErrorCode.BAD_GOAL, f'{args.out}: segments are written as .json; end the name so')
    if args.out.is_dir() or not args.out.parent.is_dir():
        raise UsageError(ErrorCode.BAD_GOAL, f'{args.out} cannot be written: it is a folder, or there is none for it')
    if args.out.resolve() == args.segments.resolve():
        raise UsageError(ErrorCode.BAD_GOAL, f'{args.out} holds the segments themselves; name another file')


def _ordered(
    segments: tuple[np.ndarray, ...], home: tuple[float, float], seconds: float
) -> tuple[dict[str, Any], list[np.ndarray]]:
    """What is printed, and the segments as they are drawn."""
    import time

    import numpy as np

    from sketch_robot.stroke import Stroke
    from sketch_robot.strokes.ordering.order import apply_order, order_drawing

    strokes = [Stroke(segment) for segment in segments]
    order_drawing(strokes[:4], home=home, seconds=0.001, precedence='none')  # loads what is compiled
    began_s = time.perf_counter()
    limit_s = max(seconds - END_S - END_SHARE * seconds, 0.0)
    found = order_drawing(strokes, home=home, seconds=seconds, precedence='none', limit_s=limit_s)
    took_s = time.perf_counter() - began_s
    drawn = [stroke.xy for stroke in apply_order(strokes, found)]
    result = {
        'travel_mm': _travel_mm(drawn, np.array(home)),
        'unordered_mm': _travel_mm(segments, np.array(home)),
        'segments': len(segments),
        'home': list(home),
        'seconds': round(took_s, 3),
        'order': found.index.tolist(),
        'flipped': found.flipped.tolist(),
        'entry': found.entry.tolist(),
    }
    return result, drawn


def _travel_mm(segments: Any, home: np.ndarray) -> float:
    """Travel with the pen up from home through segments as they stand, and back."""
    import numpy as np

    entered = np.array([*(segment[0] for segment in segments), home])
    left = np.array([home, *(segment[-1] for segment in segments)])
    return float(np.hypot(*(entered - left).T).sum())
