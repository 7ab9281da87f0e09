"""SQLite and PostgreSQL give the same answers: over the same records, the same ids in the same order by the same scores."""

from __future__ import annotations

import asyncio
import os
import random
from datetime import UTC, datetime, timedelta

import pytest

from mnemic import AsyncMemory
from mnemic.ids import new_id
from mnemic.protocols import NewEpisode, NewMemory, Space, Write
from mnemic.stores.postgres import PostgresStore
from mnemic.stores.sqlite import SQLiteStore
from mnemic.testing.fakes import FakeEmbedder, FakeExtractor
from mnemic.types import Change, Episode, HistoryEvent, Memory, Scope, Source

PROJECT = "parity"
NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
ENGLISH = (
    "Mei moved to Tainan and bought red lanterns, green tea, a bicycle, violin strings and a ticket to Kyoto".split()
)
CHINESE = [
    "她妹妹住在台北",
    "喜歡喝綠茶",
    "星期天去河邊散步",
    "养了一只橘猫",
    "下個月去京都旅行",
    "在医院工作",
    "最近搬家",
]
COLOURS = ("red", "green", "blue")
USERS, AGENTS, RUNS = ("mei", "ana", "ben"), ("shopper", "coach", None), ("r1", "r2", "r3", None)


def sentence(draw):
    if draw.random() < 0.4:
        return "".join(draw.sample(CHINESE, draw.randint(1, 3)))
    return " ".join(draw.sample(ENGLISH, draw.randint(3, 8)))


async def records(draw, embedder, count):
    """Writes of one record each, some of them corrected later."""
    for number in range(count):
        scope = Scope(
            project=PROJECT, user_id=draw.choice(USERS), agent_id=draw.choice(AGENTS), run_id=draw.choice(RUNS)
        )
        at = NOW - timedelta(days=draw.randint(0, 400), minutes=number)
        text, at = sentence(draw), at.replace(microsecond=0)
        metadata = {"colour": draw.choice(COLOURS), "size": draw.randint(1, 9)}
        change = Change(id=new_id(scope.partition), scope=scope, kind="add", at=at)
        episode = Episode(
            id=new_id(scope.partition), scope=scope, role="user", content=text, said_at=at, received_at=at,
            metadata=metadata, state="done", change_id=change.id,
        )  # fmt: skip
        memory = Memory(
            id=new_id(scope.partition), version=1, scope=scope, kind=draw.choice(["note", "fact", "event"]), text=text,
            origin="given", metadata=metadata, said_at=at, created_at=at, updated_at=at, known_from=at,
            sources=(Source(episode_id=episode.id, quote=text, said_at=at, role="user"),),
            valid_from=at if draw.random() < 0.3 else None,
            expires_at=NOW - timedelta(days=1) if draw.random() < 0.05 else None,
        )  # fmt: skip
        vectors = await embedder.embed([text], role="passage")
        yield Write(
            scope=scope, at=at, changes=(change,), space=Space(name=embedder.name, dimensions=vectors.shape[1]),
            episodes=(NewEpisode(episode=episode, vectors=None),),
            memories=(NewMemory(memory=memory, vectors=vectors, episode_id=episode.id),),
            history=(
                HistoryEvent(
                    id=new_id(scope.partition), memory_id=memory.id, version=1, event="ADD", old_text=None,
                    new_text=text, at=at, change_id=change.id, actor="person", reason=None,
                ),
            ),
        )  # fmt: skip


def question(draw):
    """Arguments of a search: a scope, and perhaps a filter and a time."""
    asked = {
        "user_id": draw.choice(USERS) if draw.random() < 0.8 else None,
        "agent_id": draw.choice(AGENTS) if draw.random() < 0.3 else None,
        "run_id": draw.choice(RUNS) if draw.random() < 0.3 else None,
    }
    asked = {name: value for name, value in asked.items() if value is not None}
    if draw.random() < 0.3:
        asked["filters"] = draw.choice([
            {"colour": draw.choice(COLOURS)},
            {"size": {"gte": draw.randint(1, 9)}},
            {"OR": [{"colour": "red"}, {"size": {"lt": 4}}]},
        ])  # fmt: skip
    if draw.random() < 0.2:
        asked[draw.choice(["as_of", "known_at"])] = NOW - timedelta(days=draw.randint(0, 400))
    if draw.random() < 0.2:
        asked["include"] = ["memory", "episode"]
    if draw.random() < 0.2:
        asked["show_expired"] = True
    words = sentence(draw) + draw.choice(["", "?", " last month", " 上個月"])
    return {"query": words, "reference_date": NOW, "threshold": 0, "top_k": draw.choice([5, 20]), **asked}


@pytest.mark.behaviour("R3", "R12")
@pytest.mark.parametrize(
    ("memories", "questions"), [(150, 120), pytest.param(600, 1_000, marks=pytest.mark.slow)], ids=["some", "thousand"]
)
async def test_both_stores_find_the_same_in_the_same_order(migrated_database, tmp_path, memories, questions):
    draw, embedder = random.Random(20260501), FakeEmbedder()
    stores = [SQLiteStore(os.fspath(tmp_path / "m.db")), PostgresStore(migrated_database(), project=PROJECT)]
    both = [
        AsyncMemory(store=each, project=PROJECT, embedder=embedder, extractor=FakeExtractor(), background=False)
        for each in stores
    ]
    for each in both:
        await each.get_all(user_id="nobody")  # opens it
    async for write in records(draw, embedder, memories):
        for store in stores:
            await store.commit(write)
    asked, found = [question(draw) for _ in range(questions)], 0
    for each in asked:
        answers = [
            [(hit["id"], hit["score"]) for hit in answer["results"]]
            for answer in await asyncio.gather(*(memory.search(**each) for memory in both))
        ]
        assert answers[0] == answers[1], each
        found += bool(answers[0])
    assert found > questions / 2
    for memory in both:
        await memory.close()
