"""What every line artist does, and how to get one by name."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.line_art.art import LineArt
from sketch_robot.photo.sitter import Sitter


class Artist(ABC):
    """Draws a sitter in lines. One instance draws one picture at a time; make one for each thread.

    Attributes:
        name: for people.
        whole_picture: whether it is given the whole picture, and nobody is looked for in it.
    """

    name: str
    whole_picture: bool = False

    @abstractmethod
    def draw(self, sitter: Sitter) -> LineArt:
        """Draw the sitter; the line art has the crop's size. The same sitter gives the same drawing."""

    def draw_live(self, sitter: Sitter) -> LineArt:
        """Draw the sitter for a live view, as `draw` does or coarser but sooner."""
        return self.draw(sitter)

    def warm_up(self) -> None:  # noqa: B027 - most artists have nothing to do
        """Do what makes the first drawing slow (load weights, compile). May be called more than once."""


def _guided(_runtime: str) -> Artist:
    from sketch_robot.line_art.guided.artist import GuidedArtist  # imported when chosen: artists are heavy

    return GuidedArtist()


def _student(runtime: str) -> Artist:
    from sketch_robot.line_art.student.artist import StudentArtist

    return StudentArtist(runtime=runtime)


def _drawing(_runtime: str) -> Artist:
    from sketch_robot.line_art.drawing import DrawingArtist

    return DrawingArtist()


ARTISTS: dict[str, Callable[[str], Artist]] = {'drawing': _drawing, 'guided': _guided, 'student': _student}
RUNTIMES = ('openvino', 'torch')


ENTRY_POINTS = 'sketch_robot.artists'  # functions of a runtime's name that make an artist
NET_ENDINGS = ('.onnx', '.xml', '.tflite')
HAND_ENDING = '.safetensors'  # of `sketch-robot keyframe train`


def artist_names() -> tuple[str, ...]:
    """Names of the artists here and of those that other packages bring, sorted."""
    return tuple(sorted({*ARTISTS, *_brought()}))


def make_artist(name: str, *, runtime: str = RUNTIMES[0]) -> Artist:
    """Make the artist of that name.

    Args:
        name: one of `artist_names`, or the path of a network (see `own_net`) or of a hand (see `hand`), as its user
            gives it.
        runtime: what runs the student's network, one of `RUNTIMES`; others don't mind.

    Raises:
        SketchRobotError: BAD_GOAL, no artist has that name (the message lists those that exist), its package cannot be
            used, or the network cannot.
    """
    if name in ARTISTS:
        return ARTISTS[name](runtime)
    if is_network(name) and name.lower().endswith(HAND_ENDING):
        from sketch_robot.line_art.hand.artist import HandArtist

        return HandArtist(Path(name).expanduser())
    if is_network(name):
        from sketch_robot.line_art.own_net import NetArtist

        return NetArtist(Path(name).expanduser())
    point = _brought().get(name)
    if point is None:
        known = ', '.join(artist_names())
        raise SketchRobotError(ErrorCode.BAD_GOAL, f'there is no artist {name!r}; choose one of: {known}')
    try:
        artist = point.load()(runtime)
    except Exception as error:
        raise SketchRobotError(ErrorCode.BAD_GOAL, f'the artist {name!r} cannot be made: {error}') from error
    if not isinstance(artist, Artist):
        raise SketchRobotError(ErrorCode.BAD_GOAL, f'{point.value} makes no artist, for {name!r}')
    return artist


def problem_with_artist(name: str) -> str:
    """Say why no artist can be had by that name; '' when one can, as far as is seen without loading it."""
    if name in artist_names():
        return ''
    try:
        make_artist(name)  # a network's file and its YAML are looked at, the network is read when it is warmed up
    except SketchRobotError as error:
        return error.message
    return ''


def is_network(name: str) -> bool:
    """Whether a name is the path of a network, or of a hand, which is one."""
    return name not in ARTISTS and name.lower().endswith((*NET_ENDINGS, HAND_ENDING))


def _brought() -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=ENTRY_POINTS)}
