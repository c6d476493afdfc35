"""Draw a folder of photos with several artists: a sheet to look at, and what a plotter would need."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

import cv2
import numpy as np

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.line_art.artist import Artist, make_artist
from sketch_robot.line_art.ink import render_ink
from sketch_robot.line_art.student.artist import StudentArtist
from sketch_robot.photo.decode import load_photo
from sketch_robot.photo.finder import SitterFinder
from sketch_robot.photo.picture import Photo
from sketch_robot.photo.sitter import CROP_PX, Sitter
from sketch_robot.stroke import Stroke
from sketch_robot.strokes import strokes_from
from sketch_robot.strokes.weight import weigh_strokes
from sketch_robot.training.evaluate import ink_outside, measure_drawing
from sketch_robot.training.labels import PHOTO_ENDINGS

SMALL_PX, DARK = 128, 0.25
PEN_PX = 2.0  # of a drawing of 512 px: 0.5 mm on A5
LEAST_LINE_PX = 1.2  # in a tile: a thinner pen is not seen
GAP_PX = 4
CAPTION_PX = 18  # height of a line of text
ASIDE_PX = 64  # width of the text beside a row

_log = logging.getLogger(__name__)


def draw_gallery(
    photos: Path,
    artists: tuple[str, ...],
    *,
    change: Callable[[np.ndarray], np.ndarray] | None = None,
    photo_tiles: bool = True,
    tile_px: int = 192,
    groups: int = 2,
    size_px: int = CROP_PX,
) -> tuple[np.ndarray, dict[str, dict[str, float]]]:
    """Draw every photo with every artist.

    Args:
        photos: a folder; photos without a face are drawn whole.
        artists: their names, or weight files (.safetensors) of networks, which then draw without the mesh's help.
        change: applied to each photo's (H, W, 3) uint8 first, to see what an artist bears.
        photo_tiles: whether the sheet shows the photos.
        tile_px, groups: see `contact_sheet`.
        size_px: at which networks from weight files see the crop: that of their training, 256 or 512.

    Returns:
        a sheet, (H, W, 3) uint8: the crop, each artist's ink, the last artist's strokes; and by artist the means of
        `RobotMeasures` and of `ink_outside`, the latter over those with a matte.

    Raises:
        SketchRobotError: BAD_GOAL, no photos, or an unknown artist.
    """
    paths = _photos_in(photos)
    finder, made = SitterFinder(), {name: _artist(name, size_px) for name in artists}
    rows: list[list[np.ndarray]] = []
    measured: dict[str, list[dict[str, float]]] = {name: [] for name in artists}
    for path in paths:
        photo = load_photo(path)
        if change is not None:
            photo = Photo(change(photo.rgb), photo.source)
        sitter = finder.find(photo, require_face=False)
        row = [sitter.crop] if photo_tiles else []
        for name, artist in made.items():
            art = artist.draw(sitter)
            strokes = strokes_from(art, sitter)
            row.append(art.ink)
            measured[name].append(_measure(art.ink, strokes, sitter))
            if name == artists[-1]:
                row.append(strokes_picture(strokes, art.size_px))
        rows.append(row)
        if len(rows) % 10 == 0:
            _log.info('%d of %d drawn', len(rows), len(paths))
    means = {name: _means(values) for name, values in measured.items()}
    return contact_sheet(rows, tile_px=tile_px, groups=groups), means


def draw_table(
    photos: Path, artist: str, changes: tuple[str, ...], *, tile_px: int = 192, columns: int = 5
) -> tuple[np.ndarray, dict[str, dict[str, float]]]:
    """Draw every photo after every change: the strokes alone, as a pen leaves them.

    Args:
        photos: a folder; photos without a face are drawn whole.
        artist: its name.
        changes: names that `photo_change` knows. Of several each has a row, and each photo a column; of one, photos
            stand in a grid, each above its file's name (without digits before it, which may sort them).
        tile_px: side of a tile.
        columns: of the grid.

    Returns:
        the sheet, (H, W, 3) uint8; and by change the means of `RobotMeasures` and of `ink_outside`.

    Raises:
        SketchRobotError: BAD_GOAL, no photos, or an unknown artist.
    """
    paths = _photos_in(photos)
    finder, made = SitterFinder(), make_artist(artist)
    rows: list[list[np.ndarray]] = []
    means: dict[str, dict[str, float]] = {}
    for name in changes:
        row, measured = [], []
        for path in paths:
            photo, change = load_photo(path), photo_change(name)
            sitter = finder.find(
                photo if change is None else Photo(change(photo.rgb), photo.source), require_face=False
            )
            art = made.draw(sitter)
            strokes = strokes_from(art, sitter)
            pen_px = art.size_px[0] * max(PEN_PX / CROP_PX, LEAST_LINE_PX / tile_px)
            row.append(render_ink(weigh_strokes(strokes, pen_px), art.size_px, pen_px))
            measured.append(_measure(art.ink, strokes, sitter))
        rows.append(row)
        means[name] = _means(measured)
        _log.info('%s: %d drawn', name, len(row))
    if len(changes) > 1:
        strips = [
            captioned(contact_sheet([row], tile_px=tile_px), name) for row, name in zip(rows, changes, strict=True)
        ]
        return np.vstack(strips), means
    tiles = [
        captioned(contact_sheet([[tile]], tile_px=tile_px), path.stem.lstrip('0123456789 _-') or path.stem, below=True)
        for tile, path in zip(rows[0], paths, strict=True)
    ]
    tiles += [np.full_like(tiles[0], 255)] * (-len(tiles) % columns)
    return np.vstack([np.hstack(tiles[first : first + columns]) for first in range(0, len(tiles), columns)]), means


def photo_change(name: str) -> Callable[[np.ndarray], np.ndarray] | None:
    """What is done to photos before they are drawn, their size kept: blur2, blur4, blur6 (down-sampled so many times
    and back), small (to 128 px and back), dark (a quarter of the light), grey, or none."""

    def through(rgb: np.ndarray, width: int, height: int) -> np.ndarray:
        small = cv2.resize(rgb, (max(1, width), max(1, height)), interpolation=cv2.INTER_AREA)
        return np.asarray(cv2.resize(small, rgb.shape[1::-1], interpolation=cv2.INTER_LINEAR), np.uint8)

    def change(rgb: np.ndarray) -> np.ndarray:
        height, width = rgb.shape[:2]
        if name.startswith('blur'):
            return through(rgb, width // int(name[4:]), height // int(name[4:]))
        if name == 'small':
            scale = SMALL_PX / max(width, height)
            return through(rgb, round(width * scale), round(height * scale))
        if name == 'dark':
            return np.asarray(rgb * DARK, np.uint8)
        return np.repeat(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)[..., None], 3, axis=2)

    return None if name == 'none' else change


def _photos_in(folder: Path) -> list[Path]:
    paths = sorted(p for p in folder.glob('*') if p.suffix.lower() in PHOTO_ENDINGS)
    if not paths:
        raise SketchRobotError(ErrorCode.BAD_GOAL, f'{folder} has no photos ({", ".join(PHOTO_ENDINGS)})')
    return paths


def _artist(name: str, size_px: int) -> Artist:
    if not name.endswith('.safetensors'):
        return make_artist(name)
    return StudentArtist(runtime='torch', size_px=size_px, weights=Path(name), close_ups=False)


def _measure(ink: np.ndarray, strokes: tuple[Stroke, ...], sitter: Sitter) -> dict[str, float]:
    outside = float('nan') if sitter.matte is None else ink_outside(ink, sitter.matte)
    return {**{k: float(v) for k, v in asdict(measure_drawing(ink, strokes)).items()}, 'ink_outside': outside}


def _means(values: list[dict[str, float]]) -> dict[str, float]:
    return {name: float(np.nanmean([value[name] for value in values])) for name in values[0]}


def contact_sheet(rows: Sequence[Sequence[np.ndarray]], *, tile_px: int = 192, groups: int = 1) -> np.ndarray:
    """Lay pictures out in a grid.

    Args:
        rows: each a sequence of pictures, (H, W, 3) uint8 RGB or (H, W) float ink in [0, 1] shown black on white; all
            rows equally long.
        tile_px: side of a tile.
        groups: how many rows stand side by side.

    Returns:
        (H, W, 3) uint8 RGB.
    """
    strips = [np.hstack([_tile(picture, tile_px) for picture in row]) for row in rows]
    while len(strips) % groups:
        strips.append(np.full_like(strips[0], 255))
    return np.vstack([np.hstack(strips[first : first + groups]) for first in range(0, len(strips), groups)])


def strokes_picture(strokes: Sequence[Stroke], size_px: tuple[int, int]) -> np.ndarray:
    """Strokes in changing colours, so that breaks are seen: (H, W, 3) uint8 RGB."""
    picture = np.full((size_px[1], size_px[0], 3), 255, np.uint8)
    for number, stroke in enumerate(strokes):
        hue = np.array([[[(number * 67) % 180, 220, 170]]], np.uint8)
        colour = cv2.cvtColor(hue, cv2.COLOR_HSV2RGB)[0, 0].tolist()
        points = np.rint((stroke.xy - 0.5) * 16).astype(np.int32)
        cv2.polylines(picture, [points], False, colour, 2, cv2.LINE_AA, 4)
    return picture


def captioned(picture: np.ndarray, text: str, *, below: bool = False) -> np.ndarray:
    """A picture with a line of text to its left or below: (H, W, 3) uint8 RGB, larger by the text's strip."""
    height, width = picture.shape[:2]
    strip = np.full((CAPTION_PX, width, 3) if below else (height, ASIDE_PX, 3), 255, np.uint8)
    plain = text.encode('ascii', 'replace').decode()  # OpenCV's letters
    (length, _), _ = cv2.getTextSize(plain, cv2.FONT_HERSHEY_SIMPLEX, 0.45, 1)
    at = (max(0, (width - length) // 2), 12) if below else (4, height // 2)
    cv2.putText(strip, plain, at, cv2.FONT_HERSHEY_SIMPLEX, 0.45, (60, 60, 60), 1, cv2.LINE_AA)
    return np.vstack([picture, strip]) if below else np.hstack([strip, picture])


def save_picture(picture: np.ndarray, path: Path) -> None:
    """Write RGB as PNG or JPEG; without colours as grey, a third of the bytes.

    Raises:
        SketchRobotError: INTERNAL, it cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    is_grey = bool((picture == picture[..., :1]).all())
    pixels = picture[..., 0] if is_grey else picture[..., ::-1]
    if not cv2.imwrite(str(path), np.ascontiguousarray(pixels), [cv2.IMWRITE_PNG_COMPRESSION, 9]):
        raise SketchRobotError(ErrorCode.INTERNAL, f'{path} cannot be written')


def _tile(picture: np.ndarray, side: int) -> np.ndarray:
    if picture.ndim == 2:
        picture = np.repeat(np.rint(255 * (1 - np.clip(picture, 0, 1))).astype(np.uint8)[..., None], 3, axis=2)
    inner = side - GAP_PX
    small = cv2.resize(picture, (inner, inner), interpolation=cv2.INTER_AREA)
    return cv2.copyMakeBorder(small, 0, GAP_PX, 0, GAP_PX, cv2.BORDER_CONSTANT, value=(255, 255, 255))
