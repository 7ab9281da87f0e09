"""Copies of a store that is in use, and what they are put back into."""

import contextlib
import gzip
import json
import os
import shutil
import sqlite3
import subprocess
import threading
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from data_stores import script
from typer.testing import CliRunner

from mnemic import (
    Conflict,
    InvalidInput,
    Memory,
    NotAStore,
    StoreFull,
    StoreTooNew,
    StoreUnwritable,
    WrongEmbedder,
)
from mnemic.cli.main import app
from mnemic.protocols import Ask, Write
from mnemic.stores.postgres import PostgresStore
from mnemic.stores.sqlite import SQLiteStore
from mnemic.testing.fakes import FakeEmbedder, FakeExtractor
from mnemic.testing.memory_store import InMemoryStore
from mnemic.types import Scope


def tables(path):
    """Every row of every table. Counts that a restore renews are left out."""
    with closing(sqlite3.connect(path)) as db:
        names = [name for (name,) in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")]
        made = db.execute("SELECT type, name, sql FROM sqlite_schema ORDER BY type, name").fetchall()
        rows = {name: sorted(db.execute(f"SELECT * FROM {name}"), key=repr) for name in names if name != "owners"}
        owners = db.execute("SELECT number, project, kind, name, next_sequence FROM owners ORDER BY number").fetchall()
        numbers = [db.execute(f"PRAGMA {name}").fetchone() for name in ("user_version", "application_id")]
        return made, rows, owners, numbers


def texts(memory, **ids):
    return sorted(item["memory"] for item in memory.get_all(limit=1_000, **ids)["results"])


def told(memory, known):
    return json.dumps(script.answers(memory, known), ensure_ascii=False)


@pytest.fixture
def full(tmp_path):
    """A store in which everything happened once, closed, and the ids of its memories."""
    path = tmp_path / "full.db"
    return path, script.tell(path)


# What comes back.


def test_all_that_a_store_held_comes_back_and_what_took_its_place_is_kept(full, tmp_path):
    path, known = full
    copy = tmp_path / "copy.db"
    with script.opened(path) as memory:
        before = told(memory, known)
        answer = memory.backup(copy)
        assert answer == {
            "message": "Store backed up successfully!",
            "path": str(copy),
            "bytes": copy.stat().st_size,
        }
        memory.delete_all(user_id="alice")
        memory.erase(user_id="bob")
        memory.remember("Erin paints", user_id="erin")
        wrong = tables(path)
        answer = memory.restore(copy)
        assert answer == {
            "message": "Store restored successfully!",
            "path": str(copy),
            "before": f"{path}.backup-r1",
            "embedder": "fake:words",
        }
        assert told(memory, known) == before
        assert memory.verify()["problems"] == []
        assert tables(path) == tables(copy)
        assert tables(answer["before"]) == wrong
        assert memory.restore(answer["before"])["before"] == f"{path}.backup-r2"
        assert texts(memory, user_id="erin") == ["Erin paints"]
        assert tables(path) == wrong
    with script.opened(copy) as memory:  # a backup is a store
        assert told(memory, known) == before


def test_a_copy_made_in_memory_goes_to_a_file_and_back(full, make, tmp_path):
    path, known = full
    first, second = tmp_path / "1.db", tmp_path / "2.db"
    with script.opened(path) as memory:
        before = told(memory, known)
        memory.backup(first)
    with script.opened(":memory:") as memory:
        assert memory.restore(first)["before"] is None
        assert told(memory, known) == before
        memory.backup(second)
        memory.reset()
        memory.restore(second)
        assert told(memory, known) == before
        assert memory.verify()["problems"] == []
    assert tables(second) == tables(first)
    empty = make(tmp_path / "new" / "m.db")
    assert empty.restore(second)["before"] is None
    assert empty.get_all()["total"] > 0
    assert sorted(file.name for file in (tmp_path / "new").glob("*.backup*")) == []


def test_an_empty_store_is_backed_up_and_restored(make, tmp_path):
    memory = make(tmp_path / "m.db")
    memory.backup(tmp_path / "empty.db")
    memory.remember("I ski", user_id="alice")
    memory.restore(tmp_path / "empty.db")
    assert memory.get_all()["total"] == 0
    memory.remember("I row", user_id="alice")
    assert memory.search("row", user_id="alice")["results"]
    assert memory.verify()["problems"] == []


def test_work_goes_on_after_a_restore(make, tmp_path):
    memory = make(tmp_path / "m.db")
    (ski,) = memory.remember("I ski", user_id="alice")["results"]
    memory.backup(tmp_path / "copy.db")
    changed = memory.update(ski["id"], data="I sail")
    memory.restore(tmp_path / "copy.db")
    assert memory.get(ski["id"])["memory"] == "I ski"
    assert memory.update(ski["id"], data="I row")["version"] == changed["version"]
    assert [line["new_memory"] for line in memory.history(ski["id"])] == ["I ski", "I row"]
    memory.add("I keep bees", user_id="bob")
    assert texts(memory) == ["I keep bees", "I row"]
    assert memory.verify()["problems"] == []


def test_messages_that_waited_then_are_worked_on_again(make, tmp_path):
    memory = make(tmp_path / "m.db", background=False)
    memory.add("I keep bees", user_id="alice", wait="stored")
    memory.backup(tmp_path / "copy.db")
    memory.process_pending()
    assert memory.stats()["pending"] == 0
    memory.restore(tmp_path / "copy.db")
    assert memory.stats()["pending"] == 1
    memory.process_pending()
    assert texts(memory) == ["I keep bees"]


async def test_the_reference_keeps_and_gives_back_its_content(tmp_path):
    from mnemic import AsyncMemory

    memory = AsyncMemory(store=InMemoryStore(), embedder=FakeEmbedder(), extractor=FakeExtractor())
    await memory.remember("I ski", user_id="alice")
    await memory.backup(tmp_path / "copy")
    await memory.reset()
    await memory.restore(tmp_path / "copy")
    assert [item["memory"] for item in (await memory.get_all())["results"]] == ["I ski"]
    with pytest.raises(InvalidInput):
        await memory.backup(tmp_path / "copy")
    (tmp_path / "other").write_bytes(b"something else")
    with pytest.raises(NotAStore):
        await memory.restore(tmp_path / "other")


# Who else has the store open.


def test_whoever_has_the_store_open_sees_what_was_restored(make, tmp_path):
    """Also one who keeps the index in memory, when the restored store counts on to where the former one was."""
    memory, other = make(tmp_path / "m.db"), make(tmp_path / "m.db")
    many = [f"Fact number {number}" for number in range(600)]
    memory.add(many, user_id="alice", infer=False)
    memory.backup(tmp_path / "copy.db")
    memory.remember("I ski in Zermatt", user_id="alice")
    assert other.search("ski in Zermatt", user_id="alice")["results"][0]["memory"] == "I ski in Zermatt"
    memory.restore(tmp_path / "copy.db")
    memory.remember("I row in Lucerne", user_id="alice")
    for question in ("row in Lucerne", "ski in Zermatt"):
        found = [
            [(hit["memory"], hit["score"]) for hit in each.search(question, user_id="alice", top_k=5)["results"]]
            for each in (make(tmp_path / "m.db"), other, memory)
        ]
        assert found[0] == found[1] == found[2]
    assert other.get_all(user_id="alice")["total"] == 601
    other.remember("I sail", user_id="alice")
    assert other.verify()["problems"] == []


async def test_a_decision_made_on_what_was_there_before_is_made_again(tmp_path):
    for store in (SQLiteStore(tmp_path / "m.db"), SQLiteStore(":memory:"), InMemoryStore()):
        with Memory(store=store, embedder=FakeEmbedder(), extractor=FakeExtractor()) as memory:
            (ski,) = memory.remember("I ski", user_id="alice")["results"]
            memory.backup(tmp_path / "copy", overwrite=True)
            memory.update(ski["id"], data="I sail")
            whose = Scope(project="default", user_id="alice")
            ask = memory._wait(store.around(Ask(scope=whose)))
            memory.restore(tmp_path / "copy")
            memory.update(ski["id"], data="I row")
            late = Write(scope=whose, at=datetime(2026, 1, 1, tzinfo=UTC), basis=ask.basis)
            with pytest.raises(Conflict):
                memory._wait(store.commit(late))
            again = memory._wait(store.around(Ask(scope=whose)))
            memory._wait(store.commit(replace(late, basis=again.basis)))


def test_one_who_reads_meanwhile_reads_one_state(make, tmp_path):
    memory = make(tmp_path / "m.db")
    memory.remember("I ski", user_id="alice")
    memory.backup(tmp_path / "copy.db")
    memory.remember("I row", user_id="alice")
    with closing(sqlite3.connect(tmp_path / "m.db", isolation_level=None)) as reader:
        reader.execute("BEGIN")
        assert reader.execute("SELECT count(*) FROM memories").fetchone() == (2,)
        memory.restore(tmp_path / "copy.db")
        assert reader.execute("SELECT count(*) FROM memories").fetchone() == (2,)
        reader.execute("COMMIT")
        assert reader.execute("SELECT count(*) FROM memories").fetchone() == (1,)


def test_erasing_takes_along_what_a_restore_kept(make, tmp_path):
    memory = make(tmp_path / "m.db")
    memory.remember("The safe is behind the painting", user_id="alice")
    memory.backup(tmp_path / "copies.db")
    memory.restore(tmp_path / "copies.db")
    (tmp_path / "m.db.backup-of-mine").write_bytes(b"not ours")
    assert (tmp_path / "m.db.backup-r1").exists()
    memory.erase(user_id="alice")
    memory.close()
    assert sorted(file.name for file in tmp_path.iterdir()) == ["copies.db", "m.db", "m.db.backup-of-mine"]
    assert b"painting" not in (tmp_path / "m.db").read_bytes()


# The embedder.


def test_a_backup_of_another_embedder_is_restored_and_the_next_call_says_what_to_do(make, tmp_path):
    make(tmp_path / "old.db", embedder=FakeEmbedder(name="fake:other")).remember("I ski", user_id="alice")
    with pytest.raises(WrongEmbedder):
        make(tmp_path / "old.db")
    memory = make(tmp_path / "m.db")
    memory.remember("I row", user_id="alice")
    assert memory.restore(tmp_path / "old.db")["embedder"] == "fake:other"
    for _ in range(2):
        with pytest.raises(WrongEmbedder, match="reindex"):
            memory.get_all()
    memory.reindex()
    assert memory.search("ski", user_id="alice")["results"][0]["memory"] == "I ski"
    assert memory.restore(tmp_path / "m.db.backup-r1")["embedder"] == "fake:words"
    assert texts(memory) == ["I row"]


# What is refused, and leaves everything as it was.


@pytest.fixture
def kept(make, tmp_path):
    """A memory of one fact, its backup, and what the folder then holds."""
    memory = make(tmp_path / "m.db")
    memory.remember("I ski " + "on skis " * 500, user_id="alice")
    copy = tmp_path / "copy.db"
    memory.backup(copy)
    memory.remember("I row", user_id="alice")
    return memory, copy


def names(folder):
    return {file.name for file in folder.iterdir()}


def test_a_file_that_is_there_is_overwritten_only_when_told(kept, tmp_path):
    memory, copy = kept
    before = copy.read_bytes()
    with pytest.raises(InvalidInput, match="is there already"):
        memory.backup(copy)
    assert copy.read_bytes() == before
    memory.backup(copy, overwrite=True)
    memory.reset()
    memory.restore(copy)
    assert "I row" in texts(memory)
    assert {name for name in names(tmp_path) if "unfinished" in name} == set()


@pytest.mark.parametrize("suffix", ["", "-wal", "-shm"])
def test_the_store_itself_is_no_place_for_its_backup(kept, tmp_path, suffix):
    memory, _ = kept
    (tmp_path / "link").symlink_to(tmp_path / f"m.db{suffix}")
    for name in (tmp_path / f"m.db{suffix}", tmp_path / "link", tmp_path / "nowhere" / ".." / f"m.db{suffix}"):
        with pytest.raises(InvalidInput, match="the store itself"):
            memory.backup(name, overwrite=True)
        with pytest.raises(InvalidInput, match="the store itself"):
            memory.restore(name)
    assert memory.get_all()["total"] == 2
    assert memory.verify()["problems"] == []


@pytest.mark.parametrize("name", ["", " ", "a\0b", "\ud800", b"bytes", None, 7, ["m.db"]])
def test_what_is_no_name_of_a_file_is_refused(kept, name):
    memory, _ = kept
    for call in (memory.backup, memory.restore):
        with pytest.raises(InvalidInput, match="name of a file"):
            call(name)


def test_a_backup_that_cannot_be_written_says_where(kept, tmp_path):
    memory, _ = kept
    before = names(tmp_path)
    with pytest.raises(StoreUnwritable, match="No such file or directory"):
        memory.backup(tmp_path / "nowhere" / "copy.db")
    with pytest.raises(InvalidInput, match="is a folder"):
        memory.backup(tmp_path, overwrite=True)
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises((StoreUnwritable, InvalidInput)):
        memory.backup(tmp_path / "file" / "copy.db")
    assert names(tmp_path) == before | {"file"}


def _truncated(copy):
    copy.write_bytes(copy.read_bytes()[: copy.stat().st_size // 2])


def _scratched(copy):
    content = bytearray(copy.read_bytes())
    for page in range(1, len(content) // 4096):
        content[page * 4096 : page * 4096 + 64] = b"\xff" * 64
    copy.write_bytes(content)


def _future(copy):
    with closing(sqlite3.connect(copy)) as db:
        db.execute("PRAGMA user_version = 999")


def _of_another_program(copy):
    copy.unlink()
    with closing(sqlite3.connect(copy)) as db:
        db.execute("CREATE TABLE notes (text)")


def _without(statement):
    def apply(copy):
        with closing(sqlite3.connect(copy)) as db:
            db.execute(statement)

    return apply


def _doubled(copy):
    """Two current versions of one memory, which no store can hold."""
    with closing(sqlite3.connect(copy, isolation_level=None)) as db:
        made = db.execute("SELECT sql FROM sqlite_schema WHERE name = 'memories_current'").fetchone()[0]
        db.execute("DROP INDEX memories_current")
        columns = [row[1] for row in db.execute("PRAGMA table_info(memories)")]
        other = ", ".join({"entry": "entry + 1000", "version": "version + 1"}.get(each, each) for each in columns)
        db.execute(f"INSERT INTO memories SELECT {other} FROM memories LIMIT 1")
        db.execute("PRAGMA writable_schema = ON")
        db.execute(
            "INSERT INTO sqlite_schema SELECT 'index', 'memories_current', 'memories', rootpage, ?"
            " FROM sqlite_schema WHERE name = 'memories_once'",
            [made],
        )


@pytest.mark.parametrize(
    ("spoil", "error", "says"),
    [
        (Path.unlink, InvalidInput, "No such file"),
        (lambda copy: copy.write_bytes(b""), NotAStore, "not a Mnemic store"),
        (lambda copy: copy.write_bytes(b"SQLite format 3\0"), NotAStore, "not a Mnemic store|another program"),
        (lambda copy: copy.write_text("hello " * 100), NotAStore, "not a Mnemic store"),
        (_truncated, NotAStore, "damaged"),
        (_scratched, NotAStore, "damaged"),
        (_doubled, NotAStore, "damaged"),
        (_future, StoreTooNew, "upgrade"),
        (_of_another_program, NotAStore, "another program"),
        (_without("DROP TABLE tombstones"), NotAStore, "'tombstones'"),
        (_without("ALTER TABLE history DROP COLUMN old_text"), NotAStore, "old_text"),
        (_without("CREATE VIRTUAL TABLE notes USING fts5(text)"), NotAStore, "damaged"),
    ],
)
def test_what_is_no_backup_changes_nothing(kept, tmp_path, spoil, error, says):
    memory, copy = kept
    spoil(copy)
    before, there = tables(tmp_path / "m.db"), names(tmp_path)
    with pytest.raises(error, match=says) as caught:
        memory.restore(copy)
    assert str(copy) in str(caught.value)
    assert tables(tmp_path / "m.db") == before
    assert names(tmp_path) == there
    memory.remember("I sail", user_id="alice")
    assert memory.get_all()["total"] == 3
    assert memory.verify()["problems"] == []


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_a_name_that_no_file_can_have_is_no_place_for_a_backup_or_an_export(request, tmp_path, kind):
    store = SQLiteStore(tmp_path / "m.db")
    if kind == "postgres":
        store = PostgresStore(request.getfixturevalue("migrated_database")())
    with Memory(store=store, embedder=FakeEmbedder()) as memory:
        for write in (memory.backup, memory.export):
            with pytest.raises(StoreUnwritable, match="name too long"):
                write(tmp_path / ("a" * 300))


def test_a_folder_is_no_backup(kept, tmp_path):
    with pytest.raises(InvalidInput, match="directory"):
        kept[0].restore(tmp_path)


class SmallStore(SQLiteStore):
    """A store on a disk that holds a few hundred kilobytes."""

    def _connection(self):
        connection = super()._connection()
        connection.execute("PRAGMA max_page_count = 130")
        return connection


def test_a_backup_for_which_there_is_no_room_changes_nothing(make, tmp_path):
    large = make(tmp_path / "large.db")
    for number in range(60):
        large.remember(f"Fact {number} " + "about the weather " * 100, user_id="a")
    large.backup(tmp_path / "copy.db")
    memory = make(None, store=SmallStore(tmp_path / "m.db"))
    memory.remember("I ski", user_id="alice")
    there = names(tmp_path)
    with pytest.raises(StoreFull):
        memory.restore(tmp_path / "copy.db")
    assert texts(memory) == ["I ski"]
    assert names(tmp_path) == there
    assert memory.verify()["problems"] == []


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can mount")
def test_a_disk_that_has_no_room_for_a_backup_is_left_as_it_was(make, tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    mounting = ["mount", "-t", "tmpfs", "-o", "size=200k", "tmpfs", str(disk)]
    if subprocess.run(mounting, capture_output=True, check=False).returncode:
        pytest.skip("mounting is not allowed here")
    try:
        memory = make(tmp_path / "m.db")
        for number in range(20):
            memory.remember(f"Fact {number} " + "about the weather " * 100, user_id="a")
        with pytest.raises(StoreFull, match=r"copy\.db"):
            memory.backup(disk / "copy.db")
        assert names(disk) == set()
        memory.backup(tmp_path / "copy.db")
    finally:
        subprocess.run(["umount", str(disk)], check=True)


# From the command line.


def run(*words):
    return CliRunner().invoke(app, [str(word) for word in words])


def test_the_commands_say_what_they_did(tmp_path):
    store, copy = tmp_path / "m.db", tmp_path / "copy.db"
    assert run("remember", "I ski", "--user", "alice", "--store", store).exit_code == 0
    done = run("backup", copy, "--store", store, "--json")
    assert json.loads(done.stdout)["path"] == str(copy)
    assert run("backup", copy, "--store", store).exit_code == 2
    assert "bytes in" in run("backup", copy, "--overwrite", "--store", store).stdout
    shutil.copy(copy, tmp_path / "again.db")
    assert run("remember", "I row", "--user", "alice", "--store", store).exit_code == 0
    asked = run("restore", copy, "--store", store)
    assert asked.exit_code == 2
    assert "--yes" in asked.stderr
    done = run("restore", copy, "--yes", "--store", store)
    assert (done.exit_code, "restored" in done.stdout) == (0, True)
    assert f"{store}.backup-r1" in done.stderr
    listed = json.loads(run("list", "--user", "alice", "--store", store, "--json").stdout)
    assert [item["memory"] for item in listed["results"]] == ["I ski"]
    assert run("restore", tmp_path / "none.db", "--yes", "--store", store).exit_code == 2
    copy.write_text("no store")
    assert run("restore", copy, "--yes", "--store", store).exit_code == 4


# A database.


@pytest.fixture
def database(migrated_database):
    """A call gives a memory on the test's database, of a project, or of whatever there is."""
    url = migrated_database()
    with contextlib.ExitStack() as closing:

        def one(project="default", **arguments):
            store = PostgresStore(url, project=project)
            arguments = {"embedder": FakeEmbedder(), "extractor": FakeExtractor(), "background": False} | arguments
            memory = Memory(store=store, project=project or "default", **arguments)
            return closing.enter_context(memory)

        yield one


@pytest.fixture
def filled(full, database, tmp_path):
    """A database in which everything happened once, and the ids of its memories."""
    path, known = full
    with script.opened(path) as memory:
        memory.export(tmp_path / "full.jsonl")
    memory = database()
    memory.import_export(tmp_path / "full.jsonl")
    return memory, known


def test_all_that_a_database_held_comes_back_and_what_took_its_place_is_kept(filled, tmp_path):
    memory, known = filled
    copy, before = tmp_path / "copy", told(memory, known)
    assert memory.backup(copy)["bytes"] == copy.stat().st_size
    memory.delete_all(user_id="alice")
    memory.erase(user_id="bob")
    memory.remember("Erin paints", user_id="erin")
    wrong = (
        memory.get_all(limit=1_000),
        memory.messages(limit=1_000),
        memory.search("paints", user_id="erin")["results"],
    )
    answer = memory.restore(copy)
    assert answer == {
        "message": "Store restored successfully!",
        "path": str(copy),
        "before": f"{copy}.before-1",
        "embedder": "fake:words",
    }
    assert told(memory, known) == before
    assert memory.verify()["problems"] == []
    assert memory.restore(answer["before"])["before"] == f"{copy}.before-1.before-1"
    assert memory.search("paints", user_id="erin")["results"] == wrong[2]
    assert (memory.get_all(limit=1_000), memory.messages(limit=1_000)) == wrong[:2]
    assert texts(memory, user_id="erin") == ["Erin paints"]
    assert [name for name in names(tmp_path) if "unfinished" in name] == []


def test_a_project_is_restored_without_a_look_at_the_others(database, tmp_path):
    ours, theirs = database(), database("shop")
    ours.remember("I ski", user_id="alice")
    theirs.remember("I sell skis", user_id="alice")
    ours.backup(tmp_path / "ours")
    assert b"sell" not in gzip.decompress((tmp_path / "ours").read_bytes())
    ours.remember("I row", user_id="alice")
    theirs.remember("I sell boats", user_id="alice")
    ours.restore(tmp_path / "ours")
    assert texts(ours) == ["I ski"]
    assert texts(theirs) == ["I sell boats", "I sell skis"]
    assert theirs.search("boats", user_id="alice")["results"][0]["memory"] == "I sell boats"
    assert database(None).verify()["problems"] == []
    assert b"sell" not in gzip.decompress((tmp_path / "ours.before-1").read_bytes())
    with pytest.raises(InvalidInput, match="project 'default'"):
        theirs.restore(tmp_path / "ours")


def test_all_projects_are_backed_up_and_restored_by_who_sees_them_all(database, tmp_path):
    ours, theirs, every = database(), database("shop"), database(None)
    for number in range(300):
        (ours if number % 2 else theirs).remember(f"Fact {number}", user_id=f"user-{number % 5}")
    before = texts(ours), texts(theirs)
    every.backup(tmp_path / "every")
    ours.reset()
    theirs.remember("I sell boats", user_id="alice")
    database("third").remember("Too much", user_id="alice")
    with pytest.raises(InvalidInput, match="of all projects"):
        ours.restore(tmp_path / "every")
    every.restore(tmp_path / "every")
    assert (texts(ours), texts(theirs)) == before
    assert texts(database("third")) == []
    assert every.verify()["problems"] == []
    with pytest.raises(InvalidInput, match="of the project 'default'"):
        ours.backup(tmp_path / "ours")
        every.restore(tmp_path / "ours")
    every.restore(tmp_path / "every.before-1")
    assert "I sell boats" in texts(theirs)


def test_who_has_a_database_open_sees_what_was_restored_and_decides_again(database, tmp_path):
    memory, other = database(), database()
    memory.add([f"Fact number {number}" for number in range(600)], user_id="alice", infer=False)
    memory.backup(tmp_path / "copy")
    memory.remember("I ski in Zermatt", user_id="alice")
    assert other.search("ski in Zermatt", user_id="alice")["results"][0]["memory"] == "I ski in Zermatt"
    whose, store = Scope(project="default", user_id="alice"), other._core._engine.store
    basis = other._wait(store.around(Ask(scope=whose))).basis
    memory.restore(tmp_path / "copy")
    with pytest.raises(Conflict):
        other._wait(store.commit(Write(scope=whose, at=datetime(2026, 1, 1, tzinfo=UTC), basis=basis)))
    memory.remember("I row in Lucerne", user_id="alice")
    for question in ("row in Lucerne", "ski in Zermatt"):
        found = [
            [(hit["memory"], hit["score"]) for hit in each.search(question, user_id="alice", top_k=5)["results"]]
            for each in (database(), other, memory)
        ]
        assert found[0] == found[1] == found[2]
    assert other.get_all(user_id="alice")["total"] == 601


def test_a_backup_is_of_one_moment_while_others_write_and_a_restore_waits_for_them(database, tmp_path):
    memory, other = database(), database()
    memory.remember("I ski", user_id="zero")
    stop, pairs = threading.Event(), []

    def write():
        while not stop.is_set():
            (first,) = other.remember(f"Left {len(pairs)}", user_id="alice")["results"]
            other.remember(f"Right {len(pairs)}", user_id="alice")
            pairs.append(first["id"])

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for number in range(4):
            memory.backup(tmp_path / f"copy-{number}")
        memory.restore(tmp_path / "copy-0")
    finally:
        stop.set()
        writer.join()
    assert memory.verify()["problems"] == []
    for number in range(4):
        memory.restore(tmp_path / f"copy-{number}")
        held = texts(memory, user_id="alice")
        left = sum(text.startswith("Left") for text in held)
        assert left - (len(held) - left) in (0, 1)
        assert memory.verify()["problems"] == []


def test_a_backup_of_another_embedder_goes_into_a_database_that_holds_nothing_else(database, tmp_path):
    old = database(embedder=FakeEmbedder(name="fake:other"))
    old.remember("I ski", user_id="alice")
    old.backup(tmp_path / "old")
    old.reset()
    memory = database()
    memory.remember("I row", user_id="alice")
    assert memory.restore(tmp_path / "old")["embedder"] == "fake:other"
    with pytest.raises(WrongEmbedder, match="reindex"):
        memory.get_all()
    memory.reindex()
    assert memory.search("ski", user_id="alice")["results"][0]["memory"] == "I ski"
    database("shop").remember("I sell skis", user_id="alice")
    with pytest.raises(WrongEmbedder):
        memory.restore(tmp_path / "old")
    assert texts(memory) == ["I ski"]
    assert [name for name in names(tmp_path) if name.startswith("old.before-2")] == []


def _cut(copy):
    copy.write_bytes(copy.read_bytes()[:-20])


def _flipped(copy):
    content = bytearray(copy.read_bytes())
    content[len(content) // 2] ^= 0x55
    copy.write_bytes(content)


def _later(copy):
    content = gzip.decompress(copy.read_bytes())
    copy.write_bytes(gzip.compress(content.replace(b'"version":1', b'"version":9', 1)))


@pytest.mark.parametrize(
    ("spoil", "error"),
    [
        (Path.unlink, InvalidInput),
        (lambda copy: copy.write_bytes(b""), NotAStore),
        (lambda copy: copy.write_bytes(b"SQLite format 3\0" * 100), NotAStore),
        (_cut, NotAStore),
        (_flipped, NotAStore),
        (_later, StoreTooNew),
    ],
)
def test_what_is_no_whole_backup_leaves_a_database_as_it_was(database, tmp_path, spoil, error):
    memory, copy = database(), tmp_path / "copy"
    memory.remember("I ski " + "on skis " * 500, user_id="alice")
    memory.backup(copy)
    with pytest.raises(InvalidInput, match="is there already"):
        memory.backup(copy)
    memory.remember("I row", user_id="alice")
    spoil(copy)
    with pytest.raises(error):
        memory.restore(copy)
    assert memory.get_all()["total"] == 2
    assert {name for name in names(tmp_path) if name not in ("home", "copy")} == set()
    with pytest.raises(StoreUnwritable):
        memory.backup(tmp_path / "nowhere" / "copy")


def test_a_backup_of_a_database_is_an_export_that_a_file_takes_in(filled, tmp_path):
    memory, known = filled
    memory.backup(tmp_path / "copy")
    with script.opened(tmp_path / "m.db") as other:
        other.import_export(tmp_path / "copy")
        assert told(other, known) == told(memory, known)
