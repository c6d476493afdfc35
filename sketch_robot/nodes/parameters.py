"""A node's parameters as one declarative table.

A table says name, default, meaning, range and whether the value may change at run time. A whole number is taken where a
fraction is expected (YAML's `speed: 20`), a value out of range or of another type stops the node with one clear
message, and an override that no table declares, most likely a misspelling, is warned about.
"""

from __future__ import annotations

import difflib
import math
import os
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor, SetParametersResult
from rclpy.parameter import Parameter as RosParameter

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.nodes.node import SketchNode
from sketch_robot.validation import Rule, problem_with


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
        names_file: it may be the path of a file; whoever sets it at run time chooses among `FOLDERS` only.
    """

    name: str
    default: bool | int | float | str
    description: str
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()
    read_only: bool = False
    names_file: bool = False

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
        rule = Rule(type(self.default), self.low, self.high, choices=self.choices)
        return problem_with(self.name, value, rule)


FOLDERS = Parameter(
    'file_folders',
    '',
    'Folders from which files may be named in parameters at run time, with colons between; empty: from none.',
    read_only=True,
)


def is_path(text: str) -> bool:
    """Whether a value is the path of a file rather than a name."""
    return os.sep in text or Path(text).suffix != ''


def problem_with_file(text: str, folders: str) -> str:
    """Why a file may not be named at run time; '' when it may, or is none."""
    if not is_path(text):
        return ''
    path = Path(text).expanduser().resolve()
    allowed = [Path(folder).expanduser().resolve() for folder in folders.split(':') if folder]
    if any(path.is_relative_to(folder) for folder in allowed):
        return ''
    return f'{text!r} lies in none of the folders that file_folders names: name it when the node starts'


class Parameters:
    """The declared parameters of one node; `values['name']` is the present value in the type of its default."""

    def __init__(
        self,
        node: SketchNode,
        table: Sequence[Parameter],
        *,
        check: Callable[[dict[str, Any]], str] | None = None,
        changed: Callable[[Collection[str]], None] | None = None,
    ) -> None:
        """Declare a table.

        Args:
            node: whose parameters they are.
            table: its rows.
            check: called with all values before they change; returns why they do not fit together, or ''.
            changed: called with the names of those that have changed.

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
        if changed is not None:
            node.add_post_set_parameters_callback(lambda those: changed({each.name for each in those}))
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
            if not problem and row.names_file and parameter.value != self[row.name]:
                problem = problem_with_file(parameter.value, self[FOLDERS.name])
            if problem:
                return SetParametersResult(successful=False, reason=problem)
            wanted[row.name] = type(row.default)(parameter.value)
        problem = self._check(wanted) if self._check else ''
        if problem:
            result = SetParametersResult(successful=False, reason=problem)
        return result

    def _warn_of_strangers(self, overrides: Iterable[str]) -> None:
        for name in sorted(overrides):
            if self._node.has_parameter(name) or name in self._node.of_others or name.startswith('qos_overrides.'):
                continue
            near = difflib.get_close_matches(name, self._rows, n=1)
            hint = f'; did you mean {near[0]!r}?' if near else f'; known: {", ".join(sorted(self._rows))}'
            self._node.get_logger().warning(f'parameter {name!r} is not one of this node and is ignored{hint}')
