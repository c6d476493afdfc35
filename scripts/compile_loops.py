"""Compile the loops of a drawing once, so that nobody who waits for a node waits for a compiler.

python -m scripts.compile_loops                  those of this folder, for tests
python -P scripts/compile_loops.py student       those of the installed package, as one artist needs them
"""

import sys

from skimage import data

from sketch_robot.line_art.artist import ARTISTS
from sketch_robot.motion import parse_page
from sketch_robot.photo import Photo
from sketch_robot.pipeline import Pipeline
from sketch_robot.plotters import SimulatedPlotter, SimulationOptions
from sketch_robot.strokes.shading import shaded
from sketch_robot.wishes import Shading

SHADED: tuple[Shading, ...] = ('stipple', 'scribble')  # which have loops of their own; with a wide pen, soon done

for name in sys.argv[1:] or ARTISTS:
    with Pipeline(name) as pipeline:
        drawn = pipeline.draw(Photo(data.astronaut(), 'astronaut'), page=parse_page('A5'))
for manner in SHADED:
    shaded((), drawn.sitter, manner, 4.0)
plotter = SimulatedPlotter(SimulationOptions(speedup=1e6))
plotter.connect()
plotter.draw(drawn.plan)
plotter.close()
