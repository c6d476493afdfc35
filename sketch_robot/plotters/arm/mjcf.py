"""Read a serial arm from MJCF, MuJoCo's own format, with MuJoCo's own compiler (extra `arm`).

MJCF has defaults, includes and several ways to say the same; whoever wrote such a file has MuJoCo. Meshes are left out.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.plotters.arm.chain import ROTARY, SLIDING, WOUND, Chain, Joint
from sketch_robot.plotters.arm.frames import from_quaternion, transform

LEAST_KG, LEAST_KG_M2 = 1e-3, 1e-6  # of a part that says nothing of its mass


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
            joints.append(_joint(mujoco, model, k, place @ anchor))
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


def _joint(mujoco: Any, model: Any, k: int, origin: np.ndarray) -> Joint:
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
