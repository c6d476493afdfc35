"""Between key frames and a hand: what is done to the frames first, and what a finished run becomes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.keyframes.frames import Frames
from sketch_robot.keyframes.guides import follow_dots, paint_dots, scatter_dots
from sketch_robot.keyframes.keys import KeyFrame, paper_of
from sketch_robot.keyframes.temporal import calm_frame
from sketch_robot.keyframes.trainer import HandTrainer
from sketch_robot.line_art.hand.hand_file import HandWeights
from sketch_robot.photo import Photo, SitterFinder


@dataclass(frozen=True, eq=False)
class KeyGuides:
    """Guides of the key frames.

    Attributes:
        dots: (N, 6) float32, in the first key frame; see `HandWeights.dots`.
        pictures: (H, W, 3) uint8 of each key frame.
    """

    dots: np.ndarray
    pictures: tuple[np.ndarray, ...]


def calmed(frames: Frames, keys: Sequence[KeyFrame]) -> list[KeyFrame]:
    """Key frames without the grain of their video, as they will be drawn; others stay as they are."""
    return [replace(key, frame=calm_frame(frames, key.number)) for key in keys]


def guides_for(frames: Frames, keys: Sequence[KeyFrame], *, seed: int = 0) -> KeyGuides:
    """Dots over the first key frame, and where they are in all.

    Raises:
        SketchRobotError: BAD_GOAL, there is no motion to follow, as between photos.
    """
    if not frames.moving:
        raise SketchRobotError(
            ErrorCode.BAD_GOAL, f'{frames.name} is no video: there is no motion that guides could follow'
        )
    dots = scatter_dots(keys[0].where, seed=seed)
    track = follow_dots(frames, dots, keys[0].number)
    size = keys[0].frame.shape[1], keys[0].frame.shape[0]
    return KeyGuides(dots, tuple(paint_dots(dots, track[key.number], size) for key in keys))


def hand_of(
    trainer: HandTrainer, keys: Sequence[KeyFrame], frames: Frames, guides: KeyGuides | None, *, sitter_only: bool
) -> HandWeights:
    """What a run has learned."""
    net = trainer.kept_net()
    paper, darkest = paper_of(keys)
    height, width = keys[0].frame.shape[:2]
    notes = {
        'steps': str(trainer.step),
        'seconds': f'{trainer.seconds:.1f}',
        'key': str(keys[0].number),
        'frames': f'{len(frames)}x{width}x{height}',
    }
    return HandWeights(
        net.shape,
        net.folded(),
        face_px=face_height(keys),
        paper=paper,
        darkest=darkest,
        sitter_only=sitter_only,
        dots=np.empty((0, 6), np.float32) if guides is None else guides.dots,
        notes=notes,
    )


def face_height(keys: Sequence[KeyFrame]) -> float:
    """Height of the sitter's face in key frames, px, the median; 0 where no face is found."""
    with SitterFinder() as finder:
        heights = []
        for key in keys:
            sitter = finder.find(Photo(key.frame, f'frame {key.number}'), require_face=False, upright=True)
            if sitter.face_box is not None:
                heights.append(float(sitter.face_box[3] * np.hypot(*sitter.to_photo[:, 0])))
    return float(np.median(heights)) if heights else 0.0
