"""Plans as messages and back, in pairs `x_to_ros` / `x_from_ros`, and as what viewers show.

Inside, millimetres and seconds; in messages, metres (REP-103), and durations where the field is one.
"""

from __future__ import annotations

import array
from collections.abc import Iterable, Sequence

import numpy as np
from builtin_interfaces.msg import Time
from geometry_msgs.msg import Point, PoseStamped
from nav_msgs.msg import Path
from sketch_robot_interfaces.msg import DrawingPlan as DrawingPlanMsg
from sketch_robot_interfaces.msg import Pen as PenMsg
from std_msgs.msg import ColorRGBA, Header
from visualization_msgs.msg import Marker, MarkerArray

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.motion import HOME_MM, DrawingPlan, MachineLimits, Page, Pen
from sketch_robot.nodes.messages import strokes_from_ros, strokes_to_ros
from sketch_robot.stroke import LABELS, Stroke
from sketch_robot.validation import NOT_NEGATIVE, POSITIVE, fits

MM = 1e-3  # a millimetre in metres
FRAME = 'paper'


def plan_to_ros(plan: DrawingPlan, stamp: Time | None = None) -> DrawingPlanMsg:
    """A plan in metres, in the frame `paper`."""
    profile = plan.profile
    return DrawingPlanMsg(
        header=Header(frame_id=FRAME, stamp=stamp or Time()),
        page=plan.page.name,
        page_width=plan.page.width_mm * MM,
        page_height=plan.page.height_mm * MM,
        margin=plan.page.margin_mm * MM,
        strokes=strokes_to_ros(plan.strokes, MM),
        stroke_seconds=array.array('d', np.asarray(plan.stroke_s, np.float64).tobytes()),
        return_seconds=float(plan.return_s),
        predicted_seconds=float(plan.predicted_s),
        ink=plan.ink_mm * MM,
        travel=plan.travel_mm * MM,
        lifts=plan.lifts,
        left_out=plan.left_out,
        artist=plan.artist,
        pens=[PenMsg(name=pen.name, colour=pen.colour, width=pen.width_mm * MM) for pen in plan.pens],
        profile=profile.name,
        draw_speed=profile.draw_speed_mm_s * MM,
        draw_acceleration=profile.draw_accel_mm_s2 * MM,
        travel_speed=profile.travel_speed_mm_s * MM,
        travel_acceleration=profile.travel_accel_mm_s2 * MM,
        lift_seconds=profile.lift_s,
        drop_seconds=profile.drop_s,
        junction_deviation=profile.junction_deviation_mm * MM,
        pen_width=profile.pen_width_mm * MM,
        axis_speed=[limit * MM for limit in profile.axis_speed_mm_s],
        axis_acceleration=[limit * MM for limit in profile.axis_accel_mm_s2],
        lookahead_blocks=profile.lookahead_blocks,
        dwell_step_seconds=profile.dwell_step_s,
        stop_seconds=profile.stop_s,
        lightest_line=profile.lightest_mm * MM,
        firmest_line=profile.firmest_mm * MM,
    )


def plan_from_ros(msg: DrawingPlanMsg) -> DrawingPlan:
    """A plan in millimetres.

    Raises:
        SketchRobotError: BAD_PLAN, the message is not a plan: sizes and speeds that are not positive and finite, times
            that are negative or not finite, a malformed stroke, or not as many times as strokes.
    """
    numbers = {
        'page_width': msg.page_width,
        'page_height': msg.page_height,
        'draw_speed': msg.draw_speed,
        'draw_acceleration': msg.draw_acceleration,
        'travel_speed': msg.travel_speed,
        'travel_acceleration': msg.travel_acceleration,
        'pen_width': msg.pen_width,
    }
    for name, value in numbers.items():
        if not fits(value, POSITIVE):
            raise SketchRobotError(ErrorCode.BAD_PLAN, f'the plan has no usable {name}: {value}')
    times = np.array(msg.stroke_seconds, dtype=np.float64)
    usable = np.isfinite(times) & (times >= 0.0)
    if len(times) != len(msg.strokes) or not usable.all():
        raise SketchRobotError(
            ErrorCode.BAD_PLAN, f'the plan has {len(msg.strokes)} strokes but {int(usable.sum())} usable times'
        )
    if not fits(msg.return_seconds, NOT_NEGATIVE):
        raise SketchRobotError(ErrorCode.BAD_PLAN, f'the plan has no usable return_seconds: {msg.return_seconds}')
    try:
        return DrawingPlan(
            strokes=strokes_from_ros(msg.strokes, 1.0 / MM),
            page=Page(msg.page_width / MM, msg.page_height / MM, msg.margin / MM, msg.page),
            profile=MachineLimits(
                name=msg.profile,
                draw_speed_mm_s=msg.draw_speed / MM,
                draw_accel_mm_s2=msg.draw_acceleration / MM,
                travel_speed_mm_s=msg.travel_speed / MM,
                travel_accel_mm_s2=msg.travel_acceleration / MM,
                lift_s=msg.lift_seconds,
                drop_s=msg.drop_seconds,
                junction_deviation_mm=msg.junction_deviation / MM,
                pen_width_mm=msg.pen_width / MM,
                axis_speed_mm_s=tuple(limit / MM for limit in msg.axis_speed),
                axis_accel_mm_s2=tuple(limit / MM for limit in msg.axis_acceleration),
                lookahead_blocks=msg.lookahead_blocks,
                dwell_step_s=msg.dwell_step_seconds,
                stop_s=msg.stop_seconds,
                lightest_mm=msg.lightest_line / MM,
                firmest_mm=msg.firmest_line / MM,
            ),
            stroke_s=times,
            return_s=msg.return_seconds,
            left_out=msg.left_out,
            artist=msg.artist,
            pens=tuple(Pen(pen.name, pen.colour, pen.width / MM) for pen in msg.pens),
        )
    except (SketchRobotError, ValueError) as error:
        why = error.message if isinstance(error, SketchRobotError) else error
        raise SketchRobotError(ErrorCode.BAD_PLAN, f'the plan is unusable: {why}') from error


def point_to_ros(xy_mm: Sequence[float], *, down: bool = True) -> Point:
    """The pen's place in metres; 5 mm above the paper when it is up, for viewers."""
    return Point(x=xy_mm[0] * MM, y=xy_mm[1] * MM, z=0.0 if down else 5.0 * MM)


def path_to_ros(plan: DrawingPlan, stamp: Time) -> Path:
    """The pen's whole way, from home through all strokes and back, also between two pens, with pen-up hops raised."""
    header = Header(frame_id=FRAME, stamp=stamp)
    path = Path(header=header)

    def add(xy_mm: Sequence[float], down: bool) -> None:
        pose = PoseStamped(header=header)
        pose.pose.position = point_to_ros(xy_mm, down=down)
        path.poses.append(pose)

    add(HOME_MM, False)
    pen = plan.strokes[0].pen if plan.strokes else ''
    for stroke in plan.strokes:
        if stroke.pen != pen:
            add(HOME_MM, False)
        pen = stroke.pen
        points = stroke.xy.tolist()
        add(points[0], False)
        for point in points:
            add(point, True)
        add(points[-1], False)
    add(HOME_MM, False)
    return path


_COLOURS = {
    'eye': (0.10, 0.10, 0.60),
    'brow': (0.30, 0.15, 0.00),
    'nose': (0.60, 0.30, 0.10),
    'mouth': (0.75, 0.10, 0.15),
    'jaw': (0.10, 0.10, 0.10),
    'glasses': (0.00, 0.45, 0.45),
    'hair': (0.35, 0.20, 0.05),
    'ear': (0.50, 0.35, 0.20),
    'clothes': (0.25, 0.35, 0.55),
    'other': (0.35, 0.35, 0.35),
    'shading': (0.55, 0.55, 0.55),
}


def markers_to_ros(plan: DrawingPlan, stamp: Time) -> MarkerArray:
    """One line list for each pen in its colour, or for each label where there is one pen, and the sheet of paper; an
    old drawing is deleted first."""
    header = Header(frame_id=FRAME, stamp=stamp)
    sheet = Marker(header=header, ns='sheet', id=0, type=Marker.CUBE, action=Marker.ADD)
    sheet.scale.x, sheet.scale.y, sheet.scale.z = plan.page.width_mm * MM, plan.page.height_mm * MM, 1e-4
    sheet.pose.position = Point(x=sheet.scale.x / 2, y=sheet.scale.y / 2, z=-2e-4)
    sheet.color = ColorRGBA(r=1.0, g=1.0, b=1.0, a=1.0)
    markers = [Marker(header=header, action=Marker.DELETEALL), sheet]

    def add(number: int, strokes: Iterable[Stroke], colour: tuple[float, float, float], width_mm: float) -> None:
        lines = [stroke.xy for stroke in strokes if len(stroke.xy) > 1]
        if not lines:
            return
        marker = Marker(header=header, ns='strokes', id=number, type=Marker.LINE_LIST, action=Marker.ADD)
        marker.scale.x = width_mm * MM
        marker.color = ColorRGBA(r=colour[0], g=colour[1], b=colour[2], a=1.0)
        marker.pose.orientation.w = 1.0
        segments = np.concatenate([np.stack([xy[:-1], xy[1:]], axis=1).reshape(-1, 2) for xy in lines]) * MM
        marker.points = [Point(x=x, y=y) for x, y in segments.tolist()]
        markers.append(marker)

    if len(plan.pens) > 1:
        for number, pen in enumerate(plan.pens):
            red, green, blue = (int(pen.colour[k : k + 2], 16) / 255.0 for k in (1, 3, 5))
            add(number, (s for s in plan.strokes if s.pen == pen.name), (red, green, blue), pen.width_mm)
    else:
        for number, label in enumerate(LABELS):
            strokes = (stroke for stroke in plan.strokes if stroke.label == label)
            add(number, strokes, _COLOURS[label], plan.profile.pen_width_mm)
    return MarkerArray(markers=markers)
