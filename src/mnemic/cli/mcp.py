"""Memory for an assistant on this machine, over the Model Context Protocol."""

from __future__ import annotations

import asyncio
import getpass
import re

import typer

from mnemic.cli.session import WHOSE, Session, command
from mnemic.errors import MissingDependency


def register(app: typer.Typer) -> None:
    """Add `mcp`."""
    command(app, name="mcp", whose=WHOSE)(serve)


def serve(session: Session) -> None:
    """Serve this memory to an assistant that starts this command (MCP over stdio).

    Whose memory it is, the assistant cannot choose: --user and the like, or MNEMIC_USER_ID and the like, or
    else the user of this machine. Configurations for editors and assistants: docs/mcp.md.
    """
    try:
        from mnemic.mcp import stdio
    except ImportError as exc:
        raise MissingDependency(f'MCP needs more packages ({exc.name}): pip install "mnemic[mcp]"') from exc
    ids = session.ids or {"user_id": _user_of_this_machine()}
    asyncio.run(stdio.serve(session.closed_memory(), ids))


def _user_of_this_machine() -> str:
    """The login name, as an id may be written; "me" where there is none."""
    try:
        name = getpass.getuser()
    except (OSError, KeyError, ImportError):
        return "me"
    return re.sub(r"[\s\x00-\x1f\x7f'\"`*]+", "-", name).strip("-") or "me"
