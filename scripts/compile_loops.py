"""Compile the loops of a drawing once in this folder, so that no test that waits for a node waits for a compiler."""

from skimage import data

from sketch_robot.line_art.artist import ARTISTS
from sketch_robot.motion import parse_page
from sketch_robot.photo import Photo
from sketch_robot.pipeline import Pipeline
from sketch_robot.plotters.simulated import SimulatedPlotter

for name in ARTISTS:
    with Pipeline(name) as pipeline:
        plan = pipeline.draw(Photo(data.astronaut(), 'astronaut'), page=parse_page('A5')).plan
plotter = SimulatedPlotter(speedup=1e6)
plotter.connect()
plotter.draw(plan)
plotter.close()
