"""From a seed to noise, the same for ever; from noise to latent vectors; walks and sliders among them.

NumPy promises the bits of a bit generator and of a seed sequence for ever, and those of its distributions not. So the
normal numbers are made here of the bits (Box & Muller 1958).
"""

from __future__ import annotations

import secrets

import numpy as np

from sketch_robot.characters.character_file import CharacterNet
from sketch_robot.errors import ErrorCode, SketchRobotError

SEEDS = 2**32  # 0 ... SEEDS - 1
FLOW_STEPS = 8  # of Heun's method
MOST_SLIDER = 3.0  # deviations to either side


def check_seed(seed: int) -> int:
    """A seed, when it is one.

    Raises:
        SketchRobotError: BAD_GOAL, it is out of range.
    """
    if not 0 <= seed < SEEDS:
        raise SketchRobotError(ErrorCode.BAD_GOAL, f'the seed {seed} is not between 0 and {SEEDS - 1}')
    return seed


def seed_of(text: str) -> int:
    """The seed that a text names.

    Raises:
        SketchRobotError: BAD_GOAL, it names none.
    """
    try:
        return check_seed(int(text))
    except ValueError as error:
        raise SketchRobotError(
            ErrorCode.BAD_GOAL, f'the seed {text!r} is no whole number between 0 and {SEEDS - 1}'
        ) from error


def any_seed() -> int:
    """A seed that nobody can foretell; short, so that one can say it."""
    return secrets.randbelow(1_000_000)


def noise_of(seed: int, candidates: range, latent: int) -> np.ndarray:
    """The noise of some of a seed's candidates: (N, latent) float32.

    Raises:
        SketchRobotError: BAD_GOAL, the seed is out of range.
    """
    check_seed(seed)
    count = latent + latent % 2
    rows = []
    for candidate in candidates:
        bits = np.random.PCG64(np.random.SeedSequence((seed, candidate))).random_raw(count)
        uniform = ((bits >> np.uint64(11)).astype(np.float64) + 0.5) / 2.0**53  # neither 0 nor 1
        radius, angle = np.sqrt(-2.0 * np.log(uniform[::2])), 2.0 * np.pi * uniform[1::2]
        rows.append(np.column_stack([radius * np.cos(angle), radius * np.sin(angle)]).ravel()[:latent])
    return np.array(rows, np.float32).reshape(len(rows), latent)


def transported(net: CharacterNet, noise: np.ndarray, steps: int = FLOW_STEPS) -> np.ndarray:
    """Take noise (N, L) along the flow to normal vectors (N, L), see `placed`; float32."""
    x = np.asarray(noise, np.float32)
    for k in range(steps):
        first = _velocity(net, x, k / steps)
        x = x + (first + _velocity(net, x + first / np.float32(steps), (k + 1) / steps)) / np.float32(2 * steps)
    return x


def placed(net: CharacterNet, normal: np.ndarray) -> np.ndarray:
    """Latent vectors of normal ones: (N, L) float32."""
    return net.middle + net.scale * np.asarray(normal, np.float32)


def _velocity(net: CharacterNet, x: np.ndarray, time: float) -> np.ndarray:
    angle = 0.5 * np.pi * time
    clock = np.broadcast_to(np.array([time, np.sin(angle), np.cos(angle)], np.float32), (len(x), 3))
    x = np.concatenate([x, clock], axis=1)
    for weight, bias in net.flow[:-1]:
        x = x @ weight.T + bias
        x = x / (1 + np.exp(-np.clip(x, -60.0, 60.0)))
    weight, bias = net.flow[-1]
    return x @ weight.T + bias


def walk(first: np.ndarray, last: np.ndarray, count: int) -> np.ndarray:
    """Noise vectors on the way from one (L,) to another: (count, L) float32, along the great circle (Shoemake 1985).

    Noise lies near a sphere; on the straight way it would leave it.
    """
    a, b = np.asarray(first, np.float64), np.asarray(last, np.float64)
    lengths = float(np.linalg.norm(a)) * float(np.linalg.norm(b))
    angle = float(np.arccos(np.clip(float(a @ b) / max(lengths, 1e-12), -1.0, 1.0)))
    share = np.linspace(0.0, 1.0, count)[:, None]
    if np.sin(angle) < 1e-6:
        return np.asarray((1 - share) * a + share * b, np.float32)
    return np.asarray((np.sin((1 - share) * angle) * a + np.sin(share * angle) * b) / np.sin(angle), np.float32)


def moved(net: CharacterNet, normal: np.ndarray, sliders: tuple[float, ...]) -> np.ndarray:
    """A normal vector (L,) moved along the net's directions.

    Args:
        net: whose directions.
        normal: from where.
        sliders: how far along each, in deviations; missing ones are 0.

    Raises:
        SketchRobotError: BAD_GOAL, there are more sliders than directions, or one is beyond `MOST_SLIDER`.
    """
    if len(sliders) > len(net.directions):
        raise SketchRobotError(ErrorCode.BAD_GOAL, f'there are {len(net.directions)} sliders, not {len(sliders)}')
    for value in sliders:
        if not -MOST_SLIDER <= value <= MOST_SLIDER:
            raise SketchRobotError(ErrorCode.BAD_GOAL, f'a slider goes from {-MOST_SLIDER:g} to {MOST_SLIDER:g}')
    way = np.asarray(sliders, np.float32) @ net.directions[: len(sliders)]
    return np.asarray(normal, np.float32) + way if sliders else np.asarray(normal, np.float32)
