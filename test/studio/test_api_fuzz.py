"""A thousand requests at random against the API as its schema describes it: none ends in a defect, touches a file or
leaves memory behind."""

from __future__ import annotations

import gc
import json
import os
import random
import string
from pathlib import Path
from typing import Any

import numpy as np
from conftest import PIN
from fastapi.testclient import TestClient

from sketch_robot.studio.app import make_app
from sketch_robot.studio.auth import RateLimit
from sketch_robot.studio.service import StudioService

REQUESTS = 1000
STRANGE: tuple[Any, ...] = (
    None, True, False, 0, -1, 1e308, 10**30, '', 'x' * 3000, '../../etc/passwd', '%2e%2e%2f', "'; DROP TABLE job; --",
    '\x00', '\ud83d\ude00', '<svg/onload=alert(1)>', [], {}, [[[]]], 'NaN',
)  # fmt: skip


def value_of(schema: dict[str, Any], root: dict[str, Any], rng: random.Random) -> Any:
    """Something that fits a schema, or not."""
    if rng.random() < 0.15:
        return rng.choice(STRANGE)
    if '$ref' in schema:
        return value_of(root['components']['schemas'][schema['$ref'].rsplit('/', 1)[1]], root, rng)
    if 'anyOf' in schema:
        return value_of(rng.choice(schema['anyOf']), root, rng)
    if 'const' in schema:
        return schema['const']
    if 'enum' in schema:
        return rng.choice(schema['enum'])
    kind = schema.get('type')
    if kind == 'object':
        wanted = [name for name in schema['properties'] if name in schema.get('required', ()) or rng.random() < 0.5]
        return {name: value_of(schema['properties'][name], root, rng) for name in wanted}
    if kind == 'string':
        return ''.join(rng.choices(string.printable + 'äß東\u202e', k=rng.randint(0, 60)))
    if kind in ('integer', 'number'):
        return rng.choice((0, 1, 2, 50, 3600, 10**6))
    return kind == 'boolean' and rng.random() < 0.5


def resident_mb() -> float:
    gc.collect()
    return int(Path('/proc/self/statm').read_text().split()[1]) * os.sysconf('SC_PAGESIZE') / 1e6


def test_a_thousand_requests_at_random_meet_no_defect(studio: StudioService, tmp_path: Path) -> None:
    rng = random.Random(7)
    studio.asking = studio.sitting = studio.ordering = RateLimit(10**6, 10**6)
    with TestClient(make_app(studio), raise_server_exceptions=False) as client:
        described = client.get('/api/openapi.json').json()
        token = client.post('/api/operator/sign-in', json={'pin': PIN}).json()['token']
        client.cookies.clear()
        calls = [
            (method, path, operation)
            for path, methods in described['paths'].items()
            for method, operation in methods.items()
            if not path.endswith('/{which}') and 'sign-' not in path  # an endless stream; and the session is needed
        ]
        known = ['']
        before_mb, statuses = 0.0, []
        for number in range(REQUESTS):
            if number == REQUESTS // 4:
                before_mb = resident_mb()
            method, path, operation = rng.choice(calls)
            named = rng.choice((*known[-5:], 'x', '..%2f..', '%00')) or 'x'
            path = path.replace('{identity}', named).replace('{sketch}', named)
            query = {
                parameter['name']: value_of(parameter['schema'], described, rng)
                for parameter in operation.get('parameters', ())
                if parameter['in'] == 'query' and rng.random() < 0.8
            }
            content: bytes | None = None
            body = operation.get('requestBody', {}).get('content', {})
            if any(kind.startswith('image/') for kind in body):
                content = bytes(np.random.default_rng(number).integers(0, 256, rng.randint(0, 3000), np.uint8))
            elif body:
                content = json.dumps(value_of(body['application/json']['schema'], described, rng)).encode()
                content = content[: rng.randint(0, len(content))] if rng.random() < 0.05 else content
            headers = {'Authorization': f'Bearer {token}'} if rng.random() < 0.7 else {}
            if content is not None and 'application/json' in body:
                headers['Content-Type'] = 'application/json'
            query = {name: str(value)[:100].encode(errors='replace').decode() for name, value in query.items()}
            answer = client.request(method.upper(), path, params=query, content=content, headers=headers)
            statuses.append(answer.status_code)
            assert answer.status_code < 500, (method, path, query, content, answer.text)
            if answer.status_code == 201 and 'id' in answer.json():
                known.append(answer.json()['id'])
        assert resident_mb() - before_mb < 20.0
    assert len(set(statuses)) >= 5, 'they were too much alike'
    assert {path.name.split('.')[0] for path in tmp_path.iterdir()} == {'studio'}
