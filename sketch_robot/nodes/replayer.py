"""The node `replayer`: plays the pictures of a recorded session in the camera's place.

The recorded topics are published under their own names, each message at its time, with the present time as its stamp.
"""

from __future__ import annotations

import struct
import time
from typing import Any

from rclpy.publisher import Publisher

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.nodes import qos
from sketch_robot.nodes.node import SketchNode, run_node
from sketch_robot.nodes.parameters import Parameter, Parameters
from sketch_robot.nodes.sessions import RecordedMessage, message_class, read_session, session_path

STAMP = slice(4, 12)  # of a message that begins with a header: after the four bytes that say how it is encoded
HEADER = 'std_msgs/Header'
LAST_S = 0.2  # between the last message and the first of the next round

PARAMETERS = (
    Parameter('file', 'demo', "The session: an MCAP file, or 'demo' for the one that comes along.", read_only=True),
    Parameter('topics', 'image_raw camera_info', 'Names of the topics to play, between spaces.', read_only=True),
    Parameter('rate', 1.0, 'How many times faster than recorded.', low=0.01, high=100.0),
    Parameter('loop', True, 'Whether to begin again at the end.'),
)


class ReplayerNode(SketchNode):
    """Publishes what was recorded."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__('replayer', **kwargs)
        self._values = Parameters(self, PARAMETERS)
        path = session_path(self._values['file'])
        names = self._values['topics'].split()
        self._messages = [message for message in read_session(path) if _name(message) in names]
        if not self._messages:
            text = f'{path} holds nothing of {", ".join(names)}'
            raise SketchRobotError(ErrorCode.BAD_GOAL, text)
        self._out: dict[str, Publisher] = {}
        self._stamped: set[str] = set()
        for message in self._messages:
            self._offer(message)
        self._next, self._begun_s = 0, time.monotonic()
        self._timer = self.every(0.0, self._play)
        self.get_logger().info(
            f'playing {path.name}: {len(self._messages)} messages, {self._messages[-1].seconds:.1f} s'
        )

    def _offer(self, message: RecordedMessage) -> None:
        name = _name(message)
        if name not in self._out:
            kind = message_class(message.kind)
            self._out[name] = self.create_publisher(kind, name, qos.IMAGE)
            if next(iter(kind.get_fields_and_field_types().values())) == HEADER:
                self._stamped.add(name)

    def _play(self) -> None:
        message = self._messages[self._next]
        data = bytearray(message.data)
        if _name(message) in self._stamped:
            sec, nanosec = divmod(self.get_clock().now().nanoseconds, 10**9)
            data[STAMP] = struct.pack('<iI' if data[1] & 1 else '>iI', sec, nanosec)
        self._out[_name(message)].publish(bytes(data))
        self._next += 1
        if self._next < len(self._messages):
            at_s = (self._messages[self._next].seconds - self._messages[0].seconds) / self._values['rate']
        elif self._values['loop']:
            at_s, self._next = LAST_S, 0
            self._begun_s = time.monotonic()
        else:
            self._timer.cancel()
            self.get_logger().info('played to the end')
            return
        wait_s = max(0.0, self._begun_s + at_s - time.monotonic())
        if self._next == 0:
            self._begun_s += at_s
        self._timer.timer_period_ns = round(wait_s * 1e9)
        self._timer.reset()


def _name(message: RecordedMessage) -> str:
    """The topic without the namespace under which it was recorded."""
    return message.topic.rpartition('/')[2]


def main() -> None:
    """Run the node."""
    run_node(ReplayerNode)


if __name__ == '__main__':
    main()
