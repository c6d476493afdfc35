"""Read a serial arm from its file: URDF (http://wiki.ros.org/urdf/XML), or MJCF, MuJoCo's own format.

Of a URDF, what it looks like and what it weighs is left to those who show or simulate it: meshes are never opened.
MuJoCo's own compiler of URDF gives the same kinematics to 1e-15 m, but knows no limits of speed, refuses a file whose
meshes are missing or whose links weigh nothing unless both are mended first, and takes a place that is NaN, two joints
of one name and a joint that mimics another.

MJCF has defaults, includes and several ways to say the same; whoever wrote such a file has MuJoCo (extra `arm`), and it
is read by that. Meshes are left out.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

import numpy as np

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.motion.safe_xml import parse_xml
from sketch_robot.plotters.arm.chain import ROTARY, SLIDING, WOUND, Chain, Joint
from sketch_robot.plotters.arm.frames import from_quaternion, transform
from sketch_robot.validation import numbers_of

MAX_BYTES = 10_000_000  # the largest published arms have under 200 kB
MOST_TURN = 8.0 * math.pi  # of a joint with ends; real ones do not reach three turns either way, degrees are more
_MOVING = {'revolute': ROTARY, 'continuous': ROTARY, 'prismatic': SLIDING}
LEAST_KG, LEAST_KG_M2 = 1e-3, 1e-6  # of a part that says nothing of its mass


def load_urdf(path: str | Path, *, tool: str, base: str = '') -> Chain:
    """Read the chain from a file; see `read_urdf`.

    Raises:
        SketchRobotError: BAD_GOAL, the file cannot be read, and what `read_urdf` raises.
    """
    return read_urdf(read_text(path), tool=tool, base=base)


def read_text(path: str | Path) -> str:
    """The text of an arm's file.

    Raises:
        SketchRobotError: BAD_GOAL, there is no such file, or it is no text of a sensible size.
    """
    try:
        with Path(path).open('rb') as file:
            data = file.read(MAX_BYTES + 1)
        if len(data) > MAX_BYTES:
            raise SketchRobotError(ErrorCode.BAD_GOAL, f'{path} is over {MAX_BYTES // 10**6} MB; that is no arm')
        return data.decode('utf-8-sig')
    except OSError as error:
        raise SketchRobotError(ErrorCode.BAD_GOAL, f'cannot read the arm {path}: {error.strerror or error}') from error
    except UnicodeDecodeError as error:
        raise SketchRobotError(ErrorCode.BAD_GOAL, f'the arm {path} is no text in UTF-8') from error


def read_urdf(text: str, *, tool: str, base: str = '') -> Chain:
    """The joints between two links of a URDF robot.

    Args:
        text: the file.
        tool: the link whose origin is the pen's tip and whose z axis points along the pen towards the paper.
        base: the link that the page is placed in; empty: the root.

    Returns:
        the chain; limits that the file lacks are NaN (URDF has none for acceleration).

    Raises:
        SketchRobotError: BAD_GOAL, this is no URDF, or xacro that was not expanded; there is no such link; the tool
            does not hang on the base; or a joint between them is of a kind that a serial arm does not have, has ends
            that must be degrees, or mimics another.
    """
    robot = _parsed_xml(text)
    if _is_xacro(robot):
        raise SketchRobotError(
            ErrorCode.BAD_GOAL, 'this is a xacro file; make a URDF of it first: xacro my_arm.urdf.xacro > my_arm.urdf'
        )
    if robot.tag != 'robot':
        raise SketchRobotError(ErrorCode.BAD_GOAL, f'a URDF begins with <robot>, not with <{robot.tag}>')
    links = [_attribute(link, 'name', 'a link') for link in robot.findall('link')]
    above = {}
    for joint in robot.findall('joint'):
        name = _attribute(joint, 'name', 'a joint')
        child = _end(joint, 'child', name)
        if child in above:
            raise SketchRobotError(ErrorCode.BAD_GOAL, f'the link {child!r} hangs on two joints; that is no URDF')
        above[child] = (_end(joint, 'parent', name), joint)
    for link in (tool, *([base] if base else [])):
        if link not in links:
            raise SketchRobotError(ErrorCode.BAD_GOAL, f'the arm has no link {link!r}; its links are: {_some(links)}')
    elements: list[Element] = []
    link = tool
    while link != base and link in above:
        link, element = above[link]
        elements.append(element)
        if len(elements) > len(above):
            raise SketchRobotError(ErrorCode.BAD_GOAL, f'the links of the arm form a ring at {link!r}')
    if base and link != base:
        raise SketchRobotError(ErrorCode.BAD_GOAL, f'the tool {tool!r} does not hang on the base {base!r}')
    joints: list[Joint] = []
    offset = np.eye(4)
    for element in reversed(elements):
        offset = offset @ _origin(element)
        moving = _joint(element, offset)
        if moving is not None:
            joints.append(moving)
            offset = np.eye(4)
    names = [joint.name for joint in joints]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise SketchRobotError(ErrorCode.BAD_GOAL, f'two joints of the arm have the name {twice!r}; that is no URDF')
    return Chain(robot.get('name', 'arm'), link, tool, tuple(joints), offset)


def _parsed_xml(text: str) -> Element:
    try:
        return parse_xml(text)
    except ValueError as error:
        raise SketchRobotError(ErrorCode.BAD_GOAL, f"the arm's file cannot be used: {error}") from error


def _is_xacro(robot: Element) -> bool:
    """Whether macros are left in it, in elements or in attributes."""
    return any(
        'xacro}' in element.tag or any('${' in value for value in element.attrib.values()) for element in robot.iter()
    )


def _joint(element: Element, origin: np.ndarray) -> Joint | None:
    """A moving joint, or None for a fixed one."""
    name, kind = element.get('name', ''), element.get('type', '')
    if kind == 'fixed':
        return None
    if kind not in _MOVING:
        known = 'revolute, continuous, prismatic, fixed'
        raise SketchRobotError(ErrorCode.BAD_GOAL, f'joint {name!r} is of type {kind!r}; an arm has: {known}')
    if element.find('mimic') is not None:
        raise SketchRobotError(
            ErrorCode.BAD_GOAL, f'joint {name!r} mimics another one; the joints of a serial arm move on their own'
        )
    axis_element = element.find('axis')
    axis = _numbers(axis_element, 'xyz', (1.0, 0.0, 0.0), f'the axis of joint {name!r}')
    length = float(np.linalg.norm(axis))
    if length < 1e-6:
        raise SketchRobotError(ErrorCode.BAD_GOAL, f'the axis of joint {name!r} has no direction')
    limit = element.find('limit')
    ends = {'lower': math.nan, 'upper': math.nan}
    if kind == 'continuous':
        ends = {'lower': -WOUND, 'upper': WOUND}
    elif limit is not None:
        # an end that is left out is zero; a joint with neither has no room and was not meant to be one
        given = {end: _number(limit, end, name) for end in ends}
        if any(not math.isnan(value) for value in given.values()):
            ends = {end: 0.0 if math.isnan(value) else value for end, value in given.items()}
    if _MOVING[kind] == ROTARY and max(abs(end) for end in ends.values()) > MOST_TURN:
        raise SketchRobotError(
            ErrorCode.BAD_GOAL,
            f'joint {name!r} turns from {ends["lower"]:g} to {ends["upper"]:g} rad; are those degrees? URDF speaks of '
            'radians (a joint without ends is of type continuous)',
        )
    speed = math.nan if limit is None else _number(limit, 'velocity', name)
    if speed == 0.0:  # as exporters of CAD programs write what they do not know
        speed = math.nan
    return Joint(name, _MOVING[kind], origin, axis / length, ends['lower'], ends['upper'], speed, math.nan)


def _origin(joint: Element) -> np.ndarray:
    what = f'the origin of joint {joint.get("name")!r}'
    element = joint.find('origin')
    return transform(_numbers(element, 'xyz', (0.0,) * 3, what), _numbers(element, 'rpy', (0.0,) * 3, what))


def _end(joint: Element, which: str, name: str) -> str:
    element = joint.find(which)
    if element is None:
        raise SketchRobotError(ErrorCode.BAD_GOAL, f'joint {name!r} has no {which}')
    return _attribute(element, 'link', f'the {which} of joint {name!r}')


def _attribute(element: Element, name: str, what: str) -> str:
    value = element.get(name)
    if not value:
        raise SketchRobotError(ErrorCode.BAD_GOAL, f'{what} of the arm has no {name}')
    return value


def _number(element: Element, name: str, joint: str) -> float:
    """NaN when it is not there."""
    text = element.get(name)
    if text is None:
        return math.nan
    return float(_parsed(text, 1, f'the {name} of joint {joint!r}')[0])


def _numbers(element: Element | None, name: str, default: tuple[float, ...], what: str) -> np.ndarray:
    text = None if element is None else element.get(name)
    return np.array(default) if text is None else _parsed(text, len(default), what)


def _parsed(text: str, count: int, what: str) -> np.ndarray:
    values = numbers_of(text.split(), count)
    if values is None:
        raise SketchRobotError(
            ErrorCode.BAD_GOAL, f'{what} is {text[:40]!r}; it must be {count} finite number{"s" if count > 1 else ""}'
        )
    return values


def _some(names: list[str]) -> str:
    return ', '.join(names[:20]) + (', ...' if len(names) > 20 else '')


def load_mjcf(path: str | Path, *, tool: str, base: str = '') -> Chain:
    """The joints between two bodies of an MJCF model.

    Args:
        path: the file.
        tool: the body or site whose origin is the pen's tip and whose z axis points along the pen towards the paper.
        base: the body that the page is placed in; empty: the world.

    Returns:
        the chain; the speed and acceleration limits are NaN, for MJCF has none.

    Raises:
        SketchRobotError: BAD_GOAL, MuJoCo is not installed or cannot read the file; there is no such body or site; the
            tool does not hang on the base; or a joint between them is of a kind that a serial arm does not have.
    """
    mujoco = import_mujoco()
    try:
        model = load_spec(path).compile()
    except (ValueError, OSError) as error:
        raise SketchRobotError(
            ErrorCode.BAD_GOAL, f'MuJoCo cannot read the arm {path}: {" ".join(str(error).split())[:300]}'
        ) from error
    bodies = [model.body(k).name for k in range(model.nbody)]
    sites = [model.site(k).name for k in range(model.nsite)]
    if tool not in bodies + sites or (base and base not in bodies):
        missing = tool if tool not in bodies + sites else base
        known = ', '.join(name for name in (bodies[1:] + sites)[:20] if name)
        raise SketchRobotError(ErrorCode.BAD_GOAL, f'the arm has no body or site {missing!r}; it has: {known}')
    offset, body = np.eye(4), 0
    if tool in sites:
        site = model.site(tool)
        offset, body = from_quaternion(site.pos, site.quat), int(np.atleast_1d(site.bodyid)[0])
    else:
        body = int(model.body(tool).id)
    root = int(model.body(base).id) if base else 0
    way = []
    while body not in (root, 0):
        way.append(body)
        body = int(model.body_parentid[body])
    if body != root:
        raise SketchRobotError(ErrorCode.BAD_GOAL, f'the tool {tool!r} does not hang on the base {base!r}')
    joints, place = [], np.eye(4)
    for number in reversed(way):
        place = place @ from_quaternion(model.body_pos[number], model.body_quat[number])
        first = int(model.body_jntadr[number])
        for k in range(first, first + int(model.body_jntnum[number])):
            anchor = transform(model.jnt_pos[k])
            joints.append(_joint_of_model(mujoco, model, k, place @ anchor))
            place = transform(-model.jnt_pos[k])
    return Chain(Path(path).stem, base or 'world', tool, tuple(joints), place @ offset)


def import_mujoco() -> Any:
    """MuJoCo.

    Raises:
        SketchRobotError: BAD_GOAL, it is not installed.
    """
    try:
        import mujoco
    except ImportError as error:
        raise SketchRobotError(
            ErrorCode.BAD_GOAL, f"this needs MuJoCo, which is not installed (pip install 'sketch_robot[arm]'): {error}"
        ) from error
    return mujoco


def load_spec(path: str | Path) -> Any:
    """An MJCF file as MuJoCo's editable model, its meshes taken out.

    Raises:
        ValueError, OSError: it cannot be read.
    """
    mujoco = import_mujoco()
    spec = mujoco.MjSpec.from_file(str(path))
    for geom in [each for each in spec.geoms if each.type == mujoco.mjtGeom.mjGEOM_MESH]:
        spec.delete(geom)
    for mesh in list(spec.meshes):
        spec.delete(mesh)
    return weighed(spec)


def weighed(spec: Any) -> Any:
    """A model whose moving parts weigh something, as MuJoCo wants it: files for the eye leave that out, and meshes that
    were taken out weigh nothing."""
    spec.compiler.boundmass, spec.compiler.boundinertia = LEAST_KG, LEAST_KG_M2
    return spec


def _joint_of_model(mujoco: Any, model: Any, k: int, origin: np.ndarray) -> Joint:
    name = model.joint(k).name
    kinds = {int(mujoco.mjtJoint.mjJNT_HINGE): ROTARY, int(mujoco.mjtJoint.mjJNT_SLIDE): SLIDING}
    kind = int(model.jnt_type[k])
    if kind not in kinds:
        raise SketchRobotError(ErrorCode.BAD_GOAL, f'joint {name!r} is neither a hinge nor a slide; an arm has those')
    if abs(float(model.qpos0[model.jnt_qposadr[k]])) > 1e-9:
        raise SketchRobotError(
            ErrorCode.BAD_GOAL, f'joint {name!r} has a reference position other than 0; write the arm without ref'
        )
    lower, upper = (float(end) for end in model.jnt_range[k])
    if not model.jnt_limited[k]:
        lower, upper = (-WOUND, WOUND) if kinds[kind] == ROTARY else (math.nan, math.nan)
    axis = np.array(model.jnt_axis[k], dtype=np.float64)
    return Joint(name, kinds[kind], origin, axis / np.linalg.norm(axis), lower, upper, math.nan, math.nan)
