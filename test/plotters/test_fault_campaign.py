"""A slice of the campaign that `python -m bench faults` runs in full: what machines of strangers have shown."""

from __future__ import annotations

import pytest
from fault_campaign import ebb_outcome, grbl_outcome


@pytest.mark.parametrize(
    'kind', ['newline', 'forge-ok', 'button', 'suspend', 'reset+push', 'alarm+push', 'grblHAL', 'FluidNC', 'stuck-pen']
)
def test_nothing_is_lost_astray_or_drawn_far_twice_on_a_grbl_machine(kind: str) -> None:
    outcome = grbl_outcome(kind, 1)
    assert outcome.happened
    assert outcome.wrong == '', outcome


@pytest.mark.parametrize(
    'kind',
    [
        'newline',
        'forge-ok',
        'button',
        'suspend',
        'killed',
        'supply',
        'zero',
        'reset+push',
        'supply+push',
        'alarm',
        'stuck-pen',
    ],
)
def test_nothing_is_lost_astray_or_drawn_far_twice_on_an_ebb(kind: str) -> None:
    outcome = ebb_outcome(kind, 1)
    assert outcome.happened
    assert outcome.wrong == '', outcome
