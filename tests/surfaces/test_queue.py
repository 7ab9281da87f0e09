"""No fact is lost: whatever fails, each message is found or listed as waiting, and is made memories of once."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from mnemic import AsyncMemory, InvalidInput, ModelError, NotFound, StoreBusy, registry
from mnemic.stores.sqlite import SQLiteStore
from mnemic.testing.fakes import FakeEmbedder, FakeExtractor, FakeModelExtractor
from mnemic.types import Extraction, Fact, Scope, Usage
from mnemic.write import LEASE, MOST_ATTEMPTS

USER = "alice"


@pytest.fixture
def later(monkeypatch):
    """Moves the clock that decides what is due."""

    def move(**by):
        monkeypatch.setattr("mnemic.upkeep.now", lambda: datetime.now(UTC) + timedelta(**by))

    return move


@pytest.fixture
async def open_one(address, tmp_path):
    """Memories of one store, closed when the test ends."""
    made = []

    def one(**arguments):
        arguments = {"embedder": FakeEmbedder(), "extractor": FakeExtractor(), "background": False} | arguments
        made.append(AsyncMemory(address(tmp_path / "m.db"), **arguments))
        return made[-1]

    yield one
    for memory in made:
        await memory.close()


async def texts(memory, **where):
    return sorted(item["memory"] for item in (await memory.get_all(user_id=USER, **where))["results"])


async def states(memory, **where):
    return [(each["content"], each["state"]) for each in (await memory.messages(**where))["results"]][::-1]


# A failure at each external call in turn.


class Outage:
    """Counts what is asked of the world outside, and lets one of these calls fail, or all from then on."""

    def __init__(self, fails=None, *, lasting=False):
        self.fails = fails
        self.lasting = lasting
        self.asked = []

    def call(self, what, error):
        self.asked.append(what)
        if self.fails is not None and (
            len(self.asked) == self.fails or (self.lasting and len(self.asked) > self.fails)
        ):
            raise error(f"{what} is out")

    def over(self):
        self.fails = None


class BreakableEmbedder(FakeEmbedder):
    def __init__(self, outage):
        super().__init__()
        self.outage = outage

    async def embed(self, pieces, *, role):
        self.outage.call("embed", ModelError)
        return await super().embed(pieces, role=role)


class Judging(FakeExtractor):
    """Three facts in two turns, in words of its own; of pairs it says that they are different things."""

    def __init__(self, outage=None):
        super().__init__(self._read)
        self.outage = outage or Outage()
        self.pairs = []

    async def extract(self, request):
        self.outage.call("extract", ModelError)
        return await super().extract(request)

    @staticmethod
    def _read(request):
        facts = []
        for place, turn in enumerate(request.turns):
            for quote, text, attribute, value in FACTS:
                if quote in turn.content:
                    facts.append(
                        Fact(text=text, turn=place, quote=quote, subject="user", attribute=attribute, object=value)
                    )
        return Extraction(facts=tuple(facts), usage=Usage(model_calls=1, input_tokens=100, output_tokens=10))

    async def judge(self, pairs):
        self.outage.call("judge", ModelError)
        self.pairs += pairs
        return ("different",) * len(pairs), Usage(model_calls=1, input_tokens=20, output_tokens=2)


FACTS = (
    ("bees are what I keep", "Keeps bees", "pet", "bees"),
    ("red coins are what I collect", "Hoards old coins of every kind at home", "hobby", "red coins"),
    ("I live in Oslo", "Lives in Oslo", "home", "Oslo"),
)
TURNS = ["Well, bees are what I keep, and red coins are what I collect.", "And I live in Oslo, as you know."]
# So that there is a memory to be judged beside, which lies further from the turns than others do.
KNOWN = ["And you know, well, I am what I am", "Well, what I keep is what I like", "As you know, well, and so on"]


class BreakableStore(SQLiteStore):
    """Every call may fail, as if another process held the file."""


def breakable(name):
    async def call(self, *args, **kwargs):
        self.outage.call(name, StoreBusy)
        return await getattr(SQLiteStore, name)(self, *args, **kwargs)

    return call


for each in ("commit", "around", "resolve", "last_turns", "spent", "taken", "load", "lease", "due", "space"):
    setattr(BreakableStore, each, breakable(each))


async def fill(memory):
    for text in KNOWN:
        await memory.remember(text, user_id=USER)
    return await memory.add("I have red stamps, a lot of them", user_id=USER)


def known_hobby(request):
    (turn,) = request.turns
    fact = Fact(
        text="Hoards old stamps of every kind at home",
        turn=0,
        quote=turn.content,
        subject="user",
        attribute="hobby",
        object="red stamps",
    )
    return Extraction(facts=(fact,))


async def add_with_outage(tmp_path, fails, *, lasting=False):
    """Two messages, with the call of this number failing: the receipt or the error, and what can be asked then."""
    async with AsyncMemory(
        tmp_path / "m.db", embedder=FakeEmbedder(), extractor=FakeExtractor(known_hobby), background=False
    ) as memory:
        await fill(memory)
    outage = Outage(fails, lasting=lasting)
    store = BreakableStore(tmp_path / "m.db")
    store.outage = Outage()
    memory = AsyncMemory(
        store=store, embedder=BreakableEmbedder(outage), extractor=Judging(outage), background=False,
        limits={"calls_per_day": 1000},
    )  # fmt: skip
    await memory.open()
    store.outage = outage
    messages = [{"role": "user", "content": text, "external_id": text} for text in TURNS]
    try:
        answer = await memory.add(messages, user_id=USER)
    except (ModelError, StoreBusy) as exc:
        answer = exc
    outage.over()
    return memory, answer, outage


async def test_a_write_asks_the_embedder_the_model_the_judge_and_the_store(tmp_path):
    memory, answer, outage = await add_with_outage(tmp_path, None)
    await memory.close()
    assert set(outage.asked) >= {"embed", "extract", "judge", "commit", "around", "resolve", "last_turns", "spent"}
    assert outage.asked.count("embed") >= 2
    assert [item["memory"] for item in answer["results"]] == [text for _, text, _, _ in FACTS]


CALLS = 15
"""No less than a write makes: a later number changes nothing, and the last test says so when there are more."""


@pytest.mark.behaviour("W1", "W2")
@pytest.mark.parametrize("lasting", [False, True], ids=["once", "from then on"])
@pytest.mark.parametrize("fails", range(1, CALLS + 1))
async def test_whichever_call_fails_each_fact_is_found_or_waiting_and_is_made_once(tmp_path, fails, lasting, later):
    memory, answer, outage = await add_with_outage(tmp_path, fails, lasting=lasting)
    failed = len(outage.asked) >= fails
    logged = await memory.messages(user_id=USER, state=["pending", "failed", "done"])
    mine = [each for each in logged["results"] if each["content"] in TURNS]
    if isinstance(answer, Exception):
        assert mine == []  # the caller knows, and nothing was stored
        await memory.add([{"role": "user", "content": text, "external_id": text} for text in TURNS], user_id=USER)
    else:
        listed = {each["episode_id"]: each for each in answer["receipt"]["messages"]}
        assert listed.keys() == {each["id"] for each in mine}
        assert {each["state"] for each in listed.values()} == ({"pending"} if failed else {"done"})
        for text in TURNS:
            hits = [hit["memory"] for hit in (await memory.search(text, user_id=USER, threshold=0))["results"]]
            assert text in hits or not failed
        if failed:
            assert all("out" in each["reason"] for each in listed.values())
            assert all(each["retry_at"] for each in listed.values())
    later(minutes=10)
    done = await memory.process_pending()
    assert (done["pending"], done["failed"]) == (0, 0)
    expected = sorted([*KNOWN, "Hoards old stamps of every kind at home", *(text for _, text, _, _ in FACTS)])
    assert await texts(memory) == expected
    for text in (text for _, text, _, _ in FACTS):
        (item,) = [each for each in (await memory.get_all(user_id=USER))["results"] if each["memory"] == text]
        assert len(item["sources"]) == 1
        assert [event["event"] for event in await memory.history(item["id"])] == ["ADD"]
        hits = [hit["memory"] for hit in (await memory.search(text, user_id=USER, threshold=0))["results"]]
        assert text in hits
    assert (await memory.process_pending())["processed"] == 0
    assert await texts(memory) == expected
    assert (await memory.verify())["problems"] == []
    await memory.close()


async def test_the_calls_that_fail_in_turn_are_all_there_are(tmp_path):
    memory, _, outage = await add_with_outage(tmp_path, None)
    await memory.close()
    assert len(outage.asked) <= CALLS


@pytest.mark.behaviour("W2")
async def test_an_error_nobody_expected_stands_on_the_receipt_and_the_message_is_still_made_a_memory(open_one, later):
    broken = [True]

    def answer(request):
        if broken:
            raise RuntimeError("a bug of an extractor")
        (turn,) = request.turns
        return Extraction(facts=(Fact(text=turn.content, turn=0, quote=turn.content, subject="user"),))

    memory = open_one(extractor=FakeExtractor(answer))
    (message,) = (await memory.add("I keep bees", user_id=USER))["receipt"]["messages"]
    assert (message["state"], message["reason"]) == ("pending", "fake@1 failed: RuntimeError: a bug of an extractor")
    assert await states(memory) == [("I keep bees", "pending")]
    assert [hit["memory"] for hit in (await memory.search("bees", user_id=USER))["results"]] == ["I keep bees"]
    broken.clear()
    assert (await memory.process_pending())["processed"] == 0  # not before the next try is due
    later(seconds=LEASE.total_seconds() + 1)
    assert (await memory.process_pending())["processed"] == 1
    assert await texts(memory) == ["I keep bees"]


async def test_while_the_embedder_is_away_what_was_said_is_found_by_its_words(open_one, later):
    outage = Outage(1, lasting=True)
    memory = open_one(embedder=BreakableEmbedder(outage))
    (message,) = (await memory.add("I keep bees", user_id=USER))["receipt"]["messages"]
    assert message["reason"] == "not embedded: embed is out"
    answer = await memory.search("Who has bees?", user_id=USER, threshold=0)
    assert [hit["memory"] for hit in answer["results"]] == ["I keep bees"]
    assert answer["notes"] == ["searched by keyword only: embed is out"]
    outage.over()
    later(minutes=10)
    await memory.process_pending()
    answer = await memory.search("Who has bees?", user_id=USER, threshold=0, explain=True)
    assert [hit["score_details"]["arms"]["vector"]["value"] > 0 for hit in answer["results"]] == [True]
    assert (await memory.verify())["problems"] == []


# Stored now, extracted later.


@pytest.mark.behaviour("W1", "W2")
async def test_what_is_only_stored_is_found_at_once_and_a_memory_later(open_one):
    memory = open_one()
    answer = await memory.add(["I keep bees", "I like tea"], user_id=USER, wait="stored")
    assert answer["results"] == []
    assert [(each["state"], each["reason"]) for each in answer["receipt"]["messages"]] == [("pending", None)] * 2
    assert [hit["kind"] for hit in (await memory.search("bees", user_id=USER))["results"]] == ["episode"]
    done = await memory.process_pending()
    assert (done["processed"], done["pending"], done["failed"]) == (2, 0, 0)
    assert [item["memory"] for item in done["results"]] == ["I keep bees", "I like tea"]
    assert [hit["kind"] for hit in (await memory.search("bees", user_id=USER))["results"]] == ["fact"]
    assert (await memory.process_pending())["processed"] == 0


async def test_process_pending_keeps_to_a_scope_and_to_a_limit(open_one):
    memory = open_one()
    for user in ("alice", "bob"):
        for number in range(3):
            await memory.add(f"Fact {number}", user_id=user, run_id=f"run-{number}", wait="stored")
    done = await memory.process_pending(user_id="bob", limit=2)
    assert (done["processed"], done["pending"]) == (2, 1)
    assert {item["user_id"] for item in (await memory.get_all())["results"]} == {"bob"}
    assert (await memory.process_pending())["processed"] == 4


async def test_what_the_caller_wished_for_is_kept_until_the_memory_is_made(open_one):
    memory = open_one()
    await memory.add(
        "I keep bees", user_id=USER, wait="stored", metadata={"a": 1}, categories=["animals"], at="2025-03-01",
        expiration_date="2999-01-01", instructions="Keep what is about animals.",
    )  # fmt: skip
    await memory.process_pending()
    (item,) = (await memory.get_all(user_id=USER))["results"]
    kept = {key: item[key] for key in ("metadata", "categories", "expiration_date", "said_at")}
    assert kept == {
        "metadata": {"a": 1}, "categories": ["animals"], "expiration_date": "2999-01-01",
        "said_at": "2025-03-01T00:00:00+00:00",
    }  # fmt: skip


# What a model cannot digest.


class Choking(FakeExtractor):
    """Fails whenever it is given the poison."""

    def __init__(self, poison="poison"):
        super().__init__()
        self.poison = poison

    async def extract(self, request):
        if self.poison and any(self.poison in turn.content for turn in request.turns):
            self.requests.append(request)
            raise ModelError("the model choked")
        return await super().extract(request)


@pytest.mark.behaviour("W2")
async def test_a_poison_message_fails_after_bounded_tries_and_holds_up_nobody(open_one, later):
    extractor = Choking()
    memory = open_one(extractor=extractor)
    answer = await memory.add(["I keep bees", "poison", "I like tea"], user_id=USER, run_id="r")
    assert {each["state"] for each in answer["receipt"]["messages"]} == {"pending"}
    later(days=1)
    done = await memory.process_pending()
    assert (done["pending"], done["failed"]) == (0, 1)
    assert sum(any("poison" in turn.content for turn in each.turns) for each in extractor.requests) == MOST_ATTEMPTS
    assert await texts(memory) == ["I keep bees", "I like tea"]
    assert await states(memory) == [("I keep bees", "done"), ("poison", "failed"), ("I like tea", "done")]
    (failed,) = (await memory.messages(state="failed"))["results"]
    assert (failed["reason"], failed["attempts"], failed["retry_at"]) == ("the model choked", MOST_ATTEMPTS, None)
    assert [hit["memory"] for hit in (await memory.search("poison", user_id=USER))["results"]] == ["poison"]
    assert (await memory.process_pending())["processed"] == 0

    extractor.poison = None
    assert await memory.retry(failed["id"]) == {"retried": 1, "episode_ids": [failed["id"]]}
    assert (await memory.stats())["failed"] == 0
    assert (await memory.process_pending())["processed"] == 1
    assert await texts(memory) == ["I keep bees", "I like tea", "poison"]
    with pytest.raises(InvalidInput):
        await memory.retry(failed["id"])
    with pytest.raises(NotFound):
        await memory.retry("nothing")


async def test_the_pauses_between_tries_grow_and_are_told(open_one, later):
    memory = open_one(extractor=Choking())
    (message,) = (await memory.add("poison", user_id=USER))["receipt"]["messages"]
    pauses = []
    start = datetime.now(UTC)
    while message["state"] == "pending":
        pauses.append((datetime.fromisoformat(message["retry_at"]) - datetime.now(UTC)).total_seconds())
        later(seconds=pauses[-1] - 0.5)
        assert (await memory.process_pending())["messages"] == []  # not before it is due
        later(seconds=pauses[-1] + 0.5)
        (message,) = (await memory.process_pending())["messages"]
    assert message["state"] == "failed"
    assert [round(pause, -1) for pause in pauses[1:]] == [20, 80, 320]
    assert 4 < pauses[0] <= 5
    assert datetime.now(UTC) - start < timedelta(seconds=30)  # nobody slept


async def test_retry_without_an_id_takes_all_that_failed_in_a_scope(open_one, later):
    extractor = Choking()
    memory = open_one(extractor=extractor)
    for user in ("alice", "bob"):
        await memory.add("poison", user_id=user)
    later(days=1)
    assert (await memory.process_pending())["failed"] == 2
    extractor.poison = None
    assert (await memory.retry(user_id="alice"))["retried"] == 1
    assert (await memory.process_pending())["failed"] == 1
    assert [item["user_id"] for item in (await memory.get_all())["results"]] == ["alice"]


# Several at work.


@pytest.mark.behaviour("W2")
async def test_what_one_has_leased_another_leaves_alone_until_the_lease_has_run_out(open_one, later):
    asked, answer = asyncio.Event(), asyncio.Event()

    class Slow(FakeExtractor):
        async def extract(self, request):
            asked.set()
            await answer.wait()
            return await super().extract(request)

    slow, other = open_one(extractor=Slow(name="slow@1")), open_one(extractor=FakeExtractor(name="other@1"))
    adding = asyncio.create_task(slow.add("I keep bees", user_id=USER))
    await asked.wait()
    assert (await other.process_pending())["processed"] == 0
    assert (await other.stats())["pending"] == 1
    later(seconds=LEASE.total_seconds() + 1)
    assert (await other.process_pending())["processed"] == 1
    answer.set()
    late = await adding
    assert late["results"] == []
    (item,) = (await other.get_all(user_id=USER))["results"]
    assert [event["actor"] for event in await other.history(item["id"])] == ["other@1"]
    assert len(item["sources"]) == 1
    assert (await other.verify())["problems"] == []


async def test_a_lease_nobody_comes_back_to_ends_as_failed(open_one, later):
    memory = open_one()
    await memory.add("I keep bees", user_id=USER, wait="stored")
    store = registry.make_store((await memory.stats())["store"])
    await store.open()
    for tried in range(1, MOST_ATTEMPTS + 1):
        long_ago = datetime.now(UTC) + timedelta(seconds=tried)
        (leased,) = await store.lease(now=long_ago, until=long_ago, limit=5, scope=Scope(user_id=USER))
        assert leased.attempts == tried
    await store.close()
    later(minutes=1)
    done = await memory.process_pending()
    assert [(each["state"], each["reason"]) for each in done["messages"]] == [("failed", "extraction never ended")]
    await memory.retry(user_id=USER)
    await memory.process_pending()
    assert await texts(memory) == ["I keep bees"]


@pytest.mark.behaviour("W2")
async def test_a_message_that_ends_the_process_takes_none_with_it(open_one, later):
    class Killed(BaseException):
        """As nobody can answer it, nothing is put right."""

    class Deadly(FakeExtractor):
        async def extract(self, request):
            if any("poison" in turn.content for turn in request.turns):
                raise Killed
            return await super().extract(request)

    memory = open_one(extractor=Deadly())
    await memory.add(["I keep bees", "poison", "I like tea", "I play chess"], user_id=USER, run_id="r", wait="stored")
    for tried in range(1, MOST_ATTEMPTS + 1):
        later(seconds=tried * 2 * LEASE.total_seconds())
        with pytest.raises(Killed):
            await memory.process_pending()
    later(days=1)
    done = await memory.process_pending()
    assert (done["pending"], done["failed"]) == (0, 1)
    assert await texts(memory) == ["I keep bees", "I like tea", "I play chess"]
    (failed,) = (await memory.messages(state="failed"))["results"]
    assert (failed["content"], failed["reason"]) == ("poison", "extraction never ended")


@pytest.mark.behaviour("W2")
@pytest.mark.parametrize("wait", ["extracted", "stored"])
async def test_a_lease_is_held_for_as_long_as_a_model_takes(open_one, monkeypatch, wait):
    monkeypatch.setattr("mnemic.write.LEASE", timedelta(seconds=0.3))
    asked, answer = asyncio.Event(), asyncio.Event()

    class Slow(FakeExtractor):
        async def extract(self, request):
            asked.set()
            await answer.wait()
            return await super().extract(request)

    slow, other = open_one(extractor=Slow(name="slow@1")), open_one(extractor=FakeExtractor(name="other@1"))

    async def work():
        await slow.add(["I keep bees", "I like tea"], user_id=USER, wait=wait)
        await slow.process_pending()

    working = asyncio.create_task(work())
    await asked.wait()
    loop = asyncio.get_running_loop()
    long_after = loop.time() + 1.0
    while loop.time() < long_after:
        assert (await other.process_pending())["processed"] == 0
    answer.set()
    await working
    assert await texts(slow) == ["I keep bees", "I like tea"]
    assert (await other.process_pending())["processed"] == 0


async def test_an_add_that_is_cancelled_leaves_all_of_it_to_whoever_is_next(open_one):
    asked = asyncio.Event()

    class Endless(FakeModelExtractor):
        async def extract(self, request):
            asked.set()
            await asyncio.Event().wait()

    said = [f"Fact {number}" for number in range(45)]
    adding = asyncio.create_task(open_one(extractor=Endless()).add(said, user_id=USER))
    await asked.wait()
    adding.cancel()
    with pytest.raises(asyncio.CancelledError):
        await adding
    other = open_one()
    assert (await other.process_pending())["processed"] == 45
    assert await texts(other, limit=100) == sorted(said)


async def test_two_at_work_at_once_make_each_memory_once(open_one):
    one, other = open_one(), open_one()
    for number in range(6):
        await one.add(f"Fact {number}", user_id=USER, run_id=f"run-{number}", wait="stored")
    done = await asyncio.gather(one.process_pending(), other.process_pending())
    assert sum(each["processed"] for each in done) == 6
    assert await texts(one) == [f"Fact {number}" for number in range(6)]
    for item in (await one.get_all(user_id=USER))["results"]:
        assert len(item["sources"]) == 1


@pytest.mark.behaviour("W2")
async def test_within_a_scope_messages_are_extracted_in_the_order_they_came(open_one):
    extractor = FakeExtractor()
    memory = open_one(extractor=extractor)
    for number in range(5):
        await memory.add([f"Fact {number}a", f"Fact {number}b"], user_id=USER, run_id="r", wait="stored")
    await memory.process_pending()
    read = [turn.content for request in extractor.requests for turn in request.turns]
    assert read == [f"Fact {number}{letter}" for number in range(5) for letter in "ab"]


async def test_adds_that_run_at_once_settle_in_the_order_they_were_called(open_one):
    extractor = FakeExtractor()
    memory = open_one(extractor=extractor)
    await asyncio.gather(*(memory.add(f"Fact {number}", user_id=USER) for number in range(8)))
    assert [request.turns[0].content for request in extractor.requests] == [f"Fact {number}" for number in range(8)]


# What models may cost.


@pytest.mark.parametrize(
    "limits", [{"calls_per_day": 2}, {"tokens_per_day": 200}], ids=lambda limits: next(iter(limits))
)
async def test_beyond_the_days_budget_work_waits_for_tomorrow_and_nothing_is_lost(open_one, later, limits):
    memory = open_one(extractor=Judging(), limits=limits)
    said = [f"I live in Oslo, and it is day {number}" for number in range(4)]
    answers = [await memory.add(text, user_id=USER, run_id=str(number)) for number, text in enumerate(said)]
    outcomes = [answer["receipt"]["messages"][0] for answer in answers]
    assert [each["state"] for each in outcomes] == ["done", "done", "pending", "pending"]
    assert all("budget" in each["reason"] for each in outcomes[2:])
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).date()
    assert {datetime.fromisoformat(each["retry_at"]).date() for each in outcomes[2:]} == {tomorrow}
    assert [answer["receipt"]["usage"]["model_calls"] for answer in answers] == [1, 1, 0, 0]
    for text in said[2:]:
        assert text in [hit["memory"] for hit in (await memory.search(text, user_id=USER, threshold=0))["results"]]
    assert (await memory.stats())["model_calls_today"] == 2
    assert (await memory.process_pending())["messages"] == []
    free = open_one(extractor=Judging())
    await free.retry(outcomes[2]["episode_id"])
    await free.retry(outcomes[3]["episode_id"])
    assert (await free.process_pending())["processed"] == 2


async def test_tries_that_came_to_nothing_count_towards_the_days_budget(open_one):
    outage = Outage()
    memory = open_one(extractor=Judging(), embedder=BreakableEmbedder(outage), limits={"calls_per_day": 1})
    outage.fails = 2  # what the facts say
    (message,) = (await memory.add(TURNS[0], user_id=USER))["receipt"]["messages"]
    assert message["reason"] == "embed is out"
    assert (await memory.stats())["model_calls_today"] == 1
    (message,) = (await memory.add(TURNS[1], user_id=USER))["receipt"]["messages"]
    assert "budget" in message["reason"]


async def test_a_long_add_spends_no_more_calls_than_it_may_and_the_rest_waits(open_one, later):
    extractor = Judging()
    memory = open_one(extractor=extractor, limits={"calls_per_add": 1})
    answer = await memory.add([f"I live in Oslo, and it is day {number}" for number in range(50)], user_id=USER)
    counted = [each["state"] for each in answer["receipt"]["messages"]]
    assert counted == ["done"] * 20 + ["pending"] * 30
    assert answer["receipt"]["usage"]["model_calls"] == len(extractor.requests) == 1
    later(minutes=1)
    assert (await memory.process_pending())["processed"] == 30
    assert len(extractor.requests) == 3  # in batches, as if nothing had been put off


# In the background.


def workers():
    return [task for task in asyncio.all_tasks() if task.get_name() == "mnemic-worker"]


async def until(happened):
    """Lets others go on until something is so."""
    async with asyncio.timeout(4):  # less than the first pause between tries
        while not await happened():  # noqa: ASYNC110 - the worker knows nothing of this test
            await asyncio.sleep(0)


async def test_the_worker_makes_memories_of_what_was_only_stored_and_ends(open_one):
    memory = open_one(background=True)
    await memory.add("I keep bees", user_id=USER, wait="stored")

    async def made():
        return await texts(memory) == ["I keep bees"] and workers() == []

    await until(made)


async def test_closing_stops_the_worker_and_what_it_was_at_is_taken_up_later(open_one, later):
    asked = asyncio.Event()

    class Never(FakeExtractor):
        async def extract(self, request):
            asked.set()
            await asyncio.Event().wait()

    memory = open_one(extractor=Never(), background=True)
    await memory.add("I keep bees", user_id=USER, wait="stored")
    await asyncio.wait_for(asked.wait(), 10)
    await memory.close()
    assert workers() == []
    other = open_one()
    assert await states(other) == [("I keep bees", "pending")]
    later(seconds=LEASE.total_seconds() + 1)
    await other.process_pending()
    assert await texts(other) == ["I keep bees"]


async def test_without_background_nothing_happens_by_itself(open_one):
    memory = open_one()
    await memory.add("I keep bees", user_id=USER, wait="stored")
    assert workers() == []


async def test_a_worker_that_waits_for_a_later_try_is_woken_by_a_new_message(open_one):
    memory = open_one(extractor=Choking(), background=True)
    await memory.add("poison", user_id="bob")
    assert len(workers()) == 1
    await memory.add("I keep bees", user_id=USER, wait="stored")

    async def made():
        return await texts(memory) == ["I keep bees"]

    await until(made)
    assert len(workers()) == 1


async def test_an_error_nobody_expected_holds_up_no_other_message(open_one):
    class Failing(FakeExtractor):
        async def extract(self, request):
            if request.turns[0].content == "First":
                raise RuntimeError("a bug of an extractor")
            return await super().extract(request)

    memory = open_one(extractor=Failing(), background=True)
    await memory.add("First", user_id="bob", wait="stored")
    await memory.add("Second", user_id=USER, wait="stored")

    async def made():
        return await texts(memory) == ["Second"]

    await until(made)
    assert await states(memory, user_id="bob") == [("First", "pending")]
