# begin async
import asyncio

from mnemic import AsyncMemory


async def main() -> None:
    async with AsyncMemory("async.db") as m:
        await m.add("I play tennis on Saturdays.", user_id="alice")
        found = await m.search("sports", user_id="alice", threshold=0)
        print(found["results"][0]["memory"])


asyncio.run(main())
# end async
