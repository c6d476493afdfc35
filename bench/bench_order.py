"""Orders: travel against vpype's, on random segments and on drawings; what the face's coming early costs; budgets."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

import numpy as np
from scipy.ndimage import gaussian_filter
from skimage import color, data

from bench.registry import Figure, bench, photos
from sketch_robot.motion import HOME_MM, MachineLimits, parse_page
from sketch_robot.motion.budget import hop_time
from sketch_robot.motion.fit import fit_strokes
from sketch_robot.motion.plan import hops
from sketch_robot.motion.planner import plan_drawing
from sketch_robot.motion.timing import hop_seconds, time_plan
from sketch_robot.pipeline import Pipeline
from sketch_robot.stroke import Stroke
from sketch_robot.strokes import Order, order_strokes, trace_ink
from sketch_robot.strokes.ordering.order import PRECEDENCES, Precedence, apply_order, order_drawing, stroke_bands

PAGE, LARGE_PAGE = parse_page('A5'), parse_page('A4')
PROFILE = MachineLimits()
PX_PER_MM = 96.0 / 25.4  # vpype's unit
FACE = ('eye', 'brow', 'nose', 'mouth')
BUDGETS_S = (30.0, 60.0, 120.0)


@bench('order', 'travel through random segments on A4, against vpype linesort --two-opt in the same process')
def order(quick: bool) -> Iterator[Figure]:
    for count, seconds, at_most in ((200, 1.0, 0.8), (1000, 1.0, 0.88), (5000, 3.0, 0.94))[: 2 if quick else 3]:
        starts, ends = random_segments(count)
        order_strokes(starts[:9], ends[:9], home=HOME_MM)
        began_s = time.perf_counter()
        ours = order_strokes(starts, ends, home=HOME_MM, seconds=seconds, limit_s=seconds).travel_mm
        took_s = time.perf_counter() - began_s
        began_s = time.perf_counter()
        theirs = vpype_travel_mm(starts, ends)
        note = f'{ours:.0f} mm, vpype {theirs:.0f} mm in {time.perf_counter() - began_s:.1f} s'
        yield Figure(f'{count} segments: travel', ours / theirs, "of vpype's", at_most=at_most, note=note)
        yield Figure(f'{count} segments: search', took_s, 's', at_most=seconds + 0.1)


@bench('order_portrait', '100 to 300 strokes: the order found in 0.2 s against that found in 30 s', slow=True)
def order_portrait(quick: bool) -> Iterator[Figure]:
    worst, long_s = 0.0, 3.0 if quick else 30.0
    times = []
    for strokes in many_strokes():
        starts, ends = (np.array([stroke.xy[k] for stroke in strokes]) for k in (0, -1))
        hop = hop_time(PROFILE)
        began_s = time.perf_counter()
        short = order_strokes(starts, ends, home=HOME_MM, hop=hop, seconds=0.2, limit_s=0.2)
        times.append(time.perf_counter() - began_s)
        long = order_strokes(starts, ends, home=HOME_MM, hop=hop, seconds=long_s)
        ratio = travel_s(strokes, short) / travel_s(strokes, long)
        worst = max(worst, ratio)
        yield Figure(f'{len(strokes)} strokes: 0.2 s', ratio, f'of {long_s:g} s', note=f'{short.travel_mm:.0f} mm')
    yield Figure('worst of them', worst, f'of {long_s:g} s', at_most=1.01)
    yield Figure('search', float(np.median(times)), 's', at_most=0.22)


@bench('precedence', 'how early the face is drawn, and what that costs')
def precedence(quick: bool) -> Iterator[Figure]:
    place: dict[str, list[float]] = {name: [] for name in PRECEDENCES}
    extra: dict[str, list[float]] = {name: [] for name in PRECEDENCES}
    for strokes in guided_drawings():
        seconds = {name: _drawn_s(strokes, name, 0.02 if quick else 0.2) for name in PRECEDENCES}
        for name, (where, total_s) in seconds.items():
            place[name].append(where)
            extra[name].append(total_s / seconds['none'][1] - 1.0)
    for name in PRECEDENCES:
        yield Figure(f"{name}: mean place of the face's strokes", float(np.mean(place[name])), 'of all strokes')
        yield Figure(
            f'{name}: longer than without', float(np.mean(extra[name])), 'of the time',
            at_most=0.03 if name == 'soft' else None,
        )  # fmt: skip


@bench('budgets', 'time budgets of 30, 60 and 120 s on A4: how much of them is used, what is kept')
def budgets(quick: bool) -> Iterator[Figure]:
    for strokes in guided_drawings():
        kept: set[int] = set()
        for budget_s in BUDGETS_S[: 2 if quick else 3]:
            began_s = time.perf_counter()
            plan = plan_drawing(strokes, (512, 512), LARGE_PAGE, PROFILE, time_budget_s=budget_s)
            took_s = time.perf_counter() - began_s
            bands = stroke_bands(plan.strokes)
            note = f'{len(plan.strokes)} kept, {np.sum(bands == 0)} of the face; planned in {took_s:.2f} s'
            yield Figure(
                f'{budget_s:g} s: used', plan.predicted_s / budget_s, 'of it', at_most=1.0,
                at_least=0.93 if plan.left_out else None, note=note,
            )  # fmt: skip
            now = {int(1e6 * stroke.length) for stroke in plan.strokes}
            yield Figure(f'{budget_s:g} s: lost that a shorter one kept', len(kept - now), 'strokes', at_most=0)
            kept = now


def random_segments(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Segments of 8 mm on average anywhere on A4: (count, 2) each."""
    generator = np.random.default_rng(seed)
    starts = generator.uniform((10, 10), (200, 287), (count, 2))
    angles = generator.uniform(0.0, 2.0 * np.pi, count)
    steps = generator.exponential(8.0, (count, 1)) * np.column_stack((np.cos(angles), np.sin(angles)))
    return starts, np.clip(starts + steps, (10, 10), (200, 287))


def many_strokes() -> Iterator[list[Stroke]]:
    """Drawings of 100 to 300 strokes on A5: the edges of pictures, traced, the longest of them."""
    for picture in (data.astronaut, data.camera, data.chelsea, data.coffee):
        grey = picture()
        grey = color.rgb2gray(grey) if grey.ndim == 3 else grey / 255.0
        for count in (120, 280):
            fine = gaussian_filter(grey, 1.5) - gaussian_filter(grey, 2.5)
            ink = np.clip(-40.0 * fine, 0.0, 1.0).astype(np.float32)
            longest = sorted(trace_ink(ink), key=lambda stroke: -stroke.length)[:count]
            yield fit_strokes(longest, (ink.shape[1], ink.shape[0]), PAGE)


def guided_drawings() -> Iterator[tuple[Stroke, ...]]:
    """The drawings of the photos, in pixels of 512 x 512, with labels."""
    with Pipeline('guided') as pipeline:
        for photo in photos():
            yield pipeline.draw(photo, page=PAGE, profile=PROFILE).strokes


def travel_s(strokes: Sequence[Stroke], order: Order) -> float:
    """Seconds of the movements with the pen up."""
    return float(hop_seconds(hops(apply_order(strokes, order), home=HOME_MM), PROFILE).sum())


def vpype_travel_mm(starts: np.ndarray, ends: np.ndarray) -> float:
    """Travel from home and back through segments that vpype has sorted."""
    import vpype
    from vpype_cli import execute

    lines = np.column_stack((starts[:, 0] + 1j * starts[:, 1], ends[:, 0] + 1j * ends[:, 1])) * PX_PER_MM
    document = vpype.Document(vpype.LineCollection(list(lines)))
    (layer,) = execute('linesort --two-opt', document).layers.values()
    drawn = np.array([(line[0], line[-1]) for line in layer]) / PX_PER_MM
    return float(np.abs(np.append(drawn[:, 0], 0.0) - np.insert(drawn[:, 1], 0, 0.0)).sum())


def _drawn_s(strokes: Sequence[Stroke], name: Precedence, search_s: float) -> tuple[float, float]:
    """Mean place of the face's strokes in a drawing on A5, 0 to 1, and the seconds that it takes."""
    placed = fit_strokes(strokes, (512, 512), PAGE)
    hop = hop_time(PROFILE)
    found = order_drawing(placed, home=HOME_MM, hop=hop, seconds=search_s, precedence=name)
    drawn = apply_order(placed, found)
    stroke_s, return_s = time_plan(drawn, PROFILE)
    places = [k for k, stroke in enumerate(drawn) if stroke.label in FACE]
    return float(np.mean(places)) / (len(drawn) - 1), float(stroke_s.sum()) + return_s
