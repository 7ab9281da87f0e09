# begin path
from mnemic import Memory

m = Memory("notes.db", project="support-bot")
# end path
m.close()

# begin writing
m = Memory(
    "shop.db",
    slots={"shirt_size": "single", "favourite_*": "additive"},
    limits={"calls_per_day": 2000},
    keep_secrets=False,
    background=False,
)
# end writing
m.close()

# begin models
hosted = Memory("hosted.db", llm="anthropic:claude-haiku-4-5")
ollama = Memory("ollama.db", llm="ollama:qwen3:4b")
own = Memory("own.db", llm="openai:my-model", llm_base_url="http://localhost:8000/v1")
told = Memory("told.db", llm="openai:gpt-5-mini", instructions="Keep what concerns the order; leave out health.")
# end models
for each in (hosted, ollama, own, told):
    each.close()

# begin embedders
bundled = Memory("bundled.db", embedder="bundled:use")
remote = Memory("remote.db", embedder="openai:text-embedding-3-small")
server = Memory("server.db", embedder="openai:bge-m3", embedder_base_url="http://localhost:8000/v1")
# end embedders
for each in (bundled, remote, server):
    each.close()

# begin reading
m = Memory(
    "reading.db",
    decay=None,
    token_counter=lambda text: len(text) // 3,
)
# end reading
m.close()

# begin rerankers
cohere = Memory("cohere.db", reranker="cohere:rerank-v3.5")
local = Memory("local.db", reranker="cross-encoder:BAAI/bge-reranker-v2-m3-int8")
served = Memory("served.db", reranker="server:bge-reranker-v2-m3", reranker_base_url="http://localhost:8000/v1")
judge = Memory("judge.db", reranker="llm:openai:gpt-5-mini")
# end rerankers
for each in (cohere, local, served, judge):
    each.close()

# begin dictionary
m = Memory.from_config({"path": "notes.db", "project": "support-bot", "llm": "openai:gpt-5-mini"})
# end dictionary
m.close()
