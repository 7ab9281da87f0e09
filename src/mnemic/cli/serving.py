"""The server from the command line: started, and its keys made, listed and revoked where it runs."""

from __future__ import annotations

import asyncio
import getpass
import os
import signal
import sys
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import fields
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from mnemic.cli import show
from mnemic.cli.session import Session, command
from mnemic.errors import InvalidConfig, MissingDependency

if TYPE_CHECKING:
    from mnemic.server.accounts import Accounts
    from mnemic.server.settings import ServerSettings

R = TypeVar("R")

keys = typer.Typer(help="Keys of the server that runs on this store.", no_args_is_help=True, rich_markup_mode=None)


def register(app: typer.Typer) -> None:
    """Add `serve` and `keys`."""
    command(app)(serve)
    app.add_typer(keys, name="keys")
    for each in (create, listed, revoke):
        command(keys, name="list" if each is listed else each.__name__)(each)


def serve(
    session: Session,
    *,
    host: Annotated[str | None, typer.Option(metavar="ADDRESS", help="Where to listen. [127.0.0.1]")] = None,
    port: Annotated[int | None, typer.Option(help="Which port; 0 takes a free one. [8000]")] = None,
    workers: Annotated[int | None, typer.Option(help="Processes that answer. [1]")] = None,
) -> None:
    """Serve this memory to every device: REST under /v1. More settings: MNEMIC_SERVER_…, see docs/server.md."""
    given = {"host": host, "port": port, "workers": workers}
    settings = _settings(**{name: value for name, value in given.items() if value is not None})
    code = asyncio.run(_with_accounts(session, settings, lambda accounts: accounts.first_code()))
    if code is not None:
        show.hint(
            f"There is no key yet. The first one, on this machine: mnemic keys create\n"
            f"or from anywhere, once: curl http://{settings.host}:{settings.port}/v1/setup"
            f' -H \'Content-Type: application/json\' -d \'{{"code": "{code}", "email": "you@example.com"}}\''
        )
    # What was given reaches the processes that uvicorn starts as it reaches any: by the environment.
    for each in fields(session.settings):
        value = getattr(session.settings, each.name)
        if value is not None:
            os.environ[f"MNEMIC_{each.name.upper()}"] = value
    for name, value in given.items():
        if value is not None:
            os.environ[f"MNEMIC_SERVER_{name.upper()}"] = str(value)
    import uvicorn

    from mnemic.server.app import write_log

    write_log(settings.log_format)  # of this process, too, which watches over several
    # uvicorn hands a signal on when it has ended in good order: that is no failure of this command.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with _figures_together(settings.workers):
        uvicorn.run(
            "mnemic.server.app:application",
            factory=True,
            host=settings.host,
            port=settings.port,
            workers=settings.workers,
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=_PATIENCE,
        )


_PATIENCE = 30  # seconds that requests under way have at a shutdown; a model call takes so long


@contextmanager
def _figures_together(workers: int) -> Iterator[None]:
    """A folder in which several processes add up what they count, unless the environment names one."""
    if workers == 1 or _SHARED_FIGURES in os.environ:
        yield
        return
    with tempfile.TemporaryDirectory(prefix="mnemic-metrics-") as folder:
        os.environ[_SHARED_FIGURES] = folder
        yield


_SHARED_FIGURES = "PROMETHEUS_MULTIPROC_DIR"


def create(
    session: Session,
    *,
    name: Annotated[str, typer.Option(help="So that it can be told from others.")] = "made here",
    email: Annotated[str | None, typer.Option(help="Whose key it is. [the user of this machine]")] = None,
    scope: Annotated[
        list[str] | None, typer.Option(metavar="SCOPE", help="read, write or admin; may be given again. [all of them]")
    ] = None,
) -> None:
    """Make a key and print it, this once."""

    async def make(accounts: Accounts) -> tuple[Any, str]:
        project = await accounts.project_of_store(session.settings.project)
        return await accounts.create_key(
            project,
            email=email or f"{getpass.getuser()}@localhost",
            name=name,
            scopes=scope or ("read", "write", "admin"),
        )

    key, secret = asyncio.run(_with_accounts(session, _settings(), make))
    show.answer(session, _shown(key) | {"key": secret}, lambda r: show.say(r["key"]))


def listed(session: Session) -> None:
    """List the keys of the project, without what is secret about them."""

    async def read(accounts: Accounts) -> list[Any]:
        return await accounts.keys(await accounts.project_of_store(session.settings.project))

    found = asyncio.run(_with_accounts(session, _settings(), read))
    show.answer(session, {"results": [_shown(key) for key in found]}, _lines)


def revoke(session: Session, key_id: Annotated[str, typer.Argument(metavar="ID", help="Id of a key.")]) -> None:
    """End a key. A server that runs notices within five seconds."""

    async def end(accounts: Accounts) -> Any:
        return await accounts.revoke_key(await accounts.project_of_store(session.settings.project), key_id)

    key = asyncio.run(_with_accounts(session, _settings(), end))
    show.answer(session, _shown(key), lambda r: show.say(f"revoked {r['prefix']}… ({r['name']})"))


def _lines(result: dict[str, Any]) -> None:
    for each in result["results"]:
        state = "revoked" if each["revoked_at"] else "valid"
        show.say(
            f"{each['id']}  {each['prefix']}…  {state:7}  {','.join(each['scopes'])}  {each['email']}  {each['name']}"
        )


def _shown(key: Any) -> dict[str, Any]:
    from mnemic.server.routes.keys import shown

    return shown(key)


def _settings(**given: Any) -> ServerSettings:
    """The server's settings.

    Raises:
        MissingDependency: the extra `server` is not installed. InvalidConfig: a setting that means nothing.
    """
    try:
        from pydantic import ValidationError

        from mnemic.server.settings import ServerSettings
    except ImportError as exc:
        raise MissingDependency(f'the server needs more packages ({exc.name}): pip install "mnemic[server]"') from exc
    try:
        return ServerSettings(**given)
    except ValidationError as exc:
        first = exc.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        raise InvalidConfig(f"MNEMIC_SERVER_{name.upper()}: {first['msg']}, not {first['input']!r}") from exc


async def _with_accounts(session: Session, settings: ServerSettings, work: Callable[[Accounts], Awaitable[R]]) -> R:
    """Do something with the accounts of the server of this store, made where there are none."""
    from mnemic import config
    from mnemic.server.accounts import Accounts
    from mnemic.server.app import database_address
    from mnemic.server.database import Database

    database = Database(database_address(settings, session.settings.path or str(config.store_file())))
    try:
        await database.open()
        accounts = Accounts(database)
        await accounts.prepare(session.settings.project)
        return await work(accounts)
    finally:
        await database.close()
