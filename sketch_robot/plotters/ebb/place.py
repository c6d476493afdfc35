"""Whether an EBB knows where its pen is: what the board remembers, and what takes the place from it.

The board counts steps, and keeps a variable until it restarts (`SL`, `QL`): whether its counts are from the page's
origin, whether a drawing is under way, and at rest a hash of the counts. Other programs' `EM` sets the counts to zero;
motors without power, or let go, do not follow them.
"""

from __future__ import annotations

from enum import IntEnum

from sketch_robot.plotters.ebb.client import EbbClient
from sketch_robot.plotters.ebb.exchange import restarted
from sketch_robot.plotters.plotter import OriginUnknownError

_FULL_STEPS = 16  # what QE says of motors in sixteenths of steps


class PlaceState(IntEnum):
    """What the board's variable says; it is 0 after a restart."""

    NOTHING = 0
    KNOWN = 100  # and up to 249, by where the motors stand
    DRAWING = 250  # known, and a drawing is under way
    LOST = 251  # the motors are not where they are counted


class EbbPlace:
    """Knows where an EBB is, and when that is not known any more. One thread at a time.

    Args:
        client: to talk with the board. One without `QL` remembers nothing.

    Attributes:
        known: whether the board's steps count from the page's origin.
        is_lost: whether they did, and do no more; else nobody has said yet where the pen is.
        left_alone: the board had been left in the middle of a drawing when it was found, and still knows its place.
        found_down: whether its pen was down then.
        watches_power: whether a look that finds the motors without power is an alarm.
    """

    def __init__(self, client: EbbClient) -> None:
        self._client = client
        self.known = self.left_alone = self.found_down = self.watches_power = False
        self.is_lost = False

    # ------------------------------------------------------------- what the board remembers
    def find(self, at: tuple[int, int]) -> bool:
        """Find out whether a board that was just connected knows its place; True: it did, and has lost it.

        Args:
            at: steps of its motors, which rest.
        """
        state = self._state(at)
        if state != PlaceState.NOTHING and not self._can_be(state, at):
            state = PlaceState.LOST
        self.known = state in (PlaceState.KNOWN, PlaceState.DRAWING)
        self.left_alone = state == PlaceState.DRAWING
        self.found_down = self.left_alone and not self._client.pen_is_up()
        self.is_lost = state == PlaceState.LOST
        return state == PlaceState.LOST

    def _state(self, at: tuple[int, int]) -> PlaceState:
        if not self._client.reader.knows('QL'):
            return PlaceState.NOTHING
        value = self._client.ask_number('QL', low=0, high=255)
        if value in (PlaceState.DRAWING, PlaceState.LOST):
            return PlaceState(value)
        if not PlaceState.KNOWN <= value < PlaceState.DRAWING:
            return PlaceState.NOTHING
        return PlaceState.KNOWN if value == _known_at(at) else PlaceState.LOST

    def _can_be(self, state: PlaceState, at: tuple[int, int]) -> bool:
        """Whether the motors can be where they are counted, as far as the board tells."""
        zeroed = state == PlaceState.DRAWING and at == (0, 0)  # where no drawing is left alone
        powered = not self._client.reader.power_lost and self._client.has_power()
        return state != PlaceState.LOST and not zeroed and powered and self._motors_held()

    def _motors_held(self) -> bool:
        return not self._client.reader.knows('QE') or self._client.ask('QE', 2) == [str(_FULL_STEPS)] * 2

    def keep(self, at: tuple[int, int], *, drawing: bool = False, held: bool = True) -> None:
        """Let the board keep what is known, should it be left alone.

        Args:
            at: steps of its motors.
            drawing: whether a drawing is under way, so that they will not stay there.
            held: whether the motors keep their current; else their place is forgotten.
        """
        if not self._client.reader.knows('QL') or not (self.known or self.is_lost):
            return
        known = PlaceState.DRAWING if drawing else _known_at(at) if held else PlaceState.NOTHING
        self._client.settle(f'SL,{int(known if self.known else PlaceState.LOST)}')

    def set(self) -> None:
        """The pen is above the page's origin, and the board counts from there."""
        self.known, self.is_lost = True, False
        self.left_alone = self.found_down = False

    def lose(self) -> None:
        """The motors are not where they are counted."""
        self.known, self.is_lost = False, True

    def check_restart(self) -> None:
        """Refuse to go on with a board that has forgotten its place.

        Raises:
            OriginUnknownError: it has restarted.
        """
        if not self.known or not self._client.reader.knows('QL'):
            return
        if self._client.ask_number('QL', low=0, high=255) == PlaceState.NOTHING:
            self.lose()
            raise restarted(self._client.port)

    # ------------------------------------------------------------- before and while it moves
    def check(self, at: tuple[int, int]) -> None:
        """Refuse to move motors that have no power, or are not where they were left.

        Args:
            at: steps at which they were left.

        Raises:
            OriginUnknownError: they are elsewhere.
        """
        self.watches_power = True
        if not self.known:
            raise self.lost()
        self._client.status()  # what was pressed or noticed before
        self.check_power()
        if self._client.steps_at_rest() != at or not self._motors_held():
            self.lose()
        self.check_kept()

    def check_power(self) -> None:
        """Refuse to go on while the motors' supply is not plugged in, or after it was not.

        Raises:
            OriginUnknownError: so it is.
        """
        if not self._client.has_power():
            self.lose()
            raise self._without_power('have no power')
        self.check_look()

    def check_look(self) -> None:
        """Refuse to go on after the supply was too low, as far as that has been seen, where it matters.

        Raises:
            OriginUnknownError: so it was.
        """
        if self._client.reader.power_lost and self.watches_power:
            self.lose()
            raise self._without_power('lost their power, and the pen its place')

    def check_kept(self) -> None:
        """Refuse to go on after the motors were found where they cannot be, or without power.

        Raises:
            OriginUnknownError: so it was.
        """
        self.check_look()
        if not self.known:
            raise self.lost()

    def has_power(self) -> bool:
        """Whether the motors have followed what they were told, as far as it matters."""
        if not self.watches_power:
            return True
        self._client.reader.power_lost = self._client.reader.power_lost or not self._client.has_power()
        return not self._client.reader.power_lost

    def lost(self) -> OriginUnknownError:
        """What to say when nobody knows where the motors are."""
        why = (
            'its motors were without power, or another program used it'
            if self.is_lost
            else 'it was switched on since it was last used'
        )
        return OriginUnknownError(f'the EBB at {self._client.port} does not know where its pen is, as {why}')

    def _without_power(self, what: str) -> OriginUnknownError:
        return OriginUnknownError(f'the motors of the EBB at {self._client.port} {what}; plug in its supply')


def _known_at(steps: tuple[int, int]) -> int:
    """What says that the place is known and the motors stand there: other counts are most likely said otherwise."""
    return PlaceState.KNOWN + (31 * steps[0] + 17 * steps[1]) % (PlaceState.DRAWING - PlaceState.KNOWN)
