"""Draw portraits: camera, line_artist, planner, plotter and portrait, one process each.

ros2 launch sketch_robot portrait.launch.py photo:=face.jpg page:=A5 speedup:=20
"""

from typing import Any

from launch import LaunchContext, LaunchDescription
from launch.actions import DeclareLaunchArgument, OpaqueFunction
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node

from sketch_robot.graph import (
    ARGUMENTS,
    PACKAGE,
    arm_model,
    is_installed,
    params_file,
    portrait_graph,
    share_folder,
)

AGAIN = {'respawn': True, 'respawn_delay': 1.0, 'respawn_max_retries': 20}  # a node that cannot start gives up in time


def _nodes(context: LaunchContext) -> list[Node]:
    options = {argument.name: LaunchConfiguration(argument.name).perform(context) for argument in ARGUMENTS}
    common = {
        'package': PACKAGE,
        'output': 'screen',
        'emulate_tty': True,
    }
    log = ['--ros-args', '--log-level', options['log_level']]
    apart = options['enclaves'].lower() == 'true'
    nodes = [
        Node(
            executable=spec.name,
            name=spec.name,
            namespace='/'.join(filter(None, (options['namespace'], spec.namespace))),
            parameters=[str(params_file(options)), *([dict(spec.parameters)] if spec.parameters else [])],
            remappings=list(spec.remappings),
            arguments=[*log, *(['--enclave', spec.enclave(options['namespace'])] if apart else [])],
            **AGAIN,
            **common,
        )
        for spec in portrait_graph(options)
    ]
    model = arm_model(options)
    if model is not None and is_installed('robot_state_publisher'):
        nodes.append(_state_publisher(model.read_text(), {**common, 'namespace': options['namespace']}))
    if options['rviz'].lower() == 'true':
        config = str(share_folder() / 'config' / 'portrait.rviz')
        rviz = {**common, 'package': 'rviz2', 'namespace': options['namespace']}
        nodes.append(Node(**rviz, executable='rviz2', name='rviz', arguments=['-d', config]))
    return nodes


def _state_publisher(description: str, common: dict[str, Any]) -> Node:
    from launch_ros.parameter_descriptions import ParameterValue

    name = 'robot_state_publisher'
    text = ParameterValue(description, value_type=str)
    return Node(**{**common, 'package': name}, executable=name, name=name, parameters=[{'robot_description': text}])


def generate_launch_description() -> LaunchDescription:
    """The arguments of `sketch_robot.graph` and the nodes that they describe."""
    arguments = [
        DeclareLaunchArgument(
            argument.name,
            default_value=argument.default,
            description=argument.description,
            **({'choices': list(argument.choices)} if argument.choices else {}),
        )
        for argument in ARGUMENTS
    ]
    return LaunchDescription([*arguments, OpaqueFunction(function=_nodes)])
