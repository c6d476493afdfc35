"""From ink to centre lines: ink told from paper, thinned, junctions understood, lines fitted to their ink."""
