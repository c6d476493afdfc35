"""`sketch-robot emulate`: a plotter that exists in memory, on a port that any program can open."""

from __future__ import annotations

import argparse
import logging
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sketch_robot.commands import UsageError
from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.validation import POSITIVE, fits

if TYPE_CHECKING:  # numba takes a second to load; `--help` does without
    from sketch_robot.motion.page import Page
    from sketch_robot_emulators import Emulator, FaultSchedule

MACHINES = ('grbl', 'ebb', 'hpgl', 'marlin')
SAVE_S = 2.0  # wall-clock; how often the paper's picture is renewed while something is drawn
_SWITCHES_MM = (-1.0, -1.0, 10.0)  # a pull-off of 1 mm puts the pen on the page's corner


def add_commands(subparsers: Any) -> None:
    """Add `emulate` to a parser's subparsers; parsed arguments then have `run`, to be called with them."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        'emulate',
        help='stand in for a plotter, on a port that any program can open',
        description='Emulate a GRBL 1.1h plotter, an AxiDraw (EBB), an HP 7475A or a machine with Marlin on a '
        'pseudo-terminal: the controller with its buffers and timing, the pen and the paper. The path of the port is '
        'printed; the emulator runs until it is interrupted, and writes a picture of the paper now and then, on '
        'SIGUSR1, and when it ends.',
        epilog='example: sketch-robot emulate grbl --port /tmp/plotter --speedup 10 --paper paper.png '
        '--fault unplug@strokes=3:2',
    )
    parser.add_argument(
        'machine', choices=MACHINES, help='grbl: a GRBL 1.1h controller; ebb: an AxiDraw; hpgl: an HP 7475A; marlin'
    )
    parser.add_argument('--port', type=Path, metavar='LINK', help='a path that shall always lead to the port')
    parser.add_argument(
        '--speedup', type=float, default=1.0, metavar='X', help='machine seconds in a second (default: 1)'
    )
    parser.add_argument('--page', default='A5', help='the sheet under the pen, as for draw (default: A5)')
    parser.add_argument('--paper', type=Path, metavar='PNG', help='write a picture of the paper')
    parser.add_argument(
        '--fault', action='append', default=[], metavar='KIND@MOMENT=NUMBER[:VALUE]',
        help='let something go wrong, such as reset@ink=35, drop-ok@lines=20, stall@seconds=4:2, unplug@strokes=3:2.5; '
        'may be given again; an unknown one lists those that exist',
    )  # fmt: skip
    parser.add_argument('--seed', type=int, default=0, help='of what faults do by chance (default: 0)')
    pen = parser.add_mutually_exclusive_group()
    pen.add_argument(
        '--servo', nargs=2, type=float, metavar=('UP', 'DOWN'),
        help='grbl: the pen hangs on a servo, up and down at these M3 S (default: 75 110, as of grbl_plotter)',
    )  # fmt: skip
    pen.add_argument('--z', type=float, metavar='MM', help='grbl: the pen is on the Z axis, so high at the start')
    pen.add_argument('--relay', action='store_true', help='grbl: M8 lowers the pen, M9 raises it')
    parser.add_argument(
        '--settings', type=Path, metavar='FILE',
        help="grbl: the controller's settings, as $$ prints them; read if there, and written at the end",
    )  # fmt: skip
    parser.set_defaults(run=emulate, log_level=logging.INFO)


def emulate(args: argparse.Namespace) -> int:
    """Run `sketch-robot emulate`, until interrupted.

    Raises:
        UsageError: an argument cannot be used.
        SketchRobotError: BAD_GOAL, a file or the link cannot be written.
    """
    if not fits(args.speedup, POSITIVE):
        raise UsageError(ErrorCode.BAD_GOAL, f'a speed-up of {args.speedup:g} is not possible; it must be positive')
    if args.paper is not None and args.paper.suffix.lower() != '.png':
        raise UsageError(ErrorCode.BAD_GOAL, f'the name of {args.paper} must end in .png')
    if args.machine != 'grbl' and (args.servo or args.z is not None or args.relay or args.settings):
        raise UsageError(ErrorCode.BAD_GOAL, '--servo, --z, --relay and --settings are for emulate grbl')
    from sketch_robot.motion.page import parse_page
    from sketch_robot.plotters.paper import paper_with
    from sketch_robot_emulators import FaultSchedule, parse_fault

    try:
        page = parse_page(args.page)
        faults = FaultSchedule([parse_fault(text) for text in args.fault], seed=args.seed)
    except SketchRobotError as error:
        raise UsageError(error.code, error.message) from error
    except ValueError as error:
        raise UsageError(ErrorCode.BAD_GOAL, str(error)) from error
    try:
        machine, power_off = (_grbl if args.machine == 'grbl' else _plain)(args, page, faults)
        machine.start()
    except ValueError as error:
        raise UsageError(ErrorCode.BAD_GOAL, str(error)) from error
    except OSError as error:
        raise SketchRobotError(ErrorCode.BAD_GOAL, str(error)) from error
    with machine, _asked() as (ended, wanted):
        sys.stdout.write(machine.port + '\n')
        sys.stdout.flush()
        drawn_mm = -1.0
        while not ended.is_set():
            asked = wanted.wait(SAVE_S)
            wanted.clear()
            ink_mm = machine.paper.ink_mm
            if args.paper is not None and (asked or ink_mm != drawn_mm):
                paper_with(page, machine.paper.polylines).save_png(args.paper)
                drawn_mm = ink_mm
    if args.paper is not None:
        paper_with(page, machine.paper.polylines).save_png(args.paper)
    power_off()
    return 0


def _grbl(args: argparse.Namespace, page: Page, faults: FaultSchedule) -> tuple[Emulator, Callable[[], None]]:
    """The machine, and what is to be done when it has been switched off."""
    from sketch_robot.files import replacing
    from sketch_robot_emulators import EmulatedGrbl, Hardware, RelayPen, ServoPen, ZPen
    from sketch_robot_emulators.grbl.machine import Pen
    from sketch_robot_emulators.grbl.settings import load_settings, settings_text

    pen: Pen = ServoPen(75.0, 110.0)  # as of the machine grbl_plotter
    if args.servo:
        if args.servo[0] == args.servo[1]:
            raise UsageError(ErrorCode.BAD_GOAL, '--servo needs two different values')
        pen = ServoPen(*args.servo)
    elif args.z is not None:
        pen = ZPen(args.z)
    elif args.relay:
        pen = RelayPen()
    try:
        settings = load_settings(args.settings) if args.settings is not None and args.settings.exists() else {}
    except (ValueError, OSError) as error:
        raise SketchRobotError(ErrorCode.BAD_GOAL, str(error)) from error
    machine = EmulatedGrbl(
        Hardware(page, pen, switch_mm=_SWITCHES_MM),
        settings=settings,
        speedup=args.speedup,
        link=args.port,
        faults=faults,
        seed=args.seed,
    )

    def power_off() -> None:
        if args.settings is not None:
            with replacing(args.settings) as draft:
                draft.write_text(settings_text(machine.unit.settings))

    return machine, power_off


def _plain(args: argparse.Namespace, page: Page, faults: FaultSchedule) -> tuple[Emulator, Callable[[], None]]:
    """A machine without options of its own."""
    from sketch_robot_emulators import EmulatedEbb, EmulatedHpgl, EmulatedMarlin

    kinds: dict[str, type[Emulator]] = {'ebb': EmulatedEbb, 'hpgl': EmulatedHpgl, 'marlin': EmulatedMarlin}
    made = kinds[args.machine]
    return made(page, speedup=args.speedup, link=args.port, faults=faults), lambda: None


@contextmanager
def _asked() -> Iterator[tuple[threading.Event, threading.Event]]:
    """Events that are set when the program shall end (Ctrl-C, SIGTERM), and when something is wanted (SIGUSR1)."""
    ended, wanted = threading.Event(), threading.Event()

    def end(*_: object) -> None:
        ended.set()
        wanted.set()

    handlers = {signal.SIGINT: end, signal.SIGTERM: end, signal.SIGUSR1: lambda *_: wanted.set()}
    before = {which: signal.signal(which, handler) for which, handler in handlers.items()}
    try:
        yield ended, wanted
    finally:
        for which, handler in before.items():
            signal.signal(which, handler)
