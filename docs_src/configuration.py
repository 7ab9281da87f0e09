import os

os.environ["OPENAI_API_KEY"] = os.environ["ANTHROPIC_API_KEY"] = "an example"

# [path]
from mnemic import Memory

m = Memory("notes.db", project="support-bot")
# [/path]
m.close()

# [models]
Memory("hosted.db", llm="anthropic:claude-haiku-4-5")
Memory("ollama.db", llm="ollama:qwen3:4b")
Memory("own.db", llm="openai:my-model", llm_base_url="http://localhost:8000/v1")
Memory("instructed.db", llm="openai:gpt-5-mini", instructions="Keep what concerns the order; leave out health.")
# [/models]

# [key]
from mnemic.llms.models import RemoteLLM

model = RemoteLLM(
    "openai:my-model",
    base_url="https://models.example.org/v1",
    api_key=os.environ["OPENAI_API_KEY"],
    timeout=30,
    max_input_tokens=16_000,
)
m = Memory("keyed.db", llm=model)
# [/key]
m.close()

# [embedders]
Memory("bundled.db", embedder="bundled:use")
Memory("remote.db", embedder="openai:text-embedding-3-small")
Memory("server.db", embedder="openai:bge-m3", embedder_base_url="http://localhost:8000/v1")
# [/embedders]

# [dictionary]
m = Memory.from_config({"path": "notes.db", "project": "support-bot", "llm": "openai:gpt-5-mini"})
# [/dictionary]
m.close()
