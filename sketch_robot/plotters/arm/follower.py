"""Let an arm follow segments: trajectories in parts, a little ahead, each ending at rest; joint feedback watched.

Whatever happens to this program, the arm has got no more than `HORIZON_S` to do, and behind that it brakes on the path
and lifts the pen. So the pen never stays on the paper because nobody talks to the arm any more.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

import numpy as np

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.plotters.arm.retime import JointLimits
from sketch_robot.plotters.arm.segments import Segment, Timeline
from sketch_robot.plotters.arm.transport import ArmTransport, JointSample

HORIZON_S = 0.4  # how far ahead the arm knows its way
POLL_S = 0.02
LAGS_S = np.array([0.0, 0.05, 0.1, 0.15, 0.2])  # how far an arm may be behind its command without being astray
ARRIVE_S = 1.0  # how long it may take to come to rest after the last command
Lift = Callable[[np.ndarray], list[Segment]]  # from a place on the page, mm
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Watch:
    """When an arm is no longer trusted.

    Attributes:
        astray: how far a joint may be from where it was told to be, rad or m.
        arrived: how near it must be at rest.
        late_s: how old the joints' last word may be.
    """

    astray: float = 0.05
    arrived: float = 0.01
    late_s: float = 0.3


@dataclass(frozen=True)
class Halt:
    """Where the arm was halted.

    Attributes:
        segment, u: on which segment, and at which u of its path.
        at_mm: (3,) float64; there on the page.
        now_mm: (3,) float64; where it is now, its pen lifted.
    """

    segment: int
    u: float
    at_mm: np.ndarray
    now_mm: np.ndarray


class Follower:
    """Moves one arm.

    Args:
        transport: to the arm.
        names: of its joints.
        limits: what braking may use.
        watch: when to stop trusting it.
    """

    def __init__(self, transport: ArmTransport, names: tuple[str, ...], limits: JointLimits, watch: Watch) -> None:
        self._transport, self._names, self._limits, self._watch = transport, names, limits, watch
        self._line = Timeline([], 0.0)

    def follow(
        self,
        segments: Sequence[Segment],
        *,
        halt_wanted: Callable[[], bool],
        on_tick: Callable[[Timeline, JointSample], None],
        lift: Lift | None = None,
    ) -> Halt | None:
        """Follow segments to rest at the end of the last one.

        Args:
            segments: from where the arm stands.
            halt_wanted: asked at every step; once it says so, the arm brakes on its path and lifts its pen.
            on_tick: told where the arm is, at every step.
            lift: segments that lift the pen from a place (3,) mm; appended to everything that the arm is told.

        Returns:
            None at the end; where it came to rest when halted.

        Raises:
            SketchRobotError: PLOTTER_OFFLINE, its joints fall silent; PLOTTER_ALARM, they are not where they should be.
                The arm was told to hold. After any other error it has braked on its path and lifted its pen.
        """
        self._line = Timeline(segments, self._transport.now_s() + self._transport.lead_s)
        try:
            return self._follow(halt_wanted, on_tick, lift)
        except SketchRobotError as error:
            if error.code in (ErrorCode.PLOTTER_ALARM, ErrorCode.PLOTTER_OFFLINE):
                _log.error('the arm is told to hold: %s', error.message)
                with suppress(SketchRobotError):  # the first error is the one to tell
                    self._transport.hold()
            else:
                self._come_to_rest(lift)
            raise
        except BaseException:
            self._come_to_rest(lift)
            raise

    def _follow(
        self,
        halt_wanted: Callable[[], bool],
        on_tick: Callable[[Timeline, JointSample], None],
        lift: Lift | None,
    ) -> Halt | None:
        transport, line = self._transport, self._line
        known_s = -np.inf
        halt: Halt | None = None
        while True:
            now_s = transport.now_s()
            if halt is None and now_s < line.end_s and halt_wanted():
                braked = line.stopped(now_s + transport.lead_s, self._limits)
                at_mm = braked.segments[-1].end_mm
                line = self._line = _lifted(braked, lift)
                halt = Halt(
                    len(braked.segments) - 1, float(braked.segments[-1].timing.u[-1]), at_mm, line.segments[-1].end_mm
                )
                known_s = -np.inf
            if known_s < line.end_s and known_s - now_s < 0.5 * HORIZON_S:
                known_s = self._send(line, now_s, lift)
            sample = transport.sample()
            self.check(sample, line)
            on_tick(line, sample)
            if now_s >= line.end_s and self._has_arrived(line, sample, now_s):
                return halt
            transport.wait(POLL_S if now_s >= line.end_s else min(POLL_S, max(line.end_s - now_s, 1e-4)))

    def _come_to_rest(self, lift: Lift | None) -> None:
        """Brake on the path and lift the pen, whatever has gone wrong here."""
        transport = self._transport
        with suppress(SketchRobotError):  # the first error is the one to tell
            line = self._line
            if transport.now_s() < line.end_s:
                line = _lifted(line.stopped(transport.now_s() + transport.lead_s, self._limits), lift)
            transport.send(line.trajectory(self._names, transport.now_s(), line.end_s))
            while transport.now_s() < line.end_s:
                transport.wait(POLL_S)

    def _send(self, line: Timeline, now_s: float, lift: Lift | None) -> float:
        """Tell the arm the next part of its way; until when it knows it."""
        until_s = now_s + HORIZON_S
        if until_s >= line.end_s:
            told, until_s = line, line.end_s
        else:
            told = _lifted(line.stopped(until_s, self._limits), lift)
        self._transport.send(told.trajectory(self._names, now_s, told.end_s))
        return until_s

    def check(self, sample: JointSample, line: Timeline) -> None:
        """Whether the joints are where they should be.

        Raises:
            SketchRobotError: PLOTTER_OFFLINE, PLOTTER_ALARM.
        """
        self.check_word(sample)
        told = line.sample(self._names, sample.t_s - LAGS_S[::-1]).positions
        off = np.abs(sample.positions - told)
        nearest = off[int(np.argmin(off.max(axis=1)))]
        worst = int(np.argmax(nearest))
        if nearest[worst] > self._watch.astray:
            raise SketchRobotError(
                ErrorCode.PLOTTER_ALARM,
                f'joint {self._names[worst]!r} is {nearest[worst]:.3f} from where it should be; the arm was told to '
                'hold and its pen may be on the paper; look what is in its way, then home it',
            )

    def check_word(self, sample: JointSample) -> None:
        """Whether the joints' last word can be used.

        Raises:
            SketchRobotError: PLOTTER_OFFLINE, it is old; PLOTTER_ALARM, it is no number.
        """
        if not (np.isfinite(sample.positions).all() and np.isfinite(sample.t_s)):
            raise SketchRobotError(
                ErrorCode.PLOTTER_ALARM,
                'the arm says that its joints are nowhere (a position is not finite); check its controller',
            )
        age_s = self._transport.now_s() - sample.t_s
        if age_s > self._watch.late_s:
            raise SketchRobotError(
                ErrorCode.PLOTTER_OFFLINE,
                f'the arm has said nothing of its joints for {age_s:.2f} s; check its controller and the connection',
            )

    def _has_arrived(self, line: Timeline, sample: JointSample, now_s: float) -> bool:
        if sample.t_s < line.end_s:
            return False
        off = np.abs(sample.positions - line.sample(self._names, np.array([line.end_s])).positions[0])
        if off.max() <= self._watch.arrived:
            return True
        if now_s - line.end_s > ARRIVE_S:
            worst = int(np.argmax(off))
            raise SketchRobotError(
                ErrorCode.PLOTTER_ALARM,
                f'joint {self._names[worst]!r} does not arrive: it is {off[worst]:.3f} from its place; look what is in '
                'its way, then home the arm',
            )
        return False


def _lifted(line: Timeline, lift: Lift | None) -> Timeline:
    """A line and the segments that lift the pen where it ends."""
    lifts = lift(line.segments[-1].end_mm) if lift is not None else []
    return Timeline([*line.segments, *lifts], line.starts_s[0]) if lifts else line
