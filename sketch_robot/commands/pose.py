"""`sketch-robot pose`: a sitter at full length, as they stand or in another pose, to a plan without ROS."""

from __future__ import annotations

import argparse
import logging
from typing import Any

from sketch_robot.commands.draw import add_drawing_options, draw


def add_commands(subparsers: Any) -> None:
    """Add `pose` to a parser's subparsers; parsed arguments then have `run`, to be called with them."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        'pose',
        help='draw a sitter at full length, in a pose',
        description='Turn a photo of somebody from head to feet into a plan for a plotter: as they stand, in a pose by '
        "name, or in that of somebody in another picture. The head is the sitter's own, the body is drawn from what a "
        'network makes of it; docs/poses.md shows where that goes well and where it does not.',
        epilog='example: sketch-robot pose photo.jpg --pose dancer -o plan.svg',
    )
    parser.add_argument(
        '--pose', required=True, metavar='NAME|PICTURE',
        help='as_they_stand, the name of a pose (an unknown name lists those that exist), or a picture of somebody '
        'whose pose to take',
    )  # fmt: skip
    add_drawing_options(parser)
    parser.set_defaults(run=draw, log_level=logging.WARNING)
