"""Measurements behind the README's figures: `python -m bench` from the repository's root.

A module `bench/bench_*.py` is found by its name and registers what it measures with `bench.registry.bench`; see there.
Modules that need what is not installed are left out with a word.
"""
