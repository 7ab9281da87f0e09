"""One transaction in a relational database, and the little that its statements do not share with another's.

Values of a statement are marked `?` in their order, or all of them `?1`, `?2`. Tables are the same in every database,
but that PostgreSQL's all have a column `partition` first in their keys, so that they can be spread over machines;
which of them a number lies in follows from the number (see `partition_at`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from mnemic.stores.blocks import BLOCK_BITS, SEQUENCE_BITS

Predicate = tuple[str, list[Any]]

OWNER_BITS = 27
SHIFTS: Mapping[str, int] = {
    "number": OWNER_BITS,
    "owner": OWNER_BITS,
    "entry": OWNER_BITS + SEQUENCE_BITS,
    "block": OWNER_BITS + SEQUENCE_BITS - BLOCK_BITS,
}
"""By column, how far the partition lies to the left in its numbers."""


def partition_at(column: str, number: int) -> int:
    """The partition of a place: of an owner's number, an entry or a block."""
    return number >> SHIFTS[column]


class Rows(Protocol):
    """What a statement answered."""

    @property
    def rowcount(self) -> int:
        """How many rows it changed."""

    def fetchone(self) -> Any:
        """The next row as a tuple, or None."""

    def fetchall(self) -> list[Any]:
        """The rows that are left."""

    def __iter__(self) -> Iterator[Any]: ...


@dataclass(frozen=True, kw_only=True)
class Insert:
    """Rows to be added to a table."""

    table: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]
    key: str | None = None
    """A column: what has the same there is replaced."""
    kept: bool = False
    """What is there stays, and such rows are left out."""


class Taken(Exception):
    """A key that must be unique is there already."""


class Db(Protocol):
    """An open transaction."""

    IN: str
    """`column {IN}`: among the values of one list, given as `listed`."""
    KEYS: str
    """A table with the columns `partition` and `id`, given as `predicates.keys_json`."""
    RANGES: str
    """A table with the columns `partition`, `first` and `last`, given as JSON lists of the three."""
    THEN: str
    """A join in the order it is written, where the planner can be told so."""
    PARTITION: str
    """The column, where its index would be the wrong one to use."""
    OWNED_BY: str
    """Which row of `owners` is an owner's; takes `predicates.owner_key`."""
    OWNER: str
    """The number of an owner; takes `predicates.owner_key`. Null, hence no row, where there is none."""
    TEXT_AT: str
    NUMBER_AT: str
    """The text or the number at a path, its one value, of the column `metadata`; `json_type` says which it is."""
    ITEMS_AT: str
    """A table, to be called `item`, of the items of the list there, with `type` and what the next two name."""
    ITEM_TEXT: str
    ITEM_NUMBER: str
    FOR_UPDATE: str
    """Ends a selection whose rows others shall not change before this transaction ends."""
    SKIP_LOCKED: str
    """The same, without those that others have locked in this way."""

    def execute(self, sql: str, values: Sequence[Any] = ()) -> Rows:
        """Run one statement.

        Raises:
            Taken: it would double a key.
        """

    def executemany(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        """Run a statement for each row of values. Raises as `execute`."""

    def insert(
        self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]], *, key: str | None = None
    ) -> None:
        """Add rows; with `key`, a column, in the place of those that have the same there. Raises as `execute`."""

    def write(
        self, inserts: Sequence[Insert], updates: Sequence[Predicate] = (), beside: Predicate | None = None
    ) -> Sequence[Any]:
        """Several statements of which none sees what another does, at once. Raises as `execute`.

        Args:
            inserts: of tables.
            updates: statements with their values.
            beside: a selection, whose rows are the answer.
        """

    def listed(self, values: Iterable[Any]) -> Any:
        """The one value that IN takes."""

    def number(self, value: float) -> Any:
        """A number to compare with a `numeric` one, exactly."""

    def items(self, column: str) -> str:
        """A table `item` of one column, `value`, of the texts in a JSON list."""

    def at(self, column: str, numbers: Sequence[int]) -> Predicate:
        """Rows whose `column`, one of SHIFTS, is one of these numbers."""

    def looked_up(self, table: str, columns: str, entries: Sequence[int], condition: str = "true") -> Predicate:
        """A selection of rows by their entries, each found by its key whatever values it is planned for."""

    def between(self, column: str, first: int, last: int) -> Predicate:
        """Rows whose `column`, one of SHIFTS, is from `first` to `last`, which are of one owner."""

    def behind(self, table: str, column: str, number: int) -> Predicate:
        """Rows of a table, by its name in the statement, whose `column`, one of SHIFTS, is larger than `number`."""

    def in_place(self, table: str, column: str) -> str:
        """What orders rows of a table by `column`, one of SHIFTS, and is one index from `behind` on."""

    def of_owner(self, table: str, key: Sequence[Any]) -> Predicate:
        """Rows of a table, by its name in the statement, that an owner has; takes `predicates.owner_key`."""

    def lies(self, table: str, partition: str) -> str:
        """A condition that rows of a table, by its name in the statement, lie in a partition.

        True where it says nothing that a number does not say already.
        """

    def conversation(self, names: Sequence[str | None]) -> str:
        """What the column `conversation` holds for an agent, an app and a run."""

    def by(self, index: str) -> str:
        """Stands behind a table that must be read by one of its indexes."""

    def lock_owners(self, matching: str, values: Sequence[Any]) -> None:
        """Make other writers of the owners whose numbers a query selects wait until this transaction ends."""

    def lock_partition(self, partition: int) -> None:
        """Make others who add an owner to a partition wait until this transaction ends."""

    def last_owner(self, partition: int) -> int | None:
        """The highest number of the owners in a partition, of whatever project they are."""

    def lock_spaces(self) -> None:
        """Wait until no other transaction writes, and make those to come wait until this one ends."""

    def columns(self, table: str) -> list[str]:
        """Names of a table's columns."""

    def make_space(self, number: int, dimensions: int) -> None:
        """Make the tables of an embedding space."""

    def drop_space(self, number: int) -> None:
        """Drop them."""

    def damages(self) -> list[str]:
        """What the database itself finds broken."""


def last_owner(db: Db, partition: int) -> int | None:
    """The highest number of the owners in a partition that can be seen."""
    first = partition << OWNER_BITS
    which, values = db.between("number", first, first + (1 << OWNER_BITS) - 1)
    (last,) = db.execute(f"SELECT max(number) FROM owners WHERE {which}", values).fetchone()
    return None if last is None else int(last)
