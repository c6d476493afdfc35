"""Label a folder of portraits: what is to be drawn of each head, and of its face in a close-up.

In the face the label is the ink that `face_lines` sees in the close-up, around it what an artist draws of the crop. A
score says how far a label can be trusted. The result is what `portraits` reads; starting again goes on where it was.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.line_art.face_lines.ink import draw_face, ink_quality
from sketch_robot.training.portraits import Example, Portrait, PortraitWriter, Scale

PHOTO_ENDINGS = ('.jpg', '.jpeg', '.png', '.webp', '.bmp')
LEAST_QUALITY = 0.4

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class LabelCount:
    """How a folder was labelled: portraits written, photos rejected, photos done before."""

    drawn: int
    rejected: int
    before: int


@dataclass(frozen=True)
class Label:
    """What became of a photo: a portrait at both scales, or the reason why not."""

    name: str
    portrait: Portrait | None = None
    examples: dict[Scale, Example] | None = None
    reason: str = ''


def label_folder(
    photos: Path, out: Path, *, artist: str = 'guided', processes: int = 1, least_quality: float = LEAST_QUALITY
) -> LabelCount:
    """Label every photo of a folder that is not yet done.

    Args:
        artist: who draws what is around the face.
        processes: that draw at once.
        least_quality: labels that score less are left out.

    Raises:
        SketchRobotError: BAD_GOAL, there is no photo in the folder.
    """
    paths = sorted(p for p in photos.glob('*') if p.suffix.lower() in PHOTO_ENDINGS) if photos.is_dir() else []
    if not paths:
        raise SketchRobotError(ErrorCode.BAD_GOAL, f'{photos} has no photos ({", ".join(PHOTO_ENDINGS)})')
    writer = PortraitWriter(out)
    todo = [path for path in paths if path.stem not in writer.done]
    drawn = rejected = 0
    for label in _label_all(todo, artist, processes):
        reason = label.reason
        if label.portrait is not None and label.portrait.quality < least_quality:
            reason = f'quality {label.portrait.quality:.2f} is under {least_quality:.2f}'
        if reason or label.portrait is None or label.examples is None:
            rejected += 1
            writer.reject(label.name, reason)
            _log.warning('%s is left out: %s', label.name, reason)
            continue
        writer.add(label.portrait, label.examples)
        drawn += 1
        if drawn % 50 == 0:
            _log.info('%d of %d drawn', drawn, len(todo))
    return LabelCount(drawn, rejected, len(paths) - len(todo))


def label_photo(path: Path, artist: str = 'guided') -> Label:
    """Label one photo; what cannot be used has a reason."""
    from sketch_robot.photo.decode import load_photo

    finder, draws = _tools(artist)
    try:
        sitter = finder.find(load_photo(path))
        near = sitter.close_up
        face = draw_face(near)
        if near is None or face is None:
            return Label(path.stem, reason='the face has no usable mesh')
        around = draws.draw(sitter).ink
    except SketchRobotError as error:
        return Label(path.stem, reason=error.message)
    small, area = face.on((around.shape[1], around.shape[0]))
    head = np.where(area, small, np.maximum(around, small))
    matte = np.ones_like(around) if sitter.matte is None else sitter.matte
    examples: dict[Scale, Example] = {
        'head': Example(sitter.crop, _bytes(head), _bytes(matte)),
        'face': Example(near.rgb, _bytes(face.ink), np.zeros(face.ink.shape, np.uint8)),
    }
    return Label(path.stem, Portrait(path.stem, ink_quality(near, face.ink), near.to_crop), examples)


@lru_cache(maxsize=1)
def _tools(artist: str) -> tuple[Any, Any]:
    from sketch_robot.line_art.artist import make_artist
    from sketch_robot.photo.finder import SitterFinder

    cv2.setNumThreads(1)
    return SitterFinder(), make_artist(artist)


def _bytes(values: np.ndarray) -> np.ndarray:
    return np.rint(255 * np.clip(values, 0, 1)).astype(np.uint8)


def _label_all(paths: list[Path], artist: str, processes: int) -> Iterator[Label]:
    one = partial(label_photo, artist=artist)
    if processes <= 1:
        yield from map(one, paths)
        return
    with ProcessPoolExecutor(processes) as pool:
        yield from pool.map(one, paths)
