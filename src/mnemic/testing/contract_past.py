"""Questions about the past: what was known at a moment, what held at one, what changed since, what a slot was."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mnemic.errors import InvalidInput
from mnemic.protocols import Retire, Store, Where
from mnemic.testing.contract_scopes import PHASES
from mnemic.testing.contract_story import Step, Story, beginning, places, steps
from mnemic.testing.contract_values import (
    ALICE,
    BOB,
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
    event,
    found_by,
    hits,
    keeping,
    known,
    listed,
    opened,
    restoring,
    retiring,
    said,
    updating,
    verbatim,
    where,
)
from mnemic.testing.memory_store import InMemoryStore
from mnemic.types import SEARCHABLE_STATES, Memory, Scope

BEFORE, BETWEEN, AFTER = T0 - HOUR, T0 + HOUR, LATER + HOUR


class PastContract(Contract):
    """What every store tells of the past."""

    async def test_what_was_known_at_a_moment_is_found_as_it_was(self, make_store: MakeStore) -> None:
        async with opened(make_store) as store:
            memory = known(ALICE, "Lives in Oslo")
            await store.commit(adding(memory))
            after, write = updating(memory, "Lives in Bergen")
            await store.commit(write)
            assert await _texts(store, BEFORE) == []
            assert await _texts(store, T0) == ["Lives in Oslo"]
            assert await _texts(store, BETWEEN) == ["Lives in Oslo"]
            assert await _texts(store, LATER) == ["Lives in Bergen"]
            assert (await store.load([memory.id], known_at=BETWEEN))[memory.id] == memory
            assert await store.load([memory.id], known_at=BEFORE) == {}
            assert (await store.load([memory.id], known_at=AFTER))[memory.id] == after

    async def test_a_former_version_is_found_by_its_own_words(self, make_store: MakeStore) -> None:
        async with opened(make_store) as store:
            memory = known(ALICE, "Plays the cello")
            await store.commit(adding(memory))
            await store.commit(updating(memory, "Paints in oil")[1])
            then, now = where(ALICE, known_at=BETWEEN), where(ALICE, known_at=AFTER)
            for arm in ("vector", "keyword"):
                assert await found_by(store, arm, asking("cello", then)) == [memory.id]
                assert await found_by(store, arm, asking("oil", now)) == [memory.id]
            assert await found_by(store, "keyword", asking("oil", then)) == []
            assert await found_by(store, "keyword", asking("cello", now)) == []
            (old,) = (await store.find(asking("cello", then))).candidates
            (late,) = (await store.find(asking("cello", now))).candidates
            assert (old.keyword or 0) > (late.keyword or 0)
            assert (old.similarity or 0) > (late.similarity or 0)

    async def test_a_superseded_memory_had_no_end_before_it_was_superseded(self, make_store: MakeStore) -> None:
        async with opened(make_store) as store:
            first, second = await _moved(store)
            (was,) = await _memories(store, where(ALICE, known_at=BETWEEN))
            assert was == first
            assert await _texts(store, AFTER) == [second.text]
            both = await _memories(store, where(ALICE, known_at=AFTER, superseded=True))
            assert {each.id: (each.valid_to, each.retired_by, each.known_to) for each in both} == {
                first.id: (LATER, second.id, LATER),
                second.id: (None, None, None),
            }

    async def test_what_held_then_is_found_though_something_else_took_its_place(self, make_store: MakeStore) -> None:
        async with opened(make_store) as store:
            first, second = await _moved(store)
            assert await _held(store, BEFORE) == {first.id}
            assert await _held(store, LATER - HOUR) == {first.id}
            assert await _held(store, LATER) == {second.id}
            assert await _held(store, AFTER) == {second.id}
            alone = where(ALICE, as_of=BEFORE)
            assert await hits(store, asking("Lives", alone)) == set(await listed(store, alone)) == set()

    async def test_an_interval_has_its_start_and_not_its_end(self, make_store: MakeStore) -> None:
        async with opened(make_store) as store:
            memory = known(ALICE, "Studies in Rome", valid_from=T0, valid_to=LATER, precision="day")
            await store.commit(adding(memory))
            assert [await _held(store, at) for at in (BEFORE, T0, LATER - HOUR, LATER)] == [
                set(), {memory.id}, {memory.id}, set(),
            ]  # fmt: skip

    async def test_what_was_never_true_is_not_found_in_the_past_of_the_world(self, make_store: MakeStore) -> None:
        async with opened(make_store) as store:
            wrong, right = known(ALICE, "Allergic to peanuts"), known(ALICE, "Allergic to walnuts")
            await store.commit(adding(wrong, right))
            await store.commit(retiring(wrong, reason="superseded", retired_by=right.id, hide_sources=False))
            put_right = known(ALICE, "Born in May")
            await store.commit(adding(put_right))
            await store.commit(updating(put_right, "Born in June")[1])
            assert await _held(store, BEFORE) == {right.id, put_right.id}
            (birth,) = [each for each in await _memories(store, where(ALICE, as_of=BEFORE)) if each.id == put_right.id]
            assert birth.text == "Born in June"
            assert wrong.id in set(await listed(store, where(ALICE, known_at=BETWEEN)))

    async def test_what_is_gone_was_there_before_it_went(self, make_store: MakeStore) -> None:
        async with opened(make_store) as store:
            every = {reason: known(ALICE, f"Was {reason}") for reason in ("deleted", "undone", "merged", "forgotten")}
            await store.commit(adding(*every.values()))
            for reason, memory in every.items():
                await store.commit(retiring(memory, reason=reason))
            there = {memory.id for reason, memory in every.items() if reason != "forgotten"}
            then, now = where(ALICE, known_at=BETWEEN), where(ALICE, known_at=AFTER, superseded=True)
            assert await hits(store, asking("Was", then)) == set(await listed(store, then)) == there
            assert await hits(store, asking("Was", now)) == set(await listed(store, now)) == set()
            assert await _held(store, BEFORE) == set()
            assert (await store.load(list(there), known_at=BETWEEN)).keys() == there

    async def test_what_came_back_was_away_in_between(self, make_store: MakeStore) -> None:
        async with opened(make_store) as store:
            first, second = await _moved(store)
            back = AFTER + HOUR
            await store.commit(restoring(first, 1, at=back))
            known_then = where(ALICE, known_at=AFTER)
            assert set(await listed(store, known_then)) == {second.id}
            away = replace(known_then, as_of=BEFORE, superseded=True)
            (held,) = await _memories(store, away)
            assert (held.id, held.valid_to, held.retired_by) == (first.id, LATER, second.id)
            assert await hits(store, asking("Lives", away)) == {first.id}
            now = where(ALICE, known_at=back)
            assert set(await listed(store, now)) == {first.id, second.id}

    async def test_what_was_superseded_and_then_deleted_had_been_superseded(self, make_store: MakeStore) -> None:
        async with opened(make_store) as store:
            first, second = await _moved(store)
            await store.commit(retiring(first, at=AFTER))
            before = where(ALICE, known_at=AFTER - timedelta(minutes=1), as_of=BEFORE, superseded=True)
            assert [each.id for each in await _memories(store, before)] == [first.id]
            assert await _held(store, BEFORE) == set()
            assert await _held(store, AFTER) == {second.id}

    async def test_expiry_is_judged_by_the_moment_asked_about(self, make_store: MakeStore) -> None:
        async with opened(make_store) as store:
            memory = known(ALICE, "Has a parcel to fetch", expires_at=LATER)
            await store.commit(adding(memory))
            fresh, stale = where(ALICE, known_at=T0, now=T0), where(ALICE, known_at=AFTER, now=AFTER)
            assert await listed(store, fresh) == [memory.id]
            assert await listed(store, stale) == []
            assert await hits(store, asking("parcel", stale)) == set()
            assert await hits(store, asking("parcel", replace(stale, expired=True))) == {memory.id}

    async def test_messages_are_those_received_or_said_by_then(self, make_store: MakeStore) -> None:
        async with opened(make_store) as store:
            early, late = said(ALICE, "The bees hum"), said(ALICE, "The bees sleep", at=LATER)
            old = replace(said(ALICE, "The bees swarmed", at=LATER), said_at=BEFORE)
            gone = said(ALICE, "The bees died", state="hidden")
            for each in (early, late, old, gone):
                await store.commit(adding(each))
            assert await hits(store, asking("bees", where(ALICE, known_at=BETWEEN))) == {early.id}
            assert await hits(store, asking("bees", where(ALICE, as_of=BETWEEN))) == {early.id, old.id}
            both = where(ALICE, as_of=BETWEEN, known_at=BETWEEN)
            assert await hits(store, asking("bees", both)) == {early.id}

    async def test_a_message_waited_until_its_memory_was_known(self, make_store: MakeStore) -> None:
        async with opened(make_store) as store:
            message = said(ALICE, "I keep bees", state="done")
            await store.commit(adding(message))
            memory = known(ALICE, "Keeps bees", at=LATER, sources=(cited(message),))
            await store.commit(replace(adding(memory), at=LATER))
            assert await hits(store, asking("bees", where(ALICE, known_at=BETWEEN))) == {message.id}
            assert await hits(store, asking("bees", where(ALICE, known_at=AFTER))) == {memory.id}

    async def test_words_kept_as_they_are_are_one_hit_then_as_now(self, make_store: MakeStore) -> None:
        async with opened(make_store) as store:
            message = said(ALICE, "Buy bread", state="done")
            note = verbatim(message)
            await store.commit(keeping(message, note))
            await store.commit(updating(note, "Buy rye bread")[1])
            every = where(ALICE, known_at=BETWEEN, episodes=STATES[:-1])
            assert await hits(store, asking("bread", every)) == {note.id}
            assert [each.text for each in await _memories(store, every)] == ["Buy bread"]

    async def test_one_scope_sees_nothing_of_anothers_past(self, make_store: MakeStore) -> None:
        async with opened(make_store) as store:
            await _moved(store)
            for asked in (where(BOB, known_at=BETWEEN), where(BOB, as_of=BETWEEN, superseded=True)):
                assert await listed(store, asked) == []
                assert await hits(store, asking("Lives", asked)) == set()
            assert (await store.changes(BOB, since=BEFORE, limit=10)).total == 0
            assert await store.slot(BOB, "user:home") == ()

    async def test_what_took_the_place_of_something_of_another_run_holds_from_its_end(
        self, make_store: MakeStore
    ) -> None:
        async with opened(make_store) as store:
            _, second = await _moved(store, replace(ALICE, run_id="r1"), replace(ALICE, run_id="r2"))
            run = replace(ALICE, run_id="r2")
            assert await _held(store, BEFORE, run) == set()
            assert await _held(store, AFTER, run) == {second.id}

    # What changed since.

    async def test_changes_are_told_in_order_page_by_page(self, make_store: MakeStore) -> None:
        async with opened(make_store) as store:
            first, second = known(ALICE, "One"), known(replace(ALICE, run_id="r1"), "Two")
            await store.commit(adding(first))
            await store.commit(adding(second))
            await store.commit(adding(known(BOB, "Other")))
            await store.commit(updating(first, "Uno")[1])
            await store.commit(retiring(second, at=AFTER))
            told = await store.changes(ALICE, since=BEFORE, limit=10)
            assert (told.total, told.next_cursor) == (4, None)
            assert [(each.event, each.old_text, each.new_text) for each in told.events] == [
                ("ADD", None, "One"),
                ("ADD", None, "Two"),
                ("UPDATE", "One", "Uno"),
                ("DELETE", "Two", None),
            ]
            pages, cursor = [], None
            while True:
                page = await store.changes(ALICE, since=BEFORE, limit=3, cursor=cursor)
                pages.append(page.events)
                assert page.total == 4
                if (cursor := page.next_cursor) is None:
                    break
            assert [len(page) for page in pages] == [3, 1]
            assert tuple(each for page in pages for each in page) == told.events
            assert (await store.changes(ALICE, since=LATER, until=AFTER, limit=9)).events == told.events[2:3]
            assert (await store.changes(replace(ALICE, run_id="r1"), since=T0, limit=9)).total == 2
            assert (await store.changes(Scope(), since=T0, limit=9)).total == 5
            odd = [f"{at} {first.id}" for at in ("", "\ud800", "\x00", "soon", "2025-01-01\ud80010:00:00+00:00")]
            for cursor in ("nonsense", "2025 x", first.id, *odd):
                with pytest.raises(InvalidInput, match="cursor"):
                    await store.changes(ALICE, since=T0, limit=1, cursor=cursor)

    async def test_of_what_was_forgotten_the_words_are_not_told(self, make_store: MakeStore) -> None:
        async with opened(make_store) as store:
            secret = known(ALICE, "Fears bees")
            await store.commit(adding(secret))
            await store.commit(retiring(secret, reason="forgotten"))
            told = (await store.changes(ALICE, since=BEFORE, limit=10)).events
            assert [(each.event, each.old_text, each.new_text) for each in told] == [
                ("ADD", None, None),
                ("DELETE", None, None),
            ]

    async def test_a_deleted_scope_is_told_as_a_change(self, make_store: MakeStore) -> None:
        async with opened(make_store) as store:
            await store.commit(adding(known(ALICE, "One")))
            await store.delete_scope(ALICE, changing("delete_all", ALICE, LATER), reason="deleted")
            (gone,) = (await store.changes(ALICE, since=LATER, limit=10)).events
            assert (gone.event, gone.old_text) == ("DELETE", "One")

    # A slot.

    async def test_a_slot_has_all_its_versions(self, make_store: MakeStore) -> None:
        async with opened(make_store) as store:
            first, second = await _moved(store)
            after, write = updating(second, "Lives in Bergen, Norway", AFTER)
            await store.commit(write)
            await store.commit(adding(known(ALICE, "Works at Beta", slot="user:employer")))
            found = await store.slot(ALICE, "user:home")
            assert [(each.id, each.version) for each in found] == [(first.id, 1), (second.id, 1), (second.id, 2)]
            assert found[2] == after
            assert found[0].retired_by == second.id

    # Any story.

    async def test_the_past_is_that_of_the_reference_store(self, make_store: MakeStore) -> None:
        """After the same random writes, every question about the past has the answers of `InMemoryStore`."""
        await asyncio.to_thread(self._tell_past, make_store, self.examples)

    def _tell_past(self, make_store: MakeStore, examples: int) -> None:
        moments = st.integers(-3, 24).map(lambda hours: T0 + hours * HOUR)
        asked = st.tuples(
            places(), st.none() | moments, st.none() | moments, st.booleans(), st.booleans(), st.booleans()
        )

        @settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck), phases=PHASES)
        @given(
            st.lists(steps(), min_size=8, max_size=24).map(lambda script: [*beginning(), *script]),
            st.lists(asked, min_size=2, max_size=5),
        )
        def run(script: list[Step], questions: list[tuple[Any, ...]]) -> None:
            async def go() -> None:
                reference = InMemoryStore()
                await reference.use_space(SPACE)
                async with opened(make_store) as store:
                    story = Story([reference, store])
                    for each in _dated():
                        story.records.append(each)
                        await story.commit(adding(each))
                    for step in script:
                        await story.play(step)
                    for question in questions:
                        await _compare([reference, store], [each.id for each in story.records], *question)

            asyncio.run(go())

        run()


async def _compare(
    stores: Sequence[Store],
    ids: Sequence[str],
    scope: Scope,
    as_of: datetime | None,
    known_at: datetime | None,
    superseded: bool,
    episodes: bool,
    expired: bool,
) -> None:
    asked = where(
        scope, as_of=as_of, known_at=known_at, superseded=superseded, expired=expired,
        episodes=STATES[:-1] if episodes else SEARCHABLE_STATES, now=known_at or AFTER,
    )  # fmt: skip
    expected, *others = [await _answers(store, asked, ids) for store in stores]
    for found in others:
        for name, answer in expected.items():
            assert found[name] == answer, (name, asked)


async def _answers(store: Store, asked: Where, ids: Sequence[str]) -> dict[str, Any]:
    since = asked.as_of or T0
    told: Iterable[Any] = (await store.changes(asked.scope, since=since, until=asked.known_at, limit=1_000)).events
    return {
        "listed": await store.page(asked, limit=1_000, cursor=None),
        "hits": await hits(store, asking("bees 台北 kayak", asked, limit=1_000)),
        "known": await store.load(ids, known_at=asked.known_at or since),
        "told": sorted((replace(each, id="") for each in told), key=repr),
        "slots": [await store.slot(asked.scope, slot) for slot in ("bees", "wasp", "user:home")],
    }


def _dated() -> list[Memory]:
    """Memories of some interval each."""
    spans = ((None, T0 + 3 * HOUR), (T0, None), (T0 + 2 * HOUR, T0 + 5 * HOUR), (T0 + 4 * HOUR, T0 + 2 * HOUR))
    return [
        known(replace(ALICE, run_id=run), "bees in Taipei", valid_from=since, valid_to=until, slot="user:home")
        for (since, until), run in zip(spans, (None, "r1", "r2", None), strict=True)
    ]


async def _moved(store: Store, scope: Scope = ALICE, then: Scope = ALICE) -> tuple[Memory, Memory]:
    """A home at T0, and another from LATER on, known at LATER, which does not say since when it is one."""
    first = known(scope, "Lives in Oslo", slot="user:home")
    second = known(then, "Lives in Bergen", at=LATER, slot="user:home")
    await store.commit(adding(first))
    change = changing("add", then, LATER)
    retire = Retire(
        memory_id=first.id, version=1, reason="superseded", change_id=change.id, retired_by=second.id, valid_to=LATER
    )
    write = adding(second)
    lines = (*write.history, event(first, "DELETE", first.text, LATER))
    await store.commit(replace(write, at=LATER, changes=(change,), retire=(retire,), history=lines))
    return first, second


async def _memories(store: Store, asked: Where) -> tuple[Memory, ...]:
    return (await store.page(asked, limit=100, cursor=None)).memories


async def _texts(store: Store, at: datetime) -> list[str]:
    """What was known, found and listed alike."""
    asked = where(ALICE, known_at=at)
    found = [each.text for each in await _memories(store, asked)]
    loaded = await store.load(list(await hits(store, asking("Lives", asked))), known_at=at)
    assert [each.text for each in loaded.values() if isinstance(each, Memory)] == found
    return found


async def _held(store: Store, at: datetime, scope: Scope = ALICE) -> set[str]:
    """What held, found and listed alike."""
    asked = where(scope, as_of=at, superseded=True)
    found = await hits(store, asking("Lives Studies Allergic Born Was", asked))
    assert found == set(await listed(store, asked))
    return found
