# ruff: noqa: S101
# begin open
from mnemic import Memory

m = Memory("tour.db")
# end open

# begin scopes
alice = m.scope(user_id="alice")
alice.add("I live in Taipei. Can you suggest a gym?", run_id="monday", at="2025-03-10T09:00:00+08:00")
alice.add("我對花生過敏。", agent_id="cook", at="2025-03-14T18:30:00+08:00")

print(alice.get_all()["total"], alice.get_all(run_id="monday")["total"], m.get_all(user_id="bob")["total"])
# end scopes

# begin receipt
answer = m.add("I'm vegan, what should I cook? Thanks!", user_id="alice", at="2025-03-15T12:00:00+08:00")
print(answer["results"][0]["event"], answer["results"][0]["memory"])
for message in answer["receipt"]["messages"]:
    print(message["state"], [(each["quote"], each["reason"]) for each in message["refused"]])
print(answer["receipt"]["usage"])
# end receipt

# begin search
found = alice.search("What can't Alice eat?")
for hit in found["results"]:
    print(hit["memory"], hit["said_at"], hit["sources"][0]["quote"])

nothing = alice.search("How do I change a bicycle tyre?")
print(nothing["results"], nothing["below_floor"])
# end search
assert "我對花生過敏。" in [hit["memory"] for hit in found["results"]]
assert all(0 <= hit["score"] <= 1 for hit in found["results"])

# begin context
block = alice.context("Where does Alice live?", max_tokens=200)
print(block["context"])
# end context

# begin history
memory_id = alice.search("Where does Alice live?")["results"][0]["id"]
alice.update(memory_id, "I live in Tainan.")
alice.delete(memory_id)
for line in alice.history(memory_id):
    print(line["version"], line["event"], line["old_memory"], "->", line["new_memory"])
# end history

# begin remember
alice.remember("Coupon  TENNIS-2025, two spaces and all", kind="note", categories=["shopping"])
alice.add(["Line one, kept as it is.", "Line two as well."], run_id="pasted", infer=False)
# end remember
assert [each["memory"] for each in alice.get_all(run_id="pasted")["results"]] == [
    "Line two as well.",
    "Line one, kept as it is.",
]

# begin filters
alice.remember("The Lagoon, by the river", metadata={"category": "restaurant", "rating": 5})
alice.remember("The Kiln, too loud", metadata={"category": "restaurant", "rating": 2})

good = alice.get_all(filters={"category": "restaurant", "rating": {"gte": 4}})
print([each["memory"] for each in good["results"]])
# end filters

# begin expiry
alice.remember("The lift is out of order.", expiration_date="2025-03-20")
print(len(alice.search("lift")["results"]), len(alice.search("lift", show_expired=True)["results"]))
# end expiry

assert m.verify()["ok"]
m.close()
