"""One drawing with an arm's hand: from wherever it stands to the page, stroke after stroke, then home."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from sketch_robot.plotters.arm.hand import ArmHand
from sketch_robot.plotters.arm.legs import Leg, Planner
from sketch_robot.plotters.remainder import Remainder
from sketch_robot.plotters.session import Session, Stopped, pen_changes, pen_request


def draw_and_park(planner: Planner, rest: Remainder, planned: Sequence[Leg], hand: ArmHand, session: Session) -> bool:
    """Draw what is left, lift the pen and go home.

    Args:
        planner: for the page.
        rest: what is to be drawn.
        planned: its legs, a hop and a stroke each, and the way home.
        hand, session: who draws it, by whose wishes.

    Returns:
        Whether all of it was drawn; else that was stopped.

    Raises:
        SketchRobotError: BAD_GOAL, there is no safe way to the page; PLOTTER_OFFLINE, PLOTTER_ALARM.
    """
    finished = True
    try:
        hand.report()
        hand.go_home(planner)
        start = 0
        for number, change in enumerate(pen_changes(rest.plan, rest.first)):
            if change:  # legs are a hop and a stroke each
                hand.follow(planner, [*planned[start : 2 * number], planner.home(planned[2 * number].start_mm)])
                session.stand_paused(hand.stand, pen_request(rest.plan, change))
                hand.take_pen(change)
                start = 2 * number
                first = planner.hop(hand.here(planner), planned[start].end_mm)
                planned = [*planned[:start], first, *planned[start + 1 :]]
        hand.follow(planner, planned[start:])
    except Stopped:
        finished = False
    hand.park()
    if not finished:
        with suppress(Stopped):  # closed
            hand.follow(planner, [planner.home(hand.here(planner))])
    hand.witness.end(finished)
    hand.report()
    return finished
