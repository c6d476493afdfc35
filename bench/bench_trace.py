"""From ink to strokes: how true tracing is, how fast, and what better strokes save on a machine."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from scipy.spatial import cKDTree
from skimage.morphology import skeletonize

from bench.drawings import MEETINGS, Drawing, meetings, random_drawing
from bench.registry import Figure, bench, median_s, photos
from bench.stroke_score import StrokeScore, score_strokes
from sketch_robot.commands.trace import strokes_to_json
from sketch_robot.line_art.art import LineArt
from sketch_robot.motion import HOME_MM, MachineLimits, parse_page
from sketch_robot.motion.fit import SIMPLIFY_MM, fit_strokes, simplify_stroke
from sketch_robot.motion.planner import plan_drawing
from sketch_robot.motion.smoothing import TOLERANCE_MM, smooth_strokes
from sketch_robot.motion.timing import draw_seconds, time_plan
from sketch_robot.pipeline import Pipeline
from sketch_robot.strokes import Stroke, render_ink, strokes_from, trace_ink
from sketch_robot.strokes.tracing.skeleton import skeleton_graph

FAST_GRBL = MachineLimits('grbl 200', 200.0, 2000.0, 200.0, 2000.0, 0.1, 0.1, 0.01)
PAGE = parse_page('A5')
ARTISTS = ('guided', 'student')
LEVELS = (0.2, 0.3, 0.4, 0.5, 0.6)  # of ink, for the plain skeleton
SIMPLIFIED = '0.15mm'  # more than half a pixel of a 512 px picture on A5: the stairs of a skeleton go


@bench('trace', 'random drawings with known strokes: how many are found one to one, how far off, how fast')
def trace(quick: bool) -> Iterator[Figure]:
    for noisy in (False, True):
        count = 6 if quick else 30
        scores = []
        for seed in range(count):
            scores.append(_score(random_drawing(seed + 100 * noisy, noisy=noisy)))
        true_px = sum(score.true_px for score in scores)
        kind = 'noisy' if noisy else 'clean'
        of = sum(score.true_strokes for score in scores)
        yield Figure(
            f'{kind}: strokes found one to one', sum(score.strict for score in scores) / of, 'of them',
            at_least=0.95, note=f'{count} random drawings, {of} strokes',
        )  # fmt: skip
        yield Figure(f'{kind}: mean error', float(np.mean([s.mean_px for s in scores])), 'px', at_most=0.11)
        yield Figure(f'{kind}: missed', sum(s.missed_px for s in scores) / true_px, 'of the line', at_most=0.01)
        yield Figure(f'{kind}: spurious', sum(s.spurious_px for s in scores) / true_px, 'of the line', at_most=0.005)
    for kind in MEETINGS:
        for blurred in (False, True):
            count = 2 if quick else 6
            scores = [_score(meetings(seed, kind, blurred=blurred)) for seed in range(count)]
            of = sum(score.true_strokes for score in scores)
            yield Figure(
                f'{kind}{", blurred" if blurred else ""}: strokes found one to one',
                sum(score.strict for score in scores) / of, 'of them', at_least=0.85, note=f'{of} strokes',
            )  # fmt: skip
    drawing = random_drawing(1, size_px=512)
    took_s = median_s(lambda: trace_ink(drawing.ink), 5 if quick else 21)
    yield Figure('trace 512 x 512', took_s, 's', at_most=0.06, note=f'{len(drawing.strokes)} strokes')


def _score(drawing: Drawing) -> StrokeScore:
    traced = [np.array(xy) for xy in strokes_to_json(trace_ink(drawing.ink))]
    return score_strokes(traced, [stroke.xy for stroke in drawing.strokes])


@bench('strokes_time', 'the same portrait by our strokes and by a plain skeleton with vpype: seconds on a machine')
def strokes_time(quick: bool) -> Iterator[Figure]:
    for artist in ARTISTS:
        saved: dict[str, list[float]] = {'': [], SIMPLIFIED: []}
        inks = []
        with Pipeline(artist) as pipeline:
            for photo in photos():
                art = pipeline.draw(photo, page=PAGE, profile=FAST_GRBL, require_face=False).art
                ours_s, ours_mm = ours(art)
                for simplify, shares in saved.items():
                    theirs_s, theirs_mm = skeleton_and_vpype(art, ours_mm, simplify=simplify)
                    shares.append(1.0 - (ours_s / ours_mm) / (theirs_s / theirs_mm))
                inks.append(ours_mm / theirs_mm)
        yield Figure(
            f'{artist}: time saved at equal ink, median', float(np.median(saved[''])), 'of it', at_least=0.25,
            note=f'{len(inks)} photo(s), least {min(saved[""]):.1%}; ink {np.mean(inks):.3f} of theirs',
        )  # fmt: skip
        yield Figure(
            f'{artist}: the same, their lines simplified', float(np.median(saved[SIMPLIFIED])), 'of it', at_least=0.25,
            note=f'linesimplify -t {SIMPLIFIED}; least {min(saved[SIMPLIFIED]):.1%}',
        )  # fmt: skip
        if quick:
            return


def ours(art: LineArt) -> tuple[float, float]:
    """Seconds and millimetres of ink of our plan for some line art."""
    plan = plan_drawing(strokes_from(art), art.size_px, PAGE, FAST_GRBL, weight='none')
    return plan.predicted_s, plan.ink_mm


def skeleton_and_vpype(art: LineArt, ink_mm: float, *, simplify: str = '') -> tuple[float, float]:
    """Seconds and millimetres of ink of a plain skeleton, its pixel chains merged and sorted by vpype.

    The level of its ink is the one that gives a line nearest to `ink_mm`.
    """
    ink = art.ink if art.strokes is None else render_ink(art.strokes, art.size_px)
    candidates = [fit_strokes(skeleton_strokes(ink, level), art.size_px, PAGE, tolerance_mm=0.0) for level in LEVELS]
    placed = min(candidates, key=lambda strokes: abs(sum(stroke.length for stroke in strokes) - ink_mm))
    sorted_ = vpype_sorted(placed, simplify=simplify)
    stroke_s, return_s = time_plan(sorted_, FAST_GRBL, home=HOME_MM)
    return float(stroke_s.sum()) + return_s, sum(stroke.length for stroke in sorted_)


def skeleton_strokes(ink: np.ndarray, level: float) -> list[Stroke]:
    """scikit-image's skeleton of dark pixels, cut at forks and ends."""
    graph = skeleton_graph(skeletonize(ink > level))
    return [Stroke(edge) for edge in graph.edges]


def vpype_sorted(strokes: Sequence[Stroke], *, simplify: str) -> list[Stroke]:
    """linemerge, linesimplify to a tolerance if one is given, linesort --two-opt; mm in and out."""
    import vpype
    from vpype_cli import execute

    to_px = vpype.convert_length('1mm')
    document = vpype.Document()
    document.add(vpype.LineCollection([to_px * (s.xy[:, 0] + 1j * s.xy[:, 1]) for s in strokes]), layer_id=1)
    commands = 'linemerge ' + (f'linesimplify -t {simplify} ' if simplify else '') + 'linesort --two-opt'
    lines = execute(commands, document).layers[1]
    return [Stroke(np.column_stack((line.real, line.imag)) / to_px) for line in lines]


@bench('fair', 'fair curves beside thinned polylines: seconds with the pen down, how far lines move, points')
def fair(quick: bool) -> Iterator[Figure]:
    for artist in ARTISTS[: 1 if quick else 2]:
        down, moved, points = [], [], []
        with Pipeline(artist) as pipeline:
            for photo in photos():
                art = pipeline.draw(photo, page=PAGE, profile=FAST_GRBL, require_face=False).art
                placed = fit_strokes(strokes_from(art), art.size_px, PAGE, tolerance_mm=0.0)
                before = [simplify_stroke(stroke, SIMPLIFY_MM) for stroke in placed]
                after = smooth_strokes(placed, FAST_GRBL, box_mm=PAGE.drawable_mm)
                down.append(draw_seconds(after, FAST_GRBL).sum() / draw_seconds(before, FAST_GRBL).sum())
                moved.append(max(_apart_mm(one.xy, other.xy) for one, other in zip(placed, after, strict=True)))
                points.append(sum(len(s.xy) for s in after) / sum(len(s.xy) for s in before))
        note = f'{len(down)} photo(s), {np.median(points):.2f} times the points'
        yield Figure(f'{artist}: pen-down time, of that without', float(np.median(down)), '', note=note)
        yield Figure(f'{artist}: lines move by at most', max(moved), 'mm', at_most=TOLERANCE_MM + 0.005)


def _apart_mm(one: np.ndarray, other: np.ndarray, step_mm: float = 0.02) -> float:
    """Hausdorff distance of two polylines."""
    a, b = (_dense(xy, step_mm) for xy in (one, other))
    return float(max(cKDTree(b).query(a)[0].max(), cKDTree(a).query(b)[0].max()))


def _dense(xy: np.ndarray, step_mm: float) -> np.ndarray:
    if len(xy) < 2:
        return xy
    arc = np.concatenate(([0.0], np.cumsum(np.hypot(*np.diff(xy, axis=0).T))))
    at = np.union1d(np.arange(0.0, arc[-1], step_mm), arc)
    return np.column_stack([np.interp(at, arc, column) for column in xy.T])
