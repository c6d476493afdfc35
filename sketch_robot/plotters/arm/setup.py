"""What a machine's file says of an arm: its options, and the arm and the page that they lead to."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.files import share_folder
from sketch_robot.plotters.arm.chain import Chain, require_limits
from sketch_robot.plotters.arm.frames import PageFrame, PenPose, page_at, page_through
from sketch_robot.plotters.arm.model_file import load_mjcf, load_urdf, read_text
from sketch_robot.plotters.arm.postures import FORBIDDEN, ROOM
from sketch_robot.plotters.arm.segments import PenContact
from sketch_robot.plotters.options import DriverOptions, option
from sketch_robot.validation import numbers_of

Point = tuple[float, float, float]
Box = tuple[Point, Point]  # least and greatest x, y, z


@dataclass(frozen=True)
class ArmOptions(DriverOptions):
    """What a machine's file says of an arm.

    Attributes:
        model: the arm's URDF or MJCF (.xml): a path, or a file among the package's configuration.
        tool: its frame at the pen's tip, z along the pen towards the paper; or, with `pen`, the one that holds the pen.
        pen: where the pen's tip is in that frame, {xyz, rpy} in metres and radians; None: the frame is at the tip.
        base: its frame that the page is placed in; '': the root.
        page: where the sheet lies, in the base frame, metres: {xyz, rpy} of its lower left corner, or three taught
            {points}: the lower left corner, one on the lower edge right of it, one above that edge.
        sheet: its size, until a plan says which; see `parse_page`.
        joint_limits: by joint, any of lower, upper, velocity, acceleration: tighter than, or missing in, the model.
        velocity, acceleration: limits of every joint that has no other, rad/s and rad/s^2 or m/s and m/s^2; 0: none.
        limit_share: share of the joints' speed and acceleration limits that movements use.
        limit_margin: share of each joint's range that stays unused at both ends.
        tilt_deg, tilt_towards_deg: the pen's angle to the normal, and where it leans, from the page's x axis.
        tilt_cone_deg: how far it may lean off that where the arm cannot hold it so, as one of five axes; 0: nowhere.
        room: a box that no link leaves, [[least x, y, z], [greatest x, y, z]] in the base frame, metres; None: any.
        forbidden: boxes that no link enters.
        lift_mm: how high the pen hops.
        approach_mm_s: how fast it comes down on the paper.
        contact_mm: how far its holder goes below the paper, for its spring to press.
        lightest_press_mm, firmest_press_mm: ... where a plan says how firmly.
        astray: how far a joint may be from where it should be before the arm is stopped, rad or m.
        simulation: 'exact', or 'physics' (needs MuJoCo); how the arm is simulated when there is no transport.
        start: where a simulated arm is at first: its joints.
        speedup: machine seconds in a wall-clock second, of a simulated arm; infinite: as fast as this computer can.
        reach_picture: where to write the picture of the reachable area when the page lies out of reach; '': the
            folder for temporary files.
    """

    model: str = 'arm/sample_arm.urdf'
    tool: str = 'pen_tip'
    pen: Any = None
    base: str = ''
    page: Any = None
    sheet: str = 'A5'
    joint_limits: Mapping[str, Any] = field(default_factory=dict)
    velocity: float = option(0.0, low=0.0, high=100.0)
    acceleration: float = option(0.0, low=0.0, high=1000.0)
    limit_share: float = option(0.8, low=0.01, high=1.0)
    limit_margin: float = option(0.02, low=0.0, high=0.4)
    tilt_deg: float = option(0.0, low=0.0, high=60.0)
    tilt_towards_deg: float = option(0.0, low=-360.0, high=360.0)
    tilt_cone_deg: float = option(0.0, low=0.0, high=45.0)
    room: Box | None = None
    forbidden: tuple[Box, ...] = ()
    lift_mm: float = option(4.0, low=0.5, high=200.0)
    approach_mm_s: float = option(40.0, low=0.1, high=10000.0)
    contact_mm: float = option(0.6, low=0.0, high=50.0)
    lightest_press_mm: float = option(0.3, low=0.0, high=50.0)
    firmest_press_mm: float = option(1.2, low=0.0, high=50.0)
    astray: float = 0.05
    simulation: Literal['exact', 'physics'] = 'exact'
    start: Any = None
    speedup: float = option(1.0, above=0.0, endless=True)
    reach_picture: str = ''

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.firmest_press_mm < self.lightest_press_mm:
            raise SketchRobotError(
                ErrorCode.BAD_GOAL,
                f'the arm has firmest_press_mm {self.firmest_press_mm:g}, less than its lightest_press_mm '
                f'{self.lightest_press_mm:g}',
            )


@dataclass(frozen=True, eq=False)
class ArmSetup:
    """One arm before one page.

    Attributes:
        chain: the arm, all limits known.
        model: its file.
        page: where the sheet lies.
        pose, touch: how the pen stands on it and meets it.
        limit_share: of the joints' speed and acceleration that movements use.
        margin: share of each joint's range that stays unused at both ends.
        cone: how far the pen may lean off its pose, rad.
        boxes: (2 K, 4) float64; what links must stay in or out of, as `is_clear` has them.
        pen_frame: (4, 4) float64; the pen's tip in the frame `chain.tool`, m.
        start: (n,) float64; where a simulated arm is at first.
    """

    chain: Chain
    model: Path
    page: PageFrame
    pose: PenPose
    touch: PenContact
    limit_share: float
    margin: float
    cone: float
    boxes: np.ndarray
    pen_frame: np.ndarray
    start: np.ndarray


def find_file(name: str) -> Path:
    """An arm's file: as it is named from here, or among the package's configuration.

    Raises:
        SketchRobotError: BAD_GOAL, there is none.
    """
    here = Path(name).expanduser()
    for path in (here, share_folder() / 'config' / name):
        if path.is_file():
            return path
    raise SketchRobotError(
        ErrorCode.BAD_GOAL, f'there is no arm {name!r}, neither from here nor in {share_folder() / "config"}'
    )


def is_mjcf(path: Path) -> bool:
    """Whether an arm's file is MJCF, by its first element: URDF is called .xml by some, too.

    Raises:
        SketchRobotError: BAD_GOAL, it cannot be read.
    """
    first = re.search(r'<([A-Za-z_][\w.:-]*)', re.sub(r'<!--.*?-->', '', read_text(path), flags=re.DOTALL))
    return first is not None and first[1] == 'mujoco'


def load_chain(path: Path, *, tool: str, base: str = '') -> Chain:
    """Read an arm from URDF or MJCF, whichever it is.

    Raises:
        SketchRobotError: BAD_GOAL, see the readers.
    """
    if is_mjcf(path):
        return load_mjcf(path, tool=tool, base=base)
    return load_urdf(path, tool=tool, base=base)


def place_page(page: Any) -> PageFrame:
    """The page's place: {'xyz': [...], 'rpy': [...]} or {'points': [[...], [...], [...]]}, metres and radians.

    Raises:
        SketchRobotError: BAD_GOAL, it is neither, or no plane.
    """
    if isinstance(page, Mapping) and set(page) == {'points'} and isinstance(page['points'], Sequence):
        return page_through(page['points'])
    if isinstance(page, Mapping) and 'xyz' in page and set(page) <= {'xyz', 'rpy'}:
        return page_at(page['xyz'], page.get('rpy', (0.0, 0.0, 0.0)))
    raise SketchRobotError(
        ErrorCode.BAD_GOAL,
        'the page lies nowhere: give page: {xyz: [x, y, z], rpy: [r, p, y]}, or page: {points: [[...], [...], [...]]}',
    )


def place_pen(pen: Any) -> np.ndarray:
    """The pen's tip in the frame that holds it: {'xyz': [...], 'rpy': [...]}, metres and radians -> (4, 4).

    Raises:
        SketchRobotError: BAD_GOAL, it is none.
    """
    try:
        return page_at(pen['xyz'], pen.get('rpy', (0.0, 0.0, 0.0))).base_from_page
    except (TypeError, KeyError, AttributeError, SketchRobotError) as error:
        raise SketchRobotError(
            ErrorCode.BAD_GOAL, 'the pen is held nowhere: give pen: {xyz: [x, y, z], rpy: [r, p, y]} of its tip'
        ) from error


def make_boxes(room: Box | None, forbidden: Sequence[Box]) -> np.ndarray:
    """Boxes as `is_clear` has them: (2 K, 4).

    Raises:
        SketchRobotError: BAD_GOAL, one has no inside.
    """
    rows = []
    for kind, box in [*((ROOM, box) for box in ([room] if room else [])), *((FORBIDDEN, box) for box in forbidden)]:
        if any(low >= high for low, high in zip(*box, strict=True)):
            raise SketchRobotError(
                ErrorCode.BAD_GOAL,
                f'the box from {list(box[0])} to {list(box[1])} has no inside; name its least corner first',
            )
        rows += [[*box[0], kind], [*box[1], 0.0]]
    return np.array(rows, dtype=np.float64).reshape(-1, 4)


def make_setup(options: ArmOptions) -> ArmSetup:
    """Read an arm's file and place its page.

    Raises:
        SketchRobotError: BAD_GOAL, one is unusable.
    """
    path = find_file(options.model)
    chain = load_chain(path, tool=options.tool, base=options.base)
    pen_frame = np.eye(4) if options.pen is None else place_pen(options.pen)
    chain = replace(chain, tip=chain.tip @ pen_frame)
    for limit, value in (('velocity', options.velocity), ('acceleration', options.acceleration)):
        if value > 0.0:
            chain = chain.limited({name: {limit: value} for name in _without(chain, limit, options.joint_limits)})
    return ArmSetup(
        require_limits(chain.limited(options.joint_limits)),
        path,
        place_page(options.page),
        PenPose(math.radians(options.tilt_deg), math.radians(options.tilt_towards_deg)),
        PenContact(
            lift_mm=options.lift_mm,
            approach_mm_s=options.approach_mm_s,
            offset_mm=options.contact_mm,
            lightest_mm=options.lightest_press_mm,
            firmest_mm=options.firmest_press_mm,
        ),
        options.limit_share,
        options.limit_margin,
        math.radians(options.tilt_cone_deg),
        make_boxes(options.room, options.forbidden),
        pen_frame,
        _start(options.start, chain),
    )


def _without(chain: Chain, limit: str, given: Mapping[str, Any]) -> list[str]:
    """The joints that have no such limit, neither in their file nor among those given."""
    known = chain.speed if limit == 'velocity' else chain.accel
    return [
        name
        for name, value in zip(chain.names, known, strict=True)
        if math.isnan(value) and not (isinstance(given.get(name), Mapping) and limit in given[name])
    ]


def _start(start: Any, chain: Chain) -> np.ndarray:
    if start is None:
        return np.clip(np.zeros(len(chain.joints)), chain.lower, chain.upper)
    values = numbers_of(start, len(chain.joints))
    if values is None:
        raise SketchRobotError(
            ErrorCode.BAD_GOAL, f'start is {start!r}; it must be {len(chain.joints)} joint positions, rad or m'
        )
    beyond = (values < chain.lower) | (values > chain.upper)
    if beyond.any():
        joint = chain.joints[int(np.argmax(beyond))]
        raise SketchRobotError(
            ErrorCode.BAD_GOAL,
            f'start puts joint {joint.name!r} at {values[np.argmax(beyond)]:g}, beyond its ends {joint.lower:.3f} and '
            f'{joint.upper:.3f} (rad or m)',
        )
    return values
