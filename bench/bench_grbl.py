"""The GRBL driver against an emulated controller: keeping its planner fed, stopping, surviving faults, for hours."""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace

import numpy as np

from bench.drawings import random_drawing
from bench.registry import Figure, bench
from sketch_robot.motion import DrawingPlan, MachineLimits, Page, load_limits, parse_page, time_plan
from sketch_robot.motion.planner import plan_drawing
from sketch_robot.stroke import Stroke
from sketch_robot_emulators import Hardware

sys.path.append(str(Path(__file__).parents[1] / 'test' / 'plotters'))  # the machine on a bench is the tests'
sys.path.append(str(Path(__file__).parents[1] / 'test' / 'plotters' / 'grbl'))
from grbl_bench import World, fault_at_random, make_driver, off_by_mm, small_plan, twice_mm

SPEED_MM_S, SEGMENT_MM = 200.0, 0.3
SOAK_S = 7200.0
AVR_LINE_S = 0.001
KINDS = (
    'lose-in', 'double-in', 'garble-in', 'garbage-in', 'lose-out', 'double-out', 'garble-out', 'garbage-out',
    'drop-ok', 'stall', 'slow', 'unplug', 'reset', 'alarm',
)  # fmt: skip
EMULATOR = """
import sys
from sketch_robot.motion import Page
from sketch_robot_emulators import EmulatedGrbl, Hardware
with EmulatedGrbl(Hardware(Page(210.0, 297.0)), boot_s=0.1) as machine:
    print(machine.port, flush=True)
    sys.stdin.readline()
    print(machine.unit.starved, machine.unit.lost, flush=True)
"""


@bench('grbl', "a GRBL controller's planner kept full, its stops, and what faults leave on paper")
def grbl(quick: bool) -> Iterator[Figure]:
    yield from _streaming()
    yield from _stopping(5 if quick else 20)
    yield from _surviving(3 if quick else 30)


@bench('grbl-soak', 'two hours of drawings on an emulated GRBL machine', slow=True)
def soak(quick: bool) -> Iterator[Figure]:
    profile = load_limits('grbl_plotter')
    drawing = random_drawing(0, size_px=512)
    page = parse_page('A5')
    plan = plan_drawing([Stroke(stroke.xy) for stroke in drawing.strokes], (512, 512), page, profile)
    world = World(homes=False, hardware=Hardware(page), limits=profile)
    world.plotter.connect()
    off, drawn, rss = 0, 0, []
    while world.unit.seconds < (SOAK_S / 20 if quick else SOAK_S):
        world.plotter.draw(plan)
        off = max(off, *map(abs, world.unit.position_steps[:2]))
        world.machine.next_sheet()
        drawn += 1
        rss.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0)
    first = rss[min(3, len(rss) - 1)]
    yield Figure('off home after any drawing', float(off), 'steps', at_most=0.0, note=f'{drawn} drawings')
    yield Figure('memory gained since the fourth', rss[-1] - first, 'MiB', at_most=8.0)
    yield Figure('dry planner, lost bytes, refused lines', float(
        world.unit.starved + world.unit.lost + world.unit.errors), '', at_most=0.0
    )  # fmt: skip


def _fine_plan() -> DrawingPlan:
    """Long gentle lines in short segments, which can be drawn at full speed."""
    page = Page(210.0, 297.0)
    profile = MachineLimits(
        'fast', SPEED_MM_S, 2000.0, SPEED_MM_S, 2000.0, 0.15, 0.15,
        axis_speed_mm_s=(SPEED_MM_S, SPEED_MM_S), axis_accel_mm_s2=(2000.0, 2000.0), lookahead_blocks=15,
        dwell_step_s=0.05,
    )  # fmt: skip
    strokes = []
    for k in range(6):
        radius = 60.0 + 5.0 * k
        turn = np.arange(0.0, 2.0 * np.pi, SEGMENT_MM / radius)
        strokes.append(Stroke(np.array([105.0, 148.0]) + radius * np.column_stack([np.cos(turn), np.sin(turn)])))
    stroke_s, return_s = time_plan(strokes, profile)
    return DrawingPlan(tuple(strokes), page, profile, stroke_s, return_s)


def _streaming() -> Iterator[Figure]:
    plan = _fine_plan()
    world = World(homes=False, hardware=Hardware(plan.page), limits=plan.profile)
    world.plotter.connect()
    began_s = world.unit.seconds
    world.plotter.draw(plan)
    taken_s = world.unit.seconds - began_s
    at = f'{SPEED_MM_S:g} mm/s on {SEGMENT_MM:g} mm segments'
    yield Figure(f'{at}: planner run dry', float(world.unit.starved), 'times', at_most=0.0)
    yield Figure(f'{at}: beside prediction', taken_s / plan.predicted_s, 'times', at_most=1.02, note='115200 baud')
    emulator = subprocess.Popen(
        [sys.executable, '-c', EMULATOR], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert emulator.stdin is not None and emulator.stdout is not None  # noqa: PT018
        port = emulator.stdout.readline().strip()
        plotter = make_driver(None, plan.profile, port=port, check=False, origin_is_set=True)
        with plotter:
            cpu_s, wall_s = time.process_time(), time.monotonic()
            plotter.draw(plan)
            cpu_s, wall_s = time.process_time() - cpu_s, time.monotonic() - wall_s
        emulator.stdin.write('\n')
        emulator.stdin.flush()
        starved, lost = emulator.stdout.readline().split()
    finally:
        emulator.kill()
        emulator.wait()
    yield Figure(f'{at}: driver, of one core', cpu_s / wall_s, '', at_most=0.15, note='over a pseudo-terminal')
    yield Figure(f'{at}: run dry over a pseudo-terminal', float(starved), 'times', note=f'{lost} bytes lost')


def _stopping(count: int) -> Iterator[Figure]:
    rng = np.random.default_rng(1)
    late_s, up_s = [], []
    for _ in range(count):
        plan = small_plan(int(rng.integers(1000)))
        world = World()
        world.plotter.connect()
        world.plotter.home()
        asked_s = world.unit.seconds + float(rng.uniform(0.1, 0.9)) * plan.predicted_s
        down: list[float] = []
        world.link.at(asked_s, world.plotter.stop)
        for delay in np.arange(0.0, 0.5, 0.002):
            world.link.at(asked_s + delay, partial(_note_if_down, world, down))
        world.plotter.draw(plan)
        if down:
            up_s.append(max(down) - asked_s)
        late_s.append(_pause_s(plan, float(rng.uniform(0.1, 0.9))))
    yield Figure('stop to pen up, worst', max(up_s), 's', at_most=0.2, note=f'{len(up_s)} with the pen down')
    yield Figure(
        'pause to standstill beyond braking, worst', max(late_s), 's', at_most=0.05, note=f'of {count}'
    )  # fmt: skip


def _note_if_down(world: World, moments: list[float]) -> None:
    if world.machine.down:
        moments.append(world.unit.seconds)


def _pause_s(plan: DrawingPlan, share: float) -> float:
    """From the wish to the last step, beyond what braking from the speed of that moment takes."""
    world = World()
    world.plotter.connect()
    world.plotter.home()
    asked_s = world.unit.seconds + share * plan.predicted_s
    moved: list[float] = []
    state = SimpleNamespace(at=(0.0, 0.0), resumed=False, speed=0.0)

    def watch() -> None:
        if world.machine.xy_mm != state.at and not state.resumed:
            moved.append(world.unit.seconds)
        state.at = world.machine.xy_mm

    def resume() -> None:
        state.resumed = True
        world.plotter.resume()

    def ask() -> None:
        state.speed = world.unit.planner.speed_mm_s
        world.plotter.pause()

    world.link.at(asked_s, ask)
    for delay in np.arange(0.0, 0.5, 0.002):
        world.link.at(asked_s + delay, watch)
    world.link.at(asked_s + 0.5, resume)
    world.plotter.draw(plan)
    braking_s = state.speed / plan.profile.axis_accel_mm_s2[0]  # along an axis; on a diagonal it brakes harder
    return max(moved, default=asked_s) - asked_s - braking_s


def _surviving(runs: int) -> Iterator[Figure]:
    wrong: Counter[str] = Counter()
    twice: list[float] = []
    for kind in KINDS:
        for seed in range(1000, 1000 + runs):
            plan = small_plan(seed)
            with TemporaryDirectory() as folder:
                world = World(Path(folder), faults=fault_at_random(kind, seed, plan), seed=seed)
                drawn = world.draw(plan)
            good = drawn and off_by_mm(world, plan) < plan.profile.pen_width_mm and not world.machine.down
            wrong[kind] += not (good and world.machine.ink_outside_mm == world.machine.pen_down_travel_mm == 0.0)
            twice.append(twice_mm(world, plan))
    note = ', '.join(f'{kind} {count}' for kind, count in wrong.items() if count) or f'{len(KINDS)} kinds'
    yield Figure('drawings not as planned after a fault', float(sum(wrong.values())), f'of {runs * len(KINDS)}',
                 at_most=0.0, note=note)  # fmt: skip
    yield Figure('ink drawn twice, median', float(np.median(twice)), 'mm')
    yield Figure('ink drawn twice, 95 %', float(np.percentile(twice, 95)), 'mm', note=f'at most {max(twice):.1f}')
