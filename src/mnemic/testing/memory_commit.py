"""How the reference store carries out a write, in the order of the fields of `Write`."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from mnemic.errors import Conflict
from mnemic.lifetimes import Superseded
from mnemic.protocols import (
    Annotate,
    NewEpisode,
    NewMemory,
    Proof,
    Reprove,
    Restore,
    Retire,
    SetState,
    Unprove,
    Write,
)
from mnemic.testing.memory_entities import write_entity
from mnemic.testing.memory_state import Cited, Moved, Owner, State, Taken, Version, owner_of
from mnemic.types import Change, Episode, Memory, Usage


def commit(state: State, write: Write) -> None:
    """Apply all of it. Raises Conflict with the state half changed: the caller works on a copy."""
    if write.basis is not None and state.decisions.get(owner_of(write.scope), 0) != write.basis:
        raise Conflict("others changed memories of the same owner meanwhile; decide again")
    for change in write.changes:
        state.changes.setdefault(change.id, change)
    for change_id, by in write.undone.items():
        _take_back(state, change_id, by)
    shared = {new.episode_id: new for new in write.memories if new.episode_id is not None}
    for episode in write.episodes:
        _add_episode(state, episode, shared.get(episode.episode.id))
    decided = _change_memories(state, write)
    for moved in write.states:
        set_state(state, moved)
    decided |= _change_tombstones(state, write)
    for entity in write.entities:
        write_entity(state, entity, write.at)
    state.history += write.history
    state.tell(write.history)
    if write.spent is not None:
        day = (write.scope.project, write.at.astimezone(UTC).date())
        state.usage[day] = state.usage.get(day, Usage()) + write.spent
    state.decided(*decided)


def _change_memories(state: State, write: Write) -> set[Owner]:
    """Whose memories changed."""
    decided = {_retire(state, each, write.at) for each in write.retire}
    decided |= {_add_memory(state, each, write.at) for each in write.memories}
    decided |= {_restore(state, each, write.at) for each in write.restore}
    decided |= {_prove(state, each, write.at) for each in write.proofs}
    for gone in write.unprove:
        decided |= _unprove(state, gone, write.at)
    for back in write.reprove:
        decided |= _reprove(state, back, write.at)
    for note in write.annotate:
        _annotate(state, note)
    return decided


def _take_back(state: State, change_id: str, by: str) -> None:
    change: Change | None = state.changes.get(change_id)
    if change is None or change.undone_by is not None:
        raise Conflict(f"change {change_id} was taken back before, or is gone; look at it again")
    state.changes[change_id] = replace(change, undone_by=by)


def _add_episode(state: State, new: NewEpisode, verbatim: NewMemory | None) -> None:
    episode = new.episode
    taken = [
        each
        for each in state.episodes.values()
        if owner_of(each.scope) == owner_of(episode.scope) and each.external_id == episode.external_id
    ]
    if episode.id in state.episodes or (episode.external_id is not None and taken):
        raise Conflict(f"message {episode.external_id or episode.id!r} is here already; decide again")
    state.episodes[episode.id] = episode
    vectors = new.vectors if verbatim is None else verbatim.vectors
    state.place_of[episode.id] = state.add_entry(
        episode.indexed, vectors, episode=episode.id, before=new.follows, person=episode.person, said=episode.said_at
    )


def _retire(state: State, retired: Retire, at: datetime) -> Owner:
    """Close a current version, or give a superseded one another reason."""
    known = state.versions.get(retired.memory_id)
    memory = known[-1].memory if known else None
    if known is None or memory is None or memory.version != retired.version:
        raise _outdated(retired.memory_id, retired.version)
    for each in known:
        if each.memory.version == retired.again:
            by, ended = _as_retired(each)
            retired = replace(retired, retired_by=by, valid_to=ended)
    if memory.known_to is None:
        memory = replace(memory, known_to=at)
        state.put(replace(state.last(memory.id), memory=memory, valid_before=memory.valid_to))
    elif memory.retire_reason != "superseded":
        raise _outdated(retired.memory_id, retired.version)
    elif retired.reason != "superseded":
        _had_been(state, memory.id, at)
    state.put_last(
        replace(
            memory,
            updated_at=at,
            retire_reason=retired.reason,
            retired_by=retired.retired_by or memory.retired_by,
            valid_to=retired.valid_to or memory.valid_to,
        )
    )
    if retired.hide_sources:
        for cited in state.sources.get(memory.id, ()):
            episode = state.episodes[cited.source.episode_id]
            if episode.state != "hidden" and not any(map(state.is_current, state.citing(episode.id))):
                hide = SetState(
                    episode_id=episode.id, state="hidden", reason=retired.reason, change_id=retired.change_id
                )
                set_state(state, hide)
    return owner_of(memory.scope)


def _as_retired(version: Version) -> tuple[str | None, datetime | None]:
    """What had taken its place, and when it had ended, before it came back."""
    return (version.merged_into, None) if version.was is None else (version.was.by, version.was.valid_to)


def _had_been(state: State, memory_id: str, until: datetime) -> None:
    """Keep how the newest version was superseded until now."""
    last = state.last(memory_id)
    was = Superseded(by=last.memory.retired_by, valid_to=last.memory.valid_to, until=until)
    state.put(replace(last, was=was))


def _add_memory(state: State, new: NewMemory, at: datetime) -> Owner:
    memory = new.memory
    owner = owner_of(memory.scope)
    if new.replaces is None:
        if memory.id in state.versions:
            raise Conflict(f"memory {memory.id} is here already; decide again")
    else:
        former = _close(state, memory.id, new.replaces, at)
        memory = replace(memory, pinned=former.pinned, rating=former.rating)
    current = memory.known_to is None
    if current and new.once is not None and state.holder(owner, new.once) is not None:
        raise Conflict(f"a current memory already holds {new.once!r}; decide again")
    name = (memory.id, memory.version)
    if new.episode_id is not None:
        place = state.place_of[new.episode_id]
        state.entries[place] = replace(state.entries[place], memory=name)
    else:
        turn = memory.sources[0].episode_id if memory.sources else None
        place = state.add_entry(
            memory.indexed, new.vectors, memory=name, turn=turn, attribute=memory.attribute,
            person=memory.person, said=memory.said_at or memory.created_at,
        )  # fmt: skip
    version = Version(memory=memory, place=place, once=new.once, valid_before=memory.valid_to)
    state.versions[memory.id] = (*state.versions.get(memory.id, ()), version)
    state.put(version)
    for source in memory.sources:
        _cite(state, memory.id, Cited(source=source))
    for run_id in memory.runs:
        state.said_in(memory.id, run_id)
    return owner


def _close(state: State, memory_id: str, version: int, at: datetime) -> Memory:
    """Make way for the next version; the former one."""
    last = state.versions[memory_id][-1] if state.is_current(memory_id) else None
    if last is None or last.memory.version != version:
        raise _outdated(memory_id, version)
    closed = replace(last.memory, known_to=at, updated_at=at)
    state.put(replace(last, memory=closed, valid_before=closed.valid_to))
    return closed


def _cite(state: State, memory_id: str, cited: Cited) -> bool:
    """Whether the source is new: an episode and words of it that the memory does not cite yet."""
    known = state.sources.get(memory_id, ())
    words = {(each.source.episode_id, each.source.quote) for each in known}
    if (cited.source.episode_id, cited.source.quote) in words:
        return False
    state.sources[memory_id] = (*known, cited)
    return True


def _restore(state: State, former: Restore, at: datetime) -> Owner:
    """The version that comes back takes a new number, and with it the former one's place in the index."""
    memory_id = former.memory_id
    if memory_id not in state.versions or state.last(memory_id).memory.version != former.version:
        raise _outdated(memory_id, former.version)
    if state.is_current(memory_id):
        _close(state, memory_id, former.version, at)
    else:  # it was retired, and becomes a former version like others
        if state.last(memory_id).memory.retire_reason == "superseded":
            _had_been(state, memory_id, at)
        last = state.last(memory_id)
        if last.memory.retire_reason == "merged":
            state.put(replace(last, merged_into=last.memory.retired_by))
        state.put_last(
            replace(last.memory, updated_at=at, retire_reason=None, retired_by=None, valid_to=last.valid_before)
        )
    last = state.last(memory_id)
    number = last.memory.version if former.of is None else former.of
    wanted = next((each for each in state.versions[memory_id] if each.memory.version == number), None)
    if wanted is None:
        raise Conflict(f"memory {memory_id} has no version {number}; decide again")
    back = replace(
        wanted.memory,
        version=last.memory.version + 1,
        known_from=at,
        known_to=None,
        updated_at=at,
        scope=last.memory.scope,
        proof_count=last.memory.proof_count,
        pinned=last.memory.pinned,
        rating=last.memory.rating,
    )
    owner = owner_of(back.scope)
    free = wanted.once is not None and state.holder(owner, wanted.once) is None
    entry = state.entries[wanted.place]
    state.put(
        replace(
            wanted,
            place=state.add_entry(
                entry.text,
                entry.vectors,
                memory=(memory_id, number),
                turn=entry.turn,
                person=entry.person,
                said=entry.said,
            ),
        )
    )
    state.entries[wanted.place] = replace(entry, memory=(memory_id, back.version))
    valid_before = back.valid_to
    if former.superseded:
        by, ended = _as_retired(wanted)
        back = replace(back, known_to=at, retire_reason="superseded", retired_by=by, valid_to=ended)
    new = Version(memory=back, place=wanted.place, once=wanted.once if free else None, valid_before=valid_before)
    state.versions[memory_id] += (new,)
    return owner


def _prove(state: State, proof: Proof, at: datetime) -> Owner:
    if not state.is_current(proof.memory_id) or state.last(proof.memory_id).memory.version != proof.version:
        raise _outdated(proof.memory_id, proof.version)
    memory = state.last(proof.memory_id).memory
    if proof.source.episode_id not in state.episodes:
        return owner_of(memory.scope)  # erased meanwhile, and so proves nothing
    if _cite(state, memory.id, Cited(source=proof.source, change_id=proof.change_id)):
        state.put_last(replace(memory, proof_count=memory.proof_count + 1, updated_at=at))
    state.said_in(memory.id, state.run_of(proof.source.episode_id))
    return owner_of(memory.scope)


def _unprove(state: State, gone: Unprove, at: datetime) -> set[Owner]:
    """Take sources away, and the runs that only they stood for. They are kept, to be given back."""
    taken = state.unproven.get(gone.memory_id, ())
    given = {each.words for each in taken if gone.change_id is not None and each.given_by == gone.change_id}

    def goes(cited: Cited) -> bool:
        mine = gone.change_id is not None and cited.change_id == gone.change_id
        episode_id = cited.source.episode_id
        return mine or episode_id in gone.episode_ids or (episode_id, cited.source.quote) in given

    known = state.sources.get(gone.memory_id, ())
    left = tuple(each for each in known if not goes(each))
    if len(left) == len(known):
        return set()
    state.sources[gone.memory_id] = left
    memory = state.last(gone.memory_id).memory
    count = max(1, memory.proof_count - (len(known) - len(left)))
    state.put_last(replace(memory, proof_count=count, updated_at=at))
    fallen = memory.proof_count - count
    for place, each in enumerate(sorted(filter(goes, known), key=_words)):
        new = Taken(cited=each, by=gone.by, counted=int(place < fallen))
        if (new.words, new.by) not in {(other.words, other.by) for other in taken}:
            state.unproven[memory.id] = (*state.unproven.get(memory.id, ()), new)
    lost = {state.run_of(each.source.episode_id) for each in known if goes(each)}
    lost -= {
        state.run_of(each.source.episode_id)
        for each in left
        if state.episodes[each.source.episode_id].state != "hidden"
    }
    state.runs[memory.id] = tuple(run for run in state.runs.get(memory.id, ()) if run not in lost)
    return {owner_of(memory.scope)}


def _words(cited: Cited) -> tuple[str, str]:
    return cited.source.episode_id, cited.source.quote


def _reprove(state: State, back: Reprove, at: datetime) -> set[Owner]:
    """Give sources back, in the order in which they were said."""
    taken = state.unproven.get(back.memory_id, ())
    kept = [each for each in taken if each.by == back.change_id and each.given_by is None]
    kept.sort(key=lambda each: (state.place_of[each.words[0]], each.words[1]))
    given = [each for each in kept if _cite(state, back.memory_id, each.cited)]
    if not given:
        return set()
    state.unproven[back.memory_id] = tuple(replace(each, given_by=back.by) if each in given else each for each in taken)
    memory = state.last(back.memory_id).memory
    count = memory.proof_count + sum(each.counted for each in given)
    state.put_last(replace(memory, proof_count=count, updated_at=at))
    for each in given:
        state.said_in(memory.id, state.run_of(each.words[0]))
    return {owner_of(memory.scope)}


def _annotate(state: State, note: Annotate) -> None:
    if not state.is_current(note.memory_id) or state.last(note.memory_id).memory.version != note.version:
        raise _outdated(note.memory_id, note.version)
    memory = state.last(note.memory_id).memory
    pinned = memory.pinned if note.pinned is None else note.pinned
    rating = 0 if note.feedback == "NONE" else memory.rating
    state.put_last(replace(memory, pinned=pinned, rating=rating + note.rating))
    if note.feedback is not None:
        state.feedback += ((memory.id, note.feedback, note.reason),)


def set_state(state: State, change: SetState) -> None:
    """Move an episode, and keep what `undo` needs to move it back."""
    episode: Episode | None = state.episodes.get(change.episode_id)
    if episode is None:
        raise Conflict(f"episode {change.episode_id} is gone; decide again")
    if change.held is not None and (episode.state, episode.attempts) != ("pending", change.held):
        raise Conflict(f"somebody else works on episode {episode.id} meanwhile, or it is done; leave it")
    if change.state != episode.state:
        moved = state.moved.get(episode.id)
        if change.change_id is None:
            state.moved.pop(episode.id, None)  # where it was is no longer where to go back to
        elif moved is None or moved.change_id != change.change_id:
            state.moved[episode.id] = Moved(change_id=change.change_id, state=episode.state, reason=episode.reason)
    state.episodes[episode.id] = replace(
        episode,
        state=change.state,
        reason=change.reason,
        attempts=episode.attempts if change.attempts is None else change.attempts,
        due_at=change.due_at if change.state == "pending" else None,
        leased=False,
        task=episode.task if change.state in ("pending", "failed", "hidden") else None,
    )
    if episode.state == "hidden" and change.state != "hidden":  # what still cites it was said in its run again
        for memory_id in filter(state.is_current, state.citing(episode.id)):
            state.said_in(memory_id, episode.scope.run_id)
    elif change.state == "hidden":  # and only where another message says so
        for memory_id in filter(state.is_current, state.citing(episode.id)):
            cited = (state.episodes[each.source.episode_id] for each in state.sources[memory_id])
            said = {each.scope.run_id for each in cited if each.state != "hidden"}
            runs = state.runs.get(memory_id, ())
            state.runs[memory_id] = tuple(run for run in runs if run != episode.scope.run_id or run in said)


def _change_tombstones(state: State, write: Write) -> set[Owner]:
    decided = set()
    for tombstone in write.tombstones:
        if tombstone.id in state.tombstones:
            raise Conflict(f"tombstone {tombstone.id} is here already; decide again")
        state.tombstones[tombstone.id] = tombstone
        decided.add(owner_of(tombstone.scope))
    for tombstone_id in write.lifted:
        gone = state.tombstones.pop(tombstone_id, None)
        if gone is not None:
            decided.add(owner_of(gone.scope))
    return decided


def _outdated(memory_id: str, version: int) -> Conflict:
    return Conflict(f"memory {memory_id} is no longer at version {version}; decide again")
