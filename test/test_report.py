"""The report of a drawing, as scripts read it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.report import STAGES, Report, write_report, write_reports

NEEDED = {
    'error_code',
    'error',
    'error_msg',
    'strokes',
    'ink_mm',
    'travel_mm',
    'lifts',
    'predicted_s',
    'simulated_s',
    'stage_s',
    'faces',
    'artist',
    'page',
}


def test_a_report_has_every_field_even_when_nothing_was_reached() -> None:
    fields = Report().to_dict()
    assert set(fields) == NEEDED
    assert fields['stage_s'] == dict.fromkeys(('capture', 'line_art', 'plan', 'draw'), 0.0)


@pytest.mark.parametrize('code', list(ErrorCode), ids=lambda code: code.name)
def test_an_error_is_told_by_number_and_by_name(code: ErrorCode) -> None:
    fields = json.loads(json.dumps(Report(error_code=code, error_msg='why').to_dict()))
    assert (fields['error_code'], fields['error'], fields['error_msg']) == (code.value, code.name, 'why')
    assert type(fields['error_code']) is int


def test_lengths_and_times_are_rounded_to_a_thousandth() -> None:
    fields = Report(ink_mm=1.23456, travel_mm=2.00049, predicted_s=3.9999, simulated_s=0.00051).to_dict()
    assert [fields[k] for k in ('ink_mm', 'travel_mm', 'predicted_s', 'simulated_s')] == [1.235, 2.0, 4.0, 0.001]


def test_stages_come_in_order_and_missing_ones_are_zero() -> None:
    fields = Report(stage_s={'plan': 0.25, 'capture': 0.123456}).to_dict()
    assert list(fields['stage_s'].items()) == [('capture', 0.1235), ('line_art', 0.0), ('plan', 0.25), ('draw', 0.0)]
    assert tuple(fields['stage_s']) == STAGES


def test_a_written_report_reads_back_as_it_was(tmp_path: Path) -> None:
    report = Report(strokes=7, lifts=7, faces=2, artist='guided', page='A5', error_msg='Überlänge')
    write_report(report, tmp_path / 'report.json')
    assert json.loads((tmp_path / 'report.json').read_text(encoding='utf-8')) == report.to_dict()
    assert [path.name for path in tmp_path.iterdir()] == ['report.json']


def test_several_reports_say_how_many_were_drawn_and_which_failed(tmp_path: Path) -> None:
    bad = Report(error_code=ErrorCode.NO_FACE, error_msg='none')
    write_reports({'a.jpg': Report(strokes=3), 'b.jpg': bad, 'c.jpg': Report()}, tmp_path / 'all.json')
    written = json.loads((tmp_path / 'all.json').read_text())
    assert (written['drawn'], written['failed']) == (2, 1)
    assert [(photo['photo'], photo['error']) for photo in written['photos']] == [
        ('a.jpg', 'OK'),
        ('b.jpg', 'NO_FACE'),
        ('c.jpg', 'OK'),
    ]


def test_a_report_that_cannot_be_written_is_told_and_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(SketchRobotError, match=r'cannot write .*missing.report\.json') as caught:
        write_report(Report(), tmp_path / 'missing' / 'report.json')
    assert caught.value.code == ErrorCode.BAD_GOAL
    assert list(tmp_path.iterdir()) == []


def test_a_failed_write_keeps_the_earlier_report(tmp_path: Path) -> None:
    path = tmp_path / 'report.json'
    write_report(Report(strokes=1), path)
    with pytest.raises(TypeError):
        write_report(Report(artist=object()), path)  # type: ignore[arg-type]
    assert json.loads(path.read_text())['strokes'] == 1
    assert [entry.name for entry in tmp_path.iterdir()] == ['report.json']
