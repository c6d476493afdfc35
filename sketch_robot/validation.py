"""Checks of values that people, files and messages give: their type, range and choice, each with one clear sentence.

Rooms ask `problem_with` and raise their own error with their own code, or let `check_fields` refuse a whole mapping
with BAD_GOAL. A whole number is taken where a fraction is expected (YAML's `speed: 20`); true and false are no numbers.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sketch_robot.errors import ErrorCode, SketchRobotError

if TYPE_CHECKING:
    import numpy as np

_WORDS = {bool: 'true or false', int: 'a whole number', float: 'a number', str: 'a text'}
_LONGEST_SHOWN = 80  # characters of a value that a message repeats


@dataclass(frozen=True)
class Rule:
    """What one value may be.

    Attributes:
        kind: bool, int, float or str.
        low, high: the range of a number, both ends included; None: open.
        above: a number must be greater than this; None: no such bound.
        choices: the words allowed for a text; empty: any.
    """

    kind: type[bool] | type[int] | type[float] | type[str]
    low: float | None = None
    high: float | None = None
    above: float | None = None
    choices: tuple[str, ...] = ()


POSITIVE = Rule(float, above=0.0)
NOT_NEGATIVE = Rule(float, low=0.0)
FINITE = Rule(float)


def is_number(value: Any) -> bool:
    """Whether a value is a finite number; true and false are none."""
    return isinstance(value, int | float) and not isinstance(value, bool) and _is_finite(value)


def _is_finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # an integer of hundreds of digits
        return False


def shown(value: Any) -> str:
    """A value as a message shows it: short, and a container only by its size."""
    if isinstance(value, dict | list | tuple):
        return f'a {"mapping" if isinstance(value, dict) else "list"} of {len(value)}'
    return f'{value:g}' if isinstance(value, float) else repr(value)[:_LONGEST_SHOWN]


def problem_with(name: str, value: Any, rule: Rule) -> str:
    """Say why a value cannot be taken; '' when it can.

    Args:
        name: what the message calls the value.
        value: anything.
        rule: what it may be.
    """
    number = isinstance(value, int | float) and not isinstance(value, bool)
    fits = number if rule.kind is float else isinstance(value, rule.kind) and number == (rule.kind is int)
    if not fits:
        hint = ' (write 1.0e+3 for 1e3)' if rule.kind is float and _reads_as_number(value) else ''
        return f'{name} is {_WORDS[rule.kind]}, not {shown(value)}{hint}'
    if number and not _is_finite(value):
        return f'{name} must be finite, not {value if isinstance(value, float) else shown(value)}'
    if number and rule.above is not None and not value > rule.above:
        wanted = 'positive' if rule.above == 0.0 else f'greater than {rule.above:g}'
        return f'{name} must be {wanted}, not {shown(value)}'
    if number and ((rule.low is not None and value < rule.low) or (rule.high is not None and value > rule.high)):
        return f'{name} must {_range(rule)}, not {shown(value)}'
    if rule.choices and value not in rule.choices:
        return f'{name} must be one of {", ".join(map(repr, rule.choices))}, not {shown(value)}'
    return ''


def fits(value: float, rule: Rule) -> bool:
    """Whether a number is finite and within a rule's range."""
    return (
        math.isfinite(value)
        and (rule.above is None or value > rule.above)
        and (rule.low is None or value >= rule.low)
        and (rule.high is None or value <= rule.high)
    )


def all_fit(values: np.ndarray, rule: Rule = FINITE) -> bool:
    """Whether all numbers of an array of any shape are finite and within a rule's range."""
    import numpy as np  # takes a tenth of a second to load; checks of single values, and `--help`, do without

    return bool(
        np.isfinite(values).all()
        and (rule.above is None or (values > rule.above).all())
        and (rule.low is None or (values >= rule.low).all())
        and (rule.high is None or (values <= rule.high).all())
    )


def numbers_of(values: Any, count: int) -> np.ndarray | None:
    """What a person or a file gives as so many finite numbers, (count,) float64; None: it is something else."""
    import numpy as np

    try:
        array = np.array(values, dtype=np.float64)
    except (TypeError, ValueError):
        return None
    return array if array.shape == (count,) and all_fit(array) else None


def require(name: str, value: Any, rule: Rule, code: ErrorCode = ErrorCode.BAD_GOAL) -> None:
    """Refuse a value that a rule does not allow.

    Raises:
        SketchRobotError: `code`, with the sentence of `problem_with`.
    """
    problem = problem_with(name, value, rule)
    if problem:
        raise SketchRobotError(code, problem)


def strange_key(given: Collection[str], known: Collection[str]) -> str:
    """Say which key of a mapping nobody knows and what was most likely meant; '' when all are known."""
    strange = sorted(set(given) - set(known))
    if not strange:
        return ''
    near = difflib.get_close_matches(strange[0], known, n=1)
    hint = f'did you mean {near[0]!r}?' if near else f'known: {", ".join(known)}'
    return f'there is no {strange[0][:_LONGEST_SHOWN]!r}; {hint}'


def check_fields(given: Mapping[str, Any], rules: Mapping[str, Rule], what: str) -> None:
    """Refuse a mapping with an unknown key or an unusable value.

    Args:
        given: by name.
        rules: for every name that is known; a name may be missing in `given`.
        what: whose values they are, for the message ('the arm', 'the plotter hpgl').

    Raises:
        SketchRobotError: BAD_GOAL, for the first that cannot be used.
    """
    problem = strange_key(given, rules)
    if not problem:
        found = (problem_with(name, value, rules[name]) for name, value in given.items())
        problem = next((each for each in found if each), '')
    if problem:
        raise SketchRobotError(ErrorCode.BAD_GOAL, f'{what}: {problem}')


def _range(rule: Rule) -> str:
    if rule.high is None:
        return f'be at least {rule.low:g}'
    if rule.low is None:
        return f'be at most {rule.high:g}'
    return f'lie between {rule.low:g} and {rule.high:g}'


def _reads_as_number(value: Any) -> bool:
    if not isinstance(value, str):
        return False
    try:
        float(value)
    except ValueError:
        return False
    return True
