"""Emulated GRBL controllers."""
