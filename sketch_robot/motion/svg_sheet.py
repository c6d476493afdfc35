"""Style sheets of SVG: which properties they give an element.

Selectors of a type, `*`, classes, ids and attributes, in any combination, and those that name parents (`g > path`) or
ancestors (`.axis path`). Others (`:hover`) are passed over. Precedence: CSS 2.1, 6.4.3.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

Kin = tuple[str, Mapping[str, str]]  # an element's tag and attributes
_NAME = r'[\w-]++'
_COMPOUND = re.compile(rf'(\*|{_NAME})?((?:[.#]{_NAME}|\[[^\[\]]*+\])*+)')
_ATTRIBUTE = re.compile(rf'\[\s*+({_NAME})\s*+(?:([~|^$*]?)=\s*+("[^"]*+"|\'[^\']*+\'|[^\s"\']++)\s*+)?+\]')
_CONDITION = re.compile(rf'[.#]{_NAME}|\[[^\[\]]*+\]')
_COMBINATOR = re.compile(r'\s*+(>)\s*+|\s++')
LONGEST = 1000  # characters of a selector
DEEPEST = 10  # elements that it names


@dataclass(frozen=True)
class Compound:
    """What a selector asks of one element.

    Attributes:
        tag: '' any.
        classes, ids: all of them.
        attributes: name, operator ('' equals, 'any' exists) and value.
        child: whether it must be the parent of the next one, or else an ancestor.
    """

    tag: str
    classes: tuple[str, ...]
    ids: tuple[str, ...]
    attributes: tuple[tuple[str, str, str], ...]
    child: bool = False

    def fits(self, kin: Kin) -> bool:
        """Whether an element is such."""
        tag, attributes = kin
        if self.tag and self.tag != tag:
            return False
        if self.classes and not set(self.classes) <= set(attributes.get('class', '').split()):
            return False
        if any(attributes.get('id') != name for name in self.ids):
            return False
        return all(_compares(attributes.get(name), operator, value) for name, operator, value in self.attributes)


@dataclass(frozen=True)
class Rule:
    """What a style sheet says of some elements.

    Attributes:
        compounds: of the selector, that of the element itself last.
        weight: (ids, classes and attributes, types, place in the sheet); the highest wins.
        properties: of theirs.
    """

    compounds: tuple[Compound, ...]
    weight: tuple[int, int, int, int]
    properties: Mapping[str, str]

    def fits(self, element: Kin, above: Sequence[Kin]) -> bool:
        """Whether it is for an element below some others, the outermost first."""
        if not self.compounds[-1].fits(element):
            return False
        open_ = {len(above)}  # where what was matched last may stand
        for compound in self.compounds[-2::-1]:
            places = {k - 1 for k in open_ if k > 0} if compound.child else set(range(max(open_)))
            open_ = {k for k in places if compound.fits(above[k])}
            if not open_:
                return False
        return True


class Sheet:
    """A style sheet."""

    def __init__(self) -> None:
        self._rules: dict[str, list[Rule]] = {}  # by '.class' or '#id', or '' when neither is asked for
        self._count = 0

    def add(self, text: str) -> None:
        """Take the rules with selectors that we know."""
        uncommented = ' '.join(part.rpartition('*/')[2] if k else part for k, part in enumerate(text.split('/*')))
        for block in uncommented.split('}'):
            selectors, _, body = block.partition('{')
            properties = parse_properties(body)
            for selector in selectors.split(','):
                compounds = _parse_selector(selector.strip())
                if not compounds:
                    continue
                ids = sum(len(part.ids) for part in compounds)
                classes = sum(len(part.classes) + len(part.attributes) for part in compounds)
                rule = Rule(
                    compounds, (ids, classes, sum(bool(part.tag) for part in compounds), self._count), properties
                )
                last = compounds[-1]
                key = f'.{last.classes[0]}' if last.classes else f'#{last.ids[0]}' if last.ids else ''
                self._rules.setdefault(key, []).append(rule)
                self._count += 1

    def properties(self, tag: str, attributes: Mapping[str, str], above: Sequence[Kin] = ()) -> dict[str, str]:
        """What it says of an element below some others, the outermost first."""
        if not self._rules:
            return {}
        keys = ['', *(f'.{name}' for name in attributes.get('class', '').split()), f'#{attributes.get("id", "")}']
        element = tag, attributes
        rules = [rule for key in dict.fromkeys(keys) for rule in self._rules.get(key, ()) if rule.fits(element, above)]
        found: dict[str, str] = {}
        for rule in sorted(rules, key=lambda rule: rule.weight):
            found |= rule.properties
        return found


def parse_properties(text: str) -> dict[str, str]:
    """'a: b; c: d' as a dictionary."""
    pairs = (part.split(':', 1) for part in text.split(';') if ':' in part)
    return {name.strip().lower(): value.replace('!important', '').strip() for name, value in pairs}


def _parse_selector(text: str) -> tuple[Compound, ...]:
    """() for one that we do not know."""
    found: list[Compound] = []
    at = 0
    while at < len(text) <= LONGEST and len(found) < DEEPEST:
        match = _COMPOUND.match(text, at)
        if match is None or match.end() == at:
            return ()
        attributes = []
        conditions = _CONDITION.findall(match[2])
        for condition in conditions:
            if condition[0] == '[':
                asked = _ATTRIBUTE.fullmatch(condition)
                if asked is None:
                    return ()
                attributes.append((asked[1], asked[2] if asked[3] else 'any', (asked[3] or '').strip('"\'')))
        classes, ids = (tuple(c[1:] for c in conditions if c[0] == mark) for mark in '.#')
        at = match.end()
        combinator = _COMBINATOR.match(text, at)
        child = combinator is not None and combinator[1] == '>'
        found.append(Compound((match[1] or '').replace('*', ''), classes, ids, tuple(attributes), child))
        if at == len(text):
            return tuple(found)
        if combinator is None:
            return ()
        at = combinator.end()
    return ()


def _compares(given: str | None, operator: str, value: str) -> bool:
    if given is None:
        return False
    if operator == '~':
        return value in given.split()
    if operator == '|':
        return given == value or given.startswith(f'{value}-')
    if operator == '^':
        return bool(value) and given.startswith(value)
    if operator == '$':
        return bool(value) and given.endswith(value)
    if operator == '*':
        return bool(value) and value in given
    return operator == 'any' or given == value
