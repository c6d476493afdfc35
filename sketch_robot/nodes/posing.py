"""Poses as the node `line_artist` is asked for them, and the figure that comes of one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sensor_msgs.msg import Image
from sketch_robot_interfaces.msg import Stroke as StrokeMsg

from sketch_robot.line_art.art import LineArt
from sketch_robot.nodes.images import photo_from_ros
from sketch_robot.nodes.messages import strokes_from_ros
from sketch_robot.nodes.parameters import Parameter
from sketch_robot.photo.sitter import Sitter
from sketch_robot.poses.named import AS_THEY_STAND, NAMES
from sketch_robot.poses.wish import PoseWish

if TYPE_CHECKING:  # what draws bodies takes memory that portraits don't need
    from sketch_robot.poses.drawing import Figure, FigureArtist

POSE = Parameter(
    'pose',
    '',
    'How sitters stand when no request says, at full length; empty: portraits of the head.',
    choices=('', AS_THEY_STAND, *NAMES),
)


def asked_pose(name: str, image: Image, configured: str) -> PoseWish:
    """The pose that a request asks for, or the configured one where it says none.

    Raises:
        SketchRobotError: BAD_GOAL, there is no such pose, or one is named and shown as well; BAD_IMAGE, the picture of
            one cannot be read.
    """
    shown = photo_from_ros(image).rgb if len(image.data) else None
    return PoseWish(name or ('' if shown is not None else configured), shown)


class Figures:
    """Draws bodies, in a worker's thread; what that takes is loaded with the first."""

    def __init__(self) -> None:
        self._artist: FigureArtist | None = None

    def draw(self, photo: Image, wish: PoseWish) -> Figure:
        """The body of a photo's sitter; raises as `FigureArtist.draw`."""
        from sketch_robot.poses.drawing import FigureArtist

        if self._artist is None:
            self._artist = FigureArtist()
        return self._artist.draw(photo_from_ros(photo).rgb, wish)

    def with_head(self, figure: Figure, art: LineArt, head: list[StrokeMsg], sitter: Sitter) -> LineArt:
        """The drawing of the whole sitter, of the portrait and its traced strokes."""
        from sketch_robot.poses.drawing import full_length_art

        return full_length_art(art, strokes_from_ros(head), sitter, figure)

    def forget(self) -> None:
        """Free the networks."""
        self._artist = None
