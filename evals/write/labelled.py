"""The labelled set of the write path: what a case is, how it is read, and what makes it valid.

A case is a short scripted conversation and what must stand in memory when it is over. Labels name
memories by words that must occur in them, never by their exact text, so that an extractor may keep
whole sentences or short facts. evals/README.md explains every field.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

CASES = Path(__file__).parent / "cases"
FIXED_60 = Path(__file__).parent / "fixed60.txt"

LANGUAGES = ("en", "zh-Hant", "zh-Hans", "mixed")
_MESSAGE_KEYS = {"role", "content", "name", "at"}
_LABELS = ("current", "may", "history", "not_current", "count", "sources")


@dataclass(frozen=True, kw_only=True)
class Label:
    """Words that name one memory, and what is asked of it."""

    has: tuple[str, ...]
    """Each must occur, whatever its case; "a|b" is either."""
    n: int = 1
    """For `count` and `sources`: how many."""
    subject: str | None = None
    """`user`: the memory's subject is the user; `other`: it is somebody or something else."""
    by: str | None = None
    """`assistant`: the memory is attributed to the assistant."""
    speaker: str | None = None
    """The name of who said it."""

    def occurs_in(self, text: str) -> bool:
        """Whether the words stand in `text`."""
        low = text.casefold()
        return all(any(word.casefold() in low for word in each.split("|")) for each in self.has)

    def __str__(self) -> str:
        asked = "".join(f" {name}={value}" for name in ("subject", "by", "speaker") if (value := getattr(self, name)))
        return " & ".join(self.has) + asked


@dataclass(frozen=True, kw_only=True)
class Case:
    """One conversation and what is expected of it."""

    id: str
    language: str
    topic: str
    adds: tuple[tuple[dict[str, Any], ...], ...]
    """The messages of each call of `add`, in order."""
    needs_model: bool = False
    """No sentence rule could reasonably do it: it takes the meaning of words or knowledge of the world."""
    unknown: bool = False
    """What should be kept cannot be told from the text alone (sarcasm): run, never scored."""
    none: bool = False
    """Nothing may be kept."""
    current: tuple[Label, ...] = ()
    may: tuple[Label, ...] = ()
    history: tuple[Label, ...] = ()
    not_current: tuple[Label, ...] = ()
    count: tuple[Label, ...] = ()
    sources: tuple[Label, ...] = ()
    raw: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @property
    def script(self) -> str:
        """The conversation as one string, for keys of what is kept on disk."""
        return json.dumps(self.raw["messages"], ensure_ascii=False, sort_keys=True)


class BadCaseError(ValueError):
    """A case that does not mean anything, and why."""


def load(folder: Path = CASES) -> tuple[Case, ...]:
    """Every case, in the order of the files' names. Raises BadCaseError."""
    cases = tuple(
        _case(json.loads(line), f"{file.name}:{number}")
        for file in sorted(folder.glob("*.jsonl"))
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1)
    )
    ids = [case.id for case in cases]
    if double := {each for each in ids if ids.count(each) > 1}:
        raise BadCaseError(f"ids used twice: {sorted(double)}")
    return cases


def fixed_60(cases: Sequence[Case]) -> tuple[Case, ...]:
    """The sixty cases that a slow model is measured on. Raises BadCaseError when one is not in the set."""
    known = {case.id: case for case in cases}
    ids = FIXED_60.read_text(encoding="utf-8").split()
    if missing := [each for each in ids if each not in known]:
        raise BadCaseError(f"fixed60.txt names unknown cases: {missing}")
    return tuple(known[each] for each in ids)


def _case(raw: dict[str, Any], where: str) -> Case:
    wrong = raw.keys() - {"id", "language", "topic", "needs", "messages", "expect"}
    expect = raw["expect"]
    wrong |= expect.keys() - {*_LABELS, "none", "unknown"}
    if wrong:
        raise BadCaseError(f"{where}: unknown keys {sorted(wrong)}")
    if raw["language"] not in LANGUAGES or raw.get("needs", "model") != "model":
        raise BadCaseError(f"{where}: language {raw['language']!r} or needs {raw.get('needs')!r}")
    if not expect:
        raise BadCaseError(f"{where}: nothing is expected")
    if ("none" in expect or "unknown" in expect) and len(expect) > 1:
        raise BadCaseError(f"{where}: none and unknown stand alone")
    case = Case(
        id=raw["id"],
        language=raw["language"],
        topic=raw["topic"],
        adds=tuple(tuple(add) for add in raw["messages"]),
        needs_model=raw.get("needs") == "model",
        unknown=expect.get("unknown", False),
        none=expect.get("none", False),
        **{name: tuple(_label(each, where) for each in expect.get(name, ())) for name in _LABELS},
        raw=raw,
    )
    _check_messages(case, where)
    return case


def _label(raw: dict[str, Any], where: str) -> Label:
    label = Label(**{**raw, "has": tuple(raw["has"])})
    if not label.has or not all(label.has) or label.n < 1:
        raise BadCaseError(f"{where}: {raw} names no memory")
    if label.subject not in (None, "user", "other") or label.by not in (None, "assistant"):
        raise BadCaseError(f"{where}: {raw}")
    return label


def _check_messages(case: Case, where: str) -> None:
    """The words of a label must stand together in a message: what nobody said cannot be asked for."""
    said = [message for add in case.adds for message in add]
    if not said or any(message.keys() - _MESSAGE_KEYS or not message["content"] for message in said):
        raise BadCaseError(f"{where}: an empty add, or a message with unknown keys")
    for name in _LABELS:
        for label in getattr(case, name):
            if not any(label.occurs_in(message["content"]) for message in said):
                raise BadCaseError(f"{where}: no message says {label} ({name})")
            if label.speaker and label.speaker not in {message.get("name") for message in said}:
                raise BadCaseError(f"{where}: nobody is called {label.speaker}")
    for label in case.history:
        if sum(label.occurs_in(message["content"]) for message in said) != 1:
            raise BadCaseError(f"{where}: {label} (history) must name one message")
