"""LongMemEval: a haystack of chats with an assistant a question, and the sessions that answer it.

The files differ in the size of the haystack only: oracle (evidence alone), s (about 50 sessions), m (about
500). As in its own code, questions that cannot be answered (`_abs`) are not part of recall.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from cases import Case, DataSet, Message, Question

from loaders.files import matching, read_json, stem, when, words

NAME = "LongMemEval"
ORIGIN = "longmemeval_s.json, _m.json or _oracle.json of github.com/xiaowu0162/LongMemEval (MIT)"


def find(folder: Path) -> Iterator[DataSet]:
    for file in matching(folder, "longmemeval*.json", "longmemeval*.json.gz"):
        yield DataSet(name=stem(file), load=lambda file=file: read(file), depths=(1, 3, 5, 10))


def read(file: Path) -> list[Case]:
    """One case a question."""
    return [_case(asked) for asked in read_json(file)]


def _case(asked: Mapping[str, Any]) -> Case:
    haystack = zip(asked["haystack_session_ids"], asked["haystack_dates"], asked["haystack_sessions"], strict=True)
    messages = [
        Message(id=f"{name}#{place}", text=turn["content"], session=name, role=turn["role"], at=when(date))
        for name, date, turns in haystack
        for place, turn in enumerate(turns)
        if turn["content"].strip()
    ]
    unanswerable = asked["question_id"].endswith("_abs")
    question = Question(
        id=asked["question_id"],
        text=asked["question"],
        category="unanswerable" if unanswerable else asked["question_type"],
        gold=() if unanswerable else tuple(dict.fromkeys(asked["answer_session_ids"])),
        level="session",
        asked_on=when(asked.get("question_date")),
        answer=words(asked.get("answer")),
    )
    return Case(id=asked["question_id"], messages=tuple(messages), questions=(question,))
