"""Labels, teacher, student and export in one unattended run that fits into given minutes and goes on where it was.

The teacher learns at 256 px, then at 512 px; so does the student, from the teacher. Both begin as the shipped student,
the teacher widened. The size of the batch goes by the device. How many steps fit is measured when a phase begins and
kept in `plan.json`, so that a resumed run has the same ones.
"""

from __future__ import annotations

import json
import logging
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from importlib.resources import as_file, files
from importlib.util import find_spec
from pathlib import Path

import torch

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.files import write_whole
from sketch_robot.line_art.student.runtime import WEIGHTS_NAME, WEIGHTS_PACKAGE, convert_to_openvino, torch_ink
from sketch_robot.line_art.student.weight_file import load_weights, read_notes, save_weights
from sketch_robot.training.batches import Batch, BatchOptions, PortraitBatches, plain_picture
from sketch_robot.training.evaluate import evaluate_artist
from sketch_robot.training.gallery import save_picture
from sketch_robot.training.labels import label_folder
from sketch_robot.training.losses import FeatureLoss, LossWeights, make_feature_net
from sketch_robot.training.parallel import Workers, join_workers
from sketch_robot.training.portraits import RECORDS_FILE, PortraitFolder, Split, split_portraits
from sketch_robot.training.trainer import WEIGHTS_FILE, Trainer, TrainOptions

PLAN_FILE, OUT_FOLDER, LABELS_FOLDER = 'plan.json', 'out', 'portraits'
LARGEST_BYTES = 5_000_000  # of weights in the package
FOLD = 4  # of the shipped student
TRIAL_STEPS, UNTIMED_STEPS = 8, 3  # the first steps choose their kernels
LEAST_STEPS = 2
EVALUATED = 24  # held-out portraits
SHOWN = 8

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Phase:
    """A part of the run.

    Attributes:
        name: of its folder.
        channels: 'teacher' or 'student'.
        size_px: side of its pictures.
        share: of the minutes.
        start: the phase whose weights it begins with; '' begins with the shipped student's.
        teacher: the phase to distil from, or ''.
    """

    name: str
    channels: str
    size_px: int
    share: float
    start: str = ''
    teacher: str = ''


PHASES = (
    Phase('teacher_small', 'teacher', 256, 0.4),
    Phase('teacher', 'teacher', 512, 0.15, start='teacher_small'),
    Phase('student_small', 'student', 256, 0.2, teacher='teacher'),
    Phase('student', 'student', 512, 0.25, start='student_small', teacher='teacher'),
)


@dataclass(frozen=True)
class WholeRunOptions:
    """How to run.

    Attributes:
        minutes: of training, in all phases together; labelling and evaluating come on top.
        artist: who draws what is around the face, when photos are to be labelled.
        processes: that label at once.
        phases: what is trained, in this order.
        weights: factors of the losses.
        seed: of weights and batches.
        vgg19: VGG19's weights, to judge style by instead of EfficientNet-Lite0.
    """

    minutes: float = 9.0
    artist: str = 'guided'
    processes: int = 1
    phases: tuple[Phase, ...] = PHASES
    weights: LossWeights = field(default_factory=lambda: LossWeights(distillation=5.0))
    seed: int = 0
    vgg19: Path | None = None


def run_whole(
    source: Path, run: Path, options: WholeRunOptions, *, device: str = 'auto', stop: Callable[[], bool] = lambda: False
) -> Path:
    """Train teacher and student.

    Args:
        source: a folder of photos, a labelled folder, or the zip of one.
        run: where everything is kept; an old one is gone on with.

    Returns:
        the folder with the student's weights, its OpenVINO model where OpenVINO is installed, scores and a sheet.

    Raises:
        SketchRobotError: BAD_GOAL, the source holds nothing usable.
    """
    portraits = PortraitFolder(_labelled(source, run, options))
    split = split_portraits(portraits.portraits, portraits.held_out())
    workers = join_workers(device)
    features = FeatureLoss(make_feature_net(options.vgg19)) if options.weights.need_features else None
    spent: dict[str, dict[str, float]] = {}
    for phase in options.phases:
        if stop():
            return run / OUT_FOLDER
        start = time.perf_counter()
        trainer = _trainer(phase, portraits, split, run, options, features, workers)
        first = trainer.step
        _log.info('%s: %d steps of %d pictures', phase.name, trainer.options.steps, trainer.batches.options.pictures)
        trainer.run(stop=stop)
        minutes = (time.perf_counter() - start) / 60
        spent[phase.name] = {'steps': trainer.step, 'from': first, 'minutes': round(minutes, 2)}
        del trainer
    if not stop():
        _export(run, portraits, split, spent, options)
    return run / OUT_FOLDER


def export_weights(weights: Path, out: Path, *, half: bool = True) -> int:
    """Write a weight file for the package, as float16 unless told otherwise.

    Returns:
        its size in bytes.

    Raises:
        SketchRobotError: BAD_GOAL, the weights are missing or foreign, or the file would be over 5 MB.
    """
    net = load_weights(weights)
    size = sum(value.numel() * (2 if half else 4) for value in net.state_dict().values())
    if size > LARGEST_BYTES:
        raise SketchRobotError(
            ErrorCode.BAD_GOAL, f'{weights} needs {size / 1e6:.1f} MB; the package takes at most 5 MB (a student)'
        )
    notes = {k: v for k, v in read_notes(weights).items() if k not in ('format', 'channels', 'fold')}
    save_weights(net, out, half=half, **notes)
    return out.stat().st_size


def export_openvino(weights: Path, out: Path) -> None:
    """Write OpenVINO's model (`out` .xml and .bin beside it): see `convert_to_openvino`.

    Raises:
        SketchRobotError: BAD_GOAL, the weights are missing or foreign; INTERNAL, the files cannot be written.
    """
    import openvino

    model = convert_to_openvino(load_weights(weights))
    out.parent.mkdir(parents=True, exist_ok=True)
    try:
        openvino.save_model(model, out, compress_to_fp16=True)
    except RuntimeError as error:
        raise SketchRobotError(ErrorCode.INTERNAL, f'{out} cannot be written: {error}') from error


def _labelled(source: Path, run: Path, options: WholeRunOptions) -> Path:
    if source.is_file() or (source / RECORDS_FILE).is_file():
        return source
    count = label_folder(source, run / LABELS_FOLDER, artist=options.artist, processes=options.processes)
    _log.info('%d labelled, %d left out, %d done before', count.drawn, count.rejected, count.before)
    return run / LABELS_FOLDER


def _trainer(
    phase: Phase,
    portraits: PortraitFolder,
    split: Split,
    run: Path,
    options: WholeRunOptions,
    features: FeatureLoss | None,
    workers: Workers,
) -> Trainer:
    """The phase's trainer, its steps measured now or read from the plan."""
    large = workers.device.type == 'cuda'
    pictures = (32 if large else 8) // (1 if phase.size_px <= 256 else 2)
    data = BatchOptions(size_px=phase.size_px, pictures=pictures)
    batches = PortraitBatches(portraits, split.train, data, seed=options.seed)
    train = TrainOptions(
        channels=phase.channels,
        fold=FOLD,
        cosine=True,
        average=0.99,
        weights=options.weights,
        seed=options.seed,
        teacher=run / phase.teacher / WEIGHTS_FILE if phase.teacher else None,
        start=_start(phase, run),
    )
    plan = json.loads((run / PLAN_FILE).read_text()) if (run / PLAN_FILE).is_file() else {}
    if phase.name not in plan:
        plan[phase.name] = _steps_that_fit(phase, batches, train, options, features, workers)
        write_whole(run / PLAN_FILE, json.dumps(plan, indent=1).encode())
    steps = int(plan[phase.name])
    train = replace(train, steps=steps, warm_up=min(50, steps // 10), save_every=max(1, min(200, steps // 4)))
    return Trainer(run / phase.name, batches, train, features=features, workers=workers)


def _steps_that_fit(
    phase: Phase,
    batches: PortraitBatches,
    train: TrainOptions,
    options: WholeRunOptions,
    features: FeatureLoss | None,
    workers: Workers,
) -> int:
    """How many steps the phase's share of the minutes holds, by a short trial."""
    with tempfile.TemporaryDirectory() as folder:
        trial = Trainer(Path(folder), batches, replace(train, steps=10**6), features=features, workers=workers)
        trial.run(until=UNTIMED_STEPS)
        start = time.perf_counter()
        trial.run(until=TRIAL_STEPS)
        seconds = (time.perf_counter() - start) / (TRIAL_STEPS - UNTIMED_STEPS)
    return max(LEAST_STEPS, int(60 * options.minutes * phase.share / seconds))


def _start(phase: Phase, run: Path) -> Path:
    if phase.start:
        return run / phase.start / WEIGHTS_FILE
    with as_file(files(WEIGHTS_PACKAGE) / WEIGHTS_NAME) as path:
        return path


def _export(
    run: Path, portraits: PortraitFolder, split: Split, spent: dict[str, dict[str, float]], options: WholeRunOptions
) -> None:
    out, weights = run / OUT_FOLDER, run / options.phases[-1].name / WEIGHTS_FILE
    out.mkdir(parents=True, exist_ok=True)
    export_weights(weights, out / WEIGHTS_NAME)
    if find_spec('openvino') is not None:
        export_openvino(weights, out / 'student.xml')
    from sketch_robot.training.watch import sample_sheet

    shown = split.held_out or split.train
    net = load_weights(weights)
    with torch.inference_mode():
        scores = evaluate_artist(
            torch_ink(net), portraits, shown[:EVALUATED], size_px=options.phases[-1].size_px, robot=False
        )
    samples = [plain_picture(portraits.example(p, 'face'), options.phases[-1].size_px) for p in shown[:SHOWN]]
    together = Batch(*(torch.cat(maps) for maps in zip(*samples, strict=True)))
    save_picture(sample_sheet(net, together), out / 'samples.jpg')
    report = {'phases': spent, 'scores': asdict(scores), 'portraits': len(split.train), 'options': asdict(options)}
    write_whole(out / 'report.json', json.dumps(report, indent=1, default=str).encode())
