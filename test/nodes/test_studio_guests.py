"""The studio's side of the node `attract`: the best frame for who wants a picture, and whoever stays."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import partial

import numpy as np
import pytest
from rclpy.parameter import Parameter
from test_attract_node import FaceModelsDouble, Robot

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.nodes import attract as module
from sketch_robot.nodes.attract import AttractNode
from sketch_robot.nodes.node import SketchNode
from sketch_robot.nodes.studio_guests import Guests
from sketch_robot.testing import World

pytestmark = pytest.mark.system


class Doorway:
    """A door that a test opens."""

    def __init__(self) -> None:
        self.is_open = self.no_face = False
        self.received: list[np.ndarray] = []

    def receive(self, photo: np.ndarray) -> None:
        self.received.append(photo)
        if self.no_face:
            raise SketchRobotError(ErrorCode.NO_FACE, 'no face was found')
        self.is_open = False


@pytest.fixture
def door() -> Doorway:
    return Doorway()


@pytest.fixture
def guests(world: World, door: Doorway, monkeypatch: pytest.MonkeyPatch) -> Iterator[Guests]:
    monkeypatch.setattr(module, 'FaceModels', FaceModelsDouble)
    values = {'stay': 0.5, 'look_hz': 20.0, 'cool_down': 0.0, 'enabled': False, 'action': 'studio/sit'}
    overrides = [Parameter(name, value=value) for name, value in values.items()]
    attract = world.adopt(partial(AttractNode, parameter_overrides=overrides))
    made = Guests(world.adopt(partial(SketchNode, 'studio')), door)
    world.probe.until(made._trigger.service_is_ready, what='somebody who looks at faces')
    yield made
    made.close()
    attract.park()


@pytest.fixture
def camera(world: World) -> Iterator[Robot]:
    made = Robot(world)
    yield made
    made.close()


def best_frame(world: World, guests: Guests) -> np.ndarray | None:
    found: list[np.ndarray | None] = []
    asking = threading.Thread(target=lambda: found.append(guests.best_frame()))
    asking.start()
    world.probe.until(lambda: not asking.is_alive(), 30.0, 'a frame, or none')
    return found[0]


def test_who_wants_a_picture_gets_a_frame_with_open_eyes(world: World, guests: Guests, camera: Robot) -> None:
    guests.watched = True
    camera.show(eyes=255)
    frame = best_frame(world, guests)
    assert frame is not None
    assert frame.shape == (160, 200, 3)
    camera.show(face=False)
    world.probe.until(lambda: best_frame(world, guests) is None, 30.0, 'nobody any more')


def test_who_stays_is_received_while_the_door_is_open_and_nobody_else(
    world: World, guests: Guests, camera: Robot, door: Doorway
) -> None:
    camera.show()
    guests.watched = True  # faces are looked for, and nobody is received
    assert best_frame(world, guests) is not None
    assert door.received == []
    door.no_face = door.is_open = True
    world.probe.until(lambda: door.received, what='somebody')
    door.no_face = False
    world.probe.until(lambda: not door.is_open, what='the next one')
    assert door.received[-1].shape == (160, 200, 3)


def test_nobody_looks_at_faces_where_there_is_no_attract(world: World, door: Doorway) -> None:
    alone = Guests(world.adopt(partial(SketchNode, 'studio')), door)
    assert alone.best_frame() is None
    alone.close()
