"""A plan in the forms that others take: a machine's program, a vector file, a picture.

PDF is written by hand (ISO 32000-1): one page as large as the sheet, one stream of path operators, each stroke as wide
as the pen draws it and in its colour, nothing else; a library would bring fonts, pictures and forms, none of which a
plan has.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import zlib
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

from PIL import Image

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.motion.machine import load_machine
from sketch_robot.motion.plan import DrawingPlan
from sketch_robot.motion.plan_file import plan_from_json, plan_to_json, plan_to_svg
from sketch_robot.motion.pressure import line_width_mm
from sketch_robot.stroke import Stroke

MACHINES = {'gcode': 'grbl_plotter', 'hpgl': 'hp7475a'}  # whose program it is when nobody names one
DRIVERS = {'gcode': ('grbl', 'marlin'), 'hpgl': ('hpgl',)}  # that speak it
FORMATS = ('gcode', 'hpgl', 'json', 'pdf', 'png', 'svg')
LIGHT = ('json', 'pdf', 'svg')  # that need no compiled loops
APART_S = 120.0
PICTURE_PX_PER_MM = 8.0
POINTS_PER_MM = 72.0 / 25.4
BLACK = (0, 0, 0)
_apart = threading.Lock()


def export_plan(plan: DrawingPlan, form: str, *, machine: str = '') -> bytes:
    """A plan as the content of a file.

    Args:
        plan: what to draw.
        form: one of `FORMATS`; 'png' is the paper as a perfect machine leaves it.
        machine: whose G-code or HP-GL it is to be, by name; '' for a usual one.

    Raises:
        SketchRobotError: BAD_GOAL, there is no such form or machine, or the machine speaks otherwise; OFF_PAGE,
            NOTHING_TO_DRAW, what the machine would refuse.
    """
    if form not in FORMATS:
        raise SketchRobotError(ErrorCode.BAD_GOAL, f'there is no form {form!r}; choose one of: {", ".join(FORMATS)}')
    if form in MACHINES:
        return _program(plan, form, machine or MACHINES[form])
    if machine:
        raise SketchRobotError(ErrorCode.BAD_GOAL, f'{form} is the same for all machines; name none')
    if form == 'png':
        from sketch_robot.plotters.paper import paper_of

        out = BytesIO()
        Image.fromarray(paper_of(plan).image(PICTURE_PX_PER_MM)).save(out, 'PNG', optimize=True)
        return out.getvalue()
    if form == 'pdf':
        return plan_to_pdf(plan)
    return (plan_to_svg(plan) if form == 'svg' else plan_to_json(plan)).encode()


def export_apart(plan: DrawingPlan, form: str) -> bytes:
    """As `export_plan`, for a process that has no compiled loops in memory and shall not get any.

    What needs them is made by another process, one at a time, whose memory is gone with it; that takes a second.
    """
    if form in LIGHT:
        return export_plan(plan, form)
    words = [sys.executable, '-P', '-m', 'sketch_robot.plotters.export', form]
    here = os.pathsep.join(filter(None, (str(Path(__file__).parents[2]), os.environ.get('PYTHONPATH'))))
    environment, data = {**os.environ, 'PYTHONPATH': here}, plan_to_json(plan).encode()
    try:
        with _apart:
            done = subprocess.run(words, input=data, env=environment, capture_output=True, timeout=APART_S, check=False)
    except subprocess.TimeoutExpired as error:
        raise SketchRobotError(ErrorCode.INTERNAL, f'the export as {form} took more than {APART_S:g} s') from error
    if done.returncode == 0:
        return done.stdout
    code, sign, message = done.stderr.decode(errors='replace').strip().rpartition('\n')[2].partition(': ')
    known = sign and code in ErrorCode.__members__
    raise SketchRobotError(ErrorCode[code] if known else ErrorCode.INTERNAL, message if known else 'the export failed')


def _program(plan: DrawingPlan, form: str, name: str) -> bytes:
    from sketch_robot.plotters.registry import NOWHERE, make_plotter

    machine = load_machine(name)
    if machine.driver not in DRIVERS[form]:
        raise SketchRobotError(
            ErrorCode.BAD_GOAL, f'the machine {name!r} does not speak {form}; its driver is {machine.driver!r}'
        )
    return b''.join(make_plotter(machine, NOWHERE).program(plan))


def plan_to_pdf(plan: DrawingPlan) -> bytes:
    """The PDF file; the same for the same plan."""
    width, height = (side * POINTS_PER_MM for side in (plan.page.width_mm, plan.page.height_mm))
    # 'cm' scales to millimetres; round caps and joins, as a pen leaves them.
    content = '\n'.join((f'{POINTS_PER_MM:.9f} 0 0 {POINTS_PER_MM:.9f} 0 0 cm', '1 J 1 j', *_lines(plan)))
    packed = zlib.compress(content.encode('ascii'), 9)
    objects = [
        b'<< /Type /Catalog /Pages 2 0 R >>',
        b'<< /Type /Pages /Kids [3 0 R] /Count 1 >>',
        f'<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {width:.4f} {height:.4f}] /Resources << >> /Contents 4 0 R >>'
        .encode('ascii'),
        b'<< /Length %d /Filter /FlateDecode >>\nstream\n%s\nendstream' % (len(packed), packed),
    ]  # fmt: skip
    out = bytearray(b'%PDF-1.4\n%\xe2\xe3\xcf\xd3\n')
    starts = []
    for number, body in enumerate(objects, 1):
        starts.append(len(out))
        out += b'%d 0 obj\n%s\nendobj\n' % (number, body)
    table = len(out)
    out += b'xref\n0 %d\n0000000000 65535 f \n' % (len(objects) + 1)
    out += b''.join(b'%010d 00000 n \n' % start for start in starts)
    out += b'trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n' % (len(objects) + 1, table)
    return bytes(out)


def _lines(plan: DrawingPlan) -> Iterator[str]:
    pens = {pen.name: pen for pen in plan.pens}
    colour = width = None
    for stroke in plan.strokes:
        pen = pens.get(stroke.pen)
        rgb, usual = (BLACK, plan.profile.pen_width_mm) if pen is None else (pen.rgb, pen.width_mm)
        if rgb != colour:
            colour = rgb
            yield '{:.4f} {:.4f} {:.4f} RG'.format(*(channel / 255.0 for channel in rgb))
        for line_width, path in _pieces(stroke, plan, usual):
            if line_width != width:
                width = line_width
                yield f'{line_width:.3f} w'
            yield path


def _pieces(stroke: Stroke, plan: DrawingPlan, usual_mm: float) -> Iterator[tuple[float, str]]:
    """Widths, and what is drawn with them: a whole stroke, or each of its segments where the pressure changes."""
    points = [f'{x:.4f} {y:.4f}' for x, y in stroke.xy.tolist()]
    points = points if len(points) > 1 else points * 2  # a dot is a line to where it is, with round caps
    widths = line_width_mm(stroke, plan.profile)
    if widths is None:
        yield usual_mm, f'{points[0]} m {" ".join(f"{point} l" for point in points[1:])} S'
        return
    for k in range(len(points) - 1):
        mean = float(widths[k] + widths[min(k + 1, len(widths) - 1)]) / 2.0
        yield round(mean, 3), f'{points[k]} m {points[k + 1]} l S'


def main() -> None:
    """Export the plan of the standard input, JSON, to the standard output, in the form that is named."""
    try:
        sys.stdout.buffer.write(export_plan(plan_from_json(sys.stdin.read()), sys.argv[1]))
    except SketchRobotError as error:
        sys.exit(str(error))


if __name__ == '__main__':
    main()
