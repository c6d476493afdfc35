"""Rooms that are opened when something of them is wanted.

A room's `__init__` names what it offers; whoever imports one name of it should not pay for all modules of the room, as
compiled loops where only a plan is read.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any


def lazily(package: str, **modules: str) -> Callable[[str], Any]:
    """A package's `__getattr__` (PEP 562): imports a name's module when the name is first asked for.

    Args:
        package: the package's name.
        modules: names of its modules, each with the names that it brings, spaces between.
    """
    homes = {name: module for module, names in modules.items() for name in names.split()}

    def found(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f'module {package!r} has no attribute {name!r}')
        return getattr(importlib.import_module(f'{package}.{homes[name]}'), name)

    return found
