"""The part of the user's API that tells why a search answers as it does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

from mnemic import inputs, present
from mnemic.asking import NO_RERANKER, Asking
from mnemic.explaining import Condition, ExplainPath
from mnemic.inputs import UNSET, Id, When
from mnemic.types import ExplainResult


class Explain(Asking):
    """Methods of `AsyncMemory`."""

    async def explain(
        self,
        query: str,
        memory_id: str | None = None,
        *,
        user_id: Id = UNSET,
        agent_id: Id = UNSET,
        app_id: Id = UNSET,
        run_id: Id = UNSET,
        filters: Mapping[str, Any] | None = None,
        top_k: int | None = None,
        limit: int | None = None,
        threshold: float | None = None,
        include: Sequence[Literal["memory", "episode"]] | None = None,
        show_expired: bool = False,
        latest_only: bool | None = None,
        as_of: When | None = None,
        known_at: When | None = None,
        reference_date: When | None = None,
        rerank: bool | None = None,
    ) -> ExplainResult:
        """Why `search`, called with the same arguments, answers as it does, and why a memory is not in its answer.

        Args:
            query: as in `search`; so is everything but `memory_id`.
            memory_id: a memory or a message to tell of in any case.

        Returns:
            What was understood of the `question`; the `arms` that looked, through how many records (`searched`);
            the `floor`, and whether the scope was `heard` to say anything of the question; the `hits` with what
            each arm gave and what moved them; the nearest of what was `dropped`, and where; and with `memory_id`
            the `memory`: whether it was found, or the first reason in the order of the pipeline why it was not.

        Raises:
            InvalidInput, InvalidScope, InvalidFilter. An unknown `memory_id` is a reason, no error.

        >>> from mnemic import Memory
        >>> m = Memory(":memory:")
        >>> tennis, tea = (m.remember(each, user_id="al")["results"][0]["id"] for each in ("Plays tennis", "Likes tea"))
        >>> _ = m.delete(tea)
        >>> m.explain("What does Al play?", tea, user_id="al")["memory"]["status"]
        'deleted'
        """
        wanted = None if memory_id is None else inputs.record_id(memory_id)
        asked = self._ask(
            query,
            inputs.ids(user_id, agent_id, app_id, run_id),
            filters=filters,
            top_k=top_k,
            limit=limit,
            threshold=threshold,
            include=include,
            show_expired=show_expired,
            latest_only=latest_only,
            as_of=as_of,
            known_at=known_at,
            reference_date=reference_date,
            rerank=rerank,
        )
        engine = await self._engine.ready()
        made = await ExplainPath(engine.store, engine.read).explain(
            asked.question,
            asked.where,
            limit=asked.limit,
            floor=asked.floor,
            rerank=asked.rerank is not False,
            conditions=list(_conditions(filters or {})),
            wanted=wanted,
            sees=self._sees,
        )
        if asked.rerank and engine.reranker is None:
            made = replace(made, answer=replace(made.answer, notes=(*made.answer.notes, NO_RERANKER)))
        return present.explained(made.answer.asked, made, arms=engine.arms)


def _conditions(filters: Mapping[str, Any]) -> Iterator[Condition]:
    """The parts of a filter that must all hold, without ids: those are the scope."""
    for key, value in filters.items():
        if key in ("AND", "$and"):
            for part in value:
                yield from _conditions(part)
            continue
        _, tree = inputs.split_filters({key: value})
        if tree is not None:
            yield Condition(given={key: value}, tree=tree)
