"""A stroke counts as drawn when the machine is seen at its end, whatever else is said on the line."""

import numpy as np
import pytest
from grbl_bench import PROFILE, World, off_by_mm, small_plan, twice_mm

PEN_MM = PROFILE.pen_width_mm
TWICE_MM = 0.5  # the overlap of a stroke that was halted, and a little


def forge(world: World, kind: str, count: int) -> None:
    """Let an answer come that nobody has earned."""
    if kind == 'ok':
        world.link.overhear(b'ok\r\n' * count)
    else:  # another program has the port open, too; GRBL answers an empty line with ok
        world.unit.send(b'\n' * count)


@pytest.mark.parametrize('seed', range(15))
@pytest.mark.parametrize('kind', ['ok', 'newline'])
def test_an_answer_that_was_not_earned_loses_no_ink(tmp_path, kind, seed):
    plan, world = small_plan(seed), World(tmp_path)
    rng = np.random.default_rng([seed, *kind.encode()])
    world.plotter.connect()
    world.plotter.home()
    begun_s, count = world.unit.seconds, int(rng.integers(1, 4))
    for share in np.sort(rng.uniform(0.05, 0.98, 2)):
        world.link.at(begun_s + float(share) * plan.predicted_s, lambda: forge(world, kind, count))
    assert world.draw(plan), world.errors
    assert off_by_mm(world, plan) < 0.2
    assert -0.1 < twice_mm(world, plan) < 3.0 * TWICE_MM
    assert world.machine.pen_down_travel_mm == 0.0
    assert not world.machine.down


@pytest.mark.parametrize('seed', range(6))
def test_what_is_forged_before_a_stop_does_not_let_a_stroke_pass_for_drawn(tmp_path, seed):
    """The end of the drawing is then a matter of the next run, which begins with what is proven."""
    plan, world = small_plan(seed), World(tmp_path)
    world.plotter.connect()
    world.plotter.home()
    at_s = world.unit.seconds + float(np.random.default_rng(seed).uniform(0.1, 0.9)) * plan.predicted_s
    world.link.at(at_s, lambda: forge(world, 'ok', 8))
    world.link.at(at_s + 0.004, world.plotter.stop)
    world.plotter.draw(plan, journal=world.journal)
    assert world.draw(plan), world.errors
    assert off_by_mm(world, plan) < 0.2
    assert -0.1 < twice_mm(world, plan) < 3.0 * TWICE_MM
    assert not world.machine.down
