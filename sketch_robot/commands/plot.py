"""`sketch-robot plot`: a plan to a machine, without ROS."""

from __future__ import annotations

import argparse
import logging
import os
import shlex
import signal
import sys
import threading
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

from sketch_robot.commands import UsageError
from sketch_robot.errors import ErrorCode, SketchRobotError

if TYPE_CHECKING:  # the rooms take a second to load; `--help` does without
    from sketch_robot.motion import DrawingPlan
    from sketch_robot.motion.machine import Machine
    from sketch_robot.plotters.journal import Journal
    from sketch_robot.plotters.plotter import Outcome, Plotter, Progress

SIGNALLED = 128  # exit status: plus the signal's number, as shells make it
_log = logging.getLogger(__name__)


def add_commands(subparsers: Any) -> None:
    """Add `plot` to a parser's subparsers; parsed arguments then have `run`, to be called with them."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        'plot',
        help='draw a plan with a machine',
        description='Draw a plan with a plotter. What is proven to be on paper is kept in a journal, so that after any '
        'fault, kill or power cut --resume draws exactly the rest. Ctrl-C lifts the pen and parks; after a pause, '
        'Enter or SIGUSR1 goes on.',
        epilog='example: sketch-robot plot plan.svg --machine grbl_plotter --port /dev/ttyUSB0',
    )
    parser.add_argument('plan', metavar='PLAN', type=Path, help='a plan, .svg or .json')
    parser.add_argument(
        '--machine', metavar='NAME', required=True,
        help='a machine by name, or the path of its YAML file; an unknown name lists those that exist',
    )  # fmt: skip
    parser.add_argument(
        '--port',
        metavar='PORT',
        help="a device, or a machine's id wherever it is plugged in (default: the machine's own)",
    )
    parser.add_argument('--resume', action='store_true', help='draw the rest of what was begun')
    parser.add_argument(
        '--origin-is-set', action='store_true',
        help="the pen is over the page's lower left corner now; for machines that cannot home",
    )  # fmt: skip
    parser.add_argument(
        '--journal', metavar='FILE', type=Path,
        help='where to keep what is on paper (default: a file for this plan and machine in '
        '~/.local/state/sketch_robot)',
    )  # fmt: skip
    parser.add_argument(
        '--dry-run',
        metavar='FILE',
        type=Path,
        help='write the bytes that the machine would get to a file; move nothing',
    )
    parser.add_argument(
        '--paper', metavar='PNG', type=Path,
        help='keep a picture of what this run leaves on paper; for simulated machines, which know it',
    )  # fmt: skip
    parser.add_argument(
        '--no-check', dest='check', action='store_false', help='do not let the controller check the program first'
    )
    parser.set_defaults(run=plot, log_level=logging.WARNING)


def plot(args: argparse.Namespace) -> int:
    """Run `sketch-robot plot`: 0, or 128 and the signal's number when one ended it; the pen is up and parked then.

    Raises:
        UsageError: an argument cannot be used.
        SketchRobotError: why the drawing was not finished; what of it is on paper is in the journal.
    """
    from sketch_robot.motion import load_plan
    from sketch_robot.motion.machine import load_machine

    try:
        machine = load_machine(args.machine)
    except SketchRobotError as error:
        raise UsageError(error.code, error.message) from error
    if args.paper is not None and args.paper.suffix.lower() != '.png':
        raise UsageError(ErrorCode.BAD_GOAL, f'the name of {args.paper} must end in .png')
    if args.paper is not None and not args.paper.parent.is_dir():
        raise SketchRobotError(ErrorCode.BAD_GOAL, f'cannot write {args.paper}: there is no folder {args.paper.parent}')
    plan = _timed_for(load_plan(args.plan), machine)
    if args.dry_run is not None:
        return _dry_run(plan, machine, args.dry_run)
    from sketch_robot.files import state_folder
    from sketch_robot.motion.plan import digest_of
    from sketch_robot.plotters import Capability
    from sketch_robot.plotters.journal import Journal

    path = args.journal or state_folder() / f'{digest_of(plan)[:16]}-{machine.name}.journal'
    if not args.resume:
        _keep_unfinished(path)
    plotter = _plotter_of(machine, args)
    if args.paper is not None and Capability.PAPER not in plotter.capabilities:
        raise UsageError(ErrorCode.BAD_GOAL, f'the machine {machine.name!r} is real: nobody knows its paper but you')
    with Journal(path, machine=machine.name, resume=args.resume) as journal, _Signals(plotter) as signals:
        if args.resume:
            journal.begin(plan)  # tells that there is nothing to resume before the machine is bothered
        try:
            outcome, predicted_s = _draw(plotter, plan, journal)
        except SketchRobotError:
            _hint(args, journal, len(plan.strokes))
            raise
        except KeyboardInterrupt:  # before it began, or a second time
            _hint(args, journal, len(plan.strokes))
            return SIGNALLED + signals.received
        finally:
            if args.paper is not None and plotter.paper is not None:
                plotter.paper.save_png(args.paper)
        if not outcome.finished:
            _say('stopped: the pen is up and parked')
            _hint(args, journal, len(plan.strokes))
            return SIGNALLED + (signals.received or signal.SIGINT)
    sys.stdout.write(
        f'{outcome.strokes_drawn} strokes, {outcome.ink_mm / 1000.0:.2f} m of ink in {_clock(outcome.machine_s)} '
        f'(predicted {_clock(predicted_s)})\n'
    )
    return 0


def _timed_for(plan: DrawingPlan, machine: Machine) -> DrawingPlan:
    """The plan with the speeds and times of this machine."""
    from dataclasses import replace

    from sketch_robot.motion import time_plan

    if plan.profile == machine.motion:
        return plan
    stroke_s, return_s = time_plan(plan.strokes, machine.motion)
    return replace(plan, profile=machine.motion, stroke_s=stroke_s, return_s=return_s)


def _plotter_of(machine: Machine, args: argparse.Namespace) -> Plotter:
    from sketch_robot.plotters import make_plotter

    options: dict[str, Any] = {}
    if args.origin_is_set:
        options['origin_is_set'] = True
    if not args.check:
        options['check'] = False
    try:
        return make_plotter(machine, args.port, **options)
    except SketchRobotError as error:
        raise UsageError(error.code, error.message) from error


def _draw(plotter: Plotter, plan: DrawingPlan, journal: Journal) -> tuple[Outcome, float]:
    """What has become of it, and the seconds that the machine had predicted from where it stood."""
    with _ProgressLine(plotter) as progress:
        progress.say('connecting')
        with plotter:
            try:
                return plotter.draw(plan, progress.show, journal=journal), progress.predicted_s
            except SketchRobotError as error:
                if error.code == ErrorCode.PLOTTER_ALARM and not plotter.knows_place:
                    _say("once the pen is over the page's lower left corner, --origin-is-set sets the origin there")
                raise


def _dry_run(plan: DrawingPlan, machine: Machine, path: Path) -> int:
    from sketch_robot.files import replacing
    from sketch_robot.plotters import Capability, find_driver, make_plotter
    from sketch_robot.plotters.registry import NOWHERE

    if Capability.PROGRAM not in find_driver(machine.driver).capabilities:
        raise UsageError(ErrorCode.BAD_GOAL, f'the driver {machine.driver!r} sends no program that could be written')
    plotter = make_plotter(machine, NOWHERE)
    with replacing(path) as draft, draft.open('wb') as file:
        file.writelines(plotter.program(plan))
    sys.stdout.write(
        f'{path}: {len(plan.strokes)} strokes, {plan.ink_mm / 1000.0:.2f} m of ink, '
        f'predicted {_clock(plan.predicted_s)}; nothing was moved\n'
    )
    return 0


def _keep_unfinished(path: Path) -> None:
    """Do not let a new drawing wipe out what is known of one that was not finished."""
    from sketch_robot.plotters.journal import read_journal

    try:
        entry = read_journal(path)
    except SketchRobotError:
        return
    if entry.finished or entry.on_paper.strokes == 0:
        return
    kept = path.with_suffix('.old')
    try:
        path.replace(kept)
    except OSError as error:
        raise SketchRobotError(ErrorCode.BAD_GOAL, f'cannot keep the journal {path}: {error.strerror}') from error
    _say(
        f'beginning anew; of an earlier drawing of this plan {entry.on_paper.strokes} of {entry.strokes} strokes are '
        f'on paper, go on with that one by --resume --journal {shlex.quote(str(kept))}'
    )


def _hint(args: argparse.Namespace, journal: Journal, strokes: int) -> None:
    """How to go on."""
    if not journal.is_resumed or not journal.path.is_file() or journal.on_paper.strokes == strokes:
        return
    words = ['sketch-robot', 'plot', str(args.plan), '--machine', args.machine]
    words += ['--port', args.port] if args.port else []
    words += ['--journal', str(args.journal)] if args.journal else []
    _say(
        f'{journal.on_paper.strokes} of {strokes} strokes are on paper; go on with: {shlex.join([*words, "--resume"])}'
    )


def _say(text: str) -> None:
    sys.stderr.write(f'sketch-robot: {text}\n')


def _clock(seconds: float) -> str:
    whole = round(seconds)
    return f'{whole // 60}:{whole % 60:02d}'


class _Signals:
    """Ctrl-C and SIGTERM end a drawing as `stop` does: pen up, park. Once more, or before it began: at once.

    SIGUSR1 goes on after a pause. Reading from a terminal that is another's just fails, and suspends nothing (SIGTTIN).
    """

    def __init__(self, plotter: Plotter) -> None:
        self._plotter = plotter
        self._before: dict[int, Any] = {}
        self.received = 0

    def __enter__(self) -> _Signals:
        for number in (signal.SIGINT, signal.SIGTERM):
            self._before[number] = signal.signal(number, self._take)
        self._before[signal.SIGUSR1] = signal.signal(signal.SIGUSR1, lambda *_: self._plotter.resume())
        self._before[signal.SIGTTIN] = signal.signal(signal.SIGTTIN, signal.SIG_IGN)
        return self

    def __exit__(self, *_: object) -> None:
        for number, before in self._before.items():
            signal.signal(number, before)

    def _take(self, number: int, _frame: FrameType | None) -> None:
        from sketch_robot.plotters.plotter import PlotterStatus

        again, self.received = self.received, number
        if again or self._plotter.status in (PlotterStatus.OFFLINE, PlotterStatus.IDLE, PlotterStatus.ALARM):
            raise KeyboardInterrupt
        self._plotter.stop()


class _ProgressLine:
    """How far the drawing is: one line on a terminal, else one for every tenth; asks for pens."""

    def __init__(self, plotter: Plotter) -> None:
        self._plotter = plotter
        self._live = sys.stderr.isatty()
        self._tenth = -1
        self._asked = False
        self.predicted_s = 0.0

    def __enter__(self) -> _ProgressLine:
        return self

    def __exit__(self, *_: object) -> None:
        if self._live:
            sys.stderr.write('\r\x1b[K')
            sys.stderr.flush()

    def say(self, text: str) -> None:
        if self._live:
            sys.stderr.write(f'\r\x1b[K{text}')
            sys.stderr.flush()

    def show(self, progress: Progress) -> None:
        from sketch_robot.plotters.plotter import PlotterStatus

        self.predicted_s = self.predicted_s or progress.remaining_s
        if self._plotter.status == PlotterStatus.PAUSED:
            self._ask(self._plotter.reason)
            return
        self._asked = False
        text = (
            f'{progress.strokes_done} of {progress.strokes_total} strokes, {100.0 * progress.fraction:.0f} %, '
            f'{_clock(progress.remaining_s)} left'
        )
        self.say(text)
        tenth = int(progress.fraction * 10.0)
        if not self._live and tenth > self._tenth:
            sys.stderr.write(text + '\n')
            sys.stderr.flush()
        self._tenth = max(self._tenth, tenth)

    def _ask(self, reason: str) -> None:
        if self._asked:
            return
        self._asked = True
        self.say('')
        _say(f'{reason or "paused"}; press Enter to go on')
        threading.Thread(target=self._wait_for_enter, name='enter', daemon=True).start()

    def _wait_for_enter(self) -> None:
        try:
            pressed = sys.stdin is not None and bool(sys.stdin.readline())
        except OSError as error:  # in the background of its terminal
            _log.info('stdin: %s', error)
            pressed = False
        if pressed:
            self._plotter.resume()
        else:
            number = os.getpid()
            _say(f'nobody can press Enter here; `kill -USR1 {number}` goes on, `kill {number}` ends the drawing')
