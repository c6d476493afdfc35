"""Blends: any number of styles in any proportions, and clear words for what is none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.line_art.styles.blend import Blend, make_blend, parse_blend

KNOWN = ('woodcut', 'hatch_45', 'stipple')


@pytest.mark.parametrize(
    ('names', 'weights', 'wanted'),
    [
        (['woodcut'], [], Blend(('woodcut',), (1.0,))),
        (['woodcut'], [5.0], Blend(('woodcut',), (1.0,))),
        (['woodcut', 'hatch_45'], [], Blend(('woodcut', 'hatch_45'), (0.5, 0.5))),
        (['woodcut', 'hatch_45'], [1.0, 3.0], Blend(('woodcut', 'hatch_45'), (0.25, 0.75))),
        (['woodcut', 'hatch_45'], [0.0, 2.0], Blend(('hatch_45',), (1.0,))),
        (['woodcut', 'stipple', 'woodcut'], [1.0, 2.0, 1.0], Blend(('woodcut', 'stipple'), (0.5, 0.5))),
        (['woodcut', 'stipple'], [1e308, 1e308], Blend(('woodcut', 'stipple'), (0.5, 0.5))),
        ([], [], None),
        (['default'], [], None),
        ([''], [1.0], None),
    ],
)
def test_only_proportions_count(names: list[str], weights: list[float], wanted: Blend | None):
    assert make_blend(names, weights, KNOWN) == wanted


@pytest.mark.parametrize(
    ('names', 'weights', 'words'),
    [
        (['cubist'], [], "there is no style 'cubist'"),
        (['woodcut', 'cubist'], [1.0, 0.0], "there is no style 'cubist'"),
        (['woodcut'], [1.0, 2.0], '1 styles but 2 style weights'),
        ([], [1.0], '0 styles but 1 style weights'),
        (['woodcut'], [-1.0], 'style weights must be finite and not negative'),
        (['woodcut'], [float('nan')], 'style weights must be finite and not negative'),
        (['woodcut'], [float('inf')], 'style weights must be finite and not negative'),
        (['woodcut', 'stipple'], [0.0, 0.0], 'style weights must not all be 0'),
        (['woodcut', 'default'], [], "the artist's own manner cannot be blended"),
        (['woodcut'] * 65, [], '65 styles are too many'),
    ],
)
def test_what_cannot_be_blended_is_refused_with_the_list(names: list[str], weights: list[float], words: str):
    with pytest.raises(SketchRobotError) as refused:
        make_blend(names, weights, KNOWN)
    assert refused.value.code == ErrorCode.BAD_GOAL
    assert words in refused.value.message
    assert 'woodcut, hatch_45, stipple' in refused.value.message


@pytest.mark.parametrize(
    ('text', 'wanted'),
    [
        ('', ([], [])),
        ('woodcut', (['woodcut'], [])),
        (' woodcut , stipple ', (['woodcut', 'stipple'], [])),
        ('woodcut=0.7,stipple=0.3', (['woodcut', 'stipple'], [0.7, 0.3])),
    ],
)
def test_options_name_blends_as_text(text: str, wanted: tuple[list[str], list[float]]):
    assert parse_blend(text) == wanted


@pytest.mark.parametrize(
    ('text', 'words'), [('woodcut=much', 'is no number'), ('woodcut=1,stipple', 'give all styles a weight or none')]
)
def test_a_text_that_is_no_blend_is_refused(text: str, words: str):
    with pytest.raises(SketchRobotError, match=words):
        parse_blend(text)


@given(st.lists(st.tuples(st.sampled_from(KNOWN), st.floats(0, 1e300)), min_size=1, max_size=6))
def test_shares_always_add_up_to_one(parts: list[tuple[str, float]]):
    if not any(weight > 0 for _, weight in parts):
        return
    blend = make_blend([name for name, _ in parts], [weight for _, weight in parts], KNOWN)
    assert blend is not None
    assert sum(blend.weights) == pytest.approx(1.0)
    assert all(weight > 0 for weight in blend.weights)
    assert len(set(blend.names)) == len(blend.names)
