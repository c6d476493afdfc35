"""Sitters in other poses: seconds of each part, size of the generator, and how sure a detector is of what it draws."""

from __future__ import annotations

import os
from collections.abc import Iterator
from importlib.resources import as_file, files
from pathlib import Path

import numpy as np

from bench.registry import Figure, bench, median_s
from sketch_robot.line_art.art import LineArt
from sketch_robot.photo import Photo, SitterFinder
from sketch_robot.photo.body import BodyFinder
from sketch_robot.poses.drawing import FigureArtist, full_length_art
from sketch_robot.poses.framing import find_sitter, frame_sitter, scaled, shrunk
from sketch_robot.poses.named import NAMES
from sketch_robot.poses.runtime import WEIGHTS_NAME, WEIGHTS_PACKAGE, PosePainter
from sketch_robot.poses.wish import PoseWish
from sketch_robot.testing.people import synthetic_person

PEOPLE = 'POSE_PEOPLE'  # a folder as `sketch-robot train-pose` takes it, to draw people that were not trained on
JUDGED, JUDGED_QUICK = 126, 12


@bench('poses', 'sitters in other poses: time, size, and on people not trained on')
def poses(quick: bool) -> Iterator[Figure]:
    """Seconds, megabytes, sureness."""
    times = 3 if quick else 11
    rgb, _, _ = synthetic_person()
    finder, painter, artist = BodyFinder(), PosePainter(), FigureArtist()
    body = find_sitter(rgb, finder)
    yield Figure('find a body, its joints and matte in 960 x 640', median_s(lambda: finder.find(rgb), times), 's')
    frame = frame_sitter(rgb, body)
    small = shrunk(frame.rgba, painter.height_px)
    pose = scaled(frame.pose, painter.height_px / len(frame.rgba))
    yield Figure('the generator', median_s(lambda: painter.paint(small, pose, pose), times), 's', at_most=0.3)
    yield Figure('a whole figure in a pose', median_s(lambda: artist.draw(rgb, PoseWish('dancer')), times), 's')
    figure = artist.draw(rgb, PoseWish('dancer'))
    with SitterFinder() as seen:
        sitter = seen.find(Photo(rgb, 'painted'))
    art = LineArt(np.zeros((512, 512), np.float32), 'student')
    yield Figure('set the head on', median_s(lambda: full_length_art(art, (), sitter, figure), times), 's')
    with as_file(files(WEIGHTS_PACKAGE)) as folder:
        yield Figure('the generator shipped', (folder / WEIGHTS_NAME).stat().st_size / 1e6, 'MB', at_most=8.0)
    sure = [finder.sureness(figure_of(artist, rgb, name)) for name in (NAMES[:3] if quick else NAMES)]
    yield Figure('a painted person in all poses: a body is found, mean', float(np.mean(sure)), '')
    if PEOPLE in os.environ:
        yield from _judged(Path(os.environ[PEOPLE]), painter, JUDGED_QUICK if quick else JUDGED)


def figure_of(artist: FigureArtist, rgb: np.ndarray, name: str) -> np.ndarray:
    """A figure over grey: (H, W, 3) uint8."""
    return np.ascontiguousarray(artist.draw(rgb, PoseWish(name)).rgba[..., :3])


def _judged(folder: Path, painter: PosePainter, count: int) -> Iterator[Figure]:
    from sketch_robot.poses.experiment import score_drawn
    from sketch_robot.poses.pairs import PosePairs, load_pictures

    pictures = load_pictures(folder, 'test', height_px=painter.height_px)
    rows = PosePairs(pictures, vary=False).fixed(count)
    drawn = np.stack([painter.paint(pictures.rgba[a], pictures.poses[a], pictures.poses[b]) for a, b in rows])
    scores = score_drawn(drawn, pictures, rows)
    for name, value in (
        ('SSIM', scores.ssim), ('mask-SSIM', scores.mask_ssim), ('detection', scores.detection),
        ('matte, intersection over union', scores.matte_iou),
    ):  # fmt: skip
        yield Figure(f'{scores.pairs} pairs of people not trained on: {name}', value, '')
