"""pytest fixtures: a ROS domain for one test, or one that the tests of a module share.

pytest_plugins = ['sketch_robot.testing.fixtures']     # in the conftest.py at the root of the tests
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:  # tests without ROS load none of it
    from sketch_robot.testing.world import World


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A ROS domain of the test's own; everything in it has ended when the test has."""
    yield from _world(tmp_path)


@pytest.fixture(scope='module')
def shared_world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A ROS domain that the tests of a module share; each leaves it as it found it."""
    yield from _world(tmp_path_factory.mktemp('world'))


def _world(folder: Path) -> Iterator[World]:
    from sketch_robot.testing.world import fresh_world

    with fresh_world(folder) as made:
        yield made
