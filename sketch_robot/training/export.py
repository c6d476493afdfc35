"""Export a trained student: small weights for the package, or a model of another runtime."""

from __future__ import annotations

from pathlib import Path

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.line_art.weight_file import load_weights, read_notes, save_weights

LARGEST_BYTES = 5_000_000  # of weights in the package


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
    notes = {k: v for k, v in read_notes(weights).items() if k not in ('format', 'channels', 'fold', 'finish')}
    save_weights(net, out, half=half, **notes)
    return out.stat().st_size


def export_openvino(weights: Path, out: Path) -> None:
    """Write OpenVINO's model (`out` .xml and .bin beside it): see `convert_to_openvino`.

    Raises:
        SketchRobotError: BAD_GOAL, the weights are missing or foreign; INTERNAL, the files cannot be written.
    """
    import openvino

    from sketch_robot.line_art.student import convert_to_openvino

    model = convert_to_openvino(load_weights(weights))
    out.parent.mkdir(parents=True, exist_ok=True)
    try:
        openvino.save_model(model, out, compress_to_fp16=True)
    except RuntimeError as error:
        raise SketchRobotError(ErrorCode.INTERNAL, f'{out} cannot be written: {error}') from error
