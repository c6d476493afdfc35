"""The emulated plotter on its port: opened, pulled out, put back, closed, by real clients in real time."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import serial

from sketch_robot_emulators import EmulatedGrbl, Emulator, Fault
from sketch_robot_emulators.pty import PseudoTerminal

DEADLINE_S = 20.0
BANNER = b"Grbl 1.1h ['$' for help]"


def wait_for(condition: Callable[[], object]) -> None:
    end = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < end, 'it never came'
        time.sleep(0.002)


def connect(port: str) -> serial.Serial:
    """Open a port and wait for the greeting, or both: a board greets once more that is opened while it starts."""
    client = serial.Serial(port, 115200, timeout=DEADLINE_S)
    assert read_line(client) == BANNER
    client.write(b'\n')
    while (line := read_line(client)) != b'ok':
        assert line == BANNER
    return client


def read_line(client: serial.Serial) -> bytes:
    while not (line := bytes(client.readline()).strip()):
        pass
    return line


def ask(client: serial.Serial, text: bytes, answers: int = 1) -> list[bytes]:
    client.write(text)
    return [read_line(client) for _ in range(answers)]


def open_files() -> set[str]:
    links = set()
    for descriptor in Path('/proc/self/fd').iterdir():
        with suppress(OSError):  # the listing's own
            links.add(f'{descriptor.name}:{descriptor.readlink()}')
    return {link for link in links if 'pts' in link or 'ptmx' in link or 'pipe' in link}


@pytest.fixture
def machine() -> Iterator[EmulatedGrbl]:
    with EmulatedGrbl(speedup=50.0) as machine:
        yield machine


def test_a_client_draws_through_the_port(machine: EmulatedGrbl) -> None:
    client = connect(machine.port)
    program = b'G0X10Y10\nM3S1000\nG4P.1\nG1X30F6000\nY30\nM5\nG4P.1\nG0X0Y0\nG4P0\n'
    assert ask(client, program, 9) == [b'ok'] * 9
    assert [line.tolist() for line in machine.paper.polylines] == [[[10, 10], [30, 10], [30, 30]]]
    assert machine.xy_mm == (0.0, 0.0)
    assert not machine.pen_down
    client.close()


def test_it_is_an_emulator_like_the_others(machine: EmulatedGrbl) -> None:
    assert isinstance(machine, Emulator)


def test_opening_the_port_again_resets_the_controller(machine: EmulatedGrbl) -> None:
    client = connect(machine.port)
    assert ask(client, b'G91G0X5\nG4P0\n', 2) == [b'ok', b'ok']
    client.close()
    wait_for(lambda: not machine.connected)
    client = connect(machine.port)
    assert ask(client, b'?')[0].startswith(b'<Idle|MPos:0.000,0.000,0.000')
    assert machine.xy_mm == (5.0, 0.0)
    client.close()


def test_a_board_without_that_reset_keeps_what_it_knows() -> None:
    with EmulatedGrbl(speedup=50.0, reset_on_open=False) as machine:
        client = serial.Serial(machine.port, 115200, timeout=DEADLINE_S)
        wait_for(lambda: machine.unit.seconds > 0.5)
        client.reset_input_buffer()
        assert ask(client, b'G91G0X5\nG4P0\n', 2) == [b'ok', b'ok']
        client.close()
        wait_for(lambda: not machine.connected)
        client = serial.Serial(machine.port, 115200, timeout=DEADLINE_S)
        assert ask(client, b'?')[0].startswith(b'<Idle|MPos:5.000')
        client.close()


def test_a_pulled_cable_is_noticed_and_the_link_leads_to_the_next_device(tmp_path: Path) -> None:
    link = tmp_path / 'plotter'
    with EmulatedGrbl(speedup=50.0, link=link) as machine:
        assert machine.port == str(link)
        client = connect(machine.port)
        machine.unplug()
        with pytest.raises(serial.SerialException):  # noqa: PT012  the loss may show at once or at the next try
            while True:
                client.write(b'?')
                client.readline()
        wait_for(lambda: not link.is_symlink())
        with pytest.raises(serial.SerialException):
            serial.Serial(machine.port, 115200)
        machine.replug()
        wait_for(link.exists)
        again = connect(machine.port)
        assert ask(again, b'?')[0].startswith(b'<Idle')
        again.close()
        client.close()
    assert not link.is_symlink()


def test_faults_can_be_injected_while_it_runs(machine: EmulatedGrbl) -> None:
    client = connect(machine.port)
    machine.inject(Fault('drop-ok', 'seconds', 0.0))
    wait_for(lambda: not machine.unit.faults.waiting)
    assert ask(client, b'G21\nG90\n$X\n?', 3)[:2] == [b'ok', b'ok']
    client.close()


def test_two_machines_do_not_know_of_each_other() -> None:
    with EmulatedGrbl(speedup=50.0) as one, EmulatedGrbl(speedup=20.0) as other:
        assert one.port != other.port
        clients = connect(one.port), connect(other.port)
        assert ask(clients[0], b'G0X10\nG4P0\n', 2) == [b'ok', b'ok']
        assert ask(clients[1], b'G0Y20\nG4P0\n', 2) == [b'ok', b'ok']
        assert (one.xy_mm, other.xy_mm) == ((10.0, 0.0), (0.0, 20.0))
        for client in clients:
            client.close()


def test_closing_leaves_no_thread_and_no_file() -> None:
    before, threads = open_files(), threading.active_count()
    for _ in range(3):
        machine = EmulatedGrbl(speedup=10.0)
        machine.start()
        machine.start()
        connect(machine.port).close()
        machine.close()
        machine.close()
    assert (open_files(), threading.active_count()) == (before, threads)


def test_a_machine_may_be_started_again() -> None:
    machine = EmulatedGrbl(speedup=50.0)
    for _ in range(2):
        with machine:
            client = connect(machine.port)
            assert ask(client, b'?')[0].startswith(b'<Idle')
            client.close()


def test_random_bytes_do_not_bring_it_down(machine: EmulatedGrbl) -> None:
    client, noise = connect(machine.port), random.Random(7)
    for size in (1, 50, 500, 3000):
        client.write(noise.randbytes(size).replace(b'\x18', b''))
    before = machine.unit.resets
    client.write(b'\x18')
    wait_for(lambda: machine.unit.resets > before)
    client.write(b'?')
    while not read_line(client).startswith(b'<'):  # first come the answers to the noise
        pass
    client.close()


def test_a_hold_takes_machine_time_at_any_speed_up() -> None:
    with EmulatedGrbl(speedup=float('inf')) as machine:
        client = connect(machine.port)
        assert ask(client, b'G1X100F600\nG4P0\n', 2) == [b'ok', b'ok']
        assert machine.unit.seconds >= 10.5
        assert machine.wait_until_idle()
        client.close()


@pytest.mark.parametrize('speedup', [0.0, -1.0, float('nan')])
def test_a_speed_up_must_be_positive(speedup: float) -> None:
    with pytest.raises(ValueError, match='speed-up'):
        EmulatedGrbl(speedup=speedup)


def test_a_port_that_was_not_started_has_no_name() -> None:
    with pytest.raises(RuntimeError, match='not been started'):
        _ = EmulatedGrbl().port


# ------------------------------------------------------------- the pseudo-terminal
def test_a_link_replaces_an_old_link_but_no_file(tmp_path: Path) -> None:
    link = tmp_path / 'port'
    link.symlink_to('/dev/pts/999999')
    terminal = PseudoTerminal(link)
    assert link.exists()
    terminal.close()
    link.write_text('mine')
    with pytest.raises(OSError, match='cannot make the link'):
        PseudoTerminal(link)
    assert link.read_text() == 'mine'
    assert [path.name for path in tmp_path.iterdir()] == ['port']


def test_a_link_in_no_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OSError, match='cannot make the link'):
        PseudoTerminal(tmp_path / 'nowhere' / 'port')


def test_bytes_pass_unchanged_both_ways() -> None:
    terminal = PseudoTerminal()
    client = serial.Serial(terminal.path, 115200, timeout=DEADLINE_S)
    everything = bytes(range(256))
    client.write(everything)
    heard = b''
    while len(heard) < 256:
        terminal.wait(1.0)
        heard += terminal.read()
    assert heard == everything
    assert terminal.write(everything) == 256
    assert client.read(256) == everything
    assert terminal.in_use()
    client.close()
    wait_for(lambda: not terminal.in_use())
    terminal.close()


def test_an_unplugged_port_takes_and_gives_nothing() -> None:
    terminal = PseudoTerminal()
    terminal.unplug()
    terminal.unplug()
    assert (terminal.plugged, terminal.read(), terminal.write(b'x'), terminal.in_use()) == (False, b'', 0, False)
    terminal.wait(0.001)
    terminal.plug()
    assert terminal.plugged
    terminal.close()
    terminal.plug()
    assert not terminal.plugged
    terminal.wait(0.001)
