"""`sketch-robot plan`: a picture of lines, an SVG, strokes or another plan to a plan for a machine."""

from __future__ import annotations

import argparse
import json
import logging
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sketch_robot.commands import UsageError, add_layout_options, add_sheet_options, layout_of
from sketch_robot.errors import ErrorCode, SketchRobotError

if TYPE_CHECKING:  # the rooms take a second to load; `--help` does without
    from sketch_robot.motion import DrawingPlan


def add_commands(subparsers: Any) -> None:
    """Add `plan` to a parser's subparsers; parsed arguments then have `run`, to be called with them."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        'plan',
        help='turn a line drawing, an SVG or strokes into a plan for a plotter',
        description='Plan a drawing: place it on a page, choose what there is time for, order the strokes, predict the '
        'time, and print a summary as JSON. The drawing is a picture of dark lines on light paper, which is traced; an '
        'SVG, whose layers or else colours become pens; strokes, as "sketch-robot trace" writes them; or a plan, to '
        'be made anew for another machine, page or time.',
        epilog='example: sketch-robot plan drawing.svg -o plan.json --profile axidraw --page A5 --time-budget 60',
    )
    parser.add_argument(
        'drawing', metavar='DRAWING', type=Path, help='a picture (PNG, JPEG ...), .svg, or .json (strokes or a plan)'
    )
    parser.add_argument('-o', '--out', metavar='PLAN', type=Path, required=True, help='the plan, .json or .svg')
    add_sheet_options(parser, page=None)
    add_layout_options(parser)
    parser.add_argument(
        '--scale', default='auto', choices=('auto', 'keep', 'fill'),
        help='how the sheet of an SVG or plan is placed. auto: as it is on a page of the same size, else fitted into '
        'the margins; keep: in true size, centred; fill: its lines as large as the margins let (default: auto)',
    )  # fmt: skip
    parser.add_argument(
        '--precedence', default='soft', choices=('soft', 'strict', 'none'),
        help='whether what matters is drawn early: where it costs little travel, strictly (the face first, then hair '
        'and ears, then the rest), or not at all (default: soft)',
    )  # fmt: skip
    parser.add_argument(
        '--one-pen', action='store_true', help='draw all layers and colours with one pen, without a pause between them'
    )
    parser.add_argument(
        '--text', default='single-line', choices=('single-line', 'outlines', 'none'),
        help='how the text of an SVG is drawn: in letters of single lines (Latin, Greek, Cyrillic), as outlines of its '
        'font, which must be installed, or not at all (default: single-line)',
    )  # fmt: skip
    parser.add_argument(
        '--picture', type=Path, metavar='PNG', help='keep a picture of the plan, with travel and the order shown'
    )
    parser.set_defaults(run=plan, log_level=logging.WARNING)


def plan(args: argparse.Namespace) -> int:
    """Run `sketch-robot plan`.

    Raises:
        UsageError: an argument cannot be used.
        SketchRobotError: BAD_PLAN or BAD_IMAGE, the drawing cannot be read; NOTHING_TO_DRAW, nothing of it is left to
            draw; BAD_GOAL, a file cannot be written.
    """
    _check_files(args)
    from sketch_robot.motion import load_limits, save_plan
    from sketch_robot.motion.budget import check_budget
    from sketch_robot.motion.drawing_file import load_drawing, page_for, plan_loaded

    page = {'margin_mm': args.margin, 'orientation': args.orientation}
    try:
        profile = load_limits(args.profile)
        check_budget(args.time_budget)
        page_for(None, args.page, **page)
    except SketchRobotError as error:
        raise UsageError(error.code, error.message) from error
    layout = layout_of(args)
    drawing = load_drawing(args.drawing, text=args.text)
    if args.one_pen:
        drawing = drawing.with_one_pen()
    made = plan_loaded(
        drawing, page_for(drawing.sheet, args.page, **page), profile,
        time_budget_s=args.time_budget, scaling=args.scale, precedence=args.precedence, layout=layout,
    )  # fmt: skip
    if args.picture is not None:
        from sketch_robot.plotters.plan_picture import save_plan_picture

        save_plan_picture(made, args.picture)
    save_plan(made, args.out)
    sys.stdout.write(json.dumps(summary(made), indent=1) + '\n')
    return 0


def summary(made: DrawingPlan) -> dict[str, Any]:
    """What the command prints of a plan."""
    page = made.page
    return {
        'strokes': len(made.strokes),
        'left_out': made.left_out,
        'ink_mm': made.ink_mm,
        'travel_mm': made.travel_mm,
        'lifts': made.lifts,
        'predicted_s': made.predicted_s,
        'profile': made.profile.name,
        'page': page.name,
        'page_mm': [page.width_mm, page.height_mm],
        'pens': [pen.name for pen in made.pens],
    }


def _check_files(args: argparse.Namespace) -> None:
    for path, suffixes in ((args.out, ('.json', '.svg')), (args.picture, ('.png',))):
        if path is None:
            continue
        if path.suffix.lower() not in suffixes:
            raise UsageError(ErrorCode.BAD_GOAL, f'the name of {path} must end in {" or ".join(suffixes)}')
        if path.is_dir():
            raise UsageError(ErrorCode.BAD_GOAL, f'{path} is a folder; name a file')
        if not path.parent.is_dir():
            raise SketchRobotError(ErrorCode.BAD_GOAL, f'cannot write {path}: there is no folder {path.parent}')
        if path.resolve() == args.drawing.resolve():
            raise UsageError(ErrorCode.BAD_GOAL, f'{path} is the drawing itself; name another file')
