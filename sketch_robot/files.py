"""Files that appear whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from sketch_robot.errors import ErrorCode, SketchRobotError


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """Write a file beside its place and move it there when the block ends well (a rename within a folder is atomic).

    Yields:
        the path to write to; it ends in the same suffix, for writers that go by it.

    Raises:
        SketchRobotError: BAD_GOAL, the file cannot be written; what was there before is still there.
    """
    target = Path(path)
    draft = target.with_name(f'.{target.stem}.{os.getpid()}{target.suffix}')
    try:
        yield draft
        draft.replace(target)
    except OSError as error:
        raise SketchRobotError(ErrorCode.BAD_GOAL, f'cannot write {target}: {error.strerror or error}') from error
    finally:
        with suppress(OSError):  # gone already, or never there
            draft.unlink()
