"""The strengths of going away: what is deleted, forgotten or erased is nowhere else, and does not come back."""

import asyncio
import json
import sqlite3
import threading
from contextlib import closing, contextmanager
from pathlib import Path

import asyncpg
import pytest

from mnemic import Memory, NotFound
from mnemic.stores import postgres_erase
from waiting import until

USER = "alice"


def texts(memory, user=USER):
    return [item["memory"] for item in memory.get_all(user_id=user)["results"]]


def hits(memory, question, user=USER, **arguments):
    return [item["memory"] for item in memory.search(question, user_id=user, threshold=0, **arguments)["results"]]


def learn(memory, text, **arguments):
    """The id of the one memory that is made of a sentence."""
    (item,) = memory.add(text, user_id=USER, **arguments)["results"]
    assert item["event"] == "ADD"
    return item["id"]


# Forget: not learnt again, however it is put.

FORGOTTEN = {
    "home": (
        "I live in Oslo.",
        ("I live in Oslo.", "I'm living in Oslo now.", "My home is in Oslo.", "I still live in Oslo, by the way."),
        "I live in Bergen.",
    ),
    "allergy": (
        "I am allergic to peanuts.",
        ("I'm allergic to peanuts!", "I have a peanut allergy.", "I'm severely allergic to peanuts."),
        "I'm allergic to cats.",
    ),
    "illness": (
        "I was diagnosed with depression in 2019.",
        ("In 2019 I was diagnosed with depression.", "I have depression.", "I have been diagnosed with depression."),
        "I was diagnosed with asthma in 2011.",
    ),
    "wife": (
        "My wife is Dana.",
        ("My wife's name is Dana.", "I'm married to Dana.", "my wife is called Dana", "Dana is my wife."),
        "My sister is Dana.",
    ),
    "salary": (
        "My salary is 90000 dollars.",
        ("My salary is $90,000.", "I earn 90000 dollars a year."),
        "My rent is 2000 dollars.",
    ),
    "home, Chinese": (
        "我住在台北。",
        ("我住在台北。", "我現在住在台北市", "我家在台北。", "我目前居住在台北", "我现在住在台北"),
        "我住在高雄。",
    ),
    "allergy, Chinese": (
        "我對花生過敏。",
        ("我花生過敏", "我对花生过敏。", "我吃花生會過敏"),
        "我對蝦子過敏。",
    ),
    "wife, Chinese": ("我太太叫小雨。", ("我太太是小雨", "我老婆叫小雨", "我的妻子叫小雨"), "我妹妹叫小晴。"),
}  # fmt: skip


@pytest.mark.behaviour("W11")
@pytest.mark.parametrize("topic", FORGOTTEN)
def test_what_is_forgotten_is_not_learnt_again_from_a_paraphrase(rules, topic):
    said, paraphrases, other = FORGOTTEN[topic]
    rules.forget(learn(rules, said))
    for text in paraphrases:
        answer = rules.add(text, user_id=USER)
        assert (answer["results"], texts(rules), hits(rules, text)) == ([], [], []), text
        (message,) = answer["receipt"]["messages"]
        assert (message["state"], message["reason"]) == ("refused", "forgotten"), text
        assert [each["reason"] for each in message["refused"]] == ["forgotten"]
    learn(rules, other)
    assert texts(rules) == [other]


@pytest.mark.parametrize(
    ("said", "paraphrase"),
    [
        ("我太太叫小雨。", "小雨是我太太"),
        ("I am allergic to peanuts.", "I can't eat peanuts because I'm allergic."),
        ("我對花生過敏。", "醫生說我對花生嚴重過敏"),
        ("I live in Oslo.", "My address is in Oslo"),
        ("I work at Acme.", "I used to work at Acme."),
    ],
)
@pytest.mark.xfail(reason="sameness does not yet know these for paraphrases")
def test_what_is_forgotten_is_not_learnt_again_from_a_harder_paraphrase(rules, said, paraphrase):
    rules.forget(learn(rules, said))
    rules.add(paraphrase, user_id=USER)
    assert texts(rules) == []


@pytest.mark.behaviour("W11")
def test_what_is_forgotten_is_forgotten_in_every_run_and_after_the_store_is_opened_again(tmp_path):
    with Memory(tmp_path / "m.db", background=False) as memory:
        first = memory.add("I live in Oslo.", user_id=USER, run_id="monday")["results"][0]["id"]
        memory.forget(first)
    with Memory(tmp_path / "m.db", background=False) as memory:
        for run in ({"run_id": "monday"}, {"run_id": "tuesday"}, {}):
            memory.add("My home is in Oslo.", user_id=USER, **run)
        assert texts(memory) == []
        memory.add("My home is in Oslo.", user_id="bob")
        assert texts(memory, "bob") == ["My home is in Oslo."]


@pytest.mark.behaviour("W11")
def test_all_that_says_the_same_is_forgotten_at_once(rules):
    one = learn(rules, "I live in Oslo.")
    rules.remember("I live in Oslo!", user_id=USER)
    rules.remember("i'm living in oslo", user_id=USER)
    learn(rules, "I play the violin.")
    answer = rules.forget(one)
    assert len(answer["forgotten"]) == 3
    assert texts(rules) == ["I play the violin."]
    assert all("Oslo" not in text for text in hits(rules, "Where do I live?"))


RUNS = (
    ("Ran 5 km in the park with Tom on Monday", "2025-03-03"),
    ("Ran 5 km in the park with Tom on Tuesday", "2025-03-11"),
    ("Ran 5 km in the park with Tom on Friday", "2025-03-21"),
)
MEETINGS = (
    ("跟小明在咖啡館開會討論預算", "2025-03-03"),
    ("跟小明在咖啡館開會討論預算案", "2025-03-11"),
    ("跟小明在咖啡館開會討論預算表", "2025-03-21"),
)


@pytest.mark.behaviour("W11")
@pytest.mark.parametrize("happened", [RUNS, MEETINGS], ids=["English", "Chinese"])
def test_a_pattern_goes_with_what_it_was_made_of_and_is_not_found_again(rules, happened):
    ids = [
        rules.remember(text, user_id=USER, kind="event", at=f"{day}T08:00:00+00:00")["results"][0]["id"]
        for text, day in happened
    ]
    rules.consolidate(user_id=USER, dry_run=False)
    (pattern,) = [item for item in rules.get_all(user_id=USER)["results"] if item["kind"] == "pattern"]
    answer = rules.forget(ids[0])
    assert {ids[0], pattern["id"]} <= set(answer["forgotten"])
    assert happened[0][0] not in hits(rules, happened[0][0], include=["memory", "episode"], top_k=50)
    assert "pattern" not in {item["kind"] for item in rules.get_all(user_id=USER)["results"]}
    again = [each["kind"] for each in rules.consolidate(user_id=USER, dry_run=False)["proposals"]]
    assert "pattern" not in again


@pytest.mark.behaviour("W11")
def test_a_forgotten_former_state_is_no_longer_found_in_the_past_either(rules):
    first = learn(rules, "I work at Acme.", at="2024-01-01T00:00:00+00:00")
    rules.add("I work at Globex now.", user_id=USER, at="2025-01-01T00:00:00+00:00")
    assert "I work at Acme." in hits(rules, "Where did I work before?")
    rules.forget(first)
    assert "I work at Acme." not in hits(rules, "Where did I work before?")
    assert [item["memory"] for item in rules.get_all(user_id=USER, latest_only=False)["results"]] == [
        "I work at Globex now."
    ]


@pytest.mark.behaviour("W11")
def test_no_context_block_or_profile_or_graph_tells_what_is_forgotten(rules):
    learn(rules, "My wife Dana works at Siemens.")
    rules.forget(rules.get_all(user_id=USER)["results"][0]["id"])
    seen = [
        rules.context("Where does my wife Dana work?", user_id=USER, threshold=0),
        rules.profile(user_id=USER),
        rules.graph(user_id=USER),
        rules.entities(user_id=USER),
        rules.messages(user_id=USER),
        rules.consolidate(user_id=USER),
    ]
    assert "Siemens" not in str(seen)
    assert "Dana" not in str(seen)


# Delete.


def test_what_is_deleted_is_not_made_again_of_the_same_message_but_may_be_said_again(rules):
    memory_id = learn(rules, "I live in Oslo.")
    rules.delete(memory_id)
    assert (texts(rules), hits(rules, "Where do I live?", include=["memory", "episode"])) == ([], [])
    assert rules.process_pending()["processed"] == 0
    learn(rules, "I live in Oslo.")


def test_with_a_message_goes_what_rests_on_it_alone_and_nothing_else(rules):
    answer = rules.add(
        ["I live in Oslo.", "I play the violin. My wife Dana likes tea."], user_id=USER, at="2025-03-01T00:00:00+00:00"
    )
    rules.add("My home is in Oslo.", user_id=USER)
    first, second = (each["episode_id"] for each in answer["receipt"]["messages"])
    gone = rules.delete(second)["deleted"]
    assert sorted(gone) == sorted(answer["receipt"]["messages"][1]["memories"])
    assert texts(rules) == ["I live in Oslo."]
    rules.delete(first)
    (item,) = rules.get_all(user_id=USER)["results"]
    assert [source["quote"] for source in item["sources"]] == ["My home is in Oslo."]
    for episode_id in (first, second):
        with pytest.raises(NotFound):
            rules.get(episode_id)
    assert rules.entities(user_id=USER)["results"]
    assert "Dana" not in str(rules.entities(user_id=USER))
    assert rules.verify()["problems"] == []


def test_a_pattern_loses_a_deleted_message_as_a_source(rules):
    added = [
        rules.remember(text, user_id=USER, kind="event", at=f"{day}T08:00:00+00:00")["receipt"]["messages"][0]
        for text, day in RUNS
    ]
    rules.consolidate(user_id=USER, dry_run=False)
    rules.delete(added[0]["episode_id"])
    (pattern,) = [item for item in rules.get_all(user_id=USER)["results"] if item["kind"] == "pattern"]
    assert added[0]["episode_id"] not in {source["episode_id"] for source in pattern["sources"]}
    for each in added[1:]:
        rules.delete(each["episode_id"])
    assert texts(rules) == []


# Erase: not a byte is left.

SECRETS = ("Zanzibarwal", "Quokkahuhn", "鯨魚鎮長", "Gletscherfee")


def fill(memory, user):
    """Everything a store can hold of somebody, under the four words."""
    at = "2025-03-01T09:00:00+00:00"
    first = memory.add(
        f"I live in {SECRETS[0]}.",
        user_id=user,
        run_id=f"run-{user}",
        at=at,
        metadata={"m": SECRETS[1]},
        categories=[SECRETS[3]],
    )["results"][0]["id"]
    memory.update(first, data=f"I live in {SECRETS[0]} with my friend {SECRETS[3]}.", metadata={"k": SECRETS[2]})
    memory.feedback(first, "NEGATIVE", reason=SECRETS[1])
    memory.add(f"My wife {SECRETS[3]} works at {SECRETS[1]}.", user_id=user, at=at)
    memory.add(f"我太太叫{SECRETS[2]}。", user_id=user)
    memory.add(
        [{"role": "user", "content": f"Hi {SECRETS[0]}", "name": SECRETS[3], "external_id": f"{SECRETS[1]}-{user}"}],
        user_id=user,
        wait="stored",
    )
    memory.remember(f"{SECRETS[2]} {SECRETS[0]}", user_id=user)
    memory.add(f"I work at {SECRETS[1]}.", user_id=user, at=at)
    again = memory.add(f"As I said, I work at {SECRETS[1]}.", user_id=user, at=at)
    memory.undo(again["receipt"]["change_id"])  # the source that it took away could be given back
    memory.add("I work at Globex now.", user_id=user)
    gone = memory.remember(f"{SECRETS[1]} goes", user_id=user)["results"][0]["id"]
    memory.delete(gone)
    memory.forget(memory.remember(f"My code name is {SECRETS[3]}", user_id=user)["results"][0]["id"])
    for n in range(3):
        memory.remember(
            f"Ran 5 km in {SECRETS[0]} park", user_id=user, kind="event", at=f"2025-03-0{n + 1}T08:00:00+00:00"
        )
    memory.consolidate(user_id=user, dry_run=False)


def found_in(folder):
    """(file, word) for each of the words that stands in a file, in any of the ways text is written in a file."""
    files = [file for file in sorted(folder.rglob("*")) if file.is_file()]
    return [(file.name, word) for file in files for word in _words(file.read_bytes())]


def _words(content):
    for word in SECRETS:
        for coding in ("utf-8", "utf-16-le", "utf-16-be", "unicode_escape"):
            if any(spelling.encode(coding) in content for spelling in {word, word.lower()}):
                yield word


@pytest.mark.behaviour("S4")
def test_not_a_byte_of_an_erased_user_is_left_in_any_file_of_the_store(tmp_path):
    folder = tmp_path / "store"
    folder.mkdir()
    with Memory(folder / "m.db", background=False) as memory:
        fill(memory, USER)
        memory.add("I live in Bern.", user_id="bob")
        others = memory.get_all(user_id="bob"), memory.messages(user_id="bob"), memory.entities(user_id="bob")
        assert {word for _, word in found_in(folder)} == set(SECRETS)
        answer = memory.erase(user_id=USER)
        assert found_in(folder) == []  # while the store is open: the log and its index too
        assert others == (memory.get_all(user_id="bob"), memory.messages(user_id="bob"), memory.entities(user_id="bob"))
        assert answer["scope"] == {"user_id": USER}
        assert answer["erased"]["memories"] > 5
        assert answer["erased"]["episodes"] > 5
        assert answer["erased"]["tombstones"] > 0
        empty = {name: memory.stats(user_id=USER)[name] for name in ("memories", "episodes", "pending", "failed")}
        assert set(empty.values()) == {0}
        assert memory.verify()["problems"] == []
    assert found_in(folder) == []


@pytest.mark.behaviour("S4")
def test_what_is_erased_may_be_learnt_again_and_no_change_of_it_can_be_taken_back(rules):
    memory_id = learn(rules, "I live in Oslo.")
    change = rules.forget(memory_id)["change_id"]
    rules.erase(user_id=USER)
    with pytest.raises(NotFound):
        rules.undo(change)
    with pytest.raises(NotFound):
        rules.history(memory_id)
    learn(rules, "I live in Oslo.")


@pytest.mark.behaviour("S4")
def test_erasing_a_run_leaves_the_other_runs_and_what_was_said_there(tmp_path):
    folder = tmp_path / "store"
    folder.mkdir()
    with Memory(folder / "m.db", background=False) as memory:
        memory.add(f"I live in Oslo. I play the violin. My cat is called {SECRETS[0]}.", user_id=USER, run_id="a")
        memory.add("My home is in Oslo.", user_id=USER, run_id="b")
        memory.add("I play the violin.", user_id=USER, run_id="b")
        (violin,) = (each["id"] for each in memory.get_all(user_id=USER)["results"] if "violin" in each["memory"])
        assert memory.erase(user_id=USER, run_id="a")["erased"]["pending"] == 1  # it says "live", which stays nowhere
        assert found_in(folder) == []
        assert texts(memory) == ["I play the violin."]
        assert hits(memory, "Where is my home?")[0] == "My home is in Oslo."
        memory.process_pending()
        assert sorted(texts(memory)) == ["I play the violin.", "My home is in Oslo."]
        assert memory.get(violin)["memory"] == "I play the violin."
        quotes = {source["quote"] for item in memory.get_all(user_id=USER)["results"] for source in item["sources"]}
        assert quotes == {"I play the violin.", "My home is in Oslo."}
        assert memory.verify()["problems"] == []


@pytest.mark.behaviour("S4")
@pytest.mark.parametrize(
    ("kept", "erased", "word"),
    [
        ("I have a dog called Rex.", "I have a brown dog called Rex.", "brown"),
        ("The meeting is in Oslo.", "No, I meant Bergen, not Oslo.", "Bergen"),
        ("我養了一隻狗叫小黑。", "我養了一隻很大的狗叫小黑。", "很大"),
    ],
)
@pytest.mark.parametrize("first", ["kept", "erased"])
def test_erasing_a_run_takes_its_words_out_of_what_another_run_also_said(rules, kept, erased, word, first):
    for text in (kept, erased) if first == "kept" else (erased, kept):
        rules.add(text, user_id=USER, run_id="kept" if text == kept else "erased")
    assert word in str(texts(rules))
    rules.erase(user_id=USER, run_id="erased")
    rules.process_pending()
    assert texts(rules) == [kept]
    (item,) = rules.get_all(user_id=USER)["results"]
    found = rules.search(word, user_id=USER)["results"]
    told = [item, rules.history(item["id"]), rules.messages(user_id=USER), found, rules.entities(user_id=USER)]
    assert word not in json.dumps(told, ensure_ascii=False)
    assert rules.verify()["problems"] == []


@pytest.mark.behaviour("S4")
@pytest.mark.parametrize(
    ("kept", "erased", "question"),
    [
        ("I live in Oslo.", "I moved to Bergen.", "Where do I live?"),
        ("I work at Acme.", "I quit my job at Acme.", "Where do I work?"),
        ("我住在台北。", "我搬到高雄了。", "我住在哪裡？"),
    ],
)
def test_what_only_an_erased_run_had_ended_is_so_again(rules, kept, erased, question):
    rules.add(kept, user_id=USER, run_id="kept")
    before = rules.get_all(user_id=USER)["results"]
    rules.add(erased, user_id=USER, run_id="erased")
    assert kept not in texts(rules)
    rules.erase(user_id=USER, run_id="erased")
    after = rules.get_all(user_id=USER)["results"]
    assert after == before
    assert hits(rules, question) == [kept]
    assert [line["event"] for line in rules.history(after[0]["id"])] == ["ADD"]
    assert rules.verify()["problems"] == []
    rules.add(erased, user_id=USER, run_id="again")
    assert kept not in texts(rules)


def test_what_is_left_of_an_erased_run_is_read_again_in_the_background(tmp_path):
    with Memory(tmp_path / "m.db") as memory:
        memory.add("I have a dog called Rex.", user_id=USER, run_id="a")
        memory.add("I have a brown dog called Rex.", user_id=USER, run_id="b")
        memory.erase(user_id=USER, run_id="b")
        until(lambda: texts(memory) == ["I have a dog called Rex."])


@pytest.mark.behaviour("S4")
def test_erasing_a_run_leaves_nothing_of_a_source_that_was_taken_back(tmp_path):
    with Memory(tmp_path / "m.db", background=False) as memory:
        memory.add("I live in Oslo.", user_id=USER, run_id="b")
        again = memory.add("As I said, I live in Oslo.", user_id=USER, run_id="a")["receipt"]["change_id"]
        back = memory.undo(again)["change_id"]
        assert _rows(tmp_path / "m.db", "unproven") == 1
        memory.erase(user_id=USER, run_id="a")
        assert _rows(tmp_path / "m.db", "unproven") == 0
        with pytest.raises(NotFound):
            memory.undo(back)
        memory.undo(
            memory.undo(memory.add("As I said, I live in Oslo.", user_id=USER, run_id="b")["receipt"]["change_id"])[
                "change_id"
            ]
        )
        assert _rows(tmp_path / "m.db", "unproven") == 1
        memory.reset()
        assert _rows(tmp_path / "m.db", "unproven") == 0


def _rows(file, table):
    with closing(sqlite3.connect(file)) as db:
        return db.execute(f"SELECT count(*) FROM {table}").fetchone()[0]


# The same of a server, whose files are nobody's to look into but the operator's.


def sql(url, *statements):
    async def run():
        connection = await asyncpg.connect(url)
        try:
            for statement in statements[:-1]:
                await connection.execute(statement)
            return await connection.fetchval(statements[-1])
        finally:
            await connection.close()

    return asyncio.run(run())


ANALYZE = "SET search_path = mnemic; ANALYZE; CHECKPOINT"


@pytest.mark.behaviour("S4")
@pytest.mark.parametrize("rights", [pytest.param("superuser", marks=pytest.mark.slow), "owner"])
def test_not_a_byte_of_an_erased_user_is_left_in_any_file_of_the_server(durable_server, rights):
    server = durable_server()
    sql(server.url, "ALTER SYSTEM SET wal_recycle = off", "CREATE ROLE app LOGIN", "SELECT pg_reload_conf()")
    sql(server.url, "CREATE DATABASE app OWNER app", "SELECT 1")
    url = server.url.removesuffix("/postgres") + "/app"
    folder = Path(sql(url, "SHOW data_directory"))
    with Memory(url if rights == "superuser" else url.replace("postgres@", "app@"), background=False) as memory:
        fill(memory, USER)
        memory.add("I live in Bern.", user_id="bob")
        others = memory.get_all(user_id="bob"), memory.messages(user_id="bob"), memory.entities(user_id="bob")
        sql(url, *ANALYZE.split("; "), "SELECT 1")
        assert {word for file, word in found_in(folder / "base")} == set(SECRETS)
        answer = memory.erase(user_id=USER)
        assert "tables_left" not in answer["erased"]
        assert found_in(folder / "base") == []
        if rights == "owner":  # who may not, leaves the server's log to its operator
            sql(url, "SELECT pg_switch_wal()", "CHECKPOINT", "SELECT 1")
        assert found_in(folder) == []
        assert others == (memory.get_all(user_id="bob"), memory.messages(user_id="bob"), memory.entities(user_id="bob"))
        assert memory.verify()["problems"] == []


@pytest.mark.behaviour("S4")
def test_a_table_that_is_large_or_seen_by_an_older_transaction_is_named_and_locks_nobody_out(
    new_database, monkeypatch, caplog
):
    url = new_database()
    with Memory(url, background=False) as memory, Memory(url, background=False) as other:
        memory._core._engine.store.store(0)._timeout = 3.0  # patient with a busy server, not long with a reader
        fill(memory, USER)
        fill(memory, "bob")
        with _reading(url):
            answer = memory.erase(user_id="bob")
            assert answer["erased"]["tables_left"] > 10
            assert "a transaction that began before it" in caplog.text
            other.remember("Written meanwhile", user_id="carol")
        monkeypatch.setattr(postgres_erase, "LARGEST", 0)
        assert memory.erase(user_id="carol")["erased"]["tables_left"] > 10
        assert "they are large" in caplog.text
        with _reading(url):
            assert memory.reset()["tables_left"] > 10
        fill(memory, USER)
        monkeypatch.undo()
        memory._core._engine.store.store(0)._timeout = 60.0
        assert "tables_left" not in memory.erase(user_id=USER)["erased"]
        assert other.stats()["memories"] == 0
        assert "tables_left" not in memory.reset()


def test_a_table_that_never_had_a_row_is_not_written_anew(new_database):
    url = new_database()
    files = "SELECT json_object_agg(relname, relfilenode)::text FROM pg_class WHERE relnamespace = 'mnemic'::regnamespace AND relkind = 'r'"
    with Memory(url, background=False) as memory:
        memory.remember("I ski", user_id=USER)
        before = json.loads(sql(url, files))
        memory.erase(user_id=USER)
        after = json.loads(sql(url, files))
        written = {name for name in before if before[name] != after[name]}
        assert {"memories", "episodes", "sources", "history", "blocks"} <= written
        assert not written & {"settings", "spaces", "feedback", "moves", "tombstones"}


@pytest.mark.behaviour("S4")
def test_resetting_writes_large_tables_anew_too_as_nothing_is_left_in_them(new_database, monkeypatch, caplog):
    url = new_database()
    monkeypatch.setattr(postgres_erase, "LARGEST", 0)
    with Memory(url, background=False) as memory:
        fill(memory, USER)
        before = sql(url, "SELECT pg_relation_filenode('mnemic.memories')")
        memory.reset()
        assert sql(url, "SELECT pg_relation_size('mnemic.memories')") == 0
        assert sql(url, "SELECT pg_relation_filenode('mnemic.memories')") != before
        assert "still in files" not in caplog.text
        fill(memory, USER)
        assert memory.verify()["problems"] == []


@contextmanager
def _reading(url):
    """A transaction that sees the database as it was at its beginning."""
    begun, done = threading.Event(), threading.Event()

    async def read():
        connection = await asyncpg.connect(url)
        async with connection.transaction(isolation="repeatable_read"):
            await connection.fetch("SELECT * FROM mnemic.settings")
            begun.set()
            await asyncio.to_thread(done.wait)
        await connection.close()

    reader = threading.Thread(target=lambda: asyncio.run(read()))
    reader.start()
    begun.wait()
    try:
        yield
    finally:
        done.set()
        reader.join()


@pytest.mark.behaviour("S4")
def test_others_write_and_read_while_somebody_is_erased(new_database):
    url = new_database()
    with Memory(url, background=False) as memory, Memory(url, background=False) as other:
        fill(memory, USER)
        erasing = threading.Thread(target=lambda: memory.erase(user_id=USER))
        erasing.start()
        written = 0
        while erasing.is_alive():
            other.remember(f"Note {written}", user_id="bob")
            written += 1
            assert other.search("Note", user_id="bob", top_k=1, threshold=0)["results"]
        erasing.join()
        assert other.get_all(user_id="bob", limit=1)["total"] == written > 0
        assert texts(other) == []
        assert other.verify()["problems"] == []
