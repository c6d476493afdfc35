"""One heap for all threads of a process.

glibc gives threads heaps of their own, and what is freed on one is of no use to the others. `line_artist` has thirty
threads, of MediaPipe, OpenVINO and ROS, that mostly wait: with one heap it holds 20 MB less, and draws as fast.
"""

from __future__ import annotations

import ctypes

M_ARENA_MAX = -8  # of mallopt(3)


def share_one_heap() -> bool:
    """Let threads that have not allocated yet use the main thread's heap; call it before there are any.

    Returns:
        whether this C library could: others than glibc have no such option.
    """
    mallopt = getattr(ctypes.CDLL(None), 'mallopt', None)
    return mallopt is not None and mallopt(M_ARENA_MAX, 1) == 1
