"""The node `plotter`: puts plans on paper with one machine.

Serves the action `execute_plan` and the services `~/home` `~/stop` `~/pause` `~/resume` `~/set_origin` (Trigger) and
`~/pen` (SetBool, true: down). Publishes `plotter_state`, `pen_pose`, `/diagnostics` and, from machines that know it,
`paper`: a picture of what is on paper (latched; mono8, and rgb8 for plans with a pen in a colour): an empty sheet, then
once a second while drawing and at the end. On `/tf_static` it tells where the frame `paper` lies in `base_link`. With
an arm it also speaks as `sketch_robot.nodes.arm` says.

A goal is a drawing on a new sheet. Whatever ends it, a fault, a cancel or a kill of this node, the pen goes up as soon
as the machine can be reached, and what is proven to be on paper is in a journal: `~/resume` then draws exactly the
rest, now or after the node has been started again. A drawing whose commander is lost ends with the pen up, too: when
the middleware misses it, or, of one that proves its life by sending the goal's id on `execute_plan_keepalive`, when it
falls silent. Who has the rest drawn may prove it likewise, by `rest_id` of what `plotter_state.unfinished` names.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from rclpy.action import ActionServer, CancelResponse, GoalResponse
from rclpy.action.server import ServerGoalHandle
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.task import Future
from sketch_robot_interfaces.action import ExecutePlan
from std_srvs.srv import SetBool, Trigger

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.files import state_folder
from sketch_robot.motion import parse_page
from sketch_robot.nodes.commander import Commander, rest_id
from sketch_robot.nodes.conversions import MM, plan_from_ros
from sketch_robot.nodes.diagnostics import drawing_id
from sketch_robot.nodes.machines import make_machine, record_name
from sketch_robot.nodes.managed import AUTOSTART, ManagedNode
from sketch_robot.nodes.messages import duration_to_ros
from sketch_robot.nodes.node import end_goal, failure_of, run_node
from sketch_robot.nodes.parameters import Parameter, Parameters
from sketch_robot.nodes.plotter_topics import PlotterTopics, place_on_table, tell_paper_frame
from sketch_robot.nodes.supervisor import Supervisor
from sketch_robot.plotters import Outcome, PlotterStatus
from sketch_robot.plotters.unfinished import BegunDrawing

RESULT_TIMEOUT_S = 900  # how long a result waits for a client that asks late
TICK_S = 0.05
LONGEST_S = 86_400.0  # of a plan: more is a slip of a unit, or malice
PARK_S = 8.0  # launch kills with SIGTERM 5 s after Ctrl-C, which changes nothing, and with SIGKILL 5 s later

_PLACE = "Where the sheet's lower left corner lies in the base, metres; of an arm, as its file says."
PARAMETERS = (
    Parameter('machine', 'default', "Which machine: a name, or the path of a machine's YAML file.", read_only=True),
    Parameter('port', '', 'Its device or device id; empty: as its file says.', read_only=True),
    Parameter('journal_folder', '', 'Where journals are kept; empty: ~/.local/state/sketch_robot.', read_only=True),
    Parameter('arm_controller', '', "Topic of an arm's controller, as '/joint_trajectory_controller/joint_trajectory'; "
              'empty: the arm is simulated.', read_only=True),
    Parameter('speedup', 1.0, 'How many times faster than real a simulation is.', 0.01, 10000.0, read_only=True),
    Parameter('alarm_after_strokes', -1, 'The simulated machine raises an alarm after so many strokes; -1: never.',
              low=-1, read_only=True),
    Parameter('offline_after_strokes', -1, 'The simulated machine is lost in the stroke after so many; -1: never.',
              low=-1, read_only=True),
    Parameter('client_timeout', 2.0, 'A drawing ends when its client is gone for so long, seconds.', 0.1, 3600.0),
    AUTOSTART,
    Parameter('page', 'A5', 'The empty sheet that `paper` shows before the first drawing.', read_only=True),
    Parameter('base_frame', 'base_link', 'The frame of the machine, in which the frame paper is told.', read_only=True),
    Parameter('paper_x', 0.0, _PLACE, -100.0, 100.0, read_only=True),
    Parameter('paper_y', 0.0, _PLACE, -100.0, 100.0, read_only=True),
    Parameter('paper_z', 0.0, _PLACE, -100.0, 100.0, read_only=True),
    Parameter('paper_yaw', 0.0, 'How the sheet is turned in the base, radians; of an arm, as its file says.',
              -6.3, 6.3, read_only=True),
    Parameter('paper_resolution', 8000.0, 'Resolution of the picture `paper`, pixels a metre.', 500.0, 40000.0),
)  # fmt: skip


class PlotterNode(ManagedNode):
    """Puts plans on paper with one machine, and tells what it does."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__('plotter', **kwargs)
        self._values = Parameters(self, PARAMETERS, check=_problem_with)
        made = make_machine(self, {row.name: self._values[row.name] for row in PARAMETERS})
        folder = self._values['journal_folder']
        kept_in = Path(folder).expanduser() if folder else state_folder()
        self._record = BegunDrawing(kept_in, record_name(self, made), made.machine.name)
        self._supervisor = Supervisor(self, made.machine.name, made.plotter, self._record)
        self._plotter = made.plotter
        self._topics = PlotterTopics(self, self._supervisor)
        self._topics.show_blank_sheet(parse_page(self._values['page']), self._values['paper_resolution'])
        x, y, z, yaw = (self._values[f'paper_{axis}'] for axis in ('x', 'y', 'z', 'yaw'))
        placed = place_on_table(x, y, z, yaw) if made.base_from_paper is None else made.base_from_paper
        tell_paper_frame(self, placed, self._values['base_frame'])
        self._goal: ServerGoalHandle | None = None
        group = ReentrantCallbackGroup()
        for name, callback in (
            ('home', self._on_home),
            ('set_origin', self._on_set_origin),
            ('stop', self._on_stop),
            ('pause', self._on_pause),
            ('resume', self._on_resume),
        ):
            self.create_service(Trigger, f'~/{name}', callback, callback_group=group)
        self.create_service(SetBool, '~/pen', self._on_pen, callback_group=group)
        self._commander = Commander(self, 'execute_plan')
        self._server = ActionServer(
            self, ExecutePlan, 'execute_plan', self._execute,
            goal_callback=self._on_goal, handle_accepted_callback=self._on_accepted, cancel_callback=self._on_cancel,
            callback_group=group, result_timeout=RESULT_TIMEOUT_S,
        )  # fmt: skip
        self.every(TICK_S, self._tick)
        self.start(self._values['autostart'])

    def set_up(self) -> None:
        """Keep the machine's drawings for this node alone."""
        self._record.hold()

    def begin(self) -> None:
        """Connect the machine, and draw what is asked."""
        self._supervisor.wake()

    def rest(self) -> None:
        """End a drawing with the pen up, and let the machine go; soon, by the machine's own thread."""
        self._supervisor.suspend()

    def clear(self) -> None:
        """Let another node keep the machine's drawings."""
        self._record.let_go()

    def park(self) -> None:
        """End a drawing with the pen up, and let the machine go."""
        self._supervisor.close(PARK_S)
        self._topics.close()

    # ------------------------------------------------------------- the action
    def _on_goal(self, _goal: ExecutePlan.Goal) -> GoalResponse:
        if not self._supervisor.is_free and not self._supervisor.is_closing:
            self.get_logger().warning('a plan was rejected: another one is being drawn')
            return GoalResponse.REJECT
        return GoalResponse.ACCEPT

    def _on_accepted(self, handle: ServerGoalHandle) -> None:
        # Claimed only now: a goal whose acceptance could not be sent, to a client that the middleware does not know yet
        # or any more, is never executed.
        self._supervisor.claim(drawing_id(handle.goal_id))
        handle.execute()

    def _on_cancel(self, _handle: ServerGoalHandle) -> CancelResponse:
        self._supervisor.end(SketchRobotError(ErrorCode.CANCELLED, 'the drawing was cancelled; the pen is up'))
        return CancelResponse.ACCEPT

    async def _execute(self, handle: ServerGoalHandle) -> ExecutePlan.Result:
        result = ExecutePlan.Result()
        if self._supervisor.is_closing:  # accepted only to be answered with a name
            result.error_code, result.error_msg = ErrorCode.PLOTTER_OFFLINE, 'the plotter node is shutting down'
            handle.abort()
            return result
        self._goal = handle
        self._supervisor.take()
        self._commander.begin(handle.goal_id, promised=False)
        try:
            if handle.is_cancel_requested:
                raise SketchRobotError(ErrorCode.CANCELLED, 'the drawing was cancelled before it began')
            plan = plan_from_ros(handle.request.plan)
            if plan.predicted_s > LONGEST_S:
                text = f'the plan would take {plan.predicted_s / 3600.0:.1f} hours; {LONGEST_S / 3600.0:.0f} at most'
                raise SketchRobotError(ErrorCode.BAD_PLAN, text)
            text = f'{len(plan.strokes)} strokes, predicted {plan.predicted_s:.0f} s'
            self.get_logger().info(f'drawing {self._supervisor.drawing_id}: {text}')
            _tell_outcome(result, await self._supervisor.draw(plan))
        except Exception as error:  # noqa: BLE001  every failure ends in a result; defects are logged
            failure = failure_of(error)
            result.error_code, result.error_msg = failure.code, failure.message
            self._tell_what_is_there(result)
        result.finished = self.get_clock().now().to_msg()
        await self._topics.show_paper(self._values['paper_resolution'], result.finished)
        self._finish(handle, result)
        return result

    def _finish(self, handle: ServerGoalHandle, result: ExecutePlan.Result) -> None:
        self._goal = None
        name = self._supervisor.drawing_id
        self._supervisor.release()
        self._topics.publish_state()  # whoever gets the result finds the machine's state as of then
        end_goal(handle, result.error_code)
        self._log_end(result, name)

    def _tell_what_is_there(self, result: ExecutePlan.Result) -> None:
        """What an unfinished drawing left on paper: all of it when it was stopped, its strokes after a fault."""
        if self._supervisor.outcome is not None:
            _tell_outcome(result, self._supervisor.outcome)
        else:
            result.strokes_drawn = self._supervisor.drawn

    def _log_end(self, result: ExecutePlan.Result, name: str = 'the rest') -> None:
        line = f'{result.strokes_drawn} strokes and {result.ink:.2f} m of ink are on paper'
        if result.error_code == ErrorCode.OK:
            self.get_logger().info(f'drawn {name}: {line}')
        else:
            code = ErrorCode(result.error_code).name
            self.get_logger().warning(f'drawing {name} ended with {code}: {result.error_msg}; {line}')

    # ------------------------------------------------------------- services
    async def _on_home(self, _request: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        return await self._between_drawings(self._plotter.home, 'the pen is up and at home', response)

    async def _on_set_origin(self, _request: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        done = "the pen is up, above the page's lower left corner"
        return await self._between_drawings(self._plotter.set_origin, done, response)

    async def _on_pen(self, request: SetBool.Request, response: SetBool.Response) -> SetBool.Response:
        done = 'the pen is down' if request.data else 'the pen is up'
        return await self._between_drawings(lambda: self._plotter.set_pen(request.data), done, response)

    async def _between_drawings(self, movement: Callable[[], None], done: str, response: Any) -> Any:
        try:
            await self._supervisor.move(movement)
            response.success, response.message = True, done
        except Exception as error:  # noqa: BLE001  every failure is answered; defects are logged
            response.message = str(failure_of(error))
        return response

    def _on_stop(self, _request: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        why = SketchRobotError(ErrorCode.CANCELLED, 'the drawing was stopped through ~/stop; the pen is up')
        drawing = self._supervisor.end(why)
        response.success, response.message = True, 'stopped; the pen is up' if drawing else 'there was no drawing'
        return response

    def _on_pause(self, _request: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        if not self._supervisor.is_drawing:
            response.message = 'there is no drawing'
            return response
        return _tried(self._supervisor.pause, 'paused; the pen is up', response)

    async def _on_resume(self, _request: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        """Go on after a pause; without a drawing, go on with the unfinished one."""
        supervisor = self._supervisor
        if supervisor.is_drawing:
            return _tried(supervisor.resume, 'drawing again', response)
        left = supervisor.unfinished
        if left is None or not supervisor.claim():
            response.message = 'there is no drawing'
            return response
        executor = self.executor
        assert executor is not None  # which has called
        begun = Future(executor=executor)
        executor.create_task(self._draw_rest, begun, left.digest)
        try:
            await begun
            response.success, response.message = True, f'drawing the rest; {left}'
        except Exception as error:  # noqa: BLE001  every failure is answered; defects are logged
            response.message = str(failure_of(error))
        return response

    async def _draw_rest(self, begun: Future, digest: str) -> None:
        result = ExecutePlan.Result()
        failure: SketchRobotError | None = None
        self._supervisor.take()
        self._commander.begin(rest_id(digest), promised=False, may_leave=True)
        try:
            _tell_outcome(result, await self._supervisor.draw_rest(begun))
        except Exception as error:  # noqa: BLE001  it is answered or logged
            failure = failure_of(error)
            result.error_code, result.error_msg = failure.code, failure.message
            self._tell_what_is_there(result)
        await self._topics.show_paper(self._values['paper_resolution'], self.get_clock().now().to_msg())
        self._supervisor.release()
        self._topics.publish_state()
        self._log_end(result)
        if begun.done():
            return
        if failure is None:  # answered only now: whoever asked finds the machine free again
            begun.set_result(None)
        else:
            begun.set_exception(failure)

    # ------------------------------------------------------------- twenty times a second
    def _tick(self) -> None:
        self._supervisor.tick()
        goal = self._goal
        if goal is not None and goal.is_active:
            self._tell(goal)
        if self._supervisor.is_drawing and self._commander.lost_for_s() > self._values['client_timeout']:
            why = 'whoever asked for the drawing is gone; the pen is up'
            self._supervisor.end(SketchRobotError(ErrorCode.CLIENT_LOST, why))
        self._topics.tick(self._values['paper_resolution'])

    def _tell(self, goal: ServerGoalHandle) -> None:
        progress = self._supervisor.progress
        goal.publish_feedback(
            ExecutePlan.Feedback(
                strokes_done=progress.strokes_done,
                strokes_total=progress.strokes_total,
                fraction=float(progress.fraction),
                remaining=duration_to_ros(progress.remaining_s),
                parking=self._plotter.status == PlotterStatus.PARKING,
            )
        )


def _problem_with(values: dict[str, Any]) -> str:
    try:
        parse_page(values['page'])
    except SketchRobotError as error:
        return error.message
    return ''


def _tell_outcome(result: ExecutePlan.Result, outcome: Outcome) -> None:
    result.strokes_drawn, result.lifts = outcome.strokes_drawn, outcome.lifts
    result.ink, result.travel = outcome.ink_mm * MM, outcome.travel_mm * MM
    result.taken = duration_to_ros(outcome.machine_s)


def _tried(act: Callable[[], None], done: str, response: Trigger.Response) -> Trigger.Response:
    try:
        act()
        response.success, response.message = True, done
    except SketchRobotError as error:
        response.message = str(error)
    return response


def main() -> None:
    """Run the node."""
    run_node(PlotterNode)


if __name__ == '__main__':
    main()
