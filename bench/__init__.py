"""Measurements behind the README's figures: `python -m bench` from the repository's root."""
