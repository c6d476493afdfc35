"""A node's parameters as one declarative table.

A table says name, default, meaning, range and whether the value may change at run time. A whole number is taken where a
fraction is expected (YAML's `speed: 20`), a value out of range or of another type stops the node with one clear
message, and an override that no table declares, most likely a misspelling, is warned about.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor, SetParametersResult
from rclpy.node import Node
from rclpy.parameter import Parameter as RosParameter

from sketch_robot.errors import ErrorCode, SketchRobotError


@dataclass(frozen=True)
class Parameter:
    """One row of a node's table.

    Attributes:
        name: as in YAML.
        default: its type is the parameter's type: bool, int, float or str.
        description: what it does, with the unit.
        low, high: the range of a number, both ends included; None: open.
        choices: the words allowed for a string; empty: any.
        read_only: fixed when the node starts.
    """

    name: str
    default: bool | int | float | str
    description: str
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()
    read_only: bool = False

    def descriptor(self) -> ParameterDescriptor:
        """What `ros2 param describe` shows."""
        text = self.description + (
            f' One of: {", ".join(c or "(empty)" for c in self.choices)}.' if self.choices else ''
        )
        found = ParameterDescriptor(name=self.name, description=text, read_only=self.read_only, dynamic_typing=True)
        if self.low is None and self.high is None:
            return found
        if isinstance(self.default, float):
            low = -math.inf if self.low is None else float(self.low)
            high = math.inf if self.high is None else float(self.high)
            found.floating_point_range = [FloatingPointRange(from_value=low, to_value=high, step=0.0)]
        else:
            low_i = -(2**63) if self.low is None else int(self.low)
            high_i = 2**63 - 1 if self.high is None else int(self.high)
            found.integer_range = [IntegerRange(from_value=low_i, to_value=high_i, step=1)]
        return found

    def problem_with(self, value: Any) -> str:
        """Why the value cannot be taken; '' when it can."""
        kind = type(self.default)
        number = isinstance(value, int | float) and not isinstance(value, bool)
        fits = (
            number if kind is float else isinstance(value, int) and number if kind is int else isinstance(value, kind)
        )
        if not fits:
            word = {bool: 'true or false', int: 'a whole number', float: 'a number', str: 'a text'}[kind]
            return f'{self.name} is {word}, not {value!r}'
        if number and not math.isfinite(value):
            return f'{self.name} must be finite, not {value}'
        if number and ((self.low is not None and value < self.low) or (self.high is not None and value > self.high)):
            low = 'any' if self.low is None else f'{self.low:g}'
            high = 'any' if self.high is None else f'{self.high:g}'
            return f'{self.name} must lie between {low} and {high}, not {value}'
        if self.choices and value not in self.choices:
            return f'{self.name} must be one of {", ".join(map(repr, self.choices))}, not {value!r}'
        return ''


class Parameters:
    """The declared parameters of one node; `values['name']` is the present value in the type of its default."""

    def __init__(
        self, node: Node, table: Sequence[Parameter], *, check: Callable[[dict[str, Any]], str] | None = None
    ) -> None:
        """Declare a table.

        Args:
            node: whose parameters they are.
            table: its rows.
            check: called with all values before they change; returns why they do not fit together, or ''.

        Raises:
            SketchRobotError: BAD_GOAL, an override is of the wrong type or out of range.
        """
        self._node = node
        self._rows = {row.name: row for row in table}
        self._check = check
        overrides = node._parameter_overrides  # rclpy has no public view of what the command line and YAML gave
        for row in table:
            if row.name in overrides:
                self._refuse(row.problem_with(overrides[row.name].value))
            node.declare_parameter(row.name, row.default, row.descriptor())
        if check is not None:
            self._refuse(check({name: self[name] for name in self._rows}))
        node.add_on_set_parameters_callback(self._on_set)
        self._warn_of_strangers(overrides)

    def __getitem__(self, name: str) -> Any:
        row = self._rows[name]
        return type(row.default)(self._node.get_parameter(name).value)

    def _refuse(self, problem: str) -> None:
        if problem:
            raise SketchRobotError(ErrorCode.BAD_GOAL, f'parameter of node {self._node.get_name()}: {problem}')

    def _on_set(self, parameters: Iterable[RosParameter]) -> SetParametersResult:
        result = SetParametersResult(successful=True)
        wanted = {name: self[name] for name in self._rows}
        for parameter in parameters:
            row = self._rows.get(parameter.name)
            if row is None:
                continue
            problem = row.problem_with(parameter.value)
            if problem:
                return SetParametersResult(successful=False, reason=problem)
            wanted[row.name] = type(row.default)(parameter.value)
        problem = self._check(wanted) if self._check else ''
        if problem:
            result = SetParametersResult(successful=False, reason=problem)
        return result

    def _warn_of_strangers(self, overrides: Iterable[str]) -> None:
        for name in sorted(overrides):
            if self._node.has_parameter(name) or name.startswith('qos_overrides.'):
                continue
            near = difflib.get_close_matches(name, self._rows, n=1)
            hint = f'; did you mean {near[0]!r}?' if near else f'; known: {", ".join(sorted(self._rows))}'
            self._node.get_logger().warning(f'parameter {name!r} is not one of this node and is ignored{hint}')
