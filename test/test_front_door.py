"""What a program gets from `import sketch_robot`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import sketch_robot

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize('name', sketch_robot.__all__)
def test_every_name_of_the_front_door_is_there_and_says_what_it_is(name: str) -> None:
    found = getattr(sketch_robot, name)
    assert found.__name__ == name
    assert found.__doc__


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'draw_cat'"):
        _ = sketch_robot.draw_cat


def test_importing_the_package_loads_nothing_else() -> None:
    code = "import sys, sketch_robot; print([m for m in ('numpy', 'cv2', 'rclpy') if m in sys.modules])"
    said = subprocess.run([sys.executable, '-c', code], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    assert said.strip() == '[]'
