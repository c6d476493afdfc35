"""The node `planner`: line art and strokes in, a plan in metres on the page out."""

from __future__ import annotations

import math
import tempfile
from dataclasses import replace
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from builtin_interfaces.msg import Duration, Time
from nav_msgs.msg import Path
from rcl_interfaces.srv import SetParameters
from rclpy.parameter import Parameter as RosParameter
from sensor_msgs.msg import Image
from sketch_robot_interfaces.msg import DrawingPlan as PlanMsg
from sketch_robot_interfaces.msg import SheetLayout
from sketch_robot_interfaces.msg import Stroke as StrokeMsg
from sketch_robot_interfaces.srv import PlanDrawing
from visualization_msgs.msg import MarkerArray

from sketch_robot.errors import ErrorCode
from sketch_robot.motion import Machine, MachineLimits, load_limits, parse_page, save_machine
from sketch_robot.motion.planner import plan_drawing
from sketch_robot.nodes import qos
from sketch_robot.nodes.conversions import plan_from_ros
from sketch_robot.nodes.images import image_to_ros
from sketch_robot.nodes.messages import strokes_to_ros
from sketch_robot.stroke import Stroke

if TYPE_CHECKING:
    from sketch_robot.testing import Running, World

pytestmark = pytest.mark.system
RING = [(256 + 180 * math.cos(a), 256 + 180 * math.sin(a)) for a in np.linspace(0, 2 * math.pi, 60)]


def stroke(points: list[tuple[float, float]], **fields: Any) -> StrokeMsg:
    x, y = zip(*points, strict=True)
    return StrokeMsg(x=list(x), y=list(y), label='jaw', importance=0.5, **fields)


def square(size: int = 512) -> Image:
    """Line art known by its size alone."""
    return Image(width=size, height=size, encoding='mono8', step=size)


def drawn_lines() -> Image:
    """Two straight lines and a speck, black on white."""
    seen = np.full((200, 300), 255, np.uint8)
    seen[50:53, 40:260] = 0
    seen[60:180, 100:103] = 0
    return image_to_ros(seen, 'mono8')


class Desk:
    """A running planner and what a test does with it."""

    def __init__(self, world: World) -> None:
        self.world, self.probe = world, world.probe
        self.process: Running = world.start_node('planner', file_folders=tempfile.gettempdir())
        self.probe.until(lambda: 'ready:' in self.process.output, 60.0, 'the planner')

    def plan(self, art: Image | None = None, **fields: Any) -> PlanDrawing.Response:
        request = PlanDrawing.Request(line_art=square() if art is None else art, **fields)
        return self.probe.call(PlanDrawing, 'plan_drawing', request)

    def set(self, **values: Any) -> None:
        wanted = [RosParameter(k, value=v).to_parameter_msg() for k, v in values.items()]
        answer = self.probe.call(SetParameters, 'planner/set_parameters', SetParameters.Request(parameters=wanted))
        assert all(result.successful for result in answer.results), answer


@pytest.fixture(scope='module')
def desk(shared_world: World) -> Desk:
    return Desk(shared_world)


def points(plan: PlanMsg) -> np.ndarray:
    """(N, 2) metres."""
    return np.concatenate([np.column_stack([s.x, s.y]) for s in plan.strokes])


def assert_inside(plan: PlanMsg) -> None:
    low, high = points(plan).min(0), points(plan).max(0)
    assert (low >= plan.margin - 1e-9).all()
    assert (high <= np.array([plan.page_width, plan.page_height]) - plan.margin + 1e-9).all()


@pytest.mark.parametrize(
    ('page', 'name', 'width', 'height'),
    [
        ('', 'A5', 0.148, 0.210),
        ('A6', 'A6', 0.105, 0.148),
        ('a3', 'A3', 0.297, 0.420),
        ('A4 landscape', 'A4', 0.297, 0.210),
        ('Letter', 'Letter', 0.2159, 0.2794),
        ('120x80', '120x80', 0.120, 0.080),
    ],
)
def test_a_drawing_fills_the_page_that_is_named_and_stays_inside_its_margins(
    desk: Desk, page: str, name: str, width: float, height: float
) -> None:
    corners = stroke([(0, 0), (512, 0), (512, 512), (0, 512)])
    answer = desk.plan(strokes=[corners, stroke(RING)], page=page)
    assert (answer.error_code, answer.error_msg) == (ErrorCode.OK, '')
    plan = answer.plan
    assert (plan.page, plan.header.frame_id, plan.margin) == (name, 'paper', 0.010)
    assert (plan.page_width, plan.page_height) == pytest.approx((width, height))
    assert_inside(plan)
    side = min(width, height) - 0.020
    assert np.ptp(points(plan), axis=0) == pytest.approx([side, side], rel=1e-6)
    assert points(plan).mean(0) == pytest.approx([width / 2, height / 2], abs=0.02 * side)
    plan_from_ros(plan)


def test_the_plan_is_upright_and_keeps_labels_and_who_drew_it(desk: Desk) -> None:
    top = stroke([(100, 50), (400, 50)], half_width=2.0)
    top.label, top.importance = 'hair', 1.0
    answer = desk.plan(strokes=[top, stroke([(100, 450), (400, 450)])], artist='me')
    by_label = {s.label: s for s in answer.plan.strokes}
    assert set(by_label) == {'hair', 'jaw'}
    assert by_label['hair'].y[0] > by_label['jaw'].y[0]  # y is up on paper
    assert by_label['hair'].importance == 1.0
    assert by_label['hair'].half_width == pytest.approx(2.0 * 0.128 / 512)
    assert answer.plan.artist == 'me'
    assert answer.seconds > 0.0


def test_the_sums_of_a_plan_are_those_of_its_strokes(desk: Desk) -> None:
    plan = desk.plan(strokes=[stroke(RING), stroke([(10, 10), (100, 10)])]).plan
    lengths = [np.hypot(*np.diff(np.column_stack([s.x, s.y]), axis=0).T).sum() for s in plan.strokes]
    assert plan.ink == pytest.approx(sum(lengths))
    assert plan.predicted_seconds == pytest.approx(sum(plan.stroke_seconds) + plan.return_seconds)
    assert (plan.lifts, plan.left_out, len(plan.stroke_seconds)) == (2, 0, 2)


def test_the_stamp_of_the_picture_is_handed_on(desk: Desk) -> None:
    art = square()
    art.header.stamp = Time(sec=5, nanosec=6)
    assert desk.plan(art, strokes=[stroke(RING)]).plan.header.stamp == Time(sec=5, nanosec=6)


def test_a_picture_without_strokes_is_traced_and_its_wide_lines_are_drawn_again(desk: Desk) -> None:
    heavy = desk.plan(drawn_lines())
    desk.set(weight='none')
    try:
        answer = desk.plan(drawn_lines())
    finally:
        desk.set(weight='passes')
    assert (heavy.error_code, answer.error_code) == (ErrorCode.OK, ErrorCode.OK)
    assert_inside(heavy.plan)
    assert_inside(answer.plan)
    scale = 0.128 / 300  # wider than high on an upright page
    assert answer.plan.ink == pytest.approx((220 + 120) * scale, rel=0.06)
    assert heavy.plan.ink > 2.0 * answer.plan.ink


def test_dark_shapes_and_wide_lines_are_planned_as_the_command_plans_them(desk: Desk) -> None:
    disc = Stroke(np.array([(256 + 9 * math.cos(a), 200 + 9 * math.sin(a)) for a in np.linspace(0, 2 * math.pi, 40)]))
    disc = replace(disc, xy=np.vstack([disc.xy[:-1], disc.xy[:1]]), label='eye', importance=0.3, filled=True)
    lip = Stroke(np.linspace((200, 300), (300, 310), 30), 2.0, 'mouth', 1 / 3, half_widths=np.linspace(1, 3, 30))
    short = Stroke(np.linspace((100, 100), (101, 100), 2), label='hair')  # drawn as it is
    wanted = plan_drawing((disc, lip, short), (512, 512), parse_page('A5'), load_limits('default'), weight='passes')
    plan = plan_from_ros(desk.plan(strokes=strokes_to_ros((disc, lip, short))).plan)
    assert len(plan.strokes) == 3
    for ours, theirs in zip(plan.strokes, wanted.strokes, strict=True):
        assert ours.label == theirs.label
        assert ours.xy == pytest.approx(theirs.xy, abs=1e-9)
    assert plan.predicted_s == pytest.approx(wanted.predicted_s, rel=1e-9)


def test_a_time_budget_is_kept_by_leaving_out_the_least_important(desk: Desk) -> None:
    strokes = []
    for k in range(40):
        strokes.append(stroke([(20, 12 * k + 10), (490, 12 * k + 10)]))
        strokes[-1].importance = k / 40
    whole = desk.plan(strokes=strokes).plan
    tight = desk.plan(strokes=strokes, time_budget=Duration(sec=20)).plan
    assert whole.predicted_seconds > 30.0
    assert 10.0 < tight.predicted_seconds <= 20.0
    assert tight.left_out == 40 - len(tight.strokes) > 0
    assert min(s.importance for s in tight.strokes) > 0.3


def test_the_face_comes_first_when_that_is_configured(desk: Desk) -> None:
    lines = [stroke([(20, 12 * k + 10), (490, 12 * k + 10)]) for k in range(20)]
    for k, line in enumerate(lines):
        line.label = 'clothes' if k % 2 else 'eye'
    face_first = ['eye'] * 10 + ['clothes'] * 10
    desk.set(precedence='none')
    assert [s.label for s in desk.plan(strokes=lines).plan.strokes] != face_first
    desk.set(precedence='strict')
    try:
        assert [s.label for s in desk.plan(strokes=lines).plan.strokes] == face_first
    finally:
        desk.set(precedence='soft')


def test_strokes_of_two_pens_are_planned_in_two_layers(desk: Desk) -> None:
    lines = [stroke([(20, 12 * k + 10), (490, 12 * k + 10)], pen='red' if k % 2 else 'black') for k in range(10)]
    plan = desk.plan(strokes=lines).plan
    assert [pen.name for pen in plan.pens] == ['black', 'red']
    assert [s.pen for s in plan.strokes] == ['black'] * 5 + ['red'] * 5


def test_the_configured_budget_holds_unless_a_request_has_its_own(desk: Desk) -> None:
    lines = [stroke([(20, 12 * k + 10), (490, 12 * k + 10)]) for k in range(40)]
    desk.set(time_budget=15.0)
    try:
        assert desk.plan(strokes=lines).plan.predicted_seconds <= 15.0
        assert 15.0 < desk.plan(strokes=lines, time_budget=Duration(sec=25)).plan.predicted_seconds <= 25.0
    finally:
        desk.set(time_budget=0.0)


@pytest.mark.parametrize(
    ('fields', 'code', 'words'),
    [
        ({'page': 'A9'}, 'BAD_GOAL', "there is no page 'A9'; choose one of A2"),
        ({'page': '15x200'}, 'BAD_GOAL', 'the page 15 x 200 mm leaves nothing inside 10 mm margins'),
        ({'page': '-100x200'}, 'BAD_GOAL', 'a side that is not a positive length'),
        ({'page': 'nanx200'}, 'BAD_GOAL', 'a side that is not a positive length'),
        ({'page': '90000x200'}, 'BAD_GOAL', 'is larger than 2000 mm'),
        ({'time_budget': Duration(sec=-5)}, 'BAD_GOAL', '-5'),
        ({'time_budget': Duration(nanosec=1000)}, 'NOTHING_TO_DRAW', 'budget'),
        ({'strokes': []}, 'BAD_IMAGE', 'the image is empty: 512 x 512 pixels, 0 bytes'),
        ({'art': Image()}, 'BAD_IMAGE', 'line art of 0 x 0 pixels cannot be planned'),
        ({'art': square(20_000)}, 'BAD_IMAGE', 'line art of 20000 x 20000 pixels cannot be planned'),
        ({'strokes': [stroke([(900, 900), (950, 950)])]}, 'NOTHING_TO_DRAW', 'outside the drawable part'),
        ({'strokes': [StrokeMsg(x=[1.0, 2.0], y=[1.0])]}, 'BAD_PLAN', 'a stroke has 2 x but 1 y'),
        ({'strokes': [StrokeMsg()]}, 'BAD_PLAN', 'a stroke needs points'),
        ({'strokes': [stroke([(math.nan, 1)])]}, 'BAD_PLAN', 'a coordinate that is not finite'),
        ({'strokes': [StrokeMsg(x=[1.0], y=[1.0], label='tail')]}, 'BAD_PLAN', "unknown stroke label 'tail'"),
    ],
)
def test_what_cannot_be_planned_is_answered_with_its_code_and_reason(
    desk: Desk, fields: dict[str, Any], code: str, words: str
) -> None:
    answer = desk.plan(**{'strokes': [stroke(RING)], **fields})
    assert ErrorCode(answer.error_code).name == code
    assert words in answer.error_msg
    assert len(answer.plan.strokes) == 0


@pytest.mark.parametrize(
    ('art', 'code', 'words'),
    [
        (image_to_ros(np.full((100, 100), 255, np.uint8), 'mono8'), 'NOTHING_TO_DRAW', 'the picture gave no strokes'),
        (Image(width=9, height=9, step=9, encoding='mono8', data=bytes(5)), 'BAD_IMAGE', 'holds 5 bytes'),
        (Image(width=9, height=9, step=9, encoding='secret', data=bytes(81)), 'BAD_IMAGE', "'secret' is not known"),
    ],
)
def test_a_picture_that_cannot_be_traced_is_answered_with_its_reason(
    desk: Desk, art: Image, code: str, words: str
) -> None:
    answer = desk.plan(art)
    assert ErrorCode(answer.error_code).name == code
    assert words in answer.error_msg


def test_the_machine_is_any_that_can_be_named_or_a_file(desk: Desk, tmp_path: FilePath) -> None:
    path = tmp_path / 'mine.yaml'
    save_machine(Machine('mine', motion=MachineLimits(draw_speed_mm_s=77.0)), path)
    plans = []
    for machine in ('grbl_plotter', str(path)):
        desk.set(profile=machine)
        plans.append(desk.plan(strokes=[stroke(RING)]).plan)
    wanted = RosParameter('profile', value='laser').to_parameter_msg()
    answer = desk.probe.call(SetParameters, 'planner/set_parameters', SetParameters.Request(parameters=[wanted]))
    desk.set(profile='default')
    assert [plan.profile for plan in plans] == ['grbl_plotter', 'mine']
    assert list(plans[0].axis_speed) == pytest.approx([0.2, 0.2])
    assert plans[1].draw_speed == pytest.approx(0.077)
    assert not answer.results[0].successful
    assert answer.results[0].reason.startswith("there is no machine 'laser'; choose one of: arm, axidraw, default, ")


def test_parameters_change_the_next_plan(desk: Desk) -> None:
    slow = desk.plan(strokes=[stroke(RING)]).plan
    desk.set(page='A6', margin=0.02, draw_speed=0.5, orientation='landscape', lift_seconds=0.0)
    try:
        plan = desk.plan(strokes=[stroke(RING)]).plan
    finally:
        desk.set(page='A5', margin=0.01, draw_speed=0.0, orientation='auto', lift_seconds=-1.0)
    assert (plan.page_width, plan.page_height, plan.margin) == pytest.approx((0.148, 0.105, 0.02))
    assert (plan.draw_speed, plan.lift_seconds) == (0.5, 0.0)
    assert slow.draw_speed == 0.1
    assert slow.lift_seconds > 0.0


def test_the_last_plan_is_there_for_whoever_looks_later(desk: Desk) -> None:
    plan = desk.plan(strokes=[stroke(RING), stroke([(10, 10), (500, 10)])], page='A6').plan
    paths, markers = (
        desk.probe.collect(Path, 'path', qos.LATCHED),
        desk.probe.collect(MarkerArray, 'strokes', qos.LATCHED),
    )
    total = 2 + sum(len(s.x) + 2 for s in plan.strokes)
    desk.probe.until(lambda: any(len(path.poses) == total for _, path in paths), 20.0, 'the path')
    desk.probe.until(lambda: any(sheet_width(m) == pytest.approx(0.105) for _, m in markers), 20.0, 'the markers')
    path = paths[-1][1]
    assert path.header.frame_id == 'paper'
    down = np.array([(p.pose.position.x, p.pose.position.y) for p in path.poses if p.pose.position.z == 0.0])
    np.testing.assert_allclose(down, points(plan), atol=1e-12)


def sheet_width(markers: MarkerArray) -> float:
    return next(m.scale.x for m in markers.markers if m.ns == 'sheet')


def test_live_line_art_is_planned_while_somebody_watches(desk: Desk) -> None:
    paths = desk.probe.collect(Path, 'live_path', qos.LATCHED)
    drawn = desk.probe.collect(Path, 'path', qos.LATCHED)
    out = desk.probe.create_publisher(Image, 'line_art', qos.IMAGE)
    desk.probe.until(lambda: out.get_subscription_count() > 0, 20.0, 'the planner listens')
    empty = image_to_ros(np.full((200, 300), 255, np.uint8), 'mono8')
    out.publish(empty)
    desk.probe.until(lambda: 'no live plan: NOTHING_TO_DRAW' in desk.process.output, 20.0, 'the log line')
    art = drawn_lines()
    art.header.stamp = Time(sec=77)
    out.publish(art)
    found = desk.probe.until(lambda: [p for _, p in paths if p.header.stamp.sec == 77], 20.0, 'a live plan')
    assert len(found[0].poses) > 6
    assert [p for _, p in drawn if p.header.stamp.sec == 77] == []  # what is being drawn stays in view
    desk.probe.destroy_publisher(out)


@pytest.mark.parametrize(
    ('fields', 'message'),
    [
        ({'page': 'B9'}, "there is no page 'B9'"),
        ({'time_budget': Duration(sec=-1)}, 'time budget'),
        ({'page': '15x15'}, 'margins'),
    ],
)
def test_a_page_or_budget_that_cannot_be_kept_to_is_refused_without_anything_to_plan(
    desk: Desk, fields: dict[str, Any], message: str
) -> None:
    answer = desk.plan(check_only=True, **fields)
    assert answer.error_code == ErrorCode.BAD_GOAL
    assert message in answer.error_msg
    assert desk.plan(check_only=True).error_code == ErrorCode.OK


def test_the_pen_s_width_on_the_line_art_is_said_before_anything_is_drawn(desk: Desk) -> None:
    a5, a4 = (desk.plan(check_only=True, page=page).pen_pixels for page in ('A5', 'A4'))
    assert a5 == pytest.approx(512 / 128 * 0.5)
    assert a4 == pytest.approx(512 / 190 * 0.5)


def test_a_caption_and_a_signature_are_on_the_plan_and_in_its_time(desk: Desk) -> None:
    plain = desk.plan(strokes=[stroke(RING)]).plan
    layout = SheetLayout(caption_place='top', caption_height=0.006)
    plan = desk.plan(strokes=[stroke(RING)], caption='Łódź', signature='Robbie', layout=layout).plan
    assert_inside(plan)
    assert plan.predicted_seconds > plain.predicted_seconds
    written = np.concatenate([np.column_stack([s.x, s.y]) for s in plan.strokes if s.importance == 1.0])
    assert written[:, 1].max() == pytest.approx(plan.page_height - plan.margin, abs=1e-6)
    drawn = np.concatenate([np.column_stack([s.x, s.y]) for s in plan.strokes if s.importance < 1.0])
    assert drawn[:, 1].max() < plan.page_height - plan.margin - 0.006


@pytest.mark.parametrize(
    ('fields', 'said'),
    [
        ({'caption': '東京'}, 'no single-line letters'),
        ({'signature': '<svg'}, 'the signature: the SVG cannot be read'),
        ({'layout': SheetLayout(border='wavy')}, "there is no border 'wavy'"),
    ],
)
def test_a_layout_that_cannot_be_kept_to_is_refused_before_anybody_sits_for_it(
    desk: Desk, fields: dict[str, Any], said: str
) -> None:
    response = desk.plan(check_only=True, **fields)
    assert response.error_code in (ErrorCode.BAD_GOAL, ErrorCode.BAD_PLAN)
    assert said in response.error_msg


def test_a_configured_caption_and_border_are_on_every_plan(desk: Desk) -> None:
    plain = desk.plan(strokes=[stroke(RING)]).plan
    desk.set(caption='Fair 2026', border='double')
    furnished = desk.plan(strokes=[stroke(RING)]).plan
    desk.set(caption='', border='none')
    assert len(furnished.strokes) > len(plain.strokes) + 2 + len('Fair2026')


def test_ctrl_c_ends_it_in_order(desk: Desk) -> None:
    """The last: it ends the process that the others share."""
    desk.process.signal(2)
    assert desk.process.wait() == 0
    assert 'Traceback' not in desk.process.output
