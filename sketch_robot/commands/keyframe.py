"""`sketch-robot keyframe`: teach the robot an artist's hand from a few frames that they drew over, and use it."""

from __future__ import annotations

import argparse
import logging
import shutil
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

from sketch_robot.commands import UsageError
from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.training.commands import EXTRAS, INSTALL

if TYPE_CHECKING:
    from sketch_robot.keyframes.trainer import HandTrainer
    from sketch_robot.line_art.hand.hand_file import HandWeights

SOURCE = 'a video, a folder of frames or of photos of a sitter, or one photo'
RUN_SUFFIX = '.run'  # of the folder beside a hand, from which its training goes on

_log = logging.getLogger(__name__)


def add_commands(subparsers: Any) -> None:
    """Add `keyframe` to a parser's subparsers; parsed arguments then have `run`, to be called with them."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        'keyframe',
        help="teach the robot an artist's hand from a few frames that they drew over",
        description='From one to five frames of a video, or photos of a sitter, and the same frames redrawn by an '
        'artist, a small network learns in minutes to draw all other frames, and other sitters, as the artist would.',
    )
    actions = parser.add_subparsers(title='actions', metavar='ACTION', required=True)
    _add_train(actions)
    _add_apply(actions)
    sheet = actions.add_parser(
        'sheet',
        help='make a sheet to print and draw on, of a frame',
        description='Write a sheet of A4 with the frame in pale blue between four marks. Print it, draw over it with '
        'a dark pen that is not blue, and photograph it; `read` finds the marks again.',
    )
    sheet.add_argument('frames', metavar='VIDEO|PHOTO', type=Path, help=SOURCE)
    sheet.add_argument('--frame', type=_number, default=0, metavar='N', help='which one (default: 0)')
    sheet.add_argument('-o', '--out', type=Path, required=True, metavar='SHEET', help='.png or .pdf')
    sheet.add_argument('--keep-frame', type=Path, metavar='PNG', help='write the frame itself, too')
    sheet.set_defaults(run=make_sheet, log_level=logging.WARNING)
    read = actions.add_parser(
        'read',
        help='find what was drawn on a sheet in a photo of it',
        description='Rectify a photo of a sheet by its four corner marks, and write what was drawn, black on white, '
        'in register with the frame, as `train --key` takes it.',
    )
    read.add_argument('photo', metavar='PHOTO', type=Path, help='of the whole sheet, flat and evenly lit')
    read.add_argument('--of', metavar='FRAME', type=Path, required=True, help=f'what was printed: {SOURCE}')
    read.add_argument('--frame', type=_number, default=0, metavar='N', help='which one (default: 0)')
    read.add_argument('-o', '--out', type=Path, required=True, metavar='PNG', help='the drawing')
    read.set_defaults(run=read_drawing, log_level=logging.WARNING)


def _add_train(actions: Any) -> None:
    train = actions.add_parser(
        'train',
        help='learn a hand',
        description='Learn how an artist draws from frames that they drew over. A run that was interrupted goes on '
        'where it was when the same command is given again; what it needs for that lies in the folder HAND.run.',
        epilog='example: sketch-robot keyframe train clip.mp4 --key 12=painted.png --minutes 5 -o hand.safetensors',
    )
    train.add_argument('frames', metavar='VIDEO', type=Path, help=SOURCE)
    train.add_argument(
        '--key', type=_key, action='append', required=True, metavar='N=PICTURE',
        help='frame N, counted from 0, as the artist drew it, a picture of the same size; one to five times',
    )  # fmt: skip
    train.add_argument(
        '--mask', type=Path, action='append', default=[], metavar='PICTURE',
        help='white where what the artist drew counts; once for all key frames, or once for each',
    )  # fmt: skip
    train.add_argument('-o', '--out', type=Path, required=True, metavar='HAND', help='.safetensors')
    train.add_argument('--minutes', type=_positive, default=5.0, metavar='M', help='of learning, in all (default: 5)')
    train.add_argument('--steps', type=_number, default=0, metavar='N', help='so many steps, whatever they take')
    train.add_argument(
        '--guides', action='store_true',
        help='let dots that follow the motion tell apart what looks alike; the hand is then for this video alone',
    )  # fmt: skip
    train.add_argument(
        '--light', type=_share, default=0.0, metavar='X',
        help="vary the patches' light by so much, 0 to 0.5: 0.15 for a hand that is to draw other sitters (default: 0)",
    )  # fmt: skip
    train.add_argument('--no-calm', dest='calm', action='store_false', help="leave the grain in the video's frames")
    train.add_argument('--blocks', type=int, choices=range(8), default=3, metavar='N', help='residual blocks (3)')
    train.add_argument('--patch', type=_number, default=36, metavar='PX', help='side of patches; 0: whole frames (36)')
    train.add_argument('--patches', type=_number, default=40, metavar='N', help='in a batch (40)')
    train.add_argument('--rate', type=_positive, default=4e-4, help="Adam's rate (4e-4)")
    train.add_argument('--l1', type=float, default=4.0, help='factor of the L1 loss (4)')
    train.add_argument('--perceptual', type=float, default=6.0, help='factor of the perceptual loss (6)')
    train.add_argument('--adversarial', type=float, default=0.5, help='factor of the adversarial loss (0.5)')
    train.add_argument('--seed', type=_number, default=0, help='of weights and batches (0)')
    train.set_defaults(run=train_hand, log_level=logging.INFO)


def _add_apply(actions: Any) -> None:
    apply = actions.add_parser(
        'apply',
        help='draw a video or a photo in a hand',
        description='Draw frames as the artist would, any of them alone or all, several at once.',
        epilog='example: sketch-robot keyframe apply hand.safetensors clip.mp4 -o drawn.mp4 --frames 0:100',
    )
    apply.add_argument('hand', metavar='HAND', type=Path, help='.safetensors, of `keyframe train`')
    apply.add_argument('frames', metavar='VIDEO|PHOTO', type=Path, help=SOURCE)
    apply.add_argument(
        '-o', '--out', type=Path, required=True, metavar='OUT', help='.mp4 or .avi; .png or .jpg of one; or a folder'
    )
    apply.add_argument(
        '--frames', dest='which', default='', metavar='WHICH', help='as 12, 0:100 or 3,7,40:60 (default: all)'
    )
    apply.add_argument(
        '--mask', default='', metavar='MASK',
        help='where to draw: "person", a picture for all frames, or a folder or video with one for each; the rest '
        'stays as it is',
    )  # fmt: skip
    apply.add_argument('--no-calm', dest='calm', action='store_false', help="leave the grain in the video's frames")
    apply.add_argument('--workers', type=int, choices=range(1, 17), default=2, metavar='N', help='at once (2)')
    apply.add_argument('--float32', action='store_true', help='compute in float32 throughout')
    apply.set_defaults(run=apply_command, log_level=logging.WARNING)


# ----------------------------------------------------------------- what is typed
def _number(text: str) -> int:
    value = int(text)
    if value < 0:
        raise argparse.ArgumentTypeError(f'{text} is negative')
    return value


def _positive(text: str) -> float:
    value = float(text)
    if not 0.0 < value < 1e6:
        raise argparse.ArgumentTypeError(f'{text} is not positive')
    return value


def _share(text: str) -> float:
    value = float(text)
    if not 0.0 <= value <= 0.5:
        raise argparse.ArgumentTypeError(f'{text} is not between 0 and 0.5')
    return value


def _key(text: str) -> tuple[int, Path]:
    number, equals, path = text.partition('=')
    if not equals or not number.isdecimal() or not path:
        raise argparse.ArgumentTypeError(f'{text!r} is not as 12=painted.png')
    return int(number), Path(path)


def numbers_of(text: str, count: int) -> list[int]:
    """Frames that a text names, as '12', '0:100' or '3,7,40:60'.

    Raises:
        UsageError: it cannot be read, or names none.
    """
    found: list[int] = []
    for part in text.split(','):
        low, colon, high = part.partition(':')
        if not (low or '0').isdecimal() or not (high or '0').isdecimal() or not (low or colon):
            raise UsageError(ErrorCode.BAD_GOAL, f'{text!r} names no frames; write 12, 0:100 or 3,7,40:60')
        found += range(int(low or 0), min(int(high or count), count)) if colon else [int(low)]
    if not found:
        raise UsageError(ErrorCode.BAD_GOAL, f'{text!r} names no frame of {count}')
    return found


# ----------------------------------------------------------------- training
def train_hand(args: argparse.Namespace) -> int:
    """Run `sketch-robot keyframe train`.

    Raises:
        UsageError: the name of the output.
        SketchRobotError: BAD_IMAGE, NO_FRAME or BAD_GOAL, what is wrong with frames, drawings or masks, or the hand
            cannot be written; what was learned is kept in the run's folder.
    """
    if args.out.suffix.lower() != '.safetensors':
        raise UsageError(ErrorCode.BAD_GOAL, f'the name of {args.out} must end in .safetensors')
    if not args.out.resolve().parent.is_dir():
        raise SketchRobotError(ErrorCode.BAD_GOAL, f'cannot write {args.out}: there is no folder {args.out.parent}')
    try:
        return _train(args)
    except ModuleNotFoundError as error:
        if error.name not in EXTRAS:
            raise
        raise SketchRobotError(ErrorCode.BAD_GOAL, f'this needs {error.name}; install it: {INSTALL}') from error


def _train(args: argparse.Namespace) -> int:
    from sketch_robot.keyframes.frames import open_frames
    from sketch_robot.keyframes.keys import digest_of_keys, read_keys
    from sketch_robot.keyframes.learning import calmed, guides_for, hand_of
    from sketch_robot.keyframes.patches import Patches
    from sketch_robot.keyframes.trainer import HandOptions, HandTrainer, picture_features

    frames = open_frames(args.frames)
    keys = read_keys(frames, args.key, args.mask)
    if args.calm:
        keys = calmed(frames, keys)
    guides = guides_for(frames, keys, seed=args.seed) if args.guides else None
    patches = Patches(
        keys, () if guides is None else guides.pictures,
        patch_px=args.patch, count=args.patches, light=args.light, seed=args.seed,
    )  # fmt: skip
    options = HandOptions(
        minutes=args.minutes, steps=args.steps, blocks=args.blocks, rate=args.rate, l1=args.l1,
        perceptual=args.perceptual, adversarial=args.adversarial, seed=args.seed,
    )  # fmt: skip
    stop = _stop_on_signal()
    with _ShareLine() as line:
        trainer = HandTrainer(
            args.out.with_suffix(RUN_SUFFIX), patches, options,
            features=picture_features() if args.perceptual else None, guided=args.guides, about=digest_of_keys(keys),
            progress=lambda share, loss: line.show(share, f'loss {loss:.3f}'),
        )  # fmt: skip
        trainer.run(stop=stop)
    if trainer.share_done < 1.0:
        _say(f'stopped at {100 * trainer.share_done:.0f} %; the same command goes on')
        return 130
    hand = hand_of(trainer, keys, frames, guides, sitter_only=bool(args.mask))
    return _keep(hand, trainer, args.out)


def _keep(hand: HandWeights, trainer: HandTrainer, out: Path) -> int:
    from sketch_robot.line_art.hand.hand_file import save_hand

    size = save_hand(hand, out)
    _say(f'{out}: {trainer.step} steps in {trainer.seconds:.0f} s, {size / 1e6:.1f} MB')
    return 0


# ----------------------------------------------------------------- applying
def apply_command(args: argparse.Namespace) -> int:
    """Run `sketch-robot keyframe apply`.

    Raises:
        UsageError: frames that cannot be read.
        SketchRobotError: BAD_GOAL, the file holds no hand, or something cannot be written; NO_FRAME, BAD_IMAGE.
    """
    from sketch_robot.keyframes.apply import ApplyOptions, apply_hand, masks_from
    from sketch_robot.keyframes.frames import open_frames
    from sketch_robot.line_art.hand.hand_file import load_hand

    hand = load_hand(args.hand)
    if args.out.resolve() in (args.frames.resolve(), args.hand.resolve()):
        raise UsageError(ErrorCode.BAD_GOAL, f'{args.out} is what is read; name another file')
    numbers = None
    if args.which:
        frames = open_frames(args.frames)
        numbers = numbers_of(args.which, len(frames))
        frames.close()
    masks = masks_from(args.mask) if args.mask else None
    options = ApplyOptions(calm=args.calm, workers=args.workers, precision='float32' if args.float32 else 'auto')
    began_s = time.perf_counter()
    with _ShareLine() as line:
        count = apply_hand(
            hand, args.frames, args.out, numbers=numbers, options=options, masks=masks,
            progress=lambda done, of: line.show(done / of, f'{done} of {of} frames'),
        )  # fmt: skip
    seconds = time.perf_counter() - began_s
    _say(f'{args.out}: {count} frames in {seconds:.1f} s, {count / seconds:.1f} a second')
    return 0


# ----------------------------------------------------------------- the sheet
def make_sheet(args: argparse.Namespace) -> int:
    """Run `sketch-robot keyframe sheet`."""
    from PIL import Image

    from sketch_robot.files import replacing
    from sketch_robot.keyframes.frames import open_frames
    from sketch_robot.line_art.hand.sheet import print_sheet

    if args.out.suffix.lower() not in ('.png', '.pdf'):
        raise UsageError(ErrorCode.BAD_GOAL, f'the name of {args.out} must end in .png or .pdf')
    frame = open_frames(args.frames).frame(args.frame)
    with replacing(args.out) as draft:
        Image.fromarray(print_sheet(frame)).save(draft, resolution=254.0)
    if args.keep_frame is not None:
        with replacing(args.keep_frame) as draft:
            Image.fromarray(frame).save(draft, 'PNG')
    _say(f'{args.out}: print it in true size, draw over it with a dark pen that is not blue, and photograph all of it')
    return 0


def read_drawing(args: argparse.Namespace) -> int:
    """Run `sketch-robot keyframe read`."""
    from PIL import Image

    from sketch_robot.files import replacing
    from sketch_robot.keyframes.frames import open_frames
    from sketch_robot.line_art.hand.sheet import read_sheet
    from sketch_robot.photo.decode import load_photo

    frame = open_frames(args.of).frame(args.frame)
    drawn = read_sheet(load_photo(args.photo).rgb, (frame.shape[1], frame.shape[0]))
    with replacing(args.out) as draft:
        Image.fromarray(drawn).save(draft, 'PNG')
    _say(f'{args.out}: {100 * (1 - drawn.mean() / 255):.1f} % ink')
    return 0


# ----------------------------------------------------------------- what is shown
class _ShareLine:
    """One line on a terminal that says how far it is; in a log a line every tenth."""

    def __init__(self) -> None:
        self._live = sys.stderr.isatty()
        self._began_s, self._first, self._tenth, self._shown_s = time.monotonic(), -1.0, -1, 0.0

    def show(self, share: float, text: str) -> None:
        now_s = time.monotonic()
        if self._first < 0.0:
            self._first, self._began_s = share, now_s
        made = share - self._first
        left_s = (now_s - self._began_s) * (1.0 - share) / made if made > 0.0 else 0.0
        left = f', {round(left_s) // 60}:{round(left_s) % 60:02d} left' if made > 0.0 else ''
        if self._live and now_s - self._shown_s > 0.2:
            width = shutil.get_terminal_size().columns
            sys.stderr.write(f'\r\x1b[K{f"{100 * share:5.1f} %, {text}{left}"[: width - 1]}')
            sys.stderr.flush()
            self._shown_s = now_s
        elif not self._live and int(10 * share) > self._tenth:
            self._tenth = int(10 * share)
            _say(f'{100 * share:.0f} %, {text}{left}')

    def __enter__(self) -> _ShareLine:
        return self

    def __exit__(self, *_error: object) -> None:
        if self._live:
            sys.stderr.write('\r\x1b[K')


def _say(text: str) -> None:
    sys.stderr.write(f'sketch-robot: {text}\n')
    sys.stderr.flush()


def _stop_on_signal() -> Callable[[], bool]:
    """Says so after Ctrl-C or a request to terminate, so that a run ends between steps and saves."""
    asked: list[int] = []

    def ask(number: int, _frame: FrameType | None) -> None:
        asked.append(number)

    signal.signal(signal.SIGINT, ask)
    signal.signal(signal.SIGTERM, ask)
    return lambda: bool(asked)
