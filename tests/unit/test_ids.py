"""Ids sort by time, carry their partition, and never repeat."""

import threading
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnemic.ids import PARTITIONS, new_id, partition_for, partition_of


@given(st.integers(0, PARTITIONS - 1))
def test_an_id_is_a_uuid_of_version_8_that_carries_its_partition(partition):
    made = uuid.UUID(new_id(partition))
    assert (made.version, made.variant) == (8, uuid.RFC_4122)
    assert partition_of(str(made)) == partition


def test_ids_of_one_process_sort_in_the_order_they_were_made():
    of_one = [new_id(7) for _ in range(50_000)]
    assert of_one == sorted(of_one)
    assert len(set(of_one)) == 50_000


def test_ids_made_by_many_threads_never_repeat():
    made = []
    threads = [threading.Thread(target=lambda: made.extend([new_id(1) for _ in range(5_000)])) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(made)) == 40_000


def test_ids_keep_their_order_when_the_clock_goes_back(monkeypatch):
    import mnemic.ids

    before = new_id(1)
    monkeypatch.setattr(mnemic.ids.time, "time_ns", lambda: 1_000_000)
    after = [new_id(1) for _ in range(40_000)]
    assert all(before < each for each in after)
    assert after == sorted(after)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "*",
        "\ud800",
        "a\x00",
        str(uuid.UUID(int=0)),
        "7f3c2a52-58c5-4d61-9f7c-0d6b2b3f5a11",
        "{" + str(uuid.UUID(int=0)) + "}",
        "x" * 10**6,
    ],
)
def test_what_is_no_id_of_ours_has_no_partition(text):
    assert partition_of(text) is None


@given(st.text())
def test_partition_of_takes_any_text(text):
    assert partition_of(text) is None or str(uuid.UUID(text)) == text


def test_only_the_plain_form_of_an_id_is_one():
    made = new_id(5)
    for other in (made.upper(), made.replace("-", ""), "{" + made + "}", "urn:uuid:" + made, f" {made}"):
        assert partition_of(other) is None or other == made


def test_owners_are_spread_evenly_over_partitions():
    counts = [0] * PARTITIONS
    for number in range(200_000):
        counts[partition_for("default", "user_id", f"user{number}")] += 1
    assert 20 < min(counts) <= max(counts) < 90  # 49 expected; six standard deviations


def test_the_parts_of_an_owner_do_not_run_into_each_other():
    assert (
        len({partition_for(*each) for each in (("a", "b", "c"), ("ab", "", "c"), ("a", "bc", ""), ("", "ab", "c"))}) > 1
    )


def test_partitions_never_change():
    """Rows are stored under them: another answer would lose every store there is."""
    asked = [("default", "user_id", "alice"), ("default", "run_id", "r1"), ("專案", "user_id", "王小明")]
    assert [partition_for(*each) for each in asked] == [3877, 2580, 1320]
