"""What one new fact does to what is known. Pure: values in, one decision out, no model, no store.

A memory loses its place only to a fact about the same subject and attribute (a slot), of one value at
a time, that is newer and at least as much to be trusted. What an extractor says it does is a hint that
needs this agreement. Whatever cannot be decided is added beside what is known: twice is better than
lost.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from mnemic import sameness, slots, text
from mnemic.sameness import Relation, Trace, compare
from mnemic.types import Fact, Memory


@dataclass(frozen=True, kw_only=True, slots=True)
class Draft:
    """A new fact, and the memory it would make."""

    memory: Memory
    """With its slot, as `slots.key` gives it."""
    trace: Trace
    fact: Fact
    trust: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Neighbour:
    """A current memory of the same owner that the new fact may repeat or change."""

    memory: Memory
    trace: Trace
    similarity: float | None
    """Centred cosine to the draft, in [-1, 1]; None when unknown."""
    trust: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Grave:
    """What a person asked to forget."""

    trace: Trace
    slot: str | None = None
    similarity: float | None = None
    """Centred cosine to the draft; None when unknown."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Add:
    """A memory of its own. `unsure_of`: id of the memory it may contradict."""

    unsure_of: str | None = None
    reason: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Merge:
    """Already known, as well or better: one more source for `memory`."""

    memory: Memory
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Fuller:
    """Known with less detail: a new version of `memory` with the new text, and one more source."""

    memory: Memory


@dataclass(frozen=True, kw_only=True, slots=True)
class Supersede:
    """A memory of its own that takes the place of others."""

    memories: tuple[Memory, ...]
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Outdated:
    """Older than what stands in its slot: kept as history, not current."""

    by: Memory


@dataclass(frozen=True, kw_only=True, slots=True)
class Correct:
    """Puts right what was just said: a new version of `memory` that reads `text`."""

    memory: Memory
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Refuse:
    """Not to be learnt."""

    reason: str


Decision = Add | Merge | Fuller | Supersede | Outdated | Correct | Refuse


def decide(
    draft: Draft,
    neighbours: Iterable[Neighbour],
    *,
    graves: Iterable[Grave] = (),
    meant: Neighbour | None = None,
    own: Mapping[str, bool] | None = None,
) -> Decision:
    """Decide what the draft does. The order of `neighbours` and `graves` makes no difference.

    `neighbours`: current memories of the same project, user, agent and app: those of the same slot, of the
    same exact words, the nearest by vector, and those made of the last turns. `meant`: the one that
    `fact.to` names. `own`: the project's settings, as `slots.single` takes them.
    """
    if any(_is_of(draft, grave) for grave in graves):
        return Refuse(reason="forgotten")
    every = {each.memory.id: each for each in (*neighbours, *(() if meant is None else (meant,)))}
    around = [every[memory_id] for memory_id in sorted(every)]
    corrected = _corrected(draft, around)
    if corrected is not None:
        return corrected
    one = None if draft.trace.attribute is None else slots.single(draft.trace.attribute, own)
    standing = [each for each in around if _stands(each, draft)]
    if _ends(draft, one):
        ended = _ended(draft, around, standing, one)
        return ended or _known(draft, around, [], meant) or Add(reason="ends")
    rivals = _rivals(draft, standing, one, meant) or _reframed(draft, around)
    rivals = [*rivals, *_parted(draft, around)]
    return _known(draft, around, rivals, meant) or _against(draft, rivals, one, meant)


def trust(memory: Memory) -> int:
    """How much a memory is to be trusted: 2 said, given or corrected by a person, 1 by the assistant, 0 by a tool.

    The best of its sources counts: what a tool found and the user then said is the user's.
    """
    if memory.origin in ("given", "corrected"):
        return 2
    said: set[str | None] = {source.role for source in memory.sources} or {memory.role}
    if memory.attributed_to == "assistant":
        said = {"assistant" if role == "user" else role for role in said}
    return max(_TRUST.get(role or "", 1) for role in said)


_TRUST = {"user": 2, "assistant": 1, "system": 1, "tool": 0}

_HEDGED_BELOW = 0.5
"""Less sure than this, a fact changes nothing: extractors give it for what is reported or meant in jest."""


# Forgotten.


def _is_of(draft: Draft, grave: Grave) -> bool:
    """Whether the draft tells what was forgotten, or that it has ended."""
    told = draft.trace
    if draft.fact.ends:
        told = replace(told, negated=grave.trace.negated, ended=grave.trace.ended)
    return compare(told, grave.trace, grave.similarity) in ("same", "fuller", "shorter")


# Corrections.

_JUST_NOW = timedelta(days=1)
"""How far back a correction reaches. Beyond it the same words stand in something else."""


def _corrected(draft: Draft, around: Sequence[Neighbour]) -> Correct | Supersede | None:
    """The newest memory that holds the wrong words, with the right ones in their place."""
    wrong, right = draft.fact.corrects, draft.fact.object
    if wrong is not None and not wrong.strip() and right:
        return _put_right(draft, around, right)
    if not wrong or not wrong.strip() or not right or text.plain(wrong) == text.plain(right):
        return None
    bounds = (r"(?<!\w)", r"(?!\w)") if text.side(wrong) == "other" else ("", "")
    pattern = re.compile(re.escape(wrong.strip()).join(bounds), re.IGNORECASE)
    holding = [
        each
        for each in around
        if pattern.search(each.memory.text)
        and timedelta(0) <= _said(draft.memory) - _said(each.memory) <= _JUST_NOW
        and not _blocks(each, draft)
    ]
    if not holding:
        return None
    # Of one moment, the one about the same thing.
    best = max(holding, key=lambda each: (_said(each.memory), each.memory.slot == draft.memory.slot, each.memory.id))
    return Correct(memory=best.memory, text=pattern.sub(lambda _: right, best.memory.text))


def _put_right(draft: Draft, around: Sequence[Neighbour], right: str) -> Correct | Supersede | None:
    """What was said last, with the right value for the one of its kind: a day for a day, a name for a name.

    Where the correction says its attribute ("sorry, I'm allergic to walnuts"), it takes the place of the last of that.
    """
    said = [
        each
        for each in around
        if timedelta(0) <= _said(draft.memory) - _said(each.memory) <= _JUST_NOW
        and each.memory.actor == draft.memory.actor
        and not _blocks(each, draft)
    ]
    last = max((_said(each.memory) for each in said), default=None)
    if draft.memory.slot is not None:
        same = [each for each in said if _said(each.memory) == last and each.memory.slot == draft.memory.slot]
        known = same[0] if len(same) == 1 else None
        if known is None or _hedged(draft) or known.trace.value == draft.trace.value:
            return None
        return Supersede(memories=(known.memory,), reason="corrected")
    found = [
        (each, wrong)
        for each in said
        if _said(each.memory) == last and (wrong := sameness.counterpart(right, each.memory.text, each.memory.object))
    ]
    if len(found) != 1:
        return None
    (known, wrong) = found[0]
    if text.plain(wrong) == text.plain(right):
        return None
    return Correct(memory=known.memory, text=known.memory.text.replace(wrong, right, 1))


# Already known.

_CLOSENESS: Mapping[Relation, int] = {"same": 0, "shorter": 1, "fuller": 2}


def _known(
    draft: Draft, around: Sequence[Neighbour], rivals: Sequence[Neighbour], meant: Neighbour | None
) -> Decision | None:
    """Merge with the memory that says the same, if there is one."""
    found = [(relation, each) for each in around if (relation := _relation(draft, each, meant)) in _CLOSENESS]
    if not found:
        return None
    relation, known = min(
        found, key=lambda pair: (_CLOSENESS[pair[0]], -pair[1].trust, -(pair[1].similarity or 0.0), pair[1].memory.id)
    )
    # Said again, what had been left unsure or was still to come is settled, against what stood before it.
    settled = [each for each in rivals if _newer(known.memory, each.memory)]
    if settled and _may_retire(draft, settled):
        return Supersede(
            memories=_memories(settled if relation == "shorter" else [*settled, known]), reason="confirmed"
        )
    if relation != "fuller":
        return Merge(memory=known.memory, reason=relation)
    if _hedged(draft) or _blocks(known, draft):
        return Add(unsure_of=known.memory.id, reason="fuller but less sure")
    return Fuller(memory=known.memory)


def _relation(draft: Draft, known: Neighbour, meant: Neighbour | None) -> Relation:
    """As `compare` has it; where that is open, the extractor's word decides."""
    if _other_occasion(draft.memory, known.memory) or _beside(draft.memory, known.memory):
        return "different"
    relation = compare(draft.trace, known.trace, known.similarity)
    if relation != "near" or meant is None or meant.memory.id != known.memory.id:
        return relation
    if draft.fact.does == "same":
        return "same"
    if draft.fact.does == "fuller" and known.trace.names <= draft.trace.candidates:
        kept = len(known.trace.terms & draft.trace.terms)
        return "fuller" if 2 * kept >= len(known.trace.terms) else relation
    return relation


def _other_occasion(one: Memory, other: Memory) -> bool:
    """Whether two events lie at different times: a second run in the park is no duplicate of the first."""
    if "event" not in (one.kind, other.kind) or one.valid_from is None or other.valid_from is None:
        return False
    first, second = sorted((one, other), key=lambda each: (each.valid_from or _said(each), each.id))
    begins, again = first.valid_from or _said(first), second.valid_from or _said(second)
    return begins != again and begins + _length(first) <= again


def _beside(one: Memory, other: Memory) -> bool:
    """Whether two were read off the same words for two different things that these say."""
    if one.attribute == other.attribute:
        return False
    return any(
        source.episode_id == cited.episode_id and (source.quote in cited.quote or cited.quote in source.quote)
        for source in one.sources[:1]
        for cited in other.sources
    )


# What it takes the place of.


def _stands(known: Neighbour, draft: Draft) -> bool:
    """Whether a memory holds the draft's slot now: it tells neither of an end nor of a time gone by."""
    memory = known.memory
    if memory.slot is None or memory.slot != draft.memory.slot or known.trace.ended:
        return False
    return memory.valid_to is None or memory.valid_to > (_began(draft.memory) or _said(draft.memory))


def _rivals(draft: Draft, standing: Sequence[Neighbour], one: bool | None, meant: Neighbour | None) -> list[Neighbour]:
    """The memories that cannot be true beside the draft."""
    if draft.trace.ended or not draft.trace.value or _ADDS.search(draft.memory.text):
        return []
    if draft.trace.attribute == "name" and draft.trace.subject not in (None, "user"):
        return []  # one has several cats, friends and sisters, each with a name
    if one is None:
        if draft.fact.does != "replaces" or meant is None or draft.trace.negated:
            return []
        return [each for each in standing if each.memory.id == meant.memory.id]
    if not one:
        return []
    if draft.trace.negated:
        return [each for each in standing if not each.trace.negated and _same_value(draft.trace, each.trace)]
    return [
        each
        for each in standing
        if each.trace.value
        and (_same_value(draft.trace, each.trace) if each.trace.negated else _other_value(draft, each))
    ]


def _parted(draft: Draft, around: Sequence[Neighbour]) -> list[Neighbour]:
    """Who was somebody's partner, where they are now said to be divorced or single."""
    new = draft.trace
    if new.attribute != "relationship_status" or new.negated or not _ALONE.search(draft.memory.object or ""):
        return []
    found = [each for each in around if each.trace.attribute == "spouse" and each.trace.subject == new.subject]
    return [each for each in found if not each.trace.ended and not each.trace.negated] if len(found) == 1 else []


_ALONE = re.compile(r"\b(?:divorced|separated|single|widowed)\b|離婚|离婚|單身|单身|分居|喪偶|丧偶", re.IGNORECASE)


def _reframed(draft: Draft, around: Sequence[Neighbour]) -> list[Neighbour]:
    """The one memory that tells in the same words what a draft says is otherwise now ("I take the 9:02 train now")."""
    new = draft.trace
    if draft.memory.attribute is not None or draft.memory.kind == "event" or new.negated or new.ended:
        return []
    if new.subject is None or not sameness.tells_change(draft.memory.text):
        return []
    found = [
        each
        for each in around
        if each.memory.attribute is None
        and each.memory.kind == draft.memory.kind
        and each.trace.subject == new.subject
        and not each.trace.negated
        and not each.trace.ended
        and sameness.same_frame(new, each.trace)
    ]
    return found if len(found) == 1 else []


# What is told beside something else takes nobody's place.
_ADDS = re.compile(
    r"\b(?:also|as well|besides|in addition|on the side|second|part[- ]time)\b|另外|還有|还有|兼|副業|副业|同時也|同时也",
    re.IGNORECASE,
)


def _same_value(new: Trace, old: Trace) -> bool:
    relation = compare(replace(new, negated=old.negated, ended=old.ended), old, None)
    return relation in ("same", "fuller", "shorter")


def _other_value(draft: Draft, known: Neighbour) -> bool:
    new, old = draft.trace, known.trace
    if compare(new, old, known.similarity) in _CLOSENESS:
        return False
    groups = slots.exclusive(new.attribute)
    if groups and (groups.isdisjoint(new.value) or groups.isdisjoint(old.value)):
        return False
    if draft.fact.object and known.memory.object:
        return True
    if known.memory.object and not draft.fact.object:
        return False  # "I love my job" names no employer
    if old.names and not (new.names or new.numbers) and not new.shingles:
        return False
    # Read off the whole sentence, values that overlap in their names may tell two sides of one thing.
    # One character in common says nothing in a script without spaces, a pair of them does.
    shared = new.value & old.value & (new.shingles if new.shingles or old.shingles else new.value)
    return not shared or not (
        new.names <= old.candidates and old.names <= new.candidates and new.numbers == old.numbers
    )


def _against(draft: Draft, rivals: Sequence[Neighbour], one: bool | None, meant: Neighbour | None) -> Decision:
    """Take the rivals' place, step behind them, or stand beside them."""
    if not rivals:
        doubted = meant if draft.fact.does == "unsure" or (draft.fact.does == "replaces" and one is None) else None
        doubted = doubted or _contradicted(draft, meant)
        return Add(unsure_of=None if doubted is None else doubted.memory.id, reason="new")
    blocking = [each for each in rivals if _blocks(each, draft)]
    if blocking:
        return Add(unsure_of=_latest(blocking).memory.id, reason="less trusted")
    if _hedged(draft):
        return Add(unsure_of=_latest(rivals).memory.id, reason="hedged")
    if _is_to_come(draft):
        return Add(unsure_of=_latest(rivals).memory.id, reason="not yet")
    newer = [each for each in rivals if not _newer(draft.memory, each.memory)]
    if newer:
        latest = _latest(newer)
        if latest.trust < draft.trust:
            return Add(unsure_of=latest.memory.id, reason="newer but less trusted")
        return Outdated(by=latest.memory)
    return Supersede(memories=_memories(rivals), reason="denied" if draft.trace.negated else "newer")


def _contradicted(draft: Draft, meant: Neighbour | None) -> Neighbour | None:
    """The memory the extractor points at, where one of the two denies what the other says."""
    if meant is None or meant.trace.negated == draft.trace.negated or draft.fact.does == "new":
        return None
    return meant


# What it ends.


def _ends(draft: Draft, one: bool | None) -> bool:
    """Whether the draft tells that something is over; a state that is closed in the past is."""
    memory = draft.memory
    closed = memory.valid_to is not None and memory.valid_to <= _said(memory) and memory.kind != "event"
    return draft.fact.ends or (closed and one is True)


def _ended(
    draft: Draft, around: Sequence[Neighbour], standing: Sequence[Neighbour], one: bool | None
) -> Decision | None:
    if draft.trace.attribute is None:
        named = [each for each in around if _tells_of(each, draft)] or _pets_called(draft, around)
        return _end(draft, named, one)
    over = [each for each in standing if not each.trace.negated]
    named = [each for each in over if _names_value(draft.trace, each.trace, either_way=one is True)]
    if not named and one is True and draft.fact.ends and _names_nothing(draft):
        named = over
    if not over and draft.fact.object:  # told before under no attribute
        named = [each for each in around if each.memory.attribute is None and _tells_of(each, draft)]
    if not over and draft.trace.attribute == "relationship_status":
        partners = [
            each for each in around if each.trace.attribute == "spouse" and each.trace.subject == draft.trace.subject
        ]
        named = partners if len(partners) == 1 and not partners[0].trace.ended else named
    return _end(draft, named, one)


def _pets_called(draft: Draft, around: Sequence[Neighbour]) -> list[Neighbour]:
    """The pet that has the name of who died ("Rex died"), where that is told of the speaker's pet."""
    name = frozenset(draft.trace.spelt)
    if not name or draft.fact.object != draft.memory.subject:
        return []
    return [
        each for each in around if each.trace.attribute == "pet" and name <= each.trace.terms and not each.trace.ended
    ]


def _end(draft: Draft, named: Sequence[Neighbour], one: bool | None) -> Decision | None:
    """Retire what is named as over; of several values that stand beside one another, one at most."""
    several = [each for each in named if one is not True and _is_one_of(draft.trace, each)]
    if several:  # the others it tells of go on
        return Add(unsure_of=_latest(several).memory.id, reason="ends one of several")
    if one is not True and len(named) > 1:
        exact = [each for each in named if each.trace.value == draft.trace.value]
        if len(exact) != 1:
            return Add(unsure_of=_latest(named).memory.id, reason="ends one of several")
        named = exact
    if not named:
        return None
    if not _may_retire(draft, named):
        older = [each for each in named if not _newer(draft.memory, each.memory)]
        if older and one is True and _latest(older).trust >= draft.trust:
            return Outdated(by=_latest(older).memory)
        return Add(unsure_of=_latest(named).memory.id, reason="less trusted")
    return Supersede(memories=_memories(named), reason="ended")


def _tells_of(known: Neighbour, draft: Draft) -> bool:
    """Whether a memory says just what is over ("play the violin"), where nobody named an attribute.

    All words of what is over, and no more others beside them, no other name among those.
    """
    over, told = frozenset(draft.trace.spelt), known.trace
    if not draft.fact.object or not over or not over <= told.terms or told.ended or told.negated:
        return False
    if told.subject is None or told.subject != draft.trace.subject:
        return False
    begun = len(told.names) == 1 and not draft.trace.names.isdisjoint(told.parts)
    if not (told.names <= draft.trace.candidates or begun):
        return False
    if len(told.terms - over) <= len(over):
        return True
    # "I use Acme Mail every day", "I go to the gym twice a week": verbs of use and how often are no other matter.
    attribute = known.memory.attribute
    named = attribute is None or attribute.startswith("my_") or attribute in _MAY_BE_GIVEN_UP
    return named and len(sameness.matter(told) - over) <= (2 if draft.trace.names else 1)


_MAY_BE_GIVEN_UP = frozenset(
    """hobby skill possession subscription pet car laptop phone_model computer project language habit medication bank
    bank_account school side_job account""".split()
)
"""Attributes of things that people have, use or do until they do no longer."""


_LISTS = re.compile(r"\b(?:and|&)\b|[,、，和跟與与]", re.IGNORECASE)


def _is_one_of(new: Trace, known: Neighbour) -> bool:
    """Whether what is over is one of several things that a statement tells of."""
    own, told = frozenset(new.spelt), known.trace.terms | known.trace.value
    rest = told - own - new.terms - slots.words(known.trace.attribute)
    return bool(rest) and bool(told & own) and _LISTS.search(known.memory.text) is not None


def _names_value(new: Trace, old: Trace, *, either_way: bool) -> bool:
    """Whether what is over is what the old statement tells. Of several values it must be named by all its words."""
    if not new.value:
        return False
    if not _compatible(new, old):
        return False
    return new.value <= old.value | old.rest or (either_way and bool(old.value) and old.value <= new.value | new.rest)


def _compatible(new: Trace, old: Trace) -> bool:
    """Whether the names in what is over are names of the old statement, or the other way round."""
    ours, theirs = new.names, old.names
    if not ours or not theirs:
        return True
    return bool(ours & (old.candidates | old.parts)) or bool(theirs & (new.candidates | new.parts))


def _names_nothing(draft: Draft) -> bool:
    """Whether an end names no value: "I quit my job", "我終於離職了"."""
    if draft.fact.object or draft.trace.names:
        return False
    # In a script without capitals, three characters that are not the attribute's own may be a name.
    return text.side(draft.memory.text) == "other" or len(draft.trace.spelt) < 3


# Trust and time.


def _may_retire(draft: Draft, known: Sequence[Neighbour]) -> bool:
    return not _hedged(draft) and all(not _blocks(each, draft) and _newer(draft.memory, each.memory) for each in known)


def _hedged(draft: Draft) -> bool:
    return draft.memory.confidence < _HEDGED_BELOW


def _blocks(known: Neighbour, draft: Draft) -> bool:
    """Whether a memory outranks the draft: by trust, or as what somebody said of themself."""
    if known.trust > draft.trust:
        return True
    actor, subject = known.memory.actor, known.memory.subject
    if actor is None or subject is None or text.plain(actor) != text.plain(subject):
        return False
    return draft.memory.actor is not None and text.plain(draft.memory.actor) != text.plain(actor)


def _newer(new: Memory, old: Memory) -> bool:
    """Whether the new one tells of a later time; of times that cannot be told apart, what was said later."""
    order = _before(old, new)
    return _said(new) >= _said(old) if order is None else order


def _before(one: Memory, other: Memory) -> bool | None:
    """Whether one began before the other; None when their times cannot be told apart.

    What names no beginning had begun when it was said, but who knows how long before. So of "I live in
    Oslo" and, some days later, "I moved to Bergen last month", the second is newer; "I moved to Paris in
    2010" is not.
    """
    start, other_start = _began(one), _began(other)
    if start is None and other_start is None:
        return None
    if start is None or other_start is None:
        begun, bare = (other, one) if start is None else (one, other)
        began, said = _began(begun) or _said(begun), _said(bare)
        if said < began:
            return bare is one
        return begun is one if began + _length(begun) + _LINGERS < said else None
    if start < other_start and start + _length(one) <= other_start:
        return True
    return False if other_start < start and other_start + _length(other) <= start else None


_LINGERS = timedelta(days=366)
"""How long people go on telling of a state as theirs, or tell of a change as new."""


def _began(memory: Memory) -> datetime | None:
    """When it began to be so. A time still to come when it was said is what is told, not since when."""
    begins = memory.valid_from
    return None if begins is None or begins > _said(memory) else begins


_LENGTHS = {"second": 0, "day": 1, "week": 7, "month": 31, "season": 92, "year": 366}


def _length(memory: Memory) -> timedelta:
    """How long a stretch its beginning may lie in."""
    return timedelta(days=_LENGTHS[memory.precision or "second"])


def _is_to_come(draft: Draft) -> bool:
    """Whether the draft tells of a state that has not begun ("I start at Beta in May"); a date is set when it is told."""
    begins = draft.memory.valid_from
    return begins is not None and begins > _said(draft.memory) + _SOON and not slots.of_thing(draft.trace.attribute)


_SOON = timedelta(days=1)
"""What begins within a day has begun: the zones of day and message may differ."""


def _said(memory: Memory) -> datetime:
    """When it was said; what was corrected was said when it was: in a later message, or by an update."""
    said = memory.said_at or memory.created_at
    if memory.origin != "corrected":
        return said
    later = max((source.said_at for source in memory.sources), default=said)
    return later if later > said else memory.updated_at


def _latest(known: Sequence[Neighbour]) -> Neighbour:
    return max(known, key=lambda each: (_said(each.memory), each.memory.id))


def _memories(known: Iterable[Neighbour]) -> tuple[Memory, ...]:
    every = {each.memory.id: each.memory for each in known}
    return tuple(every[memory_id] for memory_id in sorted(every))
