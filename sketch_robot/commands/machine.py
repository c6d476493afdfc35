"""`sketch-robot machine`: find plotters, try them, and set them up."""

from __future__ import annotations

import argparse
import json
import logging
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sketch_robot.commands import UsageError
from sketch_robot.commands.calibration import Dialogue, Setup, make, try_pen
from sketch_robot.errors import ErrorCode, SketchRobotError

if TYPE_CHECKING:  # the rooms take a second to load; `--help` does without
    from sketch_robot.motion.machine import Machine


def add_commands(subparsers: Any) -> None:
    """Add `machine` to a parser's subparsers; parsed arguments then have `run`, to be called with them."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        'machine',
        help='find plotters, try them, and set them up',
        description='Find plotters, try them, and set them up; docs/machines.md leads through it.',
    )
    actions = parser.add_subparsers(metavar='ACTION', required=True)
    _add_list(actions)
    _add_test(actions)
    _add_calibrate(actions)


def _add_list(actions: Any) -> None:
    parser: argparse.ArgumentParser = actions.add_parser(
        'list', help='serial ports, who is behind them, and the machines that are known',
        description='List serial ports with the controllers behind them, and the machines that are known by name.',
    )  # fmt: skip
    parser.add_argument('--port', action='append', default=[], metavar='PORT', help='ask at this port too')
    parser.add_argument('--no-ask', dest='ask', action='store_false', help='open no port, which restarts most Arduinos')
    parser.add_argument('--json', action='store_true', help='print JSON')
    parser.set_defaults(run=list_machines, log_level=logging.WARNING)


def _add_test(actions: Any) -> None:
    parser: argparse.ArgumentParser = actions.add_parser(
        'test', help='connect a machine and tell how it is', description='Connect a machine and tell how it is.'
    )
    _add_machine(parser)
    parser.add_argument('--home', action='store_true', help="home it, which leads to the page's lower left corner")
    parser.add_argument('--jog', nargs=2, type=float, metavar=('X', 'Y'), help='move the raised pen by so many mm')
    parser.add_argument('--pen', action='store_true', help='lower and raise the pen three times')
    parser.add_argument('--json', action='store_true', help='print JSON')
    parser.set_defaults(run=test, log_level=logging.WARNING)


def _add_machine(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('machine', metavar='NAME', help='a machine by name, or the path of its YAML file')
    parser.add_argument('--port', metavar='PORT', help="a device or a device id (default: the machine's own)")


def _add_calibrate(actions: Any) -> None:
    parser: argparse.ArgumentParser = actions.add_parser(
        'calibrate',
        help='set a machine up, and keep that under a name',
        description='Set a machine up: its port, pen heights, origin, scale, squareness and lifts. What was found is '
        "kept as a machine of the user's own, for `plot --machine NAME` and `plotter:=NAME`. Without options it asks.",
        epilog='example: sketch-robot machine calibrate my_plotter --like grbl_plotter --port /dev/ttyUSB0 --card '
        'then: sketch-robot machine calibrate my_plotter --measured-width 129.4 --measured-height 190.6 '
        '--measured-diagonals 230.4 230.2',
    )
    _add_machine(parser)
    parser.add_argument('--like', metavar='NAME', help='begin with what is known of this machine (default: itself)')
    parser.add_argument('--home', action='store_true', help='home it first')
    parser.add_argument('--jog', nargs=2, type=float, metavar=('X', 'Y'), help='move the raised pen by so many mm')
    parser.add_argument('--pen-up', type=float, metavar='V', help='raised: S of the servo, Z in mm, or percent (EBB)')
    parser.add_argument('--pen-down', type=float, metavar='V', help='... and lowered')
    parser.add_argument(
        '--origin-here', action='store_true', help="the pen is above the page's lower left corner now, after --jog"
    )
    parser.add_argument('--page', default='A5', help='the sheet of the test card, as for draw (default: A5)')
    parser.add_argument('--card', action='store_true', help='draw the test card')
    parser.add_argument('--card-file', type=Path, metavar='FILE', help='write the test card as a plan, .svg or .json')
    parser.add_argument('--measured-width', type=float, metavar='MM', help="the large rectangle's lower side")
    parser.add_argument('--measured-height', type=float, metavar='MM', help='its left side')
    parser.add_argument(
        '--measured-diagonals', nargs=2, type=float, metavar=('MM', 'MM'),
        help='from its lower left corner, and from its upper left corner',
    )  # fmt: skip
    parser.add_argument('--yes', action='store_true', help='keep a correction of 5 %% or more without asking')
    parser.add_argument('--lift-seconds', type=float, metavar='S', help='how long the pen takes to rise clear')
    parser.add_argument('--drop-seconds', type=float, metavar='S', help='... and to come down (default: as to rise)')
    parser.set_defaults(run=calibrate, log_level=logging.WARNING)


# ------------------------------------------------------------------- list
def list_machines(args: argparse.Namespace) -> int:
    """Run `sketch-robot machine list`."""
    from sketch_robot.motion.machine import load_machine, machine_names
    from sketch_robot.plotters.ports import Port, find_ports
    from sketch_robot.plotters.setup.find import identify

    ports = []
    for port in (*find_ports(), *(Port(name, name) for name in args.port)):
        try:
            who, why = (identify(port.device), '') if args.ask else ('', '')
        except SketchRobotError as error:
            who, why = '', error.message
        known = {'device': port.device, 'id': port.device_id, 'description': port.description}
        ports.append({**known, 'controller': who, 'error': why})
    machines = []
    for name in machine_names():
        try:
            machine = load_machine(name)
        except SketchRobotError as error:
            machines.append({'name': name, 'driver': '', 'port': '', 'description': error.message})
            continue
        where = str(machine.options.get('port', ''))
        machines.append({'name': name, 'driver': machine.driver, 'port': where, 'description': machine.description})
    if args.json:
        _print_json({'ports': ports, 'machines': machines})
        return 0
    lines = ['ports:' if ports else 'ports: none']
    for found in ports:
        silent = found['error'] or ('nobody known' if args.ask else found['description'])
        lines.append(f'  {found["device"]}  {found["controller"] or silent}  id {found["id"]}')
    lines.append('machines:')
    for each in machines:
        where = f' (at {each["port"]})' if each['port'] else ''
        lines.append(f'  {each["name"]:14} {each["driver"]:10} {each["description"]}{where}')
    sys.stdout.write('\n'.join(lines) + '\n')
    return 0


# ------------------------------------------------------------------- test
def test(args: argparse.Namespace) -> int:
    """Run `sketch-robot machine test`."""
    machine = _load(args.machine)
    with make(machine, args.port) as plotter:
        if args.home:
            plotter.home()
        if args.jog:
            plotter.jog(*args.jog)
        if args.pen:
            try_pen(plotter)
        told = {'machine': machine.name, 'driver': machine.driver, **plotter.describe()}
    if args.json:
        _print_json(told)
        return 0
    settings = told.pop('settings', {})
    lines = [f'{name.replace("_", " ")}: {_plain(value)}' for name, value in told.items() if value != '']
    lines += [f'  {name} = {value:g}' for name, value in settings.items()]
    sys.stdout.write('\n'.join(lines) + '\n')
    return 0


# ------------------------------------------------------------------- calibrate
def calibrate(args: argparse.Namespace) -> int:
    """Run `sketch-robot machine calibrate`."""
    if (args.measured_width is None) != (args.measured_height is None):
        raise UsageError(ErrorCode.BAD_GOAL, 'give --measured-width and --measured-height together')
    if args.measured_diagonals and args.measured_width is None:
        raise UsageError(ErrorCode.BAD_GOAL, '--measured-diagonals needs --measured-width and --measured-height')
    from sketch_robot.motion.machine import machine_names, place_of, save_machine
    from sketch_robot.motion.page import parse_page

    try:
        page = parse_page(args.page)
    except SketchRobotError as error:
        raise UsageError(error.code, error.message) from error
    place = place_of(args.machine)
    is_new = not place.is_file() and args.machine not in machine_names()
    if is_new and not args.like:
        raise UsageError(
            ErrorCode.BAD_GOAL,
            f'there is no machine {args.machine!r} yet; say what it is like, as --like grbl_plotter or --like axidraw',
        )
    machine = replace(_load(args.like or args.machine), name=place.stem)
    setup = Setup(machine, page)
    setup.measure(args)
    setup.time_lifts(args.lift_seconds, args.drop_seconds)
    if args.card_file is not None:
        setup.write_card(args.card_file)
    asks = not any(
        (args.home, args.jog, args.pen_up is not None, args.pen_down is not None, args.origin_here, args.card)
    ) and not (args.measured_width or args.lift_seconds is not None or args.drop_seconds is not None or args.card_file)
    if args.port:
        setup.keep_port(args.port)
    try:
        if asks:
            with make(setup.machine, args.port) as plotter:
                Dialogue(setup, plotter).find_heights()
            with make(setup.machine, args.port) as plotter:  # which now has them
                Dialogue(setup, plotter).find_the_rest()
        else:
            setup.move(args)
    finally:  # what was found before something failed is not lost
        changed = is_new or setup.machine != machine
        if changed:
            save_machine(setup.machine, place)
    if changed:
        sys.stdout.write(f'kept as {place}\n')
    return 0


# ------------------------------------------------------------------- shared
def _load(name: str) -> Machine:
    from sketch_robot.motion.machine import load_machine

    try:
        return load_machine(name)
    except SketchRobotError as error:
        raise UsageError(error.code, error.message) from error


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return 'yes' if value else 'no'
    return str(value)


def _print_json(data: Any) -> None:
    json.dump(data, sys.stdout, indent=2)
    sys.stdout.write('\n')
