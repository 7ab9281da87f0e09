"""Entities in the reference store: how they are written, what is said of them, and what an erased scope leaves."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from mnemic.errors import Conflict, InvalidInput, describe
from mnemic.protocols import EntityWrite, MergeEntity, MoveName, Named, Naming, NewEntity, NewRelation
from mnemic.testing.memory_state import State, covers, same
from mnemic.types import Entity, Relation, Scope

# Writing.


def write_entity(state: State, change: EntityWrite, at: datetime) -> None:
    """Carry out one change to entities."""
    match change:
        case NewEntity(entity=entity, keys=keys):
            state.entities.setdefault(entity.id, replace(entity, aliases=(), memories=0))
            for key, name in keys.items():
                state.names.setdefault((entity.id, key), (name, at))
        case Naming(memory_id=memory_id, entity_id=entity_id, key=key):
            _must_be(state, entity_id)
            state.mentions |= {(memory_id, entity_id, key)}
        case NewRelation(memory_id=memory_id, subject=subject, predicate=predicate, object=object_):
            _must_be(state, subject[0])
            _must_be(state, object_[0])
            state.relations.setdefault((memory_id, subject[0], predicate, object_[0]), (subject[1], object_[1]))
        case MergeEntity():
            _merge(state, change)
        case MoveName():
            _move(state, change)


def _must_be(state: State, entity_id: str) -> None:
    if entity_id not in state.entities:
        raise Conflict(f"entity {entity_id} is gone; decide again")


def _merge(state: State, change: MergeEntity) -> None:
    _must_be(state, change.entity_id)
    was = state.entities[change.entity_id].merged_into
    if change.into is None:
        state.merged_by.pop(change.entity_id, None)
        if was is not None:
            state.parted[change.change_id, change.entity_id] = was
    else:
        _must_be(state, change.into)
        if was is not None:
            raise Conflict(f"entity {change.entity_id} is part of {was} by now; undo that merge, or decide again")
        if change.entity_id in _chain(state, change.into):
            raise Conflict(f"entity {change.into} is already part of {change.entity_id}; decide again")
        state.merged_by[change.entity_id] = change.change_id
    state.entities[change.entity_id] = replace(state.entities[change.entity_id], merged_into=change.into)


def _move(state: State, change: MoveName) -> None:
    """Take a name from an entity, or from those that were merged into it: names stay with who had them first."""
    _must_be(state, change.target)
    key, target = change.key, change.target
    parts = {each for each in state.entities if change.source in _chain(state, each)}
    found = [(whose != change.source, at, whose) for (whose, used), (_, at) in state.names.items() if used == key]
    had = [whose for _, _, whose in sorted(found) if whose in parts]
    if not had:
        raise Conflict(f"entity {change.source} is not called {describe(key)} any more; decide again")
    if target not in parts and any(_owner(state, each) != _owner(state, target) for each in had):
        raise Conflict(
            f"{describe(key)} is a name of another user's entity, merged into {change.source}; undo that merge"
        )
    for source in reversed(had):
        if source != target:
            state.names[target, key] = state.names.pop((source, key))

    def moved(entity_id: str, used: str) -> str:
        return target if entity_id in parts and used == key else entity_id

    state.mentions = frozenset((memory, moved(entity, used), used) for memory, entity, used in state.mentions)
    state.relations = {
        (memory, moved(subject, keys[0]), predicate, moved(object_, keys[1])): keys
        for (memory, subject, predicate, object_), keys in state.relations.items()
    }
    state.moves[change.change_id, key, had[0]] = target


def _owner(state: State, entity_id: str) -> tuple[object, ...]:
    scope = state.entities[entity_id].scope
    return scope.project, scope.owner


# Reading.


def meant(state: State, scope: Scope, keys: Sequence[str]) -> dict[str, Entity]:
    """The entities that names mean to exactly the scope's user, agent and app."""
    own = {each.id for each in state.entities.values() if same(scope, each.scope)}
    found = {key: _called(state, own, key) for key in keys}
    return {key: load(state, ids[0]) for key, ids in found.items() if ids}


@dataclass(frozen=True)
class Graph:
    """As `protocols.Graph`."""

    state: State
    scope: Scope

    def resolve(self, keys: Sequence[str], /) -> dict[str, Entity]:
        """By name or id."""
        return resolve(self.state, self.scope, keys)

    def naming(self, entity_ids: Sequence[str], /) -> Named:
        """What is said of some of them."""
        return naming(self.state, self.scope, entity_ids)


def resolve(state: State, scope: Scope, wanted: Sequence[str]) -> dict[str, Entity]:
    """By a name's key or by id. Where several have a name, the scope's very own comes first."""
    seen = {each.id for each in state.entities.values() if _visible(state, scope, each)}
    found: dict[str, Entity] = {}
    for asked in wanted:
        ids = sorted(_called(state, seen, asked), key=lambda each: not same(scope, state.entities[each].scope))
        if asked in seen:
            ids = [asked]
        if ids:
            found[asked] = load(state, ids[0])
    return found


def entities(state: State, scope: Scope, limit: int, cursor: str | None) -> Named:
    """Most named first; the cursor is the id of the last one before."""
    named: dict[str, set[str]] = {}
    for memory_id, entity_id, _ in _said(state, scope):
        named.setdefault(last(state, entity_id), set()).add(memory_id)
    order = sorted(named, key=lambda each: (-len(named[each]), each))
    if cursor is not None and cursor not in named:
        raise InvalidInput(f"cursor must be the id of an entity of the scope, not {describe(cursor)}")
    start = 0 if cursor is None else order.index(cursor) + 1
    page = order[start : start + limit]
    mentions = {(each, memory_id) for each in page for memory_id in named[each]}
    return replace(_linked(state, scope, page), mentions=tuple(sorted(mentions)), total=len(order))


def naming(state: State, scope: Scope, entity_ids: Sequence[str]) -> Named:
    """Some entities, the memories that name them, and everybody else these name."""
    known = [each for each in entity_ids if each in state.entities and _visible(state, scope, state.entities[each])]
    chosen = list(dict.fromkeys(last(state, each) for each in known))
    pairs = {(last(state, entity_id), memory_id) for memory_id, entity_id, _ in _said(state, scope)}
    theirs = {memory_id for entity_id, memory_id in pairs if entity_id in chosen}
    mentions = sorted((entity_id, memory_id) for entity_id, memory_id in pairs if memory_id in theirs)
    return replace(_linked(state, scope, chosen), mentions=tuple(mentions), total=len(chosen))


def load(state: State, entity_id: str) -> Entity:
    """What an entity turned out to be, with all its names, and how many current memories name it."""
    entity = state.entities[last(state, entity_id)]
    parts = [each for each in state.entities.values() if last(state, each.id) == entity.id]
    names: dict[str, None] = {}
    kept = set()
    for part in sorted(parts, key=lambda each: (each.created_at, each.id)):
        said = sorted((at, key, name) for (whose, key), (name, at) in state.names.items() if whose == part.id)
        texts = [name for _, _, name in said]
        if part.name.casefold() in map(str.casefold, texts):  # else it was given to another
            kept.add(part.id)
            names[part.name] = None
        names |= dict.fromkeys(texts)
    name = entity.name if entity.id in kept or not names else next(iter(names))
    ids = {part.id for part in parts}
    memories = {memory for memory, whose, _ in state.mentions if whose in ids and state.is_current(memory)}
    aliases = tuple(each for each in names if each != name)
    return replace(entity, name=name, aliases=aliases, memories=len(memories))


def last(state: State, entity_id: str) -> str:
    """The entity that one turned out to be."""
    return _chain(state, entity_id)[-1]


def _chain(state: State, entity_id: str) -> list[str]:
    """An entity, what it was merged into, and so on."""
    chain = [entity_id]
    while (into := state.entities[chain[-1]].merged_into) is not None:
        chain.append(into)
    return chain


def called(state: State, memory_id: str) -> set[str]:
    """Keys and ids of everybody whom a memory names, under every name they have."""
    named = {last(state, entity_id) for memory, entity_id, _ in state.mentions if memory == memory_id}
    ids = {each for each in state.entities if last(state, each) in named}
    return ids | {key for whose, key in state.names if whose in ids}


def _called(state: State, among: set[str], key: str) -> list[str]:
    """Entities of a name, the one that had it first first."""
    found = [(at, whose) for (whose, used), (_, at) in state.names.items() if used == key and whose in among]
    return [whose for _, whose in sorted(found)]


def _said(state: State, scope: Scope) -> list[tuple[str, str, str]]:
    """What current memories of a scope name."""
    mine = {memory.id for memory in state.current() if covers(scope, memory.scope, memory.runs)}
    return [each for each in state.mentions if each[0] in mine]


def _visible(state: State, scope: Scope, entity: Entity) -> bool:
    """Entities belong to no run unless to nothing else: a run's are those that its memories name."""
    named = scope.run_id is not None and any(entity.id == each for _, each, _ in _said(state, scope))
    return named or covers(scope, entity.scope)


def _linked(state: State, scope: Scope, chosen: Iterable[str]) -> Named:
    """Some entities, which are nobody's parts, and the relations they take part in."""
    ids = list(chosen)
    mine = {memory.id: memory for memory in state.current() if covers(scope, memory.scope, memory.runs)}
    links = {
        Relation(
            subject=last(state, subject),
            predicate=predicate,
            object=last(state, object_),
            memory_id=memory_id,
            valid_from=mine[memory_id].valid_from,
            valid_to=mine[memory_id].valid_to,
        )
        for memory_id, subject, predicate, object_ in state.relations
        if memory_id in mine
    }
    relations = [each for each in links if each.subject in ids or each.object in ids]
    relations.sort(key=lambda each: (each.memory_id, each.predicate, each.subject, each.object))
    return Named(entities=tuple(load(state, each) for each in ids), relations=tuple(relations))


# Erasing.


def forget_mentions(state: State, memory_ids: set[str]) -> set[tuple[str, str]]:
    """Drop what some memories say of entities. Returns (entity, key) of each name that they used."""
    used = {(entity_id, key) for memory_id, entity_id, key in state.mentions if memory_id in memory_ids}
    for (memory_id, subject, _, object_), keys in state.relations.items():
        if memory_id in memory_ids:
            used |= {(subject, keys[0]), (object_, keys[1])}
    state.mentions = frozenset(each for each in state.mentions if each[0] not in memory_ids)
    state.relations = {link: keys for link, keys in state.relations.items() if link[0] not in memory_ids}
    return used


def drop_unnamed(state: State, scope: Scope, used: set[tuple[str, str]]) -> int:
    """Drop entities that no memory names any more, and names that none uses; how many entities went.

    Those looked at are the scope's own and those of `used`. One stays while another one that stays
    was merged into it.
    """
    looked_at = {each.id for each in state.entities.values() if covers(scope, each.scope)}
    looked_at |= {entity_id for entity_id, _ in used}
    whole = {last(state, each) for each in looked_at}
    groups = {name: [each for each in state.entities if last(state, each) == name] for name in whole}
    dropped = set()
    for name, group in groups.items():
        if not any(_is_named(state, each) for each in group):
            dropped |= set(group)
            continue
        stay = {each for each in group if _is_named(state, each) or each not in looked_at} | {name}
        for each in list(stay):
            stay |= set(_chain(state, each))
        dropped |= set(group) - stay
    for entity_id in dropped:
        del state.entities[entity_id]
        state.merged_by.pop(entity_id, None)
    state.names = {name: said for name, said in state.names.items() if name[0] not in dropped}
    state.moves = {
        (change_id, key, source): target
        for (change_id, key, source), target in state.moves.items()
        if not {source, target} & dropped
    }
    state.parted = {
        (change_id, entity_id): was
        for (change_id, entity_id), was in state.parted.items()
        if not {entity_id, was} & dropped
    }
    for entity_id, key in used:
        if entity_id not in dropped and not _is_named(state, entity_id, key):
            _unname(state, entity_id, key)
    return len(dropped)


def _is_named(state: State, entity_id: str, key: str | None = None) -> bool:
    """Whether any memory, current or not, names it (by this key)."""
    uses = {(whose, used) for _, whose, used in state.mentions}
    for (_, subject, _, object_), keys in state.relations.items():
        uses |= {(subject, keys[0]), (object_, keys[1])}
    return any(whose == entity_id and key in (None, used) for whose, used in uses)


def _unname(state: State, entity_id: str, key: str) -> None:
    """Take a name away. An entity that was called by it is called by the next one."""
    gone = state.names.pop((entity_id, key), None)
    state.moves = {
        (change_id, used, source): target
        for (change_id, used, source), target in state.moves.items()
        if used != key or entity_id not in (source, target)
    }
    left = sorted((at, used, name) for (whose, used), (name, at) in state.names.items() if whose == entity_id)
    entity = state.entities[entity_id]
    if gone is not None and left and entity.name == gone[0] and gone[0] not in (name for _, _, name in left):
        state.entities[entity_id] = replace(entity, name=left[0][2])
