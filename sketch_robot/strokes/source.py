"""The strokes of a line art, whoever draws it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import cv2
import numpy as np

from sketch_robot.line_art.art import FaceArt, LineArt
from sketch_robot.line_art.geometry.face import face_of
from sketch_robot.line_art.ink import render_ink
from sketch_robot.photo.sitter import Sitter
from sketch_robot.stroke import Stroke
from sketch_robot.strokes.caricature import caricatured, warp_of
from sketch_robot.strokes.folds import with_fewer_folds
from sketch_robot.strokes.importance import LIFT_PX, USUAL_PEN_PX, gained_importance, place_strokes, rank_strokes
from sketch_robot.strokes.merge import join_hatching, merge_strokes
from sketch_robot.strokes.shading import shaded
from sketch_robot.strokes.shapes import reach_shapes, take_shapes
from sketch_robot.strokes.tracing.ink_mask import SURE_INK
from sketch_robot.strokes.tracing.trace import trace_ink
from sketch_robot.wishes import AS_IT_IS, Detail, Wishes

SPECK_PX = 2.0
# Of a face, px of the line art:
FAINT_PX = 0.36  # ink across a line: less is left out
FACE_SURE = 0.6 * SURE_INK  # ink that is traced
SHORT_PX, DARK_PX = 4.0, 2.0  # shorter lines count when they have so much ink
MOST_HALF_WIDTH_PX = {'jaw': 1.4, 'hair': 1.2, 'ear': 1.2, 'clothes': 1.2, 'other': 1.2}  # what surrounds is quiet
LEAST_INK_PX2 = {  # worth a lift
    'eye': 7.0, 'brow': 8.0, 'nose': 3.6, 'mouth': 5.0, 'jaw': 35.0, 'glasses': 12.0,
    'hair': 210.0, 'clothes': 300.0, 'other': 220.0, 'ear': 40.0,
}  # fmt: skip
SOME_HAIR_PX, SMALLER = 2800.0, 0.3  # way of the pen, lifts included, that hair may take; of the least ink
USUAL_INK_PX2 = 120.0  # of a stroke in a face, whose importance is half of what it can be
LINE_SHARE = 0.75  # of a drawing's line width: what is three times as wide as that is a shape, as the dot of an eye
SEAM_PX = 4.0  # from the face's strokes: other lines there are the same once more
LEAST_PIECE_PX = 6.0  # of a line that goes on from the face


# What a sitter's wish of few or many lines makes of these: factors of the least ink of a face's line, of the least ink
# worth a lift, and of the darkness that ink must have to be traced at all; and the share of an artist's own strokes.
FAINT_TIMES: dict[Detail, float] = {'few': 2.5, 'normal': 1.0, 'many': 0.6}
WORTH_TIMES: dict[Detail, float] = {'few': 3.5, 'normal': 1.0, 'many': 0.4}
SURE_TIMES: dict[Detail, float] = {'few': 1.0, 'normal': 1.0, 'many': 0.6}
OWN_SHARE: dict[Detail, float] = {'few': 0.6, 'normal': 1.0, 'many': 1.0}


def strokes_from(
    art: LineArt, sitter: Sitter | None = None, wishes: Wishes = AS_IT_IS, *, pen_px: float = USUAL_PEN_PX
) -> tuple[Stroke, ...]:
    """The artist's own strokes when it has any, cleaned, with their labels and importance; else traced from the ink,
    named and weighed by place. A face that was drawn larger is traced by itself, and the rest goes on from it without
    drawing anything twice. Strokes that continue one another are merged, close hatching is drawn back and forth.

    Args:
        art: what the artist drew.
        sitter: whom; its face says what traced strokes depict. None: unknown.
        wishes: how many lines and folds, and how much of a caricature; of a sitter without a mesh the folds are not
            known, nor what is this person's own. Light and shade are those of the sitter's photo.
        pen_px: width of the pen's line that shading is for, px of the line art.

    Returns:
        strokes in pixels of the line art. None when there is nothing on it.
    """
    if art.face is None:
        strokes = _of_one_picture(art, sitter, wishes)
    elif sitter is not None and sitter.face_box is None:
        strokes = _of_a_drawing(art, art.face, sitter, wishes)
    else:
        near = face_strokes(art.face, wishes.detail)
        around = _around_the_face(art, art.face, near, SURE_INK * SURE_TIMES[wishes.detail])
        merged = _aged(merge_strokes((*near, *around)), art, sitter, wishes)
        placed = place_strokes(merged, art.size_px, sitter)
        worth = _worth_a_lift(placed, WORTH_TIMES[wishes.detail])
        quiet = tuple(_at_most(stroke, MOST_HALF_WIDTH_PX.get(stroke.label, np.inf)) for stroke in worth)
        strokes = gained_importance(quiet, art.ink)
    if sitter is not None:
        strokes = shaded(strokes, sitter, wishes.shading, pen_px)
    if wishes.caricature == 0.0 or sitter is None or sitter.landmarks is None:
        return strokes
    return caricatured(strokes, warp_of(sitter.landmarks, art.size_px, wishes.caricature))


def _of_one_picture(art: LineArt, sitter: Sitter | None, wishes: Wishes) -> tuple[Stroke, ...]:
    """The strokes of a line art without a face of its own."""
    if art.strokes is not None:
        strokes = _aged(join_hatching(merge_strokes(drop_specks(art.strokes))), art, sitter, wishes)
    else:
        traced = drop_specks(trace_ink(art.ink, sure=SURE_INK * SURE_TIMES[wishes.detail]))
        strokes = _aged(join_hatching(merge_strokes(traced)), art, sitter, wishes)
        strokes = place_strokes(strokes, art.size_px, sitter)
    kept = np.sort(rank_strokes(strokes)[: round(OWN_SHARE[wishes.detail] * len(strokes))])
    return tuple(strokes[k] for k in kept)


def _of_a_drawing(art: LineArt, drawn: FaceArt, sitter: Sitter | None, wishes: Wishes) -> tuple[Stroke, ...]:
    """The strokes of a drawing in which nobody was looked for: all of them count, and its lines may be wide ones."""
    width_px = max(USUAL_PEN_PX / drawn.scale, LINE_SHARE * line_width(drawn.ink))
    strokes = merge_strokes(face_strokes(drawn, wishes.detail, width_px=width_px))
    strokes = tuple(_as_disc(stroke) for stroke in strokes)
    placed = gained_importance(place_strokes(strokes, art.size_px, sitter), art.ink)
    kept = np.sort(rank_strokes(placed)[: round(OWN_SHARE[wishes.detail] * len(placed))])
    return tuple(placed[k] for k in kept)


def _as_disc(stroke: Stroke) -> Stroke:
    """A dot that is wider than a pen's line as a filled shape, such as an eye; others as they are."""
    if len(stroke.xy) > 1 or stroke.half_width <= USUAL_PEN_PX:
        return stroke
    angle = np.linspace(0.0, 2.0 * np.pi, 25)
    ring = stroke.xy[0] + stroke.half_width * np.column_stack([np.cos(angle), np.sin(angle)])
    return replace(stroke, xy=ring, half_width=USUAL_PEN_PX / 2, half_widths=None, pressure=None, filled=True)


def line_width(ink: np.ndarray) -> float:
    """How wide the lines of ink (H, W) usually are, pixels: twice the median depth of its ridges; 0 without any."""
    depth = np.asarray(cv2.distanceTransform((ink > 0.5).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5))
    ridges = depth[(depth >= cv2.dilate(depth, np.ones((3, 3), np.uint8))) & (depth > 0)]
    return 2.0 * float(np.median(ridges)) if len(ridges) else 0.0


def _worth_a_lift(strokes: Sequence[Stroke], times: float) -> tuple[Stroke, ...]:
    """The strokes with ink enough, and of hair, where there is little of it, smaller ones until there is some."""
    ink_px2 = np.array([_ink_px2(stroke) for stroke in strokes])
    least_px2 = times * np.array([LEAST_INK_PX2.get(stroke.label, 0.0) for stroke in strokes])
    keep = ink_px2 >= least_px2
    hair = np.array([stroke.label == 'hair' for stroke in strokes], dtype=bool)
    way_px = np.array([LIFT_PX + stroke.length for stroke in strokes])
    spare_px = SOME_HAIR_PX / times - float(way_px[hair & keep].sum())
    smaller = np.flatnonzero(hair & ~keep & (ink_px2 >= SMALLER * least_px2))
    for k in smaller[np.argsort(-ink_px2[smaller], kind='stable')].tolist():
        spare_px -= way_px[k]
        if spare_px < 0.0:
            break
        keep[k] = True
    return tuple(stroke for stroke, kept in zip(strokes, keep, strict=True) if kept)


def _aged(strokes: tuple[Stroke, ...], art: LineArt, sitter: Sitter | None, wishes: Wishes) -> tuple[Stroke, ...]:
    """Strokes with as many folds as are wished."""
    if wishes.age_lines == 1.0 or sitter is None or sitter.landmarks is None:
        return strokes
    face = face_of(sitter.landmarks, art.ink.shape)
    return strokes if face is None else with_fewer_folds(strokes, face, wishes.age_lines)


def _ink_px2(stroke: Stroke) -> float:
    """About how much ink a stroke has, px^2 of the line art."""
    if stroke.filled:
        return float(cv2.contourArea(stroke.xy.astype(np.float32)))
    half = stroke.half_width if stroke.half_widths is None else float(stroke.half_widths.mean())
    return 2.0 * half * (stroke.length + 2.0 * half)


def _at_most(stroke: Stroke, half_px: float) -> Stroke:
    if stroke.half_widths is None or float(stroke.half_widths.max()) <= half_px:
        return stroke
    return replace(
        stroke, half_width=min(stroke.half_width, half_px), half_widths=np.minimum(stroke.half_widths, half_px)
    )


def face_strokes(face: FaceArt, detail: Detail = 'normal', *, width_px: float = 0.0) -> tuple[Stroke, ...]:
    """Trace a face. The strokes lie in the line art's pixels; each is as wide as its ink is wide and dark.

    Args:
        face: what to trace.
        detail: how many lines.
        width_px: of its usual lines, pixels of the face; much wider ones are shapes. 0: as wide as a pen's.
    """
    pen_px = width_px or USUAL_PEN_PX / face.scale
    shapes, thin = take_shapes(face.ink, face.shapes, pen_px)
    dark = np.clip(cv2.GaussianBlur(face.ink, (0, 0), 0.6 / face.scale), 0, 1)
    strokes = [_on_the_art(shape, face, None) for shape in shapes]
    faint, sure = FAINT_PX * FAINT_TIMES[detail], FACE_SURE * SURE_TIMES[detail]
    traced = drop_specks(trace_ink(thin, sure=sure), min_length_px=SPECK_PX / face.scale)
    for stroke in reach_shapes(join_hatching(merge_strokes(traced)), shapes, pen_px):
        half = np.full(len(stroke.xy), stroke.half_width) if stroke.half_widths is None else stroke.half_widths
        half = half * _under(dark, stroke.xy) * face.scale
        ink_px = 2.0 * float(half.mean())
        length_px = stroke.length * face.scale
        if ink_px < faint or (length_px < SHORT_PX and ink_px < DARK_PX):
            continue
        strokes.append(_on_the_art(stroke, face, half))
    return tuple(strokes)


def _on_the_art(stroke: Stroke, face: FaceArt, half_widths: np.ndarray | None) -> Stroke:
    """A stroke of the face in the line art's pixels, the more important the more ink it has."""
    placed = replace(
        stroke,
        xy=stroke.xy @ face.to_art[:, :2].T + face.to_art[:, 2],
        half_width=stroke.half_width * face.scale if half_widths is None else float(np.median(half_widths)),
        half_widths=half_widths,
    )
    ink_px2 = _ink_px2(placed)
    return replace(placed, importance=ink_px2 / (ink_px2 + USUAL_INK_PX2))


def _around_the_face(art: LineArt, face: FaceArt, near: Sequence[Stroke], sure: float) -> list[Stroke]:
    """What surrounds a face: the line art's strokes without those that its close-up has drawn."""
    _, area = face.on(art.size_px)
    if art.strokes is None:
        strokes = join_hatching(
            merge_strokes(drop_specks(trace_ink(np.where(area, np.float32(0), art.ink), sure=sure)))
        )
    else:
        strokes = art.strokes
    side = 2 * round(SEAM_PX) + 1
    drawn = cv2.dilate((render_ink(near, art.size_px) > 0.3).astype(np.uint8), np.ones((side, side), np.uint8)) > 0
    free = ~(drawn | area)
    pieces = []
    for stroke in strokes:
        keep = _under(free, stroke.xy)
        if keep.all():
            pieces.append(stroke)
            continue
        edges = np.flatnonzero(np.diff(np.concatenate(([0], keep.astype(np.int8), [0]))))
        for start, stop in edges.reshape(-1, 2).tolist():
            piece = stroke.taking(slice(start, stop))
            if piece.length >= LEAST_PIECE_PX:
                pieces.append(piece)
    return pieces


def _under(picture: np.ndarray, xy: np.ndarray) -> np.ndarray:
    """Values of the pixels of a picture (H, W) that hold the points (N, 2): (N,)."""
    column, row = np.clip(xy.astype(np.int64), 0, np.array(picture.shape)[::-1] - 1).T
    return picture[row, column]


def drop_specks(strokes: Iterable[Stroke], *, min_length_px: float = SPECK_PX) -> tuple[Stroke, ...]:
    """The strokes that are long enough to be lines, and the dots; points that repeat the one before are taken out.

    A stroke of one point is a dot that somebody meant, and stays; a line shorter than `min_length_px` is a speck.

    Args:
        strokes: in pixels.
        min_length_px: 0 keeps all.
    """
    kept = []
    for stroke in strokes:
        moved = np.concatenate(([True], (np.diff(stroke.xy, axis=0) != 0.0).any(axis=1)))
        clean = stroke if moved.all() else stroke.taking(moved)
        if len(clean.xy) == 1 or clean.length >= min_length_px:
            kept.append(clean)
    return tuple(kept)
