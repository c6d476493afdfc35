"""The robot in a behaviour tree: a leaf that is ticked, never waits, and can be halted.

The tree here is a few lines, so that the example needs no library; `DrawPortrait` fits py_trees or BehaviorTree.CPP's
Python bindings alike: `tick` starts the drawing and says whether it runs, succeeded or failed; `halt` lifts the pen.

    python3 examples/behaviour.py --patience 120
"""

import argparse
import enum
import sys
import time
from typing import Any, Protocol

from sketch_robot import ErrorCode
from sketch_robot.client import DrawError, DrawHandle, PortraitClient

TICK_S = 0.1


class Status(enum.Enum):
    """What a tick comes to."""

    RUNNING = 'running'
    SUCCESS = 'success'
    FAILURE = 'failure'


class Behaviour(Protocol):
    """A node of the tree."""

    def tick(self) -> Status:
        """Do a little; come back at once."""

    def halt(self) -> None:
        """Stop what is going on."""


class DrawPortrait:
    """Have a portrait drawn; tried again when the robot was busy or saw no face."""

    again = frozenset({ErrorCode.BUSY, ErrorCode.NO_FACE})

    def __init__(self, robot: PortraitClient, **goal: Any) -> None:
        self._robot, self._goal = robot, goal
        self._drawing: DrawHandle | None = None

    def tick(self) -> Status:
        """Start it, or see how it stands."""
        if self._drawing is None:
            self._drawing = self._robot.draw(**self._goal)
        if not self._drawing.done:
            return Status.RUNNING
        drawing, self._drawing = self._drawing, None
        try:
            result = drawing.result()
        except DrawError as error:
            print(f'draw: {error}')
            return Status.RUNNING if error.code in self.again else Status.FAILURE
        print(f'draw: {result.strokes_drawn} strokes')
        return Status.SUCCESS

    def halt(self) -> None:
        """Lift the pen and park."""
        if self._drawing is not None:
            self._drawing.cancel()
            self._drawing = None


class Say:
    """Say something; it always succeeds."""

    def __init__(self, text: str) -> None:
        self._text = text

    def tick(self) -> Status:
        """Say it."""
        print(self._text)
        return Status.SUCCESS

    def halt(self) -> None:
        """Words cannot be taken back."""


class Sequence:
    """One after the other, as long as they succeed."""

    def __init__(self, *children: Behaviour) -> None:
        self._children, self._at = children, 0

    def tick(self) -> Status:
        """Tick the child that it is at."""
        status = self._children[self._at].tick()
        if status != Status.SUCCESS:
            return status
        self._at += 1
        return Status.SUCCESS if self._at == len(self._children) else Status.RUNNING

    def halt(self) -> None:
        """Stop the child that it is at."""
        self._children[self._at].halt()


def main() -> int:
    """Tick the tree until it has ended; 0 when it succeeded."""
    parser = argparse.ArgumentParser(description='Run a small behaviour tree that draws a portrait.')
    parser.add_argument('--patience', type=float, default=600.0, help='seconds after which the tree is halted')
    parser.add_argument('--page', default='')
    args = parser.parse_args()
    with PortraitClient(server_timeout=60.0) as robot:
        tree = Sequence(Say('Hello!'), DrawPortrait(robot, page=args.page), Say('Here you are.'))
        deadline_s = time.monotonic() + args.patience
        while (status := tree.tick()) == Status.RUNNING:
            if time.monotonic() > deadline_s:
                tree.halt()
                print('halted')
                return 1
            time.sleep(TICK_S)
    return 0 if status == Status.SUCCESS else 1


if __name__ == '__main__':
    sys.exit(main())
