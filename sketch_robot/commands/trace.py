"""`sketch-robot trace`: a picture of a line drawing to strokes in pixels."""

from __future__ import annotations

import argparse
import json
import logging
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sketch_robot.commands import UsageError
from sketch_robot.errors import ErrorCode

if TYPE_CHECKING:  # the rooms take a second to load; `--help` does without
    from sketch_robot.stroke import Stroke

DECIMALS = 3  # of a pixel
LEAST_DOT_PX = 0.5  # length of the line that stands for a dot: readers of polylines pass over single points


def add_commands(subparsers: Any) -> None:
    """Add `trace` to a parser's subparsers; parsed arguments then have `run`, to be called with them."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        'trace',
        help='turn a picture of a line drawing into strokes',
        description='Find the centre lines of a line drawing, dark ink on light paper, and write them as JSON: a list '
        'of strokes, each a list of points [x, y] in pixels from the upper left corner of the picture, where the '
        'middle of the first pixel is [0.5, 0.5]. Closed lines end where they begin; a dot is a very short line.',
        epilog='example: sketch-robot trace lines.png -o strokes.json',
    )
    parser.add_argument('lines', metavar='LINES', type=Path, help='a picture file (PNG, JPEG ...), at most 64 Mpx')
    parser.add_argument('-o', '--out', metavar='STROKES', type=Path, required=True, help='the strokes, .json')
    parser.set_defaults(run=trace, log_level=logging.WARNING)


def trace(args: argparse.Namespace) -> int:
    """Run `sketch-robot trace`.

    Raises:
        UsageError: the output is no .json file, or the input itself.
        SketchRobotError: BAD_IMAGE, the picture cannot be read or is too large; NOTHING_TO_DRAW, it has no lines;
            BAD_GOAL, the output cannot be written.
    """
    if args.out.suffix.lower() != '.json':
        raise UsageError(ErrorCode.BAD_GOAL, f'{args.out}: strokes are written as .json; end the name so')
    from sketch_robot.errors import SketchRobotError
    from sketch_robot.files import replacing
    from sketch_robot.strokes import drop_specks, trace_ink
    from sketch_robot.strokes.tracing.line_picture import load_line_picture

    strokes = drop_specks(trace_ink(load_line_picture(args.lines)))
    if not strokes:
        raise SketchRobotError(
            ErrorCode.NOTHING_TO_DRAW, f'{args.lines} has no lines that can be told from its paper; nothing to trace'
        )
    with replacing(args.out) as draft:
        draft.write_text(json.dumps(strokes_to_json(strokes), separators=(',', ':')) + '\n')
    points = sum(len(stroke.xy) for stroke in strokes)
    length_px = sum(stroke.length for stroke in strokes)
    sys.stderr.write(f'{args.out}: {len(strokes)} strokes, {points} points, {length_px:.0f} px of line\n')
    return 0


def strokes_to_json(strokes: Iterable[Stroke]) -> list[list[list[float]]]:
    """Strokes as lists of [x, y], at least two points each: a dot becomes a line as long as it is wide."""
    lists = []
    for stroke in strokes:
        xy = stroke.xy.round(DECIMALS).tolist()
        if len(xy) == 1:
            half = max(stroke.half_width, LEAST_DOT_PX / 2.0)
            (x, y) = stroke.xy[0].tolist()
            xy = [[round(x - half, DECIMALS), round(y, DECIMALS)], [round(x + half, DECIMALS), round(y, DECIMALS)]]
        lists.append(xy)
    return lists
