"""GRBL controllers that are not quite as the one in the emulator: other versions, relatives, and poorer ones."""

import re
import time

import pytest
from grbl_bench import CARD, STEP_MM, World, make_driver, off_by_mm, small_plan, twice_mm

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.plotters import PlotterStatus
from sketch_robot.plotters.grbl.status import Banner, Note, Setting, Unknown, parse_answer, pieces_of
from sketch_robot.plotters.journal import Journal
from sketch_robot_emulators import EmulatedGrbl, Hardware, ServoPen

WELCOME = b"Grbl 1.1h ['$' for help]"


def other(says=lambda data: data, hears=lambda data: data, **options) -> World:
    """A machine without switches whose controller says or hears something else."""
    world = World(homes=False, **options)
    heard, send = world.unit.heard, world.unit.send
    world.unit.heard = lambda: says(heard())
    world.unit.send = lambda data: send(hears(data))
    return world


def draws_as_planned(world: World, seed: int = 3) -> bool:
    plan = small_plan(seed)
    assert world.draw(plan), world.errors
    assert world.errors == []
    assert world.machine.pen_down_travel_mm == 0.0
    assert not world.machine.down
    return off_by_mm(world, plan) <= 0.1 and abs(twice_mm(world, plan)) <= 0.1


@pytest.mark.parametrize(
    ('welcome', 'version'),
    [
        (b"Grbl 1.1f ['$' for help]", b'[VER:1.1f.20170801:My own]'),
        (b"GrblHAL 1.1f ['$' or '$HELP' for help]", b'[VER:1.1f.20240330:]\r\n[FIRMWARE:grblHAL]\r\n[AXS:3:XYZ]'),
        (b"Grbl 3.7 [FluidNC v3.7.8 (wifi) '$' for help]", b'[VER:3.7 FluidNC v3.7.8:]\r\n[MSG:Machine: mine]'),
        (b"Grbl 1.3a ['$' for help]", b'[VER:1.3a.20211103:]'),
    ],
)
def test_relatives_draw_as_well(welcome, version):
    def says(data: bytes) -> bytes:
        return re.sub(rb'\[VER:[^]]*\]', version, data.replace(WELCOME, welcome))

    assert draws_as_planned(other(says))


def test_a_welcome_said_twice_is_one_start():
    assert draws_as_planned(other(lambda data: data.replace(WELCOME, WELCOME + b'\r\n' + WELCOME)))


def test_a_second_start_right_after_a_reset_is_noticed_by_the_place_that_is_lost():
    said = []

    def says(data: bytes) -> bytes:  # the second time it stands where it never was
        if WELCOME in data:
            said.append(data)
            data = data.replace(WELCOME, WELCOME + b'\r\n' + WELCOME)
        return re.sub(rb'MPos:[^|]*', b'MPos:0.000,0.000,0.000', data) if len(said) > 2 else data

    world, plan = other(says), small_plan(3)
    world.plotter.connect()
    del said[:]
    said += [b'', b'']
    world.link.at(world.unit.seconds + 0.45 * plan.predicted_s, world.plotter.stop)
    with pytest.raises(SketchRobotError, match='started anew in the middle') as caught:
        world.plotter.draw(plan)
    assert caught.value.code == ErrorCode.PLOTTER_ALARM
    assert world.plotter.status == PlotterStatus.ALARM
    assert not world.machine.down


@pytest.mark.parametrize(
    'fields', [b'|H:1,3|FW:grblHAL', b'|Pn:PXZ|Ln:99', b'|SD:12.5,/drawing.nc|T:0|TLR:1|MPG:0'], ids=str
)
def test_fields_of_reports_that_are_not_needed_are_passed_over(fields):
    assert draws_as_planned(other(lambda data: data.replace(b'>', fields + b'>')))


def test_settings_may_be_described_and_others_be_no_numbers():
    def says(data: bytes) -> bytes:
        described = re.sub(rb'(\$1[0-3][0-2]=[\d.]+)', rb'\1 (a description, its unit)', data)
        return described.replace(b'$0=', b'$74=MySSID\r\n$1001=x\r\n$NVX=Some\r\n$0=')

    world = other(says)
    assert draws_as_planned(world)
    assert world.plotter._client.controller.settings[110] == 12000.0


@pytest.mark.parametrize('lacking', [b'$I', b'$C', b'$#', b'$G', b'$$', b'G43.1', b'G2'], ids=str)
def test_a_controller_that_does_not_know_a_command_draws_all_the_same(lacking):
    instead = b'$Q' if lacking[:1] == b'$' else b'G43.9' if lacking == b'G43.1' else b'G6'
    world = other(hears=lambda data: data.replace(lacking, instead), driver={'check': True})
    assert draws_as_planned(world)


def test_a_setting_that_cannot_be_set_is_left_as_it_is():
    world = other(hears=lambda data: data.replace(b'$1=255', b'$999=255'), settings={1: 25})
    assert draws_as_planned(world)
    assert world.plotter._client.controller.settings[1] == 25.0


@pytest.mark.parametrize(
    ('told', 'instead'),
    [(rb'\|FS:(\d+),\d+', rb'|FS:\1,0'), (rb'\|FS:(\d+),\d+', rb'|F:\1'), (rb'\|Bf:\d+,\d+', rb'')],
    ids=['S is always 0', 'F alone', 'no buffers'],
)
def test_reports_that_tell_less_are_enough(told, instead):
    assert draws_as_planned(other(lambda data: re.sub(told, instead, data)))


def test_what_a_report_calls_an_empty_buffer_is_learned():
    def says(data: bytes) -> bytes:
        return re.sub(rb'\|Bf:(\d+),(\d+)', lambda m: b'|Bf:%s,%d' % (m[1], int(m[2]) - 1), data)

    world = other(says)
    assert draws_as_planned(world)
    assert world.plotter._client.streamer.audited
    assert world.plotter._client.streamer.free_bytes == 127


@pytest.mark.parametrize(('told', 'most'), [(b'15,100', 99), (b'35,254', 127), (b'15,20000', 127)])
def test_no_more_is_sent_ahead_than_the_controller_tells_and_its_reports_show(told, most):
    world = other(lambda data: re.sub(rb'\[OPT:([^,]*),\d+,\d+', rb'[OPT:\1,' + told, data))
    world.plotter.connect()
    stream, outstanding = world.plotter._client.streamer, []
    write = world.link.write

    def counted(data: bytes) -> None:
        write(data)
        outstanding.append(stream.waiting_bytes)

    world.link.write = counted
    world.plotter.draw(small_plan(3))
    assert most - 40 < max(outstanding) <= most


def test_s_is_expected_as_30_and_31_allow_it():
    hardware = Hardware(CARD, pen=ServoPen(up_value=0.0, down_value=255.0))
    world = other(settings={30: 255, 31: 0}, driver={'pen': {'type': 'servo', 'up': 0, 'down': 255}}, hardware=hardware)
    world.plotter.connect()
    assert world.plotter._client.streamer.pen_range == (0.0, 255.0)
    world.plotter.draw(small_plan(3))
    assert world.plotter._client.streamer.tells_pen


@pytest.mark.parametrize(
    ('settings', 'pen', 'text'),
    [
        ({30: 100}, {'up': 75, 'down': 110}, r'S110 of its pen is more than \$30=100 allows'),
        ({30: 1000, 31: 80}, {'up': 75, 'down': 110}, r'S75 of its pen is less than \$31=80 allows'),
        ({30: 100}, {'up': 10, 'down': 90, 'light': 80, 'firm': 101}, r'S101 of its pen is more than'),
    ],
)
def test_pen_heights_that_the_controller_cannot_reach_are_refused(settings, pen, text):
    world = other(settings=settings, driver={'pen': pen})
    with pytest.raises(SketchRobotError, match=text) as caught:
        world.plotter.connect()
    assert caught.value.code == ErrorCode.PLOTTER_ALARM
    assert world.machine.travel_mm == 0.0


@pytest.mark.parametrize('line', ['G0X10', 'g1 y-3 f500', 'G91X1', 'G28', 'G38.2Z-5F50', 'G90G00Z.5'])
def test_a_start_up_line_that_moves_the_machine_is_named(line):
    """It would move the pen off its stroke at each reset that a pause needs."""
    world = other(lambda data: re.sub(rb'\$N0=[^\r\n]*', b'$N0=' + line.encode(), data))
    with pytest.raises(SketchRobotError, match=rf'start-up line \$N0={line} moves .* clear it with \$N0=') as caught:
        world.plotter.connect()
    assert caught.value.code == ErrorCode.PLOTTER_ALARM


@pytest.mark.parametrize('line', ['G54', 'G21G90', 'G17 G94 M5', 'G64P0.1'])
def test_a_start_up_line_that_moves_nothing_is_left_alone(line):
    world = other(lambda data: re.sub(rb'\$N0=[^\r\n]*', b'$N0=' + line.encode(), data))
    world.plotter.connect()
    assert world.plotter.status == PlotterStatus.IDLE


def test_an_offset_that_nobody_tells_is_refused_before_it_moves():
    def says(data: bytes) -> bytes:
        return re.sub(rb'\|WCO:[^|>]*', b'', data)

    world = other(says, hears=lambda data: data.replace(b'$#', b'$Q'))
    with pytest.raises(SketchRobotError, match='does not tell where its coordinate system G54 lies') as caught:
        world.plotter.connect()
    assert caught.value.code == ErrorCode.PLOTTER_ALARM
    assert world.machine.travel_mm == 0.0


def test_a_line_that_is_refused_again_and_again_is_told(tmp_path):
    world = other(hears=lambda data: data.replace(b'G90G0X', b'G90G0Q1X'))
    world.plotter.connect()
    with pytest.raises(SketchRobotError, match=r"refused the line b'G90G0.*error:20, this G-code") as caught:
        world.plotter.draw(small_plan(3))
    assert caught.value.code == ErrorCode.PLOTTER_ALARM
    assert not world.machine.down


def test_a_door_that_was_opened_pauses_the_drawing():
    is_open, reasons = [], []
    world = other(lambda data: re.sub(rb'<(Run|Hold:\d)', b'<Door:1', data) if is_open else data)
    plan = small_plan(3)
    world.plotter.connect()
    world.link.at(world.unit.seconds + 0.5 * plan.predicted_s, lambda: is_open.append(True))

    def look(_progress: object) -> None:
        if world.plotter.status == PlotterStatus.PAUSED:
            reasons.append(world.plotter.reason)
            is_open.clear()
            world.plotter.resume()

    assert world.plotter.draw(plan, look).finished
    assert set(reasons) == {'the safety door of the machine is open; close it'}
    assert off_by_mm(world, plan) <= 0.1
    assert twice_mm(world, plan) < 0.5


def test_a_drawing_of_which_nothing_was_begun_is_resumed_as_a_new_one(tmp_path):
    plan = small_plan(3)
    with Journal(tmp_path / 'a.journal') as journal:
        journal.begin(plan)
    world = other()
    world.plotter.connect()
    with Journal(tmp_path / 'a.journal', resume=True) as journal:
        assert world.plotter.draw(plan, journal=journal).finished
    assert world.machine.outside_mm <= STEP_MM


def test_a_controller_that_keeps_no_token_is_not_taken_for_one_that_was_not_restarted(tmp_path):
    world, plan = other(hears=lambda data: data.replace(b'G43.1', b'G43.9'), folder=tmp_path), small_plan(3)
    world.plotter.connect()
    world.link.at(world.unit.seconds + 0.5 * plan.predicted_s, world.plotter.stop)
    assert not world.plotter.draw(plan, journal=world.journal).finished
    world.plotter.close()
    world.link.wait(0.5)
    world.plotter.connect()
    with pytest.raises(SketchRobotError, match='set the origin there') as caught:
        world.plotter.draw(plan, journal=world.journal)
    assert caught.value.code == ErrorCode.PLOTTER_ALARM


@pytest.mark.parametrize(
    ('line', 'pieces'),
    [
        ('ok<Idle|MPos:0.000,0.000,0.000>', ['ok', '<Idle|MPos:0.000,0.000,0.000>']),
        ('okok', ['ok', 'ok']),
        ('error:20[MSG:x]ok', ['error:20', '[MSG:x]', 'ok']),
        ('ok', ['ok']),
        ('ook', ['ook']),
        ('<Idle<Idle|MPos:0.000,0.000,0.000>', ['<Idle<Idle|MPos:0.000,0.000,0.000>']),
        ('', ['']),
    ],
)
def test_answers_glued_together_are_parted_where_that_is_certain(line, pieces):
    assert pieces_of(line) == pieces


@pytest.mark.parametrize(
    ('line', 'answer'),
    [
        ("Grl 1.1h ['$' for help]", Banner('')),
        (
            "\N{REPLACEMENT CHARACTER}Grbl 1.1h ['$' for hlp]",
            Unknown("\N{REPLACEMENT CHARACTER}Grbl 1.1h ['$' for hlp]"),
        ),
        ("\N{REPLACEMENT CHARACTER} Grbl 1.1h ['$' for help]", Banner('1.1h')),
        ("Grbl 1.1h ['$' fr hp]", Banner('1.1h')),
        ('$0=10 (step pulse, usec)', Setting(0, 10.0)),
        ('$74=MySSID', Note('$74=MySSID')),
    ],
)
def test_welcomes_and_settings_are_read_however_they_are_told(line, answer):
    assert parse_answer(line) == answer


@pytest.mark.parametrize(
    ('state', 'still'),
    [('Hold:0', True), ('Hold:1', False), ('Hold', True), ('Door:0', True), ('Door:1', True), ('Door:2', False),
     ('Door:3', False), ('Run', False), ('Run:1', False), ('Alarm:11', True), ('Idle', True)],
)  # fmt: skip
def test_states_tell_whether_the_machine_stands(state, still):
    assert parse_answer(f'<{state}|MPos:0.000,0.000,0.000>').is_still == still


def wait_until(is_so) -> None:
    deadline_s = time.monotonic() + 60.0
    while not is_so() and time.monotonic() < deadline_s:
        time.sleep(0.005)
    assert is_so()


def test_a_machine_that_is_unplugged_at_rest_is_noticed_without_asking_it(tmp_path):
    port = tmp_path / 'port'
    with (
        EmulatedGrbl(Hardware(CARD), speedup=20.0, reset_on_open=False, link=port) as machine,
        make_driver(port=str(port)) as plotter,
    ):
        assert plotter.status == PlotterStatus.IDLE
        machine.unplug()
        wait_until(lambda: plotter.status == PlotterStatus.OFFLINE)
        assert plotter.reason.endswith('was lost; check its cable and power, then connect again')
        machine.replug()
        wait_until(port.exists)
        plotter.connect()
        assert plotter.status == PlotterStatus.IDLE


@pytest.mark.parametrize(
    ('answers', 'name'),
    [
        ({b'M115': 'FIRMWARE_NAME:Marlin 2.1.2 SOURCE_CODE_URL:github.com/M/M'}, 'Marlin 2.1.2'),
        ({b'M115': 'FIRMWARE_NAME:Klipper FIRMWARE_VERSION:v0.12.0'}, 'Klipper'),
        ({b'M115': 'echo:Unknown command: "?"'}, 'Marlin'),
        ({b'M115': '!! Printer is not ready'}, 'Klipper'),
        ({b'AT': 'OK'}, 'a modem'),
    ],
)  # fmt: skip
def test_whoever_answers_instead_is_named(answers, name):
    world = World(homes=False)
    said: list[str] = []

    def hear(data: bytes) -> None:
        said.extend(f'{text}\r\n' for question, text in answers.items() if question in data)

    def says() -> bytes:
        told = ''.join(said).encode()
        said.clear()
        return told

    world.unit.send, world.unit.heard = hear, says
    with pytest.raises(SketchRobotError, match=f'at bench answers {name}, not GRBL') as caught:
        world.plotter.connect()
    assert caught.value.code == ErrorCode.PLOTTER_OFFLINE
    assert world.plotter.status == PlotterStatus.OFFLINE
