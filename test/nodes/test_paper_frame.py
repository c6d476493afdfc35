"""The frame `paper` in the machine's base."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from builtin_interfaces.msg import Time
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from sketch_robot.nodes.plotter_topics import place_on_table, quaternion, tell_paper_frame, transform_to_ros


@given(st.tuples(*[st.floats(-1.0, 1.0)] * 4).filter(lambda q: np.linalg.norm(q) > 0.1))
def test_a_quaternion_turns_as_its_matrix_does(q: tuple[float, ...]) -> None:
    rotation = Rotation.from_quat(q)
    found = quaternion(rotation.as_matrix())
    assert found[3] >= 0.0
    assert np.allclose(Rotation.from_quat(found).as_matrix(), rotation.as_matrix(), atol=1e-9)


def test_a_sheet_on_the_table_is_told_by_its_corner_and_its_turn() -> None:
    msg = transform_to_ros(place_on_table(0.2, -0.1, 0.01, np.pi / 2), 'base_link', 'paper', Time(sec=3))
    assert (msg.header.frame_id, msg.child_frame_id, msg.header.stamp.sec) == ('base_link', 'paper', 3)
    place, turn = msg.transform.translation, msg.transform.rotation
    assert (place.x, place.y, place.z) == (0.2, -0.1, 0.01)
    assert (turn.x, turn.y) == (0.0, 0.0)
    assert (turn.z, turn.w) == pytest.approx((0.5**0.5, 0.5**0.5))


class NodeStandIn:
    """What `tell_paper_frame` asks of a node."""

    def __init__(self) -> None:
        self.topics: list[str] = []
        self.told: list[Any] = []

    def get_logger(self) -> Any:
        return type('Log', (), {'debug': lambda *_: None})()

    def get_clock(self) -> Any:
        now = type('Now', (), {'to_msg': lambda _: Time(sec=7)})()
        return type('Clock', (), {'now': lambda _: now})()

    def create_publisher(self, _kind: Any, topic: str, _profile: Any) -> Any:
        self.topics.append(topic)
        return type('Out', (), {'publish': lambda _, msg: self.told.append(msg)})()


def test_it_is_told_where_tf2_msgs_is_installed_and_left_out_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    node = NodeStandIn()
    monkeypatch.setitem(sys.modules, 'tf2_msgs', None)
    assert not tell_paper_frame(node, place_on_table(0.1, 0.2, 0.0, 0.0), 'left/base_link')
    message = ModuleType('tf2_msgs.msg')
    vars(message)['TFMessage'] = lambda transforms: transforms
    monkeypatch.setitem(sys.modules, 'tf2_msgs', ModuleType('tf2_msgs'))
    monkeypatch.setitem(sys.modules, 'tf2_msgs.msg', message)
    assert tell_paper_frame(node, place_on_table(0.1, 0.2, 0.0, 0.0), 'left/base_link')
    (transform,) = node.told[0]
    assert node.topics == ['/tf_static']
    assert (transform.header.frame_id, transform.child_frame_id) == ('left/base_link', 'paper')
    assert transform.transform.translation.y == 0.2
