"""Emulated EBB controllers."""
