"""What a machine's file may say to a driver: its options, declared as a frozen dataclass and checked in one place::

    @dataclass(frozen=True)
    class QuillOptions(PortOptions):  # which has `port`
        baud: int = option(9600, low=1)
        handshake: Literal['xon', 'hardware'] = 'xon'
        pen: PenHeights = PenHeights()   # another `DriverOptions`, from a mapping

Types come from the annotations: str, bool, int, float, Any, Literal, `X | None`, tuples, mappings, and `DriverOptions`
within one another. Bounds come from `option`. What is beyond that a `__post_init__` says, after that of its base.
"""

from __future__ import annotations

import math
import types
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, Field, dataclass, field, fields
from typing import Any, Literal, Self, Union, get_args, get_origin, get_type_hints

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.validation import Rule, require, shown


def option(
    default: Any = MISSING,
    *,
    low: float | None = None,
    high: float | None = None,
    above: float | None = None,
    endless: bool = False,
    key: str = '',
) -> Any:
    """A field of `DriverOptions` with bounds.

    Args:
        default: its value when the file says nothing.
        low, high: the least and the greatest value of a number, or of each number of a tuple.
        above: what it must be more than.
        endless: whether a number may be infinite.
        key: what the file calls it, where that is no name in Python; '': as the field.
    """
    bounds = {'low': low, 'high': high, 'above': above}
    return field(default=default, metadata={'bounds': bounds, 'endless': endless, 'key': key})


@dataclass(frozen=True)
class DriverOptions:
    """Options of a driver; see the module. Made from Python, they are checked in the same way.

    Raises:
        SketchRobotError: BAD_GOAL, a value is of another kind or out of its bounds; the message names it.
    """

    def __post_init__(self) -> None:
        kinds = get_type_hints(type(self))
        for each in fields(self):
            value = _converted(getattr(self, each.name), kinds[each.name], _key(each), each)
            object.__setattr__(self, each.name, value)

    @classmethod
    def keys(cls) -> tuple[str, ...]:
        """The names of the options in a machine's file."""
        return tuple(_key(each) for each in fields(cls))

    @classmethod
    def read(cls, values: Mapping[str, Any], *, of: str) -> Self:
        """Options as a machine's file has them.

        Args:
            values: by their names in the file.
            of: whose they are, for messages.

        Raises:
            SketchRobotError: BAD_GOAL, there is no such option, the message lists those that exist; or as the class.
        """
        unknown = sorted(set(values) - set(cls.keys()))
        if unknown:
            raise _refused(f'{of} takes no option {unknown[0]!r}; it takes: {", ".join(cls.keys())}')
        try:
            return cls(**{each.name: values[_key(each)] for each in fields(cls) if _key(each) in values})
        except SketchRobotError as error:
            raise SketchRobotError(error.code, f'{of} cannot be used: {error.message}') from error

    @property
    def needs_port(self) -> bool:
        """Whether nobody has said yet where the machine is plugged in."""
        return False


@dataclass(frozen=True)
class PortOptions(DriverOptions):
    """Options of a machine that is plugged in somewhere.

    Attributes:
        port: a device or device id; see `ports.port_of`.
    """

    port: str = ''

    @property
    def needs_port(self) -> bool:
        """Whether nobody has said yet where the machine is plugged in."""
        return not self.port


def _key(each: Field[Any]) -> str:
    return str(each.metadata.get('key') or each.name)


def _converted(value: Any, kind: Any, where: str, declared: Field[Any]) -> Any:
    """The value as its annotation wants it: lists as tuples, whole numbers as fractions, mappings as options."""
    origin, parts = get_origin(kind), get_args(kind)
    if kind is Any:
        return value
    if origin in (Union, types.UnionType):
        if value is None and type(None) in parts:
            return None
        return _converted(value, next(part for part in parts if part is not type(None)), where, declared)
    if origin is Literal:
        require(where, value, Rule(str, choices=parts))
        return value
    if origin is tuple:
        return _tuple(value, parts, where, declared)
    if origin in (Mapping, dict):
        if not isinstance(value, Mapping):
            raise _refused(f'{where} is a mapping, not {shown(value)}')
        return value
    if isinstance(kind, type) and issubclass(kind, DriverOptions):
        if isinstance(value, kind):
            return value
        if not isinstance(value, Mapping):
            raise _refused(f'{where} is a mapping of {", ".join(kind.keys())}, not {shown(value)}')
        return kind.read(value, of=where)
    if kind in (bool, int, float, str):
        return _plain(value, kind, where, declared)
    if not isinstance(value, kind):
        raise _refused(f'{where} is a {kind.__name__}, not {shown(value)}')
    return value


def _tuple(value: Any, parts: tuple[Any, ...], where: str, declared: Field[Any]) -> tuple[Any, ...]:
    endless = len(parts) == 2 and parts[1] is Ellipsis
    is_list = isinstance(value, Sequence) and not isinstance(value, str)
    if not is_list or not (endless or len(value) == len(parts)):
        count = '' if endless else f' of {len(parts)}'
        raise _refused(f'{where} is a list{count}, not {shown(value)}')
    kinds = parts[:1] * len(value) if endless else parts
    return tuple(
        _converted(part, kind, f'{where}[{k}]', declared)
        for k, (part, kind) in enumerate(zip(value, kinds, strict=True))
    )


def _plain(value: Any, kind: type[bool] | type[int] | type[float] | type[str], where: str, declared: Field[Any]) -> Any:
    if not (declared.metadata.get('endless') and value == math.inf):
        bounds = declared.metadata.get('bounds', {}) if kind in (int, float) else {}
        require(where, value, Rule(kind, **bounds))
    return kind(value)


def _refused(message: str) -> SketchRobotError:
    return SketchRobotError(ErrorCode.BAD_GOAL, message)
