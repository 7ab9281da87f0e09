"""What another memory layer had made of messages becomes memories here, as it was: its words, times and former texts.

Nothing is extracted and nothing is reconciled: what that layer kept apart stays apart, except where it holds the same
words twice. Each memory brings one message with its words into the log, which carries the other layer's id, so that
the same import can be run again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any, Literal

from mnemic import hygiene, inputs, sameness
from mnemic.drafts import ONE, Likeness, event, grave, once_key, source_of, trace_of
from mnemic.errors import Conflict, InvalidInput, describe
from mnemic.ids import new_id
from mnemic.protocols import Ask, Calibration, NewEpisode, NewMemory, Proof, Vectors, Write
from mnemic.times import parse_time
from mnemic.types import SCOPE_IDS, Change, Episode, HistoryEvent, Imported, ImportResult, Kind, Memory, Role, Scope
from mnemic.write import TRIES, WritePath, clean, lost_race

_TICK = timedelta(microseconds=1)


@dataclass(frozen=True, kw_only=True)
class Foreign:
    """A memory of another layer, checked."""

    scope: Scope
    external_id: str
    """`source:id`."""
    said: tuple[tuple[str, datetime], ...]
    """Its texts with the moments from which they were its text, oldest first; the last one is its text now."""
    created_at: datetime
    updated_at: datetime
    superseded: bool
    kind: Kind
    role: Role
    actor: str | None
    by_assistant: bool
    expires_at: datetime | None
    categories: tuple[str, ...]
    metadata: Mapping[str, Any]

    @property
    def text(self) -> str:
        """What it says now."""
        return self.said[-1][0]


@dataclass
class _Batch:
    """What one commit writes: memories of one owner."""

    change: Change
    episodes: list[NewEpisode] = field(default_factory=list)
    memories: list[NewMemory] = field(default_factory=list)
    proofs: list[Proof] = field(default_factory=list)
    history: list[HistoryEvent] = field(default_factory=list)
    outcomes: dict[str, Imported] = field(default_factory=dict)
    """By external id."""


async def bring(
    path: WritePath, calibration: Calibration, given: Sequence[object], *, source: str, project: str, within: Scope | None,
    at: datetime,
) -> ImportResult:  # fmt: skip
    """Keep memories of another layer, by owner in a transaction each; those that cannot be kept say why."""
    found: list[Imported] = []
    owners: dict[Any, dict[str, tuple[int, Foreign]]] = {}
    for place, item in enumerate(given):
        found.append({"id": None, "source_id": _named(item), "event": "REFUSED"})
        try:
            foreign = read(item, source=source, project=project, within=within, at=at, where=f"memories[{place}]")
        except InvalidInput as exc:
            found[place]["reason"] = str(exc)
            continue
        mine = owners.setdefault(foreign.scope.owner, {})
        if foreign.external_id in mine:
            found[place] |= {"event": "NONE", "reason": "stored before"}
        else:
            mine[foreign.external_id] = (place, foreign)
    changes = []
    for each in owners.values():
        batch = await _keep(path, calibration, [foreign for _, foreign in each.values()], source, at)
        if batch.memories or batch.proofs:
            changes.append(batch.change.id)
        for external_id, outcome in batch.outcomes.items():
            found[each[external_id][0]] |= outcome
    return {
        "results": found,
        "added": sum(each["event"] == "ADD" for each in found),
        "repeated": sum(each.get("reason") == _SAME_WORDS for each in found),
        "already_stored": sum(each.get("reason") == _STORED for each in found),
        "refused": sum(each["event"] == "REFUSED" for each in found),
        "former_texts": sum(each.get("former_texts", 0) for each in found),
        "change_ids": changes,
    }


_STORED = "stored before"
_SAME_WORDS = "said before in the same words"


# One commit.


async def _keep(
    path: WritePath, calibration: Calibration, foreign: Sequence[Foreign], source: str, at: datetime
) -> _Batch:
    first = foreign[0].scope
    owner = Scope(project=first.project, **dict([first.owner or ("", "")]))
    change = Change(id=new_id(owner.partition), scope=owner, kind="add", at=at)
    for _ in range(TRIES):
        taken = await path.store.taken(owner, [each.external_id for each in foreign])
        batch = _Batch(change=change)
        for each in foreign:
            if each.external_id in taken:
                batch.outcomes[each.external_id] = _outcome(each, "NONE", reason=_STORED)
        fresh = [each for each in foreign if each.external_id not in taken]
        if not fresh:
            return batch
        cleaned = await clean([words for each in fresh for words, _ in each.said], hygiene.mask)
        lives = [(each, _lives(each, cleaned, change, path)) for each in fresh]
        texts = [memory.indexed for _, (_, versions) in lives for memory in versions]
        vectors = dict(zip(texts, await path.embedding.windows(texts), strict=True))
        await _settle(path, Likeness(calibration), lives, vectors, batch, source)
        try:
            await path.store.commit(
                Write(
                    scope=owner, at=at, space=path.embedding.space, changes=(change,),
                    episodes=tuple(batch.episodes), memories=tuple(batch.memories), proofs=tuple(batch.proofs),
                    history=tuple(batch.history),
                )
            )  # fmt: skip
        except Conflict:
            continue
        return batch
    raise lost_race()


async def _settle(
    path: WritePath,
    likeness: Likeness,
    lives: Sequence[tuple[Foreign, tuple[Episode, list[Memory]]]],
    vectors: Mapping[str, Vectors],
    batch: _Batch,
    source: str,
) -> None:
    """Decide of each whether it is new, one more source of what is known, or was forgotten here."""
    keys = [once_key(versions[-1]) for _, (_, versions) in lives]
    standing = await path.store.standing(batch.change.scope, keys)
    scopes = dict.fromkeys(each.scope for each, _ in lives)
    stones = {scope: (await path.store.around(Ask(scope=scope))).tombstones for scope in scopes}
    new: dict[str, int] = {}
    for key, (each, (episode, versions)) in zip(keys, lives, strict=True):
        memory = versions[-1]
        outcome = _outcome(each, "ADD", memory_id=memory.id)
        batch.outcomes[each.external_id] = outcome
        forgotten = (grave(stone, memory, vectors[memory.indexed][0], likeness) for stone in stones[each.scope])
        if any(sameness.compare(trace_of(memory), buried.trace, buried.similarity) in ONE for buried in forgotten):
            outcome |= {
                "id": None,
                "event": "REFUSED",
                "reason": "forgotten here; what was forgotten does not come back",
            }
        elif memory.known_to is None and (key in standing or key in new):
            batch.episodes.append(NewEpisode(episode=episode, vectors=vectors[episode.indexed]))
            if key in standing:
                known = standing[key]
                cited = source_of(episode)
                batch.proofs.append(
                    Proof(memory_id=known.id, version=known.version, source=cited, change_id=batch.change.id)
                )
            else:
                known = _with_source(batch, new[key], episode)
            outcome |= {"id": known.id, "event": "NONE", "reason": _SAME_WORDS}
        else:
            batch.episodes.append(NewEpisode(episode=episode, vectors=None))
            if memory.known_to is None:
                new[key] = len(batch.memories) + len(versions) - 1
            batch.memories += [NewMemory(memory=former, vectors=vectors[former.indexed]) for former in versions[:-1]]
            batch.memories.append(
                NewMemory(
                    memory=memory, vectors=vectors[memory.indexed], episode_id=episode.id,
                    once=None if each.superseded else key,
                )
            )  # fmt: skip
            batch.history += _story(versions, batch.change.id, source)
            outcome["former_texts"] = len(versions) - 1


def _with_source(batch: _Batch, place: int, episode: Episode) -> Memory:
    """A memory of this batch, which another one repeats."""
    new = batch.memories[place]
    known = new.memory
    runs = dict.fromkeys((*known.runs, *filter(None, [episode.scope.run_id])))
    runs.pop(known.scope.run_id or "", None)
    known = replace(
        known, sources=(*known.sources, source_of(episode)), proof_count=known.proof_count + 1, runs=tuple(runs)
    )
    batch.memories[place] = replace(new, memory=known)
    return known


def _lives(
    foreign: Foreign, cleaned: Mapping[str, hygiene.Cleaned], change: Change, path: WritePath
) -> tuple[Episode, list[Memory]]:
    """The message that stands for a memory, and the memory's versions, oldest first."""
    kept = [_kept(cleaned[words], words, keep_secrets=path.keep_secrets) for words, _ in foreign.said]
    since = [moment for _, moment in foreign.said]
    content, seen = kept[-1]
    episode = Episode(
        id=new_id(foreign.scope.partition), scope=foreign.scope, role=foreign.role, content=content, seen=seen,
        said_at=since[-1], received_at=change.at, actor=foreign.actor, metadata=foreign.metadata, state="done",
        change_id=change.id, external_id=foreign.external_id,
    )  # fmt: skip
    memory_id = new_id(foreign.scope.partition)
    last = len(kept) - 1
    versions = []
    for place, (words, seen) in enumerate(kept):
        ends = since[place + 1] if place < last else foreign.updated_at if foreign.superseded else None
        versions.append(
            Memory(
                id=memory_id, version=place + 1, scope=foreign.scope, kind=foreign.kind, text=words, seen=seen,
                origin="imported", attributed_to="assistant" if foreign.by_assistant else "user", actor=foreign.actor,
                role=foreign.role, expires_at=foreign.expires_at, metadata=foreign.metadata,
                categories=foreign.categories, said_at=since[place], sources=(source_of(episode),),
                created_at=foreign.created_at, updated_at=foreign.updated_at if ends is None else ends,
                known_from=since[place], known_to=ends,
                retire_reason="superseded" if place == last and foreign.superseded else None,
            )
        )  # fmt: skip
    return episode, versions


def _kept(cleaned: hygiene.Cleaned, words: str, *, keep_secrets: bool) -> tuple[str, str | None]:
    """What is stored of a text, and what everything but the log sees of it where that differs."""
    if cleaned.text == words:
        return words, None
    return (words, cleaned.text) if keep_secrets else (cleaned.text, None)


def _story(versions: Sequence[Memory], change_id: str, source: str) -> list[HistoryEvent]:
    """What became of a memory, in its own times."""
    first, last = versions[0], versions[-1]
    reason = f"imported from {source}"
    told = [event(first, "ADD", change_id, first.known_from, source, reason)]
    told += [
        event(after, "UPDATE", change_id, after.known_from, source, reason, old=before.words)
        for before, after in pairwise(versions)
    ]
    if last.known_to is not None:
        told.append(event(last, "DELETE", change_id, last.known_to, source, "superseded"))
    return told


# What is given.


def read(item: object, *, source: str, project: str, within: Scope | None, at: datetime, where: str) -> Foreign:
    """A memory of another layer.

    Raises:
        InvalidInput: it has no text or no id, names nobody, or holds what cannot be stored.
    """
    if not isinstance(item, Mapping):
        raise InvalidInput(f"{where} must be a dictionary with id and memory, not {type(item).__name__}")
    own = _named(item)
    if own is None:
        raise InvalidInput(f"{where} has no id, by which it would be known again")
    scope = inputs.scope(project, {name: item[name] for name in SCOPE_IDS if item.get(name) is not None}, within)
    inputs.require_ids(scope, where)
    kept = item.get("metadata") or {}
    if not isinstance(kept, Mapping):
        raise InvalidInput(f"{where}['metadata'] must be a dictionary, not {describe(kept)}")
    created = _moment(item, "created_at", where) or _moment(item, "updated_at", where) or at
    updated = max(created, _moment(item, "updated_at", where) or created)
    said = _texts(item, created, updated, where)
    try:
        expires, odd = inputs.expiry(item.get("expiration_date") or None), {}
    except InvalidInput:  # mem0 shows such a one for ever
        expires, odd = None, {"expiration_date": item["expiration_date"]}
    by_assistant = item.get("attributed_to") == "assistant" or item.get("role") in ("assistant", "ai", "model")
    # One message with these fields is what it is logged as; the same rules hold for them.
    (message,) = inputs.messages(
        {
            "role": item.get("role") or ("assistant" if by_assistant else "user"),
            "content": said[-1][0],
            "name": item.get("actor_id"),
            "metadata": {**odd, **kept, f"{source}_id": own},
            "external_id": f"{source}:{own}",
        },
        None,
    )
    return Foreign(
        scope=scope,
        external_id=message.external_id or "",
        said=said,
        created_at=created,
        updated_at=max(updated, said[-1][1]),
        superseded=bool(item.get("replaced_by")),
        kind="procedure" if item.get("memory_type") == "procedural_memory" else "fact",
        role=message.role,
        actor=message.name,
        by_assistant=by_assistant,
        expires_at=expires,
        categories=inputs.labels(item.get("categories") or ()),
        metadata=message.metadata,
    )


def _texts(
    item: Mapping[str, Any], created: datetime, updated: datetime, where: str
) -> tuple[tuple[str, datetime], ...]:
    """Its texts and since when each was its text, by its history where that is given; what it says now is the last."""
    found: list[tuple[str, datetime]] = []
    lines = item.get("history") or ()
    if not isinstance(lines, Sequence) or not all(isinstance(line, Mapping) for line in lines):
        raise InvalidInput(f"{where}['history'] must be a list of dictionaries, not {describe(lines)}")
    for line in lines:
        words = line.get("new_memory")
        if line.get("event") not in ("ADD", "UPDATE") or not isinstance(words, str) or not words.strip():
            continue
        if found and found[-1][0] == words:
            continue  # what changed was not the text
        since = created if line["event"] == "ADD" else _moment(line, "updated_at", where) or created
        found.append((inputs.text(words, f"{where}['history']"), since))
    now = inputs.text(item.get("memory"), f"{where}['memory']")
    if not found or found[-1][0] != now:
        found.append((now, updated if found else created))
    said = [found[0]]
    for words, since in found[1:]:
        said.append((words, max(since, said[-1][1] + _TICK)))
    return tuple(said)


def _moment(item: Mapping[str, Any], name: str, where: str) -> datetime | None:
    value = item.get(name)
    return None if value in (None, "") else parse_time(value, name=f"{where}[{name!r}]")


def _named(item: object) -> str | None:
    """The other layer's id, as it is shown."""
    value = item.get("id") if isinstance(item, Mapping) else None
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) and str(value).strip() else None


def _outcome(
    foreign: Foreign, event: Literal["ADD", "NONE"], *, memory_id: str | None = None, reason: str | None = None
) -> Imported:
    own = foreign.external_id.partition(":")[2]
    found: Imported = {"id": memory_id, "source_id": own, "event": event}
    return found if reason is None else {**found, "reason": reason}
