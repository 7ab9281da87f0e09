"""The part of the user's API about the past: what changed since, and which values a slot had."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import groupby

from mnemic import inputs, present, slots
from mnemic.drafts import key_of_subject, keys_of
from mnemic.engine import Handle
from mnemic.errors import InvalidInput, describe
from mnemic.inputs import UNSET, Id, When
from mnemic.present import Value
from mnemic.times import parse_time
from mnemic.types import ChangesResult, Memory, Scope, TimelineItem


class Past(Handle):
    """Methods of `AsyncMemory`."""

    async def changes(
        self,
        since: When,
        until: When | None = None,
        *,
        user_id: Id = UNSET,
        agent_id: Id = UNSET,
        app_id: Id = UNSET,
        run_id: Id = UNSET,
        limit: int = 100,
        cursor: str | None = None,
    ) -> ChangesResult:
        """What happened to memories from `since` to before `until` (by default: to now), oldest first.

        Each result is a line as `history` gives it: ADD, UPDATE or DELETE with the text before and after, who
        did it and why, and the `change_id` that `undo` takes. Times are those of the store: when it learnt it. Of
        memories that were forgotten since, the texts are None. Without ids it is the whole store; `next_cursor`
        leads to the next page.

        Raises:
            InvalidInput: a time or a cursor that means nothing. InvalidScope: ids that are all empty.

        >>> from mnemic import Memory
        >>> m = Memory(":memory:")
        >>> _ = m.remember("Plays tennis", user_id="alice")
        >>> [each["event"] for each in m.changes(since="2025-01-01", user_id="alice")["results"]]
        ['ADD']
        """
        whose = self._scope(inputs.ids(user_id, agent_id, app_id, run_id))
        begin = parse_time(since, name="since")
        end = None if until is None else parse_time(until, name="until")
        amount = inputs.count(limit, "limit")
        if cursor is not None and not isinstance(cursor, str):
            raise InvalidInput(f"cursor must be a next_cursor of an earlier page, not {describe(cursor)}")
        engine = await self._engine.ready()
        return present.changes(await engine.store.changes(whose, since=begin, until=end, limit=amount, cursor=cursor))

    async def timeline(
        self,
        attribute: str,
        *,
        subject: str = "user",
        user_id: Id = UNSET,
        agent_id: Id = UNSET,
        app_id: Id = UNSET,
        run_id: Id = UNSET,
    ) -> list[TimelineItem]:
        """All values that an attribute of somebody had, in the order in which they began to hold.

        Args:
            attribute: under any name it goes by: "home", "employer", "favourite colour".
            subject: "user", or the name of somebody else.
            user_id, agent_id, app_id, run_id: whose memories; one is needed.

        Returns:
            Current and former values. `since` and `valid_to` say when each held, `known_from` and `known_to` when
            it was known; `replaces` and `replaced_by` name memories. A value with `reason` "updated" never held: a
            later version of the same memory put it right. What was deleted, merged or undone is not listed.

        Raises:
            InvalidScope: no id. InvalidInput: no attribute.
        """
        whose = self._require(inputs.ids(user_id, agent_id, app_id, run_id), "timeline()")
        who, what = inputs.text(subject, "subject").strip(), inputs.text(attribute, "attribute")
        engine = await self._engine.ready()
        versions: dict[tuple[str, int], Memory] = {}
        for wanted in await self._slots(whose, who, what):
            versions |= {(each.id, each.version): each for each in await engine.store.slot(whose, wanted)}
        return [present.value(each) for each in values([versions[key] for key in sorted(versions)])]

    async def _slots(self, whose: Scope, who: str, what: str) -> list[str]:
        """The slot under every name that the subject goes by."""
        key = key_of_subject(who)
        known = await self._engine.store.resolve(whose, [key]) if key not in ("user", "assistant") else {}
        names = dict.fromkeys([key, *(each for entity in known.values() for each in keys_of(entity))])
        found = [slots.key(name, what) for name in names]
        if not any(found):
            raise InvalidInput(f"attribute must name something that has values, such as 'home', not {describe(what)}")
        return [each for each in found if each is not None]


def values(versions: Sequence[Memory]) -> list[Value]:
    """What a slot was, from its versions by id and version. Versions of the same words are one value."""
    ends: dict[str, datetime] = {}
    replaced: dict[str, list[str]] = {}
    shown: list[Memory] = []
    for _, group in groupby(versions, key=lambda each: each.id):
        every = list(group)
        last = every[-1]
        if last.retired_by is not None and last.retire_reason != "merged" and last.valid_to is not None:
            ends[last.retired_by] = max(ends.get(last.retired_by, last.valid_to), last.valid_to)
        if last.known_to is not None and last.retire_reason != "superseded":
            continue
        shown += _distinct(every)
        if last.retired_by is not None:
            replaced.setdefault(last.retired_by, []).append(last.id)
    found = [
        Value(memory=each, since=each.valid_from or ends.get(each.id), replaces=tuple(replaced.get(each.id, ())))
        for each in shown
    ]
    return sorted(found, key=_began)


def _distinct(versions: Iterable[Memory]) -> list[Memory]:
    """One version for each wording, known from its first to its last."""
    found: list[Memory] = []
    for each in versions:
        if found and found[-1].words == each.words:
            found[-1] = replace(each, known_from=found[-1].known_from)
        else:
            found.append(each)
    return found


def _began(value: Value) -> tuple[datetime, datetime, str, int]:
    memory = value.memory
    return value.since or memory.said_at or memory.known_from, memory.known_from, memory.id, memory.version
