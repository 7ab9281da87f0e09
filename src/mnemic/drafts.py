"""A fact as the memory it would make, and what of a memory is compared. Pure."""

from __future__ import annotations

import base64
import functools
import hashlib
from collections.abc import Mapping
from dataclasses import asdict, fields, replace
from datetime import datetime
from typing import Any, Literal

import numpy as np

from mnemic import dates, names, reconcile, sameness, slots, text
from mnemic.ids import new_id
from mnemic.protocols import Calibration, Vectors
from mnemic.ranking import Centred
from mnemic.reconcile import Draft, Grave
from mnemic.sameness import Trace
from mnemic.types import Entity, Episode, Fact, HistoryEvent, Memory, Source, Task, Tombstone

ONE = frozenset(("same", "fuller", "shorter"))
"""Relations of two statements that are one memory."""

_SELVES = ("user", "assistant")


def draft(fact: Fact, episode: Episode, before: Mapping[int, Episode], at: datetime) -> Draft:
    """The memory a fact would make. `before`: the earlier turns that `fact.also` cites, by their place."""
    task = episode.task or Task()
    also = tuple(source_of(before[place], quote) for place, quote in fact.also if place in before)
    attribute = slots.canonical(fact.attribute)
    memory = Memory(
        id=new_id(episode.scope.partition),
        version=1,
        scope=episode.scope,
        kind=fact.kind,
        text=fact.text,
        subject=fact.subject,
        attribute=attribute,
        object=fact.object,
        slot=slots.key(None if fact.subject is None else key_of_subject(fact.subject), attribute),
        origin="stated",
        attributed_to=fact.attributed_to,
        actor=episode.actor,
        role=episode.role,
        confidence=fact.confidence,
        valid_from=fact.valid_from,
        valid_to=fact.valid_to,
        precision=fact.precision,
        expires_at=task.expires_at,
        metadata=episode.metadata,
        categories=(*task.categories, *(each for each in fact.categories if each not in task.categories)),
        said_at=episode.said_at,
        sources=(source_of(episode, fact.quote), *also),
        created_at=at,
        updated_at=at,
        known_from=at,
    )
    return Draft(memory=memory, trace=trace_of(memory), fact=fact, trust=reconcile.trust(memory))


def key_of_subject(subject: str) -> str:
    """What stands for a subject in slots: the two who talk by their role, everybody else by name."""
    return subject if subject in _SELVES else names.key(subject)


def keys_of(entity: Entity) -> tuple[str, ...]:
    """All keys an entity is known by."""
    return tuple(dict.fromkeys(names.key(each) for each in (entity.name, *entity.aliases)))


def source_of(episode: Episode, quote: str | None = None) -> Source:
    """An episode as evidence: the words quoted, or all of them."""
    return Source(
        episode_id=episode.id,
        quote=episode.words if quote is None else quote,
        said_at=episode.said_at,
        role=episode.role,
        actor=episode.actor,
    )


def event(
    memory: Memory,
    kind: Literal["ADD", "UPDATE", "DELETE"],
    change_id: str,
    at: datetime,
    actor: str,
    reason: str | None = None,
    *,
    old: str | None = None,
) -> HistoryEvent:
    """A line of a memory's history. `old`: of an UPDATE, the text before."""
    return HistoryEvent(
        id=new_id(memory.scope.partition),
        memory_id=memory.id,
        version=memory.version,
        event=kind,
        old_text=memory.words if kind == "DELETE" else old,
        new_text=None if kind == "DELETE" else memory.words,
        at=at,
        change_id=change_id,
        actor=actor,
        reason=reason,
    )


def once_key(memory: Memory) -> str:
    """Same words, same speaker, same user, agent and app: one memory, with one more source."""
    words = text.fingerprint(memory.words)
    parts = ("fact", memory.attributed_to, memory.actor, memory.subject, words, *company(memory))
    return hashlib.blake2b(repr(parts).encode(), digest_size=16).hexdigest()


def company(memory: Memory) -> tuple[tuple[str, str], ...]:
    """Among whose memories it is: user, agent and app, and the run where there is nothing else."""
    ids = memory.scope.ids
    return tuple((name, value) for name, value in ids.items() if name != "run_id" or len(ids) == 1)


def dated_anew(former: Memory, changed: Memory, said_at: datetime) -> Memory:
    """A corrected memory, true from and until when its new words say, where they name other times than the former."""
    dated = dates.of_fact(changed.words, said_at)
    if dated == dates.of_fact(former.words, said_at):
        return changed
    since, until, precision = dated
    return replace(changed, valid_from=since, valid_to=until, precision=precision)


def moment(memory: Memory) -> datetime:
    """When what it says began, as far as that is known."""
    return memory.valid_from or memory.said_at or memory.created_at


def trace_of(memory: Memory) -> Trace:
    """What of a memory is compared."""
    subject = None if memory.subject is None else key_of_subject(memory.subject)
    return _trace(memory.words, memory.attribute, memory.object, subject)


@functools.lru_cache(maxsize=16_384)  # the same neighbours come up with every message
def _trace(words: str, attribute: str | None, value: str | None, subject: str | None) -> Trace:
    return sameness.trace(words, attribute=attribute, object=value, subject=subject)


class Likeness:
    """The centred cosine of two statements around their embedder's prior means."""

    def __init__(self, calibration: Calibration) -> None:
        self._means = calibration.means

    def of(self, one: str, vector: Vectors | None, other: str, beside: Vectors | None) -> float | None:
        """In [-1, 1]; None without vectors. Vectors have shape (dimensions,)."""
        if vector is None or beside is None:
            return None
        centred = Centred(vector[None, :], text.side(one), self._means)
        products = (beside[None, :] @ centred.probes).astype(np.float32)
        return float(centred.cosine(products, np.array([text.side(other) == "cjk"]))[0])


# Tombstones: a trace and a vector, without the words.


def print_of(memory: Memory, vector: Vectors | None) -> dict[str, Any]:
    """What a tombstone keeps of a memory, as JSON can carry it."""
    kept = {name: _plain(value) for name, value in asdict(trace_of(memory)).items()}
    if vector is not None:
        kept["vector"] = base64.b64encode(vector.astype("<f2").tobytes()).decode()
        kept["side"] = text.side(memory.indexed)
    return kept


def _plain(value: object) -> object:
    return sorted(value) if isinstance(value, frozenset) else list(value) if isinstance(value, tuple) else value


def grave(tombstone: Tombstone, of: Memory, vector: Vectors | None, likeness: Likeness) -> Grave:
    """A tombstone, and how near the memory `of` comes to it."""
    kept = dict(tombstone.print)
    buried, side = kept.pop("vector", None), kept.pop("side", "other")
    similarity = None
    if buried is not None:
        beside = np.frombuffer(base64.b64decode(buried), dtype="<f2").astype(np.float32)
        if vector is not None and len(beside) == len(vector):
            similarity = likeness.of(of.indexed, vector, "字" if side == "cjk" else "a", beside)
    found: dict[str, Any] = {}
    for each in fields(Trace):
        if each.name in kept:
            value = kept[each.name]
            sets = str(each.type).startswith("frozenset")
            found[each.name] = frozenset(value) if sets else tuple(value) if isinstance(value, list) else value
    return Grave(trace=Trace(**found), slot=tombstone.slot, similarity=similarity)


def with_slot(memory: Memory, slot: str | None) -> Memory:
    """The same memory under another name of its subject."""
    return memory if memory.slot == slot else replace(memory, slot=slot)
