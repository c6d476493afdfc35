"""Write a page for each room: every public module, in the order of the source."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).parents[2]
ROOMS = ('photo', 'line_art', 'strokes', 'motion', 'plotters', 'nodes', 'testing')
NOT_SHARED = ('__init__', 'cli')


def write_pages(out: Path) -> None:
    """Write `ROOM.rst` for each room into a folder."""
    out.mkdir(parents=True, exist_ok=True)
    for room in ROOMS:
        lines = [room, '=' * len(room), '']
        lines += _modules(sorted((ROOT / 'sketch_robot' / room).rglob('*.py')))
        (out / f'{room}.rst').write_text('\n'.join(lines), encoding='utf-8')
    lines = ['What all rooms share', '====================', '']
    lines += _modules(path for path in sorted((ROOT / 'sketch_robot').glob('*.py')) if path.stem not in NOT_SHARED)
    (out / 'shared.rst').write_text('\n'.join(lines), encoding='utf-8')


def _modules(paths: Iterable[Path]) -> list[str]:
    lines = []
    for path in paths:
        parts = path.relative_to(ROOT).with_suffix('').parts
        name = '.'.join(parts[:-1] if parts[-1] == '__init__' else parts)
        title = name.removeprefix('sketch_robot.')
        lines += [title, '-' * len(title), '', f'.. automodule:: {name}']
        if parts[-1] == '__init__':  # what it exports is described where it lives
            lines.append('   :no-members:')
        lines.append('')
    return lines


if __name__ == '__main__':
    write_pages(Path(sys.argv[1]))
