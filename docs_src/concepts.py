# ruff: noqa: S101
from mnemic import InvalidFilter, InvalidScope, Memory, NotFound

m = Memory("concepts.db")
m.add("If I were rich, I would buy a boat.", user_id="alice", agent_id="secretary", run_id="monday")
memory_id = m.remember(
    "Dinner at The Lagoon",
    user_id="alice",
    agent_id="secretary",
    metadata={"category": "restaurant", "stars": 5, "place": {"city": "Taipei"}, "tags": ["river", "quiet"]},
)["results"][0]["id"]
m.remember("Dinner at The Kiln", user_id="alice", metadata={"category": "restaurant", "stars": 2})

# begin scopes
m.get_all()  # the whole project
m.get_all(user_id="alice")  # everything of alice's, whatever the agent, app or run
m.get_all(agent_id="secretary")  # everything of this agent's, whoever the user
m.get_all(user_id="alice", agent_id="secretary")  # what belongs to both
m.get_all(filters={"user_id": "alice"})  # the same as user_id="alice"
# end scopes
assert m.get_all()["total"] == 2
assert m.get_all(agent_id="secretary")["total"] == 1

# begin refused
try:
    m.search("dinner", user_id=None)  # an unset variable never reads everybody
except InvalidScope as error:
    print(error)
# end refused

# begin filters
m.get_all(filters={"category": "restaurant"})  # a metadata key equals
m.get_all(filters={"stars": {"gte": 3, "lt": 5}})  # all operators of one key must hold
m.get_all(filters={"category": ["restaurant", "bar"]})  # a list: one of these
m.get_all(filters={"stars": "*"})  # has the key
m.get_all(filters={"tags": {"contains": "quiet"}})  # an item of a list, or a part of a text
m.get_all(filters={"metadata.place.city": "Taipei"})  # a nested key
m.get_all(filters={"kind": "note", "created_at": {"gte": "2025-03-14"}})  # fields of the record
m.get_all(filters={"OR": [{"stars": {"gte": 4}}, {"NOT": {"category": "restaurant"}}]})
# end filters
m.add("My sister Dana moved to Taipei.", user_id="bob", at="2025-03-14", categories=["Family"])
# begin fields
m.get_all(filters={"said_at": {"gte": "2025-03-01", "lte": "2025-03-31"}})  # both days are in it
m.get_all(filters={"entity": "Dana"})  # what names her, by this or another name
m.get_all(filters={"categories": {"contains": "family"}})  # has the label
m.get_all(order="said")  # what was said last comes first
# end fields
assert m.get_all(filters={"said_at": {"gte": "2025-03-01", "lte": "2025-03-31"}})["total"] == 1
assert m.get_all(filters={"entity": "Dana"})["total"] == 1
assert m.get_all(filters={"categories": {"contains": "family"}})["total"] == 1
assert [each["user_id"] for each in m.get_all(order="said")["results"]][-1] == "bob"
m.delete_all(user_id="bob")
assert m.get_all(filters={"category": "restaurant"})["total"] == 2
assert m.get_all(filters={"stars": {"gte": 3, "lt": 5}})["total"] == 0
assert m.get_all(filters={"category": ["restaurant", "bar"]})["total"] == 2
assert m.get_all(filters={"stars": "*"})["total"] == 2
assert m.get_all(filters={"tags": {"contains": "quiet"}})["total"] == 1
assert m.get_all(filters={"metadata.place.city": "Taipei"})["total"] == 1
assert m.get_all(filters={"kind": "note", "created_at": {"gte": "2025-03-14"}})["total"] == 2
assert m.get_all(filters={"OR": [{"stars": {"gte": 4}}, {"NOT": {"category": "restaurant"}}]})["total"] == 1

# begin unknown
try:
    m.get_all(filters={"stars": {"above": 3}})
except InvalidFilter as error:
    print(error)
# end unknown

# begin floor
m.search("dinner", user_id="alice")  # the embedder's own floor
m.search("dinner", user_id="alice", threshold=0.6)  # surer hits only
m.search("dinner", user_id="alice", threshold=0)  # no floor: the best 20, relevant or not
# end floor

# begin hits
hits = m.search("boat", user_id="alice", threshold=0)["results"]
print(hits[0]["kind"], hits[0]["memory"])  # no memory was made of this message, so it stands for itself
# end hits

# begin errors
try:
    m.get("01a203c1-31c7-8f25-8001-e47f7b77b727")
except NotFound as error:
    print(error)
# end errors

m.close()
