"""Who is behind a serial port: a controller that one of the drivers knows, or somebody else.

Each driver that can tell has a module `identify` in its folder, with the speed of its port, how long its machine may
take to answer, and a question that moves nothing. The quickest is asked first, and ports that are slow last.

Other firmwares say their names when they are asked for them: `M115` is the RepRap family's question (Marlin, Klipper,
RepRapFirmware, Smoothieware; see reprap.org/wiki/G-code and marlinfw.org/docs), `AT` a modem's (ITU-T V.250). What they
say unasked tells them as well: Marlin begins lines by "echo:", Klipper by "//" and "!!".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from itertools import groupby

from sketch_robot.errors import SketchRobotError
from sketch_robot.plotters.registry import folders_with
from sketch_robot.plotters.serial_link import Link, SerialLink

STRANGERS_S = 8.0  # asked last of those on a port of this speed
ASK_S = 0.5  # for the answer to each question
_QUESTIONS = (b'\nM115\n', b'\rAT\r')
_NAMED = re.compile(r'FIRMWARE_NAME: *([A-Za-z][\w.]*)(?:[ _]+V?(\d[\w.]*))?')
_SAID = (
    (re.compile(r'Unknown command: "|echo:|Marlin'), 'Marlin'),
    (re.compile(r'// |!! '), 'Klipper'),
    (re.compile(r'(?:OK|ERROR|NO CARRIER|RING|\+CM[ES] ERROR.*|AT)$'), 'a modem'),
    (re.compile(r'>>>|MicroPython'), 'MicroPython'),
    (re.compile(r'.*\blogin: *$'), 'a computer that asks for a login'),
)


@dataclass(frozen=True)
class Question:
    """How to find out whether a kind of controller is there.

    Attributes:
        baud: of its port.
        within_s: how long it may take to answer.
        ask: returns who it is, as 'EBB 3.0.3'; '' when it is not that kind.
    """

    baud: int
    within_s: float
    ask: Callable[[Link], str]


def identify(port: str) -> str:
    """Find out what is behind a port; it is opened for that, which restarts most Arduinos.

    Args:
        port: a device or device id.

    Returns:
        as 'GRBL 1.1h' or 'EBB 3.0.3', or who else it says to be; '' when nobody can tell.

    Raises:
        SketchRobotError: PLOTTER_OFFLINE, the port cannot be opened.
    """
    for baud, questions in groupby(_questions(), key=lambda question: question.baud):
        with SerialLink(port, baud, machine='machine') as link:
            try:
                for question in questions:
                    if who := question.ask(link):
                        return who
            except SketchRobotError:  # lost meanwhile
                return ''
    return ''


def _questions() -> list[Question]:
    modules = [import_module(name) for name in folders_with('identify').values()]
    asked = [Question(module.BAUD, module.WITHIN_S, module.identify) for module in modules]
    asked.append(Question(115200, STRANGERS_S, ask_name))
    return sorted(asked, key=lambda question: (-question.baud, question.within_s))


def ask_name(link: Link) -> str:
    """Ask whoever is at a port who they are; '' when that cannot be told. What they move by it is nothing.

    As 'Marlin 2.1.2', 'Klipper' or 'a modem'.
    """
    heard: list[str] = []
    with suppress(SketchRobotError):  # lost meanwhile
        for question in _QUESTIONS:
            link.write(question)
            end_s = link.now_s() + ASK_S
            while (left_s := end_s - link.now_s()) > 0.0:
                line = link.read_line(left_s)
                if line is not None:
                    heard.append(line)
            if name := name_of(heard):
                return name
    return ''


def name_of(lines: Iterable[str]) -> str:
    """Who says such lines; '' when nobody who is known."""
    heard = list(lines)
    named = next((found for line in heard if (found := _NAMED.search(line))), None)
    if named is not None:
        return f'{named[1]} {named[2]}' if named[2] else named[1]
    return next((name for line in heard for pattern, name in _SAID if pattern.match(line)), '')
