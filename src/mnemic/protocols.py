"""The seams: what the core asks of an embedder, an extractor, a language model and a store.

Each has a fake and a contract in `mnemic.testing`. A new backend is one file and one line in the
registry.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol, TypeVar, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from mnemic.filters import Filter
from mnemic.records import Line
from mnemic.text import Word
from mnemic.types import (
    SEARCHABLE_STATES,
    Change,
    Entity,
    Episode,
    EpisodeState,
    Extraction,
    ExtractionRequest,
    HistoryEvent,
    Kind,
    Memory,
    Relation,
    Scope,
    Source,
    Tombstone,
    Usage,
)
from mnemic.types import Record as Record  # noqa: PLC0414 - what a store loads

if TYPE_CHECKING:
    from pydantic import BaseModel  # slow to import, and needed only where a model is used

Vectors = NDArray[np.float32]
"""Unit vectors, shape (n, dimensions)."""

Answer = TypeVar("Answer", bound="BaseModel")

ARMS = ("vector", "keyword", "entity", "time", "recency")
"""What finds candidates: nearness of meaning, words, who and what is named, dates, and how new something is."""


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

    midpoint: float = 0.28
    scale: float = 0.06
    floor: float = 0.1
    gates: Mapping[str, float] = field(default_factory=dict)
    """By script side of a record: where the nearest one has less lift than this (`ranking.Centred.lift`), the scope
    says nothing of a question. Without any, every question is answered."""
    typical: Mapping[str, Vectors] = field(default_factory=dict)
    """Typical questions' mean vectors by script side."""
    spread: float | None = None
    """Standard deviation of a question's centred similarities to the records of a scope. None: it is measured, and
    similarities are brought to the spread that the other numbers were chosen for."""
    same: float | None = None
    """Centred similarity from which two statements may be one; None: their words decide alone."""
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


Verdict = Literal["same", "changed", "different"]
"""What a new statement is to a known one: the same thing, its new state, or something else."""


@runtime_checkable
class Judge(Protocol):
    """An extractor that asks a model, and can ask it about pairs of statements, too."""

    async def judge(self, pairs: Sequence[tuple[str, str]]) -> tuple[tuple[Verdict, ...], Usage]:
        """One verdict a pair (new statement, known statement), by one call.

        Raises:
            ModelError: the model failed or answered badly.
        """


@runtime_checkable
class Filler(Protocol):
    """An extractor that asks a model, and can have it fill a form, too."""

    @property
    def name(self) -> str:
        """Of the model."""

    async def fill(
        self, schema: Mapping[str, Any], memories: Sequence[str], instructions: str | None
    ) -> tuple[Mapping[str, Any], Usage]:
        """An object of a JSON schema, as far as the model keeps to it, from memories, the newest first.

        Raises:
            ModelError: the model failed or answered badly.
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


@runtime_checkable
class Reranker(Protocol):
    """Reads a question and each text together: slower than vectors and words, and nearer to what was meant."""

    @property
    def name(self) -> str:
        """`provider:model`."""

    async def rerank(self, question: str, texts: Sequence[str]) -> Sequence[float]:
        """How far each text answers the question, in [0, 1]; one a text, in the order given.

        Raises:
            ModelError: the model failed or answered badly.
        """

    async def close(self) -> None:
        """Free what was opened."""


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
    (`infer=False`): the memory then shares the episode's place in the index. A memory whose `known_to`
    is set is written as retired: it was out of date when it came.
    """

    memory: Memory
    vectors: Vectors | None
    replaces: int | None = None
    """The version this one was decided on, whose pin and rating it takes over as they are then; None for a new id."""
    episode_id: str | None = None
    once: str | None = None
    """A key that at most one current memory of the owner may have; a second one is a Conflict."""


@dataclass(frozen=True, kw_only=True)
class Proof:
    """One more source for an existing memory. A source of another run makes the memory that run's, too."""

    memory_id: str
    version: int
    source: Source
    change_id: str


@dataclass(frozen=True, kw_only=True)
class Unprove:
    """Take away the sources that a change gave a memory, or those in some episodes."""

    memory_id: str
    by: str
    """The change that does so: they are kept, for `Reprove` to give back."""
    change_id: str | None = None
    episode_ids: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Reprove:
    """Give back to a memory the sources that a change took away, as they were; not those of erased episodes."""

    memory_id: str
    change_id: str
    """The change that took them."""
    by: str
    """The change that gives them back, and that `Unprove` can name to take them again."""


@dataclass(frozen=True, kw_only=True)
class Retire:
    """Take a memory out of the current view; a superseded one, named by its last version, out of the past as well."""

    memory_id: str
    version: int
    reason: str
    """As `Memory.retire_reason`. Of superseded ones a question about the past may still find the text."""
    change_id: str
    retired_by: str | None = None
    """The memory that takes its place."""
    valid_to: datetime | None = None
    """When it stopped being true; None: not known, or it was never true."""
    again: int | None = None
    """An earlier version that was gone in the same way until it came back: `retired_by` and `valid_to` are as then."""
    hide_sources: bool = False
    """Also hide the messages it came from, unless another current memory cites them."""


@dataclass(frozen=True, kw_only=True)
class Restore:
    """Bring a memory back as it was: an earlier version once more, as a new one with the same vectors.

    A current version is closed; a retired memory is current again, or `superseded` as it was when it was deleted.
    """

    memory_id: str
    version: int
    """Its last version, current or not; another one is a Conflict."""
    change_id: str
    of: int | None = None
    """The version that comes back; None: the last."""
    superseded: bool = False


@dataclass(frozen=True, kw_only=True)
class Annotate:
    """Pin a memory or rate it. No new version: nothing that it says changes."""

    memory_id: str
    version: int
    pinned: bool | None = None
    rating: int = 0
    """Added to the rating."""
    feedback: str | None = None
    """The word of the feedback, kept with `reason`. NONE takes back all ratings before it."""
    reason: str | None = None


@dataclass(frozen=True, kw_only=True)
class SetState:
    """Move an episode to another state. A state other than pending and failed ends its task."""

    episode_id: str
    state: EpisodeState
    reason: str | None = None
    attempts: int | None = None
    """The number of attempts from now on; None: as it was."""
    due_at: datetime | None = None
    """For pending ones: not before then. The lease is given up."""
    held: int | None = None
    """The attempt it was leased for: a Conflict unless the episode is pending and still at it."""
    change_id: str | None = None
    """The change that `undo` can name to get the former state back."""


@dataclass(frozen=True, kw_only=True)
class NewEntity:
    """An entity, or a name more for one that is there. `keys` are the names as `names.key` folds them."""

    entity: Entity
    keys: Mapping[str, str]
    """Key of a name to the name as it was said."""


@dataclass(frozen=True, kw_only=True)
class Naming:
    """A memory names an entity."""

    memory_id: str
    entity_id: str
    key: str
    """The name it used, folded."""


@dataclass(frozen=True, kw_only=True)
class NewRelation:
    """A memory links two entities, each named by a key."""

    memory_id: str
    subject: tuple[str, str]
    """(entity id, key)"""
    predicate: str
    object: tuple[str, str]


@dataclass(frozen=True, kw_only=True)
class MergeEntity:
    """One entity is another (`into`), or is itself again (None). One that is part of another is not merged once more."""

    entity_id: str
    into: str | None
    change_id: str


@dataclass(frozen=True, kw_only=True)
class MoveName:
    """A name, and all that was said under it, goes from one entity to another."""

    key: str
    source: str
    target: str
    change_id: str


EntityWrite = NewEntity | Naming | NewRelation | MergeEntity | MoveName


@dataclass(frozen=True, kw_only=True)
class Write:
    """Everything one decision changes, in the order of the fields. All of it is committed, or none.

    New episodes, memories and entities belong to the owner of `scope`; what is changed may be others'.
    """

    scope: Scope
    at: datetime
    basis: int | None = None
    """`Around.basis` of the reading it was decided on: a Conflict when the owner's memories changed since."""
    changes: tuple[Change, ...] = ()
    """Recorded unless they are already (a message's change is recorded with it, its memories come later)."""
    undone: Mapping[str, str] = field(default_factory=dict)
    """Change -> the change that takes it back; a Conflict when it was taken back before."""
    episodes: tuple[NewEpisode, ...] = ()
    retire: tuple[Retire, ...] = ()
    memories: tuple[NewMemory, ...] = ()
    restore: tuple[Restore, ...] = ()
    proofs: tuple[Proof, ...] = ()
    unprove: tuple[Unprove, ...] = ()
    reprove: tuple[Reprove, ...] = ()
    annotate: tuple[Annotate, ...] = ()
    states: tuple[SetState, ...] = ()
    tombstones: tuple[Tombstone, ...] = ()
    lifted: tuple[str, ...] = ()
    """Tombstones that are taken away."""
    entities: tuple[EntityWrite, ...] = ()
    history: tuple[HistoryEvent, ...] = ()
    spent: Usage | None = None
    """Added to what the project spent on the day of `at` (UTC)."""
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
class Ask:
    """What a decision needs to know of the current memories of the scope's project, user, agent and app.

    The run counts only where nothing else is given.
    """

    scope: Scope
    keys: tuple[str, ...] = ()
    """`once` keys."""
    slots: tuple[str, ...] = ()
    vectors: Vectors | None = None
    """Shape (n, dimensions): the memories nearest to each."""
    limit: int = 0
    """How many nearest ones a vector."""
    episodes: tuple[str, ...] = ()
    """Memories that cite these."""
    names: tuple[str, ...] = ()
    """Keys of entities' names."""


@dataclass(frozen=True, kw_only=True)
class Around:
    """The answer, of one snapshot. Memories are named by id; each stands in `memories` once."""

    basis: int
    """Counts the decisions of the owner; 0 for a new one."""
    memories: Mapping[str, Memory] = field(default_factory=dict)
    vectors: Mapping[str, Vectors] = field(default_factory=dict)
    """Of each of `memories` that has one: its first window, shape (dimensions,)."""
    keyed: Mapping[str, str] = field(default_factory=dict)
    """`once` key -> id."""
    slotted: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    near: tuple[tuple[str, ...], ...] = ()
    """For each vector asked about, ids by falling cosine."""
    citing: tuple[str, ...] = ()
    tombstones: tuple[Tombstone, ...] = ()
    """All of the scope."""
    entities: Mapping[str, Entity] = field(default_factory=dict)
    """Key of a name -> the entity it means now (mergers followed)."""


@dataclass(frozen=True, kw_only=True)
class Changed:
    """A change and what it did, so that it can be taken back."""

    change: Change
    events: tuple[HistoryEvent, ...] = ()
    """What it did to memories, oldest first."""
    versions: Mapping[str, tuple[int, bool]] = field(default_factory=dict)
    """Each memory of the events: its last version, and whether that is current."""
    proven: tuple[str, ...] = ()
    """Memories that it gave a source, or gave one back."""
    unproven: tuple[str, ...] = ()
    """Memories that it took a source from."""
    states: tuple[tuple[str, EpisodeState, str | None], ...] = ()
    """Episodes it moved: id, the state before and its reason."""
    episodes: tuple[str, ...] = ()
    """Episodes it brought."""
    tombstones: tuple[str, ...] = ()
    merged: tuple[str, ...] = ()
    """Entities it merged into another."""
    parted: tuple[tuple[str, str], ...] = ()
    """Entities it made themselves again: id, and what each was part of."""
    moved: tuple[tuple[str, str, str], ...] = ()
    """Names it moved: key, from, to."""


@dataclass(frozen=True, kw_only=True)
class Log:
    """One page of the log, newest first."""

    episodes: tuple[Episode, ...]
    total: int
    next_cursor: str | None


@dataclass(frozen=True, kw_only=True)
class Named:
    """Entities of a scope and what links them; memories count only while they are current."""

    entities: tuple[Entity, ...]
    relations: tuple[Relation, ...] = ()
    mentions: tuple[tuple[str, str], ...] = ()
    """(entity id, memory id)"""
    total: int = 0
    """How many entities the scope has."""


@dataclass(frozen=True, kw_only=True)
class Where:
    """Which records: those of a scope that pass a filter.

    Memories are the current, unexpired ones; `expired` and `superseded` add others. Episodes are those whose state
    is in `episodes` and whose text no current memory already carries.
    """

    scope: Scope
    now: datetime
    filter: Filter | None = None
    memories: bool = True
    episodes: tuple[EpisodeState, ...] = SEARCHABLE_STATES
    expired: bool = False
    superseded: bool = False
    """Also memories whose place another one took; with `as_of`, such of them as held then."""
    as_of: datetime | None = None
    """What held at this moment of the world, by the rules of `lifetimes`; messages: those said by then."""
    known_at: datetime | None = None
    """What was known at this moment, by the same rules; `now` is then the same moment, or earlier.

    Messages are those received by then, in the state they are in now; one that memories were made of counts as
    pending when none of them was known yet.
    """


class Graph(Protocol):
    """Who and what the memories of a question's scope name, as one snapshot has it."""

    def resolve(self, keys: Sequence[str], /) -> dict[str, Entity]:
        """As `Store.resolve`."""

    def naming(self, entity_ids: Sequence[str], /) -> Named:
        """As `Store.naming`."""


@dataclass(frozen=True, kw_only=True)
class Probe:
    """A question, ready for the index."""

    where: Where
    vectors: Vectors | None
    """Query vectors, shape (w, dimensions); None when the embedder cannot run."""
    space: Space | None = None
    """Their embedding space; refused when the store has another one."""
    words: tuple[Word, ...] = ()
    """As `text.question_words` gives them."""
    people: frozenset[int] = frozenset()
    """As `text.speakers` gives them."""
    link: Callable[[Graph], Mapping[str, float]] | None = None
    """Memories that name who and what the question names, or are linked with these, and how closely, in [0, 1]: asked
    within the same snapshot. It is quick, and may be called in any thread, and again."""
    times: tuple[tuple[datetime, datetime], ...] = ()
    """Times that the question names, each from its start to before its end."""
    side: str
    """Script side of the question: `cjk` or `other`."""
    calibration: Calibration
    limit: int
    """How many candidates each arm returns."""
    arms: tuple[str, ...] = ARMS
    """The arms that are switched on."""
    watched: tuple[str, ...] = ()
    """Records to tell of wherever they stand."""
    choose: Callable[[Found], Sequence[str]] | None = None
    """Which of what was found will be loaded next. It is quick, and may be called in any thread, and again."""


class Candidate(NamedTuple):
    """A possible hit with what each arm found in it (None: nothing), as `ranking.rank` scores it."""

    id: str
    evidence: float
    similarity: float | None
    """Centred cosine to the question, in [-1, 1]."""
    keyword: float | None
    coverage: float
    """Share of the question's words, weighted by their rarity, that it and its neighbours have; may exceed 1."""
    entity: float | None
    time: float | None
    beside: float
    """What turns beside it lend."""
    ranks: Mapping[str, int]
    """Its place in each arm that has it, from 1."""
    said_at: datetime


@dataclass(frozen=True, kw_only=True)
class Found:
    """Union of the arms' candidates, best first."""

    candidates: tuple[Candidate, ...]
    searched: int
    """How many records the question was compared with."""
    lift: float | None = None
    """How far the nearest of them stands out, as `ranking.Centred.lift` says: below 1, too little."""
    records: Mapping[str, Record] | None = None
    """What `Probe.choose` named, as `Store.load` gives it, where the store has read it in the same snapshot."""


Order = Literal["newest", "oldest", "said", "updated"]
"""Of a listing: by creation, the newest or the oldest first; the last said first (one without a day by its creation);
the last changed first. Of equals the newer id comes first, in `oldest` last."""
ORDERS: tuple[Order, ...] = ("newest", "oldest", "said", "updated")


MADE: tuple[Kind, ...] = ("summary", "pattern")
"""Kinds that consolidation makes, and never rests on."""


@dataclass(frozen=True, kw_only=True)
class Page:
    """One page of a listing."""

    memories: tuple[Memory, ...]
    total: int
    next_cursor: str | None


@dataclass(frozen=True, kw_only=True)
class Events:
    """One page of what happened to memories, oldest first."""

    events: tuple[HistoryEvent, ...]
    total: int
    next_cursor: str | None


@dataclass(frozen=True, kw_only=True)
class Receipts:
    """One page of changes, newest first."""

    changes: tuple[Change, ...]
    total: int
    next_cursor: str | None


@dataclass(frozen=True, kw_only=True)
class Untold:
    """What happened to a memory in a project that somebody listens to."""

    event: HistoryEvent
    scope: Scope


@dataclass(frozen=True, kw_only=True)
class Counts:
    """What a store or a scope of it holds."""

    memories: int
    episodes: int
    pending: int
    failed: int
    owners: int
    bytes: int
    whole: str = field(default="exact: every vector is read", compare=False)
    """How a search of the whole project finds what is near, and why so: a store's own affair."""


@dataclass(frozen=True, kw_only=True)
class Held:
    """Somebody or something that current memories or messages of a project are of."""

    field: str
    """The name of an id: `user_id`, `agent_id`, `app_id` or `run_id`."""
    name: str
    memories: int
    """Current ones that have the id themselves."""
    since: datetime
    """When the first of what there is came, and when the last of it was changed."""
    until: datetime


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

    def within(self, project: str | None) -> Store:
        """The same store, of which only one project is seen and written where it can enforce that; None: every one.

        It shares everything with the store it comes from, which opens and closes it.
        """

    async def space(self) -> Space | None:
        """The space of the vectors here, or None while there are none."""

    async def use_space(self, space: Space) -> None:
        """Declare the space of the vectors to come.

        Raises:
            WrongEmbedder: the store already holds another one.
        """

    async def missing(self, space: Space, limit: int, *, after: int = -1) -> list[Piece]:
        """The first records, by place, behind the place `after` that have no vectors in `space`, active or not.

        Cost follows what lies between `after` and the last of them.
        """

    async def reembed(self, space: Space, vectors: Sequence[tuple[int, Vectors]]) -> None:
        """Keep vectors of `space` for the records at these places, shape (span, dimensions) each."""

    async def activate(self, space: Space, *, leaving: int = 0) -> bool:
        """Make `space` the one that is searched and drop the former; False while more than `leaving` are missing in it.

        Those are found by their words until they have vectors. A write with vectors of the former is refused from then.
        """

    async def commit(self, write: Write) -> None:
        """Carry out `write` in one transaction.

        Raises:
            Conflict: a memory is no longer at the version the write was decided on, or a `once` key or an
                episode's external id is taken.
            WrongEmbedder: `write.space` is not the store's.
            StoreFull, StoreBusy, StoreUnwritable.
        """

    async def around(self, ask: Ask) -> Around:
        """What a decision rests on, in one snapshot. Cost follows the owner."""

    async def find(self, probe: Probe) -> Found:
        """The best `probe.limit` records of each arm asked (see `ARMS`). Cost follows the scope.

        Raises:
            WrongEmbedder: `probe.space` is not the store's.
        """

    async def load(self, ids: Sequence[str], *, known_at: datetime | None = None) -> dict[str, Record]:
        """Current memories and episodes by id; ids of nothing are left out.

        A retired memory is returned as its last version. With `known_at`, memories are as they were known then
        (`lifetimes.known`), and those that were not known, or were gone, are left out.
        """

    async def vectors(self, ids: Sequence[str]) -> dict[str, Vectors]:
        """The vectors of current memories, shape (w, dimensions) each."""

    async def standing(self, scope: Scope, keys: Sequence[str]) -> dict[str, Memory]:
        """Current memories of the scope's owner by their `once` key."""

    async def taken(self, scope: Scope, external_ids: Sequence[str]) -> dict[str, Episode]:
        """Episodes of the scope's owner, hidden ones too, by the caller's own ids."""

    async def page(self, where: Where, *, limit: int, cursor: str | None, order: Order = "newest") -> Page:
        """Memories in an order, with the total, as of one moment.

        Raises:
            InvalidInput: a cursor that is not ours, or of another order, scope or filter.
        """

    async def foremost(self, where: Where, *, attributes: Sequence[str], limit: int | None) -> Page:
        """Current, unexpired memories with the subject "user", and pinned ones; none of the kinds in MADE.

        Pinned ones come first, then those whose attribute comes first in `attributes`, then the older ids. `limit`
        of them (None: all), with the total, and no cursor. Only the scope, `now` and the filter of `where` count.
        """

    async def log(self, scope: Scope, states: Sequence[EpisodeState], *, limit: int, cursor: str | None) -> Log:
        """Episodes in some states, newest first. Raises InvalidInput for a cursor that is not ours."""

    async def history(self, memory_id: str) -> tuple[HistoryEvent, ...]:
        """Events of one memory, oldest first; empty when the id is unknown."""

    async def changes(
        self, scope: Scope, *, since: datetime, until: datetime | None = None, limit: int, cursor: str | None = None
    ) -> Events:
        """Events of a scope's memories from `since` to before `until`, by time. Cost follows the owner and the time.

        Of forgotten memories the words are left out. Raises InvalidInput for a cursor that is not ours.
        """

    async def slot(self, scope: Scope, slot: str) -> tuple[Memory, ...]:
        """Every version of the scope's memories that has this slot, by id and version."""

    async def change(self, change_id: str) -> Changed | None:
        """A change and what it did, or None when there is none of this id."""

    async def receipts(self, scope: Scope, *, limit: int, cursor: str | None = None) -> Receipts:
        """Changes whose own scope lies within this one, the newest first, with the total.

        Raises:
            InvalidInput: a cursor that is not ours.
        """

    async def listen(self, project: str, *, wanted: bool = True) -> None:
        """Keep from now on what happens to memories of a project, for `untold`; or no longer, nor what is kept."""

    async def untold(self, limit: int) -> tuple[Untold, ...]:
        """What is kept of all projects, the oldest first: each line of a history that was written while one listened.

        Written in the same transaction as the line, and gone with what is erased. Imported lines are not among them.
        """

    async def told(self, events: Sequence[tuple[str, str]]) -> None:
        """Keep these (memory id, event id) no longer."""

    async def citing(self, episode_ids: Sequence[str], *, superseded: bool = False) -> tuple[Memory, ...]:
        """Current memories that have one of these episodes as a source, or instead those whose place others took."""

    async def last_turns(self, scope: Scope, limit: int) -> tuple[Episode, ...]:
        """The newest episodes of exactly this scope, oldest first."""

    async def lease(
        self, *, now: datetime, until: datetime, limit: int, scope: Scope | None = None
    ) -> tuple[Episode, ...]:
        """Take pending episodes to work on: the oldest due ones of one conversation (exactly one scope).

        At most `limit`, in the order they came, with the same task. They are leased until `until`, their
        attempts counted up. A conversation of which somebody holds a lease is left alone, so that its
        order is kept; an episode that waits for a later try holds up nobody. With `scope`, only episodes
        within it are taken.
        """

    async def renew(self, held: Mapping[str, int], *, until: datetime) -> None:
        """Lengthen leases until `until`: of episodes by id, each with the attempt it was leased for.

        Those that are no longer leased for it are left as they are.
        """

    async def due(self, scope: Scope | None = None) -> datetime | None:
        """When the next pending episode can be leased (a moment in the past: now), or None without any."""

    async def wait_for_pending(self, seconds: float) -> None:
        """Come back when another process may have left something to `lease`, at the latest after so many seconds.

        Also without a reason: who waits asks `due` again, and waits again. One waits at a time.
        """

    def turn(self, scope: Scope) -> AbstractAsyncContextManager[None]:
        """For who lost a race at `commit`: decide again while others that lost wait. It keeps nobody else out."""

    async def spent(self, project: str, day: date) -> Usage:
        """What a project spent on a day (UTC)."""

    async def entities(self, scope: Scope, *, limit: int, cursor: str | None = None) -> Named:
        """Entities named by the scope's current memories, most named first, with their relations."""

    async def naming(self, scope: Scope, entity_ids: Sequence[str]) -> Named:
        """These entities (mergers followed) and what links them.

        The relations they take part in; the memories that name them, with everybody else these name.
        """

    async def resolve(self, scope: Scope, keys: Sequence[str]) -> dict[str, Entity]:
        """Entities by the key of a name, or by id."""

    async def delete_scope(self, scope: Scope, change: Change, *, reason: str) -> tuple[int, int]:
        """Retire every memory and hide every episode of a scope; how many of each.

        A memory that was also said in a run outside the scope stays that run's.
        """

    async def erase(self, scope: Scope) -> dict[str, int]:
        """Remove every byte of a scope: rows, versions, history, index, tombstones, free pages and log.

        How many of each kind went. A memory that was also said outside the scope keeps what was said there; where it
        says more, or is made of other memories, it goes. Messages outside the scope that tell what went are
        `pending`, to be read again; so many are `pending` in the answer, if any. What only what goes had superseded
        is current again.
        """

    async def counts(self, scope: Scope) -> Counts:
        """What the scope holds; a scope without ids is the whole project."""

    async def people(self, project: str) -> list[Held]:
        """Everybody a project has a current memory of, or a message that is not hidden; by field, then by name.

        Fields in the order of SCOPE_IDS. Cost follows the project.
        """

    async def verify(self) -> tuple[int, tuple[str, ...]]:
        """Records checked, and what is wrong: orphans, index against rows, broken pages."""

    async def reset(self) -> dict[str, int]:
        """Remove every byte of every record. What is left all the same, as `erase` tells it (`tables_left`)."""

    async def backup(self, path: str, *, overwrite: bool = False) -> None:
        """Write everything the store holds at one moment to one file, while others go on reading and writing.

        The file is there when it is whole, and not before.

        Raises:
            InvalidInput: the file is there and not to be overwritten, or it is part of the store.
            StoreFull, StoreUnwritable: about the file.
        """

    async def restore(self, path: str) -> str | None:
        """Put what a backup holds in the place of everything that is here, whoever else has the store open.

        All of it at once: others see the former content or the new one, and no decision made on the former one is
        written over the new. A backup by an earlier release is brought up to date. Who listens goes on to, and
        nothing that happened until now is `untold`. Returns where what was here before is kept; None where that was
        nothing, or cannot outlive the process.

        Raises:
            InvalidInput: there is no such file, or it is part of the store.
            NotAStore, StoreTooNew: about the file. The store is then as it was, as with StoreFull and StoreBusy.
        """

    async def export(self, scope: Scope, take: Callable[[Sequence[Line]], None], *, vectors: bool = True) -> None:
        """Give `take` every line of a project, or of what a scope of it holds, as of one moment, some at a time.

        The first line is `start`, with the embedding `space` of the lines' vectors, or None, and the `counts` of lines
        by kind. Then: changes, what a project spent; tombstones and entities; messages and memories, hidden and
        retired ones too, in the order in which they were written, a message before what follows it or was made of it.
        With a memory go the messages that it cites, and whom it names. `take` runs on any thread, may take its time,
        and must not ask the store anything. Lines are read as they are taken: memory does not grow with their number.
        """

    async def lacks(self, lines: Sequence[Line], project: str) -> list[Line]:
        """Those of these lines that `import_` would add."""

    async def import_(self, lines: Sequence[Line], project: str, space: Space | None) -> int:
        """Add lines of an export, in the order they were given, to a project; all of these or none. How many were new.

        What is here already stays as it is: a record is known by its id, a memory's version by its number, too.
        Ids, times and states are kept; a message's `external_id` and a memory's `once` are given up where another
        record of the owner holds them. `space` is that of the lines' vectors.

        Raises:
            WrongEmbedder: `space` is not the store's.
            StoreFull, StoreBusy, StoreUnwritable.
        """
