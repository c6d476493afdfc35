"""The executable `draw_portrait`: start the graph, ask for one drawing as any client would, keep what comes back.

Starts the launch file where there is a `ros2` command and `portrait_system` otherwise, or joins a graph that is running
(--attach). Writes line_art.png, plan.svg, plan.json, drawing.png (the paper) and report.json into a folder, and
graph.log with what the nodes said.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import FrameType
from typing import Any

import cv2
import rclpy
from rclpy.action import ActionClient
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions
from rclpy.task import Future
from sensor_msgs.msg import Image
from sketch_robot_interfaces.action import Draw

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.files import replacing
from sketch_robot.graph import middleware_environment
from sketch_robot.motion import save_plan
from sketch_robot.nodes import qos
from sketch_robot.nodes.camera import demo_photo
from sketch_robot.nodes.conversions import duration_from_ros, duration_to_ros, plan_from_ros
from sketch_robot.nodes.images import array_from_ros
from sketch_robot.photo import load_photo
from sketch_robot.report import Report, write_report

START_TIMEOUT_S = 60.0
PAPER_TIMEOUT_S = 5.0
STOP_TIMEOUT_S = 8.0
PHASES = {
    Draw.Feedback.CAPTURE: 'taking a picture',
    Draw.Feedback.LINE_ART: 'drawing lines',
    Draw.Feedback.PLAN: 'planning',
    Draw.Feedback.DRAW: 'on paper',
    Draw.Feedback.PARK: 'parking',
}


class Graph:
    """The nodes as a child process; a context manager that leaves none behind."""

    def __init__(self, options: dict[str, str], log: Path) -> None:
        words = [f'{name}:={value}' for name, value in options.items() if value]
        if shutil.which('ros2'):
            self._command = ['ros2', 'launch', 'sketch_robot', 'portrait.launch.py', *words]
        else:
            self._command = [sys.executable, '-m', 'sketch_robot.nodes.system', *words]
        self._log = log

    def __enter__(self) -> Graph:
        with self._log.open('wb') as out:
            # A session of its own: Ctrl-C in the terminal reaches this program only, which ends the graph in order.
            self._process = subprocess.Popen(self._command, stdout=out, stderr=out, start_new_session=True)
        return self

    def check(self) -> None:
        """Raise when the graph has ended.

        Raises:
            SketchRobotError: NODE_LOST, with the end of its log.
        """
        if self._process.poll() is not None:
            end = self._log.read_text(errors='replace').strip().splitlines()[-1:] or ['it said nothing']
            raise SketchRobotError(ErrorCode.NODE_LOST, f'the graph ended by itself: {end[0]} (see {self._log})')

    def __exit__(self, *_: object) -> None:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(self._process.pid, number)
            except ProcessLookupError:
                break
            try:
                self._process.wait(timeout=STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                continue
        self._process.wait()


class Interrupts:
    """Counts Ctrl-C and SIGTERM for the loops to look at; an exception raised by a signal can be lost in a callback."""

    def __init__(self) -> None:
        self.count = 0
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._on_signal)

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self.count += 1


class NoGraph:
    """Somebody else runs the graph."""

    def __enter__(self) -> NoGraph:
        return self

    def check(self) -> None:
        """Nothing to check."""

    def __exit__(self, *_: object) -> None:
        pass


class DrawClient(Node):
    """Sends one goal and keeps the last picture of the paper."""

    def __init__(self) -> None:
        super().__init__('draw_portrait')
        self.action = ActionClient(self, Draw, 'draw')
        self.paper: Image | None = None
        self.feedback = Draw.Feedback()
        self.create_subscription(Image, 'paper', self._on_paper, qos.LATCHED)

    def _on_paper(self, msg: Image) -> None:
        self.paper = msg

    def on_feedback(self, msg: Any) -> None:
        """Keep the last feedback."""
        self.feedback = msg.feedback


class Progress:
    """Shows on a terminal where the drawing stands; one line for each phase where there is no terminal."""

    def __init__(self) -> None:
        self._terminal = sys.stderr.isatty()
        self._phase = -1

    def show(self, feedback: Draw.Feedback) -> None:
        """Show it."""
        text = PHASES[feedback.phase]
        if feedback.phase != self._phase:
            self._phase = feedback.phase
            if not self._terminal:
                sys.stderr.write(f'{text}\n')
        if self._terminal:
            bar = ''
            if feedback.phase == Draw.Feedback.DRAW:
                filled = round(24 * min(1.0, feedback.fraction))
                done = f'{feedback.strokes_done}/{feedback.strokes_total}'
                left_s = duration_from_ros(feedback.remaining)
                bar = f' [{"#" * filled}{"." * (24 - filled)}] {done}, {left_s:.0f} s'
            sys.stderr.write(f'\r\x1b[K{text}{bar}')

    def end(self) -> None:
        """Leave the line."""
        if self._terminal:
            sys.stderr.write('\r\x1b[K')


def draw(client: DrawClient, graph: Graph | NoGraph, goal: Draw.Goal, interrupts: Interrupts) -> Draw.Result:
    """Send a goal and wait for its result, showing progress. Ctrl-C cancels it and waits for the pen to be up.

    Raises:
        SketchRobotError: NODE_LOST, no graph; BUSY, the goal was rejected.
        KeyboardInterrupt: interrupted before the goal was accepted, or twice.
    """

    def spin(until: Any, timeout_s: float, late: str) -> None:
        deadline_s = time.monotonic() + timeout_s
        while not until():
            rclpy.spin_once(client, timeout_sec=0.05)
            graph.check()
            if interrupts.count:
                raise KeyboardInterrupt
            if time.monotonic() > deadline_s:
                raise SketchRobotError(ErrorCode.NODE_LOST, late)

    spin(client.action.server_is_ready, START_TIMEOUT_S, f'no node offers the action draw after {START_TIMEOUT_S:g} s')
    sent = client.action.send_goal_async(goal, feedback_callback=client.on_feedback)
    spin(sent.done, START_TIMEOUT_S, 'the goal was not answered')
    handle = sent.result()
    if not handle.accepted:
        raise SketchRobotError(ErrorCode.BUSY, 'the robot is drawing something else; one drawing at a time')
    progress = Progress()
    coming: Future = handle.get_result_async()
    cancelled = False
    while not coming.done():
        rclpy.spin_once(client, timeout_sec=0.1)
        graph.check()
        progress.show(client.feedback)
        if interrupts.count > 1:
            raise KeyboardInterrupt
        if interrupts.count and not cancelled:
            cancelled = True
            handle.cancel_goal_async()
    progress.end()
    return coming.result().result


def wait_for_paper(client: DrawClient, result: Draw.Result) -> Image | None:
    """The picture of the paper as it was when the drawing ended; None when no machine shows one."""
    deadline_s = time.monotonic() + PAPER_TIMEOUT_S
    while time.monotonic() < deadline_s:
        if client.paper is not None and client.paper.header.stamp == result.finished:
            return client.paper
        rclpy.spin_once(client, timeout_sec=0.05)
    return client.paper


def report_of(result: Draw.Result) -> Report:
    """The report of a result."""
    plan = result.plan
    return Report(
        error_code=ErrorCode(result.error_code),
        error_msg=result.error_msg,
        strokes=result.strokes_drawn,
        ink_mm=result.ink * 1e3,
        travel_mm=result.travel * 1e3,
        lifts=result.lifts,
        predicted_s=plan.predicted_seconds,
        simulated_s=duration_from_ros(result.taken),
        stage_s={
            'capture': result.capture_seconds,
            'line_art': result.line_art_seconds,
            'plan': result.plan_seconds,
            'draw': result.draw_seconds,
        },
        faces=result.faces,
        artist=result.artist,
        page=plan.page,
    )


def keep(result: Draw.Result, paper: Image | None, out: Path) -> None:
    """Write everything that a result holds into a folder."""
    if len(result.line_art.data):
        _write_png(out / 'line_art.png', result.line_art)
    if result.plan.strokes:
        plan = plan_from_ros(result.plan)
        save_plan(plan, out / 'plan.json')
        save_plan(plan, out / 'plan.svg')
    if paper is not None:
        _write_png(out / 'drawing.png', paper)


def _write_png(path: Path, msg: Image) -> None:
    with replacing(path) as draft:
        if not cv2.imwrite(str(draft), array_from_ros(msg)):
            raise OSError(f'{path} cannot be written')


def parse(words: list[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog='draw_portrait', description='Draw a portrait through the ROS graph.')
    parser.add_argument('--photo', default='', help="the photo; default: scikit-image's astronaut")
    parser.add_argument('--out', type=Path, default=Path('out'), help='folder for the results (default: out)')
    parser.add_argument('--page', default='', help="the sheet, as 'A5' or '148x210' (mm)")
    parser.add_argument('--time-budget', type=float, default=0.0, metavar='S', help='predicted drawing time to keep to')
    parser.add_argument('--artist', default='', help='who draws the lines')
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
    args.out.mkdir(parents=True, exist_ok=True)
    for name in ('line_art.png', 'plan.svg', 'plan.json', 'drawing.png', 'report.json'):
        (args.out / name).unlink(missing_ok=True)  # results of an earlier run must not pass for this one's
    interrupts = Interrupts()
    try:
        report = _run(args, interrupts)
    except SketchRobotError as error:
        report = Report(error_code=error.code, error_msg=error.message)
    except KeyboardInterrupt:
        report = Report(error_code=ErrorCode.CANCELLED, error_msg='interrupted; the graph was shut down')
    write_report(report, args.out / 'report.json')
    if report.error_code != ErrorCode.OK:
        sys.stderr.write(f'draw_portrait: {report.error_code.name}: {report.error_msg}\n')
        sys.exit(1)
    sys.stderr.write(
        f'{report.strokes} strokes, {report.ink_mm / 1e3:.2f} m of ink in {report.simulated_s:.0f} s of machine time: '
        f'{args.out}/drawing.png\n'
    )


def _run(args: argparse.Namespace, interrupts: Interrupts) -> Report:
    if not 0.0 <= args.time_budget < 1e6:
        raise SketchRobotError(
            ErrorCode.BAD_GOAL, f'the time budget {args.time_budget} is not a number of seconds from 0 on'
        )
    photo = args.photo or demo_photo()
    load_photo(photo)  # a photo that cannot be read is told here, not by a camera that stays silent
    options = {'photo': photo, 'speedup': f'{args.speedup:g}', 'params_file': args.params_file}
    if not args.attach:
        os.environ.setdefault('ROS_DOMAIN_ID', str(random.randint(1, 100)))  # not to meet a robot that is drawing
        os.environ.setdefault('ROS_AUTOMATIC_DISCOVERY_RANGE', 'LOCALHOST')
    os.environ.update(middleware_environment())
    goal = Draw.Goal(
        page=args.page, time_budget=duration_to_ros(args.time_budget), dry_run=args.dry_run, artist=args.artist
    )
    with NoGraph() if args.attach else Graph(options, args.out / 'graph.log') as graph:
        rclpy.init(args=[], signal_handler_options=SignalHandlerOptions.NO)
        client = DrawClient()
        try:
            result = draw(client, graph, goal, interrupts)
            keep(result, None if args.dry_run else wait_for_paper(client, result), args.out)
        finally:
            client.destroy_node()
            rclpy.try_shutdown()
    return report_of(result)


if __name__ == '__main__':
    main()
