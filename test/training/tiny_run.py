"""A short run of a tiny student in a process of its own: folder of the run, folder of the portraits, --slow.

In float64: normalisation over the few values of the deepest stages and Adam's first steps, which go by the sign of the
gradient, turn float32's rounding into visible differences, and the question is whether the mathematics is the same.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import torch

from sketch_robot.line_art.student import weight_file
from sketch_robot.line_art.student.u2net import U2NetChannels
from sketch_robot.training.batches import Batch, BatchOptions, PortraitBatches
from sketch_robot.training.losses import LossWeights
from sketch_robot.training.parallel import join_workers, leave_workers
from sketch_robot.training.portraits import PortraitFolder
from sketch_robot.training.trainer import Trainer, TrainOptions


class _Doubles(PortraitBatches):
    def _finished(self, *arguments):
        return Batch(*(maps.double() for maps in super()._finished(*arguments)))


def main() -> None:
    """Train 4 steps of 4 pictures at 64 px."""
    folder, portraits = Path(sys.argv[1]), Path(sys.argv[2])
    weight_file.CHANNELS['student'] = U2NetChannels(inner=(2,) * 11, outer=(4,) * 11)
    workers = join_workers('cpu')
    data = BatchOptions(size_px=64, pictures=4)
    folder_of = PortraitFolder(portraits)
    batches = _Doubles(folder_of, folder_of.portraits, data)
    weights = LossWeights(style=0, distillation=0)
    options = TrainOptions(steps=4, log_every=1, save_every=2, bfloat16=False, weights=weights, rate=1e-3)
    torch.set_default_dtype(torch.float64)  # of the net, too
    trainer = Trainer(folder, batches, options, workers=workers)

    def stop() -> bool:
        sys.stdout.write(f'step {trainer.step}\n')
        sys.stdout.flush()
        time.sleep(0.2 if '--slow' in sys.argv else 0)
        return False

    trainer.run(stop=stop)
    leave_workers()


if __name__ == '__main__':
    main()
