"""BEAM (Beyond a Million Tokens): one person and an assistant over 100 thousand to 10 million tokens.

Read as its repository has it, `chats/<size>/<number>/chat.json` beside `probing_questions/`, or as rows
exported from the data set hub (`beam*.json` or `.jsonl`). Ids of messages may repeat in the longest chats;
a question whose evidence then cannot be told apart has no gold and is not part of recall.
"""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from cases import Case, DataSet, Message, Question

from loaders.files import matching, read_json, stem, when, words

NAME = "BEAM"
ORIGIN = "the folder chats of github.com/mohammadtavakoli78/BEAM, or rows of Mohammadta/BEAM (CC BY-SA 4.0)"

_PLAN = re.compile(r"\s*->->[\s\d.,;N/A-]*\Z")
"""What the generator wrote behind a user's message: a place in its plan, never said."""

_ANSWERS = ("answer", "ideal_answer", "ideal_response", "ideal_summary", "expected_compliance")
_DEPTHS = (5, 10, 20, 50)


def find(folder: Path) -> Iterator[DataSet]:
    sizes: dict[str, list[Path]] = {}
    for file in matching(folder, "probing_questions.json"):
        chat = file.parent.parent
        if (chat / "chat.json").exists():
            sizes.setdefault(chat.parent.name, []).append(chat)
    for size, chats in sizes.items():
        yield DataSet(name=f"beam_{size}", load=lambda chats=chats: [_folder(each) for each in chats], depths=_DEPTHS)
    for file in matching(folder, "beam*.json", "beam*.jsonl", "beam*.json.gz", "beam*.jsonl.gz"):
        yield DataSet(name=stem(file), load=lambda file=file: rows(file), depths=_DEPTHS)


def rows(file: Path) -> list[Case]:
    """One case a row; `probing_questions` may be a Python literal, as the hub has it."""
    cases = []
    for place, row in enumerate(read_json(file)):
        asked = row["probing_questions"]
        name = str(row.get("conversation_id", place))
        cases.append(case(name, row["chat"], ast.literal_eval(asked) if isinstance(asked, str) else asked))
    return cases


def _folder(chat: Path) -> Case:
    name = f"{chat.parent.name}-{chat.name}"
    return case(name, read_json(chat / "chat.json"), read_json(chat / "probing_questions" / "probing_questions.json"))


def case(name: str, chat: Any, asked: Mapping[str, list[dict[str, Any]]]) -> Case:
    """A chat and its questions, by ability."""
    messages, known = [], Counter[str]()
    for batch, (anchor, turns) in enumerate(_batches(chat)):
        for turn in turns:
            said = _PLAN.sub("", turn["content"])
            known[str(turn["id"])] += 1
            if said.strip():
                repeated = known[str(turn["id"])]
                messages.append(
                    Message(
                        id=str(turn["id"]) if repeated == 1 else f"{turn['id']}#{repeated}",
                        text=said,
                        session=str(batch),
                        role=turn["role"],
                        at=when(anchor),
                    )
                )
    questions = [
        Question(
            id=f"{name}/{ability}/{place}",
            text=each["question"],
            category=ability.replace("_", " "),
            gold=_gold(each.get("source_chat_ids"), known),
            answer=words(next((each[key] for key in _ANSWERS if each.get(key)), None)),
        )
        for ability, several in asked.items()
        for place, each in enumerate(several)
    ]
    return Case(id=name, messages=tuple(messages), questions=tuple(questions))


def _batches(node: Any) -> Iterator[tuple[Any, list[dict[str, Any]]]]:
    """A date and the messages of each batch, however deep plans and turns nest them."""
    if isinstance(node, dict) and "turns" in node:
        said = list(_messages(node["turns"]))
        yield node.get("time_anchor") or _anchor(said), said
    elif isinstance(node, dict):
        for each in node.values():
            yield from _batches(each)
    elif isinstance(node, list) and node and all(isinstance(each, dict) and "content" in each for each in node):
        yield _anchor(node), node
    elif isinstance(node, list):
        for each in node:
            yield from _batches(each)


def _messages(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        yield node
    else:
        for each in node:
            yield from _messages(each)


def _anchor(said: list[dict[str, Any]]) -> Any:
    return next((each["time_anchor"] for each in said if each.get("time_anchor")), None)


def _gold(raw: Any, known: Mapping[str, int]) -> tuple[str, ...]:
    """Ids in lists, or in lists by part of the answer; none where one of them is missing or stands for two."""
    listed = list(dict.fromkeys(_flat(raw)))
    return tuple(listed) if all(known.get(each) == 1 for each in listed) else ()


def _flat(raw: Any) -> Iterator[str]:
    if isinstance(raw, dict):
        raw = list(raw.values())
    if isinstance(raw, list):
        for each in raw:
            yield from _flat(each)
    elif raw is not None:
        yield str(raw)
