"""What a node says of itself on `/diagnostics`: once a second, and at once when its state changes.

And how it knows: rates and latencies of the last moments, and the line that a drawing leaves in the log.
"""

from __future__ import annotations

import json
import math
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from statistics import median

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from unique_identifier_msgs.msg import UUID

from sketch_robot.nodes.node import SketchNode

EVERY_S = 1.0
WINDOW_S = 5.0  # of a rate
KEPT = 20  # latencies of which the median and the worst are told
OK, WARN, ERROR = DiagnosticStatus.OK, DiagnosticStatus.WARN, DiagnosticStatus.ERROR


@dataclass(frozen=True)
class Health:
    """How a node is.

    Attributes:
        level: OK, WARN or ERROR.
        message: for a person.
        values: by name, with the unit in the name; numbers are rounded.
    """

    level: bytes
    message: str
    values: Mapping[str, object] = field(default_factory=dict)


class Diagnostics:
    """One status of one node.

    Args:
        node: that speaks.
        what: the status's name, after the node's.
        look: how the node is now; called in the executor's thread.
    """

    def __init__(self, node: SketchNode, what: str, look: Callable[[], Health]) -> None:
        self._node, self._look = node, look
        self._name = f'{node.get_name()}: {what}'
        self._told: tuple[bytes, str] | None = None
        self._out = node.create_publisher(DiagnosticArray, '/diagnostics', 10)
        node.every(EVERY_S, self._publish)

    def changed(self) -> None:
        """Speak now, if what it would say is another state than it said last."""
        health = self._look()
        if (health.level, health.message) != self._told:
            self._publish()

    def _publish(self) -> None:
        health = self._look()
        self._told = health.level, health.message
        status = DiagnosticStatus(
            name=self._name,
            hardware_id=self._node.get_fully_qualified_name(),
            level=health.level,
            message=health.message,
            values=[KeyValue(key=key, value=text_of(value)) for key, value in health.values.items()],
        )
        msg = DiagnosticArray(status=[status])
        msg.header.stamp = self._node.get_clock().now().to_msg()
        self._out.publish(msg)


class Rate:
    """How often something happens, over the last seconds; ticked by one thread, read by any."""

    def __init__(self) -> None:
        self._times: deque[float] = deque(maxlen=1000)
        self.count = 0

    def tick(self) -> None:
        """It has happened."""
        self._times.append(time.monotonic())
        self.count += 1

    @property
    def hz(self) -> float:
        """Times a second."""
        since_s = time.monotonic() - WINDOW_S
        return sum(at_s > since_s for at_s in list(self._times)) / WINDOW_S


class Latency:
    """How long something took, the last times; told by one thread, read by any."""

    def __init__(self) -> None:
        self._seconds: deque[float] = deque(maxlen=KEPT)

    def add(self, seconds: float) -> None:
        """It took so long."""
        self._seconds.append(seconds)

    def values(self, name: str) -> dict[str, float]:
        """NAME_s, the median, and NAME_worst_s; nothing before the first."""
        seconds = list(self._seconds)
        return {f'{name}_s': median(seconds), f'{name}_worst_s': max(seconds)} if seconds else {}


def text_of(value: object) -> str:
    """A value for people and programs: at most 4 digits of a fraction, true and false as in JSON."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f'{value:.4g}' if math.isfinite(value) else str(value)
    return str(value)


def drawing_id(goal_id: UUID) -> str:
    """What a drawing is called in logs and diagnostics of all nodes: the first 8 digits of its goal's UUID."""
    return bytes(goal_id.uuid).hex()[:8]


def log_line(event: str, **values: object) -> str:
    """One line of `key=value` words, for people and log collectors; texts with spaces are quoted as in JSON."""

    def quoted(text: str) -> str:
        plain = text != '' and all(letter.isalnum() or letter in '_.:/+-%' for letter in text)
        return text if plain else json.dumps(text, ensure_ascii=not text.isprintable())

    return ' '.join([event, *(f'{name}={quoted(text_of(value))}' for name, value in values.items())])
