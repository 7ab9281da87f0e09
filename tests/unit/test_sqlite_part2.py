"""What the write path asks of the SQLite store: one snapshot to decide on, a queue, undo, entities, erasing."""

import sqlite3
import struct
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from mnemic import text
from mnemic.errors import Conflict, InvalidInput, StoreBusy
from mnemic.filters import Compare
from mnemic.ids import new_id, partition_of
from mnemic.protocols import (
    Annotate,
    Ask,
    MergeEntity,
    MoveName,
    Naming,
    NewEntity,
    NewEpisode,
    NewMemory,
    NewRelation,
    Proof,
    Restore,
    Retire,
    SetState,
    Space,
    Store,
    Unprove,
    Write,
)
from mnemic.stores import sqlite_schema
from mnemic.stores.relational.predicates import Status, memories_sql
from mnemic.stores.relational.read import Reader
from mnemic.stores.sqlite import SQLiteStore
from mnemic.stores.sqlite_db import SQLiteDb, register
from mnemic.testing.contract import (
    ALICE,
    BOB,
    EVERYBODY,
    LATER,
    SPACE,
    T0,
    adding,
    asking,
    cited,
    event,
    found_by,
    hits,
    keeping,
    known,
    listed,
    said,
    stored,
    turn,
    updating,
    vectors,
    verbatim,
    where,
)
from mnemic.types import Change, Entity, Scope, Task, Tombstone, Usage

HOUR = timedelta(hours=1)
TAIPEI = datetime.fromisoformat("2025-01-01T00:00:00+08:00").tzinfo


@pytest.fixture
async def store(tmp_path):
    """A store in a file, which verifies clean when the test ends."""
    made = SQLiteStore(tmp_path / "m.db", timeout=5)
    await made.open()
    await made.use_space(SPACE)
    yield made
    assert (await made.verify())[1] == ()
    await made.close()


def change(kind="add", scope=ALICE, at=T0):
    return Change(id=new_id(scope.partition), scope=scope, kind=kind, at=at)


def retire(memory, *, reason="superseded", at=LATER, of=None, version=None, **fields):
    """The write that retires a memory, and the change it belongs to."""
    of = of or change("update", memory.scope, at)
    line = replace(event(memory, "DELETE", memory.text, at), change_id=of.id, reason=reason)
    gone = Retire(
        memory_id=memory.id, version=version or memory.version, reason=reason, change_id=of.id, **fields
    )  # fmt: skip
    return Write(scope=memory.scope, at=at, changes=(of,), retire=(gone,), history=(line,))


def restore(memory_id, version, *, at=LATER, scope=ALICE, **fields):
    of = change("undo", scope, at)
    back = Restore(memory_id=memory_id, version=version, change_id=of.id, **fields)
    return Write(scope=scope, at=at, changes=(of,), restore=(back,))


def around(scope=ALICE, **fields):
    return Ask(scope=scope, **fields)


async def loaded(store, record):
    return (await store.load([record.id]))[record.id]


def rows(store, query, *values):
    with closing(sqlite3.connect(store.address)) as db:
        return db.execute(query, values).fetchall()


def plan(store, query, values):
    return [row[3] for row in rows(store, f"EXPLAIN QUERY PLAN {query}", *values)]


def read_whole(steps):
    """The tables that a plan reads from end to end; what a subquery has found is none."""
    return [name for name in ("memories", "runs", "episodes") if any(step.startswith(f"SCAN {name}") for step in steps)]


def test_it_is_a_store():
    assert isinstance(SQLiteStore(":memory:"), Store)


# A store of the first release.


def as_first_release(path, target):
    """Copy a store into the tables of the first release."""
    first = min(Path(sqlite_schema.__file__).with_name("sql").joinpath("sqlite").glob("*.sql"))
    with closing(sqlite3.connect(target, isolation_level=None)) as db:
        db.executescript(first.read_text(encoding="utf-8"))
        db.execute(f"PRAGMA application_id = {sqlite_schema.APPLICATION_ID}")
        db.execute("PRAGMA user_version = 1")
        db.execute("ATTACH ? AS new", [str(path)])
        for (number,) in db.execute("SELECT number FROM new.spaces").fetchall():
            db.execute(f"CREATE TABLE vectors_{number} (block INTEGER PRIMARY KEY, codes BLOB NOT NULL)")
            db.execute(f"CREATE TABLE exact_{number} (entry INTEGER PRIMARY KEY, vector BLOB NOT NULL)")
        for (table,) in db.execute("SELECT name FROM main.sqlite_schema WHERE type = 'table'").fetchall():
            columns = ", ".join(row[1] for row in db.execute(f"PRAGMA main.table_info({table})"))
            db.execute(f"INSERT INTO main.{table} ({columns}) SELECT {columns} FROM new.{table}")


async def picture(store, ids):
    return {
        "records": await store.load(ids),
        "history": {each: await store.history(each) for each in ids},
        "listed": await listed(store, where(expired=True)),
        "hits": {words: (await store.find(asking(words))).candidates for words in ("I ski", "台北", "cat")},
        "counts": replace(await store.counts(EVERYBODY), bytes=0),
        "verified": await store.verify(),
    }


async def test_a_store_of_the_first_release_opens_and_answers_as_before(store, tmp_path):
    waits, done = said(ALICE, "I ski in winter"), said(ALICE, "I moved to 台北", state="done")
    memory = known(ALICE, "Lives in 台北", sources=(cited(done, "台北"),))
    note = said(BOB, "The cat is called Mimi", state="done")
    kept = verbatim(note)
    gone = known(ALICE, "Has a dog", valid_to=T0)
    await store.commit(adding(waits, done, memory, gone))
    await store.commit(keeping(note, kept, once="k"))
    await store.commit(updating(memory, "Lives in 台北 since May")[1])
    await store.commit(retire(gone, reason="deleted"))
    ids = [record.id for record in (waits, done, memory, note, kept, gone)]
    before = await picture(store, ids)
    old = tmp_path / "old.db"
    as_first_release(store.address, old)
    bytes_before = rows(SQLiteStore(old), "SELECT id, version, text FROM memories ORDER BY entry")

    migrated = SQLiteStore(old)
    await migrated.open()
    assert await picture(migrated, ids) == before
    assert [each.id for each in await migrated.lease(now=T0, until=LATER, limit=9)] == [waits.id]
    assert (await migrated.around(around(vectors=vectors("Lives in 台北"), limit=1))).near == ((memory.id,),)
    await migrated.commit(restore(gone.id, 1))
    assert (await loaded(migrated, gone)).valid_to == T0
    await migrated.close()

    backup = SQLiteStore(tmp_path / "old.db.backup-v1")
    assert rows(backup, "PRAGMA user_version") == [(1,)]
    assert rows(backup, "SELECT id, version, text FROM memories ORDER BY entry") == bytes_before
    again = SQLiteStore(old)
    await again.open()
    await again.close()
    assert sorted(file.name for file in tmp_path.glob("old.db*")) == ["old.db", "old.db.backup-v1"]


async def test_a_store_of_the_first_release_is_copied_once_however_many_open_it(store, tmp_path):
    await store.commit(adding(known(ALICE, "Skis")))
    old = tmp_path / "old.db"
    as_first_release(store.address, old)
    openers = [SQLiteStore(old) for _ in range(4)]
    for each in openers:
        await each.open()
    copy = (tmp_path / "old.db.backup-v1").stat()
    for each in openers:
        assert await listed(each, where()) == await listed(store, where())
        await each.close()
    assert (tmp_path / "old.db.backup-v1").stat().st_mtime_ns == copy.st_mtime_ns


async def test_a_copy_that_was_cut_short_is_made_again(store, tmp_path):
    await store.commit(adding(known(ALICE, "Skis")))
    old = tmp_path / "old.db"
    as_first_release(store.address, old)
    (tmp_path / "old.db.backup-v1.unfinished").write_bytes(b"half a file")
    opened = SQLiteStore(old)
    await opened.open()
    await opened.close()
    assert rows(SQLiteStore(tmp_path / "old.db.backup-v1"), "SELECT count(*) FROM memories") == [(1,)]
    assert not (tmp_path / "old.db.backup-v1.unfinished").exists()


async def test_a_copy_that_is_there_is_never_overwritten(store, tmp_path):
    await store.commit(adding(known(ALICE, "Skis")))
    as_first_release(store.address, tmp_path / "old.db")
    (tmp_path / "old.db.backup-v1").write_bytes(b"of an earlier try")
    opened = SQLiteStore(tmp_path / "old.db")
    await opened.open()
    await opened.close()
    assert (tmp_path / "old.db.backup-v1").read_bytes() == b"of an earlier try"


async def test_an_empty_store_of_the_first_release_leaves_no_copy(store, tmp_path):
    old = tmp_path / "old.db"
    as_first_release(store.address, old)
    opened = SQLiteStore(old)
    await opened.open()
    await opened.close()
    assert [file.name for file in tmp_path.glob("old.db.backup*")] == []


# What is written is read back.


async def test_every_new_field_is_read_back(store):
    scope = Scope(project="p", user_id="alice", agent_id="helper", app_id="phone", run_id="r1")
    task = Task(expires_at=LATER.astimezone(TAIPEI), categories=("工作",), instructions="no work", choices={"a": "b"})
    episode = said(
        scope, "my key is sk-123", seen="my key is ***", due_at=LATER, task=task, change_id=new_id(1), attempts=2,
        reason="no answer",
    )  # fmt: skip
    plain = said(scope, "hello", task=Task())
    memory = known(
        scope, "Key sk-123", seen="Key ***", slot="user\x1fkey", object="sk-123", rating=-2, runs=("r9", "r2"),
        sources=(cited(episode, "my key is ***"),),
    )  # fmt: skip
    await store.commit(adding(episode, plain, memory))
    assert await store.load([episode.id, plain.id, memory.id]) == {
        episode.id: episode, plain.id: plain, memory.id: memory,
    }  # fmt: skip
    assert await found_by(store, "keyword", asking("sk-123", scope)) == []
    assert memory.id not in await hits(
        store, asking("Key", where(scope, filter=Compare("text", (), "contains", "sk-123")))
    )
    assert memory.id in await hits(store, asking("Key", where(scope, filter=Compare("text", (), "contains", "***"))))


async def test_a_memory_that_was_out_of_date_when_it_came_is_retired(store):
    old = known(
        ALICE, "Worked at Siemens", known_to=T0, retire_reason="superseded", retired_by=new_id(1), valid_to=T0
    )  # fmt: skip
    note = said(ALICE, "Never mind", state="done")
    shared = replace(verbatim(note), known_to=T0, retire_reason="deleted")
    await store.commit(replace(adding(old), memories=(stored(old, once="k"),)))
    await store.commit(keeping(note, shared))
    assert await store.load([old.id, shared.id]) == {old.id: old, shared.id: shared}
    assert await listed(store, where()) == []
    assert await store.standing(ALICE, ["k"]) == {}
    assert await hits(store, asking("Siemens")) == set()
    assert await hits(store, asking("Siemens", where(superseded=True))) == {old.id}
    await store.commit(restore(old.id, 1))
    assert (await loaded(store, old)).valid_to == T0


async def test_superseded_memories_are_found_only_when_they_are_asked_for(store):
    first, second, deleted = known(ALICE, "Works at Siemens"), known(ALICE, "Works at Bosch"), known(ALICE, "Works out")
    await store.commit(adding(first, second, deleted))
    await store.commit(retire(first, retired_by=second.id, valid_to=LATER))
    await store.commit(retire(deleted, reason="deleted"))
    gone = replace(
        first, known_to=LATER, updated_at=LATER, valid_to=LATER, retired_by=second.id, retire_reason="superseded"
    )  # fmt: skip
    assert await loaded(store, first) == gone
    assert await hits(store, asking("Works")) == {second.id}
    assert await hits(store, asking("Works", where(superseded=True))) == {first.id, second.id}
    for scope in (ALICE, EVERYBODY):
        past = await store.page(where(scope, superseded=True), limit=1, cursor=None)
        assert (past.memories, past.total) == ((second,), 2)
        rest = await store.page(where(scope, superseded=True), limit=1, cursor=past.next_cursor)
        assert (rest.memories, rest.next_cursor) == ((gone,), None)
    assert await listed(store, where()) == [second.id]


async def test_the_past_is_searched_within_any_scope_and_filter(store):
    scope = Scope(user_id="alice", agent_id="a", run_id="r1")
    note = said(scope, "I live in Rome", state="done")
    old, other = verbatim(note), known(replace(scope, agent_id="b"), "I live in Rome too")
    await store.commit(keeping(note, old))
    await store.commit(adding(other))
    for memory in (old, other):
        await store.commit(retire(memory))
    for narrow in (scope, Scope(agent_id="a"), Scope(run_id="r1", agent_id="a")):
        asked = where(narrow, superseded=True, episodes=("done",))
        assert await hits(store, asking("Rome", asked)) == {old.id}
        assert await listed(store, asked) == [old.id]
        fits, fits_not = (replace(asked, filter=Compare("kind", (), "eq", kind)) for kind in ("fact", "episode"))
        assert await hits(store, asking("Rome", fits)) == {old.id}
        assert await hits(store, asking("Rome", fits_not)) == set()
        assert await hits(store, asking("Rome", replace(asked, superseded=False))) == {note.id}
        assert await hits(store, asking("Rome", replace(asked, memories=False))) == {note.id}


async def test_a_superseded_memory_can_leave_the_past_too(store):
    first = known(ALICE, "Works at Siemens")
    await store.commit(adding(first))
    await store.commit(retire(first, retired_by=new_id(1)))
    await store.commit(retire(first, reason="forgotten", at=LATER + HOUR))
    gone = await loaded(store, first)
    assert (gone.retire_reason, gone.known_to, gone.updated_at) == ("forgotten", LATER, LATER + HOUR)
    assert await hits(store, asking("Siemens", where(superseded=True))) == set()
    with pytest.raises(Conflict):
        await store.commit(retire(first, reason="deleted"))


# Decisions.


async def test_a_decision_holds_only_while_the_owners_memories_are_as_they_were(store):
    first, scope = known(ALICE, "Skis"), replace(ALICE, run_id="r1")
    assert (await store.around(around())).basis == 0
    await store.commit(replace(adding(said(ALICE, "hello")), basis=0))
    assert (await store.around(around())).basis == 0
    await store.commit(replace(adding(first), basis=0))
    basis = (await store.around(around(scope))).basis
    await store.commit(adding(known(BOB, "Skis")))
    await store.commit(Write(scope=ALICE, at=T0, states=(), basis=basis))
    late = known(ALICE, "Snowboards")
    with pytest.raises(Conflict):
        await store.commit(replace(adding(late), basis=0))
    assert await store.load([late.id]) == {}
    await store.commit(replace(adding(late), basis=basis))


async def test_every_change_to_memories_ends_the_decisions_made_before(store):
    episode = said(ALICE, "I ski", state="done")
    memory = known(ALICE, "Skis", sources=(cited(episode),))
    grave = Tombstone(id=new_id(1), scope=ALICE, at=T0, change_id=new_id(1), slot=None, print={})
    proof = Proof(memory_id=memory.id, version=1, source=cited(episode, "ski"), change_id=new_id(1))
    quiet = Write(scope=BOB, at=LATER)  # whoever writes, it is Alice's memories that change
    seen = {(await store.around(around())).basis}
    for write in (
        adding(episode, memory),
        replace(quiet, proofs=(proof,)),
        replace(quiet, unprove=(Unprove(memory_id=memory.id, by=new_id(1), change_id=proof.change_id),)),
        replace(retire(memory, reason="deleted"), scope=BOB),
        replace(restore(memory.id, 1), scope=BOB),
        replace(quiet, tombstones=(grave,)),
        replace(quiet, lifted=(grave.id,)),
    ):
        await store.commit(write)
        seen.add((await store.around(around())).basis)
    await store.delete_scope(ALICE, change("delete_all"), reason="deleted")
    seen.add((await store.around(around())).basis)
    assert len(seen) == 9
    assert (await store.counts(EVERYBODY)).owners == 0
    assert rows(store, "SELECT name FROM owners") == [("alice",)]


async def test_one_snapshot_holds_what_a_decision_rests_on(store):
    episode, other = said(ALICE, "I ski in 台北", state="done"), said(ALICE, "hello", state="empty")
    by_key, by_slot = known(ALICE, "Skis"), known(ALICE, "Lives in Rome", slot="home")
    cites, near = known(ALICE, "Likes snow", sources=(cited(episode),)), known(ALICE, "the red car is fast")
    gone = known(ALICE, "the red car is slow", slot="home")
    await store.commit(adding(episode, other, by_slot, cites, near, gone))
    await store.commit(replace(adding(by_key), memories=(stored(by_key, once="k"),)))
    await store.commit(retire(gone))
    found = await store.around(
        around(
            keys=("k", "none"),
            slots=("home", "none"),
            vectors=vectors("the red car", "nothing of this"),
            limit=1,
            episodes=(episode.id, other.id),
        )
    )
    assert found.keyed == {"k": by_key.id}
    assert found.slotted == {"home": (by_slot.id,)}
    assert found.citing == (cites.id,)
    assert found.near[0] == (near.id,)
    assert len(found.near) == 2
    others = set(found.near[1])
    assert found.memories.keys() - others == {by_key.id, by_slot.id, cites.id, near.id} - others
    assert all(memory in (by_key, by_slot, cites, near) for memory in found.memories.values())
    assert found.vectors.keys() == found.memories.keys()
    np.testing.assert_allclose(found.vectors[near.id], vectors(near.text)[0], atol=1e-3)
    nothing = await store.around(around(BOB, vectors=vectors("a", "b"), limit=3, slots=("home",), keys=("k",)))
    assert (nothing.near, nothing.memories, nothing.basis) == (((), ()), {}, 0)


@pytest.mark.parametrize("count", [40, 1_200])
async def test_the_nearest_are_those_that_a_full_comparison_gives(store, count):
    mine = replace(ALICE, agent_id="a")
    memories = [
        known(mine if number % 3 else replace(mine, agent_id="b"), f"word{number} word{number % 7} thing{number % 11}")
        for number in range(count)
    ]
    long = known(mine, "a long text of two windows")
    windows = np.concatenate([vectors("first half"), vectors("word5 word5 thing5")])
    for start in range(0, count, 300):
        await store.commit(adding(*memories[start : start + 300]))
    await store.commit(replace(adding(long), memories=(NewMemory(memory=long, vectors=windows),)))
    await store.commit(retire(memories[1]))
    asked = vectors("word5 word5 thing5", "thing3 word1", "word4")
    for _ in range(2):  # with and without a copy of the index in memory
        for scope, whose in ((mine, "a"), (replace(mine, run_id="r"), "a"), (replace(mine, agent_id="b"), "b")):
            eligible = [m for m in memories if m.scope.agent_id == whose and m is not memories[1]]
            scores = {m.id: vectors(m.text)[0] @ asked.T for m in eligible}
            if whose == "a":
                scores[long.id] = (windows @ asked.T).max(axis=0)
            near = (await store.around(around(scope, vectors=asked, limit=5))).near
            for number, found in enumerate(near):
                best = sorted((float(each[number]) for each in scores.values()), reverse=True)[:5]
                np.testing.assert_allclose([scores[each][number] for each in found], best, atol=2e-3)
        await store.find(asking("word5", ALICE))


async def test_a_decision_sees_its_own_agent_and_every_run_of_it(store):
    whose = Scope(user_id="alice", agent_id="a")
    mine = [known(replace(whose, run_id=run), f"Skis {run}", slot="s") for run in (None, "r1", "r2")]
    theirs = [
        known(scope, "Skis", slot="s") for scope in (ALICE, replace(whose, agent_id="b"), replace(whose, app_id="x"))
    ]
    for memory in (*mine, *theirs):
        await store.commit(adding(memory))
    asked = around(replace(whose, run_id="r2"), slots=("s",), vectors=vectors("Skis"), limit=9)
    found = await store.around(asked)
    assert set(found.slotted["s"]) == set(found.near[0]) == {memory.id for memory in mine}


async def test_a_decision_about_nothing_but_a_run_sees_that_run_alone(store):
    one, two = (known(Scope(run_id=run), "Skis", slot="s") for run in ("r1", "r2"))
    users = known(Scope(user_id="alice", run_id="r1"), "Skis", slot="s")
    for memory in (one, two, users):
        await store.commit(adding(memory))
    found = await store.around(around(Scope(run_id="r1"), slots=("s",), vectors=vectors("Skis"), limit=9))
    assert (found.slotted, found.near) == ({"s": (one.id,)}, ((one.id,),))


async def test_tombstones_hold_for_every_narrower_scope(store):
    def grave(scope):
        return Tombstone(
            id=new_id(scope.partition), scope=scope, at=T0, change_id=new_id(1), slot="家", print={"words": [1, 2]}
        )

    user, agent = Scope(user_id="alice"), Scope(user_id="alice", agent_id="a")
    run, shared = Scope(user_id="alice", run_id="r1"), Scope(agent_id="a")
    graves = {scope: grave(scope) for scope in (user, agent, run, shared, BOB)}
    for scope, each in graves.items():
        await store.commit(Write(scope=scope, at=T0, tombstones=(each,)))

    async def holding(scope):
        return {each.id for each in (await store.around(around(scope))).tombstones}

    def of(*scopes):
        return {graves[scope].id for scope in scopes}

    assert (await store.around(around(BOB))).tombstones == (graves[BOB],)
    assert await holding(user) == await holding(replace(user, run_id="r2")) == of(user, run)
    assert await holding(agent) == await holding(replace(agent, run_id="r2")) == of(user, run, agent, shared)
    assert await holding(shared) == of(shared)
    await store.commit(Write(scope=user, at=T0, lifted=(graves[user].id, graves[run].id)))
    assert await holding(user) == set()


# Sources and runs.


def proof_of(memory, episode, quote=None, version=1):
    return Proof(memory_id=memory.id, version=version, source=cited(episode, quote), change_id=new_id(1))


async def test_a_source_of_another_run_makes_the_memory_that_runs_too(store):
    one, two, three = (replace(ALICE, run_id=run) for run in ("r1", "r2", "r3"))
    first, again = said(one, "I ski", state="done"), said(two, "Yes, I ski", state="done")
    memory = known(one, "Skis", sources=(cited(first),))
    await store.commit(adding(first, memory))
    await store.commit(adding(again))
    proof = proof_of(memory, again)
    await store.commit(Write(scope=two, at=LATER, proofs=(proof,)))
    await store.commit(Write(scope=two, at=LATER, proofs=(proof_of(memory, again), proof_of(memory, first, "ski"))))
    assert (await loaded(store, memory)).runs == ("r2",)
    assert (await loaded(store, memory)).proof_count == 3  # the same words of the same turn prove nothing more
    for scope, ids in ((one, [memory.id]), (two, [memory.id]), (Scope(run_id="r2"), [memory.id]), (three, [])):
        assert await listed(store, where(scope)) == ids
        assert await hits(store, asking("ski", where(scope, episodes=()))) == set(ids)
        assert (await store.counts(scope)).memories == len(ids)
        fits = where(scope, filter=Compare("kind", (), "eq", "fact"))
        assert await hits(store, asking("ski", fits)) == set(ids)
    undo = Unprove(memory_id=memory.id, by=new_id(1), change_id=proof.change_id)
    hidden = SetState(episode_id=again.id, state="hidden")
    await store.commit(Write(scope=two, at=LATER, unprove=(undo,), states=(hidden,)))
    back = await loaded(store, memory)
    assert (back.runs, back.proof_count, back.sources) == ((), 2, (cited(first), cited(first, "ski")))
    assert await listed(store, where(two)) == []


async def test_sources_in_some_episodes_can_be_taken_back(store):
    first, again = said(ALICE, "I ski", state="done"), said(ALICE, "Yes, I ski", state="done")
    memory = known(ALICE, "Skis", sources=(cited(first), cited(first, "ski"), cited(again)), proof_count=2)
    await store.commit(adding(first, again, memory))
    gone = Unprove(memory_id=memory.id, by=new_id(1), episode_ids=(first.id,))
    await store.commit(Write(scope=ALICE, at=LATER, unprove=(gone, Unprove(memory_id=memory.id, by=new_id(1)))))
    left = await loaded(store, memory)
    assert (left.sources, left.proof_count) == ((cited(again),), 1)
    await store.commit(Write(scope=ALICE, at=LATER, states=(SetState(episode_id=first.id, state="hidden"),)))


@pytest.mark.parametrize("status", ["current", "superseded"])
async def test_a_run_is_looked_up_by_index(store, status: Status):
    await store.commit(adding(known(replace(ALICE, run_id="r1"), "Skis")))
    for scope in (replace(ALICE, run_id="r1"), Scope(run_id="r1"), Scope(agent_id="a", run_id="r1")):
        with closing(sqlite3.connect(store.address)) as db:
            whose, values = memories_sql(SQLiteDb(db), scope, status)
        steps = plan(store, f"SELECT entry, span FROM memories WHERE {whose}", values)
        assert steps
        assert read_whole(steps) == []
        listing = plan(store, f"SELECT id FROM memories WHERE {whose} ORDER BY id DESC LIMIT 5", values)
        assert read_whole(listing) == []
    assert read_whole(plan(store, "SELECT entry FROM memories WHERE text = 'Skis'", [])) == ["memories"]


async def test_a_search_of_the_past_reads_its_messages_once(store):
    pending = said(ALICE, "Keeps bees")
    await store.commit(adding(pending, known(ALICE, "Has bees")))
    asked = []
    with closing(sqlite3.connect(store.address)) as db:
        register(db)
        db.set_trace_callback(asked.append)
        found = Reader(SQLiteDb(db), store._cache).find(asking("bees", where(ALICE, known_at=LATER)))
    assert pending.id in {each.id for each in found.candidates}
    assert len([query for query in asked if "SELECT entry, id, said_at FROM episodes" in query]) == 1


async def test_of_the_dates_of_memories_only_those_where_it_may_find_any_are_read(store):
    run = replace(ALICE, run_id="r1")
    here = known(run, "Keeps bees", valid_from=T0)
    await store.commit(adding(here))
    await store.commit(adding(*(known(ALICE, f"note {number}", valid_from=T0) for number in range(200))))
    await store.commit(adding(known(run, "Keeps wasps", valid_from=T0)))
    asked = []
    with closing(sqlite3.connect(store.address)) as db:
        register(db)
        db.set_trace_callback(asked.append)
        Reader(SQLiteDb(db), store._cache).find(asking("bees", where(run), times=((T0, LATER),)))
        db.set_trace_callback(None)
        (query,) = (each for each in asked if "valid_from IS NOT NULL" in each)
        assert 2 <= len(db.execute(query).fetchall()) <= 2 * 64
        steps = [row[3] for row in db.execute(f"EXPLAIN QUERY PLAN {query}")]
    assert [step for step in steps if step.startswith("SCAN")] == ["SCAN json_each VIRTUAL TABLE INDEX 1:"]


async def test_deleting_a_run_leaves_what_was_said_elsewhere(store):
    none, one, two = ALICE, replace(ALICE, run_id="r1"), replace(ALICE, run_id="r2")
    turns = {scope: said(scope, "I ski and swim", state="done") for scope in (none, one, two)}
    only, moved, guest, free = (
        known(scope, words, sources=(cited(turns[scope]),))
        for scope, words in ((one, "Only here"), (one, "Here first"), (two, "Here later"), (one, "Also in no run"))
    )
    for scope, each in turns.items():
        await store.commit(adding(each, *(m for m in (only, moved, guest, free) if m.scope == scope)))
    proofs = (proof_of(moved, turns[two]), proof_of(guest, turns[one]), proof_of(free, turns[none]))
    await store.commit(Write(scope=ALICE, at=T0, proofs=proofs))
    gone = change("delete_all", one, LATER)
    assert await store.delete_scope(one, gone, reason="deleted") == (1, 1)
    assert await listed(store, where(one)) == []
    assert set(await listed(store, where(two))) == {moved.id, guest.id}
    assert (await loaded(store, moved)).scope == two
    assert (await loaded(store, free)).scope == none
    assert (await loaded(store, guest)).runs == ()
    assert (await loaded(store, only)).retire_reason == "deleted"

    did = await store.change(gone.id)
    assert did.states == ((turns[one].id, "done", None),)
    assert did.versions == {only.id: (1, False)}
    back = restore(only.id, 1)
    states = tuple(SetState(episode_id=name, state=state, reason=reason) for name, state, reason in did.states)
    await store.commit(replace(back, states=states, undone={gone.id: back.changes[0].id}))
    assert set(await listed(store, where(one))) == {only.id, moved.id, guest.id, free.id}


async def test_a_message_is_no_hit_in_a_run_that_its_memory_has_left(store):
    one, two = replace(ALICE, run_id="r1"), replace(ALICE, run_id="r2")
    note, again = said(one, "I ski", state="done"), said(two, "Yes I ski", state="done")
    kept = verbatim(note)
    await store.commit(keeping(note, kept))
    await store.commit(replace(adding(again), proofs=(proof_of(kept, again),)))
    await store.delete_scope(one, change("delete_all", one, LATER), reason="deleted")
    every = ("pending", "done", "hidden")
    assert await hits(store, asking("I ski", where(one, episodes=every))) == set()
    assert await hits(store, asking("I ski", where(two, episodes=every))) == {kept.id, again.id}


# Taking back.


async def test_a_retired_memory_comes_back_as_it_was(store):
    first, second = known(ALICE, "Works at Siemens", pinned=True, rating=1), known(ALICE, "Works at Bosch")
    await store.commit(replace(adding(first), memories=(stored(first, once="k"),)))
    await store.commit(adding(second))
    await store.commit(retire(first, retired_by=second.id, valid_to=T0, at=T0))
    await store.commit(restore(first.id, 1))
    back = replace(first, version=2, known_from=LATER, updated_at=LATER)
    assert await loaded(store, first) == back
    assert await store.standing(ALICE, ["k"]) == {"k": back}
    assert set(await found_by(store, "vector", asking("Siemens"))) == {first.id, second.id}
    assert await found_by(store, "keyword", asking("Siemens")) == [first.id]
    assert await hits(store, asking("Siemens", where(superseded=True))) == {first.id, second.id}
    np.testing.assert_allclose((await store.vectors([first.id]))[first.id], vectors(first.text), atol=1e-3)
    with pytest.raises(Conflict):
        await store.commit(restore(first.id, 1))


async def test_the_key_of_a_memory_that_comes_back_may_be_taken(store):
    first, second = known(ALICE, "Skis"), known(ALICE, "Skis")
    await store.commit(replace(adding(first), memories=(stored(first, once="k"),)))
    await store.commit(retire(first, reason="deleted"))
    await store.commit(replace(adding(second), memories=(stored(second, once="k"),)))
    await store.commit(restore(first.id, 1))
    assert (await store.standing(ALICE, ["k"]))["k"].id == second.id
    assert set(await listed(store, where())) == {first.id, second.id}


async def test_a_verbatim_memory_that_comes_back_stands_for_its_message_again(store):
    note = said(ALICE, "I ski", state="done")
    kept = verbatim(note)
    await store.commit(keeping(note, kept))
    await store.commit(retire(kept, reason="deleted"))
    await store.commit(restore(kept.id, 1))
    assert await hits(store, asking("I ski", where(episodes=("done",)))) == {kept.id}
    await store.commit(retire(replace(kept, version=2), reason="deleted"))
    assert await hits(store, asking("I ski", where(episodes=("done",)))) == {note.id}


async def test_an_earlier_version_comes_back_over_the_current_one(store):
    first = known(ALICE, "Lives in Rome")
    long = np.concatenate([vectors("Lives in Rome"), vectors("second window")])
    await store.commit(replace(adding(first), memories=(NewMemory(memory=first, vectors=long, once="rome"),)))
    second, update = updating(first, "Lives in Milan", LATER)
    await store.commit(replace(update, memories=(stored(second, replaces=1, once="milan"),)))
    proven = said(ALICE, "Yes, Milan", state="done")
    await store.commit(replace(adding(proven), proofs=(proof_of(second, proven, version=2),)))
    await store.commit(restore(first.id, 2, of=1, at=LATER + HOUR))
    back = replace(
        first, version=3, known_from=LATER + HOUR, updated_at=LATER + HOUR, proof_count=2, sources=(cited(proven),)
    )  # fmt: skip
    assert await loaded(store, first) == back
    assert await store.standing(ALICE, ["rome", "milan"]) == {"rome": back}
    assert await found_by(store, "keyword", asking("Rome")) == [first.id]
    assert await found_by(store, "keyword", asking("Milan", where(episodes=()))) == []
    assert (await store.vectors([first.id]))[first.id].shape == (2, SPACE.dimensions)
    for wrong in (restore(first.id, 2), restore(first.id, 3, of=9), restore(new_id(1), 1)):
        with pytest.raises(Conflict):
            await store.commit(wrong)


async def test_an_earlier_version_of_a_superseded_memory_comes_back_from_the_past(store):
    first = known(ALICE, "Lives in Rome", valid_to=T0)
    second, update = updating(first, "Lives in Milan")
    await store.commit(adding(first))
    await store.commit(update)
    await store.commit(retire(second, valid_to=LATER))
    await store.commit(restore(first.id, 2, of=1))
    assert (await loaded(store, first)).text == "Lives in Rome"
    assert (await loaded(store, first)).valid_to == T0
    assert await hits(store, asking("Lives", where(superseded=True))) == {first.id}
    assert rows(store, "SELECT retire_reason, valid_to FROM memories WHERE version = 2") == [(None, T0.isoformat())]


async def test_a_change_tells_what_it_did(store):
    did, late = change("add"), change("delete", at=LATER)
    episode = said(ALICE, "I ski", state="done", change_id=did.id)
    memory, other = known(ALICE, "Skis", sources=(cited(episode),)), known(ALICE, "Swims")
    added = replace(event(memory), change_id=did.id)
    proof = replace(proof_of(other, episode), change_id=did.id)
    grave = Tombstone(id=new_id(1), scope=ALICE, at=T0, change_id=did.id, slot=None, print={})
    await store.commit(adding(other))
    write = replace(adding(episode, memory), changes=(did,), proofs=(proof,), history=(added,), tombstones=(grave,))
    await store.commit(write)
    await store.commit(Write(scope=ALICE, at=T0, changes=(did,)))  # a second part of the same change
    seen = await store.change(did.id)
    assert (seen.change, seen.events, seen.versions) == (did, (added,), {memory.id: (1, True)})
    assert (seen.proven, seen.episodes, seen.tombstones) == ((other.id,), (episode.id,), (grave.id,))
    assert (seen.states, seen.merged, seen.moved) == ((), (), ())

    await store.commit(retire(memory, reason="deleted", of=late, hide_sources=True))
    assert (await store.change(late.id)).states == ()  # another memory cites the message
    assert (await store.change(did.id)).versions == {memory.id: (1, False)}
    assert await store.change(new_id(1)) is None
    assert await store.change("no id") is None


async def test_hidden_messages_come_back_to_the_state_they_had(store):
    episode = said(ALICE, "I ski", state="done")
    memory = known(ALICE, "Skis", sources=(cited(episode),))
    await store.commit(adding(episode, memory))
    gone = change("delete", at=LATER)
    await store.commit(retire(memory, reason="deleted", of=gone, hide_sources=True))
    assert (await loaded(store, episode)).state == "hidden"
    assert (await store.change(gone.id)).states == ((episode.id, "done", None),)
    later = SetState(episode_id=episode.id, state="pending")
    await store.commit(Write(scope=ALICE, at=LATER, states=(later,)))
    assert (await store.change(gone.id)).states == ()  # it moved on: where it was is no place to go back to


async def test_a_change_is_taken_back_once(store):
    did, undo = change("add"), change("undo")
    await store.commit(Write(scope=ALICE, at=T0, changes=(did,)))
    await store.commit(Write(scope=ALICE, at=T0, changes=(undo,), undone={did.id: undo.id}))
    assert (await store.change(did.id)).change == replace(did, undone_by=undo.id)
    for unknown in (did.id, new_id(1)):
        with pytest.raises(Conflict):
            await store.commit(Write(scope=ALICE, at=T0, undone={unknown: undo.id}))


async def test_a_source_is_hidden_only_with_the_last_memory_that_cites_it(store):
    episode = said(ALICE, "I ski and swim", state="done")
    skis, swims = (known(ALICE, words, sources=(cited(episode),)) for words in ("Skis", "Swims"))
    await store.commit(adding(episode, skis, swims))
    await store.commit(retire(skis, reason="deleted", hide_sources=True))
    assert (await loaded(store, episode)).state == "done"
    await store.commit(retire(swims, reason="deleted", hide_sources=True))
    assert (await loaded(store, episode)).state == "hidden"


async def test_a_memory_is_pinned_and_rated_without_a_new_version(store):
    memory = known(ALICE, "Skis")
    await store.commit(adding(memory))
    notes = (
        Annotate(memory_id=memory.id, version=1, pinned=True),
        Annotate(memory_id=memory.id, version=1, rating=-2, feedback="VERY_NEGATIVE", reason="wrong"),
    )
    await store.commit(Write(scope=ALICE, at=LATER, annotate=notes))
    assert await loaded(store, memory) == replace(memory, pinned=True, rating=-2)
    assert rows(store, "SELECT word, reason FROM feedback") == [("VERY_NEGATIVE", "wrong")]
    with pytest.raises(Conflict):
        await store.commit(Write(scope=ALICE, at=LATER, annotate=(replace(notes[0], version=2),)))


# The queue.


def waiting(scope, words, minutes=0, **fields):
    return replace(said(scope, words, **fields), received_at=T0 + timedelta(minutes=minutes))


async def leased(store, now=T0, limit=10, **fields):
    return [each.content for each in await store.lease(now=now, until=now + HOUR, limit=limit, **fields)]


async def test_a_conversation_is_worked_on_by_one_in_its_order(store):
    one, two = replace(ALICE, run_id="r1"), replace(ALICE, run_id="r2")
    await store.commit(adding(waiting(one, "a", 1), waiting(one, "b", 2), waiting(one, "c", 5)))
    await store.commit(adding(waiting(two, "x", 3), waiting(two, "done", 0, state="empty")))
    assert await leased(store, limit=2) == ["a", "b"]
    assert await leased(store) == ["x"]
    assert await leased(store) == []
    assert await store.due() == T0 + HOUR
    assert await leased(store, T0 + HOUR) == ["a", "b", "c"]


async def test_what_is_leased_says_so(store):
    episode = waiting(ALICE, "a", task=Task(instructions="x"))
    await store.commit(adding(episode))
    (taken,) = await store.lease(now=T0, until=LATER, limit=1)
    assert taken == replace(episode, leased=True, due_at=LATER, attempts=1)
    assert await loaded(store, episode) == taken


async def test_a_message_that_waits_for_a_later_try_holds_up_nobody(store):
    late, next_ = waiting(ALICE, "late", 0, due_at=T0 + 2 * HOUR), waiting(ALICE, "next", 1)
    await store.commit(adding(late, next_))
    assert await store.due() == next_.received_at
    assert await leased(store, limit=1) == ["next"]
    assert await leased(store, T0 + 2 * HOUR) == ["late", "next"]


async def test_messages_with_different_tasks_are_not_taken_together(store):
    same, other = Task(instructions="x"), Task(instructions="y")
    pending = [waiting(ALICE, str(n), n, task=task) for n, task in enumerate((same, same, other, same))]
    await store.commit(adding(*pending))
    assert await leased(store) == ["0", "1"]
    held = tuple(SetState(episode_id=each.id, state="done", held=1) for each in pending[:2])
    memory = known(ALICE, "m", sources=tuple(map(cited, pending[:2])))
    await store.commit(replace(adding(memory), states=held))
    assert await leased(store) == ["2"]


async def test_the_lease_of_another_scope_is_not_given(store):
    await store.commit(adding(waiting(BOB, "bob", 0)))
    agent = Scope(user_id="alice", agent_id="a")
    await store.commit(adding(waiting(ALICE, "alice", 1)))
    await store.commit(adding(waiting(agent, "agent", 2)))
    await store.commit(adding(waiting(Scope(project="p", user_id="alice"), "elsewhere", 3)))
    assert await store.due(ALICE) == T0 + timedelta(minutes=1)
    assert await store.due(Scope(user_id="carol")) is None
    assert await leased(store, scope=Scope(user_id="carol")) == []
    assert await leased(store, scope=Scope(agent_id="a")) == ["agent"]
    assert await leased(store, scope=ALICE) == ["alice"]
    assert await leased(store, scope=ALICE) == []
    assert await store.due(ALICE) == T0 + HOUR
    assert await leased(store, scope=Scope(project="p")) == ["elsewhere"]
    assert await leased(store, scope=EVERYBODY) == ["bob"]


async def test_who_lost_the_lease_cannot_finish(store):
    episode = waiting(ALICE, "a")
    await store.commit(adding(episode))
    await leased(store)
    await leased(store, T0 + HOUR)  # the first worker did not come back
    for held, state in ((1, "empty"), (2, "empty")):
        write = Write(scope=ALICE, at=T0, states=(SetState(episode_id=episode.id, state=state, held=held),))
        if held == 2:
            await store.commit(write)
        with pytest.raises(Conflict):
            await store.commit(write)


async def test_a_message_given_back_is_due_when_it_says(store):
    episode = waiting(ALICE, "a", task=Task(instructions="x"))
    await store.commit(adding(episode))
    await leased(store)
    back = SetState(
        episode_id=episode.id, state="pending", reason="no answer", due_at=(T0 + HOUR).astimezone(TAIPEI), held=1
    )  # fmt: skip
    await store.commit(Write(scope=ALICE, at=T0, states=(back,)))
    waits = replace(episode, reason="no answer", due_at=T0 + HOUR, attempts=1)
    assert await loaded(store, episode) == waits
    assert await store.due() == T0 + HOUR
    assert await leased(store) == []
    assert await leased(store, T0 + HOUR) == ["a"]
    failed = SetState(episode_id=episode.id, state="failed", reason="gave up")
    await store.commit(Write(scope=ALICE, at=T0, states=(failed,)))
    assert await store.due() is None
    assert await loaded(store, episode) == replace(waits, state="failed", reason="gave up", due_at=None, attempts=2)
    done = SetState(episode_id=episode.id, state="empty", attempts=0)
    await store.commit(Write(scope=ALICE, at=T0, states=(done,)))
    assert await loaded(store, episode) == replace(episode, state="empty", task=None)


async def test_the_queue_is_read_by_index(store):
    await store.commit(adding(waiting(ALICE, "a")))
    seen = []
    connection = store._connection  # the connection's own statements are what is looked at

    def traced():
        made = connection()
        made.set_trace_callback(seen.append)
        return made

    store._connection = traced
    for scope in (None, ALICE, replace(ALICE, run_id="r"), Scope(agent_id="a"), EVERYBODY):
        await store.lease(now=T0, until=LATER, limit=5, scope=scope)
        await store.due(scope)
    queries = {each for each in seen if each.lstrip().startswith("SELECT") and "FROM episodes" in each}
    assert len(queries) > 8
    steps = [step for each in queries for step in plan(store, each, [])]
    assert [step for step in steps if step.startswith("SCAN") and "USING" not in step and "json_each" not in step] == []


# The log, and what was spent.


async def test_the_log_is_paged_newest_first(store):
    agent = Scope(user_id="alice", agent_id="a")
    turns = [said(agent if number % 2 else ALICE, f"turn {number}", state="failed") for number in range(7)]
    await store.commit(Write(scope=ALICE, at=T0, episodes=tuple(map(turn, turns))))
    await store.commit(adding(said(ALICE, "fine", state="empty"), said(ALICE, "waits")))
    await store.commit(adding(said(BOB, "not mine", state="failed")))
    for scope, mine in ((ALICE, turns), (agent, turns[1::2]), (Scope(agent_id="a"), turns[1::2])):
        found, cursor = [], None
        while True:
            page = await store.log(scope, ["failed"], limit=2, cursor=cursor)
            assert page.total == len(mine)
            found += page.episodes
            cursor = page.next_cursor
            if cursor is None:
                break
        assert found == mine[::-1]
    assert [each.content for each in (await store.log(ALICE, ["pending", "empty"], limit=9, cursor=None)).episodes] == [
        "waits", "fine",
    ]  # fmt: skip
    with pytest.raises(InvalidInput):
        await store.log(ALICE, ["failed"], limit=2, cursor="turn 3")


async def test_what_a_project_spends_is_summed_by_day(store):
    cost = Usage(model_calls=1, input_tokens=20, output_tokens=3, embeddings=4)
    for at in (T0, T0, datetime(2025, 3, 15, 7, 59, tzinfo=TAIPEI)):
        await store.commit(Write(scope=ALICE, at=at, spent=cost))
    await store.commit(Write(scope=Scope(project="p", user_id="alice"), at=T0, spent=cost))
    assert await store.spent("default", date(2025, 3, 14)) == cost + cost + cost
    assert await store.spent("p", date(2025, 3, 14)) == cost
    assert await store.spent("p", date(2025, 3, 15)) == Usage()


async def test_memories_that_cite_some_episodes_are_found(store):
    one, two = said(ALICE, "I ski", state="done"), said(BOB, "I ski", state="done")
    mine, theirs = known(ALICE, "Skis", sources=(cited(one), cited(one, "ski"))), known(BOB, "x", sources=(cited(two),))
    gone = known(ALICE, "Skied", sources=(cited(one),))
    await store.commit(adding(one, mine, gone))
    await store.commit(adding(two, theirs))
    await store.commit(retire(gone))
    assert await store.citing([one.id]) == (mine,)
    both = await store.citing([one.id, two.id, new_id(1)])
    assert sorted(both, key=lambda memory: memory.id) == sorted((mine, theirs), key=lambda memory: memory.id)
    assert await store.citing([]) == ()


# Entities.


def person(name, scope=ALICE, kind="person", **fields):
    return Entity(id=new_id(scope.partition), scope=scope, kind=kind, name=name, created_at=T0, **fields)


def naming(memory, *entities_and_keys):
    return tuple(Naming(memory_id=memory.id, entity_id=e.id, key=key) for e, key in entities_and_keys)


async def test_entities_are_found_by_any_of_their_names(store):
    dana, wang = person("Dana"), person("小明")
    first, second = known(ALICE, "Dana is married to 小明"), known(ALICE, "My wife Dana skis")
    married = NewRelation(
        memory_id=first.id, subject=(dana.id, "dana"), predicate="married_to", object=(wang.id, "小明")
    )  # fmt: skip
    new = (NewEntity(entity=dana, keys={"dana": "Dana"}), NewEntity(entity=wang, keys={"小明": "小明"}))
    write = adding(first, second)
    named = (*naming(first, (dana, "dana"), (wang, "小明")), *naming(second, (dana, "dana"), (dana, "my wife")))
    await store.commit(replace(write, entities=(*new, *named, married)))
    alias = NewEntity(entity=dana, keys={"my wife": "my wife"})
    await store.commit(Write(scope=ALICE, at=LATER, entities=(alias,)))
    dana = replace(dana, aliases=("my wife",), memories=2)
    wang = replace(wang, memories=1)
    found = await store.around(around(names=("dana", "my wife", "小明", "who")))
    assert found.entities == {"dana": dana, "my wife": dana, "小明": wang}
    assert await store.resolve(ALICE, ["my wife", wang.id, "who"]) == {"my wife": dana, wang.id: wang}
    page = await store.entities(ALICE, limit=1)
    assert (page.entities, page.total) == ((dana,), 2)
    assert page.mentions == ((dana.id, first.id), (dana.id, second.id))
    (relation,) = page.relations
    assert (relation.subject, relation.predicate, relation.object) == (dana.id, "married_to", wang.id)
    rest = await store.entities(ALICE, limit=5, cursor=dana.id)
    assert (rest.entities, rest.relations) == ((wang,), (relation,))
    with pytest.raises(InvalidInput):
        await store.entities(ALICE, limit=5, cursor=new_id(1))

    await store.commit(retire(first))
    assert (await store.naming(ALICE, [dana.id])).relations == ()
    assert (await store.entities(ALICE, limit=5)).entities == (replace(dana, memories=1),)
    await store.commit(restore(first.id, 1))
    assert (await store.naming(ALICE, [wang.id])).relations == (relation,)


async def test_entities_of_another_owner_are_never_seen(store):
    mine, theirs = person("Dana"), person("Dana", BOB)
    agents = person("Dana", Scope(user_id="alice", agent_id="a"))
    for entity in (mine, theirs, agents):
        memory = known(entity.scope, "Dana skis")
        write = replace(adding(memory), entities=(NewEntity(entity=entity, keys={"dana": "Dana"}),))
        await store.commit(replace(write, entities=(*write.entities, *naming(memory, (entity, "dana")))))
    asked = ["dana", mine.id, theirs.id, agents.id]
    for scope, ids in ((BOB, {theirs.id}), (agents.scope, {agents.id}), (Scope(agent_id="a"), {agents.id})):
        found = await store.resolve(scope, asked)
        assert ({each.id for each in found.values()}, found["dana"].id in ids) == (ids, True)
        assert {each.id for each in (await store.naming(scope, asked[1:])).entities} == ids
        assert {each.id for each in (await store.entities(scope, limit=9)).entities} == ids
    assert (await store.resolve(ALICE, ["dana"]))["dana"].id == mine.id
    for scope, entity in ((ALICE, mine), (agents.scope, agents), (replace(ALICE, run_id="r"), mine)):
        assert (await store.around(around(scope, names=("dana",)))).entities["dana"].id == entity.id


async def test_the_entities_of_a_run_are_those_its_memories_name(store):
    run = replace(ALICE, run_id="r1")
    dana, eve = person("Dana"), person("Eve")
    here, there = known(run, "Dana skis"), known(ALICE, "Eve skis, and Dana")
    new = (NewEntity(entity=dana, keys={"dana": "Dana"}), NewEntity(entity=eve, keys={"eve": "Eve"}))
    named = (*naming(here, (dana, "dana")), *naming(there, (eve, "eve"), (dana, "dana")))
    await store.commit(replace(adding(here, there), entities=(*new, *named)))
    for scope in (run, Scope(run_id="r1")):
        assert [each.id for each in (await store.entities(scope, limit=9)).entities] == [dana.id]
        assert (await store.resolve(scope, ["dana", "eve"])).keys() == {"dana"}
        assert (await store.naming(scope, [dana.id])).mentions == ((dana.id, here.id),)


async def test_entities_are_merged_and_parted_again(store):
    dana, wife, third = person("Dana"), person("my wife"), person("D.")
    one, two = known(ALICE, "Dana skis"), known(ALICE, "My wife swims")
    new = tuple(NewEntity(entity=e, keys={e.name.lower(): e.name}) for e in (dana, wife, third))
    named = (*naming(one, (dana, "dana")), *naming(two, (wife, "my wife"), (third, "d.")))
    await store.commit(replace(adding(one, two), entities=(*new, *named)))
    did, more, undo = change("merge"), change("merge"), change("undo")

    def merge(entity, into, of):
        step = MergeEntity(entity_id=entity.id, into=into and into.id, change_id=of.id)
        return Write(scope=ALICE, at=LATER, changes=(of,), entities=(step,))

    await store.commit(merge(wife, dana, did))
    await store.commit(merge(third, wife, more))
    both = replace(dana, aliases=("my wife", "D."), memories=2)
    assert (await store.resolve(ALICE, ["my wife", "d.", "dana"])) == dict.fromkeys(("my wife", "d.", "dana"), both)
    assert (await store.naming(ALICE, [third.id, dana.id])).entities == (both,)
    assert (await store.entities(ALICE, limit=9)).entities == (both,)
    assert (await store.change(did.id)).merged == (wife.id,)
    for circle in (merge(dana, third, did), merge(dana, dana, did), merge(person("nobody"), dana, did)):
        with pytest.raises(Conflict):
            await store.commit(circle)
    await store.commit(merge(wife, None, undo))
    assert (await store.change(did.id)).merged == ()
    assert (await store.resolve(ALICE, ["d."]))["d."] == replace(wife, aliases=("D.",), memories=1)


async def test_a_name_moves_with_all_that_was_said_under_it(store):
    ming, other = person("小明"), person("小明 (work)")
    home, work = known(ALICE, "小明 is my son"), known(ALICE, "Boss Wang sings")
    sings = NewRelation(memory_id=work.id, subject=(ming.id, "boss"), predicate="likes", object=(ming.id, "小明"))
    new = (NewEntity(entity=ming, keys={"小明": "小明", "boss": "Boss Wang"}), NewEntity(entity=other, keys={"w": "W"}))
    named = (*naming(home, (ming, "小明")), *naming(work, (ming, "boss")))
    await store.commit(replace(adding(home, work), entities=(*new, *named, sings)))
    did = change("split")
    move = MoveName(key="boss", source=ming.id, target=other.id, change_id=did.id)
    await store.commit(Write(scope=ALICE, at=LATER, changes=(did,), entities=(move,)))
    assert (await store.resolve(ALICE, ["boss"]))["boss"].id == other.id
    (relation,) = (await store.naming(ALICE, [other.id])).relations
    assert (relation.subject, relation.object) == (other.id, ming.id)
    assert (await store.change(did.id)).moved == (("boss", ming.id, other.id),)
    with pytest.raises(Conflict):
        await store.commit(Write(scope=ALICE, at=LATER, entities=(move,)))
    with pytest.raises(Conflict):
        await store.commit(Write(scope=ALICE, at=LATER, entities=naming(home, (person("nobody"), "x"))))


# Erasing.


def files(store):
    """Every byte on disk that belongs to a store."""
    return b"".join(
        file.read_bytes() for file in sorted(Path(store.address).parent.glob(Path(store.address).name + "*"))
    )


def traces(words):
    """What a store writes of a record: its words, their hashes, its vector exactly and in eight bits."""
    vector = vectors(words)[0]
    codes = np.rint(vector / (np.abs(vector).max() / 127)).astype("i1")
    hashes = {struct.pack("<I", term) for term in text.terms(words)}
    return {words.encode(), text.md5(words).encode(), vector.astype("<f2").tobytes(), codes.tobytes(), *hashes}


async def fill(store, scope, words):
    """A scope with something of every kind, each holding `words`."""
    did = change("add", scope)
    turned = said(scope, f"{words} 訊息", state="done", change_id=did.id, actor=f"{words} actor", metadata={"k": words})
    waits = said(scope, f"{words} waiting", task=Task(instructions=words), external_id=new_id(1))
    memory = known(scope, f"{words} 記憶", sources=(cited(turned),), subject=words, object=words, slot=f"{words}/slot")
    old, gone = known(scope, f"{words} 舊"), known(scope, f"{words} gone")
    note = said(scope, f"{words} 筆記", state="done")
    kept = verbatim(note)
    who = person(f"{words} 人", replace(scope, run_id=None) if scope.user_id else scope)
    relation = NewRelation(memory_id=memory.id, subject=(who.id, words), predicate=words, object=(who.id, words))
    grave = Tombstone(
        id=new_id(scope.partition), scope=scope, at=T0, change_id=did.id, slot=words, print={"w": [words]}
    )  # fmt: skip
    await store.commit(
        replace(
            adding(turned, waits, memory, old, gone),
            changes=(did,),
            tombstones=(grave,),
            entities=(NewEntity(entity=who, keys={words: words}), *naming(memory, (who, words)), relation),
        )
    )
    await store.commit(keeping(note, kept))
    await store.commit(updating(old, f"{words} 新")[1])
    await store.commit(retire(gone))
    rated = Annotate(memory_id=memory.id, version=1, rating=1, feedback="POSITIVE", reason=words)
    await store.commit(Write(scope=scope, at=LATER, annotate=(rated,)))
    return [record.id for record in (turned, waits, memory, old, gone, note, kept)]


SECRET, OTHER = "zirkonia蜻蜓", "kolibri麻雀"


@pytest.mark.parametrize(
    ("erased", "stays"),
    [
        (Scope(user_id="alice-q"), Scope(user_id="bob")),
        (Scope(user_id="carol", run_id="run-q"), Scope(user_id="carol", run_id="r2")),
        (Scope(user_id="carol", agent_id="agent-q"), Scope(user_id="carol", agent_id="b")),
        (Scope(run_id="run-q"), Scope(run_id="r2")),
    ],
)
async def test_no_file_holds_a_byte_of_an_erased_scope(store, erased, stays):
    for _ in range(30):  # so that blocks are shared, and there are pages to free
        await fill(store, stays, OTHER)
        ids = await fill(store, erased, SECRET)
    await store.find(asking(SECRET, erased))
    before = await picture_of(store, stays)
    assert [trace for trace in traces(f"{SECRET} 記憶") if trace not in files(store)] == []  # all can be seen
    gone = await store.erase(erased)
    for kind in ("memories", "versions", "episodes", "sources", "history", "tombstones", "changes", "feedback"):
        assert gone[kind] >= 30, kind
    assert (gone["entities"], gone["relations"], gone["vectors"]) == (30, 30, 210)
    data = files(store)
    for words in (
        SECRET + suffix for suffix in ("", " 訊息", " waiting", " 記憶", " 舊", " 新", " gone", " 筆記", " 人")
    ):
        here = traces(words) | {words.encode("utf-16-le"), words.encode("utf-16-be")}
        assert [trace for trace in here - traces(words.replace(SECRET, OTHER)) if trace in data] == []
    for piece in ("zirkonia", "蜻蜓"):
        assert [code for code in ("utf-8", "utf-16-le", "utf-16-be") if piece.encode(code) in data] == []
    narrow = next(value for value in erased.ids.values() if value.endswith("-q"))
    assert narrow.encode() not in data
    assert rows(store, "PRAGMA freelist_count") == [(0,)]
    assert await store.load(ids) == {}
    assert await picture_of(store, stays) == before
    assert await hits(store, asking(SECRET, where(erased, superseded=True, episodes=("pending", "done")))) == set()
    assert (await store.around(around(erased, names=(SECRET,)))).entities == {}
    assert (await store.erase(erased))["memories"] == 0
    assert await fill(store, erased, "something new")
    assert len(await listed(store, where(erased))) == 3


async def picture_of(store, scope):
    return (
        await store.load(await listed(store, where(scope, superseded=True))),
        await hits(store, asking("anything", where(scope, superseded=True), limit=1_000)),
        await store.counts(scope) and replace(await store.counts(scope), bytes=0),
        await store.entities(scope, limit=1_000),
        [grave for grave in (await store.around(around(scope))).tombstones if grave.scope == scope],
        await store.log(scope, ["pending", "done"], limit=1_000, cursor=None),
    )


async def test_erasing_removes_the_copies_that_migrations_left(store, tmp_path):
    await fill(store, ALICE, SECRET)
    old = SQLiteStore(tmp_path / "old.db")
    as_first_release(store.address, old.address)
    await old.open()
    assert (await old.erase(ALICE))["backups"] == 1
    assert SECRET.encode() not in files(old)
    await old.close()


async def test_what_was_also_said_elsewhere_keeps_what_was_said_there(store):
    one, two = replace(ALICE, run_id="r1"), replace(ALICE, run_id="r2")
    early, late = said(one, f"I ski, {SECRET}", state="done"), said(two, "Yes I ski", state="done", at=LATER)
    note = said(one, "I swim", state="done")
    memory, kept = known(one, "Skis", sources=(cited(early),), said_at=T0), replace(verbatim(note), scope=one)
    pattern = known(ALICE, f"Often {SECRET}", sources=(cited(early),))
    dana = person("Dana")
    named = (NewEntity(entity=dana, keys={"dana": "Dana", SECRET: SECRET}), *naming(pattern, (dana, SECRET)))
    named += naming(memory, (dana, "dana"))
    await store.commit(replace(adding(early, memory, pattern), entities=named))
    await store.commit(keeping(note, kept))
    await store.commit(adding(late))
    proofs = (proof_of(memory, late), proof_of(kept, late))
    await store.commit(Write(scope=two, at=LATER, proofs=proofs))
    gone = await store.erase(one)
    assert (gone["memories"], gone["episodes"], gone["entities"]) == (1, 2, 0)
    rest = await loaded(store, memory)
    assert (rest.scope, rest.runs, rest.sources, rest.proof_count, rest.said_at) == (two, (), (cited(late),), 1, LATER)
    assert (await loaded(store, kept)).sources == (cited(late),)
    found = await found_by(store, "keyword", asking("ski swim", where(episodes=("done", "pending"))))
    assert {memory.id, kept.id} <= set(found)
    assert SECRET.encode() not in files(store)
    assert (await store.entities(ALICE, limit=9)).entities == (replace(dana, memories=1),)


async def test_an_entity_is_called_by_what_is_left_of_its_names(store):
    run = replace(ALICE, run_id="r1")
    dana, part = person(SECRET), person("Dee")
    here, there = known(run, "x"), known(ALICE, "Dana skis")
    new = (
        NewEntity(entity=dana, keys={SECRET: SECRET, "dana": "Dana"}), NewEntity(entity=part, keys={"dee": "Dee"}),
    )  # fmt: skip
    named = (*naming(here, (dana, SECRET), (part, "dee")), *naming(there, (dana, "dana")))
    await store.commit(replace(adding(here, there), entities=(*new, *named)))
    merge = MergeEntity(entity_id=part.id, into=dana.id, change_id=new_id(1))
    await store.commit(Write(scope=ALICE, at=T0, entities=(merge,)))
    assert (await store.erase(run))["entities"] == 1
    (left_,) = (await store.entities(ALICE, limit=9)).entities
    assert (left_.name, left_.aliases, left_.memories) == ("Dana", (), 1)
    assert b"Dee" not in files(store)
    assert SECRET.encode() not in files(store)


async def test_erasing_waits_for_readers_and_says_when_they_stay(tmp_path):
    store = SQLiteStore(tmp_path / "m.db", timeout=0.2)
    await store.open()
    await store.use_space(SPACE)
    await fill(store, ALICE, SECRET)
    with closing(sqlite3.connect(store.address, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM memories").fetchone()
        with pytest.raises(StoreBusy, match="repeat"):
            await store.erase(ALICE)
        assert await listed(store, where(ALICE)) == []
        reader.execute("ROLLBACK")
    assert (await store.erase(ALICE))["memories"] == 0
    assert SECRET.encode() not in files(store)
    await store.close()


async def test_a_reset_leaves_no_byte_and_no_row(store):
    await fill(store, ALICE, SECRET)
    await store.commit(Write(scope=ALICE, at=T0, spent=Usage(model_calls=1)))
    await store.reset()
    assert SECRET.encode() not in files(store)
    tables = [name for (name,) in rows(store, "SELECT name FROM sqlite_schema WHERE type = 'table'")]
    assert {name: rows(store, f"SELECT count(*) FROM {name}") for name in tables} == {name: [(0,)] for name in tables}


async def test_vectors_of_erased_records_are_not_written_later(store):
    erased, stays = known(ALICE, f"{SECRET} one"), known(ALICE, "stays")
    run = replace(ALICE, run_id="r1")
    erased = replace(erased, scope=run)
    await store.commit(adding(erased))
    await store.commit(adding(stays))
    next_ = Space(name="contract:next", dimensions=8)
    pieces = await store.missing(next_, 10)
    assert len(pieces) == 2
    await store.erase(run)
    fresh = np.eye(8, dtype=np.float32)[:1]
    await store.reembed(next_, [(piece.place, fresh) for piece in pieces])
    assert rows(store, "SELECT count(*) FROM exact_2") == [(1,)]
    assert await store.activate(next_)


# Damage.


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        ("UPDATE memories SET retire_reason = 'deleted' WHERE retire_reason = 'superseded'", "index says"),
        ("INSERT INTO runs VALUES (1, 'x', 'r', 'default', 0)", "further run of no memory"),
        ("INSERT INTO feedback VALUES (1, 'x', 'y', 1, 'POSITIVE', NULL, '')", "feedback on no memory"),
        ("INSERT INTO mentions SELECT partition, 'x', id, 'k' FROM entities", "mention without memory"),
        ("DELETE FROM entities", "mention without entity"),
        ("DELETE FROM entities", "relation without entity"),
        ("DELETE FROM entities", "name without entity"),
        ("UPDATE entities SET merged_into = 'x'", "entity merged into none"),
        ("UPDATE episodes SET leased = 1 WHERE state = 'done'", "lease or task"),
        ("UPDATE memories SET known_to = NULL WHERE NOT current", "does not say when"),
        ("UPDATE memories SET retire_reason = NULL", "neither current nor retired"),
        ("UPDATE tombstones SET owner = 1", "row of no owner"),
        ("UPDATE episodes SET seen = 'x'", "quote that its episode does not hold"),
    ],
)
async def test_damage_is_told(tmp_path, damage, says):
    store = SQLiteStore(tmp_path / "m.db")
    await store.open()
    await store.use_space(SPACE)
    await fill(store, ALICE, "words")
    assert (await store.verify())[1] == ()
    with closing(sqlite3.connect(store.address)) as db:
        db.execute(damage)
        db.commit()
    assert [problem for problem in (await store.verify())[1] if says in problem]
    await store.close()


def test_partitions_of_ids_and_owners_agree():
    assert partition_of(person("x").id) == ALICE.partition
    assert NewEpisode(episode=said(ALICE, "x"), vectors=None).episode.received_at.tzinfo is UTC
