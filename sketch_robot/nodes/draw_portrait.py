"""The executable `draw_portrait`: start the graph, ask for one drawing as any client would, keep what comes back.

Starts the launch file where there is a `ros2` command and `portrait_system` otherwise, or joins a graph that is running
(--attach). Writes line_art.png, plan.svg, plan.json, drawing.png (the paper) and report.json into a folder, and
graph.log with what the nodes said.
"""

from __future__ import annotations

import argparse
import errno
import os
import sys
from pathlib import Path
from typing import NoReturn

import numpy as np
from sketch_robot_interfaces.action import Draw

from sketch_robot.client import DrawError, DrawResult, PortraitClient
from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.graph import params_file, portrait_graph
from sketch_robot.line_art.styles.blend import parse_blend
from sketch_robot.motion import save_plan
from sketch_robot.nodes.camera import demo_photo
from sketch_robot.nodes.graph_process import Graph, NoGraph, free_domain
from sketch_robot.nodes.terminal import Interrupts, ProgressLine, follow
from sketch_robot.photo import load_photo
from sketch_robot.photo.sources import PICTURE_SUFFIXES
from sketch_robot.plotters.paper import save_png
from sketch_robot.report import Report, write_report

START_TIMEOUT_S = 120.0  # a graph takes its time to start on a busy computer; one that ends is told at once
UNSAID = Draw.Goal().age_lines  # as configured


def report_of(result: DrawResult, error: DrawError | None = None) -> Report:
    """The report of a result, or of what there is of a drawing that failed."""
    return Report(
        error_code=ErrorCode.OK if error is None else error.code,
        error_msg='' if error is None else error.message,
        strokes=result.strokes_drawn,
        ink_mm=result.ink_mm,
        travel_mm=result.travel_mm,
        lifts=result.lifts,
        predicted_s=result.message.plan.predicted_seconds,
        simulated_s=result.taken_s,
        stage_s=result.stage_s,
        faces=result.faces,
        artist=result.artist,
        page=result.page,
    )


def keep(result: DrawResult, paper: np.ndarray | None, out: Path) -> None:
    """Write everything that a result holds into a folder."""
    if result.line_art is not None:
        save_png(out / 'line_art.png', result.line_art)
    if result.plan is not None:
        save_plan(result.plan, out / 'plan.json')
        save_plan(result.plan, out / 'plan.svg')
    if paper is not None:
        save_png(out / 'drawing.png', paper)


def parse(words: list[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog='draw_portrait', description='Draw a portrait through the ROS graph.')
    parser.add_argument('--photo', default='', help="the photo; default: scikit-image's astronaut")
    parser.add_argument('--out', type=Path, default=Path('out'), help='folder for the results (default: out)')
    parser.add_argument('--page', default='', help="the sheet, as 'A5' or '148x210' (mm)")
    parser.add_argument('--time-budget', type=float, default=0.0, metavar='S', help='predicted drawing time to keep to')
    parser.add_argument('--artist', default='', help='who draws the lines')
    parser.add_argument(
        '--styles', '--style', default='', metavar='NAMES', help="a style, or a blend as 'woodcut=0.7,hatch_45=0.3'"
    )
    parser.add_argument('--detail', default='', help='how many lines: few, normal or many')
    parser.add_argument('--age-lines', type=float, default=UNSAID, metavar='SHARE', help='folds: 0, none, to 1, all')
    parser.add_argument(
        '--caricature', type=float, default=UNSAID, metavar='SHARE', help="the sitter's own larger: 0, not, to 0.5"
    )
    parser.add_argument('--shading', default='', metavar='MANNER', help='how light and shade are drawn')
    parser.add_argument(
        '--pose', default='', metavar='NAME|PICTURE', help='how the sitter stands, at full length, or who shows it'
    )
    parser.add_argument(
        '--speedup', type=float, default=20.0, help='how much faster the simulated machine is (default 20)'
    )
    parser.add_argument('--params-file', default='', help="YAML with the nodes' parameters")
    parser.add_argument('--dry-run', action='store_true', help='plan only')
    parser.add_argument('--attach', action='store_true', help='use the graph that is running')
    return parser.parse_args(words)


def main(words: list[str] | None = None) -> None:
    """Draw one portrait; the exit status is 0 when it is on paper."""
    args = parse(words)
    try:
        clear(args.out)
    except SketchRobotError as error:
        _fail(error.code, error.message)
    interrupts = Interrupts()
    try:
        report = _run(args, interrupts)
    except SketchRobotError as error:
        report = Report(error_code=error.code, error_msg=error.message)
    except KeyboardInterrupt:
        report = Report(error_code=ErrorCode.CANCELLED, error_msg='interrupted; the graph was shut down')
    write_report(report, args.out / 'report.json')
    if report.error_code != ErrorCode.OK:
        _fail(report.error_code, report.error_msg)
    sys.stderr.write(
        f'{report.strokes} strokes, {report.ink_mm / 1e3:.2f} m of ink in {report.simulated_s:.0f} s of machine time: '
        f'{args.out}/drawing.png\n'
    )


def clear(out: Path) -> None:
    """Make the folder for the results; those of an earlier run must not pass for this one's.

    Raises:
        SketchRobotError: BAD_GOAL, nothing can be written there.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
        for name in ('line_art.png', 'plan.svg', 'plan.json', 'drawing.png', 'report.json'):
            (out / name).unlink(missing_ok=True)
        if not os.access(out, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    except OSError as error:
        raise SketchRobotError(ErrorCode.BAD_GOAL, f'cannot write into the folder {out}: {error.strerror}') from error


def _fail(code: ErrorCode, message: str) -> NoReturn:
    sys.stderr.write(f'draw_portrait: {code.name}: {message}\n')
    sys.exit(1)


def _run(args: argparse.Namespace, interrupts: Interrupts) -> Report:
    if not 0.0 <= args.time_budget < 1e6:
        raise SketchRobotError(
            ErrorCode.BAD_GOAL, f'the time budget {args.time_budget} is not a number of seconds from 0 on'
        )
    photo = args.photo or demo_photo()
    load_photo(photo)  # a photo that cannot be read is told here, not by a camera that stays silent
    options = {'photo': photo, 'speedup': f'{args.speedup:g}', 'params_file': args.params_file}
    params_file(options)
    portrait_graph(options)  # what the graph would refuse is told here, too
    if not args.attach:
        os.environ.setdefault('ROS_DOMAIN_ID', str(free_domain()))  # not to meet a robot that is drawing
        os.environ.setdefault('ROS_AUTOMATIC_DISCOVERY_RANGE', 'LOCALHOST')
    named = ('page', 'time_budget', 'dry_run', 'artist', 'detail', 'age_lines', 'caricature', 'shading', 'pose')
    fields = {name: getattr(args, name) for name in named}
    fields['styles'], fields['style_weights'] = parse_blend(args.styles)
    if Path(args.pose).suffix.lower() in PICTURE_SUFFIXES:
        fields['pose'], fields['pose_image'] = '', args.pose
    progress = ProgressLine()
    with (
        NoGraph() if args.attach else Graph(options, args.out / 'graph.log') as graph,
        PortraitClient(server_timeout=START_TIMEOUT_S) as robot,
    ):
        drawing = robot.draw(on_progress=progress.show, **fields)
        failure = None
        try:
            result = follow(drawing, interrupts, graph.check)
        except DrawError as error:
            if error.result is None:
                raise
            failure, result = error, error.result
        finally:
            progress.end()
        keep(result, None if args.dry_run else robot.paper(result), args.out)
    return report_of(result, failure)


if __name__ == '__main__':
    main()
