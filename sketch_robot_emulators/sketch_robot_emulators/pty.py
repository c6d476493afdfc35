"""A pseudo-terminal that stands for a controller's serial port, and can be unplugged and plugged in again."""

from __future__ import annotations

import errno
import os
import pty
import select
import termios
import threading
import tty
from contextlib import suppress
from pathlib import Path

READ_BYTES = 4096  # as many as the kernel keeps
_CLIENT_S = 0.005  # how soon a client that comes is noticed
_IFLAG_OFF = termios.IXON | termios.IXOFF
_NOTHING_NOW = (errno.EAGAIN, errno.EIO)


class PseudoTerminal:
    """The controller's end of a serial line; the client opens `path` as it would open /dev/ttyUSB0.

    The line is raw: no echo, no translation, no flow control. While no client has it open, what is written is lost, as
    it is on a wire that nobody listens to. One thread uses it; any may call `wake`.

    Args:
        link: a path that shall always lead to the port, also after it was unplugged and plugged in again; made when
            plugged, removed when unplugged. None: `path` is the pseudo-terminal's own.

    Raises:
        OSError: the link cannot be made, or the system has no pseudo-terminal left; the message is for a person.
    """

    def __init__(self, link: str | Path | None = None) -> None:
        self._link = None if link is None else Path(link)
        self._closing = threading.Lock()
        self._master, self._device, self._left = -1, '', False
        self._woken = os.eventfd(0, os.EFD_NONBLOCK)
        try:
            self.plug()
        except OSError:
            self.close()
            raise

    @property
    def path(self) -> str:
        """What a client opens. Without a link it changes when the port is plugged in again."""
        return str(self._link) if self._link is not None else self._device

    @property
    def plugged(self) -> bool:
        """Whether the port is there."""
        return self._master >= 0

    def plug(self) -> None:
        """Let a new device appear; one that is there already stays.

        Raises:
            OSError: as the constructor.
        """
        if self.plugged or self._woken < 0:
            return
        try:
            master, slave = pty.openpty()
        except OSError as error:
            raise OSError(f'cannot make a pseudo-terminal: {error.strerror or error}') from error
        device = os.ttyname(slave)
        _make_raw(slave)
        os.close(slave)  # a client that goes is then seen, and one that comes finds a fresh line
        os.set_blocking(master, False)
        try:
            self._make_link(device)
        except OSError as error:
            os.close(master)
            raise OSError(f'cannot make the link {self._link}: {error.strerror or error}') from error
        self._master, self._device = master, device

    def unplug(self) -> None:
        """Let the device vanish: a client's reads and writes fail from now on, as with a pulled USB cable."""
        if self.plugged:
            master, self._master = self._master, -1
            self._remove_link()
            os.close(master)

    def in_use(self) -> bool:
        """Whether a client has it open."""
        return self.plugged and not self._poll(0, 0.0).get(self._master, 0) & select.POLLHUP

    def client_left(self) -> bool:
        """Whether a client has gone since this was asked last, even if another one has come."""
        left, self._left = self._left, False
        return left

    def make_raw(self) -> None:
        """Switch echo and translation off; the system switches them on again when the last client goes."""
        if self.plugged:
            _make_raw(self._master)

    def read(self) -> bytes:
        """What has come from the client; nothing when it is silent, absent or unplugged."""
        try:
            return os.read(self._master, READ_BYTES) if self.plugged else b''
        except OSError as error:
            self._left = self._left or error.errno == errno.EIO  # no client
            if error.errno not in _NOTHING_NOW:
                raise
            return b''

    def write(self, data: bytes) -> int:
        """Send to the client; what a line without client, or one that reads nothing for long, cannot take is lost.

        Returns:
            how many bytes went out.
        """
        try:
            return os.write(self._master, data) if self.plugged and data else 0
        except OSError as error:
            if error.errno not in _NOTHING_NOW:
                raise
            return 0

    def wait(self, seconds: float) -> None:
        """Wait until the client sends, `wake` is called, or so many seconds have passed."""
        if self._woken < 0:
            return
        ready = self._poll(select.POLLIN, seconds)
        self._left = self._left or bool(ready.get(self._master, 0) & select.POLLHUP)
        if ready.get(self._master) == select.POLLHUP and self._woken not in ready:  # no client; polling would spin
            select.select([self._woken], [], [], min(seconds, _CLIENT_S))
        with suppress(BlockingIOError):  # not woken
            os.eventfd_read(self._woken)

    def wake(self) -> None:
        """Let `wait` return at once."""
        with self._closing:
            if self._woken >= 0:
                os.eventfd_write(self._woken, 1)

    def close(self) -> None:
        """Remove the port for good. Closing twice is harmless."""
        self.unplug()
        with self._closing:
            if self._woken >= 0:
                os.close(self._woken)
            self._woken = -1

    def _poll(self, events: int, seconds: float) -> dict[int, int]:
        """What is there at the terminal, and whether somebody has called `wake`, after so many seconds at most."""
        poll = select.poll()
        poll.register(self._woken, select.POLLIN if events else 0)
        if self.plugged:
            poll.register(self._master, events)
        return dict(poll.poll(seconds * 1000.0))

    def _make_link(self, device: str) -> None:
        if self._link is None:
            return
        draft = self._link.with_name(f'.{self._link.name}.{os.getpid()}')
        draft.unlink(missing_ok=True)
        draft.symlink_to(device)
        if self._link.exists() and not self._link.is_symlink():  # never replace what is not ours
            draft.unlink()
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(self._link))
        draft.replace(self._link)

    def _remove_link(self) -> None:
        if self._link is not None and self._link.is_symlink() and str(self._link.readlink()) == self._device:
            self._link.unlink(missing_ok=True)


def _make_raw(terminal: int) -> None:
    tty.setraw(terminal, termios.TCSANOW)
    attributes = termios.tcgetattr(terminal)
    attributes[0] &= ~_IFLAG_OFF
    termios.tcsetattr(terminal, termios.TCSANOW, attributes)
