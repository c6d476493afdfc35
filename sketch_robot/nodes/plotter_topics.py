"""What the node `plotter` publishes of its machine: state, pen, paper and diagnostics."""

from __future__ import annotations

import time

from builtin_interfaces.msg import Time
from geometry_msgs.msg import PoseStamped
from rclpy.task import Future
from sensor_msgs.msg import Image
from sketch_robot_interfaces.msg import PlotterState
from std_msgs.msg import Header

from sketch_robot.nodes import diagnostics, qos
from sketch_robot.nodes.conversions import FRAME, MM, point_to_ros
from sketch_robot.nodes.durations import duration_to_ros
from sketch_robot.nodes.failures import failure_of
from sketch_robot.nodes.images import image_to_ros
from sketch_robot.nodes.runner import SketchNode
from sketch_robot.nodes.supervisor import Supervisor
from sketch_robot.nodes.worker import Worker
from sketch_robot.plotters import PlotterStatus

STATE_S, DRAWING_STATE_S, PAPER_S = 1.0, 0.2, 1.0  # at least so often


class PlotterTopics:
    """Publishes; called in the executor's thread.

    Args:
        node: that publishes.
        supervisor: of the machine.
    """

    def __init__(self, node: SketchNode, supervisor: Supervisor) -> None:
        self._node, self._supervisor = node, supervisor
        self._viewer = Worker(node)
        self._last_state: tuple[object, ...] = ()
        self._last_state_s = self._last_paper_s = 0.0
        self._busy = False
        self._state_out = node.create_publisher(PlotterState, 'plotter_state', qos.LATCHED)
        self._pose_out = node.create_publisher(PoseStamped, 'pen_pose', 10)
        self._paper_out = node.create_publisher(Image, 'paper', qos.LATCHED)
        self._health = diagnostics.Diagnostics(node, 'machine')

    def tick(self, pixels_m: float) -> None:
        """Publish what is due.

        Args:
            pixels_m: resolution of the paper's picture, pixels a metre.
        """
        supervisor, now_s = self._supervisor, time.monotonic()
        if supervisor.is_drawing:
            self._pose_out.publish(self._pose())
            self._paper_now_and_then(pixels_m, now_s)
        progress = supervisor.progress
        counts = (progress.pen_down, progress.strokes_done, progress.strokes_total)
        state = (supervisor.status, supervisor.reason, *counts)
        due_s = DRAWING_STATE_S if supervisor.is_drawing else STATE_S
        if state != self._last_state or now_s - self._last_state_s > due_s:
            self._last_state, self._last_state_s = state, now_s
            self.publish_state()

    def publish_state(self) -> None:
        """Publish the machine's state, and what `/diagnostics` says of it."""
        supervisor = self._supervisor
        progress, status, reason = supervisor.progress, supervisor.status, supervisor.reason
        self._state_out.publish(
            PlotterState(
                header=self._header(),
                status=status.value,
                reason=reason,
                machine=supervisor.name,
                pen_down=progress.pen_down,
                pen=point_to_ros(progress.pen_mm, down=progress.pen_down),
                strokes_done=progress.strokes_done,
                strokes_total=progress.strokes_total,
                fraction=float(progress.fraction),
                remaining=duration_to_ros(progress.remaining_s),
            )
        )
        level = diagnostics.OK
        if status in (PlotterStatus.OFFLINE, PlotterStatus.ALARM):
            level = diagnostics.ERROR
        if status == PlotterStatus.PAUSED or supervisor.reconnecting:
            level = diagnostics.WARN
        values = {'status': status.name, 'machine': supervisor.name}
        if supervisor.unfinished is not None:
            values['unfinished'] = str(supervisor.unfinished)
        self._health.say(level, reason or status.name.lower(), **values)

    async def show_paper(self, pixels_m: float, stamp: Time) -> None:
        """Publish the paper as it is; a picture that cannot be made is logged."""
        try:
            await self._viewer.run(self._publish_paper, pixels_m, stamp)
        except Exception as error:  # noqa: BLE001  a drawing on paper is not lost because its picture is
            self._node.get_logger().error(f'the paper could not be shown: {failure_of(error)}')

    def close(self) -> None:
        """Publish no more pictures."""
        self._viewer.close()

    def _paper_now_and_then(self, pixels_m: float, now_s: float) -> None:
        if self._busy or now_s - self._last_paper_s <= PAPER_S or self._paper_out.get_subscription_count() == 0:
            return
        self._busy = True
        stamp = self._node.get_clock().now().to_msg()
        self._viewer.run(self._publish_paper, pixels_m, stamp).add_done_callback(self._on_paper)

    def _publish_paper(self, pixels_m: float, stamp: Time) -> None:
        self._last_paper_s = time.monotonic()
        paper = getattr(self._supervisor.plotter, 'paper', None)
        if paper is not None:
            picture = paper.image(pixels_m * MM)
            encoding = 'mono8' if picture.ndim == 2 else 'rgb8'
            self._paper_out.publish(image_to_ros(picture, encoding, Header(frame_id=FRAME, stamp=stamp)))

    def _on_paper(self, future: Future) -> None:
        self._busy = False
        if future.exception() is not None:
            self._node.get_logger().error(f'the paper could not be shown: {failure_of(future.exception())}')

    def _pose(self) -> PoseStamped:
        progress = self._supervisor.progress
        pose = PoseStamped(header=self._header())
        pose.pose.position = point_to_ros(progress.pen_mm, down=progress.pen_down)
        return pose

    def _header(self) -> Header:
        return Header(frame_id=FRAME, stamp=self._node.get_clock().now().to_msg())
