"""Nodes whose life a manager decides on: camera, line_artist and plotter."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
import pytest
from diagnostic_msgs.msg import DiagnosticArray
from lifecycle_msgs.srv import ChangeState, GetState
from rclpy.action import ActionClient
from rclpy.parameter import Parameter
from rclpy.time import Time
from sensor_msgs.msg import Image
from sketch_robot_interfaces.action import ExecutePlan
from sketch_robot_interfaces.msg import PlotterState
from sketch_robot_interfaces.srv import RenderLineArt
from std_srvs.srv import Trigger

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.motion import DrawingPlan, MachineLimits, parse_page, time_plan
from sketch_robot.nodes import qos
from sketch_robot.nodes.camera import CameraNode
from sketch_robot.nodes.conversions import plan_to_ros
from sketch_robot.nodes.line_artist import LineArtistNode
from sketch_robot.nodes.managed import ManagedNode
from sketch_robot.nodes.plotter import PlotterNode
from sketch_robot.stroke import Stroke
from sketch_robot.testing import World

pytestmark = pytest.mark.system


class Manager:
    """A node that waits for a manager, and the manager."""

    def __init__(self, world: World, kind: type[ManagedNode], **parameters: Any) -> None:
        self._probe = world.probe
        overrides = [Parameter(name, value=value) for name, value in {'autostart': False, **parameters}.items()]
        self.node: Any = world.adopt(partial(kind, parameter_overrides=overrides))
        self._name = self.node.get_name()
        self._health = self._probe.collect(DiagnosticArray, '/diagnostics', 100)

    def tell(self, transition: str) -> bool:
        request = ChangeState.Request()
        request.transition.label = transition
        return self._probe.call(ChangeState, f'{self._name}/change_state', request).success

    @property
    def state(self) -> str:
        return self._probe.call(GetState, f'{self._name}/get_state', GetState.Request()).current_state.label

    def until_it_says(self, words: str) -> None:
        self._probe.until(lambda: any(words in s.message for _, m in self._health for s in m.status), what=words)


@pytest.fixture
def manage(world: World) -> Iterator[Any]:
    made: list[Manager] = []

    def manager(kind: type[ManagedNode], **parameters: Any) -> Manager:
        made.append(Manager(world, kind, **parameters))
        return made[-1]

    yield manager
    for each in made:
        each.node.park()


def ladder(rungs: int) -> Any:
    strokes = tuple(Stroke(np.array([[20.0, 20.0 + 4.0 * k], [120.0, 20.0 + 4.0 * k]])) for k in range(rungs))
    stroke_s, return_s = time_plan(strokes, MachineLimits())
    return plan_to_ros(DrawingPlan(strokes, parse_page('A5'), MachineLimits(), stroke_s, return_s))


def test_a_camera_sends_only_while_it_is_active_and_can_be_activated_again(world: World, manage: Any) -> None:
    camera = manage(CameraNode, source='astronaut', still_rate_hz=50.0)
    images = world.probe.collect(Image, 'image_raw', qos.IMAGE)
    assert camera.state == 'unconfigured'
    answer = world.probe.call(Trigger, 'camera/capture', Trigger.Request())
    assert (answer.success, answer.message) == (False, 'NO_FRAME: the node camera is not active; activate it')
    camera.until_it_says('inactive')
    for _ in range(2):
        assert camera.tell('configure')
        assert camera.tell('activate')
        begin = camera.node.get_clock().now()
        world.probe.until(lambda b=begin: Time.from_msg(images[-1][1].header.stamp) > b, what='a picture')
        assert camera.tell('deactivate')
        end = camera.node.get_clock().now()
        assert camera.state == 'inactive'
        assert camera.tell('cleanup')
    assert not [each for _, each in images if Time.from_msg(each.header.stamp) > end]
    assert camera.tell('shutdown')
    assert camera.state == 'finalized'


def test_a_plotter_that_is_deactivated_lifts_the_pen_lets_the_machine_go_and_draws_again_when_activated(
    world: World, manage: Any
) -> None:
    plotter = manage(PlotterNode, speedup=5.0)
    states = world.states()
    client = ActionClient(world.probe, ExecutePlan, 'execute_plan')
    world.probe.until(client.server_is_ready)

    def execute(rungs: int) -> Any:
        handle = world.probe.result(client.send_goal_async(ExecutePlan.Goal(plan=ladder(rungs))))
        return handle.get_result_async()

    refused = world.probe.result(execute(1)).result
    assert refused.error_code == ErrorCode.PLOTTER_OFFLINE
    assert refused.error_msg == 'no machine is connected: the node plotter is inactive; activate it'
    assert plotter.tell('configure')
    assert plotter.tell('activate')
    world.probe.until(lambda: states[-1][1].status == PlotterState.IDLE, what='the machine is ready')
    coming = execute(30)
    world.probe.until(lambda: states[-1][1].strokes_done >= 1, what='it draws')
    assert plotter.tell('deactivate')
    result = world.probe.result(coming).result
    assert (result.error_code, result.error_msg) == (
        ErrorCode.CANCELLED, 'the plotter node was deactivated; the pen is up'
    )  # fmt: skip
    world.probe.until(lambda: states[-1][1].status == PlotterState.OFFLINE, what='the machine is let go')
    assert not states[-1][1].pen_down
    assert states[-1][1].reason == 'the node plotter is inactive; activate it'
    assert plotter.tell('activate')
    world.probe.until(lambda: states[-1][1].status == PlotterState.IDLE, what='the machine is ready again')
    assert world.probe.result(execute(1)).result.error_code == ErrorCode.OK


def test_an_inactive_plotter_that_is_not_cleaned_up_keeps_its_drawings_from_another(world: World, manage: Any) -> None:
    first, second = manage(PlotterNode), manage(PlotterNode)
    assert first.node.trigger_configure().name == 'SUCCESS'
    assert second.node.trigger_configure().name == 'FAILURE'
    assert first.node.trigger_cleanup().name == 'SUCCESS'
    assert second.node.trigger_configure().name == 'SUCCESS'


def test_a_line_artist_loads_when_configured_and_offers_when_active(
    world: World, manage: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    loads: list[str] = []

    def warm_up(node: LineArtistNode) -> float:
        loads.append('load')
        if len(loads) == 1:
            raise SketchRobotError(ErrorCode.INTERNAL, 'the network is damaged')
        return 0.1

    monkeypatch.setattr(LineArtistNode, '_warm_up', warm_up)
    artist = manage(LineArtistNode)
    client = world.probe.create_client(RenderLineArt, 'render_line_art')
    assert not artist.tell('configure')
    assert artist.state == 'unconfigured'
    assert artist.tell('configure')
    assert loads == ['load', 'load']
    assert not client.service_is_ready()
    assert artist.tell('activate')
    world.probe.until(client.service_is_ready, what='it offers line art')
    answer = world.probe.result(client.call_async(RenderLineArt.Request(check_only=True)))
    assert answer.error_code == ErrorCode.OK
    assert artist.tell('deactivate')
    world.probe.until(lambda: not client.service_is_ready(), what='it offers none')
    world.probe.destroy_client(client)


def test_a_changed_artist_is_loaded_for_the_next_drawing(
    world: World, manage: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []

    class ArtistDouble:
        def warm_up(self) -> None:
            pass

    monkeypatch.setattr(LineArtistNode, '_warm_up', lambda _: 0.1)
    monkeypatch.setattr(
        'sketch_robot.nodes.line_artist.make_artist', lambda name, **_: made.append(name) or ArtistDouble()
    )
    artist = manage(LineArtistNode, autostart=True)
    client = world.probe.create_client(RenderLineArt, 'render_line_art')
    world.probe.until(client.service_is_ready, what='it offers line art')
    (set_,) = artist.node.set_parameters([Parameter('artist', value='guided')])
    assert set_.successful
    world.probe.until(lambda: made == ['guided'], what='it is loaded before anybody asks')
    (refused,) = artist.node.set_parameters([Parameter('runtime', value='torch')])
    assert not refused.successful  # read-only: what runs the network is fixed when the node starts
    world.probe.destroy_client(client)
