"""The receiving side of GRBL's serial port: bytes come one after the other, and into 128 places only.

Bytes for which there is no room are lost. Real-time commands are picked out as they arrive and take no place. While the
interrupts are off, as during a write to EEPROM, the UART keeps two bytes and loses the rest. Reference: grbl/serial.c.
"""

from __future__ import annotations

import re

from sketch_robot.plotters.emulators.grbl_pens import NEVER
from sketch_robot.plotters.emulators.grbl_state import CLOCK_HZ

RX_BYTES = 128  # RX_BUFFER_SIZE
BITS_A_BYTE = 10  # start, eight, stop
LINE_BYTES = 80  # LINE_BUFFER_SIZE, the closing zero included
_UART_BYTES = 2
_AT_ONCE = 64  # the program is given a chance to read after so many
_NOTABLE = re.compile(rb'[\n\r?!~\x18\x80-\xff]')
_REAL_TIME = re.compile(rb'[?!~\x18\x80-\xff]')
_PLAIN = re.compile(rb'[A-Z0-9.$=+-]*')


class Receiver:
    """The wire from the client, and the ring buffer at its end.

    Args:
        baud: bits a second; 0: bytes arrive at once.

    Attributes:
        buffer: what has arrived and was not read.
        lost: bytes that found no room or arrived while the controller was deaf.
    """

    def __init__(self, baud: int) -> None:
        self._byte_cycles = BITS_A_BYTE * CLOCK_HZ // baud if baud else 0
        self._wire = bytearray()
        self._first = 0  # clock at which the first byte on the wire has arrived
        self._deaf_from = self._deaf_to = 0
        self.buffer = bytearray()
        self.lost = 0

    @property
    def free(self) -> int:
        """Room in the ring, as `Bf:` reports it."""
        return RX_BYTES - len(self.buffer)

    def send(self, clock: int, data: bytes) -> None:
        """The client writes."""
        if not data:
            return
        if not self._wire:
            self._first = max(clock + self._byte_cycles, self._first)
        self._wire += data

    def deafen(self, start: int, end: int) -> None:
        """The interrupts are off between two moments."""
        self._deaf_from, self._deaf_to = start, end

    def clear(self) -> None:
        """Forget what was not read."""
        self.buffer.clear()

    def next_notable(self) -> int:
        """When something arrives that the program should see; `NEVER`: the wire is empty."""
        if not self._wire:
            return NEVER
        found = _NOTABLE.search(self._wire, 0, _AT_ONCE)
        index = found.start() if found else min(len(self._wire), _AT_ONCE) - 1
        return self._first + index * self._byte_cycles

    def arrive(self, clock: int) -> list[int]:
        """Move what has arrived into the ring, at most up to the next real-time command.

        Returns:
            that command, if one came; one alone, as it changes what becomes of the rest.
        """
        count = min(len(self._wire), _AT_ONCE)
        if self._byte_cycles:
            count = min(count, max(0, (clock - self._first) // self._byte_cycles + 1))
        if count == 0:
            return []
        found = _REAL_TIME.search(self._wire, 0, count)
        plain = self._wire[: found.start() if found else count]
        count = found.end() if found else count
        heard = self._heard(plain)
        command = self._wire[count - 1] if found and self._heard(b'x', count - 1) else None
        self._first += count * self._byte_cycles
        del self._wire[:count]
        room = self.free
        self.buffer += heard[:room]
        self.lost += max(0, len(heard) - room)
        return [] if command is None else [command]

    def _heard(self, data: bytes | bytearray, offset: int = 0) -> bytes:
        start = self._first + offset * self._byte_cycles
        end = start + len(data) * self._byte_cycles
        if end < self._deaf_from or start >= self._deaf_to:
            return bytes(data)
        kept = bytearray()
        stored = 0
        for index, byte in enumerate(data):
            moment = start + index * self._byte_cycles
            if self._deaf_from <= moment < self._deaf_to:
                stored += 1
                if stored > _UART_BYTES:
                    self.lost += 1
                    continue
            kept.append(byte)
        return bytes(kept)

    @property
    def on_the_wire(self) -> int:
        """Bytes that the client has written and that have not arrived."""
        return len(self._wire)


class LineReader:
    """Collects characters to lines: capitals, without spaces, comments and block deletes (grbl/protocol.c)."""

    def __init__(self) -> None:
        self._line = bytearray()
        self._comment = ''
        self._overflow = False

    def take(self, buffer: bytearray) -> tuple[str, bool] | None:
        """Read from a buffer up to a line's end.

        Returns:
            the line and whether it was too long; None: its end has not come.
        """
        ends = [index for index in (buffer.find(b'\n'), buffer.find(b'\r')) if index >= 0]
        count = min(ends) if ends else len(buffer)
        self._add(bytes(buffer[:count]))
        if not ends:
            buffer.clear()
            return None
        del buffer[: count + 1]
        line = self._line.decode('ascii', 'replace'), self._overflow
        self._line, self._comment, self._overflow = bytearray(), '', False
        return line

    def _add(self, data: bytes) -> None:
        fits = not self._comment and not self._overflow and len(self._line) + len(data) < LINE_BYTES
        if fits and _PLAIN.fullmatch(data):
            self._line += data
            return
        for byte in data:
            if self._comment or self._overflow:
                if byte == ord(')') and self._comment == '(':
                    self._comment = ''
            elif byte <= ord(' ') or byte == ord('/'):
                continue
            elif byte in b'(;':
                self._comment = chr(byte)
            elif len(self._line) >= LINE_BYTES - 1:
                self._overflow = True
            else:
                self._line += bytes((byte,)).upper()
