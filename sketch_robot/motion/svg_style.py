"""How SVG elements look, as far as a pen cares: whether they are seen, their colour, their line's width, their clips.

Presentation attributes, style sheets and style attributes, in that order of precedence; what is inherited passes down.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from PIL import ImageColor

from sketch_robot.motion.svg_sheet import Kin, Sheet, parse_properties
from sketch_robot.motion.svg_units import length_px

_NAMES = {code.lower(): name for name, code in ImageColor.colormap.items() if isinstance(code, str)}
_NAMES |= {'#808080': 'grey', '#00ffff': 'cyan', '#ff00ff': 'magenta'}
_CONCERN = (
    'stroke', 'fill', 'color', 'stroke-width', 'display', 'visibility', 'opacity', 'stroke-opacity', 'fill-opacity',
    'clip-path', 'mask', 'clip-rule', 'fill-rule', 'overflow', 'stroke-dasharray', 'stroke-dashoffset', 'mask-type',
)  # fmt: skip
_CLEAR = ('none', 'transparent')
PAPER = '#ffffff'
_OWN: dict[str, Any] = {'clip_path': '', 'mask': '', 'overflow': False}  # is not inherited


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
        dashes_px, dash_offset_px: of its line, user units; () is a line without gaps.
        clip_rule, fill_rule: 'nonzero' or 'evenodd'.
        clip_path, mask, mask_type: as they are written, for this very element; '' none.
        overflow: whether what leaves its viewport is seen.
    """

    shown: bool = True
    visible: bool = True
    stroke: str = 'none'
    fill: str = '#000000'
    color: str = '#000000'
    width_px: float = 1.0
    stroke_clear: bool = False
    fill_clear: bool = False
    dashes_px: tuple[float, ...] = ()
    dash_offset_px: float = 0.0
    clip_rule: str = 'nonzero'
    fill_rule: str = 'nonzero'
    clip_path: str = ''
    mask: str = ''
    mask_type: str = ''
    overflow: bool = False

    @property
    def painted(self) -> bool:
        """Whether there is anything to see on white paper: a line in any colour, or an inside that is not white."""
        inside = self.fill.lower() not in _CLEAR and not self.fill_clear
        return self.lined or (inside and parse_colour(self.fill) != PAPER)

    @property
    def lined(self) -> bool:
        """Whether its line is painted, rather than its inside alone."""
        return self.stroke.lower() not in _CLEAR and not self.stroke_clear

    @property
    def lets_through(self) -> bool:
        """Whether a mask shows all that lies under such a shape."""
        solid = self.fill.lower() not in _CLEAR and not self.fill_clear and not self.lined
        return (
            solid and parse_colour(self.fill) != '' and (self.mask_type == 'alpha' or parse_colour(self.fill) == PAPER)
        )

    @property
    def ink(self) -> str:
        """The colour of its line, '#rrggbb'; that of its inside when only this is painted, and black for others."""
        for paint in (self.stroke, self.fill):
            colour = parse_colour(self.color if paint.lower() == 'currentcolor' else paint)
            if colour:
                return colour
        return '#000000'

    def within(self, tag: str, attributes: Mapping[str, str], sheet: Sheet, above: Sequence[Kin] = ()) -> Style:
        """The style of an element inside one with this style; `above`: the elements that it is in, outermost first."""
        ruled = sheet.properties(tag, attributes, above)
        given = dict(attributes) | ruled | parse_properties(attributes.get('style', ''))
        if given.keys().isdisjoint(_CONCERN):
            return replace(self, **_OWN) if self.clip_path or self.mask or self.overflow else self
        own = {
            name.replace('-', '_'): given[name].strip()
            for name in ('stroke', 'fill', 'color', 'clip-rule', 'fill-rule', 'mask-type')
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
            dashes_px=_dashes(given['stroke-dasharray']) if 'stroke-dasharray' in given else self.dashes_px,
            dash_offset_px=sum(_dashes(given['stroke-dashoffset']))
            if 'stroke-dashoffset' in given
            else self.dash_offset_px,
            clip_path=_reference(given.get('clip-path', '')),
            mask=_reference(given.get('mask', '')),
            overflow=given.get('overflow', '').strip() in ('visible', 'auto'),
            **own,
        )


def _reference(text: str) -> str:
    return '' if text.strip() in ('none', 'inherit') else text.strip()


def _dashes(text: str) -> tuple[float, ...]:
    """() for none, and for what is no list of lengths."""
    try:
        return tuple(length_px(part, 0.0) for part in text.replace(',', ' ').split())
    except ValueError:
        return ()


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
