# ruff: noqa: S101
from datetime import UTC, datetime

from mnemic import Memory

m = Memory("past.db")
erin = m.scope(user_id="erin")

# begin asof
erin.add("I live in Berlin.", at="2019-03-01")
erin.add("I moved to Paris.", at="2022-05-01")


def home(**moments: object) -> list[str]:
    return [hit["memory"] for hit in erin.search("Where did I live?", **moments)["results"]]


print(home(as_of="2020-06-01"))
# end asof
assert home(as_of="2020-06-01") == ["I live in Berlin."]

# begin knownat
before = datetime.now(UTC)
erin.add("I moved to Oslo in January.", at="2025-02-01")  # said later than it happened

print(home(as_of="2025-01-20"))  # what we know today of that day
print(home(as_of="2025-01-20", known_at=before))  # what we believed of it before we were told
# end knownat
assert home(as_of="2025-01-20", known_at=before) == ["I moved to Paris."]

# begin timeline
for each in erin.timeline("home"):
    print(each["object"], each["since"] and each["since"][:10], each["valid_to"] and each["valid_to"][:10])
# end timeline

# begin changes
for each in erin.changes(before)["results"]:
    print(each["event"], each["new_memory"] or each["old_memory"], each["reason"])
# end changes

# begin zh
wei = m.scope(user_id="wei")
wei.add("我住在台北。", at="2019-03-01")
wei.add("我搬到台南了。", at="2022-05-01")
print(wei.search("我住在哪裡？", as_of="2020-06-01")["results"][0]["memory"])
print([each["object"] for each in wei.timeline("home")])
# end zh

m.close()
