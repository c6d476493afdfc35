"""Reading labelled drawings, splitting them, and rendering them."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.training.drawings import LabelledDrawing, load_crop, load_drawings, render_drawing
from sketch_robot.training.split import SPLIT_FILE, choose_held_out, held_out_names, split_drawings

LINE = (np.array([[100.0, 256.0], [400.0, 256.0]], np.float32),)


def _drawing(name: str, *, mesh: bool = True, turn: float = 0.0, length: float = 2000.0) -> LabelledDrawing:
    return LabelledDrawing(name, mesh, turn, ('hair',), np.array([0.5]), (np.array([[0, 0], [length, 0]], np.float32),))


def test_drawings_come_with_labels_importance_and_strokes(portraits):
    first = load_drawings(portraits)[0]
    assert first.name == 'face_0'
    assert first.labels == ('mouth', 'hair', 'clothes', 'clothes', 'clothes')
    np.testing.assert_array_equal(first.importance, [0.9, 0.4, 0.2, 0.2, 0.2])
    np.testing.assert_array_equal(first.strokes[0], [[190, 306], [250, 318], [310, 306]])


@pytest.mark.parametrize(
    ('drawing', 'usable'),
    [
        (_drawing('good'), True),
        (_drawing('no mesh', mesh=False), False),
        (_drawing('turned left', turn=-45), False),
        (_drawing('turned right', turn=45), False),
        (_drawing('turned a little', turn=-44), True),
        (_drawing('nearly empty', length=1499), False),
    ],
    ids=lambda value: value.name if isinstance(value, LabelledDrawing) else None,
)
def test_usable_drawings_have_a_mesh_a_face_towards_us_and_ink(drawing, usable):
    assert drawing.is_usable is usable


def test_a_folder_without_strokes_is_refused_with_advice(tmp_path):
    with pytest.raises(SketchRobotError, match='label the folder first') as caught:
        load_drawings(tmp_path)
    assert caught.value.code is ErrorCode.BAD_GOAL


def test_a_folder_without_its_crops_is_refused(portraits, tmp_path):
    shutil.copy(portraits / 'strokes.jsonl', tmp_path)
    with pytest.raises(SketchRobotError, match='none of the 6 crops'):
        load_drawings(tmp_path)


@pytest.mark.parametrize(
    'line',
    ['{', '[]', '{"name": "a"}', '{"name":"a","mesh":true,"turn_degrees":0,"strokes":[["eye",1,[1]]]}',
     '{"name":"a","mesh":true,"turn_degrees":0,"strokes":[["eye",1,[]]]}',
     '{"name":"a","mesh":true,"turn_degrees":0,"strokes":[["eye",1,[1,NaN]]]}'],
)  # fmt: skip
def test_a_line_that_is_no_drawing_is_named(tmp_path, line):
    (tmp_path / 'strokes.jsonl').write_text('\n' + line + '\n')
    with pytest.raises(SketchRobotError, match='line 2 is not a drawing') as caught:
        load_drawings(tmp_path)
    assert caught.value.code is ErrorCode.BAD_PLAN


def test_a_crop_that_is_no_picture_is_refused(tmp_path):
    (tmp_path / 'crops').mkdir()
    (tmp_path / 'crops' / 'a.jpg').write_text('no picture')
    with pytest.raises(SketchRobotError, match='cannot be read') as caught:
        load_crop(tmp_path, 'a')
    assert caught.value.code is ErrorCode.BAD_IMAGE


@pytest.mark.parametrize('width_px', [1.0, 1.5, 2.0, 2.5, 3.0])
def test_lines_are_as_wide_as_asked(width_px):
    ink = render_drawing(LINE, 512, width_px=width_px) / 255.0
    assert ink[:, 200:300].sum(0).mean() == pytest.approx(width_px, abs=0.1)


@pytest.mark.parametrize('size_px', [128, 256, 512])
def test_lines_lie_where_the_crop_has_them_at_any_size(size_px):
    ink = render_drawing(LINE, size_px, width_px=2.0) / 255.0
    middle = slice(size_px // 2 - 10, size_px // 2 + 10)
    rows = np.arange(size_px) @ ink[:, middle] / ink[:, middle].sum(0)
    scale = size_px / 512
    np.testing.assert_allclose(rows, 256 * scale + scale / 2 - 0.5, atol=0.1)


def test_a_transform_moves_the_lines():
    ink = render_drawing(LINE, 512, to_result=np.array([[1.0, 0, 0], [0, 1, 40]]))
    assert ink[296, 250] == 255
    assert ink[256, 250] == 0


def test_held_out_names_are_a_seeded_tenth_of_the_usable_drawings():
    drawings = [_drawing(f'{n:03}', mesh=n % 5 > 0) for n in range(100)]
    names = choose_held_out(drawings)
    assert len(names) == 8
    assert names == sorted(names) == choose_held_out(drawings[::-1])
    assert all(int(name) % 5 for name in names)
    assert names != choose_held_out(drawings, seed=2)


def test_splitting_leaves_no_drawing_in_both_groups(portraits):
    split = split_drawings(load_drawings(portraits), {'face_1', 'face_4', 'face_5', 'someone_else'})
    assert [d.name for d in split.train] == ['face_0', 'face_2', 'face_3']
    assert [d.name for d in split.held_out] == ['face_1', 'face_4']


def test_one_photo_alone_that_is_held_out_leaves_nothing_to_train_on(portraits):
    with pytest.raises(SketchRobotError, match='no usable drawing is left'):
        split_drawings(load_drawings(portraits)[:1], {'face_0'})


def test_ones_own_portraits_get_a_list_once_and_keep_it(tmp_path):
    drawings = [_drawing(f'guest_{n:03}') for n in range(40)]
    names = held_out_names(tmp_path, drawings)
    assert len(names) == 4
    assert (tmp_path / 'held_out.txt').read_text().split() == sorted(names)
    assert held_out_names(tmp_path, drawings + [_drawing(f'late_{n}') for n in range(40)]) == names


def test_the_shipped_students_portraits_keep_the_packages_list(tmp_path):
    shipped = SPLIT_FILE.read_text().split()
    assert held_out_names(tmp_path, [_drawing(shipped[0]), _drawing('guest')]) == set(shipped)
    assert not (tmp_path / 'held_out.txt').exists()


def test_a_list_of_other_portraits_is_an_error(tmp_path):
    (tmp_path / 'held_out.txt').write_text('someone_else\n')
    with pytest.raises(SketchRobotError, match='names no drawing') as caught:
        held_out_names(tmp_path, [_drawing('guest')])
    assert caught.value.code is ErrorCode.BAD_GOAL


def test_a_handful_of_portraits_all_train(tmp_path):
    assert held_out_names(tmp_path, [_drawing(f'guest_{n}') for n in range(4)]) == set()
    assert not (tmp_path / 'held_out.txt').exists()


def test_the_committed_list_names_each_held_out_drawing_once():
    names = SPLIT_FILE.read_text().split()
    assert len(names) == len(set(names)) == 96
