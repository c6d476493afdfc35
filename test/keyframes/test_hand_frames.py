"""Frames by number and key frames: exact, and each mistake told in one line."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.keyframes.frames import open_frames
from sketch_robot.keyframes.keys import paper_of, read_keys
from sketch_robot.keyframes.temporal import calm_frame


def _refused(code: ErrorCode, match: str, frames, *keys) -> None:
    with pytest.raises(SketchRobotError, match=match) as caught:
        read_keys(frames, *keys)
    assert caught.value.code is code
    assert '\n' not in caught.value.message


def test_a_videos_frames_are_the_same_in_any_order(video):
    forwards = open_frames(video)
    in_order = [forwards.frame(number).copy() for number in range(len(forwards))]
    assert len(in_order) == 6
    assert forwards.moving
    for number in (5, 0, 3, 1):
        assert np.array_equal(open_frames(video).frame(number), in_order[number])


def test_a_folder_of_one_size_is_taken_for_moving_and_a_photo_is_not(clip):
    assert open_frames(clip / 'frames').moving
    assert not open_frames(clip / 'frames', moving=False).moving
    photo = open_frames(clip / 'frames' / '0.png')
    assert (len(photo), photo.moving) == (1, False)


def test_a_frame_beyond_the_end_is_named_with_the_last(video):
    with pytest.raises(SketchRobotError, match=r'clip.avi has no frame 6; the last is 5') as caught:
        open_frames(video).frame(6)
    assert caught.value.code is ErrorCode.NO_FRAME


def test_a_video_that_is_cut_off_has_the_frames_that_are_left(video, tmp_path):
    short = tmp_path / 'short.avi'
    whole = video.read_bytes()
    short.write_bytes(whole[: int(0.8 * len(whole))])
    frames = open_frames(short)
    assert 0 < len(frames) < 6
    with pytest.raises(SketchRobotError, match='has no frame 5'):
        frames.frame(5)


@pytest.mark.parametrize('content', [b'', b'no video at all'])
def test_what_is_no_video_is_refused(tmp_path, content):
    path = tmp_path / 'no.mp4'
    path.write_bytes(content)
    with pytest.raises(SketchRobotError, match='cannot be opened') as caught:
        open_frames(path)
    assert caught.value.code is ErrorCode.NO_FRAME


def test_an_empty_folder_and_a_missing_file_are_refused(tmp_path):
    for path, match in (
        (tmp_path, 'holds no pictures'),
        (tmp_path / 'a.mp4', 'no video'),
        (tmp_path / 'a.png', 'a.png'),
    ):
        with pytest.raises(SketchRobotError, match=match) as caught:
            open_frames(path)
        assert caught.value.code is ErrorCode.BAD_IMAGE


def test_key_frames_are_read_with_their_masks(clip):
    frames = open_frames(clip / 'frames')
    keys = read_keys(frames, [(2, clip / 'drawn/2.png'), (4, clip / 'drawn/4.png')], [clip / 'mask.png'])
    assert [key.number for key in keys] == [2, 4]
    assert keys[0].where[24, 28]
    assert not keys[0].where[0, 0]
    paper, darkest = paper_of(keys)
    assert (paper, darkest) == (255.0, 0.0)


def test_mistakes_in_key_frames_are_told_in_one_line(clip, tmp_path):
    frames = open_frames(clip / 'frames')
    drawn = clip / 'drawn/2.png'
    blank, small, black = (tmp_path / f'{name}.png' for name in ('blank', 'small', 'black'))
    cv2.imwrite(str(blank), np.full((48, 64, 3), 255, np.uint8))
    cv2.imwrite(str(small), np.zeros((48, 60, 3), np.uint8))
    cv2.imwrite(str(black), np.zeros((48, 64, 3), np.uint8))
    corner = tmp_path / 'corner.png'
    cv2.imwrite(str(corner), cv2.rectangle(np.zeros((48, 64), np.uint8), (0, 0), (63, 7), (255,), -1))
    wide = tmp_path / 'wide.png'
    cv2.imwrite(str(wide), np.full((48, 64), 255, np.uint8) * (np.arange(64) > 34).astype(np.uint8))
    bad, image = ErrorCode.BAD_GOAL, ErrorCode.BAD_IMAGE
    _refused(bad, 'give 1 to 5 key frames, not 0', frames, [])
    _refused(bad, 'only once', frames, [(2, drawn), (2, drawn)])
    _refused(ErrorCode.NO_FRAME, 'no frame 9; the last is 5', frames, [(9, drawn)])
    _refused(image, r'60 x 48 px, but frame 2 64 x 48', frames, [(2, small)])
    _refused(image, 'is empty', frames, [(2, drawn)], [black])
    _refused(image, 'is empty', frames, [(2, drawn)], [corner])
    _refused(image, 'nothing is drawn in .*wide', frames, [(1, clip / 'drawn/0.png')], [wide])
    _refused(image, 'nothing is drawn', frames, [(2, blank)])
    _refused(image, '60 x 48 px', frames, [(2, drawn)], [small])
    _refused(bad, '1 key frames and 2 masks', frames, [(2, drawn)], [black, black])
    _refused(image, 'missing.png', frames, [(2, tmp_path / 'missing.png')])


def test_calming_takes_grain_away_and_leaves_photos_alone(tmp_path):
    rng = np.random.default_rng(2)
    plain = cv2.GaussianBlur(rng.integers(0, 255, (48, 64, 3)).astype(np.uint8), (0, 0), 3.0)
    for number in range(5):
        noisy = np.clip(plain + rng.normal(0, 5, plain.shape), 0, 255).astype(np.uint8)
        cv2.imwrite(str(tmp_path / f'{number}.png'), noisy[..., ::-1])
    frames = open_frames(tmp_path)

    def error(frame: np.ndarray) -> float:
        return float(np.abs(frame.astype(float) - plain).mean())

    assert error(calm_frame(frames, 2)) < 0.7 * error(frames.frame(2))
    photos = open_frames(tmp_path, moving=False)
    assert calm_frame(photos, 2) is photos.frame(2)
