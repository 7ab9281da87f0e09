"""The contract of a store, as tests that its author runs.

A new store passes it by subclassing `StoreContract` and saying how to make one:

    class TestMyStore(StoreContract):
        @pytest.fixture
        def make_store(self, tmp_path):
            numbers = itertools.count()
            return lambda: MyStore(tmp_path / f"{next(numbers)}.db")

Needs pytest, pytest-asyncio and hypothesis. Every call of what `make_store` returns gives a new store,
empty and not yet opened. Semantics are those of `protocols.Store`; answers are compared with those of
`memory_store.InMemoryStore`, those to filters with an oracle of their own. The parts of the contract are in the files
`contract_*`; what their tests are made of, in `contract_values`, is there for tests of one's own, too.
"""

from __future__ import annotations

from mnemic.testing.contract_arms import ArmsContract
from mnemic.testing.contract_changes import ChangesContract
from mnemic.testing.contract_deciding import DecidingContract
from mnemic.testing.contract_entities import EntitiesContract
from mnemic.testing.contract_filters import FiltersContract
from mnemic.testing.contract_moving import MovingContract
from mnemic.testing.contract_past import PastContract
from mnemic.testing.contract_queue import QueueContract
from mnemic.testing.contract_records import RecordsContract
from mnemic.testing.contract_scopes import ScopesContract
from mnemic.testing.contract_story import StoryContract
from mnemic.testing.contract_told import ToldContract
from mnemic.testing.contract_values import (
    ALICE,
    BOB,
    EVERYBODY,
    LATER,
    SPACE,
    STATES,
    T0,
    MakeStore,
    adding,
    asking,
    changing,
    cited,
    entity,
    event,
    found_by,
    hits,
    keeping,
    known,
    listed,
    neighbour_of,
    opened,
    picture,
    proving,
    restoring,
    retiring,
    said,
    stored,
    tombstone,
    turn,
    updating,
    vectors,
    verbatim,
    where,
)

__all__ = [
    "ALICE", "BOB", "EVERYBODY", "LATER", "SPACE", "STATES", "T0", "MakeStore", "StoreContract", "adding", "asking",
    "changing", "cited", "entity", "event", "found_by", "hits", "keeping", "known", "listed", "neighbour_of", "opened", "picture",
    "proving", "restoring", "retiring", "said", "stored", "tombstone", "turn", "updating", "vectors", "verbatim",
    "where",
]  # fmt: skip


class StoreContract(
    RecordsContract,
    ArmsContract,
    DecidingContract,
    ChangesContract,
    QueueContract,
    EntitiesContract,
    ScopesContract,
    FiltersContract,
    PastContract,
    StoryContract,
    MovingContract,
    ToldContract,
):
    """What every store promises. Override `make_store`; `examples` sets how hard the random tests try."""
