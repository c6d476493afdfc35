"""A small folder of labelled crops: discs for faces."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest


@pytest.fixture(autouse=True)
def _one_thread():
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope='session')
def portraits(tmp_path_factory) -> Path:
    """Six 512 px crops with mattes and drawings; the last drawing has no mesh."""
    from sketch_robot.training.mattes import encode_matte

    folder = tmp_path_factory.mktemp('portraits')
    (folder / 'crops').mkdir()
    lines, mattes = [], {}
    angle = np.linspace(0, 2 * np.pi, 60)
    for number in range(6):
        centre, radius = np.array([250.0 + 5 * number, 256.0]), 120.0 + 8 * number
        rim = centre + radius * np.column_stack((np.cos(angle), np.sin(angle)))
        mouth = centre + np.array([[-60, 50], [0, 62], [60, 50]])
        picture = np.full((512, 512, 3), 40 + 20 * number, np.uint8)
        cv2.fillPoly(picture, [rim.astype(np.int32)], (150, 180, 220), cv2.LINE_AA)
        cv2.polylines(picture, [mouth.astype(np.int32)], False, (60, 60, 160), 6, cv2.LINE_AA)
        cv2.imwrite(str(folder / 'crops' / f'face_{number}.jpg'), picture)
        matte = np.zeros((512, 512), np.float32)
        cv2.fillPoly(matte, [rim.astype(np.int32)], (1.0,))
        mattes[f'face_{number}'] = encode_matte(matte)
        strokes = [['mouth', 0.9, mouth.ravel().tolist()], ['hair', 0.4, rim.ravel().tolist()]]
        extra = [['clothes', 0.2, [20.0, 500.0, 490.0, 480.0]]] * 3
        record = {'name': f'face_{number}', 'mesh': number < 5, 'turn_degrees': 3, 'strokes': strokes + extra}
        lines.append(json.dumps(record))
    (folder / 'strokes.jsonl').write_text('\n'.join(lines) + '\n')
    with (folder / 'mattes.npz').open('wb') as file:
        np.savez(file, **mattes)
    return folder
