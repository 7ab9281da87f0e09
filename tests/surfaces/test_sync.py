"""`Memory` for code that does not await: in scripts, threads, and inside a running loop."""

import asyncio
import subprocess
import sys
import threading

import pytest

from mnemic import AsyncMemory, Closed, InvalidInput, Memory, Reentered
from mnemic.testing.fakes import FakeEmbedder, FakeExtractor
from mnemic.types import Extraction, Fact


def test_it_works_inside_a_running_loop(make, tmp_path):
    async def notebook():
        memory = make(tmp_path / "m.db")
        memory.add("I ski", user_id="alice")
        return memory.search("I ski", user_id="alice")["results"][0]["memory"]

    assert asyncio.run(notebook()) == "I ski"


def test_it_works_from_several_threads(make, tmp_path):
    memory, found = make(tmp_path / "m.db"), []
    memory.add("I ski", user_id="alice")
    threads = [threading.Thread(target=lambda: found.append(memory.get_all()["total"])) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [1] * 8


def test_closing_twice_does_no_harm_and_afterwards_every_call_says_closed(tmp_path):
    memory = Memory(tmp_path / "m.db", embedder=FakeEmbedder(), extractor=FakeExtractor())
    (added,) = memory.remember("I ski", user_id="alice")["results"]
    view = memory.scope(user_id="alice")
    memory.close()
    memory.close()
    for call in (
        lambda: memory.add("x", user_id="a"), lambda: memory.remember("x", user_id="a"), lambda: memory.search("x"),
        lambda: memory.context("x"), lambda: memory.get(added["id"]), memory.get_all, lambda: memory.history(added["id"]),
        lambda: memory.update(added["id"], "x"), lambda: memory.delete(added["id"]), lambda: memory.delete_all(user_id="a"),
        memory.reset, memory.stats, memory.verify, view.get_all,
    ):  # fmt: skip
        with pytest.raises(Closed, match="new Memory"):
            call()
    with Memory(tmp_path / "m.db", embedder=FakeEmbedder(), extractor=FakeExtractor()) as again:
        assert again.get_all()["total"] == 1


def test_bad_input_after_closing_is_still_bad_input(tmp_path):
    memory = Memory(tmp_path / "m.db", embedder=FakeEmbedder(), extractor=FakeExtractor())
    memory.close()
    with pytest.raises(InvalidInput):
        memory.search("")


def test_an_error_of_the_embedder_reaches_the_caller_as_it_is(make):
    class Broken(FakeEmbedder):
        async def embed(self, texts, *, role):
            raise ZeroDivisionError("inside the embedder")

    memory = make(embedder=Broken())
    with pytest.raises(ZeroDivisionError, match="inside the embedder"):
        memory.remember("I ski", user_id="alice")
    assert memory.stats()["episodes"] == 0


def test_an_embedder_that_was_passed_in_is_left_open_and_a_named_one_is_closed(tmp_path):
    class Watched(FakeEmbedder):
        closed = 0

        async def close(self):
            self.closed += 1

    embedder = Watched()
    Memory(tmp_path / "m.db", embedder=embedder, extractor=FakeExtractor()).close()
    assert embedder.closed == 0


def test_a_store_that_cannot_be_opened_is_told_when_the_memory_is_made(tmp_path):
    from mnemic import NotAStore

    (tmp_path / "m.db").write_text("Dear diary")
    with pytest.raises(NotAStore):
        Memory(tmp_path / "m.db", embedder=FakeEmbedder(), extractor=FakeExtractor())
    memory = AsyncMemory(tmp_path / "m.db", embedder=FakeEmbedder(), extractor=FakeExtractor())

    async def go():
        for _ in range(2):
            with pytest.raises(NotAStore):
                await memory.open()
        await memory.close()

    asyncio.run(go())


def test_an_interrupt_reaches_the_work(tmp_path):
    """Ctrl-C while an extractor thinks: the call ends at once, and the message is logged."""
    script = f"""
import asyncio, os, signal, threading
from mnemic import Memory
from mnemic.testing.fakes import FakeEmbedder, FakeExtractor
signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background is started deaf to it
ended = []
class Slow(FakeExtractor):
    async def extract(self, request):
        os.kill(os.getpid(), signal.SIGINT)
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            ended.append("cancelled")
            raise
memory = Memory({str(tmp_path / "m.db")!r}, embedder=FakeEmbedder(), extractor=Slow())
try:
    memory.add("I ski", user_id="alice")
except KeyboardInterrupt:
    found = memory.search("I ski", user_id="alice")["results"]
    print(ended, [hit["memory"] for hit in found])
memory.close()
"""
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=30, check=False)
    assert ran.stdout == "['cancelled'] ['I ski']\n", ran.stderr


def test_a_script_that_forgets_to_close_ends_and_keeps_what_it_wrote(tmp_path):
    script = f"""
from mnemic import Memory
from mnemic.testing.fakes import FakeEmbedder, FakeExtractor
Memory({str(tmp_path / "m.db")!r}, embedder=FakeEmbedder(), extractor=FakeExtractor()).remember("I ski", user_id="alice")
"""
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=30, check=False)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")
    with Memory(tmp_path / "m.db", embedder=FakeEmbedder(), extractor=FakeExtractor()) as memory:
        assert memory.get_all()["total"] == 1


def test_a_memory_that_its_own_extractor_calls_says_so_instead_of_waiting_for_itself(make):
    said = []

    def answer(request):
        for call in (lambda: memory.search("ski", user_id="alice"), other.stats, lambda: Memory(":memory:")):
            with pytest.raises(Reentered, match="AsyncMemory"):
                call()
        said.append([turn.content for turn in request.turns])
        return plain(request)

    def plain(request):
        facts = [Fact(text=turn.content, turn=place, quote=turn.content) for place, turn in enumerate(request.turns)]
        return Extraction(facts=tuple(facts))

    memory, other = make(extractor=FakeExtractor(answer)), make()
    memory.add("I ski", user_id="alice")
    assert said == [["I ski"]]
    assert [item["memory"] for item in memory.get_all(user_id="alice")["results"]] == ["I ski"]


async def test_what_an_extractor_may_call_is_an_async_memory(tmp_path):
    asked = []

    class Asking(FakeExtractor):
        async def extract(self, request):
            asked.append((await memory.search("ski", user_id="alice", threshold=0))["results"])
            return await super().extract(request)

    async with AsyncMemory(tmp_path / "store.db", embedder=FakeEmbedder(), extractor=Asking()) as memory:
        await memory.add("I ski", user_id="alice")
    assert len(asked) == 1
