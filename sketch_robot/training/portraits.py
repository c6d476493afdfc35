"""Portraits to learn from: photos at two scales, the ink that is to be drawn of each, and who is held out.

A labelled folder, or the same files in one zip, holds

* `portraits.jsonl`, a line a portrait: `{"name", "quality", "to_crop"}`, the last the (2, 3) similarity that takes a
  point of the close-up to the head crop;
* `crops/`, `close_ups/`: photos of 512 x 512 px; `head_ink/`, `face_ink/`: what to draw of them, white = ink;
  `mattes/`: where the sitter is in the crop, 256 x 256 px. All are WebP: 1,000 portraits take 56 MB.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import cv2
import numpy as np

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.files import replacing, write_whole
from sketch_robot.photo.sitter import CROP_PX

Scale = Literal['head', 'face']
SCALES: tuple[Scale, Scale] = ('head', 'face')
RECORDS_FILE, REJECTED_FILE, HELD_OUT_FILE = 'portraits.jsonl', 'rejected.jsonl', 'held_out.txt'
SHIPPED_LIST = Path(__file__).with_name(HELD_OUT_FILE)
PHOTOS: dict[Scale, str] = {'head': 'crops', 'face': 'close_ups'}
INKS: dict[Scale, str] = {'head': 'head_ink', 'face': 'face_ink'}
MATTES = 'mattes'
ENDING = '.webp'
PHOTO_QUALITY, INK_QUALITY = 80, 75  # of WebP
MATTE_PX = 256  # mattes are smooth
HELD_OUT, SEED = 0.1, 1


@dataclass(frozen=True, eq=False)
class Portrait:
    """One labelled photo.

    Attributes:
        name: of its files, without their ending.
        quality: how far its labels can be trusted, in [0, 1].
        to_crop: (2, 3) float64, takes a point of the close-up to the crop.
    """

    name: str
    quality: float
    to_crop: np.ndarray


@dataclass(frozen=True, eq=False)
class Example:
    """A photo at one scale with its label.

    Attributes:
        rgb: (512, 512, 3) uint8.
        ink: (512, 512) uint8, 255 = ink.
        matte: (512, 512) uint8, 255 = the sitter.
    """

    rgb: np.ndarray
    ink: np.ndarray
    matte: np.ndarray


class PortraitFolder:
    """Reads a labelled folder or its zip; safe to read from several threads.

    Args:
        path: the folder or the zip.

    Raises:
        SketchRobotError: BAD_GOAL, it holds no portraits; BAD_PLAN, a line cannot be read (it is named).
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._packed: dict[str, bytes] | None = _read_zip(path) if path.is_file() else None
        if self._bytes(RECORDS_FILE) is None:
            raise SketchRobotError(ErrorCode.BAD_GOAL, f'{path} has no {RECORDS_FILE}; label the folder first')
        self.portraits = _parse_records(self._bytes(RECORDS_FILE) or b'', path)
        if not self.portraits:
            raise SketchRobotError(ErrorCode.BAD_GOAL, f'{path} holds no portraits')

    def example(self, portrait: Portrait, scale: Scale) -> Example:
        """The portrait at that scale.

        Raises:
            SketchRobotError: BAD_IMAGE, one of its files is missing, no picture, or of another size.
        """
        rgb = self._picture(PHOTOS[scale], portrait.name, cv2.IMREAD_COLOR)[..., ::-1]
        ink = self._picture(INKS[scale], portrait.name, cv2.IMREAD_GRAYSCALE)
        matte = self._picture(MATTES, portrait.name, cv2.IMREAD_GRAYSCALE, MATTE_PX)
        matte = cv2.resize(matte, (CROP_PX, CROP_PX), interpolation=cv2.INTER_LINEAR)
        if scale == 'face':
            matte = cv2.warpAffine(
                matte, portrait.to_crop, (CROP_PX, CROP_PX), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
            )
        return Example(np.ascontiguousarray(rgb), ink, np.asarray(matte))

    def held_out(self) -> set[str]:
        """Names held out of the training: the folder's own list, the package's when it is about these portraits, or a
        list chosen now (and written, but for a zip).

        Raises:
            SketchRobotError: BAD_GOAL, the folder's list names nobody who is there.
        """
        known = {portrait.name for portrait in self.portraits}
        own = self._bytes(HELD_OUT_FILE)
        if own is not None:
            names = set(own.decode().split())
            if not names & known:
                raise SketchRobotError(
                    ErrorCode.BAD_GOAL, f'{HELD_OUT_FILE} of {self.path} names nobody who is there; delete it'
                )
            return names
        shipped = set(SHIPPED_LIST.read_text().split())
        if shipped & known:
            return shipped
        chosen = choose_held_out(known)
        if chosen and self._packed is None:  # a handful of portraits, to which more may be added, holds out nobody yet
            write_whole(self.path / HELD_OUT_FILE, ''.join(f'{name}\n' for name in chosen).encode())
        return set(chosen)

    def _picture(self, kind: str, name: str, how: int, side_px: int = CROP_PX) -> np.ndarray:
        where = f'{kind}/{name}{ENDING}'
        data = self._bytes(where)
        picture = None if not data else cv2.imdecode(np.frombuffer(data, np.uint8), how)
        if picture is None:
            raise SketchRobotError(ErrorCode.BAD_IMAGE, f'{where} of {self.path} cannot be read as a picture')
        if picture.shape[:2] != (side_px, side_px):
            size = f'{picture.shape[1]} x {picture.shape[0]}'
            raise SketchRobotError(ErrorCode.BAD_IMAGE, f'{where} of {self.path} is {size}, not {side_px} x {side_px}')
        return np.asarray(picture)

    def _bytes(self, name: str) -> bytes | None:
        if self._packed is not None:
            return self._packed.get(name)
        path = self.path / name
        return path.read_bytes() if path.is_file() else None


class PortraitWriter:
    """Writes a labelled folder, portrait by portrait; a portrait is there when its line is.

    Args:
        folder: made when missing; an old one is gone on with.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for kind in (*PHOTOS.values(), *INKS.values(), MATTES):
            (folder / kind).mkdir(parents=True, exist_ok=True)
        self.done = _names(folder / RECORDS_FILE) | _names(folder / REJECTED_FILE)

    def add(self, portrait: Portrait, examples: dict[Scale, Example]) -> None:
        """Write a portrait at both scales; the matte is the head's.

        Raises:
            SketchRobotError: BAD_GOAL, a file cannot be written.
        """
        for scale, example in examples.items():
            self._write(PHOTOS[scale], portrait.name, example.rgb[..., ::-1], PHOTO_QUALITY)
            self._write(INKS[scale], portrait.name, example.ink, INK_QUALITY)
        matte = cv2.resize(examples['head'].matte, (MATTE_PX, MATTE_PX), interpolation=cv2.INTER_AREA)
        self._write(MATTES, portrait.name, matte, INK_QUALITY)
        record = {
            'name': portrait.name,
            'quality': round(portrait.quality, 3),
            'to_crop': np.round(portrait.to_crop, 4).tolist(),
        }
        _append(self.folder / RECORDS_FILE, record)
        self.done.add(portrait.name)

    def reject(self, name: str, reason: str) -> None:
        """Note why a photo is no portrait."""
        _append(self.folder / REJECTED_FILE, {'name': name, 'reason': reason})
        self.done.add(name)

    def _write(self, kind: str, name: str, picture: np.ndarray, quality: int) -> None:
        found, data = cv2.imencode(ENDING, np.ascontiguousarray(picture), [cv2.IMWRITE_WEBP_QUALITY, quality])
        if not found:
            raise SketchRobotError(ErrorCode.BAD_IMAGE, f'{name} cannot be encoded')
        write_whole(self.folder / kind / f'{name}{ENDING}', data.tobytes())


def pack_portraits(folder: Path, out: Path) -> int:
    """Put a labelled folder into one zip, to be sent to where it is trained on.

    Returns:
        its size in bytes.

    Raises:
        SketchRobotError: BAD_GOAL, the folder holds no portraits, or the zip cannot be written.
    """
    held_out = PortraitFolder(folder).held_out()
    with replacing(out) as draft, zipfile.ZipFile(draft, 'w', zipfile.ZIP_STORED) as pack:
        for path in sorted(folder.rglob('*')):
            if path.suffix == ENDING or path.name == RECORDS_FILE:
                pack.write(path, path.relative_to(folder).as_posix())
        pack.writestr(HELD_OUT_FILE, ''.join(f'{name}\n' for name in sorted(held_out)))
    return out.stat().st_size


@dataclass(frozen=True)
class Split:
    """Portraits in two groups.

    Attributes:
        train, held_out: in the order of their names.
    """

    train: list[Portrait]
    held_out: list[Portrait]


def choose_held_out(names: Collection[str], *, share: float = HELD_OUT, seed: int = SEED) -> list[str]:
    """A random share of the names, sorted; the same for the same names and seed."""
    count = round(share * len(names))
    return sorted(np.random.default_rng(seed).permutation(sorted(names))[:count].tolist())


def split_portraits(portraits: Sequence[Portrait], held_out: Collection[str]) -> Split:
    """Split portraits by the names that are held out.

    Raises:
        SketchRobotError: BAD_GOAL, nothing is left to train on.
    """
    ordered = sorted(portraits, key=lambda portrait: portrait.name)
    train = [portrait for portrait in ordered if portrait.name not in held_out]
    if not train:
        raise SketchRobotError(ErrorCode.BAD_GOAL, f'no portrait is left to train on (of {len(ordered)})')
    return Split(train, [portrait for portrait in ordered if portrait.name in held_out])


def _parse_records(data: bytes, path: Path) -> list[Portrait]:
    portraits = []
    for number, line in enumerate(data.decode().splitlines(), start=1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
            to_crop = np.array(record['to_crop'], np.float64)
            if to_crop.shape != (2, 3) or not np.isfinite(to_crop).all():
                raise ValueError('to_crop is no (2, 3) matrix')
            name = str(record['name'])
            if Path(name).name != name:
                raise ValueError(f'{name!r} is no name of a file')
            portraits.append(Portrait(name, float(record['quality']), to_crop))
        except (ValueError, KeyError, TypeError) as error:
            raise SketchRobotError(
                ErrorCode.BAD_PLAN, f'{path}, line {number} of {RECORDS_FILE} is no portrait: {error}'
            ) from error
    return portraits


def _read_zip(path: Path) -> dict[str, bytes]:
    try:
        with zipfile.ZipFile(path) as pack:
            return {info.filename: pack.read(info) for info in pack.infolist() if not info.is_dir()}
    except (zipfile.BadZipFile, OSError) as error:
        raise SketchRobotError(ErrorCode.BAD_GOAL, f'{path} is no zip of portraits: {error}') from error


def _names(path: Path) -> set[str]:
    """Names in a file of JSON lines; a last line cut off by a kill is dropped from the file."""
    if not path.is_file():
        return set()
    text = path.read_text()
    whole = text[: text.rfind('\n') + 1]
    if whole != text:
        path.write_text(whole)
    return {json.loads(line)['name'] for line in whole.splitlines()}


def _append(path: Path, record: dict[str, object]) -> None:
    with path.open('a') as file:
        file.write(json.dumps(record) + '\n')
