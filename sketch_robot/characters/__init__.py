"""Faces that nobody has: a generator learned from pictures of characters, drawn when nobody sits."""
