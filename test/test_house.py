"""The house's order: which room may know which, where ROS is, and words that mean one thing each."""

from __future__ import annotations

import ast
import re
from collections import Counter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / 'sketch_robot'
ROOMS = ('photo', 'line_art', 'strokes', 'motion', 'plotters')  # in the order in which a portrait flows
SHARED = (
    'errors',
    'files',
    'lazy',
    'loops_cache',
    'polyline',
    'stroke',
    'validation',
    'wishes',
)  # what every room may know
SPEAK_ROS = ('nodes', 'testing', 'studio', 'client')
DIALECT = re.compile(  # private words; the field's own: executor, progress, segment, timed path, machine limits
    r'^_?(Pen)?(Profile|Hand|Witness|Voice|Leg|Whereabouts|Found|Tally|Heard|Held|Crew)$'
    r'|(Hand|Witness|Voice|Leg|Talk|Found|Record|Memory|Profile)$'
)
MODULES = sorted(PACKAGE.rglob('*.py'))


def name_of(path: Path) -> str:
    return str(path.relative_to(PACKAGE))


def imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding='utf-8'))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            found |= {f'{node.module}.{alias.name}' for alias in node.names}
    return found


def classes(path: Path) -> list[str]:
    return [node.name for node in ast.parse(path.read_text(encoding='utf-8')).body if isinstance(node, ast.ClassDef)]


@pytest.mark.parametrize('room', ROOMS)
def test_a_room_knows_only_the_rooms_before_it(room: str) -> None:
    allowed = (*ROOMS[: ROOMS.index(room) + 1], *SHARED)
    wrong = [
        (name_of(path), imported)
        for path in MODULES
        if path.is_relative_to(PACKAGE / room)
        for imported in imports(path)
        if imported.startswith('sketch_robot.') and imported.split('.')[1] not in allowed
    ]
    assert wrong == []


def test_what_all_rooms_share_knows_no_room() -> None:
    wrong = [
        (name, imported)
        for name in SHARED
        for imported in imports(PACKAGE / f'{name}.py')
        if imported.startswith('sketch_robot.') and imported.split('.')[1] not in SHARED
    ]
    assert wrong == []


def test_only_the_nodes_and_their_clients_speak_ros() -> None:
    wrong = [
        name_of(path)
        for path in MODULES
        if path.relative_to(PACKAGE).parts[0].removesuffix('.py') not in SPEAK_ROS
        and any(imported.split('.')[0] == 'rclpy' for imported in imports(path))
    ]
    assert wrong == []


def test_the_robot_needs_nothing_of_training() -> None:
    wrong = [
        name_of(path)
        for path in MODULES
        if path.relative_to(PACKAGE).parts[0] in (*ROOMS, 'nodes')
        and any(imported.startswith('sketch_robot.training') for imported in imports(path))
    ]
    assert wrong == []


def test_a_class_name_means_one_thing() -> None:
    counted = Counter(name for path in MODULES for name in classes(path))
    assert {name for name, times in counted.items() if times > 1} == set()


def test_classes_have_the_words_of_the_field() -> None:
    wrong = [(name_of(path), name) for path in MODULES for name in classes(path) if DIALECT.search(name)]
    assert wrong == []


def test_every_public_docstring_says_what_the_thing_is_itself() -> None:
    wrong = [name_of(path) for path in MODULES if re.search(r'"""See the module\b', path.read_text(encoding='utf-8'))]
    assert wrong == []


def test_modules_keep_to_a_size_that_one_reads_at_once() -> None:
    emulators = (PACKAGE.parent / 'sketch_robot_emulators' / 'sketch_robot_emulators').rglob('*.py')
    long = {str(path): lines for path in (*MODULES, *emulators) if (lines := len(path.read_text().splitlines())) > 450}
    assert long == {}


def test_every_test_file_has_a_name_of_its_own() -> None:
    """pytest refuses two of one name when both are collected, though each alone passes."""
    names = Counter(path.name for path in Path(__file__).parent.rglob('test_*.py'))
    assert [name for name, count in names.items() if count > 1] == []
