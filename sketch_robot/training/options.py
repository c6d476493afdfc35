"""The options of the commands `train` and `distill`."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path


def positive(text: str) -> int:
    """A whole number of at least 1.

    Raises:
        argparse.ArgumentTypeError: it is less; ValueError: it is none.
    """
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f'{text} is not a positive number')
    return value


def count(text: str) -> int:
    """A whole number of at least 0.

    Raises:
        argparse.ArgumentTypeError: it is less; ValueError: it is none.
    """
    value = int(text)
    if value < 0:
        raise argparse.ArgumentTypeError(f'{text} is negative')
    return value


_NUMBERS: tuple[tuple[str, Callable[[str], float], float, str], ...] = (
    ('--steps', positive, 280_000, 'of the optimiser, in all'),
    ('--pictures', positive, 8, 'in a batch, over all processes'),
    ('--size', int, 512, 'side of the pictures, px'),
    ('--finish', count, 0, 'channels of a layer that corrects at half the resolution; 0: none'),
    ('--rate', float, 1e-3, "Adam's learning rate"),
    ('--warm-up', int, 0, 'steps over which the rate rises'),
    ('--average', float, 0.999, 'decay of the running average of weights'),
    ('--bce', float, 10.0, 'factor of the cross-entropy'),
    ('--style', float, 1.0, 'factor of the style loss'),
    ('--ink', float, 2.0, 'weight of ink against paper'),
    ('--focus', float, 2.0, 'how much more the eyes count'),
    ('--side', float, 1.0, 'weight of each side map'),
    ('--background', float, 0.5, 'probability of another background'),
    ('--seed', int, 0, 'of weights and batches'),
    ('--save-every', positive, 200, 'steps from one checkpoint to the next'),
)


def add_training_options(parser: argparse.ArgumentParser) -> None:
    """Add what `train` and `distill` have in common."""
    parser.add_argument('portraits', type=Path, help='labelled folder')
    parser.add_argument('folder', type=Path, help='of the run; an old one is gone on with')
    for name, kind, default, text in _NUMBERS:
        metavar = 'X' if kind is float else 'N'
        parser.add_argument(name, type=kind, default=default, metavar=metavar, help=f'{text} (default: {default})')
    parser.add_argument('--betas', type=float, nargs=2, default=(0.5, 0.99), help="Adam's (default: 0.5 0.99)")
    parser.add_argument('--cosine', action='store_true', help='let the rate fall along a cosine')
    parser.add_argument(
        '--fold', type=int, choices=(1, 2, 4), default=1, help='2, 4: work at a half, a quarter (default: 1)'
    )
    parser.add_argument('--vgg19', type=Path, metavar='FILE', help='VGG19 weights (safetensors) for the style loss')
    parser.add_argument('--start', type=Path, metavar='FILE', help='weights to start from')
    parser.add_argument('--device', default='auto', help='auto, cpu or cuda (default: auto)')
    parser.add_argument('--float32', action='store_true', help='no bfloat16')
    parser.add_argument(
        '--no-watch', dest='watch', action='store_false', help='neither a progress bar nor files for TensorBoard'
    )
