"""`sketch-robot export`: a plan as G-code, HP-GL, PDF, PNG or SVG."""

from __future__ import annotations

import argparse
import logging
import sys
from pathlib import Path
from typing import Any

from sketch_robot.commands import UsageError
from sketch_robot.errors import ErrorCode, SketchRobotError

SUFFIXES = {
    '.gcode': 'gcode', '.nc': 'gcode', '.ngc': 'gcode', '.hpgl': 'hpgl', '.plt': 'hpgl', '.pdf': 'pdf', '.png': 'png',
    '.svg': 'svg', '.json': 'json',
}  # fmt: skip


def add_commands(subparsers: Any) -> None:
    """Add `export` to a parser's subparsers; parsed arguments then have `run`, to be called with them."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        'export',
        help='write a plan as G-code, HP-GL, PDF, PNG or SVG',
        description='Write a plan in the form that the name of the file asks for: .gcode, .hpgl, .pdf, .png (the paper '
        'as a perfect machine leaves it), .svg or .json. Nothing is moved.',
        epilog='example: sketch-robot export plan.json -o out.gcode --machine grbl_fast',
    )
    parser.add_argument('plan', metavar='PLAN', type=Path, help='a plan, .svg or .json')
    parser.add_argument('-o', '--out', metavar='FILE', type=Path, required=True, help=', '.join(SUFFIXES))
    parser.add_argument(
        '--machine', metavar='NAME', default='',
        help='whose G-code or HP-GL it is to be: a name, or the path of a YAML file (default: grbl_plotter, hp7475a)',
    )  # fmt: skip
    parser.set_defaults(run=export, log_level=logging.WARNING)


def export(args: argparse.Namespace) -> int:
    """Run `sketch-robot export`.

    Raises:
        UsageError: the file's name asks for no form that there is, or is the plan's own.
        SketchRobotError: the plan cannot be read, the machine not draw it, or the file not be written.
    """
    form = SUFFIXES.get(args.out.suffix.lower())
    if form is None:
        raise UsageError(ErrorCode.BAD_GOAL, f'the name of {args.out} must end in one of {", ".join(SUFFIXES)}')
    if args.out.resolve() == args.plan.resolve():
        raise UsageError(ErrorCode.BAD_GOAL, f'{args.out} is the plan itself; name another file')
    if not args.out.parent.is_dir():
        raise SketchRobotError(ErrorCode.BAD_GOAL, f'cannot write {args.out}: there is no folder {args.out.parent}')
    from sketch_robot.files import replacing
    from sketch_robot.motion import load_plan
    from sketch_robot.plotters.export import export_plan

    plan = load_plan(args.plan)
    data = export_plan(plan, form, machine=args.machine)
    with replacing(args.out) as draft:
        draft.write_bytes(data)
    sys.stdout.write(f'{args.out}: {len(plan.strokes)} strokes, {len(data)} bytes\n')
    return 0
