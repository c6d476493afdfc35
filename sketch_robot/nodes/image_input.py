"""A subscription to pictures that fits whatever sends them: reliably or not, as they are or compressed."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from rclpy.callback_groups import CallbackGroup
from rclpy.event_handler import QoSRequestedIncompatibleQoSInfo, SubscriptionEventCallbacks
from rclpy.qos import QoSPolicyKind, QoSProfile
from rclpy.subscription import Subscription
from rclpy.timer import Timer
from sensor_msgs.msg import CompressedImage, Image

from sketch_robot.nodes import qos
from sketch_robot.nodes.images import image_from_compressed
from sketch_robot.nodes.node import SketchNode
from sketch_robot.nodes.parameters import Parameter

RAW, COMPRESSED = 'raw', 'compressed'
TRANSPORT = Parameter(
    'image_transport',
    RAW,
    "How camera pictures come: raw, or compressed (image_transport's JPEG, on the topic with /compressed behind it).",
    choices=(RAW, COMPRESSED),
    read_only=True,
)
Picture: TypeAlias = Image | CompressedImage


def picture_topic(node: SketchNode, topic: str, transport: str) -> str:
    """The whole name of a topic of pictures. As image_transport does it, what is remapped is the plain name."""
    name = node.resolve_topic_name(topic)
    return f'{name}/compressed' if transport == COMPRESSED else name


def unpacked(picture: Picture) -> Image:
    """A picture as it came, decoded when it was compressed.

    Raises:
        SketchRobotError: BAD_IMAGE, it cannot be decoded.
    """
    return image_from_compressed(picture) if isinstance(picture, CompressedImage) else picture


class ImageInput:
    """Pictures of one topic, newest first, none older than one waiting.

    Args:
        node: that listens.
        topic: the plain name, to be remapped.
        on_image: gets each as it came; `unpacked` decodes it, which takes a while.
        transport: RAW or COMPRESSED.
        group: decides when pictures are taken; None: as they come.
    """

    def __init__(
        self,
        node: SketchNode,
        topic: str,
        on_image: Callable[[Picture], None],
        transport: str = RAW,
        group: CallbackGroup | None = None,
    ) -> None:
        self._node, self._group = node, group
        self._topic = picture_topic(node, topic, transport)
        self._kind = CompressedImage if transport == COMPRESSED else Image
        self._on_image = on_image
        self._again: Timer | None = None
        self._subscription: Subscription | None = self._subscribe(qos.IMAGE)

    def _subscribe(self, profile: QoSProfile) -> Subscription:
        events = SubscriptionEventCallbacks(incompatible_qos=self._on_incompatible)
        return self._node.create_subscription(
            self._kind, self._topic, self._on_image, profile, callback_group=self._group, event_callbacks=events
        )

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
