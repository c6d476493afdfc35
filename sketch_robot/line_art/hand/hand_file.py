"""A hand in a file: a small network's numbers and a few words of text, no code that loading could run (safetensors).

What comes from elsewhere is not trusted: how large the file is, what its header says and the shape of every layer are
checked before anything of it is used.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.files import write_whole
from sketch_robot.validation import Rule, problem_with

FORMAT = 'sketch_robot.hand.1'
SUFFIX = '.safetensors'
LARGEST_FILE = 8 * 2**20  # bytes; the largest shape has 5.5 MB
FILTERS = (32, 64, 128, 128, 128, 64)  # Texler et al. 2020
MOST_FILTERS, MOST_BLOCKS = 128, 7
MOST_DOTS = 512
RGB = 3

_NUMBERS = {
    'face_px': Rule(float, low=0.0, high=10_000.0),
    'paper': Rule(float, low=0.0, high=255.0),
    'darkest': Rule(float, low=0.0, high=255.0),
}


@dataclass(frozen=True)
class HandShape:
    """How large a hand's network is.

    Attributes:
        filters: of the first layer, at half and a quarter of the side, inside the blocks, and on the two ways up.
        blocks: residual blocks.
        guided: whether it sees guides, three channels that follow the motion of one video, beside the picture.
    """

    filters: tuple[int, ...] = FILTERS
    blocks: int = 3
    guided: bool = False

    @property
    def inputs(self) -> int:
        """Channels that go in."""
        return 2 * RGB if self.guided else RGB

    @property
    def reach_px(self) -> int:
        """How far around a pixel the network sees: what lies further does not change it."""
        return 2 + 1 + 2 + 8 * self.blocks + 2 * 2 + 3 + 1 + 4  # layer by layer, and what grids of 4 px round off

    def layers(self) -> dict[str, tuple[int, int, int]]:
        """Of each layer by name: channels out, channels in, side of the kernel."""
        first, second, third, inner, up, last = self.filters
        blocks: dict[str, tuple[int, int, int]] = {}
        for k in range(self.blocks):
            blocks[f'blocks.{k}.first'] = inner, third, 3
            blocks[f'blocks.{k}.second'] = third, inner, 3
        return {
            'fine': (first, self.inputs, 5),
            'middle': (second, first, 3),
            'coarse': (third, second, 3),
            **blocks,
            'rise': (up, third + second, 3),
            'top': (last, up + first, 3),
            'colour': (RGB, last + self.inputs, 3),
        }


@dataclass(frozen=True, eq=False)
class HandWeights:
    """What was learned of how somebody draws.

    Attributes:
        shape: of the network.
        weights: float32 by name, '<layer>.weight' (out, in, side, side) and '<layer>.bias' (out,).
        face_px: height of the sitter's face where it was learned, px; 0: there was none.
        paper, darkest: grey of the artist's paper and of the darkest marks, 0 ... 255.
        sitter_only: whether it was learned inside masks: what is around the sitter means nothing.
        dots: (N, 6) float32, the guides in the first key frame: x, y, sigma px, red, green, blue in [0, 1]; none
            unless the shape is guided.
        notes: what else a reader should know.
    """

    shape: HandShape
    weights: Mapping[str, np.ndarray]
    face_px: float = 0.0
    paper: float = 255.0
    darkest: float = 0.0
    sitter_only: bool = False
    dots: np.ndarray = field(default_factory=lambda: np.empty((0, 6), np.float32))
    notes: Mapping[str, str] = field(default_factory=dict)


def save_hand(hand: HandWeights, path: Path) -> int:
    """Write a hand, whole or not at all, its weights as float16.

    Returns:
        bytes.

    Raises:
        SketchRobotError: BAD_GOAL, it cannot be written; what was there before is untouched.
    """
    shape = hand.shape
    about = {
        'filters': list(shape.filters),
        'blocks': shape.blocks,
        'guided': shape.guided,
        'sitter_only': hand.sitter_only,
        **{name: round(float(getattr(hand, name)), 3) for name in _NUMBERS},
    }
    arrays = {name: np.ascontiguousarray(hand.weights[name], np.float16) for name in _wanted(shape)}
    if shape.guided:
        arrays['dots'] = np.ascontiguousarray(hand.dots, np.float32)
    data = save(arrays, {**hand.notes, 'format': FORMAT, 'hand': json.dumps(about)})
    write_whole(path, data)
    return len(data)


def load_hand(path: Path) -> HandWeights:
    """Read a hand.

    Raises:
        SketchRobotError: BAD_GOAL, the file is missing, too large, or holds something else.
    """
    check_hand_file(path)
    try:
        with safe_open(path, 'np') as file:
            header = file.metadata() or {}
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a dict)
    except (SafetensorError, OSError, TypeError, ValueError) as error:
        raise _refused(path, f'it is no safetensors file ({_short(error)})') from error
    if header.get('format') != FORMAT:
        raise _refused(path, f"it holds no hand (its header's format is {header.get('format', 'missing')[:60]!r})")
    about = _about(path, header.get('hand', ''))
    shape = HandShape(tuple(about['filters']), about['blocks'], about['guided'])
    wanted = _wanted(shape)
    for name, size in wanted.items():
        if name not in arrays or arrays[name].shape != size or arrays[name].dtype.kind != 'f':
            raise _refused(path, f'its layer {name} is not what its header says')
    weights = {name: arrays[name].astype(np.float32) for name in wanted}
    dots = np.asarray(arrays.get('dots', np.empty((0, 6))), np.float32)
    if dots.ndim != 2 or dots.shape[1] != 6 or len(dots) > MOST_DOTS or shape.guided != (len(dots) > 0):
        raise _refused(path, 'its guides are not what its header says')
    if not all(np.isfinite(each).all() for each in (*weights.values(), dots)) or (dots[:, 2] <= 0.0).any():
        raise _refused(path, 'it holds numbers that cannot be used')
    notes = {name: text for name, text in header.items() if name not in ('format', 'hand')}
    numbers = {name: float(about[name]) for name in _NUMBERS}
    return HandWeights(shape, weights, **numbers, sitter_only=about['sitter_only'], dots=dots, notes=notes)


def check_hand_file(path: Path) -> None:
    """Refuse a file by its name, size and first bytes, without reading the rest.

    Raises:
        SketchRobotError: BAD_GOAL.
    """
    if path.suffix.lower() != SUFFIX:
        raise _refused(path, f'a hand ends in {SUFFIX}')
    try:
        size = path.stat().st_size
        with path.open('rb') as file:
            first = file.read(8)
    except OSError as error:
        raise _refused(path, f'it cannot be read ({error.strerror})') from error
    if size > LARGEST_FILE:
        raise _refused(path, f'it has {size / 2**20:.0f} MB, and a hand at most {LARGEST_FILE // 2**20}')
    if len(first) < 8 or int.from_bytes(first, 'little') > size:  # the length of the header
        pickled = first[:2] == b'PK' or (first[:1] == b'\x80' and first[1:2] in (b'\x02', b'\x03', b'\x04', b'\x05'))
        what = 'a pickle or a zip, which can run code, and ' if pickled else ''
        raise _refused(path, f'it is {what}no safetensors file')


def _wanted(shape: HandShape) -> dict[str, tuple[int, ...]]:
    sizes: dict[str, tuple[int, ...]] = {}
    for name, (out, into, side) in shape.layers().items():
        sizes[f'{name}.weight'] = out, into, side, side
        sizes[f'{name}.bias'] = (out,)
    return sizes


def _about(path: Path, text: str) -> dict[str, Any]:
    """The header's own words, checked."""
    try:
        about = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _refused(path, 'its header cannot be read') from error
    if not isinstance(about, dict):
        raise _refused(path, 'its header cannot be read')
    filters: Any = about.get('filters')
    blocks: Any = about.get('blocks')
    whole = isinstance(filters, list) and all(type(each) is int and 0 < each <= MOST_FILTERS for each in filters)
    if not whole or len(filters) != len(FILTERS) or type(blocks) is not int or not 0 <= blocks <= MOST_BLOCKS:
        raise _refused(path, 'its header names a network of another kind')
    problem = next((each for name, rule in _NUMBERS.items() if (each := problem_with(name, about.get(name), rule))), '')
    if not problem:
        problem = next(
            (f'{name} is no flag' for name in ('guided', 'sitter_only') if about.get(name) not in (0, 1)), ''
        )
    if problem:
        raise _refused(path, problem)
    return about


def _short(error: Exception) -> str:
    return re.sub(r'\s+', ' ', str(error))[:120]


def _refused(path: Path, why: str) -> SketchRobotError:
    return SketchRobotError(ErrorCode.BAD_GOAL, f'{path} cannot be used: {why}')


def ink_in(drawn: np.ndarray, hand: HandWeights) -> np.ndarray:
    """What a hand drew as ink: (H, W, 3) uint8 RGB to (H, W) float32 in [0, 1], from its paper to its darkest."""
    grey = drawn.astype(np.float32) @ np.array([0.299, 0.587, 0.114], np.float32)
    span = hand.paper - hand.darkest
    if not math.isfinite(span) or span < 1.0:
        return np.zeros(grey.shape, np.float32)
    return np.clip((hand.paper - grey) / span, 0, 1).astype(np.float32)
