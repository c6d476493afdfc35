"""How large a pose generator is, for those who train it and those who only run it."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

from sketch_robot.poses.joints import JOINTS

HEAT_SIGMA_PX = 6.0  # of a joint's heat map
EDGE_PX = 1.0  # over which a part's mask falls to nothing
LEAK = 0.2  # slope of the encoders' rectifiers below 0
NORM_EPSILON = 1e-5
OVERLAPPING = 3  # parts at one pixel that are looked at, in maps of at least LARGE_PX rows
LARGE_PX = 32


@dataclass(frozen=True)
class PoseShape:
    """How large a generator is.

    Attributes:
        widths: channels of the encoder's stages; each but the first halves the picture.
        channels: of a picture: 3, or 4 with a matte.
        deform: whether skips are deformed; without, it is the baseline.
    """

    widths: tuple[int, ...] = (64, 128, 256, 512, 512, 512, 512)
    channels: int = 3
    deform: bool = True

    @property
    def step_px(self) -> int:
        """Sides of a picture are multiples of this."""
        return int(2 ** (len(self.widths) - 1))

    def normalised(self, stage: int) -> bool:
        """Whether an encoder's stage normalises: one of a pixel or two has nothing to do it by."""
        return 0 < stage < len(self.widths) - 1


PUBLISHED = PoseShape()  # at 256 x 256
SLIM = PoseShape(widths=(16, 32, 64, 128, 128, 128), channels=4)


def tensor_shapes(shape: PoseShape) -> dict[str, tuple[int, ...]]:
    """The generator's tensors by name."""
    widths, poses = shape.widths, len(JOINTS)
    found: dict[str, tuple[int, ...]] = {}
    for encoder, inputs in (('look', shape.channels + poses), ('goal', poses)):
        found[f'{encoder}.first.weight'] = (widths[0], inputs, 3, 3)
        found[f'{encoder}.first.bias'] = (widths[0],)
        for stage, (a, b) in enumerate(itertools.pairwise(widths)):
            found[f'{encoder}.stages.{stage}.conv.weight'] = (b, a, 4, 4)
    below = 0
    for number, width in enumerate(widths[:0:-1]):
        found[f'ups.{number}.conv.weight'] = (below + 2 * width, width, 4, 4)
        below = width
    found['last.weight'] = (shape.channels, below + 2 * widths[0], 3, 3)
    found['last.bias'] = (shape.channels,)
    return found
