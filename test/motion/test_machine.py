"""Machines' files: those that come with the package, a user's own, and files that cannot be used."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.files import share_folder
from sketch_robot.motion import Machine, MachineLimits, load_limits, load_machine, machine_names, save_machine
from sketch_robot.motion.machine import LARGEST_BYTES, user_folder
from sketch_robot.plotters import find_driver

COME_ALONG = tuple(sorted(path.stem for path in (share_folder() / 'config' / 'machines').glob('*.yaml')))
MOTION = """\
motion:
  draw_speed_mm_s: 80
  draw_accel_mm_s2: 700.0
  travel_speed_mm_s: 150.0
  travel_accel_mm_s2: 900.0
  lift_s: 0.2
  drop_s: 0.25
"""
MINE = f'description: mine\ndriver: grbl\n{MOTION}'


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A user without machines of their own."""
    monkeypatch.setenv('XDG_CONFIG_HOME', str(tmp_path / 'config'))
    return tmp_path


def refused(path: Path) -> str:
    with pytest.raises(SketchRobotError) as caught:
        load_machine(path)
    assert caught.value.code is ErrorCode.BAD_GOAL
    assert caught.value.message.startswith(f'the machine file {path} cannot be used: ')
    return caught.value.message.removeprefix(f'the machine file {path} cannot be used: ')


# ------------------------------------------------------------------ those that come along
def test_the_package_brings_its_machines() -> None:
    wanted = {'arm', 'axidraw', 'default', 'grbl_factory', 'grbl_fast', 'grbl_plotter', 'slow_cnc'}
    assert wanted <= set(COME_ALONG) == set(machine_names())


@pytest.mark.parametrize('name', COME_ALONG)
def test_every_machine_that_comes_along_can_be_used(name: str) -> None:
    machine = load_machine(name)
    assert (machine.name, machine.motion.name) == (name, name)
    assert machine.motion == load_limits(name)
    assert len(machine.description) > 20
    find_driver(machine.driver).options.read(machine.options, of=name)


def test_the_default_machine_moves_as_a_profile_without_options_does() -> None:
    assert load_limits('default') == MachineLimits()


def test_the_axidraw_has_the_values_of_saxi() -> None:
    wanted = MachineLimits('axidraw', 50.0, 200.0, 200.0, 400.0, 0.12, 0.12, 0.127)
    assert load_limits('axidraw') == wanted


@pytest.mark.parametrize('name', ['grbl_factory', 'grbl_fast', 'grbl_plotter', 'slow_cnc'])
def test_a_grbl_machine_is_limited_by_its_axes_alone(name: str) -> None:
    motion = load_limits(name)
    assert motion.draw_accel_mm_s2 == motion.travel_accel_mm_s2 == pytest.approx(2**0.5 * motion.axis_accel_mm_s2[0])
    assert motion.travel_speed_mm_s == pytest.approx(2**0.5 * motion.axis_speed_mm_s[0])
    assert motion.lookahead_blocks == 15


# ------------------------------------------------------------------ where they are looked for
def test_an_unknown_name_is_refused_with_those_that_exist() -> None:
    with pytest.raises(SketchRobotError) as caught:
        load_machine('laser')
    assert caught.value.code is ErrorCode.BAD_GOAL
    assert caught.value.message == f"there is no machine 'laser'; choose one of: {', '.join(machine_names())}"


def test_a_user_s_machine_comes_before_the_package_s_of_the_same_name() -> None:
    save_machine(Machine('axidraw', 'mine', 'ebb'), user_folder() / 'axidraw.yaml')
    save_machine(Machine('attic', 'in the attic', 'ebb'), user_folder() / 'attic.yaml')
    assert load_machine('axidraw').description == 'mine'
    assert load_machine('attic').description == 'in the attic'
    assert {'attic', *COME_ALONG} <= set(machine_names())


def test_a_user_s_machines_are_in_the_configuration_folder(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert user_folder() == home / 'config' / 'sketch_robot' / 'machines'
    monkeypatch.setenv('HOME', str(home))
    for unusable in ('', 'relative/folder'):
        monkeypatch.setenv('XDG_CONFIG_HOME', unusable)
        assert user_folder() == home / '.config' / 'sketch_robot' / 'machines'


@pytest.mark.parametrize('file', ['bench.yaml', 'bench.yml'])
def test_a_machine_is_loaded_from_a_path_as_text_or_path(
    home: Path, file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / file).write_text(MINE)
    monkeypatch.chdir(home)
    for named in (home / file, str(home / file), file, f'./{file}'):
        machine = load_machine(named)
        assert (machine.name, machine.driver, machine.motion.draw_speed_mm_s) == ('bench', 'grbl', 80.0)


def test_a_name_is_never_taken_for_a_file_beside_the_user(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / 'axidraw').write_text(MINE)
    monkeypatch.chdir(home)
    assert load_machine('axidraw').driver == 'ebb'


def test_files_that_are_no_machines_are_not_listed() -> None:
    user_folder().mkdir(parents=True)
    for name in ('notes.txt', '.hidden.yaml', 'two words.yaml', 'mine.yml'):
        (user_folder() / name).write_text(MINE)
    assert 'mine' in machine_names()
    assert not {'notes', '.hidden', 'two words'} & set(machine_names())


# ------------------------------------------------------------------ reading
def test_what_a_file_leaves_out_has_the_default(home: Path) -> None:
    path = home / 'mine.yaml'
    path.write_text(MINE)
    wanted = MachineLimits('mine', 80.0, 700.0, 150.0, 900.0, 0.2, 0.25)
    assert load_machine(path) == Machine('mine', 'mine', 'grbl', wanted, {})


def test_options_are_handed_on_as_they_are(home: Path) -> None:
    path = home / 'mine.yaml'
    path.write_text(MINE + 'options:\n  port: /dev/ttyUSB0\n  baud: 115200\n  joints: [1.5, 2]\n  safe: true\n')
    expected = {'port': '/dev/ttyUSB0', 'baud': 115200, 'joints': [1.5, 2], 'safe': True}
    assert load_machine(path).options == expected


@pytest.mark.parametrize(
    ('text', 'why'),
    [
        ('', 'the file is no mapping of names to values'),
        ('- 1\n- 2\n', 'the file is no mapping of names to values'),
        ('42: yes\n', 'the file is no mapping of names to values'),
        (MOTION, "the file lacks 'driver'"),
        ('driver: grbl\n', "the file lacks 'motion'"),
        (MINE + 'colour: red\n', "the file has an unknown key 'colour'; known: description, driver, motion, options"),
        (MINE.replace('lift_s: 0.2', 'lift: 0.2'), "motion has an unknown key 'lift'; known: draw_speed_mm_s, "),
        (MINE.replace('  lift_s: 0.2\n', ''), "motion lacks 'lift_s'"),
        (MINE.replace('driver: grbl', 'driver: 3'), 'driver is a text, not 3'),
        (MINE.replace('driver: grbl', 'driver: "a b"'), "'a b' is no name of a driver"),
        (MINE.replace('description: mine', 'description: [x]'), 'description is a text, not a list of 1'),
        ('driver: grbl\nmotion: fast\n', 'motion is no mapping of names to values'),
        (MINE + 'options: 7\n', 'options is no mapping of names to values'),
        (MINE.replace('0.25', 'soon'), "motion.drop_s is a number, not 'soon'"),
        (MINE.replace('0.25', 'true'), 'motion.drop_s is a number, not True'),
        (MINE.replace('0.25', '2e1'), "motion.drop_s is a number, not '2e1' (write 1.0e+3 for 1e3)"),
        (MINE.replace('0.25', '-1'), "the machine 'bad' has drop_s -1.0; it must be zero or more and finite"),
        (MINE.replace('0.25', '.nan'), "the machine 'bad' has drop_s nan; it must be zero or more and finite"),
        (MINE.replace('0.25', '9' * 400), 'motion.drop_s is too large'),
        (MINE + '', ''),
        (MOTION + '  lookahead_blocks: 1.5\ndriver: grbl\n', 'motion.lookahead_blocks is a whole number, not 1.5'),
        (MOTION + '  axis_speed_mm_s: 3\ndriver: grbl\n', 'motion.axis_speed_mm_s is a list of 2 numbers, not 3'),
        (MOTION + '  axis_speed_mm_s: [3, x]\ndriver: grbl\n', "motion.axis_speed_mm_s is a number, not 'x'"),
        (MINE + 'driver: ebb\n', "'driver' is given twice"),
        (MINE.replace('0.25', '9' * 5000), 'Exceeds the limit'),
        (MINE.replace('0.25', '!!timestamp x'), 'it uses a tag in line '),
        (MINE.replace('0.25', '!!bool x'), 'it uses a tag in line '),
        (MINE + 'options: &a\n  b: *a\n', 'it uses an alias in line 11'),
        ('driver: [grbl\n', 'while parsing a flow sequence'),
        ('driver: !!python/object/apply:os.getcwd []\n', 'it uses a tag in line '),
        ('[' * 5000, 'maximum recursion depth exceeded'),
        ('driver: \x00', 'unacceptable character'),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_used_is_refused_with_the_reason(home: Path, text: str, why: str) -> None:
    path = home / 'bad.yaml'
    path.write_text(text)
    if not why:
        assert load_machine(path).name == 'bad'
        return
    assert refused(path).startswith(why)


def test_a_giant_file_is_refused_before_it_is_parsed(home: Path) -> None:
    (home / 'big.yaml').write_text(MINE + '#' * LARGEST_BYTES)
    assert refused(home / 'big.yaml') == f'it is longer than {LARGEST_BYTES} bytes'


def test_a_small_file_that_would_grow_large_is_refused(home: Path) -> None:
    lines = ['a0: &a0 [x, x, x, x, x, x, x, x, x]']
    lines += [f'a{n}: &a{n} [{", ".join([f"*a{n - 1}"] * 9)}]' for n in range(1, 12)]
    (home / 'bomb.yaml').write_text('\n'.join(lines))
    assert refused(home / 'bomb.yaml') == 'it uses an alias in line 2'


def test_a_file_that_is_missing_a_folder_or_no_text_is_refused(home: Path) -> None:
    assert refused(home / 'none.yaml') == 'it cannot be read: No such file or directory'
    assert refused(home) == 'it cannot be read: Is a directory'
    (home / 'photo.yaml').write_bytes(b'\xff\xd8\xff\xe0')
    assert refused(home / 'photo.yaml').startswith("it cannot be read: 'utf-8' codec can't decode")


@pytest.mark.parametrize('name', ['', 'no such', 'ä', 'x' * 500, 'a\x00b', '-x'])
def test_names_that_no_file_can_have_are_refused(name: str) -> None:
    with pytest.raises(SketchRobotError, match='there is no machine') as caught:
        load_machine(name)
    assert caught.value.code is ErrorCode.BAD_GOAL


@given(st.binary(max_size=300))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_file_does_worse_than_be_refused(home: Path, data: bytes) -> None:
    path = home / 'fuzz.yaml'
    path.write_bytes(data)
    assert refused(path)


# ------------------------------------------------------------------ writing
positive = st.floats(1e-3, 1e6)


@given(
    positive, positive, st.floats(1e-9, 10.0), st.tuples(positive, positive), st.integers(0, 100), st.text(max_size=40)
)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_saved_is_read_again(
    home: Path, speed: float, accel: float, lift: float, axes: tuple[float, float], blocks: int, text: str
) -> None:
    motion = replace(
        MachineLimits('mine', speed, accel, speed, accel, lift, lift), axis_speed_mm_s=axes, lookahead_blocks=blocks
    )
    machine = Machine('mine', text, 'arm', motion, {'port': text, 'points': [[1.0, 2.0], [1.0, 2.0]], 'n': 3})
    path = home / 'new' / 'folder' / 'mine.yaml'
    save_machine(machine, path)
    assert load_machine(path) == machine


def test_a_machine_names_its_motion() -> None:
    assert Machine('mine', motion=MachineLimits('other', 30.0)).motion == MachineLimits('mine', 30.0)


@pytest.mark.parametrize('name', ['', 'a b', '../up', 'ä'])
def test_a_machine_needs_a_name_that_a_file_can_have(name: str) -> None:
    with pytest.raises(SketchRobotError, match='is no name of a machine') as caught:
        Machine(name)
    assert caught.value.code is ErrorCode.BAD_GOAL


def test_a_machine_is_saved_under_its_own_name_only(home: Path) -> None:
    for file in ('other.yaml', 'mine.json', 'mine'):
        with pytest.raises(SketchRobotError, match=r"a machine 'mine' belongs in a file mine.yaml"):
            save_machine(Machine('mine'), home / file)
    assert list(home.iterdir()) == []


def test_an_option_that_yaml_does_not_know_is_refused_and_the_old_file_kept(home: Path) -> None:
    path = home / 'mine.yaml'
    save_machine(Machine('mine', 'old'), path)
    with pytest.raises(SketchRobotError, match='cannot represent an object'):
        save_machine(Machine('mine', 'new', options={'what': object()}), path)
    assert load_machine(path).description == 'old'
    assert [each.name for each in home.iterdir()] == ['mine.yaml']


def test_a_folder_that_cannot_be_made_is_named(home: Path) -> None:
    (home / 'file').write_text('')
    with pytest.raises(SketchRobotError, match=f'cannot make the folder {home}/file: ') as caught:
        save_machine(Machine('mine'), home / 'file' / 'mine.yaml')
    assert caught.value.code is ErrorCode.BAD_GOAL
