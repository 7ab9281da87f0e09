"""A store of every schema that was ever released opens, and says what it said then."""

import functools
import gzip
import importlib.util
import json
import signal
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

STORES = Path(__file__).parents[1] / "data" / "stores"
SCHEMAS = tuple(sorted(int(file.name[len("schema-") : -len(".db.gz")]) for file in STORES.glob("schema-*.db.gz")))
NOW = SCHEMAS[-1]


def _script():
    spec = importlib.util.spec_from_file_location("make_old_stores", STORES / "make.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


script = _script()


@functools.cache
def recorded(schema):
    return json.loads((STORES / f"schema-{schema}.json").read_text(encoding="utf-8"))


def put(schema, path):
    """The store as the release left it, at `path`, alone."""
    for file in path.parent.glob(f"{path.name}*"):
        file.unlink()
    path.write_bytes(gzip.decompress((STORES / f"schema-{schema}.db.gz").read_bytes()))
    return path


def answers(path):
    """What today's code says to the same questions, and as JSON tells it."""
    schema = recorded_at(path)
    with script.opened(path) as memory:
        return json.loads(json.dumps(script.answers(memory, schema["known"])))


def recorded_at(path):
    return recorded(int(path.name.split(".")[0].removeprefix("old-")))


def as_known(answer, known):
    """An answer with those fields only that the release had; scores, which ranking may change, left out."""
    if isinstance(known, dict) and isinstance(answer, dict):
        return {key: as_known(answer[key], each) for key, each in known.items() if key in answer and key != "score"}
    if isinstance(known, list) and isinstance(answer, list) and len(known) == len(answer):
        return [as_known(each, its) for each, its in zip(answer, known, strict=True)]
    return answer


def without_scores(answer):
    return as_known(answer, answer)


def assert_same_answers(now, then):
    for key, each in then.items():
        if key != "search":
            assert as_known(now[key], each) == without_scores(each), key
    for (question, ids, hits), (_, _, before) in zip(now["search"], then["search"], strict=True):
        told = [{(hit["id"], hit["kind"], hit["memory"]) for hit in found} for found in (hits, before)]
        assert told[0] == told[1], (question, ids)
        assert hits[0]["id"] == before[0]["id"], (question, ids)


def tables(path):
    """Every table that is ours with every row, and the numbers of the file."""
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA quick_check").fetchall() == [("ok",)]
        names = [name for (name,) in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")]
        rows = {name: sorted(db.execute(f"SELECT * FROM {name}"), key=repr) for name in names}
        return {
            "user_version": db.execute("PRAGMA user_version").fetchone(),
            "application_id": db.execute("PRAGMA application_id").fetchone(),
            **rows,
        }


def version_of(path):
    with closing(sqlite3.connect(path)) as db:
        return db.execute("PRAGMA user_version").fetchone()[0]


def test_each_released_schema_up_to_todays_has_a_store_here(make, tmp_path):
    make(tmp_path / "new.db").close()
    assert tuple(range(1, version_of(tmp_path / "new.db") + 1)) == SCHEMAS, (
        "a new migration: make the store of the schema before it, as tests/data/stores/make.py says"
    )


@pytest.mark.behaviour("S5")
@pytest.mark.parametrize("schema", SCHEMAS)
def test_a_store_of_an_earlier_release_answers_as_it_did(tmp_path, schema):
    path = put(schema, tmp_path / f"old-{schema}.db")
    before = tables(path)
    then = recorded(schema)
    assert_same_answers(answers(path), then)
    assert version_of(path) == NOW
    copies = [path.with_name(f"{path.name}.backup-v{schema}")] if schema < NOW else []
    assert sorted(tmp_path.iterdir()) == sorted([path, *copies])
    for copy in copies:
        assert tables(copy) == before
    assert_same_answers(answers(path), then)  # opened again


@pytest.mark.behaviour("S5")
@pytest.mark.parametrize("schema", SCHEMAS)
def test_a_store_of_an_earlier_release_goes_on(tmp_path, schema):
    """Its backlog is worked off, its memories change, its history grows, its entries are found beside new ones."""
    path = put(schema, tmp_path / f"old-{schema}.db")
    with script.opened(path) as memory:
        assert memory.search("llamas", user_id="carol", threshold=0)["results"][0]["kind"] == "episode"
        memory.retry(user_id="carol")
        while memory.process_pending(user_id="carol")["messages"]:
            pass
        assert {item["memory"] for item in memory.get_all(user_id="carol")["results"]} == {
            "I keep two llamas.",
            "我養了一隻貓",
        }
        (cello,) = [item for item in memory.get_all(user_id="bob")["results"] if "cello" in item["memory"]]
        memory.update(cello["id"], data="Plays the viola")
        assert [line["event"] for line in memory.history(cello["id"])][-1] == "UPDATE"
        assert memory.search("viola", user_id="bob", threshold=0)["results"][0]["id"] == cello["id"]
        changed = memory.add("I now work at Initech.", user_id="alice")
        assert any(item["event"] == "ADD" for item in changed["results"])
        memory.undo(changed["receipt"]["change_id"])
        memory.delete(cello["id"])
        memory.erase(user_id="bob")
        assert memory.get_all(user_id="bob")["total"] == 0
        assert memory.verify()["problems"] == []
    assert sorted(tmp_path.iterdir()) == [path]  # erasing takes the copy of the migration along


@pytest.mark.behaviour("S5")
@pytest.mark.parametrize("schema", SCHEMAS)
def test_a_store_of_an_earlier_release_is_restored_as_a_backup(make, tmp_path, schema):
    """A file that somebody copied years ago: it stays as it is, and what it says is said by the store of today."""
    old = put(schema, tmp_path / "archive.db")
    before = old.read_bytes()
    path = tmp_path / f"old-{schema}.db"
    with script.opened(path) as memory:  # nobody works on what waits
        memory.remember("I ski", user_id="alice")
        memory.restore(old)
    assert_same_answers(answers(path), recorded(schema))
    assert old.read_bytes() == before
    assert sorted(file.name for file in tmp_path.iterdir()) == ["archive.db", path.name, f"{path.name}.backup-r1"]
    make(tmp_path / "today.db").close()
    assert made(path) == made(tmp_path / "today.db")


def made(path):
    """The statements that made a store, without its spaces of vectors."""
    with closing(sqlite3.connect(path)) as db:
        rows = db.execute("SELECT type, name, sql FROM sqlite_schema WHERE tbl_name NOT GLOB '*_[0-9]*'")
        return sorted(rows, key=repr)


@pytest.mark.behaviour("S5")
@pytest.mark.parametrize(
    ("schema", "kills"),
    [
        (SCHEMAS[0], 14),
        (SCHEMAS[-2], 14),
        *(pytest.param(each, 1_000, marks=pytest.mark.slow) for each in SCHEMAS[:-1]),
    ],
)
def test_killed_in_the_middle_of_a_migration_it_is_finished_later(workers, tmp_path, schema, kills):
    """Every step is a place to die at: some, evenly spread, are tried by default, and all in the slow tier."""
    path, done = tmp_path / f"old-{schema}.db", tmp_path / "done"
    copy = path.with_name(f"{path.name}.backup-v{schema}")
    before = tables(put(schema, path))
    then = recorded(schema)
    assert workers.run("dying", path=path, done=done, deed="open", steps=10_000) == 0
    every = int(done.read_text(encoding="utf-8"))
    found = []
    for steps in (*range(0, every, max(1, every // kills)), 10_000):
        put(schema, path)
        ended = workers.run("dying", path=path, done=done, deed="open", steps=steps)
        assert ended == -signal.SIGKILL or steps > every - 10  # of two runs one may take some steps fewer
        found.append((copy.exists(), version_of_whole(path)))
        assert found[-1] in ((False, schema), (True, schema), (True, NOW)), f"killed at step {steps}"
        if copy.exists():
            assert tables(copy) == before, f"killed at step {steps}"
        assert_same_answers(answers(path), then)
        assert tables(copy) == before
    assert found == sorted(found)
    assert set(found) == {(False, schema), (True, schema), (True, NOW)}


def version_of_whole(path):
    """The schema that the next opener finds, from a copy: looking at the file itself would mend it."""
    looked = path.with_name("looked.db")
    for suffix in ("", "-wal", "-journal"):
        looked.with_name(looked.name + suffix).unlink(missing_ok=True)
        if (part := path.with_name(path.name + suffix)).exists():
            looked.with_name(looked.name + suffix).write_bytes(part.read_bytes())
    with closing(sqlite3.connect(looked)) as db:
        assert db.execute("PRAGMA quick_check").fetchall() == [("ok",)]
        return db.execute("PRAGMA user_version").fetchone()[0]
