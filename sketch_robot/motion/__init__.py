"""From strokes in pixels to a timed plan on a page, in millimetres."""
