"""Values to messages and back: metres outside, millimetres inside, malformed messages refused."""

from __future__ import annotations

import array
import math
from dataclasses import replace

import numpy as np
import pytest
from builtin_interfaces.msg import Duration, Time
from hypothesis import given, settings
from hypothesis import strategies as st
from sketch_robot_interfaces.msg import DrawingPlan as DrawingPlanMsg
from sketch_robot_interfaces.msg import Stroke as StrokeMsg
from visualization_msgs.msg import Marker

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.motion import DrawingPlan, MachineLimits, Page, Pen
from sketch_robot.nodes.conversions import (
    markers_to_ros,
    path_to_ros,
    plan_from_ros,
    plan_to_ros,
)
from sketch_robot.nodes.messages import (
    duration_from_ros,
    duration_to_ros,
    seconds_from_ros,
    stroke_from_ros,
    stroke_to_ros,
    strokes_from_ros,
    strokes_to_ros,
)
from sketch_robot.stroke import LABELS, Stroke

numbers = st.floats(-1e4, 1e4)
strokes = st.builds(
    Stroke,
    st.lists(st.tuples(numbers, numbers), min_size=1, max_size=8).map(np.array),
    st.floats(0, 10),
    st.sampled_from(LABELS),
    st.floats(0, 1, width=32),
)


def a_plan() -> DrawingPlan:
    return DrawingPlan(
        (
            Stroke(np.array([[20.0, 30.0], [50.0, 30.0], [50.0, 70.0]]), 0.25, 'eye', 1.0),
            Stroke(np.array([[60.0, 80.0]]), 0.0, 'hair', 0.25),
        ),
        Page(148.0, 210.0, 12.0, 'A5'),
        MachineLimits('mine', 80.0, 900.0, 150.0, 1800.0, 0.15, 0.2, 0.02, 0.4),
        np.array([1.5, 0.75]),
        0.5,
        left_out=3,
        artist='guided',
    )


@settings(max_examples=60, deadline=None)
@given(stroke=strokes, scale=st.sampled_from([1.0, 1e-3, 1e3]))
def test_strokes_make_the_round_trip_in_any_unit(stroke: Stroke, scale: float) -> None:
    msg = stroke_to_ros(stroke, scale)
    assert list(msg.x) == (stroke.xy[:, 0] * scale).tolist()
    back = stroke_from_ros(msg, 1.0 / scale)
    np.testing.assert_allclose(back.xy, stroke.xy, rtol=1e-12, atol=1e-300)
    assert (back.label, back.importance) == (stroke.label, stroke.importance)
    assert back.half_width == pytest.approx(stroke.half_width)


@settings(max_examples=60, deadline=None)
@given(seconds=st.floats(0, 1e6))
def test_durations_make_the_round_trip_to_the_nanosecond(seconds: float) -> None:
    msg = duration_to_ros(seconds)
    assert 0 <= msg.nanosec < 10**9
    assert duration_from_ros(msg) == pytest.approx(seconds, abs=1e-9)


def test_durations_are_never_sent_negative_but_are_read_so() -> None:
    assert duration_to_ros(-2.5) == Duration()
    assert duration_from_ros(Duration(sec=-3, nanosec=500_000_000)) == -2.5
    assert seconds_from_ros(Time(sec=7, nanosec=250_000_000)) == 7.25


def test_a_plan_is_in_metres_outside() -> None:
    msg = plan_to_ros(a_plan(), Time(sec=9))
    assert (msg.header.frame_id, msg.header.stamp.sec) == ('paper', 9)
    assert (msg.page, msg.page_width, msg.page_height, msg.margin) == ('A5', 0.148, 0.21, 0.012)
    assert list(msg.strokes[0].x) == pytest.approx([0.02, 0.05, 0.05])
    assert list(msg.strokes[0].y) == pytest.approx([0.03, 0.03, 0.07])
    assert msg.strokes[0].half_width == pytest.approx(0.25e-3)
    assert (msg.ink, msg.lifts, msg.left_out) == (pytest.approx(0.07), 2, 3)
    assert msg.predicted_seconds == pytest.approx(2.75)
    assert (msg.draw_speed, msg.travel_acceleration) == pytest.approx((0.08, 1.8))
    assert (msg.junction_deviation, msg.pen_width) == pytest.approx((0.02e-3, 0.4e-3))


def test_a_plan_makes_the_round_trip() -> None:
    plan = a_plan()
    back = plan_from_ros(plan_to_ros(plan))
    for mine, theirs in zip(plan.strokes, back.strokes, strict=True):
        np.testing.assert_allclose(theirs.xy, mine.xy, atol=1e-9)
        assert (theirs.label, theirs.importance) == (mine.label, mine.importance)
    assert (back.page.name, back.artist, back.left_out, back.profile.name) == ('A5', 'guided', 3, 'mine')
    assert back.page.drawable_mm == pytest.approx(plan.page.drawable_mm)
    for name in ('draw_speed_mm_s', 'travel_accel_mm_s2', 'lift_s', 'drop_s', 'junction_deviation_mm', 'pen_width_mm'):
        assert getattr(back.profile, name) == pytest.approx(getattr(plan.profile, name))
    assert back.predicted_s == pytest.approx(plan.predicted_s)


def broken_plan(**changes: object) -> DrawingPlanMsg:
    msg = plan_to_ros(a_plan())
    for name, value in changes.items():
        setattr(msg, name, value)
    return msg


@pytest.mark.parametrize(
    ('msg', 'words'),
    [
        (DrawingPlanMsg(), 'no usable page_width: 0.0'),
        (broken_plan(page_height=math.nan), 'no usable page_height: nan'),
        (broken_plan(draw_speed=-0.1), 'no usable draw_speed: -0.1'),
        (broken_plan(travel_acceleration=math.inf), 'no usable travel_acceleration: inf'),
        (broken_plan(pen_width=0.0), 'no usable pen_width: 0.0'),
        (broken_plan(margin=math.nan), 'the margin nan mm is not a length'),
        (broken_plan(margin=0.1), 'leaves nothing inside 100 mm margins'),
        (broken_plan(lift_seconds=-1.0), 'has lift_s -1.0; it must be'),
        (broken_plan(junction_deviation=math.nan), 'junction_deviation_mm nan'),
        (broken_plan(stroke_seconds=[1.0]), '2 strokes but 1 usable times'),
        (broken_plan(stroke_seconds=[1.0, math.nan]), '2 strokes but 1 usable times'),
        (broken_plan(stroke_seconds=[1.0, -1.0]), '2 strokes but 1 usable times'),
        (broken_plan(return_seconds=math.nan), 'no usable return_seconds: nan'),
        (broken_plan(strokes=[StrokeMsg(x=[0.1], y=[math.inf])] * 2), 'coordinate that is not finite'),
    ],
)
def test_a_malformed_plan_is_refused_as_such(msg: DrawingPlanMsg, words: str) -> None:
    with pytest.raises(SketchRobotError) as caught:
        plan_from_ros(msg)
    assert caught.value.code == ErrorCode.BAD_PLAN
    assert words in caught.value.message


@pytest.mark.parametrize(
    ('msg', 'words'),
    [
        (StrokeMsg(), 'needs points'),
        (StrokeMsg(x=[1.0, 2.0], y=[1.0]), 'has 2 x but 1 y coordinates'),
        (StrokeMsg(x=[math.nan], y=[1.0]), 'not finite'),
        (StrokeMsg(x=[1e300, 1.0], y=[1.0, 1.0]), 'a coordinate of 1e+300, beyond 1e+07; check its unit'),
        (StrokeMsg(x=[1.0], y=[1.0], label='moustache'), "unknown stroke label 'moustache'; known: eye, brow"),
        (StrokeMsg(x=[1.0], y=[1.0], importance=1.5), 'importance 1.5 is outside [0, 1]'),
        (StrokeMsg(x=[1.0], y=[1.0], importance=math.nan), 'importance nan'),
        (StrokeMsg(x=[1.0], y=[1.0], half_width=-1.0), 'half width -1.0 is not a length'),
    ],
)
def test_a_malformed_stroke_is_refused_with_its_reason(msg: StrokeMsg, words: str) -> None:
    with pytest.raises(SketchRobotError) as caught:
        strokes_from_ros([StrokeMsg(x=[0.0], y=[0.0]), msg])
    assert caught.value.code == ErrorCode.BAD_PLAN
    assert words in caught.value.message


def test_a_stroke_without_a_label_is_other() -> None:
    assert stroke_from_ros(StrokeMsg(x=[1.0], y=[2.0])).label == 'other'
    assert [msg.label for msg in strokes_to_ros(a_plan().strokes)] == ['eye', 'hair']


def test_the_path_runs_from_home_through_all_strokes_and_home_with_raised_hops() -> None:
    path = path_to_ros(a_plan(), Time(sec=4))
    places = [(p.pose.position.x, p.pose.position.y, p.pose.position.z) for p in path.poses]
    assert path.header.frame_id == path.poses[0].header.frame_id == 'paper'
    assert path.header.stamp.sec == 4
    up = 0.005
    wanted = [
        (0, 0, up), (0.02, 0.03, up), (0.02, 0.03, 0), (0.05, 0.03, 0), (0.05, 0.07, 0), (0.05, 0.07, up),
        (0.06, 0.08, up), (0.06, 0.08, 0), (0.06, 0.08, up), (0, 0, up),
    ]  # fmt: skip
    np.testing.assert_allclose(places, wanted, atol=1e-12)


def two_pens() -> DrawingPlan:
    xy = np.array([[20.0, 30.0], [50.0, 30.0]])
    drawn = (
        Stroke(xy, 0.25, half_widths=np.array([0.1, 0.4]), pressure=np.array([0.0, 1.0]), pen='black'),
        Stroke(xy, pen='red'),
    )
    pens = (Pen('black', '#000000', 0.3), Pen('red', '#c81e28', 0.8))
    profile = MachineLimits(axis_speed_mm_s=(90.0, 80.0), lookahead_blocks=15, lightest_mm=0.2, firmest_mm=0.8)
    return DrawingPlan(drawn, Page(148.0, 210.0), profile, np.array([1.5, 2.5]), 0.5, pens=pens)


def test_pens_widths_and_pressure_make_the_round_trip() -> None:
    plan = two_pens()
    msg = plan_to_ros(plan)
    assert [(pen.name, pen.colour, pen.width) for pen in msg.pens] == [
        ('black', '#000000', pytest.approx(0.3e-3)),
        ('red', '#c81e28', pytest.approx(0.8e-3)),
    ]
    assert list(msg.strokes[0].half_widths) == pytest.approx([0.1e-3, 0.4e-3])
    assert (list(msg.strokes[0].pressure), list(msg.strokes[1].pressure)) == ([0.0, 1.0], [])
    back = plan_from_ros(msg)
    assert [(pen.name, pen.colour) for pen in back.pens] == [('black', '#000000'), ('red', '#c81e28')]
    assert [stroke.pen for stroke in back.strokes] == ['black', 'red']
    assert back.strokes[0].half_widths == pytest.approx(plan.strokes[0].half_widths)
    assert back.strokes[0].pressure == pytest.approx(plan.strokes[0].pressure)
    assert (back.strokes[1].half_widths, back.strokes[1].pressure) == (None, None)
    assert back.profile.axis_speed_mm_s == pytest.approx((90.0, 80.0))
    assert back.profile.firmest_mm == pytest.approx(0.8)
    assert back.travel_mm == pytest.approx(plan.travel_mm)


def test_strokes_that_do_not_follow_their_pens_are_refused() -> None:
    msg = plan_to_ros(two_pens())
    msg.strokes[1].pen = 'green'
    with pytest.raises(SketchRobotError) as caught:
        plan_from_ros(msg)
    assert caught.value.code == ErrorCode.BAD_PLAN
    assert "the pens of the strokes, in drawing order, are ['black', 'green']" in caught.value.message


def test_between_two_pens_the_path_leads_home() -> None:
    places = [(p.pose.position.x, p.pose.position.y) for p in path_to_ros(two_pens(), Time()).poses]
    home = [k for k, place in enumerate(places) if place == (0.0, 0.0)]
    assert home == [0, 5, len(places) - 1]
    empty = DrawingPlan((), Page(148.0, 210.0))
    assert len(path_to_ros(empty, Time()).poses) == 2


def test_strokes_of_every_label_are_shown() -> None:
    plan = a_plan()
    strokes = tuple(replace(plan.strokes[0], label=label) for label in LABELS)
    shown = markers_to_ros(replace(plan, strokes=strokes, stroke_s=np.ones(len(strokes))), Time()).markers[2:]
    assert len({(m.color.r, m.color.g, m.color.b) for m in shown}) == len(LABELS)


def test_markers_replace_the_old_drawing_and_show_the_sheet_and_each_label() -> None:
    first, sheet, *labels = markers_to_ros(a_plan(), Time()).markers
    assert first.action == Marker.DELETEALL
    assert (sheet.type, sheet.scale.x, sheet.scale.y) == (Marker.CUBE, 0.148, 0.21)
    assert (sheet.pose.position.x, sheet.pose.position.y) == (0.074, 0.105)
    assert len(labels) == 1  # a dot has no segment
    assert labels[0].id == LABELS.index('eye')
    assert labels[0].scale.x == pytest.approx(0.4e-3)
    ends = [(p.x, p.y) for p in labels[0].points]
    np.testing.assert_allclose(ends, [(0.02, 0.03), (0.05, 0.03), (0.05, 0.03), (0.05, 0.07)], atol=1e-12)


def test_markers_of_several_pens_have_their_colours_and_widths() -> None:
    _, _, black, red = markers_to_ros(two_pens(), Time()).markers
    assert [(marker.color.r, marker.color.g, marker.color.b) for marker in (black, red)] == [
        (0.0, 0.0, 0.0),
        pytest.approx((200 / 255, 30 / 255, 40 / 255), abs=1e-6),
    ]
    assert (black.scale.x, red.scale.x) == pytest.approx((0.3e-3, 0.8e-3))
    assert (black.id, red.id) == (0, 1)


def test_more_strokes_or_points_than_anybody_draws_are_refused() -> None:
    dot = StrokeMsg(x=[0.0], y=[0.0])
    with pytest.raises(SketchRobotError, match='100001 strokes of 100001 points are too many') as caught:
        strokes_from_ros([dot] * 100_001)
    assert caught.value.code == ErrorCode.BAD_PLAN
    long = StrokeMsg(x=array.array('d', bytes(8 * 2_500_001)), y=[0.0])
    with pytest.raises(SketchRobotError, match='2 strokes of 5000002 points are too many'):
        strokes_from_ros([long, long])
