"""Transactions of a session, and one that is committed once though its server may go away at any moment of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from mnemic.errors import Conflict
from mnemic.stores.postgres_db import WRITING, PostgresDb, Session
from mnemic.stores.relational.db import Db
from mnemic.stores.relational.traces import Answer

R = TypeVar("R")


class Once(Generic[R]):
    """A step to commit, as often as a server was lost; what was committed then is not done again.

    What is lost before the commit was asked for was rolled back. After that the server may or may not have done it:
    `trace` looks, in a transaction of its own, for what the step leaves.
    """

    def __init__(
        self, project: str, step: Callable[[Db], R], trace: Callable[[Db], Answer], settings: str = ""
    ) -> None:
        """`settings`: statements at the start of the step's transaction."""
        self._project = project
        self._settings = settings
        self._step = step
        self._trace = trace
        self.asked = False
        """Whether there may be a commit that was not answered."""

    def __call__(self, session: Session) -> R:
        """What the step answers. Raises what it raises, what a lost server raises, and `traces.Untold`."""
        found = self._look(session)
        if found is None:
            try:
                return self._attempt(session)
            except Conflict:  # perhaps with itself: a server that cannot be reached may still be committing
                found = self._look(session)
                if found is None:
                    raise
        answer: R = found[0]
        return answer

    def _attempt(self, session: Session) -> R:
        begin(session, self._project, then=f"{WRITING}; {self._settings}")
        try:
            done = self._step(PostgresDb(session))
        except BaseException:
            end(session, "ROLLBACK")
            raise
        self.asked = True
        run(session, "COMMIT")
        return done

    def _look(self, session: Session) -> Answer:
        if not self.asked:
            return None
        begin(session, self._project)
        try:
            return self._trace(PostgresDb(session))
        finally:
            end(session, "ROLLBACK")


def begin(session: Session, project: str, mode: str = "", then: str = "") -> None:
    """Open a transaction that sees one project, in one round trip."""
    run(session, f"BEGIN {mode}; SET LOCAL mnemic.project = {_quoted(project)}; {then}")


def end(session: Session, how: str) -> None:
    """End it, if the connection is there still."""
    if session.connection is not None and not session.connection.is_closed():
        run(session, how)


def run(session: Session, script: str) -> None:
    """Statements without values or answers."""
    assert session.connection is not None  # noqa: S101 - it was connected
    session.wait(session.connection.execute(script))


def _quoted(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
