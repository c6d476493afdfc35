"""The node `plotter` with the simulated machine: plans on paper, cancels, pauses, faults."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pytest
from action_msgs.msg import GoalStatus
from geometry_msgs.msg import PoseStamped
from rclpy.action import ActionClient
from rclpy.parameter import Parameter
from sensor_msgs.msg import Image
from sketch_robot_interfaces.action import ExecutePlan
from sketch_robot_interfaces.msg import DrawingPlan, PlotterState
from std_srvs.srv import SetBool, Trigger
from unique_identifier_msgs.msg import UUID

from sketch_robot.errors import ErrorCode
from sketch_robot.motion import DrawingPlan as Plan
from sketch_robot.motion import MachineLimits, Page, Pen, time_plan
from sketch_robot.nodes import qos
from sketch_robot.nodes.commander import rest_id
from sketch_robot.nodes.conversions import plan_to_ros
from sketch_robot.nodes.images import array_from_ros
from sketch_robot.nodes.messages import duration_from_ros
from sketch_robot.nodes.plotter import PlotterNode
from sketch_robot.plotters import SimulatedPlotter
from sketch_robot.stroke import Stroke
from sketch_robot.testing import World

pytestmark = pytest.mark.system
SPEEDUP = 10.0


def plan_of(*strokes: list[list[float]], page: Page | None = None) -> DrawingPlan:
    """A message of a plan of strokes in mm."""
    made = tuple(Stroke(np.array(xy)) for xy in strokes)
    stroke_s, return_s = time_plan(made, MachineLimits())
    return plan_to_ros(Plan(made, page or Page(148.0, 210.0, 10.0, 'A5'), MachineLimits(), stroke_s, return_s))


def ladder(rungs: int = 40) -> DrawingPlan:
    """Long enough to be met in the middle: horizontal lines of 100 mm."""
    return plan_of(*([[20.0, 20.0 + 4.0 * k], [120.0, 20.0 + 4.0 * k]] for k in range(rungs)))


class Execution:
    """A plan on its way."""

    def __init__(self, world: World, client: ActionClient, plan: DrawingPlan) -> None:
        self.world = world
        self.feedback: list[tuple[float, ExecutePlan.Feedback]] = []
        world.probe.until(client.server_is_ready, what='the action execute_plan')
        goal = ExecutePlan.Goal(plan=plan)
        self.handle = world.probe.result(client.send_goal_async(goal, feedback_callback=self._on_feedback))
        self.accepted = self.handle.accepted
        self.coming = self.handle.get_result_async() if self.accepted else None

    def _on_feedback(self, msg: Any) -> None:
        self.feedback.append((time.monotonic(), msg.feedback))

    def until_strokes(self, number: int) -> None:
        self.world.probe.until(lambda: any(f.strokes_done >= number for _, f in self.feedback), what='strokes')

    def result(self) -> ExecutePlan.Result:
        return self.world.probe.result(self.coming, 60.0).result

    @property
    def status(self) -> int:
        return self.coming.result().status


class Bench:
    """A running plotter node and what it says."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.probe = world.probe
        self.client = ActionClient(world.probe, ExecutePlan, 'execute_plan')
        self.states = world.states()
        self.papers = world.probe.collect(Image, 'paper', qos.LATCHED)
        self.probe.until(lambda: self.state and self.state.status == PlotterState.IDLE, what='the machine is ready')

    @property
    def state(self) -> PlotterState | None:
        return self.states[-1][1] if self.states else None

    def execute(self, plan: DrawingPlan) -> Execution:
        return Execution(self.world, self.client, plan)

    def trigger(self, name: str) -> Trigger.Response:
        return self.probe.call(Trigger, f'plotter/{name}', Trigger.Request())

    def pen(self, down: bool) -> SetBool.Response:
        return self.probe.call(SetBool, 'plotter/pen', SetBool.Request(data=down))

    def until_status(self, status: int) -> None:
        self.probe.until(lambda: self.state.status == status, what=f'status {status}')

    def rest(self) -> None:
        """Wait until nothing moves and the pen is up."""
        self.probe.until(lambda: self.state.status == PlotterState.IDLE and not self.state.pen_down, what='rest')


@pytest.fixture(scope='module')
def shared(shared_world: World) -> Bench:
    shared_world.start_node('plotter', speedup=SPEEDUP, client_timeout=1.0)
    return Bench(shared_world)


@pytest.fixture
def plotter(shared: Bench) -> Iterator[Bench]:
    yield shared
    shared.rest()


def test_a_plan_is_drawn_and_reported_as_predicted(plotter: Bench) -> None:
    plan = ladder(5)
    call = plotter.execute(plan)
    result = call.result()
    assert (result.error_code, result.error_msg, call.status) == (0, '', GoalStatus.STATUS_SUCCEEDED)
    assert (result.strokes_drawn, result.lifts) == (5, 5)
    assert result.ink == pytest.approx(plan.ink, abs=1e-9)
    assert result.travel == pytest.approx(plan.travel, abs=1e-9)
    assert duration_from_ros(result.taken) == pytest.approx(plan.predicted_seconds, rel=1e-3)


def test_the_paper_shows_what_was_drawn_when_the_result_comes(plotter: Bench) -> None:
    result = plotter.execute(plan_of([[20.0, 30.0], [120.0, 30.0]])).result()
    plotter.probe.until(lambda: plotter.papers and plotter.papers[-1][1].header.stamp == result.finished, what='paper')
    paper = plotter.papers[-1][1]
    assert (paper.header.frame_id, paper.encoding) == ('paper', 'mono8')
    assert (paper.width, paper.height) == (1184, 1680)
    dark = array_from_ros(paper) < 128
    rows, columns = np.nonzero(dark)
    assert rows.mean() + 0.5 == pytest.approx((210.0 - 30.0) * 8.0, abs=0.8)
    assert (columns.min() / 8.0, (columns.max() + 1) / 8.0) == pytest.approx((19.75, 120.25), abs=0.2)


def test_an_empty_sheet_lies_there_before_the_first_drawing(world: World) -> None:
    papers = world.probe.collect(Image, 'paper', qos.LATCHED)
    overrides = [Parameter('page', value='A6'), Parameter('paper_resolution', value=1000.0)]
    node = world.adopt(partial(PlotterNode, parameter_overrides=overrides))
    world.probe.until(lambda: papers, what='a sheet')
    paper = papers[0][1]
    assert (paper.encoding, paper.width, paper.height) == ('mono8', 105, 148)
    assert (array_from_ros(paper) == 255).all()
    node.park()


def test_a_plan_of_two_pens_asks_for_the_second_and_shows_both_in_their_colours(plotter: Bench) -> None:
    lines = (np.array([[20.0, 30.0], [60.0, 30.0]]), np.array([[20.0, 40.0], [60.0, 40.0]]))
    strokes = tuple(Stroke(line, pen=pen) for line, pen in zip(lines, ('black', 'red'), strict=True))
    page, profile, pens = Page(148.0, 210.0), MachineLimits(), (Pen('black'), Pen('red', '#c81e28', 2.0))
    plan = Plan(strokes, page, profile, *time_plan(strokes, profile), pens=pens)
    call = plotter.execute(plan_to_ros(plan))
    plotter.until_status(PlotterState.PAUSED)
    assert plotter.state.reason == "put in the pen 'red' (#c81e28, 2 mm), then resume"
    assert not plotter.state.pen_down
    assert plotter.trigger('resume').success
    result = call.result()
    assert (result.error_code, result.strokes_drawn) == (0, 2)
    plotter.probe.until(lambda: plotter.papers and plotter.papers[-1][1].header.stamp == result.finished, what='paper')
    paper = plotter.papers[-1][1]
    assert (paper.encoding, paper.width, paper.height) == ('rgb8', 1184, 1680)
    picture = array_from_ros(paper)
    assert [picture[round((210.0 - y) * 8.0), 320].tolist() for y in (30.0, 40.7, 50.0)] == [
        [24, 24, 24],
        [200, 30, 40],
        [255, 255, 255],
    ]


def test_feedback_and_pen_pose_follow_the_drawing(plotter: Bench) -> None:
    poses = plotter.probe.collect(PoseStamped, 'pen_pose')
    call = plotter.execute(ladder(8))
    call.result()
    done = [f.strokes_done for _, f in call.feedback]
    fractions = [f.fraction for _, f in call.feedback]
    assert done == sorted(done)
    assert fractions == sorted(fractions)
    assert {f.strokes_total for _, f in call.feedback} == {8}
    remaining = [duration_from_ros(f.remaining) for _, f in call.feedback]
    assert remaining == sorted(remaining, reverse=True)
    assert len(poses) > 3
    for _, pose in poses:
        assert pose.header.frame_id == 'paper'
        assert 0.0 <= pose.pose.position.x <= 0.148
        assert 0.0 <= pose.pose.position.y <= 0.210


def test_a_cancel_is_acknowledged_lifts_the_pen_and_parks(plotter: Bench) -> None:
    call = plotter.execute(ladder())
    call.until_strokes(2)
    plotter.probe.result(call.handle.cancel_goal_async())
    plotter.probe.until(lambda: not plotter.state.pen_down, what='the pen is up')
    result = call.result()
    assert (result.error_code, call.status) == (ErrorCode.CANCELLED, GoalStatus.STATUS_CANCELED)
    assert result.error_msg == 'the drawing was cancelled; the pen is up'
    assert 2 <= result.strokes_drawn < 40
    assert result.strokes_drawn * 0.1 - 1e-9 <= result.ink <= (result.strokes_drawn + 1) * 0.1 + 1e-9
    assert result.lifts in (result.strokes_drawn, result.strokes_drawn + 1)
    assert duration_from_ros(result.taken) > 0.0
    plotter.rest()
    assert math.hypot(plotter.state.pen.x, plotter.state.pen.y) < 1e-6


def test_a_second_plan_is_rejected_while_one_is_drawn(plotter: Bench) -> None:
    first = plotter.execute(ladder(10))
    assert not plotter.execute(ladder(1)).accepted
    assert first.result().error_code == ErrorCode.OK


def test_pause_lifts_the_pen_and_resume_draws_the_rest_once(plotter: Bench) -> None:
    call = plotter.execute(ladder(12))
    call.until_strokes(1)
    assert plotter.trigger('pause').success
    plotter.until_status(PlotterState.PAUSED)
    assert not plotter.state.pen_down
    done = plotter.state.strokes_done
    for _ in range(20):
        plotter.probe.executor_.spin_once(timeout_sec=0.02)
    assert plotter.state.strokes_done == done
    assert plotter.trigger('resume').success
    result = call.result()
    assert result.error_code == ErrorCode.OK
    assert result.ink == pytest.approx(1.2, abs=1e-9)


def test_a_cancel_while_paused_parks(plotter: Bench) -> None:
    call = plotter.execute(ladder())
    call.until_strokes(1)
    plotter.trigger('pause')
    plotter.until_status(PlotterState.PAUSED)
    plotter.probe.result(call.handle.cancel_goal_async())
    assert call.result().error_code == ErrorCode.CANCELLED


def test_the_stop_service_ends_the_drawing_with_a_reason(plotter: Bench) -> None:
    call = plotter.execute(ladder())
    call.until_strokes(1)
    answer = plotter.trigger('stop')
    assert (answer.success, answer.message) == (True, 'stopped; the pen is up')
    result = call.result()
    assert (result.error_code, call.status) == (ErrorCode.CANCELLED, GoalStatus.STATUS_ABORTED)
    assert result.error_msg == 'the drawing was stopped through ~/stop; the pen is up'


def test_without_a_drawing_stop_pause_and_resume_say_so(plotter: Bench) -> None:
    assert plotter.execute(ladder(1)).result().error_code == ErrorCode.OK  # nothing is left unfinished
    assert plotter.trigger('stop').message == 'there was no drawing'
    for name in ('pause', 'resume'):
        answer = plotter.trigger(name)
        assert (answer.success, answer.message) == (False, 'there is no drawing')


def test_the_pen_moves_by_hand_between_drawings_only(plotter: Bench) -> None:
    assert plotter.pen(True).success
    plotter.probe.until(lambda: plotter.state.pen_down, what='pen down')
    assert plotter.pen(False).message == 'the pen is up'
    plotter.probe.until(lambda: not plotter.state.pen_down, what='pen up')
    call = plotter.execute(ladder())
    call.until_strokes(1)
    for answer in (plotter.pen(True), plotter.trigger('home')):
        assert not answer.success
        assert answer.message == 'BUSY: a drawing is running; stop it first (~/stop)'
    plotter.probe.result(call.handle.cancel_goal_async())
    call.result()


def test_home_lifts_the_pen(plotter: Bench) -> None:
    plotter.pen(True)
    assert plotter.trigger('home').success
    plotter.rest()


@pytest.mark.parametrize(
    ('change', 'code', 'words'),
    [
        (lambda p: p.strokes[0].x.__setitem__(1, 0.5), ErrorCode.OFF_PAGE, 'stroke 0 leaves the page'),
        (lambda p: p.strokes[1].y.__setitem__(0, math.nan), ErrorCode.BAD_PLAN, 'not finite'),
        (lambda p: p.strokes[0].x.pop(), ErrorCode.BAD_PLAN, '1 x but 2 y coordinates'),
        (lambda p: setattr(p.strokes[0], 'label', 'ghost'), ErrorCode.BAD_PLAN, "unknown stroke label 'ghost'"),
        (lambda p: setattr(p, 'draw_speed', 0.0), ErrorCode.BAD_PLAN, 'draw_speed'),
        (lambda p: setattr(p, 'stroke_seconds', [1.0]), ErrorCode.BAD_PLAN, '2 strokes but 1'),
        (lambda p: setattr(p, 'page_width', math.inf), ErrorCode.BAD_PLAN, 'page_width'),
        (lambda p: (p.strokes.clear(), setattr(p, 'stroke_seconds', [])), ErrorCode.NOTHING_TO_DRAW, 'no strokes'),
    ],
)  # fmt: skip
def test_a_bad_plan_is_refused_before_anything_moves(plotter: Bench, change: Any, code: ErrorCode, words: str) -> None:
    plan = ladder(2)
    change(plan)
    seen = len(plotter.states)
    call = plotter.execute(plan)
    result = call.result()
    assert (result.error_code, call.status) == (code, GoalStatus.STATUS_ABORTED)
    assert words in result.error_msg
    assert not any(state.pen_down for _, state in plotter.states[seen:])


def test_a_goal_that_comes_while_the_machine_is_being_connected_waits_for_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect = SimulatedPlotter.connect
    gate = threading.Event()
    monkeypatch.setattr(SimulatedPlotter, 'connect', lambda plotter: gate.wait(20.0) and connect(plotter))
    node = world.adopt(partial(PlotterNode, parameter_overrides=[Parameter('speedup', value=50.0)]))
    client = ActionClient(world.probe, ExecutePlan, 'execute_plan')
    call = Execution(world, client, ladder(1))
    for _ in range(20):
        world.probe.executor_.spin_once(timeout_sec=0.01)
    assert not call.coming.done()
    gate.set()
    assert call.result().error_code == ErrorCode.OK
    node.park()


def test_a_goal_that_comes_while_the_node_is_shutting_down_is_told_so(world: World) -> None:
    node = world.adopt(PlotterNode)
    node.park()
    result = Execution(world, ActionClient(world.probe, ExecutePlan, 'execute_plan'), ladder(1)).result()
    assert (result.error_code, result.error_msg) == (ErrorCode.PLOTTER_OFFLINE, 'the plotter node is shutting down')


def test_a_plan_of_more_than_a_day_is_refused_before_anything_moves(plotter: Bench) -> None:
    plan = ladder(2)
    plan.stroke_seconds = [1.0, 86_400.0]
    result = plotter.execute(plan).result()
    assert (result.error_code, result.strokes_drawn) == (ErrorCode.BAD_PLAN, 0)
    assert result.error_msg == 'the plan would take 24.0 hours; 24 at most'


def test_a_client_that_falls_silent_ends_its_drawing_although_others_could_have_sent_it(plotter: Bench) -> None:
    signs = plotter.probe.create_publisher(UUID, 'execute_plan_keepalive', qos.KEEPALIVE)
    call = plotter.execute(ladder())
    plotter.probe.until(lambda: signs.get_subscription_count() > 0, what='the plotter listens to signs of life')
    signs.publish(call.handle.goal_id)
    assert call.result().error_code == ErrorCode.CLIENT_LOST
    left = plotter.probe.until(lambda: plotter.state.unfinished, what='the rest')
    assert plotter.trigger('resume').success
    plotter.until_status(PlotterState.DRAWING)
    signs.publish(rest_id(left))
    plotter.probe.until(lambda: plotter.state.unfinished == left, what='whoever had the rest drawn is missed, too')
    plotter.probe.destroy_publisher(signs)


def test_a_client_that_dies_ends_the_drawing_with_the_pen_up(plotter: Bench) -> None:
    mortal = ActionClient(plotter.probe, ExecutePlan, 'execute_plan')
    call = Execution(plotter.world, mortal, ladder())
    call.until_strokes(1)
    mortal.destroy()
    plotter.client.destroy()
    said = 'CLIENT_LOST: whoever asked for the drawing is gone; the pen is up'
    plotter.probe.until(lambda: said in plotter.world.running[0].output, what=said)
    plotter.rest()
    plotter.client = ActionClient(plotter.probe, ExecutePlan, 'execute_plan')
    assert plotter.state.strokes_done < 40


def test_an_alarm_ends_the_drawing_pen_up_and_home_clears_it(world: World) -> None:
    world.start_node('plotter', speedup=20.0, alarm_after_strokes=2)
    plotter = Bench(world)
    call = plotter.execute(ladder(5))
    result = call.result()
    assert (result.error_code, call.status) == (ErrorCode.PLOTTER_ALARM, GoalStatus.STATUS_ABORTED)
    assert result.error_msg == 'simulated alarm after 2 strokes; home the machine to go on'
    plotter.until_status(PlotterState.ALARM)
    plotter.probe.until(lambda: not plotter.state.pen_down, what='the pen is up')
    assert plotter.execute(ladder(1)).result().error_code == ErrorCode.PLOTTER_ALARM
    assert plotter.trigger('home').success
    plotter.until_status(PlotterState.IDLE)
    assert plotter.execute(ladder(1)).result().error_code == ErrorCode.OK


def test_a_machine_lost_in_mid_stroke_ends_the_drawing_pen_up_and_comes_back(world: World) -> None:
    world.start_node('plotter', speedup=20.0, offline_after_strokes=2)
    plotter = Bench(world)
    call = plotter.execute(ladder(5))
    result = call.result()
    assert (result.error_code, call.status) == (ErrorCode.PLOTTER_OFFLINE, GoalStatus.STATUS_ABORTED)
    assert result.strokes_drawn == 2
    plotter.probe.until(lambda: not plotter.state.pen_down, what='the pen is up')  # the topic may come after the result
    plotter.until_status(PlotterState.IDLE)
    assert plotter.execute(ladder(1)).result().error_code == ErrorCode.OK


def test_a_cancel_right_after_acceptance_is_not_lost(plotter: Bench) -> None:
    for _ in range(5):
        call = plotter.execute(ladder())
        plotter.probe.result(call.handle.cancel_goal_async())
        result = call.result()
        assert (result.error_code, call.status) == (ErrorCode.CANCELLED, GoalStatus.STATUS_CANCELED)
        assert result.strokes_drawn < 3


def test_ctrl_c_in_mid_stroke_lifts_the_pen_before_the_node_ends(world: World) -> None:
    running = world.start_node('plotter', speedup=1.0)
    plotter = Bench(world)
    plotter.execute(ladder())
    plotter.probe.until(lambda: plotter.state.pen_down, what='the pen draws')
    running.signal(2)
    plotter.probe.until(lambda: running.process.poll() is not None, 15.0, 'the node ends')
    assert running.process.returncode == 0, running.output
    plotter.probe.until(lambda: not plotter.state.pen_down, what='the last word is that the pen is up')
    assert 'the plotter node is shutting down; the pen is up' in running.output


def test_the_profile_of_a_plan_survives_the_journey() -> None:
    profile = replace(MachineLimits(), pen_width_mm=0.7)
    assert plan_to_ros(Plan((), Page(148.0, 210.0), profile)).pen_width == pytest.approx(0.0007)
