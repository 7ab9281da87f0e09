"""The values that flow through Mnemic, and the dictionaries that users receive.

Inside, values are frozen dataclasses named as in docs/concepts.md. What the public methods return
are plain dictionaries; their shapes are the TypedDicts at the end of this file.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, NotRequired

from mnemic.ids import partition_for

if sys.version_info >= (3, 12):
    from typing import TypedDict
else:  # that of 3.11 does not tell of a dictionary's keys whether they are required, which schemas ask
    from typing_extensions import TypedDict

Role = Literal["user", "assistant", "system", "tool"]
ROLES: tuple[Role, ...] = ("user", "assistant", "system", "tool")

Kind = Literal["fact", "preference", "event", "procedure", "summary", "pattern", "note"]
KINDS: tuple[Kind, ...] = ("fact", "preference", "event", "procedure", "summary", "pattern", "note")
DERIVED_KINDS: tuple[Kind, ...] = ("summary", "pattern")
"""Of what repeats what other memories say."""

Origin = Literal["stated", "inferred", "imported", "corrected", "given"]
"""Where a memory comes from. `given`: handed over as it is (`remember`, `infer=False`)."""

Precision = Literal["second", "day", "week", "month", "season", "year"]
"""How exact a time is: what is known is only that it lies in this second, day, week, …"""

EpisodeState = Literal["pending", "done", "empty", "refused", "failed", "hidden"]
"""`pending`: extraction has not run. `done`: memories were made of it. `empty`: nothing was found.
`refused`: judged to hold nothing lasting, with a reason. `failed`: extraction gave up, retryable.
`hidden`: deleted, or its memories were."""

SEARCHABLE_STATES: tuple[EpisodeState, ...] = ("pending", "empty", "failed")
"""Episodes in these states are hits of their own; `done` ones are represented by their memories."""

Metadata = Mapping[str, Any]

SCOPE_IDS = ("user_id", "agent_id", "app_id", "run_id")


@dataclass(frozen=True, kw_only=True, slots=True)
class Scope:
    """Whose memories: a project and any of user, agent, app and run. Ids not given do not constrain."""

    project: str = "default"
    user_id: str | None = None
    agent_id: str | None = None
    app_id: str | None = None
    run_id: str | None = None

    @property
    def ids(self) -> dict[str, str]:
        """The ids that are given, in the order user, agent, app, run."""
        pairs = ((name, getattr(self, name)) for name in SCOPE_IDS)
        return {name: value for name, value in pairs if value is not None}

    @property
    def owner(self) -> tuple[str, str] | None:
        """The first given id as (name of the id, value): rows of one owner lie together."""
        for name in SCOPE_IDS:
            value = getattr(self, name)
            if value is not None:
                return name, value
        return None

    @property
    def partition(self) -> int:
        """Partition of the rows this scope writes. Raises ValueError when no id is given."""
        if self.owner is None:
            raise ValueError("a scope without ids has no partition")
        return partition_for(self.project, *self.owner)


@dataclass(frozen=True, kw_only=True, slots=True)
class Message:
    """One turn as it came in."""

    role: Role
    content: str
    name: str | None = None
    at: datetime | None = None
    """When it was said, with a zone; None when the caller did not say."""
    metadata: Metadata = field(default_factory=dict)
    """Of this message alone, over the call's."""
    external_id: str | None = None
    """The caller's own id of it: a message whose id its owner already has is not taken again."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Task:
    """What the caller wished for the memories of a message, kept until extraction has run."""

    expires_at: datetime | None = None
    categories: tuple[str, ...] = ()
    """Labels for every memory made."""
    instructions: str | None = None
    """What to keep and what not, for this message."""
    choices: Mapping[str, str] = field(default_factory=dict)
    """Categories a model may choose from: name to meaning."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Episode:
    """A stored message: verbatim and immutable. The source of truth."""

    id: str
    scope: Scope
    role: Role
    content: str
    said_at: datetime
    received_at: datetime
    actor: str | None = None
    metadata: Metadata = field(default_factory=dict)
    state: EpisodeState = "pending"
    reason: str | None = None
    """Why it was refused, or the error it failed with."""
    attempts: int = 0
    """How often extraction was begun."""
    due_at: datetime | None = None
    """While it is pending: from when on a worker may take it; None: at once."""
    leased: bool = False
    """While it is pending: somebody works on it, until `due_at`."""
    task: Task | None = None
    """While it is pending or failed: what the caller wished for its memories."""
    change_id: str | None = None
    """The change that brought it, and that the memories made of it belong to."""
    external_id: str | None = None
    """The caller's own id of the message; an owner holds each once."""
    seen: str | None = None
    """What everything but the log sees, where that differs: secrets masked, our own context blocks cut out."""

    @property
    def words(self) -> str:
        """What was said, as everything but the log sees it."""
        return self.content if self.seen is None else self.seen

    @property
    def indexed(self) -> str:
        """What search sees of it."""
        return _with_speaker(self.actor, self.scope, self.words)

    @property
    def person(self) -> str | None:
        """Who said it, where she is named and not the user."""
        return None if self.actor is None or _is_user(self.actor, self.scope) else self.actor


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """The evidence of a memory: the words, and the episode they were said in."""

    episode_id: str
    quote: str
    said_at: datetime
    role: Role
    actor: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Memory:
    """One version of a memory. The id is a stable handle; `update` makes a new version of it."""

    id: str
    version: int
    scope: Scope
    kind: Kind
    text: str
    created_at: datetime
    updated_at: datetime
    known_from: datetime
    known_to: datetime | None = None
    valid_from: datetime | None = None
    valid_to: datetime | None = None
    precision: Precision | None = None
    subject: str | None = None
    attribute: str | None = None
    object: str | None = None
    """The value of the attribute, in the words of the source: "Siemens"."""
    slot: str | None = None
    """Subject and attribute in one normal form: what supersession compares."""
    origin: Origin = "stated"
    attributed_to: Literal["user", "assistant"] | None = None
    actor: str | None = None
    role: Role | None = None
    confidence: float = 1.0
    """How sure the extractor was, in [0, 1]."""
    proof_count: int = 1
    """How many messages said it."""
    pinned: bool = False
    expires_at: datetime | None = None
    retired_by: str | None = None
    """The memory that took its place."""
    retire_reason: str | None = None
    """`superseded`, `deleted`, `forgotten`, `undone` or `merged`; None for a former version."""
    seen: str | None = None
    """What everything but `get` sees of the text, where secrets in it are masked."""
    rating: int = 0
    """Sum of its feedback: 1 a POSITIVE, -1 a NEGATIVE, -2 a VERY_NEGATIVE."""
    runs: tuple[str, ...] = ()
    """Further runs in which it was said, beside the scope's own."""
    metadata: Metadata = field(default_factory=dict)
    categories: tuple[str, ...] = ()
    said_at: datetime | None = None
    """When its first source was said."""
    sources: tuple[Source, ...] = ()

    @property
    def words(self) -> str:
        """The text, as everything but `get` sees it."""
        return self.text if self.seen is None else self.seen

    @property
    def indexed(self) -> str:
        """What search sees of it."""
        return _with_speaker(self.actor, self.scope, self.words)

    @property
    def person(self) -> str | None:
        """Who said it, where she is named and not the user."""
        return None if self.actor is None or _is_user(self.actor, self.scope) else self.actor


def _with_speaker(name: str | None, scope: Scope, words: str) -> str:
    """Where speakers have names, who said it is part of what is looked for; the user's own is "I"."""
    return words if name is None or _is_user(name, scope) else f"{name}: {words}"


def _is_user(name: str, scope: Scope) -> bool:
    return scope.user_id is not None and name.casefold() == scope.user_id.casefold()


Record = Memory | Episode
"""What an id can name."""

ChangeKind = Literal["add", "update", "delete", "delete_all", "forget", "merge", "split", "consolidate", "undo"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """One decided write: what a receipt's `change_id` names and `undo` takes back."""

    id: str
    scope: Scope
    kind: ChangeKind
    at: datetime
    undone_by: str | None = None
    """The change that took it back."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Tombstone:
    """What a person asked to forget, without its words: enough to know it again, not to tell it."""

    id: str
    scope: Scope
    at: datetime
    change_id: str
    slot: str | None
    print: Mapping[str, Any]
    """Hashes of its words, as `sameness` makes them."""


EntityKind = Literal["user", "assistant", "person", "place", "organisation", "thing"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Entity:
    """Somebody or something that memories name."""

    id: str
    scope: Scope
    """Whose: project and the ids of user, agent and app; a run only where nothing else is given."""
    kind: EntityKind
    name: str
    """As it was first said, byte for byte."""
    created_at: datetime
    aliases: tuple[str, ...] = ()
    """Further names, as they were said."""
    merged_into: str | None = None
    """The entity that it turned out to be."""
    memories: int = 0
    """How many current memories name it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Relation:
    """A typed link of two entities, valid as long as the memory it comes from."""

    subject: str
    """Id of an entity."""
    predicate: str
    object: str
    """Id of an entity."""
    memory_id: str
    valid_from: datetime | None = None
    valid_to: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class HistoryEvent:
    """One line of the append-only history of a memory."""

    id: str
    memory_id: str
    version: int
    event: Literal["ADD", "UPDATE", "DELETE"]
    old_text: str | None
    new_text: str | None
    at: datetime
    change_id: str
    actor: str
    """Who decided: `person` (update, delete, remember, undo), or the extractor's name."""
    reason: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Turn:
    """A message as the extractor sees it."""

    role: Role
    content: str
    said_at: datetime
    name: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Near:
    """A memory that lies near the new turns, as the extractor sees it."""

    text: str
    said_at: datetime
    score: float
    """How near, in [0, 1]."""
    subject: str | None = None
    attribute: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ExtractionRequest:
    """What an extractor is given: new turns in order, the turns before them, and context."""

    turns: tuple[Turn, ...]
    before: tuple[Turn, ...] = ()
    """The turns before the new ones, oldest first."""
    near: tuple[Near, ...] = ()
    """Memories the new turns may repeat or change, nearest first."""
    metadata: Metadata = field(default_factory=dict)
    instructions: str | None = None
    choices: Mapping[str, str] = field(default_factory=dict)
    """Categories to choose from: name to meaning."""


Deed = Literal["new", "same", "fuller", "replaces", "unsure"]
"""What a fact does to a memory that is known: nothing, says it again, says it more fully, takes its
place, or contradicts it without being clear."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Fact:
    """One thing an extractor found. `quote` occurs verbatim in `turns[turn].content`."""

    text: str
    turn: int
    quote: str
    kind: Kind = "fact"
    subject: str | None = None
    """`user`, `assistant`, or the name of who or what the fact is about."""
    attribute: str | None = None
    """What is said of the subject: a name of `slots.toml` where one fits, else a word or two."""
    object: str | None = None
    """The value of the attribute, in words of the quote: "Siemens"."""
    ends: bool = False
    """It says that something stopped being so ("I quit my job"): nothing takes the old value's place."""
    corrects: str | None = None
    """It puts right what was said just before: the wrong words ("Tuesday" in "no, I meant Thursday, not Tuesday")."""
    does: Deed = "new"
    to: int | None = None
    """The memory it does that to: its place in `ExtractionRequest.near`."""
    also: tuple[tuple[int, str], ...] = ()
    """Further evidence from other turns, for what a pronoun means: (place, words of it). Places count on from
    `before` into `turns`: `len(before)` is the first new turn."""
    categories: tuple[str, ...] = ()
    attributed_to: Literal["user", "assistant"] = "user"
    valid_from: datetime | None = None
    valid_to: datetime | None = None
    precision: Precision | None = None
    confidence: float = 1.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """A fact as somebody hands it over who has found it in the messages: an agent that is a model itself.

    It is believed as an extractor's facts are: as far as its quote bears it out.
    """

    text: str
    quote: str
    subject: str = ""
    """`user`, `assistant`, or the name of who or what it is about."""
    attribute: str = ""
    object: str = ""
    kind: Literal["fact", "preference", "event", "procedure"] = "fact"
    ends: bool = False
    """It says that something stopped being so."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Refusal:
    """A turn (`quote` None), or one sentence of it, judged to hold nothing lasting."""

    turn: int
    reason: str
    """`greeting`, `thanks`, `small_talk`, `question`, `request`, or another word for it."""
    quote: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Usage:
    """What a write cost."""

    model_calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    embeddings: int = 0
    """Texts (or windows of long texts) embedded."""

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            model_calls=self.model_calls + other.model_calls,
            input_tokens=self.input_tokens + other.input_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
            embeddings=self.embeddings + other.embeddings,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """What a project may spend on models, where work beyond it waits, and what it may hold, where more is refused."""

    calls_per_add: int | None = None
    calls_per_day: int | None = None
    tokens_per_day: int | None = None
    """Input and output together, by the day of UTC."""
    memories: int | None = None
    """With which nothing more is taken; looked at every few seconds."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Extraction:
    """An extractor's answer. A turn that is neither in `facts` nor refused as a whole held nothing found."""

    facts: tuple[Fact, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    usage: Usage = field(default_factory=Usage)


# What the public methods return. Times are ISO 8601 strings with a zone.


class SourceItem(TypedDict):
    """Where a memory comes from."""

    episode_id: str
    quote: str
    said_at: str
    role: str
    actor_id: str | None


class MemoryItem(TypedDict):
    """One memory, or one episode (`kind` is then `episode`)."""

    id: str
    memory: str
    hash: str
    kind: str
    version: int
    metadata: dict[str, Any]
    user_id: str | None
    agent_id: str | None
    app_id: str | None
    run_id: str | None
    actor_id: str | None
    role: str | None
    attributed_to: str | None
    origin: str
    subject: str | None
    attribute: str | None
    categories: list[str]
    confidence: float
    said_at: str | None
    valid_from: str | None
    valid_to: str | None
    precision: str | None
    expiration_date: str | None
    created_at: str
    updated_at: str
    sources: list[SourceItem]
    object: NotRequired[str | None]
    pinned: NotRequired[bool]
    rating: NotRequired[int]
    """Sum of the feedback."""
    retired_by: NotRequired[str | None]
    """Of a memory that is no longer current: the one that took its place."""
    retire_reason: NotRequired[str]
    known_to: NotRequired[str]
    """Of a memory that is no longer current: since when."""
    score: NotRequired[float]
    score_details: NotRequired[dict[str, Any]]


class SearchResult(TypedDict):
    """Hits, best first, and how many candidates lay below the floor."""

    results: list[MemoryItem]
    below_floor: int
    notes: NotRequired[list[str]]


class IntervalItem(TypedDict):
    """A time that a question names; an end that is None is open."""

    start: str | None
    end: str | None
    precision: str
    role: str
    """`in`, `before` or `after`."""


class QuestionItem(TypedDict):
    """What was understood of a question, with no model."""

    text: str
    """The question with the user in the first person."""
    core: str
    """What was embedded and looked for by keyword."""
    only_time: bool
    """Asks for a time and nothing else, so that no word was looked for."""
    names: list[str]
    times: list[IntervalItem]
    anchor: dict[str, str] | None
    """An event that tells the time: its `role` (before, after, during) and its `text`."""
    order: str | None
    """`first` or `last`: asks for the earliest or the latest of several."""
    past: bool
    present: bool
    breadth: bool
    """Counts or lists."""
    about_user: bool
    attributes: list[str]
    """What of the user it asks for, and nothing else."""


Dropped = Literal["beyond_top_k", "copy", "off_topic", "below_floor"]
"""Where something that was found was left behind."""


class ExplainedItem(MemoryItem):
    """Something that was found, with `score` and `score_details`."""

    rank: int
    """Among all that was found, from 1."""
    copy_of: str | None
    """The better one with the same words: copies come behind all others."""
    dropped: Dropped | None
    """Why it is no hit; None: it is one."""


Fate = Literal[
    "found", "unknown", "other_scope", "hidden", "refused", "represented", "deleted", "forgotten", "undone", "merged",
    "superseded", "not_known_then", "not_then", "expired", "filtered", "not_included", "not_indexed", "not_found",
    "off_topic", "below_floor", "copy", "beyond_top_k",
]  # fmt: skip
"""What became of a memory in a search: the first that applies, in the order of the pipeline."""


class ExplainedMemory(TypedDict):
    """The memory, or the message, that was asked about."""

    id: str
    status: Fate
    reason: str
    """One sentence."""
    numbers: dict[str, Any]
    """What the sentence rests on."""
    memory: str | None
    """Its text; None where it is gone, or somebody else's."""
    rank: int | None
    """Among all that was found."""
    score: float | None
    score_details: dict[str, Any] | None
    """What each arm found in it, where it was compared with the question."""


class ExplainResult(TypedDict):
    """How a search came to its answer."""

    question: QuestionItem
    arms: list[str]
    """Those that are switched on."""
    searched: int
    """How many records the question was compared with."""
    floor: float
    """The least score of a hit."""
    heard: bool
    """Whether anything in the scope stands out for the question; if not, nothing is a hit."""
    lift: float | None
    """How far the nearest stands out, of 1; None: not measured."""
    hits: list[ExplainedItem]
    dropped: list[ExplainedItem]
    """The nearest dozen of what was found and is no hit."""
    dropped_counts: dict[Dropped, int]
    """How many were dropped, by where."""
    memory: NotRequired[ExplainedMemory]
    notes: NotRequired[list[str]]


class ListResult(TypedDict):
    """One page of memories. `total` counts all pages; `next_cursor` is None on the last one."""

    results: list[MemoryItem]
    total: int
    next_cursor: str | None


class AddedItem(TypedDict):
    """What happened to one memory."""

    id: str
    memory: str
    event: Literal["ADD", "UPDATE", "DELETE", "NONE"]
    """`DELETE`: a new statement took its place, or ended it. `NONE`: it was known."""
    kind: str
    reason: NotRequired[str]
    old_memory: NotRequired[str]
    """Of an UPDATE: the text before."""
    replaces: NotRequired[list[str]]
    """Of an ADD: the memories whose place it takes."""
    replaced_by: NotRequired[str]
    """Of a DELETE: the memory that took its place."""
    actor_id: NotRequired[str | None]
    role: NotRequired[str]


class MessageOutcome(TypedDict):
    """What became of one message."""

    episode_id: str
    state: str
    reason: str | None
    memories: list[str]
    """Ids of the memories that cite it."""
    refused: list[dict[str, str]]
    """Sentences and facts that were not kept: `quote` and `reason`."""
    masked: NotRequired[dict[str, int]]
    """Secrets in it that nothing but the log sees: how many of each kind."""
    retry_at: NotRequired[str]
    """Of a pending message: when extraction is tried again."""


class Receipt(TypedDict):
    """The account of one write."""

    change_id: str
    extractor: str | None
    """None when nothing was extracted (`infer=False`, `remember`)."""
    messages: list[MessageOutcome]
    usage: dict[str, int]


class AddResult(TypedDict):
    """Answer of `add` and `remember`."""

    results: list[AddedItem]
    receipt: Receipt


class Imported(TypedDict):
    """What became of one memory of another layer."""

    id: str | None
    """The memory here; None where none is named."""
    source_id: str | None
    """Its id there."""
    event: Literal["ADD", "NONE", "REFUSED"]
    """`NONE`: it was here, by its id or, as one more source, by its words."""
    reason: NotRequired[str]
    former_texts: NotRequired[int]
    """Of an ADD: how many earlier texts came along."""


class ImportResult(TypedDict):
    """Answer of `import_memories`."""

    results: list[Imported]
    """One item a memory, in the order given."""
    added: int
    repeated: int
    """Said before in the same words: one more source of that memory."""
    already_stored: int
    """Imported before, by their ids."""
    refused: int
    former_texts: int
    change_ids: list[str]
    """What `undo` takes; one an owner."""


class HistoryItem(TypedDict):
    """One line of a memory's history, oldest first."""

    id: str
    memory_id: str
    version: int
    event: str
    old_memory: str | None
    new_memory: str | None
    actor: str
    reason: str | None
    change_id: str
    created_at: str
    updated_at: str
    is_deleted: bool


class UntoldItem(HistoryItem):
    """What happened to a memory of a project that somebody listens to."""

    project: str
    user_id: str | None
    agent_id: str | None
    app_id: str | None
    run_id: str | None


class ChangesResult(TypedDict):
    """One page of what happened to memories, oldest first. `next_cursor` is None on the last page."""

    results: list[HistoryItem]
    total: int
    next_cursor: str | None


class EventItem(AddedItem):
    """What one write did to one memory."""

    created_at: str


class EventResult(TypedDict):
    """What became of a write."""

    id: str
    """Its `change_id`."""
    kind: str
    """What it was: "add", "delete", "undo", …"""
    status: Literal["PENDING", "SUCCEEDED", "FAILED"]
    user_id: str | None
    agent_id: str | None
    app_id: str | None
    run_id: str | None
    created_at: str
    updated_at: str
    """When it last did something."""
    undone_by: str | None
    """The change that took it back."""
    results: list[EventItem]
    """What it did, oldest first; at last memories that were known and were said once more, as `NONE`."""
    messages: list[MessageOutcome]
    """The messages it brought."""


class FillResult(TypedDict):
    """A form filled from memories."""

    result: dict[str, Any]
    by: str
    """The model that filled it, or "attributes"."""
    memories: int
    """How many it was filled from."""


class EventsResult(TypedDict):
    """One page of writes, the newest first. `next_cursor` is None on the last page."""

    results: list[EventResult]
    total: int
    next_cursor: str | None


class TimelineItem(TypedDict):
    """A value that an attribute of somebody had."""

    id: str
    version: int
    memory: str
    object: str | None
    """The value in the words of the source."""
    since: str | None
    """When it began to hold: as it says, or when what it replaces ended; None: not known."""
    valid_from: str | None
    valid_to: str | None
    precision: str | None
    known_from: str
    known_to: str | None
    said_at: str | None
    current: bool
    reason: str | None
    """Of a former value: `superseded` (it held until something else did) or `updated` (it was put right)."""
    replaces: list[str]
    """Ids of the memories whose place it took."""
    replaced_by: str | None


Format = Literal["text", "messages", "xml", "json"]
FORMATS: tuple[Format, ...] = ("text", "messages", "xml", "json")
"""Of a context block."""


class ContextResult(TypedDict):
    """A block for a prompt."""

    context: str
    """All of it, in the format asked for; of "messages", their contents one after the other."""
    stable: str
    """How `context` begins: who the user is. The same, byte for byte, until a memory in it changes."""
    messages: NotRequired[list[dict[str, str]]]
    """With the format "messages": the stable part and the hits, a system message each, those that are not empty."""
    tokens: int
    """Size of `context`."""
    hits: list[MemoryItem]
    """What stands in it beside the stable part, best first."""
    omitted: int
    """Hits that did not fit into the budget."""
    profile_omitted: int
    """Memories about the user that did not fit into the stable part."""


class MessageItem(TypedDict):
    """One message of the log."""

    id: str
    role: str
    content: str
    """As everything but the log sees it: secrets masked."""
    actor_id: str | None
    user_id: str | None
    agent_id: str | None
    app_id: str | None
    run_id: str | None
    metadata: dict[str, Any]
    said_at: str
    received_at: str
    state: str
    reason: str | None
    attempts: int
    retry_at: str | None
    change_id: str | None


class LogResult(TypedDict):
    """One page of messages, newest first. `next_cursor` is None on the last page."""

    results: list[MessageItem]
    total: int
    next_cursor: str | None


class PendingResult(TypedDict):
    """What came of pending messages."""

    processed: int
    """Messages that were extracted from."""
    results: list[AddedItem]
    messages: list[MessageOutcome]
    pending: int
    """Messages still waiting."""
    failed: int
    usage: dict[str, int]


class ProposalItem(TypedDict):
    """One thing that consolidation would do."""

    id: str
    """The same as long as what it rests on stays the same."""
    kind: Literal["merge", "retire", "pattern"]
    reason: str
    memories: list[str]
    """Ids of the memories it rests on."""
    texts: list[str]
    """Their texts."""
    proposed: str | None
    """The text that would stay, or the pattern."""
    change_id: NotRequired[str]
    """When it was applied: what `undo` takes."""
    error: NotRequired[str]
    """When it could not be applied."""


class ConsolidateResult(TypedDict):
    """Proposals, and with `dry_run=False` what became of them."""

    proposals: list[ProposalItem]
    dry_run: bool
    applied: int


class ProfileItem(TypedDict):
    """One line of a profile and the memory it comes from."""

    text: str
    memory_id: str
    attribute: str | None
    since: str | None


class ProfileResult(TypedDict):
    """Who somebody is, from current memories."""

    facts: list[ProfileItem]
    """What rarely changes: name, birthday, family, allergies."""
    state: list[ProfileItem]
    """What is so now and may change: home, employer, plans."""
    preferences: list[ProfileItem]
    text: str
    """The same as a few lines; byte-identical until one of the memories changes."""


class EntityItem(TypedDict):
    """Somebody or something that memories name."""

    id: str
    name: str
    kind: str
    aliases: list[str]
    memories: int
    """How many current memories name it."""


class EntitiesResult(TypedDict):
    """One page of entities, most named first."""

    results: list[EntityItem]
    total: int
    next_cursor: str | None


class RelationItem(TypedDict):
    """A typed link between two entities, from one memory."""

    subject: str
    subject_name: str
    predicate: str
    object: str
    object_name: str
    memory_id: str
    valid_from: str | None
    valid_to: str | None


class RelatedEntity(EntityItem):
    """An entity near another."""

    hops: int


class RelatedResult(TypedDict):
    """An entity, and whom and what it is linked with."""

    entity: EntityItem
    related: list[RelatedEntity]
    relations: list[RelationItem]
    memories: list[str]
    """Ids of the memories that name the entity."""


class GraphResult(TypedDict):
    """Entities as nodes, relations as edges."""

    nodes: list[EntityItem]
    edges: list[RelationItem]
    total: int
    """How many nodes there are in all."""


class StatsResult(TypedDict):
    """What a store, or a scope of it, holds."""

    memories: int
    episodes: int
    pending: int
    failed: int
    owners: int
    bytes: int
    whole_search: str
    store: str
    embedder: str
    dimensions: int | None
    extractor: str
    model_calls_today: int
    tokens_today: int


class VerifyResult(TypedDict):
    """`ok` is true when `problems` is empty."""

    ok: bool
    checked: int
    problems: list[str]
