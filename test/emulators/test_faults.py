"""Faults on demand: at the byte, the stroke or the second asked for, and the same for the same seed."""

from __future__ import annotations

import math

import pytest

from sketch_robot_emulators import GrblUnit, VirtualLink
from sketch_robot_emulators.faults import KINDS, Counts, Fault, FaultSchedule, parse_fault


def passed(fault: str, data: bytes = b'0123456789', seed: int = 0) -> bytes:
    schedule = FaultSchedule([parse_fault(fault)], seed=seed)
    return schedule.pass_bytes(data, 'out' if '-out' in fault or 'ok' in fault else 'in', Counts())


# ------------------------------------------------------------- bytes
@pytest.mark.parametrize(
    ('fault', 'left'),
    [
        ('lose-in@bytes=3', b'012456789'),
        ('lose-in@bytes=3:4', b'012789'),
        ('lose-out@bytes=9:5', b'012345678'),
        ('double-in@bytes=2', b'01223456789'),
        ('double-out@bytes=1:3', b'0112233456789'),
    ],
)
def test_bytes_are_lost_and_doubled_where_asked(fault: str, left: bytes) -> None:
    assert passed(fault) == left


def test_bytes_that_are_yet_to_come_are_lost_too() -> None:
    schedule = FaultSchedule([Fault('lose-in', 'bytes', 9, 4)])
    assert schedule.pass_bytes(b'0123456789', 'in', Counts()) == b'012345678'
    assert schedule.pass_bytes(b'abcdef', 'in', Counts(bytes_in=10)) == b'def'


def test_a_fault_at_a_byte_that_begins_a_later_piece_hits_it() -> None:
    schedule = FaultSchedule([Fault('lose-out', 'bytes', 10)])
    assert schedule.pass_bytes(b'0123456789', 'out', Counts()) == b'0123456789'
    assert schedule.due(Counts(bytes_out=10)) == []
    assert schedule.pass_bytes(b'abc', 'out', Counts(bytes_out=10)) == b'bc'


def test_garbled_bytes_differ_and_are_as_many() -> None:
    garbled = passed('garble-in@bytes=4:2')
    assert len(garbled) == 10
    assert (garbled[:4], garbled[6:]) == (b'0123', b'6789')
    assert garbled[4:5] != b'4'
    assert garbled[5:6] != b'5'


def test_garbage_comes_between_and_is_the_same_for_the_same_seed() -> None:
    one, two, other = passed('garbage-in@bytes=5'), passed('garbage-in@bytes=5'), passed('garbage-in@bytes=5', seed=1)
    assert one == two
    assert one != other
    assert len(one) == 18
    assert (one[:5], one[-5:]) == (b'01234', b'56789')


def test_an_ok_is_dropped_whole() -> None:
    schedule = FaultSchedule([Fault('drop-ok', 'lines', 2)])
    assert schedule.pass_bytes(b'ok\r\n', 'out', Counts(lines=1)) == b'ok\r\n'
    schedule.due(Counts(lines=2))
    assert schedule.pass_bytes(b'<Idle>\r\nok\r\nok\r\n', 'out', Counts(lines=2)) == b'<Idle>\r\nok\r\n'


def test_faults_wait_for_their_moment_and_happen_once() -> None:
    schedule = FaultSchedule([Fault('reset', 'strokes', 2), Fault('unplug', 'ink', 30.0), Fault('stall', 'seconds', 1)])
    assert schedule.due(Counts(strokes=1, ink_mm=29.0, seconds=0.9)) == []
    assert schedule.seconds_to_next(Counts(seconds=0.9)) == pytest.approx(0.1)
    assert [fault.kind for fault in schedule.due(Counts(strokes=2, ink_mm=31.0, seconds=0.9))] == ['reset', 'unplug']
    assert schedule.due(Counts(strokes=3, ink_mm=40.0, seconds=0.95)) == []
    assert [fault.kind for fault in schedule.happened] == ['reset', 'unplug']
    assert [fault.kind for fault in schedule.waiting] == ['stall']


# ------------------------------------------------------------- words
def test_faults_are_named_in_words() -> None:
    assert parse_fault('unplug@strokes=3:2.5') == Fault('unplug', 'strokes', 3.0, 2.5)
    assert parse_fault('stuck-pen@seconds=1.5') == Fault('stuck-pen', 'seconds', 1.5)
    assert parse_fault('stall@lines=9:inf').amount == math.inf
    assert Fault('slow', 'bytes', 1).amount == KINDS['slow']


@pytest.mark.parametrize(
    ('text', 'complaint'),
    [
        ('fire@strokes=3', "there is no fault 'fire'; choose one of: lose-in"),
        ('reset@moon=3', "there is no moment 'moon'; choose one of: bytes"),
        ('reset', "there is no moment ''|could not convert"),
        ('reset@seconds=soon', 'could not convert'),
        ('reset@seconds=-1', 'negative'),
        ('stall@seconds=1:-2', 'negative'),
        ('reset@seconds=nan', 'negative'),
    ],
)
def test_faults_that_do_not_exist_are_refused(text: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint) as error:
        parse_fault(text)
    assert 'as in unplug@strokes=3:2.5' in str(error.value)


# ------------------------------------------------------------- on a machine
def linked(*faults: str, seed: int = 0) -> VirtualLink[GrblUnit]:
    link = VirtualLink(GrblUnit(faults=FaultSchedule([parse_fault(text) for text in faults], seed=seed)))
    link.open()
    assert link.read_line(1.0) == "Grbl 1.1h ['$' for help]"
    return link


def answers(link: VirtualLink[GrblUnit], text: str, seconds: float = 0.5) -> list[tuple[float, str]]:
    """What comes within so many seconds, and after how many."""
    begin_s = link.now_s()
    link.write(text.encode())
    heard = []
    while (left_s := begin_s + seconds - link.now_s()) > 0.0:
        if (line := link.read_line(left_s)) is not None:
            heard.append((link.now_s() - begin_s, line))
    return heard


def test_a_stall_holds_answers_back_and_then_lets_them_out() -> None:
    heard = answers(linked('stall@lines=1:0.3'), 'G21\nG90\n')
    assert [line for _, line in heard] == ['ok', 'ok']
    assert heard[0][0] == pytest.approx(0.3, abs=0.03)


def test_an_endless_stall_lets_nothing_out() -> None:
    assert answers(linked('stall@lines=1:inf'), 'G21\nG90\n', 20.0) == []


def test_slow_answers_take_their_time() -> None:
    heard = answers(linked('slow@lines=0:0.2'), 'G21\nG90\n')
    assert [round(when, 1) for when, _ in heard] == [0.2, 0.2]


def test_a_dropped_ok_never_comes() -> None:
    assert [line for _, line in answers(linked('drop-ok@lines=1'), 'G21\nG90\nG1X\n')] == ['ok', 'error:2']


def test_a_pulled_cable_ends_the_connection_and_the_machine_goes_on() -> None:
    link = linked('unplug@lines=2:1.0')
    link.write(b'G1X20F6000\nG21\n')
    link.wait(0.1)
    with pytest.raises(ConnectionError, match='was lost; plug it in'):
        link.read_line(1.0)
    with pytest.raises(ConnectionError):
        link.write(b'?')
    with pytest.raises(ConnectionError):
        link.open()
    link.wait(1.1)
    assert link.unit.trace.xy_mm == pytest.approx((20.0, 0.0))
    link.close()
    link.open()
    assert link.read_line(1.0) == "Grbl 1.1h ['$' for help]"
    assert link.unit.position_steps == (0, 0, 0)  # opening the port resets it


def test_a_reset_in_mid_stroke_greets_and_leaves_the_pen_up() -> None:
    link = linked('reset@seconds=1.2')
    heard = [line for _, line in answers(link, 'M3S1000\nG4P.1\nG1X100F3000\n', 3.0)]
    assert heard == ['ok', 'ok', 'ok', "Grbl 1.1h ['$' for help]"]
    assert not link.unit.trace.down
    assert 0.0 < link.unit.trace.ink_mm < 60.0
    assert link.unit.position_steps == (0, 0, 0)


@pytest.mark.parametrize(('code', 'lines'), [(1, ['ALARM:1', '[MSG:Reset to continue]']), (5, None)])
def test_an_alarm_comes_when_asked_for(code: int, lines: list[str] | None) -> None:
    link = linked(f'alarm@seconds=0.7:{code}')
    heard = [line for _, line in answers(link, 'G1X100F3000\n', 3.0)]
    assert heard[:2] == ['ok', f'ALARM:{code}']
    assert heard[1:] == (lines or ['ALARM:5', "Grbl 1.1h ['$' for help]", "[MSG:'$H'|'$X' to unlock]"])


def test_a_soft_limit_alarm_comes_with_the_next_motion_and_keeps_the_position() -> None:
    link = linked('alarm@lines=1:2')
    heard = [line for _, line in answers(link, 'G1X100F3000\nX50\n', 3.0)]
    assert heard[-2:] == ['ALARM:2', '[MSG:Reset to continue]']
    assert link.unit.trace.lost_mm.tolist() == [0.0, 0.0]
    assert link.unit.alarms == [2]


def test_a_pen_that_sticks_stays_down_until_it_comes_free() -> None:
    link = linked('stuck-pen@seconds=0.75:1.0')
    answers(link, 'M3S1000\nG4P.2\nG1X10F6000\nM5\nG4P.2\nG0X20\n', 0.9)
    assert link.unit.trace.down
    assert link.unit.trace.pen_down_travel_mm == pytest.approx(10.0)
    answers(link, 'M3S1000\nM5\n', 1.5)
    answers(link, 'M3S1000\nM5\n', 0.5)
    assert not link.unit.trace.down


def test_the_same_faults_make_the_same_drawing() -> None:
    def run() -> tuple[list[tuple[float, str]], list[list[list[float]]]]:
        link = linked('garbage-in@bytes=40', 'lose-out@bytes=70:3', 'reset@ink=25', seed=5)
        heard = answers(link, 'M3S1000\nG4P.1\nG1X40F3000\nY20\nX0\nM5\n', 3.0)
        return heard, [line.tolist() for line in link.unit.trace.paper.polylines]

    assert run() == run()


def test_a_link_does_things_in_the_middle() -> None:
    link = linked()
    link.after(0.3, link.wake)
    link.after(0.4, lambda: link.write(b'?'))
    begin_s = link.now_s()
    assert link.read_line(1.0) is None
    assert link.now_s() - begin_s == pytest.approx(0.3)
    assert str(link.read_line(1.0)).startswith('<Idle')
    assert link.now_s() - begin_s == pytest.approx(0.4, abs=0.01)  # 60 bytes take 5 ms on the line


def test_a_foreign_newline_is_answered_and_a_forged_answer_comes_by_itself() -> None:
    assert [line for _, line in answers(linked('newline@lines=1:2'), 'G21\n')] == ['ok'] * 3
    link = linked('forge-ok@lines=1')
    assert [line for _, line in answers(link, 'G21\n')] == ['ok'] * 2
    assert link.unit.lines == 1


def test_a_carriage_that_is_pushed_stands_elsewhere_and_the_controller_does_not_know() -> None:
    link = linked('push@lines=1:4')
    answers(link, 'G21\n')
    assert link.unit.trace.xy_mm == (4.0, 4.0)
    assert link.unit.position_steps == (0, 0, 0)


def test_a_button_that_is_pressed_holds_the_machine() -> None:
    link = linked('button@lines=1')
    answers(link, 'G21\nG1X5F600\n', 0.2)
    assert link.unit.state == 'Hold'


def test_a_suspended_program_hears_what_was_said_when_it_runs_again() -> None:
    heard = answers(linked('suspend@lines=1:0.3'), 'G21\nG90\n')
    assert [line for _, line in heard] == ['ok', 'ok']
    assert heard[1][0] >= 0.3
