# ruff: noqa: S101
from mnemic import Memory

# begin block
m = Memory("context.db")
dana = m.scope(user_id="dana")
dana.add(["My name is Dana.", "我太太叫小美，她喜歡蘭花。"], at="2025-03-01T09:00:00+08:00")
dana.add("小美 wants a trip to Kyoto for her birthday.", at="2025-05-02T09:00:00+08:00")
dana.pin(dana.remember("Answer in Traditional Chinese.", at="2025-03-01")["results"][0]["id"])

question = "What does 小美 want for her birthday?"
known = dana.context(question, format="messages", max_tokens=800, reference_date="2025-05-20")
print(known["context"])
messages = [*known["messages"], {"role": "user", "content": question}]
# end block
assert [each["role"] for each in messages] == ["system", "system", "user"]
assert known["context"].startswith(known["stable"])

# begin stable
again = dana.context("Which flights should I look for?")
print(again["stable"] == known["stable"])
# end stable

# begin formats
as_xml = dana.context(question, format="xml")["context"]
as_json = dana.context(question, format="json", profile=False)["context"]
# end formats
assert as_xml.startswith("<memory")
assert as_json.startswith("{")

m.close()

# begin counter
m = Memory("context.db", token_counter=lambda text: len(text.encode()) // 3)
# end counter
assert m.context(question, user_id="dana")["tokens"] > 0
m.close()
