"""Lines for GRBL: where they lead, to the grid, never off the page, and refused when they were damaged."""

import re

import numpy as np
import pytest
from drawings import length_of, plan_of
from grbl_bench import CARD, PROFILE, World, make_driver
from hypothesis import given, settings
from hypothesis import strategies as st

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.motion import MachineLimits, Page, load_machine, time_plan
from sketch_robot.motion.plan import DrawingPlan
from sketch_robot.plotters.grbl.options import GrblOptions, GrblPen
from sketch_robot.plotters.grbl.program import GrblProgram, Kind, PagePlacement
from sketch_robot.plotters.grbl.progress import length_at
from sketch_robot.plotters.page_axes import PageAxes
from sketch_robot.stroke import Stroke

PLAIN = GrblProgram(PagePlacement(PageAxes(np.eye(2)), CARD), GrblPen(), PROFILE)
points = st.lists(st.tuples(st.floats(0.0, 60.0), st.floats(0.0, 60.0)), min_size=1, max_size=8)
turns = st.sampled_from([np.eye(2), np.array([[0.0, -1.0], [1.0, 0.0]]), np.array([[1.01, 0.003], [0.0, 0.987]])])


def walk(program: GrblProgram, stroke: Stroke) -> tuple[list[tuple[float, float]], list[bytes]]:
    """Where lines lead with the pen down, as a controller without rounding goes; and the lines."""
    at, relative, places, lines = np.zeros(2), False, [], []
    for step in program.draw(stroke, program.path_of(stroke), 0):
        lines.append(step.data)
        words = {}
        letter = ''
        for char in step.data.decode().strip():
            if char.isalpha():
                letter = char
                words.setdefault(letter, []).append('')
            else:
                words[letter][-1] += char
        modes = words.get('G', [])
        relative = True if '91' in modes else False if '90' in modes else relative
        for axis, name in enumerate('XY'):
            if name in words:
                value = float(words[name][0])
                at[axis] = at[axis] + value if relative else value
        if step.kind == Kind.INK:
            places.append((float(at[0]), float(at[1])))
    return places, lines


@settings(deadline=None, max_examples=60)
@given(points)
def test_lines_lead_through_the_strokes_points_to_a_hundredth_of_a_mm_and_errors_do_not_add_up(xy):
    stroke = Stroke(np.array(xy))
    places, lines = walk(PLAIN, stroke)
    path = PLAIN.path_of(stroke)
    assert len(places) == len(path.along_mm) - 1
    if places:
        assert np.allclose(places, path.machine_mm[1:], atol=1e-9)
        exact = np.column_stack([np.interp(path.along_mm, _along(stroke.xy), stroke.xy[:, axis]) for axis in (0, 1)])
        assert np.abs(path.machine_mm - exact).max() <= 0.0075
        assert np.abs(path.machine_mm[16:] - exact[16:]).max(initial=0.0) <= 0.0016
    assert max(map(len, lines)) <= 80


def _along(xy):
    return np.concatenate(([0.0], np.cumsum(np.hypot(*np.diff(xy, axis=0).T))))


@settings(deadline=None, max_examples=60)
@given(points, turns, st.floats(-100.0, 100.0), st.floats(-100.0, 100.0))
def test_no_point_ever_leaves_the_page(xy, matrix, x, y):
    frame = PagePlacement(PageAxes(matrix, np.array([x, y])), CARD)
    program = GrblProgram(frame, GrblPen(), PROFILE, np.array([0.1234567, -3.0]))
    path = program.path_of(Stroke(np.array(xy)))
    back = frame.axes.to_page(path.machine_mm)
    assert back.min() >= -1e-6
    assert back.max() <= 60.0 + 1e-6
    assert np.hypot(*(back[0] - np.clip(xy[0], 0.0, 60.0))) < 0.003


@settings(deadline=None)
@given(points, turns)
def test_a_frame_leads_back_to_where_it_came_from(xy, matrix):
    frame = PagePlacement(PageAxes(matrix, np.array([7.0, -9.0])), CARD)
    page = np.array(xy)
    assert np.allclose(frame.axes.to_page(frame.to_machine(page)), page, atol=1e-9)


def test_long_lines_are_sent_in_pieces_that_a_machine_can_brake_within():
    path = PLAIN.path_of(Stroke(np.array([[5.0, 5.0], [55.0, 5.0]])))
    pieces = np.diff(path.along_mm)
    assert pieces.max() <= PLAIN.piece_mm + 1e-9
    braking_mm = PROFILE.draw_speed_mm_s**2 / (2.0 * PROFILE.axis_accel_mm_s2[0])
    assert 13 * PLAIN.piece_mm >= braking_mm


@pytest.mark.parametrize('seed', range(40))
def test_a_line_with_a_character_lost_doubled_or_changed_is_found_by_the_next_probe(seed):
    """Each ink line of a stroke is sent to a controller in check mode, one damaged: some line is then refused."""
    rng = np.random.default_rng(seed)
    turn = np.linspace(0.0, 4.0, 30)
    stroke = Stroke(np.array([30.0, 30.0]) + rng.uniform(5, 20) * np.column_stack([np.cos(turn), np.sin(turn)]))
    steps = list(PLAIN.draw(stroke, PLAIN.path_of(stroke), 0))
    ink = [index for index, step in enumerate(steps) if step.kind == Kind.INK]
    hit = int(rng.choice(ink))
    line = steps[hit].data[:-1].decode()
    coordinates = [place for place, char in enumerate(line) if 'F' not in line[:place] and char != 'F']
    place = int(rng.choice(coordinates))
    kind = seed % 3
    if kind == 0:
        damaged = line[:place] + line[place + 1 :]
    elif kind == 1:
        damaged = line[:place] + line[place] + line[place:]
    else:
        damaged = line[:place] + chr(int(rng.integers(34, 127))) + line[place + 1 :]
    world = World(homes=False)
    world.plotter.connect()
    stream = world.plotter._client
    stream.connection.command('$C')
    refused = 0
    for index, step in enumerate(steps):
        data = f'{damaged}\n'.encode() if index == hit else step.data
        world.link.write(data)
        while (answer := world.link.read_line(1.0)) is not None and not answer.startswith(('ok', 'error')):
            pass
        refused += answer is None or answer.startswith('error')
    assert refused >= 1 or not _leads_elsewhere(damaged, line)


def _leads_elsewhere(damaged: str, line: str) -> bool:
    """Whether coordinates differ by more than a probe lets pass."""
    told, meant = _coordinates(damaged), _coordinates(line)
    return told is None or max(abs(told.get(axis, 0.0) - meant.get(axis, 0.0)) for axis in 'XY') > 0.025


def _coordinates(line: str) -> dict[str, float] | None:
    """Numbers by letter; None: it is no line."""
    text = line.upper().replace(' ', '')
    words = re.findall(r'([A-Z])(-?(?:\d+\.?\d*|\.\d+))', text)
    if ''.join(letter + number for letter, number in words) != text:
        return None
    return {letter: float(number) for letter, number in words}


def test_a_stroke_ends_with_a_probe_at_its_end():
    stroke = Stroke(np.array([[5.0, 5.0], [15.0, 9.0]]))
    steps = list(PLAIN.draw(stroke, PLAIN.path_of(stroke), 0))
    kinds = [step.kind for step in steps]
    assert kinds[:4] == [Kind.TRAVEL, Kind.PROBE, Kind.LOWER, Kind.LOWERING]
    assert kinds[-3:] == [Kind.PROBE, Kind.RAISE, Kind.RAISING]
    assert b'Y9R.01' in steps[-3].data


def test_a_dot_is_a_touch():
    stroke = Stroke(np.array([[5.0, 5.0]]))
    steps = list(PLAIN.draw(stroke, PLAIN.path_of(stroke), 0))
    assert [step.kind for step in steps] == [
        Kind.TRAVEL, Kind.PROBE, Kind.LOWER, Kind.LOWERING, Kind.RAISE, Kind.RAISING,
    ]  # fmt: skip


def test_feeds_are_those_of_the_time_model():
    profile = MachineLimits('slow', 20.0, 100.0, 200.0, 2000.0)
    circle = np.linspace(0.0, 2 * np.pi, 60)
    tight = Stroke(np.array([30.0, 30.0]) + 1.0 * np.column_stack([np.cos(circle), np.sin(circle)]))
    program = GrblProgram(PagePlacement(PageAxes(np.eye(2)), CARD), GrblPen(), profile)
    steps = list(program.draw(tight, program.path_of(tight), 0))
    feeds = [
        int(step.data.split(b'F')[1]) for step in steps if step.kind in (Kind.LOWER, Kind.INK) and b'F' in step.data
    ]
    assert feeds
    assert all(60 <= feed <= 1200 * 1.01 for feed in feeds)
    assert min(feeds) <= 10.0 * 60 * 1.05  # sqrt(a / curvature) on a circle of 1 mm


@pytest.mark.parametrize(
    ('matrix', 'origin'),
    [
        ([[1.0, 0.0], [1.0, 0.0]], [0.0, 0.0]),
        ([[1.0, 0.0], [0.0, 1.0]], [0.0, np.nan]),
        ([[9.0, 0.0], [0.0, 9.0]], [0, 0]),
    ],
)
def test_a_frame_that_is_none_is_refused(matrix, origin):
    with pytest.raises(SketchRobotError, match='close to a rotation') as caught:
        PageAxes(np.array(matrix), np.array(origin))
    assert caught.value.code == ErrorCode.BAD_GOAL


# ----------------------------------------------------------------- where a machine stands on its way
def test_the_length_drawn_is_told_by_where_the_machine_stands():
    path = PLAIN.path_of(Stroke(np.array([[10.0, 10.0], [20.0, 10.0], [20.0, 30.0]])))
    assert length_at(path, np.array([15.0, 10.02])) == pytest.approx(5.0, abs=0.02)
    assert length_at(path, np.array([20.0, 12.0])) == pytest.approx(12.0, abs=0.03)
    assert length_at(path, np.array([25.0, 12.0])) is None


def test_where_a_path_crosses_itself_the_first_passage_not_yet_known_counts():
    path = PLAIN.path_of(Stroke(np.array([[10.0, 20.0], [30.0, 20.0], [30.0, 30.0], [20.0, 30.0], [20.0, 10.0]])))
    assert length_at(path, np.array([20.0, 20.0])) == pytest.approx(10.0, abs=0.03)
    assert length_at(path, np.array([20.0, 20.0]), from_mm=35.0) == pytest.approx(50.0, abs=0.03)


def test_a_way_there_and_back_is_taken_for_the_way_there():
    path = PLAIN.path_of(Stroke(np.array([[10.0, 20.0], [30.0, 20.0], [10.0, 20.0]])))
    assert length_at(path, np.array([25.0, 20.0])) == pytest.approx(15.0, abs=0.03)


@settings(deadline=None, max_examples=60)
@given(points, st.floats(0.0, 1.0))
def test_the_length_told_is_never_too_long(xy, share):
    stroke = Stroke(np.array(xy))
    path = PLAIN.path_of(stroke)
    along = share * length_of(stroke.xy)
    place = np.array([np.interp(along, path.along_mm, path.machine_mm[:, axis]) for axis in (0, 1)])
    told = length_at(path, place)
    assert told is not None
    assert told <= along + 0.1


# ----------------------------------------------------------------- streaming
def test_at_200_mm_s_on_segments_of_a_third_of_a_mm_the_planner_never_runs_dry():
    from sketch_robot_emulators import Hardware

    page = Page(148.0, 210.0)
    profile = MachineLimits(
        'fast', 200.0, 2000.0, 200.0, 2000.0, 0.15, 0.15,
        axis_speed_mm_s=(200.0, 200.0), axis_accel_mm_s2=(2000.0, 2000.0), lookahead_blocks=15, dwell_step_s=0.05,
    )  # fmt: skip
    turn = np.arange(0.0, 2.0 * np.pi, 0.3 / 60.0)
    strokes = (Stroke(np.array([74.0, 100.0]) + 60.0 * np.column_stack([np.cos(turn), np.sin(turn)])),)
    stroke_s, return_s = time_plan(strokes, profile)
    plan = DrawingPlan(strokes, page, profile, stroke_s, return_s)
    world = World(homes=False, hardware=Hardware(page), limits=profile)
    world.plotter.connect()
    outcome = world.plotter.draw(plan)
    assert world.unit.starved == 0
    assert world.unit.lost == 0
    assert outcome.machine_s < 1.05 * plan.predicted_s + 0.3


def test_programs_say_where_in_a_plan_they_cannot_go():
    with pytest.raises(SketchRobotError, match='stroke 1 leaves the page') as caught:
        make_driver().program(plan_of([[1, 1], [2, 2]], [[1, 1], [70, 1]], page=CARD))
    assert caught.value.code == ErrorCode.OFF_PAGE


@pytest.mark.parametrize('name', ['grbl_factory', 'grbl_fast', 'grbl_plotter', 'slow_cnc', ''])
def test_a_servo_gets_a_pulse_at_both_heights_and_no_spindle_is_started(name: str) -> None:
    """S0 gives a servo no pulse and S1000 nothing else; with a pen in the spindle M3 would turn it."""
    options = load_machine(name).options if name else {}
    pen = GrblOptions.read(options, of=name).pen
    assert pen.kind == ('z' if name == 'slow_cnc' else 'servo')
    assert pen.kind == 'z' or 60.0 < pen.up < pen.down < 120.0
