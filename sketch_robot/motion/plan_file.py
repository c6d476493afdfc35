"""Save and load drawing plans; the file's suffix says the format."""

from __future__ import annotations

from pathlib import Path

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.files import replacing
from sketch_robot.motion.plan import DrawingPlan
from sketch_robot.motion.plan_json import bad_plan, plan_from_json, plan_to_json
from sketch_robot.motion.plan_svg import plan_from_svg, plan_to_svg

LARGEST_BYTES = 64 * 2**20  # a portrait has 0.2 MB

_FORMATS = {'.json': (plan_to_json, plan_from_json), '.svg': (plan_to_svg, plan_from_svg)}


def save_plan(plan: DrawingPlan, path: str | Path) -> None:
    """Write a plan as .json (exact) or .svg (for people and other programs too). The file appears whole or not at all.

    Raises:
        SketchRobotError: BAD_GOAL, the suffix is neither, or the file cannot be written.
    """
    write = _FORMATS.get(Path(path).suffix.lower())
    if write is None:
        raise SketchRobotError(ErrorCode.BAD_GOAL, f'cannot save a plan as {path}: the name must end in .json or .svg')
    text = write[0](plan)
    with replacing(path) as draft:
        draft.write_text(text, encoding='utf-8')


def load_plan(path: str | Path) -> DrawingPlan:
    """Read a plan that `save_plan` wrote.

    Raises:
        SketchRobotError: BAD_PLAN, the file is missing, too large, or no plan of ours; the message says why.
    """
    read = _FORMATS.get(Path(path).suffix.lower())
    if read is None:
        raise bad_plan(f'the name of {path} must end in .json or .svg')
    try:
        text = read_whole(path).decode('utf-8')
    except UnicodeDecodeError as error:
        raise bad_plan(f'{path} is not UTF-8 text') from error
    return read[1](text)


def read_whole(path: str | Path) -> bytes:
    """What is in a file.

    Raises:
        SketchRobotError: BAD_PLAN, it is missing or too large.
    """
    try:
        size = Path(path).stat().st_size
        if size > LARGEST_BYTES:
            raise bad_plan(f'{path} has {size / 2**20:.0f} MB, more than {LARGEST_BYTES / 2**20:.0f}')
        return Path(path).read_bytes()
    except OSError as error:
        raise bad_plan(f'{path}: {error.strerror or error}') from error
