"""Nose, mouth and jaw."""

from __future__ import annotations

import numpy as np

from sketch_robot.line_art.guided import mesh
from sketch_robot.line_art.guided.curve import (
    at_fraction,
    normals,
    resample,
    runs,
    sample,
    smooth,
    smooth_closed,
    through,
)
from sketch_robot.line_art.guided.face import Face
from sketch_robot.line_art.guided.sheet import Sheet
from sketch_robot.line_art.guided.snap import snap
from sketch_robot.line_art.guided.tone import Tone

FAR_WING = 0.45  # yaw from which the far wing of the nose is hidden
CHIN_ZONE = 0.09  # of the face's height above the chin's tip
OPEN_MOUTH = 0.09  # gap between the lips over the mouth's width


def draw_nose(sheet: Sheet, tone: Tone, face: Face) -> None:
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


def draw_mouth(sheet: Sheet, tone: Tone, face: Face) -> None:
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


def draw_jaw(sheet: Sheet, tone: Tone, face: Face) -> None:
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
