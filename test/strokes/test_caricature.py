"""Caricature: what is a person's own is drawn larger, and nothing else happens to the drawing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from sketch_robot.stroke import Stroke
from sketch_robot.strokes.caricature import GAIN, aligned, caricatured, mean_face, warp_of

SIZE = (512, 512)


def mesh_px(*, turn: tuple[float, float, float] = (0.0, 0.0, 0.0), own: np.ndarray | None = None) -> np.ndarray:
    """A sitter's mesh: the mean face, or one that differs from it by `own` (478, 3), turned, in the crop's pixels."""
    face = mean_face() + (0.0 if own is None else own)
    return 100.0 * Rotation.from_euler('yxz', turn, degrees=True).apply(face) + (256.0, 270.0, 0.0)


def own_of(seed: int, size: float = 0.06) -> np.ndarray:
    """What is somebody's own: smooth over the face, as features are wider, longer, higher."""
    rng = np.random.default_rng(seed)
    return size * np.sin(mean_face() @ rng.normal(size=(3, 3)) + rng.uniform(0.0, 6.0, 3))


def test_the_mean_face_is_normal_and_symmetrical() -> None:
    mean = mean_face()
    assert mean.shape == (478, 3)
    assert np.abs(mean.mean(axis=0)).max() < 1e-6
    assert (mean**2).sum(axis=1).mean() == pytest.approx(1.0, abs=1e-5)
    mirrored = mean * (-1.0, 1.0, 1.0)
    nearest = np.hypot.reduce(mean[:, None] - mirrored[None], axis=2).min(axis=1)
    assert nearest.max() < 2e-3


@pytest.mark.parametrize('turn', [(0.0, 0.0, 0.0), (25.0, 0.0, 0.0), (-20.0, 15.0, 30.0)])
def test_the_mean_face_has_nothing_of_its_own_however_its_head_is_turned(turn: tuple[float, float, float]) -> None:
    warp = warp_of(mesh_px(turn=turn), SIZE, 0.5)
    assert np.abs(warp.shift).max() < 0.05


@given(seed=st.integers(0, 1000), caricature=st.floats(0.0, 0.5))
@settings(max_examples=15)
def test_what_is_own_grows_by_the_share_that_is_wished(seed: int, caricature: float) -> None:
    points = mesh_px(own=own_of(seed))
    own = (points - aligned(mean_face(), points))[:, :2]
    moved = warp_of(points, SIZE, caricature).move(points[:, :2]) - points[:, :2]
    share = (moved * own).sum() / (own * own).sum()
    assert share == pytest.approx(GAIN * caricature, abs=0.03 + 0.1 * caricature)


@given(seed=st.integers(0, 1000), size=st.floats(0.0, 0.6))
@settings(max_examples=15)
def test_no_face_folds_over_itself_and_the_picture_keeps_its_border(seed: int, size: float) -> None:
    warp = warp_of(mesh_px(own=own_of(seed, size)), SIZE, 0.5)
    at = np.linspace(0.0, 512.0, 65)
    x, y = np.meshgrid(at, at)
    moved = warp.move(np.column_stack([x.ravel(), y.ravel()])).reshape(65, 65, 2)
    by_x, by_y = np.diff(moved, axis=1)[:-1] / 8.0, np.diff(moved, axis=0)[:, :-1] / 8.0
    assert (by_x[..., 0] * by_y[..., 1] - by_x[..., 1] * by_y[..., 0]).min() > 0.0
    border = np.concatenate([moved[0], moved[-1], moved[:, 0], moved[:, -1]])
    still = np.stack([x, y], axis=2)
    assert border == pytest.approx(np.concatenate([still[0], still[-1], still[:, 0], still[:, -1]]), abs=0.01)


def test_lines_keep_all_but_their_place() -> None:
    line = Stroke(np.array([[200.0, 300.0], [250.0, 310.0]]), 1.5, 'mouth', 0.7, np.array([1.0, 2.0]))
    (drawn,) = caricatured([line], warp_of(mesh_px(own=own_of(3)), SIZE, 0.5))
    assert (drawn.half_width, drawn.label, drawn.importance) == (1.5, 'mouth', 0.7)
    assert drawn.half_widths is not None
    assert drawn.half_widths.tolist() == [1.0, 2.0]
    assert np.abs(drawn.xy - line.xy).max() > 0.2


def test_no_caricature_moves_nothing() -> None:
    assert np.abs(warp_of(mesh_px(own=own_of(1)), SIZE, 0.0).shift).max() == 0.0
