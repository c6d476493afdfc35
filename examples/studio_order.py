"""Order a portrait from the studio and wait for it, with nothing but Python's own library.

    python examples/studio_order.py face.jpg --caption "Anna, Vienna 2026" --out portrait.svg

The studio runs (`make studio`); its operator puts in the sheet.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any


def ask(url: str, body: bytes | dict[str, Any] | None = None, *, secret: str = '') -> bytes:
    """Send a request; a body makes it a POST."""
    headers = {'Authorization': f'Bearer {secret}'} if secret else {}
    if isinstance(body, dict):
        body = json.dumps(body).encode()
        headers['Content-Type'] = 'application/json'
    elif body is not None:
        headers['Content-Type'] = 'image/*'
    with urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=120) as answer:
        return bytes(answer.read())


def main() -> None:
    """Order, wait, fetch."""
    parser = argparse.ArgumentParser(description='Have a portrait drawn by the studio.')
    parser.add_argument('photo', type=Path)
    parser.add_argument('--studio', default='http://localhost:8080')
    parser.add_argument('--kind', default='normal', choices=('few', 'normal', 'rich'))
    parser.add_argument('--caption', default='')
    parser.add_argument('--out', type=Path, default=Path('portrait.svg'), help='.svg, .png, .pdf, .gcode or .hpgl')
    args = parser.parse_args()
    api = f'{args.studio}/api'
    try:
        sitting = json.loads(ask(f'{api}/sittings', args.photo.read_bytes()))
        order = {'sketch': sitting['sketch'], 'kind': args.kind, 'caption': args.caption, 'consent': True}
        job = json.loads(ask(f'{api}/jobs', order))
        sys.stdout.write(f'number {job["number"]}, about {job["predicted_s"]:.0f} s of drawing\n')
        while job['state'] not in ('drawn', 'failed', 'dropped'):
            time.sleep(1.0)
            job = {**job, **json.loads(ask(f'{api}/jobs/{job["id"]}', secret=job['secret']))}
        if job['state'] != 'drawn':
            sys.exit(f'the drawing was {job["state"]}')
        form = args.out.suffix.lstrip('.')
        args.out.write_bytes(ask(f'{api}/jobs/{job["id"]}/file?form={form}', secret=job['secret']))
        sys.stdout.write(f'drawn: {args.out}\n')
    except urllib.error.HTTPError as error:
        sys.exit(json.loads(error.read())['message'])
    except urllib.error.URLError as error:
        sys.exit(f'the studio cannot be reached at {args.studio}: {error.reason}')


if __name__ == '__main__':
    main()
