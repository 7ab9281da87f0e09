"""What callers pass becomes values, or is refused. The refusals are in surfaces/test_bad_input.py."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnemic import inputs
from mnemic.errors import InvalidInput, InvalidScope
from mnemic.filters import And, Compare
from mnemic.inputs import UNSET
from mnemic.types import Message, Scope

NOW = datetime(2025, 3, 14, 9, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("given_ids", "scope"),
    [
        ({}, Scope(project="p")),
        ({"user_id": UNSET, "run_id": UNSET}, Scope(project="p")),
        ({"user_id": "alice"}, Scope(project="p", user_id="alice")),
        ({"user_id": " alice "}, Scope(project="p", user_id="alice")),
        ({"user_id": 0}, Scope(project="p", user_id="0")),
        ({"user_id": "alice", "run_id": None, "app_id": " "}, Scope(project="p", user_id="alice")),
        ({"user_id": "x" * 256}, Scope(project="p", user_id="x" * 256)),
    ],
)
def test_ids_become_a_scope(given_ids, scope):
    assert inputs.scope("p", given_ids) == scope


def test_bound_ids_hold_and_are_added_to():
    bound = Scope(project="p", user_id="alice")
    assert inputs.scope("p", {"run_id": "r1"}, bound) == Scope(project="p", user_id="alice", run_id="r1")
    assert inputs.scope("p", {"user_id": "alice"}, bound) == bound
    with pytest.raises(InvalidScope, match="'bob' contradicts the bound"):
        inputs.scope("p", {"user_id": "bob"}, bound)
    with pytest.raises(InvalidScope):
        inputs.scope("p", {"user_id": None}, bound)


@pytest.mark.parametrize(
    ("filters", "ids", "tree"),
    [
        (None, {}, None),
        ({}, {}, None),
        ({"user_id": "a"}, {"user_id": "a"}, None),
        ({"AND": [{"user_id": "a"}, {"run_id": "r"}]}, {"user_id": "a", "run_id": "r"}, None),
        ({"user_id": "a", "k": 1}, {"user_id": "a"}, Compare("metadata", ("k",), "eq", 1)),
        ({"AND": [{"user_id": "a"}, {"k": 1}]}, {"user_id": "a"}, And((Compare("metadata", ("k",), "eq", 1),))),
        ({"user_id": {"in": ["a"]}}, {}, Compare("user_id", (), "in", ("a",))),
        ({"user_id": ["a", "b"]}, {}, Compare("user_id", (), "in", ("a", "b"))),
    ],
)
def test_ids_in_filters_are_taken_out_of_them(filters, ids, tree):
    assert inputs.split_filters(filters) == (ids, tree)


def test_an_id_asked_for_twice_with_two_values_is_refused():
    with pytest.raises(InvalidScope):
        inputs.split_filters({"user_id": "a", "AND": [{"user_id": "b"}]})
    with pytest.raises(InvalidScope, match="pass one"):
        inputs.merge_ids({"user_id": "a"}, {"user_id": "b"})
    assert inputs.merge_ids({"user_id": UNSET, "run_id": "r"}, {"user_id": "b"}) == {"user_id": "b", "run_id": "r"}


def message(content, **fields):
    return Message(**{"role": "user", "content": content, **fields})


@pytest.mark.parametrize(
    ("said", "messages"),
    [
        ("Hi", [message("Hi")]),
        (" Hi\n", [message(" Hi\n")]),
        ({"role": "assistant", "content": "Hi"}, [message("Hi", role="assistant")]),
        ([{"role": "ai", "content": "Hi"}, "Ho"], [message("Hi", role="assistant"), message("Ho")]),
        ({"role": "function", "content": "4"}, [message("4", role="tool")]),
        ({"content": "Hi", "name": " Ann ", "metadata": {"a": 1}}, [message("Hi", name="Ann", metadata={"a": 1})]),
        ({"content": "Hi", "name": "  "}, [message("Hi")]),
        ({"content": "Hi", "at": "2025-03-14T09:30:00Z"}, [message("Hi", at=NOW)]),
        ({"content": "Hi", "timestamp": 1741944600}, [message("Hi", at=NOW)]),
        ({"content": "Hi", "at": None, "timestamp": 1741944600}, [message("Hi", at=NOW)]),
        (
            {"content": ["Look:", {"type": "image_url", "image_url": {}}, {"type": "text", "text": "nice"}]},
            [message("Look:\n[image]\nnice")],
        ),
        ([{"role": "assistant", "content": None, "tool_calls": [1]}, "Hi"], [message("Hi")]),
    ],
)
def test_messages_come_in_many_shapes(said, messages):
    assert inputs.messages(said, None) == messages


def test_the_time_of_the_call_holds_where_a_message_has_none():
    said = inputs.messages(["Hi", {"content": "Ho", "at": 0}], "2025-03-14T09:30:00Z")
    assert [each.at for each in said] == [NOW, datetime(1970, 1, 1, tzinfo=UTC)]


json = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63) + 1, 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text("aé 😀", max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text("aé", min_size=1, max_size=2), inner, max_size=3)
    ),
    max_leaves=10,
)


@given(st.dictionaries(st.text("abc", min_size=1, max_size=2), json, max_size=4))
def test_metadata_that_json_can_carry_is_kept_as_it_is(metadata):
    kept = inputs.metadata(metadata)
    assert kept == metadata
    assert kept is not metadata


def test_dates_and_tuples_in_metadata_become_what_json_has():
    assert inputs.metadata({"a": date(2025, 3, 14), "b": (1, NOW)}) == {
        "a": "2025-03-14",
        "b": [1, "2025-03-14T09:30:00+00:00"],
    }


def test_an_error_about_metadata_names_the_place():
    with pytest.raises(InvalidInput, match=r"metadata\['a'\]\['b'\]"):
        inputs.metadata({"a": {"b": object()}})
    with pytest.raises(InvalidInput, match=r"messages\[1\]\['content'\]"):
        inputs.messages(["ok", {"content": ""}], None)


def test_a_memory_is_shown_to_the_end_of_its_last_day():
    assert inputs.expiry("2025-03-14") == datetime(2025, 3, 15, tzinfo=UTC)
    assert inputs.expiry(None) is None


def test_numbers_have_their_bounds():
    assert (inputs.count(5, "top_k"), inputs.count(10**30, "top_k") > 10**9) == (5, True)
    assert [inputs.share(value, "threshold") for value in (None, 0, 1, 0.5)] == [None, 0.0, 1.0, 0.5]
    assert inputs.record_id(" ABC ") == "abc"
