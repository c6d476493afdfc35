"""Values of people and files: one rule each, one sentence each."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.validation import (
    FINITE,
    NOT_NEGATIVE,
    POSITIVE,
    Rule,
    all_fit,
    check_fields,
    fits,
    is_number,
    numbers_of,
    problem_with,
    require,
)

PLAIN = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.lists(st.integers()))


@pytest.mark.parametrize(
    ('value', 'rule', 'said'),
    [
        (True, FINITE, 'speed is a number, not True'),
        ('20', FINITE, "speed is a number, not '20' (write 1.0e+3 for 1e3)"),
        ([1, 2], FINITE, 'speed is a number, not a list of 2'),
        (math.nan, FINITE, 'speed must be finite, not nan'),
        (0.0, POSITIVE, 'speed must be positive, not 0'),
        (-0.5, NOT_NEGATIVE, 'speed must be at least 0, not -0.5'),
        (7, Rule(float, high=5.0), 'speed must be at most 5, not 7'),
        (7.5, Rule(float, 1.0, 5.0), 'speed must lie between 1 and 5, not 7.5'),
        (1, Rule(float, above=2.0), 'speed must be greater than 2, not 1'),
        (2.5, Rule(int), 'speed is a whole number, not 2.5'),
        (True, Rule(int), 'speed is a whole number, not True'),
        (1, Rule(bool), 'speed is true or false, not 1'),
        ('up', Rule(str, choices=('left', 'right')), "speed must be one of 'left', 'right', not 'up'"),
    ],
)
def test_what_cannot_be_taken_is_said_in_a_sentence(value: Any, rule: Rule, said: str) -> None:
    assert problem_with('speed', value, rule) == said


@pytest.mark.parametrize(
    ('value', 'rule'),
    [(20, FINITE), (0, NOT_NEGATIVE), (5, Rule(float, 1.0, 5.0)), (False, Rule(bool)), ('', Rule(str)), (3, Rule(int))],
)
def test_what_fits_is_taken(value: Any, rule: Rule) -> None:
    assert problem_with('speed', value, rule) == ''


@given(PLAIN, st.sampled_from([FINITE, POSITIVE, NOT_NEGATIVE]))
def test_what_a_rule_for_numbers_takes_is_a_finite_number(value: Any, rule: Rule) -> None:
    taken = problem_with('speed', value, rule) == ''
    assert taken == (is_number(value) and (rule is FINITE or value > 0 or (rule is NOT_NEGATIVE and value == 0)))


def test_an_integer_beyond_all_floats_is_no_number() -> None:
    assert not is_number(10**400)
    assert problem_with('speed', 10**400, FINITE) == f'speed must be finite, not 1{"0" * 79}'


def test_a_misspelt_key_is_named_with_the_one_that_was_meant() -> None:
    with pytest.raises(SketchRobotError) as refused:
        check_fields({'sped': 1}, {'speed': FINITE, 'port': Rule(str)}, 'the arm')
    assert refused.value.code == ErrorCode.BAD_GOAL
    assert refused.value.message == "the arm: there is no 'sped'; did you mean 'speed'?"


def test_a_strange_key_is_answered_with_all_that_are_known() -> None:
    with pytest.raises(SketchRobotError, match="there is no 'colour'; known: speed, port"):
        check_fields({'colour': 1}, {'speed': FINITE, 'port': Rule(str)}, 'the arm')


def test_the_first_unusable_value_of_a_mapping_is_named() -> None:
    with pytest.raises(SketchRobotError, match='the arm: port is a text, not 3'):
        check_fields({'speed': 1.0, 'port': 3}, {'speed': FINITE, 'port': Rule(str)}, 'the arm')


def test_a_room_refuses_with_a_code_of_its_own() -> None:
    with pytest.raises(SketchRobotError) as refused:
        require('draw_speed', -1.0, POSITIVE, ErrorCode.BAD_PLAN)
    assert refused.value.code == ErrorCode.BAD_PLAN


def test_numbers_are_held_against_a_range_alone_and_in_arrays() -> None:
    assert [fits(value, POSITIVE) for value in (1e-9, 0.0, -1.0, math.inf, math.nan)] == [True] + [False] * 4
    assert [fits(value, Rule(float, low=0.0, high=2.0)) for value in (0, 2, 2.1)] == [True, True, False]
    assert all_fit(np.array([[0.0, 1.0], [2.0, 3.0]]), NOT_NEGATIVE)
    assert not all_fit(np.array([0.0, 1.0]), POSITIVE)
    assert not all_fit(np.array([1.0, math.nan]))


@pytest.mark.parametrize('values', ['text', None, [1.0, 2.0], [1.0, 2.0, math.inf], [[1.0, 2.0, 3.0]], [1.0, 'x', 3.0]])
def test_three_numbers_are_three_finite_numbers(values: object) -> None:
    assert numbers_of(values, 3) is None
    assert numbers_of(['1', '2e1', '-3'], 3) == pytest.approx([1.0, 20.0, -3.0])
