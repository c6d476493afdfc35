"""Without ROS: from a photo in memory to a plan, warm, and each step of it alone."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
from scipy.spatial import cKDTree

from bench.registry import Figure, bench, demo_photo, median_s, photos
from sketch_robot.line_art.artist import ARTISTS
from sketch_robot.motion import HOME_MM, MachineLimits, parse_page, save_plan
from sketch_robot.motion.fit import fit_strokes
from sketch_robot.motion.planner import plan_drawing
from sketch_robot.pipeline import Pipeline
from sketch_robot.plotters import SimulatedPlotter, SimulationOptions
from sketch_robot.strokes import order_strokes, render_ink, strokes_from, trace_ink

PAGE = parse_page('A5')
PROFILE = MachineLimits()


def _repeats(quick: bool) -> int:
    return 3 if quick else 11


@bench('pipeline', 'a photo in memory to a plan, each artist, warm; its two stages')
def photo_to_plan(quick: bool) -> Iterator[Figure]:
    for artist in ARTISTS:
        with Pipeline(artist) as pipeline:
            pipeline.warm_up()
            taken: dict[str, list[float]] = {'line_art': [], 'plan': [], 'whole': []}
            strokes = []
            for photo in photos():
                pipeline.draw(photo, page=PAGE, profile=PROFILE)
                for _ in range(_repeats(quick)):
                    started_s = time.perf_counter()
                    result = pipeline.draw(photo, page=PAGE, profile=PROFILE)
                    taken['whole'].append(time.perf_counter() - started_s)
                    taken['line_art'].append(result.stage_s['line_art'])
                    taken['plan'].append(result.stage_s['plan'])
                strokes.append(len(result.plan.strokes))
        yield Figure(
            f'{artist}: finding the sitter and drawing lines', float(np.median(taken['line_art'])), 's',
            at_most=0.7 if artist == 'guided' else None,
        )  # fmt: skip
        yield Figure(f'{artist}: strokes to plan', float(np.median(taken['plan'])), 's')
        yield Figure(
            f'{artist}: photo to plan', float(np.median(taken['whole'])), 's', at_most=1.5,
            note=f'{len(strokes)} photo(s), {np.median(strokes):.0f} strokes',
        )  # fmt: skip


@bench('budget', 'planning with a time budget that leaves half of the drawing out')
def within_a_budget(quick: bool) -> Iterator[Figure]:
    with Pipeline() as pipeline:
        result = pipeline.draw(demo_photo(), page=PAGE, profile=PROFILE)
    half_s = 0.5 * result.plan.predicted_s
    took_s = median_s(
        lambda: plan_drawing(result.strokes, result.art.size_px, PAGE, PROFILE, time_budget_s=half_s), _repeats(quick)
    )
    yield Figure('plan within half the time', took_s, 's')


@bench('strokes', "tracing the demo portrait's ink, ordering its strokes")
def strokes(quick: bool) -> Iterator[Figure]:
    with Pipeline() as pipeline:
        result = pipeline.draw(demo_photo(), page=PAGE, profile=PROFILE)
    ink = render_ink(result.strokes, result.art.size_px)
    yield Figure('trace', median_s(lambda: trace_ink(ink), _repeats(quick)), 's', note=f'{len(trace_ink(ink))} strokes')
    yield Figure('strokes of the art', median_s(lambda: strokes_from(result.art), _repeats(quick)), 's')
    placed = fit_strokes(result.strokes, result.art.size_px, PAGE)
    starts, ends = np.array([s.xy[0] for s in placed]), np.array([s.xy[-1] for s in placed])
    for seconds in (0.0, 0.1):
        took_s = median_s(lambda t=seconds: order_strokes(starts, ends, home=HOME_MM, seconds=t), _repeats(quick))
        travel_mm = order_strokes(starts, ends, home=HOME_MM, seconds=seconds).travel_mm
        yield Figure(f'order, {seconds:g} s of search', took_s, 's', note=f'{travel_mm:.0f} mm of travel')


@bench('paper', 'the simulated machine beside the plan: time, ink, how far apart; pictures of the paper')
def paper(quick: bool) -> Iterator[Figure]:
    with Pipeline() as pipeline:
        plan = pipeline.draw(demo_photo(), page=PAGE, profile=PROFILE).plan
    with SimulatedPlotter(SimulationOptions(speedup=float('inf'))) as plotter:
        took_s = median_s(lambda: plotter.draw(plan), _repeats(quick))
        outcome, sheet = plotter.draw(plan), plotter.paper
    assert sheet is not None
    yield Figure('simulate a portrait', took_s, 's')
    yield Figure(
        'simulated seconds beside predicted', abs(outcome.machine_s / plan.predicted_s - 1.0), 'of them',
        at_most=1e-6, note=f'{plan.predicted_s:.1f} s',
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / 'plan.svg'
        yield Figure('plan to SVG file', median_s(lambda: save_plan(plan, path), _repeats(quick)), 's')
        pairs = zip(_svg_lines(path.read_text(), plan.page.height_mm), sheet.polylines, strict=True)
        apart_mm = max(_apart_mm(line, drawn) for line, drawn in pairs)
    yield Figure('SVG and paper apart at most', apart_mm, 'mm', at_most=0.1)
    yield Figure('picture of the paper, 8 px/mm', median_s(lambda: sheet.image(8.0), _repeats(quick)), 's')


def _svg_lines(text: str, height_mm: float) -> list[np.ndarray]:
    """The paths of a plan's SVG, whose unit is the millimetre, y up."""
    lines = []
    for path in ElementTree.fromstring(text).iter('{http://www.w3.org/2000/svg}path'):
        numbers = path.attrib['d'].replace('M', ' ').replace('L', ' ').replace(',', ' ').split()
        lines.append(np.array(numbers, dtype=float).reshape(-1, 2) * [1.0, -1.0] + [0.0, height_mm])
    return lines


def _apart_mm(one: np.ndarray, other: np.ndarray, step_mm: float = 0.02) -> float:
    """Hausdorff distance of two polylines, each sampled every `step_mm`."""
    a, b = _sampled(one, step_mm), _sampled(other, step_mm)
    return float(max(cKDTree(b).query(a)[0].max(), cKDTree(a).query(b)[0].max()))


def _sampled(xy: np.ndarray, step_mm: float) -> np.ndarray:
    if len(xy) < 2:
        return xy
    along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(xy, axis=0).T))])
    at = np.union1d(np.arange(0.0, along[-1], step_mm), along)
    return np.column_stack([np.interp(at, along, xy[:, k]) for k in (0, 1)])
