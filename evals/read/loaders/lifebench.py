"""LifeBench: a year of one person's phone (messages, calls, notes, calendar, health), in LoCoMo's shape.

Each question has the day it is asked on. Evidence is a list of turn ids, or of records whose date, source
and number make up a turn's id; where a file has none, its questions serve `answer.py` only.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from cases import Case, DataSet, Question

from loaders.files import matching, read_json, stem, when, words
from loaders.locomo import talk

NAME = "LifeBench"
ORIGIN = "the folders locomo_format of github.com/1754955896/LifeBench (files renamed to lifebench*.json)"

_ASKED = re.compile(
    r"\A\s*[（(](?:提问时间|ask(?:ed|ing)?(?: |_)(?:time|on))\s*[：:][^（）()]{0,40}[）)]\s*", re.IGNORECASE
)
"""The day of asking, which some files also write in front of the question."""


def find(folder: Path) -> Iterator[DataSet]:
    for file in matching(folder, "lifebench*.json", "lifebench*.json.gz"):
        yield DataSet(name=stem(file), load=lambda file=file: read(file), depths=(5, 10, 20, 50))


def read(file: Path) -> list[Case]:
    """One case a person."""
    data = read_json(file)
    return [_case(number, person) for number, person in enumerate(data if isinstance(data, list) else [data])]


def _case(number: int, person: Mapping[str, Any]) -> Case:
    messages = talk(person["conversation"])
    known = {each.id for each in messages}
    name = str(person.get("sample_id", number))
    questions = [
        Question(
            id=str(asked.get("question_id") or f"{name}/{place}"),
            text=_ASKED.sub("", asked["question"]),
            category=_category(asked),
            gold=tuple(dict.fromkeys(each for each in map(_turn, asked.get("evidence") or []) if each in known)),
            asked_on=when(asked.get("ask_time")),
            answer=words(asked.get("answer")),
        )
        for place, asked in enumerate(person["qa"])
    ]
    return Case(id=name, messages=messages, questions=tuple(questions))


def _category(asked: Mapping[str, Any]) -> str:
    """The first of its kinds: a question may have several, and is counted once."""
    kinds = asked.get("question_type") or asked.get("category") or "other"
    return str(kinds[0] if isinstance(kinds, list) else kinds)


def _turn(evidence: Any) -> str:
    if isinstance(evidence, dict):
        return f"{evidence.get('session_date')}_{evidence.get('source')}{evidence.get('phone_id')}"
    return str(evidence)
