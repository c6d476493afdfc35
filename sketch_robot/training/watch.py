"""Look at a training run while it goes on: a progress bar, and TensorBoard with sample drawings.

`tensorboard --logdir RUN` shows the losses and, at every saved step, some held-out pictures beside their labels and
what the net draws; TensorBoard itself need not be installed where the training runs.
"""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from tensorboardX import SummaryWriter
from tqdm import tqdm

from sketch_robot.line_art.student.u2net import InkNet, U2Net
from sketch_robot.training.batches import Batch

BOARD_FOLDER = 'board'


class Watcher(Protocol):
    """Whoever wants to know how a run goes."""

    def stepped(self, step: int) -> None:
        """A step was made; `step` so far in all."""

    def logged(self, entry: dict[str, float]) -> None:
        """A line of the log: step, losses, rate, seconds a step."""

    def saved(self, step: int, net: U2Net) -> None:
        """A checkpoint was written; the net is a copy for use, in evaluation mode, on the CPU."""

    def close(self) -> None:
        """The run has ended."""


class Bar:
    """A progress bar on standard error.

    Args:
        steps: of the run in all.
        done: steps made by an earlier part of the run.
    """

    def __init__(self, steps: int, done: int = 0) -> None:
        self._bar = tqdm(total=steps, initial=done, unit='step', dynamic_ncols=True, smoothing=0.1)

    def stepped(self, step: int) -> None:
        """Move on."""
        self._bar.update(step - self._bar.n)

    def logged(self, entry: dict[str, float]) -> None:
        """Show the loss."""
        self._bar.set_postfix_str(f'loss {entry["loss"]:.4g}')

    def saved(self, step: int, net: U2Net) -> None:
        """Nothing to show."""

    def close(self) -> None:
        """Leave the bar as it is."""
        self._bar.close()


class Board:
    """Writes for TensorBoard.

    Args:
        folder: of the run; events go to its `board/`.
        samples: a few pictures to draw at every saved step.
    """

    def __init__(self, folder: Path, samples: Batch) -> None:
        self._writer = SummaryWriter(str(folder / BOARD_FOLDER))
        self._samples = samples

    def stepped(self, step: int) -> None:
        """Nothing to write."""

    def logged(self, entry: dict[str, float]) -> None:
        """Write losses, rate and seconds a step."""
        for name, value in entry.items():
            if name != 'step':
                self._writer.add_scalar(name, value, int(entry['step']))

    def saved(self, step: int, net: U2Net) -> None:
        """Draw the samples."""
        self._writer.add_image('photo, label, drawing', sample_sheet(net, self._samples), step, dataformats='HWC')
        self._writer.flush()

    def close(self) -> None:
        """Write what is left."""
        self._writer.close()


def sample_sheet(net: U2Net, samples: Batch) -> np.ndarray:
    """Photo, label and drawing side by side, a row a sample: (N H, 3 W, 3) uint8 RGB, dark ink on white."""
    with torch.inference_mode():
        drawn = InkNet(net)(samples.rgb.cpu().float())
    pictures = [samples.rgb.cpu(), *(1 - ink.cpu().expand(-1, 3, -1, -1) for ink in (samples.ink, drawn))]
    rows = torch.cat(pictures, dim=3).permute(0, 2, 3, 1).flatten(0, 1)
    return (rows.clamp(0, 1) * 255).round().byte().numpy()
