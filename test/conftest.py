"""What holds for all tests."""

import os
import signal
import threading

import pytest
from hypothesis import HealthCheck, settings

pytest_plugins = ['sketch_robot.testing.fixtures']

# A suite started in the background inherits that Ctrl-C is ignored, and would hand that on to what it interrupts.
if threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# The same examples in each run, so that a red suite means a change; HYPOTHESIS_PROFILE=search looks for new ones.
patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile('same', patient, derandomize=True, print_blob=True)
settings.register_profile('search', patient, print_blob=True)
settings.load_profile(os.environ.get('HYPOTHESIS_PROFILE', 'same'))


@pytest.fixture(autouse=True)
def own_state(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """No test finds what another one has left of its drawings, nor touches the user's."""
    monkeypatch.setenv('XDG_STATE_HOME', str(tmp_path_factory.mktemp('state')))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """System tests first: they are long and mostly wait, and others fill the processor meanwhile.

    Their processes find each other by a middleware that waits on the clock, on a computer that others may keep busy:
    one that fails is run once more, and the summary names it as RERUN with what went wrong. No other test is.
    """
    items.sort(key=lambda item: item.get_closest_marker('system') is None)
    for item in items:
        if item.get_closest_marker('system'):
            item.add_marker(pytest.mark.flaky(reruns=1))
