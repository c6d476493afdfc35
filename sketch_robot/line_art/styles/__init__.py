"""Many manners of drawing in one network, and their blends."""
