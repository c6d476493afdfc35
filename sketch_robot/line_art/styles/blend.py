"""Blends of styles, as messages, options and parameters name them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.validation import NOT_NEGATIVE, fits

OWN = ('', 'default')  # the artist's own manner, by name
MOST_NAMED = 64


@dataclass(frozen=True)
class Blend:
    """Styles in proportions.

    Attributes:
        names: each once.
        weights: as many, each positive; their sum is 1.
    """

    names: tuple[str, ...]
    weights: tuple[float, ...]

    def __str__(self) -> str:
        if len(self.names) == 1:
            return self.names[0]
        return ','.join(f'{name}={weight:.3g}' for name, weight in zip(self.names, self.weights, strict=True))


def make_blend(names: Sequence[str], weights: Sequence[float], known: Sequence[str]) -> Blend | None:
    """The blend that somebody asks for.

    Args:
        names: of styles; one that is named twice gets the sum of its weights.
        weights: as many as names, or none for equal parts; only their proportions count.
        known: the names that there are.

    Returns:
        None: the artist's own manner, which is '' or 'default' or no name at all.

    Raises:
        SketchRobotError: BAD_GOAL, a name is unknown, or weights cannot be used; the message lists what there is.
    """
    for name in names:
        if name not in OWN and name not in known:
            raise _refused(f'there is no style {name!r}', known)
    if len(names) > MOST_NAMED:
        raise _refused(f'{len(names)} styles are too many; at most {MOST_NAMED}', known)
    if len(weights) not in (0, len(names)):
        raise _refused(f'{len(names)} styles but {len(weights)} style weights', known)
    if not all(fits(float(weight), NOT_NEGATIVE) for weight in weights):
        raise _refused(f'style weights must be finite and not negative: {[float(each) for each in weights]}', known)
    if len(weights) and not any(weight > 0 for weight in weights):
        raise _refused('style weights must not all be 0', known)
    wanted = [name for name in names if name not in OWN]
    if not wanted:
        return None
    if len(wanted) < len(names):
        raise _refused("the artist's own manner cannot be blended with a style", known)
    most = max(weights, default=1.0)
    parts: dict[str, float] = {}
    for name, weight in zip(names, weights if len(weights) else [1.0] * len(names), strict=True):
        parts[name] = parts.get(name, 0.0) + float(weight) / float(most)  # sums of huge weights would overflow
    total = sum(parts.values())
    shares = {name: part / total for name, part in parts.items() if part > 0}
    return Blend(tuple(shares), tuple(shares.values()))


def parse_blend(text: str) -> tuple[list[str], list[float]]:
    """Names and weights of a text such as `woodcut`, `woodcut,hatch_45` or `woodcut=0.7,hatch_45=0.3`.

    Returns:
        the names, and as many weights, or none when the text gives none.

    Raises:
        SketchRobotError: BAD_GOAL, a weight is no number, or only some have one.
    """
    names, weights = [], []
    for part in filter(None, (each.strip() for each in text.split(','))):
        name, sign, weight = (each.strip() for each in part.partition('='))
        names.append(name)
        if not sign:
            continue
        try:
            weights.append(float(weight))
        except ValueError as error:
            raise SketchRobotError(
                ErrorCode.BAD_GOAL, f'the weight of the style {name!r} is no number: {weight!r}'
            ) from error
    if weights and len(weights) < len(names):
        raise SketchRobotError(
            ErrorCode.BAD_GOAL, f'give all styles a weight or none, as woodcut=0.7,hatch_45=0.3, not {text!r}'
        )
    return names, weights


def _refused(why: str, known: Sequence[str]) -> SketchRobotError:
    listed = f'choose of: {", ".join(known)}' if known else 'there are none here'
    return SketchRobotError(ErrorCode.BAD_GOAL, f"{why}; leave styles empty, say 'default', or {listed}")
