"""The filter grammar: what is said, what it means, and what means nothing."""

import re
from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from mnemic.errors import InvalidFilter
from mnemic.filters import FIELDS, OPERATORS, And, Compare, Not, Or, matches, parse


def key(name, op, value):
    return Compare("metadata", (name,), op, value)


@pytest.mark.parametrize(
    ("said", "tree"),
    [
        ({}, And(())),
        ({"k": 1}, key("k", "eq", 1)),
        ({"k": None}, key("k", "eq", None)),
        ({"k": [1, "a"]}, key("k", "in", (1, "a"))),
        ({"k": "*"}, key("k", "exists", True)),
        ({"k": {"gte": 1, "lt": 5}}, And((key("k", "gte", 1), key("k", "lt", 5)))),
        ({"a": 1, "b": 2}, And((key("a", "eq", 1), key("b", "eq", 2)))),
        ({"AND": [{"a": 1}, {"b": 2}]}, And((key("a", "eq", 1), key("b", "eq", 2)))),
        ({"$or": [{"a": 1}]}, Or((key("a", "eq", 1),))),
        ({"NOT": {"a": 1}}, Not(key("a", "eq", 1))),
        ({"NOT": [{"a": 1}, {"b": 2}]}, Not(Or((key("a", "eq", 1), key("b", "eq", 2))))),
        ({"metadata.a.b": 1}, Compare("metadata", ("a", "b"), "eq", 1)),
        ({"metadata": {"a": 1, "b": {"gt": 2}}}, And((key("a", "eq", 1), key("b", "gt", 2)))),
        ({"a.b": 1}, Compare("metadata", ("a.b",), "eq", 1)),
        ({"memory": "x"}, Compare("text", (), "eq", "x")),
        ({"session_id": "r1"}, Compare("run_id", (), "eq", "r1")),
        ({"memory_ids": ["a"]}, Compare("id", (), "in", ("a",))),
        ({"k": date(2025, 3, 14)}, key("k", "eq", "2025-03-14")),
        ({"k": {"in": []}}, key("k", "in", ())),
        ({"userId": " a "}, Compare("user_id", (), "eq", "a")),
        ({"user_id": {"in": [7, "b"]}}, Compare("user_id", (), "in", ("7", "b"))),
        ({"categories": "Food"}, Compare("categories", (), "in", ("food",))),
        ({"categories": {"contains": "Food"}}, Compare("categories", (), "in", ("food",))),
        ({"categories": ["a", "B"]}, Compare("categories", (), "in", ("a", "b"))),
        ({"categories": {"nin": ["a"]}}, Not(Compare("categories", (), "in", ("a",)))),
        ({"categories": None}, Compare("categories", (), "exists", False)),
        ({"entity": "My Wife"}, Compare("entity", (), "in", ("@wife",))),
        ({"keywords": {"contains": "Tea"}}, Compare("text", (), "icontains", "Tea")),
        ({"expiration_date": {"lte": date(2025, 3, 14)}}, Compare("expiration_date", (), "lte", "2025-03-14")),
        ({"said_at": 0}, Compare("said_at", (), "eq", "1970-01-01T00:00:00+00:00")),
        (
            {"pinned": True, "rating": {"lt": 0}},
            And((Compare("pinned", (), "eq", True), Compare("rating", (), "lt", 0))),
        ),
    ],
)
def test_what_is_said_becomes_a_tree(said, tree):
    assert parse(said) == tree


@pytest.mark.parametrize("name", FIELDS)
def test_a_field_of_the_record_is_named_bare_and_metadata_of_that_name_with_its_prefix(name):
    assert parse({name: "*"}) == Compare(name, (), "exists", True)
    assert parse({f"metadata.{name}": "x"}) == parse({"metadata": {name: "x"}}) == key(name, "eq", "x")


def test_every_field_of_a_result_is_a_field_of_filters():
    from mnemic.types import MemoryItem

    computed = {"score", "score_details", "sources", "metadata"}
    assert MemoryItem.__annotations__.keys() - computed - {"memory"} <= FIELDS.keys()


@pytest.mark.parametrize("op", ["GT", "eq ", "$eq", "like", "regex", "", "not_in", 5, None])
def test_an_unknown_operator_is_refused_with_the_ones_there_are(op):
    with pytest.raises(InvalidFilter, match="operators: eq, ne, gt"):
        parse({"k": {op: 1}})


@pytest.mark.parametrize(
    ("bad", "told"),
    [
        ({"said_at": "soon"}, "said_at must be an ISO 8601"),
        ({"said_at": {"contains": "2025"}}, "operators: eq, ne, gt, gte, lt, lte, in, nin, exists"),
        ({"valid_from": {"gt": None}}, "takes a time"),
        ({"expiration_date": "soon"}, "expiration_date"),
        ({"created_at": "2025-02-30"}, "2025-02-30"),
        ({"confidence": {"gte": "0.5"}}, "'confidence' is a number, not '0.5'"),
        ({"rating": True}, "'rating' is a number"),
        ({"version": {"in": [1, "2"]}}, "'version' is a number"),
        ({"pinned": "yes"}, "'pinned' is true or false"),
        ({"pinned": {"gt": False}}, "takes no 'gt'; operators: eq, ne, in, nin, exists"),
        ({"categories": {"gt": "a"}}, "takes no 'gt'; operators: eq, ne, in, nin, contains, icontains, exists"),
        ({"categories": 5}, "compared with strings"),
        ({"entity": {"icontains": "D"}}, "takes no 'icontains'"),
        ({"episode_id": {"in": "abc"}}, "takes a list"),
        ({"keywords": {"gt": "a"}}, "strings to look for"),
        ({"metadata.": 1}, "non-empty"),
        ({"metadata.a..b": 1}, "non-empty"),
        ({"metadata": {"": 1}}, "non-empty"),
        ({'a"b': 1}, "quotes"),
        ({"OR": [{"k": n} for n in range(501)]}, "at most 500 conditions"),
        ({"said_at": {"in": ["2025-03-14"] * 300}}, "a day that a time is compared with is two"),
    ],
)
def test_what_a_key_cannot_be_compared_with_is_refused_with_what_it_can(bad, told):
    with pytest.raises(InvalidFilter, match=re.escape(told)):
        parse(bad)


DAY = date(2025, 3, 14)
MIDNIGHT = datetime(2025, 3, 14, tzinfo=UTC)
MOMENTS = {
    "before": MIDNIGHT - timedelta(microseconds=1),
    "first": MIDNIGHT,
    "east": datetime(2025, 3, 14, 7, 59, tzinfo=timezone(timedelta(hours=8))),
    "last": MIDNIGHT + timedelta(days=1, microseconds=-1),
    "next": MIDNIGHT + timedelta(days=1),
}


@pytest.mark.behaviour("R12")
@pytest.mark.parametrize("day", ["2025-03-14", DAY])
@pytest.mark.parametrize(
    ("op", "holds"),
    [
        ("eq", ["first", "last"]), ("ne", ["before", "east", "next"]), ("in", ["first", "last"]), ("nin", ["before", "east", "next"]),
        ("gte", ["first", "last", "next"]), ("gt", ["next"]), ("lte", ["before", "first", "east", "last"]), ("lt", ["before", "east"]),
    ],
)  # fmt: skip
def test_a_day_compared_with_a_time_is_all_of_that_day_in_utc(op, holds, day):
    tree = parse({"said_at": {op: [day] if op in ("in", "nin") else day}})
    stored = {name: at.astimezone(UTC).isoformat() for name, at in MOMENTS.items()}
    assert [name for name, at in stored.items() if matches(tree, {"said_at": at}, {})] == holds


def test_the_last_day_there_is_has_an_end():
    assert matches(parse({"said_at": {"lte": "9999-12-31"}}), {"said_at": "9999-12-31T23:00:00+00:00"}, {})


@pytest.mark.parametrize("levels", [21, 1_000, 50_000])
@pytest.mark.parametrize("wrap", ["AND", "NOT"])
def test_nesting_has_an_end(levels, wrap):
    tree = {"k": 1}
    for _ in range(levels):
        tree = {wrap: [tree]}
    with pytest.raises(InvalidFilter, match="20 levels"):
        parse(tree)


ONE = {"k": 1, "s": "Abc", "t": True, "n": None, "l": [1, "a", None, True], "d": {"x": {"y": 2}}}


@pytest.mark.parametrize(
    ("said", "holds"),
    [
        ({"k": 1}, True), ({"k": 1.0}, True), ({"k": True}, False), ({"t": 1}, False), ({"t": True}, True), ({"k": "1"}, False),
        ({"missing": None}, True), ({"n": None}, True), ({"n": {"exists": True}}, False), ({"k": {"exists": True}}, True),
        ({"missing": {"ne": 1}}, True), ({"missing": {"nin": [1]}}, True), ({"missing": {"lt": 1}}, False), ({"missing": {"in": [None]}}, True),
        ({"s": {"gt": "Abb"}}, True), ({"s": {"gt": 1}}, False), ({"k": {"gt": "0"}}, False), ({"k": {"gte": 1, "lte": 1}}, True),
        ({"s": {"contains": "b"}}, True), ({"s": {"contains": "B"}}, False), ({"s": {"icontains": "BC"}}, True), ({"s": {"contains": ""}}, True),
        ({"l": {"contains": 1}}, True), ({"l": {"contains": True}}, True), ({"l": {"contains": None}}, True), ({"l": {"contains": "A"}}, False),
        ({"l": 1}, False), ({"l": {"ne": 1}}, True), ({"d": {"exists": True}}, True), ({"metadata.d.x.y": 2}, True), ({"metadata.d.x": 2}, False),
        ({"metadata.s.x": None}, True), ({"OR": []}, False), ({"AND": []}, True), ({"NOT": []}, True), ({"k": {"in": []}}, False),
        ({"NOT": {"missing": {"gt": 1}}}, True), ({"kind": "fact"}, True), ({"kind": {"ne": "note"}}, True), ({"actor_id": None}, True),
    ],
)  # fmt: skip
def test_what_a_condition_means(said, holds):
    assert matches(parse(said), {"kind": "fact"}, ONE) is holds


def test_every_operator_is_named_in_the_module_text():
    import mnemic.filters

    assert all(f" {op}" in mnemic.filters.__doc__ for op in OPERATORS)


def test_a_time_with_a_zone_is_compared_as_a_moment():
    at = datetime(2025, 3, 14, 18, tzinfo=timezone(timedelta(hours=8)))
    stored = datetime(2025, 3, 14, 10, tzinfo=UTC).isoformat()
    assert matches(parse({"created_at": at}), {"created_at": stored}, {})
    assert matches(parse({"created_at": {"gte": at, "lte": at}}), {"created_at": stored}, {})
