"""From messages to memories: receive, extract, gate, settle, commit. Top to bottom.

The messages are committed, embedded and searchable before any extractor runs. No transaction is
open while one does; what the decision rests on is compared at the commit, and decided again when it
changed meanwhile. A message whose extraction fails stays pending, and is tried again later.
"""

from __future__ import annotations

import asyncio
import copy
import logging
import random
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time, timedelta
from typing import Literal
from weakref import WeakValueDictionary

import numpy as np

from mnemic import dates, gates, hygiene, planning
from mnemic.drafts import Likeness, draft, once_key
from mnemic.embedding import Embedding
from mnemic.errors import Closed, Conflict, ModelError, StoreError
from mnemic.ids import new_id
from mnemic.planning import Outcome, Plan, Refused
from mnemic.protocols import (
    Ask,
    Calibration,
    Embedder,
    Extractor,
    Judge,
    NewEpisode,
    SetState,
    Store,
    Vectors,
    Verdict,
    Write,
)
from mnemic.reconcile import Draft
from mnemic.types import (
    Change,
    Episode,
    Extraction,
    ExtractionRequest,
    Fact,
    Limits,
    Memory,
    Message,
    Metadata,
    Near,
    Refusal,
    Scope,
    Task,
    Turn,
    Usage,
)

_log = logging.getLogger("mnemic")

Wait = Literal["extracted", "stored"]

# Turns before the new ones that an extractor is shown, to resolve what "it" and "there" mean.
_TURNS_BEFORE = 4

# Without a run id, turns of different calls are one conversation only when both say when they were
# said and lie no further apart than this. Statements handed over one by one are no conversation.
_SAME_TALK = timedelta(hours=1)

# Memories that a model is shown beside the new turns, that each new turn may bring among them, and how near
# they must be (centred similarity; unrelated texts lie around 0). More of them cost tokens with every message
# and weigh on small models; a pair that was not shown can still be asked about.
_NEAR = 6
_NEAR_A_TURN = 3
_NEAR_FROM = 0.25

# Turns that one extraction reads at most. Models overlook things in longer talk.
_AT_ONCE = 20

# How long after a crash nobody takes up what was being worked on: shorter than a person's patience. Whoever is there
# renews it three times as often, so that a slow model may take as long as it needs.
LEASE = timedelta(minutes=5)

# A message is tried this often, with growing pauses: 5 s, 20 s, 80 s, 5 min. What a model could not do by
# then needs a person.
MOST_ATTEMPTS = 5
_FIRST_PAUSE = 5.0
_LONGEST_PAUSE = 3600.0

# Decisions that lose the race to others this often are given up: something else is wrong. Eight processes
# that write the same owner at once lose a few dozen between them.
TRIES = 64

_PER_ADD = "the limit of model calls per add was reached"

NOT_EMBEDDED = "not embedded"
"""How the reason of a message starts whose text has no vectors yet."""


@dataclass(frozen=True, kw_only=True)
class Given:
    """What the caller says about all memories of one call."""

    scope: Scope
    metadata: Metadata
    at: datetime
    """Now."""
    task: Task = field(default_factory=Task)


@dataclass(frozen=True, kw_only=True)
class Account:
    """What one write did: the receipt's content."""

    change_id: str
    outcomes: tuple[Outcome, ...] = ()
    episodes: tuple[Episode, ...] = ()
    """New messages, in the order given."""
    repeated: tuple[str, ...] = ()
    """Of messages that were stored before and not taken again, the episodes that hold them."""
    refused: tuple[Refused, ...] = ()
    masked: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    """Episode -> kind of secret -> how often it was masked."""
    usage: Usage = field(default_factory=Usage)
    extractor: str | None = None

    def __add__(self, other: Account) -> Account:
        """Both, of one change; a message that stands in both is as the later says."""
        later = {each.id: each for each in other.episodes}
        mine = {each.id for each in self.episodes}
        return Account(
            change_id=self.change_id,
            outcomes=self.outcomes + other.outcomes,
            episodes=(
                *(later.get(each.id, each) for each in self.episodes),
                *(each for each in other.episodes if each.id not in mine),
            ),
            repeated=self.repeated + other.repeated,
            refused=self.refused + other.refused,
            masked={**self.masked, **other.masked},
            usage=self.usage + other.usage,
            extractor=self.extractor or other.extractor,
        )


class WritePath:
    """Decides what messages change, and has the store commit it."""

    def __init__(
        self,
        store: Store,
        embedder: Embedder,
        extractor: Extractor,
        calibration: Calibration,
        *,
        single: Mapping[str, bool] | None = None,
        limits: Limits | None = None,
        keep_secrets: bool = True,
    ) -> None:
        self.store = store
        self.embedding = Embedding(embedder)
        self._extractor = extractor
        self._calibration = calibration
        self._single = single or {}
        self._limits = limits or Limits()
        self.keep_secrets = keep_secrets
        self._orders: WeakValueDictionary[Scope, asyncio.Lock] = WeakValueDictionary()

    def asking(self, extractor: Extractor) -> WritePath:
        """The same path, which asks another extractor. What it does not get done is left to the one there is."""
        path = copy.copy(self)
        path._extractor = extractor  # noqa: SLF001 - its own kind
        return path

    async def add(self, messages: Sequence[Message], given: Given, *, wait: Wait) -> Account:
        """Log the messages; then, unless only that is waited for, make memories of what they say."""
        order = self._orders.setdefault(given.scope, asyncio.Lock())
        async with order:
            received, vectors = await self._receive(messages, given, leased=wait == "extracted")
            waiting = [each for each in received.episodes if each.leased]
            calls = 0
            account = received
            with self._held(waiting, since=given.at):
                for start in range(0, len(waiting), self._at_once):
                    batch = waiting[start : start + self._at_once]
                    if self._limits.calls_per_add is not None and calls >= self._limits.calls_per_add:
                        account += await self._postpone(batch, given.at, _PER_ADD, counted=False)
                        continue
                    shown = {each.id: vectors[each.id] for each in batch if each.id in vectors}
                    try:
                        done = await self._work(batch, shown)
                    except asyncio.CancelledError:
                        await self._give_back(waiting[start + self._at_once :], given.at)
                        raise
                    calls += done.usage.model_calls
                    account += done
            return account

    async def process(self, at: datetime, scope: Scope | None = None) -> Account | None:
        """Take some pending messages of one conversation and make memories of them; None when none is due."""
        leasing = asyncio.ensure_future(self.store.lease(now=at, until=at + LEASE, limit=_AT_ONCE, scope=scope))
        try:
            episodes = await asyncio.shield(leasing)
        except asyncio.CancelledError:
            await self._give_back(await leasing, at)
            raise
        if not episodes:
            return None
        poisoned = [each for each in episodes if each.attempts > MOST_ATTEMPTS]
        tried = [each for each in episodes if each not in poisoned]
        account = Account(change_id=episodes[0].change_id or "", extractor=self._extractor.name)
        if poisoned:  # whoever had them never came back
            account += await self._give_up(poisoned, at, "extraction never ended")
        if any(each.reason is not None and each.reason.startswith(NOT_EMBEDDED) for each in tried):
            try:
                await self.embedding.windows(["probe"])
                await self._fill_gaps()
            except ModelError as exc:
                return account + await self._postpone(tried, at, f"{NOT_EMBEDDED}: {exc}")
        # One bad message must not hold up the others, nor take them with it where it ends the process: after a failure
        # each is tried alone, and the others wait as they did.
        if any(each.attempts > 1 for each in tried):
            tried, others = tried[:1], tried[1:]
            if others:
                waiting = [replace(each, attempts=each.attempts - 1, leased=False, due_at=at) for each in others]
                await self._move(others, waiting, at)
        if tried:
            with self._held(tried, since=at):
                account += await self._work(tried, {})
        return account

    @contextmanager
    def _held(self, episodes: Sequence[Episode], *, since: datetime) -> Iterator[None]:
        """Renew the lease of messages while they are worked on, however long that takes."""
        if not episodes:
            yield
            return
        renewing = asyncio.get_running_loop().create_task(self._renew(episodes, since))
        try:
            yield
        finally:
            renewing.cancel()

    async def _renew(self, episodes: Sequence[Episode], since: datetime) -> None:
        held = {each.id: each.attempts for each in episodes}
        pause = LEASE / 3 - (datetime.now(UTC) - since)  # much may have been embedded since
        while True:
            await asyncio.sleep(max(pause, timedelta()).total_seconds())
            with suppress(StoreError):  # others may take them then, and what they settle is settled once all the same
                await self.store.renew(held, until=datetime.now(UTC) + LEASE)
            pause = LEASE / 3

    @property
    def _at_once(self) -> int:
        return _AT_ONCE if isinstance(self._extractor, Judge) else 1_000_000

    # Receive.

    async def _receive(
        self, messages: Sequence[Message], given: Given, *, leased: bool
    ) -> tuple[Account, dict[str, Vectors]]:
        """Log the messages that are not here yet: these, their vectors, and those that were."""
        change = Change(id=new_id(given.scope.partition), scope=given.scope, kind="add", at=given.at)
        cleaned = await clean([message.content for message in messages], hygiene.clean)
        for tries in range(TRIES):
            episodes, repeated, masked = await self._fresh(messages, cleaned, given, change.id, leased=leased)
            embedded: Sequence[Vectors | None]
            try:
                embedded = await self.embedding.windows([episode.indexed for episode in episodes])
            except ModelError as exc:  # found by its words until the embedder is back
                embedded = [None] * len(episodes)
                episodes = [_delayed(each, given.at, f"{NOT_EMBEDDED}: {exc}") for each in episodes]
            chained = await self.chain(episodes, embedded, given.scope, talk=True)
            write = Write(
                scope=given.scope, at=given.at, space=self.embedding.space, changes=(change,), episodes=tuple(chained)
            )
            try:
                await self.store.commit(
                    write
                )  # also where all were here before: the receipt names a change that is there
            except Conflict:
                await _pause(tries)
                continue
            vectors = {each.id: found for each, found in zip(episodes, embedded, strict=True) if found is not None}
            account = Account(
                change_id=change.id,
                episodes=tuple(episodes),
                repeated=tuple(repeated),
                masked=masked,
                usage=Usage(embeddings=sum(len(each) for each in vectors.values())),
                extractor=self._extractor.name,
            )
            return account, vectors
        raise lost_race()

    async def _fresh(
        self,
        messages: Sequence[Message],
        cleaned: Mapping[str, hygiene.Cleaned],
        given: Given,
        change_id: str,
        *,
        leased: bool,
    ) -> tuple[list[Episode], list[str], dict[str, Mapping[str, int]]]:
        """Episodes of the messages whose external id is not taken, and the ids of those that hold the others."""
        masked: dict[str, Mapping[str, int]] = {}

        def log(message: Message) -> Episode:
            seen = cleaned[message.content]
            episode = logged(message, given, seen, change_id, keep_secrets=self.keep_secrets)
            if seen.masked:
                masked[episode.id] = {each.kind: each.count for each in seen.masked}
            if not seen.text.strip():
                return replace(episode, state="refused", reason="own_context")
            return replace(
                episode,
                leased=leased,
                attempts=1 if leased else 0,
                due_at=given.at + LEASE if leased else given.at,
                task=given.task,
            )

        episodes, repeated = await fresh(self.store, messages, given.scope, log)
        return episodes, repeated, masked

    async def chain(
        self, episodes: Sequence[Episode], vectors: Sequence[Vectors | None], scope: Scope, *, talk: bool
    ) -> list[NewEpisode]:
        """Link each turn to the one before it in the same conversation; without `talk` they are no turns."""
        goes_on = talk and bool(episodes) and (scope.run_id is not None or _is_dated(episodes[0]))
        last = await self.store.last_turns(scope, 1) if goes_on else ()
        before = last[0] if last and _same_talk(last[0], episodes[0]) else None
        chained = []
        for episode, each in zip(episodes, vectors, strict=True):
            chained.append(NewEpisode(episode=episode, vectors=each, follows=None if before is None else before.id))
            before = episode if talk else None
        return chained

    async def _fill_gaps(self) -> None:
        """Embed what was stored while the embedder was away."""
        space = self.embedding.space
        assert space is not None  # noqa: S101 - something was just embedded
        while pieces := await self.store.missing(space, _AT_ONCE):
            vectors = await self.embedding.windows([piece.text for piece in pieces])
            await self.store.use_space(space)
            await self.store.reembed(
                space, [(piece.place, each[: piece.span]) for piece, each in zip(pieces, vectors, strict=True)]
            )

    # Extract.

    async def _work(self, episodes: Sequence[Episode], vectors: Mapping[str, Vectors]) -> Account:
        """Extract from leased messages and settle what was found; on failure they wait for another try."""
        now = datetime.now(UTC)
        usage = Usage()
        try:
            if reason := await self.over_budget(episodes[0].scope.project, now):
                return await self._postpone(episodes, now, reason, until=_tomorrow(now), counted=False)
            before = await self._turns_before(episodes[0].scope, episodes)
            vectors, embedded = await self._shown_with(episodes, vectors)
            usage += Usage(embeddings=embedded)
            request, shown = await self._request(episodes, before, vectors)
            extraction = await self._extractor.extract(request)
            usage += extraction.usage
            # Off the event loop: gates and names look long at every word.
            drafts, refused = await asyncio.to_thread(_drafts, extraction, request, before, episodes, now)
            return await self._settle(episodes, vectors, drafts, refused, shown, usage, now)
        except asyncio.CancelledError:
            await self._give_back(episodes, now)
            raise
        except Closed:
            raise
        except (ModelError, StoreError) as exc:
            failed = await self._postpone(episodes, now, str(exc), spent=usage)
            return replace(failed, usage=usage)
        except Exception as exc:  # noqa: BLE001 - the receipt tells
            # A defect of an extractor must not lose messages, nor have its caller send them twice.
            _log.exception("%s failed; the messages stay pending", self._extractor.name)
            reason = f"{self._extractor.name} failed: {type(exc).__name__}: {exc}"
            return replace(await self._postpone(episodes, now, reason, spent=usage), usage=usage)

    async def _shown_with(
        self, episodes: Sequence[Episode], vectors: Mapping[str, Vectors]
    ) -> tuple[Mapping[str, Vectors], int]:
        """The messages' vectors, where neighbours are looked for with them, and how many had to be made for it."""
        without = [each for each in episodes if each.id not in vectors]
        if not without or not isinstance(self._extractor, Judge):
            return vectors, 0
        made = await self.embedding.windows([each.indexed for each in without])
        found = {each.id: window for each, window in zip(without, made, strict=True)}
        return {**vectors, **found}, sum(len(each) for each in made)

    async def _request(
        self, episodes: Sequence[Episode], before: Sequence[Episode], vectors: Mapping[str, Vectors]
    ) -> tuple[ExtractionRequest, tuple[Memory, ...]]:
        """What the extractor is asked, and the memories it is shown."""
        scope, task = episodes[0].scope, episodes[0].task or Task()
        shown: list[Memory] = []
        near: list[Near] = []
        if isinstance(self._extractor, Judge):
            stack = np.stack([vectors[each.id][0] for each in episodes])
            around = await self.store.around(Ask(scope=scope, vectors=stack, limit=_NEAR_A_TURN))
            likeness = Likeness(self._calibration)
            scores: dict[str, float] = defaultdict(float)
            for episode, ids in zip(episodes, around.near, strict=True):
                for each in ids:
                    memory = around.memories[each]
                    score = likeness.of(
                        episode.indexed, vectors[episode.id][0], memory.indexed, around.vectors.get(each)
                    )
                    scores[each] = max(scores[each], min(max(score or 0.0, 0.0), 1.0))
            best = sorted(
                (each for each in scores if scores[each] >= _NEAR_FROM), key=lambda each: (-scores[each], each)
            )[:_NEAR]
            shown = [around.memories[each] for each in best]
            near = [
                Near(
                    text=memory.words,
                    said_at=memory.said_at or memory.created_at,
                    score=scores[memory.id],
                    subject=memory.subject,
                    attribute=memory.attribute,
                )
                for memory in shown
            ]
        request = ExtractionRequest(
            turns=tuple(_turn(episode) for episode in episodes),
            before=tuple(_turn(episode) for episode in before),
            near=tuple(near),
            metadata=_shared([episode.metadata for episode in episodes]),
            instructions=task.instructions,
            choices=task.choices,
        )
        return request, tuple(shown)

    async def _turns_before(self, scope: Scope, episodes: Sequence[Episode]) -> list[Episode]:
        turns = await self.store.last_turns(scope, _TURNS_BEFORE + len(episodes))
        return [turn for turn in turns if turn.id < episodes[0].id and turn.words.strip()][-_TURNS_BEFORE:]

    async def over_budget(self, project: str, now: datetime) -> str | None:
        """Why no model may be asked for a project any more today; None where one may."""
        limits = self._limits
        if not isinstance(self._extractor, Judge) or limits.calls_per_day is limits.tokens_per_day is None:
            return None
        spent = await self.store.spent(project, now.date())
        if limits.calls_per_day is not None and spent.model_calls >= limits.calls_per_day:
            return f"the day's budget of {limits.calls_per_day} model calls is spent"
        if limits.tokens_per_day is not None and spent.input_tokens + spent.output_tokens >= limits.tokens_per_day:
            return f"the day's budget of {limits.tokens_per_day} tokens is spent"
        return None

    async def _postpone(
        self,
        episodes: Sequence[Episode],
        now: datetime,
        error: str,
        *,
        until: datetime | None = None,
        counted: bool = True,
        spent: Usage | None = None,
    ) -> Account:
        """The messages stay searchable and pending, and say why; after the last try they are failed.

        `spent`: what the try cost, though nothing came of it.
        """
        moved = []
        for episode in episodes:
            attempts = episode.attempts if counted else max(episode.attempts - 1, 0)
            if attempts >= MOST_ATTEMPTS:
                moved.append(replace(episode, state="failed", reason=error, leased=False, due_at=None))
            else:
                due = until or now + _pause_after(attempts)
                moved.append(replace(episode, reason=error, attempts=attempts, leased=False, due_at=due))
        return await self._move(episodes, moved, now, spent=spent)

    async def _give_back(self, episodes: Sequence[Episode], now: datetime) -> None:
        """Interrupted: whoever is next should not have to wait until the lease runs out."""
        if not episodes:
            return
        with suppress(StoreError):
            await self._postpone(episodes, now, "interrupted", until=now, counted=False)

    async def _give_up(self, episodes: Sequence[Episode], now: datetime, error: str) -> Account:
        moved = [replace(each, state="failed", reason=error, leased=False, due_at=None) for each in episodes]
        return await self._move(episodes, moved, now)

    async def _move(
        self, before: Sequence[Episode], after: Sequence[Episode], now: datetime, *, spent: Usage | None = None
    ) -> Account:
        states = tuple(
            SetState(
                episode_id=new.id, state=new.state, reason=new.reason, attempts=new.attempts, due_at=new.due_at,
                held=old.attempts,
            )
            for old, new in zip(before, after, strict=True)
        )  # fmt: skip
        change_id = before[0].change_id or ""
        spent = spent if spent is not None and spent.model_calls else None
        try:
            await self.store.commit(Write(scope=before[0].scope, at=now, states=states, spent=spent))
        except Conflict:  # the lease ran out and somebody else has them
            return Account(change_id=change_id, extractor=self._extractor.name)
        except Closed:
            raise
        except StoreError:  # they are as they were: pending, and free again when the lease runs out
            held = (
                replace(old, reason=new.reason, due_at=old.due_at or now + LEASE)
                for old, new in zip(before, after, strict=True)
            )
            return Account(change_id=change_id, episodes=tuple(held), extractor=self._extractor.name)
        return Account(change_id=change_id, episodes=tuple(after), extractor=self._extractor.name)

    # Settle and commit.

    async def _settle(
        self,
        episodes: Sequence[Episode],
        vectors: Mapping[str, Vectors],
        drafts: Sequence[Draft],
        refused: Sequence[Refusal],
        shown: Sequence[Memory],
        usage: Usage,
        now: datetime,
    ) -> Account:
        known = {each.indexed: vectors[each.id] for each in episodes if each.id in vectors}
        fresh_ones = await self._embed_new([each.memory.indexed for each in drafts], known)
        known |= fresh_ones
        usage += Usage(embeddings=sum(len(each) for each in fresh_ones.values()))
        verdicts: dict[tuple[int, str], Verdict] = {}
        lost = 0
        for _ in range(TRIES):
            if lost:
                await _pause(lost - 1)
            # Whoever has lost waits for a turn: so dozens of processes on one owner come to an end, too.
            async with self.store.turn(episodes[0].scope) if lost else nullcontext():
                plan = await self._plan(episodes, drafts, known, shown, verdicts, now)
                if plan.open and not verdicts and isinstance(self._extractor, Judge):
                    pairs = [
                        (drafts[place].memory.words, plan.around.memories[other].words) for place, other in plan.open
                    ]
                    answers, spent = await self._extractor.judge(pairs)
                    usage += spent
                    verdicts = dict(zip(plan.open, answers, strict=True))
                    continue
                fuller = await self._embed_new(plan.texts, known)
                known |= fuller
                usage += Usage(embeddings=sum(len(each) for each in fuller.values()))
                write = plan.write(episodes, refused, known, usage, self.embedding.space, self._extractor.name)
                try:
                    await self.store.commit(write)
                except Conflict:
                    if await self._lost(episodes):  # somebody else has settled them
                        return Account(
                            change_id=episodes[0].change_id or "", extractor=self._extractor.name, usage=usage
                        )
                    lost += 1
                    continue
                states = {change.episode_id: change for change in write.states}
                return Account(
                    change_id=episodes[0].change_id or "",
                    outcomes=tuple(plan.outcomes),
                    episodes=tuple(
                        replace(
                            each, state=states[each.id].state, reason=states[each.id].reason, leased=False, due_at=None,
                            task=None,
                        )
                        for each in episodes
                    ),
                    refused=(*_refused(refused, episodes), *plan.refused),
                    usage=usage,
                    extractor=self._extractor.name,
                )  # fmt: skip
        raise lost_race()

    async def _embed_new(self, texts: Iterable[str], known: Mapping[str, Vectors]) -> dict[str, Vectors]:
        fresh = [each for each in dict.fromkeys(texts) if each not in known]
        return dict(zip(fresh, await self.embedding.windows(fresh), strict=True))

    async def _plan(
        self,
        episodes: Sequence[Episode],
        drafts: Sequence[Draft],
        vectors: Mapping[str, Vectors],
        shown: Sequence[Memory],
        verdicts: Mapping[tuple[int, str], Verdict],
        now: datetime,
    ) -> Plan:
        scope = episodes[0].scope
        names = await asyncio.to_thread(planning.names_of, drafts)
        entities = await self.store.resolve(scope, names) if names else {}
        before = (
            await self._turns_before(scope, episodes) if any(each.fact.corrects is not None for each in drafts) else []
        )
        around = await self.store.around(
            Ask(
                scope=scope,
                keys=tuple(dict.fromkeys(once_key(each.memory) for each in drafts)),
                slots=planning.slots_of(drafts, entities),
                vectors=np.stack([vectors[each.memory.indexed][0] for each in drafts]) if drafts else None,
                limit=planning.NEAREST,
                episodes=tuple(turn.id for turn in before),
                names=names,
            )
        )
        return await asyncio.to_thread(
            planning.plan,
            drafts,
            around,
            vectors,
            changes={each.id: each.change_id or "" for each in episodes},
            shown=shown,
            verdicts=verdicts,
            likeness=Likeness(self._calibration),
            single=self._single,
            judged=isinstance(self._extractor, Judge),
            now=now,
        )

    async def _lost(self, episodes: Sequence[Episode]) -> bool:
        """Whether the messages are no longer ours to settle."""
        found = await self.store.load([each.id for each in episodes])
        return any(
            not isinstance(now := found.get(each.id), Episode)
            or now.state != "pending"
            or now.attempts != each.attempts
            for each in episodes
        )


def _drafts(
    extraction: Extraction,
    request: ExtractionRequest,
    before: Sequence[Episode],
    episodes: Sequence[Episode],
    now: datetime,
) -> tuple[list[Draft], list[Refusal]]:
    """Facts held to what was said, with the time they name, as memories they would make; and everything refused."""
    drafts: list[Draft] = []
    refused = list(extraction.refusals)
    turns = dict(enumerate((*before, *episodes)))
    for found in dict.fromkeys(extraction.facts):  # a text that says one sentence a thousand times says it once
        fact = found
        if fact.valid_from is None and fact.valid_to is None:
            since, until, precision = dates.of_fact(fact.quote, request.turns[fact.turn].said_at)
            fact = replace(fact, valid_from=since, valid_to=until, precision=precision)
        match gates.check(fact, request, user=episodes[0].scope.user_id):
            case Fact() as held:
                drafts.append(draft(held, episodes[held.turn], turns, now))
            case Refusal() as refusal:
                refused.append(refusal)
    return drafts, refused


def _refused(refusals: Sequence[Refusal], episodes: Sequence[Episode]) -> Iterable[Refused]:
    for each in refusals:
        if each.quote is not None:
            yield Refused(episode_id=episodes[each.turn].id, quote=each.quote, reason=each.reason)


def _shared(found: Sequence[Metadata]) -> Metadata:
    """What all messages of a batch have in common."""
    first, *others = found
    return {key: value for key, value in first.items() if all(key in each and each[key] == value for each in others)}


def _same_talk(before: Episode, after: Episode) -> bool:
    if after.scope.run_id is not None:
        return True
    dated = _is_dated(before) and _is_dated(after)
    return dated and abs(after.said_at - before.said_at) <= _SAME_TALK


def _is_dated(episode: Episode) -> bool:
    """Whether it came with the time at which it was said."""
    return episode.said_at != episode.received_at


def _turn(episode: Episode) -> Turn:
    return Turn(role=episode.role, content=episode.words, said_at=episode.said_at, name=episode.actor)


async def clean(contents: Sequence[str], way: Callable[[str], hygiene.Cleaned]) -> dict[str, hygiene.Cleaned]:
    """Each text as everything but the log sees it; long ones are read off the event loop."""
    if sum(map(len, contents)) < _SHORT:
        return {each: way(each) for each in contents}
    return await asyncio.to_thread(lambda: {each: way(each) for each in contents})


_SHORT = 2_000  # characters: well under a millisecond


async def fresh(
    store: Store, messages: Sequence[Message], scope: Scope, log: Callable[[Message], Episode]
) -> tuple[list[Episode], list[str]]:
    """Episodes of the messages whose external id the owner does not have, and the ids of those that hold the others."""
    named = [message.external_id for message in messages if message.external_id is not None]
    taken = await store.taken(scope, named) if named else {}
    episodes, repeated = [], []
    for message in messages:
        known = None if message.external_id is None else taken.get(message.external_id)
        if known is None:
            episode = log(message)
            episodes.append(episode)
            if message.external_id is not None:
                taken[message.external_id] = episode
        else:
            repeated.append(known.id)
    return episodes, repeated


def logged(message: Message, given: Given, cleaned: hygiene.Cleaned, change_id: str, *, keep_secrets: bool) -> Episode:
    """The message as it enters the log; without `keep_secrets` not even the log has them."""
    differs = cleaned.text != message.content
    return Episode(
        id=new_id(given.scope.partition),
        scope=given.scope,
        role=message.role,
        content=hygiene.mask(message.content).text if differs and not keep_secrets else message.content,
        seen=cleaned.text if differs else None,
        said_at=message.at or given.at,
        received_at=given.at,
        actor=message.name,
        metadata={**given.metadata, **message.metadata},
        change_id=change_id,
        external_id=message.external_id,
    )


def _delayed(episode: Episode, now: datetime, reason: str) -> Episode:
    if episode.state != "pending":
        return episode
    return replace(episode, leased=False, attempts=0, due_at=now + _pause_after(1), reason=reason)


def _pause_after(attempts: int) -> timedelta:
    return timedelta(seconds=min(_FIRST_PAUSE * 4 ** max(attempts - 1, 0), _LONGEST_PAUSE))


async def _pause(tries: int) -> None:
    """A moment, longer with each try, so that those who race for the same rows do not meet again at once."""
    await asyncio.sleep(random.uniform(0.0, min(0.01 * 2**tries, 0.5)))  # noqa: S311 - spreads, protects nothing


def _tomorrow(now: datetime) -> datetime:
    return datetime.combine(now.date() + timedelta(days=1), time(), UTC)


def lost_race() -> Conflict:
    """Others were faster every time."""
    return Conflict(f"others changed the same memories {TRIES} times in a row; repeat the call")
