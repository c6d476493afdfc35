"""Eyes and brows."""

from __future__ import annotations

import numpy as np

from sketch_robot.line_art.guided import mesh
from sketch_robot.line_art.guided.curve import at_fraction, normals, resample, runs, sample, smooth, through
from sketch_robot.line_art.guided.face import Face
from sketch_robot.line_art.guided.sheet import Sheet
from sketch_robot.line_art.guided.snap import snap
from sketch_robot.line_art.guided.tone import Tone

SMALLEST_PX = 14.0  # a narrower eye has no parts to tell apart
CLOSED = 0.07  # opening over width below which no iris shows
SLANT = 1.6  # of a brow's hairs, in distances to the next
FAIREST_BROW = 0.08  # darkness below which a brow is left open
PUPIL = 0.5  # of the iris' radius: a wider one stares
IRIS_PITCH_PX = 2.6  # between the turns that shade a pupil: the lines of 2 px just leave light between them


def draw_eye(sheet: Sheet, tone: Tone, face: Face, side: mesh.Side) -> None:
    """Lids, the iris with its pupil in one stroke, and the crease where the picture shows one."""
    table, points = mesh.EYES[side], face.points
    width = face.eye_width(side)
    if width < SMALLEST_PX:
        return
    upper = snap(
        tone.light, tone.spread, through(points[table.upper]), max(2, int(0.09 * width)), 'dark', pin_ends=True
    ).xy
    lower = snap(
        tone.light, tone.spread, through(points[table.lower]), max(2, int(0.06 * width)), 'dark', loyalty=1.0,
        pin_ends=True,
    ).xy  # fmt: skip
    lash = upper[0] + 0.5 * (upper[0] - upper[min(3, len(upper) - 1)])
    sheet.draw(np.vstack([lash, upper]), 'eye', 1.0)
    sheet.take(np.vstack([upper, lower[::-1]]), max(2, 0.16 * width))
    opening = float(np.hypot(*(points[table.upper[4]] - points[table.lower[4]]))) / width
    if opening > CLOSED:
        whole = width > 30
        sheet.draw(at_fraction(lower, np.linspace(0.0 if whole else 0.1, 0.9 if whole else 0.75, 16)), 'eye', 0.9)
        sheet.draw(_iris(tone.light, face, table, upper, lower), 'eye', 0.98)
    crease = snap(tone.light, tone.spread, through(points[table.crease]), max(2, int(0.1 * width)), 'dark')
    for run in runs(crease.evidence > 0.45, gap=6, shortest=max(4, int(0.2 * width))):
        sheet.draw(crease.xy[run], 'eye', 0.6)


def _iris(light: np.ndarray, face: Face, table: mesh.EyeTable, upper: np.ndarray, lower: np.ndarray) -> np.ndarray:
    """The iris' rim, then a spiral that shades the pupil, held between the lids: one stroke (N, 2)."""
    rim = face.points[table.iris + 1 : table.iris + 5]
    radius = float(np.hypot(*(rim - face.points[table.iris]).T).mean())
    centre = _darkest(light, face.points[table.iris], radius)
    turn = np.linspace(-0.5 * np.pi, 1.5 * np.pi, 48)
    ring = radius * np.stack([np.cos(turn), np.sin(turn)], axis=1)
    inner = PUPIL * radius
    turns = max(1.0, inner / IRIS_PITCH_PX)
    turn = 1.5 * np.pi + np.linspace(0.35 * np.pi, 2 * np.pi * turns, max(8, int(24 * turns)))
    spiral = np.linspace(inner, 0.5, len(turn))[:, None] * np.stack([np.cos(turn), np.sin(turn)], axis=1)
    xy = centre + np.vstack([ring, spiral]) @ np.stack([face.right, face.down])
    return resample(_between(xy, upper, lower, face), 1.0)


def _darkest(light: np.ndarray, centre: np.ndarray, radius: float) -> np.ndarray:
    """The point within two pixels around which the picture is darkest."""
    shift = np.array([(x, y) for y in (-1.0, 0.0, 1.0) for x in (-2.0, -1.0, 0.0, 1.0, 2.0)])
    turn = np.arange(0, 2 * np.pi, 0.5)
    disc = 0.5 * radius * np.stack([np.cos(turn), np.sin(turn)], axis=1)
    darkness = sample(light, centre + shift[:, None] + disc[None]).mean(axis=1) + 0.003 * np.hypot(*shift.T)
    return centre + shift[int(np.argmin(darkness))]


def _between(xy: np.ndarray, upper: np.ndarray, lower: np.ndarray, face: Face) -> np.ndarray:
    """Points moved along the head's axis to lie between the lids."""
    x, y = face.across(xy), face.height(xy)
    top, bottom = (
        np.interp(x, face.across(lid)[order], face.height(lid)[order])
        for lid, order in ((lid, np.argsort(face.across(lid), kind='stable')) for lid in (upper, lower))
    )
    y = np.clip(y, np.minimum(top, bottom), np.maximum(top, bottom))
    return x[:, None] * face.right + y[:, None] * face.down


def draw_brows(sheet: Sheet, tone: Tone, face: Face) -> None:
    """Each brow in one stroke: its tapering outline, then hairs; a face's brows are equally dense."""
    edges = [pair for side in face.sides if (pair := _brow_edges(sheet, tone, face, side)) is not None]
    darkness = float(np.mean([_darkness(tone, face, *pair) for pair in edges])) if edges else 0.0
    for above, below in edges:
        tip = (above[-1:] + below[-1:]) / 2
        ring = smooth(np.vstack([below, tip, above[::-1]]), 1.2)
        sheet.draw(np.vstack([ring, _hairs(above, below, darkness)]), 'brow', 0.95)


def _brow_edges(sheet: Sheet, tone: Tone, face: Face, side: mesh.Side) -> tuple[np.ndarray, np.ndarray] | None:
    """Upper and lower edge of a brow, (24, 2) each, from the nose outwards, tapering to the temple."""
    table, points = mesh.EYES[side], face.points
    top, bottom = through(points[table.brow_top]), through(points[table.brow_bottom])
    if float(np.hypot(*(top[0] - top[-1]))) < SMALLEST_PX:
        return None
    thick = float(np.hypot(*(at_fraction(top, np.array([0.3])) - at_fraction(bottom, np.array([0.3])))[0]))
    band = max(2, int(0.35 * thick))
    points_down = float((normals(top) @ face.down).mean()) > 0
    top = snap(tone.light, tone.spread, top, band, 'darker' if points_down else 'brighter', loyalty=0.4).xy
    bottom = snap(tone.light, tone.spread, bottom, band, 'brighter' if points_down else 'darker', loyalty=0.4).xy
    sheet.take(np.vstack([top, bottom[::-1]]), 3)
    t = np.linspace(0, 1, 24)
    above, below = at_fraction(top, t), at_fraction(bottom, t)
    taper = np.clip(np.minimum(0.25 + 4 * t, 1.6 - 1.5 * t), 0, 1)[:, None]
    middle = (above + below) / 2
    return middle + (above - middle) * taper, middle + (below - middle) * taper


def _darkness(tone: Tone, face: Face, above: np.ndarray, below: np.ndarray) -> float:
    """How much darker a brow is than the skin above it: 0 .. 1."""
    skin = float(np.median(sample(tone.light, above - 14 * face.unit * face.down)))
    return float(np.clip(1 - np.median(sample(tone.light, (above + below) / 2)) / (skin + 0.02), 0, 1))


def _hairs(above: np.ndarray, below: np.ndarray, darkness: float) -> np.ndarray:
    """A zigzag of hairs between a brow's edges, from the nose outwards, closer in a darker brow: (N, 2).

    Each hair slants over more than its distance to the next, so that the way back leans like a hair too.
    """
    if darkness < FAIREST_BROW:
        return np.zeros((0, 2))
    width = float(np.hypot(*(above[0] - above[-1])))
    pitch = float(np.interp(darkness, [FAIREST_BROW, 0.6], [22.0, 7.0])) / width
    low = np.arange(0.02, 0.82, pitch)
    zigzag = np.empty((2 * len(low), 2))
    zigzag[0::2] = at_fraction(below, low)
    zigzag[1::2] = at_fraction(above, np.minimum(low + SLANT * pitch, 0.97))
    return zigzag
