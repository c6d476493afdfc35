"""Draw with a hand through OpenVINO, without torch: whole pictures, or only where something is to be drawn.

The network sees no further than `HandShape.reach_px` around a pixel and holds no state: a part cut out with that much
around it is drawn as in the whole picture, and a frame alone as in its video.
"""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

import cv2
import numpy as np

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.line_art.hand.hand_file import HandWeights

if TYPE_CHECKING:
    from openvino import Model
    from openvino.utils.types import NodeInput

GRID_PX = 4  # pictures are as large as a multiple of it
PART_PX = 16  # parts begin and end on this grid: each new size of picture costs OpenVINO a moment
PRECISIONS = ('auto', 'float32')


class HandRunner:
    """A hand ready to draw. Several threads may ask at once.

    Args:
        hand: whose.
        precision: 'auto' lets OpenVINO compute in bfloat16 where the processor is quicker at it; 'float32' does not.
        streams: pictures that are drawn at once; each gets its share of the cores.

    Raises:
        SketchRobotError: BAD_GOAL, OpenVINO is not installed.
    """

    def __init__(self, hand: HandWeights, *, precision: str = 'auto', streams: int = 1) -> None:
        try:
            import openvino
            from openvino import properties
        except ModuleNotFoundError as error:
            raise SketchRobotError(
                ErrorCode.BAD_GOAL, 'a hand needs openvino, which is not installed (pip install openvino)'
            ) from error
        settings = {
            properties.num_streams(): streams,
            properties.inference_num_threads(): max(streams, os.cpu_count() or 1),
        }
        if precision == 'float32':
            settings[properties.hint.inference_precision()] = openvino.Type.f32
        self.hand = hand
        self._compiled = openvino.Core().compile_model(hand_model(hand), 'CPU', settings)
        self._of_thread = threading.local()

    def draw(self, rgb: np.ndarray, *, where: np.ndarray | None = None, guides: np.ndarray | None = None) -> np.ndarray:
        """Draw a picture as the artist would.

        Args:
            rgb: (H, W, 3) uint8.
            where: (H, W) bool, where it is to be drawn; the rest stays as it is, and costs nothing. None: all of it.
            guides: (H, W, 3) uint8, for a hand that has guides.

        Returns:
            (H, W, 3) uint8.

        Raises:
            SketchRobotError: BAD_GOAL, the hand has guides and none are given: it is for its own video alone.
        """
        if self.hand.shape.guided != (guides is not None):
            raise SketchRobotError(
                ErrorCode.BAD_GOAL,
                'this hand was trained with guides, which only its own video has; use `keyframe apply` there, or train '
                'without --guides',
            )
        seen = rgb if guides is None else np.concatenate([rgb, guides], axis=2)
        if where is None:
            return self._all_of(seen)
        part = part_around(where, self.hand.shape.reach_px)
        drawn = rgb.copy()
        if part is not None:
            drawn[part] = np.where(where[part][..., None], self._all_of(seen[part]), rgb[part])
        return drawn

    def _all_of(self, seen: np.ndarray) -> np.ndarray:
        height, width = seen.shape[:2]
        below, right = -height % GRID_PX, -width % GRID_PX
        if below or right:
            seen = np.pad(seen, ((0, below), (0, right), (0, 0)), mode='edge')
        request = getattr(self._of_thread, 'request', None)
        if request is None:
            request = self._of_thread.request = self._compiled.create_infer_request()
        request.infer([np.ascontiguousarray(seen[None])])
        return np.array(request.get_output_tensor().data[0, :height, :width])


def part_around(where: np.ndarray, reach_px: int) -> tuple[slice, slice] | None:
    """The part of a picture that holds all of a mask and what its network sees; None for an empty one.

    Args:
        where: (H, W) bool.
        reach_px: how far the network sees.
    """
    x, y, width, height = cv2.boundingRect(where.astype(np.uint8))
    if width == 0:
        return None
    parts = []
    for low, length, side in ((y, height, where.shape[0]), (x, width, where.shape[1])):
        start = max(0, (low - reach_px) // PART_PX * PART_PX)
        stop = -(-(low + length + reach_px) // PART_PX) * PART_PX
        parts.append(slice(start, min(stop, side)))
    return parts[0], parts[1]


def hand_model(hand: HandWeights) -> Model:
    """The network of a hand as OpenVINO's model: (1, H, W, C) uint8 to (1, H, W, 3) uint8, sides multiples of 4."""
    import openvino
    from openvino import opset13 as ops

    weights, shape = hand.weights, hand.shape

    def layer(x: NodeInput, name: str, *, stride: int = 1) -> NodeInput:
        kernel = weights[f'{name}.weight']
        pad = kernel.shape[2] // 2
        y = ops.convolution(x, kernel, [stride, stride], [pad, pad], [pad, pad], [1, 1])
        return ops.add(y, weights[f'{name}.bias'].reshape(1, -1, 1, 1))

    def upwards(x: NodeInput, beside: NodeInput, name: str) -> NodeInput:
        """The layer of `x`, at twice its side, and what is beside it, without ever making the larger `x`."""
        kernel = weights[f'{name}.weight']
        count = kernel.shape[1] - beside.get_partial_shape()[1].get_length()
        fine = ops.convolution(x, _at_half(kernel[:, :count]), [1, 1], [1, 1], [1, 1], [1, 1])
        near = ops.convolution(beside, kernel[:, count:], [1, 1], [1, 1], [1, 1], [1, 1])
        both = ops.add(ops.depth_to_space(fine, 'depth_first', 2), near)
        return ops.add(both, weights[f'{name}.bias'].reshape(1, -1, 1, 1))

    picture = ops.parameter([1, -1, -1, shape.inputs], np.uint8, name='picture')
    light = ops.multiply(ops.convert(picture, 'f32'), np.float32(1 / 255))
    seen = ops.transpose(light, np.array([0, 3, 1, 2]))
    whole = ops.relu(layer(seen, 'fine'))
    middle = ops.relu(layer(whole, 'middle', stride=2))
    x = ops.relu(layer(middle, 'coarse', stride=2))
    for k in range(shape.blocks):
        inner = ops.relu(layer(x, f'blocks.{k}.first'))
        x = ops.add(x, layer(inner, f'blocks.{k}.second'))
    x = ops.relu(upwards(x, middle.output(0), 'rise'))
    x = ops.relu(upwards(x, whole.output(0), 'top'))
    colour = ops.sigmoid(layer(ops.concat([x, seen], 1), 'colour'))
    bytes_out = ops.convert(ops.floor(ops.add(ops.multiply(colour, np.float32(255)), np.float32(0.5))), 'u8')
    return openvino.Model([ops.transpose(bytes_out, np.array([0, 2, 3, 1]))], [picture], 'hand')


def _at_half(kernel: np.ndarray) -> np.ndarray:
    """What a kernel does to a picture whose pixels are doubled, as one for the picture itself.

    Args:
        kernel: (O, I, 3, 3).

    Returns:
        (4 O, I, 3, 3); four results for each pixel, to be laid out by `depth_to_space`, depth first.
    """
    falls = np.zeros((2, 3, 3), np.float32)  # of each of two new pixels: where each tap falls in the old ones
    falls[0, [0, 1, 1], [0, 1, 2]] = 1.0
    falls[1, [1, 1, 2], [0, 1, 2]] = 1.0
    spread = np.einsum('oikl,yak,xbl->oyxiab', kernel, falls, falls)
    return np.ascontiguousarray(spread.reshape(4 * kernel.shape[0], kernel.shape[1], 3, 3), np.float32)
