"""What is looked up by may be as long as a caller, a model or a file makes it: kept or refused, the same in every store."""

import json
import random

import pytest

from mnemic import InvalidInput, InvalidScope, Memory, names, slots
from mnemic.testing.fakes import FakeEmbedder, FakeExtractor
from mnemic.types import Extraction, Fact

USER = "alice"
LENGTH = 10_000


def long_word(seed, alphabet):
    """Letters in no order, which no database can press together."""
    return "".join(random.Random(seed).choices(alphabet, k=LENGTH))


WORDS = {
    "latin": long_word(1, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"),
    "chinese": long_word(2, [chr(each) for each in range(0x4E00, 0x9FA5)]),
    "rare": long_word(3, [chr(each) for each in range(0x20000, 0x2A6D6)]),
    "growing": long_word(4, "ﷺ㌀㌁㌂㌃㌄㌅㌆"),
}


# The longest in bytes and the longest in tokens stand for all of them in the default tests.
each_script = pytest.mark.parametrize(
    "script", [each if each in ("chinese", "rare") else pytest.param(each, marks=pytest.mark.slow) for each in WORDS]
)


@pytest.fixture(params=["sqlite", "postgres"])
def opened(request, tmp_path):
    """A call opens a memory, of the same store each time unless `name` says otherwise."""
    made = {}

    def one(name="one", **arguments):
        if name not in made:
            here = request.param == "sqlite"
            made[name] = tmp_path / f"{name}.db" if here else request.getfixturevalue("migrated_database")()
        return Memory(made[name], embedder=FakeEmbedder(), background=False, **arguments)

    return one


def said(word):
    """Facts whose every part is as long as that."""

    def answer(request):
        found = []
        for place, turn in enumerate(request.turns):
            whole = {"text": turn.content, "turn": place, "quote": turn.content, "attributed_to": "user"}
            found += [
                Fact(**whole, subject=f"S{word}", attribute=f"a{word}", object=f"o{word}"),
                Fact(**whole, subject=f"T{word}", attribute="employer", object=f"Acme {word}"),
                Fact(**whole, subject=f"T{word}", attribute=f"favourite {word}", object=f"O{word}"),
                Fact(**whole, subject="user", attribute="spouse", object=f"Dana {word}"),
                Fact(**whole, subject="user", attribute="name", object=f"{word} Weiss"),
            ]
        return Extraction(facts=tuple(found))

    return FakeExtractor(answer)


@each_script
def test_names_and_attributes_of_any_length_are_kept(opened, script):
    word = WORDS[script]
    with opened(extractor=said(word)) as memory:
        added = memory.add(f"My wife is called Dana {word}.", user_id=USER)
        assert [each["event"] for each in added["results"]]
        assert memory.add(f"I am {word} Weiss.", user_id=USER)["results"]
        entities = [each for each in memory.entities(user_id=USER)["results"] if each["kind"] != "user"]
        for each in entities:
            assert memory.related(each["name"], user_id=USER)["entity"]["id"]
        for each in memory.get_all(user_id=USER)["results"]:
            memory.delete(each["id"])
        assert memory.verify()["problems"] == []


@each_script
def test_what_names_and_slots_are_found_by_fits_in_an_index(script):
    word = WORDS[script]
    one, other = names.key(f"{word[:3_000]} Xavier"), names.key(f"{word[:3_000]} Yvonne")
    assert one != other
    assert names.key(one) == one
    for found in (one, other, slots.canonical(word), slots.key(word, word), slots.key(one, f"favourite {word}")):
        assert len(found.encode()) <= 1_000


@each_script
def test_what_a_caller_looks_up_by_is_refused_when_it_is_too_long(opened, script):
    word = WORDS[script]
    with opened(extractor=FakeExtractor()) as memory:
        for name in ("user_id", "agent_id", "app_id", "run_id"):
            with pytest.raises(InvalidScope, match="at most 256"):
                memory.add("I ski", **{name: word})
        with pytest.raises(InvalidInput, match="at most 256"):
            memory.add({"role": "user", "content": "I ski", "external_id": word}, user_id=USER)
        with pytest.raises(InvalidScope, match="project"):
            opened(project=word)
        assert memory.messages(user_id=USER)["results"] == []


@each_script
def test_what_is_looked_up_by_nobody_may_be_long(opened, script):
    word = WORDS[script]
    with opened(extractor=FakeExtractor()) as memory:
        message = {"role": "user", "content": "I ski", "name": word, "metadata": {word: word}}
        memory.add(message, user_id=USER, metadata={word: word}, categories=[word])
        (item,) = memory.get_all(user_id=USER, filters={word: word})["results"]
        assert item["categories"] == [word]
        memory.update(item["id"], data=word, metadata={word: "other"})
        memory.feedback(item["id"], "NEGATIVE", reason=word)
        assert [hit["id"] for hit in memory.search(word, user_id=USER, threshold=0)["results"]] == [item["id"]]
        assert memory.verify()["problems"] == []


@pytest.mark.parametrize("script", ["latin", "rare"])
@pytest.mark.parametrize("field", ["external_id", "user_id", "once", "key", "predicate", "slot"])
def test_an_export_with_long_values_is_taken_in_or_refused_whole(opened, tmp_path, field, script):
    """Names' keys and slots were as long as names once: those are taken."""
    word = WORDS[script]

    def answer(request):
        whole = {"turn": 0, "quote": request.turns[0].content, "attributed_to": "user", "subject": "user"}
        return Extraction(facts=(Fact(text="Works at Acme", attribute="employer", object="Acme", **whole),))

    with opened("from", extractor=FakeExtractor(answer)) as memory:
        memory.add({"role": "user", "content": "I work at Acme", "external_id": "e-1"}, user_id=USER)
        memory.export(str(tmp_path / "export.jsonl"))
    lines = [json.loads(line) for line in (tmp_path / "export.jsonl").read_text("utf-8").splitlines()]
    changed = _replaced(lines, field, word)
    assert changed != lines
    (tmp_path / "long.jsonl").write_text("".join(json.dumps(line) + "\n" for line in changed), "utf-8")
    with opened("into", extractor=FakeExtractor()) as memory:
        if field in ("key", "slot"):
            memory.import_export(str(tmp_path / "long.jsonl"))
            assert len(memory.get_all(user_id=USER)["results"]) == 1
        else:
            with pytest.raises(InvalidInput):
                memory.import_export(str(tmp_path / "long.jsonl"))
            assert memory.get_all()["results"] == []
        assert memory.verify()["problems"] == []


def _replaced(value, field, word):
    if isinstance(value, list):
        return [_replaced(each, field, word) for each in value]
    if not isinstance(value, dict):
        return value
    named = (field, f"subject_{field}", f"object_{field}")
    return {
        name: word if name in named and isinstance(each, str) else _replaced(each, field, word)
        for name, each in value.items()
    }
