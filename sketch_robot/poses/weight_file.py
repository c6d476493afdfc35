"""Weights of a pose generator in a safetensors file: numbers and a few words, no code that loading could run."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from safetensors.numpy import save

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.files import read_tensors, write_whole
from sketch_robot.poses.shape import PoseShape, tensor_shapes

if TYPE_CHECKING:
    from sketch_robot.poses.network import PoseGenerator

FORMAT = 'sketch_robot.pose.1'
LARGEST_FILE = 400 * 2**20


@dataclass(frozen=True, eq=False)
class PoseWeights:
    """A generator as plain numbers.

    Attributes:
        shape: how large it is.
        tensors: float32, by the names of the torch module's state.
        height_px: of the pictures that it was trained on.
        notes: what else its maker said.
    """

    shape: PoseShape
    tensors: dict[str, np.ndarray]
    height_px: int
    notes: dict[str, str] = field(default_factory=dict)


def weights_of(net: PoseGenerator, height_px: int, notes: dict[str, str] | None = None) -> PoseWeights:
    """A torch module's weights."""
    tensors = {name: value.detach().cpu().float().numpy() for name, value in net.state_dict().items()}
    return PoseWeights(net.shape, tensors, height_px, notes or {})


def save_pose_weights(weights: PoseWeights, path: Path, *, half: bool = False) -> int:
    """Write weights, whole or not at all.

    Args:
        path: ends in .safetensors.
        half: as float16, half the size; `load_pose_weights` gives float32 again.

    Returns:
        the file's size in bytes.

    Raises:
        SketchRobotError: BAD_GOAL, the file cannot be written; what was there before is untouched.
    """
    kind = np.float16 if half else np.float32
    tensors = {name: np.ascontiguousarray(value, kind) for name, value in weights.tensors.items()}
    shape = {'widths': list(weights.shape.widths), 'channels': weights.shape.channels, 'deform': weights.shape.deform}
    header = {'format': FORMAT, 'shape': json.dumps({**shape, 'height_px': weights.height_px})}
    data = save(tensors, {**weights.notes, **header})
    write_whole(path, data)
    return len(data)


def load_pose_weights(path: Path) -> PoseWeights:
    """Read weights.

    Raises:
        SketchRobotError: BAD_GOAL, the file is missing, too large, or holds something else.
    """
    if not path.is_file():
        raise SketchRobotError(ErrorCode.BAD_GOAL, f'there are no weights at {path}')
    header, tensors = read_tensors(path, FORMAT, most_bytes=LARGEST_FILE, foreign=_foreign)
    del header['format']
    try:
        words = json.loads(header.pop('shape', ''))
        widths, channels = tuple(int(width) for width in words['widths']), int(words['channels'])
        shape, height_px = PoseShape(widths, channels, bool(words['deform'])), int(words['height_px'])
    except (ValueError, TypeError, KeyError) as error:
        raise _foreign(path, 'its header names no shape') from error
    if not 3 <= len(widths) <= 9 or not all(1 <= width <= 2048 for width in widths) or height_px % shape.step_px:
        raise _foreign(path, f'no generator has the widths {widths}')
    expected = tensor_shapes(shape)
    if set(tensors) != set(expected):
        raise _foreign(path, 'its layers are not those of its shape')
    for name, size in expected.items():
        if tensors[name].shape != size or tensors[name].dtype not in (np.float16, np.float32):
            raise _foreign(path, f'{name} is {tensors[name].dtype} {tensors[name].shape}')
        tensors[name] = tensors[name].astype(np.float32)
        if not np.isfinite(tensors[name]).all():
            raise _foreign(path, f'{name} is not finite')
    return PoseWeights(shape, tensors, height_px, header)


def _foreign(path: Path, why: str) -> SketchRobotError:
    return SketchRobotError(ErrorCode.BAD_GOAL, f'{path} holds no pose generator: {why}')
