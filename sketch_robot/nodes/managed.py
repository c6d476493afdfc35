"""Nodes with a managed life (REP-2002): unconfigured, inactive, active, as a lifecycle manager or a person tells them.

By default such a node configures and activates itself: a graph needs no manager. With `autostart: false` it waits
for `ros2 lifecycle set NODE configure` and `activate`.
"""

from __future__ import annotations

from typing import Any

from rclpy.lifecycle import LifecycleNodeMixin, LifecycleState, TransitionCallbackReturn

from sketch_robot.errors import SketchRobotError
from sketch_robot.nodes.node import SketchNode, failure_of
from sketch_robot.nodes.parameters import Parameter

AUTOSTART = Parameter(
    'autostart',
    True,
    'Whether the node configures and activates itself; false: a lifecycle manager does.',
    read_only=True,
)


class ManagedNode(LifecycleNodeMixin, SketchNode):
    """A node that a manager can configure, activate, deactivate and clean up, all from the executor's thread.

    A node fills in the four steps below; each may raise SketchRobotError, which is logged and fails the transition, and
    none may wait for what the executor does.
    """

    def __init__(self, name: str, **options: Any) -> None:
        SketchNode.__init__(self, name, **options)
        LifecycleNodeMixin.__init__(self)

    def destroy_node(self) -> None:
        """Free everything; rclpy would leave the state machine's services behind, heard by everybody."""
        super().destroy_node()
        self._state_machine.destroy_when_not_in_use()

    # ------------------------------------------------------------- of the node
    def set_up(self) -> None:
        """Get hold of what is needed, without doing anything visible yet."""

    def begin(self) -> None:
        """Do what the node is for."""

    def rest(self) -> None:
        """Stop that, and be able to begin again."""

    def clear(self) -> None:
        """Give back what `set_up` took."""

    # ------------------------------------------------------------- its life
    @property
    def is_active(self) -> bool:
        """Whether it does what it is for."""
        return bool(self._state_machine.current_state[1] == 'active')

    def start(self, autostart: bool) -> None:
        """The last act of a node's making: be active, unless a manager decides on that.

        Raises:
            SketchRobotError: it cannot be configured or activated.
        """
        if not autostart:
            self.get_logger().info('waiting to be configured and activated (autostart is false)')
            return
        self._failure: SketchRobotError | None = None
        for trigger in (self.trigger_configure, self.trigger_activate):
            if trigger() != TransitionCallbackReturn.SUCCESS:
                assert self._failure is not None  # whatever failed left it
                raise self._failure

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Configure."""
        return self._made(self.set_up, lambda: super(ManagedNode, self).on_configure(state))

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Activate."""
        return self._made(self.begin, lambda: super(ManagedNode, self).on_activate(state))

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Deactivate."""
        done = self._made(self.rest, lambda: super(ManagedNode, self).on_deactivate(state))
        self.get_logger().info('inactive')
        return done

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Clean up."""
        return self._made(self.clear, lambda: super(ManagedNode, self).on_cleanup(state))

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Rest and clean up, for good; the process ends by a signal."""
        if state.label == 'active':
            self.rest()
        if state.label in ('active', 'inactive'):
            self.clear()
        return super().on_shutdown(state)

    def on_error(self, state: LifecycleState) -> TransitionCallbackReturn:
        """A defect in a step, which the log has: be unconfigured."""
        return super().on_error(state)

    def _made(self, step: Any, managed: Any) -> TransitionCallbackReturn:
        try:
            step()
        except Exception as error:  # noqa: BLE001  every failure is named and fails the transition; defects are logged
            self._failure = failure_of(error)
            self.get_logger().error(str(self._failure))
            return TransitionCallbackReturn.FAILURE
        return managed()
