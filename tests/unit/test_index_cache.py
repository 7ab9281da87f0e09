"""The index kept between searches stays within its size."""

import numpy as np

from mnemic.stores import blocks as pack
from mnemic.stores.relational import cache
from mnemic.stores.relational.vectors import codes_of


def an_index():
    return cache.index_of(pack.flatten(()), codes={})


def codes():
    kind = pack.code_type(384)
    return codes_of([(0, np.zeros(100, kind).tobytes())], 384)


def test_a_copy_is_given_at_its_count_of_changes_alone():
    kept, index = cache.Cache(), an_index()
    kept.put(1, 7, index)
    assert kept.get(1, 7) is index
    assert (kept.get(1, 8), kept.get(2, 7)) == (None, None)


def test_codes_that_come_after_a_copy_was_kept_count_as_well(monkeypatch):
    monkeypatch.setattr(cache, "_CAPACITY", 50_000)  # room for one user's codes
    kept, first, second = cache.Cache(), an_index(), an_index()
    kept.put(1, 7, first)
    kept.put(2, 7, second)
    first.codes[1] = codes()
    assert kept.get(1, 7) is first
    assert kept.get(2, 7) is second
    second.codes[1] = codes()
    assert kept.get(2, 7) is second
    assert kept.get(1, 7) is None
