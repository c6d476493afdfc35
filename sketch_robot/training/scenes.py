"""Pictures to learn from, one at a time: a sitter moved and mirrored, before another background, or no face at all.

The target of a sitter before a new background is the sitter's ink alone: that teaches the net to leave backgrounds out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np

from sketch_robot.photo.sitter import CROP_PX
from sketch_robot.training.portraits import Example

MATTE_SOFTNESS_PX = 1.5
BACKGROUND_TRIES = 8
LEAST_BACKGROUND_PX = 96
LINE_PX = 2.5  # of shapes' outlines, at 512 px


class Scene(NamedTuple):
    """A picture to learn from.

    Attributes:
        rgb: (H, W, 3) uint8.
        ink: (H, W) uint8, 255 = ink.
    """

    rgb: np.ndarray
    ink: np.ndarray


@dataclass(frozen=True)
class SceneOptions:
    """How pictures are varied; probabilities are for each picture.

    Attributes:
        mirror: probability.
        rotation_degrees, scale, shift: largest change either way; scale and shift as a share of the side.
        background: probability of another background behind a sitter with a matte.
        no_face: probability of a picture of shapes with their outlines as drawing.
    """

    mirror: float = 0.5
    rotation_degrees: float = 8.0
    scale: float = 0.12
    shift: float = 0.05
    background: float = 0.5
    no_face: float = 0.03


PLAIN = SceneOptions(mirror=0, rotation_degrees=0, scale=0, shift=0, background=0, no_face=0)


def random_transform(options: SceneOptions, size_px: int, rng: np.random.Generator) -> np.ndarray:
    """A similarity, perhaps mirrored, from a crop scaled to (size_px, size_px) to the picture: (2, 3) float64."""
    angle = np.radians(options.rotation_degrees) * rng.uniform(-1, 1)
    scale = np.exp(np.log1p(options.scale) * rng.uniform(-1, 1))
    shift = options.shift * size_px * rng.uniform(-1, 1, 2)
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    if rng.random() < options.mirror:
        turn = turn @ np.diag([-1.0, 1.0])
    centre = np.full(2, (size_px - 1) / 2)
    return np.column_stack((turn, centre - turn @ centre + shift))


def compose_scene(
    example: Example, other: Example, size_px: int, options: SceneOptions, rng: np.random.Generator
) -> Scene:
    """One picture and its ink.

    Args:
        example: what is to be drawn.
        other: another head, whose background may be used.
        size_px: side of the result.
    """
    if rng.random() < options.no_face:
        return Scene(*random_shapes(size_px, LINE_PX * size_px / CROP_PX, rng))
    rgb, ink = example.rgb, example.ink
    if rng.random() < options.background:
        rgb = _blend(rgb, random_background(other, rng), cv2.GaussianBlur(example.matte, (0, 0), MATTE_SOFTNESS_PX))
    if size_px != CROP_PX:
        rgb, ink = (cv2.resize(x, (size_px, size_px), interpolation=cv2.INTER_AREA) for x in (rgb, ink))
    move = random_transform(options, size_px, rng)
    rgb = cv2.warpAffine(rgb, move, (size_px, size_px), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return Scene(rgb, cv2.warpAffine(ink, move, (size_px, size_px), flags=cv2.INTER_LINEAR))


def random_background(other: Example, rng: np.random.Generator) -> np.ndarray:
    """A piece of another picture's background, clouds, a gradient, or stripes: (512, 512, 3) uint8."""
    kind = rng.random()
    if kind < 0.55:
        piece = _background_piece(other.rgb, other.matte, rng)
        if piece is not None:
            return piece
    if kind < 0.8:
        return _clouds(rng)
    return _stripes(rng)


def random_shapes(size_px: int, width_px: float, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Flat shapes over each other and their visible outlines: pictures without a face."""
    rgb = cv2.resize(_clouds(rng), (size_px, size_px))
    ink = np.zeros((size_px, size_px), np.uint8)
    for _ in range(rng.integers(3, 9)):
        centre, radius = rng.uniform(0.1, 0.9, 2) * size_px, rng.uniform(0.06, 0.3) * size_px
        if rng.random() < 0.5:
            axes = (int(radius), int(radius * rng.uniform(0.4, 1)))
            angle = int(rng.integers(180))
            outline = np.array(cv2.ellipse2Poly((int(centre[0]), int(centre[1])), axes, angle, 0, 360, 6), np.int32)
        else:
            angles = np.sort(rng.uniform(0, 2 * np.pi, rng.integers(3, 8)))
            outline = (centre + radius * np.column_stack((np.cos(angles), np.sin(angles)))).astype(np.int32)
        cv2.fillPoly(rgb, [outline], rng.integers(0, 256, 3).tolist(), cv2.LINE_AA)
        cv2.fillPoly(ink, [outline], (0,))
        cv2.polylines(ink, [outline], True, (255,), max(1, round(width_px)), cv2.LINE_AA)
    return rgb, ink


def _blend(front: np.ndarray, back: np.ndarray, matte: np.ndarray) -> np.ndarray:
    alpha = matte[..., None].astype(np.float32) / 255
    return np.asarray(back + alpha * (front.astype(np.float32) - back), np.uint8)


def _background_piece(crop: np.ndarray, matte: np.ndarray, rng: np.random.Generator) -> np.ndarray | None:
    """The first random window that shows nobody, enlarged to the whole picture; None when there is none."""
    area = cv2.integral(matte)
    for _ in range(BACKGROUND_TRIES):
        side = int(rng.integers(LEAST_BACKGROUND_PX, CROP_PX // 2))
        x, y = rng.integers(0, CROP_PX - side, 2)
        inside = area[y + side, x + side] - area[y, x + side] - area[y + side, x] + area[y, x]
        if inside < 0.02 * 255 * side * side:
            return cv2.resize(crop[y : y + side, x : x + side], (CROP_PX, CROP_PX), interpolation=cv2.INTER_LINEAR)
    return None


def _clouds(rng: np.random.Generator) -> np.ndarray:
    """Noise of several scales around two random colours."""
    mix = np.zeros((CROP_PX, CROP_PX), np.float32)
    for cells in 2 ** np.arange(1, rng.integers(3, 8)):
        noise = rng.random((cells + 1, cells + 1), np.float32)
        mix += cv2.resize(noise, (CROP_PX, CROP_PX), interpolation=cv2.INTER_CUBIC) / cells ** rng.uniform(0.2, 0.9)
    mix = (mix - mix.min()) / max(1e-6, float(np.ptp(mix)))
    first, second = rng.integers(0, 256, (2, 3)).astype(np.float32)
    return np.asarray(first + mix[..., None] * (second - first), np.uint8)


def _stripes(rng: np.random.Generator) -> np.ndarray:
    """Stripes, checks or a gradient in two random colours, softened a little."""
    angle, period = rng.uniform(0, np.pi), rng.uniform(20, 900)
    y, x = np.mgrid[:CROP_PX, :CROP_PX].astype(np.float32)
    wave = np.sin(2 * np.pi * (x * np.cos(angle) + y * np.sin(angle)) / period)
    if rng.random() < 0.3:
        wave = wave * np.sin(2 * np.pi * (y * np.cos(angle) - x * np.sin(angle)) / period)
    mix = np.clip(0.5 + wave * rng.uniform(0.5, 6), 0, 1).astype(np.float32)
    mix = cv2.GaussianBlur(mix, (0, 0), rng.uniform(0.6, 4))
    first, second = rng.integers(0, 256, (2, 3)).astype(np.float32)
    return np.asarray(first + mix[..., None] * (second - first), np.uint8)
