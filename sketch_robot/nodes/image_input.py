"""A subscription to pictures that fits whatever sends them.

Reliable first (see `qos.IMAGE`). A camera driver that offers best effort only would never be heard; the middleware says
so, and the subscription is made again as best effort.
"""

from __future__ import annotations

from collections.abc import Callable

from rclpy.event_handler import QoSRequestedIncompatibleQoSInfo, SubscriptionEventCallbacks
from rclpy.qos import QoSPolicyKind, QoSProfile
from rclpy.subscription import Subscription
from rclpy.timer import Timer
from sensor_msgs.msg import Image

from sketch_robot.nodes import qos
from sketch_robot.nodes.runner import SketchNode


class ImageInput:
    """Pictures of one topic, newest first, none older than one waiting."""

    def __init__(self, node: SketchNode, topic: str, on_image: Callable[[Image], None]) -> None:
        self._node = node
        self._topic = topic
        self._on_image = on_image
        self._again: Timer | None = None
        self._subscription: Subscription | None = self._subscribe(qos.IMAGE)

    def _subscribe(self, profile: QoSProfile) -> Subscription:
        events = SubscriptionEventCallbacks(incompatible_qos=self._on_incompatible)
        return self._node.create_subscription(Image, self._topic, self._on_image, profile, event_callbacks=events)

    def _on_incompatible(self, event: QoSRequestedIncompatibleQoSInfo) -> None:
        if event.last_policy_kind != QoSPolicyKind.RELIABILITY or self._again is not None:
            return
        self._node.get_logger().info(f'{self._topic} is sent as best effort: listening to it so')
        # Not here: an event handler must not destroy the subscription that it belongs to.
        self._again = self._node.every(0.0, self._subscribe_again)

    def _subscribe_again(self) -> None:
        if self._again is not None:
            self._node.destroy_timer(self._again)
        self.close()
        self._subscription = self._subscribe(qos.IMAGE_BEST_EFFORT)

    def close(self) -> None:
        """Stop listening."""
        if self._subscription is not None:
            self._node.destroy_subscription(self._subscription)
            self._subscription = None
