"""Relatives of GRBL: what they list, what they answer, and where they count from after homing."""

from __future__ import annotations

import pytest

from sketch_robot_emulators import FLUIDNC, GRBLHAL, GrblUnit, Hardware, VirtualLink
from sketch_robot_emulators.grbl.settings import GRBL, Dialect
from sketch_robot_emulators.ink import PlainPage

SWITCHES = Hardware(PlainPage(), switch_mm=(-1.0, -1.0, 10.0))
HOMING = {22: 1.0, 24: 600.0, 25: 6000.0, 130: 80.0, 131: 60.0}


def linked(dialect: Dialect, settings: dict[int, float] | None = None) -> VirtualLink[GrblUnit]:
    link = VirtualLink(GrblUnit(SWITCHES, settings={**HOMING, **(settings or {})}, dialect=dialect))
    link.open()
    assert dialect.banner == link.read_line(1.0)
    if int({**HOMING, **(settings or {})}[22]) & 1:
        assert link.read_line(1.0) == "[MSG:'$H'|'$X' to unlock]"
    return link


def ask(link: VirtualLink[GrblUnit], line: str, seconds: float = 1.0) -> list[str]:
    """What is answered, up to the `ok` or the error."""
    link.write(line.encode() + b'\n')
    told: list[str] = []
    while (answer := link.read_line(seconds)) is not None:
        told.append(answer)
        if answer == 'ok' or answer.startswith('error'):
            return told
    return told


def test_fluidnc_lists_few_settings_but_answers_each_by_itself() -> None:
    link = linked(FLUIDNC)
    assert ask(link, '$$') == ['$10=3', '$13=0', 'ok']
    assert ask(link, '$22') == ['$22=1', 'ok']
    assert ask(link, '$999') == ['error:3']


def test_grbl_itself_answers_no_single_setting() -> None:
    assert ask(linked(GRBL), '$22') == ['error:3']


@pytest.mark.parametrize(('mask', 'homes'), [(1, True), (3, True), (2, False), (0, False)])
def test_homing_is_on_when_bit_0_of_22_is_set(mask: int, homes: bool) -> None:
    assert ask(linked(GRBLHAL, {22: mask}), '$H', 60.0) == (['ok'] if homes else ['error:5'])


@pytest.mark.parametrize(
    ('dialect', 'place', 'inside', 'outside'),
    [(GRBL, '-79.000,-59.000', -80.0, 1.0), (FLUIDNC, '0.000,0.000', 80.0, -1.0)],
    ids=['negative', 'positive'],
)
def test_a_machine_counts_from_its_switches_down_from_0_or_up_to_its_travel(
    dialect: Dialect, place: str, inside: float, outside: float
) -> None:
    link = linked(dialect, {20: 1.0})
    assert ask(link, '$H', 60.0) == ['ok']
    link.write(b'?')
    assert f'MPos:{place},' in str(link.read_line(1.0))
    assert ask(link, f'$J=G53X{inside}F6000') == ['ok']
    link.wait(3.0)
    assert ask(link, f'$J=G53X{outside}F6000') == ['error:15']
