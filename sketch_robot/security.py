"""Permissions of the graph for SROS 2: what each node may say and hear, and nothing else.

A policy file as `ros2 security create_permission` reads it (SROS 2, policy schema 0.2.0), with an enclave for each
node, /NAMESPACE/NAME, and one for whoever asks for drawings. It is written from the graph's own description; a test
holds that beside what the running nodes do.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterable, Mapping
from dataclasses import replace

from sketch_robot.graph import INTERFACES, Interfaces, NodeSpec, portrait_graph

VERSION = '0.2.0'
CLIENT = 'client'  # the enclave of programs that send goals
OF_PARAMETERS = (
    '~/describe_parameters', '~/get_parameter_types', '~/get_parameters', '~/get_type_description', '~/list_parameters',
    '~/set_parameters', '~/set_parameters_atomically',
)  # fmt: skip
OF_LIFE = (
    '~/change_state', '~/get_available_states', '~/get_available_transitions', '~/get_state', '~/get_transition_graph',
)  # fmt: skip
ALWAYS_SAID = ('/rosout', '/parameter_events', '/diagnostics')
ALWAYS_HEARD = ('/clock',)
CLIENT_INTERFACES = Interfaces(
    publishes=('draw_keepalive',),
    subscribes=(
        'image_raw',
        'line_art',
        'styled_image',
        'strokes',
        'path',
        'plotter_state',
        'pen_pose',
        'paper',
        '/diagnostics',
    ),
    calls=('plotter/home', 'plotter/stop', 'plotter/pause', 'plotter/resume', 'plotter/pen', 'plotter/set_origin'),
    asks=('draw',),
)


def interfaces_of(spec: NodeSpec) -> Interfaces:
    """What a node of a graph says and hears, with the names that it is remapped to."""
    told = INTERFACES[spec.name]
    if spec.name == 'dispatcher':
        robots = str(spec.parameters.get('robots', '')).split(',')
        told = Interfaces(
            subscribes=(*told.subscribes, *(f'{name}/plotter_state' for name in robots)),
            acts=told.acts,
            asks=tuple(f'{name}/draw' for name in robots),
        )
    if spec.name == 'attract':
        told = replace(told, asks=(str(spec.parameters.get('action', 'draw')),))
    named = dict(spec.remappings)

    def renamed(names: Iterable[str]) -> tuple[str, ...]:
        # image_transport's pictures follow the plain name, which is the one that is remapped
        plain = ((name.removesuffix('/compressed'), name.endswith('/compressed')) for name in names)
        return tuple(named.get(name, name) + ('/compressed' if packed else '') for name, packed in plain)

    managed = told.managed
    return Interfaces(
        publishes=(*ALWAYS_SAID, *renamed(told.publishes), *(('~/transition_event',) if managed else ())),
        subscribes=(*ALWAYS_HEARD, *renamed(told.subscribes)),
        serves=(*OF_PARAMETERS, *(OF_LIFE if managed else ()), *renamed(told.serves)),
        calls=renamed(told.calls),
        acts=renamed(told.acts),
        asks=renamed(told.asks),
    )


def make_policy(options: Mapping[str, str]) -> str:
    """The policy of a graph, as XML.

    Args:
        options: launch arguments, see `sketch_robot.graph.ARGUMENTS`.

    Raises:
        SketchRobotError: BAD_GOAL, see `portrait_graph`.
    """
    top = '/' + '/'.join(filter(None, options.get('namespace', '').split('/')))
    root = ET.Element('policy', version=VERSION)
    enclaves = ET.SubElement(root, 'enclaves')
    for spec in portrait_graph(options):
        namespace = '/'.join([top.rstrip('/'), *filter(None, [spec.namespace])]) or '/'
        _add(enclaves, spec.enclave(options.get('namespace', '')), namespace, spec.name, interfaces_of(spec))
    asking = Interfaces(
        publishes=(*ALWAYS_SAID, *CLIENT_INTERFACES.publishes),
        subscribes=(*ALWAYS_HEARD, *CLIENT_INTERFACES.subscribes),
        serves=OF_PARAMETERS,
        calls=CLIENT_INTERFACES.calls,
        asks=CLIENT_INTERFACES.asks,
    )
    _add(enclaves, f'{top.rstrip("/")}/{CLIENT}', top, CLIENT, asking)
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding='unicode') + '\n'


def _add(enclaves: ET.Element, path: str, namespace: str, node: str, allowed: Interfaces) -> None:
    profiles = ET.SubElement(ET.SubElement(enclaves, 'enclave', path=path), 'profiles')
    profile = ET.SubElement(profiles, 'profile', ns=namespace, node=node)
    for kind, verb, names in (
        ('topic', 'publish', allowed.publishes),
        ('topic', 'subscribe', allowed.subscribes),
        ('service', 'reply', allowed.serves),
        ('service', 'request', allowed.calls),
        ('action', 'execute', allowed.acts),
        ('action', 'call', allowed.asks),
    ):
        if names:
            group = ET.SubElement(profile, f'{kind}s', {verb: 'ALLOW'})
            for name in sorted(set(names)):
                ET.SubElement(group, kind).text = name
