"""The guided artist: the face as a close-up shows it, lines along the flow of the picture elsewhere; no learning."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from sketch_robot.line_art.art import LineArt
from sketch_robot.line_art.artist import Artist
from sketch_robot.line_art.face_lines.ink import draw_face
from sketch_robot.line_art.geometry.curve import at, runs
from sketch_robot.line_art.geometry.face import Face, face_of
from sketch_robot.line_art.guided.features import draw_brows, draw_eye, draw_jaw, draw_mouth, draw_nose
from sketch_robot.line_art.guided.free_lines import SPACING_PX, FreeLine, find_free_lines, find_lines_anywhere
from sketch_robot.line_art.guided.glasses import draw_glasses
from sketch_robot.line_art.guided.hair import draw_beard, draw_hairline
from sketch_robot.line_art.guided.sheet import HALF_WIDTH_PX, StrokeSheet, Tone, look_at
from sketch_robot.line_art.guided.snap import cheapest_path
from sketch_robot.line_art.guided.subject import find_subject, is_line_drawing, silhouettes
from sketch_robot.line_art.ink import render_ink
from sketch_robot.photo.sitter import Sitter
from sketch_robot.stroke import Stroke

BUDGET_PX = 5000.0  # of all strokes: about two minutes of pen on A5


@dataclass(frozen=True)
class Rules:
    """How free lines of a label are chosen.

    Attributes:
        share_px: length they may have together.
        clearance_px: width of the strip that each keeps for itself.
        shortest_px: what is left of one after the others took their strips must be this long.
    """

    share_px: float
    clearance_px: int
    shortest_px: float


PORTRAIT = {
    'other': Rules(420.0, 7, 22.0),
    'ear': Rules(420.0, 7, 14.0),
    'hair': Rules(1700.0, 19, 36.0),
    'clothes': Rules(1000.0, 21, 36.0),
}
WHOLE_PICTURE = {'other': Rules(BUDGET_PX, 11, 18.0)}
ORDER = ('eye', 'brow', 'nose', 'mouth', 'jaw', 'glasses', 'hair', 'ear', 'other', 'clothes')
OBJECT_EDGE = 0.6  # evidence of an outline that no network has seen
CHIN_WITHOUT_FACE = 0.65  # of the picture's height


class GuidedArtist(Artist):
    """Draws faces as a close-up shows them; without landmarks, the picture's outline and its strongest lines."""

    name = 'guided'

    def draw(self, sitter: Sitter) -> LineArt:
        shape = sitter.crop.shape[:2]
        face = None if sitter.landmarks is None else face_of(sitter.landmarks, shape)
        matte = sitter.matte
        if matte is None or matte.max() < 0.5:
            matte = find_subject(sitter.crop, sitter.valid, sitter.face_box)
        has_subject = matte is not None
        if matte is None:
            matte = np.ones(shape, np.float32)
        whole = face is None and sitter.face_box is None
        tone = look_at(sitter.crop, np.ones(shape, np.float32) if whole else matte, face)
        sheet = StrokeSheet(shape)
        inner = cv2.erode(sitter.valid.astype(np.uint8), np.ones((11, 11), np.uint8), borderValue=(0,))
        sheet.taken |= inner == 0
        near = draw_face(sitter.close_up)
        ink, area = (np.zeros(shape, np.float32), None) if near is None else near.on((shape[1], shape[0]))
        if face is not None:
            if area is None:
                _draw_features(sheet, tone, face)
            else:
                sheet.taken |= area
            if has_subject:
                draw_hairline(sheet, tone, face, matte)
                _cut_at_outline(sheet, matte)
        chin = _chin(sitter, face)
        for stroke in sheet.strokes:
            sheet.keep_off(stroke.xy, 17 if stroke.label in ('jaw', 'hair') else 5)
        if has_subject and not (whole and is_line_drawing(tone.raw, sitter.valid)):
            _draw_outline(sheet, tone.colour, matte, sitter.valid, face, None if whole else chin)
        if face is None:
            lines = find_lines_anywhere(tone, sheet.taken, matte if has_subject else None)
        else:
            lines = find_free_lines(tone, matte, sheet.taken, face, chin)
        _draw_free_lines(sheet, lines, WHOLE_PICTURE if face is None else PORTRAIT)
        strokes = tuple(sorted(sheet.strokes, key=lambda s: (ORDER.index(s.label), -s.importance)))
        around = render_ink(strokes, (shape[1], shape[0]))
        if area is not None:
            around = np.where(area, np.float32(0), around)
        return LineArt(np.maximum(around, np.where(sitter.valid, ink, np.float32(0))), self.name, strokes, near)

    def warm_up(self) -> None:
        """Compile the kernels (once a machine) and load them."""
        side = 64
        step = np.zeros((side, side, 3), np.uint8)
        step[:, side // 2 :] = 255
        cheapest_path(np.zeros((2, 2)), 1.0)  # a picture without a face need not use it
        self.draw(Sitter(step, np.eye(3)[:2], np.ones((side, side), bool), 0))


def _draw_features(sheet: StrokeSheet, tone: Tone, face: Face) -> None:
    """Draw a face that the photo hardly shows: by templates, moved to where there is evidence."""
    for side in face.sides:
        draw_eye(sheet, tone, face, side)
    draw_brows(sheet, tone, face)
    draw_nose(sheet, tone, face)
    draw_mouth(sheet, tone, face)
    draw_jaw(sheet, tone, face)
    draw_glasses(sheet, tone, face)
    draw_beard(sheet, tone, face)


def _chin(sitter: Sitter, face: Face | None) -> float:
    """Height of the chin along the face's axis, or its row."""
    if face is not None:
        return float(face.height(face.points[152]))
    if sitter.face_box is not None:
        return float(sitter.face_box[1] + sitter.face_box[3])
    return CHIN_WITHOUT_FACE * sitter.crop.shape[0]


def _cut_at_outline(sheet: StrokeSheet, matte: np.ndarray) -> None:
    """Shorten features that leave the person: a mesh knows the far side of a turned face only roughly."""
    person = cv2.dilate((matte > 0.5).astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    strokes, sheet.strokes = sheet.strokes, []
    for stroke in strokes:
        inside = runs(at(person, stroke.xy), gap=2, shortest=3)
        if inside:
            longest = max(inside, key=lambda run: run.stop - run.start)
            sheet.draw(stroke.xy[longest], stroke.label, stroke.importance)


def _draw_outline(
    sheet: StrokeSheet, colour: np.ndarray, matte: np.ndarray, valid: np.ndarray, face: Face | None, chin: float | None
) -> None:
    """Draw the matte's outline, as hair and clothes above and below the chin, or as any thing's (chin None)."""
    for line in silhouettes(colour, matte, valid, least_evidence=OBJECT_EDGE if chin is None else None):
        for run in runs(sheet.is_free(line), gap=6, shortest=12):
            part = line[run]
            height = part[:, 1] if face is None else face.height(part)
            if chin is None:
                sheet.draw(part, 'other', 0.8)
            else:
                for below, label in ((height > chin + 8, 'clothes'), (height <= chin + 8, 'hair')):
                    for piece in runs(below, gap=4, shortest=8):
                        sheet.draw(part[piece], label, 0.8)
            sheet.keep_off(part, 22 if face is not None else 11)


def _draw_free_lines(sheet: StrokeSheet, lines: list[FreeLine], rules: dict[str, Rules]) -> None:
    """The best of the free lines that fit the budget, each away from those before."""
    total = sum(stroke.length for stroke in sheet.strokes)
    best = max((line.score for line in lines), default=1.0)
    used = dict.fromkeys(rules, 0.0)
    for line in sorted(lines, key=lambda candidate: -candidate.score):
        rule = rules[line.label]
        for run in runs(sheet.is_free(line.xy), gap=3, shortest=int(rule.shortest_px / SPACING_PX)):
            piece = Stroke(line.xy[run], HALF_WIDTH_PX, line.label, 0.7 * line.score / best)
            if total + piece.length > BUDGET_PX or used[line.label] + piece.length > rule.share_px:
                continue
            sheet.strokes.append(piece)
            total += piece.length
            used[line.label] += piece.length
            sheet.keep_off(piece.xy, rule.clearance_px)
