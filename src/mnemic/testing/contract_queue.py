"""The log and the queue in it: conversations, leases, later tries, and who may finish."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from mnemic.errors import Conflict, InvalidInput
from mnemic.ids import new_id
from mnemic.protocols import SetState, Store, Write
from mnemic.testing.contract_values import (
    ALICE,
    BOB,
    EVERYBODY,
    HOUR,
    LATER,
    STATES,
    T0,
    Contract,
    MakeStore,
    adding,
    cited,
    keeping,
    known,
    opened,
    said,
    verbatim,
)
from mnemic.types import Episode, EpisodeState, Scope, Task


def waiting(scope: Scope, words: str, minutes: int = 0, **fields: Any) -> Episode:
    """A pending turn that came some minutes after T0."""
    return replace(said(scope, words, **fields), received_at=T0 + timedelta(minutes=minutes))


async def leased(store: Store, now: datetime = LATER, limit: int = 10, **fields: Any) -> list[str]:
    """What a worker gets for an hour."""
    return [each.content for each in await store.lease(now=now, until=now + HOUR, limit=limit, **fields)]


class QueueContract(Contract):
    """Episodes in their states."""

    async def test_a_conversation_is_worked_on_by_one_in_its_order(self, make_store: MakeStore) -> None:
        one, two = replace(ALICE, run_id="r1"), replace(ALICE, run_id="r2")
        async with opened(make_store) as store:
            assert await leased(store) == []
            await store.commit(adding(waiting(one, "a", 1), waiting(one, "b", 2), waiting(one, "c", 5)))
            await store.commit(adding(waiting(two, "x", 3), waiting(two, "no", 0, state="empty")))
            taken = [await leased(store, limit=2), await leased(store)]
            assert sorted(taken) == [["a", "b"], ["x"]]
            assert await leased(store) == []
            assert await store.due() == LATER + HOUR
            again = [await leased(store, LATER + HOUR), await leased(store, LATER + HOUR)]
            assert sorted(again) == [["a", "b", "c"], ["x"]]

    async def test_what_is_leased_says_so(self, make_store: MakeStore) -> None:
        episode = waiting(ALICE, "a", task=Task(instructions="x", categories=("a",), choices={"k": "v"}, expires_at=T0))
        async with opened(make_store) as store:
            await store.commit(adding(episode))
            (taken,) = await store.lease(now=T0, until=LATER, limit=1)
            assert taken == replace(episode, leased=True, due_at=LATER, attempts=1)
            assert await store.load([episode.id]) == {episode.id: taken}

    async def test_of_many_workers_each_message_goes_to_one(self, make_store: MakeStore) -> None:
        async with opened(make_store) as store:
            for number in range(12):
                await store.commit(adding(waiting(Scope(user_id=f"u{number % 4}"), str(number), number)))
            got = await asyncio.gather(*(leased(store, limit=2) for _ in range(10)))
            assert sorted(filter(None, got)) == [["0", "4"], ["1", "5"], ["2", "6"], ["3", "7"]]

    async def test_a_message_that_waits_for_a_later_try_holds_up_nobody(self, make_store: MakeStore) -> None:
        late, following = waiting(ALICE, "late", 0, due_at=LATER + HOUR), waiting(ALICE, "following", 1)
        async with opened(make_store) as store:
            await store.commit(adding(late))
            assert await store.due() == LATER + HOUR
            assert await leased(store, LATER + HOUR - timedelta(milliseconds=1)) == []
            await store.commit(adding(following))
            assert (await store.due() or LATER) <= LATER
            assert await leased(store, limit=1) == ["following"]
            assert await leased(store, LATER + HOUR) == ["late", "following"]

    async def test_messages_with_different_tasks_are_not_taken_together(self, make_store: MakeStore) -> None:
        same, other = Task(instructions="x"), Task(instructions="y")
        pending = [waiting(ALICE, str(n), n, task=task) for n, task in enumerate((same, same, other, same))]
        async with opened(make_store) as store:
            await store.commit(adding(*pending))
            assert await leased(store) == ["0", "1"]
            done = tuple(SetState(episode_id=each.id, state="empty", held=1) for each in pending[:2])
            await store.commit(Write(scope=ALICE, at=LATER, states=done))
            assert await leased(store) == ["2"]

    async def test_with_a_scope_only_what_is_in_it_is_taken(self, make_store: MakeStore) -> None:
        agent, elsewhere = replace(ALICE, agent_id="a"), replace(ALICE, project="p")
        async with opened(make_store) as store:
            for minute, scope in enumerate((BOB, ALICE, agent, elsewhere)):
                await store.commit(adding(waiting(scope, f"of {minute}", minute)))
            assert await store.due(Scope(user_id="carol")) is None
            assert await store.due(Scope(project="p")) == T0 + timedelta(minutes=3)
            assert await leased(store, scope=Scope(user_id="carol")) == []
            assert await leased(store, scope=Scope(agent_id="a")) == ["of 2"]
            assert await leased(store, scope=ALICE) == ["of 1"]
            assert await leased(store, scope=ALICE) == []
            assert await store.due(ALICE) == LATER + HOUR
            assert await leased(store, scope=EVERYBODY) == ["of 0"]
            assert await leased(store) == ["of 3"]

    async def test_it_is_due_when_the_last_lease_of_the_conversation_ends(self, make_store: MakeStore) -> None:
        async with opened(make_store) as store:
            await store.commit(adding(waiting(ALICE, "a", 0), waiting(ALICE, "b", 1)))
            assert await leased(store) == ["a", "b"]
            again = LATER + HOUR  # the first lease is over; now somebody has one of the two
            assert await leased(store, again, limit=1) == ["a"]
            assert await leased(store, again) == []
            for scope in (None, ALICE):
                assert await store.due(scope) == again + HOUR

    async def test_a_lease_is_lengthened_by_who_has_it_alone(self, make_store: MakeStore) -> None:
        talk = [waiting(ALICE, "a", 0), waiting(ALICE, "b", 1), waiting(ALICE, "c", 2)]
        other = waiting(BOB, "x", 3)
        async with opened(make_store) as store:
            await store.commit(adding(*talk))
            await store.commit(adding(other))
            assert await leased(store, limit=2) == ["a", "b"]
            done = SetState(episode_id=talk[0].id, state="empty", held=1)
            await store.commit(Write(scope=ALICE, at=LATER, states=(done,)))
            before = await store.load([each.id for each in (*talk, other)])
            everything = {each.id: 1 for each in (*talk, other)} | {new_id(1): 1}
            await store.renew({talk[1].id: 2}, until=LATER + 3 * HOUR)  # of another attempt
            await store.renew({}, until=LATER + 3 * HOUR)
            assert await store.load(list(before)) == before
            await store.renew(everything, until=LATER + 3 * HOUR)
            held = replace(talk[1], leased=True, attempts=1, due_at=LATER + 3 * HOUR)
            assert await store.load(list(before)) == before | {held.id: held}
            assert await leased(store, LATER + 2 * HOUR, scope=ALICE) == []
            assert await leased(store, LATER + 3 * HOUR, scope=ALICE) == ["b", "c"]
            await store.renew({talk[1].id: 1}, until=LATER + 9 * HOUR)  # who had it before
            assert await store.due(ALICE) == LATER + 4 * HOUR

    async def test_who_lost_the_lease_cannot_finish(self, make_store: MakeStore) -> None:
        episode = waiting(ALICE, "a", task=Task(instructions="x"))
        finish = SetState(episode_id=episode.id, state="empty", held=1)
        late = known(ALICE, "late")
        async with opened(make_store) as store:
            await store.commit(adding(episode))
            assert await leased(store) == ["a"]
            assert await leased(store, LATER + HOUR) == ["a"]
            with pytest.raises(Conflict):
                await store.commit(replace(adding(late), states=(finish,)))
            assert await store.load([late.id]) == {}
            await store.commit(Write(scope=ALICE, at=LATER, states=(replace(finish, held=2),)))
            assert (await store.load([episode.id]))[episode.id] == replace(
                episode, state="empty", attempts=2, task=None, due_at=None
            )
            for held in (1, 2):
                with pytest.raises(Conflict):
                    await store.commit(Write(scope=ALICE, at=LATER, states=(replace(finish, held=held),)))
            with pytest.raises(Conflict):
                await store.commit(Write(scope=ALICE, at=LATER, states=(replace(finish, episode_id=new_id(1)),)))

    async def test_a_message_given_back_is_due_when_it_says_and_keeps_its_task(self, make_store: MakeStore) -> None:
        episode = waiting(ALICE, "a", task=Task(instructions="x"))
        async with opened(make_store) as store:
            await store.commit(adding(episode))
            assert await leased(store) == ["a"]
            back = SetState(episode_id=episode.id, state="pending", reason="no answer", held=1, due_at=LATER + 2 * HOUR)
            await store.commit(Write(scope=ALICE, at=LATER, states=(back,)))
            waits = replace(episode, attempts=1, reason="no answer", due_at=LATER + 2 * HOUR)
            assert await store.load([episode.id]) == {episode.id: waits}
            assert await store.due() == LATER + 2 * HOUR
            assert await leased(store, LATER + HOUR) == []
            failed = SetState(episode_id=episode.id, state="failed", reason="gave up", due_at=LATER)
            await store.commit(Write(scope=ALICE, at=LATER, states=(failed,)))
            assert await store.load([episode.id]) == {
                episode.id: replace(waits, state="failed", reason="gave up", due_at=None)
            }
            assert await store.due() is None

    # The log.

    async def test_the_log_shows_every_message_newest_first(self, make_store: MakeStore) -> None:
        run = replace(ALICE, run_id="r1")
        states: tuple[EpisodeState, ...] = ("pending", "failed", "empty", "hidden", "refused")
        mine = [said(run if number % 2 else ALICE, f"{number}", state=states[number % 5]) for number in range(12)]
        note = said(ALICE, "I ski", state="done")
        async with opened(make_store) as store:
            for episode in mine:
                await store.commit(adding(episode))
            await store.commit(keeping(note, verbatim(note)))
            await store.commit(adding(said(BOB, "theirs")))
            newest = sorted([*mine, note], key=lambda episode: episode.id, reverse=True)
            for scope, chosen in ((ALICE, STATES), (ALICE, ("pending", "hidden")), (run, STATES), (ALICE, ())):
                inside = newest if scope == ALICE else [each for each in newest if each.scope == scope]
                expected = [each for each in inside if each.state in chosen]
                for limit in (1, 5, 100):
                    seen: list[Episode] = []
                    cursor = None
                    for _ in range(len(expected) + 1):
                        page = await store.log(scope, chosen, limit=limit, cursor=cursor)
                        assert page.total == len(expected)
                        seen += page.episodes
                        cursor = page.next_cursor
                        if cursor is None:
                            break
                    assert seen == expected
            with pytest.raises(InvalidInput, match="cursor"):
                await store.log(ALICE, STATES, limit=5, cursor="x")

    async def test_every_field_of_a_message_is_read_back(self, make_store: MakeStore) -> None:
        episode = replace(
            said(ALICE, "my key is sk-123", task=Task(instructions="x"), attempts=2, change_id=new_id(1)),
            seen="my key is [masked]", external_id="m1", due_at=LATER, leased=True,
        )  # fmt: skip
        memory = known(
            ALICE, "Key is sk-123", seen="Key is [masked]", object="sk", slot="user/key", rating=2, runs=("r2", "r1"),
            sources=(cited(episode, "my key is [masked]"),),
        )  # fmt: skip
        async with opened(make_store) as store:
            await store.commit(adding(episode, memory))
            assert await store.load([episode.id, memory.id]) == {episode.id: episode, memory.id: memory}
