"""How the reference store deletes a scope, which can be undone, and erases one, which cannot."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from mnemic.ids import new_id
from mnemic.protocols import Retire, SetState, Write
from mnemic.testing.memory_commit import commit, set_state
from mnemic.testing.memory_entities import drop_unnamed, forget_mentions
from mnemic.testing.memory_state import Owner, State, covers, owner_of
from mnemic.text import says_more
from mnemic.types import DERIVED_KINDS, Change, HistoryEvent, Memory, Scope


def delete_scope(state: State, scope: Scope, change: Change, reason: str) -> tuple[int, int]:
    """Retire and hide, as one write."""
    leave_to_other_runs(state, scope, [each for each in state.versions if state.is_current(each)])
    memories = [each for each in state.current() if covers(scope, each.scope, each.runs)]
    episodes = [each for each in state.episodes.values() if covers(scope, each.scope) and each.state != "hidden"]
    write = Write(
        scope=scope,
        at=change.at,
        changes=(change,),
        retire=tuple(
            Retire(memory_id=each.id, version=each.version, reason=reason, change_id=change.id) for each in memories
        ),
        states=tuple(
            SetState(episode_id=each.id, state="hidden", reason=reason, change_id=change.id) for each in episodes
        ),
        history=tuple(
            HistoryEvent(
                id=new_id(each.scope.partition), memory_id=each.id, version=each.version, event="DELETE",
                old_text=each.text, new_text=None, at=change.at, change_id=change.id, actor="person", reason=reason,
            )
            for each in memories
        ),
    )  # fmt: skip
    commit(state, write)
    return len(memories), len(episodes)


def leave_to_other_runs(state: State, scope: Scope, memory_ids: Iterable[str]) -> None:
    """What was also said outside the scope's run stays there: in a further run, or in none at all."""
    if scope.run_id is None:
        return
    for memory_id in memory_ids:
        versions = state.versions[memory_id]
        own, runs = versions[-1].memory.scope, state.runs.get(memory_id, ())
        if not covers(scope, own, runs):
            continue
        if own.run_id == scope.run_id:
            cited = [state.run_of(each.source.episode_id) for each in state.sources.get(memory_id, ())]
            if not runs and None not in cited:
                continue
            own = replace(own, run_id=runs[0] if runs else None)
        state.runs[memory_id] = tuple(run for run in runs if run not in (scope.run_id, own.run_id))
        for version in versions:
            state.put(replace(version, memory=replace(version.memory, scope=own)))
        state.decided(owner_of(own))


def erase(state: State, scope: Scope) -> dict[str, int]:
    """Remove what is the scope's, and what rests on nothing else."""
    leave_to_other_runs(state, scope, list(state.versions))
    episodes = {each.id for each in state.episodes.values() if covers(scope, each.scope)}
    memories = {
        memory_id
        for memory_id, versions in state.versions.items()
        if covers(scope, versions[-1].memory.scope, state.runs.get(memory_id, ()))
        or _rests_on(state, memory_id, episodes)
    }
    worded = {name for name in state.versions if name not in memories and _is_worded(state, name, scope, episodes)}
    memories |= worded | {name for name in state.versions if _is_derived(state, name, episodes)}
    _come_back(state, scope, memories)
    again = 0
    for episode in list(state.episodes.values()):
        citing = state.citing(episode.id)
        unread = worded.intersection(citing) or (citing and memories.issuperset(citing))
        if episode.state == "done" and episode.id not in episodes and unread:
            set_state(state, SetState(episode_id=episode.id, state="pending", attempts=0))
            again += 1
    used = forget_mentions(state, memories)
    gone = {"memories": len(memories), "episodes": len(episodes)}
    if again:
        gone["pending"] = again
    gone["versions"] = sum(len(state.versions[each]) for each in memories)
    touched = {owner_of(state.last(each).memory.scope) for each in memories}
    touched |= {owner_of(state.episodes[each].scope) for each in episodes}
    for memory_id in state.versions.keys() - memories:
        _keep_the_rest(state, memory_id, episodes)
    _drop(state, memories, episodes)
    tombstones = {name: each for name, each in state.tombstones.items() if not covers(scope, each.scope)}
    changes = {name: each for name, each in state.changes.items() if not covers(scope, each.scope)}
    gone["tombstones"] = len(state.tombstones) - len(tombstones)
    gone["changes"] = len(state.changes) - len(changes)
    state.tombstones, state.changes = tombstones, changes
    if not scope.ids:
        state.usage = {day: spent for day, spent in state.usage.items() if day[0] != scope.project}
    gone["entities"] = drop_unnamed(state, scope, used)
    _count_owners(state, touched | {owner_of(scope)})
    return gone


def _rests_on(state: State, memory_id: str, episodes: set[str]) -> bool:
    """Whether all the evidence of a memory is in these."""
    cited = state.sources.get(memory_id, ())
    return bool(cited) and all(each.source.episode_id in episodes for each in cited)


def _is_worded(state: State, memory_id: str, scope: Scope, episodes: set[str]) -> bool:
    """Whether a memory that loses some of its sources says what only these told."""
    cited = {each.source.episode_id for each in state.sources.get(memory_id, ())}
    if cited.isdisjoint(episodes):
        return False
    left = [state.episodes[each].content for each in cited - episodes]
    by = {
        each.version
        for each in state.history
        if each.memory_id == memory_id and each.event != "DELETE" and each.change_id in state.changes
        and covers(scope, state.changes[each.change_id].scope)
    }  # fmt: skip
    return any(
        each.memory.version in by and (each.memory.metadata or says_more(each.memory.text, left))
        for each in state.versions[memory_id]
    )


def _is_derived(state: State, memory_id: str, episodes: set[str]) -> bool:
    """Whether a memory that loses some of its sources repeats what others say."""
    cited = {each.source.episode_id for each in state.sources.get(memory_id, ())}
    return not cited.isdisjoint(episodes) and any(
        each.memory.kind in DERIVED_KINDS for each in state.versions[memory_id]
    )


def _come_back(state: State, scope: Scope, going: set[str]) -> None:
    """Memories that only what goes ended, or took the place of, are current again.

    Where something else has taken the place of that since, it has now taken theirs.
    """
    if not scope.ids:
        return
    ended = {
        name: state.last(name).memory
        for name in state.versions
        if state.last(name).memory.retire_reason == "superseded"
    }
    lines = {
        name: each
        for each in state.history
        for name in [each.memory_id]
        if name in ended and (each.version, each.event) == (ended[name].version, "DELETE")
    }

    def is_over(name: str) -> bool:
        by = ended[name].retired_by
        if by is not None:
            return by not in going
        change = state.changes.get(lines[name].change_id) if name in lines else None
        return change is None or not covers(scope, change.scope)

    for name in [each for each in ended if each not in going and not is_over(each)]:
        last, passed = name, set[str]()
        while last not in passed and not is_over(last) and ended[last].retired_by in ended:
            passed.add(last)
            last = str(ended[last].retired_by)
        if is_over(last):
            _pass_on(state, ended[name], ended[last], lines.get(name), lines.get(last))
        else:
            _renew(state, name, lines.get(name))


def _renew(state: State, memory_id: str, line: HistoryEvent | None) -> None:
    version = state.last(memory_id)
    memory = replace(
        version.memory, known_to=None, updated_at=version.memory.known_from, valid_to=version.valid_before,
        retired_by=None, retire_reason=None,
    )  # fmt: skip
    taken = version.once is not None and state.holder(owner_of(memory.scope), version.once) is not None
    state.put(replace(version, memory=memory, valid_before=None, once=None if taken else version.once))
    if line is not None:
        state.history = tuple(each for each in state.history if each != line)
        state.outbox = tuple(each for each in state.outbox if each != (memory_id, line.id))


def _pass_on(state: State, memory: Memory, last: Memory, line: HistoryEvent | None, after: HistoryEvent | None) -> None:
    """End a memory when, and by what, another one ended."""
    by, until = last.retired_by, last.valid_to
    state.put_last(replace(memory, known_to=last.known_to, updated_at=last.updated_at, valid_to=until, retired_by=by))
    if line is not None and after is not None:
        new = replace(line, at=after.at, change_id=after.change_id, reason=after.reason)
        state.history = tuple(new if each == line else each for each in state.history)


def _keep_the_rest(state: State, memory_id: str, episodes: set[str]) -> None:
    """A memory whose evidence partly goes rests on what is left, and dates from there."""
    known = state.sources.get(memory_id, ())
    left = tuple(each for each in known if each.source.episode_id not in episodes)
    if len(left) == len(known):
        return
    state.sources[memory_id] = left
    earliest = min(each.source.said_at for each in left)
    for version in state.versions[memory_id]:
        memory = version.memory
        count = max(1, memory.proof_count - (len(known) - len(left)))
        said_at = None if memory.said_at is None else earliest
        state.put(replace(version, memory=replace(memory, proof_count=count, said_at=said_at)))


def _drop(state: State, memories: set[str], episodes: set[str]) -> None:
    """Rows, history, evidence and places. A place that a message and a memory shared is kept for the one that stays."""
    for kind in ("versions", "sources", "unproven", "runs"):
        setattr(state, kind, {name: each for name, each in getattr(state, kind).items() if name not in memories})
    for kind in ("episodes", "place_of", "moved"):
        setattr(state, kind, {name: each for name, each in getattr(state, kind).items() if name not in episodes})
    state.unproven = {
        name: tuple(each for each in taken if each.words[0] not in episodes) for name, taken in state.unproven.items()
    }
    state.history = tuple(each for each in state.history if each.memory_id not in memories)
    state.outbox = tuple(each for each in state.outbox if each[0] not in memories)
    state.feedback = tuple(each for each in state.feedback if each[0] not in memories)
    entries = {
        place: replace(
            each,
            episode=None if each.episode in episodes else each.episode,
            before=None if each.episode in episodes else each.before,
            memory=None if each.memory is not None and each.memory[0] in memories else each.memory,
        )
        for place, each in state.entries.items()
    }
    state.entries = {place: each for place, each in entries.items() if each.episode or each.memory}
    kept = state.entries.keys()
    state.spaces = {
        space: {place: vectors for place, vectors in have.items() if place in kept}
        for space, have in state.spaces.items()
    }


def _count_owners(state: State, touched: set[Owner]) -> None:
    """Owners with nothing left are new when they come again; decisions about the others no longer hold."""
    scopes = [each.scope for each in state.episodes.values()]
    scopes += [versions[-1].memory.scope for versions in state.versions.values()]
    scopes += [each.scope for each in state.entities.values()]
    scopes += [each.scope for each in state.tombstones.values()]
    left = {owner_of(scope) for scope in scopes}
    for owner in touched:
        if owner in left:
            state.decided(owner)
        else:
            state.decisions.pop(owner, None)
