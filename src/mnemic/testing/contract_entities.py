"""Entities: whom and what memories name, by which names, and how a person says who is who."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mnemic.errors import Conflict, InvalidInput
from mnemic.ids import new_id
from mnemic.protocols import (
    Ask,
    EntityWrite,
    MergeEntity,
    MoveName,
    Named,
    Naming,
    NewEntity,
    NewRelation,
    Write,
)
from mnemic.testing.contract_values import (
    ALICE,
    BOB,
    LATER,
    T0,
    Contract,
    MakeStore,
    adding,
    changing,
    entity,
    known,
    opened,
    restoring,
    retiring,
)
from mnemic.types import Entity, Memory, Relation, Scope


def new(*entities: Entity) -> tuple[EntityWrite, ...]:
    """Entities under their names in small letters."""
    return tuple(NewEntity(entity=each, keys={each.name.lower(): each.name}) for each in entities)


def naming(memory: Memory, *entities: Entity) -> tuple[EntityWrite, ...]:
    """A memory names these."""
    return tuple(Naming(memory_id=memory.id, entity_id=each.id, key=each.name.lower()) for each in entities)


def linking(memory: Memory, one: Entity, predicate: str, other: Entity) -> NewRelation:
    """A memory links two."""
    return NewRelation(
        memory_id=memory.id, subject=(one.id, one.name.lower()), predicate=predicate,
        object=(other.id, other.name.lower()),
    )  # fmt: skip


def merging(gone: Entity, into: Entity | None, change_id: str | None = None) -> Write:
    """One entity is another, or itself again."""
    merge = MergeEntity(
        entity_id=gone.id, into=None if into is None else into.id, change_id=change_id or new_id(1)
    )  # fmt: skip
    return Write(scope=gone.scope, at=LATER, entities=(merge,))


class EntitiesContract(Contract):
    """Entities are rows that memories bring and that count only while these are current."""

    async def test_entities_are_found_by_any_of_their_names(self, make_store: MakeStore) -> None:
        dana, ming = entity("Dana"), entity("小明")
        first, second = known(ALICE, "Dana is married to 小明", valid_from=T0), known(ALICE, "My wife Dana skis")
        married = Relation(
            subject=dana.id, predicate="married_to", object=ming.id, memory_id=first.id, valid_from=T0
        )  # fmt: skip
        nickname = Naming(memory_id=second.id, entity_id=dana.id, key="my wife")
        async with opened(make_store) as store:
            await store.commit(
                replace(
                    adding(first, second),
                    entities=(
                        *new(dana, ming), *naming(first, dana, ming), *naming(second, dana), nickname,
                        linking(first, dana, "married_to", ming),
                    ),
                )
            )  # fmt: skip
            alias = NewEntity(entity=replace(dana, name="ignored: she has a name"), keys={"my wife": "my wife"})
            await store.commit(Write(scope=ALICE, at=LATER, entities=(alias, alias)))
            dana, ming = replace(dana, aliases=("my wife",), memories=2), replace(ming, memories=1)
            around = await store.around(Ask(scope=ALICE, names=("dana", "my wife", "小明", "who")))
            assert around.entities == {"dana": dana, "my wife": dana, "小明": ming}
            assert await store.resolve(ALICE, ["my wife", ming.id, "who", new_id(1)]) == {
                "my wife": dana,
                ming.id: ming,
            }

            page = await store.entities(ALICE, limit=1)
            assert (page.entities, page.total, page.relations) == ((dana,), 2, (married,))
            assert {(dana.id, first.id), (dana.id, second.id)} <= set(page.mentions)
            rest = await store.entities(ALICE, limit=5, cursor=dana.id)
            assert (rest.entities, rest.total, rest.relations) == ((ming,), 2, (married,))
            assert (await store.entities(ALICE, limit=5, cursor=ming.id)).entities == ()
            with pytest.raises(InvalidInput, match="cursor"):
                await store.entities(ALICE, limit=5, cursor=new_id(1))

            await store.commit(retiring(first))
            assert (await store.naming(ALICE, [dana.id])).relations == ()
            assert (await store.entities(ALICE, limit=5)).entities == (replace(dana, memories=1),)
            assert (await store.resolve(ALICE, ["小明"]))["小明"] == replace(ming, memories=0)
            await store.commit(restoring(first, 1))
            assert (await store.naming(ALICE, [ming.id])).relations == (married,)

    async def test_who_is_named_comes_with_everybody_else_the_same_memories_name(self, make_store: MakeStore) -> None:
        dana, eve, rome = entity("Dana"), entity("Eve"), entity("Rome", kind="place")
        both, far, former = (
            known(ALICE, "Dana knows Eve"),
            known(ALICE, "Eve lives in Rome"),
            known(ALICE, "Dana, Rome"),
        )
        async with opened(make_store) as store:
            named = (*naming(both, dana, eve), *naming(far, eve, rome), *naming(former, dana, rome))
            links = (linking(both, dana, "knows", eve), linking(far, eve, "lives_in", rome))
            await store.commit(replace(adding(both, far, former), entities=(*new(dana, eve, rome), *named, *links)))
            await store.commit(retiring(former, reason="superseded"))
            found = await store.naming(ALICE, [dana.id, new_id(1)])
            assert found.entities == (replace(dana, memories=1),)
            assert set(found.mentions) == {(dana.id, both.id), (eve.id, both.id)}
            assert len(found.mentions) == 2
            assert [(each.subject, each.object) for each in found.relations] == [(dana.id, eve.id)]
            assert await store.naming(ALICE, []) == Named(entities=())

    async def test_entities_of_another_owner_are_never_seen(self, make_store: MakeStore) -> None:
        agents, only = Scope(user_id="alice", agent_id="a"), Scope(run_id="r1")
        people = {scope: entity("Dana", scope) for scope in (ALICE, BOB, agents, only)}
        asked = ["dana", *(each.id for each in people.values())]
        async with opened(make_store) as store:
            for scope, each in people.items():
                memory = known(scope, "Dana skis")
                await store.commit(replace(adding(memory), entities=(*new(each), *naming(memory, each))))
            for scope, seen in (
                (ALICE, {ALICE, agents}),
                (BOB, {BOB}),
                (agents, {agents}),
                (Scope(agent_id="a"), {agents}),
                (only, {only}),
                (replace(ALICE, run_id="r1"), set()),
                (replace(ALICE, project="other"), set()),
            ):
                ids = {people[each].id for each in seen}
                assert {each.id for each in (await store.resolve(scope, asked)).values()} == ids
                assert {each.id for each in (await store.naming(scope, asked[1:])).entities} == ids
                assert {each.id for each in (await store.entities(scope, limit=9)).entities} == ids
            assert (await store.resolve(ALICE, ["dana"]))["dana"].id == people[ALICE].id
            for scope, whose in ((ALICE, ALICE), (agents, agents), (replace(ALICE, run_id="r"), ALICE), (only, only)):
                around = await store.around(Ask(scope=scope, names=("dana",)))
                assert around.entities["dana"].id == people[whose].id

    async def test_the_entities_of_a_run_are_those_its_memories_name(self, make_store: MakeStore) -> None:
        run = replace(ALICE, run_id="r1")
        dana, eve = entity("Dana"), entity("Eve")
        here, there = known(run, "Dana skis"), known(ALICE, "Eve skis, and Dana")
        named = (*new(dana, eve), *naming(here, dana), *naming(there, eve, dana))
        async with opened(make_store) as store:
            await store.commit(replace(adding(here, there), entities=named))
            for scope in (run, Scope(run_id="r1")):
                assert [each.id for each in (await store.entities(scope, limit=9)).entities] == [dana.id]
                assert (await store.resolve(scope, ["dana", "eve", eve.id])).keys() == {"dana"}
                assert (await store.naming(scope, [dana.id])).mentions == ((dana.id, here.id),)

    async def test_of_two_who_have_a_name_it_means_the_one_who_had_it_first(self, make_store: MakeStore) -> None:
        first, second = entity("Dana"), entity("Dana")
        async with opened(make_store) as store:
            await store.commit(Write(scope=ALICE, at=LATER, entities=new(first)))
            await store.commit(Write(scope=ALICE, at=T0, entities=new(second)))
            assert (await store.resolve(ALICE, ["dana"]))["dana"].id == second.id
            assert (await store.around(Ask(scope=ALICE, names=("dana",)))).entities["dana"].id == second.id

    # Who is who.

    async def test_entities_are_merged_and_parted_again(self, make_store: MakeStore) -> None:
        dana, wife, third = entity("Dana"), entity("my wife"), entity("D.")
        one, two = known(ALICE, "Dana skis"), known(ALICE, "My wife swims")
        named = (*new(dana, wife, third), *naming(one, dana), *naming(two, wife, third))
        change, undo = changing("merge"), changing("undo")
        async with opened(make_store) as store:
            knows = linking(two, wife, "knows", third)
            await store.commit(replace(adding(one, two), entities=(*named, knows)))
            await store.commit(replace(merging(wife, dana, change.id), changes=(change,)))
            await store.commit(merging(third, wife))
            whole = replace(dana, aliases=("my wife", "D."), memories=2)
            keys = ("my wife", "d.", "dana", wife.id, third.id)
            assert await store.resolve(ALICE, keys) == dict.fromkeys(keys, whole)
            assert (await store.around(Ask(scope=ALICE, names=("d.",)))).entities == {"d.": whole}
            found = await store.naming(ALICE, [third.id, dana.id, wife.id])
            assert (found.entities, set(found.mentions)) == ((whole,), {(dana.id, one.id), (dana.id, two.id)})
            assert len(found.mentions) == 2
            assert [(each.subject, each.object) for each in found.relations] == [(dana.id, dana.id)]
            page = await store.entities(ALICE, limit=9)
            assert (page.entities, page.total) == ((whole,), 1)
            did = await store.change(change.id)
            assert did is not None
            assert did.merged == (wife.id,)
            await store.commit(replace(merging(wife, None, undo.id), changes=(undo,)))
            did, undone = await store.change(change.id), await store.change(undo.id)
            assert did is not None
            assert undone is not None
            assert (did.merged, did.parted, did.moved) == ((), (), ())
            assert (undone.merged, undone.parted, undone.moved) == ((), ((wife.id, dana.id),), ())
            assert (await store.resolve(ALICE, ["d."]))["d."] == replace(wife, aliases=("D.",), memories=1)
            await store.commit(merging(wife, dana, undo.id))
            assert await store.resolve(ALICE, keys) == dict.fromkeys(keys, whole)
            with pytest.raises(Conflict):
                await store.commit(merging(wife, third, undo.id))

    async def test_of_an_erased_entity_no_change_tells_what_it_was_part_of(self, make_store: MakeStore) -> None:
        dana, wife = entity("Dana"), entity("my wife", replace(ALICE, agent_id="a"))
        here, there = known(ALICE, "Dana skis"), known(wife.scope, "My wife swims")
        undo = changing("undo")
        async with opened(make_store) as store:
            await store.commit(replace(adding(here), entities=(*new(dana), *naming(here, dana))))
            await store.commit(replace(adding(there), entities=(*new(wife), *naming(there, wife))))
            await store.commit(merging(wife, dana))
            await store.commit(replace(merging(wife, None, undo.id), changes=(undo,)))
            await store.erase(wife.scope)
            undone = await store.change(undo.id)
            assert undone is not None
            assert undone.parted == ()

    @pytest.mark.parametrize("way", ["itself", "round", "from the middle", "into nobody", "nobody"])
    async def test_nobody_is_part_of_themselves_or_of_nobody(self, make_store: MakeStore, way: str) -> None:
        one, two, three, nobody = (entity(name) for name in ("One", "Two", "Three", "Nobody"))
        wrong = {
            "itself": merging(one, one),
            "round": merging(three, one),
            "from the middle": merging(two, one),
            "into nobody": merging(three, nobody),
            "nobody": merging(nobody, three),
        }
        async with opened(make_store) as store:
            await store.commit(Write(scope=ALICE, at=T0, entities=new(one, two, three)))
            await store.commit(merging(one, two))
            await store.commit(merging(two, three))
            with pytest.raises(Conflict):
                await store.commit(wrong[way])
            assert {each.id for each in (await store.resolve(ALICE, ["one", "two", "three"])).values()} == {three.id}

    async def test_a_name_moves_with_all_that_was_said_under_it_and_back(self, make_store: MakeStore) -> None:
        ming, other = entity("小明"), entity("Wang")
        home, work = known(ALICE, "小明 is my son"), known(ALICE, "Boss sings of 小明")
        boss = NewEntity(entity=ming, keys={"boss": "Boss"})
        said_boss = Naming(memory_id=work.id, entity_id=ming.id, key="boss")
        sings = NewRelation(memory_id=work.id, subject=(ming.id, "boss"), predicate="of", object=(ming.id, "小明"))
        change, undo = changing("split"), changing("undo")
        move = MoveName(key="boss", source=ming.id, target=other.id, change_id=change.id)
        async with opened(make_store) as store:
            named = (*new(ming, other), boss, *naming(home, ming), said_boss, sings)
            await store.commit(replace(adding(home, work), entities=named))
            before = await store.entities(ALICE, limit=9)
            assert [each.memories for each in before.entities] == [2]
            await store.commit(Write(scope=ALICE, at=LATER, changes=(change,), entities=(move,)))
            found = await store.resolve(ALICE, ["boss", "小明"])
            assert found == {
                "boss": replace(other, aliases=("Boss",), memories=1), "小明": replace(ming, memories=1),
            }  # fmt: skip
            (relation,) = (await store.naming(ALICE, [other.id])).relations
            assert (relation.subject, relation.object) == (other.id, ming.id)
            did = await store.change(change.id)
            assert did is not None
            assert did.moved == (("boss", ming.id, other.id),)
            for wrong in (move, replace(move, source=other.id, target=new_id(1))):
                with pytest.raises(Conflict):
                    await store.commit(Write(scope=ALICE, at=LATER, entities=(wrong,)))
            back = MoveName(key="boss", source=other.id, target=ming.id, change_id=undo.id)
            await store.commit(Write(scope=ALICE, at=LATER, entities=(back,)))
            assert await store.entities(ALICE, limit=9) == before

    async def test_a_name_that_came_by_a_merge_moves_too_with_what_was_said_since(self, make_store: MakeStore) -> None:
        boss, hansen, other = entity("Boss"), entity("Hansen"), entity("Other")
        before, since = known(ALICE, "Hansen sings"), known(ALICE, "Hansen likes tea")
        change, undo = changing("split"), changing("undo")
        move = MoveName(key="hansen", source=boss.id, target=other.id, change_id=change.id)
        said_since = Naming(memory_id=since.id, entity_id=boss.id, key="hansen")
        async with opened(make_store) as store:
            await store.commit(replace(adding(before), entities=(*new(boss, hansen), *naming(before, hansen))))
            await store.commit(merging(hansen, boss))
            await store.commit(replace(adding(since), entities=(said_since,)))
            whole = replace(boss, aliases=("Hansen",), memories=2)
            assert await store.resolve(ALICE, ["boss", "hansen"]) == {"boss": whole, "hansen": whole}
            bare = NewEntity(entity=other, keys={})
            await store.commit(Write(scope=ALICE, at=LATER, changes=(change,), entities=(bare, move)))
            found = await store.resolve(ALICE, ["boss", "hansen"])
            assert found == {"boss": boss, "hansen": replace(other, name="Hansen", memories=2)}
            did = await store.change(change.id)
            assert did is not None
            assert did.moved == (("hansen", hansen.id, other.id),)
            with pytest.raises(Conflict):
                await store.commit(Write(scope=ALICE, at=LATER, entities=(move,)))
            back = MoveName(key="hansen", source=other.id, target=hansen.id, change_id=undo.id)
            await store.commit(Write(scope=ALICE, at=LATER, entities=(back,)))
            assert await store.resolve(ALICE, ["boss", "hansen"]) == {"boss": whole, "hansen": whole}

    async def test_a_name_that_two_parts_have_leaves_them_both(self, make_store: MakeStore) -> None:
        whole, first, second, other = entity("Whole"), entity("Dana"), entity("Dana"), entity("Other")
        one, two = known(ALICE, "Dana skis"), known(ALICE, "Dana swims")
        change = changing("split")
        move = MoveName(key="dana", source=whole.id, target=other.id, change_id=change.id)
        async with opened(make_store) as store:
            named = (*new(whole, first, second, other), *naming(one, first), *naming(two, second))
            await store.commit(replace(adding(one, two), entities=named))
            await store.commit(merging(first, whole))
            await store.commit(merging(second, first))
            await store.commit(Write(scope=ALICE, at=LATER, changes=(change,), entities=(move,)))
            assert await store.resolve(ALICE, ["whole", "dana"]) == {
                "whole": whole, "dana": replace(other, aliases=("Dana",), memories=2),
            }  # fmt: skip

    async def test_what_names_nobody_known_is_a_conflict(self, make_store: MakeStore) -> None:
        dana, nobody = entity("Dana"), entity("Nobody")
        memory = known(ALICE, "Dana skis")
        async with opened(make_store) as store:
            for wrong in (naming(memory, nobody)[0], linking(memory, dana, "is", nobody)):
                with pytest.raises(Conflict):
                    await store.commit(replace(adding(memory), entities=(*new(dana), wrong)))
            assert await store.load([memory.id]) == {}
            assert await store.resolve(ALICE, ["dana"]) == {}

    async def test_erasing_drops_those_whom_nothing_names_any_more(self, make_store: MakeStore) -> None:
        run = replace(ALICE, run_id="r1")
        dana, gone, part, kept = entity("Secret"), entity("Gone"), entity("Dee"), entity("Eve")
        here, there = known(run, "x"), known(ALICE, "Dana skis with Eve")
        alias = NewEntity(entity=dana, keys={"dana": "Dana"})
        said_dana = Naming(memory_id=there.id, entity_id=dana.id, key="dana")
        async with opened(make_store) as store:
            named = (*naming(here, dana, gone, part), *naming(there, kept), said_dana)
            await store.commit(replace(adding(here, there), entities=(*new(dana, gone, part, kept), alias, *named)))
            await store.commit(merging(part, dana))
            assert (await store.erase(run))["entities"] == 2
            keys = ["secret", "dana", "gone", "dee", "eve", gone.id, part.id]
            assert await store.resolve(ALICE, keys) == {
                "dana": replace(dana, name="Dana", memories=1), "eve": replace(kept, memories=1),
            }  # fmt: skip
            assert (await store.erase(ALICE))["entities"] == 2
            assert await store.resolve(ALICE, keys) == {}
            assert await store.entities(ALICE, limit=9) == Named(entities=())
