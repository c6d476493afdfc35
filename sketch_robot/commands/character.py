"""`sketch-robot character`: draw a face that nobody has."""

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
    import numpy as np

    from sketch_robot.characters.runtime import CharacterMaker
    from sketch_robot.motion import MachineLimits, Page

MOST_ON_A_SHEET = 200


def add_commands(subparsers: Any) -> None:
    """Add `character` to a parser's subparsers; parsed arguments then have `run`, to be called with them."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        'character',
        help='draw a face that nobody has',
        description='Make up a face, and write its plan for a plotter, or its picture. The same seed gives the same '
        'face for ever. Prints as JSON which it is; docs/characters.md shows some.',
        epilog='example: sketch-robot character --seed 42 -o plan.svg',
    )
    parser.add_argument('--seed', metavar='N', help='which face, 0 to 4294967295 (default: any)')
    parser.add_argument(
        '-o', '--out', metavar='FILE', type=Path, required=True, help='a plan, .svg or .json, or a picture, .png'
    )
    parser.add_argument(
        '--sheet', type=int, default=0, metavar='N', help='N faces on one sheet: those of the seed and the ones after'
    )
    parser.add_argument('--walk-to', metavar='N', help='the faces of --sheet lead from the seed to this one')
    parser.add_argument(
        '--sliders', type=float, nargs='+', default=[], metavar='X', help='move the face along its main directions, '
        'each from -3 to 3',
    )  # fmt: skip
    parser.add_argument('--colour', action='store_true', help='characters in colour, for screens: a .png')
    parser.add_argument('--weights', type=Path, metavar='FILE', help='a generator that you trained (default: shipped)')
    add_sheet_options(parser)
    add_layout_options(parser)
    parser.set_defaults(run=draw_character, log_level=logging.WARNING)


def draw_character(args: argparse.Namespace) -> int:
    """Run `sketch-robot character`.

    Raises:
        UsageError: an argument cannot be used.
        SketchRobotError: BAD_GOAL, a file cannot be written, or the weights hold no generator.
    """
    is_plan = _check(args)
    from sketch_robot.motion import load_limits, parse_page
    from sketch_robot.motion.budget import check_budget

    try:
        profile, page = (
            load_limits(args.profile),
            parse_page(
                args.page, **({} if args.margin is None else {'margin_mm': args.margin}), orientation=args.orientation
            ),
        )
        check_budget(args.time_budget)
        seeds = _seeds(args)
    except SketchRobotError as error:
        raise UsageError(error.code, error.message) from error
    from sketch_robot.characters.runtime import CharacterMaker, characters_of

    maker = CharacterMaker(characters_of(args.weights, 'colour' if args.colour else 'line_art'))
    if is_plan and maker.net.channels != 1:
        raise UsageError(ErrorCode.BAD_GOAL, 'characters in colour are for screens; name a .png')
    pictures, said = _pictures(maker, args, seeds)
    if is_plan:
        said |= _write_plan(pictures, args, page, profile)
    else:
        _write_picture(pictures, args.out)
    sys.stdout.write(json.dumps(said, indent=1) + '\n')
    return 0


def _check(args: argparse.Namespace) -> bool:
    """Whether a plan is wanted, and not a picture."""
    suffix = args.out.suffix.lower()
    if suffix not in ('.svg', '.json', '.png'):
        raise UsageError(ErrorCode.BAD_GOAL, f'the name of {args.out} must end in .svg, .json or .png')
    if not args.out.parent.is_dir():
        raise SketchRobotError(ErrorCode.BAD_GOAL, f'cannot write {args.out}: there is no folder {args.out.parent}')
    if not 0 <= args.sheet <= MOST_ON_A_SHEET:
        raise UsageError(ErrorCode.BAD_GOAL, f'a sheet has 1 to {MOST_ON_A_SHEET} faces, not {args.sheet}')
    if args.walk_to is not None and args.sheet < 2:
        raise UsageError(ErrorCode.BAD_GOAL, 'a walk needs a sheet of two faces or more: --sheet 8')
    return bool(suffix != '.png')


def _seeds(args: argparse.Namespace) -> list[int]:
    from sketch_robot.characters.latents import SEEDS, any_seed, seed_of

    first = any_seed() if args.seed is None else seed_of(args.seed)
    if args.walk_to is not None:
        return [first, seed_of(args.walk_to)]
    return [(first + k) % SEEDS for k in range(max(1, args.sheet))]


def _pictures(
    maker: CharacterMaker, args: argparse.Namespace, seeds: list[int]
) -> tuple[list[np.ndarray], dict[str, Any]]:
    from sketch_robot.characters.drawn import walked

    made = [maker.make(seed, tuple(args.sliders)) for seed in seeds]
    if args.walk_to is not None:
        return walked(maker, made[0], made[1], args.sheet), {'seeds': seeds, 'faces': args.sheet}
    said: dict[str, Any] = {
        'seeds': seeds,
        'scores': [round(each.score, 3) for each in made],
        'thrown_away': sum(each.candidate for each in made),
        'good': all(each.good for each in made),
    }
    return [each.rgb for each in made], said


def _write_plan(
    pictures: list[np.ndarray], args: argparse.Namespace, page: Page, profile: MachineLimits
) -> dict[str, Any]:
    from sketch_robot.characters.drawn import sheet_strokes
    from sketch_robot.commands.plan import summary
    from sketch_robot.motion import save_plan
    from sketch_robot.motion.planner import plan_drawing

    strokes, size_px = sheet_strokes(pictures)
    made = plan_drawing(
        strokes, size_px, page, profile, time_budget_s=args.time_budget, artist='character', weight='passes',
        layout=layout_of(args),
    )  # fmt: skip
    save_plan(made, args.out)
    return summary(made)


def _write_picture(pictures: list[np.ndarray], out: Path) -> None:
    import numpy as np

    from sketch_robot.characters.drawn import sheet_columns
    from sketch_robot.characters.source import enlarged
    from sketch_robot.plotters.paper import save_png

    side = 512 if len(pictures) == 1 else 288
    tiles = [enlarged(rgb, side) for rgb in pictures]
    columns = sheet_columns(len(tiles))
    rows = -(-len(tiles) // columns)
    sheet = np.full((rows * side, columns * side, 3), 255, np.uint8)
    for k, tile in enumerate(tiles):
        top, left = k // columns * side, k % columns * side
        sheet[top : top + side, left : left + side] = tile
    save_png(out, sheet)
