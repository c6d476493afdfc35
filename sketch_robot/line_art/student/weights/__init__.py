"""Weights of the shipped artists; see docs/line_artist.md."""
