"""Live line art: what a camera sees, drawn at the rate that the computer can hold.

Two things go on side by side: while one frame is drawn, the sitter of the next is looked for, in a thread of its own.
Frames are taken from the middleware when one is wanted, and not before: there the newest takes the place of the one
before it, and what nobody draws is never unpacked. The next is taken so late that its sitter is found just when the
drawing before is done: sooner it would only grow old.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from rclpy.callback_groups import CallbackGroup
from rclpy.task import Future
from sensor_msgs.msg import Image
from std_msgs.msg import Header

from sketch_robot.nodes.diagnostics import Latency, Rate
from sketch_robot.nodes.image_input import ImageInput, Picture
from sketch_robot.nodes.messages import seconds_from_ros
from sketch_robot.nodes.node import SketchNode, Worker, failure_of
from sketch_robot.photo.sitter import Sitter

LEARNT = 0.2  # what the last time counts of what is expected of the next
AHEAD_S = 0.005  # that a sitter is found before it can be drawn: finding takes longer now and then


@dataclass(frozen=True)
class LiveArt:
    """A live frame's line art, and what the artist painted; None: it paints nothing."""

    art: Image
    picture: Image | None


@dataclass
class LiveCount:
    """What became of the live frames that were taken up; ages are those when they were."""

    drawn: int = 0
    too_old: int = 0
    failed: int = 0
    oldest_drawn_s: float = 0.0


class Gate(CallbackGroup):
    """Lets an executor take messages only while it is open."""

    def __init__(self) -> None:
        super().__init__()
        self.open = False

    def can_execute(self, _entity: Any) -> bool:
        """Whether messages may be taken now."""
        return self.open

    def beginning_execution(self, _entity: Any) -> bool:
        """Whether one that was taken may be handled: always, or it would be lost."""
        return True

    def ending_execution(self, _entity: Any) -> None:
        """Nothing: whoever handles messages says what comes next."""


class Expected:
    """How long something will take, by the times before."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def learn(self, seconds: float) -> None:
        """It took so long."""
        self.seconds += (seconds - self.seconds) * (LEARNT if self.seconds else 1.0)


class LiveView:
    """Draws frames while somebody watches; all of it but `find` and `draw` in the executor's thread.

    Args:
        node: whose view it is.
        finding, drawing: its workers for the two.
        find: the sitter in a frame.
        draw: a sitter's line art, with the header of its frame.
        show: gets what was drawn.
        oldest_s: seconds; older frames are not drawn; 0: any age.

    Attributes:
        count, rate, age: what became of the frames, how many are drawn, and how old they were then.
    """

    def __init__(
        self,
        node: SketchNode,
        finding: Worker,
        drawing: Worker,
        *,
        find: Callable[[Picture], Sitter],
        draw: Callable[[Sitter, Header], LiveArt],
        show: Callable[[LiveArt], None],
        oldest_s: Callable[[], float],
    ) -> None:
        self._node, self._finding, self._drawing = node, finding, drawing
        self._find, self._draw, self._show, self._oldest_s = find, draw, show, oldest_s
        self.count, self.rate, self.age = LiveCount(), Rate(), Latency()
        self._image_in: ImageInput | None = None
        self._gate = Gate()
        self._held = self._is_finding = False
        self._found: tuple[Sitter, Header] | None = None  # that waits for the drawing before
        self._begun_s: float | None = None  # the drawing that goes on
        self._find_s, self._draw_s = Expected(), Expected()
        self._timer = node.every(1.0, self._on_time)
        self._timer.cancel()

    @property
    def watching(self) -> bool:
        """Whether frames are listened to."""
        return self._image_in is not None

    def watch(self, watched: bool, transport: str) -> None:
        """Listen to frames, or no longer. Those that nobody needs cost a few milliseconds each."""
        if watched and self._image_in is None:
            self._image_in = ImageInput(self._node, 'image_raw', self._on_image, transport, self._gate)
            self._want_next()
        elif not watched and self._image_in is not None:
            self._image_in.close()
            self._image_in = self._found = None
            self._gate.open = False

    def hold(self, held: bool) -> None:
        """Begin nothing new, for what is more urgent, or go on."""
        self._held = held
        if held:
            self._found = None
            self._gate.open = False
        self._want_next()

    def _want_next(self) -> None:
        """Take the next frame when it is time for it."""
        if self._image_in is None or self._held or self._is_finding or self._found is not None or self._gate.open:
            return
        self._timer.cancel()
        if self._begun_s is not None:
            wait_s = self._begun_s + self._draw_s.seconds - self._find_s.seconds - AHEAD_S - time.monotonic()
            if wait_s > 0.0:
                self._timer.timer_period_ns = round(wait_s * 1e9)
                self._timer.reset()
                return
        self._gate.open = True

    def _on_time(self) -> None:
        self._timer.cancel()
        self._want_next()

    def _on_image(self, msg: Picture) -> None:
        age_s, limit_s = self._age_s(msg.header), self._oldest_s()
        if age_s > limit_s > 0.0:
            self.count.too_old += 1
            return  # the gate stays open for the next
        self.count.oldest_drawn_s = max(self.count.oldest_drawn_s, age_s)
        self._gate.open = False
        self._is_finding = True
        found = self._finding.run(_timed, self._find, msg)
        found.add_done_callback(partial(self._on_found, msg.header))

    def _on_found(self, header: Header, future: Future) -> None:
        self._is_finding = False
        if future.exception() is not None:
            self._fail(future)
        else:
            sitter, seconds = future.result()
            self._find_s.learn(seconds)
            if self._begun_s is None:
                self._begin(sitter, header)
            elif not self._held:
                self._found = sitter, header
        self._want_next()

    def _begin(self, sitter: Sitter, header: Header) -> None:
        self._begun_s = time.monotonic()
        self._drawing.run(_timed, self._draw, sitter, header).add_done_callback(self._on_drawn)

    def _on_drawn(self, future: Future) -> None:
        self._begun_s = None
        if self._found is not None:
            waited, self._found = self._found, None
            self._begin(*waited)
        self._want_next()
        if future.exception() is not None:
            self._fail(future)
            return
        live, seconds = future.result()
        self._draw_s.learn(seconds)
        self.count.drawn += 1
        self.rate.tick()
        if live.art.header.stamp.sec:
            self.age.add(self._age_s(live.art.header))
        self._show(live)

    def _fail(self, future: Future) -> None:
        self.count.failed += 1
        reason = failure_of(future.exception())
        self._node.get_logger().info(f'no live line art: {reason}', throttle_duration_sec=10.0)

    def _age_s(self, header: Header) -> float:
        """0 when nobody stamped it."""
        stamp = header.stamp
        if not (stamp.sec or stamp.nanosec):
            return 0.0
        return self._node.get_clock().now().nanoseconds * 1e-9 - seconds_from_ros(stamp)


def _timed(work: Callable[..., Any], *args: Any) -> tuple[Any, float]:
    """What work gives, and how many seconds it took, without what it waited for its worker."""
    begun_s = time.monotonic()
    return work(*args), time.monotonic() - begun_s
