# ruff: noqa: S101
# begin model
from mnemic import Memory

m = Memory("model.db", llm="openai:gpt-5-mini")  # the key is read from OPENAI_API_KEY
answer = m.add(
    "I moved to Tainan last month, and my sister Mei is allergic to peanuts.",
    user_id="alice",
    at="2025-03-15T12:00:00+08:00",
)
for each in m.get_all(user_id="alice")["results"]:
    print(each["memory"], each["subject"], each["attribute"], each["valid_from"])
# end model

assert len(answer["results"]) == 2, answer
assert answer["receipt"]["extractor"].startswith("openai:gpt-5-mini#extract@")
assert answer["receipt"]["usage"]["model_calls"] == 1
m.close()
