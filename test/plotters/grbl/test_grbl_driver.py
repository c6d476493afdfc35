"""Drawing with a GRBL controller: what it sends, what it does with the pen, and how fast it stops."""

from dataclasses import replace

import numpy as np
import pytest
from drawings import plan_of
from grbl_bench import (
    CARD,
    CORNER_MM,
    HOMING,
    PROFILE,
    STEP_MM,
    SWITCHES_MM,
    World,
    make_driver,
    off_by_mm,
    small_plan,
    twice_mm,
)

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.motion import DrawingPlan, Pen, time_plan
from sketch_robot.plotters import PlotterStatus, Progress, paper_of
from sketch_robot.plotters.grbl.status import StatusReport, parse_answer
from sketch_robot.plotters.journal import read_journal
from sketch_robot_emulators import GrblUnit, Hardware, RelayPen, ServoPen, ZPen

PEN_MM = PROFILE.pen_width_mm
LINE = plan_of([[5.0, 30.0], [55.0, 30.0]], page=CARD, profile=PROFILE)


def connected(**options) -> World:
    world = World(**options)
    world.plotter.connect()
    return world


class Watch:
    """The bytes on the line, and the most that were outstanding."""

    def __init__(self, world: World) -> None:
        self.sent = bytearray()
        self.lines: list[str] = []
        self.most_outstanding = self.outstanding = 0
        self._waiting: list[int] = []
        link = world.link
        write, read = link.write, link.read_line

        def watched_write(data: bytes) -> None:
            self.sent += data
            for line in data.replace(b'?', b'').replace(b'!', b'').splitlines(keepends=True):
                if line.endswith(b'\n'):
                    self._waiting.append(len(line))
            self.outstanding = sum(self._waiting)
            self.most_outstanding = max(self.most_outstanding, self.outstanding)
            write(data)

        def watched_read(timeout_s: float) -> str | None:
            line = read(timeout_s)
            if line is not None:
                self.lines.append(line)
                if line == 'ok' or line.startswith('error'):
                    self._waiting.pop(0)
            return line

        link.write, link.read_line = watched_write, watched_read


# ----------------------------------------------------------------- a drawing
@pytest.mark.parametrize('seed', range(3))
def test_the_paper_is_as_planned_and_the_machine_parked_with_the_pen_up(seed):
    plan, world = small_plan(seed), connected()
    outcome = world.plotter.draw(plan)
    assert (outcome.finished, outcome.strokes_drawn, outcome.lifts) == (True, 4, 4)
    assert outcome.ink_mm == pytest.approx(plan.ink_mm, rel=1e-6)
    assert off_by_mm(world, plan) <= 0.1
    assert twice_mm(world, plan) == pytest.approx(0.0, abs=0.1)
    assert world.machine.pen_down_travel_mm == 0.0
    assert world.machine.outside_mm <= STEP_MM
    assert world.machine.xy_mm == pytest.approx((0.0, 0.0), abs=STEP_MM)
    assert not world.machine.down
    assert world.plotter.status == PlotterStatus.IDLE


def test_the_controller_never_runs_dry_nor_loses_a_byte_and_never_more_than_127_are_outstanding():
    world = connected()
    watch = Watch(world)
    world.plotter.draw(small_plan(1))
    assert 100 < watch.most_outstanding <= 127
    assert world.unit.starved == 0
    assert world.unit.lost == 0
    assert world.unit.errors == 0


def test_lines_fit_grbls_buffer_and_use_its_language_only():
    allowed = {'G0', 'G1', 'G2', 'G4', 'G17', 'G21', 'G54', 'G90', 'G91', 'G94', 'M3'}
    program = b''.join(make_driver().program(small_plan(2))).decode()
    words = set()
    for line in program.splitlines():
        assert len(line) <= 79
        letters = [char for char in line if char.isalpha()]
        numbers = line
        for letter in letters:
            numbers = numbers.replace(letter, ' ', 1)
        words |= {
            f'{letter}{number}' for letter, number in zip(letters, numbers.split(), strict=True) if letter in 'GM'
        }
        assert set(letters) <= set('GMXYFPSR')
    assert words <= allowed


def test_a_dry_run_is_what_is_sent():
    world = connected(homes=False)
    plan = small_plan(3)
    watch = Watch(world)
    world.plotter.draw(plan)
    dry = b''.join(make_driver().program(plan)).splitlines()
    sent = [line for line in bytes(watch.sent).replace(b'?', b'').splitlines() if line]
    drawn = dry[3:-2]  # without modes and the first lift, which connecting has sent, and the way home
    begin = sent.index(drawn[0])
    assert sent[begin : begin + len(drawn)] == drawn
    assert sent[-1] == dry[-1]


def test_the_whole_dry_run_draws_the_plan_on_a_controller_that_answers_line_by_line():
    world = World(homes=False)
    plan = small_plan(4)
    world.link.open()
    world.link.wait(1.0)
    while world.link.read_line(0.1) is not None:
        pass
    for line in make_driver().program(plan):
        world.link.write(line)
        assert world.link.read_line(20.0) == 'ok'
    world.link.wait(2.0)
    assert off_by_mm(world, plan) <= 0.1
    assert not world.machine.down


def test_progress_is_told_at_least_five_times_a_second_and_ends_at_all():
    told, world = [], connected()
    plan = small_plan(5)
    world.plotter.draw(plan, lambda progress: told.append((world.unit.seconds, progress)))
    moments = np.array([moment for moment, _ in told])
    assert np.diff(moments).max() <= 0.2
    fractions = [progress.fraction for _, progress in told]
    assert fractions == sorted(fractions)
    assert told[-1][1].fraction == 1.0
    assert told[-1][1].strokes_done == 4


def test_the_machine_takes_the_seconds_that_were_predicted():
    world = connected()
    plan = small_plan(6)
    world.plotter.home()
    outcome = world.plotter.draw(plan)
    assert 0.0 <= outcome.machine_s - plan.predicted_s < 0.5


def test_a_program_is_checked_before_it_moves():
    world = connected(driver={'check': True})
    watch = Watch(world)
    outcome = world.plotter.draw(LINE)
    assert outcome.finished
    assert any(line.startswith('<Check') for line in watch.lines)
    assert off_by_mm(world, LINE) <= 0.1


def test_a_page_that_leaves_the_machine_is_refused_before_it_moves():
    world = connected(driver={'origin_mm': (-40.0, -40.0)})
    with pytest.raises(SketchRobotError, match=r'the page covers .* of the machine, which reaches from') as caught:
        world.plotter.draw(LINE)
    assert caught.value.code == ErrorCode.OFF_PAGE
    assert world.machine.ink_mm == 0.0


def test_a_machine_that_finds_its_limits_while_checking_refuses_the_page():
    world = World(driver={'check': True, 'origin_mm': (-40.0, -40.0)})
    world.plotter.connect()
    world.plotter._client.controller.settings.pop(20)  # so that only the machine knows
    with pytest.raises(SketchRobotError, match='part of the page is outside the machine') as caught:
        world.plotter.draw(LINE)
    assert caught.value.code == ErrorCode.OFF_PAGE
    assert world.machine.ink_mm == 0.0
    assert not world.machine.down


def test_a_plan_off_its_page_is_refused_before_it_moves():
    world = connected()
    with pytest.raises(SketchRobotError) as caught:
        world.plotter.draw(plan_of([[5.0, 5.0], [70.0, 5.0]], page=CARD, profile=PROFILE))
    assert caught.value.code == ErrorCode.OFF_PAGE


def test_a_controller_that_counts_its_waiting_bytes_otherwise_is_drawn_with_all_the_same(caplog):
    world = connected(homes=False)
    report = GrblUnit.free_bytes
    world.unit.__class__ = type('Other', (GrblUnit,), {'free_bytes': property(lambda self: report.fget(self) // 2)})
    plan = small_plan(1)
    assert world.plotter.draw(plan).finished
    assert 'counts waiting bytes in a way of its own' in caplog.text
    assert off_by_mm(world, plan) <= 0.15


# ----------------------------------------------------------------- pause and stop
PAUSES = [(seed, float(share)) for seed in range(5) for share in (0.15, 0.4, 0.6, 0.85)]


@pytest.mark.parametrize(('seed', 'share'), PAUSES)
def test_a_pause_lifts_the_pen_and_the_drawing_goes_on_exactly_there(seed, share):
    world, plan = connected(), small_plan(seed)
    standing = []

    def look(_progress: object) -> None:
        if world.plotter.status == PlotterStatus.PAUSED:
            standing.append((world.machine.down, world.unit.state, world.machine.xy_mm))
            if len(standing) == 5:
                world.plotter.resume()

    world.plotter.home()
    world.link.at(world.unit.seconds + share * plan.predicted_s, world.plotter.pause)
    assert world.plotter.draw(plan, look).finished
    assert len(standing) >= 5
    assert all(down is False and state == 'Idle' for down, state, _ in standing)
    assert len({place for _, _, place in standing}) == 1
    assert off_by_mm(world, plan) <= 0.15
    assert -0.05 < twice_mm(world, plan) <= 0.5
    assert world.machine.pen_down_travel_mm == 0.0
    assert not world.machine.down


def test_a_pause_stops_as_fast_as_the_controller_can_brake():
    world = connected()
    world.plotter.home()
    asked = world.unit.seconds + 0.85  # in the middle of the line, at 100 mm/s
    stopped = []

    def look(_progress: object) -> None:
        if world.plotter.status == PlotterStatus.PAUSED:
            world.plotter.resume()

    watch = Watch(world)
    world.link.at(asked, world.plotter.pause)
    reader = world.link.read_line

    def timed(timeout_s: float) -> str | None:
        line = reader(timeout_s)
        answer = parse_answer(line or '')
        if isinstance(answer, StatusReport) and answer.state == 'Hold' and answer.detail == 0 and not stopped:
            stopped.append(world.unit.seconds)
        return line

    world.link.read_line = timed
    world.plotter.draw(LINE, look)
    braking_s = PROFILE.draw_speed_mm_s / PROFILE.axis_accel_mm_s2[0]
    assert stopped[0] - asked <= braking_s + 0.05
    assert watch.sent.count(b'!') == 1


@pytest.mark.parametrize('share', np.linspace(0.05, 0.95, 20).tolist())
def test_a_stop_in_the_middle_lifts_the_pen_within_200_ms_and_parks(tmp_path, share):
    world, plan = World(tmp_path), small_plan(int(100 * share))
    world.plotter.connect()
    world.plotter.home()
    asked = world.unit.seconds + share * plan.predicted_s
    lifted: list[float] = []
    world.link.at(asked, world.plotter.stop)
    world.link.at(asked + 0.2, lambda: lifted.append(world.machine.down))
    outcome = world.plotter.draw(plan, journal=world.journal)
    if lifted:
        assert lifted == [False]
    assert not outcome.finished or outcome.strokes_drawn == len(plan.strokes)
    assert not world.machine.down
    assert world.machine.xy_mm == pytest.approx((0.0, 0.0), abs=STEP_MM)
    assert world.plotter.status == PlotterStatus.IDLE
    assert world.draw(plan)  # and what is left can be drawn
    assert off_by_mm(world, plan) <= 0.15
    assert -0.05 < twice_mm(world, plan) <= 0.5
    assert world.machine.pen_down_travel_mm == 0.0


def test_closing_in_the_middle_ends_the_drawing_with_the_pen_up():
    world, plan = connected(), small_plan(1)

    def close(progress: Progress) -> None:
        if world.machine.down:
            world.plotter.close()

    outcome = world.plotter.draw(plan, close)
    assert not outcome.finished
    assert not world.machine.down
    assert world.plotter.status == PlotterStatus.OFFLINE


def test_an_error_of_the_listener_ends_the_drawing_with_the_pen_up():
    world = connected()

    def fail(progress: Progress) -> None:
        if world.machine.down:
            raise RuntimeError('listener')

    with pytest.raises(RuntimeError, match='listener'):
        world.plotter.draw(small_plan(1), fail)
    world.link.wait(0.5)
    assert not world.machine.down
    assert world.plotter.status == PlotterStatus.IDLE


def test_a_full_disk_ends_the_drawing_with_the_pen_up_and_what_was_told_stays(tmp_path):
    world, plan = World(tmp_path), small_plan(1)
    world.plotter.connect()
    told = []

    def fill(progress: Progress) -> None:
        if progress.strokes_done == 2 and not told:
            told.append(True)
            world.journal._file.close()
            world.journal._file = (tmp_path / 'drawing.journal').open('rb', buffering=0)

    with pytest.raises(SketchRobotError, match='cannot write the journal') as caught:
        world.plotter.draw(plan, fill, journal=world.journal)
    assert caught.value.code == ErrorCode.BAD_GOAL
    world.link.wait(0.5)
    assert not world.machine.down
    assert read_journal(tmp_path / 'drawing.journal').on_paper.strokes >= 2
    assert world.draw(plan)
    assert off_by_mm(world, plan) < PEN_MM


def test_the_machines_own_hold_button_pauses_the_drawing():
    world, plan = connected(homes=False), small_plan(2)
    reasons = []

    def look(_progress: object) -> None:
        if world.plotter.status == PlotterStatus.PAUSED:
            reasons.append(world.plotter.reason)
            world.plotter.resume()

    world.link.at(world.unit.seconds + 0.5 * plan.predicted_s, lambda: world.unit.send(b'!'))
    assert world.plotter.draw(plan, look).finished
    assert set(reasons) == {'stopped at the machine'}
    assert off_by_mm(world, plan) <= 0.15


# ----------------------------------------------------------------- pens
def pens_world(kind: str) -> World:
    pens = {
        'z': (ZPen(3.0), {'type': 'z', 'up': 0.0, 'down': -3.1}),  # counted from where it was switched on
        'relay': (RelayPen(), {'type': 'commands', 'up_command': 'M9', 'down_command': 'M8'}),
        'servo': (ServoPen(up_value=300.0, down_value=700.0), {'type': 'servo', 'up': 300, 'down': 700}),
    }
    pen, options = pens[kind]
    world = World(homes=False, hardware=Hardware(CARD, pen=pen), driver={'pen': options})
    world.plotter.connect()
    return world


@pytest.mark.parametrize('kind', ['servo', 'z', 'relay'])
def test_every_kind_of_pen_draws_the_plan_also_when_paused(kind):
    plan, world = small_plan(3), pens_world(kind)
    world.link.at(world.unit.seconds + 0.6 * plan.predicted_s, world.plotter.pause)
    assert world.plotter.draw(plan, world._resume_if_paused).finished
    assert off_by_mm(world, plan) <= 0.15
    assert -0.05 < twice_mm(world, plan) <= 0.5
    assert world.machine.pen_down_travel_mm == pytest.approx(0.0, abs=1e-6)
    assert not world.machine.down
    assert world.plotter.status == PlotterStatus.IDLE


def test_a_z_pen_presses_at_each_point_and_a_servo_once_for_each_stroke():
    stroke = replace(LINE.strokes[0], pressure=np.array([0.0, 1.0]))
    plan = replace(LINE, strokes=(stroke,))
    z = {'type': 'z', 'up': 3.0, 'down': 0.0, 'light': -0.1, 'firm': -1.1}
    lines = b''.join(make_driver(pen=z).program(plan)).decode().splitlines()
    depths = [
        float(line.split('Z')[1].split('F')[0]) for line in lines if 'Z' in line and line.startswith(('X', 'G91'))
    ]
    assert sum(depths) == pytest.approx(-1.0, abs=1e-9)
    assert 'G1Z-.1F600' in lines
    servo = {'type': 'servo', 'up': 0, 'down': 900, 'light': 500, 'firm': 1000}
    lines = b''.join(make_driver(pen=servo).program(plan)).decode().splitlines()
    assert [line for line in lines if line.startswith('M3')][1].startswith('M3S750')


def test_between_pens_it_stops_and_asks_for_the_next_one():
    strokes = tuple(
        replace(stroke, pen=pen) for stroke, pen in zip(small_plan(1).strokes, ('a', 'a', 'b', 'b'), strict=True)
    )
    stroke_s, return_s = time_plan(strokes, PROFILE)
    plan = DrawingPlan(strokes, CARD, PROFILE, stroke_s, return_s, pens=(Pen('a'), Pen('b', '#cc0000', 0.3)))
    world, asked = connected(), []

    def look(progress: Progress) -> None:
        if world.plotter.status == PlotterStatus.PAUSED:
            asked.append((progress.strokes_done, world.plotter.reason, world.machine.down))
            world.plotter.resume()

    assert world.plotter.draw(plan, look).finished
    assert asked[0] == (2, "put in the pen 'b' (#cc0000, 0.3 mm), then resume", False)
    assert off_by_mm(world, plan) <= 0.1


# ----------------------------------------------------------------- where the page lies
def test_axes_can_be_swapped_and_turned_and_a_measured_correction_is_applied():
    world = connected(homes=False, driver={'axes': ['-y', 'x'], 'correction': [[1.01, 0.002], [0.0, 0.99]]})
    plan = plan_of([[10.0, 20.0], [30.0, 50.0]], page=CARD, profile=PROFILE)
    world.plotter.draw(plan)
    (line,) = world.machine.paper.polylines
    # machine x is fed by the page's y, machine y by its x turned round
    expected = [[0.99 * y, -(1.01 * x + 0.002 * y)] for x, y in ((10.0, 20.0), (30.0, 50.0))]
    assert line[0] == pytest.approx(expected[0], abs=STEP_MM)
    assert line[-1] == pytest.approx(expected[1], abs=STEP_MM)


def test_offsets_that_somebody_has_stored_do_not_move_the_page():
    world = World(homes=False)
    world.unit.offsets.systems[0][:] = (12.0, -7.0, 1.0)  # G54
    assert world.draw(small_plan(1))
    assert off_by_mm(world, small_plan(1)) <= 0.1


def test_reports_in_work_coordinates_are_understood():
    world = World(homes=False, settings={10: 2}, driver={'configure': False})
    world.unit.offsets.systems[0][:] = (12.0, -7.0, 0.0)
    world.plotter.connect()
    plan = small_plan(1)
    world.link.at(world.unit.seconds + 0.5 * plan.predicted_s, world.plotter.pause)
    assert world.plotter.draw(plan, world._resume_if_paused).finished
    assert off_by_mm(world, plan) <= 0.15


# ----------------------------------------------------------------- connecting
def test_settings_that_drawing_needs_are_made_and_others_left_alone():
    world = connected(settings={10: 1, 1: 25, 110: 9000}, homes=False)
    settings = world.unit.settings
    assert (settings[10], settings[1], settings[110]) == (3, 255, 9000)


def test_speeds_are_set_to_the_profiles_when_asked_for():
    world = connected(settings={110: 9000, 120: 500}, homes=False, driver={'configure_motion': True})
    settings = world.unit.settings
    assert (settings[110], settings[120]) == (12000, 2000)


def test_speeds_that_differ_from_the_profile_are_told(caplog):
    connected(settings={110: 9000}, homes=False)
    assert '$110 is 9000 mm/min, its file says 12000' in caplog.text


@pytest.mark.parametrize(('number', 'text'), [(32, 'laser mode is on'), (13, 'it reports in inches')])
def test_a_controller_in_an_unusable_mode_is_refused_unless_it_may_be_set(number, text):
    world = World(settings={number: 1}, homes=False, driver={'configure': False})
    with pytest.raises(SketchRobotError, match=text) as caught:
        world.plotter.connect()
    assert caught.value.code == ErrorCode.PLOTTER_ALARM
    assert world.plotter.status == PlotterStatus.OFFLINE
    connected(settings={number: 1}, homes=False)


def test_a_locked_machine_is_homed_before_it_draws():
    world = connected()
    assert world.unit.state == 'Alarm'
    assert world.plotter.draw(LINE).finished
    assert off_by_mm(world, LINE) <= 0.1


def test_homing_that_fails_is_an_alarm():
    world = World(settings=HOMING, hardware=Hardware(CARD, switch_mm=(-400.0, -400.0, 10.0)))
    world.plotter.connect()
    with pytest.raises(SketchRobotError, match='homing found no limit switch') as caught:
        world.plotter.home()
    assert caught.value.code == ErrorCode.PLOTTER_ALARM
    assert world.plotter.status == PlotterStatus.ALARM


def test_without_switches_a_restart_wants_the_origin_to_be_set_and_then_draws_the_rest(tmp_path):
    world, plan = World(tmp_path, homes=False), small_plan(1)
    world.plotter.connect()
    world.link.at(world.unit.seconds + 0.5 * plan.predicted_s, world.unit.brown_out)
    with pytest.raises(SketchRobotError, match='started anew in the middle') as caught:
        world.plotter.draw(plan, journal=world.journal)
    assert caught.value.code == ErrorCode.PLOTTER_ALARM
    assert world.plotter.status == PlotterStatus.ALARM
    with pytest.raises(SketchRobotError, match='set the origin there') as caught:
        world.plotter.home()
    machine = world.machine  # a person carries the pen to the corner
    machine.slip(-np.array(machine.xy_mm))
    world.plotter.set_origin()
    assert world.draw(plan)
    assert off_by_mm(world, plan) < PEN_MM
    assert -0.1 < twice_mm(world, plan) < 6.0


def test_a_resumed_drawing_on_a_machine_that_was_switched_off_wants_the_origin(tmp_path):
    world, plan = World(tmp_path, homes=False), small_plan(1)
    world.plotter.connect()
    world.link.at(world.unit.seconds + 0.5 * plan.predicted_s, world.plotter.stop)
    assert not world.plotter.draw(plan, journal=world.journal).finished
    world.plotter.close()
    world.plotter.connect()  # which resets this board
    with pytest.raises(SketchRobotError, match='set the origin there, then resume') as caught:
        world.plotter.draw(plan, journal=world.journal)
    assert caught.value.code == ErrorCode.PLOTTER_ALARM
    world.plotter.set_origin()
    assert world.draw(plan)
    assert off_by_mm(world, plan) < PEN_MM


def test_a_resumed_drawing_on_a_board_that_is_reset_by_its_port_homes_by_itself(tmp_path):
    world, plan = World(tmp_path), small_plan(1)
    world.plotter.connect()
    world.plotter.home()
    world.link.at(world.unit.seconds + 0.5 * plan.predicted_s, world.plotter.stop)
    assert not world.plotter.draw(plan, journal=world.journal).finished
    world.plotter.close()
    assert world.draw(plan)
    assert world.errors == []
    assert off_by_mm(world, plan) <= 0.15
    assert -0.05 < twice_mm(world, plan) <= 0.5


def test_a_machine_that_does_not_answer_is_offline():
    world = World(driver={})
    world.unit.heard = lambda: b''
    with pytest.raises(SketchRobotError, match='does not answer; check its power') as caught:
        world.plotter.connect()
    assert caught.value.code == ErrorCode.PLOTTER_OFFLINE
    assert world.plotter.status == PlotterStatus.OFFLINE


def test_another_firmware_is_refused():
    world = World(homes=False)
    heard = world.unit.heard
    world.unit.heard = lambda: heard().replace(b'VER:1.1h', b'VER:0.9j')
    with pytest.raises(SketchRobotError, match=r"firmware is '0.9j'; this driver needs GRBL 1.1") as caught:
        world.plotter.connect()
    assert caught.value.code == ErrorCode.PLOTTER_OFFLINE


def test_only_a_connected_idle_machine_draws():
    world = World()
    with pytest.raises(SketchRobotError, match='not connected') as caught:
        world.plotter.draw(LINE)
    assert caught.value.code == ErrorCode.PLOTTER_OFFLINE
    world.plotter.connect()
    errors = []

    def again(_progress: object) -> None:
        with pytest.raises(SketchRobotError) as caught:
            world.plotter.draw(LINE)
        errors.append(caught.value.code)

    world.plotter.draw(LINE, again)
    assert set(errors) == {ErrorCode.BUSY}


def test_the_pen_can_be_set_down_and_up_where_it_is():
    world = connected(homes=False)
    world.plotter.set_pen(True)
    world.link.wait(0.1)
    assert world.machine.down
    assert world.plotter.progress.pen_down
    world.plotter.set_pen(False)
    world.link.wait(0.1)
    assert not world.machine.down


@pytest.mark.parametrize(
    ('options', 'text'),
    [
        ({'pen': {'type': 'laser'}}, 'type must be one of'),
        ({'pen': {'type': 'servo', 'up': 5, 'down': 5}}, 'up and down are both 5'),
        ({'pen': {'type': 'z', 'up': 0.0, 'down': 3.0}}, 'is below down'),
        ({'pen': {'type': 'commands', 'up_command': '$X', 'down_command': 'M8'}}, 'each be a line of G-code'),
        ({'pen': {'weight': 3}}, "takes no option 'weight'"),
        ({'axes': ['x', 'x']}, 'one of each'),
        ({'axes': ['x', 'z']}, 'one of each'),
        ({'correction': [[1, 0]]}, 'correction is a list of 2'),
    ],
)
def test_options_that_cannot_be_used_are_refused(options, text):
    with pytest.raises(SketchRobotError, match=text) as caught:
        make_driver(port='/dev/null', **options)
    assert caught.value.code == ErrorCode.BAD_GOAL


def test_the_emulated_card_and_its_switches_fit_together():
    world = connected()
    world.plotter.home()
    assert world.machine.xy_mm == pytest.approx((0.0, 0.0), abs=STEP_MM)
    assert CORNER_MM[0] == pytest.approx(-80.0 + 1.0 - (SWITCHES_MM[0] + 1.0))
    assert paper_of(LINE).ink_mm == 50.0
