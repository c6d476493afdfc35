"""`sketch-robot policy`: the SROS 2 permissions of a graph."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from sketch_robot.commands import UsageError
from sketch_robot.errors import ErrorCode


def add_commands(subparsers: Any) -> None:
    """Add `policy` to a parser's subparsers; parsed arguments then have `run`, to be called with them."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        'policy',
        help='write what each node may say and hear, for SROS 2',
        description='Write the policy file that `ros2 security create_permission` reads: for each node that the launch '
        'arguments start, and for a client, what it may say and hear; nothing else. docs/security.md tells the rest.',
        epilog='example: sketch-robot policy namespace:=fair attract:=true -o policy.xml',
    )
    parser.add_argument(
        'arguments', metavar='NAME:=VALUE', nargs='*', help='launch arguments, as for portrait.launch.py'
    )
    parser.add_argument('-o', '--out', metavar='FILE', type=Path, help='where to write it (default: to the terminal)')
    parser.set_defaults(run=policy)


def policy(args: argparse.Namespace) -> int:
    """Run `sketch-robot policy`.

    Raises:
        SketchRobotError: an argument that the graph does not take, or a file that cannot be written.
        UsageError: a word that is no argument.
    """
    from sketch_robot.files import write_whole
    from sketch_robot.security import make_policy

    options = {}
    for word in args.arguments:
        name, sign, value = word.partition(':=')
        if not sign:
            raise UsageError(ErrorCode.BAD_GOAL, f'{word!r} is not of the form NAME:=VALUE')
        options[name] = value
    text = make_policy(options)
    if args.out is None:
        sys.stdout.write(text)
    else:
        write_whole(args.out, text.encode())
    return 0
