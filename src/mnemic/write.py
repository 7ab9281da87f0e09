"""From messages to memories: receive, extract, reconcile, commit. Top to bottom.

The messages are committed, embedded and searchable before any extractor runs. No transaction is
open while one does; what the decision rests on is compared at the commit, and decided again when it
changed meanwhile.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Literal

import numpy as np

from mnemic import text
from mnemic.errors import Conflict, ModelError
from mnemic.ids import new_id
from mnemic.protocols import (
    Embedder,
    Extractor,
    NewEpisode,
    NewMemory,
    Proof,
    Retire,
    SetState,
    Space,
    Store,
    Vectors,
    Write,
)
from mnemic.types import (
    Episode,
    EpisodeState,
    Extraction,
    ExtractionRequest,
    Fact,
    HistoryEvent,
    Kind,
    Memory,
    Message,
    Metadata,
    Refusal,
    Scope,
    Source,
    Turn,
    Usage,
)

# Turns before the new ones that an extractor is shown, to resolve what "it" and "there" mean.
_TURNS_BEFORE = 4

# Without a run id, turns of different calls are one conversation only when both say when they were
# said and lie no further apart than this. Statements handed over one by one are no conversation.
_SAME_TALK = timedelta(hours=1)

# Records embedded between two commits of a reindex: a few seconds of work that an interruption may cost.
_REINDEX_AT_ONCE = 128

# Decisions that lose the race to another process this often are given up: something else is wrong.
_TRIES = 8


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What happened to one memory."""

    memory: Memory
    event: Literal["ADD", "UPDATE", "DELETE", "NONE"]
    reason: str | None = None


@dataclass(frozen=True, kw_only=True)
class Account:
    """What one write did: the receipt's content."""

    change_id: str
    outcomes: tuple[Outcome, ...]
    episodes: tuple[Episode, ...] = ()
    """New messages, in the order given; refusals name them by their place here."""
    repeated: tuple[str, ...] = ()
    """Of messages that were stored before and not taken again, the episodes that hold them."""
    refusals: tuple[Refusal, ...] = ()
    usage: Usage = field(default_factory=Usage)
    extractor: str | None = None


@dataclass(frozen=True, kw_only=True)
class Given:
    """What the caller says about all memories of one call."""

    scope: Scope
    metadata: Metadata
    at: datetime
    """Now."""
    expires_at: datetime | None = None
    categories: tuple[str, ...] = ()


class WritePath:
    """Decides what a write changes, and has the store commit it."""

    def __init__(self, store: Store, embedder: Embedder, extractor: Extractor) -> None:
        self._store = store
        self._embedder = embedder
        self._extractor = extractor
        self._space: Space | None = None  # known with the first vectors

    async def add(self, messages: Sequence[Message], given: Given, instructions: str | None) -> Account:
        """Log the messages, then make memories of what they say."""
        episodes, vectors, repeated = await self._receive(messages, given)
        if not episodes:
            return Account(change_id=new_id(given.scope.partition), outcomes=(), repeated=tuple(repeated))
        usage = Usage(embeddings=sum(len(each) for each in vectors))
        request = ExtractionRequest(
            turns=tuple(_turn(episode) for episode in episodes),
            before=tuple(_turn(episode) for episode in await self._turns_before(given.scope, episodes)),
            metadata=given.metadata,
            instructions=instructions,
        )
        try:
            extraction = await self._extractor.extract(request)
            usage += extraction.usage
            account = await self._settle(episodes, vectors, extraction, given, usage)
        except ModelError as exc:
            account = await self._postpone(episodes, given, usage, str(exc))
        return replace(account, repeated=tuple(repeated))

    async def keep(self, messages: Sequence[Message], given: Given, kind: Kind, *, talk: bool) -> Account:
        """Make one memory a message, verbatim, with no extractor. `talk`: the messages are turns of one."""
        change_id = new_id(given.scope.partition)
        for _ in range(_TRIES):
            fresh, repeated = await self._fresh(messages, given, state="done")
            keys = [_verbatim_key(episode) for episode in fresh]
            asked = [key for key in keys if key is not None]
            standing = await self._store.standing(given.scope, asked) if asked else {}
            new: dict[str, tuple[Episode, Memory, str | None]] = {}
            outcomes = []
            for episode, key in zip(fresh, keys, strict=True):
                place = key or episode.id
                if place in standing or place in new:
                    memory = standing[place] if place in standing else new[place][1]
                    outcomes.append(Outcome(memory=memory, event="NONE", reason="duplicate"))
                    repeated.append(memory.sources[0].episode_id)
                else:
                    new[place] = (episode, _verbatim(episode, given, kind), key)
                    outcomes.append(Outcome(memory=new[place][1], event="ADD"))
            episodes = [episode for episode, _, _ in new.values()]
            vectors = await self._embed([episode.indexed for episode in episodes])
            write = Write(
                scope=given.scope,
                at=given.at,
                space=self._space,
                episodes=tuple(await self._chain(episodes, [None] * len(episodes), given.scope, talk=talk)),
                memories=tuple(
                    NewMemory(memory=memory, vectors=each, episode_id=episode.id, once=key)
                    for (episode, memory, key), each in zip(new.values(), vectors, strict=True)
                ),
                history=tuple(_added(memory, change_id, given.at, "person", None) for _, memory, _ in new.values()),
            )
            try:
                if new:
                    await self._store.commit(write)
            except Conflict:
                continue
            return Account(
                change_id=change_id,
                outcomes=tuple(outcomes),
                episodes=tuple(episodes),
                repeated=tuple(repeated),
                usage=Usage(embeddings=sum(len(each) for each in vectors)),
            )
        raise _lost_race()

    async def update(self, memory: Memory, changed: Memory, at: datetime) -> Account:
        """Make `changed` the next version of `memory`."""
        change_id = new_id(memory.scope.partition)
        (vectors,) = await self._embed([changed.indexed])
        event = HistoryEvent(
            id=new_id(memory.scope.partition), memory_id=memory.id, version=changed.version, event="UPDATE",
            old_text=memory.text, new_text=changed.text, at=at, change_id=change_id, actor="person",
        )  # fmt: skip
        once = None if changed.origin == "given" else _fact_key(changed)
        if once is not None:
            held = (await self._store.standing(memory.scope, [once])).get(once)
            once = once if held is None or held.id == memory.id else None  # two that now say the same stay two
        new = NewMemory(memory=changed, vectors=vectors, replaces=memory.version, once=once)
        await self._store.commit(Write(scope=memory.scope, at=at, space=self._space, memories=(new,), history=(event,)))
        outcome = Outcome(memory=changed, event="UPDATE")
        return Account(change_id=change_id, outcomes=(outcome,), usage=Usage(embeddings=len(vectors)))

    async def delete(self, memory: Memory, at: datetime) -> Account:
        """Retire a memory and hide the messages it came from."""
        change_id = new_id(memory.scope.partition)
        event = HistoryEvent(
            id=new_id(memory.scope.partition), memory_id=memory.id, version=memory.version, event="DELETE",
            old_text=memory.text, new_text=None, at=at, change_id=change_id, actor="person", reason="deleted",
        )  # fmt: skip
        retire = Retire(memory_id=memory.id, version=memory.version, reason="deleted")
        await self._store.commit(Write(scope=memory.scope, at=at, retire=(retire,), history=(event,)))
        outcome = Outcome(memory=memory, event="DELETE")
        return Account(change_id=change_id, outcomes=(outcome,))

    async def hide(self, episode: Episode, at: datetime) -> None:
        """Take a message out of search; its words stay in the log."""
        state = SetState(episode_id=episode.id, state="hidden", reason="deleted")
        await self._store.commit(Write(scope=episode.scope, at=at, states=(state,)))

    async def reindex(self, progress: Callable[[int], None]) -> int:
        """Embed every record again with this embedder, then search with it. Goes on where an earlier try stopped.

        `progress` is told how many records were embedded so far. Returns how many that were.
        """
        (probe,) = await self._windows(["reindex"])
        space = Space(name=self._embedder.name, dimensions=probe.shape[1])
        done = 0
        while True:
            pieces = await self._store.missing(space, _REINDEX_AT_ONCE)
            if not pieces:
                if await self._store.activate(space):
                    return done
                continue  # others wrote meanwhile
            vectors = await self._windows([piece.text for piece in pieces])
            fitted = [(piece.place, _fit(each, piece.span)) for piece, each in zip(pieces, vectors, strict=True)]
            await self._store.reembed(space, fitted)
            done += len(pieces)
            progress(done)

    # Receive.

    async def _receive(
        self, messages: Sequence[Message], given: Given
    ) -> tuple[list[Episode], list[Vectors], list[str]]:
        """Log the messages that are not here yet: these, their vectors, and those that were."""
        for _ in range(_TRIES):
            episodes, repeated = await self._fresh(messages, given, state="pending")
            vectors = await self._embed([episode.indexed for episode in episodes])
            chained = await self._chain(episodes, vectors, given.scope, talk=True)
            try:
                if episodes:
                    await self._store.commit(
                        Write(scope=given.scope, at=given.at, space=self._space, episodes=tuple(chained))
                    )
            except Conflict:
                continue
            return episodes, vectors, repeated
        raise _lost_race()

    async def _fresh(
        self, messages: Sequence[Message], given: Given, *, state: EpisodeState
    ) -> tuple[list[Episode], list[str]]:
        """Episodes of the messages whose external id is not taken, and the ids of those that hold the others."""
        named = [message.external_id for message in messages if message.external_id is not None]
        taken = await self._store.taken(given.scope, named) if named else {}
        episodes, repeated = [], []
        for message in messages:
            known = None if message.external_id is None else taken.get(message.external_id)
            if known is None:
                episode = _episode(message, given, state=state)
                episodes.append(episode)
                if message.external_id is not None:
                    taken[message.external_id] = episode
            else:
                repeated.append(known.id)
        return episodes, repeated

    async def _embed(self, texts: Sequence[str]) -> list[Vectors]:
        """One array of window vectors a text, shape (w, dimensions), in the store's space."""
        found = await self._windows(texts)
        if found:
            self._space = Space(name=self._embedder.name, dimensions=found[0].shape[1])
        return found

    async def _windows(self, texts: Sequence[str]) -> list[Vectors]:
        if not texts:
            return []
        pieces = [text.windows(each, self._embedder.max_chars) for each in texts]
        flat = list(dict.fromkeys(piece for windows in pieces for piece in windows))
        vectors = await self._embedder.embed(flat, role="passage")
        place = {piece: index for index, piece in enumerate(flat)}
        return [np.asarray(vectors[[place[piece] for piece in windows]]) for windows in pieces]

    async def _chain(
        self, episodes: Sequence[Episode], vectors: Sequence[Vectors | None], scope: Scope, *, talk: bool
    ) -> list[NewEpisode]:
        """Link each turn to the one before it in the same conversation; without `talk` they are no turns."""
        last = await self._store.last_turns(scope, 1) if episodes and talk else ()
        before = last[0] if last and _same_talk(last[0], episodes[0]) else None
        chained = []
        for episode, each in zip(episodes, vectors, strict=True):
            chained.append(NewEpisode(episode=episode, vectors=each, follows=None if before is None else before.id))
            before = episode if talk else None
        return chained

    async def _turns_before(self, scope: Scope, episodes: Sequence[Episode]) -> list[Episode]:
        new = {episode.id for episode in episodes}
        turns = await self._store.last_turns(scope, _TURNS_BEFORE + len(new))
        return [turn for turn in turns if turn.id not in new][-_TURNS_BEFORE:]

    async def _postpone(self, episodes: Sequence[Episode], given: Given, usage: Usage, error: str) -> Account:
        """The extractor failed: the messages stay searchable and pending, and say why."""
        change_id = new_id(given.scope.partition)
        waiting = [replace(episode, reason=error, attempts=episode.attempts + 1) for episode in episodes]
        states = tuple(
            SetState(episode_id=each.id, state="pending", reason=error, attempts=each.attempts) for each in waiting
        )
        await self._store.commit(Write(scope=given.scope, at=given.at, states=states))
        return Account(
            change_id=change_id, outcomes=(), episodes=tuple(waiting), usage=usage, extractor=self._extractor.name
        )

    # Reconcile and commit.

    async def _settle(
        self, episodes: list[Episode], vectors: list[Vectors], extraction: Extraction, given: Given, usage: Usage
    ) -> Account:
        change_id = new_id(given.scope.partition)
        known = {episode.indexed: each for episode, each in zip(episodes, vectors, strict=True)}
        drafts = [_memory(fact, episodes[fact.turn], given) for fact in extraction.facts]
        fresh = list(dict.fromkeys(draft.indexed for draft in drafts if draft.indexed not in known))
        embedded = await self._embed(fresh)
        known.update(zip(fresh, embedded, strict=True))
        usage += Usage(embeddings=sum(len(each) for each in embedded))
        for _ in range(_TRIES):
            write, outcomes = await self._decide(episodes, drafts, known, extraction, given, change_id)
            try:
                await self._store.commit(write)
            except Conflict:
                continue
            states = {change.episode_id: change for change in write.states}
            return Account(
                change_id=change_id,
                outcomes=tuple(outcomes),
                episodes=tuple(
                    replace(each, state=states[each.id].state, reason=states[each.id].reason) for each in episodes
                ),
                refusals=extraction.refusals,
                usage=usage,
                extractor=self._extractor.name,
            )
        raise _lost_race()

    async def _decide(
        self,
        episodes: list[Episode],
        drafts: list[Memory],
        vectors: dict[str, Vectors],
        extraction: Extraction,
        given: Given,
        change_id: str,
    ) -> tuple[Write, list[Outcome]]:
        """Each fact is added, or becomes one more source of the memory that already says it."""
        keys = [_fact_key(draft) for draft in drafts]
        standing = await self._store.standing(given.scope, keys)
        new: dict[str, Memory] = {}
        proofs, outcomes, events = [], [], []
        for draft, key in zip(drafts, keys, strict=True):
            source = draft.sources[0]
            if key in standing:
                memory = standing[key]
                if source not in memory.sources:
                    proofs.append(Proof(memory_id=memory.id, version=memory.version, source=source))
                proven = replace(memory, sources=(*memory.sources, source))
                outcomes.append(Outcome(memory=proven, event="NONE", reason="already known"))
            elif key in new:
                memory = new[key]
                if source not in memory.sources:
                    new[key] = replace(memory, sources=(*memory.sources, source), proof_count=memory.proof_count + 1)
            else:
                new[key] = draft
        for memory in new.values():
            outcomes.append(Outcome(memory=memory, event="ADD"))
            events.append(_added(memory, change_id, given.at, self._extractor.name, None))
        write = Write(
            scope=given.scope,
            at=given.at,
            space=self._space,
            memories=tuple(
                NewMemory(memory=memory, vectors=vectors[memory.indexed], once=key) for key, memory in new.items()
            ),
            proofs=tuple(proofs),
            states=tuple(_state(index, episode, extraction) for index, episode in enumerate(episodes)),
            history=tuple(events),
        )
        return write, outcomes


def _fit(vectors: Vectors, span: int) -> Vectors:
    """`span` unit vectors: windows beyond the room there is are averaged, a missing one repeats the last."""
    groups = [vectors[index * len(vectors) // span : (index + 1) * len(vectors) // span] for index in range(span)]
    means = np.stack([group.mean(axis=0) if len(group) else vectors[-1] for group in groups])
    return np.asarray(means / np.maximum(np.linalg.norm(means, axis=1, keepdims=True), 1e-9), dtype=np.float32)


def _state(index: int, episode: Episode, extraction: Extraction) -> SetState:
    if any(fact.turn == index for fact in extraction.facts):
        return SetState(episode_id=episode.id, state="done")
    whole = [refusal for refusal in extraction.refusals if refusal.turn == index and refusal.quote is None]
    if whole:
        return SetState(episode_id=episode.id, state="refused", reason=whole[0].reason)
    return SetState(episode_id=episode.id, state="empty")


def _same_talk(before: Episode, after: Episode) -> bool:
    if after.scope.run_id is not None:
        return True
    dated = before.said_at != before.received_at and after.said_at != after.received_at
    return dated and abs(after.said_at - before.said_at) <= _SAME_TALK


def _turn(episode: Episode) -> Turn:
    return Turn(role=episode.role, content=episode.content, said_at=episode.said_at, name=episode.actor)


def _episode(message: Message, given: Given, *, state: EpisodeState) -> Episode:
    return Episode(
        id=new_id(given.scope.partition),
        scope=given.scope,
        role=message.role,
        content=message.content,
        said_at=message.at or given.at,
        received_at=given.at,
        actor=message.name,
        metadata={**given.metadata, **message.metadata},
        state=state,
        external_id=message.external_id,
    )


def source_of(episode: Episode, quote: str | None = None) -> Source:
    """An episode as evidence: the words quoted, or all of them."""
    return Source(
        episode_id=episode.id,
        quote=episode.content if quote is None else quote,
        said_at=episode.said_at,
        role=episode.role,
        actor=episode.actor,
    )


def _memory(fact: Fact, episode: Episode, given: Given) -> Memory:
    return Memory(
        id=new_id(given.scope.partition),
        version=1,
        scope=given.scope,
        kind=fact.kind,
        text=fact.text,
        subject=fact.subject,
        attribute=fact.attribute,
        origin="stated",
        attributed_to=fact.attributed_to,
        actor=episode.actor,
        role=episode.role,
        confidence=fact.confidence,
        valid_from=fact.valid_from,
        valid_to=fact.valid_to,
        precision=fact.precision,
        expires_at=given.expires_at,
        metadata=episode.metadata,
        categories=given.categories,
        said_at=episode.said_at,
        sources=(source_of(episode, fact.quote),),
        created_at=given.at,
        updated_at=given.at,
        known_from=given.at,
    )


def _verbatim(episode: Episode, given: Given, kind: Kind) -> Memory:
    return Memory(
        id=new_id(given.scope.partition),
        version=1,
        scope=given.scope,
        kind=kind,
        text=episode.content,
        origin="given",
        attributed_to="assistant" if episode.role == "assistant" else "user",
        actor=episode.actor,
        role=episode.role,
        expires_at=given.expires_at,
        metadata=episode.metadata,
        categories=given.categories,
        said_at=episode.said_at,
        sources=(source_of(episode),),
        created_at=given.at,
        updated_at=given.at,
        known_from=given.at,
    )


def _added(memory: Memory, change_id: str, at: datetime, actor: str, reason: str | None) -> HistoryEvent:
    return HistoryEvent(
        id=new_id(memory.scope.partition), memory_id=memory.id, version=memory.version, event="ADD", old_text=None,
        new_text=memory.text, at=at, change_id=change_id, actor=actor, reason=reason,
    )  # fmt: skip


def _fact_key(memory: Memory) -> str:
    """Same words, same speaker, same ids: one memory, with one more source."""
    words = text.fingerprint(memory.text)
    return _key("fact", memory.attributed_to, memory.actor, memory.subject, words, *memory.scope.ids.items())


def _verbatim_key(episode: Episode) -> str | None:
    """Same bytes in the same scope at the same stated time: one memory. None where no time was stated."""
    if episode.said_at == episode.received_at:
        return None
    ids = episode.scope.ids.items()
    return _key("note", episode.role, episode.actor, episode.said_at.isoformat(), text.md5(episode.content), *ids)


def _key(*parts: object) -> str:
    return hashlib.blake2b(repr(parts).encode(), digest_size=16).hexdigest()


def _lost_race() -> Conflict:
    return Conflict(f"others changed the same memories {_TRIES} times in a row; repeat the call")
