"""The node `plotter` as a process, with an emulated GRBL controller on a pseudo-terminal: pauses, cancels, kills."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from rclpy.action import ActionClient
from sketch_robot_interfaces.action import ExecutePlan
from sketch_robot_interfaces.msg import PlotterState
from std_srvs.srv import Trigger

from sketch_robot.errors import ErrorCode
from sketch_robot.motion import DrawingPlan, Machine, Page, Pen, load_machine, save_machine, time_plan
from sketch_robot.nodes.conversions import plan_to_ros
from sketch_robot.stroke import Stroke
from sketch_robot.testing import World
from sketch_robot_emulators import EmulatedGrbl, Fault, GrblUnit, Hardware

pytestmark = [pytest.mark.system, pytest.mark.timeout(400)]  # twenty kills take their time on a busy computer
PAGE = Page(148.0, 210.0, 10.0, 'A5')
SWITCHES_MM = (-1.0, -1.0, 10.0)  # after a pull-off of 1 mm the pen is on the page's corner
HOMES = {22: 1, 23: 3, 27: 1.0}
SPEEDUP = 6.0
OVERLAP_MM = 0.5  # of a stroke that was interrupted
NURSE = """
import json, os, signal, sys
import sketch_robot.nodes.plotter as node
import sketch_robot.plotters.grbl.driver
signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the dead leave no trace
for line in sys.stdin:
    pid = os.fork()
    if pid == 0:
        sys.argv[1:], environment = json.loads(line)
        os.environ.update(environment)
        sys.stdout = sys.stderr
        node.main()
    print(pid, flush=True)
"""


def zigzags(count: int, pens: tuple[str, ...] = ('',)) -> DrawingPlan:
    """Strokes that never come near each other, so that ink drawn twice shows in the length of ink."""
    profile = load_machine('grbl_plotter').motion
    each = -(-count // len(pens))
    strokes = tuple(
        Stroke(np.array([[20.0, y], [60.0, y + 2.0], [100.0, y], [125.0, y + 2.0]]), pen=pens[k // each])
        for k, y in enumerate(np.linspace(20.0, 190.0, count))
    )
    stroke_s, return_s = time_plan(strokes, profile)
    used = tuple(Pen(name) for name in pens if name)
    return DrawingPlan(strokes, PAGE, profile, stroke_s, return_s, pens=used)


@pytest.fixture(scope='module', autouse=True)
def compiled() -> None:
    """Compile the emulated controller's kernels now rather than while a node waits for its answer."""
    unit = GrblUnit(Hardware(PAGE))
    unit.client_opens()
    unit.run(3.0)
    unit.send(b'G21G91G1X5Y5F3000\nG4P0.1\n!~')
    unit.run(3.0)


class Nursery:
    """A process that has loaded all that the node needs, and becomes one as often as it is asked to.

    To start Python twenty times would take longer than all the rest.
    """

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, '-c', NURSE],
            cwd=Path(__file__).parents[2],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def bear(self, environment: dict[str, str], *words: str) -> int:
        """The process id of a new node."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps([words, environment]) + '\n')
        self._process.stdin.flush()
        return int(self._process.stdout.readline())

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(10.0)


class Site:
    """An emulated machine, and a node that drives it and can be killed."""

    def __init__(self, world: World, nursery: Nursery, folder: Path, *, homes: bool) -> None:
        hardware = Hardware(PAGE, switch_mm=SWITCHES_MM if homes else None)
        self.link = folder / 'plotter'
        self.machine = EmulatedGrbl(
            hardware, settings=HOMES if homes else {}, speedup=SPEEDUP, link=self.link, reset_on_open=False
        )
        self.machine.start()
        base = load_machine('grbl_plotter')
        self.profile = folder / 'bench.yaml'
        options = {'port': str(self.link), 'check': False}
        save_machine(Machine('bench', driver='grbl', motion=base.motion, options=options), self.profile)
        self.world, self.probe = world, world.probe
        self.states = world.states()
        self.health: list[tuple[float, DiagnosticArray]] = world.probe.collect(DiagnosticArray, '/diagnostics')
        self.client = ActionClient(world.probe, ExecutePlan, 'execute_plan')
        self._triggers: dict[str, Any] = {}
        self._nursery = nursery
        self.pid = 0
        self.start()

    def start(self) -> None:
        """Start the node and wait until its machine is ready."""
        self.states.clear()
        said = {'machine': f"'{self.profile}'", 'client_timeout': '60.0'}
        words = [word for name, value in said.items() for word in ('-p', f'{name}:={value}')]
        self.pid = self._nursery.bear(self.world.environment, '--ros-args', *words)
        self.until_status(PlotterState.IDLE)

    def kill(self) -> None:
        """End the node as a power cut does."""
        os.kill(self.pid, signal.SIGKILL)
        self.probe.until(lambda: not self.is_alive, what='the end')

    @property
    def is_alive(self) -> bool:
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        return True

    @property
    def state(self) -> PlotterState | None:
        return self.states[-1][1] if self.states else None

    def until_status(self, *status: int) -> PlotterState:
        self.probe.until(lambda: self.state and self.state.status in status, 30.0, f'status {status}')
        assert self.state is not None
        return self.state

    def until_done(self, plan: DrawingPlan) -> None:
        """Wait until all of a plan is drawn and the machine at rest."""

        def is_done() -> bool:
            state = self.state
            return state is not None and (state.status, state.strokes_done) == (PlotterState.IDLE, len(plan.strokes))

        self.probe.until(is_done, 60.0, 'the end of the drawing')

    def until_ink(self, ink_mm: float) -> None:
        """Wait until so much is on paper; the pen is down then."""
        self.probe.until(lambda: self.machine.paper.ink_mm >= ink_mm and self.machine.pen_down, 30.0, 'ink')

    def execute(self, plan: DrawingPlan) -> Any:
        self.probe.until(self.client.server_is_ready, what='the action execute_plan')
        handle = self.probe.result(self.client.send_goal_async(ExecutePlan.Goal(plan=plan_to_ros(plan))))
        assert handle.accepted
        return handle

    def result_of(self, handle: Any) -> ExecutePlan.Result:
        return self.probe.result(handle.get_result_async(), 60.0).result

    def trigger(self, name: str) -> Trigger.Response:
        if name not in self._triggers:
            self._triggers[name] = self.probe.create_client(Trigger, f'plotter/{name}')
        client = self._triggers[name]
        self.probe.until(client.service_is_ready, what=name)
        for _ in range(10):  # one who was killed still seems to be there, and may be asked in vain
            asked = client.call_async(Trigger.Request())
            end_s = time.monotonic() + (0.5 if name == 'resume' else 5.0)
            while not asked.done() and time.monotonic() < end_s:
                self.probe.executor_.spin_once(timeout_sec=0.01)
            if asked.done():
                return asked.result()
        pytest.fail(f'{name} is not answered')

    def until_pen_up(self) -> None:
        self.probe.until(lambda: not self.machine.pen_down, what='the pen is up')

    def close(self) -> None:
        if self.is_alive:
            os.kill(self.pid, signal.SIGTERM)
            self.probe.until(lambda: not self.is_alive, what='the node ends')
        self.machine.close()


@pytest.fixture(scope='module')
def nursery() -> Iterator[Nursery]:
    made = Nursery()
    try:
        yield made
    finally:
        made.close()


@pytest.fixture
def homes() -> bool:
    """Whether the machine has limit switches."""
    return True


@pytest.fixture
def site(world: World, nursery: Nursery, tmp_path: Path, homes: bool) -> Iterator[Site]:
    made = Site(world, nursery, tmp_path, homes=homes)
    try:
        yield made
    finally:
        made.close()


def farthest_mm(plan: DrawingPlan, lines: tuple[np.ndarray, ...]) -> tuple[float, float]:
    """How far ink is from the plan at most, and the plan from ink; both sampled every 0.2 mm."""
    wanted, drawn = (
        np.concatenate([_sampled(line) for line in part]) for part in ([s.xy for s in plan.strokes], lines)
    )
    apart = np.hypot(*(wanted[:, None] - drawn[None]).transpose(2, 0, 1))
    return float(apart.min(axis=0).max()), float(apart.min(axis=1).max())


def _sampled(line: np.ndarray) -> np.ndarray:
    along = np.concatenate(([0.0], np.cumsum(np.hypot(*np.diff(line, axis=0).T))))
    at = np.linspace(0.0, along[-1], max(2, int(along[-1] / 0.2)))
    return np.stack([np.interp(at, along, line[:, axis]) for axis in range(2)], axis=1)


def assert_drawn(site: Site, plan: DrawingPlan, interruptions: int) -> None:
    """The paper equals the plan, nothing twice but the overlaps, the pen up, no way of it pen down or off the page."""
    machine = site.machine
    assert machine.wait_until_idle()
    ink_off, plan_off = farthest_mm(plan, machine.paper.polylines)
    assert ink_off < 0.25  # half a pen's width
    assert plan_off < 0.25
    assert machine.paper.ink_mm <= plan.ink_mm + interruptions * OVERLAP_MM + 0.01 * len(plan.strokes)
    assert not machine.pen_down
    assert machine.unit.trace.pen_down_travel_mm == 0.0
    assert machine.unit.trace.outside_mm == 0.0
    assert tuple(np.round(machine.xy_mm, 2)) == (0.0, 0.0)


def test_a_plan_is_drawn_by_a_grbl_machine(site: Site) -> None:
    plan = zigzags(6)
    result = site.result_of(site.execute(plan))
    assert (result.error_code, result.error_msg) == (0, '')
    assert (result.strokes_drawn, result.lifts) == (6, 6)
    assert_drawn(site, plan, 0)
    assert {state.status for _, state in site.states} >= {PlotterState.IDLE, PlotterState.DRAWING}
    assert site.state is not None
    assert site.state.machine == 'bench'


def test_twenty_pauses_lift_the_pen_each_time_and_leave_the_drawing_as_planned(site: Site) -> None:
    plan = zigzags(12)
    step = plan.ink_mm / 21.0
    handle = site.execute(plan)
    for number in range(1, 21):
        site.until_ink(number * step)
        assert site.trigger('pause').success
        state = site.until_status(PlotterState.PAUSED)
        assert (state.pen_down, state.reason) == (False, 'paused on request')
        assert not site.machine.pen_down
        assert site.trigger('resume').success
    result = site.result_of(handle)
    assert (result.error_code, result.strokes_drawn) == (0, 12)
    assert_drawn(site, plan, 20)
    assert PlotterState.RESUMING in {state.status for _, state in site.states}


def test_twenty_cancels_lift_the_pen_and_resume_draws_exactly_the_rest(site: Site) -> None:
    plan = zigzags(12)
    step = plan.ink_mm / 21.0
    handle = site.execute(plan)
    for number in range(1, 21):
        site.until_ink(number * step)
        if number == 1:
            site.probe.result(handle.cancel_goal_async())
        else:
            assert site.trigger('stop').success
        site.until_pen_up()
        site.probe.until(lambda: 'strokes are on paper; ~/resume draws the rest' in site.state.reason, what='the end')
        answer = site.trigger('resume')
        assert answer.success, answer.message
    site.until_done(plan)
    assert_drawn(site, plan, 20)
    assert site.trigger('resume').message == 'there is no drawing'


def test_twenty_kills_in_mid_stroke_lose_no_ink_and_draw_none_twice(site: Site) -> None:
    plan = zigzags(10)
    step = plan.ink_mm / 21.0
    site.execute(plan)
    for number in range(1, 21):
        site.until_ink(number * step)
        site.kill()
        site.start()
        assert not site.machine.pen_down  # the machine had gone on with what it had; the node lifts the pen at once
        answer = site.trigger('resume')
        if not answer.success:
            assert answer.message == 'there is no drawing'
            break
    site.until_done(plan)
    assert_drawn(site, plan, number)


def test_a_machine_that_is_unplugged_is_found_again_and_goes_on(site: Site) -> None:
    plan = zigzags(6)
    device = site.link.resolve()
    handle = site.execute(plan)
    site.until_ink(plan.ink_mm / 3.0)
    site.machine.unplug()
    result = site.result_of(handle)
    assert result.error_code == ErrorCode.PLOTTER_OFFLINE
    state = site.until_status(PlotterState.OFFLINE)
    assert 'plug' in state.reason
    site.probe.until(lambda: site.health[-1][1].status[0].level == DiagnosticStatus.WARN, what='reconnecting')
    site.probe.until(lambda: site.health[-1][1].status[0].level == DiagnosticStatus.ERROR, what='given up for now')
    site.machine.replug()
    site.until_status(PlotterState.IDLE)
    assert site.link.resolve() != device or device.exists()
    assert site.trigger('resume').success
    site.until_done(plan)
    assert_drawn(site, plan, 1)


def test_sigterm_in_mid_stroke_lifts_the_pen_parks_and_keeps_the_rest(site: Site) -> None:
    plan = zigzags(6)
    site.execute(plan)
    site.until_ink(plan.ink_mm / 3.0)
    os.kill(site.pid, signal.SIGTERM)
    site.probe.until(lambda: not site.is_alive, what='the end')
    assert not site.machine.pen_down
    assert tuple(np.round(site.machine.xy_mm, 2)) == (0.0, 0.0)
    assert site.machine.unit.settings[1] == 255  # the motors stay on
    site.start()
    assert site.trigger('resume').success
    site.until_done(plan)
    assert_drawn(site, plan, 1)


def test_between_two_pens_the_machine_parks_and_asks_for_the_next(site: Site) -> None:
    plan = zigzags(4, ('blue', 'red'))
    handle = site.execute(plan)
    state = site.until_status(PlotterState.PAUSED)
    assert (state.reason, state.pen_down) == ("put in the pen 'red' (#000000, 0.5 mm), then resume", False)
    assert site.machine.paper.ink_mm == pytest.approx(plan.ink_mm / 2.0, abs=0.05)
    assert site.trigger('resume').success
    assert site.result_of(handle).error_code == ErrorCode.OK
    assert_drawn(site, plan, 0)


def test_after_a_reset_a_machine_with_switches_homes_by_itself_and_draws_the_rest(site: Site) -> None:
    plan = zigzags(4)
    handle = site.execute(plan)
    site.until_ink(plan.ink_mm / 2.0)
    site.machine.inject(Fault('reset', 'ink', 0.0))
    result = site.result_of(handle)
    assert result.error_code == ErrorCode.PLOTTER_ALARM
    state = site.until_status(PlotterState.ALARM)
    assert '~/resume draws the rest' in state.reason
    site.until_pen_up()
    answer = site.trigger('resume')
    assert answer.success, answer.message
    site.until_done(plan)
    ink_off, plan_off = farthest_mm(plan, site.machine.paper.polylines)
    assert plan_off < 0.25
    assert ink_off < 1.0  # where the pen slid to a stop
    assert site.machine.paper.ink_mm < plan.ink_mm + plan.strokes[0].length  # at most the stroke in progress


@pytest.mark.parametrize('homes', [False])
def test_after_power_on_and_after_a_reset_a_machine_without_switches_asks_for_its_origin(site: Site) -> None:
    plan = zigzags(4)
    result = site.result_of(site.execute(plan))
    assert result.error_code == ErrorCode.PLOTTER_ALARM
    assert 'does not know where the pen is' in result.error_msg
    assert site.machine.paper.ink_mm == 0.0
    assert site.trigger('set_origin').success
    handle = site.execute(plan)
    site.until_ink(plan.ink_mm / 2.0)
    site.machine.inject(Fault('reset', 'ink', 0.0))
    assert site.result_of(handle).error_code == ErrorCode.PLOTTER_ALARM
    drawn_mm = site.machine.paper.ink_mm
    answer = site.trigger('resume')
    assert not answer.success
    assert "over the page's lower left corner and set the origin there, then resume; ~/set_origin" in answer.message
    assert site.machine.paper.ink_mm == drawn_mm
    assert not site.machine.pen_down
    assert site.trigger('set_origin').success
    site.until_status(PlotterState.IDLE)
