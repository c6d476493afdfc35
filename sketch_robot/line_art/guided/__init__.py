"""The guided artist."""

from sketch_robot.line_art.guided.artist import GuidedArtist

__all__ = ['GuidedArtist']
