"""Seeds give the same noise for ever; walks and sliders go where they should."""

from __future__ import annotations

import numpy as np
import pytest

from sketch_robot.characters.character_file import CharacterNet
from sketch_robot.characters.latents import any_seed, moved, noise_of, seed_of, walk
from sketch_robot.errors import ErrorCode, SketchRobotError

# Written down when the first generator was shipped. If these change, every seed gives another face: they must not.
FIRST = [1.503451, -0.467731, -0.941211, 1.965574, 1.200651]


def test_a_seed_gives_the_same_noise_for_ever() -> None:
    assert noise_of(42, range(3), 5)[2].tolist() == pytest.approx(FIRST, abs=1e-6)


def test_candidates_are_the_same_one_by_one_and_all_at_once() -> None:
    together = noise_of(7, range(20), 64)
    assert np.array_equal(together[13:14], noise_of(7, range(13, 14), 64))
    assert not np.array_equal(together[0], noise_of(8, range(1), 64)[0])


def test_noise_is_normal() -> None:
    values = noise_of(1, range(400), 63).ravel()
    assert abs(values.mean()) < 0.02
    assert abs(values.std() - 1) < 0.02
    assert abs((values**4).mean() - 3) < 0.2


@pytest.mark.parametrize('text', ['-1', '4294967296', 'anna', '1.5', ''])
def test_what_is_no_seed_is_refused(text: str) -> None:
    with pytest.raises(SketchRobotError, match='seed') as caught:
        seed_of(text)
    assert caught.value.code == ErrorCode.BAD_GOAL


def test_any_seed_is_one_that_can_be_said() -> None:
    assert 0 <= any_seed() < 1_000_000


def test_a_walk_goes_from_one_to_the_other_at_their_lengths() -> None:
    one, other = noise_of(3, range(2), 64)
    way = walk(one, other, 9)
    assert way[0] == pytest.approx(one, abs=1e-5)
    assert way[-1] == pytest.approx(other, abs=1e-5)
    lengths = np.linalg.norm(way, axis=1)
    assert lengths.min() > 0.9 * min(np.linalg.norm(one), np.linalg.norm(other))
    assert walk(one, one, 3) == pytest.approx(np.tile(one, (3, 1)), abs=1e-5)


def test_sliders_move_along_the_main_directions(tiny_net: CharacterNet) -> None:
    start = np.zeros(tiny_net.latent, np.float32)
    assert moved(tiny_net, start, (0.0, 2.0)) == pytest.approx(2 * tiny_net.directions[1])
    for wrong in ((4.0,), (float('nan'),), (0.0,) * 9):
        with pytest.raises(SketchRobotError, match='slider'):
            moved(tiny_net, start, wrong)
