"""What a person says is kept as it is: verbatim memories, and corrections of what was extracted."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from mnemic import hygiene, sameness, slots, text
from mnemic.drafts import ONE, dated_anew, event, key_of_subject, once_key, source_of, trace_of
from mnemic.errors import Conflict
from mnemic.ids import new_id
from mnemic.planning import Outcome
from mnemic.protocols import Extractor, NewMemory, Write
from mnemic.types import Change, Episode, ExtractionRequest, Fact, Kind, Memory, Message, Turn, Usage
from mnemic.write import TRIES, Account, Given, WritePath, clean, fresh, logged, lost_race


async def keep(path: WritePath, messages: Sequence[Message], given: Given, kind: Kind, *, talk: bool) -> Account:
    """Make one memory a message, verbatim, with no extractor. `talk`: the messages are turns of one.

    Only a message with the same bytes, by the same role, in the same scope, at the same given time is not
    kept again.
    """
    change = Change(id=new_id(given.scope.partition), scope=given.scope, kind="add", at=given.at)
    cleaned = await clean([message.content for message in messages], hygiene.mask)
    for _ in range(TRIES):
        masked: dict[str, dict[str, int]] = {}

        def log(message: Message, masked: dict[str, dict[str, int]] = masked) -> Episode:
            seen = cleaned[message.content]
            episode = logged(message, given, seen, change.id, keep_secrets=path.keep_secrets)
            if seen.masked:
                masked[episode.id] = {each.kind: each.count for each in seen.masked}
            return replace(episode, state="done")

        logs, repeated = await fresh(path.store, messages, given.scope, log)
        keys = [_key(episode) for episode in logs]
        asked = [key for key in keys if key is not None]
        standing = await path.store.standing(given.scope, asked) if asked else {}
        new: dict[str, tuple[Episode, Memory, str | None]] = {}
        outcomes = []
        for episode, key in zip(logs, keys, strict=True):
            place = key or episode.id
            if place in standing or place in new:
                memory = standing[place] if place in standing else new[place][1]
                outcomes.append(Outcome(memory=memory, event="NONE", reason="duplicate"))
                repeated.append(memory.sources[0].episode_id)
            else:
                new[place] = (episode, _memory(episode, given, kind), key)
                outcomes.append(Outcome(memory=new[place][1], event="ADD"))
        episodes = [episode for episode, _, _ in new.values()]
        vectors = await path.embedding.windows([episode.indexed for episode in episodes])
        write = Write(
            scope=given.scope,
            at=given.at,
            space=path.embedding.space,
            changes=(change,),
            episodes=tuple(await path.chain(episodes, [None] * len(episodes), given.scope, talk=talk)),
            memories=tuple(
                NewMemory(memory=memory, vectors=each, episode_id=episode.id, once=key)
                for (episode, memory, key), each in zip(new.values(), vectors, strict=True)
            ),
            history=tuple(event(memory, "ADD", change.id, given.at, "person") for _, memory, _ in new.values()),
        )
        try:
            await path.store.commit(write)  # where all was said before, too: the receipt names a change that is there
        except Conflict:
            continue
        return Account(
            change_id=change.id,
            outcomes=tuple(outcomes),
            episodes=tuple(episodes),
            repeated=tuple(repeated),
            masked=masked,
            usage=Usage(embeddings=sum(len(each) for each in vectors)),
        )
    raise lost_race()


async def keep_procedure(path: WritePath, messages: Sequence[Message], given: Given) -> Account:
    """Make one memory of how a task was done: what was asked for, then each step in the words of who did it."""
    change = Change(id=new_id(given.scope.partition), scope=given.scope, kind="add", at=given.at)
    masked: dict[str, Mapping[str, int]] = {}
    cleaned = await clean([message.content for message in messages], hygiene.clean)

    def log(message: Message) -> Episode:
        seen = cleaned[message.content]
        episode = logged(message, given, seen, change.id, keep_secrets=path.keep_secrets)
        if seen.masked:
            masked[episode.id] = {each.kind: each.count for each in seen.masked}
        return replace(episode, state="done") if seen.text.strip() else replace(episode, state="refused")

    episodes, repeated = await fresh(path.store, messages, given.scope, log)
    quotes = [(each, text.first_sentence(each.words, _LONGEST_STEP)) for each in episodes if each.words.strip()]
    if not quotes:
        await path.store.commit(Write(scope=given.scope, at=given.at, changes=(change,)))
        return Account(change_id=change.id, repeated=tuple(repeated))
    lines = [quote for episode, quote in quotes if episode.role in ("user", "system")][:1]
    steps = [quote for episode, quote in quotes if episode.role in ("assistant", "tool")]
    lines += [f"{number}. {quote}" for number, quote in enumerate(steps, 1)]
    told = quotes[0][0]
    memory = replace(
        _memory(told, given, "procedure"),
        text="\n".join(lines),
        seen=None,
        attributed_to="assistant",
        actor=None,
        role="assistant",
        origin="stated",
        sources=tuple(source_of(episode, quote) for episode, quote in quotes),
    )
    *vectors, own = await path.embedding.windows([*(each.indexed for each in episodes), memory.indexed])
    await path.store.commit(
        Write(
            scope=given.scope,
            at=given.at,
            space=path.embedding.space,
            changes=(change,),
            episodes=tuple(await path.chain(episodes, vectors, given.scope, talk=True)),
            memories=(NewMemory(memory=memory, vectors=own),),
            history=(event(memory, "ADD", change.id, given.at, "person"),),
        )
    )
    return Account(
        change_id=change.id,
        outcomes=(Outcome(memory=memory, event="ADD"),),
        episodes=tuple(episodes),
        repeated=tuple(repeated),
        masked=masked,
        usage=Usage(embeddings=len(own) + sum(len(each) for each in vectors)),
    )


_LONGEST_STEP = 200
"""Characters of a step: a line on a page."""


async def correct(path: WritePath, memory: Memory, changed: Memory, at: datetime, *, reader: Extractor) -> Account:
    """Make `changed` the next version of `memory`. `reader` finds what new words say, of what was once extracted.

    Raises:
        Conflict: others changed the memory meanwhile.
    """
    change = Change(id=new_id(memory.scope.partition), scope=memory.scope, kind="update", at=at)
    cleaned = hygiene.mask(changed.text)
    differs = cleaned.text != changed.text
    changed = replace(
        changed,
        text=changed.text if path.keep_secrets else cleaned.text,
        seen=cleaned.text if differs and path.keep_secrets else None,
    )
    if changed.words != memory.words and memory.subject is not None:
        changed = _read_again(memory, changed, await _facts_of(changed, reader))
    (vectors,) = await path.embedding.windows([changed.indexed])
    once = None if changed.origin == "given" else once_key(changed)
    if once is not None:
        held = (await path.store.standing(memory.scope, [once])).get(once)
        once = once if held is None or held.id == memory.id else None  # two that now say the same stay two
    new = NewMemory(memory=changed, vectors=vectors, replaces=memory.version, once=once)
    await path.store.commit(
        Write(
            scope=memory.scope,
            at=at,
            space=path.embedding.space,
            changes=(change,),
            memories=(new,),
            history=(event(changed, "UPDATE", change.id, at, "person", old=memory.words),),
        )
    )
    outcome = Outcome(memory=changed, event="UPDATE", old_text=memory.words)
    return Account(change_id=change.id, outcomes=(outcome,), usage=Usage(embeddings=len(vectors)))


async def _facts_of(memory: Memory, reader: Extractor) -> Sequence[Fact]:
    said_at = memory.said_at or memory.created_at
    turn = Turn(role=memory.role or "user", content=memory.words, said_at=said_at, name=memory.actor)
    return (await reader.extract(ExtractionRequest(turns=(turn,)))).facts


def _read_again(memory: Memory, changed: Memory, facts: Sequence[Fact]) -> Memory:
    """What the new words say of whom, and since when.

    The value of the former words would make of what is said next a repetition, or a change, that it is not. Where
    neither the new words nor what they have in common with the former tell a value, they have no slot: then nothing
    that is said later takes their place by mistake.
    """
    changed = dated_anew(memory, changed, changed.said_at or changed.created_at)
    if memory.attribute is None:
        return changed
    own = key_of_subject(memory.subject or "")
    told = [each for each in facts if each.subject is not None and slots.canonical(each.attribute) is not None]
    same = [each for each in told if (key_of_subject(each.subject or ""), each.attribute) == (own, memory.attribute)]
    found = same[0] if same else told[0] if len(told) == len(facts) == 1 else None
    if found is not None:
        subject = memory.subject if found in same else found.subject
        attribute = slots.canonical(found.attribute)
        slot = memory.slot if found in same else slots.key(key_of_subject(subject or ""), attribute)
        return replace(changed, subject=subject, attribute=attribute, object=found.object, slot=slot)
    stands = memory.object is None or memory.object in changed.words
    if stands and sameness.compare(trace_of(changed), trace_of(memory), None) in ONE:
        return changed
    value = _in_the_place_of(memory.object, memory.words, changed.words)
    if value is not None:
        return replace(changed, object=value)
    return replace(changed, attribute=None, object=None, slot=None)


def _in_the_place_of(value: str | None, former: str, words: str) -> str | None:
    """What stands in the new words where the value stood in the former, with the same words around it."""
    if not value or former.count(value) != 1:
        return None
    before, after = former.split(value)
    if len(words) <= len(before) + len(after) or not (words.startswith(before) and words.endswith(after)):
        return None
    return words[len(before) : len(words) - len(after)].strip() or None


def _memory(episode: Episode, given: Given, kind: Kind) -> Memory:
    return Memory(
        id=new_id(given.scope.partition),
        version=1,
        scope=given.scope,
        kind=kind,
        text=episode.content,
        seen=episode.seen,
        origin="given",
        attributed_to="assistant" if episode.role == "assistant" else "user",
        actor=episode.actor,
        role=episode.role,
        expires_at=given.task.expires_at,
        metadata=episode.metadata,
        categories=given.task.categories,
        said_at=episode.said_at,
        sources=(source_of(episode),),
        created_at=given.at,
        updated_at=given.at,
        known_from=given.at,
    )


def _key(episode: Episode) -> str | None:
    """Same bytes in the same scope at the same stated time: one memory. None where no time was stated."""
    if episode.said_at == episode.received_at:
        return None
    ids = episode.scope.ids.items()
    parts = ("note", episode.role, episode.actor, episode.said_at.isoformat(), text.md5(episode.content), *ids)
    return hashlib.blake2b(repr(parts).encode(), digest_size=16).hexdigest()
