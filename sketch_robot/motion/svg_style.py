"""How SVG elements look, as far as a pen cares: whether they are seen, their colour and their line's width.

Presentation attributes, style sheets with plain selectors (`*`, `path`, `.class`, `#id`, `path.class`) and style
attributes, in that order of precedence; what is inherited passes down.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from PIL import ImageColor

from sketch_robot.motion.svg_units import length_px

_SELECTOR = re.compile(r'(\*|[\w-]+)?(?:([.#])([\w-]+))?')
_NAMES = {code.lower(): name for name, code in ImageColor.colormap.items() if isinstance(code, str)}
_NAMES |= {'#808080': 'grey', '#00ffff': 'cyan', '#ff00ff': 'magenta'}
_CONCERN = (
    'stroke', 'fill', 'color', 'stroke-width', 'display', 'visibility', 'opacity', 'stroke-opacity', 'fill-opacity',
    'clip-path', 'mask',
)  # fmt: skip
_CLEAR = ('none', 'transparent')
PAPER = '#ffffff'
_RANKS = {'.': 2, '#': 3}


@dataclass(frozen=True)
class Rule:
    """What a style sheet says of some elements.

    Attributes:
        tag: theirs; '' any.
        rank, number: the higher rank wins, then the higher number.
        properties: of theirs.
    """

    tag: str
    rank: int
    number: int
    properties: Mapping[str, str]


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
                match = _SELECTOR.fullmatch(selector.strip())
                if match is None or not (match[1] or match[2]):
                    continue
                tag = (match[1] or '').replace('*', '')
                rule = Rule(tag, _RANKS.get(match[2], 0) + bool(tag), self._count, properties)
                self._rules.setdefault((match[2] or '') + (match[3] or ''), []).append(rule)
                self._count += 1

    def properties(self, tag: str, attributes: Mapping[str, str]) -> dict[str, str]:
        """What it says of an element."""
        if not self._rules:
            return {}
        keys = ['', *(f'.{name}' for name in attributes.get('class', '').split()), f'#{attributes.get("id", "")}']
        rules = [rule for key in dict.fromkeys(keys) for rule in self._rules.get(key, ()) if rule.tag in ('', tag)]
        found: dict[str, str] = {}
        for rule in sorted(rules, key=lambda rule: (rule.rank, rule.number)):
            found |= rule.properties
        return found


def parse_properties(text: str) -> dict[str, str]:
    """'a: b; c: d' as a dictionary."""
    pairs = (part.split(':', 1) for part in text.split(';') if ':' in part)
    return {name.strip().lower(): value.replace('!important', '').strip() for name, value in pairs}


@dataclass(frozen=True)
class Style:
    """The look of one element.

    Attributes:
        shown: False for it and all within it.
        visible: False for it, until one within it says otherwise.
        stroke, fill: as they are written, 'none' for none.
        color: what 'currentColor' stands for.
        width_px: of its line, user units.
        stroke_clear, fill_clear: whether its line, or its inside, is wholly transparent.
        clipped: whether only a part of it is seen.
    """

    shown: bool = True
    visible: bool = True
    stroke: str = 'none'
    fill: str = '#000000'
    color: str = '#000000'
    width_px: float = 1.0
    stroke_clear: bool = False
    fill_clear: bool = False
    clipped: bool = False

    @property
    def painted(self) -> bool:
        """Whether there is anything to see on white paper: a line in any colour, or an inside that is not white."""
        line = self.stroke.lower() not in _CLEAR and not self.stroke_clear
        inside = self.fill.lower() not in _CLEAR and not self.fill_clear
        return line or (inside and parse_colour(self.fill) != PAPER)

    @property
    def ink(self) -> str:
        """The colour of its line, '#rrggbb'; that of its inside when only this is painted, and black for others."""
        for paint in (self.stroke, self.fill):
            colour = parse_colour(self.color if paint.lower() == 'currentcolor' else paint)
            if colour:
                return colour
        return '#000000'

    def within(self, tag: str, attributes: Mapping[str, str], sheet: Sheet) -> Style:
        """The style of an element inside one with this style."""
        given = dict(attributes) | sheet.properties(tag, attributes) | parse_properties(attributes.get('style', ''))
        if given.keys().isdisjoint(_CONCERN):
            return self
        own = {
            name: given[name].strip()
            for name in ('stroke', 'fill', 'color')
            if name in given and given[name].strip().lower() not in ('inherit', '')
        }
        width = self.width_px
        if 'stroke-width' in given:
            try:
                width = abs(length_px(given['stroke-width'], 1.0))
            except ValueError:
                width = self.width_px
        visibility = given.get('visibility', 'inherit').strip()
        return replace(
            self,
            shown=self.shown and given.get('display', '').strip() != 'none' and not _is_zero(given.get('opacity', '')),
            visible=self.visible if visibility == 'inherit' else visibility == 'visible',
            width_px=width,
            stroke_clear=_is_zero(given['stroke-opacity']) if 'stroke-opacity' in given else self.stroke_clear,
            fill_clear=_is_zero(given['fill-opacity']) if 'fill-opacity' in given else self.fill_clear,
            clipped=self.clipped or any(given.get(name, 'none').strip() != 'none' for name in ('clip-path', 'mask')),
            **own,
        )


def _is_zero(text: str) -> bool:
    try:
        return float(text.strip().rstrip('%')) <= 0.0
    except ValueError:
        return False


def parse_colour(text: str) -> str:
    """A colour as '#rrggbb'; '' for none, and for what is no plain colour."""
    plain = text.strip().lower()
    if plain.startswith('rgba('):
        plain = f'rgb({",".join(plain[5:].rstrip(")").split(",")[:3])})'
    try:
        red, green, blue = ImageColor.getrgb(plain)[:3]
    except ValueError:
        return ''
    return f'#{red:02x}{green:02x}{blue:02x}'


def colour_name(colour: str) -> str:
    """What people call '#rrggbb'; itself when it has no name."""
    return _NAMES.get(colour, colour)


def darkness(colour: str) -> float:
    """Of '#rrggbb', in [0, 1]; 1 is black (Rec. 601 luma)."""
    red, green, blue = (int(colour[k : k + 2], 16) / 255.0 for k in (1, 3, 5))
    return 1.0 - (0.299 * red + 0.587 * green + 0.114 * blue)
