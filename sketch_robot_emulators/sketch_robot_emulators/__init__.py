"""Emulated plotter controllers on pseudo-terminals, with a pen and paper behind them and faults on demand.

For tests, and for users without hardware: open a machine's `port` as if a real one were plugged in, and look at its
`paper`. All controllers are written from the public documentation of their interfaces; their motion is our own.

    with EmulatedGrbl(Hardware(Page(148.0, 210.0)), speedup=20.0) as machine:
        serial.Serial(machine.port, 115200) ...
        machine.inject(Fault('unplug', 'strokes', 3, value=2.0))

In a machine's own time, without threads: `GrblUnit`, `EbbUnit`, `HpglUnit` or `MarlinUnit` behind a `VirtualLink`.
"""

from __future__ import annotations

from sketch_robot_emulators.ebb.unit import EbbUnit
from sketch_robot_emulators.emulator import EmulatedEbb, EmulatedGrbl, EmulatedHpgl, EmulatedMarlin, Emulator
from sketch_robot_emulators.faults import Fault, FaultSchedule, parse_fault
from sketch_robot_emulators.grbl.machine import Hardware, RelayPen, ServoPen, ZPen
from sketch_robot_emulators.grbl.settings import FLUIDNC, GRBLHAL
from sketch_robot_emulators.grbl.unit import GrblUnit
from sketch_robot_emulators.hpgl import HpglUnit
from sketch_robot_emulators.link import VirtualLink
from sketch_robot_emulators.marlin import MarlinUnit

__all__ = [
    'FLUIDNC',
    'GRBLHAL',
    'EbbUnit',
    'EmulatedEbb',
    'EmulatedGrbl',
    'EmulatedHpgl',
    'EmulatedMarlin',
    'Emulator',
    'Fault',
    'FaultSchedule',
    'GrblUnit',
    'Hardware',
    'HpglUnit',
    'MarlinUnit',
    'RelayPen',
    'ServoPen',
    'VirtualLink',
    'ZPen',
    'parse_fault',
]
