"""Machines that put a plan on paper."""
