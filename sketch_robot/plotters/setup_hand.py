"""Machines in the hands of whoever sets them up: who they are, jogging, pen heights."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.plotters.ebb import EbbPlotter
from sketch_robot.plotters.grbl import GrblPlotter
from sketch_robot.plotters.grbl_stream import Damaged
from sketch_robot.plotters.plotter import Plotter, PlotterStatus

JOG_MM_S = 30.0
LONGEST_JOG_MM = 1000.0


def describe(plotter: Plotter) -> dict[str, Any]:
    """What a connected machine says of itself: `firmware`, `status`, `reason`, and what its controller tells more."""
    told: dict[str, Any] = {'status': plotter.status.name.lower(), 'reason': str(getattr(plotter, 'reason', ''))}
    if isinstance(plotter, GrblPlotter):
        controller = plotter.controller
        told['firmware'] = f'GRBL {controller.version}'
        told['homes'] = controller.homes
        told['soft_limits'] = controller.limited
        told['position_known'] = plotter.client.located
        told['settings'] = {f'${number}': value for number, value in sorted(controller.settings.items())}
    elif isinstance(plotter, EbbPlotter):
        told['firmware'] = f'EBB {plotter.firmware}'
        told['position_known'] = plotter.knows_place
    return told


def jog(plotter: Plotter, x_mm: float, y_mm: float) -> None:
    """Move the lifted pen by so much along the page's axes, wherever that leads.

    Raises:
        SketchRobotError: BAD_GOAL, too far, or this machine cannot; PLOTTER_OFFLINE, PLOTTER_ALARM, BUSY.
    """
    if not (math.isfinite(x_mm) and math.isfinite(y_mm) and max(abs(x_mm), abs(y_mm)) <= LONGEST_JOG_MM):
        raise SketchRobotError(
            ErrorCode.BAD_GOAL, f'a jog by ({x_mm:g}, {y_mm:g}) mm is too far; {LONGEST_JOG_MM:g} at most'
        )
    if isinstance(plotter, EbbPlotter):
        plotter.jog(x_mm, y_mm)
        return
    with _grbl(plotter) as grbl:
        client = grbl.client
        if client.stream.look().state == 'Alarm':  # locked after power-on; the pen is moved by eye
            client.make_safe()
        client.raise_pen()
        x, y = client.options.matrix @ np.array([x_mm, y_mm])
        client.stream.command(f'$J=G91G21X{x:.3f}Y{y:.3f}F{JOG_MM_S * 60.0:g}')
        client.stream.settle(lambda _report: None)


def move_pen(plotter: Plotter, value: float) -> None:
    """Move the pen to a height: EBB: percent of the servo's range; GRBL: S of the servo, or Z in mm.

    Raises:
        SketchRobotError: BAD_GOAL, no height, or this machine has none; PLOTTER_OFFLINE, PLOTTER_ALARM, BUSY.
    """
    if isinstance(plotter, EbbPlotter):
        plotter.move_pen(value)
        return
    with _grbl(plotter) as grbl:
        client, pen = grbl.client, grbl.client.options.pen
        if not math.isfinite(value) or (pen.kind == 'servo' and value < 0.0):
            raise SketchRobotError(ErrorCode.BAD_GOAL, f'a pen height of {value:g} is not possible')
        if pen.kind == 'commands':
            raise SketchRobotError(ErrorCode.BAD_GOAL, 'this pen has no heights: it has commands of its own')
        client.stream.command(f'M3S{value:g}' if pen.kind == 'servo' else f'G1Z{value:g}F{pen.feed_mm_min:g}')
        client.stream.command(f'G4P{max(client.options.profile.drop_s, 0.3):.2f}')


def set_origin(plotter: Plotter) -> None:
    """Say that the pen stands above the page's lower left corner.

    Raises:
        SketchRobotError: BAD_GOAL, this machine knows by itself; PLOTTER_OFFLINE, PLOTTER_ALARM, BUSY.
    """
    if not isinstance(plotter, GrblPlotter | EbbPlotter):
        raise _not_needed()
    plotter.set_origin()


def origin_to_keep(plotter: Plotter) -> list[float] | None:
    """Machine coordinates of the page's corner, of a machine that finds them again by homing; else None."""
    if isinstance(plotter, GrblPlotter) and plotter.controller.homes and plotter.client.located:
        return [round(float(value), 3) for value in plotter.client.origin_mm]
    return None


def pen_keys(plotter: Plotter) -> tuple[str, str]:
    """What a machine's file calls the heights of the raised and of the lowered pen."""
    return ('up_percent', 'down_percent') if isinstance(plotter, EbbPlotter) else ('up', 'down')


@contextmanager
def _grbl(plotter: Plotter) -> Iterator[GrblPlotter]:
    if not isinstance(plotter, GrblPlotter):
        raise _not_needed()
    if plotter.status not in (PlotterStatus.IDLE, PlotterStatus.ALARM):
        raise SketchRobotError(ErrorCode.BUSY, f'the machine is {plotter.status.name.lower()}')
    try:
        yield plotter
    except Damaged as damage:
        raise SketchRobotError(ErrorCode.PLOTTER_ALARM, f'{damage}; look after the cable and try again') from damage


def _not_needed() -> SketchRobotError:
    return SketchRobotError(
        ErrorCode.BAD_GOAL, 'this is for machines with a GRBL controller or an EBB; others need no such setting up'
    )
