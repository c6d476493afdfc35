"""Styles as the node `line_artist` is asked for them: which blend, of which file, and the picture that comes of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sensor_msgs.msg import Image
from std_msgs.msg import Header

from sketch_robot.errors import SketchRobotError
from sketch_robot.line_art.art import LineArt
from sketch_robot.line_art.styles.artist import check_for_pens
from sketch_robot.line_art.styles.blend import OWN, Blend, make_blend, parse_blend
from sketch_robot.line_art.styles.runtime import style_names, styles_of
from sketch_robot.nodes.images import image_to_ros
from sketch_robot.nodes.parameters import Parameter

STYLES = Parameter(
    'styles',
    '',
    "The style when no request says, as 'woodcut' or 'woodcut=0.7,hatch_45=0.3'; empty: the artist's own manner.",
)
STYLE_FILE = Parameter(
    'style_file', '', 'A file of styles that you trained; empty: those of the package.', names_file=True
)


def configured_blend(styles: str, file: str) -> Blend | None:
    """The blend of the two parameters; None: the artist's own manner.

    Raises:
        SketchRobotError: BAD_GOAL, there is no such style, or the file cannot be used.
    """
    return blend_of(*parse_blend(styles), file)


def asked_blend(names: Sequence[str], weights: Sequence[float], styles: str, file: str) -> Blend | None:
    """The blend that a request asks for, or the configured one where it names none.

    Raises:
        SketchRobotError: BAD_GOAL, see `make_blend`; or only screens can show it.
    """
    asked = blend_of(names, weights, file)
    blend = asked if len(names) else configured_blend(styles, file)
    if blend is not None:
        check_for_pens(blend, styles_of(file_of(file)))
    return blend


def blend_of(names: Sequence[str], weights: Sequence[float], file: str) -> Blend | None:
    """The blend of a file's styles, or the package's where that is empty; None: the artist's own manner.

    Raises:
        SketchRobotError: BAD_GOAL, see `make_blend`; or the file cannot be used.
    """
    plain = not len(weights) and all(name in OWN for name in names)  # most drawings need no file to be read
    return None if plain else make_blend(names, weights, style_names(file_of(file)))


def problem_with_styles(styles: str, file: str) -> str:
    """Why the two parameters cannot be used; '': they can."""
    try:
        if file:
            style_names(file_of(file))
        configured_blend(styles, file)
    except SketchRobotError as error:
        return error.message
    return ''


def file_of(text: str) -> Path | None:
    """The file of styles that a parameter names."""
    return Path(text).expanduser() if text else None


def picture_to_ros(art: LineArt, header: Header) -> Image | None:
    """What an artist painted as a message, rgb8; None: it paints nothing."""
    return None if art.picture is None else image_to_ros(art.picture, 'rgb8', header)
