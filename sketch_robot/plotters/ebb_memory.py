"""What an EBB remembers for us until it restarts: whether its steps count from the page's origin (`SL`, `QL`)."""

from __future__ import annotations

from enum import IntEnum

from sketch_robot.plotters.ebb_client import EbbClient

_FULL_STEPS = 16  # what QE says of motors in sixteenths of steps


class Memory(IntEnum):
    """Values of the board's variable; it is 0 after a restart."""

    NOTHING = 0
    KNOWN = 173
    DRAWING = 174  # KNOWN, and a drawing is under way


class EbbMemory:
    """See the module. A board without `QL` remembers nothing.

    Args:
        client: to talk with the board.
    """

    def __init__(self, client: EbbClient) -> None:
        self._client = client

    @property
    def works(self) -> bool:
        """Whether the board has such a variable."""
        return self._client.knows('QL')

    def read(self) -> Memory:
        """What the board remembers; nothing where its motors were switched since.

        Raises:
            SketchRobotError: as `EbbClient.ask`.
        """
        if not self.works:
            return Memory.NOTHING
        value = self._client.ask_number('QL', low=0, high=255)
        return Memory(value) if value in (Memory.KNOWN, Memory.DRAWING) else Memory.NOTHING

    def motors_held(self) -> bool:
        """Whether both motors have their current still, as far as the board tells.

        Raises:
            SketchRobotError: as `EbbClient.ask`.
        """
        return not self._client.knows('QE') or self._client.ask('QE', 2) == [str(_FULL_STEPS)] * 2

    def write(self, value: Memory) -> None:
        """Let it remember.

        Raises:
            SketchRobotError: as `EbbClient.settle`.
        """
        if self.works:
            self._client.settle(f'SL,{int(value)}')
