"""The part of the user's API about entities: who and what memories name, and how they are linked."""

from __future__ import annotations

from typing import Any

from mnemic import inputs, names, present
from mnemic.engine import Handle
from mnemic.errors import InvalidInput, NotFound, describe
from mnemic.ids import new_id, partition_of
from mnemic.inputs import UNSET, Id
from mnemic.protocols import MergeEntity, MoveName, Named, NewEntity, Write
from mnemic.times import now
from mnemic.types import Change, EntitiesResult, Entity, GraphResult, RelatedResult, Scope

_MOST_HOPS = 4  # further away, everything is related to everything


class Graph(Handle):
    """Methods of `AsyncMemory`."""

    async def entities(
        self,
        *,
        user_id: Id = UNSET,
        agent_id: Id = UNSET,
        app_id: Id = UNSET,
        run_id: Id = UNSET,
        limit: int = 100,
        cursor: str | None = None,
    ) -> EntitiesResult:
        """People, places, organisations and things that the current memories of a scope name, most named first.

        Raises:
            InvalidScope: no id.
        """
        whose = self._require(inputs.ids(user_id, agent_id, app_id, run_id), "entities()")
        amount = inputs.count(limit, "limit")
        if cursor is not None and not isinstance(cursor, str):
            raise InvalidInput(f"cursor must be a next_cursor of an earlier page, not {describe(cursor)}")
        engine = await self._engine.ready()
        found = await engine.store.entities(whose, limit=amount + 1, cursor=cursor)
        return present.entities(found, limit=amount)

    async def related(
        self,
        entity: str,
        *,
        hops: int = 1,
        user_id: Id = UNSET,
        agent_id: Id = UNSET,
        app_id: Id = UNSET,
        run_id: Id = UNSET,
    ) -> RelatedResult:
        """Whom and what an entity is linked with, over at most `hops` (1 to 4) relations or shared memories.

        `entity` is a name, an alias or an id.

        Raises:
            NotFound: nobody and nothing of this name is known in the scope.
            InvalidScope: no id.
        """
        whose = self._require(inputs.ids(user_id, agent_id, app_id, run_id), "related()")
        distance = inputs.count(hops, "hops")
        if distance > _MOST_HOPS:
            raise InvalidInput(f"hops must be 1 to {_MOST_HOPS}, not {hops}")
        await self._engine.ready()
        start = await self._entity(whose, entity)
        found, steps = await self._spread(whose, start, distance)
        return present.related(start, found, steps)

    async def graph(
        self,
        *,
        user_id: Id = UNSET,
        agent_id: Id = UNSET,
        app_id: Id = UNSET,
        run_id: Id = UNSET,
        limit: int = 1000,
    ) -> GraphResult:
        """All entities of a scope as nodes and their relations as edges; `limit` bounds the nodes.

        Raises:
            InvalidScope: no id.
        """
        whose = self._require(inputs.ids(user_id, agent_id, app_id, run_id), "graph()")
        amount = inputs.count(limit, "limit")
        engine = await self._engine.ready()
        return present.graph(await engine.store.entities(whose, limit=amount))

    async def merge_entities(
        self,
        entity: str,
        other: str,
        *,
        user_id: Id = UNSET,
        agent_id: Id = UNSET,
        app_id: Id = UNSET,
        run_id: Id = UNSET,
    ) -> dict[str, Any]:
        """Say that `other` is `entity`: its names, memories and relations are from now on. Can be undone.

        Raises:
            NotFound: one of them is not known in the scope.
            InvalidInput: they are one already.
        """
        whose = self._require(inputs.ids(user_id, agent_id, app_id, run_id), "merge_entities()")
        engine = await self._engine.ready()
        kept, gone = await self._entity(whose, entity), await self._entity(whose, other)
        if kept.id == gone.id:
            raise InvalidInput(f"{describe(entity)} and {describe(other)} are one entity already")
        change = Change(id=new_id(kept.scope.partition), scope=kept.scope, kind="merge", at=now())
        merge = MergeEntity(entity_id=gone.id, into=kept.id, change_id=change.id)
        await engine.store.commit(Write(scope=kept.scope, at=change.at, changes=(change,), entities=(merge,)))
        return {"id": kept.id, "name": kept.name, "merged": gone.id, "change_id": change.id}

    async def split_entity(
        self,
        entity: str,
        name: str,
        *,
        user_id: Id = UNSET,
        agent_id: Id = UNSET,
        app_id: Id = UNSET,
        run_id: Id = UNSET,
    ) -> dict[str, Any]:
        """Say that one name of an entity is somebody else's: what was said under it goes with it. Can be undone.

        Raises:
            NotFound: the entity is not known in the scope.
            InvalidInput: the name is not one of its names, or its only one.
        """
        whose = self._require(inputs.ids(user_id, agent_id, app_id, run_id), "split_entity()")
        wanted = inputs.text(name, "name").strip()
        engine = await self._engine.ready()
        one = await self._entity(whose, entity)
        key = names.key(wanted)
        mine = {names.key(each): each for each in (one.name, *one.aliases)}
        if key not in mine or len(mine) < 2:
            raise InvalidInput(
                f"{describe(name)} is not one of several names of {one.name}: {', '.join(mine.values())}"
            )
        at = now()
        change = Change(id=new_id(one.scope.partition), scope=one.scope, kind="split", at=at)
        other = Entity(id=new_id(one.scope.partition), scope=one.scope, kind=one.kind, name=mine[key], created_at=at)
        await engine.store.commit(
            Write(
                scope=one.scope,
                at=at,
                changes=(change,),
                entities=(
                    NewEntity(entity=other, keys={}),
                    MoveName(key=key, source=one.id, target=other.id, change_id=change.id),
                ),
            )
        )
        return {"id": other.id, "name": other.name, "from": one.id, "change_id": change.id}

    async def _entity(self, whose: Scope, wanted: str) -> Entity:
        asked = inputs.text(wanted, "entity").strip()
        keys = [asked] if partition_of(asked.lower()) is not None else [names.key(asked)]
        found = await self._engine.store.resolve(whose, keys)
        if not found:
            raise NotFound(asked, what="entity of this scope is called", where="entities() lists those there are")
        return next(iter(found.values()))

    async def _spread(self, whose: Scope, start: Entity, hops: int) -> tuple[list[Named], dict[str, int]]:
        """What each hop found, and how many hops away each entity is."""
        steps = {start.id: 0}
        frontier = [start.id]
        found = []
        for hop in range(1, hops + 1):
            if not frontier:
                break
            around = await self._engine.store.naming(whose, frontier)
            found.append(around)
            shared = {memory for entity, memory in around.mentions if entity in frontier}
            reached = {entity for entity, memory in around.mentions if memory in shared}
            reached |= {end for each in around.relations for end in (each.subject, each.object)}
            frontier = sorted(reached - steps.keys())
            steps |= dict.fromkeys(frontier, hop)
        if frontier:
            found.append(await self._engine.store.naming(whose, frontier))
        return found, steps
