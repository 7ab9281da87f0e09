# begin contract
import pytest

from mnemic.testing.contract import StoreContract
from mnemic.testing.memory_store import InMemoryStore


class TestMyStore(StoreContract):
    examples = 20  # how many random stories each property is tried with

    @pytest.fixture
    def make_store(self):
        return InMemoryStore  # called without arguments, gives a new, empty, unopened store


# end contract
