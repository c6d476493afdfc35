"""Draw with a network from the user's own file: `.onnx`, `.xml` (OpenVINO) or `.tflite`, run by OpenVINO.

A small YAML of the same name beside the file says how the network is fed and what it answers:

    size: 512            # side of the square picture that it sees, px
    colours: RGB         # RGB, BGR or grey
    low: 0.0             # the value of black, and
    high: 1.0            # that of white, before mean and deviation
    mean: [0.485, 0.456, 0.406]       # taken off each colour (none: leave out)
    deviation: [0.229, 0.224, 0.225]  # by which it is divided (none: leave out)
    output: 0            # which of its outputs is the drawing
    ink: dark            # dark: its drawing is black on white; light: the other way round
    answer_low: 0.0      # the value of black in its drawing, and
    answer_high: 1.0     # that of white; leave both out to stretch each drawing over its own range

The file is not trusted: it is data for OpenVINO and runs no code, and what is too large, or no picture-to-picture
network, is refused.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import yaml

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.line_art.art import LineArt
from sketch_robot.line_art.artist import NET_ENDINGS, Artist
from sketch_robot.photo.sitter import Sitter
from sketch_robot.validation import Rule, check_fields, is_number

if TYPE_CHECKING:
    from openvino import Model

LARGEST_FILE = 512 * 2**20  # bytes; U2-Net's portrait net has 176 MB
LARGEST_YAML = 4096  # bytes
LARGEST_TENSOR = 2**28  # values of any tensor inside: 1 GB
MOST_OPERATIONS = 20_000
CHANNELS = (1, 3)

_RULES = {
    'size': Rule(int, low=32, high=2048),
    'colours': Rule(str, choices=('RGB', 'BGR', 'grey')),
    'low': Rule(float, low=-1000, high=1000),
    'high': Rule(float, low=-1000, high=1000),
    'output': Rule(int, low=0, high=63),
    'ink': Rule(str, choices=('dark', 'light')),
    'answer_low': Rule(float, low=-1000, high=1000),
    'answer_high': Rule(float, low=-1000, high=1000),
}


@dataclass(frozen=True)
class NetFormat:
    """How a network is fed and what it answers; see the module for what the fields mean."""

    size: int = 512
    colours: str = 'RGB'
    low: float = 0.0
    high: float = 1.0
    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    deviation: tuple[float, float, float] = (1.0, 1.0, 1.0)
    output: int = 0
    ink: str = 'dark'
    answer_low: float | None = None
    answer_high: float | None = None


class NetArtist(Artist):
    """Draws the head crop with the network of a file.

    Args:
        path: the network; its YAML lies beside it.

    Raises:
        SketchRobotError: BAD_GOAL, see `read_format`, or the network's file is missing, too large or of another kind.
    """

    def __init__(self, path: Path) -> None:
        if path.suffix.lower() not in NET_ENDINGS:
            raise _refused(path, f'a network ends in {", ".join(NET_ENDINGS)}')
        if not path.is_file():
            raise _refused(path, 'there is no such file')
        size = sum(each.stat().st_size for each in (path, path.with_suffix('.bin')) if each.is_file())
        if size > LARGEST_FILE:
            raise _refused(path, f'it has {size / 2**20:.0f} MB; at most {LARGEST_FILE // 2**20} are taken')
        self.path, self.name = path, path.stem
        self.format = read_format(path.with_suffix('.yaml'))
        self._request: Any = None
        self._nhwc = False

    def draw(self, sitter: Sitter) -> LineArt:
        """Draw the sitter's crop; ink where the photo does not reach is wiped.

        Raises:
            SketchRobotError: BAD_GOAL, the file holds no network that draws pictures.
        """
        self.warm_up()
        picture = prepared(sitter.crop, self.format)
        self._request.infer([picture[None] if self._nhwc else np.ascontiguousarray(picture.transpose(2, 0, 1)[None])])
        answer = np.array(self._request.get_output_tensor(self.format.output).data, np.float32)
        if not np.isfinite(answer).all():
            raise _refused(self.path, 'what it answers is not finite')
        ink = ink_of(answer[0], self.format, nhwc=self._nhwc)
        height, width = sitter.crop.shape[:2]
        if ink.shape != (height, width):
            how = cv2.INTER_AREA if ink.shape[0] > height else cv2.INTER_LINEAR
            ink = cv2.resize(ink, (width, height), interpolation=how)
        return LineArt(np.where(sitter.valid, ink, np.float32(0)), self.name)

    def warm_up(self) -> None:
        """Read and compile the network.

        Raises:
            SketchRobotError: BAD_GOAL, OpenVINO is not installed, or the file holds no network that draws pictures.
        """
        if self._request is not None:
            return
        try:
            import openvino
        except ModuleNotFoundError as error:
            raise _refused(self.path, 'it needs openvino, which is not installed (pip install openvino)') from error
        core = openvino.Core()
        try:
            model = core.read_model(self.path)
            self._nhwc = _fit(model, self.format, self.path)
            self._request = core.compile_model(model, 'CPU').create_infer_request()
        except RuntimeError as error:  # OpenVINO's own, many lines long
            raise _refused(self.path, f'OpenVINO cannot use it ({_last_line(error)})') from error


def read_format(path: Path) -> NetFormat:
    """Read the YAML beside a network.

    Raises:
        SketchRobotError: BAD_GOAL, it is missing, too large, no YAML, or a value cannot be used (it is named).
    """
    try:
        with path.open('rb') as file:
            text = file.read(LARGEST_YAML + 1)
    except OSError as error:
        raise _refused(path, 'this file has to say how the network is fed; see docs/line_artist.md') from error
    if len(text) > LARGEST_YAML:
        raise _refused(path, f'it is longer than {LARGEST_YAML} bytes')
    try:
        given = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise _refused(path, f'it is no YAML: {_last_line(error)}') from error
    if not isinstance(given, dict) or not all(isinstance(key, str) for key in given):
        raise _refused(path, 'it is no mapping of names to values')
    lists: dict[str, Any] = {
        name: _three(path, name, given.pop(name)) for name in ('mean', 'deviation') if name in given
    }
    check_fields(given, _RULES | {'mean': Rule(str), 'deviation': Rule(str)}, str(path))
    found = dataclasses.replace(NetFormat(), **given, **lists)
    if found.high == found.low or 0.0 in found.deviation:
        raise _refused(path, 'low and high must differ, and no deviation be 0')
    if (found.answer_low is None) != (found.answer_high is None) or (
        found.answer_low is not None and found.answer_low == found.answer_high
    ):
        raise _refused(path, 'answer_low and answer_high are given both or neither, and differ')
    return found


def prepared(crop: np.ndarray, form: NetFormat) -> np.ndarray:
    """A crop as the network wants it: (H, W, 3) uint8 RGB to (size, size, C) float32."""
    side = form.size
    if crop.shape[:2] != (side, side):
        how = cv2.INTER_AREA if crop.shape[0] > side else cv2.INTER_LINEAR
        crop = cv2.resize(crop, (side, side), interpolation=how)
    if form.colours == 'grey':
        crop = cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY)[..., None]
    elif form.colours == 'BGR':
        crop = crop[..., ::-1]
    values = form.low + crop.astype(np.float32) / 255 * (form.high - form.low)
    count = values.shape[2]
    mean, deviation = (np.array(each[:count], np.float32) for each in (form.mean, form.deviation))
    return np.asarray((values - mean) / deviation, np.float32)


def ink_of(answer: np.ndarray, form: NetFormat, *, nhwc: bool = False) -> np.ndarray:
    """What a network answered as ink.

    Args:
        answer: (C, H, W), (H, W, C) with `nhwc`, or (H, W), float32.

    Returns:
        (H, W) float32 in [0, 1], 1 = ink.
    """
    if answer.ndim == 3:
        answer = answer.mean(axis=2 if nhwc else 0)
    if form.answer_low is None or form.answer_high is None:
        low, high = float(answer.min()), float(answer.max())
    else:
        low, high = form.answer_low, form.answer_high
    light = np.clip((answer - low) / (high - low), 0, 1) if high != low else np.ones_like(answer)
    return np.asarray(1 - light if form.ink == 'dark' else light * (high != low), np.float32)


def _fit(model: Model, form: NetFormat, path: Path) -> bool:
    """Give a network its size and look whether it draws; whether its colours come last."""
    if len(model.get_ops()) > MOST_OPERATIONS:
        raise _refused(path, f'it has more than {MOST_OPERATIONS} operations')
    if len(model.inputs) != 1 or model.input(0).partial_shape.rank.is_dynamic:
        raise _refused(path, 'it must have one input, a picture')
    shape = model.input(0).partial_shape
    wanted = 1 if form.colours == 'grey' else 3
    fits = [
        last
        for last in (False, True)
        if len(shape) == 4 and shape.compatible(type(shape)(_shape(form.size, wanted, last)))
    ]
    if not fits:
        raise _refused(path, f'its input is {shape}; it must be {wanted} x {form.size} x {form.size} px')
    nhwc = fits[0]
    model.reshape(_shape(form.size, wanted, nhwc))
    if form.output >= len(model.outputs):
        raise _refused(path, f'it has {len(model.outputs)} outputs, none of number {form.output}')
    for operation in model.get_ops():
        for output in operation.outputs():
            if output.partial_shape.is_dynamic:
                raise _refused(path, 'the size of what it computes is not fixed by that of its input')
            if np.prod([int(side) for side in output.shape], dtype=np.float64) > LARGEST_TENSOR:
                raise _refused(path, 'it needs too much memory')
    answer = [int(side) for side in model.output(form.output).shape]
    sides = answer[1:3] if len(answer) == 3 or nhwc else answer[2:]
    channels = 1 if len(answer) == 3 else answer[3 if nhwc else 1] if len(answer) == 4 else 0
    if len(answer) not in (3, 4) or answer[0] != 1 or channels not in CHANNELS or min(sides) < 32:
        raise _refused(path, f'its output {form.output} is {answer}, no drawing')
    return nhwc


def _shape(size: int, channels: int, nhwc: bool) -> list[int]:
    return [1, size, size, channels] if nhwc else [1, channels, size, size]


def _three(path: Path, name: str, value: Any) -> tuple[float, float, float]:
    if not isinstance(value, list) or len(value) != 3 or not all(is_number(each) for each in value):
        raise _refused(path, f'{name} must be three numbers')
    return float(value[0]), float(value[1]), float(value[2])


def _last_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1][:160] if lines else type(error).__name__


def _refused(path: Path, why: str) -> SketchRobotError:
    return SketchRobotError(ErrorCode.BAD_GOAL, f'{path} cannot be used: {why}')
