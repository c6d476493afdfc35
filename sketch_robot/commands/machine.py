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
from sketch_robot.errors import ErrorCode, SketchRobotError

if TYPE_CHECKING:  # the rooms take a second to load; `--help` does without
    from sketch_robot.motion.machine import Machine
    from sketch_robot.plotters.plotter import Plotter

TRIES_OF_PEN = 3


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
    parser.add_argument('--lift-seconds', type=float, metavar='S', help='how long the pen takes to rise clear')
    parser.add_argument('--drop-seconds', type=float, metavar='S', help='... and to come down (default: as to rise)')
    parser.set_defaults(run=calibrate, log_level=logging.WARNING)


# ------------------------------------------------------------------- list
def list_machines(args: argparse.Namespace) -> int:
    """Run `sketch-robot machine list`."""
    from sketch_robot.motion.machine import load_machine, machine_names
    from sketch_robot.plotters.ports import Port, find_ports
    from sketch_robot.plotters.setup_find import identify

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
    from sketch_robot.plotters.setup_hand import describe, jog

    machine = _load(args.machine)
    with _make(machine, args.port) as plotter:
        if args.home:
            plotter.home()
        if args.jog:
            jog(plotter, *args.jog)
        if args.pen:
            _try_pen(plotter)
        told = {'machine': machine.name, 'driver': machine.driver, **describe(plotter)}
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
    setup = _Setup(machine, page)
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
            with _make(setup.machine, args.port) as plotter:
                _Dialogue(setup, plotter).find_heights()
            with _make(setup.machine, args.port) as plotter:  # which now has them
                _Dialogue(setup, plotter).find_the_rest()
        else:
            setup.move(args)
    finally:  # what was found before something failed is not lost
        save_machine(setup.machine, place)
    sys.stdout.write(f'kept as {place}\n')
    return 0


class _Setup:
    """What is found out of a machine, step by step.

    Attributes:
        machine: as it is to be kept.
    """

    def __init__(self, machine: Machine, page: Any) -> None:
        self.machine, self.page = machine, page

    def option(self, **options: Any) -> None:
        """Keep options of the driver."""
        self.machine = replace(self.machine, options={**self.machine.options, **options})

    def keep_port(self, port: str) -> None:
        """Keep a port by the id of what is plugged in there, where it has one."""
        from sketch_robot.plotters.ports import find_ports

        fitting = [found.device_id for found in find_ports() if port in found.names]
        name = fitting[0] if len(fitting) == 1 else port
        self.option(port=name)
        _say(f'port: {name}')

    def measure(self, args: argparse.Namespace) -> None:
        """Take in the measured sides of a card that was drawn with the present correction."""
        if args.measured_width is None:
            return
        self.correct(args.measured_width, args.measured_height, *(args.measured_diagonals or (0.0, 0.0)))

    def correct(self, width_mm: float, height_mm: float, rising_mm: float = 0.0, falling_mm: float = 0.0) -> None:
        """Correct scale and squareness."""
        import math

        from sketch_robot.plotters.setup_card import make_card
        from sketch_robot.plotters.setup_correction import Measured, correction_from, scale_and_skew

        if self.machine.driver not in ('grbl', 'ebb'):
            raise SketchRobotError(ErrorCode.BAD_GOAL, f'the driver {self.machine.driver!r} takes no correction')
        card = make_card(self.page, self.machine.motion)
        measured = Measured(width_mm, height_mm, rising_mm, falling_mm)
        before = self.machine.options.get('correction', ((1.0, 0.0), (0.0, 1.0)))
        x, y, skew = scale_and_skew(measured, card.width_mm, card.height_mm)
        matrix = correction_from(measured, card.width_mm, card.height_mm, drawn_with=before)
        self.option(correction=[[round(float(value), 8) for value in row] for row in matrix])
        _say(
            f'it drew {100.0 * (x - 1.0):+.2f} % in width, {100.0 * (y - 1.0):+.2f} % in height, '
            f'{math.degrees(skew):+.2f} degrees from square; corrected'
        )

    def time_lifts(self, lift_s: float | None, drop_s: float | None) -> None:
        """Keep how long the pen takes to rise and to come down."""
        if lift_s is None and drop_s is None:
            return
        motion = self.machine.motion
        up_s = motion.lift_s if lift_s is None else lift_s
        down_s = up_s if drop_s is None else drop_s
        self.machine = replace(self.machine, motion=replace(motion, lift_s=up_s, drop_s=down_s))
        _say(f'lift: {up_s:g} s, drop: {down_s:g} s')

    def set_heights(self, plotter_keys: tuple[str, str], up: float | None, down: float | None) -> None:
        """Keep the pen's heights."""
        pen = dict(self.machine.options.get('pen') or {})
        pen.update({key: value for key, value in zip(plotter_keys, (up, down), strict=True) if value is not None})
        self.option(pen=pen)

    def write_card(self, path: Path) -> None:
        """Write the test card as a plan."""
        from sketch_robot.motion import save_plan
        from sketch_robot.plotters.setup_card import make_card

        card = make_card(self.page, self.machine.motion)
        save_plan(card.plan, path)
        _say(f'{path}: the large rectangle is {card.width_mm:g} x {card.height_mm:g} mm')

    def draw_card(self, plotter: Plotter) -> None:
        """Draw the test card, and say how long its sides should be."""
        from sketch_robot.plotters.setup_card import make_card

        card = make_card(self.page, self.machine.motion)
        _say(f'drawing the test card, {card.plan.predicted_s:.0f} s')
        plotter.draw(card.plan)
        _say(
            f'measure the large rectangle: its width should be {card.width_mm:g} mm, its height {card.height_mm:g} mm, '
            f'its diagonals {card.diagonal_mm:.1f} mm'
        )

    def move(self, args: argparse.Namespace) -> None:
        """Do what the options ask of the machine itself."""
        from sketch_robot.plotters.setup_hand import jog, origin_to_keep, set_origin

        if args.pen_up is not None or args.pen_down is not None:
            keys = ('up_percent', 'down_percent') if self.machine.driver == 'ebb' else ('up', 'down')
            self.set_heights(keys, args.pen_up, args.pen_down)
        elif not (args.home or args.jog or args.origin_here or args.card):
            return
        with _make(self.machine, args.port) as plotter:
            if args.home:
                plotter.home()
            if args.jog:
                jog(plotter, *args.jog)
            if args.pen_up is not None or args.pen_down is not None:
                _try_pen(plotter)
            if args.origin_here:
                set_origin(plotter)
                if (origin_mm := origin_to_keep(plotter)) is not None:
                    self.option(origin_mm=origin_mm)
                    _say(f'origin: {origin_mm[0]:g}, {origin_mm[1]:g} mm of the machine')
            if args.card:
                self.draw_card(plotter)


class _Dialogue:
    """Asks, on a terminal or anything else that answers in lines; an empty answer goes on."""

    def __init__(self, setup: _Setup, plotter: Plotter) -> None:
        self._setup, self._plotter = setup, plotter

    def find_heights(self) -> None:
        """Of the pen; first of all, since nothing can be drawn without."""
        from sketch_robot.plotters.setup_hand import describe

        told = describe(self._plotter)
        _say(f'{told.get("firmware", self._setup.machine.driver)}: {told["status"]} {told["reason"]}'.rstrip())
        self._pen()

    def find_the_rest(self) -> None:
        """The origin, scale and squareness, and the lifts."""
        self._jog()
        if _ask('draw the test card, with paper under the pen? [y/N]').lower() in ('y', 'yes'):
            self._setup.draw_card(self._plotter)
        self._measured()
        if numbers := _numbers('seconds that the pen takes to rise clear, and to come down', (1, 2)):
            self._setup.time_lifts(numbers[0], numbers[1] if len(numbers) > 1 else None)

    def _jog(self) -> None:
        from sketch_robot.plotters.setup_hand import jog, origin_to_keep, set_origin

        while answer := _ask('jog by "X Y" mm; "home"; "here": the pen is above the page\'s lower left corner'):
            try:
                if answer == 'home':
                    self._plotter.home()
                elif answer == 'here':
                    set_origin(self._plotter)
                    if (origin_mm := origin_to_keep(self._plotter)) is not None:
                        self._setup.option(origin_mm=origin_mm)
                else:
                    x, y = (float(word) for word in answer.split())
                    jog(self._plotter, x, y)
            except ValueError:
                _say(f'{answer!r} is none of these')
            except SketchRobotError as error:
                if error.code == ErrorCode.PLOTTER_OFFLINE:
                    raise
                _say(error.message)

    def _pen(self) -> None:
        from sketch_robot.plotters.setup_hand import move_pen, pen_keys

        up_key, down_key = pen_keys(self._plotter)
        last: float | None = None
        while answer := _ask('pen: a height to try; "up" or "down": keep the last one as that; "test"'):
            try:
                if answer == 'test':
                    _try_pen(self._plotter)
                elif answer in ('up', 'down') and last is not None:
                    self._setup.set_heights(
                        (up_key, down_key), last if answer == 'up' else None, last if answer == 'down' else None
                    )
                else:
                    last = float(answer)
                    move_pen(self._plotter, last)
            except ValueError:
                _say(f'{answer!r} is none of these')
            except SketchRobotError as error:
                if error.code == ErrorCode.PLOTTER_OFFLINE:
                    raise
                _say(error.message)

    def _measured(self) -> None:
        numbers = _numbers('measured width and height, and diagonals from the lower and upper left corner, mm', (2, 4))
        while numbers:
            try:
                self._setup.correct(*numbers)
                return
            except SketchRobotError as error:
                _say(error.message)
            numbers = _numbers('measured again', (2, 4))


# ------------------------------------------------------------------- shared
def _load(name: str) -> Machine:
    from sketch_robot.motion.machine import load_machine

    try:
        return load_machine(name)
    except SketchRobotError as error:
        raise UsageError(error.code, error.message) from error


def _make(machine: Machine, port: str | None) -> Plotter:
    from sketch_robot.plotters import make_plotter

    try:
        return make_plotter(machine, port)
    except SketchRobotError as error:
        raise UsageError(error.code, error.message) from error


def _try_pen(plotter: Plotter) -> None:
    for _ in range(TRIES_OF_PEN):
        plotter.set_pen(True)
        plotter.set_pen(False)


def _numbers(question: str, counts: tuple[int, ...]) -> list[float]:
    """An answer of so many numbers; none: nothing was said."""
    while answer := _ask(question):
        try:
            numbers = [float(word) for word in answer.replace(',', ' ').split()]
        except ValueError:
            numbers = []
        if len(numbers) in counts:
            return numbers
        _say(f'say {" or ".join(map(str, counts))} numbers')
    return []


def _ask(question: str) -> str:
    sys.stderr.write(f'{question}: ')
    sys.stderr.flush()
    line = sys.stdin.readline()
    if not line:
        sys.stderr.write('\n')
    return line.strip()


def _say(text: str) -> None:
    sys.stderr.write(f'sketch-robot: {text}\n')


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return 'yes' if value else 'no'
    return str(value)


def _print_json(data: Any) -> None:
    json.dump(data, sys.stdout, indent=2)
    sys.stdout.write('\n')
