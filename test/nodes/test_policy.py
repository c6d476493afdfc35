"""The graph's description of what nodes say and hear is what the running nodes do."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from rclpy.action import (
    get_action_client_names_and_types_by_node,
    get_action_server_names_and_types_by_node,
)
from rclpy.parameter import Parameter

from sketch_robot.graph import portrait_graph
from sketch_robot.nodes.attract import AttractNode
from sketch_robot.nodes.camera import CameraNode
from sketch_robot.nodes.dispatcher import DispatcherNode
from sketch_robot.nodes.line_artist import LineArtistNode
from sketch_robot.nodes.planner import PlannerNode
from sketch_robot.nodes.plotter import PlotterNode
from sketch_robot.nodes.portrait import PortraitNode
from sketch_robot.security import interfaces_of
from sketch_robot.testing import World

pytestmark = pytest.mark.system
SOMETIMES = {  # only while somebody looks, with an arm, or with simulated time
    '/clock', '/image_raw', '/image_raw/compressed', '/line_art', '/joint_states', '/robot_description', '/tf_static',
    '/line_artist/get_type_description',
}  # fmt: skip
KINDS: dict[str, Any] = {
    'camera': CameraNode,
    'line_artist': LineArtistNode,
    'planner': PlannerNode,
    'plotter': PlotterNode,
    'portrait': PortraitNode,
    'attract': AttractNode,
    'dispatcher': DispatcherNode,
}
PARAMETERS = {'camera': {'source': 'astronaut'}, 'dispatcher': {'robots': 'left'}}


@pytest.mark.parametrize('name', KINDS)
def test_a_node_says_and_hears_what_the_graph_describes(
    world: World, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(LineArtistNode, '_warm_up', lambda _: 0.0)
    monkeypatch.setattr('sketch_robot.nodes.planner._warm_up', lambda: None)
    overrides = [Parameter(key, value=value) for key, value in PARAMETERS.get(name, {}).items()]
    node = world.adopt(partial(KINDS[name], parameter_overrides=overrides))
    several = {'plotters': 'left=default'} if name == 'dispatcher' else {'attract': 'true'}
    told = interfaces_of(next(spec for spec in portrait_graph(several) if spec.name == name))
    probe = world.probe

    def resolved(names: tuple[str, ...]) -> set[str]:
        return {f'/{name}/{one[2:]}' if one.startswith('~/') else '/' + one.lstrip('/') for one in names}

    def seen(pairs: Any) -> set[str]:
        return {one for one, _ in pairs if '/_action/' not in one}

    def as_described() -> bool:
        found = {
            'publishes': seen(probe.get_publisher_names_and_types_by_node(name, '/')),
            'subscribes': seen(probe.get_subscriber_names_and_types_by_node(name, '/')),
            'serves': seen(probe.get_service_names_and_types_by_node(name, '/')),
            'calls': seen(probe.get_client_names_and_types_by_node(name, '/')),
            'acts': seen(get_action_server_names_and_types_by_node(probe, name, '/')),
            'asks': seen(get_action_client_names_and_types_by_node(probe, name, '/')),
        }
        differences.clear()
        for kind, names in found.items():
            described = resolved(getattr(told, kind))
            if names - described or described - names - SOMETIMES:
                differences[kind] = (names - described, described - names - SOMETIMES)
        return not differences

    differences: dict[str, Any] = {}
    try:
        world.until(as_described, 10.0)
    except AssertionError:
        pytest.fail(f'more than described, and less: {differences}')
    node.park()
