# ruff: noqa: S101
from mnemic import Memory

# begin filled
m = Memory("reading.db")
alice = m.scope(user_id="alice")
for day, words in {
    "2024-11-02": "我太太叫小美，她對花生過敏。",
    "2025-01-06": "My favorite restaurant is The Lagoon.",
    "2025-03-09": "I ran my first half marathon.",
    "2025-03-23": "My cousin Leo visited us from Osaka.",
    "2025-04-02": "廚房裝修正在貼磁磚。",
    "2025-04-12": "The tax return is half done.",
    "2025-04-20": "The tax return is with the accountant.",
    "2025-05-14": "廚房裝修在等新的水槽。",
}.items():
    alice.add(words, at=day)


def first(question: str) -> str:
    return alice.search(question, reference_date="2025-05-20")["results"][0]["memory"]


# end filled

# begin words
print(first("What is my wife allergic to?"))
print(first("小美对什么过敏"))  # Simplified characters, where Traditional ones were written
print(first("favourite restaurant"))  # one letter more than was written
# end words

# begin times
print(first("What did I do in March?"))
print(first("我三月做了什麼？"))
# end times

# begin newest
print(first("How is the tax return going?"))
print(first("廚房裝修進度如何？"))
# end newest

# begin nothing
nothing = alice.search("What is the capital of France?")
print(nothing["results"], nothing["below_floor"])
# end nothing
assert not nothing["results"]

m.close()

# begin arms
plain = Memory("reading.db", arms=["vector", "keyword"], decay=None)
# end arms
assert plain.search("tax return", user_id="alice")["results"]
plain.close()
