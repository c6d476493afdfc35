"""Serial ports, and which machine is plugged in where.

Device names as '/dev/ttyUSB0' change with the order of plugging; a device id does not.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from serial.tools import list_ports

from sketch_robot.errors import ErrorCode, SketchRobotError

BY_ID = Path('/dev/serial/by-id')


@dataclass(frozen=True)
class Port:
    """A serial port with something behind it.

    Attributes:
        device: its path now.
        device_id: names the machine wherever it is plugged in: the name of its link in /dev/serial/by-id, else
            VID:PID:SERIAL or VID:PID in hexadecimal, else the path.
        description, manufacturer: what it says of itself, '' when it does not.
        usb: VID:PID in hexadecimal, '' when it is not on USB.
        serial_number: '' when it has none.
    """

    device: str
    device_id: str
    description: str = ''
    manufacturer: str = ''
    usb: str = ''
    serial_number: str = ''

    @property
    def names(self) -> set[str]:
        """All that may stand for it in `port_of`."""
        identity = {f'{self.usb}:{self.serial_number}', self.usb} if self.usb else set()
        return {self.device, self.device_id, self.serial_number, str(BY_ID / self.device_id), *identity} - {''}


def find_ports() -> tuple[Port, ...]:
    """The serial ports of this computer that have something behind them, by device."""
    links = {str(link.resolve()): link.name for link in sorted(BY_ID.glob('*'))} if BY_ID.is_dir() else {}
    found = []
    for info in list_ports.comports():
        usb = f'{info.vid:04x}:{info.pid:04x}' if info.vid is not None and info.pid is not None else ''
        serial_number = info.serial_number or ''
        identity = f'{usb}:{serial_number}' if serial_number else usb
        found.append(
            Port(
                info.device,
                links.get(str(Path(info.device).resolve())) or identity or info.device,
                (info.description or '').replace('n/a', ''),
                info.manufacturer or '',
                usb,
                serial_number,
            )
        )
    return tuple(sorted(found, key=lambda port: port.device))


def port_of(name: str) -> str:
    """The device that a name stands for now.

    Args:
        name: a path that exists, a device id, VID:PID in hexadecimal with or without :SERIAL, or a serial number.

    Raises:
        SketchRobotError: PLOTTER_OFFLINE, no such machine is plugged in, or several are; the message lists them.
    """
    if '/' in name and Path(name).exists():
        return name
    ports = find_ports()
    wanted = name.lower()
    matching = [port.device for port in ports if wanted in {known.lower() for known in port.names}]
    if len(matching) == 1:
        return matching[0]
    there = ', '.join(f'{port.device} ({port.device_id})' for port in ports) or 'none'
    if matching:
        message = f'{name!r} fits several machines: {", ".join(matching)}; name one by its device id'
    else:
        message = f'there is no machine at {name!r}; plug it in and switch it on, or name one of: {there}'
    raise SketchRobotError(ErrorCode.PLOTTER_OFFLINE, message)


def lasting_name(device: str) -> str:
    """The device id of what is plugged in at a device, if no other machine has the same; else the device itself."""
    here = Path(device).resolve()
    ports = find_ports()
    ids = [port.device_id for port in ports]
    mine = next((port.device_id for port in ports if Path(port.device).resolve() == here), device)
    return mine if ids.count(mine) == 1 else device
