"""The part of the user's API that keeps memories true: what goes, what comes back, what waits, what is tidied."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, get_args

from mnemic import inputs, present, text
from mnemic.engine import Engine, Handle
from mnemic.errors import InvalidInput, StoreError, describe
from mnemic.inputs import UNSET, Id
from mnemic.protocols import Annotate, SetState, Write
from mnemic.times import now
from mnemic.types import (
    ConsolidateResult,
    Episode,
    EpisodeState,
    LogResult,
    Memory,
    PendingResult,
    ProfileResult,
    StatsResult,
    VerifyResult,
)

_RATINGS = {"POSITIVE": 1, "NEGATIVE": -1, "VERY_NEGATIVE": -2}
_STATES: tuple[EpisodeState, ...] = get_args(EpisodeState)
_SHOWN_STATES = tuple(state for state in _STATES if state != "hidden")


class Upkeep(Handle):
    """Methods of `AsyncMemory`."""

    # What goes, in four strengths, and what comes back.

    async def delete(self, memory_id: str) -> dict[str, Any]:
        """Take a memory, or a message by its episode id, out of every answer. Can be undone.

        With a memory go the messages that only it came from, which are not extracted from again. With a
        message go the memories that rest on it alone; others lose it as a source.

        Raises:
            NotFound: no memory or episode has this id.
        """
        engine = await self._engine.ready()
        record = await self._record(memory_id, past=True)
        if isinstance(record, Memory):
            return present.deleted(record, await engine.retire.delete(record, now()))
        change_id, gone = await engine.retire.delete_message(record, now())
        return present.message_deleted(record, change_id, gone)

    async def delete_all(
        self, *, user_id: Id = UNSET, agent_id: Id = UNSET, app_id: Id = UNSET, run_id: Id = UNSET
    ) -> dict[str, Any]:
        """Delete every memory of a scope and hide its messages. At least one id is required. Can be undone.

        A memory that was also said in another run, when only a run is deleted, stays that run's.

        Raises:
            InvalidScope: no id; `reset()` is what empties a store.
        """
        whose = self._require_all(inputs.ids(user_id, agent_id, app_id, run_id), "delete_all()")
        engine = await self._engine.ready()
        change_id, memories, episodes = await engine.retire.delete_all(whose, now())
        return {
            "message": "Memories deleted successfully!",
            "deleted": memories,
            "messages_hidden": episodes,
            "change_id": change_id,
        }

    async def forget(self, memory_id: str) -> dict[str, Any]:
        """Delete a memory and what says the same, and never learn it again, however it is put. Can be undone.

        What was derived from it goes, too. The history keeps its words; `erase` removes them.

        Raises:
            NotFound: no memory has this id.
        """
        engine = await self._engine.ready()
        memory = await self._memory(memory_id, past=True)
        change_id, gone = await engine.retire.forget(memory, now())
        return present.forgotten(memory, change_id, gone)

    async def erase(
        self, *, user_id: Id = UNSET, agent_id: Id = UNSET, app_id: Id = UNSET, run_id: Id = UNSET
    ) -> dict[str, Any]:
        """Remove every byte of a scope: messages, memories, their versions, history and index. Cannot be undone.

        What was to be forgotten is forgotten as well, so the same things may then be learnt again. A memory
        that is told outside the scope, too, stays if it says no more than is told there; else it goes, and
        the messages that stay are read again. What the erased alone had ended is so again. The answer counts
        what went, and as `pending` such messages.

        Raises:
            InvalidScope: no id; `reset()` is what erases a store.
        """
        whose = self._require_all(inputs.ids(user_id, agent_id, app_id, run_id), "erase()")
        engine = await self._engine.ready()
        erased = await engine.store.erase(whose)
        if "pending" in erased:
            engine.look_after_pending(left=True)
        return {
            "message": "Erased. What was to be kept forgotten may be learnt again.",
            "scope": dict(whose.ids),
            "erased": erased,
            "at": now().isoformat(),
        }

    async def reset(self) -> dict[str, Any]:
        """Erase every byte of the store, history included; through `within`, of the project. Cannot be undone."""
        engine = await self._engine.ready()
        if engine.base is not None:
            left = await engine.store.erase(self._here())
        else:
            left = await engine.store.reset()
        engine.rebuild()
        told = {"message": "Store reset successfully!"}
        return told | {"tables_left": left["tables_left"]} if "tables_left" in left else told

    async def undo(self, change_id: str) -> dict[str, Any]:
        """Take back everything that one change did; the `change_id` stands in receipts and in the history.

        Memories it made go, those it retired or changed come back as they were. Messages it logged are
        hidden. An undo is a change itself.

        Raises:
            NotFound: no change has this id.
            Conflict: it was taken back before, or later changes rest on it; they are named.
        """
        engine = await self._engine.ready()
        wanted = inputs.record_id(change_id, "change_id")
        undone_by, done = await engine.retire.undo(wanted, self._here(), now())
        return present.undone(done, undone_by)

    # What a person thinks of a memory.

    async def feedback(self, memory_id: str, feedback: str | None = None, reason: str | None = None) -> dict[str, Any]:
        """Rate a memory: POSITIVE, NEGATIVE or VERY_NEGATIVE, with a reason. None takes back all that was said of it.

        Raises:
            NotFound: no memory has this id.
            InvalidInput: another word.
        """
        if feedback is not None and (not isinstance(feedback, str) or feedback.upper() not in _RATINGS):
            raise InvalidInput(f"feedback must be one of {', '.join(_RATINGS)}, or None, not {describe(feedback)}")
        reason = None if reason is None else inputs.text(reason, "reason")
        engine = await self._engine.ready()
        memory = await self._memory(memory_id)
        word = None if feedback is None else feedback.upper()
        step = 0 if word is None else _RATINGS[word]
        rating = Annotate(
            memory_id=memory.id, version=memory.version, rating=step, feedback=word or "NONE", reason=reason
        )
        await engine.store.commit(Write(scope=memory.scope, at=now(), annotate=(rating,)))
        rated = 0 if word is None else memory.rating + step
        return {"id": memory.id, "feedback": word, "reason": reason, "rating": rated}

    async def pin(self, memory_id: str, *, pinned: bool = True) -> dict[str, Any]:
        """Mark a memory as one to keep, or (`pinned=False`) no longer: first in the profile, never retired by tidying up.

        Raises:
            NotFound: no memory has this id.
        """
        pinned = inputs.flag(pinned, "pinned")
        engine = await self._engine.ready()
        memory = await self._memory(memory_id)
        mark = Annotate(memory_id=memory.id, version=memory.version, pinned=pinned)
        await engine.store.commit(Write(scope=memory.scope, at=now(), annotate=(mark,)))
        return {"id": memory.id, "pinned": pinned}

    # What waits.

    async def messages(
        self,
        *,
        user_id: Id = UNSET,
        agent_id: Id = UNSET,
        app_id: Id = UNSET,
        run_id: Id = UNSET,
        state: str | Sequence[str] | None = None,
        limit: int = 100,
        cursor: str | None = None,
    ) -> LogResult:
        """The log, newest first: every message with its state, all but the hidden ones unless named.

        `state` is one or several of pending, done, empty, refused, failed, hidden.

        Raises:
            InvalidInput, InvalidScope.
        """
        states = _SHOWN_STATES if state is None else (state,) if isinstance(state, str) else tuple(state)
        if not states or any(each not in _STATES for each in states):
            raise InvalidInput(f"state must be one or several of {', '.join(_STATES)}, not {describe(state)}")
        whose = self._scope(inputs.ids(user_id, agent_id, app_id, run_id))
        amount = inputs.count(limit, "limit")
        if cursor is not None and not isinstance(cursor, str):
            raise InvalidInput(f"cursor must be a next_cursor of an earlier page, not {describe(cursor)}")
        engine = await self._engine.ready()
        page = await engine.store.log(whose, [s for s in _STATES if s in states], limit=amount, cursor=cursor)
        return {
            "results": [present.message(episode) for episode in page.episodes],
            "total": page.total,
            "next_cursor": page.next_cursor,
        }

    async def process_pending(
        self,
        *,
        user_id: Id = UNSET,
        agent_id: Id = UNSET,
        app_id: Id = UNSET,
        run_id: Id = UNSET,
        limit: int | None = None,
    ) -> PendingResult:
        """Extract from the messages that are due now, at most about `limit`, and say what came of them."""
        whose = self._waiting(inputs.ids(user_id, agent_id, app_id, run_id))
        amount = None if limit is None else inputs.count(limit, "limit")
        engine = await self._engine.ready()
        accounts = []
        seen = 0
        while (amount is None or seen < amount) and (account := await engine.write.process(now(), whose)) is not None:
            accounts.append(account)
            seen += len(account.episodes)
        counts = await engine.store.counts(whose or self._here())
        return present.processed(accounts, pending=counts.pending, failed=counts.failed)

    async def wait_for_pending(
        self,
        seconds: float = 30.0,
        *,
        user_id: Id = UNSET,
        agent_id: Id = UNSET,
        app_id: Id = UNSET,
        run_id: Id = UNSET,
    ) -> None:
        """Come back when messages may be due, at the latest after so many seconds; for who calls `process_pending`.

        A PostgreSQL store hears of messages as any process stores them; others are looked into every second.
        """
        whose = self._waiting(inputs.ids(user_id, agent_id, app_id, run_id))
        longest = inputs.seconds(seconds, "seconds")
        engine = await self._engine.ready()
        await engine.wait_for_pending(whose, longest)

    async def retry(
        self,
        episode_id: str | None = None,
        *,
        user_id: Id = UNSET,
        agent_id: Id = UNSET,
        app_id: Id = UNSET,
        run_id: Id = UNSET,
    ) -> dict[str, Any]:
        """Give failed messages another chance: one by its id (also one that waits), or all failed ones of a scope.

        Raises:
            NotFound: no message has this id.
            InvalidInput: the message is neither failed nor pending.
        """
        whose = self._scope(inputs.ids(user_id, agent_id, app_id, run_id))
        engine = await self._engine.ready()
        if episode_id is not None:
            record = await self._record(episode_id)
            if not isinstance(record, Episode) or record.state not in ("failed", "pending"):
                raise InvalidInput(f"{episode_id} is no message that failed; messages(state='failed') lists them")
            again = [record]
        else:
            again = []
            cursor = None
            while True:
                page = await engine.store.log(whose, ["failed"], limit=1000, cursor=cursor)
                again += page.episodes
                cursor = page.next_cursor
                if cursor is None:
                    break
        at = now()
        for episode in again:
            state = SetState(episode_id=episode.id, state="pending", reason=None, attempts=0, due_at=at)
            await engine.store.commit(Write(scope=episode.scope, at=at, states=(state,)))
        engine.look_after_pending(left=bool(again))
        return {"retried": len(again), "episode_ids": [episode.id for episode in again]}

    # What is tidied.

    async def consolidate(
        self,
        *,
        user_id: Id = UNSET,
        agent_id: Id = UNSET,
        app_id: Id = UNSET,
        run_id: Id = UNSET,
        dry_run: bool = True,
        only: Sequence[str] | None = None,
    ) -> ConsolidateResult:
        """Propose what to merge, what to retire and what pattern there is; apply it unless `dry_run`.

        Each proposal names the memories it rests on, and is applied as a change of its own, which `undo`
        takes back. `only`: the ids of the proposals to apply.

        Raises:
            InvalidScope: no id.
            InvalidInput: `only` names a proposal that is not made (any more).
        """
        whose = self._require_all(inputs.ids(user_id, agent_id, app_id, run_id), "consolidate()")
        dry_run = inputs.flag(dry_run, "dry_run")
        engine = await self._engine.ready()
        proposals = await engine.consolidate.propose(whose, now())
        if isinstance(only, str):
            raise InvalidInput(f"only must be a list of proposals' ids, not {describe(only)}")
        if only is not None:
            made = {proposal.id: proposal for proposal in proposals}
            if missing := [each for each in only if each not in made]:
                raise InvalidInput(f"no such proposal: {describe(missing)}; consolidate() lists those there are now")
            proposals = tuple(made[each] for each in only)
        applied = () if dry_run else await engine.consolidate.apply(whose, proposals, now())
        return present.consolidated(proposals, applied, dry_run=dry_run)

    async def profile(
        self, *, user_id: Id = UNSET, agent_id: Id = UNSET, app_id: Id = UNSET, run_id: Id = UNSET
    ) -> ProfileResult:
        """Who this is, put together from the current memories: stable facts, current state, preferences.

        Raises:
            InvalidScope: no id.
        """
        whose = self._require(inputs.ids(user_id, agent_id, app_id, run_id), "profile()")
        engine = await self._engine.ready()
        return present.profile(await engine.consolidate.profile(whose, now()))

    # The store as a whole.

    async def stats(
        self, *, user_id: Id = UNSET, agent_id: Id = UNSET, app_id: Id = UNSET, run_id: Id = UNSET
    ) -> StatsResult:
        """What the store, or a scope of it, holds, and what models cost the project today."""
        whose = self._scope(inputs.ids(user_id, agent_id, app_id, run_id))
        engine = await self._engine.ready()
        counts, space = await engine.store.counts(whose), await engine.store.space()
        spent = await engine.store.spent(whose.project, now().date())
        return {
            "memories": counts.memories,
            "episodes": counts.episodes,
            "pending": counts.pending,
            "failed": counts.failed,
            "owners": counts.owners,
            "bytes": counts.bytes,
            "whole_search": counts.whole,
            "store": engine.store.address,
            "embedder": engine.embedder.name,
            "dimensions": None if space is None else space.dimensions,
            "extractor": engine.extractor.name,
            "model_calls_today": spent.model_calls,
            "tokens_today": spent.input_tokens + spent.output_tokens,
        }

    async def verify(self) -> VerifyResult:
        """Check that rows, index, vectors, sources, links and history agree."""
        engine = await self._engine.ready()
        checked, problems = await engine.store.verify()
        return {"ok": not problems, "checked": checked, "problems": list(problems)}

    async def reindex(self, progress: Callable[[int], None] | None = None) -> dict[str, Any]:
        """Move the whole store to this memory's embedder, whatever it was made with.

        Every record is embedded again; until all are, the store answers as before to whoever has it open
        with the former embedder. An interrupted run is gone on with. `progress` is told how many records
        were embedded so far.

        Raises:
            StoreError, ModelError: the store stays with its former embedder.
            StoreError: this memory was made by `within`.
        """
        engine = self._whole("reindex()")
        if not engine.opened:
            await engine.store.open()
        done = await engine.write.embedding.reindex(engine.store, progress or (lambda _: None))
        engine.opened = True
        return {"message": "Store reindexed successfully!", "embedded": done, "embedder": engine.embedder.name}

    async def backup(self, path: str | os.PathLike[str], *, overwrite: bool = False) -> dict[str, Any]:
        """Copy the whole store, as it is at this moment, to one file; everybody goes on reading and writing.

        The file bears its name when it is whole and on the disk, not before.

        Raises:
            InvalidInput: there is such a file, and it is not to be overwritten.
            StoreFull, StoreUnwritable: about the file. StoreError: this memory was made by `within`.
        """
        target, overwrite = file_name(path), inputs.flag(overwrite, "overwrite")
        engine = self._whole("backup()")
        if not engine.opened:
            await engine.store.open()  # whatever embedder its vectors are of
        await engine.store.backup(target, overwrite=overwrite)
        size = await asyncio.to_thread(os.path.getsize, target)
        return {"message": "Store backed up successfully!", "path": target, "bytes": size}

    async def restore(self, path: str | os.PathLike[str]) -> dict[str, Any]:
        """Put what a backup holds in the place of all that the store holds, for everybody who has it open.

        What was there before is kept in the file that the answer names as `before`, if it was anything and the store
        is a file. A backup by an earlier release is brought up to date. Where its vectors are of another embedder,
        which `embedder` of the answer names, the next call says what to do.

        Raises:
            InvalidInput: there is no such file.
            NotAStore, StoreTooNew: the file is no backup, damaged, or of a later release. The store stays as it was.
            StoreFull, StoreBusy: the same. StoreError: this memory was made by `within`.
        """
        source = file_name(path)
        engine = self._whole("restore()")
        if not engine.opened:
            await engine.store.open()
        before = await engine.store.restore(source)
        space = await engine.store.space()
        engine.rebuild()
        engine.opened = space is None or space.name == engine.embedder.name
        if engine.opened:
            engine.look_after_pending(left=True)
        return {
            "message": "Store restored successfully!",
            "path": source,
            "before": before,
            "embedder": None if space is None else space.name,
        }

    def _whole(self, what: str) -> Engine:
        """The engine of a memory that opens its store itself."""
        if self._engine.base is not None:
            raise StoreError(
                f"{what} is about all that a store was opened for, and this memory is one project's: call it on the"
                " memory that within() was called on; export() and import_export() move a project"
            )
        return self._engine


def file_name(path: str | os.PathLike[str]) -> str:
    """The name of a file.

    Raises:
        InvalidInput: it is none.
    """
    name = os.fspath(path) if isinstance(path, str | os.PathLike) else None
    if not isinstance(name, str) or text.scalar(name) != name or "\x00" in name or not name.strip():
        raise InvalidInput(f"path must be the name of a file, not {describe(path)}")
    return os.fspath(Path(name).expanduser())
