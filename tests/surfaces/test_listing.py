"""Listing is complete, newest first, and says how much there is."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mnemic import InvalidInput


def walk(memory, limit, **where):
    pages, cursor = [], None
    while True:
        page = memory.get_all(limit=limit, cursor=cursor, **where)
        pages.append(page)
        cursor = page["next_cursor"]
        if cursor is None:
            return pages


@pytest.mark.behaviour("R13")
@settings(max_examples=25, suppress_health_check=list(HealthCheck))
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
    memory.delete(first["next_cursor"])
    second = memory.get_all(user_id="a", limit=100, cursor=first["next_cursor"])
    assert [item["id"] for item in first["results"] + second["results"]] == kept[::-1]


@pytest.mark.behaviour("R13")
def test_a_filtered_listing_counts_what_passes(memory):
    memory.add([{"content": f"Fact {n}", "metadata": {"n": n}} for n in range(20)], user_id="a", infer=False)
    pages = walk(memory, 3, filters={"user_id": "a", "n": {"gte": 5, "lt": 15}})
    assert [item["metadata"]["n"] for page in pages for item in page["results"]] == list(range(14, 4, -1))
    assert {page["total"] for page in pages} == {10}


@pytest.mark.parametrize(
    "cursor", ["", "x", "*", "'", "00000000-0000-0000-0000-000000000000", 5, True, [], "\ud800", "x" * 10**6]
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
