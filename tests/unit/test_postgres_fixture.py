"""The PostgreSQL that other tests use is a real one, with vectors, and does what they take it to do."""

import asyncio
import contextlib

import asyncpg
import pytest


@contextlib.asynccontextmanager
async def connected(url):
    connection = await asyncpg.connect(url)
    try:
        yield connection
    finally:
        await connection.close()


async def test_the_server_has_vectors_that_know_their_distance(new_database):
    async with connected(new_database()) as database:
        await database.execute("CREATE EXTENSION vector")
        assert await database.fetchval("SELECT '[3,0]'::vector <-> '[0,4]'::vector") == 5


async def test_the_server_speaks_utf8_and_counts_time_in_utc(new_database):
    async with connected(new_database()) as database:
        assert await database.fetchval("SELECT upper('ümlaut') || length('養貓')") == "ÜMLAUT2"
        assert await database.fetchval("SHOW timezone") == "UTC"


async def test_two_databases_are_apart(new_database):
    async with connected(new_database()) as one, connected(new_database()) as other:
        await one.execute("CREATE TABLE cats (name text)")
        with pytest.raises(asyncpg.UndefinedTableError):
            await other.execute("SELECT * FROM cats")


async def test_a_killed_server_has_what_it_committed_when_it_starts_again(durable_server):
    server = await asyncio.to_thread(durable_server)
    async with connected(server.url) as database:
        await database.execute("CREATE TABLE cats (name text)")
        await database.execute("INSERT INTO cats VALUES ('Mochi')")
        await asyncio.to_thread(server.kill)
        # which of them depends on how much of the end asyncpg has seen
        with pytest.raises((asyncpg.PostgresConnectionError, asyncpg.InterfaceError, asyncpg.InternalClientError)):
            await database.execute("SELECT 1")
    await asyncio.to_thread(server.start)
    async with connected(server.url) as database:
        assert await database.fetch("SELECT name FROM cats") == [("Mochi",)]


async def test_a_server_that_was_stopped_starts_again_where_it_was(durable_server):
    server = await asyncio.to_thread(durable_server)
    await asyncio.to_thread(server.stop, "immediate")
    with pytest.raises(ConnectionRefusedError):
        await asyncpg.connect(server.url)
    await asyncio.to_thread(server.start)
    async with connected(server.url) as database:
        assert await database.fetchval("SHOW fsync") == "on"
