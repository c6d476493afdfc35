"""The executable `portrait_system`: the whole graph in one process, for machines without the `ros2` command.

Takes the launch file's arguments, `portrait_system photo:=face.jpg page:=A5`, and any `--ros-args`.
"""

from __future__ import annotations

import functools
import importlib
import sys
from collections.abc import Callable, Sequence
from itertools import pairwise

from rclpy.logging import LoggingSeverity, set_logger_level
from rclpy.parameter import Parameter

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.graph import ARGUMENTS, NODES, PACKAGE, NodeSpec, complete, params_file, portrait_graph
from sketch_robot.nodes.node import SketchNode, leave, run


def node_maker(
    spec: NodeSpec, *, namespace: str = '', parameters: str = '', ros_words: Sequence[str] = ()
) -> Callable[[], SketchNode]:
    """Makes the node that a spec describes.

    Args:
        spec: the node.
        namespace: of the node; '' for none.
        parameters: path of a parameter file.
        ros_words: from `--ros-args` on; what they set replaces the file's values.
    """
    module = importlib.import_module(spec.module)
    kind = next(v for v in vars(module).values() if _is_node_of(v, spec.module))
    cli_args = ['--ros-args']
    if parameters:
        cli_args += ['--params-file', parameters]
    for old, new in spec.remappings:
        cli_args += ['-r', f'{old}:={new}']
    cli_args += ros_words
    others = {row.name for name in NODES for row in importlib.import_module(f'{PACKAGE}.nodes.{name}').PARAMETERS}
    overrides = [Parameter(name, value=value) for name, value in spec.parameters.items()]
    return functools.partial(
        kind,
        namespace='/'.join(filter(None, (namespace, spec.namespace))),
        cli_args=cli_args,
        parameter_overrides=overrides,
        of_others=others & said_to_all(ros_words),
    )


def said_to_all(ros_words: Sequence[str]) -> set[str]:
    """The names of parameters that are given to no node in particular, `-p name:=value`."""
    values = [value for flag, value in pairwise(ros_words) if flag in ('-p', '--param')]
    return {value.partition(':=')[0] for value in values if ':' not in value.partition(':=')[0]}


def _is_node_of(value: object, module: str) -> bool:
    return isinstance(value, type) and issubclass(value, SketchNode) and value.__module__ == module


def options_of(words: Sequence[str]) -> dict[str, str]:
    """The values in `name:=value` words.

    Raises:
        SketchRobotError: BAD_GOAL, a word is not of that form.
    """
    options = {}
    for word in words:
        name, sign, value = word.partition(':=')
        if not sign:
            raise SketchRobotError(ErrorCode.BAD_GOAL, f'{word!r} is not of the form name:=value')
        options[name] = value
    return options


def split(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """Our words, and those for ROS from `--ros-args` on. rcl itself would take `page:=A5` for a remapping."""
    cut = words.index('--ros-args') if '--ros-args' in words else len(words)
    return list(words[:cut]), list(words[cut:])


def usage() -> str:
    """What --help prints."""
    lines = ['usage: portrait_system [name:=value ...] [--ros-args ...]', '', 'arguments:']
    for argument in ARGUMENTS:
        choices = f' ({", ".join(argument.choices)})' if argument.choices else ''
        lines.append(f"  {argument.name}{choices}, default '{argument.default}'\n      {argument.description}")
    return '\n'.join(lines)


def main() -> None:
    """Run the graph until Ctrl-C."""
    words, ros_words = split(sys.argv[1:])
    if '-h' in words or '--help' in words:
        sys.stdout.write(usage() + '\n')
        return
    try:
        options = complete(options_of(words))
        if options['rviz'].lower() == 'true':
            raise SketchRobotError(
                ErrorCode.BAD_GOAL, 'portrait_system has no rviz; start it by itself or use ros2 launch'
            )
        parameters = str(params_file(options))
        makers = [
            node_maker(spec, namespace=options['namespace'], parameters=parameters, ros_words=ros_words)
            for spec in portrait_graph(options)
        ]
    except SketchRobotError as error:
        sys.stderr.write(f'portrait_system: {error}\n')
        sys.exit(2)
    level = getattr(LoggingSeverity, options['log_level'].upper())
    set_logger_level('', level)
    leave(run(makers, ros_words))


if __name__ == '__main__':
    main()
