"""Watch a generator learn: `tensorboard --logdir RUN` shows losses, looks and samples; these are PNG files, too."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import numpy as np
from tensorboardX import SummaryWriter
from torch import Tensor

from sketch_robot.characters.monitor import SampleQuality, as_pictures, sample_sheet
from sketch_robot.plotters.paper import save_png
from sketch_robot.training.watch import BOARD_FOLDER

SAMPLES_FOLDER = 'samples'
COLUMNS = 12


class CharacterBoard:
    """Writes for TensorBoard, and sheets of samples.

    Args:
        folder: of the run; events go to its `board/`, sheets to its `samples/`.
    """

    def __init__(self, folder: Path) -> None:
        self._writer = SummaryWriter(str(folder / BOARD_FOLDER))
        self._samples = folder / SAMPLES_FOLDER

    def logged(self, entry: dict[str, float]) -> None:
        """Write losses, rates and seconds a step."""
        for name, value in entry.items():
            if name != 'step':
                self._writer.add_scalar(name, value, int(entry['step']))

    def looked(self, step: int, look: SampleQuality) -> None:
        """Write what a look told."""
        for name, value in asdict(look).items():
            self._writer.add_scalar(f'look/{name}', value, step)

    def sampled(self, step: int, made: Tensor) -> None:
        """Show samples (N, C, 96, 96) in [0, 1].

        Raises:
            SketchRobotError: BAD_GOAL, the sheet cannot be written.
        """
        sheet: np.ndarray = sample_sheet(as_pictures(made), COLUMNS)
        self._writer.add_image('samples', sheet, step, dataformats='HWC')
        self._writer.flush()
        self._samples.mkdir(parents=True, exist_ok=True)
        save_png(self._samples / f'{step:06d}.png', sheet)

    def close(self) -> None:
        """Write what is left."""
        self._writer.close()
