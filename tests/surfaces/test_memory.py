"""What a user sees of adding, searching, updating and deleting."""

import asyncio
import re
import subprocess
import sys
from datetime import UTC, date, datetime

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mnemic import AsyncMemory, InvalidInput, InvalidScope, Memory, ModelError, NotFound, WrongEmbedder
from mnemic.extractors.rules import RuleExtractor
from mnemic.ids import partition_for
from mnemic.testing.fakes import FakeEmbedder, FakeExtractor
from mnemic.text import fingerprint
from mnemic.types import Extraction, Fact, Refusal, Usage

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?\+00:00")


def texts(answer):
    return [item["memory"] for item in answer["results"]]


def arms(hit):
    """What each arm found in a hit, with its rank."""
    return hit["score_details"]["arms"]


def value(hit, arm):
    return arms(hit)[arm]["value"]


class Axes:
    """An embedder with one direction for texts that hold a marked word, and one for all others."""

    name, max_chars = "axes", 2_000

    def __init__(self, *marked):
        self.marked = marked

    async def embed(self, pieces, *, role):
        out = np.full((len(pieces), 4), 0.01, np.float32)
        for row, piece in enumerate(pieces):
            out[row, 0 if any(word in piece for word in self.marked) else 1] = 1
        return out / np.linalg.norm(out, axis=1, keepdims=True)

    async def close(self):
        pass


# The quickstart, in the shapes that people type.


def test_a_memory_is_added_found_read_changed_and_deleted(memory):
    added = memory.add("I live in Taipei", user_id="alice")
    (result,) = added["results"]
    assert result == {"id": result["id"], "memory": "I live in Taipei", "event": "ADD", "kind": "fact"}
    (message,) = added["receipt"]["messages"]
    assert message == {
        "episode_id": message["episode_id"], "state": "done", "reason": None, "memories": [result["id"]], "refused": [],
    }  # fmt: skip
    assert added["receipt"]["usage"] == {"model_calls": 0, "input_tokens": 0, "output_tokens": 0, "embeddings": 1}

    item = memory.get(result["id"])
    (source,) = item["sources"]
    assert item == {
        "id": result["id"], "memory": "I live in Taipei", "hash": item["hash"], "kind": "fact", "version": 1,
        "metadata": {}, "user_id": "alice", "agent_id": None, "app_id": None, "run_id": None, "actor_id": None,
        "role": "user", "attributed_to": "user", "origin": "stated", "subject": "user", "attribute": None,
        "categories": [], "confidence": 1.0, "said_at": item["said_at"], "valid_from": None, "valid_to": None,
        "precision": None, "expiration_date": None, "created_at": item["created_at"], "updated_at": item["updated_at"],
        "sources": [
            {
                "episode_id": message["episode_id"], "quote": "I live in Taipei", "said_at": source["said_at"],
                "role": "user", "actor_id": None,
            }
        ],
        "object": None, "pinned": False, "rating": 0,
    }  # fmt: skip
    assert all(
        TIME.fullmatch(each) for each in (item["said_at"], item["created_at"], item["updated_at"], source["said_at"])
    )

    found = memory.search("Where does she live? Taipei?", user_id="alice")
    (hit,) = found["results"]
    assert {**item, "score": hit["score"]} == hit
    assert memory.get_all(user_id="alice") == {"results": [item], "total": 1, "next_cursor": None}

    assert memory.update(result["id"], data="I live in Tainan")["event"] == "UPDATE"
    assert texts(memory.search("I live in Tainan", user_id="alice")) == ["I live in Tainan"]
    memory.delete(result["id"])
    assert memory.search("I live in Tainan", user_id="alice", threshold=0)["results"] == []
    assert [(line["event"], line["old_memory"], line["new_memory"]) for line in memory.history(result["id"])] == [
        ("ADD", None, "I live in Taipei"),
        ("UPDATE", "I live in Taipei", "I live in Tainan"),
        ("DELETE", "I live in Tainan", None),
    ]
    with pytest.raises(NotFound):
        memory.get(result["id"])


@pytest.mark.parametrize(
    "messages",
    [
        "I ski",
        {"role": "user", "content": "I ski"},
        [{"role": "user", "content": "I ski"}],
        ["I ski"],
        {"content": "I ski"},
        {"role": "human", "content": [{"type": "text", "text": "I ski"}]},
        [{"role": "assistant", "content": None, "tool_calls": [{"id": 1}]}, {"role": "user", "content": "I ski"}],
    ],
)
@pytest.mark.parametrize("infer", [True, False])
def test_messages_come_as_text_a_dictionary_or_a_list(memory, messages, infer):
    added = memory.add(messages, user_id="alice", infer=infer)
    assert [(item["memory"], item["event"]) for item in added["results"]] == [("I ski", "ADD")]
    assert texts(memory.get_all(user_id="alice")) == ["I ski"]


def test_ids_are_taken_as_arguments_and_inside_filters(memory):
    memory.add("I ski", filters={"user_id": "alice"}, agent_id="coach")
    memory.add("I swim", user_id="bob")
    item = memory.get_all(filters={"user_id": "alice", "agent_id": "coach"})["results"][0]
    assert (item["memory"], item["user_id"], item["agent_id"]) == ("I ski", "alice", "coach")
    for found in (
        memory.search("ski swim", user_id="alice", threshold=0),
        memory.search("ski swim", filters={"user_id": "alice"}, threshold=0),
        memory.search("ski swim", filters={"AND": [{"user_id": "alice"}, {"agent_id": "coach"}]}, threshold=0),
        memory.search("ski swim", user_id="alice", filters={"user_id": "alice"}, threshold=0),
        memory.search("ski swim", filters={"OR": [{"user_id": "alice"}, {"user_id": "nobody"}]}, threshold=0),
        memory.search("ski swim", filters={"user_id": {"in": ["alice"]}}, threshold=0),
    ):
        assert texts(found) == ["I ski"]


def test_an_id_that_is_a_number_is_its_digits(memory):
    memory.add("I ski", user_id=42)
    assert texts(memory.get_all(user_id="42")) == ["I ski"]
    assert texts(memory.get_all(filters={"user_id": 42})) == ["I ski"]


def test_the_names_of_arguments_that_others_use_are_aliases(memory):
    memory.add(["I ski", "I swim", "I row"], user_id="alice", infer=False, timestamp=1_700_000_000)
    for amount in ({"top_k": 2}, {"limit": 2}):
        assert len(memory.search("ski swim row", user_id="alice", threshold=0, **amount)["results"]) == 2
        assert len(memory.get_all(user_id="alice", **amount)["results"]) == 2
    ids = [item["id"] for item in memory.get_all(user_id="alice")["results"]]
    memory.update(ids[0], data="I sail")
    memory.update(memory_id=ids[1], text="I dive")
    assert texts(memory.get_all(user_id="alice")) == ["I sail", "I dive", "I ski"]
    assert memory.get(ids[2])["said_at"] == "2023-11-14T22:13:20+00:00"
    for twice in (
        lambda: memory.search("x", top_k=1, limit=1),
        lambda: memory.get_all(top_k=1, limit=1),
        lambda: memory.update(ids[0], data="a", text="b"),
        lambda: memory.add("x", user_id="a", at=1, timestamp=1),
    ):
        with pytest.raises(InvalidInput, match="pass one of them"):
            twice()


def test_kept_verbatim_a_message_carries_its_role_speaker_and_metadata(memory):
    added = memory.add(
        [{"role": "assistant", "name": "Coach", "content": "You ski well", "metadata": {"b": 2}}],
        user_id="alice", infer=False, metadata={"a": 1, "b": 1}, categories=["sports"], expiration_date="2999-12-31",
    )  # fmt: skip
    (result,) = added["results"]
    assert result == {
        "id": result["id"], "memory": "You ski well", "event": "ADD", "kind": "note", "actor_id": "Coach",
        "role": "assistant",
    }  # fmt: skip
    item = memory.get(result["id"])
    shown = ("metadata", "categories", "expiration_date", "actor_id", "role", "attributed_to", "origin", "kind")
    assert {name: item[name] for name in shown} == {
        "metadata": {"a": 1, "b": 2}, "categories": ["sports"], "expiration_date": "2999-12-31", "actor_id": "Coach",
        "role": "assistant", "attributed_to": "assistant", "origin": "given", "kind": "note",
    }  # fmt: skip
    assert added["receipt"]["extractor"] is None


@pytest.mark.parametrize("day", ["2020-01-01", date(2020, 1, 1), "1969-12-31", "0001-01-01", "1969-12-30"])
def test_what_has_expired_is_shown_only_when_asked(memory, day):
    (added,) = memory.add("I ski", user_id="alice", expiration_date=day, infer=False)["results"]
    assert memory.get_all(user_id="alice")["results"] == []
    assert memory.search("I ski", user_id="alice", threshold=0)["results"] == []
    assert memory.context("I ski", user_id="alice", threshold=0)["hits"] == []
    for found in (
        memory.get_all(user_id="alice", show_expired=True),
        memory.search("I ski", user_id="alice", show_expired=True),
    ):
        assert [item["expiration_date"] for item in found["results"]] == [str(day)]
    memory.update(added["id"], expiration_date=None)
    assert texts(memory.search("I ski", user_id="alice")) == ["I ski"]


def test_an_unknown_id_is_not_found(memory):
    memory.add("I ski", user_id="alice")
    for unknown in ("nothing", "00000000-0000-8000-8000-000000000000", "' OR 1=1 --", "*", "%", "x" * 100_000):
        for call in (memory.get, memory.delete, memory.history, lambda each: memory.update(each, data="x")):
            with pytest.raises(NotFound) as caught:
                call(unknown)
            assert isinstance(caught.value, LookupError)
            assert isinstance(caught.value, ValueError)
            assert len(str(caught.value)) < 1_000
    assert memory.get_all()["total"] == 1


def test_a_message_can_be_read_and_deleted_by_its_id_and_never_updated(make):
    memory = make(extractor=FakeExtractor(lambda _: Extraction()))
    (message,) = memory.add("I ski", user_id="alice")["receipt"]["messages"]
    item = memory.get(message["episode_id"])
    assert (item["kind"], item["memory"], message["state"]) == ("episode", "I ski", "empty")
    with pytest.raises(InvalidInput, match="message"):
        memory.update(message["episode_id"], data="x")
    assert texts(memory.search("I ski", user_id="alice")) == ["I ski"]
    memory.delete(message["episode_id"])
    assert memory.search("I ski", user_id="alice", threshold=0)["results"] == []
    with pytest.raises(NotFound):
        memory.get(message["episode_id"])


# Settings in one dictionary.


@pytest.mark.parametrize(
    "theirs",
    [
        {},
        {"vector_store": {"provider": "qdrant", "config": {"path": "/tmp/qdrant"}}, "version": "v1.1"},
        {"history_db_path": "history.db", "custom_instructions": "Only hobbies."},
    ],
)
@pytest.mark.filterwarnings("ignore:vector_store")
def test_a_configuration_in_the_shape_of_mem0_or_of_ours_is_taken(theirs):
    with Memory.from_config({"path": ":memory:", "embedder": FakeEmbedder(), **theirs}) as memory:
        memory.remember("I ski", user_id="alice")
        assert texts(memory.get_all(user_id="alice")) == ["I ski"]


def test_a_vector_store_that_is_not_used_is_said_so():
    with pytest.warns(UserWarning, match="'qdrant' is not used"):
        Memory.from_config(
            {"path": ":memory:", "embedder": FakeEmbedder(), "vector_store": {"provider": "qdrant"}}
        ).close()


def test_an_unknown_setting_is_refused_with_the_ones_there_are():
    with pytest.raises(InvalidInput, match=r"unknown setting 'patj'.*path"):
        Memory.from_config({"patj": ":memory:"})


# Nothing is lost.


@pytest.mark.behaviour("W1")
def test_what_was_said_is_found_though_the_extractor_failed(make):
    def fail(_):
        raise ModelError("the model is asleep")

    memory = make(extractor=FakeExtractor(fail))
    added = memory.add(["I keep bees", "And two llamas"], user_id="alice")
    assert added["results"] == []
    assert [(each["state"], each["reason"]) for each in added["receipt"]["messages"]] == [
        ("pending", "the model is asleep")
    ] * 2
    found = memory.search("I keep bees", user_id="alice")["results"]
    assert (found[0]["memory"], found[0]["kind"], found[0]["id"]) == (
        "I keep bees",
        "episode",
        added["receipt"]["messages"][0]["episode_id"],
    )
    assert memory.stats(user_id="alice")["pending"] == 2


@pytest.mark.behaviour("W1")
async def test_what_was_said_is_found_while_the_extractor_is_still_thinking(tmp_path):
    asked, answer = asyncio.Event(), asyncio.Event()

    class Slow(FakeExtractor):
        async def extract(self, request):
            asked.set()
            await answer.wait()
            return await super().extract(request)

    async with AsyncMemory(tmp_path / "m.db", embedder=FakeEmbedder(), extractor=Slow()) as memory:
        adding = asyncio.create_task(memory.add("I keep bees", user_id="alice"))
        await asked.wait()
        async with AsyncMemory(tmp_path / "m.db", embedder=FakeEmbedder(), extractor=FakeExtractor()) as other:
            for reader in (memory, other):
                assert texts(await reader.search("bees", user_id="alice")) == ["I keep bees"]
                assert (await reader.stats())["pending"] == 1
            await other.remember("Written meanwhile", user_id="alice")
        answer.set()
        assert texts(await adding) == ["I keep bees"]
        (hit,) = (await memory.search("bees", user_id="alice"))["results"]
        assert hit["kind"] == "fact"


@pytest.mark.behaviour("W1")
async def test_an_add_that_is_cancelled_while_extracting_has_logged_the_message(tmp_path):
    asked = asyncio.Event()

    class Never(FakeExtractor):
        async def extract(self, request):
            asked.set()
            await asyncio.Event().wait()

    async with AsyncMemory(tmp_path / "m.db", embedder=FakeEmbedder(), extractor=Never()) as memory:
        adding = asyncio.create_task(memory.add("I keep bees", user_id="alice"))
        await asked.wait()
        adding.cancel()
        with pytest.raises(asyncio.CancelledError):
            await adding
        assert texts(await memory.search("bees", user_id="alice")) == ["I keep bees"]
        assert (await memory.verify())["problems"] == []


def test_an_embedder_that_fails_after_the_messages_were_stored_leaves_them_pending(make):
    class Once(FakeEmbedder):
        async def embed(self, pieces, *, role):
            if len(self.calls) == 1 and role == "passage":
                self.calls.append(())
                raise ModelError("the embedder is over its quota")
            return await super().embed(pieces, role=role)

    facts = FakeExtractor(lambda _: Extraction(facts=(Fact(text="Keeps bees", turn=0, quote="bees"),)))
    memory = make(embedder=Once(), extractor=facts)
    added = memory.add("I keep bees", user_id="alice")
    (message,) = added["receipt"]["messages"]
    assert (added["results"], message["state"], message["reason"]) == ([], "pending", "the embedder is over its quota")
    assert texts(memory.search("I keep bees", user_id="alice")) == ["I keep bees"]


def test_an_embedder_that_fails_leaves_a_message_pending_and_a_verbatim_memory_unwritten(make):
    class Broken(FakeEmbedder):
        async def embed(self, pieces, *, role):
            raise ModelError("no route to host")

    memory = make(embedder=Broken(), background=False)
    (message,) = memory.add("I keep bees", user_id="alice")["receipt"]["messages"]
    assert (message["state"], message["reason"]) == ("pending", "not embedded: no route to host")
    with pytest.raises(ModelError):
        memory.remember("I keep bees", user_id="alice")
    assert (memory.stats()["memories"], memory.stats()["pending"]) == (0, 1)


def test_the_receipt_says_what_became_of_every_message_and_sentence(make):
    def judge(request):
        return Extraction(
            facts=(Fact(text="Keeps bees", turn=0, quote="I keep bees"), Fact(text="Has a hive", turn=0, quote="hive")),
            refusals=(Refusal(turn=0, reason="question", quote="You?"), Refusal(turn=1, reason="thanks")),
            usage=Usage(model_calls=1, input_tokens=200, output_tokens=20),
        )

    memory = make(extractor=FakeExtractor(judge))
    added = memory.add(["I keep bees in a hive. You?", "Thanks!", "Hm"], user_id="alice")
    ids = [item["id"] for item in added["results"]]
    shown = [{k: v for k, v in each.items() if k != "episode_id"} for each in added["receipt"]["messages"]]
    assert shown == [
        {"state": "done", "reason": None, "memories": ids, "refused": [{"quote": "You?", "reason": "question"}]},
        {"state": "refused", "reason": "thanks", "memories": [], "refused": []},
        {"state": "empty", "reason": None, "memories": [], "refused": []},
    ]
    assert added["receipt"]["usage"] == {"model_calls": 1, "input_tokens": 200, "output_tokens": 20, "embeddings": 5}
    assert texts(memory.search("Thanks!", user_id="alice", threshold=0, include=["episode"])) != ["Thanks!"]


def test_a_fact_said_again_is_merged_and_the_receipt_says_with_which(memory):
    (first,) = memory.add("I keep bees", user_id="alice")["results"]
    again = memory.add("i keep  bees!", user_id="alice")
    assert again["results"] == [
        {"id": first["id"], "memory": "I keep bees", "event": "NONE", "kind": "fact", "reason": "already known"}
    ]
    (message,) = again["receipt"]["messages"]
    assert (message["state"], message["memories"]) == ("done", [first["id"]])
    assert [source["quote"] for source in memory.get(first["id"])["sources"]] == ["I keep bees", "i keep  bees!"]
    assert memory.get_all()["total"] == 1


def test_a_fact_said_twice_in_one_call_is_one_memory_with_two_sources(memory):
    added = memory.add(["I keep bees", "I keep bees"], user_id="alice")
    (result,) = added["results"]
    assert [each["memories"] for each in added["receipt"]["messages"]] == [[result["id"]]] * 2
    assert len(memory.get(result["id"])["sources"]) == 2


def test_a_fact_said_again_after_its_details_were_updated_is_not_doubled(memory):
    (first,) = memory.add("I keep bees", user_id="alice")["results"]
    memory.update(first["id"], metadata={"checked": True})
    again = memory.add("I keep bees", user_id="alice")
    assert [item["event"] for item in again["results"]] == ["NONE"]
    assert memory.get_all(user_id="alice")["total"] == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("I program in C++", "I program in C#"),
        ("It is 5 degrees here", "It is -5 degrees here"),
        ("My limit is 3.5 miles", "My limit is 3 5 miles"),
        ("I earn $90 an hour", "I earn €90 an hour"),
        ("Today I feel 😀", "Today I feel 😢"),
        ("My handle is ann_lee", "My handle is ann lee"),
        ("I like it", "I like it not"),
        ("My code is 1/2", "My code is 1-2"),
    ],
)
def test_facts_that_differ_in_more_than_punctuation_stay_two(memory, one, other):
    memory.add(one, user_id="alice")
    memory.add(other, user_id="alice")
    assert sorted(texts(memory.get_all(user_id="alice"))) == sorted([one, other])


@pytest.mark.parametrize("extracted", [True, False])
def test_two_projects_that_share_a_partition_share_no_memory(make, tmp_path, extracted):
    home = partition_for("p0", "user_id", "alice")
    twin = next(n for n in range(1, 1_000_000) if partition_for(f"p{n}", "user_id", "alice") == home)
    one, other = (make(tmp_path / "m.db", project=name) for name in ("p0", f"p{twin}"))
    results = [each.add("I keep bees", user_id="alice", infer=extracted, at=0)["results"] for each in (one, other)]
    assert [[item["event"] for item in result] for result in results] == [["ADD"], ["ADD"]]
    assert [each.get_all(user_id="alice")["total"] for each in (one, other)] == [1, 1]
    assert [texts(each.search("bees", user_id="alice")) for each in (one, other)] == [["I keep bees"]] * 2


def test_the_same_words_said_at_the_same_time_are_kept_once(memory):
    when = "2025-03-14T09:30:00+08:00"
    first = memory.add(["I ski", "I row", "I ski"], user_id="alice", infer=False, at=when)
    again = memory.add(["I ski", "I sail"], user_id="alice", infer=False, at=when)
    told = [(item["memory"], item["event"], item.get("reason")) for item in [*first["results"], *again["results"]]]
    assert told == [
        ("I ski", "ADD", None), ("I row", "ADD", None), ("I ski", "NONE", "duplicate"),
        ("I ski", "NONE", "duplicate"), ("I sail", "ADD", None),
    ]  # fmt: skip
    assert [len(each["receipt"]["messages"]) for each in (first, again)] == [3, 2]
    memory.add("I ski", user_id="alice", infer=False)
    memory.add("I ski", user_id="alice", infer=False)
    assert memory.get_all()["total"] == 5


# Bytes.


@pytest.mark.behaviour("W7")
@settings(max_examples=150, suppress_health_check=list(HealthCheck))
@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=1).filter(str.strip))
def test_remember_keeps_exactly_the_text_it_was_given(memory, words):
    (result,) = memory.remember(words, user_id="alice")["results"]
    assert result["memory"] == words
    item = memory.get(result["id"])
    assert (item["memory"], [source["quote"] for source in item["sources"]]) == (words, [words])
    assert memory.history(result["id"])[0]["new_memory"] == words


@pytest.mark.behaviour("W7")
def test_remember_asks_no_extractor(make):
    extractor = FakeExtractor()
    memory = make(extractor=extractor)
    memory.remember("  two  spaces\r\n\tand a tab \u00a0\u200b\ufeff", user_id="alice", kind="procedure")
    assert extractor.requests == []
    (item,) = memory.get_all(user_id="alice")["results"]
    assert (item["memory"], item["kind"]) == ("  two  spaces\r\n\tand a tab \u00a0\u200b\ufeff", "procedure")


@pytest.mark.behaviour("W12")
@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("我叫王小明，我住在台北市大安區。", "王小明"),
        ("我叫欧阳娜娜，我住在北京。", "欧阳娜娜"),
        ("我最喜歡的餐廳是鼎泰豐。", "鼎泰豐"),
        ("My sister Siobhán O'Neill-Müller lives in Łódź.", "Siobhán O'Neill-Müller"),
        ("I work at ﬁnTech GmbH.", "ﬁnTech"),
        ("My dog is called Renée.", "Rene\u0301e"),
        ("My friend 山田太郎 works at Sony.", "山田太郎"),
        ("I work with Dr. McDonald at iRobot.", "McDonald"),
    ],
)
def test_facts_stay_in_their_language_and_names_byte_for_byte(make, said, name):
    said = said.replace("Renée", "Rene\u0301e")
    memory = make(extractor=RuleExtractor())
    memory.add(said, user_id="alice")
    kept = memory.get_all(user_id="alice")["results"]
    assert [item["memory"] for item in kept if name in item["memory"]]
    for item in kept:
        assert item["memory"] in said
        assert all(source["quote"] in said for source in item["sources"])


# Long inputs.

FILLER = "The committee discussed the budget of the library again and again without an end. "


@pytest.mark.behaviour("W14")
@pytest.mark.parametrize("infer", [True, False])
def test_the_end_of_a_long_message_is_found_by_vector_alone(make, infer):
    memory = make(embedder=Axes("walrus", "Odobenus"))
    long = (FILLER * 300)[:19_950] + " At last the walrus waved goodbye to us."
    memory.add(FILLER, user_id="alice", infer=infer)
    memory.add(long, user_id="alice", infer=infer)
    (first, *_) = memory.search("Odobenus", user_id="alice", explain=True)["results"]
    assert first["memory"] == long
    assert "keyword" not in arms(first)
    assert arms(first)["vector"] == {"rank": 1, "value": value(first, "vector")}
    assert value(first, "vector") > 0.5


@pytest.mark.behaviour("W14")
@pytest.mark.parametrize("infer", [True, False])
def test_the_end_of_a_long_message_is_found_by_keyword_alone(make, infer):
    memory = make(embedder=Axes("nothing at all"))
    long = (FILLER * 300)[:19_950] + " At last the walrus waved goodbye to us."
    for number in range(20):
        memory.add(f"{FILLER} {number}", user_id="alice", infer=infer)
    memory.add(long, user_id="alice", infer=infer)
    (first, *_) = memory.search("walrus goodbye", user_id="alice", explain=True)["results"]
    assert first["memory"] == long
    assert arms(first)["keyword"] == {"rank": 1, "value": value(first, "keyword")}


@pytest.mark.behaviour("W14")
def test_a_long_message_is_kept_whole_and_every_window_is_embedded(make):
    embedder = FakeEmbedder(max_chars=500)
    memory = make(embedder=embedder)
    long = "".join(f"Sentence number {number} of a long report。\n" for number in range(600))
    added = memory.add(long, user_id="alice")
    assert memory.get(added["receipt"]["messages"][0]["episode_id"])["memory"] == long
    assert memory.get(added["results"][0]["id"])["memory"] == long
    pieces = [piece for call in embedder.calls for piece in call]
    assert "".join(pieces) == long
    assert max(map(len, pieces)) <= 500
    assert added["receipt"]["usage"]["embeddings"] == len(pieces)


@pytest.mark.behaviour("W14")
def test_a_long_question_is_asked_whole(make):
    memory = make(embedder=Axes("walrus"))
    memory.remember("The walrus waved", user_id="alice")
    memory.remember("Nothing to see", user_id="alice")
    question = FILLER * 200 + "and the walrus?"
    assert texts(memory.search(question, user_id="alice", threshold=0))[0] == "The walrus waved"


# The arms and the score.


@pytest.mark.behaviour("R2")
def test_a_match_by_words_alone_is_found_though_its_vector_is_far(make):
    memory = make(embedder=Axes("where", "key"))
    for number in range(60):
        near = "The key hangs on the wall" if number < 15 else "Something else"
        memory.remember(f"{near} {number}", user_id="alice")
    memory.remember("Invoice ZX-4471 was settled", user_id="alice")
    found = memory.search("where is ZX-4471", user_id="alice", explain=True)["results"]
    (hit,) = [hit for hit in found if hit["memory"] == "Invoice ZX-4471 was settled"]
    assert value(hit, "vector") < 0.1
    assert arms(hit)["keyword"]["rank"] == 1
    assert value(hit, "keyword") > 0


@pytest.mark.behaviour("F1", "R2")
def test_each_arm_of_the_default_install_finds_something_alone():
    with Memory(":memory:") as memory:
        for text in ("Her car is a grey Škoda.", "She collects stamps.", "Ticket QX-7731 is paid.", "He cooks pasta."):
            memory.remember(text, user_id="alice")
        (by_vector, *_) = memory.search(
            "Which automobile does the lady drive?", user_id="alice", explain=True, threshold=0
        )["results"]
        assert by_vector["memory"] == "Her car is a grey Škoda."
        assert "keyword" not in arms(by_vector)
        by_word = memory.search("QX 7731", user_id="alice", explain=True)["results"][0]
        assert by_word["memory"] == "Ticket QX-7731 is paid."
        assert value(by_word, "keyword") > 0


@pytest.mark.behaviour("R3")
@settings(max_examples=30, suppress_health_check=list(HealthCheck))
@given(
    st.lists(st.text("abc 台北。!?", min_size=1, max_size=12).filter(str.strip), min_size=1, max_size=15),
    st.text("abcd 台北!", min_size=1, max_size=12).filter(str.strip),
)
def test_scores_lie_between_0_and_1_and_descend(make, kept, question):
    memory = make()
    memory.add(kept, user_id="alice", infer=False)
    found = memory.search(question, user_id="alice", threshold=0, top_k=100)["results"]
    assert sorted(hit["memory"] for hit in found) == sorted(kept)
    assert all(0 <= hit["score"] <= 1 for hit in found)
    # Copies of a better hit come behind all others, where they take nothing else's place.
    folded = [fingerprint(each) for each in texts({"results": found})]
    first = [place for place, each in enumerate(folded) if each not in folded[:place]]
    assert first == list(range(len(first)))
    for part in (found[: len(first)], found[len(first) :]):
        assert [hit["score"] for hit in part] == sorted((hit["score"] for hit in part), reverse=True)
    for threshold in (0.0, 0.25, 0.5, 1.0):
        found = memory.search(question, user_id="alice", threshold=threshold, top_k=100)
        assert [hit["score"] >= threshold - 1e-4 for hit in found["results"]] == [True] * len(found["results"])
        assert len(found["results"]) + found["below_floor"] == len(kept)
    memory.close()


def test_copies_of_a_hit_come_behind_all_others_and_what_only_looks_alike_does_not(make):
    memory = make()
    kept = ["I know C++.", "I know C#.", "i know c++", "The dog bit the man", "The man bit the dog", "I like tea"]
    memory.add(kept, user_id="alice", infer=False)
    found = texts(memory.search("what do I know: C++ or C#", user_id="alice", threshold=0))
    assert sorted(found) == sorted(kept)
    assert set(found[:2]) < {"I know C++.", "I know C#.", "i know c++"}
    assert found[-1] in ("I know C++.", "i know c++")
    assert set(texts(memory.search("who bit the dog", user_id="alice", threshold=0, top_k=2))) == set(kept[3:5])


def test_the_same_store_gives_the_same_score_with_and_without_neighbours_of_other_users(make):
    alone, crowded = make(), make()
    for memory in (alone, crowded):
        memory.remember("I keep bees", user_id="alice", at=0)
        memory.remember("I ski", user_id="alice", at=0)
    for number in range(50):
        crowded.remember(f"I keep bees and wasps {number}", user_id=f"user{number}")
    scores = [
        [hit["score"] for hit in m.search("bees", user_id="alice", threshold=0)["results"]] for m in (alone, crowded)
    ]
    assert scores[0] == scores[1]


# Embedders.


@pytest.mark.behaviour("F4")
@pytest.mark.parametrize("dimensions", [3, 64, 1_024])
def test_dimensions_are_measured(make, tmp_path, dimensions):
    memory = make(tmp_path / "m.db", embedder=FakeEmbedder(dimensions))
    assert memory.stats()["dimensions"] is None
    memory.remember("I ski", user_id="alice")
    assert memory.stats()["dimensions"] == dimensions
    memory.reset()
    assert memory.stats()["dimensions"] is None


@pytest.mark.behaviour("F4")
def test_another_embedder_is_refused_at_open_in_one_sentence(make, tmp_path):
    make(tmp_path / "m.db", embedder=FakeEmbedder(name="one:model")).remember("I ski", user_id="alice")
    before = (tmp_path / "m.db").read_bytes()
    with pytest.raises(WrongEmbedder) as caught:
        make(tmp_path / "m.db", embedder=FakeEmbedder(name="other:model"))
    said = str(caught.value)
    assert "'one:model'" in said
    assert "'other:model'" in said
    assert "mnemic reindex" in said
    assert said.count(". ") == 0
    assert (tmp_path / "m.db").read_bytes() == before


@pytest.mark.behaviour("F4")
def test_the_embedder_that_the_refusal_names_opens_the_store(make, tmp_path):
    with Memory(tmp_path / "m.db") as memory:
        memory.remember("I ski", user_id="alice")
        name = memory.stats()["embedder"]
    with pytest.raises(WrongEmbedder, match=re.escape(repr(name))):
        make(tmp_path / "m.db", embedder=FakeEmbedder())
    with Memory(tmp_path / "m.db", embedder=name) as memory:
        assert texts(memory.search("I ski", user_id="alice")) == ["I ski"]


@pytest.mark.behaviour("F4")
def test_an_embedder_of_the_same_name_with_other_dimensions_writes_and_searches_nothing(make, tmp_path):
    make(tmp_path / "m.db", embedder=FakeEmbedder(16)).remember("I ski", user_id="alice")
    other = make(tmp_path / "m.db", embedder=FakeEmbedder(32))
    with pytest.raises(WrongEmbedder):
        other.remember("I row", user_id="alice")
    with pytest.raises(WrongEmbedder):
        other.search("I ski", user_id="alice")
    assert other.get_all()["total"] == 1


def test_vectors_written_after_another_process_reset_the_store_are_kept(make, tmp_path):
    one, other = (
        make(tmp_path / "m.db", embedder=Axes("car", "auto")),
        make(tmp_path / "m.db", embedder=Axes("car", "auto")),
    )
    other.remember("He has a boat", user_id="alice")
    one.reset()
    other.remember("She has a car", user_id="alice")
    found = other.search("auto", user_id="alice", threshold=0, explain=True)["results"]
    assert [(hit["memory"], value(hit, "vector") > 0.5) for hit in found] == [("She has a car", True)]
    assert one.stats()["dimensions"] == 4


def test_an_index_kept_in_memory_is_not_used_for_whoever_comes_after_a_reset(make, tmp_path):
    """The next owner gets the same number and makes as many changes: the copy must not be taken for theirs."""
    one, other = make(tmp_path / "m.db"), make(tmp_path / "m.db")
    one.add([f"Kayak {n}" for n in range(600)], user_id="alice", infer=False)
    assert other.search("kayak", user_id="alice", threshold=0)["results"]
    one.reset()
    one.add([f"Zebra {n}" for n in range(600)], user_id="alice", infer=False)
    for word, matches in (("kayak", False), ("zebra", True)):
        found = other.search(word, user_id="alice", threshold=0, top_k=600, explain=True)["results"]
        assert len(found) == 600
        assert {"keyword" in arms(hit) for hit in found} == {matches}


# No network.

QUICKSTART = """
import sys
def no_network(event, _):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto", "socket.bind"):
        raise SystemExit(f"the network was used: {event}")
sys.addaudithook(no_network)
from mnemic import Memory
with Memory() as m:
    m.add("I live in Taipei and play tennis on weekends.", user_id="alice")
    m.add([{"role": "user", "content": "我養了一隻貓，名字叫咪咪。"}], user_id="alice")
    m.remember("Prefers window seats", user_id="alice")
    found = m.search("Where does she live?", user_id="alice")["results"]
    assert "Taipei" in found[0]["memory"], found
    assert "咪咪" in m.search("貓叫什麼名字？", user_id="alice")["results"][0]["memory"]
    assert m.context("seat on a plane", user_id="alice", threshold=0)["context"]
    m.update(found[0]["id"], data="Lives in Tainan")
    m.delete(found[0]["id"])
    assert m.verify()["ok"]
print("done")
"""


NO_SOCKETS = """
import ctypes, platform, struct
# A seccomp filter: the kernel kills this process when any thread of it, native ones too, opens a socket
# of AF_INET (2) or AF_INET6 (10). Nothing that is compiled can get around it, unlike an audit hook.
number = {"x86_64": 41, "aarch64": 198}[platform.machine()]
program = b"".join(struct.pack("<HBBI", *step) for step in [
    (0x20, 0, 0, 0), (0x15, 0, 4, number), (0x20, 0, 0, 16), (0x15, 1, 0, 2), (0x15, 0, 1, 10),
    (0x06, 0, 0, 0x80000000), (0x06, 0, 0, 0x7FFF0000),
])
code = ctypes.create_string_buffer(program)
whole = struct.pack("@HP", len(program) // 8, ctypes.addressof(code))
libc = ctypes.CDLL(None, use_errno=True)
assert libc.prctl(38, 1, 0, 0, 0) == 0 and libc.prctl(22, 2, whole, 0, 0) == 0, ctypes.get_errno()
"""


@pytest.mark.slow
@pytest.mark.behaviour("F5")
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="seccomp is Linux's")
def test_no_thread_of_the_process_opens_a_socket_to_the_network_for_a_minute(tmp_path):
    """Native libraries have reporters of their own, which start late: the process is watched for a minute."""
    environment = {"HOME": str(tmp_path), "PATH": "/usr/bin:/bin", "MNEMIC_HOME": str(tmp_path / "data")}
    script = f"{NO_SOCKETS}\n{QUICKSTART}\nimport threading; threading.Event().wait(60)"
    ran = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=False)
    assert (ran.stdout, ran.returncode) == ("done\n", 0), ran.stderr


def test_the_kernel_does_kill_what_opens_a_socket():
    script = f"{NO_SOCKETS}\nimport socket; socket.socketpair(); print('alive', flush=True); socket.socket()"
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (ran.stdout, ran.returncode) == ("alive\n", -31)


@pytest.mark.behaviour("F1", "F5")
def test_the_default_install_needs_no_network_and_no_key_and_leaves_nothing_elsewhere(tmp_path):
    environment = {"HOME": str(tmp_path), "PATH": "/usr/bin:/bin", "MNEMIC_HOME": str(tmp_path / "data")}
    ran = subprocess.run(
        [sys.executable, "-c", QUICKSTART], env=environment, capture_output=True, text=True, check=False
    )
    assert (ran.stdout, ran.returncode) == ("done\n", 0), ran.stderr
    assert [file.name for file in tmp_path.iterdir()] == ["data"]


def test_a_bare_moment_of_the_year_1_or_9999_can_be_said(memory):
    for at in ("0001-01-01", "9999-12-31T23:59:59.999999", datetime(1, 1, 1, tzinfo=UTC), -1, 0):
        memory.remember(f"Said at {at}", user_id="alice", at=at)
    assert len(memory.search("Said at", user_id="alice", threshold=0)["results"]) == 5
    assert memory.context("Said at", user_id="alice", threshold=0)["omitted"] == 0


def test_reset_empties_the_store(memory):
    memory.remember("I ski", user_id="alice")
    memory.reset()
    assert (memory.get_all()["results"], memory.search("I ski", threshold=0)["results"]) == ([], [])
    memory.remember("I row", user_id="alice")
    assert texts(memory.search("I row")) == ["I row"]


def test_deleting_needs_an_id(memory):
    memory.remember("I ski", user_id="alice")
    with pytest.raises(InvalidScope):
        memory.delete_all()
    assert memory.get_all()["total"] == 1
