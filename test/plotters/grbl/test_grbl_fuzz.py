"""Whatever a serial port says: no hang, no crash, no wrong move."""

from contextlib import suppress

import cv2
import numpy as np
import pytest
from grbl_bench import CARD, PROFILE, STEP_MM, World, small_plan
from hypothesis import given, settings
from hypothesis import strategies as st

from sketch_robot.errors import SketchRobotError
from sketch_robot.plotters import PlotterStatus, paper_of
from sketch_robot.plotters.grbl.status import Error, Ok, Setting, StatusReport, Unknown, parse_answer
from sketch_robot.plotters.paper import paper_with

SESSIONS, ANSWERS = 20, 500  # 10,000 in all
STATES = ('Idle', 'Run', 'Hold:0', 'Hold:1', 'Alarm', 'Check', 'Door:0', 'Home', 'Sleep', 'Jog')


def random_answer(rng: np.random.Generator, true: str) -> str:
    """Noise, something that GRBL could say, or what it said with a few characters changed."""
    kind = rng.integers(8)
    if kind == 0:
        return ''.join(map(chr, rng.integers(32, 127, rng.integers(1, 60))))
    if kind == 1:
        return '\N{REPLACEMENT CHARACTER}' * int(rng.integers(1, 20))
    if kind == 2:
        return str(rng.choice(['ok', 'ok', 'okok', 'o', 'error:', 'ALARM:', '[MSG:]', '<', '>', '$', 'Grbl', '<Idle>']))
    if kind == 3:
        return f'error:{rng.integers(0, 100)}'
    if kind == 4:
        x, y = rng.uniform(-300.0, 300.0, 2)
        free = f'|Bf:{rng.integers(0, 200)},{rng.integers(0, 300)}' if rng.integers(2) else ''
        return f'<{rng.choice(STATES)}|MPos:{x:.3f},{y:.3f},0.000{free}|FS:0,{rng.integers(0, 1001)}>'
    if kind == 5:
        return str(
            rng.choice([f'[GC:G0 G54 T{rng.integers(300)} F0 S0]', '[G54:1.000,nan,3.000]', '[TLO:x]', '$110=-1'])
        )
    changed = list(true or 'ok')
    for _ in range(rng.integers(1, 4)):
        place = rng.integers(len(changed))
        changed[place] = chr(rng.integers(32, 127))
    return ''.join(changed)


class Liar:
    """Lets a link tell random answers between the true ones, in place of them, or not at all."""

    def __init__(self, world: World, seed: int, share: float, begin_s: float) -> None:
        self.told = 0
        self._rng, self._share, self._begin_s = np.random.default_rng(seed), share, begin_s
        self._world, self._read = world, world.link.read_line
        world.link.read_line = self.read_line

    def read_line(self, timeout_s: float) -> str | None:
        rng = self._rng
        lies = self._world.unit.seconds >= self._begin_s and self.told < ANSWERS and rng.uniform() < self._share
        if lies and rng.integers(2):
            self.told += 1
            self._world.link.wait(0.0005)
            return random_answer(rng, '')
        line = self._read(timeout_s)
        if lies and line is not None:
            self.told += 1
            return random_answer(rng, line)
        return line


@pytest.mark.parametrize('seed', range(SESSIONS))
def test_random_answers_neither_hang_nor_crash_it_nor_move_the_pen_wrongly(seed):
    plan, world = small_plan(seed), World()
    liar = Liar(
        world, seed, share=float(np.random.default_rng(seed).choice([0.05, 0.2, 0.5])), begin_s=2.0 * (seed % 3)
    )
    for _ in range(500):
        with suppress(SketchRobotError):
            if world.plotter.status == PlotterStatus.OFFLINE:
                world.plotter.connect()
            if world.plotter.status == PlotterStatus.ALARM:
                world.plotter.home()
            world.plotter.draw(plan, world._resume_if_paused)
        if liar.told >= ANSWERS or world.unit.seconds > 20000.0:
            break
    assert liar.told >= ANSWERS
    machine = world.machine
    assert machine.pen_down_travel_mm == 0.0
    assert machine.ink_outside_mm == 0.0
    assert machine.outside_mm <= 2 * STEP_MM
    wanted = paper_of(plan).image(10.0) < 128
    drawn = paper_with(CARD, machine.paper.polylines).image(10.0) < 128
    away = cv2.distanceTransform((~wanted).astype(np.uint8), cv2.DIST_L2, 5)[drawn].max(initial=0.0) / 10.0
    assert away < PROFILE.pen_width_mm


@settings(deadline=None)
@given(st.text(max_size=120))
def test_any_text_is_read_as_some_answer(text):
    parse_answer(text)


@settings(deadline=None)
@given(
    st.lists(
        st.sampled_from(['<', '>', '|', 'MPos:', 'Bf:', '1', '-', '.', ',', 'Idle', 'Run', 'FS:', 'ok', '[']),
        max_size=14,
    )
)
def test_pieces_of_reports_are_reports_only_when_whole(parts):
    answer = parse_answer(''.join(parts))
    if isinstance(answer, StatusReport):
        assert len(answer.position_mm) == 3


@settings(deadline=None)
@given(st.integers(0, 200), st.sampled_from(['Idle', 'Run', 'Hold:0']), st.data())
def test_a_report_that_lacks_or_repeats_a_character_is_no_report_unless_it_was_a_sign(free, state, data):
    line = f'<{state}|MPos:-12.345,101.250,-1.000|Bf:15,{free}|FS:6000,1000>'
    place = data.draw(st.integers(0, len(line) - 1))
    if line[place] in '0123456789':
        return
    for damaged in (line[:place] + line[place + 1 :], line[:place] + line[place] + line[place:]):
        answer = parse_answer(damaged)
        assert isinstance(answer, Unknown) or line[place] == '-'


@pytest.mark.parametrize(
    ('line', 'expected'),
    [
        ('ok', Ok()),
        ('error:9', Error(9)),
        ('$110=12000.000', Setting(110, 12000.0)),
        ('ook', Unknown('ook')),
        ('error:', Unknown('error:')),
        ('<Idle|MPos:1.000,2.000>', Unknown('<Idle|MPos:1.000,2.000>')),
        ('<Idle|MPos:1.000,2.000,3.000|MPos:1.000,2.000,3.000>',) * 1
        + (Unknown('<Idle|MPos:1.000,2.000,3.000|MPos:1.000,2.000,3.000>'),),
    ],
)
def test_lines_are_read_strictly(line, expected):
    assert parse_answer(line) == expected


def test_a_report_is_read_with_all_its_fields():
    answer = parse_answer('<Hold:0|MPos:-1.500,2.000,0.250|Bf:15,128|FS:500,8000|Pn:XYZ|WCO:1.000,2.000,3.000>')
    assert answer == StatusReport('Hold', 0, (-1.5, 2.0, 0.25), False, 15, 128, 8000.0, (1.0, 2.0, 3.0), None, 'XYZ')
    assert answer.is_still
    assert not parse_answer('<Hold:1|MPos:0.000,0.000,0.000>').is_still


def test_the_card_is_large_enough_for_the_plans():
    assert all(stroke.xy.min() >= 0.0 and stroke.xy.max() <= CARD.width_mm for stroke in small_plan(0).strokes)
