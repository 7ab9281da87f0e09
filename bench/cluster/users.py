"""Users spread over nodes, behind one `Memory` that is opened with the coordinator's address."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import asyncpg
import numpy as np
from cluster import DATABASE, USER, Cluster
from coordinator import Node, distribute

from mnemic import AsyncMemory
from mnemic.embedders.bundled import bundled
from mnemic.ids import new_id
from mnemic.protocols import NewEpisode, NewMemory, Space, Vectors, Write
from mnemic.stores.postgres import PostgresStore
from mnemic.stores.postgres_nodes import PostgresNodes
from mnemic.stores.postgres_schema import SCHEMA
from mnemic.testing.fakes import FakeExtractor
from mnemic.times import now
from mnemic.types import Change, Episode, HistoryEvent, Memory, Scope, Source

DIMENSIONS = 384
CHINESE = 0.1  # share of the texts
OFTEN = 15  # seconds from one word of progress to the next
ENGLISH = (
    "I moved to {0} street in {1} and like it there",
    "My colleague from {0} plays chess with me on day {1}",
    "The course on {0} starts in room {1}",
    "I ordered {1} pieces of {0} for the workshop",
    "Our train to {0} leaves from platform {1}",
)
HAN = ("我上個月搬到{0}路{1}號了", "我的同事{0}每週{1}跟我下棋", "我訂了{1}個{0}給工作坊", "去{0}的火車在第{1}月台")
PLACES = ("Oslo", "Lisbon", "Kyoto", "Quito", "Tartu", "Bergen", "Dakar", "Hobart")
PLACES_HAN = ("台北", "高雄", "京都", "里斯本", "墨爾本", "上海", "廣州", "花蓮")


class Drawn:
    """An embedder whose vectors are drawn at random, the same for the same text: what is timed is not a model."""

    name, max_chars, calibration = "demo:drawn", 1_000_000, bundled().calibration

    async def embed(self, texts: Sequence[str], *, role: Literal["query", "passage"]) -> Vectors:  # noqa: ARG002 - a text has one vector
        seeds = (int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big") for text in texts)
        return unit(np.stack([np.random.default_rng(seed).standard_normal(DIMENSIONS) for seed in seeds]))

    async def close(self) -> None:
        """Nothing to free."""


@dataclass(frozen=True, kw_only=True)
class Users:
    """A memory of all users, its store, and a connection to the coordinator."""

    memory: AsyncMemory
    store: PostgresNodes
    coordinator: asyncpg.Connection
    divided: Sequence[str]
    """Tables that are spread over the nodes."""

    def node(self, user: str) -> int:
        """The number of the node that has a user's rows."""
        return self.store.node(Scope(user_id=user))

    async def close(self) -> None:
        """Close every connection."""
        await self.memory.close()
        await self.coordinator.close()


async def open_users(cluster: Cluster) -> Users:
    """Migrate every node, make the coordinator's tables after them, and open it."""
    for node in range(cluster.size):
        each = PostgresStore(cluster.dsn(node))
        await each.open()
        await each.use_space(Space(name=Drawn.name, dimensions=DIMENSIONS))
        await each.close()
    coordinator = await asyncpg.connect(cluster.coordinator, server_settings={"search_path": f"{SCHEMA}, public"})
    divided = await share_out(coordinator, cluster)
    store = PostgresNodes(cluster.coordinator)
    await store.open()
    memory = AsyncMemory(store=store, embedder=Drawn(), extractor=FakeExtractor(), background=False)
    return Users(memory=memory, store=store, coordinator=coordinator, divided=divided)


async def share_out(coordinator: asyncpg.Connection, cluster: Cluster) -> list[str]:
    """The coordinator's tables over the nodes of a cluster; returns the names of the divided ones."""
    nodes = [
        Node(
            name=f"node{node}",
            hosts=["127.0.0.1"] * len(cluster.ports(node)),
            ports=cluster.ports(node),
            database=DATABASE,
            user=USER,
            password=cluster.password,
            options="-c mnemic.project=*",  # the coordinator counts every project's rows
        )
        for node in range(cluster.size)
    ]
    return await distribute(coordinator, nodes, schema=SCHEMA)


async def fill(users: Users, *, owners: int, each: int, at_once: int) -> None:
    """`each` memories of every user from 0 on, one transaction a user. Says how far it is."""
    waiting = iter(range(owners))
    start = said = time.perf_counter()

    async def worker() -> None:
        nonlocal said
        for number in waiting:
            await users.store.commit(await asyncio.to_thread(some_memories, number, each))
            if (at := time.perf_counter()) - said > OFTEN:
                said = at
                done = (number + 1) * each
                print(f"  {done:,} of {owners * each:,}, {done / (at - start):,.0f} a second", flush=True)

    async with asyncio.TaskGroup() as tasks:
        for _ in range(at_once):
            tasks.create_task(worker())


def some_memories(number: int, count: int) -> Write:
    """Memories of user `number`, with what they came from and their history, as `add(..., infer=False)` writes them."""
    rng = np.random.default_rng(number)
    scope, at = Scope(user_id=f"user{number}"), now()
    change = Change(id=new_id(scope.partition), scope=scope, kind="add", at=at)
    episodes, memories, history = [], [], []
    for place, vector in enumerate(unit(rng.standard_normal((count, DIMENSIONS), dtype=np.float32))):
        said = _text(rng, place)
        episode = Episode(
            id=new_id(scope.partition), scope=scope, role="user", content=said, said_at=at, received_at=at,
            state="done", change_id=change.id,
        )  # fmt: skip
        memory = Memory(
            id=new_id(scope.partition), version=1, scope=scope, kind="note", text=said, created_at=at, updated_at=at,
            known_from=at, said_at=at, origin="given",
            sources=(Source(episode_id=episode.id, quote=said, said_at=at, role="user"),),
        )  # fmt: skip
        event = HistoryEvent(
            id=new_id(scope.partition), memory_id=memory.id, version=1, event="ADD", old_text=None, new_text=said,
            at=at, change_id=change.id, actor="person",
        )  # fmt: skip
        episodes.append(NewEpisode(episode=episode, vectors=None))
        memories.append(NewMemory(memory=memory, vectors=vector[None, :], episode_id=episode.id))
        history.append(event)
    return Write(
        scope=scope,
        at=at,
        space=Space(name=Drawn.name, dimensions=DIMENSIONS),
        changes=(change,),
        episodes=tuple(episodes),
        memories=tuple(memories),
        history=tuple(history),
    )


def unit(vectors: np.ndarray) -> Vectors:
    """Rows of length 1."""
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def _text(rng: np.random.Generator, place: int) -> str:
    forms, places = (HAN, PLACES_HAN) if rng.random() < CHINESE else (ENGLISH, PLACES)
    form, name = forms[rng.integers(len(forms))], places[rng.integers(len(places))]
    return f"{form.format(name, rng.integers(10**6))} ({place})"
