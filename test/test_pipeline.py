"""Photo to plan in one call, on the photo of Eileen Collins that scikit-image ships."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from skimage.data import astronaut, coffee

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.line_art.art import LineArt
from sketch_robot.line_art.artist import Artist
from sketch_robot.motion import MachineLimits, load_limits, parse_page
from sketch_robot.photo import CROP_PX, Photo, Sitter, SitterFinder
from sketch_robot.pipeline import Pipeline, draw_photo
from sketch_robot.stroke import Stroke

A5 = parse_page('A5')


class OneLine(Artist):
    """Draws one line, or what it is told to."""

    name = 'one_line'

    def __init__(self, ink: float = 0.0, *strokes: Stroke) -> None:
        self.ink, self.strokes = ink, strokes
        self.sitters: list[Sitter] = []

    def draw(self, sitter: Sitter) -> LineArt:
        self.sitters.append(sitter)
        return LineArt(np.full((CROP_PX, CROP_PX), self.ink, np.float32), self.name, self.strokes)


class OneFace:
    """A finder that finds the same sitter in every photo."""

    def __init__(self) -> None:
        self.closed = 0

    def find(self, _photo: Photo, *, require_face: bool = True) -> Sitter:
        side = CROP_PX
        return Sitter(
            np.zeros((side, side, 3), np.uint8), np.eye(3)[:2], np.ones((side, side), bool), int(require_face)
        )

    def warm_up(self) -> None:
        pass

    def close(self) -> None:
        self.closed += 1


LINE = Stroke(np.array([[128.0, 256.0], [384.0, 256.0]]), 1.0, 'mouth', 1.0)


def quick_pipeline(*strokes: Stroke) -> Pipeline:
    return Pipeline(OneLine(0.0, *(strokes or (LINE,))), finder=OneFace())  # type: ignore[arg-type]


@pytest.fixture(scope='module')
def photo() -> Photo:
    return Photo(astronaut(), 'astronaut')


@pytest.fixture(scope='module')
def pipeline() -> Iterator[Pipeline]:
    with Pipeline('guided') as made:
        made.warm_up()
        yield made


# ------------------------------------------------------------------------------- a real portrait
def test_a_photo_becomes_a_plan_inside_the_margins_of_its_page(pipeline: Pipeline, photo: Photo) -> None:
    result = pipeline.draw(photo, page=A5)
    points = np.vstack([stroke.xy for stroke in result.plan.strokes])
    left, bottom, right, top = A5.drawable_mm
    assert (points >= (left - 1e-9, bottom - 1e-9)).all()
    assert (points <= (right + 1e-9, top + 1e-9)).all()
    assert np.ptp(points[:, 0]) > 0.5 * (right - left)  # a portrait, not a speck in a corner
    assert len(result.plan.strokes) > 20
    assert (result.sitter.faces, result.art.artist, result.plan.artist) == (1, 'guided', 'guided')


def test_the_face_lies_upright_on_the_page(pipeline: Pipeline, photo: Photo) -> None:
    strokes = pipeline.draw(photo, page=A5).plan.strokes
    height = {
        label: np.vstack([stroke.xy for stroke in strokes if stroke.label == label])[:, 1].mean()
        for label in ('eye', 'nose', 'mouth')
    }
    assert height['eye'] > height['nose'] > height['mouth']


def test_the_same_photo_gives_the_same_plan(pipeline: Pipeline, photo: Photo) -> None:
    one, other = (pipeline.draw(photo, page=A5).plan for _ in range(2))
    assert len(one.strokes) == len(other.strokes)
    assert all((a.xy == b.xy).all() for a, b in zip(one.strokes, other.strokes, strict=True))
    assert one.predicted_s == other.predicted_s


@pytest.mark.parametrize('share', [0.25, 0.6])
def test_a_budget_is_kept_and_leaves_out_unimportant_strokes(pipeline: Pipeline, photo: Photo, share: float) -> None:
    whole = pipeline.draw(photo, page=A5)
    budget_s = share * whole.plan.predicted_s
    short = pipeline.draw(photo, page=A5, time_budget_s=budget_s)
    assert 0.5 * budget_s < short.plan.predicted_s <= budget_s
    assert short.plan.left_out > 0
    assert len(short.plan.strokes) < len(whole.plan.strokes)
    assert len(short.strokes) == len(whole.strokes)  # the line art's own are all there


def test_a_photo_without_a_face_is_refused_or_drawn_as_a_whole(pipeline: Pipeline) -> None:
    mug = Photo(coffee(), 'mug')
    with pytest.raises(SketchRobotError, match='no face was found in mug') as caught:
        pipeline.draw(mug, page=A5)
    assert caught.value.code == ErrorCode.NO_FACE
    result = pipeline.draw(mug, page=A5, require_face=False)
    assert result.sitter.faces == 0
    assert len(result.plan.strokes) > 0


def test_the_artist_who_knows_no_strokes_has_its_ink_traced(photo: Photo) -> None:
    with Pipeline('student') as student:
        result = student.draw(photo, page=A5)
    assert result.art.strokes is None
    assert len(result.strokes) > 10
    assert result.plan.artist == 'student'


def test_one_call_draws_a_file_on_a_page_by_name(tmp_path: Path) -> None:
    path = tmp_path / 'face.png'
    cv2.imwrite(str(path), astronaut()[..., ::-1])
    result = draw_photo(path, page='A6 landscape', profile='axidraw', artist='guided', time_budget_s=60.0)
    assert (result.plan.page.width_mm, result.plan.page.height_mm) == (148.0, 105.0)
    assert result.plan.profile == load_limits('axidraw')
    assert 0.0 < result.plan.predicted_s <= 60.0
    assert result.stage_s['capture'] > 0.0


# ------------------------------------------------------------------------------- the stages
def test_the_stages_are_named_as_they_begin_and_timed(photo: Photo) -> None:
    begun: list[str] = []
    result = quick_pipeline().draw(photo, page=A5, on_stage=begun.append)
    assert begun == list(result.stage_s) == ['capture', 'line_art', 'plan']
    assert all(seconds >= 0.0 for seconds in result.stage_s.values())


def test_the_profile_is_handed_to_the_plan_and_slows_it(photo: Photo) -> None:
    slow = MachineLimits(draw_speed_mm_s=10.0)
    default, other = (quick_pipeline().draw(photo, page=A5, profile=p).plan for p in (None, slow))
    assert default.profile == MachineLimits()
    assert other.profile == slow
    assert other.predicted_s > 2.0 * default.predicted_s


def test_an_artist_of_ones_own_draws_the_sitter_found(photo: Photo) -> None:
    artist = OneLine(0.0, LINE)
    result = Pipeline(artist, finder=OneFace()).draw(photo, page=A5)  # type: ignore[arg-type]
    assert artist.sitters == [result.sitter]
    assert result.plan.artist == 'one_line'
    assert [stroke.label for stroke in result.plan.strokes] == ['mouth']


def test_a_finder_of_ones_own_is_left_open() -> None:
    finder = OneFace()
    with Pipeline(OneLine(), finder=finder):  # type: ignore[arg-type]
        pass
    assert finder.closed == 0


def test_its_own_finder_is_closed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    finder = OneFace()
    monkeypatch.setattr('sketch_robot.pipeline.SitterFinder', lambda: finder)
    with Pipeline(OneLine()) as made:
        made.close()
    assert finder.closed == 1


# ------------------------------------------------------------------------------- what cannot be drawn
def test_an_unknown_artist_is_refused_with_those_that_exist_before_any_model_is_loaded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse() -> SitterFinder:
        raise AssertionError('loaded')

    monkeypatch.setattr('sketch_robot.pipeline.SitterFinder', refuse)
    with pytest.raises(SketchRobotError, match=r"no artist 'rembrandt'.*guided") as caught:
        Pipeline('rembrandt')
    assert caught.value.code == ErrorCode.BAD_GOAL


@pytest.mark.parametrize('budget_s', [-1.0, float('nan'), float('inf'), -float('inf')])
def test_a_budget_that_is_no_time_is_refused_before_any_work(photo: Photo, budget_s: float) -> None:
    artist = OneLine(0.0, LINE)
    with pytest.raises(SketchRobotError, match='is not a length of time') as caught:
        Pipeline(artist, finder=OneFace()).draw(photo, page=A5, time_budget_s=budget_s)  # type: ignore[arg-type]
    assert caught.value.code == ErrorCode.BAD_GOAL
    assert artist.sitters == []


@pytest.mark.parametrize('limit_s', [None, 0.0])
def test_no_budget_draws_everything(photo: Photo, limit_s: float | None) -> None:
    assert quick_pipeline().draw(photo, page=A5, time_budget_s=limit_s).plan.left_out == 0


def test_a_budget_too_short_for_any_stroke_says_so(photo: Photo) -> None:
    with pytest.raises(SketchRobotError) as caught:
        quick_pipeline().draw(photo, page=A5, time_budget_s=0.1)
    assert caught.value.code == ErrorCode.NOTHING_TO_DRAW


def test_an_empty_drawing_is_nothing_to_draw(photo: Photo) -> None:
    empty = Pipeline(OneLine(0.0), finder=OneFace())  # type: ignore[arg-type]
    with pytest.raises(SketchRobotError, match='no strokes') as caught:
        empty.draw(photo, page=A5)
    assert caught.value.code == ErrorCode.NOTHING_TO_DRAW


@pytest.mark.parametrize(
    ('content', 'message'),
    [(None, 'cannot read the picture'), (b'', 'is empty'), (b'not a picture', 'no picture that can be read')],
)
def test_a_file_that_is_no_picture_is_a_bad_image(tmp_path: Path, content: bytes | None, message: str) -> None:
    path = tmp_path / 'photo.jpg'
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SketchRobotError, match=message) as caught:
        quick_pipeline().draw(path, page=A5)
    assert caught.value.code == ErrorCode.BAD_IMAGE


@pytest.mark.parametrize(
    ('page', 'profile', 'message'),
    [
        ('A9', 'default', "there is no page 'A9'"),
        ('20x50', 'default', 'leaves nothing inside 10 mm margins'),
        ('A5', 'lightning', "there is no machine 'lightning'"),
    ],
)
def test_an_unusable_page_or_profile_is_a_bad_goal(photo: Photo, page: str, profile: str, message: str) -> None:
    with pytest.raises(SketchRobotError, match=message) as caught:
        draw_photo(photo, page=page, profile=profile)
    assert caught.value.code == ErrorCode.BAD_GOAL
