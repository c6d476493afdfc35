"""Times and durations as messages and back; in a module that imports nothing else, for nodes that need no more."""

from __future__ import annotations

from builtin_interfaces.msg import Duration, Time


def duration_to_ros(seconds: float) -> Duration:
    """A duration of at least zero."""
    whole, part = divmod(round(max(0.0, seconds) * 1e9), 10**9)
    return Duration(sec=int(whole), nanosec=int(part))


def duration_from_ros(msg: Duration) -> float:
    """Seconds."""
    return msg.sec + msg.nanosec * 1e-9


def seconds_from_ros(msg: Time) -> float:
    """Seconds of the clock that stamped it; 0.0 when unstamped."""
    return msg.sec + msg.nanosec * 1e-9
