"""Draws with GRBL 1.1 controllers and their relatives; `driver.GrblPlotter` is what others use."""
