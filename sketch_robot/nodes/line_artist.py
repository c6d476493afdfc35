"""The node `line_artist`: photos to line art.

Serves `render_line_art`. Listens to `image_raw` and, while somebody listens to it, publishes `line_art` (mono8, the
photo's header) at the rate it can hold: the newest frame only, none older than `max_frame_age`; `/diagnostics` counts
them.
"""

from __future__ import annotations

import math
import time
from dataclasses import asdict, dataclass
from typing import Any

from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.task import Future
from sensor_msgs.msg import Image
from sketch_robot_interfaces.srv import RenderLineArt

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.line_art.art import LineArt
from sketch_robot.line_art.artist import ARTISTS, RUNTIMES, Artist, make_artist
from sketch_robot.nodes import diagnostics, qos
from sketch_robot.nodes.durations import seconds_from_ros
from sketch_robot.nodes.failures import failure_of
from sketch_robot.nodes.image_input import ImageInput
from sketch_robot.nodes.images import ink_to_ros, photo_from_ros
from sketch_robot.nodes.one_heap import share_one_heap
from sketch_robot.nodes.parameters import Parameter, Parameters
from sketch_robot.nodes.runner import SketchNode, run_node
from sketch_robot.nodes.stroke_messages import strokes_to_ros
from sketch_robot.nodes.warm_up import trace_a_little
from sketch_robot.nodes.worker import Worker
from sketch_robot.photo import Sitter, SitterFinder
from sketch_robot.stroke import Stroke
from sketch_robot.strokes import strokes_from

PARAMETERS = (
    Parameter('artist', 'student', 'Who draws when a request names nobody.', choices=tuple(sorted(ARTISTS))),
    Parameter('runtime', 'openvino', "What runs the student's network.", choices=RUNTIMES, read_only=True),
    Parameter('require_face', True, 'Whether a photo without a face is an error; false draws the whole picture.'),
    Parameter('live', True, 'Whether to draw camera frames while somebody listens to line_art.'),
    Parameter('max_frame_age', 0.15, 'Older camera frames are not drawn, seconds; 0: any age.', low=0.0, high=60.0),
)


@dataclass(frozen=True)
class Drawn:
    """Line art, its strokes when the artist drew some, how many faces the photo showed, and how long it took."""

    art: LineArt
    strokes: tuple[Stroke, ...]
    faces: int
    seconds: float


@dataclass
class LiveCount:
    """What became of the live frames that were taken up; ages are those when drawing began."""

    drawn: int = 0
    too_old: int = 0
    failed: int = 0
    oldest_drawn_s: float = 0.0


class LineArtistNode(SketchNode):
    """See the module."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__('line_artist', **kwargs)
        self._values = Parameters(self, PARAMETERS)
        self._worker = Worker(self)
        self._artists: dict[str, Artist] = {}
        self._finder: SitterFinder | None = None
        self._newest: Image | None = None
        self._busy_live = False
        self._requests = 0
        self._live = LiveCount()
        self._health = diagnostics.Diagnostics(self, 'live line art')
        self._art_out = self.create_publisher(Image, 'line_art', qos.IMAGE)
        self._image_in = ImageInput(self, 'image_raw', self._on_image)
        self.create_service(RenderLineArt, 'render_line_art', self._on_render, callback_group=ReentrantCallbackGroup())
        self.every(1.0, lambda: self._health.say(diagnostics.OK, 'live', **asdict(self._live)))
        self._worker.run(self._warm_up).add_done_callback(self._on_warm)

    def park(self) -> None:
        """Drop what waits."""
        self._image_in.close()
        self._worker.close()

    # ------------------------------------------------------------- in the worker's thread
    def _warm_up(self) -> float:
        begin = time.perf_counter()
        self._finder = SitterFinder()
        self._finder.warm_up()
        self._artist(self._values['artist']).warm_up()
        trace_a_little()
        return time.perf_counter() - begin

    def _artist(self, name: str) -> Artist:
        if name not in self._artists:
            self._artists[name] = make_artist(name, runtime=self._values['runtime'])
        return self._artists[name]

    def _draw(self, msg: Image, artist: str, require_face: bool) -> Drawn:
        begin = time.perf_counter()
        chosen = self._artist(artist)
        sitter = self._sitter_in(msg, require_face)
        art = chosen.draw(sitter)
        strokes = art.strokes or (strokes_from(art, sitter) if art.parts else ())
        return Drawn(art, strokes, sitter.faces, time.perf_counter() - begin)

    def _sitter_in(self, msg: Image, require_face: bool, *, quick: bool = False) -> Sitter:
        if self._finder is None:
            self._finder = SitterFinder()
        self._finder.quick = quick
        return self._finder.find(photo_from_ros(msg), require_face=require_face)

    def _draw_live(self, msg: Image) -> Image | None:
        age_s = self.get_clock().now().nanoseconds * 1e-9 - seconds_from_ros(msg.header.stamp)
        limit_s = self._values['max_frame_age']
        stamped = msg.header.stamp.sec or msg.header.stamp.nanosec
        if stamped and limit_s > 0.0 and age_s > limit_s:
            self._live.too_old += 1
            return None
        if stamped:
            self._live.oldest_drawn_s = max(self._live.oldest_drawn_s, age_s)
        artist = self._artist(self._values['artist'])
        sitter = self._sitter_in(msg, self._values['require_face'], quick=True)
        return ink_to_ros(artist.draw(sitter).ink, msg.header)

    # ------------------------------------------------------------- in the executor's thread
    def _on_warm(self, future: Future) -> None:
        if future.exception() is not None:
            error = failure_of(future.exception())
            self.get_logger().error(f'warming up failed: {error}')
            return
        self.get_logger().info(f'ready: the artist {self._values["artist"]!r} warmed up in {future.result():.1f} s')

    def _on_image(self, msg: Image) -> None:
        self._newest = msg
        self._draw_newest()

    def _draw_newest(self) -> None:
        wanted = self._values['live'] and self._art_out.get_subscription_count() > 0
        if self._newest is None or self._busy_live or self._requests or not wanted:
            return
        msg, self._newest = self._newest, None
        self._busy_live = True
        self._worker.run(self._draw_live, msg).add_done_callback(self._on_drawn_live)

    def _on_drawn_live(self, future: Future) -> None:
        self._busy_live = False
        if future.exception() is not None:
            self._live.failed += 1
            self.get_logger().info(f'no live line art: {failure_of(future.exception())}', throttle_duration_sec=10.0)
        elif future.result() is not None:
            self._live.drawn += 1
            self._art_out.publish(future.result())
        self._draw_newest()

    async def _on_render(
        self, request: RenderLineArt.Request, response: RenderLineArt.Response
    ) -> RenderLineArt.Response:
        artist = request.artist or self._values['artist']
        self._requests += 1
        try:
            check_styles(request.styles, request.style_weights)
            drawn: Drawn = await self._worker.run(
                self._draw, request.image, artist, request.require_face or self._values['require_face']
            )
        except Exception as error:  # noqa: BLE001  every failure is answered with its code; defects are logged
            failure = failure_of(error)
            response.error_code, response.error_msg = failure.code, failure.message
            return response
        finally:
            self._requests -= 1
            self._draw_newest()
        response.line_art = ink_to_ros(drawn.art.ink, request.image.header)
        response.strokes = strokes_to_ros(drawn.strokes)
        response.artist, response.faces, response.seconds = drawn.art.artist, drawn.faces, drawn.seconds
        return response


def check_styles(styles: list[str], weights: list[float]) -> None:
    """Refuse styles that no artist here has; the default style may be named.

    Raises:
        SketchRobotError: BAD_GOAL.
    """
    for style in styles:
        if style not in ('', 'default'):
            raise SketchRobotError(
                ErrorCode.BAD_GOAL, f"there is no style {style!r}; leave styles empty or say 'default'"
            )
    if len(weights) not in (0, len(styles)):
        raise SketchRobotError(ErrorCode.BAD_GOAL, f'{len(styles)} styles but {len(weights)} style weights')
    if any(not math.isfinite(weight) or weight < 0.0 for weight in weights):
        raise SketchRobotError(ErrorCode.BAD_GOAL, f'style weights must be finite and not negative: {list(weights)}')


def main() -> None:
    """Run the node."""
    share_one_heap()
    run_node(LineArtistNode)


if __name__ == '__main__':
    main()
