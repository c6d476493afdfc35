"""Lines of text to and from a machine on a serial port, each wait with a deadline.

What comes in is untrusted: a line is at most `LONGEST_LINE` characters, and bytes that are no printable ASCII become
'\\N{REPLACEMENT CHARACTER}', which no machine says, so that a driver that compares and parses strictly drops them.
Drivers take their time from the link as well (`now_s`), so that a machine that exists in time only can be driven
faster than the clock.
"""

from __future__ import annotations

import errno
import fcntl
import logging
import os
import select
import termios
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import suppress
from types import TracebackType
from typing import Generic, Protocol, Self, TypeVar

import serial

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.plotters.ports import lasting_name, port_of

LONGEST_LINE = 512  # GRBL's and the EBB's are under 100
WRITE_S = 2.0  # a port that takes no byte for so long is gone
_WRITE_WAITS = 20  # in so many tries: a program that was suspended meanwhile has waited for one of them only
HELD_S = 60.0  # so long may a machine hold up what is sent to it by XOFF
_READ_BYTES = 4096
_PTY_MAJORS = range(136, 144)  # of Unix98 pseudo-terminals; Linux, Documentation/admin-guide/devices.txt
_PRINTABLE = bytes(byte if 0x20 <= byte < 0x7F else 0xFF for byte in range(256))
_log = logging.getLogger(__name__)


class Link(Protocol):
    """What a driver needs of its machine's connection. One thread writes and reads; any may `wake` it."""

    @property
    def port(self) -> str:
        """What people call it."""

    def open(self) -> None:
        """Open it; what the machine had said before is dropped."""

    def close(self) -> None:
        """Give the port back. Closing twice is harmless."""

    def write(self, data: bytes) -> None:
        """Send bytes."""

    def read_line(self, timeout_s: float) -> str | None:
        """The next line without its end, never empty; None: none came in time, or somebody called `wake`."""

    def wake(self) -> None:
        """Let the `read_line` that waits now, or else the next one, return at once."""

    def now_s(self) -> float:
        """Seconds of a clock that never jumps."""


def lines_within(link: Link, seconds: float) -> Iterator[str]:
    """What is said within so many seconds, line by line."""
    end_s = link.now_s() + seconds
    while (left_s := end_s - link.now_s()) > 0.0:
        line = link.read_line(left_s)
        if line is not None:
            yield line


class Sendable(Protocol):
    """A line with its end, or whatever is answered as one."""

    @property
    def data(self) -> bytes:
        """Its bytes."""


AnyLine = TypeVar('AnyLine', bound=Sendable)


class LineWindow(Generic[AnyLine]):
    """What was sent to a controller with a buffer and is not yet answered. One thread uses it.

    Args:
        capacity_bytes: how many bytes may wait in the controller; may be changed while none does.
    """

    def __init__(self, capacity_bytes: int) -> None:
        self.capacity_bytes = capacity_bytes
        self._lines: deque[AnyLine] = deque()
        self.waiting_bytes = 0

    def __len__(self) -> int:
        return len(self._lines)

    def __iter__(self) -> Iterator[AnyLine]:
        return iter(self._lines)

    @property
    def head(self) -> AnyLine | None:
        """The line whose answer comes next; None: none is awaited."""
        return self._lines[0] if self._lines else None

    @property
    def room(self) -> int:
        """How many bytes may be sent now."""
        return max(0, self.capacity_bytes - self.waiting_bytes)

    def send(self, lines: Iterable[AnyLine]) -> bytes:
        """Count lines as sent; returns their bytes, to be written."""
        sent = list(lines)
        self._lines.extend(sent)
        data = b''.join(line.data for line in sent)
        self.waiting_bytes += len(data)
        return data

    def answered(self) -> AnyLine:
        """The line that an answer belongs to.

        Raises:
            IndexError: none is awaited.
        """
        line = self._lines.popleft()
        self.waiting_bytes -= len(line.data)
        return line

    def clear(self) -> None:
        """The controller was reset: it has dropped them all."""
        self._lines.clear()
        self.waiting_bytes = 0


class SerialLink:
    """A serial port that no other program may open meanwhile.

    Args:
        port: a device as '/dev/ttyUSB0', or a device id; see `ports.port_of`.
        baud: bits a second; ignored by machines with USB of their own.
        machine: what messages call the machine.
        xon_xoff: whether the machine may stop what is sent to it by XOFF; the system minds that.

    `open`, `write` and `read_line` raise SketchRobotError: PLOTTER_OFFLINE, the port is missing, busy, not permitted,
    or was unplugged; the message says what to do.
    """

    def __init__(self, port: str, baud: int = 115200, *, machine: str = 'plotter', xon_xoff: bool = False) -> None:
        self._named, self._baud, self._machine, self._xon_xoff = port, baud, machine, xon_xoff
        self._serial: serial.Serial | None = None
        self._woken: tuple[int, int] | None = None  # a pipe: read end, write end
        # Held while a descriptor is closed, or used by a thread that does not own the link: the system may give the
        # number of a closed one to anybody. A signal handler may wake in the midst of `close`, so it is re-entrant.
        self._closing = threading.RLock()
        self._input = bytearray()
        self._overlong = False
        self._lines: deque[str] = deque()
        self.overlong_lines = 0

    @property
    def port(self) -> str:
        """The device while it is open, else as it was named."""
        return str(self._serial.port) if self._serial is not None else self._named

    @property
    def is_open(self) -> bool:
        """Whether the port is ours now."""
        return self._serial is not None

    def why_lost(self) -> str:
        """What to tell people of a machine that was unplugged while the port was open; '': it was not.

        Asks the system only, from any thread.
        """
        with self._closing:
            if self._serial is None:
                return ''
            poll = select.poll()
            poll.register(self._serial.fileno(), 0)  # of a hang-up it tells unasked
            return self._how_lost() if poll.poll(0) else ''

    def _how_lost(self) -> str:
        return f'the {self._machine} at {self.port} was lost; check its cable and power, then connect again'

    def open(self) -> None:
        """Find and open the port for ourselves alone. Opening twice is harmless."""
        if self._serial is not None:
            return
        device = port_of(self._named)
        try:
            self._serial = serial.Serial(device, self._baud, timeout=0, exclusive=True, xonxoff=self._xon_xoff)
        except (OSError, ValueError) as error:  # serial.SerialException is an OSError
            raise _offline(f'cannot open the {self._machine} at {device}: {_why_closed(error)}') from error
        self._named = lasting_name(device)  # it may come back under another device's name
        _keep_others_out(self._serial)
        _keep_lines_raised(self._serial)
        _hand_over_at_once(self._serial)
        self._woken = os.pipe()
        for end in self._woken:
            os.set_blocking(end, False)
        self._forget()

    def close(self) -> None:
        """Give the port back. Closing twice is harmless."""
        with self._closing:
            port, self._serial = self._serial, None
            pipe, self._woken = self._woken, None
            if port is not None:
                with suppress(OSError):  # it may be gone
                    port.close()
            for end in pipe or ():
                os.close(end)

    def write(self, data: bytes) -> None:
        """Send bytes; returns when the system has taken them.

        A full port is tried again for `WRITE_S`, or for `HELD_S` where the machine may have said XOFF.
        """
        port = self._opened()
        rest, waits = memoryview(data), 0
        most_waits = round(_WRITE_WAITS * (HELD_S / WRITE_S if self._xon_xoff else 1.0))
        try:
            while rest:
                try:
                    rest = rest[os.write(port.fileno(), rest) :]
                    waits = 0
                    continue
                except BlockingIOError:
                    pass
                if waits == most_waits:
                    raise _offline(
                        f'the {self._machine} at {port.port} takes no data any more; check its cable and power'
                    )
                _, ready, _ = select.select([], [port.fileno()], [], WRITE_S / _WRITE_WAITS)
                waits += not ready
        except OSError as error:
            raise self._lost(error) from error

    def read_line(self, timeout_s: float) -> str | None:
        """The next line without its end, never empty; None: none came in time, or somebody called `wake`."""
        deadline_s = time.monotonic() + timeout_s
        while not self._lines:
            port, pipe = self._opened(), self._woken
            assert pipe is not None
            left_s = max(0.0, deadline_s - time.monotonic())
            try:
                ready, _, _ = select.select([port.fileno(), pipe[0]], [], [], left_s)
                if port.fileno() in ready:
                    self._take(port.read(_READ_BYTES))
            except (OSError, ValueError) as error:  # ValueError: closed by another thread
                raise self._lost(error) from error
            if pipe[0] in ready:
                with suppress(BlockingIOError):
                    os.read(pipe[0], _READ_BYTES)
                break
            if not ready:
                break
        return self._lines.popleft() if self._lines else None

    def wake(self) -> None:
        """Let the `read_line` that waits now, or else the next one, return at once. From any thread."""
        with self._closing:
            if self._woken is not None:
                with suppress(BlockingIOError):  # full: it wakes anyway
                    os.write(self._woken[1], b'w')

    def now_s(self) -> float:
        """Seconds of a clock that never jumps."""
        return time.monotonic()

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _opened(self) -> serial.Serial:
        if self._serial is None:
            raise _offline(f'the {self._machine} at {self._named} is not connected; connect it first')
        return self._serial

    def _lost(self, error: BaseException) -> SketchRobotError:
        _log.info('%s: %s', self.port, error)
        return _offline(self._how_lost())

    def _forget(self) -> None:
        self._input.clear()
        self._lines.clear()
        self._overlong = False

    def _take(self, data: bytes) -> None:
        """Cut what came into lines; either of CR and LF, or both, ends one."""
        self._input += data
        *ended, rest = self._input.replace(b'\r', b'\n').split(b'\n')
        for line in ended:
            if self._overlong or len(line) > LONGEST_LINE:  # its beginning was dropped: say that there was a line
                self.overlong_lines += 1
                self._overlong = False
                self._lines.append('\N{REPLACEMENT CHARACTER}')
            elif line:
                self._lines.append(line.translate(_PRINTABLE).decode('ascii', errors='replace'))
        self._overlong = self._overlong or len(rest) > LONGEST_LINE
        self._input = bytearray() if self._overlong else bytearray(rest)


def _keep_others_out(port: serial.Serial) -> None:
    """Let the kernel refuse every other opening: the lock that pyserial takes binds only those who ask for it.

    A pseudo-terminal would keep that beyond a kill, and then nobody could open it again.
    """
    if os.major(os.fstat(port.fileno()).st_rdev) in _PTY_MAJORS:
        return
    with suppress(OSError):
        fcntl.ioctl(port.fileno(), termios.TIOCEXCL)


def _hand_over_at_once(port: serial.Serial) -> None:
    """Let a USB adapter hand over at once what it has received: FTDI's waits 16 ms by default."""
    with suppress(ValueError, OSError, NotImplementedError):  # one that has no such setting
        port.set_low_latency_mode(True)


def _keep_lines_raised(port: serial.Serial) -> None:
    """Let DTR stay when the port is closed, also by a kill: boards that it resets are not reset by the next opening."""
    with suppress(termios.error, OSError):
        attributes = termios.tcgetattr(port.fileno())
        attributes[2] &= ~termios.HUPCL
        termios.tcsetattr(port.fileno(), termios.TCSANOW, attributes)


def _why_closed(error: OSError | ValueError) -> str:
    code = getattr(error, 'errno', None)
    if code in (errno.EACCES, errno.EPERM):
        return 'permission denied; add yourself to the group dialout (sudo usermod -aG dialout $USER) and log in again'
    if code in (errno.EBUSY, errno.EAGAIN):
        return 'another program has it open; close that one (a slicer, a sender, another sketch-robot)'
    if code in (errno.ENOENT, errno.ENODEV, errno.ENXIO, errno.EIO):
        return 'there is no such device any more; plug the machine in'
    return f'{error}; is it a serial port?'


def _offline(message: str) -> SketchRobotError:
    return SketchRobotError(ErrorCode.PLOTTER_OFFLINE, message)
