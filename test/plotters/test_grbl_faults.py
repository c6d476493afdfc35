"""Whatever goes wrong between the program and a GRBL machine, the paper is as planned in the end."""

import pytest
from grbl_bench import PROFILE, STEP_MM, World, fault_at_random, off_by_mm, small_plan, twice_mm

from sketch_robot.errors import ErrorCode
from sketch_robot.plotters.grbl_events import AlarmError, RestartError

PEN_MM = PROFILE.pen_width_mm
OVERLAP_MM = 0.5

# Where the place is lost, what was drawn since the last report, and where the pen coasted, at 100 mm/s: the most of 200
# resets was 2.0 mm.
LOST_MM = 2.5
# kind, runs, value, and by how much the stroke in progress may be drawn twice: the overlap where the place is kept.
FAULTS = [
    ('lose-in', 18, None, OVERLAP_MM),
    ('double-in', 14, None, OVERLAP_MM),
    ('garble-in', 14, None, OVERLAP_MM),
    ('garbage-in', 12, None, OVERLAP_MM),
    ('lose-out', 8, None, OVERLAP_MM),
    ('double-out', 8, None, OVERLAP_MM),
    ('garble-out', 10, None, OVERLAP_MM),
    ('garbage-out', 8, None, OVERLAP_MM),
    ('drop-ok', 8, None, OVERLAP_MM),
    ('stall', 10, 1.5, OVERLAP_MM),
    ('slow', 6, None, OVERLAP_MM),
    ('unplug', 10, 1.0, 20.0),  # the machine draws what it holds, then is reset when the port is opened
    ('reset', 14, None, LOST_MM),
    ('alarm', 10, 1.0, LOST_MM),
    ('alarm', 4, 2.0, OVERLAP_MM),  # the soft limit's, which brakes
]
RUNS = [(kind, seed, value, most) for kind, runs, value, most in FAULTS for seed in range(runs)]


@pytest.mark.parametrize(('kind', 'seed', 'value', 'most_mm'), RUNS, ids=lambda value: str(value))
def test_after_a_fault_and_resuming_the_paper_is_as_planned(tmp_path, kind, seed, value, most_mm):
    plan = small_plan(seed)
    world = World(tmp_path, faults=fault_at_random(kind, seed, plan, value), seed=seed)
    assert world.draw(plan), world.errors
    assert off_by_mm(world, plan) < PEN_MM
    is_reset = any(isinstance(error, AlarmError | RestartError) for error in world.errors)  # a changed byte may be one
    assert -0.1 < twice_mm(world, plan) < (max(LOST_MM, most_mm) if is_reset else most_mm)
    assert world.machine.pen_down_travel_mm == 0.0
    assert world.machine.ink_outside_mm == 0.0
    assert world.machine.outside_mm <= STEP_MM
    assert not world.machine.down


@pytest.mark.parametrize('seed', range(12))
def test_a_machine_that_is_not_reset_by_plugging_in_draws_nothing_twice(tmp_path, seed):
    plan = small_plan(seed)
    world = World(tmp_path, faults=fault_at_random('unplug', seed, plan, 1.0), reset_on_open=False, homes=False)
    assert world.draw(plan), world.errors
    assert [error.code for error in world.errors if error.code != ErrorCode.NOTHING_TO_DRAW] in (
        [],
        [ErrorCode.PLOTTER_OFFLINE],
    )
    assert off_by_mm(world, plan) < PEN_MM
    assert -0.1 < twice_mm(world, plan) < OVERLAP_MM
    assert world.machine.pen_down_travel_mm == 0.0
    assert world.machine.outside_mm <= STEP_MM
    assert not world.machine.down


@pytest.mark.parametrize('seed', range(6))
def test_several_faults_in_one_drawing_are_survived_as_well(tmp_path, seed):
    plan = small_plan(seed)
    faults = fault_at_random('lose-in', seed, plan)
    for kind in ('double-in', 'drop-ok', 'garble-out', 'reset'):
        for fault in fault_at_random(kind, seed + 100, plan).waiting:
            faults.add(fault)
    world = World(tmp_path, faults=faults, seed=seed)
    assert world.draw(plan), world.errors
    assert off_by_mm(world, plan) < PEN_MM
    assert -0.1 < twice_mm(world, plan) < LOST_MM + 3.0 * OVERLAP_MM
    assert world.machine.ink_outside_mm == 0.0
    assert not world.machine.down


@pytest.mark.parametrize('seed', range(4))
def test_a_servo_that_sticks_is_not_noticed_but_ends_up_and_draws_on_the_page(tmp_path, seed):
    """A hobby servo tells nothing of where it is; nobody but a person can see it."""
    plan = small_plan(seed)
    world = World(tmp_path, faults=fault_at_random('stuck-pen', seed, plan, 0.4), seed=seed)
    assert world.draw(plan), world.errors
    assert world.machine.ink_outside_mm == 0.0
    assert world.machine.outside_mm <= STEP_MM
    assert not world.machine.down
