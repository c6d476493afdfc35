"""Machines as YAML files: who drives one, how it moves, and what its driver takes::

    description: AxiDraw V3, at the speeds that saxi sets
    driver: ebb
    motion:
      draw_speed_mm_s: 50.0
      ...
    options:
      port: /dev/ttyACM0

`motion` holds the fields of `MachineLimits` but its name; `options` is for the driver to understand.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import yaml

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.files import replacing, share_folder
from sketch_robot.motion.machine_limits import MachineLimits
from sketch_robot.validation import Rule, problem_with, shown

LARGEST_BYTES = 65536  # a machine's file has some 1000
_SUFFIXES = ('.yaml', '.yml')
_NAME = re.compile(r'[A-Za-z0-9][A-Za-z0-9_-]{0,63}')
_KEYS = ('description', 'driver', 'motion', 'options')
_NEEDED = (  # the fields of `motion` that no machine may leave to a default
    'draw_speed_mm_s', 'draw_accel_mm_s2', 'travel_speed_mm_s', 'travel_accel_mm_s2', 'lift_s', 'drop_s',
)  # fmt: skip


@dataclass(frozen=True)
class Machine:
    """One machine, as its file says.

    Attributes:
        name: the file's name without its suffix; letters, digits, _ and -.
        description: one line for people.
        driver: who drives it, see `sketch_robot.plotters.registry`.
        motion: how it moves; its name is the machine's.
        options: what the driver takes: texts, numbers, booleans, and lists and mappings of them.

    Raises:
        SketchRobotError: BAD_GOAL, the name or the driver's is none.
    """

    name: str
    description: str = ''
    driver: str = 'simulated'
    motion: MachineLimits = field(default_factory=MachineLimits)
    options: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for what, name in (('a machine', self.name), ('a driver', self.driver)):
            if not _NAME.fullmatch(name):
                raise SketchRobotError(
                    ErrorCode.BAD_GOAL, f'{name!r} is no name of {what}; take letters, digits, _ and -, at most 64'
                )
        if self.motion.name != self.name:
            object.__setattr__(self, 'motion', replace(self.motion, name=self.name))


# ----------------------------------------------------------------- finding them
def user_folder() -> Path:
    """Where a user's own machines are: sketch_robot/machines in the configuration folder; it need not exist."""
    configured = Path(os.environ.get('XDG_CONFIG_HOME') or '.')
    base = configured if configured.is_absolute() else Path('~/.config').expanduser()  # as the XDG specification wants
    return base / 'sketch_robot' / 'machines'


def machine_names() -> tuple[str, ...]:
    """The names of all machines that can be loaded by name, sorted."""
    files = (path for folder in _folders() if folder.is_dir() for path in folder.iterdir())
    return tuple(sorted({path.stem for path in files if path.suffix in _SUFFIXES and _NAME.fullmatch(path.stem)}))


def load_machine(name_or_path: str | Path) -> Machine:
    """Load a machine.

    Args:
        name_or_path: a path (a `Path`, or a text with a folder or ending in .yaml or .yml); or a name, looked for in
            `user_folder()` and then among those that come with the package.

    Raises:
        SketchRobotError: BAD_GOAL, there is no such machine (the message lists those that exist), or its file cannot be
            used (the message names the file and what in it).
    """
    path = _path_of(name_or_path)
    return machine_from_yaml(_text_of(path), name=path.stem, source=str(path))


def place_of(name_or_path: str | Path) -> Path:
    """Where a user's machine of that name is kept, or the path itself; there need be no file."""
    return Path(name_or_path).expanduser() if _is_path(name_or_path) else user_folder() / f'{name_or_path}.yaml'


def load_limits(name_or_path: str | Path) -> MachineLimits:
    """How a machine moves; see `load_machine`."""
    return load_machine(name_or_path).motion


def _folders() -> tuple[Path, Path]:
    return user_folder(), share_folder() / 'config' / 'machines'


def _is_path(name_or_path: str | Path) -> bool:
    return isinstance(name_or_path, Path) or name_or_path.endswith(_SUFFIXES) or os.sep in name_or_path


def _path_of(name_or_path: str | Path) -> Path:
    text = str(name_or_path)
    if _is_path(name_or_path):
        return Path(text).expanduser()
    if _NAME.fullmatch(text):
        for folder in _folders():
            for suffix in _SUFFIXES:
                if (folder / f'{text}{suffix}').is_file():
                    return folder / f'{text}{suffix}'
    raise SketchRobotError(
        ErrorCode.BAD_GOAL, f'there is no machine {text[:80]!r}; choose one of: {", ".join(machine_names())}'
    )


def _text_of(path: Path) -> str:
    try:
        with path.open('rb') as file:
            data = file.read(LARGEST_BYTES + 1)
        if len(data) > LARGEST_BYTES:
            raise _unusable(str(path), f'it is longer than {LARGEST_BYTES} bytes')
        return data.decode()
    except (OSError, ValueError) as error:  # ValueError: no UTF-8, or a path with a null character
        why = error.strerror if isinstance(error, OSError) else error
        raise _unusable(str(path), f'it cannot be read: {why}') from error


# ----------------------------------------------------------------- reading and writing them
def machine_from_yaml(text: str, *, name: str, source: str) -> Machine:
    """Read a machine's file.

    Args:
        text: YAML.
        name: of the machine.
        source: what messages call the file.

    Raises:
        SketchRobotError: BAD_GOAL, see `load_machine`.
    """
    try:
        data = _parsed(text)
        _check_keys(data, 'the file', allowed=_KEYS, needed=('driver', 'motion'))
        motion = _numbers(data['motion'])
        options = data.get('options') or {}
        _check_keys(options, 'options')
        return Machine(
            name=name,
            description=_of_type(data.get('description', ''), 'description', str),
            driver=_of_type(data['driver'], 'driver', str),
            motion=MachineLimits(name=name, **motion),
            options=options,
        )
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise _unusable(source, _in_one_line(error)) from error
    except SketchRobotError as error:
        raise _unusable(source, error.message) from error


def save_machine(machine: Machine, path: str | Path) -> None:
    """Write a machine's file, whole or not at all; folders that are missing are made.

    Raises:
        SketchRobotError: BAD_GOAL, the file cannot be written, or would not be read again: an option is of a kind that
            YAML does not know, or the file's name is not the machine's.
    """
    target = Path(path)
    if target.suffix not in _SUFFIXES or target.stem != machine.name:
        raise SketchRobotError(ErrorCode.BAD_GOAL, f'a machine {machine.name!r} belongs in a file {machine.name}.yaml')
    motion = asdict(machine.motion)
    del motion['name']
    plain = {key: list(value) if isinstance(value, tuple) else value for key, value in motion.items()}
    data = {
        'description': machine.description,
        'driver': machine.driver,
        'motion': plain,
        'options': dict(machine.options),
    }
    try:
        text = yaml.dump(data, Dumper=_Dumper, sort_keys=False, width=120)
    except yaml.YAMLError as error:
        raise _unusable(str(target), _in_one_line(error)) from error
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        why = error.strerror or error
        raise SketchRobotError(ErrorCode.BAD_GOAL, f'cannot make the folder {target.parent}: {why}') from error
    with replacing(target) as draft:
        draft.write_text(text)


class _Dumper(yaml.SafeDumper):
    """Repeats what is used twice, since aliases are not read."""

    def ignore_aliases(self, _data: Any) -> bool:
        return True


class _Loader(yaml.SafeLoader):
    """Refuses aliases, which make small files large, tags, and keys given twice, of which YAML would take the last."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        event = self.peek_event()
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError(f'it uses an alias in line {event.start_mark.line + 1}')
        if getattr(event, 'tag', None) is not None:
            raise yaml.YAMLError(f'it uses a tag in line {event.start_mark.line + 1}')
        return super().compose_node(parent, index)

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        keys = [key.value for key, _ in node.value if isinstance(key.value, str)]
        twice = next((key for key in keys if keys.count(key) > 1), None)
        if twice is not None:
            raise yaml.YAMLError(f'{twice!r} is given twice')
        return super().construct_mapping(node, deep)


def _parsed(text: str) -> Any:
    loader = _Loader(text)
    try:
        return loader.get_single_data()
    finally:
        loader.dispose()


def _check_keys(data: Any, where: str, *, allowed: tuple[str, ...] = (), needed: tuple[str, ...] = ()) -> None:
    if not isinstance(data, dict) or not all(isinstance(key, str) for key in data):
        raise ValueError(f'{where} is no mapping of names to values')
    strange = next((key for key in data if allowed and key not in allowed), None)
    if strange is not None:
        raise ValueError(f'{where} has an unknown key {strange[:80]!r}; known: {", ".join(allowed)}')
    missing = next((key for key in needed if key not in data), None)
    if missing is not None:
        raise ValueError(f'{where} lacks {missing!r}')


def _numbers(motion: Any) -> dict[str, Any]:
    """The fields of a profile, checked for their types; `MachineLimits` checks their values."""
    defaults = {each.name: each.default for each in fields(MachineLimits) if each.name != 'name'}
    _check_keys(motion, 'motion', allowed=tuple(defaults), needed=_NEEDED)
    return {key: _like(value, f'motion.{key}', defaults[key]) for key, value in motion.items()}


def _like(value: Any, where: str, default: Any) -> Any:
    assert default is not MISSING
    if isinstance(default, tuple):
        if not isinstance(value, list) or len(value) != len(default):
            raise ValueError(f'{where} is a list of {len(default)} numbers, not {shown(value)}')
        return tuple(_like(part, where, 0.0) for part in value)
    if isinstance(default, int):
        return _of_type(value, where, int)
    return float(_of_type(value, where, float))


def _of_type(value: Any, where: str, kind: type[int] | type[float] | type[str]) -> Any:
    """The value, when it is of a kind; a whole number also serves as a fraction."""
    if kind is float and isinstance(value, float):  # whether it is finite is asked where its range is known
        return value
    if isinstance(value, int) and abs(value) > 10**12:
        raise ValueError(f'{where} is too large')
    if problem := problem_with(where, value, Rule(kind)):
        raise ValueError(problem)
    return value


def _in_one_line(error: Exception) -> str:
    parts: Iterator[str] = (line.strip() for line in str(error).splitlines())
    return ' '.join(part for part in parts if part)[:300] or type(error).__name__


def _unusable(source: str, why: str) -> SketchRobotError:
    return SketchRobotError(ErrorCode.BAD_GOAL, f'the machine file {source} cannot be used: {why}')
