"""Finding the sitter: on the photo of Eileen Collins that scikit-image ships (public domain, NASA)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest
from skimage.data import astronaut, coffee

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.photo import CROP_PX, Photo, Sitter, SitterFinder, find_sitter
from sketch_robot.photo import finder as finder_module

FACE = np.array([225.0, 125.0])  # the middle of her face in the photo, px


@pytest.fixture(scope='module')
def finder() -> Iterator[SitterFinder]:
    with SitterFinder() as found:
        found.warm_up()
        yield found


@pytest.fixture
def look_quickly(finder: SitterFinder) -> Iterator[Callable[[Photo], Sitter]]:
    def find(photo: Photo) -> Sitter:
        finder.quick = True
        return finder.find(photo)

    yield find
    finder.quick = False


@pytest.fixture(scope='module')
def photo() -> Photo:
    return Photo(astronaut(), 'astronaut')


def centre(box: np.ndarray) -> np.ndarray:
    return box[:2] + box[2:] / 2


def in_photo(to_photo: np.ndarray, xy: np.ndarray) -> np.ndarray:
    return xy @ to_photo[:, :2].T + to_photo[:, 2]


def turned(image: np.ndarray, degrees: float) -> np.ndarray:
    height, width = image.shape[:2]
    matrix = cv2.getRotationMatrix2D((float(FACE[0]), float(FACE[1]) + 60), degrees, 0.8)
    return cv2.warpAffine(image, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE)


def test_a_sitter_has_all_parts(finder: SitterFinder, photo: Photo) -> None:
    sitter = finder.find(photo)
    assert sitter.faces == 1
    assert sitter.crop.shape == (CROP_PX, CROP_PX, 3)
    assert sitter.crop.dtype == np.uint8
    assert sitter.valid.all()
    assert sitter.landmarks is not None
    assert sitter.landmarks.shape == (478, 3)
    assert sitter.landmarks.dtype == np.float32
    assert sitter.matte is not None
    assert sitter.matte.dtype == np.float32
    assert 0.0 <= sitter.matte.min() <= sitter.matte.max() <= 1.0


def test_the_face_lies_where_it_is_in_the_photo(finder: SitterFinder, photo: Photo) -> None:
    sitter = finder.find(photo)
    assert sitter.face_box is not None
    assert sitter.landmarks is not None
    assert in_photo(sitter.to_photo, centre(sitter.face_box)) == pytest.approx(FACE, abs=15)
    assert in_photo(sitter.to_photo, sitter.landmarks[:, :2]).mean(axis=0) == pytest.approx(FACE, abs=15)


def test_the_crop_shows_what_to_photo_says(finder: SitterFinder, photo: Photo) -> None:
    sitter = finder.find(photo)
    rows, columns = np.mgrid[40:470:9, 40:470:9]
    grey = cv2.cvtColor(photo.rgb, cv2.COLOR_RGB2GRAY).astype(np.float32)
    crop = cv2.cvtColor(sitter.crop, cv2.COLOR_RGB2GRAY).astype(np.float32)[rows, columns]

    def difference(shift_px: float) -> float:
        at = in_photo(sitter.to_photo, np.stack([columns, rows], axis=-1) + 0.5 + shift_px) - 0.5
        seen = cv2.remap(grey, np.float32(at[..., 0]), np.float32(at[..., 1]), cv2.INTER_CUBIC)
        return float(np.abs(seen - crop).mean())

    assert difference(0.0) < 1.0
    assert difference(0.0) < 0.5 * min(difference(0.5), difference(-0.5))


def test_the_crop_leaves_room_for_hair_and_shoulders(finder: SitterFinder, photo: Photo) -> None:
    sitter = finder.find(photo)
    assert sitter.landmarks is not None
    face = np.ptp(sitter.landmarks[:468, 1])
    assert 0.4 < face / CROP_PX < 0.6


def test_the_matte_covers_the_face_and_not_the_corners(finder: SitterFinder, photo: Photo) -> None:
    sitter = finder.find(photo)
    assert sitter.landmarks is not None
    assert sitter.matte is not None
    spots = np.clip(sitter.landmarks[:468, :2].astype(int), 0, CROP_PX - 1)
    assert sitter.matte[spots[:, 1], spots[:, 0]].mean() > 0.98
    assert sitter.matte[:40, :40].max() < 0.1


def test_the_same_photo_gives_the_same_sitter(finder: SitterFinder, photo: Photo) -> None:
    first, second = finder.find(photo), finder.find(photo)
    assert np.array_equal(first.crop, second.crop)
    assert np.array_equal(first.landmarks, second.landmarks)
    assert np.array_equal(first.matte, second.matte)
    assert np.array_equal(first.to_photo, second.to_photo)


@pytest.mark.parametrize('degrees', [-30, -15, 15, 30])
def test_a_tilted_head_is_found_with_its_mesh(finder: SitterFinder, photo: Photo, degrees: float) -> None:
    sitter = finder.find(Photo(turned(photo.rgb, degrees)))
    assert sitter.landmarks is not None
    eyes = sitter.landmarks[263, :2] - sitter.landmarks[33, :2]
    assert np.degrees(np.arctan2(-eyes[1], eyes[0])) == pytest.approx(degrees, abs=6)


@pytest.mark.parametrize('quarters', [1, 3])
def test_a_photo_on_its_side_is_turned_upright(finder: SitterFinder, photo: Photo, quarters: int) -> None:
    lying = Photo(np.ascontiguousarray(np.rot90(photo.rgb[:300], quarters)))
    sitter = finder.find(lying)
    assert sitter.landmarks is not None
    eyes = sitter.landmarks[263, :2] - sitter.landmarks[33, :2]
    assert abs(np.degrees(np.arctan2(eyes[1], eyes[0]))) < 20
    x, y = FACE
    width, height = 512, 300
    at = {1: (y, width - x), 3: (height - y, x)}[quarters]
    assert in_photo(sitter.to_photo, sitter.landmarks[:, :2]).mean(axis=0) == pytest.approx(at, abs=15)


def test_an_upside_down_head_never_crashes(finder: SitterFinder, photo: Photo) -> None:
    sitter = finder.find(Photo(np.ascontiguousarray(photo.rgb[::-1, ::-1])), require_face=False)
    assert sitter.crop.shape == (CROP_PX, CROP_PX, 3)


def test_of_two_faces_the_larger_sits_and_both_are_counted(finder: SitterFinder, photo: Photo) -> None:
    group = np.full((600, 1000, 3), 200, np.uint8)
    group[60:572, 30:542] = photo.rgb
    group[200:500, 650:950] = cv2.resize(photo.rgb, (300, 300), interpolation=cv2.INTER_AREA)
    sitter = finder.find(Photo(group))
    assert sitter.faces == 2
    assert sitter.face_box is not None
    assert in_photo(sitter.to_photo, centre(sitter.face_box)) == pytest.approx(FACE + np.array([30, 60]), abs=15)


def test_a_crowd_is_counted(finder: SitterFinder, photo: Photo) -> None:
    small = cv2.resize(photo.rgb, (256, 256), interpolation=cv2.INTER_AREA)
    assert finder.find(Photo(np.tile(small, (2, 3, 1)))).faces == 6


def test_a_small_face_in_a_large_photo_is_found(finder: SitterFinder, photo: Photo) -> None:
    scene = np.full((1600, 2000, 3), 180, np.uint8)
    scene[900:1156, 1500:1756] = cv2.resize(photo.rgb, (256, 256), interpolation=cv2.INTER_AREA)
    sitter = finder.find(Photo(scene))
    assert sitter.faces == 1
    assert sitter.face_box is not None
    assert in_photo(sitter.to_photo, centre(sitter.face_box)) == pytest.approx(FACE / 2 + np.array([1500, 900]), abs=12)


def test_a_quick_look_gives_nearly_the_same_sitter(
    finder: SitterFinder, look_quickly: Callable[[Photo], Sitter], photo: Photo
) -> None:
    frame = Photo(cv2.copyMakeBorder(photo.rgb, 104, 104, 384, 384, cv2.BORDER_CONSTANT, value=(190, 190, 190)))
    sitter, quick = finder.find(frame), look_quickly(frame)
    assert quick.to_photo == pytest.approx(sitter.to_photo, abs=3.0)
    assert quick.landmarks == pytest.approx(sitter.landmarks, abs=5.0)
    assert sitter.matte is not None
    assert quick.matte is not None
    assert ((quick.matte > 0.5) != (sitter.matte > 0.5)).mean() < 0.03


def test_a_quick_look_finds_a_small_face_as_well(
    finder: SitterFinder, look_quickly: Callable[[Photo], Sitter], photo: Photo
) -> None:
    wide = np.full((1400, 1800, 3), 150, np.uint8)
    wide[900:1100, 1200:1400] = cv2.resize(photo.rgb, (200, 200), interpolation=cv2.INTER_AREA)
    sitter = finder.find(Photo(wide))
    assert look_quickly(Photo(wide)).to_photo == pytest.approx(sitter.to_photo, abs=1.0)


def test_a_face_at_the_border_is_framed_and_the_beyond_is_marked(finder: SitterFinder, photo: Photo) -> None:
    cut_off = np.ascontiguousarray(photo.rgb[20:240, 130:320])
    sitter = finder.find(Photo(cut_off))
    assert sitter.faces == 1
    assert not sitter.valid.all()
    inside = in_photo(sitter.to_photo, np.argwhere(sitter.valid)[:, ::-1] + 0.5)
    assert (inside >= -1).all()
    assert (inside <= np.array([190, 220]) + 1).all()


@pytest.mark.parametrize('kind', ['grey', 'noise', 'black'])
def test_a_picture_without_a_face_is_refused_by_name(finder: SitterFinder, kind: str) -> None:
    image = {
        'grey': np.full((300, 400, 3), 128, np.uint8),
        'noise': np.random.default_rng(3).integers(0, 256, (300, 400, 3), np.uint8),
        'black': np.zeros((300, 400, 3), np.uint8),
    }[kind]
    with pytest.raises(SketchRobotError) as caught:
        finder.find(Photo(image, 'wall.jpg'))
    assert caught.value.code is ErrorCode.NO_FACE
    assert 'wall.jpg' in caught.value.message
    assert 'require_face' in caught.value.message


def test_a_cup_of_coffee_is_no_face(finder: SitterFinder) -> None:
    with pytest.raises(SketchRobotError) as caught:
        finder.find(Photo(coffee(), 'coffee'))
    assert caught.value.code is ErrorCode.NO_FACE


def test_without_a_face_the_whole_picture_may_be_drawn(finder: SitterFinder) -> None:
    sitter = finder.find(Photo(np.full((200, 400, 3), 128, np.uint8)), require_face=False)
    assert sitter.faces == 0
    assert sitter.face_box is None
    assert sitter.landmarks is None
    assert sitter.matte is None
    assert sitter.valid.mean() == pytest.approx(0.5, abs=0.01)
    assert in_photo(sitter.to_photo, np.array([256.0, 256.0])) == pytest.approx([200.0, 100.0])


def test_each_thread_gets_a_finder_of_its_own(photo: Photo) -> None:
    with ThreadPoolExecutor(2) as pool:
        sitters = list(pool.map(find_sitter, [photo, photo]))
    assert [sitter.faces for sitter in sitters] == [1, 1]
    assert np.array_equal(sitters[0].landmarks, sitters[1].landmarks)


class TestFollowing:
    """A live view follows the face of the frame before."""

    @pytest.fixture
    def looked(self, finder: SitterFinder, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
        """How often the finder has looked for faces anew, counted by the widths of what it looked at."""
        widths: list[int] = []
        models = finder._models
        boxes = models.boxes

        def counted(rgb: np.ndarray) -> np.ndarray:
            widths.append(rgb.shape[1])
            return boxes(rgb)

        monkeypatch.setattr(models, 'boxes', counted)
        finder._before, finder.quick = None, True
        yield widths
        finder._before, finder.quick = None, False

    @staticmethod
    def frame(photo: Photo, left: int, top: int = 60) -> Photo:
        rgb = np.full((640, 900, 3), 190, np.uint8)
        rgb[top : top + 512, left : left + 512] = photo.rgb
        return Photo(rgb)

    def test_a_face_that_moves_is_followed_without_looking_anew(
        self, finder: SitterFinder, looked: list[int], photo: Photo
    ) -> None:
        for left, top in ((100, 60), (115, 64), (130, 70), (150, 60)):
            sitter, place = finder.find(self.frame(photo, left, top)), FACE + np.array([left, top])
            assert sitter.landmarks is not None
            assert sitter.face_box is not None
            assert in_photo(sitter.to_photo, sitter.landmarks[:, :2]).mean(axis=0) == pytest.approx(place, abs=5)
            assert in_photo(sitter.to_photo, centre(sitter.face_box)) == pytest.approx(
                FACE + np.array([left, top]), abs=15
            )
        assert len(looked) == 1

    def test_a_face_that_jumps_is_looked_for(self, finder: SitterFinder, looked: list[int], photo: Photo) -> None:
        finder.find(self.frame(photo, 10))
        sitter = finder.find(self.frame(photo, 380))
        assert in_photo(sitter.to_photo, centre(sitter.face_box)) == pytest.approx(FACE + np.array([380, 60]), abs=15)
        assert len(looked) == 2

    def test_all_faces_are_looked_for_now_and_then(self, finder: SitterFinder, looked: list[int], photo: Photo) -> None:
        for _ in range(finder_module.LOOK_ANEW + 2):
            finder.find(self.frame(photo, 100))
        assert len(looked) == 2

    @pytest.mark.usefixtures('looked')
    def test_a_face_that_leaves_is_no_longer_seen(self, finder: SitterFinder, photo: Photo) -> None:
        finder.find(self.frame(photo, 100))
        with pytest.raises(SketchRobotError) as caught:
            finder.find(Photo(np.full((640, 900, 3), 190, np.uint8)))
        assert caught.value.code is ErrorCode.NO_FACE

    def test_a_still_photo_is_always_looked_at_anew(
        self, finder: SitterFinder, looked: list[int], photo: Photo
    ) -> None:
        finder.quick = False
        first, second = finder.find(self.frame(photo, 100)), finder.find(self.frame(photo, 100))
        assert len(looked) == 2
        assert np.array_equal(first.landmarks, second.landmarks)
