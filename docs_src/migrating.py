# ruff: noqa: S101
import warnings

# begin config
from mnemic import Memory

config = {
    "llm": {"provider": "openai", "config": {"model": "gpt-5-mini"}},
    "embedder": {"provider": "ollama", "config": {"model": "bge-m3", "ollama_base_url": "http://localhost:11434"}},
    "reranker": {"provider": "cohere", "config": {"model": "rerank-v3.5", "top_k": 5}},
    "custom_instructions": "Keep what concerns the order.",
}
m = Memory.from_config(config | {"path": "migrated.db"})
# end config
m.close()

with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter("always")
    Memory.from_config({"path": "migrated2.db", "vector_store": {"provider": "qdrant"}}).close()
assert "vector_store 'qdrant' is not used" in str(said[0].message)

m = Memory("calls.db")

# begin calls
m.add("I play tennis on Saturdays.", user_id="alice", metadata={"category": "hobbies"})
m.search("sports", filters={"user_id": "alice"}, top_k=5)
m.search("sports", user_id="alice", limit=5)
m.search("last week", user_id="alice", reference_date="2025-03-14", rerank=False, explain=True)
m.get_all(filters={"user_id": "alice"})
# end calls
assert m.get_all(filters={"user_id": "alice"})["total"] == 1
m.delete_all(user_id="alice")

dump = {
    "results": [
        {
            "id": "5b9a0d0c-3f0e-4f0b-8d6e-0a4f5d7a6c11",
            "memory": "Plays tennis on Saturdays",
            "user_id": "alice",
            "metadata": {"category": "hobbies"},
            "created_at": "2025-03-14T09:30:00+00:00",
        },
        {"id": "x", "memory": "Is vegan", "user_id": "alice", "metadata": None, "created_at": "2025-03-15T10:00:00Z"},
    ]
}

# begin copy
# `dump` is what mem0's get_all(filters={"user_id": "alice"}, top_k=10_000) returned.
done = m.import_memories(dump["results"])
# end copy
assert (done["added"], m.import_memories(dump["results"])["already_stored"]) == (2, 2)
assert [each["memory"] for each in m.get_all(user_id="alice")["results"]] == ["Is vegan", "Plays tennis on Saturdays"]
m.close()
