"""`sketch-robot call`: a drawing asked of the running robot over ROS, told in ten lines."""

from __future__ import annotations

import argparse
import logging
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from sketch_robot.commands import UsageError
from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.line_art.styles.blend import parse_blend

if TYPE_CHECKING:  # without ROS there is no client, but `--help`
    from sketch_robot.client import DrawResult


def add_commands(subparsers: Any) -> None:
    """Add `call` to a parser's subparsers; parsed arguments then have `run`, to be called with them."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        'call',
        help='ask the running robot for a drawing, over ROS',
        description='Ask the robot that is running in this ROS domain for a drawing, and say in a few lines what '
        'becomes of it. Ctrl-C lifts the pen and parks.',
        epilog='example: sketch-robot call face.jpg --page A6 --time-budget 60',
    )
    parser.add_argument(
        'photo', metavar='PHOTO', nargs='?', type=Path, help="the photo (default: the next frame of the robot's camera)"
    )
    parser.add_argument('--page', default='', help="the sheet, as A5 or 148x210 (default: the robot's)")
    parser.add_argument(
        '--time-budget', type=float, default=0.0, metavar='S',
        help="the most seconds the drawing may take, as predicted (default: the robot's)",
    )  # fmt: skip
    parser.add_argument('--artist', default='', metavar='NAME', help="who draws the lines (default: the robot's)")
    parser.add_argument(
        '--styles', '--style', default='', metavar='NAMES', help="a style, or a blend as 'woodcut=0.7,hatch_45=0.3'"
    )
    parser.add_argument('--dry-run', action='store_true', help='plan only, move nothing')
    parser.add_argument(
        '--set', dest='fields', metavar='NAME=VALUE', action='append', default=[],
        help="any other field of the action's goal, its value as YAML; may be given several times",
    )  # fmt: skip
    parser.add_argument('--namespace', default='', metavar='NAME', help="the robot's namespace (default: none)")
    parser.add_argument(
        '--wait',
        type=float,
        default=10.0,
        metavar='S',
        help='how long to wait for a robot that is starting (default: 10)',
    )
    parser.add_argument('-o', '--plan', type=Path, metavar='FILE', help='keep the plan, as .svg or .json')
    parser.set_defaults(run=call, log_level=logging.WARNING)


def call(args: argparse.Namespace) -> int:
    """Run `sketch-robot call`.

    Raises:
        UsageError: an argument cannot be used.
        SketchRobotError: why it was not drawn; NODE_LOST, there is no robot, or no ROS.
    """
    fields = {'page': args.page, 'time_budget': args.time_budget, 'artist': args.artist, 'dry_run': args.dry_run}
    if args.styles:
        fields['styles'], fields['style_weights'] = parse_blend(args.styles)
    fields.update(_field(text) for text in args.fields)
    if args.plan is not None and args.plan.suffix.lower() not in ('.svg', '.json'):
        raise UsageError(ErrorCode.BAD_GOAL, f'the name of {args.plan} must end in .svg or .json')
    try:
        from sketch_robot.client import PortraitClient, make_goal
        from sketch_robot.nodes.terminal import Interrupts, ProgressLine, follow
    except ModuleNotFoundError as error:
        text = f'no ROS 2 here (no module {error.name}): source /opt/ros/jazzy/setup.bash and install/setup.bash first'
        raise SketchRobotError(ErrorCode.NODE_LOST, text) from error
    make_goal(args.photo, **fields)  # what cannot be asked is told before a robot is looked for
    interrupts, progress = Interrupts(), ProgressLine()
    with PortraitClient(namespace=args.namespace, server_timeout=args.wait) as robot:
        try:
            result = follow(robot.draw(args.photo, on_progress=progress.show, **fields), interrupts)
        finally:
            progress.end()
    if args.plan is not None and result.plan is not None:
        from sketch_robot.motion import save_plan

        save_plan(result.plan, args.plan)
    sys.stdout.write(describe(result, dry_run=args.dry_run))
    return 0


def describe(result: DrawResult, *, dry_run: bool) -> str:
    """A result in four lines."""
    plan = result.message.plan
    if dry_run:
        drawn = f'planned: {len(plan.strokes)} strokes, {plan.ink:.2f} m of ink, {plan.lifts} lifts; nothing moved'
        took = f'machine time: {result.predicted_s:.1f} s predicted'
    else:
        drawn = f'drawn: {result.strokes_drawn} strokes, {result.ink_mm / 1e3:.2f} m of ink, {result.lifts} lifts'
        took = f'machine time: {result.taken_s:.1f} s, {result.predicted_s:.1f} s predicted'
    stages = ', '.join(
        f'{name.replace("_", " ")} {seconds:.2f} s' for name, seconds in result.stage_s.items() if seconds
    )
    who = f'page {result.page}, {result.faces} face{"" if result.faces == 1 else "s"}, artist {result.artist}'
    return f'{drawn}\n{took}\nstages: {stages}\n{who}\n'


def _field(text: str) -> tuple[str, Any]:
    name, sign, value = text.partition('=')
    if not sign:
        raise UsageError(ErrorCode.BAD_GOAL, f'--set wants NAME=VALUE, not {text!r}')
    try:
        return name, yaml.safe_load(value)
    except yaml.YAMLError as error:
        raise UsageError(ErrorCode.BAD_GOAL, f'the value of {name} is no YAML: {value!r}') from error
