"""The node `attract`: draws whoever stays before the camera. It runs only where it is asked for (`attract:=true`).

While nothing is drawn it looks at `image_raw` a few times a second. When one face, large enough, has stayed for `stay`,
the best frame of the last second goes to the action `draw`: the sharpest, best lit one with open eyes. Then it waits
for `cool_down`. When nobody has been seen for `character_after` seconds, it has a character drawn, a face that nobody
has, and again as long as nobody comes. `~/trigger` (Trigger) draws the best frame of the last second at once. Publishes
`/diagnostics`. Beside a studio, frames go to an action of the studio's, which shows the sitter what may be drawn (the
parameter `action`).
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np
from rclpy.action import ActionClient
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.task import Future
from sensor_msgs.msg import Image
from sketch_robot_interfaces.action import Draw
from sketch_robot_interfaces.msg import PlotterState
from std_srvs.srv import Trigger

from sketch_robot.characters.latents import any_seed
from sketch_robot.characters.source import ARTIST, photo_of
from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.nodes import qos
from sketch_robot.nodes.diagnostics import OK, WARN, Diagnostics, Health, drawing_id
from sketch_robot.nodes.image_input import TRANSPORT, ImageInput, Picture, unpacked
from sketch_robot.nodes.images import image_to_ros, photo_from_ros
from sketch_robot.nodes.node import SketchNode, Worker, failure_of, run_node
from sketch_robot.nodes.parameters import Parameter, Parameters
from sketch_robot.photo.best_frame import BestFrame, FaceQuality, Presence, judge_face
from sketch_robot.photo.face_models import FaceModels
from sketch_robot.photo.framing import shrink

LOOK_PX = 640  # longer side at which faces are looked for: whoever is smaller there stands too far off
TICK_S = 0.1
TRIGGER_S = 3.0  # how long a trigger waits for a face
AGAIN_S = 2.0  # after a goal that was refused

PARAMETERS = (
    TRANSPORT,
    Parameter('enabled', True, 'Whether somebody who stays is drawn; false: only ~/trigger draws.'),
    Parameter('stay', 3.0, 'How long a face has to stay, seconds.', low=0.5, high=60.0),
    Parameter('cool_down', 20.0, 'How long nobody is drawn after a drawing has ended, seconds.', low=0.0, high=3600.0),
    Parameter('smallest_face', 0.08, "Width of a face that counts, as a share of the picture's.", low=0.02, high=0.9),
    Parameter(
        'character_after',
        0.0,
        'A character is drawn when nobody has been seen for so long, seconds; 0: never.',
        low=0.0,
        high=86400.0,
    ),
    Parameter('look_hz', 5.0, 'How often the camera is looked at.', low=1.0, high=30.0),
    Parameter('action', 'draw', 'The action that is asked to draw them.', read_only=True),
    Parameter('while_drawing', False, 'Whether faces are looked for while something is drawn.', read_only=True),
    Parameter('page', '', "The sheet of such drawings; empty: the planner's."),
    Parameter('time_budget', 0.0, 'Their predicted drawing time, seconds; 0: the planner decides.', 0.0, 86400.0),
)


@dataclass(frozen=True, eq=False)
class FaceSeen:
    """What a frame showed: its largest face, (4,) in its pixels, and what that is worth; None: nobody."""

    picture: Image
    at_s: float
    box: np.ndarray | None = None
    quality: FaceQuality | None = None


class AttractNode(SketchNode):
    """Waits for somebody who stays, and sends their best frame to be drawn."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__('attract', **kwargs)
        self._values = Parameters(self, PARAMETERS)
        self._worker = Worker(self)
        self._models: FaceModels | None = None
        self._image_in: ImageInput | None = None
        self._presence = Presence()
        self._frames: BestFrame[Image] = BestFrame()
        self._looking = False
        self._looked_s = 0.0
        self._plotter_state: int | None = None
        self._drawing = ''  # the id of the drawing that was asked for
        self._free_s = 0.0  # from when on somebody is drawn again
        self._wanted: Future | None = None  # a trigger that waits for a face
        self._wanted_until_s = 0.0
        self._drawn, self._trouble, self._score = 0, '', 0.0
        self._seen_s = time.monotonic()  # when somebody was last there, or a drawing ended
        self._making = False
        group = ReentrantCallbackGroup()
        self._draw = ActionClient(self, Draw, self._values['action'], callback_group=group)
        self.create_subscription(PlotterState, 'plotter_state', self._on_plotter_state, qos.LATCHED)
        self.create_service(Trigger, '~/trigger', self._on_trigger, callback_group=group)
        self._health = Diagnostics(self, 'visitors', self._look_around)
        self.every(TICK_S, self._tick)
        self.get_logger().info(f'ready: who stays for {self._values["stay"]:g} s is drawn')

    def park(self) -> None:
        """FaceSeen no more."""
        self._worker.close()

    # ------------------------------------------------------------- in the worker's thread
    def _judge(self, picture: Picture, at_s: float) -> FaceSeen:
        if self._models is None:
            self._models = FaceModels()
        image = unpacked(picture)
        rgb = photo_from_ros(image).rgb
        small = shrink(rgb, LOOK_PX)
        boxes = self._models.boxes(small) * (max(rgb.shape[:2]) / max(small.shape[:2]))
        if len(boxes) == 0:
            return FaceSeen(image, at_s)
        mesh = self._models.mesh(rgb, boxes[0])
        return FaceSeen(image, at_s, boxes[0], judge_face(rgb, boxes[0], mesh))

    def _character(self) -> Image:
        from sketch_robot.characters.runtime import shipped_maker  # takes memory that most fairs do not need

        seed = any_seed()
        photo = photo_of(shipped_maker().make(seed), seed)
        image = image_to_ros(photo.rgb, 'rgb8')
        image.header.frame_id = photo.source
        return image

    # ------------------------------------------------------------- in the executor's thread
    def _is_needed(self) -> bool:
        """Whether frames are: not while something is drawn, and not before the cool-down is nearly over."""
        if self._wanted is not None:
            return True
        soon = time.monotonic() > self._free_s - self._values['stay']
        return self._values['enabled'] and not self._is_busy() and soon

    def _is_busy(self) -> bool:
        drawing = self._plotter_state not in (None, PlotterState.IDLE) and not self._values['while_drawing']
        return self._drawing != '' or drawing

    def _on_plotter_state(self, msg: PlotterState) -> None:
        self._plotter_state = msg.status

    def _on_image(self, picture: Picture) -> None:
        now_s = time.monotonic()
        if self._looking or now_s - self._looked_s < 1.0 / self._values['look_hz']:
            return
        self._looking, self._looked_s = True, now_s
        self._worker.run(self._judge, picture, now_s).add_done_callback(self._on_judged)

    def _on_judged(self, future: Future) -> None:
        self._looking = False
        if future.exception() is not None:
            self._trouble = failure_of(future.exception()).message
            self.get_logger().warning(f'a frame was left out: {self._trouble}', throttle_duration_sec=10.0)
            return
        look: FaceSeen = future.result()
        self._trouble, self._presence.smallest = '', self._values['smallest_face']
        if look.box is not None:
            self._seen_s = look.at_s
        if self._presence.saw(look.at_s, look.box, look.picture.width) and look.quality is not None:
            self._frames.add(look.at_s, look.quality, look.picture)

    def _tick(self) -> None:
        now_s = time.monotonic()
        if self._is_needed() and self._image_in is None:
            self._image_in = ImageInput(self, 'image_raw', self._on_image, self._values['image_transport'])
        elif not self._is_needed() and self._image_in is not None:
            self._image_in.close()
            self._image_in = None
            self._frames.clear()
        if self._wanted is not None:
            self._answer_trigger(self._wanted, now_s)
        elif self._values['enabled'] and not self._is_busy() and now_s >= self._free_s:
            self._draw_who_stays(now_s)
            if self._is_alone(now_s) and self._draw.server_is_ready():
                self._making = True
                self._worker.run(self._character).add_done_callback(self._on_character)

    def _is_alone(self, now_s: float) -> bool:
        """Whether it is time for a character."""
        after_s = self._values['character_after']
        return after_s > 0.0 and not self._making and not self._drawing and now_s - self._seen_s > after_s

    def _on_character(self, future: Future) -> None:
        self._making = False
        self._seen_s = time.monotonic()
        if future.exception() is not None:
            self._trouble = failure_of(future.exception()).message
            self.get_logger().warning(f'no character was made: {self._trouble}')
            return
        if self._wanted is None and not self._is_busy():
            self._ask(Draw.Goal(image=future.result(), artist=ARTIST), None)

    def _draw_who_stays(self, now_s: float) -> None:
        best = self._frames.best(now_s)
        if best is None or self._presence.stayed_s(now_s) < self._values['stay'] or not self._draw.server_is_ready():
            return
        self._send(*best)

    def _answer_trigger(self, wanted: Future, now_s: float) -> None:
        best = self._frames.best(now_s)
        if best is not None and self._draw.server_is_ready():
            self._wanted = None
            self._send(*best, wanted)
        elif now_s > self._wanted_until_s:
            self._wanted = None
            there = best is not None
            why = (ErrorCode.NODE_LOST, 'no node offers draw') if there else (ErrorCode.NO_FACE, 'nobody is in front')
            wanted.set_result(SketchRobotError(*why))

    def _send(self, quality: FaceQuality, picture: Image, asked: Future | None = None) -> None:
        self._frames.clear()
        self._score = quality.score
        self._ask(Draw.Goal(image=picture), asked)

    def _ask(self, goal: Draw.Goal, asked: Future | None) -> None:
        self._drawing = 'asked'
        goal.page = self._values['page']
        budget_s = self._values['time_budget']
        goal.time_budget.sec, goal.time_budget.nanosec = int(budget_s), int(budget_s % 1.0 * 1e9)
        made_up = f'the {goal.image.header.frame_id}' if goal.artist == ARTIST else ''
        about = made_up or f'of a frame with a score of {self._score:.3f}'
        self._draw.send_goal_async(goal).add_done_callback(lambda sent: self._on_answer(sent, asked, about))

    def _on_answer(self, sent: Future, asked: Future | None, about: str) -> None:
        handle = sent.result()
        if handle is None or not handle.accepted:
            self._drawing, self._free_s = '', time.monotonic() + AGAIN_S
            if asked is not None:
                asked.set_result(SketchRobotError(ErrorCode.BUSY, 'the robot is drawing something else; wait'))
            return
        self._drawing = drawing_id(handle.goal_id)
        self.get_logger().info(f'drawing {self._drawing}: {about}')
        if asked is not None:
            asked.set_result(self._drawing)
        handle.get_result_async().add_done_callback(self._on_result)

    def _on_result(self, coming: Future) -> None:
        code = ErrorCode(coming.result().result.error_code)
        self._drawn += code == ErrorCode.OK
        self._seen_s = time.monotonic()
        self._drawing, self._free_s = '', time.monotonic() + self._values['cool_down']

    async def _on_trigger(self, _request: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        if self._wanted is not None or self._drawing:
            response.message = 'BUSY: a drawing was asked for already'
            return response
        self._wanted = Future(executor=self.executor)
        self._wanted_until_s = time.monotonic() + TRIGGER_S
        answer: str | SketchRobotError = await self._wanted
        response.success = isinstance(answer, str)
        response.message = f'drawing {answer}' if response.success else str(answer)
        return response

    def _look_around(self) -> Health:
        now_s = time.monotonic()
        values = {
            'drawing': self._drawing,
            'drawn': self._drawn,
            'stayed_s': self._presence.stayed_s(now_s),
            'cool_down_s': max(0.0, self._free_s - now_s),
            'last_score': self._score,
        }
        if self._trouble:
            return Health(WARN, self._trouble, values)
        if self._is_busy():
            return Health(OK, 'drawing', values)
        waiting = 'waiting for a visitor' if now_s >= self._free_s else 'cooling down'
        return Health(OK, waiting if self._values['enabled'] else 'waiting for a trigger', values)


def main() -> None:
    """Run the node."""
    run_node(AttractNode)


if __name__ == '__main__':
    main()
