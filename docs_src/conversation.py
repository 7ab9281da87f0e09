# ruff: noqa: S101
# begin conversation
from mnemic import Memory

m = Memory("conversation.db")
answer = m.add(
    [
        {"role": "user", "name": "Dana", "content": "My sister Anna works at St. Mary's."},
        {"role": "assistant", "content": "Good to know! I'll remind you of her birthday on Friday."},
        {"role": "user", "name": "Dana", "content": "Thanks!"},
        {"role": "tool", "content": '{"temperature": 22}'},
    ],
    user_id="dana",
    run_id="2025-03-14",
    at="2025-03-14T09:30:00+08:00",
)
for each in answer["results"]:
    print(each["event"], each["memory"])
for message in answer["receipt"]["messages"]:
    print(message["state"], message["reason"])
# end conversation

# begin prompt
question = "Where does Anna work?"
known = m.context(question, user_id="dana")
messages = [
    {"role": "system", "content": f"Answer briefly.\n\n{known['context']}"},
    {"role": "user", "content": question},
]
# end prompt
assert "My sister Anna works at St. Mary's." in messages[0]["content"]

# begin same
again = m.add("My sister Anna works at St. Mary's.", user_id="alice")
more = m.add("my sister Anna works at  St. Mary's", user_id="alice")
print(again["results"][0]["event"], more["results"][0]["event"], more["results"][0]["reason"])
print(len(m.get(again["results"][0]["id"])["sources"]))
# end same

# begin anew
changed = m.add("My sister Anna works at Siemens now.", user_id="alice")
for each in changed["results"]:
    print(each["event"], each["memory"])
# end anew

# begin twice
message = {"role": "user", "content": "I sing in a choir.", "external_id": "telegram:1001"}
first = m.add([message], user_id="alice")
second = m.add([message], user_id="alice")
print(first["receipt"]["messages"][0]["state"], second["receipt"]["messages"][0]["state"])
# end twice

# begin pages
page = m.get_all(limit=2)
print(page["total"], len(page["results"]))
while page["next_cursor"]:
    page = m.get_all(limit=2, cursor=page["next_cursor"])
# end pages

# begin delete
m.delete(changed["results"][0]["id"])
gone = m.delete_all(user_id="dana")
print(gone["deleted"], gone["messages_hidden"])
# end delete

m.close()
