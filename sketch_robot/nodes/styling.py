"""The picture of an artist that paints, for the topic `styled_image`."""

from __future__ import annotations

from sensor_msgs.msg import Image
from std_msgs.msg import Header

from sketch_robot.line_art.art import LineArt
from sketch_robot.nodes.images import image_to_ros


def picture_to_ros(art: LineArt, header: Header) -> Image | None:
    """What an artist painted as a message, rgb8; None: it paints nothing."""
    return None if art.picture is None else image_to_ros(art.picture, 'rgb8', header)
