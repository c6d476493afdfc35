"""Arms: planning a portrait, how exactly it is drawn, with and without physics; pictures in out/arm."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from scipy.spatial import cKDTree

from bench.registry import Figure, bench, demo_photo, median_s
from sketch_robot.errors import SketchRobotError
from sketch_robot.motion import DrawingPlan, parse_page
from sketch_robot.motion.machine import load_machine
from sketch_robot.pipeline import Pipeline
from sketch_robot.plotters.arm import ArmOptions, ArmPlotter
from sketch_robot.plotters.arm.field import Workcell
from sketch_robot.plotters.arm.kinematics import forward
from sketch_robot.plotters.arm.postures import find_postures
from sketch_robot.plotters.arm.retime import JointLimits
from sketch_robot.plotters.arm.segments import Planner, Timeline
from sketch_robot.plotters.paper import Paper

OUT = Path('out/arm')
TICK_S = 0.001


def _plan() -> DrawingPlan:
    with Pipeline() as pipeline:
        return pipeline.draw(demo_photo(), page=parse_page('A5'), profile=load_machine('arm').motion).plan


@bench('arm plan', 'planning a portrait for the sample arm, and what its joints are told, every millisecond')
def planned(quick: bool) -> Iterator[Figure]:
    plan, setup = _plan(), ArmPlotter(ArmOptions(**load_machine('arm').options)).setup
    size = plan.page.width_mm, plan.page.height_mm
    situation = Workcell(setup.chain, setup.page, size, setup.pose, setup.margin)
    limits = JointLimits(setup.chain.speed, setup.chain.accel)

    def work() -> Timeline:
        field = find_postures(situation)
        assert field is not None
        planner = Planner(field, limits.scaled(setup.limit_share), plan.profile, setup.touch)
        line = Timeline(planner.drawing(plan, (0.0, 0.0, setup.touch.lift_mm)), 0.0)
        line.trajectory(setup.chain.names, 0.0, line.end_s)
        return line

    took_s = median_s(work, 3 if quick else 9)
    yield Figure(
        'reach, inverse kinematics and timing of a portrait', took_s, 's', at_most=5.0,
        note=f'{len(plan.strokes)} strokes, {plan.ink_mm / 1000:.2f} m',
    )  # fmt: skip
    line = work()
    told = line.trajectory(setup.chain.names, 0.0, line.end_s)
    times = np.arange(0.0, line.end_s, TICK_S)
    joints = told.at(times)
    tools = forward(setup.chain, joints)
    tip = setup.page.to_page(tools[:, :3, 3])
    pen = setup.pose.untip(tip)
    stroke = np.array([segment.stroke for segment in line.segments])[[line.index(t) for t in times]]
    apart = [_apart_mm(pen[stroke == k, :2], each.xy) for k, each in enumerate(plan.strokes)]
    yield Figure('path beside the page path, at most', max(apart), 'mm', at_most=0.2)
    along = tools[:, :3, 2] @ setup.page.base_from_page[:3, :3]
    angle = np.degrees(np.arccos(np.clip(along @ setup.pose.down, -1.0, 1.0)))
    yield Figure('pen beside its direction, at most', float(angle.max()), 'degrees', at_most=3.0)
    room = np.minimum(joints - setup.chain.lower, setup.chain.upper - joints).min()
    yield Figure('room to the ends of the joints', float(np.degrees(room)), 'degrees')
    yield Figure('joint speed, of the limit', float((np.abs(told.at(times, order=1)) / setup.chain.speed).max()), '',
                 at_most=1.0)  # fmt: skip
    yield Figure('joint acceleration, of the limit',
                 float((np.abs(told.at(times, order=2)) / setup.chain.accel).max()), '', at_most=1.0)  # fmt: skip
    step = np.abs(np.diff(joints, axis=0)).max()
    yield Figure('largest step of a joint within a millisecond', float(np.degrees(step)), 'degrees')
    yield Figure('seconds taken beside predicted', abs(line.end_s / plan.predicted_s - 1.0), 'of them',
                 note=f'{plan.predicted_s:.0f} s')  # fmt: skip


@bench('arm drawing', 'the sample arm draws a portrait, exactly and with physics; the paper as a picture')
def drawn(quick: bool) -> Iterator[Figure]:
    plan = _plan()
    OUT.mkdir(parents=True, exist_ok=True)
    for simulation, at_most in (('exact', 0.2), ('physics', 0.5)):
        options = {**load_machine('arm').options, 'simulation': simulation, 'speedup': math.inf}
        with ArmPlotter(ArmOptions(**options)) as plotter:
            plotter.home()
            started_s = time.perf_counter()
            outcome, paper = plotter.draw(plan), plotter.paper
            took_s = time.perf_counter() - started_s
            assert paper is not None
        paper.save_png(OUT / f'paper_{simulation}.png', 8.0)
        yield Figure(f'{simulation}: ink and plan apart at most', _sheet_apart_mm(paper, plan), 'mm', at_most=at_most,
                     note=f'{len(paper.polylines)} lines for {len(plan.strokes)} strokes')  # fmt: skip
        yield Figure(f'{simulation}: simulated seconds in a second', outcome.machine_s / took_s, '')
        if quick:
            return


@bench('arm reach', 'a page out of reach: the picture and the refusal')
def refused(quick: bool) -> Iterator[Figure]:
    OUT.mkdir(parents=True, exist_ok=True)
    far = {'xyz': [0.45, 0.074, 0.0], 'rpy': [0.0, 0.0, -math.pi / 2]}
    options = {**load_machine('arm').options, 'page': far, 'reach_picture': str(OUT / 'reach.png')}
    plotter = ArmPlotter(ArmOptions(**options))

    def work() -> None:
        try:
            plotter.check_reach(parse_page('A5'))
        except SketchRobotError:
            return
        raise AssertionError('the page was not refused')

    yield Figure('refusing a page with a picture', median_s(work, 1 if quick else 5), 's')


def _apart_mm(one: np.ndarray, other: np.ndarray) -> float:
    """Hausdorff distance of two polylines."""
    a, b = _dense(one), _dense(other)
    return float(max(cKDTree(b).query(a)[0].max(), cKDTree(a).query(b)[0].max()))


def _sheet_apart_mm(paper: Paper, plan: DrawingPlan) -> float:
    ink = np.concatenate([_dense(line) for line in paper.polylines])
    wanted = np.concatenate([_dense(stroke.xy) for stroke in plan.strokes])
    return float(max(cKDTree(wanted).query(ink)[0].max(), cKDTree(ink).query(wanted)[0].max()))


def _dense(xy: np.ndarray, step_mm: float = 0.02) -> np.ndarray:
    if len(xy) < 2:
        return xy
    along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(xy, axis=0).T))])
    at = np.union1d(np.arange(0.0, along[-1], step_mm), along)
    return np.column_stack([np.interp(at, along, xy[:, k]) for k in (0, 1)])
