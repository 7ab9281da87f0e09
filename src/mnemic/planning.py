"""From facts and what is known around them to one write. Pure: the store is read before, and written after.

The drafts of one extraction are decided one after the other, and each sees what those before it did.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal

from mnemic import names, reconcile, sameness, slots
from mnemic.drafts import (
    Likeness,
    dated_anew,
    event,
    grave,
    key_of_subject,
    keys_of,
    once_key,
    trace_of,
    with_slot,
)
from mnemic.ids import new_id
from mnemic.protocols import (
    Around,
    EntityWrite,
    MoveName,
    Naming,
    NewEntity,
    NewMemory,
    NewRelation,
    Proof,
    Retire,
    SetState,
    Space,
    Vectors,
    Verdict,
    Write,
)
from mnemic.reconcile import Add, Correct, Draft, Fuller, Merge, Neighbour, Outdated, Refuse, Supersede
from mnemic.types import Change, Entity, Episode, HistoryEvent, Memory, Refusal, Scope, Usage

# Memories by vector that a fact is compared with. What says the same lies among the first few.
NEAREST = 8

# Paraphrases written to measure it lie at a centred similarity of 0.78 to 0.98; below, a model is not asked.
_WORTH_ASKING = 0.75

_SELVES = ("user", "assistant")


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What happened to one memory."""

    memory: Memory
    event: Literal["ADD", "UPDATE", "DELETE", "NONE"]
    reason: str | None = None
    old_text: str | None = None
    replaces: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Refused:
    """Words of a message that were not kept, and why."""

    episode_id: str
    quote: str
    reason: str


def names_of(drafts: Sequence[Draft]) -> tuple[str, ...]:
    """Keys of everybody and everything the drafts name."""
    found: dict[str, None] = {}
    for each in drafts:
        subject = each.memory.subject
        if subject is not None and subject not in _SELVES:
            found[names.key(subject)] = None
        for mention in _mentions(each):
            found.update(dict.fromkeys(names.key(name) for name in (mention.name, *mention.aliases)))
    found.pop("", None)
    return tuple(found)


def slots_of(drafts: Sequence[Draft], entities: Mapping[str, Entity]) -> tuple[str, ...]:
    """The drafts' slots, under every name their subjects go by."""
    return tuple(dict.fromkeys(slot for each in drafts for slot in _slots(each.memory, entities)))


def _slots(memory: Memory, entities: Mapping[str, Entity]) -> tuple[str, ...]:
    if memory.slot is None or memory.subject is None:
        return ()
    key = key_of_subject(memory.subject)
    keys = (key, *keys_of(entities[key])) if key in entities else (key,)
    found = (slots.key(each, memory.attribute) for each in dict.fromkeys(keys))
    return tuple(slot for slot in found if slot is not None)


def _mentions(each: Draft) -> tuple[names.Mention, ...]:
    return names.mentions(each.fact, speaker=each.memory.actor, user=each.memory.scope.user_id)


def plan(
    drafts: Sequence[Draft],
    around: Around,
    vectors: Mapping[str, Vectors],
    *,
    changes: Mapping[str, str],
    shown: Sequence[Memory],
    verdicts: Mapping[tuple[int, str], Verdict],
    likeness: Likeness,
    single: Mapping[str, bool],
    judged: bool,
    now: datetime,
) -> Plan:
    """Decide every draft.

    Args:
        drafts: in the order they were found.
        around: what is known, for `NEAREST` neighbours a draft.
        vectors: of each draft's indexed text, shape (w, dimensions).
        changes: the change that each message belongs to.
        shown: the memories that `fact.to` names by their place.
        verdicts: what a model said of pairs (draft's place, memory's id) that were open before.
        likeness: measures two statements.
        single: the project's own slots.
        judged: whether open pairs may be asked about.
        now: the time of the decision.
    """
    made = Plan(around=around, changes=changes, now=now)
    for place, each in enumerate(drafts):
        neighbours = made.neighbours(place, each, vectors, likeness)
        meant = _meant(each, shown, neighbours)
        vector = vectors[each.memory.indexed][0]
        graves = [grave(stone, each.memory, vector, likeness) for stone in around.tombstones]
        decision = reconcile.decide(each, neighbours, graves=graves, meant=meant, own=single)
        if isinstance(decision, Add):
            decision = made.with_verdicts(place, each, decision, neighbours, verdicts, shown, judged=judged)
        made.take(each, decision)
    return made


def _meant(each: Draft, shown: Sequence[Memory], neighbours: Sequence[Neighbour]) -> Neighbour | None:
    if each.fact.to is None or each.fact.to >= len(shown):
        return None
    wanted = shown[each.fact.to]
    known = next((other for other in neighbours if other.memory.id == wanted.id), None)
    if known is not None:
        return known
    return Neighbour(memory=wanted, trace=trace_of(wanted), similarity=None, trust=reconcile.trust(wanted))


@dataclass
class Plan:
    """What the drafts decided so far come to."""

    around: Around
    changes: Mapping[str, str]
    now: datetime
    outcomes: list[Outcome] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    open: list[tuple[int, str]] = field(default_factory=list)
    """Pairs (draft's place, memory's id) that only a model could decide."""
    _new: dict[str, Memory] = field(default_factory=dict)
    """Memories of this write, as they will be written."""
    _versions: dict[str, tuple[Memory, Memory, str]] = field(default_factory=dict)
    """New versions of known ones: id -> (before, after, reason)."""
    _gone: dict[str, tuple[Memory, str, str]] = field(default_factory=dict)
    """Known memories retired: id -> (memory, the one that takes its place, reason)."""
    _proofs: list[Proof] = field(default_factory=list)
    _facts: dict[str, Draft] = field(default_factory=dict)
    """The draft whose words a memory has: what it names."""
    _history: list[HistoryEvent] = field(default_factory=list)

    @property
    def texts(self) -> list[str]:
        """What search will see of the memories written, to be embedded."""
        return [each.indexed for each in (*self._new.values(), *(after for _, after, _ in self._versions.values()))]

    # What a draft is compared with.

    def neighbours(
        self, place: int, each: Draft, vectors: Mapping[str, Vectors], likeness: Likeness
    ) -> list[Neighbour]:
        """Memories around a draft, as they stand after the drafts before it."""
        around = self.around
        own = set(_slots(each.memory, around.entities))
        ids = dict.fromkeys(around.near[place] if place < len(around.near) else ())
        ids |= dict.fromkeys(memory_id for slot in own for memory_id in around.slotted.get(slot, ()))
        key = once_key(each.memory)
        ids |= dict.fromkeys([around.keyed[key]] if key in around.keyed else ())
        if each.fact.corrects is not None:
            ids |= dict.fromkeys(around.citing)
        found = []
        for memory_id in (*ids, *self._new):
            memory = self._as_it_stands(memory_id)
            if memory is None or memory.known_to is not None:
                continue
            vector = around.vectors.get(memory_id)
            if vector is None and memory.indexed in vectors:
                vector = vectors[memory.indexed][0]
            similarity = likeness.of(each.memory.indexed, vectors[each.memory.indexed][0], memory.indexed, vector)
            if memory.slot in own:
                memory = with_slot(memory, each.memory.slot)
            found.append(
                Neighbour(
                    memory=memory,
                    trace=replace(trace_of(memory), subject=each.trace.subject)
                    if memory.slot is not None and memory.slot == each.memory.slot
                    else trace_of(memory),
                    similarity=similarity,
                    trust=reconcile.trust(memory),
                )
            )
        return found

    def _as_it_stands(self, memory_id: str) -> Memory | None:
        if memory_id in self._gone:
            return None
        if memory_id in self._new:
            return self._new[memory_id]
        if memory_id in self._versions:
            return self._versions[memory_id][1]
        return self.around.memories.get(memory_id)

    def with_verdicts(
        self,
        place: int,
        each: Draft,
        decision: Add,
        neighbours: Sequence[Neighbour],
        verdicts: Mapping[tuple[int, str], Verdict],
        shown: Sequence[Memory],
        *,
        judged: bool,
    ) -> Add | Merge | Supersede:
        """What a model says of near ones that it was not shown; without its word they stay two."""
        seen = {memory.id for memory in shown}
        for other in neighbours:
            pair = (place, other.memory.id)
            if other.memory.id in seen or other.memory.id in self._new or (other.similarity or 0.0) < _WORTH_ASKING:
                continue
            if sameness.compare(each.trace, other.trace, other.similarity) != "near":
                continue
            match verdicts.get(pair):
                case "same":
                    return Merge(memory=other.memory, reason="judged the same")
                case "changed" if other.memory.slot is not None and other.memory.slot == each.memory.slot:
                    if other.trust <= each.trust and not slots_additive(each.memory.attribute):
                        return Supersede(memories=(other.memory,), reason="judged changed")
                case None if judged and not verdicts:
                    self.open.append(pair)
                case _:
                    pass
        return decision

    # What a decision changes.

    def take(self, each: Draft, decision: reconcile.Decision) -> None:
        """Note what a decision changes."""
        memory = each.memory
        change = self._change_of(each)
        match decision:
            case Refuse(reason=reason):
                self.refused.append(
                    Refused(episode_id=memory.sources[0].episode_id, quote=memory.sources[0].quote, reason=reason)
                )
            case Merge(memory=known, reason=reason):
                self._merge(each, known, reason, change)
            case Fuller(memory=known):
                # The same said more fully: the fuller words, and what they say of time and value.
                after = replace(
                    memory, id=known.id, version=known.version, scope=known.scope, created_at=known.created_at,
                    sources=known.sources, proof_count=known.proof_count, runs=known.runs, pinned=known.pinned,
                    rating=known.rating, said_at=known.said_at, metadata={**known.metadata, **memory.metadata},
                    categories=tuple(dict.fromkeys((*known.categories, *memory.categories))),
                    valid_from=memory.valid_from or known.valid_from,
                )  # fmt: skip
                self._revise(each, known, after, "said more fully", change)
            case Correct(memory=known, text=words):
                after = replace(
                    known, text=words, seen=None, origin="corrected", updated_at=self.now, known_from=self.now,
                    object=memory.object if known.object and known.object not in words else known.object,
                )  # fmt: skip
                after = dated_anew(known, after, memory.said_at or self.now)
                self._revise(each, known, after, "corrected", change)
            case Supersede(memories=others, reason=reason):
                self._add(each, memory, change, replaces=tuple(other.id for other in others))
                for other in others:
                    self._retire(other, memory, reason, change)
            case Outdated(by=by):
                past = replace(
                    memory, known_to=self.now, retired_by=by.id, retire_reason="superseded",
                    valid_to=memory.valid_to or by.valid_from or by.said_at,
                )  # fmt: skip
                self._add(each, past, change, reason="outdated")
                self._history.append(event(past, "DELETE", change, self.now, _ACTOR, "superseded"))
            case Add(unsure_of=unsure_of, reason=why):
                told = (
                    None if unsure_of is None else f"may contradict {unsure_of}" + (f" ({why})" if why != "new" else "")
                )
                self._add(each, memory, change, reason=told)

    def _change_of(self, each: Draft) -> str:
        return self.changes[each.memory.sources[0].episode_id]

    def _add(
        self,
        each: Draft,
        memory: Memory,
        change: str,
        *,
        reason: str | None = None,
        replaces: tuple[str, ...] = (),
    ) -> None:
        self._new[memory.id] = memory
        self._facts[memory.id] = each
        self.outcomes.append(Outcome(memory=memory, event="ADD", reason=reason, replaces=replaces))
        self._history.append(event(memory, "ADD", change, self.now, _ACTOR, reason))

    def _merge(self, each: Draft, known: Memory, reason: str, change: str) -> None:
        (source, *also) = each.memory.sources
        if known.id in self._new:
            memory = self._new[known.id]
            if source not in memory.sources:
                memory = replace(memory, sources=(*memory.sources, source, *also), proof_count=memory.proof_count + 1)
                self._new[known.id] = memory
                self._tell(memory)
            return
        standing = self._as_it_stands(known.id) or known
        if self._is_over(standing) and not self._is_over(each.memory):
            after = replace(standing, expires_at=each.memory.expires_at, updated_at=self.now, known_from=self.now)
            self._revise(each, standing, after, "said again", change)
            return
        if source not in standing.sources and not self._proven(known.id, source.episode_id, source.quote):
            version = standing.version
            self._proofs.append(Proof(memory_id=known.id, version=version, source=source, change_id=change))
        shown = replace(standing, sources=(*standing.sources, source))
        self.outcomes.append(Outcome(memory=shown, event="NONE", reason=_KNOWN.get(reason, reason)))

    def _is_over(self, memory: Memory) -> bool:
        """Whether its last day has passed, so that nobody is shown it."""
        return memory.expires_at is not None and memory.expires_at <= self.now

    def _proven(self, memory_id: str, episode_id: str, quote: str) -> bool:
        return any(
            (each.memory_id, each.source.episode_id, each.source.quote) == (memory_id, episode_id, quote)
            for each in self._proofs
        )

    def _tell(self, memory: Memory) -> None:
        """The outcome of a memory of this write, as it stands now."""
        self.outcomes = [
            replace(each, memory=memory) if each.memory.id == memory.id and each.event == "ADD" else each
            for each in self.outcomes
        ]

    def _revise(self, each: Draft, known: Memory, after: Memory, reason: str, change: str) -> None:
        source = each.memory.sources[0]
        if known.id in self._new:  # the same add said it before
            memory = replace(
                after, version=self._new[known.id].version, id=known.id, sources=(*known.sources, source),
                proof_count=known.proof_count + (source not in known.sources),
            )  # fmt: skip
            self._new[known.id] = memory
            self._facts[known.id] = each
            self._tell(memory)
            self._history = [
                replace(line, new_text=memory.words) if line.memory_id == known.id and line.event == "ADD" else line
                for line in self._history
            ]
            return
        before = self._versions[known.id][0] if known.id in self._versions else self.around.memories[known.id]
        after = replace(after, version=before.version + 1, slot=after.slot or before.slot)
        self._versions[known.id] = (before, after, reason)
        self._facts[known.id] = each
        self._proofs = [
            replace(proof, version=after.version) if proof.memory_id == known.id else proof for proof in self._proofs
        ]
        if source not in known.sources and not self._proven(known.id, source.episode_id, source.quote):
            self._proofs.append(Proof(memory_id=known.id, version=after.version, source=source, change_id=change))
        self.outcomes = [o for o in self.outcomes if not (o.memory.id == known.id and o.event == "UPDATE")]
        self.outcomes.append(
            Outcome(
                memory=replace(after, sources=(*before.sources, source)), event="UPDATE", reason=reason,
                old_text=before.words,
            )
        )  # fmt: skip
        self._history = [h for h in self._history if not (h.memory_id == known.id and h.event == "UPDATE")]
        self._history.append(event(after, "UPDATE", change, self.now, _ACTOR, reason, old=before.words))

    def _retire(self, other: Memory, by: Memory, reason: str, change: str) -> None:
        # What was put right was never true, so it did not end.
        ended = None if reason == "corrected" else other.valid_to or by.valid_from or by.said_at
        past = replace(other, known_to=self.now, valid_to=ended, retired_by=by.id, retire_reason="superseded")
        if other.id in self._new:
            past = replace(
                self._new[other.id], known_to=self.now, valid_to=ended, retired_by=by.id, retire_reason="superseded"
            )
            self._new[other.id] = past
        else:
            standing = self.around.memories[other.id]
            self._versions.pop(other.id, None)  # its last words go with it; they stay in the log
            self._proofs = [
                replace(proof, version=standing.version) if proof.memory_id == other.id else proof
                for proof in self._proofs
            ]
            self._history = [h for h in self._history if h.memory_id != other.id]
            past = replace(past, version=standing.version)
            self._gone[other.id] = (past, by.id, change)
            self._proofs = [proof for proof in self._proofs if proof.memory_id != other.id]
        self._history.append(event(past, "DELETE", change, self.now, _ACTOR, f"superseded ({reason})"))
        self.outcomes.append(Outcome(memory=past, event="DELETE", reason=f"superseded ({reason})"))

    # The write.

    def write(
        self,
        episodes: Sequence[Episode],
        refused: Sequence[Refusal],
        vectors: Mapping[str, Vectors],
        usage: Usage,
        space: Space | None,
        actor: str,
    ) -> Write:
        """Everything decided, and the messages it was decided from."""
        scope = episodes[0].scope
        retire = tuple(
            Retire(
                memory_id=memory.id, version=memory.version, reason="superseded", change_id=change, retired_by=by,
                valid_to=memory.valid_to,
            )
            for memory, by, change in self._gone.values()
        )  # fmt: skip
        new = [
            NewMemory(
                memory=memory,
                vectors=vectors[memory.indexed],
                once=once_key(memory) if memory.known_to is None else None,
            )
            for memory in self._new.values()
        ]
        versions = [
            NewMemory(memory=after, vectors=vectors[after.indexed], replaces=before.version, once=self._free_key(after))
            for before, after, _ in self._versions.values()
        ]
        quoted = {source.episode_id for memory in self._new.values() for source in memory.sources}
        quoted |= {proof.source.episode_id for proof in self._proofs}
        quoted |= {source.episode_id for outcome in self.outcomes for source in outcome.memory.sources}
        return Write(
            scope=scope,
            at=self.now,
            basis=self.around.basis,
            space=space,
            changes=tuple(
                Change(id=change, scope=scope, kind="add", at=self.now)
                for change in dict.fromkeys(each.change_id for each in episodes)
                if change is not None
            ),
            retire=retire,
            memories=(*versions, *new),
            proofs=tuple(self._proofs),
            states=tuple(
                _state(place, each, refused, self.refused, quoted=each.id in quoted)
                for place, each in enumerate(episodes)
            ),
            entities=tuple(self._named(scope)),
            history=tuple(replace(each, actor=actor) for each in self._history),
            spent=usage if usage.model_calls else None,
        )

    def _free_key(self, memory: Memory) -> str | None:
        """The key of a memory's words, unless another memory that stands has it."""
        key = once_key(memory)
        return key if self.around.keyed.get(key, memory.id) == memory.id else None

    def _named(self, scope: Scope) -> Iterable[EntityWrite]:
        """Who and what the memories written name, and how these are linked."""
        where = replace(scope, run_id=scope.run_id if len(scope.ids) == 1 else None)
        known: dict[str, Entity] = dict(self.around.entities)
        for memory_id, each in self._facts.items():
            of_name: dict[str, tuple[str, str]] = {}
            for mention in _mentions(each):
                keys = {names.key(name): name for name in (mention.name, *mention.aliases)}
                keys.pop("", None)
                if not keys:
                    continue
                entity, roles = _whom(mention, keys, known)
                further = {key: name for key, name in keys.items() if key not in known}
                if entity is None:
                    entity = Entity(
                        id=new_id(where.partition), scope=where, kind=mention.kind, name=mention.name,
                        created_at=self.now,
                    )  # fmt: skip
                if further:
                    yield NewEntity(entity=entity, keys=further)
                    known |= dict.fromkeys(further, entity)
                for key, former in roles.items():  # the boss is somebody else now
                    yield MoveName(key=key, source=former.id, target=entity.id, change_id=self._change_of(each))
                    known[key] = entity
                key = names.key(mention.name)
                yield Naming(memory_id=memory_id, entity_id=entity.id, key=key)
                of_name[mention.name] = (entity.id, key)
            for link in names.links(each.fact, speaker=each.memory.actor, user=each.memory.scope.user_id):
                if link.subject in of_name and link.object in of_name:
                    yield NewRelation(
                        memory_id=memory_id,
                        subject=of_name[link.subject],
                        predicate=link.predicate,
                        object=of_name[link.object],
                    )


def _whom(
    mention: names.Mention, keys: Mapping[str, str], known: Mapping[str, Entity]
) -> tuple[Entity | None, dict[str, Entity]]:
    """The entity that a mention means, or None for a new one, and the roles it takes over from others.

    A name goes before a role: "my boss Wang" is not the boss who was called Peter, unless the boss had no
    name yet.
    """
    own = names.key(mention.name)
    if own in known:
        return known[own], {}
    roles: dict[str, Entity] = {}
    for key in keys:
        if key not in known:
            continue
        entity = known[key]
        if "@" not in key or "@" in own or all("@" in each for each in keys_of(entity)):
            return entity, {}
        roles[key] = entity
    return None, roles


_ACTOR = "extractor"
"""Replaced by its name when the write is made."""

_KNOWN = {"same": "already known", "shorter": "known in more detail"}


def slots_additive(attribute: str | None) -> bool:
    """Whether values of an attribute add up."""
    return attribute is not None and slots.single(attribute) is False


def _state(
    place: int, episode: Episode, refusals: Sequence[Refusal], refused: Sequence[Refused], *, quoted: bool
) -> SetState:
    """Where a message stands now: memories cite it, it was refused as a whole, or nothing was found in it."""
    held = episode.attempts
    if quoted:
        return SetState(episode_id=episode.id, state="done", held=held)
    whole = [each.reason for each in refusals if each.turn == place and each.quote is None]
    forgotten = [each.reason for each in refused if each.episode_id == episode.id]
    if whole or forgotten:
        return SetState(episode_id=episode.id, state="refused", reason=(whole or forgotten)[0], held=held)
    return SetState(episode_id=episode.id, state="empty", held=held)
