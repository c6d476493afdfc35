"""Drawing one job after the other: each once, each on its own sheet, whatever fails."""

from __future__ import annotations

import pytest
from conftest import until
from paper_robot import PaperRobot, face

from sketch_robot.errors import SketchRobotError
from sketch_robot.motion.layout import SheetLayout
from sketch_robot.studio.jobs import Job
from sketch_robot.studio.robot import Sketch
from sketch_robot.studio.service import StudioService


@pytest.fixture
def open_studio(studio: StudioService) -> StudioService:
    studio.desk.start()
    return studio


def order(studio: StudioService, caption: str = '') -> Job:
    plan = studio.robot.plan(Sketch(face()), page='A6', budget_s=0.0, layout=SheetLayout(caption=caption))
    job, _ = studio.store.add(plan)
    studio.desk.changed()
    return job


def state(studio: StudioService, job: Job) -> str:
    return studio.store.job(job.id).state


def test_a_job_is_drawn_when_a_new_sheet_is_in_and_not_before(open_studio: StudioService, robot: PaperRobot) -> None:
    job = order(open_studio)
    until(lambda: open_studio.desk.version > 0, 'a look at the queue')
    assert (state(open_studio, job), robot.begun) == ('ready', [])
    open_studio.desk.new_sheet()
    until(lambda: state(open_studio, job) == 'drawn', 'the drawing')
    assert robot.finished == [job.digest]


def test_the_next_job_waits_for_the_next_sheet(open_studio: StudioService, robot: PaperRobot) -> None:
    jobs = [order(open_studio, name) for name in ('a', 'b', 'c')]
    for number, job in enumerate(jobs, 1):
        assert len(robot.begun) == number - 1
        open_studio.desk.new_sheet()
        until(lambda job=job: state(open_studio, job) == 'drawn', 'the drawing')
    assert robot.finished == [job.digest for job in jobs]


def test_a_machine_that_feeds_paper_draws_all(open_studio: StudioService, robot: PaperRobot) -> None:
    open_studio.store.keep('settings', '{"automatic_feed": true}')
    jobs = [order(open_studio, name) for name in ('a', 'b', 'c')]
    until(lambda: all(state(open_studio, job) == 'drawn' for job in jobs), 'all drawings')
    assert robot.finished == [job.digest for job in jobs]


def test_a_drawing_that_fails_is_offered_and_goes_on_with_the_rest(
    open_studio: StudioService, robot: PaperRobot
) -> None:
    robot.fails_after = 3
    first, second = order(open_studio, 'a'), order(open_studio, 'b')
    open_studio.desk.new_sheet()
    until(lambda: open_studio.store.job(first.id).interrupted, 'the fault')
    assert open_studio.store.job(first.id).reason == 'the machine stopped itself'
    assert state(open_studio, second) == 'ready', 'nothing else goes onto that sheet'
    open_studio.desk.resolve(first.id, 'resume')
    until(lambda: state(open_studio, first) == 'drawn', 'the rest')
    assert (robot.begun, robot.resumed) == ([first.digest], [first.digest])


def test_an_interrupted_job_of_which_the_machine_says_that_it_is_whole_is_offered_as_done(
    open_studio: StudioService, robot: PaperRobot
) -> None:
    robot.fails_after = 3
    job = order(open_studio)
    open_studio.desk.new_sheet()
    until(lambda: open_studio.store.job(job.id).interrupted, 'the fault')
    assert not open_studio.desk.seems_done(open_studio.store.job(job.id))
    robot.set_state(unfinished='', strokes_done=job.strokes, strokes_total=job.strokes)
    assert open_studio.desk.seems_done(open_studio.store.job(job.id))
    open_studio.desk.new_sheet()
    assert not open_studio.desk.seems_done(open_studio.store.job(job.id)), 'another sheet is in'


def test_afresh_waits_for_a_new_sheet_and_comes_first(open_studio: StudioService, robot: PaperRobot) -> None:
    robot.fails_after = 3
    first, second = order(open_studio, 'a'), order(open_studio, 'b')
    open_studio.desk.new_sheet()
    until(lambda: open_studio.store.job(first.id).interrupted, 'the fault')
    open_studio.desk.resolve(first.id, 'afresh')
    assert [job.id for job in open_studio.store.queue()] == [first.id, second.id]
    assert robot.begun == [first.digest]
    open_studio.desk.new_sheet()
    until(lambda: state(open_studio, first) == 'drawn', 'the drawing')
    assert robot.begun == [first.digest, first.digest]


def test_what_another_sheet_or_an_unknown_rest_forbids_is_not_resumed(
    open_studio: StudioService, robot: PaperRobot
) -> None:
    robot.fails_after = 3
    job = order(open_studio)
    open_studio.desk.new_sheet()
    until(lambda: open_studio.store.job(job.id).interrupted, 'the fault')
    robot.set_state(unfinished='of another drawing')
    with pytest.raises(SketchRobotError, match='does not know the rest'):
        open_studio.desk.resolve(job.id, 'resume')
    robot.set_state(unfinished=job.digest)
    open_studio.desk.new_sheet()
    with pytest.raises(SketchRobotError, match='another sheet is in'):
        open_studio.desk.resolve(job.id, 'resume')
    assert robot.resumed == []
    open_studio.desk.resolve(job.id, 'done')
    assert state(open_studio, job) == 'drawn'


def test_pause_and_resume_of_the_machine_are_those_of_the_job(open_studio: StudioService, robot: PaperRobot) -> None:
    robot.stroke_s = 0.02
    job = order(open_studio)
    open_studio.desk.new_sheet()
    until(lambda: state(open_studio, job) == 'drawing', 'the beginning')
    robot.command('pause')
    until(lambda: state(open_studio, job) == 'paused', 'the pause')
    assert not open_studio.store.job(job.id).interrupted
    robot.command('resume')
    until(lambda: state(open_studio, job) == 'drawn', 'the end')
    assert len(robot.begun) == 1


def test_a_machine_that_refuses_costs_neither_the_job_nor_the_sheet(
    open_studio: StudioService, robot: PaperRobot
) -> None:
    robot.refuses = True
    job = order(open_studio)
    open_studio.desk.new_sheet()
    until(lambda: open_studio.store.job(job.id).attempts > 0 and state(open_studio, job) == 'ready', 'the refusal')
    assert open_studio.store.value('sheet', '') == 'fresh'
    robot.refuses = False
    until(lambda: state(open_studio, job) == 'drawn', 'the drawing')


def test_a_machine_in_alarm_begins_nothing(open_studio: StudioService, robot: PaperRobot) -> None:
    robot.set_state(status='alarm', reason='home it')
    job = order(open_studio)
    open_studio.desk.new_sheet()
    held = order(open_studio)
    open_studio.store.hold(held.id, True)
    robot.set_state(status='idle', reason='')
    until(lambda: state(open_studio, job) == 'drawn', 'the drawing')
    assert state(open_studio, held) == 'waiting'


def test_the_time_until_a_turn_counts_what_is_before_and_the_change_of_sheets(studio: StudioService) -> None:
    jobs = [order(studio, name) for name in ('a', 'b')]
    (_, first_s), (_, second_s) = studio.desk.turns()
    assert first_s == 0.0
    assert second_s == pytest.approx(jobs[0].predicted_s + 30.0)
