"""The features of a face: eyes and brows, nose, mouth and jaw."""

from __future__ import annotations

import numpy as np

from sketch_robot.line_art.geometry import mesh
from sketch_robot.line_art.geometry.curve import (
    at_fraction,
    normals,
    resample,
    runs,
    sample,
    smooth,
    smooth_closed,
    through,
)
from sketch_robot.line_art.geometry.face import Face
from sketch_robot.line_art.guided.sheet import StrokeSheet, Tone
from sketch_robot.line_art.guided.snap import snap

FAR_WING = 0.45  # yaw from which the far wing of the nose is hidden
CHIN_ZONE = 0.09  # of the face's height above the chin's tip
OPEN_MOUTH = 0.09  # gap between the lips over the mouth's width
SMALLEST_PX = 14.0  # a narrower eye has no parts to tell apart
CLOSED = 0.07  # opening over width below which no iris shows
SLANT = 1.6  # of a brow's hairs, in distances to the next
FAIREST_BROW = 0.08  # darkness below which a brow is left open
PUPIL = 0.5  # of the iris' radius: a wider one stares
IRIS_PITCH_PX = 2.6  # between the turns that shade a pupil: the lines of 2 px just leave light between them


def draw_nose(sheet: StrokeSheet, tone: Tone, face: Face) -> None:
    """The underside and the wings, where the picture shows them."""
    points, unit = face.points, face.unit
    if not face.in_profile:
        base = snap(tone.light, tone.spread, through(points[mesh.NOSE_BASE], 1.5, 1.5), int(6 * unit) + 1, loyalty=0.4)
        for run in runs(base.evidence > 0.12, gap=6, shortest=6):
            sheet.draw(base.xy[run], 'nose', 0.9)
    for side in face.sides:
        if face.yaw * (1 if side == 'right' else -1) > FAR_WING:
            continue
        template = through(points[mesh.NOSE_WING[side]], 1.5, 2.0)
        wing = snap(tone.light, tone.spread, template, int(4 * unit) + 1, 'edge', loyalty=0.6)
        for run in runs(wing.evidence > 0.2, gap=6, shortest=6):
            sheet.draw(wing.xy[run], 'nose', 0.85)
    wings = points[mesh.NOSE_WING['right']], points[mesh.NOSE_WING['left']]
    sheet.take(np.vstack([wings[0], points[mesh.NOSE_BASE], wings[1][::-1]]), 4 * unit + 2)


def draw_mouth(sheet: StrokeSheet, tone: Tone, face: Face) -> None:
    """The line between the lips, or both when the mouth is open, and the lips' edges where they show."""
    points, unit = face.points, face.unit
    corners = points[list(mesh.MOUTH_CORNERS)]
    width = float(np.hypot(*(corners[1] - corners[0])))
    if width < 10:
        return
    upper, lower = through(points[mesh.UPPER_INSIDE]), through(points[mesh.LOWER_INSIDE])
    band = int(3 * unit) + 1
    if float(np.hypot(*(points[13] - points[14]))) < OPEN_MOUTH * width:
        t = np.linspace(0, 1, 60)
        middle = (at_fraction(upper, t) + at_fraction(lower, t)) / 2
        template = resample(np.vstack([corners[:1], middle[3:-3], corners[1:]]))
        sheet.draw(snap(tone.light, tone.spread, template, band, loyalty=0.4).xy, 'mouth', 0.95)
    else:
        top = snap(tone.light, tone.spread, upper, band, 'edge', loyalty=0.7).xy
        top = np.vstack([corners[:1], top[2:-2], corners[1:]])
        sheet.draw(smooth(resample(top), 1.0), 'mouth', 0.95)
        sheet.draw(snap(tone.light, tone.spread, lower, band, 'edge', loyalty=0.7).xy, 'mouth', 0.9)
    above = snap(
        tone.light, tone.spread, through(points[mesh.UPPER_LIP], sigma=2.0), int(4 * unit) + 1, 'edge', loyalty=0.6
    )
    below = snap(tone.light, tone.spread, through(points[mesh.LOWER_LIP]), int(5 * unit) + 1, 'edge', loyalty=0.6)
    t = np.linspace(-1, 1, len(above.xy))
    for run in runs((above.evidence > 0.25) & (np.abs(t) < 0.84), gap=10, shortest=8):
        sheet.draw(above.xy[run], 'mouth', 0.8)
    t = np.abs(np.linspace(-1, 1, len(below.xy)))
    for run in runs((t < 0.75) & ((below.evidence > 0.15) | (t < 0.35)), gap=10, shortest=8):
        sheet.draw(below.xy[run], 'mouth', 0.82)
    sheet.take(np.vstack([above.xy, below.xy[::-1]]), 4 * unit + 2)


def draw_jaw(sheet: StrokeSheet, tone: Tone, face: Face) -> None:
    """The face's outline below the eyes, where an edge with skin inside supports it."""
    points, unit = face.points, face.unit
    tall = 300 * unit
    start = int(np.argmin(face.height(face.outline)))
    outline = smooth_closed(np.roll(face.outline, -start, axis=0), 4.0)
    heights = {side: face.height(points[mesh.CHEEK_EDGE[side]]) + 0.1 * tall for side in mesh.SIDES}
    if face.yaw > 0.25:  # the far cheek is a true contour up to the eye
        heights['right'] = face.height(points[mesh.EYES['right'].temple]) - 0.05 * tall
    if face.yaw < -0.25:
        heights['left'] = face.height(points[mesh.EYES['left'].temple]) - 0.05 * tall
    brow = min(face.height(points[mesh.EYES[side].brow_top[-1]]) for side in mesh.SIDES)
    centre = points[mesh.OVAL].mean(axis=0)
    for run in runs(face.height(outline) > brow, gap=4, shortest=30):
        jaw = snap(
            tone.light, tone.spread, resample(outline[run]), int(8 * unit) + 2, 'edge', stiffness=2.0, loyalty=0.35,
            reach_px=3,
        )  # fmt: skip
        inward = normals(jaw.xy)
        inward *= np.sign(((centre - jaw.xy) * inward).sum(axis=1))[:, None]
        skin_inside = smooth(sample(tone.skin, jaw.xy + 7 * unit * inward), 3.0)
        skin_outside = smooth(sample(tone.skin, jaw.xy - 7 * unit * inward), 3.0)
        on_left = face.across(jaw.xy) > face.across(points[mesh.CHIN])
        low = face.height(jaw.xy) > np.where(on_left, heights['left'], heights['right'])
        clear = ((jaw.evidence > 0.18) & (skin_inside > 0.35)) | (jaw.evidence > 0.9)
        contour = (jaw.evidence > 0.5) & (skin_inside > 0.45) & (skin_outside < 0.3)
        # under the chin neck and chin have one colour: there the mesh is trusted
        at_chin = face.height(jaw.xy) > face.height(points[mesh.CHIN]) - CHIN_ZONE * tall
        for part in runs((low & clear) | contour | at_chin, gap=16, shortest=14):
            sheet.draw(smooth(jaw.xy[part], 2.5), 'jaw', 0.85)


def draw_eye(sheet: StrokeSheet, tone: Tone, face: Face, side: mesh.Side) -> None:
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


def draw_brows(sheet: StrokeSheet, tone: Tone, face: Face) -> None:
    """Each brow in one stroke: its tapering outline, then hairs; a face's brows are equally dense."""
    edges = [pair for side in face.sides if (pair := _brow_edges(sheet, tone, face, side)) is not None]
    darkness = float(np.mean([_darkness(tone, face, *pair) for pair in edges])) if edges else 0.0
    for above, below in edges:
        tip = (above[-1:] + below[-1:]) / 2
        ring = smooth(np.vstack([below, tip, above[::-1]]), 1.2)
        sheet.draw(np.vstack([ring, _hairs(above, below, darkness)]), 'brow', 0.95)


def _brow_edges(sheet: StrokeSheet, tone: Tone, face: Face, side: mesh.Side) -> tuple[np.ndarray, np.ndarray] | None:
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
