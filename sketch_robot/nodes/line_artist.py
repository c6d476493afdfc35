"""The node `line_artist`: photos to line art.

Serves `render_line_art`; the node `planner` traces what it draws, by `trace_line_art`. While somebody listens to
`line_art` (mono8, the photo's header) or `styled_image` (rgb8, what artists that paint show, see `LineArt.picture`) it
listens to `image_raw`, or to `image_raw/compressed` where `image_transport` says so, and draws at the rate it can hold:
the newest frame only, none older than `max_frame_age`; `/diagnostics` counts them. The picture of a request is
published on `styled_image`, too.
"""

from __future__ import annotations

import time
from collections.abc import Collection
from dataclasses import asdict
from typing import Any

import numpy as np
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.service import Service
from rclpy.task import Future
from sensor_msgs.msg import Image
from sketch_robot_interfaces.msg import Stroke as StrokeMsg
from sketch_robot_interfaces.srv import RenderLineArt
from std_msgs.msg import Header

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.line_art import DEFAULT_ARTIST
from sketch_robot.line_art.art import LineArt
from sketch_robot.line_art.artist import RUNTIMES, Artist, is_network, make_artist, problem_with_artist
from sketch_robot.line_art.ink import render_ink
from sketch_robot.line_art.styles.artist import StyleArtist
from sketch_robot.line_art.styles.blend import Blend
from sketch_robot.line_art.styles.runtime import StylePainter, styles_of
from sketch_robot.nodes import qos
from sketch_robot.nodes.diagnostics import ERROR, OK, WARN, Diagnostics, Health, Latency
from sketch_robot.nodes.image_input import TRANSPORT, Picture, unpacked
from sketch_robot.nodes.images import ink_to_ros, photo_from_ros
from sketch_robot.nodes.live_view import LiveArt, LiveView
from sketch_robot.nodes.managed import AUTOSTART, ManagedNode
from sketch_robot.nodes.messages import strokes_from_ros, strokes_to_ros
from sketch_robot.nodes.node import Worker, failure_of, run_node
from sketch_robot.nodes.one_heap import give_back_free, share_one_heap
from sketch_robot.nodes.parameters import FOLDERS, Parameter, Parameters
from sketch_robot.nodes.posing import POSE, Figures, asked_pose
from sketch_robot.nodes.styling import (
    STYLE_FILE,
    STYLES,
    asked_blend,
    configured_blend,
    file_of,
    picture_to_ros,
    problem_with_styles,
)
from sketch_robot.nodes.tracing import ToTrace, Tracer
from sketch_robot.photo import Sitter, SitterFinder, whole_picture
from sketch_robot.poses.wish import check_wishes
from sketch_robot.strokes.importance import USUAL_PEN_PX
from sketch_robot.wishes import AS_IT_IS, DETAILS, MOST_CARICATURE, SHADINGS, Wishes

WATCHED_S = 0.25  # how soon it is noticed that somebody watches

PARAMETERS = (
    Parameter(
        'artist', DEFAULT_ARTIST, "Who draws when no request says: a name, or a network's path.", names_file=True
    ),
    FOLDERS,
    STYLES,
    STYLE_FILE,
    Parameter('runtime', 'openvino', "What runs the student's network.", choices=RUNTIMES, read_only=True),
    Parameter('require_face', True, 'Whether a photo without a face is an error; false draws the whole picture.'),
    Parameter('detail', AS_IT_IS.detail, 'How many lines, when no request says.', choices=DETAILS),
    Parameter('age_lines', AS_IT_IS.age_lines, 'How many folds and wrinkles: 0 none, 1 all.', low=0.0, high=1.0),
    Parameter(
        'caricature',
        AS_IT_IS.caricature,
        "How much larger what is the sitter's own is drawn: 0 as it is.",
        low=0.0,
        high=MOST_CARICATURE,
    ),
    Parameter('shading', AS_IT_IS.shading, 'How light and shade are drawn.', choices=SHADINGS),
    POSE,
    Parameter('live', True, 'Whether to draw camera frames while somebody listens to line_art.'),
    TRANSPORT,
    AUTOSTART,
    Parameter('max_frame_age', 0.15, 'Older camera frames are not drawn, seconds; 0: any age.', low=0.0, high=60.0),
)
UNSAID = RenderLineArt.Request().age_lines  # the message's own default: as configured


class LineArtistNode(ManagedNode):
    """Turns photos into line art: those of requests, and live frames while somebody looks."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__('line_artist', **kwargs)
        self._values = Parameters(
            self,
            PARAMETERS,
            check=lambda values: (
                problem_with_artist(values['artist']) or problem_with_styles(values['styles'], values['style_file'])
            ),
            changed=self._on_changed,
        )
        self._finding, self._worker = Worker(self, 'finding'), Worker(self)
        self._tracer = Tracer(self, self._worker)
        self._artists: dict[str, Artist] = {}
        self._painter: StylePainter | None = None
        self._figures = Figures()
        self._finder: SitterFinder | None = None
        self._requests = 0
        self._trouble = ''
        self._is_warm = False
        self._rendering = Latency()
        self._health = Diagnostics(self, 'line art', self._look_around)
        self._art_out = self.create_publisher(Image, 'line_art', qos.IMAGE)
        self._styled_out = self.create_publisher(Image, 'styled_image', qos.IMAGE)
        self._live = LiveView(
            self,
            self._finding,
            self._worker,
            find=self._find_live,
            draw=self._draw_live,
            show=self._show_live,
            oldest_s=lambda: self._values['max_frame_age'],
        )
        self.every(WATCHED_S, self._listen_while_watched)
        self._service: Service | None = None
        self.start(self._values['autostart'])

    def set_up(self) -> None:
        """Load the networks; a manager waits for that, and hears when it failed."""
        warm = self._worker.run(self._warm_up)
        warm.add_done_callback(self._on_warm)
        if not self._values['autostart']:
            while not warm.done():
                time.sleep(0.01)
            if warm.exception() is not None:
                raise failure_of(warm.exception())

    def begin(self) -> None:
        """Offer line art, as soon as the networks are loaded."""
        if self._is_warm or self._trouble:
            self._offer()

    def rest(self) -> None:
        """Offer nothing, and do not listen."""
        if self._service is not None:
            self.destroy_service(self._service)
            self._service = None
        self._listen_while_watched()

    def clear(self) -> None:
        """Free the networks."""
        self._is_warm = False
        self._finding.run(self._forget_finder)
        self._worker.run(self._forget_artists)

    def park(self) -> None:
        """Drop what waits."""
        self._finding.close()
        self._worker.close()

    def _offer(self) -> None:
        if self._service is None:
            group = ReentrantCallbackGroup()
            self._service = self.create_service(RenderLineArt, 'render_line_art', self._on_render, callback_group=group)

    def _on_changed(self, names: Collection[str]) -> None:
        """Load another artist now, for the next drawing."""
        if {'artist', 'styles', 'style_file'} & set(names) and self._is_warm:
            self._worker.run(self._change_artist).add_done_callback(self._on_artist_changed)

    def _on_artist_changed(self, future: Future) -> None:
        if future.exception() is not None:
            self.get_logger().error(f'the artist {self._configured!r}: {failure_of(future.exception())}')
            return
        self.get_logger().info(f'the next drawing is by the artist {self._configured!r}')

    @property
    def _configured(self) -> str:
        """Who draws when no request says."""
        return self._values['styles'] or self._values['artist']

    # ------------------------------------------------------------- in the workers' threads
    def _warm_up(self) -> float:
        begin = time.perf_counter()
        self._finder = SitterFinder()
        self._finder.warm_up()
        self._own_artist().warm_up()
        give_back_free()  # compiling networks takes twice what they are
        return time.perf_counter() - begin

    def _forget_finder(self) -> None:
        if self._finder is not None:
            self._finder.close()
            self._finder = None

    def _forget_artists(self) -> None:
        self._artists.clear()
        self._painter = None
        self._figures.forget()

    def _change_artist(self) -> None:
        self._forget_artists()
        self._own_artist().warm_up()

    def _own_artist(self) -> Artist:
        """Who draws when no request says."""
        values = self._values
        return self._artist(values['artist'], configured_blend(values['styles'], values['style_file']))

    def _artist(self, name: str, blend: Blend | None) -> Artist:
        if blend is not None:
            if self._painter is None:
                styles = styles_of(file_of(self._values['style_file']))
                self._painter = StylePainter(styles, runtime=self._values['runtime'])
            return StyleArtist(blend, self._painter)
        if name not in self._artists:
            self._artists[name] = make_artist(name, runtime=self._values['runtime'])
        return self._artists[name]

    def _sitter_in(self, msg: Image, require_face: bool, whole: bool, *, quick: bool = False) -> Sitter:
        if whole:
            return whole_picture(photo_from_ros(msg))
        if self._finder is None:
            self._finder = SitterFinder()
        self._finder.quick = quick
        return self._finder.find(photo_from_ros(msg), require_face=require_face)

    def _draw(self, sitter: Sitter, artist: str, blend: Blend | None) -> LineArt:
        give_back_free()  # finding and drawing each take their 20 MB one after the other
        return self._artist(artist, blend).draw(sitter)

    def _wants_whole_picture(self, artist: str, blend: Blend | None) -> bool:
        return self._artist(artist, blend).whole_picture

    def _find_live(self, msg: Picture) -> Sitter:
        whole = self._own_artist().whole_picture
        return self._sitter_in(unpacked(msg), self._values['require_face'], whole, quick=True)

    def _draw_live(self, sitter: Sitter, header: Header) -> LiveArt:
        art = self._own_artist().draw_live(sitter)
        return LiveArt(ink_to_ros(art.ink, header), picture_to_ros(art, header))

    # ------------------------------------------------------------- in the executor's thread
    def _look_around(self) -> Health:
        values = {
            'artist': self._configured,
            'runtime': self._values['runtime'],
            'requests': self._requests,
            **self._rendering.values('render'),
            'live_hz': self._live.rate.hz,
            **self._live.age.values('live_age'),
            **asdict(self._live.count),
        }
        if not self.is_active:
            return Health(WARN, 'inactive', values)
        if self._trouble:
            return Health(ERROR, self._trouble, values)
        if not self._is_warm:
            return Health(WARN, 'warming up', values)
        return Health(OK, 'drawing live' if self._live.watching else 'ready', values)

    def _on_warm(self, future: Future) -> None:
        if future.exception() is not None:
            error = failure_of(future.exception())
            self._trouble = error.message
            self.get_logger().error(f'warming up failed: {error}')
        else:
            self._is_warm, self._trouble = True, ''
        self._health.changed()
        if self.is_active:
            self._offer()  # only now: a graph is complete when its nodes can answer
        if self._trouble:
            return
        self.get_logger().info(f'ready: the artist {self._configured!r} warmed up in {future.result():.1f} s')

    def _listen_while_watched(self) -> None:
        lookers = self._art_out.get_subscription_count() + self._styled_out.get_subscription_count()
        begun = self.is_active and (self._is_warm or bool(self._trouble))
        self._live.watch(begun and self._values['live'] and lookers > 0, self._values['image_transport'])

    def _show_live(self, live: LiveArt) -> None:
        self._art_out.publish(live.art)
        if live.picture is not None:
            self._styled_out.publish(live.picture)

    async def _on_render(
        self, request: RenderLineArt.Request, response: RenderLineArt.Response
    ) -> RenderLineArt.Response:
        artist = request.artist or self._values['artist']
        self._requests += 1
        try:
            values = self._values
            blend = asked_blend(request.styles, request.style_weights, values['styles'], values['style_file'])
            self._check_artist(artist)
            pose = asked_pose(request.pose, request.pose_image, values['pose'])
            request.pose_image = Image()  # its picture is used up
            wishes = self._wishes(request)
            check_wishes(pose, wishes)
            if request.check_only:
                return response
            must_show_face = request.require_face or self._values['require_face'] or bool(pose)
            pen_px = request.pen_pixels or USUAL_PEN_PX
            begun_s = time.perf_counter()
            self._live.hold(True)
            await self._worker.run(give_back_free)  # after a live frame, whose memory is free for this then
            whole: bool = not pose and await self._worker.run(self._wants_whole_picture, artist, blend)
            sitter: Sitter = await self._finding.run(self._sitter_in, request.image, must_show_face, whole)
            figure = await self._worker.run(self._figures.draw, request.image, pose) if pose else None
            request.image = Image(header=request.image.header)  # its picture is used up
            art: LineArt = await self._worker.run(self._draw, sitter, artist, blend)
            strokes = await self._tracer.trace(ToTrace(art, sitter, wishes, pen_px))
            ink = art.ink
            if figure is not None:
                art = await self._worker.run(self._figures.with_head, figure, art, strokes, sitter)
                strokes, ink = strokes_to_ros(art.strokes or ()), art.ink
            elif wishes != AS_IT_IS:  # what the artist drew is not what is wished
                ink = await self._worker.run(_shown, strokes, art.size_px)
            seconds = time.perf_counter() - begun_s
        except Exception as error:  # noqa: BLE001  every failure is answered with its code; defects are logged
            failure = failure_of(error)
            response.error_code, response.error_msg = failure.code, failure.message
            return response
        finally:
            self._requests -= 1
            if self._requests == 0:
                self._worker.run(give_back_free)
            self._live.hold(self._requests > 0)
        self._rendering.add(seconds)
        self._trouble, self._is_warm = '', True
        picture = picture_to_ros(art, request.image.header)
        if picture is not None:
            self._styled_out.publish(picture)
        response.line_art = ink_to_ros(ink, request.image.header)
        response.strokes = strokes
        response.artist, response.faces, response.seconds = art.artist, sitter.faces, seconds
        return response

    def _wishes(self, request: RenderLineArt.Request) -> Wishes:
        """What a request wishes, or what is configured where it does not say."""
        age_lines, caricature = (round(value, 6) for value in (request.age_lines, request.caricature))  # from float32
        return Wishes(
            request.detail or self._values['detail'],
            self._values['age_lines'] if age_lines == UNSAID else age_lines,
            self._values['caricature'] if caricature == UNSAID else caricature,
            request.shading or self._values['shading'],
        )

    def _check_artist(self, name: str) -> None:
        """Refuse a file that only a request names: whoever can send one should not choose what this machine opens."""
        if is_network(name) and name != self._values['artist']:
            raise SketchRobotError(
                ErrorCode.BAD_GOAL,
                f"the network {name!r} must be this node's parameter 'artist' before requests name it",
            )
        problem = problem_with_artist(name)
        if problem:
            raise SketchRobotError(ErrorCode.BAD_GOAL, problem)


def _shown(strokes: list[StrokeMsg], size_px: tuple[int, int]) -> np.ndarray:
    """(H, W) float32, the ink of strokes."""
    return render_ink(strokes_from_ros(strokes), size_px)


def main() -> None:
    """Run the node."""
    share_one_heap()
    run_node(LineArtistNode)


if __name__ == '__main__':
    main()
