"""The user's API: checks what it is given, calls the write and the read path, returns dictionaries."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Self

from mnemic import config, inputs, present, registry
from mnemic.errors import InvalidConfig, InvalidInput, NotFound, WrongEmbedder, describe
from mnemic.inputs import UNSET, Id, Unset, When
from mnemic.protocols import LLM, Embedder, Extractor, Store, Where
from mnemic.read import CONTEXT_STATES, ReadPath
from mnemic.times import now
from mnemic.types import (
    KINDS,
    SEARCHABLE_STATES,
    AddResult,
    ContextResult,
    EpisodeState,
    HistoryItem,
    Kind,
    ListResult,
    Memory,
    MemoryItem,
    Record,
    Scope,
    SearchResult,
    StatsResult,
    VerifyResult,
)
from mnemic.write import Given, WritePath

_log = logging.getLogger("mnemic")
_told_of_rules = False
_INCLUDABLE = ("memory", "episode")


@dataclass
class _Engine:
    """What the views of one memory share."""

    store: Store
    embedder: Embedder
    extractor: Extractor
    project: str
    instructions: str | None
    owns_embedder: bool
    opened: bool = False
    opening: asyncio.Lock = field(default_factory=asyncio.Lock)

    def __post_init__(self) -> None:
        self.write = WritePath(self.store, self.embedder, self.extractor)
        self.read = ReadPath(self.store, self.embedder, registry.calibration_of(self.embedder))

    async def ready(self) -> _Engine:
        """Open the store with the first call."""
        if not self.opened:
            async with self.opening:
                if not self.opened:
                    await self.store.open()
                    await self._check_space()
                    self.opened = True
        return self

    async def _check_space(self) -> None:
        space = await self.store.space()
        if space is not None and space.name != self.embedder.name:
            await self.store.close()
            raise WrongEmbedder(
                f"{self.store.address!r} holds vectors of {space.name!r} and cannot be searched with"
                f" {self.embedder.name!r}: open it with embedder={space.name!r}, give another path,"
                " or run: mnemic reindex"
            )


class AsyncMemory:
    """Memory for assistants and agents. Every method is a coroutine; `Memory` has the same ones without await.

    Args:
        path: the store's file, or ":memory:". By default `mnemic.db` in the user's data directory, or in
            the folder that MNEMIC_HOME names.
        embedder: an `Embedder`, or a name: "bundled" (default, no download), "openai:text-embedding-3-small", …
        llm: an `LLM`, or a name: "openai:gpt-5-mini", "anthropic:…", "ollama:…", "local:/model.gguf".
            With none, memories are extracted by rules.
        llm_base_url: an OpenAI-compatible endpoint for a named `llm`; no other host is then contacted.
        embedder_base_url: the same for a named `embedder`.
        project: keeps several uses of one store apart.
        instructions: what to keep and what not, for the model that extracts.
        store: a `Store` of your own, instead of `path`.
        extractor: an `Extractor` of your own, instead of `llm`.

    What is not given is taken from MNEMIC_… environment variables, then from the configuration file.

    Raises:
        InvalidConfig: a setting that means nothing.
        MissingDependency: a model is named whose package is not installed.
    """

    def __init__(
        self,
        path: str | os.PathLike[str] | None = None,
        *,
        embedder: Embedder | str | None = None,
        llm: LLM | str | None = None,
        llm_base_url: str | None = None,
        embedder_base_url: str | None = None,
        project: str | None = None,
        instructions: str | None = None,
        store: Store | None = None,
        extractor: Extractor | None = None,
    ) -> None:
        _check_parts(store=store, extractor=extractor, embedder=embedder, llm=llm)
        if instructions is not None:
            instructions = inputs.text(instructions, "instructions")
        settings = config.load()
        if embedder is None:
            embedder = settings.embedder
        named = isinstance(embedder, str)
        if isinstance(embedder, str):
            embedder = registry.make_embedder(embedder, base_url=embedder_base_url or settings.embedder_base_url)
        if extractor is None:
            llm = llm if llm is not None else settings.llm
            extractor = registry.make_extractor(llm, base_url=llm_base_url or settings.llm_base_url)
            if llm is None:
                _tell_of_rules()
        if path is None and store is None:
            path = settings.path
        self._engine = _Engine(
            store=store if store is not None else registry.make_store(path),
            embedder=embedder,
            extractor=extractor,
            project=inputs.project_name(project if project is not None else settings.project),
            instructions=instructions,
            owns_embedder=named,
        )
        self._bound: Scope | None = None

    @classmethod
    def from_config(cls, settings: Mapping[str, Any]) -> Self:
        """A memory from a dictionary of the constructor's arguments, or of the shape mem0's users have.

        Raises:
            InvalidConfig: an unknown key or provider, with the ones there are.
        """
        return cls(**registry.arguments(settings))

    def scope(self, *, user_id: Id = UNSET, agent_id: Id = UNSET, app_id: Id = UNSET, run_id: Id = UNSET) -> Self:
        """The same memory with these ids bound: every method works within them and may add others.

        Raises:
            InvalidScope: no id, or one that cannot be used.
        """
        view = object.__new__(type(self))
        view._engine = self._engine
        view._bound = inputs.require_ids(self._scope(_ids(user_id, agent_id, app_id, run_id)), "scope()")
        return view

    # Writing.

    async def add(
        self,
        messages: str | Mapping[str, Any] | Sequence[str | Mapping[str, Any]],
        *,
        user_id: Id = UNSET,
        agent_id: Id = UNSET,
        app_id: Id = UNSET,
        run_id: Id = UNSET,
        metadata: Mapping[str, Any] | None = None,
        at: When | None = None,
        timestamp: When | None = None,
        infer: bool = True,
        expiration_date: str | None = None,
        categories: Sequence[str] = (),
        instructions: str | None = None,
        filters: Mapping[str, Any] | None = None,
    ) -> AddResult:
        """Log messages and remember what they say.

        Args:
            messages: text, a message `{"role", "content", "name"?, "at"?, "metadata"?, "external_id"?}`, or a
                list of these. A message whose `external_id` this owner already has is not taken again.
            user_id, agent_id, app_id, run_id: whose memory; at least one (also accepted inside `filters`).
            metadata: kept with every memory made, and given to the extractor as context.
            at: when it was said (alias `timestamp`); now by default.
            infer: False keeps each message verbatim as one memory, with no extraction.
            expiration_date: "YYYY-MM-DD", the last day the memories are shown.
            categories: labels for every memory made.
            instructions: for this call, over the ones given to the constructor.

        Returns:
            `results`, one item a memory (`event` is ADD, or NONE with a reason when it was already known),
            and the `receipt`: what became of each message and sentence, and what it cost. A message whose
            extraction failed stays searchable and is `pending` in the receipt.

        Raises:
            InvalidInput, InvalidScope: nothing was stored.
            StoreError: nothing was stored.

        >>> from mnemic import Memory
        >>> m = Memory(":memory:")
        >>> m.add("I live in Taipei.", user_id="alice")["results"][0]["memory"]
        'I live in Taipei.'
        """
        given = self._given(
            _ids(user_id, agent_id, app_id, run_id), filters, metadata, expiration_date, categories, "add()"
        )
        turns = inputs.messages(messages, _one("at", at, "timestamp", timestamp))
        infer = inputs.flag(infer, "infer")
        instructions = None if instructions is None else inputs.text(instructions, "instructions")
        engine = await self._engine.ready()
        if infer:
            wishes = instructions if instructions is not None else engine.instructions
            return present.added(await engine.write.add(turns, given, wishes))
        return present.added(await engine.write.keep(turns, given, "note", talk=True))

    async def remember(
        self,
        text: str,
        *,
        user_id: Id = UNSET,
        agent_id: Id = UNSET,
        app_id: Id = UNSET,
        run_id: Id = UNSET,
        kind: Kind = "note",
        metadata: Mapping[str, Any] | None = None,
        at: When | None = None,
        expiration_date: str | None = None,
        categories: Sequence[str] = (),
    ) -> AddResult:
        """Keep exactly this text as one memory, with no model and no rules.

        Arguments, result and errors are those of `add`; `kind` is one of fact, preference, event,
        procedure, summary, pattern, note.
        """
        if not isinstance(kind, str) or kind not in KINDS:
            raise InvalidInput(f"kind must be one of {', '.join(KINDS)}, not {describe(kind)}")
        given = self._given(
            _ids(user_id, agent_id, app_id, run_id), None, metadata, expiration_date, categories, "remember()"
        )
        turns = inputs.messages(inputs.text(text, "text"), at)
        engine = await self._engine.ready()
        return present.added(await engine.write.keep(turns, given, kind, talk=False))

    async def update(
        self,
        memory_id: str,
        data: str | None = None,
        *,
        text: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        expiration_date: str | Unset | None = UNSET,
    ) -> dict[str, Any]:
        """Correct a memory: a new version with the same id; the former stays in its history.

        Args:
            memory_id: the memory.
            data: the new text (alias `text`).
            metadata: keys to set over the ones there are.
            expiration_date: "YYYY-MM-DD", or None to remove it.

        Raises:
            NotFound: no memory has this id.
            InvalidInput: nothing to change, or the id is a message's, which stay as they were said.
        """
        words = _one("data", data, "text", text)
        if words is None and metadata is None and isinstance(expiration_date, Unset):
            raise InvalidInput("update() needs data (the new text), metadata or expiration_date")
        words = None if words is None else inputs.text(words, "data")
        extra = inputs.metadata(metadata)
        expires = expiration_date if isinstance(expiration_date, Unset) else inputs.expiry(expiration_date)
        engine = await self._engine.ready()
        memory = await self._memory(memory_id)
        at = now()
        changed = replace(
            memory,
            version=memory.version + 1,
            text=memory.text if words is None else words,
            metadata=inputs.metadata({**memory.metadata, **extra}),
            expires_at=memory.expires_at if isinstance(expires, Unset) else expires,
            origin=memory.origin if words is None else "corrected",
            updated_at=at,
            known_from=at,
        )
        return present.updated(await engine.write.update(memory, changed, at))

    async def delete(self, memory_id: str) -> dict[str, Any]:
        """Take a memory, or a message by its episode id, out of every answer. Its history stays.

        Raises:
            NotFound: no memory or episode has this id.
        """
        engine = await self._engine.ready()
        record = await self._record(memory_id)
        if isinstance(record, Memory):
            return present.deleted(await engine.write.delete(record, now()))
        await engine.write.hide(record, now())
        return {"message": "Message deleted successfully!", "id": record.id}

    async def delete_all(
        self, *, user_id: Id = UNSET, agent_id: Id = UNSET, app_id: Id = UNSET, run_id: Id = UNSET
    ) -> dict[str, Any]:
        """Delete every memory of a scope and hide its messages. At least one id is required.

        Raises:
            InvalidScope: no id; `reset()` is what empties a store.
        """
        whose = inputs.require_ids(self._scope(_ids(user_id, agent_id, app_id, run_id)), "delete_all()")
        engine = await self._engine.ready()
        change_id = present.change_id(whose)
        memories, episodes = await engine.store.delete_scope(whose, at=now(), change_id=change_id, reason="deleted")
        return {
            "message": "Memories deleted successfully!",
            "deleted": memories,
            "messages_hidden": episodes,
            "change_id": change_id,
        }

    async def reset(self) -> dict[str, Any]:
        """Erase every byte of the store, history included. Cannot be undone."""
        engine = await self._engine.ready()
        await engine.store.reset()
        engine.write = WritePath(engine.store, engine.embedder, engine.extractor)
        return {"message": "Store reset successfully!"}

    # Reading.

    async def search(
        self,
        query: str,
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
        explain: bool = False,
    ) -> SearchResult:
        """The memories that answer a question, best first.

        Args:
            query: a question or some words, in any language.
            user_id, agent_id, app_id, run_id: whose; none searches the whole store.
            filters: conditions on metadata and fields; see docs/concepts.md.
            top_k: how many at most (alias `limit`), 20 by default.
            threshold: least score in [0, 1]; None is the embedder's own floor, 0 is no floor.
            include: what can be a hit. By default memories, and messages of which no memory was made;
                naming "episode" adds messages that became memories, too.
            show_expired: also memories past their expiration date.
            explain: add `score_details` to each hit.

        Returns:
            `results` with `score` in [0, 1], and `below_floor`: how many candidates were judged irrelevant.

        Raises:
            InvalidInput, InvalidScope, InvalidFilter.
        """
        question = inputs.text(query, "query")
        amount = _one("top_k", top_k, "limit", limit)
        amount = 20 if amount is None else inputs.count(amount, "top_k")
        explain = inputs.flag(explain, "explain")
        where = self._where(_ids(user_id, agent_id, app_id, run_id), filters, include, show_expired)
        engine = await self._engine.ready()
        answer = await engine.read.search(question, where, limit=amount, floor=inputs.share(threshold, "threshold"))
        return present.found(answer, explain=explain)

    async def context(
        self,
        query: str,
        *,
        user_id: Id = UNSET,
        agent_id: Id = UNSET,
        app_id: Id = UNSET,
        run_id: Id = UNSET,
        filters: Mapping[str, Any] | None = None,
        max_tokens: int = 1000,
        top_k: int = 20,
        threshold: float | None = None,
    ) -> ContextResult:
        """What is known about a question, as a block of text for a prompt: dated, quoted, within a budget.

        Arguments and errors are those of `search`; `max_tokens` is counted by an estimate that is
        rather high than low. With nothing relevant, `context` is empty.
        """
        question = inputs.text(query, "query")
        where = self._where(_ids(user_id, agent_id, app_id, run_id), filters, ("memory", "episode"), show_expired=False)
        engine = await self._engine.ready()
        block = await engine.read.context(
            question,
            where,
            limit=inputs.count(top_k, "top_k"),
            floor=inputs.share(threshold, "threshold"),
            max_tokens=inputs.count(max_tokens, "max_tokens"),
        )
        return present.context(block)

    async def get(self, memory_id: str) -> MemoryItem:
        """One memory, or one message by its episode id.

        Raises:
            NotFound: no memory or episode has this id, or the memory was deleted.
        """
        await self._engine.ready()
        return present.item(await self._record(memory_id))

    async def get_all(
        self,
        *,
        user_id: Id = UNSET,
        agent_id: Id = UNSET,
        app_id: Id = UNSET,
        run_id: Id = UNSET,
        filters: Mapping[str, Any] | None = None,
        limit: int | None = None,
        top_k: int | None = None,
        cursor: str | None = None,
        show_expired: bool = False,
    ) -> ListResult:
        """Memories, newest first, with the total; `next_cursor` leads to the next page.

        Without ids the whole store is listed. `limit` (alias `top_k`) is 100 by default.

        Raises:
            InvalidInput, InvalidScope, InvalidFilter.
        """
        amount = _one("limit", limit, "top_k", top_k)
        amount = 100 if amount is None else inputs.count(amount, "limit")
        if cursor is not None and not isinstance(cursor, str):
            raise InvalidInput(f"cursor must be a next_cursor of an earlier page, not {describe(cursor)}")
        where = self._where(_ids(user_id, agent_id, app_id, run_id), filters, None, show_expired)
        engine = await self._engine.ready()
        page = await engine.store.page(where, limit=amount, cursor=cursor)
        return {
            "results": [present.item(memory) for memory in page.memories],
            "total": page.total,
            "next_cursor": page.next_cursor,
        }

    async def history(self, memory_id: str) -> list[HistoryItem]:
        """Every change of a memory, oldest first: before, after, who, why and when. Deleted ones too.

        Raises:
            NotFound: no memory or episode has this id.
        """
        engine = await self._engine.ready()
        wanted = inputs.record_id(memory_id)
        record = (await engine.store.load([wanted])).get(wanted)
        if record is None or not self._sees(record.scope):
            raise NotFound(wanted)
        return [present.event(each) for each in await engine.store.history(wanted)]

    async def stats(
        self, *, user_id: Id = UNSET, agent_id: Id = UNSET, app_id: Id = UNSET, run_id: Id = UNSET
    ) -> StatsResult:
        """What the store, or a scope of it, holds."""
        whose = self._scope(_ids(user_id, agent_id, app_id, run_id))
        engine = await self._engine.ready()
        counts, space = await engine.store.counts(whose), await engine.store.space()
        return {
            "memories": counts.memories,
            "episodes": counts.episodes,
            "pending": counts.pending,
            "failed": counts.failed,
            "owners": counts.owners,
            "bytes": counts.bytes,
            "store": engine.store.address,
            "embedder": engine.embedder.name,
            "dimensions": None if space is None else space.dimensions,
            "extractor": engine.extractor.name,
        }

    async def verify(self) -> VerifyResult:
        """Check that rows, index, vectors, sources and history agree."""
        engine = await self._engine.ready()
        checked, problems = await engine.store.verify()
        return {"ok": not problems, "checked": checked, "problems": list(problems)}

    async def reindex(self, progress: Callable[[int], None] | None = None) -> dict[str, Any]:
        """Move the whole store to this memory's embedder, whatever it was made with.

        Every record is embedded again; until all are, the store answers as before to whoever has it open
        with the former embedder. An interrupted run is gone on with. `progress` is told how many records
        were embedded so far.

        Raises:
            StoreError, ModelError: the store stays with its former embedder.
        """
        engine = self._engine
        if not engine.opened:
            await engine.store.open()
        done = await engine.write.reindex(progress or (lambda _: None))
        engine.opened = True
        return {"message": "Store reindexed successfully!", "embedded": done, "embedder": engine.embedder.name}

    async def open(self) -> Self:
        """Open the store now rather than with the first call.

        Raises:
            StoreError: the store cannot be opened.
        """
        await self._engine.ready()
        return self

    async def close(self) -> None:
        """Close the store, and the embedder unless it was passed in as an object. Safe to call twice."""
        await self._engine.store.close()
        if self._engine.owns_embedder:
            await self._engine.embedder.close()

    async def __aenter__(self) -> Self:
        return await self.open()

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    # Arguments.

    def _scope(self, ids: Mapping[str, Id]) -> Scope:
        return inputs.scope(self._engine.project, ids, self._bound)

    def _given(
        self,
        ids: Mapping[str, Id],
        filters: Mapping[str, Any] | None,
        metadata: Mapping[str, Any] | None,
        expiration_date: str | None,
        categories: Sequence[str],
        what: str,
    ) -> Given:
        filtered, rest = inputs.split_filters(filters)
        if rest is not None:
            raise InvalidInput(f"filters of {what} hold ids only; put everything else into metadata")
        return Given(
            scope=inputs.require_ids(self._scope(inputs.merge_ids(ids, filtered)), what),
            metadata=inputs.metadata(metadata),
            at=now(),
            expires_at=inputs.expiry(expiration_date),
            categories=inputs.labels(categories),
        )

    def _where(
        self,
        ids: Mapping[str, Id],
        filters: Mapping[str, Any] | None,
        include: Sequence[str] | None,
        show_expired: bool,
    ) -> Where:
        filtered, tree = inputs.split_filters(filters)
        chosen = ("memory",) if include is None else include
        if not isinstance(chosen, list | tuple) or not chosen or any(each not in _INCLUDABLE for each in chosen):
            raise InvalidInput(f"include takes 'memory' and 'episode', not {describe(include)}")
        episodes: tuple[EpisodeState, ...] = CONTEXT_STATES if "episode" in chosen else SEARCHABLE_STATES
        return Where(
            scope=self._scope(inputs.merge_ids(ids, filtered)),
            now=now(),
            filter=tree,
            memories="memory" in chosen,
            episodes=episodes,
            expired=inputs.flag(show_expired, "show_expired"),
        )

    async def _record(self, memory_id: str) -> Record:
        wanted = inputs.record_id(memory_id)
        record = (await self._engine.store.load([wanted])).get(wanted)
        gone = record is None or (
            record.known_to is not None if isinstance(record, Memory) else record.state == "hidden"
        )
        if record is None or gone or not self._sees(record.scope):
            raise NotFound(wanted)
        return record

    async def _memory(self, memory_id: str) -> Memory:
        record = await self._record(memory_id)
        if not isinstance(record, Memory):
            raise InvalidInput(f"{record.id} is a message, which stays as it was said; update a memory made of it")
        return record

    def _sees(self, scope: Scope) -> bool:
        """Whether a record lies in the project and in the bound ids."""
        bound = self._bound.ids if self._bound else {}
        return scope.project == self._engine.project and bound.items() <= scope.ids.items()


def _check_parts(**parts: object) -> None:
    """Every part given is a name, where names are taken, or has the methods of its protocol."""
    kinds: dict[str, tuple[type, bool]] = {
        "store": (Store, False), "extractor": (Extractor, False), "embedder": (Embedder, True), "llm": (LLM, True),
    }  # fmt: skip
    for part, value in parts.items():
        kind, named = kinds[part]
        if value is not None and not isinstance(value, kind) and not (named and isinstance(value, str)):
            names = "a name, or " if named else ""
            raise InvalidConfig(
                f"{part} must be {names}an object with the methods of protocols.{kind.__name__}, not {describe(value)}"
            )


def _ids(user_id: Id, agent_id: Id, app_id: Id, run_id: Id) -> dict[str, Id]:
    return {"user_id": user_id, "agent_id": agent_id, "app_id": app_id, "run_id": run_id}


def _one(name: str, value: Any, alias: str, other: Any) -> Any:
    """The value of an argument that has an alias."""
    if value is not None and other is not None:
        raise InvalidInput(f"{alias} is another name of {name}; pass one of them")
    return value if value is not None else other


def _tell_of_rules() -> None:
    global _told_of_rules
    if not _told_of_rules:
        _told_of_rules = True
        _log.warning(
            'Memories are extracted by rules; for a language model: Memory(llm="openai:gpt-5-mini") or MNEMIC_LLM'
        )
