"""Whether anybody who could have sent an action's goal is still there.

An action server is not told when a client dies. But every action client listens to the action's feedback, and the
middleware knows who listens: when nobody does any more, the commander is lost.
"""

from __future__ import annotations

import time

from rclpy.node import Node


class Commander:
    """Watches for the loss of all clients of one action.

    Args:
        node: the server's node.
        action: the action's name.
    """

    def __init__(self, node: Node, action: str) -> None:
        self._node = node
        self._topic = f'{action}/_action/feedback'
        self._seen = False
        self._last_s = 0.0

    def begin(self) -> None:
        """A goal begins: its client counts as lost only after it was seen once."""
        self._seen = False
        self._last_s = time.monotonic()

    def lost_for_s(self) -> float:
        """Seconds since a client was last there; 0.0 while one is, or none was seen yet."""
        now_s = time.monotonic()
        if self._node.count_subscribers(self._topic) > 0:
            self._seen, self._last_s = True, now_s
        return now_s - self._last_s if self._seen else 0.0
