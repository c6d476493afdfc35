"""What an EBB has done of what it was told, by how much it holds and where its motors are."""

from __future__ import annotations

from sketch_robot.plotters.ebb.move_queue import MoveQueue, QueuedCommand

LINE = (
    QueuedCommand(20, (0, 0), (0, 0)),
    QueuedCommand(20, (0, 0), (100, 50), stroke=0, from_mm=0.0, to_mm=1.0),
    QueuedCommand(20, (100, 50), (150, 150), stroke=0, from_mm=1.0, to_mm=2.0),
    QueuedCommand(100, (150, 150), (150, 150), stroke=0, lift=True),
)


def queue_of(*commands):
    queue = MoveQueue()
    for command in commands:
        queue.add(command)
    return queue


def test_commands_are_done_in_order_once_the_board_holds_fewer():
    queue = queue_of(*LINE)
    assert queue.done(3, (30, 15), (150, 150)) == [LINE[0]]
    assert queue.drawn((50, 25)) == (0, 0.5)
    assert queue.done(2, (120, 100), (150, 150)) == [LINE[1]]
    assert queue.done(0, (150, 150), (150, 150)) == list(LINE[2:])
    assert len(queue) == 0


def test_what_the_motors_deny_is_not_done():
    queue = queue_of(*LINE)
    assert queue.done(1, (30, 15), (150, 150)) is None
    assert queue.done(0, (150, 140), (150, 150)) is None
    assert len(queue) == 4


def test_motors_beside_every_command_are_nowhere():
    queue = queue_of(*LINE)
    assert queue.find((50, 120)) is None
    assert queue.drawn((50, 120)) is None


def test_what_is_left_is_told_by_where_the_motors_are_but_for_a_pause():
    moves, waits = MoveQueue(), MoveQueue()
    moves.add(QueuedCommand(20, (5, 5), (25, 5)))
    moves.add(QueuedCommand(30, (25, 5), (55, 5)))
    assert moves.left_ms((10, 5), 2) == (45, 45)
    assert moves.left_ms((10, 5), 1) == (15, 15)
    assert moves.left_ms((10, 5), 0) == (0, 0)
    waits.add(QueuedCommand(100, (5, 5), (5, 5)))
    waits.add(QueuedCommand(20, (5, 5), (25, 5)))
    assert waits.left_ms((5, 5), 2) == (20, 120)
