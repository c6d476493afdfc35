"""What a sitter may wish."""

from __future__ import annotations

import math
from typing import Any

import pytest

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.wishes import AS_IT_IS, Wishes


@pytest.mark.parametrize(
    ('fields', 'said'),
    [
        ({'detail': 'huge'}, "detail must be one of 'few', 'normal', 'many', not 'huge'"),
        ({'age_lines': 1.5}, 'age_lines must lie between 0 and 1, not 1.5'),
        ({'age_lines': math.nan}, 'age_lines must be finite, not nan'),
        ({'caricature': 0.6}, 'caricature must lie between 0 and 0.5, not 0.6'),
        ({'caricature': 'much'}, "caricature is a number, not 'much'"),
    ],
)
def test_a_wish_that_nobody_can_fulfil_is_refused(fields: dict[str, Any], said: str) -> None:
    with pytest.raises(SketchRobotError) as refused:
        Wishes(**fields)
    assert (refused.value.code, refused.value.message) == (ErrorCode.BAD_GOAL, said)


@pytest.mark.parametrize('fields', [{}, {'detail': 'few', 'age_lines': 0.0, 'caricature': 0.5}, {'age_lines': 1}])
def test_what_can_be_wished_is_taken(fields: dict[str, Any]) -> None:
    assert all(getattr(Wishes(**fields), name) == value for name, value in fields.items())


def test_nothing_wished_is_a_drawing_as_it_is() -> None:
    assert Wishes() == AS_IT_IS
    assert (AS_IT_IS.detail, AS_IT_IS.age_lines, AS_IT_IS.caricature) == ('normal', 1.0, 0.0)
