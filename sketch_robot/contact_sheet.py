"""Contact sheets: photo, line art and page side by side, with names and figures, for looking at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.plotters.paper import Paper, save_png

TILE_PX = 320
GAP_PX = 12
TEXT_PX = 16
COLUMNS, ROWS = 2, 6  # entries on a sheet: as many as can be looked at in one picture
TABLE, PAPER, TEXT = 232, 255, 40  # greys

_LINES = 2
_ENTRY_WIDTH = 3 * TILE_PX + 4 * GAP_PX
_ENTRY_HEIGHT = TILE_PX + GAP_PX + _LINES * (TEXT_PX + 6) + GAP_PX


@dataclass(frozen=True, eq=False)
class Tile:
    """One photo on a sheet.

    Attributes:
        name, figures: a line of text each.
        tiles: three pictures, each (TILE_PX, TILE_PX, 3) uint8 RGB.
    """

    name: str
    figures: str
    tiles: tuple[np.ndarray, ...]


def make_entry(name: str, figures: str, crop: np.ndarray, ink: np.ndarray, paper: Paper) -> Tile:
    """Scale the pictures of one drawing to tiles.

    Args:
        name, figures: what stands below, a line each.
        crop: (H, W, 3) uint8 RGB, the sitter.
        ink: (H, W) float in [0, 1], 1 = ink.
        paper: the sheet, drawn on or planned.
    """
    line_art = np.rint(255.0 * (1.0 - np.clip(ink, 0.0, 1.0))).astype(np.uint8)
    finer = 4.0 * TILE_PX / max(paper.page.width_mm, paper.page.height_mm)
    return Tile(name, figures, tuple(_tile(picture) for picture in (crop, line_art, paper.image(finer))))


def contact_sheets(entries: Sequence[Tile]) -> list[np.ndarray]:
    """Lay entries out, `COLUMNS` x `ROWS` on a sheet: a list of (H, W, 3) uint8 RGB; none without entries."""
    full = COLUMNS * ROWS
    return [_sheet(entries[first : first + full]) for first in range(0, len(entries), full)]


def save_contact_sheets(entries: Sequence[Tile], path: str | Path) -> list[Path]:
    """Write contact sheets as PNG files: `path`, and with more than one sheet `name_2.png`, `name_3.png` ... beside it.

    Sheets of an earlier run that is now shorter are removed: they must not pass for this one's.

    Returns:
        the files written.

    Raises:
        SketchRobotError: BAD_GOAL, a file cannot be written or removed.
    """
    written = []
    for number, sheet in enumerate(contact_sheets(entries), 1):
        written.append(_numbered(Path(path), number))
        save_png(written[-1], sheet)
    number = len(written) + 1
    while (old := _numbered(Path(path), number)).exists():
        try:
            old.unlink()
        except OSError as error:
            message = f'cannot remove {old} of an earlier run: {error.strerror or error}'
            raise SketchRobotError(ErrorCode.BAD_GOAL, message) from error
        number += 1
    return written


def _numbered(path: Path, number: int) -> Path:
    return path if number == 1 else path.with_name(f'{path.stem}_{number}{path.suffix}')


def _sheet(entries: Sequence[Tile]) -> np.ndarray:
    columns = min(COLUMNS, len(entries))
    rows = -(-len(entries) // columns)
    sheet = np.full((rows * _ENTRY_HEIGHT + GAP_PX, columns * _ENTRY_WIDTH, 3), TABLE, np.uint8)
    for k, entry in enumerate(entries):
        top, left = GAP_PX + (k // columns) * _ENTRY_HEIGHT, (k % columns) * _ENTRY_WIDTH + GAP_PX
        for number, tile in enumerate(entry.tiles):
            x = left + number * (TILE_PX + GAP_PX)
            sheet[top : top + TILE_PX, x : x + TILE_PX] = tile
    return _labelled(sheet, entries, columns)


def _labelled(sheet: np.ndarray, entries: Sequence[Tile], columns: int) -> np.ndarray:
    image = Image.fromarray(sheet)
    pen = ImageDraw.Draw(image)
    font = ImageFont.load_default(TEXT_PX)
    width = _ENTRY_WIDTH - 2 * GAP_PX
    for k, entry in enumerate(entries):
        top, left = GAP_PX + (k // columns) * _ENTRY_HEIGHT, (k % columns) * _ENTRY_WIDTH + GAP_PX
        for line, text in enumerate((entry.name, entry.figures)):
            at = left, top + TILE_PX + 4 + line * (TEXT_PX + 6)
            pen.text(at, _shortened(text, width, pen, font), fill=(TEXT,) * 3, font=font)
    return np.asarray(image)


def _shortened(text: str, width_px: int, pen: ImageDraw.ImageDraw, font: object) -> str:
    """As much of one line of text as there is room for."""
    clean = ' '.join(text.encode(errors='replace').decode().split())
    if pen.textlength(clean, font=font) <= width_px:  # type: ignore[arg-type]
        return clean
    while clean and pen.textlength(clean + '...', font=font) > width_px:  # type: ignore[arg-type]
        clean = clean[:-1]
    return clean + '...'


def _tile(picture: np.ndarray) -> np.ndarray:
    """A picture, (H, W) grey or (H, W, 3), in the middle of a tile; its aspect is kept."""
    rgb = cv2.cvtColor(picture, cv2.COLOR_GRAY2RGB) if picture.ndim == 2 else picture
    scale = TILE_PX / max(rgb.shape[:2])
    height, width = (min(TILE_PX, max(1, round(side * scale))) for side in rgb.shape[:2])
    how = cv2.INTER_AREA if scale < 1.0 else cv2.INTER_CUBIC
    tile = np.full((TILE_PX, TILE_PX, 3), TABLE, np.uint8)
    top, left = (TILE_PX - height) // 2, (TILE_PX - width) // 2
    tile[top : top + height, left : left + width] = cv2.resize(rgb, (width, height), interpolation=how)
    return tile
