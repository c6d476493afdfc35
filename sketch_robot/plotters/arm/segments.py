"""A drawing as movements from rest to rest: hops above the paper and strokes on it, all planned before the first.

A timeline puts them one after the other on a controller's clock, and makes a joint trajectory of them.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial

import numpy as np

from sketch_robot.motion.machine_limits import MachineLimits
from sketch_robot.motion.plan import HOME_MM, DrawingPlan
from sketch_robot.plotters.arm.field import PostureField
from sketch_robot.plotters.arm.path import DRAW_MM, HOP_MM, JointPath, joint_path
from sketch_robot.plotters.arm.retime import JointLimits, Timing, brake, retime
from sketch_robot.plotters.arm.transport import JointTrajectory, LineWidth
from sketch_robot.stroke import Stroke

SLOW_MM = 1.5  # so far above the paper the pen comes down slowly
STEP_S = 0.01  # between points of a trajectory, at most
CHANGE = 0.1  # of the greatest acceleration; smaller changes of it need no point of their own
DOT_S = 0.1  # a dot's time on paper


@dataclass(frozen=True)
class PenContact:
    """How the pen meets the paper.

    Attributes:
        lift_mm: how high the tip hops between strokes.
        approach_mm_s: how fast it comes down on the paper.
        offset_mm: how far its holder goes below the paper while drawing; the tip gives way on its spring.
        lightest_mm, firmest_mm: ... at pressure 0 and 1, where the plan says how firmly to press.
    """

    lift_mm: float = 4.0
    approach_mm_s: float = 40.0
    offset_mm: float = 0.6
    lightest_mm: float = 0.3
    firmest_mm: float = 1.2

    def depths(self, stroke: Stroke) -> np.ndarray:
        """(N,) mm below the paper, by point."""
        if stroke.pressure is None:
            return np.full(len(stroke.xy), self.offset_mm)
        return self.lightest_mm + (self.firmest_mm - self.lightest_mm) * stroke.pressure

    def width_mm(self, profile: MachineLimits) -> LineWidth:
        """How wide the line of a pen that presses is, by depth below the paper."""
        return partial(np.interp, xp=(self.lightest_mm, self.firmest_mm), fp=(profile.lightest_mm, profile.firmest_mm))


@dataclass(frozen=True, eq=False)
class Segment:
    """One movement.

    Attributes:
        path, timing: where it leads, and when.
        stroke: which stroke it draws; -1: it is a hop.
        limits: what it may use of the joints; None: as all others.
        parks: whether the drawing is over once it begins.
    """

    path: JointPath
    timing: Timing
    stroke: int = -1
    limits: JointLimits | None = None
    parks: bool = False

    @property
    def seconds(self) -> float:
        """Of all of it."""
        return self.timing.seconds

    @cached_property
    def knots_s(self) -> np.ndarray:
        """(K,) float64; times of a trajectory's points: at every change of acceleration, and at least every `STEP_S`.

        Cubic polynomials between points follow a change within an interval only by overshooting it, by half of it.
        """
        times, u = self.timing.t_s, self.timing.u
        if len(u) < 2:
            return np.array([0.0, self.seconds]) if self.seconds > 0.0 else np.zeros(1)
        n = self.path.joints.shape[1]
        first, second = self.path.spline(u, 1)[:, :n], self.path.spline(u, 2)[:, :n]
        pull = (np.diff(self.timing.z) / (2.0 * np.diff(u)))[:, None]
        bend = second * self.timing.z[:, None]
        after, before = first[:-1] * pull + bend[:-1], first[1:] * pull + bend[1:]  # accelerations within each interval
        most = np.maximum(np.abs(after), np.abs(before)).max(axis=0) + 1e-12
        turns = np.abs(after[1:] - before[:-1]) > CHANGE * most
        varies = np.abs(before - after) > CHANGE * most
        kept = times[np.concatenate([[True], (turns | varies[1:] | varies[:-1]).any(axis=1), [True]])]
        parts = np.maximum(1, np.ceil(np.diff(kept) / STEP_S - 1e-6).astype(int))
        fill = [np.linspace(a, b, n, endpoint=False) for a, b, n in zip(kept[:-1], kept[1:], parts, strict=True)]
        return np.concatenate([*fill, times[-1:]])

    @property
    def joints_at_end(self) -> np.ndarray:
        """(n,) where it comes to rest."""
        return self.path.joints_at(self.timing.u[-1])

    @property
    def start_mm(self) -> np.ndarray:
        """(3,) where the pen starts."""
        return self.path.place(self.timing.u[0])

    @property
    def end_mm(self) -> np.ndarray:
        """(3,) where it comes to rest."""
        return self.path.place(self.timing.u[-1])


@dataclass(frozen=True, eq=False)
class Planner:
    """Plans segments over one page.

    Attributes:
        field: the arm's postures.
        limits: what a movement may use of the joints.
        profile: the pen's speeds.
        touch: how it meets the paper.
    """

    field: PostureField
    limits: JointLimits
    profile: MachineLimits
    touch: PenContact = PenContact()

    def drawing(self, plan: DrawingPlan, start_mm: Sequence[float] | np.ndarray) -> list[Segment]:
        """From a place above the page through all strokes and home.

        Raises:
            SketchRobotError: BAD_GOAL, a point is out of reach.
        """
        segments: list[Segment] = []
        at = np.asarray(start_mm, dtype=np.float64)
        for number, stroke in enumerate(plan.strokes):
            draw = self.stroke(stroke, number)
            segments += [self.hop(at, draw.start_mm), draw]
            at = draw.end_mm
        return [*segments, replace(self.home(at), parks=True)]

    def stroke(self, stroke: Stroke, number: int) -> Segment:
        """One stroke, the pen already on its first point."""
        points = np.column_stack([stroke.xy, -self.touch.depths(stroke)])
        path = joint_path(
            self.field, points, spacing_mm=DRAW_MM, speed_mm_s=self.profile.draw_speed_mm_s,
            accel_mm_s2=self.profile.draw_accel_mm_s2 / math.sqrt(2.0),
        )  # fmt: skip
        timing = retime(path, self.limits)
        if len(path.joints) == 1:
            timing = Timing(np.zeros(1), np.zeros(1), np.array([DOT_S]))
        return Segment(path, timing, number)

    def hop(self, from_mm: np.ndarray, to_mm: np.ndarray, *, straight: bool = False) -> Segment:
        """Along the normal up, across, and along the normal down; or straight."""
        high = max(self.touch.lift_mm, from_mm[2], to_mm[2])
        over = [] if straight else [[*from_mm[:2], high], [*to_mm[:2], high]]
        points = np.array([from_mm, *over, to_mm])
        path = joint_path(
            self.field, points, spacing_mm=HOP_MM, speed_mm_s=self.profile.travel_speed_mm_s,
            accel_mm_s2=self.profile.travel_accel_mm_s2 / math.sqrt(2.0),
        )  # fmt: skip
        height = path.xyz_mm[:, 2]
        landing = (height < SLOW_MM) & (np.gradient(height) < 0.0 if len(height) > 1 else height < 0.0)
        slow = np.where(landing, np.minimum(path.speed_mm_s, self.touch.approach_mm_s), path.speed_mm_s)
        path = replace(path, speed_mm_s=slow)
        return Segment(path, retime(path, self.limits))

    def home(self, from_mm: np.ndarray) -> Segment:
        """Up and to the corner of the page."""
        return self.hop(from_mm, np.array([*HOME_MM, self.touch.lift_mm]))

    def rest(self, segment: Segment, u: float) -> Segment:
        """What is left of a segment from u on, from rest."""
        timing = retime(segment.path, segment.limits or self.limits, start_u=u)
        if timing.seconds == 0.0 and segment.stroke >= 0 and len(segment.path.joints) == 1:
            timing = segment.timing
        return replace(segment, timing=timing)


LEAST_S = 1e-5  # between points of a trajectory; segments meet at one point, however their times are rounded


class Timeline:
    """Segments without a gap.

    Args:
        segments: each starting where the one before ends.
        start_s: when the first starts.
    """

    def __init__(self, segments: Sequence[Segment], start_s: float) -> None:
        self.segments = list(segments)
        times = start_s + np.concatenate([[0.0], np.cumsum([segment.seconds for segment in self.segments])])
        self.starts_s = times[:-1].tolist()
        self.end_s = float(times[-1])

    def index(self, t_s: float) -> int:
        """Which segment is followed at a time."""
        return max(0, bisect_right(self.starts_s, t_s) - 1)

    def place(self, t_s: float) -> tuple[int, float, float]:
        """Segment, its u and its du/dt at a time."""
        k = self.index(t_s)
        u, speed = self.segments[k].timing.at(np.array([t_s - self.starts_s[k]]))
        return k, float(u[0]), float(speed[0])

    def sample(self, names: tuple[str, ...], t_s: np.ndarray) -> JointTrajectory:
        """Joints at increasing times (M,)."""
        n = len(names)
        positions, velocities = np.empty((len(t_s), n)), np.zeros((len(t_s), n))
        which = np.maximum(0, np.searchsorted(self.starts_s, t_s, side='right') - 1)
        for k in np.unique(which):
            mine, segment = which == k, self.segments[k]
            u, speed = segment.timing.at(t_s[mine] - self.starts_s[k])
            if segment.path.end == 0.0:
                positions[mine] = segment.path.joints[0]
                continue
            positions[mine] = segment.path.spline(u)[:, :n]
            velocities[mine] = segment.path.spline(u, 1)[:, :n] * speed[:, None]
        return JointTrajectory(names, np.asarray(t_s, dtype=np.float64), positions, velocities)

    def trajectory(self, names: tuple[str, ...], from_s: float, to_s: float) -> JointTrajectory:
        """The segments' knots from the last at or before `from_s` to the first at or after `to_s`.

        Whichever part is asked for, its knots are the same, so that parts fit together.
        """
        first, last = self.index(from_s), self.index(min(to_s, self.end_s))
        times = np.unique(np.concatenate([self.starts_s[k] + self.segments[k].knots_s for k in range(first, last + 1)]))
        times = times[np.concatenate([np.diff(times) > LEAST_S, [True]])]
        start = max(0, int(np.searchsorted(times, from_s, side='right')) - 1)
        end = min(len(times), int(np.searchsorted(times, to_s)) + 1)
        return self.sample(names, times[start:end])

    def stopped(self, t_s: float, limits: JointLimits) -> Timeline:
        """The same up to a time, then braked to rest on the path.

        Its last segment is the one that was being followed; where it ends is `segments[-1].timing.u[-1]`.
        """
        k, u, speed = self.place(t_s)
        gone = t_s - self.starts_s[k]
        segment = self.segments[k]
        if gone >= segment.seconds or segment.path.end == 0.0:
            timing = segment.timing
        else:
            tail = brake(segment.path, limits, start_u=u, speed=speed)
            before = segment.timing.t_s < gone - 1e-9
            timing = Timing(
                np.concatenate([segment.timing.u[before], tail.u]),
                np.concatenate([segment.timing.z[before], tail.z]),
                np.concatenate([segment.timing.t_s[before], gone + tail.t_s]),
            )
        return Timeline([*self.segments[:k], _timed(segment, timing)], self.starts_s[0])


def _timed(segment: Segment, timing: Timing) -> Segment:
    return replace(segment, timing=timing)
