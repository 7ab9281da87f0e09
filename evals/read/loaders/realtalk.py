"""REALTALK: 21 days of messages between two real people, with the turns that answer each question."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from cases import Case, DataSet, Question

from loaders.files import matching, read_json, words
from loaders.locomo import evidence, talk

NAME = "REALTALK"
ORIGIN = "Chat_*.json in the folder data of github.com/danny911kr/REALTALK"
CATEGORIES = {1: "facts", 2: "dates", 3: "inference"}


def find(folder: Path) -> Iterator[DataSet]:
    files = [*matching(folder, "Chat_*.json")]
    if files:
        yield DataSet(name="realtalk", load=lambda: [read(file) for file in files], depths=(5, 10, 20, 50))


def read(file: Path) -> Case:
    """One file, one conversation."""
    data: Mapping[str, Any] = read_json(file)
    messages = talk(data, text="clean_text")
    known = {each.id for each in messages}
    questions = [
        Question(
            id=f"{file.stem}/{place}",
            text=asked["question"],
            category=CATEGORIES.get(asked.get("category"), str(asked.get("category"))),
            gold=evidence(asked.get("evidence", []), known),
            answer=words(asked.get("answer")),
        )
        for place, asked in enumerate(data.get("qa", []))
    ]
    return Case(id=file.stem, messages=messages, questions=tuple(questions))
