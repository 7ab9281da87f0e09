"""The seams: what the core asks of an embedder, an extractor, a language model and a store.

Each has a fake and a contract in `mnemic.testing`. A new backend is one file and one line in the
registry.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Literal, Protocol, TypeVar, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from mnemic.filters import Filter
from mnemic.types import (
    SEARCHABLE_STATES,
    Episode,
    EpisodeState,
    Extraction,
    ExtractionRequest,
    HistoryEvent,
    Memory,
    Scope,
    Source,
    Usage,
)
from mnemic.types import Record as Record  # noqa: PLC0414 - what a store loads

if TYPE_CHECKING:
    from pydantic import BaseModel  # slow to import, and needed only where a model is used

Vectors = NDArray[np.float32]
"""Unit vectors, shape (n, dimensions)."""

Answer = TypeVar("Answer", bound="BaseModel")


@runtime_checkable
class Embedder(Protocol):
    """Turns text into unit vectors."""

    @property
    def name(self) -> str:
        """Names the embedding space; vectors of two names never mix."""

    @property
    def max_chars(self) -> int:
        """Longest text `embed` takes in one piece. The core splits longer ones into windows."""

    async def embed(self, texts: Sequence[str], *, role: Literal["query", "passage"]) -> Vectors:
        """Vectors of shape (len(texts), dimensions), unit length, in the order given.

        Raises:
            ModelError: a remote embedder could not be reached or refused.
        """

    async def close(self) -> None:
        """Free what was opened."""


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """What is known of an embedding space before a store has anything in it.

    A centred similarity s becomes the relevance 1 / (1 + exp(-(s - midpoint) / scale)); hits below
    `floor` (in relevance) are not shown. `means` are typical passages' mean vectors by script side.
    """

    midpoint: float = 0.35
    scale: float = 0.08
    floor: float = 0.25
    means: Mapping[str, Vectors] = field(default_factory=dict)


@runtime_checkable
class Extractor(Protocol):
    """Finds what is worth remembering in a few turns."""

    @property
    def name(self) -> str:
        """Recorded with every memory it makes, e.g. `rules@1` or `openai:gpt-5-mini#extract@1`."""

    async def extract(self, request: ExtractionRequest) -> Extraction:
        """Facts and refusals for `request.turns`.

        Raises:
            ModelError: the model failed or answered badly; the episodes stay pending.
        """


@runtime_checkable
class LLM(Protocol):
    """A chat model that answers in a given shape."""

    @property
    def name(self) -> str:
        """`provider:model`."""

    async def answer(self, system: str, user: str, shape: type[Answer]) -> tuple[Answer, Usage]:
        """One structured answer.

        Raises:
            ModelError: the model could not be reached, or its answer does not fit `shape`.
        """


# What a store is asked to write.


@dataclass(frozen=True, kw_only=True)
class Space:
    """The embedding space a store's vectors live in."""

    name: str
    dimensions: int


@dataclass(frozen=True, kw_only=True)
class NewEpisode:
    """An episode, its vectors (one a window, shape (w, dimensions)) and where it stands."""

    episode: Episode
    vectors: Vectors | None
    """None when a memory of the same write carries the same text: the two share one entry."""
    follows: str | None = None
    """Id of the turn before it in the same conversation."""


@dataclass(frozen=True, kw_only=True)
class NewMemory:
    """A version of a memory, made current. A former version of the same id is closed.

    `vectors` has shape (w, dimensions). `episode_id` names the episode that holds exactly this text
    (`infer=False`): the memory then shares the episode's place in the index.
    """

    memory: Memory
    vectors: Vectors | None
    replaces: int | None = None
    """The version this one was decided on; None for a new id."""
    episode_id: str | None = None
    once: str | None = None
    """A key that at most one current memory of the owner may have; a second one is a Conflict."""


@dataclass(frozen=True, kw_only=True)
class Proof:
    """One more source for an existing memory."""

    memory_id: str
    version: int
    source: Source


@dataclass(frozen=True, kw_only=True)
class Retire:
    """Take a memory out of the current view."""

    memory_id: str
    version: int
    reason: str
    hide_sources: bool = True


@dataclass(frozen=True, kw_only=True)
class SetState:
    """Move an episode to another state, counting the attempt when `attempts` is given."""

    episode_id: str
    state: EpisodeState
    reason: str | None = None
    attempts: int | None = None


@dataclass(frozen=True, kw_only=True)
class Write:
    """Everything one decision changes. All of it is committed, or none. One owner at a time."""

    scope: Scope
    at: datetime
    episodes: tuple[NewEpisode, ...] = ()
    memories: tuple[NewMemory, ...] = ()
    proofs: tuple[Proof, ...] = ()
    retire: tuple[Retire, ...] = ()
    states: tuple[SetState, ...] = ()
    history: tuple[HistoryEvent, ...] = ()
    space: Space | None = None
    """Embedding space of the vectors: declared when the store has none, refused when it has another."""


@dataclass(frozen=True, kw_only=True)
class Piece:
    """A record that has no vectors in a space yet."""

    place: int
    """The store's own number of it."""
    text: str
    """What search sees of the record."""
    span: int
    """How many vectors there is room for: one for each window it was first written with."""


# What a store is asked to find.


@dataclass(frozen=True, kw_only=True)
class Where:
    """Which records: those of a scope that pass a filter.

    Memories are the current, unexpired ones unless `expired` is true. Episodes are those whose state
    is in `episodes` and whose text no current memory already carries.
    """

    scope: Scope
    now: datetime
    filter: Filter | None = None
    memories: bool = True
    episodes: tuple[EpisodeState, ...] = SEARCHABLE_STATES
    expired: bool = False


@dataclass(frozen=True, kw_only=True)
class Probe:
    """A question, ready for the index."""

    where: Where
    vectors: Vectors | None
    """Query vectors, shape (w, dimensions); None when the embedder cannot run."""
    space: Space | None = None
    """Their embedding space; refused when the store has another one."""
    terms: tuple[int, ...]
    """As `text.query_terms` gives them."""
    side: str
    """Script side of the question: `cjk` or `other`."""
    calibration: Calibration
    limit: int
    """How many candidates each arm returns."""


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A possible hit with the raw score of each arm that found it (None: the arm did not)."""

    id: str
    similarity: float | None
    """Centred cosine to the question, in [-1, 1]."""
    keyword: float | None
    """BM25 over the record and, at half weight, the turns beside it."""
    coverage: float
    """Share of the question's rarity-weighted words that the record and its neighbours hold, in [0, 1]."""
    said_at: datetime


@dataclass(frozen=True, kw_only=True)
class Found:
    """Union of the arms' candidates, in no particular order."""

    candidates: tuple[Candidate, ...]
    asked: float
    """Rarity of the question's words among the records searched: the sum of their idf, in nats."""
    searched: int
    """How many records the question was compared with."""


@dataclass(frozen=True, kw_only=True)
class Page:
    """One page of a listing."""

    memories: tuple[Memory, ...]
    total: int
    next_cursor: str | None


@dataclass(frozen=True, kw_only=True)
class Counts:
    """What a store or a scope of it holds."""

    memories: int
    episodes: int
    pending: int
    failed: int
    owners: int
    bytes: int


@runtime_checkable
class Store(Protocol):
    """Keeps episodes, memories, their index and their history. Ranks nothing beyond an arm's top."""

    @property
    def address(self) -> str:
        """Where it is, as a person would say it: a path or a URL without secrets."""

    async def open(self) -> None:
        """Open or create, and migrate. Safe from several processes at once.

        Raises:
            NotAStore, StoreUnwritable, StoreTooNew, StoreFull, StoreBusy.
        """

    async def close(self) -> None:
        """Free what was opened. Safe to call twice."""

    async def space(self) -> Space | None:
        """The space of the vectors here, or None while there are none."""

    async def use_space(self, space: Space) -> None:
        """Declare the space of the vectors to come.

        Raises:
            WrongEmbedder: the store already holds another one.
        """

    async def missing(self, space: Space, limit: int) -> list[Piece]:
        """Some records that have no vectors in `space`, which need not be the active one."""

    async def reembed(self, space: Space, vectors: Sequence[tuple[int, Vectors]]) -> None:
        """Keep vectors of `space` for the records at these places, shape (span, dimensions) each."""

    async def activate(self, space: Space) -> bool:
        """Make `space` the one that is searched and drop the former; False while records are missing in it."""

    async def commit(self, write: Write) -> None:
        """Carry out `write` in one transaction.

        Raises:
            Conflict: a memory is no longer at the version the write was decided on, or a `once` key or an
                episode's external id is taken.
            WrongEmbedder: `write.space` is not the store's.
            StoreFull, StoreBusy, StoreUnwritable.
        """

    async def find(self, probe: Probe) -> Found:
        """The best `probe.limit` records by similarity and by keyword. Cost follows the scope.

        Raises:
            WrongEmbedder: `probe.space` is not the store's.
        """

    async def load(self, ids: Sequence[str]) -> dict[str, Record]:
        """Current memories and episodes by id; ids of nothing are left out.

        A retired memory is returned as its last version.
        """

    async def standing(self, scope: Scope, keys: Sequence[str]) -> dict[str, Memory]:
        """Current memories of the scope's owner by their `once` key."""

    async def taken(self, scope: Scope, external_ids: Sequence[str]) -> dict[str, Episode]:
        """Episodes of the scope's owner, hidden ones too, by the caller's own ids."""

    async def page(self, where: Where, *, limit: int, cursor: str | None) -> Page:
        """Memories, newest first. Raises InvalidInput for a cursor that is not ours."""

    async def history(self, memory_id: str) -> tuple[HistoryEvent, ...]:
        """Events of one memory, oldest first; empty when the id is unknown."""

    async def last_turns(self, scope: Scope, limit: int) -> tuple[Episode, ...]:
        """The newest episodes of exactly this scope, oldest first."""

    async def delete_scope(self, scope: Scope, *, at: datetime, change_id: str, reason: str) -> tuple[int, int]:
        """Retire every memory and hide every episode of a scope; how many of each."""

    async def counts(self, scope: Scope) -> Counts:
        """What the scope holds; a scope without ids is the whole project."""

    async def verify(self) -> tuple[int, tuple[str, ...]]:
        """Records checked, and what is wrong: orphans, index against rows, broken pages."""

    async def reset(self) -> None:
        """Remove every byte of every record."""
