"""What was known at a moment, what held at a moment, what changed since, and which values something had."""

import copy
import json
import sqlite3
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from importlib import resources

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mnemic import Conflict, InvalidInput, InvalidScope, Memory
from mnemic.cli.main import main
from mnemic.testing.fakes import FakeEmbedder, FakeExtractor
from mnemic.testing.memory_store import InMemoryStore
from mnemic.times import now
from mnemic.types import Extraction, Fact

USER = "alice"


def texts(result):
    return [each["memory"] for each in result["results"]]


# As a user would.


on_sqlite = pytest.mark.parametrize("address", ["sqlite"], indirect=True)


@pytest.fixture
def rules(address, tmp_path):
    """A memory as it comes, in each kind of store."""
    with Memory(address(tmp_path / "rules.db"), background=False) as memory:
        yield memory


@pytest.fixture
def homes(rules):
    """Berlin until May 2022, then Paris; with the moments between, as the store knew it."""
    rules.add("I live in Berlin.", user_id=USER, at="2019-03-01")
    first = now()
    rules.add("I moved to Paris.", user_id=USER, at="2022-05-01")
    return rules, first


@pytest.mark.behaviour("R7")
def test_where_did_i_live_in_2020(homes):
    memory, _ = homes
    (hit,) = memory.search("Where did I live?", user_id=USER, as_of="2020-06-01")["results"]
    assert (hit["memory"], hit["valid_to"]) == ("I live in Berlin.", "2022-05-01T00:00:00+00:00")
    assert texts(memory.search("Where do I live?", user_id=USER, as_of="2023-01-01")) == ["I moved to Paris."]
    assert texts(memory.search("Where do I live?", user_id=USER)) == ["I moved to Paris."]


@pytest.mark.behaviour("R7")
def test_before_a_correction_the_wrong_value_was_known(rules):
    memory_id = rules.add("I work at Siemens.", user_id=USER, at="2024-01-10")["results"][0]["id"]
    then = now()
    rules.update(memory_id, "I work at Bosch.")
    before = rules.search("Where do I work?", user_id=USER, known_at=then)["results"]
    assert [(each["memory"], each["version"]) for each in before] == [("I work at Siemens.", 1)]
    assert "known_to" not in before[0]
    for asked in ({}, {"as_of": "2024-06-01"}, {"known_at": now()}, {"latest_only": False}):
        assert texts(rules.search("Where do I work?", user_id=USER, **asked)) == ["I work at Bosch."]


@pytest.mark.behaviour("R7")
def test_what_a_correction_put_right_never_held(rules):
    rules.add("I'm allergic to peanuts.", user_id=USER, at="2025-01-01T10:00:00Z")
    then = now()
    rules.add("Sorry, I'm allergic to walnuts.", user_id=USER, at="2025-01-01T10:01:00Z")
    held = rules.get_all(user_id=USER, as_of="2024-01-01")["results"]
    assert [each["object"] for each in held] == ["walnuts"]
    assert [each["object"] for each in rules.get_all(user_id=USER, known_at=then)["results"]] == ["peanuts"]


def test_both_clocks_together(homes):
    memory, first = homes
    assert texts(memory.get_all(user_id=USER, as_of="2023-01-01", known_at=first)) == ["I live in Berlin."]
    assert texts(memory.get_all(user_id=USER, as_of="2023-01-01", known_at=now())) == ["I moved to Paris."]
    assert texts(memory.get_all(user_id=USER, known_at="2001-01-01")) == []


def test_a_context_block_tells_the_past_and_nothing_of_now(homes):
    memory, first = homes
    asked = {"user_id": USER, "threshold": 0}
    for past in ({"as_of": "2020-06-01"}, {"known_at": first}):
        block = memory.context("Where do I live?", **asked, **past)["context"]
        assert "Berlin" in block
        assert "Paris" not in block
    assert "Berlin" not in memory.context("Where do I live?", **asked, as_of="2023-01-01")["context"]


def test_latest_only_leaves_out_what_no_longer_stands(homes):
    memory, _ = homes
    assert texts(memory.get_all(user_id=USER, as_of="2020-06-01", latest_only=True)) == []
    assert texts(memory.get_all(user_id=USER, as_of="2020-06-01", latest_only=False)) == ["I live in Berlin."]
    assert texts(memory.get_all(user_id=USER, as_of="2020-06-01")) == ["I live in Berlin."]
    everything = memory.get_all(user_id=USER, known_at=now(), latest_only=False)
    assert sorted(texts(everything)) == ["I live in Berlin.", "I moved to Paris."]


def test_expiry_is_judged_by_the_moment_asked_about(rules):
    rules.remember("Has a parcel to fetch", user_id=USER, expiration_date="2001-01-01")
    assert texts(rules.get_all(user_id=USER)) == []
    assert texts(rules.get_all(user_id=USER, known_at=now())) == []
    assert texts(rules.get_all(user_id=USER, known_at=now(), show_expired=True)) == ["Has a parcel to fetch"]
    assert texts(rules.get_all(user_id=USER, as_of="2024-01-01", show_expired=True)) == ["Has a parcel to fetch"]


def test_what_is_deleted_was_known_and_what_is_forgotten_never_was(rules):
    for words in ("Plays the violin", "Collects stamps"):
        rules.remember(words, user_id=USER)
    then = now()
    kept, gone = (each["id"] for each in rules.get_all(user_id=USER, known_at=then)["results"])
    rules.delete(kept)
    change = rules.forget(gone)["change_id"]
    assert texts(rules.get_all(user_id=USER, known_at=then)) == ["Collects stamps"]
    assert texts(rules.search("violin", user_id=USER, known_at=then, threshold=0)) == ["Collects stamps"]
    assert texts(rules.get_all(user_id=USER, as_of=then)) == []
    rules.undo(change)
    assert sorted(texts(rules.get_all(user_id=USER, known_at=then))) == ["Collects stamps", "Plays the violin"]


def test_undoing_an_undo_leaves_a_former_value_as_it_was(homes):
    memory, _ = homes
    last = memory.changes(since="2001-01-01", user_id=USER)["results"][-1]["change_id"]
    before = memory.get_all(user_id=USER, as_of="2020-06-01")["results"]
    undone = memory.undo(last)["change_id"]
    assert texts(memory.get_all(user_id=USER, as_of="2023-01-01")) == ["I live in Berlin."]
    memory.undo(undone)
    after = memory.get_all(user_id=USER, as_of="2020-06-01")["results"]
    told = ("id", "memory", "valid_from", "valid_to", "retired_by", "retire_reason")
    assert [[each[name] for name in told] for each in after] == [[each[name] for name in told] for each in before]
    assert texts(memory.get_all(user_id=USER, as_of="2023-01-01")) == ["I moved to Paris."]


def test_pages_of_the_past_go_on_where_they_ended(rules):
    for number in range(5):
        rules.remember(f"Note {number}", user_id=USER)
    then = now()
    rules.delete_all(user_id=USER)
    first = rules.get_all(user_id=USER, known_at=then, limit=3)
    rest = rules.get_all(user_id=USER, known_at=then, limit=3, cursor=first["next_cursor"])
    assert (first["total"], rest["next_cursor"]) == (5, None)
    assert texts(first) + texts(rest) == [f"Note {number}" for number in reversed(range(5))]


@pytest.mark.parametrize("bad", ["yesterday-ish", "", True, object(), float("nan"), "2025-13-01"])
def test_a_time_that_means_nothing_is_refused(memory, bad):
    for call in (
        lambda: memory.search("x", user_id=USER, as_of=bad),
        lambda: memory.search("x", user_id=USER, known_at=bad),
        lambda: memory.get_all(user_id=USER, as_of=bad),
        lambda: memory.get_all(user_id=USER, known_at=bad),
        lambda: memory.changes(bad, user_id=USER),
        lambda: memory.changes("2025-01-01", bad, user_id=USER),
    ):
        with pytest.raises(InvalidInput, match=r"as_of|known_at|since|until"):
            call()


# What changed since.


def test_what_changed_since_is_told_in_order(homes):
    memory, first = homes
    told = memory.changes(first, user_id=USER)
    assert [(each["event"], each["old_memory"], each["new_memory"]) for each in told["results"]] == [
        ("ADD", None, "I moved to Paris."),
        ("DELETE", "I live in Berlin.", None),
    ]
    assert len({each["change_id"] for each in told["results"]}) == 1
    assert (told["total"], told["next_cursor"]) == (2, None)
    assert memory.changes("2001-01-01", first, user_id=USER)["total"] == 1
    assert memory.changes(now(), user_id=USER)["results"] == []
    assert memory.changes("2001-01-01", user_id="bob")["total"] == 0
    assert memory.scope(user_id="bob").changes("2001-01-01")["total"] == 0
    assert memory.changes("2001-01-01")["total"] == 3


def test_changes_come_page_by_page(homes):
    memory, _ = homes
    every = memory.changes("2001-01-01", user_id=USER)["results"]
    pages, cursor = [], None
    while True:
        page = memory.changes("2001-01-01", user_id=USER, limit=1, cursor=cursor)
        pages += page["results"]
        if (cursor := page["next_cursor"]) is None:
            break
    assert pages == every
    with pytest.raises(InvalidInput, match="cursor"):
        memory.changes("2001-01-01", user_id=USER, cursor="nonsense")


@on_sqlite
def test_a_store_of_an_earlier_release_tells_its_past(homes, tmp_path):
    memory, first = homes
    told = memory.changes("2001-01-01", user_id=USER)
    memory.close()
    with closing(sqlite3.connect(tmp_path / "old.db")) as old:
        for name in ("0001_initial.sql", "0002_write_path.sql"):
            old.executescript((resources.files("mnemic.stores.sql.sqlite") / name).read_text(encoding="utf-8"))
        old.execute("ATTACH ? AS new", [str(tmp_path / "rules.db")])
        for name, sql in old.execute("SELECT name, sql FROM new.sqlite_schema WHERE type = 'table'").fetchall():
            if name in ("listeners", "outbox", "unproven"):  # of a later schema
                continue
            if not old.execute("SELECT 1 FROM sqlite_schema WHERE name = ?", [name]).fetchone():
                old.execute(sql)
            columns = ", ".join(row[1] for row in old.execute(f"PRAGMA main.table_info({name})"))
            old.execute(f"INSERT INTO main.{name} ({columns}) SELECT {columns} FROM new.{name}")
        (ours,) = old.execute("PRAGMA new.application_id").fetchone()
        old.execute(f"PRAGMA application_id = {ours}")
        old.execute("PRAGMA user_version = 2")
        old.commit()
    with Memory(tmp_path / "old.db", background=False) as again:
        assert again.changes("2001-01-01", user_id=USER) == told
        assert texts(again.get_all(user_id=USER, known_at=first)) == ["I live in Berlin."]
        assert texts(again.get_all(user_id=USER, as_of="2020-06-01")) == ["I live in Berlin."]


# The values something had.


def test_a_timeline_tells_every_value_and_what_replaced_it(homes):
    memory, _ = homes
    memory.add("I moved to Rome last month.", user_id=USER, at="2024-08-15")
    told = memory.timeline("city", user_id=USER)
    assert [(each["object"], each["since"] and each["since"][:10], each["current"]) for each in told] == [
        ("Berlin", None, False),
        ("Paris", "2022-05-01", False),
        ("Rome", "2024-07-01", True),
    ]
    assert [each["valid_to"] and each["valid_to"][:10] for each in told] == ["2022-05-01", "2024-07-01", None]
    assert [each["replaced_by"] for each in told] == [told[1]["id"], told[2]["id"], None]
    assert [each["replaces"] for each in told] == [[], [told[0]["id"]], [told[1]["id"]]]
    assert [each["reason"] for each in told] == ["superseded", "superseded", None]


def test_a_timeline_shows_what_was_put_right_and_not_what_was_deleted(homes):
    memory, _ = homes
    (home,) = memory.get_all(user_id=USER)["results"]
    memory.update(home["id"], "I moved to Lyon.")
    told = memory.timeline("home", user_id=USER)
    assert [(each["memory"], each["reason"]) for each in told] == [
        ("I live in Berlin.", "superseded"), ("I moved to Paris.", "updated"), ("I moved to Lyon.", None),
    ]  # fmt: skip
    memory.delete(home["id"])
    assert [each["memory"] for each in memory.timeline("home", user_id=USER)] == ["I live in Berlin."]


def test_a_timeline_of_somebody_else(rules):
    rules.add("My sister Anna lives in Oslo.", user_id=USER, at="2020-01-01")
    rules.add("Anna moved to Bergen.", user_id=USER, at="2023-01-01")
    assert [each["object"] for each in rules.timeline("home", subject="Anna", user_id=USER)] == ["Oslo", "Bergen"]
    assert rules.timeline("home", user_id=USER) == []


def test_a_timeline_needs_to_know_whose_and_of_what(memory):
    with pytest.raises(InvalidScope, match="timeline"):
        memory.timeline("home")
    for bad in ("", "  ", "!!!", None):
        with pytest.raises(InvalidInput, match="attribute"):
            memory.timeline(bad, user_id=USER)


# Any history. The oracle keeps what was true of every memory after each step, and never looks at a store.

_START = datetime(2015, 1, 1, tzinfo=UTC)
_PLACES = ("Oslo", "Bergen", "Rome", "Turin", "Lyon", "Nantes")


def scripted(request):
    """A message is a fact in JSON."""
    facts = []
    for index, turn in enumerate(request.turns):
        said = json.loads(turn.content)
        times = {name: datetime.fromisoformat(said[name]) for name in ("valid_from", "valid_to") if said.get(name)}
        facts.append(
            Fact(
                text=f"I live in {said['place']}" if said["place"] else "I keep bees",
                turn=index, quote=turn.content, subject="user",
                attribute="home" if said["place"] else None, object=said["place"],
                precision="day" if times else None, **times,
            )
        )  # fmt: skip
    return Extraction(facts=tuple(facts))


@dataclass
class Known:
    """A memory, as the oracle knows it."""

    text: str
    said: datetime
    valid_from: datetime | None
    valid_to: datetime | None
    state: str = "stands"
    """Or `superseded`, or `gone`."""
    by: str | None = None


@dataclass
class Oracle:
    """Every memory after each step, and each change as what was before and after it."""

    memories: dict = field(default_factory=dict)
    moments: list = field(default_factory=list)
    undo: dict = field(default_factory=dict)
    forgotten: dict = field(default_factory=dict)
    """Memory -> the change that forgot it."""
    lifted: dict = field(default_factory=dict)
    """Undoing -> the memories that were no longer forgotten from then."""

    def step(self, change_id, after):
        """A change made the memories `after` what they are now."""
        self.undo[change_id] = {name: (self.memories.get(name), known) for name, known in after.items()}
        self.memories |= after

    def snapshot(self):
        self.moments.append((now(), copy.deepcopy(self.memories)))

    def standing(self, then, as_of, superseded):
        """Brute force over one snapshot."""
        begins = {}
        for known in then.values():
            if known.by is not None and known.valid_to is not None:
                begins.setdefault(known.by, []).append(known.valid_to)
        found = {}
        for name, known in then.items():
            if name in self.forgotten or known.state == "gone":
                continue
            if known.state == "superseded" and not superseded:
                continue
            if as_of is not None:
                start = known.valid_from or max(begins.get(name, [datetime.min.replace(tzinfo=UTC)]))
                end = known.valid_to or (as_of if known.state == "superseded" else datetime.max.replace(tzinfo=UTC))
                if not start <= as_of < end:
                    continue
            found[name] = known
        return found


def moments():
    return st.integers(0, 100).map(lambda months: _START + timedelta(days=31 * months))


def doings():
    tells = st.tuples(
        st.just("tell"), st.sampled_from([*_PLACES, None]), moments(), st.none() | moments(), st.none() | moments()
    )
    picks = st.integers(0, 20)
    others = st.tuples(st.sampled_from(["update", "delete", "forget", "undo", "undo", "remember"]), picks)
    return st.lists(st.one_of(tells, tells, others), min_size=3, max_size=14)


def tell(memory, oracle, place, at, since, until):
    if since is not None and until is not None and since >= until:
        until = None
    words = json.dumps(
        {"place": place, "valid_from": since and since.isoformat(), "valid_to": until and until.isoformat()}
    )
    answer = memory.add(words, user_id=USER, at=at)
    after = {}
    for each in answer["results"]:
        item = memory.get(each["id"])
        if each["event"] == "ADD":
            after[each["id"]] = Known(
                text=each["memory"], said=at,
                valid_from=item["valid_from"] and datetime.fromisoformat(item["valid_from"]),
                valid_to=item["valid_to"] and datetime.fromisoformat(item["valid_to"]),
            )  # fmt: skip
            if each.get("reason") == "outdated":
                after[each["id"]].state, after[each["id"]].by = "superseded", item["retired_by"]
    for each in answer["results"]:
        if each["event"] == "DELETE":
            was = oracle.memories[each["id"]]
            (by,) = [other for other in answer["results"] if each["id"] in other.get("replaces", ())]
            new = after[by["id"]]
            after[each["id"]] = replace(
                was, state="superseded", by=by["id"], valid_to=was.valid_to or new.valid_from or new.said
            )
        elif each["event"] == "UPDATE":
            item = memory.get(each["id"])
            after[each["id"]] = replace(
                oracle.memories[each["id"]], text=each["memory"],
                valid_from=item["valid_from"] and datetime.fromisoformat(item["valid_from"]),
                valid_to=item["valid_to"] and datetime.fromisoformat(item["valid_to"]),
            )  # fmt: skip
    oracle.step(answer["receipt"]["change_id"], after)


def play(memory, oracle, doing, *rest):
    if doing == "tell":
        tell(memory, oracle, *rest)
        return
    (number,) = rest
    if doing == "remember":
        answer = memory.remember(f"Note {number}", user_id=USER)
        (each,) = answer["results"]
        if each["event"] == "ADD":
            note = Known(text=each["memory"], said=now(), valid_from=None, valid_to=None)
            oracle.step(answer["receipt"]["change_id"], {each["id"]: note})
        return
    if doing == "undo":
        undo(memory, oracle, number)
        return
    standing = [name for name, known in oracle.memories.items() if known.state == "stands"]
    if not standing:
        return
    name = standing[number % len(standing)]
    if doing == "update":
        change = memory.update(name, f"I live in {_PLACES[number % 6]}, {number}")["change_id"]
        oracle.step(change, {name: replace(oracle.memories[name], text=f"I live in {_PLACES[number % 6]}, {number}")})
    elif doing == "delete":
        oracle.step(memory.delete(name)["change_id"], {name: replace(oracle.memories[name], state="gone")})
    else:
        answer = memory.forget(name)
        gone = {each: replace(oracle.memories[each], state="gone") for each in answer["forgotten"]}
        oracle.forgotten |= dict.fromkeys(gone, answer["change_id"])
        oracle.step(answer["change_id"], gone)


def undo(memory, oracle, number):
    """Take back the last change, or the last undoing."""
    if not oracle.undo:
        return
    change_id = list(oracle.undo)[-1 - number % min(2, len(oracle.undo))]
    try:
        answer = memory.undo(change_id)
    except Conflict:
        return
    after = {}
    for name, (before, known) in oracle.undo[change_id].items():
        if before is None and known.state == "superseded":
            continue  # it came as a former value, which undoing the change leaves
        after[name] = replace(known, state="gone") if before is None else before
    before = dict(oracle.forgotten)
    oracle.forgotten = {name: by for name, by in before.items() if by != change_id}
    oracle.forgotten |= dict.fromkeys(oracle.lifted.get(change_id, ()), answer["change_id"])
    oracle.lifted[answer["change_id"]] = before.keys() - oracle.forgotten.keys()
    oracle.step(answer["change_id"], after)


@pytest.mark.behaviour("R7")
@pytest.mark.parametrize(
    ("kind", "examples"),
    [
        ("sqlite", 10),
        ("reference", 10),
        ("postgres", 4),
        pytest.param("sqlite", 200, marks=pytest.mark.slow),
        pytest.param("postgres", 40, marks=pytest.mark.slow),
    ],
)
def test_the_past_is_what_an_oracle_says_it_was(kind, examples, migrated_database):
    def store():
        return {
            "sqlite": lambda: {"path": ":memory:"},
            "reference": lambda: {"store": InMemoryStore()},
            "postgres": lambda: {"path": migrated_database()},
        }[kind]()

    @settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck))
    @given(doings(), st.lists(moments(), min_size=1, max_size=4))
    def run(story, dates):
        with Memory(**store(), embedder=FakeEmbedder(), extractor=FakeExtractor(scripted), background=False) as memory:
            oracle = Oracle()
            oracle.snapshot()
            for doing in story:
                play(memory, oracle, *doing)
                oracle.snapshot()
            for as_of in [None, *dates]:
                check(memory, oracle, as_of, None, oracle.memories)
                for known_at, then in oracle.moments:
                    check(memory, oracle, as_of, known_at, then)

    run()


def check(memory, oracle, as_of, known_at, then):
    """Listed and found alike; found by the words of then."""
    if as_of is None and known_at is None:
        return
    for latest_only in (None, True, False):
        superseded = as_of is not None if latest_only is None else not latest_only
        expected = oracle.standing(then, as_of, superseded)
        asked = {"user_id": USER, "as_of": as_of, "known_at": known_at, "latest_only": latest_only}
        listed = memory.get_all(**asked)["results"]
        assert {each["id"]: picture(each) for each in listed} == {name: plain(each) for name, each in expected.items()}
    asked["latest_only"] = None if as_of is not None else True
    expected = oracle.standing(then, as_of, as_of is not None)
    for name, each in list(expected.items())[:2]:
        found = memory.search(each.text, **asked, top_k=100, threshold=0)["results"]
        assert {hit["id"]: picture(hit) for hit in found if hit["kind"] != "episode"} == {
            other: plain(known) for other, known in expected.items()
        }
        assert max(found, key=lambda hit: hit["score"])["memory"] == each.text or name in {hit["id"] for hit in found}


def picture(item):
    return item["memory"], item["valid_from"], item["valid_to"], "known_to" in item, item.get("retired_by")


def plain(known):
    valid = (known.valid_from and known.valid_from.isoformat(), known.valid_to and known.valid_to.isoformat())
    return known.text, *valid, known.state == "superseded", known.by


# On the command line.


def test_the_command_line_asks_for_the_past(homes, address, tmp_path, capsys, monkeypatch):
    _, first = homes
    store = ["--store", str(address(tmp_path / "rules.db")), "--user", USER, "--json"]

    def run(*arguments):
        monkeypatch.setattr("sys.argv", ["mnemic", *arguments, *store])
        with pytest.raises(SystemExit) as ended:
            main()
        assert not ended.value.code
        return json.loads(capsys.readouterr().out)

    assert texts(run("search", "Where did I live?", "--as-of", "2020-06-01")) == ["I live in Berlin."]
    assert texts(run("list", "--as-of", "2020-06-01")) == ["I live in Berlin."]
    assert texts(run("list", "--known-at", first.isoformat())) == ["I live in Berlin."]
    assert [each["event"] for each in run("changes", first.isoformat())["results"]] == ["ADD", "DELETE"]
    assert [each["object"] for each in run("timeline", "home")] == ["Berlin", "Paris"]
