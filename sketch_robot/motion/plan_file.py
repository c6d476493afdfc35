"""Drawing plans as files; the suffix says the format.

JSON is complete and exact, with a version. SVG is in millimetres, for people, Inkscape and vpype: strokes are paths in
drawing order, y down as in all SVG, in one Inkscape layer for each pen, in its colour and as wide as the machine draws
them: on the mean where it presses, since a path of SVG has one width. Everything else that a plan holds is in data-
attributes, which other programs leave alone, so that our own files can be read back.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, fields
from itertools import groupby
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape, quoteattr

import numpy as np

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.files import replacing
from sketch_robot.motion.machine_limits import MachineLimits
from sketch_robot.motion.page import Page
from sketch_robot.motion.plan import DrawingPlan, Pen
from sketch_robot.motion.pressure import line_width_mm
from sketch_robot.motion.safe_xml import parse_xml
from sketch_robot.motion.svg.shapes import parse_path
from sketch_robot.stroke import Stroke
from sketch_robot.validation import NOT_NEGATIVE, all_fit, fits, shown

LARGEST_BYTES = 64 * 2**20  # a portrait has 0.2 MB
FORMAT = 'sketch_robot drawing plan'
VERSION = 2
READ_VERSIONS = (1, 2)  # the first knew neither widths along a stroke, nor pressure, pens and a machine's planner
DECIMALS = 5  # of a millimetre: 10 nm, a hundredth of what a round trip may lose

HEAD = 'data-sketch-robot'  # all of a plan but its strokes
PER_POINT = ('data-half-widths', 'data-pressure')
_SVG = '{http://www.w3.org/2000/svg}'
_NO_XML = dict.fromkeys((*range(9), 11, 12, *range(14, 32), *range(0xD800, 0xE000), 0xFFFE, 0xFFFF), '\ufffd')


def save_plan(plan: DrawingPlan, path: str | Path) -> None:
    """Write a plan as .json (exact) or .svg (for people and other programs too). The file appears whole or not at all.

    Raises:
        SketchRobotError: BAD_GOAL, the suffix is neither, or the file cannot be written.
    """
    write = _FORMATS.get(Path(path).suffix.lower())
    if write is None:
        raise SketchRobotError(ErrorCode.BAD_GOAL, f'cannot save a plan as {path}: the name must end in .json or .svg')
    text = write[0](plan)
    with replacing(path) as draft:
        draft.write_text(text, encoding='utf-8')


def load_plan(path: str | Path) -> DrawingPlan:
    """Read a plan that `save_plan` wrote.

    Raises:
        SketchRobotError: BAD_PLAN, the file is missing, too large, or no plan of ours; the message says why.
    """
    read = _FORMATS.get(Path(path).suffix.lower())
    if read is None:
        raise bad_plan(f'the name of {path} must end in .json or .svg')
    try:
        text = read_whole(path).decode('utf-8')
    except UnicodeDecodeError as error:
        raise bad_plan(f'{path} is not UTF-8 text') from error
    return read[1](text)


def read_whole(path: str | Path) -> bytes:
    """What is in a file.

    Raises:
        SketchRobotError: BAD_PLAN, it is missing or too large.
    """
    try:
        size = Path(path).stat().st_size
        if size > LARGEST_BYTES:
            raise bad_plan(f'{path} has {size / 2**20:.0f} MB, more than {LARGEST_BYTES / 2**20:.0f}')
        return Path(path).read_bytes()
    except OSError as error:
        raise bad_plan(f'{path}: {error.strerror or error}') from error


def plan_to_json(plan: DrawingPlan) -> str:
    """The whole plan as JSON; `plan_from_json` gives back the same numbers to the last bit."""
    strokes = [_entry(stroke, float(s)) for stroke, s in zip(plan.strokes, plan.stroke_s, strict=True)]
    head = json.dumps(plan_head(plan), indent=1)[:-2]
    lines = ',\n  '.join(json.dumps(stroke) for stroke in strokes)
    return f'{head},\n "strokes": [\n  {lines}\n ]\n}}\n' if strokes else f'{head},\n "strokes": []\n}}\n'


def _entry(stroke: Stroke, seconds: float) -> dict[str, Any]:
    entry: dict[str, Any] = {
        'label': stroke.label,
        'importance': float(stroke.importance),
        'half_width_mm': float(stroke.half_width),
        'seconds': seconds,
        'xy_mm': stroke.xy.tolist(),
    }
    if stroke.pen:
        entry['pen'] = stroke.pen
    if stroke.half_widths is not None:
        entry['half_widths_mm'] = stroke.half_widths.tolist()
    if stroke.pressure is not None:
        entry['pressure'] = stroke.pressure.tolist()
    return entry


def plan_head(plan: DrawingPlan) -> dict[str, Any]:
    """All of a plan but its strokes, for JSON."""
    return {
        'format': FORMAT,
        'version': VERSION,
        'artist': plan.artist,
        'predicted_s': plan.predicted_s,
        'return_s': float(plan.return_s),
        'left_out': int(plan.left_out),
        'page': asdict(plan.page),
        'profile': asdict(plan.profile),
        'pens': [asdict(pen) for pen in plan.pens],
    }


def parse_json(text: str) -> Any:
    """What a JSON text says.

    Raises:
        ValueError: it is not JSON, is nested too deep, or has an integer of thousands of digits.
    """
    try:
        return json.loads(text)
    except RecursionError as error:
        raise ValueError('it is not JSON: it is nested too deep') from error
    except json.JSONDecodeError as error:
        raise ValueError(f'it is not JSON: {error}') from error
    except ValueError as error:
        raise ValueError('it is not JSON that can be read: it has an integer of thousands of digits') from error


def plan_from_json(text: str) -> DrawingPlan:
    """Read a plan that `plan_to_json` wrote.

    Raises:
        SketchRobotError: BAD_PLAN, this is no such plan, or it is damaged; the message says where.
    """
    try:
        data = parse_json(text)
    except ValueError as error:
        raise bad_plan(str(error)) from error
    strokes, seconds = [], []
    listed = data.get('strokes') if isinstance(data, dict) else None
    if not isinstance(listed, list):
        raise bad_plan('it has no list of strokes')
    for number, entry in enumerate(listed):
        try:
            strokes.append(
                Stroke(
                    np.array(entry['xy_mm'], dtype=np.float64),
                    float(entry['half_width_mm']),
                    entry['label'],
                    float(entry['importance']),
                    entry.get('half_widths_mm'),
                    entry.get('pressure'),
                    str(entry.get('pen', '')),
                )
            )
            seconds.append(float(entry['seconds']))
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise bad_plan(f'stroke {number}: {_cause(error)}') from error
    return plan_from_head(data, strokes, seconds)


def plan_from_head(head: Any, strokes: list[Stroke], seconds: list[float]) -> DrawingPlan:
    """Put a plan together from `plan_head` and its strokes.

    Raises:
        SketchRobotError: BAD_PLAN, a part is missing or unusable.
    """
    if not isinstance(head, dict) or head.get('format') != FORMAT:
        raise bad_plan('it was not written by sketch_robot')
    version = head.get('version')
    if version not in READ_VERSIONS:
        known = ' and '.join(map(str, READ_VERSIONS))
        raise bad_plan(f'its version is {shown(version)}, and only versions {known} can be read')
    times = np.array(seconds, dtype=np.float64)
    try:
        page, profile = _only(Page, head['page']), _only(MachineLimits, head['profile'], complete=version != 1)
        pens = tuple(_only(Pen, pen) for pen in (head['pens'] if version != 1 else ()))
        return_s, left_out, artist = float(head['return_s']), int(head['left_out']), head['artist']
        if not isinstance(artist, str) or not 0 <= left_out < 2**31:
            raise ValueError('the artist is no text, or the count of strokes left out is none')
        if not (all_fit(times, NOT_NEGATIVE) and fits(return_s, NOT_NEGATIVE)):
            raise ValueError('a time is negative or not finite')
        return DrawingPlan(tuple(strokes), page, profile, times, return_s, left_out, artist, pens)
    except SketchRobotError as error:
        raise bad_plan(error.message) from error
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise bad_plan(_cause(error)) from error


def _only(kind: type, values: dict[str, Any], *, complete: bool = True) -> Any:
    """Make a frozen dataclass from a JSON object that has its fields, all of them when `complete`, and no other."""
    expected = {field.name for field in fields(kind)}
    if not (set(values) == expected if complete else set(values) <= expected):
        raise ValueError(f'a {kind.__name__} has the fields {sorted(expected)}, not {sorted(values)}')
    kinds = {field.name: _KINDS[str(field.type)] for field in fields(kind)}
    return kind(**{name: kinds[name](value) for name, value in values.items()})


def _pair(values: Any) -> tuple[float, ...]:
    return tuple(float(part) for part in values)


_KINDS: dict[str, Callable[[Any], Any]] = {'str': str, 'int': int, 'float': float, 'tuple[float, float]': _pair}


def _cause(error: Exception) -> str:
    return f'{error.args[0]!r} is missing' if isinstance(error, KeyError) else str(error)


def bad_plan(why: str) -> SketchRobotError:
    """The error for a plan that cannot be read."""
    return SketchRobotError(ErrorCode.BAD_PLAN, f'the drawing plan cannot be read: {why}')


def plan_to_svg(plan: DrawingPlan) -> str:
    """The plan as an SVG document, one unit a millimetre."""
    page = plan.page
    size = f'{page.width_mm:g}mm', f'{page.height_mm:g}mm'
    artist = f' by the artist {plan.artist}' if plan.artist else ''
    about = (
        f'{len(plan.strokes)} strokes{artist}, {plan.ink_mm / 1000:.2f} m of ink, {plan.predicted_s:.0f} s predicted'
    )
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:inkscape="http://www.inkscape.org/namespaces/inkscape"',
        f'     version="1.1" width="{size[0]}" height="{size[1]}" viewBox="0 0 {page.width_mm:g} {page.height_mm:g}"',
        f'     {HEAD}={quoteattr(json.dumps(plan_head(plan)))}>',
        f'<title>{escape(page.name or "drawing")}</title>',
        f'<desc>{escape(about)}</desc>',
    ]
    runs = groupby(
        zip(plan.strokes, plan.stroke_s, strict=True), key=lambda stroke_and_seconds: stroke_and_seconds[0].pen
    )
    pens = plan.pens or (Pen('pen', width_mm=plan.profile.pen_width_mm),)
    for number, (pen, (_, run)) in enumerate(zip(pens, runs, strict=False), 1):  # no run when there are no strokes
        lines.append(
            f'<g inkscape:groupmode="layer" inkscape:label={quoteattr(f"{number} {pen.name}")} id="layer{number}"'
            f' fill="none" stroke="{pen.colour}"\n'
            f'   stroke-width="{pen.width_mm:g}" stroke-linecap="round" stroke-linejoin="round">'
        )
        for stroke, seconds in run:
            data = ''.join(f' {name}={quoteattr(value)}' for name, value in _data(stroke, float(seconds)).items())
            width_mm = line_width_mm(stroke, plan.profile)
            width = '' if width_mm is None else f' stroke-width="{width_mm.mean():.3f}"'
            lines.append(f'<path d="{_path(stroke.xy, page.height_mm)}"{width}{data}/>')
        lines.append('</g>')
    return '\n'.join((*lines, '</svg>', '')).translate(_NO_XML)


def _data(stroke: Stroke, seconds: float) -> dict[str, str]:
    """What only we know of a stroke."""
    data = {
        'data-label': stroke.label,
        'data-importance': repr(float(stroke.importance)),
        'data-half-width': repr(float(stroke.half_width)),
        'data-seconds': repr(seconds),
    }
    if stroke.pen:
        data['data-pen'] = stroke.pen
    for name, values in (('data-half-widths', stroke.half_widths), ('data-pressure', stroke.pressure)):
        if values is not None:
            data[name] = ' '.join(f'{value:.{DECIMALS}f}' for value in values.tolist())
    return data


def stroke_from_data(xy: np.ndarray, data: Mapping[str, str]) -> Stroke:
    """A stroke of our own files: what the attributes of its path say, of points read from it.

    Raises:
        KeyError: an attribute is missing.
        ValueError: it is unusable.
    """
    values = {name: np.array(data[name].split(), np.float64) for name in PER_POINT if name in data}
    if len(xy) == 1:  # two points that are one on paper
        values = {name: array[:1] for name, array in values.items()}
    return Stroke(
        xy,
        float(data['data-half-width']),
        data['data-label'],
        float(data['data-importance']),
        values.get('data-half-widths'),
        values.get('data-pressure'),
        data.get('data-pen', ''),
    )


def _path(xy: np.ndarray, height_mm: float) -> str:
    points = [f'{x:.{DECIMALS}f},{height_mm - y:.{DECIMALS}f}' for x, y in xy.tolist()]
    if len(points) == 1:
        points *= 2  # with round caps, a line of no length is a dot
    return 'M' + ' L'.join(points)


def plan_from_svg(text: str) -> DrawingPlan:
    """Read a plan that `plan_to_svg` wrote; points and what belongs to them come back to within 1e-5, else all exactly.

    Raises:
        SketchRobotError: BAD_PLAN, this is no such file, it declares entities, it was changed in a way that moves
            strokes (a transform, a curve), or it is damaged.
    """
    try:
        root = parse_xml(text)
    except ValueError as error:
        raise bad_plan(str(error)) from error
    if root.tag != f'{_SVG}svg' or HEAD not in root.attrib:
        raise bad_plan('this SVG was not written by sketch_robot; make a plan of it first: sketch-robot plan')
    if any('transform' in element.attrib for element in root.iter()):
        raise bad_plan('its strokes have been transformed since they were planned; plan the drawing anew')
    try:
        head = json.loads(root.attrib[HEAD])
        height_mm = float(head['page']['height_mm'])
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise bad_plan(f'its {HEAD} attribute is damaged') from error
    strokes, seconds = [], []
    for number, path in enumerate(root.iter(f'{_SVG}path')):
        try:
            xy = _points(path.attrib['d']) * [1.0, -1.0] + [0.0, height_mm]
            dot = len(xy) == 2 and np.array_equal(xy[0], xy[1])
            strokes.append(stroke_from_data(xy[:1] if dot else xy, path.attrib))
            seconds.append(float(path.attrib['data-seconds']))
        except (KeyError, ValueError) as error:
            why = f'{error.args[0]!r} is missing' if isinstance(error, KeyError) else str(error)
            raise bad_plan(f'path {number}: {why}') from error
    return plan_from_head(head, strokes, seconds)


def _points(path: str) -> np.ndarray:
    """(N, 2) points of path data that are one polyline."""
    curves, problem = parse_path(path)
    if problem:
        raise ValueError(problem)
    if len(curves) != 1 or curves[0].handles is not None:
        raise ValueError('its path data are no single polyline')
    return curves[0].ends


_FORMATS = {'.json': (plan_to_json, plan_from_json), '.svg': (plan_to_svg, plan_from_svg)}
