"""What `/diagnostics` says of a node: once a second, and at once when it changes."""

from __future__ import annotations

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue

from sketch_robot.nodes.runner import SketchNode

OK, WARN, ERROR, STALE = DiagnosticStatus.OK, DiagnosticStatus.WARN, DiagnosticStatus.ERROR, DiagnosticStatus.STALE


class Diagnostics:
    """One status of one node."""

    def __init__(self, node: SketchNode, what: str) -> None:
        self._node = node
        self._status = DiagnosticStatus(name=f'{node.get_name()}: {what}', hardware_id=node.get_fully_qualified_name())
        self._status.level = OK
        self._out = node.create_publisher(DiagnosticArray, '/diagnostics', 10)
        node.every(1.0, self._publish)

    def say(self, level: bytes, message: str, **values: object) -> None:
        """Change the status; `values` are shown beside the message."""
        pairs = [KeyValue(key=key, value=str(value)) for key, value in values.items()]
        changed = (level, message, pairs) != (self._status.level, self._status.message, self._status.values)
        self._status.level, self._status.message, self._status.values = level, message, pairs
        if changed:
            self._publish()

    def _publish(self) -> None:
        msg = DiagnosticArray(status=[self._status])
        msg.header.stamp = self._node.get_clock().now().to_msg()
        self._out.publish(msg)
