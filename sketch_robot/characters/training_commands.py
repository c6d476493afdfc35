"""The command that learns a generator of characters; torch is imported when it runs.

It is listed beside the other trainings, see `sketch_robot.training.commands`.
"""

from __future__ import annotations

import argparse
import logging
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sketch_robot.errors import ErrorCode, SketchRobotError

if TYPE_CHECKING:
    from sketch_robot.characters.monitor import Monitor
    from sketch_robot.characters.pictures import CharacterPictures

RUN_SUFFIX = '.run'
_log = logging.getLogger(__name__)
_OPTIONS: tuple[tuple[str, type, str], ...] = (
    ('width', int, 'channels of the networks beside their outermost layer'),
    ('latent', int, 'length of a latent vector'),
    ('batch', int, 'pictures in a batch'),
    ('encode', int, 'steps in which pictures are repeated'),
    ('narrow-steps', int, 'of them, in which latent vectors are kept close together'),
    ('flow', int, 'steps in which the flow learns'),
    ('game', int, 'steps of the game'),
    ('realism', int, 'steps in which the judge learns'),
    ('steps', int, 'steps of each run; of the published recipe'),
    ('generator-rate', float, "Adam's rate for the generator in the game"),
    ('discriminator-rate', float, "Adam's rate for the discriminator"),
    ('seed', int, 'of weights, batches and noise'),
)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument('folder', type=Path, help='of pictures of characters, or of sheets of 96-px tiles of them')
    parser.add_argument('out', type=Path, help='.safetensors; the run lies beside it in OUT.run, and is gone on with')
    parser.add_argument('--names', default='*', metavar='PATTERN', help="of the pictures' files, as 'lorelei_*'")
    parser.add_argument('--most', type=int, default=0, metavar='N', help='pictures (default: 0, all of them)')
    parser.add_argument('--colour', action='store_true', help='keep colours; else pictures become grey')
    parser.add_argument('--recipe', choices=('two-cores', 'published', 'experiments'), default='two-cores',
                        help='four phases that two cores can do in less than an hour; or the published one, or its '
                        'experiments one after another, for which OUT is a folder (default: two-cores)')  # fmt: skip
    parser.add_argument(
        '--kept', type=float, default=0.03, metavar='SHARE', help='of faces that are good enough (default: 0.03)'
    )
    parser.add_argument('--source', default='', metavar='TEXT', help='what it is learned from, and its licence')
    parser.add_argument('--device', default='auto', help='auto, cpu or cuda (default: auto)')
    parser.add_argument('--threads', type=int, default=0, metavar='N', help='cores to compute on (default: 0, all)')
    for name, kind, text in _OPTIONS:
        parser.add_argument(f'--{name}', type=kind, metavar='N' if kind is int else 'X', help=text)


def train_characters(args: argparse.Namespace, stop: Callable[[], bool]) -> None:
    """Run `sketch-robot train-character`.

    Args:
        args: as parsed.
        stop: whether to end between steps.

    Raises:
        SketchRobotError: BAD_GOAL or BAD_IMAGE, what is wrong with the folder, the options, the run that lies beside
            OUT, or the place to write to.
    """
    _check(args)
    import torch

    from sketch_robot.characters.monitor import Monitor
    from sketch_robot.characters.pictures import read_pictures

    if args.threads:
        torch.set_num_threads(args.threads)
    device = ('cuda' if torch.cuda.is_available() else 'cpu') if args.device == 'auto' else args.device
    if device.startswith('cuda') and not torch.cuda.is_available():
        raise SketchRobotError(ErrorCode.BAD_GOAL, f'there is no {device} here; choose --device cpu')
    pictures = read_pictures(args.folder, names=args.names, colour=args.colour, most=args.most)
    _log.info('%d pictures to learn from, %d held out', len(pictures.train), len(pictures.held_out))
    monitor = Monitor(pictures.held_out, device=device)
    learn = _two_cores if args.recipe == 'two-cores' else _published
    torch.set_flush_denormal(True)
    try:
        learn(args, pictures, monitor, device, stop)
    finally:  # the same process may do arithmetic that needs them
        torch.set_flush_denormal(False)


def _two_cores(
    args: argparse.Namespace, pictures: CharacterPictures, monitor: Monitor, device: str, stop: Callable[[], bool]
) -> None:
    from sketch_robot.characters.board import CharacterBoard
    from sketch_robot.characters.character_file import save_character_net
    from sketch_robot.characters.export import exported
    from sketch_robot.characters.trainer import CharacterOptions, CharacterRun

    folder = args.out.with_suffix(RUN_SUFFIX)
    options = replace(CharacterOptions(), **_given(args, CharacterOptions()))
    board = CharacterBoard(folder)
    try:
        run = CharacterRun(folder, pictures, options, device=device, monitor=monitor, board=board)
        run.run(stop=stop)
    finally:
        board.close()
    if run.share_done < 1.0:
        _log.info('stopped at step %d of %d; the same command goes on', run.step, options.steps)
        return
    net = exported(run, args.source, kept=args.kept)
    size = save_character_net(net, args.out)
    _log.info('%s: %.2f MB; of what it makes, %g is shown', args.out, size / 1e6, args.kept)


def _published(
    args: argparse.Namespace, pictures: CharacterPictures, monitor: Monitor, device: str, stop: Callable[[], bool]
) -> None:
    from sketch_robot.characters.published import EXPERIMENTS, PublishedOptions, run_experiments

    options = replace(PublishedOptions(), **_given(args, PublishedOptions()))
    names = tuple(EXPERIMENTS) if args.recipe == 'experiments' else ('1:1, slower discriminator',)
    for row in run_experiments(args.out, pictures, options, names=names, device=device, monitor=monitor, stop=stop):
        _log.info('%s', row)


def _given(args: argparse.Namespace, options: object) -> dict[str, Any]:
    """The options that were given, of those that a recipe has.

    Raises:
        SketchRobotError: BAD_GOAL, it has none of that name, or it is no positive number.
    """
    known = asdict(options)  # type: ignore[call-overload]
    given: dict[str, Any] = {}
    for option, _, _ in _OPTIONS:
        name = option.replace('-', '_')
        value = getattr(args, name)
        if value is None:
            continue
        if name not in known:
            raise SketchRobotError(ErrorCode.BAD_GOAL, f'the recipe {args.recipe} has no --{option}')
        if value < (0 if name in ('seed', 'game', 'narrow_steps') else 1e-12):
            raise SketchRobotError(ErrorCode.BAD_GOAL, f'--{option} {value} is not positive')
        given[name] = value
    return given


def _check(args: argparse.Namespace) -> None:
    if args.recipe == 'two-cores' and args.out.suffix != '.safetensors':
        raise SketchRobotError(ErrorCode.BAD_GOAL, f'the name of {args.out} must end in .safetensors')
    if not args.out.resolve().parent.is_dir():
        raise SketchRobotError(ErrorCode.BAD_GOAL, f'cannot write {args.out}: there is no folder {args.out.parent}')
    if not 0.0 < args.kept <= 1.0:
        raise SketchRobotError(ErrorCode.BAD_GOAL, f'--kept {args.kept} is no share: above 0, at most 1')
    if args.most < 0 or args.threads < 0:
        raise SketchRobotError(ErrorCode.BAD_GOAL, '--most and --threads are not negative')
