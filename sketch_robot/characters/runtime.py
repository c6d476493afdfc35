"""Make characters on OpenVINO, from the file's numbers directly, without torch.

Of a seed's candidates the first good one is taken: most malformed faces are thrown away before anybody sees them (Azadi
et al. 2019). Arithmetic is float32 everywhere, so that a seed gives the same face on every machine.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import as_file, files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from sketch_robot.characters.character_file import CharacterNet, Layer, load_character_net
from sketch_robot.characters.latents import check_seed, moved, noise_of, placed, transported
from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.files import check_sums

if TYPE_CHECKING:
    from openvino import Model

WEIGHTS_PACKAGE = 'sketch_robot.characters.weights'
WEIGHTS = {'line_art': 'line_art.safetensors', 'colour': 'colour.safetensors'}
AT_ONCE = 16  # candidates
MOST_CANDIDATES = 192  # then the best of them is taken
EDGE_GREY = 0.165  # grey, p (1 - p), that real line art has for each pixel of an edge
SMUDGE_PX = 3.0  # blur that tells where grey is together
SMUDGED, GREY = 150.0, 120.0  # what the worst smudge, and grey all over, cost: as much as the judge's opinion varies
DARK, FAINTEST = 0.4, 0.06  # how light dark ink is at most, and how dark paper may be
GHOST = 0.25  # what a pixel of faint ink costs that has nothing dark beside it
LINE, PAPER, LOST = 0.35, 0.03, 900.0  # ink that is shown as a line, what paper has, and what ink costs that gets lost
JUDGED = 1.3  # weight of the judge's opinion
WORST_PARTS = 6  # of 144, whose mean counts: one torn eye is a bad face
STRIDES = ((1, 0), (2, 1), (2, 1), (2, 1), (3, 1))  # stride and padding of the generator's layers
SLOPE = 0.2

Judgement = tuple[np.ndarray, np.ndarray]  # pictures (N, C, 96, 96) float32 in [-1, 1], and their scores (N,)


@dataclass(frozen=True, eq=False)
class Character:
    """A face that nobody has.

    Attributes:
        rgb: (96, 96, 3) uint8.
        normal: (L,) float32, from which it was made, before sliders moved it.
        score: how real it looks; higher is better.
        candidate: which of the seed's candidates it is, counted from 0.
        good: whether its score is high enough; else it is the best of `MOST_CANDIDATES`.
    """

    rgb: np.ndarray
    normal: np.ndarray
    score: float
    candidate: int
    good: bool


@lru_cache(maxsize=2)
def shipped_characters(name: str = 'line_art') -> CharacterNet:
    """A generator that comes with the package.

    Args:
        name: 'line_art' or 'colour'.

    Raises:
        SketchRobotError: INTERNAL, the file is damaged; BAD_GOAL, there is none of that name.
    """
    if name not in WEIGHTS:
        raise SketchRobotError(ErrorCode.BAD_GOAL, f'there are no characters {name!r}; choose: {", ".join(WEIGHTS)}')
    with as_file(files(WEIGHTS_PACKAGE)) as folder:
        check_sums(folder, WEIGHTS[name])
        return load_character_net(folder / WEIGHTS[name])


@lru_cache(maxsize=2)
def shipped_maker(name: str = 'line_art') -> CharacterMaker:
    """A maker with a generator of the package, made once; raises as `shipped_characters`."""
    return CharacterMaker(shipped_characters(name))


class CharacterMaker:
    """Makes characters with a net. May be used by one thread at a time.

    Args:
        net: what makes them.

    Raises:
        SketchRobotError: BAD_GOAL, OpenVINO is not installed.
    """

    def __init__(self, net: CharacterNet) -> None:
        self.net = net
        self._judge = compiled(net)

    def make(self, seed: int, sliders: tuple[float, ...] = ()) -> Character:
        """The character of a seed: always the same one.

        Args:
            seed: 0 ... 2**32 - 1.
            sliders: how far to move it along the net's directions, in deviations.

        Raises:
            SketchRobotError: BAD_GOAL, the seed or a slider is out of range.
        """
        check_seed(seed)
        found = self._first_good(seed)
        normal = moved(self.net, found.normal, sliders)
        if not any(sliders):
            return found
        pictures, scores = self.judged(normal[None])
        score = float(scores[0])
        return Character(as_rgb(pictures)[0], found.normal, score, found.candidate, score >= self.net.least)

    def _first_good(self, seed: int) -> Character:
        best: Character | None = None
        for first in range(0, MOST_CANDIDATES, AT_ONCE):
            normal = transported(self.net, noise_of(seed, range(first, first + AT_ONCE), self.net.latent))
            pictures, scores = self.judged(normal)
            good = np.flatnonzero(scores >= self.net.least)
            k = int(good[0]) if len(good) else int(scores.argmax())
            if best is None or len(good) or scores[k] > best.score:
                best = Character(as_rgb(pictures[k : k + 1])[0], normal[k], float(scores[k]), first + k, len(good) > 0)
            if len(good):
                break
        assert best is not None
        return best

    def judged(self, normal: np.ndarray) -> Judgement:
        """Pictures of normal vectors (N, L), and their scores."""
        pictures, scores = self._judge(placed(self.net, normal))
        return pictures, JUDGED * scores - (smudges(pictures[:, 0]) if self.net.channels == 1 else 0.0)


def score_of(parts: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """Scores (N,) of what the judge says of the parts (N, 144) and of the whole (N,), in logits."""
    worst = np.partition(parts, WORST_PARTS - 1, axis=1)[:, :WORST_PARTS]
    return np.asarray(whole + worst.mean(axis=1))


def smudges(pictures: np.ndarray) -> np.ndarray:
    """What grey costs line art (N, H, W) in [-1, 1], which is black and white but at its edges: (N,).

    Grey that real line art does not have is a smudge; faint ink with nothing dark beside it is a ghost of a line; and
    ink that is lost when line art is made black and white may have been a mouth.
    """
    costs = []
    for picture in pictures:
        light = (picture.astype(np.float32) + 1) / 2
        paper = (light > 0.5).astype(np.float32)
        edges = np.zeros_like(light)
        edges[1:] += np.abs(np.diff(paper, axis=0))
        edges[:, 1:] += np.abs(np.diff(paper, axis=1))
        grey = light * (1 - light)
        smudge = cv2.GaussianBlur(grey - EDGE_GREY * edges, (0, 0), SMUDGE_PX)
        near_line = cv2.dilate((1 - light > LINE).astype(np.uint8), np.ones((3, 3), np.uint8))
        lost = np.where(near_line > 0, 0, np.maximum(1 - light - PAPER, 0)).astype(np.float32)
        worst = float(cv2.GaussianBlur(lost, (0, 0), SMUDGE_PX).max())
        near_dark = cv2.dilate((light < DARK).astype(np.uint8), np.ones((3, 3), np.uint8))
        ghost = np.where(near_dark > 0, 0, np.maximum(1 - light - FAINTEST, 0)).astype(np.float32)
        ghosts = SMUDGED * float(cv2.GaussianBlur(ghost, (0, 0), SMUDGE_PX).max()) + GHOST * float(ghost.sum())
        everywhere = GREY * float(grey.sum() / max(edges.sum(), 1))
        costs.append(SMUDGED * float(smudge.max()) + everywhere + ghosts + LOST * worst)
    return np.array(costs, np.float32)


def as_rgb(pictures: np.ndarray) -> np.ndarray:
    """Pictures (N, C, 96, 96) in [-1, 1] as (N, 96, 96, 3) uint8."""
    pixels = np.rint(np.clip(127.5 * (pictures + 1.0), 0.0, 255.0)).astype(np.uint8).transpose(0, 2, 3, 1)
    return np.ascontiguousarray(np.broadcast_to(pixels, (*pixels.shape[:3], 3)))


def compiled(net: CharacterNet) -> Callable[[np.ndarray], Judgement]:
    """The net's generator and judge on OpenVINO: latent vectors (N, L) float32 to pictures and scores."""
    try:
        import openvino
    except ModuleNotFoundError as error:
        raise SketchRobotError(
            ErrorCode.BAD_GOAL, 'characters need openvino, which is not installed; install it (pip install openvino)'
        ) from error
    exact = {'INFERENCE_PRECISION_HINT': 'f32', 'PERFORMANCE_HINT': 'LATENCY'}
    request = openvino.Core().compile_model(make_character_model(net), 'CPU', exact).create_infer_request()

    def judge(latent: np.ndarray) -> Judgement:
        request.infer({'latent': np.ascontiguousarray(latent, np.float32)})
        pictures, parts, whole = (np.array(request.get_output_tensor(k).data) for k in range(3))
        return pictures, score_of(parts.reshape(len(latent), -1), whole.reshape(len(latent)))

    return judge


def make_character_model(net: CharacterNet) -> Model:
    """OpenVINO's model: `latent` (N, L) to pictures (N, C, 96, 96), logits of parts (N, 1, 12, 12) and of the whole."""
    import openvino
    from openvino import opset13 as ops

    latent = ops.parameter([-1, net.latent], np.float32, name='latent')
    x = ops.unsqueeze(latent, np.array([2, 3]))
    for k, ((kernel, bias), (stride, margin)) in enumerate(zip(net.generator, STRIDES, strict=True)):
        pads = [margin, margin]
        x = ops.convolution_backprop_data(
            x, ops.constant(kernel), [stride, stride], pads_begin=pads, pads_end=pads, dilations=[1, 1]
        )
        x = ops.add(x, bias.reshape(1, -1, 1, 1))
        x = ops.tanh(x) if k == len(net.generator) - 1 else ops.relu(x)
    seen = x
    for (kernel, bias), margin in zip(net.realism[:3], (2, 1, 1), strict=True):
        seen = _leaky(_convolved(seen, (kernel, bias), 2, margin, ops), ops)
    parts = _convolved(seen, net.realism[3], 1, 0, ops)
    whole = _leaky(_convolved(seen, net.realism[4], 2, 1, ops), ops)
    whole = _convolved(whole, net.realism[5], 1, 0, ops)
    return openvino.Model([x, parts, whole], [latent], 'characters')


def _convolved(x: Any, layer: Layer, stride: int, margin: int, ops: Any) -> Any:
    kernel, bias = layer
    pads = [margin, margin]
    x = ops.convolution(x, ops.constant(kernel), [stride, stride], pads, pads, [1, 1])
    return ops.add(x, bias.reshape(1, -1, 1, 1))


def _leaky(x: Any, ops: Any) -> Any:
    return ops.prelu(x, np.array([SLOPE], np.float32))


def characters_of(file: Path | None, name: str = 'line_art') -> CharacterNet:
    """The generator of a file, or one of the package.

    Raises:
        SketchRobotError: BAD_GOAL, the file is missing or foreign; INTERNAL, the package's is damaged.
    """
    return shipped_characters(name) if file is None else load_character_net(file)
