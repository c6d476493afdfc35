"""Manners of a pen that need no picture: photos redrawn by rule, as pairs to learn from.

Lines are the flow-based difference of Gaussians (Kang, Lee & Chui 2007). Screens turn tone into ink as engravers do
(Ostromoukhov 1999): a wave over the picture is ink where the photo is darker than it, so that lines and dots grow with
the dark. A manner is a few numbers; none looks at where in the picture it is, as the network cannot either.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from sketch_robot.line_art.filters import edge_tangent_flow, line_response, wide_blur

CALM_PX = 1.0  # sigma of the blur over the photo's grain
FLOW_PX, REACH_PX = 2.5, 4.0  # of the lines: the structure tensor, and the average along them
AROUND_PX = 16.0  # a line is measured by those around it
LINE_SHARE, FAINTEST, LINE_EDGE = 0.8, 0.006, 1.6
BESIDE_PX = 22.0  # what is around: the network sees as far
FLAT = 0.02  # a smaller deviation of a photo's grey is none to stretch
FINER = 2  # screens are drawn larger by this and averaged down, so that their edges are soft


Tone = Callable[[np.ndarray, np.random.Generator], np.ndarray]  # darkness to ink, (H, W) in [0, 1] both


@dataclass(frozen=True, eq=False)
class Drawn:
    """A photo redrawn.

    Attributes:
        picture: (H, W) float32 in [0, 1], 0 = ink, 1 = paper.
        lines: (H, W) float32 in [0, 1], 1 = where a line lies whose place the photo tells.
    """

    picture: np.ndarray
    lines: np.ndarray


@dataclass(frozen=True)
class PenManner:
    """A manner by rule.

    Attributes:
        line_px: sigma of its lines; 0: it has none.
        tone: from a photo's darkness (H, W) in [0, 1] and a generator to ink, (H, W) in [0, 1]; None: lines alone.
        placed: whether the photo tells where all of its ink is; else only how much, as with hatching.
    """

    line_px: float
    tone: Tone | None = None
    placed: bool = False

    def draw(self, rgb: np.ndarray, rng: np.random.Generator) -> Drawn:
        """Redraw a photo: (H, W, 3) uint8."""
        dark = darkness(rgb)
        lines = line_ink(dark, self.line_px) if self.line_px else np.zeros_like(dark)
        ink = lines if self.tone is None else np.maximum(lines, self.tone(dark, rng))
        return Drawn((1 - ink).astype(np.float32), lines)


def darkness(rgb: np.ndarray) -> np.ndarray:
    """How dark a photo is, (H, W) float32 in [0, 1]: in itself, among its greys, and beside what is around."""
    grey = cv2.GaussianBlur(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY).astype(np.float32) / 255, (0, 0), CALM_PX)
    low, high = np.percentile(grey, (2, 98))
    if high - low < FLAT:
        return np.asarray(1 - grey)
    stretched = np.clip((grey - low) / (high - low), 0, 1)
    mean = wide_blur(grey, BESIDE_PX)
    deviation = np.sqrt(np.maximum(wide_blur(grey * grey, BESIDE_PX) - mean * mean, 0))
    beside = np.clip(0.58 + (grey - mean) / (3.0 * deviation + 0.15), 0, 1)
    return np.asarray((1 - (0.2 * grey + 0.4 * stretched + 0.4 * beside)) ** 1.2, np.float32)


def line_ink(dark: np.ndarray, scale_px: float) -> np.ndarray:
    """Lines of a photo: (H, W) float32 in [0, 1], 1 = ink."""
    light = 1 - dark
    calm = cv2.GaussianBlur(light, (0, 0), 0.6 * scale_px)
    response = line_response(calm, edge_tangent_flow(calm, FLOW_PX), scale_px, REACH_PX, np.ones(dark.shape, bool))
    response = np.maximum(response, 0)
    around = np.sqrt(wide_blur(response * response, AROUND_PX))
    return np.asarray(_soft((response / (LINE_SHARE * around + FAINTEST) - 1) * LINE_EDGE + 0.5), np.float32)


# ----------------------------------------------------------------- screens
def _hatched(
    *families: tuple[float, float, float], pitch_px: float = 6.5, widest: float = 0.62, bend: float = 0.0
) -> Tone:
    """Lines in families: the angle in degrees, the darkness from which on it is drawn, and the one at which it is
    widest; `widest` of the pitch. With `bend` they wave."""

    def tone(dark: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        def family(fine: np.ndarray) -> np.ndarray:
            ink = np.zeros_like(fine)
            x, y = _grid(fine)
            for angle, first, full in families:
                turn = np.radians(angle)
                across = (y * np.cos(turn) - x * np.sin(turn)) / pitch_px
                along = (x * np.cos(turn) + y * np.sin(turn)) / pitch_px
                if bend:
                    phase = rng.random(2) * 2 * np.pi
                    wave = np.sin(0.9 * along + 0.25 * across + phase[0])
                    across = across + bend * (wave + 0.6 * np.sin(0.41 * along + phase[1]))
                away = np.abs(2 * np.mod(across + rng.random(), 1) - 1)  # 0 in the middle of a line, 1 between two
                share = np.clip((fine - first) / (full - first), 0, 1)
                width = np.where(fine > first, 0.26 + (widest - 0.26) * share, 0)
                ink = np.maximum(ink, _soft((width - away) * pitch_px * FINER / 2 + 0.5))
            return ink

        return _finer(dark, family)

    return tone


def _dots(pitch_px: float, angle: float) -> Tone:
    """Round dots in rows, that grow and join."""

    def tone(dark: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        def screen(fine: np.ndarray) -> np.ndarray:
            x, y = _grid(fine)
            turn = np.radians(angle)
            u = (x * np.cos(turn) + y * np.sin(turn)) / pitch_px + rng.random()
            v = (y * np.cos(turn) - x * np.sin(turn)) / pitch_px + rng.random()
            level = 0.5 - 0.25 * (np.cos(2 * np.pi * u) + np.cos(2 * np.pi * v))
            return _soft((np.clip(1.1 * fine - 0.08, 0, 0.93) - level) * pitch_px * FINER / 2 + 0.5)

        return _finer(dark, screen)

    return tone


def _stippled(pitch_px: float, radius_px: float) -> Tone:
    """Dots of one size, more of them in the dark: a jittered grid, each with the darkness from which on it is there."""

    def tone(dark: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        rows, columns = (int(side / pitch_px) + 2 for side in dark.shape)
        where = np.stack(np.meshgrid(np.arange(columns), np.arange(rows)), -1).reshape(-1, 2).astype(np.float64)
        where = (where + 0.72 * (rng.random(where.shape) - 0.5)) * pitch_px
        level = rng.permutation(len(where)) / len(where)
        inside = (where[:, 0] >= 0) & (where[:, 1] >= 0) & (where < dark.shape[::-1]).all(axis=1)
        where, level = where[inside], level[inside]
        there = dark[where[:, 1].astype(int), where[:, 0].astype(int)] * 1.35 - 0.14 > level
        ink = np.zeros((dark.shape[0] * 4, dark.shape[1] * 4), np.uint8)
        for x, y in where[there]:
            cv2.circle(ink, (round(64 * x), round(64 * y)), round(64 * radius_px), (255,), -1, cv2.LINE_AA, 4)
        return np.asarray(cv2.resize(ink, dark.shape[::-1], interpolation=cv2.INTER_AREA), np.float32) / 255

    return tone


def _engraved(pitch_px: float) -> Tone:
    """Lines along the form: a screen whose phase the tone bends."""

    def tone(dark: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        smooth = cv2.GaussianBlur(dark, (0, 0), 4.0)

        def screen(fine: np.ndarray) -> np.ndarray:
            _, y = _grid(fine)
            lifted = y / pitch_px + 1.6 * cv2.resize(smooth, fine.shape[::-1], interpolation=cv2.INTER_LINEAR)
            away = np.abs(2 * np.mod(lifted + rng.random(), 1) - 1)
            return _soft((np.clip(0.06 + 0.8 * fine, 0.1, 0.85) - away) * pitch_px * FINER / 2 + 0.5)

        return _finer(dark, screen)

    return tone


def _steps(*levels: float, greys: tuple[float, ...] = (1.0,), blur_px: float = 1.6) -> Tone:
    """Areas darker than a level, in one grey each."""

    def tone(dark: np.ndarray, rng: np.random.Generator) -> np.ndarray:  # noqa: ARG001
        calm = cv2.GaussianBlur(dark, (0, 0), blur_px)
        ink = np.zeros_like(dark)
        for level, grey in zip(levels, greys, strict=True):
            ink = np.maximum(ink, grey * _soft((calm - level) * 14 + 0.5))
        return ink

    return tone


def _isophotes(dark: np.ndarray, rng: np.random.Generator) -> np.ndarray:  # noqa: ARG001
    """Lines of equal tone."""
    calm = cv2.GaussianBlur(dark, (0, 0), 2.2)
    slope = np.hypot(cv2.Sobel(calm, cv2.CV_32F, 1, 0, scale=0.125), cv2.Sobel(calm, cv2.CV_32F, 0, 1, scale=0.125))
    ink = np.zeros_like(dark)
    for level in (0.25, 0.4, 0.55, 0.7, 0.85):
        away_px = np.abs(calm - level) / np.maximum(slope, 0.004)
        ink = np.maximum(ink, _soft(1.4 - away_px))
    return ink


def _grain(strength: float, lightest: float, angle: float | None, stretch: float) -> Tone:
    """Grey with the tooth of paper, in strokes of a direction when there is an angle."""

    def tone(dark: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        noise: np.ndarray = rng.standard_normal(dark.shape).astype(np.float32)
        if angle is not None:
            size = 15
            kernel = np.zeros((size, size), np.float32)
            turn, middle = np.radians(angle), size // 2
            reach = np.array([np.cos(turn), np.sin(turn)]) * stretch
            ends = [tuple(np.rint((middle + sign * reach) * 16).astype(int).tolist()) for sign in (-1, 1)]
            cv2.line(kernel, ends[0], ends[1], (1.0,), 1, cv2.LINE_8, 4)
            noise = cv2.filter2D(noise, -1, kernel / max(kernel.sum(), 1e-6), borderType=cv2.BORDER_REFLECT)
        noise = cv2.GaussianBlur(noise, (0, 0), 0.7)
        noise = noise / max(float(noise.std()), 1e-6)
        return np.clip(dark * (1 + strength * noise) - lightest, 0, 1).astype(np.float32)

    return tone


def _both(*parts: Tone) -> Tone:
    """One over the other."""

    def tone(dark: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        return np.asarray(np.maximum.reduce([part(dark, rng) for part in parts]))

    return tone


def _finer(dark: np.ndarray, screen: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    height, width = dark.shape
    fine = cv2.resize(dark, (width * FINER, height * FINER), interpolation=cv2.INTER_LINEAR)
    return np.asarray(cv2.resize(screen(fine), (width, height), interpolation=cv2.INTER_AREA), np.float32)


def _grid(fine: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """x and y of a finer picture's pixels, in pixels of the picture itself."""
    rows, columns = (np.arange(side, dtype=np.float32) / FINER for side in fine.shape)
    return columns[None, :], rows[:, None]


def _soft(x: np.ndarray) -> np.ndarray:
    return np.clip(x, 0, 1)


_FIRST, _SECOND, _THIRD, _FOURTH = 0.33, 0.5, 0.66, 0.8  # darkness from which on families of hatching are drawn
FINE, LINE, BOLD = 0.8, 1.2, 1.9  # sigma of lines, px

PEN_MANNERS: dict[str, PenManner] = {
    'contour_fine': PenManner(FINE, placed=True),
    'contour': PenManner(LINE, placed=True),
    'contour_bold': PenManner(BOLD, placed=True),
    'hatch_45': PenManner(LINE, _hatched((-45, _FIRST, 1))),
    'hatch_135': PenManner(LINE, _hatched((45, _FIRST, 1))),
    'hatch_h': PenManner(LINE, _hatched((0, _FIRST, 1))),
    'hatch_v': PenManner(LINE, _hatched((90, _FIRST, 1))),
    'cross_2': PenManner(LINE, _hatched((-45, _FIRST, 1.2), (45, _THIRD, 1.2), widest=0.5)),
    'cross_3': PenManner(LINE, _hatched((-45, _FIRST, 1.2), (45, _SECOND, 1.2), (0, 0.72, 1.2), widest=0.5)),
    'cross_4': PenManner(
        LINE, _hatched((0, _FIRST, 1.2), (90, _SECOND, 1.2), (45, _THIRD, 1.2), (-45, _FOURTH, 1.2), widest=0.45)
    ),
    'wobble': PenManner(LINE, _hatched((-20, _FIRST, 1), bend=0.3)),
    'wobble_cross': PenManner(LINE, _hatched((-30, _FIRST, 1.2), (50, 0.58, 1.2), widest=0.5, bend=0.25)),
    'stipple_fine': PenManner(FINE, _stippled(3.6, 0.85)),
    'stipple': PenManner(LINE, _stippled(5.0, 1.2)),
    'stipple_coarse': PenManner(LINE, _stippled(7.5, 1.9)),
    'halftone_45': PenManner(0, _dots(6.5, 45)),
    'halftone_0': PenManner(0, _dots(7.5, 0)),
    'engrave_wave': PenManner(FINE, _engraved(6.0)),
    'isophote': PenManner(FINE, _isophotes, placed=True),
    'woodcut': PenManner(BOLD, _steps(0.56), placed=True),
    'woodcut_hatch': PenManner(BOLD, _both(_steps(0.78), _hatched((-45, 0.45, 0.9), pitch_px=7.5, widest=0.75))),
    'pencil_soft': PenManner(FINE, _grain(0.35, 0.25, -50, 5.0)),
    'charcoal': PenManner(BOLD, _grain(0.3, 0.1, None, 0.0)),
    'ink_wash': PenManner(LINE, _steps(0.4, 0.62, 0.82, greys=(0.25, 0.5, 0.8), blur_px=2.5), placed=True),
}
FOR_SCREENS = ('pencil_soft', 'charcoal', 'ink_wash')  # greys, which no pen draws
