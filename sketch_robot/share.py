"""Where the files are that come with the package and are no Python: launch and config files."""

from __future__ import annotations

import sysconfig
from pathlib import Path

PACKAGE = 'sketch_robot'


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
