"""`sketch-robot plan`: from pictures, SVG, strokes and plans to plans, with one line for what goes wrong."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from sketch_robot.cli import main
from sketch_robot.motion import DrawingPlan, Page, Pen, load_limits, load_plan, plan_to_json, save_plan, time_plan
from sketch_robot.stroke import Stroke

SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="{0}mm" height="{1}mm" viewBox="0 0 {0} {1}">{2}</svg>'


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A user without machines of their own, in an empty folder."""
    monkeypatch.setenv('XDG_CONFIG_HOME', str(tmp_path / 'config'))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def lines(tmp_path: Path) -> str:
    """Three black lines on white, 400 x 400."""
    paper = np.full((400, 400), 255, np.uint8)
    for x in (100, 200, 300):
        cv2.line(paper, (x, 60), (x, 340), 0, 3)
    cv2.imwrite(str(tmp_path / 'lines.png'), paper)
    return 'lines.png'


def svg(tmp_path: Path, body: str, width: float = 148, height: float = 210, name: str = 'a.svg') -> str:
    (tmp_path / name).write_text(SVG.format(width, height, body))
    return name


def answer(capsys: pytest.CaptureFixture, *words: str) -> dict:
    assert main(['plan', *words]) == 0
    out, err = capsys.readouterr()
    assert err == ''
    return json.loads(out)


def complaint(capsys: pytest.CaptureFixture, status: int, *words: str) -> str:
    assert main(['plan', *words]) == status
    out, err = capsys.readouterr()
    assert out == ''
    assert err.count('\n') == 1
    return err.removeprefix('sketch-robot: ').strip()


def test_a_picture_is_traced_and_summed_up(capsys: pytest.CaptureFixture, lines: str) -> None:
    said = answer(capsys, lines, '-o', 'plan.json', '--profile', 'axidraw', '--page', 'A6')
    plan = load_plan('plan.json')
    assert said == {
        'strokes': 3,
        'left_out': 0,
        'ink_mm': pytest.approx(3 * 280 * 85 / 400, abs=3.0),
        'travel_mm': plan.travel_mm,
        'lifts': 3,
        'predicted_s': plan.predicted_s,
        'profile': 'axidraw',
        'page': 'A6',
        'page_mm': [105.0, 148.0],
        'pens': [],
    }
    assert plan.profile == load_limits('axidraw')
    xs = sorted(stroke.xy[:, 0].mean() for stroke in plan.strokes)
    assert xs == pytest.approx([10 + 85 * x / 400 for x in (100.5, 200.5, 300.5)], abs=0.1)


def test_the_same_drawing_gives_the_same_plan(capsys: pytest.CaptureFixture, lines: str) -> None:
    for name in ('one.json', 'two.json'):
        answer(capsys, lines, '-o', name, '--time-budget', '4')
    assert Path('one.json').read_bytes() == Path('two.json').read_bytes()


def test_a_budget_leaves_lines_out(capsys: pytest.CaptureFixture, lines: str) -> None:
    budget_s = 0.7 * answer(capsys, lines, '-o', 'plan.svg')['predicted_s']
    said = answer(capsys, lines, '-o', 'plan.svg', '--time-budget', str(budget_s))
    assert said['predicted_s'] <= budget_s
    assert (said['strokes'], said['left_out']) == (2, 1)
    assert len(load_plan('plan.svg').strokes) == 2


def test_an_svg_on_a_page_of_its_size_keeps_every_line_where_it_was(
    capsys: pytest.CaptureFixture, tmp_path: Path
) -> None:
    body = '<path d="M20 20L128 30"/><path d="M20.123 190V100"/>'
    said = answer(capsys, svg(tmp_path, body), '-o', 'plan.json', '--page', 'A5')
    assert (said['strokes'], said['page']) == (2, 'A5')
    assert ends('plan.json') == [((20, 190), (128, 180)), ((20.123, 20), (20.123, 110))]


def ends(path: str) -> list[tuple]:
    """Of each stroke, the lesser end first, in mm."""
    return sorted(tuple(sorted(map(tuple, stroke.xy[[0, -1]].round(6).tolist()))) for stroke in load_plan(path).strokes)


def test_without_a_page_an_svg_keeps_its_own_sheet(capsys: pytest.CaptureFixture, tmp_path: Path) -> None:
    file = svg(tmp_path, '<path d="M20 20H100"/>', 210, 148)
    assert answer(capsys, file, '-o', 'plan.json')['page_mm'] == [210.0, 148.0]
    assert load_plan('plan.json').page == Page(210.0, 148.0, 10.0, 'A5')
    odd = svg(tmp_path, '<path d="M20 20H70"/>', 90.5, 60)
    assert answer(capsys, odd, '-o', 'plan.json')['page'] == '90.5x60'


def test_a_page_is_turned_when_the_sheet_lies_so_unless_told_otherwise(
    capsys: pytest.CaptureFixture, tmp_path: Path
) -> None:
    file = svg(tmp_path, '<path d="M20 20H190"/>', 210, 148)
    answer(capsys, file, '-o', 'plan.json', '--page', 'A5')
    assert ends('plan.json') == [((20, 128), (190, 128))]
    said = answer(capsys, file, '-o', 'plan.json', '--page', 'A5', '--orientation', 'portrait')
    assert said['page_mm'] == [148.0, 210.0]
    assert said['ink_mm'] == pytest.approx(170 * 128 / 210)  # fitted into the margins


@pytest.mark.parametrize(
    ('scale', 'expected'),
    [
        ('auto', ((10 + 0.256 * 100, 105 + 0.256 * 200), (10 + 0.256 * 400, 105 + 0.256 * 200))),
        ('fill', ((10, 105), (138, 105))),
    ],
)
def test_a_larger_sheet_is_made_smaller_as_asked(
    capsys: pytest.CaptureFixture, tmp_path: Path, scale: str, expected: tuple
) -> None:
    file = svg(tmp_path, '<path d="M100 50H400"/>', 500, 500)
    answer(capsys, file, '-o', 'plan.json', '--page', 'A5', '--scale', scale)
    assert ends('plan.json')[0] == tuple(pytest.approx(end, abs=1e-3) for end in expected)


def test_a_larger_sheet_in_true_size_is_cut_at_the_margins_and_that_is_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = svg(tmp_path, '<path d="M100 250H400"/>', 500, 500)
    assert main(['plan', file, '-o', 'plan.json', '--page', 'A5', '--scale', 'keep']) == 0
    assert ends('plan.json') == [((10, 105), (138, 105))]  # the sheet's middle is the page's
    assert caplog.messages == ['172 mm of lines lie outside of the margins of 10 mm and are cut off']


def test_layers_become_pens_and_one_pen_draws_them_all_when_asked(
    capsys: pytest.CaptureFixture, tmp_path: Path
) -> None:
    body = '<path d="M20 20H100" stroke="red"/><path d="M20 40H100" stroke="black" stroke-width="0.3"/>'
    file = svg(tmp_path, body)
    said = answer(capsys, file, '-o', 'plan.svg')
    assert said['pens'] == ['black', 'red']
    plan = load_plan('plan.svg')
    assert [stroke.pen for stroke in plan.strokes] == ['black', 'red']
    assert plan.pens == (Pen('black', '#000000', 0.3), Pen('red', '#ff0000', 1.0))
    one = answer(capsys, file, '-o', 'plan.svg', '--one-pen')
    assert one['pens'] == []
    assert one['travel_mm'] < said['travel_mm']  # no way home in between


def test_strokes_of_trace_fill_the_page(capsys: pytest.CaptureFixture, lines: str) -> None:
    assert main(['trace', lines, '-o', 'strokes.json']) == 0
    capsys.readouterr()
    said = answer(capsys, 'strokes.json', '-o', 'plan.json', '--page', 'A5')
    assert said['strokes'] == 3
    heights = [np.ptp(stroke.xy[:, 1]) for stroke in load_plan('plan.json').strokes]
    assert heights == pytest.approx([128 * 280 / 200] * 3, abs=2.0)  # 200 px apart, 280 px high, in 128 mm


def a_plan() -> DrawingPlan:
    drawn = (
        Stroke(np.array([[20.0, 20.0], [60.123456, 30.0], [20.0, 40.0]]), 0.25, 'eye', 0.75),
        Stroke(np.array([[20.0, 45.0], [60.0, 45.0]]), 0.4, 'hair', 0.5, half_widths=np.array([0.2, 0.6])),
        Stroke(np.array([[70.0, 70.0]]), 0.3, 'nose', 0.4),
    )
    profile = load_limits('default')
    return DrawingPlan(drawn, Page(105.0, 148.0, 5.0, 'A6'), profile, *time_plan(drawn, profile), artist='guided')


@pytest.mark.parametrize('name', ['old.json', 'old.svg'])
def test_a_plan_is_made_anew_for_another_machine_with_all_that_is_known(
    capsys: pytest.CaptureFixture, name: str
) -> None:
    old = a_plan()
    save_plan(old, name)
    said = answer(capsys, name, '-o', 'new.json', '--profile', 'axidraw', '--precedence', 'strict')
    new = load_plan('new.json')
    assert (said['profile'], new.page, new.artist) == ('axidraw', old.page, 'guided')
    known = {stroke.label: stroke for stroke in old.strokes}
    for stroke in new.strokes:
        before = known.pop(stroke.label)
        assert (stroke.importance, stroke.half_width) == (before.importance, pytest.approx(before.half_width))
        same_way = stroke if np.allclose(stroke.xy[0], before.xy[0], atol=1e-4) else stroke.reversed()
        np.testing.assert_allclose(same_way.xy, before.xy, atol=1e-5)
        if before.half_widths is not None:
            np.testing.assert_allclose(same_way.half_widths, before.half_widths, atol=1e-5)
    assert not known


def test_a_picture_of_the_plan_is_kept(capsys: pytest.CaptureFixture, lines: str) -> None:
    answer(capsys, lines, '-o', 'plan.json', '--picture', 'plan.png')
    picture = cv2.imread('plan.png')
    assert picture is not None
    assert picture.shape == ((210 + 12 + 16) * 8, (148 + 12) * 8, 3)


@pytest.mark.parametrize(
    ('words', 'status', 'message'),
    [
        (['-o', 'plan.txt'], 2, 'BAD_GOAL: the name of plan.txt must end in .json or .svg'),
        (['-o', 'plan.json', '--picture', 'p.gif'], 2, 'BAD_GOAL: the name of p.gif must end in .png'),
        (['-o', 'no/plan.json'], 1, 'BAD_GOAL: cannot write no/plan.json: there is no folder no'),
        (['-o', 'plan.json', '--page', 'B9'], 2, "BAD_GOAL: there is no page 'B9'; choose one of"),
        (
            ['-o', 'plan.json', '--margin', '80'],
            2,
            'BAD_GOAL: the page 148 x 210 mm leaves nothing inside 80 mm margins',
        ),
        (['-o', 'plan.json', '--margin', 'nan'], 2, 'BAD_GOAL: the margin nan mm is not a length'),
        (['-o', 'plan.json', '--profile', 'fast'], 2, "BAD_GOAL: there is no machine 'fast'"),
        (['-o', 'plan.json', '--time-budget', '-3'], 2, 'BAD_GOAL: a time budget of -3 s is not a length of time'),
        (['-o', 'plan.json', '--time-budget', 'inf'], 2, 'BAD_GOAL: a time budget of inf s is not a length of time'),
        (['-o', 'plan.json', '--time-budget', '0.1'], 1, 'NOTHING_TO_DRAW: a time budget of 0.1 s leaves nothing to'),
        (['-o', 'plan.json', '--scale', 'twice'], 2, "argument --scale: invalid choice: 'twice'"),
        (['-o', 'plan.json', '--precedence', 'hair'], 2, "argument --precedence: invalid choice: 'hair'"),
        ([], 2, 'the following arguments are required: -o/--out'),
    ],
)
def test_a_wrong_option_says_what_would_do(
    capsys: pytest.CaptureFixture, lines: str, words: list[str], status: int, message: str
) -> None:
    assert complaint(capsys, status, lines, *words).startswith(message)
    assert not Path('plan.json').exists()


EMPTY = plan_to_json(DrawingPlan((), Page(148.0, 210.0)))


@pytest.mark.parametrize(
    ('name', 'content', 'message'),
    [
        ('gone.png', None, 'BAD_IMAGE: cannot read the picture gone.png'),
        ('text.png', 'hello', 'BAD_IMAGE: text.png is no picture'),
        ('gone.svg', None, 'BAD_PLAN: the drawing plan cannot be read: gone.svg: No such file'),
        ('a.svg', '<svg', 'BAD_PLAN: the SVG cannot be read: it is not well-formed'),
        ('a.svg', '<svg/>', 'BAD_PLAN: the SVG cannot be read: it holds nothing that a pen could draw'),
        ('a.json', '{', 'BAD_PLAN: the drawing cannot be read: it is not JSON'),
        ('a.json', '[' * 100_000, 'BAD_PLAN: the drawing cannot be read: it is not JSON'),
        ('a.json', '\udcff', 'BAD_PLAN: the drawing cannot be read: it is not JSON'),
        ('a.json', '[]', 'BAD_PLAN: the drawing cannot be read: it is neither a plan nor a list of strokes'),
        ('a.json', '7', 'BAD_PLAN: the drawing cannot be read: it is neither a plan nor a list of strokes'),
        ('a.json', '{}', 'BAD_PLAN: the drawing plan cannot be read: it has no list of strokes'),
        ('a.json', '[[[1, 2], [3]]]', 'BAD_PLAN: the drawing cannot be read: stroke 0 is no list of points [x, y]'),
        ('a.json', '[[[1, 2]], []]', 'BAD_PLAN: the drawing cannot be read: stroke 1 is no list of points [x, y]'),
        ('a.json', '[[["a", 2]]]', 'BAD_PLAN: the drawing cannot be read: stroke 0 is no list of points [x, y]'),
        (
            'a.json',
            '[[[1, NaN]]]',
            'BAD_PLAN: the drawing cannot be read: stroke 0 has a coordinate that is not finite',
        ),
        ('a.json', '[[[1, 1e99]]]', 'BAD_PLAN: the drawing cannot be read: stroke 0 has a coordinate that is not'),
        ('a.json', EMPTY, 'NOTHING_TO_DRAW: the plan has no strokes'),
    ],
)
def test_an_unusable_drawing_is_refused_in_one_line(
    capsys: pytest.CaptureFixture, name: str, content: str | None, message: str
) -> None:
    if content is not None:
        Path(name).write_bytes(content.encode(errors='surrogateescape'))
    assert complaint(capsys, 1, name, '-o', 'plan.json').startswith(message)
    assert not Path('plan.json').exists()


def test_an_empty_sheet_is_nothing_to_draw(capsys: pytest.CaptureFixture) -> None:
    cv2.imwrite('white.png', np.full((99, 99), 255, np.uint8))
    assert 'white.png has no ink on it; there is nothing' in complaint(capsys, 1, 'white.png', '-o', 'plan.json')


def test_neither_plan_nor_picture_overwrites_the_drawing(
    capsys: pytest.CaptureFixture, tmp_path: Path, lines: str
) -> None:
    assert 'lines.png is the drawing itself' in complaint(capsys, 2, lines, '-o', 'plan.json', '--picture', lines)
    file = svg(tmp_path, '<path d="M20 20H100"/>')
    before = Path(file).read_text()
    assert 'is the drawing itself' in complaint(capsys, 2, file, '-o', str(tmp_path / file))
    assert Path(file).read_text() == before


def test_lines_wholly_in_the_margins_are_nothing_to_draw(capsys: pytest.CaptureFixture, tmp_path: Path) -> None:
    file = svg(tmp_path, '<path d="M1 1H100"/>')
    assert main(['plan', file, '-o', 'plan.json']) == 1
    assert 'NOTHING_TO_DRAW: all strokes lie outside the drawable part of the page' in capsys.readouterr().err


def test_a_caption_a_signature_and_a_border_are_drawn_beside_the_drawing(
    capsys: pytest.CaptureFixture, lines: str, tmp_path: Path
) -> None:
    plain = answer(capsys, lines, '-o', 'plain.json')
    signature = svg(tmp_path, '<path d="M0 0 L 10 10 L 20 0" fill="none" stroke="black"/>', 20, 10, 'sign.svg')
    words = ['--caption', 'Zoë 2026', '--signature', signature, '--border', 'line', '--caption-place', 'bottom-left']
    said = answer(capsys, lines, '-o', 'plan.json', *words)
    assert said['strokes'] > plain['strokes'] + len('Zoë2026')
    assert said['predicted_s'] > plain['predicted_s']


def test_a_caption_without_letters_for_it_is_refused(capsys: pytest.CaptureFixture, lines: str) -> None:
    assert "no single-line letters for '東京'" in complaint(capsys, 1, lines, '-o', 'plan.json', '--caption', '東京')
    assert 'No such file' in complaint(capsys, 2, lines, '-o', 'plan.json', '--signature', 'none.svg')
