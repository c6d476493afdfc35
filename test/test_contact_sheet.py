"""Contact sheets: what lies where, page splitting, labels."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from sketch_robot.contact_sheet import (
    COLUMNS,
    ROWS,
    TABLE,
    TILE_PX,
    Tile,
    contact_sheets,
    make_entry,
    save_contact_sheets,
)
from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.motion import Page
from sketch_robot.plotters import Paper

FULL = COLUMNS * ROWS


def flat(grey: int) -> np.ndarray:
    return np.full((TILE_PX, TILE_PX, 3), grey, np.uint8)


def entry(name: str = 'a.jpg', grey: int = 7) -> Tile:
    return Tile(name, 'figures', (flat(grey), flat(grey), flat(grey)))


@pytest.mark.parametrize(
    ('count', 'sheets'), [(0, 0), (1, 1), (FULL - 1, 1), (FULL, 1), (FULL + 1, 2), (5 * FULL, 5), (5 * FULL + 1, 6)]
)
def test_any_number_of_entries_is_split_into_full_sheets(count: int, sheets: int) -> None:
    made = contact_sheets([entry()] * count)
    assert len(made) == sheets
    tiles = sum(np.count_nonzero((sheet == 7).all(axis=2)) for sheet in made) / (3 * TILE_PX**2)
    assert tiles == count


def test_the_tiles_of_an_entry_stand_side_by_side_in_their_order() -> None:
    sheet = contact_sheets([Tile('a', 'b', (flat(10), flat(20), flat(30)))])[0]
    middles = [int(np.argwhere((sheet == grey).all(axis=2))[:, 1].mean()) for grey in (10, 20, 30)]
    assert middles == sorted(middles)
    assert middles[1] - middles[0] == middles[2] - middles[1] > TILE_PX


def test_an_upright_page_keeps_its_aspect_and_shows_its_ink_at_its_place() -> None:
    paper = Paper(Page(100.0, 200.0), 4.0)
    paper.touch((25.0, 150.0))  # left of the middle, in the upper half
    paper.lift()
    tile = make_entry('a', 'b', np.zeros((8, 8, 3), np.uint8), np.zeros((8, 8), np.float32), paper).tiles[2]
    white = np.argwhere((tile > 240).all(axis=2))
    assert np.ptp(white[:, 0]) + 1 == TILE_PX
    assert np.ptp(white[:, 1]) + 1 == TILE_PX // 2
    row, column = np.argwhere((tile < 100).all(axis=2)).mean(axis=0)
    assert (row + 0.5) / TILE_PX == pytest.approx(0.25, abs=0.01)
    assert (column + 0.5) / TILE_PX == pytest.approx(0.25 + 0.125, abs=0.01)


def test_ink_is_dark_on_white() -> None:
    ink = np.zeros((64, 64), np.float32)
    ink[:, :32] = 1.0
    tile = make_entry('a', 'b', np.zeros((64, 64, 3), np.uint8), ink, Paper(Page(50.0, 50.0))).tiles[1]
    assert tile[:, : TILE_PX // 2 - 20].max() < 20
    assert tile[:, TILE_PX // 2 + 20 :].min() > 235


@pytest.mark.parametrize('name', ['x' * 500, 'Zoë_ß_写真.jpg', 'bad\udcff.png', '', 'two\nlines'])
def test_any_name_is_written_below_within_its_entry(name: str) -> None:
    sheet = contact_sheets([entry(name), entry('b')])[0]
    below = sheet[TILE_PX + 14 :]
    assert (below[:, below.shape[1] // 2 - 6 : below.shape[1] // 2 + 6] == TABLE).all()  # nothing runs into the next
    written = (below[:, : below.shape[1] // 2] < 120).any()
    assert written  # the name, or at least the figures


def test_sheets_are_numbered_from_the_second_on(tmp_path: Path) -> None:
    written = save_contact_sheets([entry()] * (FULL + 1), tmp_path / 'sheet.png')
    assert [path.name for path in written] == ['sheet.png', 'sheet_2.png']
    picture = cv2.imread(str(written[1]))
    assert picture is not None
    assert (picture == contact_sheets([entry()])[0][..., ::-1]).all()


def test_no_entries_write_no_sheet(tmp_path: Path) -> None:
    assert save_contact_sheets([], tmp_path / 'sheet.png') == []
    assert list(tmp_path.iterdir()) == []


def test_a_sheet_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(SketchRobotError, match='cannot write') as caught:
        save_contact_sheets([entry()], tmp_path / 'missing' / 'sheet.png')
    assert caught.value.code == ErrorCode.BAD_GOAL
