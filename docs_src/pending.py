# begin stored
from mnemic import Memory

m = Memory("pending.db", background=False)
m.add("I live in Taipei.", user_id="alice", wait="stored")
print(m.search("Taipei", user_id="alice")["results"][0]["kind"], m.messages(state="pending")["total"])

done = m.process_pending()
print(done["processed"], done["pending"], m.search("Taipei", user_id="alice")["results"][0]["kind"])
# end stored

# begin retry
for message in m.messages(state="failed")["results"]:
    print(message["id"], message["reason"], message["attempts"])
m.retry(user_id="alice")  # all of alice's that failed; retry(episode_id) for one
m.process_pending()
# end retry
m.close()

# begin limits
m = Memory("limits.db", llm="openai:gpt-5-mini", limits={"calls_per_day": 2000, "tokens_per_day": 3_000_000})
print(m.stats()["model_calls_today"])
# end limits
m.close()
