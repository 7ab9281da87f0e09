"""Random stores: every scope shows its own records."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from mnemic.protocols import Held
from mnemic.testing.contract_values import (
    ALICE,
    BOB,
    LATER,
    STATES,
    T0,
    Contract,
    MakeStore,
    adding,
    asking,
    changing,
    found_by,
    hits,
    keeping,
    known,
    listed,
    neighbour_of,
    opened,
    retiring,
    said,
    verbatim,
    where,
)
from mnemic.types import Memory, Record, Scope

PHASES = (Phase.generate, Phase.shrink)  # explaining takes long where each example makes a store


class ScopesContract(Contract):
    """Scopes, over random records."""

    async def test_every_scope_shows_its_own_records_and_no_other(self, make_store: MakeStore) -> None:
        """Listing, search and counts of any combination of ids equal brute force."""

        @settings(max_examples=self.examples, deadline=None, suppress_health_check=list(HealthCheck), phases=PHASES)
        @given(
            st.lists(st.tuples(scopes(least=1), st.booleans()), max_size=12), st.lists(scopes(), min_size=1, max_size=6)
        )
        def run(rows: list[tuple[Scope, bool]], asked: list[Scope]) -> None:
            async def go() -> None:
                async with opened(make_store) as store:
                    records = [known(s, f"Fact {n}") if m else said(s, f"Fact {n}") for n, (s, m) in enumerate(rows)]
                    for record in records:
                        await store.commit(adding(record))
                    for scope in asked:
                        own = [record for record in records if covers(scope, record.scope)]
                        memories = [record.id for record in own if isinstance(record, Memory)]
                        assert await listed(store, where(scope)) == sorted(memories, reverse=True)
                        assert await hits(store, asking("fact", scope)) == {record.id for record in own}
                        for arm in ("vector", "keyword", "recency"):
                            found = await found_by(store, arm, asking("fact", scope))
                            assert set(found) == {record.id for record in own}
                        counts = await store.counts(scope)
                        owners = {(record.scope.project, record.scope.owner) for record in own}
                        assert (counts.memories, counts.episodes) == (len(memories), len(own) - len(memories))
                        assert counts.owners == len(owners)

            asyncio.run(go())

        await asyncio.to_thread(run)

    async def test_everybody_with_a_memory_or_a_message_is_counted(self, make_store: MakeStore) -> None:
        both, run = Scope(user_id="alice", agent_id="poet"), Scope(agent_id="poet", run_id="r")
        east = datetime.fromisoformat("2025-03-14T16:00:00+08:00")  # sorts behind T0 as it is written, and was before
        late, early = replace(known(both, "Skis"), updated_at=LATER), replace(known(ALICE, "Sails"), created_at=east)
        gone, unheard = known(BOB, "Rows"), said(Scope(app_id="phone"), "Never mind", state="hidden")
        async with opened(make_store) as store:
            for record in (late, early, said(run, "Thanks", state="empty"), gone, unheard):
                await store.commit(adding(record))
            await store.commit(adding(known(Scope(project="other", user_id="eve"), "Swims")))
            await store.commit(retiring(gone))
            assert await store.people("default") == [
                Held(field="user_id", name="alice", memories=2, since=east, until=LATER),
                Held(field="agent_id", name="poet", memories=1, since=T0, until=LATER),
                Held(field="run_id", name="r", memories=0, since=T0, until=T0),
            ]
            assert [(each.field, each.name) for each in await store.people("other")] == [("user_id", "eve")]
            assert await store.people("nobody's") == []

    async def test_deleting_a_scope_leaves_every_other_record_as_it_was(self, make_store: MakeStore) -> None:
        """The rows outside are equal before and after; those inside are gone."""

        @settings(max_examples=self.examples, deadline=None, suppress_health_check=list(HealthCheck), phases=PHASES)
        @given(st.lists(st.tuples(scopes(least=1), st.booleans()), max_size=10), scopes(least=1))
        def run(rows: list[tuple[Scope, bool]], target: Scope) -> None:
            async def go() -> None:
                async with opened(make_store) as store:
                    records: list[Record] = []
                    for number, (scope, alone) in enumerate(rows):
                        episode = said(scope, f"Fact {number}", state="pending" if alone else "done")
                        records.append(episode)
                        if alone:
                            await store.commit(adding(episode))
                        else:
                            memory = verbatim(episode)
                            records.append(memory)
                            await store.commit(keeping(episode, memory))
                    inside = [record for record in records if covers(target, record.scope)]
                    outside = [record for record in records if not covers(target, record.scope)]
                    before = {record.id: await store.history(record.id) for record in outside}
                    gone = await store.delete_scope(target, changing("delete_all", target, LATER), reason="deleted")
                    memories = [record for record in inside if isinstance(record, Memory)]
                    assert gone == (len(memories), len(inside) - len(memories))
                    assert await store.load([record.id for record in outside]) == {r.id: r for r in outside}
                    assert {record.id: await store.history(record.id) for record in outside} == before
                    every = where(expired=True, episodes=STATES[:-1])
                    for project in {record.scope.project for record in records}:
                        left = [record for record in outside if record.scope.project == project]
                        shared = {s.episode_id for record in left if isinstance(record, Memory) for s in record.sources}
                        asked = replace(every, scope=Scope(project=project))
                        assert await hits(store, asking("fact", asked)) == {r.id for r in left} - shared
                        assert set(await listed(store, asked)) == {r.id for r in left if isinstance(r, Memory)}
                    for memory in memories:
                        assert [change.event for change in await store.history(memory.id)] == ["ADD", "DELETE"]
                    again = await store.delete_scope(target, changing("delete_all", target, LATER), reason="deleted")
                    assert again == (0, 0)

            asyncio.run(go())

        await asyncio.to_thread(run)


# Values that the random tests draw.


def covers(asked: Scope, own: Scope) -> bool:
    """Whether a record of `own` belongs to what `asked` names."""
    return asked.project == own.project and asked.ids.items() <= own.ids.items()


def scopes(least: int = 0) -> st.SearchStrategy[Scope]:
    """Few names, so that scopes overlap; names that look like wildcards and quotes; owners in one partition."""
    users = st.sampled_from([None, "alice", "bob", "%", "a_ice", neighbour_of(ALICE).user_id])
    agents = st.sampled_from([None, None, "alice", "*", "o'brien"])
    others = st.sampled_from([None, None, "alice", "r1", '"; DROP TABLE memories; --'])
    projects = st.sampled_from(["default", "default", "default", "other"])
    drawn = st.builds(Scope, project=projects, user_id=users, agent_id=agents, app_id=others, run_id=others)
    return drawn.filter(lambda scope: len(scope.ids) >= least)
