"""Filters mean what the grammar says: every field, every operator, any metadata, any nesting.

What they should mean is written down here a second time, over plain values and the dictionaries that users
pass: `passes` knows nothing of the parser, of `filters.matches`, or of how a store compares.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from mnemic import filters, text
from mnemic.ids import new_id
from mnemic.names import key as name_key
from mnemic.protocols import MergeEntity, Naming, NewEntity, Store, Write
from mnemic.testing.contract_values import (
    ALICE,
    LATER,
    T0,
    Contract,
    MakeStore,
    adding,
    asking,
    changing,
    cited,
    entity,
    hits,
    known,
    listed,
    opened,
    retiring,
    said,
    where,
)
from mnemic.types import Entity, Episode, Memory, Record, Scope

PHASES = (Phase.generate, Phase.shrink)  # explaining takes long where each example makes a store


class FiltersContract(Contract):
    """Filters over listing and search."""

    async def test_each_operator_means_the_same_on_each_kind_of_metadata(self, make_store: MakeStore) -> None:
        """Every operator with every operand, on a metadata key and a nested one."""
        records: list[Record] = [known(ALICE, "fact", metadata={"k": v, "in": {"k": v}}) for v in VALUES]
        records += [known(ALICE, "fact"), said(ALICE, "fact")]
        filters_ = [{key: {op: one}} for op, one in conditions() for key in ("k", "metadata.in.k")]
        async with opened(make_store) as store:
            world = World(records=records)
            await world.write(store)
            assert await world.wrong(store, filters_, search_each=3) == []

    async def test_each_operator_means_the_same_on_each_field(self, make_store: MakeStore) -> None:
        """Every field with every operator that it takes and operands that fit and that do not."""
        world = a_world()
        said_of = [{name: c} for name, kind in filters.FIELDS.items() for c in _for_field(name, kind, world)]
        assert len(said_of) > 500
        async with opened(make_store) as store:
            await world.write(store)
            assert await world.wrong(store, said_of, search_each=7) == []

    async def test_filters_mean_what_the_grammar_says(self, make_store: MakeStore) -> None:
        """Listing and search under random filters of any nesting equal the oracle over the same records."""

        @settings(max_examples=self.examples, deadline=None, suppress_health_check=list(HealthCheck), phases=PHASES)
        @given(st.data())
        def run(data: st.DataObject) -> None:
            world = data.draw(worlds())
            asked = data.draw(st.lists(filter_trees(world), min_size=1, max_size=12))

            async def go() -> None:
                async with opened(make_store) as store:
                    await world.write(store)
                    assert await world.wrong(store, asked) == []

            asyncio.run(go())

        await asyncio.to_thread(run)

    @pytest.mark.parametrize("many", [1_500, 10_000])
    async def test_a_filter_may_name_thousands_of_values(self, make_store: MakeStore, many: int) -> None:
        memories = [known(ALICE, f"Fact {n}", metadata={"n": n}, categories=(f"c{n}",)) for n in range(4)]
        async with opened(make_store) as store:
            await store.commit(adding(*memories))
            ids = [new_id(7) for _ in range(many)]
            for tree, expected in (
                ({"id": {"in": [*ids, memories[1].id]}}, {memories[1].id}),
                ({"n": {"in": [*range(10, many), 2]}}, {memories[2].id}),
                ({"n": {"nin": [*range(10, many), 2]}}, {memories[n].id for n in (0, 1, 3)}),
                ({"categories": {"in": [*(f"d{n}" for n in range(many)), "C3"]}}, {memories[3].id}),
                ({"entity": {"nin": [f"Person {n}" for n in range(many)]}}, {each.id for each in memories}),
                ({"episode_id": {"in": ids}}, set()),
            ):
                assert set(await listed(store, where(ALICE, filter=filters.parse(tree)))) == expected

    async def test_the_deepest_and_the_widest_filters_are_answered(self, make_store: MakeStore) -> None:
        memory = known(ALICE, "Fact", metadata={"n": 1})
        deep: dict[str, Any] = {"n": {"in": [1, 2]}}
        for _ in range(6):
            deep = {"NOT": [{"n": 5, "OR": [{"text": "x"}, {"AND": [deep, {"entity": {"ne": "Dana"}}]}]}]}
        chained: dict[str, Any] = {"categories": {"ne": "x"}}
        for _ in range(20):
            chained = {"NOT": [{**chained, "text": {"icontains": "fact"}}]}
        wide = {"OR": [{"categories": {"contains": f"c{n}"}} for n in range(499)] + [{"n": 1}]}
        async with opened(make_store) as store:
            await store.commit(adding(memory))
            for tree, found in (
                (deep, {memory.id}),
                (chained, {memory.id}),
                (wide, {memory.id}),
                ({"NOT": wide}, set()),
            ):
                asked = where(ALICE, filter=filters.parse(tree))
                assert set(await listed(store, asked)) == await hits(store, asking("fact", asked)) == found

    async def test_what_another_memory_took_the_place_of_is_found_by_that(self, make_store: MakeStore) -> None:
        old, new = known(ALICE, "Works at Acme"), known(ALICE, "Works at Siemens")
        async with opened(make_store) as store:
            await store.commit(adding(old, new))
            await store.commit(retiring(old, reason="superseded", retired_by=new.id, hide_sources=False, at=LATER))
            for tree, expected in (
                ({"retired_by": new.id}, [old.id]),
                ({"retired_by": None}, [new.id]),
                ({"retire_reason": "superseded"}, [old.id]),
                ({"known_to": "*"}, [old.id]),
                ({"known_to": {"gt": LATER}}, []),
                ({"known_to": {"eq": LATER.date()}}, [old.id]),
            ):
                asked = where(ALICE, filter=filters.parse(tree), superseded=True, now=LATER)
                assert await listed(store, asked) == expected, tree

    async def test_an_entity_is_found_by_every_name_that_it_has_now(self, make_store: MakeStore) -> None:
        """Also after it turned out to be another, and not through other people's entities of the name."""
        bob = Scope(user_id="bob", agent_id="coach")
        dana, weiss, other = entity("Dana"), entity("Dr. Weiss"), entity("Dana", bob)
        mine, further, theirs = known(ALICE, "Dana skis"), known(ALICE, "Dr. Weiss swims"), known(bob, "Dana rows")
        async with opened(make_store) as store:
            for memory, whom in ((mine, dana), (further, weiss), (theirs, other)):
                await store.commit(_naming([memory], [(memory, whom)], [whom]))

            async def found(scope: Scope, whom: str) -> set[str]:
                return set(await listed(store, where(scope, filter=filters.parse({"entity": whom}))))

            assert await found(ALICE, "dana") == await found(ALICE, dana.id) == {mine.id}
            assert await found(Scope(agent_id="coach"), "Dana") == {theirs.id}
            assert await found(Scope(), "Dana") == {mine.id, theirs.id}
            assert await found(ALICE, other.id) == set()
            change = changing("merge")
            merge = MergeEntity(entity_id=weiss.id, into=dana.id, change_id=change.id)
            await store.commit(Write(scope=ALICE, at=T0, changes=(change,), entities=(merge,)))
            for name in ("Dana", "dr. weiss", dana.id, weiss.id.upper()):
                assert await found(ALICE, name) == {mine.id, further.id}, name


# What filters mean, written down a second time.


def passes(asked: Mapping[str, Any], seen: Mapping[str, Any], metadata: Mapping[str, Any]) -> bool:
    """Whether a record passes a filter as a user wrote it."""
    return all(_says(key, value, seen, metadata) for key, value in asked.items())


def _says(key: str, value: Any, seen: Mapping[str, Any], metadata: Mapping[str, Any]) -> bool:
    if key in ("AND", "$and"):
        return all(passes(each, seen, metadata) for each in value)
    if key in ("OR", "$or"):
        return any(passes(each, seen, metadata) for each in value)
    if key in ("NOT", "$not"):
        return not any(passes(each, seen, metadata) for each in ([value] if isinstance(value, dict) else value))
    if key == "metadata":
        return all(_says(f"metadata.{name}", each, seen, metadata) for name, each in value.items())
    if isinstance(value, dict):
        return all(_says_one(key, op, each, seen, metadata) for op, each in value.items())
    if isinstance(value, list):
        return _says_one(key, "in", value, seen, metadata)
    if isinstance(value, str) and value == "*":
        return _says_one(key, "exists", True, seen, metadata)
    return _says_one(key, "eq", value, seen, metadata)


def _says_one(key: str, op: str, value: Any, seen: Mapping[str, Any], metadata: Mapping[str, Any]) -> bool:
    negative = {"ne": "eq", "nin": "in"}
    if op in negative:
        return not _says_one(key, negative[op], value, seen, metadata)
    if op == "in":
        return any(_says_one(key, "eq", each, seen, metadata) for each in value)
    if key == "keywords":
        return value.lower() in seen["text"].lower()
    key = {"memory": "text", "memory_ids": "id", "session_id": "run_id", "userId": "user_id"}.get(key, key)
    if key in seen:
        there = seen[key]
        many = isinstance(there, frozenset)
    else:
        there, many = (
            _inside(metadata, key.removeprefix("metadata.").split(".") if key.startswith("metadata.") else [key]),
            False,
        )
    present = bool(there) if many else there is not None
    if op == "exists":
        return present is value
    if value is None and op == "eq":
        return not present
    if many:
        return any(_label(key, op, each, value) for each in there)
    return present and _compare(op, there, value)


def _inside(metadata: Any, steps: list[str]) -> Any:
    for step in steps:
        if not isinstance(metadata, dict) or step not in metadata:
            return None
        metadata = metadata[step]
    return metadata


def _label(key: str, op: str, there: str, value: str) -> bool:
    if key == "entity":
        return there in (value.strip().lower(), name_key(value))
    if op == "icontains":
        return value.lower() in there.lower()
    return there.lower() == value.strip().lower() if key == "episode_id" else there.lower() == value.lower()


def _compare(op: str, there: Any, value: Any) -> bool:
    if isinstance(there, datetime | date) and not isinstance(value, bool):
        return _compare_times(op, there, value)
    if op == "contains":
        if isinstance(there, str):
            return isinstance(value, str) and there.find(value) >= 0
        return isinstance(there, list) and any(_one_value(each, value) for each in there)
    if op == "icontains":
        return isinstance(there, str) and there.lower().find(value.lower()) >= 0
    if op == "eq":
        return _one_value(there, value)
    comparable = (isinstance(there, str) and isinstance(value, str)) or (_is_number(there) and _is_number(value))
    if not comparable:
        return False
    rank = (there > value) - (there < value)
    return rank in {"gt": (1,), "gte": (0, 1), "lt": (-1,), "lte": (-1, 0)}[op]


def _compare_times(op: str, there: datetime | date, value: Any) -> bool:
    """Moments as moments; with a day, the days in UTC that moments lie in."""
    if isinstance(value, str):
        value = date.fromisoformat(value) if len(value) == 10 else datetime.fromisoformat(value)
    if isinstance(value, int):
        value = datetime.fromtimestamp(value, UTC)
    if isinstance(there, datetime) and not isinstance(value, datetime):
        there = there.astimezone(UTC).date()
    if not isinstance(there, datetime) and isinstance(value, datetime):
        value = value.astimezone(UTC).date()
    assert isinstance(there, datetime) == isinstance(value, datetime)
    rank = (there > value) - (there < value)
    return rank in {"eq": (0,), "gt": (1,), "gte": (0, 1), "lt": (-1,), "lte": (-1, 0)}[op]


def _one_value(one: Any, other: Any) -> bool:
    if _is_number(one) and _is_number(other):
        return bool(one == other)
    return type(one) is type(other) and not isinstance(one, list | dict) and one == other


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


# Records to filter.


@dataclass(kw_only=True)
class World:
    """Records of Alice, and whom her memories name."""

    records: list[Record]
    entities: tuple[Entity, ...] = ()
    named: tuple[tuple[int, int], ...] = ()
    """(record, entity) by place; only of memories."""
    merged: bool = False
    """The last entity turned out to be the first."""

    async def write(self, store: Store) -> None:
        """Put it into a store."""
        mentions = [(self.records[record], self.entities[whom]) for record, whom in self.named]
        await store.commit(_naming(self.records, mentions, self.entities))
        if self.merged:
            change = changing("merge")
            merge = MergeEntity(entity_id=self.entities[-1].id, into=self.entities[0].id, change_id=change.id)
            await store.commit(Write(scope=ALICE, at=T0, changes=(change,), entities=(merge,)))

    async def wrong(self, store: Store, asked: list[dict[str, Any]], *, search_each: int = 1) -> list[Any]:
        """Filters whose listing, or search (looked at for one in `search_each`), is not what the oracle says."""
        wrong = []
        seen = [self.seen(place) for place in range(len(self.records))]
        memories = {each.id for each in self.records if isinstance(each, Memory)}
        for number, each in enumerate(asked):
            of = where(ALICE, filter=filters.parse(each), expired=True)
            expected = {r.id for r, known_ in zip(self.records, seen, strict=True) if passes(each, known_, r.metadata)}
            if set(await listed(store, of)) != expected & memories:
                wrong.append(("listing", each))
            if number % search_each == 0 and await hits(store, asking("fact", of)) != expected:
                wrong.append(("search", each))
        return wrong

    def seen(self, place: int) -> dict[str, Any]:
        """What the fields of a record are, in Python's own types; frozen sets are many values."""
        record = self.records[place]
        found: dict[str, Any] = dict.fromkeys(filters.FIELDS)
        found |= {"categories": frozenset(), "entity": self._names(place), "version": 1, "confidence": 1.0}
        found |= {"id": record.id, "actor_id": record.actor, "role": record.role, **record.scope.ids}
        if isinstance(record, Episode):
            return found | {
                "kind": "episode", "origin": "stated", "text": record.seen or record.content, "hash": text.md5(record.content),
                "attributed_to": "assistant" if record.role == "assistant" else "user", "said_at": record.said_at,
                "created_at": record.received_at, "updated_at": record.received_at,
                "episode_id": frozenset([record.id]),
            }  # fmt: skip
        for name in (
            "kind", "origin", "subject", "attribute", "object", "slot", "attributed_to", "confidence", "rating",
            "version", "pinned", "precision", "said_at", "valid_from", "valid_to", "created_at", "updated_at",
        ):  # fmt: skip
            found[name] = getattr(record, name)
        last_day = None if record.expires_at is None else record.expires_at.date() - timedelta(days=1)
        return found | {
            "text": record.seen or record.text, "hash": text.md5(record.text), "categories": frozenset(record.categories), "expiration_date": last_day,
            "episode_id": frozenset(source.episode_id for source in record.sources),
        }  # fmt: skip

    def _names(self, place: int) -> frozenset[str]:
        whom = {entity_place for record, entity_place in self.named if record == place}
        both = {0, len(self.entities) - 1}
        if self.merged and whom & both:
            whom |= both
        return frozenset(name for each in whom for name in (self.entities[each].id, name_key(self.entities[each].name)))


def _naming(records: Any, mentions: Any, entities: Any) -> Write:
    return replace(
        adding(*records),
        entities=(
            *(NewEntity(entity=each, keys={name_key(each.name): each.name}) for each in entities),
            *(Naming(memory_id=memory.id, entity_id=each.id, key=name_key(each.name)) for memory, each in mentions),
        ),
    )


_EAST = timezone(timedelta(hours=8))
_TIMES = (
    T0, LATER, T0 + timedelta(microseconds=1), T0.astimezone(_EAST), datetime(2025, 3, 15, 7, 59, 59, 999999, _EAST),
    datetime(2025, 3, 15, 8, tzinfo=_EAST), datetime(2025, 3, 14, tzinfo=UTC), datetime(2025, 3, 16, tzinfo=UTC),
)  # fmt: skip
_EXPIRES = (
    None,
    datetime(2025, 3, 15, tzinfo=UTC),
    datetime(2025, 3, 16, tzinfo=UTC),
    datetime(2026, 1, 1, tzinfo=UTC),
)
_CATEGORIES = ((), ("food",), ("Food", "旅行"), ("foodie", "a%b"))
_PEOPLE = ("Dana Weiss", "台北", "Acme")


def a_world() -> World:
    """One record of each sort, for the table of fields and operators."""
    first, second = (
        said(ALICE, "fact one", actor="Ana", at=_TIMES[3]),
        replace(said(ALICE, "fact two", seen="fact ***"), role="assistant"),
    )
    full = known(
        Scope(user_id="alice", agent_id="coach", app_id="shop", run_id="r1"), "fact Full", at=T0, kind="preference",
        subject="user", attribute="employer", object="Siemens", slot="user:employer", origin="inferred",
        attributed_to="user", actor="Ana", role="user", confidence=0.5, rating=-2, pinned=True, precision="day",
        said_at=_TIMES[3], valid_from=_TIMES[4], valid_to=_TIMES[7], expires_at=_EXPIRES[1], categories=("Food", "旅行"),
        sources=(cited(first),), metadata={"categories": ["x"], "rating": 5},
    )  # fmt: skip
    bare = known(ALICE, "fact bare", at=LATER, seen="fact ba**")
    third = known(
        ALICE, "fact three", at=T0, confidence=0.25, rating=1, categories=("foodie",), said_at=_TIMES[1],
        expires_at=_EXPIRES[2], valid_from=_TIMES[0], sources=(cited(first), cited(second, "fact")),
    )  # fmt: skip
    people = tuple(entity(name) for name in _PEOPLE)
    return World(
        records=[first, second, full, bare, third], entities=people, named=((2, 0), (2, 1), (4, 2)), merged=True
    )


def _for_field(name: str, kind: filters.FieldType, world: World) -> Iterator[Any]:
    """Conditions on a field: every operator that it takes, with what is there and what is not."""
    operands = _operands(name, kind, world)
    yield from ("*", {"exists": True}, {"exists": False})
    for _, one in dict.fromkeys((type(each).__name__, each) for each in operands):
        yield {"eq": one} if one == "*" else one
        for op in filters.OPERATORS_OF[kind]:
            if op in ("in", "nin"):
                yield {op: [one, operands[0]]}
            elif op != "exists" and _takes(op, kind, one):
                yield {op: one}


def _operands(name: str, kind: filters.FieldType, world: World) -> list[Any]:
    there: list[Any] = []
    for place in range(len(world.records)):
        value = world.seen(place)[name]
        there += sorted(value) if isinstance(value, frozenset) else [value]
    others: dict[str, list[Any]] = {
        "time": [*_TIMES, _TIMES[4].isoformat(), _TIMES[2], "2025-03-14", date(2025, 3, 15), 1741944600],
        "day": ["2025-03-14", "2025-03-15", date(2025, 3, 16), T0, "9999-12-31"],
        "number": [0, -2, 0.5, 1, 1.0, 2**53 + 1],
        "flag": [True, False],
        "labels": ["food", "FOOD", "foo", "旅", "a%b", "", "x"],
        "links": [*_PEOPLE, "dana weiss", "Nobody", new_id(3)],
        "id": ["fact", "Fact", "", "%", "ana", "r1", "zzz"],
        "text": ["fact", "Fact", "", "%", "ana", "two", "*", "zzz", 5, True],
    }
    return [*there, *others[kind]]


def _takes(op: str, kind: filters.FieldType, one: Any) -> bool:
    """Whether an operator of a field takes a value."""
    if op in ("gt", "gte", "lt", "lte"):
        return one is not None and not isinstance(one, bool)
    return isinstance(one, str) if op == "icontains" else one is not None or op != "contains" or kind not in _MANY


_MANY = ("labels", "links")
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


_KEYS = st.sampled_from(["a", "b", "a.b", "text", "rating", "ключ", "k k", "%", "a'b", "$", "0", "#"])
_FLOATS = st.floats(allow_nan=False, allow_infinity=False)
_WORDS = st.sampled_from(
    ["", "a", "A", "b", "ab", "é", "É", "ß", "10", "9", "true", "null", "🙂", "%", "_", "*", "a\nb"]
)
_SCALARS = (
    st.none() | st.booleans() | st.integers(-3, 3) | st.integers(-(2**63), 2**63 - 1)
    | st.sampled_from([0.0, -0.0, 1.0, 2.5, 0.1 + 0.2, 1e308, 5e-324, 123456789.123456789]) | _FLOATS | _WORDS | st.text("aB é", max_size=3)
)  # fmt: skip
_METADATA = st.dictionaries(
    _KEYS,
    st.recursive(
        _SCALARS,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=3),
        max_leaves=5,
    ),
    max_size=4,
)
_SOME_TIME = st.sampled_from(_TIMES)


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """Memories and messages of Alice with fields and metadata of any shape."""
    records: list[Record] = []
    for number in range(draw(st.integers(1, 8))):
        scope = Scope(user_id="alice", run_id=draw(st.sampled_from([None, "r1"])))
        words, actor = (
            draw(st.sampled_from(["fact a", "Fact É", "fact %"])),
            draw(st.sampled_from([None, "Ana", "ana"])),
        )
        at, metadata = draw(_SOME_TIME).astimezone(UTC), draw(_METADATA)
        episodes = [each for each in records if isinstance(each, Episode)]
        if draw(st.booleans()) or not number:
            episode = said(scope, words, actor=actor, at=at, metadata=metadata)
            records.append(
                replace(episode, said_at=draw(_SOME_TIME), role=draw(st.sampled_from(["user", "assistant"])))
            )
            continue
        maybe = st.none() | _SOME_TIME
        records.append(
            known(
                scope, words, actor=actor, at=at, metadata=metadata, kind=draw(st.sampled_from(["fact", "event"])),
                role=draw(st.sampled_from([None, "user"])), subject=draw(st.sampled_from([None, "user", "Ana"])),
                attribute=draw(st.sampled_from([None, "home"])), slot=draw(st.sampled_from([None, "user:home"])),
                object=draw(st.sampled_from([None, "台北"])), attributed_to=draw(st.sampled_from([None, "user"])),
                confidence=draw(st.sampled_from([1.0, 0.5, 0.1 + 0.2])), rating=draw(st.sampled_from([0, 1, -2])),
                pinned=draw(st.booleans()), precision=draw(st.sampled_from([None, "day"])), said_at=draw(maybe),
                valid_from=draw(maybe), valid_to=draw(maybe), expires_at=draw(st.sampled_from(_EXPIRES)),
                categories=draw(st.sampled_from(_CATEGORIES)),
                sources=tuple(cited(each) for each in episodes if draw(st.booleans())),
            )
        )  # fmt: skip
    memories = [place for place, each in enumerate(records) if isinstance(each, Memory)]
    named = [(place, whom) for place in memories for whom in range(3) if draw(st.booleans())]
    return World(records=records, entities=tuple(map(entity, _PEOPLE)), named=tuple(named), merged=draw(st.booleans()))


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
def _conditions(draw: st.DrawFn, world: World) -> dict[str, Any]:
    present = [leaf for record in world.records for leaf in leaves(record.metadata)]
    if present and draw(st.integers(0, 9)) < 4:
        key, there = draw(st.sampled_from(present))
        values = st.just(there) | st.sampled_from([value for _, value in present]) | _SCALARS
        return {key: _on_metadata(draw, values)}
    if draw(st.integers(0, 9)) < 8:
        name = draw(st.sampled_from([*filters.FIELDS, "memory", "session_id", "userId", "keywords"]))
        if name == "keywords":
            return {
                name: draw(st.sampled_from(["FACT", "é", "%", {"contains": "Fact A"}, {"icontains": "%"}, ["x", "a"]]))
            }
        field = filters.ALIASES.get(name, name)
        return {name: draw(st.sampled_from(list(_for_field(field, filters.FIELDS[field], world))))}
    return {
        ".".join(
            draw(st.lists(_KEYS.filter(lambda key: key not in filters.FIELDS), min_size=1, max_size=3))
        ): _on_metadata(draw, _SCALARS)
    }


def _on_metadata(draw: st.DrawFn, values: st.SearchStrategy[Any]) -> Any:
    one = draw(values)
    op = draw(st.sampled_from([*filters.OPERATORS, "bare", "list", "*"]))
    match op:
        case "bare":
            return one
        case "list":
            return draw(st.lists(values, max_size=3))
        case "*":
            return "*"
        case "in" | "nin":
            return {op: draw(st.lists(values, max_size=3))}
        case "exists":
            return {op: draw(st.booleans())}
        case "icontains":
            return {op: draw(st.just(one.swapcase()) if isinstance(one, str) else _WORDS)}
        case "gt" | "gte" | "lt" | "lte" if one is None or isinstance(one, bool):
            return {op: 1}
        case _:
            return {op: one}


def filter_trees(world: World) -> st.SearchStrategy[dict[str, Any]]:
    """Filters of every field and operator on what the records hold, with AND, OR and NOT around them."""
    return st.recursive(
        _conditions(world),
        lambda inner: st.one_of(
            st.builds(lambda parts: {"AND": parts}, st.lists(inner, max_size=3)),
            st.builds(lambda parts: {"$or": parts}, st.lists(inner, max_size=3)),
            st.builds(lambda parts: {"NOT": parts}, st.lists(inner, max_size=2)),
            st.builds(lambda part: {"NOT": part}, inner),
            st.builds(lambda one, other: {**one, **other}, inner, inner),
        ),
        max_leaves=8,
    )
