"""Be told by the studio what happens to drawings, and ring the bell when one is finished.

    python examples/studio_webhook.py --pin 2468

The studio runs (`make studio`). What it sends is signed as Standard Webhooks 1.0 has it, and looked at before it is
believed. Ends after `--drawn` drawings, or with Ctrl-C; then it asks to be told no more.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import hmac
import json
import sys
import time
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any, ClassVar

OLD_S = 300.0  # a message that was signed longer ago may be somebody's recording


def ask(method: str, url: str, body: dict[str, Any] | None = None, token: str = '') -> Any:
    """Send a request to the studio."""
    headers = {'Content-Type': 'application/json', **({'Authorization': f'Bearer {token}'} if token else {})}
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(urllib.request.Request(url, data, headers, method=method), timeout=10) as answer:
        return json.loads(answer.read())


def is_genuine(headers: Any, body: bytes, secret: str) -> bool:
    """Whether the studio has sent it, just now."""
    signed = f'{headers["webhook-id"]}.{headers["webhook-timestamp"]}.'.encode() + body
    digest = hmac.new(base64.b64decode(secret.removeprefix('whsec_')), signed, hashlib.sha256).digest()
    expected = 'v1,' + base64.b64encode(digest).decode()
    fresh = abs(time.time() - float(headers.get('webhook-timestamp') or 0)) < OLD_S
    return fresh and hmac.compare_digest(headers.get('webhook-signature') or '', expected)


class Ear(BaseHTTPRequestHandler):
    """Hears one message."""

    secret = ''
    seen: ClassVar[set[str]] = set()
    drawn = 0

    def do_POST(self) -> None:
        """Answer at once; what takes long would be done by another thread."""
        body = self.rfile.read(min(int(self.headers.get('Content-Length', 0)), 65_536))
        genuine = is_genuine(self.headers, body, Ear.secret)
        self.send_response(204 if genuine else 401)
        self.end_headers()
        identity = self.headers['webhook-id']
        if not genuine or identity in Ear.seen:  # it may be told twice
            return
        Ear.seen.add(identity)
        event = json.loads(body)
        drawn = event['type'] == 'job.drawn'
        Ear.drawn += drawn
        told = [f'number {event["data"]["number"]}', event['type'].removeprefix('job.'), event['data']['reason']]
        sys.stdout.write(': '.join(filter(None, told)) + ('\a\n' if drawn else '\n'))
        sys.stdout.flush()

    def log_message(self, *_: object) -> None:
        """Say nothing else."""


def main() -> None:
    """Sign in, listen, and leave."""
    parser = argparse.ArgumentParser(description='Be told by the studio what happens to drawings.')
    parser.add_argument('--studio', default='http://localhost:8080')
    parser.add_argument('--pin', required=True)
    parser.add_argument('--host', default='127.0.0.1', help='an address of this computer that the studio can reach')
    parser.add_argument('--port', type=int, default=0, help='0: any that is free')
    parser.add_argument('--drawn', type=int, default=0, help='end after so many drawings; 0: never')
    args = parser.parse_args()
    api = f'{args.studio}/api/operator'
    listening = HTTPServer((args.host, args.port), Ear)
    listening.timeout = 0.5
    try:
        token = ask('POST', f'{api}/sign-in', {'pin': args.pin})['token']
        url = f'http://{args.host}:{listening.server_port}/'
        hook = ask('POST', f'{api}/webhooks', {'url': url}, token)
    except urllib.error.HTTPError as error:
        sys.exit(json.loads(error.read())['message'])
    except urllib.error.URLError as error:
        sys.exit(f'the studio cannot be reached at {args.studio}: {error.reason}')
    Ear.secret = hook['secret']
    sys.stdout.write(f'listening at {url}\n')
    sys.stdout.flush()
    try:
        while not args.drawn or Ear.drawn < args.drawn:
            listening.handle_request()
    except KeyboardInterrupt:
        pass
    finally:
        ask('DELETE', f'{api}/webhooks/{hook["id"]}', None, token)


if __name__ == '__main__':
    main()
