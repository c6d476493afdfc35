"""Recorded sessions: topics in an MCAP file, as `ros2 bag`, Foxglove and the `mcap` tools read them.

Messages are kept as they came (CDR), with their definitions, so that the file can be read where ROS is not.
"""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ament_index_python.packages import PackageNotFoundError, get_package_share_directory

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.files import share_folder
from sketch_robot.graph import DEMO_SESSION

PROFILE, SCHEMA, MESSAGE = 'ros2', 'ros2msg', 'cdr'  # of the MCAP format's well-known names
_FIELD = re.compile(r'\s*([A-Za-z][\w/]*)(?:<=\d+)?(?:\[[^\]]*\])?\s+[a-z]\w*')
_PRIMITIVES = frozenset(
    {'bool', 'byte', 'char', 'string', 'wstring', 'float32', 'float64'}
    | {f'{sign}int{bits}' for sign in ('', 'u') for bits in (8, 16, 32, 64)}
)


@dataclass(frozen=True)
class RecordedMessage:
    """One message of a session.

    Attributes:
        topic: as it was recorded.
        kind: name of its type, 'sensor_msgs/msg/Image'.
        seconds: since the first message of the file.
        data: CDR, as the middleware sends it.
    """

    topic: str
    kind: str
    seconds: float
    data: bytes


def session_path(named: str) -> Path:
    """The file of a session: a path, or 'demo' for the one that comes with the package.

    Raises:
        SketchRobotError: BAD_GOAL, there is no such file.
    """
    path = share_folder() / 'config' / 'sessions' / 'face.mcap' if named == DEMO_SESSION else Path(named).expanduser()
    if not path.is_file():
        raise SketchRobotError(ErrorCode.BAD_GOAL, f'there is no recorded session {path}')
    return path


def message_class(kind: str) -> Any:
    """The class of a message type, 'sensor_msgs/msg/Image'.

    Raises:
        SketchRobotError: BAD_GOAL, it is not installed here.
    """
    package, _, name = kind.split('/')
    try:
        return getattr(importlib.import_module(f'{package}.msg'), name)
    except (ImportError, AttributeError) as error:
        raise SketchRobotError(ErrorCode.BAD_GOAL, f'the message type {kind} is not installed') from error


def definition_of(kind: str) -> str:
    """A message type's definition and those of all types within, as MCAP's schema 'ros2msg' wants them.

    Raises:
        SketchRobotError: BAD_GOAL, a definition is not installed here.
    """
    waiting, done = [kind], set[str]()
    parts: list[str] = []
    while waiting:
        one = waiting.pop(0)
        if one in done:
            continue
        done.add(one)
        text = _text_of(one)
        package = one.split('/')[0]
        parts.append(text if not parts else f'{"=" * 80}\nMSG: {one.replace("/msg/", "/")}\n{text}')
        for line in text.splitlines():
            match = _FIELD.match(line.split('#')[0])
            if match and match[1] not in _PRIMITIVES:
                inner = match[1].split('/')
                waiting.append(f'{inner[0] if len(inner) > 1 else package}/msg/{inner[-1]}')
    return '\n'.join(parts)


def _text_of(kind: str) -> str:
    package, _, name = kind.split('/')
    try:
        share = Path(get_package_share_directory(package))
    except PackageNotFoundError:  # the wheels of ROS are not in the index
        share = Path(sys.prefix) / 'share' / package
    try:
        return (share / 'msg' / f'{name}.msg').read_text(encoding='utf-8')
    except OSError as error:
        raise SketchRobotError(ErrorCode.BAD_GOAL, f'the definition of {kind} is not installed') from error


class SessionWriter:
    """Writes a session, message by message.

    Raises:
        SketchRobotError: BAD_GOAL, the file cannot be written, or `mcap` is not installed.
    """

    def __init__(self, path: Path) -> None:
        mcap = _mcap('writer')
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = path.open('wb')
        except OSError as error:
            raise SketchRobotError(ErrorCode.BAD_GOAL, f'cannot write {path}: {error.strerror}') from error
        self._writer = mcap.Writer(self._file, compression=mcap.CompressionType.ZSTD)
        self._writer.start(profile=PROFILE, library='sketch_robot')
        self._channels: dict[str, int] = {}
        self._schemas: dict[str, int] = {}

    def write(self, topic: str, kind: str, data: bytes, stamp_ns: int) -> None:
        """Add a message."""
        if topic not in self._channels:
            if kind not in self._schemas:
                text = definition_of(kind).encode()
                self._schemas[kind] = self._writer.register_schema(name=kind, encoding=SCHEMA, data=text)
            self._channels[topic] = self._writer.register_channel(topic, MESSAGE, self._schemas[kind])
        self._writer.add_message(self._channels[topic], log_time=stamp_ns, data=data, publish_time=stamp_ns)

    def close(self) -> None:
        """Make the file whole."""
        self._writer.finish()
        self._file.close()


def read_session(path: Path) -> Iterator[RecordedMessage]:
    """The messages of a session in the order in which they were recorded.

    Raises:
        SketchRobotError: BAD_GOAL, the file is no whole MCAP of ROS 2 messages, or `mcap` is not installed.
    """
    mcap = _mcap('reader')
    begun_ns = None
    try:
        with path.open('rb') as file:
            for schema, channel, message in mcap.make_reader(file).iter_messages():
                if schema is None or channel.message_encoding != MESSAGE:
                    continue
                begun_ns = message.log_time if begun_ns is None else begun_ns
                seconds = (message.log_time - begun_ns) * 1e-9
                yield RecordedMessage(channel.topic, schema.name, seconds, message.data)
    except (OSError, importlib.import_module('mcap.exceptions').McapError) as error:
        raise SketchRobotError(ErrorCode.BAD_GOAL, f'{path} is no whole MCAP file: {error}') from error


def _mcap(module: str) -> Any:
    try:
        importlib.import_module('zstandard')
        return importlib.import_module(f'mcap.{module}')
    except ImportError as error:
        text = f'sessions need the Python packages mcap and zstandard (no module {error.name}): pip install them'
        raise SketchRobotError(ErrorCode.BAD_GOAL, text) from error
