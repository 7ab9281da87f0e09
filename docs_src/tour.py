# ruff: noqa: S101
# begin open
from mnemic import Memory

m = Memory("tour.db")
# end open

# begin change
alice = m.scope(user_id="alice")
alice.add("I work at Acme.", at="2025-01-10")
answer = alice.add("I work at Globex now.", at="2025-03-14")
for each in answer["results"]:
    print(each["event"], each["memory"])

print([hit["memory"] for hit in alice.search("Where do I work?")["results"]])
past = alice.search("Where did I work before Globex?")["results"][0]
print(past["memory"], "until", past["valid_to"][:10])
# end change
assert [each["memory"] for each in alice.get_all()["results"]] == ["I work at Globex now."]

# begin undo
undone = alice.undo(answer["receipt"]["change_id"])
print([each["memory"] for each in alice.get_all()["results"]])

alice.undo(undone["change_id"])  # an undo is a change, too
for line in alice.history(past["id"]):
    print(line["event"], line["old_memory"] or line["new_memory"], line["reason"])
# end undo
assert [each["memory"] for each in alice.get_all()["results"]] == ["I work at Globex now."]

# begin same
alice.add("I have a cat named Miso.")
print(alice.add("I've got a cat named Miso.")["results"][0]["event"])  # said again: one more source
alice.add("I have a dog named Rex.")  # a second pet takes no place
# end same
assert alice.get_all()["total"] == 3
assert len(alice.search("cat", threshold=0)["results"][0]["sources"]) == 2

# begin scopes
alice.add("I live in Taipei. Can you suggest a gym?", run_id="monday", at="2025-03-10T09:00:00+08:00")
alice.add("我對花生過敏。", agent_id="cook", at="2025-03-14T18:30:00+08:00")

print(alice.get_all(run_id="monday")["total"], m.get_all(agent_id="cook")["total"], m.get_all(user_id="bob")["total"])
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

nothing = alice.search("How do I sort a list in Python?")
print(nothing["results"], nothing["below_floor"])
# end search
# begin then
print(alice.search("Where do I work?", as_of="2025-02-01")["results"][0]["memory"])
for value in alice.timeline("employer"):
    print(value["object"], value["valid_to"] and value["valid_to"][:10])
# end then

# begin why
told = alice.explain("Where do I work?", past["id"])["memory"]
print(told["status"], "-", told["reason"])
# end why
assert "我對花生過敏。" in [hit["memory"] for hit in found["results"]]
assert all(0 <= hit["score"] <= 1 for hit in found["results"])

# begin context
block = alice.context("Where does Alice live?", max_tokens=400)
print(block["context"])
# end context

# begin forget
diet = alice.search("vegan")["results"][0]
alice.forget(diet["id"])  # with what says the same; it is not learnt again
again = alice.add("I am vegan.")
print(again["receipt"]["messages"][0]["state"], again["receipt"]["messages"][0]["reason"])
# end forget
assert diet["memory"] == "I'm vegan"

# begin erase
alice.erase()  # every byte, history included
print(alice.stats()["memories"], alice.stats()["episodes"])
# end erase

# begin secrets
answer = alice.add("I bank with North Bank. My bank password is hunter2-Xy9!")
message = answer["receipt"]["messages"][0]
print(message["masked"], m.get(message["episode_id"])["memory"])
# end secrets
assert "hunter2" not in str(alice.search("What is my password?", threshold=0))
assert "hunter2-Xy9!" in m.get(message["episode_id"], unmasked=True)["memory"]

# begin remember
alice.remember("Coupon  TENNIS-2025, two spaces and all", kind="note", categories=["shopping"])
alice.add(["Line one, kept as it is.", "Line two as well."], run_id="pasted", infer=False)
# end remember
assert [each["memory"] for each in alice.get_all(run_id="pasted")["results"]] == [
    "Line two as well.",
    "Line one, kept as it is.",
]

# begin filters
alice.remember("The Lagoon, by the river", metadata={"category": "restaurant", "stars": 5})
alice.remember("The Kiln, too loud", metadata={"category": "restaurant", "stars": 2})

good = alice.get_all(filters={"category": "restaurant", "stars": {"gte": 4}})
print([each["memory"] for each in good["results"]])
# end filters

# begin expiry
alice.remember("The lift is out of order.", expiration_date="2025-03-20")
print([hit for hit in alice.search("lift")["results"] if "lift" in hit["memory"]])
print(alice.search("lift", show_expired=True)["results"][0]["memory"])
# end expiry

assert m.verify()["ok"]
m.close()
