"""Boards that are no AxiDraw's own: without some commands, with OK elsewhere, with other words for an error."""

from __future__ import annotations

import pytest
from ebb_bench import CARD, QUICK, Bench, gaps, link_to, plan_with, strays, too_much_mm

from sketch_robot.errors import SketchRobotError
from sketch_robot.plotters import PlotterStatus
from sketch_robot.plotters.ebb.client import EbbClient
from sketch_robot.plotters.ebb.exchange import EbbExchange
from sketch_robot.plotters.ebb.moves import Axes
from sketch_robot.plotters.journal import Journal
from sketch_robot_emulators import EbbUnit
from sketch_robot_emulators.ebb.syntax import COMMANDS

PLAN = plan_with(QUICK, [[5.0, 5.0], [12.0, 9.0]], [[12.0, 12.0], [6.0, 12.0]])


class Rewording(EbbUnit):
    """A board that puts each answer in other words."""

    def __init__(self, reword, firmware):
        super().__init__(CARD, Axes.of(), firmware=firmware)
        self._reword = reword

    def heard(self):
        return self._reword(super().heard())


def client_beside(reword, firmware=(2, 8, 1)):
    board = Rewording(reword, firmware)
    client = EbbClient(EbbExchange(link_to(board)))
    client.open(5)
    return client, board


def ok_first(data):
    """One answer at a time, as the link takes them."""
    value, _, rest = data.partition(b'OK\r\n')
    return b'OK\r\n' + value.strip() + b'\r\n' + rest if value and data.endswith(b'OK\r\n') else data


def ok_always(data):
    return data + b'OK\r\n' if data and not data.endswith(b'OK\r\n') else data


def ok_never(data):
    return data.replace(b'OK\r\n', b'') if len(data) > 4 else data


@pytest.mark.parametrize('reword', [ok_first, ok_always, ok_never])
@pytest.mark.parametrize('firmware', [(2, 5, 3), (2, 8, 1)], ids=str)
def test_where_ok_stands_is_seen_when_connecting_and_no_answer_is_a_doubt_then(firmware, reword):
    client, board = client_beside(reword, firmware)
    for k in range(3):
        client.command('SM,20,10,-10')
        assert client.status().running
        board.press_button()
        assert client.status().pressed
        board.carriage.advance(6000)
        assert client.steps() == (10 + 10 * k, -10 - 10 * k)
    assert client.ask('QC', 2) == ['0394', '0300']


@pytest.mark.parametrize('end', [b'\r\nOK\r\n', b'OK\r\n'])
def test_an_error_that_ends_in_ok_is_one_answer(end):
    client, board = client_beside(lambda data: data.strip() + end if data.startswith(b'!') else data)
    with pytest.raises(SketchRobotError, match=r"refused 'XY,1': !8 Err: Unknown command 'XY:5859'; if"):
        client.settle('XY,1')
    client.command('SM,20,5,5')
    board.carriage.advance(2000)
    assert client.steps() == (5, 5)


def test_a_command_that_became_another_on_its_way_is_said_again_before_that_is_an_alarm():
    client, board = client_beside(lambda data: data)
    receive, said = board.receive, []

    def lose_a_byte_once(data):
        said.append(data)
        receive(data.replace(b'SC,4', b'SC4') if len(said) == 1 else data)

    board.receive = lose_a_byte_once
    client.settle('SC,4,20000')
    assert said.count(b'SC,4,20000\r') == 2


@pytest.mark.parametrize('text', ['2.7.0 beta', '2.7.0-a12'])
def test_a_version_may_have_a_tail(text):
    client, _ = client_beside(lambda data: data.replace(b'2.7.0', text.encode()), (2, 7, 0))
    assert client.exchange.version == (2, 7, 0)
    assert client.steps() == (0, 0)


@pytest.mark.parametrize(
    ('firmware', 'missing'),
    [
        *(((2, 8, 1), name) for name in ('QL', 'QC', 'QB', 'QG', 'QE', 'LM')),
        *(((3, 0, 3), name) for name in ('CU', 'QU', 'QG', 'LM', 'QL')),
    ],
)
def test_a_board_without_a_command_that_is_not_needed_draws_all_the_same(monkeypatch, firmware, missing):
    monkeypatch.delitem(COMMANDS, missing)
    bench = Bench(firmware)
    assert bench.plotter.draw(PLAN).finished
    assert (strays(bench.unit, PLAN), gaps(bench.unit, PLAN)) == (0, 0)
    assert bench.unit.stepper.counters.tolist() == [0, 0]
    assert not bench.carriage.pen_down


def test_a_board_that_cannot_tell_where_its_motors_are_is_refused_by_name(monkeypatch):
    monkeypatch.delitem(COMMANDS, 'QS')
    with pytest.raises(SketchRobotError, match="refused 'QS': !8 Err: Unknown command"):
        Bench((2, 8, 1))


def test_a_late_answer_in_the_old_syntax_is_not_taken_for_a_restart():
    bench = Bench((3, 0, 3))
    take, late = bench.unit.heard, [b'EBBv13_and_above EB Firmware Version 3.0.3\r\n']
    bench.unit.heard = lambda: late.pop() + take() if late and bench.unit.seconds > 0.5 else take()
    assert bench.plotter.draw(PLAN).finished
    assert late == []
    assert (strays(bench.unit, PLAN), gaps(bench.unit, PLAN)) == (0, 0)


@pytest.mark.parametrize(
    ('firmware', 'moment_s'), [((2, 5, 3), 0.2), ((2, 5, 3), 0.4), ((2, 5, 3), 0.6), ((3, 0, 3), 0.3), ((3, 0, 3), 0.4)]
)
def test_after_a_restart_one_homing_is_enough_and_nothing_is_missing(firmware, moment_s, tmp_path):
    bench = Bench(firmware)
    bench.link.after(moment_s, bench.unit.reset)  # without leaving the port
    with Journal(tmp_path / 'journal') as journal:
        with pytest.raises(SketchRobotError, match='has restarted'):
            bench.plotter.draw(PLAN, journal=journal)
        assert bench.plotter.status == PlotterStatus.ALARM
        bench.let_pass(1.0)
        bench.carriage.move_by_hand((0.0, 0.0))
        bench.plotter.set_origin()
        assert bench.plotter.draw(PLAN, journal=journal).finished
    assert (strays(bench.unit, PLAN), gaps(bench.unit, PLAN)) == (0, 0)
    assert too_much_mm(bench.unit, PLAN) < 1.0
