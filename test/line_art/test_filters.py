"""Flow, line responses and chains of pixels."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.extra.numpy import arrays

from sketch_robot.line_art.filters import edge_tangent_flow, line_response, wide_blur
from sketch_robot.line_art.guided.free_lines import link_lines, trace_lines, trace_skeleton

EVERYWHERE = np.ones((96, 96), bool)


def line_at(degrees: float, *, light: float = 0.8, dark: float = 0.2) -> np.ndarray:
    """A 96 x 96 picture with a dark line 3 px wide through its middle."""
    image = np.full((96, 96), light, np.float32)
    direction = 60 * np.array([np.cos(np.radians(degrees)), np.sin(np.radians(degrees))])
    ends = np.rint(16 * (np.array([48 - direction, 48 + direction]) - 0.5)).astype(int)
    cv2.line(image, tuple(map(int, ends[0])), tuple(map(int, ends[1])), (dark,), 3, cv2.LINE_8, 4)
    return cv2.GaussianBlur(image, (0, 0), 0.8)


def respond(image: np.ndarray, where: np.ndarray = EVERYWHERE) -> np.ndarray:
    return line_response(image, edge_tangent_flow(image, 3.0), 1.4, 5.0, where)


@pytest.mark.parametrize('degrees', [0.0, 30.0, 45.0, 90.0, 135.0])
def test_flow_runs_along_a_line(degrees: float) -> None:
    tangent = edge_tangent_flow(line_at(degrees), 3.0)[48, 48]
    along = np.array([np.cos(np.radians(degrees)), np.sin(np.radians(degrees))])
    assert abs(float(tangent @ along)) > 0.99


@pytest.mark.parametrize('degrees', [0.0, 30.0, 45.0, 90.0, 135.0])
def test_a_dark_line_answers_and_a_bright_one_does_not(degrees: float) -> None:
    dark = respond(line_at(degrees))
    bright = respond(line_at(degrees, light=0.2, dark=0.8))
    # 0.6 of contrast, of which the inner Gaussian keeps 0.63 and the surround 0.45 of a 3 px line, less the blur
    assert 0.07 < dark[48, 48] < 0.12
    assert dark[48, 48] == pytest.approx(dark.max(), rel=0.25)
    assert bright[48, 48] < 0


def test_a_flat_picture_answers_almost_nothing() -> None:
    image = np.full((96, 96), 0.6, np.float32)
    assert np.abs(respond(image)).max() < 0.01


def test_a_line_answers_more_than_noise_of_its_contrast() -> None:
    noise = np.random.default_rng(2).normal(0.8, 0.2, (96, 96)).astype(np.float32)
    assert respond(line_at(30.0))[48, 48] > 3 * np.abs(respond(noise)).std()


def test_nothing_is_answered_outside_the_mask() -> None:
    where = EVERYWHERE.copy()
    where[:, :48] = False
    masked = respond(line_at(30.0), where)
    assert (masked[:, :48] == 0).all()
    assert np.array_equal(masked[:, 48:], respond(line_at(30.0))[:, 48:])


@pytest.mark.parametrize('flip', [np.s_[:, ::-1], np.s_[::-1]])
def test_responses_mirror_with_the_picture(flip: tuple[slice, ...]) -> None:
    image = cv2.GaussianBlur(np.random.default_rng(7).random((96, 96)).astype(np.float32), (0, 0), 1.5)
    here, there = respond(image), respond(np.ascontiguousarray(image[flip]))
    inner = np.s_[16:-16, 16:-16]
    assert np.abs(here[flip][inner] - there[inner]).max() < 0.02 * np.abs(here).max()


def test_a_response_becomes_one_centre_line() -> None:
    lines = trace_lines(respond(line_at(0.0)), 0.03, 0.06)
    longest = max(lines, key=len)
    assert len(longest) > 80
    assert longest[5:-5, 1] == pytest.approx(np.full(len(longest) - 10, 48.0), abs=1.0)


@settings(max_examples=40, deadline=None)
@given(arrays(bool, (12, 14)))
def test_chains_visit_each_pixel_once_and_step_to_neighbours(skeleton: np.ndarray) -> None:
    chains = trace_skeleton(skeleton)
    visited = [tuple(point) for chain in chains for point in chain]
    assert len(visited) == len(set(visited))
    for x, y in visited:
        assert skeleton[int(y), int(x)]
        assert (x % 1, y % 1) == (0.5, 0.5)
    for chain in chains:
        assert np.abs(np.diff(chain, axis=0)).max() == 1


def test_tracing_goes_straight_on_at_a_crossing() -> None:
    cross = np.zeros((41, 41), bool)
    cross[20] = cross[:, 20] = True
    longest = max(trace_skeleton(cross), key=len)
    assert len(longest) == 41
    assert min(np.ptp(longest[:, 0]), np.ptp(longest[:, 1])) == 0


def test_an_empty_skeleton_has_no_chain() -> None:
    assert trace_skeleton(np.zeros((10, 10), bool)) == []


def segment(x0: float, y0: float, x1: float, y1: float) -> np.ndarray:
    return np.linspace((x0, y0), (x1, y1), 12)


def test_ends_that_face_each_other_are_linked_whichever_way_they_run() -> None:
    parts = [segment(0, 0, 20, 0), segment(45, 0, 26, 0), segment(50, 1, 70, 2)]
    joined = link_lines(parts, 10.0, 0.7)
    assert len(joined) == 1
    assert abs(joined[0][-1, 0] - joined[0][0, 0]) == 70
    assert (np.abs(np.diff(np.sign(np.diff(joined[0][:, 0])))) == 0).all()


@pytest.mark.parametrize('other', [(32, 0, 50, 0), (25, 0, 25, 20), (20, 8, 0, 8)])
def test_far_or_turning_ends_are_not_linked(other: tuple[float, ...]) -> None:
    assert len(link_lines([segment(0, 0, 20, 0), segment(*other)], 10.0, 0.7)) == 2


def test_a_ring_of_arcs_is_linked_without_losing_one() -> None:
    turn = [np.linspace(a, a + 1.9, 30) for a in (0.0, 2.1, 4.2)]
    arcs = [20 * np.stack([np.cos(t), np.sin(t)], axis=1) for t in turn]
    joined = link_lines(arcs, 8.0, 0.7)
    assert len(joined) == 1
    assert len(joined[0]) == 90


@pytest.mark.parametrize('count', [0, 1])
def test_nothing_to_link_comes_back(count: int) -> None:
    assert len(link_lines([segment(0, 0, 20, 0)] * count, 10.0, 0.7)) == count


@pytest.mark.parametrize('sigma', [2.0, 9.0, 22.0])
def test_a_wide_blur_is_a_gaussian(sigma: float) -> None:
    image = np.random.default_rng(1).random((128, 160)).astype(np.float32)
    exact = cv2.GaussianBlur(image, (0, 0), sigma)
    inner = np.s_[40:-40, 40:-40]
    assert np.abs(wide_blur(image, sigma) - exact)[inner].max() < 0.15 * np.ptp(exact[inner])
