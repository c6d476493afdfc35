"""Files that come with the package and are no Python, whether they are as they came, and files that appear whole or not
at all."""

from __future__ import annotations

import hashlib
import os
import sysconfig
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from sketch_robot.errors import ErrorCode, SketchRobotError

if TYPE_CHECKING:
    import numpy as np

PACKAGE = 'sketch_robot'


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """Write a file beside its place and move it there when the block ends well (a rename within a folder is atomic).

    Yields:
        the path to write to; it ends in the same suffix, for writers that go by it.

    Raises:
        SketchRobotError: BAD_GOAL, the file cannot be written; what was there before is still there.
    """
    try:
        with drafted(path) as draft:
            yield draft
    except OSError as error:
        raise SketchRobotError(ErrorCode.BAD_GOAL, f'cannot write {path}: {error.strerror or error}') from error


@contextmanager
def drafted(path: str | Path) -> Iterator[Path]:
    """Do the same for those who tell people of the system's error themselves.

    Raises:
        OSError: the file cannot be written; what was there before is still there.
    """
    target = Path(path)
    draft = target.with_name(f'.{target.stem}.{os.getpid()}{target.suffix}')
    try:
        yield draft
        draft.replace(target)
    finally:
        with suppress(OSError):  # gone already, or never there
            draft.unlink()


def write_whole(path: Path, data: bytes) -> None:
    """Write a file whole or not at all; folders that it needs are made.

    Raises:
        SketchRobotError: BAD_GOAL, the file cannot be written; what was there before is still there.
    """
    with replacing(path) as draft:
        draft.parent.mkdir(parents=True, exist_ok=True)
        draft.write_bytes(data)


SUMS_NAME = 'SHA256SUMS'  # as `sha256sum *` writes it


def read_tensors(
    path: Path, kind: str, *, most_bytes: int, foreign: Callable[[Path, str], SketchRobotError]
) -> tuple[dict[str, str], dict[str, np.ndarray]]:
    """The header and the arrays of a safetensors file, which holds numbers and words and nothing that could run.

    Args:
        path: that is there.
        kind: what its header must say as `format`.
        most_bytes: a larger file is not read.
        foreign: makes the error, of the path and what is wrong.

    Raises:
        SketchRobotError: what `foreign` makes: the file is too large, no safetensors file, or of another kind.
    """
    from safetensors import SafetensorError, safe_open

    if path.stat().st_size > most_bytes:
        raise foreign(path, f'it is larger than {most_bytes // 2**20} MB')
    try:
        with safe_open(path, 'numpy') as file:
            header = dict(file.metadata() or {})
            if header.get('format') != kind:
                raise foreign(path, f'its header says {str(header)[:120]}')
            return header, {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a dict)
    except (SafetensorError, OSError) as error:
        raise foreign(path, f'it is not a safetensors file: {str(error)[:120]}') from error


def check_sums(folder: Path, *names: str) -> None:
    """Check files against the checksums beside them, before anything in them is believed.

    Raises:
        SketchRobotError: INTERNAL, one is missing, damaged, or was replaced.
    """
    try:
        lines = (folder / SUMS_NAME).read_text(encoding='ascii').splitlines()
        known = {name.lstrip('*'): digest for digest, name in (line.split(maxsplit=1) for line in lines)}
        wrong = [name for name in names if hashlib.sha256((folder / name).read_bytes()).hexdigest() != known.get(name)]
    except (OSError, ValueError) as error:
        raise SketchRobotError(ErrorCode.INTERNAL, f'cannot check the networks in {folder}: {error}') from error
    if wrong:
        raise SketchRobotError(
            ErrorCode.INTERNAL,
            f'{folder / wrong[0]} is not the file that {SUMS_NAME} beside it names: install the package anew; after '
            f'training, write {SUMS_NAME} anew (sha256sum * in that folder)',
        )


def state_folder() -> Path:
    """Where records and queues are kept: sketch_robot in the folder for state; it need not exist."""
    configured = Path(os.environ.get('XDG_STATE_HOME') or '.')
    base = configured if configured.is_absolute() else Path('~/.local/state').expanduser()  # as XDG wants it
    return base / 'sketch_robot'


def share_folder() -> Path:
    """The installed package's share folder, or the source tree. Neither needs ROS."""
    source = Path(__file__).resolve().parent.parent
    if (source / 'launch').is_dir() and (source / 'config').is_dir():
        return source
    by_pip = Path(sysconfig.get_path('data')) / 'share' / PACKAGE
    try:
        from ament_index_python.packages import PackageNotFoundError, get_package_share_directory
    except ImportError:
        return by_pip
    try:
        return Path(get_package_share_directory(PACKAGE))
    except PackageNotFoundError:
        return by_pip
