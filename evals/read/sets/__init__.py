"""Labelled sets for the promises of the read path, and the few steps that every measurement on them takes.

Each file holds one JSON object a line. The texts are the memories as they are kept (`remember`), so that nothing
but reading is measured. `split` halves a set by a fixed rule: constants may be chosen on "dev" only.
"""

from __future__ import annotations

import argparse
import inspect
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from mnemic import AsyncMemory
from mnemic.extractors.rules import RuleExtractor
from mnemic.protocols import Embedder
from mnemic.registry import make_embedder

_FOLDER = Path(__file__).parent


def lines(name: str) -> list[dict[str, Any]]:
    """The objects of one file of this folder."""
    return [json.loads(line) for line in (_FOLDER / name).read_text(encoding="utf-8").splitlines()]


def new_memory(embedder: Embedder) -> AsyncMemory:
    """An empty memory that lives as long as it is open."""
    return AsyncMemory(":memory:", embedder=embedder, extractor=RuleExtractor(), background=False)


async def keep(memory: AsyncMemory, user: str, memories: Iterable[Mapping[str, Any]]) -> None:
    """Keep each text as it stands, said when its `at` says; its id goes into the metadata."""
    for each in memories:
        at = {"at": each["at"]} if "at" in each else {}
        await memory.remember(each["text"], user_id=user, metadata={"id": each["id"]}, **at)


async def ask(
    memory: AsyncMemory, user: str, question: str, *, reference: str | None = None, **arguments: Any
) -> tuple[list[str], dict[str, Any]]:
    """The ids of the hits, best first, and the whole answer. `reference` is the day the question is asked on."""
    if reference is not None and takes_reference():
        arguments["reference_date"] = reference
    found = await memory.search(question, user_id=user, **arguments)
    return [hit["metadata"]["id"] for hit in found["results"]], dict(found)


def takes_reference() -> bool:
    """Whether `search` can be told on which day a question is asked."""
    return "reference_date" in inspect.signature(AsyncMemory.search).parameters


def arguments(about: str) -> argparse.Namespace:
    """What every one of these scripts is told: `--embedder` and `--failures`; `embedder` comes back made and cached."""
    from borrowed import CachedEmbedder

    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--embedder", default="bundled", help="use, e5, or any name that Memory takes")
    parser.add_argument("--failures", action="store_true", help="also list what went wrong")
    given = parser.parse_args()
    name = f"bundled:{given.embedder}" if given.embedder in {"use", "e5"} else given.embedder
    given.embedder = CachedEmbedder(make_embedder(name))
    return given
