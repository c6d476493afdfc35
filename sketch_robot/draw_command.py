"""`sketch-robot draw`: a photo, or a folder of photos, to plans without ROS."""

from __future__ import annotations

import argparse
import logging
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sketch_robot.errors import ErrorCode, SketchRobotError

if TYPE_CHECKING:  # the rooms take a second to load; `--help` does without
    from sketch_robot.contact_sheet import Entry
    from sketch_robot.line_art.artist import Artist
    from sketch_robot.motion import Page, PenProfile
    from sketch_robot.pipeline import Pipeline, PipelineResult
    from sketch_robot.plotters import Outcome, Paper
    from sketch_robot.report import Report

DEFAULT_ARTIST = 'guided'
SHEET_NAME, REPORT_NAME = 'contact_sheet.png', 'report.json'
STAGES = {
    'load': 'loading models',
    'capture': 'reading',
    'line_art': 'drawing lines',
    'plan': 'planning',
    'draw': 'on paper',
}


class UsageError(SketchRobotError):
    """An argument with a value that cannot be used."""


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
    parser.add_argument('photo', metavar='PHOTO', type=Path, help='a picture file (JPEG, PNG ...), or a folder of them')
    parser.add_argument(
        '-o', '--out', metavar='PLAN', type=Path, required=True,
        help='the plan, .svg or .json; for a folder of photos: a folder, made when missing',
    )  # fmt: skip
    parser.add_argument(
        '--page', default='A5', help='A2 to A6, Letter, or width x height in mm as 148x210 (default: A5)'
    )
    parser.add_argument(
        '--orientation', default='auto', choices=('auto', 'portrait', 'landscape'),
        help='how the sheet lies; auto: as it is named, A5 upright (default: auto)',
    )  # fmt: skip
    parser.add_argument('--margin', type=float, metavar='MM', help='white border on each side (default: 10)')
    parser.add_argument(
        '--time-budget', type=float, default=0.0, metavar='S',
        help='the most seconds the drawing may take, as predicted; the least important lines are left out '
        '(default: 0, no limit)',
    )  # fmt: skip
    parser.add_argument(
        '--profile', default='default', metavar='NAME',
        help='how fast the machine is; an unknown name lists those that exist (default: default)',
    )  # fmt: skip
    parser.add_argument(
        '--artist', default=DEFAULT_ARTIST, metavar='NAME',
        help=f'who draws the lines; an unknown name lists those that exist (default: {DEFAULT_ARTIST})',
    )  # fmt: skip
    parser.add_argument('--whole-picture', action='store_true', help='draw pictures without a face as well, as a whole')
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
    parser.set_defaults(run=draw, log_level=logging.WARNING)


def draw(args: argparse.Namespace) -> int:
    """Run `sketch-robot draw`: 0, or 1 when a photo of a folder could not be drawn.

    Raises:
        UsageError: an argument cannot be used.
        SketchRobotError: why the photo could not be drawn, or a file not be written.
    """
    return _draw_folder(args) if args.photo.is_dir() else _draw_photo(args)


@dataclass(frozen=True)
class _Files:
    """Where the results for one photo go; None: not wanted."""

    plan: Path
    line_art: Path | None
    paper: Path | None


class _Job:
    """What is the same for all photos."""

    def __init__(self, args: argparse.Namespace) -> None:
        from sketch_robot.line_art.artist import make_artist
        from sketch_robot.motion import DEFAULT_MARGIN_MM, make_profile, parse_page
        from sketch_robot.motion.budget import check_budget

        with _as_usage():
            margin_mm = DEFAULT_MARGIN_MM if args.margin is None else args.margin
            self.page: Page = parse_page(args.page, margin_mm=margin_mm, orientation=args.orientation)
            self.profile: PenProfile = make_profile(args.profile)
            self.time_budget_s = check_budget(args.time_budget)
            self.artist: Artist = make_artist(args.artist)
        self.require_face = not args.whole_picture

    def pipeline(self) -> Pipeline:
        from sketch_robot.pipeline import Pipeline

        return Pipeline(self.artist)

    def draw(self, pipeline: Pipeline, photo: Path, files: _Files, progress: _Progress) -> _Drawn:
        """Draw one photo and write its files, the plan last."""
        from sketch_robot.plotters.paper import paper_of, save_png

        result = pipeline.draw(
            photo,
            page=self.page,
            profile=self.profile,
            time_budget_s=self.time_budget_s,
            require_face=self.require_face,
            on_stage=progress.stage,
        )
        if files.line_art is not None:
            save_png(files.line_art, _black_on_white(result.art.ink))
        outcome, paper, draw_s = None, None, 0.0
        if files.paper is not None:
            progress.stage('draw')
            started_s = time.perf_counter()
            outcome, paper = _simulate(result, progress)
            draw_s = time.perf_counter() - started_s
            paper.save_png(files.paper)
        _save(result, files.plan)
        return _Drawn(result, outcome, paper or paper_of(result.plan), draw_s)

    def failed(self, error: SketchRobotError) -> Report:
        from sketch_robot.report import Report

        return Report(error_code=error.code, error_msg=error.message, artist=self.artist.name, page=self.page.name)


@dataclass(frozen=True, eq=False)
class _Drawn:
    """One photo's results; `outcome` when it was drawn on paper, which otherwise shows the plan."""

    result: PipelineResult
    outcome: Outcome | None
    paper: Paper
    draw_s: float

    @property
    def report(self) -> Report:
        from sketch_robot.report import Report

        plan = self.result.plan
        planned = Report(
            strokes=len(plan.strokes),
            ink_mm=plan.ink_mm,
            travel_mm=plan.travel_mm,
            lifts=plan.lifts,
            predicted_s=plan.predicted_s,
            stage_s={**self.result.stage_s, 'draw': self.draw_s},
            faces=self.result.sitter.faces,
            artist=plan.artist,
            page=plan.page.name,
        )
        if self.outcome is None:
            return planned
        return replace(
            planned,
            strokes=self.outcome.strokes_drawn,
            ink_mm=self.outcome.ink_mm,
            travel_mm=self.outcome.travel_mm,
            lifts=self.outcome.lifts,
            simulated_s=self.outcome.machine_s,
        )

    @property
    def figures(self) -> str:
        """A few words for people."""
        plan = self.result.plan
        left_out = f', {plan.left_out} left out' if plan.left_out else ''
        return f'{len(plan.strokes)} strokes{left_out}, {plan.ink_mm / 1e3:.2f} m of ink, {plan.predicted_s:.0f} s'


def _draw_photo(args: argparse.Namespace) -> int:
    files = _Files(args.out, args.line_art, args.simulate)
    _check_file(args.out, '.svg', '.json')
    for picture in (args.line_art, args.simulate):
        _check_file(picture, '.png')
    _check_file(args.json)
    _check_apart(args.photo, args.out, args.line_art, args.simulate, args.json)
    job = _Job(args)
    from sketch_robot.report import write_report

    try:
        with _Progress() as progress:
            progress.stage('load')
            with job.pipeline() as pipeline:
                drawn = job.draw(pipeline, args.photo, files, progress)
    except (SketchRobotError, KeyboardInterrupt) as error:
        if args.json is not None:
            write_report(job.failed(_failure_of(error)), args.json)
        raise
    if args.json is not None:
        write_report(drawn.report, args.json)
    _tell(f'{args.out}: {drawn.figures}')
    return 0


def _draw_folder(args: argparse.Namespace) -> int:
    from sketch_robot.contact_sheet import make_entry, save_contact_sheets
    from sketch_robot.report import write_reports

    photos = _photos_in(args.photo)
    _check_file(args.json)
    job = _Job(args)
    for folder in (args.out, args.line_art, args.simulate):
        _make_folder(folder, photos=args.photo)
    reports: dict[str, Report] = {}
    entries: list[Entry] = []
    report_path = args.json or args.out / REPORT_NAME
    try:
        with _Progress() as progress:
            progress.stage('load')
            with job.pipeline() as pipeline:
                for number, (name, photo) in enumerate(photos.items(), 1):
                    progress.photo = f'[{number}/{len(photos)}] {photo.name}: '
                    files = _Files(
                        args.out / f'{name}.svg',
                        args.line_art and args.line_art / f'{name}.png',
                        args.simulate and args.simulate / f'{name}.png',
                    )
                    try:
                        drawn = job.draw(pipeline, photo, files, progress)
                    except SketchRobotError as error:
                        reports[photo.name] = job.failed(error)
                        progress.end()
                        _complain(f'{photo.name}: {error}')
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


def _simulate(result: PipelineResult, progress: _Progress) -> tuple[Outcome, Paper]:
    from sketch_robot.plotters import SimulatedPlotter

    with SimulatedPlotter(speedup=float('inf')) as plotter:
        outcome = plotter.draw(result.plan, lambda p: progress.stage('draw', f' {p.strokes_done}/{p.strokes_total}'))
        assert plotter.paper is not None
        return outcome, plotter.paper


def _save(result: PipelineResult, path: Path) -> None:
    from sketch_robot.motion import save_plan

    save_plan(result.plan, path)


def _black_on_white(ink: Any) -> Any:
    """(H, W) float ink in [0, 1] -> (H, W) uint8."""
    return (255.0 * (1.0 - ink)).round().clip(0, 255).astype('uint8')


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
            raise UsageError(ErrorCode.BAD_GOAL, f'{path} is named twice; the photo and each result need a file')


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


@contextmanager
def _as_usage() -> Iterator[None]:
    try:
        yield
    except SketchRobotError as error:
        raise UsageError(error.code, error.message) from error


def _failure_of(error: BaseException) -> SketchRobotError:
    return error if isinstance(error, SketchRobotError) else SketchRobotError(ErrorCode.CANCELLED, 'interrupted')


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
