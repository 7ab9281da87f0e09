"""What cannot be used is refused with a typed error that says why, and changes nothing."""

import functools
import os
import re
import sqlite3
import subprocess
import sys
import textwrap

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mnemic import InvalidInput, Memory, MnemicError, NotAStore, NotFound, StoreError, StoreFull, StoreUnwritable
from mnemic.stores.sqlite import SQLiteStore
from mnemic.testing.fakes import FakeEmbedder, FakeExtractor

pytestmark = pytest.mark.behaviour("S7")


@functools.cache
def deep(levels):
    value = "x"
    for _ in range(levels):
        value = [value]
    return value


@functools.cache
def deep_mapping(levels):
    value = {"x": 1}
    for _ in range(levels):
        value = {"x": value}
    return value


def looped():
    value = {}
    value["self"] = value
    return value


HUGE = 10**6_000
"""More digits than Python prints."""

NOT_TEXT = [None, 5, 2.5, True, b"bytes", object(), {"a": 1}, {1}, deep(100_000), HUGE]
NOT_STORABLE = ["", " ", "\n\t\u3000", "a\x00b", "\ud800", "a\udfffb", "x" * 200_001, "好" * 3_000_000]
NOT_METADATA = [
    5, "text", ["a"], [("a", 1)], {5: 1}, {"": 1}, {None: 1}, {"a": object()}, {"a": b"x"}, {"a": {1, 2}}, {"a": float("nan")},
    {"a": float("inf")}, {"a": 2**63}, {"a": -(2**63) - 1}, {"a": HUGE}, {"a": "\ud800"}, {"\ud800": 1}, {"a": "x\x00"},
    {"a": deep(40)}, {"a": deep(100_000)}, deep_mapping(40), deep_mapping(100_000), looped(), {"a": list(range(2_000))},
    {"a": "x" * 200_001}, deep(100_000), HUGE,
]  # fmt: skip
NOT_FILTERS = [
    5, "k=1", ["k"], [("k", 1)], {5: 1}, {"k": object()}, {"k": {"gt": [1]}}, {"k": deep(100_000)}, {"k": {"in": deep(100_000)}},
    {"AND": deep(100_000)}, deep_mapping(100_000), {"k": 2**63}, {"k": {"lt": -(2**70)}}, {"k": {"in": [1, 2**64]}}, {"k": HUGE},
    {"k": float("nan")}, {"k": {"ne": float("nan")}}, {"k": {"gt": float("inf")}}, {"k": "\ud800"}, {"\ud800": 1},
    {"metadata.\ud800": 1}, {"k": {"contains": "\udfff"}}, {"text": "\ud800"}, {"id": "\ud800"}, {'a"b': 1}, {"a\\b": 1}, {"a\x00": 1},
]  # fmt: skip
NOT_A_COUNT = [0, -1, 1.0, "5", None.__class__, True, [], float("nan"), -HUGE]
NOT_A_SHARE = [-0.1, 1.1, "0.5", True, [], float("nan"), HUGE]
NOT_A_TIME = [
    "yesterday",
    "",
    "2025-13-01",
    "2025-02-30",
    "\ud800",
    True,
    [],
    {},
    object(),
    float("nan"),
    float("inf"),
    1e300,
    HUGE,
    -HUGE,
    "x" * 10**6,
]
NOT_A_DAY = ["tomorrow", "2025-13-01", "20250101", "", 5, True, [], "\ud800", HUGE]
NOT_AN_ID = [None, 5, b"x", "", " ", True, [], deep(100_000), HUGE]

_calls = (
    [("add", (bad,), {"user_id": "a"}) for bad in [*NOT_TEXT, *NOT_STORABLE, [], [None], [[]], [5], ["ok", ""], [deep(9)]] if bad != {"a": 1}]
    + [("add", ([{"role": "user", "content": bad}],), {"user_id": "a"}) for bad in [*NOT_TEXT, *NOT_STORABLE, [], [5], [{}]]]
    + [("add", ([{"role": bad, "content": "x"}],), {"user_id": "a"}) for bad in [*NOT_TEXT, "wizard", "", "\ud800"]]
    + [("add", ([{"name": bad, "content": "x"}],), {"user_id": "a"}) for bad in [5, b"x", ["x"], "\ud800", "a\x00", HUGE, "n" * 200_001]]
    + [("add", ([{"metadata": bad, "content": "x"}],), {"user_id": "a"}) for bad in NOT_METADATA]
    + [("add", ([{"at": bad, "content": "x"}],), {"user_id": "a"}) for bad in NOT_A_TIME]
    + [("add", (["ok", {"content": "ok"}, {"content": bad}],), {"user_id": "a"}) for bad in NOT_STORABLE]
    + [("add", ("x",), {"user_id": "a", "metadata": bad}) for bad in NOT_METADATA]
    + [("add", ("x",), {"user_id": "a", "at": bad}) for bad in NOT_A_TIME]
    + [("add", ("x",), {"user_id": "a", "expiration_date": bad}) for bad in NOT_A_DAY]
    + [("add", ("x",), {"user_id": "a", "categories": bad}) for bad in [None, 5, "sports", [5], [""], ["a\x00"], ["\ud800"], deep(100_000), {"a": 1}.items()]]
    + [("add", ("x",), {"user_id": "a", "infer": bad}) for bad in [None, 1, "no", HUGE, deep(100_000)]]
    + [("add", ("x",), {"user_id": "a", "instructions": bad}) for bad in [5, b"x", ["x"], "\ud800", deep(100_000)]]
    + [("add", ("x",), {"user_id": "a", "filters": bad}) for bad in [*NOT_FILTERS[:4], {"k": 1}, {"OR": []}]]
    + [("remember", (bad,), {"user_id": "a"}) for bad in [*NOT_TEXT, *NOT_STORABLE]]
    + [("remember", ("x",), {"user_id": "a", "kind": bad}) for bad in [None, 5, "episode", "", [], {}, HUGE, deep(100_000)]]
    + [(call, ("x",), {name: bad}) for call in ("add", "remember", "search", "context") for name in ("user_id", "run_id")
       for bad in [2.5, True, b"a", ["a"], {"a": 1}, object(), HUGE, -HUGE, deep(100_000), "\ud800", "a b"]]
    + [(call, (bad,), {"user_id": "a"}) for call in ("search", "context") for bad in [*NOT_TEXT, *NOT_STORABLE]]
    + [(call, ("x",), {"filters": bad}) for call in ("search", "context") for bad in NOT_FILTERS]
    + [("get_all", (), {"filters": bad}) for bad in NOT_FILTERS]
    + [("search", ("x",), {name: bad}) for name in ("top_k", "limit") for bad in NOT_A_COUNT]
    + [("context", ("x",), {name: bad}) for name in ("top_k", "max_tokens") for bad in [*NOT_A_COUNT, None]]
    + [("get_all", (), {"limit": bad}) for bad in NOT_A_COUNT]
    + [(call, ("x",), {"threshold": bad}) for call in ("search", "context") for bad in NOT_A_SHARE]
    + [("search", ("x",), {"include": bad}) for bad in [5, "memory", [], [5], ["everything"], [[]], object(), deep(100_000)]]
    + [("search", ("x",), {name: bad}) for name in ("show_expired", "explain") for bad in ["yes", 5, [], object()]]
    + [("get_all", (), {"show_expired": bad}) for bad in ["yes", 5, [], object()]]
    + [("get_all", (), {"cursor": bad}) for bad in [5, "x", "\ud800", HUGE, deep(100_000)]]
    + [(call, (bad,), {}) for call in ("get", "delete", "history") for bad in NOT_AN_ID]
    + [("update", (bad, "x"), {}) for bad in NOT_AN_ID]
)  # fmt: skip

ON_A_MEMORY = (
    [{"data": bad} for bad in [*NOT_TEXT[1:], *NOT_STORABLE]]
    + [{"metadata": bad} for bad in NOT_METADATA]
    + [{"expiration_date": bad} for bad in NOT_A_DAY]
    + [{}]
)


CALLS = {}
"""By method and argument: the ways to get it wrong."""
for _method, _args, _kwargs in _calls:
    CALLS.setdefault(f"{_method}({', '.join(_kwargs) if _args in ((), ('x',)) else 'first argument'})", []).append(
        (_method, _args, _kwargs)
    )


def name_of(value):
    """A short name, the same in every process, also of what cannot be printed."""
    try:
        return re.sub(r" at 0x\w+", "", ascii(value))[:80]
    except (ValueError, RecursionError):
        return f"a {type(value).__name__} that cannot be printed"


@pytest.fixture
def filled(memory):
    memory.remember("I ski", user_id="a", metadata={"k": 1})
    return memory


def refusal(call):
    """None for a refusal in words that are not too many, else what happened."""
    try:
        done = call()
    except InvalidInput as exc:
        return None if 10 < len(str(exc)) < 1_000 else f"{len(str(exc))} characters of message"
    except Exception as exc:  # noqa: BLE001 - whatever it is, it is reported
        return f"raised {type(exc).__name__}: {str(exc)[:80]}"
    return f"was taken: {name_of(done)[:40]}"


@pytest.mark.parametrize("group", CALLS)
def test_a_bad_argument_is_refused_in_words_and_changes_nothing(filled, group):
    wrong = []
    for method, args, kwargs in CALLS[group]:
        said = refusal(lambda: getattr(filled, method)(*args, **kwargs))  # noqa: B023 - called at once
        if said is not None:
            wrong.append((name_of(args), name_of(kwargs), said))
    assert wrong == []
    assert counted(filled) == {"memories": 1, "episodes": 1, "pending": 0, "failed": 0, "owners": 1}
    assert filled.verify()["problems"] == []


def counted(memory):
    stats = memory.stats()
    return {name: stats[name] for name in ("memories", "episodes", "pending", "failed", "owners")}


def test_a_bad_update_is_refused_in_words_and_changes_nothing(filled):
    (item,) = filled.get_all()["results"]
    said = [(name_of(changes), refusal(lambda: filled.update(item["id"], **changes))) for changes in ON_A_MEMORY]  # noqa: B023
    assert [each for each in said if each[1] is not None] == []
    assert filled.get_all()["results"] == [item]


@pytest.mark.parametrize("odd", ["\ud800", "a\x00b", "\U0010ffff", "x" * 10**6, "%", "../../etc/passwd"])
def test_an_id_of_nothing_is_not_found_whatever_it_holds(filled, odd):
    for call in (filled.get, filled.delete, filled.history, lambda each: filled.update(each, data="x")):
        with pytest.raises(NotFound) as caught:
            call(odd)
        assert len(str(caught.value)) < 1_000


json_like = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()) | st.binary(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(st.characters(), max_size=3), inner, max_size=3)
    ),
    max_leaves=8,
)


@settings(max_examples=120, suppress_health_check=list(HealthCheck))
@given(json_like, json_like, json_like)
def test_whatever_is_passed_is_kept_or_refused(filled, messages, metadata, filters):
    """Random values of any shape: the call works and verifies, or raises one of our errors."""
    for call in (
        lambda: filled.add(messages, user_id="fuzz", metadata=metadata),
        lambda: filled.search("ski", user_id="fuzz", filters=filters),
        lambda: filled.get_all(filters=filters),
    ):
        try:
            call()
        except InvalidInput as exc:
            assert len(str(exc)) < 1_000  # noqa: PT017 - either outcome is right
    filled.delete_all(user_id="fuzz")


def test_large_but_lawful_input_is_kept(memory):
    metadata = {f"k{n}": [n, {"n": "x" * 100}] for n in range(200)}
    long = "好" * 199_999 + "。"
    (added,) = memory.remember(long, user_id="a", metadata=metadata)["results"]
    assert (memory.get(added["id"])["memory"], memory.get(added["id"])["metadata"]) == (long, metadata)
    assert memory.add(["x"] * 500, user_id="a", infer=False)["results"][499]["event"] == "ADD"
    assert memory.search("x", user_id="a", top_k=10**30, threshold=0)["results"]
    assert memory.get_all(limit=10**30)["total"] == 501
    assert memory.verify()["problems"] == []


def test_metadata_that_grows_by_updates_stays_within_the_limits(memory):
    (added,) = memory.remember("x", user_id="a")["results"]
    with pytest.raises(InvalidInput):
        for number in range(5):
            memory.update(added["id"], metadata={f"k{number}-{n}": n for n in range(400)})


# Settings.


@pytest.mark.parametrize(
    "path", [5, b"m.db", "", " ", "a\x00b", "\ud800.db", "redis://x", ["m.db"], True, object()], ids=name_of
)
def test_a_path_that_means_nothing_is_refused(path):
    with pytest.raises(InvalidInput):
        Memory(path, embedder=FakeEmbedder())


@pytest.mark.parametrize("setting", ["embedder", "llm", "store", "extractor", "project", "instructions"])
@pytest.mark.parametrize("bad", [2.5, b"x", ["x"], object()], ids=name_of)
def test_a_setting_of_the_wrong_type_is_refused(setting, bad):
    with pytest.raises(InvalidInput):
        Memory(**{"path": ":memory:", "embedder": FakeEmbedder(), setting: bad})


@pytest.mark.parametrize("name", ["", "x", "bundled:none", "nobody:model", ":", "openai:"])
def test_a_model_that_nobody_knows_is_refused(name):
    for setting in ("embedder", "llm"):
        with pytest.raises(InvalidInput):
            Memory(":memory:", **{"embedder": FakeEmbedder(), setting: name})


@pytest.mark.parametrize(
    "settings",
    [None, 5, [], "path=x", {"llm": {"provider": 5}}, {"llm": {"provider": "openai", "config": "x"}}, {5: 1}],
    ids=name_of,
)
def test_a_configuration_that_means_nothing_is_refused(settings):
    with pytest.raises(InvalidInput):
        Memory.from_config(settings)


# Files that are no store.


def open_it(path, **arguments):
    return Memory(path, embedder=FakeEmbedder(), extractor=FakeExtractor(), **arguments)


@pytest.mark.parametrize(
    "content",
    [b"Dear diary", b"x" * 100_000, bytes(range(256)) * 20, b"SQLite format 3\x00" + b"x" * 5_000, b"\n"],
    ids=range(5),
)
def test_a_file_of_something_else_is_refused_and_left_alone(tmp_path, content):
    file = tmp_path / "diary.txt"
    file.write_bytes(content)
    with pytest.raises(NotAStore, match=r"diary\.txt"):
        open_it(file)
    assert file.read_bytes() == content
    assert [each.name for each in tmp_path.iterdir()] == ["diary.txt"]


def test_a_database_of_another_program_is_refused_and_left_alone(tmp_path):
    file = tmp_path / "places.sqlite"
    db = sqlite3.connect(file)
    db.executescript("CREATE TABLE places (name TEXT); INSERT INTO places VALUES ('Taipei');")
    db.close()
    before = file.read_bytes()
    with pytest.raises(NotAStore, match="another program"):
        open_it(file)
    assert file.read_bytes() == before


def test_an_empty_file_becomes_a_store(tmp_path):
    (tmp_path / "m.db").touch()
    with open_it(tmp_path / "m.db") as memory:
        memory.remember("I ski", user_id="a")
        assert memory.verify()["ok"]


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    file = tmp_path_factory.mktemp("sound") / "m.db"
    with open_it(file) as memory:
        for number in range(40):
            memory.remember(f"Fact {number} " + "about the weather " * 20, user_id=f"user{number % 3}")
    return file.read_bytes()


@pytest.mark.parametrize("share", [0.001, 0.05, 0.3, 0.5, 0.9, 0.99])
def test_a_store_that_was_cut_off_is_refused_or_says_so(tmp_path, sound, share):
    file = tmp_path / "m.db"
    file.write_bytes(sound[: int(len(sound) * share)])
    with pytest.raises(StoreError) as caught, open_it(file) as memory:
        assert not memory.verify()["ok"]
        memory.search("Fact", user_id="user1", threshold=0)
        memory.get_all()
    assert isinstance(caught.value, NotAStore)


@pytest.mark.parametrize("seed", range(8))
def test_a_store_with_damaged_pages_raises_our_errors_only(tmp_path, sound, seed):
    import random

    rng = random.Random(seed)
    damaged = bytearray(sound)
    for _ in range(40):
        at = rng.randrange(100, len(damaged))
        damaged[at : at + 64] = rng.randbytes(len(damaged[at : at + 64]))
    file = tmp_path / "m.db"
    file.write_bytes(damaged)
    said = []
    try:
        memory = open_it(file)
    except MnemicError:
        return
    with memory:
        for call in (
            memory.verify,
            lambda: memory.search("Fact weather", user_id="user1", threshold=0),
            lambda: memory.get_all(limit=100),
            lambda: memory.remember("More", user_id="user1"),
            lambda: memory.delete_all(user_id="user2"),
        ):
            try:
                said.append(call())
            except MnemicError as exc:
                said.append(exc)
    assert said


@pytest.mark.parametrize("where", ["directory", "below a file", "proc", "directory that is not there and cannot be"])
def test_a_place_that_cannot_hold_a_store_is_refused(tmp_path, where):
    (tmp_path / "file").write_text("x")
    path = {
        "directory": tmp_path,
        "below a file": tmp_path / "file" / "m.db",
        "proc": "/proc/m.db",
        "directory that is not there and cannot be": "/proc/mnemic/m.db",
    }[where]
    with pytest.raises(StoreUnwritable, match="MNEMIC_HOME"):
        open_it(path)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can become nobody")
@pytest.mark.parametrize("denied", ["folder", "file"])
def test_a_store_without_write_permission_is_refused(tmp_path, sound, denied):
    for parent in (tmp_path, *tmp_path.parents):
        if parent.stat().st_uid == os.geteuid() and str(parent).startswith("/tmp/"):
            parent.chmod(0o755)
    file = tmp_path / "home" / "m.db"
    file.parent.mkdir()
    if denied == "file":
        file.write_bytes(sound)
        file.chmod(0o444)
    script = f"""
        import os
        from mnemic import Memory, StoreUnwritable
        from mnemic.stores import sqlite_schema
        from mnemic.testing.fakes import FakeEmbedder, FakeExtractor
        memory, files = FakeEmbedder(), sqlite_schema._migrations()
        sqlite_schema._migrations = lambda: files  # the interpreter's own files may be out of nobody's reach
        Memory(":memory:", embedder=FakeEmbedder(), extractor=FakeExtractor()).close()
        os.setuid(65534)
        try:
            Memory({str(file)!r}, embedder=FakeEmbedder(), extractor=FakeExtractor())
        except StoreUnwritable as exc:
            print("refused:", exc)
    """
    ran = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True, check=False)
    assert ran.stdout.startswith("refused: "), ran.stderr
    assert str(file) in ran.stdout


class SmallStore(SQLiteStore):
    """A store on a disk that holds a few hundred kilobytes."""

    pages = 120

    def _connection(self):
        connection = super()._connection()
        connection.execute(f"PRAGMA max_page_count = {self.pages}")
        return connection


def test_a_full_disk_refuses_the_write_and_keeps_what_was_there(make, tmp_path):
    memory = make(None, store=SmallStore(tmp_path / "m.db"))
    kept = []
    with pytest.raises(StoreFull, match="nothing of this write was kept"):
        for number in range(1_000):
            kept += [
                item["id"]
                for item in memory.remember(f"Fact {number} " + "about the weather " * 50, user_id="a")["results"]
            ]
    assert len(kept) > 3
    assert [item["id"] for item in memory.get_all(limit=1_000)["results"]] == kept[::-1]
    assert len(memory.search("weather", user_id="a", threshold=0, top_k=1_000)["results"]) == len(kept)
    assert memory.stats()["episodes"] == len(kept)
    assert memory.verify()["problems"] == []
    for write in (lambda: memory.add("y" * 60_000, user_id="a"), lambda: memory.update(kept[0], data="y" * 60_000)):
        with pytest.raises(StoreFull):
            write()
    assert memory.history(kept[0])[-1]["event"] == "ADD"
    assert memory.verify()["problems"] == []


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can mount")
def test_a_disk_that_is_really_full_does_the_same(make, tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(disk)], capture_output=True, check=False
    ).returncode:
        pytest.skip("mounting is not allowed here")
    try:
        memory = make(disk / "m.db")
        kept = []
        with pytest.raises(StoreFull):
            for number in range(2_000):
                kept += [
                    item["id"]
                    for item in memory.remember(f"Fact {number} " + "about the weather " * 50, user_id="a")["results"]
                ]
        assert [item["id"] for item in memory.get_all(limit=2_000)["results"]] == kept[::-1]
        assert memory.verify()["problems"] == []
        memory.close()
        with open_it(disk / "m.db") as again:
            assert again.get_all()["total"] == len(kept)
            assert again.verify()["problems"] == []
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)
