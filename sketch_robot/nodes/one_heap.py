"""One heap for all threads of a process.

glibc gives threads heaps of their own, and what is freed on one is of no use to the others. `line_artist` has thirty
threads, of OpenVINO and ROS, that mostly wait: with one heap it holds 20 MB less, and draws as fast. The same for
`studio`, whose pictures and plans come and go in the threads of its server.
"""

from __future__ import annotations

import ctypes

M_ARENA_MAX, M_MMAP_THRESHOLD = -8, -3  # of mallopt(3)
LARGE = 131_072  # bytes, glibc's own at the start; it would grow to 32 MB with what is freed


def share_one_heap(*, give_back: bool = False) -> bool:
    """Let threads that have not allocated yet use the main thread's heap; call it before there are any.

    Args:
        give_back: whether all that is `LARGE`, as a picture, is given back to the system when it is freed; that is
            slower where such things come and go often.

    Returns:
        whether this C library could: others than glibc have no such option.
    """
    mallopt = getattr(ctypes.CDLL(None), 'mallopt', None)
    if mallopt is None:
        return False
    return mallopt(M_ARENA_MAX, 1) == 1 and (not give_back or mallopt(M_MMAP_THRESHOLD, LARGE) == 1)


def give_back_free() -> bool:
    """Give the system what is free in the heap, after work that took much and seldom comes; a few milliseconds.

    Returns:
        whether there was any, and this C library could.
    """
    trim = getattr(ctypes.CDLL(None), 'malloc_trim', None)
    return trim is not None and trim(0) == 1
