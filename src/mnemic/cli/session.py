"""What every command shares: options, settings, the way in and the way out.

`command` gives a function the shared options and turns its answer, or its error, into an exit code.
Shared options may stand before the command's name or after it; after it they count more.
"""

from __future__ import annotations

import copy
import functools
import inspect
import json
import logging
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mnemic import config
from mnemic.errors import (
    Forbidden,
    InvalidConfig,
    InvalidInput,
    InvalidScope,
    MissingDependency,
    MnemicError,
    ModelError,
    NotFound,
    StoreError,
    TooManyRequests,
    Unauthorized,
    Unsupported,
)
from mnemic.stores import postgres_url

if TYPE_CHECKING:
    from mnemic.memory import AsyncMemory
    from mnemic.sync import Memory

FOUND_NOTHING = 1
BAD_INPUT = 2
NOT_FOUND = 3
STORE_FAILED = 4
MODEL_FAILED = 5
INTERRUPTED = 130

# Everywhere. Shown in the help of `mnemic` itself; of these, commands show --json only.
Store = Annotated[
    str | None, typer.Option("--store", metavar="PATH", help="The store's file, or a postgresql:// URL. [MNEMIC_PATH]")
]
Project = Annotated[
    str | None, typer.Option(metavar="NAME", help="Keeps several uses of one store apart. [MNEMIC_PROJECT]")
]
Llm = Annotated[
    str | None,
    typer.Option("--llm", metavar="MODEL", help="Model that extracts, as provider:model; none: rules. [MNEMIC_LLM]"),
]
LlmBaseUrl = Annotated[
    str | None,
    typer.Option(metavar="URL", help="OpenAI-compatible endpoint of that model. [MNEMIC_LLM_BASE_URL]"),
]
Embedder = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="bundled, bundled:e5, bundled:use or provider:model. [MNEMIC_EMBEDDER]"),
]
Server = Annotated[
    str | None,
    typer.Option("--server", metavar="URL", help="A server of Mnemic's, instead of a store. [MNEMIC_SERVER]"),
]
ApiKey = Annotated[
    str | None, typer.Option("--api-key", metavar="KEY", help="The key for that server. [MNEMIC_API_KEY]")
]
Json = Annotated[bool, typer.Option("--json", help="Print the JSON that the library returns.")]

_EVERYWHERE: dict[str, Any] = {
    "store": Store,
    "project": Project,
    "llm": Llm,
    "llm_base_url": LlmBaseUrl,
    "embedder": Embedder,
    "server": Server,
    "api_key": ApiKey,
    "as_json": Json,
}

_WHOSE: dict[str, Any] = {
    "user": Annotated[str | None, typer.Option("--user", "-u", metavar="ID", help="Whose memory. [MNEMIC_USER_ID]")],
    "agent": Annotated[str | None, typer.Option(metavar="ID", help="Which agent's. [MNEMIC_AGENT_ID]")],
    "app": Annotated[str | None, typer.Option(metavar="ID", help="Which app's. [MNEMIC_APP_ID]")],
    "run": Annotated[str | None, typer.Option(metavar="ID", help="Of which session. [MNEMIC_RUN_ID]")],
}

WHOSE = tuple(_WHOSE)
"""The options that name a scope."""

# Of questions and listings.
FilterJson = Annotated[str | None, typer.Option("--filter", metavar="JSON", help="Conditions on metadata and fields.")]
Threshold = Annotated[float | None, typer.Option(help="Least score, 0 to 1. [the embedder's own floor]")]
ShowExpired = Annotated[bool, typer.Option("--show-expired", help="Also memories past their expiration date.")]


@dataclass(frozen=True, kw_only=True)
class Session:
    """The settings of one command: flags first, then environment, then the configuration file."""

    settings: config.Settings
    flags: Mapping[str, str]
    """The ids that were given as flags."""
    json: bool

    @property
    def ids(self) -> dict[str, Any]:
        """The ids that apply, as arguments of the library."""
        names = ("user_id", "agent_id", "app_id", "run_id")
        found = {name: self.flags.get(name) or getattr(self.settings, name) for name in names}
        return {name: value for name, value in found.items() if value is not None}

    def require_ids(self, what: str) -> dict[str, Any]:
        """The ids that apply, at least one.

        Raises:
            InvalidScope: there is none.
        """
        if not self.ids:
            raise InvalidScope(f"{what} needs to know whose memory it is: pass --user ID, or set MNEMIC_USER_ID")
        return self.ids

    def memory(self) -> Memory:
        """The memory that the settings describe, opened: in a store, or on a server."""
        if self.settings.server is not None:
            from mnemic.remote import RemoteMemory

            return RemoteMemory(self.settings.server, api_key=self.settings.api_key)
        from mnemic.sync import Memory

        return Memory(**self._arguments())

    def closed_memory(self) -> AsyncMemory:
        """The same, not opened yet."""
        if self.settings.server is not None:
            from mnemic.remote import AsyncRemoteMemory

            return AsyncRemoteMemory(self.settings.server, api_key=self.settings.api_key)
        from mnemic.memory import AsyncMemory

        return AsyncMemory(**self._arguments())

    def _arguments(self) -> dict[str, Any]:
        # That rules extract is said by `add` and `doctor`, not by every command.
        logging.getLogger("mnemic").setLevel(logging.ERROR)
        names = ("path", "project", "llm", "llm_base_url", "embedder", "embedder_base_url")
        return {name: getattr(self.settings, name) for name in names}


Command = Callable[..., int | None]


def command(app: typer.Typer, *, name: str | None = None, whose: tuple[str, ...] = ()) -> Callable[[Command], Command]:
    """Register a function `(session, …) -> exit code` as a command with the shared options.

    whose: which of --user, --agent, --app and --run it takes, too.
    """
    shared = {key: _WHOSE[key] for key in whose}

    def register(function: Command) -> Command:
        own = list(inspect.signature(function, eval_str=True).parameters.values())[1:]
        added = [_parameter(key, kind) for key, kind in shared.items()]
        everywhere = {key: kind for key, kind in _EVERYWHERE.items() if key not in {each.name for each in own}}
        added += [_parameter(key, kind, hidden=key != "as_json") for key, kind in everywhere.items()]
        context = inspect.Parameter("ctx", inspect.Parameter.KEYWORD_ONLY, annotation=typer.Context)
        parameters = [context, *(p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in own), *added]

        @functools.wraps(function)
        def run(ctx: typer.Context, **given: Any) -> None:
            before = ctx.obj or {}
            shown = {key: (given.pop(key) if key in everywhere else None) or before.get(key) for key in _EVERYWHERE}
            ids = {f"{key}_id": given.pop(key) for key in shared}
            with failures(as_json=bool(shown["as_json"])):
                code = function(_session(shown, ids, command=ctx.command_path.split()[1]), **given)
            if code:
                raise typer.Exit(code)

        run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        run.__annotations__ = {each.name: each.annotation for each in parameters}
        app.command(name)(run)
        return function

    return register


def _parameter(key: str, kind: Any, *, hidden: bool = False) -> inspect.Parameter:
    base, option = kind.__args__[0], copy.copy(kind.__metadata__[0])
    option.hidden = hidden
    default = False if base is bool else None
    return inspect.Parameter(key, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=Annotated[base, option])


def _session(everywhere: Mapping[str, Any], ids: Mapping[str, str | None], *, command: str) -> Session:
    for name, value in ids.items():
        if value is not None and not value.strip():
            raise InvalidScope(f"--{name.removesuffix('_id')} is empty; pass an id, or leave the option out")
    given = {"path": everywhere["store"]} | {
        key: everywhere[key] for key in everywhere if key not in ("store", "as_json")
    }
    given = {key: value for key, value in given.items() if value is not None}
    settings = _in_one_place(replace(config.load(), **given), given, command=command)
    flags = {name: value for name, value in ids.items() if value is not None}
    return Session(settings=settings, flags=flags, json=bool(everywhere["as_json"]))


def _in_one_place(settings: config.Settings, flags: Mapping[str, Any], *, command: str) -> config.Settings:
    """The settings with a store or a server in them, not both.

    Raises:
        InvalidConfig: both are named, or one is with what is the other's affair.
        Unsupported: the command is done where the store is.
    """
    if "path" in flags and "server" in flags:
        raise InvalidConfig("--store and --server name two places of memory; pass one of them")
    if "path" in flags or command in _OWN_STORE:
        return replace(settings, server=None)
    if settings.server is None:
        return settings
    if settings.path is not None and "server" not in flags:
        raise InvalidConfig(
            "MNEMIC_PATH and MNEMIC_SERVER name two places of memory; set one of them, or pass --store or --server"
        )
    if command in _WHERE_THE_STORE_IS:
        raise Unsupported(
            f"mnemic {command} {_WHERE_THE_STORE_IS[command]}: run it where the server {settings.server} has its store,"
            " or pass --store"
        )
    for name in ("project", "llm", "llm_base_url", "embedder"):
        if name in flags:
            raise InvalidConfig(
                f"--{name.replace('_', '-')} is for a store here; a server has its own, and the project of the API key"
            )
    return replace(settings, path=None)


_WHERE_THE_STORE_IS = {
    "serve": "serves a store",
    "keys": "makes keys where nobody has one yet",
    "worker": "works off the messages of a store, which a server does by itself",
    "reindex": "moves a store to another embedder",
    "backup": "writes a copy of a store to a file beside it",
    "restore": "puts a backup in the place of a store",
    "doctor": "examines a store and what is installed",
}
"""Commands that a server has nothing to answer, and what they do."""

_OWN_STORE = ("demo",)


@contextmanager
def failures(*, as_json: bool) -> Iterator[None]:
    """Say an expected error in one line on stderr, and leave with its exit code."""
    try:
        yield
    except MnemicError as exc:
        report(exc, as_json=as_json)
        raise typer.Exit(_code(exc)) from exc
    except KeyboardInterrupt as exc:
        raise typer.Exit(INTERRUPTED) from exc


def report(error: MnemicError, *, as_json: bool) -> None:
    """One error on stderr."""
    if as_json:
        said = {"error": {"type": type(error).__name__, "message": str(error)}}
        typer.echo(json.dumps(said, ensure_ascii=False), err=True)
    else:
        typer.echo(f"error: {' '.join(str(error).split())}", err=True)


def _code(error: MnemicError) -> int:
    match error:
        case NotFound():
            return NOT_FOUND
        case InvalidInput() | Unsupported():
            return BAD_INPUT
        case StoreError() | Unauthorized() | Forbidden() | TooManyRequests():
            return STORE_FAILED
        case ModelError() | MissingDependency():
            return MODEL_FAILED
        case _:
            raise error


# What people type and pipe in.


def parse_json(value: str | None, name: str) -> Any:
    """The value of an option that takes JSON.

    Raises:
        InvalidInput: it is none.
    """
    if value is None:
        return None
    try:
        return json.loads(value)
    except (ValueError, RecursionError) as exc:
        raise InvalidInput(f'{name} is not valid JSON: {exc}; quote it for the shell: \'{{"key": "value"}}\'') from exc


def text_or_stdin(text: str | None, what: str) -> str:
    """The text itself, or standard input for `-` and for none when something is piped in.

    Raises:
        InvalidInput: there is neither, or what is piped in is not UTF-8.
    """
    if text is not None and text != "-":
        return text
    if text is None and sys.stdin.isatty():
        raise InvalidInput(f"there is nothing to {what}: pass a text, or pipe one in")
    return _decoded(sys.stdin.buffer.read(), "standard input").rstrip("\r\n")


def read_json_file(path: str) -> Any:
    """The JSON in a file, or on standard input for `-`.

    Raises:
        InvalidInput: it cannot be read, or is no JSON.
    """
    try:
        data = sys.stdin.buffer.read() if path == "-" else Path(path).expanduser().read_bytes()
    except OSError as exc:
        raise InvalidInput(f"{path} cannot be read: {exc.strerror or exc}") from exc
    return parse_json(_decoded(data, path), path)


def _decoded(data: bytes, where: str) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        raise InvalidInput(f"{where} is not UTF-8: byte 0x{data[exc.start]:02x} at position {exc.start}") from exc


def settings_as_dict(settings: config.Settings) -> dict[str, Any]:
    """Settings that are set, as they may be shown."""
    found = {name: value for name, value in asdict(settings).items() if value is not None}
    if found.get("path", "").startswith(postgres_url.SCHEMES):
        found["path"] = postgres_url.shown(found["path"])
    if "api_key" in found:
        found["api_key"] = "set"
    return found
