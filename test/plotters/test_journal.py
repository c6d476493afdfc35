"""The journal: what it tells survives kills, torn lines and full disks."""

import errno
import functools
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from drawings import ladder, plan_of
from hypothesis import given, settings
from hypothesis import strategies as st

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.motion.plan import digest_of
from sketch_robot.plotters.journal import Journal, read_journal
from sketch_robot.plotters.progress import Proven


def test_a_journal_tells_plan_page_machine_and_what_is_on_paper(tmp_path):
    plan = ladder(3)
    with Journal(tmp_path / 'a.journal', machine='axidraw') as journal:
        assert journal.begin(plan).plan is plan
        journal.proven(0, 40.0)
        journal.proven(0, 100.0)
        journal.proven(1, 12.5)
    entry = read_journal(tmp_path / 'a.journal')
    assert (entry.plan_digest, entry.page, entry.machine) == (digest_of(plan), 'A5', 'axidraw')
    assert (entry.strokes, entry.on_paper, entry.finished) == (3, Proven(1, 12.5), False)


def test_a_resumed_journal_leaves_exactly_the_rest_and_goes_on(tmp_path):
    plan = ladder(3)
    with Journal(tmp_path / 'a.journal') as journal:
        journal.begin(plan)
        journal.proven(1, 50.0)
    with Journal(tmp_path / 'a.journal', resume=True) as journal:
        remainder = journal.begin(plan)
        assert (remainder.first, remainder.skipped_mm) == (1, 49.6)
        assert remainder.plan.strokes[0].xy.tolist() == [[69.6, 30.0], [120.0, 30.0]]
        journal.proven(*remainder.in_whole(0, 10.4))
        assert journal.on_paper == Proven(1, 60.0)
        journal.proven(*remainder.in_whole(0, 50.4))
    assert read_journal(tmp_path / 'a.journal').on_paper == Proven(2)


def test_beginning_again_after_a_fault_goes_on_with_the_same_drawing(tmp_path):
    plan = ladder(3)
    with Journal(tmp_path / 'a.journal') as journal:
        journal.begin(plan)
        journal.proven(0, 100.0)
        assert journal.begin(plan).first == 1


def test_a_new_journal_replaces_an_older_one(tmp_path):
    with Journal(tmp_path / 'a.journal') as journal:
        journal.begin(ladder(3))
        journal.proven(2, 100.0)
    with Journal(tmp_path / 'a.journal') as journal:
        journal.begin(ladder(2))
    assert read_journal(tmp_path / 'a.journal').on_paper == Proven()


def test_what_is_less_than_known_changes_nothing(tmp_path):
    with Journal(tmp_path / 'a.journal') as journal:
        journal.begin(ladder(3))
        journal.proven(1, 50.0)
        journal.proven(1, 20.0)
        journal.proven(0, 100.0)
    assert read_journal(tmp_path / 'a.journal').on_paper == Proven(1, 50.0)


def test_a_dot_is_proven_by_any_length(tmp_path):
    with Journal(tmp_path / 'a.journal') as journal:
        journal.begin(plan_of([[10, 10]], [[20, 20]]))
        journal.proven(0, 0.0)
    assert read_journal(tmp_path / 'a.journal').on_paper == Proven(1)


def test_a_journal_of_another_plan_is_refused_and_left_as_it_is(tmp_path):
    with Journal(tmp_path / 'a.journal') as journal:
        journal.begin(ladder(3))
        journal.proven(1, 50.0)
    before = (tmp_path / 'a.journal').read_bytes()
    with pytest.raises(SketchRobotError, match='belongs to another drawing') as caught:
        Journal(tmp_path / 'a.journal', resume=True).begin(ladder(2))
    assert caught.value.code == ErrorCode.BAD_PLAN
    assert (tmp_path / 'a.journal').read_bytes() == before


def test_a_finished_drawing_leaves_nothing_to_resume(tmp_path):
    with Journal(tmp_path / 'a.journal') as journal:
        journal.begin(ladder(1))
        journal.proven(0, 100.0)
        journal.finish()
    assert read_journal(tmp_path / 'a.journal').finished
    with pytest.raises(SketchRobotError, match='nothing is left') as caught:
        Journal(tmp_path / 'a.journal', resume=True).begin(ladder(1))
    assert caught.value.code == ErrorCode.NOTHING_TO_DRAW


def test_without_a_journal_there_is_nothing_to_resume(tmp_path):
    with pytest.raises(SketchRobotError, match='there is no journal') as caught:
        Journal(tmp_path / 'a.journal', resume=True).begin(ladder(1))
    assert caught.value.code == ErrorCode.BAD_PLAN


@pytest.mark.parametrize('content', [b'', b'{}\n', b'nonsense', bytes(200), b'8e4d1b1e {"format":"something else"}\n'])
def test_a_file_that_is_no_journal_is_refused(tmp_path, content):
    (tmp_path / 'a.journal').write_bytes(content)
    with pytest.raises(SketchRobotError, match='no journal of a drawing') as caught:
        read_journal(tmp_path / 'a.journal')
    assert caught.value.code == ErrorCode.BAD_PLAN


@settings(deadline=None, max_examples=50)
@given(st.data())
def test_a_journal_cut_anywhere_tells_what_its_whole_lines_tell(tmp_path_factory, data):
    path = tmp_path_factory.mktemp('cut') / 'a.journal'
    told = [Proven()]
    with Journal(path) as journal:
        journal.begin(ladder(3))
        sizes = [path.stat().st_size]
        for index, length_mm in ((0, 30.0), (0, 100.0), (1, 4.0), (1, 99.0), (2, 100.0)):
            journal.proven(index, length_mm)
            told.append(journal.on_paper)
            sizes.append(path.stat().st_size)
    size = data.draw(st.integers(sizes[0], sizes[-1]))
    path.write_bytes(path.read_bytes()[:size] + data.draw(st.binary(max_size=3)).replace(b'\n', b''))
    whole = told[sum(size >= end for end in sizes) - 1]
    assert read_journal(path).on_paper == whole
    with Journal(path, resume=True) as journal:
        if whole.strokes < 3:
            journal.begin(ladder(3))
            assert journal.on_paper == whole
            journal.proven(2, 99.0)
            assert read_journal(path).on_paper == Proven(2, 99.0)


def test_a_damaged_line_hides_those_after_it_rather_than_being_believed(tmp_path):
    path = tmp_path / 'a.journal'
    with Journal(path) as journal:
        journal.begin(ladder(3))
        journal.proven(0, 30.0)
        journal.proven(1, 30.0)
    path.write_bytes(path.read_bytes().replace(b'"strokes":0', b'"strokes":2'))
    assert read_journal(path).on_paper == Proven()


def test_a_killed_program_loses_no_proof(tmp_path):
    program = (
        'import os, signal, sys\n'
        'from sketch_robot.motion import load_plan\n'
        'from sketch_robot.plotters.journal import Journal\n'
        'journal = Journal(sys.argv[2])\n'
        'journal.begin(load_plan(sys.argv[1]))\n'
        'journal.proven(1, 12.5)\n'
        'os.kill(os.getpid(), signal.SIGKILL)\n'
    )
    from sketch_robot.motion import save_plan

    save_plan(ladder(3), tmp_path / 'plan.json')
    subprocess.run(
        [sys.executable, '-c', program, str(tmp_path / 'plan.json'), str(tmp_path / 'a.journal')], check=False
    )
    assert read_journal(tmp_path / 'a.journal').on_paper == Proven(1, 12.5)


class _FullFile:
    """A file on a disk with room for so many bytes more."""

    def __init__(self, file, room):
        self._file, self._room = file, room

    def write(self, data):
        if self._room == 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        written = self._file.write(data[: self._room])
        self._room -= written
        return written

    def __getattr__(self, name):
        return getattr(self._file, name)


@pytest.mark.parametrize('room', [0, 1, 20])
def test_a_full_disk_is_told_and_what_was_told_before_stays(tmp_path, room):
    path = tmp_path / 'a.journal'
    journal = Journal(path)
    journal.begin(ladder(3))
    journal.proven(0, 100.0)
    journal._file = _FullFile(journal._file, room)
    with pytest.raises(SketchRobotError, match='No space left on device; the drawing was stopped') as caught:
        journal.proven(1, 50.0)
    assert caught.value.code == ErrorCode.BAD_GOAL
    assert journal.on_paper == Proven(1)
    journal.close()
    with Journal(path, resume=True) as resumed:
        assert resumed.begin(ladder(3)).first == 1
        resumed.proven(1, 50.0)
    assert read_journal(path).on_paper == Proven(1, 50.0)


def test_a_journal_that_cannot_be_made_is_told_before_anything_is_drawn(tmp_path):
    (tmp_path / 'file').touch()
    with pytest.raises(SketchRobotError, match='cannot write the journal') as caught:
        Journal(tmp_path / 'file' / 'a.journal').begin(ladder(1))
    assert caught.value.code == ErrorCode.BAD_GOAL


def test_only_strokes_of_a_begun_drawing_can_be_proven(tmp_path):
    with pytest.raises(ValueError, match='begun'):
        Journal(tmp_path / 'a.journal').proven(0, 1.0)
    with Journal(tmp_path / 'a.journal') as journal:
        journal.begin(ladder(1))
        with pytest.raises(ValueError, match='stroke 1'):
            journal.proven(1, 1.0)


def test_plans_that_draw_the_same_have_the_same_digest_and_others_do_not():
    assert digest_of(ladder(3)) == digest_of(ladder(3))
    moved = plan_of([[10, 10], [20, 10.001]])
    assert digest_of(moved) != digest_of(plan_of([[10, 10], [20, 10]]))
    assert digest_of(plan_of([[1, 1], [2, 2]], [[3, 3]])) != digest_of(plan_of([[1, 1]], [[2, 2], [3, 3]]))


def test_proofs_reach_the_disk_in_the_background(tmp_path, monkeypatch):
    synced = []
    monkeypatch.setattr(os, 'fdatasync', synced.append)
    journal = Journal(tmp_path / 'a.journal')
    journal.begin(ladder(1))
    journal.proven(0, 10.0)
    journal.close()
    assert len(synced) >= 1
    assert Path(tmp_path / 'a.journal').exists()


def test_what_is_proven_during_a_sync_reaches_the_disk_before_the_journal_is_closed(tmp_path, monkeypatch):
    path, syncing, go_on, sizes = tmp_path / 'a.journal', threading.Event(), threading.Event(), []

    def slow_disk(fd):
        sizes.append(os.fstat(fd).st_size)
        syncing.set()
        assert go_on.wait(60.0)

    monkeypatch.setattr(os, 'fdatasync', slow_disk)
    journal = Journal(path)
    journal.begin(ladder(2))
    journal.proven(0, 10.0)
    assert syncing.wait(60.0)
    journal.proven(0, 20.0)
    closing = threading.Thread(target=journal.close)
    disk_told_to_end = threading.Event()
    monkeypatch.setattr(journal._disk._thread, 'join', lambda: (disk_told_to_end.set(), thread_join()))
    thread_join = functools.partial(threading.Thread.join, journal._disk._thread)
    closing.start()
    assert disk_told_to_end.wait(60.0)
    go_on.set()
    closing.join()
    assert sizes[-1] == path.stat().st_size
