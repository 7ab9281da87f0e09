"""Makes the folder beside it with mem0ai 2.2.1: `python make.py`, in an environment that has it.

Its language model and its embedder are stand-ins; what is stored, and how, is mem0's own doing.
"""

import json
import os
import shutil
import sqlite3
import tempfile
import uuid
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path

HERE = Path(__file__).parent / "store"
os.environ |= {"MEM0_TELEMETRY": "False", "OPENAI_API_KEY": "unused", "MEM0_DIR": tempfile.mkdtemp()}


class Model:
    facts = ()

    def generate_response(self, *_, **__):
        return json.dumps({"memory": [{"text": text, "attributed_to": whose} for text, whose in self.facts]})


def main():
    import mem0
    from mem0.embeddings.base import EmbeddingBase

    class Embedder(EmbeddingBase):
        def embed(self, text, memory_action=None):
            return [1.0, float(len(text) % 7)]

    shutil.rmtree(HERE, ignore_errors=True)
    store = {"path": str(HERE / "qdrant"), "embedding_model_dims": 2, "on_disk": True}
    memory = mem0.Memory.from_config(
        {"vector_store": {"provider": "qdrant", "config": store}, "history_db_path": str(HERE / "history.db")}
    )
    memory.llm, memory.embedding_model, memory.vector_store._bm25_encoder = Model(), Embedder(), False
    fill(memory)
    assert memory.entity_store is not None  # made with the first name found in a text, for which it needs spaCy's model
    memory.entity_store.client.close()
    memory.vector_store.client.close()
    memory.db.close()
    (HERE / "qdrant" / ".lock").unlink()
    for file in (*HERE.rglob("*.sqlite"), HERE / "history.db"):
        with closing(sqlite3.connect(file)) as db:
            db.executescript("PRAGMA page_size = 512; VACUUM")


def fill(memory):
    Model.facts = [
        ("User moved to Porto", "user"),
        ("User keeps two goats named Figo and Luna", "user"),
        ("Assistant advised planting beans first", "assistant"),
    ]
    talk = [
        {"role": "user", "content": "I moved to Porto and keep two goats, Figo and Luna. What do I plant?"},
        {"role": "assistant", "content": "I would plant beans first."},
    ]
    memory.add(talk, user_id="ana", metadata={"channel": "phone", "tags": ["farm", "家"]})

    trade = as_it_is(memory, "Ana repairs accordions for a living.", user_id="ana", metadata={"tier": 1})
    memory.update(trade, text="Ana repairs and tunes accordions for a living.")
    memory.update(trade, metadata={"tier": 2})
    memory.update(trade, text="Ana builds accordions for a living.")

    cat = [{"role": "user", "content": "我住在台南,養了一隻叫豆豆的貓。", "name": "小美"}]
    as_it_is(memory, cat, user_id="mei", run_id="r1", metadata={"語言": "中文"})
    as_it_is(memory, cat, user_id="mei", run_id="r2")
    as_it_is(memory, "我對花生過敏。", user_id="mei", expiration_date="2031-05-01")

    odd = {"since": datetime(2024, 2, 3, 4, 5, tzinfo=UTC), "day": date(2024, 2, 3), "case": uuid.UUID(int=7)}
    as_it_is(memory, "The night train leaves at nine.", agent_id="planner", run_id="r9", metadata=odd)
    memory.delete(as_it_is(memory, "Ana has a blue van.", user_id="ana"))
    as_it_is(memory, "A guest with a quote in the name.", user_id="o'neil")
    as_it_is(memory, " ", user_id="ana")


def as_it_is(memory, said, **given):
    return memory.add(said, infer=False, **given)["results"][0]["id"]


if __name__ == "__main__":
    main()
