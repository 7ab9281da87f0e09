"""What the arguments of a question mean: `search` and `explain` take the same ones, so that they tell of the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from mnemic import inputs
from mnemic.context import CONTEXT_STATES
from mnemic.engine import Handle
from mnemic.errors import InvalidInput, describe
from mnemic.inputs import Id, When
from mnemic.protocols import Where
from mnemic.question import Question
from mnemic.read import understand
from mnemic.times import now, parse_time
from mnemic.types import SEARCHABLE_STATES, EpisodeState

NO_RERANKER = "ranked without a reranker: there is none; give Memory(reranker=…) or MNEMIC_RERANKER"

_INCLUDABLE = ("memory", "episode")


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A question, checked and understood."""

    question: Question
    where: Where
    limit: int
    floor: float | None
    rerank: bool | None


class Asking(Handle):
    """What methods of `AsyncMemory` that take a question or a filter share."""

    def _ask(
        self,
        query: str,
        ids: Mapping[str, Id],
        *,
        filters: Mapping[str, Any] | None,
        top_k: int | None,
        limit: int | None,
        threshold: float | None,
        include: Sequence[str] | None,
        show_expired: bool,
        latest_only: bool | None,
        as_of: When | None,
        known_at: When | None,
        reference_date: When | None,
        rerank: bool | None,
    ) -> Asked:
        words = inputs.text(query, "query")
        amount = either("top_k", top_k, "limit", limit)
        amount = 20 if amount is None else inputs.count(amount, "top_k")
        rerank = None if rerank is None else inputs.flag(rerank, "rerank")
        where = self._where(
            ids, filters, include, show_expired, past=False, as_of=as_of, known_at=known_at, at=reference_date
        )
        question = understand(words, where)
        return Asked(
            question=question,
            where=replace(where, superseded=former(latest_only, asked=as_of is not None or question.past)),
            limit=amount,
            floor=inputs.share(threshold, "threshold"),
            rerank=rerank,
        )

    def _where(
        self,
        ids: Mapping[str, Id],
        filters: Mapping[str, Any] | None,
        include: Sequence[str] | None,
        show_expired: bool,
        *,
        past: bool,
        as_of: When | None = None,
        known_at: When | None = None,
        at: When | None = None,
    ) -> Where:
        held = None if as_of is None else parse_time(as_of, name="as_of")
        known = None if known_at is None else parse_time(known_at, name="known_at")
        asked_at = now() if at is None else parse_time(at, name="reference_date")
        filtered, tree = inputs.split_filters(filters)
        chosen = ("memory",) if include is None else include
        if not isinstance(chosen, list | tuple) or not chosen or any(each not in _INCLUDABLE for each in chosen):
            raise InvalidInput(f"include takes 'memory' and 'episode', not {describe(include)}")
        episodes: tuple[EpisodeState, ...] = CONTEXT_STATES if "episode" in chosen else SEARCHABLE_STATES
        return Where(
            scope=self._scope(inputs.merge_ids(ids, filtered)),
            now=asked_at if known is None else min(asked_at, known),
            filter=tree,
            memories="memory" in chosen,
            episodes=episodes,
            expired=inputs.flag(show_expired, "show_expired"),
            superseded=past,
            as_of=held,
            known_at=known,
        )


def former(latest_only: bool | None, *, asked: bool) -> bool:
    """Whether memories whose place others took belong to the answer."""
    return asked if latest_only is None else not inputs.flag(latest_only, "latest_only")


def either(name: str, value: Any, alias: str, other: Any) -> Any:
    """The value of an argument that has an alias."""
    if value is not None and other is not None:
        raise InvalidInput(f"{alias} is another name of {name}; pass one of them")
    return value if value is not None else other
