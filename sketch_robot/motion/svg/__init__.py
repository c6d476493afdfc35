"""SVG drawings of other programs, read for a pen: see `reader.read_svg`."""
