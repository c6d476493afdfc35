"""Nodes killed in mid-drawing and started again, as launch does it; `python -m bench ros_kills` does it fifty times."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest

from bench.bench_kills import Killer
from sketch_robot.client import DrawPhase
from sketch_robot.errors import ErrorCode
from sketch_robot.testing import World

pytestmark = [pytest.mark.system, pytest.mark.timeout(400)]


@pytest.fixture(scope='module')
def killer(shared_world: World) -> Iterator[Killer]:
    made = Killer(shared_world)
    yield made
    made.close()


@pytest.mark.parametrize(
    ('victim', 'number'),
    [('plotter', signal.SIGKILL), ('portrait', signal.SIGKILL)],
)
def test_a_node_that_dies_in_mid_drawing_ends_it_by_name_with_the_pen_up_and_the_next_one_is_drawn(
    killer: Killer, victim: str, number: signal.Signals
) -> None:
    kill = killer.kill(victim, number, DrawPhase.DRAW)
    assert kill.in_order, kill
    assert kill.code in (ErrorCode.NODE_LOST, ErrorCode.PLOTTER_OFFLINE, ErrorCode.CANCELLED)
