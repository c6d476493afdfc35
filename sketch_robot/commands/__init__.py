"""The commands of `sketch-robot`: one module each, whose `add_commands` adds it to the command line.

A command imports the rooms that it needs when it runs, so that `--help` and errors come at once.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from sketch_robot.errors import SketchRobotError

if TYPE_CHECKING:
    from sketch_robot.motion.layout import SheetLayout

# in the order in which `--help` lists them
MODULES = (
    'draw', 'plan', 'trace', 'order', 'time', 'export', 'plot', 'machine', 'styles', 'emulate', 'call', 'policy',
    'keyframe', 'character', 'pose', 'train_pose',
)  # fmt: skip


class UsageError(SketchRobotError):
    """An argument with a value that cannot be used; the exit status is 2."""


def add_sheet_options(parser: argparse.ArgumentParser, *, page: str | None = 'A5') -> None:
    """Add what every command that plans asks for: sheet, machine and time.

    Args:
        parser: of the command.
        page: the sheet when none is named; None: that of the drawing, A5 for those that have none.
    """
    sheet = page or 'the sheet of an SVG or plan, A5 for others'
    turned = '' if page else ', but turned when that is how the sheet of an SVG lies'
    border = '10' if page else "10; a plan's own"
    parser.add_argument(
        '--page', default=page, help=f'A2 to A6, Letter, or width x height in mm as 148x210 (default: {sheet})'
    )
    parser.add_argument(
        '--orientation', default='auto', choices=('auto', 'portrait', 'landscape'),
        help=f'how the sheet lies; auto: as it is named, A5 upright{turned} (default: auto)',
    )  # fmt: skip
    parser.add_argument('--margin', type=float, metavar='MM', help=f'white border on each side (default: {border})')
    parser.add_argument(
        '--profile', default='default', metavar='NAME',
        help='the machine: a name, or the path of a YAML file; an unknown name lists those that exist '
        '(default: default)',
    )  # fmt: skip
    parser.add_argument(
        '--time-budget', type=float, default=0.0, metavar='S',
        help='the most seconds the drawing may take, as predicted; the least important lines are left out '
        '(default: 0, no limit)',
    )  # fmt: skip


def add_style_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that name a style."""
    parser.add_argument(
        '--styles', '--style', default='', metavar='NAMES',
        help="draw in a style, as 'woodcut', or in a blend, as 'woodcut=0.7,hatch_45=0.3', in place of the artist; "
        '`sketch-robot styles list` tells which there are',
    )  # fmt: skip
    parser.add_argument(
        '--style-file', type=Path, metavar='FILE', help="a file of styles that you trained (default: the package's)"
    )


PLACES = ('under', 'top', 'bottom', 'left', 'right', 'top-left', 'top-right', 'bottom-left', 'bottom-right')


def add_layout_options(parser: argparse.ArgumentParser) -> None:
    """Add what may be on a sheet beside the drawing; `layout_of` reads it."""
    group = parser.add_argument_group('beside the drawing')
    group.add_argument('--caption', default='', metavar='TEXT', help='write this in single lines')
    group.add_argument(
        '--caption-place', default='under', choices=PLACES, metavar='PLACE',
        help=f'{", ".join(PLACES)} (default: under the drawing)',
    )  # fmt: skip
    group.add_argument(
        '--caption-height',
        type=float,
        default=0.0,
        metavar='MM',
        help='of capitals (default: by the size of the sheet)',
    )
    group.add_argument(
        '--signature', default='', metavar='TEXT|SVG', help='a text, written in script, or the path of an SVG file'
    )
    group.add_argument(
        '--signature-place', default='bottom-right', choices=PLACES, metavar='PLACE', help='(default: bottom-right)'
    )
    group.add_argument('--logo', default='', metavar='SVG', help='draw this file beside the drawing')
    group.add_argument('--logo-place', default='top-left', choices=PLACES, metavar='PLACE', help='(default: top-left)')
    group.add_argument(
        '--border', default='none', choices=('none', 'line', 'double', 'rounded'), help='around all of it'
    )
    group.add_argument(
        '--copies', default='one', choices=('one', 'strip', 'grid', 'cards'),
        help='draw it once, three times in a strip, in a grid of 2 x 2, or on cards of 85 x 55 mm to be cut '
        '(default: one)',
    )  # fmt: skip
    group.add_argument('--mirrored', action='store_true', help='change left and right, as for a transfer')
    group.add_argument(
        '--turned', type=int, default=0, choices=(0, 90, 180, 270), help='turn it on the sheet, degrees (default: 0)'
    )


def layout_of(args: argparse.Namespace) -> SheetLayout:
    """What the options of `add_layout_options` ask for.

    Raises:
        UsageError: an option cannot be used, or its file not be read.
    """
    from sketch_robot.motion.layout import SheetLayout
    from sketch_robot.motion.marks import read_mark

    try:
        return SheetLayout(
            caption=args.caption,
            caption_place=args.caption_place,
            caption_mm=args.caption_height,
            signature=read_mark(args.signature),
            signature_place=args.signature_place,
            logo=read_mark(args.logo),
            logo_place=args.logo_place,
            border=args.border,
            copies=args.copies,
            mirrored=args.mirrored,
            turned=args.turned,
        )
    except SketchRobotError as error:
        raise UsageError(error.code, error.message) from error
