"""The one form that every data set is read into: cases of messages, and questions about them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Level = Literal["turn", "session"]


@dataclass(frozen=True, kw_only=True)
class Message:
    """Something said, and one memory of the store."""

    id: str
    """Unique in its case."""
    text: str
    session: str
    role: Literal["user", "assistant"] = "user"
    name: str | None = None
    """Of who speaks, in conversations of several people."""
    at: datetime | None = None

    @property
    def said(self) -> str:
        """With who said it, where speakers have names: many questions name them."""
        return f"{self.name}: {self.text}" if self.name else self.text


@dataclass(frozen=True, kw_only=True)
class Question:
    """A question and what answers it."""

    id: str
    """Unique in its data set, the same in every run."""
    text: str
    category: str
    gold: tuple[str, ...]
    """Ids of the messages, or of the sessions, that answer it; empty where none does, or none is known."""
    level: Level = "turn"
    asked_on: datetime | None = None
    """The reference date, where the data has one."""
    answer: str | None = None


@dataclass(frozen=True, kw_only=True)
class Case:
    """A store's content and the questions asked of it."""

    id: str
    """Also the user's id."""
    messages: tuple[Message, ...]
    questions: tuple[Question, ...]

    def sessions(self) -> dict[str, list[Message]]:
        """Messages by session, in their order."""
        found: dict[str, list[Message]] = {}
        for each in self.messages:
            found.setdefault(each.session, []).append(each)
        return found


@dataclass(frozen=True, kw_only=True)
class DataSet:
    """What a folder holds of one data set."""

    name: str
    load: Callable[[], list[Case]]
    depths: Sequence[int]
    """The k of recall@k; MRR looks no further than the last."""
