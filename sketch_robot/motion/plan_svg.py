"""Drawing plans as SVG in millimetres, for people, Inkscape and vpype.

Strokes are paths in drawing order, y down as in all SVG, in one Inkscape layer for each pen, in its colour and as wide
as the machine draws them: on the mean where it presses, since a path of SVG has one width. Everything else that a plan
holds is in data- attributes, which other programs leave alone, so that our own files can be read back.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import groupby
from xml.sax.saxutils import escape, quoteattr

import numpy as np

from sketch_robot.motion.plan import DrawingPlan, Pen
from sketch_robot.motion.plan_json import bad_plan, plan_from_head, plan_head
from sketch_robot.motion.pressure import line_width_mm
from sketch_robot.motion.safe_xml import parse_xml
from sketch_robot.motion.svg_path import parse_path
from sketch_robot.stroke import Stroke

DECIMALS = 5  # of a millimetre: 10 nm, a hundredth of what a round trip may lose

HEAD = 'data-sketch-robot'  # all of a plan but its strokes
PER_POINT = ('data-half-widths', 'data-pressure')
_SVG = '{http://www.w3.org/2000/svg}'


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
    return '\n'.join((*lines, '</svg>', ''))


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
    curves = parse_path(path)
    if len(curves) != 1 or not curves[0].straight.all():
        raise ValueError('its path data are no single polyline')
    return np.vstack((curves[0].control[0, 0], curves[0].control[:, 3]))
