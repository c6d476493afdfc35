"""The queue on disk: states, order, what a kill leaves, what deleting leaves."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from paper_robot import PaperRobot, face

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.motion import DrawingPlan
from sketch_robot.motion.layout import SheetLayout
from sketch_robot.studio.jobs import STATES, Job
from sketch_robot.studio.robot import Sketch
from sketch_robot.studio.store import JobStore

PLAN: DrawingPlan = PaperRobot().plan(Sketch(face()), page='A6', budget_s=0.0, layout=SheetLayout())


@pytest.fixture
def store(tmp_path: Path) -> JobStore:
    return JobStore(tmp_path / 'queue.db')


def add(store: JobStore, name: str = '', **options: bool) -> Job:
    return store.add(PLAN, name=name, **options)[0]


def test_a_job_comes_back_with_its_plan_and_its_owner(store: JobStore) -> None:
    job, secret = store.add(PLAN, name='Ana', gallery=True)
    assert (job.number, job.state, job.name, job.gallery, job.page) == (1, 'ready', 'Ana', True, 'A6')
    assert job.predicted_s == pytest.approx(PLAN.predicted_s)
    assert [stroke.xy.tolist() for stroke in store.plan(job.id).strokes] == [s.xy.tolist() for s in PLAN.strokes]
    assert store.is_owner(job.id, secret)
    assert not store.is_owner(job.id, secret + 'x')
    assert not store.is_owner('nobody', secret)


def test_the_queue_is_in_the_order_of_coming_and_can_be_changed(store: JobStore) -> None:
    first, second, third = (add(store, name) for name in 'abc')
    assert [job.name for job in store.queue()] == ['a', 'b', 'c']
    store.place(third.id, 0)
    assert [job.name for job in store.queue()] == ['c', 'a', 'b']
    store.place(third.id, 99)
    assert [job.name for job in store.queue()] == ['a', 'b', 'c']
    add(store, 'd', first=True)
    assert [job.name for job in store.queue()] == ['d', 'a', 'b', 'c']
    store.drop(second.id)
    assert [job.name for job in store.queue()] == ['d', 'a', 'c']
    assert store.hold(first.id, True).state == 'waiting'
    assert store.hold(first.id, False).state == 'ready'


def test_a_full_queue_takes_nobody(store: JobStore) -> None:
    store.add(PLAN, most=1)
    with pytest.raises(SketchRobotError, match='1 people are waiting already') as caught:
        store.add(PLAN, most=1)
    assert caught.value.code == ErrorCode.BUSY


def test_nothing_begins_on_a_used_sheet_nor_beside_another_drawing(store: JobStore) -> None:
    first, second = add(store), add(store)
    with pytest.raises(SketchRobotError, match='the sheet in the machine is used'):
        store.begin(first.id)
    store.new_sheet()
    assert store.begin(first.id).attempts == 1
    with pytest.raises(SketchRobotError, match='another drawing is on the paper'):
        store.begin(second.id)
    with pytest.raises(SketchRobotError, match='a drawing is on the sheet'):
        store.new_sheet()
    assert store.finish(first.id).state == 'drawn'
    with pytest.raises(SketchRobotError, match='the sheet in the machine is used'):
        store.begin(second.id)


def test_a_drawing_that_a_kill_interrupted_waits_for_a_person(tmp_path: Path) -> None:
    store = JobStore(tmp_path / 'queue.db')
    job = add(store)
    store.new_sheet()
    store.begin(job.id)
    del store  # no close, as a kill leaves it
    again = JobStore(tmp_path / 'queue.db')
    left = again.on_paper()
    assert left is not None
    assert (left.id, left.state, left.interrupted) == (job.id, 'paused', True)
    assert again.is_on_its_sheet(job.id)
    assert again.queue() == []


def test_a_new_sheet_ends_the_chance_to_go_on_with_the_old_one(store: JobStore) -> None:
    job = add(store)
    store.new_sheet()
    store.begin(job.id)
    store.pause(job.id, 'power cut', interrupted=True)
    store.new_sheet()
    with pytest.raises(SketchRobotError, match='this sheet is not the one'):
        store.resume(job.id)
    assert store.retry(job.id).state == 'ready'
    assert store.begin(job.id).attempts == 2


def test_deleting_leaves_nothing_of_the_drawing_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / 'queue.db'
    store = JobStore(path)
    job, secret = store.add(PLAN, name='Rumpelstilzchen', gallery=True)
    blob = sqlite3.connect(path).execute('SELECT plan FROM job').fetchone()[0]
    assert blob[:200] in path.read_bytes() + Path(f'{path}-wal').read_bytes()
    store.delete(job.id)
    left = path.read_bytes() + Path(f'{path}-wal').read_bytes()
    assert b'Rumpelstilzchen' not in left
    assert blob[100:300] not in left
    assert not store.is_owner(job.id, secret)
    assert store.job(job.id).state == 'dropped'
    with pytest.raises(SketchRobotError, match='this drawing was deleted'):
        store.plan(job.id)
    store.close()


def test_old_drawings_are_forgotten_but_for_those_that_may_be_shown(store: JobStore) -> None:
    kept, gone = add(store, gallery=True), add(store)
    for job in (kept, gone):
        store.new_sheet()
        store.begin(job.id)
        store.finish(job.id)
    assert store.forget(older_than=store.job(gone.id).changed + 1.0) == 1
    assert [job.id for job in store.gallery()] == [kept.id]
    assert not store.job(gone.id).has_plan


def test_the_file_can_be_read_by_its_owner_alone(tmp_path: Path) -> None:
    JobStore(tmp_path / 'queue.db')
    assert (tmp_path / 'queue.db').stat().st_mode & 0o077 == 0


ACTIONS = (
    'add',
    'begin',
    'pause',
    'interrupt',
    'go_on',
    'resume',
    'finish',
    'fail',
    'retry',
    'hold',
    'drop',
    'sheet',
    'kill',
    'delete',
)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.tuples(st.sampled_from(ACTIONS), st.integers(0, 3)), max_size=40))
def test_whatever_happens_one_job_at_most_is_on_the_paper_and_no_sheet_has_two(
    steps: list[tuple[str, int]], tmp_path: Path
) -> None:
    path = tmp_path / f'{len(list(tmp_path.iterdir()))}.db'
    store, jobs, sheet, on_sheet = JobStore(path), [], 0, {}
    for action, which in steps:
        job = jobs[which % len(jobs)] if jobs else ''
        try:
            if action == 'add':
                jobs.append(add(store).id)
            elif action == 'sheet':
                store.new_sheet()
                sheet += 1
            elif action == 'kill':
                store = JobStore(path)
            elif job and action in ('begin', 'resume'):
                (store.begin if action == 'begin' else store.resume)(job)
                assert on_sheet.setdefault(sheet, job) == job, 'a drawing goes onto the sheet of another one'
            elif job and action in ('pause', 'interrupt'):
                store.pause(job, '', interrupted=action == 'interrupt')
            elif job and action == 'hold':
                store.hold(job, True)
            elif job and action == 'fail':
                store.fail(job, '')
            elif job:
                getattr(store, action)(job)
        except SketchRobotError:
            pass
        states = [store.job(one).state for one in jobs]
        assert len(states) == len(jobs)
        assert set(states) <= set(STATES)
        assert sum(state in ('drawing', 'paused') for state in states) <= 1
