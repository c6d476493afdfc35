"""From a photo to somebody at full length with their own head."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import skimage.data

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.line_art.art import LineArt
from sketch_robot.photo import Photo, SitterFinder
from sketch_robot.photo.body import BodyFinder
from sketch_robot.poses import drawing
from sketch_robot.poses.drawing import FigureArtist, full_length_art
from sketch_robot.poses.framing import CANVAS_PX, find_sitter, frame_sitter, sits
from sketch_robot.poses.joints import NECK, torso_length
from sketch_robot.poses.named import usual_pose
from sketch_robot.poses.wish import PORTRAIT, PoseWish, check_wishes
from sketch_robot.stroke import Stroke
from sketch_robot.testing.people import STANDING, synthetic_person
from sketch_robot.wishes import Wishes


@pytest.fixture(scope='module')
def finder() -> BodyFinder:
    return BodyFinder()


@pytest.fixture(scope='module')
def person() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return synthetic_person()


@pytest.fixture(scope='module')
def artist() -> FigureArtist:
    return FigureArtist()


@pytest.fixture(scope='module')
def sitter(person):
    with SitterFinder() as found:
        return found.find(Photo(person[0], 'painted'))


def head_lines(sitter) -> tuple[Stroke, ...]:
    """Two eyes, a mouth and a chin of a sitter, and a line over the shoulders."""
    mesh = sitter.landmarks[:, :2].astype(float)
    shoulders = np.array([[40.0, 500.0], [470.0, 500.0]])
    parts = ((33, 133, 'eye'), (362, 263, 'eye'), (61, 291, 'mouth'), (136, 365, 'jaw'))
    faces = [Stroke(mesh[[a, b]], 1.0, label, 0.8) for a, b, label in parts]
    return (*faces, Stroke(shoulders, 1.0, 'clothes', 0.3))


# ----------------------------------------------------------------- who stands there
def test_a_painted_person_is_found_with_joints_and_matte(person, finder):
    rgb, matte, joints = person
    body = find_sitter(rgb, finder)
    off = np.hypot(*(body.joints()[:14, :2] - joints[:14, :2]).T) / torso_length(joints)
    assert np.median(off) < 0.08
    both, either = (body.mask > 0.5) & (matte > 0.5), (body.mask > 0.5) | (matte > 0.5)
    assert both.sum() / either.sum() > 0.9


def test_somebody_small_in_a_corner_is_put_in_the_middle_of_the_canvas(finder):
    rgb, _, _ = synthetic_person(900, 1400, at=0.2, size=0.45)
    frame = frame_sitter(rgb, find_sitter(rgb, finder))
    assert frame.rgba.shape == (*CANVAS_PX, 4)
    height = np.ptp(np.nonzero(frame.rgba[..., 3].max(axis=1) > 127)[0])
    assert 0.7 * CANVAS_PX[0] < height < 0.9 * CANVAS_PX[0]
    assert frame.pose[NECK, 0] == pytest.approx(CANVAS_PX[1] / 2, abs=20)


@pytest.mark.parametrize(
    ('picture', 'message'),
    [
        (np.full((400, 300, 3), 200, np.uint8), 'nobody is seen'),
        (skimage.data.coffee(), 'nobody is seen'),
        (skimage.data.astronaut(), 'no knees'),
        (synthetic_person()[0][:620], 'no (knees and no )?feet'),
        (np.hstack([synthetic_person(960, 480)[0], synthetic_person(960, 480)[0]]), 'two people'),
        (synthetic_person(150, 100)[0], 'nobody is seen|pixels tall'),
    ],
    ids=['blank', 'cup', 'half', 'cut off', 'two', 'tiny'],
)
def test_a_photo_without_one_whole_person_says_what_is_missing(picture, message, finder):
    with pytest.raises(SketchRobotError, match=message) as caught:
        find_sitter(picture, finder)
    assert caught.value.code is ErrorCode.NO_BODY


def test_somebody_who_sits_is_offered_the_plain_drawing(person, artist, monkeypatch):
    sitting = STANDING.copy()
    sitting[[9, 12], 1] = 1.2
    sitting[[10, 13], 1] = 2.0
    assert sits(sitting)
    assert not sits(STANDING)
    monkeypatch.setattr(drawing, 'sits', lambda _pose: True)
    with pytest.raises(SketchRobotError, match='stand up, or choose as_they_stand') as caught:
        artist.draw(person[0], PoseWish('dancer'))
    assert caught.value.code is ErrorCode.NO_BODY


def test_a_figure_in_which_nobody_is_found_is_not_drawn(person, artist, monkeypatch):
    monkeypatch.setattr(artist, 'paint', lambda frame, _target: np.full_like(frame.rgba, 128))
    with pytest.raises(SketchRobotError, match='did not come out well; try another, or choose as_they_stand') as caught:
        artist.draw(person[0], PoseWish('dancer'))
    assert caught.value.code is ErrorCode.NO_BODY


# ----------------------------------------------------------------- the drawing
def test_as_they_stand_the_head_lies_where_it_is_in_the_photo(person, artist, sitter, finder):
    figure = artist.draw(person[0], PoseWish('as_they_stand'))
    art = full_length_art(LineArt(np.zeros((512, 512), np.float32), 'student'), head_lines(sitter), sitter, figure)
    assert art.ink.shape == CANVAS_PX
    eyes = np.concatenate([stroke.xy for stroke in art.strokes if stroke.label == 'eye'])
    frame = frame_sitter(person[0], find_sitter(person[0], finder))
    assert eyes.mean(axis=0) == pytest.approx(frame.pose[[14, 15], :2].mean(axis=0), abs=8)


def test_there_is_one_head_and_it_ends_at_the_neck(person, artist, sitter):
    figure = artist.draw(person[0], PoseWish('as_they_stand'))
    art = full_length_art(LineArt(np.zeros((512, 512), np.float32), 'student'), head_lines(sitter), sitter, figure)
    chin = max(stroke.xy[:, 1].max() for stroke in art.strokes if stroke.label == 'jaw')
    body = np.concatenate([stroke.xy for stroke in art.strokes if stroke.label == 'clothes'])
    assert body[:, 1].min() > chin - 5  # the body's own head is gone
    assert len(body) > 200


def test_a_face_that_is_elsewhere_is_not_set_onto_the_body(person, artist, sitter):
    figure = artist.draw(person[0], PoseWish('as_they_stand'))
    art = LineArt(np.zeros((512, 512), np.float32), 'student')
    poster = sitter.to_photo + np.array([[0, 0, 0], [0, 0, 250]])
    for other in (replace(sitter, to_photo=poster), replace(sitter, face_box=None, landmarks=None)):
        with pytest.raises(SketchRobotError) as caught:
            full_length_art(art, head_lines(sitter), other, figure)
        assert caught.value.code is ErrorCode.NO_FACE


@pytest.mark.parametrize('name', ['dancer', 'cheering'])
def test_a_pose_moves_the_head_to_the_new_neck(person, artist, sitter, name):
    figure = artist.draw(person[0], PoseWish(name))
    art = full_length_art(LineArt(np.zeros((512, 512), np.float32), 'student'), head_lines(sitter), sitter, figure)
    torso = torso_length(figure.pose)
    jaw = next(stroke for stroke in art.strokes if stroke.label == 'jaw')
    assert np.hypot(*(jaw.xy.mean(axis=0) - figure.pose[NECK, :2])) < 0.5 * torso
    points = np.concatenate([stroke.xy for stroke in art.strokes])
    assert (points >= 0).all()
    assert (points <= CANVAS_PX[::-1]).all()


def test_a_pose_is_taken_from_a_picture_of_somebody_else(person, artist):
    other = usual_pose('cheering')
    shown, _, joints = synthetic_person(pose=other, shirt=(190, 60, 50))
    figure = artist.draw(person[0], PoseWish(image=shown))
    wanted = (joints[4, :2] - joints[NECK, :2]) / torso_length(joints)
    found = (figure.pose[4, :2] - figure.pose[NECK, :2]) / torso_length(figure.pose)
    assert found == pytest.approx(wanted, abs=0.35)


def test_a_picture_of_a_pose_that_shows_nobody_is_refused(person, artist):
    with pytest.raises(SketchRobotError, match='shows nobody whose shoulders') as caught:
        artist.draw(person[0], PoseWish(image=skimage.data.coffee()))
    assert caught.value.code is ErrorCode.BAD_GOAL


# ----------------------------------------------------------------- wishes
def test_wishes_that_do_not_go_together_are_refused():
    with pytest.raises(SketchRobotError, match='give one of both'):
        PoseWish('dancer', np.zeros((9, 9, 3), np.uint8))
    with pytest.raises(SketchRobotError, match='choose one of: as_they_stand'):
        PoseWish('cartwheel')
    with pytest.raises(SketchRobotError, match='not with the shading'):
        check_wishes(PoseWish('dancer'), Wishes(shading='hatch'))
    check_wishes(PORTRAIT, Wishes(shading='hatch'))
    assert not PORTRAIT
