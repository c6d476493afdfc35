"""The node `recorder`: writes what happens into an MCAP file.

Listens to topics as they appear, of whatever type, and keeps their messages as they came. Of pictures it keeps at most
so many a second. `line_art` is not among the topics unless asked for: it is drawn only while somebody looks.
"""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path
from typing import Any

from rclpy.qos import DurabilityPolicy, HistoryPolicy, QoSProfile

from sketch_robot.errors import SketchRobotError
from sketch_robot.nodes.node import SketchNode, run_node
from sketch_robot.nodes.parameters import Parameter, Parameters
from sketch_robot.nodes.sessions import SessionWriter, message_class

LOOK_S = 0.5  # how often it looks for topics that have appeared
TOPICS = 'image_raw camera_info strokes path paper plotter_state pen_pose'
PICTURE = 'sensor_msgs/msg/Image'

PARAMETERS = (
    Parameter('file', 'session.mcap', 'The file to write.', read_only=True),
    Parameter('topics', TOPICS, 'Names of the topics to keep, between spaces.', read_only=True),
    Parameter('picture_rate_hz', 5.0, 'At most so many pictures a second of each topic.', low=0.01, high=120.0),
)


class RecorderNode(SketchNode):
    """Writes topics into a file."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__('recorder', **kwargs)
        self._values = Parameters(self, PARAMETERS)
        self._wanted = {self.resolve_topic_name(name) for name in self._values['topics'].split()}
        self._due_s: dict[str, float] = {}
        path = Path(self._values['file']).expanduser()
        self._writer: SessionWriter | None = SessionWriter(path)
        self._look()
        self.every(LOOK_S, self._look)
        self.get_logger().info(f'recording into {path}')

    def park(self) -> None:
        """Make the file whole."""
        if self.executor is not None:
            self.executor.create_task(self._finish)

    def _finish(self) -> None:
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.close()

    def _look(self) -> None:
        if not self._wanted:
            return
        for topic, kinds in self.get_topic_names_and_types():
            if topic in self._wanted and (publishers := self.get_publishers_info_by_topic(topic)):
                self._wanted.discard(topic)
                self._listen(topic, kinds[0], publishers[0].qos_profile)

    def _listen(self, topic: str, kind: str, sent_as: QoSProfile) -> None:
        try:
            message = message_class(kind)
        except SketchRobotError as error:
            self.get_logger().warning(f'{topic} is not recorded: {error.message}')
            return
        latched = sent_as.durability == DurabilityPolicy.TRANSIENT_LOCAL
        profile = QoSProfile(
            history=HistoryPolicy.KEEP_LAST,
            depth=1 if latched or kind == PICTURE else 50,
            reliability=sent_as.reliability,
            durability=sent_as.durability,
        )
        self.create_subscription(message, topic, partial(self._on_message, topic, kind), profile, raw=True)

    def _on_message(self, topic: str, kind: str, data: bytes) -> None:
        if self._writer is None:
            return
        now_s = time.monotonic()
        if kind == PICTURE:
            if now_s < self._due_s.get(topic, 0.0):
                return
            self._due_s[topic] = now_s + 1.0 / self._values['picture_rate_hz']
        try:
            self._writer.write(topic, kind, data, self.get_clock().now().nanoseconds)
        except (OSError, SketchRobotError) as error:
            self.get_logger().error(f'recording has ended: {error}')
            self._writer = None


def main() -> None:
    """Run the node."""
    run_node(RecorderNode)


if __name__ == '__main__':
    main()
