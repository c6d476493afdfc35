"""Key frames: how well a hand learned from one frame draws those that it was not shown, how steadily and how fast.

KEYFRAMES names a folder with `input/` and `gt/`: frames of a video, and the same frames in another manner, in order.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from bench.registry import Figure, bench, median_s
from sketch_robot.keyframes.apply import ApplyOptions, drawn_frames
from sketch_robot.keyframes.frames import Frames, open_frames
from sketch_robot.keyframes.keys import KeyFrame, read_keys
from sketch_robot.keyframes.learning import KeyGuides, calmed, guides_for, hand_of
from sketch_robot.keyframes.motion import flow_between, pulled
from sketch_robot.keyframes.patches import Patches
from sketch_robot.keyframes.trainer import HandOptions, HandTrainer, picture_features
from sketch_robot.line_art.hand.hand_file import HandWeights
from sketch_robot.line_art.hand.runtime import HandRunner

VARIABLE = 'KEYFRAMES'
CORES = 2
MARKS_S = (40.0, 120.0, 240.0, 300.0)
GUIDED_S = 120.0
SIDE_PX, ACTIVE = 640, 0.1


@bench('keyframes', 'hands learned from a key frame; KEYFRAMES names frames and the truth', slow=True)
def keyframes(quick: bool) -> Iterator[Figure]:
    """Patches, whole frames, copying, guides; then the runtime."""
    folder = Path(os.environ.get(VARIABLE, ''))
    if not os.environ.get(VARIABLE) or not (folder / 'gt').is_dir():
        raise FileNotFoundError(f'{VARIABLE} must name a folder with input/ and gt/')
    clip = _Clip(folder)
    psnr, ssim = clip.scores([clip.keys[0].drawn] * len(clip.frames))
    yield Figure('the key frame copied, PSNR', psnr, 'dB')
    yield Figure('the key frame copied, SSIM', ssim, '')
    share = 0.05 if quick else 1.0
    at_40: dict[str, float] = {}
    made: dict[str, HandWeights] = {}
    for name, marks, options in (
        ('patches', MARKS_S, {}),
        ('whole frames', MARKS_S[:1], {'patch_px': 0}),
        ('patches and guides', (GUIDED_S,), {'guided': True}),
    ):
        for mark_s, steps, hand in clip.learned(tuple(mark * share for mark in marks), **options):
            psnr, ssim = clip.scores(clip.drawn(hand))
            label = f'{name}, {mark_s:.0f} s'
            promised = name == 'patches' and mark_s == 240.0
            note = f'{steps} steps; seconds of {CORES} cores, as processor time'
            yield Figure(f'{label}, PSNR', psnr, 'dB', at_least=29.4 if promised else None, note=note)
            yield Figure(f'{label}, SSIM', ssim, '', at_least=0.937 if promised else None)
            at_40.setdefault(name, psnr)
            made[f'{name} {mark_s:.0f}'] = hand
    lead = at_40['patches'] - at_40['whole frames']
    yield Figure(f'patches ahead of whole frames at {MARKS_S[0] * share:.0f} s', lead, 'dB', at_least=5.0)
    yield Figure('flicker of the truth', clip.flicker(clip.truth), 'grey values')
    for name in ('patches', 'patches and guides'):
        hand = made[f'{name} {GUIDED_S * share:.0f}']
        yield Figure(f'flicker, {name}, {GUIDED_S * share:.0f} s', clip.flicker(clip.drawn(hand)), 'grey values')
    plain = made[f'patches {GUIDED_S * share:.0f}']
    rough = clip.flicker(clip.drawn(plain, calm=False))
    yield Figure('flicker, patches, without the temporal filter', rough, 'grey values')
    yield from _runtime(made[f'patches {MARKS_S[-1] * share:.0f}'], clip, quick)


def _runtime(hand: HandWeights, clip: _Clip, quick: bool) -> Iterator[Figure]:
    (alone,) = drawn_frames(hand, clip.folder / 'input', [7], ApplyOptions())
    apart = int(np.abs(alone.astype(int) - clip.drawn(hand)[7]).max())
    yield Figure('one frame alone against the same in sequence, largest difference', apart, 'grey values', at_most=0.0)
    frame = clip.frames.frame(0)
    picture = np.ascontiguousarray(np.resize(frame, (SIDE_PX, SIDE_PX, 3)))
    where = np.zeros((SIDE_PX, SIDE_PX), bool)
    half = round(SIDE_PX * np.sqrt(ACTIVE) / 2)
    where[SIDE_PX // 2 - half : SIDE_PX // 2 + half, SIDE_PX // 2 - half : SIDE_PX // 2 + half] = True
    drawn = {}
    for precision in ('auto', 'float32'):
        runner = HandRunner(hand, precision=precision)
        drawn[precision] = runner.draw(frame).astype(float)
        for what, mask in (('a tenth active', where), ('all of it', None)):
            seconds = median_s(lambda r=runner, m=mask: r.draw(picture, where=m), 3 if quick else 30, warm_ups=2)
            counts = precision == 'auto' and mask is not None
            name = f'pictures of {SIDE_PX} x {SIDE_PX}, {what}, {precision}'
            yield Figure(name, 1 / seconds, '1/s', at_least=17.0 if counts else None)
    off = drawn['auto'] - drawn['float32']
    yield Figure('auto against float32, mean difference', float(np.abs(off).mean()), 'grey values')
    yield Figure('auto against float32, PSNR', float(10 * np.log10(255**2 / max((off**2).mean(), 1e-9))), 'dB')


class _Clip:
    """Frames, the truth, and the key frame in their middle."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.frames: Frames = open_frames(folder / 'input', moving=True)
        gt = open_frames(folder / 'gt')
        self.truth = [gt.frame(number) for number in range(len(gt))]
        self.key = len(self.truth) // 2
        path = sorted((folder / 'gt').iterdir())[self.key]
        self.keys: list[KeyFrame] = calmed(self.frames, read_keys(self.frames, [(self.key, path)]))
        self.guides: KeyGuides = guides_for(self.frames, self.keys)
        self.features: Any = picture_features()

    def learned(
        self, marks_s: Sequence[float], *, patch_px: int = 36, guided: bool = False
    ) -> Iterator[tuple[float, int, HandWeights]]:
        """What is learned up to each mark of one run."""
        patches = Patches(self.keys, self.guides.pictures if guided else (), patch_px=patch_px)
        options = HandOptions(minutes=max(marks_s) / 60, save_s=1e9)
        with tempfile.TemporaryDirectory() as folder:
            trainer = HandTrainer(
                Path(folder), patches, options, features=self.features, guided=guided,
                clock=lambda: time.process_time() / CORES,
            )  # fmt: skip
            for mark_s in marks_s:
                trainer.run(stop=lambda mark_s=mark_s: trainer.seconds >= mark_s)
                hand = hand_of(trainer, self.keys, self.frames, self.guides if guided else None, sitter_only=False)
                yield mark_s, trainer.step, replace(hand, face_px=0.0)

    def drawn(self, hand: HandWeights, *, calm: bool = True) -> list[np.ndarray]:
        """All frames."""
        numbers = range(len(self.frames))
        return list(drawn_frames(hand, self.folder / 'input', numbers, ApplyOptions(calm=calm)))

    def scores(self, drawn: Sequence[np.ndarray]) -> tuple[float, float]:
        """Mean PSNR and SSIM of frames other than the key frame."""
        others = [number for number in range(len(self.truth)) if number != self.key]
        psnr = [peak_signal_noise_ratio(self.truth[n], drawn[n]) for n in others]
        ssim = [structural_similarity(self.truth[n], drawn[n], channel_axis=2) for n in others]
        return float(np.mean(psnr)), float(np.mean(ssim))

    def flicker(self, drawn: Sequence[np.ndarray]) -> float:
        """Mean difference of successive frames, the later one brought to the earlier by the motion of the video."""
        found = []
        for number in range(len(drawn) - 1):
            flow = flow_between(self.frames.frame(number), self.frames.frame(number + 1))
            brought = pulled(drawn[number + 1], flow).astype(float)
            found.append(np.abs(brought - drawn[number]).mean())
        return float(np.mean(found))
