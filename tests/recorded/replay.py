"""The cases and their recorded answers: shared by the recorder and the test that replays."""

from __future__ import annotations

import hashlib
import json
import tomllib
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mnemic.extractors.llm import LLMExtractor
from mnemic.llms.reading import converse
from mnemic.prompts import extract
from mnemic.prompts import judge as judging
from mnemic.types import ExtractionRequest, Fact, Near, Turn, Usage

HERE = Path(__file__).parent
AT = datetime(2026, 5, 13, 9, 30, tzinfo=UTC)
NOTED = datetime(2025, 11, 2, 9, 30, tzinfo=UTC)


class StaleError(Exception):
    """A recorded answer is an answer to another prompt."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """A request, and what a careful reader would answer."""

    name: str
    raw: dict[str, Any]

    @property
    def file(self) -> Path:
        return HERE / f"{self.name}.json"

    @property
    def pairs(self) -> tuple[tuple[str, str], ...]:
        return tuple((new, known) for new, known, _ in self.raw.get("pairs", ()))

    @property
    def request(self) -> ExtractionRequest:
        def turns(key):
            return tuple(Turn(role=role, content=said, said_at=AT) for role, said in self.raw.get(key, ()))

        known = self.raw.get("near", ())
        return ExtractionRequest(
            turns=turns("turns"),
            before=turns("before"),
            near=tuple(Near(text=each, said_at=NOTED, score=0.8 - 0.2 * rank) for rank, each in enumerate(known)),
            metadata=self.raw.get("metadata", {}),
            choices=self.raw.get("choices", {}),
        )


def cases() -> list[Case]:
    """All of them, in the order of the data."""
    data = tomllib.loads((HERE / "cases.toml").read_text(encoding="utf-8"))
    return [Case(name=raw["name"], raw=raw) for raw in (*data["case"], *data["pairs"])]


def request_of(system: str, user: str, shape: type) -> dict[str, Any]:
    """What a model is asked, and its hash."""
    schema = shape.model_json_schema()
    asked = {"system": system, "user": user, "schema": schema}
    digest = hashlib.sha256(json.dumps(asked, ensure_ascii=False, sort_keys=True).encode()).hexdigest()
    version = judging.VERSION if issubclass(shape, judging.Verdicts) else extract.VERSION
    # The system message is the same for most cases and stands in the source; its hash tells whether it changed.
    kept = {"system": hashlib.sha256(system.encode()).hexdigest(), "user": user, "schema": schema}
    return {"version": version, "hash": digest, "request": kept}


class Replaying:
    """Gives the recorded answers of one case, to the request they were recorded for and to no other."""

    def __init__(self, case: Case) -> None:
        if not case.file.is_file():
            raise StaleError(f"stale: no answer to {case.name} is recorded; run `make record`")
        self._recorded = json.loads(case.file.read_text(encoding="utf-8"))
        self._case = case

    @property
    def name(self) -> str:
        return self._recorded["model"]

    async def answer(self, system, user, shape):
        if request_of(system, user, shape)["hash"] != self._recorded["hash"]:
            raise StaleError(f"stale: the request of {self._case.name} has changed; run `make record`")
        answers = iter(self._recorded["answers"])

        async def ask(_complaint):
            return next(answers), Usage(model_calls=1)

        return await converse(ask, shape, name=self.name)


async def run(case: Case, extractor: LLMExtractor):
    """What the extractor makes of the case: an extraction, or verdicts."""
    if case.pairs:
        return (await extractor.judge(case.pairs))[0]
    return await extractor.extract(case.request)


async def is_fresh(case: Case) -> bool:
    """Whether there is a recorded answer to the present request."""
    try:
        await run(case, LLMExtractor(Replaying(case)))
    except StaleError:
        return False
    return True


async def judge(case: Case) -> tuple[list[str], list[str]]:
    """What is wrong with the recorded answer, and what is in it."""
    found = await run(case, LLMExtractor(Replaying(case)))
    if case.pairs:
        wanted = [verdict for _, _, verdict in case.raw["pairs"]]
        wrong = [
            f"pair {at}: {want}" for at, (want, got) in enumerate(zip(wanted, found, strict=True), 1) if want != got
        ]
        return wrong, list(found)
    shown = [f"{fact.text} -> {_deed(fact)}" if case.raw.get("near") else fact.text for fact in found.facts]
    if case.raw.get("nothing"):
        return (["expected nothing"] if found.facts else []), shown
    wrong = [
        f"expected {' '.join(words)}"
        for words in case.raw["expect"]
        if not any(all(_holds(fact, word) for word in words) for fact in found.facts)
    ]
    return wrong, shown


def _holds(fact: Fact, word: str) -> bool:
    if word.startswith("-> "):
        return _deed(fact) == word.removeprefix("-> ")
    return any(each.casefold() in fact.text.casefold() for each in word.split("|"))


def _deed(fact: Fact) -> str:
    deed = "ends" if fact.ends else fact.does
    return deed if fact.to is None else f"{deed} {fact.to + 1}"
