"""The command `sketch-robot`: a thin dispatcher. Each room brings its own commands, which import what they need when
they run, so that `--help` and errors come at once."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any, NoReturn

from sketch_robot import __version__
from sketch_robot.commands import MODULES, UsageError
from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.training import commands as training_commands

PROGRAM = 'sketch-robot'
FAILED, USAGE, INTERRUPTED = 1, 2, 130  # exit statuses; 130 is what shells make of Ctrl-C


class _Parser(argparse.ArgumentParser):
    """Says what was wrong in one line."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **{'allow_abbrev': False, **options})

    def error(self, message: str) -> NoReturn:
        self.exit(USAGE, f'{PROGRAM}: {message} (see {self.prog} --help)\n')


def make_parser() -> argparse.ArgumentParser:
    """The whole command line."""
    parser = _Parser(prog=PROGRAM, description='Draw portraits with a pen plotter or a robot arm.')
    parser.add_argument('--version', action='version', version=f'{PROGRAM} {__version__}')
    commands = parser.add_subparsers(title='commands', metavar='COMMAND', required=True)
    for module in MODULES:
        import_module(f'sketch_robot.commands.{module}').add_commands(commands)
    training_commands.add_commands(commands)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line.

    Args:
        argv: its words without the program's name; None: those of this process.

    Returns:
        the exit status: 0, 1 (failed), 2 (wrong usage) or 130 (interrupted).
    """
    try:
        args = make_parser().parse_args(argv)
    except SystemExit as end:  # argparse ends the process after --help, --version and errors
        return int(end.code or 0)
    _start_logging(getattr(args, 'log_level', logging.INFO))
    try:
        return int(args.run(args) or 0)
    except UsageError as error:
        return _say(str(error), USAGE)
    except SketchRobotError as error:
        return _say(str(error), FAILED)
    except KeyboardInterrupt:
        return _say('interrupted', INTERRUPTED)
    except BrokenPipeError:  # whoever read what is printed has gone
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except OSError as error:  # of the files that were named: a name too long, a disk that fails
        return _say(f'{ErrorCode.BAD_GOAL.name}: {error.filename or "a file"}: {error.strerror or error}', FAILED)


def _say(message: str, status: int) -> int:
    print(f'{PROGRAM}: {" ".join(message.split())}', file=sys.stderr)
    return status


def _start_logging(level: int) -> None:
    clear = '\r\x1b[K' if sys.stderr.isatty() else ''  # a progress line may stand there
    logging.basicConfig(format=f'{clear}{PROGRAM}: %(message)s')
    logging.getLogger('sketch_robot').setLevel(level)


if __name__ == '__main__':
    sys.exit(main())
