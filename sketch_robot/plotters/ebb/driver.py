"""An AxiDraw, or another machine with an EBB: moves by the time model, what is on paper proven by its own steps."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import Any, ClassVar

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.motion.machine_limits import MachineLimits
from sketch_robot.motion.plan import HOME_MM, DrawingPlan
from sketch_robot.plotters.ebb.answers import spoken
from sketch_robot.plotters.ebb.exchange import restarted
from sketch_robot.plotters.ebb.executor import EbbExecutor, program_of
from sketch_robot.plotters.ebb.machine import EbbMachine
from sketch_robot.plotters.ebb.options import EbbOptions
from sketch_robot.plotters.ebb.progress import EbbProgress, left_to_draw
from sketch_robot.plotters.journal import Journal
from sketch_robot.plotters.plotter import Capability, Outcome, PlotterStatus, Progress, check_plan
from sketch_robot.plotters.progress import Remainder
from sketch_robot.plotters.registry import register_plotter
from sketch_robot.plotters.serial_link import Link, SerialLink
from sketch_robot.plotters.session_plotter import SessionPlotter

_log = logging.getLogger(__name__)


@register_plotter('ebb', EbbOptions)
class EbbPlotter(SessionPlotter):
    """Draws on an AxiDraw or another plotter with an EBB.

    A board that was switched on since anybody last used it does not know where its pen is, until somebody says so.

    Args:
        options: see there.
        limits: how fast it goes without a drawing; None: as the last one.
        link: to a board that is on no serial port.
    """

    CAPABILITIES: ClassVar[Capability] = (
        Capability.ORIGIN | Capability.JOG | Capability.PEN_HEIGHTS | Capability.CORRECTION | Capability.PROGRAM
    )
    PEN_HEIGHT_KEYS: ClassVar[tuple[str, str]] = ('up_percent', 'down_percent')
    JOGS_IN_ALARM = True

    def __init__(
        self, options: EbbOptions | None = None, limits: MachineLimits | None = None, *, link: Link | None = None
    ) -> None:
        self._options = options or EbbOptions()
        port = SerialLink(self._options.port, machine='EBB')  # stays closed beside another link
        self._link = link if link is not None else port
        super().__init__('EBB', self._link.wake, clock=self._link.now_s, port=port)
        self._limits, self._origin_is_set = limits, self._options.origin_is_set
        self._machine = EbbMachine(self._link, self._options)
        self._executor = EbbExecutor(self._machine, self._link, self._session, self._tell)
        self._rest: Remainder | None = None
        self._begun_s = 0.0
        self._is_lost = False

    # ------------------------------------------------------------- what it is
    def describe(self) -> dict[str, Any]:
        """What the board says of itself."""
        version = spoken(self._machine.exchange.version)
        return {**super().describe(), 'firmware': f'EBB {version}', 'position_known': self.knows_place}

    @property
    def progress(self) -> Progress:
        """Where the current drawing stands, or the last one stood."""
        return self._executor.progress.progress

    @property
    def knows_place(self) -> bool:
        """Whether the board has kept, since it was switched on, where the page's origin is."""
        return self._machine.place.known

    def program(self, plan: DrawingPlan) -> Iterator[bytes]:
        """The commands that draw a plan, as a board of firmware 3 is told them when nothing comes between."""
        check_plan(plan)
        return (f'{text}\r'.encode() for text in program_of(plan, self._options))

    # ------------------------------------------------------------- of the driver
    def _connect(self) -> str:
        machine, had_place, alarm = self._machine, self._machine.place.known, ''
        self._is_lost = True
        is_place_lost = machine.connect()
        if self._origin_is_set:
            machine.start_here()
            self._origin_is_set = False  # it was
        elif is_place_lost:
            alarm = machine.place.lost().message
        elif not machine.place.known and had_place:
            alarm = restarted(self._link.port).message
            machine.place.lose()
            machine.keep_place()  # should another program ask
        self._executor.progress.pen_down = False
        self._is_lost = False
        return alarm

    def _release(self) -> None:
        if self._is_lost:
            self._link.close()
        else:
            self._machine.exchange.close()

    def _home(self) -> None:
        self._begin_motion()
        self._machine.keep_between(HOME_MM)
        self._executor.park()
        self._machine.keep_place()

    def _begin_motion(self, *, moves: bool = True) -> None:
        """Get ready to move without a drawing; only the pen, if it says so."""
        machine = self._machine
        self._executor.begin(self._limits or self._executor.limits, EbbProgress(machine))
        machine.place.watches_power = moves
        if moves:
            machine.check_place()

    def _only_pen(self, action: Callable[[], None]) -> None:
        self._begin_motion(moves=False)
        self._machine.keep_between(HOME_MM)
        self._executor.persist(action)

    def _move_pen_to(self, *, down: bool) -> None:
        self._only_pen(self._executor.drop if down else self._executor.lift)

    def _move_pen(self, height: float) -> None:
        if not 0.0 <= height <= 100.0:
            raise SketchRobotError(ErrorCode.BAD_GOAL, f'a pen height of {height:g} % is not possible; take 0 to 100')
        self._only_pen(lambda: self._executor.move_pen(height))

    def _set_origin(self) -> None:
        machine = self._machine
        machine.stand_anywhere()
        machine.raise_pen()
        self._executor.progress.pen_down = False
        machine.start_here()

    def _jog(self, x_mm: float, y_mm: float) -> None:
        if self._machine.place.known:
            self._begin_motion()
        else:  # by eye, to the page's corner
            self._begin_motion(moves=False)
            self._machine.stand_anywhere()
        to_mm = self._machine.end_mm[0] + x_mm, self._machine.end_mm[1] + y_mm
        self._machine.keep_between(to_mm)

        def go() -> None:
            self._executor.lift()
            self._executor.travel(to_mm)

        self._executor.persist(go)
        self._machine.keep_place()

    # ------------------------------------------------------------- drawing
    def _begin(self, plan: DrawingPlan, journal: Journal | None) -> Remainder:
        machine = self._machine
        machine.check_place()
        self._rest = left_to_draw(plan, journal, machine)
        self._executor.begin(plan.profile, EbbProgress(machine, self._rest, journal))
        machine.keep_between(HOME_MM, (plan.page.width_mm, plan.page.height_mm))
        machine.keep_place(drawing=True)
        self._begun_s = self._link.now_s()
        return self._rest

    def _draw_strokes(self, start: int, end: int) -> None:
        assert self._rest is not None
        self._executor.draw_strokes(self._rest, start, end)

    def _await_pen(self, request: str) -> None:
        self._park()
        self._executor.stand_paused(request)
        self._machine.keep_place(drawing=True)

    def _look(self) -> None:
        self._executor.look_paused()

    def _halt(self) -> None:
        self._executor.halt()

    def _park(self) -> None:
        self._executor.progress.flush()
        self._executor.park()
        self._machine.keep_place()

    def _outcome(self, finished: bool) -> Outcome:
        self._executor.progress.flush()
        return self._executor.progress.outcome(finished, self._link.now_s() - self._begun_s)

    # ------------------------------------------------------------- ends
    def _abort(self, error: BaseException) -> None:
        """Stop where the pen is and lift it, whatever else is wrong; record what is drawn."""
        machine, progress = self._machine, self._executor.progress
        try:
            if drawn := machine.abort(self._executor.limits.lifting_s):
                progress.drawn(*drawn)
            machine.keep_place()
        except SketchRobotError as another:
            _log.warning('the EBB is left as it is, and its pen may be down: %s', another.message)
            if another.code != ErrorCode.PLOTTER_OFFLINE:
                self._raise_pen_anyhow()
        progress.pen_down = False  # as far as anybody knows
        try:
            progress.flush()
        except SketchRobotError as another:
            _log.warning('%s', another.message)
        self._is_lost = isinstance(error, SketchRobotError) and error.code == ErrorCode.PLOTTER_OFFLINE

    def _raise_pen_anyhow(self) -> None:
        try:
            self._machine.raise_pen()
            self._machine.place.check_restart()
        except SketchRobotError as error:
            _log.warning('the pen may be down: %s', error.message)

    def _leave(self, status: PlotterStatus) -> None:  # noqa: ARG002  in alarm, too
        self._machine.leave()
