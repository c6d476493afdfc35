"""One drawing with an EBB's hand: stroke after stroke, however often that is interrupted, then home."""

from __future__ import annotations

from sketch_robot.motion.cut import stroke_from
from sketch_robot.motion.plan import HOME_MM
from sketch_robot.plotters.ebb_hand import EbbHand, Interrupted
from sketch_robot.plotters.ebb_lines import Doubt
from sketch_robot.plotters.plotter import PlotterStatus
from sketch_robot.plotters.remainder import Remainder
from sketch_robot.plotters.session import Session, Stopped, pen_changes, pen_request

OVERLAP_MM = 0.2  # by which a stroke goes on before where it stopped, so that no gap shows


def draw_and_park(rest: Remainder, hand: EbbHand, session: Session) -> bool:
    """Draw what is left, lift the pen and go home.

    Returns:
        Whether all of it was drawn; else that was stopped.

    Raises:
        SketchRobotError: PLOTTER_OFFLINE, PLOTTER_ALARM; of the journal, it cannot be written.
    """
    finished = True
    try:
        if hand.record.pen_down:  # as somebody left it
            hand.persist(hand.lift)
        _draw_strokes(rest, hand)
    except Stopped:
        finished = False
        hand.end_here()
    hand.record.flush()
    if session.close_wanted:
        return False
    session.forget_wishes()
    session.set_status(PlotterStatus.PARKING)
    try:
        hand.park()
    except Stopped:  # closed
        return False
    if finished:
        hand.record.finish()
    hand.report()
    return finished


def _draw_strokes(rest: Remainder, hand: EbbHand) -> None:
    """Draw all strokes, however often that is interrupted.

    Raises:
        Stopped: on request.
    """
    strokes = rest.plan.strokes
    to_ask_for = pen_changes(rest.plan, rest.first)
    number, start_mm = 0, 0.0
    while True:
        try:
            if number == len(strokes):
                hand.drain()
                return
            if to_ask_for[number]:
                hand.travel(HOME_MM)
                hand.drain()
                hand.wait_for_resume(pen_request(rest.plan, to_ask_for[number]))
                to_ask_for[number] = ''
            stroke = stroke_from(strokes[number], start_mm) if start_mm > 0.0 else strokes[number]
            hand.travel(stroke.xy[0])
            hand.drop()
            hand.draw(stroke.xy, stroke=number, from_mm=start_mm, pressure=stroke.pressure)
            hand.lift(stroke=number)
            number, start_mm = number + 1, 0.0
        except (Interrupted, Doubt) as event:
            if isinstance(event, Doubt):
                hand.recover(event)
            hand.stand_still()
            proven = hand.record.proven
            number, start_mm = proven.strokes, max(0.0, proven.length_mm - OVERLAP_MM)
