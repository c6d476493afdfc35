"""`sketch-robot train-pose` and `compare-poses`: train the generator of poses, and compare the published three."""

from __future__ import annotations

import argparse
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.training.commands import EXTRAS, INSTALL, positive, stop_on_signal

if TYPE_CHECKING:
    from sketch_robot.poses.trainer import PoseOptions

MODELS = ('baseline', 'deformable', 'full')
_log = logging.getLogger(__name__)


def add_commands(subparsers: Any) -> None:
    """Add both to a parser's subparsers; parsed arguments then have `run`, to be called with them."""
    train: argparse.ArgumentParser = subparsers.add_parser(
        'train-pose',
        help='train the generator that draws people in other poses',
        description='Learn from pictures of people in several poses. A run that was interrupted goes on where it was '
        'when the same command is given again.',
        epilog='example: sketch-robot train-pose people run --steps 2000 --height 128 -o pose.safetensors',
    )
    train.add_argument('people', metavar='PEOPLE', type=Path, help='folder of pictures, masks, joints and split')
    train.add_argument('folder', metavar='RUN', type=Path, help='of the run; an old one is gone on with')
    train.add_argument('--model', choices=MODELS, default='full', help='which of the published three (default: full)')
    train.add_argument('--start', type=Path, metavar='WEIGHTS', help='.safetensors to begin with')
    train.add_argument('-o', '--out', type=Path, metavar='WEIGHTS', help='.safetensors in half precision, to ship')
    _add_options(train, steps=4000)
    train.set_defaults(run=train_pose, log_level=logging.INFO)
    compare: argparse.ArgumentParser = subparsers.add_parser(
        'compare-poses',
        help='train and compare the published three generators of poses',
        description='Train the baseline, the one with deformed skips and the full one with each seed, and judge them '
        'by people that were not trained on: structural similarity, of all and of the person alone, and how surely a '
        'person is found.',
    )
    compare.add_argument('people', metavar='PEOPLE', type=Path, help='folder of pictures, masks, joints and split')
    compare.add_argument('folder', metavar='RUNS', type=Path, help='of runs and table; old ones are gone on with')
    compare.add_argument('--seeds', type=int, nargs='+', default=[0, 1], help='a run of each (default: 0 1)')
    compare.add_argument('--count', type=positive, default=126, metavar='N', help='pairs to judge by (default: 126)')
    _add_options(compare, steps=500)
    compare.set_defaults(run=compare_poses, log_level=logging.INFO, model='full', start=None)


def _add_options(parser: argparse.ArgumentParser, *, steps: int) -> None:
    parser.add_argument('--steps', type=positive, default=steps, metavar='N', help=f'in all (default: {steps})')
    parser.add_argument('--height', type=positive, default=128, metavar='PX', help='of the pictures (default: 128)')
    parser.add_argument('--pairs', type=positive, default=4, metavar='N', help='in a batch (default: 4)')
    parser.add_argument('--rate', type=float, default=1e-3, help="Adam's, of the generator (default: 0.001)")
    parser.add_argument(
        '--average', type=float, default=0.995, metavar='DECAY', help='of the weights that are kept (default: 0.995)'
    )
    parser.add_argument('--published', action='store_true', help='the published widths, for a GPU; else a quarter')
    parser.add_argument('--vgg19', type=Path, metavar='FILE', help='VGG19 for the features, as published')
    parser.add_argument('--seed', type=int, default=0, help='of weights and batches (default: 0)')
    parser.add_argument('--device', default='auto', help='cpu, cuda or auto (default: auto)')


def train_pose(args: argparse.Namespace) -> int:
    """Run `sketch-robot train-pose`: 0, or 130 when it was interrupted.

    Raises:
        SketchRobotError: BAD_GOAL, what is wrong with the folders or options.
    """
    return _with_extras(_train, args)


def compare_poses(args: argparse.Namespace) -> int:
    """Run `sketch-robot compare-poses`: 0, or 130 when it was interrupted; raises as `train_pose`."""
    return _with_extras(_compare, args)


def _with_extras(run: Any, args: argparse.Namespace) -> int:
    try:
        return int(run(args))
    except ModuleNotFoundError as error:
        if error.name not in EXTRAS:
            raise
        raise SketchRobotError(ErrorCode.BAD_GOAL, f'this needs {error.name}; install it: {INSTALL}') from error


def _train(args: argparse.Namespace) -> int:
    from sketch_robot.poses.losses import shallow_features
    from sketch_robot.poses.pairs import PosePairs, load_pictures
    from sketch_robot.poses.trainer import WEIGHTS_FILE, PoseTrainer
    from sketch_robot.poses.weight_file import load_pose_weights, save_pose_weights

    options = _options_of(args)
    pairs = PosePairs(load_pictures(args.people, 'train', height_px=args.height), count=args.pairs, seed=args.seed)
    features = shallow_features(args.vgg19, _device(args)) if args.model == 'full' else None
    trainer = PoseTrainer(args.folder, pairs, options, features=features, device=_device(args))
    trainer.run(stop=stop_on_signal())
    if trainer.share_done < 1.0:
        _log.warning('stopped at step %d of %d; the same command goes on', trainer.step, options.steps)
        return 130
    if args.out is not None:
        size = save_pose_weights(load_pose_weights(args.folder / WEIGHTS_FILE), args.out, half=True)
        _log.info('%s: %.1f MB', args.out, size / 1e6)
    return 0


def _compare(args: argparse.Namespace) -> int:
    from sketch_robot.poses.experiment import compare_models, table_of
    from sketch_robot.poses.losses import shallow_features
    from sketch_robot.poses.pairs import load_pictures

    train, test = (load_pictures(args.people, split, height_px=args.height) for split in ('train', 'test'))
    stopped = stop_on_signal()
    rows = compare_models(
        args.folder, train, test, _options_of(args), features=shallow_features(args.vgg19, _device(args)),
        seeds=args.seeds, count=args.count, pairs=args.pairs, device=_device(args), stop=stopped,
    )  # fmt: skip
    for line in table_of(rows):
        _log.info('%s', line)
    return 130 if stopped() else 0


def _options_of(args: argparse.Namespace) -> PoseOptions:
    from sketch_robot.poses.shape import PUBLISHED, SLIM
    from sketch_robot.poses.trainer import PoseOptions

    widths = PUBLISHED.widths if args.published else SLIM.widths
    if args.height % (2 ** (len(widths) - 1) * 2):
        step = 2 ** len(widths)
        raise SketchRobotError(ErrorCode.BAD_GOAL, f'the height must be a multiple of {step}, not {args.height}')
    return PoseOptions(
        model=args.model, widths=widths, critic_width=64 if args.published else 32, steps=args.steps, rate=args.rate,
        average=args.average, start=args.start, seed=args.seed,
    )  # fmt: skip


def _device(args: argparse.Namespace) -> str:
    import torch

    if args.device == 'auto':
        return 'cuda' if torch.cuda.is_available() else 'cpu'
    try:
        torch.empty(1, device=args.device)
    except (RuntimeError, AssertionError) as error:
        raise SketchRobotError(
            ErrorCode.BAD_GOAL, f'there is no device {args.device!r} here: {str(error).splitlines()[0]}'
        ) from error
    return str(args.device)
