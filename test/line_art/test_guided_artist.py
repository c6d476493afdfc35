"""The guided artist, on the photo of Eileen Collins that scikit-image ships and on pictures made here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import cv2
import numpy as np
import pytest
from skimage.data import astronaut

from sketch_robot.line_art.artist import make_artist
from sketch_robot.line_art.guided.artist import BUDGET_PX, GuidedArtist
from sketch_robot.photo import CROP_PX, Photo, Sitter, SitterFinder, photo_from_array
from sketch_robot.stroke import LABELS, Stroke


@pytest.fixture(scope='module')
def finder() -> Iterator[SitterFinder]:
    with SitterFinder() as found:
        yield found


@pytest.fixture(scope='module')
def sitter(finder: SitterFinder) -> Sitter:
    return unseen(finder.find(Photo(astronaut(), 'astronaut')))


@pytest.fixture(scope='module')
def artist() -> GuidedArtist:
    made = GuidedArtist()
    made.warm_up()
    return made


@pytest.fixture(scope='module')
def strokes(artist: GuidedArtist, sitter: Sitter) -> tuple[Stroke, ...]:
    drawn = artist.draw(sitter).strokes
    assert drawn is not None
    return drawn


def unseen(sitter: Sitter) -> Sitter:
    """A sitter whose face the photo shows too badly for a close-up: templates are drawn."""
    return replace(sitter, close_up=None)


def whole(rgb: np.ndarray) -> Sitter:
    """A picture without a face, 512 x 512."""
    return Sitter(rgb, np.eye(3)[:2], np.ones(rgb.shape[:2], bool), 0)


def near(strokes: tuple[Stroke, ...], label: str, xy: np.ndarray, reach: float) -> bool:
    points = np.vstack([stroke.xy for stroke in strokes if stroke.label == label])
    return bool(np.hypot(*(points - xy).T).min() < reach)


def mug() -> np.ndarray:
    image = np.full((512, 512, 3), 225, np.uint8)
    cv2.ellipse(image, (350, 260), (60, 70), 0, -90, 90, (40, 80, 150), 24, cv2.LINE_AA)
    cv2.rectangle(image, (160, 160), (345, 380), (40, 80, 150), -1)
    cv2.ellipse(image, (252, 162), (92, 24), 0, 0, 360, (70, 40, 20), -1, cv2.LINE_AA)
    noise = np.random.default_rng(0).normal(0, 3, image.shape)
    return np.clip(image + noise, 0, 255).astype(np.uint8)


def test_it_is_made_by_name() -> None:
    assert isinstance(make_artist('guided'), GuidedArtist)


def test_the_art_has_the_crops_size_and_the_artists_name(artist: GuidedArtist, sitter: Sitter) -> None:
    art = artist.draw(sitter)
    assert art.size_px == (CROP_PX, CROP_PX)
    assert art.artist == 'guided'
    assert art.ink.dtype == np.float32
    assert 0.0 == art.ink.min() < art.ink.max() == 1.0


@pytest.mark.parametrize('label', ['eye', 'brow', 'nose', 'mouth', 'jaw', 'hair', 'clothes'])
def test_every_part_of_a_portrait_is_drawn(strokes: tuple[Stroke, ...], label: str) -> None:
    assert label in {stroke.label for stroke in strokes}


def test_no_glasses_and_no_beard_are_invented(strokes: tuple[Stroke, ...]) -> None:
    assert 'glasses' not in {stroke.label for stroke in strokes}
    assert sum(stroke.importance == pytest.approx(0.4) and stroke.label == 'other' for stroke in strokes) == 0


@pytest.mark.parametrize(
    ('label', 'point', 'reach'),
    [('eye', 468, 12), ('eye', 473, 12), ('brow', 105, 10), ('brow', 334, 10), ('mouth', 13, 10), ('jaw', 152, 12)],
)
def test_features_lie_where_the_mesh_says(
    strokes: tuple[Stroke, ...], sitter: Sitter, label: str, point: int, reach: float
) -> None:
    assert sitter.landmarks is not None
    assert near(strokes, label, sitter.landmarks[point, :2], reach)


def test_strokes_are_sound(strokes: tuple[Stroke, ...]) -> None:
    for stroke in strokes:
        assert stroke.label in LABELS
        assert 0.0 <= stroke.importance <= 1.0
        assert stroke.half_width == 1.0
        assert len(stroke.xy) >= 2
        assert (stroke.xy > -5).all()
        assert (stroke.xy < CROP_PX + 5).all()


def test_a_portrait_takes_few_strokes_within_the_budget(strokes: tuple[Stroke, ...]) -> None:
    assert 25 <= len(strokes) <= 80
    assert 2500 < sum(stroke.length for stroke in strokes) <= BUDGET_PX


def test_each_brow_and_each_iris_is_one_stroke(strokes: tuple[Stroke, ...]) -> None:
    assert sum(stroke.label == 'brow' for stroke in strokes) == 2
    assert sum(stroke.importance == pytest.approx(0.98) for stroke in strokes) == 2


def test_the_face_matters_more_than_hair_and_clothes(strokes: tuple[Stroke, ...]) -> None:
    face = [s.importance for s in strokes if s.label in ('eye', 'brow', 'mouth', 'nose')]
    rest = [s.importance for s in strokes if s.label in ('hair', 'clothes')]
    assert np.median(face) > max(rest)


def test_a_face_that_the_photo_shows_is_drawn_from_its_close_up(artist: GuidedArtist, finder: SitterFinder) -> None:
    art = artist.draw(finder.find(Photo(astronaut())))
    assert art.face is not None
    assert art.strokes is not None
    assert {stroke.label for stroke in art.strokes} <= {'hair', 'ear', 'other', 'clothes'}
    _, area = art.face.on(art.size_px)
    assert art.ink[area].sum() > 500.0


def test_the_ink_is_the_strokes(artist: GuidedArtist, sitter: Sitter) -> None:
    art = artist.draw(sitter)
    assert art.strokes is not None
    points = np.vstack([stroke.xy for stroke in art.strokes])
    inside = ((points >= 1) & (points < CROP_PX - 1)).all(axis=1)
    pixels = points[inside].astype(int)
    assert art.ink[pixels[:, 1], pixels[:, 0]].mean() > 0.85
    length = sum(stroke.length for stroke in art.strokes)
    assert art.ink.sum() < 2.6 * length  # lines of 2 px, no filled area


def test_nothing_is_drawn_on_the_background(strokes: tuple[Stroke, ...], sitter: Sitter) -> None:
    assert sitter.matte is not None
    person = cv2.dilate((sitter.matte > 0.5).astype(np.uint8), np.ones((17, 17), np.uint8))
    points = np.clip(np.vstack([stroke.xy for stroke in strokes]).astype(int), 0, CROP_PX - 1)
    assert person[points[:, 1], points[:, 0]].mean() > 0.995


def test_the_same_sitter_gives_the_same_drawing(artist: GuidedArtist, sitter: Sitter) -> None:
    cv2.setRNGSeed(1)
    first = artist.draw(sitter)
    np.random.default_rng().random(10)
    cv2.setRNGSeed(99)
    second = GuidedArtist().draw(sitter)
    assert np.array_equal(first.ink, second.ink)
    assert first.strokes is not None
    assert second.strokes is not None
    assert [s.label for s in first.strokes] == [s.label for s in second.strokes]


def test_drawing_leaves_the_sitter_as_it_was(artist: GuidedArtist, sitter: Sitter) -> None:
    assert sitter.landmarks is not None
    assert sitter.matte is not None
    before = sitter.crop.copy(), sitter.landmarks.copy(), sitter.matte.copy(), sitter.valid.copy()
    artist.draw(sitter)
    after = sitter.crop, sitter.landmarks, sitter.matte, sitter.valid
    assert all(np.array_equal(a, b) for a, b in zip(before, after, strict=True))


def test_a_mirrored_face_gives_a_mirrored_drawing(artist: GuidedArtist, sitter: Sitter, finder: SitterFinder) -> None:
    mirrored = artist.draw(unseen(finder.find(Photo(np.ascontiguousarray(astronaut()[:, ::-1])))))
    here, there = (cv2.GaussianBlur(ink, (0, 0), 4) for ink in (artist.draw(sitter).ink, mirrored.ink[:, ::-1]))
    # not the same: mesh and matte differ by some pixels between a picture and its mirror image
    assert np.corrcoef(here.ravel(), there.ravel())[0, 1] > 0.5


@pytest.mark.parametrize('degrees', [-25.0, 25.0])
def test_a_tilted_head_gets_its_features(artist: GuidedArtist, finder: SitterFinder, degrees: float) -> None:
    matrix = cv2.getRotationMatrix2D((224.0, 180.0), degrees, 0.85)
    photo = cv2.warpAffine(astronaut(), matrix, (512, 512), borderMode=cv2.BORDER_REPLICATE)
    tilted = unseen(finder.find(Photo(photo)))
    drawn = artist.draw(tilted).strokes
    assert drawn is not None
    assert tilted.landmarks is not None
    for label, point in (('eye', 468), ('eye', 473), ('brow', 105), ('brow', 334), ('mouth', 13), ('jaw', 152)):
        assert near(drawn, label, tilted.landmarks[point, :2], 14)


def test_dark_lenses_hide_the_eyes_and_get_rims(artist: GuidedArtist, finder: SitterFinder) -> None:
    photo = astronaut()
    for centre in ((204, 102), (250, 100)):
        cv2.ellipse(photo, centre, (21, 16), 0, 0, 360, (15, 15, 20), -1, cv2.LINE_AA)
    cv2.line(photo, (222, 99), (232, 99), (15, 15, 20), 3, cv2.LINE_AA)
    drawn = artist.draw(unseen(finder.find(Photo(photo)))).strokes
    assert drawn is not None
    labels = [stroke.label for stroke in drawn]
    assert labels.count('glasses') >= 3
    assert 'eye' not in labels


def test_without_mesh_and_matte_the_head_is_still_drawn(artist: GuidedArtist, sitter: Sitter) -> None:
    drawn = artist.draw(replace(sitter, landmarks=None, matte=None, close_up=None)).strokes
    assert drawn is not None
    assert len(drawn) >= 10
    assert {stroke.label for stroke in drawn} <= {'other', 'hair', 'clothes'}


def test_a_mug_is_drawn_by_its_outline_and_its_rim(artist: GuidedArtist) -> None:
    drawn = artist.draw(whole(mug())).strokes
    assert drawn is not None
    assert {stroke.label for stroke in drawn} == {'other'}
    for corner_free_point in ((160, 270), (250, 380), (421, 260), (252, 186)):
        assert near(drawn, 'other', np.array(corner_free_point, float), 6)


def test_a_line_drawing_is_drawn_along_its_lines(artist: GuidedArtist) -> None:
    image = np.full((512, 512, 3), 255, np.uint8)
    cv2.circle(image, (256, 256), 150, (0, 0, 0), 5, cv2.LINE_AA)
    drawn = artist.draw(whole(image)).strokes
    assert drawn is not None
    points = np.vstack([stroke.xy for stroke in drawn])
    radius = np.hypot(*(points - 256.5).T)
    assert np.abs(radius - 150).max() < 3  # on the line, not along both of its sides
    assert sum(stroke.length for stroke in drawn) > 0.85 * 2 * np.pi * 150


@pytest.mark.parametrize('value', [0, 128, 255])
def test_a_flat_picture_gives_no_stroke(artist: GuidedArtist, value: int) -> None:
    art = artist.draw(whole(np.full((512, 512, 3), value, np.uint8)))
    assert art.strokes == ()
    assert art.ink.max() == 0.0


@pytest.mark.parametrize('sigma', [0.0, 2.0, 8.0])
def test_noise_stays_within_the_budget(artist: GuidedArtist, sigma: float) -> None:
    noise = np.random.default_rng(1).integers(0, 256, (512, 512, 3), np.uint8)
    drawn = artist.draw(whole(cv2.GaussianBlur(noise, (0, 0), sigma) if sigma else noise)).strokes
    assert drawn is not None
    assert sum(stroke.length for stroke in drawn) <= BUDGET_PX


@pytest.mark.parametrize('shape', [(32, 32), (33, 64), (300, 200)])
def test_crops_of_other_sizes_are_drawn(artist: GuidedArtist, shape: tuple[int, int]) -> None:
    image = np.random.default_rng(1).integers(0, 256, (*shape, 3), np.uint8)
    assert artist.draw(whole(image)).size_px == shape[::-1]


@pytest.mark.parametrize('case', ['nan', 'all at one point', 'far outside', 'scrambled', 'tiny', 'black crop'])
def test_an_impossible_mesh_never_crashes_the_artist(artist: GuidedArtist, sitter: Sitter, case: str) -> None:
    assert sitter.landmarks is not None
    mesh, crop = sitter.landmarks.copy(), sitter.crop
    if case == 'nan':
        mesh[5] = np.nan
    elif case == 'all at one point':
        mesh[:] = 256.0
    elif case == 'far outside':
        mesh += 5000.0
    elif case == 'scrambled':
        mesh = np.random.default_rng(0).permutation(mesh)
    elif case == 'tiny':
        mesh = 256 + 0.1 * (mesh - 256)
    else:
        crop = np.zeros_like(crop)
    odd = Sitter(crop, sitter.to_photo, sitter.valid, 1, sitter.face_box, mesh, sitter.matte)
    drawn = artist.draw(odd).strokes
    assert drawn is not None
    assert all(np.isfinite(stroke.xy).all() for stroke in drawn)


@pytest.mark.parametrize('case', ['empty matte', 'full matte', 'nothing valid', 'no matte'])
def test_odd_masks_never_crash_the_artist(artist: GuidedArtist, sitter: Sitter, case: str) -> None:
    matte, valid = sitter.matte, sitter.valid
    if case == 'empty matte':
        matte = np.zeros((CROP_PX, CROP_PX), np.float32)
    elif case == 'full matte':
        matte = np.ones((CROP_PX, CROP_PX), np.float32)
    elif case == 'no matte':
        matte = None
    else:
        valid = np.zeros((CROP_PX, CROP_PX), bool)
    odd = Sitter(sitter.crop, sitter.to_photo, valid, 1, sitter.face_box, sitter.landmarks, matte)
    drawn = artist.draw(odd).strokes
    assert drawn is not None
    assert 'eye' in {stroke.label for stroke in drawn}


def test_a_whole_photo_is_drawn_inside_its_letterbox(artist: GuidedArtist, finder: SitterFinder) -> None:
    photo = photo_from_array(mug()[100:400])
    found = finder.find(photo, require_face=False)
    drawn = artist.draw(found).strokes
    assert drawn is not None
    assert len(drawn) > 0
    points = np.vstack([stroke.xy for stroke in drawn]).astype(int)
    assert found.valid[points[:, 1], points[:, 0]].all()
