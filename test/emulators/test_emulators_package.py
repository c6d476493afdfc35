"""The emulators are a package of their own, which the robot uses and not the other way round."""

from __future__ import annotations

import re
from pathlib import Path

FOLDER = Path(__file__).parents[2] / 'sketch_robot_emulators'
FIRMWARE_FILE = re.compile(r'\b\w+\.(?:c|cpp|ino)\b')


def test_they_import_nothing_of_the_robot() -> None:
    sources = list(FOLDER.rglob('*.py'))
    assert len(sources) > 20
    for path in sources:
        assert not re.search(r'(?:from|import) sketch_robot[. ]', path.read_text()), path


def test_they_name_no_file_of_a_firmware() -> None:
    for path in FOLDER.rglob('*.py'):
        assert not FIRMWARE_FILE.findall(path.read_text()), path
