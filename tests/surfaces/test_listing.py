"""Listing is complete, newest first, and says how much there is."""

import itertools
import json
import sqlite3
import subprocess
import sys
import textwrap
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mnemic import InvalidInput, InvalidScope
from mnemic.testing.fakes import FakeEmbedder

on_sqlite = pytest.mark.parametrize("address", ["sqlite"], indirect=True)
"""For what ends before any store is asked."""


@pytest.fixture
def make(make, address):
    """Memories in each kind of store."""
    return lambda path=":memory:", **arguments: make(address(path), **arguments)


def walk(memory, limit, **where):
    pages, cursor = [], None
    while True:
        page = memory.get_all(limit=limit, cursor=cursor, **where)
        pages.append(page)
        cursor = page["next_cursor"]
        if cursor is None:
            return pages


@pytest.mark.behaviour("R13")
@settings(max_examples=15, suppress_health_check=list(HealthCheck))
@given(st.integers(0, 30), st.integers(1, 12))
def test_every_memory_comes_exactly_once_whatever_the_page(make, many, limit):
    memory = make()
    kept = memory.add([f"Fact {n}" for n in range(many)], user_id="alice", infer=False)["results"] if many else []
    memory.remember("Of somebody else", user_id="bob")
    pages = walk(memory, limit, user_id="alice")
    listed = [item["id"] for page in pages for item in page["results"]]
    assert listed == [item["id"] for item in kept][::-1]
    assert {page["total"] for page in pages} == {many}
    assert [len(page["results"]) for page in pages[:-1]] == [limit] * (len(pages) - 1)
    memory.close()


@pytest.mark.behaviour("R13")
def test_a_listing_that_was_cut_says_so(memory):
    memory.add([f"Fact {n}" for n in range(150)], user_id="alice", infer=False)
    page = memory.get_all(user_id="alice")
    assert (len(page["results"]), page["total"], page["next_cursor"] is None) == (100, 150, False)
    rest = memory.get_all(user_id="alice", cursor=page["next_cursor"])
    assert (len(rest["results"]), rest["total"], rest["next_cursor"]) == (50, 150, None)


@pytest.mark.behaviour("R13")
def test_what_is_added_or_deleted_between_two_pages_disturbs_neither(memory):
    kept = [item["id"] for item in memory.add([f"Fact {n}" for n in range(10)], user_id="a", infer=False)["results"]]
    first = memory.get_all(user_id="a", limit=4)
    memory.remember("A newer one", user_id="a")
    memory.delete(first["results"][-1]["id"])
    second = memory.get_all(user_id="a", limit=100, cursor=first["next_cursor"])
    assert [item["id"] for item in first["results"] + second["results"]] == kept[::-1]


@pytest.mark.behaviour("R13")
def test_a_filtered_listing_counts_what_passes(memory):
    memory.add([{"content": f"Fact {n}", "metadata": {"n": n}} for n in range(20)], user_id="a", infer=False)
    pages = walk(memory, 3, filters={"user_id": "a", "n": {"gte": 5, "lt": 15}})
    assert [item["metadata"]["n"] for page in pages for item in page["results"]] == list(range(14, 4, -1))
    assert {page["total"] for page in pages} == {10}


@on_sqlite
@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "x",
        "*",
        "'",
        "00000000-0000-0000-0000-000000000000",
        "e30",
        "WzFd",
        "W10=",
        5,
        True,
        [],
        "\ud800",
        "x" * 10**6,
    ],
)
def test_a_cursor_that_is_not_ours_is_refused(memory, cursor):
    memory.remember("I ski", user_id="alice")
    with pytest.raises(InvalidInput, match="cursor") as caught:
        memory.get_all(cursor=cursor)
    assert len(str(caught.value)) < 1_000


def test_messages_are_not_listed(make):
    from mnemic import ModelError
    from mnemic.testing.fakes import FakeExtractor

    def fail(_):
        raise ModelError("asleep")

    memory = make(extractor=FakeExtractor(fail))
    memory.add("I ski", user_id="alice")
    assert memory.get_all() == {"results": [], "total": 0, "next_cursor": None}


@pytest.mark.behaviour("R12")
@pytest.mark.parametrize(
    ("bound", "expected"),
    [
        ({"gte": "2025-03-14T18:00:00+08:00"}, ["b", "c"]),
        ({"gt": "2025-03-14T10:00:00Z"}, ["b", "c"]),
        ({"lt": "2025-03-14T12:00:00+02:00"}, ["a"]),
        ({"gte": "2025-03-15"}, ["c"]),
    ],
)
def test_times_in_filters_are_moments_in_any_zone(bound, expected):
    """Of three memories made at 09:59:59, at 10:00:00.5 and a day later, all UTC."""
    from datetime import UTC, datetime, timedelta

    from mnemic.filters import matches, parse

    start = datetime(2025, 3, 14, 9, 59, 59, tzinfo=UTC)
    made = {"a": start, "b": start + timedelta(seconds=1.5), "c": start + timedelta(days=1)}
    for each in (bound, {op: datetime.fromisoformat(at) for op, at in bound.items() if "T" in at} or bound):
        tree = parse({"created_at": each})
        assert [name for name, at in made.items() if matches(tree, {"created_at": at.isoformat()}, {})] == expected


@on_sqlite
@pytest.mark.behaviour("R12")
@pytest.mark.parametrize(
    "bad",
    [
        {"k": {"near": 1}}, {"k": {"$gt": 1}}, {"k": {}}, {"k": {"in": "abc"}}, {"k": {"gt": None}}, {"k": {"gt": True}},
        {"k": {"exists": 1}}, {"k": {"icontains": 5}}, {"AND": {"k": 1}}, {"OR": "k"}, {"NOT": 5}, {"": 1}, {5: 1},
        {"metadata": 5}, {"k": {"eq": [1]}}, {"k": {"eq": {"a": 1}}}, {"k": object()}, {"k": b"x"}, {"AND": [5]}, [], "k=1",
        {"NAND": [{"k": 1}]}, {"k": {"eq": 1, "bogus": 2}},
    ],
)  # fmt: skip
def test_a_filter_that_means_nothing_is_refused(memory, bad):
    memory.remember("I ski", user_id="alice", metadata={"k": 1})
    for call in (lambda: memory.get_all(filters=bad), lambda: memory.search("ski", filters=bad)):
        with pytest.raises(InvalidInput):
            call()


# Orders.

ORDERS = ["newest", "oldest", "said", "updated"]


def seconds(text):
    from datetime import datetime

    return datetime.fromisoformat(text).timestamp()


@pytest.mark.behaviour("R13")
@settings(max_examples=15, suppress_health_check=list(HealthCheck))
@given(
    st.lists(st.sampled_from([None, 1, 2, "2025-03-14T09:00:00+08:00", "2025-03-14T02:00:00Z"]), max_size=12),
    st.integers(1, 5),
)
def test_each_order_lists_every_memory_once_in_that_order(make, said, limit):
    memory = make()
    kept = [memory.remember(f"Fact {n}", user_id="alice", at=at)["results"][0]["id"] for n, at in enumerate(said)]
    for each in kept[::3]:
        memory.update(each, metadata={"seen": True})
    every = {item["id"]: item for item in memory.get_all(user_id="alice")["results"]}
    keys = {
        "newest": lambda each: each, "oldest": lambda each: each,
        "said": lambda each: (seconds(every[each]["said_at"] or every[each]["created_at"]), each),
        "updated": lambda each: (seconds(every[each]["updated_at"]), each),
    }  # fmt: skip
    for order in ORDERS:
        pages = walk(memory, limit, user_id="alice", order=order)
        listed = [item["id"] for page in pages for item in page["results"]]
        assert listed == sorted(kept, key=keys[order], reverse=order != "oldest"), order
        assert {page["total"] for page in pages} == {len(kept)}
    memory.close()


@on_sqlite
@pytest.mark.parametrize("bad", ["", "NEWEST", "created_at", None, 5, [], "id; DROP TABLE memories"])
def test_an_order_that_there_is_not_is_refused_with_those_there_are(memory, bad):
    with pytest.raises(InvalidInput, match="order must be one of newest, oldest, said, updated"):
        memory.get_all(order=bad)


@pytest.mark.behaviour("R13")
def test_a_cursor_is_good_for_the_listing_that_it_came_from_alone(memory):
    memory.add([f"Fact {n}" for n in range(9)], user_id="alice", infer=False)
    asked = {"user_id": "alice", "order": "said", "filters": {"kind": "note"}, "limit": 2}
    first = memory.get_all(**asked)
    cursor = first["next_cursor"]
    assert len(memory.get_all(**asked | {"limit": 5}, cursor=cursor)["results"]) == 5
    with pytest.raises(InvalidInput, match="cursor belongs to a listing with order='said', not 'newest'"):
        memory.get_all(**asked | {"order": "newest"}, cursor=cursor)
    for other in (
        {"user_id": "bob"},
        {"filters": None},
        {"filters": {"kind": "fact"}},
        {"latest_only": False},
        {"show_expired": True},
    ):
        with pytest.raises(InvalidInput, match="cursor belongs to a listing of other ids, filters or options"):
            memory.get_all(**asked | other, cursor=cursor)


WRITER = """
import sys
from mnemic import Memory
from mnemic.testing.fakes import FakeEmbedder, FakeExtractor

with Memory(sys.argv[1], embedder=FakeEmbedder(), extractor=FakeExtractor()) as memory:
    print("ready", flush=True)
    for number, line in enumerate(sys.stdin):
        at = {"said": "2030-01-01", "older": "2020-01-01"}.get(line.strip())
        memory.remember(f"Written meanwhile {number}", user_id="alice", at=at)
        print("written", flush=True)
"""


@pytest.mark.behaviour("R13")
@pytest.mark.parametrize("order", ORDERS)
def test_what_was_there_comes_once_while_another_process_writes(make, address, tmp_path, order):
    memory = make(tmp_path / "m.db")
    kept = {memory.remember(f"Fact {n}", user_id="alice", at=1_700_000_000 + n)["results"][0]["id"] for n in range(12)}
    arguments = [sys.executable, "-c", textwrap.dedent(WRITER), str(address(tmp_path / "m.db"))]
    with subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout.readline() == "ready\n"
        listed, totals, cursor = [], [], None
        for kind in itertools.cycle(["said", "older"]):
            page = memory.get_all(user_id="alice", limit=3, cursor=cursor, order=order)
            listed += [item["id"] for item in page["results"]]
            totals.append(page["total"])
            cursor = page["next_cursor"]
            if cursor is None:
                break
            if len(totals) < 6:  # else the listing in the order of creation would never end
                writer.stdin.write(kind + "\n")
                writer.stdin.flush()
                assert writer.stdout.readline() == "written\n"
        writer.stdin.close()
    assert len(listed) == len(set(listed))
    assert kept <= set(listed)
    assert totals == sorted(totals)
    assert totals[0] == 12 < totals[-1]


# Large listings.


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """Ten thousand memories of one user, and those of some others."""
    from mnemic import Memory
    from mnemic.testing.fakes import FakeExtractor

    path = tmp_path_factory.mktemp("large") / "m.db"
    with Memory(path, embedder=FakeEmbedder(), extractor=FakeExtractor()) as memory:
        for start in range(0, 12_000, 500):
            turns = [{"content": f"Fact {n}", "metadata": {"n": n}} for n in range(start, start + 500)]
            memory.add(turns, user_id="alice" if start < 10_500 else "bob", infer=False)
        yield memory


@pytest.mark.behaviour("R13")
def test_a_page_has_a_largest_size_and_says_that_it_was_cut(large):
    page = large.get_all(limit=1_000_000)
    assert (len(page["results"]), page["total"], page["next_cursor"] is None) == (10_000, 12_000, False)
    rest = large.get_all(limit=1_000_000, cursor=page["next_cursor"])
    assert (len(rest["results"]), rest["next_cursor"]) == (2_000, None)


@pytest.mark.parametrize("scope", [{}, {"user_id": "alice"}, {"agent_id": "a"}, {"app_id": "a"}])
def test_a_page_in_the_order_of_creation_comes_from_an_index(large, scope):
    """Of one scope and of all: the rows of the page are read, and no more are sorted."""
    from mnemic.stores.relational.predicates import memories_sql
    from mnemic.stores.sqlite_db import SQLiteDb
    from mnemic.types import Scope

    db = sqlite3.connect(large._core._engine.store.address)
    whose, values = memories_sql(SQLiteDb(db), Scope(**scope))
    query = f"SELECT id FROM memories WHERE {whose} AND id < ? ORDER BY id DESC LIMIT 101"
    plan = [row[-1] for row in db.execute(f"EXPLAIN QUERY PLAN {query}", [*values, "g"])]
    db.close()
    assert len(plan) == 1
    assert "USING INDEX memories_by_" in plan[0].replace("COVERING ", "")
    assert "id<?" in plan[0]


@pytest.mark.parametrize("order", ORDERS)
def test_a_listing_of_ten_thousand_answers_soon(large, order):
    """Much under a second; the bound leaves room for a busy machine."""
    started = time.process_time()
    page = large.get_all(user_id="alice", order=order)
    large.get_all(user_id="alice", order=order, cursor=page["next_cursor"])
    assert page["total"] == 10_500
    assert time.process_time() - started < 2


@pytest.mark.behaviour("R12")
def test_a_filter_of_ten_thousand_values_answers_soon(large):
    for many, found in (
        ({"n": {"in": list(range(5_000, 15_000))}}, 5_500),
        ({"n": {"nin": list(range(10_000))}}, 500),
        ({"id": {"in": ["x"] * 10_000}}, 0),
        ({"categories": {"nin": [f"c{n}" for n in range(10_000)]}}, 10_500),
        ({"entity": {"in": [f"Person {n}" for n in range(10_000)]}}, 0),
    ):
        started = time.process_time()
        assert large.get_all(user_id="alice", filters=many, limit=1)["total"] == found
        large.search("fact", user_id="alice", filters=many, threshold=0)
        assert time.process_time() - started < 5, many


# Fields, as users name them.


@pytest.fixture
def told(make):
    """Memories by rules, with dates, people and places."""
    from mnemic.extractors.rules import RuleExtractor

    memory = make(extractor=RuleExtractor())
    memory.add(
        "My sister Dana works at Siemens.", user_id="alice", at="2025-03-14T23:30:00+08:00", categories=["Family"]
    )
    memory.add("I live in Taipei.", user_id="alice", at="2025-04-02", expiration_date="2030-01-01")
    return memory


def texts(page):
    return sorted(item["memory"] for item in page["results"])


@pytest.mark.behaviour("R12")
def test_memories_are_listed_by_day_entity_source_slot_category_and_pin(told):
    every = {item["memory"]: item for item in told.get_all(user_id="alice")["results"]}
    home = next(item for text, item in every.items() if "Taipei" in text)
    others = sorted(every.keys() - {home["memory"]})
    told.pin(home["id"])
    for filters, expected in (
        ({"said_at": {"gte": "2025-04-01", "lte": "2025-04-02"}}, [home["memory"]]),
        ({"said_at": "2025-03-14"}, others),
        ({"created_at": {"lte": "2024-12-31"}}, []),
        ({"entity": "dana"}, others),
        ({"entity": "Nobody"}, []),
        ({"episode_id": home["sources"][0]["episode_id"]}, [home["memory"]]),
        ({"slot": "user:home"}, [home["memory"]]),
        ({"categories": {"contains": "family"}}, others),
        ({"categories": {"in": ["FAMILY", "work"]}}, others),
        ({"categories": None}, [home["memory"]]),
        ({"pinned": True}, [home["memory"]]),
        ({"expiration_date": "2030-01-01"}, [home["memory"]]),
        ({"expiration_date": {"gt": "2030-01-01"}}, []),
        ({"keywords": {"contains": "TAIPEI"}}, [home["memory"]]),
        ({"memory_ids": [home["id"]]}, [home["memory"]]),
        ({"version": {"gte": 1}, "confidence": {"gt": 0}}, sorted(every)),
        ({"object": "Taipei"}, [home["memory"]]),
    ):
        assert texts(told.get_all(user_id="alice", filters=filters)) == expected, filters
        found = told.search("where does she live and work", user_id="alice", filters=filters, threshold=0)
        assert {text for text in texts(found) if text in every} == set(expected), filters


# Ids inside filters.

WIDER = [
    {"OR": [{"user_id": "alice"}, {"user_id": "bob"}]},
    {"OR": [{"user_id": "alice"}, {"kind": "note"}]},
    {"NOT": {"user_id": "alice"}},
    {"NOT": [{"user_id": "nobody"}]},
    {"NOT": {"NOT": {"user_id": "bob"}}},
    {"user_id": {"exists": True}},
    {"user_id": {"ne": "alice"}},
    {"user_id": {"in": ["alice", "bob"]}},
    {"userId": ["alice", "bob"]},
    {"AND": [{"OR": [{"userId": "bob"}, {"text": "*"}]}]},
    {"$or": [{"$and": [{"user_id": "bob"}]}]},
    {"metadata": {"user_id": {"ne": "x"}}},
]


@pytest.mark.behaviour("R12", "S3")
@pytest.mark.parametrize("filters", WIDER)
def test_ids_inside_or_and_not_narrow_a_scope_and_never_widen_it(memory, filters):
    for user in ("alice", "bob"):
        memory.add(f"Note of {user}", user_id=user, infer=False)
    everything = texts(memory.get_all(filters=filters))
    for user in ("alice", "bob"):
        own = [f"Note of {user}"]
        for view, given_ids in ((memory, {"user_id": user}), (memory.scope(user_id=user), {})):
            expected = [text for text in everything if text in own]
            assert texts(view.get_all(**given_ids, filters=filters)) == expected
            assert texts(view.search("note", **given_ids, filters=filters, threshold=0)) == expected
        assert texts(memory.get_all(filters={"AND": [{"user_id": user}, filters]})) == expected


@pytest.mark.parametrize(
    "filters",
    [
        {"userId": "alice"}, {"user_id": {"eq": "alice"}}, {"AND": [{"userId": "alice"}]}, {"$and": [{"user_id": "alice"}]},
        {"AND": [{"AND": [{"user_id": "alice"}]}, {"kind": "note"}]}, {"userId": "alice", "AND": [{"user_id": "alice"}]},
    ],
)  # fmt: skip
def test_an_id_that_a_filter_demands_is_the_scope_however_it_is_spelt(memory, filters):
    """So that the ids bound by `scope` refuse another one, and a run has what was said in it again."""
    memory.add("Note", user_id="alice", infer=False)
    assert texts(memory.get_all(filters=filters)) == ["Note"]
    with pytest.raises(InvalidScope, match="contradicts"):
        memory.scope(user_id="bob").get_all(filters=filters)
    with pytest.raises(InvalidScope):
        memory.get_all(user_id="bob", filters=filters)


def test_the_command_lists_in_an_order_and_by_a_filter(address, tmp_path, monkeypatch):
    from typer.testing import CliRunner

    from mnemic.cli.main import app

    def said(*arguments):
        ran = CliRunner().invoke(app, ["--store", str(address(tmp_path / "m.db")), "--json", *arguments])
        assert ran.exit_code == 0, ran.output
        return json.loads(ran.stdout)

    said("remember", "First", "-u", "alice", "--at", "2025-03-14", "--category", "a")
    said("remember", "Second", "-u", "alice", "--at", "2025-03-13")
    page = said("list", "-u", "alice", "--order", "said", "--limit", "1")
    assert (texts(page), page["total"]) == (["First"], 2)
    assert texts(said("list", "-u", "alice", "--order", "said", "--limit", "1", "--cursor", page["next_cursor"])) == [
        "Second"
    ]
    assert texts(said("list", "-u", "alice", "--filter", '{"categories": {"contains": "A"}}')) == ["First"]
