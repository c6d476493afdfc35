"""Make the networks that find a sitter, for OpenVINO, of the files in MediaPipe's wheel.

    python scripts/convert_face_nets.py FOLDER

FOLDER is `mediapipe/modules` of an unpacked wheel of mediapipe 0.10.21; what comes out lies in
`sketch_robot/photo/nets`. This was done once; only another version of the networks needs it again.

OpenVINO reads the networks for detection and for bodies itself. Those for the mesh with attention (Grishchenko et al.
2020) and for the person have operations that it lacks: they are rebuilt here, one operation at a time. What the mesh's
network does to look closer at lips and eyes (a matrix from landmarks, a warped map of features, points taken back)
becomes ordinary arithmetic and a GridSample. The weights stay what they were, float16.
"""

from __future__ import annotations

import struct
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import openvino
from openvino import opset13 as ops
from openvino.preprocess import PrePostProcessor

NETS = Path(__file__).parents[1] / 'sketch_robot' / 'photo' / 'nets'
CONV, DEPTHWISE, ADD, AVERAGE_POOL, MAX_POOL, MUL = 3, 4, 0, 1, 17, 18
LOGISTIC, RELU, RESHAPE, RESIZE, CUSTOM, PAD, SLICE, PRELU, DEQUANTIZE, HARD_SWISH = (
    *(14, 19, 22, 23, 32, 34, 45, 54, 6, 117),
)  # operators' numbers in TensorFlow Lite's schema
DTYPES = {0: '<f4', 1: '<f2', 2: '<i4'}
EYE_RINGS = 16  # of an eye's points, those on the rims of its lids come first
MESH_SIDE = 192  # px that the network sees
Node = Any  # OpenVINO's nodes have no types


class Table:
    """A table of a flatbuffer: fields by their number in the schema."""

    def __init__(self, data: bytes, at: int) -> None:
        self.data, self.at = data, at

    def number(self, index: int, kind: str) -> int:
        """A scalar field; 0 when it is left out, as TensorFlow Lite's defaults here are."""
        place = self._place(index)
        return struct.unpack_from('<' + kind, self.data, place)[0] if place else 0

    def table(self, index: int) -> Table:
        """A field that is a table."""
        return Table(self.data, self._follow(self._place(index)))

    def tables(self, index: int) -> list[Table]:
        """A field that is a list of tables."""
        begin, count = self._vector(index)
        return [Table(self.data, self._follow(begin + 4 * k)) for k in range(count)]

    def array(self, index: int, dtype: str) -> np.ndarray:
        """A field that is a list of numbers."""
        begin, count = self._vector(index)
        return np.frombuffer(self.data, dtype, count, begin)

    def _place(self, index: int) -> int:
        fields = self.at - struct.unpack_from('<i', self.data, self.at)[0]
        if 4 + 2 * index >= struct.unpack_from('<H', self.data, fields)[0]:
            return 0
        offset = struct.unpack_from('<H', self.data, fields + 4 + 2 * index)[0]
        return self.at + offset if offset else 0

    def _follow(self, place: int) -> int:
        return place + struct.unpack_from('<I', self.data, place)[0]

    def _vector(self, index: int) -> tuple[int, int]:
        place = self._place(index)
        if not place:
            return 0, 0
        begin = self._follow(place)
        return begin + 4, struct.unpack_from('<I', self.data, begin)[0]


@dataclass
class Rebuilt:
    """A network being rebuilt: maps are (1, C, H, W) here, (1, H, W, C) in the file.

    Attributes:
        picture: its input.
        nodes: of each tensor's number, OpenVINO's node.
        parts: of each matrix's number, the mesh points that the part it frames refines.
    """

    picture: Node
    nodes: dict[int, Node] = field(default_factory=dict)
    parts: dict[int, np.ndarray] = field(default_factory=dict)


def rebuild(path: Path, side: int) -> tuple[Rebuilt, list[int]]:
    """Rebuild a network of TensorFlow Lite; also gives the numbers of its outputs."""
    data = path.read_bytes()
    model = Table(data, struct.unpack_from('<I', data, 0)[0])
    codes = [max(code.number(0, 'b'), code.number(3, 'i')) for code in model.tables(1)]
    names = [bytes(code.array(1, 'u1')).decode() for code in model.tables(1)]
    graph, buffers = model.tables(2)[0], model.tables(4)
    tensors = graph.tables(0)
    picture = ops.parameter([1, side, side, 3], np.uint8, name='picture')
    net = Rebuilt(picture)
    scaled = ops.divide(ops.convert(picture, 'f32'), np.float32(255))
    net.nodes[int(graph.array(1, '<i4')[0])] = ops.transpose(scaled, [0, 3, 1, 2])
    constants: dict[int, np.ndarray] = {}
    for number, tensor in enumerate(tensors):
        values = buffers[tensor.number(2, 'I')].array(0, 'u1')
        if len(values):
            flat = np.frombuffer(values.tobytes(), DTYPES[tensor.number(1, 'b')])
            constants[number] = flat.reshape(tensor.array(0, '<i4'))
    for operator in graph.tables(3):
        inputs = [int(i) for i in operator.array(1, '<i4')]
        outputs = [int(i) for i in operator.array(2, '<i4')]
        code, name = (kind[operator.number(0, 'I')] for kind in (codes, names))
        if code == DEQUANTIZE:
            constants[outputs[0]] = constants[inputs[0]].astype(np.float32)
        elif code == CUSTOM:
            net.nodes[outputs[0]] = _custom(net, name, operator, inputs, outputs, constants)
        else:
            net.nodes[outputs[0]] = _ordinary(net, code, operator.table(4), inputs, constants, tensors[outputs[0]])
    return net, [int(i) for i in graph.array(2, '<i4')]


def _ordinary(
    net: Rebuilt, code: int, options: Table, inputs: list[int], constants: dict[int, np.ndarray], output: Table
) -> Node:
    first = net.nodes[inputs[0]]
    if code in (CONV, DEPTHWISE):
        return _convolution(first, code, options, *(constants[i] for i in inputs[1:3]))
    if code in (AVERAGE_POOL, MAX_POOL):
        strides = [options.number(2, 'i'), options.number(1, 'i')]
        kernel = [options.number(4, 'i'), options.number(3, 'i')]
        padding = 'valid' if options.number(0, 'b') else 'same_upper'
        if code == AVERAGE_POOL:
            return ops.avg_pool(first, strides, [0, 0], [0, 0], kernel, True, auto_pad=padding)
        return ops.max_pool(first, strides, [1, 1], [0, 0], [0, 0], kernel, auto_pad=padding).output(0)
    if code in (ADD, MUL):
        second = net.nodes[inputs[1]] if inputs[1] in net.nodes else constants[inputs[1]]
        total = (ops.add if code == ADD else ops.multiply)(first, second)
        return _activated(total, options.number(0, 'b'))
    if code == PAD:
        pads = constants[inputs[1]][[0, 3, 1, 2]].T
        return ops.pad(first, pads[0].copy(), pads[1].copy(), 'constant', np.float32(0))
    if code == RESHAPE:  # of 1 x 1 maps only, whose order of axes does not matter
        return ops.reshape(first, output.array(0, '<i4').astype(np.int64), special_zero=False)
    if code == RESIZE:
        how = 'align_corners' if options.number(2, 'b') else 'half_pixel' if options.number(3, 'b') else 'asymmetric'
        return ops.interpolate(
            first, constants[inputs[1]].astype(np.int64), 'linear_onnx', 'sizes', coordinate_transformation_mode=how,
            axes=np.array([2, 3]),
        )  # fmt: skip
    if code == PRELU:
        return ops.prelu(first, constants[inputs[1]].ravel())
    if code == SLICE:  # the whole of it: the file names an output twice
        return first
    return {LOGISTIC: ops.sigmoid, RELU: ops.relu, HARD_SWISH: ops.hswish}[code](first)


def _convolution(first: Node, code: int, options: Table, weights: np.ndarray, bias: np.ndarray) -> Node:
    strides = [options.number(2, 'i'), options.number(1, 'i')]
    how = {'auto_pad': 'valid' if options.number(0, 'b') else 'same_upper'}
    if code == CONV:
        kernel = _constant(weights.transpose(0, 3, 1, 2))
        result = ops.convolution(first, kernel, strides, [0, 0], [0, 0], [1, 1], **how)
    else:
        kernel = _constant(weights.transpose(3, 0, 1, 2)[:, :, None])
        result = ops.group_convolution(first, kernel, strides, [0, 0], [0, 0], [1, 1], **how)
    return _activated(ops.add(result, bias.reshape(1, -1, 1, 1)), options.number(3 if code == CONV else 4, 'b'))


def _activated(node: Node, kind: int) -> Node:
    return {0: lambda n: n, 1: ops.relu, 3: lambda n: ops.clamp(n, 0.0, 6.0)}[kind](node)


def _constant(weights: np.ndarray) -> Node:
    return ops.constant(np.ascontiguousarray(weights, np.float32))


def _custom(
    net: Rebuilt, name: str, operator: Table, inputs: list[int], outputs: list[int], constants: dict[int, np.ndarray]
) -> Node:
    first = net.nodes[inputs[0]]
    if name == 'Convolution2DTransposeBias':
        kernel = _constant(constants[inputs[1]].transpose(3, 0, 1, 2))
        grown = ops.convolution_backprop_data(first, kernel, [2, 2])
        return ops.add(grown, constants[inputs[2]].reshape(1, -1, 1, 1))
    if name == 'Landmarks2TransformMatrix':
        given = bytes(operator.array(5, 'u1'))
        begin = given.index(b'subset_idxs\0') + len(b'subset_idxs\0')
        points = np.frombuffer(given, '<u2', struct.unpack_from('<H', given, begin)[0], begin + 2).astype(np.int64)
        net.parts[outputs[0]] = points
        return _matrix(first, points)
    if name == 'TransformTensorBilinear':
        return _warped(first, net.nodes[inputs[1]])
    if name == 'TransformLandmarks':
        matrix = ops.squeeze(net.nodes[inputs[1]], [0])
        turned = ops.matmul(first, _part(matrix, [0, 0], [2, 2]), False, True)
        return ops.add(turned, ops.reshape(_part(matrix, [0, 3], [2, 4]), [1, 1, 2], special_zero=False))
    raise ValueError(f'{name} is unknown')


def _part(matrix: Node, low: list[int], high: list[int]) -> Node:
    return ops.slice(matrix, low, high, [1, 1], [0, 1])


PATCH, REACH = 16, 1.5  # a part's patch has 16 x 16 features, and is 1.5 times as large as its points


def _matrix(landmarks: Node, points: np.ndarray) -> Node:
    """(1, 4, 4): takes a patch's coordinates to those of the map of features that the landmarks are on.

    The patch lies around the points, level with the line between its ends: the corners of the lips or of an eye. The
    points begin with the lower rim from end to end.
    """
    corners = {61: (61, 291), 33: (33, 133), 263: (362, 263)}[int(points[0])]
    flat = ops.slice(ops.squeeze(landmarks, [0]), [0], [2], [1], [1])  # (468, 2)
    left, right = (ops.gather(flat, [corner], 0) for corner in corners)
    along = ops.subtract(right, left)
    along = ops.divide(along, ops.sqrt(ops.reduce_sum(ops.power(along, np.float32(2)), [1], True)))  # (1, 2): cos, sin
    across = ops.multiply(ops.gather(along, [1, 0], 1), np.array([[-1, 1]], np.float32))
    axes = ops.concat([along, across], 0)
    level = ops.matmul(ops.gather(flat, points, 0), axes, False, True)
    high, low = ops.reduce_max(level, [0], True), ops.reduce_min(level, [0], True)
    middle = ops.matmul(ops.multiply(ops.add(high, low), np.float32(0.5)), axes, False, False)
    scale = ops.multiply(ops.subtract(high, low), np.float32(REACH / PATCH))
    turn = ops.multiply(ops.transpose(axes, [1, 0]), scale)
    shift = ops.subtract(
        ops.transpose(middle, [1, 0]), ops.multiply(ops.reduce_sum(turn, [1], True), np.float32(PATCH / 2))
    )
    upper = ops.concat([turn, np.zeros((2, 1), np.float32), shift], 1)
    lower = np.array([[0, 0, 1, 0], [0, 0, 0, 1]], np.float32)
    return ops.unsqueeze(ops.concat([upper, lower], 0), [0])


def _warped(features: Node, matrix: Node) -> Node:
    """The patch (1, C, 16, 16) of a map of features (1, C, H, W), zero outside it."""
    side = features.shape[2]
    matrix = ops.squeeze(matrix, [0])
    centres = np.arange(PATCH, dtype=np.float32) + 0.5
    grid = np.stack(np.meshgrid(centres, centres), -1).reshape(-1, 2)
    at = ops.matmul(ops.constant(grid), _part(matrix, [0, 0], [2, 2]), False, True)
    at = ops.add(at, ops.reshape(_part(matrix, [0, 3], [2, 4]), [1, 2], special_zero=False))
    at = ops.reshape(ops.subtract(at, np.float32(side / 2)), [1, PATCH, PATCH, 2], special_zero=False)
    # beyond the outermost centres there is nothing, not even half of it
    inside = ops.less_equal(ops.reduce_max(ops.absolute(at), [3], False), np.float32(side / 2 - 0.5))
    at = ops.divide(at, np.float32(side / 2))
    sampled = ops.grid_sample(features, at, {'align_corners': False, 'mode': 'bilinear', 'padding_mode': 'zeros'})
    return ops.multiply(sampled, ops.convert(ops.unsqueeze(inside, [1]), 'f32'))


def mesh_model(path: Path) -> openvino.Model:
    """The mesh with attention: (1, 192, 192, 3) uint8 to `points` (478, 3), px of its input, and `presence` (1,).

    Lips and eyes come from their patches, with the depth of the mesh; an iris has the mean depth of its lids' rims.
    """
    net, (mesh, lips, left, right, left_iris, right_iris, presence) = rebuild(path, MESH_SIDE)
    every = ops.reshape(net.nodes[mesh], [468, 3], special_zero=False)
    flat, depth = ops.slice(every, [0], [2], [1], [1]), ops.slice(every, [2], [3], [1], [1])
    depths = [depth]
    refinements = zip((lips, left, right), (None, left_iris, right_iris), net.parts.values(), strict=True)
    for refined, iris, points in refinements:
        flat = ops.scatter_update(flat, points, ops.reshape(net.nodes[refined], [-1, 2], special_zero=False), 0)
        if iris is not None:
            mean = ops.reduce_mean(ops.gather(depth, points[:EYE_RINGS], 0), [0], True)
            depths.append(ops.tile(mean, np.array([5, 1])))
    irises = [ops.reshape(net.nodes[i], [5, 2], special_zero=False) for i in (left_iris, right_iris)]
    points = ops.concat([ops.concat([flat, *irises], 0), ops.concat(depths, 0)], 1)
    there = ops.reshape(ops.sigmoid(net.nodes[presence]), [1], special_zero=False)
    return _named(openvino.Model([points, there], [net.picture]), 'points', 'presence')


def person_model(path: Path) -> openvino.Model:
    """The person in front: (1, 256, 256, 3) uint8 to `person` (256, 256), probabilities."""
    net, (mask,) = rebuild(path, 256)
    return _named(openvino.Model([ops.squeeze(net.nodes[mask], [0, 1])], [net.picture]), 'person')


def detection_model(path: Path) -> openvino.Model:
    """Faces or bodies: (1, S, S, 3) uint8 to `boxes` (1, N, 16 or 12) and `scores` (1, N, 1), not decoded."""
    prepare = PrePostProcessor(openvino.Core().read_model(path))
    prepare.input().tensor().set_element_type(openvino.Type.u8)
    prepare.input().preprocess().convert_element_type(openvino.Type.f32).scale(127.5).mean(1.0)
    return _named(prepare.build(), 'boxes', 'scores')


def body_model(path: Path) -> openvino.Model:
    """A body: (1, S, S, 3) uint8 to `points` (1, 195), `score` (1, 1) and `mask` (1, S, S, 1), as they come."""
    prepare = PrePostProcessor(openvino.Core().read_model(path))
    prepare.input().tensor().set_element_type(openvino.Type.u8)
    prepare.input().preprocess().convert_element_type(openvino.Type.f32).scale(255.0)
    whole = prepare.build()
    outputs = [whole.output(name) for name in ('Identity', 'Identity_1', 'Identity_2')]
    return _named(openvino.Model(outputs, whole.get_parameters()), 'points', 'score', 'mask')


def _named(model: openvino.Model, *names: str) -> openvino.Model:
    for output, name in zip(model.outputs, names, strict=True):
        output.tensor.set_names({name})
    return model


def main() -> None:
    """Convert all six."""
    modules = Path(sys.argv[1])
    models = {
        'faces_far': detection_model(modules / 'face_detection/face_detection_full_range_sparse.tflite'),
        'faces_near': detection_model(modules / 'face_detection/face_detection_short_range.tflite'),
        'mesh': mesh_model(modules / 'face_landmark/face_landmark_with_attention.tflite'),
        'person': person_model(modules / 'selfie_segmentation/selfie_segmentation.tflite'),
        'bodies': detection_model(modules / 'pose_detection/pose_detection.tflite'),
        'body': body_model(modules / 'pose_landmark/pose_landmark_full.tflite'),
    }
    for name, model in models.items():
        openvino.save_model(model, NETS / f'{name}.xml', compress_to_fp16=True)


if __name__ == '__main__':
    main()
