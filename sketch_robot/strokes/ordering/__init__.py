"""In which order strokes are drawn, for a short time with the pen up."""
