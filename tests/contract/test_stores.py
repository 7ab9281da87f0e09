"""Every store keeps the contract that `mnemic.testing.contract` ships."""

import itertools

import pytest

from mnemic.stores.postgres import PostgresStore
from mnemic.stores.sqlite import SQLiteStore
from mnemic.testing.contract import StoreContract
from mnemic.testing.memory_store import InMemoryStore


@pytest.mark.behaviour("R3", "R12", "R13", "S3")
class TestSQLiteFile(StoreContract):
    examples = 8

    @pytest.fixture
    def make_store(self, tmp_path):
        numbers = itertools.count()
        return lambda: SQLiteStore(tmp_path / f"{next(numbers)}.db")


@pytest.mark.behaviour("R3", "R12", "R13", "S3")
class TestPostgres(StoreContract):
    examples = 2

    @pytest.fixture
    def make_store(self, migrated_database):
        return lambda: PostgresStore(migrated_database())

    # Hundreds of statements, each to be planned.

    @pytest.mark.slow
    async def test_each_operator_means_the_same_on_each_field(self, make_store):
        await super().test_each_operator_means_the_same_on_each_field(make_store)

    @pytest.mark.slow
    async def test_each_operator_means_the_same_on_each_kind_of_metadata(self, make_store):
        await super().test_each_operator_means_the_same_on_each_kind_of_metadata(make_store)


@pytest.mark.slow
@pytest.mark.behaviour("R12", "R13", "S3")
class TestSQLiteInMemory(StoreContract):
    """The engine of the file without one; the random tests try harder."""

    examples = 60

    @pytest.fixture
    def make_store(self):
        return lambda: SQLiteStore(":memory:")


@pytest.mark.slow
class TestReference(StoreContract):
    """The reference is held to what it is the reference for; the random tests compare every store with it anyway."""

    examples = 10

    @pytest.fixture
    def make_store(self):
        return InMemoryStore
