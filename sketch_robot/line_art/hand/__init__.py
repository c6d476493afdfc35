"""An artist's own hand, as `sketch-robot keyframe train` learned it: its file, and drawing with it without torch."""
