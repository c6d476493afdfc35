"""Run a pose generator on OpenVINO, which is made from the file's numbers directly, without torch."""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import as_file, files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.files import check_sums
from sketch_robot.poses.joints import JOINTS, PARTS, part_warp
from sketch_robot.poses.shape import EDGE_PX, HEAT_SIGMA_PX, LARGE_PX, LEAK, NORM_EPSILON, OVERLAPPING, PoseShape
from sketch_robot.poses.weight_file import PoseWeights, load_pose_weights

if TYPE_CHECKING:
    from openvino import Model

WEIGHTS_PACKAGE = 'sketch_robot.poses.weights'
WEIGHTS_NAME = 'pose.safetensors'


@lru_cache(maxsize=1)
def shipped_generator() -> PoseWeights:
    """The generator that comes with the package.

    Raises:
        SketchRobotError: INTERNAL, the file is damaged.
    """
    with as_file(files(WEIGHTS_PACKAGE)) as folder:
        check_sums(folder, WEIGHTS_NAME)
        return load_pose_weights(folder / WEIGHTS_NAME)


class PosePainter:
    """Draws people in other poses; for one thread at a time.

    Args:
        weights: the generator; None: the package's.

    Attributes:
        height_px, width_px: of its pictures.

    Raises:
        SketchRobotError: INTERNAL, OpenVINO is not installed, or the package's file is damaged.
    """

    def __init__(self, weights: PoseWeights | None = None) -> None:
        try:
            import openvino
            from openvino import properties
        except ModuleNotFoundError as error:
            raise SketchRobotError(
                ErrorCode.INTERNAL, 'poses need openvino, which is not installed; install it (pip install openvino)'
            ) from error
        self.weights = shipped_generator() if weights is None else weights
        self.height_px, self.width_px = self.weights.height_px, self.weights.height_px // 2
        model = make_model(self.weights, self.height_px, self.width_px)
        exact = {properties.hint.inference_precision(): openvino.Type.f32}
        self._request = openvino.Core().compile_model(model, 'CPU', exact).create_infer_request()

    def paint(self, rgba: np.ndarray, pose: np.ndarray, target: np.ndarray) -> np.ndarray:
        """Draw somebody in another pose.

        Args:
            rgba: (H, W, 4) uint8, the person over grey and their matte, as large as the generator's pictures.
            pose, target: (18, 3) float32, px of that picture.

        Returns:
            (H, W, 4) uint8, likewise.
        """
        height, width = self.height_px, self.width_px
        if rgba.shape != (height, width, 4):
            raise ValueError(f'the generator takes pictures of {height} x {width}, not {rgba.shape}')
        picture = np.ascontiguousarray(rgba.transpose(2, 0, 1)[None, : self.weights.shape.channels])
        inputs: dict[str, np.ndarray] = {
            'picture': picture.astype(np.float32) / np.float32(127.5) - 1,
            'pose': heat_maps(pose, height, width)[None],
            'target': heat_maps(target, height, width)[None],
        }
        if self.weights.shape.deform:
            warp = part_warp(pose, target)
            masks = part_masks(warp.corners, warp.there, height, width)
            for level in range(len(self.weights.shape.widths)):
                grids, strengths = warp_grids(warp.to_source, masks, level)
                inputs[f'grid{level}'], inputs[f'strength{level}'] = grids, strengths
        self._request.infer(inputs)
        drawn = np.array(self._request.get_output_tensor().data[0])
        return np.rint(np.clip((drawn + 1) * 127.5, 0, 255)).astype(np.uint8).transpose(1, 2, 0)


# ------------------------------------------------------------- what the network sees, as in `network`
def heat_maps(pose: np.ndarray, height: int, width: int) -> np.ndarray:
    """A pose (18, 3) in pixels as Gaussian heat maps (18, H, W) float32."""
    rows, columns = (np.arange(side, dtype=np.float32) + np.float32(0.5) for side in (height, width))
    across = np.exp(-((columns - pose[:, :1]) ** 2) / (2 * HEAT_SIGMA_PX**2))
    down = np.exp(-((rows - pose[:, 1:2]) ** 2) / (2 * HEAT_SIGMA_PX**2)) * pose[:, 2:]
    return np.asarray(down[:, :, None] * across[:, None], np.float32)


def part_masks(corners: np.ndarray, there: np.ndarray, height: int, width: int) -> np.ndarray:
    """Quadrilaterals (10, 4, 2) in pixels as masks (10, H, W) float32 in [0, 1], soft by a pixel; 0 where not there."""
    rows, columns = (np.arange(side, dtype=np.float32) + np.float32(0.5) for side in (height, width))
    edge = np.roll(corners, -1, 1) - corners
    after = np.roll(edge, -1, 1)
    turn = (edge[..., 0] * after[..., 1] - edge[..., 1] * after[..., 0]).sum(-1)
    normal = np.stack([-edge[..., 1], edge[..., 0]], -1) / np.maximum(np.linalg.norm(edge, axis=-1), 1e-6)[..., None]
    normal *= np.sign(turn)[:, None, None]
    offset = (normal * corners).sum(-1)[..., None, None]
    inside = normal[..., 0, None, None] * columns + normal[..., 1, None, None] * rows[:, None] - offset
    soft = np.clip(inside.min(1) / EDGE_PX + 0.5, 0, 1)
    return np.asarray(soft * there[:, None, None], np.float32)


def warp_grids(to_source: np.ndarray, masks: np.ndarray, level: int) -> tuple[np.ndarray, np.ndarray]:
    """Where a level's maps are sampled for each of the parts at a pixel, and how strong each part is there.

    Returns:
        (K, h, w, 2) float32 in [-1, 1] over the maps, and (K, 1, h, w) float32.
    """
    step = 2**level
    height, width = masks.shape[1] // step, masks.shape[2] // step
    small = masks.reshape(PARTS, height, step, width, step).mean((2, 4))
    layers = OVERLAPPING if height >= LARGE_PX else PARTS
    part = np.argsort(-small, axis=0, kind='stable')[:layers]
    strength = np.take_along_axis(small, part, 0)
    x, y = np.meshgrid((np.arange(width) + 0.5) * step, (np.arange(height) + 0.5) * step)
    matrix = to_source.astype(np.float64)[part]
    at = matrix[..., 0] * x[None, ..., None] + matrix[..., 1] * y[None, ..., None] + matrix[..., 2]
    grid = at / (np.array([masks.shape[2], masks.shape[1]]) / 2) - 1
    return grid.astype(np.float32), np.ascontiguousarray(strength[:, None], np.float32)


# ------------------------------------------------------------- the network
def make_model(weights: PoseWeights, height: int, width: int) -> Model:
    """OpenVINO's model: inputs `picture` (1, C, H, W), `pose` and `target` (1, 18, H, W), and for each level K grids
    and strengths (see `warp_grids`); output (1, C, H, W)."""
    import openvino
    from openvino import opset13 as ops

    shape, tensors = weights.shape, weights.tensors
    picture = ops.parameter([1, shape.channels, height, width], np.float32, name='picture')
    pose, target = (
        ops.parameter([1, len(JOINTS), height, width], np.float32, name=name) for name in ('pose', 'target')
    )
    inputs = [picture, pose, target]
    looks = _encoded('look', ops.concat([picture, pose], 1), shape, tensors, ops)
    goals = _encoded('goal', target, shape, tensors, ops)
    if shape.deform:
        for level, maps in enumerate(looks):
            h, w = height // 2**level, width // 2**level
            layers = OVERLAPPING if h >= LARGE_PX else PARTS
            grids = ops.parameter([layers, h, w, 2], np.float32, name=f'grid{level}')
            strengths = ops.parameter([layers, 1, h, w], np.float32, name=f'strength{level}')
            inputs += [grids, strengths]
            looks[level] = _deformed(maps, grids, strengths, layers, ops)
    x = ops.concat([looks[-1], goals[-1]], 1)
    for number in range(len(shape.widths) - 1):
        kernel = np.ascontiguousarray(tensors[f'ups.{number}.conv.weight'])
        x = ops.convolution_backprop_data(
            ops.relu(x), kernel, [2, 2], None, [1, 1], [1, 1], [1, 1], output_padding=[0, 0]
        )
        x = ops.mvn(x, np.array([2, 3]), True, NORM_EPSILON, 'inside_sqrt')
        x = ops.concat([x, looks[-2 - number], goals[-2 - number]], 1)
    drawn = ops.tanh(_convolved(ops.relu(x), 'last', tensors, 1, ops))
    return openvino.Model([drawn], inputs, 'pose')


def _encoded(name: str, x: Any, shape: PoseShape, tensors: dict[str, np.ndarray], ops: Any) -> list[Any]:
    maps = [_convolved(x, f'{name}.first', tensors, 1, ops)]
    for stage in range(len(shape.widths) - 1):
        rectified = ops.prelu(maps[-1], np.array([LEAK], np.float32))
        x = _convolved(rectified, f'{name}.stages.{stage}.conv', tensors, 2, ops)
        if shape.normalised(stage + 1):
            x = ops.mvn(x, np.array([2, 3]), True, NORM_EPSILON, 'inside_sqrt')
        maps.append(x)
    return maps


def _convolved(x: Any, name: str, tensors: dict[str, np.ndarray], stride: int, ops: Any) -> Any:
    kernel = np.ascontiguousarray(tensors[f'{name}.weight'])
    x = ops.convolution(x, kernel, [stride] * 2, [1, 1], [1, 1], [1, 1])
    bias = tensors.get(f'{name}.bias')
    return x if bias is None else ops.add(x, bias.reshape(1, -1, 1, 1))


def _deformed(maps: Any, grids: Any, strengths: Any, layers: int, ops: Any) -> Any:
    found = ops.relu(maps)
    for layer in range(layers):
        at, by = (
            ops.slice(each, np.array([layer]), np.array([layer + 1]), np.array([1]), np.array([0]))
            for each in (grids, strengths)
        )
        brought = ops.grid_sample(maps, at, {'align_corners': False, 'mode': 'bilinear', 'padding_mode': 'zeros'})
        found = ops.maximum(found, ops.multiply(brought, by))
    return found


def generator_of(path: Path | None) -> PoseWeights:
    """The generator of a file, or the package's; raises as `load_pose_weights` and `shipped_generator`."""
    return shipped_generator() if path is None else load_pose_weights(path)
