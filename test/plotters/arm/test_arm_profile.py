"""The machine profile of the sample arm."""

from __future__ import annotations

import math

import numpy as np
import pytest
from arm_worlds import circle, plan_of

from sketch_robot.motion import Page
from sketch_robot.motion.machine import load_machine
from sketch_robot.plotters.arm import ArmOptions, ArmPlotter


@pytest.fixture(scope='module')
def plotter() -> ArmPlotter:
    made = ArmPlotter(ArmOptions(**{**load_machine('arm').options, 'speedup': math.inf}))
    made.connect()
    return made


def test_the_profile_makes_an_arm_that_reaches_an_a5_and_an_a6_sheet(plotter: ArmPlotter) -> None:
    assert load_machine('arm').driver == 'arm'
    plotter.check_reach(Page(148.0, 210.0))
    plotter.check_reach(Page(105.0, 148.0))


def test_the_predicted_seconds_are_near_those_that_the_arm_takes(plotter: ArmPlotter) -> None:
    rng = np.random.default_rng(0)
    strokes = [circle(*rng.uniform(30, 110, 2), rng.uniform(4, 18)) for _ in range(12)]
    strokes += [np.add(rng.uniform(20, 120, 2), [[0.0, 0.0], [25.0, 8.0]]) for _ in range(12)]
    plan = plan_of(*strokes, page=Page(148.0, 210.0), profile=load_machine('arm').motion)
    plotter.home()
    outcome = plotter.draw(plan)
    assert outcome.machine_s == pytest.approx(plan.predicted_s, rel=0.1)
