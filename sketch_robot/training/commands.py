"""The training room's commands: label, mattes, train, distill, evaluate, experiment, gallery, export.

Torch and the rest are imported when a command runs, so that `--help` and the other commands stay quick.
"""

from __future__ import annotations

import argparse
import functools
import json
import logging
import signal
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.training.options import add_training_options, positive

if TYPE_CHECKING:
    import numpy as np

    from sketch_robot.training.losses import StyleLoss
    from sketch_robot.training.split import Split

_log = logging.getLogger(__name__)

CHANGES = ('none', 'blur2', 'blur4', 'blur6', 'small', 'dark', 'grey')  # see `gallery.photo_change`

EXTRAS = ('torch', 'tqdm', 'tensorboardX', 'safetensors')  # what training needs and the robot does not
INSTALL = 'pip install -r requirements/training.txt -c requirements/run.txt'

Subparsers = Any  # argparse._SubParsersAction, which argparse keeps to itself


def add_commands(subparsers: Subparsers) -> None:
    """Add the commands to a parser's subparsers; parsed arguments then have `run`, to be called with them."""
    label = _add(subparsers, 'label', _label, 'draw a folder of portraits with the guided artist, as labels')
    label.add_argument('photos', type=Path, help='folder of photos')
    label.add_argument('out', type=Path, help='folder for crops, drawings and rejections; an old one is gone on with')
    label.add_argument('--processes', type=positive, default=1, metavar='N', help='that draw at once (default: 1)')
    label.add_argument(
        '--least-quality',
        type=float,
        default=0.7,
        metavar='Q',
        help='drop drawings that score less, 0 to 1 (default: 0.7)',
    )

    mattes = _add(subparsers, 'mattes', _mattes, 'separate the sitters of labelled crops from their backgrounds')
    mattes.add_argument('portraits', type=Path, help='labelled folder')

    train = _add(subparsers, 'train', _train, 'train a line artist on labelled portraits')
    add_training_options(train)
    train.add_argument(
        '--channels', choices=('student', 'teacher'), default='student', help='how large the net is (default: student)'
    )

    distill = _add(subparsers, 'distill', _train, 'train a student on labelled portraits and a teacher')
    add_training_options(distill)
    distill.add_argument('--teacher', type=Path, required=True, help="the teacher's weights.safetensors")
    distill.add_argument('--distillation', type=float, default=1000.0, help='factor of the distillation loss')
    distill.set_defaults(channels='student')

    evaluate = _add(subparsers, 'evaluate', _evaluate, 'compare a line artist with held-out drawings')
    evaluate.add_argument('portraits', type=Path, help='labelled folder')
    evaluate.add_argument('--weights', type=Path, help='weight file (default: the shipped student)')
    evaluate.add_argument('--runtime', choices=('openvino', 'torch'), default='torch', help='(default: torch)')
    evaluate.add_argument('--size', type=int, default=512, help='side of the pictures, px')
    evaluate.add_argument('--out', type=Path, help='write the scores as JSON')

    experiment = _add(subparsers, 'experiment', _experiment, "train and compare the paper's four models")
    experiment.add_argument('portraits', type=Path, help='labelled folder')
    experiment.add_argument('folder', type=Path, help='of the runs and tables; an old one is gone on with')
    experiment.add_argument('--size', type=int, default=256, help='side of the pictures, px')
    experiment.add_argument('--pictures', type=positive, default=8, help='in a batch')
    experiment.add_argument('--steps', type=positive, default=400, metavar='N', help='of each run (default: 400)')
    experiment.add_argument(
        '--fold', type=int, choices=(1, 2, 4), default=4, help='2, 4: work at a half, a quarter (default: 4)'
    )
    experiment.add_argument('--seeds', type=int, nargs='+', default=[0, 1], help='a run of each (default: 0 1)')
    experiment.add_argument('--models', nargs='+', default=None, help='some of the models only, by name')
    experiment.add_argument('--ink', type=float, default=1.0, help='weight of ink against white paper')
    experiment.add_argument('--style', type=float, default=1.0, help='factor of the style loss')
    experiment.add_argument('--vgg19', type=Path, help='VGG19 weights (safetensors) for the style loss')

    gallery = _add(subparsers, 'gallery', _gallery, 'draw a folder of photos with several artists, as one sheet')
    gallery.add_argument('photos', type=Path, help='folder of photos')
    gallery.add_argument('out', type=Path, help='.png or .jpg; the numbers go beside it as .json')
    gallery.add_argument(
        '--artists', nargs='+', default=['guided', 'student'], help='names, or weight files of networks that draw alone'
    )
    gallery.add_argument(
        '--size', type=int, choices=(256, 512), default=512, help='side of the pictures that weight files see, px'
    )
    gallery.add_argument(
        '--change',
        choices=CHANGES,
        nargs='+',
        default=['none'],
        help='what to do to the photos first; of several each has a row of drawings, without photos',
    )
    gallery.add_argument(
        '--names', action='store_true', help="show the last artist's strokes alone, above files' names"
    )
    gallery.add_argument('--without-photos', action='store_true', help='show the drawings alone')
    gallery.add_argument('--tile', type=positive, default=192, help='side of a tile, px')
    gallery.add_argument('--groups', type=positive, default=2, help='photos side by side')

    export = _add(subparsers, 'export', _export, 'write weights for the package, or an OpenVINO model')
    export.add_argument('weights', type=Path, help='.safetensors, as a run keeps them')
    export.add_argument('out', type=Path, help='.safetensors (float16) or .xml (OpenVINO)')


def run(args: argparse.Namespace) -> int:
    """Run the parsed command; 0 when it did its work.

    Raises:
        SketchRobotError: what was wrong.
    """
    return int(args.run(args) or 0)


def _add(
    subparsers: Subparsers, name: str, command: Callable[[argparse.Namespace], None], text: str
) -> argparse.ArgumentParser:
    sentence = f'{text[0].upper()}{text[1:]}.'
    parser: argparse.ArgumentParser = subparsers.add_parser(name, help=text, description=sentence)
    parser.set_defaults(run=_telling_what_is_missing(command))
    return parser


def _telling_what_is_missing(command: Callable[[argparse.Namespace], None]) -> Callable[[argparse.Namespace], None]:
    @functools.wraps(command)
    def run_command(args: argparse.Namespace) -> None:
        try:
            command(args)
        except ModuleNotFoundError as error:
            if error.name not in EXTRAS:
                raise
            raise SketchRobotError(ErrorCode.BAD_GOAL, f'this needs {error.name}; install it: {INSTALL}') from error

    return run_command


def _label(args: argparse.Namespace) -> None:
    from sketch_robot.training.label import label_folder

    count = label_folder(args.photos, args.out, processes=args.processes, least_quality=args.least_quality)
    _log.info('%d drawn, %d left out, %d done before', count.drawn, count.rejected, count.before)
    if count.drawn + count.before == 0:
        raise SketchRobotError(ErrorCode.NOTHING_TO_DRAW, f'none of the photos in {args.photos} gave a usable drawing')


def _mattes(args: argparse.Namespace) -> None:
    from sketch_robot.training.drawings import load_drawings
    from sketch_robot.training.mattes import default_path, make_mattes

    count = make_mattes(args.portraits, load_drawings(args.portraits), default_path(args.portraits))
    _log.info('%d mattes in %s', count, default_path(args.portraits))


def _train(args: argparse.Namespace) -> None:
    from sketch_robot.training.batches import BatchOptions, PortraitBatches
    from sketch_robot.training.losses import LossWeights
    from sketch_robot.training.parallel import join_workers, leave_workers
    from sketch_robot.training.scenes import SceneOptions
    from sketch_robot.training.trainer import Trainer, TrainOptions

    _check_size(args.size, args.fold)
    split, mattes = _load(args.portraits)
    teacher = getattr(args, 'teacher', None)
    weights = LossWeights(
        bce=args.bce,
        style=args.style,
        distillation=args.distillation if teacher else 0.0,
        ink=args.ink,
        focus=args.focus,
        side=args.side,
    )
    options = TrainOptions(
        channels=args.channels,
        fold=args.fold,
        finish=args.finish,
        steps=args.steps,
        rate=args.rate,
        betas=(args.betas[0], args.betas[1]),
        cosine=args.cosine,
        warm_up=args.warm_up,
        weights=weights,
        average=args.average,
        bfloat16=not args.float32,
        seed=args.seed,
        teacher=teacher,
        start=args.start,
        save_every=args.save_every,
    )
    data = BatchOptions(args.size, args.pictures, SceneOptions(background=args.background))
    batches = PortraitBatches(args.portraits, split.train, mattes, data, seed=args.seed)
    workers = join_workers(args.device)
    trainer: Trainer | None = None
    try:
        style = _style(args.style, args.vgg19)
        trainer = Trainer(args.folder, batches, options, style=style, workers=workers)
        if args.watch and workers.rank == 0:
            from sketch_robot.training.watch import Bar, Board

            shown = PortraitBatches(args.portraits, split.held_out or split.train, mattes, data).batch(0)
            trainer.watchers = (Bar(args.steps, trainer.step), Board(args.folder, shown))
        trainer.run(stop=_stop_on_signal())
    finally:
        leave_workers()
        for watcher in trainer.watchers if trainer else ():
            watcher.close()


def _evaluate(args: argparse.Namespace) -> None:
    from sketch_robot.line_art.student import convert_to_openvino, load_student, openvino_ink, torch_ink
    from sketch_robot.line_art.weight_file import write_whole
    from sketch_robot.training.evaluate import evaluate_artist

    _check_size(args.size, 1)
    split, mattes = _load(args.portraits)
    if not split.held_out:
        raise SketchRobotError(ErrorCode.BAD_GOAL, f'{args.portraits} holds out no drawings; ten are enough')
    net = load_student(args.weights)
    draw = openvino_ink(convert_to_openvino(net), args.size) if args.runtime == 'openvino' else torch_ink(net)
    scores = asdict(evaluate_artist(draw, args.portraits, split.held_out, mattes, size_px=args.size))
    for name, value in scores.items():
        _log.info('%s: %.4g', name, value)
    if args.out is not None:
        write_whole(args.out, json.dumps(scores, indent=1).encode())


def _experiment(args: argparse.Namespace) -> None:
    from sketch_robot.training.experiment import CANDIDATES, ExperimentOptions, run_experiment
    from sketch_robot.training.losses import LossWeights

    _check_size(args.size, args.fold)
    models = tuple(args.models or CANDIDATES)
    unknown = [name for name in models if name not in CANDIDATES]
    if unknown:
        raise SketchRobotError(ErrorCode.BAD_GOAL, f'no model {unknown[0]!r}; choose from: {", ".join(CANDIDATES)}')
    split, mattes = _load(args.portraits)
    options = ExperimentOptions(
        size_px=args.size,
        pictures=args.pictures,
        steps=args.steps,
        fold=args.fold,
        weights=LossWeights(ink=args.ink, style=args.style, focus=0.0),
        seeds=tuple(args.seeds),
        candidates=models,
    )
    run_experiment(args.folder, args.portraits, split, mattes, options, vgg19=args.vgg19, stop=_stop_on_signal())


def _gallery(args: argparse.Namespace) -> None:
    from sketch_robot.line_art.weight_file import write_whole
    from sketch_robot.training.gallery import draw_gallery, draw_table, photo_change
    from sketch_robot.training.sheets import save_picture

    if args.names or len(args.change) > 1:
        sheet, means = draw_table(
            args.photos, args.artists[-1], tuple(args.change), tile_px=args.tile, columns=args.groups
        )
    else:
        sheet, means = draw_gallery(
            args.photos,
            tuple(args.artists),
            change=photo_change(args.change[0]),
            photo_tiles=not args.without_photos,
            tile_px=args.tile,
            groups=args.groups,
            size_px=args.size,
        )
    save_picture(sheet, args.out)
    write_whole(args.out.with_suffix('.json'), json.dumps(means, indent=1).encode())
    for name, values in means.items():
        _log.info('%s: %s', name, ', '.join(f'{what} {value:.4g}' for what, value in values.items()))


def _export(args: argparse.Namespace) -> None:
    from sketch_robot.training.export import export_openvino, export_weights

    if args.out.suffix == '.xml':
        export_openvino(args.weights, args.out)
    elif args.out.suffix == '.safetensors':
        _log.info('%s: %.2f MB', args.out, export_weights(args.weights, args.out) / 1e6)
    else:
        raise SketchRobotError(ErrorCode.BAD_GOAL, f'{args.out} should end in .safetensors or .xml')


def _load(portraits: Path) -> tuple[Split, dict[str, np.ndarray]]:
    from sketch_robot.training.drawings import load_drawings
    from sketch_robot.training.mattes import default_path, load_mattes
    from sketch_robot.training.split import held_out_names, split_drawings

    drawings = load_drawings(portraits)
    return split_drawings(drawings, held_out_names(portraits, drawings)), load_mattes(default_path(portraits))


def _style(factor: float, vgg19: Path | None) -> StyleLoss | None:
    from sketch_robot.training.losses import StyleLoss
    from sketch_robot.training.style_features import make_style_features

    return StyleLoss(make_style_features(vgg19)) if factor else None


def _stop_on_signal() -> Callable[[], bool]:
    """Says so after Ctrl-C or a request to terminate, so that a run ends between steps and saves."""
    asked: list[int] = []

    def ask(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
        asked.append(number)

    signal.signal(signal.SIGINT, ask)
    signal.signal(signal.SIGTERM, ask)
    return lambda: bool(asked)


def _check_size(size_px: int, fold: int) -> None:
    if size_px % 32 or size_px < 32 * fold:
        raise SketchRobotError(
            ErrorCode.BAD_GOAL, f'a side of {size_px} px does not fit; use a multiple of 32, at least {32 * fold}'
        )
