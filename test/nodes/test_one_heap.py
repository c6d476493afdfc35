"""One heap for all threads, in a process of its own: what glibc has allotted is not taken back."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

COUNT_HEAPS = """
import ctypes, sys, threading, xml.etree.ElementTree as tree
from sketch_robot.nodes.one_heap import share_one_heap
if sys.argv[1] == 'one':
    assert share_one_heap()
libc = ctypes.CDLL(None)
libc.malloc.restype, libc.malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
barrier = threading.Barrier(5)
def allocate():
    libc.malloc(1000)
    barrier.wait()
threads = [threading.Thread(target=allocate) for _ in range(4)]
[thread.start() for thread in threads]
barrier.wait()
[thread.join() for thread in threads]
libc.fopen.restype, libc.fopen.argtypes = ctypes.c_void_p, [ctypes.c_char_p, ctypes.c_char_p]
libc.malloc_info.argtypes, libc.fclose.argtypes = [ctypes.c_int, ctypes.c_void_p], [ctypes.c_void_p]
file = libc.fopen(sys.argv[2].encode(), b'w')
libc.malloc_info(0, file)
libc.fclose(file)
print(len(tree.parse(sys.argv[2]).findall('heap')))
"""


def heaps(how: str, report: str) -> int:
    words = [sys.executable, '-c', COUNT_HEAPS, how, report]
    return int(subprocess.run(words, capture_output=True, text=True, check=True).stdout)


def test_threads_share_one_heap_once_told_to(tmp_path: Path) -> None:
    assert heaps('each', str(tmp_path / 'each.xml')) > 1
    assert heaps('one', str(tmp_path / 'one.xml')) == 1
