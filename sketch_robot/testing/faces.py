"""A face that nobody has: painted, so that tests and recordings need no person.

Simple shapes with soft shading; face detectors find it and draw its landmarks where they are.
"""

from __future__ import annotations

import math

import cv2
import numpy as np

SUPER = 2  # painted so many times larger, then shrunk: smooth edges
SKIN, SHADE, LIGHT = (224, 178, 150), (178, 124, 98), (244, 208, 184)
HAIR, IRIS, LIP, SHIRT = (62, 42, 32), (70, 96, 120), (176, 84, 84), (52, 84, 128)


def synthetic_face(
    width: int = 640,
    height: int = 480,
    *,
    centre: tuple[float, float] = (0.5, 0.5),
    size: float = 0.5,
    tilt_deg: float = 0.0,
    smile: float = 0.3,
    eyes_open: float = 1.0,
) -> np.ndarray:
    """Paint a head and shoulders.

    Args:
        width, height: of the picture, pixels.
        centre: of the face, as parts of width and height.
        size: of the face from chin to hairline, as a part of the height.
        tilt_deg: of the head, clockwise.
        smile: 0 ... 1.
        eyes_open: 0 (shut) ... 1.

    Returns:
        (height, width, 3) uint8 RGB; the same for the same arguments.
    """
    canvas = _Canvas(width, height, centre, size, tilt_deg)
    canvas.ellipse((0.0, 1.35), (1.15, 0.62), SHIRT)
    canvas.polygon([(-0.2, 0.3), (0.2, 0.3), (0.26, 0.86), (0.0, 0.98), (-0.26, 0.86)], SHADE)
    canvas.ellipse((0.0, -0.12), (0.47, 0.58), HAIR)
    for side in (-1.0, 1.0):
        canvas.ellipse((side * 0.385, 0.02), (0.06, 0.12), SHADE)
    canvas.ellipse((0.0, 0.0), (0.375, 0.5), SKIN, clips=True)
    canvas.glow((-0.08, -0.1), 0.3, LIGHT, 0.75)
    canvas.glow((0.34, 0.12), 0.2, SHADE, 0.6)
    canvas.glow((-0.36, 0.2), 0.15, SHADE, 0.45)
    canvas.glow((0.0, 0.5), 0.16, SHADE, 0.6)
    canvas.polygon(
        [(-0.4, 0.0), (-0.36, -0.2), (-0.2, -0.33), (0.06, -0.3), (0.3, -0.24), (0.37, -0.02), (0.44, -0.1),
         (0.4, -0.4), (0.18, -0.62), (-0.2, -0.62), (-0.42, -0.38)],
        HAIR,
    )  # fmt: skip
    for side in (-1.0, 1.0):
        _eye(canvas, side * 0.155, eyes_open)
    canvas.glow((0.03, 0.07), 0.07, SHADE, 0.6)
    canvas.glow((-0.01, 0.1), 0.05, LIGHT, 0.9)
    canvas.line([(-0.055, 0.125), (-0.03, 0.15), (0.0, 0.145), (0.03, 0.15), (0.055, 0.125)], 0.014, SHADE)
    for side in (-1.0, 1.0):
        canvas.ellipse((side * 0.028, 0.142), (0.014, 0.008), (110, 66, 56))
    _mouth(canvas, smile)
    return canvas.picture()


def _eye(canvas: _Canvas, x: float, is_open: float) -> None:
    canvas.glow((x, -0.03), 0.09, SHADE, 0.55)
    lid = 0.036 * max(is_open, 0.06)
    canvas.ellipse((x, -0.03), (0.068, lid), (240, 236, 232))
    if is_open > 0.3:
        canvas.ellipse((x, -0.03), (0.033, min(0.033, lid)), IRIS)
        canvas.ellipse((x, -0.03), (0.016, min(0.016, lid)), (16, 12, 12))
        canvas.ellipse((x - 0.012, -0.042), (0.006, 0.006), (255, 255, 255))
    arc = [(x + 0.07 * u, -0.03 - lid * math.sqrt(max(0.0, 1.0 - u * u))) for u in np.linspace(-1.0, 1.0, 15)]
    canvas.line(arc, 0.013, (60, 36, 30))
    brow = [(x + 0.085 * u, -0.112 - 0.018 * (1.0 - u * u)) for u in np.linspace(-1.0, 1.0, 9)]
    canvas.line(brow, 0.022, HAIR)


def _mouth(canvas: _Canvas, smile: float) -> None:
    us = np.linspace(-1.0, 1.0, 21)
    line = [(0.115 * u, 0.262 - 0.03 * smile * u * u) for u in us]
    upper = [(0.115 * u, 0.262 - 0.03 * smile * u * u - 0.026 * (1.0 - u * u) * (0.75 + 0.25 * abs(u))) for u in us]
    lower = [(0.115 * u, 0.262 - 0.03 * smile * u * u + 0.042 * (1.0 - u * u)) for u in us]
    canvas.polygon([*upper, *reversed(lower)], LIP)
    canvas.line(line, 0.008, (104, 44, 44))
    canvas.glow((0.0, 0.335), 0.05, SHADE, 0.5)


class _Canvas:
    """Shapes in the face's frame: origin in its middle, x right, y down, 1 = chin to hairline."""

    def __init__(self, width: int, height: int, centre: tuple[float, float], size: float, tilt_deg: float) -> None:
        self._size = (width, height)
        unit = size * height * SUPER
        angle = math.radians(tilt_deg)
        self._turn = unit * np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
        self._unit, self._tilt_deg = unit, tilt_deg
        self._origin = np.array([centre[0] * width, centre[1] * height]) * SUPER
        rows = np.linspace(200.0, 150.0, height * SUPER)[:, None, None] + np.array([0.0, 6.0, 14.0])
        self._rgb = np.ascontiguousarray(np.broadcast_to(rows, (height * SUPER, width * SUPER, 3)), dtype=np.uint8)
        self._inside = np.zeros(self._rgb.shape[:2], np.uint8)

    def _px(self, points: object) -> np.ndarray:
        return np.round(np.asarray(points, float) @ self._turn.T + self._origin).astype(np.int32)

    def ellipse(
        self,
        centre: tuple[float, float],
        radii: tuple[float, float],
        colour: tuple[int, int, int],
        *,
        clips: bool = False,
    ) -> None:
        """Fill an ellipse; with `clips` later glows stay inside it."""
        x, y = self._px([centre])[0]
        axes = (max(1, round(radii[0] * self._unit)), max(1, round(radii[1] * self._unit)))
        cv2.ellipse(self._rgb, (int(x), int(y)), axes, self._tilt_deg, 0.0, 360.0, colour, -1, cv2.LINE_AA)
        if clips:
            cv2.ellipse(self._inside, (int(x), int(y)), axes, self._tilt_deg, 0.0, 360.0, (255,), -1)

    def polygon(self, points: list[tuple[float, float]], colour: tuple[int, int, int]) -> None:
        cv2.fillPoly(self._rgb, [self._px(points)], colour, cv2.LINE_AA)

    def line(self, points: list[tuple[float, float]], thickness: float, colour: tuple[int, int, int]) -> None:
        width = max(1, round(thickness * self._unit))
        cv2.polylines(self._rgb, [self._px(points)], False, colour, width, cv2.LINE_AA)

    def glow(self, centre: tuple[float, float], radius: float, colour: tuple[int, int, int], strength: float) -> None:
        """Blend a colour in, strongest at the centre."""
        x, y = self._px([centre])[0]
        reach = round(2.5 * radius * self._unit)
        height, width = self._rgb.shape[:2]
        left, right, top, bottom = max(0, x - reach), min(width, x + reach), max(0, y - reach), min(height, y + reach)
        if left >= right or top >= bottom:
            return
        columns, rows = np.meshgrid(np.arange(left, right) - x, np.arange(top, bottom) - y)
        weight = strength * np.exp(-(columns**2 + rows**2) / (2.0 * (radius * self._unit) ** 2))
        weight = (weight * (self._inside[top:bottom, left:right] > 0))[..., None]
        part = self._rgb[top:bottom, left:right]
        part[:] = np.round(part * (1.0 - weight) + np.array(colour) * weight).astype(np.uint8)

    def picture(self) -> np.ndarray:
        soft = cv2.GaussianBlur(self._rgb, (0, 0), 0.004 * self._unit + 0.5)
        return cv2.resize(soft, self._size, interpolation=cv2.INTER_AREA)


def moving_face(t_s: float, width: int = 640, height: int = 480) -> np.ndarray:
    """The face as it sways, smiles and blinks: a picture for each time.

    Args:
        t_s: seconds; the movement repeats after 8 s.
        width, height: pixels.

    Returns:
        (height, width, 3) uint8 RGB.
    """
    phase = 2.0 * math.pi * t_s / 8.0
    blinks = (t_s % 4.0) > 3.85
    return synthetic_face(
        width,
        height,
        centre=(0.5 + 0.06 * math.sin(phase), 0.5 + 0.02 * math.sin(2.0 * phase)),
        size=0.5 + 0.04 * math.cos(phase),
        tilt_deg=6.0 * math.sin(phase),
        smile=0.5 + 0.5 * math.sin(2.0 * phase),
        eyes_open=0.05 if blinks else 1.0,
    )
