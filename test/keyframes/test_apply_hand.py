"""A hand applied: one frame alone is as in its sequence, several at once, into pictures and videos."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.keyframes.apply import ApplyOptions, apply_hand, drawn_frames, masks_from
from sketch_robot.keyframes.frames import open_frames
from sketch_robot.keyframes.guides import scatter_dots
from sketch_robot.line_art.hand.hand_file import HandShape, HandWeights

SHAPE = HandShape((4, 4, 8, 8, 8, 8), 1)


def hand_like(shape: HandShape = SHAPE, **fields) -> HandWeights:
    """One that nobody taught."""
    rng = np.random.default_rng(3)
    weights = {}
    for name, (out, into, side) in shape.layers().items():
        weights[f'{name}.weight'] = rng.normal(0, 0.2, (out, into, side, side)).astype(np.float32)
        weights[f'{name}.bias'] = rng.normal(0, 0.1, out).astype(np.float32)
    return HandWeights(shape, weights, **fields)


def test_a_frame_alone_is_as_in_the_sequence(video):
    hand = hand_like()
    whole = list(drawn_frames(hand, video, range(6), ApplyOptions(workers=2)))
    assert len(whole) == 6
    for number in (4, 1):
        (alone,) = drawn_frames(hand, video, [number], ApplyOptions(workers=1))
        assert np.array_equal(alone, whole[number])
    assert not np.array_equal(whole[1], whole[4])


def test_guides_are_the_same_for_a_frame_alone(video):
    frames = open_frames(video)
    dots = scatter_dots(np.ones((48, 64), bool))
    guided = HandShape(SHAPE.filters, SHAPE.blocks, guided=True)
    hand = hand_like(guided, dots=dots, notes={'key': '2', 'frames': f'{len(frames)}x64x48'})
    whole = list(drawn_frames(hand, video, range(6), ApplyOptions()))
    (alone,) = drawn_frames(hand, video, [5], ApplyOptions())
    assert np.array_equal(alone, whole[5])


def test_a_hand_with_guides_is_for_its_own_video(clip):
    guided = HandShape(SHAPE.filters, SHAPE.blocks, guided=True)
    hand = hand_like(guided, dots=scatter_dots(np.ones((48, 64), bool)), notes={'key': '0', 'frames': '90x64x48'})
    with pytest.raises(SketchRobotError, match='another video') as caught:
        list(drawn_frames(hand, clip / 'frames', [0], ApplyOptions()))
    assert caught.value.code is ErrorCode.BAD_GOAL


def test_a_video_of_all_frames_and_a_folder_of_some_are_written(video, tmp_path):
    seen = []
    assert apply_hand(hand_like(), video, tmp_path / 'out.avi', progress=lambda k, n: seen.append((k, n))) == 6
    assert len(open_frames(tmp_path / 'out.avi')) == 6
    assert seen[-1] == (6, 6)
    apply_hand(hand_like(), video, tmp_path / 'some', numbers=[1, 4])
    assert sorted(path.name for path in (tmp_path / 'some').iterdir()) == ['00001.png', '00004.png']


def test_only_what_the_mask_names_is_drawn(clip, tmp_path):
    out = tmp_path / 'one.png'
    apply_hand(hand_like(), clip / 'frames', out, numbers=[2], options=ApplyOptions(calm=False),
               masks=masks_from(str(clip / 'mask.png')))  # fmt: skip
    drawn, frame = open_frames(out).frame(0), open_frames(clip / 'frames').frame(2)
    assert np.array_equal(drawn[:, 55:], frame[:, 55:])
    assert not np.array_equal(drawn[20:28, 20:36], frame[20:28, 20:36])


def test_masks_of_another_size_are_refused(clip, tmp_path):
    small = tmp_path / 'small.png'
    cv2.imwrite(str(small), np.full((48, 60), 255, np.uint8))
    with pytest.raises(SketchRobotError, match='mask of frame 0 has 60 x 48 px'):
        list(drawn_frames(hand_like(), clip / 'frames', [0], ApplyOptions(), masks_from(str(small))))


def test_frames_beyond_the_end_are_refused_before_anything_is_drawn(video, tmp_path):
    with pytest.raises(SketchRobotError, match='no frame 6') as caught:
        apply_hand(hand_like(), video, tmp_path / 'out', numbers=[0, 6])
    assert caught.value.code is ErrorCode.NO_FRAME
    assert not (tmp_path / 'out').exists()


def test_many_frames_do_not_fit_into_one_picture(video, tmp_path):
    with pytest.raises(SketchRobotError, match='is one picture, and there are 6 frames'):
        apply_hand(hand_like(), video, tmp_path / 'out.png')


def test_a_video_that_a_full_disk_cuts_short_is_not_kept(video, tmp_path, monkeypatch):
    out = tmp_path / 'out.avi'
    out.write_bytes(b'what was there before')

    real = cv2.VideoWriter

    class Short:
        fourcc = real.fourcc

        def __init__(self, *args):
            self.writer, self.written = real(*args), 0
            self.isOpened, self.release = self.writer.isOpened, self.writer.release

        def write(self, picture):
            self.written += 1
            if self.written <= 3:
                self.writer.write(picture)

    monkeypatch.setattr(cv2, 'VideoWriter', Short)
    with pytest.raises(SketchRobotError, match='3 of 6 frames arrived; is the disk full') as caught:
        apply_hand(hand_like(), video, out)
    assert caught.value.code is ErrorCode.BAD_GOAL
    assert out.read_bytes() == b'what was there before'
    assert [path.name for path in Path(tmp_path).iterdir()] == ['out.avi']
