"""Lines from a port: with deadlines, whatever comes in."""

import fcntl
import os
import select
import socket
import struct
import termios
import threading
import time
import tty
from types import SimpleNamespace

import pytest
import serial
from hypothesis import given, settings
from hypothesis import strategies as st

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.plotters import ports, serial_link
from sketch_robot.plotters.ports import find_ports, port_of
from sketch_robot.plotters.serial_link import LONGEST_LINE, SerialLink

TIOCGEXCL = 0x80045440  # Linux, asm-generic/ioctls.h
UNKNOWN = '\N{REPLACEMENT CHARACTER}'


@pytest.fixture
def wire():
    """The machine's end of a port, and the port's name."""
    machine, port = os.openpty()
    tty.setraw(port)
    end = SimpleNamespace(fd=machine, name=os.ttyname(port), say=lambda data: os.write(machine, data))
    end.unplug = lambda: (os.close(end.fd), setattr(end, 'fd', None))
    yield end
    for fd in (end.fd, port):
        if fd is not None:
            os.close(fd)


def test_lines_come_one_by_one_and_without_their_ends(wire):
    with SerialLink(wire.name) as link:
        wire.say(b'\r\nGrbl 1.1h\r\n\r\nok\n\rOK\n')
        assert [link.read_line(1.0) for _ in range(3)] == ['Grbl 1.1h', 'ok', 'OK']
        assert link.read_line(0.0) is None


def test_what_is_written_arrives(wire):
    with SerialLink(wire.name) as link:
        link.write(b'G1X10\n')
        assert os.read(wire.fd, 100) == b'G1X10\n'


def test_a_line_that_does_not_come_is_not_waited_for_longer_than_asked(wire):
    with SerialLink(wire.name) as link:
        wire.say(b'o')
        assert link.read_line(0.02) is None
        wire.say(b'k\n')
        assert link.read_line(1.0) == 'ok'


def test_another_thread_can_end_the_wait(wire):
    with SerialLink(wire.name) as link:
        waker = threading.Timer(0.05, link.wake)
        waker.start()
        began_s = time.monotonic()
        assert link.read_line(60.0) is None
        assert time.monotonic() - began_s < 30.0
        waker.join()
        wire.say(b'ok\n')
        assert link.read_line(1.0) == 'ok'


def test_a_wake_without_a_wait_ends_the_next_one_but_loses_no_line(wire):
    with SerialLink(wire.name) as link:
        link.wake()
        assert link.read_line(60.0) is None
        link.wake()
        wire.say(b'ok\n')
        lines = [link.read_line(1.0), link.read_line(0.2)]
        assert 'ok' in lines


def test_a_wake_never_writes_into_a_descriptor_that_was_given_to_somebody_else_meanwhile(wire, monkeypatch):
    link = SerialLink(wire.name)
    link.open()
    foreign, closers, write = [], [], os.write

    def close_and_hand_on():
        link.close()
        foreign.extend(socket.socketpair() for _ in range(4))  # the system gives the lowest numbers that are free

    def slow_write(fd, data):
        closers.append(threading.Thread(target=close_and_hand_on))
        closers[0].start()
        closers[0].join(0.3)  # it must not get so far before the byte is written
        return write(fd, data)

    monkeypatch.setattr(serial_link.os, 'write', slow_write)
    link.wake()
    closers[0].join()
    for end in (end for pair in foreign for end in pair):
        end.setblocking(False)
        with pytest.raises(BlockingIOError):
            end.recv(10)
    for end in (end for pair in foreign for end in pair):
        end.close()


def test_bytes_that_are_no_text_are_marked_and_overlong_lines_dropped(wire):
    with SerialLink(wire.name) as link:
        wire.say(b'o\xffk\nx\x00\n' + b'y' * (LONGEST_LINE + 50) + b'\nok\n')
        assert [link.read_line(1.0) for _ in range(4)] == [f'o{UNKNOWN}k', f'x{UNKNOWN}', UNKNOWN, 'ok']
        assert link.overlong_lines == 1


@settings(deadline=None)
@given(st.lists(st.binary(max_size=700), max_size=12))
def test_whatever_comes_lines_are_short_and_printable_and_the_next_good_one_is_found(pieces):
    link = SerialLink('nowhere')
    for piece in [*pieces, b'\nok\n']:
        link._take(piece)
    lines = list(link._lines)
    assert lines[-1] == 'ok'
    assert all(0 < len(line) <= LONGEST_LINE for line in lines)
    assert all(char == UNKNOWN or ' ' <= char <= '~' for line in lines for char in line)


def test_memory_stays_bounded_when_no_line_ever_ends():
    link = SerialLink('nowhere')
    for _ in range(1000):
        link._take(b'x' * 1000)
        assert len(link._input) <= LONGEST_LINE + 1000


def test_an_unplugged_machine_is_offline(wire):
    with SerialLink(wire.name, machine='GRBL plotter') as link:
        wire.unplug()
        with pytest.raises(SketchRobotError, match=r'GRBL plotter at /dev/.* was lost; check its cable') as caught:
            link.read_line(1.0)
        assert caught.value.code == ErrorCode.PLOTTER_OFFLINE
        with pytest.raises(SketchRobotError, match='was lost'):
            link.write(b'?')


def test_a_port_that_takes_nothing_any_more_is_offline(wire, monkeypatch):
    monkeypatch.setattr(serial_link, 'WRITE_S', 0.05)
    with SerialLink(wire.name) as link, pytest.raises(SketchRobotError, match='takes no data any more') as caught:
        link.write(b'x' * 1_000_000)
    assert caught.value.code == ErrorCode.PLOTTER_OFFLINE


def test_a_write_goes_on_where_it_stopped_after_the_program_was_suspended(wire, monkeypatch):
    """A program that is stopped in the midst of a write finds, when it goes on, that its time is over."""
    clock = SimpleNamespace(now_s=0.0)
    select_of, write_of = serial_link.select.select, os.write
    took = bytearray()

    def suspended(readers, writers, others, timeout_s=None):
        if writers:
            clock.now_s += 3600.0
            took.extend(os.read(wire.fd, 100_000))
        return select_of(readers, writers, others, timeout_s)

    def timed_write(fd, data):
        clock.now_s += 3600.0
        return write_of(fd, data)

    data = bytes(range(32, 127)) * 400
    with SerialLink(wire.name) as link:
        monkeypatch.setattr(serial_link.select, 'select', suspended)
        monkeypatch.setattr(os, 'write', timed_write)
        monkeypatch.setattr(time, 'monotonic', lambda: clock.now_s)
        link.write(data)
        monkeypatch.undo()
    os.set_blocking(wire.fd, False)
    while len(took) < len(data):
        took.extend(os.read(wire.fd, 100_000))
    assert bytes(took) == data


def test_the_kernel_is_asked_to_keep_all_other_programs_out(wire, monkeypatch):
    def is_exclusive(fd: int) -> bool:
        return struct.unpack('i', fcntl.ioctl(fd, TIOCGEXCL, struct.pack('i', 0)))[0] == 1

    monkeypatch.setattr(serial_link, '_PTY_MAJORS', ())  # as if it were a port of the computer's
    with SerialLink(wire.name) as link:
        assert is_exclusive(link._serial.fileno())


def test_an_adapter_is_asked_to_hand_over_at_once(wire, monkeypatch):
    asked = []
    monkeypatch.setattr(serial.Serial, 'set_low_latency_mode', lambda _port, on: asked.append(on))
    with SerialLink(wire.name):
        assert asked == [True]


def test_a_pseudo_terminal_can_be_opened_again_after_its_program_was_killed(wire):
    with SerialLink(wire.name) as link:
        flag = fcntl.ioctl(link._serial.fileno(), TIOCGEXCL, struct.pack('i', 0))
    assert struct.unpack('i', flag) == (0,)


def test_the_lines_that_reset_a_board_stay_as_they_are_when_its_program_is_gone(wire):
    """With HUPCL the kernel lets DTR fall when a port is closed, also by a kill, and most boards start anew with it."""
    attributes = termios.tcgetattr(wire.fd)
    attributes[2] |= termios.HUPCL
    termios.tcsetattr(wire.fd, termios.TCSANOW, attributes)
    link = SerialLink(wire.name)
    link.open()
    assert termios.tcgetattr(wire.fd)[2] & termios.HUPCL == 0
    link.close()
    assert termios.tcgetattr(wire.fd)[2] & termios.HUPCL == 0


def test_a_port_is_opened_by_one_at_a_time(wire):
    with SerialLink(wire.name), pytest.raises(SketchRobotError, match='another program has it open') as caught:
        SerialLink(wire.name).open()
    assert caught.value.code == ErrorCode.PLOTTER_OFFLINE
    with SerialLink(wire.name) as link:
        assert link.is_open


def test_a_port_without_permission_says_which_group_to_join(monkeypatch, wire):
    def refuse(*_args, **_options):
        raise serial.SerialException(13, 'could not open port: [Errno 13] Permission denied')

    monkeypatch.setattr(serial, 'Serial', refuse)
    with pytest.raises(SketchRobotError, match='permission denied; add yourself to the group dialout') as caught:
        SerialLink(wire.name).open()
    assert caught.value.code == ErrorCode.PLOTTER_OFFLINE


def test_a_file_is_no_port(tmp_path):
    (tmp_path / 'file').touch()
    with pytest.raises(SketchRobotError, match='is it a serial port') as caught:
        SerialLink(str(tmp_path / 'file')).open()
    assert caught.value.code == ErrorCode.PLOTTER_OFFLINE


def test_a_port_that_is_not_there_is_told_with_those_that_are(monkeypatch):
    monkeypatch.setattr(ports, 'find_ports', lambda: (ports.Port('/dev/ttyUSB3', 'usb-Arduino_1'),))
    with pytest.raises(
        SketchRobotError, match=r'no machine at .* name one of: /dev/ttyUSB3 \(usb-Arduino_1\)'
    ) as caught:
        SerialLink('/dev/ttyUSB9').open()
    assert caught.value.code == ErrorCode.PLOTTER_OFFLINE


def test_a_link_that_is_not_open_says_so_and_closes_twice():
    link = SerialLink('/dev/ttyUSB9')
    with pytest.raises(SketchRobotError, match='not connected'):
        link.write(b'?')
    with pytest.raises(SketchRobotError, match='not connected'):
        link.read_line(0.0)
    link.wake()
    link.close()
    link.close()


def _info(device, vid=None, pid=None, serial_number=None):
    return SimpleNamespace(
        device=device, vid=vid, pid=pid, serial_number=serial_number, description='n/a', manufacturer=None
    )


@pytest.fixture
def plugged(monkeypatch, tmp_path):
    """Two boards of a kind without serial numbers of their own, an EBB, and a bare port."""
    by_id = tmp_path / 'by-id'
    by_id.mkdir()
    for device in ('ttyACM0', 'ttyUSB0', 'ttyUSB1', 'ttyS0'):
        (tmp_path / device).touch()
    (by_id / 'usb-SchmalzHaus_EiBotBoard-if00').symlink_to(tmp_path / 'ttyACM0')
    infos = [
        _info(str(tmp_path / 'ttyUSB1'), 0x1A86, 0x7523),
        _info(str(tmp_path / 'ttyACM0'), 0x04D8, 0xFD92, 'EBB7'),
        _info(str(tmp_path / 'ttyUSB0'), 0x1A86, 0x7523),
        _info(str(tmp_path / 'ttyS0')),
    ]
    monkeypatch.setattr(ports, 'BY_ID', by_id)
    monkeypatch.setattr(ports.list_ports, 'comports', lambda: infos)
    return tmp_path


def test_ports_are_found_with_what_names_them_wherever_they_are_plugged_in(plugged):
    found = {port.device.rsplit('/', 1)[1]: port.device_id for port in find_ports()}
    assert found == {
        'ttyACM0': 'usb-SchmalzHaus_EiBotBoard-if00',
        'ttyS0': str(plugged / 'ttyS0'),
        'ttyUSB0': '1a86:7523',
        'ttyUSB1': '1a86:7523',
    }


@pytest.mark.parametrize('name', ['usb-SchmalzHaus_EiBotBoard-if00', '04D8:FD92', '04d8:fd92:EBB7', 'EBB7'])
def test_a_machine_is_found_by_any_of_its_names(plugged, name):
    assert port_of(name) == str(plugged / 'ttyACM0')


def test_a_name_that_fits_two_machines_is_refused(plugged):
    with pytest.raises(SketchRobotError, match=r'fits several machines: .*ttyUSB0, .*ttyUSB1') as caught:
        port_of('1a86:7523')
    assert caught.value.code == ErrorCode.PLOTTER_OFFLINE


def test_a_machine_may_hold_up_what_is_sent_to_it_by_xoff(wire):
    os.set_blocking(wire.fd, False)
    with SerialLink(wire.name, xon_xoff=True) as link:
        wire.say(b'\x13ok\n')
        assert link.read_line(5.0) == 'ok'  # without the XOFF
        writer = threading.Thread(target=link.write, args=(b'PD;',))
        writer.start()
        writer.join(0.2)  # it stands as long as that
        with pytest.raises(BlockingIOError):
            os.read(wire.fd, 100)
        wire.say(b'\x11ok\n')
        assert link.read_line(5.0) == 'ok'
        writer.join()
        select.select([wire.fd], [], [], 60.0)
        assert os.read(wire.fd, 100) == b'PD;'
