"""The robot as the studio asks for it, over ROS: pictures, line art, plans, and the machine.

The studio's threads call; the node's executor answers. A call waits for its answer with a deadline, so that a node that
is gone ends it with its name.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
from action_msgs.msg import GoalStatus
from geometry_msgs.msg import PoseStamped
from rcl_interfaces.msg import Parameter, ParameterType, ParameterValue
from rcl_interfaces.srv import GetParameters, SetParameters
from rclpy.action import ActionClient
from rclpy.action.client import ClientGoalHandle
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.task import Future
from sensor_msgs.msg import Image
from sketch_robot_interfaces.action import ExecutePlan
from sketch_robot_interfaces.msg import PlotterState, SheetLayout
from sketch_robot_interfaces.srv import PlanDrawing, RenderLineArt
from unique_identifier_msgs.msg import UUID

from sketch_robot.client import PortraitClient
from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.motion import layout as layouts
from sketch_robot.motion.plan import DrawingPlan
from sketch_robot.nodes import qos
from sketch_robot.nodes.commander import rest_id
from sketch_robot.nodes.conversions import MM, plan_from_ros, plan_to_ros
from sketch_robot.nodes.image_input import ImageInput
from sketch_robot.nodes.images import array_from_ros, image_to_ros, photo_from_ros
from sketch_robot.nodes.messages import duration_from_ros, duration_to_ros
from sketch_robot.nodes.node import SketchNode
from sketch_robot.nodes.studio_guests import Guests
from sketch_robot.plotters.plotter import PlotterStatus
from sketch_robot.studio.robot import LivePicture, MachineState, Sketch

SERVER_S, ANSWER_S = 10.0, 60.0
SILENT_S = 3.0  # the plotter tells its state every second
ASK_S = 2.0
LOOK_S = 0.05
WATCH_S = 0.2
SIGN_S = 0.25  # between two signs of life; the plotter bears 2 s of silence
STILL = ('idle', 'alarm', 'offline')


class RosRobot:
    """What `sketch_robot.studio.robot.Robot` asks, answered over ROS.

    Args:
        node: whose executor answers.

    Attributes:
        guests: who looks at faces; None: nobody does.
    """

    def __init__(self, node: SketchNode) -> None:
        self._node = node
        group = ReentrantCallbackGroup()
        self._render = node.create_client(RenderLineArt, 'render_line_art', callback_group=group)
        self._plan = node.create_client(PlanDrawing, 'plan_drawing', callback_group=group)
        self._get_parameters = node.create_client(GetParameters, 'line_artist/get_parameters', callback_group=group)
        self._set_parameters = node.create_client(SetParameters, 'line_artist/set_parameters', callback_group=group)
        self._execute = ActionClient(node, ExecutePlan, 'execute_plan', callback_group=group)
        self._client = PortraitClient(node)
        self._state = MachineState(reason='the node plotter has not been heard yet')
        self._heard_s = 0.0
        self.guests: Guests | None = None
        self._wanted = False
        self._inputs: list[ImageInput] = []
        self._seen: dict[str, tuple[int, Image]] = {}
        self._shown: dict[str, LivePicture] = {}
        self._lock = threading.Lock()
        self._drawing: UUID | None = None  # what signs of life are sent for
        self._signs = node.create_publisher(UUID, 'execute_plan_keepalive', qos.KEEPALIVE)
        node.create_subscription(PlotterState, 'plotter_state', self._on_state, qos.LATCHED, callback_group=group)
        node.create_subscription(PoseStamped, 'pen_pose', self._on_pose, 10, callback_group=group)
        node.every(WATCH_S, self._listen)
        node.every(SIGN_S, self._live)

    # ------------------------------------------------------------- pictures
    def watch(self, wanted: bool) -> None:
        """Whether anybody looks; pictures are listened to only then."""
        self._wanted = wanted
        if self.guests is not None:
            self.guests.watched = wanted

    def frame(self) -> LivePicture | None:
        """The newest picture of the camera."""
        return self._newest('photo', lambda msg: photo_from_ros(msg).rgb)

    def line_art(self) -> LivePicture | None:
        """The newest live line art."""
        return self._newest('lines', array_from_ros)

    def best_frame(self) -> np.ndarray | None:
        """The frame of the last second whose face is best; see `Robot.best_frame`."""
        return None if self.guests is None else self.guests.best_frame()

    def _newest(self, which: str, convert: Callable[[Image], np.ndarray]) -> LivePicture | None:
        with self._lock:
            seen, shown = self._seen.get(which), self._shown.get(which)
            if seen is None or not self._wanted:
                return None
            if shown is None or shown.number != seen[0]:
                try:
                    shown = self._shown[which] = LivePicture(convert(seen[1]), seen[0])
                except SketchRobotError as error:
                    self._node.get_logger().warning(f'a live picture: {error.message}', throttle_duration_sec=10.0)
                    return None
            return shown

    def _listen(self) -> None:
        """In the executor's thread: listen to pictures while somebody looks."""
        if self._wanted and not self._inputs:
            self._inputs = [
                ImageInput(self._node, 'image_raw', lambda msg: self._on_image('photo', msg)),
                ImageInput(self._node, 'line_art', lambda msg: self._on_image('lines', msg)),
            ]
        elif not self._wanted and self._inputs:
            for listening in self._inputs:
                listening.close()
            with self._lock:
                self._inputs = []
                self._seen.clear()  # nobody's picture is kept when nobody looks
                self._shown.clear()

    def _on_image(self, which: str, msg: Image) -> None:
        with self._lock:
            number = self._seen[which][0] + 1 if which in self._seen else time.monotonic_ns()
            self._seen[which] = number, msg

    # ------------------------------------------------------------- lines and plans
    def sketch(self, photo: np.ndarray, style: str = '', artist: str = '', pose: str = '') -> Sketch:
        """Turn a photo into lines; see `Robot.sketch`."""
        request = RenderLineArt.Request(image=image_to_ros(np.ascontiguousarray(photo), 'rgb8'), require_face=True)
        request.styles = [style] if style else []
        request.artist, request.pose = artist, pose
        answer = self._answer(self._render, request, ANSWER_S)
        return Sketch(answer, answer.faces)

    def plan(self, sketch: Sketch, *, page: str, budget_s: float, layout: layouts.SheetLayout) -> DrawingPlan:
        """Plan lines; what a layout leaves as it usually is, is as the planner is configured."""
        art: Any = sketch.made
        usual = layouts.PLAIN
        request = PlanDrawing.Request(
            line_art=art.line_art,
            strokes=art.strokes,
            artist=art.artist,
            page=page,
            time_budget=duration_to_ros(budget_s),
            caption=layout.caption,
            signature=layout.signature,
            layout=SheetLayout(
                logo=layout.logo,
                mirrored=layout.mirrored,
                turned=layout.turned,
                **{
                    name: '' if getattr(layout, name) == getattr(usual, name) else getattr(layout, name)
                    for name in ('caption_place', 'signature_place', 'logo_place', 'border', 'copies')
                },
            ),
        )
        return plan_from_ros(self._answer(self._plan, request, ANSWER_S).plan)

    # ------------------------------------------------------------- who draws
    def artist(self) -> str:
        """Who draws when nobody is named; see `Robot.artist`."""
        answer = self._of_node(self._get_parameters, GetParameters.Request(names=['artist']))
        return str(answer.values[0].string_value) if answer.values else ''

    def use_artist(self, name: str) -> None:
        """Let another artist draw; see `Robot.use_artist`."""
        value = ParameterValue(type=ParameterType.PARAMETER_STRING, string_value=name)
        request = SetParameters.Request(parameters=[Parameter(name='artist', value=value)])
        result = self._of_node(self._set_parameters, request).results[0]
        if not result.successful:
            raise SketchRobotError(ErrorCode.BAD_GOAL, f'the node line_artist: {result.reason}')

    def _of_node(self, client: Any, request: Any) -> Any:
        if not client.wait_for_service(timeout_sec=SERVER_S):
            raise SketchRobotError(ErrorCode.NODE_LOST, 'the node line_artist does not answer; is it running?')
        return self._wait(client.call_async(request), ANSWER_S, 'the node line_artist')

    # ------------------------------------------------------------- the machine
    def state(self) -> MachineState:
        """What the machine does; offline when its node is silent."""
        if time.monotonic() - self._heard_s > SILENT_S:
            return MachineState(reason='the node plotter is silent; is it running?')
        return self._state

    def draw(self, plan: DrawingPlan, on_begin: Callable[[], None]) -> None:
        """Put a plan on paper; see `Robot.draw`."""
        if not self._execute.wait_for_server(timeout_sec=SERVER_S):
            raise SketchRobotError(ErrorCode.BUSY, 'no node offers execute_plan; is the node plotter running?')
        sent = self._execute.send_goal_async(ExecutePlan.Goal(plan=plan_to_ros(plan)))
        try:
            handle: ClientGoalHandle = self._wait(sent, SERVER_S, 'the node plotter')
        except SketchRobotError:
            on_begin()  # it may have heard of it: nobody knows, and a person has to look
            raise
        if not handle.accepted:
            raise SketchRobotError(ErrorCode.BUSY, 'the machine is drawing something else')
        on_begin()
        with self._living(handle.goal_id):
            done = self._result(handle)
        if done.error_code != ErrorCode.OK:
            raise SketchRobotError(ErrorCode(done.error_code), done.error_msg)

    def draw_rest(self) -> None:
        """Draw the rest of what the machine left unfinished, and wait until it stands."""
        with self._living(rest_id(self._state.unfinished)):
            self.command('resume')
            state = self._until_it_stands()
        if state.status != 'idle' or state.unfinished:
            raise SketchRobotError(ErrorCode.PLOTTER_ALARM, state.reason or 'the drawing was not finished')

    def _until_it_stands(self) -> MachineState:
        stands_s = None
        while True:
            state = self.state()
            if state.status not in STILL:
                stands_s = None
            elif stands_s is None:
                stands_s = time.monotonic()
            elif time.monotonic() - stands_s > 1.5:
                return state
            time.sleep(LOOK_S)

    @contextmanager
    def _living(self, drawing: UUID) -> Iterator[None]:
        """Tell the plotter that this program lives: when it dies, the pen goes up soon."""
        self._drawing = drawing
        try:
            yield
        finally:
            self._drawing = None

    def _live(self) -> None:
        if (drawing := self._drawing) is not None:
            self._signs.publish(drawing)

    def command(self, name: str) -> str:
        """Have the machine do something; what it says."""
        client = self._client
        verbs: dict[str, Callable[[], str]] = {
            'pause': client.pause,
            'resume': client.resume,
            'stop': client.stop,
            'home': client.home,
            'set_origin': client.set_origin,
            'pen_up': lambda: client.set_pen(False),
            'pen_down': lambda: client.set_pen(True),
        }
        return verbs[name]()

    def close(self) -> None:
        """Let go of the robot."""
        self._client.close()
        if self.guests is not None:
            self.guests.close()

    def _result(self, handle: ClientGoalHandle) -> Any:
        """The result of a goal; a plotter that is silent is asked whether it still knows of it."""
        coming: Future = handle.get_result_async()
        asked_s = time.monotonic()
        while not coming.done():
            if time.monotonic() - max(self._heard_s, asked_s) > ASK_S or (
                self._state.status in STILL and time.monotonic() - asked_s > ASK_S
            ):
                asked, asked_s = handle.get_result_async(), time.monotonic()
                if self._done_within(asked, ASK_S):
                    coming = asked
            time.sleep(LOOK_S)
        answer = coming.result()
        if answer.status == GoalStatus.STATUS_UNKNOWN:
            raise SketchRobotError(
                ErrorCode.PLOTTER_OFFLINE, 'the node plotter was started again in the middle of the drawing'
            )
        return answer.result

    # ------------------------------------------------------------- waiting
    def _answer(self, client: Any, request: Any, timeout_s: float) -> Any:
        """A service's answer, or its error raised."""
        if not client.wait_for_service(timeout_sec=SERVER_S):
            raise SketchRobotError(ErrorCode.NODE_LOST, f'no node offers {client.srv_name}')
        call = client.call_async(request)
        try:
            answer = self._wait(call, timeout_s, client.srv_name)
        finally:
            client.remove_pending_request(call)
        if answer.error_code != ErrorCode.OK:
            raise SketchRobotError(ErrorCode(answer.error_code), answer.error_msg)
        return answer

    def _wait(self, future: Future, timeout_s: float, who: str) -> Any:
        if not self._done_within(future, timeout_s):
            raise SketchRobotError(ErrorCode.NODE_LOST, f'{who} did not answer in {timeout_s:g} s')
        return future.result()

    def _done_within(self, future: Future, timeout_s: float) -> bool:
        deadline_s = time.monotonic() + timeout_s
        while not future.done():
            if time.monotonic() > deadline_s:
                return False
            time.sleep(0.01)
        return True

    # ------------------------------------------------------------- what the machine tells
    def _on_state(self, msg: PlotterState) -> None:
        self._heard_s = time.monotonic()
        self._state = MachineState(
            status=PlotterStatus(msg.status).name.lower(),
            reason=msg.reason,
            machine=msg.machine,
            pen_down=msg.pen_down,
            pen_mm=(msg.pen.x / MM, msg.pen.y / MM),
            strokes_done=msg.strokes_done,
            strokes_total=msg.strokes_total,
            fraction=float(msg.fraction),
            remaining_s=duration_from_ros(msg.remaining),
            unfinished=msg.unfinished,
        )

    def _on_pose(self, msg: PoseStamped) -> None:
        place = msg.pose.position
        self._state = replace(self._state, pen_mm=(place.x / MM, place.y / MM), pen_down=place.z == 0.0)
