"""Checkpoints: all that a run needs to go on as if it had never stopped."""

from __future__ import annotations

import io
import pickle
from pathlib import Path
from typing import Any

import torch

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.line_art.weight_file import write_whole

FORMAT = 'sketch_robot.checkpoint.1'
CHECKPOINT_FILE = 'checkpoint.pt'


def save_checkpoint(path: Path, state: dict[str, Any]) -> None:
    """Write tensors, numbers and text; on failure the last checkpoint stays.

    Raises:
        SketchRobotError: INTERNAL, the file cannot be written.
    """
    buffer = io.BytesIO()
    torch.save({'format': FORMAT, **state}, buffer)
    write_whole(path, buffer.getvalue())


def load_checkpoint(path: Path) -> dict[str, Any]:
    """Read what `save_checkpoint` wrote; nothing but tensors, numbers and text is accepted.

    Raises:
        SketchRobotError: BAD_GOAL, the file is something else.
    """
    try:
        state = torch.load(path, map_location='cpu', weights_only=True)
    except (OSError, RuntimeError, EOFError, ValueError, KeyError, pickle.UnpicklingError) as error:
        raise SketchRobotError(ErrorCode.BAD_GOAL, f'{path} is not a checkpoint: {str(error)[:120]}') from error
    if not isinstance(state, dict) or state.get('format') != FORMAT:
        raise SketchRobotError(ErrorCode.BAD_GOAL, f'{path} is not a checkpoint of this program')
    return state
