"""Who stays before the camera, and the best frame of who wants a picture: the studio's side of the node `attract`.

The node `attract` looks at faces; in a graph with a studio its drawings are asked of the studio's own action `~/sit`
(see `sketch_robot.graph`), which draws nobody: it takes the picture to the page. While nobody needs faces, `attract`
is told not to look.
"""

from __future__ import annotations

import threading
import time
from concurrent.futures import Future
from typing import Any

import numpy as np
from rcl_interfaces.msg import Parameter, ParameterType, ParameterValue
from rcl_interfaces.srv import SetParameters
from rclpy.action import ActionServer, GoalResponse
from rclpy.action.server import ServerGoalHandle
from rclpy.callback_groups import ReentrantCallbackGroup
from sketch_robot_interfaces.action import Draw
from std_srvs.srv import Trigger

from sketch_robot.errors import ErrorCode
from sketch_robot.nodes.images import photo_from_ros
from sketch_robot.nodes.node import SketchNode, Worker, end_goal, failure_of
from sketch_robot.studio.door import Door

LOOK_S = 0.3
AGAIN_S = 5.0  # then it is told once more: it may have been started again
FRAME_S = 5.0  # `attract` waits 3 s for a face


class Guests:
    """Receives what the node `attract` sends.

    Args:
        node: whose executor answers.
        door: where who stays is received.
    """

    def __init__(self, node: SketchNode, door: Door) -> None:
        self._node, self._door = node, door
        self._worker = Worker(node)
        self._asking = threading.Lock()
        self._frame: Future[np.ndarray] | None = None
        self._told: bool | None = None
        self._told_s = 0.0
        self.watched = False  # whether somebody looks at the live picture, and may want to be taken
        group = ReentrantCallbackGroup()
        self._trigger = node.create_client(Trigger, 'attract/trigger', callback_group=group)
        self._set = node.create_client(SetParameters, 'attract/set_parameters', callback_group=group)
        self._server = ActionServer(
            node, Draw, '~/sit', self._execute, goal_callback=self._on_goal, callback_group=group, result_timeout=10
        )
        node.every(LOOK_S, self._tell)

    def best_frame(self) -> np.ndarray | None:
        """The best frame of the last second, (H, W, 3) uint8 RGB; None: nobody looks at faces, or there is none."""
        if not self._trigger.service_is_ready():
            return None
        with self._asking:
            frame = self._frame = Future()
            answer = self._trigger.call_async(Trigger.Request())
            deadline_s = time.monotonic() + FRAME_S
            try:
                while not frame.done() and time.monotonic() < deadline_s:
                    if answer.done() and not answer.result().success:
                        return None
                    time.sleep(0.01)
            finally:
                self._frame = None
                self._trigger.remove_pending_request(answer)
            return frame.result() if frame.done() else None

    def close(self) -> None:
        """Receive nobody any more."""
        self._worker.close()

    # ------------------------------------------------------------- in the executor's thread
    def _tell(self) -> None:
        """Have faces looked for while they are needed."""
        wanted = self.watched or self._door.is_open
        due = wanted != self._told or time.monotonic() - self._told_s > AGAIN_S
        if due and self._set.service_is_ready():
            value = ParameterValue(type=ParameterType.PARAMETER_BOOL, bool_value=wanted)
            self._set.call_async(SetParameters.Request(parameters=[Parameter(name='enabled', value=value)]))
            self._told, self._told_s = wanted, time.monotonic()

    def _on_goal(self, _goal: Draw.Goal) -> GoalResponse:
        return GoalResponse.ACCEPT if self._frame is not None or self._door.is_open else GoalResponse.REJECT

    async def _execute(self, handle: ServerGoalHandle) -> Draw.Result:
        result: Any = Draw.Result()
        frame = self._frame
        try:
            photo = photo_from_ros(handle.request.image).rgb
            if frame is not None and not frame.done():
                frame.set_result(photo)
            else:
                await self._worker.run(self._door.receive, photo)
        except Exception as error:  # noqa: BLE001  every failure ends in a result; defects are logged
            failure = failure_of(error)
            result.error_code, result.error_msg = failure.code, failure.message
            if failure.code != ErrorCode.NO_FACE:
                self._node.get_logger().warning(f'who stayed could not be received: {failure.message}')
        end_goal(handle, result.error_code)
        return result
