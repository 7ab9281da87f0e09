"""Speaks mem0's published Python client for the tests, in an environment of its own: a line of JSON in, one out.

Nothing but this machine is reached: what the client would send to anybody else fails.
"""

import asyncio
import inspect
import json
import socket
import sys

_connect = socket.socket.connect


def _connect_here_only(self, address):
    if self.family in (socket.AF_INET, socket.AF_INET6) and address[0] not in ("127.0.0.1", "::1", "localhost"):
        raise AssertionError(f"the client tried to connect to {address!r}")
    return _connect(self, address)


socket.socket.connect = _connect_here_only

from mem0 import AsyncMemoryClient, MemoryClient  # noqa: E402
from mem0.client import types  # noqa: E402


async def _answer(clients, order):
    if order["do"] == "open":
        kind = AsyncMemoryClient if order["async"] else MemoryClient
        clients[order["on"]] = kind(api_key=order["key"], host=order["host"])
        return {name: getattr(clients[order["on"]], name) for name in ("org_id", "project_id", "user_email")}
    found = clients[order["on"]]
    for name in order["method"].split("."):
        found = getattr(found, name)
    kwargs = order["kwargs"]
    if "options" in kwargs:
        kwargs["options"] = getattr(types, kwargs["options"]["type"])(**kwargs["options"]["values"])
    done = found(*order["args"], **kwargs)
    return await done if inspect.isawaitable(done) else done


def _error(exc):
    names = ("message", "error_code", "details", "suggestion", "debug_info")
    return {"type": type(exc).__name__, "text": str(exc)} | {name: getattr(exc, name, None) for name in names}


def main():
    out, sys.stdout = sys.stdout, sys.stderr
    loop, clients = asyncio.new_event_loop(), {}
    for line in sys.stdin:
        try:
            told = {"result": loop.run_until_complete(_answer(clients, json.loads(line)))}
        except Exception as exc:  # noqa: BLE001 - whatever it raises is told
            told = {"error": _error(exc)}
        print(json.dumps(told, default=str), file=out, flush=True)


main()
