"""What holds for all tests."""

import signal
import threading

import pytest

# A suite started in the background inherits that Ctrl-C is ignored, and would hand that on to what it interrupts.
if threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """System tests first: they are long and mostly wait, and others fill the processor meanwhile."""
    items.sort(key=lambda item: item.get_closest_marker('system') is None)
