"""The user's API: checks what it is given, calls the write and the read path, returns dictionaries."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal, Self

from mnemic import config, imports, inputs, present, registry, verbatim
from mnemic.asking import NO_RERANKER, either, former
from mnemic.engine import Engine
from mnemic.errors import InvalidConfig, InvalidInput, NotFound, describe
from mnemic.explain import Explain
from mnemic.forms import Forms
from mnemic.graph import Graph
from mnemic.inputs import UNSET, Id, Unset, When
from mnemic.moving import Moving
from mnemic.past import Past
from mnemic.protocols import LLM, Embedder, Extractor, Order, Reranker, Store
from mnemic.read import understand
from mnemic.receipts import Receipts
from mnemic.times import now, parse_time
from mnemic.types import (
    FORMATS,
    KINDS,
    AddResult,
    ContextResult,
    Format,
    HistoryItem,
    ImportResult,
    Kind,
    ListResult,
    MemoryItem,
    Scope,
    SearchResult,
    Task,
)
from mnemic.upkeep import Upkeep
from mnemic.write import Given

_log = logging.getLogger("mnemic")
_told_of_rules = False
_LARGEST_PAGE = 10_000  # of memories, some 20 MB; a larger listing comes in several


class AsyncMemory(Upkeep, Graph, Past, Explain, Moving, Receipts, Forms):
    """Memory for assistants and agents. Every method is a coroutine; `Memory` has the same ones without await.

    Args:
        path: the store's file, or ":memory:". By default `mnemic.db` in the user's data directory, or in
            the folder that MNEMIC_HOME names.
        embedder: an `Embedder`, or a name: "bundled" (default, no download), "openai:text-embedding-3-small", …
        llm: an `LLM`, or a name: "openai:gpt-5-mini", "anthropic:…", "ollama:…", "local:/model.gguf".
            With none, memories are extracted by rules.
        llm_base_url: an OpenAI-compatible endpoint for a named `llm`; no other host is then contacted.
        embedder_base_url: the same for a named `embedder`.
        reranker: a `Reranker`, or a name: "cross-encoder:BAAI/bge-reranker-base" (on this machine, or a model's
            folder), "cohere:rerank-v3.5", "llm:openai:gpt-5-mini", … With none, the arms order the hits.
        reranker_base_url: the same for a named `reranker`.
        project: keeps several uses of one store apart.
        instructions: what to keep and what not, for the model that extracts.
        custom_categories: labels the model may give to memories: name to meaning.
        slots: which attributes have one value at a time, beside those in `slots.toml`: attribute (or a
            pattern such as "favourite_*") to "single" or "additive".
        limits: how many "memories" a project may hold (`QuotaExceeded` beyond), and
            what models may cost: "calls_per_add", "calls_per_day", "tokens_per_day". What is beyond
            them waits; nothing is dropped.
        keep_secrets: whether the log keeps keys, tokens and card numbers. Nothing else ever sees them.
        background: whether pending messages are worked on in the background while this memory is open.
        decay: days after which what was said lately is put forward half as much; None puts nothing forward. It
            orders what is about equally relevant, and hides nothing.
        arms: what finds memories: "vector", "keyword", "entity", "time", "recency"; all of them by default. To
            see what each is worth.
        token_counter: counts the tokens of a text for `context`, as your model does; by default as o200k does.
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
        reranker: Reranker | str | None = None,
        reranker_base_url: str | None = None,
        project: str | None = None,
        instructions: str | None = None,
        custom_categories: Mapping[str, str] | Sequence[Mapping[str, str]] | None = None,
        slots: Mapping[str, Literal["single", "additive"]] | None = None,
        limits: Mapping[str, int] | None = None,
        keep_secrets: bool = True,
        background: bool = True,
        decay: float | None = 30.0,
        arms: Sequence[str] | None = None,
        token_counter: Callable[[str], int] | None = None,
        store: Store | None = None,
        extractor: Extractor | None = None,
    ) -> None:
        _check_parts(store=store, extractor=extractor, embedder=embedder, llm=llm, reranker=reranker)
        if token_counter is not None and not callable(token_counter):
            raise InvalidConfig(
                f"token_counter must be a function from text to a number, not {describe(token_counter)}"
            )
        if instructions is not None:
            instructions = inputs.text(instructions, "instructions")
        settings = config.load()
        if embedder is None:
            embedder = settings.embedder
        named = isinstance(embedder, str)
        if isinstance(embedder, str):
            embedder = registry.make_embedder(embedder, base_url=embedder_base_url or settings.embedder_base_url)
        if reranker is None:
            reranker = settings.reranker
        named_reranker = isinstance(reranker, str)
        if isinstance(reranker, str):
            reranker = registry.make_reranker(reranker, base_url=reranker_base_url or settings.reranker_base_url)
        if extractor is None:
            llm = llm if llm is not None else settings.llm
            extractor = registry.make_extractor(llm, base_url=llm_base_url or settings.llm_base_url)
            if llm is None:
                _tell_of_rules()
        if path is None and store is None:
            path = settings.path
        project = inputs.project_name(project if project is not None else settings.project)
        self._engine = Engine(
            store=store if store is not None else registry.make_store(path, project=project),
            embedder=embedder,
            extractor=extractor,
            reranker=reranker,
            project=project,
            instructions=instructions,
            categories=inputs.choices(custom_categories),
            single=inputs.slots(slots),
            limits=inputs.limits(limits),
            keep_secrets=inputs.flag(keep_secrets, "keep_secrets"),
            background=inputs.flag(background, "background"),
            half_life=inputs.days(decay, "decay"),
            arms=inputs.arms(arms),
            token_counter=token_counter,
            owns_embedder=named,
            owns_reranker=named_reranker,
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
        view._bound = self._require(inputs.ids(user_id, agent_id, app_id, run_id), "scope()")
        return view

    def within(
        self,
        project: str | None,
        *,
        instructions: str | None = None,
        custom_categories: Mapping[str, str] | Sequence[Mapping[str, str]] | None = None,
        decay: float | None = 30.0,
        limits: Mapping[str, int] | None = None,
    ) -> Self:
        """The same memory for another project of the store, with settings of its own; no bound ids.

        It shares everything else with this one, which opens and closes it, and works off its pending messages. None
        is for that work itself: `process_pending` and `retry` then reach the messages of every project.

        Raises:
            InvalidInput: no name of a project. InvalidConfig: a setting that means nothing.
        """
        view = object.__new__(type(self))
        view._engine = self._engine.within(
            None if project is None else inputs.project_name(project),
            instructions=None if instructions is None else inputs.text(instructions, "instructions"),
            categories=inputs.choices(custom_categories),
            half_life=inputs.days(decay, "decay"),
            limits=inputs.limits(limits),
        )
        view._bound = None
        return view

    @property
    def project(self) -> str:
        """The project of the store that this memory is of."""
        return self._engine.project

    @property
    def address(self) -> str:
        """Where its store is: a path, or a URL without the password."""
        return self._engine.store.address

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
        wait: Literal["extracted", "stored"] = "extracted",
        memory_type: Literal["procedural_memory"] | None = None,
        facts: Sequence[Mapping[str, Any]] | None = None,
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
            wait: "stored" returns when the messages are logged and searchable; memories are made of them in
                the background, by `mnemic worker`, or by `process_pending()`.
            memory_type: "procedural_memory" makes one memory of how a task was done: what was asked for, and
                each step in the words of who did it.
            facts: what somebody has found in the messages who is a model itself, in place of an extraction:
                `{"text", "quote", "subject"?, "attribute"?, "object"?, "kind"?, "ends"?}` each. A fact is held to the
                words that it quotes; one that quotes nothing of the messages is refused. An empty list: there are none.

        Returns:
            `results`, one item a memory: `event` is ADD, UPDATE (the same said more fully, or put right),
            DELETE (another one took its place), or NONE with a reason when it was already known. And the
            `receipt`: what became of each message and sentence, what it cost, and the `change_id` that
            `undo` takes. A message whose extraction failed stays searchable and is `pending` in the receipt.

        Raises:
            InvalidInput, InvalidScope: nothing was stored.
            QuotaExceeded: the project holds as many memories as its `limits` allow; nothing was stored.
            StoreError: nothing was stored.

        >>> from mnemic import Memory
        >>> m = Memory(":memory:")
        >>> m.add("I live in Taipei.", user_id="alice")["results"][0]["memory"]
        'I live in Taipei.'
        """
        instructions = None if instructions is None else inputs.text(instructions, "instructions")
        given = self._given(
            inputs.ids(user_id, agent_id, app_id, run_id),
            filters,
            metadata,
            expiration_date,
            categories,
            "add()",
            instructions=instructions,
        )
        turns = inputs.messages(messages, either("at", at, "timestamp", timestamp))
        infer = inputs.flag(infer, "infer")
        if wait not in ("extracted", "stored"):
            raise InvalidInput(f"wait must be 'extracted' or 'stored', not {describe(wait)}")
        if memory_type not in (None, "procedural_memory"):
            raise InvalidInput(f"memory_type must be 'procedural_memory' or None, not {describe(memory_type)}")
        findings = inputs.findings(facts)
        if findings is not None and (not infer or memory_type is not None or wait == "stored"):
            raise InvalidInput(
                "facts are settled with the call: pass them without infer=False, memory_type, wait='stored'"
            )
        engine = await (await self._engine.ready()).has_room()
        if memory_type is not None:
            return present.added(await verbatim.keep_procedure(engine.write, turns, given))
        if not infer:
            return present.added(await verbatim.keep(engine.write, turns, given, "note", talk=True))
        write = engine.write if findings is None else engine.write.asking(registry.make_handed(findings))
        account = await write.add(turns, given, wait=wait)
        engine.look_after_pending(left=any(each.state == "pending" for each in account.episodes))
        return present.added(account)

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
        external_id: str | None = None,
    ) -> AddResult:
        """Keep exactly this text as one memory, with no model and no rules.

        Arguments, result and errors are those of `add`; `kind` is one of fact, preference, event,
        procedure, summary, pattern, note. A text whose `external_id` this owner already has is not taken again.
        """
        if not isinstance(kind, str) or kind not in KINDS:
            raise InvalidInput(f"kind must be one of {', '.join(KINDS)}, not {describe(kind)}")
        given = self._given(
            inputs.ids(user_id, agent_id, app_id, run_id), None, metadata, expiration_date, categories, "remember()"
        )
        turns = inputs.messages({"content": inputs.text(text, "text"), "external_id": external_id}, at)
        engine = await (await self._engine.ready()).has_room()
        return present.added(await verbatim.keep(engine.write, turns, given, kind, talk=False))

    async def import_memories(self, memories: Sequence[Mapping[str, Any]], *, source: str = "mem0") -> ImportResult:
        """Keep memories that another layer had made: their words, times, metadata and former texts, as they were.

        Args:
            memories: `{"id", "memory", "user_id"?, "agent_id"?, "app_id"?, "run_id"?, "created_at"?, "updated_at"?,
                "metadata"?, "categories"?, "role"?, "actor_id"?, "attributed_to"?, "expiration_date"?, "history"?}` each,
                as mem0 returns them; `history` is what its method of this name returns. At least one of the ids.
            source: the other layer's name. The id there is kept as `metadata["mem0_id"]`, and told again by it.

        Returns:
            What became of each, in the order given, and how many there were of each. Memories have the origin
            "imported". The same words twice become one memory with two sources. Running it again adds nothing twice.

        Raises:
            InvalidInput: `memories` is no list, or `source` no name. What cannot be kept is an item with a reason.
            StoreError: memories of the owners before this one are stored.
        """
        if not isinstance(memories, Sequence) or isinstance(memories, str):
            raise InvalidInput(f"memories must be a list of dictionaries, not {describe(memories)}")
        engine = await (await self._engine.ready()).has_room()
        return await imports.bring(
            engine.write,
            registry.calibration_of(engine.embedder),
            memories,
            source=inputs.project_name(source),
            project=engine.project,
            within=self._bound,
            at=now(),
        )

    async def update(
        self,
        memory_id: str,
        data: str | None = None,
        *,
        text: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        expiration_date: str | Unset | None = UNSET,
        timestamp: When | None = None,
    ) -> dict[str, Any]:
        """Correct a memory: a new version with the same id; the former stays in its history.

        Args:
            memory_id: the memory.
            data: the new text (alias `text`).
            metadata: keys to set over the ones there are.
            expiration_date: "YYYY-MM-DD", or None to remove it.
            timestamp: when it was said. Its sources stay as they are.

        Raises:
            NotFound: no memory has this id.
            InvalidInput: nothing to change, or the id is a message's, which stay as they were said.
        """
        words = either("data", data, "text", text)
        if words is None and metadata is None and timestamp is None and isinstance(expiration_date, Unset):
            raise InvalidInput("update() needs data (the new text), metadata, expiration_date or timestamp")
        words = None if words is None else inputs.text(words, "data")
        extra = inputs.metadata(metadata)
        expires = expiration_date if isinstance(expiration_date, Unset) else inputs.expiry(expiration_date)
        said_at = None if timestamp is None else parse_time(timestamp, name="timestamp")
        engine = await self._engine.ready()
        memory = await self._memory(memory_id)
        at = now()
        changed = replace(
            memory,
            version=memory.version + 1,
            text=memory.text if words is None else words,
            metadata=inputs.metadata({**memory.metadata, **extra}),
            expires_at=memory.expires_at if isinstance(expires, Unset) else expires,
            said_at=said_at or memory.said_at,
            origin=memory.origin if words is None else "corrected",
            updated_at=at,
            known_from=at,
        )
        reader = registry.make_extractor(None)  # rules: a correction asks no model
        return present.updated(await verbatim.correct(engine.write, memory, changed, at, reader=reader))

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
        latest_only: bool | None = None,
        as_of: When | None = None,
        known_at: When | None = None,
        reference_date: When | None = None,
        explain: bool = False,
        rerank: bool | None = None,
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
            latest_only: False adds memories whose place others took ("worked at …"), True never does; by
                default they are added when the question asks for the past ("Where did I work before?").
            as_of: a moment of the world: only what held then, of all that is known. Former values come with it,
                where the end of their time is known; what a correction put right never held. A memory that does
                not say since when holds from the end of what it took the place of, or else since ever. Of
                messages, those said by then.
            known_at: a moment of the store: what was known then, as it was known. A memory has the words and
                times it had; what was deleted, merged or replaced only later is there; what expired by then is
                not. Of messages, those received by then. What was forgotten or erased is never found. Whose a
                memory is, its sources, pin and rating are as they are now, and filters look at what is kept now.
            reference_date: when the question is asked; now by default. "Last week", what is recent and what has
                expired are judged by it.
            explain: add `score_details` to each hit.
            rerank: whether the reranker orders the hits; by default it does when there is one.

        Returns:
            `results` with `score` in [0, 1], and `below_floor`: how many candidates were judged irrelevant.

        Raises:
            InvalidInput, InvalidScope, InvalidFilter.
        """
        explain = inputs.flag(explain, "explain")
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
        answer = await engine.read.search(
            asked.question, asked.where, limit=asked.limit, floor=asked.floor, rerank=asked.rerank is not False
        )
        if asked.rerank and engine.reranker is None:
            answer = replace(answer, notes=(*answer.notes, NO_RERANKER))
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
        format: Format = "text",  # noqa: A002 - the word for it
        profile: bool = True,
        as_of: When | None = None,
        known_at: When | None = None,
        reference_date: When | None = None,
    ) -> ContextResult:
        """What is known about a question, as a block for a prompt: dated, quoted, within a budget.

        First a stable part: pinned memories and those about the user, the same byte for byte until one of them
        changes, so that a provider's prompt cache holds it; a third of the budget at most. Then hits, best first,
        each with its date and age, who said it, and whether it is uncertain. What stands in the stable part is not
        repeated. Recalled words are quoted and can neither end the block nor what encloses it. Handed back in a
        message, a block is cut out of it.

        Args:
            query: what the assistant was asked.
            max_tokens: size of the block at most, counted as o200k does, or by the `token_counter` of this memory.
                Whole lines only; the block says how much was left out.
            top_k: most hits.
            format: "text"; "messages", the text as system messages of its two parts; "xml", one element; or
                "json", one object. The last two also name the message that each line comes from.
            profile: False leaves out the stable part. It never stands in blocks for no ids, nor in blocks of the past
                (`as_of`, `known_at`).

            The rest is as in `search`.

        Returns:
            `context`, the `stable` text that it begins with, its size in `tokens`, the `hits` in it, and how many
            were `omitted` and `profile_omitted`; with format="messages" also `messages`. With nothing relevant,
            `hits` is empty, and without a stable part `context`, too.

        Raises:
            InvalidInput, InvalidScope, InvalidFilter.
        """
        form = _form(format)
        profile = inputs.flag(profile, "profile")
        question = inputs.text(query, "query")
        ids = inputs.ids(user_id, agent_id, app_id, run_id)
        where = self._where(
            ids, filters, ("memory", "episode"), show_expired=False, past=False, as_of=as_of, known_at=known_at,
            at=reference_date,
        )  # fmt: skip
        asked = understand(question, where)
        where = replace(where, superseded=as_of is not None or asked.past)
        engine = await self._engine.ready()
        block = await engine.context.block(
            asked,
            where,
            limit=inputs.count(top_k, "top_k"),
            floor=inputs.share(threshold, "threshold"),
            max_tokens=inputs.count(max_tokens, "max_tokens"),
            form=form,
            profile=profile,
        )
        return present.context(block, form)

    async def get(self, memory_id: str, *, unmasked: bool = False) -> MemoryItem:
        """One memory, or one message by its episode id.

        A memory whose place another one took is shown with `retired_by` and `known_to`. `unmasked` shows the
        bytes as they were stored, secrets included.

        Raises:
            NotFound: no memory or episode has this id, or it was deleted or forgotten.
        """
        unmasked = inputs.flag(unmasked, "unmasked")
        await self._engine.ready()
        record = await self._record(memory_id, past=True)
        return present.unmasked(record) if unmasked else present.item(record)

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
        order: Order = "newest",
        show_expired: bool = False,
        latest_only: bool | None = None,
        as_of: When | None = None,
        known_at: When | None = None,
    ) -> ListResult:
        """Memories, newest first, with the total; `next_cursor` leads to the next page.

        Without ids the whole store is listed. `limit` (alias `top_k`) is 100 by default, and a page holds at most
        10,000. With `latest_only=False` memories whose place others took are listed, too. `as_of` and `known_at` list the
        past, as in `search`.

        `order` is "newest" or "oldest" (by creation), "said" (the last said first) or "updated" (the last changed
        first). Following `next_cursor` to its end, with the same arguments, lists everything that was there when
        it began exactly once; what is added meanwhile may come, too. Only in the order "updated" a memory that
        is changed meanwhile moves to the front, where it is missed.

        Raises:
            InvalidInput, InvalidScope, InvalidFilter.
        """
        amount = either("limit", limit, "top_k", top_k)
        amount = 100 if amount is None else min(inputs.count(amount, "limit"), _LARGEST_PAGE)
        order = inputs.listing_order(order)
        if cursor is not None and not isinstance(cursor, str):
            raise InvalidInput(f"cursor must be a next_cursor of an earlier page, not {describe(cursor)}")
        ids = inputs.ids(user_id, agent_id, app_id, run_id)
        past = former(latest_only, asked=as_of is not None)
        where = self._where(ids, filters, None, show_expired, past=past, as_of=as_of, known_at=known_at)
        engine = await self._engine.ready()
        page = await engine.store.page(where, limit=amount, cursor=cursor, order=order)
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

    async def open(self) -> Self:
        """Open the store now rather than with the first call.

        Raises:
            StoreError: the store cannot be opened.
        """
        await self._engine.ready()
        return self

    async def close(self) -> None:
        """Close the store, and the embedder unless it was passed in as an object. Safe to call twice."""
        await self._engine.close()

    async def __aenter__(self) -> Self:
        return await self.open()

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    # Arguments.

    def _given(
        self,
        ids: Mapping[str, Id],
        filters: Mapping[str, Any] | None,
        metadata: Mapping[str, Any] | None,
        expiration_date: str | None,
        categories: Sequence[str],
        what: str,
        *,
        instructions: str | None = None,
    ) -> Given:
        filtered, rest = inputs.split_filters(filters)
        if rest is not None:
            raise InvalidInput(f"filters of {what} hold ids only; put everything else into metadata")
        return Given(
            scope=inputs.require_ids(self._scope(inputs.merge_ids(ids, filtered)), what),
            metadata=inputs.metadata(metadata),
            at=now(),
            task=Task(
                expires_at=inputs.expiry(expiration_date),
                categories=inputs.labels(categories),
                instructions=instructions if instructions is not None else self._engine.instructions,
                choices=self._engine.categories,
            ),
        )


def _check_parts(**parts: object) -> None:
    """Every part given is a name, where names are taken, or has the methods of its protocol."""
    kinds: dict[str, tuple[type, bool]] = {
        "store": (Store, False), "extractor": (Extractor, False), "embedder": (Embedder, True), "llm": (LLM, True),
        "reranker": (Reranker, True),
    }  # fmt: skip
    for part, value in parts.items():
        kind, named = kinds[part]
        if value is not None and not isinstance(value, kind) and not (named and isinstance(value, str)):
            names = "a name, or " if named else ""
            raise InvalidConfig(
                f"{part} must be {names}an object with the methods of protocols.{kind.__name__}, not {describe(value)}"
            )


def _form(value: object) -> Format:
    for form in FORMATS:
        if value == form:
            return form
    raise InvalidInput(f"format must be one of {', '.join(FORMATS)}, not {describe(value)}")


def _tell_of_rules() -> None:
    global _told_of_rules
    if not _told_of_rules:
        _told_of_rules = True
        _log.warning(
            'Memories are extracted by rules; for a language model: Memory(llm="openai:gpt-5-mini") or MNEMIC_LLM'
        )
