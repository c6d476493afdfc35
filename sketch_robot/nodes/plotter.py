"""The node `plotter`: puts plans on paper.

Serves the action `execute_plan` and the services `~/home` `~/stop` `~/pause` `~/resume` (Trigger) and `~/pen`
(SetBool, true: down). Publishes `plotter_state`, `pen_pose`, `/diagnostics` and, from machines that know it, `paper`: a
picture of what is on paper (mono8, latched), once a second while drawing and at the end. A drawing whose commander is
lost ends with the pen up.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from builtin_interfaces.msg import Time
from geometry_msgs.msg import PoseStamped
from rclpy.action import ActionServer, CancelResponse, GoalResponse
from rclpy.action.server import ServerGoalHandle
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.task import Future
from sensor_msgs.msg import Image
from sketch_robot_interfaces.action import ExecutePlan
from sketch_robot_interfaces.msg import PlotterState
from std_msgs.msg import Header
from std_srvs.srv import SetBool, Trigger

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.motion import DrawingPlan
from sketch_robot.nodes import diagnostics, qos
from sketch_robot.nodes.commander import Commander
from sketch_robot.nodes.conversions import FRAME, MM, duration_to_ros, plan_from_ros, point_to_ros
from sketch_robot.nodes.failures import failure_of
from sketch_robot.nodes.images import image_to_ros
from sketch_robot.nodes.parameters import Parameter, Parameters
from sketch_robot.nodes.runner import PARK_TIMEOUT_S, SketchNode, run_node
from sketch_robot.nodes.worker import Worker
from sketch_robot.plotters import PLOTTERS, Outcome, PlotterStatus, Progress, make_plotter

RESULT_TIMEOUT_S = 900  # how long a result waits for a client that asks late
TICK_S = 0.05

PARAMETERS = (
    Parameter('driver', 'simulated', 'Which machine.', choices=tuple(sorted(PLOTTERS)), read_only=True),
    Parameter('speedup', 1.0, 'How many times faster than real the simulation is.', 0.01, 10000.0, read_only=True),
    Parameter('alarm_after_strokes', -1, 'The simulated machine raises an alarm after so many strokes; -1: never.',
              low=-1, read_only=True),
    Parameter('offline_after_strokes', -1, 'The simulated machine is lost in the stroke after so many; -1: never.',
              low=-1, read_only=True),
    Parameter('client_timeout', 2.0, 'A drawing ends when its client is gone for so long, seconds.', 0.1, 3600.0),
    Parameter('paper_resolution', 8000.0, 'Resolution of the picture `paper`, pixels a metre.', 500.0, 40000.0),
)  # fmt: skip


class PlotterNode(SketchNode):
    """See the module."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__('plotter', **kwargs)
        self._values = Parameters(self, PARAMETERS)
        options: dict[str, Any] = {}
        if self._values['driver'] == 'simulated':
            faults = {name: self._values[name] for name in ('alarm_after_strokes', 'offline_after_strokes')}
            options = {'speedup': self._values['speedup'], **{k: v for k, v in faults.items() if v >= 0}}
        self._plotter = make_plotter(self._values['driver'], **options)
        self._machine = Worker(self)
        self._viewer = Worker(self)
        self._goal: ServerGoalHandle | None = None
        self._promised = False
        self._why_stopped: SketchRobotError | None = None
        self._trouble = ''
        self._last_state: tuple[object, ...] = ()
        self._last_state_s = self._last_paper_s = self._retry_s = 0.0
        self._busy_paper = self._connecting = self._closing = False

        self._state_out = self.create_publisher(PlotterState, 'plotter_state', qos.LATCHED)
        self._pose_out = self.create_publisher(PoseStamped, 'pen_pose', 10)
        self._paper_out = self.create_publisher(Image, 'paper', qos.LATCHED)
        self._health = diagnostics.Diagnostics(self, 'machine')
        group = ReentrantCallbackGroup()
        for name, callback in (
            ('home', self._on_home),
            ('stop', self._on_stop),
            ('pause', self._on_pause),
            ('resume', self._on_resume),
        ):
            self.create_service(Trigger, f'~/{name}', callback, callback_group=group)
        self.create_service(SetBool, '~/pen', self._on_pen, callback_group=group)
        self._commander = Commander(self, 'execute_plan')
        self._server = ActionServer(
            self, ExecutePlan, 'execute_plan', self._execute,
            goal_callback=self._on_goal, cancel_callback=self._on_cancel, callback_group=group,
            result_timeout=RESULT_TIMEOUT_S,
        )  # fmt: skip
        self.every(TICK_S, self._tick)

    def park(self) -> None:
        """End a drawing with the pen up, and let the machine go."""
        self._closing = True
        self._end(SketchRobotError(ErrorCode.CANCELLED, 'the plotter node is shutting down; the pen is up'))
        deadline_s = time.monotonic() + PARK_TIMEOUT_S
        while self._goal is not None and time.monotonic() < deadline_s:
            time.sleep(0.01)
        self._plotter.close()
        self._machine.close()
        self._viewer.close()

    # ------------------------------------------------------------- the action
    def _on_goal(self, _goal: ExecutePlan.Goal) -> GoalResponse:
        if self._promised:
            self.get_logger().warning('a plan was rejected: another one is being drawn')
            return GoalResponse.REJECT
        self._promised = True
        return GoalResponse.ACCEPT

    def _on_cancel(self, _handle: ServerGoalHandle) -> CancelResponse:
        self._end(SketchRobotError(ErrorCode.CANCELLED, 'the drawing was cancelled; the pen is up'))
        return CancelResponse.ACCEPT

    def _end(self, why: SketchRobotError) -> None:
        """Stop the drawing, if there is one; the first reason counts."""
        if self._goal is None or self._why_stopped is not None:
            return
        self._why_stopped = why
        self._plotter.stop()

    async def _execute(self, handle: ServerGoalHandle) -> ExecutePlan.Result:
        result = ExecutePlan.Result()
        self._goal, self._why_stopped = handle, None
        self._commander.begin()
        try:
            if handle.is_cancel_requested:
                raise SketchRobotError(ErrorCode.CANCELLED, 'the drawing was cancelled before it began')
            plan = plan_from_ros(handle.request.plan)
            if self._plotter.status == PlotterStatus.OFFLINE:
                raise SketchRobotError(ErrorCode.PLOTTER_OFFLINE, f'no machine is connected: {self._trouble or "wait"}')
            self.get_logger().info(f'drawing {len(plan.strokes)} strokes, predicted {plan.predicted_s:.0f} s')
            outcome: Outcome = await self._machine.run(self._draw, plan)
            result.strokes_drawn, result.lifts = outcome.strokes_drawn, outcome.lifts
            result.ink, result.travel = outcome.ink_mm * MM, outcome.travel_mm * MM
            result.taken = duration_to_ros(outcome.machine_s)
            if not outcome.finished:
                why = self._why_stopped
                raise why or SketchRobotError(ErrorCode.CANCELLED, 'the drawing was stopped; the pen is up')
        except Exception as error:  # noqa: BLE001  every failure ends in a result; defects are logged
            failure = failure_of(error)
            result.error_code, result.error_msg = failure.code, failure.message
            result.strokes_drawn = result.strokes_drawn or self._plotter.progress.strokes_done
        result.finished = self.get_clock().now().to_msg()
        await self._show_paper(result.finished)
        self._finish(handle, result)
        return result

    def _draw(self, plan: DrawingPlan) -> Outcome:
        """In the machine's thread; a stop that came before the machine began is made good at its first report."""

        def obey(_progress: Progress) -> None:
            if self._why_stopped is not None:
                self._plotter.stop()

        return self._plotter.draw(plan, obey)

    def _finish(self, handle: ServerGoalHandle, result: ExecutePlan.Result) -> None:
        self._goal, self._promised = None, False
        self._publish_state()  # whoever gets the result finds the machine's state as of then
        if handle.is_active:
            if result.error_code == ErrorCode.OK:
                handle.succeed()
            elif result.error_code == ErrorCode.CANCELLED and handle.is_cancel_requested:
                handle.canceled()
            else:
                handle.abort()
        line = f'{result.strokes_drawn} strokes and {result.ink:.2f} m of ink are on paper'
        if result.error_code == ErrorCode.OK:
            self.get_logger().info(f'drawn: {line}')
        else:
            self.get_logger().warning(f'{ErrorCode(result.error_code).name}: {result.error_msg}; {line}')

    # ------------------------------------------------------------- services
    async def _on_home(self, _request: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        return await self._between_drawings(self._plotter.home, 'the pen is up and at home', response)

    async def _on_pen(self, request: SetBool.Request, response: SetBool.Response) -> SetBool.Response:
        done = 'the pen is down' if request.data else 'the pen is up'
        return await self._between_drawings(lambda: self._plotter.set_pen(request.data), done, response)

    async def _between_drawings(self, move: Callable[[], None], done: str, response: Any) -> Any:
        if self._promised:
            response.message = 'BUSY: a drawing is running; stop it first (~/stop)'
            return response
        try:
            await self._machine.run(move)
            response.success, response.message = True, done
        except Exception as error:  # noqa: BLE001  every failure is answered; defects are logged
            response.message = str(failure_of(error))
        return response

    def _on_stop(self, _request: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        drawing = self._goal is not None
        self._end(SketchRobotError(ErrorCode.CANCELLED, 'the drawing was stopped through ~/stop; the pen is up'))
        response.success, response.message = True, 'stopped; the pen is up' if drawing else 'there was no drawing'
        return response

    def _on_pause(self, _request: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        return self._while_drawing(self._plotter.pause, 'paused; the pen is up', response)

    def _on_resume(self, _request: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        return self._while_drawing(self._plotter.resume, 'drawing again', response)

    def _while_drawing(self, act: Callable[[], None], done: str, response: Trigger.Response) -> Trigger.Response:
        if self._goal is None:
            response.message = 'there is no drawing'
            return response
        try:
            act()
            response.success, response.message = True, done
        except SketchRobotError as error:
            response.message = str(error)
        return response

    # ------------------------------------------------------------- what is published
    def _tick(self) -> None:
        self._connect_if_offline()
        progress, status, now_s = self._plotter.progress, self._plotter.status, time.monotonic()
        goal = self._goal
        if goal is not None and goal.is_active:
            feedback = ExecutePlan.Feedback(
                strokes_done=progress.strokes_done,
                strokes_total=progress.strokes_total,
                fraction=float(progress.fraction),
                remaining=duration_to_ros(progress.remaining_s),
                parking=status == PlotterStatus.PARKING,
            )
            goal.publish_feedback(feedback)
            self._pose_out.publish(self._pose())
            if self._commander.lost_for_s() > self._values['client_timeout']:
                self._end(
                    SketchRobotError(ErrorCode.CLIENT_LOST, 'whoever asked for the drawing is gone; the pen is up')
                )
            if (
                now_s - self._last_paper_s > 1.0
                and self._paper_out.get_subscription_count() > 0
                and not self._busy_paper
            ):
                self._busy_paper = True
                self._viewer.run(self._publish_paper, self.get_clock().now().to_msg()).add_done_callback(self._on_paper)
        state = (status, progress.pen_down, progress.strokes_done, progress.strokes_total, self._trouble)
        if state != self._last_state or now_s - self._last_state_s > (0.2 if goal is not None else 1.0):
            self._publish_state()
            self._last_state, self._last_state_s = state, now_s

    def _publish_state(self) -> None:
        progress, status = self._plotter.progress, self._plotter.status
        self._state_out.publish(
            PlotterState(
                header=Header(frame_id=FRAME, stamp=self.get_clock().now().to_msg()),
                status=status.value,
                reason=self._trouble,
                machine=self._values['driver'],
                pen_down=progress.pen_down,
                pen=point_to_ros(progress.pen_mm, down=progress.pen_down),
                strokes_done=progress.strokes_done,
                strokes_total=progress.strokes_total,
                fraction=float(progress.fraction),
                remaining=duration_to_ros(progress.remaining_s),
            )
        )
        level = {PlotterStatus.OFFLINE: diagnostics.ERROR, PlotterStatus.ALARM: diagnostics.ERROR}
        self._health.say(level.get(status, diagnostics.OK), self._trouble or status.name.lower(), status=status.name)

    def _pose(self) -> PoseStamped:
        progress = self._plotter.progress
        pose = PoseStamped(header=Header(frame_id=FRAME, stamp=self.get_clock().now().to_msg()))
        pose.pose.position = point_to_ros(progress.pen_mm, down=progress.pen_down)
        return pose

    async def _show_paper(self, stamp: Time) -> None:
        try:
            await self._viewer.run(self._publish_paper, stamp)
        except Exception as error:  # noqa: BLE001  a drawing on paper is not lost because its picture is
            self.get_logger().error(f'the paper could not be shown: {failure_of(error)}')

    def _publish_paper(self, stamp: Time) -> None:
        self._last_paper_s = time.monotonic()
        paper = getattr(self._plotter, 'paper', None)
        if paper is None:
            return
        picture = paper.image(self._values['paper_resolution'] * MM)
        self._paper_out.publish(image_to_ros(picture, 'mono8', Header(frame_id=FRAME, stamp=stamp)))

    def _on_paper(self, future: Future) -> None:
        self._busy_paper = False
        if future.exception() is not None:
            self.get_logger().error(f'the paper could not be shown: {failure_of(future.exception())}')

    # ------------------------------------------------------------- the machine
    def _connect_if_offline(self) -> None:
        waiting = self._connecting or self._closing or time.monotonic() < self._retry_s
        if waiting or self._plotter.status != PlotterStatus.OFFLINE:
            return
        self._connecting = True
        self._machine.run(self._plotter.connect).add_done_callback(self._on_connected)

    def _on_connected(self, future: Future) -> None:
        self._connecting = False
        if future.exception() is None:
            self._trouble = ''
            self.get_logger().info(f'ready: the {self._values["driver"]} machine is connected')
            return
        self._trouble = failure_of(future.exception()).message
        self._retry_s = time.monotonic() + 2.0
        self.get_logger().error(f'no machine: {self._trouble}; trying again in 2 s', throttle_duration_sec=30.0)


def main() -> None:
    """Run the node."""
    run_node(PlotterNode)


if __name__ == '__main__':
    main()
