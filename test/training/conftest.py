"""A small folder of labelled portraits: discs for faces."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from sketch_robot.training.portraits import Example, Portrait, PortraitWriter

TO_CROP = np.array([[0.5, 0.0, 128.0], [0.0, 0.5, 128.0]])


@pytest.fixture(autouse=True)
def _one_thread():
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope='session')
def portraits(tmp_path_factory) -> Path:
    """Six portraits at two scales, the last held out by the folder's own list."""
    folder = tmp_path_factory.mktemp('portraits')
    writer = PortraitWriter(folder)
    for number in range(6):
        head = _disc(number, 120.0 + 8 * number)
        crop = cv2.warpAffine(head.rgb, TO_CROP, (512, 512), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
        ink = cv2.warpAffine(head.ink, TO_CROP, (512, 512), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
        face = Example(crop, ink, np.zeros((512, 512), np.uint8))
        writer.add(Portrait(f'face_{number}', 0.9, TO_CROP), {'head': head, 'face': face})
    (folder / 'held_out.txt').write_text('face_5\n')
    return folder


def _disc(number: int, radius: float) -> Example:
    angle = np.linspace(0, 2 * np.pi, 60)
    centre = np.array([250.0 + 5 * number, 256.0])
    rim = (centre + radius * np.column_stack((np.cos(angle), np.sin(angle)))).astype(np.int32)
    mouth = (centre + np.array([[-60, 50], [0, 62], [60, 50]])).astype(np.int32)
    rgb = np.full((512, 512, 3), 40 + 20 * number, np.uint8)
    cv2.fillPoly(rgb, [rim], (220, 180, 150), cv2.LINE_AA)
    cv2.polylines(rgb, [mouth], False, (160, 60, 60), 6, cv2.LINE_AA)
    matte, ink = np.zeros((2, 512, 512), np.uint8)
    cv2.fillPoly(matte, [rim], (255,))
    cv2.polylines(ink, [rim], True, (255,), 2, cv2.LINE_AA)
    cv2.polylines(ink, [mouth], False, (255,), 3, cv2.LINE_AA)
    return Example(rgb, ink, matte)


@pytest.fixture
def vgg19_file(tmp_path: Path) -> Path:
    """A file as torchvision's VGG19 would be kept, up to conv5_1, with weights that are all alike."""
    import torch
    from safetensors.torch import save_file

    convs = [0, 2, 5, 7, 10, 12, 14, 16, 19, 21, 23, 25, 28]
    widths = [64, 64, 128, 128, 256, 256, 256, 256, 512, 512, 512, 512, 512]
    state, inputs = {}, 3
    for number, width in zip(convs, widths, strict=True):
        state[f'features.{number}.weight'] = torch.full((width, inputs, 3, 3), 1e-3)
        state[f'features.{number}.bias'] = torch.zeros(width)
        inputs = width
    save_file(state, tmp_path / 'vgg19.safetensors')
    return tmp_path / 'vgg19.safetensors'
