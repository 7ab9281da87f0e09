"""The same memory where it lies on a server: the methods of `AsyncMemory` and `Memory` over HTTP.

One table says which request each method is. Arguments are checked by the library's own method before anything is sent,
so that what is refused is refused in the same words; then the request is made of them.
"""

from __future__ import annotations

import asyncio
import functools
import inspect
import io
import json
import os
import re
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, Self, cast
from urllib.parse import urlencode, urlsplit

from mnemic import config, errors, exports, files, inputs
from mnemic.engine import Engine
from mnemic.errors import (
    Closed,
    Conflict,
    Forbidden,
    InvalidConfig,
    InvalidInput,
    MissingDependency,
    MnemicError,
    NotFound,
    StoreError,
    StoreFull,
    StoreUnavailable,
    TooManyRequests,
    Unauthorized,
    Unsupported,
    describe,
)
from mnemic.exports import Head
from mnemic.inputs import UNSET, Id, Unset
from mnemic.memory import AsyncMemory
from mnemic.moving import NAMES, Progress, survey
from mnemic.records import Line
from mnemic.sync import Memory
from mnemic.times import parse_day, parse_time
from mnemic.types import SCOPE_IDS, Scope
from mnemic.upkeep import file_name

if TYPE_CHECKING:
    import httpx2


class AsyncRemoteMemory(AsyncMemory):
    """A memory on a server (`mnemic serve`): methods, arguments, results and errors are those of `AsyncMemory`.

    Args:
        url: where the server answers, as "https://memory.example.com"; by default MNEMIC_SERVER.
        api_key: a key of that server; by default MNEMIC_API_KEY. The project is the key's.
        timeout: seconds that a request may take, extraction by a model included.
        client: an `httpx2.AsyncClient` of your own, for proxies and certificates. It is not closed.

    A request that could not be delivered is repeated, as is one that the server is too busy for. A write has one effect
    however often it was sent. Nothing is sent before the first call.

    Raises:
        InvalidConfig: no URL, or one that cannot be used.
        MissingDependency: the extra `remote` is not installed.

    The methods raise what those of `AsyncMemory` do, and besides:
        Unauthorized, Forbidden: the key is not known, or may not do this.
        TooManyRequests: the server refuses more of them for now.
        StoreUnavailable: the server does not answer.
        Unsupported: `UNSUPPORTED` says why a method is not there.
    """

    def __init__(
        self,
        url: str | None = None,
        *,
        api_key: str | None = None,
        timeout: float = 120.0,
        client: httpx2.AsyncClient | None = None,
    ) -> None:
        settings = config.load()
        server = _Server(
            url if url is not None else settings.server,
            api_key if api_key is not None else settings.api_key,
            timeout=timeout,
            client=client,
        )
        self._engine = cast("Engine", server)  # where the library's methods go on to with what they have checked
        self._bound = None

    @classmethod
    def from_config(cls, settings: Mapping[str, Any]) -> NoReturn:  # noqa: ARG003 - that of the base class
        """Not here: see `UNSUPPORTED`."""
        raise _unsupported("from_config")

    def within(self, project: str | None, **_: Any) -> NoReturn:  # noqa: ARG002 - that of the base class
        """Not here: see `UNSUPPORTED`."""
        raise _unsupported("within")

    @property
    def project(self) -> NoReturn:
        """Not here: see `UNSUPPORTED`."""
        raise _unsupported("project")

    @property
    def address(self) -> str:
        """The URL of the server."""
        return self._server.url

    async def open(self) -> Self:
        """Nothing: the first call tells whether the server answers."""
        return self

    async def close(self) -> None:
        """Close the connections, unless the client was passed in. Safe to call twice."""
        await self._server.close()

    async def export(
        self,
        path: str | os.PathLike[str],
        *,
        user_id: Id = UNSET,
        agent_id: Id = UNSET,
        app_id: Id = UNSET,
        run_id: Id = UNSET,
        vectors: bool = True,
        overwrite: bool = False,
        progress: Progress | None = None,
    ) -> dict[str, Any]:
        """See `AsyncMemory.export`: the file is written here."""
        target, overwrite = file_name(path), inputs.flag(overwrite, "overwrite")
        vectors = inputs.flag(vectors, "vectors")
        whose = self._scope(inputs.ids(user_id, agent_id, app_id, run_id))
        request = _request(Route("GET /v1/export"), {"vectors": vectors, **whose.ids}, self._bound)
        with ExitStack() as stack:
            copy = stack.enter_context(files.unfinished(target, overwrite=overwrite))
            written = _Written(stack.enter_context(exports.Destination(copy, target)), progress)
            async with self._server.stream(request) as parts:
                async for part in parts:
                    await asyncio.to_thread(written.take, part)
            written.end()
        size = await asyncio.to_thread(os.path.getsize, target)
        counts = {name: written.counts.get(kind, 0) for kind, name in NAMES.items()}
        return {"message": "Memories exported successfully!", "path": target, "bytes": size, **counts}

    async def import_export(self, path: str | os.PathLike[str], *, progress: Progress | None = None) -> dict[str, Any]:
        """See `AsyncMemory.import_export`: the file is read here, and sent in parts that the server settles one by one."""
        source = file_name(path)
        head, total = await survey(source, None)
        if head.project is None:
            raise Unsupported(f"{source!r} holds several projects; run mnemic import where the store is")
        settled, told = 0, dict[str, Any]()
        with ExitStack() as stack:
            export = stack.enter_context(exports.opened(Path(source), source))
            parts = _parts(head, exports.batches((line, size) for _, line, size in export.lines()))
            while part := await asyncio.to_thread(next, parts, None):
                content, lines = part
                request = _request(Route("POST /v1/import", sends=_LINES), {}, self._bound)
                answer = await self._server.answer(replace(request, content=content))
                told = {
                    name: value if name == "message" else told.get(name, 0) + value for name, value in answer.items()
                }
                settled += lines
                if progress is not None:
                    progress(settled, total)
        return {"message": told.pop("message"), "path": source, **told}

    @property
    def _server(self) -> _Server:
        return cast("_Server", self._engine)


class RemoteMemory(Memory):
    """A memory on a server, for code that does not await. See `AsyncRemoteMemory` for the arguments and errors.

    >>> from mnemic import RemoteMemory
    >>> with RemoteMemory("https://memory.example.com", api_key="mn-…") as m:  # doctest: +SKIP
    ...     m.search("Where does she live?", user_id="alice")
    """

    def __init__(
        self,
        url: str | None = None,
        *,
        api_key: str | None = None,
        timeout: float = 120.0,
        client: httpx2.AsyncClient | None = None,
    ) -> None:
        self._core = AsyncRemoteMemory(url, api_key=api_key, timeout=timeout, client=client)
        self._process = os.getpid()

    @classmethod
    def from_config(cls, settings: Mapping[str, Any]) -> NoReturn:  # noqa: ARG003 - that of the base class
        """Not here: see `UNSUPPORTED`."""
        raise _unsupported("from_config")

    def within(self, project: str | None, **settings: Any) -> NoReturn:  # noqa: ARG002 - that of the base class
        """Not here: see `UNSUPPORTED`."""
        raise _unsupported("within")


# Which request each method is.


@dataclass(frozen=True)
class Route:
    """One method of the library as a request. Arguments that the path does not name are its query, or its body."""

    request: str
    """Method and path."""
    reads: bool = False
    """A POST for the size of its question, which changes nothing."""
    always: Mapping[str, Any] = field(default_factory=dict)
    """Sent beside the arguments."""
    most: int | None = None
    """Largest `limit` (`top_k`, `seconds`) of the server, where the method promises no more than it asks for."""
    returns: str | None = "all"
    """What of the answer is the result: all of it, one key of it, or nothing."""
    sends: str = "application/json"

    @property
    def verb(self) -> str:
        """The HTTP method."""
        return self.request.partition(" ")[0]

    @property
    def path(self) -> str:
        """The path, with names of arguments in braces."""
        return self.request.partition(" ")[2]

    @property
    def repeatable(self) -> bool:
        """Whether it may be sent twice as it is: others bear a key by which the server knows them again."""
        return self.reads or self.verb == "GET"


ROUTES: Mapping[str, Route] = {
    "add": Route("POST /v1/memories"),
    "remember": Route("POST /v1/memories/remember"),
    "import_memories": Route("POST /v1/memories/import"),
    "update": Route("PATCH /v1/memories/{memory_id}"),
    "delete": Route("DELETE /v1/memories/{memory_id}"),
    "delete_all": Route("DELETE /v1/memories"),
    "forget": Route("POST /v1/memories/{memory_id}/forget"),
    "erase": Route("POST /v1/memories/erase"),
    "reset": Route("POST /v1/reset", always={"everything": True}),
    "undo": Route("POST /v1/changes/{change_id}/undo"),
    "feedback": Route("POST /v1/memories/{memory_id}/feedback", always={"feedback": None}),
    "pin": Route("PUT /v1/memories/{memory_id}/pin"),
    "search": Route("POST /v1/memories/search", reads=True),
    "explain": Route("POST /v1/memories/explain", reads=True),
    "context": Route("POST /v1/memories/context", reads=True),
    "get": Route("GET /v1/memories/{memory_id}"),
    "get_all": Route("GET /v1/memories", most=10_000),
    "history": Route("GET /v1/memories/{memory_id}/history", returns="results"),
    "changes": Route("GET /v1/changes"),
    "timeline": Route("GET /v1/timeline", returns="results"),
    "event": Route("GET /v1/events/{change_id}"),
    "events": Route("GET /v1/events", most=100),
    "messages": Route("GET /v1/messages"),
    "process_pending": Route("POST /v1/messages/process"),
    "wait_for_pending": Route("POST /v1/messages/wait", reads=True, most=60, returns=None),
    "retry": Route("POST /v1/messages/retry"),
    "entities": Route("GET /v1/entities"),
    "related": Route("GET /v1/entities/related"),
    "graph": Route("GET /v1/graph"),
    "merge_entities": Route("POST /v1/entities/merge"),
    "split_entity": Route("POST /v1/entities/split"),
    "consolidate": Route("POST /v1/consolidate"),
    "profile": Route("GET /v1/profile"),
    "fill": Route("POST /v1/fill", reads=True),
    "stats": Route("GET /v1/stats"),
    "verify": Route("GET /v1/verify"),
}  # fmt: skip

UNSUPPORTED: Mapping[str, str] = {
    "from_config": "model, embedder and store are the server's: give RemoteMemory a URL and a key",
    "within": "the API key says which project it is: use a key of the other one",
    "project": "the API key says which project it is",
    "reindex": "the store's embedder is changed where the store is: run mnemic reindex there",
    "backup": "a backup is a file beside the store: run mnemic backup there; export() writes one here",
    "restore": "a store is restored where it is: run mnemic restore there; import_export() takes in an export from here",
    "listen": "the server tells of what happens by webhooks, and at GET /v1/events/stream",
    "untold": "the server tells of what happens by webhooks, and at GET /v1/events/stream",
    "told": "the server tells of what happens by webhooks, and at GET /v1/events/stream",
}
"""What a memory on a server does not have, and why. Calling it raises `Unsupported`."""


class _Checked(Exception):
    """Raised where a method of the library would go on to its store: its arguments can be used."""


def _over_http(name: str, route: Route) -> Any:
    """A method of the library as one that asks the server."""
    method = getattr(AsyncMemory, name)
    signature = inspect.signature(method)

    @functools.wraps(method)
    async def call(self: AsyncRemoteMemory, /, *args: Any, **kwargs: Any) -> Any:
        with suppress(_Checked):
            await method(self, *args, **kwargs)
        found = signature.bind(self, *args, **kwargs)
        found.apply_defaults()
        given = dict(list(found.arguments.items())[1:])
        if "user_id" in given:
            given |= self._scope({key: given.pop(key) for key in SCOPE_IDS}).ids
        unsaid = {key: signature.parameters[key].default for key in given if key not in SCOPE_IDS}
        told = {key: value for key, value in given.items() if not _is_unsaid(value, unsaid.get(key, UNSET))}
        answer = await self._server.answer(_request(route, told, self._bound))
        return answer if route.returns == "all" else None if route.returns is None else answer[route.returns]

    return call


def _is_unsaid(value: Any, default: Any) -> bool:
    return isinstance(value, Unset) or (value is None and default is None)


def _refused(name: str) -> Any:
    """A method of the library that a memory on a server does not have."""

    @functools.wraps(getattr(AsyncMemory, name))
    async def call(self: AsyncRemoteMemory, /, *_: Any, **__: Any) -> NoReturn:  # noqa: ARG001 - that of the base class
        raise _unsupported(name)

    return call


def _unsupported(name: str) -> Unsupported:
    return Unsupported(f"a memory on a server has no {name}: {UNSUPPORTED[name]}")


# From arguments to a request.


@dataclass(frozen=True, kw_only=True)
class Request:
    """One request, as it is sent, however often that takes."""

    verb: str
    path: str
    query: Mapping[str, Any]
    content: bytes | None
    headers: Mapping[str, str]


def _request(route: Route, given: Mapping[str, Any], bound: Scope | None) -> Request:
    named = {name: inputs.record_id(given[name], name) for name in _IN_PATH.findall(route.path)}
    for name, value in named.items():
        if not _ID.fullmatch(value):  # which no path can hold, and no record has
            raise NotFound(value, **_NOT_FOUND.get(name, {}))
    told = {**route.always, **{key: _sent(key, value, route) for key, value in given.items() if key not in named}}
    has_body = route.verb not in ("GET", "DELETE")
    headers = {"Accept": "application/json, application/x-ndjson"}
    if bound is not None:
        headers["Mnemic-Scope"] = urlencode(bound.ids)
    if has_body:
        headers["Content-Type"] = route.sends
    if not route.repeatable:
        headers["Idempotency-Key"] = uuid.uuid4().hex
    return Request(
        verb=route.verb,
        path=route.path.format(**named),
        query={} if has_body else {key: _in_query(value) for key, value in told.items()},
        content=_json(told) if has_body else None,
        headers=headers,
    )


_IN_PATH = re.compile(r"\{(\w+)\}")
_ID = re.compile(r"[0-9a-z_-]{1,64}")
_NOT_FOUND = {"change_id": {"what": "change has the id", "where": "receipts and history() name them"}}
_TIMES = frozenset(("at", "timestamp", "as_of", "known_at", "reference_date", "since", "until"))
_AMOUNTS = frozenset(("limit", "top_k", "seconds"))


def _sent(name: str, value: Any, route: Route) -> Any:
    """The value of an argument, which was checked, as the server takes it."""
    if name in _TIMES:
        return parse_time(value, name=name).isoformat()
    if name == "expiration_date" and value is not None:
        day = parse_day(value)
        return None if day is None else day.isoformat()
    if name == "feedback":
        return value.upper()
    if name == "schema" and isinstance(value, str):
        return json.loads(value)
    if name in _AMOUNTS and route.most is not None:
        return min(value, route.most)
    return value


def _json(given: Any) -> bytes:
    try:
        return json.dumps(given, ensure_ascii=False, allow_nan=False, default=_plain).encode()
    except (ValueError, RecursionError) as exc:
        raise InvalidInput(f"what was given cannot be sent as JSON: {exc}") from exc


def _plain(value: object) -> Any:
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Sequence):
        return list(value)
    raise InvalidInput(f"{describe(value)} cannot be sent as JSON; use strings, numbers, lists or dictionaries")


def _in_query(value: Any) -> Any:
    if isinstance(value, Mapping):
        return _json(value).decode()
    return list(value) if isinstance(value, Sequence) and not isinstance(value, str) else value


# The server.


class _Server:
    """The connection to one server. It stands where the library's methods have their engine."""

    project = "default"  # a name for scopes; the server has the one of the key
    instructions: str | None = None
    categories: Mapping[str, str] = {}
    every = False

    def __init__(self, url: str | None, key: str | None, *, timeout: float, client: httpx2.AsyncClient | None) -> None:
        self.url = _checked_url(url)
        if isinstance(timeout, bool) or not isinstance(timeout, int | float) or not timeout > 0:
            raise InvalidConfig(f"timeout must be a number of seconds above 0, not {describe(timeout)}")
        if key is not None and (not isinstance(key, str) or not key.isascii() or not key.isprintable()):
            raise InvalidConfig("api_key must be a key as the server printed it")
        self._library = _http()
        self._key = key
        self._timeout = self._library.Timeout(timeout, connect=min(timeout, _LONGEST_CONNECT))
        self._owns = client is None
        self._client = self._library.AsyncClient() if client is None else client
        self._closed = False

    async def ready(self) -> NoReturn:
        """What methods await when they have checked their arguments."""
        raise _Checked

    async def close(self) -> None:
        """Close the connections, if they are ours."""
        self._closed = True
        if self._owns:
            await self._client.aclose()

    async def answer(self, request: Request) -> Any:
        """The answer's value.

        Raises:
            MnemicError: what the server says went wrong, or that it does not answer.
        """
        answer = await self._deliver(request, streamed=False)
        try:
            return answer.json()
        except ValueError as exc:
            raise self._foreign(answer) from exc

    @asynccontextmanager
    async def stream(self, request: Request) -> AsyncIterator[AsyncIterator[bytes]]:
        """The answer's bytes as they come. Raises as `answer`."""
        answer = await self._deliver(request, streamed=True)
        try:
            yield answer.aiter_bytes()
        except self._library.TransportError as exc:
            raise StoreUnavailable(f"the answer of {self.url} was cut off ({_said(exc)}); try again") from exc
        finally:
            await answer.aclose()

    async def _deliver(self, request: Request, *, streamed: bool) -> httpx2.Response:
        """The answer to a request, sent again while nobody took it or the server asks to."""
        if self._closed:
            raise Closed("this memory was closed; make a new one")
        headers = dict(request.headers) | ({} if self._key is None else {"Authorization": f"Bearer {self._key}"})
        for pause in (*_PAUSES, None):
            built = self._client.build_request(
                request.verb,
                self.url + request.path,
                params=request.query,
                content=request.content,
                headers=headers,
                timeout=self._timeout,
            )
            try:
                answer = await self._client.send(built, stream=True)
                if not streamed or not answer.is_success:
                    await answer.aread()
            except self._library.TransportError as exc:
                lasting = isinstance(exc, self._library.TimeoutException | self._library.UnsupportedProtocol)
                if pause is None or lasting:
                    raise self._unavailable(exc) from exc
                wait = pause
            else:
                if answer.is_success:
                    return answer
                asked = _asked_to_wait(answer)
                if pause is None or asked is None:
                    raise self._error_of(answer, request)
                wait = max(pause, asked)
            await asyncio.sleep(wait)
        raise AssertionError("the last try returns or raises")

    def _unavailable(self, exc: Exception) -> StoreUnavailable:
        return StoreUnavailable(f"{self.url} does not answer ({_said(exc)}); is `mnemic serve` running there?")

    def _foreign(self, answer: httpx2.Response) -> StoreUnavailable:
        kind = answer.headers.get("content-type", "no type")
        return StoreUnavailable(
            f"{self.url} answered {answer.status_code} with {kind}, which is not what a Mnemic server says; check the URL"
        )

    def _error_of(self, answer: httpx2.Response, request: Request) -> MnemicError:
        problem = _problem_in(answer)
        if problem is None:
            return self._foreign(answer)
        status, code, detail = answer.status_code, problem.get("code"), str(problem.get("detail"))
        if status == 401:
            known = "does not know this API key" if self._key else "asks for an API key"
            return Unauthorized(f"{self.url} {known}; pass api_key (--api-key), or set MNEMIC_API_KEY")
        if status == 404 and code == "NotFound" and "id" not in problem:  # a route is missing, and no memory
            return Unsupported(
                f"{self.url} has no {request.verb} {request.path}: it is of another release, or a path such as /v1 "
                "stands in the URL, which needs none"
            )
        kind = _KINDS.get(str(code)) or _BY_STATUS.get(status, StoreError if status >= 500 else InvalidInput)
        if kind is NotFound:
            error = NotFound(str(problem.get("id", "")))
            error.args = (detail,)
            return error
        return kind(detail)


_PAUSES = (0.1, 0.4, 1.0)
"""Seconds before each repetition, at least: a connection that broke, or a server that is just starting."""

_PATIENCE = 30.0
"""Longest pause that a server may ask for; beyond it the caller is told."""

_LONGEST_CONNECT = 10.0

_KINDS: Mapping[str, type[MnemicError]] = {
    name: each for name, each in vars(errors).items() if isinstance(each, type) and issubclass(each, MnemicError)
}
_BY_STATUS: Mapping[int, type[MnemicError]] = {
    403: Forbidden, 404: NotFound, 409: Conflict, 429: TooManyRequests, 502: StoreUnavailable, 503: StoreUnavailable,
    504: StoreUnavailable, 507: StoreFull,
}  # fmt: skip
"""What is raised for an answer that is no error of ours."""


def _asked_to_wait(answer: httpx2.Response) -> float | None:
    """Seconds after which the request may be sent again; None: the answer stands."""
    problem = _problem_in(answer)
    if problem is None:  # of a proxy before the server
        again = answer.status_code in (502, 503, 504)
    else:
        again = answer.status_code in (429, 503) or problem.get("code") == "StillRunning"
    asked = answer.headers.get("retry-after", "0")
    seconds = float(asked) if asked.isdigit() else 0.0
    return seconds if again and seconds <= _PATIENCE else None


def _problem_in(answer: httpx2.Response) -> dict[str, Any] | None:
    if not answer.headers.get("content-type", "").startswith("application/problem+json"):
        return None
    with suppress(ValueError):
        found = answer.json()
        return found if isinstance(found, dict) else None
    return None


def _said(exc: Exception) -> str:
    return str(exc) or type(exc).__name__


def _checked_url(url: object) -> str:
    if url is None:
        raise InvalidConfig("there is no server: pass its URL, such as 'http://localhost:8000', or set MNEMIC_SERVER")
    try:
        parts = urlsplit(url) if isinstance(url, str) else None
        whole = parts is not None and parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        whole = False
    if not whole or parts is None or parts.username is not None or parts.query or parts.fragment:
        raise InvalidConfig(
            f"a server is named by its URL, such as 'https://memory.example.com', and nothing else, not {describe(url)}"
        )
    return cast("str", url).strip().rstrip("/")


def _http() -> Any:
    try:
        import httpx2
    except ImportError as exc:
        raise MissingDependency('a memory on a server needs httpx2: pip install "mnemic[remote]"') from exc
    return httpx2


# Exports, which are files here and bodies there.


_LINES = "application/x-ndjson"
_LARGEST_PART = 4_000_000  # bytes of one request; servers take 10 MiB unless they are set otherwise


def _parts(head: Head, batches: Iterable[list[Line]]) -> Iterator[tuple[bytes, int]]:
    """An export cut into small ones, each whole, with how many records are in it. One at least."""
    sent = False
    for batch in batches:
        waiting = [batch]
        while waiting:
            lines = waiting.pop()
            content = _export_of(head, lines)
            if len(content) > _LARGEST_PART and len(lines) > 1:
                middle = len(lines) // 2
                waiting += [lines[middle:], lines[:middle]]
                continue
            sent = True
            yield content, len(lines)
    if not sent:
        yield _export_of(head, []), 0


def _export_of(head: Head, lines: Sequence[Line]) -> bytes:
    written = io.BytesIO()
    output = exports.Output(written, replace(head, counts=Counter(kind for kind, _ in lines)))
    output.take(lines)
    output.end()
    return written.getvalue()


class _Written:
    """An export as it comes in, written to a file and counted. Called on a thread of its own."""

    def __init__(self, file: exports.Destination, progress: Progress | None) -> None:
        self.counts: Counter[str] = Counter()
        self._file = file
        self._progress = progress
        self._rest = b""
        self._total: int | None = None
        self._last = ""

    def take(self, part: bytes) -> None:
        """Write some bytes."""
        *lines, self._rest = (self._rest + part).split(b"\n")
        for line in lines:
            self._last = line[2 : line.find(b'"', 2)].decode(errors="replace")
            if self._total is None:
                self._total = sum(json.loads(line)[self._last]["counts"].values())
            elif self._last != "end":
                self.counts[self._last] += 1
        self._file.write(b"".join(line + b"\n" for line in lines))
        if self._progress is not None and self._total is not None:
            done = self.counts.total()
            self._progress(done, max(done, self._total))

    def end(self) -> None:
        """Nothing more comes."""
        if self._rest or self._last != "end":
            raise StoreUnavailable("the export was cut off on its way; nothing was written, so try again")


for _name, _route in ROUTES.items():
    setattr(AsyncRemoteMemory, _name, _over_http(_name, _route))
for _name in UNSUPPORTED:
    if inspect.iscoroutinefunction(getattr(AsyncMemory, _name)):
        setattr(AsyncRemoteMemory, _name, _refused(_name))
