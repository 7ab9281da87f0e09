# ruff: noqa: S101
from mnemic import Memory

m = Memory("extraction.db")

# begin dates
m.add("I moved to Tainan last month.", user_id="alice", at="2025-03-14T09:00:00+08:00")
m.add("我上週五去看了牙醫。", user_id="alice", at="2025-03-14T09:00:00+08:00")
for each in m.get_all(user_id="alice")["results"]:
    print(each["memory"], each["valid_from"], each["precision"])
# end dates

# begin secrets
answer = m.add("The wifi password is hunter2-Xy9!", user_id="bob")
message = answer["receipt"]["messages"][0]
print(message["masked"], m.get(message["episode_id"])["memory"])
print(m.get(message["episode_id"], unmasked=True)["memory"])
# end secrets

# begin echo
m.add("I live in Oslo.", user_id="fay")
block = m.context("Where do I live?", user_id="fay")["context"]
answer = m.add(f"{block}\n\nI have a cat named Miso.", user_id="fay")
print([each["memory"] for each in answer["results"]])
# end echo
assert "I live in Oslo." in block

# begin group
m.add(
    [
        {"role": "user", "name": "Dana", "content": "I'm vegan."},
        {"role": "user", "name": "Kim", "content": "I'm allergic to nuts."},
    ],
    run_id="kitchen-chat",
)
for each in m.get_all(run_id="kitchen-chat")["results"]:
    print(each["actor_id"], each["subject"], each["memory"])
# end group

# begin agent
m.add(
    [{"role": "assistant", "content": "I'll send you the report on Monday."}],
    user_id="carol",
    agent_id="secretary",
)
for each in m.get_all(agent_id="secretary")["results"]:
    print(each["attributed_to"], each["memory"])
# end agent

# begin procedure
answer = m.add(
    [
        {"role": "user", "content": "Publish the site."},
        {"role": "assistant", "content": "I built the pages with make html."},
        {"role": "tool", "content": "312 pages written"},
        {"role": "assistant", "content": "I copied them to the server with rsync."},
    ],
    agent_id="deployer",
    memory_type="procedural_memory",
)
print(answer["results"][0]["memory"])
# end procedure

# begin image
bike = {"type": "image_url", "image_url": {"url": "https://example.org/bike.jpg"}}
answer = m.add([{"role": "user", "content": [{"type": "text", "text": "I have a new bike."}, bike]}], user_id="dora")
print(m.get(answer["receipt"]["messages"][0]["episode_id"])["memory"])
# end image

# begin entities
erin = m.scope(user_id="erin")
erin.add(["My sister Anna lives in Munich.", "My wife is called Dana."])
for each in erin.entities()["results"]:
    print(each["kind"], each["name"], each["aliases"])

found = erin.related("my wife")
print(found["entity"]["name"])
for edge in erin.graph()["edges"]:
    print(edge["subject_name"], edge["predicate"], edge["object_name"])
# end entities

# begin merge
erin.add("Annie works at Siemens.")
merged = erin.merge_entities("Anna", "Annie")  # Annie is Anna
print(erin.related("Annie")["entity"]["name"])
erin.undo(merged["change_id"])
print(erin.related("Annie")["entity"]["name"])
# end merge

# begin wishes
told = Memory(
    "told.db",
    llm="openai:gpt-5-mini",
    instructions="Keep what concerns travel; leave out health.",
    custom_categories={"travel": "trips, flights and hotels", "budget": "what may be spent"},
)
# end wishes
told.close()
m.close()
