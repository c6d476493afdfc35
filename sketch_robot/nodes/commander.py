"""Whether the client that sent an action's goal is still there.

An action server is not told when a client dies. There are two ways to know:

* A client proves its life: it sends its goal's id on `<action>_keepalive`, several times in the time that it may be
  silent. It promises to in its goal, or begins to without a promise; from the first sign on, its silence is its loss.
* Of others the middleware knows who is there. Every action client listens to the action's feedback; those that do and
  can send goals are taken down when a goal begins, and when none of them is left, nobody is who could have sent it.
  What only listens, as `ros2 topic echo` or a recording does, or comes later, does not count.
"""

from __future__ import annotations

import time

from rclpy.node import Node, NodeNameNonExistentError
from unique_identifier_msgs.msg import UUID

from sketch_robot.nodes import qos

SETTLE_S = 2.0  # the middleware may hear of a client's listening a little later than of its goal
LONGEST_LOOK_S = 0.5  # between two looks more has passed only when this process itself was held up


def rest_id(digest: str) -> UUID:
    """What signs of life name while the rest of a drawing is drawn: the first 16 bytes of its plan's digest."""
    return UUID(uuid=list(bytes.fromhex(digest[:32]).ljust(16, b'\0')))


class Commander:
    """Watches for the loss of the client of one action's goal.

    Args:
        node: the server's node.
        action: the action's name.
    """

    def __init__(self, node: Node, action: str) -> None:
        self._node = node
        self._feedback = node.resolve_topic_name(f'{action}/_action/feedback')
        self._requests = node.resolve_service_name(f'{action}/_action/send_goal')
        self._goal_id: bytes | None = None
        self._by_signs = self._may_leave = False
        self._clients: set[bytes] = set()
        self._others: set[bytes] = set()
        self._begun_s = self._looked_s = self._silent_s = 0.0
        node.create_subscription(UUID, f'{action}_keepalive', self._on_sign, qos.KEEPALIVE)

    def begin(self, goal_id: UUID | None = None, *, promised: bool = True, may_leave: bool = False) -> None:
        """A goal begins.

        Args:
            goal_id: what its client's signs of life name; None: it sends none.
            promised: whether it has said that it sends them; else the middleware is asked until the first one comes.
            may_leave: whether a client that sends none need not live.
        """
        self._goal_id = None if goal_id is None else bytes(goal_id.uuid)
        self._by_signs = goal_id is not None and promised
        self._may_leave = may_leave
        self._clients, self._others = set(), set()
        self._silent_s = 0.0
        self._begun_s = self._looked_s = time.monotonic()

    def lost_for_s(self) -> float:
        """Seconds since the client was last there; 0.0 while it is, or none was seen yet. To be asked all the time."""
        now_s = time.monotonic()
        self._silent_s += min(now_s - self._looked_s, LONGEST_LOOK_S)
        self._looked_s = now_s
        if not self._by_signs and (self._may_leave or self._could_be_there(now_s)):
            self._silent_s = 0.0
        return self._silent_s

    def _on_sign(self, msg: UUID) -> None:
        if bytes(msg.uuid) == self._goal_id:
            self._by_signs, self._silent_s = True, 0.0

    def _could_be_there(self, now_s: float) -> bool:
        listeners = self._node.get_subscriptions_info_by_topic(self._feedback)
        here = {bytes(one.endpoint_gid): one for one in listeners}
        if now_s - self._begun_s < SETTLE_S:
            for gid in here.keys() - self._clients - self._others:
                sends = self._can_send(here[gid].node_name, here[gid].node_namespace)
                (self._clients if sends else self._others).add(gid)
        return not self._clients or not self._clients.isdisjoint(here)

    def _can_send(self, name: str, namespace: str) -> bool:
        if not namespace.startswith('/'):
            return True  # whose endpoint it is has not been heard yet; rcl would refuse the name
        try:
            clients = self._node.get_client_names_and_types_by_node(name, namespace)
        except NodeNameNonExistentError:
            return True  # it is not known yet: it is given the benefit of the doubt
        return any(service == self._requests for service, _ in clients)
