"""LoCoMo: long conversations of two people, with the turns that answer each question.

About 6 % of its gold answers are wrong by a public audit. Category 5 (adversarial) has no answer and is
left out; the annotators' `query` of an image was never said and is not read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from cases import Case, DataSet, Message, Question

from loaders.files import matching, read_json, stem, when, words

NAME = "LoCoMo"
ORIGIN = "locomo10.json of github.com/snap-research/locomo (CC BY-NC 4.0)"
CATEGORIES = {1: "multi-hop", 2: "temporal", 3: "open-domain", 4: "single-hop"}

_SESSION = re.compile(r"session_(\d+)")
_TURN = re.compile(r"D\s*:?\s*(\d+)\s*:\s*(\d+)")
_GAP = timedelta(seconds=5)
"""Where only sessions are dated, turns a few seconds apart stay in order and on their day."""


def find(folder: Path) -> Iterator[DataSet]:
    for file in matching(folder, "locomo*.json", "locomo*.json.gz"):
        yield DataSet(name=stem(file), load=lambda file=file: read(file), depths=(5, 10, 20, 50))


def read(file: Path) -> list[Case]:
    """One case a conversation."""
    return [_case(number, sample) for number, sample in enumerate(read_json(file))]


def _case(number: int, sample: Mapping[str, Any]) -> Case:
    messages = talk(sample["conversation"])
    name = str(sample.get("sample_id", number))
    known = {each.id for each in messages}
    questions = [
        Question(
            id=f"{name}/{place}",
            text=asked["question"],
            category=CATEGORIES[asked["category"]],
            gold=evidence(asked.get("evidence", []), known),
            answer=words(asked.get("answer")),
        )
        for place, asked in enumerate(sample["qa"])
        if asked["category"] in CATEGORIES
    ]
    return Case(id=name, messages=messages, questions=tuple(questions))


def talk(conversation: Mapping[str, Any], text: str = "text") -> tuple[Message, ...]:
    """The turns of `session_1`, `session_2`, … in order; LifeBench and REALTALK have them in the same shape."""
    numbers = sorted(int(found[1]) for key in conversation if (found := _SESSION.fullmatch(key)))
    messages = []
    for number in numbers:
        start = when(conversation.get(f"session_{number}_date_time"))
        for place, turn in enumerate(conversation[f"session_{number}"]):
            caption = turn.get("blip_caption")
            said = " ".join(filter(None, [turn.get(text), f"[shares an image: {caption}]" if caption else None]))
            if said.strip():
                messages.append(
                    Message(
                        id=turn["dia_id"],
                        text=said,
                        session=str(number),
                        name=turn.get("speaker"),
                        at=when(turn.get("date_time")) or (start and start + place * _GAP),
                    )
                )
    return tuple(messages)


def evidence(raw: Any, known: set[str]) -> tuple[str, ...]:
    """Ids of turns that exist, some of which the data set writes oddly ("D8:6; D9:17", "D:11:26", "D30:05")."""
    listed = raw if isinstance(raw, list) else [raw]
    found = [f"D{int(session)}:{int(turn)}" for each in listed for session, turn in _TURN.findall(str(each))]
    return tuple(dict.fromkeys(each for each in found if each in known))
