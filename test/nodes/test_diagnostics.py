"""What nodes say of themselves: their state on `/diagnostics`, and one line in the log for a drawing."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from hypothesis import given
from hypothesis import strategies as st
from neighbours import Neighbours
from rclpy.parameter import Parameter
from sensor_msgs.msg import Image
from sketch_robot_interfaces.srv import PlanDrawing

from sketch_robot.errors import ErrorCode
from sketch_robot.motion import DrawingPlan, MachineLimits, parse_page, time_plan
from sketch_robot.nodes import diagnostics as module
from sketch_robot.nodes import qos
from sketch_robot.nodes.camera import CameraNode
from sketch_robot.nodes.conversions import plan_to_ros
from sketch_robot.nodes.diagnostics import (
    ERROR,
    OK,
    WARN,
    Diagnostics,
    Health,
    Latency,
    Rate,
    log_line,
    text_of,
)
from sketch_robot.nodes.node import SketchNode
from sketch_robot.nodes.planner import PlannerNode
from sketch_robot.nodes.plotter import PlotterNode
from sketch_robot.nodes.portrait import PortraitNode
from sketch_robot.stroke import Stroke
from sketch_robot.testing import World


def test_a_rate_is_that_of_the_last_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(module.time, 'monotonic', lambda: now[0])
    rate = Rate()
    for _ in range(150):
        now[0] += 1.0 / 30.0
        rate.tick()
    assert rate.hz == pytest.approx(30.0, abs=0.3)
    now[0] += 2.5
    assert rate.hz == pytest.approx(15.0, abs=0.3)
    now[0] += 10.0
    assert (rate.hz, rate.count) == (0.0, 150)


def test_of_latencies_the_median_and_the_worst_of_the_last_twenty_are_told() -> None:
    latency = Latency()
    assert latency.values('plan') == {}
    for seconds in [9.0, *[0.1] * 18, 0.5, 0.1]:
        latency.add(seconds)
    assert latency.values('plan') == {'plan_s': 0.1, 'plan_worst_s': 0.5}


def test_values_are_short_and_plain() -> None:
    assert [text_of(value) for value in (True, 3, 1.0 / 3.0, 12345.678, float('nan'), 'A5')] == [
        'true', '3', '0.3333', '1.235e+04', 'nan', 'A5',
    ]  # fmt: skip


def test_a_log_line_is_words_of_key_and_value_with_texts_quoted() -> None:
    line = log_line('drawing', id='ab12', code='OK', ink_m=1.25, page='148x210', error='no "pen", wait', strokes='3/5')
    assert line == r'drawing id=ab12 code=OK ink_m=1.25 page=148x210 error="no \"pen\", wait" strokes=3/5'


@given(st.dictionaries(st.sampled_from('abc'), st.text(), min_size=1))
def test_a_log_line_is_one_line(values: dict[str, str]) -> None:
    assert len(log_line('drawing', **values).splitlines()) == 1


# ------------------------------------------------------------------------------------------------------- in nodes


class Doctor:
    """Hears what all nodes of a world say."""

    def __init__(self, world: World) -> None:
        self._probe = world.probe
        self._heard = world.probe.collect(DiagnosticArray, '/diagnostics', 100)

    def said(self, name: str) -> DiagnosticStatus | None:
        statuses = [status for _, msg in self._heard for status in msg.status if status.name == name]
        return statuses[-1] if statuses else None

    def until(self, name: str, level: bytes, **values: str) -> dict[str, str]:
        """Wait until a status has a level and values; all of its values."""

        def as_wanted() -> dict[str, str] | None:
            status = self.said(name)
            if status is None or status.level != level:
                return None
            found = {pair.key: pair.value for pair in status.values}
            return found if all(found.get(key) == value for key, value in values.items()) else None

        return self._probe.until(as_wanted, what=f'{name}: {values}')


class RealPlans(Neighbours):
    """Whose planner answers with a plan that a machine can draw: one line."""

    async def _on_plan(self, _request: Any, response: PlanDrawing.Response) -> PlanDrawing.Response:
        strokes = (Stroke(np.array([[20.0, 20.0], [120.0, 20.0]])),)
        stroke_s, return_s = time_plan(strokes, MachineLimits())
        response.plan = plan_to_ros(DrawingPlan(strokes, parse_page('A5'), MachineLimits(), stroke_s, return_s))
        return response


@pytest.fixture
def doctor(world: World) -> Doctor:
    return Doctor(world)


@pytest.mark.system
def test_a_changed_state_is_told_at_once_and_the_same_is_not_repeated(world: World, doctor: Doctor) -> None:
    states = [Health(OK, 'ready', {'rate_hz': 29.97})]
    node = SketchNode('nurse', context=world.probe.context, namespace='left')
    told: list[Any] = []
    health = Diagnostics(node, 'patient', lambda: states[-1])
    health._out = type('Out', (), {'publish': lambda _, msg: told.append(msg)})()
    health.changed()
    health.changed()
    states.append(Health(WARN, 'a cold'))
    health.changed()
    assert [(msg.status[0].level, msg.status[0].message) for msg in told] == [(OK, 'ready'), (WARN, 'a cold')]
    first = told[0].status[0]
    assert (first.name, first.hardware_id) == ('nurse: patient', '/left/nurse')
    assert [(pair.key, pair.value) for pair in first.values] == [('rate_hz', '29.97')]
    node.destroy_node()


@pytest.mark.system
def test_a_camera_tells_its_source_its_rate_and_its_trouble(world: World, doctor: Doctor, tmp_path: Any) -> None:
    overrides = [Parameter('source', value='astronaut'), Parameter('still_rate_hz', value=20.0)]
    camera = world.adopt(partial(CameraNode, parameter_overrides=overrides))
    world.probe.collect(Image, 'image_raw', qos.IMAGE)
    values = doctor.until('camera: source', OK, source='astronaut.png', listeners='1', width_px='512', height_px='512')
    assert float(values['sent_hz']) > 0.0
    assert 0.0 < float(values['sending_s']) <= float(values['sending_worst_s'])
    camera.park()
    blind = world.adopt(partial(CameraNode, parameter_overrides=[Parameter('source', value=str(tmp_path / 'none'))]))
    doctor.until('camera: source', ERROR)
    assert 'cannot read the picture' in doctor.said('camera: source').message
    blind.park()


@pytest.mark.system
def test_a_planner_tells_its_page_its_machine_and_when_it_is_ready(world: World, doctor: Doctor) -> None:
    planner = world.adopt(partial(PlannerNode, parameter_overrides=[Parameter('page', value='A6')]))
    values = doctor.until('planner: plan', OK, page='A6', profile='default', plans='0', waiting='0')
    assert values['last_failure'] == ''
    planner.park()


@pytest.mark.system
def test_a_plotter_tells_the_drawing_s_id_its_ink_and_its_machine(
    world: World, doctor: Doctor, astronaut_image: Image, capfd: pytest.CaptureFixture
) -> None:
    """The plotter's and the portrait's goals have one id, which is that of the client's goal."""
    plotter = world.adopt(partial(PlotterNode, parameter_overrides=[Parameter('speedup', value=50.0)]))
    doctor.until('plotter: machine', OK, status='IDLE', machine='default', drawing='', drawings='0', ink_m='0')
    world.adopt(PortraitNode)
    around = RealPlans(world.node('around'))
    around.vanish('execute')
    call = world.draw(image=astronaut_image)
    name = bytes(call.handle.goal_id.uuid).hex()[:8]
    result = call.result()
    assert result.error_code == ErrorCode.OK, result.error_msg
    values = doctor.until('plotter: machine', OK, status='IDLE', drawing='', drawings='1')
    assert float(values['ink_m']) == pytest.approx(result.ink, rel=1e-3)
    counted = doctor.until('portrait: drawing', OK, drawing='', drawings_ok='1', last_error='OK')
    assert float(counted['last_draw_s']) > 0.0
    log = capfd.readouterr().err
    (line,) = [line for line in log.splitlines() if ': drawing id=' in line]
    assert f'[portrait]: drawing id={name} code=OK strokes=1/1 ' in line
    assert f'[plotter]: drawing {name}: 1 strokes' in log
    assert f'[plotter]: drawn {name}: 1 strokes' in log
    around.close()
    plotter.park()
