"""Weights of a U2-Net in a safetensors file: numbers and a few words of text, no code that loading could run."""

from __future__ import annotations

from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.files import write_whole
from sketch_robot.line_art.student.u2net import STUDENT, TEACHER, U2Net, U2NetChannels

FORMAT = 'sketch_robot.u2net.1'
CHANNELS: dict[str, U2NetChannels] = {'student': STUDENT, 'teacher': TEACHER}


def save_weights(net: U2Net, path: Path, *, half: bool = False, **notes: str) -> None:
    """Write a net's weights, whole or not at all.

    Args:
        path: ends in .safetensors.
        half: as float16, half the size; `load_weights` gives float32 again.
        notes: what else a reader should know, kept as text in the file's header.

    Raises:
        ValueError: the net's channels have no name in `CHANNELS`.
        SketchRobotError: BAD_GOAL, the file cannot be written; what was there before is untouched.
    """
    names = [name for name, channels in CHANNELS.items() if channels == net.channels]
    if not names:
        raise ValueError('only nets with the channels of the student or the teacher have a file format')
    state = {
        name: (value.half() if half and value.is_floating_point() else value).contiguous().cpu()
        for name, value in net.state_dict().items()
    }
    shape = {'channels': names[0], 'fold': str(net.fold)}
    data = save(state, {'format': FORMAT, **shape, **notes})
    write_whole(path, data)


def load_weights(path: Path) -> U2Net:
    """Read a net, in evaluation mode, float32, on the CPU.

    Raises:
        SketchRobotError: BAD_GOAL, the file is missing or holds something else.
    """
    if not path.is_file():
        raise SketchRobotError(ErrorCode.BAD_GOAL, f'there are no weights at {path}')
    try:
        with safe_open(path, 'pt') as file:
            header = file.metadata() or {}
            state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a dict)
    except SafetensorError as error:
        raise SketchRobotError(ErrorCode.BAD_GOAL, f'{path} is not a safetensors file: {error}') from error
    if header.get('format') != FORMAT or header.get('channels') not in CHANNELS:
        raise SketchRobotError(ErrorCode.BAD_GOAL, f'{path} holds no line artist (its header says {header})')
    net = U2Net(CHANNELS[header['channels']], fold=int(header['fold']))
    try:
        net.load_state_dict({k: v.float() if v.is_floating_point() else v for k, v in state.items()})
    except RuntimeError as error:
        raise SketchRobotError(ErrorCode.BAD_GOAL, f'{path} does not fit its own header: {error}') from error
    return net.eval()


def read_notes(path: Path) -> dict[str, str]:
    """The text in a weight file's header."""
    with safe_open(path, 'pt') as file:
        return dict(file.metadata() or {})
