"""MADial-Bench: memories of one person, and dialogues in which the assistant should recall some of them.

The question is the last three turns before the point where the assistant should recall something; the
Chinese and the English half are the same data.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from cases import Case, DataSet, Message, Question

from loaders.files import matching, read_lines, when

NAME = "MADial-Bench"
ORIGIN = "the folder data of github.com/hejunqing/MADial-Bench (MIT)"

_SPEAKER = re.compile(r"<[^<>]+>:?")
_TURNS = 3


def find(folder: Path) -> Iterator[DataSet]:
    for file in matching(folder, "MADial-Bench-*-memory.json"):
        language = file.name.removeprefix("MADial-Bench-").removesuffix("-memory.json")
        yield DataSet(name=f"madial_{language}", load=lambda file=file: read(file), depths=(1, 3, 5, 10))


def read(memories: Path) -> list[Case]:
    """One case: a store of all memories, a session each, asked by every dialogue."""
    language = memories.name.removeprefix("MADial-Bench-").removesuffix("-memory.json")
    messages = [
        Message(
            id=number,
            text=f"{each['time']} {each['scene']} {each['emotion']} {each['event']}",
            session=number,
            at=when(each["time"]),
        )
        for line in read_lines(memories)
        for number, each in line.items()
    ]
    known = {each.id for each in messages}
    questions = []
    for place, asked in enumerate(read_lines(memories.with_name(f"MADial-Bench-{language}-dialogue.json"))):
        turn = asked["test-turn"][0] if asked["test-turn"] else len(asked["dialogue"])
        said = [_SPEAKER.sub("", each) for each in asked["dialogue"][1:turn]]
        gold = tuple(str(each) for each in asked["relevant-id"] if str(each) in known)
        questions.append(
            Question(id=f"{language}/{place}", text=" ".join(said[-_TURNS:]), category=language, gold=gold)
        )
    return [Case(id=f"madial-{language}", messages=tuple(messages), questions=tuple(questions))]
