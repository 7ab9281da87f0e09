# ruff: noqa: S101
from mnemic import Conflict, Memory

m = Memory("truth.db")
alice = m.scope(user_id="alice")

# begin clocks
alice.add("I live in Taipei.", at="2024-05-01")
alice.add("I moved to Tainan last month.", at="2025-03-14")
for each in alice.get_all(latest_only=False)["results"]:
    print(each["memory"], each["valid_from"], each["valid_to"], each.get("retire_reason"))
# end clocks

# begin correction
alice.add("The meeting is on Tuesday.")
answer = alice.add("No, I meant Thursday, not Tuesday.")
print(answer["results"][0]["event"], answer["results"][0]["old_memory"], "->", answer["results"][0]["memory"])
# end correction

# begin slots
own = Memory("slots.db", slots={"pet": "single", "favourite_*": "additive"})
own.add("I have a cat named Miso.", user_id="alice")
own.add("I have a dog named Rex.", user_id="alice")
print([each["memory"] for each in own.get_all(user_id="alice")["results"]])
# end slots
own.close()

bob = m.scope(user_id="bob")

# begin limits
bob.add("I work at Acme.", at="2025-01-10")
second = bob.add("I work at Globex.", at="2025-02-10")
third = bob.add("I work at Initech.", at="2025-03-10")
try:
    bob.undo(second["receipt"]["change_id"])
except Conflict as error:
    print(error)

bob.undo(third["receipt"]["change_id"])
bob.undo(second["receipt"]["change_id"])
print([each["memory"] for each in bob.get_all()["results"]])
# end limits

# begin message
answer = bob.add("I speak Danish.")
memory_id = answer["results"][0]["id"]
episode_id = answer["receipt"]["messages"][0]["episode_id"]
gone = bob.delete(episode_id)  # the message, and the memories that rest on it alone
print(gone["deleted"] == [memory_id])
# end message

# begin rate
answer = bob.remember("Her number is 555-0100.")
memory_id = answer["results"][0]["id"]
bob.feedback(memory_id, "VERY_NEGATIVE", "she has a new one")
bob.pin(bob.remember("Reply in English.")["results"][0]["id"])
# end rate

# begin consolidate
bob.remember("The garage code word is Otter.")
bob.remember("the garage code word is Otter")
proposals = bob.consolidate()["proposals"]  # nothing is done yet
for each in proposals:
    print(each["kind"], each["reason"], each["texts"])

merges = [each["id"] for each in proposals if each["kind"] == "merge"]
done = bob.consolidate(dry_run=False, only=merges)
bob.undo(done["proposals"][0]["change_id"])
# end consolidate
assert done["applied"] == 1

carol = m.scope(user_id="carol")

# begin profile
carol.add(["My name is Carol.", "I live in Oslo.", "I love hiking."])
print(carol.profile()["text"])
# end profile
m.close()
