# ruff: noqa: S101
from mnemic import Memory

m = Memory("explain.db")

# begin why
alice = m.scope(user_id="alice")
acme = alice.add("I work at Acme.", at="2025-01-10")["results"][0]["id"]
alice.add("I work at Globex now.", at="2025-03-14")
tea = alice.remember("我喜歡喝茶。")["results"][0]["id"]

told = alice.explain("Where do I work?", acme)
print(told["memory"]["status"], "-", told["memory"]["reason"])

told = alice.explain("Where do I work?", tea)
print(told["memory"]["status"], "-", told["memory"]["reason"])
# end why
assert told["memory"]["status"] == "below_floor"

# begin arms
told = alice.explain("Where does 小美 live since she moved in March?", reference_date="2025-05-20")
print(told["question"]["names"], told["question"]["times"][0]["start"], told["question"]["anchor"])

hit = alice.search("Where do I work?", explain=True)["results"][0]
for arm, found in hit["score_details"]["arms"].items():
    print(arm, found["rank"], found["value"])
print(hit["score_details"]["boosts"])
# end arms
assert hit["score_details"]["arms"]["vector"]["rank"] == 1
m.close()
