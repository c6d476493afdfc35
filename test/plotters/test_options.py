"""Options of drivers: kinds and bounds are said once, as a dataclass, and checked in one place."""

from __future__ import annotations

import math
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.plotters.options import DriverOptions, PortOptions, option


@dataclass(frozen=True)
class Pen(DriverOptions):
    kind: Literal['servo', 'z'] = option('servo', key='type')
    up: float = option(5.0, low=0.0, high=100.0)
    light: float | None = None


@dataclass(frozen=True)
class Options(PortOptions):
    baud: int = option(9600, low=1)
    speedup: float = option(1.0, above=0.0, endless=True)
    hold: bool = True
    axes: tuple[str, str] = ('x', 'y')
    correction: tuple[tuple[float, float], tuple[float, float]] = ((1.0, 0.0), (0.0, 1.0))
    heights: tuple[float, ...] = ()
    pen: Pen = field(default_factory=Pen)
    limits: Mapping[str, Any] = field(default_factory=dict)


def test_a_file_gives_every_kind_of_option_and_may_leave_all_of_them_out():
    read = Options.read(
        {
            'port': '/dev/ttyUSB0', 'baud': 19200, 'speedup': 2, 'hold': False, 'axes': ['-y', 'x'],
            'correction': [[1, 0.1], [0, 1]], 'heights': [1, 2.5], 'pen': {'type': 'z', 'up': 3, 'light': 1},
            'limits': {'a': {'lower': 1}},
        },
        of='the plotter',
    )  # fmt: skip
    assert read == Options(
        '/dev/ttyUSB0', 19200, 2.0, False, ('-y', 'x'), ((1.0, 0.1), (0.0, 1.0)), (1.0, 2.5), Pen('z', 3.0, 1.0),
        {'a': {'lower': 1}},
    )  # fmt: skip
    assert isinstance(read.speedup, float)
    assert (Options.read({}, of='it').needs_port, read.needs_port) == (True, False)


@pytest.mark.parametrize(
    ('values', 'said'),
    [
        ({'colour': 'red'}, "it takes no option 'colour'; it takes: port, baud, speedup, hold"),
        ({'baud': 9600.5}, 'it cannot be used: baud is a whole number, not 9600.5'),
        ({'baud': 0}, 'baud must be at least 1, not 0'),
        ({'baud': True}, 'baud is a whole number, not True'),
        ({'speedup': 0}, 'speedup must be positive, not 0'),
        ({'speedup': math.nan}, 'speedup must be finite, not nan'),
        ({'speedup': 'fast'}, "speedup is a number, not 'fast'"),
        ({'hold': 1}, 'hold is true or false, not 1'),
        ({'port': 7}, 'port is a text, not 7'),
        ({'axes': 'xy'}, "axes is a list of 2, not 'xy'"),
        ({'axes': ['x']}, 'axes is a list of 2, not a list of 1'),
        ({'correction': [[1, 0], [0, 'a']]}, "correction[1][1] is a number, not 'a'"),
        ({'heights': {'a': 1}}, 'heights is a list, not a mapping of 1'),
        ({'pen': 3}, 'pen is a mapping of type, up, light, not 3'),
        ({'pen': {'kind': 'z'}}, "pen takes no option 'kind'; it takes: type, up, light"),
        ({'pen': {'type': 'quill'}}, "pen cannot be used: type must be one of 'servo', 'z', not 'quill'"),
        ({'pen': {'up': 101}}, 'pen cannot be used: up must lie between 0 and 100, not 101'),
        ({'limits': []}, 'limits is a mapping, not a list of 0'),
    ],
)
def test_what_does_not_fit_is_refused_with_its_name_and_what_would(values, said):
    with pytest.raises(SketchRobotError) as caught:
        Options.read(values, of='it')
    assert caught.value.code == ErrorCode.BAD_GOAL
    assert said in caught.value.message


def test_options_made_in_python_are_checked_alike():
    with pytest.raises(SketchRobotError, match='baud must be at least 1, not 0'):
        Options(baud=0)


ANYTHING = st.recursive(st.none() | st.booleans() | st.floats() | st.text(), st.lists)


@settings(max_examples=50)
@given(st.dictionaries(st.sampled_from(Options.keys()), ANYTHING))
def test_whatever_a_file_says_it_is_read_in_bounds_or_refused(values):
    with suppress(SketchRobotError):
        read = Options.read(values, of='it')
        assert read.baud >= 1
        assert read.speedup > 0.0
