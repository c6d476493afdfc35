"""Train and compare the published three: without deformed skips, with them, and with the nearest-neighbour loss.

Judged on people that were not trained on, as Siarohin et al. (2018) do: structural similarity, the same in the person's
surroundings alone (mask-SSIM), and how surely a person detector finds a person (theirs was SSD, ours is BlazePose's).
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from skimage.metrics import structural_similarity

from sketch_robot.files import write_whole
from sketch_robot.photo.body import BodyFinder
from sketch_robot.poses.losses import ShallowFeatures
from sketch_robot.poses.network import PoseGenerator
from sketch_robot.poses.pairs import PosePairs, PosePictures
from sketch_robot.poses.trainer import MODELS, Model, PoseOptions, PoseTrainer, conditions

MASK_REACH = 0.04  # of a picture's height, around the person: mask-SSIM also sees the outline
TABLE_FILE = 'table.json'
AT_ONCE = 8

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class PoseScores:
    """What a model reached; means over the pairs.

    Attributes:
        ssim, mask_ssim: structural similarity, of whole pictures and of the person alone.
        detection: how surely a person is found, in [0, 1].
        matte_iou: intersection over union of the drawn and the wanted matte.
        pairs: how many were drawn.
    """

    ssim: float
    mask_ssim: float
    detection: float
    matte_iou: float
    pairs: int


@torch.inference_mode()
def drawn_pairs(net: PoseGenerator, pairs: PosePairs, rows: Sequence[tuple[int, int]]) -> np.ndarray:
    """What a net draws of pairs: (N, H, W, 4) uint8."""
    net.eval()
    height, width = pairs.pictures.size_px
    found = []
    for begin in range(0, len(rows), AT_ONCE):
        batch = pairs.of(rows[begin : begin + AT_ONCE])
        drawn = net(batch.picture, *conditions(batch, height, width))
        found.append(((drawn + 1) * 127.5).clamp(0, 255).round().byte().permute(0, 2, 3, 1).numpy())
    return np.concatenate(found)


def score_drawn(drawn: np.ndarray, pictures: PosePictures, rows: Sequence[tuple[int, int]]) -> PoseScores:
    """Judge pictures (N, H, W, 4) uint8 beside those that were wanted."""
    finder = BodyFinder()
    table = []
    for rgba, (_, goal) in zip(drawn, rows, strict=True):
        wanted = pictures.rgba[goal]
        person = wanted[..., 3] > 127
        reach = 2 * round(MASK_REACH * len(person)) + 1
        around = cv2.dilate(person.astype(np.uint8), np.ones((reach, reach), np.uint8)) > 0
        mean, each = structural_similarity(wanted[..., :3], rgba[..., :3], channel_axis=2, full=True)
        found = rgba[..., 3] > 127
        overlap = (found & person).sum() / max(1, (found | person).sum())
        table.append((mean, each[around].mean(), finder.sureness(np.ascontiguousarray(rgba[..., :3])), overlap))
    ssim, mask_ssim, detection, iou = np.mean(table, axis=0).tolist()
    return PoseScores(ssim, mask_ssim, detection, iou, len(rows))


def compare_models(
    folder: Path,
    train: PosePictures,
    test: PosePictures,
    options: PoseOptions,
    *,
    features: ShallowFeatures,
    seeds: Sequence[int] = (0, 1),
    count: int = 126,
    models: Sequence[Model] = MODELS,
    pairs: int = 4,
    device: torch.device | str = 'cpu',
    stop: Callable[[], bool] = lambda: False,
) -> list[dict[str, Any]]:
    """Train each model with each seed and judge it; runs that are there are gone on with.

    Returns:
        A row a run: model, seed, and `PoseScores`; also written to `table.json`.

    Raises:
        SketchRobotError: BAD_GOAL, the folder cannot be written, or holds other runs.
    """
    judged = PosePairs(test, vary=False)
    rows = judged.fixed(count)
    table: list[dict[str, Any]] = []
    for seed in seeds:
        for model in models:
            chosen = replace(options, model=model, seed=seed)
            trainer = PoseTrainer(
                folder / f'{model}_{seed}',
                PosePairs(train, count=pairs, seed=seed),
                chosen,
                features=features,
                device=device,
            )
            trainer.run(stop=stop)
            if trainer.share_done < 1.0:
                return table
            scores = score_drawn(drawn_pairs(trainer.kept_net(), judged, rows), test, rows)
            table.append({'model': model, 'seed': seed, 'steps': trainer.step, **asdict(scores)})
            _log.info('%s, seed %d: %s', model, seed, scores)
            write_whole(folder / TABLE_FILE, (json.dumps(table, indent=1) + '\n').encode())
    return table


def table_of(rows: Sequence[dict[str, Any]]) -> list[str]:
    """The rows as lines of a table in Markdown."""
    lines = ['| model | seed | SSIM | mask-SSIM | detection | matte |', '|---|---|---|---|---|---|']
    for row in rows:
        figures = ' | '.join(f'{row[name]:.3f}' for name in ('ssim', 'mask_ssim', 'detection', 'matte_iou'))
        lines.append(f'| {row["model"]} | {row["seed"]} | {figures} |')
    return lines
