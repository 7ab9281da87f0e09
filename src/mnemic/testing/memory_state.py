"""What the reference store holds: plain dictionaries of frozen values, and the lookups that every step needs.

A write works on a copy of the dictionaries, which takes the place of the former ones when all of it
went through: all or nothing by construction.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, fields, replace
from datetime import date, datetime

import numpy as np

from mnemic import slots, text
from mnemic.lifetimes import Superseded
from mnemic.protocols import Space, Vectors
from mnemic.types import (
    Change,
    Entity,
    Episode,
    EpisodeState,
    HistoryEvent,
    Memory,
    Scope,
    Source,
    Tombstone,
    Usage,
)

Owner = tuple[str, tuple[str, str] | None]
"""Project, and the first given id."""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One place in the index: an episode, a memory version, or a memory that is its episode verbatim."""

    text: str
    vectors: Vectors
    span: int
    terms: tuple[int, ...]
    side: str
    person: str | None = None
    said: datetime
    episode: str | None = None
    memory: tuple[str, int] | None = None
    before: str | None = None
    """The episode that an episode follows."""
    turn: str | None = None
    """The episode that a memory was taken from."""


@dataclass(frozen=True, kw_only=True)
class Version:
    """A memory as it is held: sources and runs belong to all of its versions and stand elsewhere."""

    memory: Memory
    place: int
    once: str | None
    valid_before: datetime | None = None
    """`valid_to` as it was before the version was closed."""
    was: Superseded | None = None
    """How it had been superseded before it came back, or was deleted."""
    merged_into: str | None = None
    """What it had been merged into before it came back."""


@dataclass(frozen=True, kw_only=True)
class Moved:
    """What moved an episode last, and where it was before."""

    change_id: str
    state: EpisodeState
    reason: str | None


@dataclass(frozen=True, kw_only=True)
class Cited:
    """A source, and the change that added it to a memory that was there."""

    source: Source
    change_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class Taken:
    """A source that a memory has no more."""

    cited: Cited
    by: str
    """The change that took it."""
    counted: int
    """By how much the memory's `proof_count` fell."""
    given_by: str | None = None
    """The change that gave it back."""

    @property
    def words(self) -> tuple[str, str]:
        """Episode and quote."""
        return self.cited.source.episode_id, self.cited.source.quote


@dataclass(kw_only=True)
class State:
    """Everything. The values are never changed in place."""

    space: Space | None = None
    spaces: dict[Space, dict[int, Vectors]] = field(default_factory=dict)
    """Vectors of spaces to come, by place."""
    entries: dict[int, Entry] = field(default_factory=dict)
    places: int = 0
    """How many were given out."""
    episodes: dict[str, Episode] = field(default_factory=dict)
    """In the order they came."""
    place_of: dict[str, int] = field(default_factory=dict)
    """Of each episode."""
    moved: dict[str, Moved] = field(default_factory=dict)
    versions: dict[str, tuple[Version, ...]] = field(default_factory=dict)
    """By memory, oldest first."""
    sources: dict[str, tuple[Cited, ...]] = field(default_factory=dict)
    unproven: dict[str, tuple[Taken, ...]] = field(default_factory=dict)
    runs: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Of each memory, beside its own, in the order of their coming."""
    history: tuple[HistoryEvent, ...] = ()
    listeners: frozenset[str] = frozenset()
    outbox: tuple[tuple[str, str], ...] = ()
    """Memory and line of its history, of projects that somebody listens to."""
    changes: dict[str, Change] = field(default_factory=dict)
    tombstones: dict[str, Tombstone] = field(default_factory=dict)
    feedback: tuple[tuple[str, str, str | None], ...] = ()
    """Memory, word, reason."""
    usage: dict[tuple[str, date], Usage] = field(default_factory=dict)
    decisions: dict[Owner, int] = field(default_factory=dict)
    """Of each owner the number of the last one."""
    count: int = 0
    """Of all decisions."""
    entities: dict[str, Entity] = field(default_factory=dict)
    merged_by: dict[str, str] = field(default_factory=dict)
    names: dict[tuple[str, str], tuple[str, datetime]] = field(default_factory=dict)
    """(entity, key) -> the name as it was said, and when."""
    mentions: frozenset[tuple[str, str, str]] = frozenset()
    """(memory, entity, key)"""
    relations: dict[tuple[str, str, str, str], tuple[str, str]] = field(default_factory=dict)
    """(memory, subject, predicate, object) -> keys of the subject and the object."""
    moves: dict[tuple[str, str, str], str] = field(default_factory=dict)
    """(change, key, from) -> to"""
    parted: dict[tuple[str, str], str] = field(default_factory=dict)
    """(change, entity) -> what it was part of"""

    def copy(self) -> State:
        """Another state that can be changed without changing this one."""
        return State(**{each.name: copy.copy(getattr(self, each.name)) for each in fields(self)})

    # Memories.

    def last(self, memory_id: str) -> Version:
        """The newest version, current or not. Raises KeyError."""
        return self.versions[memory_id][-1]

    def is_current(self, memory_id: str) -> bool:
        """Whether it is there and not retired."""
        return memory_id in self.versions and self.last(memory_id).memory.known_to is None

    def whole(self, memory: Memory) -> Memory:
        """A version with its sources, in the order they were said, and its runs."""
        sources = sorted(
            (cited.source for cited in self.sources.get(memory.id, ())),
            key=lambda source: (self.place_of[source.episode_id], source.quote),
        )
        return replace(memory, sources=tuple(sources), runs=self.runs.get(memory.id, ()))

    def current(self) -> Iterator[Memory]:
        """All current memories."""
        return (self.whole(self.last(each).memory) for each in self.versions if self.is_current(each))

    def superseded(self) -> Iterator[Memory]:
        """All whose place another memory took."""
        last = (self.last(each).memory for each in self.versions)
        return (self.whole(each) for each in last if each.retire_reason == "superseded")

    def put(self, version: Version) -> None:
        """Replace the version of this number."""
        memory = replace(version.memory, sources=(), runs=())
        self.versions[memory.id] = tuple(
            replace(version, memory=memory) if each.memory.version == memory.version else each
            for each in self.versions[memory.id]
        )

    def put_last(self, memory: Memory) -> None:
        """Replace the newest version."""
        self.put(replace(self.last(memory.id), memory=memory))

    def holder(self, owner: Owner, once: str) -> str | None:
        """The current memory of an owner that has a key."""
        held = (each for each in self.versions if self.is_current(each) and self.last(each).once == once)
        return next((each for each in held if owner_of(self.last(each).memory.scope) == owner), None)

    def said_in(self, memory_id: str, run_id: str | None) -> None:
        """Make a memory a run's, too, unless it is already."""
        runs = self.runs.get(memory_id, ())
        if run_id is not None and run_id != self.last(memory_id).memory.scope.run_id and run_id not in runs:
            self.runs[memory_id] = (*runs, run_id)

    def run_of(self, episode_id: str) -> str | None:
        """The run that an episode was said in."""
        return self.episodes[episode_id].scope.run_id

    def citing(self, episode_id: str) -> list[str]:
        """Memories that have it as a source, current or not."""
        return [
            memory_id
            for memory_id, cited in self.sources.items()
            if any(each.source.episode_id == episode_id for each in cited)
        ]

    def tell(self, history: Iterable[HistoryEvent]) -> None:
        """Keep what is to be told."""
        self.outbox += tuple(
            (each.memory_id, each.id)
            for each in history
            if each.memory_id in self.versions and self.last(each.memory_id).memory.scope.project in self.listeners
        )

    def decided(self, *owners: Owner) -> None:
        """Decisions made before no longer hold. No number comes twice, not even when an owner is erased."""
        for owner in owners:
            self.count += 1
            self.decisions[owner] = self.count

    # The index.

    def add_entry(
        self,
        content: str,
        vectors: Vectors | None,
        *,
        episode: str | None = None,
        memory: tuple[str, int] | None = None,
        before: str | None = None,
        turn: str | None = None,
        attribute: str | None = None,
        person: str | None = None,
        said: datetime,
    ) -> int:
        """A new place for a text."""
        if vectors is None:
            vectors = np.zeros((0, self.space.dimensions if self.space else 1), np.float32)
        self.entries[self.places] = Entry(
            text=content,
            vectors=vectors,
            span=max(1, len(vectors)),
            terms=tuple(slots.terms(content, attribute)),
            side=text.side(content),
            person=person,
            said=said,
            episode=episode,
            memory=memory,
            before=before,
            turn=turn,
        )
        self.places += 1
        return self.places - 1


def owner_of(scope: Scope) -> Owner:
    """Whose rows these are."""
    return scope.project, scope.owner


def covers(asked: Scope, own: Scope, runs: tuple[str, ...] = ()) -> bool:
    """Whether what is `own`, and was said in further `runs`, belongs to what `asked` names."""
    if asked.run_id is not None and asked.run_id in runs:
        own = replace(own, run_id=asked.run_id)
    return asked.project == own.project and asked.ids.items() <= own.ids.items()


def same(asked: Scope, own: Scope) -> bool:
    """Whether both are exactly of one user, agent and app. The run counts only where nothing else is given."""
    if asked.owner is None or owner_of(asked) != owner_of(own):
        return False
    return (asked.user_id, asked.agent_id, asked.app_id) == (own.user_id, own.agent_id, own.app_id)
