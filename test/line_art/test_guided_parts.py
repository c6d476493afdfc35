"""Spectacles, beards, subjects and faces of the guided artist: things painted on a photo that scikit-image ships."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import cv2
import numpy as np
import pytest
from skimage.data import astronaut

from sketch_robot.line_art.geometry import mesh
from sketch_robot.line_art.geometry.face import Face, face_of
from sketch_robot.line_art.guided.glasses import draw_glasses, fit_rims
from sketch_robot.line_art.guided.hair import draw_beard, draw_hairline
from sketch_robot.line_art.guided.sheet import StrokeSheet, look_at
from sketch_robot.line_art.guided.subject import find_subject, is_line_drawing
from sketch_robot.photo import Photo, Sitter, SitterFinder

SHAPE = (512, 512)
EVERYWHERE = np.ones(SHAPE, bool)


@pytest.fixture(scope='module')
def sitter() -> Iterator[Sitter]:
    with SitterFinder() as finder:
        yield finder.find(Photo(astronaut()))


@pytest.fixture(scope='module')
def face(sitter: Sitter) -> Face:
    assert sitter.landmarks is not None
    found = face_of(sitter.landmarks, SHAPE)
    assert found is not None
    return found


def superellipse(face: Face, side: mesh.Side, half: tuple[float, float], power: float) -> np.ndarray:
    """A rim in eye widths round an eye, a little outwards and down."""
    table, width = mesh.EYES[side], face.eye_width(side)
    outer = -1 if side == 'right' else 1
    turn = np.linspace(0, 2 * np.pi, 120, endpoint=False)
    unit = np.stack([np.cos(turn), np.sin(turn)], axis=1)
    unit /= (np.abs(unit) ** power).sum(axis=1, keepdims=True) ** (1 / power)
    local = (unit * half + (0.1 * outer, 0.2)) * width
    return face.points[table.upper + table.lower].mean(axis=0) + local @ np.stack([face.right, face.down])


def with_glasses(sitter: Sitter, face: Face, half: tuple[float, float], power: float, width: int = 3) -> np.ndarray:
    crop = sitter.crop.copy()
    rims = {side: superellipse(face, side, half, power) for side in mesh.SIDES}
    for xy in rims.values():
        cv2.polylines(crop, [np.rint(xy - 0.5).astype(np.int32)], True, (40, 35, 30), width, cv2.LINE_AA)
    inner = [min(rims['left'], key=lambda p: p @ face.right), max(rims['right'], key=lambda p: p @ face.right)]
    ends = [tuple(int(v) for v in point) for point in inner]
    cv2.line(crop, ends[0], ends[1], (40, 35, 30), width, cv2.LINE_AA)
    return crop


@pytest.mark.parametrize(('half', 'power'), [((0.95, 0.9), 2.0), ((1.2, 0.7), 2.6), ((1.15, 0.62), 4.0)])
@pytest.mark.parametrize('width', [2, 5])
def test_rims_are_fitted_where_they_are(
    sitter: Sitter, face: Face, half: tuple[float, float], power: float, width: int
) -> None:
    assert sitter.matte is not None
    rims = fit_rims(look_at(with_glasses(sitter, face, half, power, width), sitter.matte, face), face)
    for side, xy in (('right', rims.right), ('left', rims.left)):
        truth = superellipse(face, side, half, power)  # type: ignore[arg-type]
        distance = np.hypot(*(xy[:, None] - truth[None]).transpose(2, 0, 1)).min(axis=1)
        assert np.median(distance) < 3.0
        assert distance.max() < 10.0


def test_spectacles_are_drawn_with_a_bridge(sitter: Sitter, face: Face) -> None:
    assert sitter.matte is not None
    sheet = StrokeSheet(SHAPE)
    tone = look_at(with_glasses(sitter, face, (1.15, 0.75), 2.6), sitter.matte, face)
    assert draw_glasses(sheet, tone, face) == 'clear'
    assert len(sheet.strokes) >= 3
    assert {stroke.label for stroke in sheet.strokes} == {'glasses'}
    closed = [s for s in sheet.strokes if np.allclose(s.xy[0], s.xy[-1])]
    assert len(closed) == 2


def test_a_bare_face_gets_no_spectacles(sitter: Sitter, face: Face) -> None:
    assert sitter.matte is not None
    sheet = StrokeSheet(SHAPE)
    assert draw_glasses(sheet, look_at(sitter.crop, sitter.matte, face), face) is None
    assert sheet.strokes == []


def bearded(sitter: Sitter, face: Face, brightness: int) -> np.ndarray:
    """Short hairs of that brightness all round the mouth and on the chin."""
    crop, rng = sitter.crop.copy(), np.random.default_rng(4)
    zone = np.zeros(SHAPE, np.uint8)
    outline = face.points[[98, 327, 426, 432, 364, 379, 400, 152, 176, 150, 135, 212, 206]]
    cv2.fillPoly(zone, [outline.astype(np.int32)], 1)
    lips = np.vstack([face.points[mesh.UPPER_LIP], face.points[mesh.LOWER_LIP][::-1]])
    cv2.fillPoly(zone, [lips.astype(np.int32)], 0)
    spots = np.argwhere(zone > 0)[:, ::-1]
    for x, y in spots[rng.choice(len(spots), 2500)]:
        end = int(x + rng.integers(-2, 3)), int(y + rng.integers(3, 7))
        cv2.line(crop, (int(x), int(y)), end, (brightness, brightness, brightness), 1, cv2.LINE_AA)
    return crop


@pytest.mark.parametrize('brightness', [30, 110])
def test_a_beard_is_hatched_evenly_on_both_sides(sitter: Sitter, face: Face, brightness: int) -> None:
    assert sitter.matte is not None
    sheet = StrokeSheet(SHAPE)
    assert draw_beard(sheet, look_at(bearded(sitter, face, brightness), sitter.matte, face), face)
    middle = np.array([face.across(s.xy.mean(axis=0) - face.points[164]) for s in sheet.strokes])
    assert 16 <= len(middle) <= 60
    assert 0.6 < (middle < 0).sum() / (middle > 0).sum() < 1.7
    assert max(stroke.length for stroke in sheet.strokes) < 25


def test_a_smooth_chin_gets_no_beard(sitter: Sitter, face: Face) -> None:
    assert sitter.matte is not None
    sheet = StrokeSheet(SHAPE)
    assert not draw_beard(sheet, look_at(sitter.crop, sitter.matte, face), face)
    assert sheet.strokes == []


def test_the_hairline_runs_over_the_forehead(sitter: Sitter, face: Face) -> None:
    assert sitter.matte is not None
    crop = sitter.crop.copy()
    skin = crop[face.points[151].astype(int)[1], face.points[151].astype(int)[0]].tolist()
    top = face.points[10] - 0.04 * 300 * face.unit * face.down
    cv2.ellipse(crop, tuple(int(v) for v in top), (90, 70), 0, 0, 360, skin, -1)
    crop[: int(top[1])] = (40, 25, 20)  # dark hair with a straight edge
    sheet = StrokeSheet(SHAPE)
    draw_hairline(sheet, look_at(crop, sitter.matte, face), face, sitter.matte)
    assert {stroke.label for stroke in sheet.strokes} == {'hair'}
    longest = max(sheet.strokes, key=lambda stroke: stroke.length).xy
    over = longest[np.abs(longest[:, 0] - top[0]) < 40]
    assert len(over) > 5
    assert over[:, 1] == pytest.approx(np.full(len(over), int(top[1])), abs=4)


def test_the_face_knows_its_axes_and_pose(face: Face) -> None:
    assert face.right @ face.down == pytest.approx(0.0)
    assert face.right[0] > 0.95
    assert face.down[1] > 0.95
    assert abs(face.yaw) < 0.3
    assert face.sides == mesh.SIDES
    assert not face.in_profile
    assert 0.6 < face.unit < 1.2


def test_the_faces_outline_encloses_its_features(face: Face) -> None:
    for point in (*mesh.MOUTH_CORNERS, mesh.NOSE_TIP, 468, 473):
        x, y = face.points[point].astype(int)
        assert face.mask[y, x]
    assert not face.mask[:40, :40].any()


def test_a_turned_mesh_shows_one_side(sitter: Sitter) -> None:
    assert sitter.landmarks is not None
    middle = sitter.landmarks.mean(axis=0)
    for degrees, side in ((65, 'left'), (-65, 'right')):
        angle = np.radians(degrees)
        rotation = np.array([[np.cos(angle), 0, np.sin(angle)], [0, 1, 0], [-np.sin(angle), 0, np.cos(angle)]])
        turned = face_of(((sitter.landmarks - middle) @ rotation.T + middle).astype(np.float32), SHAPE)
        assert turned is not None
        assert turned.sides == (side,)


def test_an_object_is_told_from_its_background() -> None:
    image = np.full((512, 512, 3), 210, np.uint8)
    cv2.circle(image, (256, 280), 110, (160, 40, 40), -1)
    image = np.clip(image + np.random.default_rng(0).normal(0, 3, image.shape), 0, 255).astype(np.uint8)
    matte = find_subject(image, EVERYWHERE, None)
    assert matte is not None
    rows, columns = np.indices(SHAPE)
    disc = np.hypot(columns - 256, rows - 280) < 110
    assert ((matte > 0.5) == disc).mean() > 0.98


@pytest.mark.parametrize('kind', ['flat', 'noise', 'nothing valid'])
def test_without_an_object_there_is_no_subject(kind: str) -> None:
    image = np.full((512, 512, 3), 128, np.uint8)
    if kind == 'noise':
        image = np.random.default_rng(0).integers(0, 256, image.shape, np.uint8)
    valid = np.zeros(SHAPE, bool) if kind == 'nothing valid' else EVERYWHERE
    assert find_subject(image, valid, None) is None


def test_a_drawing_on_paper_is_told_from_a_photo(sitter: Sitter) -> None:
    drawing = np.ones(SHAPE, np.float32)
    cv2.circle(drawing, (256, 256), 150, (0.0,), 5)
    assert is_line_drawing(drawing, EVERYWHERE)
    grey = cv2.cvtColor(sitter.crop, cv2.COLOR_RGB2GRAY).astype(np.float32) / 255
    assert not is_line_drawing(grey, EVERYWHERE)
    assert not is_line_drawing(drawing, np.zeros(SHAPE, bool))


def test_a_sheet_leaves_out_lines_without_length() -> None:
    sheet = StrokeSheet(SHAPE)
    sheet.draw(np.array([[5.0, 5.0]]), 'eye', 1.0)
    sheet.draw(np.zeros((0, 2)), 'eye', 1.0)
    assert sheet.strokes == []


def test_a_sheet_knows_where_ink_is_near() -> None:
    sheet = StrokeSheet(SHAPE)
    sheet.keep_off(np.array([[100.0, 100.0], [200.0, 100.0]]), 11)
    assert sheet.is_free(np.array([[150.0, 104.0], [150.0, 112.0]])).tolist() == [False, True]


def test_what_is_rough_but_coloured_like_the_cheeks_is_no_beard(sitter: Sitter, face: Face) -> None:
    assert sitter.matte is not None
    tone = look_at(bearded(sitter, face, 110), sitter.matte, face)
    assert not draw_beard(StrokeSheet(SHAPE), replace(tone, skin=np.ones(SHAPE, np.float32)), face)
