"""Camera pictures as they come: reliably or not, plain or compressed, and only while somebody needs them."""

from __future__ import annotations

from functools import partial
from typing import Any

import cv2
import numpy as np
import pytest
from neighbours import Neighbours
from rclpy.parameter import Parameter
from sensor_msgs.msg import CompressedImage, Image
from sketch_robot_interfaces.action import Draw

from sketch_robot.errors import ErrorCode
from sketch_robot.nodes import qos
from sketch_robot.nodes.image_input import COMPRESSED, ImageInput, picture_topic, unpacked
from sketch_robot.nodes.node import SketchNode
from sketch_robot.nodes.portrait import PortraitNode
from sketch_robot.testing import World

pytestmark = pytest.mark.system


def jpeg(rgb: np.ndarray, frame_id: str = '') -> CompressedImage:
    msg = CompressedImage(format='rgb8; jpeg compressed bgr8', data=cv2.imencode('.jpg', rgb[..., ::-1])[1].tobytes())
    msg.header.frame_id = frame_id
    return msg


@pytest.fixture
def listener(world: World) -> Any:
    node = SketchNode('listener', context=world.probe.context, cli_args=['--ros-args', '-r', 'image_raw:=/front/image'])
    world.probe.executor_.add_node(node)
    yield node
    node.destroy_node()


def test_compressed_pictures_come_from_the_remapped_topic_with_compressed_behind_it(
    world: World, listener: SketchNode, astronaut: np.ndarray
) -> None:
    assert picture_topic(listener, 'image_raw', COMPRESSED) == '/front/image/compressed'
    seen: list[Any] = []
    listening = ImageInput(listener, 'image_raw', seen.append, COMPRESSED)
    out = world.probe.create_publisher(CompressedImage, '/front/image/compressed', qos.IMAGE_BEST_EFFORT)

    def sent() -> bool:
        out.publish(jpeg(astronaut, 'front'))
        return bool(seen)

    world.probe.until(sent, what='a picture that is sent as best effort')
    image = unpacked(seen[0])
    assert (image.header.frame_id, image.encoding, image.width, image.height) == ('front', 'rgb8', 512, 512)
    listening.close()
    world.probe.until(lambda: out.get_subscription_count() == 0, what='nobody listens any more')


def test_a_plain_picture_is_handed_on_as_it_came(astronaut_image: Image) -> None:
    assert unpacked(astronaut_image) is astronaut_image


def test_a_portrait_is_drawn_of_a_compressed_picture_and_one_that_cannot_be_decoded_is_named(
    world: World, astronaut: np.ndarray
) -> None:
    overrides = [Parameter('image_transport', value='compressed')]
    world.adopt(partial(PortraitNode, parameter_overrides=overrides))
    around = Neighbours(world.node('around'))
    out = world.probe.create_publisher(CompressedImage, 'image_raw/compressed', qos.IMAGE)
    world.probe.create_timer(0.05, lambda: out.publish(pictures[-1]))
    pictures = [jpeg(astronaut, 'front')]
    assert world.draw(dry_run=True).result().error_code == ErrorCode.OK
    taken = around.requests['render'].image
    assert (taken.header.frame_id, taken.encoding, taken.width) == ('front', 'rgb8', 512)
    pictures.append(CompressedImage(format='jpeg', data=b'nothing'))
    result: Draw.Result = world.draw(dry_run=True).result()
    assert result.error_code == ErrorCode.BAD_IMAGE
    assert 'the compressed picture (jpeg) is no picture that can be read' in result.error_msg
    around.close()
