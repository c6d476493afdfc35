"""GRBL 1.1h's real-time overrides: which byte asks for what. Reference: grbl/config.h and the wiki's "Overrides"."""

from __future__ import annotations

_FEED_STEPS = {0x91: 10, 0x92: -10, 0x93: 1, 0x94: -1}
_RAPID_PERCENT = {0x95: 100, 0x96: 50, 0x97: 25}
_SPINDLE_STEPS = {0x9A: 10, 0x9B: -10, 0x9C: 1, 0x9D: -1}


def override_of(byte: int) -> tuple[str, int] | None:
    """What a byte of a real-time command overrides: 'feed', 'rapid', 'spindle' or 'spindle stop', and its value.

    Of feed and spindle it is a step in percent, 0 for back to 100 %; of rapid the percentage. None: it is no override.
    """
    if byte in (0x90, *_FEED_STEPS):
        return 'feed', _FEED_STEPS.get(byte, 0)
    if byte in _RAPID_PERCENT:
        return 'rapid', _RAPID_PERCENT[byte]
    if byte in (0x99, *_SPINDLE_STEPS):
        return 'spindle', _SPINDLE_STEPS.get(byte, 0)
    return ('spindle stop', 0) if byte == 0x9E else None
