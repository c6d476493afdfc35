"""Many manners in one file: the network's numbers, and of each manner its name, what it is for and a thumbnail.

A safetensors file: numbers and a few words of text, no code that loading could run. It is read without torch.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors.numpy import save

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.files import read_tensors, write_whole
from sketch_robot.line_art.styles.layers import LAYERS, condition_length

FORMAT = 'sketch_robot.styles.1'
LARGEST_FILE = 64 * 2**20  # a file of 5,000 manners has less
MOST_STYLES = 1000
THUMBNAIL_PX = 64
NAME = re.compile(r'[a-z0-9][a-z0-9_]{0,39}')


@dataclass(frozen=True, eq=False)
class StyleEntry:
    """One manner.

    Attributes:
        name: small letters, digits and underscores.
        condition: (3206,) float32, its scales and shifts, layer by layer, see `StyleNet.condition`.
        thumbnail: (THUMBNAIL_PX, THUMBNAIL_PX, 3) uint8 RGB, somebody drawn in it.
        for_pen: whether a pen can draw what it gives; else it is for screens.
        source: what it was learned from, with its licence.
    """

    name: str
    condition: np.ndarray
    thumbnail: np.ndarray
    for_pen: bool
    source: str = ''


@dataclass(frozen=True, eq=False)
class StyleSet:
    """A network and its manners.

    Attributes:
        kernels: of each layer, (outputs, inputs, k, k) float32.
        biases: of each layer, (outputs,) float32.
        styles: the manners; names differ.
    """

    kernels: tuple[np.ndarray, ...]
    biases: tuple[np.ndarray, ...]
    styles: tuple[StyleEntry, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Of the manners, in their order."""
        return tuple(style.name for style in self.styles)


def check_name(name: str) -> str:
    """A manner's name, when it can be one.

    Raises:
        SketchRobotError: BAD_GOAL, it cannot.
    """
    if not NAME.fullmatch(name):
        raise SketchRobotError(
            ErrorCode.BAD_GOAL,
            f'{name!r} is no name of a style: up to 40 small letters, digits and underscores, a letter or digit first',
        )
    return name


def save_styles(styles: StyleSet, path: Path, *, half: bool = False) -> int:
    """Write a set, whole or not at all.

    Args:
        path: ends in .safetensors.
        half: numbers as float16, half the size; `load_styles` gives float32 again.

    Returns:
        the file's size in bytes.

    Raises:
        SketchRobotError: BAD_GOAL, the file cannot be written; what was there before is untouched.
    """
    kind = np.float16 if half else np.float32
    tensors = {'conditions': np.stack([each.condition for each in styles.styles]).astype(kind)}
    for k, (kernel, bias) in enumerate(zip(styles.kernels, styles.biases, strict=True)):
        tensors[f'layers.{k}.weight'] = np.ascontiguousarray(kernel, kind)
        tensors[f'layers.{k}.bias'] = np.ascontiguousarray(bias, kind)
    tensors['thumbnails'] = np.stack([each.thumbnail for each in styles.styles])
    words = [{'name': each.name, 'for_pen': each.for_pen, 'source': each.source} for each in styles.styles]
    data = save(tensors, {'format': FORMAT, 'styles': json.dumps(words)})
    write_whole(path, data)
    return len(data)


def load_styles(path: Path) -> StyleSet:
    """Read a set.

    Raises:
        SketchRobotError: BAD_GOAL, the file is missing, too large, or holds something else.
    """
    if not path.is_file():
        raise SketchRobotError(ErrorCode.BAD_GOAL, f'there is no file of styles at {path}')
    header, tensors = read_tensors(path, FORMAT, most_bytes=LARGEST_FILE, foreign=_foreign)
    words = _words(header.get('styles', ''), path)
    expected: dict[str, tuple[int, ...]] = {'conditions': (len(words), condition_length())}
    for k, layer in enumerate(LAYERS):
        expected[f'layers.{k}.weight'] = (layer.outputs, layer.inputs, layer.kernel, layer.kernel)
        expected[f'layers.{k}.bias'] = (layer.outputs,)
    for name, shape in expected.items():
        given = tensors.get(name)
        if given is None or given.shape != shape or given.dtype not in (np.float16, np.float32):
            raise _foreign(path, f'{name} is {"missing" if given is None else f"{given.dtype} {given.shape}"}')
        tensors[name] = given.astype(np.float32)
        if not np.isfinite(tensors[name]).all():
            raise _foreign(path, f'{name} is not finite')
    thumbnails = tensors.get('thumbnails')
    if thumbnails is None or thumbnails.shape != (len(words), THUMBNAIL_PX, THUMBNAIL_PX, 3):
        raise _foreign(path, 'it has no thumbnails')
    styles = tuple(
        StyleEntry(word[0], condition, thumbnail, word[1], word[2])
        for word, condition, thumbnail in zip(words, tensors['conditions'], thumbnails.astype(np.uint8), strict=True)
    )
    kernels, biases = (tuple(tensors[f'layers.{k}.{what}'] for k in range(len(LAYERS))) for what in ('weight', 'bias'))
    return StyleSet(kernels, biases, styles)


def _words(text: str, path: Path) -> list[tuple[str, bool, str]]:
    """What the header says of each manner: its name, whether it is for pens, and its source."""
    try:
        found = [(str(each['name']), bool(each['for_pen']), str(each['source'])) for each in json.loads(text)]
    except (ValueError, TypeError, KeyError) as error:
        raise _foreign(path, 'its header names no styles') from error
    names = [name for name, _, _ in found]
    if not 0 < len(names) <= MOST_STYLES or not _good(names):
        raise _foreign(path, f'its names are no names of styles: {", ".join(names)[:120]}')
    return found


def _good(names: Iterable[str]) -> bool:
    given = list(names)
    return len(set(given)) == len(given) and all(NAME.fullmatch(name) for name in given)


def _foreign(path: Path, why: str) -> SketchRobotError:
    return SketchRobotError(ErrorCode.BAD_GOAL, f'{path} holds no styles: {why}')
