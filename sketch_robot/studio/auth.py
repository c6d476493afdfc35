"""Who may do what: the operator's PIN, sessions, and how often anybody may ask.

The PIN is kept as a scrypt hash. Guessing it is slow for an address (five tries a minute) and for all together
(thirty); who knows it gets a random token for a day, by a cookie that no other site can send (SameSite=Strict), or as a
bearer token for programs.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
import time
from collections.abc import Callable

from sketch_robot.studio.store import JobStore

SESSION_S = 86400.0
MOST_SESSIONS = 100
_SCRYPT = {'n': 2**14, 'r': 8, 'p': 1, 'maxmem': 64 * 2**20}


class RateLimit:
    """A bucket of tokens for each address.

    Args:
        most: how many at once.
        per_s: how many more each second.
        clock: seconds.
    """

    def __init__(self, most: float, per_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._most, self._per_s, self._clock = most, per_s, clock
        self._left: dict[str, tuple[float, float]] = {}
        self._lock = threading.Lock()

    def takes(self, address: str) -> bool:
        """Take one token of an address; False: it has none."""
        with self._lock:
            now = self._clock()
            if len(self._left) > 5000:  # full buckets say nothing
                full_s = self._most / self._per_s
                self._left = {key: value for key, value in self._left.items() if now - value[1] < full_s}
            left, since = self._left.get(address, (self._most, now))
            left = min(self._most, left + (now - since) * self._per_s)
            taken = left >= 1.0
            self._left[address] = (left - 1.0 if taken else left, now)
            return taken


class Operator:
    """The operator's PIN and sessions.

    Args:
        store: keeps the PIN's hash.
        pin: a new one; '' keeps the one that there is, or makes one of six digits.
    """

    def __init__(self, store: JobStore, pin: str = '') -> None:
        self._store = store
        self._sessions: dict[str, float] = {}
        self._lock = threading.Lock()
        self._by_address, self._by_all = RateLimit(5, 5 / 60), RateLimit(30, 30 / 60)
        self.new_pin = ''  # made now, to be shown once to who started the program
        if pin:
            self.set_pin(pin)
        elif not store.value('pin', ''):
            self.new_pin = f'{secrets.randbelow(10**6):06d}'
            self.set_pin(self.new_pin)

    def set_pin(self, pin: str) -> None:
        """Change the PIN; all sessions end."""
        salt = secrets.token_bytes(16)
        self._store.keep('pin', f'{salt.hex()}:{_slow_hash(pin, salt)}')
        with self._lock:
            self._sessions.clear()

    def may_try(self, address: str) -> bool:
        """Whether an address may try a PIN now; that counts as a try."""
        return self._by_address.takes(address) and self._by_all.takes('')

    def sign_in(self, pin: str) -> str:
        """A session's token; '' when the PIN is wrong."""
        salt, _, expected = self._store.value('pin', '').partition(':')
        if not hmac.compare_digest(_slow_hash(pin, bytes.fromhex(salt)), expected):
            return ''
        token, now = secrets.token_urlsafe(24), time.monotonic()
        with self._lock:
            self._sessions = {key: end for key, end in self._sessions.items() if end > now}
            while len(self._sessions) >= MOST_SESSIONS:
                self._sessions.pop(next(iter(self._sessions)))
            self._sessions[token] = now + SESSION_S
        return token

    def sign_out(self, token: str) -> None:
        """End a session."""
        with self._lock:
            self._sessions.pop(token, None)

    def is_signed_in(self, token: str) -> bool:
        """Whether a token is that of a session."""
        with self._lock:
            return bool(token) and self._sessions.get(token, 0.0) > time.monotonic()


def _slow_hash(pin: str, salt: bytes) -> str:
    return hashlib.scrypt(pin.encode('utf-8', errors='replace'), salt=salt, **_SCRYPT).hex()  # type: ignore[arg-type]
