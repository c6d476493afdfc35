"""What every line artist does, and how to get one by name."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.line_art.art import LineArt
from sketch_robot.photo.sitter import Sitter


class Artist(ABC):
    """Draws a sitter in lines. One instance draws one picture at a time; make one for each thread."""

    name: str

    @abstractmethod
    def draw(self, sitter: Sitter) -> LineArt:
        """Draw the sitter; the line art has the crop's size. The same sitter gives the same drawing."""

    def warm_up(self) -> None:  # noqa: B027 - most artists have nothing to do
        """Do what makes the first drawing slow (load weights, compile). May be called more than once."""


def _guided(_runtime: str) -> Artist:
    from sketch_robot.line_art.guided.artist import GuidedArtist  # imported when chosen: artists are heavy

    return GuidedArtist()


def _student(runtime: str) -> Artist:
    from sketch_robot.line_art.student import StudentArtist

    return StudentArtist(runtime=runtime)


ARTISTS: dict[str, Callable[[str], Artist]] = {'guided': _guided, 'student': _student}
RUNTIMES = ('openvino', 'torch')


def make_artist(name: str, *, runtime: str = RUNTIMES[0]) -> Artist:
    """Make the artist of that name.

    Args:
        runtime: what runs its network, one of `RUNTIMES`; artists without one don't mind.

    Raises:
        SketchRobotError: BAD_GOAL, no artist has that name; the message lists those that exist.
    """
    if name not in ARTISTS:
        known = ', '.join(sorted(ARTISTS))
        raise SketchRobotError(ErrorCode.BAD_GOAL, f'there is no artist {name!r}; choose one of: {known}')
    return ARTISTS[name](runtime)
