"""Keys, tokens, passwords and card numbers reach nothing but the log: no index, embedder, model, log line or answer."""

import logging

import pytest

from mnemic import Memory, ModelError
from mnemic.extractors.rules import RuleExtractor
from mnemic.testing.fakes import FakeEmbedder, FakeExtractor, FakeLLM
from mnemic.types import Extraction, Fact

USER = "alice"
SECRETS = {
    "api key": "sk-proj-4fT9wQz7LmN2bVx8RkP1sHd6",
    "token": "ghp_A1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q7r8",
    "card number": "4111 1111 1111 1111",
    "password": "hunter2-Zebra!",
}
SAID = {
    "api key": "I use the key {} for work, and I live in Oslo.",
    "token": "My deploy token is {} and my cat is called Miso.",
    "card number": "Pay with {} please, I work at Acme.",
    "password": "我的密碼是 {}，我住在台北。",
}
MESSAGES = [{"role": "user", "content": SAID[kind].format(secret)} for kind, secret in SECRETS.items()]


def parts(secret):
    """The secret, as it is and run together, and the longest of its pieces, unless that may stand in any id or time."""
    longest = max(secret.replace("-", " ").replace("_", " ").split(), key=len)
    return {secret, secret.replace(" ", "")} | ({longest} if len(longest) > 4 else set())


def assert_unseen(seen):
    for secret in SECRETS.values():
        for part in parts(secret):
            assert part not in str(seen)


class Listening:
    """Parts that keep all they are told."""

    def __init__(self, **arguments):
        self.embedder = FakeEmbedder(name="fake:listening")
        self.extractor = FakeExtractor(**arguments)

    @property
    def heard(self):
        return [self.embedder.calls, self.extractor.requests]


@pytest.fixture
def listening():
    return Listening()


@pytest.fixture
def open_one(tmp_path, listening):
    made = []

    def one(**arguments):
        arguments = {"embedder": listening.embedder, "extractor": listening.extractor, "background": False} | arguments
        made.append(Memory(tmp_path / "m.db", **arguments))
        return made[-1]

    yield one
    for memory in made:
        memory.close()


def everything_told(memory):
    """All that the public methods answer."""
    ids = [item["id"] for item in memory.get_all(user_id=USER)["results"]]
    questions = [message["content"] for message in MESSAGES]
    return [
        [memory.search(each, user_id=USER, threshold=0, explain=True, latest_only=False) for each in questions],
        [memory.search(each, user_id=USER, threshold=0, include=["episode"]) for each in questions],
        [memory.context(each, user_id=USER, threshold=0) for each in questions],
        memory.get_all(user_id=USER, latest_only=False),
        memory.messages(user_id=USER, state=["pending", "done", "empty", "refused", "failed", "hidden"]),
        [memory.get(each) for each in ids],
        [memory.history(each) for each in ids],
        memory.entities(user_id=USER),
        memory.graph(user_id=USER),
        memory.profile(user_id=USER),
        memory.consolidate(user_id=USER),
        memory.stats(user_id=USER),
    ]


WAYS = {
    "add": lambda memory: memory.add(MESSAGES, user_id=USER),
    "add, stored": lambda memory: memory.add(MESSAGES, user_id=USER, wait="stored"),
    "add, verbatim": lambda memory: memory.add(MESSAGES, user_id=USER, infer=False),
    "procedure": lambda memory: memory.add(MESSAGES, user_id=USER, memory_type="procedural_memory"),
    "remember": lambda memory: [memory.remember(each["content"], user_id=USER) for each in MESSAGES],
    "update": lambda memory: [
        memory.update(memory.remember("x", user_id=USER)["results"][0]["id"], data=each["content"]) for each in MESSAGES
    ],
}


@pytest.mark.behaviour("W16")
@pytest.mark.parametrize("way", WAYS)
def test_no_part_outside_the_log_ever_sees_a_secret(open_one, listening, way, caplog):
    caplog.set_level(logging.DEBUG)
    memory = open_one()
    answer = WAYS[way](memory)
    assert_unseen(answer)
    assert_unseen(memory.process_pending())
    assert_unseen(listening.heard)
    told = everything_told(memory)
    assert listening.embedder.calls
    assert "[masked" in str(told)
    assert_unseen([told, listening.heard, caplog.text])


@pytest.mark.behaviour("W16")
def test_a_model_is_shown_the_mask_only(open_one):
    llm = FakeLLM({"facts": []})
    open_one(llm=llm, extractor=None).add(MESSAGES, user_id=USER)
    ((system, user),) = llm.prompts
    assert "[masked api key]" in user
    assert_unseen(system + user)


@pytest.mark.behaviour("W16")
def test_what_a_failing_model_answered_is_not_told_with_the_secret_in_it(open_one, caplog):
    caplog.set_level(logging.DEBUG)

    def fails(request):
        raise ModelError(f"cannot read {request.turns[0].content}")

    memory = open_one(extractor=FakeExtractor(fails))
    answer = memory.add(MESSAGES, user_id=USER)
    assert {each["state"] for each in answer["receipt"]["messages"]} == {"pending"}
    assert_unseen([answer, memory.messages(user_id=USER), everything_told(memory), caplog.text])


@pytest.mark.behaviour("W16")
@pytest.mark.parametrize("kind", SECRETS)
def test_the_receipt_counts_the_mask_and_search_shows_it_and_the_bytes_are_kept(rules, kind):
    said = SAID[kind].format(SECRETS[kind])
    answer = rules.add(said, user_id=USER)
    (message,) = answer["receipt"]["messages"]
    assert message["masked"] == {kind: 1}
    assert rules.get(message["episode_id"])["memory"] == SAID[kind].format(f"[masked {kind}]")
    assert rules.get(message["episode_id"], unmasked=True)["memory"] == said
    for question in (said, SECRETS[kind], "Where do I live?"):
        assert_unseen(rules.search(question, user_id=USER, threshold=0))


@pytest.mark.behaviour("W16")
def test_a_verbatim_memory_keeps_the_bytes_and_shows_the_mask_through_every_version(rules):
    first, second = (SAID[kind].format(SECRETS[kind]) for kind in ("api key", "card number"))
    (item,) = rules.remember(first, user_id=USER)["results"]
    assert item["memory"] == SAID["api key"].format("[masked api key]")
    assert rules.get(item["id"], unmasked=True)["memory"] == first
    rules.update(item["id"], data=second)
    assert rules.get(item["id"])["memory"] == SAID["card number"].format("[masked card number]")
    assert rules.get(item["id"], unmasked=True)["memory"] == second
    rules.update(item["id"], metadata={"a": 1})
    assert rules.get(item["id"], unmasked=True)["memory"] == second
    rules.undo(rules.update(item["id"], data="nothing secret")["change_id"])
    assert rules.get(item["id"], unmasked=True)["memory"] == second
    assert_unseen([rules.history(item["id"]), rules.get_all(user_id=USER)])


@pytest.mark.behaviour("W16")
@pytest.mark.parametrize("way", WAYS)
def test_with_keep_secrets_off_no_file_of_the_store_holds_one(tmp_path, way):
    folder = tmp_path / "store"
    folder.mkdir()
    for keeps in (False, True):
        file = folder / f"{keeps}.db"
        with Memory(file, extractor=RuleExtractor(), background=False, keep_secrets=keeps) as memory:
            WAYS[way](memory)
            memory.process_pending()
            held = b"".join(each.read_bytes() for each in folder.glob(f"{file.name}*"))
            assert [secret.encode() in held for secret in SECRETS.values()] == [keeps] * len(SECRETS)
            if not keeps:
                unmasked = [memory.get(item["id"], unmasked=True) for item in memory.get_all(user_id=USER)["results"]]
                assert_unseen([unmasked, memory.messages(user_id=USER)])


@pytest.mark.behaviour("W16")
def test_a_fact_that_a_model_makes_of_the_mask_is_no_way_around_it(open_one, listening):
    """A model that saw the secret somewhere else cannot bring it into a memory."""
    secret = SECRETS["api key"]

    def answer(request):
        turn = request.turns[0].content
        return Extraction(facts=(Fact(text=f"The key is {secret}", turn=0, quote=turn, subject="user"),))

    memory = open_one(extractor=FakeExtractor(answer))
    answer = memory.add(SAID["api key"].format(secret), user_id=USER)
    assert_unseen([answer, memory.get_all(user_id=USER), listening.embedder.calls])


@pytest.mark.behaviour("W16")
def test_a_secret_in_a_question_is_masked_before_the_embedder_sees_it(open_one, listening):
    memory = open_one()
    memory.add(MESSAGES, user_id=USER)
    for message in MESSAGES:
        assert "[masked" in str(memory.search(message["content"], user_id=USER, threshold=0))
        memory.context(message["content"], user_id=USER, threshold=0)
    assert_unseen(listening.embedder.calls)
