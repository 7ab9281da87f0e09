"""The same random story is told to a store and to the reference store: every answer and every view must agree."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, timedelta
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mnemic import text
from mnemic.errors import Conflict
from mnemic.ids import new_id
from mnemic.protocols import (
    ARMS,
    Annotate,
    Around,
    Ask,
    Calibration,
    Candidate,
    Changed,
    EntityWrite,
    Found,
    MergeEntity,
    MoveName,
    Named,
    Naming,
    NewEntity,
    NewMemory,
    NewRelation,
    Proof,
    Reprove,
    Restore,
    Retire,
    SetState,
    Store,
    Unprove,
    Vectors,
    Write,
)
from mnemic.testing.contract_scopes import PHASES, scopes
from mnemic.testing.contract_values import (
    ALICE,
    EVERYBODY,
    HOUR,
    LATER,
    SPACE,
    STATES,
    T0,
    Contract,
    MakeStore,
    adding,
    asking,
    changing,
    cited,
    entity,
    event,
    keeping,
    known,
    neighbour_of,
    opened,
    picture,
    said,
    stored,
    tombstone,
    turn,
    updating,
    vectors,
    verbatim,
    where,
)
from mnemic.testing.memory_store import InMemoryStore
from mnemic.types import SEARCHABLE_STATES, Entity, Episode, EpisodeState, Memory, Record, Scope, Task, Usage

_VOCABULARY = "bees wasp cello kayak walrus Taipei 台北 網球 пчёлы and the".split()
_DAYS = (T0.date(), LATER.date())
_COUNTED = ("memories", "episodes", "versions", "tombstones", "changes", "entities")


class StoryContract(Contract):
    """What is compared with the reference store."""

    async def test_the_answers_are_those_of_the_reference_store(self, make_store: MakeStore) -> None:
        """After the same random writes, every view agrees with `InMemoryStore`; scores to 1e-3 or 1 %."""
        await asyncio.to_thread(self._tell, make_store, self.examples)

    @pytest.mark.slow
    async def test_the_answers_are_those_of_the_reference_store_in_long_stories(self, make_store: MakeStore) -> None:
        await asyncio.to_thread(self._tell, make_store, self.examples * 10, 60)

    def _tell(self, make_store: MakeStore, examples: int, longest: int = 20) -> None:
        @settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck), phases=PHASES)
        @given(
            st.lists(steps(), min_size=longest // 3, max_size=longest).map(lambda script: [*beginning(), *script]),
            st.lists(st.tuples(places(), questions(), st.booleans(), st.booleans()), min_size=1, max_size=3),
        )
        def run(script: list[Step], probes: list[tuple[Scope, str, bool, bool]]) -> None:
            async def go() -> None:
                reference = InMemoryStore()
                await reference.use_space(SPACE)
                async with opened(make_store) as store:
                    story = Story([reference, store])
                    for step in script:
                        await story.play(step)
                    await story.compare([scope for scope, *_ in probes])
                    for probe in probes:
                        await search(story, *probe)

            asyncio.run(go())

        run()


async def search(story: Story, scope: Scope, question: str, episodes: bool, expired: bool) -> None:
    """By each arm and by all; some of the records are linked, some watched, and a time is named that some have."""
    asked = where(
        scope,
        memories=not (episodes and expired),
        episodes=STATES[:-1] if episodes else SEARCHABLE_STATES,
        expired=expired,
        superseded=expired or episodes,
        now=LATER,
    )
    linked = {memory.id: 1.0 / (1 + place % 3) for place, memory in enumerate(story.memories) if place % 4}
    probe = asking(
        question, asked, linked=linked, people=text.speakers("Ana" if expired else question),
        times=((T0 + timedelta(minutes=5), T0 + timedelta(minutes=12)),) if episodes else (),
        watched=tuple(record.id for record in story.records[::3]),
    )  # fmt: skip
    probe = probe if episodes else replace(probe, calibration=Calibration())
    for arms in (ARMS, *((arm,) for arm in ARMS)):
        expected, *others = [await store.find(replace(probe, arms=arms)) for store in story.stores]
        for found in others:
            assert_same(found, expected)


# What happens.


def questions() -> st.SearchStrategy[str]:
    """A few words that the random records share."""
    return st.lists(st.sampled_from(_VOCABULARY), min_size=1, max_size=4).map(" ".join)


def places(least: int = 0) -> st.SearchStrategy[Scope]:
    """Mostly a few scopes that have much to do with one another; sometimes any."""
    one, two = replace(ALICE, run_id="r1"), replace(ALICE, run_id="r2")
    near = [ALICE, ALICE, one, one, two, Scope(user_id="alice", agent_id="a"), Scope(agent_id="a"), Scope(run_id="r1")]
    few = st.sampled_from([*near, neighbour_of(ALICE), *([] if least else [EVERYBODY])])
    return st.one_of(few, few, few, scopes(least))


class Step(NamedTuple):
    """One thing that happens to a store. The numbers pick records, modulo how many there are."""

    kind: str
    scope: Scope
    words: str
    number: int
    other: int
    state: EpisodeState
    flag: bool


def steps() -> st.SearchStrategy[Step]:
    """Any one thing that can happen; new records more often than others."""
    return st.builds(
        Step,
        st.sampled_from([*["turn", "note", "fact", "proof", "retire", "call"] * 2, *_WRITES, *_CALLS]),
        places(least=1),
        questions(),
        st.integers(0, 30),
        st.integers(0, 30),
        st.sampled_from(STATES),
        st.booleans(),
    )


def beginning() -> list[Step]:
    """Something of everything, so that what happens next has much to act on."""
    one, two = replace(ALICE, run_id="r1"), replace(ALICE, run_id="r2")
    return [
        Step(kind, scope, words, number, other, "pending", flag)
        for kind, scope, words, number, other, flag in (
            ("turn", one, "bees and wasp", 0, 9, True),
            ("turn", two, "cello 台北", 1, 9, True),
            ("turn", ALICE, "walrus", 1, 9, False),
            ("note", one, "kayak bees", 1, 9, False),
            ("fact", one, "bees", 0, 1, True),
            ("fact", ALICE, "wasp 網球", 0, 2, False),
            ("proof", two, "bees", 1, 1, True),
            ("proof", two, "bees", 0, 1, True),
            ("person", ALICE, "bees", 0, 0, False),
            ("person", ALICE, "cello", 0, 0, False),
            ("person", ALICE, "walrus", 0, 0, False),
            ("about", ALICE, "bees", 1, 0, True),
            ("about", ALICE, "bees", 2, 1, False),
        )
    ]


class Story:
    """Plays the same steps to several stores; the first one is asked where things stand."""

    def __init__(self, stores: Sequence[Store]) -> None:
        self.stores = stores
        self.records: list[Record] = []
        self.changes: list[str] = []
        self.entities: list[Entity] = []
        self.graves: list[str] = []
        self.bases: list[tuple[Scope, list[int]]] = []
        self.clock = T0
        self.now: dict[str, Record] = {}

    async def play(self, step: Step) -> None:
        """Carry out one step; one that has nothing to act on does nothing."""
        self.clock += timedelta(minutes=1)
        self.now = await self.stores[0].load([record.id for record in self.records])
        if step.kind in _CALLS:
            await _CALLS[step.kind](self, step)
            return
        write = _WRITES[step.kind](self, step)
        if write is not None:
            await self.commit(write)

    async def commit(self, *writes: Write) -> None:
        """The write of each store (one for all of them); all take it, or all refuse it."""
        self.changes += [change.id for change in writes[0].changes]
        ended = await asyncio.gather(
            *(store.commit(write) for store, write in zip(self.stores, itertools.cycle(writes))),
            return_exceptions=True,
        )
        assert {type(end) for end in ended} <= {type(None), Conflict}, ended
        assert len({end is None for end in ended}) == 1, ended
        if writes[0].unprove and ended[0] is None:
            await self._tidy()

    async def _tidy(self) -> None:
        """No message may stay `done` that nothing cites any more."""
        self.now = await self.stores[0].load([record.id for record in self.records])
        used = {source.episode_id for each in self.memories for source in each.sources}
        bare = [each for each in self.episodes if each.state == "done" and each.id not in used]
        moves = tuple(SetState(episode_id=each.id, state="empty") for each in bare)
        await self.commit(Write(scope=EVERYBODY, at=self.clock, states=moves))

    # Where things stand.

    @property
    def episodes(self) -> list[Episode]:
        return [each for each in self.now.values() if isinstance(each, Episode)]

    @property
    def memories(self) -> list[Memory]:
        return [each for each in self.now.values() if isinstance(each, Memory)]

    @property
    def current(self) -> list[Memory]:
        return [each for each in self.memories if each.known_to is None]

    def change(self, step: Step, scope: Scope) -> tuple[str, dict[str, Any]]:
        """A new change, and the fields of the write that records it."""
        change = changing("update", scope, self.clock)
        return change.id, {"scope": scope, "at": self.clock, "changes": (change,) if step.flag else ()}

    # Comparing.

    async def compare(self, asked: Iterable[Scope]) -> None:
        """Every view of every store."""
        scopes_ = list(asked)
        expected, *others = [await self._view(store, scopes_) for store in self.stores]
        for view in others:
            for name, answer in expected.items():
                assert view[name] == answer, name
        for scope in scopes_:
            ask = Ask(scope=scope, vectors=vectors("bees", "台北 kayak"), limit=3)
            first, *rest = [await store.around(ask) for store in self.stores]
            ids = [record.id for record in self.records]
            windows, *others_ = [await store.vectors(ids) for store in self.stores]
            assert all(np.allclose(each[name], windows[name], atol=2e-3) for each in others_ for name in windows)
            for around in rest:
                for mine, theirs, question in zip(around.near, first.near, ask.vectors, strict=True):  # type: ignore[arg-type]
                    assert len(set(mine)) == len(mine)
                    assert _cosines(mine, windows, question) == pytest.approx(
                        _cosines(theirs, windows, question), abs=2e-3
                    )
                assert around.memories.keys() == set(itertools.chain(*around.near))

    async def _view(self, store: Store, asked: Sequence[Scope]) -> dict[str, Any]:
        ids = [record.id for record in self.records]
        episodes = [each.id for each in self.records if isinstance(each, Episode)]
        names = [each.id for each in self.entities]
        view = await picture(store, ids, asked)
        view["vectors"] = {each: found.shape for each, found in (await store.vectors(ids)).items()}
        view["citing"] = sorted((await store.citing(episodes)), key=lambda each: each.id)
        view["changes"] = [_sorted(await store.change(each)) for each in self.changes]
        view["due"] = await store.due()
        view["spent"] = [await store.spent("default", day) for day in _DAYS]
        for scope in asked:
            view[f"past of {scope}"] = await store.page(
                where(scope, superseded=True, now=LATER), limit=1_000, cursor=None
            )
            view[f"log of {scope}"] = await store.log(scope, STATES, limit=1_000, cursor=None)
            view[f"due in {scope}"] = await store.due(scope)
            view[f"entities of {scope}"] = await _every_entity(store, scope)
            view[f"named in {scope}"] = _unordered(await store.naming(scope, names))
            for one in names[:3]:
                view[f"{one} in {scope}"] = _unordered(await store.naming(scope, [one]))
            view[f"resolved in {scope}"] = await store.resolve(scope, [*_VOCABULARY, *names, new_id(1)])
            view[f"around {scope}"] = _settled(
                await store.around(
                    Ask(
                        scope=scope, keys=tuple(_VOCABULARY), slots=tuple(_VOCABULARY), episodes=tuple(episodes),
                        names=tuple(_VOCABULARY),
                    )
                )
            )  # fmt: skip
        return view


def _settled(around: Around) -> Around:
    """All but what each store counts and rounds as it likes."""
    return replace(around, basis=0, vectors={})


def _cosines(ids: Iterable[str], windows: dict[str, Vectors], question: Vectors) -> list[float]:
    return [float((windows[each] @ question).max()) for each in ids]


def _sorted(changed: Changed | None) -> Changed | None:
    if changed is None:
        return None
    return replace(
        changed,
        events=tuple(sorted((replace(each, id="") for each in changed.events), key=repr)),
        proven=tuple(sorted(changed.proven)),
        states=tuple(sorted(changed.states, key=repr)),
        episodes=tuple(sorted(changed.episodes)),
        tombstones=tuple(sorted(changed.tombstones)),
        merged=tuple(sorted(changed.merged)),
        moved=tuple(sorted(changed.moved)),
    )


def _unordered(named: Named) -> tuple[Any, ...]:
    assert len(set(named.relations)) == len(named.relations), "one relation twice"
    assert len(set(named.mentions)) == len(named.mentions), "one mention twice"
    return named.entities, set(named.relations), set(named.mentions), named.total


async def _every_entity(store: Store, scope: Scope) -> list[Any]:
    """Page by page."""
    pages: list[Any] = []
    cursor = None
    while True:
        page = await store.entities(scope, limit=2, cursor=cursor)
        shown = {each.id for each in page.entities}
        pages.append(_unordered(replace(page, mentions=tuple(each for each in page.mentions if each[0] in shown))))
        if len(page.entities) < 2:
            return pages
        cursor = page.entities[-1].id


# Writes, one function each. None: there is nothing to act on.


def _turn(story: Story, step: Step) -> Write | None:
    state = "empty" if step.state == "done" else step.state
    waits = state in ("pending", "failed")
    change_id, fields = story.change(step, step.scope)
    episode = said(
        step.scope, step.words, state=state, at=story.clock, actor="Ana" if step.flag else None,
        task=Task(instructions=step.words[:3]) if waits and step.number % 3 == 0 else None,
        external_id=f"m{step.other}" if step.other < 4 else None, change_id=change_id,
        seen="bees" if step.other == 5 else None,
    )  # fmt: skip
    before = [each for each in story.episodes if each.scope == step.scope]
    story.records.append(episode)
    return Write(**fields, episodes=(turn(episode, before[-1] if before and step.flag else None),))


def _note(story: Story, step: Step) -> Write | None:
    episode = said(step.scope, step.words, state="done", at=story.clock)
    memory = verbatim(episode, expires_at=T0 if step.flag else None)
    story.records += [episode, memory]
    return keeping(episode, memory, step.words if step.number % 4 == 0 else None)


def _fact(story: Story, step: Step) -> Write | None:
    turns = [each for each in story.episodes if each.scope == step.scope and each.state != "hidden"]
    sources = tuple(cited(each, each.words[:2]) for each in turns[step.number % len(turns) :][:1]) if turns else ()
    memory = known(step.scope, step.words, at=story.clock, sources=sources, slot=_VOCABULARY[step.other % 4])
    story.records.append(memory)
    once = step.words.split()[0] if step.flag else None
    return replace(adding(memory), at=story.clock, memories=(stored(memory, once=once),))


def _long(story: Story, step: Step) -> Write | None:
    memory = known(step.scope, f"{step.words} kayak {step.words}", at=story.clock)
    story.records.append(memory)
    windows = NewMemory(memory=memory, vectors=vectors(step.words, "kayak", step.words[:5] or "x"))
    return Write(scope=step.scope, at=story.clock, memories=(windows,), history=(event(memory),))


def _late(story: Story, step: Step) -> Write | None:
    """Out of date when it came."""
    reason = "superseded" if step.flag else "deleted"
    memory = known(
        step.scope, step.words, at=story.clock, known_to=story.clock, valid_to=T0, retire_reason=reason
    )  # fmt: skip
    story.records.append(memory)
    return replace(adding(memory), at=story.clock)


def _update(story: Story, step: Step) -> Write | None:
    if not story.memories:
        return None
    write = updating(story.memories[step.number % len(story.memories)], step.words, story.clock)[1]
    once = step.words if step.flag else None
    return replace(write, memories=tuple(replace(each, once=once) for each in write.memories))


def _retire(story: Story, step: Step) -> Write | None:
    if not story.memories:
        return None
    memory = story.memories[step.number % len(story.memories)]
    reason = ("deleted", "superseded", "superseded", "forgotten", "merged")[step.other % 5]
    change_id, fields = story.change(step, memory.scope)
    retire = Retire(
        memory_id=memory.id, version=memory.version, reason=reason, change_id=change_id, hide_sources=step.flag,
        retired_by=story.memories[0].id if step.other % 2 else None, valid_to=story.clock if step.other % 3 else None,
        again=memory.version - 1 if memory.version > 1 and step.number % 2 else None,
    )  # fmt: skip
    line = replace(event(memory, "DELETE", memory.text, story.clock), change_id=change_id)
    return Write(**fields, retire=(retire,), history=(line,))


def _restore(story: Story, step: Step) -> Write | None:
    if not story.memories:
        return None
    memory = story.memories[step.number % len(story.memories)]
    of = None if step.flag else step.other % (memory.version + 1)
    change_id, fields = story.change(step, memory.scope)
    back = Restore(memory_id=memory.id, version=memory.version - (step.other == 7), change_id=change_id, of=of)
    if memory.known_to is not None and step.number % 3 == 0:
        back = replace(back, superseded=True)
    return Write(**fields, restore=(back,))


def _proof(story: Story, step: Step) -> Write | None:
    """From any run of the same user, agent and app."""
    if not story.memories:
        return None
    memory = story.memories[step.number % len(story.memories)]
    beside = replace(memory.scope, run_id=None)
    others = [each for each in story.episodes if beside.ids and replace(each.scope, run_id=None) == beside]
    if not others:
        return None
    episode = others[step.other % len(others)]
    change_id, fields = story.change(step, episode.scope)
    source = replace(cited(episode), quote=episode.words[: 2 + step.flag])
    return Write(
        **fields, proofs=(Proof(memory_id=memory.id, version=memory.version, source=source, change_id=change_id),)
    )


def _unprove(story: Story, step: Step) -> Write | None:
    if not story.memories:
        return None
    memory = story.memories[step.number % len(story.memories)]
    change = story.changes[step.other % len(story.changes)] if story.changes else None
    cites = tuple(source.episode_id for source in memory.sources[: step.other % 3])
    by, fields = story.change(step, memory.scope)
    gone = Unprove(memory_id=memory.id, by=by, change_id=change, episode_ids=cites if step.flag else ())
    return Write(**fields, unprove=(gone,))


def _annotate(story: Story, step: Step) -> Write | None:
    if not story.memories:
        return None
    memory = story.memories[step.number % len(story.memories)]
    note = Annotate(
        memory_id=memory.id, version=memory.version, pinned=step.flag if step.other % 2 else None,
        rating=step.other % 4 - 2, feedback="POSITIVE" if step.flag else None, reason=step.words,
    )  # fmt: skip
    return Write(scope=memory.scope, at=story.clock, annotate=(note,))


def _state(story: Story, step: Step) -> Write | None:
    if not story.episodes:
        return None
    episode = story.episodes[step.number % len(story.episodes)]
    change_id, fields = story.change(step, episode.scope)
    move = SetState(
        episode_id=episode.id, state="hidden" if step.state == "done" else step.state, reason=step.words,
        attempts=step.other if step.other % 2 else None, change_id=change_id if step.flag else None,
        held=step.number % 3 if step.other % 3 == 0 else None,
        due_at=story.clock + step.other * HOUR if step.other % 4 else None,
    )  # fmt: skip
    return Write(**fields, states=(move,))


def _bury(story: Story, step: Step) -> Write | None:
    change_id, fields = story.change(step, step.scope)
    grave = tombstone(step.scope, change_id)
    story.graves.append(grave.id)
    lifted = (story.graves[step.number % len(story.graves)],) if step.number % 2 else ()
    return Write(**fields, tombstones=(grave,), lifted=lifted)


def _spend(story: Story, step: Step) -> Write | None:
    day = LATER if step.flag else story.clock.astimezone(UTC)
    return Write(scope=step.scope, at=day, spent=Usage(model_calls=1, input_tokens=step.number))


def _person(story: Story, step: Step) -> Write | None:
    """Somebody new, or a name more for somebody known."""
    home = replace(step.scope, run_id=None) if len(step.scope.ids) > ("run_id" in step.scope.ids) else step.scope
    name = step.words.split()[0]
    if step.flag and story.entities:
        who = story.entities[step.number % len(story.entities)]
        home = who.scope
    else:
        who = entity(name, home)
        story.entities.append(who)
    return Write(scope=home, at=story.clock, entities=(NewEntity(entity=who, keys={name: name.upper()}),))


def _about(story: Story, step: Step) -> Write | None:
    """What a memory says of entities of its user, agent and app."""
    if not story.memories:
        return None
    memory = story.memories[step.number % len(story.memories)]
    homes = (memory.scope, replace(memory.scope, run_id=None))
    near = [each for each in story.entities if each.scope in homes]
    if not near:
        return None
    one, two = near[step.other % len(near)], near[step.number % len(near)]
    key = step.words.split()[0]
    writes: list[EntityWrite] = [
        Naming(memory_id=memory.id, entity_id=one.id, key=key),
        Naming(memory_id=memory.id, entity_id=two.id, key=two.name),
    ]
    if step.flag:
        writes.append(
            NewRelation(memory_id=memory.id, subject=(one.id, key), predicate="knows", object=(two.id, two.name))
        )
    return Write(scope=memory.scope, at=story.clock, entities=tuple(writes))


def _merge(story: Story, step: Step) -> Write | None:
    """One entity is another of its user, agent and app, or itself again."""
    if not story.entities:
        return None
    one = story.entities[step.number % len(story.entities)]
    near = [each for each in story.entities if each.scope == one.scope]
    into = near[step.other % len(near)].id if step.other % 4 else None
    change_id, fields = story.change(step, one.scope)
    return Write(**fields, entities=(MergeEntity(entity_id=one.id, into=into, change_id=change_id),))


def _move(story: Story, step: Step) -> Write | None:
    if not story.entities:
        return None
    one = story.entities[step.number % len(story.entities)]
    near = [each for each in story.entities if each.scope == one.scope]
    change_id, fields = story.change(step, one.scope)
    key = one.name if step.flag else step.words.split()[0]
    move = MoveName(key=key, source=one.id, target=near[step.other % len(near)].id, change_id=change_id)
    return Write(**fields, entities=(move,))


_WRITES: dict[str, Callable[[Story, Step], Write | None]] = {
    "turn": _turn, "note": _note, "fact": _fact, "long": _long, "late": _late, "update": _update, "retire": _retire,
    "restore": _restore, "proof": _proof, "unprove": _unprove, "annotate": _annotate, "state": _state, "bury": _bury,
    "spend": _spend, "person": _person, "about": _about, "merge": _merge, "move": _move,
}  # fmt: skip


# Other calls.


async def _clear(story: Story, step: Step) -> None:
    change = changing("delete_all", step.scope, story.clock)
    story.changes.append(change.id)
    ends = [await store.delete_scope(step.scope, change, reason="deleted") for store in story.stores]
    assert all(end == ends[0] for end in ends)


async def _erase(story: Story, step: Step) -> None:
    if step.number % 2:
        return  # half as often as other things
    ends = [await store.erase(step.scope) for store in story.stores]
    assert all({kind: end[kind] for kind in _COUNTED} == {kind: ends[0][kind] for kind in _COUNTED} for end in ends)


async def _lease(story: Story, step: Step) -> None:
    now = story.clock + step.number * timedelta(hours=2)
    until = now + timedelta(hours=1 + step.other, seconds=len(story.records))
    scope = step.scope if step.flag else None
    limit = 1 + step.other % 3
    taken = await story.stores[-1].lease(now=now, until=until, limit=limit, scope=scope)
    chosen = taken[0].scope if taken else scope  # which of several conversations is for the store to say
    for store in story.stores[:-1]:
        assert taken == await store.lease(now=now, until=until, limit=limit, scope=chosen)


async def _decide(story: Story, step: Step) -> None:
    """Look at an owner, and later write what was decided then."""
    if not step.flag or not story.bases:
        bases = [(await store.around(Ask(scope=step.scope))).basis for store in story.stores]
        assert all((basis == 0) == (bases[0] == 0) for basis in bases)
        story.bases.append((step.scope, bases))
        return
    scope, bases = story.bases[step.number % len(story.bases)]
    memory = known(scope, step.words, at=story.clock)
    story.records.append(memory)
    write = adding(memory)
    await story.commit(*(replace(write, basis=basis) for basis in bases))


async def _undo(story: Story, step: Step) -> None:
    """Take a change back as far as a store tells what it did."""
    if not story.changes:
        return
    did = await story.stores[0].change(story.changes[step.number % len(story.changes)])
    if did is None:
        return
    change = changing("undo", did.change.scope, story.clock)
    used = {source.episode_id for each in story.memories for source in each.sources}
    states = [
        SetState(episode_id=name, state="empty" if state == "done" and name not in used else state, reason=reason)
        for name, state, reason in did.states
    ]
    await story.commit(
        Write(
            scope=did.change.scope,
            at=story.clock,
            changes=(change,),
            undone={did.change.id: change.id},
            restore=tuple(
                Restore(memory_id=name, version=version, change_id=change.id)
                for name, (version, current) in did.versions.items()
                if not current
            ),
            unprove=tuple(Unprove(memory_id=name, by=change.id, change_id=did.change.id) for name in did.proven),
            reprove=tuple(Reprove(memory_id=name, by=change.id, change_id=did.change.id) for name in did.unproven),
            states=tuple(states),
            lifted=did.tombstones,
            entities=(
                *(MergeEntity(entity_id=name, into=None, change_id=change.id) for name in did.merged),
                *(MergeEntity(entity_id=name, into=into, change_id=change.id) for name, into in did.parted),
            ),
        )
    )


_CALLS = {"clear": _clear, "erase": _erase, "call": _lease, "decide": _decide, "undo": _undo}


# Comparing hits.


def assert_same(found: Found, expected: Found) -> None:
    """Equal but for the precision that a store may round vectors to."""
    assert found.searched == expected.searched
    assert found.lift == expected.lift
    theirs = {each.id: each for each in expected.candidates}
    assert {each.id for each in found.candidates} == theirs.keys()
    for each in found.candidates:
        other = theirs[each.id]
        assert abs(each.said_at - other.said_at) < timedelta(milliseconds=1)
        # How much the words beside a turn count follows from its similarity, and falls steeply.
        assert _numbers(each) == pytest.approx(_numbers(other), abs=1e-3, rel=1e-2)


def _numbers(candidate: Candidate) -> list[float]:
    return [
        -9.0 if each is None else each
        for each in (
            candidate.similarity, candidate.keyword, candidate.coverage, candidate.entity, candidate.time,
            candidate.evidence, candidate.beside,
        )
    ]  # fmt: skip
