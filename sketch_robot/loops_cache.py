"""A place for compiled loops where numba finds none.

numba keeps what it compiles beside the sources or in the user's cache, and raises while a module is imported where it
can write to neither: an installation that is read-only, used by somebody without a home, as in a container. Then the
loops go into a folder for temporary files, which the same user's other processes use, too.
"""

from __future__ import annotations

import logging
import os
import stat
import sys
import tempfile
from pathlib import Path

VARIABLE = 'NUMBA_CACHE_DIR'
_log = logging.getLogger(__name__)


def ensure_loops_cache() -> None:
    """Tell numba a temporary folder, with one warning, unless it can write to one of its own; before it is imported."""
    if os.environ.get(VARIABLE) or any(_can_write(folder) for folder in _usual_folders()):
        return
    folder = _temporary_folder()
    os.environ[VARIABLE] = str(folder)
    numba = sys.modules.get('numba')
    if numba is not None:  # somebody else has imported it: it reads the environment anew
        numba.config.reload_config()
    _log.warning(
        'neither %s nor the cache of the user can be written: compiled loops are kept in %s until that is cleared; '
        'name a lasting folder in %s',
        *(Path(__file__).parent, folder, VARIABLE),
    )


def _usual_folders() -> tuple[Path, Path]:
    """Where numba looks: beside the sources, and in the user's cache."""
    cache = Path(os.environ.get('XDG_CACHE_HOME') or '~/.cache')
    try:
        cache = cache.expanduser()
    except RuntimeError:  # nobody knows this user's home
        cache = Path('/nonexistent')
    return Path(__file__).parent / '__pycache__', cache / 'numba'


def _can_write(folder: Path) -> bool:
    """Whether files can be made in a folder, itself made first where that is missing."""
    there = next((each for each in (folder, *folder.parents) if each.exists()), folder)
    return there.is_dir() and os.access(there, os.W_OK | os.X_OK)


def _temporary_folder() -> Path:
    """This user's own; what numba reads there it trusts, so nobody else may be able to write to it."""
    folder = Path(tempfile.gettempdir()) / f'sketch_robot-loops-{os.getuid()}'
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
    except OSError:
        return Path(tempfile.mkdtemp(prefix='sketch_robot-loops-'))
    mine = stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and not found.st_mode & 0o022
    return folder if mine else Path(tempfile.mkdtemp(prefix='sketch_robot-loops-'))
