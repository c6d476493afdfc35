"""How SVG elements look, as far as a pen cares: whether they are seen, their colours, lines, clips and markers.

Presentation attributes, style sheets and style attributes, in that order of precedence, and what is marked important
after all of them; what is inherited passes down. Style sheets are read by tinycss2 and matched by cssselect2, which
know the whole of CSS; here they are kept from what hostile ones could do with that.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from typing import Any
from xml.etree.ElementTree import Element

import cssselect2
import tinycss2
from PIL import ImageColor
from tinycss2 import color4

from sketch_robot.motion.svg.units import DEFAULT_FONT_PX, length_px

PAPER = '#ffffff'
MOST_CSS = 500_000  # characters of all style sheets, without data in them
MOST_RULES = 5000
MOST_STEPS = 1_000_000  # of matching selectors; a drawing has a hundredth of it
MOST_SUBSTITUTED = 10_000  # characters that variables may become
_NAMES = {code.lower(): name for name, code in ImageColor.colormap.items() if isinstance(code, str)}
_NAMES |= {'#808080': 'grey', '#00ffff': 'cyan', '#ff00ff': 'magenta'}
_DATA = re.compile(r'url\(\s*["\']?data:[^)]*\)')
_TRICKY = re.compile(r'[\\/*!"\'{}@]|data:')  # what only a whole CSS parser gets right
_VARIABLE = re.compile(r'var\(\s*(--[\w-]+)\s*(?:,([^()]*))?\)')
_PSEUDO = re.compile(r':+([a-zA-Z-]+)')
_STATIC = (  # pseudo-classes that a drawing on paper can have, and that cost little
    'first-child', 'last-child', 'only-child', 'nth-child', 'nth-last-child', 'not', 'is', 'where', 'root', 'empty',
)  # fmt: skip
_PAINT = re.compile(r'(url\(\s*+["\']?#?([^"\')\s]*+)["\']?\s*+\))?\s*+(.*)', re.DOTALL)
_FONT_SIZES = {
    'xx-small': 9.0, 'x-small': 10.0, 'small': 13.0, 'medium': 16.0, 'large': 18.0, 'x-large': 24.0, 'xx-large': 32.0,
}  # fmt: skip
_KEYWORDS = ('inherit', 'initial', 'unset')
_UNIT_ENDS = frozenset('abcdefghijklmnopqrstuvwxyz%')
_INHERITED = (  # as written, under the names of `Style`
    'stroke', 'fill', 'color', 'clip-rule', 'fill-rule', 'stroke-dasharray', 'stroke-dashoffset', 'stroke-linecap',
    'stroke-width', 'visibility', 'marker-start', 'marker-mid', 'marker-end', 'text-anchor', 'font-family',
    'font-weight', 'font-style', 'dominant-baseline', 'letter-spacing', 'stroke-opacity', 'fill-opacity',
)  # fmt: skip
_OWN = (
    'clip-path', 'mask', 'mask-type', 'overflow', 'transform', 'transform-origin', 'transform-box', 'opacity', 'display'
)  # fmt: skip
_CONCERN = frozenset((*_INHERITED, *_OWN, 'marker', 'font-size', 'font'))
_FIELD = {name: name.replace('-', '_') for name in (*_INHERITED, *_OWN)}
Properties = Mapping[str, str]


@dataclass(frozen=True)
class Style:
    """The look of one element; texts are as they are written.

    Attributes:
        shown: False for it and all within it.
        stroke, fill, color, stroke_width, stroke_opacity, fill_opacity, stroke_dasharray, stroke_dashoffset,
            stroke_linecap, visibility, clip_rule, fill_rule, marker_start, marker_mid, marker_end, text_anchor,
            font_family, font_weight, font_style, dominant_baseline, letter_spacing: inherited.
        font_px: size of the font, user units.
        clip_path, mask, mask_type, overflow, transform, transform_origin, transform_box, opacity, display: of this very
            element; '' when not said.
        variables: custom properties, inherited.
        context: what 'context-fill' and 'context-stroke' stand for, within a marker.
    """

    shown: bool = True
    stroke: str = 'none'
    fill: str = '#000000'
    color: str = '#000000'
    stroke_width: str = '1'
    stroke_opacity: str = '1'
    fill_opacity: str = '1'
    stroke_dasharray: str = 'none'
    stroke_dashoffset: str = '0'
    stroke_linecap: str = 'butt'
    visibility: str = 'visible'
    clip_rule: str = 'nonzero'
    fill_rule: str = 'nonzero'
    marker_start: str = 'none'
    marker_mid: str = 'none'
    marker_end: str = 'none'
    text_anchor: str = 'start'
    font_family: str = ''
    font_weight: str = 'normal'
    font_style: str = 'normal'
    dominant_baseline: str = 'auto'
    letter_spacing: str = '0'
    font_px: float = DEFAULT_FONT_PX
    clip_path: str = ''
    mask: str = ''
    mask_type: str = ''
    overflow: str = ''
    transform: str = ''
    transform_origin: str = ''
    transform_box: str = ''
    opacity: str = ''
    display: str = ''
    variables: Mapping[str, str] = field(default_factory=dict)
    context: tuple[str, str] = ('none', 'none')

    @cached_property
    def visible(self) -> bool:
        """Whether it is seen, unless one within it says otherwise."""
        return self.visibility == 'visible'

    @cached_property
    def line_colour(self) -> str:
        """The colour of its line, '#rrggbb'; '' when there is none to be seen."""
        return '' if is_zero(self.stroke_opacity) else self._colour(self.stroke)

    @cached_property
    def inside_colour(self) -> str:
        """The colour of its inside, '#rrggbb'; '' when there is none to be seen."""
        return '' if is_zero(self.fill_opacity) else self._colour(self.fill)

    def _colour(self, paint: str) -> str:
        lower = paint.lower()
        if lower in ('context-fill', 'context-stroke'):
            return parse_colour(self.context[lower == 'context-stroke'])
        match = _PAINT.fullmatch(paint.strip())
        if match and match[1]:  # a gradient or a pattern, which `resolved` has found to be there
            return '#000000'
        return parse_colour(self.color if lower == 'currentcolor' else paint)

    @cached_property
    def outlined(self) -> bool:
        """Whether the outline of its inside is drawn: it has no line, and is not white."""
        return not self.line_colour and self.inside_colour not in ('', PAPER)

    @cached_property
    def ink(self) -> str:
        """The colour of its line, else of its inside, else black: '#rrggbb'."""
        return self.line_colour or self.inside_colour or '#000000'

    def resolved(self, servers: Collection[str]) -> Style:
        """The same, with paints that refer to no gradient or pattern replaced by what they say instead, or none.

        Args:
            servers: the ids of gradients and patterns.
        """
        changed: dict[str, Any] = {}
        for name in ('stroke', 'fill'):
            match = _PAINT.fullmatch(getattr(self, name).strip())
            if match and match[1] and match[2] not in servers:
                changed[name] = match[3] or 'none'
        return replace(self, **changed) if changed else self

    def within(self, given: Properties) -> Style:
        """The style of an element inside one with this style, of which something is said."""
        if _CONCERN.isdisjoint(given) and not any(name.startswith('--') for name in given):
            return self.passed_down
        variables = {**self.variables, **{name: text for name, text in given.items() if name.startswith('--')}}
        said = {name: _substituted(text, variables) for name, text in given.items() if name in _CONCERN}
        changed: dict[str, Any] = {**_NOTHING_OWN, 'variables': variables}
        if 'marker' in said:
            said = {f'marker-{place}': said['marker'] for place in ('start', 'mid', 'end')} | said
        for name, text in said.items():
            words = text.strip()
            if name in _FIELD and words and words not in ('inherit', 'unset'):
                changed[_FIELD[name]] = _DEFAULTS[_FIELD[name]] if words == 'initial' else words
        changed['font_px'] = self._font_px(said)
        opaque = changed['opacity']
        changed['shown'] = self.shown and changed['display'] != 'none' and not is_zero(opaque)
        for name in ('stroke', 'fill'):  # a colour that nobody knows counts as not said
            if name in changed and not is_paint(changed[name]):
                del changed[name]
        return replace(self, **changed)

    @cached_property
    def passed_down(self) -> Style:
        """What of it holds for an element within its own."""
        plain = all(getattr(self, name) == '' for name in _NOTHING_OWN)
        return self if plain else replace(self, **_NOTHING_OWN)

    def _font_px(self, said: Properties) -> float:
        text = said.get('font-size', '').strip().lower()
        if not text and 'font' in said:
            words = [word.split('/')[0].lower() for word in said['font'].split()]
            text = next((word for word in words if word[:1].isdigit() and word[-1:] in _UNIT_ENDS), '')
        if text in _FONT_SIZES:
            return _FONT_SIZES[text]
        if text in ('larger', 'smaller'):
            return self.font_px * (1.2 if text == 'larger' else 1.0 / 1.2)
        try:
            size = length_px(text, self.font_px, self.font_px)
        except ValueError:
            return self.font_px
        return size if size >= 0.0 else self.font_px


_NOTHING_OWN: dict[str, Any] = {name.replace('-', '_'): '' for name in _OWN}
_DEFAULTS = {name: getattr(Style(), name) for name in _FIELD.values()}


def is_zero(text: str) -> bool:
    """Whether a number or percentage is zero or less; False for what is none."""
    try:
        return float(text.strip().rstrip('%')) <= 0.0
    except ValueError:
        return False


# ----------------------------------------------------------------- colours
@lru_cache(maxsize=4096)
def _parsed_colour(text: str) -> tuple[str, float] | None:
    """A colour as '#rrggbb' and how opaque it is; None for what is no plain colour."""
    colour = color4.parse_color(text.strip()) if len(text) < 200 else None
    if colour is None or isinstance(colour, str):
        return None
    try:
        if colour.space in ('hsl', 'hwb'):
            hue, *shares = (value or 0.0 for value in colour.coordinates)
            colour = color4.Color(colour.space, (hue, *(min(max(share, 0.0), 100.0) for share in shares)), colour.alpha)
        red, green, blue = (min(max(value or 0.0, 0.0), 1.0) for value in colour.to('srgb').coordinates)
    except NotImplementedError:  # wide colours, of which the screen's are not known
        red = green = blue = 0.0
    return ''.join(('#', *(f'{round(255.0 * value):02x}' for value in (red, green, blue)))), colour.alpha


def parse_colour(text: str) -> str:
    """Read a colour as '#rrggbb'; '' for none, for one that is wholly transparent, and for what is no plain colour."""
    colour = _parsed_colour(text)
    return '' if colour is None or colour[1] <= 0.0 else colour[0]


def is_paint(text: str) -> bool:
    """Whether a text is something that CSS can paint with."""
    lower = text.strip().lower()
    if lower in ('none', 'currentcolor', 'context-fill', 'context-stroke') or lower.startswith('url('):
        return True
    return _parsed_colour(text) is not None


def colour_name(colour: str) -> str:
    """Give what people call '#rrggbb'; itself when it has no name."""
    return _NAMES.get(colour, colour)


def darkness(colour: str) -> float:
    """Weigh '#rrggbb' in [0, 1]; 1 is black (Rec. 601 luma)."""
    red, green, blue = (int(colour[k : k + 2], 16) / 255.0 for k in (1, 3, 5))
    return 1.0 - (0.299 * red + 0.587 * green + 0.114 * blue)


# ----------------------------------------------------------------- style sheets
class _Element(cssselect2.ElementWrapper):
    """Counts the steps that selectors make it take."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.steps: Counter[str] = Counter() if self.parent is None else self.parent.steps

    def take(self, count: int) -> None:
        """Count some steps.

        Raises:
            ValueError: there were too many.
        """
        self.steps['taken'] += count
        if self.steps['taken'] > MOST_STEPS:
            raise ValueError('its style sheet takes too long to apply')

    @property
    def ancestors(self) -> Iterator[_Element]:
        above = self.parent
        while above is not None:
            self.take(1)
            yield above
            above = above.parent

    @property
    def previous_siblings(self) -> Iterator[_Element]:
        before = self.previous
        while before is not None:
            self.take(1)
            yield before
            before = before.previous


class StyleSheets:
    """What the style sheets and attributes of a document say of each of its elements.

    Args:
        root: of the document.
        texts: its style sheets.

    Attributes:
        passed_over: what of them is not followed, and how often.

    Raises:
        ValueError: they are too large, or take too long to apply.
    """

    def __init__(self, root: Element, texts: Iterable[str]) -> None:
        self.passed_over: Counter[str] = Counter()
        self._matcher = cssselect2.Matcher()
        self._of: dict[Element, tuple[dict[str, str], dict[str, str]]] = {}
        sheet = _DATA.sub('none', '\n'.join(texts))
        if len(sheet) > MOST_CSS:
            raise ValueError(f'its style sheets have more than {MOST_CSS} characters')
        self._count = 0
        try:
            self._add(tinycss2.parse_stylesheet(sheet, skip_comments=True, skip_whitespace=True))
        except RecursionError:
            self.passed_over['brackets within one another without an end'] += 1
        if self._count:
            self._match(root)

    def given(self, element: Element) -> Properties:
        """What is said of an element, by its attributes, the style sheets and its style attribute."""
        attributes = element.attrib
        ruled = self._of.get(element)
        style = attributes.get('style')
        if ruled is None and style is None:
            return attributes
        plain, important = _properties(style) if style else ({}, {})
        of_sheet, over_style = ruled or ({}, {})
        return {**attributes, **of_sheet, **plain, **over_style, **important}

    def _add(self, rules: Iterable[Any]) -> None:
        for rule in rules:
            if rule.type == 'at-rule':
                media = tinycss2.serialize(rule.prelude).strip().lower()
                if rule.lower_at_keyword == 'media' and rule.content and media in ('', 'all', 'screen'):
                    self._add(tinycss2.parse_rule_list(rule.content, skip_comments=True, skip_whitespace=True))
                elif rule.lower_at_keyword not in ('charset', 'font-face', 'media', 'namespace'):
                    self.passed_over[f'@{rule.lower_at_keyword}'] += 1
            elif rule.type == 'qualified-rule':
                self._add_rule(rule)

    def _add_rule(self, rule: Any) -> None:
        self._count += 1
        if self._count > MOST_RULES:
            raise ValueError(f'its style sheets have more than {MOST_RULES} rules')
        prelude = tinycss2.serialize(rule.prelude)
        content = tinycss2.serialize(rule.content)
        if not all(name.lower() in _STATIC for name in _PSEUDO.findall(prelude)):
            return  # :hover and the like never hold on paper
        try:
            for selector in cssselect2.compile_selector_list(prelude):
                self._matcher.add_selector(selector, _properties(content))
        except (cssselect2.SelectorError, RecursionError, SyntaxError, MemoryError, NotImplementedError):
            self.passed_over[f'the selector {" ".join(prelude.split())[:40]!r}'] += 1

    def _match(self, root: Element) -> None:
        matcher = self._matcher
        every = len(matcher.other_selectors)
        for wrapped in _Element.from_xml_root(root).iter_subtree():
            wrapped.take(every + len(matcher.lower_local_name_selectors.get(wrapped.local_name.lower(), ())))
            wrapped.take(sum(len(matcher.class_selectors.get(name, ())) for name in wrapped.classes))
            found = matcher.match(wrapped)
            if found:
                plain: dict[str, str] = {}
                important: dict[str, str] = {}
                for *_, (said, stressed) in found:
                    plain |= said
                    important |= stressed
                self._of[wrapped.etree_element] = plain, important


@lru_cache(maxsize=4096)
def _properties(text: str) -> tuple[dict[str, str], dict[str, str]]:
    """What 'a: b; c: d ! important' says plainly, and as important."""
    found: tuple[dict[str, str], dict[str, str]] = ({}, {})
    if not _TRICKY.search(text):
        for pair in text.split(';'):
            name, colon, value = pair.partition(':')
            if colon:
                _add(found[0], name, value)
        return found
    try:
        parts = tinycss2.parse_blocks_contents(_DATA.sub('none', text), skip_comments=True, skip_whitespace=True)
    except RecursionError:  # brackets within one another without an end
        parts = []
    for part in parts:
        if part.type == 'declaration':
            value = tinycss2.serialize([token for token in part.value if token.type != 'comment'])
            _add(found[part.important], part.name, value)
    return found


def _add(found: dict[str, str], name: str, value: str) -> None:
    """Note what a property is, unless it is a colour that nobody knows, which CSS takes for not said."""
    name, value = name.strip(), value.strip()
    name = name if name.startswith('--') else name.lower()
    if name not in ('stroke', 'fill') or is_paint(value) or 'var(' in value or value in _KEYWORDS:
        found[name] = value


def _substituted(text: str, variables: Mapping[str, str]) -> str:
    """A value with its variables; '' when one is neither known nor has a fallback."""
    for _ in range(10):
        if 'var(' not in text:
            return text
        missing = False

        def value(match: re.Match[str]) -> str:
            nonlocal missing
            found = variables.get(match[1], match[2])
            missing |= found is None
            return (found or '').strip()

        text = _VARIABLE.sub(value, text)
        if missing or len(text) > MOST_SUBSTITUTED:
            return ''
    return ''
