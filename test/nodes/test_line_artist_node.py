"""The node `line_artist`: photos in, line art out, by request and live; and nothing that is sent to it ends it."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from bad_pictures import BAD_PICTURES
from builtin_interfaces.msg import Time
from rcl_interfaces.msg import Parameter as ParameterMsg
from rcl_interfaces.srv import SetParameters
from rclpy.parameter import Parameter as RosParameter
from sensor_msgs.msg import Image
from sketch_robot_interfaces.srv import RenderLineArt

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.line_art.art import LineArt
from sketch_robot.line_art.artist import make_artist
from sketch_robot.line_art.hand.hand_file import HandShape, HandWeights, save_hand
from sketch_robot.nodes import line_artist as module
from sketch_robot.nodes import qos
from sketch_robot.nodes.images import array_from_ros, image_to_ros
from sketch_robot.nodes.line_artist import LineArtistNode
from sketch_robot.nodes.messages import strokes_from_ros
from sketch_robot.photo import Photo, Sitter, SitterFinder
from sketch_robot.poses.named import usual_pose
from sketch_robot.stroke import LABELS
from sketch_robot.strokes import strokes_from
from sketch_robot.testing.people import synthetic_person

if TYPE_CHECKING:
    from sketch_robot.testing import Running, World

pytestmark = pytest.mark.system


class Studio:
    """A running line_artist and what a test does with it."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.probe = world.probe
        self.process: Running = world.start_node('line_artist', max_frame_age=30.0, file_folders=tempfile.gettempdir())
        self.probe.until(lambda: 'ready:' in self.process.output, 90.0, 'the line artist')
        self.art = self.probe.collect(Image, 'line_art', qos.IMAGE)

    def render(self, image: Image, **fields: Any) -> RenderLineArt.Response:
        return self.probe.call(RenderLineArt, 'render_line_art', RenderLineArt.Request(image=image, **fields), 30.0)

    def set(self, **values: Any) -> None:
        wanted: list[ParameterMsg] = [RosParameter(k, value=v).to_parameter_msg() for k, v in values.items()]
        request = SetParameters.Request(parameters=wanted)
        answer = self.probe.call(SetParameters, 'line_artist/set_parameters', request)
        assert all(result.successful for result in answer.results), answer

    def now(self, older_s: float = 0.0) -> Time:
        stamp_ns = self.probe.get_clock().now().nanoseconds - round(older_s * 1e9)
        return Time(sec=stamp_ns // 10**9, nanosec=stamp_ns % 10**9)

    def camera(self, image: Image, profile: Any = qos.IMAGE) -> Callable[..., Image]:
        """A publisher of one picture on image_raw that line_artist hears."""
        out = self.probe.create_publisher(Image, 'image_raw', profile)
        self.probe.until(lambda: out.get_subscription_count() > 0, 20.0, 'somebody who listens to image_raw')

        def send(frame_id: str, older_s: float = 0.0) -> Image:
            image.header.frame_id, image.header.stamp = frame_id, self.now(older_s)
            out.publish(image)
            return image

        send.close = lambda: self.probe.destroy_publisher(out)  # type: ignore[attr-defined]
        send.is_heard = lambda: out.get_subscription_count() > 0  # type: ignore[attr-defined]
        return send

    def drawn(self, frame_id: str) -> list[Image]:
        return [msg for _, msg in self.art if msg.header.frame_id == frame_id]


@pytest.fixture(scope='module')
def studio(shared_world: World) -> Studio:
    return Studio(shared_world)


@pytest.fixture
def face(astronaut: np.ndarray) -> Image:
    image = image_to_ros(astronaut, 'rgb8')
    image.header.frame_id = 'eye'
    image.header.stamp = Time(sec=12, nanosec=34)
    return image


@pytest.fixture
def mug() -> Image:
    """A picture without a face: a dark disc with a handle."""
    rows, columns = np.mgrid[:240, :320]
    seen = np.full((240, 320, 3), 230, np.uint8)
    seen[np.hypot(rows - 120, columns - 140) < 70] = 60
    return image_to_ros(seen, 'rgb8')


@pytest.fixture
def send(studio: Studio, face: Image) -> Iterator[Callable[..., Image]]:
    camera = studio.camera(face)
    yield camera
    camera.close()  # type: ignore[attr-defined]


# ---------------------------------------------------------------------------------------------------- by request


@pytest.mark.parametrize(
    ('artist', 'wanted'),
    [('guided', {'eye', 'brow', 'nose', 'mouth', 'hair'}), ('student', {'eye', 'brow', 'mouth', 'hair'})],
)
def test_a_face_becomes_labelled_strokes_inside_the_picture(
    studio: Studio, face: Image, artist: str, wanted: set[str]
) -> None:
    answer = studio.render(face, artist=artist)
    assert (answer.error_code, answer.error_msg) == (ErrorCode.OK, '')
    assert (answer.artist, answer.faces) == (artist, 1)
    assert answer.seconds > 0.0
    art = answer.line_art
    assert (art.encoding, art.width, art.height, art.step) == ('mono8', 512, 512, 512)
    assert art.header == face.header
    grey = array_from_ros(art)
    assert 0.02 < (grey < 128).mean() < 0.3  # black lines on white
    assert len(answer.strokes) > 30
    x, y = (np.concatenate([np.asarray(getattr(s, axis)) for s in answer.strokes]) for axis in 'xy')
    assert min(x.min(), y.min()) >= 0.0
    assert max(x.max(), y.max()) <= 512.0
    labels = {stroke.label for stroke in answer.strokes}
    assert wanted <= labels <= set(LABELS)
    assert all(0.0 <= stroke.importance <= 1.0 and stroke.half_width >= 0.0 for stroke in answer.strokes)


@pytest.mark.parametrize('artist', ['guided', 'student'])
def test_the_strokes_are_those_that_the_command_draws_of_the_same_photo(
    studio: Studio, face: Image, astronaut: np.ndarray, artist: str
) -> None:
    answered = strokes_from_ros(studio.render(face, artist=artist).strokes)
    with SitterFinder() as finder:
        sitter = finder.find(Photo(astronaut))
    wanted = strokes_from(make_artist(artist).draw(sitter), sitter)
    assert len(answered) == len(wanted)
    for ours, theirs in zip(answered, wanted, strict=True):
        assert np.array_equal(ours.xy, theirs.xy)
        assert (ours.label, ours.importance, ours.filled) == (theirs.label, theirs.importance, theirs.filled)
        assert (ours.half_widths is None) == (theirs.half_widths is None)
        assert ours.half_widths is None or np.array_equal(ours.half_widths, theirs.half_widths)
    assert any(stroke.filled for stroke in answered)


def test_the_channel_order_of_the_message_does_not_change_the_drawing(
    studio: Studio, face: Image, astronaut: np.ndarray
) -> None:
    swapped = studio.render(image_to_ros(np.ascontiguousarray(astronaut[..., ::-1]), 'bgr8'), styles=['default'])
    assert np.array_equal(array_from_ros(swapped.line_art), array_from_ros(studio.render(face).line_art))


@pytest.mark.parametrize('case', sorted(BAD_PICTURES))
def test_a_bad_picture_is_answered_with_its_code_and_reason(studio: Studio, case: str) -> None:
    image, words = BAD_PICTURES[case]
    answer = studio.render(image)
    assert answer.error_code == ErrorCode.BAD_IMAGE
    for word in words:
        assert word in answer.error_msg
    assert (len(answer.strokes), len(answer.line_art.data), answer.artist) == (0, 0, '')


def test_a_picture_without_a_face_is_refused_unless_faces_are_not_required(studio: Studio, mug: Image) -> None:
    refused = studio.render(mug)
    assert refused.error_code == ErrorCode.NO_FACE
    assert 'no face was found in image; show a face larger and in better light' in refused.error_msg
    studio.set(require_face=False)
    try:
        drawn = studio.render(mug)
        thought = studio.render(mug, artist='guided')
        insisted = studio.render(mug, require_face=True)
    finally:
        studio.set(require_face=True)
    assert (drawn.error_code, drawn.error_msg, drawn.faces) == (ErrorCode.OK, '', 0)
    assert {stroke.label for stroke in drawn.strokes} == {'other'}  # no face, no parts from its mesh
    assert len(thought.strokes) > 0
    assert (array_from_ros(drawn.line_art) < 128).any()
    assert insisted.error_code == ErrorCode.NO_FACE


def test_several_faces_are_counted_and_the_largest_is_drawn(studio: Studio, face: Image, astronaut: np.ndarray) -> None:
    group = np.full((512, 900, 3), 200, np.uint8)
    group[:, :512] = astronaut
    group[200:456, 600:856] = astronaut[::2, ::2]
    both, alone = studio.render(image_to_ros(group, 'rgb8')), studio.render(face)
    assert (both.error_code, both.faces) == (ErrorCode.OK, 2)
    off = np.abs(array_from_ros(both.line_art).astype(int) - array_from_ros(alone.line_art))
    assert (off > 64).mean() < 0.1  # the same face, in the same frame


@pytest.mark.parametrize(
    ('fields', 'words'),
    [
        ({'artist': 'rembrandt'}, "there is no artist 'rembrandt'; choose one of: drawing, guided, student"),
        ({'artist': '/some/net.onnx'}, "must be this node's parameter 'artist'"),
        ({'styles': ['cubist']}, "there is no style 'cubist'; leave styles empty, say 'default', or choose of: "),
        ({'styles': ['charcoal']}, 'charcoal is for screens'),
        ({'styles': ['woodcut', 'hatch_45'], 'style_weights': [0.0, 0.0]}, 'style weights must not all be 0'),
        ({'styles': ['default'], 'style_weights': [0.5, 0.5]}, '1 styles but 2 style weights'),
        ({'style_weights': [1.0]}, '0 styles but 1 style weights'),
        ({'styles': ['default'], 'style_weights': [float('nan')]}, 'style weights must be finite and not negative'),
        ({'styles': ['default'], 'style_weights': [-1.0]}, 'style weights must be finite and not negative'),
        ({'detail': 'huge'}, "detail must be one of 'few', 'normal', 'many', not 'huge'"),
        ({'age_lines': 2.0}, 'age_lines must lie between 0 and 1, not 2'),
        ({'caricature': -0.5}, 'caricature must lie between 0 and 0.5, not -0.5'),
        ({'caricature': float('nan')}, 'caricature must be finite, not nan'),
        ({'pose': 'cartwheel'}, "there is no pose 'cartwheel'; choose one of: as_they_stand, dancer"),
        ({'pose': 'dancer', 'shading': 'hatch'}, "a figure is drawn in lines, not with the shading 'hatch'"),
        (
            {'pose': 'dancer', 'pose_image': image_to_ros(np.zeros((64, 64, 3), np.uint8), 'rgb8')},
            "a pose is named 'dancer' and shown in a picture as well",
        ),
        ({'shading': 'watercolour'}, "shading must be one of 'none', 'hatch', 'cross', 'contour', 'stipple', 'spiral'"),
    ],
)
def test_an_unusable_wish_is_answered_with_what_there_is(
    studio: Studio, face: Image, fields: dict[str, Any], words: str
) -> None:
    for answer in (studio.render(face, **fields), studio.render(Image(), check_only=True, **fields)):
        assert answer.error_code == ErrorCode.BAD_GOAL
        assert words in answer.error_msg


def test_what_could_be_drawn_is_said_without_a_picture(studio: Studio) -> None:
    answer = studio.render(Image(), check_only=True, detail='few', age_lines=0.0, caricature=0.25)
    assert (answer.error_code, answer.error_msg) == (ErrorCode.OK, '')


def test_a_sitter_s_wishes_are_met(studio: Studio, face: Image) -> None:
    usual = studio.render(face)
    few, many = studio.render(face, detail='few'), studio.render(face, detail='many')
    assert len(few.strokes) < len(usual.strokes) < len(many.strokes)
    larger = studio.render(face, caricature=0.5)
    assert abs(len(larger.strokes) - len(usual.strokes)) <= 3  # a filled shape may take one more
    shown = array_from_ros(larger.line_art)  # the picture shows what is wished
    lines = [stroke for stroke in larger.strokes if len(stroke.x) > 1]
    column, row = (
        np.concatenate(points).astype(int).clip(0, 511) for points in ([s.x for s in lines], [s.y for s in lines])
    )
    assert np.mean(shown[row, column] < 160) > 0.9
    assert np.mean(array_from_ros(usual.line_art)[row, column] < 160) < 0.8


def test_a_sitter_takes_a_pose_and_keeps_the_head(studio: Studio) -> None:
    person = image_to_ros(synthetic_person()[0], 'rgb8')
    portrait = studio.render(person)
    dancing, standing = studio.render(person, pose='dancer'), studio.render(person, pose='as_they_stand')
    for answer in (dancing, standing):
        assert (answer.error_code, answer.error_msg) == (ErrorCode.OK, '')
        assert (answer.line_art.width, answer.line_art.height) == (512, 1024)
        labels = [stroke.label for stroke in answer.strokes]
        assert labels.count('eye') == [stroke.label for stroke in portrait.strokes].count('eye') > 0
        assert 'clothes' in labels
    assert np.abs(array_from_ros(dancing.line_art).astype(int) - array_from_ros(standing.line_art)).mean() > 2
    shown = studio.render(person, pose_image=image_to_ros(synthetic_person(pose=usual_pose('cheering'))[0], 'rgb8'))
    assert shown.error_code == ErrorCode.OK


def test_who_is_not_seen_from_head_to_feet_takes_no_pose(studio: Studio, face: Image) -> None:
    answer = studio.render(face, pose='dancer')
    assert answer.error_code == ErrorCode.NO_BODY
    assert 'step back' in answer.error_msg


def test_light_and_shade_go_beside_the_lines_or_take_their_place(studio: Studio, face: Image) -> None:
    beside, alone = studio.render(face, shading='hatch', pen_pixels=3.0), studio.render(face, shading='one_line')
    labels = {stroke.label for stroke in beside.strokes}
    assert {'eye', 'mouth', 'shading'} <= labels
    assert [stroke.label for stroke in alone.strokes] == ['shading']
    finer = studio.render(face, shading='hatch', pen_pixels=1.5)
    assert len(finer.strokes) > 1.5 * len(beside.strokes)


def test_what_is_configured_is_wished_where_a_request_does_not_say(studio: Studio, face: Image) -> None:
    usual = studio.render(face)
    studio.set(detail='few', age_lines=0.0)
    try:
        configured, said = studio.render(face), studio.render(face, detail='normal', age_lines=1.0)
    finally:
        studio.set(detail='normal', age_lines=1.0)
    assert len(configured.strokes) < len(usual.strokes)
    assert said.strokes == usual.strokes


def test_any_blend_of_styles_is_drawn_and_its_picture_shown(studio: Studio, face: Image) -> None:
    shown = studio.probe.collect(Image, 'styled_image', qos.IMAGE)
    studio.probe.until(lambda: studio.probe.count_publishers('styled_image') > 0, 20.0, 'the publisher')
    answer = studio.render(face, styles=['woodcut', 'hatch_45'], style_weights=[1.4, 0.6])
    assert (answer.error_code, answer.artist) == (ErrorCode.OK, 'woodcut=0.7,hatch_45=0.3')
    assert {'eye', 'mouth', 'hair'} & {stroke.label for stroke in answer.strokes}
    assert len(answer.strokes) > 40
    usual = studio.render(face, styles=['default'])
    assert (usual.artist, len(usual.strokes) < len(answer.strokes)) == ('student', True)
    studio.probe.until(lambda: shown[-1], 20.0, 'the picture')
    assert (shown[-1][1].encoding, shown[-1][1].width, shown[-1][1].header) == ('rgb8', 512, face.header)


def test_a_taught_hand_draws_and_shows_its_picture(studio: Studio, face: Image, tmp_path: Path) -> None:
    shape = HandShape((4, 4, 8, 8, 8, 8), 1)
    rng = np.random.default_rng(6)
    weights = {f'{name}.bias': np.zeros(size[0], np.float32) for name, size in shape.layers().items()}
    for name, (out, into, side) in shape.layers().items():
        weights[f'{name}.weight'] = rng.normal(0, (2 / into) ** 0.5 / side, (out, into, side, side)).astype(np.float32)
    hand = tmp_path / 'anna.safetensors'
    save_hand(HandWeights(shape, weights, paper=160.0, darkest=90.0), hand)
    shown = studio.probe.collect(Image, 'styled_image', qos.IMAGE)
    studio.probe.until(lambda: studio.probe.count_publishers('styled_image') > 0, 20.0, 'the publisher')
    assert "must be this node's parameter" in studio.render(face, artist=str(hand)).error_msg
    studio.set(artist=str(hand))
    try:
        answer = studio.render(face)
        studio.probe.until(lambda: shown, 20.0, 'the picture')
    finally:
        studio.set(artist='student')
    assert (answer.error_code, answer.artist) == (ErrorCode.OK, 'anna')
    assert (shown[-1][1].encoding, shown[-1][1].width) == ('rgb8', 512)


def test_fifty_bad_requests_are_all_answered_and_a_good_one_still_is(studio: Studio, face: Image) -> None:
    client = studio.probe.create_client(RenderLineArt, 'render_line_art')
    studio.probe.until(client.service_is_ready)
    bad = [image for image, _ in BAD_PICTURES.values()]
    codes = []
    for start in range(0, 50, 10):  # a service's queue holds ten
        requests = [RenderLineArt.Request(image=bad[k % len(bad)]) for k in range(start, start + 10)]
        futures = [client.call_async(request) for request in requests]
        studio.probe.until(lambda waited=futures: all(future.done() for future in waited), 20.0, 'ten answers')
        codes += [future.result().error_code for future in futures]
    assert codes == [ErrorCode.BAD_IMAGE] * 50
    studio.probe.destroy_client(client)
    assert studio.render(face).error_code == ErrorCode.OK
    assert 'Traceback' not in studio.process.output


# ----------------------------------------------------------------------------------------------------------- live


def test_camera_frames_become_line_art_with_their_own_header(studio: Studio, send: Callable[..., Image]) -> None:
    sent = send('live')
    art = studio.probe.until(lambda: studio.drawn('live'), 20.0, 'line art')[0]
    assert art.header == sent.header
    assert (art.encoding, art.width, art.height) == ('mono8', 512, 512)
    assert (array_from_ros(art) < 128).any()


def test_a_style_that_is_configured_is_shown_live_at_256_px(studio: Studio, send: Callable[..., Image]) -> None:
    shown = studio.probe.collect(Image, 'styled_image', qos.IMAGE)
    studio.set(styles='hatch_45=0.5,stipple=0.5')
    try:
        sent = send('styled')
        studio.probe.until(lambda: shown[-1], 20.0, 'the picture')
    finally:
        studio.set(styles='')
    picture = shown[-1][1]
    assert (picture.encoding, picture.width, picture.height, picture.header) == ('rgb8', 256, 256, sent.header)


def test_a_frame_that_is_too_old_is_not_drawn(studio: Studio, send: Callable[..., Image]) -> None:
    send('stale', older_s=31.0)
    for _ in range(20):  # the stale one is taken before the next is sent
        studio.probe.executor_.spin_once(timeout_sec=0.01)
    send('fresh')
    studio.probe.until(lambda: studio.drawn('fresh'), 20.0, 'line art')
    assert studio.drawn('stale') == []


def test_a_bad_frame_is_left_out_and_the_next_is_drawn(studio: Studio, face: Image) -> None:
    out = studio.probe.create_publisher(Image, 'image_raw', qos.IMAGE)
    studio.probe.until(lambda: out.get_subscription_count() > 0)
    broken = Image(header=face.header, width=64, height=48, step=192, encoding='rgb8', data=bytes(100))
    broken.header.stamp = studio.now()
    out.publish(broken)
    studio.probe.until(lambda: 'no live line art: BAD_IMAGE' in studio.process.output, 20.0, 'the log line')
    face.header.frame_id, face.header.stamp = 'after the bad one', studio.now()
    out.publish(face)
    studio.probe.until(lambda: studio.drawn('after the bad one'), 20.0, 'line art')
    studio.probe.destroy_publisher(out)


def test_live_drawing_can_be_switched_off(studio: Studio, send: Callable[..., Image]) -> None:
    studio.set(live=False)
    try:
        studio.probe.until(lambda: not send.is_heard(), what='nobody listens to the camera')  # type: ignore[attr-defined]
    finally:
        studio.set(live=True)
    studio.probe.until(send.is_heard, what='somebody listens again')  # type: ignore[attr-defined]
    send('on')
    studio.probe.until(lambda: studio.drawn('on'), 20.0, 'line art')


def test_a_request_is_answered_while_frames_stream_in(
    studio: Studio, send: Callable[..., Image], astronaut_image: Image
) -> None:
    timer = studio.probe.create_timer(0.03, lambda: send('stream'))
    try:
        studio.probe.until(lambda: studio.drawn('stream'), 20.0, 'live line art')
        answers = [studio.render(astronaut_image).error_code for _ in range(3)]
        before = len(studio.drawn('stream'))
        studio.probe.until(lambda: len(studio.drawn('stream')) > before, 20.0, 'live line art goes on')
    finally:
        studio.probe.destroy_timer(timer)
    assert answers == [ErrorCode.OK] * 3


def test_a_camera_that_sends_best_effort_only_is_heard(studio: Studio, face: Image) -> None:
    out = studio.probe.create_publisher(Image, 'image_raw', qos.IMAGE_BEST_EFFORT)

    def publish() -> None:
        face.header.frame_id, face.header.stamp = 'best effort', studio.now()
        out.publish(face)

    timer = studio.probe.create_timer(0.1, publish)
    studio.probe.until(lambda: studio.drawn('best effort'), 20.0, 'line art')
    studio.probe.destroy_timer(timer)
    studio.probe.destroy_publisher(out)
    assert 'image_raw is sent as best effort: listening to it so' in studio.process.output
    reliable = studio.camera(face)
    # Again and again: listening as best effort loses some of such large pictures.
    timer = studio.probe.create_timer(0.1, lambda: reliable('reliable again'))
    studio.probe.until(lambda: studio.drawn('reliable again'), 20.0, 'line art')
    studio.probe.destroy_timer(timer)
    reliable.close()  # type: ignore[attr-defined]


# --------------------------------------------------------------------------- in this process, with a fake artist


class Easel:
    """Fakes of the finder and the artist: they note their thread, and each photo takes a permit."""

    whole_picture = False

    def __init__(self) -> None:
        self.permits = threading.Semaphore(1000)
        self.threads: set[str] = set()
        self.sources: list[int] = []
        self.failure: Exception | None = None
        self.picture: np.ndarray | None = None

    def find(self, photo: Photo, *, require_face: bool) -> Sitter:
        assert require_face
        self.threads.add(threading.current_thread().name)
        self.sources.append(int(photo.rgb[0, 0, 0]))
        assert self.permits.acquire(timeout=20.0)
        if self.failure is not None:
            raise self.failure
        return Sitter(np.zeros((512, 512, 3), np.uint8), np.eye(2, 3), np.ones((512, 512), bool), 1)

    def draw(self, _sitter: Sitter) -> LineArt:
        self.threads.add(threading.current_thread().name)
        return LineArt(np.zeros((512, 512), np.float32), 'fake', picture=self.picture)

    draw_live = draw

    def warm_up(self) -> None:
        self.threads.add(threading.current_thread().name)


@pytest.fixture
def easel(monkeypatch: pytest.MonkeyPatch) -> Easel:
    made = Easel()
    monkeypatch.setattr(module, 'SitterFinder', lambda: made)
    monkeypatch.setattr(module, 'make_artist', lambda _name, **_: made)
    return made


@pytest.fixture
def node(world: World, easel: Easel) -> Iterator[LineArtistNode]:
    made = world.adopt(LineArtistNode)
    yield made
    easel.permits.release(1000)
    made.park()
    world.probe.executor_.remove_node(made)
    made.destroy_node()


def grey(value: int) -> Image:
    return image_to_ros(np.full((48, 64, 3), value, np.uint8), 'rgb8')


def test_photos_are_looked_at_in_the_workers_threads_alone(world: World, node: LineArtistNode, easel: Easel) -> None:
    answer = world.probe.call(RenderLineArt, 'render_line_art', RenderLineArt.Request(image=grey(1)))
    assert (answer.error_code, answer.artist) == (ErrorCode.OK, 'fake')
    assert easel.threads == {'line_artist_0', 'line_artist finding_0'}
    assert threading.current_thread().name not in easel.threads


def test_what_an_artist_paints_is_shown_by_request_and_live_while_somebody_looks(
    world: World, node: LineArtistNode, easel: Easel
) -> None:
    easel.picture = np.full((256, 256, 3), (200, 100, 50), np.uint8)
    shown = world.probe.collect(Image, 'styled_image', qos.IMAGE)
    out = world.probe.create_publisher(Image, 'image_raw', qos.IMAGE)
    world.probe.until(lambda: out.get_subscription_count() and node.count_subscribers('styled_image'))
    out.publish(grey(10))
    world.probe.until(lambda: len(shown) == 1, 20.0, 'the live picture')
    answer = world.probe.call(RenderLineArt, 'render_line_art', RenderLineArt.Request(image=grey(1)))
    world.probe.until(lambda: len(shown) == 2, 20.0, "the request's picture")
    assert answer.error_code == ErrorCode.OK
    assert all((msg.encoding, array_from_ros(msg)[0, 0].tolist()) == ('rgb8', [200, 100, 50]) for _, msg in shown)


def test_of_frames_that_come_while_drawing_only_the_newest_is_drawn_and_requests_go_first(
    world: World, node: LineArtistNode, easel: Easel
) -> None:
    art = world.probe.collect(Image, 'line_art', qos.IMAGE)
    out = world.probe.create_publisher(Image, 'image_raw', qos.IMAGE)
    world.probe.until(lambda: out.get_subscription_count() and node.count_subscribers('line_art'))
    easel.permits = threading.Semaphore(0)
    out.publish(grey(10))
    world.probe.until(lambda: easel.sources == [10], 20.0, 'the first frame')
    client = world.probe.create_client(RenderLineArt, 'render_line_art')
    world.probe.until(client.service_is_ready)
    first = client.call_async(RenderLineArt.Request(image=grey(98)))
    world.probe.until(lambda: node._requests == 1, 20.0, 'the first request')
    heard = world.probe.collect(Image, 'image_raw', qos.IMAGE)
    world.probe.until(lambda: out.get_subscription_count() == 2, what='a second listener')
    for value in (11, 12, 13):
        out.publish(grey(value))
    world.probe.until(lambda: any(msg.data[0] == 13 for _, msg in heard), what='the last frame')
    easel.permits.release()
    world.probe.until(lambda: len(art) == 1 and easel.sources == [10, 98], 20.0, 'the first line art')
    second = client.call_async(RenderLineArt.Request(image=grey(99)))
    world.probe.until(lambda: node._requests == 2, 20.0, 'the second request')
    easel.permits.release(3)
    assert [world.probe.result(asked).error_code for asked in (first, second)] == [ErrorCode.OK] * 2
    world.probe.until(lambda: len(art) == 2, 20.0, 'two line arts')
    for _ in range(10):  # and none is drawn twice
        world.probe.executor_.spin_once(timeout_sec=0.01)
    assert easel.sources == [10, 98, 99, 13]


def test_a_defect_is_answered_as_such_and_logged_with_its_traceback(
    world: World, node: LineArtistNode, easel: Easel, caplog: pytest.LogCaptureFixture
) -> None:
    easel.failure = ZeroDivisionError('by zero')
    answer = world.probe.call(RenderLineArt, 'render_line_art', RenderLineArt.Request(image=grey(1)))
    assert answer.error_code == ErrorCode.INTERNAL
    assert answer.error_msg == 'ZeroDivisionError: by zero; the log has the traceback'
    assert 'in find' in caplog.text
    easel.failure = None
    again = world.probe.call(RenderLineArt, 'render_line_art', RenderLineArt.Request(image=grey(1)))
    assert again.error_code == ErrorCode.OK


def test_a_request_after_parking_is_told_so(world: World, node: LineArtistNode) -> None:
    node.park()
    answer = world.probe.call(RenderLineArt, 'render_line_art', RenderLineArt.Request(image=grey(1)))
    assert answer.error_code == ErrorCode.CANCELLED
    assert answer.error_msg == 'the node line_artist is shutting down'


def test_a_failing_warm_up_does_not_end_the_node(world: World, easel: Easel, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[float] = []

    def broken() -> Easel:
        calls.append(time.monotonic())
        if len(calls) == 1:
            raise SketchRobotError(ErrorCode.INTERNAL, 'no model file')
        return easel

    monkeypatch.setattr(module, 'SitterFinder', broken)
    made = world.adopt(LineArtistNode)
    answer = world.probe.call(RenderLineArt, 'render_line_art', RenderLineArt.Request(image=grey(1)))
    assert (answer.error_code, len(calls)) == (ErrorCode.OK, 2)
    made.park()
    world.probe.executor_.remove_node(made)
    made.destroy_node()


def test_the_default_artist_needs_neither_torch_nor_what_tracing_needs_nor_the_rooms_after_it() -> None:
    code = (
        'import sys, sketch_robot.nodes.line_artist, sketch_robot.line_art.student.artist as student;'
        'student.StudentArtist().warm_up();'
        "heavy = {'torch', 'skimage', 'numba', 'scipy', 'matplotlib', 'sketch_robot.motion'};"
        'print(heavy & set(sys.modules))'
    )
    ended = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, check=True)
    assert ended.stdout == 'set()\n'


def test_ctrl_c_ends_it_in_order(studio: Studio) -> None:
    """The last: it ends the process that the others share."""
    studio.process.signal(2)
    assert studio.process.wait() == 0
    assert 'Traceback' not in studio.process.output
