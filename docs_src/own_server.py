# begin key
import os

from mnemic import Memory
from mnemic.llms.models import RemoteLLM

model = RemoteLLM(
    "openai:my-model",
    base_url="https://models.example.org/v1",
    api_key=os.environ["MY_KEY"],
    timeout=30,
    max_input_tokens=16_000,
)
m = Memory("keyed.db", llm=model)
# end key
m.close()
