"""Whatever goes wrong between the program and a GRBL machine, the paper is as planned in the end."""

from pathlib import Path

import numpy as np
import pytest
from drawings import plan_of
from grbl_bench import CARD, PROFILE, STEP_MM, World, fault_at_random, make_driver, off_by_mm, small_plan, twice_mm

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.plotters.grbl.interruptions import AlarmError, RestartError
from sketch_robot.plotters.journal import Journal
from sketch_robot_emulators import Fault, FaultSchedule

PEN_MM = PROFILE.pen_width_mm
OVERLAP_MM = 0.5

# Where the place is lost, what was drawn since the last report, and where the pen coasted, at 100 mm/s.
LOST_MM = 2.0
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


@pytest.mark.parametrize('seed', range(2))
def test_a_program_that_was_suspended_for_a_while_goes_on_as_if_nothing_had_been(seed, caplog):
    """All that the machine has answered meanwhile is there to be read before anything is said to be missing."""
    plan, world, told = small_plan(seed), World(), []

    def be_suspended(_progress: object) -> None:
        told.append(world.unit.seconds)
        if len(told) == 9:
            world.link.wait(3.5)

    world.plotter.connect()
    assert world.plotter.draw(plan, be_suspended).finished
    assert not [record for record in caplog.records if 'drawing on from there' in record.message]
    assert twice_mm(world, plan) == pytest.approx(0.0, abs=0.1)
    assert off_by_mm(world, plan) < PEN_MM
    assert not world.machine.down


@pytest.mark.parametrize('seed', range(4))
def test_another_process_goes_on_exactly_where_an_unplugged_machine_stood(tmp_path, seed):
    """It has the journal's file alone; the machine has drawn on for what it held, beyond what the journal knows."""
    plan = small_plan(seed)
    world = World(tmp_path, faults=fault_at_random('unplug', seed, plan, 1.0), reset_on_open=False)
    world.plotter.connect()
    with pytest.raises(SketchRobotError, match='was lost'):
        world.plotter.draw(plan, journal=world.journal)
    world.journal.close()
    world.link.wait(1.5)
    world.plotter = make_driver(world.link, **world.options)
    world.journal = Journal(tmp_path / 'drawing.journal', resume=True)
    assert world.draw(plan), world.errors
    assert off_by_mm(world, plan) < PEN_MM
    assert -0.1 < twice_mm(world, plan) < OVERLAP_MM
    assert not world.machine.down


@pytest.mark.parametrize('seed', range(3))
def test_a_machine_whose_answers_stop_gets_its_pen_raised_all_the_same(seed):
    plan, world = small_plan(seed), World()
    world.plotter.connect()
    world.plotter.home()
    heard, begun_s = world.unit.heard, world.unit.seconds
    down: list[bool] = []

    def says() -> bytes:
        data = heard()
        if world.machine.down:
            down.append(world.unit.seconds > begun_s + 0.3 * plan.predicted_s)
        return b'' if any(down) else data

    world.unit.heard = says
    with pytest.raises(SketchRobotError, match='does not answer') as caught:
        world.plotter.draw(plan)
    assert caught.value.code == ErrorCode.PLOTTER_OFFLINE
    world.unit.run(1.0)
    assert not world.machine.down


def on_a_slow_computer(folder: Path) -> World:
    """Ready to draw, but answers come late."""
    world = World(folder)
    world.plotter.connect()
    world.plotter.home()
    world.unit.inject(Fault('slow', 'seconds', world.unit.seconds, 0.06))
    return world


def test_a_stroke_that_ended_just_before_a_stop_is_not_drawn_again(tmp_path):
    """Its last answer is on the way while the machine is already at the next stroke, or travels there."""
    plan = plan_of([[40.0, 10.0], [10.0, 12.0]], [[12.0, 50.0], [40.0, 50.0]], page=CARD, profile=PROFILE)
    world, raised_s = on_a_slow_computer(tmp_path), []
    begun_s = world.unit.seconds
    for moment_s in np.arange(begun_s, begun_s + 4.0, 0.01):
        world.link.at(moment_s, lambda: raised_s.append(world.unit.seconds) if world.machine.lifts == 1 else None)
    assert world.plotter.draw(plan).finished
    for after_s in np.arange(0.06, 0.3, 0.03):
        world = on_a_slow_computer(tmp_path)
        world.link.at(raised_s[0] + after_s, world.plotter.stop)
        assert not world.plotter.draw(plan, journal=world.journal).finished
        assert world.draw(plan), world.errors
        assert off_by_mm(world, plan) < PEN_MM
        assert twice_mm(world, plan) < OVERLAP_MM, after_s


@pytest.mark.parametrize('seed', range(3))
def test_what_a_board_that_its_port_resets_may_have_drawn_by_itself_is_said(tmp_path, seed, caplog):
    plan = plan_of([[10.0, 10.0], [50.0, 12.0]], [[50.0, 40.0], [10.0, 45.0]], page=CARD, profile=PROFILE)
    world = World(tmp_path, seed=seed, faults=FaultSchedule([Fault('unplug', 'ink', 12.0 + 30.0 * seed, 1.0)]))
    assert world.draw(plan), world.errors
    (said,) = [record.args[0] for record in caplog.records if 'has started anew since' in record.message]
    assert 5.0 < said < 40.0
    assert twice_mm(world, plan) < said + OVERLAP_MM


def test_a_drawing_that_was_stopped_and_is_resumed_after_a_restart_comes_twice_nowhere(tmp_path, caplog):
    plan, world = small_plan(1), World(tmp_path)
    world.plotter.connect()
    world.link.after(3.5, world.plotter.stop)
    assert not world.plotter.draw(plan, journal=world.journal).finished
    world.plotter.close()
    assert world.draw(plan), world.errors
    assert not [record for record in caplog.records if 'has started anew since' in record.message]
    assert twice_mm(world, plan) < OVERLAP_MM
