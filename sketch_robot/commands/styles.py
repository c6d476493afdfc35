"""`sketch-robot styles`: list the manners, paint in them, learn new ones."""

from __future__ import annotations

import argparse
import logging
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sketch_robot.commands import UsageError
from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.training.commands import EXTRAS, INSTALL, positive, stop_on_signal

if TYPE_CHECKING:
    from sketch_robot.line_art.styles.style_file import StyleSet
    from sketch_robot.training.styles.batches import StyleBatchOptions
    from sketch_robot.training.styles.trainer import StyleTrainOptions

_log = logging.getLogger(__name__)
ADD_STEPS = 300


def add_commands(subparsers: Any) -> None:
    """Add `styles` to a parser's subparsers; parsed arguments then have `run`, to be called with them."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        'styles',
        help='list manners of drawing, paint in them, learn new ones',
        description='List manners of drawing, paint in them, learn new ones; docs/manners.md shows them.',
    )
    actions = parser.add_subparsers(metavar='ACTION', required=True)
    _add_list(actions)
    _add_paint(actions)
    _add_train(actions)
    _add_add(actions)


def _add_list(actions: Any) -> None:
    parser: argparse.ArgumentParser = actions.add_parser(
        'list', help='the manners that there are', description='List the manners that there are.'
    )
    _add_file(parser)
    parser.add_argument('--thumbnails', type=Path, metavar='PNG', help='write a sheet of somebody drawn in each')
    parser.set_defaults(run=list_styles, log_level=logging.WARNING)


def _add_paint(actions: Any) -> None:
    parser: argparse.ArgumentParser = actions.add_parser(
        'paint', help='paint a picture in a manner, or a blend',
        description='Paint a picture as it is, its middle square when asked for, in a manner or a blend of several.',
        epilog='example: sketch-robot styles paint face.jpg woodcut=0.7,hatch_45=0.3 -o face.png',
    )  # fmt: skip
    parser.add_argument('photo', metavar='PHOTO', type=Path, help='a picture file')
    parser.add_argument('styles', metavar='STYLES', help="'woodcut', or a blend as 'woodcut=0.7,hatch_45=0.3'")
    parser.add_argument('-o', '--out', metavar='PNG', type=Path, required=True, help='the painted picture')
    parser.add_argument('--size', type=positive, default=512, metavar='PX', help='its longer side (default: 512)')
    parser.add_argument('--square', action='store_true', help='only the middle square')
    _add_file(parser)
    parser.set_defaults(run=paint, log_level=logging.WARNING)


def _add_train(actions: Any) -> None:
    parser: argparse.ArgumentParser = actions.add_parser(
        'train', help='learn all manners of a folder of pictures', description='Learn all manners of a folder of '
        'pictures in one network. A run that was stopped is gone on with when the same is asked again.',
    )  # fmt: skip
    parser.add_argument('pictures', metavar='STYLE_PICTURES', type=Path, help='folder; each names a style')
    parser.add_argument('photos', metavar='PHOTOS', type=Path, help='folder of photos to practise on; better hundreds')
    parser.add_argument('folder', metavar='RUN', type=Path, help='of the run; an old one is gone on with')
    parser.add_argument('--pens', action='store_true', help="learn the pens' own manners (hatching, dots ...), too")
    parser.add_argument('--start', type=Path, metavar='FILE', help='a file of styles whose network to begin with')
    _add_options(parser, steps=8000)
    parser.set_defaults(run=train, log_level=logging.INFO)


def _add_add(actions: Any) -> None:
    parser: argparse.ArgumentParser = actions.add_parser(
        'add', help='learn one more manner from one picture, in minutes',
        description='Learn one more manner from one picture, in minutes: its scales and shifts; the rest of the '
        'network stays as it is.',
    )  # fmt: skip
    parser.add_argument('picture', metavar='PICTURE', type=Path, help='to learn from')
    parser.add_argument(
        '-o', '--out', type=Path, metavar='FILE', default=Path('my_styles.safetensors'),
        help='the file of styles to write; one that is there is added to (default: my_styles.safetensors)',
    )  # fmt: skip
    parser.add_argument('--to', type=Path, metavar='FILE', help="what to add to (default: FILE, else the package's)")
    parser.add_argument('--name', default='', help="the style's name (default: the picture's)")
    parser.add_argument('--photos', type=Path, help='folder of photos to practise on (default: those of scikit-image)')
    _add_options(parser, steps=ADD_STEPS)
    parser.set_defaults(run=add, log_level=logging.INFO)


def _add_file(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('--style-file', type=Path, metavar='FILE', help="a file of styles (default: the package's)")


def _add_options(parser: argparse.ArgumentParser, *, steps: int) -> None:
    for name, kind, default, text in (
        ('--steps', positive, steps, 'of the optimiser, in all'),
        ('--pictures-in-batch', positive, 6, 'in a batch'),
        ('--size', positive, 128, 'side of the pictures, px; every fourth batch has larger ones'),
        ('--rate', float, 1e-3, "Adam's learning rate"),
        ('--style', float, 30.0, 'factor of the style loss, where pictures judge'),
        ('--content', float, 1.0, 'factor of the content loss, likewise'),
        ('--seed', int, 0, 'of weights and batches'),
        ('--save-every', positive, 100, 'steps from one checkpoint to the next'),
    ):
        metavar = 'X' if kind is float else 'N'
        parser.add_argument(name, type=kind, default=default, metavar=metavar, help=f'{text} (default: {default})')
    parser.add_argument('--float32', action='store_true', help='no bfloat16')
    parser.add_argument('--vgg19', type=Path, metavar='FILE', help='VGG19 weights (safetensors) for the style loss')


def list_styles(args: argparse.Namespace) -> int:
    """Run `sketch-robot styles list`."""
    from sketch_robot.line_art.styles.runtime import styles_of

    styles = styles_of(args.style_file)
    for style in styles.styles:
        sys.stdout.write(f'{style.name:24} {"pen" if style.for_pen else "screen":8} {style.source}\n')
    if args.thumbnails is not None:
        from sketch_robot.plotters.paper import save_png

        save_png(args.thumbnails, thumbnails(styles))
    return 0


def thumbnails(styles: StyleSet, columns: int = 7) -> Any:
    """All thumbnails of a set in rows, (H, W, 3) uint8."""
    import numpy as np

    tiles = [style.thumbnail for style in styles.styles]
    tiles += [np.full_like(tiles[0], 255)] * (-len(tiles) % columns)
    return np.concatenate([np.concatenate(tiles[k : k + columns], 1) for k in range(0, len(tiles), columns)])


def paint(args: argparse.Namespace) -> int:
    """Run `sketch-robot styles paint`.

    Raises:
        UsageError: an argument cannot be used; SketchRobotError: the picture cannot be read or written.
    """
    from sketch_robot.line_art.styles.blend import make_blend, parse_blend
    from sketch_robot.line_art.styles.runtime import LEAST_PX, StylePainter, styles_of
    from sketch_robot.photo import load_photo
    from sketch_robot.plotters.paper import save_png

    if args.out.suffix.lower() != '.png':
        raise UsageError(ErrorCode.BAD_GOAL, f'the name of {args.out} must end in .png')
    if not LEAST_PX <= args.size <= 2048:
        raise UsageError(ErrorCode.BAD_GOAL, f'a side of {args.size} px does not fit; {LEAST_PX} to 2048')
    styles = styles_of(args.style_file)
    blend = make_blend(*parse_blend(args.styles), styles.names)
    if blend is None:
        raise UsageError(ErrorCode.BAD_GOAL, f'name a style; choose of: {", ".join(styles.names)}')
    rgb = load_photo(args.photo).rgb
    if args.square:
        side = min(rgb.shape[:2])
        top, left = (rgb.shape[0] - side) // 2, (rgb.shape[1] - side) // 2
        rgb = rgb[top : top + side, left : left + side]
    save_png(args.out, StylePainter(styles).paint(rgb, blend, size_px=args.size))
    return 0


def train(args: argparse.Namespace) -> int:
    """Run `sketch-robot styles train`.

    Raises:
        SketchRobotError: what was wrong.
    """
    try:
        from sketch_robot.training.styles.runs import train_styles
    except ModuleNotFoundError as error:
        raise _missing(error) from error
    from sketch_robot.line_art.styles.style_file import load_styles

    options, batches = _options(args)
    start = None if args.start is None else load_styles(args.start)
    out = train_styles(
        args.pictures,
        args.photos,
        args.folder,
        options,
        pens=args.pens,
        batches=batches,
        start=start,
        stop=stop_on_signal(),
    )
    _log.info('what came of it lies in %s', out)
    return 0


def add(args: argparse.Namespace) -> int:
    """Run `sketch-robot styles add`.

    Raises:
        SketchRobotError: what was wrong.
    """
    try:
        from sketch_robot.training.styles.pictures import read_style_picture
        from sketch_robot.training.styles.runs import add_style
    except ModuleNotFoundError as error:
        raise _missing(error) from error
    from sketch_robot.line_art.styles.runtime import styles_of

    if args.out.suffix != '.safetensors':
        raise UsageError(ErrorCode.BAD_GOAL, f'the name of {args.out} must end in .safetensors')
    picture = read_style_picture(args.picture, args.name)
    styles = styles_of(args.to or (args.out if args.out.is_file() else None))
    options, batches = _options(args)
    whole = add_style(picture, styles, args.out, options, photos=args.photos, batches=batches, stop=stop_on_signal())
    _log.info('%s has %d styles now, the new one is %s', args.out, len(whole.styles), picture.name)
    return 0


def _options(args: argparse.Namespace) -> tuple[StyleTrainOptions, StyleBatchOptions]:
    from sketch_robot.training.styles.batches import StyleBatchOptions
    from sketch_robot.training.styles.losses import StyleLossWeights
    from sketch_robot.training.styles.trainer import StyleTrainOptions

    if args.size % 4 or args.size < 64:
        raise UsageError(ErrorCode.BAD_GOAL, f'a side of {args.size} px does not fit; a multiple of 4, at least 64')
    options = StyleTrainOptions(
        steps=args.steps,
        rate=args.rate,
        weights=StyleLossWeights(style=args.style, content=args.content),
        bfloat16=not args.float32,
        seed=args.seed,
        vgg19=args.vgg19,
        save_every=args.save_every,
    )
    large = args.size * 7 // 4 // 4 * 4
    batches = StyleBatchOptions(
        args.size, args.pictures_in_batch, large, max(1, args.pictures_in_batch // 3), max(448, large)
    )
    return options, batches


def _missing(error: ModuleNotFoundError) -> Exception:
    if error.name not in EXTRAS:
        return error
    return SketchRobotError(ErrorCode.BAD_GOAL, f'this needs {error.name}; install it: {INSTALL}')
