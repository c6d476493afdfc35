"""Label a folder of portraits: the `guided` artist draws each, and a score says how far its drawing can be trusted.

The result is what `drawings` reads: `crops/`, `strokes.jsonl`, and `rejected.jsonl` with the reason for every photo
left out. A photo is finished when its line is written; starting again goes on after it.
"""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.line_art.art import LineArt
from sketch_robot.photo.sitter import Sitter
from sketch_robot.training.drawings import (
    CROPS_FOLDER,
    LEAST_INK_PX,
    MOST_TURN_DEGREES,
    STROKES_FILE,
)
from sketch_robot.training.robot_measures import ink_outside

PHOTO_ENDINGS = ('.jpg', '.jpeg', '.png', '.webp', '.bmp')
REJECTED_FILE = 'rejected.jsonl'
LEAST_QUALITY = 0.7
MOST_OUTSIDE = 0.05  # share of ink off the sitter
JPEG_QUALITY = 92
FACE_LEFT, FACE_RIGHT = 234, 454  # of the mesh, in front of the ears

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class LabelCount:
    """How a folder was labelled: drawings written, photos rejected, photos done before."""

    drawn: int
    rejected: int
    before: int


def label_folder(photos: Path, out: Path, *, processes: int = 1, least_quality: float = LEAST_QUALITY) -> LabelCount:
    """Draw every photo of a folder that is not yet done.

    Raises:
        SketchRobotError: BAD_GOAL, there is no photo in the folder.
    """
    paths = sorted(p for p in photos.glob('*') if p.suffix.lower() in PHOTO_ENDINGS) if photos.is_dir() else []
    if not paths:
        raise SketchRobotError(ErrorCode.BAD_GOAL, f'{photos} has no photos ({", ".join(PHOTO_ENDINGS)})')
    done = _names(out / STROKES_FILE) | _names(out / REJECTED_FILE)
    todo = [path for path in paths if path.stem not in done]
    (out / CROPS_FOLDER).mkdir(parents=True, exist_ok=True)
    drawn = rejected = 0
    for record, crop in _label_all(todo, processes):
        reason = record.pop('reason', '')
        if not reason and record['quality'] < least_quality:
            reason = f'quality {record["quality"]:.2f} is under {least_quality:.2f}'
        if reason:
            rejected += 1
            _append(out / REJECTED_FILE, {'name': record['name'], 'reason': reason})
            _log.warning('%s is left out: %s', record['name'], reason)
            continue
        target = out / CROPS_FOLDER / f'{record["name"]}.jpg'
        if crop is None or not cv2.imwrite(str(target), crop[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY]):
            raise SketchRobotError(ErrorCode.INTERNAL, f'{target} cannot be written')
        _append(out / STROKES_FILE, record)
        drawn += 1
        if drawn % 50 == 0:
            _log.info('%d of %d drawn', drawn, len(todo))
    return LabelCount(drawn, rejected, len(paths) - len(todo))


def turn_degrees(landmarks: np.ndarray) -> float:
    """How far a face is turned from frontal, from its (478, 3) mesh: the slope in depth from ear to ear."""
    across = landmarks[FACE_RIGHT] - landmarks[FACE_LEFT]
    return math.degrees(math.atan2(float(across[2]), float(np.hypot(across[0], across[1]))))


def label_quality(sitter: Sitter, art: LineArt) -> float:
    """Share of seven signs of a good drawing: a mesh, a face towards us, both eyes, a mouth, a nose, enough ink and not
    too much, ink on the sitter alone."""
    strokes = art.strokes or ()
    length = sum(stroke.length for stroke in strokes)
    count = {label: sum(stroke.label == label for stroke in strokes) for label in ('eye', 'mouth', 'nose')}
    meshed = sitter.landmarks is not None
    outside = 0.0 if sitter.matte is None else ink_outside(art.ink, sitter.matte)
    signs = (
        meshed,
        sitter.landmarks is not None and abs(turn_degrees(sitter.landmarks)) < MOST_TURN_DEGREES,
        count['eye'] >= 4,  # a lid and an iris each
        count['mouth'] >= 2,
        count['nose'] >= 1,
        LEAST_INK_PX <= length <= 4.5 * LEAST_INK_PX,
        outside <= MOST_OUTSIDE,
    )
    return sum(signs) / len(signs)


@lru_cache(maxsize=1)
def _tools() -> tuple[Any, Any]:
    from sketch_robot.line_art.artist import make_artist
    from sketch_robot.photo.finder import SitterFinder

    cv2.setNumThreads(1)
    return SitterFinder(), make_artist('guided')


def _label_one(path: Path) -> tuple[dict[str, Any], np.ndarray | None]:
    """One photo's record and crop; a photo that cannot be used has a reason and no crop."""
    from sketch_robot.photo.decode import load_photo

    finder, artist = _tools()
    try:
        sitter = finder.find(load_photo(path))
        art = artist.draw(sitter)
    except SketchRobotError as error:
        return {'name': path.stem, 'reason': error.message}, None
    strokes = [[s.label, round(s.importance, 3), np.round(s.xy - 0.5, 1).ravel().tolist()] for s in art.strokes or ()]
    record = {
        'name': path.stem,
        'mesh': sitter.landmarks is not None,
        'turn_degrees': 0.0 if sitter.landmarks is None else round(turn_degrees(sitter.landmarks), 1),
        'quality': round(label_quality(sitter, art), 3),
        'strokes': strokes,
    }
    return record, sitter.crop


def _label_all(paths: list[Path], processes: int) -> Iterator[tuple[dict[str, Any], np.ndarray | None]]:
    if processes <= 1:
        yield from map(_label_one, paths)
        return
    with ProcessPoolExecutor(processes) as pool:
        yield from pool.map(_label_one, paths)


def _names(path: Path) -> set[str]:
    """Names in a file of JSON lines; a last line cut off by a kill is dropped from the file."""
    if not path.is_file():
        return set()
    text = path.read_text()
    whole = text[: text.rfind('\n') + 1]
    if whole != text:
        path.write_text(whole)
    return {json.loads(line)['name'] for line in whole.splitlines()}


def _append(path: Path, record: dict[str, Any]) -> None:
    with path.open('a') as file:
        file.write(json.dumps(record) + '\n')
