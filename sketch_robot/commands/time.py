"""`sketch-robot time`: how long a plan takes on a machine, and what a recorded run teaches about that machine."""

from __future__ import annotations

import argparse
import json
import logging
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sketch_robot.commands import UsageError
from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.validation import POSITIVE, fits

if TYPE_CHECKING:  # the rooms take a second to load; `--help` does without
    from sketch_robot.motion import DrawingPlan, Machine, MachineLimits


def add_commands(subparsers: Any) -> None:
    """Add `time` to a parser's subparsers; parsed arguments then have `run`, to be called with them."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        'time',
        help='predict how long a plan takes on a machine',
        description='Predict how long a plan takes on a machine, from home through all strokes and back home; print it '
        'as JSON. With the time that a real run took, find what each stop of the machine costs; with --save, keep '
        'the machine with that.',
        epilog='example: sketch-robot time plan.json --profile grbl_plotter --measured 87.4 --save my_plotter',
    )
    parser.add_argument('plan', metavar='PLAN', type=Path, help='a plan, .json or .svg')
    parser.add_argument(
        '--profile', metavar='NAME',
        help='the machine: a name, or the path of a YAML file; an unknown name lists those that exist '
        "(default: the plan's)",
    )  # fmt: skip
    parser.add_argument(
        '--measured', metavar='S', type=float, action='append', default=[],
        help='seconds that the machine took for this plan, without pauses; may be given several times',
    )  # fmt: skip
    parser.add_argument(
        '--save', metavar='NAME',
        help="keep the calibrated machine, under a name among the user's own or as a .yaml file; needs --profile and "
        '--measured',
    )  # fmt: skip
    parser.set_defaults(run=time, log_level=logging.WARNING)


def time(args: argparse.Namespace) -> int:
    """Run `sketch-robot time`.

    Raises:
        UsageError: an argument cannot be used.
        SketchRobotError: BAD_PLAN, the plan cannot be read; BAD_GOAL, the measured times teach nothing, or the machine
            cannot be saved.
    """
    _check(args)
    from sketch_robot.motion import load_plan

    machine = _machine(args.profile) if args.profile is not None else None
    plan = load_plan(args.plan)
    profile = machine.motion if machine is not None else plan.profile
    answer = times_of(plan, profile)
    if args.measured:
        calibrated = _calibrated(plan, args.measured, profile)
        answer = {**times_of(plan, calibrated), 'measured_s': args.measured, 'uncalibrated_s': answer['predicted_s']}
        if args.save is not None:
            assert machine is not None
            answer['saved'] = str(_save(machine, calibrated, args.save))
    sys.stdout.write(json.dumps(answer, indent=1) + '\n')
    return 0


def times_of(plan: DrawingPlan, profile: MachineLimits) -> dict[str, Any]:
    """What the command prints of a plan drawn by some machine; draw, travel and lift add up to what is predicted."""
    from sketch_robot.motion.calibration import stops_of
    from sketch_robot.motion.plan import hops
    from sketch_robot.motion.timing import draw_seconds, hop_seconds

    count = len(plan.strokes)
    draw_s = float(draw_seconds(plan.strokes, profile).sum())
    travel_s = float(hop_seconds(hops(plan.strokes), profile).sum()) if count else 0.0
    lift_s = count * (profile.lifting_s + profile.dropping_s)
    return {
        'predicted_s': draw_s + travel_s + lift_s,
        'draw_s': draw_s,
        'travel_s': travel_s,
        'lift_s': lift_s,
        'strokes': count,
        'ink_mm': plan.ink_mm,
        'travel_mm': plan.travel_mm,
        'profile': profile.name,
        'stops': stops_of(plan),
        'stop_s': profile.stop_s,
    }


def _check(args: argparse.Namespace) -> None:
    for seconds in args.measured:
        if not fits(seconds, POSITIVE):
            raise UsageError(ErrorCode.BAD_GOAL, f'--measured takes a positive number of seconds, not {seconds:g}')
    if args.save is not None and (args.profile is None or not args.measured):
        raise UsageError(ErrorCode.BAD_GOAL, '--save needs --profile, the machine, and --measured, what it took')


def _machine(name: str) -> Machine:
    from sketch_robot.motion import load_machine

    try:
        return load_machine(name)
    except SketchRobotError as error:
        raise UsageError(error.code, error.message) from error


def _calibrated(plan: DrawingPlan, measured_s: list[float], profile: MachineLimits) -> MachineLimits:
    from sketch_robot.motion.calibration import calibrate_stops

    return calibrate_stops([(plan, seconds) for seconds in measured_s], profile)


def _save(machine: Machine, motion: MachineLimits, name: str) -> Path:
    from sketch_robot.motion import Machine, save_machine
    from sketch_robot.motion.machine import place_of

    path = place_of(name)
    save_machine(Machine(path.stem, machine.description, machine.driver, motion, machine.options), path)
    return path
