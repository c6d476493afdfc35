"""The runner of benches: one table, one JSON file, a verdict for each promise."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from bench import registry, run
from bench.registry import Bench, Figure


@pytest.fixture
def benches(monkeypatch: pytest.MonkeyPatch) -> dict[str, Bench]:
    """Stand-ins for the real benches, which take minutes."""
    known: dict[str, Bench] = {}
    for module in (registry, run):
        monkeypatch.setattr(module, 'BENCHES', known)
    monkeypatch.setattr(registry, '_photos', [])
    monkeypatch.setattr(run, 'find_benches', dict)
    monkeypatch.setattr(run, '_keep_to_cores', lambda cores: cores)

    @registry.bench('fast', 'keeps its promise')
    def fast(quick: bool) -> Iterator[Figure]:
        yield Figure('time', 0.1 if quick else 0.2, 's', at_most=0.3)

    @registry.bench('hour', 'takes long', slow=True)
    def hour(_quick: bool) -> Iterator[Figure]:
        yield Figure('time', 3600.0, 's')

    return known


def results(folder: Path) -> dict:
    return json.loads((folder / 'bench.json').read_text())


def run_in(folder: Path, *words: str) -> int:
    return run.main([*words, '--out', str(folder / 'bench.json')])


def test_figures_are_printed_as_a_table_and_written_as_json(benches, tmp_path, capsys):
    assert run_in(tmp_path) == 0
    assert '| fast | time | 0.2 s | <= 0.3 s | kept |  |' in capsys.readouterr().out
    written = results(tmp_path)
    assert list(written['benches']) == ['fast']  # slow ones are left out
    assert written['benches']['fast']['figures'] == [
        {'name': 'time', 'value': 0.2, 'unit': 's', 'at_most': 0.3, 'note': '', 'at_least': None, 'kept': True}
    ]


def test_quick_benches_say_so(benches, tmp_path):
    assert run_in(tmp_path, '--quick') == 0
    written = results(tmp_path)
    assert written['quick'] is True
    assert written['benches']['fast']['figures'][0]['value'] == 0.1


@pytest.mark.parametrize(('words', 'ran'), [(['--all'], ['fast', 'hour']), (['ho'], ['hour']), (['fast'], ['fast'])])
def test_slow_benches_run_when_named_or_with_all(benches, tmp_path, words, ran):
    assert run_in(tmp_path, *words) == 0
    assert list(results(tmp_path)['benches']) == ran


def test_a_missed_promise_fails_the_run(benches, tmp_path, capsys):
    registry.bench('late', 'misses')(lambda _quick: iter([Figure('time', 2.0, 's', at_most=1.0)]))
    assert run_in(tmp_path) == 1
    assert '**missed**' in capsys.readouterr().out


def test_a_bench_that_fails_costs_the_others_nothing(benches, tmp_path, capsys):
    def fail(_quick: bool) -> Iterator[Figure]:
        yield Figure('first', 1.0, 's')
        raise ValueError('no camera')

    registry.bench('broken', 'fails')(fail)
    registry.bench('last', 'comes after')(lambda _quick: iter([Figure('time', 1.0, 's')]))
    assert run_in(tmp_path) == 1
    written = results(tmp_path)['benches']
    assert written['broken']['error'] == 'ValueError: no camera'
    assert [figure['name'] for figure in written['broken']['figures']] == ['first']
    assert written['last']['figures'][0]['value'] == 1.0
    assert '| broken | failed | ValueError: no camera |' in capsys.readouterr().out


def test_an_unknown_bench_is_told_with_those_that_exist(benches, tmp_path, capsys):
    assert run_in(tmp_path, 'speed') == 2
    assert "no bench 'speed'; choose from: fast, hour" in capsys.readouterr().err
    assert not (tmp_path / 'bench.json').exists()


def test_two_benches_of_one_name_are_refused(benches):
    with pytest.raises(ValueError, match="two benches are called 'fast'"):
        registry.bench('fast', 'again')(lambda _quick: iter(()))


@pytest.mark.parametrize(('value', 'kept'), [(0.9, True), (1.0, True), (1.1, False), (math.nan, False)])
def test_a_promise_is_kept_up_to_its_limit(value, kept):
    assert Figure('time', value, 's', at_most=1.0).kept is kept


@pytest.mark.parametrize(('value', 'kept'), [(55.0, False), (56.0, True), (57.0, True), (math.nan, False)])
def test_a_promise_may_also_be_a_least_value(value, kept):
    figure = Figure('strokes found', value, 'of 57', at_least=56.0)
    assert figure.kept is kept
    assert figure.promise == '>= 56 of 57'


def test_a_figure_without_a_promise_has_no_verdict():
    assert Figure('time', 1e9, 's').kept is None


def test_photos_of_a_folder_are_measured_beside_the_demo_photo(benches, tmp_path):
    (tmp_path / 'in').mkdir()
    cv2.imwrite(str(tmp_path / 'in' / 'grey.png'), np.full((40, 50), 128, np.uint8))
    (tmp_path / 'in' / 'notes.txt').write_text('no photo')
    assert run_in(tmp_path, '--photos', str(tmp_path / 'in')) == 0
    assert [photo.size_px for photo in registry.photos()] == [(512, 512), (50, 40)]


def test_photos_that_cannot_be_read_are_told(benches, tmp_path, capsys):
    assert run_in(tmp_path, '--photos', str(tmp_path / 'missing')) == 2
    assert 'missing' in capsys.readouterr().err
    (tmp_path / 'bad.png').write_bytes(b'no')
    assert run_in(tmp_path, '--photos', str(tmp_path)) == 2
    assert 'BAD_IMAGE' in capsys.readouterr().err


def test_the_median_is_taken_after_warming_up():
    calls = []
    assert registry.median_s(lambda: calls.append(1), 3, warm_ups=2) >= 0.0
    assert len(calls) == 5
