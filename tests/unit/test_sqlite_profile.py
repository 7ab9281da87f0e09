"""What is foremost about a user is found by an index: its cost follows what is found, not what the scope holds."""

import sqlite3
from contextlib import closing

from mnemic.stores.sqlite import SQLiteStore
from mnemic.stores.sqlite_db import SQLiteDb, register
from mnemic.testing.contract import ALICE, adding, known, where


async def test_only_rows_that_are_foremost_are_read(tmp_path):
    store = SQLiteStore(tmp_path / "m.db")
    await store.open()
    await store.commit(adding(*(known(ALICE, f"note {number}") for number in range(50))))
    fact = known(ALICE, "I ski", subject="user")
    await store.commit(adding(fact))
    asked = []
    with closing(sqlite3.connect(store.address)) as db:
        register(db)

        class Listening(SQLiteDb):
            def execute(self, query, values=()):
                asked.append((query, list(values)))
                return super().execute(query, values)

        from mnemic.stores.relational import profile, read

        reader = read.Reader(Listening(db), store._cache)
        page = profile.foremost(reader, where(ALICE), (), 10)
        assert page.memories == (fact,)
        query, values = next(each for each in asked if "subject = 'user'" in each[0])
        plan = " ".join(row[3] for row in db.execute(f"EXPLAIN QUERY PLAN {query}", values))
    assert "memories_foremost" in plan
    await store.close()
