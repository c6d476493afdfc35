"""An arm that is paused, stopped, closed, lost, or not where it should be."""

from __future__ import annotations

import math
import threading
from dataclasses import replace

import numpy as np
import pytest
from arm_worlds import FLAT, SAMPLE, Recorder, arm_plotter, circle, dense, plan_of, recorded
from scipy.spatial import cKDTree

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.motion import DrawingPlan
from sketch_robot.motion.plan import Pen
from sketch_robot.plotters import Plotter, PlotterStatus, Progress
from sketch_robot.plotters.arm import ArmPlotter, JointSample
from sketch_robot.plotters.arm.kinematics import forward
from sketch_robot.plotters.journal import Journal, read_journal
from sketch_robot.stroke import Stroke

PLAN = plan_of([[10, 20], [50, 20], [50, 30]], circle(30, 50, 12), [[12, 70], [48, 74]])


def at_time(plotter: ArmPlotter, transport: Recorder, wishes: dict[float, object]) -> None:
    """Do something at machine seconds after now."""
    start_s, left = transport.now_s(), dict(sorted(wishes.items()))

    def look() -> None:
        for due_s in [t for t in left if transport.now_s() - start_s >= t]:
            left.pop(due_s)()  # type: ignore[operator]

    transport.on_wait = look


def ink_of(plotter: ArmPlotter) -> tuple[float, float, float]:
    """Largest distance of ink from the plan and of the plan from ink, and the ink's length, mm."""
    lines = plotter.paper.polylines  # type: ignore[union-attr]
    ink = np.concatenate([dense(line) for line in lines])
    plan = np.concatenate([dense(stroke.xy) for stroke in PLAN.strokes])
    return cKDTree(plan).query(ink)[0].max(), cKDTree(ink).query(plan)[0].max(), plotter.paper.ink_mm


def height(transport: Recorder, plotter: ArmPlotter) -> float:
    """Of the pen over the page now, mm."""
    return float(plotter.setup.page.to_page(forward(plotter.setup.chain, transport.sample().positions)[:3, 3])[2])


def test_an_arm_is_a_plotter_that_is_offline_until_it_is_connected() -> None:
    plotter = arm_plotter()
    assert isinstance(plotter, Plotter)
    assert plotter.status == PlotterStatus.OFFLINE
    for act in (plotter.home, lambda: plotter.draw(PLAN), lambda: plotter.set_pen(True)):
        with pytest.raises(SketchRobotError, match='not connected') as caught:
            act()
        assert caught.value.code == ErrorCode.PLOTTER_OFFLINE
    with plotter:
        assert plotter.status == PlotterStatus.IDLE
        plotter.connect()
    assert plotter.status == PlotterStatus.OFFLINE
    plotter.close()


def test_the_arm_tells_its_joints_and_its_description_for_viewers() -> None:
    plotter = arm_plotter()
    assert plotter.joints is None
    plotter.connect()
    assert plotter.joints is not None
    assert plotter.joints.positions == pytest.approx(plotter.setup.start)
    plotter.home()
    assert np.abs(plotter.joints.positions - plotter.setup.start).max() > 0.1
    assert plotter.robot_description.startswith('<?xml')
    assert 'pen_tip' in plotter.robot_description
    mjcf = arm_plotter(model=str(SAMPLE.with_suffix('.xml')), velocity=3.0)
    assert mjcf.robot_description == ''


def test_home_brings_the_pen_over_the_corner_of_the_page_from_wherever_the_arm_stands() -> None:
    plotter, transport = recorded(start=[1.0, -1.0, -0.5, 0.5, 1.0, -2.0])
    plotter.home()
    assert plotter.status == PlotterStatus.IDLE
    assert height(transport, plotter) == pytest.approx(4.0, abs=1e-3)
    assert plotter.progress.pen_mm == pytest.approx((0.0, 0.0), abs=1e-3)
    _, positions, velocities, accelerations = transport.rows()
    chain = plotter.setup.chain
    assert (np.abs(velocities) < 0.3 * chain.speed).all()
    assert (np.abs(accelerations) < 0.5 * chain.accel).all()
    tips = plotter.setup.page.to_page(forward(chain, positions)[:, :3, 3])
    over = ((tips[:, :2] > -20) & (tips[:, :2] < [80, 100])).all(axis=1)
    assert tips[over, 2].min() > 3.4


def test_joints_move_one_after_another_where_moving_all_at_once_would_sweep_the_sheet() -> None:
    plotter, transport = recorded(start=[-0.35, 2.17, -1.09, -0.47, 0.5, 6.22])
    plotter.home()
    assert height(transport, plotter) == pytest.approx(4.0, abs=1e-3)
    tips = plotter.setup.page.to_page(forward(plotter.setup.chain, transport.rows()[1])[:, :3, 3])
    over = ((tips[:, :2] > -20) & (tips[:, :2] < [80, 100])).all(axis=1)
    assert tips[over, 2].min() > 3.4
    assert plotter.paper is None


def test_a_pen_that_is_lower_than_the_sheet_beside_it_leaves_no_ink() -> None:
    low = [1.6, 1.95, 0.0, 0.0, 0.0, 0.0]  # beside the sheet, pointing below its plane
    plotter, transport = recorded(start=low)
    assert height(transport, plotter) < -10.0
    plotter.draw(PLAN)
    assert len(plotter.paper.polylines) == len(PLAN.strokes)  # type: ignore[union-attr]
    assert ink_of(plotter)[0] < 0.2


def test_the_pen_is_lowered_and_raised_where_it_is() -> None:
    plotter, transport = recorded()
    with pytest.raises(SketchRobotError, match='home the arm first'):
        plotter.set_pen(True)
    plotter.home()
    plotter.set_pen(True)
    assert height(transport, plotter) == pytest.approx(-0.6, abs=1e-3)
    assert plotter.progress.pen_down
    plotter.set_pen(True)
    plotter.set_pen(False)
    assert height(transport, plotter) == pytest.approx(4.0, abs=1e-3)
    plotter.set_pen(True)
    plotter.close()
    assert height(transport, plotter) == pytest.approx(4.0, abs=1e-3)


@pytest.mark.parametrize('when_s', [1.35, 2.1, 3.3, 4.2])
def test_a_pause_lifts_the_pen_and_a_resume_goes_on_exactly_there(when_s: float) -> None:
    plotter, transport = recorded()
    plotter.home()
    seen = []

    def look() -> None:
        seen.append((plotter.status, height(transport, plotter), plotter.progress.pen_mm))
        plotter.resume()

    at_time(plotter, transport, {when_s: plotter.pause, when_s + 1.0: look})
    assert plotter.draw(PLAN).finished
    (status, high, pen_mm) = seen[0]
    assert status == PlotterStatus.PAUSED
    assert high == pytest.approx(4.0, abs=0.01)
    off, missing, ink_mm = ink_of(plotter)
    assert off < 0.1
    assert missing < 0.1
    assert ink_mm == pytest.approx(PLAN.ink_mm, abs=1.0)
    assert len(plotter.paper.polylines) <= 4
    assert pen_mm == pytest.approx(plotter.paper.polylines[len(plotter.paper.polylines) - 2][-1], abs=60.0)


def test_twenty_pauses_leave_the_drawing_whole_and_within_the_limits() -> None:
    plotter, transport = recorded()
    plotter.home()
    pauses = []

    def look() -> None:
        if plotter.status == PlotterStatus.PAUSED:
            plotter.resume()
        elif len(pauses) < 20 and transport.now_s() > next_s[0]:
            next_s[0] = transport.now_s() + rng.uniform(0.15, 0.35)
            pauses.append(next_s[0])
            plotter.pause()

    rng, next_s = np.random.default_rng(5), [transport.now_s() + 0.5]
    transport.on_wait = look
    assert plotter.draw(PLAN).finished
    assert len(pauses) == 20
    off, missing, ink_mm = ink_of(plotter)
    assert off < 0.1
    assert missing < 0.1
    assert ink_mm == pytest.approx(PLAN.ink_mm, abs=2.0)
    _, _, velocities, accelerations = transport.rows()
    chain = plotter.setup.chain
    assert (np.abs(velocities) < chain.speed).all()
    assert (np.abs(accelerations) < chain.accel).all()


def test_standing_paused_takes_no_machine_seconds() -> None:
    plain, _ = recorded()
    plain.home()
    alone = plain.draw(PLAN).machine_s
    plotter, transport = recorded()
    plotter.home()
    at_time(plotter, transport, {2.0: plotter.pause, 12.0: plotter.resume})
    assert plotter.draw(PLAN).machine_s == pytest.approx(alone, abs=1.0)
    assert transport.now_s() > 9.5 + alone


@pytest.mark.parametrize('when_s', [0.4, 1.35, 2.1, 3.3, 4.1])
def test_a_stop_lifts_the_pen_within_200_ms_and_parks(when_s: float) -> None:
    plotter, transport = recorded()
    plotter.home()
    lifted_s = []

    def stop() -> None:
        stopped_s = transport.now_s()
        plotter.stop()

        def look() -> None:
            if not lifted_s and height(transport, plotter) > 0.0:
                lifted_s.append(transport.now_s() - stopped_s)

        transport.on_wait = look

    at_time(plotter, transport, {when_s: stop})
    outcome = plotter.draw(PLAN)
    assert not outcome.finished
    assert lifted_s[0] < 0.2
    assert plotter.status == PlotterStatus.IDLE
    assert plotter.progress.pen_mm == pytest.approx((0.0, 0.0), abs=1e-3)
    assert height(transport, plotter) == pytest.approx(4.0, abs=1e-3)
    assert ink_of(plotter)[0] < 0.1 if plotter.paper.polylines else True
    plotter.draw(PLAN)
    assert plotter.progress.strokes_done == 3


def test_a_stop_while_paused_parks() -> None:
    plotter, transport = recorded()
    plotter.home()
    at_time(plotter, transport, {2.0: plotter.pause, 3.0: plotter.stop})
    assert not plotter.draw(PLAN).finished
    assert height(transport, plotter) == pytest.approx(4.0, abs=1e-3)
    assert plotter.progress.pen_mm == pytest.approx((0.0, 0.0), abs=1e-3)


def test_closing_from_another_thread_ends_a_drawing_with_the_pen_up() -> None:
    plotter = arm_plotter(speedup=20.0)
    plotter.connect()
    started = threading.Event()
    outcomes = []
    drawing = threading.Thread(
        target=lambda: outcomes.append(
            plotter.draw(PLAN, lambda progress: started.set() if progress.strokes_done == 1 else None)
        )
    )
    drawing.start()
    assert started.wait(30.0)
    plotter.close()
    drawing.join(30.0)
    assert not outcomes[0].finished
    assert plotter.status == PlotterStatus.OFFLINE
    assert height(plotter.transport, plotter) > 3.9  # type: ignore[arg-type]


def test_progress_is_reported_often_and_only_grows() -> None:
    plotter, _ = recorded()
    told: list[Progress] = []
    plotter.draw(PLAN, told.append)
    assert len(told) > 80
    assert [p.strokes_done for p in told] == sorted(p.strokes_done for p in told)
    assert {p.strokes_total for p in told} == {3}
    assert all(b.fraction >= a.fraction - 1e-9 for a, b in zip(told[:-1], told[1:], strict=True))
    assert told[-1].remaining_s == 0.0
    assert any(p.pen_down for p in told)


def test_an_error_of_the_listener_ends_the_drawing_with_the_pen_up_and_is_raised() -> None:
    plotter, transport = recorded()

    def listen(progress: Progress) -> None:
        if progress.strokes_done == 1 and progress.pen_down:
            raise RuntimeError('the listener is broken')

    with pytest.raises(RuntimeError, match='the listener is broken'):
        plotter.draw(PLAN, listen)
    assert height(transport, plotter) == pytest.approx(4.0, abs=0.01)
    assert plotter.status == PlotterStatus.IDLE
    assert ink_of(plotter)[0] < 0.1
    plotter.draw(PLAN)


def test_a_second_drawing_meanwhile_is_refused() -> None:
    plotter, _ = recorded()
    refused = []

    def listen(_progress: Progress) -> None:
        if not refused:
            with pytest.raises(SketchRobotError, match='the arm is drawing') as caught:
                plotter.draw(PLAN)
            refused.append(caught.value.code)

    plotter.draw(PLAN, listen)
    assert refused == [ErrorCode.BUSY]


# ----------------------------------------------------------------- faults
def lose(transport: Recorder, when_s: float, fault) -> None:
    """Let samples be `fault(sample)` from machine seconds after now on."""
    start_s = transport.now_s()
    transport.fault = lambda sample: fault(sample) if transport.now_s() - start_s >= when_s else sample


def off_by(joint: int, angle: float):
    def fault(sample: JointSample) -> JointSample:
        return replace(sample, positions=sample.positions + angle * (np.arange(6) == joint))

    return fault


def test_a_joint_that_goes_astray_raises_an_alarm_and_the_arm_is_told_to_hold() -> None:
    plotter, transport = recorded()
    plotter.home()
    lose(transport, 2.0, off_by(2, 0.2))
    with pytest.raises(SketchRobotError, match=r"joint 'joint_3' is 0\.\d+ from where it should be") as caught:
        plotter.draw(PLAN)
    assert caught.value.code == ErrorCode.PLOTTER_ALARM
    assert plotter.status == PlotterStatus.ALARM
    assert 'joint_3' in plotter.reason
    assert transport.holds == 1
    with pytest.raises(SketchRobotError, match=r'is in alarm: .*joint_3'):
        plotter.draw(PLAN)


def test_home_clears_an_alarm_and_lifts_the_pen_off_the_paper_first() -> None:
    plotter, transport = recorded()
    plotter.home()
    lose(transport, 2.0, off_by(2, 0.2))
    with pytest.raises(SketchRobotError):
        plotter.draw(PLAN)
    assert height(transport, plotter) != pytest.approx(4.0)
    transport.fault = None
    low_mm = height(transport, plotter)
    assert low_mm == pytest.approx(-0.6, abs=0.1)
    began = len(transport.told)
    plotter.home()
    assert plotter.status == PlotterStatus.IDLE
    tips = plotter.setup.page.to_page(
        forward(plotter.setup.chain, np.concatenate(transport.told[began:])[:, 1:7])[:, :3, 3]
    )
    while_low = tips[:, 2] < 1.0
    assert np.ptp(tips[while_low, 0]) < 0.1
    assert np.ptp(tips[while_low, 1]) < 0.1


def test_an_arm_that_lags_behind_within_reason_is_not_astray() -> None:
    plotter, transport = recorded()
    past: list[JointSample] = []

    def lag(sample: JointSample) -> JointSample:
        past.append(sample)
        return replace(past[max(0, len(past) - 6)], t_s=sample.t_s)  # 0.1 s late

    transport.fault = lag
    outcome = plotter.draw(PLAN)
    assert outcome.finished
    assert outcome.strokes_drawn == 3


@pytest.mark.parametrize(
    ('fault', 'match', 'code', 'status'),
    [
        (lambda s: replace(s, t_s=s.t_s - 1.0), 'said nothing of its joints for 1', 'PLOTTER_OFFLINE', 'OFFLINE'),
        (lambda s: replace(s, positions=s.positions * math.nan), 'not finite', 'PLOTTER_ALARM', 'ALARM'),
        (lambda s: replace(s, positions=s.positions + math.inf), 'not finite', 'PLOTTER_ALARM', 'ALARM'),
    ],
)
def test_joints_that_say_nothing_useful_end_the_drawing(fault, match: str, code: str, status: str) -> None:
    plotter, transport = recorded()
    plotter.home()
    lose(transport, 2.0, fault)
    with pytest.raises(SketchRobotError, match=match) as caught:
        plotter.draw(PLAN)
    assert caught.value.code == ErrorCode[code]
    assert plotter.status == PlotterStatus[status]
    assert transport.holds == 1


def test_a_transport_that_is_lost_makes_the_arm_offline_and_it_lifts_its_pen_by_itself() -> None:
    plotter, transport = recorded()
    plotter.home()
    start_s = transport.now_s()

    def cut(sample: JointSample) -> JointSample:
        if transport.now_s() - start_s > 2.0:
            raise SketchRobotError(ErrorCode.PLOTTER_OFFLINE, 'the cable is out')
        return sample

    def cannot() -> None:
        raise SketchRobotError(ErrorCode.PLOTTER_OFFLINE, 'the cable is out')

    transport.fault = cut
    transport.hold = cannot  # type: ignore[method-assign]
    with pytest.raises(SketchRobotError, match='the cable is out'):
        plotter.draw(PLAN)
    assert plotter.status == PlotterStatus.OFFLINE
    transport.on_wait = None
    Recorder.wait(transport, 2.0)
    transport.fault = None
    assert height(transport, plotter) == pytest.approx(4.0, abs=0.01)
    assert ink_of(plotter)[0] < 0.1
    plotter.connect()
    plotter.home()
    assert plotter.draw(PLAN).finished


def test_a_joint_that_never_arrives_raises_an_alarm() -> None:
    plotter, transport = recorded()
    transport.fault = off_by(4, 0.03)
    with pytest.raises(SketchRobotError, match="joint 'joint_5' does not arrive") as caught:
        plotter.home()
    assert caught.value.code == ErrorCode.PLOTTER_ALARM


# ----------------------------------------------------------------- the journal
def test_the_journal_tells_what_is_on_paper_as_it_is_drawn(tmp_path) -> None:
    plotter, _ = recorded()
    plotter.home()
    told = []
    with Journal(tmp_path / 'journal') as journal:
        proven = journal.proven

        def listen(stroke: int, length_mm: float) -> None:
            ink = plotter.paper.polylines[stroke] if stroke < len(plotter.paper.polylines) else np.zeros((1, 2))
            told.append((stroke, length_mm, np.hypot(*np.diff(ink, axis=0).T).sum()))
            proven(stroke, length_mm)

        journal.proven = listen  # type: ignore[method-assign]
        plotter.draw(PLAN, journal=journal)
    assert read_journal(tmp_path / 'journal').finished
    assert len(told) > 60
    for _, length_mm, ink_mm in told:
        assert length_mm <= ink_mm + 0.6  # never more than is there, but for the corners that are cut
    at_ends = [length for stroke, length, _ in told if stroke == 1][-1]
    assert at_ends == PLAN.strokes[1].length


@pytest.mark.parametrize('when_s', np.random.default_rng(8).uniform(0.6, 4.4, 10).round(2).tolist())
def test_a_program_that_dies_in_mid_stroke_loses_nothing_and_draws_nothing_twice(tmp_path, when_s: float) -> None:
    """The arm goes on for a moment with what it was told, brakes, lifts its pen; the next program sees where."""
    first, transport = recorded()
    first.home()
    start_s = transport.now_s()

    class Killed(BaseException):
        """What no program can catch."""

    def kill() -> None:
        if transport.now_s() - start_s > when_s:
            raise Killed

    transport.on_wait = kill
    first._executor._follower._come_to_rest = lambda _lift: None  # type: ignore[method-assign]  # the dead do nothing
    journal = Journal(tmp_path / 'journal')
    with pytest.raises(Killed):
        first.draw(PLAN, journal=journal)
    journal.close()
    sheet = first.paper
    transport.on_wait = None
    transport.wait(3.0)
    assert height(transport, first) == pytest.approx(4.0, abs=0.01)

    second = arm_plotter(transport=transport)
    second.connect()
    lines = list(sheet.polylines)
    with Journal(tmp_path / 'journal', resume=True) as journal:
        try:
            assert second.draw(PLAN, journal=journal).finished
            lines += second.paper.polylines
        except SketchRobotError as error:  # the arm was told the very end already
            if error.code != ErrorCode.NOTHING_TO_DRAW:
                raise
    ink = np.concatenate([dense(line) for line in lines])
    plan = np.concatenate([dense(stroke.xy) for stroke in PLAN.strokes])
    assert cKDTree(plan).query(ink)[0].max() < 0.1
    assert cKDTree(ink).query(plan)[0].max() < 0.1
    length = sum(np.hypot(*np.diff(line, axis=0).T).sum() for line in lines)
    assert length == pytest.approx(PLAN.ink_mm, abs=1.5)  # at most 0.5 mm twice, less the corners


def test_a_journal_that_cannot_be_written_stops_the_drawing_with_the_pen_up(tmp_path) -> None:
    plotter, transport = recorded()
    with Journal(tmp_path / 'journal') as journal:
        count = []

        def full(_stroke: int, _length_mm: float) -> None:
            count.append(1)
            if len(count) > 20:
                raise SketchRobotError(ErrorCode.BAD_GOAL, 'cannot write the journal: the disk is full')

        journal.proven = full  # type: ignore[method-assign]
        with pytest.raises(SketchRobotError, match='the disk is full'):
            plotter.draw(PLAN, journal=journal)
    assert height(transport, plotter) == pytest.approx(4.0, abs=0.01)
    assert plotter.status == PlotterStatus.IDLE


def test_between_pens_the_arm_parks_and_asks_for_the_next_one() -> None:
    strokes = tuple(
        Stroke(np.array(xy, dtype=float), pen=pen)
        for pen, xy in (('black', [[10, 10], [50, 10]]), ('black', [[10, 20], [50, 20]]), ('red', [[10, 30], [50, 30]]))
    )
    pens = (Pen('black'), Pen('red', '#cc0000', 0.7))
    plan = DrawingPlan(strokes, PLAN.page, PLAN.profile, np.ones(3), pens=pens)
    plotter, transport = recorded()
    asked = []

    def look() -> None:
        if plotter.status == PlotterStatus.PAUSED:
            asked.append((plotter.reason, height(transport, plotter), plotter.progress.strokes_done))
            plotter.resume()

    transport.on_wait = look
    assert plotter.draw(plan).finished
    assert len(asked) == 1
    assert "pen 'red' (#cc0000, 0.7 mm)" in asked[0][0]
    assert asked[0][1] == pytest.approx(4.0, abs=1e-3)
    assert asked[0][2] == 2
    drawn = [(line.colour, line.width_mm) for line in plotter.paper.lines]
    assert drawn == [('#000000', 0.5), ('#000000', 0.5), ('#cc0000', 0.7)]


# ----------------------------------------------------------------- options
@pytest.mark.parametrize(
    ('options', 'match'),
    [
        ({'model': 'no/such.urdf'}, "there is no arm 'no/such.urdf'"),
        ({'tool': 'finger'}, "no link 'finger'"),
        ({'page': None}, 'the page lies nowhere'),
        ({'page': {'points': [[0, 0, 0], [1, 0, 0], [2, 0, 0]]}}, 'on a line'),
        ({'acceleration': 0.0}, "'joint_1' has no acceleration limit"),
        ({'acceleration': -1.0}, 'acceleration must lie between 0 and 1000, not -1'),
        ({'tilt_deg': 80.0}, 'tilt_deg must lie between 0 and 60, not 80'),
        ({'limit_share': 0.0}, 'limit_share'),
        ({'limit_margin': 0.6}, 'limit_margin'),
        ({'lift_mm': math.nan}, 'lift_mm must be finite'),
        ({'contact_mm': 'deep'}, "contact_mm is a number, not 'deep'"),
        ({'firmest_press_mm': 0.1}, 'firmest_press_mm 0.1'),
        ({'joint_limits': {'joint_9': {}}}, "no joint 'joint_9'"),
        ({'joint_limits': [1]}, 'joint_limits is a mapping'),
        ({'simulation': 'magic'}, "simulation must be one of 'exact', 'physics'"),
        ({'speedup': 0.0}, 'speedup must be positive'),
        ({'start': [0.0]}, 'it must be 6 joint positions'),
        ({'start': [9.0, 0, 0, 0, 0, 0]}, "puts joint 'joint_1' at 9, beyond its ends"),
        ({'sheet': 'A99'}, "no page 'A99'"),
    ],
)
def test_an_option_that_makes_no_sense_is_refused(options: dict[str, object], match: str) -> None:
    with pytest.raises(SketchRobotError, match=match) as caught:
        arm_plotter(**options)
    assert caught.value.code == ErrorCode.BAD_GOAL


def test_an_arm_that_would_reach_through_the_sheet_is_asked_to_be_moved_by_hand() -> None:
    beneath = {'xyz': [0.30, 0.03, 0.45], 'rpy': [0.0, 0.0, -math.pi / 2]}
    plotter, transport = recorded(page=beneath, start=[0.0, 0.9, 0.6, 0.0, 0.2, 0.0])
    with pytest.raises(SketchRobotError) as caught:
        plotter.home()
    assert caught.value.code == ErrorCode.BAD_GOAL
    assert transport.sent == []


def test_a_page_taught_by_three_points_is_the_same_page() -> None:
    points = [[0.30, 0.03, 0.0], [0.30, -0.03, 0.0], [0.38, 0.0, 0.0]]
    taught, placed = arm_plotter(page={'points': points}).setup.page, arm_plotter(page=FLAT).setup.page
    assert np.abs(taught.base_from_page - placed.base_from_page).max() < 1e-12
