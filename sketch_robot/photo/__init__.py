"""From a picture to a sitter in frame."""
