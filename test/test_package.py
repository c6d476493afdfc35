"""What is installed is what is in the sources."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_every_data_file_of_the_sources_is_installed(tmp_path: Path) -> None:
    code = 'import sketch_robot; print(sketch_robot.__path__[0])'
    found = subprocess.run([sys.executable, '-P', '-c', code], cwd=tmp_path, check=True, capture_output=True, text=True)
    installed = Path(found.stdout.strip())
    assert installed != ROOT / 'sketch_robot'

    def data_files(folder: Path) -> set[str]:
        return {
            str(path.relative_to(folder))
            for path in folder.rglob('*')
            if path.is_file() and path.suffix not in ('.py', '.pyc', '.nbi', '.nbc')
        }

    assert data_files(installed) == data_files(ROOT / 'sketch_robot') > {'training/held_out.txt'}
