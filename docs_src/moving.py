from mnemic import Memory

# begin backup
memory = Memory("m.db")
memory.remember("Plays tennis on Tuesdays", user_id="alice")
memory.backup("monday.db")
memory.delete_all(user_id="alice")
answer = memory.restore("monday.db")
print([item["memory"] for item in memory.get_all(user_id="alice")["results"]])
print(answer["before"])
# end backup

# begin export
memory.export("all.jsonl.gz")
memory.export("alice.jsonl", user_id="alice")

team = Memory("team.db")  # or "postgresql://…"
team.import_export("all.jsonl.gz")
print(team.get_all(user_id="alice")["results"] == memory.get_all(user_id="alice")["results"])
# end export
memory.close()
team.close()
