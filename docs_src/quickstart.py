# ruff: noqa: S101
# begin quickstart
from mnemic import Memory

m = Memory()
m.add("我正在改善我的網球技巧。建議一些線上課程。", user_id="alice", metadata={"category": "hobbies"})
memories = m.get_all()
m.search(query="Alice 的興趣是什麼?", user_id="alice")

memory_id = memories["results"][0]["id"]
m.update(memory_id=memory_id, data="喜歡在週末打網球")
m.history(memory_id=memory_id)
# end quickstart

assert [each["event"] for each in m.history(memory_id=memory_id)] == ["ADD", "UPDATE"]
assert m.search(query="打網球", user_id="alice")["results"][0]["memory"] == "喜歡在週末打網球"
m.close()
