"""The node `studio`: the pages for visitors and the operator, and the queue, over HTTP.

Speaks to the graph as any client would: `render_line_art` and `plan_drawing` for what a sitter chooses from,
`execute_plan` for what is drawn, and the plotter's services. See docs/studio.md.
"""

from __future__ import annotations

import fcntl
import logging
import socket
import threading
from pathlib import Path
from typing import IO, Any

import uvicorn

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.files import state_folder
from sketch_robot.nodes.node import SketchNode, run_node
from sketch_robot.nodes.one_heap import share_one_heap
from sketch_robot.nodes.parameters import Parameter, Parameters
from sketch_robot.nodes.studio_guests import Guests
from sketch_robot.nodes.studio_robot import RosRobot
from sketch_robot.studio.app import make_app
from sketch_robot.studio.service import StudioService
from sketch_robot.studio.store import JobStore

STOP_S = 3.0
ANYWHERE = ('0.0.0.0', '::', '')

PARAMETERS = (
    Parameter('address', '127.0.0.1', "Where it listens: '127.0.0.1' for this machine alone, '0.0.0.0' for phones and "
              'tablets on the network, too.', read_only=True),
    Parameter('http_port', 8080, 'The port; 0: any that is free.', low=0, high=65535, read_only=True),
    Parameter('pin', '', "The operator's PIN; empty: the last one, or one that is made and logged.", read_only=True),
    Parameter('database', '', 'Where the queue is kept; empty: ~/.local/state/sketch_robot/studio.db.', read_only=True),
    Parameter('host_names', '', 'Names, beside addresses and localhost, by which its pages may be opened, as '
              "'robot.local,studio.fair'.", read_only=True),
)  # fmt: skip


class StudioNode(SketchNode):
    """Serves the studio."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__('studio', **kwargs)
        values = Parameters(self, PARAMETERS)
        named = values['database']
        name = self.get_fully_qualified_name().strip('/').replace('/', '_')
        path = Path(named).expanduser() if named else state_folder() / f'{name}.db'
        hosts = tuple(host.strip() for host in values['host_names'].split(',') if host.strip())
        self._lock = _locked(path)
        listening = _listen(values['address'], values['http_port'])
        self.port = listening.getsockname()[1]
        self._robot = RosRobot(self)
        self._studio = StudioService(
            JobStore(path), self._robot, pin=values['pin'], hosts=(*hosts, socket.gethostname()),
            way=_way(values['address'], self.port, hosts),
        )  # fmt: skip
        self._robot.guests = Guests(self, self._studio.door)
        app = make_app(self._studio)
        self._server = uvicorn.Server(
            uvicorn.Config(
                app, log_config=None, access_log=False, server_header=False, proxy_headers=False,
                ws='websockets-sansio', timeout_graceful_shutdown=1, ws_max_size=4096,
            )
        )  # fmt: skip
        logging.getLogger('uvicorn').setLevel(logging.WARNING)
        self._thread = threading.Thread(
            target=self._server.run, kwargs={'sockets': [listening]}, name='http', daemon=True
        )
        self._thread.start()
        pin = self._studio.operator.new_pin
        host = 'localhost' if values['address'] in ('127.0.0.1', *ANYWHERE) else values['address']
        self.get_logger().info(
            f'ready: http://{host}:{self.port}/ for visitors, http://{host}:{self.port}/operator for the operator'
            + (f', whose PIN is {pin}' if pin else '')
        )

    def park(self) -> None:
        """Serve no more; a drawing that is going on ends with its client, and can be resumed after the next start."""
        self._server.should_exit = True
        self._thread.join(timeout=STOP_S)
        self._studio.close()
        self._robot.close()


def _locked(path: Path) -> IO[bytes]:
    """The right to draw from a queue, for as long as this process lives.

    Raises:
        SketchRobotError: BAD_GOAL, another studio has it, or the folder cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        held = path.with_suffix('.lock').open('wb')
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise SketchRobotError(
            ErrorCode.BAD_GOAL, f'another studio draws from the queue {path}; end it, or name another database'
        ) from error
    except OSError as error:
        raise SketchRobotError(ErrorCode.BAD_GOAL, f'cannot keep a queue at {path}: {error.strerror}') from error
    return held


def _way(address: str, port: int, hosts: tuple[str, ...]) -> str:
    """The address that phones on the network can open; '' where there is none."""
    if address in ('127.0.0.1', '::1', 'localhost'):
        return ''
    host = hosts[0] if hosts else address
    if host in ANYWHERE:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
            try:
                asking.connect(('192.0.2.1', 9))  # sends nothing: it only asks which of its addresses would be used
            except OSError:
                return ''
            host = asking.getsockname()[0]
    return f'http://[{host}]:{port}/' if ':' in host else f'http://{host}:{port}/'


def _listen(address: str, port: int) -> socket.socket:
    """A socket that listens.

    Raises:
        SketchRobotError: BAD_GOAL, the address is not this machine's, or the port is taken.
    """
    family = socket.AF_INET6 if ':' in address else socket.AF_INET
    found = socket.socket(family, socket.SOCK_STREAM)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        found.bind((address, port))
    except OSError as error:
        found.close()
        raise SketchRobotError(
            ErrorCode.BAD_GOAL, f'the studio cannot listen at {address}:{port}: {error.strerror}; choose another port'
        ) from error
    found.listen(128)
    found.set_inheritable(True)
    return found


def main() -> None:
    """Run the node."""
    share_one_heap(give_back=True)
    run_node(StudioNode)


if __name__ == '__main__':
    main()
