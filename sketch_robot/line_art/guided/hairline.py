"""The hairline: where bare skin ends above the brows.

Seen from between the eyes it is one distance for each direction, so it is the cheapest path in polar coordinates, found
by dynamic programming. Evidence is a step from the face's skin colour to another, helped by a step in lightness.
"""

from __future__ import annotations

import cv2
import numpy as np

from sketch_robot.line_art.guided import mesh
from sketch_robot.line_art.guided.curve import at, runs, sample, smooth, to_pixels
from sketch_robot.line_art.guided.face import Face
from sketch_robot.line_art.guided.sheet import Sheet
from sketch_robot.line_art.guided.snap import cheapest_path
from sketch_robot.line_art.guided.tone import Tone

REACH_DEGREES = 95.0  # to either side of straight up
DIRECTIONS = 96
NEAREST, FARTHEST = 0.2, 0.62  # in face heights from between the eyes
STEP_PX = 6  # skin within so many pixels is compared with what lies as far beyond
SURE = 0.3  # mean of the two steps' evidence
BARE = 0.7  # probability of skin beyond the line from which there is no hair
INSIDE_PX = 8  # closer to the outline, the outline is drawn instead


def draw_hairline(sheet: Sheet, tone: Tone, face: Face, matte: np.ndarray) -> None:
    """Draw the parts of the hairline that show."""
    if face.in_profile:
        return
    tall = 300 * face.unit
    centre = face.points[[mesh.EYES[side].upper[-1] for side in mesh.SIDES]].mean(axis=0)
    angle = np.radians(np.linspace(-REACH_DEGREES, REACH_DEGREES, DIRECTIONS))
    ray = np.sin(angle)[:, None] * face.right - np.cos(angle)[:, None] * face.down
    radius = np.arange(NEAREST * tall, FARTHEST * tall)
    place = centre + ray[:, None] * radius[None, :, None]
    skin = np.asarray(cv2.blur(sample(tone.skin, place), (STEP_PX, 3)), np.float64)
    light = np.asarray(cv2.blur(sample(tone.light, place), (STEP_PX, 3)), np.float64)
    edge = np.zeros_like(skin)
    half = STEP_PX // 2
    inner, outer = np.s_[:, : -2 * half], np.s_[:, 2 * half :]
    contrast = np.abs(light[inner] - light[outer]) / (sample(tone.spread, place)[:, half:-half] + 0.03)
    edge[:, half:-half] = 0.6 * np.clip(skin[inner] - skin[outer], 0, 1) + 0.4 * np.clip(contrast, 0, 1)
    size = 2 * INSIDE_PX + 1
    person = cv2.erode((matte > 0.5).astype(np.uint8), np.ones((size, size), np.uint8)) > 0
    allowed = person & ~sheet.taken
    flat = place.reshape(-1, 2)
    edge *= at(allowed, flat).reshape(edge.shape)
    path = cheapest_path(-edge, 0.02)
    evidence = smooth(edge[np.arange(DIRECTIONS), path], 1.5)
    xy = smooth(centre + ray * smooth(radius[path], 1.5)[:, None], 1.0)
    beyond = smooth(sample(tone.skin, xy + STEP_PX * ray), 1.5)
    for run in runs((evidence > SURE) & ~_on(sheet, 'jaw', xy), gap=4, shortest=9):
        if beyond[run].mean() < BARE:  # a furrow has skin on both sides
            sheet.draw(xy[run], 'hair', 0.78)


def _on(sheet: Sheet, label: str, xy: np.ndarray) -> np.ndarray:
    """(N,) bool, whether points lie on strokes of a label."""
    taken = np.zeros(sheet.shape, np.uint8)
    for stroke in sheet.strokes:
        if stroke.label == label:
            cv2.polylines(taken, [to_pixels(stroke.xy)], False, (1,), 15)
    return at(taken, xy) > 0
