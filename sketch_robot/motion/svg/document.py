"""An SVG document: its elements, what is said of each, and how much it would be to draw."""

from __future__ import annotations

import re
from collections.abc import Mapping
from xml.etree.ElementTree import Element

import numpy as np

from sketch_robot.motion.fit import MOST_STROKES
from sketch_robot.motion.svg.shapes import SHAPES
from sketch_robot.motion.svg.style import Properties, Style, StyleSheets

DEEPEST = 200
MOST_VISITS = 250_000  # elements, those that `use` repeats counted each time
MOST_NUMBERS = 2_500_000  # in path data, those of what is used counted each time
LINES_OF_A_LETTER = 2  # about
ARC_WEIGHT, CURVE_WEIGHT = 8, 2  # how many times as long as a line's the numbers of others take
LONG_DATA, CHARACTERS_A_NUMBER = 1000, 4  # of shorter path data the numbers are not counted, but reckoned
LANGUAGE = 'en'  # of a reader of what is written in several
CONTAINERS = ('svg', 'g', 'a', 'switch')
SILENT = (
    'defs', 'style', 'metadata', 'title', 'desc', 'symbol', 'clipPath', 'mask', 'marker', 'pattern', 'filter', 'script',
    'linearGradient', 'radialGradient', 'animate', 'animateMotion', 'animateTransform', 'set', 'view', 'cursor',
)  # fmt: skip
DRAWN = (*CONTAINERS, *SHAPES, 'use', 'text', 'image', 'foreignObject')
_SERVERS = ('linearGradient', 'radialGradient', 'pattern')
_NAMED = re.compile(r'url\(\s*+["\']?#([^"\')\s]*+)["\']?\s*+\)')
_ARCS, _CURVES = re.compile('[Aa]([^A-DF-Za-df-z]*+)'), re.compile('[CcSsQqTt]([^A-DF-Za-df-z]*+)')
_SVG = '{http://www.w3.org/2000/svg}'
_HREF = ('href', '{http://www.w3.org/1999/xlink}href')


class SvgDocument:
    """The elements of an SVG file.

    Args:
        root: the root element.

    Attributes:
        root: the root element.
        by_id: those that have an id; the first of several.
        parent: that of each element but the root.
        sheets: what is said of each.
        servers: the ids of gradients and patterns.

    Raises:
        ValueError: it is no SVG, there is too much of it to be drawn, or its style sheets are refused.
    """

    def __init__(self, root: Element) -> None:
        if root.tag not in (f'{_SVG}svg', 'svg'):
            raise ValueError(f'its root is {root.tag.rpartition("}")[2][:24]!r}, not an svg element')
        self.root = root
        self.by_id: dict[str, Element] = {}
        for element in root.iter():
            if 'id' in element.attrib:
                self.by_id.setdefault(element.attrib['id'], element)
        self._check_extent()
        self.parent = {child: element for element in root.iter() for child in element}
        styles = [element for element in root.iter() if tag_of(element) == 'style' and _is_css(element)]
        self.sheets = StyleSheets(root, [element.text for element in styles if element.text])
        self.servers = {name for name, element in self.by_id.items() if tag_of(element) in _SERVERS}

    def given(self, element: Element) -> Properties:
        """What is said of an element, by its attributes, the style sheets and its style attribute."""
        return self.sheets.given(element)

    def style_of(self, element: Element) -> Style:
        """The style of an element by where it stands in the file; whether all of that is shown does not matter."""
        above = [element]
        while above[-1] in self.parent:
            above.append(self.parent[above[-1]])
        style = Style()
        for each in above[::-1]:
            style = style.within({**self.given(each), 'display': 'inline', 'opacity': '1'})
        return style

    def referred(self, element: Element) -> Element | None:
        """What an element refers to by its href; None for what is not in the file."""
        reference = next((element.attrib[name] for name in _HREF if name in element.attrib), '')
        return self.by_id.get(reference[1:]) if reference.startswith('#') else None

    def named(self, text: str, tag: str) -> Element | None:
        """The element with a tag that 'url(#id)' names; None when there is none."""
        match = _NAMED.fullmatch(text.strip())
        element = self.by_id.get(match[1]) if match else None
        return element if element is not None and tag_of(element) == tag else None

    def holds(self, outer: Element, element: Element) -> bool:
        """Whether an element is another, or within it."""
        above: Element | None = element
        while above is not None and above is not outer:
            above = self.parent.get(above)
        return above is outer

    def _check_extent(self) -> None:
        """Refuse what would take too long to draw, before any of it is drawn.

        Raises:
            ValueError: there are too many elements, lines or numbers, those that `use` repeats counted each time.
        """
        known: dict[Element, tuple[int, int, int]] = {}
        under_way: set[Element] = set()

        def extent(element: Element, depth: int) -> tuple[int, int, int]:
            """Elements, lines and numbers of path data."""
            if element in known:
                return known[element]
            if element in under_way:
                return 0, 0, 0
            if depth > 2 * DEEPEST:
                raise ValueError('its elements, or uses of elements, are within one another too deep or too often')
            tag = tag_of(element)
            visits, lines, numbers = 1, 0, 0
            if tag == 'text':
                lines = LINES_OF_A_LETTER * sum(len(part) for part in element.itertext())
            elif tag in SHAPES:
                data = element.attrib.get('d' if tag == 'path' else 'points', '')
                lines = max(1, data.count('M') + data.count('m')) if tag == 'path' else 1
                numbers = _weigh(data)
            else:
                under_way.add(element)
                inside = [child for child in element if tag_of(child) not in SILENT]
                if tag == 'use':
                    target = self.referred(element)
                    inside = [target] if target is not None else []
                for child in inside:
                    more = extent(child, depth + 1)
                    visits, lines, numbers = visits + more[0], lines + more[1], numbers + more[2]
                under_way.discard(element)
            known[element] = visits, lines, numbers
            return known[element]

        visits, lines, numbers = extent(self.root, 0)
        if visits > MOST_VISITS:
            raise ValueError('its elements, or uses of elements, are within one another too deep or too often')
        if lines > MOST_STROKES:
            raise ValueError(f'it has {lines} lines, more than {MOST_STROKES}; draw it in parts')
        if numbers > MOST_NUMBERS:
            raise ValueError(
                f'its path data have {numbers} numbers, curves and arcs counted {CURVE_WEIGHT} and {ARC_WEIGHT} times, '
                f'more than {MOST_NUMBERS}; draw it in parts'
            )


def tag_of(element: Element) -> str:
    """Give an element's tag without the namespace; '' for other than SVG's."""
    tag = element.tag
    return tag[len(_SVG) :] if tag.startswith(_SVG) else '' if tag.startswith('{') else tag


def _is_css(element: Element) -> bool:
    return element.attrib.get('type', 'text/css') in ('', 'text/css')


def meant_for_us(attributes: Mapping[str, str]) -> bool:
    """Say whether conditions on the reader and the language hold (SVG 1.1, 5.8)."""
    if attributes.get('requiredExtensions', '').strip():
        return False
    languages = attributes.get('systemLanguage')
    return languages is None or any(word.strip().split('-')[0] == LANGUAGE for word in languages.split(','))


def _weigh(data: str) -> int:
    """How many numbers path data have, about, those of curves and arcs counted as often as they take longer."""
    has_arcs, has_curves = (any(letter in data for letter in letters) for letters in ('Aa', 'CcSsQqTt'))
    if len(data) <= LONG_DATA:
        return len(data) // CHARACTERS_A_NUMBER * (ARC_WEIGHT if has_arcs else CURVE_WEIGHT if has_curves else 1)
    total = _count_numbers(data)
    for has, pattern, weight in ((has_arcs, _ARCS, ARC_WEIGHT), (has_curves, _CURVES, CURVE_WEIGHT)):
        if has:
            total += (weight - 1) * _count_numbers(' '.join(pattern.findall(data)))
    return total


def _count_numbers(data: str) -> int:
    """How many numbers path data have, about."""
    if not data:
        return 0
    code = np.frombuffer(data.encode('ascii', 'replace'), np.uint8)
    digit = (code >= 48) & (code <= 57)
    begins = digit[1:] & ~digit[:-1]
    fractions = begins[1:] & (code[1:-1] == ord('.')) & digit[:-2]
    return int(begins.sum()) - int(fractions.sum()) + int(digit[0])
