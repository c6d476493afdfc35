"""The emulated controller's language, as the GRBL 1.1 wiki documents it."""

from __future__ import annotations

import numpy as np
import pytest
from grbl_unit_bench import BANNER, LOCKED, Bench
from hypothesis import given, settings
from hypothesis import strategies as st

from sketch_robot_emulators import Hardware
from sketch_robot_emulators.ink import PlainPage as Page

SWITCHES = Hardware(Page(148.0, 210.0), switch_mm=(-1.0, -1.0, 10.0))
HOMING = {22: 1.0, 25: 6000.0, 24: 600.0, 26: 25.0}


@pytest.fixture
def bench() -> Bench:
    return Bench()


# ------------------------------------------------------------- greeting and reports
def test_it_greets_with_its_version(bench: Bench) -> None:
    assert bench.greeting == BANNER


def test_a_machine_that_homes_is_locked_at_first() -> None:
    bench = Bench(SWITCHES, HOMING)
    assert bench.greeting == BANNER + LOCKED
    assert bench.report()['state'] == 'Alarm'


def test_a_status_report_has_the_documented_fields(bench: Bench) -> None:
    assert bench.say('?') == '<Idle|MPos:0.000,0.000,0.000|Bf:15,128|FS:0,0|WCO:0.000,0.000,0.000>\r\n'
    assert bench.say('?') == '<Idle|MPos:0.000,0.000,0.000|Bf:15,128|FS:0,0|Ov:100,100,100>\r\n'
    assert bench.say('?') == '<Idle|MPos:0.000,0.000,0.000|Bf:15,128|FS:0,0>\r\n'


def test_offsets_and_overrides_are_reported_again_every_tenth_time(bench: Bench) -> None:
    seen = [bench.say('?', 0.01) for _ in range(21)]
    assert ['WCO' in line for line in seen].count(True) == 3
    assert [index for index, line in enumerate(seen) if 'WCO' in line] == [0, 10, 20]
    assert [index for index, line in enumerate(seen) if 'Ov' in line] == [1, 11]


@pytest.mark.parametrize(
    ('mask', 'place', 'buffers'), [(0, 'WPos', False), (1, 'MPos', False), (2, 'WPos', True), (3, 'MPos', True)]
)
def test_the_report_mask_chooses_positions_and_buffers(mask: int, place: str, buffers: bool) -> None:
    bench = Bench(None, {10: float(mask)})
    bench.line('G92 X-5')
    fields = bench.report()
    assert fields[place].split(',')[0] == ('-5.000' if place == 'WPos' else '0.000')
    assert ('Bf' in fields) == buffers


def test_reports_in_inches() -> None:
    bench = Bench(None, {13: 1.0})
    bench.line('G1 X25.4 F6000', 1.0)
    assert bench.report()['MPos'] == '1.0000,0.0000,0.0000'


def test_a_running_report_tells_speed_and_place(bench: Bench) -> None:
    assert bench.line('G1 X50 F6000', 0.3) == 'ok'
    fields = bench.report()
    assert fields['state'] == 'Run'
    assert fields['FS'] == '6000,0'
    assert 20.0 < float(fields['MPos'].split(',')[0]) < 30.0


def test_help_build_and_parser_state_are_as_documented(bench: Bench) -> None:
    assert bench.say('$\n') == '[HLP:$$ $# $G $I $N $x=val $Nx=line $J=line $SLP $C $X $H ~ ! ? ctrl-x]\r\nok\r\n'
    assert bench.say('$I\n') == '[VER:1.1h.20190830:]\r\n[OPT:V,15,128]\r\nok\r\n'
    assert bench.say('$G\n') == '[GC:G0 G54 G17 G21 G90 G94 M5 M9 T0 F0 S0]\r\nok\r\n'
    bench.say('G1 F1500 G91 G20 G55 M3 S300\n')
    assert bench.say('$G\n') == '[GC:G1 G55 G17 G20 G91 G94 M3 M9 T0 F38100 S300]\r\nok\r\n'


def test_parameters_are_listed(bench: Bench) -> None:
    bench.line('G10 L2 P2 X1.5 Y-2', 0.2)
    lines = bench.say('$#\n').splitlines()
    assert lines[1] == '[G55:1.500,-2.000,0.000]'
    assert lines[6:11] == [
        '[G28:0.000,0.000,0.000]',
        '[G30:0.000,0.000,0.000]',
        '[G92:0.000,0.000,0.000]',
        '[TLO:0.000]',
        '[PRB:0.000,0.000,0.000:0]',
    ]


# ------------------------------------------------------------- lines
def test_empty_lines_and_comments_are_answered_ok(bench: Bench) -> None:
    assert bench.say('\n\r(a comment) ; more\n\n') == 'ok\r\nok\r\nok\r\nok\r\n'


def test_spaces_and_small_letters_do_not_matter(bench: Bench) -> None:
    assert bench.line(' g1 x 1 0 (ten) f 6 0 0 0 ; go', 1.0) == 'ok'
    assert bench.report()['MPos'] == '10.000,0.000,0.000'


def test_a_line_may_have_79_characters_and_no_more(bench: Bench) -> None:
    fits = 'X' + '0' * 77 + '1'
    assert bench.line(fits) == 'ok'
    assert bench.line(fits + '0') == 'error:11'
    assert bench.line('$' + '0' * 90) == 'error:11'


@pytest.mark.parametrize(
    ('line', 'code'),
    [
        ('10', 1),
        ('*', 1),
        ('G', 2),
        ('X-', 2),
        ('$Q', 2),
        ('$$x', 3),
        ('$HX', 5),
        ('$H', 5),
        ('$110', 3),
        ('$110=a', 2),
        ('$110=-1', 4),
        ('$99=1', 3),
        ('$0=2', 6),
        ('$20=1', 10),
        ('$J=G91', 22),
        ('$J=G91F100X1S3', 36),
        ('$J=G1X1F100', 16),
        ('$J=G4P1F100', 16),
        ('G1X-1F-1', 4),
        ('S-1', 4),
        ('G64', 20),
        ('G41', 20),
        ('M6', 20),
        ('M7', 20),
        ('A1', 20),
        ('G0G1X1', 24),
        ('G90G91', 21),
        ('M3M5', 21),
        ('G1X1', 22),
        ('G1.5', 23),
        ('M3.1', 23),
        ('G10G1', 24),
        ('G92G0X1', 24),
        ('X1X2', 25),
        ('F1F2', 25),
        ('G92', 26),
        ('G10L2P1', 26),
        ('N10000001', 27),
        ('G4', 28),
        ('G10X1', 28),
        ('G10L2P7X1', 29),
        ('G10L3P1X1', 20),
        ('G2G53X1F100I1', 30),
        ('G80X1', 31),
        ('G2F100Z1I1', 32),
        ('G2F100X1Y1I5', 33),
        ('G2F100X10R1', 34),
        ('G2F100X1', 35),
        ('P1', 36),
        ('G0X1I1', 36),
        ('G43.1X1', 37),
        ('T256', 38),
    ],
)
def test_each_mistake_has_its_number(bench: Bench, line: str, code: int) -> None:
    assert bench.line(line) == f'error:{code}'


def test_a_line_with_an_error_changes_nothing(bench: Bench) -> None:
    bench.line('G21G90G1F100')
    before = bench.line('$G').splitlines()[0]
    assert bench.line('G20 G91 F5 M3 X1 X2') == 'error:25'
    assert bench.line('$G').splitlines()[0] == before


# ------------------------------------------------------------- motion in words
def test_modes_place_a_target(bench: Bench) -> None:
    bench.line('G10 L2 P1 X10 Y20', 0.3)  # work zero
    bench.line('G1 X1 Y1 F6000', 1.0)
    assert bench.report()['MPos'] == '11.000,21.000,0.000'
    bench.line('G91 X1', 1.0)
    assert bench.report()['MPos'] == '12.000,21.000,0.000'
    bench.line('G90 G53 X0 Y0', 1.0)
    assert bench.report()['MPos'] == '0.000,0.000,0.000'
    bench.line('G20 G0 X1', 1.0)
    assert bench.report()['MPos'] == '35.400,0.000,0.000'
    bench.line('G21 G92 X0', 0.1)
    bench.line('X5', 1.0)
    assert bench.report()['MPos'] == '40.400,0.000,0.000'
    bench.line('G92.1', 0.1)
    bench.line('X5', 1.0)
    assert bench.report()['MPos'] == '15.000,0.000,0.000'


def test_g10_l20_calls_the_present_place_something(bench: Bench) -> None:
    bench.line('G0 X7 Y9', 1.0)
    bench.line('G10 L20 P1 X0 Y0', 0.2)
    fields = bench.report()
    assert fields['MPos'] == '7.000,9.000,0.000'
    assert fields['WCO'] == '7.000,9.000,0.000'


def test_stored_places_are_gone_to(bench: Bench) -> None:
    bench.line('G0 X7 Y9', 1.0)
    bench.line('G28.1', 0.2)
    bench.line('G0 X0 Y0', 1.0)
    bench.line('G28 X20', 2.0)  # by way of x = 20; of x only
    assert bench.report()['MPos'] == '7.000,0.000,0.000'
    bench.line('G28', 2.0)
    assert bench.report()['MPos'] == '7.000,9.000,0.000'


def test_an_arc_goes_round_its_centre() -> None:
    bench = Bench(Hardware(Page(148.0, 210.0), start_mm=(50.0, 50.0)))
    bench.line('M3 S1000', 0.2)
    bench.line('G2 X20 Y0 I10 J0 F3000', 2.0)
    bench.line('M5', 0.3)
    (arc,) = bench.machine.paper.polylines
    radii = np.hypot(*(arc - [60.0, 50.0]).T)
    assert np.abs(radii - 10.0).max() < 0.02
    assert arc[:, 1].max() == pytest.approx(60.0, abs=0.02)  # clockwise: over the top
    assert bench.report()['MPos'] == '20.000,0.000,0.000'


def test_ok_means_planned_and_a_full_planner_holds_the_next_line_back(bench: Bench) -> None:
    said = bench.say('G1F600\n' + ''.join(f'X{k}\n' for k in range(1, 17)), 0.05)
    assert said == 'ok\r\n' * 16  # F, and fifteen motions, of which none is over
    fields = bench.report()
    assert fields['Bf'].split(',') == ['0', '128']
    assert bench.say('', 0.2) == 'ok\r\n'  # one is over


def test_a_dwell_is_answered_when_motion_and_dwell_are_over(bench: Bench) -> None:
    assert bench.say('G1 X10 F6000\nG4 P0.12\n', 0.1) == 'ok\r\n'
    assert bench.say('', 0.06 + 0.13) == ''
    assert bench.say('', 0.03) == 'ok\r\n'
    assert bench.report()['state'] == 'Idle'


@pytest.mark.parametrize('line', ['M3 S500', 'M8', 'G4 P0', 'G10 L2 P1 X1', 'G54 G92 X0'])
def test_commands_that_wait_for_motion_do(bench: Bench, line: str) -> None:
    assert bench.say(f'G1 X10 F6000\n{line}\n', 0.1) == 'ok\r\n'
    assert bench.say('', 0.2) == 'ok\r\n'


def test_a_spindle_that_is_as_it_should_be_waits_for_nothing(bench: Bench) -> None:
    bench.line('M3 S500')
    assert bench.say('G1 X10 F6000\nM3 S500\n', 0.05) == 'ok\r\nok\r\n'


def test_m0_waits_to_be_resumed_and_m2_ends_the_program(bench: Bench) -> None:
    assert bench.say('M0\n', 0.1) == ''
    assert bench.report()['state'] == 'Hold:0'
    assert bench.say('~', 0.1) == 'ok\r\n'
    bench.line('G91 G1 F100 M3 S5')
    assert bench.say('M2\n', 0.2) == '[MSG:Pgm End]\r\nok\r\n'
    assert bench.line('$G').startswith('[GC:G1 G54 G17 G21 G90 G94 M5 M9')


# ------------------------------------------------------------- the receive buffer
def test_bytes_beyond_128_are_lost(bench: Bench) -> None:
    bench.say('G1 X100 F600\n' + 'G4 P0\n', 0.05)  # the dwell waits for the motion: nothing is read
    bench.say('(' + 'x' * 200 + '\n', 0.1)
    assert bench.unit.lost == 202 - 128
    assert bench.report()['Bf'] == '14,0'


def test_real_time_commands_take_no_room(bench: Bench) -> None:
    bench.say('G1 X100 F600\nG4 P0\n' + 'x' * 128, 0.1)
    for _ in range(5):
        assert bench.report()['Bf'] == '14,0'
    assert bench.unit.lost == 0


def test_a_byte_takes_its_time_on_the_line(bench: Bench) -> None:
    assert bench.say('\n' * 100, 0.004) == 'ok\r\n' * 46  # 86.8 us each
    assert bench.say('', 0.01) == 'ok\r\n' * 54


def test_bytes_that_come_while_eeprom_is_written_are_lost(bench: Bench) -> None:
    said = bench.say('$110=6000\n$111=7000\n', 0.3)
    assert said == 'ok\r\n'
    assert bench.unit.settings[110] == 6000.0
    assert bench.unit.settings[111] == 12000.0
    assert bench.unit.lost > 5


def test_settings_sent_one_by_one_are_kept(bench: Bench) -> None:
    for line in ('$110=6000', '$111=7000', '$11=0.02', '$1=25'):
        assert bench.line(line, 0.1) == 'ok'
    listed = dict(row[1:].split('=') for row in bench.say('$$\n').splitlines()[:-1])
    assert (listed['110'], listed['111'], listed['11'], listed['1']) == ('6000.000', '7000.000', '0.020', '25')
    assert len(listed) == 34


def test_writing_what_is_there_takes_no_time(bench: Bench) -> None:
    assert bench.say('$110=12000\n$111=12000\n', 0.01) == 'ok\r\nok\r\n'


def test_settings_can_be_restored(bench: Bench) -> None:
    said = bench.say('$RST=$\n', 1.0)
    assert said.startswith('[MSG:Restoring defaults]\r\nok\r\n' + BANNER[:2])
    assert bench.unit.settings[110] == 500.0


# ------------------------------------------------------------- real-time commands
def test_a_hold_brakes_and_a_resume_goes_on(bench: Bench) -> None:
    bench.line('G1 X50 F6000', 0.2)
    bench.say('!', 0.001)
    assert bench.report()['state'] == 'Hold:1'
    bench.say('', 0.15)
    held = bench.report()
    assert held['state'] == 'Hold:0'
    assert 18.0 < float(held['MPos'].split(',')[0]) < 27.0
    assert bench.say('G0 X0\n', 0.2) == ''  # nothing is parsed meanwhile
    assert bench.say('~', 2.0) == 'ok\r\n'
    assert bench.report()['MPos'] == '0.000,0.000,0.000'


def test_a_reset_after_a_hold_keeps_the_position(bench: Bench) -> None:
    bench.say('M3S1000\nG4P.1\nG1 X50 F6000\n', 0.4)
    bench.say('!', 0.2)
    assert bench.report()['state'] == 'Hold:0'
    assert bench.say('\x18', 0.1) == BANNER
    assert bench.report()['state'] == 'Idle'
    x_mm = float(bench.report()['MPos'].split(',')[0])
    assert bench.machine.xy_mm[0] == pytest.approx(x_mm, abs=0.001)
    assert bench.machine.lost_mm.tolist() == [0.0, 0.0]
    assert not bench.machine.down


def test_a_reset_in_motion_is_an_alarm_and_loses_the_position(bench: Bench) -> None:
    bench.say('G1 X100 F6000\n', 0.3)
    said = bench.say('\x18', 2.0)
    assert said == 'ALARM:3\r\n' + BANNER + LOCKED
    assert bench.machine.lost_mm[0] > 0.05
    assert bench.line('G0 X0') == 'error:9'
    assert bench.say('$X\n') == '[MSG:Caution: Unlocked]\r\nok\r\n'
    assert bench.line('G0 X0', 2.0) == 'ok'
    assert bench.machine.xy_mm[0] == pytest.approx(bench.machine.lost_mm[0])


def test_a_line_that_waits_is_answered_before_a_reset(bench: Bench) -> None:
    bench.say('G1 X100 F6000\nG4 P1\n', 0.3)
    assert bench.say('\x18', 2.0) == 'ALARM:3\r\nok\r\n' + BANNER + LOCKED


def test_a_reset_at_rest_is_harmless(bench: Bench) -> None:
    bench.line('G0 X5', 1.0)
    assert bench.say('\x18', 0.1) == BANNER
    assert bench.report()['MPos'] == '5.000,0.000,0.000'


def test_modes_are_forgotten_by_a_reset_but_offsets_in_eeprom_are_not(bench: Bench) -> None:
    bench.line('G10 L2 P1 X3', 0.2)
    bench.line('G91 G20 G92 X1', 0.2)
    bench.say('\x18', 0.1)
    assert bench.line('$G').startswith('[GC:G0 G54 G17 G21 G90')
    assert bench.report()['WCO'] == '3.000,0.000,0.000'


def test_overrides_change_speed_within_their_bounds(bench: Bench) -> None:
    bench.say(b'\x91\x91\x93\x96', 0.01)
    bench.report()
    assert bench.report()['Ov'] == '121,50,100'
    bench.say(b'\x92' * 30, 0.01)
    bench.say(b'\x9a\x95', 0.01)
    fields = [bench.report() for _ in range(2)]
    assert next(f['Ov'] for f in fields if 'Ov' in f) == '10,100,110'
    bench.say(b'\x90\x99', 0.01)
    fields = [bench.report() for _ in range(2)]
    assert next(f['Ov'] for f in fields if 'Ov' in f) == '100,100,100'


def test_a_feed_override_slows_the_motion_under_way(bench: Bench) -> None:
    bench.line('G1 X50 F6000', 0.2)
    bench.say(b'\x92\x92\x92\x92\x92', 0.15)
    assert bench.report()['FS'] == '3000,0'


def test_the_spindle_can_be_stopped_while_held_and_is_restored(bench: Bench) -> None:
    bench.say('M3S1000\nG4P.1\nG1X50F6000\n', 0.4)
    assert bench.say(b'\x9e', 0.01) == ''  # in motion it does nothing
    assert bench.machine.down
    bench.say('!', 0.01)
    bench.say(b'\x9e', 0.01)
    assert bench.machine.down  # not before the hold is complete
    bench.say('', 0.3)
    assert not bench.machine.down
    fields = bench.report()
    assert (fields['state'], fields['FS']) == ('Hold:0', '0,0')
    assert bench.say(b'\x9e', 0.2) == '[MSG:Restoring spindle]\r\n'
    assert bench.machine.down
    assert bench.report()['FS'] == '0,1000'
    bench.say(b'\x9e', 0.2)
    assert not bench.machine.down
    assert bench.say('~', 2.0) == '[MSG:Restoring spindle]\r\n'
    assert bench.machine.down
    assert bench.machine.xy_mm == (50.0, 0.0)


def test_jogging_and_its_cancel(bench: Bench) -> None:
    assert bench.line('$J=G91 X100 F6000', 0.2) == 'ok'
    assert bench.report()['state'] == 'Jog'
    assert bench.line('G0 X0', 0.01) == 'error:9'
    bench.say(b'\x85', 0.2)
    fields = bench.report()
    assert fields['state'] == 'Idle'
    assert 15.0 < float(fields['MPos'].split(',')[0]) < 30.0
    assert bench.line('$G').startswith('[GC:G0')
    assert bench.line('G91 G0 X1', 1.0) == 'ok'
    after = float(bench.report()['MPos'].split(',')[0])
    assert after == pytest.approx(float(fields['MPos'].split(',')[0]) + 1.0, abs=0.02)


def test_checking_a_program_moves_nothing_and_ends_with_a_reset(bench: Bench) -> None:
    assert bench.say('$C\n') == '[MSG:Enabled]\r\nok\r\n'
    assert bench.report()['state'] == 'Check'
    assert bench.say('G1 X10 F600\nM3 S1000\nG4 P10\nX1X\n', 0.1) == 'ok\r\nok\r\nok\r\nerror:2\r\n'
    assert bench.say('$C\n', 0.2) == '[MSG:Disabled]\r\nok\r\n' + BANNER
    assert bench.report()['MPos'] == '0.000,0.000,0.000'
    assert not bench.machine.down


def test_sleep_ends_with_a_reset_and_a_lock(bench: Bench) -> None:
    assert bench.say('$SLP\n', 0.1) == 'ok\r\n[MSG:Sleeping]\r\n'
    assert bench.report()['state'] == 'Sleep'
    assert bench.say('G0X1\n', 0.1) == ''
    assert bench.say('\x18', 0.2) == BANNER + LOCKED


def test_commands_that_need_rest_are_refused_in_motion(bench: Bench) -> None:
    bench.line('G1 X100 F600', 0.2)
    for line in ('$$', '$#', '$I', '$H', '$110=1', '$C', '$J=G91X1F100', '$SLP'):
        assert bench.line(line, 0.02) == 'error:8'


def test_startup_lines_are_kept_and_run(bench: Bench) -> None:
    assert bench.line('$N0=G91', 0.5) == 'ok'
    assert bench.say('$N\n') == '$N0=G91\r\n$N1=\r\nok\r\n'
    assert bench.line('$N1=X1X1', 0.5) == 'error:25'
    assert bench.say('\x18', 0.1) == BANNER + '>G91:ok\r\n'


# ------------------------------------------------------------- limits and homing
def test_homing_finds_the_switches_and_counts_from_them() -> None:
    bench = Bench(SWITCHES, HOMING)
    bench.unit.send(b'$H\n')
    bench.unit.run(0.3)
    assert bench.unit.state == 'Home'
    bench.unit.run(30.0)
    assert bench.unit.drop_answers().endswith(b'ok\r\n')
    fields = bench.report()
    assert fields['state'] == 'Idle'
    assert fields['MPos'] == '-399.000,-399.000,-1.000'
    assert bench.machine.xy_mm == pytest.approx((0.0, 0.0), abs=0.05)
    assert bench.machine.outside_mm < 0.1


def test_homing_mends_a_lost_position() -> None:
    bench = Bench(SWITCHES, HOMING)
    bench.say('$X\n')
    bench.say('G1 X100 F6000\n', 0.5)
    bench.say('\x18', 2.0)
    bench.say('$H\n', 30.0)
    assert bench.machine.xy_mm == pytest.approx((0.0, 0.0), abs=0.05)


def test_homing_without_a_switch_is_alarm_9() -> None:
    bench = Bench(SWITCHES, HOMING)
    bench.unit.switches_work = False
    said = bench.say('$H\n', 60.0)
    assert said == 'ALARM:9\r\nok\r\n' + BANNER + LOCKED


def test_a_reset_while_homing_is_alarm_6() -> None:
    bench = Bench(SWITCHES, HOMING)
    bench.say('$H\n', 0.5)
    assert bench.say('\x18', 2.0) == 'ALARM:6\r\nok\r\n' + BANNER + LOCKED


def test_a_switch_that_stays_pressed_is_alarm_8() -> None:
    bench = Bench(SWITCHES, {**HOMING, 27: 0.0})
    assert bench.say('$H\n', 60.0).startswith('ALARM:8\r\n')


def test_soft_limits_stop_before_the_motion_and_keep_the_position() -> None:
    bench = Bench(SWITCHES, {**HOMING, 20: 1.0})
    bench.say('$H\n', 30.0)
    assert bench.line('G53 G1 X-300 Y-300 Z-1 F6000', 0.2) == 'ok'
    said = bench.say('G53 G1 X5 F6000\n', 3.0)
    assert said == 'ALARM:2\r\n[MSG:Reset to continue]\r\n'
    assert bench.say('?', 0.1) == ''  # nothing but a reset helps
    assert bench.say('\x18', 0.3) == 'ok\r\n' + BANNER + LOCKED
    assert bench.machine.lost_mm.tolist() == [0.0, 0.0]
    bench.say('$X\n')
    x, y, _ = bench.report()['MPos'].split(',')
    assert bench.machine.xy_mm == pytest.approx((float(x) + 399.0, float(y) + 399.0), abs=0.05)


def test_a_jog_beyond_the_travel_is_refused() -> None:
    bench = Bench(SWITCHES, {**HOMING, 20: 1.0})
    bench.say('$H\n', 30.0)
    assert bench.line('$J=G91 X-10 F600') == 'error:15'
    assert bench.report()['state'] == 'Idle'


def test_a_hard_limit_needs_a_reset(bench: Bench) -> None:
    bench.say('G1 X100 F6000\n', 0.3)
    bench.unit.raise_alarm(1)
    assert bench.say('', 1.0) == 'ALARM:1\r\n[MSG:Reset to continue]\r\n'
    assert bench.say('G0X0\n?', 0.3) == ''
    assert bench.say('\x18', 0.5) == BANNER + LOCKED
    assert bench.unit.alarms == [1]


def test_a_brown_out_forgets_where_it_is(bench: Bench) -> None:
    bench.line('G0 X50', 1.0)
    bench.unit.brown_out()
    assert bench.say('', 0.1) == BANNER
    assert bench.report()['MPos'] == '0.000,0.000,0.000'
    assert bench.machine.xy_mm == pytest.approx((50.0, 0.0))
    bench.line('G0 X5', 1.0)
    assert bench.machine.xy_mm == pytest.approx((55.0, 0.0))


def test_a_probe_that_never_touches_is_alarm_5(bench: Bench) -> None:
    said = bench.say('G38.2 Z-2 F600\n', 2.0)
    assert said.startswith('ALARM:5\r\n')
    assert bench.report()['state'] == 'Alarm'


# ------------------------------------------------------------- anything at all
@given(st.binary(max_size=300))
@settings(max_examples=150, deadline=None)
def test_no_bytes_whatever_stop_it_from_answering(data: bytes) -> None:
    bench = Bench()
    bench.say(data, 2.0)
    bench.unit.run(30.0)
    bench.say(b'\x18', 2.0)
    bench.say(b'\x18', 1.0)
    assert bench.unit.state in ('Idle', 'Alarm')
    assert bench.say('?', 0.1).startswith(f'<{bench.unit.state}|')


_WORDS = (
    'G0 G1 G2 G3 G4 G10 G20 G21 G28 G28.1 G38.2 G43.1 G49 G53 G54 G59 G61 G80 G90 G91 G92 G92.1 G93 G94 M0 M2 M3 M4 M5 '
    'M8 M9 L2 L20 P0 P1 P.1 X1 X-9 X9999999 Y3 Z.5 I1 J-2 R5 R-5 F0 F1 F5000 S0 S1000 T3 N7 $$ $H $X $C $J= $N $SLP '
    '$RST=* $100=0 $110=0 $120=0 $11=0 $1=25 $22=0 $20=1'
)


@given(
    st.lists(
        st.one_of(st.lists(st.sampled_from(_WORDS.split()), max_size=5).map(' '.join), st.sampled_from('!~?\x18')),
        max_size=12,
    )
)
@settings(max_examples=150, deadline=None)
def test_no_program_whatever_stops_it_from_answering(lines: list[str]) -> None:
    bench = Bench(SWITCHES, HOMING)
    bench.say('$X\n', 0.1)
    for line in lines:
        bench.say(line + '\n', 0.5)
    bench.say(b'\x18', 3.0)
    bench.say(b'\x18', 1.0)
    assert bench.say('?', 0.1).startswith(f'<{bench.unit.state}|')
