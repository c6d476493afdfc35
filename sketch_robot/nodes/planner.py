"""The node `planner`: line art to a timed pen path on a page.

Serves `plan_drawing`. Publishes every plan as `strokes` (MarkerArray, latched) and `path` (nav_msgs/Path, latched) in
the frame `paper`. While somebody listens to those, live `line_art` is planned too.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

from builtin_interfaces.msg import Time
from nav_msgs.msg import Path
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.task import Future
from sensor_msgs.msg import Image
from sketch_robot_interfaces.srv import PlanDrawing
from visualization_msgs.msg import MarkerArray

from sketch_robot.errors import SketchRobotError
from sketch_robot.line_art.art import LineArt
from sketch_robot.motion import DrawingPlan, PenProfile, make_profile, parse_page
from sketch_robot.motion.page import ORIENTATIONS
from sketch_robot.motion.planner import plan_drawing
from sketch_robot.nodes import qos
from sketch_robot.nodes.conversions import markers_to_ros, path_to_ros, plan_to_ros
from sketch_robot.nodes.durations import duration_from_ros
from sketch_robot.nodes.failures import failure_of
from sketch_robot.nodes.image_input import ImageInput
from sketch_robot.nodes.images import blank_ink, ink_from_ros
from sketch_robot.nodes.parameters import Parameter, Parameters
from sketch_robot.nodes.runner import SketchNode, run_node
from sketch_robot.nodes.stroke_messages import strokes_from_ros
from sketch_robot.nodes.warm_up import SIDE_PX, trace_a_little
from sketch_robot.nodes.worker import Worker
from sketch_robot.strokes import strokes_from
from sketch_robot.strokes.drawing_order import PRECEDENCES

_FROM_PROFILE = ' 0: as the profile says.'
PARAMETERS = (
    Parameter('page', 'A5', 'The sheet: A2 ... A6, Letter, or width x height in mm as 148x210.'),
    Parameter('orientation', 'auto', 'How the sheet lies before the machine.', choices=ORIENTATIONS),
    Parameter('margin', 0.010, 'Border that stays white on each side, metres.', low=0.0, high=0.5),
    Parameter('time_budget', 0.0, 'Predicted drawing time to keep to, seconds; 0: no limit.', low=0.0, high=86400.0),
    Parameter(
        'precedence',
        'soft',
        'Whether the face is drawn early: where it costs little time, strictly, or not.',
        choices=PRECEDENCES,
    ),
    Parameter('profile', 'default', "How fast the machine is: a machine's name, or the path of its YAML file."),
    Parameter('draw_speed', 0.0, 'Pen down, m/s.' + _FROM_PROFILE, low=0.0, high=2.0),
    Parameter('draw_acceleration', 0.0, 'Pen down, m/s^2.' + _FROM_PROFILE, low=0.0, high=50.0),
    Parameter('travel_speed', 0.0, 'Pen up, m/s.' + _FROM_PROFILE, low=0.0, high=2.0),
    Parameter('travel_acceleration', 0.0, 'Pen up, m/s^2.' + _FROM_PROFILE, low=0.0, high=50.0),
    Parameter('lift_seconds', -1.0, 'Raising the pen, seconds. -1: as the profile says.', low=-1.0, high=5.0),
    Parameter('drop_seconds', -1.0, 'Lowering the pen, seconds. -1: as the profile says.', low=-1.0, high=5.0),
    Parameter('pen_width', 0.0, 'Width of the line on paper, metres.' + _FROM_PROFILE, low=0.0, high=0.02),
)
_SCALED = {  # parameter -> field of the profile, millimetres
    'draw_speed': 'draw_speed_mm_s',
    'draw_acceleration': 'draw_accel_mm_s2',
    'travel_speed': 'travel_speed_mm_s',
    'travel_acceleration': 'travel_accel_mm_s2',
    'pen_width': 'pen_width_mm',
}


class PlannerNode(SketchNode):
    """See the module."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__('planner', **kwargs)
        self._values = Parameters(self, PARAMETERS, check=_problem_with)
        self._worker = Worker(self)
        self._viewer = Worker(self)
        self._live_in: ImageInput | None = None
        self._busy_live = False
        self._strokes_out = self.create_publisher(MarkerArray, 'strokes', qos.LATCHED)
        self._path_out = self.create_publisher(Path, 'path', qos.LATCHED)
        self.create_service(PlanDrawing, 'plan_drawing', self._on_plan, callback_group=ReentrantCallbackGroup())
        self.every(0.5, self._listen_while_watched)
        self._worker.run(_warm_up).add_done_callback(self._on_warm)

    def park(self) -> None:
        """Drop what waits."""
        self._worker.close()
        self._viewer.close()

    # ------------------------------------------------------------- in the worker's thread
    def _plan(self, request: PlanDrawing.Request) -> DrawingPlan:
        strokes = strokes_from_ros(request.strokes)
        art_msg = request.line_art
        empty = strokes and len(art_msg.data) == 0
        ink = blank_ink(art_msg.width, art_msg.height) if empty else ink_from_ros(art_msg)
        art = LineArt(ink, request.artist, strokes or None)
        return self._plan_art(art, request.page, duration_from_ros(request.time_budget))

    def _plan_art(self, art: LineArt, page: str = '', budget_s: float = 0.0) -> DrawingPlan:
        values = self._values
        sheet = parse_page(page or values['page'], margin_mm=values['margin'] * 1e3, orientation=values['orientation'])
        budget = budget_s or values['time_budget'] or None
        return plan_drawing(
            strokes_from(art),
            art.size_px,
            sheet,
            _profile(values),
            time_budget_s=budget,
            artist=art.artist,
            precedence=values['precedence'],
        )

    def _plan_live(self, msg: Image) -> tuple[DrawingPlan, Time]:
        return self._plan_art(LineArt(ink_from_ros(msg), 'live')), msg.header.stamp

    def _show(self, plan: DrawingPlan, stamp: Time) -> None:
        self._strokes_out.publish(markers_to_ros(plan, stamp))
        self._path_out.publish(path_to_ros(plan, stamp))

    # ------------------------------------------------------------- in the executor's thread
    def _on_warm(self, future: Future) -> None:
        if future.exception() is not None:
            self.get_logger().error(f'warming up failed: {failure_of(future.exception())}')
            return
        self.get_logger().info(f'ready: page {self._values["page"]}, profile {self._values["profile"]!r}')

    async def _on_plan(self, request: PlanDrawing.Request, response: PlanDrawing.Response) -> PlanDrawing.Response:
        begin = time.perf_counter()
        try:
            plan: DrawingPlan = await self._worker.run(self._plan, request)
        except Exception as error:  # noqa: BLE001  every failure is answered with its code; defects are logged
            failure = failure_of(error)
            response.error_code, response.error_msg = failure.code, failure.message
            return response
        response.plan = plan_to_ros(plan, request.line_art.header.stamp)
        response.seconds = time.perf_counter() - begin
        # Markers and poses are thousands of small messages; whoever waits for the plan need not wait for them.
        self._viewer.run(self._show, plan, self.get_clock().now().to_msg()).add_done_callback(self._on_shown)
        return response

    def _on_shown(self, future: Future) -> None:
        if future.exception() is not None:
            self.get_logger().error(f'a plan could not be shown: {failure_of(future.exception())}')

    def _listen_while_watched(self) -> None:
        watched = self._strokes_out.get_subscription_count() + self._path_out.get_subscription_count() > 0
        if watched and self._live_in is None:
            self._live_in = ImageInput(self, 'line_art', self._on_line_art)
        elif not watched and self._live_in is not None:
            self._live_in.close()
            self._live_in = None

    def _on_line_art(self, msg: Image) -> None:
        if not self._busy_live:
            self._busy_live = True
            self._worker.run(self._plan_live, msg).add_done_callback(self._on_planned_live)

    def _on_planned_live(self, future: Future) -> None:
        self._busy_live = False
        if future.exception() is not None:
            self.get_logger().info(f'no live plan: {failure_of(future.exception())}', throttle_duration_sec=10.0)
            return
        self._viewer.run(self._show, *future.result()).add_done_callback(self._on_shown)


def _profile(values: Parameters | dict[str, Any]) -> PenProfile:
    changed: dict[str, Any] = {field: values[name] * 1e3 for name, field in _SCALED.items() if values[name] > 0.0}
    if values['lift_seconds'] >= 0.0:
        changed['lift_s'] = values['lift_seconds']
    if values['drop_seconds'] >= 0.0:
        changed['drop_s'] = values['drop_seconds']
    return replace(make_profile(values['profile']), **changed)


def _problem_with(values: dict[str, Any]) -> str:
    try:
        parse_page(values['page'], margin_mm=values['margin'] * 1e3, orientation=values['orientation'])
        _profile(values)
    except SketchRobotError as error:
        return error.message
    return ''


def _warm_up() -> None:
    """Plan a small drawing, so that compiled loops are loaded before the first request."""
    plan_drawing(trace_a_little(), (SIDE_PX, SIDE_PX), parse_page('A5'), PenProfile())


def main() -> None:
    """Run the node."""
    run_node(PlannerNode)


if __name__ == '__main__':
    main()
