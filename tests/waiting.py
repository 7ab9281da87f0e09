"""Waiting for what another task, thread or process does, without a fixed pause."""

import asyncio
import time


def until(ready, seconds=60, check=None):
    """Come back when `ready()` is true, and fail when it is not in so many seconds; `check()` fails earlier."""
    deadline = time.monotonic() + seconds
    while not ready():
        if check is not None:
            check()
        assert time.monotonic() < deadline, f"nothing came of it in {seconds} seconds"
        time.sleep(0.01)  # the others need the processor


async def eventually(ready, seconds=60):
    """What `await ready()` answers, as soon as that is something; fails when it is not in so many seconds."""
    async with asyncio.timeout(seconds):
        while not (answer := await ready()):  # noqa: ASYNC110 - others tell this test nothing
            await asyncio.sleep(0.01)
    return answer
