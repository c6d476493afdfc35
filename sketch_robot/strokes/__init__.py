"""From line art to centre lines worth drawing."""

from typing import TYPE_CHECKING

from sketch_robot.lazy import lazily

if TYPE_CHECKING:
    from sketch_robot.line_art.ink import render_ink
    from sketch_robot.stroke import LABELS, Stroke
    from sketch_robot.strokes.importance import rank_strokes
    from sketch_robot.strokes.ordering.order import Order, order_strokes
    from sketch_robot.strokes.source import drop_specks, strokes_from
    from sketch_robot.strokes.tracing.trace import trace_ink

__all__ = [
    'LABELS',
    'Order',
    'Stroke',
    'drop_specks',
    'order_strokes',
    'rank_strokes',
    'render_ink',
    'strokes_from',
    'trace_ink',
]

__getattr__ = lazily(
    __name__,
    importance='LABELS Stroke rank_strokes',
    source='drop_specks render_ink strokes_from',
    **{'ordering.order': 'Order order_strokes', 'tracing.trace': 'trace_ink'},
)
