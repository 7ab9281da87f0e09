"""Random stores: every scope shows its own, filters mean what they say, and every view is the reference store's."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from mnemic import filters
from mnemic.ids import new_id
from mnemic.testing.contract_values import (
    ALICE,
    LATER,
    STATES,
    T0,
    Contract,
    MakeStore,
    adding,
    asking,
    changing,
    hits,
    keeping,
    known,
    listed,
    neighbour_of,
    opened,
    said,
    verbatim,
    where,
)
from mnemic.types import Episode, Memory, Record, Scope

PHASES = (Phase.generate, Phase.shrink)  # explaining takes long where each example makes a store


class ScopesContract(Contract):
    """Scopes and filters, over random records."""

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
                        for arms in ("both", "keyword"):
                            assert await hits(store, asking("fact", scope, arms=arms)) == {record.id for record in own}
                        counts = await store.counts(scope)
                        owners = {(record.scope.project, record.scope.owner) for record in own}
                        assert (counts.memories, counts.episodes) == (len(memories), len(own) - len(memories))
                        assert counts.owners == len(owners)

            asyncio.run(go())

        await asyncio.to_thread(run)

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

    async def test_each_operator_means_the_same_on_each_kind_of_value(self, make_store: MakeStore) -> None:
        """Every operator with every operand, on a metadata key, a nested one and a field."""
        records: list[Record] = [known(ALICE, "fact", metadata={"k": v, "in": {"k": v}}) for v in VALUES]
        records += [
            known(ALICE, "fact"),
            said(ALICE, "fact", actor="ana"),
            known(ALICE, "Fact", subject="user", actor="Ana"),
        ]
        async with opened(make_store) as store:
            await store.commit(adding(*records))
            wrong = []
            for op, operand in conditions():
                for key in ("k", "metadata.in.k", "actor_id", "subject"):
                    tree = filters.parse({key: {op: operand}})
                    fit = {r.id for r in records if filters.matches(tree, fields_of(r), r.metadata)}
                    asked = where(ALICE, filter=tree)
                    memories = {record.id for record in records if isinstance(record, Memory)}
                    if set(await listed(store, asked)) != fit & memories:
                        wrong.append(("page", key, op, operand))
                    if key in ("k", "actor_id") and await hits(store, asking("fact", asked, arms="keyword")) != fit:
                        wrong.append(("find", key, op, operand))
            assert wrong == []

    async def test_filters_mean_what_the_grammar_says(self, make_store: MakeStore) -> None:
        """Listing and search under random filters equal `filters.matches` over the same records."""

        @settings(max_examples=self.examples, deadline=None, suppress_health_check=list(HealthCheck), phases=PHASES)
        @given(st.data())
        def run(data: st.DataObject) -> None:
            records = data.draw(st.lists(records_to_filter(), min_size=1, max_size=8))
            trees = data.draw(st.lists(filter_trees(records), min_size=1, max_size=12))

            async def go() -> None:
                async with opened(make_store) as store:
                    await store.commit(adding(*records))
                    for given_tree in trees:
                        tree = filters.parse(given_tree)
                        fit = {r.id for r in records if filters.matches(tree, fields_of(r), r.metadata)}
                        asked = where(ALICE, filter=tree)
                        memories = {record.id for record in records if isinstance(record, Memory)}
                        assert set(await listed(store, asked)) == fit & memories, given_tree
                        assert await hits(store, asking("fact", asked)) == fit, given_tree

            asyncio.run(go())

        await asyncio.to_thread(run)

    @pytest.mark.parametrize("many", [1_500, 5_000])
    async def test_a_filter_may_name_thousands_of_values(self, make_store: MakeStore, many: int) -> None:
        memories = [known(ALICE, f"Fact {number}", metadata={"n": number}) for number in range(4)]
        async with opened(make_store) as store:
            await store.commit(adding(*memories))
            ids = [new_id(7) for _ in range(many)]
            for tree, expected in (
                ({"id": {"in": [*ids, memories[1].id]}}, {memories[1].id}),
                ({"n": {"in": [*range(10, many), 2]}}, {memories[2].id}),
                ({"n": {"nin": [*range(10, many), 2]}}, {memories[n].id for n in (0, 1, 3)}),
            ):
                assert set(await listed(store, where(ALICE, filter=filters.parse(tree)))) == expected


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


VALUES: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 1.0, 2.5, -0.0, 0.1 + 0.2, 1e308, 5e-324, 123456789.123456789, 2**53 + 1, 2**63 - 1,
    -(2**63), "", "a", "A", "ab", "É", "é", "ß", "SS", "1", "10", "9", "true", "null", "%", "_", "*", "🙂", "a\nb",
    [], [None], [True], [False], [0], [1], [1.0], ["a"], ["1", 1, True], ["A", None], [["a"]], [{"a": 1}], {}, {"k": 1},
    "2025-03-14", "2025-03-14T09:30:00+00:00",
)  # fmt: skip
"""One of everything that metadata can hold."""


def conditions() -> Iterator[tuple[str, Any]]:
    """Every operator with every operand that it takes."""
    scalars = [value for value in VALUES if not isinstance(value, list | dict)]
    for op in filters.OPERATORS:
        match op:
            case "exists":
                yield from ((op, True), (op, False))
            case "in" | "nin":
                yield from ((op, [one]) for one in scalars)
                yield from ((op, []), (op, [None, "a"]), (op, [True, 0, "ab"]))
            case "icontains":
                yield from ((op, one) for one in scalars if isinstance(one, str))
            case "gt" | "gte" | "lt" | "lte":
                yield from ((op, one) for one in scalars if one is not None and not isinstance(one, bool))
            case _:
                yield from ((op, one) for one in scalars)


_KEYS = st.sampled_from(["a", "b", "a.b", "text", "ключ", "k k", "%", "a'b", "$", "0", "#"])
_FLOATS = st.floats(allow_nan=False, allow_infinity=False)
_WORDS = st.sampled_from(
    ["", "a", "A", "b", "ab", "é", "É", "ß", "10", "9", "true", "null", "🙂", "%", "_", "*", "a\nb"]
)
_SCALARS = (
    st.none() | st.booleans() | st.integers(-3, 3) | st.integers(-(2**63), 2**63 - 1)
    | st.sampled_from([0.0, -0.0, 1.0, 2.5, 0.1 + 0.2, 1e308, 5e-324, 123456789.123456789]) | _FLOATS | _WORDS | st.text("aB é", max_size=3)
)  # fmt: skip
_VALUES = st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=3),
    max_leaves=5,
)
_FIELDS = (
    "kind",
    "actor_id",
    "role",
    "subject",
    "attribute",
    "attributed_to",
    "origin",
    "text",
    "memory",
    "user_id",
    "run_id",
)


@st.composite
def records_to_filter(draw: st.DrawFn) -> Record:
    """A memory or an episode of Alice with metadata of any shape."""
    run = draw(st.sampled_from([None, "r1"]))
    scope, metadata = Scope(user_id="alice", run_id=run), draw(st.dictionaries(_KEYS, _VALUES, max_size=4))
    words, actor = draw(st.sampled_from(["fact a", "Fact É", "fact %"])), draw(st.sampled_from([None, "Ana", "ana"]))
    at = draw(st.sampled_from([T0, LATER, T0 + timedelta(microseconds=1)]))
    if draw(st.booleans()):
        return said(scope, words, actor=actor, at=at, metadata=metadata)
    return known(
        scope, words, actor=actor, at=at, metadata=metadata, kind=draw(st.sampled_from(["fact", "event"])),
        role=draw(st.sampled_from([None, "user"])), subject=draw(st.sampled_from([None, "user", "Ana"])),
        attributed_to=draw(st.sampled_from([None, "user", "assistant"])),
    )  # fmt: skip


def leaves(value: Any, path: str = "metadata") -> Iterator[tuple[str, Any]]:
    """Paths and scalars inside metadata, those of lists under the list's own path."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(inner, f"{path}.{key}")
    elif isinstance(value, list):
        yield from ((path, inner) for inner in value if not isinstance(inner, dict | list))
    else:
        yield path, value


@st.composite
def _conditions(draw: st.DrawFn, records: list[Record]) -> dict[str, Any]:  # noqa: C901 - a table of operators
    present = [leaf for record in records for leaf in leaves(record.metadata)]
    if present and draw(st.integers(0, 9)) < 7:
        key, there = draw(st.sampled_from(present))
        values = st.just(there) | st.sampled_from([value for _, value in present]) | _SCALARS
    elif draw(st.booleans()):
        key = draw(st.sampled_from(_FIELDS))
        values = (
            st.sampled_from(["fact", "event", "episode", "Ana", "ana", "user", "r1", "fact a", T0, T0.isoformat()])
            | _SCALARS
        )
    elif draw(st.booleans()):
        bound = draw(st.sampled_from([T0, T0.isoformat(), "2025-03-14T17:30:00+08:00", LATER, "2025-03-15"]))
        return {
            draw(st.sampled_from(["created_at", "updated_at"])): {
                draw(st.sampled_from(["eq", "ne", "gt", "gte", "lt", "lte"])): bound
            }
        }
    else:
        key, values = ".".join(draw(st.lists(_KEYS, min_size=1, max_size=3))), _SCALARS
    one = draw(values)
    op = draw(st.sampled_from([*filters.OPERATORS, "bare", "list", "*"]))
    match op:
        case "bare":
            return {key: one}
        case "list":
            return {key: draw(st.lists(values, max_size=3))}
        case "*":
            return {key: "*"}
        case "in" | "nin":
            return {key: {op: draw(st.lists(values, max_size=3))}}
        case "exists":
            return {key: {op: draw(st.booleans())}}
        case "icontains":
            return {key: {op: draw(st.just(one.swapcase()) if isinstance(one, str) else _WORDS)}}
        case "gt" | "gte" | "lt" | "lte" if one is None or isinstance(one, bool):
            return {key: {op: 1}}
        case _:
            return {key: {op: one}}


def filter_trees(records: list[Record]) -> st.SearchStrategy[dict[str, Any]]:
    """Filters of every operator on what the records hold, with AND, OR and NOT around them."""
    return st.recursive(
        _conditions(records),
        lambda inner: st.one_of(
            st.builds(lambda parts: {"AND": parts}, st.lists(inner, max_size=3)),
            st.builds(lambda parts: {"OR": parts}, st.lists(inner, max_size=3)),
            st.builds(lambda parts: {"NOT": parts}, st.lists(inner, max_size=2)),
            st.builds(lambda part: {"NOT": part}, inner),
            st.builds(lambda one, other: {**one, **other}, inner, inner),
        ),
        max_leaves=6,
    )


def fields_of(record: Record) -> dict[str, Any]:
    """What each field of the filter grammar means; a field that is missing is null."""
    found: dict[str, Any] = {"id": record.id, "actor_id": record.actor, "role": record.role, **record.scope.ids}
    if isinstance(record, Episode):
        at = record.received_at.isoformat()
        return found | {"kind": "episode", "text": record.content, "created_at": at, "updated_at": at}
    for name in ("kind", "origin", "subject", "attribute", "attributed_to", "text"):
        found[name] = getattr(record, name)
    return found | {"created_at": record.created_at.isoformat(), "updated_at": record.updated_at.isoformat()}


_VOCABULARY = "bees wasp cello kayak walrus Taipei 台北 網球 пчёлы and the".split()
