"""`sketch-robot draw`: a photo, or a folder of photos, to plans without ROS."""

from __future__ import annotations

import argparse
import logging
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sketch_robot.commands import UsageError, add_layout_options, add_sheet_options, add_style_options, layout_of
from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.line_art import DEFAULT_ARTIST

if TYPE_CHECKING:  # the rooms take a second to load; `--help` does without
    from sketch_robot.contact_sheet import Tile
    from sketch_robot.photo_drawing import DrawSettings
    from sketch_robot.poses.wish import PoseWish
    from sketch_robot.report import Report

SHEET_NAME, REPORT_NAME = 'contact_sheet.png', 'report.json'
_log = logging.getLogger(__name__)
STAGES = {
    'load': 'loading models',
    'capture': 'reading',
    'line_art': 'drawing lines',
    'plan': 'planning',
    'draw': 'on paper',
}


def add_commands(subparsers: Any) -> None:
    """Add `draw` to a parser's subparsers; parsed arguments then have `run`, to be called with them."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        'draw',
        help='turn a photo, or a folder of photos, into plans for a plotter',
        description='Turn a photo into a plan for a plotter: find the face, draw it in lines, order the strokes, fit '
        'them to a page, and predict the time. A folder of photos gives a folder of plans, with a report and a contact '
        'sheet to look at; photos that cannot be drawn are named and left out.',
        epilog='example: sketch-robot draw face.jpg -o plan.svg --page A5 --time-budget 120',
    )
    add_drawing_options(parser)
    parser.set_defaults(run=draw, log_level=logging.WARNING, pose='')


def add_drawing_options(parser: argparse.ArgumentParser) -> None:
    """Add what a command that draws photos asks for."""
    parser.add_argument('photo', metavar='PHOTO', type=Path, help='a picture file (JPEG, PNG ...), or a folder of them')
    parser.add_argument(
        '-o', '--out', metavar='PLAN', type=Path, required=True,
        help='the plan, .svg or .json; for a folder of photos: a folder, made when missing',
    )  # fmt: skip
    add_sheet_options(parser)
    add_layout_options(parser)
    parser.add_argument(
        '--artist', default=DEFAULT_ARTIST, metavar='NAME',
        help=f'who draws the lines; an unknown name lists those that exist (default: {DEFAULT_ARTIST})',
    )  # fmt: skip
    add_style_options(parser)
    parser.add_argument('--whole-picture', action='store_true', help='draw pictures without a face as well, as a whole')
    parser.add_argument(
        '--weight', default='passes', choices=('passes', 'pressure', 'none'),
        help='what makes lines wider than the pen: drawing them again beside themselves, pressing alone, or nothing '
        '(default: passes)',
    )  # fmt: skip
    parser.add_argument(
        '--detail', default='normal', metavar='MANY', help='how many lines: few, normal or many (default: normal)'
    )
    parser.add_argument(
        '--age-lines', type=float, default=1.0, metavar='SHARE',
        help='how many folds and wrinkles: from 0, none, to 1, all that are seen (default: 1)',
    )  # fmt: skip
    parser.add_argument(
        '--caricature', type=float, default=0.0, metavar='SHARE',
        help="how much larger what is the sitter's own is drawn: from 0, as it is, to 0.5 (default: 0)",
    )  # fmt: skip
    parser.add_argument(
        '--shading', default='none', metavar='MANNER',
        help='light and shade beside the lines (hatch, cross, contour) or in their place (stipple, spiral, scribble, '
        'one_line); default: none',
    )  # fmt: skip
    parser.add_argument('--line-art', type=Path, metavar='PNG', help='keep the line art; for a folder: a folder')
    parser.add_argument(
        '--simulate', type=Path, metavar='PNG',
        help='draw the plan on simulated paper, as fast as possible, and keep its picture; for a folder: a folder',
    )  # fmt: skip
    parser.add_argument(
        '--json',
        type=Path,
        metavar='FILE',
        help=f'write a report in figures (for a folder it is always written; default: {REPORT_NAME} beside the plans)',
    )


def draw(args: argparse.Namespace) -> int:
    """Run `sketch-robot draw`: 0, or 1 when a photo of a folder could not be drawn.

    Raises:
        UsageError: an argument cannot be used.
        SketchRobotError: why the photo could not be drawn, or a file not be written.
    """
    return _draw_folder(args) if args.photo.is_dir() else _draw_photo(args)


def _settings_of(args: argparse.Namespace) -> DrawSettings:
    from sketch_robot.photo_drawing import check_settings
    from sketch_robot.wishes import Wishes

    try:
        return check_settings(
            args.page,
            orientation=args.orientation,
            margin_mm=args.margin,
            profile=args.profile,
            artist=args.artist,
            styles=args.styles,
            style_file=args.style_file,
            time_budget_s=args.time_budget,
            require_face=not args.whole_picture,
            weight=args.weight,
            layout=layout_of(args),
            wishes=Wishes(args.detail, args.age_lines, args.caricature, args.shading),
            pose=_pose_of(args.pose),
        )
    except SketchRobotError as error:
        raise UsageError(error.code, error.message) from error


def _pose_of(text: str) -> PoseWish:
    """What is said of a pose: a name, or the path of a picture."""
    from sketch_robot.photo import load_photo
    from sketch_robot.photo.sources import PICTURE_SUFFIXES
    from sketch_robot.poses.wish import PoseWish

    if Path(text).suffix.lower() in PICTURE_SUFFIXES:
        return PoseWish(image=load_photo(Path(text)).rgb)
    return PoseWish(text)


def _draw_photo(args: argparse.Namespace) -> int:
    _check_file(args.out, '.svg', '.json')
    for picture in (args.line_art, args.simulate):
        _check_file(picture, '.png')
    _check_file(args.json)
    _check_apart(args.photo, args.out, args.line_art, args.simulate, args.json)
    settings = _settings_of(args)
    from sketch_robot.photo_drawing import Files, draw_one
    from sketch_robot.pipeline import Pipeline
    from sketch_robot.report import write_report

    files = Files(args.out, args.line_art, args.simulate)
    try:
        with _Progress() as progress:
            progress.stage('load')
            with Pipeline(settings.artist) as pipeline:
                drawn = draw_one(settings, pipeline, args.photo, files, progress.stage)
    except (SketchRobotError, KeyboardInterrupt) as error:
        if args.json is not None:
            write_report(settings.failed(_failure_of(error)), args.json)
        raise
    if args.json is not None:
        write_report(drawn.report, args.json)
    _tell(f'{args.out}: {drawn.figures}')
    return 0


def _draw_folder(args: argparse.Namespace) -> int:
    from sketch_robot.contact_sheet import make_entry, save_contact_sheets
    from sketch_robot.photo_drawing import Files, draw_one
    from sketch_robot.pipeline import Pipeline
    from sketch_robot.report import write_reports

    photos = _photos_in(args.photo)
    _check_file(args.json)
    _check_apart(args.line_art, args.simulate)
    settings = _settings_of(args)
    for folder in (args.out, args.line_art, args.simulate):
        _make_folder(folder, photos=args.photo)
    reports: dict[str, Report] = {}
    entries: list[Tile] = []
    report_path = args.json or args.out / REPORT_NAME
    try:
        with _Progress() as progress:
            progress.stage('load')
            with Pipeline(settings.artist) as pipeline:
                for number, (name, photo) in enumerate(photos.items(), 1):
                    progress.photo = f'[{number}/{len(photos)}] {photo.name}: '
                    files = Files(
                        args.out / f'{name}.svg',
                        args.line_art and args.line_art / f'{name}.png',
                        args.simulate and args.simulate / f'{name}.png',
                    )
                    try:
                        drawn = draw_one(settings, pipeline, photo, files, progress.stage)
                    except Exception as error:  # noqa: BLE001  one photo must not cost the others their plans
                        failure = _failure_of(error)
                        reports[photo.name] = settings.failed(failure)
                        progress.end()
                        _complain(f'{photo.name}: {failure}')
                        continue
                    reports[photo.name] = drawn.report
                    pictures = drawn.result.sitter.crop, drawn.result.art.ink, drawn.paper
                    entries.append(make_entry(photo.name, drawn.figures, *pictures))
    finally:  # what was drawn before an interruption is reported as well
        write_reports(reports, report_path)
        save_contact_sheets(entries, args.out / SHEET_NAME)
    failed = len(photos) - len(entries)
    _tell(f'{args.out}: {len(entries)} drawn, {failed} failed')
    return 1 if failed else 0


def _photos_in(folder: Path) -> dict[str, Path]:
    """The pictures of a folder by the names of their results; those whose names differ in the suffix only keep it."""
    from sketch_robot.photo.sources import PICTURE_SUFFIXES

    try:
        found = sorted(
            path
            for path in folder.iterdir()
            if path.suffix.lower() in PICTURE_SUFFIXES and path.is_file() and not path.name.startswith('.')
        )
    except OSError as error:
        raise SketchRobotError(
            ErrorCode.BAD_IMAGE, f'cannot read the folder {folder}: {error.strerror or error}'
        ) from error
    if not found:
        endings = ', '.join(sorted(PICTURE_SUFFIXES))
        raise SketchRobotError(ErrorCode.BAD_IMAGE, f'the folder {folder} holds no pictures ({endings})')
    stems = [path.stem.lower() for path in found]
    return {path.stem if stems.count(stem) == 1 else path.name: path for path, stem in zip(found, stems, strict=True)}


# ----------------------------------------------------------------- checks before any work is done
def _check_file(path: Path | None, *suffixes: str) -> None:
    if path is None:
        return
    if suffixes and path.suffix.lower() not in suffixes:
        raise UsageError(ErrorCode.BAD_GOAL, f'the name of {path} must end in {" or ".join(suffixes)}')
    if path.is_dir():
        raise UsageError(ErrorCode.BAD_GOAL, f'{path} is a folder; name a file')
    if not path.parent.is_dir():
        raise SketchRobotError(ErrorCode.BAD_GOAL, f'cannot write {path}: there is no folder {path.parent}')


def _check_apart(*paths: Path | None) -> None:
    named = [path.resolve() for path in paths if path is not None]
    for path in named:
        if named.count(path) > 1:
            raise UsageError(
                ErrorCode.BAD_GOAL,
                f'{path} is named twice; the photo and each kind of result need a place of their own',
            )


def _make_folder(folder: Path | None, *, photos: Path) -> None:
    if folder is None:
        return
    if not folder.is_dir() and (folder.exists() or folder.suffix.lower() in ('.svg', '.json', '.png')):
        raise UsageError(ErrorCode.BAD_GOAL, f'{photos} is a folder, so name a folder for its results, not {folder}')
    if folder.resolve() == photos.resolve():
        raise UsageError(ErrorCode.BAD_GOAL, f'the results would lie among the photos in {folder}; name another folder')
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SketchRobotError(
            ErrorCode.BAD_GOAL, f'cannot make the folder {folder}: {error.strerror or error}'
        ) from error


def _failure_of(error: BaseException) -> SketchRobotError:
    """What a report says of it; a defect of this program is logged with its traceback."""
    if isinstance(error, SketchRobotError):
        return error
    if isinstance(error, KeyboardInterrupt):
        return SketchRobotError(ErrorCode.CANCELLED, 'interrupted')
    _log.error('a defect of this program:', exc_info=error)
    return SketchRobotError(ErrorCode.INTERNAL, f'{type(error).__name__}: {error}')


# ----------------------------------------------------------------- what people see
class _Progress:
    """One line on a terminal that says what is going on; silent where there is none."""

    def __init__(self) -> None:
        self.photo = ''
        self._shown = sys.stderr.isatty()

    def stage(self, name: str, detail: str = '') -> None:
        if self._shown:
            sys.stderr.write(f'\r\x1b[K{self.photo}{STAGES[name]}{detail}')
            sys.stderr.flush()

    def end(self) -> None:
        if self._shown:
            sys.stderr.write('\r\x1b[K')
            sys.stderr.flush()

    def __enter__(self) -> _Progress:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()


def _tell(text: str) -> None:
    sys.stdout.write(_printable(text) + '\n')


def _complain(text: str) -> None:
    sys.stderr.write(f'sketch-robot: {_printable(text)}\n')


def _printable(text: str) -> str:
    """One line; a file's name need not be valid Unicode."""
    return ' '.join(text.encode(errors='backslashreplace').decode().split())
