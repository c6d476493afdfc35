"""The deformable generator and its discriminator (Siarohin et al. 2018, "Deformable GANs for Pose-based Human Image
Generation").

Two encoders see the sitter with their pose, and the target pose; a decoder draws the sitter in that pose. What the
first encoder hands over beside the bottleneck is deformed: each of ten body parts is brought to its place by an affine
map, and the maximum of all and of the undeformed features goes on. Maps are (N, C, H, W), values of pictures in
[-1, 1]; a pose is 18 heat maps.
"""

from __future__ import annotations

import itertools

import torch
from torch import Tensor, nn
from torch.nn import functional

from sketch_robot.poses.joints import JOINTS, PARTS
from sketch_robot.poses.shape import EDGE_PX, HEAT_SIGMA_PX, LARGE_PX, LEAK, NORM_EPSILON, OVERLAPPING, SLIM, PoseShape

DROPOUT = 0.5
DROPPED = 3  # of the decoder's first layers


class Down(nn.Module):
    """Rectify, halve by 4 x 4 taps, normalise each picture's maps."""

    def __init__(self, inputs: int, outputs: int, *, norm: bool = True) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, 4, 2, 1, bias=False)
        self.norm = nn.InstanceNorm2d(outputs, eps=NORM_EPSILON) if norm else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """Maps of half the size."""
        return self.norm(self.conv(functional.leaky_relu(x, LEAK)))


class Up(nn.Module):
    """Rectify, double by 4 x 4 taps, normalise, drop."""

    def __init__(self, inputs: int, outputs: int, *, dropout: bool) -> None:
        super().__init__()
        self.conv = nn.ConvTranspose2d(inputs, outputs, 4, 2, 1, bias=False)
        self.norm = nn.InstanceNorm2d(outputs, eps=NORM_EPSILON)
        self.dropout = nn.Dropout(DROPOUT) if dropout else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """Maps of twice the size."""
        return self.dropout(self.norm(self.conv(functional.relu(x))))


class Encoder(nn.Module):
    """A stack of halvings; the maps of every stage are handed on."""

    def __init__(self, inputs: int, shape: PoseShape) -> None:
        super().__init__()
        widths = shape.widths
        self.first = nn.Conv2d(inputs, widths[0], 3, 1, 1)
        self.stages = nn.ModuleList(
            Down(a, b, norm=shape.normalised(k)) for k, (a, b) in enumerate(itertools.pairwise(widths), 1)
        )

    def forward(self, x: Tensor) -> list[Tensor]:
        """Maps of all stages, the largest first."""
        maps = [self.first(x)]
        for stage in self.stages:
            maps.append(stage(maps[-1]))
        return maps


class PoseGenerator(nn.Module):
    """Draws somebody in another pose.

    Args:
        shape: how large.
    """

    def __init__(self, shape: PoseShape = SLIM) -> None:
        super().__init__()
        self.shape = shape
        widths, poses = shape.widths, len(JOINTS)
        self.look = Encoder(shape.channels + poses, shape)
        self.goal = Encoder(poses, shape)
        ups = []
        below = 0
        for number, width in enumerate(widths[:0:-1]):
            ups.append(Up(below + 2 * width, width, dropout=number < DROPPED))
            below = width
        self.ups = nn.ModuleList(ups)
        self.last = nn.Conv2d(below + 2 * widths[0], shape.channels, 3, 1, 1)

    def forward(self, picture: Tensor, pose: Tensor, target: Tensor, warps: Tensor, masks: Tensor) -> Tensor:
        """Draw.

        Args:
            picture: (N, C, H, W) in [-1, 1].
            pose, target: (N, 18, H, W), heat maps of the picture's pose and of the wanted one.
            warps: (N, 10, 2, 3), from the target to the picture in `grid_sample`'s coordinates, see `grid_affine`.
            masks: (N, 10, H, W) in [0, 1], where each part lies in the target.

        Returns:
            (N, C, H, W) in [-1, 1].
        """
        looks = self.look(torch.cat([picture, pose], 1))
        goals = self.goal(target)
        if self.shape.deform:
            looks = [deformed(maps, warps, masks) for maps in looks]
        x = torch.cat([looks[-1], goals[-1]], 1)
        for stage, up in enumerate(self.ups):
            x = up(x)
            x = torch.cat([x, looks[-2 - stage], goals[-2 - stage]], 1)
        return torch.tanh(self.last(functional.relu(x)))


class PoseDiscriminator(nn.Module):
    """Tells whether a picture is of this person in that pose, patch by patch.

    Args:
        channels: of a picture.
        width: of its first stage; the published one has 64.
    """

    def __init__(self, channels: int = 4, width: int = 64) -> None:
        super().__init__()
        widths = (width, 2 * width, 4 * width, 8 * width)
        self.first = nn.Conv2d(2 * (channels + len(JOINTS)), width, 4, 2, 1)
        self.stages = nn.ModuleList(Down(a, b) for a, b in itertools.pairwise(widths))
        self.last = nn.Conv2d(widths[-1], 1, 4, 2, 1)

    def forward(self, picture: Tensor, pose: Tensor, drawn: Tensor, target: Tensor) -> Tensor:
        """Logits (N, 1, h, w) that it is no forgery."""
        x = self.first(torch.cat([picture, pose, drawn, target], 1))
        for stage in self.stages:
            x = stage(x)
        return self.last(functional.leaky_relu(x, LEAK))


def deformed(maps: Tensor, warps: Tensor, masks: Tensor) -> Tensor:
    """Maps (N, C, h, w) with each part brought to its place, and the maximum of all and of the maps as they were.

    Where parts overlap, no more than `OVERLAPPING` are looked at in maps that are large enough to tell parts apart: ten
    warps of every map would take three times as long and change almost nothing.
    """
    count, _, height, width = maps.shape
    small = functional.adaptive_avg_pool2d(masks, (height, width)) if masks.shape[-2:] != (height, width) else masks
    found = functional.relu(maps)  # a part's mask is 0 beyond it: nothing below that is left
    strength, part = small.topk(OVERLAPPING if height >= LARGE_PX else PARTS, dim=1)
    rows = (torch.arange(height, device=maps.device, dtype=maps.dtype) * 2 + 1) / height - 1
    columns = (torch.arange(width, device=maps.device, dtype=maps.dtype) * 2 + 1) / width - 1
    matrix = warps.flatten(2).unsqueeze(1).expand(-1, part.shape[1], -1, -1)
    for layer in range(part.shape[1]):
        chosen = part[:, layer].flatten(1)[..., None].expand(-1, -1, 6)
        a = matrix[:, layer].gather(1, chosen).view(count, height, width, 6)
        x = a[..., 0] * columns + a[..., 1] * rows[:, None] + a[..., 2]
        y = a[..., 3] * columns + a[..., 4] * rows[:, None] + a[..., 5]
        brought = functional.grid_sample(maps, torch.stack([x, y], -1), align_corners=False)
        found = torch.maximum(found, brought * strength[:, layer : layer + 1])
    return found


# ------------------------------------------------------------- what it sees
def heat_maps(poses: Tensor, height: int, width: int, sigma_px: float = HEAT_SIGMA_PX) -> Tensor:
    """Poses (N, 18, 3) in pixels as Gaussian heat maps (N, 18, H, W); joints that are not given have none."""
    rows = torch.arange(height, device=poses.device) + 0.5
    columns = torch.arange(width, device=poses.device) + 0.5
    x, y, given = poses[..., 0:1], poses[..., 1:2], poses[..., 2:3]
    across = torch.exp(-((columns - x) ** 2) / (2 * sigma_px**2))
    down = torch.exp(-((rows - y) ** 2) / (2 * sigma_px**2)) * given
    return down[..., None] * across[..., None, :]


def part_masks(corners: Tensor, there: Tensor, height: int, width: int) -> Tensor:
    """Quadrilaterals (N, 10, 4, 2) in pixels as masks (N, 10, H, W), soft by a pixel; 0 where not `there` (N, 10)."""
    rows = torch.arange(height, device=corners.device) + 0.5
    columns = torch.arange(width, device=corners.device) + 0.5
    edge = torch.roll(corners, -1, 2) - corners
    turn = (edge[..., 0] * torch.roll(edge, -1, 2)[..., 1] - edge[..., 1] * torch.roll(edge, -1, 2)[..., 0]).sum(-1)
    normal = torch.stack([-edge[..., 1], edge[..., 0]], -1) / edge.norm(dim=-1, keepdim=True).clamp_min(1e-6)
    normal = normal * turn.sign()[..., None, None]
    offset = (normal * corners).sum(-1)
    inside = normal[..., 0, None, None] * columns + normal[..., 1, None, None] * rows[:, None] - offset[..., None, None]
    depth = inside.amin(2)  # of a convex part, from its nearest side
    return (depth / EDGE_PX + 0.5).clamp(0, 1) * there[..., None, None]


def grid_affine(to_source: Tensor, height: int, width: int) -> Tensor:
    """Affine maps (N, 10, 2, 3) in pixels for `affine_grid`, whose picture reaches from -1 to 1 both ways."""
    half = torch.tensor([width / 2, height / 2], dtype=to_source.dtype, device=to_source.device)
    linear = to_source[..., :2] * half / half[:, None]
    shift = (to_source[..., :2] @ half + to_source[..., 2]) / half - 1
    return torch.cat([linear, shift[..., None]], -1)
