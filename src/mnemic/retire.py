"""What goes away and what comes back: delete, forget, undo. Top to bottom.

Nothing here removes a byte; that is `Store.erase`. Each function decides one change and has the store
commit it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Literal

from mnemic import sameness
from mnemic.drafts import ONE, Likeness, event, print_of, trace_of
from mnemic.errors import Conflict, NotFound
from mnemic.ids import new_id
from mnemic.protocols import (
    Ask,
    Calibration,
    Changed,
    MergeEntity,
    MoveName,
    Reprove,
    Restore,
    Retire,
    SetState,
    Store,
    Unprove,
    Vectors,
    Write,
)
from mnemic.types import DERIVED_KINDS, Change, ChangeKind, Episode, HistoryEvent, Memory, Scope, Tombstone

# Memories that may say what is to be forgotten in other words are among this many nearest ones.
_ALIKE_AMONG = 20

_WITH_ITS_MESSAGE = "its message was deleted"


class RetirePath:
    """Decides what goes and what comes back."""

    def __init__(self, store: Store, calibration: Calibration) -> None:
        self._store = store
        self._likeness = Likeness(calibration)

    async def delete(self, memory: Memory, at: datetime) -> str:
        """Retire a memory and hide the messages that only it came from. Returns the change's id."""
        change = _change(memory.scope, "delete", at)
        await self._store.commit(
            Write(
                scope=memory.scope,
                at=at,
                changes=(change,),
                retire=(_gone(memory, "deleted", change),),
                history=(_deleted(memory, "deleted", change),),
            )
        )
        return change.id

    async def delete_message(self, episode: Episode, at: datetime) -> tuple[str, tuple[Memory, ...]]:
        """Hide a message; memories that rest on nothing else go with it, others lose it as a source.

        Returns the change's id and the memories that went.
        """
        change = _change(episode.scope, "delete", at)
        citing = await self._store.citing([episode.id])
        gone = [memory for memory in citing if {source.episode_id for source in memory.sources} == {episode.id}]
        left = [memory for memory in citing if memory not in gone]
        await self._store.commit(
            Write(
                scope=episode.scope,
                at=at,
                changes=(change,),
                retire=tuple(_gone(memory, "deleted", change) for memory in gone),
                unprove=tuple(Unprove(memory_id=memory.id, by=change.id, episode_ids=(episode.id,)) for memory in left),
                states=(SetState(episode_id=episode.id, state="hidden", reason="deleted", change_id=change.id),),
                history=tuple(_deleted(memory, _WITH_ITS_MESSAGE, change) for memory in gone),
            )
        )
        return change.id, tuple(gone)

    async def delete_all(self, scope: Scope, at: datetime) -> tuple[str, int, int]:
        """Retire every memory of a scope and hide its messages. Returns the change's id and how many of each."""
        change = _change(scope, "delete_all", at)
        memories, episodes = await self._store.delete_scope(scope, change, reason="deleted")
        return change.id, memories, episodes

    async def forget(self, memory: Memory, at: datetime) -> tuple[str, tuple[Memory, ...]]:
        """Retire a memory, what says the same and what was derived from it, and keep it from being learnt again.

        Returns the change's id and the memories that went.
        """
        change = _change(memory.scope, "forget", at)
        vectors = {each: found[0] for each, found in (await self._store.vectors([memory.id])).items()}
        gone = {memory.id: memory}
        for other in [*await self._alike(memory, vectors), *await self._derived(memory)]:
            gone.setdefault(other.id, other)
        await self._store.commit(
            Write(
                scope=memory.scope,
                at=at,
                changes=(change,),
                retire=tuple(_gone(each, "forgotten", change) for each in gone.values()),
                tombstones=_tombstones(gone.values(), vectors, change),
                history=tuple(_deleted(each, "forgotten", change) for each in gone.values()),
            )
        )
        return change.id, tuple(gone.values())

    async def _alike(self, memory: Memory, vectors: dict[str, Vectors]) -> list[Memory]:
        """Current memories that say the same; their vectors join `vectors`."""
        own = vectors.get(memory.id)
        ask = Ask(
            scope=memory.scope,
            slots=() if memory.slot is None else (memory.slot,),
            vectors=None if own is None else own[None, :],
            limit=_ALIKE_AMONG,
        )
        around = await self._store.around(ask)
        vectors.update(around.vectors)
        return [
            other
            for other in around.memories.values()
            if other.id != memory.id
            and sameness.compare(
                trace_of(other),
                trace_of(memory),
                self._likeness.of(other.indexed, around.vectors.get(other.id), memory.indexed, own),
            )
            in ONE
        ]

    async def _derived(self, memory: Memory) -> list[Memory]:
        cited = [source.episode_id for source in memory.sources]
        return [other for other in await self._store.citing(cited) if other.kind in DERIVED_KINDS] if cited else []

    async def undo(self, change_id: str, within: Scope, at: datetime) -> tuple[str, Changed]:
        """Take back everything a change did, within a scope. Returns the id of the change that does so.

        Raises:
            NotFound: no change of this id lies within the scope.
            Conflict: it was taken back before, or later changes rest on it.
        """
        done = await self._store.change(change_id)
        if done is None or not _lies_within(done.change.scope, within):
            raise NotFound(change_id, what="change has the id", where="receipts and history() name them")
        if done.change.undone_by is not None:
            raise Conflict(f"change {change_id} was taken back before, by {done.change.undone_by}")
        change = _change(done.change.scope, "undo", at)
        await self._store.commit(await self._inverse(done, change))
        return change.id, done

    async def _inverse(self, done: Changed, change: Change) -> Write:
        touched: dict[str, list[HistoryEvent]] = {}
        for each in done.events:
            touched.setdefault(each.memory_id, []).append(each)
        retire: list[Retire] = []
        restore: list[Restore] = []
        history: list[HistoryEvent] = []
        retired = await self._retired(touched)
        for memory_id, events in touched.items():
            first, last = events[0], events[-1]
            version, current = done.versions[memory_id]
            moved = (version, current) != (last.version, last.event != "DELETE")
            gone = retired.get(memory_id)
            moved |= gone is not None and _is_superseded(last.reason) and not _is_superseded(gone.retire_reason)
            if moved and (later := await self._later(memory_id, done.change.id)):
                raise Conflict(
                    f"memory {memory_id} was changed after change {done.change.id}; undo what came later first:"
                    f" {', '.join(reversed(later[-3:]))}"
                )
            if first.event == "ADD":
                if last.event == "DELETE" and first.version == 1:
                    continue  # it came and went within the change
                told = await self._reason_before(memory_id, first)
                again = None if first.version == 1 else first.version - 1
                retire.append(
                    Retire(
                        memory_id=memory_id, version=version, reason=_reason(told), change_id=change.id, again=again
                    )
                )  # fmt: skip
                history.append(_line(memory_id, version, "DELETE", last.new_text or last.old_text, None, told, change))
            else:
                of = first.version - 1 if first.event == "UPDATE" else first.version
                standing = last.event != "DELETE"
                # What was gone before it was deleted had been superseded, and is that again.
                superseded = gone is not None and gone.known_to is not None and gone.known_to < first.at
                restore.append(
                    Restore(memory_id=memory_id, version=version, change_id=change.id, of=of, superseded=superseded)
                )
                history.append(
                    _line(
                        memory_id, version + 1, "UPDATE" if standing else "ADD",
                        last.new_text if standing else None, first.old_text, "undone", change,
                    )
                )  # fmt: skip
                if superseded:
                    history.append(_line(memory_id, version + 1, "DELETE", first.old_text, None, "superseded", change))
        return Write(
            scope=done.change.scope,
            at=change.at,
            changes=(change,),
            undone={done.change.id: change.id},
            retire=tuple(retire),
            restore=tuple(restore),
            unprove=tuple(Unprove(memory_id=each, by=change.id, change_id=done.change.id) for each in done.proven),
            reprove=tuple(Reprove(memory_id=each, by=change.id, change_id=done.change.id) for each in done.unproven),
            states=tuple(_states_before(done, change)),
            tombstones=await self._buried_again(retire, change),
            lifted=done.tombstones,
            entities=(
                *(MergeEntity(entity_id=each, into=None, change_id=change.id) for each in done.merged),
                *(MergeEntity(entity_id=each, into=into, change_id=change.id) for each, into in done.parted),
                *(
                    MoveName(key=key, source=target, target=source, change_id=change.id)
                    for key, source, target in done.moved
                ),
            ),
            history=tuple(history),
        )

    async def _buried_again(self, retire: Sequence[Retire], change: Change) -> tuple[Tombstone, ...]:
        """Tombstones of what is forgotten once more: those it had were lifted when it came back."""
        forgotten = [each.memory_id for each in retire if each.reason == "forgotten"]
        if not forgotten:
            return ()
        known = (await self._store.load(forgotten)).values()
        vectors = {each: found[0] for each, found in (await self._store.vectors(forgotten)).items()}
        return _tombstones([each for each in known if isinstance(each, Memory)], vectors, change)

    async def _retired(self, touched: Mapping[str, Sequence[HistoryEvent]]) -> dict[str, Memory]:
        """What a change retired, as it is now."""
        ids = [each for each, events in touched.items() if events[-1].event == "DELETE"]
        found = await self._store.load(ids) if ids else {}
        return {name: each for name, each in found.items() if isinstance(each, Memory)}

    async def _reason_before(self, memory_id: str, added: HistoryEvent) -> str:
        """Why a memory that came back was gone before, as its history says; a new one just goes again."""
        if added.version == 1:
            return "undone"
        before = [event for event in await self._store.history(memory_id) if event.version < added.version]
        return next((event.reason for event in reversed(before) if event.event == "DELETE" and event.reason), "undone")

    async def _later(self, memory_id: str, change_id: str) -> list[str]:
        """Changes of a memory after one, oldest first, without those that were taken back and what took them back."""
        ids = list(dict.fromkeys(each.change_id for each in await self._store.history(memory_id)))
        left: list[str] = []
        for each in ids[ids.index(change_id) + 1 :]:
            before = await self._store.change(left[-1]) if left else None
            if before is not None and before.change.undone_by == each:
                left.pop()
            else:
                left.append(each)
        return left


def _is_superseded(told: str | None) -> bool:
    return told is not None and told.startswith("superseded")


def _reason(told: str) -> str:
    """What a memory is retired for, by what its history told of it."""
    if _is_superseded(told):
        return "superseded"
    return "deleted" if told == _WITH_ITS_MESSAGE else told


def _tombstones(memories: Iterable[Memory], vectors: Mapping[str, Vectors], change: Change) -> tuple[Tombstone, ...]:
    """What keeps memories from being learnt again; what was derived from others is not learnt. A vector has shape (d,)."""
    return tuple(
        Tombstone(
            id=new_id(change.scope.partition),
            scope=replace(change.scope, run_id=_run(change.scope)),
            at=change.at,
            change_id=change.id,
            slot=each.slot,
            print=print_of(each, vectors.get(each.id)),
        )
        for each in memories
        if each.kind not in DERIVED_KINDS
    )


def _states_before(done: Changed, change: Change) -> Iterable[SetState]:
    """Messages the change moved go back; messages it brought are hidden."""
    for episode_id, state, reason in done.states:
        yield SetState(episode_id=episode_id, state=state, reason=reason, change_id=change.id)
    for episode_id in done.episodes:
        yield SetState(episode_id=episode_id, state="hidden", reason="undone", change_id=change.id)


def _gone(memory: Memory, reason: str, change: Change) -> Retire:
    return Retire(memory_id=memory.id, version=memory.version, reason=reason, change_id=change.id, hide_sources=True)


def _deleted(memory: Memory, reason: str, change: Change) -> HistoryEvent:
    return event(memory, "DELETE", change.id, change.at, "person", reason)


def _line(
    memory_id: str,
    version: int,
    kind: Literal["ADD", "UPDATE", "DELETE"],
    old: str | None,
    new: str | None,
    reason: str,
    change: Change,
) -> HistoryEvent:
    return HistoryEvent(
        id=new_id(change.scope.partition), memory_id=memory_id, version=version, event=kind, old_text=old,
        new_text=new, at=change.at, change_id=change.id, actor="person", reason=reason,
    )  # fmt: skip


def _change(scope: Scope, kind: ChangeKind, at: datetime) -> Change:
    return Change(id=new_id(scope.partition), scope=scope, kind=kind, at=at)


def _run(scope: Scope) -> str | None:
    """The run, where a scope has nothing else: what is decided there holds in it alone."""
    return scope.run_id if tuple(scope.ids) == ("run_id",) else None


def _lies_within(scope: Scope, within: Scope) -> bool:
    return scope.project == within.project and within.ids.items() <= scope.ids.items()
