"""How fast a machine moves its pen."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class PenProfile:
    """What a time model needs to know of a machine. The defaults are a light GRBL plotter with a servo pen.

    Attributes:
        name: for people and files.
        draw_speed_mm_s, draw_accel_mm_s2: pen down.
        travel_speed_mm_s, travel_accel_mm_s2: pen up.
        lift_s, drop_s: raising and lowering the pen, standing still.
        junction_deviation_mm: cornering tolerance of the planner (GRBL $11).
        pen_width_mm: width of the line on paper.
    """

    name: str = 'default'
    draw_speed_mm_s: float = 100.0
    draw_accel_mm_s2: float = 1000.0
    travel_speed_mm_s: float = 200.0
    travel_accel_mm_s2: float = 2000.0
    lift_s: float = 0.1
    drop_s: float = 0.1
    junction_deviation_mm: float = 0.01
    pen_width_mm: float = 0.5
