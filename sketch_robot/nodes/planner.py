"""The node `planner`: line art to a timed pen path on a page.

Serves `plan_drawing` and, for `line_artist`, `trace_line_art`. Publishes the plan of a drawing as `strokes`
(MarkerArray, latched) and `path` (nav_msgs/Path, latched) in the frame `paper`. Live `line_art` is planned while
somebody listens to `live_strokes` or `live_path`. Says on `/diagnostics` how it is.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import numpy as np
from builtin_interfaces.msg import Time
from nav_msgs.msg import Path
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.task import Future
from sensor_msgs.msg import Image
from sketch_robot_interfaces.srv import PlanDrawing, TraceLineArt
from visualization_msgs.msg import MarkerArray

from sketch_robot.errors import SketchRobotError
from sketch_robot.line_art.art import LineArt
from sketch_robot.motion import DrawingPlan, MachineLimits, load_limits, parse_page
from sketch_robot.motion.budget import check_budget
from sketch_robot.motion.layout import BORDERS, COPIES, PLACES, SheetLayout
from sketch_robot.motion.marks import read_mark
from sketch_robot.motion.page import ORIENTATIONS
from sketch_robot.motion.planner import pen_in_pixels, plan_drawing
from sketch_robot.nodes import qos
from sketch_robot.nodes.conversions import markers_to_ros, path_to_ros, plan_to_ros
from sketch_robot.nodes.diagnostics import ERROR, OK, WARN, Diagnostics, Health, Latency, Rate
from sketch_robot.nodes.image_input import ImageInput
from sketch_robot.nodes.images import blank_ink, ink_from_ros
from sketch_robot.nodes.messages import duration_from_ros, strokes_from_ros
from sketch_robot.nodes.node import SketchNode, Worker, failure_of, run_node
from sketch_robot.nodes.parameters import FOLDERS, Parameter, Parameters
from sketch_robot.nodes.tracing import answer_trace
from sketch_robot.nodes.warm_up import SIDE_PX, trace_a_little
from sketch_robot.photo.sitter import CROP_PX
from sketch_robot.strokes import strokes_from
from sketch_robot.strokes.ordering.order import PRECEDENCES
from sketch_robot.strokes.weight import WEIGHTS

_FROM_PROFILE = ' 0: as the profile says.'
_FROM_SHEET = " 0: as the sheet's size asks for."
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
    Parameter(
        'weight',
        'passes',
        'What makes lines wider than the pen: drawing them again beside themselves, pressing alone, or nothing.',
        choices=WEIGHTS,
    ),
    Parameter('caption', '', 'What is written beside each drawing in single lines.'),
    Parameter('caption_place', 'under', 'Where: under the drawing, along an edge or in a corner.', choices=PLACES),
    Parameter('caption_height', 0.0, 'Height of its capitals, metres.' + _FROM_SHEET, low=0.0, high=0.1),
    Parameter('signature', '', 'A text, written in script, or the path of an SVG file.'),
    Parameter('signature_place', 'bottom-right', 'Where it is.', choices=PLACES),
    Parameter('signature_height', 0.0, 'Height of the whole signature, metres.' + _FROM_SHEET, low=0.0, high=0.2),
    Parameter('logo', '', 'The path of an SVG file that is drawn beside each drawing.'),
    Parameter('logo_place', 'top-left', 'Where it is.', choices=PLACES),
    Parameter('logo_height', 0.0, 'Its height, metres.' + _FROM_SHEET, low=0.0, high=0.5),
    Parameter('border', 'none', 'A line around the drawable area.', choices=BORDERS),
    Parameter('copies', 'one', 'How often the drawing is on the sheet.', choices=COPIES),
    Parameter('mirrored', False, 'Whether left and right are changed, as for a transfer.'),
    Parameter('turned', 0, 'How far the drawing is turned on the sheet, degrees: 0, 90, 180 or 270.', low=0, high=270),
    Parameter(
        'profile',
        'default',
        "How fast the machine is: a machine's name, or the path of its YAML file.",
        names_file=True,
    ),
    FOLDERS,
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
    """Plans line art on a page: that of requests, and live line art while somebody looks."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__('planner', **kwargs)
        self._values = Parameters(self, PARAMETERS, check=_problem_with)
        self._worker = Worker(self)
        self._viewer = Worker(self)
        self._live_in: ImageInput | None = None
        self._busy_live = False
        self._trouble = ''
        self._is_warm = False
        self._live_rate, self._planning, self._plans, self._last_failure = Rate(), Latency(), 0, ''
        self._health = Diagnostics(self, 'plan', self._look_around)
        self._strokes_out = self.create_publisher(MarkerArray, 'strokes', qos.LATCHED)
        self._path_out = self.create_publisher(Path, 'path', qos.LATCHED)
        self._live_strokes_out = self.create_publisher(MarkerArray, 'live_strokes', qos.LATCHED)
        self._live_path_out = self.create_publisher(Path, 'live_path', qos.LATCHED)
        self.every(0.5, self._listen_while_watched)
        self._worker.run(_warm_up).add_done_callback(self._on_warm)

    def park(self) -> None:
        """Drop what waits."""
        self._worker.close()
        self._viewer.close()

    # ------------------------------------------------------------- in the worker's thread
    def _plan(self, request: PlanDrawing.Request) -> DrawingPlan:
        layout = _layout(self._values, request)
        strokes = strokes_from_ros(request.strokes)
        art_msg = request.line_art
        empty = strokes and len(art_msg.data) == 0
        ink = blank_ink(art_msg.width, art_msg.height) if empty else ink_from_ros(art_msg)
        art = LineArt(ink, request.artist, strokes) if strokes else _traced(ink, request.artist)
        return self._plan_art(art, request.page, duration_from_ros(request.time_budget), layout)

    def _check(self, request: PlanDrawing.Request) -> float:
        """How wide the pen's line is on the line art that will come, px."""
        values, profile = self._values, _profile(self._values)
        page = request.page or values['page']
        sheet = parse_page(page, margin_mm=values['margin'] * 1e3, orientation=values['orientation'])
        check_budget(duration_from_ros(request.time_budget))
        return pen_in_pixels((CROP_PX, CROP_PX), sheet, profile, _layout(values, request))

    def _plan_art(
        self, art: LineArt, page: str = '', budget_s: float = 0.0, layout: SheetLayout | None = None
    ) -> DrawingPlan:
        values = self._values
        sheet = parse_page(page or values['page'], margin_mm=values['margin'] * 1e3, orientation=values['orientation'])
        budget = budget_s or values['time_budget'] or None
        return plan_drawing(
            art.strokes or (),
            art.size_px,
            sheet,
            _profile(values),
            time_budget_s=budget,
            artist=art.artist,
            precedence=values['precedence'],
            weight=values['weight'],
            layout=layout or _layout(values, PlanDrawing.Request()),
        )

    def _plan_live(self, msg: Image) -> tuple[DrawingPlan, Time]:
        return self._plan_art(_traced(ink_from_ros(msg), 'live')), msg.header.stamp

    def _show(self, plan: DrawingPlan, stamp: Time) -> None:
        self._strokes_out.publish(markers_to_ros(plan, stamp))
        self._path_out.publish(path_to_ros(plan, stamp))

    def _show_live(self, plan: DrawingPlan, stamp: Time) -> None:
        self._live_strokes_out.publish(markers_to_ros(plan, stamp))
        self._live_path_out.publish(path_to_ros(plan, stamp))

    # ------------------------------------------------------------- in the executor's thread
    def _on_warm(self, future: Future) -> None:
        # Offered only now: a graph is complete when its nodes can answer.
        group = ReentrantCallbackGroup()
        self.create_service(TraceLineArt, 'trace_line_art', self._on_trace, callback_group=group)
        self.create_service(PlanDrawing, 'plan_drawing', self._on_plan, callback_group=group)
        if future.exception() is not None:
            error = failure_of(future.exception())
            self._trouble = error.message
            self.get_logger().error(f'warming up failed: {error}')
            return
        self._is_warm = True
        self._health.changed()
        self.get_logger().info(f'ready: page {self._values["page"]}, profile {self._values["profile"]!r}')

    async def _on_plan(self, request: PlanDrawing.Request, response: PlanDrawing.Response) -> PlanDrawing.Response:
        begin = time.perf_counter()
        try:
            if request.check_only:
                response.pen_pixels = self._check(request)
                return response
            plan: DrawingPlan = await self._worker.run(self._plan, request)
        except Exception as error:  # noqa: BLE001  every failure is answered with its code; defects are logged
            failure = failure_of(error)
            self._last_failure = failure.code.name
            response.error_code, response.error_msg = failure.code, failure.message
            return response
        self._plans += 1
        self._planning.add(time.perf_counter() - begin)
        self._trouble, self._is_warm = '', True
        response.plan = plan_to_ros(plan, request.line_art.header.stamp)
        response.seconds = time.perf_counter() - begin
        # Markers and poses are thousands of small messages; whoever waits for the plan need not wait for them.
        self._viewer.run(self._show, plan, self.get_clock().now().to_msg()).add_done_callback(self._on_shown)
        return response

    async def _on_trace(self, request: TraceLineArt.Request, response: TraceLineArt.Response) -> TraceLineArt.Response:
        try:
            response.strokes = await self._worker.run(answer_trace, request)
        except Exception as error:  # noqa: BLE001  every failure is answered with its code; defects are logged
            failure = failure_of(error)
            response.error_code, response.error_msg = failure.code, failure.message
        return response

    def _look_around(self) -> Health:
        values = {
            'page': self._values['page'],
            'profile': self._values['profile'],
            'plans': self._plans,
            **self._planning.values('plan'),
            'waiting': self._worker.waiting,
            'live_hz': self._live_rate.hz,
            'last_failure': self._last_failure,
        }
        if self._trouble:
            return Health(ERROR, self._trouble, values)
        return Health(OK, 'ready', values) if self._is_warm else Health(WARN, 'warming up', values)

    def _on_shown(self, future: Future) -> None:
        if future.exception() is not None:
            self.get_logger().error(f'a plan could not be shown: {failure_of(future.exception())}')

    def _listen_while_watched(self) -> None:
        watched = self._live_strokes_out.get_subscription_count() + self._live_path_out.get_subscription_count() > 0
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
        self._live_rate.tick()
        self._viewer.run(self._show_live, *future.result()).add_done_callback(self._on_shown)


def _traced(ink: np.ndarray, artist: str) -> LineArt:
    art = LineArt(ink, artist)
    return replace(art, strokes=strokes_from(art))


def _profile(values: Parameters | dict[str, Any]) -> MachineLimits:
    changed: dict[str, Any] = {field: values[name] * 1e3 for name, field in _SCALED.items() if values[name] > 0.0}
    if values['lift_seconds'] >= 0.0:
        changed['lift_s'] = values['lift_seconds']
    if values['drop_seconds'] >= 0.0:
        changed['drop_s'] = values['drop_seconds']
    return replace(load_limits(values['profile']), **changed)


def _layout(values: Parameters | dict[str, Any], request: PlanDrawing.Request) -> SheetLayout:
    """What a request wants on its sheet, and what the parameters say where it wants nothing of its own.

    Raises:
        SketchRobotError: BAD_GOAL, a word or size that cannot be used; BAD_PLAN, a file that cannot.
    """
    asked = request.layout
    return SheetLayout(
        caption=request.caption or values['caption'],
        caption_place=asked.caption_place or values['caption_place'],
        caption_mm=1e3 * (asked.caption_height or values['caption_height']),
        signature=request.signature or read_mark(values['signature']),
        signature_place=asked.signature_place or values['signature_place'],
        signature_mm=1e3 * (asked.signature_height or values['signature_height']),
        logo=asked.logo or read_mark(values['logo']),
        logo_place=asked.logo_place or values['logo_place'],
        logo_mm=1e3 * (asked.logo_height or values['logo_height']),
        border=asked.border or values['border'],
        copies=asked.copies or values['copies'],
        mirrored=asked.mirrored or values['mirrored'],
        turned=asked.turned or values['turned'],
    )


def _problem_with(values: dict[str, Any]) -> str:
    try:
        parse_page(values['page'], margin_mm=values['margin'] * 1e3, orientation=values['orientation'])
        _profile(values)
        _layout(values, PlanDrawing.Request())
    except SketchRobotError as error:
        return error.message
    return ''


def _warm_up() -> None:
    """Plan a small drawing, so that compiled loops are loaded before the first request."""
    plan_drawing(trace_a_little(), (SIDE_PX, SIDE_PX), parse_page('A5'), MachineLimits())


def main() -> None:
    """Run the node."""
    run_node(PlannerNode)


if __name__ == '__main__':
    main()
