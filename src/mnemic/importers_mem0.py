"""Reads memories out of mem0: its folder, its table in PostgreSQL, or its server. Writes nothing, there or here.

The folder is Qdrant's local mode: SQLite files whose rows are pickles. Qdrant's own client would unpickle
whatever they name, lock the folder, and delete rows it finds outdated. Here the files are opened for reading only,
and of a pickle nothing is called but the constructors of times and UUIDs: every other class is an empty stand-in.
"""

from __future__ import annotations

import asyncio
import importlib.util
import io
import json
import pickle
import sqlite3
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import quote, urlsplit
from uuid import UUID

from mnemic.errors import InvalidConfig, InvalidInput, MissingDependency, StoreError, describe
from mnemic.times import parse_time

if TYPE_CHECKING:
    from httpx2 import Client, Response

Item = dict[str, Any]
"""A memory as `Memory.import_memories` takes it. With `problem`, one that cannot be read, and why."""

COLLECTION = "mem0"
"""What mem0 calls its collection, or its table, unless told otherwise."""


_ORDER = ("user_id", "agent_id", "app_id", "run_id", "created_at")
"""Memories of one owner together: they are stored in one transaction a chunk, and listed in the order they came."""


@dataclass(kw_only=True)
class Source:
    """Memories of mem0, to be read once."""

    address: str
    """Where they are, without a password."""
    items: Iterator[Item]
    total: int | None = None
    """How many there are, where that is told beforehand."""
    deleted: int = 0
    """Memories that were deleted there, of which only the history tells; they do not come along."""
    notes: list[str] = field(default_factory=list)
    """What a person should know of what was read; complete when all of it is."""


# A folder.


@contextmanager
def opened_folder(path: Path, *, collection: str | None = None, history: Path | None = None) -> Iterator[Source]:
    """A folder of mem0's default store, owner by owner, oldest memory first, with the history that lies beside it.

    Raises:
        InvalidInput: no such folder or collection, or files that are something else.
    """
    folder = _qdrant(path)
    name = _chosen(collection, _collections(folder), str(path))
    beside = history or next((each for each in _beside(folder) if each.is_file()), None)
    changed = _history(beside) if beside is not None else {}
    items = list(_points(folder / "collection" / name / "storage.sqlite"))
    items.sort(key=lambda item: (*(str(item.get(name) or "") for name in _ORDER), str(item["id"])))
    yield _source(str(path), items, changed, beside)


def _source(address: str, items: list[Item], changed: Mapping[str, list[Item]], history: Path | None) -> Source:
    here = {str(item["id"]) for item in items}
    gone = sum(own not in here and any(map(_deletes, lines)) for own, lines in changed.items())
    found = _with_history(items, changed)
    return Source(address=address, items=found, total=len(items), deleted=gone, notes=[_of_history(history)])


def _of_history(history: Path | None) -> str:
    if history is None:
        return "no history database was found, so former texts stay behind; pass --history FILE to bring them"
    return f"former texts are from {history}"


def _with_history(items: Iterable[Item], changed: Mapping[str, list[Item]]) -> Iterator[Item]:
    for item in items:
        lines = changed.get(str(item["id"]))
        yield {**item, "history": lines} if lines else item


def _qdrant(path: Path) -> Path:
    """The folder with the collections: the one given, or the one in it that mem0 makes."""
    if not path.is_dir():
        raise InvalidInput(f"there is no folder {path}; pass the one that mem0's vector_store has as its path")
    for folder in (path, path / "qdrant"):
        if (folder / "collection").is_dir():
            return folder
    raise InvalidInput(f"{path} is no folder of mem0's: neither it nor {path / 'qdrant'} has a folder 'collection'")


def _beside(folder: Path) -> tuple[Path, ...]:
    return (folder / "history.db", folder.parent / "history.db")


def _collections(folder: Path) -> list[str]:
    return sorted(file.parent.name for file in (folder / "collection").glob("*/storage.sqlite"))


def _chosen(wanted: str | None, there: Sequence[str], where: str) -> str:
    """The collection that is meant: mem0 has others beside it, for what it links and what it migrated."""
    own = [each for each in there if not each.endswith("_entities") and each != "mem0migrations"]
    if wanted is not None:
        if wanted in there:
            return wanted
        raise InvalidInput(f"{where} has no collection {wanted!r}; it has {', '.join(there) or 'none'}")
    if COLLECTION in own or len(own) == 1:
        return COLLECTION if COLLECTION in own else own[0]
    if own:
        raise InvalidInput(f"{where} has several collections, {', '.join(own)}: say which with --collection NAME")
    raise InvalidInput(f"{where} has no collection of mem0's")


def _points(file: Path) -> Iterator[Item]:
    """What a collection holds, each once: of several rows with one id the latest counts, as Qdrant has it."""
    seen = set()
    for key, blob in _rows(file, "SELECT id, point FROM points ORDER BY rowid DESC"):
        try:
            point = _Pickle(io.BytesIO(blob)).load()
            fields = point.fields
            own, payload = str(fields["id"]), fields.get("payload") or {}
            item = _item(own, payload)
        except _BROKEN as exc:
            yield {"id": str(key), "problem": f"the point cannot be read: {type(exc).__name__}: {exc}"}
            continue
        if own not in seen:
            seen.add(own)
            yield item


def _rows(file: Path, query: str) -> Iterator[tuple[Any, ...]]:
    """Rows of a SQLite file, which is opened for reading only."""
    try:
        with closing(sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro", uri=True)) as db:
            yield from db.execute(query)
    except sqlite3.Error as exc:
        raise InvalidInput(f"{file} cannot be read: {exc}; is mem0 writing to it, or is it something else?") from exc


class _Standin:
    """In the place of any class that a pickle names. Keeps the fields it is given, and does nothing."""

    fields: Mapping[str, Any]

    def __new__(cls, *_: object) -> Self:  # of an unpickled object nothing else is called
        made = super().__new__(cls)
        made.fields = {}
        return made

    def __setstate__(self, state: object) -> None:
        state = state.get("__dict__", state) if isinstance(state, dict) else state
        self.fields = state if isinstance(state, dict) else {}


_PLAIN = {
    (module, name)
    for module, names in {
        "datetime": ("datetime", "date", "timedelta", "timezone"),
        "uuid": ("UUID", "SafeUUID"),
    }.items()
    for name in names
}
"""Classes of values in metadata, which older releases of Qdrant's client keep so; their constructors do nothing else."""


class _Pickle(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        return super().find_class(module, name) if (module, name) in _PLAIN else _Standin


_BROKEN = (pickle.UnpicklingError, EOFError, AttributeError, TypeError, ValueError, LookupError, MemoryError)
"""What a damaged pickle, or one of something else, raises here."""


# Its history.


def _history(file: Path) -> dict[str, list[Item]]:
    """Lines by memory, in order, of the memories that were changed or deleted.

    Raises:
        InvalidInput: it is no history database of mem0's.
    """
    if not file.is_file():
        raise InvalidInput(f"there is no history database {file}")
    query = """
        SELECT memory_id, event, old_memory, new_memory, created_at, updated_at FROM history
        WHERE memory_id IN (SELECT memory_id FROM history WHERE event <> 'ADD')
        ORDER BY created_at, datetime(updated_at), rowid
    """
    found = defaultdict(list)
    for own, event, old, new, created, updated in _rows(file, query):
        found[str(own)].append(
            {"event": event, "old_memory": old, "new_memory": new, "created_at": created, "updated_at": updated}
        )
    return dict(found)


def _deletes(line: Mapping[str, Any]) -> bool:
    return line.get("event") == "DELETE"


# What a point, a row or an answer says.

_FIELDS = (
    "created_at", "updated_at", "user_id", "agent_id", "app_id", "run_id", "actor_id", "role", "attributed_to",
    "expiration_date", "memory_type",
)  # fmt: skip
_MADE_ANEW = {"hash", "text_lemmatized", "structured_attributes", "score", "score_breakdown"}
"""What is made of text and time, and is made again here."""


def _item(own: str, payload: Mapping[str, Any]) -> Item:
    """A memory as a store of mem0's keeps it: what is no field of its own is metadata."""
    item = {"id": own, "memory": payload.get("data")}
    item |= {name: payload[name] for name in _FIELDS if payload.get(name) is not None}
    known = {"data", *_FIELDS, *_MADE_ANEW}
    return {**item, "metadata": {key: _plain(value) for key, value in payload.items() if key not in known}}


def _answered(given: Mapping[str, Any]) -> Item:
    """A memory as a server of mem0's shows it. What we have no field for is kept in the metadata, under `mem0`."""
    item = {name: given[name] for name in ("id", "memory", *_FIELDS, "categories", "replaced_by") if given.get(name)}
    item.setdefault("run_id", given.get("session_id"))
    metadata = dict(given["metadata"]) if isinstance(given.get("metadata"), Mapping) else {}
    known = {*item, *_MADE_ANEW, "session_id", "metadata", "history"}
    rest = {key: value for key, value in given.items() if key not in known and value not in (None, "", [], {}, False)}
    return {**item, "metadata": metadata | ({"mem0": rest} if rest else {})}


def _plain(value: Any) -> Any:
    """A value as JSON has it: times as text."""
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(each) for each in value]
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, str | int | float | bool | None):
        return value
    raise TypeError("its payload holds a value that is no JSON")


# A table.

_AT_A_TIME = 500
"""Rows fetched at once."""
_PATIENCE = 30.0
"""Seconds for a connection, and for one answer."""


@contextmanager
def opened_table(url: str, *, collection: str | None = None, history: Path | None = None) -> Iterator[Source]:
    """A table of mem0's in PostgreSQL, owner by owner, oldest memory first, as of one moment.

    Raises:
        InvalidConfig: no such server, database or user, as the server says.
        InvalidInput: no such table.
        StoreError: the server cannot be reached, or fails.
        MissingDependency: asyncpg is not installed.
    """
    _require("asyncpg", "a table in PostgreSQL", "postgres")
    where = _without_password(url)
    changed = _history(history) if history is not None else {}
    with asyncio.Runner() as runner:
        with _database_errors(where):
            connection = runner.run(_connected(url))
        try:
            with _database_errors(where):
                tables = runner.run(_tables(connection))
            table = _quoted(_chosen(collection, tables, where))
            with _database_errors(where):
                total, gone = runner.run(_counted(connection, table, changed))
            rows = _table_rows(connection, table, where, runner.run)
            yield Source(
                address=where,
                items=_with_history(rows, changed),
                total=total,
                deleted=gone,
                notes=[_of_history(history)],
            )
        finally:
            connection.terminate()


async def _connected(url: str) -> Any:
    import asyncpg

    return await asyncpg.connect(url, timeout=_PATIENCE, command_timeout=_PATIENCE)


async def _tables(connection: Any) -> list[str]:
    """Tables with the columns that mem0 makes."""
    rows = await connection.fetch(
        """
        SELECT c.relname FROM pg_class AS c
        JOIN pg_attribute AS p ON p.attrelid = c.oid AND p.attname = 'payload' AND p.atttypid = 'jsonb'::regtype
        JOIN pg_attribute AS i ON i.attrelid = c.oid AND i.attname = 'id'
        WHERE c.relkind IN ('r', 'p', 'v', 'm') AND pg_table_is_visible(c.oid) ORDER BY 1
        """
    )
    return [row[0] for row in rows]


async def _counted(connection: Any, table: str, changed: Mapping[str, list[Item]]) -> tuple[int, int]:
    """Rows from now on as of one moment: how many there are, and how many the history says were deleted."""
    await connection.transaction(isolation="repeatable_read", readonly=True).start()
    total = await connection.fetchval(f"SELECT count(*) FROM {table}")  # noqa: S608 - quoted
    there = f"SELECT 1 FROM {table} AS t WHERE t.id::text = g"  # noqa: S608 - quoted
    gone = await connection.fetchval(
        f"SELECT count(*) FROM unnest($1::text[]) AS g WHERE NOT EXISTS ({there})",  # noqa: S608 - quoted
        [own for own, lines in changed.items() if any(map(_deletes, lines))],
    )
    return int(total), int(gone)


def _table_rows(connection: Any, table: str, where: str, run: Callable[[Any], Any]) -> Iterator[Item]:
    order = ", ".join(f"coalesce(payload ->> '{name}', '') COLLATE \"C\"" for name in _ORDER)
    query = f"SELECT id::text, payload FROM {table} ORDER BY {order}, id"  # noqa: S608 - quoted
    with _database_errors(where):
        cursor = run(_cursor(connection, query))
    while True:
        with _database_errors(where):
            rows = run(cursor.fetch(_AT_A_TIME))
        if not rows:
            return
        for own, payload in rows:
            read = json.loads(payload) if isinstance(payload, str) else payload
            if isinstance(read, dict):
                yield _item(own, read)
            else:
                yield {"id": own, "problem": f"its payload is {describe(read)}"}


async def _cursor(connection: Any, query: str) -> Any:
    return await connection.cursor(query)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


@contextmanager
def _database_errors(where: str) -> Iterator[None]:
    import asyncpg

    try:
        yield
    except (asyncpg.InvalidAuthorizationSpecificationError, asyncpg.InvalidCatalogNameError) as exc:
        raise InvalidConfig(f"{where} refused the connection: {exc}; check user, password and database") from exc
    except asyncpg.InsufficientPrivilegeError as exc:
        raise InvalidConfig(f"{where}: {exc}; the user must be allowed to read the table") from exc
    except asyncpg.PostgresError as exc:
        raise StoreError(f"{where} failed: {exc}") from exc
    except (asyncpg.InterfaceError, ValueError) as exc:
        raise InvalidConfig(f"{where} is no address of a database that can be used: {exc}") from exc
    except OSError as exc:  # also what takes too long
        raise StoreError(
            f"{where} could not be reached; check that the server runs there ({type(exc).__name__})"
        ) from exc


def _without_password(url: str) -> str:
    try:
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port else ""
    except ValueError as exc:
        raise InvalidConfig(f"the address of the database cannot be read: {exc}") from exc
    return f"{parts.scheme}://{parts.hostname or ''}{port}{parts.path}"


# A server.

_PAGE = 100
_TRIES = 3
_PAUSE = 0.3
"""Seconds before the second try, doubled before the third, unless the server names its own."""
_LONGEST_PAUSE = 60.0
_PASSING = (408, 425, 429, 500, 502, 503, 504)
_ABSENT = (404, 405)
_MOST = 10_000
"""What is asked of a server that hands out no pages."""
_USUAL_CUTS = (20, 100, 1000, _MOST)
"""What such servers cut a list at, when they are not told or do not listen."""
_CHANGED = timedelta(seconds=1)
"""A memory whose two times lie further apart has a history worth asking for."""


@contextmanager
def opened_api(url: str, *, key: str | None, ids: Mapping[str, str], pause: float = _PAUSE) -> Iterator[Source]:
    """Memories that a server of mem0's hands out, of these ids or of everybody: the hosted one, or one's own.

    Pages of `/v3/memories/`, or of `/v2/memories/`; else the routes of the server that mem0 publishes. Of
    memories that were changed the history is asked for, too. Redirects are not followed.

    Raises:
        InvalidConfig: no address, or the server refuses the key.
        InvalidInput: the server does not take what it was asked.
        StoreError: it cannot be reached, or does not answer as mem0's do.
        MissingDependency: the HTTP client is not installed.
    """
    _require("httpx2", "a server of mem0's", "mem0")
    if not url.startswith(("http://", "https://")):
        raise InvalidConfig(f"the address of the server must start with http:// or https://, not {describe(url)}")
    if key is not None and not (key.isascii() and key.isprintable()):
        raise InvalidConfig("the key of mem0 holds characters that no key has")
    import httpx2

    with httpx2.Client(timeout=_PATIENCE) as client:
        source = Source(address=url, items=iter(()))
        source.items = _Api(client, url.rstrip("/"), key, dict(ids), source, pause).items()
        yield source


class _Api:
    def __init__(
        self, client: Client, base: str, key: str | None, ids: dict[str, str], source: Source, pause: float
    ) -> None:
        self._client = client
        self._base = base
        self._ids = ids
        self._source = source
        self._pause = pause
        self._token = {} if key is None else {"Authorization": f"Token {key}"}
        self._own = {} if key is None else {"X-API-Key": key}

    def items(self) -> Iterator[Item]:
        """Every memory, each once, by the first way that the server knows."""
        seen = set()
        for given, history, headers in self._listed():
            own = given.get("id")
            item = _answered(given)
            if not isinstance(own, str | int):  # to be refused by who keeps them: it would not be known again
                yield item
                continue
            if own in seen:
                continue
            seen.add(own)
            if _was_changed(item):
                lines = self._asked("GET", history.format(quote(str(own), safe="")), headers)
                if isinstance(lines, list):
                    item["history"] = sorted(filter(_is_object, lines), key=_when)
            yield item

    def _listed(self) -> Iterator[tuple[Item, str, dict[str, str]]]:
        for version in ("v3", "v2"):
            first = self._page(version, 1)
            if first is not None:
                for each in self._pages(version, first):
                    yield each, "/v1/memories/{}/history/", self._token
                return
        for each in self._unpaged():
            yield each, "/memories/{}/history", self._own

    # Pages.

    def _pages(self, version: str, page: Any) -> Iterator[Item]:
        seen = set[str]()
        for number in count(2):
            rows, more = _unfolded(page)
            if isinstance(page, Mapping) and isinstance(page.get("count"), int):
                self._source.total = page["count"]
            here = {str(row.get("id")) for row in rows}
            if here <= seen:
                return  # it hands out the same memories again and again
            yield from rows
            if not more:
                return
            seen |= here
            page = self._page(version, number)

    def _page(self, version: str, number: int) -> Any:
        asked = {"filters": self._filter(), "show_expired": True}
        return self._asked("POST", f"/{version}/memories/?page={number}&page_size={_PAGE}", self._token, body=asked)

    def _filter(self) -> dict[str, Any]:
        if self._ids:
            return {"AND": [{name: value} for name, value in self._ids.items()]}
        return {"OR": [{name: "*"} for name in ("user_id", "agent_id", "app_id", "run_id")]}

    # No pages.

    def _unpaged(self) -> Iterator[Item]:
        entities = None if self._ids else self._asked("GET", "/entities", self._own)
        if isinstance(entities, list):
            for each in filter(_is_object, entities):
                yield from self._of({f"{each.get('type')}_id": str(each.get("id"))}, each.get("total_memories"))
        else:
            yield from self._of(self._ids, None)

    def _of(self, ids: Mapping[str, str], expected: object) -> list[Item]:
        query = "&".join(f"{name}={quote(value, safe='')}" for name, value in ids.items())
        answer = self._asked("GET", f"/memories?{query}&top_k={_MOST}&show_expired=true", self._own)
        if answer is None:
            raise StoreError(f"{self._base} has none of the addresses of mem0's servers; is it the address before /v3?")
        rows, _ = _unfolded(answer)
        whose = ", ".join(f"{name}={value}" for name, value in ids.items()) or "everybody"
        if isinstance(expected, int) and len(rows) < expected:
            self._source.notes.append(f"of {expected} memories of {whose} the server listed {len(rows)}")
        elif not isinstance(expected, int) and len(rows) in _USUAL_CUTS:
            self._source.notes.append(f"the server listed {len(rows)} memories of {whose}, and may have more")
        return rows

    # One request.

    def _asked(self, method: str, path: str, headers: Mapping[str, str], *, body: Any = None) -> Any:
        """The answer, or None where there is nothing at this address."""
        import httpx2

        url = self._base + path
        for attempt in range(1, _TRIES + 1):
            pause = self._pause * 2 ** (attempt - 1)
            try:
                response = self._client.request(method, url, headers=dict(headers), json=body)
            except httpx2.InvalidURL as exc:
                raise InvalidConfig(f"{self._base} is no address that can be asked: {exc}") from exc
            except httpx2.HTTPError as exc:
                if attempt == _TRIES:
                    raise StoreError(
                        f"{self._base} could not be reached; check the address, and that the server runs"
                        f" ({type(exc).__name__})"
                    ) from exc
            else:
                if response.status_code == 200:
                    return _json(response, self._base)
                if response.status_code in _ABSENT:
                    return None
                if response.status_code not in _PASSING or attempt == _TRIES:
                    raise _refusal(response, self._base)
                pause = _named_pause(response, pause)
            time.sleep(pause)
        raise AssertionError("the last try returns or raises")


def _json(response: Response, base: str) -> Any:
    try:
        return response.json()
    except (ValueError, RecursionError) as exc:
        raise StoreError(f"{base} answered with something that is no JSON: {response.text[:80]!r}") from exc


def _refusal(response: Response, base: str) -> InvalidInput | StoreError:
    status = response.status_code
    if status in (401, 403):
        return InvalidConfig(f"{base} refused the key (HTTP {status}); check --api-key, or MEM0_API_KEY")
    if 300 <= status < 400:
        return InvalidConfig(f"{base} redirects (HTTP {status}), which is not followed; give the address itself")
    said = _said(response)
    if status in (400, 422):
        return InvalidInput(f"{base} does not take this (HTTP {status}){said}; some list one at a time: pass --user ID")
    return StoreError(f"{base} answered HTTP {status}{said}; try again later, the same command goes on")


def _said(response: Response) -> str:
    """The server's own words about a refused request, when it gave any."""
    try:
        body = response.json()
    except (ValueError, RecursionError):
        return ""
    told = (
        next((body[key] for key in ("detail", "error", "message") if body.get(key)), None) if _is_object(body) else None
    )
    return f": {told[:200]}" if isinstance(told, str) else ""


def _named_pause(response: Response, pause: float) -> float:
    named = response.headers.get("Retry-After", "")
    return min(float(named), _LONGEST_PAUSE) if named.isascii() and named.isdigit() else pause


def _unfolded(page: Any) -> tuple[list[Item], bool]:
    """The memories of an answer, and whether there may be more."""
    if isinstance(page, Mapping):
        rows = page.get("results", page.get("memories"))
        more = bool(page["next"]) if "next" in page else isinstance(rows, list) and len(rows) >= _PAGE
    else:
        rows, more = page, isinstance(page, list) and len(page) >= _PAGE
    if not isinstance(rows, list) or not all(map(_is_object, rows)):
        raise StoreError(f"the server answered with something that is no list of memories: {describe(page)}")
    return rows, more


def _is_object(value: object) -> bool:
    return isinstance(value, dict)


def _when(line: Mapping[str, Any]) -> str:
    return str(line.get("updated_at") or line.get("created_at") or "")


def _was_changed(item: Mapping[str, Any]) -> bool:
    try:
        return parse_time(item["updated_at"]) - parse_time(item["created_at"]) > _CHANGED
    except (KeyError, InvalidInput):
        return False


def _require(module: str, what: str, extra: str) -> None:
    if importlib.util.find_spec(module) is None:
        raise MissingDependency(f'{what} needs {module}; run: pip install "mnemic[{extra}]"', name=module)
