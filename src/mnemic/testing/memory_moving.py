"""How the reference store writes what it holds as lines, and takes lines in. See `mnemic.records`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

from mnemic import records
from mnemic.lifetimes import Superseded
from mnemic.protocols import Space
from mnemic.records import Fields, Line
from mnemic.testing.memory_state import Cited, Moved, State, Taken, Version, covers, owner_of
from mnemic.times import iso
from mnemic.types import Change, Entity, HistoryEvent, Scope, Source, Tombstone, Usage

Take = Callable[[Sequence[Line]], None]


def dump(state: State, scope: Scope, take: Take, *, vectors: bool) -> None:
    """All lines of a scope."""
    memories = {
        memory_id
        for memory_id, versions in state.versions.items()
        if covers(scope, versions[-1].memory.scope, state.runs.get(memory_id, ()))
    }
    cited = {each.source.episode_id for name in memories for each in state.sources.get(name, ())}
    wide = replace(scope, run_id=None) if tuple(scope.ids) != ("run_id",) else scope
    entities = {each.id for each in state.entities.values() if covers(wide, each.scope)}
    entities |= {entity for memory, entity, _ in state.mentions if memory in memories}
    entities |= {each for key in state.relations if key[0] in memories for each in (key[1], key[3])}
    while more := {state.entities[each].merged_into for each in entities} - entities - {None}:
        entities |= {each for each in more if each is not None}
    lines = [_change(state, each) for each in state.changes.values() if covers(scope, each.scope)]
    if not scope.ids:
        lines += [
            ("usage", {"day": day.isoformat(), **{name: getattr(spent, name) for name in _USAGE}})
            for (project, day), spent in state.usage.items()
            if project == scope.project
        ]
    lines += [("tombstone", _plain(each)) for each in state.tombstones.values() if covers(scope, each.scope)]
    lines += [_entity(state, each) for each in sorted(entities)]
    for entry in state.entries.values():
        found: list[Line] = []
        mine = entry.memory is not None and entry.memory[0] in memories
        if entry.episode is not None:
            episode = state.episodes[entry.episode]
            if mine or episode.id in cited or covers(scope, episode.scope):
                found.append(_episode(state, episode.id, entry.before))
        if mine and entry.memory is not None:
            fields = _memory(state, scope, *entry.memory)
            if entry.episode is not None:
                fields["shares"] = entry.episode
            elif entry.turn is not None and entry.turn in state.episodes:
                fields["turn"] = entry.turn
            found.append(("memory", fields))
        if found and vectors and len(entry.vectors):
            found[0][1]["vectors"] = entry.vectors
        lines += found
    counts = {kind: sum(each == kind for each, _ in lines) for kind in records.TABLES}
    take([("start", {"space": _space(state) if vectors else None, "counts": counts}), *lines])


def _space(state: State) -> Fields | None:
    return None if state.space is None else {"name": state.space.name, "dimensions": state.space.dimensions}


_USAGE = ("model_calls", "input_tokens", "output_tokens", "embeddings")


def _plain(value: Any, **more: Any) -> Fields:
    """The fields of a value under the names of a line, those that are not set left out."""
    found: Fields = {}
    for name in value.__dataclass_fields__:
        each = getattr(value, name)
        if name == "scope":
            found |= each.ids
        elif name not in ("sources", "runs", "aliases", "memories", "memory_id"):
            found["actor_id" if name == "actor" and not isinstance(value, HistoryEvent) else name] = _json(each)
    return {name: each for name, each in (found | more).items() if each is not None}


def _json(value: Any) -> Any:
    if isinstance(value, datetime):
        return iso(value)
    if isinstance(value, tuple):
        return list(value)
    if isinstance(value, Mapping):
        return dict(value)
    if hasattr(value, "__dataclass_fields__"):
        return {name: each for name, each in _plain(value).items() if each}
    return value


def _change(state: State, change: Change) -> Line:
    moves = [
        {"key": key, "source": source, "target": target}
        for (by, key, source), target in state.moves.items()
        if by == change.id
    ]
    moves += [
        {"key": records.WHOLE, "source": entity_id, "target": was}
        for (by, entity_id), was in state.parted.items()
        if by == change.id
    ]
    return "change", _plain(change, moves=moves or None)


def _entity(state: State, entity_id: str) -> Line:
    names = [
        {"key": key, "text": text, "at": iso(at)} for (who, key), (text, at) in state.names.items() if who == entity_id
    ]
    return "entity", _plain(state.entities[entity_id], names=names or None, merged_by=state.merged_by.get(entity_id))


def _episode(state: State, episode_id: str, before: str | None) -> Line:
    moved = state.moved.get(episode_id)
    more: Fields = {"before": before if before in state.episodes else None}
    if moved is not None:
        more |= {"changed_by": moved.change_id, "state_before": moved.state, "reason_before": moved.reason}
    return "episode", _plain(state.episodes[episode_id], **more)


def _memory(state: State, scope: Scope, memory_id: str, version: int) -> Fields:
    held = next(each for each in state.versions[memory_id] if each.memory.version == version)
    fields = _plain(held.memory, current=held.memory.known_to is None, once=held.once)
    if held.valid_before is not None:
        fields["valid_before"] = iso(held.valid_before)
    if held.was is not None:
        was = {"superseded_by": held.was.by, "superseded_to": held.was.valid_to, "superseded_until": held.was.until}
        fields |= {name: _json(each) for name, each in was.items() if each is not None}
    elif held.merged_into is not None:
        fields["superseded_by"] = held.merged_into
    if version == min(each.memory.version for each in state.versions[memory_id]):
        fields |= {name: each for name, each in _parts(state, scope, memory_id).items() if each}
    return fields


def _parts(state: State, scope: Scope, memory_id: str) -> Fields:
    """What belongs to all versions."""
    partition = state.last(memory_id).memory.scope.partition
    return {
        "sources": [
            {"episode_id": each.source.episode_id, "quote": each.source.quote}
            | ({} if each.change_id is None else {"change_id": each.change_id})
            for each in state.sources.get(memory_id, ())
        ],
        "unproven": [
            {"episode_id": each.words[0], "quote": each.words[1], "taken_by": each.by, "counted": each.counted}
            | ({} if each.cited.change_id is None else {"change_id": each.cited.change_id})
            | ({} if each.given_by is None else {"given_by": each.given_by})
            for each in state.unproven.get(memory_id, ())
            if covers(scope, state.episodes[each.words[0]].scope)  # one that is no source takes no message along
        ],
        "runs": list(state.runs.get(memory_id, ())),
        "history": [_plain(each) for each in state.history if each.memory_id == memory_id],
        "feedback": [
            {"id": f"{number}-{partition}", "version": 1, "word": word, "at": "2000-01-01T00:00:00+00:00"}
            | ({} if reason is None else {"reason": reason})
            for number, (who, word, reason) in enumerate(state.feedback)
            if who == memory_id
        ],
        "mentions": [
            {"entity_id": who, "key": key} for memory, who, key in sorted(state.mentions) if memory == memory_id
        ],
        "relations": [
            {"subject_id": one, "subject_key": keys[0], "predicate": word, "object_id": two, "object_key": keys[1]}
            for (memory, one, word, two), keys in state.relations.items()
            if memory == memory_id
        ],
    }


# Taking in.


def lacks(state: State, lines: Iterable[Line], project: str) -> list[Line]:
    """Those that are not here."""
    return [line for line in lines if _is_new(state, line, project)]


def _is_new(state: State, line: Line, project: str) -> bool:
    kind, fields = line
    if kind == "usage":
        return (project, date.fromisoformat(fields["day"])) not in state.usage
    if kind != "memory":
        here = {**state.changes, **state.tombstones, **state.entities, **state.episodes}
        return fields["id"] not in here
    versions = state.versions.get(fields["id"], ())
    if any(each.memory.version == fields["version"] for each in versions):
        return False
    last = [each.memory for each in versions if each.memory.known_to is None or each.memory.retire_reason is not None]
    return not last or fields["version"] < last[-1].version


def take_in(state: State, lines: Sequence[Line], project: str, space: Space | None) -> int:
    """Add those that are not here. How many."""
    state.space = space or state.space
    new = lacks(state, lines, project)
    for kind, fields in new:
        scope = records.scope_of(fields, project)
        match kind:
            case "change":
                _take_change(state, fields, scope)
            case "usage":
                spent = Usage(**{name: fields[name] for name in _USAGE})
                state.usage[project, date.fromisoformat(fields["day"])] = spent
            case "tombstone":
                state.tombstones[fields["id"]] = Tombstone(
                    id=fields["id"], scope=scope, at=datetime.fromisoformat(fields["at"]),
                    change_id=fields["change_id"], slot=fields.get("slot"), print=fields["print"],
                )  # fmt: skip
            case "entity":
                _take_entity(state, fields, scope)
            case "episode":
                _take_episode(state, fields, project)
            case _:
                _take_memory(state, fields, project)
    return len(new)


def _take_change(state: State, fields: Fields, scope: Scope) -> None:
    state.changes[fields["id"]] = Change(
        id=fields["id"], scope=scope, kind=fields["kind"], at=datetime.fromisoformat(fields["at"]),
        undone_by=fields.get("undone_by"),
    )  # fmt: skip
    for each in fields.get("moves", ()):
        if each["key"] == records.WHOLE:
            state.parted[fields["id"], each["source"]] = each["target"]
        else:
            state.moves[fields["id"], each["key"], each["source"]] = each["target"]


def _take_entity(state: State, fields: Fields, scope: Scope) -> None:
    state.entities[fields["id"]] = Entity(
        id=fields["id"], scope=scope, kind=fields["kind"], name=fields["name"],
        created_at=datetime.fromisoformat(fields["created_at"]), merged_into=fields.get("merged_into"),
    )  # fmt: skip
    if "merged_by" in fields:
        state.merged_by[fields["id"]] = fields["merged_by"]
    for each in fields.get("names", ()):
        state.names[fields["id"], each["key"]] = (each["text"], datetime.fromisoformat(each["at"]))


def _take_episode(state: State, fields: Fields, project: str) -> None:
    episode = records.episode_of(fields, project)
    others = (each for each in state.episodes.values() if owner_of(each.scope) == owner_of(episode.scope))
    if episode.external_id is not None and any(each.external_id == episode.external_id for each in others):
        episode = replace(episode, external_id=None)
    state.episodes[episode.id] = episode
    state.place_of[episode.id] = state.add_entry(
        episode.indexed, fields.get("vectors"), episode=episode.id, before=fields.get("before"), person=episode.person,
        said=episode.said_at,
    )  # fmt: skip
    if "changed_by" in fields:
        state.moved[episode.id] = Moved(
            change_id=fields["changed_by"], state=fields["state_before"], reason=fields.get("reason_before")
        )


def _take_memory(state: State, fields: Fields, project: str) -> None:
    memory = records.memory_of(fields, project)
    name = (memory.id, memory.version)
    if "shares" in fields:
        place = state.place_of[fields["shares"]]
        state.entries[place] = replace(state.entries[place], memory=name)
    else:
        place = state.add_entry(
            memory.indexed, fields.get("vectors"), memory=name, turn=fields.get("turn"), attribute=memory.attribute,
            person=memory.person, said=memory.said_at or memory.created_at,
        )  # fmt: skip
    was, once = None, fields.get("once")
    if "superseded_until" in fields:
        was = Superseded(
            by=fields.get("superseded_by"), valid_to=_moment(fields.get("superseded_to")),
            until=datetime.fromisoformat(fields["superseded_until"]),
        )  # fmt: skip
    if once is not None and memory.known_to is None and state.holder(owner_of(memory.scope), once) is not None:
        once = None
    version = Version(
        memory=memory, place=place, once=once, valid_before=_moment(fields.get("valid_before")), was=was,
        merged_into=None if was is not None else fields.get("superseded_by"),
    )  # fmt: skip
    versions = (*state.versions.get(memory.id, ()), version)
    state.versions[memory.id] = tuple(sorted(versions, key=lambda each: each.memory.version))
    _take_parts(state, fields)
    state.decided(owner_of(memory.scope))


def _take_parts(state: State, fields: Fields) -> None:
    memory_id = fields["id"]
    if cited := fields.get("sources"):
        state.sources[memory_id] = tuple(map(_cited, cited))
    if unproven := fields.get("unproven"):
        state.unproven[memory_id] = tuple(
            Taken(cited=_cited(each), by=each["taken_by"], counted=each["counted"], given_by=each.get("given_by"))
            for each in unproven
        )
    if runs := fields.get("runs"):
        state.runs[memory_id] = tuple(runs)
    state.history += tuple(
        HistoryEvent(
            memory_id=memory_id, old_text=each.get("old_text"), new_text=each.get("new_text"),
            reason=each.get("reason"), at=datetime.fromisoformat(each["at"]),
            **{name: each[name] for name in ("id", "version", "event", "change_id", "actor")},
        )
        for each in fields.get("history", ())
    )  # fmt: skip
    state.feedback += tuple((memory_id, each["word"], each.get("reason")) for each in fields.get("feedback", ()))
    state.mentions |= {(memory_id, each["entity_id"], each["key"]) for each in fields.get("mentions", ())}
    for each in fields.get("relations", ()):
        key = (memory_id, each["subject_id"], each["predicate"], each["object_id"])
        state.relations[key] = (each["subject_key"], each["object_key"])


def _cited(fields: Fields) -> Cited:
    return Cited(
        source=Source(episode_id=fields["episode_id"], quote=fields["quote"], said_at=_NEVER, role="user"),
        change_id=fields.get("change_id"),
    )


_NEVER = datetime.fromtimestamp(0, UTC)


def fill_sources(state: State) -> None:
    """Say when and by whom the messages that memories cite were said, once they are here."""
    for memory_id, cited in state.sources.items():
        state.sources[memory_id] = tuple(_filled(state, each) for each in cited)
    for memory_id, taken in state.unproven.items():
        state.unproven[memory_id] = tuple(replace(each, cited=_filled(state, each.cited)) for each in taken)


def _filled(state: State, cited: Cited) -> Cited:
    episode = state.episodes.get(cited.source.episode_id)
    if episode is None:
        return cited
    source = replace(cited.source, said_at=episode.said_at, role=episode.role, actor=episode.actor)
    return replace(cited, source=source)


def _moment(value: str | None) -> datetime | None:
    return None if value is None else datetime.fromisoformat(value)
