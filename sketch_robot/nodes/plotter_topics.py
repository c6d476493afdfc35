"""What the node `plotter` publishes of its machine: state, pen, paper, where the paper lies, and diagnostics."""

from __future__ import annotations

import math
import time

import numpy as np
from builtin_interfaces.msg import Time
from geometry_msgs.msg import PoseStamped, TransformStamped
from rclpy.task import Future
from sensor_msgs.msg import Image
from sketch_robot_interfaces.msg import PlotterState
from std_msgs.msg import Header

from sketch_robot.motion import Page
from sketch_robot.nodes import qos
from sketch_robot.nodes.conversions import FRAME, MM, point_to_ros
from sketch_robot.nodes.diagnostics import ERROR, OK, WARN, Diagnostics, Health
from sketch_robot.nodes.images import image_to_ros
from sketch_robot.nodes.messages import duration_to_ros
from sketch_robot.nodes.node import SketchNode, Worker, failure_of
from sketch_robot.nodes.supervisor import Supervisor
from sketch_robot.plotters import Capability, PlotterStatus
from sketch_robot.plotters.paper import Paper

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
        self._health = Diagnostics(node, 'machine', self._look_at_machine)

    def show_blank_sheet(self, page: Page, pixels_m: float) -> None:
        """Publish an empty sheet, of a machine that will tell what is on paper and has not drawn yet."""
        if Capability.PAPER in self._supervisor.plotter.capabilities:
            stamp = self._node.get_clock().now().to_msg()
            self._viewer.run(self._publish, Paper(page), pixels_m, stamp).add_done_callback(self._on_paper)

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
                unfinished=supervisor.unfinished.digest if supervisor.unfinished is not None else '',
            )
        )
        self._health.changed()

    def _look_at_machine(self) -> Health:
        supervisor = self._supervisor
        status, progress = supervisor.status, supervisor.progress
        level = OK
        if status in (PlotterStatus.OFFLINE, PlotterStatus.ALARM):
            level = ERROR
        if status == PlotterStatus.PAUSED or supervisor.reconnecting:
            level = WARN
        values: dict[str, object] = {
            'status': status.name,
            'machine': supervisor.name,
            **supervisor.described,
            'drawing': supervisor.drawing_id,
            'strokes': f'{progress.strokes_done}/{progress.strokes_total}',
            'fraction': float(progress.fraction),
            'remaining_s': float(progress.remaining_s),
            'pen_down': progress.pen_down,
            'drawings': supervisor.drawings,
            'ink_m': supervisor.ink_mm * MM,
            'connected': supervisor.connections,
        }
        if supervisor.unfinished is not None:
            values['unfinished'] = str(supervisor.unfinished)
        return Health(level, supervisor.reason or status.name.lower(), values)

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
        paper = self._supervisor.plotter.paper
        if paper is not None:
            self._publish(paper, pixels_m, stamp)

    def _publish(self, paper: Paper, pixels_m: float, stamp: Time) -> None:
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


def place_on_table(x: float, y: float, z: float, yaw: float) -> np.ndarray:
    """(4, 4) float64: a sheet whose lower left corner is at x, y, z metres, turned by `yaw` rad about z."""
    cos, sin = math.cos(yaw), math.sin(yaw)
    return np.array([[cos, -sin, 0.0, x], [sin, cos, 0.0, y], [0.0, 0.0, 1.0, z], [0.0, 0.0, 0.0, 1.0]])


def transform_to_ros(frame: np.ndarray, parent: str, child: str, stamp: Time) -> TransformStamped:
    """A rigid transform, (4, 4) metres, that takes points of `child` to `parent`."""
    msg = TransformStamped(child_frame_id=child)
    msg.header.frame_id, msg.header.stamp = parent, stamp
    place, turn = msg.transform.translation, msg.transform.rotation
    place.x, place.y, place.z = (float(value) for value in frame[:3, 3])
    turn.x, turn.y, turn.z, turn.w = quaternion(frame[:3, :3])
    return msg


def quaternion(rotation: np.ndarray) -> tuple[float, float, float, float]:
    """x, y, z, w of a (3, 3) rotation, w at least 0 (Shepperd 1978: by the largest component, which loses nothing)."""
    r = rotation
    four = np.array([np.trace(r), *np.diag(r)])  # 4 w^2 - 1, and likewise for x, y, z with the trace
    largest = int(np.argmax([four[0], *(2.0 * four[1:] - four[0])]))
    if largest == 0:
        q = np.array([r[2, 1] - r[1, 2], r[0, 2] - r[2, 0], r[1, 0] - r[0, 1], 1.0 + four[0]])
    else:
        i = largest - 1
        j, k = (i + 1) % 3, (i + 2) % 3
        q = np.empty(4)
        q[i] = 1.0 + 2.0 * r[i, i] - four[0]
        q[j], q[k], q[3] = r[j, i] + r[i, j], r[k, i] + r[i, k], r[k, j] - r[j, k]
    q /= np.linalg.norm(q)
    x, y, z, w = (q if q[3] >= 0.0 else -q).tolist()
    return x, y, z, w


def tell_paper_frame(node: SketchNode, base_from_paper: np.ndarray, base: str) -> bool:
    """Publish the paper's place in the frame `base`, latched, on `/tf_static` (REP-105).

    Returns:
        whether it was: tf2_msgs is installed with every ROS 2, but not with the wheels.
    """
    try:
        from tf2_msgs.msg import TFMessage
    except ImportError:
        node.get_logger().debug('tf2_msgs is not installed: the frame paper is not told on /tf_static')
        return False
    transform = transform_to_ros(base_from_paper, base, FRAME, node.get_clock().now().to_msg())
    node.create_publisher(TFMessage, '/tf_static', qos.LATCHED).publish(TFMessage(transforms=[transform]))
    return True
