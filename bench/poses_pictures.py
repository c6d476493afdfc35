"""Make the pictures of docs/poses.md: `python -m bench.poses_pictures PEOPLE docs/poses`.

PEOPLE is a folder as `sketch-robot train-pose` takes it; of it the people are drawn that were not trained on.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from sketch_robot.line_art.artist import make_artist
from sketch_robot.photo import Photo, SitterFinder
from sketch_robot.plotters.paper import save_png
from sketch_robot.poses.drawing import FigureArtist, full_length_art
from sketch_robot.poses.named import AS_THEY_STAND, NAMES
from sketch_robot.poses.pairs import PosePairs, load_pictures
from sketch_robot.poses.runtime import PosePainter
from sketch_robot.poses.wish import PoseWish
from sketch_robot.strokes import strokes_from

TALL_PX = 420  # of a drawing on the sheets
SHOWN = (AS_THEY_STAND, 'dancer', 'hero', 'cheering', 'waving', 'running', 'tree')
ENLARGED = 6  # the pictures are small, and a face of 20 pixels has no lines
PAIRS = 12


class Drawer:
    """Draws photos in poses."""

    def __init__(self) -> None:
        self._artist, self._figures, self._finder = make_artist('student'), FigureArtist(), SitterFinder()

    def drawn(self, rgb: np.ndarray, poses: Sequence[str]) -> list[np.ndarray]:
        """The photo and its drawings: (TALL_PX, W, 3) uint8 each."""
        sitter = self._finder.find(Photo(rgb, 'shown'), require_face=True)
        art = self._artist.draw(sitter)
        head = strokes_from(art, sitter)
        shown = []
        for pose in poses:
            figure = self._figures.draw(rgb, PoseWish(pose))
            if not shown:
                shown.append(_fitted(figure.rgba[..., :3]))
            ink = full_length_art(art, head, sitter, figure).ink
            shown.append(_fitted(np.repeat(np.rint(255 * (1 - ink)).astype(np.uint8)[..., None], 3, 2)))
        return shown

    def close(self) -> None:
        """Free the networks."""
        self._finder.close()


def enlarged(folder: Path, name: str) -> np.ndarray:
    """A picture of a folder, larger: (H, W, 3) uint8 RGB."""
    bgr = cv2.imread(str(folder / name))
    return cv2.resize(bgr, None, fx=ENLARGED, fy=ENLARGED, interpolation=cv2.INTER_CUBIC)[..., ::-1].copy()


def _fitted(rgb: np.ndarray) -> np.ndarray:
    width = round(rgb.shape[1] * TALL_PX / rgb.shape[0])
    return np.asarray(cv2.resize(rgb, (width, TALL_PX), interpolation=cv2.INTER_AREA))


def main() -> None:
    """Draw the sheets."""
    people, out = Path(sys.argv[1]), Path(sys.argv[2])
    out.mkdir(parents=True, exist_ok=True)
    drawer = Drawer()
    frontal = [name.name for name in sorted(people.glob('*_0.jpg'))]
    unseen = [name for name in frontal if int(name.split('_')[0]) % 20 in (3, 10, 17)]
    save_png(out / 'poses.png', np.hstack(drawer.drawn(enlarged(people, unseen[3]), SHOWN)))
    rows = [np.hstack(drawer.drawn(enlarged(people, name), SHOWN)) for name in unseen[4:12]]
    save_png(out / 'people.png', np.vstack(rows))
    save_png(out / 'all.png', np.hstack(drawer.drawn(enlarged(people, unseen[0]), NAMES)[1:]))
    drawer.close()
    painter = PosePainter()
    pictures = load_pictures(people, 'test', height_px=painter.height_px)
    columns = []
    for a, b in PosePairs(pictures, vary=False).fixed(PAIRS):
        drawn = painter.paint(pictures.rgba[a], pictures.poses[a], pictures.poses[b])
        columns.append(np.vstack([each[..., :3] for each in (pictures.rgba[a], pictures.rgba[b], drawn)]))
    save_png(out / 'generated.png', np.hstack(columns))


if __name__ == '__main__':
    main()
