"""A run from folders to a file of styles, and a new style into a file that has others."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from skimage import data as pictures_of_skimage

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.line_art.styles.blend import Blend
from sketch_robot.line_art.styles.runtime import StylePainter
from sketch_robot.line_art.styles.style_file import THUMBNAIL_PX, StyleEntry, StyleSet, save_styles
from sketch_robot.training.styles.batches import StyleBatchOptions
from sketch_robot.training.styles.pens import FOR_SCREENS, PEN_MANNERS
from sketch_robot.training.styles.pictures import (
    PHOTO_PX,
    StylePicture,
    centre_square,
    pack_photos,
    read_packed,
    read_style_pictures,
)
from sketch_robot.training.styles.trainer import PHOTOS_FILE, STYLES_FILE, Manner, StyleTrainer, StyleTrainOptions

THUMBNAIL_SEEN_PX = 192
BY_RULE = 'drawn by rule, see sketch_robot/training/styles/pens.py; Apache-2.0'
BUNDLED = ('astronaut', 'cat', 'coffee', 'camera', 'rocket')  # photos that come with scikit-image

_log = logging.getLogger(__name__)


def manners_of(pictures: Sequence[StylePicture], *, pens: bool) -> list[Manner]:
    """The styles to learn: the pens' own, when they are wanted, and those of pictures.

    Raises:
        SketchRobotError: BAD_GOAL, a picture is called as a pen's manner is.
    """
    by_rule = PEN_MANNERS if pens else {}
    double = [each.name for each in pictures if each.name in by_rule]
    if double:
        raise SketchRobotError(ErrorCode.BAD_GOAL, f'{double[0]} is the name of a manner of pens; rename the picture')
    return [
        *(Manner(name, rule, None, name not in FOR_SCREENS, BY_RULE) for name, rule in by_rule.items()),
        *(Manner(each.name, None, each, each.for_pen, f'after the picture {each.name}') for each in pictures),
    ]


def train_styles(
    pictures: Path,
    photos: Path,
    run: Path,
    options: StyleTrainOptions,
    *,
    pens: bool = False,
    batches: StyleBatchOptions | None = None,
    start: StyleSet | None = None,
    stop: Callable[[], bool] = lambda: False,
) -> Path:
    """Learn all styles of a folder; a run that was stopped is gone on with.

    Args:
        pictures: folder of style pictures.
        photos: folder of photos; not looked at again when the run has packed them.
        run: its folder.
        options, batches: how.
        pens: whether the pens' own manners are learned, too.
        start: a set with a network to begin with.
        stop: asked between steps.

    Returns:
        the file of styles.

    Raises:
        SketchRobotError: BAD_GOAL, BAD_IMAGE: what was wrong; nothing of an earlier run is lost.
    """
    manners = manners_of(read_style_pictures(pictures), pens=pens)
    packed = run / PHOTOS_FILE
    seen = read_packed(packed) if packed.is_file() else pack_photos(photos, packed)
    trainer = StyleTrainer(run, seen, manners, options, batches=batches, start=start)
    trainer.run(stop=stop)
    save_styles(with_thumbnails(trainer.kept()), run / STYLES_FILE)
    return run / STYLES_FILE


def add_style(
    picture: StylePicture,
    styles: StyleSet,
    out: Path,
    options: StyleTrainOptions,
    *,
    photos: Path | None = None,
    batches: StyleBatchOptions | None = None,
    stop: Callable[[], bool] = lambda: False,
) -> StyleSet:
    """Learn one more style; of the network only the new scales and shifts change.

    Args:
        picture: to learn from.
        styles: the set; a style of the same name is replaced.
        out: where the new set is written. Beside it lies the run's folder until the run is over.
        options, batches: how.
        photos: folder of photos; None: those that come with scikit-image.
        stop: asked between steps; the run is gone on with when asked again.

    Returns:
        the new set, the new style last.

    Raises:
        SketchRobotError: BAD_GOAL, BAD_IMAGE: what was wrong.
    """
    kept = replace(styles, styles=tuple(each for each in styles.styles if each.name != picture.name))
    if not kept.styles:
        raise SketchRobotError(ErrorCode.BAD_GOAL, f'{picture.name} is the only style there: none to add it to')
    run = out.with_suffix('.run')
    packed = run / PHOTOS_FILE
    if packed.is_file():
        seen = read_packed(packed)
    else:
        seen = pack_photos(photos, packed) if photos is not None else bundled_photos()
    manners = [*(Manner(each.name, for_pen=each.for_pen, source=each.source) for each in kept.styles)]
    manners.append(Manner(picture.name, None, picture, picture.for_pen, f'after the picture {picture.name}'))
    trainer = StyleTrainer(run, seen, manners, replace(options, only_new=1), batches=batches, start=kept)
    trainer.run(stop=stop)
    new = _with_thumbnail(trainer.kept(), len(kept.styles))
    whole = replace(styles, styles=(*kept.styles, new))
    save_styles(whole, out)
    if trainer.step >= options.steps:
        shutil.rmtree(run, ignore_errors=True)
    return whole


def bundled_photos() -> np.ndarray:
    """Photos that come with scikit-image: (N, PHOTO_PX, PHOTO_PX, 3) uint8."""
    seen = []
    for name in BUNDLED:
        picture = getattr(pictures_of_skimage, name)()
        rgb = np.repeat(picture[..., None], 3, axis=2) if picture.ndim == 2 else picture
        seen.append(centre_square(rgb, PHOTO_PX))
    return np.stack(seen)


def with_thumbnails(styles: StyleSet) -> StyleSet:
    """A set with somebody drawn in each of its styles: scikit-image's astronaut, a photo of NASA."""
    return replace(styles, styles=tuple(_with_thumbnail(styles, k) for k in range(len(styles.styles))))


def _with_thumbnail(styles: StyleSet, number: int) -> StyleEntry:
    style = styles.styles[number]
    face = centre_square(pictures_of_skimage.astronaut()[:256, 96:352], THUMBNAIL_SEEN_PX)
    painter = StylePainter(replace(styles, styles=(style,)), runtime='torch')
    painted = painter.paint(face, Blend((style.name,), (1.0,)))
    return replace(style, thumbnail=cv2.resize(painted, (THUMBNAIL_PX,) * 2, interpolation=cv2.INTER_AREA))
