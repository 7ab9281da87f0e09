"""What a write cost stands on its receipt, to the call; and the instructions of one short message are short."""

import pytest

from mnemic import AsyncMemory, Memory, ModelError, QuotaExceeded
from mnemic.testing.fakes import FakeEmbedder, FakeExtractor, FakeLLM
from mnemic.tokens import count
from mnemic.types import Extraction, Fact, Usage

USER = "alice"
NOTHING = {"model_calls": 0, "input_tokens": 0, "output_tokens": 0, "embeddings": 0}


class Model(FakeExtractor):
    """A model: each turn is one fact in other words than were said, at a known price; pairs cost as well."""

    def __init__(self, *, attribute=None, failing=0):
        super().__init__(self._read)
        self.attribute = attribute
        self.failing = failing
        self.asked = 0

    def _read(self, request):
        if self.failing:
            self.failing -= 1
            raise ModelError("out")
        facts = tuple(
            Fact(
                text=turn.content.removeprefix("Well, "), turn=place, quote=turn.content.removeprefix("Well, "), subject="user",
                attribute=self.attribute, object=turn.content.rpartition(" ")[2],
            )
            for place, turn in enumerate(request.turns)
        )  # fmt: skip
        return Extraction(facts=facts, usage=Usage(model_calls=1, input_tokens=100, output_tokens=7))

    async def judge(self, pairs):
        self.asked += 1
        return ("different",) * len(pairs), Usage(model_calls=1, input_tokens=30, output_tokens=1)


@pytest.fixture
def counted(make):
    """A memory, and how many texts its embedder was given."""
    embedder = FakeEmbedder()

    def open_one(**arguments):
        memory = make(embedder=embedder, background=False, **arguments)
        return memory, lambda: sum(len(call) for call in embedder.calls)

    return open_one


LONG = " ".join(f"On day {number} I skied for hours." for number in range(400))
TASK = [{"role": "user", "content": "Do it"}, {"role": "assistant", "content": "Done."}]
WAYS = {
    "add": lambda memory: memory.add(["I ski", "I row", "I swim"], user_id=USER),
    "add, stored": lambda memory: memory.add(["I ski", "I row"], user_id=USER, wait="stored"),
    "a long text": lambda memory: memory.add(LONG, user_id=USER, wait="stored"),
    "add, verbatim": lambda memory: memory.add(["I ski", "I row"], user_id=USER, infer=False),
    "remember": lambda memory: memory.remember("I ski", user_id=USER),
    "a task": lambda memory: memory.add(TASK, user_id=USER, memory_type="procedural_memory"),
}


@pytest.mark.behaviour("W15")
@pytest.mark.parametrize("way", WAYS)
def test_a_receipt_counts_every_text_that_was_embedded(counted, way):
    memory, embedded = counted()
    usage = WAYS[way](memory)["receipt"]["usage"]
    assert usage == NOTHING | {"embeddings": embedded()}
    assert embedded() > 0


@pytest.mark.behaviour("W15")
def test_a_receipt_counts_the_calls_and_tokens_of_the_model(counted):
    memory, embedded = counted(extractor=Model())
    usage = memory.add(["Well, I ski", "Well, I row"], user_id=USER)["receipt"]["usage"]
    assert usage == {"model_calls": 1, "input_tokens": 100, "output_tokens": 7, "embeddings": embedded()}
    assert embedded() == 4  # two turns, and two facts in other words
    stats = memory.stats(user_id=USER)
    assert (stats["model_calls_today"], stats["tokens_today"]) == (1, 107)


@pytest.mark.behaviour("W15")
def test_a_call_for_what_was_left_open_is_counted_too_and_there_is_no_third(counted):
    model = Model(attribute="hobby")
    memory, _ = counted(extractor=model)
    for text in ("I have a red kite", "I have a red kite and I say so", "I have a red kite, as I said before"):
        memory.remember(text, user_id=USER)
    memory.add("I collect red and old stamps", user_id=USER)
    usage = memory.add("Well, I collect red and new stamps", user_id=USER)["receipt"]["usage"]
    assert usage["model_calls"] == 1 + (model.asked > 0)
    assert usage["input_tokens"] == 100 + 30 * model.asked
    assert model.asked <= 1


@pytest.mark.behaviour("W15")
def test_what_is_extracted_later_is_counted_when_it_is(counted):
    memory, embedded = counted(extractor=Model())
    stored = memory.add(["Well, I ski", "Well, I row"], user_id=USER, wait="stored")["receipt"]["usage"]
    before = embedded()
    assert stored == NOTHING | {"embeddings": before}
    done = memory.process_pending()["usage"]
    assert (done["model_calls"], done["input_tokens"], done["output_tokens"]) == (1, 100, 7)
    assert done["embeddings"] == embedded() - before == 4


@pytest.mark.behaviour("W15")
def test_reading_costs_no_model(counted):
    model = Model()
    memory, _ = counted(extractor=model)
    memory.add("Well, I ski", user_id=USER)
    memory.search("What do I do?", user_id=USER)
    memory.context("What do I do?", user_id=USER)
    memory.profile(user_id=USER)
    memory.consolidate(user_id=USER, dry_run=False)
    assert len(model.requests) == 1
    assert memory.stats()["model_calls_today"] == 1


@pytest.mark.behaviour("W15")
@pytest.mark.parametrize("said", ["I moved to Oslo last week.", "我上週搬到台北。"])
def test_one_short_message_is_sent_with_at_most_1500_tokens_of_instructions_in_one_call(tmp_path, said):
    llm = FakeLLM({"facts": []}, {"facts": []})
    with Memory(tmp_path / "m.db", llm=llm, background=False) as memory:
        for number in range(8):
            memory.remember(f"I moved to city {number}", user_id=USER)
        memory.add(said, user_id=USER)
        ((system, user),) = llm.prompts
        # The promise is of tokens as a model counts them: o200k.
        assert count(system) <= 1_500
        told = sum(count(item["memory"]) + 20 for item in memory.get_all(user_id=USER)["results"])
        assert count(system) + count(user) <= 1_500 + told + count(said) + 60


@pytest.mark.behaviour("W15")
def test_twenty_messages_of_one_add_are_one_call(counted):
    model = Model()
    memory, _ = counted(extractor=model)
    usage = memory.add([f"Well, I ran {number} km" for number in range(1, 21)], user_id=USER)["receipt"]["usage"]
    assert usage["model_calls"] == len(model.requests) == 1


async def test_beyond_its_quota_a_project_takes_nothing_more_and_another_does(tmp_path, monkeypatch):
    monkeypatch.setattr("mnemic.engine._COUNTED", 0.0)
    async with AsyncMemory(str(tmp_path / "m.db"), limits={"memories": 2}) as m:
        for number in range(2):
            kept = (await m.remember(f"Note {number}", user_id="ann"))["results"][0]["id"]
        with pytest.raises(QuotaExceeded, match="2 memories"):
            await m.add("I live in Taipei.", user_id="ann")
        with pytest.raises(QuotaExceeded, match="2 memories"):
            await m.remember("Another", user_id="bob")
        assert (await m.messages())["total"] == 2
        await m.update(kept, "What is there can be put right")
        await m.within("other").remember("Not of this project", user_id="ann")
        await m.delete(kept)
        await m.remember("Room again", user_id="ann")
