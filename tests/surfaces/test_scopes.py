"""Whose memories: nobody else's are read or deleted, and one's own are all there."""

import asyncio

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mnemic import AsyncMemory, InvalidScope, NotFound
from mnemic.stores.postgres_nodes import PostgresNodes
from mnemic.stores.sqlite import SQLiteStore
from mnemic.testing.fakes import FakeEmbedder, FakeExtractor
from mnemic.types import Extraction

IDS = ("user_id", "agent_id", "app_id", "run_id")
ODD = (
    "%",
    "_",
    "a%",
    "?",
    "al_ce",
    "ÅÄ",
    "アリス",
    "🙂",
    "a;DROP",
    "--",
    "\\",
    "$.x",
    "a/b",
    "null",
    "None",
    "0",
    "e\u0301",
    "é",
)
REFUSED = ("*", "'", '"', "a'b", "' OR '1'='1", "a*", "a b", "a\tb", "a\nb", "a\x00b", "`", "\ud800", "x" * 257)
BLANK = (None, "", " ", "\t\n", "\u3000")

ids = st.fixed_dictionaries({}, optional={name: st.sampled_from(["alice", "bob", "%", "_", "🙂"]) for name in IDS})
some_ids = ids.filter(bool)


on_sqlite = pytest.mark.parametrize("address", ["sqlite"], indirect=True)
"""For what ends before any store is asked."""


@pytest.fixture
def make(make, address):
    """Memories in each kind of store."""
    return lambda path=":memory:", **arguments: make(address(path), **arguments)


def texts(answer):
    return sorted(item["memory"] for item in answer["results"])


def rows(memory):
    """All rows of all tables that hold records, as they lie in the store, each by the names of its columns."""
    store = memory._core._engine.store
    if isinstance(store, PostgresNodes):
        store = store.store(0)

    def read(reader):
        tables = {}
        for table in ("memories", "episodes", "history", "sources", "owners"):
            names = reader.db.columns(table)
            found = reader.db.execute(f"SELECT {', '.join(names)} FROM {table}")
            tables[table] = {frozenset(zip(names, row, strict=True)) for row in found}
        return tables

    return memory._wait(store._read(read))


@pytest.mark.behaviour("S3")
@pytest.mark.parametrize("odd", ODD)
def test_an_id_that_looks_like_a_pattern_is_only_a_name(memory, odd):
    for name in ("alice", "bob", *ODD):
        memory.remember(f"Of {name}", user_id=name)
    assert texts(memory.get_all(user_id=odd)) == [f"Of {odd}"]
    assert texts(memory.search("Of", user_id=odd, threshold=0)) == [f"Of {odd}"]
    assert texts(memory.search("Of", filters={"user_id": odd}, threshold=0)) == [f"Of {odd}"]
    assert memory.delete_all(user_id=odd)["deleted"] == 1
    assert texts(memory.get_all()) == sorted(f"Of {name}" for name in ("alice", "bob", *ODD) if name != odd)


@pytest.mark.behaviour("S3")
@on_sqlite
@pytest.mark.parametrize("name", IDS)
@pytest.mark.parametrize("bad", REFUSED)
def test_an_id_with_quotes_wildcards_or_blanks_is_refused_everywhere(memory, name, bad):
    memory.remember("I ski", user_id="alice")
    for call in (
        lambda: memory.search("ski", **{name: bad}),
        lambda: memory.search("ski", filters={name: bad}),
        lambda: memory.context("ski", **{name: bad}),
        lambda: memory.get_all(**{name: bad}),
        lambda: memory.get_all(filters={"AND": [{name: bad}]}),
        lambda: memory.stats(**{name: bad}),
        lambda: memory.delete_all(**{name: bad}),
        lambda: memory.add("x", **{name: bad}),
        lambda: memory.remember("x", **{name: bad}),
        lambda: memory.scope(**{name: bad}),
    ):
        with pytest.raises(InvalidScope, match=name):
            call()
    assert (memory.stats()["memories"], memory.stats()["episodes"]) == (1, 1)


@pytest.mark.behaviour("S3")
@on_sqlite
@pytest.mark.parametrize("blank", BLANK)
def test_a_call_whose_ids_are_all_blank_is_refused(memory, blank):
    memory.remember("I ski", user_id="alice")
    for given_ids in ({"user_id": blank}, {"user_id": blank, "run_id": None}, dict.fromkeys(IDS, blank)):
        for call in (
            lambda: memory.search("ski", **given_ids),  # noqa: B023 - called within the round
            lambda: memory.search("ski", filters=given_ids),  # noqa: B023
            lambda: memory.context("ski", **given_ids),  # noqa: B023
            lambda: memory.get_all(**given_ids),  # noqa: B023
            lambda: memory.get_all(filters={"AND": [given_ids]}),  # noqa: B023
            lambda: memory.stats(**given_ids),  # noqa: B023
            lambda: memory.delete_all(**given_ids),  # noqa: B023
            lambda: memory.add("x", **given_ids),  # noqa: B023
            lambda: memory.scope(**given_ids),  # noqa: B023
        ):
            with pytest.raises(InvalidScope):
                call()
    assert texts(memory.search("ski", user_id="alice", run_id=blank)) == ["I ski"]
    assert memory.stats()["memories"] == 1


@pytest.mark.behaviour("S3")
@on_sqlite
@pytest.mark.parametrize("blank", ["", " ", "\t\n", "\u3000"])
def test_an_id_that_came_out_empty_widens_nothing_that_takes_away(memory, blank):
    memory.remember("I ski", user_id="alice", agent_id="bot")
    for take in (memory.delete_all, memory.erase, memory.consolidate):
        with pytest.raises(InvalidScope, match=r"user_id=.*real id"):
            take(user_id=blank, agent_id="bot")
    assert texts(memory.get_all(agent_id="bot")) == ["I ski"]
    assert memory.delete_all(user_id=None, agent_id="bot")["deleted"] == 1


@pytest.mark.behaviour("S3")
def test_without_any_id_reading_covers_the_store_and_writing_is_refused(memory):
    for name in IDS:
        memory.remember(f"Of {name}", **{name: "x"})
    everything = sorted(f"Of {name}" for name in IDS)
    assert texts(memory.get_all()) == everything
    assert texts(memory.search("Of", threshold=0)) == everything
    assert texts(memory.get_all(filters={"kind": "note"})) == everything
    for call in (lambda: memory.add("x"), lambda: memory.remember("x"), memory.delete_all, memory.scope):
        with pytest.raises(InvalidScope, match="user_id"):
            call()
    assert texts(memory.get_all()) == everything


@pytest.mark.behaviour("S3")
@settings(max_examples=12, suppress_health_check=list(HealthCheck))
@given(st.lists(st.tuples(some_ids, st.booleans()), max_size=10), some_ids)
def test_a_scope_shows_and_deletes_its_own_rows_and_no_other(make, tmp_path_factory, added, target):
    with make(tmp_path_factory.mktemp("scope") / "m.db", extractor=FakeExtractor(lambda _: Extraction())) as memory:
        for number, (owner, infer) in enumerate(added):
            memory.add(f"Fact {number}", infer=infer, **owner)
        inside = [f"Fact {n}" for n, (owner, _) in enumerate(added) if target.items() <= owner.items()]
        assert texts(memory.search("Fact", threshold=0, top_k=100, **target)) == sorted(inside)
        before = rows(memory)
        memory.delete_all(**target)
        after = rows(memory)

        def outside(rows):
            return {row for row in rows if not {(name, value) for name, value in target.items()} <= row}

        for table in ("memories", "episodes"):
            assert outside(after[table]) == outside(before[table])
        assert after["sources"] == before["sources"]
        assert names_of(after["owners"]) == names_of(before["owners"])
        assert before["history"] <= after["history"]
        assert memory.search("Fact", threshold=0, top_k=100, **target)["results"] == []
        assert memory.verify()["problems"] == []


def names_of(owners):
    return {frozenset(pair for pair in row if pair[0] in ("number", "project", "kind", "name")) for row in owners}


def test_what_another_session_said_too_survives_the_deletion_of_a_session(memory):
    memory.add("I keep bees", user_id="alice", run_id="r1")
    memory.add("I keep bees", user_id="alice", run_id="r2")
    memory.delete_all(run_id="r1")
    assert texts(memory.search("bees", user_id="alice")) == ["I keep bees"]
    memory.delete_all(run_id="r2")
    assert memory.search("bees", user_id="alice", threshold=0)["results"] == []


def test_a_session_sees_what_was_said_in_it_though_another_session_said_it_first(memory):
    memory.add("I keep bees", user_id="alice", run_id="r1")
    memory.add("I keep bees", user_id="alice", run_id="r2")
    assert texts(memory.search("bees", user_id="alice", run_id="r2")) == ["I keep bees"]


def test_deleting_a_memory_leaves_the_others_of_its_message(make):
    from mnemic.types import Fact

    def both(_):
        return Extraction(facts=(Fact(text="Keeps bees", turn=0, quote="bees"), Fact(text="Skis", turn=0, quote="ski")))

    memory = make(extractor=FakeExtractor(both))
    bees, skis = memory.add("I keep bees and ski", user_id="alice")["results"]
    memory.delete(bees["id"])
    assert texts(memory.search("bees ski skis", user_id="alice", threshold=0)) == ["Skis"]
    assert memory.get(skis["id"])["sources"][0]["quote"] == "ski"


def test_a_bound_scope_works_within_its_ids_and_adds_to_them(memory):
    alice = memory.scope(user_id="alice")
    (of_alice,) = alice.add("I ski", run_id="r1")["results"]
    (of_bob,) = memory.add("I row", user_id="bob")["results"]
    assert texts(alice.get_all()) == texts(alice.search("ski row", threshold=0)) == ["I ski"]
    assert texts(alice.get_all(run_id="r2")) == []
    assert alice.get(of_alice["id"])["run_id"] == "r1"
    for call in (alice.get, alice.delete, alice.history, lambda each: alice.update(each, data="x")):
        with pytest.raises(NotFound):
            call(of_bob["id"])
    with pytest.raises(InvalidScope, match="contradicts"):
        alice.search("ski", user_id="bob")
    with pytest.raises(InvalidScope, match="contradicts"):
        alice.search("ski", filters={"user_id": "bob"})
    assert texts(alice.search("ski", filters={"OR": [{"user_id": "bob"}, {"user_id": "*"}]}, threshold=0)) == ["I ski"]
    assert alice.scope(run_id="r1").delete_all()["deleted"] == 1
    assert texts(memory.get_all()) == ["I row"]
    assert alice.delete_all()["deleted"] == 0


def test_projects_of_one_store_are_apart(make, tmp_path):
    one, other = make(tmp_path / "m.db", project="one"), make(tmp_path / "m.db", project="other")
    (added,) = one.add("I ski", user_id="alice")["results"]
    assert other.get_all()["results"] == other.search("ski", threshold=0)["results"] == []
    for call in (other.get, other.delete, other.history, lambda each: other.update(each, data="x")):
        with pytest.raises(NotFound):
            call(added["id"])
    assert other.delete_all(user_id="alice")["deleted"] == 0
    assert texts(one.get_all()) == ["I ski"]


# Others' memories, however near and however many.


def crowd(make, tenants):
    """Alice and others, whose memories are all nearer to the question than hers."""
    memory = make()
    for number in range(10):
        memory.remember(f"Alice note {number} on the budget", user_id="alice", metadata={"even": number % 2 == 0})
    for number in range(tenants):
        memory.remember("the exact question", user_id=f"tenant{number}", run_id=f"run{number % 7}")
    return memory


def assert_k_of_ten(memory):
    for k in (1, 5, 10):
        for where, size in (({}, 10), ({"filters": {"even": True}}, 5)):
            found = memory.search("the exact question", user_id="alice", top_k=k, threshold=0, **where)["results"]
            assert len(found) == min(k, size)
            assert {item["user_id"] for item in found} == {"alice"}
            assert all(item["metadata"]["even"] for item in found) or not where


@pytest.mark.behaviour("R1")
@pytest.mark.parametrize("tenants", [1, 100])
def test_k_results_come_though_other_tenants_are_nearer(make, tenants):
    assert_k_of_ten(crowd(make, tenants))


@pytest.mark.slow
@pytest.mark.behaviour("R1")
async def test_k_results_come_among_ten_thousand_tenants(address, tmp_path):
    memory = AsyncMemory(address(tmp_path / "m.db"), embedder=FakeEmbedder(), extractor=FakeExtractor())
    store = memory._engine.store
    async with memory:
        if isinstance(store, SQLiteStore):
            store._connection = _relaxed(store._connection)
        for number in range(10):
            await memory.remember(
                f"Alice note {number} on the budget", user_id="alice", metadata={"even": number % 2 == 0}
            )
        for first in range(0, 10_000, 8):
            await asyncio.gather(
                *(
                    memory.remember("the exact question", user_id=f"tenant{number}", agent_id=f"agent{number % 7}")
                    for number in range(first, first + 8)
                )
            )
        for k in (1, 5, 10):
            for where, size in (({}, 10), ({"filters": {"even": True}}, 5)):
                answer = await memory.search("the exact question", user_id="alice", top_k=k, threshold=0, **where)
                assert [item["user_id"] for item in answer["results"]] == ["alice"] * min(k, size)
        assert len((await memory.search("the exact question", agent_id="agent3", top_k=50))["results"]) == 50
        assert (await memory.stats())["owners"] == 10_001


def _relaxed(connect):
    """Ten thousand commits that need not survive a power cut."""

    def one():
        connection = connect()
        connection.execute("PRAGMA synchronous = OFF")
        return connection

    return one
