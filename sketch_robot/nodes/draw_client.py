"""A client of the action `draw`, with its progress on a terminal."""

from __future__ import annotations

import signal
import sys
import time
from types import FrameType
from typing import Any

import rclpy
from rclpy.action import ActionClient
from rclpy.action.client import ClientGoalHandle
from rclpy.node import Node
from rclpy.task import Future
from sensor_msgs.msg import Image
from sketch_robot_interfaces.action import Draw

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.nodes import qos
from sketch_robot.nodes.durations import duration_from_ros
from sketch_robot.nodes.graph_process import Graph, NoGraph

START_TIMEOUT_S = 120.0  # a graph takes its time to start on a busy computer; one that ends is told at once
ANSWER_TIMEOUT_S = 10.0  # then the goal is sent again
PAPER_TIMEOUT_S = 5.0
PHASES = {
    Draw.Feedback.CAPTURE: 'taking a picture',
    Draw.Feedback.LINE_ART: 'drawing lines',
    Draw.Feedback.PLAN: 'planning',
    Draw.Feedback.DRAW: 'on paper',
    Draw.Feedback.PARK: 'parking',
}


class Interrupts:
    """Counts Ctrl-C and SIGTERM for the loops to look at; an exception raised by a signal can be lost in a callback."""

    def __init__(self) -> None:
        self.count = 0
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._on_signal)

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self.count += 1


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


class Asked:
    """A goal that is sent until it is answered.

    In a graph that has just started on a busy computer the acceptance of a goal can be lost: the server's middleware
    may not have heard yet of whom to answer. Such a goal is not executed, so that it can be sent again. Should the
    answer only have been late, the goal that was sent again is rejected, and the first one counts.
    """

    def __init__(self, client: DrawClient, goal: Draw.Goal) -> None:
        self._client, self._goal = client, goal
        self._sent: list[Future] = []
        self._send()

    def _send(self) -> None:
        sent = self._client.action.send_goal_async(self._goal, feedback_callback=self._client.on_feedback)
        self._sent.append(sent)
        self._due_s = time.monotonic() + ANSWER_TIMEOUT_S

    def is_answered(self) -> bool:
        """Whether the goal was accepted or rejected; sends it again when that is due."""
        if time.monotonic() > self._due_s:
            self._send()
        return self._sent[-1].done() or self.accepted() is not None

    def accepted(self) -> ClientGoalHandle | None:
        """The goal that was accepted."""
        handles = (sent.result() for sent in self._sent if sent.done())
        return next((handle for handle in handles if handle.accepted), None)


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
    asked = Asked(client, goal)
    spin(asked.is_answered, START_TIMEOUT_S, 'the goal was not answered')
    handle = asked.accepted()
    if handle is None:
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
