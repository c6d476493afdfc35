"""Lines that an emulated pen leaves."""

from __future__ import annotations

from sketch_robot_emulators.ink import Ink, PlainPage


def test_corners_are_kept_and_points_on_a_straight_way_are_not() -> None:
    ink = Ink(PlainPage())
    ink.touch((0.0, 0.0))
    ink.line_to((5.0, 0.0))
    ink.line_to((10.0, 0.0))
    ink.line_to((10.0, 5.0))
    (line,) = ink.polylines
    assert line.tolist() == [[0.0, 0.0], [10.0, 0.0], [10.0, 5.0]]
