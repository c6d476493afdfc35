"""Receives whoever stays before the camera while the page there is at rest, if the operator wants that.

Somebody else looks for faces and brings the picture of who stays; its lines are made here, and the page at rest is told
which sitting it is. Nobody is drawn by that: they choose and agree as everybody does, or go away.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np

from sketch_robot.studio.sittings import Sittings


class Door:
    """Open while a page is at rest and nobody was received yet.

    Args:
        sittings: where who comes sits.
        settings: the settings as they are now.
    """

    def __init__(self, sittings: Sittings, settings: Callable[[], dict[str, Any]]) -> None:
        self._sittings, self._settings = sittings, settings
        self._resting = 0
        self._lock = threading.Lock()
        self._invited = ''

    @property
    def is_open(self) -> bool:
        """Whether somebody who stays is received."""
        return self._resting > 0 and not self._invited and self._settings()['start_by_face']

    @property
    def invited(self) -> str:
        """The sitting of who was received, for the page at rest; '' for nobody."""
        return self._invited

    def rest(self, more: int) -> None:
        """A page came to rest (1), or left it (-1); with the last one goes who was received."""
        with self._lock:
            self._resting += more
            if self._resting == 0:
                self._invited = ''

    def receive(self, photo: np.ndarray) -> None:
        """Receive somebody, of a photo (H, W, 3) uint8 RGB.

        Raises:
            SketchRobotError: as `Sittings.sit`.
        """
        name, _ = self._sittings.sit(photo)
        with self._lock:
            self._invited = name if self._resting else ''
