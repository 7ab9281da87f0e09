"""REALTALK: 21 days of messages between two real people, with the turns that answer each question."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from cases import Case, DataSet, Message, Question

from loaders.files import matching, read_json, when, words
from loaders.locomo import evidence

NAME = "REALTALK"
ORIGIN = "Chat_*.json in the folder data of github.com/danny911kr/REALTALK"
CATEGORIES = {1: "facts", 2: "dates", 3: "inference"}

_SESSION = re.compile(r"session_(\d+)")


def find(folder: Path) -> Iterator[DataSet]:
    files = [*matching(folder, "Chat_*.json")]
    if files:
        yield DataSet(name="realtalk", load=lambda: [read(file) for file in files], depths=(5, 10, 20, 50))


def read(file: Path) -> Case:
    """One file, one conversation."""
    data: Mapping[str, Any] = read_json(file)
    numbers = sorted(int(found[1]) for key in data if (found := _SESSION.fullmatch(key)))
    messages = []
    for number in numbers:
        started = data.get(f"session_{number}_date_time")
        for turn in data[f"session_{number}"]:
            caption = turn.get("blip_caption")
            said = " ".join(
                filter(None, [turn.get("clean_text"), f"[shares an image: {caption}]" if caption else None])
            )
            if said.strip():
                messages.append(
                    Message(
                        id=turn["dia_id"],
                        text=said,
                        session=str(number),
                        name=turn["speaker"],
                        at=when(turn.get("date_time") or started),
                    )
                )
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
    return Case(id=file.stem, messages=tuple(messages), questions=tuple(questions))
