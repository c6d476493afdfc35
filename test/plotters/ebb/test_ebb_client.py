"""Talking with an EBB: who it is, what it answers, and that nothing it says leads to a hang or a wrong move."""

from __future__ import annotations

import numpy as np
import pytest
from ebb_bench import CARD, FIRMWARES, QUICK, Bench, link_to, plan_with

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.plotters.ebb import EbbPlotter
from sketch_robot.plotters.ebb.answers import CommandRefused, UnclearAnswer
from sketch_robot.plotters.ebb.client import EbbClient
from sketch_robot.plotters.ebb.exchange import EbbExchange
from sketch_robot.plotters.ebb.moves import Axes
from sketch_robot_emulators import EbbUnit


class Babbler:
    """A link to something that answers whatever comes to its mind, or what it is told to; time passes as it speaks."""

    port = 'the babbler'

    def __init__(self, *answers, babble=None):
        self.said, self._answers, self._babble = [], list(answers), babble
        self._waiting, self._now_s = [], 0.0

    def open(self):
        pass

    def close(self):
        pass

    def wake(self):
        pass

    def now_s(self):
        return self._now_s

    def write(self, data):
        self.said += [line for line in data.decode().split('\r') if line]
        answer = self._babble() if self._babble is not None else self._answers.pop(0) if self._answers else []
        self._waiting += answer

    def read_line(self, timeout_s):
        self._now_s += 0.0005
        if self._waiting:
            return self._waiting.pop(0)
        self._now_s += timeout_s
        return None


def client_of(firmware):
    link = link_to(EbbUnit(CARD, Axes.of(), firmware=firmware))
    client = EbbClient(EbbExchange(link))
    client.open(5)
    return client, link


# ------------------------------------------------------------------ who it is
@pytest.mark.parametrize('firmware', FIRMWARES)
def test_the_firmware_is_known_and_used_as_far_as_it_goes(firmware):
    client, link = client_of(firmware)
    assert client.exchange.version == firmware
    assert client.exchange.checked == (firmware >= (3, 0, 0))
    assert client.reader.depth == link.unit.stepper.depth == (5 if firmware >= (3, 0, 0) else 1)


def test_a_board_that_a_former_program_left_in_its_newer_syntax_is_understood():
    _, link = client_of((3, 0, 3))
    again = EbbClient(EbbExchange(link))
    again.open(5)
    assert again.exchange.version == (3, 0, 3)
    assert again.steps() == (0, 0)


def test_closing_leaves_the_board_as_others_expect_it():
    client, link = client_of((3, 0, 3))
    client.exchange.close()
    link.open()
    link.write(b'QS\r')
    assert link.read_line(0.1) == '0,0'
    assert link.read_line(0.1) == 'OK'


@pytest.mark.parametrize(
    ('answer', 'message'),
    [
        ([], 'does not answer as an EBB'),
        (["Grbl 1.1h ['$' for help]"], 'does not answer as an EBB'),
        (['EBBv13_and_above EB Firmware Version 2.2.1'], 'firmware 2.2.1; update it to 2.4.4'),
        (['EBBv13_and_above EB Firmware Version 4.0.0'], 'firmware 4.0.0, which is newer'),
    ],
)
def test_what_is_no_ebb_that_is_understood_is_refused(answer, message):
    with pytest.raises(SketchRobotError, match=message) as caught:
        EbbClient(EbbExchange(Babbler(*([answer] * 10)))).open(5)
    assert caught.value.code == ErrorCode.PLOTTER_OFFLINE


# ------------------------------------------------------------------ what it answers
@pytest.mark.parametrize('firmware', FIRMWARES)
def test_an_error_is_a_refusal_and_nothing_happens(firmware):
    client, link = client_of(firmware)
    with pytest.raises(CommandRefused, match='!6 Err: Invalid parameter value'):
        client.command('SM,0,1,1')
    assert link.unit.stepper.idle


@pytest.mark.parametrize('firmware', FIRMWARES)
def test_a_command_that_is_refused_for_good_is_an_alarm(firmware):
    client, _ = client_of(firmware)
    with pytest.raises(SketchRobotError, match="refused 'XY,1': !8 Err: Unknown command") as caught:
        client.settle('XY,1')
    assert caught.value.code == ErrorCode.PLOTTER_ALARM


@pytest.mark.parametrize('firmware', FIRMWARES)
def test_the_status_tells_what_runs_what_waits_and_the_button(firmware):
    client, link = client_of(firmware)
    assert (client.status().running, client.status().waiting) == (False, 0)
    for _ in range(2):
        client.command('SM,500,10,10')
    link.unit.press_button()
    status = client.status()
    assert (status.running, status.waiting, status.pressed) == (True, 1, True)
    assert not client.status().pressed


def test_an_answer_to_something_else_is_not_taken_for_this_one_s():
    client, _ = client_of((3, 0, 3))
    client.exchange.link = Babbler(['SP', 'QS,1,1', 'LM'])
    client.command('LM,1,1,0,1,1,0,3')
    client.exchange.link = Babbler(['LM', 'QS,7,-7'])
    assert client.steps() == (7, -7)


def test_a_command_whose_checksum_arrived_wrong_is_said_again():
    client, _ = client_of((3, 0, 3))
    client.exchange.link = link = Babbler([], ['L,!9 Err: Checksum incorrect, expected 7'], ['SP'])
    link._answers.pop(0)
    client.command('SP,1,100')
    assert link.said == ['SP,1,100,67'] * 2


def test_the_checksum_is_the_one_of_the_command_reference():
    client, _ = client_of((3, 0, 3))
    client.exchange.link = link = Babbler(['SM'])
    client.command('SM,1000,1000,1000')
    assert link.said == ['SM,1000,1000,1000,153']


@pytest.mark.parametrize('lines', [['OK', 'OK'], ['0,0', 'OK'], ['O'], []])
def test_without_names_a_muddled_answer_is_a_doubt(lines):
    client, _ = client_of((2, 8, 1))
    client.exchange.link = Babbler(lines)
    if lines == ['OK', 'OK']:
        client.command('SM,20,1,1')
    with pytest.raises(UnclearAnswer):
        client.command('SM,20,1,1')


# ------------------------------------------------------------------ what babbles
WORDS = (
    'OK', 'OK', 'OK', 'QM,0,0,0,0', 'QM,1,1,1,1', '0,0', '12,-7', '1', '0', '0A', '1F', '10', 'LM', 'SP', 'SM', 'SC',
    'QS,0,0', 'QS,800,0', 'QS,99999,0', 'QG,10', 'QG,0F', 'QU,3', 'QU,', 'QL,173', 'QL,0', 'QC,0394,0300', '0394,0300',
    '!8 Err: Unknown command', 'LM,!6 Err: Invalid parameter value', 'V,!10 Err: No checksum found but required', 'V',
    '!9 Err: Checksum incorrect, expected 1', 'EBBv13_and_above EB Firmware Version 2.8.1', '\N{REPLACEMENT CHARACTER}',
    'EBBv13_and_above EB Firmware Version 3.0.3', 'V,EBBv13_and_above EB Firmware Version 3.0.3', 'ES,1', 'EM', 'CS',
)  # fmt: skip


def inside(said, steps=(0, 0)):
    """Whether moves that a machine obeys, all of them, stay near the card, starting where it was."""
    at = np.array(steps)
    for line in said:
        fields = line.split(',')
        if fields[0] == 'SM':
            at += [int(fields[2]), int(fields[3])]
        elif fields[0] == 'LM':
            at += [int(fields[2]), int(fields[5])]
        elif fields[0] == 'EM':
            at = np.zeros(2, dtype=int)
        xy = Axes.of().mm(at)
        if (xy < -0.2).any() or (xy > [CARD.width_mm + 0.2, CARD.height_mm + 0.2]).any():
            return False
    return True


GIVEN_UP = (ErrorCode.PLOTTER_OFFLINE, ErrorCode.PLOTTER_ALARM)


def code_of(action):
    """The code of the error that an action ends in; None: it does not."""
    try:
        action()
    except SketchRobotError as error:
        return error.code
    return None


def test_ten_thousand_random_answers_end_in_an_error_each_time_and_no_move_leaves_the_page():
    rng = np.random.default_rng(11)
    answers = drawings = 0

    def babble():
        nonlocal answers
        count = int(rng.choice([0, 1, 1, 1, 1, 2]))
        answers += count
        return [
            str(rng.choice(WORDS)) if rng.random() < 0.9 else bytes(rng.integers(32, 127, 12, dtype=np.uint8)).decode()
            for _ in range(count)
        ]

    plan = plan_with(QUICK, [[5.0, 5.0], [40.0, 30.0]], [[10.0, 30.0], [50.0, 5.0]])
    while answers < 10_000:
        link = Babbler(babble=babble)
        plotter = EbbPlotter(link=link)
        assert code_of(lambda: (plotter.connect(), plotter.draw(plan))) in GIVEN_UP  # noqa: B023  called here
        drawings += 1
        plotter.close()
        assert inside(link.said)
    assert drawings > 5


@pytest.mark.parametrize('share', [0.5, 0.2, 0.04])
@pytest.mark.parametrize('firmware', [(2, 8, 1), (3, 0, 3)])
def test_a_board_some_of_whose_answers_are_random_draws_nothing_wrong(firmware, share):
    """Real questions to a real board, from some moment on with other answers now and then."""
    rng = np.random.default_rng(3)
    plan = plan_with(QUICK, [[5.0, 5.0], [40.0, 30.0]])
    for _ in range(5):
        bench = Bench(firmware)
        take, start_s = bench.unit.heard, bench.unit.seconds + rng.uniform(0.0, 1.0)

        def muddle(take=take, start_s=start_s, unit=bench.unit):
            data = take()
            if data and unit.seconds > start_s and rng.random() < share:
                return str(rng.choice(WORDS)).encode('ascii', 'replace') + b'\r\n'
            return data

        bench.unit.heard = muddle
        assert code_of(lambda: bench.plotter.draw(plan)) in (None, *GIVEN_UP)  # noqa: B023  called here
        assert bench.unit.trace.outside_mm < 0.2
        for line in bench.unit.trace.paper.polylines:
            # on the way from (5, 5) to (40, 30), or nothing at all
            away = np.abs((line - [5.0, 5.0]) @ np.array([-25.0, 35.0])) / np.hypot(25.0, 35.0)
            assert away.max() < 0.1
