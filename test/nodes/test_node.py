"""Long work beside an executor: in one thread, in order, and finished in the executor's thread."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from rclpy.node import Node

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.nodes.node import RosLogHandler, SketchNode, Worker, failure_of

if TYPE_CHECKING:
    from sketch_robot.testing import World


@pytest.fixture
def node(shared_world: World) -> Iterator[Node]:
    made = shared_world.adopt(partial(SketchNode, 'busy', namespace='left'))
    yield made
    shared_world.probe.executor_.remove_node(made)
    made.destroy_node()


def test_work_is_done_in_one_thread_in_the_order_asked(shared_world: World, node: Node) -> None:
    worker, seen = Worker(node), []
    futures = [worker.run(lambda k=k: seen.append((k, threading.current_thread().name)) or k) for k in range(5)]
    assert [shared_world.probe.result(future) for future in futures] == list(range(5))
    assert seen == [(k, 'busy_0') for k in range(5)]
    worker.close()


def test_done_callbacks_run_in_the_executor_s_thread(shared_world: World, node: Node) -> None:
    worker, threads = Worker(node), []
    gate = threading.Event()
    future = worker.run(gate.wait, 20.0)
    future.add_done_callback(lambda _: threads.append(threading.current_thread()))
    gate.set()
    shared_world.probe.until(lambda: threads, 20.0, 'the callback')
    assert threads == [threading.current_thread()]
    worker.close()


def test_what_the_function_raises_is_raised_where_it_is_awaited(shared_world: World, node: Node) -> None:
    worker = Worker(node)
    caught: list[BaseException] = []

    async def ask() -> None:
        try:
            await worker.run(int, 'seven')
        except ValueError as error:
            caught.append(error)

    task = shared_world.probe.executor_.create_task(ask)
    shared_world.probe.until(task.done, 20.0, 'the coroutine')
    assert "invalid literal for int() with base 10: 'seven'" in str(caught[0])
    worker.close()


def test_after_closing_work_is_refused_with_a_name(node: Node) -> None:
    worker = Worker(node)
    worker.close()
    worker.close()
    failure: Any = worker.run(int).exception()
    assert isinstance(failure, SketchRobotError)
    assert failure.code == ErrorCode.CANCELLED
    assert failure.message == 'the node busy is shutting down'


def test_a_failure_without_a_name_is_a_defect_and_one_with_a_name_keeps_it(caplog: pytest.LogCaptureFixture) -> None:
    named = SketchRobotError(ErrorCode.NO_FACE, 'nobody there')
    assert failure_of(named) is named
    assert caplog.records == []
    defect = failure_of(KeyError('page'))
    assert defect.code == ErrorCode.INTERNAL
    assert defect.message == "KeyError: 'page'; the log has the traceback"
    assert caplog.records[0].exc_info[1].args == ('page',)


@pytest.fixture
def room() -> Iterator[logging.Logger]:
    """The logger of a room, bridged to ROS as `run` does it, for a process of several nodes."""
    handler = RosLogHandler()
    made = logging.getLogger('sketch_robot.plotters.some_driver')
    made.addHandler(handler)
    yield made
    made.removeHandler(handler)


def test_what_a_room_logs_in_a_node_s_thread_names_the_node_with_its_namespace(
    shared_world: World, node: SketchNode, room: logging.Logger, capfd: pytest.CaptureFixture
) -> None:
    worker = Worker(node)
    shared_world.probe.result(worker.run(room.warning, 'no paper %s', 'left'))
    worker.close()
    assert '[left.busy]: no paper left' in capfd.readouterr().err
    room.warning('of no node')
    assert '[sketch_robot.plotters.some_driver]: of no node' in capfd.readouterr().err


def test_a_log_line_with_the_name_of_a_file_that_is_no_utf_8_is_written(
    shared_world: World,
    node: SketchNode,
    room: logging.Logger,
    capfd: pytest.CaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Else pytest keeps the line as it is, which no worker can send to the one that reports.
    monkeypatch.setattr(logging.getLogger('sketch_robot'), 'propagate', False)
    room.warning('left out: %s', 'j\udcff.jpg')
    assert 'left out: j\\udcff.jpg' in capfd.readouterr().err
