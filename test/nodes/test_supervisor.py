"""When a lost machine is tried again, and what drivers' advice becomes for users of the node."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sketch_robot.nodes.supervisor import BackOff


def test_tries_follow_each_other_at_twice_the_time_up_to_half_a_minute() -> None:
    back_off = BackOff()
    assert back_off.due_s == 0.0
    assert [back_off.failed(100.0) for _ in range(9)] == [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 30.0]
    assert back_off.due_s == 130.0


@given(st.integers(0, 2000))
def test_no_number_of_failures_is_too_many(failures: int) -> None:
    assert BackOff(failures=failures).failed(0.0) <= 30.0


def test_after_a_success_the_next_try_is_at_once() -> None:
    back_off = BackOff()
    back_off.failed(100.0)
    back_off.succeeded()
    assert (back_off.due_s, back_off.failures) == (0.0, 0)
