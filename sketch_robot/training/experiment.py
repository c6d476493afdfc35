"""The paper's four models and their ablations, trained alike on one split, in one table.

U2-Net is the teacher without style, U2-NetT with; U2-Netp is the student alone, U2-NetS distilled from U2-NetT of the
same seed. Each run resumes on its own, so an interrupted experiment goes on where it was.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import numpy as np
import torch

from sketch_robot.files import write_whole
from sketch_robot.line_art.student.runtime import torch_ink
from sketch_robot.line_art.student.u2net import U2Net
from sketch_robot.line_art.student.weight_file import CHANNELS, load_weights
from sketch_robot.training.batches import BatchOptions, PortraitBatches
from sketch_robot.training.evaluate import Scores, count_complexity, evaluate_artist
from sketch_robot.training.losses import FeatureLoss, LossWeights, make_feature_net
from sketch_robot.training.portraits import PortraitFolder, Split
from sketch_robot.training.trainer import WEIGHTS_FILE, Trainer, TrainOptions

PLAIN = LossWeights(ink=1.0, distillation=5.0)  # the paper weighs all pixels alike
METRICS = ('ssim', 'psnr', 'fsim', 'gmsd')
PAPER_PERCENT = {  # ssim, psnr, fsim, gmsd
    ('U2-Net', 'U2-NetT'): (12.6, 6.5, 15.0, -25.5),
    ('U2-Netp', 'U2-NetS'): (11.8, 16.2, 4.2, -10.6),
}
CHANGES = (  # what each ingredient gives
    ('U2-Net', 'U2-NetT'),
    ('U2-Netp', 'U2-NetS'),
    ('U2-Netp without style', 'U2-Netp'),
    ('U2-NetS of one scale', 'U2-NetS'),
)

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Candidate:
    """One model of the comparison.

    Attributes:
        channels: 'teacher' or 'student'.
        style: with the style loss.
        teacher: the model to distil from, or ''.
        close_ups: share of close-ups among the pictures.
    """

    channels: str
    style: bool
    teacher: str = ''
    close_ups: float = 0.5


CANDIDATES = {
    'U2-Net': Candidate('teacher', style=False),
    'U2-NetT': Candidate('teacher', style=True),
    'U2-Netp': Candidate('student', style=True),
    'U2-NetS': Candidate('student', style=True, teacher='U2-NetT'),
    'U2-Netp without style': Candidate('student', style=False),
    'U2-NetS of one scale': Candidate('student', style=True, teacher='U2-NetT', close_ups=0.0),
}


@dataclass(frozen=True)
class ExperimentOptions:
    """How large the experiment is.

    Attributes:
        size_px, pictures, steps, fold, rate: of every model.
        weights: factors of the losses, where a model has them.
        seeds: of weights and batches.
        candidates: which models, in this order; teachers before those they teach.
        starts: weight files that all teachers and all students begin from, by 'teacher' and 'student'.
        robot: trace and plan the held-out drawings, too.
    """

    size_px: int = 256
    pictures: int = 8
    steps: int = 400
    fold: int = 4
    rate: float = 1e-3
    weights: LossWeights = PLAIN
    seeds: tuple[int, ...] = (0, 1)
    candidates: tuple[str, ...] = tuple(CANDIDATES)
    starts: dict[str, Path] = field(default_factory=dict)
    robot: bool = True


def run_experiment(
    folder: Path,
    portraits: PortraitFolder,
    split: Split,
    options: ExperimentOptions,
    *,
    vgg19: Path | None = None,
    stop: Callable[[], bool] = lambda: False,
) -> dict[str, dict[str, Scores]]:
    """Train and evaluate all candidates, seed by seed; what is done already is read back.

    Returns:
        scores by candidate and seed (as text); also written to `results.json` and `table.md` after each run.
    """
    results: dict[str, dict[str, Scores]] = {}
    for seed in options.seeds:
        for name in options.candidates:
            if stop():
                return results
            run = folder / f'{name.replace(" ", "_")}_seed{seed}'
            scores_file = run / 'scores.json'
            if not scores_file.is_file():
                _train(run, folder, portraits, split, name, seed, options, vgg19, stop)
                if stop():
                    return results
                scores = _evaluate(run, portraits, split, options)
                write_whole(scores_file, json.dumps(asdict(scores)).encode())
            results.setdefault(name, {})[str(seed)] = Scores(**json.loads(scores_file.read_text()))
            plain = {model: {s: asdict(v) for s, v in seeds.items()} for model, seeds in results.items()}
            write_whole(
                folder / 'results.json', json.dumps({'options': asdict(options), 'scores': plain}, default=str).encode()
            )
            write_whole(folder / 'table.md', results_table(results, options.fold).encode())
    return results


def results_table(results: dict[str, dict[str, Scores]], fold: int) -> str:
    """Markdown: a row a model, means over seeds (each seed in brackets); then each change beside the paper's."""
    lines = [
        '| model | parameters (M) | multiply-adds at 512 (G) | SSIM | PSNR | FSIM | GMSD |',
        '|---|---|---|---|---|---|---|',
    ]
    for name, seeds in results.items():
        cost = count_complexity(U2Net(CHANNELS[CANDIDATES[name].channels], fold=fold))
        cells = [name, f'{cost.parameters / 1e6:.2f}', f'{cost.multiply_adds / 1e9:.1f}']
        lines.append(_row([*cells, *(_cell(seeds, m, 2 if m == 'psnr' else 3) for m in METRICS)]))
    lines += ['', '| model | CPU (ms) | strokes | ink (mm) | AxiDraw (s) | fast (s) | ink outside (%) |']
    lines += ['|---|---|---|---|---|---|---|']
    for name, seeds in results.items():
        measures = [_cell(seeds, m, 0) for m in ('milliseconds', 'strokes', 'ink_mm', 'axidraw_s', 'fast_s')]
        lines.append(_row([name, *measures, _cell(seeds, 'ink_outside', 1, 100.0)]))
    lines += ['', '| change | | SSIM | PSNR | FSIM | GMSD |', '|---|---|---|---|---|---|']
    for before, after in CHANGES:
        if before in results and after in results:
            both = sorted(results[before].keys() & results[after].keys())
            ours = [_change([results[n][seed] for n in (before, after) for seed in both], m) for m in METRICS]
            lines.append(_row([f'{before} to {after}', 'ours', *ours]))
        if (before, after) in PAPER_PERCENT and before in results and after in results:
            lines.append(_row(['', 'paper', *(f'{x:+.1f} %' for x in PAPER_PERCENT[before, after])]))
    return '\n'.join(lines) + '\n'


def _train(
    run: Path,
    folder: Path,
    portraits: PortraitFolder,
    split: Split,
    name: str,
    seed: int,
    options: ExperimentOptions,
    vgg19: Path | None,
    stop: Callable[[], bool],
) -> None:
    candidate = CANDIDATES[name]
    data = BatchOptions(size_px=options.size_px, pictures=options.pictures, close_ups=candidate.close_ups)
    train = TrainOptions(
        channels=candidate.channels,
        fold=options.fold,
        steps=options.steps,
        rate=options.rate,
        cosine=True,
        warm_up=min(50, options.steps // 10),
        average=0.0,
        weights=options.weights if candidate.style else replace(options.weights, style=0.0),
        seed=seed,
        teacher=folder / f'{candidate.teacher}_seed{seed}' / WEIGHTS_FILE if candidate.teacher else None,
        start=options.starts.get(candidate.channels),
    )
    features = FeatureLoss(make_feature_net(vgg19)) if train.weights.need_features else None
    _log.info('%s, seed %d', name, seed)
    Trainer(run, PortraitBatches(portraits, split.train, data, seed=seed), train, features=features).run(stop=stop)


def _evaluate(run: Path, portraits: PortraitFolder, split: Split, options: ExperimentOptions) -> Scores:
    with torch.inference_mode():
        draw = torch_ink(load_weights(run / WEIGHTS_FILE))
        return evaluate_artist(draw, portraits, split.held_out, size_px=options.size_px, robot=options.robot)


def _row(cells: list[str]) -> str:
    return '| ' + ' | '.join(cells) + ' |'


def _cell(seeds: dict[str, Scores], metric: str, digits: int, factor: float = 1.0) -> str:
    values = [factor * getattr(scores, metric) for scores in seeds.values()]
    each = ', '.join(f'{value:.{digits}f}' for value in values)
    return f'{np.mean(values):.{digits}f} ({each})' if len(values) > 1 else each


def _change(scores: list[Scores], metric: str) -> str:
    """Percent from the first half (before, a seed each) to the second: of the means, and of each seed."""
    before, after = np.array([getattr(s, metric) for s in scores]).reshape(2, -1)
    mean = f'{100 * (after.mean() / before.mean() - 1):+.1f} %'
    each = ', '.join(f'{x:+.1f}' for x in 100 * (after / before - 1))
    return f'{mean} ({each})' if len(before) > 1 else mean
