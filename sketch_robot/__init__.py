"""Draw a person's portrait with a pen, in a few clean lines.

>>> from sketch_robot import draw_photo, make_plotter
>>> drawing = draw_photo('face.jpg', page='A5', time_budget_s=90.0)
>>> with make_plotter('axidraw') as plotter:
...     plotter.draw(drawing.plan)
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from sketch_robot.loops_cache import ensure_loops_cache

__version__ = '0.1.0'

if TYPE_CHECKING:
    from sketch_robot.errors import ErrorCode, SketchRobotError
    from sketch_robot.line_art.artist import Artist, make_artist
    from sketch_robot.motion import DrawingPlan, MachineLimits, Page, load_machine, load_plan, parse_page, save_plan
    from sketch_robot.photo import Photo, load_photo
    from sketch_robot.pipeline import Pipeline, PipelineResult, draw_photo
    from sketch_robot.plotters import Plotter, make_plotter
    from sketch_robot.stroke import Stroke

_HOMES = {  # imported when asked for: `import sketch_robot` costs nothing
    'errors': ('ErrorCode', 'SketchRobotError'),
    'line_art.artist': ('Artist', 'make_artist'),
    'motion': ('DrawingPlan', 'MachineLimits', 'Page', 'load_machine', 'load_plan', 'parse_page', 'save_plan'),
    'photo': ('Photo', 'load_photo'),
    'pipeline': ('Pipeline', 'PipelineResult', 'draw_photo'),
    'plotters': ('Plotter', 'make_plotter'),
    'stroke': ('Stroke',),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    'Artist',
    'DrawingPlan',
    'ErrorCode',
    'MachineLimits',
    'Page',
    'Photo',
    'Pipeline',
    'PipelineResult',
    'Plotter',
    'SketchRobotError',
    'Stroke',
    'draw_photo',
    'load_machine',
    'load_photo',
    'load_plan',
    'make_artist',
    'make_plotter',
    'parse_page',
    'save_plan',
]


ensure_loops_cache()  # before any module of a room imports numba


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
    return getattr(import_module(f'{__name__}.{_HOME_OF[name]}'), name)


def __dir__() -> list[str]:
    return [*__all__, '__version__']
