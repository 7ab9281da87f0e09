"""Ids that are ordered by time and carry the partition of their row.

An id is a UUID of version 8 (RFC 9562, section 5.8): 48 bits of Unix milliseconds, 12 bits of
partition, then 14 bits that count within the millisecond and 48 random bits. Two ids made by one
process sort in the order they were made; ids of different processes sort by millisecond.
"""

from __future__ import annotations

import functools
import hashlib
import re
import secrets
import threading
import time

PARTITIONS = 4096
"""Number of partitions: 12 bits, enough to spread one project over any cluster we can foresee."""

_ID = re.compile("[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
_COUNTER_BITS = 14
_lock = threading.Lock()
_last_ms = 0
_counter = 0


def new_id(partition: int) -> str:
    """A new id for a row of `partition` (0 to 4095), in the 36-character form."""
    global _last_ms, _counter
    with _lock:
        now = time.time_ns() // 1_000_000
        if now > _last_ms:
            _last_ms, _counter = now, 0
        elif _counter + 1 < 1 << _COUNTER_BITS:  # same millisecond, or the clock went back
            _counter += 1
        else:
            _last_ms, _counter = _last_ms + 1, 0
        stamp, count = _last_ms, _counter
    value = stamp << 80 | 0x8 << 76 | partition << 64 | 0b10 << 62
    digits = f"{value | count << 48 | secrets.randbits(48):032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def partition_of(record_id: str) -> int | None:
    """The partition an id carries, or None when the text is not one of our ids."""
    return int(record_id[15:18], 16) if _ID.fullmatch(record_id) else None


@functools.lru_cache(maxsize=4096)
def partition_for(project: str, kind: str, name: str) -> int:
    """The partition of everything owned by `kind` (user, agent, app or run) `name` of a project."""
    digest = hashlib.blake2b(f"{project}\x1f{kind}\x1f{name}".encode(), digest_size=2).digest()
    return int.from_bytes(digest, "big") % PARTITIONS
