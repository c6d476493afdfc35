"""A robot that greets whoever looks at it, and draws them.

A node of your own with the robot as its hand: it watches the camera, and when it sees a face it says hello and asks
for a portrait of exactly that picture. Its callbacks never wait.

    ros2 launch sketch_robot portrait.launch.py speedup:=20 &
    python3 examples/greeter.py --times 1
"""

import argparse
import time

import rclpy
from rclpy.executors import ExternalShutdownException
from rclpy.node import Node
from sensor_msgs.msg import Image

from sketch_robot import SketchRobotError
from sketch_robot.client import DrawError, DrawHandle, PortraitClient
from sketch_robot.nodes.images import photo_from_ros
from sketch_robot.photo import SitterFinder

LOOK_S = 0.5  # looking for a face takes a few milliseconds; there is no hurry
REST_S = 5.0  # after a portrait, so that nobody is drawn twice before they have left


class Greeter(Node):
    """Watches, greets, and has portraits drawn."""

    def __init__(self, times: int, page: str) -> None:
        super().__init__('greeter')
        self.drawn, self.times, self.page = 0, times, page
        self._robot = PortraitClient(self)  # the namespace and the ROS context of this node
        self._finder = SitterFinder()
        self._busy = False
        self._next_look_s = 0.0
        self.create_subscription(Image, 'image_raw', self._on_image, 1)

    def _on_image(self, msg: Image) -> None:
        if self._busy or time.monotonic() < self._next_look_s:
            return
        self._next_look_s = time.monotonic() + LOOK_S
        try:
            sitter = self._finder.find(photo_from_ros(msg))
        except SketchRobotError:
            return  # nobody there
        self.get_logger().info(f'Hello! I see {sitter.faces} of you; please hold still, you are being drawn.')
        self._busy = True
        self._robot.draw(msg, page=self.page).add_done_callback(self._on_end)

    def _on_end(self, drawing: DrawHandle) -> None:
        try:
            result = drawing.result()
            self.drawn += 1
            self.get_logger().info(f'Done: {result.strokes_drawn} strokes in {result.taken_s:.0f} s. Goodbye!')
        except DrawError as error:
            self.get_logger().warning(f'Sorry, that went wrong: {error.message}')
        self._next_look_s = time.monotonic() + REST_S
        self._busy = False

    def is_done(self) -> bool:
        """Whether enough portraits were drawn."""
        return 0 < self.times <= self.drawn

    def close(self) -> None:
        """Let the robot and the camera go."""
        self._robot.close()
        self._finder.close()
        self.destroy_node()


def main() -> None:
    """Greet until Ctrl-C, or until enough portraits were drawn."""
    parser = argparse.ArgumentParser(description='Greet whoever looks at the camera, and draw them.')
    parser.add_argument('--times', type=int, default=0, help='end after so many portraits (default: never)')
    parser.add_argument('--page', default='', help="the sheet (default: the robot's)")
    args = parser.parse_args()
    rclpy.init(args=[])
    greeter = Greeter(args.times, args.page)
    try:
        while not greeter.is_done():
            rclpy.spin_once(greeter, timeout_sec=0.2)
    except (KeyboardInterrupt, ExternalShutdownException):
        pass
    finally:
        greeter.close()
        rclpy.try_shutdown()


if __name__ == '__main__':
    main()
