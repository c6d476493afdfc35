"""Where the page lies on a GRBL machine is known from a homing or from a person, since the board's last start."""

import json
import re

import numpy as np
import pytest
from grbl_bench import CORNER_MM, HOMING, PROFILE, STEP_MM, World, make_driver, off_by_mm, small_plan, twice_mm

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.files import state_folder
from sketch_robot.plotters.grbl.driver import GrblPlotter
from sketch_robot.plotters.grbl.location import SavedLocation, load_location, save_location
from sketch_robot.plotters.grbl.settings import Controller

PLAN = small_plan(1)
FAR_MM = np.array([30.0, 30.0])


def plug_in(**options) -> World:
    """A machine whose board is not reset by its port, with the power on."""
    return World(reset_on_open=False, **options)


def next_run(world: World, **options) -> GrblPlotter:
    """The driver as another process makes it, connected."""
    world.plotter.close()
    world.plotter = make_driver(world.link, **{**world.options, 'origin_is_set': False, **options})
    world.plotter.connect()
    return world.plotter


def other_sender(world: World, text: str) -> None:
    """Another program opens the port, sends a line, and goes."""
    world.plotter.close()
    world.unit.send(text.encode())
    world.link.wait(2.0)
    world.unit.heard()


def draws_on_the_page(world: World) -> bool:
    world.machine.outside_mm = world.machine.ink_outside_mm = 0.0
    assert world.plotter.draw(PLAN).finished
    world.link.wait(0.5)
    assert world.machine.outside_mm <= STEP_MM
    assert not world.machine.down
    return off_by_mm(world, PLAN) <= 0.1


def wants_its_origin(world: World) -> bool:
    """A new drawing is refused with the way out, before anything moves."""
    place, ink_mm = world.machine.xy_mm, world.machine.ink_mm
    with pytest.raises(SketchRobotError, match="over the page's lower left corner and set the origin there") as caught:
        world.plotter.draw(PLAN)
    assert caught.value.code == ErrorCode.PLOTTER_ALARM
    assert not world.machine.down
    return world.machine.xy_mm == place and world.machine.ink_mm == ink_mm


# ----------------------------------------------------------------- with switches
def test_a_machine_that_was_unlocked_to_try_its_pen_is_homed_before_it_draws():
    world = plug_in()
    world.machine.slip(FAR_MM)
    world.plotter.connect()
    assert world.unit.state == 'Alarm'  # $22=1: locked at power-on
    with pytest.raises(SketchRobotError, match='locked after an alarm'):
        world.plotter.set_pen(True)
    assert world.unit.state == 'Idle'  # the driver's own $X
    next_run(world)
    assert draws_on_the_page(world)


def test_a_machine_that_was_reset_in_the_middle_is_homed_before_a_new_drawing():
    world = World()
    world.plotter.connect()
    world.plotter.home()
    world.link.at(world.unit.seconds + 0.5 * PLAN.predicted_s, world.unit.brown_out)
    with pytest.raises(SketchRobotError, match='started anew in the middle'):
        world.plotter.draw(PLAN)
    next_run(world)
    world.machine.next_sheet()
    assert draws_on_the_page(world)


def test_a_machine_that_another_sender_has_unlocked_is_homed_before_it_draws():
    world = plug_in()
    world.machine.slip(FAR_MM)
    other_sender(world, '$X\n')
    assert world.unit.state == 'Idle'
    next_run(world)
    assert draws_on_the_page(world)


def test_a_carriage_that_was_pushed_by_hand_after_a_hard_limit_is_homed_before_it_draws():
    world = plug_in()
    world.plotter.connect()
    world.plotter.home()
    world.unit.raise_alarm(1)
    with pytest.raises(SketchRobotError):
        world.plotter.draw(PLAN)
    other_sender(world, '\x18')
    other_sender(world, '$X\n')
    world.machine.slip(FAR_MM)
    world.machine.next_sheet()
    next_run(world)
    assert draws_on_the_page(world)


def test_a_machine_that_was_restarted_at_rest_is_homed_before_the_next_drawing():
    """The node keeps the port open for days; the board's power may fail meanwhile."""
    world = plug_in()
    world.plotter.connect()
    world.plotter.home()
    world.unit.brown_out()
    world.machine.slip(FAR_MM)
    world.link.wait(1.0)
    assert draws_on_the_page(world)


def test_a_machine_that_has_homed_is_not_homed_again_in_the_next_run():
    world = plug_in()
    world.plotter.connect()
    world.plotter.home()
    homed_s = world.unit.seconds
    sent, write = bytearray(), world.link.write
    world.link.write = lambda data: (sent.extend(data), write(data))[1]
    next_run(world)
    assert draws_on_the_page(world)
    assert b'$H' not in sent
    assert world.unit.seconds > homed_s


@pytest.mark.parametrize(
    'change', [lambda place: place.update(token=place['token'] % 900 + 1), lambda place: place.update(stands_mm=[1, 2])]
)
def test_a_token_or_a_place_that_is_not_as_it_was_left_is_not_believed(change):
    world = plug_in()
    world.plotter.connect()
    world.plotter.home()
    path = state_folder() / 'grbl-bench.json'
    place = json.loads(path.read_text())
    change(place)
    path.write_text(json.dumps(place))
    plotter = next_run(world)
    assert not plotter._client.location.known
    assert draws_on_the_page(world)


def test_a_controller_that_keeps_its_tool_length_beyond_a_reset_is_homed_each_time(caplog):
    world = plug_in()
    heard = world.unit.heard
    told = []

    def says() -> bytes:
        data = heard()
        told.extend(re.findall(rb'\[TLO:0\.[0-9]*[1-9]', data))
        return re.sub(rb'\[TLO:0\.000', told[-1], data) if told else data

    world.unit.heard = says
    world.plotter.connect()
    world.plotter.home()
    assert not next_run(world)._client.location.known
    assert 'keeps its tool length beyond a reset' in caplog.text
    assert draws_on_the_page(world)


# ----------------------------------------------------------------- without switches
def test_a_machine_without_switches_asks_for_its_origin_after_power_on_and_then_draws():
    world = World(homes=False, driver={'origin_is_set': False})
    world.plotter.connect()
    assert wants_its_origin(world)
    world.plotter.set_origin()
    assert draws_on_the_page(world)


def test_a_board_without_switches_that_restarted_in_the_middle_asks_before_a_new_drawing():
    world = plug_in(homes=False)
    world.plotter.connect()
    world.link.at(world.unit.seconds + 0.5 * PLAN.predicted_s, world.unit.brown_out)
    with pytest.raises(SketchRobotError, match='started anew in the middle'):
        world.plotter.draw(PLAN)
    next_run(world)
    assert wants_its_origin(world)


def test_a_board_without_switches_that_restarted_at_rest_asks_before_the_next_drawing():
    world = plug_in(homes=False)
    world.plotter.connect()
    world.unit.brown_out()
    world.link.wait(1.0)
    assert wants_its_origin(world)


def test_an_origin_that_a_person_has_set_is_known_to_the_next_run():
    world = plug_in(homes=False, driver={'origin_is_set': False})
    world.plotter.connect()
    world.plotter.jog(7.0, 4.0)
    world.machine.slip(-np.array(world.machine.xy_mm))  # the sheet's corner is here
    world.plotter.set_origin()
    next_run(world)
    assert draws_on_the_page(world)


def test_a_machine_that_somebody_has_moved_meanwhile_asks():
    world = plug_in(homes=False)
    world.plotter.connect()
    other_sender(world, '$J=G91X5F600\n')
    next_run(world)
    assert wants_its_origin(world)


def test_the_origin_is_set_once_and_not_each_time_it_is_connected():
    world = World(homes=False)
    world.plotter.connect()
    world.plotter.jog(5.0, 5.0)
    world.plotter.close()
    world.plotter.connect()
    assert wants_its_origin(world)


def test_what_is_known_of_a_place_is_read_as_it_was_written(caplog):
    place = SavedLocation(17, (1.5, -2.25), True, None, (3.0, 4.0))
    save_location('/dev/ttyUSB0', place)
    assert load_location('/dev/ttyUSB0') == place
    assert load_location('/dev/ttyUSB1') is None
    (state_folder() / 'grbl-dev-ttyUSB0.json').write_text('{"token": 1}')
    assert load_location('/dev/ttyUSB0') is None
    assert 'cannot be read' in caplog.text


# ----------------------------------------------------------------- what a controller calls its range
def controller_of(**settings: float) -> Controller:
    return Controller('1.1h', 15, 128, {int(name[1:]): value for name, value in settings.items()})


TRAVEL = {'_130': 300.0, '_131': 200.0, '_27': 1.0}


@pytest.mark.parametrize(
    ('mask', 'homed', 'low', 'high', 'corner'),
    [
        (0, (-1.0, -1.0), (-300.0, -200.0), (0.0, 0.0), (-299.0, -199.0)),  # GRBL, switches at the far corner
        (3, (-299.0, -199.0), (-300.0, -200.0), (0.0, 0.0), (-299.0, -199.0)),  # GRBL, at the near one
        (3, (0.0, 0.0), (0.0, 0.0), (300.0, 200.0), (0.0, 0.0)),  # its origin forced to where it has homed
        (0, (0.0, 0.0), (-300.0, -200.0), (0.0, 0.0), (-299.0, -199.0)),
        (3, (1.0, 1.0), (0.0, 0.0), (300.0, 200.0), (1.0, 1.0)),  # FluidNC with mpos_mm 0
        (1, (1.0, 199.0), (0.0, 0.0), (300.0, 200.0), (1.0, 1.0)),
    ],
)
def test_the_range_lies_on_the_far_side_of_where_it_stands_after_homing(mask, homed, low, high, corner):
    controller = controller_of(**TRAVEL, _23=float(mask))
    assert controller.range_mm(np.array(homed)).tolist() == [list(low), list(high)]
    assert controller.corner_mm(np.array(homed)).tolist() == list(corner)


@pytest.mark.parametrize(
    ('homed', 'corner'),
    [((-1.0, -1.0), (-299.0, -199.0)), ((-299.0, -199.0), (-299.0, -199.0)), ((2.0, 2.0), (2.0, 2.0))],
)
def test_a_controller_that_does_not_tell_the_way_it_homes_shows_it_by_its_place(homed, corner):
    assert controller_of(**{**TRAVEL, '_27': abs(homed[0]) if homed[0] > 0 else 1.0}).corner_mm(
        np.array(homed)
    ).tolist() == list(corner)


def test_a_range_that_nobody_can_tell_is_asked_for():
    with pytest.raises(SketchRobotError, match=r'does not tell .* say where .* as origin_mm') as caught:
        controller_of(**TRAVEL).corner_mm(np.zeros(2))
    assert caught.value.code == ErrorCode.PLOTTER_ALARM


@pytest.mark.parametrize(('value', 'homes'), [(0.0, False), (1.0, True), (2.0, False), (3.0, True), (7.0, True)])
def test_homing_is_on_when_bit_0_of_its_mask_is(value, homes):
    """grblHAL: "bit 0: enable, bit 1: single axis commands allowed" and further bits; 2 means it is off."""
    assert controller_of(_22=value).homes == homes


def positive_space(world: World) -> None:
    """Let a controller count from where it homes, as HOMING_FORCE_SET_ORIGIN and FluidNC do."""
    heard, send = world.unit.heard, world.unit.send
    shift = np.array([79.0, 79.0])  # HOMING: where it stands after homing is 0

    def move(data: bytes, by: np.ndarray) -> bytes:
        def moved(match: re.Match[bytes]) -> bytes:
            x, y = np.array([float(match[2]), float(match[3])]) + by
            return b'%s%.3f,%.3f' % (match[1], x, y)

        return re.sub(rb'(MPos:)(-?[\d.]+),(-?[\d.]+)', moved, data)

    def hear(data: bytes) -> bytes:
        def moved(match: re.Match[bytes]) -> bytes:
            x, y = np.array([float(match[2]), float(match[3])]) - shift
            return b'%sX%.3fY%.3f' % (match[1], x, y)

        return re.sub(rb'(G90G[0-3])X(-?[\d.]+)Y(-?[\d.]+)', moved, data)

    rest = bytearray()

    def whole_reports() -> bytes:
        rest.extend(heard())
        *lines, last = bytes(rest).split(b'\n')
        rest[:] = last
        return move(b''.join(line + b'\n' for line in lines), shift)

    world.unit.heard = whole_reports
    world.unit.send = lambda data: send(hear(data))


def test_a_machine_that_counts_upwards_from_where_it_has_homed_draws_on_its_page():
    world = World(settings={**HOMING, 20: 0}, driver={'origin_mm': None})
    positive_space(world)
    world.plotter.connect()
    world.machine.outside_mm = 0.0
    assert world.plotter.draw(PLAN).finished
    corner = world.plotter._client.location.origin_mm
    assert corner.tolist() == [0.0, 0.0]
    assert off_by_mm(world, PLAN) <= 0.25  # it homes 0.1 mm beside the page's corner
    assert twice_mm(world, PLAN) == pytest.approx(0.0, abs=0.1)
    assert np.hypot(*CORNER_MM) > 100.0
    assert PROFILE.pen_width_mm == 0.5


def test_settings_that_a_controller_does_not_list_are_asked_for_singly():
    """FluidNC lists few in `$$`; `$N` alone tells one."""
    world = World()
    heard, send = world.unit.heard, world.unit.send
    listed = re.compile(rb'\$(?:22|23|27|130|131)=[^\r\n]*\r?\n')
    single: list[bytes] = []

    def hear(data: bytes) -> bytes:
        for number in re.findall(rb'\$(\d+)\n', data):
            single.append(number)
        return re.sub(rb'\$\d+\n', b'\n', data)

    def says() -> bytes:
        data = listed.sub(b'', heard())
        while single:
            number = int(single.pop(0))
            value = world.unit.settings.get(number, 0)
            data = b'$%d=%g\r\n' % (number, value) + data
        return data

    world.unit.heard, world.unit.send = says, lambda data: send(hear(data))
    world.plotter.connect()
    assert world.plotter._client.controller.homes
    assert world.plotter._client.controller.settings[130] == HOMING[130]
    assert draws_on_the_page(world)
