"""Makes the store of a released schema, with that release's own code, and records what it answers.

Run once for a schema, from a checkout of the last commit that works on it, before the next migration comes:

    git worktree add --detach /tmp/old <commit>
    PYTHONPATH=/tmp/old/src python tests/data/stores/make.py tests/data/stores

Writes `schema-N.db.gz` and `schema-N.json`. What the release does not know is left out of both. The files
are never made again: what a store of that release looks like is a fact.
"""

import gzip
import inspect
import json
import sqlite3
import sys
import tempfile
from contextlib import closing
from pathlib import Path

from mnemic import AsyncMemory, Memory, ModelError
from mnemic.testing.fakes import FakeEmbedder, FakeExtractor

QUESTIONS = {
    "alice": (
        "Where does Alice work?",
        "Acme",
        "dog Bello",
        "peanuts",
        "我住在哪裡？台北",
        "乌龙茶",
        "tennis",
        "the marathon in Berlin",
    ),
    "bob": ("cello", "dragon", "小提琴"),
    "carol": ("llamas", "貓"),
}
FILTERS = ({"source": "crm"}, {"source": {"in": ["crm", "web"]}}, {"depth": {"gte": 2}})


def main(folder):
    with tempfile.TemporaryDirectory() as scratch:
        file = Path(scratch) / "old.db"
        known = tell(file)
        with opened(file) as memory:
            recorded = answers(memory, known)
        with closing(sqlite3.connect(file, isolation_level=None)) as db:
            db.execute("VACUUM")
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            schema = db.execute("PRAGMA user_version").fetchone()[0]
        name = Path(folder) / f"schema-{schema}"
        name.with_suffix(".db.gz").write_bytes(gzip.compress(file.read_bytes(), mtime=0))
        lines = ",\n".join(
            f"{json.dumps(key)}: {json.dumps(each, ensure_ascii=False)}" for key, each in recorded.items()
        )
        name.with_suffix(".json").write_text(f"{{\n{lines}\n}}\n", encoding="utf-8", newline="\n")


def opened(file, **arguments):
    if "background" in inspect.signature(AsyncMemory).parameters:
        arguments |= {"background": False}
    return Memory(file, embedder=FakeEmbedder(), **arguments)


def tell(file):
    """Fill a store: by rules, word for word, changed, superseded, deleted, waiting. The ids that came up."""
    known = []
    with opened(file) as memory:
        talk = (
            ("I work at Acme in Berlin. I have a dog called Bello.", "2025-01-10T09:00:00+01:00"),
            ("I'm allergic to peanuts.", "2025-02-01T18:30:00+01:00"),
            ("我住在台北，喜欢喝乌龙茶。", "2025-03-05T20:15:00+08:00"),
            ("I now work at Globex.", "2025-06-02T08:00:00+02:00"),
            ("I'm allergic to peanuts.", "2025-07-01T12:00:00+02:00"),
        )
        for words, at in talk:
            known += made(memory.add(words, user_id="alice", at=at))
        known += made(
            memory.add(
                [
                    {"role": "user", "content": "I ran the marathon in Berlin on 28 September 2025."},
                    {"role": "assistant", "content": "Congratulations! I will remind you to stretch tomorrow."},
                ],
                user_id="alice",
                agent_id="coach",
                run_id="autumn",
                at="2025-09-29T07:00:00+02:00",
                metadata={"source": "app", "depth": 3},
            )
        )
        (note,) = made(
            memory.remember(
                "Plays tennis  on Tuesdays – \u201calways\u201d at 7",
                user_id="alice",
                kind="preference",
                metadata={"source": "crm", "depth": 1},
                categories=["sport"],
                expiration_date="2999-12-31",
            )
        )
        known.append(note)
        memory.update(note, data="Plays tennis on Thursdays at 8", metadata={"depth": 2})
        memory.update(note, metadata={"checked": True})
        known += made(memory.remember("拉小提琴", user_id="bob", metadata={"source": "web"}))
        (cello,) = made(memory.remember("Plays the cello", user_id="bob"))
        (dragon,) = made(memory.remember("Has a dragon", user_id="bob", metadata={"source": "crm"}))
        known += [cello, dragon]
        memory.delete(dragon)
        known += made(memory.remember("Dave's secret", user_id="dave"))
        memory.delete_all(user_id="dave")
        (long,) = made(memory.remember(" ".join(f"Page {page} tells of llamas." for page in range(100)), app_id="book"))
        known.append(long)
        if hasattr(memory, "pin"):
            memory.pin(cello)
            memory.feedback(note, "POSITIVE", reason="still true")
            undone = memory.add("My favourite colour is green.", user_id="bob")
            known += made(undone)
            memory.undo(undone["receipt"]["change_id"])
            (forgotten,) = made(memory.add("I once lived in Paris.", user_id="bob"))
            known.append(forgotten)
            memory.forget(forgotten)
    with opened(file, extractor=FakeExtractor(_fails)) as memory:
        for words in ("I keep two llamas.", "我養了一隻貓"):
            memory.add(words, user_id="carol", at="2025-10-10T10:00:00+00:00")
    return list(dict.fromkeys(known))


def _fails(_):
    raise ModelError("no model today")


def made(result):
    return [item["id"] for item in result["results"] if item["event"] == "ADD"]


def named(result):
    return [item["id"] for item in result["results"]]


def hits(result):
    return [{key: hit[key] for key in ("id", "kind", "memory", "score")} for hit in result["results"]]


def answers(memory, known):
    """What the store says, by methods that the release has."""
    whose = [{"user_id": name} for name in ("alice", "bob", "carol", "dave")]
    whose += [{"app_id": "book"}, {"agent_id": "coach"}, {"run_id": "autumn"}]
    said = {
        "known": known,
        "get_all": memory.get_all(limit=1000),
        "scoped": [[ids, named(memory.get_all(limit=1000, **ids))] for ids in whose],
        "filtered": [[each, named(memory.get_all(limit=1000, filters=each))] for each in FILTERS],
        "search": [
            [question, {"user_id": name}, hits(memory.search(question, user_id=name, threshold=0, top_k=100))]
            for name, questions in QUESTIONS.items()
            for question in questions
        ],
        "history": [[each, memory.history(each)] for each in known],
        "stats": {key: memory.stats()[key] for key in ("memories", "episodes", "pending", "owners", "dimensions")},
        "verify": memory.verify(),
    }
    if hasattr(memory, "messages"):
        said["messages"] = memory.messages(limit=1000)
        said["entities"] = memory.entities(user_id="alice")
        said["profile"] = memory.profile(user_id="alice")
    if "latest_only" in inspect.signature(Memory.get_all).parameters:
        said["past"] = memory.get_all(user_id="alice", limit=1000, latest_only=False)
    if hasattr(memory, "changes"):
        said["changes"] = memory.changes(user_id="alice", since="2000-01-01")
    if "as_of" in inspect.signature(Memory.get_all).parameters:
        said["as_of"] = memory.get_all(user_id="alice", limit=1000, as_of="2025-05-01")
    return said


if __name__ == "__main__":
    main(sys.argv[1])
