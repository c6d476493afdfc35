"""Compiled loops where neither the installation nor a home can be written."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sketch_robot import loops_cache
from sketch_robot.loops_cache import VARIABLE, ensure_loops_cache


@pytest.fixture
def without_a_place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """Nothing can be written but the folder for temporary files; that is returned."""
    monkeypatch.setenv(VARIABLE, '')
    monkeypatch.setattr(loops_cache.os, 'access', lambda *_: False)
    monkeypatch.setattr(loops_cache.tempfile, 'tempdir', str(tmp_path))
    yield tmp_path
    monkeypatch.undo()
    if 'numba' in sys.modules:
        sys.modules['numba'].config.reload_config()


def test_a_read_only_installation_without_a_home_compiles_into_a_temporary_folder_and_warns_once(
    without_a_place: Path, caplog: pytest.LogCaptureFixture
) -> None:
    ensure_loops_cache()
    ensure_loops_cache()
    folder = without_a_place / f'sketch_robot-loops-{os.getuid()}'
    assert os.environ[VARIABLE] == str(folder)
    assert folder.stat().st_mode & 0o777 == 0o700
    assert [record.levelname for record in caplog.records] == ['WARNING']
    assert f'compiled loops are kept in {folder}' in caplog.text


def test_a_temporary_folder_that_others_can_write_is_not_trusted(without_a_place: Path) -> None:
    theirs = without_a_place / f'sketch_robot-loops-{os.getuid()}'
    theirs.mkdir()
    theirs.chmod(0o777)
    ensure_loops_cache()
    chosen = Path(os.environ[VARIABLE])
    assert chosen != theirs
    assert chosen.stat().st_mode & 0o077 == 0


def test_where_a_folder_can_be_written_nothing_changes(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv(VARIABLE, '')
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path / 'to' / 'be' / 'made'))
    ensure_loops_cache()
    assert os.environ[VARIABLE] == ''
    assert caplog.records == []


def test_loops_can_be_imported_and_run_without_any_place_of_their_own(tmp_path: Path) -> None:
    code = (
        'import os\n'
        'os.access = lambda *_: False\n'
        'import sketch_robot\n'
        'from numba.core.caching import _CacheLocator\n'
        'def ensure(self):\n'
        '    if not self.get_cache_path().startswith(os.environ["TMPDIR"]):\n'
        '        raise OSError("read-only")\n'
        '    os.makedirs(self.get_cache_path(), exist_ok=True)\n'
        '_CacheLocator.ensure_cache_path = ensure\n'
        'import sketch_robot.plotters.ebb.moves\n'
        'print("imported")\n'
    )
    environment = {**{k: v for k, v in os.environ.items() if k != VARIABLE}, 'TMPDIR': str(tmp_path)}
    done = subprocess.run([sys.executable, '-c', code], env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, 'imported\n'), done.stderr
    assert done.stderr.count('compiled loops are kept in') == 1
