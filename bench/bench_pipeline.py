"""Without ROS: from a photo in memory to a plan, warm, and each step of it alone."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from skimage import data

from bench.registry import Figure, bench, median_s
from sketch_robot.line_art.artist import ARTISTS
from sketch_robot.motion import HOME_MM, PenProfile, parse_page, plan_drawing
from sketch_robot.motion.fit import fit_strokes
from sketch_robot.photo import Photo
from sketch_robot.pipeline import Pipeline, PipelineResult
from sketch_robot.plotters import SimulatedPlotter
from sketch_robot.strokes import order_strokes, render_ink, strokes_from, trace_ink

PAGE = parse_page('A5')
PROFILE = PenProfile()


def _repeats(quick: bool) -> int:
    return 3 if quick else 11


def demo_photo() -> Photo:
    """scikit-image's astronaut, 512 x 512."""
    return Photo(data.astronaut(), 'astronaut')


@bench('pipeline', 'a photo in memory to a plan, each artist, warm; its two stages')
def photo_to_plan(quick: bool) -> Iterator[Figure]:
    photo = demo_photo()
    for artist in ARTISTS:
        with Pipeline(artist) as pipeline:
            pipeline.warm_up()
            results: list[PipelineResult] = []
            whole_s = median_s(
                lambda p=pipeline, r=results: r.append(p.draw(photo, page=PAGE, profile=PROFILE)), _repeats(quick)
            )
        for stage in ('line_art', 'plan'):
            yield Figure(f'{artist}: {stage}', float(np.median([r.stage_s[stage] for r in results[1:]])), 's')
        yield Figure(
            f'{artist}: photo to plan', whole_s, 's', at_most=1.5, note=f'{len(results[0].plan.strokes)} strokes'
        )


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
    with SimulatedPlotter(speedup=float('inf')) as plotter:
        took_s = median_s(lambda: plotter.draw(plan), _repeats(quick))
        outcome, sheet = plotter.draw(plan), plotter.paper
    assert sheet is not None
    yield Figure('simulate a portrait', took_s, 's')
    yield Figure(
        'simulated less predicted', outcome.machine_s - plan.predicted_s, 's', note=f'of {plan.predicted_s:.1f} s'
    )
    pairs = zip(plan.strokes, sheet.polylines, strict=True)
    apart_mm = max(_apart_mm(stroke.xy, drawn) for stroke, drawn in pairs)
    yield Figure('plan and paper apart at most', apart_mm, 'mm', at_most=0.1)
    yield Figure('picture of the paper, 8 px/mm', median_s(lambda: sheet.image(8.0), _repeats(quick)), 's')


def _apart_mm(one: np.ndarray, other: np.ndarray, step_mm: float = 0.02) -> float:
    """Hausdorff distance of two polylines, each sampled every `step_mm`."""
    from scipy.spatial import cKDTree

    a, b = _sampled(one, step_mm), _sampled(other, step_mm)
    return float(max(cKDTree(b).query(a)[0].max(), cKDTree(a).query(b)[0].max()))


def _sampled(xy: np.ndarray, step_mm: float) -> np.ndarray:
    if len(xy) < 2:
        return xy
    along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(xy, axis=0).T))])
    at = np.union1d(np.arange(0.0, along[-1], step_mm), along)
    return np.column_stack([np.interp(at, along, xy[:, k]) for k in (0, 1)])
