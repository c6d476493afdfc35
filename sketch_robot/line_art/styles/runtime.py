"""Run the network of many manners on OpenVINO, which is made from the file's numbers directly, without torch.

The network's second input is a style's scales and shifts. One compiled model draws every style and every blend.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from importlib.resources import as_file, files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.files import check_sums
from sketch_robot.line_art.styles.blend import Blend
from sketch_robot.line_art.styles.layers import LAYERS, REDUCTION, SMALLEST_VARIANCE, Layer, condition_length
from sketch_robot.line_art.styles.style_file import StyleSet, load_styles

if TYPE_CHECKING:
    from openvino import Model

WEIGHTS_PACKAGE = 'sketch_robot.line_art.styles.weights'
WEIGHTS_NAME = 'styles.safetensors'
LEAST_PX = 32

PaintFunction = Callable[[np.ndarray, np.ndarray], np.ndarray]


@lru_cache(maxsize=1)
def shipped_styles() -> StyleSet:
    """The manners that come with the package.

    Raises:
        SketchRobotError: INTERNAL, the file is damaged.
    """
    with as_file(files(WEIGHTS_PACKAGE)) as folder:
        check_sums(folder, WEIGHTS_NAME)
        return load_styles(folder / WEIGHTS_NAME)


def styles_of(file: Path | None) -> StyleSet:
    """The manners of a file, read once as long as it stays the same, or those of the package.

    Raises:
        SketchRobotError: BAD_GOAL, the file is missing or foreign.
    """
    if file is None:
        return shipped_styles()
    try:
        changed = file.stat().st_mtime_ns
    except OSError:
        changed = 0
    return _loaded(file, changed)


@lru_cache(maxsize=1)
def _loaded(file: Path, changed: int) -> StyleSet:  # noqa: ARG001  (it tells one version from another)
    return load_styles(file)


def style_names(file: Path | None = None) -> tuple[str, ...]:
    """Names of the manners of a file, or of the package's; raises as `styles_of`."""
    return styles_of(file).names


class StylePainter:
    """Paints pictures in blends of a set's styles.

    Args:
        styles: the set.
        runtime: 'openvino' or 'torch', which is the reference.

    Raises:
        SketchRobotError: BAD_GOAL, the runtime is not installed.
    """

    def __init__(self, styles: StyleSet, *, runtime: str = 'openvino') -> None:
        self.styles = styles
        self._paint = openvino_paint(styles) if runtime == 'openvino' else torch_paint(styles)

    def condition(self, blend: Blend) -> np.ndarray:
        """The scales and shifts of a blend: (3206,) float32.

        Raises:
            SketchRobotError: BAD_GOAL, the set has no such style.
        """
        known = {style.name: style.condition for style in self.styles.styles}
        missing = [name for name in blend.names if name not in known]
        if missing:
            raise SketchRobotError(
                ErrorCode.BAD_GOAL, f'there is no style {missing[0]!r}; choose of: {", ".join(known)}'
            )
        return mixed([known[name] for name in blend.names], blend.weights)

    def paint(self, rgb: np.ndarray, blend: Blend, *, size_px: int | None = None) -> np.ndarray:
        """Paint a picture.

        Args:
            rgb: (H, W, 3) uint8.
            blend: of the set's styles.
            size_px: its longer side as the network sees it; None: as it is. Sides are cut to whole multiples of 4.

        Returns:
            (h, w, 3) uint8 RGB, as large as the network saw it.
        """
        return self._paint(fitted(rgb, size_px), self.condition(blend))


def mixed(conditions: Sequence[np.ndarray], weights: Sequence[float]) -> np.ndarray:
    """The weighted mean of scales and shifts: (3206,) float32."""
    return np.asarray(np.average(np.stack(conditions), axis=0, weights=weights), np.float32)


def fitted(rgb: np.ndarray, size_px: int | None) -> np.ndarray:
    """A picture whose sides are whole multiples of 4: (h, w, 3) uint8, its middle, scaled when a size is wanted."""
    if size_px is not None and max(rgb.shape[:2]) != size_px:
        scale = size_px / max(rgb.shape[:2])
        width, height = (max(LEAST_PX, round(side * scale)) for side in rgb.shape[1::-1])
        rgb = cv2.resize(rgb, (width, height), interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    height, width = (side - side % REDUCTION for side in rgb.shape[:2])
    top, left = (rgb.shape[0] - height) // 2, (rgb.shape[1] - width) // 2
    return np.ascontiguousarray(rgb[top : top + height, left : left + width])


def openvino_paint(styles: StyleSet) -> PaintFunction:
    """The set's network on OpenVINO: (H, W, 3) uint8 and (3206,) float32 to (H, W, 3) uint8."""
    try:
        import openvino
    except ModuleNotFoundError as error:
        raise SketchRobotError(
            ErrorCode.BAD_GOAL, 'styles need openvino, which is not installed; install it (pip install openvino)'
        ) from error
    model = make_model(styles)
    core = openvino.Core()
    of_size: dict[tuple[int, ...], Any] = {}

    def paint(rgb: np.ndarray, condition: np.ndarray) -> np.ndarray:
        size = rgb.shape[:2]
        if size not in of_size:
            if len(of_size) > 1:  # a drawing's and a live view's; more would only take memory
                of_size.clear()
            sized = model.clone()
            sized.reshape({'rgb': [1, *size, 3], 'condition': [1, condition_length()]})
            of_size[size] = core.compile_model(sized, 'CPU').create_infer_request()
        request = of_size[size]
        request.infer({'rgb': rgb[None], 'condition': condition[None]})
        return np.array(request.get_output_tensor().data[0])

    return paint


def make_model(styles: StyleSet) -> Model:
    """OpenVINO's model: inputs `rgb` (1, H, W, 3) uint8 and `condition` (1, 3206), output (1, H, W, 3) uint8."""
    import openvino
    from openvino import opset13 as ops

    rgb = ops.parameter([1, -1, -1, 3], np.uint8, name='rgb')
    condition = ops.parameter([1, condition_length()], np.float32, name='condition')
    floats = ops.transpose(ops.convert(rgb, 'f32'), np.array([0, 3, 1, 2]))
    x = kept = ops.divide(floats, np.float32(255))
    first = 0
    for number, layer in enumerate(LAYERS):
        if layer.opens_block:
            kept = x
        x = _convolved(x, layer, styles.kernels[number], styles.biases[number], ops)
        scale, shift = (
            ops.reshape(
                ops.slice(
                    condition, np.array([start]), np.array([start + layer.outputs]), np.array([1]), np.array([1])
                ),
                np.array([1, layer.outputs, 1, 1]),
                special_zero=False,
            )
            for start in (first, first + layer.outputs)
        )
        first += 2 * layer.outputs
        normal = ops.mvn(x, np.array([2, 3]), True, SMALLEST_VARIANCE, 'inside_sqrt')
        x = ops.add(ops.multiply(normal, scale), shift)
        if layer.closes_block:
            x = ops.add(x, kept)
        elif layer is not LAYERS[-1]:
            x = ops.relu(x)
    light = ops.multiply(ops.sigmoid(x), np.float32(255))
    rounded = ops.convert(ops.round(light), 'u8')
    picture = ops.transpose(rounded, np.array([0, 2, 3, 1]))
    return openvino.Model([picture], [rgb, condition], 'styles')


def _convolved(x: Any, layer: Layer, kernel: np.ndarray, bias: np.ndarray, ops: Any) -> Any:
    """One layer's enlarging, padding and convolution."""
    if layer.enlarge > 1:
        x = ops.interpolate(
            x,
            np.array([layer.enlarge, layer.enlarge], np.float32),
            'linear',
            'scales',
            axes=np.array([2, 3]),
            coordinate_transformation_mode='half_pixel',
        )
    margin = np.array([0, 0, layer.kernel // 2, layer.kernel // 2])
    x = ops.pad(x, margin, margin, 'reflect')
    strides = [layer.stride] * 2
    x = ops.convolution(x, np.ascontiguousarray(kernel), strides, [0, 0], [0, 0], [1, 1])
    return ops.add(x, bias.reshape(1, -1, 1, 1))


def torch_paint(styles: StyleSet) -> PaintFunction:
    """The reference: float32 on torch. As `openvino_paint` otherwise."""
    try:
        import torch

        from sketch_robot.line_art.styles.network import StyleNet, fill_net
    except ModuleNotFoundError as error:
        raise SketchRobotError(
            ErrorCode.BAD_GOAL, 'styles on torch need torch, which is not installed; choose another runtime'
        ) from error
    net = StyleNet(len(styles.styles)).eval()
    fill_net(net, styles)

    def paint(rgb: np.ndarray, condition: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            batch = torch.from_numpy(rgb).permute(2, 0, 1)[None].float() / 255
            light = net.draw(batch, torch.from_numpy(condition)[None])[0].permute(1, 2, 0)
            return (255 * light).round().to(torch.uint8).numpy()

    return paint
