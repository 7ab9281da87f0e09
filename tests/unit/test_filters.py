"""The filter grammar: what is said, what it means, and what means nothing."""

from datetime import UTC, date, datetime

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
    ],
)
def test_what_is_said_becomes_a_tree(said, tree):
    assert parse(said) == tree


@pytest.mark.parametrize("name", [name for name in FIELDS if not name.endswith("_at")])
def test_a_field_of_the_record_is_named_bare_and_metadata_of_that_name_with_its_prefix(name):
    assert parse({name: "x"}) == Compare(name, (), "eq", "x")
    assert parse({f"metadata.{name}": "x"}) == key(name, "eq", "x")


@pytest.mark.parametrize("op", ["GT", "eq ", "$eq", "like", "regex", "", "not_in", 5, None])
def test_an_unknown_operator_is_refused_with_the_ones_there_are(op):
    with pytest.raises(InvalidFilter, match="operators: eq, ne, gt"):
        parse({"k": {op: 1}})


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
    from datetime import timedelta, timezone

    at = datetime(2025, 3, 14, 18, tzinfo=timezone(timedelta(hours=8)))
    stored = datetime(2025, 3, 14, 10, tzinfo=UTC).isoformat()
    assert matches(parse({"created_at": at}), {"created_at": stored}, {})
    assert matches(parse({"created_at": {"gte": at, "lte": at}}), {"created_at": stored}, {})
