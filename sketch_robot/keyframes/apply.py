"""A hand applied to a video, a folder or a photo: any frame alone, several at once.

A frame is drawn from itself and, where it is calmed, from the frames beside it; nothing that was drawn before counts.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.files import replacing, write_whole
from sketch_robot.keyframes.frames import Frames, VideoFrames, open_frames
from sketch_robot.keyframes.guides import follow_dots, paint_dots
from sketch_robot.keyframes.temporal import calm_frame
from sketch_robot.line_art.hand.hand_file import HandWeights
from sketch_robot.line_art.hand.runtime import HandRunner
from sketch_robot.photo.sources import VIDEO_SUFFIXES

CHUNK = 8  # frames that one worker draws one after another: videos are read in order
PERSON = 'person'

Masks = Callable[[int, np.ndarray], np.ndarray | None]


@dataclass(frozen=True)
class ApplyOptions:
    """How a hand is applied.

    Attributes:
        calm: whether frames of a video are averaged with their neighbours first.
        workers: frames that are drawn at once.
        precision: see `HandRunner`.
    """

    calm: bool = True
    workers: int = 2
    precision: str = 'auto'


def drawn_frames(
    hand: HandWeights,
    path: Path,
    numbers: Sequence[int],
    options: ApplyOptions,
    masks: Callable[[], Masks] | None = None,
) -> Iterator[np.ndarray]:
    """Draw frames, in the order of their numbers as given.

    Args:
        hand: whose.
        path: of a video, folder or photo.
        numbers: which frames.
        options: how.
        masks: makes, for one thread, what says where a frame is drawn: (H, W) bool, None for all of it.

    Yields:
        (H, W, 3) uint8 each.

    Raises:
        SketchRobotError: NO_FRAME, a number beyond the end, or a video that ends early; BAD_GOAL, a hand with guides
            for something that is not its video.
    """
    runner = HandRunner(hand, precision=options.precision, streams=max(1, options.workers))
    guides = _Guides(hand, path) if hand.shape.guided else None
    of_thread = threading.local()

    def chunk(which: Sequence[int]) -> list[np.ndarray]:
        frames: Frames | None = getattr(of_thread, 'frames', None)
        if frames is None:
            frames = of_thread.frames = open_frames(path)
            of_thread.where = None if masks is None else masks()
        done = []
        for number in which:
            seen = calm_frame(frames, number) if options.calm else frames.frame(number)
            where = None if of_thread.where is None else of_thread.where(number, seen)
            done.append(runner.draw(seen, where=where, guides=None if guides is None else guides.of(number, seen)))
        return done

    parts = [numbers[first : first + CHUNK] for first in range(0, len(numbers), CHUNK)]
    ahead = 2 * max(1, options.workers)
    with ThreadPoolExecutor(max(1, options.workers), 'hand') as pool:
        waiting = [pool.submit(chunk, part) for part in parts[:ahead]]
        for k in range(len(parts)):
            done = waiting.pop(0).result()
            if k + ahead < len(parts):  # no more are drawn ahead than fit into memory
                waiting.append(pool.submit(chunk, parts[k + ahead]))
            yield from done


class _Guides:
    """A video's guides, followed once."""

    def __init__(self, hand: HandWeights, path: Path) -> None:
        frames = open_frames(path)
        start = int(hand.notes.get('key', '0'))
        size = hand.notes.get('frames', '')
        if not frames.moving or f'{len(frames)}x{frames.frame(0).shape[1]}x{frames.frame(0).shape[0]}' != size:
            raise SketchRobotError(
                ErrorCode.BAD_GOAL, f'this hand was trained with guides on another video; {frames.name} is not that one'
            )
        self._dots, self._track = hand.dots, follow_dots(frames, hand.dots, start)
        frames.close()

    def of(self, number: int, frame: np.ndarray) -> np.ndarray:
        return paint_dots(self._dots, self._track[number], (frame.shape[1], frame.shape[0]))


def apply_hand(
    hand: HandWeights,
    path: Path,
    out: Path,
    *,
    numbers: Sequence[int] | None = None,
    options: ApplyOptions | None = None,
    masks: Callable[[], Masks] | None = None,
    progress: Callable[[int, int], None] = lambda _done, _all: None,
) -> int:
    """Draw frames and write them.

    Args:
        out: a video (.mp4, .avi), a picture, for one frame, or a folder for pictures named by the frames' numbers.
        numbers: which frames; None: all.
        progress: called with how many are done, of how many.

    Returns:
        how many.

    Raises:
        SketchRobotError: as `drawn_frames`; BAD_GOAL, it cannot be written: a video and a picture are there whole or
            not at all, of a folder what was written stays.
    """
    frames = open_frames(path)
    chosen = list(range(len(frames))) if numbers is None else list(numbers)
    for number in (min(chosen, default=0), max(chosen, default=0)):
        if not 0 <= number < len(frames):
            frames.frame(number)  # says so before anything is drawn
    rate_hz = frames.rate_hz if isinstance(frames, VideoFrames) else 10.0
    frames.close()
    drawn = drawn_frames(hand, path, chosen, options or ApplyOptions(), masks)
    if out.suffix.lower() in VIDEO_SUFFIXES - {'.gif'}:
        _write_video(out, drawn, rate_hz, len(chosen), progress)
        return len(chosen)
    single = bool(out.suffix)
    if single and len(chosen) != 1:
        raise SketchRobotError(
            ErrorCode.BAD_GOAL, f'{out} is one picture, and there are {len(chosen)} frames; name a video or a folder'
        )
    for k, picture in enumerate(drawn):
        target = out if single else out / f'{chosen[k]:05d}.png'
        good, data = cv2.imencode(target.suffix, cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
        if not good:
            raise SketchRobotError(ErrorCode.BAD_GOAL, f'cannot write {target}; end the name in .png or .jpg')
        write_whole(target, data.tobytes())
        progress(k + 1, len(chosen))
    return len(chosen)


def _write_video(
    out: Path, drawn: Iterator[np.ndarray], rate_hz: float, count: int, progress: Callable[[int, int], None]
) -> None:
    with replacing(out) as draft:
        writer: cv2.VideoWriter | None = None
        try:
            for k, picture in enumerate(drawn):
                if writer is None:
                    code = cv2.VideoWriter.fourcc(*('MJPG' if out.suffix.lower() == '.avi' else 'mp4v'))
                    writer = cv2.VideoWriter(str(draft), code, rate_hz, (picture.shape[1], picture.shape[0]))
                    if not writer.isOpened():
                        raise SketchRobotError(ErrorCode.BAD_GOAL, f'cannot write {out}; name an .mp4 or .avi')
                writer.write(cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
                progress(k + 1, count)
        finally:
            if writer is not None:
                writer.release()
        _check_written(draft, out, count)


def _check_written(draft: Path, out: Path, count: int) -> None:
    """OpenCV does not say when a disk is full; the video then ends early, or cannot be opened."""
    capture = cv2.VideoCapture(str(draft))
    found = 0
    while capture.grab():
        found += 1
    capture.release()
    if found < count:
        raise SketchRobotError(
            ErrorCode.BAD_GOAL, f'cannot write {out}: {found} of {count} frames arrived; is the disk full?'
        )


def masks_from(text: str) -> Callable[[], Masks]:
    """Where frames are drawn: on the person of each, or as pictures say, white where.

    Args:
        text: 'person', a picture for all frames, or a folder or video with one for each.

    Raises:
        SketchRobotError: BAD_IMAGE, it cannot be read.
    """
    if text == PERSON:
        return _person_masks
    path = Path(text)
    open_frames(path).close()

    def make() -> Masks:
        pictures = open_frames(path)

        def where(number: int, frame: np.ndarray) -> np.ndarray:
            mask = pictures.frame(0 if len(pictures) == 1 else number)
            if mask.shape != frame.shape:
                raise SketchRobotError(
                    ErrorCode.BAD_IMAGE,
                    f'the mask of frame {number} has {mask.shape[1]} x {mask.shape[0]} px, the frame '
                    f'{frame.shape[1]} x {frame.shape[0]}',
                )
            return np.asarray(mask.mean(axis=2) > 127)

        return where

    return make


def _person_masks() -> Masks:
    from sketch_robot.photo import Photo, SitterFinder

    finder = SitterFinder()
    finder.warm_up()

    def where(_number: int, frame: np.ndarray) -> np.ndarray | None:
        sitter = finder.find(Photo(frame, 'the frame'), require_face=False, upright=True)
        if sitter.matte is None:
            return None
        person = cv2.warpAffine(sitter.matte, sitter.to_photo, (frame.shape[1], frame.shape[0]), flags=cv2.INTER_LINEAR)
        return np.asarray(person > 0.5)

    return where
